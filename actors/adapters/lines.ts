/** Lines of a stream, as they come; none longer than a bound, so that nobody fills the memory without saying anything. */
import type { Readable } from 'node:stream';

const LINE_FEED = 0x0a;

/** Calls `onLine` for each line that is not empty, or `onTooLong` once, and nothing after that. What comes last without an end is a line too. */
export function readLines(
  stream: Readable,
  maxBytes: number,
  onLine: (line: Buffer) => void,
  onTooLong: () => void,
): void {
  let pieces: Buffer[] = [];
  let bytes = 0;
  const isTooLong = (piece: Buffer): boolean => (bytes += piece.byteLength) > maxBytes;
  const giveUp = (): void => {
    stream.off('data', take).off('end', finish).resume();
    onTooLong();
  };
  const finish = (): void => {
    const line = Buffer.concat(pieces);
    [pieces, bytes] = [[], 0];
    if (line.length > 0) onLine(line);
  };
  const take = (chunk: Buffer): void => {
    let from = 0;
    for (let to = chunk.indexOf(LINE_FEED); to >= 0; to = chunk.indexOf(LINE_FEED, from)) {
      const piece = chunk.subarray(from, to);
      if (isTooLong(piece)) return giveUp();
      pieces.push(piece);
      finish();
      from = to + 1;
    }
    const rest = chunk.subarray(from);
    if (isTooLong(rest)) return giveUp();
    pieces.push(rest);
  };
  stream.on('data', take).on('end', finish);
}
