/**
 * Checking: an exported history told again by code that may be another. Needs no store and no system; for tests and for CI.
 *
 * `check` asks whether the code tells the recorded story. `reproduce` asks whether what has failed in it still fails.
 */
import { memory } from '../../storage/memory.ts';
import { firstDifference } from '../difference.ts';
import { messageOf } from '../errors.ts';
import type { Difference } from '../errors.ts';
import { Cell } from '../cell.ts';
import { beginLife, stepAgain } from '../retell.ts';
import type { Story, TellableRecord } from '../retell.ts';
import type { Runtime } from '../runtime.ts';
import { openSystem, internals } from '../system.ts';
import type { ActorDefinitions } from '../system-options.ts';
import { messageKeyOf, unpackTrailer } from '../trailer.ts';
import type { MessageKey } from '../trailer.ts';
import { stateHash } from './export.ts';
import { readExported } from './exported.ts';
import type { ExportedActor, ExportedHistory } from './exported.ts';
import type { ReplayResult } from './replay.ts';
import { newcomer, stateDifference, Teller } from './telling.ts';

export interface CheckOptions {
  readonly actors: ActorDefinitions;
  /** The text of an exported history. */
  readonly history: string;
}

/** Whether the code tells the story of each actor in it. @throws HistoryDamaged, UnknownActor when logic is missing */
export function check(options: CheckOptions): Promise<ReplayResult[]> {
  return looking(options, (runtime, { actors }) => {
    const letters = new Letters(runtime, actors);
    return actors.map((actor) => tellAll(runtime, actor, letters));
  });
}

/** Something that has failed. */
export interface RecordedFailure {
  readonly address: string;
  /** The record that failed, or behind which an event could not be applied. */
  readonly seq: number;
  /** The type of the event. */
  readonly event: string;
  /** What it failed with today. */
  readonly error: string;
}

export interface Reproduction {
  /** What failed then and still does. Empty: it is mended. */
  readonly failures: readonly RecordedFailure[];
  /** Where the code departs from the rest of the story. */
  readonly differences: readonly (Difference & { readonly address: string })[];
}

/** Takes every step again that has failed in an exported history, with the code as it is. @throws as check */
export function reproduce(options: CheckOptions): Promise<Reproduction> {
  return looking(options, (runtime, { actors }) => {
    const found = actors.map((actor) => new Attempt(runtime, actor).run());
    return {
      failures: found.flatMap(({ failures }) => failures),
      differences: found.flatMap(({ differences }) => differences),
    };
  });
}

/** Opens a system of nobody, whose code looks at the history. */
async function looking<T>(
  { actors, history }: CheckOptions,
  look: (runtime: Runtime, history: ExportedHistory) => T,
): Promise<T> {
  const read = readExported(history);
  const system = await openSystem({ store: memory(), actors, paused: true, logger: SILENT });
  try {
    const runtime = internals.get(system)!;
    for (const [number, code] of read.codes) runtime.codes.learn(number, code);
    return look(runtime, read);
  } finally {
    await system.close();
  }
}

const SILENT = { log: () => {}, error: () => {} };

function tellAll(runtime: Runtime, exported: ExportedActor, letters: Letters): ReplayResult {
  const { address, records } = exported;
  const cell = newcomer(runtime, exported, records[0]!);
  let told = 0;
  let other: Difference | undefined;
  const teller = new Teller(runtime, cell, (story, record) => {
    told++;
    other ??= letters.difference(story, record) ?? differentState(runtime, cell, exported);
  });
  for (const record of records) teller.tell(record);
  if (teller.difference !== undefined)
    return { address, records: told + 1, same: false, difference: other ?? teller.difference };
  // The end says what is different; a hash on the way, since when.
  const atEnd = differenceAtEnd(runtime, cell, exported);
  const difference =
    other?.path === 'state' && atEnd !== undefined ? { ...atEnd, seq: other.seq } : (other ?? atEnd);
  return { address, records: told, same: difference === undefined, difference };
}

/** What was sent from one actor of a history to another: what the receivers have recorded must be what is sent today. */
class Letters {
  readonly #runtime: Runtime;
  readonly #received = new Map<MessageKey, TellableRecord>();

  constructor(runtime: Runtime, actors: readonly ExportedActor[]) {
    this.#runtime = runtime;
    for (const record of actors.flatMap(({ records }) => records)) {
      const { cause } = unpackTrailer(runtime.codec, record.trailer);
      if (cause?.kind === 'actor') this.#received.set(messageKeyOf(cause)!, record);
    }
  }

  /** The first message of a step that was another back then. */
  difference({ intents }: Story, { actor, seq }: TellableRecord): Difference | undefined {
    for (let index = 0; index < intents.length; index++) {
      const intent = intents[index]!;
      const received = this.#received.get(`${actor}:${seq}:${index}`);
      if (received === undefined) continue;
      const event = this.#runtime.events.unpack(received.bytes, received.eventStart, received.eventEnd);
      const path = `intents[${index}]`;
      const difference =
        intent.kind === 'send'
          ? firstDifference(event, intent.event, `${path}.event`)
          : intent.kind === 'spawn'
            ? firstDifference(event['input'], intent.input, `${path}.input`)
            : undefined;
      if (difference !== undefined) return { seq, ...difference };
    }
    return undefined;
  }
}

/** Whether the state after a record is another than it was. */
function differentState(runtime: Runtime, cell: Cell, { states }: ExportedActor): Difference | undefined {
  const { seq } = cell;
  const recorded = states.get(seq);
  const today = recorded === undefined ? undefined : stateHash(runtime, cell);
  return recorded === today ? undefined : { seq, path: 'state', recorded, today };
}

function differenceAtEnd(runtime: Runtime, cell: Cell, { end }: ExportedActor): Difference | undefined {
  if (end === undefined) return undefined;
  try {
    return stateDifference(cell, runtime.events.unpackSnapshot(cell.definition, cell.ref, end));
  } catch (error) {
    return { seq: cell.seq, path: 'value', recorded: messageOf(error), today: undefined };
  }
}

/** One actor, whose failing steps are taken again. */
class Attempt {
  readonly #runtime: Runtime;
  readonly #exported: ExportedActor;
  readonly #cell: Cell;
  readonly #failures: RecordedFailure[] = [];
  readonly #differences: (Difference & { readonly address: string })[] = [];

  constructor(runtime: Runtime, exported: ExportedActor) {
    this.#runtime = runtime;
    this.#exported = exported;
    this.#cell = newcomer(runtime, exported, exported.records[0]!);
  }

  run(): Reproduction {
    const { records, letters, address } = this.#exported;
    const teller = new Teller(this.#runtime, this.#cell);
    for (const record of records) {
      if (this.#hasFailed(record)) this.#try(record);
      teller.tell(record);
      for (const letter of letters.filter(({ after }) => after === record.seq))
        this.#try(asRecord(record, letter));
      if (teller.difference !== undefined) break;
    }
    if (teller.difference !== undefined) this.#differences.push({ address, ...teller.difference });
    return { failures: this.#failures, differences: this.#differences };
  }

  /** Whether the event of a record made its actor fail. An order to fail tells of a failure elsewhere. */
  #hasFailed({ bytes, trailer }: TellableRecord): boolean {
    const { codec } = this.#runtime;
    const { crash, ...rest } = unpackTrailer(codec, trailer);
    if (crash === undefined && !('failure' in rest)) return false;
    return !(codec.unpack(bytes) as { type: string }).type.startsWith('heddle.');
  }

  #try(record: TellableRecord): void {
    const error = failureOf(this.#runtime, this.#cell, record);
    if (error === undefined) return;
    const { type } = this.#runtime.codec.unpack(record.bytes) as { type: string };
    this.#failures.push({ address: this.#cell.address, seq: record.seq, event: type, error });
  }
}

/** The step that an undeliverable event would have been. */
function asRecord(
  { actor, life, frame, offset, seq }: TellableRecord,
  { at, bytes }: { readonly at: number; readonly bytes: Buffer },
): TellableRecord {
  return {
    actor,
    life,
    frame,
    offset,
    seq,
    at,
    bytes,
    eventStart: 0,
    eventEnd: bytes.length,
    trailer: undefined,
  };
}

/** What today's code fails with in a step; undefined when it does not. */
function failureOf(runtime: Runtime, cell: Cell, record: TellableRecord): string | undefined {
  const { actor, address, definition, ref, snapshot, booked, bornAt, birth, life, lives, since, seq } = cell;
  const trial = new Cell(actor, address, definition, ref);
  Object.assign(trial, { snapshot, booked, bornAt, birth, life, lives, since, seq });
  const trailer = unpackTrailer(runtime.codec, record.trailer);
  if (trailer.birth !== undefined) beginLife(runtime, trial, record, trailer);
  const event = runtime.events.unpack(record.bytes, record.eventStart, record.eventEnd);
  // What failed recorded no seed: any will do, as long as it is the same each time.
  const { reads, seed = SEED } = trailer;
  const outcome = stepAgain(runtime, trial, event, record.at, { reads, seed });
  if ('failed' in outcome) return outcome.failed;
  return outcome.snapshot.status === 'error' ? messageOf(outcome.snapshot.error) : undefined;
}

const SEED = new Uint8Array(16);
