// The lie: "the other side sends lines". Whatever comes in is cut up anyhow, is not JSON, is endless, or stops in the middle.
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadLine, linesOf } from './lines.ts';

const LIMIT = 64;

async function read(chunks: readonly (string | Uint8Array)[], limit = LIMIT): Promise<unknown[]> {
  const lines: unknown[] = [];
  const source = Readable.from(chunks.map((chunk) => Buffer.from(chunk as string)));
  for await (const line of linesOf(source, limit)) lines.push(line);
  return lines;
}

describe('lines', () => {
  it('are the same however they are cut up', async () => {
    const objects = fc.array(fc.record({ text: fc.string({ unit: 'grapheme', maxLength: 3 }) }), {
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(objects, fc.array(fc.nat(200)), async (sent, cuts) => {
        const bytes = Buffer.from(sent.map((object) => `${JSON.stringify(object)}\n`).join(''));
        const places = [
          0,
          ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b),
          bytes.length,
        ];
        const chunks = places.slice(1).map((to, index) => bytes.subarray(places[index], to));
        expect(await read(chunks, 1000)).toEqual(sent);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['a line that does not end', ['{"a":1}\n{"b":'], 'not complete'],
    ['a line that never ends', ['x'.repeat(40), 'x'.repeat(40)], 'longer than 64 bytes'],
    ['a whole line that is too long', [`"${'x'.repeat(80)}"\n`], 'longer than 64 bytes'],
    ['what is no JSON', ['GET / HTTP/1.1\r\n'], 'not JSON'],
    ['what is no UTF-8', [Uint8Array.of(0x22, 0xff, 0x22, 0x0a)], 'not JSON'],
    ['JSON that is no object', ['[1]\n'], 'not a JSON object'],
    ['nothing at all', ['\n'], 'not JSON'],
  ] as const)('refuse %s', async (_, chunks, reason) => {
    const reading = read(chunks);
    await expect(reading).rejects.toThrow(BadLine);
    await expect(reading).rejects.toThrow(reason);
  });
});
