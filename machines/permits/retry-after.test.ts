// The lie: "whatever way an error says to wait, it is understood, and nothing else is taken for it".
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { retryAfterMsOf } from './retry-after.ts';

/** Sun, 06 Nov 1994 08:49:37 GMT */
const NOW = Date.UTC(1994, 10, 6, 8, 49, 37);

// Far from GMT, as the computers of users are.
beforeAll(() => {
  vi.stubEnv('TZ', 'Asia/Tokyo');
});
afterAll(() => {
  vi.unstubAllEnvs();
});

describe('an error', () => {
  it('is read where it is nine hours later', () => {
    expect(new Date(0).getTimezoneOffset()).toBe(-540);
  });

  it.each<[unknown, number | undefined]>([
    [{ retryAfterMs: 1500 }, 1500],
    [{ retryAfterMs: 0.2 }, 1],
    [{ retryAfterMs: -7 }, 0],
    [{ retryAfter: 2 }, 2000],
    [{ retryAfter: '120' }, 120_000],
    [{ retryAfter: ' 1.5 ' }, 1500],
    [{ retryAfter: new Date(NOW + 250) }, 250],
    // The three forms that RFC 9110 asks to be understood.
    [{ retryAfter: 'Sun, 06 Nov 1994 08:49:47 GMT' }, 10_000],
    [{ retryAfter: 'Sunday, 06-Nov-94 08:49:47 GMT' }, 10_000],
    [{ retryAfter: 'Sun Nov  6 08:49:47 1994' }, 10_000],
    [{ retryAfter: '1994-11-06T09:49:38+01:00' }, 1000],
    [{ retryAfter: 'Sun, 06 Nov 1994 08:49:00 GMT' }, 0],
    [{ headers: { 'Retry-After': '3' } }, 3000],
    [{ headers: { 'retry-after': 'Sun, 06 Nov 1994 08:49:38 GMT' } }, 1000],
    [{ responseHeaders: { 'retry-after': '3' } }, 3000],
    [{ headers: { 'Retry-After-Ms': '1500', 'retry-after': '3' } }, 1500],
    [{ headers: { 'retry-after-ms': 0.2 } }, 1],
    // What is no number of ms hides nothing.
    [{ headers: { 'retry-after-ms': '', 'retry-after': '30' } }, 30_000],
    [{ headers: { 'retry-after-ms': 'soon', 'retry-after': '30' } }, 30_000],
    [{ headers: { 'retry-after-ms': '-5', 'retry-after': '30' } }, 30_000],
    [{ response: { headers: { 'retry-after': '4' } } }, 4000],
    [new Error('429', { cause: { retryAfter: 1 } }), 1000],
    [new Error('429', { cause: { headers: { 'retry-after': '1' } } }), 1000],
    [{ retryAfterMs: 1, retryAfter: 9, headers: { 'retry-after': '99' } }, 1],
    [{ retryAfterMs: Number.NaN, retryAfter: 9 }, 9000],
  ])('%j asks to wait for %s ms', (error, ms) => {
    expect(retryAfterMsOf(error, NOW)).toBe(ms);
  });

  it.each([
    ['of fetch, and of most SDKs', new Headers({ 'Retry-After': '7' })],
    ['a map', new Map([['Retry-After', '7']])],
    ['a list of pairs', [['Retry-After', '7']]],
  ])('may have headers with methods: %s', (_, headers) => {
    expect(retryAfterMsOf({ headers }, NOW)).toBe(7000);
    expect(retryAfterMsOf({ response: { headers } }, NOW)).toBe(7000);
  });

  it.each<[unknown]>([
    [undefined],
    [null],
    ['429: retry after 3 seconds'],
    [new Error('429')],
    [{ retryAfterMs: '1500' }],
    [{ retryAfter: 'soon' }],
    [{ retryAfter: '' }],
    [{ retryAfter: '-1' }],
    [{ retryAfter: Infinity }],
    [{ retryAfter: new Date(Number.NaN) }],
    // Without a zone it would mean something else on each computer.
    [{ retryAfter: '1994-11-06T08:49:47' }],
    [{ retryAfter: 'Sun, 99 Nov 1994 08:49:47 GMT' }],
    [{ headers: ['retry-after', '3'] }],
    [{ headers: { 'x-retry-after': '3' } }],
    [{ headers: { 'retry-after-ms': '' } }],
    [{ headers: { 'retry-after': ['3', '4'] } }],
    [{ headers: 'retry-after: 3' }],
    [{ headers: new Headers() }],
  ])('%j does not', (error) => {
    expect(retryAfterMsOf(error, NOW)).toBeUndefined();
  });

  it('whose headers cannot be read does not', () => {
    const headers = {
      get 'retry-after'(): string {
        throw new Error('no');
      },
    };
    expect(retryAfterMsOf({ headers }, NOW)).toBeUndefined();
  });

  it('that causes itself is not followed for ever', () => {
    const error: { cause?: unknown } = {};
    error.cause = error;
    expect(retryAfterMsOf(error, NOW)).toBeUndefined();
  });
});
