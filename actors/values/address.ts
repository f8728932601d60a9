/**
 * Addresses as users write them in options: whether an actor can live there at all. Whether one does is known when it is asked.
 */

/** Why no actor can have an address; undefined where one can. */
export function problemOfAddress(given: unknown): string | undefined {
  if (typeof given !== 'string') return 'must be an address, such as budget/acme';
  const problem = problemOfParts(given, /%(?!2F|25)/);
  if (problem !== undefined || given.includes('/')) return problem;
  return `must be an address of two parts at least, such as budget/acme: '${given}' is only one`;
}

/** The same of a pattern, in which `*` stands for any text, slashes too. */
export function problemOfAddressPattern(pattern: string): string | undefined {
  return pattern.includes('*') ? problemOfParts(pattern, /%(?!2F|25|\*|2\*)/) : problemOfAddress(pattern);
}

function problemOfParts(address: string, badPercent: RegExp): string | undefined {
  if (!address.isWellFormed()) return 'must be an address, and has half a character';
  if (address.split('/').includes(''))
    return `must be an address, such as budget/acme: '${address}' has an empty part`;
  return badPercent.test(address)
    ? `must be an address: in '${address}' a percent sign is written %25, and a slash within a part %2F`
    : undefined;
}
