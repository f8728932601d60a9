/**
 * What decides about reviews and absences comes through `system.reviews`, where the decider is asked for whoever it is: with `send`
 * anybody who may send could say that it was somebody else, and that he was permitted.
 */
import type { AnyActorLogic, AnyEventObject } from 'xstate';
import { review } from '../../machines/review/review.ts';
import type { RosterMachine } from '../../machines/absence/roster.ts';
import { durable } from '../../runtime/index.ts';
import type { Receipt, SendOptions } from '../../runtime/index.ts';

/** A system by which they are sent. */
export interface Sending {
  sendReserved(to: object, event: AnyEventObject, options?: SendOptions): Promise<Receipt>;
}

/** The review of gates, and of tasks. */
export const reservedReview: AnyActorLogic = durable(review, { reserves: { 'review.': 'system.reviews' } });

export const reservedRoster = (roster: RosterMachine): RosterMachine =>
  durable(roster, { reserves: { 'absence.': 'system.reviews.absences' } });
