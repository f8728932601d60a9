/**
 * Types of schemas: what the compiler can know of a value that a schema accepts. Of a Standard Schema and an Effect Schema that is
 * what they say; of a JSON Schema what is written in it as a literal: types, properties, items, choices. What is not known there
 * is `unknown`, and never `any`.
 */
import type { StandardSchemaV1, StandardTypedV1 } from '@standard-schema/spec';

/** Whatever may be given as a schema. */
export type SchemaLike = boolean | object;

/** A value that the schema accepts, as an object with named fields where the schema says nothing else. */
export type Inferred<TSchema> = TSchema extends {
  readonly '~effect/Schema/Schema': unknown;
  readonly Type: infer TType;
}
  ? TType
  : TSchema extends StandardTypedV1
    ? StandardTypedV1.InferOutput<TSchema>
    : TSchema extends { readonly schema: infer TInner }
      ? Inferred<TInner>
      : TSchema extends object
        ? FromJsonSchema<TSchema>
        : unknown;

/** A library's schema with its JSON Schema, where it cannot say that itself. */
export interface SchemaPair {
  readonly schema: StandardSchemaV1 | object;
  readonly jsonSchema?: object;
  /** Whether the library's own messages may be told. They may repeat the value that is refused. */
  readonly messages?: boolean;
}

/** A value that a JSON Schema accepts, as far as it is written as a literal. */
export type FromJsonSchema<TSchema> = TSchema extends { readonly const: infer TValue }
  ? TValue
  : TSchema extends { readonly enum: readonly (infer TValue)[] }
    ? TValue
    : TSchema extends { readonly anyOf: readonly (infer TBranch)[] }
      ? FromJsonSchema<TBranch>
      : TSchema extends { readonly oneOf: readonly (infer TBranch)[] }
        ? FromJsonSchema<TBranch>
        : TSchema extends { readonly type: readonly (infer TType)[] }
          ? OfType<TType, TSchema>
          : TSchema extends { readonly type: infer TType }
            ? OfType<TType, TSchema>
            : unknown;

/** Distributes over the types of a list. */
type OfType<TType, TSchema> = TType extends 'string'
  ? string
  : TType extends 'number' | 'integer'
    ? number
    : TType extends 'boolean'
      ? boolean
      : TType extends 'null'
        ? null
        : TType extends 'array'
          ? readonly ItemOf<TSchema>[]
          : TType extends 'object'
            ? RecordOf<TSchema>
            : unknown;

type ItemOf<TSchema> = TSchema extends { readonly items: infer TItem } ? FromJsonSchema<TItem> : unknown;

type RecordOf<TSchema> = TSchema extends { readonly properties: infer TProperties }
  ? Flat<
      { readonly [TName in keyof TProperties & RequiredOf<TSchema>]: FromJsonSchema<TProperties[TName]> } & {
        readonly [TName in Exclude<keyof TProperties, RequiredOf<TSchema>>]?: FromJsonSchema<
          TProperties[TName]
        >;
      }
    >
  : Readonly<Record<string, unknown>>;

type RequiredOf<TSchema> = TSchema extends { readonly required: readonly (infer TName)[] } ? TName : never;

/** As one object, which is how people read it in an error. */
type Flat<TRecord> = { readonly [TName in keyof TRecord]: TRecord[TName] };
