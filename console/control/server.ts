/**
 * The control socket of a daemon: answers whoever can read the token, which is the user who runs the daemon. It owns the socket
 * and its door; it refuses strangers, requests that make no sense, and lines that are too long, and lets none of that touch the
 * system. It does not keep the process alive, and does not close the system.
 */
import { timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { resolve } from 'node:path';
import { chmodSync, realpathSync, statSync } from 'node:fs';
import { InvalidArgument } from '../../runtime/index.ts';
import type { ActorDefinitions, Logger, System } from '../../runtime/index.ts';
import { makeDoor, openDoor, removeDoor } from './door.ts';
import type { Door } from './door.ts';
import { operator } from './operator.ts';
import { orchestrationIn } from './orchestration.ts';
import { BadLine, linesOf, sendLine } from './lines.ts';
import { carryOut, isOperation } from './operations/table.ts';
import type { OperationName } from './operations/table.ts';
import {
  MAX_ARGS_CHARS,
  MAX_CONNECTIONS,
  MAX_REQUEST_BYTES,
  MAX_ROW_BYTES,
  PATIENCE_MS,
  PROTOCOL,
} from './protocol.ts';
import { orchestrated } from './subject.ts';
import type { AnySystem, Subject } from './subject.ts';
import { ControlCode, refusal, troubleOf } from './trouble.ts';

export interface ControlOptions {
  /** The folder of the store that the system has open: the one given to `leveldb`. */
  readonly store: string;
  /** Hears of trouble with the socket itself. Default: `console`. */
  readonly logger?: Logger;
}

/** A control socket that is open. */
export interface Control extends AsyncDisposable {
  /** What the command line connects to. */
  readonly path: string;
  /** Ends all conversations, and removes the socket. Close it before the system. */
  close(): Promise<void>;
}

/** The stores that this process serves: two doors of one would lock each other out. */
const served = new Set<string>();

/**
 * Lets `heddle` on the command line talk to this system while it runs:
 *
 *     await using system = await createSystem({ store: leveldb('./data'), actors });
 *     await using control = await serveControl(system, { store: './data' });
 *
 * @throws InvalidArgument when the folder holds no store, or is served already; whatever the operating system refuses
 */
export async function serveControl<TActors extends ActorDefinitions>(
  system: System<TActors>,
  { store, logger = console }: ControlOptions,
): Promise<Control> {
  const folder = folderOf(store);
  if (served.has(folder)) throw new InvalidArgument('store', `is ${store}, which is served already`);
  served.add(folder);
  try {
    const control = new ControlServer(system, folder, logger);
    await control.listen();
    return control;
  } catch (error) {
    served.delete(folder);
    throw error;
  }
}

function folderOf(store: unknown): string {
  if (typeof store !== 'string' || store === '')
    throw new InvalidArgument('store', 'must be the folder that was given to leveldb');
  const folder = resolve(store);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new InvalidArgument('store', `must be the folder that was given to leveldb, but ${folder} is none`);
  return realpathSync(folder);
}

function subjectOf(system: AnySystem, location: string): Subject {
  const orchestration = orchestrationIn(system);
  const subject = { location, system, isRunning: true, hasCode: true, orchestration };
  return { ...subject, halts: async () => orchestrated(subject, 'halts').halts };
}

class ControlServer implements Control {
  readonly #subject: Subject;
  readonly #folder: string;
  readonly #door: Door;
  readonly #server: Server;
  readonly #logger: Logger;
  readonly #connected = new Set<Socket>();

  constructor(system: AnySystem, folder: string, logger: Logger) {
    this.#subject = subjectOf(system, folder);
    this.#folder = folder;
    this.#logger = logger;
    this.#door = makeDoor(folder, new Date().toISOString());
    this.#server = createServer((socket) => void this.#converse(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  get path(): string {
    return this.#door.path;
  }

  async listen(): Promise<void> {
    const { path } = this.#door;
    await new Promise<void>((done, fail) => {
      this.#server.once('error', fail);
      this.#server.listen(path, () => {
        this.#server.off('error', fail);
        done();
      });
    });
    this.#server.on('error', (error) => this.#logger.error('heddle: the control socket', error));
    // Its folder is private already.
    if (process.platform !== 'win32') chmodSync(path, 0o600);
    this.#server.unref();
    openDoor(this.#folder, this.#door);
  }

  async close(): Promise<void> {
    if (!served.delete(this.#folder)) return;
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    for (const socket of this.#connected) socket.destroy();
    await closed;
    removeDoor(this.#folder, this.#door);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ---- a conversation -------------------------------------------------------------------------------------------

  async #converse(socket: Socket): Promise<void> {
    this.#connected.add(socket);
    // Whoever hangs up wants no more.
    const hangUp = new AbortController();
    socket.once('close', () => {
      this.#connected.delete(socket);
      hangUp.abort();
    });
    // What is wrong with a connection ends it, and concerns nobody else.
    socket.on('error', () => socket.destroy());
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    try {
      await this.#answer(socket, hangUp.signal);
      await sendLine(socket, { end: true }, MAX_ROW_BYTES, hangUp.signal);
    } catch (error) {
      if (!hangUp.signal.aborted) this.#refuse(socket, error);
    } finally {
      socket.end();
      // Whoever does not read what he has asked for is not waited for.
      socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    }
  }

  async #answer(socket: Socket, signal: AbortSignal): Promise<void> {
    const { ask, args, by } = await this.#request(socket);
    const principal = operator((args as Line | null)?.['by'], by);
    const subject = { ...this.#subject, system: this.#subject.system.as(principal), principal };
    socket.setTimeout(0);
    // Nothing more is expected; this only notices the end.
    socket.once('data', () => socket.destroy()).resume();
    for await (const row of carryOut(subject, ask, args, signal)) {
      if (signal.aborted) return;
      await sendLine(socket, { row }, MAX_ROW_BYTES, signal);
    }
  }

  async #request(
    socket: Socket,
  ): Promise<{ readonly ask: OperationName; readonly args: unknown; readonly by: unknown }> {
    const lines = linesOf(socket.iterator({ destroyOnReturn: false }), MAX_REQUEST_BYTES);
    try {
      const { value: request = {} } = await lines.next();
      const ask = this.#admitted(request);
      const { pieces, args = {}, by } = request;
      return { ask, args: pieces === undefined ? args : await argsIn(lines, pieces), by };
    } finally {
      await lines.return(undefined);
    }
  }

  /** What is asked for. @throws Refused unless it may be, and is something that is known */
  #admitted({ heddle, token, store, ask }: Line): OperationName {
    // Before anything else: strangers learn nothing.
    if (!this.#isToken(token)) throw refusal('Denied', 'the token is wrong');
    if (heddle !== PROTOCOL)
      throw refusal(
        'BadRequest',
        `the daemon speaks protocol ${PROTOCOL}, not ${String(heddle)}: use the same release`,
      );
    if (store !== this.#folder)
      throw refusal('Denied', `the daemon serves ${this.#folder}, not ${String(store)}: is that a copy?`);
    if (!isOperation(ask))
      throw refusal('BadRequest', `the daemon knows no '${String(ask)}': use the same release`);
    return ask;
  }

  #isToken(token: unknown): boolean {
    const given = Buffer.from(typeof token === 'string' ? token : '');
    const own = Buffer.from(this.#door.token);
    return given.length === own.length && timingSafeEqual(given, own);
  }

  #refuse(socket: Socket, error: unknown): void {
    const trouble =
      error instanceof BadLine ? refusal('BadRequest', error.message).trouble : troubleOf(error);
    if (trouble.code === ControlCode.Internal) this.#logger.error('heddle: a request failed', error);
    socket.write(`${JSON.stringify({ trouble })}\n`);
  }
}

type Line = Readonly<Record<string, unknown>>;

/** Arguments that come in pieces behind their request. */
async function argsIn(lines: AsyncGenerator<Line>, count: unknown): Promise<unknown> {
  if (!Number.isSafeInteger(count) || (count as number) < 1)
    throw refusal('BadRequest', 'pieces must be a whole number, 1 or more');
  let json = '';
  for (let left = count as number; left > 0; left--) {
    const { value: line } = await lines.next();
    const piece = (line as Line | undefined)?.['piece'];
    if (typeof piece !== 'string') throw refusal('BadRequest', 'a piece of the arguments is missing');
    if (json.length + piece.length > MAX_ARGS_CHARS)
      throw refusal('BadRequest', `the arguments are longer than ${MAX_ARGS_CHARS} characters`);
    json += piece;
  }
  try {
    return JSON.parse(json) as unknown;
  } catch (error) {
    throw refusal('BadRequest', 'the pieces of the arguments are no JSON', { cause: error });
  }
}
