/**
 * A strategy as people read it: a table in Markdown, in the order of the classes. For consoles, docs and reviews of changes; it
 * says everything that the data say, so that two strategies with the same table do the same.
 */
import { FAULT_CLASSES } from './fault.ts';
import type { Backoff, Rung, Strategy, Sureness } from './strategy.ts';

export function tableOf(strategy: Strategy): string {
  return table(
    ['Fault', 'What is done, in this order'],
    FAULT_CLASSES.map((name) => [`\`${name}\``, strategy.rows[name].map(wordsOf).join('; ')]),
  );
}

/** A rung in words. */
export function wordsOf(rung: Rung): string {
  const words = deedInWords(rung);
  return rung.sure === undefined ? words : `${words} if it is sure ${inWords(rung.sure)}`;
}

function deedInWords(rung: Rung): string {
  switch (rung.do) {
    case 'retry':
      return `retry ${times(rung.times)} ${pace(rung.backoff)}`;
    case 'wait':
      return `wait, parked, ${times(rung.times)} ${pace(rung.backoff)}`;
    case 'repair':
      return `repair as ${rung.names === 'declared' ? 'the agent declares' : rung.names.join(', ')}`;
    case 'ask-again':
      return `ask the same agent again ${times(rung.times)}, saying what is wrong`;
    case 'other-agent':
      return rung.times === undefined ? 'other agents, each once' : `another agent ${times(rung.times)}`;
    case 'larger-window':
      return 'an agent with a larger window';
    case 'chunk':
      return 'in parts, as the task declares';
    case 'review':
      return rung.role === undefined ? 'a person decides' : `a person decides (${rung.role})`;
    case 'accept':
      return 'accept it as it is';
    case 'stale':
      return `take the last good answer to the same, if it is no older than ${span(rung.maxAgeMs)}`;
    case 'default':
      return `take \`${JSON.stringify(rung.value)}\` in its place`;
    case 'park':
      return 'stand still until told to go on';
    case 'fail':
      return 'fail';
  }
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);

function pace({ firstMs, factor, maxMs, jitter }: Backoff): string {
  const chance = jitter === 0 ? '' : `, up to ${Math.round(jitter * 1000) / 10} % less by chance`;
  const growth = factor === 1 || maxMs === firstMs ? '' : `, × ${factor} each time up to ${span(maxMs)}`;
  return `(after ${span(firstMs)}${growth}${chance})`;
}

function span(ms: number): string {
  if (ms % 60_000 === 0) return `${ms / 60_000} min`;
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}

function inWords({ from, below }: Sureness): string {
  if (from === undefined) return `less than ${below}`;
  return below === undefined ? `from ${from} on` : `from ${from} to less than ${below}`;
}

/** A table in Markdown whose columns are as wide as their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const line = (row: readonly string[], filler: string): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!, filler)).join(' | ')} |`;
  const [first, ...rest] = cells;
  const rule = line(
    head.map(() => ''),
    '-',
  );
  return [line(first!, ' '), rule, ...rest.map((row) => line(row, ' '))].join('\n');
}
