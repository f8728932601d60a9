// The lie: "whatever schema you have, what passes it is what it says, and nothing was changed to make it pass".
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import * as Schema from 'effect/Schema';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkedSchemaOf, samplesFor } from './checked.ts';
import type { Checked } from './checked.ts';
import type { SchemaLike } from './inferred.ts';

const PERSON = {
  type: 'object',
  properties: { name: { type: 'string', minLength: 2 }, age: { type: 'integer', minimum: 0 } },
  required: ['name'],
  additionalProperties: false,
} as const;

function checked(given: SchemaLike): Checked {
  const reading = checkedSchemaOf(given);
  if (!reading.ok)
    throw new Error(reading.problems.map(({ pointer, detail }) => `${pointer} ${detail}`).join('\n'));
  return reading.schema;
}

const refusalOf = (given: unknown) => {
  const reading = checkedSchemaOf(given as SchemaLike);
  return reading.ok ? [] : reading.problems.map(({ pointer, detail }) => `${pointer} ${detail}`);
};

const problemsOf = (schema: Checked, value: unknown) => {
  const checking = schema.check(value);
  return checking.ok ? [] : checking.problems.map(({ pointer, keyword }) => `${pointer} ${keyword}`);
};

/** The same contract, in every way there is to write it. */
const WRITTEN: readonly [name: string, schema: SchemaLike][] = [
  ['JSON Schema', PERSON],
  ['draft-07', { $schema: 'http://json-schema.org/draft-07/schema#', ...PERSON }],
  ['zod', z.strictObject({ name: z.string().min(2), age: z.int().min(0).optional() })],
  ['zod, not strict', z.object({ name: z.string().min(2), age: z.int().min(0).optional() })],
  ['arktype', type({ name: 'string >= 2', 'age?': 'number.integer >= 0', '+': 'reject' })],
  [
    'valibot',
    toStandardJsonSchema(
      v.strictObject({
        name: v.pipe(v.string(), v.minLength(2)),
        age: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
      }),
    ),
  ],
  [
    'effect',
    Schema.Struct({
      name: Schema.String.check(Schema.isMinLength(2)),
      age: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
    }),
  ],
  [
    'a library that does not say its JSON Schema, and one beside it',
    { schema: v.strictObject({ name: v.string(), age: v.optional(v.number()) }), jsonSchema: PERSON },
  ],
];

describe.each(WRITTEN)('a schema of %s', (_, given) => {
  const schema = checked(given);

  it('accepts what it says, as a frozen copy', () => {
    const value = { name: 'Ada', age: 36 };
    const checking = schema.check(value);
    expect(checking).toEqual({ ok: true, value });
    expect(Object.isFrozen((checking as { value: object }).value)).toBe(true);
  });

  it('says all that is wrong, and where', () => {
    const told = problemsOf(schema, { name: 7, age: -1, admin: true });
    expect(told).toContain('#/name type');
    expect(told).toContain('#/age minimum');
    expect(told).toContain('#/admin additionalProperties');
  });

  it('coerces nothing, fills in nothing, takes nothing away', () => {
    for (const value of [
      { name: 'Ada', age: '36' },
      {},
      { name: 'Ada', age: null },
      { name: 'Ada', more: 1 },
    ])
      expect(schema.check(value).ok).toBe(false);
  });

  it('refuses what is no data before anybody looks at it', () => {
    expect(problemsOf(schema, { name: 'Ada', age: Number.NaN })).toEqual(['#/age plain-data']);
    expect(problemsOf(schema, undefined)).toEqual(['# plain-data']);
    expect(problemsOf(schema, JSON.parse('{"name":"Ada","__proto__":{"age":1}}'))).toEqual([
      '#/__proto__ plain-data',
    ]);
  });

  it('never repeats a value', () => {
    const told = JSON.stringify(schema.check({ name: 'S', age: 'SECRET', more: 'SECRET' }));
    expect(told).not.toContain('SECRET');
  });

  it('gives samples that it accepts, the same each time', () => {
    const samples = samplesFor(schema, 'seed', 5);
    expect(samples).toHaveLength(5);
    expect(samplesFor(schema, 'seed', 5)).toEqual(samples);
    for (const sample of samples) expect(schema.check(sample).ok).toBe(true);
  });
});

describe('a hash', () => {
  it('is of the meaning, not of the order', () => {
    const { additionalProperties, required, properties } = PERSON;
    expect(checked({ required, additionalProperties, properties, type: 'object' }).hash).toBe(
      checked(PERSON).hash,
    );
    expect(checked({ ...PERSON, required: [] }).hash).not.toBe(checked(PERSON).hash);
  });

  it('is the same whichever library says the same', () => {
    const zod = checked(z.strictObject({ name: z.string().min(2) }));
    const valibot = checked(
      toStandardJsonSchema(v.strictObject({ name: v.pipe(v.string(), v.minLength(2)) })),
    );
    expect(zod.hash).toBe(valibot.hash);
  });
});

describe('a schema is refused, with its place', () => {
  it.each<[string, unknown, string]>([
    ['for what is none', 7, '# must be a JSON Schema'],
    ['when there is none', undefined, '# must be a JSON Schema'],
    ['for a word that is none', { typ: 'object' }, 'unknown keyword: "typ"'],
    [
      'for a word of OpenAPI: whoever compares schemas would take it for a text alone',
      { properties: { a: { type: 'string', nullable: true } } },
      'unknown keyword: "nullable"; what may be null has two types: ["string", "null"]',
    ],
    ['for a type that is none', { properties: { a: { type: 'objekt' } } }, '#/properties/a/type must be'],
    [
      'for a format that nobody knows',
      { properties: { a: { format: 'zip' } } },
      '#/properties/a unknown format',
    ],
    ['for a pattern that is none', { properties: { a: { pattern: '[' } } }, 'Invalid regular expression'],
    ['for a reference that leads nowhere', { $ref: '#/$defs/a' }, "can't resolve reference #/$defs/a"],
    [
      'for one that leads out',
      { $ref: 'https://example.com/a.json' },
      "can't resolve reference https://example.com",
    ],
    [
      'for a draft that is not understood',
      { $schema: 'http://json-schema.org/draft-04/schema#' },
      '#/$schema must be',
    ],
    ['that would answer later', { $async: true }, '#/$async is not allowed'],
    ['that is no data', { type: 'object', default: () => 1 }, '#/default is a function'],
    ['that contains itself', cyclic(), 'contains itself'],
    ['of a library that does not say it', v.object({}), "'@valibot/to-json-schema'"],
    ['that transforms, in zod', z.object({ a: z.string().transform(Number) }), 'Transforms cannot'],
    [
      'that transforms, in arktype',
      type({ a: 'string.numeric.parse' }),
      '#/properties/a transforms its value',
    ],
    [
      'that transforms, in effect',
      Schema.Struct({ a: Schema.NumberFromString }),
      '#/properties/a transforms its value',
    ],
    ['that has no JSON Schema', z.object({ a: z.date() }), 'Date cannot be represented'],
    ['that checks later', z.object({ a: z.string().refine(async () => true) }), 'answers later'],
    ['of a pair that cannot check', { schema: {}, jsonSchema: PERSON }, '#/schema must be'],
    ['of a pair with more in it', { schema: z.object({}), jsonschema: PERSON }, "has no 'jsonschema'"],
  ])('%s', (_, given, told) => {
    expect(refusalOf(given).join('\n')).toContain(told);
  });

  it('for all that is wrong at once', () => {
    const given = {
      type: 'objekt',
      properties: { a: { minLength: -1 }, b: { maximum: 'x' } },
      required: [1],
    };
    expect(refusalOf(given)).toHaveLength(4);
  });
});

describe('a schema that refers to itself', () => {
  it.each<[string, SchemaLike]>([
    ['as a whole', { type: 'object', properties: { next: { $ref: '#' } }, additionalProperties: false }],
    [
      'in a part',
      {
        type: 'object',
        properties: { next: { $ref: '#/$defs/node' } },
        $defs: {
          node: {
            type: 'object',
            properties: { next: { $ref: '#/$defs/node' } },
            additionalProperties: false,
          },
        },
        additionalProperties: false,
      },
    ],
    [
      'in zod',
      (() => {
        const node: z.ZodType = z.strictObject({ next: z.lazy(() => node).optional() });
        return node;
      })(),
    ],
  ])('%s is followed', (_, given) => {
    const schema = checked(given);
    expect(schema.check({ next: { next: { next: {} } } }).ok).toBe(true);
    expect(problemsOf(schema, { next: { next: { other: 1 } } })).toEqual([
      '#/next/next/other additionalProperties',
    ]);
    expect(samplesFor(schema, 'seed', 3)).toHaveLength(3);
  });
});

describe('a schema that is nothing but itself', () => {
  it('accepts nothing, and says why', () => {
    expect(checked({ $ref: '#' }).check({})).toMatchObject({
      problems: [{ keyword: '$ref', detail: expect.stringContaining('without end') }],
    });
  });
});

describe('schemas with one name', () => {
  it('do not meet', () => {
    const named = (extra: object) => checked({ $id: 'https://example.com/a', type: 'object', ...extra });
    expect(named({ required: ['x'] }).check({}).ok).toBe(false);
    expect(named({ required: ['y'] }).check({ y: 1 }).ok).toBe(true);
    expect(refusalOf({ $ref: 'https://example.com/a' }).join()).toContain("can't resolve");
  });
});

describe('a rule that JSON Schema cannot say', () => {
  const later = z
    .strictObject({ from: z.int(), to: z.int() })
    .refine(({ from, to }) => from < to, { path: ['to'], message: 'must be after from' });

  it('holds, and is told without the words of the library', () => {
    const schema = checked(later);
    expect(schema.check({ from: 1, to: 2 }).ok).toBe(true);
    expect(schema.check({ from: 2, to: 1 })).toEqual({
      ok: false,
      problems: [
        {
          pointer: '#/to',
          keyword: 'validator',
          schemaPath: '#',
          detail: 'is refused by a rule of the zod schema',
        },
      ],
    });
  });

  it('is told with its words where that was asked for', () => {
    const checking = checked({ schema: later, messages: true }).check({ from: 2, to: 1 });
    expect(checking).toMatchObject({ problems: [{ detail: 'must be after from' }] });
  });

  it('is found, and told where', () => {
    expect(checked(later).fidelity).toEqual({ looser: ['#/to'], stricter: [] });
  });

  it('that throws has not said yes, and what it threw is nobody’s business', () => {
    const validate = (value: unknown): never => {
      throw new RangeError(`not ${JSON.stringify(value)}`);
    };
    const standard = { version: 1, vendor: 'thrower', validate } as const;
    const checking = checked({ schema: { '~standard': standard }, jsonSchema: PERSON }).check({
      name: 'SECRET',
    });
    expect(checking).toMatchObject({
      ok: false,
      problems: [{ detail: expect.stringContaining('threw RangeError') }],
    });
    expect(JSON.stringify(checking)).not.toContain('SECRET');
  });
});

describe('a library that would change the value', () => {
  it('does not get to', () => {
    const trimmed = checked({
      schema: v.object({ a: v.pipe(v.string(), v.trim()) }),
      jsonSchema: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
    });
    expect(trimmed.check({ a: 'x' })).toEqual({ ok: true, value: { a: 'x' } });
    expect(trimmed.check({ a: ' x ' })).toMatchObject({
      ok: false,
      problems: [
        { pointer: '#/a', detail: expect.stringContaining('would be changed by the valibot schema') },
      ],
    });
    expect(trimmed.check({ a: 'x', b: 1 })).toMatchObject({
      ok: false,
      problems: [{ pointer: '#/b', detail: expect.stringContaining('would take it away') }],
    });
  });

  it('does not get hold of the value either', () => {
    const standard = {
      version: 1,
      vendor: 'vandal',
      validate: (value: unknown) => {
        (value as { a: string }).a = 'mended';
        return { value };
      },
    } as const;
    const schema = checked({ schema: { '~standard': standard }, jsonSchema: { type: 'object' } });
    const value = { a: 'broken' };
    expect(schema.check(value).ok).toBe(false);
    expect(value).toEqual({ a: 'broken' });
  });
});

describe('fidelity', () => {
  it.each<[string, SchemaLike, unknown]>([
    ['JSON Schema is what it says', PERSON, 'exact'],
    ['a strict object is exact', z.strictObject({ a: z.email(), b: z.array(z.uuid()) }), 'exact'],
    [
      'a pattern without the flag u is lost by effect, and half of a minimum length',
      Schema.Struct({
        code: Schema.String.check(Schema.isPattern(/^[A-Z]{3}$/)),
        list: Schema.Array(Schema.String.check(Schema.isMinLength(10))),
      }),
      { looser: ['#/code', '#/list/*'], stricter: [] },
    ],
    [
      'fields that are taken away',
      toStandardJsonSchema(v.object({ a: v.string() })),
      { looser: ['#/*'], stricter: [] },
    ],
    [
      'a JSON Schema that asks for more',
      {
        schema: v.strictObject({ a: v.string() }),
        jsonSchema: { ...PERSON, properties: { a: { maxLength: 2 } }, required: ['a'] },
      },
      { looser: ['#/a'], stricter: ['#/a'] },
    ],
    [
      'one that nothing can be made for',
      {
        schema: z.object({ a: z.string() }),
        jsonSchema: { type: 'object', properties: { a: { pattern: '^(?=x)x$' } }, required: ['a'] },
      },
      'untried',
    ],
  ])('%s', (_, given, fidelity) => {
    expect(checked(given).fidelity).toEqual(fidelity);
    expect(checked(given).fidelity).toEqual(fidelity);
  });
});

describe('a value that is large', () => {
  it('is refused with a bounded list', () => {
    const schema = checked({
      type: 'object',
      properties: { list: { type: 'array', items: { type: 'string' } } },
    });
    const list = Array.from({ length: 100_000 }, (_, i) => i);
    expect(problemsOf(schema, { list })).toHaveLength(100);
    expect(schema.check({ list: list.map(String) }).ok).toBe(true);
  });
});

describe('names that every object has', () => {
  it('are not there unless they are', () => {
    const schema = checked({
      type: 'object',
      required: ['toString'],
      properties: { constructor: { type: 'string' } },
    });
    expect(problemsOf(schema, {})).toEqual(['#/toString required']);
    expect(schema.check({ toString: 1, constructor: 'x' }).ok).toBe(true);
    expect(problemsOf(schema, { toString: 1, constructor: 1 })).toEqual(['#/constructor type']);
  });
});

function cyclic(): object {
  const schema: Record<string, unknown> = { type: 'object' };
  schema['not'] = schema;
  return schema;
}
