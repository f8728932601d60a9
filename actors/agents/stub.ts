/**
 * Stubs: agents made from nothing but a contract, so that an orchestration runs before there is anybody to do the work. A stub
 * answers with a value made from the output schema: any valid one, and the same for the same envelope id, always.
 */
import type { JSONSchema } from '../../machines/contract.ts';
import { agent, result } from './agent.ts';
import type { Agent } from './agent.ts';
import { ContractRefused } from '../errors.ts';
import { Chance } from '../schema/chance.ts';
import { samplesFor } from '../schema/checked.ts';
import type { Inferred, SchemaLike } from '../schema/inferred.ts';

export interface StubOptions<TInput extends SchemaLike, TOutput extends SchemaLike> {
  readonly capabilities: readonly string[];
  readonly inputSchema: TInput;
  readonly outputSchema: TOutput;
  /** `stub`, if nothing is said. */
  readonly name?: string;
  /** What each answer says it has cost. Nothing, if nothing is said. */
  readonly cost?: number;
  /** How sure each answer is: quite, if nothing is said. */
  readonly confidence?: number;
  /** Answers to choose from, where none can be made from the schema. */
  readonly outputs?: readonly Inferred<TOutput>[];
}

/** @throws ContractRefused, also when no answer can be made and none is given */
export function stub<const TInput extends SchemaLike, const TOutput extends SchemaLike>({
  name = 'stub',
  cost = 0,
  confidence = 1,
  outputs,
  ...contract
}: StubOptions<TInput, TOutput>): Agent<Inferred<TInput>, Inferred<TOutput>> {
  let answerTo: (id: string) => unknown;
  // Whatever form its schemas have, they are read there.
  const { capabilities, inputSchema, outputSchema } = contract as StubOptions<JSONSchema, JSONSchema>;
  const made = agent.from(
    {
      capabilities,
      inputSchema,
      outputSchema,
      execute: async (envelope) => {
        const output = answerTo(envelope.id) as Readonly<Record<string, unknown>>;
        return result(envelope, { output, cost, duration: 0, model: 'stub', confidence });
      },
    },
    { name, model: 'stub' },
  ) as Agent<Inferred<TInput>, Inferred<TOutput>>;
  const schema = made.contract.output;
  answerTo = (id) =>
    outputs === undefined
      ? (samplesFor(schema, id, 1)[0] ?? samplesFor(schema, 'probe', 1)[0])
      : new Chance(id).pick(outputs);
  const wrong = problemOfAnswers(outputs, schema);
  if (wrong !== undefined) throw new ContractRefused(`agent '${name}'`, [wrong]);
  return made;
}

function problemOfAnswers(
  outputs: readonly unknown[] | undefined,
  schema: Agent['contract']['output'],
): ContractRefused['problems'][number] | undefined {
  if (outputs === undefined) {
    const detail = 'is met by no value that can be made: give outputs';
    return samplesFor(schema, 'probe', 1).length === 0 ? { pointer: '#/outputSchema', detail } : undefined;
  }
  if (outputs.length === 0) return { pointer: '#/outputs', detail: 'must have at least one' };
  const index = outputs.findIndex((output) => !schema.check(output).ok);
  return index === -1 ? undefined : { pointer: `#/outputs/${index}`, detail: 'breaks the output schema' };
}
