// The lie: "a delay is as long as one likes": Node takes one of more than 24.8 days for none at all.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from './clock.ts';

const DAY_MS = 24 * 60 * 60_000;

describe('the clock of the system', () => {
  let clock: Clock;

  beforeEach(async () => {
    vi.useFakeTimers();
    vi.resetModules();
    // It keeps the timers that are there when it is loaded.
    ({ systemClock: clock } = await import('./clock.ts'));
  });
  afterEach(() => void vi.useRealTimers());

  it.each([0, 1, 24, 25, 40, 400])('calls back after %i days, and not before', (days) => {
    let calls = 0;
    clock.after(days * DAY_MS, () => calls++);
    vi.advanceTimersByTime(Math.max(0, days * DAY_MS - 1));
    expect(calls).toBe(days === 0 ? 1 : 0);
    vi.advanceTimersByTime(1);
    expect(calls).toBe(1);
  });

  it('calls nobody back who does not want it any more, in whichever part of the wait', () => {
    let calls = 0;
    const handle = clock.after(60 * DAY_MS, () => calls++);
    vi.advanceTimersByTime(50 * DAY_MS);
    handle.cancel();
    clock.after(Infinity, () => calls++);
    vi.advanceTimersByTime(100 * DAY_MS);
    expect(calls).toBe(0);
  });
});
