/**
 * The messages between a run, those who do its work, and whoever looks after it.
 */

/** Ends the run: what runs is cancelled, and what can be undone is. */
export interface RunAbort {
  readonly type: 'run.abort';
  readonly by: string;
  readonly reason: string;
}

/** Lets a parked task go on. What else it says is for the task. */
export interface TaskResume {
  readonly type: 'task.resume';
  /** Its name; of one within a map, a loop or another run with the way to it: `chapters/3`, `chapters/3/check`. */
  readonly task: string;
  readonly by: string;
  /** What it works on from now on, instead of what it was given. */
  readonly input?: Readonly<Record<string, unknown>>;
  readonly reason?: string;
}

/** Gives a task up that is parked: it has failed. */
export interface TaskAbandon {
  readonly type: 'task.abandon';
  readonly task: string;
  readonly by: string;
  readonly reason: string;
}

/** What an operator says to one task. */
export type TaskOrder = TaskResume | TaskAbandon;

export const isOrder = (event: { readonly type: string }): event is TaskOrder =>
  event.type === 'task.resume' || event.type === 'task.abandon';

/** From a child to its run: how it stands while it is not done. */
export interface TaskStands {
  readonly type: 'task.stands';
  /** Its id among the children of whoever it tells. */
  readonly task: string;
  readonly standing: 'running' | 'waiting' | 'parked';
}

/** From a run to a child: it is not wanted any more, and is to come to an end. It answers by ending. */
export interface TaskCancel {
  readonly type: 'task.cancel';
  readonly because: string;
}

export type RunEvent = RunAbort | TaskOrder | TaskStands | TaskCancel;

/** Within a step of a run within a run: its nodes may stand otherwise now than was told of it. Taken when nothing else moves any more. */
export interface RunStands {
  readonly type: 'run.stands';
}

/** Whether something is said to a node, or to one within it. */
export const isTold = (task: string, node: string): boolean => task === node || task.startsWith(`${node}/`);

/** Who is meant within a node: the rest of the path. */
export function within(task: string, node: string): string | undefined {
  return task.startsWith(`${node}/`) ? task.slice(node.length + 1) : undefined;
}
