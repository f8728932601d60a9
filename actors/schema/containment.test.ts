// The lie: "what is said to be contained is not". A table of pairs that must be shown or refused with the right place; and random
// pairs, in which every value made from the narrower schema is held against the wider one by the checker itself.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JSONSchema } from '../../machines/contract.ts';
import { hashOf } from './digest.ts';
import { checkedSchemaOf, samplesFor } from './checked.ts';
import type { Checked } from './checked.ts';
import { contains } from './containment.ts';

function checked(jsonSchema: JSONSchema): Checked {
  const reading = checkedSchemaOf(jsonSchema as object);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading.schema;
}

const compare = (wide: unknown, narrow: unknown) =>
  contains(checked(wide as JSONSchema), checked(narrow as JSONSchema));

const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more });
const text = { type: 'string' };
const node = {
  $defs: { node: object({ next: { $ref: '#/$defs/node' }, name: text }, { additionalProperties: false }) },
  $ref: '#/$defs/node',
};

describe('it is shown', () => {
  it.each<[string, unknown, unknown]>([
    ['of anything', true, { type: 'object' }],
    [
      'of the same with other words for people',
      { type: 'string', title: 'a' },
      { type: 'string', title: 'b' },
    ],
    ['of a whole number in a number', { type: 'number' }, { type: 'integer' }],
    [
      'of a narrower range',
      { type: 'number', minimum: 0, maximum: 10 },
      { type: 'integer', exclusiveMinimum: 0, maximum: 9 },
    ],
    ['of a value in a range', { type: 'number', minimum: 0 }, { const: 5 }],
    ['of fewer choices', { enum: ['a', 'b', 'c'] }, { enum: ['c', 'a'] }],
    ['of a choice that its own type rules out', { type: 'string' }, { type: 'string', enum: ['a', null] }],
    ['of booleans among values', { enum: [true, false, 1] }, { type: 'boolean' }],
    [
      'of more required fields',
      object({ a: text }, { required: ['a'] }),
      object({ a: text, b: text }, { required: ['a', 'b'] }),
    ],
    [
      'of a closed object in an open one',
      object({ a: text }),
      object({ a: { const: 'x' } }, { additionalProperties: false }),
    ],
    [
      'of a closed object in a closed one',
      object({ a: text, b: text }, { additionalProperties: false }),
      object({ a: text }, { additionalProperties: false }),
    ],
    [
      'of typed others in typed others',
      object({}, { additionalProperties: { type: 'number' } }),
      object({ a: { type: 'integer' } }, { additionalProperties: { type: 'integer' } }),
    ],
    [
      'of a list',
      { type: 'array', items: text, maxItems: 5 },
      { type: 'array', items: { const: 'x' }, maxItems: 3 },
    ],
    [
      'of a list with a beginning',
      { type: 'array', items: text },
      { type: 'array', prefixItems: [text, { const: 'x' }], items: text },
    ],
    ['of an alternative', { anyOf: [text, { type: 'number' }] }, text],
    [
      'of alternatives one by one',
      { anyOf: [text, { type: 'number' }, { type: 'null' }] },
      { anyOf: [{ type: 'null' }, text] },
    ],
    ['of types one by one', { anyOf: [text, { type: 'null' }] }, { type: ['string', 'null'] }],
    [
      'of one tagged alternative',
      {
        oneOf: [
          object({ k: { const: 'a' } }, { required: ['k'] }),
          object({ k: { const: 'b' } }, { required: ['k'] }),
        ],
      },
      object({ k: { const: 'a' } }, { required: ['k'] }),
    ],
    [
      'of parts that together say it',
      object({ a: text, b: text }, { required: ['a', 'b'] }),
      { allOf: [object({ a: text }, { required: ['a'] }), object({ b: text }, { required: ['b'] })] },
    ],
    [
      'of what is referred to',
      object({ a: { $ref: '#/$defs/t' } }, { $defs: { t: text } }),
      object({ a: { const: 'x' } }),
    ],
    ['of what refers to itself', object({ next: { type: 'object' }, name: text }), node],
    ['of itself referring to itself, in other words', { ...node, title: 'other' }, node],
    [
      'of the same pattern',
      { type: 'string', pattern: '^a' },
      { type: 'string', pattern: '^a', minLength: 2 },
    ],
    ['of what asks nothing of its type', { minLength: 3 }, { type: 'number' }],
    [
      'of known fields by their patterns',
      object({}, { patternProperties: { '^n': { type: 'number' } } }),
      object({ n1: { type: 'integer' }, t: text }, { additionalProperties: false }),
    ],
  ])('%s', (_, wide, narrow) => {
    expect(compare(wide, narrow)).toEqual({ ok: true });
  });
});

describe('it is refused', () => {
  it.each<[string, unknown, unknown, string]>([
    ['another type', object({ a: text }), object({ a: { type: 'number' } }), '#/properties/a/type'],
    ['a field that anything may be', object({ a: text }), object({}), '#/properties/a/type'],
    [
      'a field that may be absent',
      object({ a: text }, { required: ['a'] }),
      object({ a: text }),
      '#/required',
    ],
    [
      'fields that are too many',
      object({ a: text }, { additionalProperties: false }),
      object({ a: text }),
      '#/additionalProperties',
    ],
    [
      'a named field that is too many',
      object({ a: text }, { additionalProperties: false }),
      object({ a: text, b: text }, { additionalProperties: false }),
      '#/additionalProperties',
    ],
    ['a wider range', { type: 'number', minimum: 1 }, { type: 'number', minimum: 0 }, '#/minimum'],
    [
      'the end of a range',
      { type: 'number', exclusiveMaximum: 5 },
      { type: 'number', maximum: 5 },
      '#/exclusiveMaximum',
    ],
    ['a choice too many', { enum: ['a', 'b'] }, { enum: ['a', 'c'] }, '#/enum'],
    ['a text where there are choices', { enum: ['a', 'b'] }, text, '#/enum'],
    ['a number where there must be a whole one', { type: 'integer' }, { type: 'number' }, '#/type'],
    ['another pattern', { type: 'string', pattern: '^a' }, { type: 'string', pattern: '^b' }, '#/pattern'],
    ['an alternative too many', { anyOf: [text] }, { anyOf: [text, { type: 'null' }] }, '#/anyOf/0/type'],
    [
      'an alternative that may be two',
      { oneOf: [object({ a: text }), object({ b: text })] },
      object({ a: text }),
      '#/oneOf',
    ],
    [
      'an item of another type',
      { type: 'array', items: text },
      { type: 'array', prefixItems: [{ type: 'number' }], items: text },
      '#/items/type',
    ],
    ['a list that may be empty', { type: 'array', minItems: 1 }, { type: 'array' }, '#/minItems'],
    ['what must not be', { not: text }, { type: 'number' }, '#/not'],
    [
      'conditions',
      object({}, { if: object({ a: { const: 1 } }), else: { required: ['b'] } }),
      object({}),
      '#/if',
    ],
    [
      'what looks around',
      object({}, { unevaluatedProperties: false }),
      object({}, { unevaluatedProperties: false, title: 'x' }),
      '#/unevaluatedProperties',
    ],
    [
      'within a reference',
      object({ a: { $ref: '#/$defs/t' } }, { $defs: { t: { type: 'string', maxLength: 3 } } }),
      object({ a: text }),
      '#/$defs/t/maxLength',
    ],
    ['nothing at all', false, { type: 'object' }, '#'],
  ])('%s', (_, wide, narrow, pointer) => {
    expect(compare(wide, narrow)).toMatchObject({ ok: false, pointer });
  });

  it('comes to an end where a schema has no end', () => {
    const endless = { anyOf: [{ $ref: '#' }, { allOf: [{ $ref: '#' }, { type: 'object' }] }] };
    expect(
      contains({ jsonSchema: { type: 'string' }, hash: '1' }, { jsonSchema: endless, hash: '2' }).ok,
    ).toBe(false);
    expect(
      contains({ jsonSchema: endless, hash: '3' }, { jsonSchema: { type: 'string' }, hash: '4' }).ok,
    ).toBe(false);
  });
});

/** Small schemas over few names and values, so that many pairs are contained in each other. */
const { schema } = fc.letrec<{ schema: JSONSchema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom<JSONSchema>(
      { type: 'string' },
      { type: 'string', minLength: 1 },
      { type: 'string', maxLength: 2 },
      { type: 'integer' },
      { type: 'number', minimum: 0 },
      { type: 'number', exclusiveMaximum: 3 },
      { type: 'integer', minimum: 0, maximum: 2, multipleOf: 2 },
      { type: 'boolean' },
      { type: ['string', 'null'] },
      { enum: ['a', 1, null] },
      { const: 'a' },
      true,
    ),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    fc.tuple(tie('schema'), tie('schema')).map((oneOf) => ({ oneOf })),
    fc.tuple(tie('schema'), tie('schema')).map((allOf) => ({ allOf })),
    fc
      .record(
        {
          items: tie('schema'),
          maxItems: fc.integer({ min: 0, max: 3 }),
          prefixItems: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }),
        },
        { requiredKeys: [] },
      )
      .map((more) => ({ type: 'array', ...more, ...('prefixItems' in more && { minItems: 0 }) })),
    fc
      .record(
        {
          properties: fc.dictionary(fc.constantFrom('a', 'b', 'ab'), tie('schema')),
          required: fc.uniqueArray(fc.constantFrom('a', 'b')),
          additionalProperties: fc.oneof(fc.boolean(), tie('schema')),
          patternProperties: fc.dictionary(fc.constantFrom('^a', 'b$'), tie('schema'), { maxKeys: 1 }),
        },
        { requiredKeys: [] },
      )
      .map((more) => ({ type: 'object', ...more })),
  ),
}));

/** The same, asking less: one keyword is left out somewhere. */
function weaker(given: JSONSchema, where: readonly number[]): JSONSchema {
  if (typeof given === 'boolean') return true;
  const { properties, ...rest } = given as Record<string, unknown>;
  const [first = 0, ...others] = where;
  const names = Object.keys(properties ?? {});
  const name = names[first % Math.max(1, names.length)];
  if (name !== undefined && others.length > 0)
    return {
      ...given,
      properties: {
        ...(properties as object),
        [name]: weaker((properties as Record<string, JSONSchema>)[name]!, others),
      },
    };
  const asked = Object.keys(rest).filter((keyword) =>
    [
      'required',
      'minLength',
      'maxLength',
      'minimum',
      'maximum',
      'exclusiveMaximum',
      'multipleOf',
      'maxItems',
    ].includes(keyword),
  );
  const out = asked[first % Math.max(1, asked.length)];
  return Object.fromEntries(Object.entries(given).filter(([keyword]) => keyword !== out));
}

/** Two schemas, of which the second is often contained in the first. */
const pair = fc
  .tuple(
    schema,
    schema,
    fc.constantFrom('any', 'both', 'weaker'),
    fc.array(fc.nat(5), { minLength: 1, maxLength: 3 }),
  )
  .map(([some, other, how, where]): [JSONSchema, JSONSchema] => {
    if (how === 'any') return [some, other];
    return how === 'both' ? [some, { allOf: [some, other] }] : [weaker(some, where), some];
  });

describe('random schemas', () => {
  it('that are said to be contained accept no value that the others refuse', () => {
    let contained = 0;
    let held = 0;
    fc.assert(
      fc.property(pair, fc.string(), ([wide, narrow], seed) => {
        const [wider, narrower] = [checkedSchemaOf(wide as object), checkedSchemaOf(narrow as object)];
        // Strict reading refuses some that are made at random.
        fc.pre(wider.ok && narrower.ok);
        if (!contains(wider.schema, narrower.schema).ok) return;
        contained++;
        for (const value of samplesFor(narrower.schema, seed, 4)) {
          held++;
          expect([value, wider.schema.check(value).ok]).toEqual([value, true]);
        }
      }),
      { numRuns: 120 },
    );
    expect(contained).toBeGreaterThan(25);
    expect(held).toBeGreaterThan(25);
  });

  it('are contained in themselves with less asked', () => {
    fc.assert(
      fc.property(schema, fc.array(fc.nat(5), { minLength: 1, maxLength: 3 }), (given, where) => {
        // Where just one alternative may hold, that is not shown of every schema.
        fc.pre(!JSON.stringify(given).includes('"oneOf"'));
        fc.pre(checkedSchemaOf(given as object).ok);
        const narrow = { jsonSchema: given, hash: hashOf(given) };
        const less = weaker(given, where);
        const wide = { jsonSchema: less, hash: `less ${hashOf(less)}` };
        expect([less, contains(wide, narrow)]).toEqual([less, { ok: true }]);
      }),
      { numRuns: 150 },
    );
  });
});
