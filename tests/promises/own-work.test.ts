// The lie: "nobody decides about what they have asked for or worked on". Whoever has started a run, and whoever has supplied or edited
// what is in it, tries to decide about it: with what they put into its input, at its gates, in the reviews of its tasks.
import { gate, roles, workflow } from 'heddle/actors';
import type { AccessRequest, Decider } from 'heddle';
import { describe, expect, it } from 'vitest';
import { World } from './staffed-world.ts';
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

  it('lets them decide where the gate says so', async () => {
    const own = workflow({ id: 'flow', tasks: { ok: gate({ role: 'editor', ownRuns: 'allow' }) } });
    const world = await worldWith({ flow: own });
    await world.start('flow', '1', {}, IVY);
    await world.system.reviews.decide('flow/1/ok', { by: 'ivy', verdict: 'approve' });
    await world.settle();
    expect(world.snapshot('flow/1').status).toBe('done');
  });
});
