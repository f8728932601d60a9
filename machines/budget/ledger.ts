/**
 * The ledger of an account: its windows, the reservations that are open, and what settled ones have cost. Pure values, never
 * changed in place: a step that fails must leave the state before it as it was.
 *
 * It owns what is kept, and for how long:
 *
 * - an open reservation: until it is settled or released, and its window as long
 * - the cost of a settled one, for corrections: the last `remember` of those that were asked for here. Other accounts are told
 *   the difference, and need no memory of it
 * - earlier windows: the last {@link WINDOWS_KEPT}; older ones are one sum
 */
import type { AnyActorRef } from 'xstate';
import type { AccountTerms, BudgetPer, BudgetRefusal, BudgetRelay } from './words.ts';
import { billedIn, moved, newWindow, remainingIn, windowKey } from './window.ts';
import type { BudgetWindow, Movement } from './window.ts';
import type { Micros } from '../values/money.ts';
import { NOTHING } from '../values/money.ts';

export interface Reservation {
  /** As it was given by whoever asked. */
  readonly ticket: string;
  readonly amount: Micros;
  /** What is held of that: less where it is owed, and less is left. */
  readonly taken: Micros;
  /** `asking`: held here, and the next account has not answered yet. `held`: nobody knows what it has cost. */
  readonly state: 'asking' | 'granted' | 'held';
  /** Whoever waits for the answer, while there is none. */
  readonly from: AnyActorRef | undefined;
  readonly relay: BudgetRelay;
}

export interface Settled {
  readonly cost: Micros;
  readonly relay: BudgetRelay;
}

export interface Ledger {
  /** How it was called when it was opened. */
  readonly as: string;
  readonly terms: AccountTerms;
  readonly isClosed: boolean;
  /** The current one, as of the last message. */
  readonly window: BudgetWindow;
  /** The others, by their keys, oldest first. */
  readonly others: readonly BudgetWindow[];
  /** The sum of those up to a key, as far as they are not among the others. */
  readonly earlier: { readonly until: string; readonly billed: number };
  /** By the names that reservations have among accounts. */
  readonly open: ReadonlyMap<string, Reservation>;
  /** Those that were asked for here, the first settled first. */
  readonly settled: ReadonlyMap<string, Settled>;
}

/** So many windows are kept besides the current one, of those in which nothing is reserved any more. */
export const WINDOWS_KEPT: Readonly<Record<BudgetPer, number>> = { hour: 48, day: 35, month: 13 };

/** So many reservations may be open at a time: each is a part of the state. */
const MOST_OPEN = 10_000;

export function newLedger(terms: AccountTerms, now: number, as = ''): Ledger {
  return {
    as,
    terms,
    isClosed: false,
    window: newWindow(windowKey(now, terms.per), terms.limit ?? NOTHING),
    others: [],
    earlier: { until: '', billed: 0 },
    open: new Map(),
    settled: new Map(),
  };
}

/** The ledger with the window that it is now. */
export function rolled(ledger: Ledger, now: number): Ledger {
  const key = windowKey(now, ledger.terms.per);
  if (key === ledger.window.key) return ledger;
  const window = windowAt(ledger, key);
  // The clock was set back by more than is on the books: it stays where it is.
  if (window === undefined) return ledger;
  const others = [...ledger.others.filter((other) => other.key !== key), ledger.window];
  return forgetting({ ...ledger, window, others: inOrder(others) });
}

/** A window that is on the books, or could be; undefined for one that is no longer. */
export function windowAt({ terms, window, others, earlier }: Ledger, key: string): BudgetWindow | undefined {
  if (key === window.key) return window;
  const other = others.find((one) => one.key === key);
  if (other !== undefined) return other;
  return key <= earlier.until ? undefined : newWindow(key, terms.limit ?? NOTHING);
}

/** Why so much cannot be reserved; undefined when it can. */
export function reasonToRefuse(
  ledger: Ledger,
  amount: Micros,
  { at, owed }: Pick<BudgetRelay, 'at' | 'owed'>,
): BudgetRefusal | undefined {
  const { limit, per, overdraft } = ledger.terms;
  if (limit === undefined) return 'misconfigured';
  if (ledger.isClosed) return 'closed';
  const window = windowAt(ledger, windowKey(at, per));
  if (window === undefined) return 'past';
  const isAllowed = owed === true && overdraft === 'undoing';
  if (!isAllowed && window.overdraft > 0) return 'overdrawn';
  if (!isAllowed && amount > remainingIn(window)) return 'exhausted';
  return ledger.open.size >= MOST_OPEN ? 'full' : undefined;
}

/** What is held of so much: all of it, unless it may be had though there is less. */
export function takenOf(ledger: Ledger, amount: Micros, at: number): Micros {
  const window = windowAt(ledger, windowKey(at, ledger.terms.per))!;
  return Math.min(amount, remainingIn(window)) as Micros;
}

/** Takes the money of a reservation out of what remains. Ask {@link reasonToRefuse} first. */
export function reserved(ledger: Ledger, name: string, reservation: Reservation): Ledger {
  const { taken, relay } = reservation;
  return withOpen(sound(movedAt(ledger, relay.at, { reserved: taken })), name, reservation);
}

/** Notes something about an open reservation. */
export function withOpen(ledger: Ledger, name: string, reservation: Reservation): Ledger {
  return { ...ledger, open: new Map(ledger.open).set(name, reservation) };
}

/** Nobody knows what it has cost. */
export function held(ledger: Ledger, name: string, reservation: Reservation): Ledger {
  if (reservation.state === 'held') return ledger;
  const after = sound(movedAt(ledger, reservation.relay.at, { held: reservation.taken }));
  return withOpen(after, name, { ...reservation, state: 'held' });
}

/** Takes a reservation off the books, as if it had never been. */
export function dropped(ledger: Ledger, name: string, reservation: Reservation): Ledger {
  return sound(closedWith(ledger, name, reservation, NOTHING));
}

/** Says that something always adds up. */
function sound(ledger: Ledger | undefined): Ledger {
  if (ledger === undefined) throw new RangeError('the books do not add up');
  return ledger;
}

/** A reservation has cost so much; undefined when that cannot be counted. */
export function settled(
  ledger: Ledger,
  name: string,
  reservation: Reservation,
  cost: Micros,
): Ledger | undefined {
  const after = closedWith(ledger, name, reservation, cost);
  const { relay } = reservation;
  return after === undefined || relay.via.length > 0 ? after : remembered(after, name, { cost, relay });
}

function closedWith(
  ledger: Ledger,
  name: string,
  { taken, state, relay: { at, labels } }: Reservation,
  cost: Micros,
): Ledger | undefined {
  const rest = { reserved: 0 - taken, held: state === 'held' ? 0 - taken : 0 };
  const after = movedAt(ledger, at, { ...rest, billed: cost, labels });
  if (after === undefined) return undefined;
  const open = new Map(after.open);
  open.delete(name);
  return forgetting({ ...after, open });
}

function remembered(ledger: Ledger, name: string, cost: Settled): Ledger {
  const all = new Map(ledger.settled).set(name, cost);
  for (const oldest of all.keys()) {
    if (all.size <= ledger.terms.remember) break;
    all.delete(oldest);
  }
  return { ...ledger, settled: all };
}

/** What was settled before has cost something else; undefined when that cannot be counted. */
export function corrected(ledger: Ledger, name: string, known: Settled, cost: Micros): Ledger | undefined {
  const after = billed(ledger, known.relay, cost - known.cost);
  return after && { ...after, settled: new Map(after.settled).set(name, { ...known, cost }) };
}

/** Something has cost so much more, or less; undefined when that cannot be counted. */
export function billed(ledger: Ledger, { at, labels }: BudgetRelay, cost: number): Ledger | undefined {
  const after = movedAt(ledger, at, { billed: cost, labels });
  return after && forgetting(after);
}

/** Moves money in the window of a moment; undefined when that would break what always holds. */
function movedAt(ledger: Ledger, at: number, movement: Movement): Ledger | undefined {
  const key = windowKey(at, ledger.terms.per);
  const window = windowAt(ledger, key);
  if (window === undefined) return movedEarlier(ledger, movement);
  const after = moved(window, movement);
  if (after === undefined) return undefined;
  if (key === ledger.window.key) return { ...ledger, window: after };
  const others = ledger.others.filter((other) => other.key !== key);
  return { ...ledger, others: inOrder([...others, after]) };
}

/** In windows that are no longer on the books nothing is reserved: there are only late bills. */
function movedEarlier(ledger: Ledger, { billed: more = 0 }: Movement): Ledger | undefined {
  const { until, billed: before } = ledger.earlier;
  const sum = before + more;
  return Number.isSafeInteger(sum) && sum >= 0 ? { ...ledger, earlier: { until, billed: sum } } : undefined;
}

function inOrder(windows: readonly BudgetWindow[]): readonly BudgetWindow[] {
  return windows.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

/** Takes the oldest windows off the books, of those in which nothing is reserved. */
function forgetting(ledger: Ledger): Ledger {
  const { terms, others, earlier } = ledger;
  if (terms.per === undefined) return ledger;
  const tooMany = others.length - WINDOWS_KEPT[terms.per];
  if (tooMany <= 0) return ledger;
  const old = others.filter((window) => window.reserved === 0).slice(0, tooMany);
  const last = old.at(-1);
  if (last === undefined) return ledger;
  const until = last.key > earlier.until ? last.key : earlier.until;
  const sum = old.reduce((so, window) => so + billedIn(window), earlier.billed);
  // As long as that can be counted.
  if (!Number.isSafeInteger(sum)) return ledger;
  return {
    ...ledger,
    others: others.filter((window) => !old.includes(window)),
    earlier: { until, billed: sum },
  };
}

/** The limit from now on. Undefined when it would be below what is reserved. */
export function limited(ledger: Ledger, limit: Micros): Ledger | undefined {
  const window = moved(ledger.window, { limit: limit - ledger.window.limit });
  return window && { ...ledger, terms: { ...ledger.terms, limit }, window };
}

/** So much more, in this window alone. Undefined when that cannot be counted. */
export function toppedUp(ledger: Ledger, amount: Micros): Ledger | undefined {
  const window = moved(ledger.window, { limit: amount });
  if (window === undefined) return undefined;
  const { terms } = ledger;
  return { ...ledger, window, terms: terms.per === undefined ? { ...terms, limit: window.limit } : terms };
}
