/**
 * Supervision: what joins supervisors to the actors they supervise: how a tree begins and ends, how children reply to orders, and
 * what follows from a decision when it is on the disk. The decisions themselves are in `supervisor.ts`, who supervises whom in
 * `roster.ts`, stopping and waiting for it in `winding-down.ts`, and who will not come up any more in `staying-down.ts`.
 */
import type { Schedule } from 'effect';
import type { Cell } from '../cell.ts';
import { firstDifference } from '../difference.ts';
import { HeddleError, StartFailed } from '../errors.ts';
import { childAddress } from '../kernel/address.ts';
import type { Ref } from '../kernel/ref.ts';
import { Message } from '../mailbox.ts';
import { newRoot } from '../birth.ts';
import { beginsAgain } from '../failure.ts';
import { portable } from '../portable.ts';
import { delayAfter, loadSchedules } from '../retry.ts';
import type { Runtime } from '../runtime.ts';
import { HALT, UP } from '../standing.ts';
import type { Cause } from '../trailer.ts';
import type { Turn } from '../turn.ts';
import type { Warrant } from '../warrant.ts';
import type { DeclaredTree, SupervisorDeclaration } from './declaration.ts';
import { addressOf, isEveryone, SUPERVISOR, supervisorAbove } from './logic.ts';
import { Roster, stateOf } from './roster.ts';
import { END_TEXTS, StayingDown } from './staying-down.ts';
import { EVERYBODY } from './words.ts';
import type { Answer, SupervisorEvent, SupervisorState } from './words.ts';
import { WindingDown } from './winding-down.ts';

export class Supervision {
  readonly #runtime: Runtime;
  readonly #tree: DeclaredTree | undefined;
  readonly roster: Roster;
  readonly windingDown: WindingDown;
  readonly stayingDown: StayingDown;
  /** Those that cannot be loaded. */
  readonly #unreadable = new Map<string, HeddleError>();
  readonly #whenSettled = new Set<() => void>();
  /** When the root ended last that was reported. */
  #toldEnd: number | undefined;
  /** Orders to stop that were replied to with their turn, because nothing was under way. */
  readonly #repliedTo = new WeakSet<Message>();

  constructor(runtime: Runtime, tree: DeclaredTree | undefined) {
    this.#runtime = runtime;
    this.#tree = tree;
    this.roster = new Roster(runtime);
    this.windingDown = new WindingDown(runtime);
    this.stayingDown = new StayingDown(runtime, this.roster);
  }

  // ---- a tree begins, and ends ------------------------------------------------------------------------------------

  /** The store was read: its supervisors are loaded before anybody they supervise. */
  async comeUp(): Promise<void> {
    this.roster.clear();
    this.#unreadable.clear();
    const { population } = this.#runtime;
    const addresses: string[] = [];
    for await (const address of population.addressesOf(SUPERVISOR)) addresses.push(address);
    // All at once: nobody may take a turn while those who supervise him are not known yet.
    for (const address of addresses) {
      try {
        const cell = population.load(population.nameOf(address)!.actor, address);
        // One whose first message is still under way is registered when it is born.
        if (cell.snapshot !== undefined) this.#goOn(cell);
      } catch (error) {
        if (!(error instanceof HeddleError)) throw error;
        this.#runtime.report(error, `${address} cannot supervise`);
        this.#unreadable.set(address, error);
      }
    }
  }

  #goOn(cell: Cell): void {
    this.roster.register(cell);
    // What was under way in memory is lost.
    const { work, given } = stateOf(cell.snapshot);
    if (work.length > 0) this.#runtime.delivery.sendFrom(SYSTEM, cell.ref, { type: 'heddle.resume', given });
  }

  /**
   * The system is opened: the tree becomes what is declared today, and is started if it does not run.
   * @throws StartFailed; JournalCorrupt, StoryChanged when one of its supervisors is refused
   */
  async open(): Promise<void> {
    const root = this.#tree && childAddress(SUPERVISOR, this.#tree.root.id);
    for (const [address, cell] of this.roster.entries()) {
      const isOther = supervisorAbove(address) === undefined && address !== root;
      if (isOther && stateOf(cell.snapshot).released === undefined)
        await this.#command(cell, { type: 'heddle.release' });
    }
    if (this.#tree === undefined || root === undefined) return;
    this.#assertReadable(root, this.#tree.root);
    if (this.#tree.backoffs.size > 0) await loadSchedules();
    if (!this.roster.has(root)) await this.#bearRoot(root, this.#tree.root);
    else {
      await this.#declare(root, this.#tree.root);
      const cell = this.roster.at(root)!;
      if (stateOf(cell.snapshot).phase === 'down') await this.#command(cell, { type: UP });
    }
    await this.#settled(root);
  }

  /**
   * A supervisor that cannot be loaded must not be replaced by another that knows nothing of what was decided. Whoever wants to
   * look at the rest of the store can open it without a tree.
   */
  #assertReadable(address: string, { children }: SupervisorDeclaration): void {
    const error = this.#unreadable.get(address);
    if (error !== undefined) throw error;
    // Damaged so that not even its key is found.
    if (!this.roster.has(address)) this.#runtime.population.nameOf(address);
    for (const { id, supervisor } of children)
      if (supervisor !== undefined) this.#assertReadable(childAddress(address, id), supervisor);
  }

  async #bearRoot(address: string, declaration: SupervisorDeclaration): Promise<void> {
    const { delivery, events } = this.#runtime;
    const birth = { address, path: [SUPERVISOR] };
    const init = events.prepareHolder({ type: 'xstate.init', input: declaration });
    await delivery.bear(newRoot(this.#runtime, birth), birth, init);
  }

  /** Tells the supervisors that are there already what they are today. */
  async #declare(address: string, declaration: SupervisorDeclaration): Promise<void> {
    const cell = this.roster.at(address);
    if (cell === undefined) return;
    const before = stateOf(cell.snapshot).declaration;
    if (firstDifference(before, declaration, 'declaration') !== undefined)
      await this.#command(cell, { type: 'heddle.declare', declaration });
    for (const { id, supervisor } of declaration.children)
      if (supervisor !== undefined) await this.#declare(childAddress(address, id), supervisor);
  }

  /** Resolves when the tree has started. @throws StartFailed */
  async #settled(root: string): Promise<void> {
    const state = (): SupervisorState => stateOf(this.roster.at(root)!.committed);
    while (state().phase === 'starting' || state().phase === 'stopping') {
      if (this.#runtime.stopped || this.#waitsForPaused(root)) return;
      await new Promise<void>((resolve) => this.#whenSettled.add(resolve));
    }
    const { end } = state();
    if (end?.reason === 'start-failed') throw new StartFailed(root, end.child!, end.error);
  }

  /** Whether what a supervisor does now is up to an actor that is paused. */
  #waitsForPaused(address: string): boolean {
    const { work, children } = stateOf(this.roster.at(address)!.snapshot);
    const [task] = work;
    const child = children.find(
      ({ declaration: { id } }) => task !== undefined && 'id' in task && task.id === id,
    );
    if (child === undefined) return false;
    const { start, id } = child.declaration;
    const below = addressOf(address, start, id);
    return this.roster.has(below)
      ? this.#waitsForPaused(below)
      : this.#runtime.pauses.of(below) !== undefined;
  }

  #command(cell: Cell, event: SupervisorEvent): Promise<unknown> {
    return this.#runtime.delivery.command(cell, event);
  }

  /** Whether nobody is supervised. */
  get isEmpty(): boolean {
    return this.roster.isEmpty;
  }

  /** The system closes: everybody winds down, in the order in which they would be stopped. Nothing is recorded. */
  async windDownTree(): Promise<void> {
    for (const [address, cell] of this.roster.entries())
      if (supervisorAbove(address) === undefined) await this.#windDownBelow(address, stateOf(cell.snapshot));
  }

  async #windDownBelow(address: string, { declaration, children }: SupervisorState): Promise<void> {
    const { dynamic } = declaration;
    if (dynamic !== undefined)
      await this.windingDown.begin(this.roster.everyoneOf(dynamic.start), dynamic.shutdownMs);
    for (const { declaration: child } of children.toReversed()) {
      const below = addressOf(address, child.start, child.id);
      const nested = this.roster.at(below);
      if (nested !== undefined) await this.#windDownBelow(below, stateOf(nested.snapshot));
      else {
        const cell = this.#runtime.population.presentAt(below);
        if (cell !== undefined) await this.windingDown.begin(this.roster.treeOf(cell), child.shutdownMs);
      }
    }
  }

  backoffOf({ address }: Ref, child: string, failures: number): number | undefined {
    const backoff: Schedule.Schedule<unknown, unknown> | undefined = this.#tree?.backoffs.get(address);
    if (backoff === undefined) return 0;
    return delayAfter(backoff, failures, undefined, this.#runtime.clock.now(), `${address} ${child}`);
  }

  // ---- replies ----------------------------------------------------------------------------------------------------

  /** Tells the supervisor of an actor what has become of it, with the record that the actor has just made. */
  tell(
    supervisor: Cell,
    cell: Cell,
    index: number,
    event: { readonly type: string; readonly [field: string]: unknown },
  ): void {
    const { event: own, packed } = this.#runtime.events.prepareHolder({ ...event, id: cell.ref.id });
    const { actor, seq, life, origin } = cell;
    const cause: Cause = { kind: 'actor', actor, seq, index, life, origin };
    this.#runtime.delivery.deliver(supervisor.ref, new Message(own, packed, supervisor.life, cause));
  }

  /** Replies outside of a commit. If it is lost in a crash, the order is given again. */
  #reply(
    supervisor: Cell,
    cell: Cell,
    event: { readonly type: string; readonly [field: string]: unknown },
  ): void {
    const cause: Cause = { kind: 'effect', actor: cell.actor, life: cell.life };
    this.#runtime.delivery.sendFrom(cause, supervisor.ref, { ...event, id: cell.ref.id });
  }

  /** The supervisor that has sent a message. */
  #senderOf({ cause }: Message): Cell | undefined {
    if (cause?.kind !== 'actor') return undefined;
    const sender = this.#runtime.population.present(cause.actor);
    return sender?.definition.isSupervisor === true ? sender : undefined;
  }

  /** A turn was taken, and is in the commit. @param index a place behind all intents of its step */
  taken(cell: Cell, message: Message, index: number): void {
    const { birth, event } = message;
    if (birth === undefined && event.type !== UP && event.type !== HALT) return;
    if (birth !== undefined) cell.held = this.roster.holds(cell);
    if (cell.definition.isSupervisor) return birth === undefined ? undefined : this.roster.register(cell);
    if (event.type === UP)
      for (const timer of cell.timers?.values() ?? [])
        this.#runtime.timers.add(cell.actor, timer.dueAt, timer);
    const supervisor = this.#senderOf(message);
    if (supervisor === undefined) return;
    if (event.type !== HALT) {
      // Of a dynamic supervisor they are found by their name: they come and go, and would pile up here.
      if (stateOf(supervisor.snapshot).declaration.dynamic === undefined)
        this.roster.claim(cell.address, supervisor);
      this.tell(supervisor, cell, index, { type: 'heddle.started' });
    } else if (this.windingDown.isQuiet(this.roster.treeOf(cell))) {
      this.#repliedTo.add(message);
      this.tell(supervisor, cell, index, { type: 'heddle.halted' });
    }
    // Otherwise it replies when what is under way has ended: see afterTurn.
  }

  /** A life has ended. Returns whether it begins anew, so that nobody else need be told. */
  ended(cell: Cell, index: number, message: Message): boolean {
    const { status, error } = cell.snapshot!;
    this.#tellStarterOfEnd(cell, index + 2);
    const owner = this.roster.ownerOf(cell);
    if (owner !== undefined) {
      // It knows of the ends that it has ordered.
      if (this.#senderOf(message) === owner.supervisor && message.birth === undefined) return false;
      const reason = status === 'done' ? 'normal' : status === 'error' ? 'crash' : 'shutdown';
      this.tell(owner.supervisor, cell, index + 1, {
        type: 'heddle.exit',
        reason,
        ...(reason === 'crash' && { error }),
      });
      return false;
    }
    return status === 'done' && beginsAgain(this.#runtime, cell, index + 1);
  }

  /** Who has it started, and waits for its end. */
  #tellStarterOfEnd(cell: Cell, index: number): void {
    const number = cell.birth?.starter;
    if (number === undefined) return;
    const starter = this.#runtime.population.load(number, `actor #${number}`);
    const { status } = cell.snapshot!;
    this.tell(starter, cell, index, { type: 'heddle.exit', reason: status === 'error' ? 'failed' : status });
  }

  /** A message came too late. */
  dropped(cell: Cell, message: Message): void {
    const { type } = message.event;
    if (type !== HALT && type !== UP) return;
    const supervisor = this.#senderOf(message);
    if (supervisor === undefined) return;
    if (type === HALT) return this.#reply(supervisor, cell, { type: 'heddle.halted' });
    this.#reply(supervisor, cell, { type: 'heddle.start-failed', error: 'it has ended' });
  }

  /** It could not be born, or be restored. Outside of a commit, as all replies that no record gives rise to. */
  couldNotStart(
    cell: Cell,
    message: Message,
    type: 'heddle.start-failed' | 'heddle.refused',
    error: unknown,
  ): void {
    const supervisor = this.#senderOf(message);
    if (supervisor === undefined) return this.#tellStarter(cell, message, error);
    this.#reply(supervisor, cell, { type, error: portable(this.#runtime.codec, error) });
  }

  #tellStarter(cell: Cell, { birth }: Message, error: unknown): void {
    const starter =
      birth?.starter === undefined ? undefined : this.#runtime.population.present(birth.starter);
    if (starter === undefined) return;
    this.#runtime.report(error, `${cell.address} could not be started`);
    this.#reply(starter, cell, { type: 'heddle.exit', reason: 'failed' });
  }

  // ---- after the commit -------------------------------------------------------------------------------------------

  afterTurn({ cell, snapshot, message, intents }: Turn): void {
    if (cell.definition.isSupervisor) return this.#afterDecision(cell, intents, stateOf(snapshot));
    if (message.event.type !== HALT) return;
    const cells = this.roster.treeOf(cell);
    const supervisor = this.#senderOf(message);
    const { shutdownMs = 0 } = message.event as unknown as { shutdownMs?: number };
    void this.windingDown.begin(cells, shutdownMs).then((isAbandoned) => {
      if (supervisor === undefined || this.#repliedTo.has(message) || this.#runtime.stopped) return;
      this.#reply(supervisor, cell, { type: 'heddle.halted', ...(isAbandoned && { isAbandoned }) });
    });
  }

  #afterDecision(cell: Cell, intents: Turn['intents'], decided: SupervisorState): void {
    for (const intent of intents) {
      if (intent.kind !== 'order' || !isEveryone(intent.to)) continue;
      void this.#toEveryone(cell, intent.event as never);
    }
    const { work, children, phase, declaration, released } = stateOf(cell.snapshot);
    if (released === true && declaration.dynamic !== undefined) this.#letGo(declaration.dynamic.start);
    if (work.length === 0) this.stayingDown.refuseWaiting(cell, phase, children);
    this.#noteEnd(cell, decided.phase === 'down' ? decided.end : undefined);
    for (const settled of this.#whenSettled) settled();
    this.#whenSettled.clear();
  }

  /** Nobody is above the supervisor at the root: if it has given up, the operator is told, once for each time. */
  #noteEnd({ address }: Cell, end: SupervisorState['end']): void {
    if (supervisorAbove(address) !== undefined) return;
    const told = this.#toldEnd;
    this.#toldEnd = end?.at;
    if (end === undefined || end.reason === 'ordered' || end.at === told) return;
    const because = end.child === undefined ? '' : ` (its child '${end.child}')`;
    this.#runtime.report(end.error, `${address} ${END_TEXTS[end.reason]}${because}`);
    try {
      this.#runtime.options.onGiveUp?.({ address, reason: end.reason, child: end.child, error: end.error });
    } catch (error) {
      this.#runtime.report(error, 'onGiveUp threw');
    }
  }

  /** Resolves when a supervisor and all of those below it have nothing to do: nobody is being started, stopped or restarted. */
  async settled(address: string): Promise<void> {
    const isBusy = (): boolean =>
      this.roster.all().some((cell) => {
        if (cell.address !== address && !cell.address.startsWith(`${address}/`)) return false;
        const { work, waiting, children } = stateOf(cell.snapshot);
        const isRestarting = children.some(({ phase }) => phase === 'restarting');
        return (
          cell.undurable > 0 ||
          (cell.mailbox?.size ?? 0) > 0 ||
          work.length + waiting.length > 0 ||
          isRestarting
        );
      });
    while (!this.#runtime.stopped && isBusy()) {
      await new Promise<void>((resolve) => this.#whenSettled.add(resolve));
      // The messages that this decision has caused are under way.
      await new Promise<void>((resolve) => this.#runtime.clock.soon(resolve));
    }
  }

  async #toEveryone(
    supervisor: Cell,
    { type, shutdownMs }: { type: string; shutdownMs: number },
  ): Promise<void> {
    const { dynamic } = stateOf(supervisor.snapshot).declaration;
    this.roster.claimName(dynamic!.start, supervisor);
    const everyone = this.roster.everyoneOf(dynamic!.start);
    if (type === HALT) {
      for (const cell of everyone) cell.held = true;
      await this.windingDown.begin(everyone, shutdownMs);
    } else this.#letGo(dynamic!.start);
    if (this.#runtime.stopped) return;
    const reply = type === HALT ? 'heddle.halted' : 'heddle.started';
    this.#runtime.delivery.sendFrom(SYSTEM, supervisor.ref, { type: reply, id: EVERYBODY });
  }

  /** All actors of a name run again. */
  #letGo(name: string): void {
    for (const cell of this.roster.everyoneOf(name)) {
      if (cell.held) this.#runtime.letGo(cell);
      this.liftForgotten(cell);
    }
  }

  /**
   * A child of a dynamic supervisor that failed when that gave up is known to nobody: it is started with the others, or when
   * it is loaded; also when that supervisor is declared no more.
   */
  liftForgotten(cell: Cell): void {
    if (cell.down?.why !== 'crash' || cell.down.upAt !== undefined || cell.birth?.parent !== undefined)
      return;
    const owner = this.roster.ownerOf(cell);
    if (owner !== undefined) {
      const { declaration, phase, children } = stateOf(owner.supervisor.snapshot);
      if (declaration.dynamic === undefined || phase === 'down' || phase === 'stopping') return;
      if (children.some((child) => child.declaration.id === cell.ref.id)) return;
    }
    this.#runtime.delivery.sendFrom(SYSTEM, cell.ref, { type: UP });
  }

  // ---- requests ---------------------------------------------------------------------------------------------------

  /** Asks a supervisor to do something with its children. Resolves when it is done, or refused. */
  ask(
    address: string,
    event: { readonly type: string; readonly [field: string]: unknown },
    warrant: Warrant | undefined,
  ): Promise<Answer> {
    return this.#runtime.answers.ask(this.roster.at(address)!, event, warrant);
  }
}

const SYSTEM: Cause = { kind: 'system' };
