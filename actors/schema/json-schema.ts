/**
 * JSON Schema, and the only place that knows what checks it: Ajv, strict, all errors, with formats; without coercion, defaults,
 * removal, and without a way to fetch anything. Draft 2020-12; draft-07 where `$schema` says so.
 *
 * A schema is compiled once for each hash. A pattern is run as it is written: one that takes for ever on some text is the
 * author's, and so is `uniqueItems` over long lists of objects.
 */
import { createRequire } from 'node:module';
import type * as Draft07Module from 'ajv';
import type { Ajv, ErrorObject, Options, ValidateFunction } from 'ajv';
import type * as Draft2020Module from 'ajv/dist/2020.js';
import type FormatsModule from 'ajv-formats';
import type { JSONSchema } from '../../machines/contract.ts';
import type { ValueProblem } from '../../machines/faults/fault.ts';
import { keysOf } from '../../machines/values/json-pointer.ts';
import { hashOf } from './digest.ts';
import { isRecord, MAX_PROBLEMS, plainCopyOf, pointerOf } from './plain.ts';

/** What is wrong with a value; nothing when it is fine. */
export type Check = (value: unknown) => readonly ValueProblem[];

/** What is wrong with a schema, and where in it. */
export interface SchemaProblem {
  /** A JSON pointer into the schema, as a URI fragment. */
  readonly pointer: string;
  readonly detail: string;
}

export interface CompiledSchema {
  /** A frozen copy. */
  readonly jsonSchema: JSONSchema;
  readonly hash: string;
  readonly check: Check;
}

export type SchemaReading<TSchema> =
  | { readonly ok: true; readonly schema: TSchema }
  | { readonly ok: false; readonly problems: readonly SchemaProblem[] };

/** Reads a JSON Schema. Throws nothing. */
export function compiledSchemaOf(given: unknown): SchemaReading<CompiledSchema> {
  if (typeof given !== 'boolean' && !isRecord(given)) return refused('#', 'must be a JSON Schema: an object');
  const plain = plainCopyOf(given);
  if (!plain.ok) return { ok: false, problems: plain.problems };
  const jsonSchema = withoutDefaultDraft(plain.value as JSONSchema);
  const hash = hashOf(jsonSchema);
  const known = recent(hash);
  if (known !== undefined) return { ok: true, schema: known };
  const compiled = compile(jsonSchema, hash);
  if (compiled.ok) remember(compiled.schema);
  return compiled;
}

export function refused(pointer: string, detail: string): { ok: false; problems: SchemaProblem[] } {
  return { ok: false, problems: [{ pointer, detail }] };
}

/** So many compiled schemas are kept; a program that makes more has them compiled again. */
const MAX_KEPT = 500;
const kept = new Map<string, CompiledSchema>();

function recent(hash: string): CompiledSchema | undefined {
  const schema = kept.get(hash);
  if (schema === undefined) return undefined;
  kept.delete(hash);
  kept.set(hash, schema);
  return schema;
}

function remember(schema: CompiledSchema): void {
  kept.set(schema.hash, schema);
  if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value!);
}

function compile(jsonSchema: JSONSchema, hash: string): SchemaReading<CompiledSchema> {
  const draft = draftOf(jsonSchema);
  if (draft === undefined)
    return refused('#/$schema', 'must be draft 2020-12 or draft-07: no other draft is understood');
  if (isRecord(jsonSchema) && '$async' in jsonSchema)
    return refused(
      '#/$async',
      'is not allowed: a check is done at once, what has to wait is work of an agent',
    );
  const ajv = checkerOf(draft);
  try {
    if (ajv.validateSchema(jsonSchema) !== true) return { ok: false, problems: flawsOf(ajv.errors ?? []) };
    const validate = ajv.compile(jsonSchema);
    const check: Check = (value) => problemsFoundBy(validate, value);
    return { ok: true, schema: Object.freeze({ jsonSchema, hash, check }) };
  } catch (error) {
    // A stack that is too small.
    if (error instanceof RangeError) return refused('#', ENDLESS);
    return refused(placeOf(error), wordsOf(error));
  } finally {
    // Otherwise it keeps what it has compiled for ever, and one schema finds another by its `$id`.
    if (isRecord(jsonSchema)) ajv.removeSchema(jsonSchema);
  }
}

type Draft = '2020-12' | '07';

const DRAFTS: Readonly<Record<string, Draft>> = {
  'https://json-schema.org/draft/2020-12/schema': '2020-12',
  'http://json-schema.org/draft-07/schema': '07',
};

function draftOf(schema: JSONSchema): Draft | undefined {
  if (!isRecord(schema) || schema['$schema'] === undefined) return '2020-12';
  const uri = schema['$schema'];
  return typeof uri === 'string' ? DRAFTS[uri.replace(/#$/, '')] : undefined;
}

/** Whether the usual draft is named makes no other schema of it, and no other hash. */
function withoutDefaultDraft(schema: JSONSchema): JSONSchema {
  if (!isRecord(schema) || !('$schema' in schema) || draftOf(schema) !== '2020-12') return schema;
  const { $schema: _, ...rest } = schema;
  return Object.freeze(rest);
}

const checkers = new Map<Draft, Ajv>();

/** Loaded with the first schema: a system without agents needs none of it. */
const require = createRequire(import.meta.url);

function newAjv(draft: Draft, options: Options): Ajv {
  const { Ajv: Draft07 } = require('ajv') as typeof Draft07Module;
  const { Ajv2020 } = require('ajv/dist/2020.js') as typeof Draft2020Module;
  const addFormats = require('ajv-formats') as typeof FormatsModule.default;
  const ajv = draft === '2020-12' ? new Ajv2020(options) : new Draft07(options);
  addFormats(ajv);
  // Ajv knows it, JSON Schema does not: nobody else who reads a schema would know that there may be null.
  ajv.removeKeyword('nullable');
  return ajv;
}

/** Made when it is needed: that takes longer than most programs take to start. */
function checkerOf(draft: Draft): Ajv {
  let ajv = checkers.get(draft);
  if (ajv === undefined) {
    const options = {
      strict: true,
      // Schemas that are generated or put together leave out what follows from elsewhere, and that is fine by the standard.
      strictRequired: false,
      strictTypes: false,
      strictTuples: false,
      allErrors: true,
      // What every object inherits is no field of it.
      ownProperties: true,
      logger: false,
    } as const;
    checkers.set(draft, (ajv = newAjv(draft, options)));
  }
  return ajv;
}

/** What the meta-schema says against a schema. Often many things about one place: the first is told. */
function flawsOf(errors: readonly ErrorObject[]): SchemaProblem[] {
  const flaws = new Map<string, SchemaProblem>();
  for (const { instancePath, message = 'is no schema', params } of errors) {
    const pointer = pointerOf(keysOf(instancePath));
    const allowed = 'allowedValues' in params ? `: ${JSON.stringify(params['allowedValues'])}` : '';
    if (!flaws.has(pointer)) flaws.set(pointer, { pointer, detail: `${message}${allowed}` });
  }
  return [...flaws.values()].slice(0, MAX_PROBLEMS);
}

function wordsOf(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  return words.includes('"nullable"')
    ? `${words}; what may be null has two types: ["string", "null"]`
    : words;
}

/** Ajv names places in some of its messages. */
function placeOf(error: unknown): string {
  const text = error instanceof Error ? error.message : '';
  return /"(#\/[^"]*)"/.exec(text)?.[1] ?? '#';
}

const ENDLESS = 'refers to itself without end';

function problemsFoundBy(validate: ValidateFunction, value: unknown): ValueProblem[] {
  try {
    return validate(value) ? [] : (validate.errors ?? []).slice(0, MAX_PROBLEMS).map(problemOf);
  } catch {
    // Values are not deep enough for that; so the schema is.
    const detail = `cannot be checked: the schema ${ENDLESS}`;
    return [{ pointer: '#', keyword: '$ref', schemaPath: '#', detail }];
  }
}

/** The parameters in which Ajv repeats what the schema asks for. The others are about the value. */
const EXPECTED = ['limit', 'type', 'format', 'pattern', 'allowedValues', 'allowedValue', 'multipleOf'];

/** The parameters that name the field which is missing or too many, where the error is said of the object around it. */
const FIELD = ['missingProperty', 'additionalProperty', 'unevaluatedProperty', 'propertyName'];

function problemOf({ instancePath, keyword, schemaPath, params, message }: ErrorObject): ValueProblem {
  const given = params as Readonly<Record<string, unknown>>;
  const expected = EXPECTED.find((name) => name in given);
  const field = FIELD.map((name) => given[name]).find((name) => typeof name === 'string');
  const path = keysOf(instancePath);
  return {
    pointer: pointerOf(field === undefined ? path : [...path, field]),
    keyword,
    schemaPath,
    ...(expected === undefined ? {} : { expected: given[expected] }),
    detail: message ?? `breaks ${keyword}`,
  };
}
