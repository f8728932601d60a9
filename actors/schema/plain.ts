/**
 * Plain data: what JSON can say, and nothing else. Whatever goes to an agent or comes back from one is copied here first, so
 * that it cannot change any more, runs no code when it is read, and comes back equal from a store.
 *
 * Refused, with its place: functions, symbols, bigints, `undefined`, numbers that JSON does not have, halves of characters,
 * instances of classes, cycles, lists with holes, keys that are symbols or `__proto__`, and what throws when it is looked at.
 * Fields that are not enumerable do not count, as in JSON. Never says what a value is, only what is wrong with it.
 */
import type { ValueProblem } from '../../machines/faults/fault.ts';
import { keysOf, pointerTo } from '../../machines/values/json-pointer.ts';

/** Less than what a store takes, because a value is kept within other values. */
const MAX_DEPTH = 100;

/** More would help nobody. */
export const MAX_PROBLEMS = 100;

export type PlainReading =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problems: ValueProblem[] };

/** A deeply frozen copy of a value, or everything that keeps it from being plain data. Throws nothing. */
export function plainCopyOf(value: unknown): PlainReading {
  const walk = new Walk();
  const copy = walk.copy(value, []);
  return walk.problems.length === 0 ? { ok: true, value: copy } : { ok: false, problems: walk.problems };
}

/** Whether a value is an object with named fields. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export type PathKey = string | number;

/** A JSON pointer as a URI fragment: `#/citations/0/url`. */
export function pointerOf(path: readonly PathKey[]): string {
  const keys = pointerTo(path.map((key) => String(key).toWellFormed())).split('/');
  return `#${keys.map(encodeURIComponent).join('/')}`;
}

/** The keys of a JSON pointer that is a URI fragment. */
export const keysIn = (fragment: string): readonly string[] => keysOf(decodeURIComponent(fragment.slice(1)));

class Walk {
  readonly problems: ValueProblem[] = [];
  readonly #above: object[] = [];

  copy(value: unknown, path: readonly PathKey[]): unknown {
    switch (typeof value) {
      case 'string':
        return value.isWellFormed() ? value : this.#refuse(path, 'is a text with half a character');
      case 'number':
        return Number.isFinite(value) ? value : this.#refuse(path, 'is no number that JSON has');
      case 'boolean':
        return value;
      case 'object':
        return value === null ? null : this.#copyObject(value, path);
      case 'undefined':
        return this.#refuse(path, 'is undefined: leave it out, or say null');
      default:
        return this.#refuse(path, `is a ${typeof value}, which is no data`);
    }
  }

  #copyObject(value: object, path: readonly PathKey[]): unknown {
    if (this.#above.includes(value)) return this.#refuse(path, 'contains itself');
    if (path.length > MAX_DEPTH) return this.#refuse(path, `is nested deeper than ${MAX_DEPTH} levels`);
    this.#above.push(value);
    try {
      return Object.freeze(
        Array.isArray(value) ? this.#copyList(value, path) : this.#copyRecord(value, path),
      );
    } catch {
      // What it threw may hold what it is: nobody is told.
      return this.#refuse(path, 'cannot be read: it throws');
    } finally {
      this.#above.pop();
    }
  }

  #copyList(list: readonly unknown[], path: readonly PathKey[]): unknown[] {
    const copy: unknown[] = [];
    if (Object.getPrototypeOf(list) !== Array.prototype || Reflect.ownKeys(list).length !== list.length + 1) {
      this.#refuse(path, 'is a list with holes, or with more than its items');
      return copy;
    }
    for (let index = 0; index < list.length && !this.#isFull(); index++)
      copy.push(this.copy(list[index], [...path, index]));
    return copy;
  }

  #copyRecord(record: object, path: readonly PathKey[]): Record<string, unknown> {
    const copy: Record<string, unknown> = {};
    const prototype = Object.getPrototypeOf(record) as unknown;
    if (prototype !== Object.prototype && prototype !== null) {
      this.#refuse(path, 'is an instance of a class: give the plain data that it stands for');
      return copy;
    }
    if (Object.getOwnPropertySymbols(record).length > 0) this.#refuse(path, 'has a symbol as a key');
    for (const key of Object.keys(record)) {
      if (this.#isFull()) break;
      const inner = [...path, key];
      if (key === '__proto__') this.#refuse(inner, 'has a name that no field may have');
      else if (!key.isWellFormed()) this.#refuse(inner, 'has a name with half a character');
      else copy[key] = this.#copyField(record as Record<string, unknown>, key, inner);
    }
    return copy;
  }

  #copyField(record: Readonly<Record<string, unknown>>, key: string, path: readonly PathKey[]): unknown {
    let value: unknown;
    try {
      value = record[key];
    } catch {
      return this.#refuse(path, 'cannot be read: it throws');
    }
    return this.copy(value, path);
  }

  #refuse(path: readonly PathKey[], reason: string): undefined {
    if (this.#isFull()) return;
    this.problems.push({ pointer: pointerOf(path), keyword: 'plain-data', schemaPath: '#', detail: reason });
  }

  #isFull(): boolean {
    return this.problems.length >= MAX_PROBLEMS;
  }
}
