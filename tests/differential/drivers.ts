/**
 * Ways to play a scenario: under plain XState, and under Heddle.
 */
import { createActor, SimulatedClock } from 'xstate';
import { DyingSystem } from '../dying-system.ts';
import type { Store } from '../../storage/store.ts';
import { takeAttempts, takeEffects, takeEffectsByKey, viewOf } from './scenario.ts';
import type { Scenario, View } from './scenario.ts';

/** Lets promises and what follows from them come to rest. */
async function rest(): Promise<void> {
  for (let round = 0; round < 12; round++) await new Promise((resolve) => setImmediate(resolve));
}

const STEP_MS = 5;

export async function playPlain({
  logic,
  input,
  script,
}: Scenario): Promise<Pick<Played, 'views' | 'attempts'>> {
  takeEffects();
  takeAttempts();
  const clock = new SimulatedClock();
  const emitted: string[] = [];
  const actor = createActor(logic, { clock, input, id: 's', logger: () => {} });
  actor.on('*', (event) => emitted.push(JSON.stringify(event)));
  actor.subscribe({ error: () => {} });
  actor.start();
  await rest();
  const views = [viewOf(actor.getSnapshot(), emitted.splice(0))];
  for (const [waitMs, event] of script) {
    for (let waited = 0; waited < waitMs; waited += STEP_MS) {
      clock.increment(STEP_MS);
      await rest();
    }
    actor.send(event);
    await rest();
    views.push(viewOf(actor.getSnapshot(), emitted.splice(0)));
  }
  return { views, attempts: takeAttempts() };
}

export interface Played {
  readonly views: readonly View[];
  /** What processes have done, in order. */
  readonly attempts: readonly string[];
  readonly deaths: number;
  readonly reopened: number;
  /** How many side effects were done again under their key. */
  readonly repeated: number;
  readonly dying: DyingSystem<{ subject: Scenario['logic'] }>;
}

/**
 * @param how `undisturbed`; `reopened`: closed and opened again after every message; `killed`: dies after every commit.
 */
export async function playDurable(
  { logic, input, script }: Scenario,
  store: Store,
  how: 'undisturbed' | 'reopened' | 'killed',
): Promise<Played> {
  takeEffects();
  takeAttempts();
  const emitted: { readonly text: string; readonly key: string }[] = [];
  let reopened = 0;
  const dying = new DyingSystem({
    store,
    actors: { subject: logic },
    dies: how === 'killed',
    ...(how !== 'undisturbed' && { maxTurnsPerCommit: 1 }),
    onEmit: (event, { address, idempotencyKey }) => {
      if (address === 'subject/s') emitted.push({ text: JSON.stringify(event), key: idempotencyKey! });
    },
  });
  const settle = async (): Promise<void> => {
    await dying.settle();
    if (how !== 'reopened') return;
    reopened++;
    await dying.reopenGently();
    await dying.settle();
  };
  await dying.open();
  await dying.start('subject', 's', input);
  await settle();
  // Repetitions can come late: what a step has already shown is not shown by a later one.
  const shown = new Set<string>();
  let repeated = 0;
  const look = (): View => {
    const snapshot = dying.system.get('subject/s')!.getSnapshot();
    if (how !== 'killed')
      return viewOf(
        snapshot,
        emitted.splice(0).map(({ text }) => text),
      );
    const seen = takeEffectsByKey();
    repeated += seen.repeated;
    const fresh = emitted.splice(0).filter(({ key }) => !shown.has(key) && shown.add(key));
    return viewOf(
      snapshot,
      fresh.map(({ text }) => text),
      seen.texts,
    );
  };
  const views = [look()];
  for (const [waitMs, event] of script) {
    for (let waited = 0; waited < waitMs; waited += STEP_MS) await dying.advance(STEP_MS);
    await dying.post('subject/s', event);
    await settle();
    views.push(look());
  }
  return { views, attempts: takeAttempts(), deaths: dying.deaths, reopened, repeated, dying };
}
