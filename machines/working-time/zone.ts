/**
 * Time zones as data: when the offset from UTC changes, and to what.
 *
 * Governments change these rules, and a new Node brings new ones. A step that asked `Intl` would tell another story after an
 * upgrade than the one in its journal. So the rules are read outside of steps ({@link zoneRules}), and what follows from them is
 * recorded, or they are recorded themselves; steps look at nothing else.
 */

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

/** A stretch of time in which one offset is in force. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly offsetMs: number;
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

const read = new Map<string, Zone>();

/** The rules of a time zone around a time, as this Node knows them; undefined of what is no time zone. Not for steps. */
export function zoneRules(name: string, nowMs: number): Zone | undefined {
  if (name === UTC.name) return UTC;
  const year = new Date(nowMs).getUTCFullYear();
  // Reading one takes milliseconds, and a thousand schedules may be of the same.
  const key = `${name} ${year}`;
  let zone = read.get(key);
  if (zone === undefined) {
    const offsetAt = offsetsOf(name);
    if (offsetAt === undefined) return undefined;
    const from = Date.UTC(year - YEARS_BACK, 0);
    zone = lookFor(name, offsetAt, from, Date.UTC(year + 1 + YEARS_AHEAD, 0));
    read.set(key, zone);
  }
  return zone;
}

/** Whether there is such a time zone. */
export const isZone = (name: unknown): name is string =>
  typeof name === 'string' && (name === UTC.name || offsetsOf(name) !== undefined);

/** All of its stretches, in order; the first has no beginning, and the last no end. */
export function stretchesOf({ offsetMs, changes }: Zone): readonly Stretch[] {
  const parts = [[-Infinity, offsetMs] as const, ...changes];
  return parts.map(([from, offset], index) => {
    const [to] = parts[index + 1] ?? [Infinity];
    return { from, to, offsetMs: offset };
  });
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

function offsetsOf(name: string): ((at: number) => number) | undefined {
  const format = formatOf(name);
  if (format === undefined) return undefined;
  return (at) => {
    // 12/30/2011, 09:00:00
    const [month, day, year, hour, minute, second] = format.format(at).match(/\d+/g)!.map(Number);
    const wall = Date.UTC(year!, month! - 1, day, hour, minute, second);
    return wall - Math.floor(at / 1000) * 1000;
  };
}

function formatOf(name: string): Intl.DateTimeFormat | undefined {
  // Some versions of Node know '+02:00' and some do not; a stored declaration must mean the same to all.
  if (!/^[A-Za-z]/.test(name)) return undefined;
  try {
    return new Intl.DateTimeFormat('en-US', {
      ...{ timeZone: name, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23' },
      ...{ year: 'numeric', month: '2-digit', day: '2-digit' },
      ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
    });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
