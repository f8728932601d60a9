/**
 * The replies to an attempt that came after it was given up: it took longer than it may, or was not wanted any more. They are kept as
 * evidence, beside the run and for as long as it; nobody goes by them. What has a value of its own is content, and here by its hash.
 */
import { assign, setup } from 'xstate';
import type { Source } from '../contract.ts';
import type { FaultClass } from '../faults/fault.ts';
import type { Micros } from '../values/money.ts';

/** What came of an attempt when nobody waited for it any more. */
export interface LateReply {
  /** Which part of the work it was, where that was cut. */
  readonly part?: number;
  readonly durationMs: number;
  /** In micro-units; absent: nobody knows. */
  readonly cost?: Micros;
  readonly fault?: FaultClass;
  readonly message?: string;
  /** The hash of what it has answered; absent where that keeps no contract. */
  readonly output?: string;
  readonly confidence?: number;
  readonly sources?: readonly Source[];
  /** An answer that is none, as evidence. */
  readonly quarantined?: unknown;
  /** Why its output is not kept. */
  readonly unkept?: string;
}

/** An attempt that was given up. */
export interface GivenUp {
  /** The address of the task. */
  readonly task: string;
  readonly attempt: number;
  readonly agent: string;
}

export interface LateInput extends GivenUp {
  readonly reply: LateReply;
}

export interface LateContext extends GivenUp {
  /** ms since the epoch: when each came. */
  readonly replies: readonly (LateReply & { readonly at: number })[];
}

export interface LateNoted {
  readonly type: 'late.noted';
  readonly reply: LateReply;
}

/** An attempt has as many as it has parts; more of them would say nothing new. */
const MOST_REPLIES = 256;

export const lateReplies = setup({
  types: { context: {} as LateContext, events: {} as LateNoted, input: {} as LateInput },
}).createMachine({
  id: 'late',
  context: ({ input: { reply, ...attempt } }) => ({ ...attempt, replies: [{ ...reply, at: Date.now() }] }),
  on: {
    'late.noted': {
      guard: ({ context }) => context.replies.length < MOST_REPLIES,
      actions: assign({
        replies: ({ context, event }) => [...context.replies, { ...event.reply, at: Date.now() }],
      }),
    },
  },
});
