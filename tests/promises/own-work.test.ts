// The lie: "nobody decides about what they have asked for or worked on". Whoever has started a run, and whoever has supplied or edited
// what is in it, tries to decide about it: with what they put into its input, at its gates, in the reviews of its tasks.
import { call, extend, gate, human, loop, map, roles, strategies, task, vote, workflow } from 'heddle/actors';
import type { Verifier } from 'heddle/actors';
import { durable, supervisor } from 'heddle';
import type { AccessRequest, Decider, Decision } from 'heddle';
import { review } from 'heddle/machines';
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { frameKey } from '../../storage/keys.ts';
import { doing, World } from './staffed-world.ts';
import { collect, rejection } from './systems.ts';

const everybodyMay = roles(`
grants:
  - { id: everything, to: everyone, actions: ['*'], resources: any }
`);

const IVY = { type: 'user', id: 'ivy' };

/** Permits everything, and remembers what it was asked about reviews. */
function listening(): Decider & { readonly asked: AccessRequest[] } {
  const asked: AccessRequest[] = [];
  return {
    asked,
    hash: 'listening',
    decide(request) {
      if (request.resource.type === 'review') asked.push(request);
      return { effect: 'permit', determining: ['all'], reasons: [], obligations: [] };
    },
  };
}

async function worldWith(actors: object, decider: Decider = everybodyMay): Promise<World> {
  return World.open({ actors: actors as never, decider });
}

describe('what is said of a review by users', () => {
  const FORGED = {
    ...{ ownRuns: 'allow', initiator: 'nobody', claimedBy: 'ada', delegatedBy: ['ada'], approvedBy: ['ada'] },
    ...{ fourEyes: [], roles: ['king'], quorum: 0, isOverdue: true, workflow: 'other', run: 'other/1' },
    amount: 5,
  };
  const flow = workflow({
    id: 'flow',
    tasks: { ok: gate({ role: 'editor', about: (_, { input }) => input as never }) },
  });

  it('does not permit whoever has started the run to decide it, over a kill', async () => {
    const world = await worldWith({ flow });
    await world.start('flow', '1', FORGED, IVY);
    const approve = { by: 'ivy', verdict: 'approve', reason: 'mine' } as const;
    expect(await rejection(world.system.reviews.decide('flow/1/ok', approve))).toMatchObject({
      reason: 'not-permitted',
    });
    await world.crash();
    expect(await rejection(world.system.reviews.decide('flow/1/ok', approve))).toMatchObject({
      reason: 'not-permitted',
    });
  });

  it('does not tell the decider anything that the house knows, nor where it knows of nothing', async () => {
    const decider = listening();
    const world = await worldWith({ flow }, decider);
    await world.start('flow', '1', FORGED, IVY);
    await world.system.reviews.decide('flow/1/ok', { by: 'ada', verdict: 'approve' });
    const { properties } = decider.asked.at(-1)!.resource;
    expect(properties).toEqual({
      ...{ initiator: 'ivy', ownRuns: 'refuse', fourEyes: [], roles: ['editor'], quorum: 1, approvedBy: [] },
      ...{ isOverdue: false, workflow: 'flow', run: 'flow/1', amount: 5 },
    });
  });

  it.each([
    ['nothing', () => undefined],
    ['null', () => null],
    ['a list', () => [5]],
    ['what is no JSON', () => ({ at: new Date(0) })],
  ])('that is %s is not taken for nothing: the gate has failed', async (_, about) => {
    const broken = workflow({
      id: 'flow',
      tasks: { ok: gate({ role: 'editor', about: about as never }) },
    });
    const world = await worldWith({ flow: broken });
    await world.start('flow', '1');
    expect(world.snapshot('flow/1').context.nodes.ok.problem).toMatchObject({
      class: 'invalid-input',
      message: expect.stringContaining('about must give an object'),
    });
    expect(await collect(world.system.reviews.pending())).toEqual([]);
  });
});

describe('whoever has started a run', () => {
  const gated = (more: object = {}) =>
    workflow({ id: 'flow', tasks: { ok: gate({ role: 'editor', editable: true, ...more }) } });
  const ID = 'flow/1/ok';
  const begun = async (more: object = {}, decider: Decider = everybodyMay) => {
    const world = await worldWith({ flow: gated(more) }, decider);
    await world.start('flow', '1', { text: 'a' }, IVY);
    return world;
  };
  const by = 'ivy';
  const edits = [{ pointer: '/text', value: 'b' }];

  it('does nothing that is for those who decide, and keeps it from none of them', async () => {
    const world = await begun();
    const { reviews } = world.system;
    const refused = [
      () => reviews.claim(ID, { by }),
      () => reviews.delegate(ID, { by, to: 'bob' }),
      () => reviews.delegate(ID, { by: 'bob', to: by }),
      () => reviews.requestInfo(ID, { by, question: 'why?' }),
      () => reviews.decide(ID, { by, verdict: 'approve' }),
      () => reviews.decide(ID, { by, verdict: 'approve', edits }),
      () => reviews.decide(ID, { by, verdict: 'edit', edits }),
      () => reviews.decide(ID, { by, verdict: 'reject', reason: 'no' }),
    ];
    for (const act of refused)
      expect(await rejection(act())).toMatchObject({
        reason: 'not-permitted',
        message: expect.stringContaining('ivy has started the run'),
      });
    await reviews.claim(ID, { by: 'ada' });
    expect(await rejection(reviews.unclaim(ID, { by }))).toMatchObject({ reason: 'not-permitted' });
    expect(reviews.get(ID)).toMatchObject({ claim: { by: 'ada' }, questions: [], edits: [], approvals: [] });
    await reviews.decide(ID, { by: 'ada', verdict: 'approve' });
  });

  it('may look, comment, answer, and take it back', async () => {
    const world = await begun();
    const { reviews } = world.system;
    await reviews.show(ID, { by });
    await reviews.comment(ID, { by, text: 'as we said' });
    await reviews.requestInfo(ID, { by: 'ada', question: 'since when?' });
    await reviews.supplyInfo(ID, { by, question: 1, text: 'May' });
    await reviews.decide(ID, { by, verdict: 'abort', reason: 'not any more' });
    expect(reviews.get(ID)).toMatchObject({ status: 'aborted', ending: { by } });
  });

  it('is not offered it, nor told to be among those who may approve it; others are', async () => {
    const people = roles(`
roles: { editor: {} }
members: [{ who: { type: user, id: ivy }, roles: [editor] }, { who: { type: user, id: ada }, roles: [editor] }]
grants:
  - { id: main, to: { principals: [{ type: program, id: main }] }, actions: ['*'], resources: any }
  - { id: editors, to: { roles: [editor] }, actions: ['*'], resources: any }
`);
    const world = await begun({}, people);
    await world.start('flow', '2', {}, { type: 'user', id: 'ada' });
    const offered = async (who: string) => {
      const found = await collect(world.system.as({ type: 'user', id: who }).reviews.pending());
      return found.map(({ id }) => id);
    };
    expect([await offered('ivy'), await offered('ada')]).toEqual([['flow/2/ok'], [ID]]);
    expect(await world.system.reviews.whoMayApprove(ID)).toMatchObject({
      people: [{ principal: { id: 'ada' } }],
    });
  });

  /** Of the first of two runs the first record cannot be read any more. */
  const damagedWorld = async (more?: object): Promise<World> => {
    const world = await worldWith({ flow: gated(more) });
    for (const id of ['1', '2']) await world.start('flow', id, {}, IVY);
    const [first] = await world.history('flow/1');
    await world.close();
    const { store } = world;
    await store.open();
    const row = Uint8Array.from(store.get(frameKey(first!.frame))!);
    // Within its first record.
    row[120]! ^= 1;
    const batch = store.batch();
    batch.put(frameKey(first!.frame), row);
    await batch.write();
    await store.close();
    await world.reopen();
    return world;
  };

  it('is anybody where that cannot be read any more; what others have started is offered all the same', async () => {
    const world = await damagedWorld();
    const { reviews } = world.system;
    expect(await collect(reviews.pending({ by: 'ada' }))).toMatchObject([{ id: 'flow/2/ok' }]);
    const decided = reviews.decide('flow/1/ok', { by: 'ada', verdict: 'approve' });
    expect(await rejection(decided)).toMatchObject({ _tag: 'JournalCorrupt', address: 'flow/1' });
  });

  it('keeps nothing else from who stands in for somebody, also where whoever has started a run may decide', async () => {
    const world = await damagedWorld({ ownRuns: 'allow' });
    const { reviews } = world.system;
    await reviews.absences.declare({ by: 'bob', until: world.clock.now() + 86_400_000, deputy: 'ada' });
    expect(await collect(reviews.pending({ by: 'ada', asDeputy: true }))).toMatchObject([
      { id: 'flow/2/ok' },
    ]);
  });

  it('does not decide it either where they have triggered the schedule that has, though it had to wait', async () => {
    const flow = workflow({ id: 'flow', tasks: { ok: gate({ role: 'editor' }) } });
    const world = await worldWith({ flow });
    const { schedules } = world.system.as(IVY);
    const daily = { id: 'daily', start: 'flow', input: {}, every: '24 hours', overlap: 'queue' } as const;
    await world.system.schedules.declare(daily);
    await schedules.trigger('daily');
    await world.advance(1000);
    await world.system.as({ type: 'user', id: 'ada' }).schedules.trigger('daily');
    await world.crash();
    const approve = async (by: string) => {
      const [waiting] = await collect(world.system.reviews.pending());
      await world.system.reviews.decide(waiting!.id, { by, verdict: 'approve' });
      await world.settle();
    };
    expect(await rejection(approve('ivy'))).toMatchObject({ reason: 'not-permitted' });
    await approve('ada');
    expect(await rejection(approve('ada'))).toMatchObject({ reason: 'not-permitted' });
    await approve('ivy');
  });

  it('does not decide it either where they have declared the schedule that has, whoever has declared the same since', async () => {
    const flow = workflow({ id: 'flow', tasks: { ok: gate({ role: 'editor' }) } });
    const world = await worldWith({ flow });
    const daily = { id: 'daily', start: 'flow', input: {}, every: '24 hours' } as const;
    const declared = (id: string, more: object = {}) =>
      world.system.as({ type: 'user', id }).schedules.declare({ ...daily, ...more });
    const approve = async (by: string) => {
      const [waiting] = await collect(world.system.reviews.pending());
      await world.system.reviews.decide(waiting!.id, { by, verdict: 'approve' });
      await world.settle();
    };
    await declared('ivy');
    await declared('ada');
    await world.advance(86_400_000);
    await world.crash();
    expect(await rejection(approve('ivy'))).toMatchObject({ reason: 'not-permitted' });
    await approve('ada');
    await declared('ada', { every: '12 hours' });
    await world.crash();
    await world.advance(43_200_000);
    expect(await rejection(approve('ada'))).toMatchObject({ reason: 'not-permitted' });
    await approve('ivy');
  });

  it('does not decide it either where the clock was set back while what they have triggered waited', async () => {
    const flow = workflow({ id: 'flow', tasks: { ok: gate({ role: 'editor' }) } });
    const world = await worldWith({ flow });
    const daily = { id: 'daily', start: 'flow', input: {}, every: '24 hours', overlap: 'queue' } as const;
    await world.system.schedules.declare(daily);
    for (const id of ['bob', 'ivy']) {
      await world.system.as({ type: 'user', id }).schedules.trigger('daily');
      await world.advance(1000);
    }
    await world.advance(-3_600_000);
    const approve = async (by: string) => {
      const [waiting] = await collect(world.system.reviews.pending());
      await world.system.reviews.decide(waiting!.id, { by, verdict: 'approve' });
      await world.settle();
    };
    await approve('ivy');
    expect(await rejection(approve('ivy'))).toMatchObject({ reason: 'not-permitted' });
    await approve('bob');
  });

  it('does not decide it either where they have told a supervisor to start it, and another has told it the same', async () => {
    const flow = workflow({ id: 'flow', tasks: { ok: gate({ role: 'editor' }) } });
    const supervise = supervisor({ id: 'desk', children: [] });
    const world = await World.open({ actors: { flow }, decider: everybodyMay, supervise });
    const told = (who: string, id: string) =>
      world.system
        .as({ type: 'user', id: who })
        .supervisor('desk')
        .startChild({ start: 'flow', id, input: {} });
    await told('ivy', 'a/1');
    await rejection(told('bob', 'a/1'));
    await told('ada', '2');
    await world.crash();
    const { reviews } = world.system;
    const ID = 'flow/a%2F1/ok';
    expect(await rejection(reviews.decide(ID, { by: 'ivy', verdict: 'approve' }))).toMatchObject({
      reason: 'not-permitted',
    });
    expect(await collect(reviews.pending({ by: 'ivy' }))).toMatchObject([{ id: 'flow/2/ok' }]);
    await reviews.decide(ID, { by: 'bob', verdict: 'approve' });
  });

  it('does not decide it either where they have told the supervisor to start it again, in another life', async () => {
    const flow = workflow({ id: 'flow', tasks: { ok: gate({ role: 'editor' }) } });
    const supervise = supervisor({ id: 'desk', children: [] });
    const world = await World.open({ actors: { flow }, decider: everybodyMay, supervise });
    const deskOf = (id: string) => world.system.as({ type: 'user', id }).supervisor('desk');
    const child = { start: 'flow', id: '1', restart: 'transient' } as const;
    const approve = (id: string) => world.system.reviews.decide('flow/1/ok', { by: id, verdict: 'approve' });
    const refusedTo = async (...people: string[]) => {
      for (const id of people)
        expect(await rejection(approve(id))).toMatchObject({ reason: 'not-permitted' });
    };

    await deskOf('ivy').startChild({ ...child, input: { amount: 1 } });
    await deskOf('ivy').terminateChild('1');
    await deskOf('ivy').deleteChild('1');
    await deskOf('bob').startChild({ ...child, input: { amount: 1000 } });
    await refusedTo('bob');
    await approve('ada');
    await world.settle();
    // It has ended: it begins anew, with what bob has given it.
    await deskOf('cyd').restartChild('1');
    await world.crash();
    await refusedTo('bob', 'cyd');
    expect(await collect(world.system.reviews.pending({ by: 'cyd' }))).toEqual([]);
    await approve('ada');
  });

  it('does not decide it in a fork of that life, nor is anybody kept from it who has started a later one', async () => {
    const flow = workflow({ id: 'flow', tasks: { ok: gate({ role: 'editor' }) } });
    const supervise = supervisor({ id: 'desk', children: [] });
    const world = await World.open({ actors: { flow }, decider: everybodyMay, supervise });
    const { reviews } = world.system;
    const deskOf = (id: string) => world.system.as({ type: 'user', id }).supervisor('desk');
    await deskOf('ivy').startChild({ start: 'flow', id: '1', input: {} });
    await world.system.fork('flow/1', { as: 'flow/2', effects: 'rerun' });
    await deskOf('ivy').terminateChild('1');
    await deskOf('ivy').deleteChild('1');
    await deskOf('bob').startChild({ start: 'flow', id: '1', input: {} });
    const approve = (id: string) => reviews.decide('flow/2/ok', { by: id, verdict: 'approve' });
    expect(await rejection(approve('ivy'))).toMatchObject({ reason: 'not-permitted' });
    await approve('bob');
  });

  it('does not decide it in a fork either, whoever has forked it; nor does that one', async () => {
    const world = await begun();
    const fork = { as: 'flow/2', effects: 'rerun' } as const;
    await world.system.as({ type: 'user', id: 'bob' }).fork('flow/1', fork);
    await world.system.fork('flow/2', { ...fork, as: 'flow/3' });
    await world.crash();
    const { reviews } = world.system;
    for (const who of ['ivy', 'bob'])
      expect(await rejection(reviews.decide('flow/3/ok', { by: who, verdict: 'approve' }))).toMatchObject({
        reason: 'not-permitted',
      });
    expect(await collect(reviews.pending({ by, under: 'flow/3' }))).toEqual([]);
    await reviews.decide('flow/3/ok', { by: 'ada', verdict: 'approve' });
  });

  it('does not decide it where it was imported either, whoever has imported it, and whatever was imported before', async () => {
    const world = await begun();
    const take = async (from: World, run: string, to: World, as: string, who: string) => {
      const history = await from.system.export(run);
      await to.system.as({ type: 'user', id: who }).import({ history, as, effects: 'rerun' });
      await to.settle();
    };
    const other = await worldWith({ flow: gated() });
    await take(world, 'flow/1', other, 'flow/2', 'bob');
    await take(other, 'flow/2', other, 'flow/3', 'cyd');
    await other.system.fork('flow/3', { as: 'flow/4', effects: 'rerun' });
    await other.crash();
    const { reviews } = other.system;
    for (const who of ['ivy', 'bob', 'cyd'])
      expect(await rejection(reviews.decide('flow/4/ok', { by: who, verdict: 'approve' }))).toMatchObject({
        reason: 'not-permitted',
      });
    // Who has taken it further has nothing to do with where it came from.
    await reviews.decide('flow/2/ok', { by: 'cyd', verdict: 'approve' });
    await reviews.decide('flow/4/ok', { by: 'ada', verdict: 'approve' });
  });

  it('does not decide it either where somebody else is said to have asked for it', async () => {
    const own = setup({ actors: { review: durable(review, { reserves: { 'review.': 'system.reviews' } }) } });
    const host = own.createMachine({
      invoke: {
        ...{ src: 'review', id: 'ok' },
        input: { title: 'Pay?', proposal: { amount: 5 }, roles: ['editor'], initiator: 'zoe' },
      },
    });
    const world = await worldWith({ host });
    await world.start('host', '1', {}, IVY);
    const { reviews } = world.system;
    const approve = (who: string) => reviews.decide('host/1/ok', { by: who, verdict: 'approve' });
    expect(await rejection(approve('ivy'))).toMatchObject({ reason: 'not-permitted' });
    expect(await rejection(approve('zoe'))).toMatchObject({ reason: 'four-eyes' });
    expect(await collect(reviews.pending({ by: 'ivy' }))).toEqual([]);
    await approve('ada');
  });

  it('gains nothing by changing what they were shown of it', async () => {
    const world = await begun({ ownRuns: 'allow', fourEyes: ['ivy'] });
    const { reviews } = world.system;
    const shown = reviews.get(ID)!;
    expect(() => (shown.fourEyes as string[]).splice(0)).toThrow(TypeError);
    expect(() => ((shown.content as { text: string }).text = 'mine')).toThrow(TypeError);
    expect(await rejection(reviews.decide(ID, { by, verdict: 'approve' }))).toMatchObject({
      reason: 'four-eyes',
    });
  });

  it('decides all the same where the gate lets them', async () => {
    const world = await begun({ ownRuns: 'allow' });
    const { reviews } = world.system;
    expect(await collect(reviews.pending({ by }))).toMatchObject([{ id: ID, ownRuns: 'allow' }]);
    await reviews.claim(ID, { by });
    await reviews.decide(ID, { by, verdict: 'approve', edits });
    await world.settle();
    expect(world.snapshot('flow/1')).toMatchObject({ status: 'done', output: { output: { text: 'b' } } });
  });
});

describe('whoever has worked on what is undone', () => {
  const any = { type: 'object' } as const;
  const clerk = human({
    ...{ name: 'clerk', role: 'clerk', capabilities: ['clerk'], inputSchema: any, outputSchema: any },
  });
  const boom = doing('boom', () => {
    throw new Error('no');
  });
  const PERMIT: Decision = { effect: 'permit', determining: ['rule'], reasons: [], obligations: [] };
  const gated: Decider = {
    hash: 'gated',
    decide: ({ action, resource: { id } }) =>
      action.name === 'agent.call' && id === 'refund'
        ? { ...PERMIT, obligations: [{ type: 'gate', role: 'boss' }] }
        : PERMIT,
  };
  const pay = task({ needs: ['write'], agent: 'payer', compensate: { agent: 'refund' } });
  const write = task({ agent: 'clerk' });
  const failing = task({ needs: ['pay'], agent: 'boom', onError: 'compensate' });
  const paid = workflow({ id: 'paid', tasks: { write, pay } });
  const flat = workflow({ id: 'flow', tasks: { write, pay, failing } });
  const deep = workflow({
    id: 'flow',
    tasks: { pay: call({ workflow: paid, input: () => ({}), onError: 'compensate' }), failing },
  });

  it.each([
    ['in a run', flat, 'flow/1/write', 'flow/1/undo pay'],
    ['in a run within it', deep, 'flow/1/pay/write', 'flow/1/undo pay/undo pay'],
  ])('does not approve the call by which it is, %s', async (_, flow, worked, undoing) => {
    const doers = { payer: doing('payer', () => ({ paid: 1 })), refund: doing('refund', () => ({})) };
    const world = await worldWith({ flow, paid, clerk, boom, ...doers }, gated);
    await world.start('flow', '1');
    const edits = [{ pointer: '', value: { to: 'ada' } }];
    await world.system.reviews.decide(`${worked}/review`, { by: 'ada', verdict: 'approve', edits });
    await world.settle();
    await world.advance(3_600_000);
    await world.crash();
    const { reviews } = world.system;
    const approve = (by: string) => reviews.decide(`${undoing}/clearance`, { by, verdict: 'approve' });
    expect(await rejection(approve('ada'))).toMatchObject({ reason: 'four-eyes' });
    await approve('bob');
    await world.settle();
    expect(world.snapshot('flow/1').context.nodes.pay.status).toBe('compensated');
  });
});

describe('whoever has worked on it', () => {
  const TEXT = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } as const;
  const person = (name: string, role = name) =>
    human({ ...{ name, role, capabilities: [name] }, inputSchema: { type: 'object' }, outputSchema: TEXT });
  const echo = doing('echo', ({ input }) => ({ text: `${String((input as { text?: unknown }).text)}!` }));
  const write = task({ agent: 'writer' });
  const ok = gate({ needs: ['write'], role: 'editor' });

  const supply = async (world: World, id: string, by: string, text = 'hi') => {
    const edits = [{ pointer: '', value: { text } }];
    await world.system.reviews.decide(id, { by, verdict: 'approve', edits });
    await world.settle();
  };
  const approve = (world: World, id: string, by: string) =>
    world.system.reviews.decide(id, { by, verdict: 'approve', reason: 'as it should be' });
  const fourEyesOf = (world: World, id: string) => world.system.reviews.get(id)!.fourEyes;
  const worldOf = (flow: unknown, more: object = {}) =>
    worldWith({ flow, writer: person('writer'), echo, ...more });

  it('who has supplied it does nothing of what is for those who decide, over a kill; others do', async () => {
    const world = await worldOf(workflow({ id: 'flow', tasks: { write, ok } }));
    await world.start('flow', '1');
    await supply(world, 'flow/1/write/review', 'ada');
    await world.crash();
    const { reviews } = world.system;
    const reason = { by: 'ada', reason: 'x' };
    for (const refused of [
      approve(world, 'flow/1/ok', 'ada'),
      reviews.decide('flow/1/ok', { ...reason, verdict: 'reject' }),
      reviews.claim('flow/1/ok', { by: 'ada' }),
      reviews.delegate('flow/1/ok', { by: 'bob', to: 'ada' }),
    ])
      expect(await rejection(refused)).toMatchObject({ reason: 'four-eyes' });
    expect(await collect(reviews.pending({ by: 'ada' }))).toEqual([]);
    expect(await collect(reviews.pending({ by: 'bob' }))).toMatchObject([{ id: 'flow/1/ok' }]);
    await approve(world, 'flow/1/ok', 'bob');
    await world.settle();
    expect(world.snapshot('flow/1').status).toBe('done');
  });

  it('is whoever had handed it over, too', async () => {
    const world = await worldOf(workflow({ id: 'flow', tasks: { write, ok } }));
    await world.start('flow', '1');
    await world.system.reviews.delegate('flow/1/write/review', { by: 'ada', to: 'bob' });
    await supply(world, 'flow/1/write/review', 'bob');
    expect(fourEyesOf(world, 'flow/1/ok')).toEqual(['bob', 'ada']);
  });

  it('has done so whatever lies in between, and whatever they have written for all to read', async () => {
    const flow = workflow({
      id: 'flow',
      shared: { notes: {} },
      tasks: {
        write,
        note: task({ agent: 'noter', writes: { notes: '/text' } }),
        other: task({ agent: 'writer' }),
        polish: task({ needs: ['write'], agent: 'echo' }),
        again: task({ needs: ['polish'], agent: 'echo' }),
        ok: gate({ needs: ['again'], role: 'editor' }),
      },
    });
    const world = await worldOf(flow, { noter: person('noter') });
    await world.start('flow', '1');
    await supply(world, 'flow/1/note/review', 'cyd');
    await supply(world, 'flow/1/other/review', 'dan');
    await supply(world, 'flow/1/write/review', 'ada');
    await world.until(() => world.system.reviews.get('flow/1/ok') !== undefined);
    expect(fourEyesOf(world, 'flow/1/ok').toSorted()).toEqual(['ada', 'cyd']);
  });

  it('is whoever has let it go on with another input, and nobody who has only let it go on', async () => {
    const rows = { crash: [{ do: 'park' }] } as const;
    const flow = workflow({
      ...{ id: 'flow', strategy: extend(strategies.standard, { name: 'parking', rows }) },
      tasks: { work: task({ agent: 'picky' }), ok: gate({ needs: ['work'], role: 'editor' }) },
    });
    let isPicky = true;
    const picky = doing('picky', ({ input }) => {
      if (isPicky || input['text'] === 'a') throw new Error('not that');
      return { text: input['text'] };
    });
    const world = await worldOf(flow, { picky });
    await world.start('flow', '1', { text: 'a' });
    const resume = { type: 'task.resume', task: 'work', reason: 'try' } as const;
    await world.tell('flow/1', { ...resume, by: 'ada', input: { text: 'b' } });
    await world.crash();
    isPicky = false;
    await world.tell('flow/1', { ...resume, by: 'cyd' });
    await world.until(() => world.system.reviews.get('flow/1/ok') !== undefined);
    expect(fourEyesOf(world, 'flow/1/ok')).toEqual(['ada']);
    expect(await rejection(approve(world, 'flow/1/ok', 'ada'))).toMatchObject({ reason: 'four-eyes' });
    await approve(world, 'flow/1/ok', 'cyd');
  });

  it('is whoever has edited it at a gate before; and nobody who has only approved it there', async () => {
    const flow = workflow({
      id: 'flow',
      tasks: {
        first: gate({ role: 'editor', quorum: 2, editable: true }),
        second: gate({ needs: ['first'], role: 'editor' }),
      },
    });
    const world = await worldOf(flow);
    await world.start('flow', '1', { text: 'a' });
    await supply(world, 'flow/1/first', 'ada', 'b');
    await approve(world, 'flow/1/first', 'bob');
    await world.settle();
    expect(fourEyesOf(world, 'flow/1/second')).toEqual(['ada']);
    expect(await rejection(approve(world, 'flow/1/second', 'ada'))).toMatchObject({ reason: 'four-eyes' });
    await approve(world, 'flow/1/second', 'bob');
  });

  it('has done so before, within, and after a workflow within a workflow, a list and a loop', async () => {
    const inner = workflow({ id: 'inner', tasks: { write, ok } });
    const flow = workflow({
      id: 'flow',
      tasks: {
        begin: task({ agent: 'beginner' }),
        sub: call({ needs: ['begin'], workflow: inner }),
        each: map({ needs: ['sub'], over: () => [{}], each: inner }),
        turns: loop({
          needs: ['each'],
          input: () => ({}),
          body: inner,
          times: 2,
          until: (_, { number }) => number === 2,
        }),
        last: gate({ needs: ['turns'], role: 'editor' }),
      },
    });
    const world = await worldOf(flow, { inner, beginner: person('beginner') });
    await world.start('flow', '1');
    await supply(world, 'flow/1/begin/review', 'ann');
    const people = ['bea', 'cid', 'dot', 'eve'];
    const places = ['sub', 'each/0', 'turns/1', 'turns/2'];
    for (const [index, place] of places.entries()) {
      await supply(world, `flow/1/${place}/write/review`, people[index]!);
      expect(fourEyesOf(world, `flow/1/${place}/ok`).toSorted()).toEqual([
        'ann',
        ...people.slice(0, index + 1),
      ]);
      await approve(world, `flow/1/${place}/ok`, 'zoe');
      await world.settle();
    }
    expect(fourEyesOf(world, 'flow/1/last').toSorted()).toEqual(['ann', ...people]);
  });

  /** Holds the text of an answer against something. */
  const saying = (name: string, holds: (text: string) => boolean): Verifier => ({
    ...{ name, version: 1 },
    check: ({ output }) =>
      holds(String(output['text']))
        ? { ok: true }
        : { ok: false, problems: [{ pointer: '#/text', keyword: name, schemaPath: '#', detail: name }] },
  });
  const never = saying('never', () => false);
  const loud = saying('loud', (text) => text.endsWith('!'));

  const asked = extend(strategies.standard, {
    name: 'asked',
    rows: { 'factually-wrong': [{ do: 'review', role: 'editor' }] },
  });

  it('does not decide about their own task either, nor about one that was given what they have made', async () => {
    const flow = workflow({
      id: 'flow',
      strategy: asked,
      tasks: {
        write: task({ agent: 'writer', verify: [never] }),
        polish: task({ needs: ['write'], agent: 'echo', verify: [never] }),
      },
    });
    const world = await worldOf(flow);
    await world.start('flow', '1');
    await supply(world, 'flow/1/write/review', 'ada');
    await world.until(() => world.system.reviews.get('flow/1/write/review')?.roles[0] === 'editor');
    expect(await rejection(approve(world, 'flow/1/write/review', 'ada'))).toMatchObject({
      reason: 'four-eyes',
    });
    await approve(world, 'flow/1/write/review', 'bob');
    await world.until(() => world.system.reviews.get('flow/1/polish/review') !== undefined);
    expect(fourEyesOf(world, 'flow/1/polish/review')).toEqual(['ada']);
    expect(world.snapshot('flow/1').context.nodes.write.facts).toMatchObject({
      people: ['ada'],
      ground: 'person',
    });
  });

  it('does not permit the call that is made with what they have made', async () => {
    const decider: Decider = {
      hash: 'obliging',
      decide: ({ action, resource }) => ({
        ...{ effect: 'permit', determining: ['all'], reasons: [] },
        obligations:
          action.name === 'agent.call' && resource.id === 'echo' ? [{ type: 'gate', role: 'boss' }] : [],
      }),
    };
    const flow = workflow({ id: 'flow', tasks: { write, pay: task({ needs: ['write'], agent: 'echo' }) } });
    const world = await worldWith({ flow, writer: person('writer'), echo }, decider);
    await world.start('flow', '1');
    await supply(world, 'flow/1/write/review', 'ada');
    await world.until(() => world.system.reviews.get('flow/1/pay/clearance') !== undefined);
    expect(await rejection(approve(world, 'flow/1/pay/clearance', 'ada'))).toMatchObject({
      reason: 'four-eyes',
    });
    await approve(world, 'flow/1/pay/clearance', 'bob');
  });

  it('does not permit a call that is made with the input they have given, nor one that is to confirm it', async () => {
    const decider: Decider = {
      hash: 'obliging',
      decide: ({ action }) => ({
        ...{ effect: 'permit', determining: ['all'], reasons: [] },
        obligations: action.name === 'agent.call' ? [{ type: 'gate', role: 'boss' }] : [],
      }),
    };
    const rows = { crash: [{ do: 'park' }] } as const;
    const verify = [vote({ of: 2, agree: 2, on: ['#/text'], models: 'any' })];
    const flow = workflow({
      ...{ id: 'flow', strategy: extend(strategies.standard, { name: 'parking', rows }) },
      tasks: { work: task({ agent: ['picky', 'echo'], verify }) },
    });
    const picky = doing('picky', ({ input }) => {
      if (input['text'] === 'a') throw new Error('not that');
      return { text: `${String(input['text'])}!` };
    });
    const world = await worldWith({ flow, picky, echo }, decider);
    await world.start('flow', '1', { text: 'a' });
    await approve(world, 'flow/1/work/clearance', 'ada');
    await world.settle();
    const order = { type: 'task.resume', task: 'work', by: 'ada', reason: 'try', input: { text: 'b' } };
    await world.tell('flow/1', order);
    for (const call of ['flow/1/work/clearance', 'flow/1/work/poll/1/clearance']) {
      await world.until(() => world.system.reviews.get(call)?.fourEyes !== undefined);
      expect(await rejection(approve(world, call, 'ada'))).toMatchObject({ reason: 'four-eyes' });
      // Nor can they be told to go on without anybody to say so.
      const told = world.system.get(call.replace('/clearance', ''))!;
      expect(await rejection(told.send({ type: 'task.resume', task: 'work' } as never))).toMatchObject({
        path: 'event.by',
      });
      await approve(world, call, 'bob');
    }
  });

  it('is nobody whose answer was not taken, and nobody where another value stands for it', async () => {
    const flow = workflow({
      id: 'flow',
      strategy: extend(strategies.standard, {
        name: 'other',
        rows: { 'factually-wrong': [{ do: 'other-agent' }, { do: 'default', value: { text: '-' } }] },
      }),
      tasks: {
        // The first answer is wrong, and the second right.
        one: task({
          agent: ['writer', 'echo'],
          verify: [loud],
        }),
        two: task({ agent: 'writer', verify: [never] }),
        ok: gate({ needs: ['one', 'two'], role: 'editor' }),
      },
    });
    const world = await worldOf(flow);
    await world.start('flow', '1');
    await supply(world, 'flow/1/one/review', 'ada');
    await supply(world, 'flow/1/two/review', 'ada');
    await world.until(() => world.system.reviews.get('flow/1/ok') !== undefined);
    expect(world.snapshot('flow/1').context.nodes.two.facts).toMatchObject({ ground: 'default' });
    expect(fourEyesOf(world, 'flow/1/ok')).toEqual([]);
  });

  it('has one vote, whoever they answer for: nothing that they have answered is confirmed by themselves', async () => {
    const rows = { 'factually-wrong': [{ do: 'other-agent' }, { do: 'fail' }] } as const;
    const voted = (of: number, ...agents: string[]) =>
      workflow({
        ...{ id: 'flow', strategy: extend(strategies.standard, { name: 'other', rows }) },
        tasks: {
          write: task({ agent: agents, verify: [vote({ of, agree: of, on: ['#/text'], models: 'any' })] }),
        },
      });
    const others = { one: person('one'), two: person('two'), three: person('three') };
    const said = doing('said', () => ({ text: 'hi' }));

    const again = await worldOf(voted(2, 'one', 'echo', 'two', 'three'), others);
    await again.start('flow', '1', { text: 'a' });
    // What echo says is another answer: so two and three are asked, and what was answered before is held against theirs.
    for (let i = 0; i < 3; i++) {
      await again.until(() => again.system.reviews.get('flow/1/write/review')?.status === 'pending');
      await supply(again, 'flow/1/write/review', 'ada');
    }
    await again.until(() => again.snapshot('flow/1').status !== 'active');
    expect(again.snapshot('flow/1/write').context.fault).toMatchObject({ class: 'factually-wrong' });

    const beside = await worldOf(voted(3, 'said', 'one', 'two', 'three'), { ...others, said });
    await beside.start('flow', '1', { text: 'a' });
    for (const voter of ['1', '2']) await supply(beside, `flow/1/write/poll/${voter}/review`, 'ada');
    const third = 'flow/1/write/poll/3/review';
    await beside.until(() => beside.system.reviews.get(third) !== undefined);
    expect(fourEyesOf(beside, third)).toEqual(['ada']);
    await supply(beside, third, 'bob');
    await beside.until(() => beside.snapshot('flow/1').status === 'done');
    expect(beside.snapshot('flow/1/write').context.votes).toMatchObject([
      { agent: 'one', people: ['ada'] },
      { agent: 'two', message: 'whoever has answered for two has a vote already' },
      { agent: 'three', people: ['bob'] },
    ]);
  });

  it('does not confirm their own answer as somebody else, and confirming it is to have worked on it', async () => {
    const flow = workflow({
      id: 'flow',
      tasks: {
        write: task({
          agent: ['writer', 'checker'],
          verify: [vote({ of: 2, agree: 2, on: ['#/text'], models: 'any' })],
        }),
        ok,
      },
    });
    const world = await worldOf(flow, { checker: person('checker') });
    await world.start('flow', '1');
    await supply(world, 'flow/1/write/review', 'ada');
    const confirming = 'flow/1/write/poll/1/review';
    await world.until(() => world.system.reviews.get(confirming) !== undefined);
    const edits = [{ pointer: '', value: { text: 'hi' } }];
    const own = world.system.reviews.decide(confirming, { by: 'ada', verdict: 'approve', edits });
    expect(await rejection(own)).toMatchObject({ reason: 'four-eyes' });
    await supply(world, confirming, 'bob');
    await world.until(() => world.system.reviews.get('flow/1/ok') !== undefined);
    expect(fourEyesOf(world, 'flow/1/ok')).toEqual(['ada', 'bob']);
  });
});
