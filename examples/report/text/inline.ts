/**
 * What a person reads of a stretch of Markdown, and where each character of it stands in the source.
 *
 * Follows the inline structure of CommonMark 0.31 (section 6): links and images lose their targets (images go
 * altogether), emphasis, HTML tags, comments and footnote marks go, entities and backslash escapes become their
 * character, whitespace runs become one space. Code spans keep their backticks, since those tell code from words.
 * Emphasis is paired by a simple stack per mark instead of CommonMark's "rule of three".
 *
 * Every visible character carries the source range [from, to) it stands for, markup that clings to it included,
 * so that a sentence cut out of the visible text can be cut out of the source too, with its own markup whole.
 *
 * Offsets are UTF-16 code units. Time is linear: brackets, backticks and emphasis are each paired in one pass.
 */
import { normaliseLabel } from './blocks.ts';

export type Visible = {
  text: string;
  /** Source ranges of the code units of `text`. */
  from: number[];
  to: number[];
  /** True for code units in which punctuation does not end a sentence (code, addresses). */
  opaque: boolean[];
};

/** CommonMark's limit on the length of a link label. */
const LONGEST_LABEL = 999;
const NOTHING: ReadonlySet<string> = new Set();

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  copy: '©',
  mdash: '—',
  ndash: '–',
  hellip: '…',
  rarr: '→',
  larr: '←',
  times: '×',
  middot: '·',
  bull: '•',
};
const ENTITY = /&(?:([a-zA-Z]{2,8})|#(\d{1,7})|#[xX]([\da-fA-F]{1,6}));/y;
const TAG = /<\/?[a-zA-Z][a-zA-Z\d-]*(?:\s[^<>]*)?\/?>/y;
const AUTOLINK = /<([a-zA-Z][a-zA-Z\d+.-]{1,31}:[^\s<>]*|[^\s<>@]{1,64}@[^\s<>@]{1,255})>/y;
const PUNCTUATION = /[!-/:-@[-`{-~]/;

export function readInline(source: string, labels: ReadonlySet<string> = NOTHING): Visible {
  const marks = findMarks(source, labels);
  const out = new Writer();
  for (let at = 0; at < source.length;) at = readOne(source, at, marks, out);
  return out.visible();
}

/** Plain text: nothing is markup, whitespace collapses. */
export function readPlain(source: string): Visible {
  const out = new Writer();
  for (let at = 0; at < source.length; at++) out.write(source.charAt(at), at, at + 1);
  return out.visible();
}

/** Reads what stands at `at` and returns where the next thing begins. */
function readOne(source: string, at: number, marks: Marks, out: Writer): number {
  const code = marks.code.get(at);
  if (code !== undefined) return out.writeAll(source, at, code);
  const markup = marks.markup.get(at);
  if (markup !== undefined) {
    if (markup.clings === 'before') out.cling(at, markup.end);
    else if (markup.clings === 'after') out.announce(at, markup.end);
    return markup.end;
  }
  const char = source.charAt(at);
  if (char === '\\') return readEscape(source, at, out);
  if (char === '<') return readAngle(source, at, marks, out);
  if (char === '&') return readEntity(source, at, out);
  out.write(char, at, at + 1);
  return at + 1;
}

function readEscape(source: string, at: number, out: Writer): number {
  const next = source.charAt(at + 1);
  // A backslash at the end of a line is a hard break.
  if (next === '\n') return at + 1;
  if (!PUNCTUATION.test(next)) {
    out.write('\\', at, at + 1);
    return at + 1;
  }
  out.write(next, at, at + 2);
  return at + 2;
}

function readAngle(source: string, at: number, marks: Marks, out: Writer): number {
  const address = matchAt(AUTOLINK, source, at)?.[1];
  if (address !== undefined) {
    out.announce(at, at + 1);
    const end = out.writeAll(source, at + 1, at + 1 + address.length);
    out.cling(end, end + 1);
    return end + 1;
  }
  const tag = marks.tags.get(at);
  if (tag !== undefined) {
    if (/^<br\b/i.test(source.slice(at, at + 4))) out.write(' ', at, tag);
    else if (source[at + 1] === '/') out.cling(at, tag);
    else out.announce(at, tag);
    return tag;
  }
  out.write('<', at, at + 1);
  return at + 1;
}

function readEntity(source: string, at: number, out: Writer): number {
  const match = matchAt(ENTITY, source, at);
  const text = match?.[1] ? ENTITIES[match[1]] : codePoint(match?.[2], match?.[3]);
  if (match === null || text === undefined) {
    out.write('&', at, at + 1);
    return at + 1;
  }
  const end = at + match[0].length;
  for (const unit of text.split('')) out.write(unit, at, end);
  return end;
}

function codePoint(decimal: string | undefined, hex: string | undefined): string | undefined {
  const value = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
  return value > 0 && value <= 0x10ffff ? String.fromCodePoint(value) : undefined;
}

/** The visible text as it grows. */
class Writer {
  readonly #units: string[] = [];
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  readonly #opaque: boolean[] = [];
  /** Opening markup that waits for the character it clings to. */
  #announced: { start: number; end: number } | undefined;

  write(unit: string, from: number, to: number, opaque = false): void {
    const space = unit.trim() === '';
    if (space && (this.#units.length === 0 || this.#units.at(-1) === ' ')) return;
    const announced = !space && this.#announced?.end === from ? this.#announced : undefined;
    this.#units.push(space ? ' ' : unit);
    this.#from.push(announced?.start ?? from);
    this.#to.push(to);
    this.#opaque.push(opaque);
    this.#announced = undefined;
  }

  writeAll(source: string, from: number, end: number): number {
    for (let at = from; at < end; at++) this.write(source.charAt(at), at, at + 1, true);
    return end;
  }

  /** Closing markup belongs to the character right before it. */
  cling(start: number, end: number): void {
    const last = this.#to.length - 1;
    if (this.#to[last] === start && this.#units[last] !== ' ') this.#to[last] = end;
  }

  /** Opening markup belongs to the character right after it. */
  announce(start: number, end: number): void {
    const before = this.#announced?.end === start ? this.#announced.start : start;
    this.#announced = { start: before, end };
  }

  visible(): Visible {
    if (this.#units.at(-1) === ' ') {
      for (const list of [this.#units, this.#from, this.#to, this.#opaque]) list.pop();
    }
    return { text: this.#units.join(''), from: this.#from, to: this.#to, opaque: this.#opaque };
  }
}

type Markup = { end: number; clings: 'before' | 'after' | 'none' };

type Marks = {
  /** Start of a code span → its end. */
  code: ReadonlyMap<number, number>;
  /** Start of a tag or comment → its end. */
  tags: ReadonlyMap<number, number>;
  /** Start of a piece of link, image or emphasis markup → its end, and which neighbour it belongs to. */
  markup: ReadonlyMap<number, Markup>;
};

function findMarks(source: string, labels: ReadonlySet<string>): Marks {
  const code = findCode(source);
  const tags = findTags(source, code);
  const markup = new Map<number, Markup>();
  const bare = bareIndexes(source, code, tags);
  const pairs = pairBrackets(source, bare);
  for (const at of bare) if (source[at] === '[') markLink(source, at, pairs, labels, markup);
  markEmphasis(source, bare, markup);
  return { code, tags, markup };
}

/**
 * Code spans, start → end: a run of backticks and the next run of the same length. In readable text there are no
 * escapes; in Markdown an escaped backtick opens nothing, though the rest of its run may, and within code a
 * backslash escapes nothing.
 */
export function findCode(source: string, escapes: 'escapes' | 'no escapes' = 'escapes'): Map<number, number> {
  const runs: { start: number; length: number; escaped: number }[] = [];
  for (let at = source.indexOf('`'); at !== -1;) {
    let end = at;
    while (source[end] === '`') end++;
    const escaped = escapes === 'escapes' && isEscaped(source, at) ? 1 : 0;
    runs.push({ start: at, length: end - at, escaped });
    at = source.indexOf('`', end);
  }
  // From the right, so that each run knows the next one of its length without a search.
  const nextOfLength = new Map<number, number>();
  const ends = new Map<number, number>();
  for (const { start, length, escaped } of runs.toReversed()) {
    const end = nextOfLength.get(length - escaped);
    if (end !== undefined) ends.set(start, end);
    nextOfLength.set(length, start + length);
  }
  const code = new Map<number, number>();
  let codeEnd = 0;
  for (const { start, escaped } of runs) {
    const end = ends.get(start);
    if (end === undefined || start < codeEnd) continue;
    code.set(start + escaped, end);
    codeEnd = end;
  }
  return code;
}

function findTags(source: string, code: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
  const tags = new Map<number, number>();
  let commentsEnd = true;
  for (let at = 0; at < source.length;) {
    const end = code.get(at) ?? tagEnd(at);
    at = end ?? at + 1;
  }
  return tags;

  function tagEnd(at: number): number | undefined {
    if (source[at] !== '<' || isEscaped(source, at)) return undefined;
    let end: number | undefined;
    if (source.startsWith('<!--', at)) {
      const close = commentsEnd ? source.indexOf('-->', at) : -1;
      // Asked once: were it asked again for each opening, the time would not be linear.
      commentsEnd = close !== -1;
      end = commentsEnd ? close + '-->'.length : undefined;
    } else {
      const tag = matchAt(TAG, source, at)?.[0];
      end = tag === undefined ? undefined : at + tag.length;
    }
    if (end !== undefined) tags.set(at, end);
    return end;
  }
}

/** Indexes of the unescaped punctuation that may be link or emphasis markup: outside code and tags. */
function bareIndexes(
  source: string,
  code: ReadonlyMap<number, number>,
  tags: ReadonlyMap<number, number>,
): number[] {
  const found: number[] = [];
  for (let at = 0; at < source.length; at++) {
    const end = code.get(at) ?? tags.get(at);
    if (end !== undefined) at = end - 1;
    else if (source[at] === '\\') at++;
    else if ('[]()*_~'.includes(source.charAt(at))) found.push(at);
  }
  return found;
}

type Pairs = ReadonlyMap<number, { close: number; nested: boolean }>;

/** Opening bracket → its closing one, and whether brackets of the same kind stand between them. */
function pairBrackets(source: string, bare: readonly number[]): Pairs {
  const pairs = new Map<number, { close: number; nested: boolean }>();
  const open: Record<string, { at: number; nested: boolean }[]> = { '[': [], '(': [] };
  for (const at of bare) {
    const char = source.charAt(at);
    const opening = char === ']' ? '[' : char === ')' ? '(' : undefined;
    if (opening === undefined) {
      open[char]?.push({ at, nested: false });
      continue;
    }
    const start = open[opening]!.pop();
    if (start === undefined) continue;
    pairs.set(start.at, { close: at, nested: start.nested });
    const outer = open[opening]!.at(-1);
    if (outer) outer.nested = true;
  }
  return pairs;
}

function markLink(
  source: string,
  at: number,
  pairs: Pairs,
  labels: ReadonlySet<string>,
  markup: Map<number, Markup>,
): void {
  const bracket = pairs.get(at);
  if (bracket === undefined) return;
  if (source[at + 1] === '^') {
    markup.set(at, { end: bracket.close + 1, clings: 'before' });
    return;
  }
  const end = targetEnd(source, at, bracket, pairs, labels);
  if (end === undefined) return;
  if (source[at - 1] === '!' && !isEscaped(source, at - 1)) {
    markup.set(at - 1, { end, clings: 'none' });
    return;
  }
  markup.set(at, { end: at + 1, clings: 'after' });
  markup.set(bracket.close, { end, clings: 'before' });
}

/** Where the link that opens at `at` ends: `[…](target)`, `[…][label]` or `[label]`; undefined if it is no link. */
function targetEnd(
  source: string,
  at: number,
  bracket: { close: number; nested: boolean },
  pairs: Pairs,
  labels: ReadonlySet<string>,
): number | undefined {
  const after = pairs.get(bracket.close + 1);
  if (after !== undefined && source[bracket.close + 1] === '(') return after.close + 1;
  if (source.startsWith('[]', bracket.close + 1)) {
    return isLabel(at, bracket) ? bracket.close + 3 : undefined;
  }
  if (after !== undefined) return isLabel(bracket.close + 1, after) ? after.close + 1 : undefined;
  return isLabel(at, bracket) ? bracket.close + 1 : undefined;

  function isLabel(open: number, pair: { close: number; nested: boolean }): boolean {
    if (pair.nested || pair.close - open > LONGEST_LABEL) return false;
    return labels.has(normaliseLabel(source.slice(open + 1, pair.close)));
  }
}

type Run = { at: number; left: number };

/** Pairs runs of `*`, `_` and `~~` and marks the paired ones; a lone `*` stays a star. */
function markEmphasis(source: string, bare: readonly number[], markup: Map<number, Markup>): void {
  const open: Record<string, Run[]> = { '*': [], _: [], '~': [] };
  let linkEnd = 0;
  for (let i = 0; i < bare.length;) {
    const at = bare[i]!;
    const link = markup.get(at) ?? markup.get(at - 1);
    // Underscores in the target of a link are not emphasis.
    if (link !== undefined && link.end > at) linkEnd = Math.max(linkEnd, link.end);
    const stack = open[source.charAt(at)];
    if (stack === undefined || at < linkEnd) {
      i++;
      continue;
    }
    let length = 1;
    while (bare[i + length] === at + length && source[at + length] === source[at]) length++;
    i += length;
    readRun(source, { at, left: length }, stack, markup);
  }
}

function readRun(source: string, run: Run, stack: Run[], markup: Map<number, Markup>): void {
  const end = run.at + run.left;
  if (source[run.at] === '~' && run.left !== 2) return;
  const before = source.charAt(run.at - 1);
  const after = source.charAt(end);
  const inWord = isWordUnit(before) && isWordUnit(after);
  // `snake_case`, `a*b` and `2**3` are not emphasis; `un**believ**able` is.
  if (inWord && (source[run.at] === '_' || run.left === 1 || /\d/.test(before + after))) return;
  if (before.trim() !== '') {
    while (run.left > 0 && stack.length > 0) {
      const opener = stack.at(-1)!;
      const paired = Math.min(opener.left, run.left);
      opener.left -= paired;
      markup.set(opener.at + opener.left, { end: opener.at + opener.left + paired, clings: 'after' });
      markup.set(end - run.left, { end: end - run.left + paired, clings: 'before' });
      run.left -= paired;
      if (opener.left === 0) stack.pop();
    }
  }
  // What is left of a run that closed something is not used again: its place is no longer its start.
  if (run.left === end - run.at && after.trim() !== '') stack.push(run);
}

function isWordUnit(char: string): boolean {
  return /[\p{L}\p{N}_]/u.test(char);
}

function isEscaped(source: string, at: number): boolean {
  let slashes = 0;
  while (source[at - 1 - slashes] === '\\') slashes++;
  return (slashes & 1) === 1;
}

function matchAt(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(source);
}
