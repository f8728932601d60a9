/**
 * Texts from payloads made inert: whatever could move the cursor, colour the screen, reverse the line or hide in it is written
 * as an escape that can be read. Everything that is shown to a person and did not come from this program goes through here.
 */

/**
 * Control characters (with escape, newline and tab), formatting characters (bidirectional overrides, zero widths, soft hyphens,
 * tags), separators of lines and paragraphs, and halves of characters.
 */
const ACTIVE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A text that can do nothing but be read, on one line. */
export function inert(text: string): string {
  return text.replace(ACTIVE, (character) => SHORT[character] ?? escaped(character.codePointAt(0)!));
}

/** The same, line by line: for what is written in lines, like an explanation. */
export function inertLines(text: string): readonly string[] {
  return text.split('\n').map(inert);
}

/** JSON that means the same, and can do nothing on a terminal either. */
export function inertJson(json: string): string {
  return json.replace(ACTIVE, (character) =>
    character
      .split('')
      .map((half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

function escaped(codePoint: number): string {
  const hex = codePoint.toString(16);
  return codePoint < 256 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
}
