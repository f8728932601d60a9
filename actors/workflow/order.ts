/**
 * Order: names, each behind what it needs. It goes as deep as there are names, so it keeps a list of its own of where it is.
 */

/** A name that is looked at, and what of its needs is still to be. */
interface Open {
  readonly name: string;
  readonly needed: Iterator<string>;
}

/**
 * @param neededBy what a name needs, among the names
 * @param onCircle is told of each circle: the names from one that is needed to itself
 */
export function inOrder(
  names: readonly string[],
  neededBy: (name: string) => readonly string[],
  onCircle: (names: readonly string[]) => void = () => {},
): readonly string[] {
  const order = new Set<string>();
  const path: Open[] = [];
  const onPath = new Set<string>();
  const enter = (name: string): void => {
    if (order.has(name)) return;
    if (onPath.has(name)) return onCircle([...circleIn(path, name), name]);
    onPath.add(name);
    path.push({ name, needed: neededBy(name).values() });
  };
  for (const name of names) {
    enter(name);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const next = top.needed.next();
      if (next.done !== true) {
        enter(next.value);
        continue;
      }
      path.pop();
      onPath.delete(top.name);
      order.add(top.name);
    }
  }
  return [...order];
}

const circleIn = (path: readonly Open[], name: string): readonly string[] =>
  path.slice(path.findIndex((one) => one.name === name)).map((one) => one.name);
