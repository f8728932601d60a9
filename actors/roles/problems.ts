/**
 * Problems of a table: everything that is wrong with it is found in one go, each with the path at which it stands. Reading goes on
 * behind a problem with nothing in its place, so what comes out of a table with problems is used for nothing.
 */

/** Something that makes no sense, and where. */
export interface TableProblem {
  /** As one would write it in code: `grants[2].when[0].of`. */
  readonly path: string;
  readonly problem: string;
}

export type Fields = Readonly<Record<string, unknown>>;

export class Problems {
  readonly all: TableProblem[] = [];

  add(path: string, problem: string): void {
    this.all.push({ path, problem });
  }

  /** An object with no other keys than these; nothing when it is none. */
  object(value: unknown, path: string, keys: readonly string[]): Fields {
    const fields = this.map(value, path);
    for (const key of Object.keys(fields))
      if (!keys.includes(key)) this.add(pathTo(path, key), `is not known${meant(key, keys)}`);
    return fields;
  }

  /** An object with any keys. */
  map(value: unknown, path: string): Fields {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
    this.add(path, `must be an object, but is ${shown(value)}`);
    return {};
  }

  text(value: unknown, path: string): string {
    if (typeof value === 'string' && value !== '' && value.isWellFormed()) return value;
    this.add(path, `must be a text that is not empty, but is ${shown(value)}`);
    return '';
  }

  /** Nothing when it is left out. */
  list(value: unknown, path: string): readonly unknown[] {
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.add(path, `must be a list, but is ${shown(value)}`);
    return [];
  }

  texts(value: unknown, path: string): readonly string[] {
    return this.list(value, path).map((one, index) => this.text(one, `${path}[${index}]`));
  }

  /** A list that says something. */
  someTexts(value: unknown, path: string): readonly string[] {
    if (value === undefined || (Array.isArray(value) && value.length === 0))
      this.add(path, 'must be a list that is not empty');
    return this.texts(value, path);
  }
}

export const pathTo = (path: string, key: string): string => {
  if (!/^[\w$]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
};

export function shown(value: unknown): string {
  if (value === undefined) return 'left out';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : (JSON.stringify(value) ?? typeof value);
}

/** What a word was probably meant to be, as a question; nothing when nothing is near. */
export function meant(word: string, known: Iterable<string>): string {
  let nearest: string | undefined;
  let least = Math.min(3, Math.ceil(word.length / 2));
  for (const other of known) {
    const distance = distanceOf(word, other);
    if (distance < least) [nearest, least] = [other, distance];
  }
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}

/** How many characters must be put in, taken out or replaced. */
function distanceOf(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const replaced = row[j - 1]! + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[other.length]!;
}
