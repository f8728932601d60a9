// The lie: "the rules of a zone as data say what the clock on the wall says". Held against Intl at random times, and with
// rules that changed between two readings.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidArgument } from '../errors.ts';
import { UTC } from '../../machines/working-time/zone.ts';
import type { Zone } from '../../machines/working-time/zone.ts';
import { assertZone, readZone, spliceZones } from './zone.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ZONES = Intl.supportedValuesOf('timeZone');

/** Another way to the offset: by its name, `GMT+05:45`. */
function offsetByName(name: string, at: number): number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  const told = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')!.value;
  const [, sign, hours, minutes] = /^GMT(?:([+-])(\d\d):(\d\d))?$/.exec(told)!;
  return sign === undefined ? 0 : Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

function offsetAt(zone: Zone, at: number): number {
  return zone.changes.findLast(([change]) => change <= at)?.[1] ?? zone.offsetMs;
}

describe('the rules of a zone', () => {
  it('say the same as the clock on the wall, in all zones', () => {
    const times = fc.integer({ min: Date.UTC(2024, 0), max: Date.UTC(2036, 0) - 1 });
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), times, (name, at) => {
        const zone = readZone(name, Date.UTC(2025, 5));
        expect(offsetAt(zone, at)).toBe(offsetByName(name, at));
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['Europe/Berlin', '2025-03-30T01:00:00Z', 1, 2],
    ['Europe/Berlin', '2025-10-26T01:00:00Z', 2, 1],
    ['America/New_York', '2025-03-09T07:00:00Z', -5, -4],
    ['Australia/Lord_Howe', '2025-10-04T15:30:00Z', 10.5, 11],
    ['Pacific/Apia', '2011-12-30T10:00:00Z', -10, 14],
    ['America/Boa_Vista', '2000-10-08T04:00:00Z', -4, -3],
    ['America/Boa_Vista', '2000-10-15T03:00:00Z', -3, -4],
    ['Africa/Casablanca', '2024-03-10T02:00:00Z', 1, 0],
    ['America/St_Johns', '2010-03-14T03:31:00Z', -3.5, -2.5],
  ])('%s changes at %s from %d to %d', (name, text, from, to) => {
    const at = Date.parse(text);
    const zone = readZone(name, at);
    expect(zone.changes).toContainEqual([at, to * HOUR_MS]);
    expect(offsetAt(zone, at - 1)).toBe(from * HOUR_MS);
  });

  it('are the same for a whole year of openings, small, and plain', () => {
    const zone = readZone('Africa/Casablanca', Date.UTC(2025, 0));
    expect(readZone('Africa/Casablanca', Date.UTC(2026, 0) - 1)).toBe(zone);
    expect(JSON.stringify(zone).length).toBeLessThan(1500);
    expect(JSON.parse(JSON.stringify(zone))).toEqual(zone);
  });

  it.each(['Europe/Atlantis', '', 'berlin', '+02:00', 'UTC+2'])(
    'of %j are none: refused with its path',
    (name) => {
      expect(() => assertZone(name, 'schedule.timeZone')).toThrow(InvalidArgument);
      expect(() => assertZone(name, 'schedule.timeZone')).toThrow(/^schedule\.timeZone is not a time zone/);
      expect(() => readZone(name, 0)).toThrow(InvalidArgument);
    },
  );
});

describe('rules that are read again', () => {
  const at = (year: number, month = 0): number => Date.UTC(year, month);
  const old: Zone = {
    name: 'X/Y',
    since: at(2020),
    offsetMs: HOUR_MS,
    changes: [
      [at(2021, 3), 2 * HOUR_MS],
      [at(2021, 10), HOUR_MS],
      [at(2023, 3), 2 * HOUR_MS],
      [at(2023, 10), HOUR_MS],
    ],
  };
  /** The summer time of 2023 was called off, and the standard time changed. */
  const today: Zone = { name: 'X/Y', since: at(2022), offsetMs: HOUR_MS, changes: [[at(2024, 5), 0]] };

  it('hold from where they begin, and the old ones before', () => {
    const zone = spliceZones(old, today, at(2020, 6));
    expect(zone.changes).toEqual([...old.changes.slice(0, 2), ...today.changes]);
    expect(zone.offsetMs).toBe(HOUR_MS);
  });

  it('meet the old ones in a change, where they do not agree', () => {
    const zone = spliceZones(old, { ...today, offsetMs: 3 * HOUR_MS }, at(2020, 6));
    expect(zone.changes).toEqual([...old.changes.slice(0, 2), [at(2022), 3 * HOUR_MS], ...today.changes]);
  });

  it('lose what lies so far back that nothing is moved by it any more', () => {
    const zone = spliceZones(old, today, at(2022));
    expect(zone).toEqual({ name: 'X/Y', since: at(2021, 10), offsetMs: HOUR_MS, changes: today.changes });
    const change = at(2021, 10);
    expect(spliceZones(old, today, change + 2 * DAY_MS - 1).changes).toContainEqual([change, HOUR_MS]);
  });

  it('stand alone when there were none, none before them, or those of another zone', () => {
    expect(spliceZones(undefined, today, at(2022))).toEqual(today);
    expect(spliceZones({ ...old, name: 'Z' }, today, at(2022))).toEqual(today);
    expect(spliceZones({ ...old, since: at(2022, 3) }, today, at(2022))).toEqual(today);
    expect(spliceZones(undefined, UTC, at(2022))).toEqual(UTC);
  });

  it('stay small however often they are read', () => {
    let zone: Zone | undefined;
    for (let year = 1980; year < 2035; year++)
      zone = spliceZones(zone, readZone('Europe/Berlin', at(year, 6)), at(year, 6));
    expect(zone!.changes.length).toBeLessThan(30);
  });
});
