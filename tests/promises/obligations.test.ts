// The lie: "permitted, on condition that". Obligations of every kind on calls of agents, tools and approvals: each is met before the call,
// and stands in the journal before it; one that is unknown, misspelt or impossible is a refusal; data goes only where their labels let it.
import { readFileSync } from 'node:fs';
import { agent, budget, from, gate, human, map, mcp, roles, router, task, workflow } from 'heddle/actors';
import type { Assignment } from 'heddle/actors';
import type { Decider, Decision, Obligation } from 'heddle';
import { account } from 'heddle/machines';
import { describe, expect, it } from 'vitest';
import { doing, World } from './staffed-world.ts';
import { rejection } from './systems.ts';

const NO: Decision = { effect: 'deny', determining: ['no-pii'], reasons: ['no'], obligations: [] };
const PERMIT: Decision = { effect: 'permit', determining: ['rule'], reasons: [], obligations: [] };

/** Permits everything; calls of agents with obligations. */
const obliging = (...obligations: readonly Obligation[]): Decider => ({
  hash: 'obliging',
  decide: ({ action }) => (action.name === 'agent.call' ? { ...PERMIT, obligations } : PERMIT),
});

const pay = workflow({
  id: 'pay',
  budget: budget({ limit: 10 }),
  tasks: { work: task({ agent: 'clerk', about: ({ amount }) => ({ amount: amount as number }) }) },
});

async function worldWith(decider: Decider, more: object = {}) {
  const asked: Assignment[] = [];
  const clerk = doing('clerk', (assignment) => (asked.push(assignment), { ok: true }), {
    cost: 0.5,
    ...more,
  });
  const emitted: { type: string }[] = [];
  const world = await World.open({
    actors: { pay, clerk },
    decider,
    onEmit: (event: { type: string }) => void emitted.push(event),
  });
  return { world, asked, emitted };
}

describe('a gate that is asked for', () => {
  const TABLE = `
roles: { treasurer: {} }
members:
  - { who: { type: user, id: tess }, roles: [treasurer] }
  - { who: { type: user, id: tom }, roles: [treasurer] }
grants:
  - { id: program, to: { principals: [{ type: program, id: main }] }, actions: ['*'], resources: any }
  - { id: people, to: everyone, actions: [start], resources: any }
  - { id: runs, to: { principals: [{ type: actor, id: 'pay/*' }] }, actions: [agent.call], resources: any }
  - id: large
    to: { principals: [{ type: actor, id: 'pay/*' }] }
    actions: [agent.call]
    resources: any
    when: [{ of: action.properties.amount, moreThan: 1000 }]
    obligations: [{ type: gate, role: treasurer, reason: more than 1000 }]
  - { id: treasurers, to: { roles: [treasurer] }, actions: ['review.*'], resources: [{ type: review }] }
`;

  it('stands before the call of a large amount, and of no other; and the workflow is the same', async () => {
    const { world, asked } = await worldWith(roles(TABLE));
    await world.start('pay', 'small', { amount: 1000 });
    expect([asked.length, world.snapshot('pay/small').status]).toEqual([1, 'done']);
    await world.start('pay', 'large', { amount: 1001 });
    expect([asked.length, world.snapshot('pay/large').context.nodes.work.status]).toEqual([1, 'waiting']);
    // Over a kill.
    await world.crash();
    const review = world.system.reviews.get('pay/large/work/clearance')!;
    expect(review).toMatchObject({
      title: 'work is about to ask clerk: may it?',
      content: { agent: 'clerk', maxCost: 0.5, input: { amount: 1001 } },
      roles: ['treasurer'],
      about: { obligation: 'more than 1000' },
    });
    expect(world.snapshot('pay/large/account').context.window).toMatchObject({ reserved: 0 });
    await world.system.reviews.decide(review.id, { by: 'tess', verdict: 'approve' });
    await world.settle();
    expect([asked.length, world.snapshot('pay/large').status]).toEqual([2, 'done']);
    const { permission } = world.snapshot('pay/large/work').context.advice;
    expect(permission).toMatchObject({ determining: ['large', 'runs'], met: ['gate'] });
  });

  it('is one with others, in which the strictest of each holds', async () => {
    const gates = [
      { type: 'gate', role: 'treasurer', quorum: 1, within: '1 hour', reason: 'a' },
      { type: 'gate', role: 'treasurer', quorum: 2, within: '4 hours', reason: 'b' },
    ];
    for (const of of [gates, gates.toReversed()]) {
      const { world, asked } = await worldWith(obliging(...of));
      await world.start('pay', '1', { amount: 1 });
      const { quorum } = world.snapshot('pay/1/work/clearance').context as { readonly quorum: number };
      expect([quorum, asked.length]).toEqual([2, 0]);
      for (const by of ['tess', 'tom']) {
        await world.system.reviews.decide('pay/1/work/clearance', { by, verdict: 'approve' });
        await world.settle();
        expect(asked.length).toBe(by === 'tom' ? 1 : 0);
      }
      await world.start('pay', '2', { amount: 1 });
      await world.advance(3_600_000 - 1);
      expect(world.snapshot('pay/2').status).toBe('active');
      await world.advance(1);
      expect(world.snapshot('pay/2').status).toBe('error');
    }
  });

  it('takes no approval of whoever has started the run, and a refusal is the end of the task', async () => {
    const { world, asked } = await worldWith(roles(TABLE));
    await world.start('pay', '1', { amount: 5000 }, { type: 'user', id: 'tess' });
    const decide = (by: string, verdict: 'approve' | 'reject') =>
      world.system.reviews.decide('pay/1/work/clearance', { by, verdict, reason: 'too much' });
    expect(await rejection(decide('tess', 'approve'))).toMatchObject({ reason: 'not-permitted' });
    await decide('tom', 'reject');
    await world.settle();
    expect(asked).toEqual([]);
    expect(world.snapshot('pay/1').status).not.toBe('active');
    expect(world.snapshot('pay/1').context.nodes.work.problem).toMatchObject({
      class: 'rejected',
      message: 'tom has refused the call: too much',
    });
  });

  it('is asked again for another model that has come under the name meanwhile', async () => {
    const decider = obliging({ type: 'gate', role: 'any' });
    const { world, asked } = await worldWith(decider);
    await world.start('pay', '1', { amount: 1 });
    const other = doing('clerk', (assignment) => (asked.push(assignment), { ok: true }), {
      ...{ cost: 0.5, model: 'other' },
    });
    await world.crash({ actors: { pay, clerk: other } });
    const approve = () =>
      world.system.reviews.decide('pay/1/work/clearance', { by: 'tess', verdict: 'approve' });
    await approve();
    await world.settle();
    expect([asked.length, world.snapshot('pay/1/work').value]).toEqual([0, 'clearing']);
    await approve();
    await world.settle();
    expect([asked.length, world.snapshot('pay/1').status]).toEqual([1, 'done']);
  });

  it.each([
    ['that is forbidden', { ...PERMIT, effect: 'deny' }],
    ['that must be approved', { ...PERMIT, obligations: [{ type: 'gate', role: 'any' }] }],
  ] as const)('a call that was broken off is not made again with another model %s', async (_, ofOther) => {
    const decider: Decider = {
      hash: 'models',
      decide: ({ action, resource }) =>
        action.name === 'agent.call' && resource.properties?.['model'] === 'other' ? ofOther : PERMIT,
    };
    const clerk = doing('clerk', () => new Promise(() => {}));
    const world = await World.open({ actors: { pay, clerk }, decider });
    await world.start('pay', '1', { amount: 1 });
    expect(world.snapshot('pay/1/work').value).toBe('asking');
    const asked: unknown[] = [];
    const other = doing('clerk', (assignment) => (asked.push(assignment), {}), { model: 'other' });
    await world.crash({ actors: { pay, clerk: other } });
    expect(asked).toEqual([]);
    // The first call may have cost something.
    const { value, context } = world.snapshot('pay/1/work');
    expect([value, context.unknownCosts]).toEqual([ofOther.effect === 'deny' ? 'failed' : 'clearing', 1]);
  });

  it('a call in the shadow of another that was broken off is not made again with a model that is forbidden', async () => {
    const decider: Decider = {
      hash: 'models',
      decide: ({ action, resource }) =>
        action.name === 'agent.call' && resource.properties?.['model'] === 'other'
          ? { ...PERMIT, effect: 'deny' }
          : PERMIT,
    };
    const main = doing('main', () => ({ n: 1 }), { capabilities: ['work'] });
    const twin = doing('twin', () => new Promise(() => {}), { cost: 0.02 });
    const shadows = [{ agent: 'twin', of: 'main', share: 100, account: 'budget/twin', compare: ['/n'] }];
    const flow = workflow({ id: 'flow', tasks: { work: task({ agent: 'main' }) } });
    const actors = { flow, main, twin, budget: account() };
    const world = await World.open({ actors, decider, router: router({ shadows }) } as never);
    await world.start('budget', 'twin', { limit: 1 });
    await world.start('flow', '1');
    const asked: unknown[] = [];
    const other = doing('twin', (assignment) => (asked.push(assignment), { n: 1 }), { model: 'other' });
    await world.crash({ actors: { ...actors, twin: other } });
    expect(asked).toEqual([]);
    expect(world.snapshot('shadow/twin').context.recent).toMatchObject([
      {
        shadow: { fault: 'cancelled', message: 'twin is asked with other by now, and was chosen with local' },
      },
    ]);
    // The first call may have cost something.
    expect(world.snapshot('budget/twin').context.window).toMatchObject({ spent: 0, held: 20_000 });
  });

  it('is asked again for another input, and expires as a refusal', async () => {
    const { world, asked } = await worldWith(obliging({ type: 'gate', role: 'any', within: '1 hour' }));
    await world.start('pay', '1', { amount: 1 });
    await world.advance(3_600_001);
    expect([asked.length, world.snapshot('pay/1').context.nodes.work.problem.message]).toEqual([
      0,
      'nobody has approved the call in time',
    ]);
  });
});

describe('a table in which large amounts are approved by a treasurer', () => {
  // As it stands in docs/decisions.md, with the row of the program.
  const page = readFileSync(new URL('../../docs/decisions.md', import.meta.url), 'utf8');
  const [, written] = /### Obligations[^]*?```yml\n([^]*?)```/.exec(page)!;
  const program =
    "  - { id: program, to: { principals: [{ type: program, id: main }] }, actions: ['*'], resources: any }";
  const table = (attributes: string) =>
    roles(`${attributes}\n${written!.replace('grants:\n', `grants:\n${program}\n`)}`);

  const LARGE: readonly (readonly [amount: unknown])[] = [
    ['5000'],
    [null],
    [undefined],
    [[5000]],
    [5000],
    [1e21],
  ];

  describe.each([
    ['that declares nothing', ''],
    ['that declares a whole number', 'attributes: { action.properties.amount: integer }'],
  ])('%s', (_, attributes) => {
    it.each([...LARGE, ...(attributes ? ([[5.5]] as const) : [])])(
      'lets no amount of %j pass without them',
      async (amount) => {
        const { world, asked } = await worldWith(table(attributes));
        await world.start('pay', '1', amount === undefined ? {} : { amount });
        expect(asked).toEqual([]);
        expect(world.system.reviews.get('pay/1/work/clearance')).toMatchObject({
          status: 'pending',
          roles: ['treasurer'],
        });
      },
    );

    it('lets small ones pass', async () => {
      const { world, asked } = await worldWith(table(attributes));
      await world.start('pay', '1', { amount: 1000 });
      expect(asked.length).toBe(1);
    });
  });

  it.each([
    ['a promise', () => Promise.resolve({ amount: 1 })],
    ['nothing', () => undefined],
    ['null', () => null],
    ['a list', () => [{ amount: 1 }]],
    ['no data', () => ({ amount: 1, at: new Date(0) })],
  ])('asks nobody where a task says %s of its work', async (_, about) => {
    const asked: Assignment[] = [];
    const clerk = doing('clerk', (assignment) => (asked.push(assignment), {}));
    const mute = workflow({ id: 'pay', tasks: { work: task({ agent: 'clerk', about: about as never }) } });
    const world = await World.open({ actors: { pay: mute, clerk }, decider: table('') });
    await world.start('pay', '1');
    expect(asked).toEqual([]);
    expect(world.snapshot('pay/1/work').context.passedOver).toMatchObject([
      { agent: 'clerk', why: expect.stringContaining('what the decider is to be told of it makes no sense') },
    ]);
  });

  it('tells the decider nothing in the name of the house', async () => {
    const told: unknown[] = [];
    const decider: Decider = {
      hash: 'listening',
      decide({ action }) {
        if (action.name === 'agent.call') told.push(action.properties);
        return PERMIT;
      },
    };
    const forged = {
      task: 'x',
      maxCost: 0,
      labels: [],
      capability: 'x',
      vote: true,
      shadow: true,
      amount: 1,
    };
    const forging = workflow({
      id: 'pay',
      tasks: { work: task({ agent: 'clerk', labels: ['pii'], about: (input) => input as never }) },
    });
    const world = await World.open({
      actors: { pay: forging, clerk: doing('clerk', () => ({}), { cost: 0.5 }) },
      decider,
    });
    await world.start('pay', '1', forged);
    expect(told).toEqual([{ amount: 1, task: 'work', maxCost: 500_000, labels: ['pii'] }]);
  });
});

describe('what must be redacted', () => {
  it('is shown to no person either who is asked as an agent is', async () => {
    const any = { type: 'object' } as const;
    const clerk = human({
      ...{ name: 'clerk', role: 'clerk', capabilities: ['clerk'], inputSchema: any, outputSchema: any },
    });
    const redact = { type: 'redact', places: ['/input/ssn'], mask: '…' };
    const world = await World.open({ actors: { pay, clerk }, decider: obliging(redact) });
    await world.start('pay', '1', { ssn: '756.1', amount: 1 });
    await world.crash();
    const { about } = world.system.reviews.get('pay/1/work/review')!;
    expect(about).toMatchObject({ work: { ssn: '…', amount: 1 } });
  });

  it.each([
    [['/input/rows/0', '/input/rows/1'], ['fine']],
    [['/input/rows/1', '/input/rows/0'], ['fine']],
    [['/input/rows/0', '/input/rows/*'], []],
    [
      ['/input/rows/1/no', '/input/rows/1'],
      ['one', 'fine'],
    ],
  ])('is each of the places as they were, also where others are left out: %j', async (places, rows) => {
    const { world, asked } = await worldWith(obliging({ type: 'redact', places }));
    await world.start('pay', '1', { amount: 1, rows: ['one', 'two', 'fine'] });
    expect(asked.map(({ input }) => input)).toEqual([{ amount: 1, rows }]);
  });

  const INPUT = {
    patient: { name: 'Ann', ssn: '078-05-1120' },
    visits: [
      { day: 1, note: 'a' },
      { day: 2, note: 'b' },
    ],
  };

  it('is not shown to the agent, and the hashes of both are recorded before it is asked', async () => {
    const decider = obliging({ type: 'redact', places: ['/input/patient/ssn', '/input/visits/*/note'] });
    const { world, asked } = await worldWith(decider);
    await world.start('pay', '1', INPUT);
    expect(asked[0]!.input).toEqual({ patient: { name: 'Ann' }, visits: [{ day: 1 }, { day: 2 }] });
    const { redact } = world.snapshot('pay/1/work').context.advice.terms;
    expect(redact).toMatchObject({ places: ['/input/patient/ssn', '/input/visits/*/note'] });
    expect(redact.from).toMatch(/^[0-9a-f]{64}$/);
    expect(redact.to).toMatch(/^[0-9a-f]{64}$/);
    expect(redact.from).not.toBe(redact.to);
    const records = await world.history('pay/1/work');
    const advised = records.findIndex(({ event }) => event.type === 'xstate.done.actor.consult');
    const begun = records.findIndex(({ intents }) =>
      intents.some((intent) => intent.kind === 'spawn' && intent.src === 'ask'),
    );
    expect(advised).toBeGreaterThan(0);
    expect(advised).toBeLessThan(begun);
  });

  it('is masked where a mask is given, also in the context that it is given by name', async () => {
    const known = workflow({
      id: 'known',
      tasks: {
        first: task({ agent: 'first' }),
        work: task({
          needs: ['first'],
          agent: 'clerk',
          context: ['first'],
          input: { who: from.input('/patient') },
        }),
      },
    });
    const asked: Assignment[] = [];
    const clerk = doing('clerk', (one) => (asked.push(one), {}), { contextKeys: ['first'] });
    const world = await World.open({
      actors: { known, clerk, first: doing('first', () => ({ ssn: '1', rest: 2 })) },
      decider: obliging({ type: 'redact', places: ['/values/first/ssn', '/input/who/ssn'], mask: '***' }),
    });
    await world.start('known', '1', INPUT);
    expect(asked[0]).toMatchObject({
      input: { who: { name: 'Ann', ssn: '***' } },
      context: { values: { first: { ssn: '***', rest: 2 } } },
    });
  });

  it('is a refusal where the agent could not do its work without it', async () => {
    const inputSchema = { type: 'object', required: ['patient'] };
    const decider = obliging({ type: 'redact', places: ['/input/patient'] });
    const { world, asked } = await worldWith(decider, { inputSchema });
    await world.start('pay', '1', INPUT);
    expect(asked).toEqual([]);
    const { problem } = world.snapshot('pay/1').context.nodes.work;
    expect(problem).toMatchObject({ class: 'not-permitted' });
    expect(problem.message).toContain("the obligation 'redact' cannot be met");
  });
});

describe('other obligations', () => {
  it('somebody is told, with the record that permits the call', async () => {
    const { world, asked, emitted } = await worldWith(obliging({ type: 'notify', channel: 'ops' }));
    await world.start('pay', '1', { amount: 1 });
    expect(asked).toHaveLength(1);
    expect(emitted).toContainEqual(
      expect.objectContaining({
        type: 'obligation.notify',
        ...{ run: 'pay/1', task: 'work', agent: 'clerk', obligation: { channel: 'ops' } },
      }),
    );
  });

  it('a limit is what it may cost, and is reserved; one below what it is estimated to cost is a refusal', async () => {
    const { world, asked } = await worldWith(
      obliging({ type: 'limit', maxCost: 2 }, { type: 'limit', maxCost: 0.5 }),
    );
    await world.start('pay', '1', { amount: 1 });
    expect(asked[0]!.constraints.maxCost).toBe(0.5);
    const low = await worldWith(obliging({ type: 'limit', maxCost: 0.4 }));
    await low.world.start('pay', '1', { amount: 1 });
    expect(low.asked).toEqual([]);
    expect(low.world.snapshot('pay/1').context.nodes.work.problem.message).toContain(
      'estimated to cost more',
    );
  });

  const impossible: readonly (readonly [string, Obligation])[] = [
    ['one that nobody knows', { type: 'sing' }],
    ['a gate without a role', { type: 'gate' }],
    ['a gate with a field that is misspelt', { type: 'gate', role: 'a', qorum: 2 }],
    ['a gate with a quorum that is none', { type: 'gate', role: 'a', quorum: 0 }],
    ['a gate with a time that is none', { type: 'gate', role: 'a', within: 'soon' }],
    ['a limit that is no amount', { type: 'limit', maxCost: -1 }],
    ['places that are none', { type: 'redact', places: ['patient'] }],
    ['places of nothing that is given', { type: 'redact', places: ['/output/a'] }],
    ['no places', { type: 'redact', places: [] }],
  ];
  it.each(impossible)('%s is a refusal, and says so', async (_, obligation) => {
    const { world, asked } = await worldWith(obliging(obligation));
    await world.start('pay', '1', { amount: 1 });
    expect(asked).toEqual([]);
    const { problem } = world.snapshot('pay/1').context.nodes.work;
    expect(problem.class).toBe('not-permitted');
    expect(problem.message).toContain(`'${obligation.type}'`);
  });
});

describe('an approval', () => {
  const ask = workflow({ id: 'ask', tasks: { ok: gate({ role: 'any' }) } });
  const approving = (...obligations: readonly Obligation[]): Decider => ({
    hash: 'approving',
    decide: ({ action }) => (action.name === 'review.approve' ? { ...PERMIT, obligations } : PERMIT),
  });

  it('needs a second approver, or a reason, where that is asked for', async () => {
    const world = await World.open({
      actors: { ask },
      decider: approving({ type: 'second-approver' }, { type: 'reason' }),
    });
    await world.start('ask', '1', { a: 1 });
    const approve = (by: string, more = {}) =>
      world.system.reviews.decide('ask/1/ok', { by, verdict: 'approve', ...more });
    expect(await rejection(approve('ann'))).toMatchObject({ reason: 'not-permitted' });
    await approve('ann', { reason: 'fine' });
    expect(world.system.reviews.get('ask/1/ok')).toMatchObject({ status: 'pending', quorum: 2 });
    expect(await rejection(approve('ann', { reason: 'fine' }))).toMatchObject({ reason: 'already-voted' });
    await approve('bob', { reason: 'fine' });
    await world.settle();
    expect(world.snapshot('ask/1').status).toBe('done');
  });

  it('of an amount that cannot be compared needs the second approver of large ones', async () => {
    const table = roles(`
grants:
  - { id: all, to: everyone, actions: ['*'], resources: any }
  - id: large
    to: everyone
    actions: [review.approve]
    resources: [{ type: review }]
    when: [{ of: resource.properties.amount, moreThan: 1000 }]
    obligations: [{ type: second-approver }]
`);
    const amounts = workflow({
      id: 'ask',
      tasks: {
        ok: gate({ role: 'any', about: (_, { input: { amount } }) => ({ amount: amount as string }) }),
      },
    });
    const world = await World.open({ actors: { ask: amounts }, decider: table });
    const statusAfterOne = async (id: string, amount: unknown) => {
      await world.start('ask', id, { amount });
      const approval = { by: 'ann', verdict: 'approve' } as const;
      return (await world.system.reviews.decide(`ask/${id}/ok`, approval)).review.status;
    };
    expect(await statusAfterOne('1', '5000')).toBe('pending');
    expect(await statusAfterOne('2', null)).toBe('pending');
    expect(await statusAfterOne('3', 1000)).toBe('approved');
  });

  it('of what was edited needs the second approver whom the edit was permitted with', async () => {
    const decider: Decider = {
      hash: 'editing',
      decide: ({ action }) =>
        action.name === 'review.edit' ? { ...PERMIT, obligations: [{ type: 'second-approver' }] } : PERMIT,
    };
    const edited = workflow({ id: 'ask', tasks: { ok: gate({ role: 'any', editable: true }) } });
    const world = await World.open({ actors: { ask: edited }, decider });
    await world.start('ask', '1', { a: 1 });
    const { reviews } = world.system;
    await reviews.decide('ask/1/ok', { by: 'ann', verdict: 'edit', edits: [{ pointer: '/a', value: 2 }] });
    await world.crash();
    const approve = (by: string) => world.system.reviews.decide('ask/1/ok', { by, verdict: 'approve' });
    expect((await approve('bob')).review).toMatchObject({ status: 'pending', quorum: 2 });
    expect((await approve('cyd')).review).toMatchObject({ status: 'approved' });
  });

  it('is of what was given when it was asked for, however long the decider takes', async () => {
    let permit = (): void => {};
    const slow: Decider = {
      hash: 'slow',
      decide: ({ action }) =>
        action.name === 'review.edit'
          ? new Promise((resolve) => (permit = () => resolve(PERMIT)))
          : { ...PERMIT },
    };
    const schema = {
      ...{ type: 'object', properties: { a: { maximum: 10 } }, required: ['a'] },
    } as const;
    const limited = workflow({ id: 'ask', tasks: { ok: gate({ role: 'any', editable: true, schema }) } });
    const world = await World.open({ actors: { ask: limited }, decider: slow });
    await world.start('ask', '1', { a: 1 });
    const [edit, by] = [{ pointer: '/a', value: 2 }, { id: 'ann' }];
    const edited = world.system.reviews.decide('ask/1/ok', { by, verdict: 'edit', edits: [edit] });
    // It was held against the schema before.
    edit.value = 999;
    by.id = 'bob';
    await world.settle();
    edit.value = 9999;
    permit();
    expect((await edited).review).toMatchObject({ content: { a: 2 }, edits: [{ by: 'ann' }] });
  });

  it('is refused with one that nobody knows', async () => {
    const world = await World.open({ actors: { ask }, decider: approving({ type: 'sing' }) });
    await world.start('ask', '1', { a: 1 });
    const approving1 = world.system.reviews.decide('ask/1/ok', { by: 'ann', verdict: 'approve' });
    expect(await rejection(approving1)).toMatchObject({ reason: 'not-permitted' });
  });
});

describe('a tool', () => {
  const use = workflow({ id: 'use', tasks: { work: task({ agent: 'tooled', labels: ['pii'] }) } });
  const client = (called: string[]) => ({
    callTool: ({ name }: { name: string }) => {
      called.push(name);
      return Promise.resolve({ content: [], structuredContent: { ok: true } });
    },
  });
  const deciding = (tools: Decision): Decider => ({
    hash: 'tools',
    decide: ({ action }) => (action.name === 'tool.call' ? tools : PERMIT),
  });

  it.each([
    ['permitted', PERMIT, ['search'], 'done'],
    ['denied', NO, [], 'error'],
  ])(
    'is %s, and that stands in the journal of the task before it is called',
    async (_, decision, tools, end) => {
      const called: string[] = [];
      let recordedBefore: number | undefined;
      const counting = {
        callTool: async (call: { name: string }) => {
          const records = await world.history('use/1/work');
          recordedBefore = records.filter(({ event }) => event.type === 'task.permission').length;
          return client(called).callTool(call);
        },
      };
      const tooled = agent({
        ...{ name: 'tooled', capabilities: ['search'], model: 'mcp' },
        ...{ inputSchema: { type: 'object' }, outputSchema: { type: 'object' } },
        execute: mcp(counting, { tool: 'search', cost: 0, confidence: 0.9 }),
      });
      const world = await World.open({
        actors: { use, tooled },
        decider: deciding(decision),
      });
      await world.start('use', '1', {});
      await world.until(() => world.snapshot('use/1').status !== 'active');
      expect([called, world.snapshot('use/1').status]).toEqual([tools, end]);
      expect(recordedBefore).toBe(tools.length > 0 ? 1 : undefined);
      const records = await world.history('use/1/work');
      expect(records.find(({ event }) => event.type === 'task.permission')!.event).toMatchObject({
        ...{ action: 'tool.call', resource: { type: 'tool', id: 'search' }, attempt: 1 },
        permission: { effect: decision.effect, determining: decision.determining, decider: 'tools' },
      });
    },
  );
});

describe('where data may go', () => {
  const TABLE = `
grants:
  - { id: all, to: everyone, actions: ['*'], resources: any }
forbid:
  - id: phi-stays-in-the-eu
    actions: [agent.call]
    when: [{ of: action.properties.labels, contains: phi }, { of: resource.properties.region, differs: eu }]
  - id: phi-is-not-kept
    actions: [agent.call]
    when: [{ of: action.properties.labels, contains: phi }, { of: resource.properties.retentionDays, moreThan: 0 }]
`;
  const eu = { properties: { region: 'eu', retentionDays: 0 } } as never;
  const us = { properties: { region: 'us', retentionDays: 30 } } as never;
  const inner = workflow({ id: 'inner', tasks: { deep: task({ agent: 'anybody' }) } });
  const care = workflow({
    id: 'care',
    tasks: {
      fetch: task({ agent: 'source', labels: ['phi'] }),
      tidy: task({ needs: ['fetch'], agent: 'source' }),
      told: task({ needs: ['tidy'], agent: 'anybody', onError: 'absent' }),
      each: map({
        needs: ['tidy'],
        over: () => [1],
        item: () => ({}),
        each: task({ agent: 'anybody' }),
        onError: 'absent',
      }),
      free: task({ agent: 'anybody' }),
    },
  });

  it('follows what is needed: data with a label reach nobody who may not have them, and both rules are told', async () => {
    const asked: string[] = [];
    const note = ({ context }: Assignment) => (asked.push(context.task), {});
    const world = await World.open({
      actors: { care, inner, source: doing('source', note, eu), anybody: doing('anybody', note, us) },
      decider: roles(TABLE),
    });
    await world.start('care', '1', {});
    await world.advance(1000);
    expect(asked.toSorted()).toEqual(['fetch', 'free', 'tidy']);
    const { nodes } = world.snapshot('care/1').context;
    for (const name of ['told', 'each'])
      expect(nodes[name].problem.message).toContain('phi-is-not-kept, phi-stays-in-the-eu');
  });

  it('is in doubt nowhere: an agent that does not say where it is gets none', async () => {
    const one = workflow({
      id: 'one',
      labels: ['phi'],
      tasks: { work: task({ agent: ['silent', 'local'] }) },
    });
    const asked: string[] = [];
    const named = (name: string, more: object) => doing(name, () => (asked.push(name), {}), more);
    const world = await World.open({
      actors: { one, silent: named('silent', {}), local: named('local', eu) },
      decider: roles(TABLE),
    });
    await world.start('one', '1', {});
    expect(asked).toEqual(['local']);
    expect(world.snapshot('one/1/work').context.passedOver[0].why).toContain(
      'phi-is-not-kept, phi-stays-in-the-eu',
    );
  });
});
