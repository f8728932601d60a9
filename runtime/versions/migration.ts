/**
 * Migrations: how a stored actor becomes one of the next version. Declared with the logic, one step for each version; pure
 * functions over data, told nothing of stores.
 */
import type { AnyActorLogic, AnyEventObject } from 'xstate';
import { InvalidArgument } from '../errors.ts';
import type { PersistedSnapshot } from '../kernel/host.ts';

/** A stored state. For a machine: `value`, `context`, `children`; stores and transitions have a `context` too. */
export type StoredState = Omit<PersistedSnapshot, 'status' | 'output' | 'error' | 'states'>;

/** Whom a step is asked about. */
export interface MigrationSubject {
  readonly address: string;
  /** The version it comes from. */
  readonly from: number;
}

/** The step from one version to the next. */
export interface MigrationStep {
  /** What is different in the state; what is left out stays as it is. */
  readonly state?: (state: StoredState, subject: MigrationSubject) => Partial<StoredState>;
  /** An event that waits for the actor, or is set for later: as the next version has it, or undefined to drop it. */
  readonly event?: (event: AnyEventObject, subject: MigrationSubject) => AnyEventObject | undefined;
  /**
   * The logic of the version that it comes from. With it also an actor can be migrated whose last records are not in a
   * checkpoint (its process was killed), and histories from before are told again.
   */
  readonly logic?: AnyActorLogic;
}

/** By the version that a step comes from: `{ 1: … }` makes version 2 of version 1. */
export type Migrations = Readonly<Record<number, MigrationStep | NonNullable<MigrationStep['state']>>>;

/** @throws InvalidArgument */
export function checkMigrations(migrate: Migrations, version: number): void {
  if (typeof migrate !== 'object' || migrate === null)
    throw new InvalidArgument('spec.migrate', 'must be an object of steps, by the version they come from');
  for (const [key, step] of Object.entries(migrate)) {
    const from = Number(key);
    if (!(Number.isInteger(from) && from >= 1 && from < version))
      throw new InvalidArgument(
        `spec.migrate[${key}]`,
        `must be a step from a version below spec.version, which is ${version}`,
      );
    if (typeof step !== 'function' && (typeof step !== 'object' || step === null))
      throw new InvalidArgument(
        `spec.migrate[${key}]`,
        'must be a function over the state, or { state, event }',
      );
  }
  const first = Math.min(version, ...Object.keys(migrate).map(Number));
  for (let from = first; from < version; from++)
    if (migrate[from] === undefined)
      throw new InvalidArgument(
        `spec.migrate[${from}]`,
        `is missing: steps lead from version ${first} to ${version}; if nothing is different, give {}`,
      );
}

export const stepOfVersion = (migrate: Migrations | undefined, from: number): MigrationStep | undefined => {
  const step = migrate?.[from];
  return typeof step === 'function' ? { state: step } : step;
};

/** The steps from one version to another; undefined when one is missing. */
export function stepsBetween(
  migrate: Migrations | undefined,
  from: number,
  to: number,
): readonly MigrationStep[] | undefined {
  const steps: MigrationStep[] = [];
  for (let version = from; version < to; version++) {
    const step = stepOfVersion(migrate, version);
    if (step === undefined) return undefined;
    steps.push(step);
  }
  return steps;
}

/** A state taken through all steps. Whatever a step throws comes through. */
export function migrateState(
  steps: readonly MigrationStep[],
  state: PersistedSnapshot,
  { address, from }: MigrationSubject,
): PersistedSnapshot {
  return steps.reduce((before, { state: step }, index) => {
    if (step === undefined) return before;
    const changes = step(before, { address, from: from + index });
    const after: PersistedSnapshot = Object.assign({}, before, changes);
    // Which states these are follows from the value, unless that is still the same.
    if ('value' in changes) delete (after as { states?: unknown }).states;
    return after;
  }, state);
}

/** An event taken through all steps; undefined when one of them drops it. */
export function migrateEvent(
  steps: readonly MigrationStep[],
  event: AnyEventObject,
  { address, from }: MigrationSubject,
): AnyEventObject | undefined {
  let now: AnyEventObject | undefined = event;
  steps.forEach(({ event: step }, index) => {
    if (now !== undefined && step !== undefined) now = step(now, { address, from: from + index });
  });
  return now;
}
