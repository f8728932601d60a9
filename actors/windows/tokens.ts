/**
 * Whether something fits into a model's window, before anybody is asked. An agent that knows its tokens counts them; for the others
 * there is an estimate with a declared margin. Nothing is cut off to make it fit: what does not fit is a fault, `context-window`.
 */
import type { Fault } from '../../machines/faults/fault.ts';
import { InvalidArgument } from '../../runtime/index.ts';

export interface TokenCounter {
  /** For the record: who has counted, and how. */
  readonly name: string;
  /** How many tokens a text is, at most. */
  count(text: string): number;
}

export interface Estimate {
  /** UTF-8 bytes of a token, on average: 4 for English, less for most others. With 1 it is never too low for byte-level models. */
  readonly bytesPerToken: number;
  /** So much is added: 0.2 is a fifth. */
  readonly margin: number;
}

/** Counts by the bytes of a text. @throws InvalidArgument */
export function estimatedTokens({ bytesPerToken, margin }: Estimate): TokenCounter {
  if (!Number.isFinite(bytesPerToken) || bytesPerToken <= 0) {
    throw new InvalidArgument('estimatedTokens.bytesPerToken', 'must be a number more than 0');
  }
  if (!Number.isFinite(margin) || margin < 0) {
    throw new InvalidArgument('estimatedTokens.margin', 'must be a number from 0 on: 0.2 adds a fifth');
  }
  return {
    name: `bytes / ${bytesPerToken} + ${margin * 100} %`,
    count: (text) => Math.ceil((Buffer.byteLength(text) / bytesPerToken) * (1 + margin)),
  };
}

/** What a counter says, if it makes sense. @throws InvalidArgument */
export function tokensIn(text: string, counter: TokenCounter): number {
  const tokens = counter.count(text);
  if (Number.isSafeInteger(tokens) && tokens >= 0) return tokens;
  throw new InvalidArgument(
    `counter '${counter.name}'`,
    `must give whole numbers, but gave ${String(tokens)}`,
  );
}

export interface Window {
  /** For the request and the answer together. */
  readonly tokens: number;
  /** What the answer may take of it. */
  readonly answer: number;
}

export type Fit =
  | { readonly ok: true; readonly tokens: number }
  | { readonly ok: false; readonly tokens: number; readonly fault: Fault };

/** Whether a request fits. To be asked with everything that is sent. @throws InvalidArgument when nobody can count it */
export function fits(text: string, window: Window, counter: TokenCounter): Fit {
  const tokens = tokensIn(text, counter);
  if (tokens + window.answer <= window.tokens) return { ok: true, tokens };
  const sum = `${tokens} tokens (${counter.name}) and ${window.answer} for the answer`;
  const message = `${sum} do not fit into ${window.tokens}; nobody was asked`;
  return { ok: false, tokens, fault: { class: 'context-window', message } };
}
