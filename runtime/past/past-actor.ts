/**
 * An actor of the past: everything it was as of a record, with all below it as they stood then. For people and programs that look
 * at a run; nothing of it can be moved.
 */
import type { AnyEventObject } from 'xstate';
import type { AnySnapshot } from '../kernel/step.ts';
import type { Down } from '../standing.ts';
import type { Runtime } from '../runtime.ts';
import { cutAt, momentAt } from './cut.ts';
import type { Cut, Member, Moment } from './cut.ts';

export interface PastActor {
  readonly address: string;
  /** Its newest record then. */
  readonly seq: number;
  readonly life: number;
  /** When the record was made as of which this is, in milliseconds since the epoch. */
  readonly at: number;
  /** An XState snapshot. Refs in it are of today. */
  readonly snapshot: AnySnapshot;
  /** Why it did not run; undefined when it did. */
  readonly down: Down | undefined;
  /** What was set for later. */
  readonly timers: readonly {
    readonly id: string | undefined;
    readonly dueAt: number;
    readonly to: string;
    readonly event: AnyEventObject;
  }[];
  /** What was under way to it, in the order in which it was sent. */
  readonly waiting: readonly {
    readonly from: string;
    readonly seq: number;
    readonly event: AnyEventObject;
  }[];
  /** Those below it that lived then, or had lived. */
  readonly children: readonly PastActor[];
}

/**
 * @param seq a record of its own, or of somebody below it
 * @throws InvalidArgument, StoryChanged when today's code cannot tell it, UnknownActor, JournalCorrupt
 */
export async function pastActor(runtime: Runtime, address: string, seq: number | Moment): Promise<PastActor> {
  const cut = await cutAt(runtime, address, momentAt(address, seq, 'seq'), 'seq');
  const [root] = cut.members.values();
  return describe(runtime, cut, root!);
}

function describe(runtime: Runtime, cut: Cut, { journal, cell }: Member): PastActor {
  const below = [...cut.members.values()].filter(
    (member) => member.cell.birth?.parent?.[0] === journal.actor,
  );
  const { address } = journal;
  const { seq, life, snapshot, down, timers } = cell;
  return {
    address,
    seq,
    life,
    at: cut.at,
    snapshot: snapshot!,
    down,
    timers: [...(timers?.values() ?? [])].map(({ id, dueAt, to, event }) => ({
      ...{ id, dueAt, event },
      to: to.address,
    })),
    waiting: cut.underWay
      .filter(({ to }) => to.actor === journal.actor)
      .map(({ cause, packed }) => ({
        from: runtime.addressOf(cause.actor),
        seq: cause.seq,
        event: runtime.events.unpack(packed),
      })),
    children: below.map((member) => describe(runtime, cut, member)),
  };
}
