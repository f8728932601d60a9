/**
 * Who has started a run, as far as the first record of each of its lives tells: on whose behalf it was started; who has declared the
 * schedule that has started it, or triggered it, or told the supervisor to; and of a fork whoever has started its original, besides
 * whoever has forked it. So it is with what was imported, as far as its text told. None of them decides what comes of it.
 */
import { UnknownActor } from '../../runtime/index.ts';
import type { HistoryOptions, HistoryRecord } from '../../runtime/index.ts';
import { segmentsOf } from '../../machines/here.ts';

/** What it needs of a system. */
interface Histories {
  history(address: string, options?: HistoryOptions): AsyncIterable<HistoryRecord>;
}

const FORKED = 'heddle.forked';
const IMPORTED = 'heddle.imported';
const TRIGGERED = 'heddle.schedule.trigger';
const ADDED = 'heddle.child.start';
const RESTARTED = 'heddle.child.restart';

/** An actor, as it was when it had so many records. */
interface UpTo {
  readonly address: string;
  readonly seq?: number;
}

/** Their ids. */
export async function startersOf(system: Histories, run: string): Promise<readonly string[]> {
  const found = new Set<string>();
  const seen = new Set<string>();
  for (let at: UpTo | undefined = { address: run }; at !== undefined && !seen.has(at.address);) {
    seen.add(at.address);
    const births = await birthsOf(system, at);
    for (const birth of births) {
      for (const id of namedIn(birth)) found.add(id);
      for (const id of await triggerersOf(system, birth)) found.add(id);
      for (const id of await addersOf(system, birth)) found.add(id);
    }
    at = originalOf(births.at(-1));
  }
  return [...found];
}

/**
 * The first record of each of its lives, the newest first. A supervisor may have been told to start it anew, and in what it begins anew
 * with by itself stands what somebody has given it in a life before.
 */
async function birthsOf(system: Histories, { address, seq }: UpTo): Promise<readonly HistoryRecord[]> {
  const births: HistoryRecord[] = [];
  try {
    let next: HistoryRecord | undefined;
    for await (const record of system.history(address, { reverse: true, ...(seq && { to: seq }) })) {
      if (next !== undefined && next.life !== record.life) births.push(next);
      next = record;
      // Nearly all have had but one: there is no need to read what was in it.
      if (record.life === 1) break;
    }
    if (next === undefined) return births;
    for await (const first of system.history(address, { to: 1 })) births.push(first);
  } catch (error) {
    // A fork that was taken to another store has left its original behind.
    if (!(error instanceof UnknownActor)) throw error;
  }
  return births;
}

function originalOf(first: HistoryRecord | undefined): UpTo | undefined {
  return first?.event.type === FORKED ? (first.event['of'] as UpTo) : undefined;
}

/** On whose behalf it was; whose schedule it is; and of what was imported, who had started it where it comes from. */
function namedIn({ principal, event }: HistoryRecord): readonly string[] {
  const before = event.type === IMPORTED ? (event['startedBy'] as readonly string[] | undefined) : undefined;
  const named = [principal?.id, event['declaredBy'] as string | undefined, ...(before ?? [])];
  return named.filter((id) => id !== undefined);
}

/** What somebody has recorded, back from what they have caused. */
const backFrom = (system: Histories, { address, seq }: { readonly address: string; readonly seq: number }) =>
  system.history(address, { to: seq, reverse: true });

/**
 * An occurrence that somebody has asked for may have waited its turn: it is called after the moment at which they did, by the clock of
 * then.
 */
async function triggerersOf(
  system: Histories,
  { address, cause }: HistoryRecord,
): Promise<readonly string[]> {
  const [, instant] = /@([^@]+)\+manual-\d+$/.exec(address) ?? [];
  if (cause.kind !== 'actor' || instant === undefined) return [];
  const asked = Date.parse(instant);
  const found: string[] = [];
  let isFound = false;
  for await (const { at, event, principal } of backFrom(system, cause)) {
    if (isFound && at !== asked) break;
    if (at !== asked || event.type !== TRIGGERED) continue;
    isFound = true;
    if (principal !== undefined) found.push(principal.id);
  }
  return found;
}

/** A supervisor that has other work starts a child later than it was told to, and another may have told it the same by then. */
async function addersOf(system: Histories, { address, cause }: HistoryRecord): Promise<readonly string[]> {
  if (cause.kind !== 'actor' || !cause.address.startsWith('supervisor/')) return [];
  const found: string[] = [];
  for await (const { seq, event, principal } of backFrom(system, cause)) {
    if (!isToldToStart(event, address)) continue;
    if (principal !== undefined) found.push(principal.id);
    if (seq === cause.seq) break;
  }
  return found;
}

function isToldToStart({ type, ...said }: HistoryRecord['event'], address: string): boolean {
  const [name, own] = segmentsOf(address);
  if (type === RESTARTED) return said['id'] === own;
  if (type !== ADDED) return false;
  const { start, id } = said['child'] as { readonly start: string; readonly id: string };
  return start === name && id === own;
}
