/**
 * The report: who does what, in which order, for how much, and where a person decides.
 *
 *     corpus ─┬→ research ─────────────────────────────┬→ review → publish
 *             ╰→ chapters: summarise → check, for each ╯   ╰ a person: without an approval nothing is published
 */
import { budget, gate, map, task, workflow } from 'heddle/actors';
import type { Inferred } from 'heddle/actors';
import { CHAPTER } from './agents.ts';
import type { Commission } from './agents.ts';
import { COMMISSION } from './schemas.ts';
import type { CorpusListing, ReportInput, Research, Summary, Verdict } from './text/index.ts';

export interface Chapter {
  readonly path: string;
  readonly summary: Summary;
  readonly verdicts: readonly Verdict[];
}

/** What came of a document. */
type Outcome =
  | { readonly status: 'complete'; readonly output: Chapter }
  | { readonly status: 'failed'; readonly problem: { readonly message: string } };

/** What one document says: summarised, then every quotation is checked against the source. */
const chapter = workflow({
  id: 'chapter',
  inputSchema: CHAPTER,
  tasks: {
    summarise: task({
      capability: 'summarise',
      timeout: '1 minute',
      retry: { times: 4, first: '200 millis' },
    }),
    check: task({
      needs: ['summarise'],
      capability: 'check',
      timeout: '1 minute',
      input: ({ summarise }, { input: { commission, path } }) => ({ commission, path, summary: summarise }),
    }),
  },
  output: ({ summarise, check }, { input }): Chapter => ({
    path: (input as Inferred<typeof CHAPTER>).path,
    summary: summarise,
    verdicts: check.verdicts,
  }),
});

/** What the person at the gate is shown. */
export interface Figures {
  readonly documents: number;
  readonly leftOut: number;
  readonly quotations: number;
  readonly verified: number;
}

export const report = workflow({
  id: 'report',
  inputSchema: COMMISSION,
  budget: budget({ limit: 5, perTask: 0.05 }),
  tasks: {
    corpus: task({ capability: 'list', input: (_, { input }) => ({ commission: input }) }),
    research: task({
      needs: ['corpus'],
      capability: 'research',
      timeout: '1 minute',
      input: ({ corpus }, { input }) => ({ commission: input, corpus }),
    }),
    chapters: map({
      needs: ['corpus'],
      over: ({ corpus }, { input }) =>
        (corpus as CorpusListing).documents.map(({ path }, index) => ({
          ...{ commission: input as Commission, path, number: index + 1 },
        })),
      each: chapter,
      onItemError: 'collect',
    }),
    review: gate({
      needs: ['corpus', 'research', 'chapters'],
      title: 'Is this report to be published?',
      role: 'editor',
      input: ({ corpus, chapters }) => ({ ...figuresOf(corpus, chapters) }),
      onError: 'skip',
    }),
    publish: task({
      needs: ['corpus', 'research', 'chapters', 'review'],
      capability: 'publish',
      input: ({ corpus, research, chapters, review }, { input }) => ({
        commission: input,
        content: contentOf(corpus, research, chapters, review.approvals[0].by),
      }),
    }),
  },
  output: ({ publish }, { absent }) =>
    publish ?? { notPublished: (absent['review'] ?? absent['publish'])!.because },
});

function figuresOf({ documents, skipped }: CorpusListing, chapters: readonly Outcome[]): Figures {
  const verdicts = written(chapters).flatMap((one) => one.verdicts);
  return {
    documents: documents.length,
    leftOut: skipped.length + chapters.length - written(chapters).length,
    quotations: verdicts.length,
    verified: verdicts.filter(({ ok }) => ok).length,
  };
}

const written = (chapters: readonly Outcome[]): readonly Chapter[] =>
  chapters.flatMap((chapter) => (chapter.status === 'complete' ? [chapter.output] : []));

/** What the report says. */
function contentOf(
  { documents, skipped }: CorpusListing,
  research: Research,
  chapters: readonly Outcome[],
  approvedBy: string,
): ReportInput {
  const failed = chapters.flatMap((chapter, index) =>
    chapter.status === 'complete' ? [] : [{ path: documents[index]!.path, reason: chapter.problem.message }],
  );
  return {
    title: 'What these documents say',
    corpus: { documents, skipped: [...skipped, ...failed] },
    research,
    summaries: written(chapters).map(({ summary }) => summary),
    verdicts: written(chapters).flatMap(({ verdicts }) => verdicts),
    approval: { decision: 'approved', by: approvedBy },
  };
}
