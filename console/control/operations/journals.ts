/**
 * Asking what has happened, and whether today's code and the store itself bear it out.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  HistoryIntent,
  HistoryRecord,
  HistoryRefusal,
  PastActor,
  Refusal,
  ReplayResult,
} from '../../../runtime/index.ts';
import { running, withCode } from '../subject.ts';
import type { AnySystem } from '../subject.ts';
import { tagged } from '../tagged.ts';
import type { Json } from '../tagged.ts';
import { troubleOf } from '../trouble.ts';
import { snapshotFields } from './actors.ts';
import type { SnapshotFields, StateRow } from './actors.ts';
import { known, once, operation, row, taggedOr, time } from './operation.ts';
import { blamerOf } from './runs.ts';

/** A record of a journal. */
export type RecordRow = Omit<HistoryRecord, 'at' | 'event' | 'error' | 'intents' | OrAbsent> & {
  readonly at: string;
  readonly event: Json;
  readonly id?: string;
  readonly principal?: NonNullable<HistoryRecord['principal']>;
  readonly decision?: NonNullable<HistoryRecord['decision']>;
  readonly intents: readonly IntentRow[];
  readonly attempt?: number;
  readonly error?: Json;
};

type OrAbsent = 'id' | 'attempt' | 'principal' | 'decision';

/** What a step has asked for. */
export type IntentRow = Exclude<HistoryIntent, { kind: 'timer' }> | TimerRow;
type TimerRow = Omit<Extract<HistoryIntent, { kind: 'timer' }>, 'id' | 'dueAt'> & {
  readonly id?: string;
  readonly dueAt: string;
};

/** What came to nothing, among the records. It has no `seq`. */
export type RefusedRow = Pick<HistoryRefusal, 'address' | 'refused' | 'code' | 'message' | 'count'> & {
  readonly at: string;
  readonly last: string;
  readonly event?: string;
  readonly action?: string;
  readonly letter?: number;
  readonly after?: number;
  readonly decided?: { readonly by: string; readonly reason: string; readonly at: string };
};

export type ReplayRow = Omit<ReplayResult, 'difference'> & {
  readonly difference?: {
    readonly seq: number;
    readonly path: string;
    readonly recorded: Json;
    readonly today: Json;
  };
};

/** An actor as it was. */
export type PastRow = Omit<StateRow, 'children'> & {
  readonly seq: number;
  readonly life: number;
  readonly at: string;
  /** Why it did not run. */
  readonly down?: Json;
  readonly timers: readonly { readonly dueAt: string; readonly to: string; readonly event: Json }[];
  readonly waiting: readonly { readonly from: string; readonly seq: number; readonly event: Json }[];
  /** Those below it, as they were. */
  readonly children: readonly PastRow[];
};

export type RefusalRow = Omit<Refusal, 'address' | 'event' | 'first' | 'last'> & {
  readonly address?: string;
  readonly event?: string;
  readonly first: string;
  readonly last: string;
};

export const journalOperations = {
  /** A journal. `last`: only so many of its records, the newest. `follow`: those to come, too. */
  history: operation({
    read: (given) => ({
      address: given.text('address'),
      from: given.optionalWhole('from'),
      to: given.optionalWhole('to'),
      last: given.optionalWhole('last'),
      reverse: given.flag('reverse'),
      children: given.flag('children'),
      follow: given.flag('follow'),
    }),
    async *run(subject, { address, last, follow, ...range }, signal) {
      const { system } = follow ? { system: running(subject, 'following a journal') } : subject;
      let next = range.from ?? 1;
      // One at least is read, even if none is wanted: what follows begins behind it.
      const records =
        last === undefined
          ? system.history(address, known(range))
          : await newestRecords(system, address, last || 1);
      for await (const record of records) {
        if (last !== 0) yield recordRow(record);
        next = record.seq + 1;
      }
      if (follow) yield* followed(system, address, next, signal);
    },
  }),

  /** A journal, with what was refused among its records. */
  historyWithRefusals: operation({
    read: (given) => ({
      address: given.text('address'),
      from: given.optionalWhole('from'),
      to: given.optionalWhole('to'),
      reverse: given.flag('reverse'),
      children: given.flag('children'),
    }),
    async *run({ system }, { address, ...range }) {
      for await (const one of system.history(address, { ...known(range), refusals: true }))
        yield one.seq === undefined ? refusedRow(one) : recordRow(one);
    },
  }),

  /** Whether today's code tells the recorded story of an actor. */
  replay: operation({
    read: (given) => ({ address: given.text('address') }),
    run: (subject, { address }) =>
      once(async () => {
        const system = withCode(subject, 'replay');
        try {
          return replayRow(await system.replay(address));
        } catch (error) {
          return storyChanged(address, error);
        }
      }),
  }),

  /** The same for all actors, or those of a name, children among them. */
  replayAll: operation({
    read: (given) => ({ name: given.optionalText('name') }),
    async *run(subject, { name }) {
      for await (const result of withCode(subject, 'replay').replayAll(known({ name })))
        yield replayRow(result);
    },
  }),

  /** The state of an actor as of one of its records. */
  at: operation({
    read: (given) => ({ address: given.text('address'), seq: given.whole('seq') }),
    run: (subject, { address, seq }) =>
      once(async () => {
        return pastRow(await withCode(subject, 'at').past(address, seq));
      }),
  }),

  /** What is different in an actor's state from one record to another; default to its newest. */
  diff: operation({
    read: (given) => ({
      address: given.text('address'),
      from: given.whole('from'),
      to: given.optionalWhole('to'),
    }),
    async *run(subject, { address, from, to }) {
      const system = withCode(subject, 'diff');
      const last = to ?? (await newestRecords(system, address, 1))[0]?.seq ?? from;
      for (const { path, before, after } of await system.diff(address, from, last))
        yield { address, from, to: last, path, before: tagged(before), after: tagged(after) };
    },
  }),

  /** Which record has set a part of an actor's state, or of a run. No row: nothing ever stood there. */
  blame: operation({
    read: (given) => ({
      address: given.text('address'),
      path: given.text('path'),
      at: given.optionalWhole('at'),
    }),
    async *run(subject, { address, path, at }) {
      const system = withCode(subject, 'blame');
      const run = await blamerOf(subject, address, path);
      const blame = await (run?.blame(path, known({ at })) ?? system.blame(address, path, known({ at })));
      if (blame === undefined) return;
      const { event, before, after } = blame;
      yield {
        ...blame,
        ...{ at: time(blame.at), event: tagged(event), before: tagged(before), after: tagged(after) },
      };
    },
  }),

  /** Calls from outside that were refused. */
  refusals: operation({
    read: (given) => ({ address: given.optionalText('address') }),
    async *run({ system }, { address }) {
      for await (const refusal of system.refusals(known({ address })))
        yield row<RefusalRow>({ ...refusal, first: time(refusal.first), last: time(refusal.last) });
    },
  }),

  /** Whether everything that is stored proves itself. */
  verify: operation({
    read: () => ({}),
    run: ({ system }) => once(() => system.verify()),
  }),
};

function pastRow({ snapshot, at, down, timers, waiting, children, ...rest }: PastActor): PastRow {
  const { children: _, ...state } = snapshotFields(snapshot as unknown as SnapshotFields);
  return row<PastRow>({
    ...rest,
    at: time(at),
    ...state,
    down: taggedOr(down),
    timers: timers.map(({ dueAt, to, event }) => ({ dueAt: time(dueAt), to, event: tagged(event) })),
    waiting: waiting.map(({ event, ...from }) => ({ ...from, event: tagged(event) })),
    children: children.map(pastRow),
  });
}

function recordRow({ address, seq, life, at, event, error, intents, ...rest }: HistoryRecord): RecordRow {
  return row<RecordRow>({
    ...{ address, seq, life },
    at: time(at),
    event: tagged(event),
    ...rest,
    intents: intents.map(intentRow),
    error: taggedOr(error),
  });
}

function refusedRow({ at, last, decided, ...rest }: HistoryRefusal): RefusedRow {
  const when = { at: time(at), last: time(last) };
  return row<RefusedRow>({ ...rest, ...when, decided: decided && { ...decided, at: time(decided.at) } });
}

function intentRow(intent: HistoryIntent): IntentRow {
  return intent.kind === 'timer' ? row<TimerRow>({ ...intent, dueAt: time(intent.dueAt) }) : intent;
}

/** How often a journal is looked at that is followed. */
const FOLLOW_MS = 200;

/** Records as they are written, until nobody wants more. */
async function* followed(system: AnySystem, address: string, from: number, signal: AbortSignal) {
  for (let next = from; !signal.aborted;) {
    for await (const record of system.history(address, { from: next })) {
      yield recordRow(record);
      next = record.seq + 1;
    }
    await sleep(FOLLOW_MS, undefined, { signal });
  }
}

/** The newest of an actor, oldest first. */
export async function newestRecords(
  system: AnySystem,
  address: string,
  count: number,
): Promise<readonly HistoryRecord[]> {
  const kept: HistoryRecord[] = [];
  for await (const record of system.history(address, { reverse: true })) {
    kept.push(record);
    if (kept.length >= count) break;
  }
  return kept.reverse();
}

/** An actor that is refused, because its story is another now, is an answer too. */
function storyChanged(address: string, error: unknown): ReplayRow {
  const { code, fields = {} } = troubleOf(error);
  if (code !== 'HEDDLE_STORY_CHANGED') throw error;
  const { seq, path, recorded = null, today = null } = fields;
  const difference = { seq: Number(seq), path: typeof path === 'string' ? path : '', recorded, today };
  return { address, records: difference.seq, same: false, difference };
}

export function replayRow({ difference, ...rest }: ReplayResult): ReplayRow {
  if (difference === undefined) return rest;
  const { recorded, today } = difference;
  return { ...rest, difference: { ...difference, recorded: tagged(recorded), today: tagged(today) } };
}
