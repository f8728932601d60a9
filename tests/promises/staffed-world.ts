/**
 * Systems with staff for tests: opened in virtual time as a user opens them, killed and opened again on the same store. Agents in them
 * do what they are told, and note what they were asked.
 */
import { agent, result } from 'heddle/actors';
import type { AgentOptions, Assignment } from 'heddle/actors';
import { createSystem } from 'heddle';
import type { HeddleSystem, Principal, StaffedDefinitions } from 'heddle';
import { memory } from 'heddle/storage';
import type { Store } from 'heddle/storage';
import { internals } from '../../runtime/system.ts';
import { VirtualClock } from '../../runtime/testing/virtual-clock.ts';
import { afterwards } from './systems.ts';

type Staffed = HeddleSystem<Readonly<Record<string, never>>>;

export interface WorldOptions {
  readonly actors: StaffedDefinitions;
  readonly decider?: object;
  readonly supervise?: object;
  readonly store?: Store;
  readonly onEmit?: (event: { type: string }) => void;
}

export class World {
  readonly clock = new VirtualClock();
  readonly store: Store;
  readonly #options: WorldOptions;
  #system: Staffed | undefined;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.store = options.store ?? memory();
  }

  static async open(options: WorldOptions): Promise<World> {
    const world = new World(options);
    await world.reopen();
    afterwards(() => world.close());
    return world;
  }

  // Any name may be started with any input: what the machine is, the test knows.
  // oxlint-disable-next-line typescript/no-explicit-any
  get system(): HeddleSystem<any> {
    return this.#system!;
  }

  async reopen(changes: Partial<WorldOptions> = {}): Promise<void> {
    const logger = { log: () => {}, error: () => {} };
    const { store, clock } = this;
    const options = { ...this.#options, ...changes, store, clock, logger };
    this.#system = (await createSystem(options as never)) as never;
  }

  /** Ends it as SIGKILL would, and opens it again. */
  async crash(changes: Partial<WorldOptions> = {}): Promise<void> {
    internals.get(this.system)!.die();
    await this.store.close();
    await this.reopen(changes);
    await this.settle();
  }

  async close(): Promise<void> {
    if (!internals.get(this.system)!.stopped) await this.system.close();
  }

  /** Waits until nothing is under way but calls. */
  async settle(): Promise<void> {
    for (let i = 0; i < 60; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Waits for the disk, too. */
  async until(holds: () => boolean): Promise<void> {
    for (let i = 0; i < 500 && !holds(); i++) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      await this.settle();
    }
    if (!holds()) throw new Error('it did not come to that');
  }

  /** Says something to a run. */
  async tell(
    address: string,
    event: { readonly type: string; readonly [field: string]: unknown },
  ): Promise<void> {
    await this.system.get(address)!.send(event);
    await this.settle();
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms, () => this.settle());
    await this.settle();
  }

  async start(name: string, id: string, input: object = {}, as?: Principal): Promise<void> {
    const host = as === undefined ? this.system : this.system.as(as);
    await host.start(name, { id, input });
    await this.settle();
  }

  snapshot(address: string): {
    readonly status: string;
    readonly value: unknown;
    readonly output: unknown;
    // As loose as the machines that may be behind it.
    // oxlint-disable-next-line typescript/no-explicit-any
    readonly context: any;
    readonly error: unknown;
  } {
    return this.system.get(address)!.getSnapshot() as never;
  }

  async history(address: string) {
    const all = [];
    for await (const record of this.system.history(address)) all.push(record);
    return all;
  }
}

type Work = (assignment: Assignment) => Record<string, unknown> | Promise<Record<string, unknown>>;

/** An agent that does what it is told. */
export function doing(
  name: string,
  work: Work,
  more: Partial<AgentOptions<never, never>> & { readonly cost?: number } = {},
) {
  const { cost = 0.01, ...options } = more;
  return agent({
    name,
    capabilities: [name],
    model: 'local',
    estimate: () => cost,
    inputSchema: { type: 'object' },
    outputSchema: { type: 'object' },
    ...(options as object),
    execute: async (assignment: Assignment) => {
      const output = await work(assignment);
      return result(assignment, { output, cost, duration: 1, model: 'local', confidence: 0.9 }) as never;
    },
  });
}
