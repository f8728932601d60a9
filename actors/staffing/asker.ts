/**
 * Whoever has asked for an attempt, a task or its shadow, as those see it who work on it: whether it waits for what comes of that, and
 * whether it has heard it. It may not be wanted any more while the answer is on its way.
 */
import type { Subscription } from 'xstate';
import type { ComparisonContext } from '../../machines/routing/comparison.ts';
import type { Asking } from '../../machines/task/words.ts';
import { isTask } from '../state/stood.ts';
import type { Stood } from '../state/stood.ts';

/** Where it is found. */
interface Askers {
  get(address: string): Asker | undefined;
}

export interface Asker {
  getSnapshot(): Stood;
  subscribe(observer: { next(): void; complete(): void; error(): void }): Subscription;
}

/** The address of the task that has asked. */
export const taskOf = ({ envelope: { context } }: Asking): string => `${context.run}/${context.task}`;

/** What has asked in the shadow of a task keeps the name of that task; it is a comparison, above whoever works. */
export const comparisonAbove = (worker: string): string => worker.slice(0, worker.lastIndexOf('/ask'));

/**
 * Whether it has heard what that has cost: resolves when it does not wait any more. Undefined: there is nobody who could say so.
 * @param address of whoever has asked
 */
export async function hasHeard(
  askers: Askers,
  address: string,
  asking: Asking,
): Promise<boolean | undefined> {
  const asker = askers.get(address);
  if (asker === undefined) return undefined;
  await untilOver(asker, asking);
  const stood = asker.getSnapshot();
  // The system ends before it does.
  if (isWaiting(stood, asking)) return true;
  if (isComparison(stood)) return stood.context.shadow?.cost !== undefined;
  if (!isTask(stood)) return undefined;
  const { key, cost, unasked } = stood.context.log[asking.attempt - 1] ?? {};
  // Another life of it may have asked the same since.
  return isUnder(key, asking) && cost !== undefined && unasked === undefined;
}

/** Resolves when it does not wait any more, or nobody could say so. */
function untilOver(asker: Asker, asking: Asking): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!isWaiting(asker.getSnapshot(), asking)) over();
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
function isWaiting(stood: Stood, { bill }: Asking): boolean {
  if (stood.status !== 'active') return false;
  if (isComparison(stood)) return stood.context.shadow === undefined;
  return isTask(stood) && stood.context.ticket === bill?.ticket;
}

/** Whether it was asked under that key, or under one of its parts. */
const isUnder = (key: string | undefined, { idempotencyKey }: Asking): boolean =>
  key !== undefined && (idempotencyKey === key || idempotencyKey.startsWith(`${key}/`));

function isComparison(stood: Stood): stood is Stood & { readonly context: ComparisonContext } {
  const context = stood.context as Partial<ComparisonContext> | undefined;
  return context?.ask !== undefined && 'chosen' in context;
}
