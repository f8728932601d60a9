/**
 * Results and faults as agents at the other end of a wire report them: by JSON-RPC, or by HTTP.
 *
 * What they call a result is passed on as it is: `agent()` holds it against the contract. A fault may name its class (`fault`), as
 * far as the one who did the work can know it.
 */
import type { TaskResult } from '../../machines/contract.ts';
import type { Fault, FaultClass, ValueProblem } from '../../machines/faults/fault.ts';
import { FAULT_CLASSES } from '../../machines/faults/fault.ts';
import { microsOf, problemOfAmount } from '../../machines/values/money.ts';
import { NOT_THEIRS } from '../agents/said-fault.ts';
import { isJsonObject, refuseAnswer } from './reading.ts';
import type { JsonObject } from './reading.ts';

/** Nor can anybody say these from elsewhere: what is permitted they do not ask, and the others are found here. */
const NOT_FROM_ELSEWHERE: readonly FaultClass[] = [
  ...NOT_THEIRS,
  ...(['not-permitted', 'contract-violation', 'needs-review'] as const),
];

/** @throws FaultError when it is no object */
export function claimedResult(value: unknown): TaskResult {
  if (!isJsonObject(value))
    refuseAnswer({ class: 'not-parseable', message: 'the answer is no result: not an object' });
  // Nobody has looked into it yet, and it is not for the one who carries it.
  return value as unknown as TaskResult;
}

/**
 * A fault, made more exact by what the other side says of it: `{ fault, cost, errors }`. What makes no sense is left out: the fault is
 * there all the same.
 */
export function reported(fault: Fault, told: unknown): Fault {
  if (!isJsonObject(told)) return fault;
  const known = FAULT_CLASSES.find((name) => name === told['fault'] && !NOT_FROM_ELSEWHERE.includes(name));
  const { cost } = told;
  const problems = Array.isArray(told['errors']) ? told['errors'].filter(isJsonObject).map(problemOf) : [];
  return {
    ...fault,
    ...(known === undefined ? {} : { class: known }),
    ...(problems.length === 0 ? {} : { problems }),
    ...(typeof cost === 'number' && problemOfAmount(cost) === undefined ? { cost: microsOf(cost) } : {}),
  };
}

/** As in RFC 9457, where `pointer` and `detail` are; our own say more. */
function problemOf({ pointer, keyword, schemaPath, expected, detail }: JsonObject): ValueProblem {
  return {
    pointer: text(pointer, '#'),
    keyword: text(keyword, ''),
    schemaPath: text(schemaPath, ''),
    ...(expected === undefined ? {} : { expected }),
    detail: text(detail, ''),
  };
}

const text = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);
