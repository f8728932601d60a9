/**
 * An actor on the bare kernel: its steps are run, and nothing else. There is no store, no clock and no turn; what its
 * steps ask for is kept to be looked at, and what they do past the capture shows in `passed`.
 */
import type { AnyEventObject, AnyMachineSnapshot, Subscription } from 'xstate';
import { Codec } from '../../storage/codec.ts';
import { Definitions } from '../definition.ts';
import type { Definition } from '../definition.ts';
import { Events } from '../events.ts';
import type { Intent } from '../kernel/intent.ts';
import type { HostOptions } from '../kernel/host.ts';
import { Ref, Tree } from '../kernel/ref.ts';
import type { Port } from '../kernel/ref.ts';
import type { AnySnapshot, Environment } from '../kernel/step.ts';
import { References } from '../references.ts';

/** A port to nowhere, which writes down what it is asked for. */
export class NotingPort implements Port {
  readonly passed: string[] = [];
  /** What it says of the state of any actor. */
  snapshot: unknown = { status: 'active', output: undefined, error: undefined };
  readonly known = new Map<string, Ref>();

  send(ref: Ref, event: AnyEventObject): Promise<unknown> {
    this.passed.push(`send ${event.type} to ${ref.address}`);
    return Promise.resolve();
  }

  relay(source: Ref | undefined, target: Ref, event: AnyEventObject): void {
    this.passed.push(`relay ${event.type} from ${source?.address ?? 'nobody'} to ${target.address}`);
  }

  snapshotOf(): unknown {
    return this.snapshot;
  }

  subscribe(ref: Ref): Subscription {
    return this.#listen(`subscribe to ${ref.address}`);
  }

  on(ref: Ref, type: string): Subscription {
    return this.#listen(`listen to ${type} of ${ref.address}`);
  }

  lookup(_tree: Tree, key: string): Ref | undefined {
    return this.known.get(key);
  }

  lookupAll(): Record<string, Ref> {
    return Object.fromEntries(this.known);
  }

  #listen(what: string): Subscription {
    this.passed.push(what);
    return { unsubscribe: () => void this.passed.push(`no longer ${what}`) };
  }
}

export interface BareActorOptions extends HostOptions {
  /** Whether it is the child `subject` of `boss/1` instead of the root actor `subject/1`. */
  readonly asChild?: boolean;
}

export class BareActor implements Environment {
  readonly port = new NotingPort();
  readonly self: Ref;
  readonly definition: Definition;
  /** What the last step asked for. */
  intents: readonly Intent[] = [];
  booked = 0;
  /** What steps have looked up or looked at, in order. */
  readonly reads: string[] = [];
  readonly #events: Events;
  #snapshot: AnySnapshot | undefined;
  #lastNumber = 1;

  constructor(logic: unknown, { asChild = false, ...options }: BareActorOptions = {}) {
    const definitions = new Definitions({ subject: logic }, options);
    const references = new References(() => this.port);
    this.definition = definitions.at(['subject'])!;
    this.#events = new Events(new Codec(references), references, definitions);
    if (asChild) {
      const parent = this.stranger('boss/1');
      this.self = new Ref(parent.tree, 'boss/1/subject', 'subject', { actor: 1, life: 1, parent });
    } else {
      this.self = new Ref(new Tree(this.port, 'subject/1'), 'subject/1', '1', { actor: 1, life: 1 });
    }
  }

  /** A ref to a root actor that is somebody else. */
  stranger(address: string, number = 1000): Ref {
    const id = address.slice(address.indexOf('/') + 1);
    return new Ref(new Tree(this.port, address), address, id, { actor: number, life: 1 });
  }

  get snapshot(): AnySnapshot {
    return this.#snapshot!;
  }

  /** The snapshot of a machine, as its users see it. */
  get state(): AnyMachineSnapshot {
    return this.#snapshot as unknown as AnyMachineSnapshot;
  }

  /** Runs the first step of its life. */
  begin(input?: unknown): this {
    this.booked = 0;
    return this.#keep(this.definition.host.initial(this.self, input, 0, this));
  }

  /** Runs the step of an event. What it throws comes through, and nothing of it is kept. */
  take(event: AnyEventObject | string): this {
    const given = typeof event === 'string' ? { type: event } : event;
    return this.#keep(this.definition.host.transition(this.self, this.snapshot, given, this.booked, this));
  }

  /** Does what the runtime does after the commit: runs the custom actions of the last step. */
  act(): this {
    for (const intent of this.intents) if (intent.kind === 'action') intent.run();
    return this;
  }

  /** Leaves memory, and comes back from the bytes that were stored of it. */
  reborn(): this {
    const packed = this.#events.packSnapshot(this.definition, this.snapshot);
    this.#snapshot = this.#events.unpackSnapshot(this.definition, this.self, packed);
    return this;
  }

  #keep({ snapshot, intents, booked }: ReturnType<BareActor['definition']['host']['initial']>): this {
    this.#snapshot = snapshot;
    this.intents = intents;
    this.booked = booked;
    for (const intent of intents) if (intent.kind === 'spawn') intent.ref.bear(++this.#lastNumber, 1);
    return this;
  }

  /** What the last step asked for, in order, as plain data. */
  get asked(): readonly unknown[] {
    return this.intents.map(plainly);
  }

  // ---- the world as its steps see it ----------------------------------------------------------------------------

  lookup(_tree: Tree, key: string): Ref | undefined {
    this.reads.push(`lookup ${key}`);
    return this.port.known.get(key);
  }

  lookupAll(): Record<string, Ref> {
    this.reads.push('lookup all');
    return Object.fromEntries(this.port.known);
  }

  snapshotOf(ref: Ref): unknown {
    this.reads.push(`snapshot of ${ref.address}`);
    return this.port.snapshot;
  }

  backoff(_self: Ref, child: string, failures: number): number {
    this.reads.push(`backoff of ${child} after ${failures}`);
    return 0;
  }
}

/** An intent with addresses in the place of refs. */
function plainly(intent: Intent): readonly unknown[] {
  switch (intent.kind) {
    case 'send':
      return ['send', intent.to.address, intent.event];
    case 'timer':
      return ['timer', intent.id, intent.delayMs, intent.to.address, intent.event];
    case 'cancel':
      return ['cancel', intent.id];
    case 'order':
      return ['order', intent.to, intent.event];
    case 'spawn':
      return ['spawn', intent.ref.address, intent.ref.src, intent.input];
    case 'stop':
      return ['stop', intent.ref.address];
    case 'emit':
      return ['emit', intent.event];
    case 'log':
      return ['log', intent.label, intent.value];
    case 'action':
      return ['action', intent.name, intent.params];
  }
}
