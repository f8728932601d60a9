/**
 * A service that fails in every way that is known, on demand: an OpenAI-compatible model under `/v1`, and an agent of the house's own
 * HTTP wire under `/task`. It listens on a free port of the loopback.
 *
 * What it is to do next is said by `plan`; when nothing is planned it answers well. It counts what arrives by idempotency key, and does
 * the work of a key once: whoever asks again with the same key gets the same answer.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Behaviour = keyof typeof BEHAVIOURS;

export interface Upstream {
  readonly url: string;
  /** What the next requests meet, one after the other. */
  plan(...behaviours: Behaviour[]): void;
  /** What it says when it answers well, to all requests from now on. */
  say(answer: Record<string, unknown>): void;
  /** How many requests have arrived: all, or those with this idempotency key. */
  hits(idempotencyKey?: string): number;
  /** How often work was done, and billed. */
  works(idempotencyKey?: string): number;
  /** All that have arrived, in order. */
  readonly requests: readonly Received[];
  close(): Promise<void>;
}

export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
  readonly behaviour: Behaviour;
  /** Whoever has asked has hung up before the answer. */
  isAborted: boolean;
}

interface Exchange {
  readonly response: ServerResponse;
  readonly received: Received;
  /** What would be said if all went well; counts as work. */
  readonly answer: () => Record<string, unknown>;
}

type Behave = (exchange: Exchange) => void;

const asJson =
  (status: number, body: unknown, headers: Record<string, string> = {}): Behave =>
  ({ response }) => {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
const error = (status: number, code: string, message: string, headers?: Record<string, string>): Behave =>
  asJson(status, { error: { message, code, type: code } }, headers);
const instead =
  (change: (choice: Choice) => Partial<Choice>): Behave =>
  ({ response, answer }) => {
    const body = answer() as unknown as { choices: [Choice] };
    const [choice] = body.choices;
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ ...body, choices: [{ ...choice, ...change(choice) }] }));
  };

interface Choice {
  readonly message: { readonly role: string; readonly content: string | null };
  readonly finish_reason: string;
}

const saying = (content: string | null): Pick<Choice, 'message'> => ({
  message: { role: 'assistant', content },
});

/** Those of a model alone (`instead`) make no sense under `/task`. */
export const BEHAVIOURS = {
  well: ({ response, answer }) => asJson(200, answer())({ response } as Exchange),

  'rate-limited': error(429, 'rate_limit_exceeded', 'Rate limit reached', { 'Retry-After': '2' }),
  'rate-limited-ms': error(429, 'rate_limit_exceeded', 'Rate limit reached', {
    'Retry-After': '3',
    'Retry-After-Ms': '2500',
  }),
  'rate-limited-until': error(429, 'rate_limit_exceeded', 'Rate limit reached', {
    'Retry-After': 'Wed, 21 Oct 2099 07:28:00 GMT',
  }),
  'quota-exceeded': error(429, 'insufficient_quota', 'You exceeded your current quota'),
  'payment-required': error(402, 'payment_required', 'Payment required'),
  'server-error': error(500, 'internal_error', 'The server had an error'),
  'bad-gateway': ({ response }) => {
    response.writeHead(502, { 'Content-Type': 'text/html' }).end('<html>502 Bad Gateway</html>');
  },
  unavailable: error(503, 'unavailable', 'Come back later', { 'Retry-After': '1' }),
  'gateway-timeout': error(504, 'timeout', 'Gateway timeout'),
  unauthorised: error(401, 'invalid_api_key', 'Incorrect API key provided'),
  forbidden: error(403, 'forbidden', 'Not allowed'),
  'bad-request': error(400, 'invalid_request_error', 'Unknown parameter'),
  'not-found': error(404, 'model_not_found', 'The model does not exist'),
  'context-length': error(
    400,
    'context_length_exceeded',
    "This model's maximum context length is 2048 tokens. However, your messages resulted in 5500 tokens.",
  ),
  'filtered-request': error(400, 'content_filter', 'The prompt was filtered'),
  redirect: ({ response }) => {
    response.writeHead(307, { Location: '/v1/elsewhere' }).end();
  },

  reset: ({ response }) => {
    response.socket?.resetAndDestroy();
  },
  'reset-midway': ({ response }) => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '5000' });
    response.write('{"choices":[', () => response.socket?.resetAndDestroy());
  },
  /** Never answers. */
  hang: () => {},
  html: ({ response }) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><h1>Sign in</h1>');
  },
  'cut-json': ({ response, answer }) => {
    const whole = JSON.stringify(answer());
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(whole.slice(0, whole.length / 2));
  },
  'empty-body': ({ response }) => {
    response.writeHead(200, { 'Content-Type': 'application/json' }).end();
  },

  'no-usage': ({ response, answer }) => {
    const { usage: _, ...rest } = answer();
    asJson(200, rest)({ response } as Exchange);
  },
  'empty-usage': ({ response, answer }) => asJson(200, { ...answer(), usage: {} })({ response } as Exchange),
  silent: instead(() => saying('')),
  prose: instead(() => saying('Sure! Here is your answer: it depends.')),
  'fenced-json': instead(({ message }) => saying(`\`\`\`json\n${message.content}\n\`\`\``)),
  'json-list': instead(() => saying('[1,2]')),
  'wrong-schema': instead(() => saying('{"decision":"maybe"}')),
  'length-cut': instead(({ message }) => ({
    ...saying(message.content!.slice(0, 5)),
    finish_reason: 'length',
  })),
  'filtered-answer': instead(() => ({ ...saying('I'), finish_reason: 'content_filter' })),
} satisfies Record<string, Behave>;

export async function faultServer(): Promise<Upstream> {
  const planned: Behaviour[] = [];
  const requests: Received[] = [];
  const done = new Map<string, Record<string, unknown>>();
  const works: string[] = [];
  let said: Record<string, unknown> = { decision: 'yes' };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = JSON.parse(await textOf(request)) as Record<string, unknown>;
    const behaviour = planned.shift() ?? 'well';
    const received: Received = {
      path: request.url ?? '',
      headers: request.headers,
      body,
      behaviour,
      isAborted: false,
    };
    requests.push(received);
    response.on('close', () => {
      received.isAborted = !response.writableFinished;
    });
    const key = keyOf(received);
    const answer = (): Record<string, unknown> => {
      const before = key === undefined ? undefined : done.get(key);
      if (before !== undefined) return before;
      const made = received.path.startsWith('/task') ? resultOf(body, said) : completionOf(said);
      works.push(key ?? '');
      if (key !== undefined) done.set(key, made);
      return made;
    };
    const behave: Behave = BEHAVIOURS[behaviour];
    behave({ response, received, answer });
  };
  const server = createServer((request, response) => {
    serve(request, response).catch((error: Error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    plan: (...behaviours) => void planned.push(...behaviours),
    say: (answer) => void (said = answer),
    hits: (wanted) =>
      requests.filter((received) => wanted === undefined || keyOf(received) === wanted).length,
    works: (wanted) => works.filter((key) => wanted === undefined || key === wanted).length,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function keyOf({ headers }: Received): string | undefined {
  const key = headers['idempotency-key'];
  return typeof key === 'string' ? key : undefined;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8') || '{}';
}

/** What a model of OpenAI would answer. 100 tokens in, of which 40 were cached; 20 out, of which 5 were thoughts. */
function completionOf(said: Record<string, unknown>): Record<string, unknown> {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'stub-1-2026',
    choices: [{ index: 0, ...saying(JSON.stringify(said)), finish_reason: 'stop' }],
    usage: {
      prompt_tokens: 100,
      completion_tokens: 20,
      total_tokens: 120,
      prompt_tokens_details: { cached_tokens: 40 },
      completion_tokens_details: { reasoning_tokens: 5 },
    },
  };
}

function resultOf({ id }: Record<string, unknown>, output: Record<string, unknown>): Record<string, unknown> {
  return {
    id,
    status: 'success',
    output,
    metadata: { cost: 0.01, duration: 1, model: 'stub-1', confidence: 0.9 },
  };
}
