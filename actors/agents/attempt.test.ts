// The lie: "an agent that breaks its contract gets its answer taken anyway, or takes the orchestrator down with it".
import { describe, expect, it } from 'vitest';
import { agent, attempt, FaultError, failure, REPAIRS, result } from 'heddle/actors';
import type {
  Agent,
  AgentDetails,
  Assignment,
  AttemptOutcome,
  Micros,
  TaskMetadata,
  TaskResult,
} from 'heddle/actors';
import { OrderedFault } from './fault-error.ts';

const INPUT = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } as const;
const OUTPUT = {
  type: 'object',
  properties: { words: { type: 'integer' } },
  required: ['words'],
  additionalProperties: false,
} as const;
const metadata: TaskMetadata = { cost: 0.25, duration: 1, model: 'local', confidence: 0.9 };

type Execute = (assignment: Assignment) => Promise<TaskResult>;

const agentOf = (execute: Execute, details: Partial<AgentDetails> = {}): Agent =>
  agent.from(
    { capabilities: ['count'], inputSchema: INPUT, outputSchema: OUTPUT, execute },
    { name: 'counter', model: 'local', ...details },
  );

const assignmentOf = (parts: Partial<Assignment> = {}): Assignment => ({
  id: 'report/7/count',
  input: { text: 'one two' },
  context: { workflow: 'report', run: 'report/7', task: 'count', values: {} },
  constraints: { maxCost: 1, timeout: 1000, qualityThreshold: 0.8 },
  idempotencyKey: 'report/7/count#1',
  attempt: 1,
  signal: new AbortController().signal,
  traceparent: undefined,
  ...parts,
});

/** What comes of an answer, whatever it is. */
const of = (answer: unknown, details?: Partial<AgentDetails>): Promise<AttemptOutcome> =>
  attempt(
    agentOf(async () => answer as TaskResult, details),
    assignmentOf(),
  );

const answer = (parts: object = {}): unknown => ({
  ...result(assignmentOf(), { output: { words: 2 }, ...metadata }),
  ...parts,
});
const pointersOf = ({ fault }: AttemptOutcome) => fault?.problems?.map(({ pointer }) => pointer);

describe('an answer that keeps the contract', () => {
  it('is the result, frozen, with its cost in micro-units and its duration as measured here', async () => {
    const outcome = await of(answer());
    expect(outcome).toEqual({
      result: { id: 'report/7/count', status: 'success', output: { words: 2 }, metadata },
      cost: 250_000,
      durationMs: expect.any(Number),
    });
    expect(Object.isFrozen(outcome.result!.output)).toBe(true);
  });

  it('is taken even if it is less sure than wanted: that is not judged here', async () => {
    expect(await of(answer({ metadata: { ...metadata, confidence: 0 } }))).toHaveProperty('result');
  });

  it('may cost all that it may cost', async () => {
    expect(await of(answer({ metadata: { ...metadata, cost: 1 } }))).toHaveProperty('cost', 1_000_000);
  });
});

describe('what an agent is given', () => {
  it('is a copy that cannot be changed, and of the context what it declares', async () => {
    const given = assignmentOf();
    const { context } = given;
    let seen: Assignment | undefined;
    const values = { topic: { title: 'tides' }, salary: 7 };
    const watching = agentOf(
      async (assignment) => {
        seen = assignment;
        return failure(assignment, metadata);
      },
      { contextKeys: ['topic', 'missing'] },
    );
    await attempt(watching, { ...given, context: { ...context, values } });
    expect(seen).toEqual({ ...given, context: { ...context, values: { topic: { title: 'tides' } } } });
    expect(seen!.signal).toBe(given.signal);
    expect(seen!.input).not.toBe(given.input);
    for (const part of [seen, seen!.input, seen!.context.values['topic'], seen!.constraints])
      expect(Object.isFrozen(part)).toBe(true);
  });

  it.each<[string, Partial<Assignment>, string]>([
    ['an input that breaks its schema', { input: { text: 7 } }, '#/input/text'],
    ['an input without what it needs', { input: {} }, '#/input/text'],
    ['an input that is no data', { input: { text: 'x', more: () => 1 } }, '#/input/more'],
    ['an input that is no object', { input: [] as never }, '#/input'],
    [
      'a cost that is none',
      { constraints: { ...assignmentOf().constraints, maxCost: 0.1 + 0.2 } },
      '#/constraints/maxCost',
    ],
  ])('is never %s', async (_, parts, pointer) => {
    let asked = 0;
    const watching = agentOf(async () => {
      asked++;
      return answer() as TaskResult;
    });
    const outcome = await attempt(watching, assignmentOf(parts));
    expect(outcome.fault?.class).toBe('invalid-input');
    expect(pointersOf(outcome)).toEqual([pointer]);
    expect(asked).toBe(0);
  });
});

describe('an answer that breaks the contract', () => {
  it.each<[string, unknown, string[]]>([
    ['nothing', undefined, ['#']],
    ['a text', 'done', ['#']],
    ['another id', answer({ id: 'report/8/count' }), ['#/id']],
    ['no id', answer({ id: undefined }), ['#/id']],
    ['a status that there is not', answer({ status: 'done' }), ['#/status']],
    ['no metadata', answer({ metadata: undefined }), ['#/metadata']],
    [
      'metadata without anything',
      answer({ metadata: {} }),
      ['cost', 'duration', 'model', 'confidence'].map((name) => `#/metadata/${name}`),
    ],
    [
      'a cost that is no number',
      answer({ metadata: { ...metadata, cost: Number.NaN } }),
      ['#/metadata/cost'],
    ],
    ['a cost below nothing', answer({ metadata: { ...metadata, cost: -1 } }), ['#/metadata/cost']],
    [
      'a cost that was added up with floats',
      answer({ metadata: { ...metadata, cost: 0.1 + 0.2 } }),
      ['#/metadata/cost'],
    ],
    ['a cost in a text', answer({ metadata: { ...metadata, cost: '1' } }), ['#/metadata/cost']],
    [
      'a duration that is no number',
      answer({ metadata: { ...metadata, duration: Number.NaN } }),
      ['#/metadata/duration'],
    ],
    [
      'a duration without end',
      answer({ metadata: { ...metadata, duration: Infinity } }),
      ['#/metadata/duration'],
    ],
    ['a negative duration', answer({ metadata: { ...metadata, duration: -1 } }), ['#/metadata/duration']],
    ['no model', answer({ metadata: { ...metadata, model: '' } }), ['#/metadata/model']],
    ['more than sure', answer({ metadata: { ...metadata, confidence: 1.01 } }), ['#/metadata/confidence']],
    ['less than unsure', answer({ metadata: { ...metadata, confidence: -0.01 } }), ['#/metadata/confidence']],
    [
      'a confidence that is no number',
      answer({ metadata: { ...metadata, confidence: Number.NaN } }),
      ['#/metadata/confidence'],
    ],
    ['all of it', { id: 1, status: 2, metadata: 3 }, ['#/id', '#/metadata', '#/status']],
  ])('%s', async (_, given, pointers) => {
    const outcome = await of(given);
    expect(outcome.fault?.class).toBe('contract-violation');
    expect(pointersOf(outcome)).toEqual(pointers);
    expect(outcome).not.toHaveProperty('output');
  });

  it('more cost than allowed: it was spent all the same', async () => {
    const outcome = await of(answer({ metadata: { ...metadata, cost: 1.000001 } }));
    expect(outcome.fault).toMatchObject({ class: 'contract-violation', cost: 1_000_001 });
    expect(outcome.fault?.problems).toEqual([
      {
        pointer: '#/metadata/cost',
        keyword: 'maximum',
        schemaPath: '#',
        expected: 1,
        detail: 'is more than it may cost',
      },
    ]);
  });

  it('cost where it may cost nothing: it says where that stands', async () => {
    const constraints = { maxCost: 0, timeout: 1000, qualityThreshold: 0.8 };
    const paid = agentOf(async () => answer() as TaskResult);
    const outcome = await attempt(paid, assignmentOf({ constraints }));
    expect(outcome.fault?.message).toBe(
      'the answer breaks the contract: #/metadata/cost is more than it may cost, which is nothing: give the agent an estimate, or the task a maxCost',
    );
  });

  it('a cost that can be believed is kept, whatever else is wrong', async () => {
    const outcome = await of(answer({ status: 'done', metadata: { ...metadata, confidence: 7 } }));
    expect(outcome.fault?.cost).toBe(250_000);
  });

  it('what throws when it is looked at', async () => {
    const given = {
      get id(): string {
        throw new Error('no');
      },
    };
    expect((await of(given)).fault).toEqual({
      class: 'contract-violation',
      message: 'the answer cannot be read: Error: no',
    });
  });
});

describe('an output that breaks its schema', () => {
  it('is no output: it is kept apart, with what is wrong and what it has cost', async () => {
    const outcome = await of(answer({ output: { words: 'two', secret: 1 } }));
    expect(outcome).not.toHaveProperty('output');
    expect(outcome).not.toHaveProperty('result');
    expect(outcome.fault).toMatchObject({ class: 'schema-mismatch', cost: 250_000 });
    expect(pointersOf(outcome)?.toSorted()).toEqual(['#/secret', '#/words']);
    expect(outcome).toMatchObject({
      metadata,
      quarantined: { text: '{"secret":1,"words":"two"}', isCut: false },
    });
  });

  it.each<[string, unknown]>([
    ['a function', { words: () => 2 }],
    ['a cycle', cyclic()],
    [
      'an instance of a class',
      new (class {
        words = 2;
      })(),
    ],
    ['a __proto__', JSON.parse('{"words":2,"__proto__":{"admin":true}}')],
    [
      'a getter that throws',
      {
        get words(): number {
          throw new Error('no');
        },
      },
    ],
    ['nothing', undefined],
    ['a list', []],
  ])('so is what cannot be kept: %s', async (_, output) => {
    const outcome = await of(answer({ output }));
    expect(outcome.fault?.class).toBe('schema-mismatch');
    expect(structuredClone(outcome)).toEqual(outcome);
  });

  it('is kept in part when it is long', async () => {
    const outcome = await of(answer({ output: { words: 'x'.repeat(1_000_000) } }));
    expect(outcome).toMatchObject({
      quarantined: { isCut: true, characters: 1_000_012, digest: expect.stringMatching(/^sha256:/) },
    });
    expect(JSON.stringify(outcome).length).toBeLessThan(20_000);
  });

  it('is repaired as far as the contract says, and only for others to decide', async () => {
    const broken = answer({ output: { words: '2', more: null } });
    expect(await of(broken)).not.toHaveProperty('repaired');
    const outcome = await of(broken, { repairs: ['drop-unknown-fields', 'numbers-from-text'] });
    expect(outcome.fault?.class).toBe('schema-mismatch');
    expect(outcome).toMatchObject({
      repaired: {
        output: { words: 2 },
        applied: [{ repair: 'drop-unknown-fields' }, { repair: 'numbers-from-text' }],
      },
    });
    expect(await of(broken, { repairs: ['drop-unknown-fields'] })).not.toHaveProperty('repaired');
  });
});

describe('an agent that says it could not', () => {
  it('has failed, and what it says is evidence', async () => {
    const outcome = await of(failure(assignmentOf(), { ...metadata, output: { why: 'no source' } }));
    expect(outcome).toMatchObject({
      fault: { class: 'agent-failure', cost: 250_000 },
      quarantined: { text: '{"why":"no source"}' },
    });
  });

  it('may ask for a person, who gets its output', async () => {
    const outcome = await of(answer({ status: 'needs_review' }));
    expect(outcome).toMatchObject({
      fault: { class: 'needs-review', cost: 250_000 },
      output: { words: 2 },
      metadata,
    });
    expect(outcome).not.toHaveProperty('result');
  });

  it('may ask for a person without an output that keeps the contract', async () => {
    const outcome = await of(answer({ status: 'needs_review', output: {} }));
    expect(outcome).not.toHaveProperty('output');
    expect(outcome).toMatchObject({ fault: { class: 'needs-review' }, quarantined: { text: '{}' } });
    expect(pointersOf(outcome)).toEqual(['#/words']);
  });
});

describe('an agent that throws', () => {
  const thrown = (error: unknown, details?: Partial<AgentDetails>) =>
    attempt(
      agentOf(async () => {
        throw error;
      }, details),
      assignmentOf(),
    );

  it('a fault is told as it is', async () => {
    const fault = {
      class: 'rate-limit',
      message: 'slow down',
      code: 429,
      retryAfterMs: 5,
      cost: 3 as Micros,
    } as const;
    expect((await thrown(new FaultError(fault))).fault).toEqual(fault);
  });

  it.each([
    'no-agent',
    'budget-exhausted',
    'cancelled',
    'invalid-input',
    'factually-wrong',
    'low-confidence',
  ] as const)('what only those can say who give the work is a failure of the agent: %s', async (name) => {
    const said = { class: name, message: 'so it says', code: 'halted' };
    expect((await thrown(new FaultError(said))).fault).toEqual({ ...said, class: 'agent-failure' });
    expect((await thrown(new OrderedFault(said))).fault).toEqual(said);
  });

  it('stays what it is where what is said with it cannot be kept, or is more than helps anybody', async () => {
    const half = '\ud83d';
    const problem = { pointer: '#/a', keyword: 'k', schemaPath: '#', detail: `wrong ${half}` };
    const deep: unknown = JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`);
    const said = {
      ...{
        class: 'rate-limit',
        message: `slow down ${half}`,
        code: half,
        retryAfterMs: 7,
        answer: `{"a":"${half}`,
      },
      ...{
        cost: 500_000 as Micros,
        problems: [{ ...problem, expected: deep }, ...Array<object>(200).fill(problem)],
      },
    } as const;
    const { fault } = await thrown(new FaultError(said as never));
    const kept = { ...problem, detail: 'wrong \ufffd' };
    expect(fault).toEqual({
      ...{
        class: 'rate-limit',
        message: 'slow down \ufffd',
        code: '\ufffd',
        retryAfterMs: 7,
      },
      ...{ cost: 500_000, problems: Array<object>(100).fill(kept) },
    });
  });

  it.each<[string, unknown, string]>([
    ['an error', new TypeError('x is not a function'), 'TypeError: x is not a function'],
    ['a text', 'oops', 'oops'],
    ['nothing', undefined, 'undefined'],
    ['what has no text', Object.create(null), 'something that cannot be described'],
    ['half a character', new Error('\ud800'), 'Error: \ufffd'],
    [
      'a fault that is none',
      new FaultError({ class: 'bad-luck' as never, message: 'x' }),
      'FaultError: bad-luck: x',
    ],
    [
      'a fault with half a micro-unit of cost',
      new FaultError({ class: 'crash', message: 'x', cost: 0.5 as Micros }),
      'FaultError: crash: x',
    ],
    [
      'a fault that cannot be kept',
      new FaultError({ class: 'crash', message: 'x', code: (() => 1) as never }),
      'FaultError: crash: x',
    ],
    [
      'a fault whose answer is no text',
      new FaultError({ class: 'not-parseable', message: 'x', answer: 7 as never }),
      'FaultError: not-parseable: x',
    ],
    [
      'a fault that names places as nobody does',
      new FaultError({ class: 'schema-mismatch', message: 'x', problems: ['#/a'] as never }),
      'FaultError: schema-mismatch: x',
    ],
    [
      'what throws when it is looked at',
      new Proxy(
        {},
        {
          getPrototypeOf() {
            throw new Error('do not look');
          },
        },
      ),
      'what it has thrown cannot be read: Error: do not look',
    ],
  ])('%s is a crash', async (_, error, message) => {
    expect((await thrown(error)).fault).toEqual({ class: 'crash', message });
  });

  it('at once, without a promise, too', async () => {
    const outcome = await attempt(
      agentOf(() => {
        throw new Error('at once');
      }),
      assignmentOf(),
    );
    expect(outcome.fault?.message).toBe('Error: at once');
  });

  it('what is too long is cut', async () => {
    expect((await thrown(new Error('x'.repeat(1e6)))).fault?.message).toHaveLength(2000);
  });

  it('an answer that was no answer yet is evidence, and may be repaired', async () => {
    const fault = {
      class: 'not-parseable',
      message: 'no JSON',
      answer: '```json\n{"words": 2,}\n```',
    } as const;
    const outcome = await thrown(new FaultError(fault), { repairs: [...REPAIRS] });
    expect(outcome.fault).toEqual({ class: 'not-parseable', message: 'no JSON' });
    expect(outcome).toMatchObject({
      quarantined: { text: fault.answer },
      repaired: {
        output: { words: 2 },
        applied: [{ repair: 'strip-code-fence' }, { repair: 'trim-trailing-commas' }],
      },
    });
    expect(await thrown(new FaultError(fault))).not.toHaveProperty('repaired');
  });

  it('a result that was no answer yet is evidence, and is not mended into an output', async () => {
    const answer = '```json\n{"id": "x", "status": "failure", "output": {"words": 2}}\n```';
    const fault = { class: 'not-parseable', message: 'no JSON', answer, isWhole: true } as const;
    const contract = { outputSchema: { type: 'object' }, repairs: [...REPAIRS] } as const;
    const outcome = await thrown(new FaultError(fault), contract);
    expect(outcome.fault).toEqual({ class: 'not-parseable', message: 'no JSON' });
    expect(outcome).toMatchObject({ quarantined: { text: answer } });
    expect(outcome).not.toHaveProperty('repaired');
  });
});

describe('an attempt that is not wanted any more', () => {
  it.each<[string, unknown, object]>([
    ['because its time is over', new DOMException('too long', 'TimeoutError'), { class: 'timeout' }],
    [
      'because the run was cancelled',
      new Error('cancelled by ada'),
      { class: 'cancelled', message: 'Error: cancelled by ada' },
    ],
    [
      'for a reason that is a fault',
      new FaultError({ class: 'budget-exhausted', message: 'halted' }),
      { class: 'budget-exhausted' },
    ],
    ['for no reason', undefined, { class: 'cancelled' }],
  ])('%s ends at once, though the agent does not listen', async (_, reason, fault) => {
    const stop = new AbortController();
    const deaf = agentOf(() => new Promise<TaskResult>(() => {}));
    const outcome = attempt(deaf, assignmentOf({ signal: stop.signal }));
    stop.abort(reason);
    expect((await outcome).fault).toMatchObject(fault);
  });

  it('is not begun', async () => {
    let asked = 0;
    const watching = agentOf(async () => {
      asked++;
      return answer() as TaskResult;
    });
    const outcome = await attempt(watching, assignmentOf({ signal: AbortSignal.abort(new Error('before')) }));
    expect(outcome.fault).toEqual({ class: 'cancelled', message: 'Error: before', cost: 0 });
    expect(asked).toBe(0);
  });

  it('is told by the reason, whatever the agent makes of the abort', async () => {
    const stop = new AbortController();
    const listening = agentOf(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('socket hang up')));
        }),
    );
    const outcome = attempt(listening, assignmentOf({ signal: stop.signal }));
    stop.abort(new DOMException('too long', 'TimeoutError'));
    expect((await outcome).fault?.class).toBe('timeout');
  });

  it('may still be answered, which is told apart', async () => {
    const stop = new AbortController();
    let reply: ((result: TaskResult) => void) | undefined;
    const late = new Promise<AttemptOutcome>((onLate) => {
      const slow = agentOf(() => new Promise((resolve) => (reply = resolve)));
      void attempt(slow, assignmentOf({ signal: stop.signal }), { onLate }).then(() =>
        reply!(answer() as TaskResult),
      );
    });
    await Promise.resolve();
    stop.abort();
    expect(await late).toMatchObject({ cost: 250_000, result: { output: { words: 2 } } });
  });
});

function cyclic(): object {
  const output: Record<string, unknown> = { words: 2 };
  output['self'] = output;
  return output;
}
