/**
 * From JSON Schema to the types of CEL, as far as those go. Whatever they cannot say is `dyn`, of which nothing is known before it is
 * there.
 */
import type { JSONSchema } from '../../../machines/contract.ts';

type Known = { readonly [name: string]: CelType };
export type CelType = string | Known;

const SIMPLE: Readonly<Record<string, string>> = {
  string: 'string',
  // JSON has one kind of numbers, and CEL calls it this.
  number: 'double',
  integer: 'double',
  boolean: 'bool',
};

const MAX_DEPTH = 6;

/**
 * @param types `all` that a schema names; or only the `certain` ones: an object whose schema is open may have more, and a number may be
 * compared with one of another kind
 */
export function celTypeOf(schema: JSONSchema | undefined, types: 'all' | 'certain', depth = 0): CelType {
  if (typeof schema !== 'object' || depth > MAX_DEPTH) return 'dyn';
  const { type, properties, patternProperties, additionalProperties, items, prefixItems } =
    schema as Readonly<Record<string, unknown>>;
  if (typeof type !== 'string') return 'dyn';
  if (type === 'array') {
    // Those at the beginning may be of other types.
    if (prefixItems !== undefined) return 'list';
    const of = celTypeOf(items as JSONSchema | undefined, types, depth + 1);
    return typeof of === 'string' && of !== 'dyn' ? `list<${of}>` : 'list';
  }
  if (types === 'certain' && (type === 'number' || type === 'integer')) return 'dyn';
  if (type !== 'object') return SIMPLE[type] ?? 'dyn';
  const known = Object.entries((properties ?? {}) as Readonly<Record<string, JSONSchema>>);
  const isClosed = additionalProperties === false && patternProperties === undefined;
  if (known.length === 0 || (types === 'certain' && !isClosed)) return 'map';
  if (known.some(([name]) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))) return 'map';
  return Object.fromEntries(known.map(([name, part]) => [name, celTypeOf(part, types, depth + 1)]));
}
