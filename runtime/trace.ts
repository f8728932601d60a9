/**
 * Traces: which call from outside a record goes back to, over messages, timers, children and processes.
 *
 * The record that an outside event makes is the *origin* of everything that follows from it. Whoever is caused by it names
 * it, so a trace costs the first record nothing, and the others a few bytes. Ids are those of W3C Trace Context
 * (https://www.w3.org/TR/trace-context/): a caller that has a trace passes its `traceparent` on and its trace goes on here;
 * otherwise the ids follow from the store and the record, the same whenever they are asked for.
 */
import { sha256 } from '../storage/checksum.ts';
import { InvalidArgument } from './errors.ts';
import type { Cause } from './trailer.ts';

/** The record with which a trace begins. */
export interface Origin {
  readonly actor: number;
  readonly seq: number;
  /** The id that the caller has given, 16 bytes; undefined: it follows from the record. */
  readonly traceId?: Uint8Array;
}

/** What a caller hands over: 16 bytes of a trace id, then 8 of the span it is in. */
export type GivenTrace = Uint8Array;

const TRACE_BYTES = 16;
const SPAN_BYTES = 8;

/** A record's place in its trace, as hex. */
export interface TracePlace {
  readonly traceId: string;
  readonly spanId: string;
  /** The span of whoever caused it, if anybody known did. */
  readonly parentId: string | undefined;
}

// Version, trace id, parent id, flags; all zeros are no ids.
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/** @throws InvalidArgument */
export function readTraceparent(text: unknown, path: string): GivenTrace {
  const [, trace, span] = (typeof text === 'string' && TRACEPARENT.exec(text)) || [];
  if (trace === undefined || span === undefined || (text as string).startsWith('ff'))
    throw new InvalidArgument(path, `must be a W3C traceparent, such as ${EXAMPLE}, but is ${shown(text)}`);
  return Buffer.from(trace + span, 'hex');
}

const EXAMPLE = "'00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'";

const shown = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : `a ${typeof value}`;

/** As it is passed on to others. */
export const traceparentOf = ({ traceId, spanId }: Pick<TracePlace, 'traceId' | 'spanId'>): string =>
  `00-${traceId}-${spanId}-01`;

/**
 * Where what is caused by a record goes back to. Undefined: to the record itself, which whoever it causes names anyway.
 * @param given what its caller has handed over
 */
export function originOf(
  cause: Cause | undefined,
  given: GivenTrace | undefined,
  actor: number,
  seq: number,
): Origin | undefined {
  if (given !== undefined) return { actor, seq, traceId: given.subarray(0, TRACE_BYTES) };
  switch (cause?.kind) {
    case 'actor':
    case 'timer':
      return cause.origin ?? { actor: cause.actor, seq: cause.seq };
    case 'effect':
      return cause.origin;
    default:
      return undefined;
  }
}

/** The place of a record in its trace. @param given what its caller has handed over */
export function placeOf(
  storeId: string,
  { actor, seq }: { readonly actor: number; readonly seq: number },
  cause: Cause | undefined,
  given: GivenTrace | undefined,
): TracePlace {
  const origin = originOf(cause, given, actor, seq) ?? { actor, seq };
  return {
    traceId: traceIdOf(storeId, origin),
    spanId: spanIdOf(storeId, actor, seq),
    parentId: given === undefined ? parentOf(storeId, cause) : hexOf(given.subarray(TRACE_BYTES)),
  };
}

function parentOf(storeId: string, cause: Cause | undefined): string | undefined {
  if (cause?.kind === 'actor' || cause?.kind === 'timer') return spanIdOf(storeId, cause.actor, cause.seq);
  // A process does not say which of its records it speaks from.
  return undefined;
}

export function traceIdOf(storeId: string, { actor, seq, traceId }: Origin): string {
  return traceId === undefined ? derived(`trace ${storeId} ${actor}:${seq}`, TRACE_BYTES) : hexOf(traceId);
}

export function spanIdOf(storeId: string, actor: number, seq: number): string {
  return derived(`span ${storeId} ${actor}:${seq}`, SPAN_BYTES);
}

const derived = (text: string, bytes: number): string => sha256(text).slice(0, 2 * bytes);

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
