/**
 * What comes next: the nodes that begin when those at work come to a good end, by their joins.
 */
import type { NodeStatus } from '../../machines/workflow/progress.ts';
import type { AnyDeclaration } from '../workflow/declaration.ts';
import { joinRuleOf } from '../workflow/graph.ts';
import type { AnyWorkflowOptions } from '../workflow/graph.ts';
import type { PartStatus } from './part-status.ts';
import { OVER } from './standing.ts';

export function nextOf(tasks: readonly PartStatus[], options: AnyWorkflowOptions | undefined): string[] {
  const statuses = new Map(tasks.map(({ task, status }) => [task, status]));
  return tasks
    .filter(({ task, status, needs }) => {
      if (status === 'ready') return true;
      const declared = options?.tasks[task];
      return (
        status === 'pending' &&
        areEnough(
          needs.map((need) => statuses.get(need)!),
          declared,
        )
      );
    })
    .map(({ task }) => task);
}

/** Whether needs that stand so are enough when those of them that are at work come to a good end. */
function areEnough(needs: readonly NodeStatus[], declared: AnyDeclaration | undefined): boolean {
  const { join } = joinRuleOf(declared?.options ?? {});
  if (needs.length === 0 || join.kind === 'all') return !needs.some(hasNotBegun);
  const there = needs.filter(
    (status) => status === 'complete' || (!hasNotBegun(status) && !OVER.has(status)),
  );
  return there.length >= (join.kind === 'any' ? 1 : join.count);
}

/** What waits for a place begins then itself. */
const hasNotBegun = (status: NodeStatus): boolean => status === 'pending' || status === 'ready';
