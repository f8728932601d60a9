/**
 * Runs that are not wanted any more, at every commit of theirs, in a system that dies soon after: whatever is under way then must come to
 * an end, and no money may stay reserved but for what somebody was asked who has not said what it cost.
 */
import type { Agent } from 'heddle/actors';
import { account } from 'heddle/machines';
import { memory } from 'heddle/storage';
import type { AnyActorLogic } from 'xstate';
import { expect } from 'vitest';
import type { Ledger } from '../../machines/budget/ledger.ts';
import { Staff } from '../../actors/staff.ts';
import { hosted } from '../../actors/system.ts';
import { DyingSystem } from '../dying-system.ts';
import { PERMITTING, workplaceUnder } from '../orchestration/workplace.ts';

const ABORT = { type: 'run.abort', by: 'ada', reason: 'not wanted' };

/** How many commits it lives after that. */
const LIVES_ON = 2;

/** A run `flow/1`, whose account lies within `tenant/acme`. */
interface Story {
  readonly flow: AnyActorLogic;
  readonly agents: readonly Agent[];
  readonly input: object;
}

/** @returns whether it was over before */
async function abortedAt(at: number, { flow, agents, input }: Story): Promise<boolean> {
  const staff = new Staff(new Map(agents.map((one) => [one.name, one])));
  staff.beginIn(workplaceUnder(PERMITTING));
  let commits = 0;
  const abort = (): void => {
    if (commits >= at) world.system.get('flow/1')?.send(ABORT, { id: 'abort' }).then(none, none);
  };
  const world = new DyingSystem({
    store: memory(),
    actors: hosted({ flow, tenant: account({ limit: 10 }) }, staff),
    maxTurnsPerCommit: 1,
    // What it was told before its end it may not have heard.
    onOpen: abort,
    dies: () => {
      commits += 1;
      if (commits === at) abort();
      return commits === at + LIVES_ON;
    },
  });
  await world.open();
  await world.start('tenant', 'acme');
  await world.start('flow', '1', input);
  const { status } = world.system.get('flow/1')!.getSnapshot() as { readonly status: string };
  expect([at, status]).toEqual([at, commits < at + LIVES_ON ? 'done' : expect.stringMatching(/done|error/)]);
  const tenant = world.system.get('tenant/acme')!.getSnapshot() as unknown as { readonly context: Ledger };
  const { spent, reserved, held } = tenant.context.window;
  expect([at, reserved]).toEqual([at, held]);
  expect(spent % 10_000).toBe(0);
  await world.close();
  return commits < at + LIVES_ON;
}

const none = (): void => {};

/** Tells it a little later each time, until it is over before. @returns how often */
export async function abortedEverywhere(every: number, make: () => Story): Promise<number> {
  for (let times = 0; ; times++) if (await abortedAt(1 + times * every, make())) return times;
}
