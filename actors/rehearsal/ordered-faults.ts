/**
 * The faults that are ordered for a rehearsal: which attempts of which tasks go wrong, and how. A task is named by its path; one within a
 * list or a loop without its number too, and then it is meant each time.
 */
import { FAULT_CLASSES } from '../../machines/faults/fault.ts';
import type { FaultClass } from '../../machines/faults/fault.ts';
import { InvalidArgument } from '../../runtime/index.ts';

/** By task: the fault of its first attempt; or those of its first attempts, one after the other. */
export type FaultOrders = Readonly<Record<string, FaultClass | readonly FaultClass[]>>;

export class OrderedFaults {
  readonly #orders: ReadonlyMap<string, readonly FaultClass[]>;

  /**
   * @param tasks the paths of those that agents do, without numbers
   * @throws InvalidArgument
   */
  constructor(orders: FaultOrders, tasks: readonly string[]) {
    this.#orders = new Map(Object.entries(orders).map(([task, named]) => [task, listOf(named)]));
    for (const [task, classes] of this.#orders) {
      if (!tasks.includes(unnumbered(task)))
        throw new InvalidArgument(
          `faults['${task}']`,
          `is no task that an agent does; there are ${[...new Set(tasks)].join(', ') || 'none'}`,
        );
      const stranger = classes.find((one) => !FAULT_CLASSES.includes(one));
      if (stranger !== undefined)
        throw new InvalidArgument(
          `faults['${task}']`,
          `must be one of ${FAULT_CLASSES.join(', ')}, but is ${JSON.stringify(stranger)}`,
        );
    }
  }

  /** Undefined: it goes well. @param attempt counted from 1 */
  of(path: string, attempt: number): FaultClass | undefined {
    const classes = this.#orders.get(path) ?? this.#orders.get(unnumbered(path));
    return classes?.[attempt - 1];
  }
}

const listOf = (named: FaultClass | readonly FaultClass[]): readonly FaultClass[] =>
  typeof named === 'string' ? [named] : named;

const unnumbered = (path: string): string =>
  path
    .split('/')
    .filter((part) => !/^\d+$/.test(part))
    .join('/');
