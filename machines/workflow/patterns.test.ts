// The lie: "Heddle can do the workflow patterns". Every pattern that `docs/patterns.md` calls direct, and most that it calls composed, as a
// run whose work ends when the test says so. The numbers are those of Russell, ter Hofstede, van der Aalst and Mulyar (2006).
import { setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import type { Graph, GraphNode, Mapper } from './graph.ts';
import { loopMachine } from './loop.ts';
import { mapMachine } from './map.ts';
import { puppet, TAKES_ALL } from './puppet.testsuite.ts';
import { graphOf, node, Run } from './run.testsuite.ts';
import type { Given } from './run.testsuite.ts';
import { runMachine } from './run.ts';

const branch = (needs: string[], arms: string[], choose: Mapper<string | undefined>): GraphNode => {
  const { needs: all, wait, when, onError, writes } = node({ needs });
  return {
    declared: undefined,
    needs: all,
    wait,
    when,
    onError,
    writes,
    kind: 'branch',
    arms,
    choose,
    otherwise: undefined,
  };
};

const any = { kind: 'any' } as const;
const atLeast = (count: number) => ({ kind: 'atLeast', count }) as const;

/** A workflow within a workflow. */
const nested = (graph: Graph): Given => ({ kind: 'call', logic: runMachine(graph, { isNested: true }) });

const each = (rest: Given = {}): Given => ({
  kind: 'map',
  logic: mapMachine({
    ...TAKES_ALL,
    each: puppet,
    concurrency: 10,
    onItemError: 'fail',
    input: (item) => item,
    reduce: (outputs) => outputs,
  }),
  ...rest,
});

const again = (times: number, until: (output: number) => boolean): Given => ({
  kind: 'loop',
  logic: loopMachine({
    ...TAKES_ALL,
    body: puppet,
    times,
    until,
    next: (output: unknown) => output,
    whenSpent: 'fail',
  }),
});

/** Logic of a user's own, which waits for an event. */
const waiting = setup({ types: { events: {} as { type: 'signal' } } }).createMachine({
  initial: 'waiting',
  states: { waiting: { on: { signal: 'over' } }, over: { type: 'final' } },
  output: { signalled: true },
});
const waits: Given = {
  kind: 'call',
  logic: waiting,
  start: (start) => start.input,
  outcome: (output) => ({ status: 'complete', output }),
  cancels: 'stops',
};

const statuses = (run: Run, ...names: string[]): string =>
  names.map((name) => `${name} ${run.context.nodes[name]!.status}`).join(', ');

describe('basic control flow', () => {
  it('1 sequence', () => {
    const run = new Run(graphOf({ a: node(), b: node({ needs: ['a'] }) }));
    expect(run.statuses).toBe('a running, b pending');
    expect(run.end('a').statuses).toBe('a complete, b running');
  });

  it('2 parallel split, 3 synchronization', () => {
    const graph = graphOf({
      a: node(),
      b: node({ needs: ['a'] }),
      c: node({ needs: ['a'] }),
      d: node({ needs: ['b', 'c'] }),
    });
    const run = new Run(graph).end('a');
    expect(run.statuses).toBe('a complete, b running, c running, d pending');
    expect(run.end('b').end('c').statuses).toContain('d running');
  });

  it.each([
    ['small', 's running, l skipped, z pending'],
    ['large', 's skipped, l running, z pending'],
  ])('4 exclusive choice, 5 simple merge: %s', (arm, chosen) => {
    const graph = graphOf({
      size: branch([], ['small', 'large'], () => arm),
      s: node({ needs: ['size.small'] }),
      l: node({ needs: ['size.large'] }),
      z: node({ needs: ['s', 'l'] }),
    });
    const run = new Run(graph);
    expect(statuses(run, 's', 'l', 'z')).toBe(chosen);
    run.end(arm[0]!);
    expect(statuses(run, 'z')).toBe('z running');
  });
});

describe('advanced branching and synchronization', () => {
  /** Two ways of three, each of which is taken if its condition holds. */
  const several = (b: boolean, c: boolean) =>
    graphOf({
      a: node(),
      b: node({ needs: ['a'], when: () => b }),
      c: node({ needs: ['a'], when: () => c }),
      z: node({ needs: ['b', 'c'] }),
    });

  it.each([
    [true, true, ['b', 'c']],
    [true, false, ['b']],
    [false, true, ['c']],
  ])('6 multi-choice, 7 structured synchronizing merge: %s, %s', (b, c, chosen) => {
    const run = new Run(several(b, c)).end('a');
    const running = ['b', 'c'].filter((name) => run.context.nodes[name]!.status === 'running');
    expect(running).toEqual(chosen);
    for (const name of chosen) {
      expect(statuses(run, 'z')).toBe('z pending');
      run.end(name);
    }
    expect(statuses(run, 'z')).toBe('z running');
  });

  it('37 acyclic synchronizing merge: waits for whatever may still come, and for nothing else', () => {
    // No block closes what another has opened: b goes to both merges.
    const graph = graphOf({
      a: node({ when: () => true }),
      b: node(),
      c: node({ when: () => false }),
      y: node({ needs: ['a', 'b'] }),
      z: node({ needs: ['b', 'c', 'y'] }),
    });
    const run = new Run(graph).end('b');
    expect(run.statuses).toBe('a running, b complete, c skipped, y pending, z pending');
    expect(run.end('a').end('y').statuses).toContain('z running');
  });

  it('8 multi-merge, composed: what follows is a workflow, and each branch calls it', () => {
    const tail = graphOf({ t: node() });
    const graph = graphOf({
      a: node(),
      b: node(),
      afterA: node({ needs: ['a'], ...nested(tail) }),
      afterB: node({ needs: ['b'], ...nested(tail) }),
    });
    const run = new Run(graph).end('b').end('a');
    expect(run.end('afterB/t').end('afterA/t').value).toBe('complete (done)');
  });

  const three = (rest: Given) =>
    graphOf({ a: node(), b: node(), c: node(), z: node({ needs: ['a', 'b', 'c'], ...rest }) });

  it('9 structured discriminator: the first goes on, and the others are let come to their ends', () => {
    const run = new Run(three({ join: any, keepsLosers: true })).end('b').end('z');
    expect([run.statuses, run.value]).toEqual(['a running, b complete, c running, z complete', 'working']);
    expect(run.end('a').end('c').value).toBe('complete (done)');
  });

  it('29 cancelling discriminator: the first goes on, and the others are cancelled', () => {
    const run = new Run(three({ join: any })).end('b');
    expect(run.statuses).toBe('a cancelled, b complete, c cancelled, z running');
  });

  it('30 structured partial join: two of three, and the third comes to its end', () => {
    const run = new Run(three({ join: atLeast(2), keepsLosers: true })).end('b');
    expect(statuses(run, 'z')).toBe('z pending');
    expect(run.end('c').statuses).toBe('a running, b complete, c complete, z running');
  });

  it('32 cancelling partial join: two of three, and the third is cancelled', () => {
    const run = new Run(three({ join: atLeast(2) })).end('b').end('c');
    expect(run.statuses).toBe('a cancelled, b complete, c complete, z running');
  });

  it.each([
    ['28 blocking discriminator', any, ['a']],
    ['31 blocking partial join', atLeast(2), ['a', 'b']],
  ])('%s, composed: the body of a loop begins again when all of it has ended', (_, join, enough) => {
    const body = runMachine(three({ join, keepsLosers: true }), { isNested: true });
    const logic = loopMachine({
      ...TAKES_ALL,
      body,
      times: 2,
      until: () => false,
      next: (output: unknown) => output,
      whenSpent: 'accept',
    });
    const run = new Run(graphOf({ l: node({ kind: 'loop', logic }) }));
    for (const name of enough) run.end(`l/1/${name}`);
    run.end('l/1/z');
    expect(() => run.child('l/2')).toThrow('l/2 does not run');
    for (const name of ['a', 'b', 'c'].filter((other) => !enough.includes(other))) run.end(`l/1/${name}`);
    expect(run.given('l/2/a')).toEqual({});
  });

  it('41 thread merge, 42 thread split, composed: a list of as many, and what becomes of it', () => {
    const graph = graphOf({
      split: node(each({ input: () => [1, 2, 3] })),
      merged: node({ needs: ['split'] }),
    });
    const run = new Run(graph).end('split/2').end('split/0');
    expect(statuses(run, 'merged')).toBe('merged pending');
    expect(run.end('split/1').given('merged')).toEqual({ split: ['SPLIT/0', 'SPLIT/1', 'SPLIT/2'] });
  });
});

describe('multiple instances', () => {
  it('12 without synchronization: nobody waits for them but the end of the run', () => {
    const graph = graphOf({ many: node(each({ input: () => [1, 2] })), b: node() });
    const run = new Run(graph).end('b');
    expect([run.statuses, run.value]).toEqual(['many running, b complete', 'working']);
    expect(run.end('many/1').end('many/0').value).toBe('complete (done)');
  });

  it('13 known when it is written, 14 known when it begins', () => {
    const graph = graphOf({
      a: node(),
      fixed: node(each({ input: () => ['x', 'y'] })),
      found: node(each({ needs: ['a'], input: ({ a }) => a as unknown })),
      z: node({ needs: ['fixed', 'found'] }),
    });
    const run = new Run(graph).end('fixed/0').end('fixed/1').end('a', ['p', 'q', 'r']);
    expect(['found/0', 'found/1', 'found/2'].map((path) => run.given(path))).toEqual(['p', 'q', 'r']);
    run.end('found/2').end('found/1');
    expect(statuses(run, 'z')).toBe('z pending');
    expect(statuses(run.end('found/0'), 'z')).toBe('z running');
  });

  it('15 not known before, composed: a loop whose body does what was found until nothing more is', () => {
    const body = runMachine(
      graphOf(
        { batch: node(each({ input: (_, { input }) => input as unknown })) },
        { output: ({ batch }) => (batch as string[][]).flat() },
      ),
      { isNested: true },
    );
    const logic = loopMachine({
      ...TAKES_ALL,
      body,
      times: 10,
      until: (found: string[]) => found.length === 0,
      next: (found: string[]) => found,
      whenSpent: 'fail',
    });
    const run = new Run(graphOf({ crawl: node({ kind: 'loop', logic, input: () => ['home'] }) }));
    run.end('crawl/1/batch/0', ['news', 'shop']);
    expect(run.given('crawl/2/batch/1')).toBe('shop');
    run.end('crawl/2/batch/0', []).end('crawl/2/batch/1', []);
    expect(run.value).toBe('complete (done)');
  });

  it('34 static partial join, 35 cancelling, composed where the number is known when it is written', () => {
    const graph = graphOf({
      i1: node(),
      i2: node(),
      i3: node(),
      z: node({ needs: ['i1', 'i2', 'i3'], join: atLeast(2) }),
    });
    expect(new Run(graph).end('i3').end('i1').statuses).toBe(
      'i1 complete, i2 cancelled, i3 complete, z running',
    );
  });
});

describe('state', () => {
  it('16 deferred choice, composed: whatever happens first is taken, and the others are withdrawn', () => {
    const graph = graphOf({
      reply: node(waits),
      timeout: node(waits),
      z: node({ needs: ['reply', 'timeout'], join: any }),
    });
    const run = new Run(graph);
    run.child('reply').send({ type: 'signal' });
    expect(run.statuses).toBe('reply complete, timeout cancelled, z running');
    expect(run.given('z')).toEqual({ reply: { signalled: true } });
  });

  it('17 interleaved parallel routing, 40 interleaved routing: one at a time, by a workflow with one place', () => {
    const one = graphOf({ p: node(), q: node(), r: node({ needs: ['p'] }) }, { parallel: 1 });
    const run = new Run(graphOf({ tests: node(nested(one)), other: node() }));
    const running = () => ['p', 'q', 'r'].filter((name) => isRunning(run, `tests/${name}`));
    expect([running(), statuses(run, 'other')]).toEqual([['p'], 'other running']);
    run.end('tests/p');
    expect(running()).toEqual(['q']);
    run.end('tests/q');
    expect(running()).toEqual(['r']);
  });
});

const isRunning = (run: Run, path: string): boolean => {
  try {
    return run.child(path).getSnapshot().status === 'active';
  } catch {
    return false;
  }
};

describe('cancellation', () => {
  it('19 cancel task: one that is not wanted any more', () => {
    const graph = graphOf({ a: node(), b: node(), z: node({ needs: ['a', 'b'], join: any }) });
    expect(new Run(graph).end('a').statuses).toBe('a complete, b cancelled, z running');
  });

  it('20 cancel case', () => {
    const run = new Run(graphOf({ a: node(), b: node(), c: node({ needs: ['a'] }) }));
    run.actor.send({ type: 'run.abort', by: 'ada', reason: 'no more' });
    expect([run.statuses, run.value]).toEqual(['a cancelled, b cancelled, c cancelled', 'aborted (error)']);
  });

  it('25 cancel region, composed: the region is a workflow, and it is one that is not wanted any more', () => {
    const region = graphOf({ p: node(), q: node(), r: node({ needs: ['p', 'q'] }) });
    const graph = graphOf({
      region: node(nested(region)),
      b: node(),
      other: node(),
      z: node({ needs: ['region', 'b'], join: any }),
    });
    const run = new Run(graph).end('region/p').end('b');
    expect(run.statuses).toBe('region cancelled, b complete, other running, z running');
  });

  it('26 cancel multiple instances: all of them are cancelled that run', () => {
    const graph = graphOf({
      many: node(each({ input: () => [1, 2, 3] })),
      b: node(),
      z: node({ needs: ['many', 'b'], join: any }),
    });
    const run = new Run(graph).end('many/0').end('b');
    expect(run.statuses).toBe('many cancelled, b complete, z running');
  });
});

describe('iteration', () => {
  it('21 structured loop', () => {
    const run = new Run(graphOf({ l: node({ ...again(5, (n) => n > 2), input: () => 0 }) }));
    run.end('l/1', 1).end('l/2', 2);
    expect(run.given('l/3')).toBe(2);
    expect(run.end('l/3', 3).value).toBe('complete (done)');
  });
});

describe('termination', () => {
  it('11 implicit termination: when nothing is left to do', () => {
    const run = new Run(graphOf({ a: node(), b: node(), c: node({ needs: ['b'] }) }));
    expect(run.end('b').end('c').value).toBe('working');
    expect(run.end('a').value).toBe('complete (done)');
  });

  it('43 explicit termination, composed: an end that all others lead to, and that waits for none', () => {
    const graph = graphOf({
      stop: node(),
      work: node(),
      more: node({ needs: ['work'] }),
      end: node({ needs: ['stop', 'more'], join: any }),
    });
    const run = new Run(graph).end('stop').end('end');
    expect([run.statuses, run.value]).toEqual([
      'stop complete, work cancelled, more cancelled, end complete',
      'complete (done)',
    ]);
  });
});

describe('triggers', () => {
  it('23 transient trigger, composed: logic of one’s own that waits takes what comes while it waits', () => {
    const run = new Run(
      graphOf({ a: node(), signal: node({ needs: ['a'], ...waits }), z: node({ needs: ['signal'] }) }),
    );
    expect(() => run.child('signal')).toThrow('does not run');
    run.end('a').child('signal').send({ type: 'signal' });
    expect(statuses(run, 'z')).toBe('z running');
  });
});
