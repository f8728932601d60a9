/**
 * Work for a person, who is an agent like others: the review in which they supply the output, and what it means that they have
 * ended it. What they supply is held against the contract later, as what any agent answers.
 */
import type { Json } from '../values/canonical.ts';
import type { ReviewInput } from '../review/input.ts';
import type { ReviewOutput } from '../review/review.ts';
import { suppliersIn } from '../review/workers.ts';
import { amountOf, isMicros, NOTHING } from '../values/money.ts';
import type { Micros } from '../values/money.ts';
import { payerOf } from './paying.ts';
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
    ...(payerOf(context) !== undefined && { maxCost: amountOf(maxCost) }),
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

const HOUR_MS = 3_600_000n;

/** What their time has cost, as it was agreed: rounded up to whole micro-units. Who has not done it in time costs nothing. */
export function costOfSupplied({ terms: { rate }, verdict, durationMs }: Supplied): Micros {
  if (rate === undefined || verdict === 'expired') return NOTHING;
  const micros = Number((BigInt(rate) * BigInt(durationMs) + HOUR_MS - 1n) / HOUR_MS);
  return isMicros(micros) ? micros : (Number.MAX_SAFE_INTEGER as Micros);
}
