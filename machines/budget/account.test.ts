// The lie: "nothing is spent that is not there, whoever asks for it in whatever order; nothing that was spent is forgotten; and no
// message, however senseless, breaks an account or changes it". Accounts under plain XState, in time that stands still.
import { describe, expect, it, vi } from 'vitest';
import { createActor, createMachine, fromTransition, spawnChild } from 'xstate';
import type { AnyActorRef, AnyEventObject } from 'xstate';
import { account } from './account.ts';
import type { AccountContext, AccountOptions } from './account.ts';
import { newLedger, reasonToRefuse, WINDOWS_KEPT } from './ledger.ts';
import { microsOf } from '../values/money.ts';
import type { Micros } from '../values/money.ts';
import { standingTime } from '../permits/permit.testsuite.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

standingTime();

const u = (amount: number): Micros => microsOf(amount);

/** Accounts that know each other by their names, and somebody who asks them. */
class Bank {
  readonly #root: AnyActorRef;
  /** What was answered, and emitted. */
  readonly said: AnyEventObject[] = [];
  readonly #asker: AnyActorRef;
  #heard = 0;

  constructor(accounts: Readonly<Record<string, AccountOptions>>) {
    const entry = Object.entries(accounts).map(([name, options]) =>
      spawnChild(account(options), { id: name, systemId: name }),
    );
    const root = createActor(createMachine({ entry }));
    root.start();
    this.#root = root;
    for (const name of Object.keys(accounts)) this.at(name).on('*', (event) => this.said.push(event));
    this.#asker = createActor(fromTransition((_, event) => void this.said.push(event), undefined)).start();
  }

  at(name: string): AnyActorRef {
    return this.#root.system.get(name) as AnyActorRef;
  }

  /** Sends something, and gives what is said to it. */
  tell(name: string, event: AnyEventObject): AnyEventObject[] {
    this.at(name).send({ from: this.#asker, ...event });
    return this.news();
  }

  news(): AnyEventObject[] {
    const news = this.said.slice(this.#heard);
    this.#heard = this.said.length;
    return news;
  }

  /** `granted`, or why not. */
  reserve(name: string, ticket: string, amount: number, more: object = {}): string {
    const said = this.tell(name, { type: 'budget.reserve', ticket, amount: u(amount), ...more });
    const [{ type, ticket: answered, reason, account: which, remaining }] = said as [AnyEventObject];
    if (said.length !== 1 || answered !== ticket) throw new Error(`no answer, but ${JSON.stringify(said)}`);
    if (type === 'budget.reserved') return 'granted';
    return `${reason} at ${this.#nameOf(which)}, ${remaining / 1e6} left`;
  }

  #nameOf(sessionId: string): string {
    const all = Object.entries(this.#root.system.getAll() as Record<string, AnyActorRef>);
    return all.find(([, actor]) => actor.sessionId === sessionId)?.[0] ?? sessionId;
  }

  settle(name: string, ticket: string, cost: number): AnyEventObject[] {
    return this.tell(name, { type: 'budget.settle', ticket, cost: u(cost), source: 'provider' });
  }

  correct(name: string, ticket: string, cost: number): AnyEventObject[] {
    return this.tell(name, { type: 'budget.correct', ticket, cost: u(cost), source: 'provider' });
  }

  context(name: string): AccountContext {
    return this.at(name).getSnapshot().context;
  }

  state(name: string): string {
    return JSON.stringify(this.at(name).getSnapshot().value).replaceAll('"', '');
  }

  /** spent, reserved, held, overdraft, remaining */
  stands(name: string, window?: string): number[] {
    const [balance] = this.tell(name, { type: 'budget.read', window }) as [AnyEventObject];
    const { spent, reserved, held, overdraft, remaining, limit } = balance;
    if (spent + reserved + remaining !== limit) throw new Error(`no balance: ${JSON.stringify(balance)}`);
    return [spent, reserved, held, overdraft, remaining].map((micros) => micros / 1e6);
  }
}

describe('an account', () => {
  it('grants what is there, keeps what was spent, and frees the rest', () => {
    const bank = new Bank({ acme: { limit: 1 } });
    expect(bank.reserve('acme', 'a', 0.6)).toBe('granted');
    expect(bank.reserve('acme', 'b', 0.5)).toBe('exhausted at acme, 0.4 left');
    expect(bank.stands('acme')).toEqual([0, 0.6, 0, 0, 0.4]);
    expect(bank.settle('acme', 'a', 0.1)).toEqual([]);
    expect(bank.stands('acme')).toEqual([0.1, 0, 0, 0, 0.9]);
    expect(bank.reserve('acme', 'b', 0.9)).toBe('granted');
    expect(bank.tell('acme', { type: 'budget.release', ticket: 'b' })).toEqual([]);
    expect(bank.stands('acme')).toEqual([0.1, 0, 0, 0, 0.9]);
  });

  it('gives the same ticket the same answer, and takes nothing more', () => {
    const bank = new Bank({ acme: { limit: 1 } });
    for (let n = 0; n < 3; n++) expect(bank.reserve('acme', 'a', 0.6)).toBe('granted');
    expect(bank.stands('acme')).toEqual([0, 0.6, 0, 0, 0.4]);
    expect(bank.reserve('acme', 'a', 0.5)).toBe('conflict at acme, 0.4 left');
    bank.settle('acme', 'a', 0.6);
    expect(bank.reserve('acme', 'a', 0.1)).toBe('settled at acme, 0.4 left');
    // A release is an end too.
    bank.reserve('acme', 'b', 0.1);
    bank.tell('acme', { type: 'budget.release', ticket: 'b' });
    expect(bank.reserve('acme', 'b', 0.1)).toBe('settled at acme, 0.4 left');
    // What was refused may be asked for again.
    expect(bank.reserve('acme', 'c', 0.5)).toBe('exhausted at acme, 0.4 left');
    expect(bank.reserve('acme', 'c', 0.4)).toBe('granted');
  });

  it('takes a cost above the reservation as money that is gone, and grants nothing until there is some again', () => {
    const bank = new Bank({ acme: { limit: 1 } });
    bank.reserve('acme', 'a', 0.5);
    bank.reserve('acme', 'b', 0.4);
    bank.settle('acme', 'a', 0.9);
    expect(bank.stands('acme')).toEqual([0.6, 0.4, 0, 0.3, 0]);
    expect(bank.state('acme')).toBe('{serving:overdrawn}');
    expect(bank.reserve('acme', 'c', 0)).toBe('overdrawn at acme, 0 left');
    bank.tell('acme', { type: 'budget.topUp', amount: u(0.35), by: 'ada', reason: 'it was worth it' });
    expect(bank.state('acme')).toBe('{serving:open}');
    expect(bank.stands('acme')).toEqual([0.9, 0.4, 0, 0, 0.05]);
  });

  it('keeps what nobody knows the cost of, until the bill comes', () => {
    const bank = new Bank({ acme: { limit: 1 } });
    bank.reserve('acme', 'a', 0.6);
    for (let n = 0; n < 2; n++) bank.tell('acme', { type: 'budget.hold', ticket: 'a' });
    expect(bank.stands('acme')).toEqual([0, 0.6, 0.6, 0, 0.4]);
    expect(bank.reserve('acme', 'a', 0.6)).toBe('granted');
    expect(bank.correct('acme', 'a', 0.2)).toEqual([
      { type: 'budget.corrected', ticket: 'a', was: 0, cost: u(0.2) },
    ]);
    expect(bank.stands('acme')).toEqual([0.2, 0, 0, 0, 0.8]);
  });

  it('is corrected by late bills, up and down, also when it is closed', () => {
    const bank = new Bank({ acme: { limit: 1 } });
    bank.reserve('acme', 'a', 0.6);
    bank.settle('acme', 'a', 0.3);
    bank.tell('acme', { type: 'budget.close', by: 'ada', reason: 'the year is over' });
    expect(bank.reserve('acme', 'b', 0.1)).toBe('closed at acme, 0.7 left');
    expect(bank.correct('acme', 'a', 0.5)).toMatchObject([{ was: u(0.3), cost: u(0.5) }]);
    expect(bank.stands('acme')).toEqual([0.5, 0, 0, 0, 0.5]);
    bank.correct('acme', 'a', 1.2);
    expect(bank.stands('acme')).toEqual([1, 0, 0, 0.2, 0]);
    bank.correct('acme', 'a', 0);
    expect(bank.stands('acme')).toEqual([0, 0, 0, 0, 1]);
    expect(bank.state('acme')).toBe('{serving:closed}');
  });

  it('does not take the same bill twice, nor another one without being told that it is a correction', () => {
    const bank = new Bank({ acme: { limit: 1 } });
    bank.reserve('acme', 'a', 0.6);
    bank.settle('acme', 'a', 0.3);
    expect(bank.settle('acme', 'a', 0.3)).toEqual([]);
    expect(bank.settle('acme', 'a', 0.4)).toMatchObject([{ type: 'budget.rejected', reason: 'settled' }]);
    expect(bank.tell('acme', { type: 'budget.release', ticket: 'a' })).toMatchObject([{ reason: 'settled' }]);
    expect(bank.stands('acme')).toEqual([0.3, 0, 0, 0, 0.7]);
  });

  it('says what each agent and each task has cost', () => {
    const bank = new Bank({ acme: { limit: 1 } });
    bank.reserve('acme', 'a', 0.2, { labels: { agent: 'writer', task: 'report' } });
    bank.reserve('acme', 'b', 0.2, { labels: { agent: 'writer', task: 'check' } });
    bank.settle('acme', 'a', 0.1);
    bank.settle('acme', 'b', 0.2);
    bank.correct('acme', 'a', 0.15);
    const [{ costs }] = bank.tell('acme', { type: 'budget.read' }) as [AnyEventObject];
    expect(costs).toEqual([
      { label: 'agent', name: 'writer', cost: u(0.35) },
      { label: 'task', name: 'report', cost: u(0.15) },
      { label: 'task', name: 'check', cost: u(0.2) },
    ]);
  });

  it('grants what undoes something though the money is gone, if it may, and bills it beyond the limit', () => {
    const bank = new Bank({ acme: { limit: 1, overdraft: 'undoing' } });
    bank.reserve('acme', 'a', 0.8);
    bank.settle('acme', 'a', 0.8);
    const owed = { owed: true };
    for (let n = 0; n < 2; n++) expect(bank.reserve('acme', 'undo', 0.5, owed)).toBe('granted');
    expect(bank.stands('acme')).toEqual([0.8, 0.2, 0, 0, 0]);
    expect(bank.reserve('acme', 'undo', 0.6, owed)).toBe('conflict at acme, 0 left');
    expect(bank.reserve('acme', 'b', 0.1)).toBe('exhausted at acme, 0 left');
    bank.settle('acme', 'undo', 0.5);
    expect(bank.stands('acme')).toEqual([1, 0, 0, 0.3, 0]);
    expect(bank.state('acme')).toBe('{serving:overdrawn}');
    expect(bank.reserve('acme', 'b', 0)).toBe('overdrawn at acme, 0 left');
    expect(bank.reserve('acme', 'more', 0.5, owed)).toBe('granted');
    bank.tell('acme', { type: 'budget.hold', ticket: 'more' });
    expect(bank.stands('acme')).toEqual([1, 0, 0, 0.3, 0]);
    bank.correct('acme', 'more', 0.1);
    expect(bank.stands('acme')).toEqual([1, 0, 0, 0.4, 0]);
    expect(bank.reserve('acme', 'free', 0.5, owed)).toBe('granted');
    bank.tell('acme', { type: 'budget.release', ticket: 'free' });
    bank.tell('acme', { type: 'budget.topUp', amount: u(1), by: 'ada', reason: 'it was undone' });
    expect(bank.stands('acme')).toEqual([1.4, 0, 0, 0, 0.6]);
    // What is there is held whole.
    expect(bank.reserve('acme', 'last', 0.5, owed)).toBe('granted');
    expect(bank.stands('acme')).toEqual([1.4, 0.5, 0, 0, 0.1]);
    bank.tell('acme', { type: 'budget.close', by: 'ada', reason: 'enough' });
    expect(bank.reserve('acme', 'closed', 0.5, owed)).toBe('closed at acme, 0.1 left');
  });

  it('keeps to its limit also for what undoes something, unless it says otherwise', () => {
    const bank = new Bank({
      run: { limit: 1, within: ['acme'], overdraft: 'undoing' },
      acme: { limit: 1.4 },
    });
    bank.reserve('run', 'a', 1);
    bank.settle('run', 'a', 1);
    expect(bank.reserve('run', 'dear', 0.5, { owed: true })).toBe('exhausted at acme, 0.4 left');
    expect(bank.stands('run')).toEqual([1, 0, 0, 0, 0]);
    expect(bank.reserve('run', 'undo', 0.3, { owed: true })).toBe('granted');
    expect([bank.stands('run'), bank.stands('acme')]).toEqual([
      [1, 0, 0, 0, 0],
      [1, 0.3, 0, 0, 0.1],
    ]);
    bank.settle('run', 'undo', 0.3);
    expect([bank.stands('run'), bank.stands('acme')]).toEqual([
      [1, 0, 0, 0.3, 0],
      [1.3, 0, 0, 0, 0.1],
    ]);
    expect(() => account({ overdraft: 'always' as never })).toThrow(/overdraft.* must be 'undoing'/);
  });

  it('has its limit changed, but not below what is reserved', () => {
    const bank = new Bank({ acme: { limit: 1 } });
    bank.reserve('acme', 'a', 0.5);
    const signed = { by: 'ada', reason: 'less this year' };
    expect(bank.tell('acme', { type: 'budget.configure', limit: u(0.4), ...signed })).toMatchObject([
      { type: 'budget.rejected', reason: 'reserved' },
    ]);
    expect(bank.tell('acme', { type: 'budget.configure', limit: u(0.5), ...signed })).toEqual([
      { type: 'budget.configured', limit: u(0.5), was: u(1) },
    ]);
    expect(bank.stands('acme')).toEqual([0, 0.5, 0, 0, 0]);
    // Below what was spent it is overdrawn.
    bank.settle('acme', 'a', 0.5);
    bank.tell('acme', { type: 'budget.configure', limit: u(0.3), ...signed });
    expect(bank.stands('acme')).toEqual([0.3, 0, 0, 0.2, 0]);
    expect(bank.state('acme')).toBe('{serving:overdrawn}');
  });

  it('grants nothing before it was told its limit', () => {
    const bank = new Bank({ acme: {} });
    expect(bank.state('acme')).toBe('{serving:unset}');
    expect(bank.reserve('acme', 'a', 0)).toBe('misconfigured at acme, 0 left');
    expect(bank.tell('acme', { type: 'budget.topUp', amount: u(1), by: 'ada', reason: 'x' })).toMatchObject([
      { type: 'budget.rejected', reason: 'misconfigured' },
    ]);
    bank.tell('acme', { type: 'budget.configure', limit: u(1), by: 'ada', reason: 'it starts' });
    expect(bank.reserve('acme', 'a', 1)).toBe('granted');
  });

  it('remembers the cost of as many tickets as it is told to, the newest', () => {
    const bank = new Bank({ acme: { limit: 1, remember: 2 } });
    for (const ticket of ['a', 'b', 'c']) {
      bank.reserve('acme', ticket, 0.1);
      bank.settle('acme', ticket, 0.1);
    }
    expect(bank.correct('acme', 'a', 0.2)).toMatchObject([{ type: 'budget.rejected', reason: 'unknown' }]);
    expect(bank.correct('acme', 'b', 0.2)).toMatchObject([{ type: 'budget.corrected' }]);
    expect(bank.context('acme').settled.size).toBe(2);
    expect(bank.stands('acme')).toEqual([0.4, 0, 0, 0, 0.6]);
  });

  it('is born with the options of its input, before those of its factory', () => {
    const born = createActor(account({ limit: 1, per: 'day' }), {
      input: { limit: 2, within: ['x'] },
    }).start();
    expect(born.getSnapshot().context.terms).toEqual({
      limit: u(2),
      per: 'day',
      within: ['x'],
      remember: 1000,
    });
    for (const input of [
      { limit: 0.1 + 0.2 },
      { limit: '1' },
      { limits: 1 },
      { within: 'x' },
      { within: [{}] },
      'x',
    ]) {
      const { status, error } = createActor(account(), {
        input,
      } as never).getSnapshot() as never as AnyEventObject;
      expect([status, error instanceof TypeError]).toEqual(['error', true]);
    }
    for (const options of [{ limit: -1 }, { limit: 1e-7 }, { per: 'week' }, { remember: 0.5 }, null])
      expect(() => account(options as never)).toThrow(TypeError);
  });

  it('takes what comes before it has begun when it has', () => {
    const said: string[] = [];
    const early = createActor(account({ limit: 1 }));
    early.on('*', ({ type }) => void said.push(type));
    early.send({ type: 'budget.reserve', ticket: 'a', amount: u(1) });
    early.send({ type: 'budget.reserve', ticket: 'b', amount: u(1) });
    early.start();
    expect(said).toEqual(['budget.reserved', 'budget.refused']);
    early.send({ type: 'budget.begin', options: { limit: u(9), per: undefined, within: [], remember: 0 } });
    expect(early.getSnapshot().context.terms.limit).toBe(u(1));
  });
});

describe('an account for each day', () => {
  const start = Date.UTC(2030, 0, 1);
  /** The day after so many days. */
  const day = (days: number) => new Date(start + days * DAY).toISOString().slice(0, 10);

  it('begins anew at midnight in UTC, and keeps to each day what was reserved in it', () => {
    const bank = new Bank({ acme: { limit: 1, per: 'day' } });
    vi.setSystemTime(start + DAY - 1);
    expect(bank.reserve('acme', 'late', 0.8)).toBe('granted');
    expect(bank.reserve('acme', 'b', 0.3)).toBe('exhausted at acme, 0.2 left');
    vi.setSystemTime(start + DAY);
    expect(bank.reserve('acme', 'b', 1)).toBe('granted');
    bank.settle('acme', 'late', 0.5);
    expect(bank.stands('acme')).toEqual([0, 1, 0, 0, 0]);
    expect(bank.stands('acme', day(0))).toEqual([0.5, 0, 0, 0, 0.5]);
    vi.setSystemTime(start + 5 * DAY);
    bank.correct('acme', 'late', 1.5);
    expect(bank.stands('acme', day(0))).toEqual([1, 0, 0, 0.5, 0]);
    expect(bank.stands('acme')).toEqual([0, 0, 0, 0, 1]);
    expect(bank.reserve('acme', 'c', 1)).toBe('granted');
  });

  it('is topped up for a day, and configured for good', () => {
    const bank = new Bank({ acme: { limit: 1, per: 'day' } });
    bank.tell('acme', { type: 'budget.topUp', amount: u(1), by: 'ada', reason: 'a busy day' });
    expect(bank.reserve('acme', 'a', 2)).toBe('granted');
    vi.setSystemTime(start + DAY);
    expect(bank.reserve('acme', 'b', 2)).toBe('exhausted at acme, 1 left');
    bank.tell('acme', { type: 'budget.configure', limit: u(3), by: 'ada', reason: 'busy days' });
    vi.setSystemTime(start + 2 * DAY);
    expect(bank.reserve('acme', 'b', 3)).toBe('granted');
  });

  it('keeps a bounded number of days, and those in which something is still reserved', () => {
    const bank = new Bank({ acme: { limit: 1, per: 'day' } });
    bank.reserve('acme', 'held', 0.3);
    bank.tell('acme', { type: 'budget.hold', ticket: 'held' });
    const days = WINDOWS_KEPT.day + 20;
    for (let n = 1; n <= days; n++) {
      vi.setSystemTime(start + n * DAY);
      bank.reserve('acme', `${n}`, 0.01);
      bank.settle('acme', `${n}`, 0.01);
    }
    const { others, earlier } = bank.context('acme');
    expect(others).toHaveLength(WINDOWS_KEPT.day);
    expect(earlier.billed).toBe(u(0.2));
    expect(bank.stands('acme', day(0))).toEqual([0, 0.3, 0.3, 0, 0.7]);
    // A late bill of a day that is no longer on the books is not lost.
    bank.correct('acme', '1', 0.05);
    expect(bank.context('acme').earlier.billed).toBe(u(0.24));
    bank.settle('acme', 'held', 0.1);
    expect(bank.context('acme').others.some(({ key }) => key === day(0))).toBe(true);
    vi.setSystemTime(start + (days + 1) * DAY);
    bank.tell('acme', { type: 'budget.read' });
    expect(bank.context('acme').earlier.billed).toBe(u(0.34));
    expect(bank.tell('acme', { type: 'budget.read', window: day(0) })).toMatchObject([{ reason: 'unknown' }]);
    bank.correct('acme', 'held', 0);
    expect(bank.context('acme').earlier.billed).toBe(u(0.24));
  });

  it('refuses what was asked for on a day that is no longer on the books, and more than it can look after', () => {
    const terms = { limit: u(1), per: 'day', within: [], remember: 0 } as const;
    const ledger = newLedger(terms, start);
    expect(reasonToRefuse(ledger, u(1), { at: start - DAY })).toBeUndefined();
    const later = { ...ledger, earlier: { until: day(-1), billed: 0 } };
    expect(reasonToRefuse(later, u(0), { at: start - DAY })).toBe('past');
    expect(reasonToRefuse(later, u(0), { at: start })).toBeUndefined();
    const open = new Map(Array.from({ length: 10_000 }, (_, n) => [`${n}`, undefined as never]));
    expect(reasonToRefuse({ ...ledger, open }, u(0), { at: start })).toBe('full');
  });

  it('does not give a day twice when the clock is set back', () => {
    const bank = new Bank({ acme: { limit: 1, per: 'hour' } });
    bank.reserve('acme', 'a', 1);
    vi.setSystemTime(start + HOUR);
    expect(bank.reserve('acme', 'b', 1)).toBe('granted');
    vi.setSystemTime(start);
    expect(bank.reserve('acme', 'c', 0.1)).toBe('exhausted at acme, 0 left');
    vi.setSystemTime(start + HOUR);
    expect(bank.reserve('acme', 'c', 0.1)).toBe('exhausted at acme, 0 left');
  });
});

describe('accounts within each other', () => {
  it('grant when all have it, and none keeps anything when one refuses', () => {
    const bank = new Bank({
      company: { limit: 1 },
      acme: { limit: 2, within: ['company'] },
      run: { limit: 5, within: ['acme'] },
    });
    expect(bank.reserve('run', 'a', 0.7)).toBe('granted');
    expect(bank.reserve('run', 'b', 0.7)).toBe('exhausted at company, 0.3 left');
    expect(bank.stands('run')).toEqual([0, 0.7, 0, 0, 4.3]);
    expect(bank.stands('acme')).toEqual([0, 0.7, 0, 0, 1.3]);
    bank.tell('run', { type: 'budget.hold', ticket: 'a' });
    expect(bank.stands('company')).toEqual([0, 0.7, 0.7, 0, 0.3]);
    bank.settle('run', 'a', 0.4);
    bank.correct('run', 'a', 0.5);
    for (const [name, limit] of Object.entries({ company: 1, acme: 2, run: 5 }))
      expect(bank.stands(name)).toEqual([0.5, 0, 0, 0, limit - 0.5]);
    expect(bank.reserve('run', 'c', 0.5)).toBe('granted');
    bank.tell('run', { type: 'budget.release', ticket: 'c' });
    expect(bank.stands('company')).toEqual([0.5, 0, 0, 0, 0.5]);
    expect(bank.news()).toEqual([]);
  });

  it('say which accounts hold a reservation', () => {
    const bank = new Bank({ company: { limit: 1 }, run: { limit: 5, within: ['company'] } });
    const request = { type: 'budget.reserve', ticket: 'a', amount: u(1) };
    expect(bank.tell('run', request)).toEqual([
      {
        type: 'budget.reserved',
        ticket: 'a',
        amount: u(1),
        accounts: [bank.at('run').sessionId, 'company'],
      },
    ]);
  });

  it('are asked along the way that a request names, too', () => {
    const bank = new Bank({ agent: { limit: 1 }, acme: { limit: 1 }, run: { limit: 5, within: ['acme'] } });
    expect(bank.reserve('run', 'a', 0.6, { path: ['agent'] })).toBe('granted');
    expect(bank.reserve('run', 'b', 0.3)).toBe('granted');
    expect(bank.reserve('run', 'c', 0.3, { path: ['agent'] })).toBe('exhausted at acme, 0.1 left');
    expect(bank.stands('agent')).toEqual([0, 0.6, 0, 0, 0.4]);
  });

  it('count money once that reaches them by two ways, and do not go round', () => {
    const bank = new Bank({
      company: { limit: 1, within: ['run'] },
      left: { limit: 1, within: ['company'] },
      right: { limit: 1, within: ['company', 'left'] },
      run: { limit: 1, within: ['left', 'right', 'run'] },
    });
    expect(bank.reserve('run', 'a', 0.4, { path: ['company'] })).toBe('granted');
    for (const name of ['company', 'left', 'right', 'run'])
      expect(bank.stands(name)).toEqual([0, 0.4, 0, 0, 0.6]);
    bank.settle('run', 'a', 0.3);
    for (const name of ['company', 'left', 'right', 'run'])
      expect(bank.stands(name)).toEqual([0.3, 0, 0, 0, 0.7]);
  });

  it('do not take the tickets of two for one', () => {
    const bank = new Bank({
      acme: { limit: 1 },
      one: { limit: 1, within: ['acme'] },
      other: { limit: 1, within: ['acme'] },
    });
    for (const name of ['one', 'other', 'acme']) expect(bank.reserve(name, 'a', 0.2)).toBe('granted');
    expect(bank.stands('acme')).toEqual([0, 0.6, 0, 0, 0.4]);
    bank.settle('other', 'a', 0.1);
    expect(bank.stands('acme')).toEqual([0.1, 0.4, 0, 0, 0.5]);
  });

  it('refuse when nobody lives at an address', () => {
    const bank = new Bank({ acme: { limit: 1, within: ['nobody'] }, run: { limit: 1, within: ['acme'] } });
    expect(bank.reserve('run', 'a', 0.2)).toBe('absent at nobody, 0 left');
    expect(bank.stands('run')).toEqual([0, 0, 0, 0, 1]);
    expect(bank.stands('acme')).toEqual([0, 0, 0, 0, 1]);
  });

  it('forward a late bill of a run that is gone', () => {
    const bank = new Bank({ company: { limit: 1 }, acme: { limit: 1, within: ['company'] } });
    const relay = {
      as: 'acme',
      via: ['report/7/budget'],
      path: ['company'],
      at: Date.now(),
      labels: { task: 'research' },
    };
    const late = { type: 'budget.correct', ticket: 'report/7/budget#a', source: 'provider', relay };
    bank.tell('acme', { ...late, was: u(0), cost: u(0.3) });
    bank.tell('acme', { ...late, was: u(0.3), cost: u(0.2) });
    for (const name of ['acme', 'company']) expect(bank.stands(name)).toEqual([0.2, 0, 0, 0, 0.8]);
    // Less than nothing was never billed.
    expect(bank.tell('acme', { ...late, was: u(0.9), cost: u(0.2) })).toMatchObject([
      { reason: 'uncountable' },
    ]);
    expect(bank.stands('company')).toEqual([0.2, 0, 0, 0, 0.8]);
  });

  it('let an operator settle where the account that was asked is gone', () => {
    const bank = new Bank({
      company: { limit: 1 },
      acme: { limit: 1, within: ['company'] },
      run: { limit: 1, within: ['acme'] },
    });
    bank.reserve('run', 'a', 0.5);
    const [name] = bank.context('acme').open.keys();
    bank.tell('acme', { type: 'budget.release', ticket: name });
    expect(bank.stands('acme')).toEqual([0, 0, 0, 0, 1]);
    expect(bank.stands('company')).toEqual([0, 0, 0, 0, 1]);
  });
});

describe('an answer that comes late', () => {
  /** An account whose next one answers when it is told to. */
  function slow() {
    const heard: AnyEventObject[] = [];
    const said: string[] = [];
    const next = fromTransition((_, event: AnyEventObject) => void heard.push(event), undefined);
    const root = createActor(
      createMachine({
        entry: [
          spawnChild(next, { systemId: 'slow' }),
          spawnChild(account({ limit: 1, within: ['slow'] }), { systemId: 'run' }),
        ],
      }),
    );
    root.start();
    const run = root.system.get('run') as AnyActorRef;
    run.on('*', (event) => void said.push(`${event.type} ${event['reason'] ?? ''}`.trim()));
    const stands = () => {
      const { spent, reserved } = run.getSnapshot().context.window;
      return [spent / 1e6, reserved / 1e6];
    };
    const answer = (type: string, more: object) => run.send({ type, ticket: heard[0]!['ticket'], ...more });
    return { heard, said, run, stands, answer };
  }
  const request = { type: 'budget.reserve', ticket: 'a', amount: u(0.5) } as const;
  const yes = { amount: u(0.5), accounts: ['slow'] };
  const no = { reason: 'exhausted', account: 'slow', remaining: u(0) };

  it('is waited for, with the money held', () => {
    const { run, said, stands, answer } = slow();
    run.send(request);
    expect([said, stands()]).toEqual([[], [0, 0.5]]);
    answer('budget.reserved', yes);
    answer('budget.reserved', yes);
    expect(said).toEqual(['budget.reserved']);
    answer('budget.refused', no);
    expect([said, stands()]).toEqual([['budget.reserved'], [0, 0.5]]);
  });

  it('finds nobody when the money was released or settled meanwhile, and does no harm', () => {
    for (const word of [
      { type: 'budget.release', ticket: 'a' },
      { type: 'budget.settle', ticket: 'a', cost: u(0.1), source: 'local' },
    ] as const) {
      const { run, said, heard, stands, answer } = slow();
      run.send(request);
      run.send(word);
      answer('budget.reserved', yes);
      expect(heard.map(({ type }) => type)).toEqual(['budget.reserve', word.type]);
      expect(said).toEqual([]);
      expect(stands()).toEqual([word.type === 'budget.settle' ? 0.1 : 0, 0]);
    }
  });

  it('is given back when it was refused before', () => {
    const { run, said, heard, stands, answer } = slow();
    run.send(request);
    run.send(request);
    answer('budget.refused', no);
    answer('budget.reserved', yes);
    expect(said).toEqual(['budget.refused exhausted']);
    expect(heard.map(({ type }) => type)).toEqual(['budget.reserve', 'budget.reserve', 'budget.release']);
    expect(stands()).toEqual([0, 0]);
  });

  it('does not open what was closed meanwhile', () => {
    const { run, said, heard, stands, answer } = slow();
    run.send(request);
    run.send({ type: 'budget.close', by: 'ada', reason: 'enough' });
    answer('budget.reserved', yes);
    expect(said).toEqual(['budget.closed', 'budget.refused closed']);
    expect(heard.at(-1)).toMatchObject({ type: 'budget.release' });
    expect(stands()).toEqual([0, 0]);
  });

  it('cannot be put off by a hold', () => {
    const { run, said } = slow();
    run.send(request);
    run.send({ type: 'budget.hold', ticket: 'a' });
    expect(said).toEqual(['budget.rejected unfit']);
  });
});

describe('nonsense', () => {
  const fine = { type: 'budget.reserve', ticket: 'b', amount: u(0.1) };
  const bill = { type: 'budget.settle', ticket: 'a', cost: u(0.1), source: 'local' };
  const signed = { by: 'ada', reason: 'so' };
  const relay = { as: 'acme', via: ['x'], path: [], at: 0, labels: {} };
  it.each<[string, AnyEventObject]>([
    ['a float as amount', { ...fine, amount: 0.1 }],
    ['a sum of floats', { ...fine, amount: (0.1 + 0.2) * 1e6 + 0.5 }],
    ['an amount below zero', { ...fine, amount: -1 }],
    ['no number', { ...fine, amount: Number.NaN }],
    ['infinity', { ...fine, amount: Infinity }],
    ['more than can be counted', { ...fine, amount: 2 ** 53 }],
    ['a text as amount', { ...fine, amount: '100' }],
    ['no amount', { type: 'budget.reserve', ticket: 'b' }],
    ['no ticket', { type: 'budget.reserve', amount: 1 }],
    ['an empty ticket', { ...fine, ticket: '' }],
    ['an object as ticket', { ...fine, ticket: {} }],
    ['an endless ticket', { ...fine, ticket: 'x'.repeat(501) }],
    ['a path that is no list', { ...fine, path: 'acme' }],
    ['a path of no addresses', { ...fine, path: [7] }],
    ['a path without end', { ...fine, path: Array.from({ length: 17 }, () => 'acme') }],
    ['unknown labels', { ...fine, labels: { user: 'ada' } }],
    ['what is not owed', { ...fine, owed: false }],
    ['what is owed beside its way', { ...fine, ticket: 'acme#b', owed: true, relay }],
    ['labels that are no texts', { ...fine, labels: { agent: 7 } }],
    ['a misspelt field', { ...fine, lables: {} }],
    ['a field of that name', JSON.parse('{"type":"budget.reserve","ticket":"b","amount":1,"__proto__":{}}')],
    ['an asker that is no actor', { ...fine, from: 'ada' }],
    ['an asker that is null', { ...fine, from: null }],
    ['a relay from nobody', { ...fine, relay: { ...relay, via: [] } }],
    ['a relay from the year 20000', { ...fine, relay: { ...relay, at: Date.UTC(20_000, 0) } }],
    ['a relay without end', { ...fine, relay: { ...relay, via: Array.from({ length: 33 }, () => 'x') } }],
    ['a float as cost', { ...bill, cost: 0.1 }],
    ['a cost below zero', { ...bill, cost: -1 }],
    ['no source', { type: 'budget.settle', ticket: 'a', cost: u(0.1) }],
    ['an unknown source', { ...bill, source: 'hearsay' }],
    ['a price that is no hash', { ...bill, price: {} }],
    ['an unknown ticket', { ...bill, ticket: 'x' }],
    ['a correction of an unknown ticket', { ...bill, type: 'budget.correct', ticket: 'x' }],
    ['a correction that says what was, to who knows it', { ...bill, type: 'budget.correct', was: 1 }],
    ['a hold of an unknown ticket', { type: 'budget.hold', ticket: 'x' }],
    ['more than can be counted exactly', { ...bill, cost: Number.MAX_SAFE_INTEGER, ticket: 'over' }],
    ['a limit of half a micro-unit', { type: 'budget.configure', limit: 0.5, ...signed }],
    ['a limit that nobody has signed', { type: 'budget.configure', limit: 1 }],
    ['a limit without a reason', { type: 'budget.configure', limit: 1, by: 'ada' }],
    ['a top-up below zero', { type: 'budget.topUp', amount: -1, ...signed }],
    ['a top-up beyond all', { type: 'budget.topUp', amount: Number.MAX_SAFE_INTEGER, ...signed }],
    ['a close without a word', { type: 'budget.close' }],
    ['a window that is no name', { type: 'budget.read', window: 7 }],
  ])('of which there is %s is refused with a reason, and changes nothing', (_, message) => {
    const bank = new Bank({ acme: { limit: 1 } });
    bank.reserve('acme', 'a', 0.5);
    bank.reserve('acme', 'over', 0.1);
    bank.settle('acme', 'a', 0.4);
    if (message['ticket'] === 'over') bank.reserve('acme', 'over', 0.1);
    const before = bank.context('acme');
    const [said, ...more] = bank.tell('acme', message) as [AnyEventObject];
    expect(more).toEqual([]);
    const isRequest = message.type === 'budget.reserve';
    expect(said.type).toBe(isRequest ? 'budget.refused' : 'budget.rejected');
    expect(said['detail']).toEqual(expect.any(String));
    if (isRequest) expect(said).toMatchObject({ reason: 'unfit' });
    expect(bank.context('acme')).toEqual(before);
    expect(bank.reserve('acme', 'c', 0.1)).toBe('granted');
  });

  it('is not answered when it is no message of ours, or an answer that nobody waits for', () => {
    const bank = new Bank({ acme: { limit: 1 } });
    for (const message of [
      { type: 'budget.what' },
      { type: 'budget.reserved', ticket: 'x', amount: 1, accounts: 7 },
      { type: 'budget.reserved', ticket: 7, amount: 1, accounts: ['acme'] },
      { type: 'budget.reserved', ticket: 'x', amount: 1, accounts: ['nobody'] },
      { type: 'budget.refused', ticket: 'x' },
      { type: 'budget.refused' },
      { type: 'budget.rejected', message: 'x' },
      { type: 'budget.balance' },
      { type: 'budget.release', ticket: 'x' },
    ])
      expect(bank.tell('acme', message)).toEqual([]);
    expect(bank.stands('acme')).toEqual([0, 0, 0, 0, 1]);
  });
});
