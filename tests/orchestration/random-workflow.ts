/**
 * Random workflows: every kind of node, join and policy, in graphs that make sense.
 */
import {
  InvalidWorkflow,
  branch,
  budget,
  gate,
  join,
  loop,
  map,
  strategies,
  task,
  workflow,
} from 'heddle/actors';
import type { Verifier, WorkflowMachine } from 'heddle/actors';
import type { Prng } from '../../runtime/testing/prng.ts';

export interface RandomWorkflow {
  readonly machine: WorkflowMachine;
  /** The kind of each node, and what it needs. */
  readonly nodes: Readonly<Record<string, RandomNode>>;
}

export interface RandomNode {
  readonly kind: string;
  readonly needs: readonly string[];
  readonly join: unknown;
  readonly onError: unknown;
}

const KINDS = [
  ...(['task', 'task', 'task', 'task', 'task', 'gate', 'gate', 'map', 'loop', 'branch', 'join'] as const),
];
const POLICIES = ['fail', 'fail', 'skip', 'absent', 'compensate', { value: { n: -1 } }] as const;
const CAPABILITIES = ['count', 'weigh'] as const;

/** Of what says nothing but a number, two of three agree well enough when it is even or odd. */
const LIKENESS: Verifier = {
  ...{ name: 'likeness', version: 1, others: { of: 3, models: 'any', on: ['#/n'] } },
  check: ({ output, others = [] }) => {
    const kindOf = ({ n }: Readonly<Record<string, unknown>>): number => Number(n) % 2;
    const alike = others.filter((other) => kindOf(other) === kindOf(output));
    return alike.length > 0 ? { ok: true } : { ok: false, problems: [] };
  },
};

/**
 * One that makes sense: others are refused where they are declared, and another is made.
 *
 * @param votes whether what comes of those who count is confirmed by others
 */
export function randomWorkflow(chance: Prng, votes = false): RandomWorkflow {
  for (;;) {
    try {
      return anyWorkflow(chance, votes);
    } catch (error) {
      if (!(error instanceof InvalidWorkflow)) throw error;
    }
  }
}

function anyWorkflow(chance: Prng, votes: boolean): RandomWorkflow {
  const tasks: Record<string, unknown> = {};
  const nodes: Record<string, RandomNode> = {};
  const arms: string[] = [];
  const size = 3 + chance.below(7);
  for (let i = 0; i < size; i++) {
    const name = `n${i}`;
    const earlier = Object.keys(nodes).filter((other) => nodes[other]!.kind !== 'branch');
    const needs = pickSome(chance, [...earlier, ...arms], 3);
    const kind = needs.length === 0 ? 'task' : chance.pick(KINDS);
    const onError = chance.pick(POLICIES);
    const joins = needs.length > 1 && chance.chance(0.4);
    const wanted = joins
      ? chance.pick(['any', 'first-success', { atLeast: 1 + chance.below(needs.length) }] as const)
      : undefined;
    const common = {
      needs,
      onError,
      ...(wanted !== undefined && { join: wanted, losers: chance.pick(['cancel', 'keep'] as const) }),
      ...(chance.chance(0.15) && { when: () => chance.chance(0) }),
    };
    tasks[name] = nodeOf(kind, common, chance, votes);
    nodes[name] = { kind, needs, join: wanted, onError };
    if (kind === 'branch') arms.push(`${name}.left`, `${name}.right`);
  }
  const limit = chance.pick([0.03, 0.2, 5]);
  const machine = workflow({
    id: 'flow',
    budget: budget({ limit, onExhausted: chance.pick(['refuse', 'cheaper', 'review'] as const) }),
    parallel: chance.pick([1, 2, 100]),
    strategy: chance.pick([strategies.standard, strategies.content, strategies.finance]),
    tasks: tasks as never,
  }) as WorkflowMachine;
  return { machine, nodes };
}

function nodeOf(kind: (typeof KINDS)[number], common: object, chance: Prng, votes: boolean): unknown {
  const capability = chance.pick(CAPABILITIES);
  const confirmed = votes && capability === 'count' && { verify: [LIKENESS] };
  const input = () => ({ n: 1 });
  switch (kind) {
    case 'task': {
      const undo = chance.chance(0.4) && { compensate: { capability, input } };
      const quality = chance.chance(0.5) && { quality: 0.8 };
      const person = chance.chance(0.5) && { reviewers: 'editor' };
      return task({
        ...common,
        capability,
        input,
        timeout: '1 minute',
        ...undo,
        ...quality,
        ...person,
        ...confirmed,
      } as never);
    }
    case 'gate':
      return gate({
        ...common,
        input,
        role: 'editor',
        quorum: 1 + chance.below(2),
        ...(chance.chance(0.5) && { within: '1 hour', escalateTo: 'chief' }),
      } as never);
    case 'map': {
      const count = chance.below(5);
      return map({
        ...common,
        over: () => Array.from({ length: count }, (_, n) => ({ n })),
        each: task({ capability, ...confirmed }),
        concurrency: 1 + chance.below(3),
        onItemError: chance.pick(['fail', 'collect'] as const),
      });
    }
    case 'loop': {
      const rounds = 1 + chance.below(3);
      return loop({
        ...common,
        input,
        body: task({ capability, ...confirmed }),
        until: (_: unknown, { number }: { number: number }) => number >= rounds,
        times: 3,
      });
    }
    case 'branch': {
      const isLeft = chance.chance(0.5);
      return branch({
        ...common,
        arms: { left: () => isLeft, right: () => !isLeft },
        otherwise: 'fail',
      });
    }
    case 'join':
      return join(common as never);
  }
}

function pickSome<T>(chance: Prng, items: readonly T[], most: number): T[] {
  const left = [...items];
  const picked: T[] = [];
  for (let i = chance.below(most + 1); i > 0 && left.length > 0; i--)
    picked.push(...left.splice(chance.below(left.length), 1));
  return picked;
}
