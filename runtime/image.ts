/**
 * An image: everything an actor is, as data. Its state, its timers, what it was born as, and whether it runs. Checkpoints hold
 * one; so do records that give an actor its state instead of telling how it came about.
 */
import type { Codec, Packed } from '../storage/codec.ts';
import type { Cell } from './cell.ts';
import { StoryChanged } from './errors.ts';
import type { Birth } from './mailbox.ts';
import type { Runtime } from './runtime.ts';
import type { Down } from './standing.ts';
import { armTimer } from './timers.ts';
import type { Origin } from './trace.ts';

/** As it is packed. Field names are on disk. */
export interface StoredImage {
  readonly birth: Birth | undefined;
  readonly bornAt: number;
  readonly bornSeq: number;
  readonly life: number;
  readonly lives: number;
  readonly booked: number;
  readonly attempt: number;
  /** For a process whose life belongs to another's trace. */
  readonly bornOrigin?: Origin;
  /** Only where they say something. */
  readonly standing?: StoredStanding;
  /** Undefined for an actor whose first message still waits. */
  readonly snapshot: Packed | undefined;
  readonly timers: readonly StoredTimer[];
}

export interface StoredStanding {
  readonly since: number;
  /** Packed by itself: an error is in it. Stores of the first release hold it as it is. */
  readonly down: Packed | Down | undefined;
  readonly window: readonly number[];
}

export interface StoredTimer {
  readonly id: string | undefined;
  readonly seq: number;
  readonly index: number;
  readonly dueAt: number;
  readonly to: readonly [address: string, actor: number, life: number];
  readonly event: Packed;
  readonly origin?: Origin;
}

/** @throws NotSerialisable */
export function imageOf({ events, codec }: Runtime, cell: Cell): StoredImage {
  const { birth, bornAt, bornSeq, bornOrigin, life, lives, booked, attempt, definition, snapshot } = cell;
  const standing = standingOf(codec, cell);
  return {
    birth,
    bornAt,
    bornSeq,
    life,
    lives,
    booked,
    attempt,
    ...(definition.isProcess && bornOrigin !== undefined && { bornOrigin }),
    ...(standing !== undefined && { standing }),
    snapshot: snapshot === undefined ? undefined : own(events.packSnapshot(definition, snapshot)),
    timers: [...(cell.timers?.values() ?? [])].map(({ id, seq, index, dueAt, to, event, origin }) => ({
      id,
      seq,
      index,
      dueAt,
      to: [to.address, to.actor, to.life] as const,
      event: own(events.prepare(event).packed),
      ...(origin !== undefined && { origin }),
    })),
  };
}

function standingOf(codec: Codec, { life, since, down, window }: Cell): StoredStanding | undefined {
  if (since === life && down === undefined && window.length === 0) return undefined;
  return { since, down: down && own(codec.packHolder(down, 'down')), window };
}

/** Bytes that stay as they are when the packer goes on. */
export function own(packed: Packed): Packed {
  return Buffer.from(packed);
}

/**
 * Makes a cell what the image says.
 * @throws StoryChanged when the state does not exist in today's machine
 */
export function fillFromImage(runtime: Runtime, cell: Cell, image: StoredImage): void {
  const { birth, bornAt, bornSeq, bornOrigin, life, lives, booked, attempt, snapshot, timers } = image;
  const { since, down: stored, window } = image.standing ?? { since: life, down: undefined, window: [] };
  const down = stored instanceof Uint8Array ? runtime.codec.unpack(stored) : stored;
  Object.assign(cell, {
    birth,
    bornAt,
    bornSeq,
    bornOrigin,
    life,
    lives,
    booked,
    attempt,
    since,
    down,
    window,
  });
  cell.snapshot = snapshot === undefined ? undefined : unpackState(runtime, cell, snapshot);
  cell.timers = undefined;
  for (const { id, seq, index, dueAt, to, event, origin } of timers) {
    const [address, actor, toLife] = to;
    const target = actor === cell.actor ? cell.ref : runtime.references.make(address, actor, toLife);
    const timer = { id, seq, index, dueAt, to: target, event: runtime.events.unpack(event), origin };
    armTimer((cell.timers ??= new Map()), timer);
  }
}

/** XState throws when a stored state does not exist in today's machine. */
function unpackState({ events }: Runtime, cell: Cell, snapshot: Packed): Cell['snapshot'] {
  try {
    return events.unpackSnapshot(cell.definition, cell.ref, snapshot);
  } catch (error) {
    const difference = { seq: cell.seq, path: 'value', recorded: (error as Error).message, today: undefined };
    throw new StoryChanged(cell.address, difference, { cause: error });
  }
}
