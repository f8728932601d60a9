// The lie: "a repair only mends form": that it never changes what is right, never invents, and always leaves word of itself.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkedSchemaOf, REPAIRS, repairedText, repairedValue } from 'heddle/actors';
import type { RepairName } from 'heddle/actors';
import { canonicalOf } from '../../machines/values/canonical.ts';
import { digestOf } from '../schema/digest.ts';

const SCHEMA = {
  type: 'object',
  properties: {
    text: { type: 'string' },
    n: { type: 'number' },
    list: {
      type: 'array',
      items: { type: 'object', properties: { id: { type: 'integer' } }, additionalProperties: false },
    },
  },
  required: ['text'],
  additionalProperties: false,
} as const;

function schemaOf(given: object) {
  const reading = checkedSchemaOf(given);
  if (!reading.ok) throw new Error('no schema');
  return reading.schema;
}
const schema = schemaOf(SCHEMA);
const anything = schemaOf({ type: 'object' });

const right = { text: 'a {b} ```c``` ,} "d" \\', n: 1 };
const json = JSON.stringify(right);

describe('a text', () => {
  it.each<[RepairName, string, unknown]>([
    ['strip-code-fence', `\`\`\`json\n{"text": "a"}\n\`\`\``, { text: 'a' }],
    ['strip-code-fence', `\n\`\`\`\n{"text": "a"}\`\`\`\n`, { text: 'a' }],
    ['extract-json-object', `Here you are: ${json} — anything else?`, right],
    [
      'trim-trailing-commas',
      '{"text": "a, ]", "list": [{"id": 1,}, ], }',
      { text: 'a, ]', list: [{ id: 1 }] },
    ],
  ])('is repaired by %s', (repair, text, output) => {
    const repaired = repairedText(text, [repair], schema);
    expect(repaired).toMatchObject({ ok: true, output, applied: [{ repair }] });
    const [applied] = repaired.applied;
    expect(applied!.before).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(applied!.after).not.toBe(applied!.before);
    expect(repairedText(text, [], schema)).toMatchObject({
      ok: false,
      problems: [{ keyword: 'json' }],
      applied: [],
    });
  });

  it('takes several, in the order of the contract', () => {
    const text = `Sure!\n{"text": "a", "n": 1,}\nBye`;
    const names = (order: RepairName[]) =>
      repairedText(text, order, schema).applied.map(({ repair }) => repair);
    expect(names(['extract-json-object', 'trim-trailing-commas'])).toEqual([
      'extract-json-object',
      'trim-trailing-commas',
    ]);
    expect(names(['trim-trailing-commas', 'extract-json-object'])).toEqual([
      'trim-trailing-commas',
      'extract-json-object',
    ]);
  });

  it.each([
    ['two objects', '{"text": "a"} or {"text": "b"}', 'extract-json-object'],
    ['an object without end', 'so {"text": "a"', 'extract-json-object'],
    ['no object', 'nothing', 'extract-json-object'],
    ['two fences', '```\n{"text":"a"}\n```\n```\n{"text":"b"}\n```', 'strip-code-fence'],
    ['a fence without end', '```json\n{"text":"a"}', 'strip-code-fence'],
    ['nothing but fences', '``````', 'strip-code-fence'],
    ['what was cut off', '{"text": "a", "n":', 'trim-trailing-commas'],
  ] as const)('is left alone when there are %s', (_, text, repair) => {
    expect(repairedText(text, [repair], schema)).toMatchObject({ ok: false, applied: [] });
  });

  it('that is right is not touched', () => {
    expect(repairedText(json, REPAIRS, schema)).toEqual({ ok: true, output: right, applied: [] });
  });

  it('that is JSON and no object is no output', () => {
    for (const text of ['[]', '"x"', '7', 'null'])
      expect(repairedText(text, REPAIRS, schemaOf({}))).toMatchObject({
        ok: false,
        problems: [{ keyword: 'type' }],
      });
  });

  it('of any object, in a fence, with words around it, comes back as it was', () => {
    const object = fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue(), {
      noNullPrototype: true,
      maxKeys: 4,
    });
    const isPlain = (value: object) =>
      !JSON.stringify(value).includes('__proto__') && JSON.stringify(value).isWellFormed();
    const hasNoMinusZero = (value: object) =>
      !JSON.stringify(value, (_, inner) => (Object.is(inner, -0) ? 'minus' : inner)).includes('minus');
    fc.assert(
      fc.property(
        object.filter((value) => isPlain(value) && hasNoMinusZero(value) && anything.check(value).ok),
        (value) => {
          const text = JSON.stringify(value);
          const around = repairedText(`Well: ${text}, that is it.`, ['extract-json-object'], anything);
          expect(around).toMatchObject({ ok: true, output: value });
          const commas = repairedText(text.replace(/\}$/, ' , }'), ['trim-trailing-commas'], anything);
          if (Object.keys(value).length > 0) expect(commas).toMatchObject({ ok: true, output: value });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('that is long and hopeless is given up soon', () => {
    const hopeless = [
      '{'.repeat(1e6),
      '['.repeat(1e6),
      ','.repeat(1e6),
      '```'.repeat(3e5),
      '"\\'.repeat(5e5),
      '{}'.repeat(5e5),
    ];
    for (const text of hopeless) expect(repairedText(text, REPAIRS, schema).ok).toBe(false);
  });
});

describe('a value', () => {
  it.each<[RepairName, unknown, unknown]>([
    [
      'drop-unknown-fields',
      { text: 'a', more: 1, list: [{ id: 1, 'x/y': 2 }] },
      { text: 'a', list: [{ id: 1 }] },
    ],
    ['drop-null-fields', { text: 'a', n: null, list: [{ id: null }] }, { text: 'a', list: [{}] }],
    [
      'numbers-from-text',
      { text: '7', n: '-1.5', list: [{ id: '3' }] },
      { text: '7', n: -1.5, list: [{ id: 3 }] },
    ],
  ])('is repaired by %s, and only where it is wrong', (repair, value, output) => {
    const before = structuredClone(value);
    expect(repairedValue(value, [repair], schema)).toMatchObject({ ok: true, output, applied: [{ repair }] });
    expect(value).toEqual(before);
  });

  it.each(['', ' 1', '1e3', '1.50', '0x10', 'NaN', 'Infinity', '1,5', '12345678901234567890', '٣'])(
    'that is the text %j is no number',
    (n) => {
      expect(repairedValue({ text: 'a', n }, ['numbers-from-text'], schema)).toMatchObject({
        ok: false,
        applied: [],
      });
    },
  );

  it('loses nothing that it needs, and no item of a list', () => {
    expect(repairedValue({ text: null }, ['drop-null-fields'], schema)).toMatchObject({
      ok: false,
      problems: [{ pointer: '#/text', keyword: 'required' }],
    });
    expect(repairedValue({ text: 'a', list: [null] }, ['drop-null-fields'], schema)).toMatchObject({
      ok: false,
      applied: [],
    });
  });

  const fields = (count: number, value: unknown) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`x${index}`, value]));

  it.each([101, 250, 1900])('with %i mistakes is repaired like one with a few, and told once', (count) => {
    const value = { text: 'a', ...fields(count, 1) };
    expect(repairedValue(value, ['drop-unknown-fields'], schema)).toEqual({
      ...{ ok: true, output: { text: 'a' } },
      applied: [
        {
          repair: 'drop-unknown-fields',
          before: digestOf(canonicalOf(value)),
          after: digestOf('{"text":"a"}'),
        },
      ],
    });
  });

  it('is repaired of mistakes that others have hidden', () => {
    const list = Array.from({ length: 150 }, () => ({ id: null, more: 1 }));
    const { ok, output } = repairedValue({ text: 'a', ...fields(150, null), list }, REPAIRS, schema) as {
      ok: boolean;
      output?: object;
    };
    expect([ok, output]).toEqual([true, { text: 'a', list: list.map(() => ({})) }]);
  });

  it('that is nothing but mistakes is given up soon', () => {
    expect(repairedValue({ text: 'a', ...fields(20_000, 1) }, REPAIRS, schema).ok).toBe(false);
  });

  it('that is no data is beyond repair', () => {
    expect(repairedValue({ text: () => 1 }, REPAIRS, schema)).toMatchObject({ ok: false, applied: [] });
  });

  it('is mended under names that objects inherit only where they are its own', () => {
    const value = JSON.parse('{"text":"a","constructor":1,"toString":2}');
    expect(repairedValue(value, ['drop-unknown-fields'], schema)).toMatchObject({
      ok: true,
      output: { text: 'a' },
    });
  });
});
