/**
 * Faults: what can go wrong with a task, told apart as far as something different has to be done about it. A fault is a value: an
 * adapter reports it, the orchestrator decides what comes of it (see strategy.ts). There is no class for `other`: whatever is
 * not recognised is a `crash` of the agent.
 */
import type { Micros } from '../values/money.ts';

/** On disk, and in users' tables: never change one. */
export const FAULT_CLASSES = [
  /** The other side wants to be asked less often: 429. */
  'rate-limit',
  /** The other side has failed, and may not the next time: 500, 502, 504, a connection that broke. */
  'server-error',
  /** The other side cannot be reached, or says that it is down: 503, refused connections, an open breaker. */
  'unavailable',
  /** It took longer than its attempt may. */
  'timeout',
  /** Credentials are missing or wrong: 401, 403. */
  'auth',
  /** The account at the other side is used up: 402, or a 429 that says so. */
  'quota',
  /** The other side does not take this request, and never will: 400, 404, 422. */
  'bad-request',
  /** The input is longer than the model's window. */
  'context-window',
  /** The other side has refused to answer on account of the content. */
  'content-filter',
  /** The answer was cut off at the length limit. */
  'truncated',
  /** The answer is empty. */
  'empty',
  /** The answer is not in the form of an answer at all: HTML with status 200, text instead of JSON. */
  'not-parseable',
  /** The answer has the form, and breaks the output schema. */
  'schema-mismatch',
  /** A verifier has shown that the answer is wrong. */
  'factually-wrong',
  /** The answer is less sure than the task asks for. */
  'low-confidence',
  /** The agent itself asks for a person: status `needs_review`. */
  'needs-review',
  /** The agent reports that it could not do it: status `failure`. */
  'agent-failure',
  /** The agent has broken its contract: a wrong id, an unknown status, metadata that makes no sense, more cost than allowed. */
  'contract-violation',
  /** The agent threw what nobody recognises, exited, or was killed. */
  'crash',
  /** The input breaks the schema of every agent that could do it. */
  'invalid-input',
  /** Nobody is there who could do it. */
  'no-agent',
  /** It may not be done: the decider has denied it. */
  'not-permitted',
  /** There is no money left for it. */
  'budget-exhausted',
  /** It is not wanted any more. */
  'cancelled',
] as const;

export type FaultClass = (typeof FAULT_CLASSES)[number];

/** One thing that is wrong with a value, as in RFC 9457 and the `basic` output of JSON Schema. Never holds the value. */
export interface ValueProblem {
  /** A JSON pointer into the value, as a URI fragment: `#/citations/0/url`. */
  readonly pointer: string;
  /** The keyword of the schema that is not met. */
  readonly keyword: string;
  /** Where that stands in the schema. */
  readonly schemaPath: string;
  /** What the keyword asks for, where that is a value of the schema. */
  readonly expected?: unknown;
  /** For people. */
  readonly detail: string;
}

/** Something went wrong. Plain data. */
export interface Fault {
  readonly class: FaultClass;
  /** For people: what, and whose words those are. */
  readonly message: string;
  /** The code of the other side: an HTTP status, an exit code, a JSON-RPC code, a system error. */
  readonly code?: string | number;
  /** For how long the other side wants to be left alone, in ms. */
  readonly retryAfterMs?: number;
  /** What is wrong with the input or the answer, value by value. */
  readonly problems?: readonly ValueProblem[];
  /** What was answered, where that is no answer yet and may be repaired. Whole or not at all. */
  readonly answer?: string;
  /** That is a whole result, and not what should be its output: evidence, of which nothing is repaired. */
  readonly isWhole?: true;
  /** What it has cost all the same; absent when nobody knows. */
  readonly cost?: Micros;
  /** How sure it was, where that is what is wrong. */
  readonly confidence?: number;
}
