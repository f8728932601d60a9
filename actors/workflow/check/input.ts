/**
 * What a node is given, and what it may know besides: of nodes that it needs.
 */
import { problemOfPointer } from '../../../machines/values/json-pointer.ts';
import { plainCopyOf } from '../../schema/plain.ts';
import { isReference } from '../reference.ts';
import type { Reference } from '../reference.ts';
import type { Check } from './check.ts';
import { holdsReference, inPointer, isNames, isRecord, listed } from './given.ts';
import type { Node } from './given.ts';
import { neededIn } from './needs.ts';

export function checkInput(check: Check, { options, place }: Node, nodes: ReadonlyMap<string, Node>): void {
  const { input } = options;
  if (input === undefined || typeof input === 'function') return;
  if (!isRecord(input))
    return check.fail(
      `${place}/input`,
      'must be a function, or an object of from(…), functions and constants',
    );
  const needed = neededIn(options);
  for (const [key, part] of Object.entries(input)) {
    const at = `${place}/input/${inPointer(key)}`;
    if (isReference(part)) checkReference(check, at, part, needed, nodes);
    else if (typeof part !== 'function') checkConstant(check, at, part);
  }
}

function checkConstant(check: Check, at: string, constant: unknown): void {
  if (holdsReference(constant)) return check.fail(at, 'must be from(…), a function, or a constant in JSON');
  const plain = plainCopyOf(constant);
  if (plain.ok) return;
  for (const { pointer, detail } of plain.problems) check.fail(`${at}${pointer.slice(1)}`, detail);
}

function checkReference(
  check: Check,
  at: string,
  { node, pointer }: Reference,
  needed: readonly string[],
  nodes: ReadonlyMap<string, Node>,
): void {
  const wrong = problemOfPointer(pointer);
  if (wrong !== undefined) return check.fail(at, `is from a place that ${wrong}`);
  if (node === undefined || needed.includes(node)) return;
  const hint = nodes.has(node) ? `add it to needs` : `there is ${listed([...nodes.keys()])}`;
  check.fail(at, `takes from the node '${node}', which it does not need: ${hint}`);
}

export function checkContext(
  check: Check,
  place: string,
  context: unknown,
  needed: readonly string[],
  nodes: ReadonlyMap<string, Node>,
): void {
  if (context === undefined) return;
  if (!isNames(context))
    return check.fail(place, "must be a list: 'input', and names of nodes that it needs");
  for (const [index, name] of context.entries())
    if (name !== 'input' && !needed.includes(name))
      check.fail(
        `${place}/${index}`,
        nodes.has(name) ? `is '${name}', which it does not need` : `is '${name}', which is no node`,
      );
}
