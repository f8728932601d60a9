// The lie: "whatever people try, in whatever order: the rules of a review hold". Random lives under plain XState, watched by an
// oracle that knows only the rules.
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { createActor } from 'xstate';
import { standingTime } from '../permits/permit.testsuite.ts';
import { inputOf, live, lives } from './review.testsuite.ts';
import { review } from './review.ts';

const LIVES = 1500;
const LONGEST = 30;

standingTime();

it('a review does what the rules say, and nothing else', async () => {
  const told = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(lives(LONGEST), async (life) => {
      const actor = createActor(review, { input: inputOf(life) }).start();
      // When its steps are due is asked of a process.
      await vi.advanceTimersByTimeAsync(0);
      const outcomes = await live(life, {
        context: () => actor.getSnapshot().context,
        output: () => actor.getSnapshot().output,
        tell: async (event) => actor.send(event),
        wait: async (ms) => void vi.advanceTimersByTime(ms),
      });
      const { ending } = actor.getSnapshot().context;
      for (const outcome of [...outcomes, ending?.verdict ?? 'pending'])
        told.set(outcome, (told.get(outcome) ?? 0) + 1);
      actor.stop();
    }),
    { numRuns: LIVES },
  );
  // Everything that can become of them has.
  const possible = [
    ...[
      'taken',
      'not-permitted',
      'four-eyes',
      'already-voted',
      'own-edit',
      'claimed',
      'not-claimed',
      'stale',
    ],
    ...['open-question', 'no-question', 'invalid-edit', 'malformed'],
    ...['approved', 'rejected', 'aborted', 'expired', 'pending'],
  ];
  expect([...told.keys()].toSorted()).toEqual(possible.toSorted());
});
