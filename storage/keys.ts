/**
 * Every key of a store. Keys are binary and ordered; the first byte says what the row is.
 *
 * | prefix | key                      | value                                    | written                     | deleted            |
 * |--------|--------------------------|------------------------------------------|-----------------------------|--------------------|
 * | `!s`   |                          | superblock: format, store id, created    | at creation                 | never              |
 * | `!l`   |                          | low-water mark: first frame to scan      | now and then, with a commit | overwritten        |
 * | `!i`   |                          | says that every checkpoint has its `I`   | first commit, first query   | never              |
 * | `!n`   |                          | news: that it was restored, or salvaged  | by whoever did              | when it is recorded|
 * | `F`    | frame u48                | frame: the records and notes of a commit | every commit, at least one  | never (retention)  |
 * | `N`    | address utf8             | actor id, and what its checkpoint covers | birth, checkpoint           | never              |
 * | `H`    | hash64 of address        | actor id: a second witness of `N`        | birth of a root actor       | never              |
 * | `A`    | actor u48                | checkpoint: the actor as of a record     | checkpoint, passivation, end| overwritten        |
 * | `W`    | actor u48, seq u48       | waypoint: a checkpoint that is kept      | every 1,024 records or more | never (retention)  |
 * | `R`    | actor u48                | marks an actor that owes or awaits work  | with a checkpoint that owes | with one that does not |
 * | `T`    | due u48, actor u48       | wakes a sleeping actor for its next timer| with its checkpoint         | with the next one  |
 * | `C`    | number u48               | code: what a version of a logic consists of | first birth under it     | never              |
 * | `K`    | actor u48, id utf8       | receipt of an idempotent send            | with the send               | never (retention)  |
 * | `S`    | root address utf8        | all XState `systemId`s of a tree         | spawn, end                  | when none is left  |
 * | `D`    | number u48               | dead letter with its evidence            | when an event is given up   | retry, discard     |
 * | `Q`    | actor u48                | evidence why an actor is refused         | when damage is found        | repair             |
 * | `P`    | target utf8              | pause: an address, a name, or everything | when it is paused           | when it is resumed |
 * | `O`    | kind and key utf8        | order: a decision that stands            | when it is given            | when it is withdrawn |
 * | `I`    | text and address utf8    | actor id: found by name, status and state| with its checkpoint         | with the next one  |
 *
 * Every value but a frame is a sealed row (`row.ts`); a frame carries its own checksums (`frame.ts`).
 */
import { createHash } from 'node:crypto';
import { getU48, MAX_U48, putU48 } from './binary.ts';

export const SUPERBLOCK_KEY: Uint8Array = Buffer.from('!s');
export const LOW_WATER_KEY: Uint8Array = Buffer.from('!l');
export const STATES_INDEXED_KEY: Uint8Array = Buffer.from('!i');
export const NEWS_KEY: Uint8Array = Buffer.from('!n');

/** The first byte of a key. */
export const Prefix = {
  Frame: 0x46,
  Name: 0x4e,
  NameWitness: 0x48,
  Checkpoint: 0x41,
  Waypoint: 0x57,
  Resume: 0x52,
  Timer: 0x54,
  Code: 0x43,
  Idempotency: 0x4b,
  SystemIds: 0x53,
  DeadLetter: 0x44,
  Quarantine: 0x51,
  Pause: 0x50,
  Order: 0x4f,
  State: 0x49,
} as const;
export type Prefix = (typeof Prefix)[keyof typeof Prefix];

function numberKey(prefix: Prefix, value: number): Uint8Array {
  const key = new Uint8Array(7);
  key[0] = prefix;
  putU48(key, 1, value);
  return key;
}

function pairKey(prefix: Prefix, first: number, second: number): Uint8Array {
  const key = new Uint8Array(13);
  key[0] = prefix;
  putU48(key, 1, first);
  putU48(key, 7, second);
  return key;
}

function textKey(prefix: Prefix, text: string): Uint8Array {
  const key = Buffer.allocUnsafe(1 + Buffer.byteLength(text));
  key[0] = prefix;
  key.write(text, 1);
  return key;
}

export const frameKey = (frame: number): Uint8Array => numberKey(Prefix.Frame, frame);
export const checkpointKey = (actor: number): Uint8Array => numberKey(Prefix.Checkpoint, actor);
export const waypointKey = (actor: number, seq: number): Uint8Array => pairKey(Prefix.Waypoint, actor, seq);
export const codeKey = (number: number): Uint8Array => numberKey(Prefix.Code, number);
export const resumeKey = (actor: number): Uint8Array => numberKey(Prefix.Resume, actor);
export const deadLetterKey = (number: number): Uint8Array => numberKey(Prefix.DeadLetter, number);
export const quarantineKey = (actor: number): Uint8Array => numberKey(Prefix.Quarantine, actor);
export const pauseKey = (target: string): Uint8Array => textKey(Prefix.Pause, target);
export const orderKey = (key: string): Uint8Array => textKey(Prefix.Order, key);
export const nameKey = (address: string): Uint8Array => textKey(Prefix.Name, address);
export const systemIdsKey = (rootAddress: string): Uint8Array => textKey(Prefix.SystemIds, rootAddress);

export function idempotencyKey(actor: number, id: string): Uint8Array {
  const key = Buffer.allocUnsafe(7 + Buffer.byteLength(id));
  key[0] = Prefix.Idempotency;
  putU48(key, 1, actor);
  key.write(id, 7);
  return key;
}

export function nameWitnessKey(address: string): Uint8Array {
  const key = new Uint8Array(9);
  key[0] = Prefix.NameWitness;
  key.set(createHash('sha256').update(address).digest().subarray(0, 8), 1);
  return key;
}

/** Whether an actor of this address was born with a witness of its name: one that has no parent. */
export const hasNameWitness = (address: string): boolean => address.indexOf('/') === address.lastIndexOf('/');

export const timerKey = (dueMs: number, actor: number): Uint8Array =>
  pairKey(Prefix.Timer, Math.min(dueMs, MAX_U48), actor);

/**
 * The key of an actor in the index of states.
 * @param row its name and how it stands, with a zero byte between the two
 */
export const stateKey = (row: string, address: string): Uint8Array =>
  textKey(Prefix.State, `${row}\0${address}`);

/** The keys of the index that begin with a text. */
export function stateRange(beginning: string): KeyRange {
  const gte = textKey(Prefix.State, beginning);
  const lt = Uint8Array.from(gte);
  // UTF-8 has no byte 255.
  lt[lt.length - 1]!++;
  return { gte, lt };
}

/** What a key of the index says. */
export function stateOf(key: Uint8Array): { readonly row: string; readonly address: string } {
  const text = addressOf(key);
  const end = text.indexOf('\0', text.indexOf('\0') + 1);
  return { row: text.slice(0, end), address: text.slice(end + 1) };
}

/** The number in a key that has one right behind its prefix. */
export const numberOf = (key: Uint8Array): number => getU48(key, 1);

/** The record in the key of a waypoint. */
export const waypointSeqOf = (key: Uint8Array): number => getU48(key, 7);

/** The actor in a timer key. */
export const timerActorOf = (key: Uint8Array): number => getU48(key, 7);

/** The address in a name key. */
export const addressOf = (key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset + 1, key.length - 1).toString();

/** All keys with this prefix. */
export function allOf(prefix: Prefix): KeyRange {
  return { gte: Uint8Array.of(prefix), lt: Uint8Array.of(prefix + 1) };
}

/** All keys there are. */
export const EVERYTHING: KeyRange = { gte: Uint8Array.of(0), lt: Uint8Array.of(255) };

/** A half-open range of keys. */
export interface KeyRange {
  readonly gte: Uint8Array;
  readonly lt: Uint8Array;
}
