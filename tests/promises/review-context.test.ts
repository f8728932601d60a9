// The lie: "a reviewer sees what was done, why, with which data, and what an approval will cause, whatever the agent says about
// itself". A run in which an attempt has failed, of which its agent says nothing; and views that know little.
import { describe, expect, it } from 'vitest';
import {
  budget,
  call,
  extend,
  gate,
  join,
  loop,
  map,
  Reviews,
  strategies,
  task,
  vote,
  workflow,
} from 'heddle/actors';
import type { RunView } from 'heddle/actors';
import { bulkhead } from 'heddle/machines';
import type { AnyDeclaration } from '../../actors/workflow/declaration.ts';
import { InvalidArgument, UnknownActor } from 'heddle';
import { canonicalOf } from '../../machines/values/canonical.ts';
import { sha256 } from '../../machines/values/sha256.ts';
import { Decider, Press, publishing, viewOf } from '../publishing.ts';
import { doing, World } from './staffed-world.ts';
import { open, rejection } from './systems.ts';

const DRAFT = { text: 'The moon does it.', sources: ['almanac'] };
const ID = 'report/7/review';

async function waiting(options: { viewOf?: (run: { snapshot: unknown }) => RunView | undefined } = {}) {
  const opened = await open({ report: publishing(new Press()) });
  await opened.system.start('report', {
    id: '7',
    input: { draft: DRAFT, gate: { quorum: 2, editable: ['/text', '/sources'], expiresAfterMs: 1000 } },
  });
  await opened.settle();
  const reviews = new Reviews(opened.system, { decide: new Decider().decide, ...options });
  return { opened, reviews };
}

describe('the context of a review', () => {
  it('shows the attempt of which the agent says nothing, with its place in the journal', async () => {
    const { opened, reviews } = await waiting();
    const { did, review } = await reviews.context(ID);
    expect(JSON.stringify(review)).not.toContain('almanac was not there');
    const failed = did.timeline.filter(({ what }) => what === 'failed');
    expect(failed).toMatchObject([
      { address: 'report/7/draft', error: 'the almanac was not there' },
      { address: 'report/7', event: 'xstate.error.actor.draft', error: 'the almanac was not there' },
    ]);
    for (const { address, seq, event } of did.timeline) {
      for await (const record of opened.system.history(address, { from: seq, to: seq }))
        expect(record.event.type).toBe(event);
    }
    const began = did.timeline.filter(({ what }) => what === 'began').map(({ address }) => address);
    expect(began).toEqual(['report/7', 'report/7/draft', 'report/7/redraft', ID]);
  });

  it('shows what people did and wanted, who permitted it, who has signed, and what they have changed', async () => {
    const { reviews } = await waiting();
    await reviews.decide(ID, { by: 'ada', verdict: 'approve' });
    await rejection(reviews.decide(ID, { by: 'guest', verdict: 'approve' }));
    const edits = [
      { pointer: '/text', value: 'Both do it.' },
      { op: 'add', pointer: '/sources/-', value: 'atlas' },
      { op: 'remove', pointer: '/sources/0' },
    ] as const;
    await reviews.decide(ID, { by: 'bob', verdict: 'edit', edits });
    const { did, why, signed, diff, data, consequences } = await reviews.context(ID);
    expect(
      did.timeline.filter(({ address }) => address === ID).map(({ what, event }) => `${what}: ${event}`),
    ).toEqual([
      'began: xstate.init',
      'went on: review.approve',
      'refused: review.approve',
      'went on: review.edit',
    ]);
    expect(why.permissions).toMatchObject([
      { by: 'ada', action: 'review.approve', effect: 'permit', determining: ['role-editor'], seq: 2 },
      { by: 'guest', effect: 'deny', determining: [] },
      { by: 'bob', action: 'review.edit', effect: 'permit' },
    ]);
    expect(signed).toMatchObject({ approvals: [], voided: [{ by: 'ada' }] });
    expect(diff).toEqual([
      expect.objectContaining({
        pointer: '/text',
        op: 'replace',
        before: DRAFT.text,
        after: 'Both do it.',
        by: 'bob',
      }),
      expect.objectContaining({ pointer: '/sources/-', op: 'add', after: 'atlas' }),
      expect.objectContaining({ pointer: '/sources/0', op: 'remove', before: 'almanac' }),
    ]);
    expect(diff![1]).not.toHaveProperty('before');
    expect(data.hash).toBe(reviews.get(ID)!.hash);
    expect(consequences).toMatchObject({ missing: 2, deadline: { act: 'expire' } });
  });

  it('leaves out what nobody knows', async () => {
    const { reviews } = await waiting();
    const known = await reviews.context(ID);
    expect(known).not.toHaveProperty('alternatives');
    expect(known).not.toHaveProperty('diff');
    expect(known.did).not.toHaveProperty('tasks');
    expect(known.why).not.toHaveProperty('routing');
    expect(known.data).not.toHaveProperty('items');
    expect(known.consequences).not.toHaveProperty('next');
    expect(known.consequences).not.toHaveProperty('money');
  });

  it('shows what an approval will cause, and what it waits for besides', async () => {
    const { reviews } = await waiting({ viewOf });
    const { consequences, alternatives, data, why, did } = await reviews.context(ID);
    expect(consequences.next).toEqual([
      {
        node: 'print',
        kind: 'task',
        distance: 1,
        waitsFor: ['legal'],
        capability: 'print',
        isReversible: false,
      },
      {
        node: 'mail',
        kind: 'task',
        distance: 2,
        waitsFor: ['print'],
        isReversible: true,
        compensation: 'recall',
      },
    ]);
    expect(alternatives).toEqual([{ task: 'draft', agent: 'intern', reason: 'too expensive' }]);
    expect(why.routing).toMatchObject([{ task: 'draft', chosen: 'writer' }]);
    expect(why.judgements).toEqual([{ task: 'draft', confidence: 0.7, threshold: 0.6 }]);
    expect(data.items).toEqual([
      {
        task: 'draft',
        what: 'input',
        hash: sha256(canonicalOf({ topic: 'tides' })),
        sources: [{ uri: 'almanac:1912', hash: 'abc' }],
      },
      { task: 'draft', what: 'output', hash: sha256(canonicalOf(DRAFT)) },
    ]);
    expect(did.tasks).toEqual([
      { task: 'draft', status: 'complete' },
      { task: 'legal', status: 'running' },
    ]);
  });

  it('comes to an end in a plan with a cycle, and says nothing of data that is no JSON', async () => {
    const { reviews } = await waiting({
      viewOf: () => ({
        workflow: 'report',
        plan: [
          { id: 'review', kind: 'gate', needs: ['b'] },
          { id: 'a', kind: 'task', needs: ['review'] },
          { id: 'b', kind: 'task', needs: ['a', 'unknown'] },
        ],
        tasks: { a: { status: 'waiting', output: { n: Number.NaN } } },
      }),
    });
    const { consequences, data } = await reviews.context(ID);
    expect(consequences.next).toMatchObject([
      { node: 'a', distance: 1, waitsFor: [] },
      { node: 'b', distance: 2, waitsFor: ['a', 'unknown'] },
    ]);
    expect(data.items).toEqual([]);
  });

  it('can be that of a part of the run', async () => {
    const { reviews } = await waiting();
    const { did } = await reviews.context(ID, { under: ID });
    expect(new Set(did.timeline.map(({ address }) => address))).toEqual(new Set([ID]));
    expect(await rejection(reviews.context(ID, { under: 'report/8' }))).toBeInstanceOf(InvalidArgument);
    expect(await rejection(reviews.context(ID, { under: 'report' }))).toBeInstanceOf(UnknownActor);
  });

  it('is there after the end as well', async () => {
    const { opened, reviews } = await waiting({ viewOf });
    await reviews.decide(ID, { by: 'ada', verdict: 'reject', reason: 'no' });
    await opened.settle();
    const { review, consequences } = await reviews.context(ID);
    expect(review).toMatchObject({ status: 'rejected', ending: { by: 'ada', reason: 'no' } });
    expect(consequences).not.toHaveProperty('deadline');
  });
});

describe('the context of a review in a workflow within a workflow', () => {
  const inner = workflow({
    id: 'inner',
    tasks: {
      a: task({ agent: 'clerk' }),
      slow: task({ agent: 'sleeper', when: (_, { input }) => (input as { slow?: boolean }).slow === true }),
      g: gate({ needs: ['a'], role: 'editor', within: '1 hour' }),
      p: task({ needs: ['g'], capability: 'press', maxCost: 0.5, compensate: { agent: 'clerk' } }),
    },
  });
  const clerk = doing('clerk', () => ({ n: 1 }));
  const press = doing('press', () => ({}));
  const sleeper = doing('sleeper', () => new Promise(() => {}));
  const before = task({ agent: 'clerk' });
  const after = task({ needs: ['c'], agent: 'clerk' });

  async function reviewing(c: AnyDeclaration, input: object = {}) {
    const flow = workflow({ id: 'o', budget: budget({ limit: 2 }), tasks: { before, c, after } as never });
    const world = await World.open({ actors: { o: flow, inner, clerk, press, sleeper } });
    await world.start('o', '1', input);
    return world.system.reviews;
  }
  const called = call({ needs: ['before'], workflow: inner, input: (_, { input }) => input as object });

  it('shows what begins then, in it and behind it, and what was done before it, and in it', async () => {
    const reviews = await reviewing(called);
    const { consequences, did, data, why } = await reviews.context('o/1/c/g');
    expect(consequences).toMatchObject({
      missing: 1,
      next: [
        { node: 'p', within: 'c', distance: 1, waitsFor: [], compensation: 'clerk', maxCost: 500_000 },
        { node: 'after', distance: 2, waitsFor: [], kind: 'task' },
      ],
      money: { limit: 2_000_000, spent: 20_000 },
      deadline: { act: 'expire' },
    });
    expect(consequences.next![1]).not.toHaveProperty('within');
    expect(did.tasks).toMatchObject([
      { task: 'before', status: 'complete' },
      { task: 'c' },
      { task: 'c/a', status: 'complete' },
      { task: 'c/slow', status: 'skipped' },
      { task: 'c/g', status: 'waiting' },
      { task: 'c/p', status: 'pending' },
      { task: 'after', status: 'pending' },
    ]);
    expect(data.items!.map(({ task: name, what }) => `${name} ${what}`)).toEqual([
      ...['before input', 'before output', 'c/a input', 'c/a output', 'c/g input'],
    ]);
    expect(why.routing).toMatchObject([
      { task: 'before', chosen: 'clerk' },
      { task: 'c/a', chosen: 'clerk' },
    ]);
    expect(why.permissions).toMatchObject([{ task: 'before' }, { task: 'c/a', action: 'agent.call' }]);
  });

  it('says that what is behind it waits for what else is done in it', async () => {
    const reviews = await reviewing(called, { slow: true });
    const { consequences } = await reviews.context('o/1/c/g');
    expect(consequences.next).toMatchObject([
      { node: 'p', waitsFor: [] },
      { node: 'after', waitsFor: ['c'] },
    ]);
  });

  it.each([
    ['a list', map({ needs: ['before'], over: () => [{}, {}], each: inner }), 'o/1/c/1', 'c/1'],
    ['a loop', loop({ needs: ['before'], body: inner, times: 2, until: () => true }), 'o/1/c/1', 'c/1'],
  ] as const)('finds it in %s, of which nobody knows what comes besides', async (_, c, run, within) => {
    const reviews = await reviewing(c);
    const { consequences, did, data } = await reviews.context(`${run}/g`);
    expect(consequences.next).toMatchObject([
      { node: 'p', within, waitsFor: [] },
      { node: 'after', waitsFor: ['c'] },
    ]);
    expect(did.tasks).toContainEqual(expect.objectContaining({ task: `${within}/a`, status: 'complete' }));
    expect(data.items).toContainEqual(expect.objectContaining({ task: `${within}/a`, what: 'output' }));
  });

  it('can be that of the inner run alone, which has names of its own', async () => {
    const reviews = await reviewing(called);
    const { consequences, did } = await reviews.context('o/1/c/g', { under: 'o/1/c' });
    expect(consequences.next).toMatchObject([{ node: 'p', waitsFor: [] }]);
    expect(consequences.next).toHaveLength(1);
    expect(did.tasks!.map(({ task: name }) => name)).toEqual(['a', 'slow', 'g', 'p']);
    expect(did.timeline.every(({ address }) => address.startsWith('o/1/c'))).toBe(true);
  });

  it('shows the tasks of a list, to whoever decides about one of them', async () => {
    const failing = doing('clerk', ({ input }) => {
      if ((input as { n?: number }).n === 2) throw new Error('no');
      return { n: 1 };
    });
    const strategy = extend(strategies.standard, {
      name: 'asked',
      rows: { crash: [{ do: 'review', role: 'editor' }] },
    });
    const each = task({ agent: 'clerk', strategy });
    const flow = workflow({
      id: 'o',
      tasks: { c: map({ over: () => [{ n: 1 }, { n: 2 }], each }), after },
    });
    const world = await World.open({ actors: { o: flow, clerk: failing } });
    await world.start('o', '1');
    await world.until(() => world.system.reviews.get('o/1/c/1/review') !== undefined);
    const { did, consequences } = await world.system.reviews.context('o/1/c/1/review');
    expect(did.tasks).toMatchObject([
      { task: 'c', status: 'waiting' },
      { task: 'c/0', status: 'complete', attempts: [{ agent: 'clerk' }] },
      { task: 'c/1', status: 'running', attempts: [{ agent: 'clerk', fault: { class: 'crash' } }] },
      { task: 'after', status: 'pending' },
    ]);
    expect(consequences.next).toMatchObject([{ node: 'after', waitsFor: ['c'] }]);
  });

  it('shows what an item of a list has cost with those who have confirmed it', async () => {
    const said = (name: string) => doing(name, () => ({ n: 1 }), { cost: 0.01 });
    const verify = [vote({ of: 2, agree: 2, on: ['#/n'], models: 'any' })];
    const flow = workflow({
      id: 'o',
      tasks: {
        all: map({ over: () => [{}], each: task({ agent: ['one', 'two'], verify }) }),
        ok: gate({ needs: ['all'], role: 'editor' }),
      },
    });
    const world = await World.open({ actors: { o: flow, one: said('one'), two: said('two') } });
    await world.start('o', '1');
    await world.until(() => world.system.reviews.get('o/1/ok') !== undefined);
    const { did } = await world.system.reviews.context('o/1/ok');
    expect(did.tasks).toMatchObject([{ task: 'all', cost: 20_000 }, { task: 'all/0', cost: 20_000 }, {}]);
  });

  it('says of an attempt that nobody was asked, where it was given up at a gate', async () => {
    const slow = doing('slow', () => new Promise(() => {}), { permits: ['door/w'] });
    const quick = doing('quick', () => ({ n: 1 }));
    const flow = workflow({
      id: 'o',
      tasks: {
        holds: task({ agent: 'slow' }),
        waits: task({ agent: 'slow' }),
        answers: task({ agent: 'quick' }),
        first: join({ needs: ['waits', 'answers'], join: 'any' }),
        ok: gate({ needs: ['first'], role: 'editor' }),
      },
    });
    const door = bulkhead({ slots: 1, queue: 5, waitMs: 600_000, leaseMs: 600_000 });
    const world = await World.open({ actors: { o: flow, door, slow, quick } as never });
    await world.start('door', 'w');
    await world.start('o', '1');
    await world.until(() => world.system.reviews.get('o/1/ok') !== undefined);
    const { did } = await world.system.reviews.context('o/1/ok');
    const waits = did.tasks!.find((one) => one.task === 'waits');
    expect(waits).toMatchObject({
      status: 'cancelled',
      attempts: [{ agent: 'slow', unasked: true, cost: 0 }],
    });
  });
});

describe('the data that a reviewer is shown', () => {
  it('say what was not taken because it is good: a default, a value instead, an answer that is not sure', async () => {
    const unsure = doing('unsure', () => ({ n: 1 }));
    const broken = doing('broken', () => {
      throw new Error('no');
    });
    const flow = workflow({
      id: 'o',
      strategy: extend(strategies.standard, {
        name: 'lenient',
        rows: { 'low-confidence': [{ do: 'accept' }], crash: [{ do: 'fail' }] },
      }),
      tasks: {
        good: task({ agent: 'unsure' }),
        guess: task({ agent: 'unsure', quality: 0.99 }),
        spare: task({
          agent: 'broken',
          strategy: extend(strategies.standard, {
            name: 'spare',
            rows: { crash: [{ do: 'default', value: { n: 0 } }] },
          }),
        }),
        instead: task({ agent: 'broken', onError: { value: { n: -1 } } }),
        edge: task({ agent: 'broken' }),
        sum: task({
          needs: ['good', 'guess', 'spare', 'instead', { node: 'edge', onError: { value: { n: -2 } } }],
          agent: 'unsure',
        }),
        g: gate({ needs: ['sum', 'guess'], role: 'editor' }),
      },
    });
    const world = await World.open({ actors: { o: flow, unsure, broken } });
    await world.start('o', '1');
    await world.until(() => world.system.reviews.get('o/1/g') !== undefined);
    const { data, did } = await world.system.reviews.context('o/1/g');
    const item = (name: string, what: string) =>
      data.items!.find((one) => one.task === name && one.what === what);
    expect([item('good', 'output'), item('good', 'input')].map((one) => one?.ground ?? one?.grounds)).toEqual(
      [undefined, undefined],
    );
    expect(item('guess', 'output')).toMatchObject({ ground: 'unsure' });
    expect(item('spare', 'output')).toMatchObject({ ground: 'default' });
    expect(item('instead', 'output')).toMatchObject({
      ground: 'default',
      hash: sha256(canonicalOf({ n: -1 })),
    });
    expect(item('sum', 'input')!.grounds).toEqual([
      { from: 'guess', ground: 'unsure' },
      { from: 'spare', ground: 'default' },
      { from: 'instead', ground: 'default' },
      { from: 'edge', ground: 'default' },
    ]);
    expect(item('g', 'input')).toMatchObject({
      grounds: [{ from: 'guess', ground: 'unsure' }],
      hash: sha256(canonicalOf({ sum: { n: 1 }, guess: { n: 1 } })),
    });
    expect(did.tasks!.flatMap(({ task: name, ground }) => (ground ? [`${name} ${ground}`] : []))).toEqual([
      ...['guess unsure', 'spare default', 'instead default'],
    ]);
  });
});
