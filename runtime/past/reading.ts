/**
 * Reading a journal where it lies. The end of an actor's history is found without loading the actor, so that one which is
 * refused, or whose code is gone, can be looked at too; and so that looking sets nothing in motion.
 */
import { BrokenJournal } from '../../storage/journal.ts';
import type { JournalRecord, Position } from '../../storage/journal.ts';
import { checkpointKey } from '../../storage/keys.ts';
import { DamagedRow } from '../../storage/ledger.ts';
import { LINK_BYTES } from '../../storage/frame.ts';
import type { Chain } from '../../storage/ledger.ts';
import { asPosition, readCheckpoint } from '../checkpoint.ts';
import type { StoredCheckpoint } from '../checkpoint.ts';
import { JournalCorrupt, UnknownActor } from '../errors.ts';
import type { Runtime } from '../runtime.ts';

/** Where the journal of an actor ends. */
export interface Journal {
  readonly actor: number;
  readonly address: string;
  /** Its newest record; undefined for one that is still being born. */
  readonly end: Position | undefined;
  /** The newest frame that may be shown: records beyond it are not durable. */
  readonly durableFrame: number;
}

/**
 * The journal at an address, when everything that has happened there so far is on the disk.
 * @throws UnknownActor, JournalCorrupt
 */
export async function journalAt(runtime: Runtime, address: string): Promise<Journal> {
  const { actor } = journalNow(runtime, address);
  if ((runtime.population.present(actor)?.undurable ?? 0) > 0) await runtime.committer.durable();
  return journalNow(runtime, address);
}

/** The journal as far as it is on the disk now. @throws UnknownActor, JournalCorrupt */
export function journalNow(runtime: Runtime, address: string): Journal {
  runtime.assertOpen();
  const name = runtime.population.nameOf(address);
  if (name === undefined) throw new UnknownActor(address, 'nobody ever lived there');
  const durableFrame = runtime.committer.releasedFrame;
  return { actor: name.actor, address, end: endOf(runtime, name.actor, address, durableFrame), durableFrame };
}

function endOf(runtime: Runtime, actor: number, address: string, durableFrame: number): Position | undefined {
  const chain: Chain | undefined = runtime.population.present(actor) ?? runtime.tails.get(actor)?.head;
  if (chain === undefined) return coveredBy(checkpointOf(runtime, actor, address));
  const { seq, frame, offset } = chain;
  if (frame === undefined) return undefined;
  // Turns may have been taken since: their records are in memory, and have no link yet.
  const link = frame.number <= durableFrame ? frame.hash?.slice(0, LINK_BYTES) : undefined;
  return { seq, frame: frame.number, offset, link };
}

/** The record that a checkpoint covers. */
export const coveredBy = (checkpoint: StoredCheckpoint | undefined): Position | undefined =>
  checkpoint?.newest && asPosition(checkpoint.newest);

/** @throws JournalCorrupt */
export function checkpointOf(runtime: Runtime, actor: number, address: string): StoredCheckpoint | undefined {
  try {
    const row = runtime.ledger.get(checkpointKey(actor));
    return row && readCheckpoint(runtime.codec, row);
  } catch (error) {
    if (!(error instanceof DamagedRow)) throw error;
    throw new JournalCorrupt(address, { row: 'A', reason: error.reason }, { cause: error });
  }
}

/** The durable records beyond `downTo`, oldest first. @throws JournalCorrupt */
export function* recordsOf(
  runtime: Runtime,
  { actor, address, end, durableFrame }: Journal,
  downTo = 0,
): Generator<JournalRecord> {
  if (end === undefined) return;
  try {
    for (const record of runtime.journal.walk(actor, end, downTo)) {
      if (record.frame.number > durableFrame) return;
      yield record;
    }
  } catch (error) {
    throw error instanceof BrokenJournal ? error.corruptionOf(address) : error;
  }
}

/** What is left of a damaged journal may prove itself, though the rest is missing. @throws JournalCorrupt */
export function assertWhole({ quarantine }: Runtime, { actor, address }: Journal): void {
  const evidence = quarantine.evidenceOf(actor);
  if (evidence !== undefined) throw new JournalCorrupt(address, evidence);
}

/** The same, newest first: what lies behind a damaged record is not reached, what lies before it was given. */
export function* recordsBackOf(
  runtime: Runtime,
  { actor, address, end, durableFrame }: Journal,
  downTo = 0,
): Generator<JournalRecord> {
  if (end === undefined) return;
  try {
    for (const record of runtime.journal.walkBack(actor, end, downTo))
      if (record.frame.number <= durableFrame) yield record;
  } catch (error) {
    throw error instanceof BrokenJournal ? error.corruptionOf(address) : error;
  }
}
