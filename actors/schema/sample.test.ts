// The lie: "a sample made from a schema is one". Ajv is the judge; a seed says which sample it was.
import { describe, expect, it } from 'vitest';
import { Chance } from './chance.ts';
import { compiledSchemaOf } from './json-schema.ts';
import { textMatching } from './pattern-sample.ts';
import { samplesOf } from './sample.ts';

const FORMATS = [
  ...['date', 'time', 'date-time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6'],
  ...['uri', 'uri-reference', 'uuid'],
];

function samples(given: unknown, seed = 'seed', count = 10): unknown[] {
  const reading = compiledSchemaOf(given);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  const { jsonSchema, check } = reading.schema;
  return samplesOf({ jsonSchema, isValid: (value) => check(value).length === 0 }, seed, count);
}

describe('samples are made of', () => {
  it.each<[string, unknown]>([
    ['anything', true],
    ['numbers within a range', { type: 'number', exclusiveMinimum: 0, maximum: 1 }],
    ['numbers within a narrow one', { type: 'number', minimum: 0.11, maximum: 0.12 }],
    ['one number', { type: 'number', minimum: 7, maximum: 7 }],
    ['negative numbers', { type: 'number', maximum: -5 }],
    ['multiples', { type: 'number', multipleOf: 0.01, minimum: 1 }],
    ['whole numbers below', { type: 'integer', exclusiveMaximum: 3, minimum: -1 }],
    ['texts of a length', { type: 'string', minLength: 40, maxLength: 41 }],
    [
      'formats',
      {
        type: 'object',
        required: FORMATS,
        properties: properties(FORMATS, (format) => ({ type: 'string', format })),
      },
    ],
    ['choices', { enum: [1, 'two', null] }],
    ['constants', { type: 'object', properties: { kind: { const: 'a' } }, required: ['kind'] }],
    ['several types', { type: ['string', 'null'] }],
    [
      'branches',
      {
        anyOf: [
          { type: 'string' },
          { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] },
        ],
      },
    ],
    [
      'branches with something in common',
      {
        type: 'object',
        properties: { a: { type: 'integer' } },
        required: ['a'],
        oneOf: [
          { properties: { b: { const: 1 } }, required: ['b'] },
          { properties: { b: { const: 2 } }, required: ['b'] },
        ],
      },
    ],
    [
      'parts put together',
      {
        allOf: [
          { properties: { a: { minimum: 3 } }, required: ['a'] },
          { properties: { a: { type: 'integer', maximum: 4 } } },
        ],
      },
    ],
    ['lists of a length', { type: 'array', items: { type: 'boolean' }, minItems: 3, maxItems: 3 }],
    [
      'lists without repetition',
      { type: 'array', items: { type: 'string', minLength: 5 }, minItems: 2, uniqueItems: true },
    ],
    [
      'lists with places',
      { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], items: false, minItems: 2 },
    ],
    ['lists that contain something', { type: 'array', contains: { const: 'x' } }],
    ['dictionaries', { type: 'object', additionalProperties: { type: 'integer' }, minProperties: 2 }],
    [
      'dictionaries with names',
      {
        type: 'object',
        propertyNames: { pattern: '^[a-z]{3}$' },
        additionalProperties: { type: 'integer' },
        minProperties: 2,
      },
    ],
    [
      'fields that are not described',
      { type: 'object', required: ['a'], additionalProperties: { type: 'null' } },
    ],
    [
      'trees',
      {
        $ref: '#/$defs/tree',
        $defs: {
          tree: {
            type: 'object',
            properties: { children: { type: 'array', items: { $ref: '#/$defs/tree' } } },
            required: ['children'],
          },
        },
      },
    ],
    ['patterns', { type: 'string', pattern: '^(EUR|USD) [1-9]\\d{0,3}\\.\\d{2}$' }],
  ])('%s', (_, schema) => {
    expect(samples(schema)).toHaveLength(10);
    expect(samples(schema)).toEqual(samples(schema));
  });

  it('others with another seed', () => {
    const schema = { type: 'string', minLength: 20 };
    expect(samples(schema, 'another')).not.toEqual(samples(schema));
  });
});

describe('no sample is made of', () => {
  it.each<[string, unknown]>([
    ['nothing', false],
    ['what cannot be', { type: 'integer', minimum: 0.2, maximum: 0.8 }],
    ['what has no end', { type: 'object', properties: { next: { $ref: '#' } }, required: ['next'] }],
    ['a reference to itself', { $ref: '#' }],
    ['what would take for ever', { type: 'array', minItems: 1e9 }],
    ['texts without end', { type: 'string', minLength: 1e9 }],
  ])('%s, and that is soon known', (_, schema) => {
    expect(samples(schema, 'seed', 1)).toEqual([]);
  });
});

describe('a text is made to match', () => {
  it.each([
    ...[
      '^[A-Z]{3}$',
      '^\\d+$',
      'a|b|c',
      '^(?:a|b)*c?$',
      '[^a-z]',
      '^.{2,4}$',
      '\\w+@\\w+\\.com',
      '^\\u0041$',
      '[\\d.-]+',
    ],
    ...[
      '^(?<year>\\d{4})-(0[1-9]|1[0-2])$',
      '^[\\w-]+$',
      '^\\$\\{x\\}$',
      '^a{2}b{0,1}$',
      '[a\\-z]',
      '^x*?$',
      '',
    ],
  ])('/%s/', (pattern) => {
    for (let i = 0; i < 50; i++) {
      const text = textMatching(pattern, new Chance(`${i}`));
      expect(text, `seed ${i}`).toMatch(new RegExp(pattern, 'u'));
    }
  });

  it.each(['(?=a)a', '(?<!a)b', '(a)\\1', '\\bword', '\\p{L}', 'a{5000}', '('])(
    'unless it is beyond that: /%s/',
    (pattern) => {
      expect(textMatching(pattern, new Chance('seed'))).toBeUndefined();
    },
  );
});

function properties(names: readonly string[], schemaOf: (name: string) => unknown): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, schemaOf(name)]));
}
