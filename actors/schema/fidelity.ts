/**
 * Fidelity: whether a library's own check and the JSON Schema that it gives mean the same. JSON Schemas are made with losses that
 * nobody is told of (rules that JSON Schema cannot say, patterns dropped on account of a flag), and others plan, route and ask by the
 * JSON Schema. So both are asked about the same values, made from the schema and then broken in one place each.
 *
 * It finds differences, and proves none absent: `exact` means that there was none among the values tried, which are the same every
 * time. Values are held against both checks anyway, whatever comes out here.
 */
import { Chance } from './chance.ts';
import { ASYNC_KEYWORD } from './native.ts';
import type { Check, CompiledSchema } from './json-schema.ts';
import { isRecord, keysIn, pointerOf } from './plain.ts';
import type { PathKey } from './plain.ts';
import { samplesOf } from './sample.ts';

/** Places are JSON pointers into values, with `*` for any item of a list, and any field that the schema does not name. */
export type Fidelity =
  | 'exact'
  /** No value could be made from the schema to try it with. */
  | 'untried'
  | {
      /** Where the JSON Schema accepts what the library refuses. */
      readonly looser: readonly string[];
      /** Where it refuses what the library accepts. */
      readonly stricter: readonly string[];
    };

export interface Probe {
  readonly fidelity: Fidelity;
  /** Whether the library's check answers later. */
  readonly isAsync: boolean;
}

const SAMPLES = 12;
/** Values tried at most. */
const MAX_TRIED = 600;
/** A field that no schema names. */
const UNKNOWN = 'aFieldThatNoSchemaNames';

export function probe(schema: CompiledSchema, native: Check): Probe {
  const { jsonSchema, check } = schema;
  const samples = samplesOf(
    { jsonSchema, isValid: (value) => check(value).length === 0 },
    'fidelity',
    SAMPLES,
  );
  const looser = new Set<string>();
  const stricter = new Set<string>();
  let tried = 0;
  let isAsync = false;
  for (const value of variantsOf(samples)) {
    if (++tried > MAX_TRIED) break;
    const bySchema = check(value);
    const byNative = native(value);
    if (byNative.some(({ keyword }) => keyword === ASYNC_KEYWORD)) isAsync = true;
    if (bySchema.length === 0) for (const { pointer } of byNative) looser.add(placeIn(value, pointer));
    else if (byNative.length === 0) for (const { pointer } of bySchema) stricter.add(placeIn(value, pointer));
  }
  if (samples.length === 0) return { fidelity: 'untried', isAsync };
  if (looser.size + stricter.size === 0) return { fidelity: 'exact', isAsync };
  return { fidelity: { looser: [...looser].sort(), stricter: [...stricter].sort() }, isAsync };
}

/** A place in any value: the number of an item says nothing. */
function placeIn(value: unknown, pointer: string): string {
  let at: unknown = value;
  const place = keysIn(pointer).map((key) => {
    const isItem = Array.isArray(at);
    at = isRecord(at) || isItem ? (at as Record<string, unknown>)[key] : undefined;
    return isItem || key === UNKNOWN ? '*' : key;
  });
  return pointerOf(place).replaceAll('%2A', '*');
}

/** Each sample, and each with one place broken, in turns, so that a bound leaves some of every kind. */
function* variantsOf(samples: readonly unknown[]): Generator<unknown> {
  const chance = new Chance('variants');
  yield* samples;
  for (const sample of samples) {
    for (const path of placesOf(sample)) {
      yield changed(sample, path, () => GONE);
      for (const other of othersFor(at(sample, path), chance)) yield changed(sample, path, () => other);
    }
    for (const path of [[], ...placesOf(sample)]) {
      if (isRecord(at(sample, path)))
        yield changed(sample, path, (value) => ({ ...(value as object), [UNKNOWN]: 1 }));
    }
  }
}

const GONE = Symbol('gone');

/** Every place below the top. */
function placesOf(value: unknown, path: readonly PathKey[] = []): (readonly PathKey[])[] {
  if (Array.isArray(value)) {
    // The second item is as the first.
    return value
      .slice(0, 1)
      .flatMap((item, index) => [[...path, index], ...placesOf(item, [...path, index])]);
  }
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [...path, key],
    ...placesOf(inner, [...path, key]),
  ]);
}

function at(value: unknown, path: readonly PathKey[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<PathKey, unknown>)[key], value);
}

function changed(value: unknown, path: readonly PathKey[], change: (value: unknown) => unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return change(value);
  const inner = changed((value as Record<PathKey, unknown>)[key], rest, change);
  if (Array.isArray(value)) {
    return inner === GONE ? value.filter((_, index) => index !== key) : value.with(key as number, inner);
  }
  const { [key]: _, ...others } = value as Record<PathKey, unknown>;
  return inner === GONE ? others : { ...others, [key]: inner };
}

/** What may be wrong in place of a value: the edges of its type, and other types. */
function othersFor(value: unknown, chance: Chance): readonly unknown[] {
  switch (typeof value) {
    case 'string':
      return [
        '',
        value.slice(1),
        value.toUpperCase(),
        `${value}${value}${value}`,
        '𝒳'.repeat(chance.between(2, 9)),
        '-',
        7,
        null,
      ];
    case 'number':
      return [0, -1, value + 0.5, value - 1, value + 1, value * 1000, -1e9, 1e9, 1.5, String(value), null];
    case 'boolean':
      return [!value, 'true', 0, null];
    default:
      return [null, 'text', 1, [], {}, Array.isArray(value) ? [...value, ...value, ...value] : [value]];
  }
}
