/**
 * The agents of the intake. The scanner is cheap and makes mistakes, each of another kind, and always the same; the parser is careful.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { agent, result } from 'heddle/actors';
import type { Assignment, Inferred } from 'heddle/actors';
import { fields, listOf, NAME, NUMBER, TEXT } from '../stage/schemas.ts';
import { note } from '../stage/world.ts';

/** The input of a run: where the papers are, where they go, and the file in which the world notes what was done. */
export const ROUND = fields({ papers: NAME, archive: NAME, world: NAME });
export const PAPER = fields({ round: ROUND, paper: NAME });

const LINE = fields({ text: TEXT, quantity: NUMBER, price: NUMBER, amount: NUMBER });
export const INVOICE = fields({ number: NAME, supplier: NAME, lines: listOf(LINE), total: NUMBER });
export type Invoice = Inferred<typeof INVOICE>;
type Round = Inferred<typeof ROUND>;

const THINK_MS = 60;

/** Thinks, works, and the world hears of it. */
async function done<TOutput extends Readonly<Record<string, unknown>>>(
  assignment: Assignment<{ readonly round: Round }>,
  what: string,
  cost: number,
  work: () => TOutput,
) {
  await sleep(THINK_MS, undefined, { signal: assignment.signal });
  const output = work();
  note(assignment.input.round.world, what, assignment.idempotencyKey);
  return result(assignment, { output, cost, duration: THINK_MS, model: 'local', confidence: 1 });
}

const textOf = ({ round, paper }: Inferred<typeof PAPER>): string =>
  readFileSync(join(round.papers, paper), 'utf8');

const mailroom = agent({
  name: 'mailroom',
  capabilities: ['list'],
  model: 'local',
  inputSchema: fields({ round: ROUND }),
  outputSchema: fields({ papers: listOf(NAME) }),
  execute: (assignment) =>
    done(assignment, 'list', 0, () => ({ papers: readdirSync(assignment.input.round.papers).sort() })),
});

const classifier = agent({
  name: 'classifier',
  capabilities: ['classify'],
  model: 'local',
  estimate: () => 0.001,
  inputSchema: PAPER,
  outputSchema: fields({ kind: { enum: ['invoice', 'letter'] } }),
  execute: (assignment) =>
    done(assignment, `classify ${assignment.input.paper}`, 0.001, () => ({
      kind: textOf(assignment.input).startsWith('INVOICE') ? ('invoice' as const) : ('letter' as const),
    })),
});

function read(text: string): Invoice {
  const [head = '', from = '', ...rest] = text.split('\n').filter((line) => line !== '');
  const total = rest.pop()!;
  return {
    number: head.replace('INVOICE ', ''),
    supplier: from.replace('From: ', ''),
    lines: rest.map((line) => {
      const [item = '', ...numbers] = line.split(' | ');
      const [quantity = 0, price = 0, amount = 0] = numbers.map(Number);
      return { text: item, quantity, price, amount };
    }),
    total: Number(total.replace('Total: ', '')),
  };
}

/** What the scanner makes of some papers. Told where it was wrong, it looks again, and does better with most. */
function misread(paper: string, invoice: Invoice, isToldWhy: boolean): unknown {
  const { total, lines, ...rest } = invoice;
  const [first, ...others] = lines;
  switch (paper) {
    case 'boiler.txt':
      return { ...invoice, total: String(total) };
    case 'garden.txt':
      return { ...rest, total };
    case 'roof.txt':
      return isToldWhy ? invoice : { ...rest, lines };
    case 'kitchen.txt':
      return isToldWhy ? invoice : { ...invoice, lines: [{ ...first, amount: 2650 }, ...others] };
    default:
      return invoice;
  }
}

const scanner = agent({
  name: 'scanner',
  capabilities: ['extract'],
  model: 'local',
  estimate: () => 0.002,
  repairs: ['numbers-from-text'],
  inputSchema: PAPER,
  outputSchema: INVOICE,
  execute: (assignment) =>
    done(assignment, `scan ${assignment.input.paper}`, 0.002, () => {
      const invoice = read(textOf(assignment.input));
      // What it says is what it says: its contract is held against it by whoever asks.
      return misread(assignment.input.paper, invoice, assignment.problems !== undefined) as Invoice;
    }),
});

const parser = agent({
  name: 'parser',
  capabilities: ['extract'],
  model: 'local',
  estimate: () => 0.01,
  inputSchema: PAPER,
  outputSchema: INVOICE,
  execute: (assignment) =>
    done(assignment, `parse ${assignment.input.paper}`, 0.01, () => read(textOf(assignment.input))),
});

const archivist = agent({
  name: 'archivist',
  capabilities: ['archive'],
  model: 'local',
  estimate: () => 0.001,
  inputSchema: fields({ round: ROUND, paper: NAME, content: { type: 'object' } }),
  outputSchema: fields({ shelf: NAME }),
  execute: (assignment) => {
    const { round, paper, content } = assignment.input;
    return done(assignment, `archive ${paper}`, 0.001, () => {
      mkdirSync(round.archive, { recursive: true });
      writeFileSync(join(round.archive, `${paper}.json`), JSON.stringify(content, undefined, 2));
      return { shelf: `${paper}.json` };
    });
  },
});

export const agents = { mailroom, classifier, scanner, parser, archivist };
