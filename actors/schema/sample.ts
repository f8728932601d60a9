/**
 * Values made from a JSON Schema: for probing schemas, for stubs, for the conformance kit. The same schema and seed give the same
 * values. What is made is held against the schema before anybody gets it, so a keyword that is not understood here costs samples,
 * and never makes a wrong one.
 */
import type { JSONSchema } from '../../machines/contract.ts';
import { Chance } from './chance.ts';
import { isRecord, keysIn } from './plain.ts';
import { textMatching } from './pattern-sample.ts';

/** So many are made at most for each that is asked for. */
const TRIES = 8;
/** From here on only what must be there is made. */
const ENOUGH_DEPTH = 4;
const MAX_DEPTH = 24;
/** A schema that asks for more items, characters or fields than that is not sampled: it would take for ever. */
const MAX_SIZE = 10_000;

/** Valid values; fewer than asked for, or none, where the schema asks for what cannot be made here. */
export function samplesOf({ jsonSchema, isValid }: Sampled, seed: string, count: number): unknown[] {
  const valid: unknown[] = [];
  for (let i = 0; i < count * TRIES && valid.length < count; i++) {
    const value = new Sampler(jsonSchema, new Chance(`${seed}/${i}`)).sample(jsonSchema, 0);
    if (value !== NOTHING && isValid(value)) valid.push(value);
  }
  return valid;
}

export interface Sampled {
  readonly jsonSchema: JSONSchema;
  readonly isValid: (value: unknown) => boolean;
}

const NOTHING = Symbol('nothing can be made');

type Keywords = Readonly<Record<string, unknown>>;

class Sampler {
  readonly #root: JSONSchema;
  readonly #chance: Chance;

  constructor(root: JSONSchema, chance: Chance) {
    this.#root = root;
    this.#chance = chance;
  }

  sample(schema: unknown, depth: number): unknown {
    if (schema === false || depth > MAX_DEPTH) return NOTHING;
    if (!isRecord(schema)) return 'anything';
    const keywords = this.#flat(schema, 0);
    if (keywords === undefined) return NOTHING;
    if ('const' in keywords) return keywords['const'];
    if (Array.isArray(keywords['enum'])) return this.#oneOf(keywords['enum']);
    switch (this.#typeOf(keywords)) {
      case 'object':
        return this.#record(keywords, depth);
      case 'array':
        return this.#list(keywords, depth);
      case 'number':
        return this.#number(keywords, false);
      case 'integer':
        return this.#number(keywords, true);
      case 'boolean':
        return this.#chance.below(2) === 0;
      case 'null':
        return null;
      default:
        return this.#text(keywords);
    }
  }

  #oneOf(values: readonly unknown[]): unknown {
    return values.length === 0 ? NOTHING : this.#chance.pick(values);
  }

  /** References followed, branches chosen, and all of it in one. */
  #flat(schema: Keywords, hops: number): Keywords | undefined {
    if (hops > MAX_DEPTH) return undefined;
    const { $ref, allOf, anyOf, oneOf, ...own } = schema;
    const parts: unknown[] = [];
    if ($ref !== undefined) parts.push(this.#target($ref));
    if (Array.isArray(allOf)) parts.push(...(allOf as unknown[]));
    for (const branches of [anyOf, oneOf])
      if (Array.isArray(branches)) parts.push(this.#chance.pick(branches as unknown[]));
    let flat: Keywords = own;
    for (const part of parts) {
      if (part === true) continue;
      const keywords = isRecord(part) ? this.#flat(part, hops + 1) : undefined;
      if (keywords === undefined) return undefined;
      flat = both(flat, keywords);
    }
    return flat;
  }

  /** Only within the schema: from elsewhere nothing is ever taken. */
  #target($ref: unknown): unknown {
    if (typeof $ref !== 'string' || !/^#(\/|$)/.test($ref)) return undefined;
    let target: unknown = this.#root;
    for (const key of keysIn($ref)) target = isContainer(target) ? target[key] : undefined;
    return target;
  }

  #typeOf(keywords: Keywords): unknown {
    const { type } = keywords;
    if (Array.isArray(type)) return this.#chance.pick(type as unknown[]);
    if (type !== undefined) return type;
    const implied = Object.keys(keywords).find((keyword) => keyword in IMPLIED);
    return implied === undefined ? 'string' : IMPLIED[implied];
  }

  #record(keywords: Keywords, depth: number): unknown {
    const properties = recordIn(keywords, 'properties');
    const required = new Set(listIn(keywords, 'required') as string[]);
    const names = new Set([...required, ...Object.keys(properties)]);
    const others = keywords['additionalProperties'] ?? keywords['unevaluatedProperties'] ?? true;
    const made: Record<string, unknown> = {};
    for (const name of names) {
      const isWanted = required.has(name) || (depth < ENOUGH_DEPTH && this.#chance.below(4) > 0);
      if (!isWanted) continue;
      const value = this.sample(Object.hasOwn(properties, name) ? properties[name] : others, depth + 1);
      if (value !== NOTHING) made[name] = value;
      else if (required.has(name)) return NOTHING;
    }
    // Of a dictionary, one whose fields have no names, some entries; of others only what there must be.
    const isDictionary = names.size === 0 && isRecord(others) && depth < ENOUGH_DEPTH;
    const least = numberIn(keywords, 'minProperties', isDictionary ? this.#chance.between(0, 2) : 0);
    if (least > MAX_SIZE) return NOTHING;
    for (let i = 1; Object.keys(made).length < least; i++) {
      if (i > least + TRIES) return NOTHING;
      const name = this.#entryName(keywords, i);
      const value = this.sample(others, depth + 1);
      if (name === undefined || value === NOTHING) return NOTHING;
      made[name] = value;
    }
    return made;
  }

  #entryName(keywords: Keywords, i: number): string | undefined {
    const { propertyNames } = keywords;
    if (!isRecord(propertyNames) || Object.keys(propertyNames).every((keyword) => keyword === 'type'))
      return `entry${i}`;
    const name = this.sample({ type: 'string', ...propertyNames }, MAX_DEPTH);
    return typeof name === 'string' ? name : undefined;
  }

  #list(keywords: Keywords, depth: number): unknown {
    const { items } = keywords;
    const first = listIn(keywords, 'prefixItems').concat(Array.isArray(items) ? (items as unknown[]) : []);
    const rest = Array.isArray(items) ? (keywords['additionalItems'] ?? true) : (items ?? true);
    const least = numberIn(keywords, 'minItems', keywords['contains'] === undefined ? 0 : 1);
    const most = numberIn(keywords, 'maxItems', Math.max(least, first.length) + 2);
    if (least > MAX_SIZE || most < least) return NOTHING;
    const wanted =
      depth < ENOUGH_DEPTH && rest !== false ? this.#chance.between(least, Math.min(most, least + 2)) : least;
    const length = Math.max(wanted, Math.min(first.length, most));
    const list: unknown[] = [];
    for (let i = 0; i < length; i++) {
      const contained = i === 0 && keywords['contains'] !== undefined ? keywords['contains'] : undefined;
      const value = this.sample(contained ?? first[i] ?? rest, depth + 1);
      if (value === NOTHING) return i < least ? NOTHING : list;
      list.push(value);
    }
    return list;
  }

  #number(keywords: Keywords, isInteger: boolean): unknown {
    const step = numberIn(keywords, 'multipleOf', isInteger ? 1 : 0.5);
    const above = keywords['exclusiveMinimum'];
    const below = keywords['exclusiveMaximum'];
    const highest = numberIn(keywords, 'maximum', typeof below === 'number' ? below : Infinity);
    const fallback = highest === Infinity ? 0 : Math.min(0, highest - 10 * step);
    const lowest = numberIn(keywords, 'minimum', typeof above === 'number' ? above : fallback);
    // Within a narrow range, steps of a half are too far.
    const fine =
      'multipleOf' in keywords || isInteger ? step : Math.min(step, (highest - lowest) / 4 || step);
    const from =
      Math.ceil(lowest / fine) +
      (typeof above === 'number' && lowest === above && lowest % fine === 0 ? 1 : 0);
    const to = Math.min(Math.floor(highest / fine), from + 100);
    if (!(to >= from)) return isInteger ? NOTHING : lowest;
    const made = this.#chance.between(from, to) * fine;
    // Without the dust of floats.
    return isInteger ? Math.round(made) : Number(made.toPrecision(12));
  }

  #text(keywords: Keywords): unknown {
    const { format, pattern } = keywords;
    const least = numberIn(keywords, 'minLength', 0);
    const most = numberIn(keywords, 'maxLength', least + 12);
    if (least > MAX_SIZE) return NOTHING;
    if (typeof format === 'string' && format in FORMATS) return FORMATS[format]!(this.#chance);
    if (typeof pattern === 'string') return textMatching(pattern, this.#chance) ?? NOTHING;
    const length = this.#chance.between(Math.min(least, most), Math.min(most, least + 12));
    return Array.from({ length }, () => this.#chance.pick(LETTERS)).join('');
  }
}

const isContainer = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];

const IMPLIED: Readonly<Record<string, string>> = {
  properties: 'object',
  required: 'object',
  additionalProperties: 'object',
  minProperties: 'object',
  items: 'array',
  prefixItems: 'array',
  minItems: 'array',
  minimum: 'number',
  maximum: 'number',
  exclusiveMinimum: 'number',
  exclusiveMaximum: 'number',
  multipleOf: 'number',
};

const two = (n: number): string => String(n).padStart(2, '0');
const hexadecimal = (chance: Chance, length: number): string =>
  Array.from({ length }, () => chance.below(16).toString(16)).join('');
const date = (chance: Chance): string =>
  `20${two(chance.below(100))}-${two(chance.between(1, 12))}-${two(chance.between(1, 28))}`;
const time = (chance: Chance): string =>
  `${two(chance.below(24))}:${two(chance.below(60))}:${two(chance.below(60))}`;

const FORMATS: Readonly<Record<string, (chance: Chance) => string>> = {
  date,
  time: (chance) => `${time(chance)}Z`,
  'date-time': (chance) => `${date(chance)}T${time(chance)}Z`,
  duration: (chance) => `PT${chance.between(1, 59)}M`,
  email: (chance) => `person${chance.below(1000)}@example.com`,
  hostname: (chance) => `host${chance.below(1000)}.example.com`,
  ipv4: (chance) => `192.0.2.${chance.below(256)}`,
  ipv6: (chance) => `2001:db8::${hexadecimal(chance, 4)}`,
  uri: (chance) => `https://example.com/${chance.below(1000)}`,
  url: (chance) => `https://example.com/${chance.below(1000)}`,
  'uri-reference': (chance) => `/${chance.below(1000)}`,
  uuid: (chance) =>
    `${hexadecimal(chance, 8)}-${hexadecimal(chance, 4)}-4${hexadecimal(chance, 3)}-8${hexadecimal(chance, 3)}-${hexadecimal(chance, 12)}`,
};

const recordIn = (keywords: Keywords, name: string): Keywords => {
  const value = keywords[name];
  return isRecord(value) ? value : {};
};
const listIn = (keywords: Keywords, name: string): unknown[] => {
  const value = keywords[name];
  return Array.isArray(value) ? (value as unknown[]) : [];
};
const numberIn = (keywords: Keywords, name: string, fallback: number): number => {
  const value = keywords[name];
  return typeof value === 'number' ? value : fallback;
};

/** Two schemas that both hold, as well as that can be said in one. */
function both(some: Keywords, others: Keywords): Keywords {
  const merged: Record<string, unknown> = { ...others, ...some };
  for (const key of Object.keys(some)) {
    if (!Object.hasOwn(others, key)) continue;
    const [a, b] = [some[key], others[key]];
    if (key === 'required') merged[key] = [...(a as unknown[]), ...(b as unknown[])];
    else if (key === 'properties' && isRecord(a) && isRecord(b)) merged[key] = bothByName(a, b);
    else if (/^(min|exclusiveMin)/.test(key)) merged[key] = Math.max(a as number, b as number);
    else if (/^(max|exclusiveMax)/.test(key)) merged[key] = Math.min(a as number, b as number);
  }
  return merged;
}

function bothByName(some: Keywords, others: Keywords): Keywords {
  const merged: Record<string, unknown> = { ...others, ...some };
  for (const [name, schema] of Object.entries(some)) {
    if (Object.hasOwn(others, name)) merged[name] = { allOf: [schema, others[name]] };
  }
  return merged;
}
