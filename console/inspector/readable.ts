/**
 * Readable JSON: any value as JSON text for people to look at, whatever is in it and however large it is.
 *
 * What JSON cannot hold is shown in words: `12n`, `(undefined)`, `(circular)`, a Map by its entries, a ref by whom it means.
 * What is too long is cut, with a mark that says how much is missing. It is a view: nothing is ever read back from it. It
 * refuses nothing and never throws.
 */

/** Deeper values are cut. */
const MAX_DEPTH = 48;
/** What a mark may add to a text that is full. */
const ROOM_FOR_MARKS = 40;
const SHOWN_BYTES = 32;

/**
 * @param room about how long the text may become, in characters
 * @param isTerse whether fields that are undefined are left out
 */
export function readable(value: unknown, room: number, isTerse = false): string {
  try {
    return new Writer(room, isTerse).write(value);
  } catch (error) {
    // A getter or a proxy. Nothing that is hosted holds such a thing, but a machine's configuration may.
    return JSON.stringify(`(cannot be shown: ${String(error)})`);
  }
}

class Writer {
  readonly #room: number;
  readonly #isTerse: boolean;
  readonly #above: object[] = [];
  #text = '';

  constructor(room: number, isTerse: boolean) {
    this.#room = room;
    this.#isTerse = isTerse;
  }

  write(value: unknown): string {
    this.#value(value);
    return this.#text;
  }

  get #isFull(): boolean {
    return this.#text.length >= this.#room;
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case 'string':
        return this.#string(value);
      case 'number':
        return this.#number(value);
      case 'boolean':
        this.#text += value ? 'true' : 'false';
        return;
      case 'bigint':
        return this.#string(`${value}n`);
      case 'undefined':
        return this.#mark('undefined');
      case 'function':
        return this.#value({ type: value.name || '(anonymous)' });
      case 'symbol':
        return this.#string(String(value));
      default:
        if (value === null) this.#text += 'null';
        else this.#object(value as object);
    }
  }

  #string(value: string): void {
    const room = Math.max(this.#room - this.#text.length, ROOM_FOR_MARKS);
    const shown =
      value.length <= room ? value : `${value.slice(0, room)}… (${value.length - room} more characters)`;
    this.#text += JSON.stringify(shown);
  }

  #number(value: number): void {
    if (Number.isFinite(value) && !Object.is(value, -0)) this.#text += value;
    else this.#string(Object.is(value, -0) ? '-0' : String(value));
  }

  #mark(what: string): void {
    this.#text += `"(${what})"`;
  }

  #object(value: object): void {
    if (this.#above.includes(value)) return this.#mark('circular');
    if (this.#above.length >= MAX_DEPTH) return this.#mark('deeper');
    this.#above.push(value);
    this.#contents(value);
    this.#above.pop();
  }

  #contents(value: object): void {
    if (Array.isArray(value)) return this.#list(value, value.length);
    if (isLogic(value)) return this.#fields({ type: value.config?.id ?? '(actor logic)' });
    if (isPlain(value)) return this.#fields(value);
    const ref = sessionOfRef(value);
    if (ref !== undefined) return this.#fields({ xstate$$type: 1, id: ref });
    if (value instanceof Date)
      return this.#string(Number.isNaN(value.getTime()) ? '(invalid date)' : value.toISOString());
    if (value instanceof RegExp) return this.#string(String(value));
    if (value instanceof Map) return this.#collection('Map', value, value.size);
    if (value instanceof Set) return this.#collection('Set', value, value.size);
    if (value instanceof Error) return this.#fields(fieldsOfError(value));
    if (value instanceof ArrayBuffer) return this.#bytes('ArrayBuffer', new Uint8Array(value));
    if (ArrayBuffer.isView(value)) {
      const { buffer, byteOffset, byteLength } = value;
      return this.#bytes(nameOf(value), new Uint8Array(buffer, byteOffset, byteLength));
    }
    this.#fields(value);
  }

  #list(values: Iterable<unknown>, length: number): void {
    this.#text += '[';
    let shown = 0;
    for (const value of values) {
      if (shown > 0) this.#text += ',';
      if (this.#isFull) {
        this.#mark(`${length - shown} more`);
        break;
      }
      this.#value(value);
      shown++;
    }
    this.#text += ']';
  }

  #collection(name: string, values: Iterable<unknown>, size: number): void {
    this.#text += `{"(${name})":`;
    this.#list(values, size);
    this.#text += '}';
  }

  #fields(value: object): void {
    this.#text += '{';
    let keys = Object.keys(value);
    if (this.#isTerse) keys = keys.filter((key) => (value as Record<string, unknown>)[key] !== undefined);
    for (let i = 0; i < keys.length; i++) {
      if (i > 0) this.#text += ',';
      if (this.#isFull) {
        this.#text += `"…":"(${keys.length - i} more)"`;
        break;
      }
      const key = keys[i]!;
      this.#string(key);
      this.#text += ':';
      this.#value((value as Record<string, unknown>)[key]);
    }
    this.#text += '}';
  }

  #bytes(name: string, bytes: Uint8Array): void {
    const hex = Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString('hex');
    this.#string(`(${name}, ${bytes.length} bytes) ${hex}${bytes.length > SHOWN_BYTES ? '…' : ''}`);
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The session of an actor, if the value is a ref. */
export function sessionOfRef(value: object): string | undefined {
  const { sessionId, send } = value as { sessionId?: unknown; send?: unknown };
  return typeof sessionId === 'string' && typeof send === 'function' ? sessionId : undefined;
}

function fieldsOfError(error: Error): object {
  const { name, message, cause } = error;
  return Object.assign({ name, message }, cause !== undefined && { cause }, error);
}

const nameOf = (value: object): string => value.constructor.name;

interface Logic {
  readonly config?: { readonly id?: string };
}

/** A machine's configuration may hold the logic of its children itself. */
function isLogic(value: object): value is Logic {
  const { transition, getInitialSnapshot } = value as Record<string, unknown>;
  return typeof transition === 'function' && typeof getInitialSnapshot === 'function';
}
