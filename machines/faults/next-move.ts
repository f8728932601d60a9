/**
 * What is done next about a fault: the first rung of its ladder that is not used up and is possible now. Pure: time, money and
 * whoever is left are told to it, and chance is an argument. Inside a step that is `Math.random`, whose numbers are recorded.
 *
 * It decides, and carries nothing out. Every call that is followed by its move makes the history longer, and no history is
 * endless: rungs are counted, agents are finite, and the last rung of each ladder ends the matter.
 */
import type { Fault, FaultClass, ValueProblem } from './fault.ts';
import type { Micros } from '../values/money.ts';
import type { Backoff, Deed, DeedName, Rung, Strategy, Sureness } from './strategy.ts';

/** A task, at the moment at which an attempt has ended with a fault. */
export interface Situation {
  readonly strategy: Strategy;
  readonly fault: Fault;
  /** Who has made the attempt; absent where nobody could be asked. */
  readonly agent?: string | undefined;
  /** What has been done about the faults before. A person who lets the task go on may begin with an empty one. */
  readonly history: readonly Taken[];
  readonly limits: Limits;
}

/** What is left. What is absent is unlimited. */
export interface Limits {
  /** ms since the epoch. */
  readonly now: number;
  /** ms since the epoch: an attempt that could only begin then is too late. */
  readonly deadline?: number | undefined;
  readonly attemptsLeft?: number | undefined;
  readonly moneyLeft?: Micros | undefined;
  /** What the attempt after a deed is expected to cost. Where it is not known, any money that is left will do. */
  readonly costs?: { readonly [TName in DeedName]?: Micros | undefined } | undefined;
  /** How many could do it who have not tried. */
  readonly otherAgents: number;
  /** How many of them have a larger window. */
  readonly largerWindows: number;
  /** Whether the task declares how it is done in parts. */
  readonly canChunk: boolean;
  /** Whether what was answered before may be looked up. */
  readonly canRecall?: boolean | undefined;
  /** Whether there is an answer that keeps its contract. */
  readonly hasAnswer?: boolean | undefined;
  /** The repairs that the agent's contract declares, in their order. */
  readonly repairs: readonly string[];
}

/** One move, as the history keeps it: small, because it stays in the state of the task. */
export interface Taken {
  readonly class: FaultClass;
  /** The index in the ladder. */
  readonly rung: number;
  readonly do: DeedName;
  readonly agent?: string | undefined;
}

export type Move = { readonly because: Because } & (
  | { readonly do: 'retry' | 'wait'; readonly delayMs: number; readonly atMs: number }
  | { readonly do: 'repair'; readonly names: readonly string[] }
  | { readonly do: 'ask-again'; readonly problems: readonly ValueProblem[] }
  | Extract<Deed, { do: 'review' | 'default' | 'stale' }>
  | { readonly do: 'other-agent' | 'larger-window' | 'chunk' | 'accept' | 'fail' | 'park' }
);

/** Why: for the record. */
export interface Because {
  readonly strategy: string;
  readonly class: FaultClass;
  readonly rung: number;
  /** The rungs before it. */
  readonly skipped: readonly Skipped[];
}

export interface Skipped {
  readonly rung: number;
  readonly do: DeedName;
  readonly why: WhyNot;
}

export type WhyNot =
  | 'used-up'
  | 'sureness'
  | 'no-attempts'
  | 'no-money'
  | 'no-time'
  | 'no-other-agent'
  | 'no-larger-window'
  | 'no-chunking'
  | 'no-repair'
  | 'no-answer'
  | 'no-kept-answer';

/** @param draw a number from 0 to less than 1 */
export function nextMove(situation: Situation, draw: () => number): Move {
  const { strategy, fault } = situation;
  // Who makes up a class says nothing that anybody knows: see fault.ts.
  const named: FaultClass = Object.hasOwn(strategy.rows, fault.class) ? fault.class : 'crash';
  const skipped: Skipped[] = [];
  for (const [index, rung] of strategy.rows[named].entries()) {
    const deed = deedOf(rung, { ...situation, class: named, index }, draw);
    if (typeof deed !== 'string') {
      return { ...deed, because: { strategy: strategy.name, class: named, rung: index, skipped } };
    }
    skipped.push({ rung: index, do: rung.do, why: deed });
  }
  // A ladder that ends with `accept` has no end where there is nothing to accept; nor may one that was not made with strategy().
  return { do: 'fail', because: { strategy: strategy.name, class: named, rung: skipped.length, skipped } };
}

/** What the history has to keep of a move. */
export const taken = ({ do: deed, because }: Move, agent: string | undefined): Taken => ({
  class: because.class,
  rung: because.rung,
  do: deed,
  ...(agent !== undefined && { agent }),
});

/** A rung, and where it stands. */
interface Place extends Situation {
  readonly class: FaultClass;
  readonly index: number;
}

/** A move without its reason. */
type Bare<TMove = Move> = TMove extends unknown ? Omit<TMove, 'because'> : never;

/** What a rung comes to; or why it is not possible now. */
function deedOf(rung: Rung, place: Place, draw: () => number): Bare | WhyNot {
  const { fault, limits } = place;
  if (rung.sure !== undefined && !isWithin(rung.sure, fault.confidence)) return 'sureness';
  switch (rung.do) {
    case 'retry':
    case 'wait': {
      const before = timesTaken(place, rung.do === 'retry');
      if (before >= rung.times) return 'used-up';
      // To wait costs nothing: whether there is money is asked when it is over.
      const missing = rung.do === 'retry' ? missingFor('retry', limits) : noAttempts(limits);
      if (missing !== undefined) return missing;
      const delayMs = delayOf(rung.backoff, before, fault.retryAfterMs, draw);
      const atMs = limits.now + delayMs;
      return isInTime(atMs, limits) ? { do: rung.do, delayMs, atMs } : 'no-time';
    }
    case 'repair': {
      if (isBehind(place)) return 'used-up';
      const names = rung.names;
      const possible =
        names === 'declared' ? limits.repairs : names.filter((name) => limits.repairs.includes(name));
      return possible.length > 0 ? { do: 'repair', names: [...possible] } : 'no-repair';
    }
    case 'ask-again':
      if (timesTaken(place, true) >= rung.times) return 'used-up';
      return missingFor('ask-again', limits) ?? { do: 'ask-again', problems: fault.problems ?? [] };
    case 'other-agent':
      if (timesTaken(place) >= (rung.times ?? Infinity)) return 'used-up';
      if (limits.otherAgents < 1) return 'no-other-agent';
      return missingFor('other-agent', limits) ?? { do: 'other-agent' };
    case 'larger-window':
      if (limits.largerWindows < 1) return 'no-larger-window';
      return missingFor('larger-window', limits) ?? { do: 'larger-window' };
    case 'chunk':
      if (place.history.some(({ do: done }) => done === 'chunk')) return 'used-up';
      if (!limits.canChunk) return 'no-chunking';
      return missingFor('chunk', limits) ?? { do: 'chunk' };
    case 'review':
      return { do: 'review', ...(rung.role !== undefined && { role: rung.role }) };
    case 'stale':
      // Whoever comes back from it has found none.
      return isBehind(place) || limits.canRecall === false
        ? 'no-kept-answer'
        : { do: 'stale', maxAgeMs: rung.maxAgeMs };
    case 'default':
      return { do: 'default', value: rung.value };
    case 'accept':
      return limits.hasAnswer === false ? 'no-answer' : { do: 'accept' };
    case 'fail':
    case 'park':
      return { do: rung.do };
  }
}

function isWithin({ from = 0, below = Infinity }: Sureness, confidence: number | undefined): boolean {
  return confidence !== undefined && confidence >= from && confidence < below;
}

function timesTaken({ history, class: fault, index, agent }: Place, isByAgent = false): number {
  return history.filter(
    (move) => move.class === fault && move.rung === index && (!isByAgent || move.agent === agent),
  ).length;
}

/** The moves after which there is another answer. */
const ATTEMPTS: ReadonlySet<DeedName> = new Set([
  ...(['retry', 'wait', 'ask-again', 'other-agent', 'larger-window', 'chunk'] as const),
]);

/** Whether this rung was taken since the last attempt. */
function isBehind({ history, class: fault, index }: Place): boolean {
  const since = history.findLastIndex((move) => ATTEMPTS.has(move.do)) + 1;
  return history.slice(since).some((move) => move.class === fault && move.rung === index);
}

/** What another attempt lacks; undefined when it is possible. */
function missingFor(deed: DeedName, limits: Limits): WhyNot | undefined {
  const { moneyLeft, costs, now } = limits;
  const missing = noAttempts(limits);
  if (missing !== undefined) return missing;
  if (!isInTime(now, limits)) return 'no-time';
  // Whatever it costs, it is a millionth at least: what costs nothing says so.
  return moneyLeft === undefined || moneyLeft >= (costs?.[deed] ?? 1) ? undefined : 'no-money';
}

const noAttempts = ({ attemptsLeft = Infinity }: Limits): WhyNot | undefined =>
  attemptsLeft >= 1 ? undefined : 'no-attempts';

/** The last instant that a Date can say. */
const END_OF_TIME = 8.64e15;

const isInTime = (atMs: number, { deadline = Infinity }: Limits): boolean =>
  atMs < deadline && atMs <= END_OF_TIME;

/**
 * How long to wait before doing something for the time number `before` + 1. Those who were told the same `Retry-After` do not all
 * come back at the same instant: chance spreads them over what comes after it.
 */
function delayOf(
  { firstMs, factor, maxMs, jitter }: Backoff,
  before: number,
  retryAfterMs: number | undefined,
  draw: () => number,
): number {
  const chance = jitter * draw();
  const own = Math.min(maxMs, firstMs * factor ** before) * (1 - chance);
  const asked = retryAfterMs !== undefined && retryAfterMs > 0 ? retryAfterMs + firstMs * chance : 0;
  return Math.ceil(Math.max(own, asked));
}
