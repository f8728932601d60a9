// The lie: "the hosted machine is the same statechart, in which every child is only a name". Children of every kind of
// source, in deep places and with names that are easily mistaken; none of them may ever run inside of its parent.
import { describe, expect, it, vi } from 'vitest';
import {
  assign,
  createActor,
  createMachine,
  fromCallback,
  fromPromise,
  fromTransition,
  setup,
  spawnChild,
  StateMachine,
  toPromise,
} from 'xstate';
import type { AnyActorRef, AnyStateMachine } from 'xstate';
import { BareActor } from '../testing/bare-actor.ts';
import {
  childLogic,
  DEFAULT_MAX_MICROSTEPS,
  hostedMachine,
  isMachine,
  sourceNameOf,
  withActors,
} from './machine.ts';

const named = fromTransition((n: number) => n + 1, 0);
const inline = fromPromise(async () => 'inline');
const other = fromPromise(async () => 'other');
const nested = createMachine({ id: 'nested' });

const parent = setup({ actors: { named, inline: other } }).createMachine({
  id: 'parent',
  initial: 'a',
  invoke: { src: nested as never, id: 'whole' },
  states: {
    a: {
      initial: 'b.c',
      states: {
        'b.c': {
          id: 'odd id',
          invoke: [{ src: 'named' }, { src: inline as never, id: 'x' }, { src: nested as never, id: 'y' }],
        },
      },
    },
    spare: { invoke: { src: other } },
  },
});

/** The children that a machine asks for in its first step: id and source. */
function childrenOf(machine: AnyStateMachine): readonly (readonly [id: string, src: string])[] {
  const { intents } = new BareActor(machine).begin();
  return intents.flatMap((intent) =>
    intent.kind === 'spawn' ? [[intent.ref.id, intent.ref.src] as const] : [],
  );
}

describe('the logic of a child', () => {
  it('is found by the name that the step gave it, wherever it was written', () => {
    const children = childrenOf(parent);
    const found = children.map(([id, src]) => [id, childLogic(parent, src)]);
    expect(found).toEqual([
      ['whole', nested],
      ['0.odd id', named],
      ['x', inline],
      ['y', nested],
    ]);
  });

  it.each([
    ['named', named],
    ['inline', other],
    ['xstate.invoke.0.parent', nested],
    ['xstate.invoke.1.odd id', inline],
    ['xstate.invoke.0.parent.spare', other],
  ])('is what it is called: %s', (src, logic) => {
    expect(childLogic(parent, src)).toBe(logic);
  });

  it.each(['nobody', 'xstate.invoke.3.odd id', 'xstate.invoke.0.odd id', 'xstate.invoke.0.parent.a'])(
    'is not there under %s',
    (src) => {
      expect(childLogic(parent, src)).toBeUndefined();
    },
  );

  it('of a state that is gone is not there', () => {
    expect(() => childLogic(parent, 'xstate.invoke.0.parent.gone')).toThrow(/gone/);
  });

  it('is the one that was provided last', () => {
    const provided = parent.provide({ actors: { named: inline as never } });
    expect(childLogic(provided, 'named')).toBe(inline);
    expect(childLogic(parent, 'named')).toBe(named);
  });
});

describe('the name of a logic object', () => {
  it('is the one under which it is registered', () => {
    expect(sourceNameOf(parent, named, 'k')).toBe('named');
    expect(sourceNameOf(parent, other, 'k')).toBe('inline');
  });

  it('is known for the stand-in that the hosted machine has in its place', () => {
    const standIn = hostedMachine(parent, 10).implementations.actors['named'];
    expect(standIn).not.toBe(named);
    expect(sourceNameOf(parent, standIn, 'k')).toBe('named');
  });

  it('that has none is refused, with the child and the fix', () => {
    expect(() => sourceNameOf(parent, inline, 'my-child')).toThrow(
      /'my-child'.*no name.*setup\(\{ actors: \{ name: logic \} \}\)/,
    );
  });
});

describe('a machine with other actors', () => {
  it('stands on the same states, asks the others, and leaves the original as it was', () => {
    const changed = withActors(parent, { named: inline as never });
    expect(changed.root).toBe(parent.root);
    expect(childLogic(changed, 'named')).toBe(inline);
    expect(childLogic(changed, 'inline')).toBe(other);
    expect(childLogic(parent, 'named')).toBe(named);
  });

  it('runs by itself as any other machine', async () => {
    const asking = setup({ actors: { ask: fromPromise(async () => 'a') } }).createMachine({
      context: { said: '' },
      initial: 'asking',
      states: {
        asking: {
          invoke: {
            src: 'ask',
            onDone: { target: 'told', actions: assign({ said: ({ event }) => event.output }) },
          },
        },
        told: { type: 'final' },
      },
      output: ({ context }) => context.said,
    });
    const changed = withActors(asking, { ask: fromPromise(async () => 'b') as never });
    const run = (machine: AnyStateMachine) => toPromise(createActor(machine).start());
    expect(await Promise.all([asking, changed].map(run))).toEqual(['a', 'b']);
  });
});

describe('a hosted machine', () => {
  it('never runs a child: neither its first state, nor its work, nor its events', () => {
    const run = vi.fn();
    const busy = {
      transition: run,
      getInitialSnapshot: run,
      getPersistedSnapshot: run,
      start: run,
    } as never;
    const machine = setup({
      types: { context: {} as { kid: AnyActorRef | undefined } },
      actors: {
        busy,
        callback: fromCallback(run),
        promise: fromPromise(async () => run()),
        count: fromTransition(run, run),
        sub: createMachine({ entry: run }),
      },
    }).createMachine({
      context: { kid: undefined },
      invoke: [
        { src: 'busy', input: undefined },
        { src: 'callback' },
        { src: 'promise' },
        { src: fromCallback(run) },
        { src: createMachine({ entry: assign(run) }) },
      ],
      entry: [spawnChild('sub', { id: 'sub' }), assign({ kid: ({ spawn }) => spawn('count') })],
    });
    const actor = new BareActor(machine).begin();
    expect(Object.keys(actor.state.children)).toHaveLength(7);
    for (const child of Object.values(actor.snapshot.children!)) child.start();
    actor.take('X').reborn().take('X');
    expect(run).not.toHaveBeenCalled();
  });

  it('is the same statechart, and leaves the original alone', () => {
    const guard = vi.fn(() => true);
    const original = setup({ guards: { may: guard }, actors: { named }, delays: { soon: 5 } }).createMachine({
      id: 'same',
      version: '3',
      initial: 'a',
      states: {
        a: { invoke: { src: nested }, after: { soon: 'b' }, on: { GO: { guard: 'may', target: 'b' } } },
        b: { type: 'final' },
      },
      output: 'out',
    });
    const before = JSON.stringify(original.definition);
    const hosted = hostedMachine(original, 100);
    expect(hosted).not.toBe(original);
    expect([hosted.id, hosted.version, hosted.events]).toEqual(['same', '3', original.events]);
    expect(hosted.implementations).toMatchObject({ guards: { may: guard }, delays: { soon: 5 } });
    expect(JSON.stringify(hosted.definition)).toBe(before);
    expect(JSON.stringify(original.definition)).toBe(before);
    expect(original.implementations.actors['named']).toBe(named);
    expect((original.config as { states: { a: { invoke: { src: unknown } } } }).states.a.invoke.src).toBe(
      nested,
    );
    const actor = new BareActor(original).begin().take('GO');
    expect(actor.snapshot).toMatchObject({ status: 'done', output: 'out', value: 'b' });
    expect(guard).toHaveBeenCalledOnce();
  });

  it('is one over the same states, where its children are named; with implementations and a bound of its own', () => {
    const original = setup({ actors: { named } }).createMachine({
      initial: 'a',
      states: { a: { invoke: { src: 'named' }, on: { GO: 'b' } }, b: { type: 'final' } },
    });
    const hosted = hostedMachine(original, 100);
    expect([hosted instanceof StateMachine, hosted === (original as unknown)]).toEqual([true, false]);
    expect(hosted.root).toBe(original.root);
    expect(hosted.implementations.actors['named']).not.toBe(named);
    expect(original.implementations.actors.named).toBe(named);
    expect([original.options.maxIterations, hosted.options.maxIterations]).toEqual([Infinity, 100]);
    // What XState binds to a machine is bound to this one.
    const actor = createActor(hosted).start();
    expect(actor.getSnapshot().machine).toBe(hosted);
    actor.send({ type: 'GO' });
    expect(actor.getSnapshot()).toMatchObject({ value: 'b', status: 'done', machine: hosted });
  });

  it.each<[own: number | undefined, given: number, bound: number]>([
    [undefined, DEFAULT_MAX_MICROSTEPS, 10_000],
    [undefined, 7, 7],
    [5, 7, 5],
    [9, 7, 7],
    [Infinity, 7, 7],
  ])('of its own bound %s and the given %d keeps the lower: %d', (own, given, bound) => {
    const machine = createMachine({
      ...(own !== undefined && { options: { maxIterations: own } }),
      initial: 'a',
      states: { a: {} },
    } as never) as AnyStateMachine;
    expect(hostedMachine(machine, given).options.maxIterations).toBe(bound);
  });
});

it('only instances of StateMachine are machines', () => {
  expect([parent, nested, hostedMachine(nested, 1)].every(isMachine)).toBe(true);
  expect([named, inline, parent.config, {}, null, undefined].some(isMachine)).toBe(false);
});
