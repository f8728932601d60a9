/**
 * Systems for tests: opened as a user opens them, closed in peace or killed, and opened again on the same store with the
 * same clock. Whatever a test leaves open is closed after it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createSystem } from 'heddle';
import type { ActorDefinitions, System, SystemOptions } from 'heddle';
import { leveldb, memory } from 'heddle/storage';
import type { Store } from 'heddle/storage';
import type { Runtime } from '../../runtime/runtime.ts';
import { internals } from '../../runtime/system.ts';
import { VirtualClock } from '../../runtime/testing/virtual-clock.ts';

/** How often in a row nothing must be under way before it counts as settled: promises take a few rounds. */
const QUIET_ROUNDS = 6;

/** Has something done when the test is over, last things first. */
export function afterwards(clean: () => Promise<void> | void): void {
  onTestFinished(clean);
}

/** The name of a folder that does not exist yet, in a place that is there until the test is over. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-promises-'));
  afterwards(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, name);
}

/** A store on a real disk, empty. */
export function onDisk(): Store {
  return leveldb(temporaryFolder('store'));
}

/** Stores for promises that must hold on each: `describe.each(STORES)`. */
export const STORES: readonly (readonly [name: string, make: () => Store])[] = [
  ['in memory', memory],
  ['on LevelDB', onDisk],
];

type Settings<TActors extends ActorDefinitions> = Omit<SystemOptions<TActors>, 'actors' | 'clock'>;

/** A system, and what a test may do to it. */
export class Opened<TActors extends ActorDefinitions> {
  readonly system: System<TActors>;
  readonly clock: VirtualClock;
  readonly store: Store;
  /** What the operator was told. */
  readonly troubles: unknown[][];
  readonly #actors: TActors;
  readonly #settings: Settings<TActors>;

  constructor(
    system: System<TActors>,
    actors: TActors,
    settings: Settings<TActors>,
    clock: VirtualClock,
    troubles: unknown[][],
  ) {
    this.system = system;
    this.store = settings.store;
    this.clock = clock;
    this.troubles = troubles;
    this.#actors = actors;
    this.#settings = settings;
  }

  get runtime(): Runtime {
    return internals.get(this.system)!;
  }

  /** Waits until nothing is under way. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_ROUNDS; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!this.runtime.stopped && !this.runtime.draining.isQuiet) quiet = -1;
    }
  }

  /** Lets virtual time pass, and whatever happens in it come to rest. */
  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms, () => this.settle());
    await this.settle();
  }

  /** Closes it in peace and opens it again. */
  async reopen(changes: Partial<Settings<TActors>> = {}): Promise<Opened<TActors>> {
    return this.reopenWith(this.#actors, changes as Partial<Settings<ActorDefinitions>>);
  }

  /** Closes it in peace and opens it again with other code. */
  async reopenWith<const TOthers extends ActorDefinitions>(
    actors: TOthers,
    changes: Partial<Settings<ActorDefinitions>> = {},
  ): Promise<Opened<TOthers>> {
    await this.system.close();
    return open(actors, { ...this.#settings, ...changes }, this.clock);
  }

  /** Ends it as SIGKILL would, wherever it stands. The operating system closes its files. */
  async kill(): Promise<void> {
    this.runtime.die();
    await this.store.close();
  }

  /** Kills it and opens it again. */
  async crash(changes: Partial<Settings<TActors>> = {}): Promise<Opened<TActors>> {
    await this.kill();
    return open(this.#actors, { ...this.#settings, ...changes }, this.clock);
  }
}

/** Opens a system in virtual time. Without a store of its own it is on a new one in memory. */
export async function open<const TActors extends ActorDefinitions>(
  actors: TActors,
  settings: Partial<Settings<TActors>> = {},
  clock = new VirtualClock(),
): Promise<Opened<TActors>> {
  const troubles: unknown[][] = [];
  const complete: Settings<TActors> = { store: memory(), ...settings };
  const logger = { log: () => {}, error: (...args: unknown[]) => void troubles.push(args) };
  const system = await createSystem<TActors>({ logger, ...complete, actors, clock });
  afterwards(() => (internals.get(system)!.stopped ? undefined : system.close()));
  return new Opened(system, actors, complete, clock, troubles);
}

/** Gives everything that waits for nothing but its turn the time to happen. */
export async function ticks(count = 10): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Whether a promise is settled by now. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol('open');
  const first = await Promise.race([promise.catch(() => {}), ticks().then(() => open)]);
  return first !== open;
}

/** All of an async iterable. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What a promise was rejected with; a promise that is kept fails the test. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it was not rejected');
}
