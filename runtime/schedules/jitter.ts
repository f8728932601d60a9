/**
 * Jitter: how much later than its instant an occurrence is started, so that schedules of the same hour do not all start at
 * once. Drawn from the schedule's id and the instant, so it is the same whenever it is asked for, and needs no record.
 */

/** A whole number of milliseconds from 0 up to, and without, `jitterMs`. */
export function jitterOf(id: string, instant: number, jitterMs: number): number {
  if (jitterMs === 0) return 0;
  // FNV-1a, and the last steps of MurmurHash3: instants that differ in one digit must end up far apart.
  let hash = 0x811c9dc5;
  const text = `${id}@${instant}`;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  return Math.floor(((hash >>> 0) / 0x1_0000_0000) * jitterMs);
}
