// The lie: "whoever works in parallel sees a consistent state". A ledger that many share, tasks that read and write it at once, and a
// system that dies meanwhile: money is neither made nor lost, at no record.
import { createStore } from '@xstate/store';
import type { ActorDefinitions } from 'heddle';
import { agent, map, result, task, workflow } from 'heddle/actors';
import type { Assignment } from 'heddle/actors';
import { memory } from 'heddle/storage';
import { describe, expect, it } from 'vitest';
import { Staff } from '../../actors/staff.ts';
import { hosted } from '../../actors/system.ts';
import { PERMITTING, workplaceUnder } from '../orchestration/workplace.ts';
import { DyingSystem } from '../dying-system.ts';

const ACCOUNTS = 10;
const TOTAL = 1000;
const TRANSFERS = 10_000;
const ANY = { type: 'object' } as const;

interface Transfer {
  readonly from: number;
  readonly to: number;
  readonly amount: number;
}

const ledger = createStore({
  context: { accounts: Array.from({ length: ACCOUNTS }, () => TOTAL / ACCOUNTS), transfers: 0 },
  on: {
    transfer: ({ accounts, transfers }, { from, to, amount }: Transfer) => {
      const moved = Math.min(amount, accounts[from]!);
      const after = accounts.with(from, accounts[from]! - moved);
      return { accounts: after.with(to, after[to]! + moved), transfers: transfers + 1 };
    },
    /** One of many that differ by what was before. */
    next: ({ accounts, transfers }) => {
      const [from, to] = [transfers % ACCOUNTS, (transfers * 7 + 3) % ACCOUNTS];
      const moved = Math.min(transfers % 13, accounts[from]!);
      const after = accounts.with(from, accounts[from]! - moved);
      return { accounts: after.with(to, after[to]! + moved), transfers: transfers + 1 };
    },
  },
});

type Kept = { readonly context: { readonly accounts: readonly number[]; readonly transfers: number } };
const sumOf = ({ context: { accounts } }: Kept): number => accounts.reduce((sum, one) => sum + one, 0);

const stateOf = (dying: DyingSystem<ActorDefinitions>): Kept =>
  dying.system.get('ledger/main')!.getSnapshot() as never;

describe('a shared ledger', () => {
  it(`keeps its sum over ${TRANSFERS} transfers at once, each done once, though the system dies`, async () => {
    const dying: DyingSystem<ActorDefinitions> = new DyingSystem({
      store: memory(),
      actors: { ledger },
      maxTurnsPerCommit: 500,
      dies: (ofLife) => ofLife === 4,
    });
    await dying.open();
    await dying.start('ledger', 'main');
    await dying.postAll(
      Array.from({ length: TRANSFERS }, () => 'ledger/main'),
      { type: 'next' },
    );
    expect(stateOf(dying).context.transfers).toBe(TRANSFERS);
    expect(sumOf(stateOf(dying))).toBe(TOTAL);
    expect(dying.deaths).toBeGreaterThan(3);
    await dying.close();
  });

  it('is seen whole by the tasks of a run, and takes from each of them once what it sends', async () => {
    const seen: number[] = [];
    const asked: string[] = [];
    const teller = agent({
      name: 'teller',
      capabilities: ['transfer'],
      model: 'local',
      inputSchema: ANY,
      outputSchema: ANY,
      execute: async (assignment: Assignment) => {
        const { input, idempotencyKey } = assignment;
        asked.push(idempotencyKey);
        seen.push(sumOf(stateOf(dying)));
        // However often this is asked for: once.
        const ref = dying.system.get('ledger/main')!;
        await ref.send({ type: 'transfer', ...input }, { id: idempotencyKey });
        seen.push(sumOf(stateOf(dying)));
        return result(assignment, { output: {}, cost: 0, duration: 1, model: 'local', confidence: 1 });
      },
    });
    const settlement = workflow({
      id: 'settlement',
      tasks: {
        all: map({
          over: (_, { input }) => input.transfers,
          each: task({ capability: 'transfer' }),
          concurrency: 8,
        }),
      },
    });
    const staff = new Staff(new Map([['teller', teller as never]]));
    staff.beginIn(workplaceUnder(PERMITTING));
    const dying: DyingSystem<ActorDefinitions> = new DyingSystem({
      store: memory(),
      actors: { ...hosted({ settlement }, staff), ledger },
      maxTurnsPerCommit: 3,
      dies: (ofLife) => ofLife === 11,
    });
    const transfers = Array.from({ length: 40 }, (_, n): Transfer => ({
      from: n % 10,
      to: (n * 3 + 1) % 10,
      amount: n,
    }));
    await dying.open();
    await dying.start('ledger', 'main');
    await dying.start('settlement', '1', { transfers });
    for (let i = 0; i < 3; i++) await dying.advance(1000);
    expect((dying.system.get('settlement/1')!.getSnapshot() as { status: string }).status).toBe('done');
    expect(stateOf(dying).context.transfers).toBe(transfers.length);
    expect(new Set(seen)).toEqual(new Set([TOTAL]));
    // Some were asked twice, under the same key.
    expect(asked.length).toBeGreaterThan(transfers.length);
    expect(new Set(asked).size).toBe(transfers.length);
    expect(dying.deaths).toBeGreaterThan(3);
    let last = 0;
    for await (const { seq } of dying.system.history('ledger/main')) last = seq;
    for (let at = 1; at <= last; at++)
      expect(sumOf((await dying.system.snapshotAt('ledger/main', at)) as never)).toBe(TOTAL);
    await dying.close();
  });
});
