/**
 * What a workflow says of its work to the decider: an amount, a tenant. It is said by functions of what a run was given, so a promise, a
 * list or nothing at all may come out of them by mistake. None of that is taken for having nothing to say, and nothing that is said
 * takes the place of what the house knows itself.
 */
import type { Json } from '../../machines/values/canonical.ts';
import { isRecord, plainCopyOf } from '../schema/plain.ts';

export type About = Readonly<Record<string, Json>>;

/**
 * A copy of what was said. A field that is undefined says nothing, as in JSON.
 * @throws TypeError when it is no plain object of JSON
 */
export function saidAbout(said: unknown): About {
  if (!isRecord(said)) throw new TypeError(`about must give an object, and gives ${nameOf(said)}`);
  const plain = plainCopyOf(isPlain(said) ? withoutUndefined(said) : said);
  if (plain.ok) return plain.value as About;
  const [{ pointer, detail }] = plain.problems as [(typeof plain.problems)[0]];
  throw new TypeError(`about must give an object of JSON, in which ${pointer} ${detail}`);
}

/** Without what the house says itself: of that nobody else says anything, also where the house says nothing. */
export function besides(about: About, house: ReadonlySet<string>): About {
  return Object.fromEntries(Object.entries(about).filter(([name]) => !house.has(name)));
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

const withoutUndefined = (said: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}
