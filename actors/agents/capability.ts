/**
 * Capabilities: what an agent says it can do, and what a task asks for. `credit.assess@2` is version 2 of `credit.assess`, which is a
 * part of `credit`.
 *
 * The rule. An agent's capability without a version is version 1. A request satisfied by it
 *   - with a version names the same capability and the same version: versions are different contracts, and none replaces another;
 *   - without a version names it, or anything it is a part of: `credit` is satisfied by `credit.assess@2`, not by `credits`.
 * Of several that satisfy a request the nearest comes first: the one that is named before its parts, then the highest version.
 */
interface Capability {
  readonly path: readonly string[];
  /** Undefined in a request that takes any. */
  readonly version: number | undefined;
}

const GRAMMAR = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(@[1-9]\d{0,8})?$/;

/** What is wrong with a capability, or a request for one; undefined when nothing is. */
export function problemOfCapability(text: unknown): string | undefined {
  return typeof text === 'string' && GRAMMAR.test(text)
    ? undefined
    : "must be names with dots between them, and a version if there is one: 'credit.assess@2'";
}

/** @param text that has no problem */
export function capabilityOf(text: string): Capability {
  const [path = '', version] = text.split('@');
  return { path: path.split('.'), version: version === undefined ? undefined : Number(version) };
}

/** Whether an agent's capability satisfies a request. */
export function satisfies(capability: string, request: string): boolean {
  const [own, asked] = [capabilityOf(capability), capabilityOf(request)];
  if (!asked.path.every((name, i) => own.path[i] === name)) return false;
  if (asked.version === undefined) return true;
  return own.path.length === asked.path.length && (own.version ?? 1) === asked.version;
}

/** Those of some capabilities that satisfy a request, the nearest first. */
export function satisfying(capabilities: readonly string[], request: string): string[] {
  return capabilities.filter((capability) => satisfies(capability, request)).sort(byNearness);
}

function byNearness(some: string, other: string): number {
  const [a, b] = [capabilityOf(some), capabilityOf(other)];
  const nearer = a.path.length - b.path.length || (b.version ?? 1) - (a.version ?? 1);
  if (nearer !== 0) return nearer;
  return some < other ? -1 : Number(some > other);
}
