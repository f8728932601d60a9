/**
 * A portrait of a system: what can be asked of it, as plain JSON. Taken when a golden store is written, and again whenever a later
 * release opens it; the two must be equal. It names each field that it takes, so that later releases may say more.
 */
import { createHash } from 'node:crypto';
import type { ActorDefinitions, HistoryRecord, System } from 'heddle';
import { internals } from '../../runtime/system.ts';
import type { VirtualClock } from '../../runtime/testing/virtual-clock.ts';

export interface Portrait {
  readonly actors: Readonly<Record<string, ActorPortrait>>;
  readonly deadLetters: readonly unknown[];
  readonly schedules: readonly unknown[];
  /** What the newest frame hashes to: it stands for all that is recorded. */
  readonly head: { readonly commit: number; readonly frame: number; readonly hash: string };
  readonly records: number;
}

interface ActorPortrait {
  readonly snapshot: unknown;
  /** The types of its events, by record, to be read; the hash is over all that is known of each. */
  readonly events: readonly string[];
  readonly historyHash: string;
}

const QUIET_ROUNDS = 6;

/** Waits until nothing is under way. */
export async function settled(system: System<ActorDefinitions>): Promise<void> {
  const runtime = internals.get(system)!;
  for (let quiet = 0; quiet < QUIET_ROUNDS; quiet++) {
    await new Promise((resolve) => setImmediate(resolve));
    // An action that is never done is under way for ever.
    if (!runtime.scheduler.isIdle || !runtime.committer.isIdle) quiet = -1;
  }
}

/** Lets time pass, and whatever happens in it come to rest. */
export async function pass(system: System<ActorDefinitions>, clock: VirtualClock, ms: number): Promise<void> {
  await clock.advance(ms, () => settled(system));
  await settled(system);
}

export async function portraitOf(system: System<ActorDefinitions>): Promise<Portrait> {
  const actors: Record<string, ActorPortrait> = {};
  for await (const address of internals.get(system)!.population.addresses())
    actors[address] = await portraitOfActor(system, address);
  const deadLetters: unknown[] = [];
  for await (const { id, address, life, at, reason, event, error, state } of system.deadLetters())
    deadLetters.push(plain({ id, address, life, at, reason, event, error: String(error), state }));
  const { records, head, broken } = await system.verify();
  if (broken.length > 0) throw new Error(`it does not prove itself: ${JSON.stringify(broken)}`);
  const schedules = (await system.schedules.list()).map(({ id, address, status, nextDueAt, running }) =>
    plain({ id, address, status, nextDueAt, running: running.length }),
  );
  return { actors, deadLetters, schedules, head, records };
}

async function portraitOfActor(system: System<ActorDefinitions>, address: string): Promise<ActorPortrait> {
  const records: HistoryRecord[] = [];
  for await (const record of system.history(address)) records.push(record);
  const { status, value, context, output, error } = (system.get(address)?.getSnapshot() ?? {}) as Record<
    string,
    unknown
  >;
  return {
    snapshot: plain({ status, value, context, output, error }),
    events: records.map(
      ({ seq, life, event, cause }) => `${seq} (life ${life}) ${event.type} by ${cause.kind}`,
    ),
    historyHash: createHash('sha256')
      .update(JSON.stringify(records.map(plainRecord)))
      .digest('hex'),
  };
}

/** The fields that every release gives to a record. What a step asked for is counted: it is told in other words now and then. */
function plainRecord(record: HistoryRecord): unknown {
  const { address, seq, life, at, event, id, intents, error, wentDown, frame } = record;
  const { kind, ...from } = record.cause as { readonly kind: string } & Record<string, unknown>;
  const cause = [kind, from['address'], from['life'], from['seq'], from['index']];
  const asked = intents.length;
  return plain({ address, seq, life, at, event, cause, id, asked, error, wentDown, frame });
}

/** As JSON, with what JSON does not know written out. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value === undefined) return { undefined: true };
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return { date: value.toISOString() };
  if (value instanceof Map) return { map: [...value].map(plain) };
  if (value instanceof Set) return { set: [...value].map(plain) };
  if (value instanceof Error) return { error: value.name, message: value.message };
  if (Array.isArray(value)) return value.map(plain);
  if ('send' in value && 'address' in value) return { ref: value.address };
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => typeof part !== 'function')
      .map(([key, part]) => [key, plain(part)]),
  );
}
