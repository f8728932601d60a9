// The lie: "there are never more at once than there are places, and nobody waits for ever".
import { describe, expect, it } from 'vitest';
import type { Agent } from './agent.ts';
import { Places } from './places.ts';

const two = { name: 'two', concurrency: 2 } as Agent;
const never = new AbortController().signal;

describe('places', () => {
  it('are given in the order in which they are asked for', async () => {
    const places = new Places();
    const order: number[] = [];
    const ends: (() => void)[] = [];
    const work = (n: number) => () =>
      new Promise<void>((resolve) => {
        order.push(n);
        ends.push(resolve);
      });
    const all = [1, 2, 3, 4].map((n) => places.with(two, never, work(n)));
    await Promise.resolve();
    expect([order, places.running('two')]).toEqual([[1, 2], 4]);
    ends[1]!();
    await all[1];
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual([1, 2, 3]);
    ends.forEach((end) => end());
    await new Promise((resolve) => setImmediate(resolve));
    ends.forEach((end) => end());
    await Promise.all(all);
    expect([order, places.running('two')]).toEqual([[1, 2, 3, 4], 0]);
  });

  it('are free again when the work fails', async () => {
    const places = new Places();
    const one = { name: 'one', concurrency: 1 } as Agent;
    await expect(places.with(one, never, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(places.running('one')).toBe(0);
    expect(await places.with(one, never, () => Promise.resolve(7))).toBe(7);
  });

  it('are not waited for any more by who is not wanted any more, and that takes nobody a place', async () => {
    const places = new Places();
    const one = { name: 'one', concurrency: 1 } as Agent;
    let end = (): void => {};
    const first = places.with(one, never, () => new Promise<void>((resolve) => (end = resolve)));
    const ended = new AbortController();
    const second = places.with(one, ended.signal, () => Promise.resolve(ended.signal.aborted));
    const third = places.with(one, never, () => Promise.resolve('third'));
    ended.abort();
    expect(await second).toBe(true);
    expect(places.running('one')).toBe(2);
    end();
    await first;
    expect(await third).toBe('third');
    expect(places.running('one')).toBe(0);
    expect(await places.with(one, AbortSignal.abort(), () => Promise.resolve('at once'))).toBe('at once');
  });
});
