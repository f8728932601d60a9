/**
 * Declarations: a supervision tree as its user writes it, and as data.
 *
 * What a user writes may hold schedules of Effect, which are code. The rest is stored in the supervisor's journal, and
 * compared with today's declaration whenever the system is opened.
 */
import type { Duration, Schedule } from 'effect';
import type { Definitions } from '../definition.ts';
import { millisOf } from '../duration.ts';
import { InvalidArgument } from '../errors.ts';
import { badId, childAddress, rootAddress } from '../kernel/address.ts';
import { SUPERVISOR } from './logic.ts';
import {
  assertIntensity,
  assertOneOf,
  DEFAULT_INTENSITY,
  DEFAULT_PERIOD_MS,
  periodOf,
  readRestart,
} from './restart-policy.ts';
import type { Restart, RestartFrom } from './restart-policy.ts';
import { RESTART_TYPES, STRATEGIES } from './strategy.ts';
import type { RestartType, Strategy } from './strategy.ts';

// ---- as it is written ---------------------------------------------------------------------------------------------

/** How long a child gets to wind down: a duration, `'brutal'` for none, `'infinity'` for as long as it takes. */
export type Shutdown = Duration.Input | 'brutal' | 'infinity';

/** A child of a supervisor. */
export interface SupervisedChild<TName extends string = string> {
  readonly id: string;
  /** The name of what it runs, in `createSystem({ actors })`. It lives at the address `<start>/<id>`. */
  readonly start: TName;
  /** What it is born with. */
  readonly input?: unknown;
  /** When it is started again. Default: what its child spec says (see `durable`), otherwise `permanent`. */
  readonly restart?: Restart;
  /** How long it gets to wind down when it is stopped. Default 5 seconds. */
  readonly shutdown?: Shutdown;
  /** Whether its end may end its supervisor, see `autoShutdown`. Not for permanent children. */
  readonly significant?: boolean;
}

interface SupervisorCommon {
  readonly id: string;
  /** How many restarts are allowed within `period`; one more, and the supervisor gives up. Default 1, as in OTP. */
  readonly intensity?: number;
  /** Default 5 seconds, as in OTP. */
  readonly period?: Duration.Input;
  /** How long to wait before a child that fails again and again is restarted. Default: not at all. */
  readonly backoff?: Schedule.Schedule<unknown, unknown>;
  /** As a child of another supervisor: when it is started again after it gave up. Default `permanent`. */
  readonly restart?: RestartType;
  /** As a child of another supervisor: how long it gets to stop its children. Default `infinity`, as in OTP. */
  readonly shutdown?: Shutdown;
  /** As a child of another supervisor: whether its end may end that one. */
  readonly significant?: boolean;
}

/** A supervisor of children that are known. */
export interface StaticSupervisorOptions<TName extends string = string> extends SupervisorCommon {
  /** Default `one-for-one`. */
  readonly strategy?: Exclude<Strategy, 'dynamic'>;
  /** Started in this order, stopped in reverse. */
  readonly children: readonly (SupervisedChild<TName> | Supervisor<TName>)[];
  /** Whether it ends when one, or the last, of its significant children has ended by itself. Default `never`. */
  readonly autoShutdown?: AutoShutdown;
}

/** A supervisor of all actors of one name, however many there are. */
export interface DynamicSupervisorOptions<TName extends string = string> extends SupervisorCommon {
  readonly strategy: 'dynamic';
  /** The name of what its children run. Every actor of that name is its child, whoever starts it. */
  readonly start: TName;
  /** How each of them is treated. Default: as its child spec says (see `durable`), otherwise `transient`. */
  readonly child?: Pick<SupervisedChild, 'restart' | 'shutdown'>;
}

export type SupervisorOptions<TName extends string = string> =
  StaticSupervisorOptions<TName> | DynamicSupervisorOptions<TName>;

export type AutoShutdown = 'never' | 'any-significant' | 'all-significant';

const AUTO_SHUTDOWNS: readonly AutoShutdown[] = ['never', 'any-significant', 'all-significant'];

// `any`: names that the compiler does not know (a list of children that is computed) are let through, and checked when the system
// is opened.
/* oxlint-disable typescript/no-explicit-any */
type Known<TName extends string> = string extends TName ? any : TName;

/** A supervisor as it is declared, and the names of the actors below it. Made by {@link supervisor}. */
export class Supervisor<TName extends string = any> {
  readonly options: SupervisorOptions;
  /** Only for the compiler. */
  declare readonly names?: TName;

  /** Use {@link supervisor}. */
  constructor(options: SupervisorOptions<TName>) {
    this.options = options;
  }
}

/**
 * Declares a supervisor, for `createSystem({ supervise })` or as a child of another. Nothing happens yet; what is wrong with
 * it is said by `createSystem`.
 */
export function supervisor<const TName extends string>(
  options: SupervisorOptions<TName>,
): Supervisor<Known<TName>> {
  return new Supervisor(options);
}

/* oxlint-enable typescript/no-explicit-any */

// ---- as data ------------------------------------------------------------------------------------------------------

export interface ChildDeclaration {
  readonly id: string;
  /** The name of its logic; `supervisor` for one. */
  readonly start: string;
  readonly input?: unknown;
  readonly restart: RestartType;
  readonly from: RestartFrom;
  /** 0: at once. Infinity: as long as it takes. */
  readonly shutdownMs: number;
  readonly significant: boolean;
  readonly supervisor?: SupervisorDeclaration;
}

export interface SupervisorDeclaration {
  readonly id: string;
  readonly strategy: Strategy;
  readonly intensity: number;
  readonly periodMs: number;
  readonly autoShutdown: AutoShutdown;
  readonly children: readonly ChildDeclaration[];
  /** What every child of a dynamic supervisor is. */
  readonly dynamic?: Omit<ChildDeclaration, 'id'>;
}

/** A whole tree: its data, and the schedules by the address of their supervisor. */
export interface DeclaredTree {
  readonly root: SupervisorDeclaration;
  readonly backoffs: ReadonlyMap<string, Schedule.Schedule<unknown, unknown>>;
}

const DEFAULT_SHUTDOWN_MS = 5000;

/** Reads what the user wrote. @throws InvalidArgument that names the place */
export function declare(root: Supervisor, definitions: Definitions): DeclaredTree {
  const reader = new Reader(definitions);
  const declaration = reader.supervisor(root, 'supervise', SUPERVISOR);
  return { root: declaration, backoffs: reader.backoffs };
}

/** Reads a child that is to be started at run time. @throws InvalidArgument */
export function declareChild(
  child: SupervisedChild,
  { dynamic, autoShutdown }: SupervisorDeclaration,
  definitions: Definitions,
): ChildDeclaration {
  if (child instanceof Supervisor)
    throw new InvalidArgument('child', 'must be a worker: supervisors are declared in createSystem');
  const declared = new Reader(definitions).child(child, 'child', '', autoShutdown);
  if (dynamic === undefined) return declared;
  if (dynamic.start !== declared.start)
    throw new InvalidArgument('child.start', `must be '${dynamic.start}', as of all children there`);
  const { id, input } = declared;
  return { ...dynamic, id, ...(input !== undefined && { input }) };
}

class Reader {
  readonly backoffs = new Map<string, Schedule.Schedule<unknown, unknown>>();
  readonly #definitions: Definitions;
  /** Where each address was declared. */
  readonly #addresses = new Map<string, string>();
  /** Where the actors of a name got a dynamic supervisor, or one of them another. */
  readonly #names = new Map<string, { readonly path: string; readonly isDynamic: boolean }>();

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
  }

  supervisor(given: Supervisor, path: string, above: string): SupervisorDeclaration {
    if (!(given instanceof Supervisor))
      throw new InvalidArgument(path, 'must be made with supervisor({ … })');
    const { options } = given;
    const id = this.#id(options.id, path);
    const address = childAddress(above, id);
    if (options.backoff !== undefined) this.backoffs.set(address, options.backoff);
    const strategy = options.strategy ?? 'one-for-one';
    assertOneOf(strategy, STRATEGIES, `${path}.strategy`);
    const { intensity = DEFAULT_INTENSITY } = options;
    assertIntensity(intensity, `${path}.intensity`);
    const periodMs =
      options.period === undefined ? DEFAULT_PERIOD_MS : periodOf(options.period, `${path}.period`);
    const common = { id, strategy, intensity, periodMs };
    return options.strategy === 'dynamic'
      ? { ...common, autoShutdown: 'never', children: [], dynamic: this.#template(options, path) }
      : { ...common, ...this.#children(options, path, address) };
  }

  #children(options: StaticSupervisorOptions, path: string, address: string) {
    const { autoShutdown = 'never', children } = options;
    assertOneOf(autoShutdown, AUTO_SHUTDOWNS, `${path}.autoShutdown`);
    if (!Array.isArray(children)) throw new InvalidArgument(`${path}.children`, 'must be a list of children');
    const declared = (children as readonly (SupervisedChild | Supervisor)[]).map((child, index) =>
      this.child(child, `${path}.children[${index}]`, address, autoShutdown),
    );
    const ids = declared.map(({ id }) => id);
    const twice = ids.findIndex((id, index) => ids.indexOf(id) !== index);
    if (twice !== -1) {
      throw new InvalidArgument(`${path}.children[${twice}].id`, `'${ids[twice]}' is taken by another child`);
    }
    return { autoShutdown, children: declared };
  }

  child(
    given: SupervisedChild | Supervisor,
    path: string,
    above: string,
    autoShutdown: AutoShutdown,
  ): ChildDeclaration {
    if (typeof given !== 'object' || given === null)
      throw new InvalidArgument(path, 'must be a child { id, start }, or supervisor({ … })');
    const child = given instanceof Supervisor ? this.#nested(given, path, above) : this.#worker(given, path);
    if (!child.significant) return child;
    if (autoShutdown === 'never') {
      throw new InvalidArgument(`${path}.significant`, "has no meaning while autoShutdown is 'never'");
    }
    if (child.restart === 'permanent') {
      throw new InvalidArgument(`${path}.significant`, 'has no meaning for a permanent child: it never ends');
    }
    return child;
  }

  #nested(given: Supervisor, path: string, above: string): ChildDeclaration {
    const declaration = this.supervisor(given, path, above);
    const { restart = 'permanent', shutdown = 'infinity', significant = false } = given.options;
    assertOneOf(restart, RESTART_TYPES, `${path}.restart`);
    const shutdownMs = shutdownOf(shutdown, `${path}.shutdown`);
    return {
      id: declaration.id,
      start: SUPERVISOR,
      restart,
      from: 'journal',
      shutdownMs,
      significant,
      supervisor: declaration,
    };
  }

  #worker(given: SupervisedChild, path: string): ChildDeclaration {
    const { start, input, significant = false } = given;
    const id = this.#id(given.id, path);
    this.#definitions.assertStartable(start, `${path}.start`);
    this.#claimAddress(rootAddress(start, id), path);
    this.#claimName(start, path, false);
    const restart = this.#restart(given.restart, start, 'permanent', `${path}.restart`);
    const shutdownMs = shutdownOf(given.shutdown, `${path}.shutdown`);
    return { id, start, ...(input !== undefined && { input }), ...restart, shutdownMs, significant };
  }

  #template(options: DynamicSupervisorOptions, path: string): Omit<ChildDeclaration, 'id'> {
    const { start, child = {} } = options;
    this.#definitions.assertStartable(start, `${path}.start`);
    this.#claimName(start, `${path}.start`, true);
    const restart = this.#restart(child.restart, start, 'transient', `${path}.child.restart`);
    return {
      start,
      ...restart,
      shutdownMs: shutdownOf(child.shutdown, `${path}.child.shutdown`),
      significant: false,
    };
  }

  #id(id: unknown, path: string): string {
    const reason = badId(id);
    if (reason !== undefined) throw new InvalidArgument(`${path}.id`, reason);
    return id as string;
  }

  /** An actor has one supervisor. */
  #claimAddress(address: string, path: string): void {
    const other = this.#addresses.get(address);
    if (other !== undefined) throw new InvalidArgument(path, `is ${address}, and so is ${other}`);
    this.#addresses.set(address, path);
  }

  #claimName(name: string, path: string, isDynamic: boolean): void {
    const other = this.#names.get(name);
    if (other !== undefined && (isDynamic || other.isDynamic)) {
      throw new InvalidArgument(
        path,
        `takes the name '${name}', of whose actors ${other.path} takes some or all`,
      );
    }
    this.#names.set(name, { path, isDynamic });
  }

  #restart(given: Restart | undefined, start: string, otherwise: RestartType, path: string) {
    const spec = this.#definitions.at([start])!.spec.restart;
    const wanted = given === undefined ? {} : readRestart(given, path);
    return {
      restart: wanted.type ?? spec.type ?? otherwise,
      from: wanted.from ?? spec.from ?? ('journal' as const),
    };
  }
}

function shutdownOf(shutdown: Shutdown | undefined, path: string): number {
  if (shutdown === undefined) return DEFAULT_SHUTDOWN_MS;
  if (shutdown === 'brutal') return 0;
  return shutdown === 'infinity' ? Infinity : millisOf(shutdown, path);
}
