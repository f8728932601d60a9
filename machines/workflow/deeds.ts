/**
 * Deeds: what work has done that is to be undone if the run around it is. A node, an item of a list, one time of a loop tells it to
 * whoever has begun it when it ends, however it ends; who has several puts their deeds in the order in which they ended. So what it
 * takes to undo a run that is over is data in the state of the run around it.
 */
import { frozen } from '../values/frozen.ts';
import { problemAfter } from './graph.ts';
import type { Compensation, Deed, Left, Uncompensated, Undoing, WorkOutcome, WorkProblem } from './graph.ts';
import { isUndone, problemBy } from './progress.ts';
import type { RunContext } from './progress.ts';

/** What whoever undoes a run, a list or a loop is given: what was done in it, and what it was given where that matters. */
export interface Undone {
  readonly deeds: readonly Deed[];
  readonly given?: unknown;
}

/** Whether it takes what the work was given to undo it. */
export const keepsInput = (compensation: Compensation | undefined): boolean =>
  compensation?.input !== undefined || compensation?.keepsInput === true;

/** @param given what the work was given. @returns undefined when there is nothing to undo */
export function undoingAfter(
  compensation: Compensation | undefined,
  outcome: WorkOutcome,
  given: unknown,
): Undoing | undefined {
  if (compensation === undefined) return undefined;
  const { input, keepsInput } = compensation;
  if (input === undefined) {
    const { deeds } = outcome;
    return deeds && { undo: { deeds, ...(keepsInput === true && { given }) } satisfies Undone };
  }
  const { doubt } = outcome;
  if (outcome.status !== 'complete') return doubt && { problem: doubt };
  const undoing = asked(compensation, () => input(frozen(outcome.output), frozen(given)));
  return doubt === undefined || 'problem' in undoing ? undoing : { ...undoing, doubt };
}

function asked({ ask = (give) => give() }: Compensation, input: () => unknown): Undoing {
  try {
    return { undo: ask(input) };
  } catch (error) {
    const what = 'what it takes to undo it cannot be said';
    return { problem: problemBy(error, 'invalid-input', what, { ask }) };
  }
}

/** What is left by what ends one after the other: the items of a list, the times of a loop. */
export function leftWith(
  before: Left,
  of: string,
  compensation: Compensation | undefined,
  outcome: WorkOutcome,
  given: unknown,
): Left {
  const undoing = undoingAfter(compensation, outcome, given);
  const { deeds = [], uncompensated = [] } = before;
  return leftOf(undoing === undefined ? deeds : [...deeds, { of, ...undoing }], [
    ...uncompensated,
    ...(outcome.uncompensated ?? []).map(inside(of)),
  ]);
}

/** What is left by a run that has ended, or was cancelled. */
export function leftBy(context: RunContext): Left {
  const { done, nodes } = context;
  const deeds = done.flatMap((of): Deed[] => {
    const node = nodes[of]!;
    if (isUndone(node)) return [];
    const { undo, undoProblem, doubt } = node;
    if (undoProblem !== undefined) return [{ of, problem: undoProblem }];
    return [{ of, undo, ...(doubt !== undefined && { doubt }) }];
  });
  return leftOf(deeds, uncompensatedIn(context));
}

/** What was to be undone in a run and was not. */
export const uncompensatedIn = ({ nodes }: RunContext): readonly Uncompensated[] =>
  Object.values(nodes).flatMap(({ uncompensated = [] }) => uncompensated);

/**
 * What was not undone of somebody, when whoever was to do it has ended.
 * @param doubt what it may have done that nobody was to undo
 */
export function uncompensatedAfter(
  of: string,
  outcome: WorkOutcome,
  doubt?: WorkProblem,
): readonly Uncompensated[] {
  const { uncompensated = [] } = outcome;
  const beside = doubt === undefined ? [] : [{ node: of, problem: doubt }];
  if (uncompensated.length > 0) return [...uncompensated.map(inside(of)), ...beside];
  return outcome.status === 'complete' ? beside : [{ node: of, problem: problemAfter(outcome) }, ...beside];
}

/** Lists in which nothing stands are not told. */
const leftOf = (deeds: readonly Deed[], uncompensated: readonly Uncompensated[]): Left => ({
  ...(deeds.length > 0 && { deeds }),
  ...(uncompensated.length > 0 && { uncompensated }),
});

/** As whoever is around it calls it. */
export const inside =
  (name: string) =>
  ({ node, problem }: Uncompensated): Uncompensated => ({ node: `${name}/${node}`, problem });

/** An outcome without what is left to be undone. */
export function withoutDeeds(outcome: WorkOutcome): WorkOutcome {
  const { deeds: _, doubt: __, uncompensated: ___, ...rest } = outcome;
  return rest;
}
