/**
 * The operations of a console: what may be asked of a store or of a system that runs, with which arguments, and what comes back.
 * Every answer is a stream of rows of JSON, so that a million records take no more room than one. The same operations are carried
 * out here for a closed store, and behind the control socket for a daemon.
 *
 * Rows have times as ISO texts, and what belongs to users (events, states, errors) as tagged JSON.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  ActorNode,
  DeadLetter,
  HistoryIntent,
  HistoryRecord,
  PauseTarget,
  QueryOptions,
  ReplayResult,
  StuckActor,
  SupervisorNode,
} from '../../runtime/index.ts';
import { Given } from './given.ts';
import { running, withCode } from './subject.ts';
import type { AnySystem, Subject } from './subject.ts';
import { BadTag, tagged, untagged } from './tagged.ts';
import type { Json } from './tagged.ts';
import { refusal, troubleOf } from './trouble.ts';

/** One thing that may be asked. */
interface Operation<TArgs extends object, TRow extends object> {
  /** The arguments, checked. @throws Refused */
  read(given: Given): TArgs;
  run(subject: Subject, args: TArgs, signal: AbortSignal): AsyncIterable<TRow>;
}

/** Keeps the types of arguments and rows apart for each. */
const operation = <TArgs extends object, TRow extends object>(
  it: Operation<TArgs, TRow>,
): Operation<TArgs, TRow> => it;

// ---- rows ---------------------------------------------------------------------------------------------------------

/** An actor in a list. */
export type ActorRow = {
  readonly address: string;
  /** XState's word; `asleep` when it is not in memory. */
  readonly status?: string;
  readonly value?: Json;
  readonly standing?: string;
  readonly mailbox?: number;
  /** Why it cannot be loaded. */
  readonly why?: string;
};

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

/** An actor, in full. */
export type StateRow = {
  readonly address: string;
  readonly status?: string;
  readonly value?: Json;
  readonly context?: Json;
  readonly output?: Json;
  readonly error?: Json;
  readonly children?: readonly string[];
  readonly standing?: string;
  readonly phase?: string;
  readonly restarts?: number;
  readonly mailbox?: number;
  /** Why it is where it is, in words. */
  readonly why?: string;
};

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

export type PauseRow = {
  /** Absent: everything. */
  readonly target?: PauseTarget;
  readonly since: string;
  readonly by?: string;
  readonly reason?: string;
};
export type PauseDecisionRow = Omit<PauseRow, 'since'> & { readonly did: 'paused' | 'resumed' };

export type TreeRow = {
  readonly supervisors: readonly TreeNode[];
  readonly actors: readonly TreeNode[];
};
export type TreeNode =
  | (Omit<SupervisorNode, 'end' | 'children'> & {
      readonly end?: string;
      readonly children: readonly TreeNode[];
    })
  | (Omit<ActorNode, 'value' | 'standing' | 'children'> & {
      readonly value?: Json;
      /** `closed`: nobody moves, because the store was opened to be looked at. */
      readonly standing: ActorNode['standing'] | 'closed';
      readonly children: readonly TreeNode[];
    });

export type ReplayRow = Omit<ReplayResult, 'difference'> & {
  readonly difference?: {
    readonly seq: number;
    readonly path: string;
    readonly recorded: Json;
    readonly today: Json;
  };
  /** Why it could not be told at all. */
  readonly refused?: string;
};

const time = (ms: number): string => new Date(ms).toISOString();

/** Leaves out what is undefined, as JSON does at the top of a row. */
function row<T extends object>(fields: { [TKey in keyof T]: T[TKey] | undefined }): T {
  return known(fields) as T;
}

const taggedOr = (value: unknown): Json | undefined => (value === undefined ? undefined : tagged(value));

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

// ---- actors -------------------------------------------------------------------------------------------------------

function nodeAsActor(node: TreeNode): ActorRow {
  if (node.kind === 'supervisor') return row<ActorRow>({ address: node.address, standing: node.phase });
  const { address, status, value, standing, mailbox } = node;
  return row<ActorRow>({ address, status, value, standing, mailbox });
}

/** An actor that is loaded to be looked at. */
function sleeperRow(system: AnySystem, address: string): ActorRow {
  try {
    const { status, value } = system.get(address)!.getSnapshot() as unknown as SnapshotFields;
    return row<ActorRow>({ address, status: String(status), value: taggedOr(value) });
  } catch (error) {
    const { code, message } = troubleOf(error);
    if (!REFUSALS.has(code)) throw error;
    return { address, standing: 'refused', why: message };
  }
}

function* flattened({ supervisors, actors }: TreeRow): Generator<TreeNode> {
  for (const node of [...supervisors, ...actors]) {
    yield node;
    yield* flattened({ supervisors: node.children, actors: [] });
  }
}

function nodeRow(node: SupervisorNode | ActorNode, isRunning: boolean): TreeNode {
  const children = node.children.map((child) => nodeRow(child, isRunning));
  if (node.kind === 'supervisor') return row<TreeNode>({ ...node, children });
  // That all are paused because we have opened it is no news.
  const standing = isRunning || node.standing !== 'paused' ? node.standing : 'closed';
  return row<TreeNode>({ ...node, standing, value: taggedOr(node.value), children });
}

function treeOf({ system, isRunning }: Subject): TreeRow {
  const { supervisors, actors } = system.tree().get().context;
  return {
    supervisors: supervisors.map((node) => nodeRow(node, isRunning)),
    actors: actors.map((node) => nodeRow(node, isRunning)),
  };
}

async function treeOfAll(subject: Subject): Promise<TreeRow> {
  for await (const address of subject.system.addresses()) sleeperRow(subject.system, address);
  return treeOf(subject);
}

function nodeAt(subject: Subject, address: string): TreeNode | undefined {
  for (const node of flattened(treeOf(subject))) if (node.address === address) return node;
  return undefined;
}

const unknownActor = (address: string): Error => refusal('NotFound', `${address}: nobody ever lived there`);

/** What there is to say of an actor that the system can load; of one that it cannot, why. */
async function stateRow(subject: Subject, address: string): Promise<StateRow> {
  const { system } = subject;
  const why = await whyOf(subject, address);
  const node = nodeAt(subject, address);
  const about = { address, why, ...standingOf(node) };
  let snapshot: SnapshotFields;
  try {
    const ref = system.get(address);
    if (ref === undefined) throw unknownActor(address);
    snapshot = ref.getSnapshot();
  } catch (error) {
    const { code } = troubleOf(error);
    if (!REFUSALS.has(code)) throw error;
    return subject.hasCode ? { ...about, standing: 'refused' } : about;
  }
  return row<StateRow>({ ...about, ...snapshotFields(snapshot) });
}

/** Why an actor is where it is; without its code there is only a journal. */
async function whyOf({ system, hasCode, isRunning, location }: Subject, address: string): Promise<string> {
  if (hasCode || HOUSE.test(address)) {
    const why = await system.explain(address);
    return isRunning ? why : withoutOpening(why);
  }
  // Whoever never lived has no journal either.
  for await (const _ of system.history(address, { reverse: true })) break;
  return `its state is told by its code: give it with --actors <file>, or in heddle.config.ts (${location})`;
}

/** Nor is it here. */
function withoutOpening(why: string): string {
  const lines = why.split('\n').filter((line) => !line.startsWith('Everything is paused since '));
  return lines.join('\n').replace(' is paused in state ', ' stands in state ');
}

/** Addresses of actors whose code is in the house. */
const HOUSE = /^(supervisor|schedule|heddle)\//;

type SnapshotFields = Readonly<
  Record<'status' | 'value' | 'context' | 'output' | 'error' | 'children', unknown>
>;

/** An actor with one of these is there, but cannot be loaded. */
const REFUSALS = new Set(['HEDDLE_JOURNAL_CORRUPT', 'HEDDLE_STORY_CHANGED', 'HEDDLE_UNKNOWN_ACTOR']);

function standingOf(node: TreeNode | undefined): Partial<StateRow> {
  if (node?.kind !== 'actor') return node === undefined ? {} : { phase: node.phase, restarts: node.restarts };
  const { standing, phase, restarts, mailbox } = node;
  return { standing, restarts, mailbox, ...(phase !== undefined && { phase }) };
}

function snapshotFields({
  status,
  value,
  context,
  output,
  error,
  children,
}: Readonly<Record<string, unknown>>) {
  return {
    status: String(status),
    value: taggedOr(value),
    context: taggedOr(context),
    output: taggedOr(output),
    error: taggedOr(error),
    children: children === undefined ? undefined : Object.keys(children as object),
  };
}

// ---- journals -----------------------------------------------------------------------------------------------------

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

/** Options without those that were not given. */
function known<T extends object>(options: T): { [TKey in keyof T]?: Exclude<T[TKey], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}

async function* once<T>(make: () => Promise<T> | T): AsyncGenerator<T> {
  yield await make();
}

// ---- the table ----------------------------------------------------------------------------------------------------

const operations = {
  /** Everybody who ever lived. Those that sleep are loaded for their state only when that is asked for, or moves nobody. */
  actors: operation({
    read: (given) => ({ under: given.optionalText('under'), states: given.flag('states') }),
    async *run(subject, { under, states }) {
      const { system } = subject;
      const awake = new Map([...flattened(treeOf(subject))].map((node) => [node.address, node]));
      for await (const address of system.addresses(known({ under }))) {
        const node = awake.get(address);
        if (node !== undefined && !(node.kind === 'actor' && node.status === 'absent'))
          yield nodeAsActor(node);
        else if (subject.hasCode && (states || !subject.isRunning)) yield sleeperRow(system, address);
        else yield row<ActorRow>({ address, status: 'asleep' });
      }
    },
  }),

  /** The actors of a name, by their state. Those that are loaded for it go to sleep again. */
  query: operation({
    read: (given) => ({
      name: given.text('name'),
      state: given.json('state'),
      status: given.oneOf('status', STATUSES),
      under: given.optionalText('under'),
      limit: given.optionalWhole('limit'),
    }),
    async *run(subject, { state, ...options }) {
      // What makes no sense, the system refuses.
      const wanted = { ...known(options), ...(state !== undefined && { state }) } as QueryOptions<string>;
      for await (const { address } of withCode(subject, 'query').query(wanted))
        yield sleeperRow(subject.system, address);
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

  /** Who supervises whom, and how they are. */
  tree: operation({
    read: () => ({}),
    run: (subject) =>
      once(() => {
        // Of a closed store everybody is asleep, and nothing moves when they are woken.
        return subject.isRunning || !subject.hasCode ? treeOf(subject) : treeOfAll(subject);
      }),
  }),

  /** One actor, in full. */
  state: operation({
    read: (given) => ({ address: given.text('address') }),
    run: (subject, { address }) => once(() => stateRow(subject, address)),
  }),

  explain: operation({
    read: (given) => ({ address: given.text('address') }),
    run: (subject, { address }) => once(async () => ({ address, why: await whyOf(subject, address) })),
  }),

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
      once(async () => replayRow(await withCode(subject, 'replay').replay(address))),
  }),

  /** Whether everything that is stored proves itself. */
  verify: operation({
    read: () => ({}),
    run: ({ system }) => once(() => system.verify()),
  }),

  /** Actors that nothing will ever move. */
  stuck: operation({
    read: () => ({}),
    async *run(subject) {
      for await (const { value, ...actor } of running(subject, 'stuck').stuck())
        yield row<Omit<StuckActor, 'value'> & { readonly value?: Json }>({
          ...actor,
          value: taggedOr(value),
        });
    },
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
        const system = running(subject, 'discard');
        const letters = system.deadLetters();
        const { address } = await letterOf(letters, id);
        await letters.discard(id, { by, reason });
        const isOfIt = ({ event }: HistoryRecord): boolean =>
          (event['letter'] as Partial<DeadLetter> | undefined)?.id === id;
        const seq = await newestSeq(system, 'heddle/system', isOfIt);
        return row<DecisionRow>({ id, address, did: 'discarded', by, reason, seq });
      }),
  }),

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
};

const STATUSES = ['active', 'done', 'error', 'stopped'] as const;

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

async function letterOf(letters: AsyncIterable<DeadLetter>, id: number): Promise<DeadLetter> {
  for await (const letter of letters) if (letter.id === id) return letter;
  throw refusal('NotFound', `there is no dead letter ${id}`);
}

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

function replayRow({ difference, ...rest }: ReplayResult): ReplayRow {
  if (difference === undefined) return rest;
  const { recorded, today } = difference;
  return { ...rest, difference: { ...difference, recorded: tagged(recorded), today: tagged(today) } };
}

/** @throws Refused */
function eventOf(json: Json | undefined): { readonly type: string } {
  try {
    const event = json === undefined ? undefined : untagged(json);
    if (typeof event === 'object' && event !== null && typeof (event as { type?: unknown }).type === 'string')
      return event as { readonly type: string };
  } catch (error) {
    if (error instanceof BadTag) throw refusal('BadRequest', `event: ${error.message}`, { cause: error });
    throw error;
  }
  throw refusal('BadRequest', 'event must be an object with a type');
}

// ---- their types --------------------------------------------------------------------------------------------------

type Operations = typeof operations;
export type OperationName = keyof Operations;
/** As they are given: an event is tagged JSON still. */
export type ArgsOf<TName extends OperationName> = Parameters<Operations[TName]['run']>[1];
export type RowOf<TName extends OperationName> =
  ReturnType<Operations[TName]['run']> extends AsyncIterable<infer TRow> ? TRow : never;

/**
 * Carries a request out. The arguments are as they were given, here or over a socket.
 * @throws Refused before anything is done, when they make no sense
 */
export function carryOut<TName extends OperationName>(
  subject: Subject,
  name: TName,
  args: unknown,
  signal: AbortSignal,
): AsyncIterable<RowOf<TName>> {
  // Each operation reads its own arguments, which the compiler cannot follow by the name.
  const { read, run } = operations[name] as unknown as Operation<object, RowOf<TName> & object>;
  const given = new Given(args);
  const known = read(given);
  given.nothingElse();
  return run(subject, known, signal);
}

export const isOperation = (name: unknown): name is OperationName =>
  typeof name === 'string' && Object.hasOwn(operations, name);
