// The lie: "there is an agent that does not conform, because one mistake hid another".
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, ContractRefused, failure, isAgent, result, satisfies, satisfying } from 'heddle/actors';
import type { AgentContract, TaskEnvelope, TaskResult } from 'heddle/actors';

const TEXT = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } as const;
const metadata = { cost: 0.01, duration: 1, model: 'local', confidence: 1 };
const execute = async ({ id }: { readonly id: string }): Promise<TaskResult> =>
  result({ id }, { output: { text: 'x' }, ...metadata });
const whole = {
  name: 'writer',
  capabilities: ['write'],
  model: 'local',
  inputSchema: TEXT,
  outputSchema: TEXT,
  execute,
};

function refusalOf(options: unknown): string[] {
  try {
    agent(options as typeof whole);
  } catch (error) {
    if (!(error instanceof ContractRefused)) throw error;
    return error.problems.map(({ pointer, detail }) => `${pointer} ${detail}`);
  }
  return [];
}

describe('an agent', () => {
  it('is its contract, in one form, frozen', () => {
    const writer = agent({ ...whole, version: '3', contextKeys: ['topic'], repairs: ['strip-code-fence'] });
    expect(writer).toMatchObject({
      name: 'writer',
      version: '3',
      capabilities: ['write'],
      inputSchema: TEXT,
    });
    expect(isAgent(writer)).toBe(true);
    expect(isAgent({ ...writer })).toBe(false);
    expect([writer, writer.contract, writer.capabilities, writer.inputSchema].every(Object.isFrozen)).toBe(
      true,
    );
  });

  it('keeps its contract when the schema object is changed later', () => {
    const schema = structuredClone(TEXT) as { required: readonly string[] };
    const writer = agent({ ...whole, inputSchema: schema });
    schema.required = [];
    expect(writer.contract.input.check({}).ok).toBe(false);
  });

  it('can stand in for another with the same contract, however that was written', () => {
    const strict = { ...TEXT, additionalProperties: false } as const;
    const zod = z.strictObject({ text: z.string() });
    const some = agent({ ...whole, inputSchema: strict, outputSchema: strict });
    const other = agent({ ...whole, name: 'ada', model: 'human', inputSchema: zod, outputSchema: zod });
    expect(other.contract.hash).toBe(some.contract.hash);
    expect(agent(whole).contract.hash).not.toBe(some.contract.hash);
  });
});

describe('what does not conform', () => {
  it('is told all at once: five faults, five pointers', () => {
    const faulty = {
      ...whole,
      name: 'no name',
      capabilities: ['write', 'write@0'],
      inputSchema: { type: 'object', properties: { text: { type: 'txt' } } },
      outputSchema: { type: 'string' },
      execute: undefined,
    };
    expect(refusalOf(faulty).map((told) => told.split(' ')[0])).toEqual([
      '#/inputSchema/properties/text/type',
      '#/outputSchema/type',
      '#/name',
      '#/capabilities/1',
      '#/execute',
    ]);
  });

  it.each<[string, object, string]>([
    ['no capabilities', { capabilities: [] }, '#/capabilities must name at least one'],
    ['capabilities that are none', { capabilities: 'write' }, '#/capabilities must be a list'],
    ['one of them twice', { capabilities: ['a', 'a'] }, '#/capabilities/1 is named twice'],
    ['no model', { model: ' ' }, '#/model must say'],
    ['no input schema', { inputSchema: undefined }, '#/inputSchema must be a JSON Schema'],
    [
      'a schema that answers later',
      { inputSchema: z.object({ a: z.string().refine(async () => true) }) },
      '#/inputSchema answers later',
    ],
    ['an option that does not exist', { timeout: 3 }, '#/timeout is no option'],
    ['a repair that nobody knows', { repairs: ['guess'] }, '#/repairs/0 must be one of strip-code-fence'],
    ['half an agent at once', { concurrency: 0.5 }, '#/concurrency must be a whole number'],
    ['a window without a count', { window: 100 }, '#/window needs countTokens'],
    ['an estimate that is none', { estimate: 3 }, '#/estimate must be a function'],
    ['a version that is none', { version: 3 }, '#/version must be a text'],
    ['a key that is none', { contextKeys: [1] }, '#/contextKeys/0 must be a name'],
  ])('%s', (_, change, told) => {
    expect(refusalOf({ ...whole, ...change }).join('\n')).toContain(told);
  });

  it.each([undefined, null, 7, []])('is %j', (options) => {
    expect(refusalOf(options)[0]).toBe('# must be an object');
  });

  it('says so in its message, whole', () => {
    expect(() => agent({ ...whole, model: '', capabilities: [] })).toThrow(
      /agent 'writer' is refused:\n {2}#\/model .*\n {2}#\/capabilities /,
    );
  });
});

describe('whatever has the contract', () => {
  class Typist implements AgentContract {
    readonly capabilities = ['write'];
    readonly inputSchema = TEXT;
    readonly outputSchema = TEXT;
    readonly #words = 'typed';
    async execute({ id }: TaskEnvelope): Promise<TaskResult> {
      return result({ id }, { output: { text: this.#words }, ...metadata });
    }
  }

  it('becomes an agent, and keeps itself', async () => {
    const typist = agent.from(new Typist(), { name: 'typist', model: 'typewriter' });
    expect(isAgent(typist)).toBe(true);
    expect(await typist.execute({ id: '1' } as never)).toMatchObject({ id: '1', output: { text: 'typed' } });
  });

  it('unless it has not', () => {
    const half = { capabilities: ['write'], inputSchema: TEXT };
    expect(() => agent.from(half as never, { name: 'half', model: 'none' })).toThrow(
      /#\/outputSchema.*\n.*#\/execute/,
    );
    expect(() => agent.from(undefined as never, { name: 'half', model: 'none' })).toThrow(ContractRefused);
  });
});

describe('words for what came of it', () => {
  it('fill in nothing', () => {
    expect(result({ id: '1' }, { output: { a: 1 }, ...metadata })).toEqual({
      id: '1',
      status: 'success',
      output: { a: 1 },
      metadata,
    });
    expect(result({ id: '1' }, { output: {}, status: 'needs_review', ...metadata }).status).toBe(
      'needs_review',
    );
    expect(failure({ id: '1' }, metadata)).toEqual({ id: '1', status: 'failure', output: {}, metadata });
  });
});

describe('a capability', () => {
  it.each([
    ['credit.assess@2', 'credit.assess@2', true],
    ['credit.assess@2', 'credit.assess', true],
    ['credit.assess@2', 'credit', true],
    ['credit.assess@2', 'credit.assess@1', false],
    ['credit.assess@2', 'credit@2', false],
    ['credit.assess', 'credit.assess@1', true],
    ['credit.assess', 'credit.assess@2', false],
    ['credit', 'credit.assess', false],
    ['credits.assess', 'credit', false],
    ['credit.assessment', 'credit.assess', false],
  ])('%s satisfies a request for %s: %j', (capability, request, does) => {
    expect(satisfies(capability, request)).toBe(does);
  });

  it('that is nearest comes first', () => {
    const capabilities = [
      'credit.assess@2',
      'credit',
      'credit.report',
      'credit.assess@10',
      'debit',
      'credit.assess.deep@99',
    ];
    expect(satisfying(capabilities, 'credit')).toEqual([
      ...['credit', 'credit.assess@10', 'credit.assess@2', 'credit.report', 'credit.assess.deep@99'],
    ]);
    expect(satisfying(capabilities, 'credit.assess@2')).toEqual(['credit.assess@2']);
  });
});
