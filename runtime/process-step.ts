/**
 * Steps of processes. Promises, callbacks and observables have transitions too, but not all of them are pure: stopping
 * one aborts it, and a callback hands every event to its listeners. Those parts happen after the commit
 * (`processes.ts`); what is recorded, and told again, is this.
 */
import type { AnyEventObject } from 'xstate';
import type { Definition } from './definition.ts';
import type { AnySnapshot } from './kernel/step.ts';

/** A process that could not be started, or whose result could not be stored. */
export const PROCESS_FAILED = 'heddle.process.failed';

const STOP = 'xstate.stop';

/** The next snapshot of logic that is not a machine, where its own transition must not be asked; undefined otherwise. */
export function processStep(
  { host, isProcess }: Definition,
  snapshot: AnySnapshot,
  event: AnyEventObject,
): AnySnapshot | undefined {
  switch (event.type) {
    case STOP:
      return { ...snapshot, status: 'stopped', ...withoutInput(snapshot) };
    case PROCESS_FAILED:
      return { ...snapshot, status: 'error', error: event['error'], ...withoutInput(snapshot) };
  }
  if (!isProcess) return undefined;
  // Retries are the runtime's business; a callback's listeners hear of events after the commit.
  if (event.type.startsWith('heddle.attempt.') || host.kind === 'callback') return snapshot;
  return undefined;
}

function withoutInput(snapshot: AnySnapshot): object {
  return 'input' in snapshot ? { input: undefined } : {};
}

/** The snapshot of an actor that fails with what its step has thrown. */
export function failedSnapshot(snapshot: AnySnapshot | undefined, error: unknown): AnySnapshot {
  return { ...snapshot, status: 'error', error, output: undefined };
}
