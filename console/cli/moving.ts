/**
 * Commands that move something: sending an event from outside.
 */
import { text as readAll } from 'node:stream/consumers';
import { Option } from 'commander';
import type { Json } from '../control/tagged.ts';
import type { Command } from './command.ts';
import { UsageError } from './exit.ts';
import { inert } from './inert.ts';

const send: Command = {
  usage: 'send <address> <type>',
  summary: 'send an event to an actor, and wait until it is on the disk',
  code: 'needed',
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
    const data = { ...(await dataIn(flags.text('data'))), ...fieldsIn(flags.texts('field')) };
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

function collected(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

/** What `--data` says. @throws UsageError */
async function dataIn(given: string | undefined): Promise<{ readonly [key: string]: Json }> {
  if (given === undefined) return {};
  let json: unknown;
  try {
    json = JSON.parse(given === '-' ? await readAll(process.stdin) : given);
  } catch (error) {
    throw new UsageError(`--data must be JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new UsageError('--data must be a JSON object');
  return json as { readonly [key: string]: Json };
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

export const moving: readonly Command[] = [send];
