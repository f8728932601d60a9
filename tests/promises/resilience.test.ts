// The lie: "breakers, rate limiters and bulkheads are durable and shared: a crash loses no permit, gives none twice, and
// keeps the queue in order; and a deployment with other options changes nothing about those that exist, unless it says so".
// Workflows and processes that share gates, with the system killed behind every commit, down for long, and deployed anew.
import { describe, expect, it } from 'vitest';
import { assign, createMachine, fromCallback, fromPromise, sendTo, setup } from 'xstate';
import type { AnyActorRef } from 'xstate';
import { currentEffect, durable } from 'heddle';
import { breaker, bulkhead, guarded, isPermitError, rateLimiter } from 'heddle/machines';
import type { PermitAnswer } from 'heddle/machines';
import { DyingSystem } from '../dying-system.ts';
import { collect, open, rejection, STORES } from './systems.ts';
import type { Opened } from './systems.ts';

const ORDERS = ['1', '2', '3', '4', '5', '6'];

/** Whose state comes back from records, and whose from a checkpoint. */
const FORMS = [
  ['from records', <T extends object>(logic: T): T => logic],
  ['from checkpoints', <T extends object>(logic: T): T => durable(logic, { checkpointEvery: 1 })],
] as const;

/** The other side: counts who is being served, and does as it is told. */
class Bank {
  /** How often each charge was begun: once, and once more for every crash in the middle of it. */
  readonly begun = new Map<string, number>();
  readonly paid: string[] = [];
  /** Ends the charges that are open, by their ids. */
  readonly open = new Map<string, { resolve(): void; reject(error: unknown): void }>();

  /** A charge that is open until the test ends it. */
  readonly charge = fromPromise<string, { id: string }>(({ input: { id }, signal }) => {
    this.begun.set(id, (this.begun.get(id) ?? 0) + 1);
    signal.addEventListener('abort', () => this.open.delete(id));
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => () => {
        this.open.delete(id);
        settle();
      };
      this.open.set(id, {
        resolve: end(() => {
          this.paid.push(id);
          resolve(`paid ${id}`);
        }),
        reject: (error) => end(() => reject(error))(),
      });
    });
  });
}

/** A workflow around one charge. */
function orderOf(charge: ReturnType<typeof guarded<Bank['charge']>>) {
  return setup({
    types: {
      context: {} as { id: string; outcome: string; error: unknown },
      input: {} as { id: string },
      events: {} as { type: 'leave' },
    },
    actors: { charge },
  }).createMachine({
    context: ({ input }) => ({ ...input, outcome: 'none', error: undefined }),
    initial: 'charging',
    states: {
      charging: {
        invoke: {
          src: 'charge',
          id: 'charge',
          input: ({ context }) => ({ id: context.id }),
          onDone: { target: 'over', actions: assign({ outcome: ({ event }) => event.output }) },
          onError: {
            target: 'over',
            actions: assign({
              error: ({ event }) => event.error,
              outcome: ({ event }) => (event.error as Error).message,
            }),
          },
        },
        on: { leave: 'over' },
      },
      over: {},
    },
  });
}

const GATES = ['payments/main', 'limit/main', 'slots/main'];

/** Orders that share three gates. */
function shop(bank: Bank, form: <T extends object>(logic: T) => T = (logic) => logic) {
  return {
    payments: form(breaker({ failures: 2, withinMs: 10_000, coolDownMs: 1000, leaseMs: 500 })),
    limit: form(rateLimiter({ limit: 3, perMs: 1000, queue: 9, waitMs: 60_000 })),
    slots: form(bulkhead({ slots: 2, queue: 9, waitMs: 60_000, leaseMs: 500 })),
    order: form(orderOf(guarded(bank.charge, { permits: GATES, patienceMs: 60_000 }))),
  };
}

type Shop = ReturnType<typeof shop>;

async function openShop(bank: Bank, form?: <T extends object>(logic: T) => T): Promise<Opened<Shop>> {
  const opened = await open(shop(bank, form));
  for (const name of ['payments', 'limit', 'slots'] as const) await opened.system.actor(name, 'main');
  return opened;
}

async function order(opened: Opened<Shop>, id: string): Promise<void> {
  await opened.system.start('order', { id, input: { id } });
  await opened.settle();
}

const slotsOf = ({ system }: Opened<Shop>) => system.get('slots/main')!.getSnapshot().context;
const stateOf = ({ system }: Opened<Shop>, gate: 'payments' | 'limit' | 'slots') =>
  system.get(`${gate}/main`)!.getSnapshot().value;
const outcomeOf = ({ system }: Opened<Shop>, id: string) =>
  system.get(`order/${id}`)!.getSnapshot().context.outcome;

/** Whether today's code tells the same story of everybody. */
async function expectSameStory(system: Opened<Shop>['system'], addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const { same, difference } = await system.replay(address);
    expect([address, same, difference]).toEqual([address, true, undefined]);
  }
}

describe('a call around which there is a breaker, by hand', () => {
  /** Speaks the protocol itself: one ticket for each charge. */
  const careful = setup({
    types: {
      context: {} as { gate: AnyActorRef; heard: string[] },
      input: {} as { gate: AnyActorRef },
      events: {} as PermitAnswer | { type: 'charge' },
    },
    actors: {
      charge: fromPromise<string, void>(async () => {
        throw Object.assign(new Error('busy'), { retryAfter: 3 });
      }),
    },
  }).createMachine({
    context: ({ input }) => ({ gate: input.gate, heard: [] }),
    initial: 'idle',
    states: {
      idle: { on: { charge: 'asking' } },
      asking: {
        entry: sendTo(
          ({ context }) => context.gate,
          ({ self }) => ({ type: 'permit.request', ticket: self.sessionId, from: self }),
        ),
        on: {
          'permit.granted': 'charging',
          'permit.refused': {
            target: 'idle',
            actions: assign({
              heard: ({ context, event }) => [...context.heard, `${event.reason} ${event.retryAfterMs}`],
            }),
          },
        },
      },
      charging: {
        invoke: {
          src: 'charge',
          onError: {
            target: 'idle',
            actions: [
              sendTo(
                ({ context }) => context.gate,
                ({ self, event }) => ({
                  type: 'permit.done',
                  ticket: self.sessionId,
                  outcome: 'failure',
                  retryAfterMs: (event.error as { retryAfter: number }).retryAfter * 1000,
                }),
              ),
              assign({ heard: ({ context }) => [...context.heard, 'failed'] }),
            ],
          },
        },
      },
    },
  });

  it('is not made while the breaker is open, though it was opened before a crash', async () => {
    const payments = breaker({ failures: 9, withinMs: 1000, coolDownMs: 1000 });
    let opened = await open({ payments, careful });
    const gate = await opened.system.actor('payments', 'main');
    await opened.system.start('careful', { id: '1', input: { gate } });
    const charge = async (): Promise<string | undefined> => {
      await opened.system.get('careful/1')!.send({ type: 'charge' });
      await opened.settle();
      return opened.system.get('careful/1')!.getSnapshot().context.heard.at(-1);
    };
    expect(await charge()).toBe('failed');
    opened = await opened.crash();
    expect(await charge()).toBe('open 3000');
    await opened.advance(2999);
    opened = await opened.crash();
    expect(await charge()).toBe('open 1');
    await opened.advance(1);
    expect(opened.system.get('payments/main')!.getSnapshot().value).toEqual({ halfOpen: 'ready' });
    expect(await charge()).toBe('failed');
    expect(opened.system.get('payments/main')!.getSnapshot().value).toBe('open');
  });
});

describe.each(FORMS)('gates that come back %s', (_, form) => {
  it('know who holds what and who waits, in order', async () => {
    const bank = new Bank();
    let opened = await openShop(bank, form);
    for (const id of ORDERS) await order(opened, id);
    expect([...bank.open.keys()]).toEqual(['1', '2']);
    const before = JSON.stringify(slotsOf(opened));
    opened = await opened.crash();
    await opened.settle();
    expect(JSON.stringify(slotsOf(opened))).toBe(before);
    // The limiter lets three through at once: two have slots, one waits for a slot, and the others for tokens.
    expect(slotsOf(opened).waiting.map(({ ticket }) => ticket)).toEqual(['order/3/charge#2']);
    const served: string[] = [];
    for (let round = 0; bank.paid.length < ORDERS.length && round < 20; round++) {
      for (const id of [...bank.open.keys()]) {
        served.push(id);
        bank.open.get(id)!.resolve();
      }
      await opened.settle();
      opened = await opened.crash();
      await opened.settle();
      await opened.advance(250);
    }
    expect(served).toEqual(ORDERS);
    for (const id of ORDERS) expect(outcomeOf(opened, id)).toBe(`paid ${id}`);
    expect(slotsOf(opened)).toMatchObject({ held: [], waiting: [] });
    await expectSameStory(opened.system, [
      ...GATES,
      ...ORDERS.flatMap((id) => [`order/${id}`, `order/${id}/charge`]),
    ]);
  });

  it('end a lease at its time, whenever the process died', async () => {
    const bank = new Bank();
    let opened = await openShop(bank, form);
    await order(opened, '1');
    await opened.system.get('order/1')!.send({ type: 'leave' });
    await opened.settle();
    opened = await opened.crash();
    await opened.advance(499);
    expect(stateOf(opened, 'slots')).toBe('busy');
    opened = await opened.crash();
    await opened.advance(1);
    expect(stateOf(opened, 'slots')).toBe('idle');
  });

  it('end a lease and a cool-down that were due while nobody was there', async () => {
    const bank = new Bank();
    let opened = await openShop(bank, form);
    for (const id of ['1', '2', '3']) await order(opened, id);
    await opened.system.get('order/3')!.send({ type: 'leave' });
    for (const id of ['1', '2']) {
      bank.open.get(id)!.reject(new Error('down'));
      await opened.settle();
    }
    expect(stateOf(opened, 'payments')).toBe('open');
    // Order 3 has left, and its request was granted the slot that became free.
    expect(slotsOf(opened).held.map(({ ticket }) => ticket)).toEqual(['order/3/charge#2']);
    await opened.kill();
    await opened.clock.advance(700, async () => {});
    opened = await opened.crash();
    await opened.advance(0);
    expect(stateOf(opened, 'slots')).toBe('idle');
    expect(stateOf(opened, 'payments')).toBe('open');
    await opened.kill();
    await opened.clock.advance(300, async () => {});
    opened = await opened.crash();
    await opened.advance(0);
    expect(stateOf(opened, 'payments')).toEqual({ halfOpen: 'ready' });
  });

  it('do not give away the slots of calls that go on after a long night', async () => {
    const bank = new Bank();
    let opened = await openShop(bank, form);
    for (const id of ['1', '2', '3']) await order(opened, id);
    await opened.kill();
    await opened.clock.advance(30_000, async () => {});
    opened = await opened.crash();
    await opened.settle();
    await opened.advance(2000);
    expect([...bank.open.keys()]).toEqual(['1', '2']);
    expect(slotsOf(opened).held.map(({ ticket }) => ticket)).toEqual([
      'order/1/charge#2',
      'order/2/charge#2',
    ]);
    bank.open.get('2')!.resolve();
    await opened.settle();
    expect([...bank.open.keys()]).toEqual(['1', '3']);
  });
});

describe('a Retry-After', () => {
  it('holds back everybody, through crashes, until it is over', async () => {
    const bank = new Bank();
    let opened = await openShop(bank);
    await order(opened, '1');
    bank.open
      .get('1')!
      .reject(
        Object.assign(new Error('429'), { retryAfter: new Date(opened.clock.now() + 5000).toUTCString() }),
      );
    await opened.settle();
    expect(outcomeOf(opened, '1')).toBe('429');
    await order(opened, '2');
    opened = await opened.crash();
    await opened.advance(4999);
    expect(bank.begun.get('2')).toBeUndefined();
    expect([stateOf(opened, 'payments'), stateOf(opened, 'limit')]).toEqual(['open', 'paused']);
    opened = await opened.crash();
    await opened.advance(1);
    expect(bank.begun.get('2')).toBe(1);
    bank.open.get('2')!.resolve();
    await opened.settle();
    expect(outcomeOf(opened, '2')).toBe('paid 2');
    expect([stateOf(opened, 'payments'), stateOf(opened, 'limit')]).toEqual(['closed', 'flowing']);
  });
});

describe('a guarded call', () => {
  it('may stand in the machine itself, and keeps the timeout of its logic', async () => {
    const hangs = durable(
      fromPromise(() => new Promise<string>(() => {})),
      { timeout: '2 seconds' },
    );
    const payments = breaker({ failures: 1, withinMs: 1000, coolDownMs: 1000 });
    const caller = createMachine({
      types: { context: {} as { error: unknown } },
      context: { error: undefined },
      initial: 'calling',
      states: {
        calling: {
          invoke: {
            src: guarded(hangs, { permits: ['payments/main'] }),
            input: undefined,
            onError: { target: 'failed', actions: assign({ error: ({ event }) => event.error }) },
          },
        },
        failed: {},
      },
    });
    let opened = await open({ payments, caller });
    await opened.system.actor('payments', 'main');
    await opened.system.start('caller', { id: '1' });
    await opened.settle();
    opened = await opened.crash();
    await opened.settle();
    await opened.advance(2000);
    expect(opened.system.get('payments/main')!.getSnapshot().value).toBe('open');
    expect(opened.system.get('caller/1')!.getSnapshot().context.error).toMatchObject({
      name: 'AttemptTimeout',
    });
    await opened.system.start('caller', { id: '2' });
    await opened.settle();
    opened = await opened.crash();
    const { error } = opened.system.get('caller/2')!.getSnapshot().context;
    expect(isPermitError(error) && error).toMatchObject({
      gate: 'payments/main',
      reason: 'open',
      retryAfterMs: 1000,
    });
  });
});

describe('a process', () => {
  /** Asks under its idempotency key, and holds what it gets. */
  function holder(asked: string[]) {
    return fromCallback<PermitAnswer, { gate: AnyActorRef }>(({ input, self, sendBack, receive }) => {
      const ticket = currentEffect()!.idempotencyKey;
      asked.push(ticket);
      receive((answer) => sendBack({ type: 'heard', what: answer.type }));
      input.gate.send({ type: 'permit.request', ticket, from: self });
    });
  }

  it('that starts again after a crash asks with the same ticket, and takes no second slot', async () => {
    const asked: string[] = [];
    const slots = bulkhead({ slots: 2 });
    const parent = setup({
      types: { context: {} as { heard: string[]; gate: AnyActorRef }, input: {} as { gate: AnyActorRef } },
      actors: { holder: holder(asked) },
    }).createMachine({
      context: ({ input }) => ({ heard: [], gate: input.gate }),
      invoke: { src: 'holder', input: ({ context }) => ({ gate: context.gate }) },
      on: {
        heard: {
          actions: assign({ heard: ({ context, event }) => [...context.heard, String(event['what'])] }),
        },
      },
    });
    let opened = await open({ slots, parent });
    const gate = await opened.system.actor('slots', 'main');
    await opened.system.start('parent', { id: '1', input: { gate } });
    await opened.settle();
    for (let crash = 0; crash < 3; crash++) {
      opened = await opened.crash();
      await opened.settle();
    }
    expect(asked).toHaveLength(4);
    expect(new Set(asked).size).toBe(1);
    expect(opened.system.get('slots/main')!.getSnapshot().context.held).toMatchObject([{ ticket: asked[0] }]);
    const { heard } = opened.system.get('parent/1')!.getSnapshot().context;
    expect(heard).toEqual(Array.from({ length: 4 }, () => 'permit.granted'));
  });
});

describe('somebody outside', () => {
  it('asks without a ref, and hears the answer as an emitted event', async () => {
    const opened = await open({ slots: bulkhead({ slots: 1 }) });
    const gate = await opened.system.actor('slots', 'main');
    const heard: unknown[] = [];
    for (const type of ['permit.granted', 'permit.refused'] as const)
      gate.on(type, (event) => heard.push(event));
    await gate.send({ type: 'permit.request', ticket: 'a' }, { id: 'ask a' });
    await gate.send({ type: 'permit.request', ticket: 'b' });
    await opened.settle();
    expect(heard).toEqual([
      { type: 'permit.granted', ticket: 'a', leaseMs: 60_000 },
      { type: 'permit.refused', ticket: 'b', reason: 'full', retryAfterMs: 1000 },
    ]);
  });

  it('cannot hurt a gate with nonsense', async () => {
    const opened = await open({
      slots: bulkhead({ slots: 1 }),
      payments: breaker({ failures: 1, withinMs: 1, coolDownMs: 1 }),
    });
    for (const name of ['slots', 'payments'] as const) {
      const gate = await opened.system.actor(name, 'main');
      for (const type of ['permit.request', 'permit.done', 'permit.cancel', 'permit.renew', 'permit.what'])
        await gate.send({ type, weight: 'heavy', outcome: 7, retryAfterMs: {} } as never);
      await gate.send({ type: 'permit.request', ticket: 'a' });
      expect(gate.getSnapshot().context.held).toMatchObject([{ ticket: 'a' }]);
    }
  });
});

describe.each(STORES)('whichever commit the process dies behind, %s', (_, make) => {
  /** A day in the shop. */
  async function day(dies: boolean) {
    const bank = new Bank();
    const dying = new DyingSystem({ store: make(), actors: shop(bank), maxTurnsPerCommit: 1, dies });
    await dying.open();
    for (const name of ['payments', 'limit', 'slots'] as const) await dying.start(name, 'main');
    for (const id of ORDERS) await dying.start('order', id, { id });
    const served: string[] = [];
    for (let round = 0; served.length < ORDERS.length && round < 50; round++) {
      const [id] = bank.open.keys();
      if (id !== undefined) {
        served.push(id);
        const { resolve, reject } = bank.open.get(id)!;
        if (id === '2') reject(Object.assign(new Error('429'), { retryAfterMs: 1500 }));
        else resolve();
      }
      await dying.settle();
      await dying.advance(200);
    }
    const { system } = dying;
    const outcomes = ORDERS.map((id) => system.get(`order/${id}`)!.getSnapshot().context.outcome);
    const grants: string[] = [];
    for (const gate of GATES) {
      for await (const { at, event } of system.history(gate)) {
        // Timers of several actors that are due at the same time may fire in another order after a crash.
        if (event.type.startsWith('permit.') && event.type !== 'permit.renew')
          grants.push(`${at} ${gate} ${event.type} ${event['ticket']}`);
      }
    }
    const states = GATES.map((gate) => {
      const { value, context } = system.get(gate)!.getSnapshot() as { value: unknown; context: object };
      return { value, context };
    });
    await expectSameStory(system, GATES);
    await dying.close();
    return { served, outcomes, grants, states, deaths: dying.deaths, begun: bank.begun };
  }

  it('the same calls are made in the same order, and the gates are the same in the end', async () => {
    const calm = await day(false);
    const hard = await day(true);
    expect(calm.served).toEqual(ORDERS);
    expect(calm.outcomes).toEqual(ORDERS.map((id) => (id === '2' ? '429' : `paid ${id}`)));
    expect(hard.served).toEqual(calm.served);
    expect(hard.outcomes).toEqual(calm.outcomes);
    expect(hard.grants).toEqual(calm.grants);
    expect(hard.states).toEqual(calm.states);
    expect(hard.deaths).toBeGreaterThan(100);
    expect([...calm.begun.values()]).toEqual(ORDERS.map(() => 1));
    expect(Math.max(...hard.begun.values())).toBeGreaterThan(1);
  });
});

describe('a deployment with other options', () => {
  /** What the deployments of three gates differ in. */
  const factories = {
    slots: (more: number) =>
      bulkhead({ slots: 1 + more, queue: 2 + more, leaseMs: 500 + more, waitMs: 60_000 }),
    limit: (more: number) =>
      rateLimiter({ limit: 1 + more, perMs: 1000 + more, queue: 2 + more, waitMs: 60_000 }),
    payments: (more: number) =>
      breaker({
        failures: 2 + more,
        withinMs: 5000,
        coolDownMs: 700 + more,
        leaseMs: 500 + more,
        capacity: 1 + more,
      }),
  };
  type Name = keyof typeof factories;
  const NAMES = Object.keys(factories) as Name[];

  const deployment = (more: number, form: <T extends object>(logic: T) => T = (logic) => logic) => ({
    slots: form(factories.slots(more)),
    limit: form(factories.limit(more)),
    payments: form(factories.payments(more)),
  });
  type Deployment = Opened<ReturnType<typeof deployment>>;

  /** Ends a system in peace or not, and opens another deployment on its store. */
  const ENDS = [
    ['a close', (opened: Deployment, next: ReturnType<typeof deployment>) => opened.reopenWith(next)],
    [
      'a crash',
      async (opened: Deployment, next: ReturnType<typeof deployment>) => {
        await opened.kill();
        return open(next, { store: opened.store }, opened.clock);
      },
    ],
  ] as const;

  const gateOf = ({ system }: Deployment, name: Name) => system.get(`${name}/main`)!;
  const optionsOf = (opened: Deployment, name: Name) => gateOf(opened, name).getSnapshot().context.options;
  const tell = async (opened: Deployment, name: Name, event: object): Promise<void> => {
    await gateOf(opened, name).send(event as never);
    await opened.settle();
  };
  const ask = (opened: Deployment, name: Name, ticket: string) =>
    tell(opened, name, { type: 'permit.request', ticket });
  const heldBy = (opened: Deployment, name: Name) =>
    gateOf(opened, name)
      .getSnapshot()
      .context.held.map(({ ticket }) => ticket);

  /** Asks and reports and lets timers fire, so that the options of a gate stand in its story. */
  async function traffic(opened: Deployment, name: Name, round: string): Promise<void> {
    for (const ticket of ['a', 'b', 'c', 'd', 'e', 'f']) await ask(opened, name, `${round}${ticket}`);
    await tell(opened, name, { type: 'permit.done', ticket: `${round}a`, outcome: 'failure' });
    await opened.advance(300);
    await tell(opened, name, { type: 'permit.renew', ticket: `${round}b` });
    await opened.advance(4000);
    for (const ticket of ['g', 'h']) await ask(opened, name, `${round}${ticket}`);
    for (const ticket of ['g', 'h'])
      await tell(opened, name, { type: 'permit.done', ticket: `${round}${ticket}`, outcome: 'failure' });
  }

  describe.each(ENDS)('after %s', (_, end) => {
    describe.each(FORMS)('of gates that come back %s', (_, form) => {
      it.each(NAMES)('changes nothing about %s that exist: they keep their options', async (name) => {
        let opened: Deployment = await open(deployment(0, form));
        await opened.system.actor(name, 'main');
        const first = optionsOf(opened, name);
        await traffic(opened, name, '1');
        for (const more of [5, 0, 2]) {
          const { value, context } = gateOf(opened, name).getSnapshot();
          opened = await end(opened, deployment(more, form));
          expect(gateOf(opened, name).getSnapshot()).toMatchObject({ value, context });
          await traffic(opened, name, `${more}`);
          expect(optionsOf(opened, name)).toEqual(first);
          await expectSameStory(opened.system, [`${name}/main`]);
        }
        // A new one has those of the deployment in which it is born.
        await opened.system.actor(name, 'other');
        expect(opened.system.get(`${name}/other`)!.getSnapshot().context.options).not.toEqual(first);
        expect(opened.troubles).toEqual([]);
      });

      it('takes its options when it sends them at every start', async () => {
        let opened: Deployment = await open(deployment(0, form));
        for (const more of [0, 0, 3, 3, 1]) {
          for (const name of NAMES) {
            const gate = await opened.system.actor(name, 'main');
            const options = { leaseMs: 500 + more };
            const own = {
              slots: { slots: 1 + more },
              limit: { limit: 1 + more },
              payments: { capacity: 1 + more },
            }[name];
            await gate.send({ type: 'permit.configure', options: { ...options, ...own } } as never);
            await opened.settle();
            expect(optionsOf(opened, name)).toMatchObject({ ...options, ...own });
            await opened.advance(10_000);
            for (let n = 0; n < 9; n++) await ask(opened, name, `${more} ${n} ${opened.clock.now()}`);
            expect(heldBy(opened, name)).toHaveLength(1 + more);
            await expectSameStory(opened.system, [`${name}/main`]);
          }
          opened = await end(opened, deployment(9 - more, form));
        }
        expect(opened.troubles).toEqual([]);
      });
    });

    it('lets those in who wait when it is configured, and they were waiting before', async () => {
      let opened: Deployment = await open(deployment(0));
      for (const name of ['slots', 'limit'] as const) {
        await opened.system.actor(name, 'main');
        for (const ticket of ['a', 'b', 'c']) await ask(opened, name, ticket);
      }
      opened = await end(opened, deployment(1));
      expect([heldBy(opened, 'slots'), heldBy(opened, 'limit')]).toEqual([['a'], ['a']]);
      await tell(opened, 'slots', { type: 'permit.configure', options: { slots: 2 } });
      await tell(opened, 'limit', { type: 'permit.configure', options: { limit: 2 } });
      expect([heldBy(opened, 'slots'), heldBy(opened, 'limit')]).toEqual([
        ['a', 'b'],
        ['a', 'b'],
      ]);
    });

    it('keeps the input of a birth, also when it does not go together with the factory any more', async () => {
      const actors = (burst: number) => ({ limit: rateLimiter({ limit: 9, perMs: 1000, burst }) });
      let opened = await open(actors(2));
      const gate = await opened.system.actor('limit', 'main', { input: { limit: 3 } });
      await gate.send({ type: 'permit.request', ticket: 'a', weight: 2 });
      const { context } = gate.getSnapshot();
      expect(context.options).toMatchObject({ limit: 3, perMs: 1000, burst: 2 });
      opened = (await end(opened as never, actors(5) as never)) as never;
      expect(opened.system.get('limit/main')!.getSnapshot().context).toEqual(context);
      await expectSameStory(opened.system, ['limit/main']);
      // A new one cannot be like that.
      const other = await opened.system.actor('limit', 'other', { input: { limit: 3 } });
      await opened.settle();
      expect(other.getSnapshot().value).toBe('misconfigured');
      opened = (await end(opened as never, actors(1) as never)) as never;
      expect(opened.system.get('limit/other')!.getSnapshot().value).toBe('misconfigured');
      await opened.system
        .get('limit/other')!
        .send({ type: 'permit.configure', options: { burst: undefined } } as never);
      expect(opened.system.get('limit/other')!.getSnapshot()).toMatchObject({
        value: 'flowing',
        context: { options: { limit: 3 } },
      });
      await expectSameStory(opened.system, ['limit/main', 'limit/other']);
    });
  });

  it('refuses an input that makes no sense by itself: nobody is born', async () => {
    const opened = await open(deployment(0));
    const born = opened.system.actor('slots', 'main', { input: { slots: 0 } });
    expect((await rejection(born)).message).toMatch('slots');
    expect(opened.system.get('slots/main')).toBeUndefined();
  });

  it('refuses to be configured with nonsense, and nothing is half applied', async () => {
    const opened = await open(deployment(0));
    for (const name of NAMES) {
      const gate = await opened.system.actor(name, 'main');
      const heard: unknown[] = [];
      gate.on('permit.misconfigured', (event) => heard.push(event));
      const before = optionsOf(opened, name);
      for (const options of [{ leaseMs: 5, nope: 1 }, { leaseMs: 5, [name]: {} }, undefined, 'all'])
        await gate.send({ type: 'permit.configure', options } as never);
      await opened.settle();
      expect(heard).toMatchObject(['nope', name, 'options', 'options'].map((option) => ({ option })));
      expect(optionsOf(opened, name)).toEqual(before);
    }
    expect(opened.troubles).toEqual([]);
    expect(await collect(opened.system.deadLetters())).toEqual([]);
  });

  it('reaches also a gate that is a child, and was asked in the step that gave it life', async () => {
    const actors = (slots: number) => ({
      parent: setup({
        types: { context: {} as { heard: string[] }, events: {} as PermitAnswer },
        actors: { gate: bulkhead({ slots }) },
      }).createMachine({
        context: { heard: [] },
        invoke: { src: 'gate', id: 'gate', input: undefined },
        entry: ['a', 'b'].map((ticket) =>
          sendTo('gate', ({ self }) => ({ type: 'permit.request', ticket, from: self })),
        ),
        on: {
          '*': {
            actions: assign({
              heard: ({ context, event }) => [...context.heard, `${event.type} ${event.ticket}`],
            }),
          },
        },
      }),
    });
    let opened = await open(actors(1));
    await opened.system.start('parent', { id: '1' });
    await opened.settle();
    opened = await opened.reopenWith(actors(2));
    const { context } = opened.system.get('parent/1')!.getSnapshot();
    expect(context.heard).toEqual(['permit.granted a', 'permit.refused b']);
    await expectSameStory(opened.system, ['parent/1', 'parent/1/gate']);
    const told = await collect(opened.system.history('parent/1/gate'));
    expect(told.map(({ event }) => event.type).slice(0, 4)).toEqual([
      ...['xstate.init', 'permit.request', 'permit.request', 'permit.begin'],
    ]);
  });

  describe.each(STORES)('at every start, behind whichever commit the process dies, %s', (_, make) => {
    it('an order of calls is the same, and gates are born with the options of one deployment', async () => {
      async function day(dies: boolean) {
        const bank = new Bank();
        let starts = 0;
        const dying = new DyingSystem({
          store: make(),
          get actors() {
            return { ...shop(bank), ...deployment(++starts) };
          },
          maxTurnsPerCommit: 1,
          dies,
        });
        await dying.open();
        for (const name of NAMES) {
          await dying.start(name, 'main');
          const records = await collect(dying.system.history(`${name}/main`));
          const { options } = dying.system.get(`${name}/main`)!.getSnapshot().context;
          // One deployment has given it all of them, and its record says which.
          expect(records[1]!.event).toMatchObject({ type: 'permit.begin', options });
          await dying.post(`${name}/main`, {
            type: 'permit.configure',
            options: {
              slots: { slots: 2, queue: 9, leaseMs: 500 },
              limit: { limit: 3, perMs: 1000, queue: 9 },
              payments: { failures: 2, coolDownMs: 700, capacity: 99, leaseMs: 500 },
            }[name],
          });
        }
        for (const id of ORDERS) await dying.start('order', id, { id });
        const served: string[] = [];
        for (let round = 0; served.length < ORDERS.length && round < 50; round++) {
          const [id] = bank.open.keys();
          if (id !== undefined) {
            served.push(id);
            bank.open.get(id)!.resolve();
          }
          await dying.settle();
          await dying.advance(200);
        }
        await expectSameStory(dying.system, GATES);
        await dying.close();
        return { served, starts };
      }
      const calm = await day(false);
      const hard = await day(true);
      expect(calm).toEqual({ served: ORDERS, starts: 1 });
      expect(hard.served).toEqual(ORDERS);
      expect(hard.starts).toBeGreaterThan(100);
    });
  });
});

it('the history of a gate tells who asked, and what came of it', async () => {
  const bank = new Bank();
  const opened = await openShop(bank);
  await order(opened, '1');
  bank.open.get('1')!.resolve();
  await opened.settle();
  const told = await collect(opened.system.history('payments/main', { from: 3 }));
  expect(told.map(({ event, cause }) => [event, cause])).toMatchObject([
    [
      { type: 'permit.request', ticket: 'order/1/charge#0' },
      { kind: 'actor', address: 'order/1/charge' },
    ],
    [{ type: 'permit.done', ticket: 'order/1/charge#0', outcome: 'success' }, { address: 'order/1/charge' }],
  ]);
});
