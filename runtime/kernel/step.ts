/**
 * A step: one run of an actor's logic, with everything it asks for captured instead of done.
 *
 * XState's logic is called with a scope and a system of our own (`logic.transition(snapshot, event, scope)` is its
 * public interface). Nothing it does through them happens: actions, sends, spawns and timers become intents, in order.
 * What it reads of the world (other actors' states, `system.get`) is recorded, so that it reads the same when the step
 * is told again.
 *
 * Steps are synchronous and never nest, so there is one scope and one capture for all of them.
 */
import type { AnyActorLogic, AnyActorRef, AnyEventObject } from 'xstate';
import { NO_INTENTS } from './intent.ts';
import type { Intent } from './intent.ts';
import { adopt, captureWith, isRef } from './ref.ts';
import type { InsideStep, Ref, Tree } from './ref.ts';

/** The world as a step may see it. Implemented by the runtime, for a step that happens and for one that is retold. */
export interface Environment {
  /** Resolves a `systemId` or an address, as of this step. */
  lookup(tree: Tree, key: string): Ref | undefined;
  lookupAll(tree: Tree): Record<string, Ref>;
  /** The newest state of another actor. */
  snapshotOf(ref: Ref): unknown;
  /** How long the supervisor `self` is to wait before it restarts a child that has failed so often; undefined: for ever. */
  backoff(self: Ref, child: string, failures: number): number | undefined;
}

/** What came out of a step. */
export interface Outcome {
  // An XState snapshot of any logic.
  readonly snapshot: AnySnapshot;
  readonly intents: readonly Intent[];
  /** How many ids the actor has given out so far. */
  readonly booked: number;
}

export interface AnySnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  readonly output?: unknown;
  readonly error?: unknown;
  readonly context?: unknown;
  readonly value?: unknown;
  readonly children?: Readonly<Record<string, Ref>>;
}

/** A child that XState has made but not named: `spawn(logic)`, `invoke: { src: logic }`. */
export type NameSource = (logic: unknown, id: string) => string;

interface MutableSend {
  kind: 'send';
  to: Ref;
  event: AnyEventObject;
}

/** The params object of a `sendTo`; XState fills in `to` later when it aims at an invoke of the state being entered. */
interface SendParams {
  to: Ref | string;
  event: AnyEventObject;
  id: string | undefined;
  delay: number | undefined;
}

class Capture implements InsideStep {
  self!: Ref;
  environment!: Environment;
  nameSource!: NameSource;
  selfSnapshot: unknown;
  intents: Intent[] | undefined;
  booked = 0;
  /** Children made in this step, newest last. */
  fresh: AnyActorRef[] | undefined;
  /** Sends to a child that is only spawned later in the step. */
  early: { params: SendParams; intent: MutableSend }[] | undefined;
  claims: Map<string, Ref | undefined> | undefined;

  begin(
    self: Ref,
    snapshot: unknown,
    booked: number,
    environment: Environment,
    nameSource: NameSource,
  ): void {
    this.self = self;
    this.selfSnapshot = snapshot;
    this.booked = booked;
    this.environment = environment;
    this.nameSource = nameSource;
    this.intents = this.fresh = this.early = this.claims = undefined;
  }

  push(intent: Intent): void {
    (this.intents ??= []).push(intent);
  }

  // ---- what refs and the system are asked for -------------------------------------------------------------------

  send(to: Ref, event: AnyEventObject): void {
    this.push({ kind: 'send', to, event });
  }

  snapshotOf(ref: Ref): unknown {
    return ref === this.self ? this.selfSnapshot : this.environment.snapshotOf(ref);
  }

  lookup(tree: Tree, key: string): Ref | undefined {
    return this.claims?.has(key) ? this.claims.get(key) : this.environment.lookup(tree, key);
  }

  lookupAll(tree: Tree): Record<string, Ref> {
    const all = { ...this.environment.lookupAll(tree) };
    for (const [key, ref] of this.claims ?? []) {
      if (ref === undefined) delete all[key];
      else all[key] = ref;
    }
    return all;
  }

  bookId(): string {
    return `x:${this.booked++}`;
  }

  announce(actor: AnyActorRef): void {
    (this.fresh ??= []).push(actor);
  }

  claim(systemId: string, actor: AnyActorRef): void {
    const holder = this.lookup(this.self.tree, systemId);
    if (holder !== undefined) {
      throw new Error(`Actor with system ID '${systemId}' already exists (${holder.address}).`);
    }
    (this.claims ??= new Map()).set(systemId, actor);
  }

  // ---- what actions are executed --------------------------------------------------------------------------------

  sendTo(params: SendParams): void {
    const { to, delay, id } = params;
    if (typeof delay === 'number') assertTimerId(id);
    const event = asDelivered(params.event, this.self.id);
    if (typeof delay === 'number') {
      if (typeof to === 'string')
        throw new Error(`a delayed event cannot be sent to '${to}' before it is invoked`);
      this.push({ kind: 'timer', id, to, event, delayMs: Math.max(0, delay) });
      return;
    }
    const intent: MutableSend = { kind: 'send', to: to as Ref, event };
    if (typeof to === 'string') (this.early ??= []).push({ params, intent });
    else this.push(intent);
  }

  spawn(actor: AnyActorRef | undefined, named: unknown): void {
    if (actor === undefined) {
      throw new Error(
        `the actor source ${JSON.stringify(named)} is not implemented; give it in setup({ actors })`,
      );
    }
    const src = typeof actor.src === 'string' ? actor.src : this.nameSource(actor.src, actor.id);
    const { ref, input } = adopt(actor, this.self, src);
    this.push({ kind: 'spawn', ref, input });
  }

  stop(ref: Ref | undefined): void {
    if (ref === undefined) return;
    if (ref._parent !== this.self && ref._parent?.address !== this.self.address) {
      throw new Error(`Cannot stop child actor ${ref.id} of ${this.self.id} because it is not a child`);
    }
    if (ref.systemId !== undefined) (this.claims ??= new Map()).set(ref.systemId, undefined);
    // A child that was made and stopped in the same step (an `always` that leaves at once) never lives.
    const made = this.intents?.findIndex((intent) => intent.kind === 'spawn' && intent.ref === ref) ?? -1;
    if (made === -1) this.push({ kind: 'stop', ref });
    else
      this.intents = this.intents!.filter(
        (intent) => !('ref' in intent && intent.ref === ref) && !('to' in intent && intent.to === ref),
      );
  }

  /** The intents in the order in which they are to happen. */
  finish(): readonly Intent[] {
    for (const { params, intent } of this.early ?? []) this.#insertAfterSpawn(params, intent);
    return this.intents ?? NO_INTENTS;
  }

  /** An event for a child that is spawned after it was sent arrives as the child's first. */
  #insertAfterSpawn({ to }: SendParams, intent: MutableSend): void {
    if (!isRef(to)) throw new Error(`Unable to send event to actor '${to}': it was not invoked.`);
    intent.to = to;
    const intents = (this.intents ??= []);
    const spawned = intents.findLastIndex((other) => other.kind === 'spawn' && other.ref === to);
    // It was stopped again within the step.
    if (spawned === -1) return;
    let at = spawned + 1;
    while (at < intents.length && isSendTo(intents[at]!, to)) at++;
    intents.splice(at, 0, intent);
  }
}

function assertTimerId(id: unknown): void {
  if (id !== undefined && typeof id !== 'string')
    throw new TypeError(`the id of a delayed event must be a text, but is ${typeof id}`);
}

function isSendTo(intent: Intent, ref: Ref): boolean {
  return intent.kind === 'send' && intent.to === ref;
}

/** XState lets an actor report an error to its parent as `{ type: 'xstate.error', data }`. */
function asDelivered(event: AnyEventObject, id: string): AnyEventObject {
  if (event.type !== 'xstate.error') return event;
  return { type: `xstate.error.actor.${id}`, error: event['data'], actorId: id };
}

const capture = new Capture();

/** What logic of the house may do in its steps, beyond what XState knows. */
export const house = {
  ask: (intent: Intent): void => capture.push(intent),
  backoff: (child: string, failures: number): number | undefined =>
    capture.environment.backoff(capture.self, child, failures),
  get self(): Ref {
    return capture.self;
  },
};

interface ExecutedAction {
  readonly type: string;
  readonly info: unknown;
  readonly params: unknown;
  readonly exec: ((info: unknown, params: unknown) => unknown) | undefined;
}

/** The scope that XState's logic gets. `self` and `system` change with each step. */
const scope = {
  self: undefined as unknown as Ref,
  id: '',
  sessionId: '',
  system: undefined as unknown as Tree,
  logger: (): void => {},
  stopChild: (): void => {},
  emit: (event: AnyEventObject): void => capture.push({ kind: 'emit', event }),
  /** Only `spawn` in an assign or a context factory gets here; the child it has just made is the newest. */
  defer: (): void => capture.spawn(capture.fresh?.at(-1), undefined),
  actionExecutor: (action: ExecutedAction): void => execute(action),
};

function execute({ type, info, params, exec }: ExecutedAction): void {
  // The shapes of XState's own actions, from its source; `ref` and `params` are not in its types.
  const built = params as never as SendParams & {
    sendId: string;
    label?: string;
    value: unknown;
    actorRef: AnyActorRef | undefined;
    src: unknown;
  };
  switch (type) {
    case 'xstate.sendTo':
      return capture.sendTo(built);
    case 'xstate.raise':
      // Without a delay XState has already put it into the internal queue of this very step.
      if (typeof built.delay !== 'number') return;
      assertTimerId(built.id);
      return capture.push({
        kind: 'timer',
        id: built.id,
        to: scope.self,
        event: built.event,
        delayMs: Math.max(0, built.delay),
      });
    case 'xstate.cancel':
      return capture.push({ kind: 'cancel', id: built.sendId });
    case 'xstate.emit':
      return capture.push({ kind: 'emit', event: built.event });
    case 'xstate.log':
      return capture.push({ kind: 'log', label: built.label, value: built.value });
    case 'xstate.spawnChild':
      return capture.spawn(built.actorRef, built.src);
    case 'xstate.stopChild':
      return capture.stop(params as Ref | undefined);
    default:
      if (exec !== undefined)
        capture.push({ kind: 'action', name: type, params, run: () => exec(info, params) });
  }
}

/** What a step is run with. */
export interface StepContext {
  readonly self: Ref;
  readonly environment: Environment;
  readonly nameSource: NameSource;
  /** How many ids the actor has given out before. */
  readonly booked: number;
}

/** Runs the first step of a life with everything captured. Whatever it throws comes through. */
export function runInitialStep(logic: AnyActorLogic, input: unknown, context: StepContext): Outcome {
  begin(context, undefined);
  try {
    return outcomeOf(logic.getInitialSnapshot(scope as never, input) as AnySnapshot);
  } finally {
    captureWith(undefined);
  }
}

/** Runs any other step with everything captured. Whatever it throws comes through. */
export function runTransition(
  logic: AnyActorLogic,
  snapshot: AnySnapshot,
  event: AnyEventObject,
  context: StepContext,
): Outcome {
  begin(context, snapshot);
  try {
    return outcomeOf(logic.transition(snapshot, event, scope as never) as AnySnapshot);
  } finally {
    captureWith(undefined);
  }
}

function begin({ self, environment, nameSource, booked }: StepContext, snapshot: unknown): void {
  capture.begin(self, snapshot, booked, environment, nameSource);
  scope.self = self;
  scope.id = self.id;
  scope.sessionId = self.address;
  scope.system = self.tree;
  captureWith(capture);
}

function outcomeOf(snapshot: AnySnapshot): Outcome {
  return { snapshot, intents: capture.finish(), booked: capture.booked };
}
