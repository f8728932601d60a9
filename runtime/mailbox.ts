/**
 * A mailbox: the messages that wait for an actor, first in, first out. And a message.
 */
import type { AnyEventObject } from 'xstate';
import type { Packed } from '../storage/codec.ts';
import type { Reply } from './reply.ts';
import type { Cell } from './cell.ts';
import { isOrder, isUrgent, isUp } from './standing.ts';
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
  /** Whoever waits for it records something right after it, which is what needs a commit: see `ahead.ts`. */
  isAhead = false;
  /** The dead letter that is settled when it is applied. */
  letter: number | undefined = undefined;
  /** Changes rows in the commit of its turn. */
  alongside: (() => void) | undefined = undefined;
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
  /** The first life of which this one is a restart: what was sent to that one, and to those since, is meant for this. */
  readonly since?: number;
  /** The actor of the house that has started it, and hears of its end. */
  readonly starter?: number;
  /** The code that it runs: see `versions/codes.ts`. */
  readonly code?: number;
  /** What it is a fork of: see `past/fork.ts`. */
  readonly fork?: ForkOf;
}

/** Whom an actor of a fork stands for. */
export interface ForkOf {
  /** The original. */
  readonly address: string;
  /** The record of the original that its own first record stands for. */
  readonly seq: number;
  readonly effects: ForkEffects;
}

/**
 * What becomes of the actions and processes of a fork, owed and later:
 *
 * - `rerun`: they are carried out, under keys of their own;
 * - `reuse`: as long as the fork tells the story of its original, what that has done is not done again, and its promises get the
 *   recorded results;
 * - `hold`: they are recorded as owed, and wait for `system.perform`.
 */
export type ForkEffects = 'rerun' | 'reuse' | 'hold';

/** What is left of the bytes of an event that is recorded. */
export const RECORDED: Packed = Buffer.alloc(0);

/** Lets a message wait for an actor: behind the others, unless it must not wait. */
export function enqueue(cell: Cell, message: Message): void {
  const mailbox = (cell.mailbox ??= new Mailbox());
  // The orders for one that is down stay in order.
  if (isUrgent(message.event) || (!isUp(cell) && isOrder(message))) mailbox.pushAhead(message);
  else mailbox.push(message);
}

/** A chain through the messages themselves: most mailboxes hold one message, and for no longer than a moment. */
export class Mailbox {
  #first: Message | undefined = undefined;
  #last: Message | undefined = undefined;
  #size = 0;
  #orders = 0;

  get size(): number {
    return this.#size;
  }

  /** Whether something waits that also an actor takes that is down. */
  get hasOrders(): boolean {
    return this.#orders > 0;
  }

  push(message: Message): void {
    this.#insert(message, this.#last);
  }

  /** Puts a message before all that can wait, behind others like it. */
  pushAhead(message: Message): void {
    let before: Message | undefined;
    for (let other = this.#first; other !== undefined && isOrder(other); other = other.next) before = other;
    this.#insert(message, before);
  }

  #insert(message: Message, before: Message | undefined): void {
    if (before === undefined) {
      message.next = this.#first;
      this.#first = message;
    } else {
      message.next = before.next;
      before.next = message;
    }
    if (this.#last === before) this.#last = message;
    this.#size++;
    if (isOrder(message)) this.#orders++;
  }

  shift(): Message | undefined {
    const message = this.#first;
    if (message !== undefined) this.#take(message, undefined);
    return message;
  }

  /** Takes the first message that also an actor takes that is down. */
  shiftOrder(): Message | undefined {
    let before: Message | undefined;
    for (let message = this.#first; message !== undefined; message = message.next) {
      if (isOrder(message)) {
        this.#take(message, before);
        return message;
      }
      before = message;
    }
    return undefined;
  }

  /** Takes out what matches. */
  takeWhere(matches: (message: Message) => boolean): readonly Message[] {
    const taken: Message[] = [];
    let before: Message | undefined;
    for (let message = this.#first; message !== undefined;) {
      const { next } = message;
      if (matches(message)) {
        this.#take(message, before);
        taken.push(message);
      } else before = message;
      message = next;
    }
    return taken;
  }

  #take(message: Message, before: Message | undefined): void {
    if (before === undefined) this.#first = message.next;
    else before.next = message.next;
    if (this.#last === message) this.#last = before;
    message.next = undefined;
    message.taken = true;
    this.#size--;
    if (isOrder(message)) this.#orders--;
  }

  /** What waits, without taking it. */
  waiting(): readonly Message[] {
    const messages: Message[] = [];
    for (let message = this.#first; message !== undefined; message = message.next) messages.push(message);
    return messages;
  }
}
