/**
 * An attempt of a task: how it begins, what is asked, and what came of it.
 */
import type { TaskEnvelope, TaskMetadata, TaskResult } from '../contract.ts';
import type { Fault, FaultClass } from '../faults/fault.ts';
import { judge } from '../faults/quality.ts';
import { sourcesOfAll } from '../values/content.ts';
import { amountOf, NOTHING } from '../values/money.ts';
import type { Micros } from '../values/money.ts';
import { failedWith } from './broken.ts';
import { wordsOfLate } from './given-up.ts';
import type { GivenUp } from './given-up.ts';
import { partNotesOf } from './part-notes.ts';
import { costOf } from './paying.ts';
import type { AttemptNote, Changed, TaskContext } from './progress.ts';
import { givenTo } from './terms.ts';
import { ownVote } from './votes.ts';
import type { Answer, Asking, TaskSpec, Verified } from './words.ts';

const keyOf = ({ id, question }: TaskContext): string => `${id}#${question}`;

export const ticketOf = ({ id, attempts, givenBack = 0 }: TaskContext): string =>
  `${id}#${attempts + 1}${givenBack === 0 ? '' : `.${givenBack}`}`;

export function begun(context: TaskContext, now: number): Changed {
  // What a person does begins when they are asked.
  if (context.supplied !== undefined) return {};
  const { attempts, log, advice, start } = context;
  const { agent, capability, estimate, record } = advice!;
  const note: AttemptNote = {
    ...{ number: attempts + 1, agent, key: keyOf(context), from: now },
    ...(start.seat !== undefined && { confirms: start.seat.confirms }),
    ...(capability !== undefined && { capability }),
    ...(estimate !== undefined && { estimate }),
    ...(record !== undefined && { record }),
  };
  return {
    ...{ attempts: attempts + 1, log: [...log, note], answer: undefined, fault: undefined },
    ...{ isPolled: false, awaits: undefined, people: [] },
  };
}

/** What the agent is asked. */
export function askingOf(context: TaskContext, spec: TaskSpec): Asking {
  const { attempts, advice, problems, ticket, accounts, inParts, parts, supplied } = context;
  const { agent, permits, contract, window, model } = advice!;
  return {
    ...{
      agent,
      known: { contract, window, ...(model !== undefined && { model }) },
      permits,
      problems,
      attempt: attempts,
    },
    envelope: envelopeOf(context, spec),
    idempotencyKey: keyOf(context),
    ...(ticket !== undefined && { bill: { accounts, ticket } }),
    // A person does all of it.
    ...(supplied === undefined
      ? { ...(inParts && { inParts }), ...(parts !== undefined && { parts }) }
      : { supplied }),
  };
}

function envelopeOf(context: TaskContext, spec: TaskSpec): TaskEnvelope {
  const { id, start, advice, deadlineAt } = context;
  const { workflow, run, task } = start;
  const { input, values } = givenTo(context);
  return {
    id,
    input: input as TaskEnvelope['input'],
    context: { workflow, run, task, values },
    constraints: {
      maxCost: amountOf(advice!.maxCost),
      timeout: timeLeft(spec, deadlineAt, Date.now()),
      qualityThreshold: spec.threshold,
    },
  };
}

/** How long an attempt may take that begins now. */
export function timeLeft({ timeoutMs }: TaskSpec, deadlineAt: number | undefined, now: number): number {
  return Math.max(1, Math.min(timeoutMs, (deadlineAt ?? Infinity) - now));
}

export const isTooLate = ({ deadlineAt }: TaskContext, now: number): boolean =>
  now >= (deadlineAt ?? Infinity);

/** Nobody is asked any more. */
export const tooLate = (): Changed => ({
  answer: undefined,
  fault: { class: 'timeout', message: 'there is no time left for it', cost: NOTHING },
});

/** An attempt has ended. */
export function answered(context: TaskContext, spec: TaskSpec, answer: Answer, now: number): Changed {
  const weighed = weigh(answer, context, spec);
  const cost = costOf(answer);
  const parts = partNotesOf(context.parts, answer);
  const sources = metadataIn(answer)?.sources ?? sourcesOfAll(parts.map((part) => part.sources));
  const note: Partial<AttemptNote> = {
    // What its original had asked a fork has asked again.
    ...{ to: now, key: keyOf(context) },
    ...(answer.manifest !== undefined && { manifest: answer.manifest }),
    ...(sources !== undefined && { sources }),
    ...(parts.length > 0 && { parts }),
    ...(cost !== undefined && { cost }),
    ...(answer.billing !== undefined && { billing: answer.billing }),
    ...(weighed.confidence !== undefined && { confidence: weighed.confidence }),
    ...(weighed.fault !== undefined && { fault: weighed.fault.class, message: weighed.fault.message }),
    ...(answer.fault !== undefined && answer.unheard !== undefined && { unheard: answer.unheard }),
    ...(isNoOutput(answer) && { quarantined: true }),
  };
  return {
    answer,
    supplied: undefined,
    fault: weighed.fault,
    log: withNote(context.log, note),
    spent: (context.spent + (cost ?? 0)) as Micros,
    ...(cost === undefined && {
      unknownCosts: context.unknownCosts + 1,
      held: (context.held + heldFor(context)) as Micros,
    }),
    ...(weighed.fault === undefined && { output: answer.result!.output, ground: 'good' as const }),
  };
}

/** Its time is over, and it is not waited for any more. */
export function late(context: TaskContext, spec: TaskSpec, known: GivenUp, now: number): Changed {
  const { cost, unasked } = known;
  const changed = answered(context, spec, failedWith('timeout', wordsOfLate(known), cost), now);
  return unasked ? { ...changed, log: withNote(changed.log!, { unasked }) } : changed;
}

/** It is not wanted any more: what is known of the attempt is noted. One that may still answer has not ended. */
export function unwanted({ log, spent }: TaskContext, known: GivenUp, now: number): Changed {
  const { cost = NOTHING, unasked } = known;
  return {
    log: withNote(log, { ...known, ...(unasked && { to: now }) }),
    spent: (spent + cost) as Micros,
  };
}

/** Whoever was asked was halted: what they may have answered was not heard. */
export const isHalted = ({ answer }: TaskContext): boolean =>
  answer?.fault !== undefined && answer.unheard === 'halted';

/** Somebody else is there under the name of whoever was asked. */
export const isReplaced = ({ answer }: TaskContext): boolean =>
  answer?.fault !== undefined && answer.unheard === 'replaced';

/** What was reserved for the attempt that is made. */
const heldFor = ({ ticket, advice }: TaskContext): Micros =>
  ticket === undefined || advice === undefined ? NOTHING : advice.maxCost;

/** Faults of answers: whoever has made one has not said that nothing was done. */
export const OF_ANSWERS: ReadonlySet<FaultClass> = new Set<FaultClass>([
  ...(['truncated', 'not-parseable', 'schema-mismatch', 'needs-review', 'contract-violation'] as const),
]);

const isNoOutput = (answer: Answer): boolean =>
  answer.fault !== undefined && answer.quarantined !== undefined && OF_ANSWERS.has(answer.fault.class);

const metadataIn = (answer: Answer): TaskMetadata | undefined =>
  answer.fault === undefined ? answer.result.metadata : answer.metadata;

export function withNote(log: readonly AttemptNote[], note: Partial<AttemptNote>): readonly AttemptNote[] {
  return [...log.slice(0, -1), { ...log.at(-1)!, ...note }];
}

/** Whether an answer is good enough. */
function weigh(
  answer: Answer,
  { advice }: TaskContext,
  { threshold }: TaskSpec,
): { readonly fault: Fault | undefined; readonly confidence: number | undefined } {
  if (answer.fault !== undefined) return { fault: answer.fault, confidence: answer.metadata?.confidence };
  const judgement = judge(answer.result, { threshold, calibration: advice?.calibration });
  if (judgement.ok) return { fault: undefined, confidence: judgement.confidence };
  const fault = { ...judgement.fault, cost: answer.cost };
  return { fault, confidence: judgement.fault.confidence };
}

export function verified(context: TaskContext, { fault, found }: Verified): Changed {
  const { log, isPolled, votes, verified: before } = context;
  // What could be seen without others was seen before they were asked.
  const all = isPolled ? { ...before, ...found } : found;
  if (fault === undefined) return { verified: all };
  const note = { fault: fault.class, message: fault.message };
  return {
    ...{ verified: all, fault, ground: undefined, log: withNote(log, note) },
    ...(isPolled && { votes: [...votes, ownVote(context)] }),
  };
}

/** An answer that keeps the contract, though it is not good enough. */
export function candidateIn(answer: Answer | undefined): TaskResult['output'] | undefined {
  if (answer === undefined) return undefined;
  return answer.fault === undefined ? answer.result.output : answer.output;
}
