/**
 * What the index says of an actor: the status of its life and the state of its machine, as one text. Actors with the same
 * text are found together, in memory and on disk; so few texts exist, however many actors there are.
 */
import { matchesState } from 'xstate';
import type { StateValue } from 'xstate';
import type { AnySnapshot } from '../kernel/step.ts';

export type Status = AnySnapshot['status'];

/** On disk: never change one. */
const CODES: Readonly<Record<Status, string>> = { active: 'a', done: 'd', error: 'e', stopped: 's' };

/** Status and state, as they were. */
export interface Standing {
  readonly status: Status;
  /** Undefined where there are no states. */
  readonly value: StateValue | undefined;
}

/** JSON holds no zero byte, so the text can be followed by one. */
export function textOf({ status, value }: Pick<AnySnapshot, 'status' | 'value'>): string {
  return value === undefined
    ? CODES[status]
    : `${CODES[status]}${JSON.stringify(sorted(value as StateValue))}`;
}

/** XState lists the regions of a parallel state in the order in which they were entered. */
function sorted(value: StateValue | undefined): StateValue | undefined {
  if (typeof value !== 'object') return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key])]));
}

export function standingOf(text: string): Standing {
  const [status] = Object.entries(CODES).find(([, code]) => code === text[0])!;
  return {
    status: status as Status,
    value: text.length === 1 ? undefined : (JSON.parse(text.slice(1)) as StateValue),
  };
}

/** All texts of a status begin with this. */
export const codeOf = (status: Status): string => CODES[status];

/** Whether two actors stand alike. Asked for every turn once there is an index: it makes no garbage. */
export function isAlike({ status, value }: Standing, other: Pick<AnySnapshot, 'status' | 'value'>): boolean {
  return status === other.status && isSame(value, other.value as StateValue | undefined);
}

function isSame(a: StateValue | undefined, b: StateValue | undefined): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b;
  let keys = 0;
  for (const _ in b) keys++;
  for (const key in a) {
    if (!isSame(a[key], b[key])) return false;
    keys--;
  }
  return keys === 0;
}

/** Whether an actor that stands so is asked for: in one of the states, if any are named. */
export function matches(
  { status: now, value }: Standing,
  status: Status,
  states: readonly StateValue[] | undefined,
): boolean {
  if (now !== status) return false;
  return states === undefined || (value !== undefined && states.some((state) => matchesState(state, value)));
}

/** The name under which an actor is found: that of its logic, for children behind those of the actors above. */
export function nameOf(path: readonly string[]): string {
  // An address has no such characters either, and neither has a zero byte a place in a key.
  return path
    .map((part) => part.replaceAll('%', '%25').replaceAll('/', '%2F').replaceAll('\0', '%00'))
    .join('/');
}
