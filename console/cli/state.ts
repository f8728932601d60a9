/**
 * The state of an actor for people: a heading, and what is known of it line by line.
 */
import type { StateRow } from '../control/operations/actors.ts';
import type { Json } from '../control/tagged.ts';
import { LABEL, linesUnder, tellFields } from './fields.ts';
import { inert, inertLines } from './inert.ts';
import type { Session } from './session.ts';
import { shown, thrownText } from './shown.ts';
import { padded } from './width.ts';
import { stateWords, styleOf } from './words.ts';

export async function tellState({ terminal }: Session, row: StateRow): Promise<void> {
  const { address, status, value, context, output, error, children, standing, phase, mailbox, why } = row;
  await terminal.line(terminal.paint('bold', inert(address)));
  await tellFields(terminal, [
    ['state', stateWords(value)],
    ['status', status ?? '', styleOf(status)],
    ['standing', [standing, phase].filter(Boolean).join(', '), styleOf(standing)],
    ['restarts', row.restarts === undefined || row.restarts === 0 ? '' : String(row.restarts)],
    ['waiting', mailbox === undefined || mailbox === 0 ? '' : `${mailbox} messages`],
    ['children', (children ?? []).map(inert).join(', ')],
    ...linesUnder('context', fieldsOf(context)),
    ['output', output === undefined ? '' : shown(output)],
    ['error', error === undefined ? '' : thrownText(error), 'red'],
  ]);
  if (why === undefined) return;
  for (const [index, text] of inertLines(why).entries())
    await terminal.line(`  ${terminal.paint('dim', padded(index === 0 ? 'why' : '', LABEL))}${text}`);
}

/** A value field by field, since it is mostly too long for one line. */
export function fieldsOf(context: Json | undefined): readonly string[] {
  if (context === undefined) return [];
  const isPlain =
    typeof context === 'object' &&
    context !== null &&
    !Array.isArray(context) &&
    !Object.keys(context).some((key) => /^\$(?!\$)/.test(key));
  if (!isPlain) return [shown(context)];
  return Object.entries(context).map(([key, item]) => `${inert(key)}: ${shown(item)}`);
}
