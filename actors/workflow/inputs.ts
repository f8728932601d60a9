/**
 * What a node is given: what its declaration says of it, as functions of the outputs that it needs and of the run.
 */
import type { Mapper, Outputs, RunView, WorkNode } from '../../machines/workflow/graph.ts';
import { isTask } from './declaration.ts';
import type { Body, CallOptions, Constant, GateOptions, LoopOptions, TaskOptions } from './declaration.ts';
import { needOf } from './need.ts';
import { isReference, valueAt } from './reference.ts';
import type { Reference } from './reference.ts';

export function inputOf({
  input,
  needs = [],
}: TaskOptions | GateOptions | LoopOptions | CallOptions): Mapper {
  if (typeof input === 'function') return input as Mapper;
  if (input !== undefined) return (outputs, view) => partsOf(input as Parts, outputs, view);
  const needed = needs.map((need) => needOf(need).node);
  if (needed.length === 0) return (_, { input: given }) => given as unknown;
  return needed.length === 1 ? (outputs) => outputs[needed[0]!] as unknown : (outputs) => ({ ...outputs });
}

type Parts = Readonly<Record<string, Reference | Mapper | Constant>>;

const partsOf = (parts: Parts, outputs: Outputs, view: RunView): unknown =>
  Object.fromEntries(Object.entries(parts).map(([key, part]) => [key, partOf(part, outputs, view)]));

function partOf(part: Parts[string], outputs: Outputs, view: RunView): unknown {
  if (typeof part === 'function') return part(outputs, view);
  if (!isReference(part)) return part;
  const { node, pointer } = part;
  if (node === undefined) return valueAt(view.input, pointer);
  if (!Object.hasOwn(outputs, node)) throw new RangeError(`there is no output of '${node}'`);
  return valueAt(outputs[node], pointer);
}

/** Those values that are asked for, and no others. */
export function picking(names: readonly string[]): Mapper<Readonly<Record<string, unknown>>> {
  return (outputs, { input }) =>
    Object.fromEntries(
      names.flatMap((name) => {
        if (name === 'input') return [[name, input as unknown]];
        return Object.hasOwn(outputs, name) ? [[name, outputs[name] as unknown]] : [];
      }),
    );
}

export function valuesOfBody(body: Body): WorkNode['values'] {
  const { context } = isTask(body) ? body.options : {};
  return context === undefined ? () => ({}) : picking(context);
}

/** An input that somebody must be able to take. */
export function taken(input: Mapper, checkInput: (input: unknown) => void): Mapper {
  return (outputs, view) => {
    const made = input(outputs, view);
    checkInput(made);
    return made;
  };
}
