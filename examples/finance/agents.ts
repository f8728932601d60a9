/**
 * The agents of a financial check. They calculate, compare and keep books, on data of their own; nobody is asked anything over a wire.
 */
import { agent, FaultError, microsOf, result } from 'heddle/actors';
import type { Assignment, Inferred } from 'heddle/actors';
import { fields, FLAG, listOf, NAME, NUMBER } from '../stage/schemas.ts';
import { note } from '../stage/world.ts';

/** A payment that is asked for, and the file in which the world notes what was done. */
export const PAYMENT = fields({ client: NAME, payee: NAME, amount: NUMBER, world: NAME });
type Payment = Inferred<typeof PAYMENT>;

const ENTRY = fields({ text: NAME, amount: NUMBER });
const STATEMENT = fields({ assets: listOf(ENTRY), debts: listOf(ENTRY) });
const RATIOS = fields({ assets: NUMBER, debts: NUMBER, liquidity: NUMBER });

const BOOKS: Readonly<Record<string, Inferred<typeof STATEMENT>>> = {
  north: {
    assets: [
      { text: 'bank', amount: 41_000 },
      { text: 'goods', amount: 9_500 },
    ],
    debts: [{ text: 'suppliers', amount: 20_200 }],
  },
  south: {
    assets: [{ text: 'bank', amount: 12_000 }],
    debts: [
      { text: 'suppliers', amount: 6_000 },
      { text: 'taxes', amount: 1_500 },
    ],
  },
};

const SANCTIONED = ['Harbour Trading Ltd', 'Old Mill Holding'];

/** One piece of work, told to the world. */
function done<TOutput extends Readonly<Record<string, unknown>>>(
  assignment: Assignment<{ readonly payment: Payment }>,
  what: string,
  cost: number,
  output: TOutput,
  confidence = 1,
) {
  const { payment } = assignment.input;
  note(payment.world, `${what} for ${payment.client}`, assignment.idempotencyKey);
  return Promise.resolve(result(assignment, { output, cost, duration: 0, model: 'local', confidence }));
}

const bank = agent({
  name: 'bank',
  capabilities: ['statement'],
  model: 'local',
  estimate: () => 0.02,
  inputSchema: fields({ payment: PAYMENT }),
  outputSchema: STATEMENT,
  execute: (assignment) => {
    const { client } = assignment.input.payment;
    if (client === 'north' && assignment.attempt === 1)
      throw new FaultError({ class: 'server-error', message: '502, bad gateway', cost: microsOf(0) });
    return done(assignment, 'statement', 0.02, BOOKS[client]!);
  },
});

const sumOf = (entries: readonly { readonly amount: number }[]): number =>
  entries.reduce((sum, { amount }) => sum + amount, 0);

const analyst = agent({
  name: 'analyst',
  capabilities: ['ratios'],
  model: 'local',
  estimate: () => 0.08,
  inputSchema: fields({ payment: PAYMENT, statement: STATEMENT }),
  outputSchema: RATIOS,
  execute: (assignment) => {
    const { statement } = assignment.input;
    const [assets, debts] = [sumOf(statement.assets), sumOf(statement.debts)];
    return done(assignment, 'ratios', 0.08, {
      assets,
      debts,
      liquidity: Math.round((assets / debts) * 100) / 100,
    });
  },
});

/** The share of the words of one name that stand in the other. */
function likeness(name: string, other: string): number {
  const words = name.toLowerCase().split(' ');
  const others = new Set(other.toLowerCase().split(' '));
  return words.filter((word) => others.has(word)).length / words.length;
}

/** Says how sure it is: a name that is like one on the list is for people. */
const screener = agent({
  name: 'screener',
  capabilities: ['screen'],
  model: 'local',
  estimate: () => 0.03,
  inputSchema: fields({ payment: PAYMENT }),
  outputSchema: fields({ isSanctioned: FLAG, nearest: NAME }),
  execute: (assignment) => {
    const { payee } = assignment.input.payment;
    const [nearest] = SANCTIONED.toSorted((a, b) => likeness(payee, b) - likeness(payee, a));
    const isSanctioned = SANCTIONED.includes(payee);
    const confidence = isSanctioned ? 1 : Math.round((1 - likeness(payee, nearest!)) * 100) / 100;
    return done(assignment, 'screen', 0.03, { isSanctioned, nearest: nearest! }, confidence);
  },
});

const BOOKED = fields({ reference: NAME });
const UNDO = fields({ payment: PAYMENT, reference: NAME });

/** Changes something out there, or takes it back. */
const clerkFor = (name: string, inputSchema: typeof UNDO | typeof ONLY_PAYMENT) =>
  agent({
    name,
    capabilities: [name],
    model: 'local',
    estimate: () => 0.01,
    inputSchema,
    outputSchema: BOOKED,
    execute: (assignment) =>
      done(assignment, name, 0.01, { reference: `${name}:${assignment.input.payment.client}` }),
  });

const ONLY_PAYMENT = fields({ payment: PAYMENT });

export const agents = {
  ...{ bank, analyst, screener },
  earmark: clerkFor('earmark', ONLY_PAYMENT),
  unearmark: clerkFor('unearmark', UNDO),
  book: clerkFor('book', ONLY_PAYMENT),
  unbook: clerkFor('unbook', UNDO),
  pay: clerkFor('pay', ONLY_PAYMENT),
};
