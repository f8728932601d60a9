/**
 * For tests: graphs in a few words, and runs of them whose work is done by puppets. What a test does not say is as a user would have
 * it who says nothing: joins of all, losers cancelled, a failure that ends the run.
 */
import { createActor } from 'xstate';
import type { AnyActorRef, AnyMachineSnapshot, InspectionEvent } from 'xstate';
import type { Graph, GraphNode, Join, Need, WorkNode, WorkStart } from './graph.ts';
import { puppet, TAKES_ALL } from './puppet.testsuite.ts';
import type { RunContext } from './progress.ts';
import { runMachine } from './run.ts';

const NEED = (text: string): Need => {
  const [node, arm] = text.split('.') as [string, string?];
  return { node, arm, onError: undefined };
};

/** What a test says of a node. */
export type Given = Partial<Omit<WorkNode, 'needs' | 'wait'>> & {
  needs?: readonly (string | Need)[];
  join?: Join;
  withinMs?: number;
  keepsLosers?: boolean;
};

export function node({
  needs = [],
  join = { kind: 'all' },
  withinMs,
  keepsLosers = false,
  ...rest
}: Given = {}): GraphNode {
  return {
    kind: 'task',
    declared: undefined,
    needs: needs.map((need) => (typeof need === 'string' ? NEED(need) : need)),
    wait: { join, withinMs, cancelsLosers: !keepsLosers },
    when: undefined,
    onError: { kind: 'fail' },
    writes: {},
    input: (outputs) => outputs,
    values: () => ({}),
    logic: puppet,
    start: undefined,
    outcome: undefined,
    cancels: 'asks',
    compensate: undefined,
    ...rest,
  };
}

export const graphOf = (nodes: Record<string, GraphNode>, rest: Partial<Graph> = {}): Graph => ({
  id: 'flow',
  nodes,
  parallel: Infinity,
  shared: {},
  output: (outputs) => outputs,
  ...TAKES_ALL,
  account: undefined,
  ...rest,
});

export class Run {
  readonly actor: AnyActorRef & { getSnapshot(): AnyMachineSnapshot };
  error: unknown;

  constructor(graph: Graph, input: unknown = {}, inspect?: (event: InspectionEvent) => void) {
    const actor = createActor(runMachine(graph), { input, ...(inspect && { inspect }) });
    actor.subscribe({ error: (error) => (this.error = error) });
    actor.start();
    this.actor = actor as never;
  }

  get context(): RunContext {
    return this.actor.getSnapshot().context as RunContext;
  }

  get statuses(): string {
    return Object.entries(this.context.nodes)
      .map(([name, { status }]) => `${name} ${status}`)
      .join(', ');
  }

  /** Whoever does the work of a node; of one within another by its path: `chapters/3`. */
  child(path: string): AnyActorRef {
    let found = this.actor as AnyActorRef;
    for (const name of path.split('/')) {
      const { children } = found.getSnapshot() as AnyMachineSnapshot;
      if (children[name] === undefined) throw new Error(`${path} does not run: ${this.statuses}`);
      found = children[name] as AnyActorRef;
    }
    return found;
  }

  end(name: string, output: unknown = name.toUpperCase()): this {
    this.child(name).send({ type: 'end', outcome: { status: 'complete', output } });
    return this;
  }

  fail(name: string, what = 'crash'): this {
    const problem = { class: what, message: `${name} is broken` };
    this.child(name).send({ type: 'end', outcome: { status: 'failed', problem } });
    return this;
  }

  given(name: string): unknown {
    return (this.child(name).getSnapshot().context as { start: WorkStart }).start.input;
  }

  get value(): unknown {
    const { value, status } = this.actor.getSnapshot();
    return typeof value === 'string' ? `${value} (${status})` : 'working';
  }
}
