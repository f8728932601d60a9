/**
 * The machines of a workflow's tasks. What XState makes of a task's states was most of what a declared task took of memory, and knows
 * nothing of those whom it asks: tasks that are done on the same terms stand on the same states, and differ only in their actors.
 */
import type { AnyActorLogic, AnyStateMachine } from 'xstate';
import { taskMachine } from '../../machines/task/task.ts';
import type { TaskActors } from '../../machines/task/words.ts';
import type { TaskSpec } from '../../machines/task/words.ts';
import { withActors } from '../../runtime/index.ts';

/** Those that were made so far. */
export class TaskMachines {
  readonly #made: { readonly spec: TaskSpec; readonly machine: AnyStateMachine }[] = [];

  /** @param asActor what those who are to confirm its answers are hosted as */
  machineFor(
    spec: TaskSpec,
    actors: TaskActors,
    asActor: (logic: AnyActorLogic) => AnyActorLogic,
  ): AnyStateMachine {
    // Those who confirm its answers are asked by machines of their own, for this task.
    if (spec.vote !== undefined) return taskMachine(spec, actors, asActor);
    const like = this.#made.find((one) => isSame(one.spec, spec));
    if (like !== undefined) return withActors(like.machine, { ...actors });
    const machine = taskMachine(spec, actors, asActor);
    this.#made.push({ spec, machine });
    return machine;
  }
}

/** Whether two values are of the same parts; what is neither a list nor an object of parts is the same only as itself. */
function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (!isOfParts(one) || !isOfParts(other)) return false;
  const keys = Object.keys(one);
  return (
    Array.isArray(one) === Array.isArray(other) &&
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && isSame(one[key], other[key]))
  );
}

function isOfParts(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}
