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
  /** Whether it may be cut when the terminal is narrow. */
  readonly flexible?: boolean;
}

/** So many rows say how wide the columns are. */
const SAMPLE = 60;
const GAP = '  ';
/** A column that is cut is left so much. */
const LEAST_COLUMNS = 6;
/** What stands in a pipe or file is not cut, but one long cell must not push all others to the right. */
const WIDEST = 60;

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
      await this.#line(this.#columns.map(({ head }) => ({ text: head, style: 'dim' })), this.#widths);
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

/** Makes the widest of the columns that may be cut narrower, until all of it fits. */
function fitted(
  natural: readonly number[],
  columns: readonly { readonly flexible?: boolean }[],
  available: number,
): readonly number[] {
  const widths = [...natural];
  const room = available - GAP.length * (widths.filter((width) => width > 0).length - 1);
  if (available === Infinity) {
    return widths.map((width, index) => (columns[index]!.flexible ? Math.min(width, WIDEST) : width));
  }
  const total = (): number => widths.reduce((sum, width) => sum + width, 0);
  for (const mayBeCut of [(index: number) => columns[index]!.flexible === true, () => true]) {
    while (total() > room) {
      const candidates = widths.map((width, index) => (mayBeCut(index) && width > LEAST_COLUMNS ? width : 0));
      const widest = Math.max(...candidates);
      if (widest === 0) break;
      widths[candidates.indexOf(widest)]!--;
    }
  }
  return widths;
}
