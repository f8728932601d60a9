/** The load: so many events a second for accounts at random, as long as not too many wait for their receipts. */
import type { System, ActorDefinitions } from 'heddle';
import type { Prng } from '../../../runtime/testing/prng.ts';
import type { AccountEvent } from './actors.ts';
import type { Books } from './books.ts';

/** About half of what one processor can do, together with everything that goes on besides. */
const EVENTS_PER_SECOND = 3000;
const MAX_IN_FLIGHT = 2000;
const EVERY_MS = 5;

export type AnySystem = System<ActorDefinitions>;

/** Sends an event to the account at an address. */
export function send(system: AnySystem, address: string, event: AccountEvent) {
  return system.get(address)!.send(event);
}

/** Begins to send. @returns what ends it */
export function beginLoad(system: AnySystem, books: Books, random: Prng): () => void {
  let owed = 0;
  let lookedAt = performance.now();
  const handle = setInterval(() => {
    const now = performance.now();
    // What could not be sent in time is not sent later: it would measure the hurry.
    owed = Math.min(owed + ((now - lookedAt) / 1000) * EVENTS_PER_SECOND, EVENTS_PER_SECOND / 20);
    lookedAt = now;
    for (; owed >= 1 && books.inFlight < MAX_IN_FLIGHT; owed--) sendOne(system, books, random);
  }, EVERY_MS);
  return () => clearInterval(handle);
}

function sendOne(system: AnySystem, books: Books, random: Prng): void {
  const { addresses } = books;
  const place = random.below(addresses.length);
  const by = 1 + random.below(9);
  const kind = random.below(100);
  const other = random.below(addresses.length);
  // Those below the small supervisors may be left stopped in the end, and what is sent to them would wait.
  if (kind < 8 && addresses[other]!.startsWith('pool')) {
    const event = { type: 'pass', by, to: addresses[other]! } as const;
    follow(event, [
      [place, -by],
      [other, by],
    ]);
  } else if (kind < 14) follow({ type: 'wait' }, []);
  else if (kind < 20) follow({ type: 'work', fails: false }, []);
  else follow({ type: 'add', by }, [[place, by]]);

  function follow(event: AccountEvent, changes: readonly (readonly [number, number])[]): void {
    void books.follow(send(system, addresses[place]!, event), changes);
  }
}
