// The lie: "a review takes each message once, and its ladder goes on, wherever the machine dies". Random lives of reviews in a
// system that dies after every commit, before anybody is told of it; and workflows that wait for reviews, likewise.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durable } from 'heddle';
import { review } from 'heddle/machines';
import type { ReviewEvent } from 'heddle/machines';
import { memory } from 'heddle/storage';
import { inputOf, live, lives } from '../../machines/review/review.testsuite.ts';
import { actionsOf } from '../../machines/review/events.ts';
import { DyingSystem } from '../dying-system.ts';
import { GATE, Press, publishing } from '../publishing.ts';

const LIVES = 20;
const LONGEST = 14;
/** Each life dies dozens of times; on a busy machine that takes a while. */
const PATIENCE_MS = 120_000;
const HOUR = 3_600_000;

/** Whose state comes back from records, and whose from a checkpoint. */
const FORMS = [
  ['from records', <T extends object>(logic: T): T => logic],
  ['from checkpoints', <T extends object>(logic: T): T => durable(logic, { checkpointEvery: 1 })],
] as const;

describe.each(FORMS)('a review that comes back %s', (_, form) => {
  it(
    'does what the rules say, whenever it dies',
    async () => {
      let deaths = 0;
      await fc.assert(
        fc.asyncProperty(lives(LONGEST), async (life) => {
          const dying = new DyingSystem({ store: memory(), actors: { review: form(review) } });
          await dying.open();
          await dying.start('review', '1', inputOf(life));
          const snapshot = () => dying.system.get('review/1')!.getSnapshot();
          await live(life, {
            context: () => snapshot().context,
            output: () => snapshot().output,
            tell: (event) => dying.post('review/1', event),
            wait: (ms) => dying.advance(ms),
          });
          const { difference } = await dying.system.replay('review/1');
          expect(difference).toBeUndefined();
          deaths += dying.deaths;
          await dying.close();
        }),
        { numRuns: LIVES },
      );
      expect(deaths).toBeGreaterThan(LIVES * 5);
    },
    PATIENCE_MS,
  );
});

describe('a workflow that waits for a review', () => {
  function permitted(event: object, claimedBy?: string): ReviewEvent {
    const given = event as ReviewEvent;
    const permissions = actionsOf(given, claimedBy).map(
      (action) => ({ action, effect: 'permit', determining: ['p'], reasons: [] }) as const,
    );
    return { ...given, permissions };
  }

  it.each([false, true])('publishes what was approved, once (dies: %s)', async (dies) => {
    const press = new Press();
    const told: string[] = [];
    const dying = new DyingSystem({
      store: memory(),
      actors: { report: publishing(press) },
      dies,
      onEmit: ({ type }) => void told.push(type),
    });
    await dying.open();
    const ladder = [{ afterMs: HOUR, remind: true }] as const;
    await dying.start('report', '7', { draft: { text: 'x' }, gate: { quorum: 2, ladder } });
    const id = 'report/7/review';
    const context = () => dying.system.get(id)!.getSnapshot().context;
    const about = () => ({ hash: context().hash, bound: 'shown' });
    await dying.advance(HOUR / 2);
    await dying.post(id, permitted({ type: 'review.approve', by: 'ada', ...about() }));
    await dying.advance(HOUR / 2);
    const edits = [{ pointer: '/text', value: 'y' }];
    await dying.post(id, permitted({ type: 'review.edit', by: 'bob', approves: true, edits, ...about() }));
    expect(dying.system.get('report/7')!.getSnapshot().value).toBe('reviewing');
    await dying.post(id, permitted({ type: 'review.approve', by: 'ada', ...about() }));
    expect(dying.system.get('report/7')!.getSnapshot().value).toBe('published');
    expect([...press.printed.values()]).toEqual([{ text: 'y' }]);
    expect(context()).toMatchObject({
      approvals: [{ by: 'bob' }, { by: 'ada' }],
      voided: [{ by: 'ada' }],
      climbed: 1,
    });
    // Told at least once.
    expect(new Set(told)).toEqual(
      new Set(['review.opened', 'review.taken', 'review.reminded', 'review.decided']),
    );
    if (dies) expect(dying.deaths).toBeGreaterThan(5);
    await dying.close();
  });

  it('hears that nobody decided, though the machine was down at the time', async () => {
    const dying = new DyingSystem({ store: memory(), actors: { review } });
    await dying.open();
    await dying.start('review', '1', { ...GATE, proposal: 1, expiresAfterMs: HOUR });
    await dying.close();
    await dying.clock.advance(2 * HOUR, async () => {});
    await dying.open();
    await dying.advance(0);
    expect(dying.system.get('review/1')!.getSnapshot().output).toMatchObject({ verdict: 'expired' });
    await dying.close();
  });
});
