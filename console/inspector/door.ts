/**
 * The door: the port, and who is let in. It listens on loopback and nowhere else.
 *
 * Whoever comes must have the token, and must have asked for a loopback host: a page of somebody else whose name was made to point
 * here (DNS rebinding) asks for its own. A browser that opens a socket must do so from the inspector's own page; programs send no
 * origin. It owns the server and what it answers; what is sent through the sockets is the stream's business.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { PortUnavailable } from '../errors.ts';
import { page } from './page.ts';

/** The hosts that nobody but this machine can reach. */
export const LOOPBACK_HOSTS = ['127.0.0.1', 'localhost', '::1'] as const;
export type LoopbackHost = (typeof LOOPBACK_HOSTS)[number];

/** Viewers have nothing to say. */
const MAX_SAID_BYTES = 4096;

/** How many may look at once. */
const MAX_VIEWERS = 16;

export interface DoorOptions {
  readonly host: LoopbackHost;
  /** 0: any that is free. */
  readonly port: number;
  readonly token: string;
  /** The hosted viewer in the page; undefined: none. */
  readonly viewer: URL | undefined;
  /** Somebody has come in. */
  readonly onSocket: (socket: WebSocket, pipe: Duplex) => void;
}

export class Door {
  /** @throws PortUnavailable, as a rejection */
  readonly ready: Promise<void>;
  readonly #options: DoorOptions;
  readonly #token: Buffer;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_SAID_BYTES,
    clientTracking: true,
  });
  #port: number | undefined;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#token = digest(options.token);
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.on('upgrade', (request, pipe, head) => this.#upgrade(request, pipe, head));
    this.ready = this.#listen();
  }

  /** The port, once it is open. */
  get port(): number | undefined {
    return this.#port;
  }

  /** Closes the port. Whoever is inside must be sent away before. */
  async close(): Promise<void> {
    // One that is about to open is closed when it is.
    await this.ready.catch(() => {});
    if (this.#port === undefined) return;
    this.#port = undefined;
    this.#sockets.close();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #listen(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      // Later ones are about single connections, which are closed then.
      this.#server.on('error', (error) => reject(new PortUnavailable(host, port, error)));
      this.#server.listen(port, host, () => {
        this.#port = (this.#server.address() as AddressInfo).port;
        // A process that has nothing else to do may end.
        this.#server.unref();
        resolve();
      });
    });
  }

  // ---- who is let in --------------------------------------------------------------------------------------------

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const refusal = this.#refusalOf(request);
    if (refusal !== undefined) {
      response.writeHead(refusal.status, PLAIN_HEADERS).end(`${refusal.why}\n`);
      return;
    }
    const nonce = randomBytes(16).toString('base64url');
    const { viewer } = this.#options;
    response
      .writeHead(200, { ...COMMON_HEADERS, ...pageHeaders(request.headers.host!, nonce, viewer) })
      .end(request.method === 'HEAD' ? undefined : page({ nonce, viewer }));
  }

  #upgrade(request: IncomingMessage, pipe: Duplex, head: Buffer): void {
    const refusal =
      this.#refusalOf(request) ??
      (this.#sockets.clients.size >= MAX_VIEWERS
        ? { status: 503, why: `${MAX_VIEWERS} viewers are looking already` }
        : undefined);
    if (refusal !== undefined) {
      const { status, why } = refusal;
      pipe.on('error', () => pipe.destroy());
      pipe.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n${why}\n`);
      return;
    }
    this.#sockets.handleUpgrade(request, pipe, head, (socket) => this.#options.onSocket(socket, pipe));
  }

  #refusalOf({ method, url, headers }: IncomingMessage): Refusal | undefined {
    const { host, origin } = headers;
    if (host === undefined || !this.#isOwn(host))
      return { status: 403, why: 'ask for a loopback host: 127.0.0.1, localhost or [::1], with the port' };
    if (origin !== undefined && origin !== `http://${host}`)
      return { status: 403, why: 'only the page of the inspector itself may do that' };
    const asked = `http://${host}${url ?? '/'}`;
    if (!URL.canParse(asked)) return { status: 400, why: 'that is no url' };
    const { pathname, searchParams } = new URL(asked);
    if (!timingSafeEqual(digest(searchParams.get('token') ?? ''), this.#token))
      return { status: 401, why: 'the token is missing, or is not that of this inspector: use its url' };
    if (pathname !== '/') return { status: 404, why: 'there is nothing here but /' };
    if (method !== 'GET' && method !== 'HEAD')
      return { status: 405, why: 'there is nothing to do here but to look' };
    return undefined;
  }

  #isOwn(host: string): boolean {
    const port = this.#port;
    return LOOPBACK_HOSTS.some((name) => {
      const shown = name.includes(':') ? `[${name}]` : name;
      // A browser leaves the port of its protocol away.
      return host === `${shown}:${port}` || (port === 80 && host === shown);
    });
  }
}

interface Refusal {
  readonly status: number;
  readonly why: string;
}

/** Of equal length, whatever was given: comparing takes the same time for all. */
const digest = (token: string): Buffer => createHash('sha256').update(token).digest();

// ---- headers ------------------------------------------------------------------------------------------------------

const COMMON_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  // The token stands in the url, which must not go to the hosted viewer.
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

const PLAIN_HEADERS = { ...COMMON_HEADERS, 'content-type': 'text/plain; charset=utf-8' };

function pageHeaders(host: string, nonce: string, viewer: URL | undefined): Record<string, string> {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    `connect-src ws://${host}`,
    `frame-src ${viewer?.origin ?? "'none'"}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy.join('; ') };
}
