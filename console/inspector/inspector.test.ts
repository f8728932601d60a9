// The lie: "only whoever was given the address can look". A door with wrong tokens, foreign hosts and pages of others; ports that
// are taken; options that make no sense.
import { createServer, request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { inspector } from './inspector.ts';
import type { InspectorOptions, RunningInspector } from './inspector.ts';

const TOKEN = 'a-token-for-tests-only';

let open: RunningInspector[] = [];
afterEach(async () => {
  await Promise.all(open.map((one) => one.close()));
  open = [];
});

async function listening(
  options: InspectorOptions = {},
): Promise<RunningInspector & { readonly port: number }> {
  const one = inspector({ token: TOKEN, ...options });
  open.push(one);
  await one.ready;
  return one as never;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Asks as no browser would let a page ask: with whatever headers. */
function ask(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, headers, method }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    asked.on('error', reject).end();
  });
}

/** `open`, or why not. */
function knock(url: string, options: ConstructorParameters<typeof WebSocket>[2] = {}): Promise<string> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, options);
    socket.on('open', () => {
      resolve('open');
      socket.terminate();
    });
    socket.on('unexpected-response', (_, { statusCode }) => resolve(`${statusCode}`));
    socket.on('error', () => {});
  });
}

describe('the page', () => {
  it('is there for whoever has the token, and lets nothing run but its own', async () => {
    const { port, url } = await listening();
    expect(url).toBe(`http://127.0.0.1:${port}/?token=${TOKEN}`);
    const { status, headers, body } = await ask(port, `/?token=${TOKEN}`);
    expect(status).toBe(200);
    const policy = headers['content-security-policy'] as string;
    const nonce = /script-src 'nonce-([\w-]+)'/.exec(policy)![1]!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain('frame-src https://stately.ai;');
    expect(policy).toContain(`connect-src ws://127.0.0.1:${port};`);
    expect(body.match(/<(script|style)\b[^>]*>/g)).toEqual([
      `<style nonce="${nonce}">`,
      `<script nonce="${nonce}">`,
    ]);
    // The token must not go to the hosted viewer.
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(body).not.toContain(TOKEN);
    const again = await ask(port, `/?token=${TOKEN}`);
    expect(again.headers['content-security-policy']).not.toBe(policy);
  });

  it('has no frame of others when that is not wished', async () => {
    const { port } = await listening({ viewer: false });
    const { headers, body } = await ask(port, `/?token=${TOKEN}`);
    expect(headers['content-security-policy']).toContain("frame-src 'none'");
    expect(body).not.toContain('<iframe');
  });

  it.each([
    ['without a token', '/', {}, 401],
    ['with another token', '/?token=a-token-for-tests-onlx', {}, 401],
    ['with the beginning of the token', '/?token=a-token-for-tests', {}, 401],
    ['under the name of somebody else', `/?token=${TOKEN}`, { host: 'rebound.example' }, 403],
    ['under an address that begins alike', `/?token=${TOKEN}`, { host: '127.0.0.1.rebound.example' }, 403],
    ['under the right host with another port', `/?token=${TOKEN}`, { host: '127.0.0.1:1' }, 403],
    ['from a page of others', `/?token=${TOKEN}`, { origin: 'https://stately.ai' }, 403],
    ['somewhere else', `/frames?token=${TOKEN}`, {}, 404],
    ['with an address of somebody else', `http://rebound.example/?token=${TOKEN}`, {}, 400],
  ])('is refused %s', async (_, path, headers, expected) => {
    const { port } = await listening();
    const { status, body } = await ask(port, path, headers);
    expect(body).not.toContain(TOKEN);
    expect(status).toBe(expected);
  });

  it('cannot be written to', async () => {
    const { port } = await listening();
    expect((await ask(port, `/?token=${TOKEN}`, {}, 'POST')).status).toBe(405);
  });
});

describe('the socket', () => {
  it('is open to programs, and to the page of the inspector', async () => {
    const { port } = await listening();
    expect(await knock(`ws://127.0.0.1:${port}/?token=${TOKEN}`)).toBe('open');
    expect(
      await knock(`ws://127.0.0.1:${port}/?token=${TOKEN}`, { origin: `http://127.0.0.1:${port}` }),
    ).toBe('open');
    const host = `localhost:${port}`;
    const asLocalhost = { headers: { host }, origin: `http://${host}` };
    expect(await knock(`ws://127.0.0.1:${port}/?token=${TOKEN}`, asLocalhost)).toBe('open');
  });

  it.each([
    ['without the token', '/', {}, '401'],
    ['from a page of others', `/?token=${TOKEN}`, { origin: 'https://stately.ai' }, '403'],
    ['from a page without an origin', `/?token=${TOKEN}`, { origin: 'null' }, '403'],
    ['from a page at another port', `/?token=${TOKEN}`, { origin: 'http://127.0.0.1:1' }, '403'],
    [
      'under the name of somebody else',
      `/?token=${TOKEN}`,
      { headers: { host: 'rebound.example' }, origin: 'http://rebound.example' },
      '403',
    ],
  ])('is refused %s', async (_, path, options, status) => {
    const { port } = await listening();
    expect(await knock(`ws://127.0.0.1:${port}${path}`, options)).toBe(status);
  });

  it('is refused when too many look already', async () => {
    const { port, viewers } = await listening();
    expect(viewers).toEqual([]);
    const sockets = Array.from({ length: 16 }, () => new WebSocket(`ws://127.0.0.1:${port}/?token=${TOKEN}`));
    await Promise.all(sockets.map((socket) => new Promise((resolve) => void socket.on('open', resolve))));
    expect(await knock(`ws://127.0.0.1:${port}/?token=${TOKEN}`)).toBe('503');
    for (const socket of sockets) socket.terminate();
  });
});

describe('the port', () => {
  it('that is taken is an error with a code', async () => {
    const { port } = await listening();
    const second = inspector({ port });
    await expect(second.ready).rejects.toMatchObject({
      _tag: 'PortUnavailable',
      code: 'HEDDLE_PORT_UNAVAILABLE',
      host: '127.0.0.1',
      port,
    });
    expect([second.url, second.port]).toEqual([undefined, undefined]);
    await second.close();
  });

  it('is free again after the end', async () => {
    const one = await listening();
    const { port } = one;
    await one.close();
    expect(one.url).toBeUndefined();
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(port, '127.0.0.1', resolve));
    expect((other.address() as AddressInfo).port).toBe(port);
    other.close();
  });

  it('is on loopback alone, and its token is another each time', async () => {
    const [one, two] = [inspector(), inspector()];
    open.push(one, two);
    await Promise.all([one.ready, two.ready]);
    const tokens = [one, two].map(({ url }) => new URL(url!).searchParams.get('token')!);
    expect(tokens[0]).not.toBe(tokens[1]);
    expect(tokens[0]!.length).toBeGreaterThanOrEqual(32);
  });
});

describe('options', () => {
  it.each<[string, object]>([
    ['port', { port: 65_536 }],
    ['port', { port: 1.5 }],
    ['host', { host: '0.0.0.0' }],
    ['token', { token: 'short' }],
    ['token', { token: 'with a space in between' }],
    ['viewer', { viewer: 'javascript:alert(1)' }],
    ['viewer', { viewer: 'stately' }],
    ['frameLength', { frameLength: 10 }],
    ['share', { share: 0 }],
    ['share', { share: 1.1 }],
    ['filter.names', { filter: { names: 'order' } }],
    ['filter.under', { filter: { under: 'order' } }],
    ['filter.under', { filter: { under: 'order/1/' } }],
    ['filter.house', { filter: { house: 1 } }],
  ])('that make no sense are refused: %s of %j', (path, options) => {
    expect(() => inspector(options as InspectorOptions)).toThrow(
      expect.objectContaining({ _tag: 'InvalidArgument', path }),
    );
  });

  it('a token that is refused is not shown', () => {
    expect(() => inspector({ token: 'my secret' })).toThrow(/^(?!.*my secret)/);
  });
});
