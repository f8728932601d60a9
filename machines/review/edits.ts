/**
 * Edits: changes to a JSON value, as a part of JSON Patch (RFC 6902): replace, add, remove. They are applied all or not at all,
 * and only where it was declared that something may be changed. Pure; the value that is edited stays as it was.
 */
import type { Json } from '../values/canonical.ts';
import { NotJson, assertJson } from '../values/canonical.ts';
import { isWithin, keysOf, problemOfPointer } from '../values/json-pointer.ts';

export type Edit =
  /** Default: what is there gets another value. */
  | { readonly op?: 'replace'; readonly pointer: string; readonly value: Json }
  /** A new property, or an item before the one that is there; `/list/-` behind the last. */
  | { readonly op: 'add'; readonly pointer: string; readonly value: Json }
  | { readonly op: 'remove'; readonly pointer: string };

/** An edit cannot be made. */
export class EditRefused extends TypeError {
  /** Which of them, counted from 0. */
  readonly index: number;
  readonly pointer: string;
  /** Whether that part may not be edited, or the edit makes no sense. */
  readonly isForbidden: boolean;

  constructor(index: number, pointer: string, problem: string, isForbidden = false) {
    super(`edits[${index}] (${pointer === '' ? 'the whole' : pointer}) ${problem}`);
    this.index = index;
    this.pointer = pointer;
    this.isForbidden = isForbidden;
  }
}

/** How many at once. */
export const MOST_EDITS = 100;

/**
 * The value with all edits made, one after the other.
 * @param editable pointers to what may be changed, with everything below
 * @throws EditRefused
 */
export function edited(value: Json, edits: unknown, editable: readonly string[]): Json {
  if (!Array.isArray(edits) || edits.length === 0)
    throw new EditRefused(0, '', 'is missing: edits must be a list of { op, pointer, value }');
  if (edits.length > MOST_EDITS)
    throw new EditRefused(MOST_EDITS, '', `is too many: at most ${MOST_EDITS} at once`);
  let result = value;
  edits.forEach((given: unknown, index) => {
    const edit = read(given, index, editable);
    const fail: Fail = (problem) => {
      throw new EditRefused(index, edit.pointer, problem);
    };
    result = changed(result, keysOf(edit.pointer), edit, fail);
    // Two that are fine by themselves may be too deep together.
    assertValue(result, index, edit.pointer);
  });
  return result;
}

type Fail = (problem: string) => never;

const OPERATIONS: readonly unknown[] = ['replace', 'add', 'remove', undefined];

function read(given: unknown, index: number, editable: readonly string[]): Edit {
  if (typeof given !== 'object' || given === null)
    throw new EditRefused(index, '', 'must be an object: { op, pointer, value }');
  const { op, pointer, value, ...others } = given as Record<string, unknown>;
  const shown = typeof pointer === 'string' ? pointer : '';
  const wrong = problemOfPointer(pointer);
  if (wrong !== undefined) throw new EditRefused(index, shown, `: pointer ${wrong}`);
  if (!OPERATIONS.includes(op)) throw new EditRefused(index, shown, ': op must be replace, add or remove');
  if (!editable.some((above) => isWithin(shown, above)))
    throw new EditRefused(index, shown, `may not be edited; only ${editable.join(', ') || 'nothing'}`, true);
  const [stranger] = Object.keys(others);
  if (stranger !== undefined)
    throw new EditRefused(index, shown, `: has '${stranger}', which is no part of an edit`);
  if (op !== 'remove') assertValue(value, index, shown);
  else if (value !== undefined)
    throw new EditRefused(index, shown, ': takes something away, and has no value');
  return given as Edit;
}

function assertValue(value: unknown, index: number, pointer: string): void {
  try {
    assertJson(value);
  } catch (error) {
    if (error instanceof NotJson) throw new EditRefused(index, pointer, `: value: ${error.message}`);
    throw error;
  }
}

function changed(at: Json, [key, ...below]: readonly string[], edit: Edit, fail: Fail): Json {
  if (key === undefined)
    return edit.op === 'remove' ? fail('is the whole, and cannot be removed') : edit.value;
  if (isList(at)) return changedList(at, key, below, edit, fail);
  if (typeof at !== 'object' || at === null) return fail(`leads into ${String(at)}, which has no parts`);
  const isThere = Object.hasOwn(at, key);
  if (below.length > 0)
    return isThere ? { ...at, [key]: changed(at[key]!, below, edit, fail) } : fail('does not exist');
  if (edit.op === 'add') return { ...at, [key]: edit.value };
  if (!isThere) return fail('does not exist');
  if (edit.op !== 'remove') return { ...at, [key]: edit.value };
  const { [key]: _, ...others } = at;
  return others;
}

function changedList(
  list: readonly Json[],
  key: string,
  below: readonly string[],
  edit: Edit,
  fail: Fail,
): Json {
  const isAdding = edit.op === 'add' && below.length === 0;
  const index = isAdding && key === '-' ? list.length : indexOf(key);
  if (index === undefined) return fail(`has '${key}' where the index of a list must stand`);
  if (index > list.length || (index === list.length && !isAdding)) return fail('does not exist');
  if (isAdding) return list.toSpliced(index, 0, edit.value);
  if (below.length > 0) return list.with(index, changed(list[index]!, below, edit, fail));
  return edit.op === 'remove' ? list.toSpliced(index, 1) : list.with(index, edit.value);
}

// `Array.isArray` does not narrow lists that are read-only.
const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

function indexOf(key: string): number | undefined {
  return /^(0|[1-9]\d{0,9})$/.test(key) ? Number(key) : undefined;
}
