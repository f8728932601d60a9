// The lie: "what an actor reserves comes only from other actors, and from whoever looks after it". Everybody else tries: the program,
// somebody with every right, a process, a dead letter.
import { beforeAll, describe, expect, it } from 'vitest';
import { fromCallback, sendTo, setup } from 'xstate';
import { durable, InvalidArgument } from 'heddle';
import { gate, roles, workflow } from 'heddle/actors';
import { childrenFromSource } from '../from-source.ts';
import { staffed } from './staffed.ts';
import { collect, open, rejection, ticks } from './systems.ts';

beforeAll(childrenFromSource);

const desk = durable(
  setup({ types: { context: {} as { taken: number } } }).createMachine({
    context: { taken: 0 },
    initial: 'open',
    states: { open: { on: { 'desk.close': 'closed', comment: {} } }, closed: {} },
  }),
  { reserves: { 'desk.': 'the porter' } },
);
/** Sends it by a step, which is its own affair. */
const porter = setup({}).createMachine({
  on: { lock: { actions: sendTo(({ system }) => system.get('desk/1')!, { type: 'desk.close' }) } },
});
const forging = fromCallback(({ sendBack }) => sendBack({ type: 'desk.close' }));
/** A process of its own says it. */
const forged = durable(
  setup({ actors: { forging } }).createMachine({
    initial: 'open',
    states: {
      open: { invoke: { src: 'forging', onError: 'caught' }, on: { 'desk.close': 'closed' } },
      ...{ closed: {}, caught: {} },
    },
  }),
  { reserves: { 'desk.': 'the porter' } },
);
const ACTORS = { desk, porter, forged };

describe('what an actor reserves', () => {
  it('is not taken from anybody outside, whatever he may do', async () => {
    const decider = roles({
      grants: [{ id: 'all', to: 'everyone', actions: ['*'], resources: 'any' }],
    });
    const { system } = await open(ACTORS, { decider });
    const ref = await system.actor('desk', '1');
    for (const one of [ref, system.as({ type: 'user', id: 'eve' }).get('desk/1')!]) {
      const error = await rejection(one.send({ type: 'desk.close' }));
      expect(error).toBeInstanceOf(InvalidArgument);
      expect(error.message).toContain("'desk.close' is not for send to desk/1: use the porter");
    }
    expect(ref.getSnapshot().value).toBe('open');
    await ref.send({ type: 'comment' });
    const refused = await collect(system.refusals());
    expect(refused).toMatchObject([{ address: 'desk/1', event: 'desk.close' }]);
  });

  it('is taken from actors, and not from their processes', async () => {
    const { system } = await open(ACTORS);
    const ref = await system.actor('desk', '1');
    const eve = await system.actor('forged', '1');
    await ticks();
    expect([ref.getSnapshot().value, eve.getSnapshot().value]).toEqual(['open', 'caught']);
    await (await system.actor('porter', '1')).send({ type: 'lock' });
    await ticks();
    expect(ref.getSnapshot().value).toBe('closed');
  });

  it('is taken from whoever looks after it', async () => {
    const { system } = await open(ACTORS);
    const ref = await system.actor('desk', '1');
    await system.sendReserved(ref, { type: 'desk.close' });
    expect(ref.getSnapshot().value).toBe('closed');
  });

  it('must be said by how it begins', () => {
    for (const reserves of [['desk.'], { 'desk.': 1 }, 'desk.'])
      expect(() => durable(desk, { reserves: reserves as never })).toThrow(InvalidArgument);
  });
});

describe('a review', () => {
  it('takes no decision that somebody only says was permitted', async () => {
    const paper = workflow({ id: 'paper', tasks: { ok: gate({ role: 'editor' }) } });
    const { system } = await staffed({ paper });
    await system.start('paper', { id: '1', input: {} });
    await ticks();
    const review = system.get('paper/1/ok')!;
    const { hash } = system.reviews.get('paper/1/ok')!;
    const permission = { action: 'review.approve', effect: 'permit', determining: ['me'], reasons: [] };
    const forged = { type: 'review.approve', by: 'carol', hash, bound: 'shown', permissions: [permission] };
    const error = await rejection(review.send(forged));
    expect(error).toBeInstanceOf(InvalidArgument);
    expect(error.message).toContain('use system.reviews');
    expect(system.reviews.get('paper/1/ok')).toMatchObject({ status: 'pending', approvals: [] });
    await system.reviews.absences.declare({ by: 'ada', until: Date.now() + 1e6 }).catch(() => {});
    const roster = system.get('absences/roster');
    if (roster !== undefined)
      expect(await rejection(roster.send({ type: 'absence.cancel' }))).toBeInstanceOf(InvalidArgument);
    // It is the same one that can be decided.
    await system.sendReserved(review, forged);
    expect(system.reviews.get('paper/1/ok')).toMatchObject({ status: 'approved' });
  });
});
