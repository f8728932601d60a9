/**
 * The workplace: what the staff needs of the system that it works in, and what happens there while it is open.
 */
import type { TaskPermission } from '../../machines/task/words.ts';
import type { Authority } from '../../runtime/index.ts';
import type { Payee } from '../budgets/late-bills.ts';
import { RunningCalls } from '../halts/running.ts';
import type { OrderBook } from '../halts/running.ts';
import type { Registry } from '../routing/records.ts';
import type { Belonging } from '../state/belonging.ts';
import type { Content } from '../state/content.ts';
import type { LateHost } from '../state/late-replies.ts';
import type { Asker } from './asker.ts';
import type { AnswersHost } from './memory.ts';

/** What it needs of the system that it works in. */
export interface Workplace extends Registry, LateHost, AnswersHost {
  readonly authority: Authority;
  readonly orders: OrderBook;
  /** Whoever lives at an address: the task that has asked, the account that is told of a bill. */
  get(address: string): Found | undefined;
  /** Says something to a task that nobody else says to it. */
  tellTask(task: object, event: TaskPermission): Promise<unknown>;
  /** What a run is within, and whose it is. */
  belongingOf(run: string): Belonging;
  /** Where it keeps what agents have found and made. Without it only the hashes are recorded. */
  readonly content?: Content;
}

interface Found extends Payee, Asker {}

/** A workplace that is open, and what happens in it. */
export interface Shift {
  readonly workplace: Workplace;
  readonly calls: RunningCalls;
}

export const shiftIn = (workplace: Workplace): Shift => ({
  workplace,
  calls: new RunningCalls(workplace.orders),
});
