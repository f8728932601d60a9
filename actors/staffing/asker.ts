/**
 * The task that has asked for an attempt, as whoever works on it sees it: whether it waits for what comes of that, and whether it has
 * heard it. It may not be wanted any more while the answer is on its way.
 */
import type { Subscription } from 'xstate';
import type { Asking } from '../../machines/task/words.ts';
import { isTask } from '../state/stood.ts';
import type { Stood } from '../state/stood.ts';

/** Where it is found. */
interface Askers {
  get(address: string): Asker | undefined;
}

export interface Asker {
  getSnapshot(): { readonly status: string };
  subscribe(observer: { next(): void; complete(): void; error(): void }): Subscription;
}

const askerOf = (askers: Askers, { envelope: { context } }: Asking): Asker | undefined =>
  askers.get(`${context.run}/${context.task}`);

/** Whether it has heard what that has cost: resolves when it does not wait any more. */
export async function hasHeard(askers: Askers, asking: Asking): Promise<boolean> {
  const asker = askerOf(askers, asking);
  if (asker === undefined) return true;
  await untilOver(asker, asking);
  const stood = asker.getSnapshot() as Stood;
  if (isWaiting(asker, asking) || !isTask(stood)) return true;
  const { cost, unasked } = stood.context.log[asking.attempt - 1] ?? {};
  return cost !== undefined && unasked === undefined;
}

/** Resolves when it does not wait any more, or nobody could say so. */
function untilOver(asker: Asker, asking: Asking): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!isWaiting(asker, asking)) over();
    };
    const over = (): void => {
      subscription.unsubscribe();
      resolve();
    };
    // Who is over says so at once, before there is a subscription.
    let subscription: Subscription = { unsubscribe: () => {} };
    subscription = asker.subscribe({ next: look, complete: over, error: over });
    look();
  });
}

/**
 * Also when its call was stopped: where the process ends, or the task is started again, the attempt is made once more, and paid from the
 * same reservation.
 */
function isWaiting(asker: Asker | undefined, { bill }: Asking): boolean {
  const stood: Stood | undefined = asker?.getSnapshot();
  return isTask(stood) && stood.status === 'active' && stood.context.ticket === bill?.ticket;
}
