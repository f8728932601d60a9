// The lie: "what an actor runs is found again by its path of names, and a child spec says only what makes sense". Specs
// with nonsense in them, specs upon specs, logic of every kind, and paths that lead nowhere.
import { createStore } from '@xstate/store';
import * as Schedule from 'effect/Schedule';
import { describe, expect, it } from 'vitest';
import { createActor, fromCallback, fromPromise, fromTransition, setup } from 'xstate';
import type { AnyActorLogic } from 'xstate';
import { Definition, Definitions, durable } from './definition.ts';
import type { ChildSpec } from './definition.ts';
import { InvalidArgument } from './errors.ts';

const job = fromPromise(async () => 1);
const counter = fromTransition((n: number) => n + 1, 0);
const leaf = setup({ actors: { job } }).createMachine({ invoke: { src: 'job' } });
const tree = setup({ actors: { leaf, counter } }).createMachine({
  initial: 'a',
  states: { a: { invoke: [{ src: 'leaf' }, { src: fromCallback(() => {}) }] } },
});

const specOf = (logic: unknown) => new Definition(['it'], logic, {}).spec;

describe('a child spec', () => {
  const retry = Schedule.recurs(2);
  const DEFAULTS = {
    poison: 'resume',
    restart: {},
    intensity: 1,
    periodMs: 5000,
    backoff: undefined,
    checkpointEvery: 256,
    passivateAfterMs: undefined,
    retry: undefined,
    timeoutMs: undefined,
    deadlineMs: undefined,
    asksOnly: false,
    version: 1,
    migrate: undefined,
    reserves: [],
  };

  const grow = () => ({ context: { grown: true } });

  it('that is not given is the default', () => {
    expect(specOf(leaf)).toEqual(DEFAULTS);
    expect(specOf(durable(leaf, {}))).toEqual(DEFAULTS);
  });

  it('is made ready for use', () => {
    const spec: ChildSpec = {
      poison: 'fail',
      restart: { type: 'transient', from: 'initial' },
      intensity: 3,
      period: '1 minute',
      backoff: retry,
      checkpointEvery: 1,
      passivateAfter: '2 minutes',
      retry,
      timeout: 500,
      deadline: '1 hour',
      asksOnly: true,
      version: 2,
      migrate: { 1: grow },
      reserves: { 'ask.': 'the desk' },
    };
    expect(specOf(durable(leaf, spec))).toEqual({
      poison: 'fail',
      restart: { type: 'transient', from: 'initial' },
      intensity: 3,
      periodMs: 60_000,
      backoff: retry,
      checkpointEvery: 1,
      passivateAfterMs: 120_000,
      retry,
      timeoutMs: 500,
      deadlineMs: 3_600_000,
      asksOnly: true,
      version: 2,
      migrate: { 1: grow },
      reserves: [['ask.', 'the desk']],
    });
  });

  it('upon another changes only what it says', () => {
    const twice = durable(durable(job, { retry, timeout: 100 }), { timeout: '1 second' });
    expect(specOf(twice)).toEqual({ ...DEFAULTS, retry, timeoutMs: 1000 });
  });

  it('does not stick to the logic that it was made from', () => {
    for (const logic of [leaf, job, counter]) {
      const copy = durable<object>(logic, { poison: 'fail' });
      expect(copy).not.toBe(logic);
      expect([specOf(logic).poison, specOf(copy).poison]).toEqual(['resume', 'fail']);
    }
  });

  it.each<[Record<string, unknown>, string]>([
    [{ poison: 'ignore' }, 'spec.poison'],
    [{ version: 0 }, 'spec.version'],
    [{ version: 1.5 }, 'spec.version'],
    [{ version: 2, migrate: { 2: grow } }, 'spec.migrate[2]'],
    [{ version: 2, migrate: { one: grow } }, 'spec.migrate[one]'],
    [{ version: 2, migrate: { 1: 'grow' } }, 'spec.migrate[1]'],
    [{ version: 2, migrate: null }, 'spec.migrate'],
    [{ restart: 'always' }, 'spec.restart'],
    [{ restart: { type: 'never' } }, 'spec.restart'],
    [{ restart: { from: 'scratch' } }, 'spec.restart.from'],
    [{ intensity: -1 }, 'spec.intensity'],
    [{ intensity: 1.5 }, 'spec.intensity'],
    [{ period: 0 }, 'spec.period'],
    [{ period: 'soon' }, 'spec.period'],
    [{ checkpointEvery: 0 }, 'spec.checkpointEvery'],
    [{ checkpointEvery: 2.5 }, 'spec.checkpointEvery'],
    [{ checkpointEvery: Infinity }, 'spec.checkpointEvery'],
    [{ checkpointEvery: '3' }, 'spec.checkpointEvery'],
    [{ passivateAfter: 'soon' }, 'spec.passivateAfter'],
    [{ passivateAfter: -1 }, 'spec.passivateAfter'],
    [{ timeout: 'never' }, 'spec.timeout'],
    [{ deadline: 'never' }, 'spec.deadline'],
    [{ timeout: '10 parsecs' }, 'spec.timeout'],
  ])('%j is refused where it is given', (spec, path) => {
    let refusal: unknown;
    try {
      durable(job, spec as ChildSpec);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(InvalidArgument);
    expect(refusal).toMatchObject({ path });
  });

  it('is ignored under plain createActor', async () => {
    const machine = createActor(durable(leaf, { poison: 'fail' })).start();
    expect(machine.getSnapshot().status).toBe('active');
    const count = createActor(durable(counter, { checkpointEvery: 2 })).start();
    count.send({ type: 'X' });
    expect(count.getSnapshot().context).toBe(1);
  });

  it('may be given to a store', () => {
    const store = createStore({ context: { n: 0 }, on: { inc: ({ n }: { n: number }) => ({ n: n + 1 }) } });
    const definition = new Definition(['it'], durable(store, { checkpointEvery: 2 }), {});
    expect([definition.host.kind, definition.spec.checkpointEvery]).toEqual(['store', 2]);
  });

  it('may be given to logic with a class of its own', () => {
    class Latch {
      transition = (snapshot: object) => snapshot;
      getInitialSnapshot(): object {
        return { status: 'active' };
      }
      getPersistedSnapshot(snapshot: object): object {
        return snapshot;
      }
    }
    expect(new Definition(['it'], new Latch(), {}).host.kind).toBe('transition');
    expect(specOf(durable(new Latch(), { poison: 'fail' })).poison).toBe('fail');
  });
});

describe('a definition', () => {
  const definitions = new Definitions({ tree, leaf, job }, {});

  it('is found by its path of names', () => {
    expect(definitions.at(['tree'])?.host.logic).toBe(tree);
    expect(definitions.at(['tree', 'leaf'])).toMatchObject({ path: ['tree', 'leaf'], isProcess: false });
    expect(definitions.at(['tree', 'leaf', 'job'])).toMatchObject({ isProcess: true });
    expect(definitions.at(['tree', 'counter'])?.host.kind).toBe('transition');
    expect(definitions.at(['tree', 'xstate.invoke.1.(machine).a'])?.host.kind).toBe('callback');
    expect(definitions.names).toEqual(['tree', 'leaf', 'job']);
  });

  it('is one and the same, however often it is looked for', () => {
    expect(definitions.at(['tree', 'leaf'])).toBe(definitions.at(['tree', 'leaf']));
    expect(definitions.at(['tree', 'leaf'])).toBe(definitions.at(['tree'])!.child('leaf'));
  });

  it.each([
    [['nobody']],
    [['tree', 'nobody']],
    [['tree', 'leaf', 'job', 'deeper']],
    [['tree', 'xstate.invoke.2.(machine).a']],
    [['toString']],
  ])('is not found where there is none: %j', (path) => {
    expect(definitions.at(path)).toBeUndefined();
  });

  it('takes the child spec of its own logic', () => {
    const parent = setup({ actors: { job: durable(job, { timeout: 7 }) } }).createMachine({});
    const found = new Definitions({ parent: durable(parent, { poison: 'fail' }) }, {});
    expect(found.at(['parent'])!.spec).toMatchObject({ poison: 'fail', timeoutMs: undefined });
    expect(found.at(['parent', 'job'])!.spec).toMatchObject({ poison: 'resume', timeoutMs: 7 });
  });

  it('hands the options of the system down to children', () => {
    const endless = setup({}).createMachine({
      initial: 'a',
      states: { a: { always: 'b' }, b: { always: 'a' } },
    });
    const parent = setup({ actors: { endless } }).createMachine({});
    const { running } = new Definitions({ parent }, { maxMicrosteps: 3 }).at(['parent', 'endless'])!.host;
    expect((running as unknown as { options: object }).options).toEqual({ maxIterations: 3 });
  });

  it.each([[{}], [null], [undefined], ['text'], [() => {}], [{ transition: () => {} }]])(
    'of %j is refused with its name',
    (logic) => {
      expect(() => new Definitions({ order: logic }, {})).toThrow(/^actors\.order cannot be hosted: .*logic/);
    },
  );

  it.each(['', 'a/b', '\ud800'])('under the name %j is refused', (name) => {
    expect(() => new Definitions({ [name]: job }, {})).toThrow(InvalidArgument);
  });

  it('is logic of the user: nothing of it is called', () => {
    const logic = {
      transition: () => expect.unreachable(),
      getInitialSnapshot: () => expect.unreachable(),
      getPersistedSnapshot: () => expect.unreachable(),
    } as unknown as AnyActorLogic;
    expect(new Definitions({ logic }, {}).at(['logic'])?.host.logic).toBe(logic);
  });
});
