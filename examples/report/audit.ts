/**
 * The audit: when the report is finished, its store is opened by somebody else, who compares what the journals say with
 * what the outside world has seen, and with what the account says.
 */
import type { Verification } from 'heddle';
import { openHouse } from './house.ts';
import type { Job } from './house.ts';
import { contextAt, stepsOf } from '../stage/steps.ts';
import type { Step } from '../stage/steps.ts';
import { deedsIn } from '../stage/world.ts';
import type { Deed } from '../stage/world.ts';

/** One step, as its journal and the world know it. */
export type AuditedStep = Step & {
  /** The document that it is about, if it is about one. */
  readonly path: string | undefined;
  /** Of its last attempt. */
  readonly agent: string;
  readonly key: string;
  /** How often the world was touched by it. */
  readonly deeds: number;
  /** How often after its result was on the disk. Must be 0. */
  readonly doneAgain: number;
};

/** What a person has said at the gate. */
export type Decision = {
  readonly at: number;
  readonly verdict: 'approved' | 'rejected';
  readonly by: string;
  /** The rows of the table that allowed it. */
  readonly permittedBy: readonly string[];
};

/** In micro-units. */
export type Money = { readonly limit: number; readonly spent: number; readonly reserved: number };

export type Audit = {
  readonly begunAt: number;
  readonly steps: readonly AuditedStep[];
  readonly decision: Decision | undefined;
  readonly money: Money;
  /** Touches of the world that no step accounts for. Must be empty. */
  readonly unaccounted: readonly Deed[];
  /** Actors whose history, told again through the code, gives another story. Must be empty. */
  readonly diverged: readonly string[];
  readonly replayed: number;
  readonly verification: Verification;
};

export async function audit(job: Job): Promise<Audit> {
  await using house = await openHouse(job);
  const run = `report/${job.id}` as const;
  const deeds = deedsIn(job.commission.world);
  const newest = new Map<string, number>();
  let begunAt = Infinity;
  let decision: Decision | undefined;
  for await (const record of house.history(run, { children: true })) {
    newest.set(record.address, record.seq);
    begunAt = Math.min(begunAt, record.at);
    if (record.address === `${run}/review`) decision = decisionIn(record) ?? decision;
  }

  const diverged: string[] = [];
  for (const address of newest.keys()) if (!(await house.replay(address)).same) diverged.push(address);
  const steps = (await stepsOf(house, run)).map((step) => audited(step, deeds));
  const keys = new Set(steps.map(({ key }) => key));
  const account = `${run}/account`;
  const { window } = await contextAt<{ window: Money }>(house, account, newest.get(account)!);
  return {
    begunAt,
    steps,
    decision,
    money: { limit: window.limit, spent: window.spent, reserved: window.reserved },
    unaccounted: deeds.filter(({ key }) => !keys.has(key)),
    diverged,
    replayed: newest.size,
    verification: await house.verify(),
  };
}

function audited(step: Step, all: readonly Deed[]): AuditedStep {
  const { key, agent, to: finishedAt } = step.attempts.at(-1)!;
  const deeds = all.filter((deed) => deed.key === key);
  return {
    ...step,
    path: step.input['path'] as string | undefined,
    agent,
    key,
    deeds: deeds.length,
    doneAgain: deeds.filter(({ at }) => at > finishedAt).length,
  };
}

function decisionIn({ at, event }: { readonly at: number; readonly event: object }): Decision | undefined {
  const { type, by, permissions } = event as ReviewMessage;
  if (type !== 'review.approve' && type !== 'review.reject') return undefined;
  const permittedBy = permissions.flatMap(({ determining }) => determining);
  return { at, verdict: type === 'review.approve' ? 'approved' : 'rejected', by, permittedBy };
}

interface ReviewMessage {
  readonly type: string;
  readonly by: string;
  readonly permissions: readonly { readonly determining: readonly string[] }[];
}
