/**
 * A ref: the handle by which actors and users know an actor. It is what a machine sees as `self`, as its parent, behind
 * `system.get`, in `snapshot.children` and as the result of `spawn`; and it is what `system.actor()` gives to users.
 *
 * A ref holds no state. It knows an address, which life of it is meant, and a port to whoever runs the actor. Inside of
 * a step everything it does is captured or recorded instead (`step.ts`).
 *
 * XState creates children itself, as its own `Actor` objects; `adopt` turns such an object into a ref in place, so that
 * the object the machine already holds in its context *is* the ref.
 */
import type { AnyActorRef, AnyEventObject, InteropSubscribable, Observer, Subscription } from 'xstate';
import { childAddress } from './address.ts';

/** What runs the actors behind refs. */
export interface Port {
  send(ref: Ref, event: AnyEventObject, options?: object): Promise<unknown>;
  /** A child, machine or process, sends to another actor from outside of a step: an action, or a running process. */
  relay(source: Ref | undefined, target: Ref, event: AnyEventObject): void;
  /** Inside of a step the newest state, outside the committed one. */
  snapshotOf(ref: Ref): unknown;
  subscribe(ref: Ref, observer: Observer<unknown>): Subscription;
  on(ref: Ref, type: string, handler: (event: AnyEventObject) => void): Subscription;
  /** Resolves a `systemId` within the tree of a root actor, or an address. */
  lookup(tree: Tree, key: string): Ref | undefined;
  lookupAll(tree: Tree): Record<string, Ref>;
}

/** Set on the only instance of {@link step}: how refs behave while a step runs. */
export interface InsideStep {
  send(target: Ref, event: AnyEventObject): void;
  snapshotOf(ref: Ref): unknown;
  lookup(tree: Tree, key: string): Ref | undefined;
  lookupAll(tree: Tree): Record<string, Ref>;
  announce(actor: AnyActorRef): void;
  bookId(): string;
  claim(systemId: string, ref: AnyActorRef): void;
}

let inside: InsideStep | undefined;

/** Begins or ends the capture of what refs are asked to do. */
export function captureWith(step: InsideStep | undefined): void {
  inside = step;
}

/** Never settles: what `send` gives inside of a step, where nothing can wait for it. Made before any step runs. */
const NEVER = new Promise<never>(() => {});

const symbolObservable: typeof Symbol.observable = ((typeof Symbol === 'function' && Symbol.observable) ||
  '@@observable') as never;

declare global {
  interface SymbolConstructor {
    readonly observable: symbol;
  }
}

/** The actor is not known by number yet: it is being spawned by the step that runs. */
export const UNBORN = 0;

export class Ref {
  readonly id: string;
  readonly address: string;
  /** The number of the address in the store; {@link UNBORN} until the spawn is committed to. */
  actor: number;
  /** Which life of the address is meant, counted from 1. */
  life: number;
  _parent: Ref | undefined;
  readonly tree: Tree;
  readonly src: string;
  readonly systemId: string | undefined;
  readonly _syncSnapshot: boolean;
  /** XState tests it before it starts or stops children; here that is the runtime's business. */
  readonly _processingStatus = 1;
  /** Room for the runtime to keep its own object for this actor. */
  cell: object | undefined;

  constructor(tree: Tree, address: string, id: string, options: RefOptions = {}) {
    this.id = id;
    this.address = address;
    this.actor = options.actor ?? UNBORN;
    this.life = options.life ?? 0;
    this._parent = options.parent;
    this.tree = tree;
    this.src = options.src ?? '';
    this.systemId = options.systemId;
    this._syncSnapshot = options.syncSnapshot ?? false;
    this.cell = undefined;
  }

  get system(): Tree {
    return this.tree;
  }

  get ref(): this {
    return this;
  }

  /** Names one life of the actor: XState's tools hold two lives apart by it. */
  get sessionId(): string {
    return sessionIdOf(this);
  }

  /** Tells which number and life a child got that a step has spawned. */
  bear(actor: number, life: number): void {
    this.actor = actor;
    this.life = life;
    // An adopted child has a field of that name from XState, which hides the getter.
    if (Object.hasOwn(this, 'sessionId')) {
      Object.defineProperty(this, 'sessionId', { value: sessionIdOf(this), writable: true });
    }
  }

  send(event: AnyEventObject, options?: object): Promise<unknown> {
    if (inside === undefined) return this.tree.port.send(this, event, options);
    inside.send(this, event);
    return NEVER;
  }

  getSnapshot(): unknown {
    return inside === undefined ? this.tree.port.snapshotOf(this) : inside.snapshotOf(this);
  }

  subscribe(
    next?: Observer<unknown> | ((snapshot: unknown) => void),
    error?: (error: unknown) => void,
    complete?: () => void,
  ): Subscription {
    const observer = typeof next === 'object' ? next : { next, error, complete };
    return this.tree.port.subscribe(this, observer as Observer<unknown>);
  }

  on(type: string, handler: (event: AnyEventObject) => void): Subscription {
    return this.tree.port.on(this, type, handler);
  }

  select<T>(
    selector: (snapshot: never) => T,
    equals: (a: T, b: T) => boolean = Object.is,
  ): { get(): T; subscribe(observer: ((value: T) => void) | Observer<T>): Subscription } {
    const selected = (snapshot: unknown): T => selector(snapshot as never);
    return {
      get: () => selected(this.getSnapshot()),
      subscribe: (observer) => {
        const next = typeof observer === 'function' ? observer : observer.next?.bind(observer);
        let last = selected(this.getSnapshot());
        return this.subscribe((snapshot) => {
          const value = selected(snapshot);
          if (equals(last, value)) return;
          last = value;
          next?.(value);
        });
      },
    };
  }

  /** A hosted actor runs already. */
  start(): this {
    return this;
  }

  stop(): void {
    throw new Error(
      `${this.address} is hosted: stop it with system.stop('${this.address}'), or stopChild in its parent`,
    );
  }

  getPersistedSnapshot(): never {
    throw new Error(`${this.address} is hosted: the system persists it`);
  }

  toJSON(): object {
    return { xstate$$type: 1, id: this.id };
  }

  [symbolObservable](): InteropSubscribable<unknown> {
    return this;
  }
}

/** Names one life of an actor. */
export function sessionIdOf({ address, life }: Pick<Ref, 'address' | 'life'>): string {
  return life > 1 ? `${address}~${life}` : address;
}

export interface RefOptions {
  readonly actor?: number;
  readonly life?: number;
  readonly parent?: Ref;
  readonly src?: string;
  readonly systemId?: string | undefined;
  readonly syncSnapshot?: boolean;
}

/** Whether a value is a ref of ours. */
export const isRef = (value: unknown): value is Ref => value instanceof Ref;

/** What XState has put into a child that it made. */
interface FreshActor {
  send: unknown;
  mailbox: unknown;
  observers: unknown;
  eventListeners: unknown;
  _actorScope: unknown;
  _deferred: unknown;
  logic: unknown;
  options: { input?: unknown } | undefined;
}

/**
 * Turns a child that XState has just made into a ref, in place, and returns what it was spawned with. Its machinery (a
 * mailbox, sets of observers, a scope: 1.5 KB) is dropped: the runtime has its own.
 */
export function adopt(actor: AnyActorRef, parent: Ref, src: string): { ref: Ref; input: unknown } {
  const fresh = actor as unknown as FreshActor;
  const input = fresh.options?.input;
  fresh.mailbox = fresh.observers = fresh.eventListeners = fresh._actorScope = fresh._deferred = undefined;
  fresh.logic = fresh.options = undefined;
  // `send` was bound to the actor by its constructor. (Deleting fields would make the object slow and large.)
  fresh.send = Ref.prototype.send;
  Object.assign(fresh, {
    address: childAddress(parent.address, actor.id),
    actor: UNBORN,
    life: 0,
    tree: parent.tree,
    src,
    cell: undefined,
    _processingStatus: 1,
  });
  // Last: what is added to an object after its prototype was changed takes V8 forty times as long.
  Object.setPrototypeOf(fresh, Ref.prototype);
  const ref = fresh as unknown as Ref;
  return { ref, input };
}

/** What user code sees as `system`: one per root actor, because a `systemId` is unique within its tree. */
export class Tree {
  readonly port: Port;
  /** The address of the root actor. */
  readonly root: string;

  constructor(port: Port, root: string) {
    this.port = port;
    this.root = root;
  }

  get(key: string): Ref | undefined {
    return inside === undefined ? this.port.lookup(this, key) : inside.lookup(this, key);
  }

  getAll(): Record<string, Ref> {
    return inside === undefined ? this.port.lookupAll(this) : inside.lookupAll(this);
  }

  inspect(): Subscription {
    throw new Error('inspect the whole system instead: createSystem({ inspect })');
  }

  getSnapshot(): object {
    return { _scheduledEvents: {} };
  }

  // What follows is what XState's own functions expect of a system, beyond its public face.
  _bookId(): string {
    return inside === undefined ? 'outside' : inside.bookId();
  }

  _sendInspectionEvent(event: { type: string; actorRef: AnyActorRef }): void {
    if (event.type === '@xstate.actor') inside?.announce(event.actorRef);
  }

  _relay(source: Ref | undefined, target: Ref, event: AnyEventObject): void {
    if (inside !== undefined) inside.send(target, event);
    else this.port.relay(source, target, event);
  }

  _set(systemId: string, ref: AnyActorRef): void {
    inside?.claim(systemId, ref);
  }

  _register(): void {}
  _unregister(): void {}
  _logger(): void {}
  start(): void {}

  get _clock(): object {
    return { setTimeout: notHere, clearTimeout: notHere };
  }
  get scheduler(): object {
    return { schedule: notHere, cancel: notHere, cancelAll: notHere };
  }
}

function notHere(): never {
  throw new Error('a hosted actor has no clock of its own: use `after`, or a delayed `raise` or `sendTo`');
}
