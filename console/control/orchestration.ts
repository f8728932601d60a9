/**
 * What a system of `heddle` has besides a system of the runtime: runs, reviews, halts, contents. The console takes it as it finds it
 * on the system that it was given, by its shape; how it is made it does not know.
 */
import type { Blame, BlameOptions, Principal } from '../../runtime/index.ts';

export interface Orchestration {
  readonly runs: {
    status(run: string, options: { readonly at?: number }): Promise<object>;
    list(options: RunsWanted): AsyncIterable<object>;
    watch(run: string, options: { readonly signal: AbortSignal }): AsyncIterable<object>;
    route(task: string, options: { readonly at?: number }): Promise<string>;
    of(run: string): { blame(field: string, options: BlameOptions): Promise<Blame | undefined> };
  };
  readonly reviews: {
    pending(options: ReviewsWanted): AsyncIterable<object>;
    get(id: string): object | undefined;
    context(id: string): Promise<object>;
  };
  readonly halts: Halting;
  readonly content: {
    /** JSON. */
    get(hash: string): unknown;
    facts(hash: string): object | undefined;
    diff(from: string, to: string): readonly { path: string; before: unknown; after: unknown }[];
  };
  lineage(hash: string, options: { readonly run?: string; readonly at?: number }): Promise<object>;
}

/** Where a run can be. */
export const RUN_STATES = [
  ...(['running', 'waiting', 'parked', 'compensating', 'complete', 'failed', 'aborted', 'stopped'] as const),
] as const;

export interface RunsWanted {
  readonly workflow?: string;
  readonly state?: (typeof RUN_STATES)[number];
  readonly under?: string;
  readonly limit?: number;
}

export interface ReviewsWanted {
  readonly role?: string;
  readonly by?: string;
  readonly workflow?: string;
  readonly under?: string;
  readonly overdue?: boolean;
  readonly limit?: number;
}

export const HALT_KINDS = ['agent', 'model', 'capability', 'tool', 'tenant', 'workflow'] as const;
export type HaltKind = (typeof HALT_KINDS)[number];
/** `all`, or one of a kind: `{ agent: 'writer' }`. */
export type HaltTarget =
  'all' | { readonly [TKind in HaltKind]: { readonly [TName in TKind]: string } }[HaltKind];

/** The kill switch. */
export interface Halting {
  halt(target: HaltTarget, words: HaltWords): Promise<void>;
  lift(target: HaltTarget, words: HaltWords): Promise<void>;
  list(): readonly HaltFound[];
}

/** Who says it: whoever is asked for, or, where the program asks, what it says. */
interface HaltWords {
  readonly by: Principal | string;
  readonly reason: string;
}

interface HaltFound {
  readonly target: HaltTarget;
  readonly since: number;
  readonly by?: string;
  readonly reason?: string;
}

/** What there is of it on a system; undefined where it was opened without, by the runtime alone. */
export function orchestrationIn(system: object): Orchestration | undefined {
  const { runs, reviews, halts, content, lineage } = system as Partial<Orchestration>;
  const isThere = [runs, reviews, halts, content].every((one) => typeof one === 'object');
  // Whether it has that shape the compiler is asked where such systems are known: in the tests.
  return isThere && typeof lineage === 'function' ? (system as Orchestration) : undefined;
}
