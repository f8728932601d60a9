/**
 * Containment: whether everything that one JSON Schema accepts is accepted by another. It is decided by the structure of the two, and
 * only what can be shown counts: a `no` means that it cannot be shown, and says at which place of the wider schema. So an agent that
 * would fit may be refused, and one that does not fit never passes.
 *
 * The narrower schema is taken as a list of parts that all hold (its keywords, what it refers to, its `allOf`). A keyword of the wider
 * one is shown when one of the parts implies it; its alternatives are shown one by one. What is not understood in the narrower schema
 * is left out, which only makes it wider. What is not understood in the wider one must stand in the narrower word for word.
 */
import type { JSONSchema } from '../../machines/contract.ts';
import { hashOf } from './digest.ts';
import { compiledSchemaOf } from './json-schema.ts';
import { isRecord, keysIn, pointerOf } from './plain.ts';

export type Containment =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /** Into the wider schema, as a URI fragment. */
      readonly pointer: string;
      readonly detail: string;
    };

/** A schema, with the hash of its canonical text. */
export interface Hashed {
  readonly jsonSchema: JSONSchema;
  readonly hash: string;
}

/** Whether `wide` accepts everything that `narrow` accepts. Throws nothing. */
export function contains(wide: Hashed, narrow: Hashed): Containment {
  if (wide.hash === narrow.hash) return OK;
  const pair = `${narrow.hash} ${wide.hash}`;
  const known = shown.get(pair);
  if (known !== undefined) return known;
  const found = new Comparison(wide.jsonSchema, narrow.jsonSchema).result();
  if (shown.size >= MAX_KEPT) shown.clear();
  shown.set(pair, found);
  return found;
}

/** Routing asks the same again and again. */
const shown = new Map<string, Containment>();
const MAX_KEPT = 1000;

type Keywords = Readonly<Record<string, unknown>>;
/** What is known of a value: all of these hold. `false` among them: there is no such value. */
type Parts = readonly (Keywords | false)[];

/** A place where it could not be shown. Undefined: it was. */
type Gap = { readonly pointer: string; readonly detail: string } | undefined;

/** So many comparisons are made at most: schemas with alternatives within alternatives have no end. */
const MAX_STEPS = 20_000;
/** And so many within each other. */
const MAX_LEVELS = 200;

const OK: Containment = { ok: true };

class Comparison {
  readonly #wide: JSONSchema;
  readonly #narrow: JSONSchema;
  readonly #hasOwnRoots: boolean;
  /** What is being compared, and how deep in the value it was begun: see `#schema`. */
  readonly #open = new Map<string, number>();
  #steps = 0;
  #level = 0;

  constructor(wide: JSONSchema, narrow: JSONSchema) {
    this.#wide = wide;
    this.#narrow = narrow;
    this.#hasOwnRoots = hasInnerIds(wide) || hasInnerIds(narrow);
  }

  result(): Containment {
    const gap = this.#schema([this.#narrow], this.#wide, '#', 0);
    return gap === undefined ? OK : { ok: false, ...gap };
  }

  #schema(narrow: readonly unknown[], wide: unknown, pointer: string, depth: number): Gap {
    if (wide === true) return undefined;
    if (wide !== false && !isRecord(wide)) return { pointer, detail: 'is no schema' };
    if (isRecord(wide) && !Object.keys(wide).some((keyword) => !WORDS.has(keyword))) return undefined;
    if (++this.#steps > MAX_STEPS || this.#level > MAX_LEVELS)
      return { pointer, detail: 'is too much to compare' };
    const key = `${pointer} ${JSON.stringify(narrow)}`;
    const begun = this.#open.get(key);
    // The same question about a smaller value: it holds if it holds here. About the same value it would prove itself.
    if (begun !== undefined)
      return begun < depth ? undefined : { pointer, detail: 'refers to itself without end' };
    this.#open.set(key, depth);
    this.#level++;
    const gap = this.#compare(this.#partsOf(narrow), wide, pointer, depth);
    this.#level--;
    this.#open.delete(key);
    return gap;
  }

  #compare(parts: Parts, wide: Keywords | false, pointer: string, depth: number): Gap {
    const types = typesOf(parts);
    if (parts.includes(false) || types.size === 0) return undefined;
    const known = parts.filter((part) => part !== false);
    const branching = known.findIndex((part) => alternativesIn(part) !== undefined);
    if (branching !== -1) return this.#each(known, branching, wide, pointer, depth);
    if (wide === false) return { pointer, detail: 'accepts nothing' };
    const values = valuesOf(known, types);
    if (values !== undefined && !hasReference(wide)) return acceptsAll(values, wide, pointer);
    for (const keyword of Object.keys(wide)) {
      if (WORDS.has(keyword)) continue;
      const gap = this.#keyword(keyword, { parts: known, types, wide, pointer, depth });
      if (gap !== undefined) return gap;
    }
    return undefined;
  }

  /** Every alternative of the narrower schema, with the rest of it. */
  #each(
    parts: readonly Keywords[],
    index: number,
    wide: Keywords | false,
    pointer: string,
    depth: number,
  ): Gap {
    const [name, branches] = alternativesIn(parts[index]!)!;
    const left = Object.fromEntries(Object.entries(parts[index]!).filter(([keyword]) => keyword !== name));
    const others = parts.toSpliced(index, 1, left);
    for (const branch of branches) {
      const gap = this.#schema([...others, branch], wide, pointer, depth);
      if (gap !== undefined) return gap;
    }
    return undefined;
  }

  #keyword(keyword: string, place: Place): Gap {
    const { parts, types, wide, pointer, depth } = place;
    const here = `${pointer}/${keyword}`;
    const asked = wide[keyword];
    const type = APPLIES_TO[keyword];
    if (type !== undefined && !type.some((name) => types.has(name))) return undefined;
    switch (keyword) {
      case 'type': {
        const wanted = typesNamed(asked);
        const other = [...types].find((name) => !wanted.has(name));
        return other === undefined ? undefined : { pointer: here, detail: `may be ${A[other]} instead` };
      }
      case '$ref': {
        const target = this.#target(this.#wide, asked);
        if (target === undefined) return { pointer: here, detail: 'cannot be followed' };
        return this.#schema(parts, target, asked as string, depth);
      }
      case 'allOf':
        return first(asked as unknown[], (each, i) => this.#schema(parts, each, `${here}/${i}`, depth));
      case 'anyOf':
        return this.#any(place, asked as unknown[], here);
      case 'oneOf':
        return this.#any(place, asked as unknown[], here, true);
      case 'required': {
        const missing = (asked as string[]).find((name) => !isRequired(parts, name));
        return missing === undefined ? undefined : { pointer: here, detail: `'${missing}' may be absent` };
      }
      case 'properties':
        return first(Object.entries(asked as Keywords), ([name, schema]) =>
          this.#schema(fieldIn(parts, name), schema, `${here}/${escaped(name)}`, depth + 1),
        );
      case 'additionalProperties':
        return this.#others(place, asked, here);
      case 'patternProperties':
        return this.#patterned(place, asked as Keywords, here);
      case 'dependentRequired':
        return first(Object.values(asked as Record<string, string[]>).flat(), (name) =>
          isRequired(parts, name) ? undefined : verbatim(place, keyword),
        );
      case 'items':
        return this.#items(place, asked, here);
      case 'prefixItems':
        return first(asked as unknown[], (schema, i) =>
          this.#schema(itemAt(parts, i), schema, `${here}/${i}`, depth + 1),
        );
      default:
        return isImplied(keyword, asked, place) ? undefined : verbatim(place, keyword);
    }
  }

  /** One of the alternatives, for all of it or for each of its types; where just one may hold, none of the others. */
  #any(place: Place, branches: readonly unknown[], here: string, isExclusive = false): Gap {
    const { parts, types, depth } = place;
    const fits = (narrow: Parts): boolean =>
      branches.some((branch, i) => {
        if (this.#schema(narrow, branch, `${here}/${i}`, depth) !== undefined) return false;
        if (!isExclusive) return true;
        return branches.every((other, j) => j === i || this.#areApart(narrow, other));
      });
    if (fits(parts)) return undefined;
    const isSplit = types.size > 1 && [...types].every((type) => fits([...parts, { type: NAMED[type] }]));
    return isSplit ? undefined : { pointer: here, detail: 'none of these is shown to accept all of it' };
  }

  /** Whether no value is accepted by both: they differ in type, or in a field that tells them apart. */
  #areApart(narrow: Parts, other: unknown): boolean {
    const [some, others] = [this.#partsOf(narrow), this.#partsOf([other], this.#wide)];
    if (some.includes(false) || others.includes(false)) return true;
    const known = some.filter((part) => part !== false);
    const rest = others.filter((part) => part !== false);
    const types = typesOf(rest);
    if (![...typesOf(known)].some((type) => types.has(type))) return true;
    const names = new Set(known.flatMap((part) => Object.keys(recordIn(part, 'properties'))));
    return [...names].some((name) => {
      if (!isRequired(known, name)) return false;
      const [mine, theirs] = [fieldIn(known, name), fieldIn(rest, name)].map((field) => {
        const parts = field.filter(isRecord);
        return valuesOf(parts, typesOf(parts));
      });
      if (mine === undefined || theirs === undefined) return false;
      const hashes = new Set(theirs.map(hashOf));
      return !mine.some((value) => hashes.has(hashOf(value)));
    });
  }

  /** Fields that the wider schema does not name. */
  #others({ parts, wide, depth }: Place, asked: unknown, here: string): Gap {
    const named = recordIn(wide, 'properties');
    const patterns = Object.keys(recordIn(wide, 'patternProperties'));
    const known = new Set(parts.flatMap((part) => Object.keys(recordIn(part, 'properties'))));
    for (const name of known) {
      if (Object.hasOwn(named, name) || patterns.some((pattern) => matches(pattern, name))) continue;
      const gap = this.#schema(fieldIn(parts, name), asked, here, depth + 1);
      if (gap !== undefined) return { ...gap, detail: `the field '${name}' ${gap.detail}` };
    }
    const isClosed = parts.some((part) => {
      const rest = [
        part['additionalProperties'] ?? true,
        // What both ask of the same names is compared there.
        ...Object.entries(recordIn(part, 'patternProperties')).flatMap(([pattern, schema]) =>
          patterns.includes(pattern) ? [] : [schema],
        ),
      ];
      return rest.every((schema) => this.#schema([schema], asked, here, depth + 1) === undefined);
    });
    return isClosed ? undefined : { pointer: here, detail: 'there may be other fields' };
  }

  #patterned(place: Place, asked: Keywords, here: string): Gap {
    const { parts, depth } = place;
    const closed = parts.find(
      (part) => part['additionalProperties'] === false && part['patternProperties'] === undefined,
    );
    if (closed === undefined) return verbatim(place, 'patternProperties');
    for (const name of Object.keys(recordIn(closed, 'properties')))
      for (const [pattern, schema] of Object.entries(asked)) {
        if (!matches(pattern, name)) continue;
        const gap = this.#schema(fieldIn(parts, name), schema, `${here}/${escaped(pattern)}`, depth + 1);
        if (gap !== undefined) return gap;
      }
    return undefined;
  }

  #items({ parts, wide, depth }: Place, asked: unknown, here: string): Gap {
    if (Array.isArray(asked)) return { pointer: here, detail: 'is a list of schemas, which is not compared' };
    const begin = listIn(wide, 'prefixItems').length;
    const end = Math.max(begin, ...parts.map((part) => listIn(part, 'prefixItems').length));
    const most = Math.min(...parts.map((part) => numberIn(part, 'maxItems') ?? Infinity));
    for (let i = begin; i <= end && i < most; i++) {
      const gap = this.#schema(itemAt(parts, i), asked, here, depth + 1);
      if (gap !== undefined) return gap;
    }
    return undefined;
  }

  /** All that holds of a value that the narrower schema accepts. */
  #partsOf(schemas: readonly unknown[], root: JSONSchema = this.#narrow): Parts {
    const parts: (Keywords | false)[] = [];
    const seen = new Set<unknown>();
    const add = (schema: unknown): void => {
      if (schema === false) parts.push(false);
      // Referring to itself it says no more than it has said.
      if (!isRecord(schema) || seen.has(schema)) return;
      seen.add(schema);
      const { $ref, allOf, ...own } = schema;
      if (Object.keys(own).length > 0) parts.push(own);
      if ($ref !== undefined) add(this.#target(root, $ref));
      if (Array.isArray(allOf)) allOf.forEach(add);
    };
    schemas.forEach(add);
    return parts;
  }

  #target(root: JSONSchema, $ref: unknown): unknown {
    if (this.#hasOwnRoots || typeof $ref !== 'string' || !LOCAL.test($ref)) return undefined;
    let target: unknown = root;
    for (const key of keysIn($ref))
      target = isHolder(target) && Object.hasOwn(target, key) ? target[key] : undefined;
    return target;
  }
}

/** A keyword of the wider schema, and what is known of the value. */
interface Place {
  readonly parts: readonly Keywords[];
  readonly types: ReadonlySet<Type>;
  readonly wide: Keywords;
  readonly pointer: string;
  readonly depth: number;
}

// ---- types ----------------------------------------------------------------------------------------------------------

/** A whole number is a number too, so the two are told apart here: `fraction` is one that is not whole. */
type Type = 'null' | 'boolean' | 'object' | 'array' | 'string' | 'integer' | 'fraction';

const TYPES: readonly Type[] = ['null', 'boolean', 'object', 'array', 'string', 'integer', 'fraction'];
const A: Readonly<Record<Type, string>> = {
  ...{ null: 'null', boolean: 'a boolean', object: 'an object', array: 'a list', string: 'a text' },
  ...{ integer: 'a number', fraction: 'a fraction' },
};
const NAMED: Readonly<Record<Type, string>> = {
  ...{ null: 'null', boolean: 'boolean', object: 'object', array: 'array', string: 'string' },
  ...{ integer: 'integer', fraction: 'number' },
};
function typesNamed(type: unknown): Set<Type> {
  const names: readonly unknown[] = Array.isArray(type) ? type : [type];
  return new Set(names.flatMap((name) => (name === 'number' ? ['integer', 'fraction'] : [name])) as Type[]);
}

function typesOf(parts: Parts): Set<Type> {
  const types = new Set(TYPES);
  for (const part of parts) {
    if (part === false || part['type'] === undefined) continue;
    const named = typesNamed(part['type']);
    for (const type of TYPES) if (!named.has(type)) types.delete(type);
  }
  const values = parts
    .flatMap((part) => (part === false ? [] : [enumerated(part)]))
    .find((list) => list !== undefined);
  if (values === undefined) return types;
  const possible = new Set(values.map(typeOf));
  return new Set([...types].filter((type) => possible.has(type)));
}

function typeOf(value: unknown): Type {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'fraction';
  return typeof value as Type;
}

// ---- values ---------------------------------------------------------------------------------------------------------

const enumerated = (part: Keywords): readonly unknown[] | undefined => {
  if (Object.hasOwn(part, 'const')) return [part['const']];
  return Array.isArray(part['enum']) ? part['enum'] : undefined;
};

/** All values that there can be, where they can be counted. */
function valuesOf(parts: readonly Keywords[], types: ReadonlySet<Type>): readonly unknown[] | undefined {
  const lists = parts.map(enumerated).filter((list) => list !== undefined);
  const [some] = lists.toSorted((one, other) => one.length - other.length);
  if (some !== undefined)
    return some.filter((value) => types.has(typeOf(value)) && parts.every((part) => mayAccept(part, value)));
  const isCountable = [...types].every((type) => type === 'boolean' || type === 'null');
  if (!isCountable) return undefined;
  return [...(types.has('boolean') ? [true, false] : []), ...(types.has('null') ? [null] : [])];
}

/** Whether a part accepts a value, as far as that can be said of it alone. */
function mayAccept(part: Keywords, value: unknown): boolean {
  if (enumerated(part) !== undefined && Object.keys(part).length === 1)
    return enumerated(part)!.some((each) => hashOf(each) === hashOf(value));
  if (hasReference(part)) return true;
  const compiled = compiledSchemaOf(part);
  return !compiled.ok || compiled.schema.check(value).length === 0;
}

function acceptsAll(values: readonly unknown[], wide: Keywords, pointer: string): Gap {
  const compiled = compiledSchemaOf(wide);
  if (!compiled.ok) return { pointer, detail: 'cannot be held against values' };
  for (const value of values) {
    const [problem] = compiled.schema.check(value);
    if (problem === undefined) continue;
    return {
      pointer: `${pointer}${problem.schemaPath.slice(1)}`,
      detail: `${problem.detail}, and may be ${JSON.stringify(value)}`,
    };
  }
  return undefined;
}

// ---- keywords -------------------------------------------------------------------------------------------------------

/** They say nothing of values. */
const WORDS: ReadonlySet<string> = new Set([
  ...['title', 'description', '$comment', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly'],
  ...['$schema', '$id', '$defs', 'definitions', '$anchor', '$vocabulary'],
]);

const NUMBER: readonly Type[] = ['integer', 'fraction'];
/** Keywords that ask something of values of one type alone. */
const APPLIES_TO: Readonly<Record<string, readonly Type[]>> = {
  ...Object.fromEntries(
    ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'].map((name) => [
      name,
      NUMBER,
    ]),
  ),
  ...Object.fromEntries(
    ['minLength', 'maxLength', 'pattern', 'contentEncoding', 'contentMediaType', 'contentSchema'].map(
      (name) => [name, ['string']],
    ),
  ),
  ...Object.fromEntries(
    [
      ...['items', 'prefixItems', 'additionalItems', 'contains', 'minContains', 'maxContains', 'minItems'],
      ...['maxItems', 'uniqueItems', 'unevaluatedItems'],
    ].map((name) => [name, ['array']]),
  ),
  ...Object.fromEntries(
    [
      ...['properties', 'required', 'additionalProperties', 'patternProperties', 'propertyNames'],
      ...['minProperties', 'maxProperties', 'dependentRequired', 'dependentSchemas', 'unevaluatedProperties'],
      'dependencies',
    ].map((name) => [name, ['object']]),
  ),
};

/** What they mean depends on the keywords beside them, so these must be the same. */
const GROUPS: readonly (readonly string[])[] = [
  ['if', 'then', 'else'],
  ['contains', 'minContains', 'maxContains'],
];

/** They look at all that is said around them: word for word is not enough. */
const LOOKS_AROUND: ReadonlySet<string> = new Set([
  ...['unevaluatedProperties', 'unevaluatedItems', 'additionalItems', '$dynamicRef', '$recursiveRef'],
]);

/** Whether a part says the same in the same words. */
function verbatim({ parts, wide, pointer }: Place, keyword: string): Gap {
  const gap = { pointer: `${pointer}/${keyword}`, detail: 'is not shown to hold' };
  if (LOOKS_AROUND.has(keyword)) return gap;
  const names = GROUPS.find((group) => group.includes(keyword)) ?? [keyword];
  const text = hashOf(names.map((name) => wide[name] ?? null));
  const isThere = parts.some((part) => hashOf(names.map((name) => part[name] ?? null)) === text);
  return isThere && !names.some((name) => hasReference(wide[name])) ? undefined : gap;
}

/** Whether a bound follows from the bounds of the narrower schema. */
function isImplied(keyword: string, asked: unknown, { parts, types }: Place): boolean {
  const least = (name: string): number => Math.max(...parts.map((part) => numberIn(part, name) ?? -Infinity));
  const most = (name: string): number => Math.min(...parts.map((part) => numberIn(part, name) ?? Infinity));
  if (keyword === 'uniqueItems')
    return asked === false || parts.some((part) => part['uniqueItems'] === true) || most('maxItems') <= 1;
  if (typeof asked !== 'number') return false;
  switch (keyword) {
    case 'minimum':
      return Math.max(least('minimum'), least('exclusiveMinimum')) >= asked;
    case 'exclusiveMinimum':
      return least('exclusiveMinimum') >= asked || least('minimum') > asked;
    case 'maximum':
      return Math.min(most('maximum'), most('exclusiveMaximum')) <= asked;
    case 'exclusiveMaximum':
      return most('exclusiveMaximum') <= asked || most('maximum') < asked;
    case 'multipleOf':
      if (asked === 1 && !types.has('fraction')) return true;
      return parts.some((part) => isWholeMultiple(numberIn(part, 'multipleOf'), asked));
    case 'minLength':
    case 'minItems':
      return asked <= 0 || least(keyword) >= asked;
    case 'minProperties':
      return asked <= 0 || least(keyword) >= asked || requiredIn(parts).size >= asked;
    case 'maxLength':
    case 'maxItems':
    case 'maxProperties':
      return most(keyword) <= asked;
    default:
      return false;
  }
}

const isWholeMultiple = (own: number | undefined, of: number): boolean =>
  own !== undefined && Number.isSafeInteger(own) && Number.isSafeInteger(of) && own % of === 0;

function alternativesIn(part: Keywords): readonly ['anyOf' | 'oneOf', readonly unknown[]] | undefined {
  const { anyOf, oneOf } = part;
  if (Array.isArray(anyOf)) return ['anyOf', anyOf];
  return Array.isArray(oneOf) ? ['oneOf', oneOf] : undefined;
}

// ---- parts of objects and lists -------------------------------------------------------------------------------------

const requiredIn = (parts: readonly Keywords[]): Set<unknown> =>
  new Set(parts.flatMap((part) => listIn(part, 'required')));

const isRequired = (parts: readonly Keywords[], name: string): boolean => requiredIn(parts).has(name);

/** All that is said of a field. */
function fieldIn(parts: readonly Keywords[], name: string): unknown[] {
  return parts.flatMap((part) => {
    const properties = recordIn(part, 'properties');
    const patterned = Object.entries(recordIn(part, 'patternProperties'))
      .filter(([pattern]) => matches(pattern, name))
      .map(([, schema]) => schema);
    if (Object.hasOwn(properties, name)) return [properties[name], ...patterned];
    return patterned.length > 0 ? patterned : [part['additionalProperties'] ?? true];
  });
}

/** All that is said of an item. */
function itemAt(parts: readonly Keywords[], index: number): unknown[] {
  return parts.map((part) => {
    const { items = true } = part;
    const prefix = listIn(part, 'prefixItems');
    if (index < prefix.length) return prefix[index];
    // The older form of a prefix: what comes after it stands elsewhere.
    return Array.isArray(items) ? true : items;
  });
}

function recordIn(part: Keywords, keyword: string): Keywords {
  const value = part[keyword];
  return isRecord(value) ? value : {};
}

function listIn(part: Keywords, keyword: string): readonly unknown[] {
  const value = part[keyword];
  return Array.isArray(value) ? value : [];
}

function numberIn(part: Keywords, keyword: string): number | undefined {
  const value = part[keyword];
  return typeof value === 'number' ? value : undefined;
}

function matches(pattern: string, name: string): boolean {
  return new RegExp(pattern, 'u').test(name);
}

// ---- references and places ------------------------------------------------------------------------------------------

/** Of the forms that there are, the one that says a place in the same schema; with `%` signs that make a text. */
const LOCAL = /^#(\/([^%]|%[0-7][0-9A-Fa-f])*)?$/;

const isHolder = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

function hasReference(schema: unknown): boolean {
  return (
    isHolder(schema) &&
    Object.entries(schema).some(([key, inner]) => /^\$(ref|dynamicRef)$/.test(key) || hasReference(inner))
  );
}

/** Whether a schema has another within it to which references are relative. */
function hasInnerIds(schema: unknown, isRoot = true): boolean {
  if (!isHolder(schema)) return false;
  if (!isRoot && typeof schema['$id'] === 'string') return true;
  return Object.values(schema).some((inner) => hasInnerIds(inner, false));
}

const escaped = (name: string): string => pointerOf([name]).slice(2);

function first<T>(items: readonly T[], gapOf: (item: T, index: number) => Gap): Gap {
  for (const [index, item] of items.entries()) {
    const gap = gapOf(item, index);
    if (gap !== undefined) return gap;
  }
  return undefined;
}
