/**
 * The audit: when the report is finished, its store is opened by somebody else, who compares what the journals say with
 * what the outside world has seen.
 */
import { createSystem } from 'heddle';
import type { HistoryRecord, Verification } from 'heddle';
import { leveldb } from 'heddle/storage';
import { report } from './report.ts';
import type { Task } from './daemon.ts';
import { deedsIn } from './world.ts';
import type { Deed } from './world.ts';

/** One step: the work of one agent, as its journal and the world know it. */
export type AuditedStep = {
  readonly address: string;
  readonly what: string;
  readonly finishedAt: number;
  /** How often the world was touched by it. */
  readonly deeds: number;
  /** How often after its result was on the disk. Must be 0. */
  readonly doneAgain: number;
};

export type Audit = {
  readonly steps: readonly AuditedStep[];
  /** Touches of the world that no step accounts for. Must be empty. */
  readonly unaccounted: readonly Deed[];
  /** The journals of the report and of its chapters, in the order of time. */
  readonly records: readonly HistoryRecord[];
  /** Actors whose history, told again through the code, gives another story. Must be empty. */
  readonly diverged: readonly string[];
  readonly replayed: number;
  readonly verification: Verification;
};

export async function audit({ store, id, assignment }: Task): Promise<Audit> {
  await using system = await createSystem({ store: leveldb(store), actors: { report } });
  const deeds = deedsIn(assignment.world);
  const records: HistoryRecord[] = [];
  const steps: AuditedStep[] = [];
  const diverged: string[] = [];
  let replayed = 0;

  const read = async (address: string): Promise<void> => {
    const journal: HistoryRecord[] = [];
    for await (const record of system.history(address)) journal.push(record);
    replayed++;
    if (!(await system.replay(address)).same) diverged.push(address);
    const key = `${address}@1:0`;
    const own = deeds.filter((deed) => deed.key === key);
    const children = journal.flatMap(({ intents }) => intents.filter((intent) => intent.kind === 'spawn'));
    if (own.length > 0) steps.push(auditStep(address, journal, own));
    else records.push(...journal);
    for (const child of children) await read(child.address);
  };
  await read(`report/${id}`);

  const keys = new Set(steps.map(({ address }) => `${address}@1:0`));
  return {
    steps,
    unaccounted: deeds.filter(({ key }) => !keys.has(key)),
    records: records.toSorted((a, b) => a.at - b.at),
    diverged,
    replayed,
    verification: await system.verify(),
  };
}

function auditStep(address: string, journal: readonly HistoryRecord[], deeds: readonly Deed[]): AuditedStep {
  const finishedAt = journal.at(-1)!.at;
  return {
    address,
    what: deeds[0]!.what,
    finishedAt,
    deeds: deeds.length,
    doneAgain: deeds.filter(({ at }) => at > finishedAt).length,
  };
}
