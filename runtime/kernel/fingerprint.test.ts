// The lie: "whatever decides how a story goes on is in the fingerprint, by its path, and nothing else is". One machine, and each
// single change that could be made to it.
import { createStore } from '@xstate/store';
import { describe, expect, it } from 'vitest';
import {
  assign,
  createMachine,
  emit,
  enqueueActions,
  fromPromise,
  fromTransition,
  not,
  raise,
  sendTo,
  setup,
} from 'xstate';
import { changedParts, fingerprintOf } from './fingerprint.ts';
import { withActors } from './machine.ts';

const job = fromPromise(async () => 1);
const otherJob = fromPromise(async () => 2);

interface Choices {
  guard: unknown;
  named: unknown;
  assign: unknown;
  delay: unknown;
  delays: unknown;
  after: string;
  target: string;
  initial: string;
  context: unknown;
  src: unknown;
  input: unknown;
  output: unknown;
  raise: string;
  to: unknown;
  emits: string;
  enqueue: unknown;
  not: unknown;
  always: unknown;
  params: unknown;
  plain: unknown;
  implementation: unknown;
  describe: string;
  tag: string;
  id: string;
}

const plain = (): Choices => ({
  guard: ({ context }: { context: { n: number } }) => context.n > 1,
  named: ({ context }: { context: { n: number } }) => context.n > 2,
  assign: ({ context }: { context: { n: number } }) => context.n + 1,
  delay: 100,
  delays: ({ context }: { context: { n: number } }) => context.n,
  after: '1000',
  target: 'b',
  initial: 'a',
  context: { n: 0, when: new Date(5), seen: new Map([[1, new Set([2])]]), like: /x/g },
  src: 'job',
  input: ({ context }: { context: { n: number } }) => context.n,
  output: ({ context }: { context: { n: number } }) => context.n,
  raise: 'again',
  to: 'job',
  emits: 'said',
  enqueue: ({ enqueue }: { enqueue: (what: string) => void }) => enqueue('act'),
  not: ({ context }: { context: { n: number } }) => context.n > 3,
  always: [],
  params: { volume: 1 },
  plain: () => void 'one',
  implementation: () => void 'one',
  describe: 'one',
  tag: 'one',
  id: 'm',
});

/** The states are called as parts of a configuration are: names that the user gives say nothing. */
function machine(changes: Partial<Choices> = {}) {
  const c = { ...plain(), ...changes };
  return setup({
    actors: { job, otherJob },
    actions: { act: c.implementation as never },
    guards: { named: c.named as never },
    delays: { later: c.delays as never },
  }).createMachine({
    id: c.id,
    description: c.describe,
    version: c.describe,
    context: c.context,
    initial: c.initial,
    output: c.output,
    states: {
      a: {
        tags: [c.tag],
        meta: { about: c.tag },
        description: c.describe,
        entry: [
          c.plain,
          { type: 'act', params: c.params },
          raise({ type: c.raise }, { delay: c.delay as never }),
        ],
        exit: enqueueActions(c.enqueue as never),
        invoke: { src: c.src, id: 'job', input: c.input },
        always: c.always,
        after: { [c.after]: 'b', later: 'on' },
        on: {
          go: {
            target: c.target,
            guard: c.guard,
            actions: assign({ n: c.assign as never }),
            description: c.describe,
          },
          tell: {
            actions: [sendTo(c.to as never, { type: 'x' } as never), emit({ type: c.emits })],
          },
          actions: { guard: not(c.not as never) },
          meta: { guard: 'named' },
        },
      },
      b: { on: { go: 'a' } },
      on: { entry: c.plain, description: c.describe, on: { go: { target: 'b', description: c.describe } } },
      meta: { type: 'final', output: c.output },
    },
  } as never);
}

const before = fingerprintOf(machine());

describe('a fingerprint', () => {
  it('of the same machine, built again, is the same', () => {
    expect(fingerprintOf(machine())).toEqual(before);
    expect(fingerprintOf(machine().provide({}))).toEqual(before);
    expect(before.hash).toMatch(/^[\w-]{16}$/);
  });

  it.each<[keyof Choices, unknown, string]>([
    ['guard', ({ context }: { context: { n: number } }) => context.n > 0, 'states.a.on.go.guard'],
    ['named', () => true, 'implementations.guards.named'],
    ['assign', () => 7, 'states.a.on.go.actions.assignment.n'],
    ['delay', 200, 'states.a.entry.2.delay'],
    ['delay', () => 100, 'states.a.entry.2.delay'],
    ['delays', () => 7, 'implementations.delays.later'],
    ['after', '2000', 'states.a.after.2000'],
    ['target', 'a', 'states.a.on.go.target'],
    ['initial', 'b', 'initial'],
    ['context', { ...(plain().context as object), n: 1 }, 'context.n'],
    ['context', { ...(plain().context as object), when: new Date(6) }, 'context.when.content'],
    [
      'context',
      { ...(plain().context as object), seen: new Map([[1, new Set([3])]]) },
      'context.seen.content.0.1.content.0',
    ],
    ['context', { ...(plain().context as object), like: /x/ }, 'context.like.content'],
    ['context', () => ({ n: 0 }), 'context'],
    ['src', 'otherJob', 'states.a.invoke.src'],
    ['input', () => 1, 'states.a.invoke.input'],
    ['output', () => 1, 'output'],
    ['output', () => 1, 'states.meta.output'],
    ['raise', 'more', 'states.a.entry.2.event.type'],
    ['to', 'other', 'states.a.on.tell.actions.0.to'],
    ['emits', 'sung', 'states.a.on.tell.actions.1.event.type'],
    ['enqueue', () => {}, 'states.a.exit.collect'],
    ['not', () => false, 'states.a.on.actions.guard.guards.0'],
    ['always', [{ target: 'b' }], 'states.a.always.0.target'],
    ['params', { volume: 2 }, 'states.a.entry.1.params.volume'],
    ['id', 'other', 'id'],
  ])('is another with another %s, and names where', (name, value, path) => {
    const after = fingerprintOf(machine({ [name]: value }));
    expect(changedParts(before.parts, after.parts)).toContain(path);
    expect(after.hash).not.toBe(before.hash);
  });

  it.each<[keyof Choices, unknown]>([
    ['describe', 'two'],
    ['tag', 'two'],
    ['plain', { plain: () => void 'two' }.plain],
    ['implementation', { implementation: () => void 'two' }.implementation],
  ])('is the same whatever the %s is', (name, value) => {
    const after = fingerprintOf(machine({ [name]: value }));
    expect(changedParts(before.parts, after.parts)).toEqual([]);
    expect(after.hash).toBe(before.hash);
  });

  it('of a machine with other actors is the same, and with other guards another', () => {
    const machine = setup({
      actors: { one: fromPromise(async () => 1) },
      guards: { open: () => true },
    }).createMachine({ invoke: { src: 'one' }, on: { go: { guard: 'open', actions: () => {} } } });
    const before = fingerprintOf(machine);
    expect(fingerprintOf(withActors(machine, { one: fromPromise(async () => 2) as never }))).toBe(before);
    const guarded = machine.provide({ guards: { open: () => false } });
    expect(fingerprintOf(guarded).hash).not.toBe(before.hash);
    expect(fingerprintOf(machine)).toEqual(before);
  });

  it('of a configuration that was changed in place since is another: the machine that is made of it is', () => {
    const implementations = { guards: {}, actions: {}, delays: {} };
    const config = { initial: 'a', on: { go: '.b' }, states: { a: {}, b: {}, c: {} } } as const;
    const before = fingerprintOf(createMachine(config, implementations));
    Object.assign(config.on, { go: '.c' });
    const after = fingerprintOf(createMachine(config, implementations));
    expect(changedParts(before.parts, after.parts)).toEqual(['on.go']);
    expect(after.hash).not.toBe(before.hash);
  });

  it('does not follow what goes round in circles', () => {
    const round: { self?: unknown; n: number } = { n: 1 };
    round.self = round;
    expect(Object.keys(fingerprintOf(machine({ context: round })).parts)).toContain('context.n');
  });

  it('of other logic says what it can: the text of a transition, and of the rest the kind', () => {
    const [one, two] = [1, 2].map((by) =>
      fingerprintOf(fromTransition(by === 1 ? (n: number) => n + 1 : (n: number) => n + 2, 0)),
    );
    expect(changedParts(one!.parts, two!.parts)).toEqual(['transition']);
    expect(fingerprintOf(job)).toEqual(fingerprintOf(otherJob));
    expect(fingerprintOf(createStore({ context: { n: 0 }, on: {} })).parts).toEqual({ kind: 'store' });
  });
});
