/**
 * Who has started a run, as far as its first record tells: on whose behalf it was started; who has triggered the schedule that has started
 * it, or told the supervisor to; and of a fork whoever has started its original, besides whoever has forked it. None of them decides what
 * comes of it.
 */
import { UnknownActor } from '../../runtime/index.ts';
import type { HistoryOptions, HistoryRecord } from '../../runtime/index.ts';
import { segmentsOf } from '../../machines/here.ts';

/** What it needs of a system. */
interface Histories {
  history(address: string, options?: HistoryOptions): AsyncIterable<HistoryRecord>;
}

const FORKED = 'heddle.forked';
const TRIGGERED = 'heddle.schedule.trigger';
const ADDED = 'heddle.child.start';

/** Their ids. */
export async function startersOf(system: Histories, run: string): Promise<readonly string[]> {
  const found = new Set<string>();
  const seen = new Set<string>();
  for (let at: string | undefined = run; at !== undefined && !seen.has(at);) {
    seen.add(at);
    const first = await firstOf(system, at);
    if (first === undefined) break;
    if (first.principal !== undefined) found.add(first.principal.id);
    for (const id of await triggerersOf(system, first)) found.add(id);
    for (const id of await addersOf(system, first)) found.add(id);
    at = originalOf(first);
  }
  return [...found];
}

async function firstOf(system: Histories, address: string): Promise<HistoryRecord | undefined> {
  try {
    for await (const record of system.history(address, { to: 1 })) return record;
  } catch (error) {
    // A fork that was taken to another store has left its original behind.
    if (!(error instanceof UnknownActor)) throw error;
  }
  return undefined;
}

function originalOf({ event }: HistoryRecord): string | undefined {
  if (event.type !== FORKED) return undefined;
  const { address } = event['of'] as { readonly address: string };
  return address;
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
  const [name, own] = segmentsOf(address);
  const found: string[] = [];
  for await (const { seq, event, principal } of backFrom(system, cause)) {
    if (event.type !== ADDED) continue;
    const { start, id } = event['child'] as { readonly start: string; readonly id: string };
    if (start !== name || id !== own) continue;
    if (principal !== undefined) found.push(principal.id);
    if (seq === cause.seq) break;
  }
  return found;
}
