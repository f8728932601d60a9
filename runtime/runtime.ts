/**
 * The runtime: the parts of one open system, and how they are joined. Each part has a file of its own; here is what
 * crosses them: waking, looking, failing and coming back.
 */
import type { AnyEventObject, Observer, Subscription } from 'xstate';
import { Codec } from '../storage/codec.ts';
import { prove } from '../storage/fence.ts';
import { JournalReader } from '../storage/journal.ts';
import { allOf, numberOf, Prefix, timerActorOf } from '../storage/keys.ts';
import { Ledger } from '../storage/ledger.ts';
import { recover } from '../storage/recovery.ts';
import { Acting } from './acting.ts';
import { Alarms } from './alarms.ts';
import { Answers } from './answers.ts';
import { Audience } from './audience.ts';
import { Authority } from './authority.ts';
import type { Cell } from './cell.ts';
import type { Clock } from './clock.ts';
import { Committer } from './commit.ts';
import type { Commit } from './commit.ts';
import { DeadLetters } from './dead-letters.ts';
import { decide } from './decisions.ts';
import type { Definitions } from './definition.ts';
import { Delivery } from './delivery.ts';
import type { SendOptions } from './delivery.ts';
import { Draining } from './draining.ts';
import { carryOut, rest } from './effects.ts';
import { LiveEnvironment } from './environment.ts';
import { HeddleError, messageOf, StoreCorrupt, StoreFenced, SystemClosed } from './errors.ts';
import { Events } from './events.ts';
import { Metrics } from './health/metrics.ts';
import type { Inspection } from './inspection.ts';
import type { Port, Ref, Tree as ActorTree } from './kernel/ref.ts';
import type { AnySnapshot } from './kernel/step.ts';
import { recordNews } from './news.ts';
import { Passivation } from './passivation.ts';
import { StandingOrders } from './orders.ts';
import { Pauses } from './pauses.ts';
import { Population } from './population.ts';
import { Processes } from './processes.ts';
import { StateIndex } from './query/state-index.ts';
import { StateRows } from './query/state-rows.ts';
import { Quarantine } from './quarantine.ts';
import type { Receipt } from './receipt.ts';
import { References } from './references.ts';
import { Refusals } from './refusals.ts';
import type { RuntimeOptions } from './runtime-options.ts';
import { Scheduler } from './scheduler.ts';
import { Schedules } from './schedules/schedules.ts';
import { SystemIds } from './system-ids.ts';
import { Tails } from './tail.ts';
import { schedulesLoaded } from './retry.ts';
import { Supervision } from './supervision/supervision.ts';
import { Timers } from './timers.ts';
import type { Tree } from './tree.ts';
import { Codes } from './versions/codes.ts';
import { reportSurvey } from './versions/survey.ts';

/** How long the runtime waits before it tries again to prove a store after a failed write. */
const PROVE_AFTER_MS = [0, 100, 500, 1000, 2000, 5000];

export class Runtime implements Port {
  readonly options: RuntimeOptions;
  readonly clock: Clock;
  readonly authority: Authority;
  /** The program that has opened the system; undefined where it may do everything. */
  readonly program: Acting | undefined;
  readonly codec: Codec;
  readonly references: References;
  readonly definitions: Definitions;
  readonly events: Events;
  readonly population: Population;
  readonly environment: LiveEnvironment;
  readonly processes: Processes;
  readonly timers: Timers;
  readonly alarms: Alarms;
  readonly systemIds: SystemIds;
  readonly deadLetters: DeadLetters;
  readonly delivery: Delivery;
  readonly passivation: Passivation;
  readonly pauses: Pauses;
  readonly orders: StandingOrders;
  readonly stateIndex: StateIndex;
  readonly stateRows: StateRows;
  readonly supervision: Supervision;
  readonly schedules: Schedules;
  readonly answers: Answers;
  readonly refusals: Refusals;
  readonly draining: Draining;
  readonly inspection: Inspection | undefined;
  readonly metrics: Metrics;
  readonly audience: Audience;
  /** Only when somebody looks at it. */
  tree: Tree | undefined;

  // What is read from the store, and read again after the fence.
  ledger!: Ledger;
  journal!: JournalReader;
  committer!: Committer;
  scheduler!: Scheduler;
  tails!: Tails;
  quarantine!: Quarantine;
  codes!: Codes;

  /** The time of the current slice of turns, on the monotonic clock. */
  loopTime = 0;
  /** Set for good when the system closes or the process pretends to die. */
  stopped = false;
  /** Set when the system begins to close: nothing new is accepted or started. */
  closing = false;
  /** Actors that could not be loaded: as long as this process lives, they cannot be. */
  readonly refused = new Set<number>();
  #recovering: Promise<void> | undefined;
  #fenced: unknown;
  #closed: Promise<void> | undefined;
  #hasBegun = false;

  private constructor(options: RuntimeOptions) {
    this.options = options;
    this.clock = options.clock;
    this.authority = new Authority(options.decider, {
      clock: this.clock,
      withinMs: options.decideWithinMs,
      report: (error, what) => this.report(error, what),
    });
    this.program = this.authority.isGoverned ? new Acting(this) : undefined;
    this.metrics = new Metrics(this);
    this.audience = new Audience(this);
    this.draining = new Draining(this);
    this.references = new References(() => this);
    this.codec = new Codec(this.references);
    this.definitions = options.definitions(this.codec);
    this.events = new Events(this.codec, this.references, this.definitions);
    this.stateIndex = new StateIndex(this);
    this.stateRows = new StateRows(this);
    this.population = new Population(this);
    this.environment = new LiveEnvironment(this);
    this.processes = new Processes(this);
    this.alarms = new Alarms(this);
    this.timers = new Timers(
      options.clock,
      (actor, timer) => this.alarms.fire(actor, timer),
      (actor, timer) => this.alarms.stands(actor, timer),
    );
    this.systemIds = new SystemIds(this);
    this.deadLetters = new DeadLetters(this);
    this.delivery = new Delivery(this);
    this.passivation = new Passivation(this, options.passivateAfterMs);
    this.pauses = new Pauses(this, options.startsPaused);
    this.orders = new StandingOrders(this);
    this.answers = new Answers(this);
    this.refusals = new Refusals(this);
    this.schedules = new Schedules(this);
    this.supervision = new Supervision(this, options.supervise?.(this.definitions));
    this.inspection = options.makeInspection?.(this);
  }

  /** Opens the store and brings back what is owed. */
  static async open(options: RuntimeOptions): Promise<Runtime> {
    const runtime = new Runtime(options);
    await schedulesLoaded();
    const ledger = await Ledger.open(options.store, options.clock.now());
    try {
      await runtime.#comeUp(ledger);
      runtime.inspection?.attach();
      await runtime.begin();
      await runtime.#recordQuarantine();
      recordNews(runtime);
    } catch (error) {
      runtime.die();
      await options.store.close();
      throw error;
    }
    runtime.passivation.start();
    options.clock.soon(() => runtime.#survey());
    return runtime;
  }

  /** What an opening does once actors may move: at once, or when everything is resumed. @throws StartFailed */
  async begin(): Promise<void> {
    if (this.#hasBegun || this.pauses.isEverything) return;
    this.#hasBegun = true;
    await this.supervision.open();
    await this.schedules.open();
  }

  /** Says which actors are blocked by code that has changed. */
  #survey(): void {
    if (this.closing || this.stopped) return;
    reportSurvey(this).catch((error: unknown) => {
      if (!(error instanceof SystemClosed))
        this.report(error, 'the actors whose code has changed were not all found');
    });
  }

  /** Damage that was found is a decision too: actors are refused from now on. */
  async #recordQuarantine(): Promise<void> {
    const { fresh } = this.quarantine;
    if (fresh.length === 0) return;
    const names = await this.population.addressesByActor(new Set(fresh.map(({ actor }) => actor)));
    for (const { actor, address = names.get(actor), evidence } of fresh) {
      const whose = address === undefined ? { actor } : { actor, address };
      const recorded = decide(this, { type: 'heddle.quarantined', ...whose, evidence });
      recorded.catch((error: unknown) => this.report(error, 'a quarantine was not recorded'));
    }
  }

  // ---- coming up ------------------------------------------------------------------------------------------------

  /** Reads the store, and resumes everything that is owed. Used when it is opened, and after the fence. */
  async #comeUp(ledger: Ledger): Promise<void> {
    this.ledger = ledger;
    this.journal = new JournalReader(ledger, this.options.interference?.cachedFrames);
    this.committer = new Committer(this);
    this.scheduler = new Scheduler(this);
    this.tails = new Tails(this.codec);
    this.refused.clear();
    this.population.clear();
    this.systemIds.clear();
    this.timers.clear();
    this.codes = await Codes.read(this);
    const reading = await recover(ledger, (entry) => this.tails.visit(entry));
    this.tails.setHeads(reading.heads);
    this.quarantine = await Quarantine.take(this, reading);
    this.stateRows.begin();
    await this.pauses.load();
    await this.orders.load();
    // Before any timer can be due: whoever fails must have his supervisor.
    await this.supervision.comeUp();
    const owing = await this.#owing();
    await this.#loadWakeUps();
    // Whoever has opened the system gets it first, and can attach listeners before anything moves.
    this.clock.soon(() => this.#resumeAll(owing));
  }

  /** The actors that have something to do, by their marks and by their tails. */
  async #owing(): Promise<number[]> {
    const owing = new Set((await this.keysOf(Prefix.Resume)).map(numberOf));
    for (const [actor, tail] of this.tails.entries()) {
      if (tail.mustResume) owing.add(actor);
      if (tail.earliestDueMs !== Infinity) this.timers.add(actor, tail.earliestDueMs, undefined);
    }
    return [...owing].sort((a, b) => a - b);
  }

  async #loadWakeUps(): Promise<void> {
    for (const key of await this.keysOf(Prefix.Timer)) {
      this.timers.add(timerActorOf(key), numberOf(key), undefined);
    }
  }

  /** The keys of all rows of a kind. Each must be sound: a mark that is lost is work that is forgotten. */
  async keysOf(prefix: Prefix): Promise<Uint8Array[]> {
    const keys: Uint8Array[] = [];
    try {
      for await (const chunk of this.ledger.store.scan(allOf(prefix))) {
        for (const [key] of chunk) {
          this.ledger.get(key);
          keys.push(key);
        }
      }
    } catch (error) {
      const what = `its marks '${String.fromCharCode(prefix)}' cannot all be read (${messageOf(error)})`;
      throw new StoreCorrupt(this.ledger.store.location, what, { cause: error });
    }
    return keys;
  }

  #resumeAll(owing: readonly number[]): void {
    if (this.pauses.postpones(() => this.clock.soon(() => this.#resumeAll(owing)))) return;
    for (const actor of owing) {
      if (this.stopped || this.#fenced !== undefined) return;
      this.tryLoad(actor);
    }
  }

  /** Loads an actor that has work, if it can be loaded; if not, it is refused when somebody asks for it. */
  tryLoad(actor: number): Cell | undefined {
    try {
      return this.population.load(actor, `actor #${actor}`);
    } catch (error) {
      this.report(error, 'an actor with work to do was refused');
      this.refused.add(actor);
      return undefined;
    }
  }

  /** An actor was loaded: its work goes on. */
  resume(cell: Cell): void {
    cell.activeAt = this.loopTime;
    cell.held = this.supervision.roster.holds(cell);
    if (cell.paused !== undefined) return void cell.paused.push(() => this.resume(cell));
    this.alarms.set(cell);
    // What it owes from before: turns that it takes from now on see to their own, once they are durable.
    const owed = [...(cell.owed?.values() ?? [])];
    const unfinished = this.processes.unfinished(cell);
    if (owed.length === 0 && unfinished === undefined && cell.down === undefined) return;
    // Not now: it may be loaded from within a turn.
    this.clock.soon(() => {
      if (this.stopped || !cell.present) return;
      this.supervision.liftForgotten(cell);
      if (unfinished !== undefined) this.processes.resume(cell, unfinished);
      for (const turn of owed) carryOut(this, cell, turn, true);
      rest();
    });
  }

  /** An actor that was held runs again. */
  letGo(cell: Cell): void {
    cell.held = false;
    this.goOn(cell);
  }

  /** What has kept an actor from running is over. It may be down all the same. */
  goOn(cell: Cell): void {
    this.alarms.set(cell);
    if (!this.processes.hasReported(cell)) this.processes.goOn(cell);
  }

  /** Loads some of the actors that recovery has left lying, so that the low-water mark can rise. */
  loadLaggards(count: number): void {
    let left = count;
    for (const [actor] of this.tails.entries()) {
      // One that is refused keeps its tail, and with it the frames that are the evidence.
      if (this.refused.has(actor)) continue;
      if (left-- === 0) return;
      this.tryLoad(actor);
    }
  }

  lookAtClock(): number {
    return (this.loopTime = this.clock.monotonicMs());
  }

  // ---- the port of refs -----------------------------------------------------------------------------------------

  send(ref: Ref, event: AnyEventObject, options?: SendOptions): Promise<Receipt> {
    return this.delivery.send(ref, event, options);
  }

  relay(source: Ref | undefined, target: Ref, event: AnyEventObject): void {
    this.delivery.relay(source, target, event);
  }

  /** The actor behind a ref, loaded if need be. @throws JournalCorrupt, StoryChanged */
  cellOf(ref: Ref): Cell {
    const remembered = ref.cell as Cell | undefined;
    if (remembered?.present === true) return remembered;
    const cell = this.population.load(ref.actor, ref.address);
    ref.cell = cell;
    return cell;
  }

  /** Whether a write has failed and the store is not proven yet. */
  get isFenced(): boolean {
    return this.#fenced !== undefined;
  }

  /** @throws SystemClosed, StoreFenced */
  assertOpen(): void {
    if (this.closing || this.stopped) throw new SystemClosed();
    if (this.#fenced !== undefined) throw new StoreFenced('no', this.#fenced);
  }

  /** The address of an actor by its number, as far as it can be found. */
  addressOf(actor: number): string {
    return this.population.addressOf(actor) ?? `actor #${actor}`;
  }

  // ---- looking --------------------------------------------------------------------------------------------------

  snapshotOf(ref: Ref): unknown {
    const cell = this.cellOf(ref);
    if (ref.life !== 0 && ref.life < cell.since) return GONE;
    return cell.committed ?? UNSTARTED;
  }

  subscribe(ref: Ref, observer: Observer<unknown>): Subscription {
    return this.audience.subscribe(ref, observer);
  }

  on(ref: Ref, type: string, handler: (event: AnyEventObject) => void): Subscription {
    return this.audience.on(ref, type, handler);
  }

  /** @param load what to do about an actor that must be loaded to be referred to */
  lookup(
    tree: ActorTree,
    key: string,
    load: (actor: number, address: string) => Cell = (actor, address) => this.population.load(actor, address),
  ): Ref | undefined {
    return (
      this.systemIds.get(tree, key) ?? (key.includes('/') ? this.population.refAt(key, load) : undefined)
    );
  }

  lookupAll(tree: ActorTree): Record<string, Ref> {
    return Object.fromEntries(this.systemIds.all(tree));
  }

  log(label: string | undefined, value: unknown): void {
    const args = Array.isArray(value) && label === undefined ? value : [value];
    this.options.logger.log(...(label === undefined ? args : [label, ...args]));
  }

  /** Tells the operator about trouble that nobody else is told of. */
  report(error: unknown, what: string): void {
    if (!this.stopped) this.options.logger.error(`heddle: ${what}:`, error);
  }

  // ---- the fence ------------------------------------------------------------------------------------------------

  /** A write has failed: everything that is not durable is given up, and the store must be proven. */
  fence(cause: unknown): void {
    if (this.#fenced !== undefined || this.stopped) return;
    this.#fenced = cause;
    this.metrics.fences++;
    this.report(cause, 'a write failed; nothing is acknowledged until the store is proven');
    this.#giveUp((applied) => new StoreFenced(applied, cause));
    this.#recovering = this.#recoverFromFence(0);
  }

  /** Rejects everybody who waits, and forgets everything in memory. */
  #giveUp(errorFor: (applied: 'no' | 'unknown') => Error): void {
    const { writing, filling, between } = this.committer.stop();
    this.scheduler.stop();
    this.timers.clear();
    this.processes.forgetEarly();
    if (writing !== undefined) abandon(writing, errorFor('unknown'));
    abandon(filling, errorFor('no'));
    for (const reject of between) reject(errorFor('no'));
    for (const cell of this.population.cells()) {
      for (const { reply } of cell.mailbox?.waiting() ?? []) reply?.reject(errorFor('no'));
    }
    this.delivery.forget();
  }

  async #recoverFromFence(round: number): Promise<void> {
    try {
      const ledger = await prove(this.ledger, this.clock.now());
      if (this.stopped) return;
      await this.#comeUp(ledger);
      this.#fenced = undefined;
      this.delivery.resume();
    } catch (error) {
      if (this.stopped) return;
      this.report(error, 'the store could not be proven');
      if (error instanceof HeddleError && !error.retryable) return;
      const delay = PROVE_AFTER_MS[Math.min(round, PROVE_AFTER_MS.length - 1)]!;
      this.clock.after(delay, () => {
        if (!this.stopped) this.#recovering = this.#recoverFromFence(round + 1);
      });
    }
  }

  // ---- the end --------------------------------------------------------------------------------------------------

  /** Stops processes, finishes what was accepted, and closes the store. @param reason recorded, if there is one */
  close(reason?: string): Promise<void> {
    return (this.#closed ??= this.#close(reason));
  }

  async #close(reason: string | undefined): Promise<void> {
    if (reason !== undefined && !this.isFenced) {
      const recorded = decide(this, { type: 'heddle.closed', reason });
      await recorded.catch((error: unknown) => this.report(error, 'why the system closes was not recorded'));
    }
    this.closing = true;
    this.passivation.stop();
    this.timers.clear();
    if (!this.supervision.isEmpty) await this.supervision.windDownTree();
    this.processes.stopAll();
    const recorded = this.refusals.close();
    await this.draining.finish();
    await recorded;
    await this.draining.writeDown();
    this.#giveUp(() => new SystemClosed());
    this.tree?.stop();
    this.metrics.close();
    await this.inspection?.close();
    this.stopped = true;
    // It may be opening the store anew.
    await this.#recovering;
    await this.options.store.close();
  }

  /** Pretends that the process dies: from now on nothing happens any more, and nothing is written. */
  die(): void {
    this.stopped = true;
    this.committer.stop();
    this.scheduler.stop();
    this.timers.clear();
    this.passivation.stop();
    this.tree?.stop();
    this.metrics.close();
    void this.inspection?.close();
    this.processes.abandon();
    this.draining.die();
  }
}

function abandon({ turns, waiters }: Commit, error: Error): void {
  for (const { message } of turns) message.reply?.reject(error);
  for (const waiter of waiters) waiter(error);
}

const UNSTARTED = { status: 'active', output: undefined, error: undefined } as const;
const GONE: AnySnapshot = { status: 'stopped', output: undefined, error: undefined };
