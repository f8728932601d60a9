/**
 * What of a workflow is rehearsed: all of it, without what reaches out of it. Actors that it calls and that are no workflows are not
 * started, accounts above its own are not asked, and nothing is verified, since nothing that stubs say is true.
 */
import { fromPromise } from 'xstate';
import type { AnyActorLogic } from 'xstate';
import { isTask } from '../workflow/declaration.ts';
import type { AnyDeclaration, Body, TaskDeclaration } from '../workflow/declaration.ts';
import type { AnyWorkflowOptions } from '../workflow/graph.ts';
import { declarationOf, workflowOf } from '../workflow/workflow.ts';
import type { WorkflowMachine } from '../workflow/workflow.ts';

/** The workflow as it is rehearsed. */
export const scriptOf = (options: AnyWorkflowOptions): WorkflowMachine => workflowOf(scripted(options));

function scripted({ budget, tasks, ...options }: AnyWorkflowOptions): AnyWorkflowOptions {
  return {
    ...options,
    ...(budget !== undefined && { budget: { ...budget, within: [] } }),
    tasks: Object.fromEntries(Object.entries(tasks).map(([name, node]) => [name, nodeOf(node)])),
  };
}

function nodeOf(node: AnyDeclaration): AnyDeclaration {
  switch (node.kind) {
    case 'task':
      return taskOf(node);
    case 'map':
      return { ...node, options: { ...node.options, each: bodyOf(node.options.each) } };
    case 'loop':
      return { ...node, options: { ...node.options, body: bodyOf(node.options.body) } };
    case 'call':
      return { ...node, options: { ...node.options, workflow: scriptIn(node.options.workflow) ?? CALLED } };
    default:
      return node;
  }
}

function taskOf({ kind, options }: TaskDeclaration): TaskDeclaration {
  const { verify: _, ...rest } = options;
  return { kind, options: rest };
}

const bodyOf = (body: Body): Body => (isTask(body) ? taskOf(body) : scriptIn(body)!);

/** Undefined of what is no workflow. */
function scriptIn(logic: AnyActorLogic): WorkflowMachine | undefined {
  const options = declarationOf(logic);
  return options && scriptOf(options);
}

/** Stands for an actor that is called: is done at once, with any object. */
const CALLED = fromPromise(() => Promise.resolve({}));
