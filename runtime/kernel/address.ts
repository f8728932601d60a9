/**
 * Addresses: where an actor lives. `order/42` is the root actor `42` of the name `order`, `order/42/payment` its child
 * `payment`, and so on. An id may hold any text; a slash or percent sign in it is written `%2F` or `%25`.
 */

/** The address of a root actor. */
export function rootAddress(name: string, id: string): string {
  return `${segment(name)}/${segment(id)}`;
}

/** The address of a child. */
export function childAddress(parent: string, id: string): string {
  return `${parent}/${segment(id)}`;
}

/** The root actor that an address belongs to: its first two segments. */
export function rootOf(address: string): string {
  const end = address.indexOf('/', address.indexOf('/') + 1);
  return end === -1 ? address : address.slice(0, end);
}

/** The ids along an address, from the name down. */
export function segmentsOf(address: string): string[] {
  return address.split('/').map((part) => part.replaceAll('%2F', '/').replaceAll('%25', '%'));
}

/** What is wrong with an id, or undefined. */
export function badId(id: unknown): string | undefined {
  if (typeof id !== 'string') return `must be a string, but is ${id === null ? 'null' : `a ${typeof id}`}`;
  if (id === '') return 'must not be empty';
  if (!id.isWellFormed()) return 'has a lone surrogate';
  return undefined;
}

// Most ids have neither character; testing costs less than replacing.
const SPECIAL = /[%/]/;

function segment(id: string): string {
  return SPECIAL.test(id) ? id.replaceAll('%', '%25').replaceAll('/', '%2F') : id;
}
