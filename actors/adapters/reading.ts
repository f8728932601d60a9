/**
 * Strict reading of answers. Where an object is wanted as JSON no code fences are taken off, no commas mended, nothing is searched
 * for: repairs are declared, and made by others.
 */
import type { Fault } from '../../machines/faults/fault.ts';
import { FaultError } from '../agents/fault-error.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * @param what of the fault, where the object should be more than an output
 * @throws FaultError `empty`, `not-parseable`, or `schema-mismatch` for what is JSON and no object
 */
export function jsonObjectOf(text: string, whose: string, what: Pick<Fault, 'isWhole'> = {}): JsonObject {
  if (text.trim() === '') refuseAnswer({ class: 'empty', message: `${whose} is empty` });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    refuseAnswer({ class: 'not-parseable', message: `${whose} is no JSON: ${why}`, ...what }, text);
  }
  if (isJsonObject(value)) return value;
  const detail = 'must be object';
  refuseAnswer(
    {
      class: 'schema-mismatch',
      message: `${whose} is JSON, but no object`,
      problems: [{ pointer: '#', keyword: 'type', schemaPath: '#/type', expected: 'object', detail }],
      ...what,
    },
    text,
  );
}

/** Bytes as text; undefined where they are none. What is broken is not replaced. */
export function utf8Of(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** JSON of whatever kind; undefined where it is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Reads an answer by a function of the user. One that throws has not been able to.
 *
 * @param text what is kept of the answer for repairs
 * @throws FaultError
 */
export function readBy(read: () => JsonObject, text: string): JsonObject {
  let value: unknown;
  try {
    value = read();
  } catch (error) {
    if (error instanceof FaultError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    refuseAnswer({ class: 'not-parseable', message: `the answer could not be read: ${why}` }, text);
  }
  if (isJsonObject(value)) return value;
  refuseAnswer(
    { class: 'not-parseable', message: 'the answer was read as something that is no object' },
    text,
  );
}

/** What is longer is not kept for repairs: it would stand in the journal. */
const ANSWER_CHARS = 256 * 1024;

/** What the counterpart has answered is no answer, and may be repaired. */
export function unanswered(fault: Fault, answer: string | undefined): FaultError {
  const isKept = answer !== undefined && answer.length <= ANSWER_CHARS;
  return new FaultError(isKept ? { ...fault, answer } : fault);
}

/** @throws FaultError always */
export function refuseAnswer(fault: Fault, answer?: string): never {
  throw unanswered(fault, answer);
}
