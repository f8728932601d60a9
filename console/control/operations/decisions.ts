/**
 * What a person decides: events that are sent, dead letters that are tried again or given up, and pauses.
 */
import type { DeadLetter, HistoryRecord, Migration, PauseTarget } from '../../../runtime/index.ts';
import type { Given } from '../given.ts';
import { running, withCode } from '../subject.ts';
import type { AnySystem } from '../subject.ts';
import { BadTag, tagged, untagged } from '../tagged.ts';
import type { Json } from '../tagged.ts';
import { refusal } from '../trouble.ts';
import { newestRecords } from './journals.ts';
import { known, once, operation, row, taggedOr, time, unknownActor } from './operation.ts';

export type LetterRow = {
  readonly id: number;
  readonly address: string;
  readonly life: number;
  readonly at: string;
  readonly reason: DeadLetter['reason'];
  readonly event?: Json;
  readonly action?: string;
  readonly idempotencyKey?: string;
  readonly error: Json;
  readonly state?: Json;
  readonly retries: number;
};

/** What was decided about a dead letter. */
export type DecisionRow = {
  readonly id: number;
  readonly address: string;
  readonly did: 'retried' | 'discarded';
  readonly by: string;
  readonly reason?: string;
  /** The record that it led to: of the actor when it was retried, of `heddle/system` when it was given up. */
  readonly seq?: number;
};

export type PauseRow = {
  /** Absent: everything. */
  readonly target?: PauseTarget;
  readonly since: string;
  readonly by?: string;
  readonly reason?: string;
};
export type PauseDecisionRow = Omit<PauseRow, 'since'> & { readonly did: 'paused' | 'resumed' };

/** Who decides what about whom. Without a target it is about everything. */
const readDecision = (given: Given) => ({
  address: given.optionalText('address'),
  name: given.optionalText('name'),
  by: given.text('by'),
  reason: given.optionalText('reason'),
});

function targetOf({ address, name }: ReturnType<typeof readDecision>): PauseTarget | undefined {
  if (address !== undefined) return { address };
  return name === undefined ? undefined : { name };
}

export type MigrationRow = Omit<Migration, 'to' | 'reason'> & {
  readonly to?: NonNullable<Migration['to']>;
  readonly reason?: string;
};

function readMigration(given: Given) {
  return { name: given.optionalText('name'), address: given.optionalText('address') };
}

export type ForkRow = {
  readonly address: string;
  readonly of: string;
  /** The record as of which it was forked; absent: the newest. */
  readonly at?: number;
  /** Whose record that is, where it is somebody's below it. */
  readonly recordOf?: string;
  readonly effects: (typeof EFFECTS)[number];
  readonly by: string;
  /** Its newest record. */
  readonly seq?: number;
};

const EFFECTS = ['hold', 'reuse', 'rerun'] as const;

/** An object of tagged JSON. @throws Refused */
function optionalObject(given: Given, name: string): object | undefined {
  const json = given.json(name);
  if (json === undefined) return undefined;
  const value = valueOf(name, json);
  if (typeof value === 'object' && value !== null) return value;
  throw refusal('BadRequest', `${name} must be an object`);
}

export const decisionOperations = {
  /** Sends an event from outside. */
  send: operation({
    read: (given) => ({
      address: given.text('address'),
      event: eventOf(given.json('event')),
      id: given.optionalText('id'),
    }),
    run: (subject, { address, event, id }) =>
      once(async () => {
        const ref = running(subject, 'send').get(address);
        if (ref === undefined) throw unknownActor(address);
        return ref.send(event, id === undefined ? {} : { id });
      }),
  }),

  deadLetters: operation({
    read: (given) => ({ address: given.optionalText('address') }),
    async *run({ system }, { address }) {
      const letters = system.deadLetters(address === undefined ? {} : { address });
      for await (const letter of letters) yield letterRow(letter);
    },
  }),

  /** Tries a dead letter again. */
  retry: operation({
    read: (given) => ({ id: given.whole('id'), by: given.text('by') }),
    run: (subject, { id, by }) =>
      once(async () => {
        const system = running(subject, 'retry');
        const letters = system.deadLetters();
        const { address, reason } = await letterOf(letters, id);
        await letters.retry(id, { by });
        // An action leaves no record with the actor.
        const isOfIt = ({ cause }: HistoryRecord): boolean => cause.kind === 'dead-letter' && cause.id === id;
        const seq = reason === 'step' ? await newestSeq(system, address, isOfIt) : undefined;
        return row<DecisionRow>({ id, address, did: 'retried', by, seq });
      }),
  }),

  /** Gives a dead letter up. */
  discard: operation({
    read: (given) => ({ id: given.whole('id'), by: given.text('by'), reason: given.text('reason') }),
    run: (subject, { id, by, reason }) =>
      once(async () => {
        const { system } = subject;
        const letters = system.deadLetters();
        const { address } = await letterOf(letters, id);
        await letters.discard(id, { by, reason });
        const isOfIt = ({ event }: HistoryRecord): boolean =>
          (event['letter'] as Partial<DeadLetter> | undefined)?.id === id;
        const seq = await newestSeq(system, 'heddle/system', isOfIt);
        return row<DecisionRow>({ id, address, did: 'discarded', by, reason, seq });
      }),
  }),

  /** Lets a root actor, as it stood at a record, live on under another address as well. */
  fork: operation({
    read: (given) => ({
      address: given.text('address'),
      as: given.text('as'),
      at: given.optionalWhole('at'),
      recordOf: given.optionalText('recordOf'),
      effects: given.oneOf('effects', EFFECTS),
      state: optionalObject(given, 'state'),
      event: optionalObject(given, 'event'),
      by: given.text('by'),
    }),
    run: (subject, { address, state, event, recordOf, ...options }) =>
      once(async () => {
        const { at: seq } = options;
        const at = seq !== undefined && recordOf !== undefined ? { address: recordOf, seq } : seq;
        const changes = {
          state: state && (() => state),
          event: event as { readonly type: string } | undefined,
        };
        const system = withCode(subject, 'fork');
        const ref = await system.fork(address, {
          ...known({ ...options, at }),
          as: options.as,
          with: known(changes),
        });
        const [record] = await newestRecords(system, ref.address, 1);
        const { effects = 'hold', by } = options;
        return row<ForkRow>({
          address: ref.address,
          of: address,
          at: seq,
          recordOf,
          effects,
          by,
          seq: record?.seq,
        });
      }),
  }),

  /** Carries out what a fork owes whose effects are held. */
  perform: operation({
    read: (given) => ({ address: given.text('address') }),
    run: (subject, { address }) =>
      once(async () => {
        await running(subject, 'perform').perform(address);
        return { address, did: 'performed' as const };
      }),
  }),

  /** What becomes of the actors that were last run by other code. */
  migrations: operation({
    read: readMigration,
    async *run(subject, which) {
      for await (const migration of withCode(subject, 'migrate').migrations(known(which)))
        yield row<MigrationRow>(migration);
    },
  }),

  /** Takes them to today's code now. */
  migrate: operation({
    read: readMigration,
    async *run(subject, which) {
      for (const migration of await withCode(subject, 'migrate').migrate(known(which)))
        yield row<MigrationRow>(migration);
    },
  }),

  /** What stands still, because somebody has said so. */
  paused: operation({
    read: () => ({}),
    async *run({ system }) {
      for (const { target, since, lasts, by, reason } of system.paused())
        if (lasts === 'until-resumed') yield row<PauseRow>({ target, since: time(since), by, reason });
    },
  }),

  pause: operation({
    read: readDecision,
    run: (subject, args) =>
      once(async () => {
        const { by, reason } = args;
        const target = targetOf(args);
        await withCode(subject, 'pause').pause(target, known({ by, reason }));
        return row<PauseDecisionRow>({ did: 'paused', target, by, reason });
      }),
  }),

  resume: operation({
    read: readDecision,
    run: (subject, args) =>
      once(async () => {
        const { by, reason } = args;
        const target = targetOf(args);
        // Not where everything is paused only because we have opened it.
        await running(subject, 'resume').resume(target, known({ by, reason }));
        return row<PauseDecisionRow>({ did: 'resumed', target, by, reason });
      }),
  }),
};

/** @throws Refused */
function eventOf(json: Json | undefined): { readonly type: string } {
  const event = json === undefined ? undefined : valueOf('event', json);
  if (typeof event === 'object' && event !== null && typeof (event as { type?: unknown }).type === 'string')
    return event as { readonly type: string };
  throw refusal('BadRequest', 'event must be an object with a type');
}

/** What tagged JSON stands for. @throws Refused */
function valueOf(name: string, json: Json): unknown {
  try {
    return untagged(json);
  } catch (error) {
    if (error instanceof BadTag) throw refusal('BadRequest', `${name}: ${error.message}`, { cause: error });
    throw error;
  }
}

function letterRow(letter: DeadLetter): LetterRow {
  const { id, address, life, at, reason, event, action, idempotencyKey, error, state, retries } = letter;
  return row<LetterRow>({
    ...{ id, address, life, reason, action, idempotencyKey },
    at: time(at),
    event: taggedOr(event),
    error: tagged(error),
    state: taggedOr(state),
    retries: retries ?? 0,
  });
}

async function letterOf(letters: AsyncIterable<DeadLetter>, id: number): Promise<DeadLetter> {
  for await (const letter of letters) if (letter.id === id) return letter;
  throw refusal('NotFound', `there is no dead letter ${id}`);
}

/** What was done a moment ago is among so many of the newest records. */
const RECENT_RECORDS = 1000;

/** The newest record of an actor that fits. */
async function newestSeq(
  system: AnySystem,
  address: string,
  fits: (record: HistoryRecord) => boolean,
): Promise<number | undefined> {
  let seen = 0;
  for await (const record of system.history(address, { reverse: true })) {
    if (fits(record)) return record.seq;
    if (++seen >= RECENT_RECORDS) return undefined;
  }
  return undefined;
}
