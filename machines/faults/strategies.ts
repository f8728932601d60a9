/**
 * Strategies that many can begin with. `standard` brings technical faults to an end by itself, and doubtful answers to a person.
 * `finance` repairs nothing, accepts nothing that is unsure, works around nobody, and asks a person early. `content` tries
 * everything that is cheap before it takes somebody's time. To change a row, `extend` one of them.
 */
import { extend, strategy } from './strategy.ts';
import type { Backoff, Rung } from './strategy.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** For calls that may work in a moment. */
const soon: Backoff = { firstMs: SECOND, factor: 2, maxMs: MINUTE, jitter: 0.5 };
/** For outages: after 1, 2, 4 and 8 minutes, then every 15. */
const later: Backoff = { firstMs: MINUTE, factor: 2, maxMs: 15 * MINUTE, jitter: 0.2 };

const retry = (times: number): Rung => ({ do: 'retry', times, backoff: soon });
const wait = (times: number): Rung => ({ do: 'wait', times, backoff: later });
const askAgain = (times: number): Rung => ({ do: 'ask-again', times });
const otherAgent: Rung = { do: 'other-agent' };
const largerWindow: Rung = { do: 'larger-window' };
const chunk: Rung = { do: 'chunk' };
const repair: Rung = { do: 'repair', names: 'declared' };
const review: Rung = { do: 'review' };
const park: Rung = { do: 'park' };
const fail: Rung = { do: 'fail' };

const standard = strategy({
  name: 'standard',
  rows: {
    'rate-limit': [retry(5), otherAgent, wait(6), fail],
    'server-error': [retry(3), otherAgent, fail],
    unavailable: [retry(2), otherAgent, wait(24), park],
    timeout: [retry(1), otherAgent, fail],
    auth: [otherAgent, park],
    quota: [otherAgent, park],
    'bad-request': [otherAgent, fail],
    'context-window': [largerWindow, chunk, fail],
    'content-filter': [review],
    truncated: [askAgain(1), largerWindow, chunk, review],
    empty: [retry(1), otherAgent, fail],
    'not-parseable': [repair, askAgain(1), otherAgent, review],
    'schema-mismatch': [repair, askAgain(2), otherAgent, review],
    'factually-wrong': [askAgain(1), otherAgent, review],
    'low-confidence': [otherAgent, review],
    'needs-review': [review],
    'agent-failure': [otherAgent, fail],
    'contract-violation': [otherAgent, fail],
    crash: [retry(2), otherAgent, fail],
    'invalid-input': [fail],
    'no-agent': [wait(6), park],
    'not-permitted': [fail],
    'budget-exhausted': [review],
    cancelled: [fail],
  },
});

const finance = extend(standard, {
  name: 'finance',
  rows: {
    'rate-limit': [retry(5), wait(6), review],
    'server-error': [retry(2), review],
    unavailable: [retry(2), wait(24), review],
    timeout: [retry(1), review],
    auth: [review],
    quota: [review],
    'bad-request': [review],
    'context-window': [largerWindow, review],
    truncated: [review],
    empty: [retry(1), review],
    'not-parseable': [askAgain(1), review],
    'schema-mismatch': [askAgain(1), review],
    'factually-wrong': [review],
    'low-confidence': [review],
    'agent-failure': [review],
    'contract-violation': [review],
    crash: [retry(1), review],
    'invalid-input': [review],
    'no-agent': [review],
  },
});

const content = extend(standard, {
  name: 'content',
  rows: {
    'content-filter': [askAgain(1), otherAgent, review],
    truncated: [repair, askAgain(2), largerWindow, chunk, review],
    empty: [retry(1), askAgain(1), otherAgent, fail],
    'not-parseable': [repair, askAgain(2), otherAgent, review],
    'schema-mismatch': [repair, askAgain(3), otherAgent, review],
    'factually-wrong': [askAgain(2), otherAgent, review],
    // What is nearly sure enough is taken once everything else is spent; the rest is for a person.
    'low-confidence': [askAgain(1), otherAgent, { do: 'accept', sure: { from: 0.7 } }, review],
    'agent-failure': [askAgain(1), otherAgent, review],
    'budget-exhausted': [otherAgent, review],
  },
});

/** Strategies to begin with. */
export const strategies = Object.freeze({ standard, finance, content });
