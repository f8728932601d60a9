/**
 * Places: how many tasks each agent does at once in this process. Who comes besides waits in line, until there is a place or nobody
 * wants it any more. Nothing of it is kept: what was under way when the process died is under way again, and asks for places anew.
 */
import type { Agent } from './agent.ts';

export class Places {
  readonly #taken = new Map<string, number>();
  readonly #lines = new Map<string, (() => void)[]>();

  /** How many have a place, or wait for one. */
  running(agent: string): number {
    return (this.#taken.get(agent) ?? 0) + (this.#lines.get(agent)?.length ?? 0);
  }

  /** Does the work when there is a place; at once, without one, when it is not wanted any more. */
  async with<T>(
    { name, concurrency = Infinity }: Agent,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    const hasPlace = await this.#place(name, concurrency, signal);
    try {
      return await work();
    } finally {
      if (hasPlace) this.#leave(name);
    }
  }

  async #place(name: string, places: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    const taken = this.#taken.get(name) ?? 0;
    if (taken < places) {
      this.#taken.set(name, taken + 1);
      return true;
    }
    const line = this.#lines.get(name) ?? [];
    this.#lines.set(name, line);
    return new Promise((resolve) => {
      const goOut = (): void => {
        line.splice(line.indexOf(goIn), 1);
        resolve(false);
      };
      const goIn = (): void => {
        signal.removeEventListener('abort', goOut);
        resolve(true);
      };
      line.push(goIn);
      signal.addEventListener('abort', goOut, { once: true });
    });
  }

  /** The place goes to the next in line. */
  #leave(name: string): void {
    const next = this.#lines.get(name)?.shift();
    if (next !== undefined) next();
    else this.#taken.set(name, this.#taken.get(name)! - 1);
  }
}
