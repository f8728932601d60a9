/**
 * The track record of an agent: what has come of its attempts, by capability. How many were good enough by themselves, how sure it was
 * then, which faults there were, what it has cost beside what it had estimated.
 *
 * Tasks tell it, each attempt once. It remembers the last two hundred or so for each capability, in spans of twenty that are forgotten
 * as a whole: so it stays small, and an agent is judged by what it does nowadays.
 */
import { assign, setup } from 'xstate';
import type { FaultClass } from '../faults/fault.ts';

/** What came of one attempt. */
export interface AttemptReport {
  /** Why it was not good enough; absent: it was accepted. */
  readonly fault?: FaultClass;
  /** How sure it was, by its own word, from 0 to 1. */
  readonly confidence?: number;
  /** In micro-units, both; absent: nobody knows. */
  readonly cost?: number;
  readonly estimate?: number;
  readonly durationMs: number;
}

/** From a task. */
export interface RecordReport {
  readonly type: 'record.report';
  readonly capability: string;
  readonly attempts: readonly AttemptReport[];
}

/** Sums over attempts. All are whole numbers. */
export interface Tally {
  readonly attempts: number;
  readonly accepted: number;
  readonly faults: { readonly [TClass in FaultClass]?: number };
  /** Of those attempts of which both are known. */
  readonly cost: number;
  readonly estimate: number;
  /** Of those of which the cost is known, whatever was estimated. */
  readonly billed: number;
  readonly bills: number;
  readonly durationMs: number;
  /** By tenths of the confidence: how many said so, and how many of those were accepted. */
  readonly said: readonly number[];
  readonly right: readonly number[];
}

interface Span {
  /** When it began, in ms since the epoch. */
  readonly from: number;
  readonly tally: Tally;
}

export interface TrackRecordContext {
  /** The capability that was reported longest ago comes first; in each, the oldest span. */
  readonly spans: readonly (readonly [capability: string, spans: readonly Span[]])[];
}

const SPAN_ATTEMPTS = 20;
const MOST_SPANS = 10;
const MOST_CAPABILITIES = 50;
const TENTHS = 10;

const NOTHING: Tally = {
  ...{ attempts: 0, accepted: 0, faults: {}, cost: 0, estimate: 0, billed: 0, bills: 0, durationMs: 0 },
  ...{ said: Array<number>(TENTHS).fill(0), right: Array<number>(TENTHS).fill(0) },
};

/** What says nothing about the agent: nobody wanted it, it could not be paid, it was not asked. */
const NOT_ITS_OWN: ReadonlySet<FaultClass> = new Set<FaultClass>([
  ...(['cancelled', 'budget-exhausted', 'not-permitted', 'no-agent', 'invalid-input'] as const),
]);

/** A track record. It is born empty, and is told by tasks. */
export const trackRecord = setup({
  types: { context: {} as TrackRecordContext, events: {} as RecordReport },
  actions: {
    note: assign(({ context, event }) => noted(context, event, Date.now())),
  },
}).createMachine({
  id: 'trackRecord',
  context: { spans: [] },
  on: { 'record.report': { actions: 'note' } },
});

function noted({ spans }: TrackRecordContext, report: RecordReport, now: number): TrackRecordContext {
  const { capability } = report;
  const own = report.attempts.filter(({ fault }) => fault === undefined || !NOT_ITS_OWN.has(fault));
  if (own.length === 0) return { spans };
  const before = spans.find(([name]) => name === capability)?.[1] ?? [];
  const after = own.reduce((all, attempt) => withAttempt(all, attempt, now), before);
  const others = spans.filter(([name]) => name !== capability).slice(1 - MOST_CAPABILITIES);
  return { spans: [...others, [capability, after]] };
}

function withAttempt(spans: readonly Span[], attempt: AttemptReport, now: number): readonly Span[] {
  const last = spans.at(-1);
  if (last === undefined || last.tally.attempts >= SPAN_ATTEMPTS)
    return [...spans.slice(1 - MOST_SPANS), { from: now, tally: plus(NOTHING, tallyOf(attempt)) }];
  return [...spans.slice(0, -1), { ...last, tally: plus(last.tally, tallyOf(attempt)) }];
}

function tallyOf({ fault, confidence, cost, estimate, durationMs }: AttemptReport): Tally {
  const accepted = fault === undefined ? 1 : 0;
  const isCompared = cost !== undefined && estimate !== undefined;
  const tenth = confidence === undefined ? -1 : Math.min(TENTHS - 1, Math.floor(confidence * TENTHS));
  const marked = (by: number): number[] => NOTHING.said.map((none, i) => (i === tenth ? by : none));
  return {
    ...{ attempts: 1, accepted, faults: fault === undefined ? {} : { [fault]: 1 }, durationMs },
    ...{ cost: isCompared ? cost : 0, estimate: isCompared ? estimate : 0 },
    ...{ billed: cost ?? 0, bills: cost === undefined ? 0 : 1, said: marked(1), right: marked(accepted) },
  };
}

function plus(some: Tally, more: Tally): Tally {
  const faults: { [TClass in FaultClass]?: number } = { ...some.faults };
  for (const [name, count] of Object.entries(more.faults) as [FaultClass, number][])
    faults[name] = (faults[name] ?? 0) + count;
  return {
    faults,
    attempts: some.attempts + more.attempts,
    accepted: some.accepted + more.accepted,
    cost: some.cost + more.cost,
    estimate: some.estimate + more.estimate,
    billed: some.billed + more.billed,
    bills: some.bills + more.bills,
    durationMs: some.durationMs + more.durationMs,
    said: some.said.map((count, i) => count + more.said[i]!),
    right: some.right.map((count, i) => count + more.right[i]!),
  };
}

/** What is remembered of a capability; without one, of all together. */
export function tallied({ spans }: TrackRecordContext, capability?: string): Tally {
  return spans
    .filter(([name]) => capability === undefined || name === capability)
    .flatMap(([, all]) => all)
    .reduce((sum, { tally }) => plus(sum, tally), NOTHING);
}
