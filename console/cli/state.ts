/**
 * The state of an actor for people: a heading, and what is known of it line by line.
 */
import type { StateRow } from '../control/operations/actors.ts';
import { inert, inertLines } from './inert.ts';
import type { Session } from './session.ts';
import { shown, thrownText } from './shown.ts';
import type { Style } from './terminal.ts';
import { cut, padded } from './width.ts';
import { stateWords, styleOf } from './words.ts';

const LABEL = 10;

export async function tellState({ terminal }: Session, row: StateRow): Promise<void> {
  const { address, status, value, context, output, error, children, standing, phase, mailbox, why } = row;
  await terminal.line(terminal.paint('bold', inert(address)));
  const line = async (label: string, text: string, style?: Style): Promise<void> => {
    if (text === '') return;
    const room = terminal.width - LABEL - 2;
    await terminal.line(
      `  ${terminal.paint('dim', padded(label, LABEL))}${terminal.paint(style, cut(text, room))}`,
    );
  };
  await line('state', stateWords(value));
  await line('status', status ?? '', styleOf(status));
  await line('standing', [standing, phase].filter(Boolean).join(', '), styleOf(standing));
  await line('restarts', row.restarts === undefined || row.restarts === 0 ? '' : String(row.restarts));
  await line('waiting', mailbox === undefined || mailbox === 0 ? '' : `${mailbox} messages`);
  await line('children', (children ?? []).map(inert).join(', '));
  for (const [index, text] of fieldsOf(context).entries()) await line(index === 0 ? 'context' : '', text);
  await line('output', output === undefined ? '' : shown(output));
  await line('error', error === undefined ? '' : thrownText(error), 'red');
  if (why === undefined) return;
  for (const [index, text] of inertLines(why).entries())
    await terminal.line(`  ${terminal.paint('dim', padded(index === 0 ? 'why' : '', LABEL))}${text}`);
}

/** A context field by field, since it is mostly too long for one line. */
function fieldsOf(context: StateRow['context']): readonly string[] {
  if (context === undefined) return [];
  const isPlain =
    typeof context === 'object' &&
    context !== null &&
    !Array.isArray(context) &&
    !Object.keys(context).some((key) => /^\$(?!\$)/.test(key));
  if (!isPlain) return [shown(context)];
  return Object.entries(context).map(([key, item]) => `${inert(key)}: ${shown(item)}`);
}
