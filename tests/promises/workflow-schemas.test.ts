// The lie: "what a workflow declares of its data is held". Inputs, outputs and results that break a declared schema: each is refused
// with its place, nobody is asked in vain, and the run ends instead of hanging.
import { agent, extend, InputRefused, result, roles, strategies, task, workflow } from 'heddle/actors';
import type { Assignment, SchemaLike } from 'heddle/actors';
import { createSystem } from 'heddle';
import { memory } from 'heddle/storage';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const TABLE = `
grants:
  - { id: all, to: everyone, actions: ['*'], resources: any }
`;
const ANY = { type: 'object' } as const;
const TEXT = {
  type: 'object',
  properties: { text: { type: 'string' } },
  required: ['text'],
  additionalProperties: false,
} as const;
/** The same, with a rule that no JSON Schema shows: nobody can be chosen or passed over by it. */
const HONEST = z.strictObject({ text: z.string().refine((text) => text !== 'a lie') });

/** Whatever is wrong ends it at once. */
const strict = extend(strategies.standard, {
  name: 'strict',
  rows: { 'schema-mismatch': [{ do: 'ask-again', times: 1 }, { do: 'fail' }] },
});

function answering(asked: Assignment[], output: Record<string, unknown>) {
  return agent({
    name: 'writer',
    capabilities: ['write'],
    model: 'local',
    inputSchema: ANY,
    outputSchema: TEXT,
    execute: (assignment: Assignment) => {
      asked.push(assignment);
      const answer = { output, cost: 0, duration: 1, model: 'local', confidence: 1 };
      return Promise.resolve(result(assignment, answer));
    },
  });
}

/** The end of a run of one task. */
async function ended(
  schemas: { of?: object; inputSchema?: SchemaLike; outputSchema?: SchemaLike },
  output: Record<string, unknown>,
) {
  const asked: Assignment[] = [];
  const { of = {}, ...rest } = schemas;
  const flow = workflow({
    id: 'flow',
    ...rest,
    strategy: strict,
    tasks: { write: task({ capability: 'write', ...of }) },
  });
  await using system = await createSystem({
    store: memory(),
    actors: { flow, writer: answering(asked, output) },
    decider: roles(TABLE),
  });
  const run = await system.start('flow', { id: '1', input: { topic: 'tides' } });
  for (let i = 0; i < 500 && run.getSnapshot().status === 'active'; i++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  return { asked, snapshot: run.getSnapshot() };
}

describe('a schema', () => {
  it('of a task is held against every answer, and whoever is asked again is told the places', async () => {
    const { asked, snapshot } = await ended({ of: { outputSchema: HONEST } }, { text: 'a lie' });
    expect(asked.map(({ problems = [] }) => problems.map(({ pointer }) => pointer))).toEqual([
      [],
      ['#/text'],
    ]);
    expect(snapshot).toMatchObject({
      status: 'error',
      error: { class: 'schema-mismatch', problems: [{ pointer: '#/text' }], node: 'write' },
    });
  });

  it('of a task is held against its input before anybody is asked', async () => {
    const { asked, snapshot } = await ended({ of: { inputSchema: TEXT } }, { text: 'x' });
    expect(asked).toEqual([]);
    expect(snapshot).toMatchObject({
      status: 'error',
      error: { class: 'invalid-input', problems: [{ pointer: '#/text' }, { pointer: '#/topic' }] },
    });
  });

  it('of a run is held against what it comes to: the run fails, and says where', async () => {
    const { asked, snapshot } = await ended({ outputSchema: HONEST }, { text: 'a lie' });
    expect(asked.length).toBe(1);
    expect(snapshot).toMatchObject({
      value: 'failed',
      status: 'error',
      error: { class: 'invalid-output', problems: [{ pointer: '#/text' }], workflow: 'flow' },
    });
  });

  it('that is met stands in nobody’s way', async () => {
    const schemas = { of: { outputSchema: TEXT, inputSchema: ANY }, outputSchema: TEXT };
    const { snapshot } = await ended(schemas, { text: 'about tides' });
    expect(snapshot).toMatchObject({ status: 'done', output: { text: 'about tides' } });
  });

  it('of the input of a run refuses its start', async () => {
    await expect(ended({ inputSchema: TEXT }, { text: 'x' })).rejects.toBeInstanceOf(InputRefused);
  });
});
