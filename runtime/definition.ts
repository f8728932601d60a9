/**
 * Definitions: what an actor of a given name runs, and under which child spec.
 *
 * A root actor's definition comes from `createSystem({ actors })`; a child's from its parent's logic and the name of its
 * source in there. So a definition is found again after a crash by its path of names.
 */
import type { Duration, Schedule } from 'effect';
import type { AnyEventObject } from 'xstate';
import { HOUSE, houseLogic } from './decisions.ts';
import { InvalidArgument } from './errors.ts';
import { fingerprintOf } from './kernel/fingerprint.ts';
import type { Fingerprint } from './kernel/fingerprint.ts';
import { millisOf } from './duration.ts';
import { Host } from './kernel/host.ts';
import type { HostOptions } from './kernel/host.ts';
import { isProcess } from './kernel/logic.ts';
import { isMachine, withActors } from './kernel/machine.ts';
import { nameOf } from './query/standing-text.ts';
import { loadSchedules } from './retry.ts';
import { SCHEDULE, scheduleLogic } from './schedules/logic.ts';
import { SUPERVISOR, supervisorLogic } from './supervision/logic.ts';
import {
  assertIntensity,
  assertOneOf,
  DEFAULT_INTENSITY,
  DEFAULT_PERIOD_MS,
  periodOf,
  readRestart,
} from './supervision/restart-policy.ts';
import type { Restart, RestartFrom } from './supervision/restart-policy.ts';
import type { RestartType } from './supervision/strategy.ts';
import { checkMigrations, stepOfVersion } from './versions/migration.ts';
import type { Migrations } from './versions/migration.ts';
import type { Warrant } from './warrant.ts';

/** The child spec of an actor: how the system treats it. Given by {@link durable}. */
export interface ChildSpec {
  /**
   * What happens when a step throws, after it has thrown again from the restored state and its event has become a dead
   * letter; and when an action has failed for good. `resume` (default): the actor keeps its last good state. `fail`: it
   * fails, so it is restarted if its supervisor or `restart` says so, and otherwise ends with status `error`, as in XState,
   * and its parent is told. `escalate`: its parent, or its supervisor, fails.
   */
  readonly poison?: 'resume' | 'fail' | 'escalate';
  /**
   * Whether it is started again when it has failed (`transient`) or ended in any way (`permanent`), and from what: the state
   * before the failure (`journal`, the default) or a new life (`initial`). Until its restarts are spent its parent hears
   * nothing. Default: `temporary`, never; for children of a supervisor what that says.
   */
  readonly restart?: Restart;
  /** How many restarts are allowed within `period`. Default 1. For children of a supervisor that one counts. */
  readonly intensity?: number;
  /** Default 5 seconds. */
  readonly period?: Duration.Input;
  /** How long to wait before each restart. Default: not at all. */
  readonly backoff?: Schedule.Schedule<unknown, unknown>;
  /** A checkpoint is taken after this many records, or earlier when they have grown large. Default 256. */
  readonly checkpointEvery?: number;
  /** How long the actor stays in memory without anything to do. Default 30 seconds. */
  readonly passivateAfter?: Duration.Input;
  /** For processes: when a failed attempt is tried again, and how often. Default: never. */
  readonly retry?: Schedule.Schedule<unknown, unknown>;
  /** For processes: how long an attempt may take before it is aborted. Default: forever. */
  readonly timeout?: Duration.Input;
  /**
   * For processes: how long all attempts together may take, counted from the birth of the actor, with crashes and the time
   * in which nobody was there. Then the process fails with DeadlineExceeded. Default: forever.
   */
  readonly deadline?: Duration.Input;
  /**
   * For processes that only look and ask, and change nothing anywhere: it begins at once, before its birth is on the disk, and so
   * saves the time of a write. After a crash it may have asked though nothing is recorded of that. Default: false.
   */
  readonly asksOnly?: boolean;
  /**
   * The version of the logic, a whole number from 1, which is the default. Raise it when a change needs a migration. Without, code
   * that has changed is accepted for an actor if it tells the recorded story.
   */
  readonly version?: number;
  /**
   * For root actors: looks at an input before anybody is born with it, and throws what is wrong. Must be pure. `start`, `actor`
   * and `schedules.declare` reject with that error, and nothing is there. Without, an input that makes no sense fails in the first step.
   */
  readonly admits?: (input: unknown) => void;
  /**
   * Looks at an event from outside before it is taken, and throws what is wrong with it. Must be pure. `send` rejects with that error, and
   * nothing has happened; a process that sends such an event fails with it. Events from other actors are not looked at. `by` is on whose
   * behalf it is sent, where somebody was named (`system.as`).
   */
  readonly accepts?: (event: AnyEventObject, by?: Warrant['principal']) => void;
  /**
   * Looks at an event that `send` brings beside the state that it meets, and throws where nobody waits for it. Must be pure. `send` rejects
   * with that error, and nothing has happened. One that was taken before under its id, what comes from within, and what a fork is begun
   * with are not looked at.
   */
  readonly awaits?: (event: AnyEventObject, snapshot: unknown) => void;
  /**
   * Events that are not for `send`, and what to use instead: `{ 'review.': 'system.reviews' }` for all whose type begins so. They
   * come from other actors, and from whoever looks after such actors and has looked at them before. `send` rejects with
   * InvalidArgument, and a process that sends one fails with it. Nor is such an actor named in the `from` of an event of the same family
   * from outside: whoever gets that would say it in their stead.
   */
  readonly reserves?: Readonly<Record<string, string>>;
  /**
   * For root actors that only whoever looks after them brings to life: what to use instead. `start` and `actor`, forks and imports are
   * refused with InvalidArgument, and so are supervisors and schedules that would start one. Whoever is there is found as ever.
   */
  readonly reservesBirth?: string;
  /** How actors of earlier versions become ones of the next, by the version they come from: `{ 1: (state) => … }`. */
  readonly migrate?: Migrations;
}

const specs = new WeakMap<object, ChildSpec>();

/**
 * Gives logic a child spec. The result is logic of the same type, and can be used wherever the original can: in
 * `createSystem({ actors })`, in `setup({ actors })`, and under plain `createActor`, which ignores the spec.
 */
export function durable<TLogic extends object>(logic: TLogic, spec: ChildSpec): TLogic {
  checkSpec(spec);
  // A failure is reported by whoever waits for it: createSystem.
  if (spec.retry !== undefined || spec.backoff !== undefined) loadSchedules().catch(() => {});
  const copy = copyOf(logic);
  specs.set(copy, { ...specs.get(logic), ...spec });
  return copy;
}

/** The child spec that logic was given. For those who make other logic of it. */
export const specOf = (logic: object): ChildSpec | undefined => specs.get(logic);

/** A second object with the same behaviour, so that a spec does not stick to logic that others use too. */
function copyOf<TLogic extends object>(logic: TLogic): TLogic {
  // A machine binds its methods to itself.
  if (isMachine(logic)) return withActors(logic, {}) as TLogic;
  return Object.assign(Object.create(Object.getPrototypeOf(logic) as object) as TLogic, logic);
}

function checkSpec(spec: ChildSpec): void {
  const { poison, checkpointEvery, passivateAfter, timeout, deadline, restart, intensity, period } = spec;
  const { version = 1, migrate, admits, accepts, awaits, asksOnly, reserves, reservesBirth } = spec;
  if (!(Number.isInteger(version) && version > 0))
    throw new InvalidArgument('spec.version', `must be a whole number from 1, but is ${String(version)}`);
  if (migrate !== undefined) checkMigrations(migrate, version);
  if (admits !== undefined && typeof admits !== 'function')
    throw new InvalidArgument('spec.admits', 'must be a function that throws what is wrong with an input');
  if (accepts !== undefined && typeof accepts !== 'function')
    throw new InvalidArgument('spec.accepts', 'must be a function that throws what is wrong with an event');
  if (awaits !== undefined && typeof awaits !== 'function')
    throw new InvalidArgument(
      'spec.awaits',
      'must be a function that throws where nobody waits for an event',
    );
  if (reserves !== undefined && !isTextByText(reserves))
    throw new InvalidArgument('spec.reserves', 'must say what to use instead, by how types of events begin');
  if (reservesBirth !== undefined && typeof reservesBirth !== 'string')
    throw new InvalidArgument('spec.reservesBirth', 'must say what to use instead');
  if (asksOnly !== undefined && typeof asksOnly !== 'boolean')
    throw new InvalidArgument('spec.asksOnly', `must be true or false, but is ${String(asksOnly)}`);
  if (poison !== undefined) assertOneOf(poison, ['resume', 'fail', 'escalate'], 'spec.poison');
  if (restart !== undefined) readRestart(restart, 'spec.restart');
  if (intensity !== undefined) assertIntensity(intensity, 'spec.intensity');
  if (period !== undefined) periodOf(period, 'spec.period');
  if (checkpointEvery !== undefined && !(Number.isInteger(checkpointEvery) && checkpointEvery > 0)) {
    throw new InvalidArgument(
      'spec.checkpointEvery',
      `must be a positive integer, but is ${checkpointEvery}`,
    );
  }
  if (passivateAfter !== undefined) millisOf(passivateAfter, 'spec.passivateAfter');
  if (timeout !== undefined) millisOf(timeout, 'spec.timeout');
  if (deadline !== undefined) millisOf(deadline, 'spec.deadline');
}

const isTextByText = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((text) => typeof text === 'string');

/** The parts of a child spec, ready for use. */
interface ResolvedSpec {
  readonly poison: 'resume' | 'fail' | 'escalate';
  readonly restart: { readonly type?: RestartType; readonly from?: RestartFrom };
  readonly intensity: number;
  readonly periodMs: number;
  readonly backoff: Schedule.Schedule<unknown, unknown> | undefined;
  readonly checkpointEvery: number;
  readonly passivateAfterMs: number | undefined;
  readonly retry: Schedule.Schedule<unknown, unknown> | undefined;
  readonly timeoutMs: number | undefined;
  readonly deadlineMs: number | undefined;
  readonly asksOnly: boolean;
  readonly version: number;
  readonly migrate: Migrations | undefined;
  readonly admits: ((input: unknown) => void) | undefined;
  readonly accepts: ChildSpec['accepts'];
  readonly awaits: ChildSpec['awaits'];
  readonly reserves: readonly (readonly [beginning: string, instead: string])[];
  readonly reservesBirth: string | undefined;
}

/** One piece of logic under one path of names. */
export class Definition {
  readonly path: readonly string[];
  /** Under which its actors are found. */
  readonly queryName: string;
  readonly host: Host;
  readonly spec: ResolvedSpec;
  /** Whether its actors are processes. */
  readonly isProcess: boolean;
  /** Whether it decides about other actors. */
  readonly isSupervisor: boolean;
  /** Whether it is no logic of a user. */
  readonly isHouse: boolean;
  readonly #options: HostOptions;
  readonly #children = new Map<string, Definition>();
  readonly #past = new Map<number, Definition>();
  #fingerprint: Fingerprint | undefined;

  constructor(path: readonly string[], logic: unknown, options: HostOptions) {
    this.path = path;
    this.queryName = nameOf(path);
    this.#options = options;
    this.host = makeHost(path, logic, options);
    this.isProcess = isProcess(this.host.kind);
    this.isSupervisor = logic === supervisorLogic;
    this.isHouse = this.isSupervisor || logic === houseLogic || logic === scheduleLogic;
    const spec = specs.get(logic as object) ?? {};
    this.spec = {
      poison: spec.poison ?? 'resume',
      restart: spec.restart === undefined ? {} : readRestart(spec.restart, 'restart'),
      intensity: spec.intensity ?? DEFAULT_INTENSITY,
      periodMs: spec.period === undefined ? DEFAULT_PERIOD_MS : periodOf(spec.period, 'period'),
      backoff: spec.backoff,
      checkpointEvery: spec.checkpointEvery ?? 256,
      passivateAfterMs:
        spec.passivateAfter === undefined ? undefined : millisOf(spec.passivateAfter, 'passivateAfter'),
      retry: spec.retry,
      timeoutMs: spec.timeout === undefined ? undefined : millisOf(spec.timeout, 'timeout'),
      deadlineMs: spec.deadline === undefined ? undefined : millisOf(spec.deadline, 'deadline'),
      asksOnly: spec.asksOnly ?? false,
      version: spec.version ?? 1,
      migrate: spec.migrate,
      admits: spec.admits,
      accepts: spec.accepts,
      awaits: spec.awaits,
      reserves: Object.entries(spec.reserves ?? {}),
      reservesBirth: spec.reservesBirth,
    };
  }

  /** What of the logic decides how stories go on. */
  get fingerprint(): Fingerprint {
    return (this.#fingerprint ??= fingerprintOf(this.host.logic));
  }

  /** The definition of an earlier version, where its migration has kept the logic; otherwise this one. */
  asOf(version: number): Definition {
    const logic = stepOfVersion(this.spec.migrate, version)?.logic;
    if (logic === undefined) return this;
    let past = this.#past.get(version);
    if (past === undefined) {
      past = new Definition(this.path, durable(logic, { version }), this.#options);
      this.#past.set(version, past);
    }
    return past;
  }

  /** The definition of a child, by the name its parent has for it; undefined where the parent has no such child. */
  child(src: string): Definition | undefined {
    let child = this.#children.get(src);
    if (child === undefined) {
      const logic = this.host.childLogic(src);
      if (logic === undefined) return undefined;
      child = new Definition([...this.path, src], logic, this.#options);
      this.#children.set(src, child);
    }
    return child;
  }
}

function makeHost(path: readonly string[], logic: unknown, options: HostOptions): Host {
  try {
    return new Host(logic, options);
  } catch (error) {
    throw new InvalidArgument(`actors.${path.join('.')}`, `cannot be hosted: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** All definitions of a system, by name. */
export class Definitions {
  readonly #roots = new Map<string, Definition>();
  /** Logic of the house, under names that users cannot take. */
  readonly #house = new Map<string, Definition>();

  constructor(actors: Readonly<Record<string, unknown>>, options: HostOptions) {
    this.#house.set(HOUSE, new Definition([HOUSE], houseLogic, options));
    this.#house.set(SCHEDULE, new Definition([SCHEDULE], scheduleLogic, options));
    this.#house.set(SUPERVISOR, new Definition([SUPERVISOR], supervisorLogic, options));
    for (const [name, logic] of Object.entries(actors)) {
      if (this.#house.has(name)) {
        throw new InvalidArgument(`actors.${name}`, 'is a name of the house: give it another');
      }
      if (name === '' || name.includes('/') || !name.isWellFormed()) {
        throw new InvalidArgument(
          `actors[${JSON.stringify(name)}]`,
          'is not a name: it must not be empty or hold a slash',
        );
      }
      this.#roots.set(name, new Definition([name], logic, options));
    }
  }

  /** The definition at the end of a path of names; undefined where today's code has none. */
  at(path: readonly string[]): Definition | undefined {
    const [name, ...sources] = path;
    let definition = this.#roots.get(name!) ?? this.#house.get(name!);
    for (const src of sources) definition = definition?.child(src);
    return definition;
  }

  /** The names that users have given. */
  get names(): readonly string[] {
    return [...this.#roots.keys()];
  }

  /** Those of them under which anybody may bring actors to life, to tell people what there is. */
  get startable(): string {
    const names = this.names.filter((name) => this.#roots.get(name)!.spec.reservesBirth === undefined);
    return names.join(', ') || 'none';
  }

  /** Whether actors may be brought to life under what is said to be a name. @throws InvalidArgument */
  assertStartable(name: unknown, path: string): void {
    if (this.#roots.has(name as string)) return this.assertForStart(name as string, path);
    const given = JSON.stringify(name);
    throw new InvalidArgument(
      path,
      `must be a name in createSystem({ actors }), but is ${given}; there are ${this.startable}`,
    );
  }

  /** Whether somebody else than whoever looks after them may bring the actors of a name to life. @throws InvalidArgument */
  assertForStart(name: string, path: string): void {
    const instead = this.#roots.get(name)?.spec.reservesBirth;
    if (instead !== undefined) throw new InvalidArgument(path, `'${name}' is not for start: use ${instead}`);
  }

  has(name: string): boolean {
    return this.#roots.has(name) || this.#house.has(name);
  }
}
