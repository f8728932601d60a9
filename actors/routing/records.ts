/**
 * The actors that routing needs, one for each agent: its track record, and whoever asks it in the shadow of others. They are started
 * when somebody is chosen for the first time, and live as long as the system's store.
 */

/** The kinds of them, which are the names under which they are hosted. */
export type RecordKind = 'quality' | 'shadow';

export const RECORD_KINDS: readonly RecordKind[] = ['quality', 'shadow'];

/** What is needed of a system. */
export interface Registry {
  /** Whoever lives at an address. */
  get(address: string): { getSnapshot(): unknown } | undefined;
  /** Starts an actor, unless it is there. */
  actor(name: RecordKind, id: string): Promise<unknown>;
}

export class Records {
  readonly #started = new Map<string, Promise<string | undefined>>();

  /** The address of the one of an agent; undefined when it cannot be started, because it is not permitted, say. */
  one(registry: Registry, kind: RecordKind, agent: string): Promise<string | undefined> {
    const address = `${kind}/${agent}`;
    const known = this.#started.get(address);
    if (known !== undefined) return known;
    // Nobody is kept from work because it cannot be measured; the next time it is tried again.
    const starting = registry.actor(kind, agent).then(
      () => address,
      () => {
        this.#started.delete(address);
        return undefined;
      },
    );
    this.#started.set(address, starting);
    return starting;
  }

  /** The addresses by agent, of those that have one. */
  async all(
    registry: Registry,
    kind: RecordKind,
    agents: readonly string[],
  ): Promise<ReadonlyMap<string, string>> {
    const found = await Promise.all(
      agents.map(async (agent) => [agent, await this.one(registry, kind, agent)] as const),
    );
    return new Map(found.flatMap(([agent, address]) => (address === undefined ? [] : [[agent, address]])));
  }
}
