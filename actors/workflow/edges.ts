/**
 * Edges whose ends are known before anything runs: where an input is said part by part (`from('research', '/text')`), and both sides
 * have a schema, the parts must fit. What is wrong here would be a refusal in the middle of a run.
 */
import { keysOf } from '../../machines/json-pointer.ts';
import type { ContractProblem } from '../errors.ts';
import { isReference } from './reference.ts';
import type { Reference } from './reference.ts';

type Schema = boolean | Readonly<Record<string, unknown>>;

/** An input that is said part by part. */
export interface KnownEdge {
  /** Where the input stands. */
  readonly place: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** What the input must keep to. */
  readonly inputSchema: Schema;
  /** What comes out of a node; of the run, what it is given. Undefined: nobody has said. */
  readonly schemaOf: (node: string | undefined) => Schema | undefined;
}

export function problemsOfEdge({ place, input, inputSchema, schemaOf }: KnownEdge): ContractProblem[] {
  const { required = [], properties = {}, additionalProperties } = isObject(inputSchema) ? inputSchema : {};
  const missing = (required as readonly string[])
    .filter((name) => !Object.hasOwn(input, name))
    .map((name) => ({ pointer: place, detail: `lacks '${name}', which its schema requires` }));
  const parts = Object.entries(input).flatMap(([name, part]) => {
    const pointer = `${place}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const wanted = (properties as Readonly<Record<string, Schema>>)[name];
    if (wanted === undefined)
      return additionalProperties === false ? [{ pointer, detail: 'is not in its schema' }] : [];
    const detail = isReference(part) ? problemOfPart(part, wanted, schemaOf(part.node)) : undefined;
    return detail === undefined ? [] : [{ pointer, detail }];
  });
  return [...missing, ...parts];
}

function problemOfPart(
  { node, pointer }: Reference,
  wanted: Schema,
  source: Schema | undefined,
): string | undefined {
  if (source === undefined) return undefined;
  const from = node === undefined ? `the input of the run` : `'${node}'`;
  const found = schemaAt(source, pointer);
  if (found === 'nothing') return `is from ${pointer} of ${from}, where its schema has nothing`;
  const [given, taken] = [typesIn(found), typesIn(wanted)];
  if (given === undefined || taken === undefined) return undefined;
  const fits = given.some((type) => taken.includes(type) || (type === 'integer' && taken.includes('number')));
  return fits ? undefined : `is ${listed(given)} of ${from}, and must be ${listed(taken)}`;
}

const listed = (types: readonly string[]): string => types.join(' or ');

const isObject = (schema: Schema): schema is Readonly<Record<string, unknown>> => typeof schema === 'object';

/** The schema of a part; undefined where that cannot be said. */
function schemaAt(schema: Schema, pointer: string): Schema | 'nothing' | undefined {
  let part: Schema | undefined = schema;
  for (const key of keysOf(pointer)) {
    part = part === undefined ? undefined : resolved(part, schema);
    if (part === undefined || !isObject(part)) return undefined;
    const { properties, additionalProperties, items, type } = part;
    if (type === 'array') {
      part = items as Schema | undefined;
      continue;
    }
    const known = properties as Readonly<Record<string, Schema>> | undefined;
    if (known !== undefined && Object.hasOwn(known, key)) part = known[key];
    else if (additionalProperties === false) return 'nothing';
    else return undefined;
  }
  return part === undefined ? undefined : resolved(part, schema);
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

/** The types that a schema names; undefined where it names none. */
function typesIn(schema: Schema | undefined): readonly string[] | undefined {
  if (schema === undefined || !isObject(schema)) return undefined;
  const { type } = schema;
  if (typeof type === 'string') return [type];
  return Array.isArray(type) ? (type as readonly string[]) : undefined;
}
