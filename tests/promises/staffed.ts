/** Systems with agents, for tests in virtual time; and agents that answer from a script and write down what they were asked. */
import { agent, result, roles } from 'heddle/actors';
import type { Agent, AgentDetails, Assignment, TaskMetadata } from 'heddle/actors';
import type { HeddleSystem } from 'heddle';
import type { ActorDefinitions, SystemOptions } from '../../runtime/index.ts';
import type { StaffedDefinitions, Supplies } from '../../actors/system.ts';
import type { TaskContext } from '../../machines/task/progress.ts';
import { open } from './systems.ts';
import type { Opened } from './systems.ts';

export type Staffed = Omit<Opened<ActorDefinitions>, 'system'> & {
  readonly system: HeddleSystem<ActorDefinitions>;
};

/** Opens a system with agents among its actors. What they are hosted as is for the system to say. */
export async function staffed(
  actors: StaffedDefinitions,
  settings: Partial<Omit<SystemOptions<ActorDefinitions>, 'actors' | 'clock'>> & Supplies = {},
): Promise<Staffed> {
  return (await open(actors as ActorDefinitions, settings)) as unknown as Staffed;
}

const ANY = { type: 'object' } as const;

export interface Asked {
  readonly agent: string;
  readonly key: string;
  readonly attempt: number;
  readonly input: unknown;
  readonly maxCost: number;
}

type Output = Readonly<Record<string, unknown>>;

/** What an agent does: gives its output, or all of a result, or throws. */
export type Doing = (
  assignment: Assignment,
) =>
  | Output
  | { readonly output: Output; readonly metadata: Partial<TaskMetadata> & Record<string, unknown> }
  | Promise<Output>;

/** An agent that does as it is told, and notes in `asked` every time that it is asked. */
export function worker(
  name: string,
  doing: Doing,
  {
    asked = [],
    capabilities = ['work'],
    cost = 0.01,
    ...details
  }: Partial<AgentDetails> & { asked?: Asked[]; capabilities?: readonly string[]; cost?: number } = {},
): Agent {
  return agent({
    ...{ estimate: () => cost, model: 'local' },
    ...details,
    ...{ name, capabilities, inputSchema: ANY, outputSchema: ANY },
    execute: async (assignment: Assignment) => {
      const { idempotencyKey: key, attempt, input, constraints } = assignment;
      asked.push({ agent: name, key, attempt, input, maxCost: constraints.maxCost });
      const made = await doing(assignment);
      const whole = 'metadata' in made ? (made as { output: Output; metadata: object }) : undefined;
      const metadata = { cost, duration: 1, model: 'local', confidence: 0.9, ...whole?.metadata };
      const done = result(assignment, { output: whole?.output ?? (made as Output), ...metadata });
      return { ...done, metadata };
    },
  }) as Agent;
}

// What is in a snapshot is for the caller to say.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export const snapshotOf = <T>({ system }: Pick<Staffed, 'system'>, address: string): T =>
  system.get(address)!.getSnapshot() as T;

export const taskOf = (opened: Staffed, address: string): TaskContext =>
  snapshotOf<{ context: TaskContext }>(opened, address).context;

/** What a run has come to. */
export const endOf = (
  opened: Staffed,
  address: string,
): {
  readonly status: string;
  readonly output: unknown;
  readonly error: { class?: string; message?: string };
} => snapshotOf(opened, address);

/** Starts a run, `flow/1`, and lets happen what happens at once. */
export async function started(opened: Staffed, input: unknown = {}): Promise<void> {
  await opened.system.start('flow', { id: '1', input });
  await opened.settle();
}

/** A decider. */
export const everybodyMay = roles(`
roles: { all: {} }
grants:
  - { id: everything, to: everyone, actions: ['*'], resources: any }
`);
