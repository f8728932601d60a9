/**
 * Texts that match a pattern, made from the pattern. Knows what people write in schemas: characters, classes, groups, choices,
 * repetitions, anchors at the ends. Of a pattern that looks around or back it makes none: then the user gives the sample.
 */
import type { Chance } from './chance.ts';

/** `*` and `+` repeat so often at most, beyond what they must. */
const MORE = 3;

/** A text that should match; undefined when the pattern is beyond what is known here. The caller checks it. */
export function textMatching(pattern: string, chance: Chance): string | undefined {
  try {
    const reader = new Reader(pattern, chance);
    const text = reader.choice();
    return reader.isAtEnd ? text : undefined;
  } catch (error) {
    if (error === BEYOND) return undefined;
    throw error;
  }
}

const BEYOND = new RangeError('a pattern beyond what is known here');

const range = (from: string, to: string): string[] => {
  const [first, last] = [from.codePointAt(0)!, to.codePointAt(0)!];
  if (last < first) throw BEYOND;
  return Array.from({ length: Math.min(last - first + 1, 128) }, (_, i) => String.fromCodePoint(first + i));
};

const DIGITS = range('0', '9');
const WORD = [...range('a', 'z'), ...range('A', 'Z'), ...DIGITS, '_'];
const VISIBLE = range('!', '~');
const CLASSES: Readonly<Record<string, readonly string[]>> = {
  d: DIGITS,
  D: range('a', 'z'),
  w: WORD,
  W: ['-', '!', ' '],
  s: [' '],
  S: WORD,
};
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** Reads and makes at once: what is not chosen is read as well, and thrown away. */
class Reader {
  readonly #pattern: readonly string[];
  readonly #chance: Chance;
  #at = 0;

  constructor(pattern: string, chance: Chance) {
    this.#pattern = [...pattern];
    this.#chance = chance;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#pattern.length;
  }

  choice(): string {
    const branches = [this.#sequence()];
    while (this.#take('|')) branches.push(this.#sequence());
    return this.#chance.pick(branches);
  }

  #sequence(): string {
    let text = '';
    while (!this.isAtEnd && !this.#sees('|') && !this.#sees(')')) text += this.#repeated();
    return text;
  }

  #repeated(): string {
    const start = this.#at;
    const once = this.#atom();
    const end = this.#at;
    const times = this.#times();
    if (times === undefined) return once;
    const after = this.#at;
    let text = '';
    // Each repetition chooses anew.
    for (let i = 0; i < times; i++) {
      this.#at = start;
      text += this.#atom();
      if (this.#at !== end) throw BEYOND;
    }
    this.#at = after;
    return text;
  }

  #times(): number | undefined {
    const bounds = this.#bounds();
    if (bounds === undefined) return undefined;
    // Whether it is greedy decides nothing about what matches as a whole.
    this.#take('?');
    const [least, most] = bounds;
    if (least > 1000 || most < least) throw BEYOND;
    return this.#chance.between(least, Math.min(most, least + MORE));
  }

  #bounds(): readonly [least: number, most: number] | undefined {
    if (this.#take('?')) return [0, 1];
    if (this.#take('*')) return [0, Infinity];
    if (this.#take('+')) return [1, Infinity];
    if (!this.#take('{')) return undefined;
    const least = this.#number();
    const most = this.#take(',') ? (this.#sees('}') ? Infinity : this.#number()) : least;
    if (!this.#take('}')) throw BEYOND;
    return [least, most];
  }

  #number(): number {
    let digits = '';
    while (!this.isAtEnd && DIGITS.includes(this.#pattern[this.#at]!)) digits += this.#next();
    if (digits === '') throw BEYOND;
    return Number(digits);
  }

  #atom(): string {
    const character = this.#next();
    if (character === '^' || character === '$') return '';
    if (character === '(') return this.#group();
    if (character === '[') return this.#chance.pick(this.#set());
    if (character === '.') return this.#chance.pick(VISIBLE);
    if (character === '\\') return this.#chance.pick(this.#escape());
    if ('*+?{'.includes(character)) throw BEYOND;
    return character;
  }

  #group(): string {
    if (this.#take('?')) {
      if (this.#take('<')) {
        if (this.#sees('=') || this.#sees('!')) throw BEYOND;
        while (this.#next() !== '>');
      } else if (!this.#take(':')) throw BEYOND;
    }
    const text = this.choice();
    if (!this.#take(')')) throw BEYOND;
    return text;
  }

  #set(): readonly string[] {
    const isNegated = this.#take('^');
    const members: string[] = [];
    while (!this.#take(']')) {
      const some = this.#member();
      if (some.length === 1 && this.#sees('-') && this.#pattern[this.#at + 1] !== ']') {
        this.#next();
        const [to = '', ...rest] = this.#member();
        if (rest.length > 0) throw BEYOND;
        members.push(...range(some[0]!, to));
      } else members.push(...some);
    }
    const chosen = isNegated ? VISIBLE.filter((character) => !members.includes(character)) : members;
    if (chosen.length === 0) throw BEYOND;
    return chosen;
  }

  #member(): readonly string[] {
    const character = this.#next();
    return character === '\\' ? this.#escape() : [character];
  }

  #escape(): readonly string[] {
    const character = this.#next();
    if (character in CLASSES) return CLASSES[character]!;
    if (character in CONTROLS) return [CONTROLS[character]!];
    if (character === 'u') return [this.#codePoint()];
    // A boundary, a reference back, a property of characters.
    if (WORD.includes(character)) throw BEYOND;
    return [character];
  }

  #codePoint(): string {
    const hex = this.#take('{') ? this.#until('}') : Array.from({ length: 4 }, () => this.#next()).join('');
    const code = Number.parseInt(hex, 16);
    if (!(code >= 0 && code <= 0x10ffff)) throw BEYOND;
    return String.fromCodePoint(code);
  }

  #until(end: string): string {
    let text = '';
    for (let next = this.#next(); next !== end; next = this.#next()) text += next;
    return text;
  }

  #sees(character: string): boolean {
    return this.#pattern[this.#at] === character;
  }

  #take(character: string): boolean {
    if (!this.#sees(character)) return false;
    this.#at++;
    return true;
  }

  #next(): string {
    const character = this.#pattern[this.#at++];
    if (character === undefined) throw BEYOND;
    return character;
  }
}
