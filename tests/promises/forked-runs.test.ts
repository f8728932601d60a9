// The lie: "a fork of a run is a run of its own". Runs with lists, runs within them, money, people and tools are forked and imported in
// the middle of their work: whoever is asked then is asked by the fork, under its keys, for its money; and its status is its own.
import { createHash } from 'node:crypto';
import { budget, call, extend, gate, map, roles, strategies, task, workflow } from 'heddle/actors';
import type { Assignment } from 'heddle/actors';
import { account } from 'heddle/machines';
import { describe, expect, it } from 'vitest';
import { contentHashOf } from '../../machines/values/content.ts';
import { doing, World } from './staffed-world.ts';

const PERMITTING = roles(`
roles: { all: {} }
grants:
  - { id: everything, to: everyone, actions: ['*'], resources: any }
`);

/** What agents were asked, and what they wait for. */
class Office {
  readonly asked: Pick<Assignment, 'id' | 'idempotencyKey' | 'context'>[] = [];
  readonly #open: (() => void)[] = [];
  /** The tasks whose agents do not answer before they are told to. */
  readonly slow = new Set<string>();

  clerk = doing('clerk', async (assignment) => {
    const { id, idempotencyKey, context } = assignment;
    this.asked.push({ id, idempotencyKey, context });
    if (this.slow.has(context.task)) await new Promise<void>((resolve) => this.#open.push(resolve));
    return { by: context.task };
  });

  answer(): void {
    for (const open of this.#open.splice(0)) open();
  }

  /** Since then: who was asked by which run, under which key. */
  since(count: number): string[] {
    return this.asked
      .slice(count)
      .map(({ id, idempotencyKey, context }) => `${context.run} ${context.task} ${id} ${idempotencyKey}`)
      .sort();
  }
}

const inner = workflow({
  id: 'inner',
  tasks: { x: task({ agent: 'clerk' }), y: task({ needs: ['x'], agent: 'clerk' }) },
});

const flow = workflow({
  id: 'flow',
  budget: budget({ limit: 1, within: ['tenant/acme'] }),
  tasks: {
    first: task({ agent: 'clerk' }),
    each: map({ over: () => [{ n: 1 }, { n: 2 }, { n: 3 }], concurrency: 1, each: task({ agent: 'clerk' }) }),
    within: call({ workflow: inner }),
    last: task({ needs: ['first', 'each', 'within'], agent: 'clerk' }),
  },
});

const tenant = account({ limit: 5 });

/** A run that is asked for three things at once when it is forked: a task, an item and a task of a run within it. */
async function midway(office: Office): Promise<World> {
  const world = await World.open({
    actors: { flow, inner, clerk: office.clerk, tenant },
    decider: PERMITTING,
  });
  await world.start('tenant', 'acme');
  for (const name of ['first', 'each/0', 'x']) office.slow.add(name);
  await world.start('flow', '1');
  await world.until(() => office.asked.length === 3);
  office.slow.clear();
  return world;
}

const spentIn = (world: World, address: string) => {
  const { spent, reserved } = world.snapshot(address).context.window;
  return [spent, reserved];
};

describe('a fork of a run', () => {
  it('asks, is asked for, pays and reports as itself, whatever was under way', async () => {
    const office = new Office();
    const world = await midway(office);
    await world.system.fork('flow/1', { as: 'flow/fork', effects: 'rerun' });
    await world.until(() => world.snapshot('flow/fork').status === 'done');
    expect(office.since(3)).toEqual(
      [
        ...['first', 'each/0', 'each/1', 'each/2', 'last'].map(
          (name) => `flow/fork ${name} flow/fork/${name} flow/fork/${name}#1`,
        ),
        ...['x', 'y'].map(
          (name) => `flow/fork/within ${name} flow/fork/within/${name} flow/fork/within/${name}#1`,
        ),
      ].sort(),
    );
    const status = await world.system.runs.status('flow/fork');
    expect(status).toMatchObject({ run: 'flow/fork', state: 'complete', waits: [], next: [] });
    expect(status.money).toMatchObject({ spent: 70_000, reserved: 0 });
    expect(status.tasks.map(({ address, cost, reserved }) => [address, cost, reserved])).toEqual([
      ['flow/fork/first', 10_000, 0],
      ['flow/fork/each', 30_000, 0],
      ['flow/fork/within', 20_000, 0],
      ['flow/fork/last', 10_000, 0],
    ]);
    expect(spentIn(world, 'flow/fork/account')).toEqual([70_000, 0]);
    // The original holds what it did before, and both pay what is theirs.
    expect(spentIn(world, 'flow/1/account')).toEqual([0, 30_000]);
    expect(spentIn(world, 'tenant/acme')).toEqual([70_000, 30_000]);
    office.answer();
    await world.until(() => world.snapshot('flow/1').status === 'done');
    expect(spentIn(world, 'flow/1/account')).toEqual([70_000, 0]);
    expect(spentIn(world, 'tenant/acme')).toEqual([140_000, 0]);
    const hash = status.tasks[3]!.output!.hash!;
    const { is } = await world.system.lineage(hash);
    expect(is.map(({ run }) => run)).toEqual(expect.arrayContaining(['flow/1', 'flow/fork']));
  });

  it('of a fork is itself too, after a crash', async () => {
    const office = new Office();
    const world = await midway(office);
    // Its newest record is newer than everything below it.
    await world.tell('flow/1', { type: 'noted' });
    await world.system.fork('flow/1', { as: 'flow/fork' });
    await world.system.fork('flow/fork', { as: 'flow/again' });
    await world.crash();
    const before = office.asked.length;
    await world.system.perform('flow/again');
    await world.until(() => world.snapshot('flow/again').status === 'done');
    const runs = new Set(office.asked.slice(before).map(({ context }) => context.run));
    expect([...runs].sort()).toEqual(['flow/again', 'flow/again/within']);
    expect(spentIn(world, 'flow/again/account')).toEqual([70_000, 0]);
    expect(await world.system.runs.status('flow/fork')).toMatchObject({
      ...{ run: 'flow/fork', state: 'running' },
      money: { spent: 0, reserved: 30_000 },
      tasks: [{ reserved: 10_000, attempts: [{ number: 1 }] }, { reserved: 10_000 }, {}, {}],
    });
  });

  it('is whole as of the first record of whoever lives in it, and can be forked from there', async () => {
    const world = await midway(new Office());
    const seq = (await world.history('flow/1/within/x')).length;
    await world.system.fork('flow/1', { at: { address: 'flow/1/within/x', seq }, as: 'flow/2' });
    const all = await world.system.past('flow/2', 1);
    const below = ['account', 'first', 'within', 'within/x'];
    expect(await world.system.runs.status('flow/2/within', { at: 1 })).toEqual(
      await world.system.runs.status('flow/2/within'),
    );
    for (const [index, child] of below.entries()) {
      const at = { address: `flow/2/${child}`, seq: 1 };
      expect(await world.system.past('flow/2', at)).toEqual(all);
      const { address } = await world.system.fork('flow/2', { at, as: `flow/${index + 3}` });
      await world.system.perform(address);
      await world.until(() => world.snapshot(address).status === 'done');
    }
    expect(all.address).toBe('flow/2');
  });

  it('reuses what its original was answered, though it asks in its own name', async () => {
    const office = new Office();
    const world = await midway(office);
    const { seq } = (await world.history('flow/1')).at(-1)!;
    office.answer();
    await world.until(() => world.snapshot('flow/1').status === 'done');
    expect(office.asked).toHaveLength(7);
    await world.system.fork('flow/1', { at: seq, as: 'flow/fork', effects: 'reuse' });
    await world.until(() => world.snapshot('flow/fork').status === 'done');
    expect(office.asked).toHaveLength(7);
    expect(world.snapshot('flow/fork').output).toEqual(world.snapshot('flow/1').output);
    expect(await world.system.runs.status('flow/fork')).toMatchObject({
      ...{ run: 'flow/fork', state: 'complete' },
      money: { spent: 70_000, reserved: 0 },
    });
  });

  it('has the decisions that were taken in it, and no others', async () => {
    const office = new Office();
    const asking = workflow({
      id: 'asking',
      tasks: { ask: gate({ role: 'boss' }), work: task({ needs: ['ask'], agent: 'clerk' }) },
    });
    const world = await World.open({ actors: { asking, clerk: office.clerk }, decider: PERMITTING });
    await world.start('asking', '1');
    await world.system.fork('asking/1', { as: 'asking/fork', effects: 'rerun' });
    const decision = { by: 'ada', verdict: 'approve', reason: 'fine' } as const;
    await world.system.reviews.decide('asking/1/ask', decision);
    await world.until(() => world.snapshot('asking/1').status === 'done');
    expect(await world.system.runs.status('asking/fork')).toMatchObject({
      ...{ state: 'waiting', decisions: [] },
      waits: [{ task: 'ask', for: 'person', roles: ['boss'] }],
    });
    await world.system.reviews.decide('asking/fork/ask', { by: 'bob', verdict: 'reject', reason: 'no' });
    await world.settle();
    expect(await world.system.runs.status('asking/fork')).toMatchObject({
      state: 'failed',
      problem: { run: 'asking/fork' },
      decisions: [{ review: 'asking/fork/ask', what: 'reject', by: 'bob' }],
    });
  });

  it('is where its defaults were taken', async () => {
    const value = { text: 'nobody knows' };
    const rows = { crash: [{ do: 'default', value }] } as const;
    const halting = workflow({
      ...{ id: 'flow', strategy: extend(strategies.standard, { name: 'defaults', rows }) },
      tasks: { work: task({ agent: 'halting' }) },
    });
    const halt = doing('halting', async ({ context: { run } }) => {
      if (run === 'flow/1') await new Promise(() => {});
      throw new Error('it broke');
    });
    const world = await World.open({ actors: { flow: halting, halting: halt }, decider: PERMITTING });
    await world.start('flow', '1');
    await world.system.fork('flow/1', { as: 'flow/fork', effects: 'rerun' });
    await world.until(() => world.snapshot('flow/fork').status === 'done');
    expect(world.system.content.facts(contentHashOf(value))?.madeBy).toEqual(['flow/fork/work']);
  });

  it('lets the tools of its agents be permitted in its own journal', async () => {
    let open: () => void = () => {};
    const tooled = doing('tooled', async ({ permit, context }) => {
      if (context.run === 'flow/1') await new Promise<void>((resolve) => (open = resolve));
      const { effect } = await permit!({ tool: 'hammer' });
      return { effect };
    });
    const only = workflow({ id: 'flow', tasks: { work: task({ agent: 'tooled' }) } });
    const world = await World.open({ actors: { flow: only, tooled }, decider: PERMITTING });
    await world.start('flow', '1');
    await world.system.fork('flow/1', { as: 'flow/fork', effects: 'rerun' });
    await world.until(() => world.snapshot('flow/fork').status === 'done');
    const permitted = async (task: string) =>
      (await world.history(task)).filter(({ event }) => event.type === 'task.permission').length;
    expect([await permitted('flow/fork/work'), await permitted('flow/1/work')]).toEqual([1, 0]);
    open();
  });
});

describe('a run that was imported', () => {
  it('is told as it stands where it lives', async () => {
    const office = new Office();
    const world = await midway(office);
    const history = await world.system.export('flow/1');
    await world.system.import({ history, as: 'flow/2' });
    await world.settle();
    expect(await world.system.runs.status('flow/2')).toMatchObject({
      ...{ run: 'flow/2', state: 'running' },
      tasks: [
        { address: 'flow/2/first', attempts: [{ number: 1, agent: 'clerk' }], reserved: 10_000 },
        { parts: [{ address: 'flow/2/each/0', attempts: [{ number: 1 }] }] },
        { parts: [{ address: 'flow/2/within/x', attempts: [{ number: 1 }] }, {}] },
        { address: 'flow/2/last', attempts: [] },
      ],
    });
    await world.system.perform('flow/2');
    await world.until(() => world.snapshot('flow/2').status === 'done');
    expect(office.since(3).every((asked) => asked.startsWith('flow/2'))).toBe(true);
  });

  it('from a fork is whole, and can be forked again', async () => {
    const office = new Office();
    const world = await midway(office);
    // Its newest record is newer than everything below it.
    await world.tell('flow/1', { type: 'noted' });
    await world.system.fork('flow/1', { as: 'flow/fork' });
    // In the journals of a fork those below come first.
    const history = await world.system.export('flow/fork');
    const root = await world.system.import({ history, as: 'flow/2' });
    expect(root.address).toBe('flow/2');
    await world.system.fork('flow/2', { as: 'flow/3' });
    await world.crash();
    const before = office.asked.length;
    for (const run of ['flow/2', 'flow/3']) {
      await world.system.perform(run);
      await world.until(() => world.snapshot(run).status === 'done');
      expect(spentIn(world, `${run}/account`)).toEqual([70_000, 0]);
    }
    const runs = new Set(office.asked.slice(before).map(({ context }) => context.run));
    expect([...runs].sort()).toEqual(['flow/2', 'flow/2/within', 'flow/3', 'flow/3/within']);
  });

  /** A run that is done, and another store with the same actors. */
  async function done() {
    const clerk = doing('clerk', ({ input }) => input);
    const flow = workflow({ id: 'flow', tasks: { a: task({ agent: 'clerk' }) } });
    const options = { actors: { flow, clerk }, decider: PERMITTING };
    const world = await World.open(options);
    await world.start('flow', '1');
    await world.until(() => world.snapshot('flow/1').status === 'done');
    return { world, other: await World.open(options) };
  }

  it.each([
    ['as of any record', () => Promise.resolve()],
    ['while runs are paused', (world: World) => world.system.pause({ name: 'flow' })],
  ])('from a fork goes on with what that had been sent before it was made: %s', async (_, prepare) => {
    const { world, other } = await done();
    await prepare(world);
    const records = (await world.history('flow/1')).length;
    for (let at = 1; at < records; at++) {
      const fork = `flow/fork-${at}`;
      await world.system.fork('flow/1', { at, as: fork });
      const history = await world.system.export(fork, { to: 1 });
      await other.system.import({ history });
      await other.system.perform(fork);
      await other.until(() => other.snapshot(fork).status === 'done');
    }
    expect(records).toBeGreaterThan(1);
    expect((await other.system.verify()).broken).toEqual([]);
  });

  it('refuses a message for somebody else, and one that cannot be read', async () => {
    const { world, other } = await done();
    await world.system.fork('flow/1', { at: 1, as: 'flow/fork' });
    const history = await world.system.export('flow/fork', { to: 1 });
    const line = history.split('\n').find((one) => one.startsWith('{"awaits"'))!;
    const forged = (change: object): string => {
      const lines = history.replace(line, JSON.stringify({ ...JSON.parse(line), ...change })).split('\n');
      const text = lines.slice(0, -2).join('\n') + '\n';
      return `${text}${JSON.stringify({ sha256: createHash('sha256').update(text).digest('hex') })}\n`;
    };
    await other.system.import({ history: forged({}) });
    for (const [change, message] of [
      [{ address: 'flow/1/a' }, 'not of flow/fork or below it'],
      [{ message: 'AAAA' }, 'its message cannot be read'],
      [{ message: 7 }, 'what was recorded is not there'],
    ] as const)
      await expect(other.system.import({ history: forged(change), as: 'flow/9' })).rejects.toThrow(message);
    expect(other.system.get('flow/9')).toBeUndefined();
  });

  it('refuses a message by which somebody is to be born elsewhere', async () => {
    const { world, other } = await done();
    await world.system.fork('flow/1', { at: 1, as: 'flow/fork' });
    const history = await world.system.export('flow/fork', { to: 1 });
    await other.start('flow', '99x');
    const before = [other.snapshot('flow/99x'), await other.system.verify()];
    for (const place of ['flow/fork9x', 'flow/fork/b'])
      await expect(other.system.import({ history: bornAt(place, history), as: 'flow/9' })).rejects.toThrow(
        `it is of ${place}, and says that it is of flow/fork/a`,
      );
    expect([other.snapshot('flow/99x'), await other.system.verify()]).toEqual(before);
  });

  it('refuses a message by which somebody is to be born to nobody', async () => {
    const { world, other } = await done();
    await world.system.fork('flow/1', { at: 1, as: 'flow/fork' });
    const history = await world.system.export('flow/fork', { to: 1 });
    const before = await other.system.verify();
    const orphan = inMessages(history, (bytes) => bytes.replace(/(parent\x92)./, '$1\x7f'));
    const why = await other.system.import({ history: orphan }).catch((error: unknown) => error);
    expect(why).toMatchObject({ _tag: 'HistoryDamaged' });
    expect(other.system.get('flow/fork')).toBeUndefined();
    expect(await other.system.verify()).toEqual(before);
  });
});

/** With another text of the same length where the actor is to be born that awaits its first message. */
const bornAt = (place: string, history: string): string =>
  inMessages(history, (bytes, address) => bytes.replace(address, place));

/** With other messages that are awaited. */
function inMessages(history: string, change: (bytes: string, address: string) => string): string {
  const lines = history.split('\n').slice(0, -2);
  const text = lines
    .map((line) => {
      const said = JSON.parse(line) as { awaits?: number; address: string; message: string };
      if (said.awaits === undefined) return `${line}\n`;
      const bytes = change(Buffer.from(said.message, 'base64').toString('latin1'), said.address);
      return `${JSON.stringify({ ...said, message: Buffer.from(bytes, 'latin1').toString('base64') })}\n`;
    })
    .join('');
  return `${text}${JSON.stringify({ sha256: createHash('sha256').update(text).digest('hex') })}\n`;
}
