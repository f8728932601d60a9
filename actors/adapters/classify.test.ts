// The lie: "each row of the table means what it says, and is needed". Each has an error here that only it fits first.
import { describe, expect, it } from 'vitest';
import type { FaultClass } from '../../machines/faults/fault.ts';
import { FaultError } from '../agents/fault-error.ts';
import { CLASSIFICATION, faultOf, symptomsOf } from './classify.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');

const answered = (statusCode: number, body: unknown = 'x') => ({
  name: 'AI_APICallError',
  message: 'failed',
  statusCode,
  responseBody: typeof body === 'string' ? body : JSON.stringify(body),
});
const failed = (code: string | number, message = 'failed') => Object.assign(new Error(message), { code });
const fetchFailed = (code: string) => new TypeError('fetch failed', { cause: failed(code) });
const named = (name: string) => Object.assign(new Error('failed'), { name });

/** For each row, by its situation, what looks like it. */
const LOOKS: Readonly<Record<string, readonly (readonly [looks: unknown, class_: FaultClass])[]>> = {
  'the account is used up': [[answered(402), 'quota']],
  'the account is used up, by its code': [
    [answered(429, { error: { code: 'insufficient_quota' } }), 'quota'],
    [answered(403, { error: { type: 'billing_error' } }), 'quota'],
  ],
  'the account is used up, in words': [
    [answered(400, { error: { message: 'Your credit balance is too low to access the API' } }), 'quota'],
  ],
  'the input is longer than the window, by its code': [
    [answered(400, { error: { code: 'context_length_exceeded' } }), 'context-window'],
    [answered(400, { error: { type: 'exceed_context_size_error' } }), 'context-window'],
  ],
  'the input is longer than the window, in words': [
    "This model's maximum context length is 8192 tokens",
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens",
    'prompt is too long: 214315 tokens > 200000 maximum',
    'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000',
    'The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).',
    'Input is too long for requested model.',
    'the request exceeds the available context size. try increasing the context size',
    '`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens',
    'too many tokens: total number of tokens in the prompt cannot exceed 4081',
  ].map((message) => [answered(400, { error: { message } }), 'context-window'] as const),
  'the content is refused': [
    [answered(400, { error: { code: 'content_filter' } }), 'content-filter'],
    [answered(400, { error: { code: 'content_policy_violation' } }), 'content-filter'],
  ],
  'the key is wrong, and it is called a bad request': [
    [answered(400, [{ error: { code: 400, details: [{ reason: 'API_KEY_INVALID' }] } }]), 'auth'],
  ],
  'too many requests': [[answered(429), 'rate-limit']],
  'not authenticated': [[answered(401), 'auth']],
  'not authorised': [[answered(403), 'auth']],
  'the proxy wants credentials': [[answered(407), 'auth']],
  'the other side waited too long for us': [[answered(408), 'timeout']],
  'in conflict with what is under way': [
    [answered(409), 'server-error'],
    [answered(425), 'server-error'],
  ],
  down: [[answered(503), 'unavailable']],
  overloaded: [[answered(529), 'unavailable']],
  failed: [500, 501, 502, 504, 520, 599].map((status) => [answered(status), 'server-error'] as const),
  'not taken': [400, 404, 405, 410, 413, 415, 422, 451].map(
    (status) => [answered(status), 'bad-request'] as const,
  ),
  'sent elsewhere': [[answered(302), 'bad-request']],
  'a connection that broke': [
    [fetchFailed('ECONNRESET'), 'server-error'],
    [fetchFailed('UND_ERR_SOCKET'), 'server-error'],
    [Object.assign(answered(200), { cause: failed('UND_ERR_SOCKET') }), 'server-error'],
    [failed('EPIPE'), 'server-error'],
  ],
  'nobody there': [
    [fetchFailed('ECONNREFUSED'), 'unavailable'],
    [fetchFailed('ENOTFOUND'), 'unavailable'],
    [fetchFailed('UND_ERR_CONNECT_TIMEOUT'), 'unavailable'],
    [new TypeError('fetch failed', { cause: new AggregateError([failed('ECONNREFUSED')]) }), 'unavailable'],
  ],
  'somebody else there': [[fetchFailed('CERT_HAS_EXPIRED'), 'unavailable']],
  silence: [[fetchFailed('UND_ERR_HEADERS_TIMEOUT'), 'timeout']],
  'an answer without a body': [[answered(200, ' \n'), 'empty']],
  'nothing in the answer': [[named('AI_NoContentGeneratedError'), 'empty']],
  'an answer that cannot be read': [[answered(200, '<html>'), 'not-parseable']],
  'an answer that is no JSON, or has not the form of one': [
    [named('AI_InvalidResponseDataError'), 'not-parseable'],
    [new SyntaxError('Unexpected token'), 'not-parseable'],
  ],
  'a tool has broken the schema that it declares': [
    [failed(-32602, "Structured content does not match the tool's output schema: …"), 'schema-mismatch'],
  ],
  'a tool has answered without what it declares': [
    [failed(-32600, 'Tool x has an output schema but did not return structured content'), 'not-parseable'],
  ],
  'the MCP client is not connected': [[failed('NOT_CONNECTED'), 'unavailable']],
  'an older MCP client is not connected': [[new Error('Not connected'), 'unavailable']],
  'the MCP client had no time left': [[failed('REQUEST_TIMEOUT'), 'timeout']],
  'an older MCP client had no time left': [
    [failed(-32001, 'MCP error -32001: Request timed out'), 'timeout'],
  ],
  'the MCP connection broke': [[failed('CONNECTION_CLOSED'), 'server-error']],
  'an MCP server answered what is no result': [[failed('INVALID_RESULT'), 'not-parseable']],
  'an MCP server wants to ask a person': [
    [failed('UNSUPPORTED_RESULT_TYPE'), 'needs-review'],
    [failed(-32042), 'needs-review'],
  ],
  'what an MCP server cannot do': [[failed('CAPABILITY_NOT_SUPPORTED'), 'bad-request']],
  'a JSON-RPC request that is not taken': [
    [failed(-32601), 'bad-request'],
    [{ name: 'A2AError', message: 'no', envelopeCode: -32602 }, 'bad-request'],
  ],
  'a JSON-RPC server that has failed': [
    [failed(-32603), 'server-error'],
    [failed(-32000), 'server-error'],
    [failed(-32001, 'not found'), 'server-error'],
  ],
  'credentials are missing': [[named('AI_LoadAPIKeyError'), 'auth']],
  'a request that cannot be made': [[named('AI_UnsupportedFunctionalityError'), 'bad-request']],
  'no time left': [[named('TimeoutError'), 'timeout']],
  aborted: [[named('AbortError'), 'cancelled']],
};

describe('the table', () => {
  it.each(CLASSIFICATION.map((row) => [row.situation, row] as const))('%s', (situation, row) => {
    const looks = LOOKS[situation] ?? [];
    expect(looks.length).toBeGreaterThan(0);
    for (const [error, expected] of looks) {
      const seen = symptomsOf(error);
      expect(CLASSIFICATION.find(({ fits }) => fits(seen))).toBe(row);
      expect(faultOf(error, NOW).class).toBe(expected);
    }
  });

  it('has no situation here that it does not have', () => {
    expect(
      Object.keys(LOOKS).filter((name) => !CLASSIFICATION.some(({ situation }) => situation === name)),
    ).toEqual([]);
  });
});

describe('what nobody recognises', () => {
  it.each([
    ['an error of a program', new TypeError('x is not a function')],
    ['a text', 'oops'],
    ['nothing', undefined],
    ['null', null],
    ['an exit code that looks like a status', { message: 'failed', code: 429 }],
    ['words alone', new Error('maximum context length')],
  ])('%s is a crash', (_, error) => {
    const fault = faultOf(error, NOW);
    expect(fault.class).toBe('crash');
    expect(fault.message).not.toBe('');
  });

  it('is what the adapter says, where that knows better', () => {
    expect(faultOf({ code: 7, message: 'no such customer' }, NOW, 'agent-failure')).toEqual({
      class: 'agent-failure',
      message: '7: no such customer',
      code: 7,
    });
  });
});

describe('a fault', () => {
  it('that was thrown as one is itself', () => {
    const fault = { class: 'truncated', message: 'cut' } as const;
    expect(faultOf(new FaultError(fault), NOW)).toBe(fault);
  });

  it.each<[string, Record<string, string>, number | undefined]>([
    ['seconds', { 'retry-after': '2' }, 2000],
    ['a date', { 'retry-after': 'Thu, 01 Jan 2026 00:00:05 GMT' }, 5000],
    ['a date that has passed', { 'retry-after': 'Wed, 31 Dec 2025 00:00:05 GMT' }, 0],
    ['ms, which go first', { 'retry-after': '2', 'Retry-After-Ms': '1500' }, 1500],
    ['ms that are not there', { 'retry-after': '2', 'retry-after-ms': '' }, 2000],
    ['no number of ms', { 'retry-after': '2', 'retry-after-ms': 'soon' }, 2000],
    ['neither', {}, undefined],
  ])('says how long to wait: %s', (_, responseHeaders, expected) => {
    expect(faultOf({ ...answered(429), responseHeaders }, NOW).retryAfterMs).toBe(expected);
  });

  it.each([
    // OpenAI, Anthropic.
    ['headers of fetch', { status: 429, headers: new Headers({ 'retry-after': '7' }) }],
    // axios, got, ky, Octokit.
    ['those of its response', { response: { status: 429, headers: { 'retry-after': '7' } } }],
    [
      'of a response of fetch',
      { response: new Response('', { status: 429, headers: { 'retry-after': '7' } }) },
    ],
  ])('says how long to wait, as clients do: %s', (_, fields) => {
    expect(faultOf(Object.assign(new Error('429'), fields), NOW)).toMatchObject({
      class: 'rate-limit',
      retryAfterMs: 7000,
      code: 429,
    });
    const within = new Error('failed', { cause: Object.assign(new Error('429'), fields) });
    expect(faultOf(within, NOW)).toMatchObject({ class: 'rate-limit', retryAfterMs: 7000 });
    expect(faultOf(new AggregateError([within]), NOW)).toMatchObject({ retryAfterMs: 7000 });
  });

  it.each([
    ['as text', { data: JSON.stringify({ error: { code: 'insufficient_quota', message: 'used up' } }) }],
    ['read already', { data: { error: { code: 'insufficient_quota', message: 'used up' } } }],
    ['as got calls it', { body: { error: { code: 'insufficient_quota', message: 'used up' } } }],
  ])('is what the body of its response says: %s', (_, body) => {
    const error = Object.assign(new Error('Request failed'), {
      code: 'ERR_BAD_REQUEST',
      response: { status: 429, ...body },
    });
    expect(faultOf(error, NOW)).toMatchObject({ class: 'quota', message: '429: Request failed; used up' });
  });

  it('is not looked for in a body that nobody has read', () => {
    const response = new Response('{"error":{"code":"insufficient_quota"}}', { status: 500 });
    expect(faultOf(Object.assign(new Error('x'), { response }), NOW).class).toBe('server-error');
    expect(response.bodyUsed).toBe(false);
  });

  it('says in words what the answer said, and not all of it', () => {
    const long = faultOf(answered(500, { error: { message: 'x'.repeat(50_000) } }), NOW);
    expect(long.message.length).toBeLessThan(1100);
    expect(faultOf(answered(404, { error: { message: 'no such model' } }), NOW).message).toBe(
      '404: failed; no such model',
    );
  });

  it('is found in an error that caused itself', () => {
    const error = new Error('round');
    error.cause = new Error('and round', { cause: error });
    expect(faultOf(error, NOW).class).toBe('crash');
  });

  it('has the status that a client of A2A puts into words', () => {
    const message =
      'HTTP error establishing stream for SendStreamingMessage: 429 Too Many Requests. Response: {}';
    expect(faultOf(new Error(message), NOW)).toMatchObject({ class: 'rate-limit', code: 429 });
  });
});
