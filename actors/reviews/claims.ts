/**
 * The claims of people who are away: nobody waits for them. When an absence begins, the roster has them let go of by this, again and
 * again until it has been done; and one that they took at that very moment is let go of when somebody else wants it.
 */
import { fromPromise } from 'xstate';
import { roster } from '../../machines/absence/roster.ts';
import type { Leaving, Releasing, RosterMachine } from '../../machines/absence/roster.ts';
import type { ReviewRelease } from '../../machines/review/events.ts';
import { isReview } from '../../machines/review/review.ts';
import type { ReviewContext } from '../../machines/review/review.ts';
import { ActorEnded } from '../../runtime/index.ts';
import { reservedRoster } from './reserved.ts';
import type { Sending } from './reserved.ts';

/** What it needs of a system. */
export interface ClaimsHost extends Sending {
  // Typed by address and name there, which says nothing here.
  query(options: never): AsyncIterable<unknown>;
  names(isWanted: (logic: unknown) => boolean): Promise<readonly string[]>;
}

interface ClaimedRef {
  getSnapshot(): { readonly context: ReviewContext };
}

/** The roster of a system. @param system once it is open: what is owed goes on while it is still being opened */
export function rosterIn(system: () => PromiseLike<ClaimsHost>): RosterMachine {
  return reservedRoster(
    roster.provide({
      actors: {
        release: fromPromise<readonly string[], Releasing>(async ({ input: { people } }) => {
          await releaseAll(await system(), people);
          return people.map(({ absence }) => absence);
        }),
      },
    }),
  );
}

async function releaseAll(system: ClaimsHost, people: readonly Leaving[]): Promise<void> {
  const leaving = new Map(people.map((one) => [one.person, one]));
  for (const name of await system.names(isReview))
    // The type of a name depends on the system.
    for await (const one of system.query({ name, state: { open: { desk: 'claimed' } } } as never)) {
      const ref = one as ClaimedRef;
      const holder = leaving.get(ref.getSnapshot().context.claim?.by ?? '');
      if (holder !== undefined) await release(system, ref, holder);
    }
}

/** Lets go of a review that somebody has claimed who is away. */
export async function release(
  system: Sending,
  ref: object,
  { person, absence, standIn }: Leaving,
): Promise<void> {
  try {
    const to = standIn === undefined ? {} : { to: standIn };
    const event: ReviewRelease = { type: 'review.release', from: person, absence, ...to };
    await system.sendReserved(ref, event);
  } catch (error) {
    // It was decided meanwhile.
    if (!(error instanceof ActorEnded)) throw error;
  }
}
