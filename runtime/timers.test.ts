// The lie: "alarms go off in the order in which they are due, and those that are cancelled take no room". Random alarms
// against a sorted list; more cancelled ones than memory should hold.
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { armTimer, disarmTimer, Timers } from './timers.ts';
import type { Timer } from './timers.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

const START_MS = 1_000_000;

function timerAt(dueAt: number, seq: number, id?: string): Timer {
  return { id, seq, index: 0, dueAt, to: undefined as never, event: { type: 'due' }, origin: undefined };
}

/** Timers on a clock that stands still, with what has gone off. */
function ringing(stands: (actor: number, timer: Timer | undefined) => boolean = () => true) {
  const clock = new VirtualClock(START_MS);
  const rung: { at: number; actor: number; seq: number | undefined }[] = [];
  const timers: Timers = new Timers(
    clock,
    (actor, timer) => rung.push({ at: clock.now(), actor, seq: timer?.seq }),
    stands,
  );
  return { clock, rung, timers };
}

const settled = (): Promise<void> => Promise.resolve();

describe('alarms', () => {
  it('go off when they are due, the earlier first, equals in the order in which they were set', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: -5, max: 20 }), { maxLength: 60 }), async (delays) => {
        const { clock, rung, timers } = ringing();
        delays.forEach((delay, seq) => timers.add(seq, START_MS + delay, timerAt(START_MS + delay, seq)));
        await clock.advance(30, settled);
        const expected = delays.map((delay, seq) => ({ delay, seq })).sort((a, b) => a.delay - b.delay);
        expect(rung.map(({ seq }) => seq)).toEqual(expected.map(({ seq }) => seq));
        expect(rung.map(({ at }) => at)).toEqual(expected.map(({ delay }) => START_MS + Math.max(0, delay)));
      }),
    );
  });

  it('that are set while others go off have their turn', async () => {
    const { clock, rung, timers } = ringing();
    timers.add(1, START_MS + 10, undefined);
    await clock.advance(10, settled);
    timers.add(2, START_MS + 5, undefined);
    timers.add(3, START_MS + 20, undefined);
    await clock.advance(10, settled);
    expect(rung.map(({ actor }) => actor)).toEqual([1, 2, 3]);
  });

  it('are forgotten all at once', async () => {
    const { clock, rung, timers } = ringing();
    timers.add(1, START_MS + 10, undefined);
    timers.clear();
    expect(timers.size).toBe(0);
    expect(clock.nextAt).toBeUndefined();
    await clock.advance(100, settled);
    expect(rung).toEqual([]);
  });
});

describe('alarms that do not stand any more', () => {
  it('are swept out, and all others still go off', async () => {
    const standing = new Set<Timer | undefined>();
    const { clock, rung, timers } = ringing((_, timer) => standing.has(timer));
    let most = 0;
    for (let seq = 0; seq < 100_000; seq++) {
      const timer = timerAt(START_MS + 1000 + (seq % 777), seq);
      if (seq % 100 === 0) standing.add(timer);
      timers.add(seq, timer.dueAt, timer);
      most = Math.max(most, timers.size);
    }
    expect(standing.size).toBe(1000);
    expect(most).toBeLessThan(3000);
    await clock.advance(5000, settled);
    // What was cancelled last may still be there; the runtime passes it over.
    const due = rung.filter(({ seq }) => seq! % 100 === 0);
    expect(due).toHaveLength(1000);
    expect(rung.length).toBeLessThan(3000);
    expect(rung.map(({ at }) => at)).toEqual(rung.map(({ at }) => at).toSorted((a, b) => a - b));
  });

  it('keep only the first wake-up of each actor that sleeps', async () => {
    const { clock, rung, timers } = ringing();
    for (let i = 0; i < 5000; i++) timers.add(i % 7, START_MS + 100 + i, undefined);
    expect(timers.size).toBeLessThan(1100);
    await clock.advance(10_000, settled);
    for (let actor = 0; actor < 7; actor++)
      expect(rung.find((one) => one.actor === actor)!.at).toBe(START_MS + 100 + actor);
  });
});

describe('the timers of an actor', () => {
  it('of the same id hide each other, as in XState: the hidden one stands, and cannot be cancelled', () => {
    const timers = new Map<string, Timer>();
    const [first, second] = [timerAt(1, 1, 'it'), timerAt(2, 2, 'it')];
    armTimer(timers, first);
    armTimer(timers, second);
    expect([...timers.values()]).toEqual(expect.arrayContaining([first, second]));
    timers.delete('it');
    expect([...timers.values()]).toEqual([first]);
    expect(disarmTimer(timers, 1, 0)).toBe(first);
    expect(timers.size).toBe(0);
    expect(disarmTimer(timers, 1, 0)).toBeUndefined();
    expect(disarmTimer(undefined, 1, 0)).toBeUndefined();
  });
});
