/**
 * Here: where somebody lives now. A run that was forked or imported goes on with what its original was told, and the addresses in that
 * name the original. Whole trees are moved, from one root to another, so a place in the tree is the same in both: only its root is another.
 */

/** Under Heddle a ref has an address; elsewhere there is none, and nobody moves. */
const placeOf = (self: object): string | undefined => (self as { readonly address?: string }).address;

/** The root of a tree in which there is an address: `report/7` of `report/7/research`. */
export function rootOf(address: string): string {
  const end = address.indexOf('/', address.indexOf('/') + 1);
  return end === -1 ? address : address.slice(0, end);
}

/** An id, or a name, as it was before it became a part of an address. */
export const idIn = (part: string): string => part.replaceAll('%2F', '/').replaceAll('%25', '%');

/** The ids along an address, from the name down. */
export const segmentsOf = (address: string): readonly string[] => address.split('/').map(idIn);

const isBelow = (place: string, root: string): boolean =>
  place.startsWith(root) && (place.length === root.length || place[root.length] === '/');

/** The same place in the tree of whoever asks. What stands behind an address (`~2`, `#1`) stays. */
export function hereOf(place: string, self: object): string {
  const address = placeOf(self);
  if (address === undefined) return place;
  const root = rootOf(address);
  // Nearly nobody has moved.
  return isBelow(place, root) ? place : root + place.slice(rootOf(place).length);
}

/**
 * The same for places that may be in another tree: those stay as they are.
 * @param from a place in the tree that may have moved, as it was
 */
export function movedFrom(from: string, self: object): (place: string) => string {
  const root = rootOf(from);
  return (place) => (isBelow(place, root) ? hereOf(place, self) : place);
}

/** What somebody was given to begin with, as it is now. */
export function startHere<TStart extends { readonly run: string }>(start: TStart, self: object): TStart {
  const run = hereOf(start.run, self);
  return run === start.run ? start : { ...start, run };
}
