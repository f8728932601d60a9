// The lie: "keys are binary and ordered, and one table says every prefix". Numbers and addresses are compared with their
// keys, ranges with what must and must not be in them, and the table with the code under it.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addressOf,
  allOf,
  checkpointKey,
  codeKey,
  deadLetterKey,
  frameKey,
  idempotencyKey,
  LOW_WATER_KEY,
  nameKey,
  nameWitnessKey,
  NEWS_KEY,
  numberOf,
  orderKey,
  pauseKey,
  Prefix,
  quarantineKey,
  resumeKey,
  stateKey,
  stateOf,
  stateRange,
  STATES_INDEXED_KEY,
  SUPERBLOCK_KEY,
  systemIdsKey,
  timerActorOf,
  timerKey,
  waypointKey,
} from './keys.ts';
import type { KeyRange } from './keys.ts';

const MAX_U48 = 2 ** 48 - 1;
const numbers = fc.oneof(
  fc.nat({ max: MAX_U48 }),
  fc.nat({ max: 48 }).map((power) => Math.min(2 ** power, MAX_U48)),
);
const address = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex');
const order = (a: Uint8Array, b: Uint8Array): number => Math.sign(Buffer.compare(a, b));
const isIn = ({ gte, lt }: KeyRange, key: Uint8Array): boolean => order(gte, key) <= 0 && order(key, lt) < 0;

/** One key of every kind, by the first column of the table. */
const examples: Readonly<Record<string, (n: number, text: string) => Uint8Array>> = {
  F: (n) => frameKey(n),
  N: (_, text) => nameKey(text),
  H: (_, text) => nameWitnessKey(text),
  A: (n) => checkpointKey(n),
  W: (n) => waypointKey(n, 7),
  C: (n) => codeKey(n),
  R: (n) => resumeKey(n),
  T: (n) => timerKey(n, 7),
  K: (n, text) => idempotencyKey(n, text),
  S: (_, text) => systemIdsKey(text),
  D: (n) => deadLetterKey(n),
  Q: (n) => quarantineKey(n),
  P: (_, text) => pauseKey(text),
  O: (_, text) => orderKey(text),
  I: (_, text) => stateKey(text.slice(0, 1), text.slice(2)),
};
const prefixOf = (letter: string): Prefix => letter.charCodeAt(0) as Prefix;

describe('the table', () => {
  const source = readFileSync(new URL('keys.ts', import.meta.url), 'utf8');
  const rows = [...source.matchAll(/^ \* \| `([^`]+)` +\| ([^|]*?) +\|/gm)].map((row) => row.slice(1));

  it('names every prefix of the code, once, and no other', () => {
    const letters = rows.map(([letter]) => letter!);
    const codes = Object.values(Prefix).map((code) => String.fromCharCode(code));
    expect(letters.toSorted()).toEqual(['!s', '!l', '!i', '!n', ...codes].toSorted());
    expect(new Set(letters).size).toBe(letters.length);
    expect(Object.keys(examples).toSorted()).toEqual(codes.toSorted());
  });

  it('says what a key consists of', () => {
    const widths: Record<string, number> = { u48: 6, 'hash64 of address': 8, utf8: Buffer.byteLength('ö/1') };
    for (const [letter, columns] of rows) {
      if (letter!.startsWith('!')) continue;
      const parts = columns!.split(', ').map((part) => widths[part] ?? widths[part.split(' ').at(-1)!]!);
      const expected = parts.reduce((sum, width) => sum + width, 1);
      expect([letter, examples[letter!]!(1, 'ö/1').length]).toEqual([letter, expected]);
    }
  });

  it('is on disk: not one byte of a key may ever change', () => {
    expect({
      superblock: hex(SUPERBLOCK_KEY),
      lowWater: hex(LOW_WATER_KEY),
      news: hex(NEWS_KEY),
      frame: hex(frameKey(0x010203040506)),
      name: hex(nameKey('ö/1')),
      witness: hex(nameWitnessKey('order/42')),
      checkpoint: hex(checkpointKey(258)),
      waypoint: hex(waypointKey(258, 1024)),
      code: hex(codeKey(258)),
      resume: hex(resumeKey(258)),
      timer: hex(timerKey(1_700_000_000_000, 258)),
      idempotency: hex(idempotencyKey(258, 'ü')),
      systemIds: hex(systemIdsKey('a')),
      deadLetter: hex(deadLetterKey(258)),
      quarantine: hex(quarantineKey(258)),
      pause: hex(pauseKey('a')),
      order: hex(orderKey('a')),
      state: hex(stateKey('a\0a"b"', 'a/1')),
      statesIndexed: hex(STATES_INDEXED_KEY),
    }).toEqual({
      superblock: '2173',
      lowWater: '216c',
      news: '216e',
      frame: '46010203040506',
      name: '4ec3b62f31',
      witness: `48${createHash('sha256').update('order/42').digest('hex').slice(0, 16)}`,
      checkpoint: '41000000000102',
      waypoint: '57000000000102000000000400',
      code: '43000000000102',
      resume: '52000000000102',
      timer: '54018bcfe56800000000000102',
      idempotency: '4b000000000102c3bc',
      systemIds: '5361',
      deadLetter: '44000000000102',
      quarantine: '51000000000102',
      pause: '5061',
      order: '4f61',
      state: '4961006122622200612f31',
      statesIndexed: '2169',
    });
  });
});

describe('a key of the index of states', () => {
  it('says what it was made of, whatever the address is, and stands among those that begin alike', () => {
    fc.assert(
      fc.property(address, fc.string({ unit: 'binary' }), (name, id) => {
        const row = `${encodeURIComponent(name)}\0a"idle"`;
        const key = stateKey(row, `a/${id.toWellFormed()}`);
        expect(stateOf(key)).toEqual({ row, address: `a/${id.toWellFormed()}` });
        for (const end of [1, row.length, row.length + 2])
          expect(isIn(stateRange(`${row}\0a`.slice(0, end)), key)).toBe(true);
        expect(isIn(stateRange(`${row.slice(0, -1)}s`), key)).toBe(false);
      }),
    );
  });
});

describe('the order of keys', () => {
  it.each([
    ['frames', frameKey],
    ['checkpoints', checkpointKey],
    ['resumes', resumeKey],
    ['dead letters', deadLetterKey],
    ['quarantines', quarantineKey],
  ] as const)('of %s is that of their numbers', (_, keyOf) => {
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        expect(order(keyOf(a), keyOf(b))).toBe(Math.sign(a - b));
        expect(numberOf(keyOf(a))).toBe(a);
      }),
    );
  });

  it('of timers is that of what is due first, and then of actors', () => {
    fc.assert(
      fc.property(numbers, numbers, numbers, numbers, (due, actor, otherDue, other) => {
        const key = timerKey(due, actor);
        expect(order(key, timerKey(otherDue, other))).toBe(Math.sign(due - otherDue || actor - other));
        expect(order(key, timerKey(due, other))).toBe(Math.sign(actor - other));
        expect([numberOf(key), timerActorOf(key)]).toEqual([due, actor]);
      }),
    );
  });

  it.each([
    ['names', nameKey],
    ['system ids', systemIdsKey],
    ['pauses', pauseKey],
    ['idempotency ids of one actor', (id: string) => idempotencyKey(5, id)],
  ] as const)('of %s is that of their characters', (_, keyOf) => {
    fc.assert(
      fc.property(address, address, (a, b) => {
        expect(order(keyOf(a), keyOf(b))).toBe(inCodePoints(a, b));
      }),
    );
    // UTF-16, in which JavaScript compares, has these two the other way round.
    expect(order(keyOf('\uffff'), keyOf('😀'))).toBe(-1);
  });

  it('of names keeps a family together', () => {
    fc.assert(
      fc.property(address, address, address, (parent, child, other) => {
        const family = { gte: nameKey(`${parent}/`), lt: nameKey(`${parent}0`) };
        expect(isIn(family, nameKey(`${parent}/${child}`))).toBe(true);
        expect(isIn(family, nameKey(parent))).toBe(false);
        expect(isIn(family, nameKey(other))).toBe(other.startsWith(`${parent}/`));
      }),
    );
  });

  it('of idempotency ids keeps those of an actor together, whatever the ids are', () => {
    fc.assert(
      fc.property(numbers, fc.string({ unit: 'binary' }), fc.nat({ max: 1000 }), (actor, id, distance) => {
        const next = Math.min(actor + 1 + distance, MAX_U48);
        fc.pre(next > actor);
        expect(order(idempotencyKey(actor, id), idempotencyKey(next, ''))).toBe(-1);
        expect(order(idempotencyKey(actor, ''), idempotencyKey(actor, id))).toBe(id === '' ? 0 : -1);
      }),
    );
  });

  function inCodePoints(a: string, b: string): number {
    const [one, other] = [[...a], [...b]];
    for (let i = 0; i < Math.min(one.length, other.length); i++) {
      const difference = one[i]!.codePointAt(0)! - other[i]!.codePointAt(0)!;
      if (difference !== 0) return Math.sign(difference);
    }
    return Math.sign(one.length - other.length);
  }

  // A delay may be MAX_SAFE_INTEGER, and more than fits into a key.
  it.each([2 ** 48, Number.MAX_SAFE_INTEGER + 1_700_000_000_000, Infinity])(
    'a timer that is due at %d comes last',
    (due) => {
      expect(order(timerKey(MAX_U48, 0), timerKey(due, 1))).toBe(-1);
    },
  );
});

describe('a range of keys', () => {
  it.each(Object.keys(examples))('%s holds all of its kind, and nothing of any other', (letter) => {
    const range = allOf(prefixOf(letter));
    fc.assert(
      fc.property(numbers, fc.string({ unit: 'binary' }), (n, text) => {
        for (const [other, keyOf] of Object.entries(examples)) {
          expect([other, isIn(range, keyOf(n, text))]).toEqual([other, other === letter]);
        }
        expect(isIn(range, SUPERBLOCK_KEY) || isIn(range, LOW_WATER_KEY)).toBe(false);
      }),
    );
  });
});

describe('an address', () => {
  it('is read from its key, also from one that is part of something larger', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const key = nameKey(text);
        const around = Buffer.concat([Buffer.from('xx'), key, Buffer.from('yy')]);
        expect(addressOf(key)).toBe(text);
        expect(addressOf(Uint8Array.from(key))).toBe(text);
        expect(addressOf(around.subarray(2, 2 + key.length))).toBe(text);
      }),
    );
  });

  it('has a witness of its own', () => {
    const witnesses = new Set(Array.from({ length: 10_000 }, (_, i) => hex(nameWitnessKey(`order/${i}`))));
    expect(witnesses.size).toBe(10_000);
  });
});
