/**
 * The plan of a workflow: what can be said of it before anything runs. Which nodes begin together, who is asked for what, where people
 * decide, what can be taken back, and what it can cost. It says what was declared, and guesses nothing.
 */
import { InvalidArgument } from '../../runtime/index.ts';
import { amountOf } from '../../machines/values/money.ts';
import { isTask } from './declaration.ts';
import type { AnyDeclaration, TaskOptions } from './declaration.ts';
import { needsIn } from './graph.ts';
import type { AnyWorkflowOptions } from './graph.ts';
import { inOrder } from './order.ts';
import { reversalOf } from './reversal.ts';
import { declarationOf, definitionOf } from './workflow.ts';

export interface PlannedNode {
  readonly name: string;
  /** `task`, `gate`, `map`, `loop`, `call`, `branch`, `join`. */
  readonly kind: AnyDeclaration['kind'];
  /** As they were written: `size.small` is an arm. */
  readonly needs: readonly string[];
  /** Who does it: of a map and a loop, each time. */
  readonly capability: string | undefined;
  readonly agents: readonly string[];
  /** What an attempt may cost at most, as an amount. Undefined: what the agent estimates. */
  readonly maxCost: number | undefined;
  /** Whether it is declared how all of it is taken back. */
  readonly reversible: boolean;
  /** Who takes it back, or a part of it. */
  readonly compensation: string | undefined;
  /** Whether it may be left out, on account of a condition or of an arm. */
  readonly conditional: boolean;
  /** Who decides there. */
  readonly roles: readonly string[];
  /** How many times at most: of a loop. */
  readonly times: number | undefined;
  /** The arms of a branch, and the one that is taken when none holds, or `fail`. */
  readonly arms: readonly string[];
  readonly otherwise: string | undefined;
}

export class Plan {
  readonly workflow: string;
  /** Of a workflow that was made of a file: the hash of that. */
  readonly hash: string | undefined;
  /** The nodes that may begin together, if all before them are done: in a wave are those whose needs are in earlier ones. */
  readonly waves: readonly (readonly string[])[];
  /** In the order of the waves. */
  readonly nodes: readonly PlannedNode[];
  /** How many may run at once; undefined: all that can. */
  readonly parallel: number | undefined;
  /** What a run can cost at most, as an amount: its budget. Undefined: nothing limits it. */
  readonly maxCost: number | undefined;

  constructor(options: AnyWorkflowOptions, hash: string | undefined) {
    const { id, tasks, parallel, budget } = options;
    this.workflow = id;
    this.hash = hash;
    this.waves = wavesOf(tasks);
    this.nodes = this.waves.flat().map((name) => plannedOf(name, tasks[name]!));
    this.parallel = parallel === Infinity ? undefined : parallel;
    this.maxCost = budget === undefined ? undefined : amountOf(budget.limit);
  }

  /** For people: a line for each wave, and below it one for each node in it. */
  toString(): string {
    const cost = this.maxCost === undefined ? 'no budget' : `at most ${this.maxCost}`;
    const atOnce = this.parallel === undefined ? '' : `, ${this.parallel} at once`;
    const byName = new Map(this.nodes.map((node) => [node.name, node]));
    const waves = this.waves.flatMap((names, index) => [
      `${index + 1}`,
      ...names.map((name) => `  ${lineOf(byName.get(name)!)}`),
    ]);
    return [`${this.workflow}: ${counted(this.nodes.length)}, ${cost}${atOnce}`, ...waves].join('\n');
  }
}

/** @throws InvalidArgument for what is no workflow */
export function plan(workflow: object): Plan {
  return new Plan(declared(workflow), definitionOf(workflow)?.hash);
}

/** How a workflow was declared. @throws InvalidArgument */
export function declared(workflow: object): AnyWorkflowOptions {
  const options = declarationOf(workflow);
  if (options === undefined)
    throw new InvalidArgument('workflow', 'must be made with workflow(…) or workflowFrom(…)');
  return options;
}

function wavesOf(tasks: AnyWorkflowOptions['tasks']): string[][] {
  const waves: string[][] = [];
  const known = new Map<string, number>();
  const neededBy = (name: string): readonly string[] => needsIn(tasks[name]!).map(({ node }) => node);
  for (const name of inOrder(Object.keys(tasks), neededBy))
    known.set(name, Math.max(-1, ...neededBy(name).map((needed) => known.get(needed)!)) + 1);
  for (const name of Object.keys(tasks)) (waves[known.get(name)!] ??= []).push(name);
  // A later node may belong to an earlier wave, so holes are filled by now.
  return waves;
}

function plannedOf(name: string, node: AnyDeclaration): PlannedNode {
  const needs = needsIn(node);
  const { capability, agents, maxCost } = doerOf(node);
  const { by, isWhole } = reversalOf(node);
  return {
    name,
    kind: node.kind,
    needs: needs.map(({ node: needed, arm }) => (arm === undefined ? needed : `${needed}.${arm}`)),
    ...{ capability, agents, maxCost },
    reversible: by.length > 0 && isWhole,
    compensation: by.length > 0 ? by.join(', ') : undefined,
    conditional: node.options.when !== undefined || needs.some(({ arm }) => arm !== undefined),
    roles: node.kind === 'gate' ? agentsIn(node.options.role) : [],
    times: node.kind === 'loop' ? node.options.times : undefined,
    arms: node.kind === 'branch' ? Object.keys(node.options.arms) : [],
    otherwise: node.kind === 'branch' ? node.options.otherwise : undefined,
  };
}

type Doer = Pick<TaskOptions, 'capability' | 'maxCost'> & {
  readonly agents: readonly string[];
};

/** Who does the work of a node, each time if it is done more often. */
function doerOf(node: AnyDeclaration): Doer {
  if (node.kind === 'task') return { ...node.options, agents: agentsIn(node.options.agent) };
  const body = node.kind === 'map' ? node.options.each : node.kind === 'loop' ? node.options.body : undefined;
  if (body === undefined || !isTask(body)) return { agents: [] };
  const { capability, agent, maxCost } = body.options;
  return {
    agents: agentsIn(agent),
    ...(capability !== undefined && { capability }),
    ...(maxCost !== undefined && { maxCost }),
  };
}

const agentsIn = (agent: string | readonly string[] = []): readonly string[] =>
  typeof agent === 'string' ? [agent] : agent;

const counted = (nodes: number): string => `${nodes} ${nodes === 1 ? 'node' : 'nodes'}`;

/** How it is taken back, for people. */
export const backWords = ({ reversible }: PlannedNode): string =>
  reversible ? 'taken back by' : 'in part taken back by';

function lineOf(node: PlannedNode): string {
  const { name, kind, needs, capability, agents, maxCost, conditional, roles, times, arms } = node;
  const parts = [
    [capability ?? '', agents.join(', ')].filter((part) => part !== '').join(' by '),
    roles.length > 0 ? `decided by ${roles.join(', ')}` : '',
    arms.length > 0 ? `one of ${arms.join(', ')}, otherwise ${node.otherwise}` : '',
    times === undefined ? '' : `at most ${times} times`,
    needs.length > 0 ? `after ${needs.join(', ')}` : '',
    conditional ? 'may be left out' : '',
    maxCost === undefined ? '' : `at most ${maxCost} an attempt`,
    node.compensation === undefined ? '' : `${backWords(node)} ${node.compensation}`,
  ];
  return [`${name} (${kind})`, ...parts.filter((part) => part !== '')].join('; ');
}
