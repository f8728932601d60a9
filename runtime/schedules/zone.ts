/**
 * Time zones as data: when the offset from UTC changes, and to what.
 *
 * Governments change these rules, and a new Node brings new ones. A schedule that asked `Intl` within its steps would tell
 * another story after an upgrade than the one in its journal. So the rules are read at the edge, when a schedule is declared or
 * its system opens ({@link readZone}), go into its journal with `heddle.up`, and are kept in its state; steps look at nothing
 * else.
 */
import { InvalidArgument } from '../errors.ts';

/** The rules of a time zone over some years, as plain data. */
export interface Zone {
  readonly name: string;
  /** Since when the rules are known. Before it, the offset is taken for what it was at it. */
  readonly since: number;
  /** The offset from UTC before the first change, in milliseconds; positive in the east. */
  readonly offsetMs: number;
  /** In order: from this instant on, this offset. */
  readonly changes: readonly (readonly [at: number, offsetMs: number])[];
}

export const UTC: Zone = { name: 'UTC', since: 0, offsetMs: 0, changes: [] };

/**
 * How far the rules are read. What was missed in a downtime of more than a year before is timed by the rules that were read
 * before it; a schedule that sees no opening of its system for ten years would go on with the last offset it knows.
 */
const YEARS_BACK = 1;
const YEARS_AHEAD = 10;

/** Rules are looked for at this distance: the shortest time between two changes since 1970 was six days (Brazil, 2000). */
const LOOK_EVERY_MS = 2 * 86_400_000;

/** Changes are kept this long: times of day are still moved by a jump for as long as it was, and the longest was a day. */
const KEEP_MS = 2 * 86_400_000;

const read = new Map<string, Zone>();

/**
 * The rules of a time zone around a time, as this Node knows them. Not for steps.
 *
 * @throws InvalidArgument when the zone is not known
 */
export function readZone(name: string, nowMs: number, path = 'timeZone'): Zone {
  if (name === UTC.name) return UTC;
  const year = new Date(nowMs).getUTCFullYear();
  // Reading one takes milliseconds, and a thousand schedules may be of the same.
  const key = `${name} ${year}`;
  let zone = read.get(key);
  if (zone === undefined) {
    const from = Date.UTC(year - YEARS_BACK, 0);
    zone = lookFor(name, offsetsOf(name, path), from, Date.UTC(year + 1 + YEARS_AHEAD, 0));
    read.set(key, zone);
  }
  return zone;
}

function lookFor(name: string, offsetAt: (at: number) => number, since: number, until: number): Zone {
  const changes: [number, number][] = [];
  const offsetMs = offsetAt(since);
  let current = offsetMs;
  for (let at = since; at < until; at += LOOK_EVERY_MS) {
    let [low, high] = [at, at + LOOK_EVERY_MS];
    const offset = offsetAt(high);
    if (offset === current) continue;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (offsetAt(middle) === current) low = middle;
      else high = middle;
    }
    changes.push([high, offset]);
    current = offset;
  }
  return { name, since, offsetMs, changes };
}

/** Refuses what is no time zone. @throws InvalidArgument */
export function assertZone(name: string, path: string): void {
  offsetsOf(name, path);
}

function offsetsOf(name: string, path: string): (at: number) => number {
  const format = formatOf(name, path);
  return (at) => {
    // 12/30/2011, 09:00:00
    const [month, day, year, hour, minute, second] = format.format(at).match(/\d+/g)!.map(Number);
    const wall = Date.UTC(year!, month! - 1, day, hour, minute, second);
    return wall - Math.floor(at / 1000) * 1000;
  };
}

function formatOf(name: string, path: string): Intl.DateTimeFormat {
  try {
    // Some versions of Node know '+02:00' and some do not; a stored declaration must mean the same to all.
    if (!/^[A-Za-z]/.test(name)) throw new RangeError('it does not start with a letter');
    return new Intl.DateTimeFormat('en-US', {
      ...{ timeZone: name, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23' },
      ...{ year: 'numeric', month: '2-digit', day: '2-digit' },
      ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
    });
  } catch (cause) {
    throw new InvalidArgument(
      path,
      `is not a time zone: ${JSON.stringify(name)}; write one like 'Europe/Berlin', or 'UTC'`,
      { cause },
    );
  }
}

/**
 * The rules to go on with after others were read: the new ones from where they begin, the old ones before, as far back as
 * `from` needs.
 */
export function spliceZones(old: Zone | undefined, read: Zone, from: number): Zone {
  const whole =
    old === undefined || old.name !== read.name || old.since >= read.since ? read : join(old, read);
  const past = whole.changes.filter(([at]) => at <= from - KEEP_MS);
  const last = past.at(-1);
  if (last === undefined) return whole;
  return { name: whole.name, since: last[0], offsetMs: last[1], changes: whole.changes.slice(past.length) };
}

function join(old: Zone, read: Zone): Zone {
  const before = old.changes.filter(([at]) => at < read.since);
  const offsetMs = before.at(-1)?.[1] ?? old.offsetMs;
  // The two may not agree where they meet.
  const seam: Zone['changes'] = offsetMs === read.offsetMs ? [] : [[read.since, read.offsetMs]];
  return { ...old, changes: [...before, ...seam, ...read.changes] };
}
