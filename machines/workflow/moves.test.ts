// The lies: "whoever may begin begins, however many there are" (some are forgotten), and "it takes as long as there are nodes" (XState takes
// the cube of those that move together, and a run of hundreds would hold up everybody).
import { describe, expect, it } from 'vitest';
import { movesOf } from './moves.ts';
import { beginning } from './progress.ts';
import type { NodeStatus, RunContext } from './progress.ts';
import { graphOf, node, Run } from './run.testsuite.ts';
import type { Given } from './run.testsuite.ts';

const many = (count: number, given: Given = {}) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, node(given)]));
const MANY = 100;
const first = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);
const EVENT = {};

describe('the moves of a run', () => {
  const graph = graphOf(many(MANY));
  const context = beginning(graph, {}, 0);

  it('are those of the first that may move, and no more than a few at once', () => {
    const moves = movesOf(graph)(context, EVENT);
    expect([...moves.keys()]).toEqual(first(moves.size));
    expect(moves.size).toBeGreaterThan(1);
    expect(moves.size).toBeLessThan(MANY / 5);
  });

  it('are found once for a state of the run in a step, and asked of conditions again in the next', () => {
    let asked = 0;
    const when = () => (asked += 1) > 0;
    const conditional = graphOf({ a: node({ when }), b: node() });
    const find = movesOf(conditional);
    const state = beginning(conditional, {}, 0);
    expect(find(state, EVENT)).toBe(find(state, EVENT));
    expect(asked).toBe(1);
    find(state, { type: 'another' });
    expect(asked).toBe(2);
  });

  it.each([
    ['all that are free', Infinity, 4, 4],
    ['as many as there are places for', 3, 4, 2],
    ['none where all are taken', 1, 4, 0],
  ])('let ready nodes run: %s', (_, parallel, ready, runs) => {
    const stand = (status: NodeStatus) => ({ status });
    const nodes = Object.fromEntries(
      first(ready + 1).map((name, index) => [name, stand(index === 0 ? 'running' : 'ready')]),
    );
    const at: RunContext = { ...context, nodes };
    const moves = movesOf(graphOf(many(ready + 1), { parallel }))(at, EVENT);
    expect([...moves]).toEqual(
      first(runs + 1)
        .slice(1)
        .map((name) => [name, 'hasPlace']),
    );
  });
});

describe('a run of many nodes', () => {
  const statuses = (run: Run) => new Set(Object.values(run.context.nodes).map(({ status }) => status));

  it('has all of them run in its first step, and all of them told when it is aborted', () => {
    const run = new Run(graphOf(many(MANY)));
    expect(statuses(run)).toEqual(new Set(['running']));
    run.actor.send({ type: 'run.abort', by: 'ada', reason: 'enough' });
    expect(statuses(run)).toEqual(new Set(['cancelled']));
  });

  it('has all of them begin, or skipped, when what they need has ended', () => {
    const waiting = (given: Given = {}) => ({ a: node(), ...many(MANY, { needs: ['a'], ...given }) });
    const all = new Run(graphOf(waiting())).end('a');
    expect(statuses(all)).toEqual(new Set(['complete', 'running']));
    const none = new Run(graphOf(waiting({ when: () => false }))).end('a');
    expect([statuses(none), none.value]).toEqual([new Set(['complete', 'skipped']), 'complete (done)']);
    const failed = new Run(graphOf(waiting())).fail('a');
    expect(statuses(failed)).toEqual(new Set(['failed', 'cancelled']));
  });

  it('fails where a branch chooses none of its arms, also while many others move', () => {
    const { declared, needs, wait, when, onError, writes } = node({ needs: ['a'] });
    const base = { declared, needs, wait, when, onError, writes };
    const route = { ...base, kind: 'branch', arms: ['x'], choose: () => 'y', otherwise: undefined } as const;
    const run = new Run(
      graphOf({
        a: node(),
        maybe: node({ needs: ['a'], when: () => false }),
        ...many(MANY, { needs: ['maybe'] }),
        route,
        x: node({ needs: ['route.x'] }),
      }),
    ).end('a');
    expect(run.context.nodes['route']).toMatchObject({
      status: 'failed',
      problem: { class: 'invalid-input' },
    });
    expect(run.value).toBe('failed (error)');
  });

  it('takes no more than some of them together', () => {
    const together: number[] = [];
    const run = new Run(graphOf({ a: node(), ...many(MANY, { needs: ['a'] }) }), {}, ({ type, ...event }) => {
      if (type === '@xstate.microstep')
        together.push((event as { _transitions: unknown[] })._transitions.length);
    });
    run.end('a');
    expect(statuses(run)).toEqual(new Set(['complete', 'running']));
    expect(Math.max(...together)).toBeLessThan(MANY / 2);
  });
});
