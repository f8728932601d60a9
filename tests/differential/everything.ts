/**
 * A machine with everything in it that a machine can have.
 */
import {
  and,
  assertEvent,
  assign,
  cancel,
  emit,
  enqueueActions,
  forwardTo,
  fromCallback,
  fromEventObservable,
  fromObservable,
  fromPromise,
  fromTransition,
  log,
  not,
  or,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stateIn,
  stopChild,
} from 'xstate';
import type { ActorRef, AnyActorRef, Snapshot, Subscribable } from 'xstate';
import { attempt, effect } from './scenario.ts';
import type { Scenario } from './scenario.ts';

/** A child machine: works for a while, reports, may finish. */
const worker = setup({
  types: {
    context: {} as { name: string; done: number; from: string | undefined },
    events: {} as { type: 'WORK'; k: number; replyTo?: AnyActorRef } | { type: 'FINISH' } | { type: 'FAIL' },
    input: {} as { name: string },
    output: {} as { name: string; done: number },
  },
  actions: {
    toil: (_, params: { name: string; k: number }) => effect('toil', params.name, params.k),
  },
}).createMachine({
  id: 'worker',
  context: ({ input }) => ({ name: input.name, done: 0, from: undefined }),
  initial: 'idle',
  states: {
    idle: {
      on: {
        WORK: {
          target: 'busy',
          actions: [
            assign({
              done: ({ context, event }) => context.done + event.k,
              from: ({ event }) => event.replyTo?.id,
            }),
            { type: 'toil', params: ({ context, event }) => ({ name: context.name, k: event.k }) },
          ],
        },
      },
    },
    busy: {
      tags: 'working',
      after: {
        200: { target: 'idle', actions: sendParent(({ context }) => ({ type: 'WORKED', ...context })) },
      },
      on: { WORK: { actions: assign({ done: ({ context, event }) => context.done + event.k * 100 }) } },
    },
    over: { type: 'final' },
    broken: {
      always: {
        guard: () => {
          throw new Error('the worker broke');
        },
        target: 'over',
      },
    },
  },
  on: { FINISH: '.over' },
  output: ({ context }) => ({ name: context.name, done: context.done }),
  exit: ({ context }) => effect('exit', context.name),
});

const counter = fromTransition(
  (count: number, event: { type: 'INC'; by?: number }, { emit: emitFrom }) => {
    if (event.type !== 'INC') return count;
    emitFrom({ type: 'counted', count } as never);
    return count + (event.by ?? 1);
  },
  ({ input }: { input: { start: number } }) => input.start,
);

const price = fromPromise(async ({ input }: { input: { id: number } }) => {
  attempt('price asked', input.id);
  await null;
  return input.id * 10;
});

const failing = fromPromise(async (): Promise<number> => {
  await null;
  throw Object.assign(new TypeError('declined', { cause: new Error('no funds') }), { code: 'E_DECLINED' });
});

const never = fromPromise(() => new Promise<string>(() => {}));

const ticker = fromCallback<{ type: 'PING'; n: number }, { base: number }>(({ sendBack, receive, input }) => {
  attempt('ticker starts', input.base);
  receive((event) => sendBack({ type: 'TICKED', n: event.n + input.base }));
  return () => attempt('ticker stops');
});

/** An observable of a few values, one after the other, without a library. */
function valuesOf<T>(...values: T[]): Subscribable<T> {
  return {
    subscribe: (observer: unknown) => {
      const { next, complete } = observer as { next(value: T): void; complete(): void };
      let open = true;
      void (async () => {
        for (const value of values) {
          await null;
          if (open) next(value);
        }
        await null;
        if (open) complete();
      })();
      return { unsubscribe: () => void (open = false) };
    },
  };
}

const readings = fromObservable(({ input }: { input: { from: number } }) =>
  valuesOf(input.from, input.from + 1, input.from + 2),
);
const signals = fromEventObservable(() => valuesOf({ type: 'SIGNAL', n: 1 }, { type: 'SIGNAL', n: 2 }));

type Worker = ActorRef<
  Snapshot<unknown>,
  { type: 'WORK'; k: number; replyTo?: AnyActorRef } | { type: 'FINISH' }
>;

interface Context {
  readonly ids: readonly number[];
  total: number;
  notes: readonly string[];
  first: Worker;
  workers: readonly Worker[];
  extra: Worker | null;
  seen: Map<string, number>;
  when: Date | undefined;
  last: unknown;
  none?: undefined;
}

type Events =
  | {
      type:
        | 'CHECKOUT'
        | 'PAUSE'
        | 'RESUME'
        | 'APPROVE'
        | 'TOGGLE'
        | 'NEXT'
        | 'AGAIN'
        | 'SYS'
        | 'END'
        | 'LOOK'
        | 'BATCH'
        | 'WATCH';
    }
  | { type: 'ADD'; n: number }
  | { type: 'EXTRA' | 'DROP' | 'ANON' | 'REGISTER' | 'STOPALL' | 'DEEP' | 'CLEAR' }
  | { type: 'DISPATCH'; k: number }
  | { type: 'FIN'; index: number }
  | { type: 'WORKED'; name: string; done: number; from: string | undefined }
  | { type: 'TICKED'; n: number }
  | { type: 'SIGNAL'; n: number }
  | { type: 'CHECKED' | 'AUTO' | 'LATER' | 'HELLO' };

// `any`: it is used for events of every kind, and XState's action types are invariant in theirs.
const note = (text: string) =>
  // oxlint-disable-next-line typescript/no-explicit-any
  assign<Context, any, undefined, any, never>({ notes: ({ context }) => [...context.notes, text] });

const everything = () =>
  setup({
    types: {
      context: {} as Context,
      events: {} as Events,
      input: {} as { ids: number[] },
      emitted: {} as { type: 'checkout'; total: number } | { type: 'noted'; text: string },
    },
    actors: { worker, counter, price, failing, never, ticker, readings, signals },
    actions: {
      charge: (_, params: { amount: number }) => effect('charge', params.amount),
      greet: ({ event, self }) => {
        assertEvent(event, 'HELLO');
        effect('greet', self.id);
      },
    },
    guards: {
      rich: ({ context }) => context.total > 15,
      over: ({ context }, params: { limit: number }) => context.total > params.limit,
    },
    delays: { patience: ({ context }) => 100 * context.ids.length + 100 },
  }).createMachine({
    id: 'order',
    context: ({ spawn, input }) => ({
      ids: input.ids,
      total: 0,
      notes: [],
      first: spawn('worker', { id: 'w0', input: { name: 'w0' }, systemId: 'first' }) as unknown as Worker,
      workers: [],
      extra: null,
      seen: new Map([['start', -0]]),
      when: undefined,
      last: null,
      none: undefined,
    }),
    type: 'parallel',
    states: {
      flow: {
        initial: 'cart',
        states: {
          cart: {
            tags: ['open', 'early'],
            entry: [log('in the cart'), raise({ type: 'HELLO' })],
            on: {
              CHECKOUT: {
                target: 'paying',
                actions: [
                  raise({ type: 'CHECKED' }),
                  emit(({ context }) => ({ type: 'checkout', total: context.total })),
                ],
              },
              HELLO: { actions: 'greet' },
            },
            after: { 5000: 'expired' },
          },
          paying: {
            initial: 'pricing',
            states: {
              pricing: {
                invoke: {
                  src: 'price',
                  id: 'price',
                  input: ({ context }) => ({ id: context.ids[0]! }),
                  onDone: {
                    target: 'review',
                    actions: assign({ total: ({ context, event }) => context.total + event.output }),
                  },
                },
              },
              review: {
                entry: raise({ type: 'AUTO' }, { delay: 'patience', id: 'auto' }),
                on: {
                  APPROVE: { target: 'charging', actions: cancel('auto') },
                  AUTO: {
                    target: 'charging',
                    actions: ({ context }) => effect('auto approved', context.total),
                  },
                },
              },
              charging: {
                entry: { type: 'charge', params: ({ context }) => ({ amount: context.total }) },
                invoke: {
                  src: 'failing',
                  onError: { target: 'retry', actions: assign({ last: ({ event }) => event.error }) },
                },
              },
              retry: {
                after: {
                  50: [
                    { target: 'paid', guard: and(['rich', not(stateIn({ flow: 'expired' }))]) },
                    { target: 'review' },
                  ],
                },
              },
              paid: { type: 'final' },
              hist: { type: 'history', history: 'deep' },
            },
            on: { PAUSE: 'paused' },
            onDone: { target: 'shipped', actions: note('paid') },
          },
          paused: { on: { RESUME: 'paying.hist' } },
          shipped: { entry: [stopChild('w0'), { type: 'charge', params: { amount: 0 } }] },
          expired: {},
        },
      },
      side: {
        invoke: { src: 'ticker', id: 'tick', input: { base: 7 } },
        initial: 'off',
        states: {
          off: { on: { TOGGLE: 'on' } },
          on: {
            initial: 'a',
            states: { a: { on: { NEXT: 'b' } }, b: { on: { NEXT: 'a' } }, h: { type: 'history' } },
            on: { TOGGLE: 'off2' },
          },
          off2: { on: { TOGGLE: 'on.h' } },
        },
        on: {
          TICKED: {
            actions: assign({ notes: ({ context, event }) => [...context.notes, `tick ${event.n}`] }),
          },
        },
      },
      redo: {
        initial: 'one',
        states: {
          one: {
            entry: sendTo('slot', { type: 'WORK', k: 1 }),
            exit: sendTo('slot', { type: 'WORK', k: 50 }),
            invoke: {
              src: 'worker',
              id: 'slot',
              input: ({ context }) => ({ name: `slot${context.notes.length}` }),
            },
            on: { AGAIN: { target: 'one', reenter: true } },
          },
        },
      },
      // A process that is started and left again and again, and one that never ends.
      slow: {
        initial: 'waiting',
        states: {
          waiting: {
            invoke: [
              { src: 'never', id: 'never' },
              {
                src: fromPromise(async ({ input }: { input: number }) => {
                  attempt('inline promise', input);
                  await null;
                  return input + 1;
                }),
                input: ({ context }) => context.notes.length,
                onDone: { actions: note('inline done') },
              },
            ],
            on: { AGAIN: { target: 'waiting', reenter: true } },
          },
        },
      },
      watch: {
        invoke: [
          {
            src: 'counter',
            id: 'cnt',
            input: { start: 3 },
            onSnapshot: {
              actions: assign({
                seen: ({ context, event }) =>
                  new Map(context.seen).set('cnt', (event.snapshot as { context: number }).context),
              }),
            },
          },
        ],
        initial: 'dark',
        states: {
          dark: { on: { WATCH: 'readings' } },
          // One after the other: between independent processes there is no order that could be compared.
          readings: {
            invoke: {
              src: 'readings',
              id: 'obs',
              input: { from: 40 },
              onSnapshot: {
                actions: assign({
                  seen: ({ context, event }) =>
                    new Map(context.seen).set('obs', event.snapshot.context ?? NaN),
                }),
              },
              onDone: { target: 'signals', actions: note('observable done') },
            },
          },
          signals: { invoke: { src: 'signals', id: 'sig' } },
        },
        on: {
          SIGNAL: {
            actions: assign({ notes: ({ context, event }) => [...context.notes, `signal ${event.n}`] }),
          },
        },
      },
      eventless: {
        initial: 'low',
        states: {
          low: { always: { guard: { type: 'over', params: { limit: 15 } }, target: 'high' } },
          high: {
            entry: assign({ when: () => new Date(86_400_000) }),
            always: {
              guard: or([({ context }) => context.total > 1000, stateIn('#order.flow.shipped')]),
              target: 'huge',
            },
          },
          huge: {},
        },
      },
      pool: {
        on: {
          ADD: {
            actions: [
              assign({
                workers: ({ context, spawn, event }) => [
                  ...context.workers,
                  spawn('worker', { id: `w${event.n}`, input: { name: `w${event.n}` } }) as unknown as Worker,
                ],
              }),
              sendTo('cnt', { type: 'INC' }),
            ],
          },
          EXTRA: {
            actions: spawnChild('worker', { id: 'extra', input: { name: 'extra' }, systemId: 'extra' }),
          },
          DROP: { actions: stopChild('extra') },
          ANON: {
            actions: assign({
              extra: ({ spawn }) => spawn('worker', { input: { name: 'anonymous' } }) as unknown as Worker,
            }),
          },
          REGISTER: {
            actions: sendTo(
              ({ context }) => context.first,
              ({ self }) => ({ type: 'WORK', k: 3, replyTo: self }),
            ),
          },
          DISPATCH: {
            actions: enqueueActions(({ context, enqueue, event, check }) => {
              for (const one of [context.first, ...context.workers])
                enqueue.sendTo(one, { type: 'WORK', k: event.k });
              enqueue.sendTo('tick', { type: 'PING', n: event.k });
              if (check('rich')) enqueue.emit({ type: 'noted', text: 'rich' });
              enqueue.assign({ notes: [...context.notes, `dispatched ${event.k}`] });
              enqueue(({ context: now }) => effect('dispatched', now.notes.length));
            }),
          },
          SYS: {
            actions: sendTo(({ system }) => system.get('first') as AnyActorRef, { type: 'WORK', k: 100 }),
          },
          LOOK: {
            actions: assign({
              notes: ({ context, system }) => [
                ...context.notes,
                `first ${system.get('first') === undefined ? 'is gone' : 'is there'}, extra ${system.get('extra') === undefined ? 'is gone' : 'is there'}`,
              ],
            }),
          },
          BATCH: {
            actions: [
              raise({ type: 'LATER' }, { delay: 30 }),
              raise({ type: 'LATER' }, { delay: 60, id: 'later' }),
              sendTo(({ self }) => self, { type: 'LATER' }, { delay: 90 }),
              sendTo('cnt', { type: 'INC', by: 5 }, { delay: 10, id: 'inc' }),
            ],
          },
          CLEAR: { actions: [cancel('later'), cancel('inc')] },
          LATER: { actions: assign({ notes: ({ context }) => [...context.notes, 'later'] }) },
          DEEP: { actions: forwardTo('cnt') },
          WORKED: {
            actions: assign({
              notes: ({ context, event }) => [
                ...context.notes,
                `${event.name} did ${event.done} for ${event.from ?? 'nobody'}`,
              ],
            }),
          },
          FIN: { actions: sendTo(({ context, event }) => context.workers[event.index]!, { type: 'FINISH' }) },
          STOPALL: {
            actions: enqueueActions(({ context, enqueue }) => {
              for (const one of context.workers) enqueue.stopChild(one);
              enqueue.assign({ workers: [] });
            }),
          },
          'xstate.done.actor.*': {
            actions: assign({
              notes: ({ context, event }) => [
                ...context.notes,
                `done ${event.type.split('.').at(-1)} ${JSON.stringify((event as unknown as { output: unknown }).output)}`,
              ],
            }),
          },
        },
      },
    },
    on: { END: { actions: note('end') } },
  });

/**
 * @param observing whether it watches observables. They start over when the system is opened again, so one that dies after
 *   every commit would never see their end.
 */
export const everythingScenario = (observing: boolean): Scenario => ({
  name: observing ? 'everything' : 'everything but observables',
  logic: everything(),
  input: { ids: [3, 4] },
  script: [
    [0, { type: 'TOGGLE' }],
    [0, { type: 'NEXT' }],
    ...(observing ? ([[0, { type: 'WATCH' }]] as const) : []),
    [0, { type: 'ADD', n: 1 }],
    [0, { type: 'AGAIN' }],
    [0, { type: 'AGAIN' }],
    [0, { type: 'ADD', n: 2 }],
    [0, { type: 'EXTRA' }],
    [0, { type: 'LOOK' }],
    [10, { type: 'DISPATCH', k: 5 }],
    [0, { type: 'REGISTER' }],
    [0, { type: 'SYS' }],
    [0, { type: 'DROP' }],
    [0, { type: 'LOOK' }],
    [0, { type: 'EXTRA' }],
    [50, { type: 'CHECKOUT' }],
    [0, { type: 'PAUSE' }],
    [10, { type: 'RESUME' }],
    [0, { type: 'BATCH' }],
    [5, { type: 'CLEAR' }],
    [0, { type: 'TOGGLE' }],
    [0, { type: 'TOGGLE' }],
    [150, { type: 'DISPATCH', k: 2 }],
    [0, { type: 'ANON' }],
    [0, { type: 'DEEP' }],
    [0, { type: 'BATCH' }],
    [400, { type: 'END' }],
    [0, { type: 'FIN', index: 0 }],
    [300, { type: 'FIN', index: 1 }],
    [50, { type: 'LOOK' }],
    [0, { type: 'STOPALL' }],
    [500, { type: 'AGAIN' }],
    [500, { type: 'END' }],
  ],
});
