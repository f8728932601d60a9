// The lie: "the run does what its graph says": order, joins, conditions, failures, places, cancelling and undoing, in every order in
// which children may come to their ends. Plain XState: what holds here holds under Heddle, with a disk below it.
import { assign, createActor, createMachine, fromTransition } from 'xstate';
import type { AnyActorLogic, AnyActorRef, AnyMachineSnapshot, AnyStateNode } from 'xstate';
import { describe, expect, it } from 'vitest';
import type { ErrorPolicy, Graph, GraphNode, Join, Need, WorkStart } from './graph.ts';
import { loopMachine } from './loop.ts';
import { mapMachine } from './map.ts';
import { puppet, TAKES_ALL } from './puppet.testsuite.ts';
import type { PuppetContext } from './puppet.testsuite.ts';
import { runMachine } from './run.ts';
import { graphOf, node, Run } from './run.testsuite.ts';
import type { Given } from './run.testsuite.ts';

const stubborn = fromTransition(
  (state: WorkStart) => state,
  (({ input }: { input: unknown }) => input) as never,
);

/** Work that takes its time to come to an end. */
const slow = createMachine({
  context: { outcome: undefined as unknown },
  initial: 'working',
  states: {
    working: {
      on: { end: { target: 'ended', actions: assign({ outcome: ({ event }) => event['outcome'] }) } },
    },
    ended: { type: 'final' },
  },
  output: ({ context }) => context.outcome,
});

/** A node that is a run of its own. */
const within = (graph: Graph, given: Given = {}) =>
  node({ kind: 'call', logic: runMachine(graph, { isNested: true }), ...given });

const mapOf = (logic: AnyActorLogic) =>
  mapMachine({
    ...TAKES_ALL,
    ...{ each: logic, input: (item) => item, concurrency: 2, onItemError: 'fail' },
    reduce: (outputs) => outputs,
  });
const loopOf = (logic: AnyActorLogic) =>
  loopMachine({
    ...TAKES_ALL,
    ...{ body: logic, times: 3, until: () => true, next: (output) => output, whenSpent: 'fail' },
  });

/** A run with the run `s` in it: in its place, or as the body of what is there. */
const call = (
  graph: Graph,
  others: Record<string, GraphNode> = {},
  rest: Partial<Graph> = {},
  around: (logic: AnyActorLogic) => AnyActorLogic = (logic) => logic,
) => {
  const logic = around(runMachine(graph, { isNested: true }));
  return new Run(graphOf({ s: node({ kind: 'call', logic, input: () => [{}] }), ...others }, rest));
};

const diamond = () =>
  graphOf({
    a: node(),
    b: node({ needs: ['a'] }),
    c: node({ needs: ['a'] }),
    d: node({ needs: ['b', 'c'] }),
  });

describe('order', () => {
  it('begins what needs nothing, and each other node when its needs are complete', () => {
    const run = new Run(diamond());
    expect(run.statuses).toBe('a running, b pending, c pending, d pending');
    run.end('a');
    expect(run.statuses).toBe('a complete, b running, c running, d pending');
    run.end('c');
    expect(run.statuses).toBe('a complete, b running, c complete, d pending');
    run.end('b');
    expect(run.given('d')).toEqual({ b: 'B', c: 'C' });
    run.end('d');
    expect([run.value, run.actor.getSnapshot().output]).toEqual([
      'complete (done)',
      { a: 'A', b: 'B', c: 'C', d: 'D' },
    ]);
  });

  it('tells who runs what was asked of it, and nothing else', () => {
    const run = new Run(
      graphOf({ a: node({ input: (_, { input }) => input, values: () => ({ locale: 'de' }) }) }),
      { x: 1 },
    );
    expect((run.child('a').getSnapshot().context as { start: WorkStart }).start).toEqual({
      workflow: 'flow',
      run: run.actor.sessionId,
      task: 'a',
      input: { x: 1 },
      values: { locale: 'de' },
      account: undefined,
    });
    expect(run.context.prepared).toEqual({});
  });

  it.each([1, 2, 3])('runs at most %i at once, first those that were written first', (parallel) => {
    const names = ['p', 'q', 'r', 's', 't'];
    const run = new Run(graphOf(Object.fromEntries(names.map((name) => [name, node()])), { parallel }));
    for (let ended = 0; ended < names.length; ended++) {
      const running = names.filter((name) => run.context.nodes[name]!.status === 'running');
      expect(running).toEqual(names.slice(ended, ended + parallel));
      run.end(names[ended]!);
    }
    expect(run.value).toBe('complete (done)');
  });

  it('gives the place of one that waits for a person to another', () => {
    const run = new Run(graphOf({ a: node(), b: node() }, { parallel: 1 }));
    run.actor.send({ type: 'task.stands', task: 'a', standing: 'waiting' });
    expect(run.statuses).toBe('a waiting, b running');
    run.actor.send({ type: 'task.stands', task: 'a', standing: 'parked' });
    expect(run.statuses).toBe('a parked, b running');
    run.end('a').end('b');
    expect(run.value).toBe('complete (done)');
  });
});

describe('conditions and branches', () => {
  it('skips what is not to be done, and what needs it goes on with the rest', () => {
    const graph = graphOf({
      a: node(),
      b: node({ needs: ['a'], when: ({ a }) => a > 3 }),
      c: node({ needs: ['a'] }),
      d: node({ needs: ['b', 'c'], input: (outputs, { absent }) => ({ outputs, absent }) }),
    });
    const run = new Run(graph).end('a', 3).end('c');
    expect(run.context.nodes['b']).toMatchObject({ status: 'skipped', skipped: 'condition' });
    expect(run.given('d')).toEqual({
      outputs: { c: 'C' },
      absent: { b: { status: 'skipped', because: 'its condition does not hold' } },
    });
  });

  it('skips everything behind what is not to be done', () => {
    const graph = graphOf({
      a: node({ when: () => false }),
      b: node({ needs: ['a'] }),
      c: node({ needs: ['b'] }),
    });
    const run = new Run(graph);
    expect(run.statuses).toBe('a skipped, b skipped, c skipped');
    expect(run.value).toBe('complete (done)');
  });

  const branching = (
    choose: GraphNode & { kind: 'branch' } extends { choose: infer T } ? T : never,
    otherwise?: string,
  ) =>
    graphOf({
      a: node(),
      size: { ...base(['a']), kind: 'branch', arms: ['small', 'large'], choose, otherwise },
      s: node({ needs: ['size.small'] }),
      l: node({ needs: ['size.large'] }),
      z: node({ needs: ['s', 'l'] }),
    });
  const base = (needs: string[]) => {
    const { needs: all, wait, when, onError, writes } = node({ needs });
    return { declared: undefined, needs: all, wait, when, onError, writes };
  };

  it.each([
    [1, 's complete, l skipped, z complete'],
    [9, 's skipped, l complete, z complete'],
  ])('takes the arm that fits %i, and joins behind it', (size, expected) => {
    const run = new Run(branching(({ a }) => (a < 5 ? 'small' : 'large'))).end('a', size);
    run.end(size < 5 ? 's' : 'l').end('z');
    expect(run.statuses).toBe(`a complete, size complete, ${expected}`);
  });

  it.each([
    ['an arm that is chosen', ['size.small', 'a'], 'running'],
    ['an arm that is not, and what was done before the branch', ['size.large', 'a'], 'skipped'],
    ['an arm that is not, and what is done beside it', ['size.large', 'other'], 'skipped'],
    ['an arm that is not, and what lies behind the one that is', ['size.large', 's'], 'running'],
    ['both arms, and what was done before', ['size.small', 'size.large', 'a'], 'running'],
    [
      'an arm of a branch that was left out, and an arm of the one that left it out',
      ['deep.x', 'size.small'],
      'running',
    ],
    ['an arm of a branch that was left out, and what is done beside it', ['deep.x', 'other'], 'skipped'],
  ])('a node that needs %s', (_, needs, status) => {
    const deep = {
      ...base(['size.large']),
      kind: 'branch',
      arms: ['x'],
      choose: () => 'x',
      otherwise: 'x',
    } as const;
    const { nodes } = branching(() => 'small');
    const run = new Run(graphOf({ ...nodes, other: node(), deep, it: node({ needs }) }));
    run.end('a').end('s').end('other');
    expect(run.context.nodes['it']!.status).toBe(status);
  });

  it('fails where no arm fits, unless there is one for that', () => {
    expect(new Run(branching(() => undefined)).end('a').error).toMatchObject({
      class: 'invalid-input',
      message: 'size: it chooses none of its arms (small, large)',
    });
    expect(new Run(branching(() => 'medium')).end('a').error).toMatchObject({
      message: "size: it chooses 'medium', which is none of its arms (small, large)",
    });
    expect(new Run(branching(() => undefined, 'small')).end('a').statuses).toContain('s running');
  });

  it('fails a node whose condition, input or choice throws or makes no sense, and never hangs', () => {
    const boom = () => {
      throw new RangeError('boom');
    };
    expect(new Run(graphOf({ a: node({ when: boom }) })).error).toMatchObject({
      message: 'a: its condition cannot be made: RangeError: boom',
    });
    expect(new Run(graphOf({ a: node({ when: (() => 1) as never }) })).error).toMatchObject({
      message: 'a: its condition gives a number, which is neither true nor false',
    });
    expect(new Run(graphOf({ a: node({ input: boom }) })).error).toMatchObject({
      message: 'a: its input cannot be made: RangeError: boom',
    });
    expect(new Run(branching(boom)).end('a').error).toMatchObject({
      message: 'size: its choice cannot be made: RangeError: boom',
    });
  });
});

describe('joins', () => {
  const joining = (join: Join, rest: Given = {}) =>
    graphOf({
      a: node({ onError: { kind: 'skip' } }),
      b: node({ onError: { kind: 'skip' } }),
      c: node({ onError: { kind: 'skip' } }),
      z: node({ needs: ['a', 'b', 'c'], join, ...rest }),
    });

  it('any: goes on with the first, and cancels the others', () => {
    const run = new Run(joining({ kind: 'any' })).end('b');
    expect(run.statuses).toBe('a cancelled, b complete, c cancelled, z running');
    expect(run.given('z')).toEqual({ b: 'B' });
    run.end('z');
    expect(run.value).toBe('complete (done)');
  });

  it('keeps those that it did not wait for where they are to go on', () => {
    const run = new Run(joining({ kind: 'any' }, { keepsLosers: true })).end('b').end('z');
    expect([run.statuses, run.value]).toEqual(['a running, b complete, c running, z complete', 'working']);
    run.end('a').end('c');
    expect(run.value).toBe('complete (done)');
  });

  it('first success: waits on after a failure, and fails when there can be none', () => {
    const run = new Run(joining({ kind: 'atLeast', count: 1 })).fail('a');
    expect(run.statuses).toContain('z pending');
    expect(run.end('c').statuses).toBe('a failed, b cancelled, c complete, z running');
    const unlucky = new Run(joining({ kind: 'atLeast', count: 1 })).fail('a').fail('b').fail('c');
    expect(unlucky.error).toMatchObject({
      class: 'join',
      message: 'z: it needs 1 of 3 to be complete, and only 0 can be',
    });
  });

  it('two of three: goes on with two, and fails as soon as two cannot be', () => {
    expect(new Run(joining({ kind: 'atLeast', count: 2 })).end('a').end('c').statuses).toBe(
      'a complete, b cancelled, c complete, z running',
    );
    const run = new Run(joining({ kind: 'atLeast', count: 2 })).fail('a').fail('b');
    expect(run.error).toMatchObject({ message: 'z: it needs 2 of 3 to be complete, and only 1 can be' });
  });

  it('counts nobody as complete who has failed, though a value stands for it', () => {
    const graph = graphOf({
      a: node({ onError: { kind: 'value', value: 7 } }),
      b: node({ onError: { kind: 'skip' } }),
      z: node({ needs: ['a', 'b'], join: { kind: 'atLeast', count: 1 } }),
    });
    const run = new Run(graph).fail('a');
    expect(run.statuses).toBe('a failed, b running, z pending');
    expect(run.end('b').given('z')).toEqual({ a: 7, b: 'B' });
    expect(new Run(graph).fail('a').fail('b').error).toMatchObject({
      message: 'z: it needs 1 of 2 to be complete, and only 0 can be',
    });
  });

  it('does not cancel what somebody else needs', () => {
    const graph = graphOf({
      a: node(),
      b: node(),
      z: node({ needs: ['a', 'b'], join: { kind: 'any' } }),
      y: node({ needs: ['b'] }),
    });
    expect(new Run(graph).end('a').statuses).toBe('a complete, b running, z running, y pending');
  });

  it('cancels what only those need that are not wanted themselves', () => {
    const graph = graphOf({
      a: node(),
      b1: node(),
      b2: node({ needs: ['b1'] }),
      z: node({ needs: ['a', 'b2'], join: { kind: 'any' } }),
    });
    expect(new Run(graph).end('a').statuses).toBe('a complete, b1 cancelled, b2 cancelled, z running');
  });
});

describe('failures', () => {
  const chain = (onError: ErrorPolicy, need?: Need['onError']) =>
    graphOf({
      a: node(),
      c: node({ needs: ['a'], onError }),
      b: node({ needs: ['a'] }),
      d: node({
        needs: ['b', { node: 'c', arm: undefined, onError: need }],
        input: (outputs, { absent }) => ({ outputs, absent }),
      }),
    });

  it('fail: cancels whatever runs, and the run fails with what it was', () => {
    const run = new Run(chain({ kind: 'fail' })).end('a').fail('c', 'timeout');
    expect(run.statuses).toBe('a complete, c failed, b cancelled, d cancelled');
    expect([run.value, run.error]).toMatchObject([
      'failed (error)',
      { class: 'timeout', message: 'c: c is broken', node: 'c', workflow: 'flow' },
    ]);
  });

  it('fail: also where only some of those that need it say what it means to them', () => {
    const absent: Need = { node: 'a', arm: undefined, onError: { kind: 'absent' } };
    const graph = (others: Given) => graphOf({ a: node(), b: node({ needs: [absent] }), c: node(others) });
    const some = new Run(graph({ needs: ['a'] })).fail('a');
    expect([some.value, some.statuses]).toEqual(['failed (error)', 'a failed, b cancelled, c cancelled']);
    const all = new Run(graph({ needs: [absent] })).fail('a');
    expect([all.value, all.statuses]).toEqual(['working', 'a failed, b running, c running']);
  });

  it('skip: whoever needs it is skipped, and says who blocks it', () => {
    const run = new Run(chain({ kind: 'skip' })).end('a').fail('c').end('b');
    expect(run.context.nodes['d']).toMatchObject({ status: 'skipped', skipped: 'blocked', blockedBy: 'c' });
    expect(run.value).toBe('complete (done)');
  });

  it('absent and value: whoever needs it goes on without, or with something else', () => {
    const absent = new Run(chain({ kind: 'absent' })).end('a').fail('c').end('b');
    expect(absent.given('d')).toEqual({
      outputs: { b: 'B' },
      absent: { c: { status: 'failed', because: 'c is broken' } },
    });
    const value = new Run(chain({ kind: 'value', value: 7 })).end('a').fail('c').end('b');
    expect(value.given('d')).toEqual({ outputs: { b: 'B', c: 7 }, absent: {} });
  });

  it('what an edge says goes before what the node says', () => {
    const run = new Run(chain({ kind: 'fail' }, { kind: 'value', value: 8 })).end('a').fail('c').end('b');
    expect([run.value, run.given('d')]).toEqual(['working', { outputs: { b: 'B', c: 8 }, absent: {} }]);
  });

  it('compensate: undoes what is complete, the last first, one after the other', () => {
    const undo = { logic: puppet, input: (output: unknown, input: unknown) => ({ output, input }) };
    const graph = graphOf({
      a: node({ compensate: undo }),
      b: node({ needs: ['a'], compensate: undo }),
      c: node({ needs: ['b'], onError: { kind: 'compensate' }, compensate: undo }),
    });
    const run = new Run(graph).end('a').end('b').fail('c');
    expect(run.statuses).toBe('a complete, b compensating, c failed');
    expect(run.given('undo b')).toEqual({ output: 'B', input: { a: 'A' } });
    run.end('undo b');
    expect(run.statuses).toBe('a compensating, b compensated, c failed');
    run.fail('undo a');
    expect(run.statuses).toBe('a uncompensated, b compensated, c failed');
    expect([run.value, run.error]).toMatchObject([
      'failed (error)',
      { node: 'c', uncompensated: [{ node: 'a', problem: { message: 'undo a is broken' } }] },
    ]);
  });
});

describe('undoing', () => {
  it('waits with whoever undoes it, and lets them be told to go on', () => {
    const undo = { logic: puppet, input: () => ({}) };
    const graph = graphOf({
      a: node({ compensate: undo }),
      c: node({ needs: ['a'], onError: { kind: 'compensate' } }),
    });
    const run = new Run(graph).end('a').fail('c');
    run.child('undo a').send({ type: 'say', standing: 'parked' });
    expect(run.context.nodes['a']).toMatchObject({ status: 'compensating', undoing: 'parked' });
    run.actor.send({ type: 'task.resume', task: 'a', by: 'ada' });
    run.actor.send({ type: 'task.resume', task: 'undo a', by: 'ada' });
    const { resumed } = run.child('undo a').getSnapshot().context as PuppetContext;
    expect(resumed).toMatchObject({ task: 'undo a' });
    run.end('undo a');
    expect(run.value).toBe('failed (error)');
  });
});

describe('ending it from outside', () => {
  it('cancels what runs, undoes what is complete, and says who wanted it', () => {
    const undo = { logic: puppet, input: () => ({}) };
    const graph = graphOf({
      a: node({ compensate: undo }),
      b: node({ needs: ['a'] }),
      c: node({ needs: ['b'] }),
    });
    const run = new Run(graph).end('a');
    run.actor.send({ type: 'run.abort', by: 'ada', reason: 'wrong customer' });
    expect(run.statuses).toBe('a compensating, b cancelled, c cancelled');
    run.end('undo a');
    expect([run.value, run.error]).toMatchObject([
      'aborted (error)',
      { class: 'cancelled', by: 'ada', message: 'ada has aborted it: wrong customer' },
    ]);
  });

  it('waits for those that take their time to come to an end', () => {
    const run = new Run(graphOf({ a: node({ logic: stubborn }), b: node() }));
    run.actor.send({ type: 'run.abort', by: 'ada', reason: 'no more' });
    expect([run.statuses, run.value]).toEqual(['a cancelling, b cancelled', 'working']);
  });

  it('takes only the first ending', () => {
    const run = new Run(graphOf({ a: node({ logic: stubborn }), b: node() }));
    run.actor.send({ type: 'run.abort', by: 'ada', reason: 'no more' });
    run.actor.send({ type: 'run.abort', by: 'bob', reason: 'me too' });
    expect(run.context.ending).toEqual({ how: 'abort', by: 'ada', reason: 'no more' });
  });

  it('refuses an input that breaks its schema before anything of it is there', () => {
    const graph = graphOf(
      { a: node() },
      {
        checkInput: () => {
          throw new TypeError('topic is missing');
        },
      },
    );
    const run = new Run(graph);
    expect([run.actor.getSnapshot().status, String(run.error)]).toEqual([
      'error',
      'TypeError: topic is missing',
    ]);
  });
});

describe('its output', () => {
  it('that cannot be made fails the run, and says why', () => {
    const problems = [{ pointer: '#/text', detail: 'must be string' }];
    const output = () => {
      throw Object.assign(new TypeError('it breaks its schema'), { problems });
    };
    const run = new Run(graphOf({ a: node() }, { output })).end('a');
    expect([run.statuses, run.value]).toEqual(['a complete', 'failed (error)']);
    expect(run.error).toEqual({
      class: 'invalid-output',
      message: 'its output cannot be made: TypeError: it breaks its schema',
      problems,
      workflow: 'flow',
      run: run.actor.sessionId,
    });
  });
});

describe('what is shared', () => {
  it('joins what several write by the reducer of the name', () => {
    const writes = { items: (output: unknown) => output, count: () => 1 };
    const graph = graphOf(
      {
        a: node({ writes }),
        b: node({ writes }),
        z: node({ needs: ['a', 'b'], input: (_, { shared }) => shared }),
      },
      { shared: { items: { reduce: 'append', initial: [] }, count: { reduce: 'sum', initial: 0 } } },
    );
    const run = new Run(graph).end('b', ['y', 'z']).end('a', 'x');
    expect(run.given('z')).toEqual({ items: ['y', 'z', 'x'], count: 2 });
  });

  it('fails a node whose output cannot be written', () => {
    const graph = graphOf(
      { a: node({ writes: { total: (output) => output } }) },
      { shared: { total: { reduce: 'sum', initial: 0 } } },
    );
    expect(new Run(graph).end('a', 'much').error).toMatchObject({
      class: 'invalid-output',
      message: "a: 'total' cannot be written: TypeError: 'sum' is for numbers",
    });
  });
});

describe('a run within a run', () => {
  it.each([
    ['complete', { status: 'complete', output: 1 } as const],
    ['failed', { status: 'failed', problem: { class: 'crash', message: 'broken' } } as const],
  ])('says what its tasks have cost when it is %s', (status, end) => {
    const graph = graphOf({ a: node(), b: node({ onError: { kind: 'fail' } }) });
    const start = {
      workflow: 'flow',
      run: 'flow/1',
      task: 'inner',
      input: {},
      values: {},
      account: undefined,
    };
    const actor = createActor(runMachine(graph, { isNested: true }), { input: start }).start();
    const child = (name: string) => (actor.getSnapshot() as AnyMachineSnapshot).children[name] as AnyActorRef;
    const facts = { attempts: 2, cost: 30 };
    child('a').send({ type: 'end', outcome: { status: 'complete', output: 0, facts } });
    child('b').send({ type: 'end', outcome: { ...end, facts } });
    expect((actor.getSnapshot() as AnyMachineSnapshot).output).toMatchObject({
      ...{ status, facts: { attempts: 4, cost: 60 } },
    });
  });
});

describe('a person who aborts in a run within a run', () => {
  const aborted = { status: 'aborted', by: 'ada', reason: 'wrong customer' } as const;
  const undo = { logic: puppet, input: () => ({}) };
  const around = (inner: Graph, others: Record<string, GraphNode>) =>
    new Run(graphOf({ s: within(inner, { onError: { kind: 'skip' } }), ...others }));

  it('has ended all of it, though that fails already, and whoever is around would go on without', () => {
    const inner = graphOf({
      x: node({ compensate: undo }),
      y: node({ needs: ['x'], onError: { kind: 'compensate' } }),
      z: node({ logic: slow }),
    });
    const run = around(inner, { b: node() }).end('s/x').fail('s/y');
    run.child('s/z').send({ type: 'end', outcome: aborted });
    expect([run.statuses, run.error]).toEqual(['s running, b running', undefined]);
    run.end('s/undo x');
    expect(run.error).toMatchObject({ class: 'cancelled', by: 'ada' });
    expect(run.statuses).toBe('s failed, b cancelled');
  });

  it('and though it was told that it is not wanted any more', () => {
    const others = {
      a: node(),
      b: node({ needs: ['s', 'a'], join: { kind: 'any' } }),
      c: node({ needs: ['b'] }),
    };
    const run = around(graphOf({ z: node({ logic: slow }) }), others);
    run.end('a');
    expect(run.statuses).toBe('s cancelling, a complete, b running, c pending');
    run.child('s/z').send({ type: 'end', outcome: aborted });
    expect(run.error).toMatchObject({ class: 'cancelled', by: 'ada' });
  });
});

describe('how a run within a run stands', () => {
  const waitingFor = (graph: Graph) => call(graph, { b: node() }, { parallel: 1 });

  it('is told when all that runs in it waits, and its place is given to others', () => {
    const run = waitingFor(graphOf({ x: node(), y: node() }));
    run.child('s/x').send({ type: 'say', standing: 'waiting' });
    expect(run.statuses).toBe('s running, b ready');
    run.child('s/y').send({ type: 'say', standing: 'parked' });
    expect(run.statuses).toBe('s parked, b running');
    run.end('s/y');
    expect(run.statuses).toBe('s waiting, b running');
    run.child('s/x').send({ type: 'say', standing: 'running' });
    expect(run.statuses).toBe('s running, b running');
  });

  it('is told from the beginning where a person decides', () => {
    const run = waitingFor(graphOf({ x: node({ kind: 'gate' }) }));
    expect(run.statuses).toBe('s waiting, b running');
    expect(run.actor.getSnapshot().hasTag('waits for a person')).toBe(true);
  });

  it('is told once a step, and only when it is another', () => {
    const told: unknown[] = [];
    const graph = graphOf({
      g: node({ kind: 'gate' }),
      x: node(),
      y: node({ needs: ['x'] }),
      z: node({ needs: ['y'], kind: 'gate' }),
    });
    const run = waitingFor(graph);
    const { actor } = run;
    actor.system.inspect((inspected) => {
      if (inspected.type === '@xstate.event' && inspected.event.type === 'task.stands')
        if (inspected.actorRef === actor) told.push(inspected.event['standing']);
    });
    // Between the end of one and the beginning of the next only the gate would be left.
    run.end('s/x').end('s/y');
    expect(told).toEqual(['waiting']);
    run.end('s/g').end('s/z');
    expect([told, run.statuses]).toEqual([['waiting'], 's complete, b running']);
  });

  it('is told while it undoes', () => {
    const undo = { logic: puppet, input: () => ({}) };
    const graph = graphOf({
      x: node({ compensate: undo }),
      y: node({ needs: ['x'], onError: { kind: 'compensate' } }),
    });
    const run = waitingFor(graph);
    run.end('s/x').fail('s/y');
    run.child('s/undo x').send({ type: 'say', standing: 'parked' });
    expect(run.statuses).toBe('s parked, b running');
    run.actor.send({ type: 'task.resume', task: 's/undo x', by: 'ada' });
    const { resumed } = run.child('s/undo x').getSnapshot().context as PuppetContext;
    expect(resumed).toMatchObject({ task: 'undo x' });
  });

  it.each([
    ['s/x', call(graphOf({ x: node(), y: node() }))],
    ['s/t/x', call(graphOf({ t: within(graphOf({ x: node(), y: node() })) }))],
    ['s/0/x', call(graphOf({ x: node(), y: node() }), {}, {}, mapOf)],
    ['s/1/x', call(graphOf({ x: node(), y: node() }), {}, {}, loopOf)],
  ])('orders come to %s, and to nobody else', (path, run) => {
    const other = path.replace('x', 'y');
    const order = { type: 'task.resume', by: 'ada' };
    for (const task of [path, 'x', 'other/x', `${path}y`]) run.actor.send({ ...order, task });
    const resumedAt = (at: string) => (run.child(at).getSnapshot().context as PuppetContext).resumed;
    expect([resumedAt(path), resumedAt(other)]).toEqual([{ ...order, task: 'x' }, undefined]);
  });
});

describe('its drawing', () => {
  it('says in words what is waited for, and finds those that wait for a person', () => {
    const graph = graphOf({
      a: node({ kind: 'gate' }),
      b: node(),
      z: node({ needs: ['a', 'b'], join: { kind: 'atLeast', count: 1 }, onError: { kind: 'skip' } }),
    });
    const run = new Run(graph);
    const { states } = run.actor.getSnapshot().machine.states['working']!;
    const wordsOf = (name: string) =>
      Object.fromEntries(
        Object.entries((states[name] as AnyStateNode).states).map(([state, { description }]) => [
          state,
          description,
        ]),
      );
    expect(wordsOf('z')).toMatchObject({
      pending: 'waits for 1 of a, b',
      failed: 'it has failed, and what needs it is skipped',
    });
    expect(run.actor.getSnapshot().hasTag('waits for a person')).toBe(true);
    run.end('a');
    expect(run.actor.getSnapshot().hasTag('waits for a person')).toBe(false);
  });
});
