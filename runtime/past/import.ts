/**
 * Importing: the actors of an exported history live on in this store, from where the history ends. Whom they knew outside of it is
 * nobody here.
 */
import type { Codec } from '../../storage/codec.ts';
import { resourceAt } from '../acting.ts';
import type { Acting } from '../acting.ts';
import type { StoredInboxMessage } from '../checkpoint.ts';
import { HistoryDamaged, InvalidArgument } from '../errors.ts';
import { segmentsOf } from '../kernel/address.ts';
import type { Ref } from '../kernel/ref.ts';
import type { Birth, ForkEffects } from '../mailbox.ts';
import type { TellableRecord } from '../retell.ts';
import type { Runtime } from '../runtime.ts';
import { packTrailer, unpackCause, unpackTrailer } from '../trailer.ts';
import type { Trailer } from '../trailer.ts';
import { cutOfExport } from './cut.ts';
import type { AwaitedMessage } from './cut.ts';
import { readExported } from './exported.ts';
import type { ExportedActor, ExportedMessage } from './exported.ts';
import { assertForkable, assertFree, assertMove } from './fork.ts';
import { Transplant } from './transplant.ts';

export interface ImportOptions {
  /** The text of an exported history. */
  readonly history: string;
  /** The address under which it lives on; default its own. */
  readonly as?: string;
  /** What becomes of its actions and processes; default `hold`: see `system.perform`. */
  readonly effects?: Exclude<ForkEffects, 'reuse'>;
  /** Who has imported it, for its journal. */
  readonly by?: string;
}

const IMPORTED = 'heddle.imported';

/**
 * Resolves when they are on the disk.
 * @throws HistoryDamaged, InvalidArgument, ActorExists, UnknownActor, StoryChanged when today's code tells another story
 */
export async function imported(runtime: Runtime, options: ImportOptions, acting: Acting): Promise<Ref> {
  const { history, effects = 'hold', by, as: wanted } = options;
  if (typeof history !== 'string')
    throw new InvalidArgument('history', 'must be the text of an exported history');
  const { root: address, store, actors, awaited } = readExported(history);
  const as = wanted ?? address;
  assertMove(runtime, address, as, effects, ['rerun', 'hold']);
  return acting.act('import', resourceAt(as, { effects }), async (warrant) => {
    const places = new Map(
      [...actors, ...awaited.map(({ to }) => to)].map((one) => [one.actor, one.address]),
    );
    const cut = cutOfExport(
      runtime,
      actors.map((actor) => ofNoCode(runtime, places, actor)),
      awaited.map((message) => messageOf(runtime.codec, places, message)),
    );
    assertForkable(runtime, cut, address);
    const startedBy = startersIn(runtime.codec, actors[0]!);
    const first = {
      ...{ type: IMPORTED, store },
      ...(startedBy.length > 0 && { startedBy }),
      ...(by !== undefined && { by }),
    };
    const move = { address, as, effects, event: first, isForeign: true, warrant };
    const transplant = new Transplant(runtime, cut, move);
    const plans = transplant.plan(undefined);
    assertFree(runtime, as);
    const { root } = runtime.committer.hold(() => transplant.carryOut(plans, undefined));
    await runtime.committer.durable();
    return root;
  });
}

/** Where everybody lives of whom a text tells, by their numbers. */
type Places = ReadonlyMap<number, string>;

/**
 * The ids of those on whose behalf it was begun, in each of its lives, and of whom that was said when it was imported before. The text
 * stays behind, and whose it was must not be forgotten with it.
 */
function startersIn(codec: Codec, { records }: ExportedActor): readonly string[] {
  const births = records.filter(({ life }, index) => life !== records[index - 1]?.life);
  const found = births.flatMap((birth) => {
    const { type, startedBy, declaredBy } = codec.unpack(birth.bytes) as Readonly<Record<string, unknown>>;
    const before: readonly unknown[] = type === IMPORTED && Array.isArray(startedBy) ? startedBy : [];
    return [trailerOf(codec, birth).warrant?.principal.id, declaredBy, ...before];
  });
  return [...new Set(found.filter((id) => typeof id === 'string'))];
}

/** The numbers of codes mean others in this store. */
function ofNoCode({ codec }: Runtime, places: Places, actor: ExportedActor): ExportedActor {
  const records = actor.records.map((record): TellableRecord => {
    const { birth, image, ...trailer } = trailerOf(codec, record);
    if (birth === undefined && image === undefined) return record;
    assertIsOf(actor, image?.birth ?? birth, places, record.frame.number);
    const bare = {
      ...trailer,
      birth: birth && withoutCode(birth),
      image: image && { ...image, birth: image.birth && withoutCode(image.birth) },
    };
    return { ...record, trailer: packTrailer(codec, bare) as Buffer };
  });
  return { ...actor, records };
}

/** What a record says besides its event. @throws HistoryDamaged where one of them cannot be read */
const trailerOf = (codec: Codec, { bytes, trailer, frame }: TellableRecord): Trailer =>
  read(frame.number, 'what was recorded', () => {
    typeIn(codec, bytes);
    return unpackTrailer(codec, trailer);
  });

/** @throws HistoryDamaged */
function messageOf(codec: Codec, places: Places, { to, bytes, line }: ExportedMessage): AwaitedMessage {
  const message = read(line, 'its message', () => {
    const { life, cause: stored, event: packed, birth } = codec.unpack(bytes) as StoredInboxMessage;
    const cause = unpackCause(stored);
    if (cause.kind !== 'actor') throw new TypeError('nobody has sent it');
    const born = birth && { birth: withoutCode(birth) };
    return { to, life, type: typeIn(codec, packed), packed, cause, ...born, line };
  });
  // Who is born with it is whoever it is for.
  assertIsOf(to, message.birth, places, line);
  return message;
}

function typeIn(codec: Codec, bytes: Uint8Array): string {
  const { type } = codec.unpack(bytes) as { readonly type?: unknown };
  if (typeof type !== 'string') throw new TypeError('it is no event');
  return type;
}

function read<T>(line: number, what: string, how: () => T): T {
  try {
    return how();
  } catch (error) {
    throw new HistoryDamaged(line, `${what} cannot be read`, { cause: error });
  }
}

/** Where an actor was born, and to whom, its own birth says. @throws HistoryDamaged */
function assertIsOf(
  { address }: Pick<ExportedActor, 'address'>,
  birth: Birth | undefined,
  places: Places,
  line: number,
): void {
  if (birth === undefined) return;
  if (birth.address !== address)
    throw new HistoryDamaged(line, `it is of ${birth.address}, and says that it is of ${address}`);
  const above = birth.parent && (places.get(birth.parent[0]) ?? 'nobody');
  // Who has no parent is at the root of the tree.
  const isThere = above === undefined ? segmentsOf(address).length === 2 : address.startsWith(`${above}/`);
  if (!isThere) throw new HistoryDamaged(line, `it is of ${address}, whose parent is ${above ?? 'nobody'}`);
}

function withoutCode(birth: Birth): Birth {
  const { code: _, ...bare } = birth;
  return bare;
}
