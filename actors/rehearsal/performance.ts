/**
 * What stubs do when they are asked: they take their time, have the faults that were ordered for them, and answer with a value that was
 * made from the schema. All of it comes from the seed, the task and the number of the attempt, and from nothing else.
 */
import type { Assignment, TaskResult } from '../../machines/contract.ts';
import type { FaultClass } from '../../machines/faults/fault.ts';
import { NOTHING } from '../../machines/values/money.ts';
import { result } from '../agents/agent.ts';
import { OrderedFault } from '../agents/fault-error.ts';
import { Chance } from '../schema/chance.ts';
import { samplesFor } from '../schema/checked.ts';
import type { Checked } from '../schema/checked.ts';
import type { OrderedFaults } from './ordered-faults.ts';
import type { VirtualWorld } from './virtual-world.ts';

/** How long an attempt takes, in ms of the world; never more than half of what it may. */
const QUICKEST_MS = 1000;
const SLOWEST_MS = 5000;

export interface PerformanceOptions {
  readonly world: VirtualWorld;
  readonly seed: string;
  /** How sure each answer is. */
  readonly confidence: number;
  readonly faults: OrderedFaults;
}

/** What a stub of a contract does. */
export function performing(
  output: Checked,
  { world, seed, confidence, faults }: PerformanceOptions,
): (assignment: Assignment) => Promise<TaskResult> {
  return async (assignment) => {
    const { context, constraints, attempt, signal } = assignment;
    const path = pathOf(context);
    const scene = `${seed}/${path}/${attempt}`;
    const fault = faults.of(path, attempt);
    // One that is late is waited for as long as others are.
    if (fault === 'timeout') return world.never(signal);
    const ms = new Chance(scene).between(QUICKEST_MS, SLOWEST_MS);
    await world.pause(Math.min(ms, constraints.timeout / 2), signal);
    const answer = {
      output: (samplesFor(output, scene, 1)[0] ?? samplesFor(output, 'probe', 1)[0]) as TaskResult['output'],
      ...{ cost: constraints.maxCost, duration: ms, model: 'stub', confidence },
    };
    if (fault === undefined) return result(assignment, answer);
    // Where there is an answer all the same, people are shown it.
    if (fault === 'needs-review') return result(assignment, { ...answer, status: 'needs_review' });
    if (fault === 'low-confidence' && constraints.qualityThreshold > 0)
      return result(assignment, { ...answer, confidence: 0 });
    throw new OrderedFault(ordered(fault));
  };
}

const ordered = (name: FaultClass) => ({
  ...{ class: name, message: 'ordered for the rehearsal', cost: NOTHING },
  ...(name === 'low-confidence' && { confidence: 0 }),
});

/** The path of a task in the run that is at the root of it. What undoes it has the path of what it undoes. */
function pathOf({ run, task }: Assignment['context']): string {
  const names = [...run.split('/').slice(2), ...task.split('/')];
  const own = names.findLastIndex((name) => !/^\d+$/.test(name));
  return names.map((name, index) => (index < own ? name.replace(/^undo /, '') : name)).join('/');
}
