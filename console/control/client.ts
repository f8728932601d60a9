/**
 * Asking a daemon: finds the door of a store, connects, asks, and gives the rows as they come. Whoever stops reading them, or
 * aborts, hangs up.
 */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import type { Door } from './door.ts';
import { BadLine, linesOf } from './lines.ts';
import type { ArgsOf, OperationName, RowOf } from './operations/table.ts';
import { user } from './operator.ts';
import { piecesOf } from './pieces.ts';
import { MAX_ARGS_CHARS, MAX_ROW_BYTES, PIECE_CHARS, PROTOCOL } from './protocol.ts';
import { readTrouble, refusal, Refused } from './trouble.ts';

/** Whether somebody answers at a door. What a killed process has left over refuses the connection. */
export async function isAnswered(door: Door): Promise<boolean> {
  try {
    (await connect(door)).destroy();
    return true;
  } catch {
    return false;
  }
}

async function connect({ path }: Door): Promise<Socket> {
  const socket = createConnection(path);
  await once(socket, 'connect');
  return socket;
}

/** Asks for something. @throws Refused */
export async function* askDaemon<TName extends OperationName>(
  door: Door,
  ask: TName,
  args: ArgsOf<TName>,
  signal: AbortSignal,
): AsyncGenerator<RowOf<TName>> {
  signal.throwIfAborted();
  const request = [...linesOfRequest(door, ask, args)];
  const socket = await connect(door).catch((error: unknown) => {
    throw refusal('Unreachable', `process ${door.pid} does not answer at ${door.path}: it is gone`, {
      cause: error,
      retryable: true,
    });
  });
  const hangUp = (): void => void socket.destroy();
  signal.addEventListener('abort', hangUp, { once: true });
  try {
    for (const line of request) socket.write(`${JSON.stringify(line)}\n`);
    yield* answers<RowOf<TName>>(socket);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof Refused ? error : goneAway(door, error);
  } finally {
    signal.removeEventListener('abort', hangUp);
    socket.destroy();
  }
}

/** @throws Refused when it is longer than any daemon takes */
function* linesOfRequest({ token, store }: Door, ask: OperationName, args: object): Generator<object> {
  const request = { heddle: PROTOCOL, token, store, ask, by: user() };
  const json = JSON.stringify(args);
  if (json.length > MAX_ARGS_CHARS)
    throw refusal('BadRequest', `a daemon takes no more than ${MAX_ARGS_CHARS} characters at once`);
  if (json.length <= PIECE_CHARS) return yield { ...request, args };
  const pieces = [...piecesOf(json)];
  yield { ...request, pieces: pieces.length };
  for (const piece of pieces) yield { piece };
}

async function* answers<TRow>(socket: Socket): AsyncGenerator<TRow> {
  for await (const line of linesOf(socket, MAX_ROW_BYTES)) {
    if ('row' in line) yield line['row'] as TRow;
    else if ('trouble' in line) throw new Refused(readTrouble(line['trouble']));
    else if (line['end'] === true) return;
    else throw new BadLine('it says what nobody understands');
  }
  throw new BadLine('it hung up');
}

const goneAway = ({ pid }: Door, error: unknown): Refused =>
  refusal('Unreachable', `process ${pid} has not answered to the end: ${(error as Error).message}`, {
    cause: error,
    retryable: true,
  });
