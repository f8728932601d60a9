// The lie: "types are inferred end to end: a wrong event type, input, output or address name does not compile". The
// compiler is the judge here (`tsc -p .`): each mistake stands under a mark that is an error itself if there is none.
import { createStore, createStoreLogic } from '@xstate/store';
import * as Effect from 'effect/Effect';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { fromPromise, fromTransition, setup, toPromise, waitFor } from 'xstate';
import type { AnyEventObject, InputFrom } from 'xstate';
import { createSystem, durable, supervisor, fromEffect } from 'heddle';
import { roles } from 'heddle/actors';
import type { Decider, HeddleRef, HistoryRecord, Receipt, ReplayResult, System, Verification } from 'heddle';
import { memory } from 'heddle/storage';
import { counter } from './counter.ts';

const greeter = setup({
  types: {
    context: {} as { name: string },
    input: {} as { name: string; times?: number },
    events: {} as { type: 'greet'; whom: string } | { type: 'stop' },
    emitted: {} as { type: 'greeted'; whom: string },
    output: {} as { greetings: number },
  },
}).createMachine({
  context: ({ input }) => ({ name: input.name }),
  initial: 'on',
  states: { on: { on: { stop: 'off' } }, off: { type: 'final' } },
  output: { greetings: 1 },
});

const tally = fromTransition((n: number, event: { type: 'inc'; by: number }) => n + event.by, 0);
const double = fromPromise(async ({ input }: { input: { n: number } }) => ({ doubled: input.n * 2 }));
const charge = fromEffect(({ input }: { input: { cents: number } }) => Effect.succeed(`paid ${input.cents}`));
const cart = createStore({
  context: { items: [] as string[] },
  on: { add: (context, event: { item: string }) => ({ items: [...context.items, event.item] }) },
});
const shelf = createStoreLogic({
  context: (input: { size: number }) => ({ free: input.size }),
  on: { put: (context, event: { count: number }) => ({ free: context.free - event.count }) },
});

const actors = { counter, greeter, tally, double, charge, cart, shelf };

/** Only compiled, never run: that the compiler has looked at them is all there is to see. */
type Mistakes = (system: System<typeof actors>) => Promise<void>;

describe('a name', () => {
  it('is one of createSystem({ actors })', () => {
    const mistakes: Mistakes = async (system) => {
      await system.actor('counter', '1');
      // @ts-expect-error -- there is no such name
      await system.actor('conter', '1');
      // @ts-expect-error -- there is no such name
      await system.start('conter');
      // @ts-expect-error -- an id is a text
      await system.actor('counter', 1);
      // @ts-expect-error -- an id is needed: `start` makes one up
      await system.actor('counter');
    };
    expect(mistakes).toBeTypeOf('function');
  });

  it('gives the type at an address', () => {
    const mistakes: Mistakes = async (system) => {
      expectTypeOf(system.get('counter/1')).toEqualTypeOf<HeddleRef<typeof counter> | undefined>();
      expectTypeOf(system.get('greeter/1')).toEqualTypeOf<HeddleRef<typeof greeter> | undefined>();
      // Of a child nobody knows the type.
      expectTypeOf(system.get('greeter/1/child')!.send).parameter(0).toExtend<AnyEventObject>();
      // @ts-expect-error -- it may be that nobody lives there
      system.get('counter/1').getSnapshot();
    };
    expect(mistakes).toBeTypeOf('function');
  });
});

describe('an event', () => {
  it('is one of those that the actor takes', () => {
    const mistakes: Mistakes = async (system) => {
      const ref = await system.actor('counter', '1');
      expectTypeOf(ref.send({ type: 'add', by: 1 })).toEqualTypeOf<Promise<Receipt>>();
      await ref.send({ type: 'finish' }, { id: 'once' });
      // @ts-expect-error -- no such event
      await ref.send({ type: 'ad', by: 1 });
      // @ts-expect-error -- something is missing
      await ref.send({ type: 'add' });
      // @ts-expect-error -- of the wrong type
      await ref.send({ type: 'add', by: 'one' });
      // @ts-expect-error -- an event is an object
      await ref.send('finish');
      // @ts-expect-error -- an id is a text
      await ref.send({ type: 'finish' }, { id: 1 });
    };
    expect(mistakes).toBeTypeOf('function');
  });

  it('is known of transitions, stores and store logic', () => {
    const mistakes: Mistakes = async (system) => {
      const n = await system.actor('tally', '1');
      await n.send({ type: 'inc', by: 1 });
      // @ts-expect-error -- no such event
      await n.send({ type: 'dec', by: 1 });
      const basket = await system.actor('cart', '1');
      await basket.send({ type: 'add', item: 'book' });
      // @ts-expect-error -- of the wrong type
      await basket.send({ type: 'add', item: 1 });
      const board = await system.actor('shelf', '1', { input: { size: 3 } });
      await board.send({ type: 'put', count: 1 });
      // @ts-expect-error -- no such event
      await board.send({ type: 'take', count: 1 });
    };
    expect(mistakes).toBeTypeOf('function');
  });

  it('that is emitted is one of those the actor emits', () => {
    const mistakes: Mistakes = async (system) => {
      const ref = await system.actor('greeter', '1', { input: { name: 'Ada' } });
      ref.on('greeted', (event) => expectTypeOf(event.whom).toEqualTypeOf<string>());
      ref.on('*', (event) => expectTypeOf(event.type).toEqualTypeOf<'greeted'>());
      // @ts-expect-error -- it emits no such event
      ref.on('parted', () => {});
    };
    expect(mistakes).toBeTypeOf('function');
  });
});

describe('an input', () => {
  it('is required where the logic requires it, and of its type', () => {
    const mistakes: Mistakes = async (system) => {
      expectTypeOf<InputFrom<typeof greeter>>().toEqualTypeOf<{ name: string; times?: number }>();
      await system.actor('greeter', '1', { input: { name: 'Ada' } });
      await system.start('greeter', { input: { name: 'Ada', times: 2 }, onConflict: 'join' });
      // @ts-expect-error -- it is missing
      await system.actor('greeter', '1');
      // @ts-expect-error -- it is missing
      await system.start('greeter', { id: '1' });
      // @ts-expect-error -- a part of it is missing
      await system.start('greeter', { input: {} });
      // @ts-expect-error -- of the wrong type
      await system.start('greeter', { input: { name: 7 } });
      // @ts-expect-error -- there is no such answer to a conflict
      await system.start('greeter', { input: { name: 'Ada' }, onConflict: 'replace' });
      await system.start('double', { input: { n: 1 } });
      // @ts-expect-error -- of the wrong type
      await system.start('double', { input: { n: 'one' } });
      await system.start('charge', { input: { cents: 100 } });
      // @ts-expect-error -- of the wrong type
      await system.start('charge', { input: { euros: 1 } });
      // @ts-expect-error -- it is missing
      await system.start('shelf');
      await system.start('cart');
      await system.start('counter', { id: '1' });
    };
    expect(mistakes).toBeTypeOf('function');
  });
});

describe('what is seen', () => {
  it('is the state, context and output of the logic', () => {
    const mistakes: Mistakes = async (system) => {
      const ref = await system.actor('greeter', '1', { input: { name: 'Ada' } });
      const snapshot = ref.getSnapshot();
      expectTypeOf(snapshot.context).toEqualTypeOf<{ name: string }>();
      expectTypeOf(snapshot.value).toEqualTypeOf<'on' | 'off'>();
      expectTypeOf(snapshot.output).toEqualTypeOf<{ greetings: number } | undefined>();
      expectTypeOf(ref.select(({ context }) => context.name).get()).toEqualTypeOf<string>();
      ref.subscribe(({ context }) => expectTypeOf(context.name).toEqualTypeOf<string>());
      // @ts-expect-error -- there is no such state
      snapshot.matches('onn');
      // @ts-expect-error -- the context has no such field
      void snapshot.context.nam;
      // @ts-expect-error -- the output has no such field
      void snapshot.output?.greeting;
    };
    expect(mistakes).toBeTypeOf('function');
  });

  it("by XState's own tools keeps its type", () => {
    const mistakes: Mistakes = async (system) => {
      const ref = await system.actor('greeter', '1', { input: { name: 'Ada' } });
      expectTypeOf(await toPromise(ref)).toEqualTypeOf<{ greetings: number }>();
      const state = await waitFor(ref, ({ context }) => context.name === 'Ada');
      expectTypeOf(state.context.name).toEqualTypeOf<string>();
      expectTypeOf(await toPromise(await system.start('double', { input: { n: 1 } }))).toEqualTypeOf<{
        doubled: number;
      }>();
      const paid = await toPromise(await system.start('charge', { input: { cents: 1 } }));
      expectTypeOf(paid).toEqualTypeOf<string>();
      expectTypeOf((await system.actor('cart', '1')).getSnapshot().context).toEqualTypeOf<{
        items: string[];
      }>();
      expectTypeOf((await system.actor('tally', '1')).getSnapshot().context).toEqualTypeOf<number>();
    };
    expect(mistakes).toBeTypeOf('function');
  });

  it('of the past is typed too', () => {
    const mistakes: Mistakes = async (system) => {
      for await (const record of system.history('counter/1'))
        expectTypeOf(record).toEqualTypeOf<HistoryRecord>();
      expectTypeOf(await system.replay('counter/1')).toEqualTypeOf<ReplayResult>();
      expectTypeOf(await system.verify()).toEqualTypeOf<Verification>();
      // @ts-expect-error -- a record number is a number
      system.history('counter/1', { from: '1' });
    };
    expect(mistakes).toBeTypeOf('function');
  });
});

describe('options', () => {
  it('are those there are', () => {
    const mistakes: Mistakes = async () => {
      await createSystem({ store: memory(), actors: { counter }, passivateAfter: '10 seconds' });
      // @ts-expect-error -- a store is needed
      await createSystem({ actors: { counter } });
      // @ts-expect-error -- actors are needed
      await createSystem({ store: memory() });
      // @ts-expect-error -- a number is no logic
      await createSystem({ store: memory(), actors: { counter: 7 } });
      // @ts-expect-error -- a folder is no store
      await createSystem({ store: './data', actors: { counter } });
      // @ts-expect-error -- not a duration
      await createSystem({ store: memory(), actors: { counter }, passivateAfter: 'soon' });
    };
    expect(mistakes).toBeTypeOf('function');
  });

  it('of durable() are those of the child spec, and the logic keeps its type', () => {
    const mistakes: Mistakes = async () => {
      expectTypeOf(durable(greeter, { poison: 'fail', checkpointEvery: 10 })).toEqualTypeOf<typeof greeter>();
      expectTypeOf(durable(double, { timeout: '1 second' })).toEqualTypeOf<typeof double>();
      // @ts-expect-error -- there is no such answer to poison
      durable(counter, { poison: 'explode' });
      // @ts-expect-error -- not a duration
      durable(counter, { timeout: 'a while' });
      // @ts-expect-error -- there is no such field
      durable(counter, { retries: 3 });
      // @ts-expect-error -- a number is no logic
      durable(7, {});
    };
    expect(mistakes).toBeTypeOf('function');
  });
});

describe('a supervision tree', () => {
  it('names actors that there are', () => {
    const mistakes: Mistakes = async () => {
      const options = { store: memory(), actors: { counter, greeter } };
      const child = { id: 'a', start: 'counter' } as const;
      await createSystem({ ...options, supervise: supervisor({ id: 's', children: [child] }) });
      const nested = supervisor({ id: 'n', strategy: 'dynamic', start: 'greeter' });
      await createSystem({ ...options, supervise: supervisor({ id: 's', children: [child, nested] }) });
      // What the compiler cannot know is checked when the system is opened.
      const computed = ['counter'].map((start) => ({ id: start, start }));
      await createSystem({ ...options, supervise: supervisor({ id: 's', children: computed }) });
      const misspelt = supervisor({ id: 's', children: [{ id: 'a', start: 'count' }] });
      // @ts-expect-error -- no actor has that name
      await createSystem({ ...options, supervise: misspelt });
      const wrong = supervisor({ id: 'n', strategy: 'dynamic', start: 'greet' });
      const above = supervisor({ id: 's', children: [child, wrong] });
      // @ts-expect-error -- no actor of the nested supervisor has that name
      await createSystem({ ...options, supervise: above });
      // @ts-expect-error -- there is no such strategy
      supervisor({ id: 's', strategy: 'all-for-one', children: [] });
      // @ts-expect-error -- there is no such restart type
      supervisor({ id: 's', children: [{ ...child, restart: 'always' }] });
      // @ts-expect-error -- a dynamic supervisor has no children of its own
      supervisor({ id: 's', strategy: 'dynamic', start: 'counter', children: [child] });
    };
    expect(mistakes).toBeTypeOf('function');
  });
});

describe('a decider', () => {
  it('is what the port says, and its table is what it may be', () => {
    const mistakes: Mistakes = async () => {
      const options = { store: memory(), actors: { counter, greeter } };
      const decider = roles({
        grants: [
          { id: 'g', to: 'everyone', actions: ['send'], resources: [{ type: 'counter' }] },
          {
            ...{ id: 'h', to: { roles: ['a'] }, actions: ['*'], resources: 'any' },
            when: [{ of: 'context.cost', atMost: { of: 'context.limit' } }, { sameTenant: true }],
          },
        ],
      });
      const system = await createSystem({ ...options, decider, decideWithin: '1 second' });
      const view = system.as({ type: 'user', id: 'alice' });
      const ref = await view.start('counter');
      await ref.send({ type: 'add', by: 1 });
      // @ts-expect-error -- no such event
      await ref.send({ type: 'subtract' });
      // @ts-expect-error -- a view cannot be closed
      await view.close();
      // @ts-expect-error -- nor disposed of
      await using other = view;
      // @ts-expect-error -- a principal has an id
      system.as({ type: 'user' });
      // @ts-expect-error -- no decider
      await createSystem({ ...options, decider: { hash: 'x' } });
      // @ts-expect-error -- no such effect
      const wrong: Decider = { hash: 'x', decide: () => ({ ...NOTHING, effect: 'allow' }) };
      // @ts-expect-error -- a grant says to whom
      roles({ grants: [{ id: 'g', actions: ['send'], resources: 'any' }] });
      // @ts-expect-error -- no such operator
      roles({ forbid: [{ id: 'f', actions: ['a'], when: [{ of: 'context.a', equal: 1 }] }] });
      // @ts-expect-error -- a text is no limit
      roles({ forbid: [{ id: 'f', actions: ['a'], when: [{ of: 'context.a', atMost: '1' }] }] });
      expect([other, wrong]).toBeDefined();
    };
    expect(mistakes).toBeTypeOf('function');
  });
});

const NOTHING = { determining: [], reasons: [], obligations: [] };
