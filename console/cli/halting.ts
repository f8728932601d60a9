/**
 * Commands about the kill switch: what agents, tools, tenants and workflows stand still, and letting them.
 */
import { Option } from 'commander';
import type { HaltRow } from '../control/operations/halts.ts';
import { HALT_KINDS } from '../control/orchestration.ts';
import type { HaltKind } from '../control/orchestration.ts';
import type { Command, Flags } from './command.ts';
import { BY, decider } from './decider.ts';
import { UsageError } from './exit.ts';
import { inert } from './inert.ts';
import type { Session } from './session.ts';
import type { Column } from './table.ts';

const halts: Command = {
  usage: 'halts',
  summary: 'what is halted',
  needs: 'journals',
  examples: ['heddle halts'],
  async run(session) {
    const columns: readonly Column<HaltRow>[] = [
      { head: 'halted', of: ({ key }) => inert(key), paint: () => 'yellow', yields: 2 },
      { head: 'since', of: ({ since }) => session.time(since), paint: () => 'dim' },
      { head: 'by', of: ({ by }) => inert(by ?? ''), yields: 1 },
      { head: 'reason', of: ({ reason }) => inert(reason ?? ''), yields: 1 },
    ];
    await session.list(session.ask('halts', {}), columns, { none: 'nothing is halted' });
  },
};

const REASON = new Option(
  '--reason <text>',
  'why; recorded, and told to whoever waits',
).makeOptionMandatory();

const halt: Command = {
  usage: 'halt <what> [name]',
  summary: 'let an agent, a model, a capability, a tool, a tenant, a workflow, or all stand still at once',
  needs: 'journals',
  writes: () => true,
  options: [BY, REASON],
  examples: [
    "heddle halt agent writer --reason 'it makes up sources'",
    "heddle halt tenant:acme --reason 'asked by the customer'",
    "heddle halt all --reason 'fire drill'",
  ],
  run: (session, [what, name], flags) => decide('halt', session, targetIn(what!, name), flags),
};

const lift: Command = {
  usage: 'lift <what> [name]',
  summary: 'end a halt; what has waited for it goes on',
  needs: 'journals',
  writes: () => true,
  options: [BY, REASON],
  examples: ["heddle lift agent:writer --reason 'mended in version 8'"],
  run: (session, [what, name], flags) => decide('lift', session, targetIn(what!, name), flags),
};

interface Target {
  readonly kind: 'all' | HaltKind;
  readonly name: string | undefined;
}

async function decide(what: 'halt' | 'lift', session: Session, target: Target, flags: Flags): Promise<void> {
  const words = { by: decider(flags), reason: flags.text('reason')! };
  const row = await session.askOne(what, { ...target, ...words });
  if (session.flags.json === true) return session.json(row);
  await session.terminal.line(`${inert(row.key)} was ${row.did} by ${inert(row.by)}`);
}

/** `agent writer`, or `agent:writer` as `halts` lists it. @throws UsageError */
function targetIn(what: string, given: string | undefined): Target {
  const colon = what.indexOf(':');
  const isKey = colon !== -1 && given === undefined;
  const kind = isKey ? what.slice(0, colon) : what;
  const name = isKey ? what.slice(colon + 1) : given;
  if (kind === 'all') {
    if (name === undefined) return { kind, name };
    throw new UsageError(`all is everything, and has no name: ${inert(name)} makes no sense`);
  }
  const known = HALT_KINDS.find((one) => one === kind);
  if (known === undefined)
    throw new UsageError(
      `say what: all, or one of ${HALT_KINDS.join(', ')} with its name, not ${inert(what)}`,
    );
  if (name === undefined || name === '') throw new UsageError(`say which ${known}: ${known} <name>`);
  return { kind: known, name };
}

export const halting: readonly Command[] = [halts, halt, lift];
