/**
 * An exported history, read again: everything in it that is told, once it has proven that it is whole.
 */
import { sha256 } from '../../storage/checksum.ts';
import type { Packed } from '../../storage/codec.ts';
import { HistoryDamaged } from '../errors.ts';
import type { TellableRecord } from '../retell.ts';
import type { StoredCode } from '../versions/codes.ts';
import { EXPORT_FORMAT } from './export.ts';
import type {
  AwaitsLine,
  CodeLine,
  EndLine,
  HeaderLine,
  LetterLine,
  RecordLine,
  SealLine,
} from './export.ts';

/** One actor of it. */
export interface ExportedActor {
  readonly actor: number;
  readonly address: string;
  readonly records: readonly TellableRecord[];
  readonly letters: readonly ExportedLetter[];
  /** What the states after its records hashed to, by record. */
  readonly states: ReadonlyMap<number, string>;
  /** The state that its story ends with, packed; undefined where that is not known. */
  readonly end: Packed | undefined;
}

/** An event that could not be applied. */
export interface ExportedLetter {
  readonly id: number;
  /** The record behind which that was. */
  readonly after: number;
  readonly at: number;
  readonly bytes: Packed;
  readonly error: string;
}

/** A message that nobody had taken by the end. */
export interface ExportedMessage {
  readonly to: { readonly actor: number; readonly address: string };
  /** A `StoredInboxMessage`. */
  readonly bytes: Packed;
  /** The line that it stands in. */
  readonly line: number;
}

export interface ExportedHistory {
  readonly root: string;
  /** The id of the store that it comes from. */
  readonly store: string;
  readonly codes: ReadonlyMap<number, StoredCode>;
  /** Parents before their children, so the root first. */
  readonly actors: readonly ExportedActor[];
  readonly awaited: readonly ExportedMessage[];
}

interface Reading {
  readonly root: string;
  readonly awaited: ExportedMessage[];
  readonly codes: Map<number, StoredCode>;
  readonly actors: Map<
    number,
    {
      actor: number;
      address: string;
      records: TellableRecord[];
      letters: ExportedLetter[];
      states: Map<number, string>;
      end: Packed | undefined;
    }
  >;
}

/** @throws HistoryDamaged */
export function readExported(text: string): ExportedHistory {
  const lines = text.split('\n');
  if (lines.at(-1) !== '')
    throw new HistoryDamaged(lines.length, 'it is cut off: it does not end with a line');
  const header = parsed(lines[0]!, 1) as Partial<HeaderLine>;
  if (header.heddle !== 'history' || typeof header.root !== 'string')
    throw new HistoryDamaged(1, 'it is no exported history');
  if (header.format !== EXPORT_FORMAT)
    throw new HistoryDamaged(
      1,
      `it has format ${String(header.format)}, and this release knows ${EXPORT_FORMAT}`,
    );
  const seal = lines.length - 2;
  const { sha256: sealed } = parsed(lines[seal]!, seal + 1) as Partial<SealLine>;
  const before = text.slice(0, text.length - lines[seal]!.length - 1);
  if (sealed === undefined) throw new HistoryDamaged(seal + 1, 'it is cut off: its last line is no seal');
  if (sealed !== sha256(before))
    throw new HistoryDamaged(seal + 1, 'it was changed: its seal is not that of its lines');
  const { root, store = '' } = header;
  const reading: Reading = { root, codes: new Map(), actors: new Map(), awaited: [] };
  for (let i = 1; i < seal; i++) read(reading, parsed(lines[i]!, i + 1) as Line, i + 1);
  // In a fork, and in what was imported, those below were there first.
  const actors = [...reading.actors.values()].toSorted((a, b) => depthOf(a) - depthOf(b));
  if (actors[0]?.address !== root) throw new HistoryDamaged(1, `it has no records of ${root}`);
  const { codes, awaited } = reading;
  return { root, store, codes, actors, awaited };
}

const depthOf = ({ address }: Pick<ExportedActor, 'address'>): number => address.split('/').length;

type Line = CodeLine | RecordLine | LetterLine | EndLine | AwaitsLine;

function parsed(line: string, number: number): object {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new HistoryDamaged(number, 'it is no JSON', { cause: error });
  }
  if (typeof value === 'object' && value !== null) return value;
  throw new HistoryDamaged(number, 'it is no object');
}

function read({ root, codes, actors, awaited }: Reading, line: Line, number: number): void {
  if ('code' in line) {
    const { code, ...stored } = line;
    codes.set(code, stored);
  } else if ('ends' in line) actorOf(actors, line.ends, number).end = bytesOf(line.state, number);
  else if ('letter' in line) {
    const { letter, actor, after, at, error } = line;
    const bytes = bytesOf(line.bytes, number);
    actorOf(actors, actor, number).letters.push({ id: letter, after, at, error, bytes });
  } else if ('awaits' in line) {
    const { awaits: actor, address, message } = line;
    assertIsIn(root, address, number);
    awaited.push({ to: { actor, address }, bytes: bytesOf(message, number), line: number });
  } else {
    const { actor, address } = line;
    assertIsIn(root, address, number);
    const known = actors.get(actor) ?? {
      actor,
      address,
      records: [],
      letters: [],
      states: new Map<number, string>(),
      end: undefined,
    };
    actors.set(actor, known);
    if (known.address !== address)
      throw new HistoryDamaged(number, `its actor was ${known.address} before, and is ${address} now`);
    if (line.seq !== known.records.length + 1)
      throw new HistoryDamaged(number, `record ${known.records.length + 1} of ${address} is missing`);
    known.records.push(tellable(line, number));
    if (line.state !== undefined) known.states.set(line.seq, line.state);
  }
}

function actorOf(actors: Reading['actors'], actor: number, number: number) {
  const known = actors.get(actor);
  if (known === undefined) throw new HistoryDamaged(number, `it is of an actor without records (#${actor})`);
  return known;
}

/** Whoever makes a text up takes with it no place of somebody else. */
function assertIsIn(root: string, address: unknown, number: number): asserts address is string {
  if (typeof address === 'string' && (address === root || address.startsWith(`${root}/`))) return;
  throw new HistoryDamaged(number, `it is of ${String(address)}, and not of ${root} or below it`);
}

function tellable({ actor, seq, life, at, bytes, trailer }: RecordLine, number: number): TellableRecord {
  const event = bytesOf(bytes, number);
  return {
    ...{ actor, seq, life, at, bytes: event, eventStart: 0, eventEnd: event.length, offset: 0 },
    trailer: trailer === undefined ? undefined : bytesOf(trailer, number),
    // Where it stood in its store is of no account; its line tells the order.
    frame: { number, hash: undefined },
  };
}

function bytesOf(text: unknown, number: number): Buffer {
  if (typeof text === 'string' && text !== '') return Buffer.from(text, 'base64');
  throw new HistoryDamaged(number, 'what was recorded is not there');
}
