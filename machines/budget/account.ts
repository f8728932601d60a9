/**
 * Accounts: how much money may be spent, and how much was. Every account is a durable actor; whoever wants to spend reserves first,
 * and settles when the cost is known, so that any number of tasks at once cannot spend more than there is. It speaks the
 * protocol of `words.ts`.
 *
 *     createSystem({ actors: { budget: account({ limit: 100, per: 'day' }) } })
 *     system.start('budget', { id: 'acme', input: { within: ['budget/company'] } })
 *
 * Accounts lie within each other: what is reserved here is reserved in all of `within` too, and in those that the request names.
 * Only when all have it, it is granted.
 *
 * It owns who has reserved what, and refuses at once: nobody waits in it. What is to be done when money runs out is for the task
 * to say. Its windows (`per`) go by the recorded clock, in UTC; it has no timers, and looks at the clock when a message comes.
 */
import { assign, enqueueActions, sendTo, setup } from 'xstate';
import type { AnyActorRef } from 'xstate';
import { served } from './service.ts';
import { newLedger } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import { accounts } from './message.ts';
import type {
  AccountTerms,
  BudgetAnswer,
  BudgetBegin,
  BudgetMessage,
  BudgetNews,
  BudgetPer,
} from './words.ts';
import { microsOf, problemOfAmount } from '../values/money.ts';
import { OptionsCheck } from '../options.ts';
import type { Changes } from '../options.ts';

export interface AccountOptions {
  /** How much may be spent, as a decimal amount. An account that nobody has told its limit grants nothing. */
  readonly limit?: number;
  /** Whether the limit is one for each hour, day or month, in UTC. Default: for all time. */
  readonly per?: BudgetPer;
  /**
   * The accounts that hold what this one holds: their addresses, `budget/company`, or references to them. They must be there when
   * money is asked for.
   */
  readonly within?: readonly (string | AnyActorRef)[];
  /**
   * Of how many settled tickets it remembers the cost, so that late bills can correct it. Beyond that the oldest are forgotten.
   * Default 1,000.
   */
  readonly remember?: number;
  /** What is granted though the money is gone: `undoing`, what undoes something that was done. Default: nothing. */
  readonly overdraft?: 'undoing';
}

/** An account's books. */
export type AccountContext = Ledger;

/** Found in the configuration of a machine however it is provided for, so that accounts are told from other machines. */
const MARK = 'heddle.account';

const NAMES = ['limit', 'per', 'within', 'remember', 'overdraft'];
const REMEMBER = 1000;

/** What comes is looked at in `service.ts`; then the state is found anew. */
const SERVE = { target: '.open', actions: 'serve' } as const;

/**
 * An account: `open`, `overdrawn` while more was spent than there is, `unset` while nobody has said its limit, or `closed`.
 *
 * The options are those of new accounts; what `input` says goes before. One that exists keeps those that it has, also when this is
 * called with others after a deployment. The limit is changed with `budget.configure` and `budget.topUp`.
 *
 * @throws TypeError naming the option that makes no sense
 */
export function account(options: AccountOptions = {}) {
  checkOptions(options);

  return setup({
    types: {
      context: {} as AccountContext,
      events: {} as BudgetMessage | BudgetAnswer | BudgetBegin,
      emitted: {} as BudgetNews,
      input: undefined as Changes<AccountOptions> | undefined,
      meta: {} as { readonly is: typeof MARK },
    },
    guards: {
      isClosed: ({ context }) => context.isClosed,
      isUnset: ({ context }) => context.terms.limit === undefined,
      isOverdrawn: ({ context }) => context.window.overdraft > 0,
    },
    actions: {
      // What the factory says today must not change what was recorded: it is told once, in a message. See configuring.ts.
      begin: sendTo(
        ({ self }) => self,
        ({ event }): BudgetBegin => {
          const { input } = event as unknown as { readonly input?: Changes<AccountOptions> };
          return { type: 'budget.begin', options: termsOf(options, input ?? {}) };
        },
      ),
      takeLater: sendTo(
        ({ self }) => self,
        ({ event }) => event,
      ),
      takeTerms: assign(({ context, event, self }) =>
        event.type === 'budget.begin' ? newLedger(event.options, Date.now(), self.sessionId) : context,
      ),
      serve: enqueueActions(({ context, event, enqueue, self, system }) => {
        if (event.type === 'budget.begin') return;
        const after = served(context, event, {
          self,
          now: Date.now(),
          // A `systemId` in XState's types; under Heddle an address as well.
          find: (address) => system.get(address) as AnyActorRef | undefined,
          say: (to, news) => {
            if (to !== undefined) enqueue.sendTo(to, news);
            // Messages go to accounts, and are not for listeners.
            else enqueue.emit(news as BudgetNews);
          },
        });
        enqueue.assign(after);
      }),
    },
  }).createMachine({
    id: 'account',
    meta: { is: MARK },
    context: ({ input }) => {
      if (input !== undefined) checkOptions(input);
      return newLedger({ limit: undefined, per: undefined, within: [], remember: 0 }, Date.now());
    },
    initial: 'beginning',
    states: {
      /** Its own message is on the way. Over before anybody sees it, unless a crash comes in between. */
      beginning: {
        entry: 'begin',
        on: {
          'budget.begin': { target: 'serving', actions: 'takeTerms' },
          // Behind its own message, because that was sent before.
          '*': { actions: 'takeLater' },
        },
      },
      serving: {
        initial: 'open',
        on: {
          'budget.reserve': SERVE,
          'budget.reserved': SERVE,
          'budget.refused': SERVE,
          'budget.settle': SERVE,
          'budget.release': SERVE,
          'budget.hold': SERVE,
          'budget.correct': SERVE,
          'budget.read': SERVE,
          'budget.configure': SERVE,
          'budget.topUp': SERVE,
          'budget.close': SERVE,
        },
        states: {
          open: {
            always: [
              { guard: 'isClosed', target: 'closed' },
              { guard: 'isUnset', target: 'unset' },
              { guard: 'isOverdrawn', target: 'overdrawn' },
            ],
          },
          overdrawn: {},
          unset: {},
          closed: {},
        },
      },
    },
  });
}

/** Whether some logic is that of an account. */
export function isAccount(logic: unknown): logic is object {
  const { config } = (logic ?? {}) as { readonly config?: { readonly meta?: { readonly is?: unknown } } };
  return config?.meta?.is === MARK;
}

/** @throws OptionError */
function checkOptions(options: unknown): void {
  const check = new OptionsCheck('account', options, NAMES);
  check.ifGiven('limit', problemOfAmount);
  check.ifGiven('per', (value) =>
    value === 'hour' || value === 'day' || value === 'month' ? undefined : "must be 'hour', 'day' or 'month'",
  );
  check.ifGiven('within', accounts);
  check.ifGiven('overdraft', (value) => (value === 'undoing' ? undefined : "must be 'undoing'"));
  check.ifGiven('remember', (value) =>
    Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : 'must be a whole number from 0 on',
  );
}

/** What a new account works by. */
function termsOf(options: AccountOptions, input: Changes<AccountOptions>): AccountTerms {
  const limit = input.limit ?? options.limit;
  const overdraft = input.overdraft ?? options.overdraft;
  return {
    limit: limit === undefined ? undefined : microsOf(limit),
    per: input.per ?? options.per,
    within: [...(input.within ?? options.within ?? [])],
    remember: input.remember ?? options.remember ?? REMEMBER,
    ...(overdraft !== undefined && { overdraft }),
  };
}
