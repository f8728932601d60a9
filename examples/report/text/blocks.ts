/**
 * The blocks of a document: headings, paragraphs, list items, each as the line ranges its words stand in.
 *
 * Markdown follows the block structure of CommonMark 0.31 (sections 4 and 5) with GitHub's tables and front
 * matter, read line by line in one pass. What is not prose is left out: code (fenced, indented, `<pre>`), tables,
 * HTML comments, front matter, link definitions, thematic breaks. Deliberate simplifications, where CommonMark
 * would keep a tree and we only need to know where prose stands: quotes and lists are peeled off, not nested; an
 * HTML block is read as prose with tags (`inline.ts` drops them), since READMEs put prose into `<p>` and `<details>`.
 *
 * Plain text knows blank lines, list markers and underlined headings only.
 *
 * Offsets are UTF-16 code units into the document. Time is linear in the length of the text.
 */
export type Span = { start: number; end: number };

/** `start` is the beginning of the block's first line; `lines` are the trimmed ranges that hold its words. */
export type Block = { kind: 'heading' | 'prose' | 'item'; level: number; start: number; lines: Span[] };

/** `labels` are the link labels the document defines, normalised by `normaliseLabel`. */
export type Layout = { blocks: Block[]; labels: ReadonlySet<string>; frontMatterTitle?: string };

export type Format = 'markdown' | 'plain';

const TAB_COLUMNS = 4;
const CODE_INDENT_COLUMNS = 4;
/** CommonMark takes any paragraph before `---` as a heading; people also write `---` as a rule below a paragraph. */
const LONGEST_UNDERLINED_HEADING = 200;

const LIST_MARKER = /(?:[-*+]|\d{1,9}[.)])(?=[ \t]|$)/y;
const TASK_BOX = /\[[ xX]\][ \t]+/y;
const HEADING_MARKER = /#{1,6}(?=[ \t]|$)/y;
const FENCE = /`{3,}|~{3,}/y;
const LINK_DEFINITION = /\[([^[\]]{1,999})\]:/y;
const HTML_HEADING = /<h([1-6])(?:\s[^<>]*)?>/iy;
const HTML_CLOSED_BLOCK = /<(pre|script|style|textarea|table|svg)(?=[\s>]|$)/iy;
const HTML_BLOCK_TAG =
  /<\/?(?:p|div|details|summary|center|[uod]l|li|d[td]|hr|section|header|footer|h[1-6]|blockquote)(?=[\s/>]|$)/iy;
const HTML_DECLARATION = /<[?!](?!--)/y;
/** The first line of a GitHub alert: `> [!NOTE]`. */
const ALERT = /\[!\w{1,20}\]/y;

/** What is being left out, line by line, until it ends. */
type Skip =
  | { what: 'fence'; mark: string; length: number; quoted: boolean }
  | { what: 'comment' }
  | { what: 'table' }
  | { what: 'html'; tag: string };

type Reader = {
  text: string;
  blocks: Block[];
  labels: Set<string>;
  /** The paragraph or item that the next line may continue. */
  open: Block | undefined;
  openQuoteDepth: number;
  skip: Skip | undefined;
  /** Content columns of the list items the next line may stand in, outermost first. */
  listColumns: number[];
  afterBlank: boolean;
  /** Where each closing HTML tag, and `-->`, stands for the last time: what is never closed hides nothing. */
  lastClosingTag: ReadonlyMap<string, number>;
  lastCommentEnd: number;
};

export function normaliseLabel(label: string): string {
  return label.trim().replace(/\s+/g, ' ').toLowerCase();
}

export function readBlocks(text: string, format: Format): Layout {
  const reader: Reader = {
    text,
    blocks: [],
    labels: new Set(),
    open: undefined,
    openQuoteDepth: 0,
    skip: undefined,
    listColumns: [],
    afterBlank: true,
    lastClosingTag: closingTags(text),
    lastCommentEnd: text.lastIndexOf('-->'),
  };
  const lines = splitLines(text);
  if (format === 'plain') {
    for (const line of lines) readPlainLine(reader, line);
    return { blocks: reader.blocks, labels: reader.labels };
  }
  const front = readFrontMatter(text, lines);
  for (let i = front.lineCount; i < lines.length; i++) readLine(reader, lines[i]!, lines[i + 1]);
  const title = front.title === undefined ? {} : { frontMatterTitle: front.title };
  return { blocks: reader.blocks, labels: reader.labels, ...title };
}

function splitLines(text: string): Span[] {
  const lines: Span[] = [];
  // A byte order mark is not part of the first line.
  let start = text.startsWith('\uFEFF') ? 1 : 0;
  for (let i = start; i < text.length; i++) {
    const char = text[i];
    if (char !== '\n' && char !== '\r') continue;
    lines.push({ start, end: i });
    if (char === '\r' && text[i + 1] === '\n') i++;
    start = i + 1;
  }
  if (start < text.length) lines.push({ start, end: text.length });
  return lines;
}

function readFrontMatter(text: string, lines: readonly Span[]): { lineCount: number; title?: string } {
  const fence = lines[0] && text.slice(lines[0].start, lines[0].end).trimEnd();
  if (fence !== '---' && fence !== '+++') return { lineCount: 0 };
  let title: string | undefined;
  for (let i = 1; i < lines.length; i++) {
    const line = text.slice(lines[i]!.start, lines[i]!.end).trimEnd();
    if (line === fence || (fence === '---' && line === '...')) {
      return title ? { lineCount: i + 1, title } : { lineCount: i + 1 };
    }
    const value = /^title\s*[:=](.*)$/.exec(line)?.[1]?.trim();
    if (value !== undefined) title = value.replace(/^(["'])(.*)\1$/, '$2');
  }
  // Never closed: a thematic break, not front matter.
  return { lineCount: 0 };
}

function closingTags(text: string): ReadonlyMap<string, number> {
  const last = new Map<string, number>();
  for (const match of text.matchAll(/<\/(pre|script|style|textarea|table|svg)\b/gi)) {
    last.set(match[1]!.toLowerCase(), match.index);
  }
  return last;
}

/** One line: first the containers it stands in (quotes, lists), then what kind of leaf it is. */
function readLine(reader: Reader, line: Span, next: Span | undefined): void {
  const { text } = reader;
  const rest = reader.skip === undefined ? line.start : skipLine(reader, line);
  if (rest === undefined) return;
  const end = trimEnd(text, rest, line.end);

  let place = peelQuotes(text, rest, end);
  let quoteDepth = place.depth;
  if (place.at >= end) return blankLine(reader);
  // The other way round, a line that drops the quote mark goes on with the quoted paragraph.
  if (quoteDepth > reader.openQuoteDepth) closeOpen(reader);
  if (reader.afterBlank && !isAt(LIST_MARKER, text, place.at)) leaveLists(reader, place.columns);
  reader.afterBlank = false;

  if (isIndentedCode(reader, place.columns)) return;
  if (isRule(text, place.at, end)) return readRule(reader, place.at, end);

  let item = false;
  for (;;) {
    const marker = matchAt(LIST_MARKER, text, place.at);
    if (marker === undefined || (!item && !mayInterrupt(reader, marker))) break;
    closeOpen(reader);
    leaveLists(reader, place.columns);
    place = peelQuotes(text, place.at + marker.length, end, place.columns + marker.length);
    quoteDepth += place.depth;
    reader.listColumns.push(place.columns);
    item = true;
  }
  if (item) place.at += matchAt(TASK_BOX, text, place.at)?.length ?? 0;
  readLeaf(reader, { line, at: place.at, end, quoteDepth, item, next });
}

type Leaf = {
  line: Span;
  at: number;
  end: number;
  quoteDepth: number;
  item: boolean;
  next: Span | undefined;
};

function readLeaf(reader: Reader, leaf: Leaf): void {
  const { text } = reader;
  const { at, end } = leaf;
  if (at >= end) return;
  switch (text[at]) {
    case '`':
    case '~':
      if (openFence(reader, leaf)) return;
      break;
    case '#':
      if (readHeading(reader, leaf)) return;
      break;
    case '<':
      if (readHtml(reader, leaf)) return;
      break;
    case '[':
      if (matchAt(ALERT, text, at)?.length === end - at) return;
      if (!reader.open && readDefinition(reader, leaf)) return;
      break;
    case ':':
      // A container fence (`:::note`), as site generators use them.
      if (text.startsWith(':::', at)) return closeOpen(reader);
      break;
  }
  if (startsTable(text, at, end, leaf.next)) {
    closeOpen(reader);
    reader.skip = { what: 'table' };
    return;
  }
  addProse(reader, leaf, at);
}

function addProse(reader: Reader, { line, end, item, quoteDepth }: Leaf, at: number): void {
  const span = { start: at, end: cutComment(reader, at, end) };
  if (span.end <= span.start) return;
  if (reader.open) {
    reader.open.lines.push(span);
    return;
  }
  reader.open = { kind: item ? 'item' : 'prose', level: 0, start: line.start, lines: [span] };
  reader.openQuoteDepth = quoteDepth;
  reader.blocks.push(reader.open);
}

/** A comment that begins inside a paragraph and does not end on the same line hides the lines that follow. */
function cutComment(reader: Reader, at: number, end: number): number {
  const content = reader.text.slice(at, end);
  const open = content.lastIndexOf('<!--');
  if (open === -1 || content.includes('-->', open) || reader.lastCommentEnd < end) return end;
  if (((content.slice(0, open).match(/`/g)?.length ?? 0) & 1) === 1) return end;
  reader.skip = { what: 'comment' };
  return trimEnd(reader.text, at, at + open);
}

/** Where the line goes on after what is being skipped, or undefined if the whole line is skipped. */
function skipLine(reader: Reader, line: Span): number | undefined {
  const { text, skip } = reader;
  const content = text.slice(line.start, line.end);
  switch (skip?.what) {
    case 'fence': {
      const place = peelQuotes(text, line.start, line.end, 0, skip.quoted);
      if (skip.quoted && place.depth === 0) return stopSkipping(reader, line.start);
      const fence = matchAt(FENCE, text, place.at);
      const closes = fence?.[0] === skip.mark && fence.length >= skip.length;
      if (closes && trimEnd(text, place.at, line.end) === place.at + fence.length) reader.skip = undefined;
      return undefined;
    }
    case 'comment': {
      const close = content.indexOf('-->');
      return close === -1 ? undefined : stopSkipping(reader, line.start + close + '-->'.length);
    }
    case 'table':
      return content.includes('|') ? undefined : stopSkipping(reader, line.start);
    case 'html':
      if (new RegExp(`</${skip.tag}\\b`, 'i').test(content)) reader.skip = undefined;
      return undefined;
    default:
      return line.start;
  }
}

function stopSkipping(reader: Reader, at: number): number {
  reader.skip = undefined;
  return at;
}

function openFence(reader: Reader, { at, end, quoteDepth }: Leaf): boolean {
  const fence = matchAt(FENCE, reader.text, at);
  if (fence === undefined) return false;
  // Backticks later on the line make it inline code: ```` ```like this``` ````.
  if (fence[0] === '`' && reader.text.slice(at + fence.length, end).includes('`')) return false;
  closeOpen(reader);
  reader.skip = { what: 'fence', mark: fence.charAt(0), length: fence.length, quoted: quoteDepth > 0 };
  return true;
}

function readHeading(reader: Reader, { line, at, end }: Leaf): boolean {
  const marker = matchAt(HEADING_MARKER, reader.text, at);
  if (marker === undefined) return false;
  addHeading(reader, marker.length, line.start, [headingSpan(reader.text, at + marker.length, end)]);
  return true;
}

/** Without the space around the title and without the closing `##`. */
function headingSpan(text: string, at: number, end: number): Span {
  const start = skipSpace(text, at, end);
  let last = end;
  while (last > start && text[last - 1] === '#') last--;
  const closed = last < end && (last === start || isSpace(text[last - 1]));
  return { start, end: closed ? trimEnd(text, start, last) : end };
}

function addHeading(reader: Reader, level: number, start: number, lines: Span[]): void {
  closeOpen(reader);
  reader.listColumns = [];
  reader.blocks.push({ kind: 'heading', level, start, lines: lines.filter((span) => span.end > span.start) });
}

function readRule(reader: Reader, at: number, end: number): void {
  const { text } = reader;
  if (isUnderline(text, at, end) && underline(reader, text[at] === '=' ? 1 : 2)) return;
  closeOpen(reader);
}

/** Turns the open paragraph into a heading, if it looks like one. */
function underline(reader: Reader, level: number): boolean {
  const open = reader.open;
  if (open?.kind !== 'prose') return false;
  const length = open.lines.reduce((sum, span) => sum + span.end - span.start, 0);
  if (length > LONGEST_UNDERLINED_HEADING) return false;
  open.kind = 'heading';
  open.level = level;
  reader.listColumns = [];
  closeOpen(reader);
  return true;
}

function readDefinition(reader: Reader, leaf: Leaf): boolean {
  const { text } = reader;
  const label = matchAt(LINK_DEFINITION, text, leaf.at);
  if (label === undefined || leaf.at + label.length > leaf.end) return false;
  const name = label.slice(1, -2);
  if (!name.startsWith('^')) {
    reader.labels.add(normaliseLabel(name));
    return true;
  }
  // A footnote's text is prose, its label is not.
  const at = skipSpace(text, leaf.at + label.length, leaf.end);
  if (at < leaf.end) addProse(reader, { ...leaf, item: true }, at);
  return true;
}

function readHtml(reader: Reader, leaf: Leaf): boolean {
  const { text } = reader;
  const { line, at, end } = leaf;
  if (text.startsWith('<!--', at)) return readCommentLine(reader, leaf);
  if (isAt(HTML_DECLARATION, text, at)) return true;
  const closed = matchAt(HTML_CLOSED_BLOCK, text, at)?.slice(1).toLowerCase();
  if (closed !== undefined && (reader.lastClosingTag.get(closed) ?? -1) > at) {
    closeOpen(reader);
    if (!new RegExp(`</${closed}\\b`, 'i').test(text.slice(at, end)))
      reader.skip = { what: 'html', tag: closed };
    return true;
  }
  const heading = matchAt(HTML_HEADING, text, at);
  const close = heading === undefined ? -1 : text.slice(at, end).search(/<\/h[1-6]>/i);
  if (heading !== undefined && close >= heading.length) {
    addHeading(reader, Number(heading[2]), line.start, [{ start: at + heading.length, end: at + close }]);
    return true;
  }
  if (!isAt(HTML_BLOCK_TAG, text, at)) return false;
  closeOpen(reader);
  addProse(reader, leaf, at);
  // Text after a line of mere tags, or after a closing tag, is a paragraph of its own.
  if (text[end - 1] === '>') closeOpen(reader);
  return true;
}

function readCommentLine(reader: Reader, leaf: Leaf): boolean {
  const content = reader.text.slice(leaf.at, leaf.end);
  closeOpen(reader);
  let at = 0;
  while (content.startsWith('<!--', at)) {
    const close = content.indexOf('-->', at);
    if (close === -1) {
      if (reader.lastCommentEnd < leaf.end) return false;
      reader.skip = { what: 'comment' };
      return true;
    }
    at = skipSpace(content, close + '-->'.length, content.length);
  }
  if (at < content.length) readLeaf(reader, { ...leaf, at: leaf.at + at });
  return true;
}

function readPlainLine(reader: Reader, line: Span): void {
  const { text } = reader;
  const end = trimEnd(text, line.start, line.end);
  let at = skipSpace(text, line.start, end);
  if (at >= end) return blankLine(reader);
  if (isRule(text, at, end)) return readRule(reader, at, end);
  const marker = matchAt(LIST_MARKER, text, at);
  const item = marker !== undefined && mayInterrupt(reader, marker);
  if (item) {
    closeOpen(reader);
    at = skipSpace(text, at + marker.length, end);
  }
  if (at >= end) return;
  if (!reader.open) {
    reader.open = { kind: item ? 'item' : 'prose', level: 0, start: line.start, lines: [] };
    reader.blocks.push(reader.open);
  }
  reader.open.lines.push({ start: at, end });
}

function blankLine(reader: Reader): void {
  closeOpen(reader);
  reader.afterBlank = true;
}

function closeOpen(reader: Reader): void {
  reader.open = undefined;
}

function leaveLists(reader: Reader, columns: number): void {
  while ((reader.listColumns.at(-1) ?? 0) > columns) reader.listColumns.pop();
}

function isIndentedCode(reader: Reader, columns: number): boolean {
  return !reader.open && columns >= (reader.listColumns.at(-1) ?? 0) + CODE_INDENT_COLUMNS;
}

/** A wrapped line may begin with "2019. "; only a bullet or a list that starts with 1 interrupts a paragraph. */
function mayInterrupt({ open }: Reader, marker: string): boolean {
  return open?.kind !== 'prose' || !/^\d/.test(marker) || /^1[.)]/.test(marker);
}

function startsTable(text: string, at: number, end: number, next: Span | undefined): boolean {
  if (!text.slice(at, end).includes('|')) return false;
  if (text[at] === '|' && text[end - 1] === '|' && end - at > 1) return true;
  if (next === undefined) return false;
  const place = peelQuotes(text, next.start, next.end);
  const row = text.slice(place.at, next.end);
  return row.includes('|') && row.includes('-') && /^[\s|:-]+$/.test(row);
}

/** Skips quote marks and the space between them. `columns` is the indent of what follows the last mark. */
function peelQuotes(
  text: string,
  from: number,
  end: number,
  column = 0,
  peel = true,
): { at: number; depth: number; columns: number } {
  let at = from;
  let columns = column;
  let depth = 0;
  for (; at < end; at++) {
    const char = text[at];
    if (char === '\t') columns += TAB_COLUMNS - (columns % TAB_COLUMNS);
    else if (isSpace(char)) columns++;
    else if (char === '>' && peel && columns - column < CODE_INDENT_COLUMNS) {
      depth++;
      columns = column;
      if (text[at + 1] === ' ') at++;
    } else break;
  }
  return { at, depth, columns };
}

/** A thematic break (`***`, `- - -`), or what underlines a heading (`===`, `--`). */
function isRule(text: string, at: number, end: number): boolean {
  const mark = text.charAt(at);
  if (isUnderline(text, at, end)) return true;
  if (!'-*_'.includes(mark)) return false;
  let count = 0;
  for (let i = at; i < end; i++) {
    if (text[i] === mark) count++;
    else if (!isSpace(text[i])) return false;
  }
  return count >= 3;
}

function isUnderline(text: string, at: number, end: number): boolean {
  const mark = text[at];
  if (mark !== '=' && mark !== '-') return false;
  for (let i = at; i < end; i++) if (text[i] !== mark) return false;
  return end - at >= 2;
}

/** What a sticky pattern matches at `at`. */
function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function isAt(pattern: RegExp, text: string, at: number): boolean {
  return matchAt(pattern, text, at) !== undefined;
}

function isSpace(char: string | undefined): boolean {
  return char !== undefined && char.trim() === '' && char !== '';
}

function skipSpace(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && isSpace(text[at])) at++;
  return at;
}

function trimEnd(text: string, start: number, from: number): number {
  let end = from;
  while (end > start && isSpace(text[end - 1])) end--;
  return end;
}
