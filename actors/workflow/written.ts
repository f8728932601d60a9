/**
 * What was written: of a workflow that stands in a file, the file as data and its hash. Functions that are made of expressions all look
 * the same in the code of a machine, so what was written stands beside them; whoever compares versions finds the difference there.
 */
import { hashOf } from '../schema/digest.ts';
import { isRecord } from '../schema/plain.ts';

export interface Definition {
  /** SHA-256 of what is said: the same for the same content, however it is laid out. */
  readonly hash: string;
  readonly content: unknown;
}

const nodes = new WeakMap<object, unknown>();
const workflows = new WeakMap<object, Definition>();

export const definitionFrom = (content: unknown): Definition => ({ hash: hashOf(ordered(content)), content });

/** With lists for what is asked or begun in the order in which it is written, which is a part of what it says. */
function ordered(content: unknown): unknown {
  if (!isRecord(content) || !isRecord(content['tasks'])) return content;
  const tasks = Object.entries(content['tasks']).map(([name, node]) => {
    if (!isRecord(node) || !isRecord(node['arms'])) return [name, node];
    return [name, { ...node, arms: Object.entries(node['arms']) }];
  });
  return { ...content, tasks };
}

/** Says how a node was written. */
export function writeNode<TNode extends object>(node: TNode, content: unknown): TNode {
  nodes.set(node, content);
  return node;
}

/** How a node was written; undefined where it was written in code. */
export const writtenNode = (node: object): unknown => nodes.get(node);

/** Says how the options of a workflow were written. */
export function writeWorkflow<TOptions extends object>(options: TOptions, definition: Definition): TOptions {
  workflows.set(options, definition);
  return options;
}

export const writtenWorkflow = (options: object): Definition | undefined => workflows.get(options);
