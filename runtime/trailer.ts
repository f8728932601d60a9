/**
 * The trailer of a record: what it says besides the event. Who caused it, what the step read and drew, and what it
 * asked for. Most records of plain sends have none.
 *
 * The intents are recorded as a summary. They are not needed to carry anything out (a step that is told again gives them
 * again), but they let a reader see what a step did without running it, and let the runtime notice at once that today's
 * code tells another story.
 */
import type { Codec } from '../storage/codec.ts';
import type { StoredImage } from './image.ts';
import type { Intent } from './kernel/intent.ts';
import type { Birth } from './mailbox.ts';
import type { GivenTrace, Origin } from './trace.ts';
import { packWarrant, unpackWarrant } from './warrant.ts';
import type { StoredWarrant, Warrant } from './warrant.ts';

/**
 * What made an event happen. Undefined: a caller from outside.
 *
 * - `actor`: the intent `index` of the record `seq` of another actor (or the same).
 * - `timer`: a timer that the intent `index` of its own record `seq` has set.
 * - `effect`: an action or a running process of an actor, outside of any step.
 * - `system`: the system itself, on behalf of whoever called `start` or `stop`.
 * - `letter`: somebody who has tried a dead letter again.
 */
export type Cause =
  | {
      readonly kind: 'actor' | 'timer';
      readonly actor: number;
      readonly seq: number;
      readonly index: number;
      readonly life: number;
      /** Where its trace begins, unless with the record that is named here. */
      readonly origin?: Origin | undefined;
    }
  | {
      readonly kind: 'effect';
      readonly actor: number;
      readonly life: number;
      readonly origin?: Origin | undefined;
    }
  | { readonly kind: 'system' }
  | { readonly kind: 'letter'; readonly id: number };

/** A cause that is an intent of a record. */
export type StepCause = Extract<Cause, { readonly index: number }>;

/** Names the one message that an intent gives rise to. */
export type MessageKey = `${number}:${number}:${number}`;

export function messageKeyOf(cause: Cause | undefined): MessageKey | undefined {
  if (cause?.kind !== 'actor' && cause?.kind !== 'timer') return undefined;
  return `${cause.actor}:${cause.seq}:${cause.index}`;
}

/** An intent as it is recorded. The first element says which; it is on disk, so never change one. */
export type ToldIntent =
  | readonly ['send', actor: number, life: number, type: string]
  | readonly ['spawn', id: string, src: string, actor: number, life: number]
  | readonly ['stop', id: string]
  | readonly ['order', address: string, type: string]
  /** An event of `after` has its type for an id, and is not said twice. */
  | readonly ['timer', id: string | null, dueMs: number, actor: number, type?: string]
  | readonly ['cancel', id: string]
  | readonly ['emit', type: string]
  | readonly ['log']
  | readonly ['action', name: string];

/** What a step read of the world. Packed, since it may hold anything a snapshot may. */
export type Read =
  | { readonly lookup: unknown }
  | { readonly all: Readonly<Record<string, unknown>> }
  /** The delay before a restart; null when there is to be none. */
  | { readonly backoff: number | null }
  | { readonly path: readonly string[]; readonly snapshot: unknown };

export interface Trailer {
  readonly cause?: Cause | undefined;
  /** The idempotency id of the send. */
  readonly id?: string | undefined;
  /** The trace that the sender has handed over. */
  readonly trace?: GivenTrace | undefined;
  /** On whose behalf it was done, and what has permitted it. */
  readonly warrant?: Warrant | undefined;
  readonly intents?: readonly ToldIntent[] | undefined;
  readonly reads?: readonly Read[] | undefined;
  readonly seed?: Uint8Array | undefined;
  readonly birth?: Birth | undefined;
  /** Whether its actor's life ended with it. */
  readonly ends?: boolean;
  /** The step threw, and its actor's policy says that it fails with it. */
  readonly failure?: unknown;
  /** The step failed and nothing of it was kept: its actor does not run until it is restarted. */
  readonly crash?: Crash | undefined;
  /** The record gives its actor everything it is, instead of telling how it came about: it was forked, or migrated. */
  readonly image?: StoredImage | undefined;
  /** A step that somebody else has taken, whose actions and emits are owed with the image. */
  readonly owes?: StoredStep | undefined;
}

/** A step as it can be taken again. Field names are on disk. */
export interface StoredStep {
  readonly at: number;
  readonly bornAt: number;
  readonly seed: Uint8Array | undefined;
  readonly booked: number;
  readonly event: Uint8Array;
  /** The state before it; undefined for the first of a life. */
  readonly before: Uint8Array | undefined;
  readonly reads: Uint8Array | undefined;
}

/** Why an actor went down, and what is to become of it. */
export interface Crash {
  /** In a form that can be stored. */
  readonly error: unknown;
  /** The child whose failure it is. */
  readonly child?: string;
  /** For an actor that is nobody's but its parent's: its restarts that count, newest first, the one to come among them. */
  readonly window?: readonly number[];
  /** When that one is due. */
  readonly upAt?: number;
}

const EMPTY: Trailer = {};

/** The short keys on disk. Never change one. */
interface StoredTrailer {
  c?: StoredCause;
  k?: string;
  t?: Uint8Array;
  a?: StoredWarrant;
  i?: readonly ToldIntent[];
  r?: Uint8Array;
  s?: Uint8Array;
  b?: Birth;
  e?: 1;
  f?: Uint8Array;
  d?: Uint8Array;
  g?: StoredImage;
  w?: StoredStep;
}

export type StoredCause = readonly [
  kind: number,
  actor?: number,
  life?: number,
  seq?: number,
  index?: number,
  originActor?: number,
  originSeq?: number,
  traceId?: Uint8Array,
];

const CAUSE_KINDS = ['actor', 'timer', 'effect', 'system', 'letter'] as const;

export function packCause(cause: Cause): StoredCause {
  switch (cause.kind) {
    case 'actor':
      return [0, cause.actor, cause.life, cause.seq, cause.index, ...packOrigin(cause.origin)];
    case 'timer':
      return [1, cause.actor, cause.life, cause.seq, cause.index, ...packOrigin(cause.origin)];
    case 'effect':
      if (cause.origin === undefined) return [2, cause.actor, cause.life];
      return [2, cause.actor, cause.life, 0, 0, ...packOrigin(cause.origin)];
    case 'system':
      return [3];
    case 'letter':
      return [4, cause.id];
  }
}

type StoredOrigin = readonly [] | readonly [actor: number, seq: number, traceId?: Uint8Array];

function packOrigin(origin: Origin | undefined): StoredOrigin {
  if (origin === undefined) return [];
  const { actor, seq, traceId } = origin;
  return traceId === undefined ? [actor, seq] : [actor, seq, traceId];
}

export function unpackCause(stored: StoredCause): Cause {
  const [kind, actor = 0, life = 0, seq = 0, index = 0] = stored;
  const name = CAUSE_KINDS[kind]!;
  const origin = unpackOrigin(stored);
  switch (name) {
    case 'actor':
    case 'timer':
      return { kind: name, actor, life, seq, index, ...(origin && { origin }) };
    case 'effect':
      return { kind: name, actor, life, ...(origin && { origin }) };
    case 'system':
      return { kind: name };
    case 'letter':
      return { kind: name, id: actor };
  }
}

function unpackOrigin([, , , , , actor, seq, traceId]: StoredCause): Origin | undefined {
  if (actor === undefined) return undefined;
  return { actor, seq: seq!, ...(traceId !== undefined && { traceId }) };
}

export function packTrailer(codec: Codec, trailer: Trailer): Uint8Array {
  const stored: StoredTrailer = {};
  if (trailer.cause !== undefined) stored.c = packCause(trailer.cause);
  if (trailer.id !== undefined) stored.k = trailer.id;
  if (trailer.trace !== undefined) stored.t = trailer.trace;
  if (trailer.warrant !== undefined) stored.a = packWarrant(trailer.warrant);
  if (trailer.intents !== undefined) stored.i = trailer.intents;
  if (trailer.reads !== undefined) stored.r = Buffer.from(codec.packHolder(trailer.reads, 'reads'));
  if (trailer.seed !== undefined) stored.s = trailer.seed;
  if (trailer.birth !== undefined) stored.b = trailer.birth;
  if (trailer.ends === true) stored.e = 1;
  if ('failure' in trailer) stored.f = Buffer.from(codec.packHolder(trailer.failure, 'failure'));
  if (trailer.crash !== undefined) stored.d = Buffer.from(codec.packHolder(trailer.crash, 'crash'));
  if (trailer.image !== undefined) stored.g = trailer.image;
  if (trailer.owes !== undefined) stored.w = trailer.owes;
  return codec.packAs(0, stored);
}

export function unpackTrailer(codec: Codec, bytes: Uint8Array | undefined): Trailer {
  if (bytes === undefined) return EMPTY;
  const { c, k, t, a, i, r, s, b, e, f, d, g, w } = codec.unpack(bytes) as StoredTrailer;
  const trailer: Trailer = {
    cause: c && unpackCause(c),
    id: k,
    trace: t,
    ...(a !== undefined && { warrant: unpackWarrant(a) }),
    intents: i,
    reads: r && (codec.unpack(r) as readonly Read[]),
    seed: s,
    birth: b,
    ends: e === 1,
    ...(d !== undefined && { crash: codec.unpack(d) as Crash }),
    ...(g !== undefined && { image: g }),
    ...(w !== undefined && { owes: w }),
  };
  return f === undefined ? trailer : { ...trailer, failure: codec.unpack(f) };
}

/** The summary of a step's intents. The refs in spawns must have their numbers by now. */
export function tellIntents(intents: readonly Intent[], atMs: number): ToldIntent[] {
  const told = new Array<ToldIntent>(intents.length);
  for (let i = 0; i < intents.length; i++) told[i] = tell(intents[i]!, atMs);
  return told;
}

function tell(intent: Intent, atMs: number): ToldIntent {
  switch (intent.kind) {
    case 'send':
      return ['send', intent.to.actor, intent.to.life, intent.event.type];
    case 'spawn':
      return ['spawn', intent.ref.id, intent.ref.src, intent.ref.actor, intent.ref.life];
    case 'stop':
      return ['stop', intent.ref.id];
    case 'order':
      return ['order', intent.to, intent.event.type];
    case 'timer':
      return tellTimer(intent, atMs);
    case 'cancel':
      return ['cancel', intent.id];
    case 'emit':
      return ['emit', intent.event.type];
    case 'log':
      return ['log'];
    case 'action':
      return ['action', intent.name];
  }
}

function tellTimer({ id, delayMs, to, event }: Extract<Intent, { kind: 'timer' }>, atMs: number): ToldIntent {
  const dueMs = dueOf(atMs, delayMs);
  return event.type === id
    ? ['timer', id, dueMs, to.actor]
    : ['timer', id ?? null, dueMs, to.actor, event.type];
}

/** The year 6429. Times are stored in 48 bits. */
const LAST_INSTANT_MS = 2 ** 47;

/** When a timer is due: whole milliseconds, as they are stored. */
export const dueOf = (atMs: number, delayMs: number): number =>
  Math.min(atMs + Math.ceil(Number.isFinite(delayMs) ? delayMs : 0), LAST_INSTANT_MS);
