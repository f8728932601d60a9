/**
 * Delivery: how events come to mailboxes. From outside, with a receipt; from steps, with the commit of the step; from
 * running processes, which wait for nothing. Whatever cannot be taken is refused here.
 */
import type { AnyEventObject } from 'xstate';
import { resourceAt } from './acting.ts';
import type { Acting } from './acting.ts';
import { AskedSends } from './asked-sends.ts';
import type { Cell } from './cell.ts';
import { currentSource, owedBySender } from './effects.ts';
import { ActorEnded, HeddleError, InvalidArgument, MailboxFull } from './errors.ts';
import type { PreparedEvent } from './events.ts';
import { Ref } from './kernel/ref.ts';
import { enqueue, Message } from './mailbox.ts';
import type { Birth } from './mailbox.ts';
import type { Receipt } from './receipt.ts';
import { rejectedReply, Reply } from './reply.ts';
import type { Runtime } from './runtime.ts';
import { SentOnce } from './sent-once.ts';
import { readTraceparent } from './trace.ts';
import type { GivenTrace } from './trace.ts';
import type { Cause } from './trailer.ts';
import type { Warrant } from './warrant.ts';
import { mayRun } from './standing.ts';
import { takeTurn } from './turn.ts';

/** What `send` may be given besides the event. */
export interface SendOptions {
  /** An idempotency id: sends to the same actor with the same id are applied once, across crashes. */
  readonly id?: string;
  /**
   * The W3C `traceparent` of the caller: what follows from the event belongs to its trace. Not needed inside of actions and
   * processes, which belong to one already.
   */
  readonly trace?: string;
}

/** Messages within the system may exceed the bound for outsiders, so that a flood from outside cannot stop its work. */
const INTERNAL_FACTOR = 10;

export class Delivery {
  readonly #runtime: Runtime;
  readonly #sentOnce: SentOnce;
  readonly #askedSends: AskedSends;
  /** What processes report while the fence is up. */
  #postponed: (() => void)[] = [];

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#sentOnce = new SentOnce(runtime);
    this.#askedSends = new AskedSends(runtime.options.mailboxCapacity);
  }

  // ---- from outside ---------------------------------------------------------------------------------------------

  /** @param acting on whose behalf, if not the program's */
  send(ref: Ref, event: AnyEventObject, options?: SendOptions, acting?: Acting): Promise<Receipt> {
    return this.#send(ref, event, options, acting, false);
  }

  /** The same for whoever looks after the actor: also what it reserves. */
  sendReserved(
    ref: Ref,
    event: AnyEventObject,
    options: SendOptions | undefined,
    acting: Acting | undefined,
  ): Promise<Receipt> {
    return this.#send(ref, event, options, acting, true);
  }

  #send(
    ref: Ref,
    event: AnyEventObject,
    options: SendOptions | undefined,
    acting: Acting | undefined,
    looksAfter: boolean,
  ): Promise<Receipt> {
    const runtime = this.#runtime;
    try {
      runtime.assertOpen();
      assertSendable(event);
      const prepared = runtime.events.prepare(event);
      const cell = runtime.cellOf(ref);
      if (!looksAfter) assertNotReserved(cell, event);
      assertMayBeAnswered(runtime, prepared.event);
      cell.definition.spec.accepts?.(prepared.event, acting?.principal);
      const trace = this.traceOf(options?.trace);
      const asks = acting ?? runtime.program;
      if (asks !== undefined && !asks.isActor)
        return this.#sendAsked(asks, ref, prepared, options?.id, trace);
      return this.#take(ref, prepared, options?.id, trace, undefined);
    } catch (error) {
      return this.#refuse(ref, event, error);
    }
  }

  /** The same for what was permitted as a part of something else, whose state is yet to come. */
  sendPermitted(ref: Ref, event: PreparedEvent, warrant: Warrant | undefined): Promise<Receipt> {
    try {
      const cell = this.#runtime.cellOf(ref);
      return this.#accept(cell, event, ref.life, undefined, undefined, warrant).reply.promise;
    } catch (error) {
      return this.#refuse(ref, event.event, error);
    }
  }

  /** Lets the decider say first whether it is permitted. @throws NotPermitted, MailboxFull, if that is known at once */
  #sendAsked(
    asks: Acting,
    ref: Ref,
    prepared: PreparedEvent,
    id: string | undefined,
    trace: GivenTrace | undefined,
  ): Promise<Receipt> {
    const { type } = prepared.event;
    const ask = () => asks.demand({ name: 'send', properties: { event: type } }, resourceAt(ref.address));
    let isTaken = false;
    const take = (warrant: Warrant | undefined): Promise<Receipt> => {
      this.#runtime.assertOpen();
      const receipt = this.#take(ref, prepared, id, trace, warrant);
      isTaken = true;
      return receipt;
    };
    const receipt = this.#askedSends.inOrder(ref.actor, ref.address, ask, take);
    // From here on its turn says what becomes of it.
    receipt.catch((error: unknown) => {
      if (!isTaken) this.#runtime.refusals.note('send', ref.address, error, prepared.event);
    });
    return receipt;
  }

  /** The same, and waits until it is taken: see `ahead.ts`. @throws ActorEnded, MailboxFull */
  async sendAhead(ref: Ref, prepared: PreparedEvent, warrant: Warrant | undefined): Promise<void> {
    this.#runtime.assertOpen();
    const cell = this.#runtime.cellOf(ref);
    await whenTaken(this.#accept(cell, prepared, ref.life, undefined, undefined, warrant, true));
  }

  #take(
    ref: Ref,
    prepared: PreparedEvent,
    id: string | undefined,
    trace: GivenTrace | undefined,
    warrant: Warrant | undefined,
  ): Promise<Receipt> {
    const cell = this.#runtime.cellOf(ref);
    const accept = (): Promise<Receipt> => {
      if (!cell.ended) cell.definition.spec.awaits?.(prepared.event, cell.snapshot);
      return this.#accept(cell, prepared, ref.life, id, trace, warrant).reply.promise;
    };
    return id === undefined ? accept() : this.#sentOnce.receipt(cell, id, accept);
  }

  #refuse(ref: Ref, event: AnyEventObject, error: unknown): Promise<never> {
    this.#runtime.refusals.note('send', ref.address, error, event);
    return rejectedReply(error);
  }

  /** The trace that a caller hands over, or is in because its code runs in an effect of another system. @throws InvalidArgument */
  traceOf(given: string | undefined): GivenTrace | undefined {
    if (given !== undefined) return readTraceparent(given, 'options.trace');
    const source = currentSource();
    if (source === undefined || source.causeIn(this.#runtime) !== undefined) return undefined;
    return readTraceparent(source.traceparent, 'traceparent');
  }

  /** Takes a message from outside: at once if nothing else waits, otherwise into the mailbox. */
  #accept(
    cell: Cell,
    { event, packed }: PreparedEvent,
    life: number,
    id: string | undefined,
    trace: GivenTrace | undefined,
    warrant: Warrant | undefined,
    isAhead = false,
  ): Asked {
    const { options, scheduler } = this.#runtime;
    if (cell.ended) throw new ActorEnded(cell.address, cell.snapshot!.status);
    if (!mayRun(cell)) this.#runtime.supervision.stayingDown.assertComingBack(cell);
    const size = cell.mailbox?.size ?? 0;
    if (size >= options.mailboxCapacity) throw new MailboxFull(cell.address, options.mailboxCapacity);
    const reply = new Reply(id, trace, warrant);
    const cause = trace === undefined ? currentSource()?.causeIn(this.#runtime) : undefined;
    const message = new Message(event, packed, life, cause, undefined, reply) as Asked;
    message.isAhead = isAhead;
    if (size === 0 && scheduler.isFree && mayRun(cell)) {
      message.taken = true;
      takeTurn(this.#runtime, cell, message);
    } else {
      this.#enqueue(cell, message);
      owedBySender(message);
    }
    return message;
  }

  /** Remembers the idempotency id of a send with the turn that is being put into the commit. */
  remember(cell: Cell, id: string, failed = false): void {
    this.#sentOnce.remember(cell, id, failed);
  }

  /** Brings a root actor to life. */
  bear(cell: Cell, birth: Birth, init: PreparedEvent, warrant?: Warrant): Promise<Receipt> {
    return this.#expect(cell, birth, init, warrant).reply.promise;
  }

  /** The same, and waits until its birth is taken: see `ahead.ts`. */
  bearAhead(cell: Cell, birth: Birth, init: PreparedEvent, warrant?: Warrant): Promise<void> {
    const message = this.#expect(cell, birth, init, warrant);
    message.isAhead = true;
    return whenTaken(message);
  }

  #expect(cell: Cell, birth: Birth, { event, packed }: PreparedEvent, warrant?: Warrant): Asked {
    const reply = new Reply(undefined, undefined, warrant);
    const message = new Message(event, packed, cell.life + 1, { kind: 'system' }, birth, reply) as Asked;
    this.#enqueue(cell, message);
    return message;
  }

  /** Sends something to an actor on behalf of the system, or of whoever has the warrant. */
  command(cell: Cell, command: AnyEventObject, warrant?: Warrant): Promise<Receipt> {
    const { event, packed } = this.#runtime.events.prepareHolder(command);
    const reply = new Reply(undefined, undefined, warrant);
    this.post(cell, new Message(event, packed, cell.life, { kind: 'system' }, undefined, reply));
    return reply.promise;
  }

  /** Lets a message wait for an actor that is in memory. */
  post(cell: Cell, message: Message): void {
    this.#enqueue(cell, message);
  }

  // ---- from within ----------------------------------------------------------------------------------------------

  /** Puts a message from a turn into the receiver's mailbox. It commits with the turn. */
  deliver(to: Ref, message: Message): void {
    const { committer, population } = this.#runtime;
    committer.sent(to.actor, message);
    try {
      this.#enqueue(population.load(to.actor, to.address), message);
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error;
      // The receiver is refused. The commit notes that the message is under way, so it waits in the store.
      this.#runtime.report(error, `a message for ${to.address} waits`);
    }
  }

  /** A timer of the actor is due. */
  ring(cell: Cell, message: Message): void {
    enqueue(cell, message);
    this.#runtime.scheduler.wakeInTurn(cell);
  }

  /**
   * A running process sends to an actor, or reports to itself. It may be anywhere by now, so it cannot be thrown at: when
   * what it sends cannot be taken, it fails.
   */
  relay(source: Ref | undefined, target: Ref, event: AnyEventObject): void {
    const { stopped, processes } = this.#runtime;
    if (stopped) return;
    if (source === undefined) return this.#relayFromOutside(target, event);
    if (source === target) return processes.report(source, event);
    const cause = processes.causeOf(source);
    if (cause === undefined) return;
    try {
      this.assertRoom(target);
      this.sendFrom(cause, target, event);
    } catch (error) {
      processes.fail(source, error);
    }
  }

  /** Nobody in the system sends it, so it is asked for like any other send from outside. */
  #relayFromOutside(target: Ref, event: AnyEventObject): void {
    if (this.#runtime.program === undefined) this.sendFrom(undefined, target, event);
    else void this.send(target, event);
  }

  /**
   * Sends an event whose sender waits for nothing.
   * @throws NotSerialisable, InvalidArgument; JournalCorrupt, StoryChanged when the receiver is refused; what the receiver does not accept
   */
  sendFrom(cause: Cause | undefined, target: Ref, event: AnyEventObject): void {
    const runtime = this.#runtime;
    if (runtime.stopped) return;
    const prepared = runtime.events.prepareHolder(event);
    if (!runtime.isFenced) this.#sendPrepared(cause, target, prepared);
    else this.#postponed.push(() => this.#sendPrepared(cause, target, prepared));
  }

  #sendPrepared(cause: Cause | undefined, target: Ref, { event, packed }: PreparedEvent): void {
    const cell = this.#runtime.population.load(target.actor, target.address);
    assertNotReserved(cell, event);
    assertMayBeAnswered(this.#runtime, event);
    cell.definition.spec.accepts?.(event);
    this.#enqueue(cell, new Message(event, packed, target.life, cause));
  }

  /**
   * Whether one more message from within may wait for an actor, behind those that are about to be sent.
   * @throws MailboxFull
   */
  assertRoom(to: Ref, ahead: readonly { readonly to: Ref }[] = []): void {
    const { options, population, isFenced } = this.#runtime;
    const capacity = options.mailboxCapacity * INTERNAL_FACTOR;
    const inMailbox = population.present(to.actor)?.mailbox?.size ?? 0;
    const waiting = isFenced ? this.#postponed.length : inMailbox;
    if (waiting + ahead.length < capacity) return;
    const behind = ahead.filter((message) => message.to.actor === to.actor).length;
    if (waiting + behind >= capacity) throw new MailboxFull(to.address, capacity);
  }

  #enqueue(cell: Cell, message: Message): void {
    enqueue(cell, message);
    this.#runtime.scheduler.wake(cell);
  }

  // ---- the fence ------------------------------------------------------------------------------------------------

  /** Everything that is not durable is given up. */
  forget(): void {
    this.#sentOnce.clear();
  }

  /** The store is proven: what processes have reported meanwhile is sent. */
  resume(): void {
    for (const post of this.#postponed.splice(0)) {
      try {
        post();
      } catch (error) {
        this.#runtime.report(error, 'what a process has reported was refused');
      }
    }
  }
}

/** A message for which somebody waits: it is made with a reply. */
type Asked = Message & { readonly reply: Reply };

/** @throws whatever its turn rejects the reply with */
async function whenTaken(message: Asked): Promise<void> {
  const { promise } = message.reply;
  if (!message.taken) {
    const others = message.whenTaken;
    await new Promise<void>((resolve) => {
      message.whenTaken = () => {
        others?.();
        resolve();
      };
      // The fence, or the end of the system.
      promise.catch(() => resolve());
    });
  }
  // Settled already if it was refused in its turn; otherwise it is not known before the commit is on the disk.
  await Promise.race([promise, undefined]);
}

/** Event types that only the runtime may send: with them an outsider could fake the end of a child or of the actor. */
const RESERVED = /^(xstate\.(init|stop|done|error|snapshot|after|promise|observable)(\.|$)|heddle\.)/;

/** @throws InvalidArgument */
function assertNotReserved({ address, definition }: Cell, { type }: AnyEventObject): void {
  const { reserves } = definition.spec;
  if (reserves.length === 0) return;
  const reserved = reserves.find(([beginning]) => type.startsWith(beginning));
  if (reserved === undefined) return;
  throw new InvalidArgument('event.type', `'${type}' is not for send to ${address}: use ${reserved[1]}`);
}

/**
 * Whoever is named in `from` is answered, in words of the same family (`permit.granted` after `permit.request`), and believes what comes from
 * within: so nobody outside has somebody say there what they could not say themselves.
 * @throws InvalidArgument; JournalCorrupt, StoryChanged when whoever is named is refused
 */
function assertMayBeAnswered(runtime: Runtime, { type, from }: AnyEventObject): void {
  if (!(from instanceof Ref)) return;
  const { address, definition } = runtime.cellOf(from);
  const family = type.slice(0, type.indexOf('.') + 1);
  const isOfIt = ([beginning]: readonly string[]) => beginning!.startsWith(family);
  const reserved = family === '' ? undefined : definition.spec.reserves.find(isOfIt);
  if (reserved === undefined) return;
  throw new InvalidArgument(
    'event.from',
    `must not be ${address}, to which '${reserved[0]}' is not for send: leave it out, and the answer is emitted`,
  );
}

/**
 * Whether an actor may be sent an event from outside, in whichever way.
 * @throws InvalidArgument; what the receiver does not accept
 */
export function assertMaySend(
  runtime: Runtime,
  cell: Cell,
  event: AnyEventObject,
  by?: Warrant['principal'],
): void {
  assertSendable(event);
  assertNotReserved(cell, event);
  assertMayBeAnswered(runtime, event);
  cell.definition.spec.accepts?.(event, by);
}

function assertSendable(event: AnyEventObject): void {
  const first = typeof event?.type === 'string' ? event.type.charCodeAt(0) : 0;
  // Most types begin with neither x nor h; this is asked for every send.
  if ((first === 120 || first === 104) && RESERVED.test(event.type)) {
    throw new InvalidArgument('event.type', `'${event.type}' is reserved: use a type of your own`);
  }
}
