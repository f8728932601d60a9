/**
 * How long the other side wants to be left alone, as an error says it.
 *
 * Libraries put it in different places: `retryAfterMs` (a number of ms), `retryAfter` (seconds, an HTTP date, or a Date), or
 * the headers themselves, in `headers` or `responseHeaders` of the error, or in `headers` of its `response`: a plain object, a
 * `Headers`, or whatever else gives its pairs. Where an error says nothing its cause is asked.
 */

/** An error caused by an error caused by …: this deep it is looked. */
const DEEPEST_CAUSE = 8;

type Fields = Readonly<Record<string, unknown>>;

/**
 * The ms from `now` after which it may be tried again; undefined where the error does not say. What lies in the past is 0.
 *
 * @param now ms since the epoch, for HTTP dates
 */
export function retryAfterMsOf(error: unknown, now: number): number | undefined {
  let asked = error;
  for (let depth = 0; depth < DEEPEST_CAUSE && isObject(asked); depth++) {
    for (const { retryAfterMs, retryAfter } of [asked, waitInHeadersOf(asked)]) {
      const found =
        (typeof retryAfterMs === 'number' ? wait(retryAfterMs) : undefined) ?? parsed(retryAfter, now);
      if (found !== undefined) return found;
    }
    asked = asked['cause'];
  }
  return undefined;
}

/** What an error may say of it in fields, which can be stored wherever its headers cannot. */
export interface WaitFields {
  readonly retryAfterMs?: number;
  readonly retryAfter?: string | number;
}

/** What the headers of an error say; of itself, and not of its cause. `Retry-After-Ms` is finer, and goes first. */
export function waitInHeadersOf({ headers, responseHeaders, response }: Fields): WaitFields {
  const answered = isObject(response) ? response['headers'] : undefined;
  const pairs = [headers, responseHeaders, answered].flatMap(pairsOf);
  const told = (wanted: string): string | number | undefined => {
    const found = pairs.find(([name]) => String(name).toLowerCase() === wanted)?.[1];
    return typeof found === 'string' || typeof found === 'number' ? found : undefined;
  };
  const [ms, otherwise] = [told('retry-after-ms'), told('retry-after')];
  if (ms !== undefined && isNumber(ms)) return { retryAfterMs: Number(ms) };
  return otherwise === undefined ? {} : { retryAfter: otherwise };
}

/** The pairs of name and value that headers are made of. Those with methods give them to whoever walks through. */
function pairsOf(headers: unknown): (readonly unknown[])[] {
  if (!isObject(headers)) return [];
  try {
    const walked = headers as Partial<Iterable<unknown>>;
    const isWalked = typeof walked[Symbol.iterator] === 'function';
    const pairs = isWalked ? [...(walked as Iterable<unknown>)] : Object.entries(headers);
    return pairs.filter((pair) => Array.isArray(pair));
  } catch {
    // Headers that cannot be read say nothing.
    return [];
  }
}

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

const isNumber = (value: string | number): boolean =>
  typeof value === 'number' ? Number.isFinite(value) : /^\s*\d+(\.\d+)?\s*$/.test(value);

// A date without a zone would be read in that of the computer, which no record knows. All three forms of HTTP dates are
// meant in GMT, and the third (asctime) does not say so.
const ZONED = /(GMT|UTC|Z|[+-]\d\d:?\d\d)$/i;
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;

/** The value of a `Retry-After` header (RFC 9110, 10.2.3), or what libraries have made of it. */
function parsed(value: unknown, now: number): number | undefined {
  if (typeof value === 'number') return wait(value * 1000);
  if (value instanceof Date) return wait(value.getTime() - now);
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return wait(Number(text) * 1000);
  if (ASCTIME.test(text)) return wait(Date.parse(`${text} GMT`) - now);
  return ZONED.test(text) ? wait(Date.parse(text) - now) : undefined;
}

function wait(ms: number): number | undefined {
  return Number.isFinite(ms) ? Math.max(0, Math.ceil(ms)) : undefined;
}
