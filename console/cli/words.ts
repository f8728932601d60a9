/**
 * Rows in words, as people read them in tables: who caused a record, what its step asked for, how an actor stands.
 */
import type { IntentRow, RecordRow, RefusedRow } from '../control/operations/journals.ts';
import type { Json } from '../control/tagged.ts';
import { inert } from './inert.ts';
import { shown, thrownText } from './shown.ts';
import type { Style } from './terminal.ts';

/** Who caused a record. */
export function causeWords({
  address,
  cause,
  id,
  principal,
}: Pick<RecordRow, 'address' | 'cause' | 'principal'> & { readonly id?: string | undefined }): string {
  const who = principal && `${principal.type} ${principal.id}`;
  switch (cause.kind) {
    case 'outside':
      return inert(`${who ?? 'outside'}${id === undefined ? '' : `, id ${id}`}`);
    case 'system':
      return inert(who ?? 'the system');
    case 'dead-letter':
      return `dead letter ${cause.id}`;
    case 'timer':
      return `timer of ${cause.seq}`;
    case 'actor':
      return inert(`${cause.address}@${cause.seq}`);
    case 'effect':
      return cause.address === address ? 'its effects' : inert(`effects of ${cause.address}`);
  }
}

/** What a step has asked for. */
export const intentsWords = ({ intents }: RecordRow): string => intents.map(intentWords).join(', ');

function intentWords(intent: IntentRow): string {
  switch (intent.kind) {
    case 'send':
      return inert(`${intent.type} → ${intent.to}`);
    case 'spawn':
      return inert(`spawn ${intent.id}`);
    case 'stop':
      return inert(`stop ${intent.id}`);
    case 'order':
      return inert(`${intent.type} → ${intent.to}`);
    case 'timer':
      return inert(`timer ${intent.type}`);
    case 'cancel':
      return inert(`cancel ${intent.id}`);
    case 'emit':
      return inert(`emit ${intent.type}`);
    case 'log':
      return 'log';
    case 'action':
      return inert(`action ${intent.name}`);
  }
}

/** What an event carries besides its type. */
export function payloadWords(event: Json | undefined): string {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return shown(event);
  const fields = Object.entries(event as { readonly [key: string]: Json }).filter(
    ([key, item]) => key !== 'type' && !isUndefined(item),
  );
  return fields.length === 0 ? '' : shown(Object.fromEntries(fields));
}

/** `xstate.init` has an input even where there is none. */
const isUndefined = (json: Json): boolean =>
  typeof json === 'object' && json !== null && Object.hasOwn(json, '$undefined');

export function typeOf(event: Json | undefined): string {
  const { type } = (event ?? {}) as { readonly type?: Json };
  return typeof type === 'string' ? inert(type) : '';
}

/** What stands in the last column of a history: how it failed, or what the event carries. */
export const detailWords = ({ event, error }: RecordRow): string =>
  error === undefined ? payloadWords(event) : `✖ ${thrownText(error)}`;

/** Why something was refused, how often, and who has given it up. */
export function refusedWords({ message, count, decided }: RefusedRow): string {
  const times = count === 1 ? '' : `, ${count} times`;
  const by = decided === undefined ? '' : `; given up by ${decided.by}: ${decided.reason}`;
  return inert(`✖ ${message}${times}${by}`);
}

/** A state as XState writes it: texts without quotes, nested ones as JSON. */
export function stateWords(value: Json | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return inert(value);
  // A machine without states.
  return JSON.stringify(value) === '{}' ? '' : shown(value);
}

/** The colour of how something stands. */
export function styleOf(word: string | undefined): Style | undefined {
  switch (word) {
    case 'crashed':
    case 'refused':
    case 'error':
      return 'red';
    case 'halted':
    case 'stopped':
    case 'done':
    case 'asleep':
    case 'closed':
      return 'dim';
    case 'paused':
    case 'restarting':
    case 'stopping':
    case 'down':
      return 'yellow';
    default:
      return undefined;
  }
}

/** How much something takes on a disk. */
export function sizeWords(bytes: number): string {
  if (bytes < 1 << 20) return `${(bytes / 1024).toFixed(1)} KB`;
  return bytes < 1 << 30 ? `${(bytes / (1 << 20)).toFixed(1)} MB` : `${(bytes / (1 << 30)).toFixed(1)} GB`;
}

/** Money, which is told in millionths. */
export const amountWords = (micros: number): string => String(micros / 1_000_000);

/** How long something took. */
export function tookWords(from: string | undefined, to: string | undefined): string {
  if (from === undefined || to === undefined) return '';
  const ms = Date.parse(to) - Date.parse(from);
  if (ms < 1000) return `${ms} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${(ms / 1000).toFixed(1)} s`;
  const [minutes, hours] = [Math.floor(seconds / 60) % 60, Math.floor(seconds / 3600)];
  return hours === 0 ? `${minutes} min ${seconds % 60} s` : `${hours} h ${minutes} min`;
}

/** The colour of where a run, a task or a review is. */
export function runStyleOf(word: string): Style | undefined {
  switch (word) {
    case 'failed':
    case 'aborted':
    case 'uncompensated':
    case 'rejected':
    case 'expired':
      return 'red';
    case 'waiting':
    case 'parked':
    case 'cancelling':
    case 'compensating':
      return 'yellow';
    case 'complete':
    case 'approved':
      return 'green';
    case 'pending':
    case 'skipped':
    case 'cancelled':
    case 'compensated':
    case 'stopped':
      return 'dim';
    default:
      return undefined;
  }
}
