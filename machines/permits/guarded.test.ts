// The lie: "guarded logic is called only with all of its permits, gives them back, and otherwise is like the logic itself".
// Under plain `createActor`, with gates that say what a test wants them to say.
import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import { assign, createActor, fromPromise, setup, StateMachine } from 'xstate';
import type { AnyActorRef, AnyEventObject, InputFrom, OutputFrom } from 'xstate';
import { breaker } from './breaker.ts';
import { bulkhead } from './bulkhead.ts';
import { guarded, isPermitError } from './guarded.ts';
import type { GuardedOptions } from './guarded.ts';
import { standingTime } from './permit.testsuite.ts';
import { rateLimiter } from './rate-limiter.ts';

standingTime();

interface Wish {
  readonly cents: number;
}

/** Calls that end when a test says so. */
function calls() {
  const open: { input: Wish; resolve: (output: string) => void; reject: (error: unknown) => void }[] = [];
  const logic = fromPromise<string, Wish>(
    ({ input }) => new Promise((resolve, reject) => open.push({ input, resolve, reject })),
  );
  return { open, logic };
}

/** A gate that notes what it hears, and leaves the answers to the test. */
const scripted = setup({
  types: {
    context: {} as { heard: string[]; from: AnyActorRef | undefined; request: AnyEventObject | undefined },
    events: {} as AnyEventObject,
  },
}).createMachine({
  context: { heard: [], from: undefined, request: undefined },
  on: {
    '*': {
      actions: assign(({ context, event }) => ({
        heard: [
          ...context.heard,
          [event.type.slice('permit.'.length), event['outcome'], event['retryAfterMs']]
            .filter((part) => part !== undefined)
            .join(' '),
        ],
        ...(event.type === 'permit.request' && { from: event['from'], request: event }),
      })),
    },
  },
});

/** A parent with two scripted gates beside its guarded call. */
function start(options: Partial<GuardedOptions<Wish>> = {}) {
  const { open, logic } = calls();
  const parent = setup({
    types: {
      context: {} as { output: unknown; error: unknown },
      events: {} as { type: 'leave' },
    },
    actors: { charge: guarded(logic, { permits: ['first', 'second'], ...options }), scripted },
  }).createMachine({
    context: { output: undefined, error: undefined },
    invoke: [
      { src: 'scripted', id: 'first', systemId: 'first' },
      { src: 'scripted', id: 'second', systemId: 'second' },
    ],
    initial: 'settling',
    states: {
      settling: { after: { 0: 'charging' } },
      charging: {
        invoke: {
          src: 'charge',
          id: 'charge',
          input: { cents: 5 },
          onDone: { target: 'paid', actions: assign({ output: ({ event }) => event.output }) },
          onError: { target: 'unpaid', actions: assign({ error: ({ event }) => event.error }) },
        },
        on: { leave: 'left' },
      },
      paid: {},
      unpaid: {},
      left: {},
    },
  });
  const actor = createActor(parent).start();
  vi.advanceTimersByTime(0);
  const gate = (which: 'first' | 'second') => actor.system.get(which) as AnyActorRef;
  const heard = (which: 'first' | 'second'): string[] => gate(which).getSnapshot().context.heard;
  const answer = (which: 'first' | 'second', given: object): void => {
    const { from, request } = gate(which).getSnapshot().context;
    from.send({ ticket: request.ticket, ...given });
  };
  const grant = (which: 'first' | 'second', leaseMs = 1000) =>
    answer(which, { type: 'permit.granted', leaseMs });
  const refuse = (which: 'first' | 'second', retryAfterMs: number) =>
    answer(which, { type: 'permit.refused', reason: 'open', retryAfterMs });
  return { actor, open, gate, heard, grant, refuse, answer };
}

/** Lets promises settle. */
async function rest(): Promise<void> {
  for (let n = 0; n < 5; n++) await Promise.resolve();
}

describe('a guarded call', () => {
  it('asks its gates one after the other, is made then, and reports in reverse', async () => {
    const { actor, open, gate, heard, grant } = start({ weight: 3 });
    expect(heard('second')).toEqual([]);
    expect(gate('first').getSnapshot().context.request).toMatchObject({ weight: 3, waitMs: undefined });
    grant('first');
    expect([heard('first'), heard('second')]).toEqual([['request'], ['request']]);
    expect(open).toEqual([]);
    const order: string[] = [];
    for (const which of ['first', 'second'] as const) gate(which).subscribe(() => order.push(which));
    grant('second');
    expect(open).toMatchObject([{ input: { cents: 5 } }]);
    open[0]!.resolve('paid 5');
    await rest();
    expect(actor.getSnapshot()).toMatchObject({ value: 'paid', context: { output: 'paid 5' } });
    expect(heard('first').at(-1)).toBe('done success');
    expect(order).toEqual(['second', 'first']);
  });

  it('fails as its logic does, when it has reported', async () => {
    const { actor, open, heard, grant } = start();
    grant('first');
    grant('second');
    const error = Object.assign(new RangeError('429'), { retryAfter: '7' });
    open[0]!.reject(error);
    await rest();
    expect(actor.getSnapshot().value).toBe('unpaid');
    expect(actor.getSnapshot().context.error).toBe(error);
    expect([heard('first'), heard('second')]).toEqual([
      ['request', 'done failure 7000'],
      ['request', 'done failure 7000'],
    ]);
  });

  it('reports a failure as it is judged', async () => {
    const { open, heard, grant } = start({
      judge: (error) => ((error as Error).message === 'bad card' ? 'ignored' : 'failure'),
    });
    grant('first');
    grant('second');
    open[0]!.reject(new Error('bad card'));
    await rest();
    expect(heard('first')).toEqual(['request', 'done ignored']);
  });

  it('that is refused gives back what it holds, and fails without having been made', () => {
    const { actor, open, heard, grant, refuse } = start();
    grant('first');
    refuse('second', 300);
    const { error } = actor.getSnapshot().context;
    expect(isPermitError(error)).toBe(true);
    expect(error).toMatchObject({ name: 'PermitError', gate: 'second', reason: 'open', retryAfterMs: 300 });
    expect((error as Error).message).toBe('second does not let it pass: open');
    // It is part of the state, and where the code stands is not.
    expect(Object.hasOwn(error as Error, 'stack')).toBe(false);
    expect([heard('first'), heard('second')]).toEqual([['request', 'cancel'], ['request']]);
    expect(open).toEqual([]);
  });

  it('asks again as long as it has patience, and holds nothing meanwhile', () => {
    const { actor, open, gate, heard, grant, refuse } = start({ patienceMs: 1000 });
    expect(gate('first').getSnapshot().context.request).toMatchObject({ waitMs: 1000 });
    grant('first');
    refuse('second', 300);
    expect(heard('first')).toEqual(['request', 'cancel']);
    vi.advanceTimersByTime(299);
    expect(heard('first')).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(heard('first')).toEqual(['request', 'cancel', 'request']);
    expect(gate('first').getSnapshot().context.request).toMatchObject({ waitMs: 700 });
    refuse('first', 700);
    vi.advanceTimersByTime(700);
    // Once more in the last moment, and then no more.
    expect(heard('first')).toEqual(['request', 'cancel', 'request', 'request']);
    expect(gate('first').getSnapshot().context.request).toMatchObject({ waitMs: 0 });
    expect(actor.getSnapshot().value).toBe('charging');
    refuse('first', 1);
    expect(actor.getSnapshot().context.error).toMatchObject({ reason: 'open' });
    expect(heard('first')).toHaveLength(4);
    expect(open).toEqual([]);
  });

  it('without any patience is made when its gates let it pass at once', () => {
    const { open, grant } = start({ patienceMs: 0 });
    vi.advanceTimersByTime(5);
    grant('first');
    grant('second');
    expect(open).toHaveLength(1);
  });

  it('does not wait for what comes after its patience', () => {
    const { actor, refuse } = start({ patienceMs: 1000 });
    refuse('first', 1001);
    expect(actor.getSnapshot().context.error).toMatchObject({ reason: 'open', retryAfterMs: 1001 });
  });

  it('gives up a gate that never answers, and takes its request back', () => {
    const { actor, heard, grant } = start({ patienceMs: 1000 });
    grant('first', 60_000);
    vi.advanceTimersByTime(10_999);
    expect(actor.getSnapshot().value).toBe('charging');
    vi.advanceTimersByTime(1);
    expect(actor.getSnapshot().context.error).toMatchObject({ gate: 'second', reason: 'timeout' });
    expect([heard('first'), heard('second')]).toEqual([
      ['request', 'cancel'],
      ['request', 'cancel'],
    ]);
  });

  it('takes no notice of answers to others', () => {
    const { actor, open, answer, grant } = start();
    answer('first', { type: 'permit.refused', ticket: 'another', reason: 'open', retryAfterMs: 1 });
    answer('first', { type: 'permit.granted', ticket: 'another', leaseMs: 1 });
    grant('first');
    // The same answer once more.
    grant('first');
    expect(open).toEqual([]);
    grant('second');
    expect(open).toHaveLength(1);
    answer('second', { type: 'permit.refused', reason: 'open', retryAfterMs: 1 });
    expect(actor.getSnapshot().value).toBe('charging');
  });

  it('renews its leases for as long as it runs, by the shortest of them', async () => {
    const { open, heard, grant } = start();
    grant('first', 1000);
    grant('second', 400);
    vi.advanceTimersByTime(450);
    expect(heard('first')).toEqual(['request', 'renew', 'renew']);
    open[0]!.resolve('');
    await rest();
    vi.advanceTimersByTime(10_000);
    expect(heard('second')).toEqual(['request', 'renew', 'renew', 'done success']);
  });

  it('renews what it holds also while a later gate keeps it waiting', () => {
    const { open, heard, grant } = start();
    grant('first', 1000);
    vi.advanceTimersByTime(1100);
    expect([heard('first'), heard('second')]).toEqual([['request', 'renew', 'renew'], ['request']]);
    grant('second');
    expect(open).toHaveLength(1);
  });

  it('fails when there is nobody at an address', () => {
    const { actor, heard, grant } = start({ permits: ['first', 'nobody'] });
    grant('first');
    expect(actor.getSnapshot().context.error).toMatchObject({
      gate: 'nobody',
      reason: 'absent',
      retryAfterMs: Infinity,
    });
    expect(heard('first')).toEqual(['request', 'cancel']);
  });

  it('may choose its gates by its input, or need none', async () => {
    const chosen = start({ permits: ({ cents }) => (cents > 1 ? ['second'] : []) });
    chosen.grant('second');
    expect(chosen.heard('first')).toEqual([]);
    expect(chosen.open).toHaveLength(1);
    const free = start({ permits: [] });
    expect(free.open).toHaveLength(1);
    free.open[0]!.resolve('free');
    await rest();
    expect(free.actor.getSnapshot().context.output).toBe('free');
  });

  it('may be given refs, and real gates', async () => {
    const gates = {
      payments: createActor(breaker({ failures: 1, withinMs: 1000, coolDownMs: 1000 })).start(),
      limit: createActor(rateLimiter({ limit: 1, perMs: 1000 })).start(),
      slots: createActor(bulkhead({ slots: 1, queue: 1 })).start(),
    };
    const { open, logic } = calls();
    const charge = guarded(logic, { permits: () => Object.values(gates), patienceMs: 5000 });
    const outcomes: string[] = [];
    const run = (cents: number): void => {
      const actor = createActor(charge, { input: { cents } });
      actor.subscribe({
        complete: () => outcomes.push(String(actor.getSnapshot().output)),
        error: (error) => outcomes.push(String(error)),
      });
      actor.start();
    };
    run(1);
    run(2);
    expect(open).toHaveLength(1);
    open[0]!.resolve('one');
    await rest();
    expect(open).toHaveLength(1);
    vi.advanceTimersByTime(1000);
    open[1]!.reject(Object.assign(new Error('busy'), { retryAfterMs: 2000 }));
    await rest();
    expect(outcomes).toEqual(['one', 'Error: busy']);
    expect(gates.payments.getSnapshot().value).toBe('open');
    run(3);
    vi.advanceTimersByTime(1999);
    expect(open).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(open).toHaveLength(3);
    expect(gates.payments.getSnapshot().value).toEqual({ halfOpen: 'probing' });
    open[2]!.resolve('three');
    await rest();
    expect(outcomes.at(-1)).toBe('three');
    expect(gates.payments.getSnapshot().value).toBe('closed');
    expect(gates.slots.getSnapshot().context).toMatchObject({ held: [], waiting: [] });
  });

  it('that is stopped in the middle leaves its slot to its lease', () => {
    const slots = createActor(bulkhead({ slots: 1, leaseMs: 100 })).start();
    const { logic } = calls();
    const actor = createActor(guarded(logic, { permits: () => [slots] }), { input: { cents: 1 } }).start();
    vi.advanceTimersByTime(1000);
    expect(slots.getSnapshot().value).toBe('busy');
    actor.stop();
    vi.advanceTimersByTime(100);
    expect(slots.getSnapshot().value).toBe('idle');
  });
});

describe('guarded logic', () => {
  const { logic } = calls();

  it('has the input and the output of the logic', () => {
    const charge = guarded(logic, { permits: ({ cents }) => [`payments/${cents}`] });
    expect(charge).toBeInstanceOf(StateMachine);
    expectTypeOf<InputFrom<typeof charge>>().toEqualTypeOf<Wish>();
    expectTypeOf<OutputFrom<typeof charge>>().toEqualTypeOf<string>();
  });

  it.each<[string, object]>([
    ['permits', {}],
    ['permits', { permits: 'payments/main' }],
    ['patienceMs', { permits: [], patienceMs: -1 }],
    ['weight', { permits: [], weight: 0 }],
    ['judge', { permits: [], judge: 'failure' }],
    ['retries', { permits: [], retries: 3 }],
  ])('is refused with %s that make no sense: %j', (name, options) => {
    expect(() => guarded(logic, options as GuardedOptions<Wish>)).toThrow(TypeError);
    expect(() => guarded(logic, options as GuardedOptions<Wish>)).toThrow(name);
  });
});
