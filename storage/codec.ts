/**
 * Values to bytes and back. What comes out equals what went in, or it was refused (`payload.ts`).
 *
 * Most values pack as they are with msgpackr. Values that msgpack cannot say (Map, Set, Error, RegExp, bigint, binary,
 * -0, references) are first written in a tagged form of arrays, so that nothing depends on msgpackr's global extension
 * registry, whose defaults change values silently. The first byte says which form follows. Every packed value stands
 * alone: no shared dictionary, whose loss would be the loss of everything.
 */
import { Packr, RESERVE_START_SPACE } from 'msgpackr';
import { BUILTIN_ERRORS, inspect, inspectChange, MAX_HOLDER_DEPTH, PLAIN, TAGGED } from './payload.ts';
import type { PackedForm, ReferenceCodec } from './payload.ts';

/** A packed value: one byte for its form, then msgpack. */
export type Packed = Buffer;

const packr = new Packr({ useRecords: false, variableMapSize: true, moreTypes: false, useToJSON: false });

// One for all calls, which are synchronous.
const span = { start: 0, end: 0 };

/** Packs and unpacks values; with a {@link ReferenceCodec}, references too. Stateless, so one may serve many. */
export class Codec {
  readonly #references: ReferenceCodec | undefined;

  constructor(references?: ReferenceCodec) {
    this.#references = references;
  }

  /** Packs a value. `root` names it in the error that refuses it. */
  pack(value: unknown, root: string): Packed {
    return this.packAs(inspect(value, root, this.#references).form, value);
  }

  /** Packs a value that holds others, each of which `inspect` has accepted or will. */
  packHolder(value: unknown, root: string): Packed {
    return this.packAs(inspect(value, root, this.#references, MAX_HOLDER_DEPTH).form, value);
  }

  /** Whether the value may be stored, and what is known about it; throws `NotSerialisable` otherwise. */
  inspect(value: unknown, root: string): { readonly form: PackedForm; readonly nested: boolean } {
    return inspect(value, root, this.#references);
  }

  /** Whether a value may be stored that has taken the place of one that may; throws `NotSerialisable` otherwise. */
  inspectChange(value: unknown, before: unknown, root: string): void {
    inspectChange(value, before, root, this.#references);
  }

  /** Packs a value that `inspect` has just accepted. */
  packAs(form: PackedForm, value: unknown): Packed {
    const bytes = packr.pack(form === PLAIN ? value : this.#toTagged(value), RESERVE_START_SPACE | 1);
    bytes[0] = form;
    return bytes;
  }

  /**
   * The value again, from all of `bytes` or a part. They must have passed their checksum: msgpack alone does not notice
   * damage.
   */
  unpack(bytes: Uint8Array, start = 0, end = bytes.length): unknown {
    span.start = start + 1;
    span.end = end;
    const body = packr.unpack(bytes, span) as Tagged;
    switch (bytes[start]) {
      case PLAIN:
        return body;
      case TAGGED:
        return this.#fromTagged(body);
      default:
        throw new RangeError(`unknown form ${bytes[start]} of a packed value`);
    }
  }

  // In the tagged form every array is `[tag, ...]`; objects keep their keys; everything else stands for itself.
  #toTagged(value: unknown): Tagged {
    if (typeof value === 'number') return Object.is(value, -0) ? [Tag.NegativeZero] : value;
    if (typeof value === 'bigint') return [Tag.BigInt, value.toString(16)];
    if (typeof value !== 'object' || value === null || value instanceof Date) return value;
    if (Array.isArray(value)) return this.#items(value);
    if (this.#references?.test(value)) {
      return [Tag.Reference, this.#toTagged(this.#references.encode(value))];
    }
    if (value instanceof Map) {
      return [Tag.Map, ...[...value].flatMap(([key, item]) => [this.#toTagged(key), this.#toTagged(item)])];
    }
    if (value instanceof Set) return [Tag.Set, ...[...value].map((item) => this.#toTagged(item))];
    if (value instanceof RegExp) return [Tag.RegExp, value.source, value.flags];
    if (value instanceof Error) return [Tag.Error, builtinNameOf(value), this.#fieldsOfError(value)];
    if (value instanceof ArrayBuffer) return [Tag.Binary, 'ArrayBuffer', Buffer.from(value)];
    if (ArrayBuffer.isView(value)) {
      return [Tag.Binary, viewNameOf(value), Buffer.from(value.buffer, value.byteOffset, value.byteLength)];
    }
    if (Object.getPrototypeOf(value) === null)
      return [Tag.NullPrototype, this.#fields(value, Object.keys(value))];
    return this.#record(value as Record<string, unknown>);
  }

  #items(values: readonly unknown[]): Tagged[] {
    const items: Tagged[] = [Tag.Array];
    for (const value of values) items.push(this.#toTagged(value));
    return items;
  }

  /** A record stands for itself, unless something in it does not. */
  #record(value: Record<string, unknown>): Tagged {
    const keys = Object.keys(value);
    let fields: Record<string, Tagged> | undefined;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      const item = this.#toTagged(value[key]);
      if (fields === undefined) {
        if (Object.is(item, value[key])) continue;
        fields = {};
        for (const before of keys.slice(0, i)) fields[before] = value[before];
      }
      fields[key] = item;
    }
    return fields ?? value;
  }

  #fields(value: object, keys: readonly string[]): Record<string, Tagged> {
    const fields: Record<string, Tagged> = {};
    for (const key of keys) fields[key] = this.#toTagged((value as Record<string, unknown>)[key]);
    return fields;
  }

  /** All own fields, those that are not enumerable (message, stack, cause) marked by a list of their names. */
  #fieldsOfError(value: Error): Tagged {
    const names = Object.getOwnPropertyNames(value);
    const hidden = names.filter((name) => !Object.prototype.propertyIsEnumerable.call(value, name));
    return [Tag.Array, this.#fields(value, names), ...hidden];
  }

  #fromTagged(value: Tagged): unknown {
    if (typeof value !== 'object' || value === null || value instanceof Date) return value;
    if (!Array.isArray(value)) return this.#revive(value as Record<string, Tagged>, {});
    const parts = value as readonly Tagged[];
    const [tag, first, second] = parts;
    switch (tag) {
      case Tag.Array:
        return parts.slice(1).map((item) => this.#fromTagged(item));
      case Tag.NegativeZero:
        return -0;
      case Tag.BigInt:
        return bigintOf(first as string);
      case Tag.Reference:
        return this.#references!.decode(this.#fromTagged(first));
      case Tag.Map: {
        const map = new Map<unknown, unknown>();
        for (let i = 1; i < parts.length; i += 2)
          map.set(this.#fromTagged(parts[i]), this.#fromTagged(parts[i + 1]));
        return map;
      }
      case Tag.Set:
        return new Set(parts.slice(1).map((item) => this.#fromTagged(item)));
      case Tag.RegExp:
        return new RegExp(first as string, second as string);
      case Tag.Error:
        return this.#error(first as string, second as readonly Tagged[]);
      case Tag.Binary:
        return binaryOf(first as string, second as Uint8Array);
      case Tag.NullPrototype:
        return this.#revive(first as Record<string, Tagged>, Object.create(null) as object);
      default:
        throw new RangeError(`unknown tag ${String(tag)} in a packed value`);
    }
  }

  #revive(fields: Record<string, Tagged>, target: object): object {
    for (const key of Object.keys(fields)) {
      (target as Record<string, unknown>)[key] = this.#fromTagged(fields[key]);
    }
    return target;
  }

  #error(name: string, [, fields, ...hidden]: readonly Tagged[]): Error {
    const prototype = [...BUILTIN_ERRORS].find(([, builtin]) => builtin === name)![0];
    // A real error, so that `Error.isError`, `util.types.isNativeError` and the console know it.
    const error = new Error();
    delete error.stack;
    Object.setPrototypeOf(error, prototype);
    for (const key of Object.keys(fields as object)) {
      Object.defineProperty(error, key, {
        value: this.#fromTagged((fields as Record<string, Tagged>)[key]),
        enumerable: !hidden.includes(key),
        writable: true,
        configurable: true,
      });
    }
    return error;
  }
}

/** The tags of the tagged form. They are on disk: never change one, only add. */
const Tag = {
  Array: 0,
  Map: 1,
  Set: 2,
  Error: 3,
  RegExp: 4,
  BigInt: 5,
  Binary: 6,
  NegativeZero: 7,
  NullPrototype: 8,
  Reference: 9,
} as const;

type Tagged = unknown;

function builtinNameOf(error: Error): string {
  return BUILTIN_ERRORS.get(Object.getPrototypeOf(error) as object)!;
}

function viewNameOf(view: ArrayBufferView): string {
  return Buffer.isBuffer(view)
    ? 'Buffer'
    : (view as unknown as { [Symbol.toStringTag]: string })[Symbol.toStringTag];
}

function bigintOf(hex: string): bigint {
  return hex.startsWith('-') ? -BigInt(`0x${hex.slice(1)}`) : BigInt(`0x${hex}`);
}

function binaryOf(name: string, bytes: Uint8Array): unknown {
  if (name === 'Buffer') return Buffer.from(bytes);
  // A copy of its own: the packed bytes it was read from are shared and will be reused.
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  if (name === 'ArrayBuffer') return buffer;
  const View = (globalThis as Record<string, unknown>)[name] as new (source: ArrayBufferLike) => unknown;
  return new View(buffer);
}
