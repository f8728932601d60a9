/**
 * Schemas in short: JSON Schemas whose types the compiler can tell.
 */

type Schemas = Readonly<Record<string, object>>;

/** An object with exactly these fields. */
export function fields<const TFields extends Schemas, const TOptional extends Schemas = {}>(
  required: TFields,
  optional?: TOptional,
) {
  return {
    type: 'object',
    properties: { ...required, ...optional } as TFields & TOptional,
    required: Object.keys(required) as (keyof TFields & string)[],
    additionalProperties: false,
  } as const;
}

/** A list of such things. */
export const listOf = <const TItem extends object>(items: TItem) => ({ type: 'array', items }) as const;

export const TEXT = { type: 'string' } as const;
export const NAME = { type: 'string', minLength: 1 } as const;
export const COUNT = { type: 'integer', minimum: 0 } as const;
export const NUMBER = { type: 'number' } as const;
export const FLAG = { type: 'boolean' } as const;
export const HASH = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const;
