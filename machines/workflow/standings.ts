/**
 * Standings: what a child that has children of its own tells its run while it is not done. It works as long as one of them works;
 * when all wait it waits too, so that its place is free for others.
 */
import type { AnyActorRef } from 'xstate';
import type { TaskStands } from './events.ts';

export type Standing = TaskStands['standing'];

/** How those stand together that are at work. */
export const standingOfAll = (standings: Iterable<Standing>): Standing =>
  standingTogether(standings) ?? 'running';

/** The same, where there may be some that are not at work; undefined: none of them is. */
export function standingTogether(standings: Iterable<Standing | undefined>): Standing | undefined {
  let together: Standing | undefined;
  for (const standing of standings) {
    if (standing === 'running') return 'running';
    // A person can be asked; one that is parked needs an operator, and that is the more urgent.
    together = standing === 'parked' ? 'parked' : (together ?? standing);
  }
  return together;
}

/** Tells the parent, if there is one. */
export function tellStanding(
  enqueue: { sendTo(to: AnyActorRef, event: TaskStands): void },
  self: AnyActorRef,
  task: string,
  standing: Standing,
): void {
  if (self._parent !== undefined) enqueue.sendTo(self._parent, { type: 'task.stands', task, standing });
}
