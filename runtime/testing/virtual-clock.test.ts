// The lie: "time passes only when it is let, and everything happens at its own time". Timers set from timers, cancelled
// from timers, due at once, due together, and promises in between.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from './virtual-clock.ts';

const START = 1000;
const nothing = (): Promise<void> => Promise.resolve();

function newClock() {
  const clock = new VirtualClock(START);
  const rung: string[] = [];
  const note = (what: string) => () => void rung.push(`${what} at ${clock.now() - START}`);
  return { clock, rung, note };
}

describe('a virtual clock', () => {
  it('stands still until it is moved', async () => {
    const { clock, rung, note } = newClock();
    clock.after(0, note('at once'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([clock.now(), clock.monotonicMs(), rung]).toEqual([START, START, []]);
    await clock.advance(0, nothing);
    expect(rung).toEqual(['at once at 0']);
    await clock.advance(250, nothing);
    expect([clock.now(), clock.monotonicMs()]).toEqual([START + 250, START + 250]);
  });

  it('begins in 2030, if nothing else is said', () => {
    expect(new Date(new VirtualClock().now()).toISOString()).toBe('2030-01-01T00:00:00.000Z');
  });

  it('rings in the order in which timers are due, each at its own time', async () => {
    const { clock, rung, note } = newClock();
    for (const ms of [30, 10, 20]) clock.after(ms, note(`${ms}`));
    await clock.advance(100, nothing);
    expect(rung).toEqual(['10 at 10', '20 at 20', '30 at 30']);
  });

  it('rings those that are due together in the order in which they were set', async () => {
    const { clock, rung, note } = newClock();
    for (const name of ['first', 'second', 'third']) clock.after(10, note(name));
    await clock.advance(10, nothing);
    expect(rung).toEqual(['first at 10', 'second at 10', 'third at 10']);
  });

  it('rings what becomes due on the way, and leaves what lies beyond', async () => {
    const { clock, rung, note } = newClock();
    clock.after(10, () => {
      note('outer')();
      clock.after(5, note('inner'));
      clock.after(0, note('at once'));
      clock.after(91, note('beyond'));
    });
    await clock.advance(100, nothing);
    expect(rung).toEqual(['outer at 10', 'at once at 10', 'inner at 15']);
    expect(clock.nextAt).toBe(START + 101);
    await clock.advance(1, nothing);
    expect(rung.at(-1)).toBe('beyond at 101');
    expect(clock.nextAt).toBeUndefined();
  });

  it('lets things settle between two timers', async () => {
    const { clock, rung, note } = newClock();
    clock.after(10, note('one'));
    clock.after(20, note('two'));
    let settles = 0;
    await clock.advance(30, async () => {
      await Promise.resolve();
      settles++;
      note('settled')();
      if (settles === 1) clock.after(5, note('set while settling'));
    });
    expect(rung).toEqual([
      'one at 10',
      'settled at 10',
      'set while settling at 15',
      'settled at 15',
      'two at 20',
      'settled at 20',
    ]);
  });

  it('does not ring what was cancelled, before or on the way', async () => {
    const { clock, rung, note } = newClock();
    clock.after(5, note('never')).cancel();
    const victim = clock.after(20, note('never'));
    const other = clock.after(10, () => victim.cancel());
    await clock.advance(50, nothing);
    other.cancel();
    expect(rung).toEqual([]);
    expect(clock.nextAt).toBeUndefined();
  });

  it('takes a delay before now for now', async () => {
    const { clock, rung, note } = newClock();
    clock.after(-100, note('late'));
    expect(clock.nextAt).toBe(START);
    await clock.advance(0, nothing);
    expect(rung).toEqual(['late at 0']);
  });

  it('calls soon without being moved, but not within the call', async () => {
    const { clock } = newClock();
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      clock.soon(() => resolve(void order.push('soon')));
      order.push('now');
    });
    expect([order, clock.now()]).toEqual([['now', 'soon'], START]);
  });

  it('gives seeds that nobody can guess', () => {
    const { clock } = newClock();
    const [one, other] = [clock.randomSeed(), clock.randomSeed()];
    expect([one.length, other.length]).toEqual([16, 16]);
    expect(one).not.toEqual(other);
  });

  it('gives the same, whether time passes in one stride or in many', async () => {
    const delays = fc.array(fc.nat({ max: 50 }), { maxLength: 12 });
    const strides = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(delays, strides, async (set, steps) => {
        const runs = await Promise.all(
          [[steps.reduce((sum, ms) => sum + ms, 0)], steps].map(async (moves) => {
            const { clock, rung, note } = newClock();
            set.forEach((ms, i) => clock.after(ms, note(`${i}`)));
            for (const ms of moves) await clock.advance(ms, nothing);
            return [rung, clock.now(), clock.nextAt];
          }),
        );
        expect(runs[0]).toEqual(runs[1]);
      }),
      { numRuns: 50 },
    );
  });
});
