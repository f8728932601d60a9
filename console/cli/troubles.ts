/**
 * Trouble as the command line says it, on the standard error: in words, or as a line of JSON.
 */
import type { Trouble } from '../control/trouble.ts';
import { inert, inertJson } from './inert.ts';
import type { Terminal } from './terminal.ts';

export function tellTrouble(trouble: Trouble, terminal: Terminal, isJson: boolean): void {
  if (isJson) return terminal.say(inertJson(JSON.stringify({ trouble })));
  const { message, code, docs, fields } = trouble;
  terminal.say(`heddle: ${inert(message)}`);
  if (docs !== undefined) terminal.say(`        ${inert(code)}, see ${inert(docs)}`);
  const stack = fields?.['stack'];
  if (process.env['HEDDLE_DEBUG'] !== undefined && typeof stack === 'string') terminal.say(inert(stack));
}
