/**
 * Verification of an open system: everything that is stored is read, and must prove itself (`storage/verification.ts`). Here is
 * what its user is told.
 */
import { proveLedger } from '../storage/verification.ts';
import type { Finding } from '../storage/verification.ts';
import { StateRowCheck } from './query/state-row-check.ts';
import { WaypointCheck } from './past/waypoint-check.ts';
import { hexOf } from './receipt.ts';
import type { Runtime } from './runtime.ts';
import { CodeCheck } from './versions/code-check.ts';

export interface Verification {
  readonly records: number;
  readonly actors: number;
  readonly frames: number;
  /** What the whole of it proves: compare the hash with a receipt or a note of yours. */
  readonly head: { readonly commit: number; readonly frame: number; readonly hash: string };
  /** What is damaged, the first bad record of each actor first. Empty: everything proves itself. */
  readonly broken: readonly Damage[];
}

export interface Damage {
  /** Whose it is, where that is known. */
  readonly address: string | undefined;
  readonly seq?: number;
  readonly frame?: number;
  readonly row?: string;
  readonly reason: string;
}

export async function verify(runtime: Runtime): Promise<Verification> {
  runtime.assertOpen();
  await runtime.committer.durable();
  const { head } = runtime.ledger;
  const states = new StateRowCheck(runtime);
  const waypoints = new WaypointCheck(runtime);
  const codes = new CodeCheck(runtime);
  const proof = await proveLedger(runtime.ledger, {
    entry: (entry) => codes.read(entry),
    row: (prefix, key, body) => {
      for (const check of [states, waypoints, codes]) check.look(prefix, key, body);
    },
  });
  const { records, actors, reading, addresses, findings } = proof;
  return {
    records,
    actors,
    frames: reading.frames,
    head: { commit: head.commit, frame: head.frame, hash: hexOf(head.hash) },
    broken: [
      ...findings.map(damageOf),
      ...states.damages(),
      ...waypoints.damages(addresses, reading.damaged),
      ...codes.damages(addresses),
    ],
  };
}

/** Numbers of actors are nobody's business. */
function damageOf({ address, seq, frame, row, reason }: Finding): Damage {
  return {
    address,
    ...(seq !== undefined && { seq }),
    ...(frame !== undefined && { frame }),
    ...(row !== undefined && { row }),
    reason,
  };
}
