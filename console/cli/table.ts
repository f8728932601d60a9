/**
 * Tables for people: columns as wide as what stands in them, cut to the width of the terminal. Rows come as a stream: the first
 * ones say how wide the columns are, and those behind them must do with that.
 */
import type { Style, Terminal } from './terminal.ts';
import { cut, padded, widthOf } from './width.ts';

export interface Column<TRow> {
  readonly head: string;
  readonly align?: 'right';
  /** What stands in it, inert. */
  of(row: TRow): string;
  paint?(row: TRow): Style | undefined;
  /** Whether it may be cut when the terminal is narrow: those with 1 first. */
  readonly yields?: 1 | 2;
}

/** So many rows say how wide the columns are. */
const SAMPLE = 60;
const GAP = '  ';
/** What stands in a pipe or file is not cut, but one long cell must not push all others to the right. */
const WIDEST = 40;

export class Table<TRow> {
  readonly #terminal: Terminal;
  readonly #columns: readonly Column<TRow>[];
  #waiting: TRow[] = [];
  #widths: readonly number[] | undefined;

  constructor(terminal: Terminal, columns: readonly Column<TRow>[]) {
    this.#terminal = terminal;
    this.#columns = columns;
  }

  async add(row: TRow): Promise<void> {
    if (this.#widths !== undefined) return this.#print(row, this.#widths);
    this.#waiting.push(row);
    if (this.#waiting.length >= SAMPLE) await this.flush();
  }

  /** Prints what waits. Nothing at all is printed when there were no rows. */
  async flush(): Promise<void> {
    const rows = this.#waiting;
    if (rows.length === 0) return;
    this.#waiting = [];
    if (this.#widths === undefined) {
      const columns = this.#columns.filter(({ of }) => rows.some((row) => of(row) !== ''));
      this.#widths = this.#columns.map((column) =>
        columns.includes(column)
          ? Math.max(widthOf(column.head), ...rows.map((row) => widthOf(column.of(row))))
          : 0,
      );
      this.#widths = fitted(this.#widths, this.#columns, this.#terminal.width);
      await this.#line(
        this.#columns.map(({ head }) => ({ text: head, style: 'dim' })),
        this.#widths,
      );
    }
    for (const row of rows) await this.#print(row, this.#widths);
  }

  #print(row: TRow, widths: readonly number[]): Promise<void> {
    const cells = this.#columns.map((column) => ({ text: column.of(row), style: column.paint?.(row) }));
    return this.#line(cells, widths);
  }

  #line(
    cells: readonly { readonly text: string; readonly style: Style | undefined }[],
    widths: readonly number[],
  ): Promise<void> {
    const last = widths.findLastIndex((width) => width > 0);
    const shown = cells.flatMap(({ text, style }, index) => {
      const width = widths[index]!;
      if (width === 0) return [];
      const isLast = index === last;
      const fits = this.#terminal.width === Infinity ? text : cut(text, width);
      const { align } = this.#columns[index]!;
      return [this.#terminal.paint(style, isLast && align === undefined ? fits : padded(fits, width, align))];
    });
    return this.#terminal.line(shown.join(GAP).trimEnd());
  }
}

/** What is cut, step by step, until all of it fits: which columns, and how much each is left. */
const STEPS: readonly (readonly [mayYield: (yields: number) => boolean, least: number])[] = [
  [(yields) => yields === 1, 24],
  [(yields) => yields === 1, 10],
  [(yields) => yields > 0, 16],
  [(yields) => yields > 0, 6],
  [() => true, 3],
];

function fitted(
  natural: readonly number[],
  columns: readonly { readonly yields?: number }[],
  available: number,
): readonly number[] {
  const widths = [...natural];
  if (available === Infinity)
    return widths.map((width, index) =>
      columns[index]!.yields === undefined ? width : Math.min(width, WIDEST),
    );
  const gaps = GAP.length * (widths.filter((width) => width > 0).length - 1);
  let excess = widths.reduce((sum, width) => sum + width, 0) + gaps - available;
  for (const [mayYield, least] of STEPS) {
    // The widest gives first, column by column of the terminal.
    for (; excess > 0; excess--) {
      const spare = widths.map((width, index) =>
        mayYield(columns[index]!.yields ?? 0) && width > least ? width : 0,
      );
      const widest = Math.max(...spare);
      if (widest === 0) break;
      widths[spare.indexOf(widest)]!--;
    }
  }
  return widths;
}
