/**
 * Faults in the words of agents. An agent says what went wrong, and is believed; but some words are only for those who give the work:
 * whether there is money or somebody else, whether it is wanted, whether an answer is right. Whoever uses one of them all the same has
 * failed, and that is all that is known.
 */
import { FAULT_CLASSES } from '../../machines/faults/fault.ts';
import type { Fault, FaultClass, ValueProblem } from '../../machines/faults/fault.ts';
import { isMicros } from '../../machines/values/money.ts';
import { isRecord, MAX_PROBLEMS, plainCopyOf } from '../schema/plain.ts';
import { FaultError, OrderedFault } from './fault-error.ts';

/** What only those can say who give the work. */
export const NOT_THEIRS: readonly FaultClass[] = [
  ...(['no-agent', 'budget-exhausted', 'cancelled', 'invalid-input', 'factually-wrong'] as const),
  'low-confidence',
];

/** The fault that an agent has thrown; undefined where it is none, or makes no sense. */
export function faultSaidIn(error: unknown): Fault | undefined {
  if (!(error instanceof FaultError)) return undefined;
  const plain = plainCopyOf(keepable(error.fault));
  if (!plain.ok || !isFault(plain.value)) return undefined;
  const fault = plain.value;
  const isTheirs = error instanceof OrderedFault || !NOT_THEIRS.includes(fault.class);
  return isTheirs ? fault : { ...fault, class: 'agent-failure' };
}

/**
 * A fault without what cannot be kept of what is said with it: texts come from elsewhere, and are cut, through a character as well. What
 * went wrong is true all the same.
 */
function keepable(fault: Fault): Fault {
  const { problems } = fault;
  return {
    ...wellFormed(fault),
    ...(Array.isArray(problems) && { problems: problems.slice(0, MAX_PROBLEMS).map(keepableProblem) }),
  };
}

function keepableProblem(problem: ValueProblem): ValueProblem {
  if (!isRecord(problem)) return problem;
  const { expected, ...said } = problem;
  return { ...wellFormed(said), ...(plainCopyOf(expected).ok && { expected }) };
}

/** With texts that are whole characters. */
const wellFormed = <T extends object>(said: T): T =>
  Object.fromEntries(
    Object.entries(said).map(([name, value]) => [
      name,
      typeof value === 'string' ? value.toWellFormed() : (value as unknown),
    ]),
  ) as T;

type Sense = (value: unknown) => boolean;

const isText: Sense = (value) => typeof value === 'string';
const isNumber: Sense = (value) => typeof value === 'number';
const isProblem: Sense = (value) =>
  isRecord(value) &&
  (['pointer', 'keyword', 'schemaPath', 'detail'] satisfies (keyof ValueProblem)[]).every((name) =>
    isText(value[name]),
  );

const OPTIONAL: { readonly [TName in Exclude<keyof Fault, 'class' | 'message'>]-?: Sense } = {
  code: (value) => isText(value) || isNumber(value),
  retryAfterMs: isNumber,
  problems: (value) => Array.isArray(value) && value.every(isProblem),
  answer: isText,
  isWhole: (value) => value === true,
  cost: (value) => isMicros(value),
  confidence: isNumber,
};

/** @param value plain data */
function isFault(value: unknown): value is Fault {
  if (!isRecord(value) || !FAULT_CLASSES.includes(value['class'] as FaultClass) || !isText(value['message']))
    return false;
  return Object.entries(OPTIONAL).every(
    ([name, makesSense]) => value[name] === undefined || makesSense(value[name]),
  );
}
