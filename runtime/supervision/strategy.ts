/**
 * Strategies: which children are restarted when one of them fails. OTP's words and OTP's meaning.
 */

/**
 * - `one-for-one`: only the one that failed.
 * - `one-for-all`: all of them.
 * - `rest-for-one`: the one that failed, and those that were started after it.
 * - `dynamic`: any number of children of one kind, started at run time; only the one that failed.
 */
export type Strategy = 'one-for-one' | 'one-for-all' | 'rest-for-one' | 'dynamic';

export const STRATEGIES: readonly Strategy[] = ['one-for-one', 'one-for-all', 'rest-for-one', 'dynamic'];

/** The children that are stopped (in reverse order) and started (in this order) because `failed` has failed. */
export function affectedBy(strategy: Strategy, ids: readonly string[], failed: string): readonly string[] {
  switch (strategy) {
    case 'one-for-one':
    case 'dynamic':
      return [failed];
    case 'one-for-all':
      return ids;
    case 'rest-for-one':
      return ids.slice(ids.indexOf(failed));
  }
}

/**
 * - `permanent`: restarted whenever it ends.
 * - `transient`: restarted when it fails; not when it has ended by itself, or was shut down.
 * - `temporary`: never restarted, and forgotten when it ends.
 */
export type RestartType = 'permanent' | 'transient' | 'temporary';

export const RESTART_TYPES: readonly RestartType[] = ['permanent', 'transient', 'temporary'];

/**
 * How a child has ended.
 *
 * - `normal`: it is done.
 * - `shutdown`: somebody has stopped it, or it is a supervisor that gave up.
 * - `crash`: it failed.
 * - `escalate`: it failed, and its supervisor is to fail with it.
 */
export type ExitReason = 'normal' | 'shutdown' | 'crash' | 'escalate';

/** Whether a child that has ended like this is to be started again. */
export function isToRestart(restart: RestartType, reason: ExitReason): boolean {
  if (restart === 'transient') return reason === 'crash' || reason === 'escalate';
  return restart === 'permanent';
}
