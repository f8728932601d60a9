/**
 * Buckets: where a run is dealt in an experiment. By a hash of names, so it needs no memory: the same after every crash, in every
 * process, and in another experiment elsewhere.
 */
import { createHash } from 'node:crypto';
import { rootOf } from '../../machines/here.ts';
import type { Arm, Experiment } from './rules.ts';
import { BUCKETS } from './rules.ts';

/** 2 ** 64 values are dealt; that 10,000 does not divide them makes no difference that anybody could measure. */
export function bucketOf(...names: readonly string[]): number {
  const digest = createHash('sha256').update(JSON.stringify(names)).digest();
  return Number(digest.readBigUInt64BE(0) % BigInt(BUCKETS));
}

/** Which arm a task belongs to. */
export function armOf(
  { id, arms, sticky }: Experiment,
  { run, task }: { readonly run: string; readonly task: string },
): { readonly arm: Arm; readonly bucket: number } {
  // A run within a run is a part of it: all of it is one run to whoever has started that.
  const bucket = sticky === 'run' ? bucketOf(id, rootOf(run)) : bucketOf(id, run, task);
  // The last one ends with the last bucket.
  return { arm: arms.find(({ below }) => bucket < below)!, bucket };
}
