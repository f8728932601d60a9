/**
 * Commands that move something, or let it stand still.
 */
import { Option } from 'commander';
import type { MigrationRow, PauseRow } from '../control/operations/decisions.ts';
import type { Json } from '../control/tagged.ts';
import { BY, decider } from './decider.ts';
import { collected, momentIn } from './command.ts';
import type { Command, Flags } from './command.ts';
import { Exit, UsageError } from './exit.ts';
import { readInput } from './files.ts';
import { inert } from './inert.ts';
import type { Session } from './session.ts';
import type { Column } from './table.ts';

const send: Command = {
  usage: 'send <address> <type>',
  summary: 'send an event to an actor, and wait until it is on the disk',
  needs: 'running',
  options: [
    new Option(
      '--data <json>',
      'what else the event carries, as a JSON object; - reads it from the standard input',
    ),
    new Option('--field <name=value>', 'one field as a text; may be repeated').argParser(collected),
    new Option('--id <key>', 'an idempotency key: the same key is applied once'),
  ],
  examples: [
    'heddle send order/42 pay --data \'{"cents":1250}\' --id payment-7',
    'heddle send order/42 rename --field title=Kettle',
    'jq -c .order import.json | heddle send order/42 replace --data -',
  ],
  async run(session, [address, type], flags) {
    const data = { ...(await dataIn(flags.text('data'), session.signal)), ...fieldsIn(flags.texts('field')) };
    // Said first, and not overridden by what it carries.
    const event = Object.assign({ type: type! }, data, { type: type! });
    const row = await session.askOne('send', { address: address!, event, id: flags.text('id') });
    if (session.flags.json === true) return session.json(row);
    const { seq, commit, hash } = row;
    await session.terminal.line(
      `${inert(address!)} has taken ${inert(type!)} as record ${seq} (commit ${commit}, hash ${hash.slice(0, 16)})`,
    );
  },
};

/** What `--data` says. @throws UsageError */
async function dataIn(given: string | undefined, signal: AbortSignal): Promise<JsonObject> {
  return jsonIn('--data', given === '-' ? await readInput(signal) : given) ?? {};
}

type JsonObject = { readonly [key: string]: Json };

/** The JSON object that a flag has been given, if it has. @throws UsageError */
function jsonIn(flag: string, given: string | undefined): JsonObject | undefined {
  if (given === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(given);
  } catch (error) {
    throw new UsageError(`${flag} must be JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new UsageError(`${flag} must be a JSON object`);
  return json as JsonObject;
}

/** What `--field` says, each `name=value`. @throws UsageError */
function fieldsIn(given: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    given.map((field) => {
      const at = field.indexOf('=');
      if (at < 1) throw new UsageError(`--field must be name=value, not ${inert(field)}`);
      const name = field.slice(0, at);
      // A name may begin with the sign that tags have.
      return [name.startsWith('$') ? `$${name}` : name, field.slice(at + 1)];
    }),
  );
}

const moment = (flags: Flags) => {
  const { seq: at, of: recordOf } = flags.moment('at') ?? {};
  return { at, recordOf };
};

const fork: Command = {
  usage: 'fork <address> <as>',
  summary: 'let a root actor, as it stood at a record, live on under another address as well',
  needs: 'code',
  writes: () => true,
  options: [
    new Option('--at <record>', 'the record: 3, or order/42/checks@3 (default: the newest)').argParser(
      momentIn,
    ),
    new Option('--effects <how>', 'what becomes of its actions and processes (default: hold)').choices([
      'hold',
      'reuse',
      'rerun',
    ]),
    new Option('--state <json>', 'what is different in its state: {"context":{…}}'),
    new Option('--event <json>', 'an event that it gets'),
    BY,
  ],
  examples: [
    'heddle fork order/42 order/42-what-if --at 3',
    'heddle fork order/42 order/42-again --at order/42/checks@3',
    'heddle fork order/42 order/99 --event \'{"type":"cancel"}\'',
  ],
  async run(session, [address, as], flags) {
    const effects = flags.text('effects') as 'hold' | undefined;
    const changes = {
      state: jsonIn('--state', flags.text('state')),
      event: jsonIn('--event', flags.text('event')),
    };
    const args = {
      address: address!,
      as: as!,
      ...moment(flags),
      effects,
      by: decider(flags),
      ...changes,
    };
    const row = await session.askOne('fork', args);
    if (session.flags.json === true) return session.json(row);
    const { terminal } = session;
    const whose = row.recordOf === undefined ? '' : ` of ${inert(row.recordOf)}`;
    const when = row.at === undefined ? 'its newest record' : `record ${row.at}${whose}`;
    await terminal.line(
      `${inert(row.of)} as of ${when} lives on as ${inert(row.address)} (record ${row.seq})`,
    );
    if (row.effects === 'hold')
      await terminal.line(`what it does to the world is held: heddle perform ${inert(row.address)}`);
  },
};

const perform: Command = {
  usage: 'perform <address>',
  summary: 'carry out what a fork owes whose effects are held',
  needs: 'running',
  examples: ['heddle perform order/42-what-if'],
  async run(session, [address]) {
    const row = await session.askOne('perform', { address: address! });
    if (session.flags.json === true) return session.json(row);
    await session.terminal.line(`${inert(row.address)} does now what it owes`);
  },
};

// ---- code that has changed ----------------------------------------------------------------------------------------

const migrate: Command = {
  usage: 'migrate',
  summary: "take actors that were last run by other code to today's; exits with 1 if one is refused",
  needs: 'code',
  writes: (flags) => !flags.has('dryRun'),
  options: [
    new Option('--dry-run', 'only say what would become of each'),
    new Option('--name <name>', 'only actors of this name, and those below them'),
    new Option('--address <address>', 'only this actor, and those below it'),
  ],
  examples: ['heddle migrate --dry-run', 'heddle migrate --name order'],
  async run(session, _, flags) {
    using _working = session.terminal.working(() => 'looking at all actors');
    const which = { name: flags.text('name'), address: flags.text('address') };
    const rows = session.ask(flags.has('dryRun') ? 'migrations' : 'migrate', which);
    await session.list(refusedNoted(rows, session), migrationColumns, {
      none: 'nobody was last run by other code',
    });
  },
};

async function* refusedNoted(
  rows: AsyncIterable<MigrationRow>,
  session: Session,
): AsyncGenerator<MigrationRow> {
  for await (const row of rows) {
    if (row.outcome === 'refused') session.exitCode = Exit.No;
    yield row;
  }
}

const OUTCOME_STYLE = { fits: undefined, migrated: 'green', refused: 'red' } as const;

const migrationColumns: readonly Column<MigrationRow>[] = [
  { head: 'address', of: ({ address }) => inert(address), yields: 2 },
  { head: 'outcome', of: ({ outcome }) => outcome, paint: ({ outcome }) => OUTCOME_STYLE[outcome] },
  { head: 'from', of: ({ from }) => `v${from.version}` },
  { head: 'to', of: ({ to }) => (to === undefined ? '' : `v${to.version}`) },
  { head: 'changed', of: ({ changed }) => inert(changed.join(', ')), yields: 1 },
  { head: 'because', of: ({ reason }) => inert(reason ?? ''), paint: () => 'red', yields: 1 },
];

// ---- pauses -------------------------------------------------------------------------------------------------------

const REASON = new Option('--reason <text>', 'why; recorded');

/** What is paused: an address has a slash, a name has none. */
const targetOf = (text: string | undefined) => ({
  address: text?.includes('/') === true ? text : undefined,
  name: text?.includes('/') === false ? text : undefined,
});

const targetWords = (target: PauseRow['target']): string =>
  target === undefined
    ? 'everything'
    : 'name' in target
      ? inert(`all of ${target.name}`)
      : inert(target.address);

async function decide(
  what: 'pause' | 'resume',
  session: Session,
  target: string | undefined,
  flags: Flags,
): Promise<void> {
  const words = { by: decider(flags), reason: flags.text('reason') };
  const row = await session.askOne(what, { ...targetOf(target), ...words });
  if (session.flags.json === true) return session.json(row);
  await session.terminal.line(`${targetWords(row.target)} was ${row.did} by ${inert(words.by)}`);
}

const pause: Command = {
  usage: 'pause [target]',
  summary: 'let an actor and all below it, all of a name, or everything stand still until it is resumed',
  needs: 'code',
  writes: () => true,
  options: [BY, REASON],
  examples: ["heddle pause order/42 --reason 'asked by the customer'", 'heddle pause mailer', 'heddle pause'],
  run: (session, [target], flags) => decide('pause', session, target, flags),
};

const resume: Command = {
  usage: 'resume [target]',
  summary: 'let what was paused go on',
  needs: 'running',
  options: [BY, REASON],
  examples: ['heddle resume order/42'],
  run: (session, [target], flags) => decide('resume', session, target, flags),
};

const paused: Command = {
  usage: 'paused',
  summary: 'what stands still because somebody has said so',
  needs: 'journals',
  examples: ['heddle paused'],
  async run(session) {
    const columns: readonly Column<PauseRow>[] = [
      { head: 'paused', of: ({ target }) => targetWords(target), yields: 2 },
      { head: 'since', of: ({ since }) => session.time(since), paint: () => 'dim' },
      { head: 'by', of: ({ by }) => inert(by ?? ''), yields: 1 },
      { head: 'reason', of: ({ reason }) => inert(reason ?? ''), yields: 1 },
    ];
    await session.list(session.ask('paused', {}), columns, { none: 'nothing is paused' });
  },
};

export const moving: readonly Command[] = [send, fork, perform, migrate, pause, resume, paused];
