/**
 * Stores of @xstate/store as actor logic. This file knows their shape and does not import the package.
 *
 * A store's own `transition(snapshot, event)` is pure and returns its effects as data, also with extensions such as
 * undo. So a store, or a `createStoreLogic`, is hosted through it, and its effects become actions that run after the
 * commit. `fromStore(...)` hides them: it calls its effects inside of its transition, where they would happen before the
 * commit and again at every replay. Such logic is hosted as long as it has no effects, and refused at the first one.
 */
import type { AnyActorLogic, AnyActorScope, AnyEventObject } from 'xstate';
import { outsideOfMoment } from './moment.ts';
import type { AnySnapshot } from './step.ts';

type StoreEffect = ((tools: unknown) => void) | AnyEventObject;

/** The part of a store that hosting needs. */
interface StoreShape {
  getInitialSnapshot(): AnySnapshot;
  transition(snapshot: AnySnapshot, event: AnyEventObject): [AnySnapshot, StoreEffect[]];
}

interface StoreLogicShape {
  createStore(input: unknown): StoreShape;
}

/** Whether this is what `createStore` returns. */
export function isStore(logic: unknown): logic is StoreShape {
  return (
    hasFunctions(logic, 'transition', 'getInitialSnapshot', 'with', 'get') && 'trigger' in (logic as object)
  );
}

/** Whether this is what `createStoreLogic` returns. */
export function isStoreLogic(logic: unknown): logic is StoreLogicShape {
  return hasFunctions(logic, 'createStore') && !hasFunctions(logic, 'transition');
}

function hasFunctions(value: unknown, ...names: string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}

/**
 * Whether this is what `fromStore` returns. It has no mark; but its transition builds the tools that effects get, and
 * the names in there survive minifiers.
 */
export function isFromStore(logic: unknown): logic is AnyActorLogic {
  if (!hasFunctions(logic, 'transition', 'getInitialSnapshot', 'restoreSnapshot')) return false;
  const text = Function.prototype.toString.call((logic as AnyActorLogic).transition);
  return /trigger:\s*new Proxy\(/.test(text) && text.includes('getSnapshot:');
}

/** A store in any of its three forms as pure actor logic. */
export function storeActorLogic(logic: unknown): AnyActorLogic {
  if (isFromStore(logic)) return withoutEffects(logic);
  return isStore(logic) ? pureLogic(logic) : bornLogic(logic as StoreLogicShape);
}

function pureLogic(store: StoreShape): AnyActorLogic {
  return {
    getInitialSnapshot: () => store.getInitialSnapshot() as never,
    transition: (snapshot: AnySnapshot, event, scope) => transition(store, snapshot, event, scope) as never,
    getPersistedSnapshot: (snapshot) => snapshot as never,
  };
}

function transition(
  store: StoreShape,
  snapshot: AnySnapshot,
  event: AnyEventObject,
  scope: AnyActorScope,
): AnySnapshot {
  const [next, effects] = store.transition(snapshot, event);
  for (const effect of effects) {
    if (typeof effect !== 'function') scope.emit(effect);
    else scope.actionExecutor(asAction(effect, next, event, scope));
  }
  return next;
}

/**
 * Logic whose store is only made for an input. The transitions of such stores do not depend on it, so one store serves all
 * actors. But after a restart there is none, and making one takes an input that its context factory accepts: so each actor
 * keeps the one it was born with, unseen.
 */
function bornLogic({ createStore }: StoreLogicShape): AnyActorLogic {
  const inputs = new WeakMap<object, unknown>();
  const born = <T extends object>(snapshot: T, input: unknown): T => {
    inputs.set(snapshot, input);
    return snapshot;
  };
  let store: StoreShape | undefined;
  return {
    getInitialSnapshot: (_scope, input: unknown) => {
      store = createStore(input);
      return born(store.getInitialSnapshot(), input) as never;
    },
    transition: (snapshot: AnySnapshot, event, scope) => {
      const input = inputs.get(snapshot);
      // Whether a store must be made says nothing about this step, so what making it draws is not this step's either.
      store ??= outsideOfMoment(() => createStore(input));
      return born(transition(store, snapshot, event, scope), input) as never;
    },
    getPersistedSnapshot: (snapshot) => ({ ...snapshot, input: inputs.get(snapshot) }) as never,
    restoreSnapshot: (persisted) => {
      const { input, ...snapshot } = persisted as AnySnapshot & { readonly input?: unknown };
      return born(snapshot, input) as never;
    },
  };
}

/** A store's effect, to be run after the commit with the tools it expects. */
function asAction(
  effect: (tools: unknown) => void,
  next: AnySnapshot,
  event: AnyEventObject,
  scope: AnyActorScope,
): never {
  const { self, system } = scope;
  const tools = {
    send: (sent: AnyEventObject) => self.send(sent),
    trigger: new Proxy(
      {},
      { get: (_, type: string) => (payload?: object) => self.send({ ...payload, type }) },
    ),
    getSnapshot: () => self.getSnapshot() as unknown,
  };
  // The shape that XState's own action executor takes.
  return {
    type: effect.name || 'store.effect',
    params: undefined,
    info: { context: next.context, event, self, system },
    exec: () => effect(tools),
  } as never;
}

/**
 * `fromStore` logic, guarded. It collects its effects in an array of its own before it calls them; nothing of it can be
 * reached from outside, so for the duration of its transition a function that is pushed to any array is taken for one.
 * (A function would be refused as state anyway.)
 */
function withoutEffects(logic: AnyActorLogic): AnyActorLogic {
  return {
    ...logic,
    transition: (snapshot, event, scope) => refusingEffects(() => logic.transition(snapshot, event, scope)),
  };
}

function refusingEffects<T>(run: () => T): T {
  // oxlint-disable-next-line no-extend-native -- restored before anybody else runs; see above
  const { push } = Array.prototype;
  // oxlint-disable-next-line no-extend-native
  Array.prototype.push = function guardedPush(...items: unknown[]) {
    if (items.some((item) => typeof item === 'function')) {
      throw new Error(
        'a store made with fromStore ran an effect inside of its transition, where it would happen before the commit and ' +
          'again at every replay; pass the store itself (createStore or createStoreLogic): its effects then run after the commit',
      );
    }
    return push.apply(this, items);
  };
  try {
    return run();
  } finally {
    // oxlint-disable-next-line no-extend-native
    Array.prototype.push = push;
  }
}
