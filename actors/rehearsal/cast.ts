/**
 * The cast of a rehearsal: a stub for everybody whom a workflow may ask. Whoever is there is replaced under the same name and contract;
 * whoever is not is made up from what the tasks declare.
 */
import type { AnyActorLogic } from 'xstate';
import type { Assignment, TaskResult } from '../../machines/contract.ts';
import { agent, doneBy } from '../agents/agent.ts';
import type { Agent } from '../agents/agent.ts';
import { satisfying } from '../agents/capability.ts';
import { ContractRefused } from '../errors.ts';
import { samplesFor, schemaOf } from '../schema/checked.ts';
import type { Checked } from '../schema/checked.ts';
import type { SchemaLike } from '../schema/inferred.ts';
import { doersIn } from '../workflow/workflow.ts';
import type { Wanted } from '../workflow/workflow.ts';

/** What a stub of a contract does. */
export type Performing = (output: Checked) => (assignment: Assignment) => Promise<TaskResult>;

/** By name. @throws ContractRefused where no answer can be made from a schema */
export function castOf(
  workflow: AnyActorLogic,
  agents: readonly Agent[],
  performing: Performing,
): ReadonlyMap<string, Agent> {
  const casting = new Casting(performing);
  for (const one of agents) casting.replace(one);
  const wanted = doersIn(workflow);
  for (const { name, tasks } of namedIn(wanted)) casting.standIn(name, tasks);
  // Whoever keeps a schema can do it where none is asked for, too.
  const bySchema = wanted.toSorted(
    (a, b) => Number(b.outputSchema !== undefined) - Number(a.outputSchema !== undefined),
  );
  for (const one of bySchema) casting.makeUp(one);
  return casting.cast;
}

class Casting {
  readonly cast = new Map<string, Agent>();
  readonly #performing: Performing;
  /** The hashes of what those who were made up answer, by name. */
  readonly #madeUp = new Map<string, string>();

  constructor(performing: Performing) {
    this.#performing = performing;
  }

  replace(original: Agent): void {
    const { name, contract } = original;
    if (samplesFor(contract.output, 'probe', 1).length === 0)
      throw new ContractRefused(`agent '${name}'`, [NO_SAMPLE]);
    this.cast.set(name, doneBy(original, { model: 'stub', execute: this.#performing(contract.output) }));
  }

  /** For somebody who is named, and not there. */
  standIn(name: string, tasks: readonly Wanted[]): void {
    if (this.cast.has(name)) return;
    const capabilities = tasks.flatMap(({ doer }) => doer.capability ?? []);
    const schemas = tasks.flatMap(({ outputSchema }) => (outputSchema === undefined ? [] : [outputSchema]));
    this.#make(name, capabilities.length > 0 ? capabilities : ['stub'], allOf(schemas));
  }

  /** For a capability that nobody has. */
  makeUp({ doer: { agents, capability }, outputSchema }: Wanted): void {
    if (capability === undefined || (agents.length > 0 && this.#isAbout(agents, capability))) return;
    const able = [...this.cast.values()].filter((one) => satisfying(one.capabilities, capability).length > 0);
    const hash = schemaOf(outputSchema ?? ANY)!.hash;
    const isThere = able.some(({ name }) => {
      const made = this.#madeUp.get(name);
      return made === undefined || outputSchema === undefined || made === hash;
    });
    if (isThere) return;
    const base = `stub-${capability.replace('@', '-')}`;
    const name = able.length === 0 ? base : `${base}-${able.length + 1}`;
    this.#make(name, [capability], outputSchema ?? ANY);
    this.#madeUp.set(name, hash);
  }

  /** Whether somebody who is named has it. */
  #isAbout(names: readonly string[], capability: string): boolean {
    return names.some((name) => satisfying(this.cast.get(name)?.capabilities ?? [], capability).length > 0);
  }

  #make(name: string, capabilities: readonly string[], outputSchema: SchemaLike): void {
    const unique = [...new Set(capabilities)];
    const execute = (): Promise<never> => Promise.reject(new Error('it is replaced before anybody asks it'));
    const more = { name, model: 'stub', capabilities: unique, inputSchema: ANY, outputSchema, execute };
    this.replace(agent(more as never));
  }
}

/** Any object: what a task says of its input is held against it by the task itself. */
const ANY = { type: 'object' } as const;

const NO_SAMPLE = { pointer: '#/outputSchema', detail: 'is met by no value that can be made' };

/** All who are asked for by name, with the tasks that do so. */
function namedIn(wanted: readonly Wanted[]) {
  const names = new Set(wanted.flatMap(({ doer }) => doer.agents));
  return [...names].map((name) => ({
    name,
    tasks: wanted.filter(({ doer }) => doer.agents.includes(name)),
  }));
}

/** What keeps all of them. */
function allOf(schemas: readonly SchemaLike[]): SchemaLike {
  const different = new Map(schemas.map((schema) => [schemaOf(schema)!.hash, schema]));
  const [first = ANY] = different.values();
  if (different.size < 2) return first;
  return { type: 'object', allOf: [...different.values()].map((schema) => schemaOf(schema)!.jsonSchema) };
}
