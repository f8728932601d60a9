// The lie: "an agent's input and output are typed by its schemas". The compiler is the judge here (`tsc -p .`): each mistake stands
// under a mark that is an error itself if there is none.
import * as Schema from 'effect/Schema';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { agent, result } from 'heddle/actors';
import type { Agent, AgentContract, Assignment, FromJsonSchema, TaskResult } from 'heddle/actors';

const TEXT = {
  type: 'object',
  properties: { text: { type: 'string' }, times: { type: 'integer' } },
  required: ['text'],
  additionalProperties: false,
} as const;

const metadata = { cost: 0, duration: 1, model: 'local', confidence: 1 };
const about = { name: 'writer', capabilities: ['write'], model: 'local' };

/** Only compiled, never run: that the compiler has looked at them is all there is to see. */
type Mistakes = () => unknown;

describe('the input of execute', () => {
  it('is what a JSON Schema says, written in place or as a constant', () => {
    const mistakes: Mistakes = () => [
      agent({
        ...about,
        inputSchema: TEXT,
        outputSchema: TEXT,
        execute: async ({ id, input }) => {
          expectTypeOf(input.text).toEqualTypeOf<string>();
          expectTypeOf(input.times).toEqualTypeOf<number | undefined>();
          return { id, status: 'success', output: { text: input.text }, metadata };
        },
      }),
      agent({
        ...about,
        inputSchema: { type: 'object', properties: { kind: { enum: ['a', 'b'] } }, required: ['kind'] },
        outputSchema: TEXT,
        execute: async ({ id, input }) => {
          expectTypeOf(input.kind).toEqualTypeOf<'a' | 'b'>();
          return result({ id }, { output: { text: 'x' }, ...metadata });
        },
      }),
    ];
    expect(mistakes).toBeTypeOf('function');
  });

  it('has no fields that the schema does not name', () => {
    const mistakes: Mistakes = () => [
      agent({
        ...about,
        inputSchema: TEXT,
        outputSchema: TEXT,
        execute: async ({ id, input }) => {
          // @ts-expect-error -- there is no such field
          const { txt } = input;
          return result({ id }, { output: { text: String(txt) }, ...metadata });
        },
      }),
      agent({
        ...about,
        inputSchema: z.object({ text: z.string() }),
        outputSchema: TEXT,
        execute: async (assignment) =>
          // @ts-expect-error -- there is no such field
          result(assignment, { output: { text: String(assignment.input.txt) }, ...metadata }),
      }),
      // Of one that says nothing of its fields, they may be any.
      agent({
        ...about,
        inputSchema: { type: 'object' },
        outputSchema: TEXT,
        execute: async ({ id, input }) =>
          result({ id }, { output: { text: String(input['txt']) }, ...metadata }),
      }),
    ];
    expect(mistakes).toBeTypeOf('function');
  });

  it('is what a library says', () => {
    const execute = async ({ id, input }: Assignment<{ text: string }>) =>
      result({ id }, { output: { text: input.text }, ...metadata });
    const mistakes: Mistakes = () => [
      agent({
        ...about,
        inputSchema: z.object({ text: z.string() }),
        outputSchema: z.object({ text: z.string() }),
        execute,
      }),
      agent({
        ...about,
        inputSchema: type({ text: 'string' }),
        outputSchema: type({ text: 'string' }),
        execute,
      }),
      agent({
        ...about,
        inputSchema: Schema.Struct({ text: Schema.String }),
        outputSchema: Schema.Struct({ text: Schema.String }),
        execute,
      }),
      agent({
        ...about,
        inputSchema: toStandardJsonSchema(v.object({ text: v.string() })),
        outputSchema: { schema: v.object({ text: v.string() }), jsonSchema: TEXT },
        execute,
      }),
      agent({
        ...about,
        inputSchema: z.object({ txt: z.string() }),
        outputSchema: TEXT,
        // @ts-expect-error -- it has no text
        execute,
      }),
    ];
    expect(mistakes).toBeTypeOf('function');
  });
});

describe('what execute returns', () => {
  it('is what the output schema says', () => {
    const mistakes: Mistakes = () => [
      agent({
        ...about,
        inputSchema: TEXT,
        outputSchema: TEXT,
        // @ts-expect-error -- the output has no text
        execute: async ({ id }) => ({ id, status: 'success', output: { txt: 'x' }, metadata }),
      }),
      agent({
        ...about,
        inputSchema: TEXT,
        outputSchema: z.object({ text: z.string() }),
        // @ts-expect-error -- of the wrong type
        execute: async (envelope) => result(envelope, { output: { text: 7 }, ...metadata }),
      }),
      agent({
        ...about,
        inputSchema: TEXT,
        outputSchema: TEXT,
        // @ts-expect-error -- there is no such status
        execute: async ({ id }) => ({ id, status: 'done', output: { text: 'x' }, metadata }),
      }),
      agent({
        ...about,
        inputSchema: TEXT,
        outputSchema: TEXT,
        // @ts-expect-error -- the metadata is not whole
        execute: async ({ id }) => ({ id, status: 'success', output: { text: 'x' }, metadata: { cost: 1 } }),
      }),
      agent({
        ...about,
        inputSchema: TEXT,
        outputSchema: z.object({ kind: z.enum(['a', 'b']), list: z.array(z.object({ n: z.number() })) }),
        execute: async ({ id, attempt }) =>
          attempt === 1
            ? { id, status: 'success', output: { kind: 'a', list: [{ n: 1 }, { n: 2 }] }, metadata }
            : result({ id }, { output: { kind: 'b', list: [] }, ...metadata }),
      }),
      // A failure has no output to speak of.
      agent({
        ...about,
        inputSchema: TEXT,
        outputSchema: TEXT,
        execute: async ({ id }) => ({ id, status: 'failure', output: {}, metadata }),
      }),
    ];
    expect(mistakes).toBeTypeOf('function');
  });

  it('is not known of an adapter, which is checked when it answers', () => {
    const adapter = async ({ id }: Assignment): Promise<TaskResult> => ({
      id,
      status: 'success',
      output: {},
      metadata,
    });
    const mistakes: Mistakes = () =>
      agent({ ...about, inputSchema: TEXT, outputSchema: TEXT, execute: adapter });
    expect(mistakes).toBeTypeOf('function');
  });
});

describe('an agent', () => {
  it('is a contract, and knows its types', () => {
    const writer = agent({
      ...about,
      inputSchema: TEXT,
      outputSchema: z.object({ words: z.int() }),
      estimate: ({ text }) => text.length,
      execute: async (envelope) => result(envelope, { output: { words: 1 }, ...metadata }),
    });
    expectTypeOf(writer).toExtend<AgentContract>();
    expectTypeOf(writer).toExtend<Agent>();
    expectTypeOf(writer).toEqualTypeOf<Agent<FromJsonSchema<typeof TEXT>, { words: number }>>();
    const checking = writer.contract.output.check({ words: 1 });
    if (checking.ok) expectTypeOf(checking.value.words).toEqualTypeOf<number>();
    expect(checking.ok).toBe(true);
  });
});
