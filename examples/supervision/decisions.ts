/**
 * What a supervisor has decided, told from its journal: every decision is a record, with what it heard and what it ordered.
 */
import type { HistoryRecord } from 'heddle';
import type { Shop } from './shop.ts';

/** One line for each record that has an order in it, or tells of a failure. */
export async function decisionsOf(shop: Shop, supervisor: string, from = 1): Promise<readonly Decision[]> {
  const decisions: Decision[] = [];
  for await (const { at, seq, event, intents } of shop.history(`supervisor/${supervisor}`, { from })) {
    const heard = tellEvent(event);
    const ordered = intents.flatMap((intent) => (intent.kind === 'order' ? [tellOrder(intent)] : []));
    if (heard !== undefined) decisions.push({ at, seq, text: [heard, ...ordered].join(', ') });
  }
  return decisions;
}

export interface Decision {
  readonly at: number;
  readonly seq: number;
  readonly text: string;
}

/** How far its journal goes. */
export async function lengthOf(shop: Shop, supervisor: string): Promise<number> {
  let length = 0;
  for await (const { seq } of shop.history(`supervisor/${supervisor}`)) length = seq;
  return length;
}

function tellEvent(event: HistoryRecord['event']): string | undefined {
  const id = event['id'] as string;
  switch (event.type) {
    case 'heddle.exit':
      return event['reason'] === 'crash' ? `${id} has failed` : `${id} has given up`;
    case 'heddle.halted':
      return `${nameOf(id)} stopped`;
    case 'heddle.started':
      return `${nameOf(id)} started`;
    case 'heddle.again':
      return 'the backoff is over';
    case 'heddle.up':
      return 'told to start';
    case 'heddle.resume':
      return 'found in the middle of it';
    default:
      return undefined;
  }
}

const nameOf = (id: string): string => (id === '*' ? 'all of them' : id);

function tellOrder({ to: address, type }: { readonly to: string; readonly type: string }): string {
  const whom = address.endsWith('/') ? 'all of them' : address.split('/').at(-1)!;
  switch (type) {
    case 'heddle.up':
      return `start ${whom}`;
    case 'heddle.halt':
      return `stop ${whom}`;
    case 'heddle.exit':
      return `leave it to ${whom}`;
    default:
      return `tell ${whom}`;
  }
}
