// The lie: "an endpoint was asked once, and whatever came back was taken for no more than it was". A real server on the loopback.
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../machines/faults/fault.ts';
import { faultServer } from '../../tests/upstream/fault-server.ts';
import type { Behaviour, Upstream } from '../../tests/upstream/fault-server.ts';
import { assignment, faultIn, timeOut, TRACEPARENT } from './assignments.testsuite.ts';
import { http } from './http.ts';

let upstream: Upstream;
beforeAll(async () => {
  upstream = await faultServer();
});
afterAll(() => upstream.close());

const endpoint = () => http({ url: `${upstream.url}/task`, headers: { Authorization: 'Bearer secret' } });

describe('an endpoint', () => {
  it('gets the envelope, the key and the trace, and its result comes back as it is', async () => {
    const task = assignment();
    const result = await endpoint()(task);
    expect(result).toEqual({
      id: task.id,
      status: 'success',
      output: { decision: 'yes' },
      metadata: { cost: 0.01, duration: 1, model: 'stub-1', confidence: 0.9 },
    });
    const { headers, body } = upstream.requests.at(-1)!;
    const { id, input, context, constraints, idempotencyKey } = task;
    expect(body).toEqual({ id, input, context, constraints });
    expect(headers).toMatchObject({
      'idempotency-key': idempotencyKey,
      traceparent: TRACEPARENT,
      authorization: 'Bearer secret',
      'content-type': 'application/json',
    });
  });

  it('does the work of a key once, however often it is asked', async () => {
    const task = assignment();
    const first = await endpoint()(task);
    expect(await endpoint()({ ...task, attempt: 2 })).toEqual(first);
    expect([upstream.hits(task.idempotencyKey), upstream.works(task.idempotencyKey)]).toEqual([2, 1]);
  });

  it.each<[Behaviour, Partial<Fault>]>([
    ['rate-limited', { class: 'rate-limit', code: 429, retryAfterMs: 2000 }],
    ['rate-limited-ms', { class: 'rate-limit', code: 429, retryAfterMs: 2500 }],
    ['quota-exceeded', { class: 'quota' }],
    ['payment-required', { class: 'quota' }],
    ['server-error', { class: 'server-error', code: 500 }],
    ['bad-gateway', { class: 'server-error', code: 502 }],
    ['unavailable', { class: 'unavailable', code: 503, retryAfterMs: 1000 }],
    ['gateway-timeout', { class: 'server-error', code: 504 }],
    ['unauthorised', { class: 'auth', code: 401 }],
    ['forbidden', { class: 'auth', code: 403 }],
    ['bad-request', { class: 'bad-request', code: 400 }],
    ['not-found', { class: 'bad-request', code: 404 }],
    ['context-length', { class: 'context-window', code: 400 }],
    ['filtered-request', { class: 'content-filter' }],
    ['redirect', { class: 'bad-request', code: 307 }],
    ['reset', { class: 'server-error' }],
    ['reset-midway', { class: 'server-error' }],
    ['html', { class: 'not-parseable', code: 200 }],
    ['cut-json', { class: 'not-parseable', isWhole: true }],
    ['empty-body', { class: 'empty' }],
  ])('that meets us with %s: a fault of its class, after one request', async (behaviour, expected) => {
    const task = assignment();
    upstream.plan(behaviour);
    expect(await faultIn(endpoint()(task))).toMatchObject(expected);
    expect([upstream.hits(task.idempotencyKey), upstream.requests.at(-1)!.behaviour]).toEqual([1, behaviour]);
  });

  it('that is gone is unavailable', async () => {
    const gone = await faultServer();
    await gone.close();
    expect(await faultIn(http({ url: gone.url })(assignment()))).toMatchObject({
      class: 'unavailable',
      code: 'ECONNREFUSED',
    });
  });

  it('that does not answer sees that nobody waits any more', async () => {
    const stop = new AbortController();
    const task = assignment({ signal: stop.signal });
    upstream.plan('hang');
    const fault = faultIn(endpoint()(task));
    await expect.poll(() => upstream.hits(task.idempotencyKey)).toBe(1);
    stop.abort(timeOut());
    expect(await fault).toEqual({ class: 'timeout', message: 'TimeoutError: its time is over' });
    await expect.poll(() => upstream.requests.at(-1)!.isAborted).toBe(true);
  });
});

describe('an answer that is strange', () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  async function answering(listener: RequestListener, options: { maxBodyBytes?: number } = {}) {
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    const { port } = server.address() as AddressInfo;
    return http({ url: `http://127.0.0.1:${port}/`, ...options });
  }
  const body =
    (status: number, type: string, content: string | Buffer): RequestListener =>
    (_, response) => {
      response.writeHead(status, { 'Content-Type': type }).end(content);
    };

  it('a problem names its class, its cost, and what is wrong with the input', async () => {
    const problem = {
      type: 'https://example.com/problems/too-long',
      title: 'Too long',
      detail: 'The text has 9,000 tokens',
      fault: 'context-window',
      cost: 0.002,
      errors: [
        {
          pointer: '#/text',
          keyword: 'maxLength',
          schemaPath: '#/properties/text',
          expected: 10,
          detail: 'long',
        },
      ],
    };
    const execute = await answering(
      body(422, 'application/problem+json; charset=utf-8', JSON.stringify(problem)),
    );
    const { message, ...fault } = await faultIn(execute(assignment()));
    expect(fault).toEqual({ class: 'context-window', code: 422, cost: 2000, problems: problem.errors });
    expect(message).toContain('The text has 9,000 tokens');
  });

  it.each([
    ['that only those may say who gave the work', { fault: 'budget-exhausted' }],
    ['that is none', { fault: 'whatever' }],
    ['with a cost that is no amount', { cost: -1 }],
    ['with errors that are none', { errors: ['bad', 7] }],
  ])('a problem %s is what its status says', async (_, problem) => {
    const execute = await answering(body(500, 'application/problem+json', JSON.stringify(problem)));
    const fault = await faultIn(execute(assignment()));
    expect(fault).toEqual({ class: 'server-error', code: 500, message: expect.any(String) });
  });

  it.each<[string, string, string | Buffer, Partial<Fault>]>([
    ['JSON that is no object', 'application/json', '[]', { class: 'schema-mismatch', isWhole: true }],
    ['JSON that says it is text', 'text/plain', '{}', { class: 'not-parseable' }],
    [
      'bytes that are no text',
      'application/json',
      Buffer.from([0x7b, 0xff, 0x7d]),
      { class: 'not-parseable' },
    ],
  ])('%s', async (_, type, content, expected) => {
    const execute = await answering(body(200, type, content));
    expect(await faultIn(execute(assignment()))).toMatchObject(expected);
  });

  it.each<[string, number, Buffer, Partial<Fault>]>([
    [
      'is in another alphabet',
      503,
      Buffer.from('<h1>\u00dcberlastet</h1>', 'latin1'),
      { class: 'unavailable' },
    ],
    ['is longer than the bound', 429, Buffer.alloc(5000, 'x'), { class: 'rate-limit' }],
  ])('the page of an error that %s changes nothing about its status', async (_, status, page, expected) => {
    const execute = await answering(body(status, 'text/html', page), { maxBodyBytes: 1000 });
    expect(await faultIn(execute(assignment()))).toMatchObject({ ...expected, code: status });
  });

  it('one that is longer than the bound is not read to its end', async () => {
    let written = 0;
    const execute = await answering(
      (_, response) => {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536, ' '))) written += 65_536;
        };
        response.on('drain', more);
        more();
      },
      { maxBodyBytes: 1000 },
    );
    expect(await faultIn(execute(assignment()))).toMatchObject({
      class: 'not-parseable',
      message: /longer than 1000/,
    });
    expect(written).toBeLessThan(50_000_000);
  });

  it('one of exactly the bound is read', async () => {
    const result = JSON.stringify({ id: 'x' });
    const execute = await answering(body(200, 'application/json', result), { maxBodyBytes: result.length });
    expect(await execute(assignment())).toEqual({ id: 'x' });
  });
});

describe('options that make no sense are refused when they are given', () => {
  it.each([
    ['http.url', { url: '/task' }],
    ['http.url', { url: 'ftp://example.com' }],
    ['http.url', { url: 'https://user:secret@example.com' }],
    ['http.maxBodyBytes', { url: 'https://example.com', maxBodyBytes: 0 }],
  ])('%s: %j', (path, options) => {
    expect(() => http(options)).toThrow(expect.objectContaining({ path }));
  });
});
