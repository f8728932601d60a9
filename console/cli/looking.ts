/**
 * Commands that look at how things are: who is there, how they stand, and why.
 */
import { Option } from 'commander';
import type { ActorRow, TreeNode } from '../control/operations/actors.ts';
import type { PastRow } from '../control/operations/journals.ts';
import type { RowOf } from '../control/operations/table.ts';
import { countOption, wholeOption } from './command.ts';
import type { Command } from './command.ts';
import { Exit } from './exit.ts';
import { inert, inertLines } from './inert.ts';
import { recordColumns, tellToCome } from './journals.ts';
import type { Session } from './session.ts';
import { tellState } from './state.ts';
import type { Column } from './table.ts';
import type { Style } from './terminal.ts';
import { cut, padded, widthOf } from './width.ts';
import { stateWords, styleOf } from './words.ts';

const actorColumns: readonly Column<ActorRow>[] = [
  { head: 'address', of: ({ address }) => inert(address), yields: 2 },
  { head: 'status', of: ({ status }) => status ?? '', paint: ({ status }) => styleOf(status) },
  { head: 'standing', of: ({ standing }) => standing ?? '', paint: ({ standing }) => styleOf(standing) },
  { head: 'state', of: ({ value }) => stateWords(value), yields: 1 },
  { head: 'why', of: ({ why }) => inert(why ?? ''), paint: () => 'red', yields: 1 },
  { head: 'waiting', align: 'right', of: ({ mailbox = 0 }) => (mailbox === 0 ? '' : String(mailbox)) },
];

const ls: Command = {
  usage: 'ls [under]',
  summary: 'everybody who ever lived, and how they stand',
  needs: 'code-if-given',
  options: [new Option('--states', 'the states of those that sleep, too: loads them')],
  examples: ['heddle ls', 'heddle ls order/42'],
  async run(session, [under], flags) {
    const rows = session.ask('actors', { under, states: flags.has('states') });
    await session.list(rows, actorColumns, {
      none: under === undefined ? 'nobody ever lived here' : 'nobody ever lived there',
    });
  },
};

const query: Command = {
  usage: 'query <name> [state]',
  summary: 'the actors of a name, or those of them in a state',
  needs: 'code',
  options: [
    new Option('--status <status>', 'where their life is').choices(['active', 'done', 'error', 'stopped']),
    new Option('--under <address>', 'only this one, and those below it'),
    countOption('--limit <count>', 'at most so many'),
  ],
  examples: [
    'heddle query order open',
    'heddle query report review.waiting --json',
    'heddle query order/payment',
  ],
  async run(session, [name, state], flags) {
    const status = flags.text('status') as 'active' | undefined;
    const where = { status, under: flags.text('under'), limit: flags.whole('limit') };
    await session.list(session.ask('query', { name: name!, state, ...where }), actorColumns, {
      none: 'nobody',
    });
  },
};

// ---- the tree -----------------------------------------------------------------------------------------------------

const tree: Command = {
  usage: 'tree',
  summary: 'who supervises whom, and how they are',
  needs: 'code-if-given',
  examples: ['heddle tree'],
  async run(session) {
    const row = await session.askOne('tree', {});
    if (session.flags.json === true) return session.json(row);
    const lines = [...row.supervisors, ...row.actors].flatMap((node) => drawn(node, '', ''));
    const column = Math.max(...lines.map(({ name }) => widthOf(name)), 0) + 2;
    const { terminal } = session;
    for (const { mark, name, words, style } of lines) {
      const rest = cut(words, terminal.width - column - 2);
      await terminal.line(
        `${terminal.paint(mark.style, mark.text)} ${padded(name, column)}${terminal.paint(style, rest)}`.trimEnd(),
      );
    }
    if (lines.length === 0) terminal.say('nobody is awake');
  },
};

interface DrawnNode {
  readonly mark: { readonly text: string; readonly style: Style };
  readonly name: string;
  readonly words: string;
  readonly style: Style | undefined;
}

function drawn(node: TreeNode, first: string, others: string): readonly DrawnNode[] {
  const name = node.kind === 'supervisor' ? node.id : node.address;
  const below = node.children.flatMap((child, index) => {
    const isLast = index === node.children.length - 1;
    return drawn(child, `${others}${isLast ? '└─ ' : '├─ '}`, `${others}${isLast ? '   ' : '│  '}`);
  });
  return [{ ...looks(node), name: first + inert(name) }, ...below];
}

const GREEN = { text: '●', style: 'green' } as const;
const YELLOW = { text: '◌', style: 'yellow' } as const;
const RED = { text: '✖', style: 'red' } as const;
const DIM = { text: '○', style: 'dim' } as const;

function looks(node: TreeNode): Omit<DrawnNode, 'name'> {
  const restarts = node.restarts === 0 ? [] : [`restarted ${node.restarts}×`];
  if (node.kind === 'supervisor') {
    const { strategy, phase, end } = node;
    // A supervisor counts the restarts it has made, not its own.
    const made = node.restarts === 0 ? [] : [`${node.restarts} restart${node.restarts === 1 ? '' : 's'}`];
    const isUp = phase === 'running';
    const words = [strategy, ...(isUp ? made : [phase, ...(end === undefined ? [] : [end])])].join(', ');
    return { mark: isUp ? GREEN : YELLOW, words, style: styleOf(phase) };
  }
  const { standing, phase, status, value, mailbox } = node;
  const state = value === undefined ? [] : [stateWords(value)];
  const waiting = mailbox === 0 ? [] : [`${mailbox} waiting`];
  const inPhase = phase === undefined || phase === 'running' ? [] : [phase];
  const words = [status === 'active' ? standing : status, ...inPhase, ...state, ...restarts, ...waiting];
  const mark =
    standing === 'crashed' || standing === 'refused'
      ? RED
      : standing === 'up' && status === 'active'
        ? GREEN
        : DIM;
  const isBusy = standing === 'up' && inPhase.length > 0;
  return { mark: isBusy ? YELLOW : mark, words: words.join(', '), style: styleOf(inPhase[0] ?? standing) };
}

// ---- one actor ----------------------------------------------------------------------------------------------------

const SHOWN_RECORDS = 5;

const show: Command = {
  usage: 'show <address>',
  summary: 'one actor: its state, how it stands and why, and its last records',
  needs: 'code-if-given',
  options: [
    wholeOption('-n, --last <count>', `how many records (default: ${SHOWN_RECORDS})`),
    new Option('--full', 'with its timers and the messages under way to it: tells its story again for that'),
  ],
  examples: ['heddle show order/42', 'heddle show order/42 --full'],
  async run(session, [address], flags) {
    const state = await session.askOne('state', { address: address! });
    const toCome = flags.has('full') ? await toComeFor(session, address!) : undefined;
    const last = flags.whole('last') ?? SHOWN_RECORDS;
    const range = { from: undefined, to: undefined, reverse: false, children: false, follow: false };
    const records = session.ask('history', { address: address!, last, ...range });
    if (session.flags.json === true) {
      const all: RowOf<'history'>[] = [];
      for await (const record of records) all.push(record);
      return session.json({ ...state, ...toCome, records: all });
    }
    await tellState(session, state);
    if (toCome !== undefined) await tellToCome(session, toCome);
    await session.terminal.line();
    await session.list(records, recordColumns(session));
  },
};

/** As of its newest record. */
async function toComeFor(session: Session, address: string): Promise<Pick<PastRow, 'timers' | 'waiting'>> {
  const range = { from: undefined, to: undefined, reverse: false, children: false, follow: false };
  const { seq } = await session.askOne('history', { address, last: 1, ...range });
  const { timers, waiting } = await session.askOne('at', { address, seq });
  return { timers, waiting };
}

const explain: Command = {
  usage: 'explain <address>',
  summary: 'why an actor is where it is, in words',
  needs: 'code-if-given',
  examples: ['heddle explain ledger/books'],
  async run(session, [address]) {
    const row = await session.askOne('explain', { address: address! });
    if (session.flags.json === true) return session.json(row);
    for (const line of inertLines(row.why)) await session.terminal.line(line);
  },
};

const stuckColumns: readonly Column<RowOf<'stuck'>>[] = [
  { head: 'address', of: ({ address }) => inert(address), yields: 2 },
  {
    head: 'reason',
    of: ({ reason }) => reason,
    paint: ({ reason }) => (reason === 'refused' ? 'red' : 'yellow'),
  },
  { head: 'state', of: ({ value }) => stateWords(value), yields: 1 },
  { head: 'why', of: ({ why }) => inert(why), yields: 1 },
];

const stuck: Command = {
  usage: 'stuck',
  summary: 'actors that nothing will ever move again; exits with 1 if there are any',
  needs: 'running',
  examples: ['heddle stuck'],
  async run(session) {
    using _ = session.terminal.working(() => 'looking at all actors');
    const count = await session.list(session.ask('stuck', {}), stuckColumns, { none: 'nobody is stuck' });
    if (count > 0) session.exitCode = Exit.No;
  },
};

export const looking: readonly Command[] = [ls, query, tree, show, explain, stuck];
