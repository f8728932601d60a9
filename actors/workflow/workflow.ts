/**
 * A workflow: what is to be done, in which order, by whom, for how much, and where people decide. It becomes an ordinary XState
 * machine, which draws in Stately and is hosted like any other. What is wrong with it is told at once, and there is no workflow.
 *
 * As it is made nobody sits in its office (`office.ts`): the system that hosts it makes it anew with its own agents.
 */
import type { AnyStateMachine, StateMachine } from 'xstate';
import type { RunEvent } from '../../machines/workflow/events.ts';
import type { RunContext } from '../../machines/workflow/progress.ts';
import { actorsOf, runMachine } from '../../machines/workflow/run.ts';
import { withActors } from '../../runtime/index.ts';
import { InvalidWorkflow } from '../errors.ts';
import { schemaOf } from '../schema/checked.ts';
import type { Checked } from '../schema/checked.ts';
import type { Inferred, SchemaLike } from '../schema/inferred.ts';
import { problemsOf } from './check.ts';
import { isTask } from './declaration.ts';
import type { AnyDeclaration, Body, Declaration, WorkflowOptions } from './declaration.ts';
import { graphOf } from './graph.ts';
import type { AnyWorkflowOptions } from './graph.ts';
import { EMPTY_OFFICE } from './office.ts';
import { orderChecksOf } from './orders.ts';
import type { OrderChecks } from './orders.ts';
import type { Office } from './office.ts';
import { writtenWorkflow } from './written.ts';
import type { Definition } from './written.ts';

interface Declared {
  readonly options: AnyWorkflowOptions;
  /** Throws what is wrong with an input. */
  readonly checkInput: (input: unknown) => void;
}

/** Of every machine that is a workflow: how it was declared. By its configuration, which all its copies share. */
const declarations = new WeakMap<object, Declared>();

/** What can be needed: nodes, and arms of branches. */
type Needable<TTasks> = {
  readonly [TName in keyof TTasks & string]:
    | TName
    | (TTasks[TName] extends { readonly armed?: infer TArm extends string } ? `${TName}.${TArm}` : never);
}[keyof TTasks & string];

/** Nodes whose needs are all there; otherwise the type says which are not. */
type WithNeeds<TTasks> = {
  readonly [TName in keyof TTasks]: TTasks[TName] extends Declaration<string, infer TNeed>
    ? [TNeed] extends [Needable<TTasks>]
      ? TTasks[TName]
      : { readonly 'needs what is not there': Exclude<TNeed, Needable<TTasks>> }
    : never;
};

/** A workflow as a machine. */
export type WorkflowMachine<TInput = unknown> = StateMachine<
  RunContext,
  RunEvent,
  // What its states and children are called is in the graph.
  // oxlint-disable typescript/no-explicit-any
  any,
  any,
  any,
  any,
  any,
  any,
  any,
  TInput,
  any,
  any,
  any,
  any
  // oxlint-enable typescript/no-explicit-any
>;

/**
 * The workflow that is declared, as a machine. Hosted under a name of `createSystem({ actors })` its runs are started with its input:
 * `system.start('report', { id: '7', input: { topic: 'tides' } })`.
 *
 * @throws InvalidWorkflow with everything that is wrong
 */
export function workflow<
  const TTasks extends Readonly<Record<string, AnyDeclaration>>,
  const TInput extends SchemaLike = true,
>(
  options: WorkflowOptions<TTasks> & {
    readonly inputSchema?: TInput;
    readonly tasks: WithNeeds<TTasks>;
  },
): WorkflowMachine<Inferred<TInput>> {
  const problems = problemsOf(options, declarationOf);
  if (problems.length > 0) throw new InvalidWorkflow(nameIn(options), problems);
  return workflowOf(options);
}

/** The machine of options that were looked at. */
export function workflowOf(options: AnyWorkflowOptions): WorkflowMachine {
  const graph = graphOf(options, EMPTY_OFFICE, declarationOf);
  const machine = runMachine(graph);
  declarations.set(machine.config, { options, checkInput: graph.checkInput });
  return machine as never;
}

const nameIn = (options: unknown): string => {
  const id = (options as { readonly id?: unknown } | null)?.id;
  return typeof id === 'string' ? id : 'without a name';
};

/** How a workflow was declared; undefined of any other logic. */
export function declarationOf(logic: unknown): AnyWorkflowOptions | undefined {
  return declaredIn(logic)?.options;
}

function declaredIn(logic: unknown): Declared | undefined {
  const { config } = (logic ?? {}) as { readonly config?: unknown };
  return typeof config === 'object' && config !== null ? declarations.get(config) : undefined;
}

/** The file that a workflow was made of: its content as data, and the hash of that. Undefined where it was written in code. */
export function definitionOf(logic: unknown): Definition | undefined {
  const options = declarationOf(logic);
  return options && writtenWorkflow(options);
}

/** The schemas that the proposals of its gates must keep, with those of the workflows in it. */
export function schemasOfGates(logic: unknown): readonly Checked[] {
  const options = declarationOf(logic);
  if (options === undefined) return [];
  return Object.values(options.tasks).flatMap((node) => {
    if (node.kind === 'gate') return schemaOf(node.options.schema) ?? [];
    if (node.kind === 'call') return schemasOfGates(node.options.workflow);
    if (node.kind === 'map') return schemasOfGates(node.options.each);
    return node.kind === 'loop' ? schemasOfGates(node.options.body) : [];
  });
}

/** Whoever is to do a task: by name, or by what they can do. */
export interface Wanted {
  /** A JSON pointer into the declaration. */
  readonly place: string;
  /** Its name; within a list, a loop or another workflow with a path, and without the numbers: `chapters/check`. */
  readonly task: string;
  /** What the task says of its output. */
  readonly outputSchema: SchemaLike | undefined;
  readonly doer: { readonly agents: readonly string[]; readonly capability: string | undefined };
}

/** Everybody whom a workflow asks for, with those of the workflows in it. */
export function doersIn(logic: unknown, above = '#', within = ''): readonly Wanted[] {
  const options = declarationOf(logic);
  return Object.entries(options?.tasks ?? {}).flatMap(([name, node]) =>
    doersOf(node, `${above}/tasks/${name}`, `${within}${name}`),
  );
}

function doersOf(node: AnyDeclaration, place: string, task: string): readonly Wanted[] {
  switch (node.kind) {
    case 'task': {
      const { compensate, fallback = [], outputSchema, ...own } = node.options;
      const wanted = [{ ...wantedBy(own, fallback), place, task, outputSchema }];
      if (compensate === undefined) return wanted;
      const undo = task.replace(/[^/]*$/, (name) => `undo ${name}`);
      return [
        ...wanted,
        { ...wantedBy(compensate, []), place: `${place}/compensate`, task: undo, outputSchema: undefined },
      ];
    }
    case 'map':
      return doersOfBody(node.options.each, `${place}/each`, task);
    case 'loop':
      return doersOfBody(node.options.body, `${place}/body`, task);
    case 'call':
      return doersIn(node.options.workflow, `${place}/workflow`, `${task}/`);
    default:
      return [];
  }
}

const doersOfBody = (body: Body, place: string, task: string): readonly Wanted[] =>
  isTask(body) ? doersOf(body, place, task) : doersIn(body, place, `${task}/`);

function wantedBy(
  { agent = [], capability }: { readonly agent?: string | readonly string[]; readonly capability?: string },
  fallback: readonly string[],
): Pick<Wanted, 'doer'> {
  const named = typeof agent === 'string' ? [agent] : agent;
  // Those that are fallen back on must be there as well; without others they are all there is.
  return { doer: { agents: named.length > 0 ? [...named, ...fallback] : fallback, capability } };
}

/** What a workflow says of an input before there is a run of it: throws what is wrong. */
export function inputCheckOf(logic: unknown): (input: unknown) => void {
  return declaredIn(logic)?.checkInput ?? (() => {});
}

/** What a workflow says of what is said to its runs from outside: they throw what is wrong. */
export function eventChecksOf(logic: unknown): Partial<OrderChecks> {
  const options = declarationOf(logic);
  return options === undefined ? {} : orderChecksOf(options, declarationOf);
}

/** The same workflow, with somebody in its office. */
export function staffed(logic: unknown, office: Office): AnyStateMachine | undefined {
  const options = declarationOf(logic);
  return options && withActors(logic as AnyStateMachine, actorsOf(graphOf(options, office, declarationOf)));
}
