/**
 * What was given, before anybody knows whether it makes sense: whether it is a name, a list, an object, and how it is told of.
 */
import { pointerTo } from '../../../machines/values/json-pointer.ts';
import { isReference } from '../reference.ts';

export type Options = Readonly<Record<string, unknown>>;

export interface Node {
  readonly kind: string;
  readonly options: Options;
  readonly place: string;
}

export const isRecord = (value: unknown): value is Options =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

export const isName = (value: unknown): value is string =>
  isText(value) && !/[/\s]/.test(value) && value.isWellFormed();

/** No object keeps such keys in the order in which they were written. */
export const isWholeNumber = (name: string): boolean => /^(0|[1-9]\d*)$/.test(name);

export const isNames = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every(isText);

export const isShare = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= 1;

export const isOnly = (value: Options, name: string): boolean =>
  Object.hasOwn(value, name) && Object.keys(value).length === 1;

/** Whether a part of it would have to be taken from somewhere. It may contain itself. */
export function holdsReference(value: unknown, seen = new Set<object>()): boolean {
  if (isReference(value)) return true;
  if (typeof value !== 'object' || value === null || seen.has(value)) return false;
  seen.add(value);
  return Object.values(value).some((part) => holdsReference(part, seen));
}

export const listed = (names: readonly string[]): string => names.join(', ');

export const inPointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** `rows['timeout'][0].times` as a pointer. */
export const pointerOfPath = (path: string): string =>
  pointerTo(path.split(/[.[\]']+/).filter((part) => part !== ''));

/** Names that mean something else where nodes are named. */
export const TAKEN = new Set(['input', 'account', 'failure', '__proto__']);
