/**
 * The runs of a system's workflows, for whoever looks: how one stands or stood, which ones wait, what changes, and who has changed it.
 * Everything is read from the actors and their journals; nothing is kept beside them that could know something else.
 */
import type { AnyEventObject, Subscription } from 'xstate';
import { rootOf } from '../../machines/here.ts';
import { HeddleError, InvalidArgument, UnknownActor } from '../../runtime/index.ts';
import type {
  ActorDefinitions,
  Blame,
  BlameOptions,
  HistoryOptions,
  HistoryRecord,
  PastActor,
  Reading,
} from '../../runtime/index.ts';
import { assertField, decisionIn, isAboutDecisions, spotsOf } from './blaming.ts';
import { momentWithLate } from './late-replies.ts';
import { declarationAt } from './run-path.ts';
import { runStatusOf } from './run-status.ts';
import { runStateOf } from './standing.ts';
import { accountOf, isRun, isTask } from './stood.ts';
import type { HumanDecision } from './human-decisions.ts';
import type { RunStatus } from './run-status.ts';
import type { RunState } from './standing.ts';
import type { Moment, Stood } from './stood.ts';
import { explainRoute } from '../routing/explain.ts';
import type { AnyWorkflowOptions } from '../workflow/graph.ts';
import { isReversible } from '../workflow/reversal.ts';
import { declarationOf } from '../workflow/workflow.ts';

/** What runs need of a system: any `System` is one. */
export interface RunsHost {
  // Typed by address and name there, which says nothing here.
  get(address: string): unknown;
  query(options: never): AsyncIterable<unknown>;
  past(address: string, seq: number | { readonly address: string; readonly seq: number }): Promise<PastActor>;
  blame(address: string, part: string | Reading, options?: BlameOptions): Promise<Blame | undefined>;
  history(address: string, options: Omit<HistoryOptions, 'refusals'>): AsyncIterable<HistoryRecord>;
}

export interface StatusOptions {
  /** As of this record of the run, with all below it as it was then. Default: now. */
  readonly at?: number;
}

export interface WatchOptions {
  /** Ends it: whoever watches may have gone while nothing changes. */
  readonly signal?: AbortSignal;
}

export interface ListOptions {
  /** Only those of this workflow, by the name it has among the actors. */
  readonly workflow?: string;
  /** Only those that stand so. Default: all that have not come to their end. */
  readonly state?: RunState;
  /** Only this address, and those below it. */
  readonly under?: string;
  /** At most so many. */
  readonly limit?: number;
}

/** A run in a list. */
export interface RunSummary {
  readonly run: string;
  readonly workflow: string;
  readonly state: RunState;
  readonly startedAt: number;
  /** The nodes that wait for a person, and those that wait for an operator. */
  readonly waiting: readonly string[];
  readonly parked: readonly string[];
}

interface RunRef {
  readonly address: string;
  readonly sessionId: string;
  getSnapshot(): Stood;
  subscribe(observer: { next(): void; error(): void; complete(): void }): Subscription;
}

const STATES: readonly unknown[] = [
  ...(['running', 'waiting', 'parked', 'compensating', 'complete', 'failed', 'aborted', 'stopped'] as const),
] satisfies RunState[];

export class Runs {
  readonly #host: RunsHost;
  readonly #workflows: ReadonlyMap<string, AnyWorkflowOptions>;

  /** Use `system.runs`. */
  constructor(host: RunsHost, actors: ActorDefinitions) {
    this.#host = host;
    this.#workflows = new Map(
      Object.entries(actors).flatMap(([name, logic]) => {
        const options = declarationOf(logic);
        return options === undefined ? [] : [[name, options] as const];
      }),
    );
  }

  /**
   * How a run stands, or stood at one of its records: the run and all below it as of one moment.
   * @throws UnknownActor, InvalidArgument when nobody lives there, or it is no run of a workflow; as `system.past`
   */
  async status(address: string, options: StatusOptions = {}): Promise<RunStatus> {
    assertAddress(address, 'address');
    const at = recordIn(options);
    if (at === undefined) return this.#told(address, this.#present);
    const past = await this.#past(address, at);
    return this.#told(address, momentWithLate(momentOf(past), past.at, this.#present));
  }

  /** A run as of one of its records, with whoever pays for it: if that is somebody above it, all of those. */
  async #past(address: string, seq: number): Promise<PastActor> {
    const past = await this.#host.past(address, seq);
    const { snapshot } = past;
    if (!isRun(snapshot) || snapshot.context.account === undefined) return past;
    const payer = accountOf(snapshot.context)!;
    return payer.startsWith(`${address}/`) ? past : this.#host.past(rootOf(address), { address, seq });
  }

  /**
   * Why a task was given to whom it was, in lines of words, from what was recorded when that was decided: now, or as of a record of
   * the task.
   * @throws UnknownActor, InvalidArgument when it is no task; as `system.past`
   */
  async route(task: string, options: StatusOptions = {}): Promise<string> {
    assertAddress(task, 'task');
    const at = recordIn(options);
    const stood =
      at === undefined
        ? (this.#host.get(task) as RunRef | undefined)?.getSnapshot()
        : (await this.#host.past(task, at)).snapshot;
    if (stood === undefined) throw new UnknownActor(task, 'nobody ever lived there');
    if (!isTask(stood)) throw new InvalidArgument('address', `is no task: ${task}`);
    return explainRoute(stood);
  }

  /** Committed states and nothing in between: nobody takes a step while they are read. */
  readonly #present: Moment = (address) => (this.#host.get(address) as RunRef | undefined)?.getSnapshot();

  #told(address: string, moment: Moment): RunStatus {
    const stood = moment(address);
    if (stood === undefined) throw new UnknownActor(address, 'nobody ever lived there');
    if (!isRun(stood)) throw new InvalidArgument('address', `is no run of a workflow: ${address}`);
    const declaration = declarationAt((name) => this.#workflows.get(name), address);
    return runStatusOf(address, stood, declaration, moment, declarationOf);
  }

  /**
   * The runs that stand so, in no particular order. As with `system.query`, nothing stands still meanwhile, and those that cannot be
   * loaded are left out, also those whose workflow is not among the actors any more: `system.stuck` names them. `waiting` and `parked` are those in which something is, whatever else goes on in them.
   * @throws InvalidArgument
   */
  async *list({ workflow, state, under, limit = Infinity }: ListOptions = {}): AsyncGenerator<RunSummary> {
    if (state !== undefined && !STATES.includes(state))
      throw new InvalidArgument(
        'state',
        `must be one of ${STATES.join(', ')}, but is ${JSON.stringify(state)}`,
      );
    if (workflow !== undefined && !this.#workflows.has(workflow))
      throw new InvalidArgument(
        'workflow',
        `'${workflow}' is none; there are ${[...this.#workflows.keys()].join(', ') || 'none'}`,
      );
    if (limit !== Infinity && !(Number.isInteger(limit) && limit > 0))
      throw new InvalidArgument('limit', `must be a positive integer, but is ${String(limit)}`);
    let given = 0;
    for (const [name, options] of this.#workflows) {
      if (workflow !== undefined && workflow !== name) continue;
      for await (const one of this.#host.query({
        name,
        ...lookedFor(options, state),
        ...(under && { under }),
      } as never)) {
        const summary = summaryOf(one as RunRef, name);
        if (summary === undefined || (state !== undefined && !isIn(summary, state))) continue;
        yield summary;
        if (++given === limit) return;
      }
    }
  }

  /**
   * How a run stands, and again whenever something has changed in it or below it and is on the disk; the last one is its end. Whoever
   * is slow misses what was in between, and never the newest.
   * @throws as status
   */
  async *watch(address: string, { signal }: WatchOptions = {}): AsyncGenerator<RunStatus> {
    assertAddress(address, 'address');
    const bell = new Bell();
    /** By whose lives it is rung: a review that is opened again has the address of the one before. */
    const subscribed = new Map<string, Subscription>();
    signal?.addEventListener('abort', bell.observer.next, { once: true });
    try {
      while (signal?.aborted !== true) {
        const inIt: RunRef[] = [];
        const status = this.#told(address, (one) => {
          const ref = this.#host.get(one) as RunRef | undefined;
          if (ref !== undefined) inIt.push(ref);
          return ref?.getSnapshot();
        });
        for (const ref of inIt) {
          const { sessionId } = ref;
          if (!subscribed.has(sessionId)) subscribed.set(sessionId, ref.subscribe(bell.observer));
        }
        // Whoever subscribes is told at once how it is, which is no news; nothing else happens before this.
        const rung = bell.rung();
        yield status;
        if (OVER.has(status.state)) return;
        await rung;
      }
    } finally {
      signal?.removeEventListener('abort', bell.observer.next);
      for (const subscription of subscribed.values()) subscription.unsubscribe();
    }
  }

  /** A run, to ask for more of it. */
  of(address: string): { blame(field: string, options?: BlameOptions): Promise<Blame | undefined> } {
    return { blame: (field, options) => this.#blame(address, field, options) };
  }

  /**
   * Which record has made a field of the status what it is, of whomever it is a record: `state`, `tasks.research.output.text`,
   * `tasks.research.attempts[0]`, `tasks.chapters/3.agent`, `money.remaining`, `decisions[0]`. Undefined when nothing ever stood there.
   * @throws InvalidArgument where the status has no such field; as status
   */
  async #blame(address: string, field: string, options: BlameOptions = {}): Promise<Blame | undefined> {
    assertAddress(address, 'address');
    assertField(field);
    const at = recordIn(options);
    const root = at === undefined ? undefined : await this.#past(address, at);
    const past = root && everybodyIn(root);
    const moment =
      root === undefined ? this.#present : momentWithLate(momentOf(root), root.at, this.#present);
    const status = this.#told(address, moment);
    const upTo = (one: string): BlameOptions => {
      const seq = past?.get(one)?.seq;
      return seq === undefined ? {} : { at: seq };
    };
    if (isAboutDecisions(field)) return this.#signing(field, decisionIn(field, status), upTo);
    let newest: Blame | undefined;
    for (const { address: whose, part } of spotsOf(field, status, moment)) {
      const blame = await this.#host.blame(whose, part, upTo(whose));
      if (blame !== undefined && (newest === undefined || !isBefore(blame, newest))) newest = blame;
    }
    return newest;
  }

  /** The record of a decision, in whichever life of its review it was taken. */
  async #signing(
    field: string,
    decision: HumanDecision | undefined,
    upTo: (address: string) => BlameOptions,
  ): Promise<Blame | undefined> {
    if (decision === undefined) return undefined;
    const { review, what, by, at: when } = decision;
    const { at: to } = upTo(review);
    const options = { reverse: true, ...(to !== undefined && { to }) };
    for await (const { address, seq, at, event, cause } of this.#host.history(review, options)) {
      const isIt = at === when && (by === undefined ? isNobodys(event) : isSigning(event, what, by));
      if (isIt) return { address, seq, at, event, cause, path: field, before: undefined, after: decision };
    }
    return undefined;
  }
}

/** @throws InvalidArgument */
function assertAddress(address: unknown, path: string): asserts address is string {
  if (typeof address !== 'string' || address === '')
    throw new InvalidArgument(
      path,
      `must be an address, such as report/7, but is ${JSON.stringify(address) ?? String(address)}`,
    );
}

/** As of which record, if it is not now: a number alone, in the place of the options, would be taken for now. @throws InvalidArgument */
function recordIn(options: unknown): number | undefined {
  if (typeof options !== 'object' || options === null)
    throw new InvalidArgument('options', `must be an object, such as { at: 12 }, but is ${given(options)}`);
  const { at } = options as { readonly at?: unknown };
  if (at === undefined || (Number.isSafeInteger(at) && (at as number) >= 1)) return at as number | undefined;
  throw new InvalidArgument(
    'at',
    `must be the number of a record, such as 12, counted from 1, but is ${given(at)}`,
  );
}

const given = (value: unknown): string =>
  typeof value === 'string' ? `the text ${JSON.stringify(value)}` : String(value);

/** Whether it stands before another in the same journal, or is older. */
const isBefore = (one: Blame, other: Blame): boolean =>
  one.address === other.address ? one.seq < other.seq : one.at < other.at;

const isSigning = ({ type, ...event }: AnyEventObject, what: HumanDecision['what'], by: string): boolean =>
  event['by'] === by && (type === `review.${what}` || (what === 'approve' && type === 'review.edit'));

/** The time of a review was over. */
const isNobodys = ({ type }: AnyEventObject): boolean => !type.startsWith('review.');

const OVER: ReadonlySet<RunState> = new Set<RunState>(['complete', 'failed', 'aborted', 'stopped']);

/** What the index is asked for. */
function lookedFor({ tasks }: AnyWorkflowOptions, state: RunState | undefined) {
  const anyIn = (stand: string) =>
    Object.entries(tasks).flatMap(([name, { kind }]) =>
      kind === 'branch' || kind === 'join' ? [] : [{ working: { [name]: { running: stand } } }],
    );
  switch (state) {
    case 'complete':
      return { status: 'done' };
    case 'stopped':
      return { status: 'stopped' };
    case 'failed':
    case 'aborted':
      return { status: 'error' };
    case 'waiting':
    case 'parked': {
      const undoes = Object.values(tasks).some(isReversible);
      // Whoever undoes something says so in the context of the run alone.
      return { state: [...anyIn(state), ...(undoes ? ['compensating'] : [])] };
    }
    default:
      return {};
  }
}

function isIn({ state, waiting, parked }: RunSummary, wanted: RunState): boolean {
  if (wanted === 'waiting') return waiting.length > 0;
  return wanted === 'parked' ? parked.length > 0 : state === wanted;
}

function summaryOf(ref: RunRef, workflow: string): RunSummary | undefined {
  const stood = unlessRefused(ref);
  if (!isRun(stood)) return undefined;
  const { nodes, startedAt } = stood.context;
  const those = (which: 'waiting' | 'parked'): string[] =>
    Object.entries(nodes)
      .filter(
        ([, { status, undoing }]) => status === which || (status === 'compensating' && undoing === which),
      )
      .map(([name]) => name);
  return {
    ...{ run: ref.address, workflow, state: runStateOf(stood), startedAt },
    ...{ waiting: those('waiting'), parked: those('parked') },
  };
}

function unlessRefused(ref: RunRef): Stood | undefined {
  try {
    return ref.getSnapshot();
  } catch (error) {
    if (error instanceof HeddleError) return undefined;
    throw error;
  }
}

function momentOf(root: PastActor): Moment {
  const all = everybodyIn(root);
  return (address) => all.get(address)?.snapshot;
}

/** By their addresses. */
function everybodyIn(root: PastActor): ReadonlyMap<string, PastActor> {
  const all = new Map<string, PastActor>();
  const walk = (actor: PastActor): void => {
    all.set(actor.address, actor);
    actor.children.forEach(walk);
  };
  walk(root);
  return all;
}

/** Rings for whoever waits; as often as it likes while nobody does. */
class Bell {
  #ring: () => void = () => {};

  rung(): Promise<void> {
    return new Promise((resolve) => (this.#ring = resolve));
  }

  /** As an observer: whatever is told, something has changed. */
  readonly observer = { next: () => this.#ring(), error: () => this.#ring(), complete: () => this.#ring() };
}
