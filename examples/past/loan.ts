/**
 * A loan, in the two versions of its code: the first asks one assessor, the second knows the income too and is more careful.
 */
import { assign, fromPromise, setup } from 'xstate';
import { durable } from 'heddle';

interface Asked {
  readonly amount: number;
}

/** Whoever assesses the risk. A real one would be called. */
const assess = fromPromise<number, Asked>(async ({ input }) => Math.min(99, Math.round(input.amount / 1000)));

/** The first version. */
export const loan1 = setup({
  types: {
    context: {} as { amount: number; risk: number | undefined; notes: readonly string[] },
    input: {} as Asked,
    events: {} as
      | { type: 'change'; amount: number }
      | { type: 'note'; text: string }
      | { type: 'submit' }
      | { type: 'decide' },
  },
  actors: { assess },
  guards: { isSafe: ({ context }) => (context.risk ?? 100) < 50 },
})
  .createMachine({
    id: 'loan',
    context: ({ input }) => ({ amount: input.amount, risk: undefined, notes: [] }),
    initial: 'draft',
    on: {
      note: { actions: assign({ notes: ({ context, event }) => [...context.notes, event.text] }) },
    },
    states: {
      draft: {
        on: {
          change: { actions: assign({ amount: ({ event }) => event.amount }) },
          submit: 'assessing',
        },
      },
      assessing: {
        invoke: {
          id: 'assess',
          src: 'assess',
          input: ({ context }) => ({ amount: context.amount }),
          onDone: { target: 'assessed', actions: assign({ risk: ({ event }) => event.output }) },
        },
      },
      assessed: {
        on: { decide: [{ guard: 'isSafe', target: 'granted' }, { target: 'declined' }] },
        after: { '30d': 'expired' },
      },
      granted: { type: 'final' },
      declined: { type: 'final' },
      expired: { type: 'final' },
    },
  })
  .provide({ delays: { '30d': 30 * 24 * 3_600_000 } });

/** The second version: a safe loan is below 30, and it is known who has signed. `assessed` is called `review` now. */
export const loan2 = durable(
  setup({
    types: {
      context: {} as {
        amount: number;
        risk: number | undefined;
        notes: readonly string[];
        signedBy: string | undefined;
      },
      input: {} as Asked,
      events: {} as { type: 'sign'; by: string } | { type: 'decide' },
    },
    actors: { assess },
    guards: { isSafe: ({ context }) => (context.risk ?? 100) < 30 && context.signedBy !== undefined },
    delays: { '30d': 30 * 24 * 3_600_000 },
  }).createMachine({
    id: 'loan',
    context: ({ input }) => ({ amount: input.amount, risk: undefined, notes: [], signedBy: undefined }),
    initial: 'review',
    states: {
      review: {
        on: {
          sign: { actions: assign({ signedBy: ({ event }) => event.by }) },
          decide: [{ guard: 'isSafe', target: 'granted' }, { target: 'declined' }],
        },
        after: { '30d': 'expired' },
      },
      granted: { type: 'final' },
      declined: { type: 'final' },
      expired: { type: 'final' },
    },
  }),
  {
    version: 2,
    migrate: {
      1: {
        state: ({ value, context }) => ({
          value: value === 'assessed' ? 'review' : value,
          context: { ...(context as object), signedBy: undefined },
        }),
        // The timer of `after` is named after its state.
        event: (event) =>
          event.type.startsWith('xstate.after.') ? { type: event.type.replace('assessed', 'review') } : event,
        logic: loan1,
      },
    },
  },
);
