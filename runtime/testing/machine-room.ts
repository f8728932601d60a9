/**
 * A machine room in a simulated world: one disk, and a process that opens a system on it, dies, and is started again.
 */
import { HeddleError } from '../../storage/errors.ts';
import { Disk, faulty } from '../../storage/faulty.ts';
import type { CrashKind } from '../../storage/faulty.ts';
import type { Store } from '../../storage/store.ts';
import type { System } from '../system.ts';
import type { ActorDefinitions } from '../system-options.ts';
import { internals, openSystem } from '../system.ts';
import type { Interference } from '../runtime-options.ts';
import type { Runtime } from '../runtime.ts';
import type { Owner, World } from './world.ts';

export interface MachineRoomOptions<TActors extends ActorDefinitions> {
  readonly world: World;
  /** Called for every process: what lives in it must die with it, so it gets its owner. */
  readonly actors: (owner: Owner) => TActors;
  /** How often a write fails, from 0 to 1. */
  readonly faultRate?: number;
  /** Stands between the runtime and the disk: planted bugs. */
  readonly throughStore?: (store: Store) => Store;
  /** Counts operations on the disk; true kills the machine right there. */
  readonly dieAt?: (operation: number) => CrashKind | undefined;
  /** What is done to every process from within. */
  readonly interference?: Interference;
  /** How far its wall clock is off. */
  readonly skewMs?: () => number;
}

const SILENT = { log: () => {}, error: () => {} };
const BOOT_MS = 5;

export class MachineRoom<TActors extends ActorDefinitions> {
  readonly disk: Disk;
  readonly #options: MachineRoomOptions<TActors>;
  #owner: Owner = {};
  #system: System<TActors> | undefined;
  #runtime: Runtime | undefined;
  #faultsOn = true;
  /** Whether it is down, and about to be started. */
  #isDown = false;
  /** What stopped it for good: a boot that was refused. */
  fatal: unknown;
  operations = 0;
  boots = 0;

  constructor(options: MachineRoomOptions<TActors>) {
    this.#options = options;
    const { world, faultRate = 0 } = options;
    const latency = world.chanceFor('latency');
    const faults = world.chanceFor('faults');
    const losses = world.chanceFor('losses');
    this.disk = new Disk({
      pick: (n) => losses.below(n),
      hook: async (operation) => {
        const owner = this.#owner;
        await world.sleep(operation === 'sync' ? 1 + latency.below(8) : latency.below(3), owner);
        this.operations++;
        const kind = options.dieAt?.(this.operations);
        if (kind === undefined) return;
        this.crash(kind);
        await new Promise(() => {});
      },
    });
    this.disk.fault = () => {
      if (!this.#faultsOn || !faults.chance(faultRate)) return undefined;
      return faults.chance(0.5) ? 'before' : 'after';
    };
  }

  /** The system, while the process lives and is up. */
  get system(): System<TActors> | undefined {
    return this.#runtime?.stopped === false ? this.#system : undefined;
  }

  /** The first frame that a recovery would read now. */
  get lowWater(): number {
    return this.#runtime?.ledger.lowWater ?? 0;
  }

  /** Starts the first process. */
  start(): void {
    this.#startSoon(0);
  }

  /** Starts a process. One that cannot open the store just now is started again, as a service manager would. */
  #startSoon(delayMs: number): void {
    const { world } = this.#options;
    if (this.#isDown) return;
    this.#isDown = true;
    world.after(delayMs, world, () => {
      this.#isDown = false;
      const owner: Owner = { boot: ++this.boots };
      this.#owner = owner;
      this.#boot(owner).catch((error: unknown) => {
        if (this.#owner !== owner) return;
        if (error instanceof HeddleError && error.retryable) this.#startSoon(BOOT_MS);
        else this.fatal ??= error;
      });
    });
  }

  async #boot(owner: Owner): Promise<void> {
    const { world, actors, throughStore = (store) => store, skewMs, interference } = this.#options;
    const system = await openSystem(
      {
        store: throughStore(faulty(this.disk)),
        actors: actors(owner),
        clock: world.clockFor(owner, skewMs),
        logger: SILENT,
        passivateAfter: 200,
      },
      interference,
    );
    this.#system = system;
    this.#runtime = internals.get(system)!;
  }

  /** The machine goes down, and comes up again a little later. */
  crash(kind: CrashKind): void {
    const { world } = this.#options;
    world.note(`crash ${kind}`);
    this.#runtime?.die();
    this.#system = this.#runtime = undefined;
    world.kill(this.#owner);
    this.#owner = {};
    this.disk.crash(kind);
    this.#startSoon(BOOT_MS);
  }

  /** From now on the disk works. */
  calm(): void {
    this.#faultsOn = false;
  }
}
