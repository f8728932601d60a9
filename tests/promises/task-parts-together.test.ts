// The lies: "parts that are asked for together come to the same as one after the other", "they never have more than was reserved", "one
// that fails stops the others, and nothing that is done is done again", "no more are asked for at once than the agent and its gates take".
import { budget, chunk, extend, FaultError, microsOf, strategies, task, workflow } from 'heddle/actors';
import type { Agent, AgentDetails, Assignment, TaskOptions } from 'heddle/actors';
import { account, bulkhead } from 'heddle/machines';
import { memory } from 'heddle/storage';
import { describe, expect, it } from 'vitest';
import type { StaffedDefinitions } from 'heddle';
import type { Ledger } from '../../machines/budget/ledger.ts';
import { Staff } from '../../actors/staff.ts';
import { hosted } from '../../actors/system.ts';
import { DyingSystem } from '../dying-system.ts';
import { PERMITTING, workplaceUnder } from '../orchestration/workplace.ts';
import type { TaskContext } from '../../machines/task/progress.ts';
import { doing, World } from './staffed-world.ts';
import { endOf, everybodyMay, snapshotOf, staffed, started, taskOf, worker } from './staffed.ts';
import type { Asked, Staffed } from './staffed.ts';
import { abortedEverywhere } from './unwanted.ts';

const TEXT = 'a1 a2 a3. b1 b2 b3. c1 c2 c3. d1 d2 d3. e1 e2 e3.';
const NUMBERS: Readonly<Record<string, number>> = { a1: 1, b1: 2, c1: 3, d1: 4, e1: 5 };

const wordsIn = (text: unknown): string[] => String(text).split(/\s+/u).filter(Boolean);
const numberOf = ({ input }: Pick<Assignment, 'input'>): number => NUMBERS[wordsIn(input['text'])[0]!]!;

const inParts = (concurrency: number) =>
  chunk({
    ...{ pointer: '#/text', maxTokens: 3, overlap: 0, finest: 'word', concurrency },
    merge: { seen: 'append' },
  });

const flowOf = (concurrency: number, more: Partial<TaskOptions<never>> = {}) =>
  workflow({
    id: 'flow',
    budget: budget({ limit: 1, within: ['tenant/acme'] }),
    tasks: { one: task({ capability: 'work', chunk: inParts(concurrency), ...more }) },
  });

/** An agent that answers each part when it is told to, or at once. */
class Reader {
  readonly asked: Asked[] = [];
  readonly stopped: number[] = [];
  /** Of the parts, those that are not answered before they are let go. */
  readonly slow = new Set<number>();
  /** Those that fail the first time. */
  readonly failing = new Set<number>();
  most = 0;
  #open = 0;
  readonly #waiting = new Map<number, () => void>();

  agent(details: Partial<AgentDetails> = {}): Agent {
    const counting = { countTokens: (input: unknown) => wordsIn((input as { text: unknown }).text).length };
    const options = { asked: this.asked, ...counting, window: 3, estimate: () => 0.05, ...details };
    return worker('reader', (assignment) => this.#read(assignment), options);
  }

  get numbers(): number[] {
    return this.asked.map((one) => numberOf(one as never));
  }

  get shares(): (readonly [number, number])[] {
    return this.asked.map((one) => [numberOf(one as never), one.maxCost] as const);
  }

  async #read(assignment: Assignment): Promise<Readonly<Record<string, unknown>>> {
    const number = numberOf(assignment);
    this.#open += 1;
    this.most = Math.max(this.most, this.#open);
    assignment.signal.addEventListener('abort', () => this.stopped.push(number));
    try {
      if (this.slow.has(number)) await new Promise<void>((resolve) => this.#waiting.set(number, resolve));
      else await new Promise((resolve) => setImmediate(resolve));
    } finally {
      this.#open -= 1;
    }
    if (this.failing.delete(number))
      throw new FaultError({ class: 'server-error', message: 'it broke', cost: microsOf(0.002) });
    return { seen: [assignment.input['text']] };
  }

  letGo(number: number): void {
    this.slow.delete(number);
    this.#waiting.get(number)?.();
  }
}

async function opening(
  reader: Reader,
  flow = flowOf(3),
  { details = {}, ...more }: { details?: Partial<AgentDetails>; [actor: string]: unknown } = {},
): Promise<Staffed> {
  const actors = { flow, reader: reader.agent(details), tenant: account({ limit: 10 }), ...more };
  const opened = await staffed(actors as never, { decider: everybodyMay });
  await opened.system.start('tenant', { id: 'acme' });
  return opened;
}

const seenIn = (opened: Staffed): string =>
  (endOf(opened, 'flow/1').output as { seen: string[] }).seen.join('');

const moneyOf = (opened: Staffed, address = 'tenant/acme') => {
  const { spent, reserved, held } = snapshotOf<{ context: Ledger }>(opened, address).context.window;
  return { spent, reserved, held };
};

/** So much money that the next one can begin while others run. */
const ROOM = { details: { estimate: () => 0.1 } };

const SPENT = { spent: 50_000, reserved: 0, held: 0 };

describe('parts that are asked for together', () => {
  it.each([1, 2, 3, 5, 9])('%i at once, come to the same', async (concurrency) => {
    const reader = new Reader();
    const opened = await opening(reader, flowOf(concurrency));
    await started(opened, { text: TEXT });
    await opened.settle();
    expect(seenIn(opened)).toBe(TEXT);
    expect(reader.most).toBe(Math.min(concurrency, 5));
    expect(new Set(reader.asked.map(({ key }) => key)).size).toBe(5);
    expect(moneyOf(opened)).toEqual(SPENT);
  });

  it('have each a share of the money, and their order, whoever is done first', async () => {
    const reader = new Reader();
    [1, 2, 3].forEach((number) => reader.slow.add(number));
    const opened = await opening(reader, flowOf(2));
    await started(opened, { text: TEXT });
    expect(reader.shares).toEqual([
      [1, 0.025],
      [2, 0.025],
    ]);
    reader.letGo(2);
    await opened.settle();
    expect(reader.numbers).toEqual([1, 2, 3]);
    expect(reader.shares[2]).toEqual([3, 0.015]);
    reader.letGo(3);
    await opened.settle();
    // There is less than a fifth for the next, as long as the first may still need what it has.
    expect(reader.numbers).toEqual([1, 2, 3]);
    reader.letGo(1);
    await opened.settle();
    expect(seenIn(opened)).toBe(TEXT);
    expect(moneyOf(opened)).toEqual(SPENT);
  });

  it('are paid where they are all done, and not wanted any more before they are put together', async () => {
    const reader = new Reader();
    const opened = await opening(reader, flowOf(3));
    await opened.system.pause({ address: 'flow/1/one/ask/join' });
    await started(opened, { text: TEXT });
    await opened.settle();
    expect([reader.asked.length, moneyOf(opened).reserved]).toEqual([5, 50_000]);
    await opened.system.get('flow/1')!.send({ type: 'run.abort', by: 'ada', reason: 'enough' });
    await opened.settle();
    expect([endOf(opened, 'flow/1').status, moneyOf(opened)]).toEqual(['error', SPENT]);
    expect((await opened.system.verify()).broken).toEqual([]);
  });

  it.each([
    ['cut', 'split', 0],
    ['put together', 'join', 50_000],
  ])('cost what they have, where their agent is gone before they are %s', async (_, child, spent) => {
    const reader = new Reader().agent() as StaffedDefinitions[string];
    const strategy = extend(strategies.standard, { name: 'fails', rows: { 'no-agent': [{ do: 'fail' }] } });
    const one = task({ capability: 'work', chunk: inParts(3) });
    const flow = workflow({
      ...{ id: 'flow', strategy, tasks: { one } },
      budget: budget({ limit: 1, within: ['tenant/acme'] }),
    });
    const other = doing('other', () => ({}), { capabilities: ['work'] });
    const actors = { flow, tenant: account({ limit: 10 }) };
    const world = await World.open({ actors: { ...actors, reader } });
    await world.start('tenant', 'acme');
    const target = { address: `flow/1/one/ask/${child}` };
    await world.system.pause(target);
    await world.start('flow', '1', { text: TEXT });
    await world.settle();
    await world.crash({ actors: { ...actors, other } });
    await world.system.resume(target);
    await world.settle();
    const { log } = world.snapshot('flow/1/one').context as TaskContext;
    expect(log[1]).toMatchObject({ fault: 'no-agent', message: 'reader is no agent any more', cost: spent });
    const { window } = world.snapshot('tenant/acme').context as Ledger;
    expect([window.spent, window.held]).toEqual([spent, 0]);
  });

  it('are no more at once than the agent does', async () => {
    const reader = new Reader();
    const opened = await opening(reader, flowOf(4), { details: { concurrency: 2 } });
    await started(opened, { text: TEXT });
    await opened.settle();
    expect([seenIn(opened), reader.most]).toEqual([TEXT, 2]);
  });

  it('are no more at once than a gate lets pass, which is no fault', async () => {
    const reader = new Reader();
    const opened = await opening(reader, flowOf(4), {
      details: { permits: ['slots/reader'] },
      slots: bulkhead({ slots: 2, queue: 0 }),
    });
    await opened.system.start('slots', { id: 'reader' });
    await started(opened, { text: TEXT });
    await opened.settle();
    expect([seenIn(opened), reader.most]).toEqual([TEXT, 2]);
    expect(taskOf(opened, 'flow/1/one').log.map(({ fault }) => fault)).toEqual(['context-window', undefined]);
  });
});

describe('a part that fails beside others', () => {
  it('stops them; what they cost is held until it is known, and what was done is not done again', async () => {
    const reader = new Reader();
    [2, 3].forEach((number) => reader.slow.add(number));
    reader.failing.add(4);
    const opened = await opening(reader, flowOf(3), ROOM);
    await started(opened, { text: TEXT });
    await opened.settle();
    // The first is done; the fourth has failed.
    expect([reader.numbers, reader.stopped]).toEqual([
      [1, 2, 3, 4],
      [2, 3],
    ]);
    expect(taskOf(opened, 'flow/1/one').log.at(-1)).toMatchObject({
      ...{ fault: 'server-error', message: 'part 4: it broke', move: 'retry' },
    });
    expect(taskOf(opened, 'flow/1/one').log.at(-1)).not.toHaveProperty('cost');
    expect(moneyOf(opened)).toEqual({ spent: 0, reserved: 100_000, held: 100_000 });
    reader.letGo(2);
    await opened.settle();
    // As long as one of them says nothing, the sum is not known.
    expect(moneyOf(opened)).toEqual({ spent: 0, reserved: 100_000, held: 100_000 });
    reader.letGo(3);
    await opened.settle();
    expect(moneyOf(opened)).toEqual({ spent: 32_000, reserved: 0, held: 0 });
    await opened.advance(5000);
    expect(seenIn(opened)).toBe(TEXT);
    expect(reader.numbers.toSorted((a, b) => a - b)).toEqual([1, 2, 2, 3, 3, 4, 4, 5]);
    expect(moneyOf(opened)).toEqual({ spent: 72_000, reserved: 0, held: 0 });
  });

  it('last of all, has a cost that is known', async () => {
    const reader = new Reader();
    reader.failing.add(5);
    const opened = await opening(reader, flowOf(2));
    await started(opened, { text: TEXT });
    await opened.settle();
    await opened.advance(5000);
    expect(seenIn(opened)).toBe(TEXT);
    expect(moneyOf(opened)).toEqual({ spent: 52_000, reserved: 0, held: 0 });
  });

  it.each([
    ['fails as well', [1, 2]],
    ['is done', [1]],
  ])('has a cost that is known in the end, whichever moment another %s in', async (_, failing) => {
    for (let moment = 0; moment < 24; moment++) {
      const reader = new Reader();
      [1, 2].forEach((number) => reader.slow.add(number));
      failing.forEach((number) => reader.failing.add(number));
      const opened = await opening(reader, flowOf(2), ROOM);
      await started(opened, { text: TEXT });
      reader.letGo(1);
      for (let i = 0; i < moment; i++) await Promise.resolve();
      reader.letGo(2);
      await opened.settle();
      expect([moment, moneyOf(opened)]).toMatchObject([moment, { reserved: 0, held: 0 }]);
    }
  });
});

describe('parts that are not wanted any more', () => {
  it.each(['abort', 'halt', 'timeout'] as const)('are stopped, all of them, and paid: %s', async (how) => {
    const reader = new Reader();
    [2, 3, 4].forEach((number) => reader.slow.add(number));
    const opened = await opening(reader, flowOf(3, { timeout: '1 minute' }), ROOM);
    await started(opened, { text: TEXT });
    await opened.settle();
    expect(reader.numbers).toEqual([1, 2, 3, 4]);
    const why = { by: 'ada', reason: 'not wanted' };
    if (how === 'abort') await opened.system.get('flow/1')!.send({ type: 'run.abort', ...why });
    if (how === 'halt') await opened.system.halts.halt({ agent: 'reader' }, why);
    if (how === 'timeout') await opened.advance(60_000);
    await opened.settle();
    expect(reader.stopped.slice(0, 3)).toEqual([2, 3, 4]);
    expect(moneyOf(opened)).toMatchObject({ spent: 0, held: 100_000 });
    [2, 3, 4].forEach((number) => reader.letGo(number));
    await opened.settle();
    expect(moneyOf(opened)).toMatchObject({ spent: 40_000, held: 0 });
    if (how === 'abort') return;
    if (how === 'halt') await opened.system.halts.lift({ agent: 'reader' }, why);
    await opened.advance(5000);
    expect(seenIn(opened)).toBe(TEXT);
    // The first is not asked for again.
    expect(reader.numbers.filter((number) => number === 1)).toHaveLength(1);
    expect(moneyOf(opened)).toEqual({ spent: 80_000, reserved: 0, held: 0 });
  });
});

describe('parts whose answers were on their way when they were not wanted any more', () => {
  it.each([
    ['the last', [2], [2]],
    ['one beside another', [1, 2], [1, 2]],
    ['one that fails', [2], []],
  ])('are paid, whichever moment that is: %s', async (_, slow, good) => {
    for (let moment = 0; moment < 40; moment++) {
      const reader = new Reader();
      slow.forEach((number) => {
        reader.slow.add(number);
        if (!good.includes(number)) reader.failing.add(number);
      });
      const opened = await opening(reader, flowOf(2), ROOM);
      await started(opened, { text: 'a1 a2 a3. b1 b2 b3.' });
      await opened.settle();
      slow.forEach((number) => reader.letGo(number));
      for (let i = 0; i < moment; i++) await Promise.resolve();
      await opened.system.get('flow/1')!.send({ type: 'run.abort', by: 'ada', reason: 'enough' });
      await opened.settle();
      const spent = good.length < slow.length ? 12_000 : 20_000;
      expect([moment, moneyOf(opened)]).toEqual([moment, { spent, reserved: 0, held: 0 }]);
    }
  });
});

/** After how many commits more it is aborted each time. */
const STEP = 5;

describe('parts that are aborted', () => {
  it('at whatever moment: all of them are stopped, and no money is lost', async () => {
    const times = await abortedEverywhere(STEP, () => ({
      ...{ flow: flowOf(3), agents: [new Reader().agent(ROOM.details)], input: { text: TEXT } },
    }));
    expect(times).toBeGreaterThan(8);
  });
});

/** Which of its commits it is killed after. */
const EVERY = 5;

describe('a run with parts that are asked for together', () => {
  it('is the same, whenever the system dies, and no part that is done is done again', async () => {
    const calm = await dying(() => false);
    expect(calm).toMatchObject({ seen: TEXT, numbers: [1, 2, 3, 4, 5], spent: 50_000, reserved: 0 });
    let deaths = 0;
    for (let at = 1; at <= calm.commits; at += EVERY) {
      const told = await dying((commits) => commits === at);
      const { seen, spent, reserved } = told;
      expect([at, seen, spent, reserved]).toEqual([at, TEXT, 50_000, 0]);
      // It may die between calls and the records of their answers: those that run are asked for again, under their keys.
      expect([at, new Set(told.numbers).size, told.keys]).toEqual([at, 5, 5]);
      expect(told.numbers.length - 5).toBeLessThanOrEqual(3);
      deaths += told.deaths;
    }
    expect(deaths).toBe(Math.ceil(calm.commits / EVERY));
  });
});

async function dying(dies: (commits: number) => boolean) {
  const reader = new Reader();
  const staff = new Staff(new Map([['reader', reader.agent()]]));
  staff.beginIn(workplaceUnder(PERMITTING));
  const flow = workflow({
    id: 'flow',
    budget: budget({ limit: 1 }),
    tasks: { one: task({ capability: 'work', chunk: inParts(3) }) },
  });
  let commits = 0;
  const world = new DyingSystem({
    store: memory(),
    actors: hosted({ flow }, staff),
    maxTurnsPerCommit: 1,
    dies: () => dies(++commits),
  });
  await world.open();
  await world.start('flow', '1', { text: TEXT });
  await world.advance(1000);
  const { output } = world.system.get('flow/1')!.getSnapshot() as unknown as { output: { seen: string[] } };
  const purse = world.system.get('flow/1/account')!.getSnapshot() as unknown as { context: Ledger };
  const { spent, reserved } = purse.context.window;
  for (const address of ['flow/1/one', 'flow/1/one/ask'])
    expect((await world.system.replay(address)).same).toBe(true);
  await world.system.close();
  return {
    ...{ seen: output.seen.join(''), numbers: reader.numbers, spent, reserved, commits },
    keys: new Set(reader.asked.map(({ key }) => key)).size,
    deaths: world.deaths,
  };
}
