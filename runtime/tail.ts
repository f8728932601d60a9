/**
 * Tails: what the ledger holds of actors beyond their checkpoints, as recovery finds it. An actor's tail is used up when
 * the actor is loaded; nothing is decoded that is not needed before.
 */
import type { Codec, Packed } from '../storage/codec.ts';
import { EntryKind } from '../storage/frame.ts';
import type { StoredEntry, StoredRecord } from '../storage/frame.ts';
import type { Chain } from '../storage/ledger.ts';
import type { StoredImage } from './image.ts';
import { Message } from './mailbox.ts';
import type { Birth } from './mailbox.ts';
import { readNote } from './notes.ts';
import type { Note } from './notes.ts';
import { UP } from './standing.ts';
import { messageKeyOf, unpackTrailer } from './trailer.ts';
import type { Cause, MessageKey, Trailer } from './trailer.ts';

/** What is known of one actor beyond its checkpoint. */
export class Tail {
  /** The end of its history; undefined when there is no record beyond the checkpoint. */
  head: Chain | undefined = undefined;
  /** Messages under way to it, in the order in which they were sent. */
  readonly inbox = new Map<MessageKey, StoredMessage>();
  /** Messages that were taken, recorded or not: a checkpoint may still hold them as waiting. */
  readonly taken = new Set<MessageKey>();
  readonly settled = new Set<number>();
  readonly fired: (readonly [seq: number, index: number])[] = [];
  /** Records that owe actions or emits. */
  readonly owing = new Set<number>();
  /** The first time at which it may have to be woken. */
  earliestDueMs = Infinity;
  /** Whether a process was born and has not ended. */
  runsProcess = false;
  /** Whether it has failed, and somebody must bring it up. */
  isDown = false;

  /** Whether it has something to do now. */
  get mustResume(): boolean {
    if (this.inbox.size > 0 || this.runsProcess || this.isDown) return true;
    for (const seq of this.owing) if (!this.settled.has(seq)) return true;
    return false;
  }
}

/** A message under way, as it is stored. */
export interface StoredMessage {
  readonly life: number;
  readonly cause: Cause;
  readonly packed: Packed;
  readonly birth: Birth | undefined;
}

/** The tails of a store. Fed by recovery, entry by entry. */
export class Tails {
  readonly #codec: Codec;
  readonly #tails = new Map<number, Tail>();

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  get size(): number {
    return this.#tails.size;
  }

  get(actor: number): Tail | undefined {
    return this.#tails.get(actor);
  }

  /** A message is under way to an actor that is refused: what the ledger holds of it must stay. */
  hold(actor: number, message: StoredMessage): void {
    this.#tail(actor).inbox.set(messageKeyOf(message.cause)!, message);
  }

  /** Hands the tail over to whoever loads the actor. */
  take(actor: number): Tail | undefined {
    const tail = this.#tails.get(actor);
    this.#tails.delete(actor);
    return tail;
  }

  entries(): Iterable<readonly [actor: number, tail: Tail]> {
    return this.#tails;
  }

  /** Takes in the next entry of the ledger. Returns the address of the root actor whose birth it records. */
  visit(entry: StoredEntry): string | undefined {
    if (entry.kind === EntryKind.Record) return this.#record(entry);
    const note = readNote(this.#codec, entry);
    if (note.kind === 'checkpointed') this.#tails.delete(entry.actor);
    else this.#note(entry.actor, note);
    return undefined;
  }

  #note(actor: number, note: Exclude<Note, { kind: 'checkpointed' }>): void {
    const tail = this.#tail(actor);
    switch (note.kind) {
      case 'message':
        tail.inbox.set(messageKeyOf(note.cause)!, { ...note, birth: note.birth });
        break;
      case 'taken':
        take(tail, note.cause);
        break;
      case 'settled':
        tail.settled.add(note.seq);
        break;
      case 'fired':
        tail.fired.push([note.seq, note.index]);
        break;
    }
  }

  /** Says where histories end, which recovery knows when it has read everything. */
  setHeads(heads: ReadonlyMap<number, Chain>): void {
    for (const [actor, tail] of this.#tails) tail.head = heads.get(actor);
  }

  #record(record: StoredRecord): string | undefined {
    const tail = this.#tail(record.actor);
    if (record.trailer === undefined) return undefined;
    const trailer = unpackTrailer(this.#codec, record.trailer);
    take(tail, trailer.cause);
    if (trailer.birth !== undefined) tail.runsProcess = trailer.birth.process ?? false;
    if (trailer.ends === true) tail.runsProcess = false;
    if (trailer.crash !== undefined) tail.isDown = trailer.crash.upAt === undefined;
    else if (tail.isDown && this.#comesUp(record, trailer)) tail.isDown = false;
    if (trailer.crash?.upAt !== undefined)
      tail.earliestDueMs = Math.min(tail.earliestDueMs, trailer.crash.upAt);
    this.#intents(tail, record.seq, trailer);
    if (trailer.image !== undefined) lookAtImage(tail, trailer.image);
    return trailer.birth?.parent === undefined ? trailer.birth?.address : undefined;
  }

  /** Whether an actor that was down is not any more. Of few records the event is looked at. */
  #comesUp({ bytes, eventStart, eventEnd }: StoredRecord, { birth, ends }: Trailer): boolean {
    if (birth !== undefined || ends === true) return true;
    return (this.#codec.unpack(bytes, eventStart, eventEnd) as Message['event']).type === UP;
  }

  #intents(tail: Tail, seq: number, { intents = [] }: Trailer): void {
    for (const intent of intents) {
      switch (intent[0]) {
        case 'action':
        case 'emit':
          tail.owing.add(seq);
          break;
        case 'timer':
          tail.earliestDueMs = Math.min(tail.earliestDueMs, intent[2]);
          break;
      }
    }
  }

  #tail(actor: number): Tail {
    let tail = this.#tails.get(actor);
    if (tail === undefined) this.#tails.set(actor, (tail = new Tail()));
    return tail;
  }
}

/** What a record gives its actor besides a state. */
function lookAtImage(tail: Tail, { timers, standing }: StoredImage): void {
  for (const { dueAt } of timers) tail.earliestDueMs = Math.min(tail.earliestDueMs, dueAt);
  if (standing !== undefined) tail.isDown = standing.down !== undefined;
}

function take(tail: Tail, cause: Cause | undefined): void {
  const key = messageKeyOf(cause);
  if (key === undefined) return;
  // A message that is taken in the commit that sent it is never noted; one that was noted is not needed any more.
  if (!tail.inbox.delete(key)) tail.taken.add(key);
}

/** A stored message, ready to be delivered. */
export function messageFrom(stored: StoredMessage, event: Message['event']): Message {
  const message = new Message(event, stored.packed, stored.life, stored.cause, stored.birth);
  message.noted = true;
  return message;
}
