// The lie: "tables fit". Narrow terminals, wide characters, long cells, more rows than anybody counted.
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Table } from './table.ts';
import type { Column } from './table.ts';
import { Terminal } from './terminal.ts';
import { cut, padded, widthOf } from './width.ts';

// oxlint-disable-next-line no-control-regex -- that is what is taken away
const COLOUR = /\u001b\[\d+m/g;

type Row = { readonly n: number; readonly name: string; readonly text: string };

const columns: readonly Column<Row>[] = [
  { head: 'n', align: 'right', of: ({ n }) => String(n) },
  { head: 'name', of: ({ name }) => name, yields: 2 },
  { head: 'never', of: () => '' },
  { head: 'text', of: ({ text }) => text, yields: 1 },
];

async function drawn(rows: readonly Row[], width: number | undefined): Promise<string[]> {
  const out = Object.assign(new PassThrough(), { isTTY: width !== undefined, columns: width });
  const asStream = out as unknown as NodeJS.WriteStream;
  const terminal = new Terminal(
    { onGone: () => {}, signal: new AbortController().signal },
    asStream,
    asStream,
  );
  const table = new Table(terminal, columns);
  let text = '';
  out.on('data', (chunk: Buffer) => (text += chunk.toString()));
  for (const row of rows) await table.add(row);
  await table.flush();
  return text.replaceAll(COLOUR, '').split('\n').slice(0, -1);
}

const row = (n: number, name: string, text: string): Row => ({ n, name, text });

describe('a table', () => {
  it('is as wide as it must be, without columns in which nothing stands', async () => {
    expect(await drawn([row(1, 'a', 'x'), row(100, 'bread', 'long text')], undefined)).toEqual([
      '  n  name   text',
      '  1  a      x',
      '100  bread  long text',
    ]);
  });

  it.each([20, 30, 40, 80, 200])('fits a terminal of %i columns', async (width) => {
    const rows = Array.from({ length: 90 }, (_, n) => row(n, `name-${'x'.repeat(n)}`, '東京'.repeat(n)));
    const lines = await drawn(rows, width);
    expect(lines.length).toBe(91);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
    expect(lines.some((line) => line.includes('…'))).toBe(true);
  });

  it('cuts nothing that goes into a pipe', async () => {
    const lines = await drawn([row(1, 'x'.repeat(500), 'y'.repeat(500))], undefined);
    expect(lines[1]).toBe(`1  ${'x'.repeat(500)}  ${'y'.repeat(500)}`);
  });

  it('gives away what is least important first', async () => {
    const [, line] = await drawn([row(1, 'name-of-sixteen.', 'y'.repeat(100))], 40);
    expect(line).toBe(`1  name-of-sixteen.  ${'y'.repeat(18)}…`);
  });

  it('of nothing is nothing', async () => {
    expect(await drawn([], 80)).toEqual([]);
  });
});

it.each([
  ['plain', 5, 5],
  ['東京', 4, 2],
  ['👨‍👩‍👧 e\u0301', 4, 2],
  ['é', 1, 1],
])('%s takes its columns', (text, width) => {
  expect(widthOf(text)).toBe(width);
  for (let columns = 0; columns < 8; columns++) {
    expect(widthOf(cut(text, columns))).toBeLessThanOrEqual(columns);
    expect(widthOf(padded(text, columns))).toBe(Math.max(columns, width));
  }
});
