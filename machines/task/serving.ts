/**
 * Work for a person, who is an agent like others: the review in which they supply the output, and what it means that they have
 * ended it. What they supply is held against the contract later, as what any agent answers.
 */
import type { Json } from '../values/canonical.ts';
import type { ReviewInput } from '../review/input.ts';
import type { ReviewOutput } from '../review/review.ts';
import { suppliersIn } from '../review/workers.ts';
import { amountOf } from '../values/money.ts';
import type { TaskContext } from './progress.ts';
import { givenTo } from './terms.ts';
import type { Supplied } from './words.ts';

/** What they are given. They put the output in the place of what is proposed, which is nothing yet. */
export function jobOf(context: TaskContext, now: number): ReviewInput {
  const { start, advice, problems, deadlineAt } = context;
  const { agent, person, maxCost } = advice!;
  const { role, withinMs, calendar, schema, ownRuns } = person!;
  const about: Record<string, Json> = {
    ...{ task: start.task, workflow: start.workflow, agent, work: givenTo(context).input as Json },
    ...(start.account !== undefined && { maxCost: amountOf(maxCost) }),
    ...(problems.length > 0 && { problems: problems as unknown as Json }),
  };
  return {
    title: `${start.task}: to be done`,
    proposal: {},
    editable: [''],
    schema,
    roles: [role],
    ...(ownRuns !== undefined && { ownRuns }),
    // Whoever has given an answer does not confirm it.
    ...(start.seat?.people !== undefined && { fourEyes: start.seat.people }),
    about,
    ...(withinMs !== undefined && { expiresAfterMs: withinMs }),
    ...(calendar !== undefined && { calendar }),
    ...(deadlineAt !== undefined && { atMostMs: Math.max(1, deadlineAt - now) }),
  };
}

export function suppliedBy(
  { log, advice }: TaskContext,
  output: ReviewOutput,
): Pick<TaskContext, 'supplied' | 'people'> {
  const { verdict, at, reason, approvals } = output;
  const { by = approvals.at(-1)?.by, heldMs = approvals.at(-1)?.heldMs } = output;
  const { from } = log.at(-1)!;
  const people = verdict === 'approved' ? suppliersIn(output) : [];
  const supplied: Supplied = {
    ...{ terms: advice!.person!, verdict, people },
    ...(verdict === 'approved' && { output: output.output }),
    ...(by !== undefined && { by }),
    ...(reason !== undefined && { reason }),
    durationMs: heldMs ?? Math.max(0, at - from),
  };
  return { supplied, people };
}
