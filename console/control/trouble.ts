/**
 * Trouble: an error as it goes over a socket and out with `--json`. Whoever asked gets the same error whether the store was read
 * here or in a daemon: a `Refused` with the code of what was thrown there.
 */
import { tagged } from './tagged.ts';
import type { Json } from './tagged.ts';

export interface Trouble {
  /** The name of the situation: `UnknownActor`. */
  readonly name: string;
  /** Stable, for programs: `HEDDLE_UNKNOWN_ACTOR`. */
  readonly code: string;
  readonly message: string;
  /** Whether the same may succeed later. */
  readonly retryable: boolean;
  /** Where it is described. */
  readonly docs?: string;
  /** The facts, by name. */
  readonly fields?: { readonly [name: string]: Json };
}

/** The codes of what only a console can run into. Errors of Heddle itself keep theirs. */
export const ControlCode = {
  /** The arguments of a request make no sense. */
  BadRequest: 'HEDDLE_CONTROL_BAD_REQUEST',
  /** The token was wrong, or the daemon serves another store. */
  Denied: 'HEDDLE_CONTROL_DENIED',
  /** Nobody answers, or not to the end. */
  Unreachable: 'HEDDLE_CONTROL_UNREACHABLE',
  /** There is no store, no letter, no record. */
  NotFound: 'HEDDLE_NOT_FOUND',
  /** It needs the code of the actors. */
  NeedsCode: 'HEDDLE_NEEDS_CODE',
  /** It needs a system that runs. */
  NeedsRunning: 'HEDDLE_NEEDS_RUNNING',
  /** It needs a store that nobody has open. */
  NeedsClosed: 'HEDDLE_NEEDS_CLOSED',
  /** A file cannot be read or written by whoever asks, or would be overwritten. */
  FileRefused: 'HEDDLE_FILE_REFUSED',
  /** A file could not be read or written to its end. */
  FileFailed: 'HEDDLE_FILE_FAILED',
  /** A mistake of the program that answers. */
  Internal: 'HEDDLE_INTERNAL',
} as const;

/** What was asked for was not done. */
export class Refused extends Error {
  readonly trouble: Trouble;

  constructor(trouble: Trouble, options?: ErrorOptions) {
    super(trouble.message, options);
    this.name = trouble.name;
    this.trouble = trouble;
  }
}

/** A refusal of the console's own. */
export function refusal(
  name: keyof typeof ControlCode,
  message: string,
  options: ErrorOptions & { readonly retryable?: boolean } = {},
): Refused {
  const { retryable = false } = options;
  return new Refused({ name, code: ControlCode[name], message, retryable }, options);
}

/** What was thrown, as trouble. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof Refused) return error.trouble;
  // By its shape: the system that threw it may be of another copy of the package than this file.
  const { _tag, code, message, retryable, docs } = (error ?? {}) as Record<string, unknown>;
  if (typeof _tag === 'string' && typeof code === 'string' && code.startsWith('HEDDLE_')) {
    return {
      name: _tag,
      code,
      message: String(message),
      retryable: retryable === true,
      ...(typeof docs === 'string' && { docs }),
      fields: fieldsOf(error as Error),
    };
  }
  const text = error instanceof Error ? error.message : String(error);
  return {
    name: error instanceof Error ? error.name : 'Error',
    code: ControlCode.Internal,
    message: text,
    retryable: false,
    ...(error instanceof Error && error.stack !== undefined && { fields: { stack: error.stack } }),
  };
}

const KNOWN_FIELDS = new Set(['_tag', 'code', 'retryable', 'stack', 'message', 'cause']);

function fieldsOf(error: Error): { readonly [name: string]: Json } {
  const own = Object.entries(error).filter(([key, value]) => !KNOWN_FIELDS.has(key) && value !== undefined);
  return Object.fromEntries(own.map(([key, value]) => [key, tagged(value)]));
}

/** Trouble that came over a socket. Whoever sent it may be broken too. */
export function readTrouble(json: unknown): Trouble {
  const { name, code, message, retryable, docs, fields } = (json ?? {}) as Record<string, unknown>;
  return {
    name: typeof name === 'string' ? name : 'Error',
    code: typeof code === 'string' ? code : ControlCode.Internal,
    message: typeof message === 'string' ? message : 'the daemon refused, and did not say why',
    retryable: retryable === true,
    ...(typeof docs === 'string' && { docs }),
    ...(typeof fields === 'object' && fields !== null && { fields: fields as { [name: string]: Json } }),
  };
}
