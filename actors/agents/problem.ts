/**
 * Problems, as RFC 9457 has them: what went wrong, for whoever is outside and has to do something about it. One form for everything
 * that is refused and everything that has failed. Never holds the value that was wrong, only where it stands and what was asked for.
 */
import type { Fault, FaultClass, ValueProblem } from '../../machines/faults/fault.ts';
import { HALTED } from '../../machines/task/words.ts';
import { ContractRefused } from '../errors.ts';

export interface Problem {
  /** Names the kind of problem, and never changes: `urn:heddle:problem:schema-mismatch`. */
  readonly type: string;
  readonly title: string;
  /** The HTTP status that says it best. */
  readonly status: number;
  readonly detail: string;
  /** What it happened to: the address of an actor, a record. */
  readonly instance?: string;
  /** The kind again, in the style of codes: `SCHEMA_MISMATCH`. */
  readonly code: string;
  readonly category: ProblemCategory;
  /** Whether the same request may succeed later without any change. */
  readonly retryable: boolean;
  /** What usually helps. The strategy of the task decides what is really done. */
  readonly disposition: Disposition;
  readonly errors: readonly ValueProblem[];
  /** What somebody can do, one step each. */
  readonly remediation: readonly string[];
}

/** Whose problem it is. */
export type ProblemCategory =
  /** Of whoever asks: what was asked for is wrong, or may not be. */
  | 'refusal'
  /** Of the agent, or what it answers. */
  | 'agent'
  /** Of whoever the agent asks in turn. */
  | 'upstream'
  /** Of nobody: a limit was reached, or a person has to look. */
  | 'limit';

export type Disposition =
  /** The same again, later. */
  | 'retry'
  /** The same agent again, with what is wrong. */
  | 'reask'
  | 'other-agent'
  /** A person decides. */
  | 'review'
  /** Nothing, until somebody has changed something. */
  | 'park'
  /** Nothing any more. */
  | 'stop';

/** A fault, or a refused contract, as a problem. */
export function problemOf(trouble: Fault | ContractRefused, instance?: string): Problem {
  const place = instance === undefined ? {} : { instance };
  if (trouble instanceof ContractRefused) return { ...contractProblem(trouble), ...place };
  // Agents have codes too, and a no is not theirs to say.
  const isHalted = trouble.class === 'not-permitted' && trouble.code === HALTED;
  const name = isHalted ? HALTED : trouble.class;
  const [title, status, category, disposition, ...remediation] = isHalted
    ? HALTED_KIND
    : KINDS[trouble.class];
  return {
    type: `${TYPE}${name}`,
    title,
    status,
    detail: trouble.message,
    ...place,
    code: name.toUpperCase().replaceAll('-', '_'),
    category,
    retryable: disposition === 'retry',
    disposition,
    errors: trouble.problems ?? [],
    remediation,
  };
}

const TYPE = 'urn:heddle:problem:';

function contractProblem({ message, problems }: ContractRefused): Problem {
  return {
    type: `${TYPE}contract-refused`,
    title: 'The contract of an agent is refused',
    status: 422,
    detail: message,
    code: 'CONTRACT_REFUSED',
    category: 'refusal',
    retryable: false,
    disposition: 'stop',
    errors: problems.map(({ pointer, detail }) => ({
      pointer,
      keyword: 'contract',
      schemaPath: '#',
      detail,
    })),
    remediation: ['Correct what is named, and make the agent again.'],
  };
}

type Kind = readonly [
  title: string,
  status: number,
  category: ProblemCategory,
  disposition: Disposition,
  ...remediation: string[],
];

/** It may not be done now: see halts.ts. */
const HALTED_KIND: Kind = [
  ...(['It is halted', 503, 'refusal', 'park'] as const),
  'Have the halt lifted: the task goes on by itself.',
];

const KINDS: Readonly<Record<FaultClass, Kind>> = {
  'rate-limit': [
    'The other side wants to be asked less often',
    429,
    'upstream',
    'retry',
    'Wait as long as it says.',
  ],
  'server-error': ['The other side has failed', 502, 'upstream', 'retry', 'Ask again later.'],
  unavailable: ['The other side cannot be reached', 503, 'upstream', 'retry', 'Ask again when it is back.'],
  timeout: ['It took longer than it may', 504, 'upstream', 'retry', 'Ask again, or allow it more time.'],
  auth: [
    'Credentials are missing or wrong',
    502,
    'upstream',
    'park',
    'Give the agent credentials that are valid.',
  ],
  quota: [
    'The account at the other side is used up',
    502,
    'upstream',
    'park',
    'Top up the account, or use another.',
  ],
  'bad-request': [
    'The other side does not take this request',
    502,
    'agent',
    'other-agent',
    'Correct the agent.',
  ],
  'context-window': [
    ...(['The input is longer than the model takes', 413, 'limit', 'other-agent'] as const),
    'Use an agent with a larger window, or declare how the input is divided.',
  ],
  'content-filter': [
    'The other side refuses on account of the content',
    422,
    'upstream',
    'review',
    'Let a person look.',
  ],
  truncated: [
    'The answer was cut off',
    502,
    'agent',
    'other-agent',
    'Allow a longer answer, or ask for less.',
  ],
  empty: ['The answer is empty', 502, 'agent', 'reask', 'Ask again.'],
  'not-parseable': [
    ...(['The answer is not in the form of an answer', 502, 'agent', 'reask'] as const),
    'Ask again, or name a repair in the contract.',
  ],
  'schema-mismatch': [
    ...(['The answer breaks the output schema', 502, 'agent', 'reask'] as const),
    'Ask again with what is wrong, or name a repair in the contract.',
  ],
  'factually-wrong': [
    'The answer is wrong',
    502,
    'agent',
    'reask',
    'Ask again with what was found, or let a person look.',
  ],
  'low-confidence': ['The answer is less sure than asked for', 502, 'agent', 'review', 'Let a person look.'],
  'needs-review': ['The agent asks for a person', 409, 'limit', 'review', 'Decide the review.'],
  'agent-failure': ['The agent could not do it', 502, 'agent', 'other-agent', 'Use another agent.'],
  'contract-violation': [
    'The agent has broken its contract',
    502,
    'agent',
    'other-agent',
    'Correct the agent.',
  ],
  crash: ['The agent has crashed', 502, 'agent', 'retry', 'Look at what it said, and correct the agent.'],
  'invalid-input': [
    'The input breaks the schema',
    422,
    'refusal',
    'park',
    'Supply an input that has none of the errors.',
  ],
  'no-agent': [
    'Nobody is there who could do it',
    503,
    'limit',
    'park',
    'Register an agent with the capability.',
  ],
  'not-permitted': [
    'It may not be done',
    403,
    'refusal',
    'stop',
    'Ask somebody who may, or have it granted.',
  ],
  'budget-exhausted': [
    'There is no money left for it',
    402,
    'limit',
    'park',
    'Raise the limit of the account.',
  ],
  cancelled: ['It is not wanted any more', 409, 'limit', 'stop'],
};
