/**
 * What a JSON Schema says of one place in a value, as far as that can be read off it. It says nothing where it cannot be sure.
 */
import { keysOf } from '../../machines/values/json-pointer.ts';

export type Schema = boolean | Readonly<Record<string, unknown>>;

export const isObject = (schema: Schema): schema is Readonly<Record<string, unknown>> =>
  typeof schema === 'object';

/** The schema of a part; undefined where that cannot be said. */
export function schemaAt(schema: Schema, pointer: string, root = schema): Schema | 'nothing' | undefined {
  let part: Schema | undefined = schema;
  for (const key of keysOf(pointer)) {
    part = part === undefined ? undefined : resolved(part, root);
    if (part === undefined || !isObject(part)) return undefined;
    const { properties, patternProperties, additionalProperties, type } = part;
    if (type === 'array') {
      part = itemAt(part, Number(key));
      continue;
    }
    const known = properties as Readonly<Record<string, Schema>> | undefined;
    if (known !== undefined && Object.hasOwn(known, key)) part = known[key];
    else if (additionalProperties === false && patternProperties === undefined) return 'nothing';
    else return undefined;
  }
  return part === undefined ? undefined : resolved(part, root);
}

/** The first items of a list may have schemas of their own. */
function itemAt(
  { prefixItems, items }: Readonly<Record<string, unknown>>,
  index: number,
): Schema | undefined {
  const first = (prefixItems ?? []) as readonly Schema[];
  return first[index] ?? (items as Schema | undefined);
}

/** Follows a reference within the schema. */
function resolved(part: Schema, root: Schema): Schema | undefined {
  if (!isObject(part) || typeof part['$ref'] !== 'string') return part;
  const target = part['$ref'];
  if (!target.startsWith('#')) return undefined;
  let found: unknown = root;
  for (const key of keysOf(target.slice(1)))
    found = typeof found === 'object' && found !== null ? (found as Record<string, unknown>)[key] : undefined;
  return found as Schema | undefined;
}
