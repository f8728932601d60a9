// The lie: "what was done in a list, a loop or another run stays done when the run around it is undone; or is undone twice, or before
// what came of it". Random nestings, ended in the middle by a failure or from outside, whose work ends in any order.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';
import type { Compensation, Graph, Uncompensated, WorkNode, WorkOutcome, WorkProblem } from './graph.ts';
import { loopMachine } from './loop.ts';
import { mapMachine } from './map.ts';
import { puppet, TAKES_ALL } from './puppet.testsuite.ts';
import { runMachine } from './run.ts';
import { graphOf, node, Run } from './run.testsuite.ts';
import { undoOfEach, undoOfRun } from './undo.ts';

const RUNS = 100;

// ---- nestings -----------------------------------------------------------------------------------------------------

type Shape =
  | { readonly kind: 'leaf'; readonly isUndoable: boolean }
  | { readonly kind: 'run'; readonly nodes: readonly ShapeNode[] }
  | { readonly kind: 'map' | 'loop'; readonly times: number; readonly atOnce: number; readonly body: Shape };

interface ShapeNode {
  readonly shape: Shape;
  /** Of the nodes before it: every one whose bit is set. */
  readonly needs: number;
}

type RunShape = Extract<Shape, { kind: 'run' }>;

/** @param isChain whether everything comes one after the other */
function shapes(isChain: boolean): fc.Arbitrary<RunShape> {
  const { run } = fc.letrec<{ leaf: Shape; run: RunShape; repeated: Shape; any: Shape }>((tie) => ({
    leaf: fc.record({ kind: fc.constant('leaf' as const), isUndoable: fc.nat({ max: 3 }).map((n) => n > 0) }),
    run: fc.record({
      kind: fc.constant('run' as const),
      nodes: fc.array(
        fc.record({ shape: tie('any'), needs: isChain ? fc.constant(~0) : fc.nat({ max: 15 }) }),
        { minLength: 1, maxLength: 3 },
      ),
    }),
    repeated: fc.record({
      kind: fc.constantFrom('map' as const, 'loop' as const),
      times: fc.integer({ min: 1, max: 3 }),
      atOnce: isChain ? fc.constant(1) : fc.integer({ min: 1, max: 3 }),
      body: fc.oneof(tie('leaf'), tie('run')),
    }),
    any: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      tie('leaf'),
      tie('leaf'),
      tie('run'),
      tie('repeated'),
    ),
  }));
  return run;
}

const nameOf = (index: number): string => `n${index}`;
const needsOf = ({ needs }: ShapeNode, index: number): string[] =>
  Array.from({ length: index }, (_, other) => other)
    .filter((other) => (needs >> other) & 1)
    .map(nameOf);

type Work = Pick<WorkNode, 'kind' | 'logic' | 'compensate'>;

const UNDO: Compensation = { logic: puppet, input: (output: unknown) => ({ output }) };

function workOf(shape: Shape): Work {
  if (shape.kind === 'leaf')
    return { kind: 'task', logic: puppet, compensate: shape.isUndoable ? UNDO : undefined };
  if (shape.kind === 'run') {
    const graph = graphIn(shape, 'fail');
    return { kind: 'call', logic: runMachine(graph, { isNested: true }), compensate: undoOfRun(graph) };
  }
  const { times } = shape;
  const { logic, compensate } = workOf(shape.body);
  const repeated =
    shape.kind === 'map'
      ? mapMachine({
          ...TAKES_ALL,
          ...{ each: logic, compensate, concurrency: shape.atOnce, onItemError: 'fail' },
          input: (item) => item,
          reduce: (outputs) => outputs,
        })
      : loopMachine({
          ...TAKES_ALL,
          ...{ body: logic, compensate, times, whenSpent: 'accept', until: () => false },
          next: () => ({}),
        });
  return { kind: shape.kind, logic: repeated, compensate: undoOfEach(compensate) };
}

const graphIn = ({ nodes }: RunShape, onError: 'fail' | 'compensate'): Graph =>
  graphOf(
    Object.fromEntries(
      nodes.map((one, index) => [
        nameOf(index),
        node({
          ...workOf(one.shape),
          needs: needsOf(one, index),
          onError: { kind: onError },
          input: () => (one.shape.kind === 'map' ? Array.from({ length: one.shape.times }, () => ({})) : {}),
        }),
      ]),
    ),
  );

/** Whether what is at one place could only be begun when what is at another had ended. */
function comesAfter(shape: Shape, later: readonly string[], earlier: readonly string[]): boolean {
  const [own, ...within] = later;
  const [other, ...otherWithin] = earlier;
  if (own === undefined || other === undefined || shape.kind === 'leaf') return false;
  if (shape.kind !== 'run')
    return own === other
      ? comesAfter(shape.body, within, otherWithin)
      : shape.kind === 'loop' && Number(own) > Number(other);
  const indexOf = (name: string): number => Number(name.slice(1));
  if (own === other) return comesAfter(shape.nodes[indexOf(own)]!.shape, within, otherWithin);
  const needsIt = (name: string): boolean =>
    needsOf(shape.nodes[indexOf(name)]!, indexOf(name)).some((need) => need === other || needsIt(need));
  return needsIt(own);
}

// ---- stories ------------------------------------------------------------------------------------------------------

interface Working {
  readonly path: string;
  readonly undoes: boolean;
  readonly isUndoable: boolean;
  end(outcome: WorkOutcome): void;
}

/** Everybody who works, wherever they are. */
function workingIn(actor: AnyActorRef, shape: Shape, path: readonly string[] = []): Working[] {
  const { children } = actor.getSnapshot() as AnyMachineSnapshot;
  return Object.entries(children).flatMap(([name, child]): Working[] => {
    const snapshot = (child as AnyActorRef).getSnapshot() as AnyMachineSnapshot;
    const own = [...path, name];
    if (snapshot.status !== 'active' || snapshot.context === undefined) return [];
    if (!('resumed' in (snapshot.context as object))) return workingIn(child as AnyActorRef, shape, own);
    const place = own.map((part) => part.replace('undo ', ''));
    return [
      {
        path: place.join('/'),
        undoes: own.some((part) => part.startsWith('undo ')),
        isUndoable: isUndoable(shape, place),
        end: (outcome) => (child as AnyActorRef).send({ type: 'end', outcome }),
      },
    ];
  });
}

function isUndoable(shape: Shape, [name, ...rest]: readonly string[]): boolean {
  if (shape.kind === 'leaf') return shape.isUndoable;
  return isUndoable(shape.kind === 'run' ? shape.nodes[Number(name!.slice(1))]!.shape : shape.body, rest);
}

interface Story {
  readonly run: Run;
  /** What can be undone and was done, and what was undone, in order. */
  readonly done: readonly string[];
  readonly undone: readonly string[];
  /** What could not be. */
  readonly broken: readonly string[];
}

/** @param endAt after how much work it is ended */
function tell(shape: RunShape, how: 'abort' | 'fail', endAt: number, choices: readonly number[]): Story {
  const run = new Run(graphIn(shape, 'compensate'));
  const done: string[] = [];
  const undone: string[] = [];
  const broken: string[] = [];
  for (let step = 0, ended = 0; ; step++) {
    const working = workingIn(run.actor, shape);
    if (working.length === 0) return { run, done, undone, broken };
    const choice = choices[step % choices.length]!;
    const one = working[choice % working.length]!;
    const problem = { class: 'crash', message: 'no' };
    if (one.undoes) {
      const isBroken = choice % 5 === 0;
      undone.push(one.path);
      if (isBroken) broken.push(one.path);
      one.end(isBroken ? { status: 'failed', problem } : { status: 'complete', output: 1 });
    } else if (ended++ === endAt) {
      if (how === 'fail') one.end({ status: 'failed', problem });
      else run.actor.send({ type: 'run.abort', by: 'ada', reason: 'enough' });
    } else {
      if (one.isUndoable) done.push(one.path);
      one.end({ status: 'complete', output: one.path });
    }
  }
}

const stories = (isChain: boolean) =>
  [
    shapes(isChain),
    fc.constantFrom('abort' as const, 'fail' as const),
    fc.nat({ max: 12 }),
    fc.array(fc.nat({ max: 1000 }), { minLength: 20, maxLength: 40 }),
  ] as const;

const uncompensatedOf = ({ run }: Story): string[] =>
  ((run.error as { uncompensated?: readonly Uncompensated[] } | undefined)?.uncompensated ?? [])
    .map((one) => one.node)
    .toSorted();

describe('what was done in a run, however deep', () => {
  it('is undone once, after everything that came of it; and what cannot be is named', () => {
    const counts = { undone: 0, deep: 0, broken: 0 };
    fc.assert(
      fc.property(...stories(false), (shape, how, endAt, choices) => {
        const story = tell(shape, how, endAt, choices);
        const { run, done, undone, broken } = story;
        const isOver = run.actor.getSnapshot().status;
        expect(isOver).not.toBe('active');
        expect(undone.toSorted()).toEqual(isOver === 'done' ? [] : done.toSorted());
        expect(uncompensatedOf(story)).toEqual(broken.toSorted());
        for (const [index, one] of undone.entries())
          for (const later of undone.slice(index + 1))
            expect([one, later, comesAfter(shape, later.split('/'), one.split('/'))]).toEqual([
              ...[one, later, false],
            ]);
        counts.undone += undone.length;
        counts.deep += undone.filter((path) => path.split('/').length > 2).length;
        counts.broken += broken.length;
      }),
      { numRuns: RUNS },
    );
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(5);
  });

  it('is undone in reverse order, where one thing came after the other', () => {
    let longest = 0;
    fc.assert(
      fc.property(...stories(true), (shape, how, endAt, choices) => {
        const { run, done, undone } = tell(shape, how, endAt, choices);
        if (run.actor.getSnapshot().status === 'error') expect(undone).toEqual(done.toReversed());
        longest = Math.max(longest, undone.length);
      }),
      { numRuns: RUNS },
    );
    expect(longest).toBeGreaterThan(2);
  });
});

// ---- in particular ------------------------------------------------------------------------------------------------

const within = (graph: Graph) => ({
  ...{ kind: 'call' as const, logic: runMachine(graph, { isNested: true }), compensate: undoOfRun(graph) },
});
const doubtful: WorkProblem = { class: 'unknown-effect', message: 'nobody knows' };
const booking = () =>
  graphOf({ a: node({ compensate: UNDO }), b: node({ needs: ['a'], compensate: UNDO }), c: node() });

describe('a run within a run', () => {
  it('offers nothing any more when it has undone it by itself, and says what it could not', () => {
    const inner = graphOf({
      a: node({ compensate: UNDO }),
      b: node({ needs: ['a'], compensate: UNDO }),
      c: node({ needs: ['b'], onError: { kind: 'compensate' } }),
    });
    const run = new Run(graphOf({ s: node({ ...within(inner), onError: { kind: 'compensate' } }) }));
    run.end('s/a').end('s/b').fail('s/c').fail('s/undo b').end('s/undo a');
    expect(run.statuses).toBe('s failed');
    expect(run.error).toMatchObject({
      node: 's',
      uncompensated: [{ node: 's/b', problem: { message: 's/undo b is broken' } }],
    });
  });

  it('that has failed leaves what it has done where nobody wants it undone', () => {
    const run = new Run(graphOf({ s: node(within(booking())) })).end('s/a').fail('s/c');
    expect([run.statuses, run.value]).toEqual(['s failed', 'failed (error)']);
    expect(run.error).not.toHaveProperty('uncompensated');
  });

  it('that was let pass is undone when the run is, later', () => {
    const s = node({ ...within(booking()), onError: { kind: 'absent' } });
    const z = node({ needs: ['s'], onError: { kind: 'compensate' } });
    const run = new Run(graphOf({ s, z })).end('s/a').fail('s/c').fail('z');
    expect([run.statuses, run.given('undo s/undo a')]).toEqual([
      's compensating, z failed',
      { output: 'S/A' },
    ]);
    run.end('undo s/undo a');
    expect([run.statuses, run.error]).toMatchObject(['s compensated, z failed', { node: 'z' }]);
  });

  it('says how whoever undoes it stands, and passes on what is said to them', () => {
    const z = node({ needs: ['s'], onError: { kind: 'compensate' } });
    const run = new Run(graphOf({ s: node(within(booking())), z }));
    run.end('s/a').end('s/b').end('s/c').fail('z');
    run.child('undo s/undo b').send({ type: 'say', standing: 'parked' });
    expect(run.context.nodes['s']).toMatchObject({ status: 'compensating', undoing: 'parked' });
    run.actor.send({ type: 'task.resume', task: 'undo s/undo b', by: 'ada' });
    const { context } = run.child('undo s/undo b').getSnapshot() as AnyMachineSnapshot;
    expect(context).toMatchObject({ resumed: { task: 'undo b', by: 'ada' } });
  });
});

describe('work of which nobody knows what it has done', () => {
  const cancelled = { status: 'cancelled', doubt: doubtful } as const;
  const inDoubt = (path: string, run: Run): Run => {
    run.child(path).send({ type: 'end', outcome: cancelled });
    return run;
  };

  it('is named, with its problem, and nobody is asked to undo it', () => {
    const graph = graphOf({ a: node({ compensate: UNDO }), b: node({ onError: { kind: 'compensate' } }) });
    const run = inDoubt('a', new Run(graph)).fail('b');
    expect([run.statuses, run.error]).toMatchObject([
      'a uncompensated, b failed',
      { uncompensated: [{ node: 'a', problem: doubtful }] },
    ]);
  });

  it('is named within lists and other runs, and the rest is undone', () => {
    const each = within(booking());
    const logic = mapMachine({
      ...TAKES_ALL,
      ...{ each: each.logic, compensate: each.compensate, concurrency: 2, onItemError: 'collect' },
      ...{ input: (item: unknown) => item, reduce: (outputs: readonly unknown[]) => outputs },
    });
    const m = node({ logic, compensate: undoOfEach(each.compensate), input: () => [{}, {}] });
    const run = new Run(graphOf({ m, z: node({ needs: ['m'], onError: { kind: 'compensate' } }) }));
    run.end('m/0/a').end('m/0/b').end('m/0/c').end('m/1/a').end('m/1/c');
    // Whoever needs a list is not told what is to be undone of it.
    inDoubt('m/1/b', run);
    expect(JSON.stringify(run.given('z'))).not.toContain('undo');
    run.fail('z').end('undo m/1/undo a').end('undo m/0/undo b').end('undo m/0/undo a');
    expect([run.statuses, run.error]).toMatchObject([
      'm uncompensated, z failed',
      { uncompensated: [{ node: 'm/1/b', problem: doubtful }] },
    ]);
  });

  it('is no matter where nothing is to be undone', () => {
    const graph = graphOf({ a: node({ compensate: UNDO }), b: node() });
    expect(inDoubt('a', new Run(graph)).fail('b').error).not.toHaveProperty('uncompensated');
  });
});
