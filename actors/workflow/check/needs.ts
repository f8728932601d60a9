/**
 * What a node needs, when that is enough, and what it means where it fails.
 */
import { ask, NotKept } from '../asked.ts';
import { inOrder } from '../order.ts';
import type { Check } from './check.ts';
import { isOnly, isRecord, isText, listed } from './given.ts';
import type { Node, Options } from './given.ts';

export function checkNeeds(
  check: Check,
  name: string,
  { options, place }: Node,
  nodes: ReadonlyMap<string, Node>,
): void {
  const { needs = [] } = options;
  if (!Array.isArray(needs)) return check.fail(`${place}/needs`, 'must be a list of names');
  const seen = new Set<string>();
  for (const [index, need] of needs.entries()) {
    const at = `${place}/needs/${index}`;
    const text: unknown = isRecord(need) ? need['node'] : need;
    if (typeof text !== 'string') {
      check.fail(at, "must be a name, or { node, onError: 'skip', 'absent' or { value } }");
      continue;
    }
    if (isRecord(need)) {
      check.fields(at, need, ['node', 'onError']);
      if (!isEdgePolicy(need['onError']))
        check.fail(`${at}/onError`, "must be 'skip', 'absent' or { value }");
      checkValue(check, `${at}/onError`, need['onError']);
    }
    if (seen.has(text)) check.fail(at, `needs '${text}' twice`);
    seen.add(text);
    checkNeed(check, at, text, name, nodes);
  }
}

function checkNeed(
  check: Check,
  at: string,
  text: string,
  name: string,
  nodes: ReadonlyMap<string, Node>,
): void {
  const dot = text.indexOf('.');
  const [needed, arm] = dot === -1 ? [text, undefined] : [text.slice(0, dot), text.slice(dot + 1)];
  if (needed === name) return check.fail(at, 'needs itself');
  const other = nodes.get(needed);
  if (other === undefined)
    return check.fail(at, `needs '${needed}', which is none of ${listed([...nodes.keys()])}`);
  if (arm === undefined) return;
  const arms =
    other.kind === 'branch' && isRecord(other.options['arms']) ? Object.keys(other.options['arms']) : [];
  if (other.kind !== 'branch') check.fail(at, `needs an arm of '${needed}', which is no branch`);
  else if (!arms.includes(arm))
    check.fail(at, `needs the arm '${arm}' of '${needed}', which has ${listed(arms)}`);
}

export function checkJoin(check: Check, { options, place }: Node): void {
  const { join, needs = [], joinWithin, losers } = options;
  const count = Array.isArray(needs) ? needs.length : 0;
  if (isRecord(join)) {
    const { atLeast } = join;
    if (!isOnly(join, 'atLeast') || !Number.isSafeInteger(atLeast) || (atLeast as number) < 1)
      check.fail(`${place}/join`, 'must be { atLeast } with a whole number from 1 on');
    else if ((atLeast as number) > count)
      check.fail(`${place}/join/atLeast`, `asks for ${String(atLeast)} of ${count}: it would never begin`);
  } else check.oneOf(`${place}/join`, join, ['all', 'any', 'first-success']);
  if (count === 0)
    for (const [name, given] of Object.entries({ join, joinWithin, losers }))
      if (given !== undefined) check.fail(`${place}/${name}`, 'joins nothing: it needs nobody');
  check.duration(`${place}/joinWithin`, joinWithin);
  check.oneOf(`${place}/losers`, losers, ['cancel', 'keep']);
}

export function checkOnError(check: Check, { kind, options, place }: Node): void {
  const { onError } = options;
  if (onError === undefined || onError === 'fail' || onError === 'compensate') return;
  if (isEdgePolicy(onError)) return checkValue(check, `${place}/onError`, onError);
  const escalates = isRecord(onError) && isOnly(onError, 'escalateTo') && isText(onError['escalateTo']);
  if (escalates && kind === 'task') return;
  if (escalates) return check.fail(`${place}/onError`, 'escalates, which only tasks can');
  check.fail(
    `${place}/onError`,
    "must be 'fail', 'compensate', 'skip', 'absent', { value } or { escalateTo: role }",
  );
}

const isEdgePolicy = (value: unknown): boolean =>
  value === 'skip' || value === 'absent' || (isRecord(value) && isOnly(value, 'value'));

/** What is given in the place of an output must be such that it can be kept, as an output is. */
function checkValue(check: Check, place: string, onError: unknown): void {
  if (!isRecord(onError)) return;
  try {
    ask(() => onError['value']);
  } catch (error) {
    if (!(error instanceof NotKept)) throw error;
    for (const { pointer, detail } of error.problems) check.fail(`${place}/value${pointer.slice(1)}`, detail);
  }
}

/** The nodes that a node needs. */
export function neededIn({ needs = [] }: Options): readonly string[] {
  if (!Array.isArray(needs)) return [];
  return needs.flatMap((need: unknown) => {
    const text = isRecord(need) ? need['node'] : need;
    return typeof text === 'string' ? [text.split('.', 1)[0]!] : [];
  });
}

/** A node that, by way of what it needs, needs itself. */
export function checkOrder(check: Check, nodes: ReadonlyMap<string, Node>): void {
  const neededBy = (name: string): readonly string[] =>
    neededIn(nodes.get(name)!.options).filter((needed) => needed !== name && nodes.has(needed));
  inOrder([...nodes.keys()], neededBy, (circle) =>
    check.fail(
      `${nodes.get(circle[0]!)!.place}/needs`,
      `is a circle: ${circle.toReversed().join(' → ')}. For what is done again there is loop(…)`,
    ),
  );
}
