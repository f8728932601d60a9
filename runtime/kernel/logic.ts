/**
 * Kinds of logic, and how each is told from the others.
 *
 * Machines are instances of `StateMachine`. The other creators of XState return plain objects without a mark; but each
 * gives its objects the same `transition` function text, so a fresh object of each kind serves as a probe.
 */
import { fromCallback, fromEventObservable, fromObservable, fromPromise } from 'xstate';
import type { AnyActorLogic } from 'xstate';
import { isMachine } from './machine.ts';
import { isFromStore, isStore, isStoreLogic } from './store-logic.ts';

/**
 * - `machine`, `transition`, `store`: pure; an actor with a state of its own.
 * - `promise`, `callback`, `observable`: a process; what it does happens after the commit, what it reports are events.
 * - `custom`: somebody's own `ActorLogic`; pure unless it has `start`, which then runs as a process.
 */
export type LogicKind = 'machine' | 'store' | 'transition' | 'promise' | 'callback' | 'observable' | 'custom';

const empty = { subscribe: () => ({ unsubscribe: () => {} }) };
const probes = new Map<string, LogicKind>([
  [textOf(fromPromise(async () => {})), 'promise'],
  [textOf(fromCallback(() => {})), 'callback'],
  [textOf(fromObservable(() => empty)), 'observable'],
  [textOf(fromEventObservable(() => empty)), 'observable'],
]);

function textOf(logic: { transition: unknown }): string {
  return Function.prototype.toString.call(logic.transition);
}

/** What kind of logic this is. @throws TypeError when it is none. */
export function kindOf(logic: unknown): LogicKind {
  if (isMachine(logic)) return 'machine';
  if (isStore(logic) || isStoreLogic(logic) || isFromStore(logic)) return 'store';
  if (!isActorLogic(logic)) throw new TypeError('it is neither actor logic nor a store');
  // Nothing of a foreign machine works here: neither what it is an instance of, nor its built-in actions.
  if ('getStateNodeById' in logic) {
    throw new TypeError(
      'it was made by another copy of xstate; see that only one is installed: npm ls xstate',
    );
  }
  return probes.get(textOf(logic)) ?? (typeof logic.start === 'function' ? 'custom' : 'transition');
}

function isActorLogic(logic: unknown): logic is AnyActorLogic {
  if (typeof logic !== 'object' || logic === null) return false;
  const { transition, getInitialSnapshot } = logic as Partial<AnyActorLogic>;
  return typeof transition === 'function' && typeof getInitialSnapshot === 'function';
}

/** Whether logic of this kind does its work after the commit, and may be started again. */
export function isProcess(kind: LogicKind): boolean {
  return kind === 'promise' || kind === 'callback' || kind === 'observable' || kind === 'custom';
}
