/**
 * A system that dies after every commit, before anybody is told of it, and is opened again on the same store. What it
 * does must be the same as if it had never died.
 */
import type { AnyEventObject } from 'xstate';
import type { ActorDefinitions, Decider, Supervisor } from 'heddle';
import type { Store } from '../storage/store.ts';
import { internals, openSystem } from '../runtime/system.ts';
import type { System } from '../runtime/system.ts';
import type { EmitListener, Logger } from '../runtime/runtime-options.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { VirtualClock } from '../runtime/testing/virtual-clock.ts';

export interface DyingOptions<TActors extends ActorDefinitions> {
  readonly store: Store;
  /** Read in each of its lives. */
  readonly actors: TActors;
  /** Told of each life, before anything is done with it. */
  readonly onOpen?: (system: System<TActors>) => void;
  readonly supervise?: Supervisor;
  /** Whether it dies at all; or whether it does after a commit, counted from 1 since it was opened. Default: always. */
  readonly dies?: boolean | ((commitsOfLife: number) => boolean);
  readonly maxTurnsPerCommit?: number;
  /** For the ids of what it posts, where several come one after the other on one store. */
  readonly name?: string;
  readonly onEmit?: EmitListener;
  readonly logger?: Logger;
  /** Whether each of its lives begins with everything paused. */
  readonly paused?: boolean;
  readonly decider?: Decider;
}

const SILENT: Logger = { log: () => {}, error: () => {} };

/** How often in a row nothing must be under way before it counts as settled: promises take a few rounds. */
const QUIET_ROUNDS = 6;

/** The store as one life sees it: when that is over, it cannot close it any more under the next. */
class StoreOfLife implements Store {
  readonly #beneath: Store;
  readonly #isDead: () => boolean;

  constructor(beneath: Store, isDead: () => boolean) {
    this.#beneath = beneath;
    this.#isDead = isDead;
  }

  get location(): string {
    return this.#beneath.location;
  }

  get anchor(): Store['anchor'] {
    return this.#beneath.anchor;
  }

  open(): Promise<void> {
    return this.#beneath.open();
  }

  async close(): Promise<void> {
    if (!this.#isDead()) await this.#beneath.close();
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#beneath.get(key);
  }

  scan(...range: Parameters<Store['scan']>): ReturnType<Store['scan']> {
    return this.#beneath.scan(...range);
  }

  batch(): ReturnType<Store['batch']> {
    return this.#beneath.batch();
  }
}

interface Post {
  readonly address: string;
  readonly event: AnyEventObject;
  readonly id: string;
}

export class DyingSystem<TActors extends ActorDefinitions> {
  readonly clock = new VirtualClock();
  readonly #options: DyingOptions<TActors>;
  #system: System<TActors> | undefined;
  #runtime!: Runtime;
  #sends = 0;
  readonly #unanswered = new Set<Post>();
  deaths = 0;

  constructor(options: DyingOptions<TActors>) {
    this.#options = options;
  }

  get system(): System<TActors> {
    return this.#system!;
  }

  async open(): Promise<void> {
    while (!(await this.#isOpened())) await this.#options.store.close();
  }

  /** Opens it, unless it dies before it is open. */
  async #isOpened(): Promise<boolean> {
    const { store, actors, supervise, dies = true, maxTurnsPerCommit, onEmit } = this.#options;
    const { logger = SILENT, paused = false, decider } = this.#options;
    let commits = 0;
    let isDead = false;
    let die = (): void => {};
    const death = new Promise<undefined>((resolve) => {
      die = () => {
        isDead = true;
        resolve(undefined);
      };
    });
    const opening = openSystem(
      {
        store: new StoreOfLife(store, () => isDead),
        actors,
        clock: this.clock,
        logger,
        paused,
        passivateAfter: Infinity,
        ...(supervise !== undefined && { supervise }),
        ...(onEmit !== undefined && { onEmit }),
        ...(decider !== undefined && { decider }),
      },
      {
        ...(maxTurnsPerCommit !== undefined && { maxTurnsPerCommit }),
        dieAfterCommit: () => {
          const isDying = typeof dies === 'boolean' ? dies : dies(++commits);
          if (!isDying) return false;
          this.deaths++;
          die();
          return true;
        },
      },
    );
    const system = await Promise.race([opening, death]);
    if (system === undefined) return false;
    this.#system = system;
    this.#options.onOpen?.(system);
    this.#runtime = internals.get(system)!;
    // The end of the system before has answered nobody.
    for (const post of this.#unanswered) this.#send(post);
    return true;
  }

  get runtime(): Runtime {
    return this.#runtime;
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
      } else if (!this.#runtime.draining.isQuiet) quiet = -1;
    }
  }

  /** Starts an actor, however often it takes. */
  async start(name: keyof TActors & string, id: string, input?: unknown): Promise<void> {
    void this.system.actor(name, id, { input } as never).catch(() => {});
    await this.settle();
  }

  /** Sends an event exactly once: with an id, and again after a death. Also what is reserved. */
  async post(address: string, event: AnyEventObject): Promise<void> {
    await this.postAll([address], event);
  }

  /** Sends an event to each of them at once. Whoever is down takes it when it comes up. */
  async postAll(addresses: readonly string[], event: AnyEventObject): Promise<void> {
    if (this.#runtime.stopped) await this.#reopen();
    const posts = addresses.map((address) => ({
      address,
      event,
      id: `${this.#options.name ?? 'post'}-${this.#sends++}`,
    }));
    for (const post of posts) this.#unanswered.add(post);
    posts.forEach((post) => this.#send(post));
    await this.settle();
  }

  #send(post: Post): void {
    const { address, event, id } = post;
    const done = (): void => void this.#unanswered.delete(post);
    // Dead again: it is sent after the next opening.
    if (this.#runtime.stopped) return;
    const ref = this.system.get(address);
    if (ref === undefined) done();
    // In the place of whoever looks after them.
    else this.system.sendReserved(ref, event, { id }).then(done, done);
  }

  /** Asks for something until it is answered, with yes or no; what was done before a death is refused the second time. */
  async ask(request: (system: System<TActors>) => Promise<unknown>): Promise<void> {
    for (let done = false; !done;) {
      if (this.#runtime.stopped) await this.#reopen();
      let over = false;
      request(this.system).then(
        () => (done = over = true),
        () => (done = over = true),
      );
      await this.#untilOrDeath(() => over);
      if (!over) await this.#reopen();
    }
    await this.settle();
  }

  async #untilOrDeath(isOver: () => boolean): Promise<void> {
    while (!isOver() && !this.#runtime.stopped) await new Promise((resolve) => setImmediate(resolve));
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms, () => this.settle());
    await this.settle();
  }

  async close(): Promise<void> {
    await this.#options.store.close();
  }
}
