/**
 * What is known of something, line by line: a label, and what there is to say. What is empty is left out.
 */
import type { Style, Terminal } from './terminal.ts';
import { cut, padded } from './width.ts';

/** The text is inert already. */
export type Field = readonly [label: string, text: string, style?: Style | undefined];

export const LABEL = 10;

export async function tellFields(terminal: Terminal, fields: readonly Field[]): Promise<void> {
  const room = terminal.width - LABEL - 2;
  for (const [label, text, style] of fields)
    if (text !== '')
      await terminal.line(
        `  ${terminal.paint('dim', padded(label, LABEL))}${terminal.paint(style, cut(text, room))}`,
      );
}

/** Several lines under one label. */
export const linesUnder = (label: string, texts: readonly string[], style?: Style): readonly Field[] =>
  texts.map((text, index) => [index === 0 ? label : '', text, style]);

/** What stands above a table. */
export async function tellHeading(terminal: Terminal, text: string): Promise<void> {
  await terminal.line();
  await terminal.line(terminal.paint('bold', text));
}
