/**
 * Exports: the history of an actor and of all below it as one text, to be kept with the code, sent to somebody, or told again by
 * other code than that of the system it comes from.
 *
 * A text of lines, each a JSON object. What is told again are the bytes of the records, as base64; beside them stands what they say,
 * for people and for diffs. The last line is a SHA-256 over all before it.
 *
 *     {"heddle":"history","format":1,"root":"order/7",…}          what it is
 *     {"code":3,"path":["order"],"version":1,…}                   each code that the records name
 *     {"actor":5,"address":"order/7","seq":1,…}                   each record, in the order in which it happened
 *     {"letter":9,"actor":5,"after":12,…}                         each event that could not be applied
 *     {"ends":5,"state":"…"}                                      the state that each story ends with, where it is known
 *     {"awaits":6,"address":"order/7/payment",…}                  each message that nobody had taken by then
 *     {"sha256":"…"}
 */
import type { AnyEventObject } from 'xstate';
import { sha256 } from '../../storage/checksum.ts';
import type { JournalRecord } from '../../storage/journal.ts';
import type { Cell } from '../cell.ts';
import type { StoredInboxMessage } from '../checkpoint.ts';
import { messageOf, StoryChanged, UnknownActor } from '../errors.ts';
import { readCell } from '../restore.ts';
import { RECODED } from '../retell.ts';
import type { Runtime } from '../runtime.ts';
import { packCause, unpackTrailer } from '../trailer.ts';
import type { StoredCode } from '../versions/codes.ts';
import { cutAt } from './cut.ts';
import type { UnderWay } from './cut.ts';
import { inLedgerOrder, journalsFrom } from './ledger-order.ts';
import { journalAt } from './reading.ts';
import type { Journal } from './reading.ts';
import { assertRecordOf, toldFromBirth } from './telling.ts';

export const EXPORT_FORMAT = 1;

export interface ExportOptions {
  /** The last record of the actor; what happened below it until then comes along. Default: everything. */
  readonly to?: number;
}

// The lines, as they are written and read. Field names are in files that people keep.
export interface HeaderLine {
  readonly heddle: 'history';
  readonly format: number;
  readonly root: string;
  readonly store: string;
  readonly exportedAt: string;
}
export interface CodeLine extends Omit<StoredCode, 'retired'> {
  readonly code: number;
}
export interface RecordLine {
  readonly actor: number;
  readonly address: string;
  readonly seq: number;
  readonly life: number;
  readonly at: number;
  /** For people. */
  readonly event: unknown;
  readonly bytes: string;
  readonly trailer?: string;
  /** What the state after it hashes to, where the code could tell it. */
  readonly state?: string;
}
export interface LetterLine {
  readonly letter: number;
  readonly actor: number;
  /** The record behind which the event could not be applied. */
  readonly after: number;
  readonly at: number;
  readonly event: unknown;
  readonly bytes: string;
  readonly error: string;
}
export interface EndLine {
  readonly ends: number;
  readonly state: string;
}
/** Most of them the records tell as well; of those that a fork began with, and those from outside, only this does. */
export interface AwaitsLine {
  /** Who awaits it. It may be yet to be born. */
  readonly awaits: number;
  readonly address: string;
  /** For people. */
  readonly event: unknown;
  /** A {@link StoredInboxMessage}. */
  readonly message: string;
}
export interface SealLine {
  readonly sha256: string;
}

/** @throws UnknownActor, JournalCorrupt, InvalidArgument */
export async function exported(
  runtime: Runtime,
  address: string,
  { to = Infinity }: ExportOptions = {},
): Promise<string> {
  if (to !== Infinity) assertRecordOf(await journalAt(runtime, address), to, 'to');
  const journals = await journalsFrom(runtime, address);
  const lines: string[] = [];
  const write = (line: object): void => void lines.push(JSON.stringify(line));
  const header: HeaderLine = {
    heddle: 'history',
    format: EXPORT_FORMAT,
    root: address,
    store: runtime.ledger.id,
    exportedAt: new Date(runtime.clock.now()).toISOString(),
  };
  write(header);
  const hashes = await stateHashes(runtime, journals);
  const codes = new Set<number>();
  const records: RecordLine[] = [];
  for await (const [whose, record] of inLedgerOrder(runtime, address, { from: 1, to, reverse: false })) {
    const code = codeNamedIn(runtime, record);
    if (code !== undefined) codes.add(code);
    const hash = hashes.get(`${record.actor}:${record.seq}`);
    records.push({ ...recordLine(runtime, whose, record), ...(hash !== undefined && { state: hash }) });
  }
  for (const code of codes) {
    const stored = runtime.codes.whole(code);
    if (stored === undefined) continue;
    const { path, version, hash, parts, since } = stored;
    write({ code, path, version, hash, parts, since } satisfies CodeLine);
  }
  records.forEach(write);
  const last = new Map(records.map(({ actor, seq }) => [actor, seq]));
  for await (const letter of letterLines(runtime, journals))
    if (letter.after <= (last.get(letter.actor) ?? 0)) write(letter);
  for (const journal of journals) {
    const state = last.get(journal.actor) === journal.end?.seq ? stateAtEnd(runtime, journal) : undefined;
    if (state !== undefined) write({ ends: journal.actor, state } satisfies EndLine);
  }
  for (const message of await underWayAt(runtime, address, records.at(-1)!))
    write(awaitsLine(runtime, message));
  const text = lines.map((line) => `${line}\n`).join('');
  return `${text}${JSON.stringify({ sha256: sha256(text) } satisfies SealLine)}\n`;
}

function codeNamedIn({ codec }: Runtime, record: JournalRecord): number | undefined {
  const { birth, image } = unpackTrailer(codec, record.trailer);
  const named = (image?.birth ?? birth)?.code;
  if (named !== undefined) return named;
  const event = codec.unpack(record.bytes, record.eventStart, record.eventEnd) as AnyEventObject;
  return event.type === RECODED ? (event['code'] as number) : undefined;
}

function recordLine({ codec }: Runtime, address: string, record: JournalRecord): RecordLine {
  const { actor, seq, life, at, bytes, eventStart, eventEnd, trailer } = record;
  return {
    ...{ actor, address, seq, life, at },
    event: readable(codec.unpack(bytes, eventStart, eventEnd)),
    bytes: base64(bytes.subarray(eventStart, eventEnd)),
    ...(trailer !== undefined && { trailer: base64(trailer) }),
  };
}

async function* letterLines(runtime: Runtime, journals: readonly Journal[]): AsyncGenerator<LetterLine> {
  const actors = new Map(journals.map(({ address, actor }) => [address, actor]));
  for await (const { id, address, at, reason, event, error, seq } of runtime.deadLetters.list()) {
    const actor = actors.get(address);
    if (actor === undefined || reason !== 'step' || seq === undefined) continue;
    const bytes = runtime.codec.packHolder(event, 'event');
    yield {
      letter: id,
      actor,
      after: seq,
      at,
      event: readable(event),
      bytes: base64(bytes),
      error: messageOf(error),
    };
  }
}

/** What was under way when the last record was made, as far as today's code can tell. */
async function underWayAt(
  runtime: Runtime,
  address: string,
  last: Pick<RecordLine, 'address' | 'seq'>,
): Promise<readonly UnderWay[]> {
  try {
    return (await cutAt(runtime, address, last)).underWay;
  } catch (error) {
    // Its code is gone, or tells another story: it is exported all the same.
    if (error instanceof UnknownActor || error instanceof StoryChanged) return [];
    throw error;
  }
}

function awaitsLine({ codec }: Runtime, { to, life, packed, cause, birth }: UnderWay): AwaitsLine {
  const message: StoredInboxMessage = { life, cause: packCause(cause), event: packed, birth };
  return {
    awaits: to.actor,
    address: to.address,
    event: readable(codec.unpack(packed)),
    message: base64(codec.packAs(0, message)),
  };
}

/** What the states after all records hash to, as far as today's code tells them. */
async function stateHashes(
  runtime: Runtime,
  journals: readonly Journal[],
): Promise<ReadonlyMap<string, string>> {
  const hashes = new Map<string, string>();
  for (const journal of journals) {
    try {
      await toldFromBirth(runtime, journal, (_, { actor, seq }, cell) => {
        const hash = stateHash(runtime, cell);
        if (hash !== undefined) hashes.set(`${actor}:${seq}`, hash);
      });
    } catch (error) {
      // Its code is gone: it is exported all the same.
      if (!(error instanceof UnknownActor || error instanceof StoryChanged)) throw error;
    }
  }
  return hashes;
}

const HASH_CHARACTERS = 16;

/** Tells states apart, in whatever process they are told. */
export function stateHash({ events }: Runtime, { definition, snapshot }: Cell): string | undefined {
  if (snapshot === undefined) return undefined;
  return sha256(events.packSnapshot(definition, snapshot)).slice(0, HASH_CHARACTERS);
}

/** The state with which the story ends, packed; undefined for those that today's code refuses, or that are in the middle. */
function stateAtEnd(runtime: Runtime, { actor, address }: Journal): string | undefined {
  try {
    const { definition, committed } =
      runtime.population.present(actor) ?? readCell(runtime, actor, address).cell;
    return committed && base64(runtime.events.packSnapshot(definition, committed));
  } catch (error) {
    if (error instanceof StoryChanged || error instanceof UnknownActor) return undefined;
    throw error;
  }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** As JSON can say it: this is for people. */
function readable(value: unknown): unknown {
  const text = JSON.stringify(value, (_, item: unknown) => {
    if (typeof item === 'bigint') return `${item}n`;
    if (item instanceof Map) return [...item];
    if (item instanceof Set) return [...item];
    if (item instanceof Error) return { name: item.name, message: item.message };
    if (typeof item === 'object' && item !== null && ArrayBuffer.isView(item))
      return `${item.byteLength} bytes`;
    return item;
  });
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}
