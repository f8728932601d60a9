// The lie: "a join with a deadline waits no longer". Joins of every kind whose time is counted from the first that has ended, over kills:
// not a moment less, not a moment more, and not at all before anybody has ended.
import { gate, roles, task, workflow } from 'heddle/actors';
import { describe, expect, it } from 'vitest';
import { doing, World } from './staffed-world.ts';

const PERMITTING = roles(`
roles: { all: {} }
grants:
  - { id: everything, to: everyone, actions: ['*'], resources: any }
`);

const HOUR = 3_600_000;

/** Three people are asked, and what they say is joined. */
const joined = (options: object, ofGates: object = {}) =>
  workflow({
    id: 'joined',
    tasks: {
      a: gate({ role: 'all', input: () => ({ of: 'a' }), ...ofGates }),
      b: gate({ role: 'all', input: () => ({ of: 'b' }), ...ofGates }),
      c: gate({ role: 'all', input: () => ({ of: 'c' }), ...ofGates }),
      d: task({ needs: ['a', 'b', 'c'], agent: 'taker', joinWithin: '1 hour', ...options }),
    },
    output: (outputs: object) => outputs,
  });

async function opened(options: object, ofGates: object = {}) {
  const taken: unknown[] = [];
  const taker = doing('taker', ({ input }) => (taken.push(input), { ok: true }));
  const world = await World.open({
    actors: { joined: joined(options, ofGates), taker },
    decider: PERMITTING,
  });
  await world.start('joined', '1');
  const decide = async (name: string, verdict: 'approve' | 'reject' = 'approve') => {
    await world.system.reviews.decide(`joined/1/${name}`, { by: `${name}-s`, verdict, reason: 'so' });
    await world.settle();
  };
  const statuses = (): string =>
    Object.entries(world.snapshot('joined/1').context.nodes as Record<string, { readonly status: string }>)
      .map(([name, { status }]) => `${name} ${status}`)
      .join(', ');
  return { world, taken, decide, statuses };
}

const keysOf = (given: unknown): string[] => Object.keys(given as object).sort();

describe('a join that waits no longer than an hour', () => {
  it('counts from the first that has ended, over kills, goes on with what there is, and cancels the others', async () => {
    const { world, taken, decide, statuses } = await opened({});
    await world.advance(10 * HOUR);
    expect(statuses()).toBe('a waiting, b waiting, c waiting, d pending');
    await decide('a');
    await world.advance(HOUR / 2);
    await world.crash();
    await decide('b');
    await world.advance(HOUR / 2 - 1);
    await world.crash();
    expect([statuses(), taken]).toEqual(['a complete, b complete, c waiting, d pending', []]);
    await world.advance(1);
    expect(taken.map(keysOf)).toEqual([['a', 'b']]);
    expect(statuses()).toBe('a complete, b complete, c cancelled, d complete');
    expect(world.snapshot('joined/1').status).toBe('done');
    expect(world.system.reviews.get('joined/1/c')!.status).toBe('stopped');
    expect(await world.system.replay('joined/1')).toMatchObject({ same: true });
  });

  it('does not wait where all have ended before, and nothing happens when the hour is over', async () => {
    const { world, taken, decide } = await opened({});
    for (const name of ['c', 'b', 'a']) await decide(name);
    expect(taken.map(keysOf)).toEqual([['a', 'b', 'c']]);
    await world.advance(2 * HOUR);
    expect(taken).toHaveLength(1);
  });

  it('lets the others come to their end where they are kept, and the run waits for them', async () => {
    const { world, taken, decide, statuses } = await opened({ losers: 'keep' });
    await decide('b');
    await world.advance(HOUR);
    expect(taken.map(keysOf)).toEqual([['b']]);
    expect(statuses()).toBe('a waiting, b complete, c waiting, d complete');
    await decide('a');
    await decide('c');
    expect(world.snapshot('joined/1').status).toBe('done');
    expect(taken).toHaveLength(1);
  });

  it('counts from one that has failed and is let pass, too', async () => {
    const { world, taken, decide, statuses } = await opened({}, { onError: 'absent' });
    await decide('c', 'reject');
    await world.advance(HOUR - 1);
    expect(statuses()).toBe('a waiting, b waiting, c failed, d pending');
    await world.advance(1);
    expect(taken.map(keysOf)).toEqual([[]]);
    expect(statuses()).toBe('a cancelled, b cancelled, c failed, d complete');
  });

  it.each([
    ['too few for a number of them', { join: { atLeast: 2 } }, 'b, c'],
    ['none for the first success', { join: 'first-success' }, 'b, c'],
  ])('fails with %s, and says whom it has waited for', async (_, options, whom) => {
    const { world, taken, decide } = await opened(options, { onError: 'absent' });
    await decide('a', options.join === 'first-success' ? 'reject' : 'approve');
    await world.advance(HOUR);
    expect(taken).toEqual([]);
    expect(world.snapshot('joined/1').error).toMatchObject({
      ...{ class: 'timeout', node: 'd', message: `d: it waited too long for ${whom}` },
    });
  });
});
