/**
 * Asking what has happened, and whether today's code and the store itself bear it out.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryIntent, HistoryRecord, ReplayResult } from '../../../runtime/index.ts';
import { running, withCode } from '../subject.ts';
import type { AnySystem } from '../subject.ts';
import { tagged } from '../tagged.ts';
import type { Json } from '../tagged.ts';
import { troubleOf } from '../trouble.ts';
import { known, once, operation, row, taggedOr, time } from './operation.ts';

/** A record of a journal. */
export type RecordRow = Omit<HistoryRecord, 'at' | 'event' | 'error' | 'intents' | 'id' | 'attempt'> & {
  readonly at: string;
  readonly event: Json;
  readonly id?: string;
  readonly intents: readonly IntentRow[];
  readonly attempt?: number;
  readonly error?: Json;
};

/** What a step has asked for. */
export type IntentRow = Exclude<HistoryIntent, { kind: 'timer' }> | TimerRow;
type TimerRow = Omit<Extract<HistoryIntent, { kind: 'timer' }>, 'id' | 'dueAt'> & {
  readonly id?: string;
  readonly dueAt: string;
};

export type ReplayRow = Omit<ReplayResult, 'difference'> & {
  readonly difference?: {
    readonly seq: number;
    readonly path: string;
    readonly recorded: Json;
    readonly today: Json;
  };
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
        last === undefined ? system.history(address, known(range)) : await newest(system, address, last || 1);
      for await (const record of records) {
        if (last !== 0) yield recordRow(record);
        next = record.seq + 1;
      }
      if (follow) yield* followed(system, address, next, signal);
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

  /** Whether everything that is stored proves itself. */
  verify: operation({
    read: () => ({}),
    run: ({ system }) => once(() => system.verify()),
  }),
};

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
async function newest(system: AnySystem, address: string, count: number): Promise<readonly HistoryRecord[]> {
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

function replayRow({ difference, ...rest }: ReplayResult): ReplayRow {
  if (difference === undefined) return rest;
  const { recorded, today } = difference;
  return { ...rest, difference: { ...difference, recorded: tagged(recorded), today: tagged(today) } };
}
