/**
 * What an account does with each message: pure steps from one ledger to the next, and what is said meanwhile.
 *
 * A reservation goes from account to account in a row: each holds the money itself, then asks the next one that does not have it
 * yet, and answers when that has answered. So an account that is reached by two ways counts it once, and accounts that lie
 * within each other do not go round. Whoever refuses makes all before it let go. The answer tells each which ones have it after it;
 * what becomes of the reservation goes the same way.
 *
 * An answer nobody waits for any more is given back. It owns the order of asking and telling; the ledger owns the numbers.
 */
import type { AnyActorRef } from 'xstate';
import { addressOf } from '../address.ts';
import {
  billed,
  corrected,
  dropped,
  held,
  limited,
  reasonToRefuse,
  reserved,
  rolled,
  settled,
  takenOf,
  toppedUp,
  windowAt,
  withOpen,
} from './ledger.ts';
import type { Ledger, Reservation } from './ledger.ts';
import { askerOf, isReserved, problemOf } from './message.ts';
import { remainingIn, windowKey } from './window.ts';
import type { BudgetWindow } from './window.ts';
import type {
  BudgetAnswer,
  BudgetBalance,
  BudgetClose,
  BudgetConfigure,
  BudgetCorrect,
  BudgetCost,
  BudgetHold,
  BudgetMessage,
  BudgetNews,
  BudgetProblem,
  BudgetRead,
  BudgetRefusal,
  BudgetRefused,
  BudgetRelay,
  BudgetRelease,
  BudgetReserve,
  BudgetReserved,
  BudgetSettle,
  BudgetTopUp,
} from './words.ts';
import type { Micros } from '../values/money.ts';
import { NOTHING } from '../values/money.ts';
import { hereOf, movedFrom } from '../here.ts';

/** Where an account sits: what it knows of the world in one step. */
export interface Desk {
  readonly self: AnyActorRef;
  readonly now: number;
  find(address: string): AnyActorRef | undefined;
  /** Says something to somebody, or to whoever listens. */
  say(to: AnyActorRef | undefined, news: BudgetNews | BudgetMessage): void;
}

/** A message about a reservation that there is. */
type Word = BudgetSettle | BudgetCorrect | BudgetRelease | BudgetHold;

/** The ledger after any message. */
export function served(before: Ledger, message: BudgetMessage | BudgetAnswer, desk: Desk): Ledger {
  const ledger = rolled(before, desk.now);
  if (message.type === 'budget.reserved')
    return isReserved(message) ? onReserved(ledger, message, desk) : ledger;
  if (message.type === 'budget.refused') return onRefused(ledger, message, desk);
  const problem = problemOf(message);
  if (problem !== undefined) return unfit(ledger, message, desk, problem);
  switch (message.type) {
    case 'budget.reserve':
      return onReserve(ledger, message, desk);
    case 'budget.settle':
      return onBill(ledger, message, message.cost, desk);
    case 'budget.release':
      return onBill(ledger, message, NOTHING, desk);
    case 'budget.correct':
      return onCorrect(ledger, message, desk);
    case 'budget.hold':
      return onHold(ledger, message, desk);
    case 'budget.read':
      return onRead(ledger, message, desk);
    case 'budget.configure':
      return onConfigure(ledger, message, desk);
    case 'budget.topUp':
      return onTopUp(ledger, message, desk);
    case 'budget.close':
      return onClose(ledger, message, desk);
  }
}

function unfit(ledger: Ledger, message: BudgetMessage, desk: Desk, problem: string): Ledger {
  const detail = `${message.type}: ${problem}`;
  if (message.type !== 'budget.reserve') return reject(ledger, message, desk, 'unfit', detail);
  // Anything but a text could be anything, also the whole of somebody's data.
  const ticket = typeof message.ticket === 'string' ? message.ticket : '';
  const here = { as: desk.self.sessionId, at: desk.now };
  desk.say(askerOf(message), { ...refusal(ledger, ticket, 'unfit', here), detail });
  return ledger;
}

// ---- asking ---------------------------------------------------------------------------------------------------

function onReserve(ledger: Ledger, request: BudgetReserve, desk: Desk): Ledger {
  const { ticket, amount, from } = request;
  const name = nameOf(request, desk);
  const known = ledger.open.get(name);
  if (known !== undefined) return onAskedAgain(ledger, name, known, request, desk);
  const relay = relayOf(ledger, request, desk);
  const reason = ledger.settled.has(name) ? 'settled' : reasonToRefuse(ledger, amount, relay);
  if (reason !== undefined) {
    desk.say(from, refusal(ledger, ticket, reason, relay));
    return ledger;
  }
  const taken = takenOf(ledger, amount, relay.at);
  const reservation: Reservation = { ticket, amount, taken, state: 'asking', from, relay };
  return asked(reserved(ledger, name, reservation), name, reservation, desk);
}

function onAskedAgain(
  ledger: Ledger,
  name: string,
  known: Reservation,
  { ticket, amount, from }: BudgetReserve,
  desk: Desk,
): Ledger {
  if (amount !== known.amount) {
    desk.say(from, refusal(ledger, ticket, 'conflict', known.relay));
    return ledger;
  }
  // The next account is asked again too: it may have another life by now, that has never heard of it.
  if (known.state === 'asking') return asked(ledger, name, { ...known, from }, desk);
  desk.say(from, granted(ticket, known));
  return ledger;
}

/** Asks the next account about what is held here; without one it is granted. */
function asked(ledger: Ledger, name: string, reservation: Reservation, desk: Desk): Ledger {
  const { amount, from } = reservation;
  const relay = relayHere(reservation.relay, desk);
  const [next] = relay.path;
  if (next === undefined) return grant(ledger, name, reservation, [], desk);
  const account = desk.find(next);
  if (account === undefined) {
    desk.say(from, {
      type: 'budget.refused',
      ticket: reservation.ticket,
      reason: 'absent',
      account: next,
      remaining: NOTHING,
    });
    return dropped(ledger, name, reservation);
  }
  const onwards = onwardsIn(relay, 0, desk);
  desk.say(account, { type: 'budget.reserve', ticket: name, amount, from: desk.self, relay: onwards });
  return withOpen(ledger, name, reservation);
}

function onReserved(ledger: Ledger, answer: BudgetReserved, desk: Desk): Ledger {
  const { ticket: name, amount, accounts } = answer;
  const reservation = ledger.open.get(name);
  if (reservation === undefined || reservation.amount !== amount) {
    // An earlier question was refused, and this answers one that was asked again. If it is settled, they know already.
    if (!ledger.settled.has(name)) giveBack(name, accounts, desk);
    return ledger;
  }
  if (reservation.state !== 'asking') return ledger;
  if (!ledger.isClosed) return grant(ledger, name, reservation, accounts, desk);
  giveBack(name, accounts, desk);
  desk.say(reservation.from, refusal(ledger, reservation.ticket, 'closed', reservation.relay));
  return dropped(ledger, name, reservation);
}

function onRefused(ledger: Ledger, answer: BudgetRefused, desk: Desk): Ledger {
  const reservation = ledger.open.get(answer.ticket);
  if (reservation?.state !== 'asking') return ledger;
  desk.say(reservation.from, { ...answer, ticket: reservation.ticket });
  return dropped(ledger, answer.ticket, reservation);
}

function grant(
  ledger: Ledger,
  name: string,
  reservation: Reservation,
  path: readonly string[],
  desk: Desk,
): Ledger {
  const relay = { ...reservation.relay, path };
  const known: Reservation = { ...reservation, state: 'granted', from: undefined, relay };
  desk.say(reservation.from, granted(reservation.ticket, known));
  return withOpen(ledger, name, known);
}

function granted(ticket: string, { amount, relay: { as, path } }: Reservation): BudgetReserved {
  return { type: 'budget.reserved', ticket, amount, accounts: [as, ...path] };
}

function refusal(
  ledger: Ledger,
  ticket: string,
  reason: BudgetRefusal,
  { as, at }: Pick<BudgetRelay, 'as' | 'at'>,
): BudgetRefused {
  const window = windowAt(ledger, windowKey(at, ledger.terms.per));
  const remaining = window === undefined ? NOTHING : remainingIn(window);
  return { type: 'budget.refused', ticket, reason, account: as, remaining };
}

// ---- what comes of it -----------------------------------------------------------------------------------------

/** What has cost so much: a settlement, or a release. */
function onBill(ledger: Ledger, word: BudgetSettle | BudgetRelease, cost: Micros, desk: Desk): Ledger {
  const name = nameOfKnown(ledger, word, desk);
  const reservation = ledger.open.get(name);
  if (reservation !== undefined) {
    const after = settled(ledger, name, reservation, cost);
    if (after === undefined) return rejectUncountable(ledger, word, desk);
    tell(reservation.relay, name, word, desk);
    return after;
  }
  const before = ledger.settled.get(name);
  if (before !== undefined) {
    if (before.cost === cost) return ledger;
    const detail = `${word.ticket} was settled with ${before.cost}: send a budget.correct`;
    return reject(ledger, word, desk, 'settled', detail);
  }
  if (word.relay !== undefined) return onForeignBill(ledger, name, word, word.relay, cost, desk);
  // What was refused, or never asked for, may be released.
  return word.type === 'budget.release' ? ledger : rejectUnknown(ledger, word, desk);
}

/** Another account tells of what this one does not know (any more): the money is gone all the same. */
function onForeignBill(
  ledger: Ledger,
  name: string,
  word: Word,
  relay: BudgetRelay,
  cost: Micros,
  desk: Desk,
): Ledger {
  const after = billed(ledger, relay, cost);
  if (after === undefined) return rejectUncountable(ledger, word, desk);
  tell(relay, name, word, desk);
  return after;
}

function onCorrect(ledger: Ledger, word: BudgetCorrect, desk: Desk): Ledger {
  const name = nameOfKnown(ledger, word, desk);
  const reservation = ledger.open.get(name);
  const known = ledger.settled.get(name);
  const relay = reservation?.relay ?? known?.relay ?? word.relay;
  if (relay === undefined) return rejectUnknown(ledger, word, desk);
  const { cost } = word;
  const was = reservation === undefined ? (known?.cost ?? word.was ?? NOTHING) : NOTHING;
  let after: Ledger | undefined;
  if (reservation !== undefined) after = settled(ledger, name, reservation, cost);
  else if (known !== undefined) after = corrected(ledger, name, known, cost);
  else after = billed(ledger, relay, cost - was);
  if (after === undefined) return rejectUncountable(ledger, word, desk);
  if (reservation !== undefined || cost !== was) tell(relay, name, { ...word, was }, desk);
  desk.say(word.from, { type: 'budget.corrected', ticket: word.ticket, was, cost });
  return after;
}

function onHold(ledger: Ledger, word: BudgetHold, desk: Desk): Ledger {
  const name = nameOfKnown(ledger, word, desk);
  const reservation = ledger.open.get(name);
  if (reservation?.state === 'asking')
    return reject(ledger, word, desk, 'unfit', `${word.ticket} is not granted yet`);
  const relay = reservation?.relay ?? word.relay;
  if (relay === undefined) return rejectUnknown(ledger, word, desk);
  tell(relay, name, word, desk);
  return reservation === undefined ? ledger : held(ledger, name, reservation);
}

/** Tells the next account that is still there, and that one the others. */
function tell(given: BudgetRelay, name: string, word: Word, desk: Desk): void {
  const relay = relayHere(given, desk);
  const ticket = movedFrom(given.as, desk.self)(name);
  for (const [index, address] of relay.path.entries()) {
    const account = desk.find(address);
    if (account === undefined) continue;
    const { from: _, ...rest } = word;
    desk.say(account, { ...rest, ticket, relay: onwardsIn(relay, index, desk) });
    return;
  }
}

/** Lets those who hold something for nobody let go of it. */
function giveBack(name: string, accounts: readonly string[], desk: Desk): void {
  const relay: BudgetRelay = { as: '', via: [], path: accounts, at: desk.now, labels: {} };
  tell(relay, name, { type: 'budget.release', ticket: name }, desk);
}

// ---- the way --------------------------------------------------------------------------------------------------

/**
 * What is known of a reservation that is asked for. After this account come those it lies within, and those that were named
 * before; whoever has it already is not asked once more.
 */
function relayOf(
  { terms, as }: Ledger,
  { relay, path = [], labels = {}, owed }: BudgetReserve,
  desk: Desk,
): BudgetRelay {
  const { sessionId } = desk.self;
  const here = relay ?? { as: sessionId, via: [], path, at: desk.now, labels, ...(owed && { owed }) };
  const passed = [...here.via, sessionId];
  const isAhead = (address: string) => !passed.includes(desk.find(address)?.sessionId ?? '');
  const moved = movedFrom(as, desk.self);
  const above = terms.within.map((one) => (typeof one === 'string' ? moved(one) : addressOf(one)));
  return { ...here, path: [...new Set([...above, ...here.path])].filter(isAhead) };
}

/** The same in a fork: accounts of the tree that was forked are those of the fork. */
function relayHere(relay: BudgetRelay, { self }: Desk): BudgetRelay {
  const moved = movedFrom(relay.as, self);
  return { ...relay, as: moved(relay.as), via: relay.via.map(moved), path: relay.path.map(moved) };
}

/** What the account in that place of the path is told, and those behind it. */
const onwardsIn = (relay: BudgetRelay, index: number, { self }: Desk): BudgetRelay => ({
  ...relay,
  as: relay.path[index]!,
  via: [...relay.via, self.sessionId],
  path: relay.path.slice(index + 1),
});

/** What a reservation is called among accounts: two that are asked may be given the same ticket. */
const nameOf = ({ ticket, relay }: Pick<BudgetReserve, 'ticket' | 'relay'>, { self }: Desk): string =>
  relay === undefined ? `${self.sessionId}#${ticket}` : ticket;

/** The same for a word about it. Operators may name it as it is called among accounts. */
function nameOfKnown({ as, open, settled: over }: Ledger, word: Word, desk: Desk): string {
  const name = nameOf(word, desk);
  const known = [name, word.ticket].find((one) => open.has(one) || over.has(one));
  if (known !== undefined || as === desk.self.sessionId) return known ?? word.ticket;
  // A fork has on its books what was asked of its original.
  const names = [...open.keys(), ...over.keys()];
  return names.find((one) => hereOf(one, desk.self) === name) ?? word.ticket;
}

// ---- those who run it -----------------------------------------------------------------------------------------

function onRead(ledger: Ledger, word: BudgetRead, desk: Desk): Ledger {
  const { window: key = ledger.window.key, from } = word;
  const window = [ledger.window, ...ledger.others].find((one) => one.key === key);
  if (window === undefined)
    return reject(ledger, word, desk, 'unknown', `there is nothing on the books of ${key}`);
  desk.say(from, balanceOf(window, desk.self.sessionId));
  return ledger;
}

function balanceOf(window: BudgetWindow, account: string): BudgetBalance {
  const { key, limit, spent, reserved: amount, held: unknown, overdraft, costs } = window;
  return {
    type: 'budget.balance',
    account,
    window: key,
    limit,
    spent,
    reserved: amount,
    held: unknown,
    overdraft,
    remaining: remainingIn(window),
    costs: [...costs].map(([label, cost]) => costOf(label, cost)),
  };
}

function costOf(key: string, cost: number): BudgetCost {
  const label = key.startsWith('agent=') ? 'agent' : 'task';
  return { label, name: key.slice(label.length + 1), cost };
}

function onConfigure(ledger: Ledger, word: BudgetConfigure, desk: Desk): Ledger {
  const { limit, from } = word;
  const after = limited(ledger, limit);
  if (after === undefined) {
    const detail = `the limit cannot be below what is reserved, ${ledger.window.reserved}`;
    return reject(ledger, word, desk, 'reserved', detail);
  }
  desk.say(from, { type: 'budget.configured', limit, was: ledger.window.limit });
  return after;
}

function onTopUp(ledger: Ledger, word: BudgetTopUp, desk: Desk): Ledger {
  if (ledger.terms.limit === undefined)
    return reject(ledger, word, desk, 'misconfigured', 'nobody has said the limit: send a budget.configure');
  const after = toppedUp(ledger, word.amount);
  if (after === undefined) return rejectUncountable(ledger, word, desk);
  desk.say(word.from, { type: 'budget.configured', limit: after.window.limit, was: ledger.window.limit });
  return after;
}

function onClose(ledger: Ledger, word: BudgetClose, desk: Desk): Ledger {
  desk.say(word.from, { type: 'budget.closed' });
  return { ...ledger, isClosed: true };
}

// ---- what makes no sense --------------------------------------------------------------------------------------

function reject(
  ledger: Ledger,
  message: BudgetMessage,
  desk: Desk,
  reason: BudgetProblem,
  detail: string,
): Ledger {
  const ticket = 'ticket' in message && typeof message.ticket === 'string' ? message.ticket : undefined;
  desk.say(askerOf(message), { type: 'budget.rejected', message: message.type, ticket, reason, detail });
  return ledger;
}

function rejectUnknown(ledger: Ledger, word: Word, desk: Desk): Ledger {
  return reject(ledger, word, desk, 'unknown', `there is nothing on the books of ${word.ticket}`);
}

function rejectUncountable(ledger: Ledger, message: BudgetMessage, desk: Desk): Ledger {
  const detail = 'the sum would be less than nothing, or more than can be counted exactly';
  return reject(ledger, message, desk, 'uncountable', detail);
}
