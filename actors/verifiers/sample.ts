/**
 * Asks another verifier about a share of all answers: for checks that cost too much to make each time. Which ones is decided by a
 * hash of the task and a seed, so it is the same when it is asked again, and not for the agent to foresee without the seed.
 */
import { createHash } from 'node:crypto';
import { InvalidArgument } from '../../runtime/index.ts';
import type { Verifier } from './verifier.ts';

export interface SampleOptions {
  /** From more than 0 to 1. */
  readonly share: number;
  readonly seed: string;
}

/** @throws InvalidArgument */
export function sample(verifier: Verifier, { share, seed }: SampleOptions): Verifier {
  if (!(typeof share === 'number' && share > 0 && share <= 1)) {
    throw new InvalidArgument('sample.share', 'must be a number from more than 0 to 1');
  }
  if (typeof seed !== 'string' || seed === '') throw new InvalidArgument('sample.seed', 'must be a text');
  const isAbout = (task: string): boolean => placeOf(seed, task) < share;
  const { others, declared } = verifier;
  return {
    name: `sample(${verifier.name})`,
    version: verifier.version,
    check: (claim) =>
      isAbout(claim.task) ? verifier.check(claim) : { ok: true, evidence: { sampled: false } },
    // Of a task that is not in the sample nobody else is asked.
    ...(others !== undefined && {
      others: { ...others, isAbout: (task) => isAbout(task) && (others.isAbout?.(task) ?? true) },
    }),
    ...(declared !== undefined && { declared: { share, of: declared } }),
  };
}

/** From 0 to less than 1, evenly spread over all tasks. */
function placeOf(seed: string, task: string): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, task]))
    .digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}
