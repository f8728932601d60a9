/**
 * Gauges: how things stand in a system right now. Nothing is kept for them while it works; they are looked up when
 * somebody asks, in one walk over the actors in memory (a millisecond or two for 100,000).
 */
import type { Runtime } from '../runtime.ts';
import type { MetricsReading } from './reading.ts';

type Gauges = Pick<
  MetricsReading,
  'actors' | 'mailboxes' | 'queued' | 'undurable' | 'owed' | 'actionsRunning' | 'timers' | 'ledger' | 'fenced'
>;

export function gauges(runtime: Runtime): Gauges {
  const { population, timers, draining, isFenced } = runtime;
  return {
    ...ofActors(runtime),
    actors: Object.freeze({ inMemory: population.size, refused: refusedActors(runtime) }),
    actionsRunning: draining.running,
    timers: timers.size,
    ledger: ofLedger(runtime),
    fenced: isFenced,
  };
}

/** What stands in the cells themselves. */
function ofActors({ population }: Runtime): Pick<Gauges, 'mailboxes' | 'queued' | 'undurable' | 'owed'> {
  let waiting = 0;
  let queued = 0;
  let undurable = 0;
  let owed = 0;
  let depth = 0;
  let address = '';
  for (const cell of population.cells()) {
    queued += cell.queued;
    undurable += cell.undurable;
    if (cell.owed !== undefined) for (const { effects } of cell.owed.values()) owed += effects.length;
    const size = cell.mailbox?.size ?? 0;
    waiting += size;
    if (size <= depth) continue;
    depth = size;
    ({ address } = cell);
  }
  const deepest = depth === 0 ? undefined : Object.freeze({ address, depth });
  return { mailboxes: Object.freeze({ waiting, deepest }), queued, undurable, owed };
}

/** Those whose story does not fit, and those whose history is damaged. Some are both. */
function refusedActors({ refused, quarantine }: Runtime): number {
  let count = refused.size;
  for (const [actor] of quarantine.entries()) if (!refused.has(actor)) count++;
  return count;
}

function ofLedger({ ledger, population }: Runtime): Gauges['ledger'] {
  const { frame, lowWater, pendingBytes, appendedBytes } = ledger;
  const oldest = population.oldestDirty;
  return Object.freeze({
    frame,
    lowWater,
    lagFrames: Math.max(0, frame - lowWater),
    lagBytes: oldest === undefined ? 0 : appendedBytes - oldest.dirtyBytes,
    pendingBytes,
  });
}
