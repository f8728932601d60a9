/**
 * Inspection: for whoever looks at the whole system from outside. Only what is durable is shown.
 *
 * There are two ways to look. An observer gets XState's inspection events, one by one, as they happen. An inspector gets a
 * feed: it pulls the actors that are in memory, and has turns pushed to it for as long as it watches. While nobody watches, a
 * turn costs nothing. What becomes of all that, and where it is sent, is the inspector's business.
 */
import type { AnyEventObject, InspectionEvent, Observer } from 'xstate';
import type { Cell } from './cell.ts';
import type { Birth } from './mailbox.ts';
import { sessionIdOf } from './kernel/ref.ts';
import type { Ref } from './kernel/ref.ts';
import type { AnySnapshot } from './kernel/step.ts';
import type { Runtime } from './runtime.ts';
import type { Turn } from './turn.ts';

/** What `createSystem({ inspect })` takes. */
export type Inspect = Observer<InspectionEvent> | ((event: InspectionEvent) => void) | Inspector;

/** Somebody who looks at a system from outside, and goes with it. */
export interface Inspector {
  /** A system is being opened. @throws when it does not want to look at this one, which is then not opened */
  attach(feed: InspectionFeed): void;
  /** The system is closed. Everything that it has shown stays true. */
  detach(): void | Promise<void>;
}

/** A system as an inspector sees it. */
export interface InspectionFeed {
  /** The names in `createSystem({ actors })`. */
  readonly names: readonly string[];
  /** The actors in memory that live, in no order. May be taken bit by bit: those that come meanwhile are told to the watcher. */
  actors(): Iterable<InspectedActor>;
  /** The actor above a child, if it is in memory. */
  parentOf(actor: InspectedActor): InspectedActor | undefined;
  /** From now on the watcher is told; with nothing it is told no more, and turns cost nothing again. */
  watch(watcher: InspectionWatcher | undefined): void;
  /** Tells the operator about trouble. */
  report(error: unknown, what: string): void;
}

/** Hears what happens, in order. It must be quick: actors wait for it. */
export interface InspectionWatcher {
  /** A turn is on the disk. */
  turn(turn: InspectedTurn): void;
  /** An actor that slept was loaded. */
  woke(actor: InspectedActor): void;
  /** An actor has left memory, or its life is over and another one begins at its address. */
  left(actor: InspectedActor): void;
}

/** One life of an actor. The object is the same as long as the actor is in memory. */
export interface InspectedActor {
  readonly address: string;
  /** The address, with the number of the life behind it if it is not the first: `order/42~2`. */
  readonly sessionId: string;
  /** The session of its parent; undefined for a root actor. */
  readonly parentId: string | undefined;
  /** The session of the root actor of its tree. */
  readonly rootId: string;
  readonly id: string;
  /** The name in `createSystem({ actors })` of the root actor of its tree. */
  readonly name: string;
  /** Whether it is no actor of a user. */
  readonly isHouse: boolean;
  /** What it runs, as the user wrote it. */
  readonly logic: unknown;
  /** Its newest state that is on the disk. */
  readonly snapshot: InspectedSnapshot;
}

/** The fields of a snapshot, whatever logic it is of. */
export type InspectedSnapshot = Readonly<Record<string, unknown>>;

export interface InspectedTurn {
  readonly actor: InspectedActor;
  /** Whether it was the first of a life. */
  readonly isBirth: boolean;
  readonly event: AnyEventObject;
  /** The session that has sent the event; undefined if it came from outside. */
  readonly sourceId: string | undefined;
  readonly snapshot: InspectedSnapshot;
}

interface ShownActor extends InspectedActor {
  readonly life: number;
  snapshot: InspectedSnapshot;
}

const isInspector = (inspect: Inspect): inspect is Inspector =>
  typeof (inspect as Partial<Inspector>).attach === 'function';

export class Inspection implements InspectionFeed {
  readonly #runtime: Runtime;
  readonly #inspector: Inspector | undefined;
  readonly #observer: ((event: InspectionEvent) => void) | undefined;
  /** The refs under which the observer knows the actors. */
  readonly #announced = new WeakMap<Cell, Ref>();
  #isAttached = false;
  #watcher: InspectionWatcher | undefined;
  /** What the watcher knows of. */
  readonly #shown = new Map<Cell, ShownActor>();

  constructor(runtime: Runtime, inspect: Inspect) {
    this.#runtime = runtime;
    if (isInspector(inspect)) this.#inspector = inspect;
    else this.#observer = typeof inspect === 'function' ? inspect : (event) => inspect.next?.(event);
  }

  /** The system is being opened. */
  attach(): void {
    this.#inspector?.attach(this);
    this.#isAttached = true;
  }

  /** The system is closed. One that did not want to look at it has nothing to do with that. */
  async close(): Promise<void> {
    if (!this.#isAttached) return;
    try {
      await this.#inspector?.detach();
    } catch (error) {
      this.report(error, 'an inspector could not be closed');
    }
    this.#watcher = undefined;
  }

  /** Whether turns must keep what they have asked for. */
  get needsIntents(): boolean {
    return this.#observer !== undefined;
  }

  /** Shows a turn: the actor if it is not known, its event, its actions, its new state. */
  turn(turn: Turn): void {
    if (this.#observer !== undefined) this.#showToObserver(turn);
    if (this.#watcher !== undefined) this.#showToWatcher(turn);
  }

  /** An actor was loaded. */
  woke(cell: Cell): void {
    if (this.#watcher === undefined) return;
    const actor = this.#actorOf(cell);
    if (actor !== undefined) this.#tell('woke', actor);
  }

  /** An actor leaves memory. */
  left(cell: Cell): void {
    if (this.#watcher === undefined) return;
    const actor = this.#shown.get(cell);
    if (actor === undefined) return;
    this.#shown.delete(cell);
    this.#tell('left', actor);
  }

  // ---- the feed -------------------------------------------------------------------------------------------------

  get names(): readonly string[] {
    return this.#runtime.definitions.names;
  }

  *actors(): Generator<InspectedActor> {
    for (const cell of this.#runtime.population.cells()) {
      if (!cell.present || cell.committed?.status !== 'active') continue;
      const actor = this.#actorOf(cell);
      if (actor !== undefined) yield actor;
    }
  }

  parentOf({ address, parentId }: InspectedActor): InspectedActor | undefined {
    if (parentId === undefined) return undefined;
    const cell = this.#runtime.population.presentAt(addressAbove(address));
    return cell && this.#actorOf(cell);
  }

  watch(watcher: InspectionWatcher | undefined): void {
    this.#watcher = watcher;
    this.#shown.clear();
  }

  report(error: unknown, what: string): void {
    this.#runtime.report(error, what);
  }

  /** What is shown of an actor that is in memory. Of one whose life or state is not on the disk yet, nothing. */
  #actorOf(cell: Cell): InspectedActor | undefined {
    const known = this.#shown.get(cell);
    if (known !== undefined) return known;
    const { committed, birth, life, undurable } = cell;
    const isBeingBorn = cell.bornSeq > cell.seq - undurable;
    // It was loaded with a state that today's code has made of it.
    const isBeingMigrated = undurable > 0 && committed === cell.snapshot;
    if (committed === undefined || birth === undefined || isBeingBorn || isBeingMigrated) return undefined;
    return this.#show(cell, birth, life, committed);
  }

  #show(cell: Cell, { parent, path }: Birth, life: number, snapshot: AnySnapshot): ShownActor {
    const { address, definition, ref } = cell;
    const sessionId = sessionIdOf({ address, life });
    const actor = {
      address,
      sessionId,
      parentId: parent && sessionIdOf({ address: addressAbove(address), life: parent[1] }),
      rootId: parent === undefined ? sessionId : this.#sessionOfRoot(ref),
      id: ref.id,
      name: path[0]!,
      isHouse: definition.isHouse,
      logic: definition.host.logic,
      snapshot: fieldsOf(snapshot),
      life,
    };
    this.#shown.set(cell, actor);
    return actor;
  }

  /** A root actor that sleeps is known by its address alone. */
  #sessionOfRoot({ tree }: Ref): string {
    const root = this.#runtime.population.presentAt(tree.root);
    return (root && this.#actorOf(root)?.sessionId) ?? tree.root;
  }

  #showToWatcher({ cell, life, snapshot, message }: Turn): void {
    const { birth, event } = message;
    let actor = this.#shown.get(cell);
    if (actor !== undefined && actor.life !== life) {
      this.left(cell);
      actor = undefined;
    }
    actor ??= this.#show(cell, birth ?? cell.birth!, life, snapshot);
    const fields = (actor.snapshot = fieldsOf(snapshot));
    const source = this.#sourceOf(message.cause, cell.ref);
    const sourceId = source && (source === cell.ref ? actor.sessionId : source.sessionId);
    const turn = { actor, isBirth: birth !== undefined, event, sourceId, snapshot: fields };
    try {
      this.#watcher!.turn(turn);
    } catch (error) {
      this.report(error, 'an inspector threw');
    }
  }

  #tell(what: 'woke' | 'left', actor: InspectedActor): void {
    try {
      this.#watcher![what](actor);
    } catch (error) {
      this.report(error, 'an inspector threw');
    }
  }

  // ---- XState's events ------------------------------------------------------------------------------------------

  #showToObserver(turn: Turn): void {
    const { snapshot, message, intents } = turn;
    const ref = this.#announce(turn);
    this.#observe(ref, {
      type: '@xstate.event',
      sourceRef: this.#sourceOf(message.cause, ref),
      event: message.event,
    });
    for (const intent of intents) {
      if (intent.kind !== 'action') continue;
      this.#observe(ref, { type: '@xstate.action', action: { type: intent.name, params: intent.params } });
    }
    this.#observe(ref, { type: '@xstate.snapshot', event: message.event, snapshot });
  }

  /** The ref of the life whose turn it is. When the observer hears of it, the actor may have begun another. */
  #announce({ cell, life }: Turn): Ref {
    const known = this.#announced.get(cell);
    if (known?.life === life) return known;
    const { address, actor, ref: newest, definition } = cell;
    const ref =
      newest.life === life ? newest : this.#runtime.references.make(address, actor, life, newest._parent);
    this.#announced.set(cell, ref);
    // XState's own actors have it, and its tools draw the machine that they find there.
    Object.assign(ref, { logic: definition.host.logic });
    this.#observe(ref, { type: '@xstate.actor' });
    return ref;
  }

  #sourceOf(cause: Turn['message']['cause'], ref: Ref): Ref | undefined {
    if (cause === undefined || !('actor' in cause)) return undefined;
    if (cause.actor === ref.actor) return ref;
    const sender = this.#runtime.population.present(cause.actor)?.ref;
    return sender ?? (ref._parent?.actor === cause.actor ? ref._parent : undefined);
  }

  #observe(ref: Ref, event: object): void {
    try {
      // XState's types want its own actor class in there.
      this.#observer!({ ...event, actorRef: ref, rootId: ref.tree.root } as never);
    } catch (error) {
      this.report(error, 'an inspector threw');
    }
  }
}

const addressAbove = (address: string): string => address.slice(0, address.lastIndexOf('/'));

/** An inspector looks at snapshots of all kinds of logic, and at their fields only. */
const fieldsOf = (snapshot: AnySnapshot): InspectedSnapshot => snapshot as unknown as InspectedSnapshot;
