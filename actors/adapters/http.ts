/**
 * An HTTP endpoint as an agent: the envelope goes there as JSON, and the result comes back as JSON.
 *
 *     POST …                                              200
 *     Content-Type: application/json                      Content-Type: application/json
 *     Idempotency-Key, traceparent
 *     { id, input, context, constraints }                 { id, status, output, metadata }
 *
 * An error is an HTTP status, and best a problem (RFC 9457, `application/problem+json`), which may name its class in `fault`, what it has
 * cost in `cost`, and what is wrong with the input in `errors`. Redirects are refused: work goes where it was sent. A body is read up to a bound.
 */
import type { Assignment, TaskResult } from '../../machines/contract.ts';
import { InvalidArgument } from '../../runtime/index.ts';
import { FaultError } from '../agents/fault-error.ts';
import { callOnce, carried } from './call.ts';
import type { Execute } from './call.ts';
import { faultOf } from './classify.ts';
import type { JsonObject } from './reading.ts';
import { jsonObjectOf, jsonOf, refuseAnswer, utf8Of } from './reading.ts';
import { claimedResult, reported } from './reported.ts';

export interface HttpOptions {
  readonly url: string | URL;
  /** Credentials, mostly. The adapter's own go before them. */
  readonly headers?:
    Readonly<Record<string, string>> | ((assignment: Assignment) => Readonly<Record<string, string>>);
  /** An answer may be as long as this. Default 1,048,576. */
  readonly maxBodyBytes?: number;
  /** Another `fetch`: with a proxy, with certificates, with longer limits than the five minutes of Node's own. */
  readonly fetch?: typeof fetch;
}

const MAX_BODY_BYTES = 1024 * 1024;

/** @throws InvalidArgument */
export function http<TOutput = JsonObject>(options: HttpOptions): Execute<TOutput> {
  const url = checkedUrl(options.url);
  const { maxBodyBytes = MAX_BODY_BYTES } = options;
  if (!(Number.isSafeInteger(maxBodyBytes) && maxBodyBytes > 0))
    throw new InvalidArgument('http.maxBodyBytes', 'must be a whole number above 0');
  return (assignment) =>
    callOnce(assignment.signal, async () => {
      const response = await (options.fetch ?? fetch)(url, requestOf(options, assignment));
      const body = await bodyOf(response, maxBodyBytes).catch((error: unknown) => {
        // What cannot be read of an error changes nothing about its status.
        if (response.status !== 200 && error instanceof FaultError) return '';
        throw error;
      });
      return carried(resultOf(response, body));
    });
}

function checkedUrl(given: string | URL): URL {
  const url = URL.canParse(String(given)) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new InvalidArgument('http.url', 'must be an absolute http or https address');
  if (url.username !== '' || url.password !== '')
    throw new InvalidArgument('http.url', 'must not hold credentials: they belong into headers');
  return url;
}

function requestOf({ headers = {} }: HttpOptions, assignment: Assignment): RequestInit {
  const { id, input, context, constraints, idempotencyKey, traceparent, signal } = assignment;
  const all = new Headers(typeof headers === 'function' ? headers(assignment) : headers);
  all.set('Content-Type', 'application/json');
  all.set('Accept', 'application/json, application/problem+json');
  all.set('Idempotency-Key', idempotencyKey);
  if (traceparent !== undefined) all.set('traceparent', traceparent);
  return {
    method: 'POST',
    headers: all,
    body: JSON.stringify({ id, input, context, constraints }),
    redirect: 'manual',
    signal,
  };
}

async function bodyOf({ body, status }: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels the rest.
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes)
      refuseAnswer({
        class: 'not-parseable',
        message: `the answer is longer than ${maxBytes} bytes`,
        code: status,
      });
    chunks.push(chunk);
  }
  return (
    utf8Of(Buffer.concat(chunks)) ??
    refuseAnswer({ class: 'not-parseable', message: 'the answer is no UTF-8', code: status })
  );
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

function resultOf(response: Response, body: string): TaskResult {
  const type = response.headers.get('content-type') ?? '';
  const isJson = JSON_TYPE.test(type);
  if (response.status !== 200) refuse(response, isJson ? body : '');
  if (body.trim() === '') refuseAnswer({ class: 'empty', message: 'the answer is empty' });
  if (!isJson)
    refuseAnswer({
      class: 'not-parseable',
      message: `the answer is no JSON, but ${type || 'of no type'}`,
      code: 200,
    });
  return claimedResult(jsonObjectOf(body, 'the answer', { isWhole: true }));
}

function refuse({ status, statusText, headers }: Response, json: string): never {
  const fault = faultOf(
    {
      message: statusText || 'no result',
      statusCode: status,
      responseBody: json,
      responseHeaders: Object.fromEntries(headers),
    },
    Date.now(),
  );
  throw new FaultError(reported(fault, jsonOf(json)));
}
