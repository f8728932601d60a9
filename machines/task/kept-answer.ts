/**
 * A kept answer: the last good one to a question, so that whoever asks the same while nobody can answer may be given that, where a
 * strategy says so (`stale`). It says who has answered what to whom and when; the value is content, under its hash.
 */
import { assign, setup } from 'xstate';

export interface KeptAnswer {
  /** The address of the task that it was given to. */
  readonly task: string;
  /** Who has given it. */
  readonly agent: string;
  readonly model?: string;
  /** The people who have worked on it. */
  readonly people?: readonly string[];
  readonly confidence?: number;
  /** The hash of what was answered. */
  readonly output: string;
  /** ms since the epoch: when it was. */
  readonly at: number;
}

export interface AnswerKept {
  readonly type: 'answer.kept';
  readonly answer: KeptAnswer;
}

export interface KeptContext {
  readonly answer: KeptAnswer;
}

export const keptAnswer = setup({
  types: { context: {} as KeptContext, events: {} as AnswerKept, input: {} as KeptAnswer },
}).createMachine({
  id: 'answer',
  context: ({ input: answer }) => ({ answer }),
  on: {
    // Those that are told later may have been given before.
    'answer.kept': {
      guard: ({ context, event }) => event.answer.at > context.answer.at,
      actions: assign({ answer: ({ event }) => event.answer }),
    },
  },
});
