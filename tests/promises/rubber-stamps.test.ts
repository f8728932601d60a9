// The lie: "a gate is no rubber stamp". It says for how long people must have read it, that nobody approves their own edits, who else is
// barred, and whether they notice what is wrong on purpose; and all of it can be said in a file.
import { gate, task, workflow, workflowFrom } from 'heddle/actors';
import { describe, expect, it } from 'vitest';
import { doing, World } from './staffed-world.ts';
import { everybodyMay } from './staffed.ts';
import { collect, rejection } from './systems.ts';

const worldOf = (flow: unknown, more: object = {}) =>
  World.open({ actors: { flow, ...more } as never, decider: everybodyMay });
const ID = 'flow/1/ok';
const gated = (options: object) =>
  workflow({ id: 'flow', tasks: { ok: gate({ role: 'editor', editable: true, ...options }) } });
const edits = [{ pointer: '/text', value: 'b' }];

describe('a gate', () => {
  it('takes no approval of somebody who was not shown it for so long, over a kill', async () => {
    const world = await worldOf(gated({ dwell: '2 minutes' }));
    await world.start('flow', '1', { text: 'a' });
    const approve = () => world.system.reviews.decide(ID, { by: 'ada', verdict: 'approve' });
    expect(await rejection(approve())).toMatchObject({ reason: 'too-soon' });
    await world.system.reviews.show(ID, { by: 'ada' });
    await world.advance(119_000);
    expect(await rejection(approve())).toMatchObject({ reason: 'too-soon' });
    await world.crash();
    await world.advance(1000);
    expect((await approve()).review.approvals).toMatchObject([{ by: 'ada', dwellMs: 120_000 }]);
  });

  it('takes no approval of an edit by whoever has made it, where another must', async () => {
    const world = await worldOf(gated({ ownEdits: 'need-another' }));
    await world.start('flow', '1', { text: 'a' });
    const { reviews } = world.system;
    const own = reviews.decide(ID, { by: 'ada', verdict: 'approve', edits });
    expect(await rejection(own)).toMatchObject({ reason: 'own-edit' });
    await reviews.decide(ID, { by: 'ada', verdict: 'edit', edits });
    expect(await rejection(reviews.decide(ID, { by: 'ada', verdict: 'approve' }))).toMatchObject({
      reason: 'own-edit',
    });
    await reviews.decide(ID, { by: 'bob', verdict: 'approve' });
    await world.settle();
    expect(world.snapshot('flow/1').output).toMatchObject({ output: { text: 'b' } });
  });

  it.each([
    ['by a list', ['cyd', 'dan']],
    ['by what the run was given', (_: unknown, { input }: { input: { by: string[] } }) => input.by],
  ])('bars those who are named %s, besides whoever has worked on it', async (_, fourEyes) => {
    const flow = workflow({
      id: 'flow',
      tasks: {
        first: gate({ role: 'editor', editable: true }),
        ok: gate({ needs: ['first'], role: 'editor', fourEyes }),
      },
    });
    const world = await worldOf(flow);
    await world.start('flow', '1', { text: 'a', by: ['cyd', 'dan'] });
    await world.system.reviews.decide('flow/1/first', { by: 'ada', verdict: 'approve', edits });
    await world.settle();
    expect(world.system.reviews.get(ID)!.fourEyes).toEqual(['cyd', 'dan', 'ada']);
    expect(await rejection(world.system.reviews.claim(ID, { by: 'dan' }))).toMatchObject({
      reason: 'four-eyes',
    });
  });

  it.each([['cyd'], [undefined], [[5]], [['']]])(
    'has failed where %j is said to be those people',
    async (people) => {
      const world = await worldOf(gated({ fourEyes: () => people }));
      await world.start('flow', '1');
      expect(world.snapshot('flow/1').context.nodes.ok.problem).toMatchObject({
        ...{ class: 'invalid-input', message: expect.stringContaining('fourEyes must give a list') },
      });
    },
  );

  it('is said in a file as well', async () => {
    const flow = workflowFrom(`
id: flow
tasks:
  ok:
    kind: gate
    role: editor
    dwell: 2 minutes
    ownEdits: need-another
    fourEyes: [cyd, '\${ input.author }']
  named: { kind: gate, role: editor, fourEyes: [cyd] }
`);
    const world = await worldOf(flow);
    await world.start('flow', '1', { author: 'ada' });
    expect(world.system.reviews.get(ID)).toMatchObject({
      ...{ dwellMs: 120_000, ownEdits: 'need-another', fourEyes: ['cyd', 'ada'] },
    });
    expect(world.system.reviews.get('flow/1/named')!.fourEyes).toEqual(['cyd']);
  });
});

describe('a gate with something that is wrong on purpose', () => {
  const draft = task({ agent: 'writer' });
  const publish = task({ needs: ['ok'], agent: 'press', input: ({ ok }) => ok.output as object });
  const flow = workflow({
    id: 'flow',
    tasks: {
      draft,
      check: gate({
        ...{ needs: ['draft'], role: 'editor', title: 'ok', editable: true, probe: true, within: '1 hour' },
        when: (_, { input }) => (input as { sampled?: boolean }).sampled !== false,
        input: ({ draft: made }) => ({ ...(made as object), year: 1066 }),
      }),
      ok: gate({ needs: ['draft'], role: 'editor' }),
      publish,
    },
  });
  const begun = async (input: object = {}) => {
    const published: unknown[] = [];
    const writer = doing('writer', () => ({ text: 'a', year: 2030 }));
    const press = doing('press', ({ input: given }) => (published.push(given), { done: true }));
    const world = await worldOf(flow, { writer, press });
    await world.start('flow', '1', input);
    await world.until(() => world.system.reviews.get(ID) !== undefined);
    return { world, published };
  };

  it('looks like the other one, and is told from it only in the end; nothing of it is done', async () => {
    const { world, published } = await begun();
    const { reviews } = world.system;
    const shown = await collect(reviews.pending());
    expect(shown.map(({ title }) => title)).toEqual(['ok', 'ok']);
    expect(shown.some((one) => 'probe' in one)).toBe(false);
    await reviews.decide(ID, { by: 'bob', verdict: 'approve' });
    await reviews.decide('flow/1/check', { by: 'ada', verdict: 'approve' });
    await world.until(() => world.snapshot('flow/1').status === 'done');
    expect(published).toEqual([{ text: 'a', year: 2030 }]);
    expect(await reviews.probes()).toEqual({ caught: 0, missed: 1, undecided: 0 });
    const { output } = world.snapshot('flow/1').context.nodes.check;
    expect(output).toMatchObject({ verdict: 'approved', probe: true, approvals: [{ by: 'ada' }] });
    expect(output).not.toHaveProperty('output');
    // What the run comes to is the same as without.
    expect(world.snapshot('flow/1').output).toEqual({ done: true });
  });

  it.each([
    ['reject', 'rejected'],
    ['abort', 'aborted'],
  ] as const)('goes on when they %s it, and has noted that they noticed', async (verdict, ended) => {
    const { world } = await begun();
    await world.system.reviews.decide('flow/1/check', { by: 'ada', verdict, reason: '1066?' });
    await world.system.reviews.decide(ID, { by: 'bob', verdict: 'approve' });
    await world.until(() => world.snapshot('flow/1').status === 'done');
    expect(world.snapshot('flow/1').context.nodes.check.output).toMatchObject({ verdict: ended, by: 'ada' });
    expect(await world.system.reviews.probes()).toEqual({ caught: 1, missed: 0, undecided: 0 });
  });

  it('holds nobody up where its time is over, and is there in those runs that are meant', async () => {
    const { world } = await begun();
    await world.system.reviews.decide(ID, { by: 'bob', verdict: 'approve' });
    await world.advance(3_600_000);
    expect(world.snapshot('flow/1').status).toBe('done');
    expect(await world.system.reviews.probes()).toEqual({ caught: 0, missed: 0, undecided: 1 });
    const other = await begun({ sampled: false });
    expect(await collect(other.world.system.reviews.pending())).toHaveLength(1);
  });
});
