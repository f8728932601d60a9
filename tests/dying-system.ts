/**
 * A system that dies after every commit, before anybody is told of it, and is opened again on the same store. What it
 * does must be the same as if it had never died.
 */
import type { AnyEventObject } from 'xstate';
import type { ActorDefinitions } from 'heddle';
import type { Store } from '../storage/store.ts';
import { internals, openSystem } from '../runtime/system.ts';
import type { System } from '../runtime/system.ts';
import type { EmitListener, Logger, Runtime } from '../runtime/runtime.ts';
import { VirtualClock } from '../runtime/testing/virtual-clock.ts';

export interface DyingOptions<TActors extends ActorDefinitions> {
  readonly store: Store;
  readonly actors: TActors;
  /** Whether it dies at all. */
  readonly dies?: boolean;
  readonly maxTurnsPerCommit?: number;
  readonly onEmit?: EmitListener;
  readonly logger?: Logger;
}

const SILENT: Logger = { log: () => {}, error: () => {} };

/** How often in a row nothing must be under way before it counts as settled: promises take a few rounds. */
const QUIET_ROUNDS = 6;

export class DyingSystem<TActors extends ActorDefinitions> {
  readonly clock = new VirtualClock();
  readonly #options: DyingOptions<TActors>;
  #system: System<TActors> | undefined;
  #runtime!: Runtime;
  #sends = 0;
  deaths = 0;

  constructor(options: DyingOptions<TActors>) {
    this.#options = options;
  }

  get system(): System<TActors> {
    return this.#system!;
  }

  async open(): Promise<void> {
    const { store, actors, dies = true, maxTurnsPerCommit, onEmit, logger = SILENT } = this.#options;
    this.#system = await openSystem(
      {
        store,
        actors,
        clock: this.clock,
        logger,
        passivateAfter: Infinity,
        ...(onEmit !== undefined && { onEmit }),
      },
      {
        ...(maxTurnsPerCommit !== undefined && { maxTurnsPerCommit }),
        dieAfterCommit: () => {
          if (dies) this.deaths++;
          return dies;
        },
      },
    );
    this.#runtime = internals.get(this.#system)!;
  }

  async #reopen(): Promise<void> {
    // What the dead process had open is closed by the operating system.
    await this.#options.store.close();
    await this.open();
  }

  /** Closes it in peace, and opens it again. */
  async reopenGently(): Promise<void> {
    await this.system.close();
    await this.open();
  }

  /** Waits until nothing is under way, raising the dead meanwhile. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_ROUNDS; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#runtime.stopped) {
        await this.#reopen();
        quiet = -1;
      } else if (!this.#runtime.isQuiet) quiet = -1;
    }
  }

  /** Starts an actor, however often it takes. */
  async start(name: keyof TActors & string, id: string, input?: unknown): Promise<void> {
    void this.system.actor(name, id, { input } as never).catch(() => {});
    await this.settle();
  }

  /** Sends an event exactly once: with an id, and again after a death. */
  async post(address: string, event: AnyEventObject): Promise<void> {
    const id = `post-${this.#sends++}`;
    for (let done = false; !done;) {
      const sent = this.system.get(address)!.send(event as never, { id });
      let over = false;
      sent.then(
        () => (done = over = true),
        () => (done = over = true),
      );
      while (!over && !this.#runtime.stopped) await new Promise((resolve) => setImmediate(resolve));
      if (!over) await this.#reopen();
    }
    await this.settle();
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms, () => this.settle());
    await this.settle();
  }

  async close(): Promise<void> {
    await this.#options.store.close();
  }
}
