// The lie: "an agent that passes the contract test kit keeps the contract": each way to break it must be caught, by a case that says so.
import { describe, expect, it } from 'vitest';
import { agent, conformance, describeConformance, failure, FaultError, result, stub } from 'heddle/actors';
import type {
  Agent,
  AgentDetails,
  Assignment,
  ConformanceOptions,
  TaskMetadata,
  TaskResult,
} from 'heddle/actors';

const INPUT = {
  type: 'object',
  properties: { text: { type: 'string' }, times: { type: 'integer', minimum: 1 } },
  required: ['text'],
  additionalProperties: false,
} as const;
const OUTPUT = { type: 'object', properties: { words: { type: 'integer' } }, required: ['words'] } as const;
const metadata: TaskMetadata = { cost: 0.5, duration: 0, model: 'local', confidence: 1 };

type Execute = (assignment: Assignment) => Promise<TaskResult>;

const agentOf = (execute: Execute, details: Partial<AgentDetails> = {}): Agent =>
  agent.from(
    { capabilities: ['count@2'], inputSchema: INPUT, outputSchema: OUTPUT, execute },
    { name: 'counter', model: 'local', ...details },
  );

const good: Execute = async (assignment) => result(assignment, { output: { words: 2 }, ...metadata });

/** The cases that fail. */
async function failing(tried: Agent, options?: ConformanceOptions): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, skip, run } of conformance(tried, options)) {
    if (skip === undefined) await run().catch(() => failed.push(name));
  }
  return failed;
}

/** An upstream of which everything is known. */
function upstream() {
  const seen = new Set<string>();
  const state = { calls: 0, mode: 'well' as 'well' | 'busy' | 'hanging' };
  const call = async ({ idempotencyKey, signal }: Assignment): Promise<void> => {
    state.calls++;
    const { mode } = state;
    state.mode = 'well';
    if (mode === 'busy') throw new FaultError({ class: 'rate-limit', message: 'busy' });
    if (mode === 'hanging')
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    seen.add(idempotencyKey);
  };
  const options: ConformanceOptions = {
    calls: () => state.calls,
    effects: () => seen.size,
    hang: () => void (state.mode = 'hanging'),
    failures: [
      { name: 'a busy counterpart', arrange: () => void (state.mode = 'busy'), faults: ['rate-limit'] },
    ],
    abortWithinMs: 50,
  };
  return { call, options };
}

describe('the kit', () => {
  it('has more than thirty cases, each with a name of its own', () => {
    const cases = conformance(agentOf(good));
    expect(cases.length).toBeGreaterThan(40);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });

  it('passes an agent that keeps the contract, with every hook', async () => {
    const { call, options } = upstream();
    const honest = agentOf(
      async (assignment) => {
        await call(assignment);
        return good(assignment);
      },
      { estimate: () => 0.5, countTokens: () => 3, window: 100, contextKeys: ['topic'] },
    );
    expect(conformance(honest, options).filter(({ skip }) => skip !== undefined)).toEqual([]);
    expect(await failing(honest, options)).toEqual([]);
  });

  it('passes a stub', async () => {
    expect(
      await failing(stub({ capabilities: ['count'], inputSchema: INPUT, outputSchema: OUTPUT })),
    ).toEqual([]);
  });

  it('says what it skips, and why', () => {
    const skipped = conformance(agentOf(good)).filter(({ skip }) => skip !== undefined);
    expect(skipped.map(({ skip }) => skip)).toContain('give calls');
    expect(skipped).toHaveLength(10);
  });

  it('asks nobody before it is run', () => {
    let asked = 0;
    conformance(
      agentOf(async (assignment) => {
        asked++;
        return good(assignment);
      }),
    );
    expect(asked).toBe(0);
  });

  it('can be declared in any framework', async () => {
    const declared: string[] = [];
    const run: (() => Promise<void>)[] = [];
    const it = Object.assign(
      (name: string, test: () => Promise<void>) => {
        declared.push(name);
        run.push(test);
      },
      { skip: (name: string) => void declared.push(`skip ${name}`) },
    );
    describeConformance(
      {
        describe: (name, tests) => {
          declared.push(name);
          tests();
        },
        it,
      },
      agentOf(good),
    );
    expect(declared[0]).toBe('the contract of counter');
    expect(declared).toHaveLength(1 + conformance(agentOf(good)).length);
    expect(declared.join('\n')).toContain('skip it calls once for an attempt (give calls)');
    await Promise.all(run.map((test) => test()));
  });
});

describe('the kit catches an agent that', () => {
  const { call, options } = upstream();
  const patient: Execute = async (assignment) => {
    await call(assignment).catch(() => call(assignment));
    return good(assignment);
  };
  const forgetful: Execute = async (assignment) => {
    await call({ ...assignment, idempotencyKey: `${Math.random()}` });
    return good(assignment);
  };
  const deaf: Execute = async (assignment) => {
    await call({ ...assignment, signal: new AbortController().signal });
    return good(assignment);
  };
  let last = '';
  it.each<[string, Execute, string, ConformanceOptions?]>([
    [
      'answers under another id',
      async () => result({ id: 'x' }, { output: { words: 1 }, ...metadata }),
      'it answers under the id that it was asked under',
    ],
    [
      'mixes up two assignments',
      async (assignment) => {
        last = assignment.id;
        await Promise.resolve();
        return { ...(await good(assignment)), id: last };
      },
      'it keeps apart what it is asked at the same time',
    ],
    [
      'answers what it likes',
      async (assignment) => result(assignment, { output: { words: 'two' }, ...metadata }),
      'it answers',
    ],
    [
      'costs more than it may',
      async (assignment) => result(assignment, { output: { words: 1 }, ...metadata, cost: 2 }),
      'its answer breaks nothing of the contract',
    ],
    [
      'makes up amounts',
      async (assignment) => result(assignment, { output: { words: 1 }, ...metadata, cost: 0.1 + 0.2 }),
      'its answer breaks nothing of the contract',
    ],
    [
      'throws',
      async () => {
        throw new Error('no');
      },
      'it answers',
    ],
    ['fails', async (assignment) => failure(assignment, metadata), 'it answers'],
    [
      'writes into its assignment',
      async (assignment) => {
        (assignment.input as { text: string }).text = 'mine';
        return good(assignment);
      },
      'it changes nothing of what it is given',
    ],
    [
      'needs to write into its assignment',
      async (assignment) => {
        (assignment.input as { text: string }).text = 'mine';
        return good(assignment);
      },
      'it can do its work with what cannot be changed',
    ],
    ['tries again by itself', patient, 'it does not try again by itself after a busy counterpart', options],
    ['hides a failure', patient, 'it tells a busy counterpart for what it is', options],
    ['forgets the key', forgetful, 'what it does to others, it does once for a key', options],
    ['does not listen', deaf, 'it stops when it is told to', options],
  ])('%s', async (_, execute, name, given) => {
    expect(await failing(agentOf(execute), given)).toContain(name);
  });

  it.each<[string, Partial<AgentDetails>, string]>([
    ['estimates what is no amount', { estimate: () => 0.1 + 0.2 }, 'it estimates an amount for each input'],
    [
      'estimates by chance',
      { estimate: () => Math.floor(Math.random() * 1e9) / 1e6 },
      'it estimates the same input the same',
    ],
    ['estimates more than it may cost', { estimate: () => 3 }, 'it estimates no more than a call may cost'],
    ['counts halves of tokens', { countTokens: () => 1.5 }, 'it counts whole tokens'],
  ])('%s', async (_, details, name) => {
    expect(await failing(agentOf(good, details))).toContain(name);
  });

  it('was not made as an agent', async () => {
    expect(await failing({ ...agentOf(good) })).toContain('it was made by agent()');
  });

  it('takes no input that could be made', async () => {
    const inputSchema = {
      type: 'object',
      properties: { a: { type: 'string', pattern: '^(?=x)x$' } },
      required: ['a'],
    };
    const choosy = agent.from(
      { capabilities: ['choose'], inputSchema, outputSchema: OUTPUT, execute: good },
      { name: 'choosy', model: 'local' },
    );
    expect(await failing(choosy)).toContain('there is an input to try it with');
    expect(await failing(choosy, { inputs: [{ a: 'x' }] })).toEqual([]);
  });
});

describe('a stub', () => {
  const contract = { capabilities: ['count'], inputSchema: INPUT, outputSchema: OUTPUT } as const;
  const ask = async (made: Agent, id: string) => made.execute({ id } as Assignment);

  it('answers the same to the same id, and otherwise to others', async () => {
    const [one, again]: Agent[] = [stub(contract), stub(contract)];
    expect(await ask(one!, 'a')).toEqual(await ask(again!, 'a'));
    const answers = await Promise.all([...'abcdefgh'].map((id) => ask(one!, id)));
    expect(new Set(answers.map(({ output }) => output['words'])).size).toBeGreaterThan(2);
  });

  it('answers with what it is given, where nothing can be made', async () => {
    const outputSchema = {
      type: 'object',
      properties: { a: { type: 'string', pattern: '^(?=x)x$' } },
      required: ['a'],
    } as const;
    expect(() => stub({ ...contract, outputSchema })).toThrow(
      /#\/outputSchema is met by no value that can be made/,
    );
    expect(() => stub({ ...contract, outputSchema, outputs: [{ a: 'y' }] })).toThrow(/#\/outputs\/0 breaks/);
    expect(() => stub({ ...contract, outputSchema, outputs: [] })).toThrow(
      /#\/outputs must have at least one/,
    );
    const given = stub({ ...contract, outputSchema, outputs: [{ a: 'x' }] });
    expect((await ask(given, 'any')).output).toEqual({ a: 'x' });
  });

  it('is refused when its contract is', () => {
    expect(() => stub({ ...contract, capabilities: [], inputSchema: { type: 'x' } })).toThrow(
      /#\/inputSchema[^]*#\/capabilities/,
    );
  });
});
