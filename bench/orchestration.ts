/**
 * What orchestration costs: a task with contract, routing, decision, budget and records, beside a bare durable turn of the same run; many
 * runs at once; many tasks at once in one run, which stand in each other's way; and the memory of a declared task.
 */
import { initialTransition, setup, toPromise } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { createSystem } from 'heddle';
import { agent, budget, result, roles, task, workflow } from 'heddle/actors';
import type { WorkflowMachine } from 'heddle/actors';
import { leveldb } from 'heddle/storage';
import { median, withFolder } from './bench.ts';
import type { Bench, Figure } from './bench.ts';
import { heapUsed } from './heap-used.ts';

const TASKS = 10;
const ONE_BY_ONE = 400;
const AT_ONCE = 1000;
const ROUNDS = 3;
const WIDE = 300;
/** Of two workflows of so many tasks the difference is that of the tasks. */
const SHORT = 100;
const LONG = 300;
/** Runs that have ended and left memory. The first of them fill what remembers so many and no more. */
const OVER = 600;

const NUMBER = {
  type: 'object',
  properties: { n: { type: 'number' } },
  required: ['n'],
  additionalProperties: false,
} as const;

const counting = agent({
  name: 'counting',
  capabilities: ['count'],
  model: 'none',
  estimate: () => 0.000_01,
  inputSchema: NUMBER,
  outputSchema: NUMBER,
  execute: (assignment) =>
    Promise.resolve(
      result(assignment, {
        ...{ output: { n: assignment.input.n + 1 }, cost: 0.000_01, duration: 0 },
        ...{ model: 'none', confidence: 1 },
      }),
    ),
});

/** So many tasks, one after the other, paid from a budget. */
const pipelineOf = (tasks: number) =>
  workflow({
    id: 'pipeline',
    inputSchema: NUMBER,
    budget: budget({ limit: 1 }),
    tasks: Object.fromEntries(
      Array.from({ length: tasks }, (_, i) => [
        `t${i}`,
        task({ capability: 'count', ...(i > 0 && { needs: [`t${i - 1}`] }) } as never),
      ]),
    ) as never,
  }) as WorkflowMachine<{ readonly n: number }>;

const turning = setup({}).createMachine({ on: { turn: {} } });

const decider = roles({
  grants: [
    { id: 'program', to: 'everyone', actions: ['start', 'send'], resources: 'any' },
    {
      id: 'runs',
      to: { principals: [{ type: 'actor', id: 'pipeline/*' }] },
      actions: ['agent.call'],
      resources: [{ type: 'agent', id: 'counting' }],
    },
  ],
});

const open = (folder: string, tasks = TASKS, passivateAfter: '30 seconds' | '100 millis' = '30 seconds') =>
  createSystem({
    store: leveldb(folder),
    actors: { pipeline: pipelineOf(tasks), counting, turning },
    decider,
    passivateAfter,
  });

type Opened = Awaited<ReturnType<typeof open>>;

async function run(system: Opened, id: string): Promise<void> {
  await toPromise(await system.start('pipeline', { id, input: { n: 0 } }));
}

/** The time of one task in a run that is alone, and that of an awaited send, in turns. */
async function alone(system: Opened): Promise<Record<'task' | 'turn' | 'first', number>> {
  const ref = await system.actor('turning', '1');
  const tasks: number[] = [];
  const turns: number[] = [];
  for (let i = 0; i < ONE_BY_ONE; i++) {
    const startedAt = performance.now();
    await run(system, `alone-${i}`);
    tasks.push((performance.now() - startedAt) / TASKS);
    const sentAt = performance.now();
    for (let n = 0; n < TASKS; n++) await ref.send({ type: 'turn' });
    turns.push((performance.now() - sentAt) / TASKS);
  }
  // What is asked is how it goes in a process that lives for long: the first half only warms up.
  const lasting = (times: readonly number[]): number => median(times.slice(ONE_BY_ONE / 2));
  return { task: lasting(tasks), turn: lasting(turns), first: median(tasks.slice(0, ONE_BY_ONE / 20)) };
}

async function atOnce(system: Opened): Promise<number> {
  const speeds: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => run(system, `${round}-${i}`)));
    speeds.push(((AT_ONCE * TASKS) / (performance.now() - startedAt)) * 1000);
  }
  return median(speeds.slice(1));
}

/** The heap that a workflow of so many tasks takes once it has run, and the system around it. */
const heapOf = (tasks: number): Promise<number> =>
  withFolder(async (folder) => {
    const before = await heapUsed();
    await using system = await open(folder, tasks);
    await run(system, 'first');
    return (await heapUsed()) - before;
  });

async function heapOfTask(): Promise<number> {
  // What the very first brings with it is no task's.
  await heapOf(TASKS);
  const short = await heapOf(SHORT);
  return ((await heapOf(LONG)) - short) / (LONG - SHORT);
}

/** What a run leaves in memory that is over, and whose actors have all left. */
const heapOfOver = (): Promise<number> =>
  withFolder(async (folder) => {
    await using system = await open(folder, TASKS, '100 millis');
    const heapAfter = async (name: string): Promise<number> => {
      await Promise.all(Array.from({ length: OVER }, (_, i) => run(system, `${name}-${i}`)));
      while (system.metrics().actors.inMemory > 0) await new Promise((resolve) => setTimeout(resolve, 50));
      return heapUsed();
    };
    await heapAfter('first');
    const before = await heapAfter('second');
    return ((await heapAfter('third')) - before) / OVER;
  });

/** The first step of a workflow whose tasks need nothing; the very first of them also makes their machines. */
function together(): number {
  const names = Array.from({ length: WIDE }, (_, i) => `t${i}`);
  const wide: AnyStateMachine = workflow({
    id: 'wide',
    inputSchema: NUMBER,
    tasks: Object.fromEntries(names.map((name) => [name, task({ capability: 'count' })])) as never,
  });
  const times = Array.from({ length: ROUNDS + 1 }, () => {
    const startedAt = performance.now();
    initialTransition(wide, { n: 0 });
    return performance.now() - startedAt;
  });
  return median(times.slice(1));
}

export const orchestration: Bench = {
  name: 'orchestration',
  measure: () =>
    withFolder(async (folder) => {
      await using system = await open(folder);
      const { task: whole, turn, first } = await alone(system);
      const figures: Figure[] = [
        {
          what: 'a task of a run that is alone, beside a bare durable turn: contract, routing, decision, budget, records (p50)',
          value: whole - turn,
          unit: 'ms',
          target: { atMost: 1 },
          from: { 'ms a task': whole, 'ms a turn': turn, 'ms a task in the first 20 runs': first },
        },
        {
          what: '1,000 runs of 10 tasks at once',
          value: await atOnce(system),
          unit: 'tasks/s',
        },
        {
          what: `the step in which ${WIDE} tasks begin together, and nothing else happens meanwhile`,
          value: together(),
          unit: 'ms',
        },
        {
          what: 'heap of a task of a workflow that has run once: its declaration, and its actors',
          value: (await heapOfTask()) / 1024,
          unit: 'KB',
        },
        {
          what: 'heap that a run of 10 tasks leaves behind when it is over and its actors have left memory',
          value: await heapOfOver(),
          unit: 'bytes',
          target: { atMost: 256 },
        },
      ];
      return figures;
    }),
};
