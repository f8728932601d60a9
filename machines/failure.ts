/**
 * A machine cannot end with an error but by a child that does, and that nobody handles. This is that child.
 *
 *     failing: { invoke: { src: 'failure', id: 'failure' }, entry: sendTo('failure', { type: 'fail', error }) }
 */
import type { ActorLogic, Snapshot } from 'xstate';

/** Fails with what it is told. */
export const failure: ActorLogic<Snapshot<undefined>, { type: 'fail'; error: unknown }> = {
  transition: (snapshot, event) =>
    event.type === 'fail' ? { status: 'error', output: undefined, error: event.error } : snapshot,
  getInitialSnapshot: () => ({ status: 'active', output: undefined, error: undefined }),
  getPersistedSnapshot: (snapshot) => snapshot,
};
