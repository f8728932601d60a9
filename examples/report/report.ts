/**
 * The report: a plain XState machine. It runs under `createActor` as it is; under Heddle it survives.
 *
 *     listing → researching → writing ──────────────────────→ review → publishing → published
 *                             a chapter for every document,    ╰ a person decides ╯╰→ rejected
 *                             all at once; then the join
 */
import { assign, setup } from 'xstate';
import type { ActorRefFrom } from 'xstate';
import { librarian, publisher, researcher } from './agents.ts';
import type { Assignment, Published } from './agents.ts';
import { chapter } from './chapter.ts';
import type { ChapterFinished } from './chapter.ts';
import type { Approval, CorpusListing, ReportInput, Research } from './text/index.ts';

export type Decision = { type: 'decide'; decision: Approval['decision']; by: string; comment?: string };

export type ReportContext = {
  assignment: Assignment;
  corpus: CorpusListing | undefined;
  research: Research | undefined;
  writers: readonly ActorRefFrom<typeof chapter>[];
  chapters: readonly ChapterFinished[];
  approval: Approval | undefined;
  published: Published | undefined;
  problem: string | undefined;
};

export const report = setup({
  types: {
    input: {} as Assignment,
    context: {} as ReportContext,
    events: {} as ChapterFinished | Decision,
    output: {} as Published | undefined,
  },
  actors: { librarian, researcher, chapter, publisher },
  actions: {
    fail: assign({ problem: (_, params: { error: unknown }) => String(params.error) }),
    sign: assign({
      approval: (_, { decision, by, comment }: Decision) => ({
        decision,
        by,
        ...(comment !== undefined && { comment }),
      }),
    }),
  },
  guards: {
    nothingToRead: (_, { corpus }: { corpus: CorpusListing }) => corpus.documents.length === 0,
    allWritten: ({ context }) => context.chapters.length === context.writers.length,
  },
}).createMachine({
  id: 'report',
  context: ({ input }) => ({
    assignment: input,
    corpus: undefined,
    research: undefined,
    writers: [],
    chapters: [],
    approval: undefined,
    published: undefined,
    problem: undefined,
  }),
  initial: 'listing',
  states: {
    listing: {
      invoke: {
        src: 'librarian',
        id: 'librarian',
        input: ({ context: { assignment } }) => ({ assignment }),
        onDone: [
          {
            guard: { type: 'nothingToRead', params: ({ event }) => ({ corpus: event.output }) },
            target: 'failed',
            actions: assign({ problem: 'there is no document in the folder' }),
          },
          { target: 'researching', actions: assign({ corpus: ({ event }) => event.output }) },
        ],
        onError: { target: 'failed', actions: { type: 'fail', params: ({ event }) => event } },
      },
    },
    researching: {
      invoke: {
        src: 'researcher',
        id: 'researcher',
        input: ({ context: { assignment, corpus } }) => ({ assignment, corpus: corpus! }),
        onDone: { target: 'writing', actions: assign({ research: ({ event }) => event.output }) },
        onError: { target: 'failed', actions: { type: 'fail', params: ({ event }) => event } },
      },
    },
    writing: {
      entry: assign({
        writers: ({ context: { assignment, corpus }, spawn }) =>
          corpus!.documents.map(({ path }, index) =>
            spawn('chapter', { id: `chapter-${index + 1}`, input: { assignment, path } }),
          ),
      }),
      on: {
        'chapter.finished': {
          actions: assign({ chapters: ({ context, event }) => [...context.chapters, event] }),
        },
      },
      always: { guard: 'allWritten', target: 'review' },
    },
    review: {
      tags: 'waits for a person',
      on: {
        decide: [
          {
            guard: ({ event }) => event.decision === 'approved',
            target: 'publishing',
            actions: { type: 'sign', params: ({ event }) => event },
          },
          { target: 'rejected', actions: { type: 'sign', params: ({ event }) => event } },
        ],
      },
    },
    publishing: {
      invoke: {
        src: 'publisher',
        id: 'publisher',
        input: ({ context }) => ({ assignment: context.assignment, report: contentOf(context) }),
        onDone: { target: 'published', actions: assign({ published: ({ event }) => event.output }) },
        onError: { target: 'failed', actions: { type: 'fail', params: ({ event }) => event } },
      },
    },
    published: { type: 'final' },
    rejected: { type: 'final' },
    failed: { type: 'final' },
  },
  output: ({ context }) => context.published,
});

/** What the report says. Chapters finish in any order; they stand in that of their documents. */
function contentOf({ corpus, research, chapters, approval }: ReportContext): ReportInput {
  const { documents, skipped } = corpus!;
  const inOrder = documents.flatMap(({ path }) => chapters.find((chapter) => chapter.path === path) ?? []);
  const failed = inOrder.flatMap(({ path, problem }) =>
    problem === undefined ? [] : [{ path, reason: problem }],
  );
  return {
    title: 'What these documents say',
    corpus: { documents, skipped: [...skipped, ...failed] },
    research: research!,
    summaries: inOrder.flatMap(({ summary }) => summary ?? []),
    verdicts: inOrder.flatMap(({ verdicts }) => verdicts),
    ...(approval !== undefined && { approval }),
  };
}
