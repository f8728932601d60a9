// The lie: "a calendar that makes no sense is refused where it is written". Every part of one, wrong in the ways in which people are.
import { describe, expect, it } from 'vitest';
import { problemOfWorkingTime, problemsOfCalendar } from './calendar.ts';

const HOUR_MS = 3_600_000;
const fine = {
  zone: 'Europe/Zurich',
  hours: { mon: ['08:00-12:00', '13:00-17:00'], sat: ['00:00-24:00'], sun: [] },
  holidays: ['2026-12-25', '2028-02-29'],
};

describe('a calendar', () => {
  it('is taken as it should be', () => {
    expect(problemsOfCalendar(fine)).toEqual([]);
    expect(problemsOfCalendar({ zone: 'UTC', hours: { fri: ['09:00-09:01'] } })).toEqual([]);
  });

  it.each([
    [undefined, '', 'must be {'],
    [[], '', 'must be {'],
    [{ ...fine, zone: undefined }, '/zone', 'time zone'],
    [{ ...fine, zone: 'Mars/Olympus' }, '/zone', 'time zone'],
    [{ ...fine, zone: '+02:00' }, '/zone', 'time zone'],
    [{ ...fine, timeZone: 'UTC' }, '/timeZone', 'means nothing'],
    [{ ...fine, hours: undefined }, '/hours', 'by day of the week'],
    [{ ...fine, hours: {} }, '/hours', 'no working time at all'],
    [{ ...fine, hours: { mon: [], tue: [] } }, '/hours', 'no working time at all'],
    [{ ...fine, hours: { ...fine.hours, monday: [] } }, '/hours/monday', 'must be one of mon'],
    [{ ...fine, hours: { mon: '09:00-17:00' } }, '/hours/mon', 'must be a list'],
    [{ ...fine, hours: { mon: ['9-17'] } }, '/hours/mon/0', "as '09:00-17:00'"],
    [{ ...fine, hours: { mon: ['09:00-24:01'] } }, '/hours/mon/0', "as '09:00-17:00'"],
    [{ ...fine, hours: { mon: ['09:00-25:00'] } }, '/hours/mon/0', "as '09:00-17:00'"],
    [{ ...fine, hours: { mon: [9] } }, '/hours/mon/0', "as '09:00-17:00'"],
    [
      { ...fine, hours: { sat: ['22:00-06:00'] } },
      '/hours/sat/0',
      "'22:00-24:00' on sat and '00:00-06:00' on sun",
    ],
    [{ ...fine, hours: { mon: ['09:00-09:00'] } }, '/hours/mon/0', 'must end after they begin'],
    [{ ...fine, hours: { mon: ['13:00-17:00', '08:00-12:00'] } }, '/hours/mon/1', 'in front of it'],
    [{ ...fine, hours: { mon: ['08:00-12:00', '11:59-13:00'] } }, '/hours/mon/1', 'in front of it'],
    [{ ...fine, holidays: '2026-12-25' }, '/holidays', 'must be a list'],
    [{ ...fine, holidays: ['25.12.2026'] }, '/holidays/0', "as '2026-12-25'"],
    [{ ...fine, holidays: ['2026-02-30'] }, '/holidays/0', "as '2026-12-25'"],
    [{ ...fine, holidays: ['2026-13-01'] }, '/holidays/0', "as '2026-12-25'"],
    [{ ...fine, holidays: ['2026-12-25', '2026-12-25'] }, '/holidays/1', 'is there twice'],
    [{ ...fine, holidays: Array.from({ length: 1001 }, () => '2026-12-25') }, '/holidays', 'more than 1000'],
  ])('is refused with the place of what is wrong: %#', (calendar, pointer, detail) => {
    const [problem, ...others] = problemsOfCalendar(calendar);
    expect(problem).toMatchObject({ pointer });
    expect(problem!.detail).toContain(detail);
    expect(others).toEqual([]);
  });

  it('tells all that is wrong at once', () => {
    const problems = problemsOfCalendar({ zone: 1, hours: { mon: ['x'], moon: [] }, holidays: [1], more: 1 });
    expect(problems.map(({ pointer }) => pointer)).toEqual([
      ...['/more', '/zone', '/hours/mon/0', '/hours/moon', '/holidays/0'],
    ]);
  });

  it('has amounts of working time that it comes to', () => {
    const hours = 400 * (8 + 24);
    expect(problemOfWorkingTime(hours * HOUR_MS, fine)).toBeUndefined();
    expect(problemOfWorkingTime(hours * HOUR_MS + 1, fine)).toContain('more than 400 weeks');
  });
});
