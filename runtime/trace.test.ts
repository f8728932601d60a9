// The lie: "the ids of a trace are W3C's, follow from the record, and go on from whoever began it".
import { describe, expect, it } from 'vitest';
import { originOf, placeOf, readTraceparent, spanIdOf, traceIdOf, traceparentOf } from './trace.ts';

const GIVEN = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const STORE = 'a-store';

describe('a traceparent', () => {
  it('is read as its trace and its span', () => {
    expect(Buffer.from(readTraceparent(GIVEN, 'trace')).toString('hex')).toBe(
      GIVEN.slice(3, 35) + GIVEN.slice(36, 52),
    );
    // Flags, and what later versions add, say nothing about where it belongs.
    for (const others of [GIVEN.replace(/01$/, '00'), `cc${GIVEN.slice(2)}-more`])
      expect(readTraceparent(others, 'trace')).toEqual(readTraceparent(GIVEN, 'trace'));
  });

  it.each([
    ['', '""'],
    ['nonsense', '"nonsense"'],
    [GIVEN.toUpperCase(), '"00-0AF'],
    [GIVEN.slice(0, -1), '"00-0af'],
    [` ${GIVEN}`, '" 00-0af'],
    [`ff${GIVEN.slice(2)}`, '"ff-'],
    [GIVEN.replace(/[0-9a-f]{32}/, '0'.repeat(32)), '"00-0000'],
    [GIVEN.replace(/-[0-9a-f]{16}-/, `-${'0'.repeat(16)}-`), '"00-0af'],
    [`${GIVEN}x`, '"00-0af'],
    [7, 'a number'],
    [undefined, 'a undefined'],
    ['x'.repeat(10_000), `"${'x'.repeat(80)}"`],
  ])('that is none is refused: %s', (text, shown) => {
    expect(() => readTraceparent(text, 'options.trace')).toThrow(
      expect.objectContaining({
        _tag: 'InvalidArgument',
        path: 'options.trace',
        message: expect.stringContaining(`but is ${shown}`) as string,
      }) as Error,
    );
  });

  it('is written so that it can be read', () => {
    const place = placeOf(STORE, { actor: 1, seq: 1 }, undefined, undefined);
    const text = traceparentOf(place);
    expect(text).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    const read = Buffer.from(readTraceparent(text, 'trace')).toString('hex');
    expect(read).toBe(place.traceId + place.spanId);
  });
});

describe('the place of a record', () => {
  const at = { actor: 3, seq: 9 };
  const given = readTraceparent(GIVEN, 'trace');

  it('is the beginning of a trace, where nobody of the house has caused it', () => {
    for (const cause of [undefined, { kind: 'system' }, { kind: 'letter', id: 1 }] as const)
      expect(placeOf(STORE, at, cause, undefined)).toEqual({
        traceId: traceIdOf(STORE, at),
        spanId: spanIdOf(STORE, 3, 9),
        parentId: undefined,
      });
  });

  it('is in the trace of its caller', () => {
    expect(placeOf(STORE, at, undefined, given)).toEqual({
      traceId: GIVEN.slice(3, 35),
      spanId: spanIdOf(STORE, 3, 9),
      parentId: GIVEN.slice(36, 52),
    });
    const origin = originOf(undefined, given, 3, 9)!;
    expect(traceIdOf(STORE, origin)).toBe(GIVEN.slice(3, 35));
  });

  it('is in the trace of its cause, whose record is its parent', () => {
    for (const kind of ['actor', 'timer'] as const) {
      const cause = { kind, actor: 1, seq: 2, index: 0, life: 1 };
      expect(placeOf(STORE, at, cause, undefined)).toEqual({
        traceId: traceIdOf(STORE, { actor: 1, seq: 2 }),
        spanId: spanIdOf(STORE, 3, 9),
        parentId: spanIdOf(STORE, 1, 2),
      });
      const origin = { actor: 7, seq: 7 };
      expect(placeOf(STORE, at, { ...cause, origin }, undefined).traceId).toBe(traceIdOf(STORE, origin));
    }
    const effect = { kind: 'effect', actor: 1, life: 1, origin: { actor: 7, seq: 7 } } as const;
    expect(placeOf(STORE, at, effect, undefined)).toMatchObject({
      traceId: traceIdOf(STORE, { actor: 7, seq: 7 }),
      parentId: undefined,
    });
  });

  it('is its own: no two records, no two stores, and no trace and span share an id', () => {
    const ids = ['a', 'b'].flatMap((store) =>
      [1, 2, 11, 12].flatMap((actor) =>
        [1, 2, 12, 112].flatMap((seq) => [
          spanIdOf(store, actor, seq),
          traceIdOf(store, { actor, seq }).slice(0, 16),
        ]),
      ),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });
});
