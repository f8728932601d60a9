/**
 * What the agents of the report take and give, as JSON Schemas. The compiler takes the types of the agents from them, and the runtime
 * holds every input and every answer against them. What is not written here is not passed on.
 */

import { COUNT, fields, FLAG, HASH, listOf, NAME, NUMBER, TEXT } from '../stage/schemas.ts';

/** What is to be reported on, and where everything goes: the input of a run. */
export const COMMISSION = fields({
  /** The folder of documents. */
  folder: NAME,
  /** The file of the report. */
  out: NAME,
  /** The file in which the outside world notes what was done to it. */
  world: NAME,
  /** How long each agent thinks before it works, as one that asks a model would. */
  thinkMs: COUNT,
  /** For how many documents the first attempt at a summary fails, as one that asks a model would fail. */
  faults: COUNT,
});

export const CORPUS = fields({
  documents: listOf(fields({ path: NAME, sha256: HASH, bytes: COUNT })),
  skipped: listOf(fields({ path: NAME, reason: TEXT })),
});

const TERMS = listOf(fields({ term: TEXT, stem: TEXT, tf: COUNT, df: COUNT, weight: NUMBER }));

export const RESEARCH = fields({
  sentences: COUNT,
  words: COUNT,
  terms: TERMS,
  phrases: listOf(fields({ phrase: TEXT, count: COUNT, df: COUNT, score: NUMBER })),
  documents: listOf(
    fields({ path: NAME, sha256: HASH, title: TEXT, sentences: COUNT, words: COUNT, terms: TERMS }),
  ),
});

export const SUMMARY = fields({
  path: NAME,
  sha256: HASH,
  title: TEXT,
  sentences: listOf(
    fields({
      ...{ path: NAME, index: COUNT, start: COUNT, end: COUNT, quote: TEXT, text: TEXT, score: NUMBER },
    }),
  ),
  method: fields({
    name: { const: 'textrank' },
    damping: NUMBER,
    threshold: NUMBER,
    iterations: COUNT,
    converged: FLAG,
    sentences: COUNT,
    candidates: COUNT,
    considered: COUNT,
  }),
});

const REASON = {
  enum: [
    ...(['source-missing', 'source-changed', 'moved', 'altered'] as const),
    ...(['not-a-sentence', 'wrong-figure', 'reworded'] as const),
  ],
} as const;

const VERDICT = fields(
  { path: NAME, index: COUNT, start: COUNT, end: COUNT, text: TEXT, ok: FLAG, occurrences: COUNT },
  { reason: REASON, detail: TEXT },
);

export const VERDICTS = fields({ verdicts: listOf(VERDICT) });

const APPROVAL = fields({ decision: { const: 'approved' }, by: NAME });

export const CONTENT = fields({
  title: NAME,
  corpus: CORPUS,
  research: RESEARCH,
  summaries: listOf(SUMMARY),
  verdicts: listOf(VERDICT),
  approval: APPROVAL,
});

export const PUBLISHED = fields({ path: NAME, sha256: HASH });
