/**
 * Long texts in pieces, each of which fits into a line of the protocol. A character is never cut in two: each piece can be written
 * on its own.
 */
import { PIECE_CHARS } from './protocol.ts';

export function* piecesOf(text: string, length: number = PIECE_CHARS): Generator<string> {
  for (let from = 0; from < text.length;) {
    let end = Math.min(from + length, text.length);
    if (end < text.length && isFirstHalf(text.charCodeAt(end - 1))) end--;
    yield text.slice(from, end);
    from = end;
  }
}

/** Of a character that takes two units. */
const isFirstHalf = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
