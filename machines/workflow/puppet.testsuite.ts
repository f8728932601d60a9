/**
 * For tests: work that does what it is told. It ends as `end` says, says how it stands, and says that it is cancelled when it is
 * asked to come to an end.
 */
import { assign, sendParent, setup } from 'xstate';
import type { AnyActorLogic } from 'xstate';
import type { RunEvent, TaskResume, TaskStands } from './events.ts';
import type { WorkOutcome, WorkStart } from './graph.ts';

export interface PuppetContext {
  readonly start: WorkStart;
  readonly outcome: WorkOutcome | undefined;
  readonly resumed: TaskResume | undefined;
}

export const puppet: AnyActorLogic = setup({
  types: {
    context: {} as PuppetContext,
    events: {} as
      | RunEvent
      | { readonly type: 'end'; readonly outcome: WorkOutcome }
      | { readonly type: 'say'; readonly standing: TaskStands['standing'] },
    input: {} as WorkStart,
  },
}).createMachine({
  context: ({ input }) => ({ start: input, outcome: undefined, resumed: undefined }),
  initial: 'working',
  states: {
    working: {
      on: {
        end: { target: 'ended', actions: assign({ outcome: ({ event }) => event.outcome }) },
        say: {
          actions: sendParent(({ context, event }) => ({
            type: 'task.stands',
            task: context.start.task.split('/').at(-1)!,
            standing: event.standing,
          })),
        },
        'task.resume': { actions: assign({ resumed: ({ event }) => event }) },
        'task.cancel': { target: 'ended', actions: assign({ outcome: { status: 'cancelled' } }) },
      },
    },
    ended: { type: 'final' },
  },
  output: ({ context }) => context.outcome,
});

/** Of work that takes everything, in memory where everything can be kept. */
export const TAKES_ALL = { checkInput: () => {}, ask: <T>(give: () => T): T => give() };
