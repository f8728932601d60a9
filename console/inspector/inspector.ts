/**
 * The inspector: shows a running system in the viewer of Stately, or in any tool that reads the wire of `@statelyai/inspect` 0.7.
 *
 *     const system = await createSystem({ store, actors, inspect: inspector({ port: 4180 }) });
 *
 * It owns the door (who is let in), the viewers, and the stream between a system and them. It changes nothing: there is no way in
 * for anything but looking. It comes with a system, and goes with it.
 */
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { InvalidArgument } from '../../runtime/index.ts';
import type { InspectionFeed, Inspector } from '../../runtime/index.ts';
import { Door, LOOPBACK_HOSTS } from './door.ts';
import type { LoopbackHost } from './door.ts';
import { Admission, checkFilter } from './filter.ts';
import type { InspectorFilter } from './filter.ts';
import { Frames } from './frame.ts';
import { Stream } from './stream.ts';
import { Viewer } from './viewer.ts';

export interface InspectorOptions {
  /** Default 0: any that is free; `url` tells which. */
  readonly port?: number;
  /** `127.0.0.1` (default), `localhost` or `::1`. Others are refused: whoever can look sees everything. */
  readonly host?: LoopbackHost;
  /** What whoever looks must know. At least 16 characters of a URL. Default: a random one. */
  readonly token?: string;
  /** Which actors are shown. Default: all of the user's. */
  readonly filter?: InspectorFilter;
  /** The hosted viewer in the page; false: only the plain list. Default `https://stately.ai/inspect`. */
  readonly viewer?: string | false;
  /** About how long a frame may become, in characters; longer states and events are cut. Default 65,536. */
  readonly frameLength?: number;
  /** How much of the thread's time it may take, from 0.01 to 1. Default 0.1. */
  readonly share?: number;
}

/** One who looks. */
export interface ViewerStatus {
  /** When it came, in milliseconds since the epoch. */
  readonly since: number;
  /** How many frames were sent to it. */
  readonly sent: number;
  /** How many turns it was not shown one by one, because there was no time, or no room. */
  readonly missed: number;
  /** How much waits for it to be read. */
  readonly waitingBytes: number;
}

export interface RunningInspector extends Inspector, AsyncDisposable {
  /** Resolves when the port is open. @throws PortUnavailable, as a rejection */
  readonly ready: Promise<void>;
  /** Where to look, with the token; undefined while the port is not open. Programs open a socket at the same place with `ws:`. */
  readonly url: string | undefined;
  readonly port: number | undefined;
  readonly viewers: readonly ViewerStatus[];
  /** Sends everybody away, and closes the port. The system that it looks at goes on. */
  close(): Promise<void>;
}

const STATELY = 'https://stately.ai/inspect';
const DEFAULT_FRAME_LENGTH = 1 << 16;
const MIN_FRAME_LENGTH = 256;
const DEFAULT_SHARE = 0.1;
/** With less it would take minutes to show anything. */
const MIN_SHARE = 0.01;

/**
 * Opens a port on loopback, and shows there the system whose `inspect` it becomes. It can be opened before the system is; it is
 * closed with the system. When its port is taken the system runs without it, and its operator is told.
 *
 * @throws InvalidArgument
 */
export function inspector(options: InspectorOptions = {}): RunningInspector {
  return new PortInspector(options);
}

class PortInspector implements RunningInspector {
  readonly ready: Promise<void>;
  readonly #door: Door;
  readonly #host: LoopbackHost;
  readonly #token: string;
  readonly #filter: InspectorFilter;
  readonly #frames: Frames;
  readonly #share: number;
  /** Those who have come before the system was there wait for it. */
  readonly #viewers = new Set<Viewer>();
  #stream: Stream | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: InspectorOptions) {
    const { port, host, token, filter, viewer, frameLength, share } = checked(options);
    this.#host = host;
    this.#token = token;
    this.#filter = filter;
    this.#frames = new Frames(frameLength);
    this.#share = share;
    const onSocket = (socket: WebSocket, pipe: Duplex): void => this.#welcome(socket, pipe);
    this.#door = new Door({ host, port, token, viewer, onSocket });
    this.ready = this.#door.ready;
    // Who does not wait for it is told by the system that it is attached to.
    this.ready.catch(() => {});
  }

  get port(): number | undefined {
    return this.#door.port;
  }

  get url(): string | undefined {
    const { port } = this;
    const host = this.#host.includes(':') ? `[${this.#host}]` : this.#host;
    return port === undefined ? undefined : `http://${host}:${port}/?token=${this.#token}`;
  }

  get viewers(): readonly ViewerStatus[] {
    return [...this.#viewers].map(({ since, sent, missed, waitingBytes }) => ({
      since,
      sent,
      missed,
      waitingBytes,
    }));
  }

  attach(feed: InspectionFeed): void {
    if (this.#closed !== undefined)
      throw new InvalidArgument('inspect', 'is an inspector that was closed: make a new one');
    if (this.#stream !== undefined)
      throw new InvalidArgument('inspect', 'looks at another system already: make an inspector for each');
    this.#stream = new Stream(feed, this.#frames, new Admission(this.#filter, feed.names), this.#share);
    for (const viewer of this.#viewers) this.#stream.join(viewer);
    this.ready.catch((error: unknown) => feed.report(error, 'nobody can look at this system'));
  }

  detach(): Promise<void> {
    return this.close();
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#stream?.end();
    this.#stream = undefined;
    await Promise.all([...this.#viewers].map((viewer) => viewer.close()));
    await this.#door.close();
  }

  #welcome(socket: WebSocket, pipe: Duplex): void {
    const viewer = new Viewer(socket, pipe);
    this.#viewers.add(viewer);
    // A broken connection is closed right after.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#viewers.delete(viewer);
      this.#stream?.leave(viewer);
    });
    if (this.#closed !== undefined) void viewer.close();
    this.#stream?.join(viewer);
  }
}

// ---- options ------------------------------------------------------------------------------------------------------

/** @throws InvalidArgument */
function checked(options: InspectorOptions) {
  const {
    port = 0,
    host = '127.0.0.1',
    token = randomBytes(24).toString('base64url'),
    filter = {},
    viewer = STATELY,
    frameLength = DEFAULT_FRAME_LENGTH,
    share = DEFAULT_SHARE,
  } = options;
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535)) refuse('port', 'from 0 to 65535', port);
  if (!LOOPBACK_HOSTS.includes(host)) refuse('host', `one of ${LOOPBACK_HOSTS.join(', ')}`, host);
  if (typeof token !== 'string' || !/^[\w.~-]{16,}$/.test(token))
    // It is a secret: it is not shown.
    throw new InvalidArgument('token', 'must be at least 16 letters, digits, or - . _ ~');
  if (!(Number.isInteger(frameLength) && frameLength >= MIN_FRAME_LENGTH))
    refuse('frameLength', `a whole number from ${MIN_FRAME_LENGTH}`, frameLength);
  if (!(share >= MIN_SHARE && share <= 1)) refuse('share', `from ${MIN_SHARE} to 1`, share);
  checkFilter(filter);
  return { port, host, token, filter, viewer: viewerUrl(viewer), frameLength, share };
}

function viewerUrl(viewer: string | false): URL | undefined {
  if (viewer === false) return undefined;
  const url = URL.canParse(viewer) ? new URL(viewer) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return refuse('viewer', 'an http(s) url, or false', viewer);
  return url;
}

function refuse(path: string, expected: string, given: unknown): never {
  throw new InvalidArgument(path, `must be ${expected}, but is ${JSON.stringify(given) ?? String(given)}`);
}
