/**
 * Ways: everything that can become of a run without its failing. Every branch may take each of its arms, every condition may hold or
 * not, every failure that is let pass may happen. On each way the graph itself is asked, as a run asks it, what becomes of a node.
 *
 * Two things are refused here that would otherwise show in the middle of a run: a node that can begin on no way, and a part of an input
 * that is taken from a node which on some way has no output. What is said with a function is for the function to find out.
 */
import { beginning, isFatal, outputsOf, verdictOf } from '../../machines/workflow/progress.ts';
import type { NodeProgress, RunContext } from '../../machines/workflow/progress.ts';
import type { Graph, GraphNode } from '../../machines/workflow/graph.ts';
import { pointerTo } from '../../machines/values/json-pointer.ts';
import type { ContractProblem } from '../errors.ts';
import type { AnyDeclaration } from './declaration.ts';
import { errorPolicyOf, joinRuleOf, needsIn } from './graph.ts';
import { inOrder } from './order.ts';
import { isReference } from './reference.ts';

type Tasks = Readonly<Record<string, AnyDeclaration>>;

/** Of a checked graph. */
export function problemsOfWays(tasks: Tasks): ContractProblem[] {
  const ways = new Ways(tasks);
  return Object.entries(tasks).flatMap(([name, node]) => {
    const at = (...keys: readonly string[]): string => `#${pointerTo(['tasks', name, ...keys])}`;
    const never = ways.problemOfBeginning(name);
    if (never !== undefined) return [{ pointer: at('join'), detail: never }];
    return referencesIn(node).flatMap(([key, needed]) => {
      const detail = ways.problemOfTaking(name, needed);
      return detail === undefined ? [] : [{ pointer: at('input', key), detail }];
    });
  });
}

/** The parts of an input that are taken from nodes. */
function referencesIn({ options }: AnyDeclaration): readonly (readonly [key: string, node: string])[] {
  const { input } = options as { readonly input?: unknown };
  if (typeof input !== 'object' || input === null) return [];
  return Object.entries(input).flatMap(([key, part]) =>
    isReference(part) && part.node !== undefined ? [[key, part.node] as const] : [],
  );
}

/** More ways than that are not looked at: nothing is refused then that might be right. */
const MOST_STEPS = 200_000;

const PENDING: NodeProgress = { status: 'pending' };

class Ways {
  readonly #tasks: Tasks;
  /** What decides about joins, and nothing else. */
  readonly #graph: Graph;
  /** A run of which nothing is known. */
  readonly #start: RunContext;
  /** Those that begin on no way. Whatever needs them is not to blame. */
  readonly #never = new Set<string>();
  #stepsLeft = MOST_STEPS;

  constructor(tasks: Tasks) {
    this.#tasks = tasks;
    const nodes = Object.entries(tasks).map(([name, node]) => [name, joiningOf(node)]);
    this.#graph = {
      ...{ id: '', parallel: Infinity, shared: {}, account: undefined },
      nodes: Object.fromEntries(nodes) as Graph['nodes'],
      output: () => undefined,
      checkInput: () => {},
      ask: (give) => give(),
    };
    this.#start = beginning({ ...this.#graph, nodes: {} }, undefined, 0);
  }

  /** Why a node can never begin. */
  problemOfBeginning(name: string): string | undefined {
    const { needs, wait } = this.#graph.nodes[name]!;
    // Any one need is enough for the others: each can be there on some way, unless it is never there at all.
    if (wait.join.kind !== 'atLeast' || needs.some(({ node }) => this.#never.has(node))) return undefined;
    const { count } = wait.join;
    if (this.#someWay(name, (context) => verdictOf(this.#graph, name, context).kind === 'begin') !== 'none')
      return undefined;
    this.#never.add(name);
    return `asks for ${count} of ${needs.length} needs, and they exclude each other: on no way there are that many. It would never begin`;
  }

  /** Why a node cannot rely on the output of one that it needs. */
  problemOfTaking(name: string, needed: string): string | undefined {
    const { needs } = this.#graph.nodes[name]!;
    const mend = 'make the input with a function, which can look';
    if (needs.some(({ node }) => node !== needed) && !waitsForAll(this.#graph.nodes[name]!))
      return `takes from the node '${needed}', and the join may go on without it: ${mend}`;
    const found = this.#someWay(
      name,
      (context) =>
        verdictOf(this.#graph, name, context).kind === 'begin' &&
        !Object.hasOwn(outputsOf(this.#graph, this.#graph.nodes[name]!, context), needed),
    );
    if (typeof found === 'string') return undefined;
    return `takes from the node '${needed}', which may have no output when this begins (${whyOf(found, needed)}): ${mend}`;
  }

  /** A way on which something holds of a node; `none`, or `unknown` where there are too many ways. */
  #someWay(name: string, holds: (context: RunContext) => boolean): RunContext['nodes'] | 'none' | 'unknown' {
    if (this.#stepsLeft <= 0) return 'unknown';
    const order = this.#before(name);
    const nodes: Record<string, NodeProgress> = Object.fromEntries(
      [...order, name].map((one) => [one, PENDING]),
    );
    const context = { ...this.#start, nodes };
    // Of each node on the way that is looked at, in order: what may become of it besides.
    const fates: Iterator<NodeProgress>[] = [];
    for (;;) {
      if (fates.length < order.length) {
        if (--this.#stepsLeft < 0) return 'unknown';
        fates.push(this.#fatesOf(order[fates.length]!, context).values());
      } else if (holds(context)) return { ...nodes };
      if (!isAnother(order, fates, nodes)) return 'none';
    }
  }

  /** All that a node needs, and what those need, each behind what it needs itself. */
  #before(name: string): readonly string[] {
    return inOrder([name], (one) => this.#graph.nodes[one]!.needs.map(({ node }) => node)).slice(0, -1);
  }

  /** What may become of a node when it is known what became of those that it needs. A run that fails is no way. */
  #fatesOf(name: string, context: RunContext): readonly NodeProgress[] {
    const verdict = verdictOf(this.#graph, name, context);
    const fails = isFatal(this.#graph, name) ? [] : [{ status: 'failed' } as const];
    if (verdict.kind === 'skip') return [{ status: 'skipped', skipped: verdict.why }];
    if (verdict.kind !== 'begin') return fails;
    const { kind, options } = this.#tasks[name]!;
    const arms = kind === 'branch' ? Object.keys((options as { readonly arms: object }).arms) : [undefined];
    return [
      ...arms.map((arm) => ({ status: 'complete', ...(arm !== undefined && { arm }) }) as const),
      ...(options.when === undefined ? [] : [{ status: 'skipped', skipped: 'condition' } as const]),
      ...fails,
    ];
  }
}

/** Goes on to the next way: something else becomes of the last node of which something else can. False: there is no other. */
function isAnother(
  order: readonly string[],
  fates: Iterator<NodeProgress>[],
  nodes: Record<string, NodeProgress>,
): boolean {
  for (let last = fates.at(-1); last !== undefined; last = fates.at(-1)) {
    const name = order[fates.length - 1]!;
    const next = last.next();
    nodes[name] = next.done === true ? PENDING : next.value;
    if (next.done !== true) return true;
    fates.pop();
  }
  return false;
}

/** A node as far as others wait for it. */
const joiningOf = (node: AnyDeclaration): GraphNode => ({
  kind: 'join',
  declared: undefined,
  needs: needsIn(node),
  wait: joinRuleOf(node.options),
  when: undefined,
  onError: errorPolicyOf(node.options.onError),
  writes: {},
});

/** Whether it never begins before all that it needs has ended. Where all must be complete it fails when its time is over. */
const waitsForAll = ({ needs, wait: { join, withinMs } }: GraphNode): boolean =>
  join.kind === 'atLeast' ? join.count === needs.length : join.kind === 'all' && withinMs === undefined;

function whyOf(nodes: RunContext['nodes'], needed: string): string {
  const { status, skipped } = nodes[needed]!;
  if (status === 'complete') return 'another arm was chosen';
  if (status === 'failed') return 'its failure is let pass';
  return skipped === 'condition' ? 'its condition does not hold' : 'it may be skipped';
}
