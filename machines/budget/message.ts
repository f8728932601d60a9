/**
 * What makes sense as a message to an account. Whatever comes is looked at here first, part by part: nobody's types are
 * trusted, since messages come from files, the command line and other processes too. It changes nothing and repairs nothing.
 */
import type { BudgetMessage, BudgetReserve, BudgetReserved } from './words.ts';
import { isMicros } from '../values/money.ts';

/** What is wrong with a value; undefined when nothing is. */
type Problem = (value: unknown) => string | undefined;

const TICKET_LENGTH = 500;
/** What a ticket is called among accounts: with the session id of the one that was asked. */
const NAME_LENGTH = 2 * TICKET_LENGTH;
const TEXT_LENGTH = 1000;
/** So many accounts may be named in one list. */
export const LIST_LENGTH = 16;
/** So many accounts may hold one reservation. */
const CHAIN_LENGTH = 32;
/** Moments with a year of four digits: keys of windows are compared as text. */
const LAST_MOMENT = Date.UTC(9999, 11, 31);

const text =
  (longest: number): Problem =>
  (value) =>
    typeof value === 'string' && value !== '' && value.length <= longest
      ? undefined
      : `must be a text of 1 to ${longest} characters`;

const micros: Problem = (value) =>
  isMicros(value) ? undefined : 'must be an amount in micro-units: a whole number, at least 0';

const optional =
  (problem: Problem): Problem =>
  (value) =>
    value === undefined ? undefined : problem(value);

const oneOf =
  (...values: readonly string[]): Problem =>
  (value) =>
    values.includes(value as string) ? undefined : `must be one of ${values.join(', ')}`;

const ref: Problem = (value) =>
  typeof value === 'object' && value !== null && 'send' in value && typeof value.send === 'function'
    ? undefined
    : 'must be a reference to an actor';

const isAddress = (value: unknown): boolean => text(TICKET_LENGTH)(value) === undefined;

/** A list of addresses. */
const addresses: Problem = (value) => {
  if (!Array.isArray(value) || value.length > LIST_LENGTH)
    return `must be a list of at most ${LIST_LENGTH} addresses`;
  return value.every(isAddress) ? undefined : 'must be a list of addresses, such as budget/acme';
};

/** A list of accounts, by their addresses or by reference. */
export const accounts: Problem = (value) => {
  if (!Array.isArray(value) || value.length > LIST_LENGTH)
    return `must be a list of at most ${LIST_LENGTH} accounts`;
  return value.every((one) => isAddress(one) || ref(one) === undefined)
    ? undefined
    : 'must be a list of addresses, such as budget/acme, or of references';
};

const chain: Problem = (value) =>
  Array.isArray(value) &&
  value.length <= CHAIN_LENGTH &&
  value.every((one) => text(TICKET_LENGTH)(one) === undefined)
    ? undefined
    : `must be a list of at most ${CHAIN_LENGTH} accounts`;

const isSo: Problem = (value) => (value === true ? undefined : 'must be true, or not there');

const moment: Problem = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= LAST_MOMENT
    ? undefined
    : 'must be a moment, in ms since the epoch';

const parts =
  (what: string, problems: Readonly<Record<string, Problem>>): Problem =>
  (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return `must be ${what}`;
    const wrong = problemOfParts(value, problems);
    return wrong === undefined ? undefined : `is not ${what}: its ${wrong}`;
  };

function problemOfParts(value: object, problems: Readonly<Record<string, Problem>>): string | undefined {
  const stranger = Object.keys(value).find((name) => !Object.hasOwn(problems, name));
  if (stranger !== undefined)
    return `'${stranger}' means nothing; there are ${Object.keys(problems).join(', ')}`;
  for (const [name, problem] of Object.entries(problems)) {
    const wrong = problem((value as Readonly<Record<string, unknown>>)[name]);
    if (wrong !== undefined) return `${name} ${wrong}`;
  }
  return undefined;
}

const labels = parts('labels', { agent: optional(text(TICKET_LENGTH)), task: optional(text(TICKET_LENGTH)) });

const relay = parts('what an account tells the next', {
  as: text(TICKET_LENGTH),
  via: chain,
  path: chain,
  at: moment,
  labels,
  owed: optional(isSo),
});

const anything: Problem = () => undefined;
const common = { type: anything, from: optional(ref) };
const ticketed = { ...common, ticket: text(NAME_LENGTH), relay: optional(relay) };
const bill = {
  ...ticketed,
  cost: micros,
  source: oneOf('provider', 'local', 'agent'),
  price: optional(text(TICKET_LENGTH)),
};
const signed = { ...common, by: text(TICKET_LENGTH), reason: text(TEXT_LENGTH) };

const MESSAGES: Readonly<Record<BudgetMessage['type'], Readonly<Record<string, Problem>>>> = {
  'budget.reserve': {
    ...{ ...ticketed, amount: micros },
    ...{ path: optional(addresses), labels: optional(labels), owed: optional(isSo) },
  },
  'budget.settle': bill,
  'budget.correct': { ...bill, was: optional(micros) },
  'budget.release': ticketed,
  'budget.hold': ticketed,
  'budget.read': { ...common, window: optional(text(TICKET_LENGTH)) },
  'budget.configure': { ...signed, limit: micros },
  'budget.topUp': { ...signed, amount: micros },
  'budget.close': signed,
};

/** What is wrong with a message, for people; undefined when nothing is. */
export function problemOf(message: BudgetMessage): string | undefined {
  const wrong = problemOfParts(message, MESSAGES[message.type]);
  if (wrong !== undefined) return wrong;
  if (message.type === 'budget.reserve') return problemOfReserve(message);
  if (message.type === 'budget.correct' && (message.was === undefined) !== (message.relay === undefined))
    return 'was goes together with relay: an account knows by itself what it was told';
  return undefined;
}

function problemOfReserve(message: BudgetReserve): string | undefined {
  const { ticket, path, labels: given, owed, relay: rest } = message;
  if (rest === undefined) {
    const wrong = text(TICKET_LENGTH)(ticket);
    return wrong === undefined ? undefined : `ticket ${wrong}`;
  }
  if (path !== undefined || given !== undefined || owed !== undefined)
    return 'path, labels and owed stand in relay when there is one';
  return rest.via.length === 0 ? 'relay.via names the account that was asked first' : undefined;
}

/** Whether an answer is one that another account would give. */
export const isReserved = ({ ticket, accounts }: BudgetReserved): boolean =>
  typeof ticket === 'string' && chain(accounts) === undefined;

/** Whoever is to hear of a message, however little sense that makes. */
export const askerOf = ({ from }: BudgetMessage) => (ref(from) === undefined ? from : undefined);
