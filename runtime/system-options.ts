/**
 * What a system is opened with, as users say it: looked at, and completed with what they leave out.
 */
import type { Duration } from 'effect';
import type { Store } from '../storage/store.ts';
import type { ActorDefinition } from './actor-ref.ts';
import { checkedDecider, checkedPrincipal } from './authority.ts';
import type { Decider, Principal } from './authority.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { Definitions } from './definition.ts';
import { millisOf } from './duration.ts';
import { InvalidArgument } from './errors.ts';
import { Inspection } from './inspection.ts';
import type { Inspect } from './inspection.ts';
import type { Runtime } from './runtime.ts';
import type { EmitListener, GiveUpListener, Logger, RuntimeOptions } from './runtime-options.ts';
import { declare } from './supervision/declaration.ts';
import type { Supervisor } from './supervision/declaration.ts';

/** The actors of a system, by name. The name is the identity on disk: renaming one makes another. */
export type ActorDefinitions = Readonly<Record<string, ActorDefinition>>;

export interface SystemOptions<TActors extends ActorDefinitions> {
  /** Where it is kept: `leveldb(folder)` or `memory()`. */
  readonly store: Store;
  readonly actors: TActors;
  /** Gets `log` actions and reports of trouble. Default: `console`. */
  readonly logger?: Logger;
  /**
   * Looks at the whole system: an observer of XState's inspection events, or an inspector such as that of heddle/console. Sees
   * only what is durable.
   */
  readonly inspect?: Inspect;
  /** Hears every emitted event, at least once, also those owed from before a crash. */
  readonly onEmit?: EmitListener;
  /** How many events from outside may wait for one actor. Default 10,000. */
  readonly mailbox?: { readonly capacity?: number };
  /**
   * The supervision tree: which actors are started when the system is opened, and what happens when one of them fails. Made
   * with `supervisor`. Opening resolves when the tree has started.
   */
  readonly supervise?: Supervisor<keyof TActors & string>;
  /**
   * Called when the supervisor at the root of the tree has given up, and all of its children are down: time to end the process,
   * so that whoever starts it again starts the tree again. It is reported to the logger in any case.
   */
  readonly onGiveUp?: GiveUpListener;
  /** Opens it with everything paused: look at what was recovered before anything moves, then `system.resume()`. */
  readonly paused?: boolean;
  /** How long an actor stays in memory without anything to do. Default 30 seconds. */
  readonly passivateAfter?: Duration.Input;
  /** How many microsteps one event may cause, before it is refused as an endless loop. Default 10,000. */
  readonly maxMicrosteps?: number;
  /**
   * Says who may do what: `roles({ … })` of heddle/actors, or another implementation of the port. Without one the program may do
   * everything, and nobody else anything: see docs/decisions.md.
   */
  readonly decider?: Decider;
  /** How long the decider may take to answer; what it has not permitted by then is refused. Default 5 seconds. */
  readonly decideWithin?: Duration.Input;
  /** On whose behalf the program acts, where nobody else is named with `system.as`. Default `{ type: 'program', id: 'main' }`. */
  readonly principal?: Principal;
  /** For tests: another time. */
  readonly clock?: Clock;
}

const DEFAULT_MAILBOX_CAPACITY = 10_000;

/** On whose behalf a program acts that does not say who it is. */
export const DEFAULT_PRINCIPAL: Principal = { type: 'program', id: 'main' };

/** The same as the runtime takes it. @throws InvalidArgument */
export function runtimeOptionsOf<TActors extends ActorDefinitions>(
  options: SystemOptions<TActors>,
): RuntimeOptions {
  if (typeof options !== 'object' || options === null)
    throw new InvalidArgument('createSystem', 'needs its options: { store, actors }');
  const {
    store,
    actors,
    logger = console,
    inspect,
    onEmit,
    mailbox,
    supervise,
    onGiveUp,
    passivateAfter,
    paused = false,
    maxMicrosteps,
    decider,
    decideWithin,
    principal = DEFAULT_PRINCIPAL,
    clock,
  } = options;
  if (typeof (store as Partial<Store> | undefined)?.open !== 'function') {
    throw new InvalidArgument('store', "must be a store: leveldb('./data') or memory() of heddle/storage");
  }
  if (typeof actors !== 'object' || actors === null)
    throw new InvalidArgument('actors', 'must be an object of logic by name');
  const capacity = mailbox?.capacity ?? DEFAULT_MAILBOX_CAPACITY;
  assertPositiveInteger(capacity, 'mailbox.capacity');
  if (typeof paused !== 'boolean')
    throw new InvalidArgument('paused', `must be true or false, but is ${shown(paused)}`);
  if (maxMicrosteps !== undefined) assertPositiveInteger(maxMicrosteps, 'maxMicrosteps');
  return {
    store,
    definitions: () => new Definitions(actors, maxMicrosteps === undefined ? {} : { maxMicrosteps }),
    clock: clock ?? systemClock,
    mailboxCapacity: capacity,
    passivateAfterMs: millisOf(passivateAfter ?? '30 seconds', 'passivateAfter'),
    startsPaused: paused,
    decider: checkedDecider(decider),
    decideWithinMs: millisOf(decideWithin ?? '5 seconds', 'decideWithin'),
    principal: checkedPrincipal(principal),
    logger,
    onEmit,
    onGiveUp,
    supervise: supervise && ((definitions: Definitions) => declare(supervise, definitions)),
    makeInspection: inspect && ((runtime: Runtime) => new Inspection(runtime, inspect)),
  };
}

function assertPositiveInteger(value: number, path: string): void {
  if (!(Number.isInteger(value) && value > 0))
    throw new InvalidArgument(path, `must be a positive integer, but is ${shown(value)}`);
}

/** As one would write it in code. */
const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value));
