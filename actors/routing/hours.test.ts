// The lie: "it is working hours". Instants beside the edges, in zones with and without summer time.
import { describe, expect, it } from 'vitest';
import { opensInMs, problemOfHours } from './hours.ts';
import type { WorkingHours } from './hours.ts';

const HOUR = 3_600_000;
const WEEK: WorkingHours = { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '17:30' };
const ZURICH: WorkingHours = { ...WEEK, zone: 'Europe/Zurich' };

describe('working hours', () => {
  it.each<[string, WorkingHours, string, number]>([
    ['at their beginning', WEEK, '2030-01-02T09:00:00Z', 0],
    ['just before', WEEK, '2030-01-02T08:59:59.500Z', 500],
    ['at their last instant', WEEK, '2030-01-02T17:29:59.999Z', 0],
    ['at their end', WEEK, '2030-01-02T17:30:00Z', 15.5 * HOUR],
    ['over the weekend', WEEK, '2030-01-04T18:00:00Z', 63 * HOUR],
    ['in another zone', ZURICH, '2030-01-02T08:00:00Z', 0],
    ['in another zone, in summer', ZURICH, '2030-07-02T07:00:00Z', 0],
    ['in another zone, too early in summer', ZURICH, '2030-07-02T06:00:00Z', HOUR],
    [
      'over the night in which clocks go forward',
      { ...ZURICH, days: ['sun'] },
      '2030-03-30T12:00:00Z',
      19 * HOUR,
    ],
    ['until the end of the day', { ...WEEK, to: '24:00' }, '2030-01-02T23:59:59Z', 0],
    ['once a week', { ...WEEK, days: ['wed'] }, '2030-01-02T18:00:00Z', 6 * 24 * HOUR + 15 * HOUR],
  ])('%s', (_, hours, now, ms) => {
    expect(opensInMs(hours, Date.parse(now))).toBe(ms);
  });

  it.each([
    [undefined],
    [{ ...WEEK, days: [] }],
    [{ ...WEEK, days: ['monday'] }],
    [{ ...WEEK, from: '9:00' }],
    [{ ...WEEK, to: '24:01' }],
    [{ ...WEEK, from: '18:00' }],
    [{ ...WEEK, zone: 'Mars/Olympus' }],
    [{ ...WEEK, holidays: [] }],
  ])('that make no sense have a problem: %j', (hours) => {
    expect(problemOfHours(hours)).toEqual(expect.any(String));
  });

  it('that make sense have none', () => {
    expect([WEEK, ZURICH].map(problemOfHours)).toEqual([undefined, undefined]);
  });
});
