/**
 * Time zones of schedules. Their rules are read at the edge, when a schedule is declared or its system opens ({@link readZone}), go
 * into its journal with `heddle.up`, and are kept in its state; steps look at nothing else. How they are read, and why a step must
 * not, stands in `machines/working-time/zone.ts`.
 */
import { isZone, zoneRules } from '../../machines/working-time/zone.ts';
import type { Zone } from '../../machines/working-time/zone.ts';
import { InvalidArgument } from '../errors.ts';

/** Changes are kept this long: times of day are still moved by a jump for as long as it was, and the longest was a day. */
const KEEP_MS = 2 * 86_400_000;

/**
 * The rules of a time zone around a time, as this Node knows them. Not for steps.
 *
 * @throws InvalidArgument when the zone is not known
 */
export function readZone(name: string, nowMs: number, path = 'timeZone'): Zone {
  return zoneRules(name, nowMs) ?? refuse(name, path);
}

/** Refuses what is no time zone. @throws InvalidArgument */
export function assertZone(name: string, path: string): void {
  if (!isZone(name)) refuse(name, path);
}

function refuse(name: unknown, path: string): never {
  throw new InvalidArgument(
    path,
    `is not a time zone: ${JSON.stringify(name)}; write one like 'Europe/Berlin', or 'UTC'`,
  );
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
