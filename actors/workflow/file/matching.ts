/**
 * Patterns of expressions, in the syntax of RE2, as CEL has it: whatever the pattern and the text, it takes a time that grows with the text
 * alone. Those of JavaScript may take forever, and the system would stand still for as long.
 */
import { RE2JS } from 're2js';

/** What users say as `matches`, and cannot say themselves. */
export const MATCHES = 'matchesInLinearTime';

/** Patterns may come from data. */
const MOST_KEPT = 256;
const kept = new Map<string, RE2JS>();

/** Whether a pattern is somewhere in a text. @throws SyntaxError */
export function isIn(text: string, pattern: string): boolean {
  return patternOf(pattern).matcher(text).find();
}

/** What is wrong with a pattern; undefined where nothing is. */
export function problemOfPattern(pattern: string): string | undefined {
  try {
    patternOf(pattern);
    return undefined;
  } catch (error) {
    return (error as SyntaxError).message;
  }
}

function patternOf(text: string): RE2JS {
  const known = kept.get(text);
  if (known !== undefined) return known;
  const pattern = compiled(text);
  if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value!);
  kept.set(text, pattern);
  return pattern;
}

function compiled(text: string): RE2JS {
  try {
    return RE2JS.compile(text);
  } catch (error) {
    throw new SyntaxError(`has no pattern of RE2 in matches: ${(error as Error).message}`, { cause: error });
  }
}
