// The lie: "what is not wanted any more comes to its end, and does no harm until then". It is told in every moment of its work, while it
// undoes something, and while what it does cannot be broken off.
import { call, extend, loop, map, strategies, task, workflow } from 'heddle/actors';
import { describe, expect, it } from 'vitest';
import { everybodyMay } from './staffed.ts';
import { doing, World } from './staffed-world.ts';

const AT_ONCE = extend(strategies.standard, { name: 'at once', rows: { crash: [{ do: 'fail' }] } });
const PARKING = extend(strategies.standard, { name: 'parking', rows: { crash: [{ do: 'park' }] } });
const given = { input: () => ({}) };

const breaking = () =>
  doing('break', () => {
    throw new Error('no');
  });

/** A run that fails, and undoes what it has done by `undo`. */
const undoing = workflow({
  ...{ id: 'undoing', strategy: PARKING },
  tasks: {
    done: task({ capability: 'do', ...given, compensate: { capability: 'undo' } }),
    broken: task({
      ...{ needs: ['done'], capability: 'break', ...given },
      ...{ onError: 'compensate', strategy: AT_ONCE },
    }),
  },
});

async function opened(flow: object, agents: object): Promise<World> {
  const world = await World.open({ actors: { flow, ...agents } as never, decider: everybodyMay });
  await world.start('flow', '1');
  return world;
}

const abort = { type: 'run.abort', by: 'ada', reason: 'enough' };

describe('a loop', () => {
  it('does its work no more, whichever moment of it that is said in', async () => {
    const again = extend(strategies.standard, {
      name: 'again',
      rows: { crash: [{ do: 'default', value: { n: 0 } }] },
    });
    const flow = workflow({
      id: 'flow',
      tasks: {
        l: loop({
          ...{ body: task({ capability: 'work', strategy: again }), times: 5, until: () => false, ...given },
        }),
      },
    });
    for (let moment = 0; moment < 24; moment++) {
      let fail = (): void => {};
      const work = doing('work', () => new Promise((_, reject) => (fail = () => reject(new Error('no')))));
      const world = await opened(flow, { work });
      fail();
      for (let i = 0; i < moment; i++) await Promise.resolve();
      await world.tell('flow/1', abort);
      expect([moment, world.snapshot('flow/1').status]).toEqual([moment, 'error']);
      await world.close();
    }
  });
});

describe('what a join goes on without', () => {
  it.each([true, false])('does not fail the run when it fails (killed meanwhile: %s)', async (isKilled) => {
    const open: Record<string, () => void> = {};
    const until = (name: string) =>
      doing(name, () => new Promise((resolve) => (open[name] = () => resolve({}))));
    const flow = workflow({
      id: 'flow',
      tasks: {
        a: task({ capability: 'slow', ...given }),
        b: call({ workflow: undoing, ...given }),
        j: task({ needs: ['a', 'b'], join: 'any', capability: 'do', ...given }),
      },
    });
    const agents = { ...{ slow: until('slow'), undo: until('undo') }, do: doing('do', () => ({})) };
    const world = await opened(flow, { ...agents, break: breaking() });
    open['slow']!();
    await world.settle();
    expect(world.snapshot('flow/1').context.nodes).toMatchObject({
      b: { status: 'cancelling' },
      j: { status: 'complete' },
    });
    if (isKilled) await world.crash();
    open['undo']!();
    await world.settle();
    expect(world.snapshot('flow/1')).toMatchObject({
      status: 'done',
      context: { nodes: { b: { status: 'failed', problem: { message: 'broken: Error: no' } } } },
    });
  });
});

describe('a run within the run that undoes what it has done', () => {
  it.each([
    ['call', call({ workflow: undoing, ...given }), 'c/undo done'],
    ['map', map({ over: () => [{}], each: undoing }), 'c/0/undo done'],
    ['loop', loop({ body: undoing, times: 2, until: () => true, ...given }), 'c/1/undo done'],
  ])('goes on by an order, also when the run around it was aborted: %s', async (_, c, path) => {
    let isBroken = true;
    const undo = doing('undo', () => {
      if (isBroken) throw new Error('no');
      return {};
    });
    const flow = workflow({ id: 'flow', tasks: { c } as never });
    const world = await opened(flow, { undo, do: doing('do', () => ({})), break: breaking() });
    await world.tell('flow/1', abort);
    expect(await world.system.runs.status('flow/1')).toMatchObject({
      state: 'parked',
      waits: [{ task: path, for: 'operator' }],
    });
    await world.crash();
    isBroken = false;
    await world.tell('flow/1', { type: 'task.resume', task: path, by: 'ada' });
    const { status, error } = world.snapshot('flow/1');
    expect([status, error]).toMatchObject(['error', { class: 'cancelled', by: 'ada' }]);
    expect(error).not.toHaveProperty('uncompensated');
  });

  it('is given up by an order, when the run around it was aborted', async () => {
    const flow = workflow({ id: 'flow', tasks: { c: call({ workflow: undoing, ...given }) } });
    const agents = {
      undo: doing('undo', () => Promise.reject(new Error('no'))),
      do: doing('do', () => ({})),
    };
    const world = await opened(flow, { ...agents, break: breaking() });
    await world.tell('flow/1', abort);
    await world.tell('flow/1', { type: 'task.abandon', task: 'c/undo done', by: 'ada', reason: 'no use' });
    expect(world.snapshot('flow/1')).toMatchObject({
      status: 'error',
      error: { uncompensated: [{ node: 'c/done', problem: { class: 'abandoned' } }] },
    });
  });
});

describe('a run that is about to fail', () => {
  it('is undone when somebody aborts it', async () => {
    const open: Record<string, () => void> = {};
    const undone: string[] = [];
    const undo = doing('undo', () => new Promise((resolve) => (open['undo'] = () => resolve({}))));
    const slow = doing('slow', () => new Promise((_, no) => (open['slow'] = () => no(new Error('no')))));
    const withdraw = doing('withdraw', ({ context }) => {
      undone.push(context.task);
      return {};
    });
    const flow = workflow({
      ...{ id: 'flow', strategy: AT_ONCE },
      tasks: {
        first: task({ capability: 'do', ...given, compensate: { capability: 'withdraw' } }),
        c: call({ workflow: undoing, ...given }),
        fails: task({ capability: 'slow', ...given }),
      },
    });
    const agents = { undo, slow, withdraw, do: doing('do', () => ({})), break: breaking() };
    const world = await opened(flow, agents);
    open['slow']!();
    await world.settle();
    expect(world.snapshot('flow/1').context).toMatchObject({
      nodes: { first: { status: 'complete' }, c: { status: 'cancelling' }, fails: { status: 'failed' } },
      ending: { how: 'fail' },
    });
    await world.tell('flow/1', abort);
    open['undo']!();
    await world.settle();
    expect([undone, world.snapshot('flow/1').error]).toMatchObject([
      ['undo first'],
      { class: 'cancelled', by: 'ada' },
    ]);
    expect((await world.system.runs.status('flow/1')).tasks[2]).toMatchObject({
      ...{ task: 'fails', status: 'failed', problem: { message: 'Error: no' } },
    });
  });
});
