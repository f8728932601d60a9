/**
 * Values as a person reads them: one line, in the notation of JavaScript, inert. Made from tagged JSON, so that it is the same
 * whether the value comes from a store or over a socket.
 */
import type { Json } from '../control/tagged.ts';
import { inert } from './inert.ts';

/** What is longer is not built to the end: nobody reads it, and the terminal cuts it anyway. */
const MAX_LENGTH = 4000;

/** @param limit how long the text may become, roughly */
export function shown(json: Json | undefined, limit: number = MAX_LENGTH): string {
  const parts = new Parts(limit);
  write(json, parts);
  return inert(parts.text);
}

/** A text that grows to a limit. */
class Parts {
  text = '';
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isFull(): boolean {
    return this.text.length >= this.#limit;
  }

  add(text: string): void {
    if (this.isFull) return;
    const room = this.#limit - this.text.length;
    this.text += text.length <= room ? text : `${text.slice(0, room)}…`;
  }
}

function write(json: Json | undefined, parts: Parts): void {
  if (parts.isFull) return;
  if (json === undefined) return parts.add('undefined');
  if (json === null || typeof json !== 'object') {
    // An escape of JSON is inert already, and looks like one of ours.
    return parts.add(typeof json === 'string' ? quoted(json) : String(json));
  }
  if (isList(json)) return writeList(json, parts, ['[', ']']);
  const [first] = Object.keys(json);
  if (first !== undefined && /^\$(?!\$)/.test(first)) return writeTagged(first, json, parts);
  writeFields(json, parts);
}

/** Single quotes, as people write them in code. Escapes are made later, for everything at once. */
const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

const isList = (json: Json): json is readonly Json[] => Array.isArray(json);

function writeList(
  items: readonly Json[],
  parts: Parts,
  [open, close]: readonly [open: string, close: string],
): void {
  parts.add(open);
  for (const [index, item] of items.entries()) {
    if (parts.isFull) return;
    if (index > 0) parts.add(', ');
    write(item, parts);
  }
  parts.add(close);
}

function writeFields(json: { readonly [key: string]: Json | undefined }, parts: Parts): void {
  const entries = Object.entries(json);
  if (entries.length === 0) return parts.add('{}');
  parts.add('{ ');
  for (const [index, [key, item]] of entries.entries()) {
    if (parts.isFull) return;
    const own = key.startsWith('$$') ? key.slice(1) : key;
    parts.add(`${index > 0 ? ', ' : ''}${/^[A-Za-z_$][\w$]*$/.test(own) ? own : quoted(own)}: `);
    write(item, parts);
  }
  parts.add(' }');
}

function writeTagged(tag: string, json: { readonly [key: string]: Json | undefined }, parts: Parts): void {
  const content = json[tag];
  switch (tag) {
    case '$undefined':
      return parts.add('undefined');
    case '$bigint':
      return parts.add(`${textOf(content)}n`);
    case '$map':
      parts.add('Map ');
      return writeList((content as readonly Json[]) ?? [], parts, ['{', '}']);
    case '$set':
      parts.add('Set ');
      return writeList((content as readonly Json[]) ?? [], parts, ['{', '}']);
    case '$regexp': {
      const [source, flags] = content as readonly string[];
      return parts.add(`/${source}/${flags}`);
    }
    case '$bytes': {
      const bytes = Buffer.from(textOf(content), 'base64');
      const head = bytes.subarray(0, 8).toString('hex');
      return parts.add(
        `<${bytes.length} bytes${bytes.length > 0 ? ` ${head}` : ''}${bytes.length > 8 ? '…' : ''}>`,
      );
    }
    case '$error':
      return parts.add(errorText(content));
    case '$ref':
      return parts.add(`→${textOf(content)}`);
    default:
      // Dates, numbers that JSON does not have, and what cannot be described say it in words.
      return parts.add(textOf(content));
  }
}

const textOf = (json: Json | undefined): string =>
  typeof json === 'string' ? json : JSON.stringify(json ?? null);

/** An error in one line; its stack is for `--json`. Not inert yet. */
function errorText(json: Json | undefined): string {
  const { name, message } = (json ?? {}) as { readonly name?: Json; readonly message?: Json };
  return `${textOf(name ?? 'Error')}: ${textOf(message ?? '')}`;
}

/** What somebody threw, in one line, inert: the message of an error, or the value. */
export function thrownText(json: Json | undefined): string {
  const error = (json as { readonly $error?: Json } | null | undefined)?.$error as
    { readonly name?: string; readonly message?: string; readonly cause?: Json } | undefined;
  if (error === undefined) return shown(json);
  const cause = error.cause as { readonly $error?: Json } | undefined;
  // What the user's code threw, where we have put something around it.
  return cause?.$error === undefined ? inert(textOf(error.message)) : thrownText(error.cause);
}
