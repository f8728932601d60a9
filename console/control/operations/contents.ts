/**
 * Asking for what was found and made in workflows, by its hash; what it was made of, and what was made of it.
 */
import { orchestrated } from '../subject.ts';
import { tagged } from '../tagged.ts';
import type { Json } from '../tagged.ts';
import { told } from '../told.ts';
import { refusal, Refused, troubleOf } from '../trouble.ts';
import { known, once, operation } from './operation.ts';
import { statusOf } from './runs.ts';

/** A content, with what is known of it: its sources, who has made it, who has used it. */
export type ContentRow = { readonly hash: string; readonly value: Json; readonly facts: object };

export const contentOperations = {
  content: operation({
    read: (given) => ({ hash: given.text('hash') }),
    run: (subject, { hash }) =>
      once((): ContentRow => {
        const { content } = orchestrated(subject, 'content');
        const value = content.get(hash);
        const facts = content.facts(hash);
        if (value === undefined || facts === undefined)
          throw refusal(
            'NotFound',
            `${hash}: no such content is kept; inputs, and what gates have let pass, are in \`heddle status <run> --full\``,
          );
        return { hash, value: tagged(value), facts: told(facts) };
      }),
  }),

  /** What is different in one content from another. */
  contentDiff: operation({
    read: (given) => ({ from: given.text('from'), to: given.text('to') }),
    async *run(subject, { from, to }) {
      const { content } = orchestrated(subject, 'content');
      for (const { path, before, after } of content.diff(from, to))
        yield { path, before: tagged(before), after: tagged(after) };
    },
  }),

  /** `run`: only within this one, as of its record `at`. */
  lineage: operation({
    read: (given) => ({
      hash: given.text('hash'),
      run: given.optionalText('run'),
      at: given.optionalWhole('at'),
    }),
    run: (subject, { hash, ...where }) =>
      once(async () => {
        const system = orchestrated(subject, 'lineage');
        if (where.run !== undefined) await statusOf(system.runs, where.run, known({ at: where.at }));
        return told(
          await system
            .lineage(hash, known(where))
            .catch((error: unknown) => elsewhere(hash, where.run, error)),
        );
      }),
  }),
};

/** Inputs, and what gates have let pass, are found in their run alone. */
function elsewhere(hash: string, run: string | undefined, error: unknown): never {
  if (run !== undefined || troubleOf(error).code !== 'HEDDLE_UNKNOWN_CONTENT') throw error;
  const message = `${hash}: no such content is kept; if it is the input of a run, or was let pass by a gate, name the run: --in <run>`;
  throw new Refused({ ...troubleOf(error), message }, { cause: error });
}
