/**
 * A chapter: what one document says. Summarised, then every quotation is checked against the source.
 */
import { assign, sendParent, setup } from 'xstate';
import { factChecker, summariser } from './agents.ts';
import type { Assignment } from './agents.ts';
import type { Summary, Verdict } from './text/index.ts';

/** How a chapter came out; its parent gets it as an event. */
export type ChapterFinished = {
  type: 'chapter.finished';
  path: string;
  summary: Summary | undefined;
  verdicts: readonly Verdict[];
  problem: string | undefined;
};

type ChapterContext = {
  assignment: Assignment;
  path: string;
  summary: Summary | undefined;
  verdicts: readonly Verdict[];
  problem: string | undefined;
};

export const chapter = setup({
  types: {
    input: {} as { assignment: Assignment; path: string },
    context: {} as ChapterContext,
  },
  actors: { summariser, factChecker },
  actions: {
    report: sendParent(
      ({ context: { path, summary, verdicts, problem } }: { context: ChapterContext }): ChapterFinished => ({
        type: 'chapter.finished',
        path,
        summary,
        verdicts,
        problem,
      }),
    ),
  },
}).createMachine({
  id: 'chapter',
  context: ({ input }) => ({ ...input, summary: undefined, verdicts: [], problem: undefined }),
  initial: 'summarising',
  states: {
    summarising: {
      invoke: {
        src: 'summariser',
        id: 'summariser',
        input: ({ context: { assignment, path } }) => ({ assignment, path }),
        onDone: { target: 'checking', actions: assign({ summary: ({ event }) => event.output }) },
        onError: { target: 'finished', actions: assign({ problem: ({ event }) => String(event.error) }) },
      },
    },
    checking: {
      invoke: {
        src: 'factChecker',
        id: 'factChecker',
        input: ({ context: { assignment, path, summary } }) => ({ assignment, path, summary: summary! }),
        onDone: { target: 'finished', actions: assign({ verdicts: ({ event }) => event.output }) },
        onError: { target: 'finished', actions: assign({ problem: ({ event }) => String(event.error) }) },
      },
    },
    finished: { type: 'final', entry: 'report' },
  },
});
