/**
 * Edges whose ends are known before anything runs. Where the input of a node is said part by part (`from('research', '/text')`), or is
 * the whole output of another, and both sides have a schema, they must fit. What is wrong here would be a refusal in the middle of
 * a run. It says nothing where it cannot be sure.
 */
import { pointerTo } from '../../machines/values/json-pointer.ts';
import type { ContractProblem } from '../errors.ts';
import { checkedSchemaOf, schemaOf } from '../schema/checked.ts';
import type { SchemaLike } from '../schema/inferred.ts';
import type { Need } from '../../machines/workflow/graph.ts';
import { isTask } from './declaration.ts';
import type { AnyDeclaration, LoopOptions, TaskOptions } from './declaration.ts';
import { needsIn } from './graph.ts';
import type { DeclarationOf } from './graph.ts';
import { isReference } from './reference.ts';
import type { Reference } from './reference.ts';
import { isObject, schemaAt } from './schema-at.ts';
import type { Schema } from './schema-at.ts';

/** What comes out of a node; of the run, what it is given. Undefined: nobody has said. */
type Sources = (node: string | undefined) => Schema | undefined;

/** Of checked nodes. */
export function problemsOfEdges(
  tasks: Readonly<Record<string, AnyDeclaration>>,
  inputSchema: SchemaLike | undefined,
  declarationOf: DeclarationOf,
): ContractProblem[] {
  const sources: Sources = (node) =>
    node === undefined ? jsonSchemaOf(inputSchema) : givenBy(tasks[node]!, declarationOf);
  return Object.entries(tasks).flatMap(([name, node]) => {
    const place = `#${pointerTo(['tasks', name, 'input'])}`;
    const wanted = wantedBy(node, declarationOf);
    const { input } = node.options as TaskOptions;
    const again = problemsOfNext(`#${pointerTo(['tasks', name, 'next'])}`, node, wanted, declarationOf);
    if (typeof input === 'object')
      return [...problemsOfParts({ place, input, wanted: wanted ?? true, sources }), ...again];
    if (input !== undefined || wanted === undefined) return again;
    const needs = needsIn(node);
    const first =
      needs.length < 2
        ? problemsOfWhole(place, wanted, wholeOf(needs[0]?.node, sources))
        : problemsByNames(place, wanted, needs, sources);
    return [...first, ...again];
  });
}

/** What a loop is given the next time, where nobody has said: what came of this time. */
function problemsOfNext(
  place: string,
  node: AnyDeclaration,
  wanted: Schema | undefined,
  declarationOf: DeclarationOf,
): ContractProblem[] {
  if (node.kind !== 'loop' || node.options.next !== undefined || node.options.times < 2) return [];
  const schema = givenBy(node, declarationOf);
  const mend = 'say with next what the next time is given';
  return wanted === undefined ? [] : problemsOfWhole(place, wanted, { schema, name: 'what it gives', mend });
}

/** What the input of a node must keep to; undefined where nobody has said. */
function wantedBy(node: AnyDeclaration, declarationOf: DeclarationOf): Schema | undefined {
  if (node.kind === 'task') return jsonSchemaOf(node.options.inputSchema);
  if (node.kind === 'call') return jsonSchemaOf(declarationOf(node.options.workflow)?.inputSchema);
  const { body } = node.options as Partial<LoopOptions>;
  if (body === undefined) return undefined;
  return jsonSchemaOf(isTask(body) ? body.options.inputSchema : declarationOf(body)?.inputSchema);
}

/** What the output of a node keeps to; undefined where nobody has said. */
function givenBy(node: AnyDeclaration, declarationOf: DeclarationOf): Schema | undefined {
  if (node.kind === 'task') return jsonSchemaOf(node.options.outputSchema);
  if (node.kind === 'call') return jsonSchemaOf(declarationOf(node.options.workflow)?.outputSchema);
  if (node.kind !== 'loop') return undefined;
  const { body } = node.options;
  return jsonSchemaOf(isTask(body) ? body.options.outputSchema : declarationOf(body)?.outputSchema);
}

const jsonSchemaOf = (schema: SchemaLike | undefined): Schema | undefined => schemaOf(schema)?.jsonSchema;

/** An input that is said part by part. */
interface Parts {
  /** Where the input stands. */
  readonly place: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** What the input must keep to. */
  readonly wanted: Schema;
  readonly sources: Sources;
}

function problemsOfParts({ place, input, wanted, sources }: Parts): ContractProblem[] {
  const { required = [], properties = {} } = isObject(wanted) ? wanted : {};
  const missing = (required as readonly string[])
    .filter((name) => !Object.hasOwn(input, name))
    .map((name) => ({ pointer: place, detail: `lacks '${name}', which its schema requires` }));
  const parts = Object.entries(input).flatMap(([name, part]) => {
    const pointer = `${place}${pointerTo([name])}`;
    const known = properties as Readonly<Record<string, Schema>>;
    if (!Object.hasOwn(known, name) && isClosed(wanted))
      return [{ pointer, detail: `is not in its schema, which has ${listed(Object.keys(known), ', ')}` }];
    const detail = problemOfPart(part, Object.hasOwn(known, name) ? known[name]! : true, wanted, sources);
    return detail === undefined ? [] : [{ pointer, detail }];
  });
  return [...missing, ...parts];
}

function problemOfPart(part: unknown, schema: Schema, root: Schema, sources: Sources): string | undefined {
  if (isReference(part)) return problemOfReference(part, schemaAt(schema, '', root), sources(part.node));
  return typeof part === 'function' ? undefined : problemOfConstant(part, schema, root);
}

function problemOfConstant(value: unknown, schema: Schema, root: Schema): string | undefined {
  const { $defs, definitions } = isObject(root) ? root : {};
  const alone = isObject(schema)
    ? { ...schema, ...($defs !== undefined && { $defs }), ...(definitions !== undefined && { definitions }) }
    : schema;
  if (refersElsewhere(alone)) return undefined;
  const reading = checkedSchemaOf(alone);
  const checking = reading.ok ? reading.schema.check(value) : undefined;
  return checking === undefined || checking.ok ? undefined : checking.problems[0]!.detail;
}

/** Whether it refers to more than the definitions that stand in it: to the whole that it was taken from, say. */
function refersElsewhere(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return false;
  const { $ref } = schema as { readonly $ref?: unknown };
  const isElsewhere = typeof $ref === 'string' && !/^#\/(\$defs|definitions)\//.test($ref);
  return isElsewhere || Object.values(schema).some(refersElsewhere);
}

function problemOfReference(
  { node, pointer }: Reference,
  wanted: Schema | 'nothing' | undefined,
  source: Schema | undefined,
): string | undefined {
  if (source === undefined) return undefined;
  const found = schemaAt(source, pointer);
  if (found === 'nothing')
    return `is taken at ${pointer} of ${sourceNamed(node)}, where its schema has nothing`;
  return problemOfTypes(found, wanted, sourceNamed(node));
}

const sourceNamed = (node: string | undefined): string =>
  node === undefined ? 'the input of the run' : `'${node}'`;

function problemOfTypes(
  found: Schema | undefined,
  wanted: Schema | 'nothing' | undefined,
  source: string,
): string | undefined {
  const [given, taken] = [typesIn(found), typesIn(wanted === 'nothing' ? undefined : wanted)];
  if (given === undefined || taken === undefined) return undefined;
  const fits = given.some((type) => taken.includes(type) || (type === 'integer' && taken.includes('number')));
  return fits ? undefined : `is ${listed(given)} in ${source}, and must be ${listed(taken)}`;
}

/** All that comes out of something. */
interface Whole {
  readonly schema: Schema | undefined;
  readonly name: string;
  /** What is to be done where it does not fit. */
  readonly mend: string;
}

const wholeOf = (node: string | undefined, sources: Sources): Whole => ({
  schema: sources(node),
  name: sourceNamed(node),
  mend: 'say the input part by part',
});

/** An input that nobody has said: it is all that comes out of the only need, or the input of the run. */
function problemsOfWhole(place: string, wanted: Schema, { schema, name, mend }: Whole): ContractProblem[] {
  if (schema === undefined || !isObject(wanted)) return [];
  const another = problemOfTypes(rootOf(schema), rootOf(wanted), name);
  if (another !== undefined) return [{ pointer: place, detail: another }];
  const { required = [], properties = {} } = wanted;
  const missing = (required as readonly string[])
    .filter((key) => schemaAt(schema, pointerTo([key])) === 'nothing')
    .map((key) => ({ pointer: place, detail: `is ${name}, in whose schema there is no '${key}': ${mend}` }));
  const strange = alwaysIn(schema)
    .filter((key) => isClosed(wanted) && !Object.hasOwn(properties as object, key))
    .map((key) => ({
      pointer: place,
      detail: `is ${name}, which always has '${key}', and must not be given it: ${mend}`,
    }));
  const wrong = Object.keys(properties as object).flatMap((key) => {
    const pointer = pointerTo([key]);
    const found = schemaAt(schema, pointer);
    if (found === 'nothing') return [];
    const detail = problemOfTypes(found, schemaAt(wanted, pointer), name);
    return detail === undefined ? [] : [{ pointer: `${place}${pointer}`, detail }];
  });
  return [...missing, ...strange, ...wrong];
}

/** The names of what an object that keeps to a schema has in any case. */
function alwaysIn(schema: Schema): readonly string[] {
  const root = rootOf(schema);
  const { type, required = [] } = root !== undefined && isObject(root) ? root : {};
  return type === 'object' ? (required as readonly string[]) : [];
}

/** An input that nobody has said, of a node that needs several: all that comes out of them, by name. */
function problemsByNames(
  place: string,
  wanted: Schema,
  needs: readonly Need[],
  sources: Sources,
): ContractProblem[] {
  if (!isObject(wanted)) return [];
  const { required = [], properties = {} } = wanted;
  const known = properties as Readonly<Record<string, Schema>>;
  const names = [...new Set(needs.map(({ node }) => node))];
  const mend = 'say the input part by part';
  const missing = (required as readonly string[]).filter((name) => !names.includes(name));
  const strange = names.filter((name) => isClosed(wanted) && !Object.hasOwn(known, name));
  const given = `is what it needs, by name: ${listed(names, ', ')}`;
  return [
    ...missing.map((name) => ({
      pointer: place,
      detail: `${given}; its schema requires '${name}': ${mend}`,
    })),
    ...strange.map((name) => ({ pointer: place, detail: `${given}; its schema has no '${name}': ${mend}` })),
    ...names.flatMap((name) => {
      if (!Object.hasOwn(known, name)) return [];
      const detail = problemOfTypes(sources(name), schemaAt(known[name]!, '', wanted), sourceNamed(name));
      return detail === undefined ? [] : [{ pointer: `${place}${pointerTo([name])}`, detail }];
    }),
  ];
}

/** Whether there is nothing but the properties that it names. */
const isClosed = (schema: Schema): boolean =>
  isObject(schema) && schema['additionalProperties'] === false && schema['patternProperties'] === undefined;

const listed = (names: readonly string[], between = ' or '): string => names.join(between);

/** A schema, where it refers to a part of itself: that. */
function rootOf(schema: Schema): Schema | undefined {
  const root = schemaAt(schema, '');
  return root === 'nothing' ? undefined : root;
}

/** The types that a schema names; undefined where it names none. */
function typesIn(schema: Schema | undefined): readonly string[] | undefined {
  if (schema === undefined || !isObject(schema)) return undefined;
  const { type } = schema;
  if (typeof type === 'string') return [type];
  return Array.isArray(type) ? (type as readonly string[]) : undefined;
}
