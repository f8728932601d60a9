/**
 * What all nodes can read and write, and who writes it.
 */
import { problemOfPointer } from '../../../machines/values/json-pointer.ts';
import type { Reducer } from '../../../machines/workflow/graph.ts';
import { INITIAL, reduced, REDUCERS } from '../../../machines/workflow/reducer.ts';
import { ask } from '../asked.ts';
import type { Check } from './check.ts';
import { inPointer, isName, isRecord, listed, TAKEN } from './given.ts';
import type { Node, Options } from './given.ts';

export function checkShared(check: Check, shared: unknown): void {
  if (shared === undefined) return;
  if (!isRecord(shared)) return check.fail('#/shared', 'must be an object: { findings: { reduce: … } }');
  for (const [name, option] of Object.entries(shared)) {
    const at = `#/shared/${inPointer(name)}`;
    if (!isName(name) || TAKEN.has(name)) check.fail(at, 'must have another name');
    if (!isRecord(option)) check.fail(at, 'must be { reduce, initial }');
    else {
      check.fields(at, option, ['reduce', 'initial']);
      check.oneOf(`${at}/reduce`, option['reduce'], REDUCERS);
      const wrong = problemOfInitial(option);
      if (wrong !== undefined) check.fail(`${at}/initial`, wrong);
    }
  }
}

/** What it begins with must be such that something can be written to it, and that it can be kept. */
function problemOfInitial({ reduce = 'last', initial }: Options): string | undefined {
  if (initial === undefined || !REDUCERS.includes(reduce as Reducer)) return undefined;
  try {
    ask(() => reduced(reduce as Reducer, initial, INITIAL[reduce as Reducer]));
    ask(() => initial);
    return undefined;
  } catch (error) {
    return `cannot be what it begins with: ${(error as Error).message}`;
  }
}

/** Several that write under one name must say how that becomes one. */
export function checkWriters(check: Check, nodes: ReadonlyMap<string, Node>, shared: Options): void {
  const writers = new Map<string, string>();
  for (const [name, { options, place }] of nodes) {
    const { writes = {} } = options;
    if (!isRecord(writes)) {
      check.fail(
        `${place}/writes`,
        'must be an object: { findings: (output) => … } or { findings: pointer }',
      );
      continue;
    }
    for (const [key, pick] of Object.entries(writes)) {
      const at = `${place}/writes/${inPointer(key)}`;
      if (typeof pick !== 'function' && problemOfPointer(pick) !== undefined)
        check.fail(at, 'must be a function of the output, or a JSON pointer into it');
      const rule = shared[key];
      if (!isRecord(rule)) {
        check.fail(
          at,
          `writes '${key}', which is not among shared: ${listed(Object.keys(shared)) || 'nothing is'}`,
        );
        continue;
      }
      const before = writers.get(key);
      if (before !== undefined && (rule['reduce'] ?? 'last') === 'last')
        check.fail(at, `writes '${key}', which '${before}' writes too: say how the two become one in shared`);
      writers.set(key, name);
    }
  }
}
