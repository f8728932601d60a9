/**
 * JSON pointers (RFC 6901): `/sections/0/title`. The empty one is the whole.
 */

/** What is wrong with a pointer; undefined when nothing is. */
export function problemOfPointer(pointer: unknown): string | undefined {
  if (typeof pointer !== 'string') return 'must be a JSON pointer: a text';
  if (pointer !== '' && !pointer.startsWith('/')) return "must be a JSON pointer: '' or beginning with '/'";
  if (!pointer.isWellFormed()) return 'has a lone surrogate';
  if (/~(?![01])/.test(pointer)) return "has a '~' that is neither '~0' nor '~1'";
  // It is no property of any JSON that can be stored, and assigning it would do something else.
  if (keysOf(pointer).includes('__proto__')) return "must not name '__proto__'";
  return undefined;
}

/** The keys along a pointer that makes sense. */
export function keysOf(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

export function pointerTo(keys: readonly string[]): string {
  return keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** Whether a pointer is another, or lies below it. */
export function isWithin(pointer: string, above: string): boolean {
  return pointer === above || pointer.startsWith(`${above}/`);
}
