/**
 * Commands about dead letters: events that could not be applied and actions that could not be done, and what a person decides.
 */
import { Option } from 'commander';
import type { LetterRow } from '../control/operations/decisions.ts';
import { wholeNumber } from './command.ts';
import type { Command } from './command.ts';
import { BY, decider } from './decider.ts';
import { UsageError } from './exit.ts';
import { inert } from './inert.ts';
import type { Session } from './session.ts';
import { thrownText } from './shown.ts';
import type { Column } from './table.ts';
import { stateWords, typeOf } from './words.ts';

const columns = (session: Session): readonly Column<LetterRow>[] => [
  { head: 'letter', align: 'right', of: ({ id }) => String(id) },
  { head: 'time', of: ({ at }) => session.time(at), paint: () => 'dim' },
  { head: 'address', of: ({ address }) => inert(address), yields: 2 },
  {
    head: 'what',
    of: ({ event, action }) => (event === undefined ? inert(`action ${action}`) : typeOf(event)),
    yields: 1,
  },
  { head: 'in state', of: ({ state }) => stateWords(state), yields: 1 },
  { head: 'retries', align: 'right', of: ({ retries }) => (retries === 0 ? '' : String(retries)) },
  { head: 'error', of: ({ error }) => thrownText(error), paint: () => 'red', yields: 1 },
];

const deadLetters: Command = {
  usage: 'dead-letters [address]',
  summary: 'events that could not be applied, and actions that could not be done',
  needs: 'journals',
  examples: ['heddle dead-letters', 'heddle dead-letters order/7 --json'],
  async run(session, [address]) {
    await session.list(session.ask('deadLetters', { address }), columns(session), {
      none: 'no dead letters',
    });
  },
};

const retry: Command = {
  usage: 'retry <letter>',
  summary: 'try a dead letter again: send its event, or do its action, once more',
  needs: 'running',
  options: [BY],
  examples: ['heddle retry 9', 'heddle retry 9 --by ada'],
  async run(session, [letter], flags) {
    const row = await session.askOne('retry', { id: letterIn(letter), by: decider(flags) });
    if (session.flags.json === true) return session.json(row);
    const { id, address, seq, by } = row;
    const where = seq === undefined ? '' : ` as record ${seq}`;
    await session.terminal.line(
      `letter ${id} was tried again by ${inert(by)}: ${inert(address)} has taken it${where}`,
    );
  },
};

const discard: Command = {
  usage: 'discard <letter>',
  summary: 'give a dead letter up; it moves into the journal of heddle/system',
  needs: 'journals',
  writes: () => true,
  options: [BY, new Option('--reason <text>', 'why; kept as evidence').makeOptionMandatory()],
  examples: ["heddle discard 10 --reason 'the customer was told'"],
  async run(session, [letter], flags) {
    const [by, reason] = [decider(flags), flags.text('reason')!];
    const row = await session.askOne('discard', { id: letterIn(letter), by, reason });
    if (session.flags.json === true) return session.json(row);
    const { id, address, seq } = row;
    await session.terminal.line(
      `letter ${id} of ${inert(address)} was given up by ${inert(by)}: heddle/system has it as record ${seq}`,
    );
  },
};

function letterIn(text: string | undefined): number {
  try {
    return wholeNumber(text!);
  } catch (error) {
    throw new UsageError(`a letter is named by its number, not ${inert(String(text))}`, { cause: error });
  }
}

export const letters: readonly Command[] = [deadLetters, retry, discard];
