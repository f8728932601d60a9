/**
 * What errors of others mean: one table, from what they look like to the class of the fault. The first row that fits counts; what
 * fits none is a `crash`.
 *
 * An error is looked at with all its causes, by its fields and never by its constructor: every SDK has several copies of its
 * classes. Texts are asked last, and only where no vendor has a code for it. Pure: the same error is the same fault.
 *
 * It refuses to say what is to be done about it.
 */
import type { Fault, FaultClass } from '../../machines/faults/fault.ts';
import { retryAfterMsOf } from '../../machines/permits/retry-after.ts';
import { FaultError } from '../agents/fault-error.ts';
import { jsonOf } from './reading.ts';

/** What can be seen of an error and its causes. */
export interface Symptoms {
  /** The HTTP status of the answer, when there was one. */
  readonly status: number | undefined;
  /** Codes of systems, of JSON-RPC, of vendors; the outermost first. */
  readonly codes: readonly (string | number)[];
  readonly names: readonly string[];
  /** What it says, and what its answer says. */
  readonly text: string;
  /** The answer had no body. */
  readonly isEmpty: boolean;
}

export interface Row {
  readonly situation: string;
  readonly fits: (seen: Symptoms) => boolean;
  readonly class: FaultClass;
}

type Fits = Row['fits'];

const status =
  (from: number, to = from): Fits =>
  ({ status }) =>
    status !== undefined && status >= from && status <= to;
const code =
  (...wanted: (string | number)[]): Fits =>
  ({ codes }) =>
    codes.some((code) => wanted.includes(code));
const named =
  (...wanted: string[]): Fits =>
  ({ names }) =>
    names.some((name) => wanted.includes(name));
const says =
  (pattern: RegExp): Fits =>
  ({ text }) =>
    pattern.test(text);
const all =
  (...fits: Fits[]): Fits =>
  (seen) =>
    fits.every((fit) => fit(seen));
const any =
  (...fits: Fits[]): Fits =>
  (seen) =>
    fits.some((fit) => fit(seen));

/** Requests that are not taken as they are: where vendors put what has no status of its own. */
const REJECTED = any(status(400), status(413), status(422));

/** Of those that have no code for it. */
const TOO_LONG = new RegExp(
  [
    'maximum context length', // OpenAI, Mistral, vLLM
    'maximum prompt length', // xAI
    'prompt is too long', // Anthropic
    'exceed context limit', // Anthropic, with max_tokens
    'input token count .{0,40}exceeds', // Google
    'input is too long', // Bedrock
    'exceeds the available context size', // llama.cpp
    'tokens \\+ .max_new_tokens. must be', // Text Generation Inference
    'too many tokens: total number of tokens in the prompt', // Cohere
  ].join('|'),
  'i',
);

/** Exported to be read, and tested row by row. */
export const CLASSIFICATION: readonly Row[] = [
  // An account that is used up looks like a rate limit to those who read the status alone, and never gets better.
  { situation: 'the account is used up', class: 'quota', fits: status(402) },
  {
    situation: 'the account is used up, by its code',
    class: 'quota',
    fits: code('insufficient_quota', 'billing_hard_limit_reached', 'billing_error', 'insufficient_balance'),
  },
  {
    situation: 'the account is used up, in words',
    class: 'quota',
    fits: all(REJECTED, says(/credit balance is too low/i)),
  },
  {
    situation: 'the input is longer than the window, by its code',
    class: 'context-window',
    fits: code('context_length_exceeded', 'exceed_context_size_error'),
  },
  {
    situation: 'the input is longer than the window, in words',
    class: 'context-window',
    fits: all(REJECTED, says(TOO_LONG)),
  },
  {
    situation: 'the content is refused',
    class: 'content-filter',
    fits: code(
      'content_filter',
      'content_policy_violation',
      'ResponsibleAIPolicyViolation',
      'data_inspection_failed',
    ),
  },
  {
    situation: 'the key is wrong, and it is called a bad request',
    class: 'auth',
    fits: code('API_KEY_INVALID'),
  },
  { situation: 'too many requests', class: 'rate-limit', fits: status(429) },
  { situation: 'not authenticated', class: 'auth', fits: status(401) },
  { situation: 'not authorised', class: 'auth', fits: status(403) },
  { situation: 'the proxy wants credentials', class: 'auth', fits: status(407) },
  { situation: 'the other side waited too long for us', class: 'timeout', fits: status(408) },
  // Whoever repeats a request while the first is still under way is told so; afterwards it may work.
  {
    situation: 'in conflict with what is under way',
    class: 'server-error',
    fits: any(status(409), status(425)),
  },
  { situation: 'down', class: 'unavailable', fits: status(503) },
  { situation: 'overloaded', class: 'unavailable', fits: status(529) },
  { situation: 'failed', class: 'server-error', fits: status(500, 599) },
  { situation: 'not taken', class: 'bad-request', fits: status(400, 499) },
  { situation: 'sent elsewhere', class: 'bad-request', fits: status(300, 399) },

  // There was no answer, or one that is none.
  {
    situation: 'a connection that broke',
    class: 'server-error',
    fits: code(
      'ECONNRESET',
      'ECONNABORTED',
      'EPIPE',
      'UND_ERR_SOCKET',
      'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
    ),
  },
  {
    situation: 'nobody there',
    class: 'unavailable',
    fits: code(
      ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EHOSTDOWN'],
      ...['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'],
    ),
  },
  {
    situation: 'somebody else there',
    class: 'unavailable',
    fits: code(
      ...['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN'],
      ...['ERR_TLS_CERT_ALTNAME_INVALID', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ),
  },
  {
    situation: 'silence',
    class: 'timeout',
    fits: code('UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'),
  },
  {
    situation: 'an answer without a body',
    class: 'empty',
    fits: all(status(200, 299), ({ isEmpty }) => isEmpty),
  },
  {
    situation: 'nothing in the answer',
    class: 'empty',
    fits: named('AI_EmptyResponseBodyError', 'AI_NoContentGeneratedError'),
  },
  { situation: 'an answer that cannot be read', class: 'not-parseable', fits: status(200, 299) },
  {
    situation: 'an answer that is no JSON, or has not the form of one',
    class: 'not-parseable',
    fits: named('AI_JSONParseError', 'AI_InvalidResponseDataError', 'AI_TypeValidationError', 'SyntaxError'),
  },

  // MCP, through its clients.
  {
    situation: 'a tool has broken the schema that it declares',
    class: 'schema-mismatch',
    fits: says(/does not match the tool's output schema/),
  },
  {
    situation: 'a tool has answered without what it declares',
    class: 'not-parseable',
    fits: says(/has an output schema but did not return structured content/),
  },
  { situation: 'the MCP client is not connected', class: 'unavailable', fits: code('NOT_CONNECTED') },
  { situation: 'an older MCP client is not connected', class: 'unavailable', fits: says(/^Not connected$/) },
  { situation: 'the MCP client had no time left', class: 'timeout', fits: code('REQUEST_TIMEOUT') },
  {
    situation: 'an older MCP client had no time left',
    class: 'timeout',
    fits: all(code(-32001), says(/timed out/i)),
  },
  {
    situation: 'the MCP connection broke',
    class: 'server-error',
    fits: code('CONNECTION_CLOSED', 'SEND_FAILED'),
  },
  {
    situation: 'an MCP server answered what is no result',
    class: 'not-parseable',
    fits: code('INVALID_RESULT', 'CLIENT_HTTP_UNEXPECTED_CONTENT'),
  },
  {
    situation: 'an MCP server wants to ask a person',
    class: 'needs-review',
    fits: code('UNSUPPORTED_RESULT_TYPE', 'INPUT_REQUIRED_ROUNDS_EXCEEDED', -32042),
  },
  {
    situation: 'what an MCP server cannot do',
    class: 'bad-request',
    fits: code('CAPABILITY_NOT_SUPPORTED', 'METHOD_NOT_SUPPORTED_BY_PROTOCOL_VERSION'),
  },

  // JSON-RPC.
  {
    situation: 'a JSON-RPC request that is not taken',
    class: 'bad-request',
    fits: code(-32700, -32600, -32601, -32602),
  },
  {
    situation: 'a JSON-RPC server that has failed',
    class: 'server-error',
    fits: ({ codes }) =>
      codes.some(
        (code) => typeof code === 'number' && (code === -32603 || (code <= -32000 && code >= -32099)),
      ),
  },

  // What SDKs find out by themselves.
  {
    situation: 'credentials are missing',
    class: 'auth',
    fits: named('AI_LoadAPIKeyError', 'UnauthorizedError'),
  },
  {
    situation: 'a request that cannot be made',
    class: 'bad-request',
    fits: named(
      ...['AI_NoSuchModelError', 'AI_InvalidPromptError', 'AI_InvalidArgumentError', 'AI_LoadSettingError'],
      'AI_UnsupportedFunctionalityError',
    ),
  },
  { situation: 'no time left', class: 'timeout', fits: named('TimeoutError') },
  { situation: 'aborted', class: 'cancelled', fits: named('AbortError') },
];

/**
 * The fault that an error is. A `FaultError` is its own.
 *
 * @param now ms since the epoch, for HTTP dates
 * @param otherwise what an error is that nobody recognises
 */
export function faultOf(error: unknown, now: number, otherwise: FaultClass = 'crash'): Fault {
  if (error instanceof FaultError) return error.fault;
  const seen = symptomsOf(error);
  const found = CLASSIFICATION.find(({ fits }) => fits(seen))?.class ?? otherwise;
  const told = seen.status ?? seen.codes[0];
  const retryAfterMs = waitOf(error, now);
  return {
    class: found,
    message: told === undefined ? seen.text : `${told}: ${seen.text}`,
    ...(told === undefined ? {} : { code: told }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** How much of a text is worth keeping, and looking at. */
const TEXT_CHARS = 1000;
const BODY_CHARS = 100_000;
const DEEPEST_CAUSE = 8;

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

export function symptomsOf(error: unknown): Symptoms {
  const chain = causesOf(error);
  const told = chain.flatMap(bodiesOf).flatMap(errorsIn);
  const texts = [...chain.map(({ message }) => message), ...told.map(({ message }) => message)];
  const text = isText(error) ? error : [...new Set(texts.filter(isText))].join('; ');
  const answered = chain.find(({ statusCode }) => typeof statusCode === 'number');
  return {
    status: chain
      .flatMap(withResponse)
      .map(statusOf)
      .find((status) => status !== undefined),
    codes: [...chain.flatMap(codesOf), ...told.flatMap(vendorCodesOf)],
    names: chain.flatMap(({ name }) => (isText(name) ? [name] : [])),
    text: (text || 'it does not say why').slice(0, TEXT_CHARS),
    isEmpty:
      answered !== undefined && !/\S/.test(isText(answered['responseBody']) ? answered['responseBody'] : ''),
  };
}

/** An error, what it was caused by, and what that was caused by. */
function causesOf(error: unknown): readonly Fields[] {
  const chain: Fields[] = [];
  const waiting = [error];
  while (waiting.length > 0 && chain.length < DEEPEST_CAUSE) {
    const next = waiting.shift();
    if (!isObject(next) || chain.includes(next)) continue;
    chain.push(next);
    waiting.push(next['cause'], ...(Array.isArray(next['errors']) ? next['errors'] : []));
  }
  return chain;
}

/** Many clients leave the status with the answer: `error.response.status`. */
const withResponse = (error: Fields): readonly Fields[] =>
  isObject(error['response']) ? [error, error['response']] : [error];

/** The bodies of its answer, as text or read already. */
function bodiesOf({ responseBody, response }: Fields): readonly unknown[] {
  const { data, body } = isObject(response) ? response : {};
  return [responseBody, data ?? body].filter((found) => isText(found) || isPlain(found));
}

/** No stream, and nothing else that has not been read. */
const isPlain = (value: unknown): boolean =>
  Array.isArray(value) || (isObject(value) && Object.getPrototypeOf(value) === Object.prototype);

/** A2A's client says the status of a stream that was not established in words alone. */
const STATUS_IN_WORDS = /^HTTP error (?:establishing stream )?for \w+(?:! Status)?: (\d{3})\b/;

function statusOf({ statusCode, status, name, code, message }: Fields): number | undefined {
  // The older MCP client calls a status a code.
  const given = [statusCode, status, name === 'StreamableHTTPError' ? code : undefined];
  const words = isText(message) ? STATUS_IN_WORDS.exec(message)?.[1] : undefined;
  return [...given, words === undefined ? undefined : Number(words)].find(
    (value): value is number => typeof value === 'number' && value >= 100 && value <= 599,
  );
}

function codesOf({ code, envelopeCode }: Fields): (string | number)[] {
  return [code, envelopeCode].filter((value) => isText(value) || typeof value === 'number');
}

/** The errors that the body of an answer tells of: `{ error: { message, code, type } }`, or as a problem. */
function errorsIn(body: unknown): Fields[] {
  if (isText(body) && body.length > BODY_CHARS) return [];
  const parsed = isText(body) ? jsonOf(body) : body;
  const [first] = Array.isArray(parsed) ? parsed : [parsed];
  if (!isObject(first)) return [];
  const { error } = first;
  if (isText(error)) return [{ message: error }];
  if (!isObject(error)) return [{ ...first, message: first['message'] ?? first['detail'] }];
  const details = Array.isArray(error['details']) ? error['details'].filter(isObject) : [];
  return [error, ...details];
}

function vendorCodesOf({ code, type, status, reason }: Fields): (string | number)[] {
  return [code, type, status, reason].filter(isText);
}

function waitOf(error: unknown, now: number): number | undefined {
  return causesOf(error)
    .map((cause) => retryAfterMsOf(cause, now))
    .find((wait) => wait !== undefined);
}
