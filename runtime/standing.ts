/**
 * Standing: whether an actor may run, and the events by which that changes.
 *
 * An actor that is *down* keeps everything it has. Its messages wait, its timers wait, its processes are stopped; only the
 * events below reach it. It went down because it failed (`crash`), or because a supervisor has halted it. When it comes up
 * it goes on where it was: after a crash its state is restored from its journal first. Its children go down and come up with it.
 *
 * Going down and coming up are records like any others, so a crash of the whole system in between changes nothing.
 */
import type { AnyEventObject } from 'xstate';
import type { Cell } from './cell.ts';
import { PERFORM, performing } from './forked-effects.ts';
import { NO_INTENTS } from './kernel/intent.ts';
import type { Intent } from './kernel/intent.ts';
import type { Ref } from './kernel/ref.ts';
import type { AnySnapshot, Outcome } from './kernel/step.ts';
import type { Message } from './mailbox.ts';

/** Stop running, and everything below you. */
export const HALT = 'heddle.halt';
/** Run again, and everything below you that was halted. */
export const UP = 'heddle.up';
/** You have failed, though not in a step: an action of yours was given up, or a child's failure is yours. */
export const FAIL = 'heddle.fail';

/** Why an actor does not run. */
export interface Down {
  readonly why: 'crash' | 'halted';
  readonly at: number;
  /** The record in which it went down. */
  readonly seq: number;
  readonly error?: unknown;
  /** The child whose failure became its own. */
  readonly child?: string;
  /** When it comes up by itself. */
  readonly upAt?: number;
}

/** Whether an actor is not down: it takes its messages, and not only orders. */
export function isUp({ down, held }: Cell): boolean {
  return down === undefined && !held;
}

/** Whether an actor may do anything of its own. One that is paused takes not even orders. */
export function mayRun(cell: Cell): boolean {
  return isUp(cell) && cell.paused === undefined;
}

/** Whether a message reaches an actor that is down. */
export function isOrder({ event, birth }: Message): boolean {
  return birth !== undefined || isUrgent(event) || event.type === 'xstate.stop';
}

/** Whether an event does not wait behind others. Asked for every message: most types begin with another letter. */
export function isUrgent({ type }: AnyEventObject): boolean {
  return type.charCodeAt(0) === 104 && (type === HALT || type === UP || type === FAIL || type === PERFORM);
}

/** The step of an order: the state stays, and the children are told. Undefined for every other event. */
export function standingStep(
  { snapshot, down, booked }: Cell,
  { type }: AnyEventObject,
): Outcome | undefined {
  if (type !== HALT && type !== UP && type !== PERFORM) return undefined;
  // Who is up already has children that are.
  const isNews = type !== UP || down !== undefined;
  const told = isNews ? childrenOf(snapshot) : [];
  const intents = told.map((to): Intent => ({ kind: 'send', to, event: { type } }));
  return { snapshot: snapshot!, intents: intents.length === 0 ? NO_INTENTS : intents, booked };
}

/** Those that go down and come up with it. */
export function childrenOf(snapshot: AnySnapshot | undefined): readonly Ref[] {
  return Object.values(snapshot?.children ?? {});
}

/** What an order does to the actor's standing, live or told again. */
export function applyOrder(cell: Cell, { type }: AnyEventObject, at: number): void {
  if (type === PERFORM) {
    cell.birth = performing(cell.birth!);
    return;
  }
  // Whoever ordered this decides from now on when it comes up.
  for (const [key, { event }] of cell.timers ?? []) if (event.type === UP) cell.timers!.delete(key);
  if (type === HALT) {
    // A crash remains one: what comes up is restored from the journal.
    if (cell.down?.why !== 'crash') cell.down = { why: 'halted', at, seq: cell.seq };
    else cell.down = withoutUp(cell.down);
  } else if (type === UP) {
    if (cell.down?.why === 'crash' && cell.definition.isProcess) cell.attempt = 1;
    cell.down = undefined;
  }
}

function withoutUp({ why, at, seq, error, child }: Down): Down {
  return { why, at, seq, error, ...(child !== undefined && { child }) };
}
