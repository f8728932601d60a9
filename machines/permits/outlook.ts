/**
 * The outlook at a gate: what it would say to one more call, as far as its state tells. It asks nothing, takes nothing and promises
 * nothing: until somebody asks for a permit everything may be different. For those who choose where to go.
 */
import type { BreakerContext } from './breaker.ts';
import type { BulkheadContext } from './bulkhead.ts';
import { weightIn } from './claim.ts';
import type { RefusalReason } from './permit.ts';
import { tokensAt } from './rate-limiter.ts';
import type { RateLimiterContext } from './rate-limiter.ts';
import { elapsed } from './stopwatch.ts';
import { total, within } from './window.ts';

export interface Outlook {
  /** Why it would refuse; undefined: it would let the call pass, or let it wait in its queue. */
  readonly refuses: RefusalReason | undefined;
  /** When it is worth asking, in ms from now. Infinity: never, until somebody does something about it. */
  readonly retryAfterMs: number;
  /** Which part of what it has is free, from 0 to 1. */
  readonly free: number;
}

const OPEN: Outlook = { refuses: undefined, retryAfterMs: 0, free: 1 };

/**
 * @param snapshot of a gate; of anything else nothing can be said
 * @param now ms since the epoch
 */
export function outlookOf(snapshot: unknown, now: number): Outlook | undefined {
  const { value, context } = (snapshot ?? {}) as { readonly value?: unknown; readonly context?: unknown };
  if (typeof context !== 'object' || context === null || !('watch' in context)) return undefined;
  if (value === 'misconfigured') return { refuses: 'misconfigured', retryAfterMs: Infinity, free: 0 };
  if (value === 'beginning') return OPEN;
  // Whatever name and id they are hosted under, they are told by what they keep.
  if ('proven' in context) return atBreaker(value, context as BreakerContext, now);
  if ('pausedUntil' in context) return atLimiter(context as RateLimiterContext, now);
  return 'looksAt' in context ? atBulkhead(context as BulkheadContext) : undefined;
}

function atBreaker(state: unknown, context: BreakerContext, now: number): Outlook {
  const { options, watch, held, proven, openUntil } = context;
  const leftMs = openUntil - elapsed(watch, now);
  switch (typeof state === 'object' ? 'halfOpen' : state) {
    case 'open':
      return leftMs > 0 ? { refuses: 'open', retryAfterMs: leftMs, free: 0 } : OPEN;
    case 'tripped':
      // By hand, and for how long only who did it may know.
      return { refuses: 'open', retryAfterMs: Math.max(leftMs, options.coolDownMs), free: 0 };
    // The only one with states within.
    case 'halfOpen':
      return held.length + proven < options.probes
        ? OPEN
        : { refuses: 'probing', retryAfterMs: options.retryAfterMs, free: 0 };
    default:
      return OPEN;
  }
}

function atLimiter(context: RateLimiterContext, now: number): Outlook {
  const { options, watch, taken, waiting, pausedUntil } = context;
  const at = elapsed(watch, now);
  const retryAfterMs = Math.max(0, tokensAt(context, 1, at) - at);
  const free = Math.max(0, 1 - total(within(taken, at, options.perMs)) / options.limit);
  if (retryAfterMs === 0 && waiting.length === 0) return { refuses: undefined, retryAfterMs: 0, free };
  if (waiting.length < options.queue && retryAfterMs < options.waitMs)
    return { refuses: undefined, retryAfterMs, free: 0 };
  return { refuses: at < pausedUntil ? 'paused' : 'limit', retryAfterMs: Math.max(1, retryAfterMs), free: 0 };
}

function atBulkhead({ options, held, waiting }: BulkheadContext): Outlook {
  const free = Math.max(0, 1 - weightIn(held) / options.slots);
  if (free > 0 && waiting.length === 0) return { refuses: undefined, retryAfterMs: 0, free };
  if (waiting.length < options.queue && options.waitMs > 0)
    return { refuses: undefined, retryAfterMs: 0, free: 0 };
  return { refuses: 'full', retryAfterMs: options.retryAfterMs, free: 0 };
}
