// The lie: "nobody is waited for without end". A task about which a person is asked, a call that must be approved, and work that a
// person is to do: they are reminded, others are asked, and it ends; in working time, wherever the machine dies.
import { call, extend, human, map, strategies, task, workflow, workflowFrom } from 'heddle/actors';
import type { WorkingCalendar } from 'heddle/actors';
import type { Decider } from 'heddle';
import { describe, expect, it } from 'vitest';
import { doing, World } from './staffed-world.ts';

const HOUR = 3_600_000;
/** Eight hours a day. The clock begins on a Tuesday, at midnight. */
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri'] as const;
const OFFICE: WorkingCalendar = {
  zone: 'UTC',
  hours: Object.fromEntries(DAYS.map((day) => [day, ['09:00-17:00']])),
};
const LADDER = {
  remind: ['2 hours'],
  within: '8 hours',
  escalateTo: 'boss',
  escalatedWithin: '6 hours',
} as const;

const broken = doing('broken', () => {
  throw new Error('no');
});
const ask = extend(strategies.standard, {
  name: 'ask',
  rows: { crash: [{ do: 'review', role: 'editor' }] },
});
const obliging = (gate: object): Decider => ({
  hash: 'obliging',
  decide: ({ action }) => ({
    ...{ effect: 'permit', determining: ['all'], reasons: [] },
    obligations: action.name === 'agent.call' ? [{ type: 'gate', role: 'editor', ...gate }] : [],
  }),
});

/** Runs it for a while, killed every six hours. @returns what was emitted, with the day and the hour */
async function emittedIn(hours: number, actors: object, decider: object = obliging({})) {
  const heard: string[] = [];
  const onEmit = ({ type }: { type: string }) =>
    /reminded|escalated|decided/.test(type) &&
    heard.push(`${new Date(world.clock.now()).toISOString().slice(8, 13)} ${type.slice(7)}`);
  const options = { actors: actors as never, decider, onEmit: onEmit as never };
  const world = await World.open(options);
  await world.start('flow', '1');
  for (let hour = 0; hour < hours; hour += 6) {
    await world.advance(6 * HOUR);
    await world.crash();
  }
  return { world, heard: [...new Set(heard)] };
}

const nobody: Decider = {
  hash: 'free',
  decide: () => ({ effect: 'permit', determining: ['all'], reasons: [], obligations: [] }),
};

describe('a task about which a person is asked', () => {
  it('reminds, asks others, and has failed in the end', async () => {
    const flow = workflow({
      id: 'flow',
      tasks: { one: task({ agent: 'broken', strategy: ask, review: LADDER }) },
    });
    const { world, heard } = await emittedIn(18, { flow, broken }, nobody);
    expect(heard).toEqual(['01T02 reminded', '01T08 escalated', '01T14 decided']);
    expect(world.snapshot('flow/1').context.nodes.one.problem).toMatchObject({
      ...{ class: 'rejected', message: 'nobody has decided in time' },
    });
  });

  it('does so instead of failing, within a list and a workflow within a workflow, in the working time of that', async () => {
    const inner = workflow({
      id: 'inner',
      calendar: OFFICE,
      tasks: {
        each: map({
          over: () => [{}],
          each: task({
            agent: 'broken',
            onError: { escalateTo: 'editor' },
            strategy: strategies.standard,
            review: LADDER,
          }),
        }),
      },
    });
    const flow = workflow({ id: 'flow', tasks: { sub: call({ workflow: inner }) } });
    const { world, heard } = await emittedIn(60, { flow, inner, broken }, nobody);
    // What would be due at the end of a day is due when the next begins.
    expect(heard).toEqual(['01T11 reminded', '02T09 escalated', '02T15 decided']);
    expect(world.system.reviews.get('flow/1/sub/each/0/review')).toMatchObject({
      ...{ status: 'expired', roles: ['editor', 'boss'], calendar: OFFICE },
    });
  });

  it('waits on, overdue, where that is said', async () => {
    const flow = workflow({
      id: 'flow',
      tasks: {
        one: task({ agent: 'broken', strategy: ask, review: { within: '1 hour', onExpire: 'stay' } }),
      },
    });
    const { world } = await emittedIn(6, { flow, broken }, nobody);
    expect(world.system.reviews.get('flow/1/one/review')).toMatchObject({
      status: 'pending',
      isOverdue: true,
    });
  });
});

describe('a call that must be approved', () => {
  const clerk = doing('clerk', () => ({}));
  const flowWith = (calendar?: WorkingCalendar) =>
    workflow({
      id: 'flow',
      ...(calendar && { calendar }),
      tasks: { one: task({ agent: 'clerk', review: LADDER }) },
    });

  it('is reminded of, and asked of others, as the task says', async () => {
    const { world, heard } = await emittedIn(18, { flow: flowWith(), clerk });
    expect(heard).toEqual(['01T02 reminded', '01T08 escalated', '01T14 decided']);
    expect(world.snapshot('flow/1').context.nodes.one.problem).toMatchObject({
      message: 'nobody has approved the call in time',
    });
  });

  it('waits no longer than the obligation says, as the clock goes, whatever the task does', async () => {
    const { heard } = await emittedIn(18, { flow: flowWith(), clerk }, obliging({ within: '10 hours' }));
    expect(heard).toEqual(['01T02 reminded', '01T08 escalated', '01T10 decided']);
    const inOffice = await emittedIn(18, { flow: flowWith(OFFICE), clerk }, obliging({ within: '12 hours' }));
    expect(inOffice.heard).toEqual(['01T11 reminded', '01T12 decided']);
    const longer = await emittedIn(18, { flow: flowWith(), clerk }, obliging({ within: '2 days' }));
    expect(longer.heard.at(-1)).toBe('01T14 decided');
  });
});

describe('work for a person', () => {
  const person = (more: object) =>
    human({
      ...{ name: 'writer', role: 'writer', capabilities: ['write'], within: '8 hours', ...more },
      inputSchema: { type: 'object' },
      outputSchema: { type: 'object' },
    });
  const flowWith = (more: object = {}) =>
    workflow({
      id: 'flow',
      tasks: {
        one: task({
          agent: 'writer',
          strategy: extend(strategies.standard, { name: 'once', rows: { timeout: [{ do: 'fail' }] } }),
          ...more,
        }),
      },
    });

  it('is counted in the working time that they say, and not past the deadline of the task', async () => {
    const plain = await emittedIn(12, { flow: flowWith(), writer: person({}) }, nobody);
    expect(plain.heard).toEqual(['01T08 decided']);
    const office = await emittedIn(36, { flow: flowWith(), writer: person({ calendar: OFFICE }) }, nobody);
    expect(office.heard).toEqual(['02T09 decided']);
    expect(office.world.snapshot('flow/1').context.nodes.one.problem.class).toBe('timeout');
    const writer = person({ calendar: OFFICE });
    const late = await emittedIn(36, { flow: flowWith({ deadline: '12 hours' }), writer }, nobody);
    expect(late.heard).toEqual(['01T12 decided']);
  });

  it.each([
    [{ calendar: { zone: 'Mars', hours: {} } }, '#/calendar/zone'],
    [{ calendar: OFFICE, within: '2 days' }, '#/within'],
    [{ calendar: OFFICE, within: undefined }, '#/calendar'],
  ])('is refused at once where its times make no sense: %j', (more, pointer) => {
    expect(() => person(more)).toThrow(
      expect.objectContaining({
        problems: expect.arrayContaining([expect.objectContaining({ pointer })]) as unknown,
      }),
    );
  });
});

describe('a file', () => {
  it('says it as code does', () => {
    const review = { remind: ['2 hours'], within: '8 hours', escalateTo: 'boss', calendar: OFFICE };
    const file = { id: 'flow', tasks: { one: { kind: 'task', capability: 'x', review } } };
    expect(() => workflowFrom(file)).not.toThrow();
    const wrong = { ...file, tasks: { one: { ...file.tasks.one, review: { ...review, within: '2 days' } } } };
    expect(() => workflowFrom(wrong)).toThrow('#/tasks/one/review/within must be in hours');
  });
});
