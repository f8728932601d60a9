/**
 * A viewer: one socket, what it was told, and what it still has to be told.
 *
 * For each actor it is in one of three states. _Unknown_: it has not heard of it. _Known_: it has seen its newest state, or that is
 * on the way, so the next turn can be shown as it is. _Stale_: it must be sent the newest state before anything else; that is so
 * for all actors when it comes, and for those of which it had no time to see the turns.
 *
 * What waits for a viewer that does not read is bounded: so many bytes in its socket, and for each actor one mark.
 */
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { InspectedActor } from '../../runtime/index.ts';

/** How many bytes may wait in a socket. */
const MAX_WAITING_BYTES = 1 << 20;

/** A viewer that has read nothing for so long is sent away. */
const PATIENCE_MS = 30_000;

/** Why a socket is closed: try again later, and going away. */
const TOO_SLOW = 1013;
const GOING_AWAY = 1001;

/** How long a viewer may take to say goodbye. */
const GOODBYE_MS = 250;

export class Viewer {
  readonly since = Date.now();
  /** Frames that were sent to it. */
  sent = 0;
  /** Turns that it was not shown one by one. */
  missed = 0;
  /** What is still to be looked through for actors that it does not know. */
  listing: Iterator<InspectedActor> | undefined;
  readonly #socket: WebSocket;
  readonly #pipe: Duplex;
  readonly #known = new Set<InspectedActor>();
  readonly #stale = new Set<InspectedActor>();
  /** Known and stale, but not in memory any more: forgotten when their last state is sent. By session. */
  readonly #leaving = new Map<string, InspectedActor>();
  #isCorked = false;
  #givenBytes = 0;
  /** How much it had read when that was looked at last, and since when it has been that much. */
  #readBytes = 0;
  #stalledSince: number | undefined;

  /** @param pipe what the socket writes to */
  constructor(socket: WebSocket, pipe: Duplex) {
    this.#socket = socket;
    this.#pipe = pipe;
  }

  get waitingBytes(): number {
    return this.#socket.bufferedAmount;
  }

  get hasRoom(): boolean {
    return this.#socket.readyState === WebSocket.OPEN && this.waitingBytes < MAX_WAITING_BYTES;
  }

  /** Whether there is something to send that is no turn. */
  get isBehind(): boolean {
    return this.#stale.size > 0 || this.listing !== undefined;
  }

  knows(actor: InspectedActor): boolean {
    return this.#known.has(actor);
  }

  isStale(actor: InspectedActor): boolean {
    return this.#stale.has(actor);
  }

  /** It has to be sent the newest state of an actor. */
  mark(actor: InspectedActor): void {
    this.#stale.add(actor);
  }

  /** An actor has left memory. What it was when it left can still be sent, but of one that the viewer never saw it is not. */
  left(actor: InspectedActor): void {
    if (!this.#known.has(actor)) this.#stale.delete(actor);
    else if (this.#stale.has(actor)) this.#leaving.set(actor.sessionId, actor);
    else this.#known.delete(actor);
  }

  /** An actor is back in memory: nothing older may be sent behind that. */
  woke(actor: InspectedActor): void {
    const earlier = this.#leaving.get(actor.sessionId);
    if (earlier !== undefined) this.#forget(earlier);
  }

  /** An actor that it must be sent the newest state of, if there is one. */
  next(): InspectedActor | undefined {
    const [first] = this.#stale as Iterable<InspectedActor>;
    return first;
  }

  /** Sends the frame that shows an actor as it is now. */
  show(actor: InspectedActor, frame: Buffer): void {
    this.#stale.delete(actor);
    this.#known.add(actor);
    if (this.#leaving.get(actor.sessionId) === actor) this.#forget(actor);
    this.send(frame);
  }

  #forget(actor: InspectedActor): void {
    this.#leaving.delete(actor.sessionId);
    this.#known.delete(actor);
    this.#stale.delete(actor);
  }

  send(frame: Buffer): void {
    // All frames of a slice go to the operating system at once.
    if (!this.#isCorked) this.#pipe.cork();
    this.#isCorked = true;
    this.#socket.send(frame, { binary: false });
    this.#givenBytes += frame.length;
    this.sent++;
  }

  flush(): void {
    if (this.#isCorked) this.#pipe.uncork();
    this.#isCorked = false;
  }

  /** Sends it away if it has not read anything for long. */
  checkPatience(now: number): void {
    const readBytes = this.#givenBytes - this.waitingBytes;
    const isReading = this.waitingBytes === 0 || readBytes > this.#readBytes;
    this.#readBytes = readBytes;
    if (isReading) this.#stalledSince = undefined;
    else if (now - (this.#stalledSince ??= now) >= PATIENCE_MS)
      void this.#leave(TOO_SLOW, 'too slow: nothing was read');
  }

  /** Closes it. Resolves when it is closed, whatever the viewer does. */
  close(): Promise<void> {
    this.flush();
    return this.#leave(GOING_AWAY, 'the inspector was closed');
  }

  #leave(code: number, reason: string): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#socket.terminate(), GOODBYE_MS);
      this.#socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#socket.close(code, reason);
    });
  }
}
