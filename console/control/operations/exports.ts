/**
 * Asking for histories that leave a store, and for others to live on in it. They are long: those that leave come in pieces.
 */
import { piecesOf } from '../pieces.ts';
import { withCode } from '../subject.ts';
import { newestRecords } from './journals.ts';
import { known, once, operation, row } from './operation.ts';

/** A piece of an exported history. */
export type ExportRow = { readonly text: string };

/** A piece of one of the two files of a fixture: first all of its history, then all of its test. */
export type FixtureRow = { readonly file: 'history' | 'test'; readonly name: string; readonly text: string };

export type ImportRow = {
  readonly address: string;
  /** The address that it had, and the store that it comes from. */
  readonly of: string;
  readonly store: string;
  readonly effects: (typeof EFFECTS)[number];
  readonly by: string;
  /** Everybody who was born: itself, and those below it. */
  readonly actors: readonly string[];
  /** Its newest record. */
  readonly seq?: number;
};

const EFFECTS = ['hold', 'rerun'] as const;

export const exportOperations = {
  /** The history of an actor and of all below it, sealed. */
  export: operation({
    read: (given) => ({ address: given.text('address'), to: given.optionalWhole('to') }),
    async *run(subject, { address, to }): AsyncGenerator<ExportRow> {
      // The state that it ends with is told by the code.
      const text = await withCode(subject, 'export').export(address, known({ to }));
      for (const piece of piecesOf(text)) yield { text: piece };
    },
  }),

  /** A run that has failed, as a test. `actors`: where the test finds the logic. */
  fixture: operation({
    read: (given) => ({ address: given.text('address'), actors: given.text('actors') }),
    async *run(subject, { address, actors }): AsyncGenerator<FixtureRow> {
      const { history, test } = await withCode(subject, 'export').fixture(address, { actors });
      const { name } = history;
      for (const text of piecesOf(history.text)) yield { file: 'history', name, text };
      yield { file: 'test', ...test };
    },
  }),

  /** Lets the actors of an exported history live on in this store. */
  import: operation({
    read: (given) => ({
      history: given.text('history'),
      as: given.optionalText('as'),
      effects: given.oneOf('effects', EFFECTS),
      by: given.text('by'),
    }),
    run: (subject, { history, ...options }) =>
      once(async () => {
        const system = withCode(subject, 'import');
        const { address } = await system.import({ history, ...known(options) });
        const actors: string[] = [];
        for await (const one of system.addresses({ under: address })) actors.push(one);
        const { effects = 'hold', by } = options;
        const [newest] = await newestRecords(system, address, 1);
        return row<ImportRow>({ address, ...originIn(history), effects, by, actors, seq: newest?.seq });
      }),
  }),
};

/** Where a history comes from, as its first line says. It has been believed already. */
function originIn(history: string): Pick<ImportRow, 'of' | 'store'> {
  const { root, store } = JSON.parse(history.slice(0, history.indexOf('\n'))) as Record<string, unknown>;
  return { of: String(root), store: String(store) };
}
