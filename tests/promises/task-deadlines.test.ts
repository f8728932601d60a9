// The lies: "nobody is asked when the time of a task is over", "whoever lets a task go on gives it time".
import { budget, extend, FaultError, strategies, task, workflow } from 'heddle/actors';
import type { Strategy } from 'heddle/actors';
import { describe, expect, it } from 'vitest';
import { everybodyMay } from './staffed.ts';
import { doing, World } from './staffed-world.ts';

const MINUTE = 60_000;

/** What the task does about a crash. */
const onCrash = (rung: Strategy['rows']['crash'][number]): Strategy =>
  extend(strategies.standard, { name: 'test', rows: { crash: [rung] } });

const flowOf = (strategy: Strategy = strategies.standard) =>
  workflow({
    id: 'flow',
    budget: budget({ limit: 1 }),
    strategy,
    tasks: { work: task({ agent: 'clerk', deadline: '1 minute' }) },
  });

/** A clerk that breaks the first time, and notes how much time it has each time. */
function broken() {
  const given: number[] = [];
  const clerk = doing('clerk', ({ constraints }) => {
    given.push(constraints.timeout);
    if (given.length === 1) throw new FaultError({ class: 'crash', message: 'it broke', cost: 0 as never });
    return {};
  });
  return { given, clerk };
}

const CLEARED = {
  hash: 'test',
  decide: ({ action }: { action: { name: string } }) => ({
    ...{ effect: 'permit', determining: ['all'], reasons: [] },
    obligations: action.name === 'agent.call' ? [{ type: 'gate', role: 'treasurer' }] : [],
  }),
};

describe('the deadline of a task', () => {
  it('is over before a call was approved: nobody is asked, and no money is held', async () => {
    let calls = 0;
    const clerk = doing('clerk', () => (calls++, {}));
    const world = await World.open({ actors: { flow: flowOf(), clerk }, decider: CLEARED });
    await world.start('flow', '1');
    await world.advance(2 * MINUTE);
    await world.crash();
    const approval = { by: 'tess', verdict: 'approve', reason: 'fine' } as const;
    await world.system.reviews.decide('flow/1/work/clearance', approval);
    await world.until(() => world.snapshot('flow/1').status !== 'active');
    expect(calls).toBe(0);
    expect(world.snapshot('flow/1').error).toMatchObject({ class: 'timeout' });
    expect(world.snapshot('flow/1/account').context.window).toMatchObject({ spent: 0, reserved: 0 });
  });

  it('begins anew when somebody lets it go on that was parked', async () => {
    const { given, clerk } = broken();
    const world = await World.open({ actors: { flow: flowOf(onCrash({ do: 'park' })), clerk } });
    await world.start('flow', '1');
    expect(world.snapshot('flow/1/work').value).toBe('parked');
    await world.advance(5 * MINUTE);
    await world.tell('flow/1', { type: 'task.resume', task: 'work', by: 'olga' });
    expect(world.snapshot('flow/1').status).toBe('done');
    expect(given).toEqual([MINUTE, MINUTE]);
  });

  it('begins anew when somebody approves of another try', async () => {
    const { given, clerk } = broken();
    const flow = flowOf(onCrash({ do: 'review', role: 'editor' }));
    const world = await World.open({ actors: { flow, clerk }, decider: everybodyMay });
    await world.start('flow', '1');
    await world.advance(5 * MINUTE);
    const approval = { by: 'ada', verdict: 'approve', reason: 'again' } as const;
    await world.system.reviews.decide('flow/1/work/review', approval);
    await world.until(() => world.snapshot('flow/1').status === 'done');
    expect(given).toEqual([MINUTE, MINUTE]);
  });
});
