// The lies: "of an attempt that waited at a gate nobody knows what it has cost", "nobody knows what it has done". And the other one: "a call
// that has passed its gates has cost nothing when it is given up".
import { budget, chunk, explainRoute, extend, strategies, task, workflow } from 'heddle/actors';
import type { Assignment, TaskOptions } from 'heddle/actors';
import { account, bulkhead } from 'heddle/machines';
import { describe, expect, it } from 'vitest';
import type { Ledger } from '../../machines/budget/ledger.ts';
import type { TaskContext } from '../../machines/task/progress.ts';
import { everybodyMay } from './staffed.ts';
import { doing, World } from './staffed-world.ts';

const given = { capability: 'w', input: () => ({ text: 'a' }) };
const wordsIn = (input: object): string[] =>
  String((input as { text: unknown }).text)
    .split(/\s+/u)
    .filter(Boolean);
const inParts = chunk({
  ...{ pointer: '#/text', maxTokens: 1, overlap: 0, finest: 'word', concurrency: 2 },
  merge: { seen: 'append' },
});

/** An agent whose gate lets one pass after the other, and who answers when he is let go. */
async function atGate(second: Partial<TaskOptions<never>> = {}, { free = 1 }: { free?: number } = {}) {
  const asked: string[] = [];
  const going: (() => void)[] = [];
  const w = doing(
    'w',
    ({ context }: Assignment) => {
      asked.push(context.task);
      return new Promise((resolve) => going.push(() => resolve({ seen: [] })));
    },
    {
      ...{ cost: 0.1, estimate: () => 1, permits: ['gate/w'] },
      countTokens: (input: unknown) => wordsIn(input as object).length,
      ...('chunk' in second && { window: 1 }),
    },
  );
  const undo = doing('undo', ({ context }) => {
    asked.push(context.task);
    return {};
  });
  const flow = workflow({
    id: 'flow',
    budget: budget({ limit: 10, within: ['budget/co'] }),
    strategy: extend(strategies.standard, { name: 'once', rows: { timeout: [{ do: 'fail' }] } }),
    tasks: {
      first: task(given),
      second: task({ ...given, input: () => ({ text: 'a b c' }), ...second, onError: 'skip' } as never),
    } as never,
  });
  const other = workflow({ id: 'other', tasks: { third: task(given) } });
  const world = await World.open({
    actors: {
      ...{ flow, other, w, undo, budget: account() },
      gate: bulkhead({ slots: free, queue: 5, waitMs: 600_000, leaseMs: 600_000 }),
    } as never,
    decider: everybodyMay,
  });
  await world.start('gate', 'w');
  await world.start('budget', 'co', { limit: 100 });
  await world.start('flow', '1');
  const go = async () => {
    for (const let1 of going.splice(0)) let1();
    await world.settle();
  };
  const abort = () => world.tell('flow/1', { type: 'run.abort', by: 'ada', reason: 'enough' });
  return { world, asked, go, abort };
}

/** Spent, reserved, and held among that. */
const company = (world: World) => {
  const { spent, reserved, held } = (world.snapshot('budget/co').context as Ledger).window;
  return [spent, reserved, held].map((micros) => micros / 1e6);
};

const secondOf = (world: World) => {
  const { log, spent, held, unknownCosts, outcome } = world.snapshot('flow/1/second').context as TaskContext;
  return { log, spent, held, unknownCosts, outcome };
};

/** The same from the disk: what it has seen of its children is in its record. */
async function toldAgain(world: World): Promise<void> {
  const before = secondOf(world);
  await world.crash();
  expect(secondOf(world)).toEqual(before);
  expect((await world.system.verify()).broken).toEqual([]);
}

describe('an attempt that is given up while it waits at a gate', () => {
  it('gives its money back when its time is over, and says that nobody was asked', async () => {
    const { world, asked, go } = await atGate({ timeout: '1 second' });
    expect([asked, company(world)]).toEqual([['first'], [0, 2, 0]]);
    await world.advance(1000);
    expect(company(world)).toEqual([0, 1, 0]);
    expect(secondOf(world)).toMatchObject({
      ...{ unknownCosts: 0, held: 0 },
      log: [
        { unasked: true, cost: 0, fault: 'timeout', message: 'its time was over before anybody was asked' },
      ],
    });
    await toldAgain(world);
    for (let i = 0; i < 3; i++) await go();
    expect(new Set(asked)).toEqual(new Set(['first']));
    expect([world.snapshot('flow/1').status, company(world)]).toEqual(['done', [0.1, 0, 0]]);
  });

  it('gives it back when the run is aborted, also after a crash', async () => {
    const { world, asked, go, abort } = await atGate();
    await world.crash();
    expect(new Set(asked)).toEqual(new Set(['first']));
    await abort();
    // The first was called, and nobody knows.
    expect(company(world)).toEqual([0, 1, 1]);
    expect(secondOf(world).log).toMatchObject([{ unasked: true, cost: 0, to: expect.any(Number) }]);
    expect(explainRoute(world.snapshot('flow/1/second'))).toContain(
      'Attempt 1: w, not asked: it was given up before.',
    );
    await toldAgain(world);
    await go();
    expect(new Set(asked)).toEqual(new Set(['first']));
  });

  it.each([
    ['has done nothing that anybody must undo', { free: 1 }, []],
    ['unless the gate has let it pass', { free: 2 }, ['second']],
  ])('%s', async (_, gate, unknown) => {
    const { world, abort } = await atGate({ compensate: { agent: 'undo', input: () => ({}) } }, gate);
    await abort();
    await world.advance(60_000);
    const { error } = world.snapshot('flow/1') as { error: { uncompensated?: { node: string }[] } };
    expect((error.uncompensated ?? []).map(({ node }) => node)).toEqual(unknown);
    expect(company(world)).toEqual([0, gate.free, gate.free]);
  });

  it('in parts has cost what those have that are done', async () => {
    const { world, asked, go, abort } = await atGate({ chunk: inParts });
    await go();
    await world.start('other', '1');
    for (let i = 0; i < 2; i++) await go();
    expect(asked).toEqual(['first', 'second', 'second', 'third']);
    await abort();
    expect(secondOf(world).log.at(-1)).toMatchObject({ number: 2, cost: 200_000 });
    expect(secondOf(world).log.at(-1)).not.toHaveProperty('unasked');
    expect(company(world)).toEqual([0.3, 0, 0]);
    await toldAgain(world);
  });

  it('in parts is held as a whole where one of them was asked', async () => {
    const { world, asked, go, abort } = await atGate({ chunk: inParts });
    await go();
    expect(asked).toEqual(['first', 'second']);
    await abort();
    expect(secondOf(world).log.at(-1)).not.toHaveProperty('cost');
    expect(company(world)).toEqual([0.1, 1, 1]);
    await toldAgain(world);
  });
});
