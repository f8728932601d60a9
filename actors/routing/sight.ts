/**
 * What is seen of an agent at the moment at which somebody is chosen: how it stands at its gates, how many of its places are taken,
 * what has come of its attempts. Plain data: with it the choice can be made again.
 */
import { outlookOf } from '../../machines/permits/outlook.ts';
import type { Outlook } from '../../machines/permits/outlook.ts';
import type { TrackRecordContext } from '../../machines/routing/track-record.ts';
import type { Agent } from '../agents/agent.ts';

export interface Sight {
  readonly gates: readonly GateSight[];
  /** How many tasks it is doing. */
  readonly running: number;
  readonly record: TrackRecordContext | undefined;
}

export interface GateSight {
  readonly address: string;
  /** `absent`: nobody lives there; undefined: it is no gate that can be read. */
  readonly outlook: Outlook | 'absent' | undefined;
}

/** Where it is seen. */
export interface View {
  /** The snapshot of whoever lives at an address; undefined when nobody does. May throw. */
  snapshotAt(address: string): unknown;
  running(agent: string): number;
  /** The address of its track record, where there is one. */
  recordOf(agent: string): string | undefined;
  readonly now: number;
}

export function sightOf({ name, permits }: Agent, view: View): Sight {
  const address = view.recordOf(name);
  const record = address === undefined ? undefined : read(view, address);
  return {
    gates: permits.map((gate) => ({ address: gate, outlook: outlookAt(view, gate) })),
    running: view.running(name),
    record: (record as { readonly context?: TrackRecordContext } | undefined)?.context,
  };
}

function outlookAt(view: View, address: string): GateSight['outlook'] {
  const snapshot = read(view, address);
  return snapshot === undefined ? 'absent' : outlookOf(snapshot, view.now);
}

/** One whose journal is broken cannot be asked either. */
function read(view: View, address: string): unknown {
  try {
    return view.snapshotAt(address);
  } catch {
    return undefined;
  }
}

/** Why it cannot be asked now, and when to look again; undefined when it can. */
export function closedAt({
  gates,
}: Sight): { readonly why: string; readonly retryAfterMs: number } | undefined {
  const closed = gates.flatMap(({ address, outlook }) => {
    if (outlook === 'absent') return [{ why: `its gate ${address} is not there`, retryAfterMs: Infinity }];
    if (outlook?.refuses === undefined) return [];
    return [
      { why: `its gate ${address} lets nobody pass: ${outlook.refuses}`, retryAfterMs: outlook.retryAfterMs },
    ];
  });
  // All of them must let it pass.
  return closed.toSorted((some, other) => other.retryAfterMs - some.retryAfterMs)[0];
}

/** Which part of its gates and places is free: the least of them. */
export function freeOf({ gates, running }: Sight, places: number | undefined): number {
  const free = gates.map(({ outlook }) => (typeof outlook === 'object' ? outlook.free : 1));
  return Math.min(1, ...free, places === undefined ? 1 : Math.max(0, 1 - running / places));
}
