// The lie: "what a record says besides its event comes back as it was, today and with tomorrow's code". Trailers of every
// kind, and the bytes of some that are on disks already.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Codec } from '../storage/codec.ts';
import type { Intent } from './kernel/intent.ts';
import { Ref, Tree } from './kernel/ref.ts';
import { NotingPort } from './testing/bare-actor.ts';
import {
  dueOf,
  messageKeyOf,
  packCause,
  packTrailer,
  tellIntents,
  unpackCause,
  unpackTrailer,
} from './trailer.ts';
import type { Cause, ToldIntent, Trailer } from './trailer.ts';

const codec = new Codec();
const roundTrip = (trailer: Trailer): Trailer =>
  unpackTrailer(codec, Buffer.from(packTrailer(codec, trailer)));

/** What a trailer says: what is not there may as well be undefined or false. */
function saidBy(trailer: Trailer): object {
  const said = Object.entries(trailer).filter(([, value]) => value !== undefined && value !== false);
  return Object.fromEntries(said.map(([name, value]) => [name, name === 'seed' ? [...value] : value]));
}

const count = fc.nat({ max: 2 ** 40 });
const cause: fc.Arbitrary<Cause> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('actor', 'timer'),
    actor: count,
    life: count,
    seq: count,
    index: count,
  }),
  fc.record({ kind: fc.constant('effect'), actor: count, life: count }),
  fc.constant({ kind: 'system' as const }),
);
const text = fc.string({ unit: 'grapheme' });
const told: fc.Arbitrary<ToldIntent> = fc.oneof(
  fc.tuple(fc.constant('send'), count, count, text),
  fc.tuple(fc.constant('spawn'), text, text, count, count),
  fc.tuple(fc.constant('stop'), text),
  fc.tuple(fc.constant('timer'), fc.option(text), count, count, text),
  fc.tuple(fc.constant('cancel'), text),
  fc.tuple(fc.constant('emit'), text),
  fc.constant(['log'] as const),
  fc.tuple(fc.constant('action'), text),
) as fc.Arbitrary<ToldIntent>;
const key = fc.string({ unit: 'grapheme' }).filter((name) => name !== '__proto__');
const anything = fc.anything({
  key,
  stringUnit: 'grapheme',
  withMap: true,
  withDate: true,
  withBigInt: true,
});
const trailer: fc.Arbitrary<Trailer> = fc.record(
  {
    cause,
    id: text,
    intents: fc.array(told, { maxLength: 5 }),
    reads: fc.array(fc.record({ lookup: anything }), { maxLength: 3 }),
    seed: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    birth: fc.record(
      {
        address: text,
        path: fc.array(text),
        parent: fc.tuple(count, count),
        systemId: text,
        syncSnapshot: fc.boolean(),
        process: fc.boolean(),
      },
      { requiredKeys: ['address', 'path'] },
    ),
    ends: fc.boolean(),
    failure: anything,
  },
  { requiredKeys: [] },
);

describe('a trailer', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(trailer, (given) => {
        const back = roundTrip(given);
        expect(saidBy(back)).toEqual(saidBy(given));
        // A failure with nothing is a failure.
        expect('failure' in back).toBe('failure' in given);
      }),
    );
  });

  it('of a record without one is empty', () => {
    expect(unpackTrailer(codec, undefined)).toEqual({});
    expect(saidBy(roundTrip({}))).toEqual({});
  });

  it('tells a failure with nothing from no failure', () => {
    expect('failure' in roundTrip({ failure: undefined })).toBe(true);
    expect('failure' in roundTrip({ id: 'x' })).toBe(false);
  });

  it('keeps an error that a step has thrown', () => {
    const { failure } = roundTrip({ failure: new RangeError('poison', { cause: 1 }) });
    expect(failure).toBeInstanceOf(RangeError);
    expect(failure).toMatchObject({ message: 'poison', cause: 1 });
  });

  it('is on disks already: these bytes must be read, and written, for ever', () => {
    const written: Trailer = {
      cause: { kind: 'timer', actor: 7, seq: 3, index: 1, life: 2 },
      id: 'once',
      intents: [
        ['send', 9, 1, 'PAY'],
        ['timer', null, 1_900_000_000_000, 7, 'T'],
      ],
      reads: [{ lookup: 'a' }],
      seed: Uint8Array.from({ length: 16 }, (_, i) => i),
      birth: { address: 'a/1', path: ['a'], parent: [1, 1] },
      failure: 'x',
    };
    const bytes = packTrailer(codec, written);
    expect(Buffer.from(bytes).toString('hex')).toMatchInlineSnapshot(
      `"0087a163950107020301a16ba46f6e6365a1699294a473656e640901a350415995a574696d6572c0cb427ba60d3380000007a154a172c40c009181a66c6f6f6b7570a161a173c410000102030405060708090a0b0c0d0e0fa16283a761646472657373a3612f31a47061746891a161a6706172656e74920101a166c40300a178"`,
    );
    expect(unpackTrailer(codec, bytes)).toMatchObject({ ...written, seed: Buffer.from(written.seed!) });
  });
});

describe('a cause', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(cause, (given) => {
        expect(unpackCause(packCause(given))).toEqual(given);
      }),
    );
  });

  it.each<[Cause, readonly number[]]>([
    [{ kind: 'actor', actor: 1, life: 2, seq: 3, index: 4 }, [0, 1, 2, 3, 4]],
    [{ kind: 'timer', actor: 1, life: 2, seq: 3, index: 4 }, [1, 1, 2, 3, 4]],
    [{ kind: 'effect', actor: 1, life: 2 }, [2, 1, 2]],
    [{ kind: 'system' }, [3]],
  ])('is on disks already: %j', (given, stored) => {
    expect(packCause(given)).toEqual(stored);
  });

  it('names the message it gave rise to, if it is the only one', () => {
    const intent = { actor: 1, life: 2, seq: 3, index: 4 };
    expect(messageKeyOf({ kind: 'actor', ...intent })).toBe('1:3:4');
    expect(messageKeyOf({ kind: 'timer', ...intent })).toBe('1:3:4');
    expect(messageKeyOf({ kind: 'effect', actor: 1, life: 2 })).toBeUndefined();
    expect(messageKeyOf({ kind: 'system' })).toBeUndefined();
    expect(messageKeyOf(undefined)).toBeUndefined();
  });
});

describe('the summary of intents', () => {
  const AT = 1_900_000_000_000;
  const tree = new Tree(new NotingPort(), 'a/1');
  const ref = new Ref(tree, 'a/1/kid', 'kid', { actor: 12, life: 3, src: 'child' });

  it.each<[Intent, ToldIntent]>([
    [{ kind: 'send', to: ref, event: { type: 'X', secret: 1 } }, ['send', 12, 3, 'X']],
    [{ kind: 'spawn', ref, input: { big: true } }, ['spawn', 'kid', 'child', 12, 3]],
    [{ kind: 'stop', ref }, ['stop', 'kid']],
    [
      { kind: 'timer', id: 't', to: ref, event: { type: 'X' }, delayMs: 10.2 },
      ['timer', 't', AT + 11, 12, 'X'],
    ],
    [
      { kind: 'timer', id: undefined, to: ref, event: { type: 'X' }, delayMs: 0 },
      ['timer', null, AT, 12, 'X'],
    ],
    [{ kind: 'cancel', id: 't' }, ['cancel', 't']],
    [{ kind: 'emit', event: { type: 'X' } }, ['emit', 'X']],
    [{ kind: 'log', label: 'l', value: 1 }, ['log']],
    [{ kind: 'action', name: 'pay', params: { secret: 1 }, run: () => {} }, ['action', 'pay']],
  ])('%#', (intent, summary) => {
    expect(tellIntents([intent], AT)).toEqual([summary]);
  });

  it('keeps their order', () => {
    const intents: Intent[] = ['a', 'b', 'c'].map((id) => ({ kind: 'cancel', id }));
    expect(tellIntents(intents, AT)).toEqual([
      ['cancel', 'a'],
      ['cancel', 'b'],
      ['cancel', 'c'],
    ]);
  });
});

describe('the time at which a timer is due', () => {
  it.each([
    [0, 1000],
    [1, 1001],
    [0.001, 1001],
    [250.5, 1251],
    // As `setTimeout` takes them.
    [NaN, 1000],
    [Infinity, 1000],
    [1e300, 2 ** 47],
    [Number.MAX_SAFE_INTEGER, 2 ** 47],
  ])('after %d ms fits into a row', (delayMs, due) => {
    expect(dueOf(1000, delayMs)).toBe(due);
  });
});
