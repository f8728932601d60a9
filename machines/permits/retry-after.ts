/**
 * How long the other side wants to be left alone, as an error says it.
 *
 * Libraries put it in different places: `retryAfterMs` (a number of ms), `retryAfter` (seconds, an HTTP date, or a Date), or
 * the header itself in `headers` (a plain object). Only fields are read: what has been stored has no methods. Where an
 * error says nothing its cause is asked.
 */

/** An error caused by an error caused by …: this deep it is looked. */
const DEEPEST_CAUSE = 8;

/**
 * The ms from `now` after which it may be tried again; undefined where the error does not say. What lies in the past is 0.
 *
 * @param now ms since the epoch, for HTTP dates
 */
export function retryAfterMsOf(error: unknown, now: number): number | undefined {
  let asked = error;
  for (let depth = 0; depth < DEEPEST_CAUSE && typeof asked === 'object' && asked !== null; depth++) {
    const { retryAfterMs, retryAfter, headers, cause } = asked as Readonly<Record<string, unknown>>;
    const found =
      (typeof retryAfterMs === 'number' ? wait(retryAfterMs) : undefined) ??
      parsed(retryAfter, now) ??
      parsed(headerIn(headers), now);
    if (found !== undefined) return found;
    asked = cause;
  }
  return undefined;
}

function headerIn(headers: unknown): unknown {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const found = Object.entries(headers).find(([name]) => name.toLowerCase() === 'retry-after');
  return found?.[1];
}

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
