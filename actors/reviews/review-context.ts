/**
 * What a reviewer needs to decide well: what was done, why, with which data, and what an approval will cause. It is made from the
 * journals and from what the run knows of its plan, and not from what an agent says about itself; so it has the attempts that
 * failed and the money that was spent, whether or not somebody would rather leave them out.
 *
 * Pure. What is not known is not there: an empty list says that there is nothing, a field that is missing that nobody knows.
 */
import { canonicalOf, NotJson } from '../../machines/values/canonical.ts';
import type { Json } from '../../machines/values/canonical.ts';
import { edited } from '../../machines/review/edits.ts';
import { keysOf } from '../../machines/values/json-pointer.ts';
import type { Approval, Delegation, MadeEdit, VoidApproval } from '../../machines/review/rules.ts';
import { sha256 } from '../../machines/values/sha256.ts';
import type { DeadLetter, HistoryCause, HistoryRecord } from '../../runtime/index.ts';
import type { Review } from './reviews.ts';
import type {
  AttemptView,
  GroundView,
  JudgementView,
  MoneyView,
  RoutingView,
  SourceView,
  TaskView,
} from './run-view.ts';
import { whatFollows } from './what-follows.ts';
import type { NextNode, RunLevel } from './what-follows.ts';

/** Where something stands in a journal: `system.history(address, { from: seq, to: seq })`. */
export interface JournalLink {
  readonly address: string;
  readonly seq: number;
}

export interface ReviewerContext {
  readonly review: Review;
  /** What was done. */
  readonly did: {
    /** Oldest first: everything that has happened to the run and below it. */
    readonly timeline: readonly TimelineEntry[];
    /** What could not be done, and waits for an operator. */
    readonly deadLetters: readonly {
      readonly address: string;
      readonly at: number;
      readonly error: string;
    }[];
    readonly tasks?: readonly DoneTask[];
  };
  /** Why it is as it is. */
  readonly why: {
    readonly routing?: readonly (RoutingView & { readonly task: string })[];
    readonly judgements?: readonly (JudgementView & { readonly task: string })[];
    /** What the decider has permitted, or not, and by which rules. */
    readonly permissions: readonly PermissionEntry[];
  };
  /** Which data it is made from. */
  readonly data: {
    /** The hash that an approval is bound to. */
    readonly hash: string;
    readonly items?: readonly DataItem[];
  };
  /** What an approval will cause. */
  readonly consequences: {
    /** How many approvals are missing, the one that is asked for among them. */
    readonly missing: number;
    /** What will begin, or will be one step nearer to it; with what follows from that. Only once no approval is missing. */
    readonly next?: readonly NextNode[];
    readonly money?: MoneyView;
    /** What happens if nobody decides. */
    readonly deadline?: NonNullable<Review['next']>;
  };
  /** What else there would have been. */
  readonly alternatives?: readonly {
    readonly task: string;
    readonly agent: string;
    readonly reason: string;
  }[];
  /** Who has signed. */
  readonly signed: {
    readonly approvals: readonly Approval[];
    readonly voided: readonly VoidApproval[];
    readonly delegations: readonly Delegation[];
  };
  /** What people have changed, where they have. */
  readonly diff?: readonly Difference[];
}

export interface TimelineEntry extends JournalLink {
  readonly at: number;
  readonly what: 'began' | 'went on' | 'refused' | 'ended' | 'failed' | 'attempt failed';
  /** The type of the event. */
  readonly event: string;
  readonly cause: HistoryCause['kind'];
  readonly attempt?: number;
  readonly error?: string;
}

export interface DoneTask {
  /** Its name; within a list, a loop or another workflow with a path: `chapters/3`. */
  readonly task: string;
  readonly status: string;
  /** Why its output was taken, where that is not because it is good: `default`, `stale`, `unsure`, `repaired`, `person`. */
  readonly ground?: string;
  readonly attempts?: readonly AttemptView[];
  readonly cost?: number;
}

export interface PermissionEntry extends Partial<JournalLink> {
  /** Of the run, if it is not about the review itself. */
  readonly task?: string;
  readonly by?: string;
  readonly action: string;
  readonly effect: string;
  readonly determining: readonly string[];
}

export interface DataItem {
  readonly task: string;
  readonly what: 'input' | 'output';
  /** Of its canonical JSON. */
  readonly hash: string;
  readonly sources?: readonly SourceView[];
  /** Of an output: why it was taken, where that is not because it is good. */
  readonly ground?: string;
  /** Of an input: what of it was not taken because it is good. */
  readonly grounds?: readonly GroundView[];
}

/** One part of the proposal that somebody has changed. */
export interface Difference {
  readonly pointer: string;
  readonly op: 'replace' | 'add' | 'remove';
  /** Not there where nothing was. */
  readonly before?: Json;
  readonly after?: Json;
  readonly by: string;
  readonly at: number;
}

export interface ContextParts {
  readonly review: Review;
  /** The runs that it stands in, the nearest first; none: nobody knows of any. */
  readonly levels: readonly RunLevel[];
  readonly records: readonly HistoryRecord[];
  readonly letters: readonly DeadLetter[];
}

export function reviewerContext(parts: ContextParts): ReviewerContext {
  const { review, levels, records, letters } = parts;
  // The outermost has the others in it.
  const outermost = levels.at(-1);
  const tasks = outermost && Object.entries(outermost.view.tasks);
  return {
    review,
    did: {
      timeline: records.map(timelineEntry),
      deadLetters: letters.map(({ address, at, error }) => ({ address, at, error: textOf(error) })),
      ...(tasks && { tasks: tasks.map(doneTask) }),
    },
    why: {
      ...(tasks && { routing: present(tasks, (task) => task.routing) }),
      ...(tasks && { judgements: present(tasks, (task) => task.judgement) }),
      permissions: [...permissionsOf(tasks ?? []), ...permissionsIn(records, review.id)],
    },
    data: { hash: review.hash, ...(tasks && { items: tasks.flatMap(dataOf) }) },
    consequences: consequencesOf(review, levels),
    ...(tasks && { alternatives: tasks.flatMap(alternativesOf) }),
    signed: { approvals: review.approvals, voided: review.voided, delegations: review.delegations },
    ...(review.edits.length > 0 && { diff: differencesOf(review) }),
  };
}

type NamedTask = readonly [task: string, view: TaskView];

// ---- what was done ------------------------------------------------------------------------------------------------

function timelineEntry(record: HistoryRecord): TimelineEntry {
  const { address, seq, at, event, cause, attempt, error, intents } = record;
  const failure = error ?? failureIn(event);
  return {
    ...{ address, seq, at, event: event.type, cause: cause.kind },
    what: intents.some(isRefusal) ? 'refused' : kindOf(event.type, failure),
    ...(attempt !== undefined && { attempt }),
    ...(failure !== undefined && { error: textOf(failure) }),
  };
}

/** A review has told the world that it did not do as it was told. */
const isRefusal = (intent: HistoryRecord['intents'][number]): boolean =>
  intent.kind === 'emit' && intent.type === 'review.refused';

function failureIn(event: HistoryRecord['event']): unknown {
  if (event.type === 'heddle.attempt.failed' || event.type.startsWith('xstate.error.')) return event['error'];
  if (event.type === 'xstate.promise.reject') return event['data'];
  return event.type === 'heddle.process.failed' || event.type === 'xstate.observable.error'
    ? (event['error'] ?? event['data'])
    : undefined;
}

function kindOf(type: string, failure: unknown): TimelineEntry['what'] {
  if (type === 'heddle.attempt.failed') return 'attempt failed';
  if (failure !== undefined) return 'failed';
  if (type === 'xstate.init') return 'began';
  return /^xstate\.(stop$|promise\.|done\.)/.test(type) ? 'ended' : 'went on';
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function doneTask([task, { status, ground, attempts, cost }]: NamedTask): DoneTask {
  return {
    ...{ task, status },
    ...(ground !== undefined && { ground }),
    ...(attempts && { attempts }),
    ...(cost !== undefined && { cost }),
  };
}

// ---- why --------------------------------------------------------------------------------------------------------------

function present<T extends object>(
  tasks: readonly NamedTask[],
  part: (task: TaskView) => T | undefined,
): readonly (T & { readonly task: string })[] {
  return tasks.flatMap(([task, view]) => {
    const found = part(view);
    return found === undefined ? [] : [{ task, ...found }];
  });
}

function permissionsOf(tasks: readonly NamedTask[]): PermissionEntry[] {
  return tasks.flatMap(([task, { permissions = [] }]) =>
    permissions.map(({ action, effect, determining }) => ({ task, action, effect, determining })),
  );
}

/** What the review was told with each message. */
function permissionsIn(records: readonly HistoryRecord[], review: string): PermissionEntry[] {
  return records
    .filter(({ address }) => address === review)
    .flatMap(({ address, seq, event }) => {
      const { by, permissions } = event as { readonly by?: unknown; readonly permissions?: unknown };
      if (typeof by !== 'string' || !Array.isArray(permissions)) return [];
      return permissions.map(({ action, effect, determining }: PermissionEntry) => ({
        ...{ address, seq, by, action, effect, determining },
      }));
    });
}

// ---- the data -----------------------------------------------------------------------------------------------------

function dataOf([task, { input, output, sources, ground, grounds }]: NamedTask): DataItem[] {
  const items: DataItem[] = [];
  const [ofInput, ofOutput] = [hashOf(input), hashOf(output)];
  if (ofInput !== undefined)
    items.push({
      task,
      what: 'input',
      hash: ofInput,
      ...(sources && { sources }),
      ...(grounds && { grounds }),
    });
  if (ofOutput !== undefined)
    items.push({ task, what: 'output', hash: ofOutput, ...(ground !== undefined && { ground }) });
  return items;
}

/** Undefined where there is none, or nothing that has one. */
function hashOf(value: Json | undefined): string | undefined {
  if (value === undefined) return undefined;
  try {
    return sha256(canonicalOf(value));
  } catch (error) {
    if (error instanceof NotJson) return undefined;
    throw error;
  }
}

// ---- what will follow -----------------------------------------------------------------------------------------------

function consequencesOf(review: Review, levels: readonly RunLevel[]): ReviewerContext['consequences'] {
  // The nearest that has money of its own pays.
  const { money } = levels.find(({ view }) => view.money !== undefined)?.view ?? {};
  return {
    missing: Math.max(0, review.quorum - review.approvals.length),
    ...(levels.length > 0 && { next: whatFollows(review.id, levels) }),
    ...(money && { money }),
    ...(review.next && { deadline: review.next }),
  };
}

function alternativesOf([task, { routing }]: NamedTask) {
  return (routing?.losers ?? []).map(({ agent, reason }) => ({ task, agent, reason }));
}

// ---- what people have changed -------------------------------------------------------------------------------------

/** Each change with what was there before it: the edits are made once more. */
function differencesOf({ original, edits, editable }: Review): readonly Difference[] {
  let content = original;
  return edits.flatMap((made) =>
    made.edits.map((edit) => {
      const before = content;
      content = edited(content, [edit], editable);
      return difference(made, edit, before);
    }),
  );
}

function difference({ by, at }: MadeEdit, edit: MadeEdit['edits'][number], content: Json): Difference {
  const { pointer, op = 'replace' } = edit;
  // An item that is added takes no other's place.
  const before = op === 'add' ? undefined : valueAt(content, keysOf(pointer));
  return {
    ...{ pointer, op, by, at },
    ...(before !== undefined && { before }),
    ...(edit.op !== 'remove' && { after: edit.value }),
  };
}

function valueAt(content: Json, keys: readonly string[]): Json | undefined {
  let value: unknown = content;
  for (const key of keys)
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<string, unknown>)[key]
        : undefined;
  return value as Json | undefined;
}
