/**
 * The shop: its machines, plain XState with two bugs in them, and the tree that keeps it open.
 *
 *     shop                 rest-for-one: what stands further down needs what stands above it
 *     ├─ ledger/books      what was earned
 *     ├─ checkout/till     sells, and has it booked
 *     ├─ notify            one-for-one
 *     │  └─ mailer/post    a process that holds a connection
 *     └─ orders            dynamic: every order there is
 */
import * as Schedule from 'effect/Schedule';
import { assign, fromPromise, sendTo, setup } from 'xstate';
import type { AnyActorRef } from 'xstate';
import { createSystem, durable, supervisor } from 'heddle';
import type { Logger, System } from 'heddle';
import { leveldb } from 'heddle/storage';
import type { MailServer } from './mail-server.ts';

// ---- machines -----------------------------------------------------------------------------------------------------

type Booking = { readonly type: 'book'; readonly amount: string };

const books = setup({
  types: { context: {} as { cents: bigint }, events: {} as Booking },
  actions: {
    // The first bug: it knows no decimal comma.
    book: assign({ cents: ({ context, event }) => context.cents + BigInt(event.amount) }),
  },
}).createMachine({
  id: 'ledger',
  context: { cents: 0n },
  initial: 'open',
  states: { open: { on: { book: { actions: 'book' } } } },
});

/** The same machine after somebody has mended it. Only what is done with an event is another. */
const mendedBooks = books.provide({
  actions: {
    book: assign({
      cents: ({ context, event }) => context.cents + BigInt(event.amount.replace(',', '')),
    }),
  },
});

const till = setup({
  types: {
    context: {} as { sold: number },
    events: {} as { type: 'sell'; amount: string } | { type: 'refund' },
  },
  actions: {
    count: assign({ sold: ({ context }) => context.sold + 1 }),
    refund: assign(() => {
      throw new Error('refunds are not written yet');
    }),
  },
}).createMachine({
  id: 'checkout',
  context: { sold: 0 },
  initial: 'open',
  states: {
    open: {
      on: {
        sell: {
          actions: [
            'count',
            sendTo(
              ({ system }) => system.get('ledger/books') as AnyActorRef,
              ({ event }): Booking => ({ type: 'book', amount: event.amount }),
            ),
          ],
        },
        refund: { actions: 'refund' },
      },
    },
  },
});

/** As many letters as there is room for. */
const PLATE = 12;

const order = setup({
  types: {
    context: {} as { items: readonly string[]; plate: string },
    events: {} as { type: 'add'; item: string } | { type: 'engrave'; text: string },
  },
}).createMachine({
  id: 'order',
  context: { items: [], plate: '' },
  initial: 'open',
  states: {
    open: {
      on: {
        add: { actions: assign({ items: ({ context, event }) => [...context.items, event.item] }) },
        // The second bug: what is longer than the plate cannot be filled up.
        engrave: {
          actions: assign({ plate: ({ event }) => event.text + '·'.repeat(PLATE - event.text.length) }),
        },
      },
    },
  },
});

/** Runs as long as its connection lasts, and rejects when that breaks. */
const mailer = (server: MailServer) => fromPromise(({ signal }) => server.connect(signal));

/** What all of them do about a step that throws: the actor fails, and its supervisor decides. */
const SPEC = { poison: 'fail' } as const;

const actorsOf = (server: MailServer, isMended: boolean) => ({
  ledger: durable(isMended ? mendedBooks : books, SPEC),
  checkout: durable(till, SPEC),
  order: durable(order, SPEC),
  mailer: mailer(server),
});

// ---- the tree -----------------------------------------------------------------------------------------------------

/** How long the mailer waits before it connects again, at first. */
export const BACKOFF_MS = 150;

const tree = supervisor({
  id: 'shop',
  strategy: 'rest-for-one',
  intensity: 5,
  period: '10 seconds',
  children: [
    { id: 'books', start: 'ledger' },
    { id: 'till', start: 'checkout' },
    supervisor({
      id: 'notify',
      intensity: 5,
      backoff: Schedule.exponential(BACKOFF_MS),
      children: [{ id: 'post', start: 'mailer', shutdown: '5 seconds' }],
    }),
    supervisor({ id: 'orders', strategy: 'dynamic', start: 'order', intensity: 3, period: '1 minute' }),
  ],
});

export type Shop = System<ReturnType<typeof actorsOf>>;

export interface Opening {
  readonly store: string;
  readonly server: MailServer;
  readonly logger: Logger;
  /** With the ledger that somebody has mended. */
  readonly isMended?: boolean;
}

/** Opens the shop: found as it was left, or new. */
export function openShop({ store, server, logger, isMended = false }: Opening): Promise<Shop> {
  const actors = actorsOf(server, isMended);
  return createSystem({ store: leveldb(store), actors, supervise: tree, logger });
}
