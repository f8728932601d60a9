/**
 * The system: one open store and the actors that live in it. The entrance for users.
 */
import type { AnyEventObject } from 'xstate';
import type { BackupOptions, BackupReport } from '../storage/backup/backup.ts';
import type { CompactionReport } from '../storage/store.ts';
import { Ahead } from './ahead.ts';
import { Acting, assertOwner, everyOne, EVERYTHING, resourceAt } from './acting.ts';
import type { ActorDefinition, HeddleRef, WithInput } from './actor-ref.ts';
import { checkedPrincipal } from './authority.ts';
import type { Authority, Principal, Resource } from './authority.ts';
import type { SendOptions } from './delivery.ts';
import { InvalidArgument, UnknownActor } from './errors.ts';
import { historyOf } from './past/history.ts';
import type { HistoryOptions, HistoryRecord } from './past/history.ts';
import { historyWithRefusals } from './past/refused.ts';
import type { HistoryRefusal } from './past/refused.ts';
import type { MetricsReading } from './health/reading.ts';
import type { Ref } from './kernel/ref.ts';
import { Orders } from './orders.ts';
import { ownCopyOf } from './own-copy.ts';
import type { Pause, PauseTarget, PauseWords } from './pauses.ts';
import { names } from './query/names.ts';
import { query } from './query/query.ts';
import type { QueriedRef, QueryName, QueryOptions, QueryState } from './query/query.ts';
import type { Receipt } from './receipt.ts';
import type { Refusal } from './refusals.ts';
import { blame, diff } from './past/diff.ts';
import type { Blame, BlameOptions, Change, DiffOptions, Reading } from './past/diff.ts';
import { exported } from './past/export.ts';
import type { ExportOptions } from './past/export.ts';
import { fixture } from './past/fixture.ts';
import type { Fixture, FixtureOptions } from './past/fixture.ts';
import { imported } from './past/import.ts';
import type { ImportOptions } from './past/import.ts';
import { fork, perform } from './past/fork.ts';
import type { ForkOptions } from './past/fork.ts';
import type { Moment } from './past/cut.ts';
import { pastActor } from './past/past-actor.ts';
import type { PastActor } from './past/past-actor.ts';
import { replay, replayAll } from './past/replay.ts';
import type { ReplayResult } from './past/replay.ts';
import { toldUpTo } from './past/telling.ts';
import { Runtime } from './runtime.ts';
import type { Interference } from './runtime-options.ts';
import { runtimeOptionsOf } from './system-options.ts';
import type { ActorDefinitions, SystemOptions } from './system-options.ts';
import { Births } from './births.ts';
import type { DeadLetterList } from './dead-letters.ts';
import { explain } from './explain.ts';
import { Schedules } from './schedules/schedules.ts';
import { stuckActors } from './stuck.ts';
import type { StuckActor } from './stuck.ts';
import { SupervisorHandle } from './supervision/handle.ts';
import { SUPERVISOR } from './supervision/logic.ts';
import { Tree } from './tree.ts';
import { backup, compact } from './upkeep.ts';
import { migrate, migrations } from './versions/survey.ts';
import type { Migration, MigrationOptions } from './versions/survey.ts';
import { ViewPort } from './view.ts';
import type { Warrant } from './warrant.ts';
import { verify } from './verify.ts';
import type { Verification } from './verify.ts';

export interface StartOptions {
  /** Default: a random one. */
  readonly id?: string;
  /** What to do when the id is taken: `refuse` with ActorExists (default), or `join` the actor that has it. */
  readonly onConflict?: 'refuse' | 'join';
}

/**
 * Opens a system: opens or creates its store, brings back what is owed, and lets it go on.
 *
 * @throws StoreLocked, StoreFormat, StoreCorrupt, StoreIo, InvalidArgument, StartFailed
 */
export async function createSystem<const TActors extends ActorDefinitions>(
  options: SystemOptions<TActors>,
): Promise<System<TActors>> {
  return openSystem(options);
}

/** The same, with a door for tests. */
export async function openSystem<const TActors extends ActorDefinitions>(
  options: SystemOptions<TActors>,
  interference?: Interference,
): Promise<System<TActors>> {
  const runtime = await Runtime.open({ ...runtimeOptionsOf(options), interference });
  return new System<TActors>(runtime);
}

/** The parts of a system that only tests may touch. */
export const internals = new WeakMap<object, Runtime>();

/** A system, as somebody else than its program has it in hand: see {@link System.as}. It cannot be closed. */
export type SystemView<TActors extends ActorDefinitions> = Omit<
  System<TActors>,
  'close' | typeof Symbol.asyncDispose
>;

export class System<TActors extends ActorDefinitions> implements AsyncDisposable {
  readonly #runtime: Runtime;
  readonly #acting: Acting;
  /** Undefined when it is the program's own. */
  readonly #view: ViewPort | undefined;
  readonly #births: Births;
  /** What is recorded before something else is. For those who keep what records name. @internal */
  readonly ahead: Ahead;
  /** Occurrences that are started by the calendar, or at intervals. */
  readonly schedules: Schedules;
  /** What was ordered to hold until it is taken back, for those who give that a meaning: heddle/actors its halts. */
  readonly orders: Orders;

  /** Use {@link createSystem}. */
  constructor(runtime: Runtime, acting: Acting = new Acting(runtime)) {
    this.#runtime = runtime;
    this.#acting = acting;
    this.#view = acting.principal === undefined ? undefined : new ViewPort(runtime, acting);
    this.#births = new Births(runtime, acting);
    this.ahead = new Ahead(runtime, acting, this.#births);
    this.schedules = new Schedules(runtime, acting);
    this.orders = new Orders(runtime, acting);
    internals.set(this, runtime);
  }

  /**
   * The same system in the hands of somebody: what is done with it, and with the refs it gives, is done on behalf of that principal,
   * who is asked for each time, and recorded. Whether it is really him is for the caller to know.
   * @throws InvalidArgument
   */
  as(principal: Principal): SystemView<TActors> {
    return new System(this.#runtime, new Acting(this.#runtime, checkedPrincipal(principal)));
  }

  /** Decides what is permitted: the decider, behind everything that makes its answers safe to use. */
  get authority(): Authority {
    return this.#runtime.authority;
  }

  /**
   * The actor with this name and id: found if it lives or has lived, born otherwise.
   * @param options its input, for the case that it is born
   * @throws JournalCorrupt, StoryChanged when it is refused; StepFailed when it cannot be born
   */
  async actor<TName extends keyof TActors & string>(
    name: TName,
    id: string,
    ...[options]: WithInput<TActors[TName], object>
  ): Promise<HeddleRef<TActors[TName]>> {
    return this.#inHand(await this.#births.find(name, id, options?.input)) as never;
  }

  /**
   * Starts a new actor.
   * @throws ActorExists when the id is taken and `onConflict` is not `join`; StepFailed when it cannot be born
   */
  async start<TName extends keyof TActors & string>(
    name: TName,
    ...[options]: WithInput<TActors[TName], StartOptions>
  ): Promise<HeddleRef<TActors[TName]>> {
    const { id, onConflict = 'refuse', input } = (options ?? {}) as StartOptions & { input?: unknown };
    return this.#inHand(await this.#births.start(name, id, input, onConflict)) as never;
  }

  /**
   * The same for those who look after actors whose birth is reserved.
   * @internal
   */
  async startReserved(
    name: string,
    { id, input, onConflict = 'refuse' }: StartOptions & { readonly input?: unknown },
  ): Promise<object> {
    return this.#inHand(await this.#births.start(name, id, input, onConflict, true));
  }

  /**
   * Sends what an actor reserves, for those who look after such actors, and have looked at it.
   * @internal
   */
  sendReserved(to: object, event: AnyEventObject, options?: SendOptions): Promise<Receipt> {
    const acting = this.#view === undefined ? undefined : this.#acting;
    return this.#runtime.delivery.sendReserved(to as Ref, event, options, acting);
  }

  /**
   * The actor at an address, without starting one: undefined when nobody ever lived there.
   * @throws JournalCorrupt, StoryChanged when it is refused
   */
  get<TAddress extends string>(address: TAddress): RefAt<TActors, TAddress> | undefined {
    const runtime = this.#runtime;
    runtime.assertOpen();
    const cell = runtime.population.find(address);
    // One that is being born is not there before that is on the disk.
    return cell?.committed === undefined ? undefined : (this.#inHand(cell.ref) as never);
  }

  /**
   * The actors of a name that stand in a state, in memory or asleep, in no particular order:
   * `for await (const ref of system.query({ name: 'report', state: 'review' }))`.
   *
   * Sees what is on the disk. Nothing stands still meanwhile: an actor is given at most once, if it matched at some time
   * while one iterated, and in any case if it matched all the time. Actors that are refused are left out; how many are known
   * to be is in `metrics().actors.refused`. See docs/querying.md for what it costs.
   * @throws InvalidArgument
   */
  query<const TName extends QueryName<TActors>>(
    options: QueryOptions<TName, QueryState<TActors, TName>>,
  ): AsyncIterable<QueriedRef<TActors, TName>> {
    const refs = query(this.#runtime, options);
    return (this.#view === undefined ? refs : inHandOf(this.#view, refs)) as never;
  }

  /**
   * The names that `query` takes, as far as anybody lives or has lived under them: of root actors (`report`), and of children
   * (`report/payment`).
   * @param isWanted is asked for the logic of each
   */
  names(isWanted: (logic: unknown) => boolean = () => true): Promise<readonly string[]> {
    return names(this.#runtime, isWanted);
  }

  /**
   * Ends the life of a root actor, and of its children. Resolves when that is on the disk.
   * An actor that has ended already stays as it is.
   */
  async stop(address: string): Promise<void> {
    this.#runtime.assertOpen();
    await this.#acting.act('stop', resourceAt(address), (warrant) => this.#stop(address, warrant));
  }

  async #stop(address: string, warrant: Warrant | undefined): Promise<void> {
    const runtime = this.#runtime;
    const cell = runtime.population.find(address);
    if (cell === undefined) throw new UnknownActor(address, 'nobody ever lived there');
    if (cell.birth?.parent !== undefined) {
      throw new InvalidArgument(
        'address',
        `is that of a child (${address}): stop its root actor, or use stopChild in its parent`,
      );
    }
    if (cell.definition.isHouse)
      throw new InvalidArgument(
        'address',
        `is ${address}, which belongs to the house: see system.supervisor`,
      );
    if (cell.ended) return;
    await runtime.delivery.command(cell, { type: 'xstate.stop' }, warrant);
  }

  /**
   * Every address where anybody ever lived, or only one and those below it: root actors, children, and the house's own
   * (`supervisor/…`, `schedule/…`, `heddle/system`). Reads names and loads nobody, so it needs none of their code.
   */
  async *addresses({ under }: { readonly under?: string } = {}): AsyncGenerator<string> {
    const { population } = this.#runtime;
    this.#runtime.assertOpen();
    if (under !== undefined && population.nameOf(under) !== undefined) yield under;
    const found = under === undefined ? population.addresses() : population.addressesBelow(under);
    for await (const address of found) {
      this.#runtime.assertOpen();
      yield address;
    }
  }

  /**
   * The whole system as it is now: supervisors, actors, their states, restarts and mailboxes. A store of @xstate/store: look at
   * it with `get()`, or `subscribe`.
   */
  tree(): LiveTree {
    this.#runtime.assertOpen();
    const tree = (this.#runtime.tree ??= new Tree(this.#runtime));
    tree.catchUp();
    return tree.store;
  }

  /**
   * A supervisor, by its id, and those of the supervisors above it: `shop`, `shop/orders`.
   * @throws UnknownActor
   */
  supervisor(id: string): SupervisorHandle {
    this.#runtime.assertOpen();
    const address = `${SUPERVISOR}/${id}`;
    if (this.#runtime.supervision.roster.stateAt(address) !== undefined)
      return new SupervisorHandle(this.#runtime, address, this.#acting);
    const known = this.#runtime.supervision.roster
      .all()
      .map((cell) => cell.address.slice(SUPERVISOR.length + 1));
    throw new UnknownActor(address, `is no supervisor; there are ${known.join(', ') || 'none'}`);
  }

  /**
   * Pauses an actor with all below it, all actors of a name, or everything: they take no messages, their timers do not fire,
   * their actions are not carried out, their processes are stopped, and nobody restarts them. What comes for them waits.
   * Recorded, and in force until it is resumed, also after a crash. Resolves when it is on the disk and what ran has ended.
   * @throws InvalidArgument
   */
  async pause(target?: PauseTarget, words: PauseWords = {}): Promise<void> {
    const own = ownCopyOf({ target, words });
    await this.#acting.act('pause', resourceOf(own.target), (warrant) =>
      this.#runtime.pauses.pause(own.target, own.words, warrant),
    );
  }

  /**
   * Ends the pause of the same target; others that cover it stay. Timers that came due meanwhile fire in due order, and
   * processes start again under their keys. Ending the pause of everything waits for what `createSystem` would have.
   * @throws InvalidArgument when the target is paused only with something wider; StartFailed
   */
  async resume(target?: PauseTarget, words: PauseWords = {}): Promise<void> {
    const own = ownCopyOf({ target, words });
    await this.#acting.act('resume', resourceOf(own.target), (warrant) =>
      this.#runtime.pauses.resume(own.target, own.words, warrant),
    );
  }

  /** What is paused, longest first. */
  paused(): readonly Pause[] {
    return this.#runtime.pauses.list();
  }

  /** Events that could not be applied, and actions that could not be done; of one actor, or of all. */
  deadLetters(options?: { readonly address?: string }): DeadLetterList {
    return this.#runtime.deadLetters.list(options, this.#acting);
  }

  /**
   * Calls of `send`, `start` and `actor` that were refused, oldest first: those on the disk, then those of the last second,
   * which a crash would lose. What was sent is not kept. Events that were accepted and could not be applied are not among
   * them: see `deadLetters`.
   */
  refusals(options?: { readonly address?: string }): AsyncIterable<Refusal> {
    return this.#runtime.refusals.list(options);
  }

  /**
   * The never-stuck detector: actors that live, and that nothing will ever move again. Looks at all of them, also at those that
   * sleep: not for every second.
   */
  stuck(): AsyncIterable<StuckActor> {
    return stuckActors(this.#runtime);
  }

  /** Why an actor is where it is, in words. @throws UnknownActor */
  explain(address: string): Promise<string> {
    return explain(this.#runtime, address);
  }

  /**
   * What has happened to an actor, record by record, in all its lives. Shows what is on the disk when it is called.
   * With `refusals` what was refused stands among the records, and an address where only that has happened is known.
   * @throws JournalCorrupt at the first record that does not prove itself; UnknownActor, InvalidArgument
   */
  history(
    address: string,
    options?: HistoryOptions & { readonly refusals?: false },
  ): AsyncIterable<HistoryRecord>;
  history(address: string, options: HistoryOptions): AsyncIterable<HistoryRecord | HistoryRefusal>;
  history(
    address: string,
    options: HistoryOptions = {},
  ): AsyncIterable<HistoryRecord> | AsyncIterable<HistoryRecord | HistoryRefusal> {
    const tell = options.refusals === true ? historyWithRefusals : historyOf;
    return tell(this.#runtime, address, options);
  }

  /** Tells the whole history of an actor again, and says whether today's code tells the same. Executes nothing. */
  replay(address: string): Promise<ReplayResult> {
    return replay(this.#runtime, address);
  }

  /** The same for all actors, of one name or of all, children among them. @throws InvalidArgument where nobody knows the name */
  replayAll(options?: { readonly name?: string }): AsyncIterable<ReplayResult> {
    return replayAll(this.#runtime, options);
  }

  /**
   * The state of an actor as it was when its record `seq` was made: an XState snapshot. Refs in it are of today.
   * @throws StoryChanged when today's code cannot tell it; InvalidArgument, UnknownActor, JournalCorrupt
   */
  async snapshotAt<TAddress extends string>(
    address: TAddress,
    seq: number,
  ): Promise<ReturnType<RefAt<TActors, TAddress>['getSnapshot']>> {
    return (await toldUpTo(this.#runtime, address, seq)).snapshot as never;
  }

  /**
   * Everything an actor was as of its record `seq`: state, timers, messages under way, and the same of all below it as they stood
   * then. With `{ address, seq }` as of a record of somebody below it.
   * @throws as snapshotAt
   */
  past(address: string, seq: number | Moment): Promise<PastActor> {
    return pastActor(this.#runtime, address, seq);
  }

  /**
   * What is different in an actor's state in record `to` from what it was in record `from`; with `children` also in those below it, as
   * they stood then.
   * @throws as snapshotAt
   */
  diff(address: string, from: number, to: number, options?: DiffOptions): Promise<readonly Change[]> {
    return diff(this.#runtime, address, from, to, options);
  }

  /**
   * Which record has set a part of an actor's state, the last of them: `blame('order/7', 'context.items[0].price')`.
   * Undefined when nothing ever stood there. Instead of a path it may be what a pure function reads off a state:
   * `{ path: 'sum', of: (snapshot) => sumOf(snapshot) }`.
   * @throws as snapshotAt
   */
  blame(address: string, path: string | Reading, options?: BlameOptions): Promise<Blame | undefined> {
    return blame(this.#runtime, address, path, options);
  }

  /**
   * A root actor and all below it, as they stood at a record, live on under another address: states, timers, and messages that
   * were under way. The original is not touched. Unless `effects` says otherwise, the fork's actions and processes are recorded and
   * wait: see {@link perform}. Resolves when the fork is on the disk.
   * @throws InvalidArgument, ActorExists, StoryChanged, UnknownActor, JournalCorrupt
   */
  async fork<TAddress extends string>(
    address: TAddress,
    options: ForkOptions,
  ): Promise<RefAt<TActors, TAddress>> {
    const own = ownCopyOf(options);
    const { as, effects, with: changes } = own;
    // With another state anything can have happened, so the decider can tell such a fork from one of what has.
    const changed = changes?.state !== undefined;
    const properties = { as, changed, ...(effects !== undefined && { effects }) };
    const ref = await this.#acting.act(
      'fork',
      resourceAt(address),
      (warrant) => fork(this.#runtime, address, own, warrant),
      properties,
    );
    return this.#inHand(ref) as never;
  }

  /** Carries out what a fork with `effects: 'hold'` owes, and lets its processes run. Resolves when that is on the disk. */
  async perform(address: string): Promise<void> {
    await this.#acting.act('perform', resourceAt(address), (warrant) =>
      perform(this.#runtime, address, warrant),
    );
  }

  /**
   * The history of an actor and of all below it as one text, to keep with the code or send to somebody: `check` tells it again
   * without this store, `reproduce` takes again what has failed in it. Holds the events: mind what is in them.
   * @throws UnknownActor, JournalCorrupt, InvalidArgument
   */
  async export(address: string, options?: ExportOptions): Promise<string> {
    const own = ownCopyOf(options);
    return this.#acting.actOnRecord('export', resourceAt(address), () =>
      exported(this.#runtime, address, own),
    );
  }

  /**
   * Lets the actors of an exported history live on in this store, from where it ends. Resolves when they are on the disk.
   * @throws HistoryDamaged, InvalidArgument, ActorExists, UnknownActor, StoryChanged when today's code tells another story
   */
  async import(options: ImportOptions): Promise<HeddleRef<ActorDefinition>> {
    return this.#inHand(await imported(this.#runtime, options, this.#acting)) as never;
  }

  /** A run that has failed as a test: its history, and a vitest that is red until the code is mended. @throws as export */
  async fixture(address: string, options: FixtureOptions): Promise<Fixture> {
    const own = ownCopyOf(options);
    return this.#acting.actOnRecord('export', resourceAt(address), () =>
      fixture(this.#runtime, address, own),
    );
  }

  /**
   * The actors that live, and were last run by other code than today's: which of them go on, which are migrated, and which are
   * refused. A dry run: changes nothing. Those that have been loaded since the opening are not among them.
   */
  migrations(options?: MigrationOptions): AsyncIterable<Migration> {
    return migrations(this.#runtime, options);
  }

  /**
   * Takes them to today's code now, instead of when somebody asks for them; each on its own. Resolves when that is on the disk.
   */
  async migrate(options?: MigrationOptions): Promise<readonly Migration[]> {
    const own = ownCopyOf(options);
    return this.#acting.actOnRecord('migrate', resourceOf(own), () => migrate(this.#runtime, own));
  }

  /** Reads everything that is stored, and names what is damaged. Changes nothing. */
  verify(): Promise<Verification> {
    return verify(this.#runtime);
  }

  /**
   * Makes a backup into a folder, or brings the one there up to date, while the system works: as of one commit, with everything
   * that was acknowledged before the call. The copy is opened and proven before it counts. `restoreBackup` of `heddle/storage`
   * puts it back.
   * @throws BackupRefused, BackupUnsound, StoreIo; the earlier backup in the folder stays
   */
  async backup(folder: string, options?: BackupOptions): Promise<BackupReport> {
    const own = ownCopyOf(options);
    return this.#acting.actOnRecord('backup', EVERYTHING, () => backup(this.#runtime, folder, own));
  }

  /** Makes the files of the store smaller, while the system works: what was overwritten or deleted goes. */
  compact(): Promise<CompactionReport> {
    return this.#acting.actOnRecord('compact', EVERYTHING, () => compact(this.#runtime));
  }

  /**
   * How the system is: what it has done since it was opened, and how things stand. Plain data, also after it was closed.
   * The first call begins to measure the event loop. `openMetrics` makes text of it for scrapers.
   */
  metrics(): MetricsReading {
    return this.#runtime.metrics.read();
  }

  /**
   * Closes the system: takes nothing new, stops processes, finishes and records what was accepted, and closes the store.
   * Actors and processes go on when it is opened again.
   * @param options.reason why, for the journal of `heddle/system`
   */
  async close({ reason }: { readonly reason?: string } = {}): Promise<void> {
    assertOwner(this.#acting, 'close');
    await this.#runtime.close(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The ref as whoever has this system in hand may use it. */
  #inHand(ref: Ref): Ref {
    return this.#view?.refTo(ref) ?? ref;
  }
}

/** The refs of a query, each time that it is asked, through a view. */
function inHandOf(view: ViewPort, refs: AsyncIterable<Ref>): AsyncIterable<Ref> {
  return {
    async *[Symbol.asyncIterator]() {
      for await (const ref of refs) yield view.refTo(ref);
    },
  };
}

/** What an act is about that may be about one, all of a name, or everything. */
function resourceOf(target: { readonly address?: string; readonly name?: string } | undefined): Resource {
  if (target?.address !== undefined) return resourceAt(target.address);
  return target?.name === undefined ? EVERYTHING : everyOne(target.name);
}

/** The live view of a system. */
export type LiveTree = Tree['store'];

/** The type of the ref at an address: that of the name it begins with, for root actors. */
export type RefAt<
  TActors extends ActorDefinitions,
  TAddress extends string,
> = TAddress extends `${infer TName}/${infer TId}`
  ? TName extends keyof TActors & string
    ? TId extends `${string}/${string}`
      ? HeddleRef<ActorDefinition>
      : HeddleRef<TActors[TName]>
    : HeddleRef<ActorDefinition>
  : HeddleRef<TActors[keyof TActors & string]>;
