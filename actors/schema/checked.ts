/**
 * A checked schema: whatever a user gives as a schema, brought into one form. It is a JSON Schema with a hash, for others to read and
 * compare, and one check that a value passes only if it is plain data, meets the JSON Schema, and satisfies the library that the
 * schema was written with, unchanged.
 *
 * Taken: JSON Schema (draft 2020-12; draft-07 where `$schema` says so), any Standard Schema that gives its JSON Schema, Effect
 * Schema, and `{ schema, jsonSchema }` for those that do not. Refused when it is given, with the place: what is no schema, what
 * transforms, and what answers later.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import type { JSONSchema } from '../../machines/contract.ts';
import type { ValueProblem } from '../../machines/faults/fault.ts';
import { inputSideOfEffect, isEffectSchema, outputSideOfEffect, standardOfEffect } from './effect-schema.ts';
import { probe } from './fidelity.ts';
import type { Fidelity } from './fidelity.ts';
import type { Inferred, SchemaLike, SchemaPair } from './inferred.ts';
import { compiledSchemaOf, refused } from './json-schema.ts';
import type { SchemaReading } from './json-schema.ts';
import { nativeCheckOf } from './native.ts';
import type { NativeSchema } from './native.ts';
import { isRecord, plainCopyOf } from './plain.ts';
import { samplesOf } from './sample.ts';

export interface Checked<TValue = unknown> {
  readonly jsonSchema: JSONSchema;
  /** SHA-256 of the canonical JSON Schema. */
  readonly hash: string;
  /** What it was written with: `json-schema`, `zod`, `valibot`, `effect` … */
  readonly vendor: string;
  readonly fidelity: Fidelity;
  check(value: unknown): Checking<TValue>;
}

export type Checking<TValue = unknown> =
  /** A deeply frozen copy. */
  | { readonly ok: true; readonly value: TValue }
  | { readonly ok: false; readonly problems: readonly ValueProblem[] };

/** Reads what a user gives as a schema. Throws nothing. */
export function checkedSchemaOf<const TSchema extends SchemaLike>(
  given: TSchema,
): SchemaReading<Checked<Inferred<TSchema>>> {
  const written = writtenSchemaOf(given);
  if (!written.ok) return written;
  const { jsonSchema, native } = written.schema;
  const compiled = compiledSchemaOf(jsonSchema);
  if (!compiled.ok) return compiled;
  const { check, hash } = compiled.schema;
  const nativeCheck = native === undefined ? undefined : nativeCheckOf(native);
  const found = nativeCheck === undefined ? undefined : probe(compiled.schema, nativeCheck);
  if (found?.isAsync === true) {
    return refused(
      '#',
      'answers later, with a promise: a check is done at once, what has to wait is work of an agent',
    );
  }
  const schema: Checked<Inferred<TSchema>> = {
    jsonSchema: compiled.schema.jsonSchema,
    hash,
    vendor: native?.standard.vendor ?? 'json-schema',
    fidelity: found?.fidelity ?? 'exact',
    check(value) {
      const plain = plainCopyOf(value);
      if (!plain.ok) return plain;
      const problems = check(plain.value);
      const all = problems.length > 0 ? problems : (nativeCheck?.(plain.value) ?? []);
      // The check has just shown it.
      return all.length > 0
        ? { ok: false, problems: all }
        : { ok: true, value: plain.value as Inferred<TSchema> };
    },
  };
  return { ok: true, schema: Object.freeze(schema) };
}

/** A schema that was looked at before, and is one. */
export function schemaOf(schema: SchemaLike | undefined): Checked | undefined {
  if (schema === undefined) return undefined;
  const reading = checkedSchemaOf(schema);
  return reading.ok ? reading.schema : undefined;
}

/** Values that a schema accepts, made from it; the same for the same seed. Fewer than asked for, or none, where that is not possible. */
export function samplesFor<TValue>(
  { jsonSchema, check }: Checked<TValue>,
  seed: string,
  count: number,
): TValue[] {
  // Each has passed the check.
  return samplesOf({ jsonSchema, isValid: (value) => check(value).ok }, seed, count) as TValue[];
}

/** What stands there, before anything of it is tried. */
interface WrittenSchema {
  readonly jsonSchema: unknown;
  readonly native: NativeSchema | undefined;
}

function writtenSchemaOf(given: unknown, isQuoted = false): SchemaReading<WrittenSchema> {
  if (isEffectSchema(given)) {
    const sides = { input: () => inputSideOfEffect(given), output: () => outputSideOfEffect(given) };
    return unchangingOf({ standard: standardOfEffect(given)['~standard'], isQuoted }, 'effect', sides);
  }
  const standard = standardOf(given);
  if (standard !== undefined) return standardSchemaOf(standard, isQuoted);
  if (isPair(given)) return pairOf(given);
  return { ok: true, schema: { jsonSchema: given, native: undefined } };
}

type Standard = Partial<StandardSchemaV1['~standard'] & StandardJSONSchemaV1['~standard']> & {
  vendor: string;
};

function standardOf(given: unknown): Standard | undefined {
  if ((typeof given !== 'object' && typeof given !== 'function') || given === null) return undefined;
  const standard = (given as { readonly '~standard'?: unknown })['~standard'];
  return isRecord(standard) && typeof standard['vendor'] === 'string'
    ? (standard as unknown as Standard)
    : undefined;
}

const TARGET = { target: 'draft-2020-12' } as const;

function standardSchemaOf(standard: Standard, isQuoted: boolean): SchemaReading<WrittenSchema> {
  const { jsonSchema, vendor } = standard;
  if (jsonSchema === undefined) {
    const way =
      vendor === 'valibot'
        ? "give toStandardJsonSchema(schema) of '@valibot/to-json-schema'"
        : 'give { schema, jsonSchema }';
    return refused('#', `of ${vendor} does not say its JSON Schema: ${way}`);
  }
  return unchangingOf(nativeOf(standard, isQuoted), vendor, {
    input: () => jsonSchema.input(TARGET),
    output: () => jsonSchema.output(TARGET),
  });
}

/** The two JSON Schemas of one schema: of what goes into its check, and of what comes out. */
interface Sides {
  readonly input: () => unknown;
  readonly output: () => unknown;
}

/** What comes out of a check must be what went in: so that side counts, and both must be of the same types. */
function unchangingOf(
  native: NativeSchema | undefined,
  vendor: string,
  { input, output }: Sides,
): SchemaReading<WrittenSchema> {
  let jsonSchema: unknown;
  try {
    jsonSchema = output();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return refused('#', `of ${vendor} has no JSON Schema: ${why}`);
  }
  const place = transformedPlace(input, jsonSchema);
  return place === undefined ? { ok: true, schema: { jsonSchema, native } } : refused(place, TRANSFORMS);
}

const TRANSFORMS =
  'transforms its value, and nothing is changed here: let the schema say what is given, and change it in execute';

function nativeOf(standard: Standard, isQuoted: boolean): NativeSchema | undefined {
  const { validate, vendor } = standard;
  return validate === undefined ? undefined : { standard: { version: 1, vendor, validate }, isQuoted };
}

/** Where the two sides of a schema ask for different types; undefined when they do nowhere. */
function transformedPlace(inputSide: () => unknown, output: unknown): string | undefined {
  try {
    return differentType(inputSide(), output, '#');
  } catch {
    // Some cannot say their input where they can say their output; the check itself refuses what it changes.
    return undefined;
  }
}

function differentType(input: unknown, output: unknown, pointer: string): string | undefined {
  if (!isRecord(input) || !isRecord(output)) return undefined;
  if (JSON.stringify(input['type']) !== JSON.stringify(output['type'])) return pointer;
  for (const key of ['properties', 'items', '$defs', ...Object.keys(outputNamesIn(pointer, output))]) {
    const place = differentType(input[key], output[key], `${pointer}/${key}`);
    if (place !== undefined) return place;
  }
  return undefined;
}

/** Below `properties` and `$defs` the keys are names. */
function outputNamesIn(
  pointer: string,
  output: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return /\/(properties|\$defs)$/.test(pointer) ? output : {};
}

/** A JSON Schema has no keyword `schema`, so this can be told from one. */
const isPair = (given: unknown): given is SchemaPair => isRecord(given) && 'schema' in given;

function pairOf({ schema, jsonSchema, messages, ...rest }: SchemaPair): SchemaReading<WrittenSchema> {
  const stranger = Object.keys(rest)[0];
  if (stranger !== undefined)
    return refused('#', `has no '${stranger}': it is { schema, jsonSchema, messages }`);
  const isQuoted = messages === true;
  if (jsonSchema === undefined) return writtenSchemaOf(schema, isQuoted);
  const standard = isEffectSchema(schema) ? standardOfEffect(schema)['~standard'] : standardOf(schema);
  const native = standard === undefined ? undefined : nativeOf(standard, isQuoted);
  if (native === undefined)
    return refused('#/schema', 'must be a Standard Schema or an Effect Schema, which can check');
  return { ok: true, schema: { jsonSchema, native } };
}
