// The lies: "what a task costs is what was billed", "a bill that comes late is paid", "when there is no money, what was declared happens".
import { budget, extend, FaultError, human, microsOf, strategies, task, workflow } from 'heddle/actors';
import type { Agent } from 'heddle/actors';
import { supervisor } from 'heddle';
import type { StaffedDefinitions } from 'heddle';
import { account } from 'heddle/machines';
import { describe, expect, it } from 'vitest';
import type { Ledger } from '../../machines/budget/ledger.ts';
import { internals } from '../../runtime/system.ts';
import { endOf, everybodyMay, snapshotOf, staffed, started, taskOf, worker } from './staffed.ts';
import type { Asked, Staffed } from './staffed.ts';
import { doing, World } from './staffed-world.ts';
import { collect } from './systems.ts';

const ledgerOf = (opened: Staffed, address = 'flow/1/account'): Ledger =>
  snapshotOf<{ context: Ledger }>(opened, address).context;

const messagesTo = async ({ system }: Staffed, address: string): Promise<{ type: string }[]> =>
  (await collect(system.history(address))).map(({ event }) => event as { type: string });

/** A promise, and how it is kept. */
function promised(): { readonly promise: Promise<void>; readonly keep: () => void } {
  let keep = (): void => {};
  const promise = new Promise<void>((resolve) => (keep = resolve));
  return { promise, keep };
}

describe('the cost of a run', () => {
  it('is the bill of the provider, whoever has made it and however often it took', async () => {
    let billed = 0;
    const bill = (micros: number) => {
      billed += micros;
      return micros / 1e6;
    };
    let isFirst = true;
    const provider = worker(
      'provider',
      ({ input }) => {
        if (isFirst) {
          isFirst = false;
          const cost = microsOf(bill(1234));
          throw new FaultError({ class: 'server-error', message: 'it broke in the middle', cost });
        }
        return {
          output: {},
          metadata: { cost: bill(Number(input['n']) * 1000 + 1), costSource: 'provider' },
        };
      },
      { cost: 0.1 },
    );
    const flow = workflow({
      id: 'flow',
      budget: budget({ limit: 5 }),
      tasks: Object.fromEntries(
        [1, 2, 3, 4, 5].map((n) => [`n${n}`, task({ capability: 'work', input: () => ({ n }) })]),
      ),
    });
    const opened = await staffed({ flow, provider });
    await started(opened);
    for (let i = 0; i < 5; i++) await opened.advance(5000);
    expect(endOf(opened, 'flow/1').status).toBe('done');
    const { spent, reserved, overdraft } = ledgerOf(opened).window;
    expect({ spent, reserved, overdraft }).toEqual({ spent: billed, reserved: 0, overdraft: 0 });
    expect(billed).toBe(1234 + 15_005);
  });

  it('is told with whose word it is, and with the prices that it was counted with', async () => {
    const price = `sha256:${'a'.repeat(64)}`;
    const tokens = { input: 10, cachedInput: 0, cacheWrite: 0, output: 5, reasoning: 0 };
    const metadata = { cost: 0.004, costSource: `price:${price}`, tokens };
    const priced = worker('priced', () => ({ output: {}, metadata }), { capabilities: ['priced'] });
    const invented = worker(
      'invented',
      () => ({ output: {}, metadata: { costSource: 'price:of-my-own', tokens: { input: -1 } } }),
      { capabilities: ['invented'] },
    );
    const flow = workflow({
      id: 'flow',
      budget: budget({ limit: 1 }),
      tasks: { one: task({ capability: 'priced' }), two: task({ capability: 'invented', needs: ['one'] }) },
    });
    const opened = await staffed({ flow, priced, invented });
    await started(opened);
    await opened.settle();
    const settled = (await messagesTo(opened, 'flow/1/account')).filter(
      ({ type }) => type === 'budget.settle',
    );
    expect(settled).toMatchObject([
      { cost: 4000, source: 'local', price },
      { cost: 10_000, source: 'agent' },
    ]);
    expect(settled[1]).not.toHaveProperty('price');
    expect(taskOf(opened, 'flow/1/one').log[0]!.billing).toEqual({ source: 'local', price, tokens });
    expect(taskOf(opened, 'flow/1/two').log[0]!.billing).toBe(undefined);
  });
});

const FAILING = extend(strategies.standard, {
  name: 'failing',
  rows: { timeout: [{ do: 'fail' }], 'budget-exhausted': [{ do: 'fail' }] },
});

describe('an agent with an account of its own, in a run without a budget', () => {
  const strategy = FAILING;
  const settingOf = (asked: Asked[], details = {}) => ({
    flow: workflow({
      id: 'flow',
      tasks: {
        one: task({ agent: 'agent' }),
        two: task({ needs: ['one'], agent: 'agent', timeout: '1 minute' }),
        three: task({ needs: ['two'], agent: 'agent', onError: 'absent' }),
      },
      strategy,
    }),
    agent: worker('agent', () => ({}), { cost: 1, asked, budget: 'budget/agent', ...details }),
    budget: account(),
  });

  it('keeps to the limit of that', async () => {
    const asked: Asked[] = [];
    const opened = await staffed(settingOf(asked));
    await opened.system.start('budget', { id: 'agent', input: { limit: 2 } });
    await started(opened);
    await opened.settle();
    expect(endOf(opened, 'flow/1').status).toBe('done');
    expect(taskOf(opened, 'flow/1/three').fault).toMatchObject({
      class: 'budget-exhausted',
      message: 'budget/agent does not give the money: exhausted',
    });
    expect(ledgerOf(opened, 'budget/agent').window).toMatchObject({ spent: 2e6, reserved: 0 });
    expect(asked).toHaveLength(2);
  });

  it('is not asked where nobody lives at its address', async () => {
    const asked: Asked[] = [];
    const opened = await staffed(settingOf(asked));
    await started(opened);
    await opened.settle();
    expect(endOf(opened, 'flow/1').error.message).toBe('one: budget/agent does not give the money: absent');
    expect(asked).toEqual([]);
  });

  it.each([
    ['original', 0],
    ['original', 61_000],
    ['fork', 0],
    ['fork', 61_000],
  ])('pays for a run and for its fork from that: the %s is first, after %d ms', async (first, ms) => {
    const waiting = new Map<string, () => void>();
    const slow = worker('agent', ({ id }) => new Promise((keep) => waiting.set(id, () => keep({}))), {
      ...{ cost: 1, budget: 'budget/agent' },
    });
    const tasks = { one: task({ agent: 'agent', timeout: '1 minute' }) };
    const flow = workflow({ id: 'flow', tasks, strategy });
    const opened = await staffed({ flow, agent: slow, budget: account() });
    await opened.system.start('budget', { id: 'agent', input: { limit: 3 } });
    await started(opened);
    await opened.settle();
    const [newest] = await collect(opened.system.history('flow/1/one', { reverse: true }));
    const at = { address: 'flow/1/one', seq: newest!.seq };
    await opened.system.fork('flow/1', { at, as: 'flow/fork', effects: 'rerun' });
    await opened.settle();
    await opened.advance(ms);
    const [one, other] = first === 'fork' ? ['flow/fork/one', 'flow/1/one'] : ['flow/1/one', 'flow/fork/one'];
    waiting.get(one)!();
    await opened.settle();
    expect(ledgerOf(opened, 'budget/agent').window).toMatchObject({
      spent: 1e6,
      reserved: first === 'fork' ? 1e6 : 0,
    });
    waiting.get(other)!();
    await opened.settle();
    expect(ledgerOf(opened, 'budget/agent').window).toMatchObject({ spent: 2e6, reserved: 0 });
  });

  it('pays for a fork to which the money was on its way when it was made, however late the bills come', async () => {
    const waiting = new Map<string, () => void>();
    const slow = worker('agent', ({ id }) => new Promise((keep) => waiting.set(id, () => keep({}))), {
      ...{ cost: 1, budget: 'budget/agent' },
    });
    const tasks = {
      one: task({ agent: 'agent', timeout: '1 minute' }),
      two: task({ agent: 'agent', timeout: '1 minute' }),
    };
    const opened = await staffed({
      ...{ flow: workflow({ id: 'flow', tasks, strategy }), agent: slow, budget: account() },
    });
    const { system } = opened;
    await system.start('budget', { id: 'agent', input: { limit: 9 } });
    await system.pause({ address: 'budget/agent' });
    await started(opened);
    await opened.settle();
    await system.pause({ address: 'flow/1' });
    await system.resume({ address: 'budget/agent' });
    await opened.settle();
    await system.resume({ address: 'flow/1' });
    await opened.settle();
    const [newest] = await collect(system.history('flow/1/one', { reverse: true }));
    await system.fork('flow/1', {
      ...{ at: { address: 'flow/1/one', seq: newest!.seq }, as: 'flow/fork', effects: 'rerun' },
    });
    await opened.settle();
    await opened.advance(61_000);
    waiting.get('flow/fork/one')!();
    waiting.get('flow/fork/two')!();
    await opened.settle();
    expect(ledgerOf(opened, 'budget/agent').window).toMatchObject({ spent: 2e6, reserved: 2e6 });
    waiting.get('flow/1/one')!();
    waiting.get('flow/1/two')!();
    await opened.settle();
    expect(ledgerOf(opened, 'budget/agent').window).toMatchObject({ spent: 4e6, reserved: 0 });
  });

  it('pays its late bills from that', async () => {
    const { promise, keep } = promised();
    const slow = worker('agent', ({ id }) => (id.endsWith('two') ? promise.then(() => ({})) : {}), {
      ...{ cost: 1, budget: 'budget/agent' },
    });
    const opened = await staffed({ ...settingOf([]), agent: slow });
    await opened.system.start('budget', { id: 'agent', input: { limit: 2 } });
    await started(opened);
    await opened.advance(61_000);
    expect(ledgerOf(opened, 'budget/agent').window).toMatchObject({ spent: 1e6, reserved: 1e6, held: 1e6 });
    keep();
    await opened.settle();
    expect(ledgerOf(opened, 'budget/agent').window).toMatchObject({ spent: 2e6, reserved: 0, held: 0 });
  });
});

describe('tenants with an account each', () => {
  it('pay for their own runs, each up to its limit', async () => {
    const flow = workflow({
      id: 'flow',
      budget: budget({ limit: 5, within: ({ tenant }) => [`budget/${tenant}`, 'budget/house'] }),
      tasks: { one: task({ capability: 'work', input: () => ({}) }) },
    });
    const asked: Asked[] = [];
    const agent = worker('agent', () => ({}), { cost: 1, asked });
    const opened = await staffed({ flow, agent, budget: account() });
    const limits = { acme: 2, bolt: 1, house: 100 };
    for (const [id, limit] of Object.entries(limits))
      await opened.system.start('budget', { id, input: { limit } });
    const ends: string[] = [];
    for (const [n, tenant] of ['acme', 'bolt', 'bolt', 'acme', 'acme', 'nobody'].entries()) {
      await opened.system.start('flow', { id: String(n), input: { tenant } });
      await opened.settle();
      const { status, error } = endOf(opened, `flow/${n}`);
      ends.push(status === 'done' ? tenant : error.message!);
    }
    const refused = (name: string, why: string) => `one: budget/${name} does not give the money: ${why}`;
    expect(ends).toEqual([
      ...['acme', 'bolt', refused('bolt', 'exhausted'), 'acme'],
      ...[refused('acme', 'exhausted'), refused('nobody', 'absent')],
    ]);
    const spent = Object.keys(limits).map((id) => ledgerOf(opened, `budget/${id}`).window.spent / 1e6);
    expect([asked.length, spent]).toEqual([3, [2, 1, 3]]);
  });

  it('are known before a run begins, or it does not', async () => {
    const flow = workflow({
      id: 'flow',
      budget: budget({ limit: 5, within: ({ tenant }) => [`budget/${tenant.id}`] }),
      tasks: { one: task({ capability: 'work' }) },
    });
    const opened = await staffed({ flow, agent: worker('agent', () => ({})) });
    await expect(opened.system.start('flow', { id: '1', input: {} })).rejects.toMatchObject({
      _tag: 'InvalidArgument',
      path: 'budget.within',
      message: expect.stringContaining('throws for this input: TypeError') as string,
    });
    expect(opened.system.get('flow/1')).toBeUndefined();
  });
});

describe('a bill that comes late', () => {
  /** An agent that answers its first question when it is let go, whatever it is told meanwhile. */
  const slow = () => {
    const { promise, keep } = promised();
    let isFirst = true;
    const agent = worker('slow', () => {
      if (!isFirst) return {};
      isFirst = false;
      return promise.then(() => ({}));
    });
    return { agent, keep };
  };

  it('is held for meanwhile, and the task goes on', async () => {
    const { agent } = slow();
    const flow = workflow({
      id: 'flow',
      budget: budget({ limit: 1 }),
      tasks: { one: task({ capability: 'work', timeout: '1 second' }) },
    });
    const opened = await staffed({ flow, slow: agent });
    await started(opened);
    await opened.advance(1000);
    expect(ledgerOf(opened).window).toMatchObject({ spent: 0, reserved: 10_000, held: 10_000 });
    await opened.advance(10_000);
    expect(endOf(opened, 'flow/1').status).toBe('done');
  });

  it('is told to the account of the run while that is there', async () => {
    const { agent, keep } = slow();
    const idler = worker('idler', () => new Promise(() => {}), { capabilities: ['never'], cost: 0 });
    const flow = workflow({
      id: 'flow',
      budget: budget({ limit: 1 }),
      tasks: {
        one: task({ capability: 'work', timeout: '1 second' }),
        // So the run is still there.
        two: task({ capability: 'never' }),
      },
    });
    const opened = await staffed({ flow, slow: agent, idler });
    await started(opened);
    await opened.advance(10_000);
    expect(ledgerOf(opened).window).toMatchObject({ spent: 10_000, reserved: 10_000, held: 10_000 });
    keep();
    await opened.settle();
    expect(ledgerOf(opened).window).toMatchObject({ spent: 20_000, reserved: 0, held: 0 });
    expect((await messagesTo(opened, 'flow/1/account')).at(-1)).toMatchObject({
      type: 'budget.correct',
      cost: 10_000,
    });
  });

  it('is told to the account of the fork, also where the money was on its way when that was made', async () => {
    const waiting = new Map<string, () => void>();
    const agent = worker('agent', ({ id }) => new Promise((keep) => waiting.set(id, () => keep({}))), {
      cost: 1,
    });
    const late = task({ agent: 'agent', timeout: '1 second', onError: 'absent' });
    // So the run is still there.
    const tasks = { one: late, two: late, three: task({ agent: 'agent' }) };
    const flow = workflow({ id: 'flow', budget: budget({ limit: 9 }), tasks, strategy: FAILING });
    const opened = await staffed({ flow, agent });
    await started(opened);
    await opened.settle();
    const reserves = await collect(opened.system.history('flow/1/account'));
    const { seq } = reserves.find(({ event }) => event.type === 'budget.reserve')!;
    const at = { address: 'flow/1/account', seq };
    await opened.system.fork('flow/1', { at, as: 'flow/fork', effects: 'rerun' });
    await opened.settle();
    await opened.advance(10_000);
    waiting.get('flow/fork/one')!();
    await opened.settle();
    expect(ledgerOf(opened, 'flow/1/account').window).toMatchObject({ spent: 0, reserved: 3e6 });
    expect(ledgerOf(opened, 'flow/fork/account').window.spent).toBe(1e6);
  });

  it('is told to the account above when that of the run is gone', async () => {
    const { agent, keep } = slow();
    const flow = workflow({
      id: 'flow',
      budget: budget({ limit: 1, within: ['tenant/acme'] }),
      tasks: { one: task({ capability: 'work', timeout: '1 second' }) },
    });
    const opened = await staffed({ flow, slow: agent, tenant: account({ limit: 10 }) });
    await opened.system.start('tenant', { id: 'acme' });
    await started(opened);
    await opened.advance(10_000);
    expect(endOf(opened, 'flow/1').status).toBe('done');
    expect(ledgerOf(opened, 'tenant/acme').window).toMatchObject({ spent: 10_000, held: 10_000 });
    keep();
    await opened.settle();
    expect(ledgerOf(opened, 'tenant/acme').window).toMatchObject({ spent: 20_000, reserved: 0, held: 0 });
  });

  it.each(['flow/1', 'flow/1/one/ask'])(
    'does not end what is reserved for the call while it will be made once more: %s was paused',
    async (address) => {
      const calls: (() => void)[] = [];
      const costs = [0.1, 0.5];
      const agent = worker(
        'agent',
        () => {
          const metadata = { cost: costs[calls.length]! };
          return new Promise((keep) => calls.push(() => keep({ output: {}, metadata })));
        },
        { cost: 0.6 },
      );
      const flow = workflow({
        id: 'flow',
        budget: budget({ limit: 1 }),
        tasks: { one: task({ agent: 'agent' }) },
      });
      const opened = await staffed({ flow, agent });
      await started(opened);
      await opened.system.pause({ address });
      calls[0]!();
      await opened.settle();
      await opened.system.resume({ address });
      await opened.settle();
      expect(calls.length).toBe(2);
      expect(ledgerOf(opened).window).toMatchObject({ spent: 0, reserved: 600_000 });
      calls[1]!();
      await opened.settle();
      expect(endOf(opened, 'flow/1').status).toBe('done');
      expect(ledgerOf(opened).window).toMatchObject({ spent: 500_000, reserved: 0, held: 0 });
    },
  );

  it('is told to the account above when the run lives again, with books of its own', async () => {
    const { agent, keep } = slow();
    const idler = worker('idler', () => new Promise(() => {}), { capabilities: ['never'], cost: 0 });
    const flow = workflow({
      id: 'flow',
      budget: budget({ limit: 1, within: ['tenant/acme'] }),
      tasks: {
        one: task({ capability: 'work', timeout: '1 second' }),
        // So the second life is still there.
        two: task({ capability: 'never', when: (_, { input }) => (input as { goesOn: boolean }).goesOn }),
      },
    });
    const opened = await staffed(
      { flow, slow: agent, idler, tenant: account({ limit: 10 }) },
      { supervise: supervisor({ id: 'desk', children: [] }) },
    );
    await opened.system.start('tenant', { id: 'acme' });
    const desk = opened.system.supervisor('desk');
    const child = { start: 'flow', id: '1', restart: 'temporary' } as const;
    await desk.startChild({ ...child, input: { goesOn: false } });
    await opened.advance(10_000);
    expect(endOf(opened, 'flow/1').status).toBe('done');
    await desk.startChild({ ...child, input: { goesOn: true } });
    await opened.settle();
    expect(ledgerOf(opened).window).toMatchObject({ spent: 10_000, reserved: 0 });
    expect(ledgerOf(opened, 'tenant/acme').window).toMatchObject({ spent: 20_000, held: 10_000 });
    keep();
    await opened.settle();
    expect(ledgerOf(opened).window.spent).toBe(10_000);
    expect(ledgerOf(opened, 'tenant/acme').window).toMatchObject({ spent: 30_000, reserved: 0, held: 0 });
  });

  it('of a run that was cancelled is paid as well', async () => {
    const { agent, keep } = slow();
    const flow = workflow({
      id: 'flow',
      budget: budget({ limit: 1, within: ['tenant/acme'] }),
      tasks: { one: task({ capability: 'work' }) },
    });
    const opened = await staffed({ flow, slow: agent, tenant: account({ limit: 10 }) });
    await opened.system.start('tenant', { id: 'acme' });
    await started(opened);
    await opened.system.get('flow/1')!.send({ type: 'run.abort', by: 'ada', reason: 'not wanted' });
    await opened.settle();
    expect(ledgerOf(opened, 'tenant/acme').window).toMatchObject({ spent: 0, held: 10_000 });
    keep();
    await opened.settle();
    expect(ledgerOf(opened, 'tenant/acme').window).toMatchObject({ spent: 10_000, held: 0, reserved: 0 });
  });
});

describe('a bill whose answer was on its way when it was not wanted any more', () => {
  const given = { input: () => ({}) };
  const flow = workflow({
    id: 'flow',
    budget: budget({ limit: 5, within: ['budget/co'] }),
    tasks: { a: task({ agent: 'w', ...given }), b: task({ agent: 'never', ...given }) },
  });

  it.each(['answers', 'fails'])('is paid, whichever moment that is: it %s', async (how) => {
    for (let moment = 0; moment < 40; moment++) {
      let go = (): void => {};
      const answer = () => {
        if (how === 'fails') throw new FaultError({ class: 'crash', message: 'no', cost: microsOf(1) });
        return {};
      };
      const w = doing('w', () => new Promise<void>((resolve) => (go = resolve)).then(answer), { cost: 1 });
      const never = doing('never', () => new Promise<never>(() => {}), { cost: 0 });
      const actors = { flow, w, never, budget: account() } as never;
      const world = await World.open({ actors, decider: everybodyMay });
      await world.start('budget', 'co', { limit: 100 });
      await world.start('flow', '1');
      go();
      for (let i = 0; i < moment; i++) await Promise.resolve();
      await world.tell('flow/1', { type: 'run.abort', by: 'ada', reason: 'enough' });
      const { spent, reserved } = (world.snapshot('budget/co').context as Ledger).window;
      expect([moment, spent, reserved]).toEqual([moment, microsOf(1), 0]);
      await world.close();
    }
  });
});

describe('without money', () => {
  /** A run that has so much left for a task that costs 1, or 0.1. */
  const setting = (onExhausted: 'refuse' | 'cheaper' | 'review', left: number) => {
    const asked: Asked[] = [];
    const flow = workflow({
      id: 'flow',
      budget: budget({ limit: 2, onExhausted }),
      tasks: {
        before: task({ agent: 'spender' }),
        one: task({ needs: ['before'], agent: ['dear', 'cheap'], reviewers: 'treasurer' }),
      },
    });
    const spender = worker('spender', () => ({}), { cost: Math.round((2 - left) * 100) / 100 });
    const dear = worker('dear', () => ({ by: 'dear' }), { cost: 1, asked });
    const cheap = worker('cheap', () => ({ by: 'cheap' }), { cost: 0.1, asked });
    return { asked, actors: { flow, spender, dear, cheap } };
  };

  it('refuse: the run fails, and nobody was asked', async () => {
    const { asked, actors } = setting('refuse', 0.5);
    const opened = await staffed(actors);
    await started(opened);
    await opened.settle();
    expect(endOf(opened, 'flow/1')).toMatchObject({ status: 'error', error: { class: 'budget-exhausted' } });
    expect(asked).toEqual([]);
  });

  it('cheaper: it goes to an agent for whom there is enough', async () => {
    const { asked, actors } = setting('cheaper', 0.5);
    const opened = await staffed(actors);
    await started(opened);
    await opened.settle();
    expect(endOf(opened, 'flow/1')).toMatchObject({ status: 'done', output: { by: 'cheap' } });
    expect(asked.map(({ agent }) => agent)).toEqual(['cheap']);
  });

  it('cheaper: it goes to anybody else where the account of the agent itself has none', async () => {
    const flow = workflow({
      id: 'flow',
      budget: budget({ limit: 5, onExhausted: 'cheaper' }),
      tasks: { one: task({ agent: ['poor', 'rich'] }) },
    });
    const asked: Asked[] = [];
    const hired = (name: string) =>
      worker(name, () => ({ by: name }), { cost: 1, asked, budget: `budget/${name}` });
    const opened = await staffed({ flow, poor: hired('poor'), rich: hired('rich'), budget: account() });
    for (const [id, limit] of [['poor', 0.5] as const, ['rich', 50] as const])
      await opened.system.start('budget', { id, input: { limit } });
    await started(opened);
    await opened.settle();
    expect(endOf(opened, 'flow/1')).toMatchObject({ status: 'done', output: { by: 'rich' } });
    expect(asked.map(({ agent }) => agent)).toEqual(['rich']);
    expect(taskOf(opened, 'flow/1/one').passedOver).toEqual([
      { agent: 'poor', why: 'has been chosen already' },
    ]);
  });

  it('cheaper: where nobody is cheap enough that is known, and it fails', async () => {
    const { asked, actors } = setting('cheaper', 0.05);
    const opened = await staffed(actors);
    await started(opened);
    await opened.settle();
    expect(endOf(opened, 'flow/1')).toMatchObject({ status: 'error', error: { class: 'budget-exhausted' } });
    const { move, tried } = taskOf(opened, 'flow/1/one');
    expect(move).toMatchObject({
      do: 'fail',
      because: { skipped: [{ do: 'other-agent', why: 'no-money' }] },
    });
    expect([tried, asked]).toEqual([[], []]);
  });

  it('review: a person gives more, and it is done', async () => {
    const { asked, actors } = setting('review', 0.5);
    const opened = await staffed(actors, { decider: everybodyMay });
    await started(opened);
    await opened.settle();
    const { value } = snapshotOf<{ value: unknown }>(opened, 'flow/1/one');
    expect([value, asked]).toEqual(['reviewing', []]);
    const more = { type: 'budget.topUp', amount: microsOf(1), by: 'ada', reason: 'it is worth it' };
    await opened.system.get('flow/1/account')!.send(more);
    await opened.system.reviews.decide('flow/1/one/review', {
      by: 'ada',
      verdict: 'approve',
      reason: 'go on',
    });
    await opened.settle();
    expect(endOf(opened, 'flow/1')).toMatchObject({ status: 'done', output: { by: 'dear' } });
  });

  /** A task that fails and costs 1 each time, and what was asked; with a budget that gives it so much. */
  const failing = (options: object) => {
    const asked: Asked[] = [];
    const flow = workflow({
      id: 'flow',
      budget: budget({ limit: 10, ...options }),
      tasks: {
        one: task({
          agent: ['dear', 'cheap'],
          retry: { times: 5, first: '1 second' },
          reviewers: 'treasurer',
          input: () => ({}),
        }),
      },
    });
    const broken = (): never => {
      throw new FaultError({ class: 'crash', message: 'it broke', cost: microsOf(1) });
    };
    const dear = worker('dear', broken, { cost: 1, asked });
    const cheap = worker('cheap', () => ({ by: 'cheap' }), { cost: 0.5, asked });
    return { asked, actors: { flow, dear, cheap } };
  };

  it.each([
    [1, 'refuse', ['dear'], 'error'],
    [2.9, 'refuse', ['dear', 'dear'], 'error'],
    [3, 'refuse', ['dear', 'dear', 'dear'], 'error'],
    [2.5, 'cheaper', ['dear', 'dear', 'cheap'], 'done'],
    [2.4, 'cheaper', ['dear', 'dear'], 'error'],
  ] as const)('a task may cost %d, all attempts together (%s)', async (perTask, onExhausted, who, end) => {
    const { asked, actors } = failing({ perTask, onExhausted });
    const opened = await staffed(actors);
    await started(opened);
    await opened.advance(400_000);
    expect([asked.map(({ agent }) => agent), endOf(opened, 'flow/1').status]).toEqual([who, end]);
    if (end === 'error') expect(endOf(opened, 'flow/1').error.class).toBe('budget-exhausted');
    expect(ledgerOf(opened).window.spent).toBeLessThanOrEqual(microsOf(perTask));
  });

  it('a task may cost no more when the process dies in between', async () => {
    const { asked, actors } = failing({ perTask: 2 });
    let opened = await staffed(actors);
    await started(opened);
    opened = (await opened.crash()) as never;
    await opened.advance(400_000);
    expect(asked.map(({ agent }) => agent)).toEqual(['dear', 'dear']);
    expect(endOf(opened, 'flow/1').error.class).toBe('budget-exhausted');
  });

  it('a task that nobody has said more of may cost what the run has, and what is given to that', async () => {
    const { asked, actors } = failing({ limit: 2, onExhausted: 'review' });
    const opened = await staffed(actors, { decider: everybodyMay });
    await started(opened);
    await opened.advance(10_000);
    expect([asked.length, snapshotOf<{ value: unknown }>(opened, 'flow/1/one').value]).toEqual([
      2,
      'reviewing',
    ]);
    const more = { type: 'budget.topUp', amount: microsOf(1), by: 'ada', reason: 'it is worth it' };
    await opened.system.get('flow/1/account')!.send(more);
    const approval = { by: 'ada', verdict: 'approve', reason: 'go on' } as const;
    await opened.system.reviews.decide('flow/1/one/review', approval);
    await opened.settle();
    expect([asked.length, ledgerOf(opened).window.spent]).toEqual([3, microsOf(3)]);
  });

  it('a call is refused when its estimate exceeds what the task may cost', async () => {
    const asked: Asked[] = [];
    const flow = workflow({
      id: 'flow',
      tasks: { one: task({ agent: ['dear', 'cheap'], maxCost: 0.5 }) },
    });
    const dear = worker('dear', () => ({}), { cost: 1, asked });
    const cheap = worker('cheap', () => ({}), { cost: 0.1, asked });
    const opened = await staffed({ flow, dear, cheap });
    await started(opened);
    await opened.settle();
    expect(asked).toMatchObject([{ agent: 'cheap', maxCost: 0.5 }]);
    expect(taskOf(opened, 'flow/1/one').passedOver).toMatchObject([
      { agent: 'dear', why: expect.stringContaining('more than the task may') },
    ]);
  });
});

describe('a call that was out when the process died', () => {
  const flow = workflow({ id: 'flow', budget: budget({ limit: 1 }), tasks: { a: task({ agent: 'w' }) } });
  const ANY = { type: 'object' } as const;
  const person = human({ name: 'w', capabilities: ['w'], role: 'boss', inputSchema: ANY, outputSchema: ANY });
  const strict = { inputSchema: { type: 'object', required: ['n'] } } as object;

  const ways: readonly (readonly [string, (silent: Agent) => StaffedDefinitions, boolean])[] = [
    ['it is halted by now', (silent) => ({ w: silent }), true],
    ['a person has taken its place', () => ({ w: person }), false],
    ['its contract is another', () => ({ w: doing('w', () => ({}), strict) }), false],
    [
      'its window is smaller',
      () => ({ w: doing('w', () => ({}), { window: 1, countTokens: () => 2 }) }),
      false,
    ],
  ];

  it.each(ways)('keeps its money held when it is not made again: %s', async (_, then, isHalted) => {
    let calls = 0;
    const silent = doing('w', () => (calls++, new Promise<never>(() => {})));
    const world = await World.open({ actors: { flow, w: silent } });
    await world.start('flow', '1');
    await world.until(() => calls === 1);
    internals.get(world.system)!.die();
    await world.store.close();
    await world.reopen({ actors: { flow, ...then(silent) } });
    if (isHalted) await world.system.halts.halt({ agent: 'w' }, { reason: 'test' });
    await world.settle();
    const { log } = world.snapshot('flow/1/a').context;
    expect([calls, 'to' in log[0], 'cost' in log[0]]).toEqual([1, true, false]);
    expect(world.snapshot('flow/1/account').context.window).toMatchObject({ spent: 0, held: 10_000 });
  });

  it('costs nothing where it is not made for the first time either', async () => {
    const opened = await staffed({ flow, w: doing('w', () => ({}), strict) });
    await started(opened);
    expect(taskOf(opened, 'flow/1/a')).toMatchObject({
      attempts: 0,
      fault: { class: 'invalid-input', cost: 0 },
    });
    expect(ledgerOf(opened).window).toMatchObject({ spent: 0, reserved: 0 });
  });
});

describe('money that was given back because nobody had said in time that it is there', () => {
  /** The account above is stopped for so long. */
  async function played(options: object) {
    const flow = workflow({
      id: 'flow',
      budget: budget({ limit: 5, within: ['budget/co'], onExhausted: 'review' }),
      strategy: extend(strategies.standard, { name: 'parking', rows: { timeout: [{ do: 'park' }] } }),
      tasks: { a: task({ capability: 'w', input: () => ({}), ...options }) },
    });
    const actors = { flow, budget: account(), w: doing('w', () => ({}), { cost: 1 }) };
    const world = await World.open({ actors: actors as never, decider: everybodyMay });
    await world.start('budget', 'co', { limit: 100 });
    await world.system.pause({ address: 'budget/co' });
    await world.start('flow', '1');
    return world;
  }

  const spentIn = (world: World) =>
    ['flow/1/account', 'budget/co'].map((address) => {
      const { spent, reserved } = (world.snapshot(address).context as Ledger).window;
      return [spent, reserved].map((micros) => micros / 1e6);
    });

  it.each([
    ['it has waited long enough', {}, 90_000],
    ['its deadline is over', { deadline: '30 seconds' }, 40_000],
  ])('is there for it when somebody lets it go on: %s', async (_, options, ms) => {
    const world = await played(options);
    await world.advance(ms);
    await world.system.resume({ address: 'budget/co' });
    await world.settle();
    expect(world.snapshot('flow/1/a').value).toBe('parked');
    expect(spentIn(world)).toEqual([
      [0, 0],
      [0, 0],
    ]);
    await world.crash();
    await world.tell('flow/1', { type: 'task.resume', task: 'a', by: 'ada' });
    expect(world.snapshot('flow/1').status).toBe('done');
    expect(spentIn(world)).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });
});

describe('the money of an attempt that was given up before anybody was asked', () => {
  /** Two tasks for an agent who does one at a time, and answers when he is let go. */
  async function inLine(more: { timeout?: '1 second' } = {}) {
    const asked: string[] = [];
    const going: (() => void)[] = [];
    const w = doing(
      'w',
      ({ context }) => {
        asked.push(context.task);
        return new Promise((resolve) => going.push(() => resolve({})));
      },
      { cost: 1, concurrency: 1 },
    );
    const given = { capability: 'w', input: () => ({}) };
    const flow = workflow({
      id: 'flow',
      budget: budget({ limit: 5, within: ['budget/co'] }),
      strategy: extend(strategies.standard, { name: 'once', rows: { timeout: [{ do: 'fail' }] } }),
      tasks: { first: task(given), second: task({ ...given, ...more, onError: 'skip' }) },
    });
    const world = await World.open({
      actors: { flow, w, budget: account() } as never,
      decider: everybodyMay,
    });
    await world.start('budget', 'co', { limit: 100 });
    await world.start('flow', '1');
    expect(asked).toEqual(['first']);
    const go = async () => {
      for (const let1 of going.splice(0)) let1();
      await world.settle();
    };
    return { world, asked, go };
  }

  const company = (world: World) => {
    const { spent, reserved, held } = (world.snapshot('budget/co').context as Ledger).window;
    return [spent, reserved, held].map((micros) => micros / 1e6);
  };

  it('is free again when its time is over while it waits in line', async () => {
    const { world, asked, go } = await inLine({ timeout: '1 second' });
    expect(company(world)).toEqual([0, 2, 0]);
    await world.advance(1000);
    expect(company(world)).toEqual([0, 1, 0]);
    await go();
    expect([asked, world.snapshot('flow/1').status, company(world)]).toEqual([['first'], 'done', [1, 0, 0]]);
  });

  it.each(['aborted', 'stopped'])('is free again when the run is %s', async (how) => {
    const { world, asked, go } = await inLine();
    if (how === 'stopped') await world.system.stop('flow/1');
    else await world.tell('flow/1', { type: 'run.abort', by: 'ada', reason: 'enough' });
    await world.settle();
    expect(company(world)[1]).toBe(1);
    await go();
    expect([asked, company(world)]).toEqual([['first'], [1, 0, 0]]);
  });

  it.each(['closed', 'killed'])(
    'is kept for it when the system is %s, and it is asked later',
    async (how) => {
      const { world, asked, go } = await inLine();
      if (how === 'closed') {
        await world.close();
        await world.reopen();
        await world.settle();
      } else await world.crash();
      expect(company(world)).toEqual([0, 2, 0]);
      for (let i = 0; i < 3; i++) await go();
      expect([new Set(asked), world.snapshot('flow/1').status]).toEqual([
        new Set(['first', 'second']),
        'done',
      ]);
      expect(company(world)).toEqual([2, 0, 0]);
    },
  );
});
