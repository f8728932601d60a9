// The lie: "a workflow within a workflow is a part of it like any other". Whoever waits in it is found, gives its place to others, and can
// be told to go on by the way to it.
import { call, extend, gate, loop, map, strategies, task, workflow } from 'heddle/actors';
import type { WorkflowMachine } from 'heddle/actors';
import { describe, expect, it } from 'vitest';
import { everybodyMay } from './staffed.ts';
import { doing, World } from './staffed-world.ts';

const parks = extend(strategies.standard, { name: 'parks', rows: { crash: [{ do: 'park' }] } });

const deciding = workflow({
  id: 'deciding',
  tasks: { g: gate({ role: 'boss', input: () => ({ x: 1 }) }) },
});

/** Cannot be done for as long as somebody says so. */
let isBroken = true;
const w = doing('w', () => {
  if (isBroken) throw new Error('not now');
  return {};
});
const working = workflow({
  id: 'working',
  strategy: parks,
  tasks: { r: task({ capability: 'w', input: () => ({}) }) },
});

const all = async (runs: AsyncIterable<{ readonly run: string; readonly waiting: readonly string[] }>) => {
  const found = [];
  for await (const { run, waiting } of runs) found.push([run, waiting]);
  return found;
};

async function opened(top: WorkflowMachine): Promise<World> {
  const world = await World.open({ actors: { top, w }, decider: everybodyMay });
  await world.start('top', '1');
  return world;
}

describe('a run within a run that waits', () => {
  it('gives its place to others', async () => {
    isBroken = false;
    const top = workflow({
      id: 'top',
      parallel: 1,
      tasks: {
        c: call({ workflow: deciding, input: () => ({}) }),
        d: task({ capability: 'w', input: () => ({}) }),
      },
    });
    const world = await opened(top as WorkflowMachine);
    expect(world.snapshot('top/1').context.nodes).toMatchObject({
      c: { status: 'waiting' },
      d: { status: 'complete' },
    });
  });

  it.each([
    ['a call', call({ workflow: deciding, input: () => ({}) }), 'm/g'],
    ['a list', map({ over: () => [{}], each: deciding }), 'm/0/g'],
    ['a loop', loop({ body: deciding, times: 2, until: () => true, input: () => ({}) }), 'm/1/g'],
  ])('is found by the run around it, also after a crash: %s', async (_, m, waitsAt) => {
    const world = await opened(workflow({ id: 'top', tasks: { m } as never }) as WorkflowMachine);
    await world.crash();
    expect(await all(world.system.runs.list({ state: 'waiting' }))).toEqual([['top/1', ['m']]]);
    const status = await world.system.runs.status('top/1');
    expect(status).toMatchObject({ state: 'waiting', waits: [{ task: waitsAt, for: 'person' }] });
    await world.system.reviews.decide(`top/1/${waitsAt}`, { by: 'ada', verdict: 'approve' });
    await world.settle();
    expect(world.snapshot('top/1').status).toBe('done');
    expect(await all(world.system.runs.list({ state: 'waiting' }))).toEqual([]);
  });

  it('waits in the status, while something else in it works', async () => {
    isBroken = false;
    const both = workflow({
      id: 'both',
      tasks: {
        g: gate({ role: 'boss', input: () => ({ x: 1 }) }),
        h: task({ capability: 'hang', input: () => ({}) }),
      },
    });
    const top = workflow({ id: 'top', tasks: { c: call({ workflow: both, input: () => ({}) }) } });
    const hang = doing('hang', () => new Promise(() => {}));
    const world = await World.open({ actors: { top, hang }, decider: everybodyMay });
    await world.start('top', '1');
    const { state, waits } = await world.system.runs.status('top/1');
    expect([state, waits.map(({ task: at }) => at)]).toEqual(['waiting', ['c/g']]);
    expect(world.snapshot('top/1').context.nodes.c.status).toBe('running');
  });
});

describe('a task of a run within a run that is parked', () => {
  it.each([
    ['c/r', call({ workflow: working, input: () => ({}) })],
    ['c/0/r', map({ over: () => [{}], each: working })],
    ['c/1/r', loop({ body: working, times: 2, until: () => true, input: () => ({}) })],
  ])('goes on by an order to the run: %s', async (path, c) => {
    isBroken = true;
    const world = await opened(workflow({ id: 'top', tasks: { c } as never }) as WorkflowMachine);
    expect((await world.system.runs.status('top/1')).state).toBe('parked');
    isBroken = false;
    await world.crash();
    await world.tell('top/1', { type: 'task.resume', task: path, by: 'ada' });
    expect(world.snapshot('top/1').status).toBe('done');
  });

  it('is given up by an order to the run', async () => {
    isBroken = true;
    const top = workflow({ id: 'top', tasks: { c: call({ workflow: working, input: () => ({}) }) } });
    const world = await opened(top as WorkflowMachine);
    await world.tell('top/1', { type: 'task.abandon', task: 'c/r', by: 'ada', reason: 'no more' });
    expect(world.snapshot('top/1').error).toMatchObject({
      message: 'c: r: ada has given it up: no more',
    });
  });
});
