/**
 * A budget window: the money of one day, month or hour, or of all time. Pure arithmetic on whole numbers.
 *
 * Everything follows from three of them: the limit, the sum of all bills, and what is reserved. Bills fill what the
 * reservations leave of the limit, and what goes beyond is overdraft. So at any time
 *
 *     0 ≤ spent,  0 ≤ reserved,  spent + reserved ≤ limit,  spent + overdraft = the sum of all bills
 *
 * and a reservation that settles for less than it held pays overdraft off by itself. It refuses what would break this.
 */
import type { BudgetLabels, BudgetPer } from './words.ts';
import type { Micros } from '../values/money.ts';
import { isMicros, NOTHING } from '../values/money.ts';

export interface BudgetWindow {
  /** `2030-01-31`, `2030-01`, `2030-01-31T23`, or `all`. */
  readonly key: string;
  readonly limit: Micros;
  readonly spent: Micros;
  readonly reserved: Micros;
  /** The part of `reserved` of which nobody knows what it has cost. */
  readonly held: Micros;
  readonly overdraft: Micros;
  /** What was billed for each label: `agent=writer`. */
  readonly costs: ReadonlyMap<string, number>;
}

/** What is added to a window, or taken from it. */
export interface Movement {
  readonly limit?: number;
  readonly billed?: number;
  readonly reserved?: number;
  readonly held?: number;
  /** What the bill is for. */
  readonly labels?: BudgetLabels;
}

/** So many labels are told apart in a window. */
export const LABELS = 64;

const KEY_LENGTH: Readonly<Record<BudgetPer, number>> = {
  hour: '2030-01-31T23'.length,
  day: '2030-01-31'.length,
  month: '2030-01'.length,
};

/** In which window a moment lies, in UTC. Keys of later windows are greater. */
export function windowKey(at: number, per: BudgetPer | undefined): string {
  return per === undefined ? 'all' : new Date(at).toISOString().slice(0, KEY_LENGTH[per]);
}

export function newWindow(key: string, limit: Micros): BudgetWindow {
  return {
    key,
    limit,
    spent: NOTHING,
    reserved: NOTHING,
    held: NOTHING,
    overdraft: NOTHING,
    costs: new Map(),
  };
}

export const billedIn = ({ spent, overdraft }: BudgetWindow): number => spent + overdraft;

/** What can still be reserved. */
export const remainingIn = ({ limit, spent, reserved }: BudgetWindow): Micros =>
  (limit - spent - reserved) as Micros;

/** The window after a movement; undefined when that would break what always holds. */
export function moved(window: BudgetWindow, movement: Movement): BudgetWindow | undefined {
  const limit = window.limit + (movement.limit ?? 0);
  const billed = billedIn(window) + (movement.billed ?? 0);
  const reserved = window.reserved + (movement.reserved ?? 0);
  const held = window.held + (movement.held ?? 0);
  if (!isMicros(limit) || !isMicros(billed) || !isMicros(reserved) || !isMicros(held)) return undefined;
  if (held > reserved || reserved > limit) return undefined;
  const spent = Math.min(billed, limit - reserved) as Micros;
  const overdraft = (billed - spent) as Micros;
  const costs = counted(window.costs, movement);
  return { key: window.key, limit, spent, reserved, held, overdraft, costs };
}

function counted(
  costs: ReadonlyMap<string, number>,
  { billed = 0, labels = {} }: Movement,
): ReadonlyMap<string, number> {
  if (billed === 0) return costs;
  const counting = new Map(costs);
  for (const [label, name] of Object.entries(labels)) {
    if (name === undefined) continue;
    const own = `${label}=${name}`;
    // Labels never leave a window: what was counted among the others once is so for ever, and is corrected there.
    const key = counting.has(own) || counting.size < LABELS ? own : `${label}=*`;
    counting.set(key, (counting.get(key) ?? 0) + billed);
  }
  return counting;
}
