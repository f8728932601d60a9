/**
 * One run of the command line: its terminal, its desk, and how it ends. Commands say what they ask and how it is shown; what they
 * have in common stands here.
 */
import type { ArgsOf, OperationName, RowOf } from '../control/operations/table.ts';
import { openDesk } from './desk.ts';
import type { Desk, DeskOptions } from './desk.ts';
import { inert, inertJson } from './inert.ts';
import { findProject } from './project.ts';
import type { Project } from './project.ts';
import { Table } from './table.ts';
import type { Column } from './table.ts';
import type { Terminal } from './terminal.ts';

/** The flags that every command has. */
export interface CommonFlags {
  readonly store?: string;
  readonly actors?: string;
  readonly json?: boolean;
  readonly utc?: boolean;
  readonly run?: boolean;
}

export class Session implements AsyncDisposable {
  readonly terminal: Terminal;
  readonly flags: CommonFlags;
  readonly signal: AbortSignal;
  /** What the process is to say when nothing has gone wrong. */
  exitCode = 0;
  readonly #how: Pick<DeskOptions, 'needs' | 'writes'>;
  #desk: Desk | undefined;

  constructor(
    terminal: Terminal,
    flags: CommonFlags,
    signal: AbortSignal,
    how: Pick<DeskOptions, 'needs' | 'writes'>,
  ) {
    this.terminal = terminal;
    this.flags = flags;
    this.signal = signal;
    this.#how = how;
  }

  project(): Promise<Project> {
    return findProject(this.flags);
  }

  /** Asks. The desk is opened with the first question. */
  async *ask<TName extends OperationName>(name: TName, args: ArgsOf<TName>): AsyncGenerator<RowOf<TName>> {
    this.#desk ??= await openDesk(await this.project(), {
      ...this.#how,
      run: this.flags.run ?? false,
      signal: this.signal,
      report: (text) => {
        if (this.flags.run === true || process.env['HEDDLE_DEBUG'] !== undefined)
          this.terminal.say(inert(text));
      },
    });
    yield* this.#desk.ask(name, args);
  }

  /** The only row of an answer. */
  async askOne<TName extends OperationName>(name: TName, args: ArgsOf<TName>): Promise<RowOf<TName>> {
    for await (const row of this.ask(name, args)) return row;
    throw new Error(`${name} has no answer`);
  }

  // ---- showing --------------------------------------------------------------------------------------------------

  json(row: object): Promise<void> {
    return this.terminal.line(inertJson(JSON.stringify(row)));
  }

  /** Shows rows as they come: JSON lines for programs, a table for people. Returns how many there were. */
  async list<TRow extends object>(
    rows: AsyncIterable<TRow>,
    columns: readonly Column<TRow>[],
    { none }: { readonly none?: string } = {},
  ): Promise<number> {
    const table = new Table<TRow>(this.terminal, columns);
    let count = 0;
    for await (const row of rows) {
      count++;
      await (this.flags.json === true ? this.json(row) : table.add(row));
    }
    await table.flush();
    if (count === 0 && none !== undefined && this.flags.json !== true) this.terminal.say(none);
    return count;
  }

  /** A time for people. */
  time(iso: string | undefined): string {
    if (iso === undefined) return '';
    if (this.flags.utc === true) return iso.replace('T', ' ');
    const at = new Date(iso);
    const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
    return local.toISOString().replace('T', ' ').replace('Z', '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#desk?.[Symbol.asyncDispose]();
  }
}
