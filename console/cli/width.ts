/**
 * How wide a text is on a terminal, and texts cut to a width. Knows wide characters (CJK, emoji) and those that take no room;
 * the texts are inert already, so there are no controls in them.
 */
import { eastAsianWidth } from 'get-east-asian-width';

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Texts that take a column each: nearly all there are. */
const PLAIN = /^[\x20-\x7e]*$/;
const EMOJI = /\p{Emoji_Presentation}|\uFE0F/u;
const MARKS_ALONE = /^\p{M}+$/u;

export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += widthOfGrapheme(segment);
  return width;
}

function widthOfGrapheme(grapheme: string): number {
  if (EMOJI.test(grapheme)) return 2;
  if (MARKS_ALONE.test(grapheme)) return 0;
  return eastAsianWidth(grapheme.codePointAt(0)!);
}

/** As much of a text as fits, with `…` where something is missing. */
export function cut(text: string, columns: number): string {
  if (columns <= 0) return '';
  // Most are short, or their characters say at once that they fit.
  if (text.length * 2 <= columns || widthOf(text) <= columns) return text;
  let width = 0;
  let kept = '';
  for (const { segment } of graphemes.segment(text)) {
    width += widthOfGrapheme(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

export function padded(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, columns - widthOf(text)));
  return align === 'left' ? text + space : space + text;
}
