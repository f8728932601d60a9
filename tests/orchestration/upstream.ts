/**
 * The world outside of a simulated run: whoever is asked out there. Its moods follow from the seed, the key and the attempt alone, so a
 * repetition after a crash meets the same mood. It notes every call, and keeps the first answer to each key.
 */
import { agent, FaultError, microsOf, result } from 'heddle/actors';
import type { Agent, Assignment, FaultClass } from 'heddle/actors';
import { Prng } from '../../runtime/testing/prng.ts';

/** A call, as the other side has seen it. */
export interface Call {
  readonly agent: string;
  /** The task that it was for, and the life of that. */
  readonly id: string;
  readonly key: string;
  readonly attempt: number;
}

const MOODS: readonly (FaultClass | 'good' | 'unsure' | 'invalid' | 'review' | 'dear')[] = [
  ...(['good', 'good', 'good', 'good', 'good', 'unsure', 'invalid', 'review', 'dear'] as const),
  ...(['server-error', 'rate-limit', 'unavailable', 'timeout', 'crash', 'empty', 'bad-request'] as const),
];

export class Upstream {
  readonly calls: Call[] = [];
  readonly #seed: number;
  readonly #faultRate: number;

  constructor(seed: number, faultRate: number) {
    this.#seed = seed;
    this.#faultRate = faultRate;
  }

  agent(name: string, capability: string): Agent {
    return agent({
      name,
      capabilities: [capability],
      model: 'simulated',
      estimate: () => 0.02,
      inputSchema: { type: 'object' },
      outputSchema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
      execute: async (assignment: Assignment) => {
        await Promise.resolve();
        return this.#answer(name, assignment) as never;
      },
    }) as Agent;
  }

  #answer(name: string, assignment: Assignment) {
    const { id, idempotencyKey: key, attempt } = assignment;
    this.calls.push({ agent: name, id, key, attempt });
    const chance = new Prng(this.#seed).fork(`${name} ${key} ${attempt}`);
    const mood = chance.chance(this.#faultRate) ? chance.pick(MOODS) : 'good';
    const n = chance.below(1000);
    const parts = { duration: 1, model: 'simulated', confidence: 0.9, cost: 0.01, output: { n } };
    switch (mood) {
      case 'good':
        return result(assignment, parts);
      case 'unsure':
        return result(assignment, { ...parts, confidence: 0.3 });
      case 'invalid':
        return result(assignment, { ...parts, output: { n: 'many' } });
      case 'review':
        return result(assignment, { ...parts, status: 'needs_review' });
      case 'dear':
        return result(assignment, { ...parts, cost: 0.05 });
      default: {
        const known = chance.chance(0.7) && { cost: microsOf(0.003) };
        const later = mood === 'rate-limit' && { retryAfterMs: 5000 };
        throw new FaultError({ class: mood, message: `it is in a mood: ${mood}`, ...known, ...later });
      }
    }
  }
}
