/**
 * Lines over a socket: one JSON object each, ended by a newline, in UTF-8, of a limited length. What breaks this is no
 * conversation, and ends it. Reading waits for whoever reads the lines, so a slow reader slows the sender down.
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import type { Socket } from 'node:net';

/** Somebody sent what is no line of JSON. */
export class BadLine extends Error {}

const NEWLINE = 0x0a;

/**
 * The objects that come in, until the other side ends.
 * @throws BadLine
 */
export async function* linesOf(
  socket: AsyncIterable<unknown>,
  limitBytes: number,
): AsyncGenerator<Readonly<Record<string, unknown>>> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of socket) {
    let rest = chunk as Buffer;
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      if (length + end > limitBytes) throw tooLong(limitBytes);
      const line = Buffer.concat([...parts, rest.subarray(0, end)]);
      parts = [];
      length = 0;
      rest = rest.subarray(end + 1);
      yield read(line);
    }
    if (rest.length === 0) continue;
    parts.push(rest);
    length += rest.length;
    if (length > limitBytes) throw tooLong(limitBytes);
  }
  if (length > 0) throw new BadLine('the last line is not complete');
}

const tooLong = (limitBytes: number): BadLine => new BadLine(`a line is longer than ${limitBytes} bytes`);

const utf8 = new TextDecoder('utf-8', { fatal: true });

function read(line: Buffer): Readonly<Record<string, unknown>> {
  let json: unknown;
  try {
    json = JSON.parse(utf8.decode(line));
  } catch (error) {
    throw new BadLine('a line is not JSON', { cause: error });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new BadLine('a line is not a JSON object');
  return json as Readonly<Record<string, unknown>>;
}

/**
 * Sends a line, and waits until there is room for the next.
 * @param limitBytes what the other side takes
 * @throws BadLine when it is too long; nothing was sent
 */
export async function sendLine(
  socket: Socket,
  json: object,
  limitBytes: number,
  signal: AbortSignal,
): Promise<void> {
  const line = Buffer.from(`${JSON.stringify(json)}\n`);
  if (line.length - 1 > limitBytes) throw tooLong(limitBytes);
  if (socket.write(line)) return;
  await once(socket, 'drain', { signal });
}
