/**
 * An attempt that is given up before its answer has come: what it has cost, as far as those know who work on it. Where it waits at a
 * gate, nobody was asked, and it has cost nothing; what it was to do is not done either. Of a call that was begun nobody knows.
 *
 * What it looks at, the states of children, is recorded with the step; so it looks only where there are gates or parts.
 */
import type { AnyActorRef } from 'xstate';
import { isUncalled } from '../permits/guarded.ts';
import { NOTHING } from '../values/money.ts';
import type { Micros } from '../values/money.ts';
import { answerOfError } from './broken.ts';
import { underWayIn } from './parts.ts';
import { costOf } from './paying.ts';
import { costOfSupplied } from './serving.ts';
import type { Answer, Supplied } from './words.ts';

export interface GivenUp {
  /** Absent: nobody knows. */
  readonly cost?: Micros;
  /** Nobody was asked. */
  readonly unasked?: true;
}

/** What of an `Asking` says what may be known. */
interface Asked {
  readonly permits: readonly string[];
  readonly supplied?: Supplied | undefined;
  readonly inParts?: boolean;
}

interface Snapshot {
  readonly status: string;
  readonly output?: unknown;
  readonly error?: unknown;
  readonly children?: Readonly<Record<string, AnyActorRef>>;
}

const UNASKED: GivenUp = { cost: NOTHING, unasked: true };

/** @param self whoever has asked, by a child `ask`, in the step in which it gives the attempt up */
export function givenUp({ permits, supplied, inParts }: Asked, self: AnyActorRef): GivenUp {
  // Of a person it is known already.
  if (supplied !== undefined) return { cost: costOfSupplied(supplied) };
  return permits.length === 0 && inParts !== true ? {} : knownBy(childOf(self, 'ask'));
}

/** Why an attempt is over whose time is. */
export const wordsOfLate = ({ unasked }: GivenUp): string =>
  unasked ? 'its time was over before anybody was asked' : 'it took longer than it may';

const snapshotOf = (actor: AnyActorRef): Snapshot => actor.getSnapshot() as Snapshot;

const childOf = (actor: AnyActorRef, id: string): AnyActorRef | undefined => snapshotOf(actor).children?.[id];

function knownBy(asked: AnyActorRef | undefined): GivenUp {
  if (asked === undefined) return {};
  const snapshot = snapshotOf(asked);
  const { status, output, error } = snapshot;
  if (isUncalled(snapshot)) return UNASKED;
  // Its answer is under way.
  if (status === 'done') return costIn(output as Answer);
  if (status === 'error') return costIn(answerOfError(error));
  return knownByParts(asked);
}

/** Where one of them is asked, nobody knows of the whole. */
function knownByParts(asked: AnyActorRef): GivenUp {
  const parts = underWayIn(snapshotOf(asked));
  if (parts === undefined) return {};
  const running = parts.running.map((id) => knownBy(childOf(asked, id)));
  if (running.some(({ cost }) => cost === undefined)) return {};
  const cost = running.reduce((sum, one) => (sum + one.cost!) as Micros, parts.spent);
  const isUnasked = parts.isFirst && running.every(({ unasked }) => unasked);
  return { cost, ...(isUnasked && { unasked: true }) };
}

function costIn(answer: Answer): GivenUp {
  const cost = costOf(answer);
  return cost === undefined ? {} : { cost };
}
