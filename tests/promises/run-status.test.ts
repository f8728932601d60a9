// The lie: "a status tells everything that one has to know". Whatever keeps a run from going on is told, with for whom; no decision is ever
// lost; what is told cannot be changed into what is; and each field leads to the record that has made it what it is.
import { InvalidArgument } from 'heddle';
import {
  budget,
  call,
  extend,
  FaultError,
  gate,
  human,
  map,
  roles,
  strategies,
  task,
  vote,
  workflow,
} from 'heddle/actors';
import type { PartStatus, RunStatus } from 'heddle/actors';
import { describe, expect, it } from 'vitest';
import { OVER } from '../../actors/state/standing.ts';
import { doing, World } from './staffed-world.ts';

const PERMITTING = roles(`
roles: { all: {} }
grants:
  - { id: everything, to: everyone, actions: ['*'], resources: any }
`);

/** Has a treasurer approve every call of an agent. */
const CLEARING = {
  hash: 'clearing',
  decide: ({ action }: { readonly action: { readonly name: string } }) => ({
    ...{ effect: 'permit', determining: ['r'], reasons: [] },
    obligations: action.name === 'agent.call' ? [{ type: 'gate', role: 'treasurer' }] : [],
  }),
};

const clerk = doing('clerk', () => ({ done: true }));
const failing = doing('failing', () => {
  throw new FaultError({ class: 'crash', message: 'it is broken' });
});
/** Never answers. */
const slow = doing('slow', () => new Promise(() => {}));

const withCrash = (rung: { readonly do: 'review'; readonly role: string } | { readonly do: 'fail' }) =>
  extend(strategies.standard, { name: 'of crashes', rows: { crash: [rung] } });

const statusOf = (world: World, run: string, at?: number): Promise<RunStatus> =>
  world.system.runs.status(run, at === undefined ? {} : { at });

const allIn = (parts: readonly PartStatus[]): PartStatus[] =>
  parts.flatMap((part) => [part, ...allIn(part.parts ?? [])]);

describe('decisions', () => {
  const asking = workflow({
    id: 'asking',
    strategy: withCrash({ do: 'review', role: 'boss' }),
    tasks: { work: task({ agent: 'failing' }) },
  });

  const decide = async (world: World, by: string, verdict: 'approve' | 'reject', review = 'review') => {
    const decision = { by, verdict, reason: `says ${by}` };
    await world.system.reviews.decide(`asking/1/work/${review}`, decision);
    await world.settle();
  };

  it('are all kept, in order, though the task asks again under the same address', async () => {
    const world = await World.open({ actors: { asking, failing }, decider: PERMITTING });
    await world.start('asking', '1');
    const told = async () =>
      (await statusOf(world, 'asking/1')).decisions.map(({ by, what }) => `${by} ${what}`);
    // In virtual time all of it happens in the same moment, and the same person may say the same again.
    await decide(world, 'ada', 'approve');
    expect(await told()).toEqual(['ada approve']);
    await decide(world, 'ada', 'approve');
    await world.crash();
    expect(await told()).toEqual(['ada approve', 'ada approve']);
    await decide(world, 'bob', 'reject');
    expect(await told()).toEqual(['ada approve', 'ada approve', 'bob reject']);
    const { decisions, state } = await statusOf(world, 'asking/1');
    expect(state).toBe('failed');
    expect(decisions[2]).toEqual({
      ...{ review: 'asking/1/work/review', what: 'reject', by: 'bob', at: world.clock.now() },
      ...{ hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string, reason: 'says bob' },
    });
    const { seq } = (await world.history('asking/1')).at(-1)!;
    expect((await statusOf(world, 'asking/1', seq)).decisions).toEqual(decisions);
    // Each in the record in which it was taken.
    const run = world.system.runs.of('asking/1');
    expect(await run.blame('decisions[2]')).toMatchObject({
      ...{ address: 'asking/1/work/review', event: { type: 'review.reject', by: 'bob' } },
      after: decisions[2],
    });
    expect(await run.blame('decisions[3]')).toBeUndefined();
  });

  it('about calls that must be approved first are asked for, and told', async () => {
    const each = workflow({
      id: 'asking',
      tasks: {
        work: task({ agent: 'clerk' }),
        list: map({ over: () => [{}], each: task({ agent: 'clerk' }) }),
      },
    });
    const world = await World.open({ actors: { asking: each, clerk }, decider: CLEARING });
    await world.start('asking', '1');
    const before = await statusOf(world, 'asking/1');
    expect(before).toMatchObject({
      ...{ state: 'waiting', decisions: [] },
      waits: [
        { task: 'work', for: 'person', roles: ['treasurer'], why: 'work is about to ask clerk: may it?' },
        { task: 'list/0', for: 'person', roles: ['treasurer'] },
      ],
    });
    expect(allIn(before.tasks).map(({ status }) => status)).toEqual(['waiting', 'waiting', 'waiting']);
    await decide(world, 'tess', 'approve', 'clearance');
    expect(await statusOf(world, 'asking/1')).toMatchObject({
      decisions: [{ review: 'asking/1/work/clearance', what: 'approve', by: 'tess' }],
      tasks: [{ status: 'complete' }, { status: 'waiting' }],
    });
  });

  it('of work that a person was given are kept with what they have supplied', async () => {
    const TEXT = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } as const;
    const writer = human({
      ...{ name: 'writer', capabilities: ['write'], role: 'writer' },
      ...{ inputSchema: TEXT, outputSchema: TEXT },
    });
    const writing = workflow({
      id: 'asking',
      inputSchema: TEXT,
      tasks: { list: map({ over: (_, { input }) => [input], each: task({ agent: 'writer' }) }) },
    });
    const world = await World.open({ actors: { asking: writing, writer }, decider: PERMITTING });
    await world.start('asking', '1', { text: 'about tides' });
    expect((await statusOf(world, 'asking/1')).tasks[0]!.parts).toMatchObject([{ status: 'waiting' }]);
    const edits = [{ op: 'replace', pointer: '', value: { text: 'ebb' } }] as const;
    const supply = { by: 'ada', verdict: 'approve', reason: 'done', edits } as const;
    await world.system.reviews.decide('asking/1/list/0/review', supply);
    await world.settle();
    const { decisions } = await statusOf(world, 'asking/1');
    expect(decisions.map(({ what }) => what).sort()).toEqual(['approve', 'edit']);
  });
});

describe('what is halted', () => {
  it('is told as parked, with by which halt: in lists, and in runs within', async () => {
    const inner = workflow({ id: 'inner', tasks: { x: task({ agent: 'clerk' }) } });
    const flow = workflow({
      id: 'flow',
      tasks: {
        one: task({ agent: 'clerk' }),
        each: map({ over: () => [{}, {}], each: task({ agent: 'clerk' }) }),
        within: map({ over: () => [{}], each: inner }),
      },
    });
    const world = await World.open({ actors: { flow, inner, clerk } });
    await world.system.halts.halt({ agent: 'clerk' }, { by: 'ada', reason: 'it makes things up' });
    await world.start('flow', '1');
    const { state, tasks, waits } = await statusOf(world, 'flow/1');
    expect(state).toBe('parked');
    const stand = allIn(tasks).map(({ task: name, status }) => `${name} ${status}`);
    expect(stand).toEqual(
      expect.arrayContaining([
        ...['one parked', 'each parked', 'each/0 parked', 'each/1 parked'],
        ...['within/0 parked', 'within/0/x parked'],
      ]),
    );
    expect(waits.map((wait) => wait.task)).toEqual(['one', 'each/0', 'each/1', 'within/0/x']);
    expect(waits[0]).toMatchObject({
      ...{ for: 'operator', halts: ['agent:clerk'] },
      why: expect.stringContaining('agent clerk is halted by ada: it makes things up') as string,
    });
    await world.system.halts.lift({ agent: 'clerk' }, { reason: 'mended' });
    await world.settle();
    expect(await statusOf(world, 'flow/1')).toMatchObject({ state: 'complete', waits: [] });
  });

  it('is told of what undoes something, too', async () => {
    const flow = workflow({
      id: 'flow',
      strategy: withCrash({ do: 'fail' }),
      tasks: {
        made: task({ agent: 'clerk', compensate: { agent: 'undoer' } }),
        bad: task({ needs: ['made'], agent: 'failing', onError: 'compensate' }),
      },
    });
    const undoer = doing('undoer', () => ({}));
    const world = await World.open({ actors: { flow, clerk, failing, undoer } });
    await world.system.halts.halt({ agent: 'undoer' }, { reason: 'wait' });
    await world.start('flow', '1');
    const { state, tasks, waits } = await statusOf(world, 'flow/1');
    expect(state).toBe('parked');
    expect(tasks[0]).toMatchObject({
      status: 'compensating',
      parts: [{ task: 'undo made', status: 'parked' }],
    });
    expect(waits).toMatchObject([{ task: 'undo made', halts: ['agent:undoer'] }]);
  });

  it('is told of whoever waits for others to confirm an answer', async () => {
    const other = doing('other', () => ({ done: true }), { capabilities: ['work'] });
    const first = doing('first', () => ({ done: true }), { capabilities: ['work'], cost: 0.001 });
    const flow = workflow({
      id: 'flow',
      tasks: {
        each: map({
          over: () => [{}],
          each: task({
            capability: 'work',
            verify: [vote({ of: 2, agree: 2, on: ['#/done'], models: 'any' })],
          }),
        }),
      },
    });
    const world = await World.open({ actors: { flow, first, other } });
    await world.system.halts.halt({ agent: 'other' }, { reason: 'wait' });
    await world.start('flow', '1');
    const { tasks, waits } = await statusOf(world, 'flow/1');
    expect(allIn(tasks).map(({ task: name, status }) => `${name} ${status}`)).toEqual([
      ...['each parked', 'each/0 parked', 'each/0/poll/1 parked'],
    ]);
    expect(waits).toMatchObject([{ task: 'each/0/poll/1', halts: ['agent:other'] }]);
  });
});

describe('a status', () => {
  it('tells what is reserved for the tasks of a run within it, whoever pays', async () => {
    const inner = workflow({ id: 'inner', tasks: { x: task({ agent: 'slow' }) } });
    const innermost = workflow({ id: 'innermost', tasks: { y: call({ workflow: inner }) } });
    const flow = workflow({
      id: 'flow',
      budget: budget({ limit: 1 }),
      tasks: { within: call({ workflow: innermost }) },
    });
    const world = await World.open({ actors: { flow, inner, innermost, slow } });
    await world.start('flow', '1');
    const { money, tasks } = await statusOf(world, 'flow/1');
    expect(money.reserved).toBe(10_000);
    expect(allIn(tasks).map(({ task: name, reserved }) => `${name} ${reserved}`)).toEqual([
      ...['within 10000', 'within/y 10000', 'within/y/x 10000'],
    ]);
  });

  it('tells of a run within it what was reserved back then, also where others pay', async () => {
    let answer = (): void => {};
    const quick = doing('quick', () => new Promise((resolve) => (answer = () => resolve({}))));
    const inner = workflow({
      id: 'inner',
      tasks: { x: task({ agent: 'slow' }), y: task({ agent: 'quick' }) },
    });
    const flow = workflow({
      id: 'flow',
      budget: budget({ limit: 1 }),
      tasks: { within: call({ workflow: inner }) },
    });
    const world = await World.open({ actors: { flow, inner, quick, slow } });
    await world.start('flow', '1');
    answer();
    await world.settle();
    const before = await statusOf(world, 'flow/1/within');
    expect(before.tasks.map(({ task: name, reserved }) => `${name} ${reserved}`)).toEqual(['x 10000', 'y 0']);
    const { length } = await world.history('flow/1/within');
    await world.tell('flow/1', { type: 'run.abort', by: 'ada', reason: 'enough' });
    expect(await statusOf(world, 'flow/1/within', length)).toEqual(before);
  });

  it('names as next whatever has enough with what is at work, by its join', async () => {
    const flow = workflow({
      id: 'flow',
      tasks: {
        a: task({ agent: 'slow' }),
        b: task({ agent: 'slow' }),
        later: task({ needs: ['a'], agent: 'slow' }),
        all: task({ needs: ['a', 'later'], agent: 'slow' }),
        any: task({ needs: ['later', 'a'], join: 'any', agent: 'slow' }),
        first: task({ needs: ['later', 'b'], join: 'first-success', agent: 'slow' }),
        two: task({ needs: ['a', 'b', 'later'], join: { atLeast: 2 }, agent: 'slow' }),
        three: task({ needs: ['a', 'b', 'later'], join: { atLeast: 3 }, agent: 'slow' }),
      },
    });
    const world = await World.open({ actors: { flow, slow } });
    await world.start('flow', '1');
    expect((await statusOf(world, 'flow/1')).next).toEqual(['later', 'any', 'first', 'two']);
  });

  it('names nothing as next that needs what has not got a place yet', async () => {
    const flow = workflow({
      id: 'flow',
      parallel: 1,
      tasks: {
        a: task({ agent: 'slow' }),
        b: task({ agent: 'slow' }),
        c: task({ needs: ['b'], agent: 'slow' }),
        d: task({ needs: ['a', 'b'], join: 'any', agent: 'slow' }),
        e: task({ needs: ['a', 'b'], join: { atLeast: 2 }, agent: 'slow' }),
      },
    });
    const world = await World.open({ actors: { flow, slow } });
    await world.start('flow', '1');
    expect((await statusOf(world, 'flow/1')).next).toEqual(['b', 'd']);
  });

  it('of a run within a run tells how that has ended, and what it has come to', async () => {
    const well = workflow({ id: 'well', tasks: { a: task({ agent: 'clerk' }) } });
    const ill = workflow({
      id: 'ill',
      strategy: withCrash({ do: 'fail' }),
      tasks: { a: task({ agent: 'failing' }) },
    });
    const flow = workflow({
      id: 'flow',
      tasks: { well: call({ workflow: well }), ill: call({ workflow: ill, onError: 'skip' }) },
    });
    const clerk = doing('clerk', () => ({ done: true }));
    const failing = doing('failing', () => {
      throw new Error('it broke');
    });
    const world = await World.open({ actors: { flow, clerk, failing } });
    await world.start('flow', '1');
    await world.until(() => world.snapshot('flow/1').status !== 'active');
    const { runs } = world.system;
    const [{ output }, { problem }] = (await runs.status('flow/1')).tasks as [PartStatus, PartStatus];
    expect(await runs.status('flow/1/well')).toMatchObject({ state: 'complete', output });
    const failed = await runs.status('flow/1/ill');
    expect(failed).toMatchObject({
      state: 'failed',
      problem: { class: problem!.class },
    });
    expect(failed.output).toBeUndefined();
    for (const [run, field] of [
      ['well', 'output.done'],
      ['ill', 'problem.class'],
    ] as const)
      expect(await runs.of(`flow/1/${run}`).blame(field)).toMatchObject({ address: `flow/1/${run}` });
  });

  it('of a run that was stopped says of nobody that they are at work, or wait', async () => {
    const stopped = workflow({
      id: 'stopped',
      parallel: 2,
      tasks: {
        done: task({ agent: 'clerk' }),
        work: task({ agent: 'slow' }),
        list: map({ over: () => [{}, {}], each: task({ agent: 'slow' }) }),
        ask: gate({ needs: ['done'], role: 'boss' }),
        last: task({ needs: ['work'], agent: 'clerk' }),
      },
    });
    const world = await World.open({ actors: { stopped, clerk, slow }, decider: PERMITTING });
    await world.start('stopped', '1');
    const before = await statusOf(world, 'stopped/1');
    expect(before.tasks.map(({ status }) => status)).toEqual(
      expect.arrayContaining(['complete', 'running', 'ready', 'pending']),
    );
    await world.system.stop('stopped/1');
    await world.settle();
    const after = await statusOf(world, 'stopped/1');
    expect(after).toMatchObject({ state: 'stopped', waits: [], next: [] });
    const over = before.tasks.map(({ status }) =>
      OVER.has(status) || status === 'pending' ? status : 'cancelled',
    );
    expect(after.tasks.map(({ status }) => status)).toEqual(over);
    expect(allIn(after.tasks).map(({ status }) => status)).not.toContain('running');
  });

  it('says what blocks a node that is skipped, and what has refused one that failed', async () => {
    const flow = workflow({
      id: 'flow',
      strategy: withCrash({ do: 'fail' }),
      tasks: {
        bad: task({ agent: 'failing', onError: 'skip' }),
        blocked: task({ needs: ['bad'], agent: 'clerk' }),
        unwanted: task({ agent: 'clerk', when: () => false }),
        refused: task({ agent: 'secret', onError: 'skip' }),
      },
    });
    const secret = doing('secret', () => ({}));
    const decider = {
      hash: 'no secrets',
      decide: ({ resource }: { readonly resource: { readonly id: string } }) => ({
        ...{ effect: resource.id === 'secret' ? 'deny' : 'permit', determining: ['r1'], reasons: [] },
        obligations: [],
      }),
    };
    const world = await World.open({ actors: { flow, failing, clerk, secret }, decider });
    await world.start('flow', '1');
    await world.advance(1000);
    const { tasks } = await statusOf(world, 'flow/1');
    expect(tasks).toMatchObject([
      { task: 'bad', status: 'failed', problem: { class: 'crash' } },
      { task: 'blocked', status: 'skipped', skipped: 'blocked', blockedBy: 'bad' },
      { task: 'unwanted', status: 'skipped', skipped: 'condition' },
      { task: 'refused', status: 'failed', problem: { class: 'not-permitted' } },
    ]);
  });

  it('cannot be changed into what the run is', async () => {
    const flow = workflow({
      id: 'flow',
      shared: { all: { reduce: 'append', initial: [] } },
      tasks: {
        made: task({ agent: 'clerk', writes: { all: (output) => output } }),
        ask: gate({ needs: ['made'], role: 'boss' }),
      },
    });
    const world = await World.open({ actors: { flow, clerk }, decider: PERMITTING });
    await world.start('flow', '1', { list: [{ n: 1 }] });
    const status = await statusOf(world, 'flow/1');
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every(frozen));
    expect(frozen(status)).toBe(true);
    expect(status.input.value).toEqual({ list: [{ n: 1 }] });
    const { list } = status.input.value as { list: { n: number }[] };
    expect(() => list.push({ n: 2 })).toThrow(TypeError);
    expect(() => void (list[0]!.n = 2)).toThrow(TypeError);
    expect(world.snapshot('flow/1').context.input).toEqual({ list: [{ n: 1 }] });
  });

  it('is refused as of what is no record, with where that was said and what it should be', async () => {
    const flow = workflow({ id: 'flow', tasks: { work: task({ agent: 'clerk' }) } });
    const world = await World.open({ actors: { flow, clerk } });
    await world.start('flow', '1');
    const { system } = world;
    const { runs } = system;
    const hash = `sha256:${'0'.repeat(64)}`;
    for (const at of ['3', 0, 1.5, NaN, null, {}, true, 10n] as never[])
      for (const asked of [
        runs.status('flow/1', { at }),
        runs.route('flow/1/work', { at }),
        runs.of('flow/1').blame('state', { at }),
        system.lineage(hash, { run: 'flow/1', at }),
      ])
        await expect(asked).rejects.toMatchObject({
          ...{ code: 'HEDDLE_INVALID_ARGUMENT', path: 'at' },
          message: expect.stringContaining('such as 12') as string,
        });
    // Who forgets the braces is not told of now.
    for (const asked of [runs.status('flow/1', 1 as never), runs.route('flow/1/work', '1' as never)])
      await expect(asked).rejects.toMatchObject({ path: 'options' });
  });

  it('is refused of what is no address, with where that was said', async () => {
    const world = await World.open({ actors: { clerk } });
    const { runs } = world.system;
    const wrong = undefined as never;
    for (const [asked, path] of [
      [runs.status(wrong), 'address'],
      [runs.status(''), 'address'],
      [runs.route(wrong), 'task'],
      [runs.watch(wrong).next(), 'address'],
      [runs.of(wrong).blame('state'), 'address'],
      [world.system.lineage(`sha256:${'0'.repeat(64)}`, { at: 1 }), 'at'],
    ] as const)
      await expect(asked).rejects.toMatchObject({ code: 'HEDDLE_INVALID_ARGUMENT', path });
  });
});

describe('whoever watches', () => {
  it('hears of a claim of the review of a task, also of the next one', async () => {
    const asking = workflow({
      id: 'asking',
      strategy: withCrash({ do: 'review', role: 'boss' }),
      tasks: { work: task({ agent: 'failing' }) },
    });
    const world = await World.open({ actors: { asking, failing }, decider: PERMITTING });
    await world.start('asking', '1');
    const stop = new AbortController();
    const seen: (string | undefined)[] = [];
    const watching = (async () => {
      const { signal } = stop;
      for await (const { waits } of world.system.runs.watch('asking/1', { signal })) seen.push(waits[0]?.by);
    })();
    await world.settle();
    await world.system.reviews.claim('asking/1/work/review', { by: 'ada' });
    await world.settle();
    expect(seen.at(-1)).toBe('ada');
    await world.system.reviews.decide('asking/1/work/review', {
      by: 'ada',
      verdict: 'approve',
      reason: 'again',
    });
    await world.settle();
    expect(seen.at(-1)).toBeUndefined();
    await world.system.reviews.claim('asking/1/work/review', { by: 'bob' });
    await world.settle();
    expect(seen.at(-1)).toBe('bob');
    stop.abort();
    await watching;
  });
});

describe('blame', () => {
  const inner = workflow({ id: 'inner', tasks: { x: task({ agent: 'clerk' }) } });
  const flow = workflow({
    id: 'flow',
    budget: budget({ limit: 1 }),
    shared: { all: { reduce: 'append', initial: [] } },
    tasks: {
      made: task({ agent: 'clerk', writes: { all: (output) => output } }),
      'two-words': task({ agent: 'clerk' }),
      each: map({ over: () => [{ n: 1 }, { n: 2 }], each: task({ agent: 'clerk' }) }),
      within: call({ workflow: inner }),
      ask: gate({ needs: ['made', 'each', 'within'], role: 'boss' }),
      last: task({ needs: ['ask'], agent: 'slow' }),
    },
  });

  async function waiting(): Promise<World> {
    const world = await World.open({ actors: { flow, inner, clerk, slow }, decider: PERMITTING });
    await world.start('flow', '1', { topic: 'tides' });
    await world.until(() => world.snapshot('flow/1').context.nodes.ask.status === 'waiting');
    await world.system.reviews.claim('flow/1/ask', { by: 'ada' });
    await world.settle();
    return world;
  }

  it('leads from every field that a status shows to a record', async () => {
    const world = await waiting();
    const status = await statusOf(world, 'flow/1');
    const run = world.system.runs.of('flow/1');
    const fields = [
      ...Object.keys(status).filter((field) => !['sources', 'decisions'].includes(field)),
      ...Object.keys(status.money).map((field) => `money.${field}`),
      ...allIn(status.tasks).flatMap((part) =>
        Object.entries(part)
          .filter(([, value]) => !(Array.isArray(value) && value.length === 0) && value !== 0)
          .map(([field]) => `tasks["${part.task}"].${field}`),
      ),
    ];
    expect(fields.length).toBeGreaterThan(80);
    for (const field of fields) {
      const blamed = await run.blame(field);
      expect([field, blamed?.address]).toEqual([field, expect.stringMatching(/^flow\/1/)]);
    }
  });

  it.each([
    ['state', 'flow/1', 'xstate.done.actor.'],
    ['tasks.made.status', 'flow/1', 'xstate.done.actor.made'],
    ['tasks.made.output.done', 'flow/1', 'xstate.done.actor.made'],
    ['tasks.made.agent', 'flow/1/made', 'xstate.done.actor.consult'],
    ['tasks.made.cost', 'flow/1/made', 'xstate.done.actor.ask'],
    ['tasks.made.confidence', 'flow/1/made', 'xstate.done.actor.ask'],
    ['tasks.made.attempts[0].manifest', 'flow/1/made', 'xstate.done.actor.ask'],
    ['tasks.made.input', 'flow/1/made', 'xstate.init'],
    ['tasks["two-words"].status', 'flow/1', 'xstate.done.actor.two-words'],
    ['tasks[1].agent', 'flow/1/two-words', 'xstate.done.actor.consult'],
    ['tasks.each/1.input.n', 'flow/1/each/1', 'xstate.init'],
    ['tasks.each.parts[1].agent', 'flow/1/each/1', 'xstate.done.actor.consult'],
    ['tasks.each/0.output', 'flow/1/each/0', 'xstate.done.actor.ask'],
    ['tasks.within/x.status', 'flow/1/within', 'xstate.done.actor.x'],
    ['tasks.within.cost', 'flow/1/within/x', 'xstate.done.actor.ask'],
    ['tasks.ask.input', 'flow/1/ask', 'xstate.init'],
    ['tasks.ask.waits', 'flow/1/ask', 'review.claim'],
    ['waits[0].by', 'flow/1/ask', 'review.claim'],
    ['money.limit', 'flow/1/account', 'budget.begin'],
    ['money.remaining', 'flow/1/account', 'budget.'],
    ['shared.all', 'flow/1', 'xstate.done.actor.made'],
    ['startedAt', 'flow/1', 'xstate.init'],
  ])('of %s is a record of %s', async (field, address, type) => {
    const world = await waiting();
    const blamed = await world.system.runs.of('flow/1').blame(field);
    expect(blamed).toMatchObject({ address, event: { type: expect.stringContaining(type) as string } });
  });

  it('is of back then, when it is asked as of a record of the run', async () => {
    const world = await waiting();
    // A record of the run that is newer than everything below it.
    await world.tell('flow/1', { type: 'noted' });
    const at = (await world.history('flow/1')).at(-1)!.seq;
    const then = await world.system.runs.of('flow/1').blame('money.spent');
    await world.system.reviews.decide('flow/1/ask', { by: 'ada', verdict: 'approve', reason: 'fine' });
    await world.settle();
    const run = world.system.runs.of('flow/1');
    expect(await run.blame('state')).toMatchObject({
      event: { type: 'xstate.done.actor.ask' },
      after: 'running',
    });
    expect(await run.blame('state', { at })).toMatchObject({ after: 'waiting' });
    expect(await run.blame('money.reserved')).toMatchObject({ after: 10_000 });
    expect(await run.blame('money.spent', { at })).toEqual(then);
    expect(await run.blame('decisions', { at })).toBeUndefined();
    expect(await run.blame('decisions')).toMatchObject({ event: { type: 'review.approve' } });
    expect(await run.blame('tasks.last.agent', { at })).toBeUndefined();
    expect(await run.blame('tasks.last.agent')).toMatchObject({ after: 'slow' });
  });

  it('leads from what stands for an output to when it was looked at, and from an overdraft to the bill', async () => {
    const dear = doing('dear', () => ({}), { cost: 0.5, estimate: () => 0.01 });
    const poor = workflow({
      ...{ id: 'poor', budget: budget({ limit: 0.2 }) },
      tasks: {
        broken: task({
          ...{ agent: 'failing', strategy: withCrash({ do: 'fail' }) },
          onError: { value: { n: 1 } },
        }),
        other: task({ needs: ['broken'], agent: 'clerk' }),
        last: task({ needs: ['other'], agent: 'dear' }),
      },
    });
    const world = await World.open({ actors: { poor, clerk, dear, failing }, decider: PERMITTING });
    await world.start('poor', '1');
    const run = world.system.runs.of('poor/1');
    const status = await statusOf(world, 'poor/1');
    expect(status.tasks[1]!.instead).toMatchObject({ broken: { value: { n: 1 } } });
    for (const field of ['instead', 'instead.broken', 'instead["broken"].n'])
      expect([field, await run.blame(`tasks.other.${field}`)]).toMatchObject([
        field,
        { address: 'poor/1', at: status.tasks[1]!.startedAt },
      ]);
    for (const field of ['other.instead.broke', 'last.instead'])
      expect([field, await run.blame(`tasks.${field}`)]).toEqual([field, undefined]);
    expect(status.money.overdraft).toBeGreaterThan(0);
    expect(await run.blame('money.overdraft')).toMatchObject({
      ...{ address: 'poor/1/account', event: { type: 'budget.settle' } },
      after: status.money.overdraft,
    });
  });

  it.each([
    'constructor',
    '',
    'tasks.constructor',
    'tasks.nobody.status',
    'tasks.made.__proto__',
    'tasks.made.nothing',
  ])('refuses %j, which is no field', async (field) => {
    const world = await waiting();
    await expect(world.system.runs.of('flow/1').blame(field)).rejects.toBeInstanceOf(InvalidArgument);
  });

  it('says that nothing ever stood where nothing did', async () => {
    const world = await waiting();
    const run = world.system.runs.of('flow/1');
    for (const field of [
      'output',
      'problem',
      'tasks.last.agent',
      'tasks.ask.confidence',
      'sources[0]',
      'tasks.each/7.agent',
      'tasks["undo made"].status',
      'decisions[0]',
    ])
      expect([field, await run.blame(field)]).toEqual([field, undefined]);
  });
});
