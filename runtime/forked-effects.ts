/**
 * The effects of a fork: which of its actions and processes are carried out, which wait, and which were done by its original.
 */
import type { AnyEventObject } from 'xstate';
import type { JournalRecord } from '../storage/journal.ts';
import type { Cell, OwedEffect, OwedTurn } from './cell.ts';
import { allDifferences } from './difference.ts';
import { HeddleError } from './errors.ts';
import { childAddress, rootOf } from './kernel/address.ts';
import type { Ref } from './kernel/ref.ts';
import type { Birth, ForkOf } from './mailbox.ts';
import { journalNow, recordsOf } from './past/reading.ts';
import type { Runtime } from './runtime.ts';
import { unpackTrailer } from './trailer.ts';
import type { ToldIntent } from './trailer.ts';

/** The order by which the effects of a fork are carried out that was held back. */
export const PERFORM = 'heddle.perform';

/** Whether an actor's effects wait. */
export const isHeldBack = ({ birth }: Cell): boolean => birth?.fork?.effects === 'hold';

/** Its effects wait no more. */
export function performing(birth: Birth): Birth {
  const { fork } = birth;
  return fork?.effects === 'hold' ? { ...birth, fork: { ...fork, effects: 'rerun' } } : birth;
}

/** Whom a child of a fork's actor stands for. @param earlier whoever lived at its address before */
export function forkOfChild(parent: Cell, { id }: Ref, earlier: Cell | undefined): ForkOf | undefined {
  const above = parent.birth?.fork;
  if (above === undefined) return undefined;
  const { seq = 1 } = earlier?.birth?.fork ?? {};
  return { address: childAddress(above.address, id), seq, effects: above.effects };
}

// ---- reuse --------------------------------------------------------------------------------------------------------

/** What an actor of a fork has to carry out of a turn: not what its original has done in the same story. */
export function leftToDo(runtime: Runtime, cell: Cell, { seq, effects }: OwedTurn): readonly OwedEffect[] {
  const { fork } = cell.birth!;
  if (fork?.effects !== 'reuse' || !isStillTheSame(runtime, cell, fork, seq)) return effects;
  return effects.filter(({ intent }) => intent.kind !== 'action');
}

/** How far the story of an actor is known to be that of its original. */
const followed = new WeakMap<Cell, { upTo: number; departed: boolean }>();

function isStillTheSame(runtime: Runtime, cell: Cell, fork: ForkOf, seq: number): boolean {
  const known = followed.get(cell) ?? { upTo: 1, departed: false };
  followed.set(cell, known);
  if (known.departed || seq <= known.upTo) return !known.departed;
  try {
    const own = recordsOf(runtime, withUndurable(cell), known.upTo);
    const original = recordsOf(runtime, journalNow(runtime, fork.address), known.upTo + fork.seq - 1);
    while (known.upTo < seq && !known.departed) {
      const mine = own.next().value;
      const its = original.next().value;
      known.departed =
        mine === undefined ||
        its === undefined ||
        !tellsTheSame(runtime, mine, its, nameOfOriginal(cell, fork));
      known.upTo++;
    }
  } catch (error) {
    // What cannot be compared is not the same.
    if (!(error instanceof HeddleError)) throw error;
    known.departed = true;
  }
  return !known.departed;
}

/** The turn whose effects are asked for is on the disk, though it may not be known as such yet. */
function withUndurable({ actor, address, seq, frame, offset }: Cell) {
  const end = { seq, frame: frame!.number, offset, link: undefined };
  return { actor, address, end, durableFrame: Infinity };
}

/** @param named what something in the fork is called in its original */
function tellsTheSame(
  { codec }: Runtime,
  mine: JournalRecord,
  its: JournalRecord,
  named: (text: string) => string,
): boolean {
  const told = ({ bytes, eventStart, eventEnd, trailer }: JournalRecord): unknown[] => [
    codec.unpack(bytes, eventStart, eventEnd),
    (unpackTrailer(codec, trailer).intents ?? []).map(withoutNumbers),
  ];
  return allDifferences(told(its), told(mine), '').every(
    ({ recorded, today }) => typeof today === 'string' && named(today) === recorded,
  );
}

/** What a fork calls by its own address, its original has called by the one that it had itself. */
function nameOfOriginal({ address }: Cell, fork: ForkOf): (text: string) => string {
  const [own, original] = [rootOf(address), rootOf(fork.address)];
  return (text) =>
    text.startsWith(own) && /^([/~#]|$)/.test(text.slice(own.length))
      ? original + text.slice(own.length)
      : text;
}

/** An intent without what is another in every telling: numbers of actors, and times. */
const withoutNumbers = (intent: ToldIntent): unknown[] => intent.filter((part) => typeof part !== 'number');

/** The recorded end of the promise that a fork's actor stands for, if it was given the same; undefined otherwise. */
export function recordedResult(runtime: Runtime, cell: Cell): AnyEventObject | undefined {
  const { birth, life, definition } = cell;
  if (birth?.fork?.effects !== 'reuse' || definition.host.kind !== 'promise') return undefined;
  try {
    let isSame = false;
    for (const record of recordsOf(runtime, journalNow(runtime, birth.fork.address))) {
      if (record.life !== life) continue;
      const event = runtime.events.unpack(record.bytes, record.eventStart, record.eventEnd);
      if (event.type === 'xstate.init') isSame = hasInput(runtime, cell, birth.fork, record);
      else if (isSame && /^xstate\.promise\.(resolve|reject)$/.test(event.type)) return event;
    }
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
  }
  return undefined;
}

/**
 * Whether a fork's actor was born with the same input as its original; or was forked itself, with all it was. That the fork is called
 * otherwise makes no difference.
 */
function hasInput(runtime: Runtime, cell: Cell, fork: ForkOf, original: JournalRecord): boolean {
  const [own] = recordsOf(runtime, withUndurable(cell), cell.bornSeq - 1);
  const isForked = unpackTrailer(runtime.codec, own!.trailer).image !== undefined;
  return isForked || tellsTheSame(runtime, own!, original, nameOfOriginal(cell, fork));
}
