/**
 * Late bills: what an attempt has cost that nobody waited for any more. The money for it is held; as soon as the answer comes, the
 * account is told, or, when that is gone with its run, the next one that has held it too.
 *
 * An attempt that ends with the process it ran in tells nobody: its money stays held until an operator corrects it.
 */
import type { Ledger } from '../../machines/budget/ledger.ts';
import type { BudgetCorrect } from '../../machines/budget/words.ts';
import { NOTHING } from '../../machines/values/money.ts';
import type { Micros } from '../../machines/values/money.ts';
import { unbooked } from '../../machines/task/paying.ts';
import type { BillTo, Billing } from '../../machines/task/words.ts';
import type { Stood } from '../state/stood.ts';

export interface Payee {
  getSnapshot(): Stood;
  send(event: BudgetCorrect, options: { readonly id: string }): PromiseLike<unknown>;
}

/** Where the accounts are. */
export interface Bank {
  get(address: string): Payee | undefined;
}

/** Never rejects: what cannot be told stays held. */
export async function tellLate(
  bank: Bank,
  { accounts, ticket, unbooked: call }: BillTo,
  cost: Micros,
  { source = 'agent', price }: Partial<Billing> = {},
): Promise<void> {
  const [asked] = accounts;
  if (asked === undefined) return;
  const bill = { type: 'budget.correct', cost, source } as const;
  const priced = { ...bill, ...(price !== undefined && { price }) };
  // Among accounts it is called so: see machines/budget/words.ts.
  const named = `${asked}#${call?.ticket ?? ticket}`;
  const ways = accounts.map((account, index) => {
    const address = index === 0 ? addressOf(account) : account;
    if (call === undefined) return { address, ticket: index === 0 ? ticket : named };
    const { relay } = unbooked(accounts.slice(index), call.ticket, call.at, call.labels);
    return { address, ticket: named, was: NOTHING, relay };
  });
  for (const { address, ...which } of ways) {
    try {
      const account = bank.get(address);
      // One that is over would refuse it, and that would be on record as if somebody had tried; so would the account of another life.
      if (
        account === undefined ||
        !isOpen(account.getSnapshot(), which.ticket === ticket ? asked : undefined)
      )
        continue;
      await account.send({ ...priced, ...which }, { id: `late bill of ${named}` });
      return;
    } catch {
      // It is gone, or takes nothing: the next one.
    }
  }
}

/** @param session whose books they are to be; undefined: whoever lives there */
function isOpen({ status, context }: Stood, session: string | undefined): boolean {
  const { as = '' } = (context ?? {}) as Partial<Ledger>;
  return status === 'active' && (session === undefined || as === '' || lifeIn(as) === lifeIn(session));
}

const lifeIn = (session: string): string | undefined => /~\d+$/.exec(session)?.[0];

/** Of a session id. */
const addressOf = (session: string): string => session.replace(/~\d+$/, '');
