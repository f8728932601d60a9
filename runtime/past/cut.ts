/**
 * A cut: an actor and all below it as they stood at one place in the ledger, with the messages that were under way among them.
 *
 * The ledger is one order of everything that has happened, so a place in it divides the past of all actors at once into before
 * and after: nothing is seen of an effect without its cause. What an actor was at the place is told from its journal. A message
 * was under way if it was sent before and taken later, or never: what the steps before have sent is told with them; what came
 * from elsewhere is found in the records that have taken it since.
 */
import type { AnyEventObject } from 'xstate';
import type { Packed } from '../../storage/codec.ts';
import type { Cell } from '../cell.ts';
import { InvalidArgument, StoryChanged } from '../errors.ts';
import type { PreparedEvent } from '../events.ts';
import { own } from '../image.ts';
import type { Ref } from '../kernel/ref.ts';
import type { Birth } from '../mailbox.ts';
import type { Story, TellableRecord } from '../retell.ts';
import { childrenOf, HALT, isUrgent, UP } from '../standing.ts';
import { disarmTimer } from '../timers.ts';
import type { Runtime } from '../runtime.ts';
import { messageKeyOf, unpackCause, unpackTrailer } from '../trailer.ts';
import type { Cause, MessageKey, StepCause } from '../trailer.ts';
import { birthOf } from '../turn.ts';
import type { ExportedActor } from './exported.ts';
import { isBefore, journalsFrom, placeOfRecord } from './ledger-order.ts';
import type { Place } from './ledger-order.ts';
import { checkpointOf, journalAt, recordsBackOf, recordsOf } from './reading.ts';
import type { Journal } from './reading.ts';
import { assertRecordOf, newcomer, Teller, toldFromBirth } from './telling.ts';

/** A message that was under way. */
export interface UnderWay {
  readonly to: { readonly actor: number; readonly address: string };
  readonly life: number;
  readonly type: string;
  readonly packed: Packed;
  readonly cause: StepCause;
  readonly birth?: Birth;
}

/** The same as a text tells it, in one of its lines. */
export interface AwaitedMessage extends UnderWay {
  readonly line: number;
}

/** A place in the ledger: a record of the actor itself, or of somebody below it. */
export interface Moment {
  readonly address: string;
  readonly seq: number;
}

/** A record of an actor itself by its number, or of somebody below it. @throws InvalidArgument */
export function momentAt(address: string, at: unknown, path: string): Moment {
  if (typeof at === 'number') return { address, seq: at };
  if (isMoment(at)) return at;
  const given = typeof at === 'string' ? `the text ${JSON.stringify(at)}` : typeof at;
  throw new InvalidArgument(
    path,
    `must be the number of a record, or { address, seq } of one below it, but is ${at === null ? 'null' : given}`,
  );
}

const isMoment = (at: unknown): at is Moment =>
  typeof at === 'object' && at !== null && 'address' in at && typeof at.address === 'string';

/** Somebody who lived at the place, or had lived before. */
export interface Member {
  readonly journal: Journal;
  /** As it was. */
  readonly cell: Cell;
}

export interface Cut {
  /** The record as of which it is, and whose it is. */
  readonly record: TellableRecord;
  readonly of: string;
  /** When the last of what it shows was recorded. */
  readonly at: number;
  /** By number; the actor itself first, parents before their children. */
  readonly members: ReadonlyMap<number, Member>;
  /** In the order in which they were sent. */
  readonly underWay: readonly UnderWay[];
}

/**
 * The actor and all below it as of a record of its own, or of one of them.
 * @throws InvalidArgument, StoryChanged when today's code cannot tell it, UnknownActor, JournalCorrupt
 */
export async function cutAt(runtime: Runtime, address: string, moment: Moment, path = 'at'): Promise<Cut> {
  if (!isWithin(address, moment.address))
    throw new InvalidArgument(
      path,
      `must be a record of ${address} or below it, but is of ${moment.address}`,
    );
  const journal = await journalAt(runtime, moment.address);
  assertRecordOf(journal, moment.seq, path);
  const [record] = recordsOf(runtime, journal, moment.seq - 1);
  const members = new Map<number, Member>();
  const post = new Post(runtime);
  const journals = await journalsFrom(runtime, address);
  // In a fork those below were there first: whoever looks at the first record of one of them finds everybody there.
  const [first] = recordsOf(runtime, journals[0]!, 0);
  const end = later(placeOfRecord(record!), placeOfRecord(first!));
  for (const one of journals) {
    const before = { ...one, end: lastUpTo(runtime, one, end) };
    if (before.end === undefined) continue;
    const told = await toldFromBirth(runtime, before, (story, its, cell) => post.read(story, its, cell));
    if (told!.difference !== undefined) throw new StoryChanged(one.address, told!.difference);
    members.set(one.actor, { journal: one, cell: told!.cell });
  }
  for (const one of journals) await post.lookBack(one, members, end);
  post.disarmWhatFired(members);
  const underWay = post.underWay(members);
  return { record: record!, of: moment.address, at: record!.at, members, underWay };
}

/**
 * The actors of an exported history as of its end.
 * @throws StoryChanged when today's code cannot tell it, UnknownActor
 */
export function cutOfExport(
  runtime: Runtime,
  actors: readonly ExportedActor[],
  awaited: readonly AwaitedMessage[],
): Cut {
  const members = new Map<number, Member>();
  const post = new Post(runtime);
  let at = 0;
  for (const { actor, address, records } of actors) {
    const journal = { actor, address, end: undefined, durableFrame: 0 };
    const cell = newcomer(runtime, journal, records[0]!);
    const teller = new Teller(runtime, cell, (story, record, its) => post.read(story, record, its));
    for (const record of records) teller.tell(record);
    if (teller.difference !== undefined) throw new StoryChanged(address, teller.difference);
    members.set(actor, { journal, cell });
    at = Math.max(at, records.at(-1)!.at);
  }
  const records = new Map(actors.map((one) => [one.actor, one.records]));
  for (const message of awaited) {
    const { actor, seq } = message.cause;
    post.add(message, records.get(actor)?.[seq - 1]);
  }
  post.disarmWhatFired(members);
  const { address: of, records: own } = actors[0]!;
  return { record: own.at(-1)!, of, at, members, underWay: post.underWay(members) };
}

const later = (one: Place, other: Place): Place => (isBefore(one, other) ? other : one);

/** The last record of a journal that stands at or before a place. */
function lastUpTo(runtime: Runtime, journal: Journal, end: Place): Journal['end'] {
  for (const record of recordsBackOf(runtime, journal)) {
    const place = placeOfRecord(record);
    if (!isBefore(end, place)) return { seq: record.seq, ...place, link: undefined };
  }
  return undefined;
}

/** A message with the place where it was sent. */
interface Sent extends UnderWay {
  readonly place: Place;
}

/** A message as it is found later. */
interface Found {
  readonly to: Journal;
  readonly life: number;
  readonly type: string;
  readonly packed: Packed;
  readonly cause: Cause | undefined;
  readonly birth?: Birth | undefined;
}

/** The messages among the actors of a cut. */
class Post {
  readonly #runtime: Runtime;
  readonly #sent = new Map<MessageKey, Sent>();
  /** What was taken before the cut. */
  readonly #taken: StepCause[] = [];
  /** The last message that was taken of a sender by a receiver: those before it have arrived, or were dropped. */
  readonly #newest = new Map<string, { readonly seq: number; readonly index: number }>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  // ---- before the cut ---------------------------------------------------------------------------------------------

  read({ trailer, intents, event }: Story, record: TellableRecord, cell: Cell): void {
    const { cause } = trailer;
    if (cause?.kind === 'actor') {
      this.#taken.push(cause);
      // Orders go ahead of what was sent before.
      if (!isUrgent(event)) this.#newest.set(`${cause.actor} ${cell.actor}`, cause);
    }
    const send = (to: Ref, its: AnyEventObject, index: number, birth?: Birth): void =>
      this.#send(cell, record, to, this.#runtime.events.prepareHolder(its), index, birth);
    intents.forEach((intent, index) => {
      switch (intent.kind) {
        case 'send':
          return send(intent.to, intent.event, index);
        case 'stop':
          return send(intent.ref, { type: 'xstate.stop' }, index);
        case 'spawn': {
          const { ref, input } = intent;
          const definition = cell.definition.child(ref.src);
          return (
            definition && send(ref, { type: 'xstate.init', input }, index, birthOf(cell, ref, definition))
          );
        }
      }
    });
    if (trailer.crash !== undefined || event.type.startsWith('heddle.')) return;
    let index = intents.length;
    if ('failure' in trailer)
      for (const child of childrenOf(cell.snapshot)) send(child, { type: 'xstate.stop' }, index++);
    this.#report(cell, record, index);
  }

  /** What a child tells its parent by itself. */
  #report(cell: Cell, record: TellableRecord, index: number): void {
    const { ref, snapshot, definition } = cell;
    const { id, _parent: parent } = ref;
    if (parent === undefined || snapshot === undefined) return;
    const { events } = this.#runtime;
    const { status, output, error } = snapshot;
    const tell = (event: PreparedEvent): void => this.#send(cell, record, parent, event, index, undefined);
    if (status === 'done')
      tell(events.prepareHolder({ type: `xstate.done.actor.${id}`, output, actorId: id }));
    if (status === 'error')
      tell(events.prepareHolder({ type: `xstate.error.actor.${id}`, error, actorId: id }));
    if (status === 'active' && ref._syncSnapshot) tell(events.snapshotEvent(ref, definition, snapshot));
  }

  #send(
    { actor, since, life, ref }: Cell,
    record: TellableRecord,
    to: Ref,
    { event, packed }: PreparedEvent,
    index: number,
    birth: Birth | undefined,
  ): void {
    // A parent knows its child by the first life, whatever restarts there were.
    const known = to === ref._parent ? since : life;
    const cause = { kind: 'actor', actor, seq: record.seq, index, life: known } as const;
    const sent = {
      to,
      life: to.life,
      type: event.type,
      packed: own(packed),
      cause,
      place: placeOfRecord(record),
    };
    this.#sent.set(messageKeyOf(cause)!, { ...sent, ...(birth && { birth }) });
  }

  /** What a text tells besides its records. @param record the one that has sent it, if it is in the text */
  add({ line, ...message }: AwaitedMessage, record: TellableRecord | undefined): void {
    const key = messageKeyOf(message.cause)!;
    const place = record === undefined ? { frame: line, offset: 0 } : placeOfRecord(record);
    if (!this.#sent.has(key)) this.#sent.set(key, { ...message, place });
  }

  // ---- since then -------------------------------------------------------------------------------------------------

  /** Finds what was taken after the cut, or waits still, though it was sent before, by others or in other ways. */
  async lookBack(journal: Journal, members: ReadonlyMap<number, Member>, end: Place): Promise<void> {
    const { codec } = this.#runtime;
    const told = members.get(journal.actor)?.cell.seq ?? 0;
    for (const record of recordsOf(this.#runtime, journal, told)) {
      const { cause, birth } = unpackTrailer(codec, record.trailer);
      const packed = own(record.bytes.subarray(record.eventStart, record.eventEnd));
      const { type } = codec.unpack(packed) as AnyEventObject;
      await this.#foundLater({ to: journal, life: record.life, type, packed, cause, birth }, members, end);
    }
    for (const waiting of this.#waitingFor(journal)) await this.#foundLater(waiting, members, end);
  }

  async #foundLater(
    { cause, birth, ...found }: Found,
    members: ReadonlyMap<number, Member>,
    end: Place,
  ): Promise<void> {
    if (cause?.kind !== 'actor' || this.#sent.has(messageKeyOf(cause)!)) return;
    if (found.type === HALT || found.type === UP || birth?.since !== undefined) return;
    const place = await this.#sentAt(cause, members, end);
    if (place === undefined) return;
    this.#sent.set(messageKeyOf(cause)!, { ...found, cause, place, ...(birth && { birth }) });
  }

  #waitingFor(journal: Journal): Found[] {
    const { population, tails, codec } = this.#runtime;
    const { actor, address } = journal;
    const present = population.present(actor);
    const waiting: readonly Omit<Found, 'to' | 'type'>[] = present?.mailbox?.waiting() ?? [
      ...(checkpointOf(this.#runtime, actor, address)?.inbox ?? []).map(({ life, cause, event, birth }) => ({
        ...{ life, packed: event, cause: unpackCause(cause), birth },
      })),
      ...(tails.get(actor)?.inbox.values() ?? []),
    ];
    return waiting.map(({ life, packed, cause, birth }) => {
      const { type } = codec.unpack(packed) as AnyEventObject;
      return { to: journal, life, type, packed: own(packed), cause, birth };
    });
  }

  /** Where it was sent, if that was before the cut. */
  async #sentAt(
    cause: StepCause,
    members: ReadonlyMap<number, Member>,
    end: Place,
  ): Promise<Place | undefined> {
    const sender = members.get(cause.actor);
    if (sender !== undefined) {
      if (cause.seq > sender.cell.seq || hasTimer(sender.cell, cause)) return undefined;
      const [record] = recordsOf(this.#runtime, sender.journal, cause.seq - 1);
      return placeOfRecord(record!);
    }
    const address = this.#runtime.population.addressOf(cause.actor);
    if (address === undefined) return undefined;
    const journal = await journalAt(this.#runtime, address);
    const [record] = recordsOf(this.#runtime, journal, cause.seq - 1);
    if (record === undefined || !isBefore(placeOfRecord(record), end)) return undefined;
    // A timer of somebody else: when it fired is not known, and the original has got it.
    const { intents } = unpackTrailer(this.#runtime.codec, record.trailer);
    return intents?.[cause.index]?.[0] === 'timer' ? undefined : placeOfRecord(record);
  }

  // ---- what is left -----------------------------------------------------------------------------------------------

  /** Timers that send to others leave a trace only in what the others have taken. */
  disarmWhatFired(members: ReadonlyMap<number, Member>): void {
    for (const { actor, seq, index } of this.#taken) disarmTimer(members.get(actor)?.cell.timers, seq, index);
  }

  underWay(members: ReadonlyMap<number, Member>): UnderWay[] {
    const root = [...members.values()][0]!.journal.address;
    const taken = new Set(this.#taken.map((cause) => messageKeyOf(cause)));
    return [...this.#sent]
      .filter(([key, { to, cause, birth }]) => {
        if (taken.has(key) || !isWithin(root, to.address)) return false;
        if (!members.has(to.actor) && birth === undefined) return false;
        const newest = this.#newest.get(`${cause.actor} ${to.actor}`);
        return newest === undefined || comesBefore(newest, cause);
      })
      .map(([, sent]) => sent)
      .sort(bySending);
  }
}

function hasTimer(
  { timers }: Cell,
  { seq, index }: { readonly seq: number; readonly index: number },
): boolean {
  return [...(timers?.values() ?? [])].some((timer) => timer.seq === seq && timer.index === index);
}

const isWithin = (root: string, address: string): boolean =>
  address === root || address.startsWith(`${root}/`);

/** Whoever has sent several in one record has said in which order. */
function bySending(a: Sent, b: Sent): number {
  if (isBefore(a.place, b.place)) return -1;
  if (isBefore(b.place, a.place)) return 1;
  if (a.cause.actor !== b.cause.actor) return a.cause.actor - b.cause.actor;
  return comesBefore(a.cause, b.cause) ? -1 : 1;
}

const comesBefore = (
  a: { readonly seq: number; readonly index: number },
  b: { readonly seq: number; readonly index: number },
): boolean => (a.seq === b.seq ? a.index < b.index : a.seq < b.seq);
