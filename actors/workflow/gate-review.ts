/**
 * What a gate asks of people, as the input of a review, and what comes of it for the run.
 */
import type { Json } from '../../machines/values/canonical.ts';
import { problemOfProposal } from '../../machines/review/input.ts';
import type { ReviewInput } from '../../machines/review/input.ts';
import type { ReviewOutput } from '../../machines/review/review.ts';
import { editorsIn } from '../../machines/review/workers.ts';
import type { Outputs, RunView, WorkOutcome, WorkStart } from '../../machines/workflow/graph.ts';
import type { WorkingCalendar } from '../../machines/working-time/calendar.ts';
import { millisOf } from '../../runtime/index.ts';
import { schemaOf } from '../schema/checked.ts';
import type { About } from './about.ts';
import type { GateOptions } from './declaration.ts';
import { calendarFor, timesOf } from './gate-times.ts';

/** By which its times are counted decides, wherever it was written. */
export function calendarIn(options: GateOptions, ofWorkflow: WorkingCalendar | undefined): object {
  const calendar = calendarFor(options, ofWorkflow);
  return calendar === undefined ? {} : { calendar };
}

export function reviewInputOf(
  name: string,
  options: GateOptions,
  said: { readonly proposal: Json; readonly about: About; readonly fourEyes: readonly string[] },
  calendar: WorkingCalendar | undefined,
): ReviewInput {
  const { role, title = name, quorum, editable, ownEdits, dwell, probe } = options;
  return {
    title,
    ...said,
    roles: typeof role === 'string' ? [role] : role,
    ...(quorum !== undefined && { quorum }),
    ...(editable !== undefined && { editable: editable === true ? [''] : editable }),
    ...(options.schema !== undefined && { schema: schemaOf(options.schema)!.hash }),
    ...timesOf(options, calendar),
    ...(options.ownRuns !== undefined && { ownRuns: options.ownRuns }),
    ...(ownEdits !== undefined && { ownEdits }),
    ...(dwell !== undefined && { dwellMs: millisOf(dwell, 'dwell') }),
    ...(probe !== undefined && { probe }),
  };
}

/** What people are to look at. @throws TypeError when they could not: a review would break by it */
export function proposedBy(proposal: unknown): Json {
  const problem = problemOfProposal(proposal);
  if (problem !== undefined) throw new TypeError(`what is proposed ${problem}`);
  return proposal as Json;
}

/** Whoever has worked on what it is about does not decide it. */
export function reviewAfter({ input, people = [] }: WorkStart): ReviewInput {
  const review = input as ReviewInput;
  return { ...review, fourEyes: [...new Set([...(review.fourEyes ?? []), ...people])] };
}

/** Who is named as one of those who must not decide. @throws TypeError when that is no list of names */
export function namedBy(
  fourEyes: GateOptions['fourEyes'],
  outputs: Outputs,
  view: RunView,
): readonly string[] {
  const named: unknown = typeof fourEyes === 'function' ? fourEyes(outputs as never, view) : (fourEyes ?? []);
  const areNames = Array.isArray(named) && named.every((one) => typeof one === 'string' && one.trim() !== '');
  if (!areNames) throw new TypeError('fourEyes must give a list of the ids of people');
  return named as readonly string[];
}

/** What was wrong on purpose is not to be done, whatever they think of it; and nobody ends the run for it. */
export function outcomeOfProbe(ended: unknown): WorkOutcome {
  const { output: _, ...rest } = ended as ReviewOutput;
  return { status: 'complete', output: rest };
}

export function outcomeOfReview(output: unknown): WorkOutcome {
  const { verdict, by = 'nobody', reason = '', edits } = output as ReviewOutput;
  const people = editorsIn({ edits });
  switch (verdict) {
    case 'approved':
      return { status: 'complete', output, ...(people.length > 0 && { facts: { people } }) };
    case 'aborted':
      return { status: 'aborted', by, reason };
    case 'rejected':
      return {
        status: 'failed',
        problem: { class: 'rejected', message: `${by} has rejected it: ${reason}`, by },
      };
    case 'expired':
      return { status: 'failed', problem: { class: 'expired', message: 'nobody has decided in time' } };
  }
}
