/**
 * Text as Markdown that shows that text: backslash escapes as in CommonMark 0.31, section 2.4, set only where a
 * mark could be taken for markup, so that the report also reads well unrendered.
 *
 * Text is as `inline.ts` reads it: code spans keep their backticks, and stay code.
 */
import { findCode } from './inline.ts';

const ENTITY_AHEAD = /^&(?:[a-zA-Z][a-zA-Z\d]*|#\d+|#[xX][\da-fA-F]+);/;
const TAG_AHEAD = /^<[a-zA-Z/!?]/;
const PUNCTUATION = /[!-/:-@[-`{-~]/;
const WORD_UNIT = /[\p{L}\p{N}_]/u;

/** One line of Markdown that shows `text`. */
export function escapeInline(text: string): string {
  const line = oneLine(text);
  const code = findCode(line, 'no escapes');
  let escaped = '';
  for (let at = 0; at < line.length;) {
    const end = code.get(at);
    escaped += end === undefined ? escapeMark(line, at) : line.slice(at, end);
    at = end ?? at + 1;
  }
  return escapeStart(escaped);
}

/** The same for a cell of a table, where a bar ends the cell, even in code. */
export function escapeCell(text: string): string {
  return escapeInline(text).replaceAll('|', '\\|');
}

/** `text` as a code span, to the letter. */
export function codeSpan(text: string): string {
  const line = oneLine(text);
  const longest = (line.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 0);
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `${fence}${line}${fence}` : `${fence} ${line} ${fence}`;
}

/** The same for a cell of a table. */
export function codeCell(text: string): string {
  return codeSpan(text).replaceAll('|', '\\|');
}

function escapeMark(line: string, at: number): string {
  const char = line.charAt(at);
  return isMarkup(line, at) ? `\\${char}` : char;
}

function isMarkup(line: string, at: number): boolean {
  const next = line.charAt(at + 1);
  switch (line[at]) {
    case '*':
    case '`':
    case '[':
    case ']':
    case '~':
      return true;
    case '_':
      // `snake_case` needs none.
      return !(WORD_UNIT.test(line.charAt(at - 1)) && WORD_UNIT.test(next));
    case '\\':
      return next === '' || PUNCTUATION.test(next);
    case '<':
      return TAG_AHEAD.test(line.slice(at, at + 2));
    case '&':
      return ENTITY_AHEAD.test(line.slice(at, at + 40));
    default:
      return false;
  }
}

/** What would begin a heading, a quote, a list, or a rule. */
function escapeStart(line: string): string {
  return line.replace(/^(\d{1,9})([.)])(?=\s|$)/, '$1\\$2').replace(/^[#>+=:|-]/, '\\$&');
}

/** Line breaks and other control characters would end the line, or not be seen. */
function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}
