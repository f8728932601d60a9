/**
 * A bank: accounts that hold money, couriers that carry it, and an auditor outside who hears of every movement.
 *
 * A transfer takes money off one account and spawns a courier (a child machine) that packs (an invoked promise that may
 * fail and is then begun again), travels (a timer), delivers to the other account (a message to another actor) and reports back (done). Saving
 * sets a timer whose interest moves no money. So every path through the runtime moves money, and none may lose any.
 */
import { assign, fromPromise, sendTo, setup } from 'xstate';
import type { AnyActorRef } from 'xstate';
import { currentEffect, durable } from 'heddle';

export const OPENING_BALANCE = 100;

/** What the outside world has seen, by idempotency key. It outlives every crash. */
export class Auditor {
  readonly seen = new Map<string, { readonly what: string; times: number }>();
  /** Two different effects under one key. */
  readonly conflicts: string[] = [];

  hear(what: string, key: string): void {
    const known = this.seen.get(key);
    if (known === undefined) this.seen.set(key, { what, times: 1 });
    else if (known.what === what) known.times++;
    else this.conflicts.push(`${key}: '${known.what}' and '${what}'`);
  }
}

export type AccountEvent =
  | { type: 'transfer'; to: string; amount: number; transfer: string }
  | { type: 'deposit'; amount: number; transfer: string }
  | { type: 'save'; delayMs: number }
  | { type: 'interest' };

/** What the bank needs of the world around it. */
export interface BankWorld {
  sleep(ms: number): Promise<void>;
  chance(probability: number): boolean;
  /** Hears of every effect, with its key. */
  hear(what: string, key: string): void;
}

/** @param checkpointEvery how often checkpoints are taken, if not as seldom as usual */
export function bankActors(world: BankWorld, checkpointEvery?: number) {
  const spec = checkpointEvery === undefined ? {} : { checkpointEvery };
  const hear = (what: string): void => world.hear(what, currentEffect()?.idempotencyKey ?? 'no key');

  const pack = fromPromise(async ({ input }: { input: { transfer: string } }) => {
    hear(`pack ${input.transfer}`);
    await world.sleep(25);
    if (world.chance(0.2)) throw new Error('the paper tore');
    return `parcel ${input.transfer}`;
  });

  const courier = setup({
    types: {
      context: {} as { to: string; amount: number; transfer: string; torn: number },
      input: {} as { to: string; amount: number; transfer: string },
    },
    actors: { pack },
    actions: { depart: ({ context }) => hear(`depart ${context.transfer}`) },
    delays: {
      journey: ({ context }) => 5 + (context.amount % 7) * 10,
      mending: ({ context }) => (context.amount % 3) * 20,
    },
  }).createMachine({
    id: 'courier',
    context: ({ input }) => ({ ...input, torn: 0 }),
    initial: 'packing',
    states: {
      packing: {
        invoke: {
          src: 'pack',
          id: 'pack',
          input: ({ context }) => ({ transfer: context.transfer }),
          onDone: 'travelling',
          onError: { target: 'torn', actions: assign({ torn: ({ context }) => context.torn + 1 }) },
        },
      },
      // By the time it is packed again, the first packing may have left memory.
      torn: { after: { mending: 'packing' } },
      travelling: { entry: 'depart', after: { journey: 'delivered' } },
      delivered: {
        type: 'final',
        entry: sendTo(
          ({ system, context }) => system.get(`account/${context.to}`) as AnyActorRef,
          ({ context }) => ({ type: 'deposit', amount: context.amount, transfer: context.transfer }),
        ),
      },
    },
    output: ({ context }) => context.transfer,
  });

  const account = setup({
    types: {
      context: {} as { balance: number; underWay: number; interest: number; delivered: number },
      events: {} as AccountEvent,
      emitted: {} as { type: 'moved'; transfer: string },
    },
    actors: { courier: durable(courier, spec) },
    actions: { audit: (_, params: { what: string }) => hear(params.what) },
    guards: { canPay: ({ context, event }) => event.type === 'transfer' && context.balance >= event.amount },
  }).createMachine({
    id: 'account',
    context: { balance: OPENING_BALANCE, underWay: 0, interest: 0, delivered: 0 },
    on: {
      transfer: {
        guard: 'canPay',
        actions: [
          assign({
            balance: ({ context, event }) => context.balance - event.amount,
            underWay: ({ context }) => context.underWay + 1,
          }),
          assign(({ spawn, event }) => {
            const { to, amount, transfer } = event;
            spawn('courier', { id: transfer, input: { to, amount, transfer } });
            return {};
          }),
          { type: 'audit', params: ({ event }) => ({ what: `debit ${event.transfer}` }) },
        ],
      },
      deposit: {
        actions: [
          assign({ balance: ({ context, event }) => context.balance + event.amount }),
          { type: 'audit', params: ({ event }) => ({ what: `credit ${event.transfer}` }) },
        ],
      },
      save: {
        actions: sendTo(({ self }) => self, { type: 'interest' }, { delay: ({ event }) => event.delayMs }),
      },
      interest: { actions: assign({ interest: ({ context }) => context.interest + 1 }) },
      'xstate.done.actor.*': {
        actions: assign({
          underWay: ({ context }) => context.underWay - 1,
          delivered: ({ context }) => context.delivered + 1,
        }),
      },
    },
  });

  return { account: durable(account, spec) } as const;
}
