/**
 * A mailbox: the messages that wait for an actor, first in, first out. And a message.
 */
import type { AnyEventObject } from 'xstate';
import type { Packed } from '../storage/codec.ts';
import type { Reply } from './reply.ts';
import type { Cause } from './trailer.ts';

/** An event on its way to an actor. */
export class Message {
  readonly event: AnyEventObject;
  /** The event's bytes, packed when the message is made, so that what is recorded is what was sent. Gone once it is. */
  packed: Packed;
  /** Which life of the actor it is meant for. */
  readonly life: number;
  readonly cause: Cause | undefined;
  /** For the first message of a life: what it is born as. */
  readonly birth: Birth | undefined;
  /** Whoever waits for the receipt. */
  readonly reply: Reply | undefined;
  /** Whether the store knows that it is under way, so that its end must be noted too. */
  noted = false;
  /** Whether it was taken out of the mailbox. */
  taken = false;
  /** Called right after its turn: what it did, or that it was dropped, is in the commit that is being filled. */
  whenTaken: (() => void) | undefined = undefined;
  /** The one behind it in the mailbox. */
  next: Message | undefined = undefined;

  constructor(
    event: AnyEventObject,
    packed: Packed,
    life: number,
    cause?: Cause,
    birth?: Birth,
    reply?: Reply,
  ) {
    this.event = event;
    this.packed = packed;
    this.life = life;
    this.cause = cause;
    this.birth = birth;
    this.reply = reply;
  }
}

/** What an actor is born as. Recorded with its first record. */
export interface Birth {
  readonly address: string;
  /** The registered name, then the name of each child's logic on the way down. */
  readonly path: readonly string[];
  readonly parent?: readonly [actor: number, life: number];
  readonly systemId?: string;
  readonly syncSnapshot?: boolean;
  /** Whether it runs as a process, which has to be started again after a crash. */
  readonly process?: boolean;
}

/** What is left of the bytes of an event that is recorded. */
export const RECORDED: Packed = Buffer.alloc(0);

/** A chain through the messages themselves: most mailboxes hold one message, and for no longer than a moment. */
export class Mailbox {
  #first: Message | undefined = undefined;
  #last: Message | undefined = undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(message: Message): void {
    if (this.#last === undefined) this.#first = message;
    else this.#last.next = message;
    this.#last = message;
    this.#size++;
  }

  shift(): Message | undefined {
    const message = this.#first;
    if (message === undefined) return undefined;
    this.#first = message.next;
    if (this.#first === undefined) this.#last = undefined;
    message.next = undefined;
    message.taken = true;
    this.#size--;
    return message;
  }

  /** What waits, without taking it. */
  waiting(): readonly Message[] {
    const messages: Message[] = [];
    for (let message = this.#first; message !== undefined; message = message.next) messages.push(message);
    return messages;
  }
}
