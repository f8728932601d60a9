// The lie: "what was done is undone though the money is gone, and the books say what that has cost". With the limits of others kept, and
// whenever the process dies.
import { budget, call, microsOf, task, workflow } from 'heddle/actors';
import type { BudgetOptions } from 'heddle/actors';
import { account } from 'heddle/machines';
import type { AccountOptions } from 'heddle/machines';
import { describe, expect, it } from 'vitest';
import type { Ledger } from '../../machines/budget/ledger.ts';
import { doing, World } from './staffed-world.ts';

const COMPANY = 'budget/co';
const PURSE = 'budget/undoer';

/** A run in which a is done and b is not, for want of money: a costs 1, and half of that to undo. */
const trip = (options: Partial<BudgetOptions> = {}) =>
  workflow({
    id: 'top',
    budget: budget({ limit: 1, ...options }),
    tasks: {
      a: task({ capability: 'do', input: () => ({}), compensate: { capability: 'undo' } }),
      b: task({ needs: ['a'], capability: 'do', onError: 'compensate', input: () => ({}) }),
    },
  });

async function opened(
  top: object,
  undo: object = {},
  undoing: () => object | Promise<object> = () => ({}),
): Promise<{ world: World; log: string[] }> {
  const log: string[] = [];
  const actors = {
    ...{ top, budget: account() },
    do: doing('do', () => (log.push('do'), {}), { cost: 1 }),
    undo: doing('undo', () => (log.push('undo'), undoing() as never), { cost: 0.5, ...undo }),
  };
  return { world: await World.open({ actors } as never), log };
}

async function company(world: World, options: AccountOptions, address = COMPANY): Promise<void> {
  await world.start('budget', address.slice('budget/'.length), options);
}

async function run(world: World): Promise<void> {
  await world.start('top', '1');
  await world.advance(1000);
}

const statusOf = (world: World, node = 'a', address = 'top/1') =>
  (world.snapshot(address).context.nodes as Record<string, { status: string }>)[node]!.status;

const books = (world: World, address = 'top/1/account') => {
  const { spent, reserved, overdraft } = (world.snapshot(address).context as Ledger).window;
  return [spent, reserved, overdraft].map((micros) => micros / 1e6);
};

describe('what undoes something', () => {
  it('is paid beyond the limit of the run, and the account says so', async () => {
    const { world, log } = await opened(trip());
    await run(world);
    expect([log, statusOf(world)]).toEqual([['do', 'undo'], 'compensated']);
    expect(world.snapshot('top/1').error).toMatchObject({ class: 'budget-exhausted', node: 'b' });
    expect(books(world)).toEqual([1, 0, 0.5]);
    expect(world.snapshot('top/1/account').value).toEqual({ serving: 'overdrawn' });
    const { costs } = (world.snapshot('top/1/account').context as Ledger).window;
    expect(costs.get('task=undo a')).toBe(microsOf(0.5));
    const { money } = await world.system.runs.status('top/1');
    expect(money).toEqual({
      ...{ spent: microsOf(1), limit: microsOf(1), reserved: 0, remaining: 0 },
      overdraft: microsOf(0.5),
    });
    // Nothing else is ever held or spent beyond it.
    for (const { seq } of await world.history('top/1/account')) {
      const { context } = (await world.system.snapshotAt('top/1/account', seq)) as { context: Ledger };
      const { limit, spent, reserved } = context.window;
      expect([seq, spent >= 0 && reserved >= 0 && spent + reserved <= limit]).toEqual([seq, true]);
    }
  });

  it('holds what is left for it', async () => {
    const { world } = await opened(trip({ limit: 1.2 }), {}, () => new Promise(() => {}));
    await run(world);
    expect(books(world)).toEqual([1, 0.2, 0]);
    const { tasks } = await world.system.runs.status('top/1');
    expect(tasks[0]).toMatchObject({ task: 'a', status: 'compensating', reserved: microsOf(0.2) });
  });

  it('may cost more than a task may otherwise', async () => {
    const { world } = await opened(trip({ limit: 1, perTask: 1 }), { cost: 2 });
    await run(world);
    expect([statusOf(world), books(world)]).toEqual(['compensated', [1, 0, 2]]);
  });

  it('is paid beyond the limits of all runs around it', async () => {
    const top = workflow({
      id: 'top',
      budget: budget({ limit: 1 }),
      tasks: { c: call({ workflow: trip(), input: () => ({}), onError: 'absent' }) },
    });
    const { world } = await opened(top);
    await run(world);
    expect(statusOf(world, 'a', 'top/1/c')).toBe('compensated');
    expect([books(world, 'top/1/c/account'), books(world)]).toEqual([
      [1, 0, 0.5],
      [1, 0, 0.5],
    ]);
  });

  it('keeps to the limits of others, and waits for whoever can raise them', async () => {
    const { world, log } = await opened(trip({ within: [COMPANY] }));
    await company(world, { limit: 1.2 });
    await run(world);
    expect([log, statusOf(world)]).toEqual([['do'], 'compensating']);
    const { state, waits } = await world.system.runs.status('top/1');
    expect([state, waits]).toMatchObject([
      'parked',
      [
        {
          task: 'undo a',
          for: 'operator',
          why: expect.stringContaining(`${COMPANY} does not give`) as string,
        },
      ],
    ]);
    expect([books(world), books(world, COMPANY)]).toEqual([
      [1, 0, 0],
      [1, 0, 0],
    ]);
    const signed = { by: 'ada', reason: 'it must be undone' };
    await world.tell(COMPANY, { type: 'budget.topUp', amount: microsOf(1), ...signed });
    await world.tell('top/1', { type: 'task.resume', task: 'undo a', by: 'ada' });
    expect([log, statusOf(world)]).toEqual([['do', 'undo'], 'compensated']);
    expect([books(world), books(world, COMPANY)]).toEqual([
      [1, 0, 0.5],
      [1.5, 0, 0],
    ]);
  });

  it('keeps to the limit of whoever does it, too, and can be given up', async () => {
    const { world } = await opened(trip(), { budget: PURSE });
    await company(world, { limit: 0 }, PURSE);
    await run(world);
    expect(statusOf(world)).toBe('compensating');
    await world.tell('top/1', { type: 'task.abandon', task: 'undo a', by: 'ada', reason: 'by hand' });
    expect(statusOf(world)).toBe('uncompensated');
    expect(world.snapshot('top/1').error).toMatchObject({
      uncompensated: [{ node: 'a', problem: { class: 'abandoned', fault: 'budget-exhausted' } }],
    });
  });

  it('is paid beyond the limits of others that allow for it', async () => {
    const { world } = await opened(trip({ within: [COMPANY] }));
    await company(world, { limit: 1.2, overdraft: 'undoing' });
    await run(world);
    expect([statusOf(world), books(world, COMPANY)]).toEqual(['compensated', [1.2, 0, 0.3]]);
  });

  it('is paid once, whenever the process dies', async () => {
    for (const at of [1, 2, 3, 5, 8]) {
      const { world } = await opened(trip({ within: [COMPANY] }));
      await company(world, { limit: 1, overdraft: 'undoing' });
      await world.system.start('top', { id: '1', input: {} });
      for (let tick = 0; tick < at; tick++) await new Promise((resolve) => setImmediate(resolve));
      await world.crash();
      await world.advance(1000);
      expect([at, statusOf(world), books(world), books(world, COMPANY)]).toEqual([
        ...[at, 'compensated'],
        [1, 0, 0.5],
        [1, 0, 0.5],
      ]);
    }
  });
});
