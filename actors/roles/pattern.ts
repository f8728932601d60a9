/**
 * Patterns: a text in which each `*` stands for any text, also for none and over slashes. Matching takes time that grows with the
 * text and not beyond: what is matched comes from outside.
 */

export type Pattern = (text: string) => boolean;

export function patternOf(pattern: string): Pattern {
  const [first, ...others] = pattern.split('*');
  const last = others.pop();
  if (last === undefined) return (text) => text === pattern;
  return (text) => {
    if (!text.startsWith(first!)) return false;
    let at = first!.length;
    for (const part of others) {
      const found = text.indexOf(part, at);
      if (found === -1) return false;
      at = found + part.length;
    }
    return text.length - last.length >= at && text.endsWith(last);
  };
}

export const isPattern = (text: string): boolean => text.includes('*');
