// The lie: "whatever the model did, the adapter called once, and said honestly what came of it and what it cost". A real provider package against a
// server that fails in every way, and the mocks of the AI SDK.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { MockLanguageModelV3 } from 'ai/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../machines/faults/fault.ts';
import { microsOf } from '../../machines/values/money.ts';
import { BEHAVIOURS, faultServer } from '../../tests/upstream/fault-server.ts';
import type { Behaviour, Upstream } from '../../tests/upstream/fault-server.ts';
import { priceTable } from '../agents/price.ts';
import { assignment, faultIn, timeOut, TRACEPARENT } from './assignments.testsuite.ts';
import { model } from './model.ts';
import type { ModelOptions } from './model.ts';

const PRICE = priceTable('the tests', [
  { from: '2020-01-01', input: 3, cachedInput: 0.3, output: 15, reasoning: 15 },
]);
/** 60 tokens read anew, 40 from the cache, 20 written: 180 + 12 + 300 micro-units. */
const COST_MICROS = microsOf(0.000_492);

const OPTIONS = {
  prompt: ({ input }) => String(input['question']),
  output: 'json',
  confidence: () => 0.9,
  price: PRICE,
} satisfies ModelOptions;

let upstream: Upstream;
beforeAll(async () => {
  upstream = await faultServer();
});
afterAll(() => upstream.close());

function stub() {
  return createOpenAICompatible({
    name: 'stub',
    baseURL: `${upstream.url}/v1`,
    apiKey: 'secret-key',
    supportsStructuredOutputs: true,
  })('stub-1');
}

describe('a model that answers well', () => {
  it('gives its answer, with its cost, its name and its confidence', async () => {
    const task = assignment();
    const result = await model(stub(), OPTIONS)(task);
    expect(result).toEqual({
      id: task.id,
      status: 'success',
      output: { decision: 'yes' },
      metadata: {
        cost: COST_MICROS / 1e6,
        duration: expect.any(Number),
        model: 'stub.chat/stub-1-2026',
        confidence: 0.9,
        costSource: `price:${PRICE.hash}`,
        tokens: { input: 60, cachedInput: 40, cacheWrite: 0, output: 15, reasoning: 5 },
      },
    });
  });

  it('has got the prompt, the schema, the key and the trace', async () => {
    const outputSchema = { type: 'object', properties: { decision: { type: 'string' } } };
    const task = assignment();
    const options = {
      ...OPTIONS,
      system: 'Be brief.',
      outputSchema,
      maxOutputTokens: 50,
      settings: { temperature: 0, seed: 7 },
    };
    await model(stub(), options)(task);
    const { headers, body } = upstream.requests.at(-1)!;
    expect(headers).toMatchObject({ 'idempotency-key': task.idempotencyKey, traceparent: TRACEPARENT });
    expect(body).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Is it?' },
      ],
      max_tokens: 50,
      temperature: 0,
      seed: 7,
      response_format: { type: 'json_schema', json_schema: { schema: outputSchema } },
    });
  });

  it('does the work of a key once, however often it is asked', async () => {
    const task = assignment();
    const execute = model(stub(), OPTIONS);
    await execute(task);
    await execute({ ...task, attempt: 2 });
    expect([upstream.hits(task.idempotencyKey), upstream.works(task.idempotencyKey)]).toEqual([2, 1]);
  });

  it('is read by a function, which says how sure it was', async () => {
    upstream.plan('prose');
    const execute = model(stub(), {
      ...OPTIONS,
      output: (text, { input }) => ({ said: text.slice(0, 4), to: input['question'] }),
      confidence: ({ text, output, generated }) =>
        text.length > 4 && output['said'] === 'Sure' && generated.finishReason.unified === 'stop' ? 0.7 : 0,
    });
    const { output, metadata } = await execute(assignment());
    expect([output, metadata.confidence]).toEqual([{ said: 'Sure', to: 'Is it?' }, 0.7]);
    expect(upstream.requests.at(-1)!.body).not.toHaveProperty('response_format');
  });
});

describe('a model that fails', () => {
  const cost = COST_MICROS;
  it.each<[Behaviour, Partial<Fault>]>([
    ['rate-limited', { class: 'rate-limit', code: 429, retryAfterMs: 2000 }],
    ['rate-limited-ms', { class: 'rate-limit', code: 429, retryAfterMs: 2500 }],
    ['rate-limited-until', { class: 'rate-limit', code: 429, retryAfterMs: expect.any(Number) as number }],
    ['quota-exceeded', { class: 'quota', code: 429 }],
    ['payment-required', { class: 'quota', code: 402 }],
    ['server-error', { class: 'server-error', code: 500 }],
    ['bad-gateway', { class: 'server-error', code: 502 }],
    ['unavailable', { class: 'unavailable', code: 503, retryAfterMs: 1000 }],
    ['gateway-timeout', { class: 'server-error', code: 504 }],
    ['unauthorised', { class: 'auth', code: 401 }],
    ['forbidden', { class: 'auth', code: 403 }],
    ['bad-request', { class: 'bad-request', code: 400 }],
    ['not-found', { class: 'bad-request', code: 404 }],
    ['context-length', { class: 'context-window', code: 400 }],
    ['filtered-request', { class: 'content-filter', code: 400 }],
    ['reset', { class: 'server-error' }],
    ['reset-midway', { class: 'server-error' }],
    ['html', { class: 'not-parseable', code: 200 }],
    ['cut-json', { class: 'not-parseable', code: 200 }],
    ['empty-body', { class: 'empty', code: 200 }],
    ['silent', { class: 'empty', cost }],
    ['prose', { class: 'not-parseable', cost, answer: 'Sure! Here is your answer: it depends.' }],
    ['fenced-json', { class: 'not-parseable', cost, answer: '```json\n{"decision":"yes"}\n```' }],
    ['json-list', { class: 'schema-mismatch', cost, answer: '[1,2]' }],
    ['length-cut', { class: 'truncated', cost, answer: '{"dec' }],
    ['filtered-answer', { class: 'content-filter', cost }],
    ['no-usage', { class: 'contract-violation' }],
    ['empty-usage', { class: 'contract-violation' }],
  ])('%s: is a fault of its class, after one call', async (behaviour, expected) => {
    const task = assignment();
    upstream.plan(behaviour);
    const fault = await faultIn(model(stub(), OPTIONS)(task));
    expect(fault).toMatchObject(expected);
    expect(fault.cost).toBe(expected.cost);
    expect([upstream.hits(task.idempotencyKey), upstream.requests.at(-1)!.behaviour]).toEqual([1, behaviour]);
    expect(JSON.stringify(fault)).not.toContain('secret-key');
  });

  it('all ways in which the server can fail are tried here', () => {
    // A wrong answer of the right form is found by whoever holds it against the schema; redirects are followed by the provider.
    const elsewhere = ['well', 'wrong-schema', 'hang', 'redirect'];
    const tried = new Set(upstream.requests.map(({ behaviour }) => behaviour));
    expect(
      Object.keys(BEHAVIOURS).filter((name) => !elsewhere.includes(name) && !tried.has(name as Behaviour)),
    ).toEqual([]);
  });

  it('nobody listens there', async () => {
    const gone = await faultServer();
    await gone.close();
    const nobody = createOpenAICompatible({ name: 'gone', baseURL: `${gone.url}/v1` })('stub-1');
    expect(await faultIn(model(nobody, OPTIONS)(assignment()))).toMatchObject({
      class: 'unavailable',
      code: 'ECONNREFUSED',
    });
  });

  it('passes on an answer that breaks the schema: that is for others to find', async () => {
    upstream.plan('wrong-schema');
    const { output } = await model(stub(), OPTIONS)(assignment());
    expect(output).toEqual({ decision: 'maybe' });
  });
});

describe('a call that is not wanted any more', () => {
  it.each([
    ['its time is over', timeOut(), { class: 'timeout', message: 'TimeoutError: its time is over' }],
    [
      'the run was cancelled',
      new Error('the run was cancelled'),
      { class: 'cancelled', message: 'Error: the run was cancelled' },
    ],
  ])('%s: the other side sees it, and the fault says why', async (_, reason, expected) => {
    const stop = new AbortController();
    const task = assignment({ signal: stop.signal });
    upstream.plan('hang');
    const fault = faultIn(model(stub(), OPTIONS)(task));
    await expect.poll(() => upstream.hits(task.idempotencyKey)).toBe(1);
    stop.abort(reason);
    expect(await fault).toEqual(expected);
    await expect.poll(() => upstream.requests.at(-1)!.isAborted).toBe(true);
  });

  it('is not made', async () => {
    const task = assignment({ signal: AbortSignal.abort(timeOut()) });
    expect(await faultIn(model(stub(), OPTIONS)(task))).toMatchObject({ class: 'timeout' });
    expect(upstream.hits(task.idempotencyKey)).toBe(0);
  });

  it('tells what it has cost when the model does not listen, and answers late', async () => {
    const stop = new AbortController();
    const late = stub();
    const deaf = {
      specificationVersion: 'v3',
      provider: 'deaf',
      modelId: 'm',
      doGenerate: async (options: object) => {
        stop.abort(timeOut());
        const { abortSignal: _, ...heard } = options as Parameters<typeof late.doGenerate>[0];
        return late.doGenerate(heard);
      },
    };
    const { metadata } = await model(deaf, OPTIONS)(assignment({ signal: stop.signal }));
    expect(metadata.cost).toBe(COST_MICROS / 1e6);
  });
});

describe('a request that does not fit into the window', () => {
  const options = {
    ...OPTIONS,
    maxOutputTokens: 48,
    // Four characters a token, with a margin of a fifth.
    window: { tokens: 2048, count: (messages) => Math.ceil((JSON.stringify(messages).length / 4) * 1.2) },
    prompt: ({ input }) => String(input['text']),
  } satisfies ModelOptions;

  it('is not made, and costs nothing', async () => {
    const task = assignment({ input: { text: 'x'.repeat(22_000) } });
    const fault = await faultIn(model(stub(), options)(task));
    expect(fault).toMatchObject({ class: 'context-window', cost: 0 });
    expect(upstream.hits(task.idempotencyKey)).toBe(0);
  });

  it.each([
    [2000, 1],
    [2001, 0],
    [Number.NaN, 0],
  ])('counts the answer too: %d tokens are asked %d times', async (counted, hits) => {
    const task = assignment({ input: { text: 'x' } });
    const window = { tokens: 2048, count: () => counted };
    await model(stub(), { ...options, window })(task).catch(() => {});
    expect(upstream.hits(task.idempotencyKey)).toBe(hits);
  });
});

describe('what an answer costs', () => {
  const usage = {
    inputTokens: { total: 100, noCache: 100, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: 20, text: 20, reasoning: undefined },
  };
  const answering = (changes: object = {}) =>
    new MockLanguageModelV3({
      provider: 'mock',
      modelId: 'm',
      doGenerate: {
        content: [{ type: 'text', text: '{"decision":"yes"}' }],
        finishReason: { unified: 'stop', raw: 'stop' },
        usage,
        warnings: [],
        ...changes,
      },
    });

  it('is what the provider says, before the price table', async () => {
    const mock = answering({ providerMetadata: { mock: { cost: 0.000_123_4 } } });
    const execute = model(mock, {
      ...OPTIONS,
      reportedCost: ({ providerMetadata }) => Number(providerMetadata?.['mock']?.['cost']),
    });
    const { metadata } = await execute(assignment());
    expect(metadata).toMatchObject({ cost: 0.000_124, costSource: 'provider', model: 'mock/m' });
    expect(mock.doGenerateCalls).toHaveLength(1);
  });

  it('is by the price table, when the provider says nothing', async () => {
    const execute = model(answering(), { ...OPTIONS, reportedCost: () => undefined });
    expect((await execute(assignment())).metadata.cost).toBe((100 * 3 + 20 * 15) / 1e6);
  });

  it.each([
    ['nothing was counted', { inputTokens: {}, outputTokens: {} }],
    ['no input was counted', { ...usage, inputTokens: { total: 0 } }],
    [
      'the parts are more than the whole',
      { ...usage, inputTokens: { total: 100, noCache: 90, cacheRead: 20 } },
    ],
    ['more was thought than written', { ...usage, outputTokens: { total: 20, reasoning: 30 } }],
    ['half a token', { ...usage, outputTokens: { total: 0.5 } }],
    ['a kind without a price', { ...usage, inputTokens: { total: 100, noCache: 50, cacheWrite: 50 } }],
  ])('is unknown, when %s: a fault without a cost', async (_, usage) => {
    const fault = await faultIn(model(answering({ usage }), OPTIONS)(assignment()));
    expect(fault).toEqual({
      class: 'contract-violation',
      message: 'the model answered, and nobody knows what it has cost',
    });
  });

  it('is what was reserved, when it is unknown and that was declared', async () => {
    const execute = model(answering({ usage: {} }), {
      ...OPTIONS,
      whenUsageIsMissing: 'charge-the-reservation',
    });
    const { metadata } = await execute(assignment());
    expect(metadata).toMatchObject({ cost: 0.5, costSource: 'reservation' });
  });

  it.each([
    [
      'whoever reads it fails',
      {
        output: () => {
          throw new Error('no number in it');
        },
      },
      'not-parseable',
    ],
    [
      'whoever judges it fails',
      {
        confidence: () => {
          throw new Error('a bug');
        },
      },
      'crash',
    ],
  ] as const)('is kept when %s', async (_, changes, expected) => {
    const fault = await faultIn(model(answering(), { ...OPTIONS, ...changes })(assignment()));
    expect(fault).toMatchObject({ class: expected, cost: 600 });
  });
});

describe('the versions of the specification', () => {
  const answer = { content: [{ type: 'text', text: '{}' }], warnings: [] };
  const usageV2 = {
    inputTokens: 100,
    outputTokens: 20,
    totalTokens: 120,
    cachedInputTokens: 40,
    reasoningTokens: 5,
  };
  const versioned = (
    specificationVersion: string,
    finishReason: string | { unified: string },
    usage: object,
  ) => ({
    specificationVersion,
    provider: 'p',
    modelId: 'm',
    doGenerate: async () => ({ ...answer, finishReason, usage }),
  });
  const usageV4 = {
    inputTokens: { total: 100, noCache: 60, cacheRead: 40, cacheWrite: 0 },
    outputTokens: { total: 20, text: 15, reasoning: 5 },
  };

  it.each([
    ['v2', 'stop', usageV2],
    ['v4', { unified: 'stop' }, usageV4],
  ])('%s is understood', async (version, finish, usage) => {
    const { metadata } = await model(versioned(version, finish, usage), OPTIONS)(assignment());
    expect(metadata.cost).toBe(COST_MICROS / 1e6);
  });

  it.each(['length', { unified: 'length' }])('an answer that was cut off is seen in %j', async (finish) => {
    const fault = await faultIn(model(versioned('v2', finish, usageV2), OPTIONS)(assignment()));
    expect(fault).toMatchObject({ class: 'truncated', cost: COST_MICROS });
  });

  it('in v2 it is not guessed whether a total holds what was cached', async () => {
    const usage = { ...usageV2, totalTokens: 165 };
    expect((await faultIn(model(versioned('v2', 'stop', usage), OPTIONS)(assignment()))).class).toBe(
      'contract-violation',
    );
  });

  it.each(['v1', 'v5'])('%s is refused', (version) => {
    expect(() => model(versioned(version, 'stop', {}), OPTIONS)).toThrow(
      /specificationVersion must be one of v2, v3, v4/,
    );
  });
});

describe('options that make no sense are refused when they are given', () => {
  it.each<[string, object]>([
    ['model.output', { output: 'text' }],
    ['model.confidence', { confidence: 0.9 }],
    ['model.price', { price: undefined }],
    [
      'model.price',
      {
        price: priceTable('of the future', [
          { from: '2999-01-01', input: 1, cachedInput: 1, output: 1, reasoning: 1 },
        ]),
      },
    ],
    ['model.maxOutputTokens', { maxOutputTokens: 0 }],
    ['model.maxOutputTokens', { window: { tokens: 100, count: () => 1 } }],
    ['model.settings.headers', { settings: { headers: {} } }],
  ])('%s', (path, changes) => {
    const options = { ...OPTIONS, ...changes } as ModelOptions;
    expect(() => model(new MockLanguageModelV3() as never, options)).toThrow(
      expect.objectContaining({ path }),
    );
  });

  it('a model by its name alone', () => {
    expect(() => model('openai/gpt' as never, OPTIONS)).toThrow(/must be a language model/);
  });
});
