/**
 * Random trees of supervisors, and random things that are done to them.
 */
import * as Schedule from 'effect/Schedule';
import { supervisor } from 'heddle';
import type { Supervisor } from 'heddle';
import { Prng } from '../runtime/testing/prng.ts';
import { backoff as evenBackoff, child } from './supervised.ts';
import type { Operation, Scenario } from './supervised.ts';

const STRATEGIES = ['one-for-one', 'one-for-all', 'rest-for-one'] as const;
const RESTARTS = ['permanent', 'transient', 'temporary'] as const;
// Timers of several actors that are due at the same moment may go off in another order after a crash. These are not.
const backoff = Schedule.jittered(evenBackoff);
const MAX_DEPTH = 2;
const IDS = 'abcdefghijklmnop';

export function randomScenario(seed: number): Scenario {
  return new Trees(new Prng(seed)).scenario();
}

/** A whole number, bounds included. */
function between(random: Prng, least: number, most: number): number {
  return least + random.below(most - least + 1);
}

class Trees {
  readonly #random: Prng;
  readonly #workers: string[] = [];
  readonly #touchy: string[] = [];
  readonly #supervisors: string[] = [];
  #hasPool = false;
  readonly #hasBackoff: boolean;

  constructor(random: Prng) {
    this.#random = random;
    this.#hasBackoff = random.chance(0.3);
  }

  scenario(): Scenario {
    const tree = this.#supervisor('root', 'root', 0);
    const count = between(this.#random, 4, 10);
    const operations = Array.from({ length: count }, () => this.#operation());
    return { tree, operations, hasBackoff: this.#hasBackoff };
  }

  #supervisor(id: string, path: string, depth: number): Supervisor {
    const random = this.#random;
    this.#supervisors.push(path);
    const isRoot = depth === 0;
    const common = {
      id,
      intensity: isRoot ? 15 : between(random, 0, 3),
      period: random.pick(['1 second', '5 seconds', '1 minute'] as const),
      ...(this.#hasBackoff && { backoff }),
      ...(!isRoot && { restart: random.pick(['permanent', 'transient'] as const) }),
    };
    const children = Array.from({ length: between(random, 1, 3) }, (_, index) => {
      if (depth < MAX_DEPTH && random.chance(isRoot ? 0.5 : 0.3))
        return this.#supervisor(`s${index}`, `${path}/s${index}`, depth + 1);
      if (!this.#hasPool && depth > 0 && random.chance(0.2)) return this.#pool(`${path}/jobs`);
      return this.#worker(isRoot);
    });
    return supervisor({ ...common, strategy: random.pick(STRATEGIES), children });
  }

  #pool(path: string): Supervisor {
    this.#hasPool = true;
    this.#supervisors.push(path);
    return supervisor({
      id: 'jobs',
      strategy: 'dynamic',
      start: 'job',
      intensity: between(this.#random, 0, 2),
      ...(this.#hasBackoff && { backoff }),
    });
  }

  #worker(isUnderRoot: boolean) {
    const random = this.#random;
    const id = IDS[this.#workers.length + this.#touchy.length]!;
    const restart = { type: random.pick(RESTARTS), from: random.pick(['journal', 'initial'] as const) };
    if (!isUnderRoot && random.chance(0.15)) {
      this.#touchy.push(id);
      return { id, start: 'touchy', input: id, restart };
    }
    this.#workers.push(id);
    return child(id, { restart });
  }

  #operation(): Operation {
    const random = this.#random;
    const worker = (): string => random.pick(this.#workers.length > 0 ? this.#workers : ['none']);
    const touchy = this.#touchy.length > 0 && random.chance(0.3);
    const to = touchy ? `touchy/${random.pick(this.#touchy)}` : `worker/${worker()}`;
    const dice = between(random, 0, 99);
    if (dice < 40) return { do: 'send', to, type: 'crash' };
    if (dice < 50) return { do: 'send', to, type: 'inc' };
    if (dice < 56) return { do: 'send', to, type: 'end' };
    if (dice < 66) return { do: 'advance', ms: random.pick([300, 800, 6000]) };
    if (dice < 76 && this.#hasPool) {
      const id = String(between(random, 1, 3));
      return random.chance(0.5) ? { do: 'job', id } : { do: 'send', to: `job/${id}`, type: 'crash' };
    }
    if (dice < 82) return { do: 'break', id: worker() };
    if (dice < 88) return { do: 'mend', id: worker() };
    const what = random.pick(['terminate', 'restart', 'delete'] as const);
    return { do: what, at: random.pick(this.#supervisors), id: random.chance(0.8) ? worker() : 's0' };
  }
}
