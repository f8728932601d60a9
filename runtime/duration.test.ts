// The lie: "a duration as you write it is the milliseconds you meant, or it is refused with its path".
import * as Duration from 'effect/Duration';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { millisOf } from './duration.ts';
import { InvalidArgument } from './errors.ts';

describe('a duration', () => {
  it.each<[Duration.Input, number]>([
    [0, 0],
    [1500, 1500],
    [0.5, 0.5],
    ['10 seconds', 10_000],
    ['1 minute', 60_000],
    ['2 hours', 7_200_000],
    ['1 day', 86_400_000],
    ['20 millis', 20],
    [Duration.minutes(3), 180_000],
    [Duration.zero, 0],
    [Infinity, Infinity],
    [Duration.infinity, Infinity],
    [5_000_000n, 5],
  ])('given as %s is %d ms', (input, millis) => {
    expect(millisOf(input, 'timeout')).toBe(millis);
  });

  const around: unknown[] = [];
  around.push(around);

  it.each([
    [-5n, '-5'],
    [() => 5, 'a function'],
    [Symbol('soon'), 'a symbol'],
    [around, 'an object'],
  ])('that cannot be written down is refused in words: %#', (input, words) => {
    expect(() => millisOf(input as never, 'timeout')).toThrow(InvalidArgument);
    expect(() => millisOf(input as never, 'timeout')).toThrow(words);
  });

  it('given as a number is that many milliseconds', () => {
    fc.assert(
      fc.property(fc.nat(), (millis) => {
        expect(millisOf(millis, 'timeout')).toBe(millis);
      }),
    );
  });

  it.each([['soon'], ['10 parsecs'], [''], [[]], [null], [undefined], [true], [-1], ['-5 seconds']])(
    'given as %j is refused with its path',
    (input) => {
      let refusal: unknown;
      try {
        millisOf(input as Duration.Input, 'spec.timeout');
      } catch (error) {
        refusal = error;
      }
      expect(refusal).toBeInstanceOf(InvalidArgument);
      expect(refusal).toMatchObject({ path: 'spec.timeout', retryable: false });
      expect((refusal as Error).message).toMatch(
        /^spec\.timeout (is not a duration: .*'10 seconds'|must not)/,
      );
    },
  );

  // Effect makes nothing of both; and a timeout of nothing aborts every attempt.
  it.each([[NaN], [{ second: 5 }]])('given as %j is refused, and not taken for none', (input) => {
    expect(() => millisOf(input as Duration.Input, 'timeout')).toThrow(InvalidArgument);
  });
});
