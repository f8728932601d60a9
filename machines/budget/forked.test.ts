// The lie: "the accounts of a fork are its own". Accounts within each other, and one outside, whose tree was moved in the middle of a
// reservation: what is settled then is settled in the moved ones, and outside under their name; the others hear of nothing.
import { describe, expect, it } from 'vitest';
import type { AnyActorRef, AnyEventObject } from 'xstate';
import { newLedger } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import { served } from './service.ts';
import type { BudgetMessage } from './words.ts';
import type { Micros } from '../values/money.ts';

const micros = (count: number) => count as Micros;

const refTo = (address: string): AnyActorRef =>
  ({ address, sessionId: address, send: () => {} }) as unknown as AnyActorRef;

/** Accounts by their addresses, and what they say to each other, which arrives at once. */
class Accounts {
  readonly #ledgers = new Map<string, Ledger>();

  open(address: string, within: readonly string[]): void {
    const terms = { limit: micros(100), per: undefined, within, remember: 10 };
    this.#ledgers.set(address, newLedger(terms, 0, address));
  }

  /** A tree lives on as another. */
  fork(run: string, as: string): void {
    for (const [address, ledger] of [...this.#ledgers])
      if (address.startsWith(`${run}/`)) this.#ledgers.set(as + address.slice(run.length), ledger);
  }

  tell(address: string, event: object): void {
    const said: { readonly to: string; readonly news: AnyEventObject }[] = [];
    const after = served(this.#ledgers.get(address)!, event as BudgetMessage, {
      ...{ self: refTo(address), now: 0 },
      find: (one) => (this.#ledgers.has(one) ? refTo(one) : undefined),
      say: (to, news) => {
        const { address: whose } = (to ?? {}) as { readonly address?: string };
        if (whose !== undefined) said.push({ to: whose, news });
      },
    });
    this.#ledgers.set(address, after);
    for (const { to, news } of said) this.tell(to, news);
  }

  get sums(): Record<string, readonly [spent: number, reserved: number]> {
    const all = [...this.#ledgers].map(([address, { window }]) => [address, [window.spent, window.reserved]]);
    return Object.fromEntries(all) as Record<string, [number, number]>;
  }
}

const INNER = 'run/1/part/account';
const OUTER = 'run/1/account';
const OUTSIDE = 'budget/acme';

function reserved(): Accounts {
  const accounts = new Accounts();
  accounts.open(OUTSIDE, []);
  accounts.open(OUTER, [OUTSIDE]);
  accounts.open(INNER, [OUTER]);
  accounts.tell(INNER, { type: 'budget.reserve', ticket: 'run/1/part/x#1', amount: micros(10) });
  return accounts;
}

describe('the accounts of a fork', () => {
  it('settle what their originals had reserved, and tell those outside in their own name', () => {
    const accounts = reserved();
    expect(accounts.sums).toEqual({ [OUTSIDE]: [0, 10], [OUTER]: [0, 10], [INNER]: [0, 10] });
    accounts.fork('run/1', 'run/2');
    accounts.tell('run/2/part/account', {
      ...{ type: 'budget.settle', ticket: 'run/1/part/x#1', cost: micros(4), source: 'agent' },
    });
    expect(accounts.sums).toEqual({
      ...{ [OUTER]: [0, 10], [INNER]: [0, 10] },
      ...{ 'run/2/account': [4, 0], 'run/2/part/account': [4, 0] },
      // The original may still spend what it holds there.
      [OUTSIDE]: [4, 10],
    });
    accounts.tell(INNER, {
      ...{ type: 'budget.settle', ticket: 'run/1/part/x#1', cost: micros(7), source: 'agent' },
    });
    expect(accounts.sums).toMatchObject({ [OUTER]: [7, 0], [INNER]: [7, 0], [OUTSIDE]: [11, 0] });
    expect(accounts.sums).toMatchObject({ 'run/2/account': [4, 0] });
  });

  it('reserve with those around them, and with no others', () => {
    const accounts = reserved();
    accounts.fork('run/1', 'run/2');
    accounts.tell('run/2/part/account', {
      ...{ type: 'budget.reserve', ticket: 'run/2/part/y#1', amount: micros(20) },
    });
    expect(accounts.sums).toEqual({
      ...{ [OUTER]: [0, 10], [INNER]: [0, 10] },
      ...{ 'run/2/account': [0, 30], 'run/2/part/account': [0, 30] },
      [OUTSIDE]: [0, 30],
    });
    accounts.tell('run/2/part/account', { type: 'budget.release', ticket: 'run/2/part/y#1' });
    expect(accounts.sums).toMatchObject({ 'run/2/account': [0, 10], [OUTSIDE]: [0, 10] });
  });

  it('are found again in a fork of the fork', () => {
    const accounts = reserved();
    accounts.fork('run/1', 'run/2');
    accounts.tell('run/2/part/account', {
      ...{ type: 'budget.reserve', ticket: 'run/2/part/y#1', amount: micros(20) },
    });
    accounts.fork('run/2', 'run/3');
    for (const [ticket, cost] of [
      ['run/1/part/x#1', 4],
      ['run/2/part/y#1', 5],
    ] as const)
      accounts.tell('run/3/part/account', {
        ...{ type: 'budget.settle', ticket, cost: micros(cost), source: 'agent' },
      });
    expect(accounts.sums).toEqual({
      ...{ [OUTER]: [0, 10], [INNER]: [0, 10] },
      ...{ 'run/2/account': [0, 30], 'run/2/part/account': [0, 30] },
      ...{ 'run/3/account': [9, 0], 'run/3/part/account': [9, 0] },
      [OUTSIDE]: [9, 30],
    });
  });
});
