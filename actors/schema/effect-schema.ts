/**
 * Schemas of Effect, told by their brand. What turns them into a JSON Schema and a check is in a part of Effect that takes long to
 * load and that only those need who have loaded it already: so it is required when the first one comes.
 */
import { createRequire } from 'node:module';
import type * as EffectSchema from 'effect/Schema';
import type { StandardSchemaV1 } from '@standard-schema/spec';

const BRAND = '~effect/Schema/Schema';

export function isEffectSchema(given: unknown): given is EffectSchema.Codec<unknown> {
  const isObject = (typeof given === 'object' && given !== null) || typeof given === 'function';
  return isObject && BRAND in given;
}

type Part = typeof EffectSchema;
let part: Part | undefined;

const effectSchema = (): Part => (part ??= createRequire(import.meta.url)('effect/Schema') as Part);

/** Closed for fields that it does not name: its own check takes them away, and nothing is taken away here. */
const STRICT = { onExcessProperty: 'error' } as const;

/** Of what is given. @throws what Effect throws when it has no JSON Schema for it */
export function inputSideOfEffect(schema: EffectSchema.Codec<unknown>): Record<string, unknown> {
  const { schema: root, definitions } = effectSchema().toJsonSchemaDocument(schema, STRICT);
  return Object.keys(definitions).length === 0 ? { ...root } : { ...root, $defs: definitions };
}

/** Of what comes out of its check. @throws as above */
export const outputSideOfEffect = (schema: EffectSchema.Codec<unknown>): Record<string, unknown> =>
  inputSideOfEffect(effectSchema().toType(schema));

export function standardOfEffect(schema: EffectSchema.Codec<unknown>): StandardSchemaV1 {
  return effectSchema().toStandardSchemaV1(schema, { parseOptions: { ...STRICT, errors: 'all' } });
}
