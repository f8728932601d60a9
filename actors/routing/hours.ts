/**
 * Working hours: when somebody can be asked. By the clock of a place, so they move with its summer time.
 */
export type Day = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

export interface WorkingHours {
  readonly days: readonly Day[];
  /** `09:00`. */
  readonly from: string;
  /** `17:30`; `24:00` is the end of the day. After `from`. */
  readonly to: string;
  /** As in `Europe/Zurich`. Default `UTC`. */
  readonly zone?: string;
}

const DAYS: readonly string[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MINUTE = 60_000;
const DAY_MINUTES = 24 * 60;

/** What is wrong with working hours; undefined when nothing is. */
export function problemOfHours(hours: unknown): string | undefined {
  const form = "must be { days: ['mon', …], from: '09:00', to: '17:00', zone: 'Europe/Zurich' }";
  if (typeof hours !== 'object' || hours === null) return form;
  const { days, from, to, zone = 'UTC', ...strangers } = hours as Readonly<Record<string, unknown>>;
  if (Object.keys(strangers).length > 0) return form;
  if (!Array.isArray(days) || days.length === 0 || !days.every((day) => DAYS.includes(day as string)))
    return `must have days: ${DAYS.slice(1).join(', ')}, sun`;
  const [start, end] = [minuteOf(from), minuteOf(to)];
  if (start === undefined || end === undefined) return "must have from and to, as '09:00'";
  if (start >= end) return 'must end after they begin, on the same day';
  return typeof zone === 'string' && isZone(zone) ? undefined : 'must have a zone that is known here';
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }) instanceof Intl.DateTimeFormat;
  } catch {
    return false;
  }
}

function minuteOf(time: unknown): number | undefined {
  const [, hours, minutes] = (typeof time === 'string' && /^([01]\d|2[0-4]):([0-5]\d)$/.exec(time)) || [];
  if (hours === undefined) return undefined;
  const minute = Number(hours) * 60 + Number(minutes);
  return minute <= DAY_MINUTES ? minute : undefined;
}

/** How long until they begin, in ms; 0 while they last. @param hours that have no problem */
export function opensInMs({ days, from, to, zone = 'UTC' }: WorkingHours, now: number): number {
  const [start, end] = [minuteOf(from)!, minuteOf(to)!];
  const read = new Intl.DateTimeFormat('en', {
    ...{ timeZone: zone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  });
  let at = now;
  // A day at a time; and once more where a clock was put forward or back on the way.
  for (let tries = 0; tries < 2 * DAYS.length + 2; tries++) {
    const { day, minute } = placeOf(read, at);
    const isDay = days.includes(day);
    if (isDay && minute >= start && minute < end)
      // Where a clock was put forward on the way there, it has gone too far.
      return at === now ? 0 : at - (minute - start) * MINUTE - now;
    const minutes = isDay && minute < start ? start - minute : DAY_MINUTES - minute;
    at = Math.floor(at / MINUTE) * MINUTE + minutes * MINUTE;
  }
  return at - now;
}

function placeOf(read: Intl.DateTimeFormat, at: number): { readonly day: Day; readonly minute: number } {
  const parts = new Map(read.formatToParts(at).map(({ type, value }) => [type, value]));
  const day = parts.get('weekday')!.toLowerCase() as Day;
  return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}
