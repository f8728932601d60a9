/**
 * Working time: when so much of it has gone by. Pure: a calendar, the rules of its zone and a beginning give an instant.
 *
 * An instant is working time if the clock of the place shows one of the calendar's hours then, on a day that is no holiday. What is
 * counted is the time that goes by, not what the clock shows: hours that a jump of the clock leaves out are not worked, and those
 * that come twice are worked twice.
 *
 *     hours 09:00–17:00     Fri 16:00 ──1 h──┤  Sat  Sun  ├──1 h── Mon 10:00        two hours after Friday, 16:00
 *
 * Hours are half-open. What would be due at the very end of a day is due when the next hours begin: whoever is reminded then is
 * there, and whoever has eight hours has had them. So every instant that comes out of here is working time, and an amount may be
 * counted at once or in parts.
 */
import { DAY_MS, hoursOf, readDay, WEEKDAYS } from './calendar.ts';
import type { Hours, WorkingCalendar } from './calendar.ts';
import { stretchesOf } from './zone.ts';
import type { Zone } from './zone.ts';

/** A calendar that has no problem comes to every amount that has none before that. */
const HORIZON_MS = 50 * 366 * DAY_MS;

/** The first working instant by which so much working time has gone by since `start`. */
export function afterWorkingTime(
  calendar: WorkingCalendar,
  zone: Zone,
  start: number,
  amountMs: number,
): number {
  let left = amountMs;
  for (const { from, to } of workingFrom(calendar, zone, start)) {
    if (left < to - from) return from + left;
    left -= to - from;
  }
  throw new RangeError(`a calendar of ${calendar.zone} does not come to ${amountMs} ms of working time`);
}

/** The stretches of working time from an instant on, in order. */
function* workingFrom(calendar: WorkingCalendar, zone: Zone, start: number): Generator<Hours> {
  const week = WEEKDAYS.map((day) => hoursOf(calendar, day));
  const holidays = new Set(calendar.holidays?.map(readDay));
  const end = start + HORIZON_MS;
  for (const stretch of stretchesOf(zone)) {
    // By the clock of this stretch alone: where the next one's begins anew or jumps, it says so itself.
    const [first, last] = [Math.max(start, stretch.from), Math.min(end, stretch.to)];
    for (let day = dayAt(first, stretch.offsetMs); beginOf(day, stretch.offsetMs) < last; day++) {
      if (holidays.has(day)) continue;
      const midnight = beginOf(day, stretch.offsetMs);
      for (const hours of week[weekdayOf(day)]!) {
        const from = Math.max(first, midnight + hours.from);
        const to = Math.min(last, midnight + hours.to);
        if (from < to) yield { from, to };
      }
    }
  }
}

const dayAt = (at: number, offsetMs: number): number => Math.floor((at + offsetMs) / DAY_MS);
const beginOf = (day: number, offsetMs: number): number => day * DAY_MS - offsetMs;
/** The first of January 1970 was a Thursday. */
const weekdayOf = (day: number): number => (((day + 4) % 7) + 7) % 7;
