/**
 * Recovery: reading the ledger from the low-water mark to its end when a store is opened. Verification reads it from
 * the beginning in the same way. Of the frames below the mark that a damaged log could have taken, it only makes sure that they
 * are there: with each of them the rows would be gone that were written in its commit.
 *
 * It hands every sound entry to a visitor in order, follows every actor's chain, proves the chain of frames, and finds
 * out whose history is touched by what is missing or damaged. For that it has three witnesses: the entries themselves,
 * the two chains, and the anchor, which knows whose every entry was. Damage that nobody can be named for stops the
 * opening altogether.
 */
import type { AnchorEntry } from './anchor.ts';
import { asBuffer } from './binary.ts';
import { StoreCorrupt, StoreIo } from './errors.ts';
import type { CorruptionEvidence } from './errors.ts';
import { EntryKind, entriesOf, hasDamagedEntry, hashOf, LINK_BYTES, readFrameHeader } from './frame.ts';
import type { FrameHeader, StoredEntry, StoredRecord } from './frame.ts';
import { frameKey, numberOf } from './keys.ts';
import type { Chain, FrameRef, Ledger } from './ledger.ts';

/**
 * Sees every sound entry above the low-water mark, oldest first. Its byte fields stay valid, and keep their frame.
 * @returns the address of the root actor whose birth the entry records, if it does
 */
export type EntryVisitor = (entry: StoredEntry) => string | undefined;

/** What a reading of the ledger found. */
export interface Reading {
  readonly frames: number;
  /** Where the history of every actor ends that has a record in what was read. */
  readonly heads: ReadonlyMap<number, Chain>;
  /** The actors whose history is damaged or lost, with the first evidence against each. */
  readonly damaged: ReadonlyMap<number, CorruptionEvidence>;
  /** Damage that nobody can be named for. */
  readonly unattributed: readonly CorruptionEvidence[];
  /** Root actors whose birth was lost, so that nothing else knows their address. */
  readonly lostBirths: readonly (readonly [actor: number, address: string])[];
  /** The frames behind the last one that the anchor knows. */
  readonly unanchored: readonly AnchorEntry[];
}

/** A frame that is not what was committed, before it is known whose it is. */
interface Finding {
  readonly frame: number;
  readonly reason: string;
  /** `'entries'`: only what cannot be read is in doubt; `'frame'`: all of it is. */
  readonly extent: 'entries' | 'frame';
}

/**
 * Reads the ledger from its low-water mark, to find out where it ends and what is owed.
 * @throws StoreCorrupt when something is lost and nothing says whose it was: then no actor could be trusted.
 */
export async function recover(ledger: Ledger, visit: EntryVisitor): Promise<Reading> {
  const reading = await readLedger(ledger, ledger.lowWater, visit);
  const [nobodys] = reading.unattributed;
  if (nobodys === undefined) {
    // A power cut may take what was noted last: from now on somebody could be named for these frames too.
    ledger.store.anchor.note(reading.unanchored);
    return reading;
  }
  throw new StoreCorrupt(
    ledger.store.location,
    `frame ${nobodys.frame}: ${nobodys.reason}, and the anchor does not say whose records it held`,
  );
}

/** A frame that was read. */
interface ReadFrame extends FrameRef {
  /** What it hashed to when it was committed, as far as that is known: a damaged entry changes the hash for all others. */
  hash: string;
  readonly commit: number;
}

/** Reads the ledger from a frame to its end. Proves everything it reads, and changes nothing. */
export async function readLedger(ledger: Ledger, from: number, visit: EntryVisitor): Promise<Reading> {
  const anchored = ledger.store.anchor.entries();
  const witness = new Map(anchored.map((entry) => [entry.frame, entry]));
  const lastAnchored = anchored.at(-1)?.frame ?? 0;
  const chains = new Chains(from);
  const frames = new FrameChain(from, witness);
  const upTo = ledger.head.frame;
  frames.findings.push(...(await missingBelow(ledger, from)));
  const unanchored: AnchorEntry[] = [];

  for await (const [number, bytes] of storedFrames(ledger, from, upTo)) {
    const frame = frames.next(number, bytes);
    if (frame === undefined) continue;
    const actors: number[] = [];
    const born: [number, string][] = [];
    for (const entry of entriesOf(bytes)) {
      if ('damage' in entry) {
        frames.findings.push({ frame: frame.number, reason: entry.damage, extent: 'entries' });
        continue;
      }
      if (entry.kind === EntryKind.Record) chains.follow(entry, frame);
      actors.push(entry.actor);
      const address = visit(entry);
      if (address !== undefined) born.push([entry.actor, address]);
    }
    const { hash, commit } = frame;
    if (number > lastAnchored) unanchored.push({ frame: number, commit, hash, actors, born });
  }
  frames.end(upTo);
  return {
    frames: frames.count,
    heads: chains.heads,
    unanchored: unanchored.filter(({ frame }) => !frames.findings.some((finding) => finding.frame === frame)),
    ...attribute(ledger, witness, frames.findings, chains),
  };
}

/**
 * The frames below the mark that are gone, of those that the anchor still speaks of. Where it is damaged, of those that it may
 * have spoken of.
 */
async function missingBelow(ledger: Ledger, from: number): Promise<Finding[]> {
  const { anchor } = ledger.store;
  const entries = anchor.entries();
  const first = Math.max(1, (entries[0]?.frame ?? from) - anchor.lost);
  if (first >= from) return [];
  const commits = commitsBetween(entries, first, from);
  // Many frames of few commits are large ones, and a scan would have to read them.
  const missing =
    commits.length < (from - first) / 4
      ? missingOf(ledger, commits)
      : await missingBetween(ledger, first, from);
  return missing.map((frame) => ({ frame, reason: `frame ${frame} is missing`, extent: 'entries' }));
}

/** The frames of each commit, as far as it is known which those are. */
function commitsBetween(entries: readonly AnchorEntry[], first: number, end: number): number[][] {
  const known = new Map(entries.map(({ frame, commit }) => [frame, commit]));
  const commits: number[][] = [];
  let previous: number | undefined;
  for (let frame = first; frame < end; frame++) {
    const commit = known.get(frame);
    if (commit !== undefined && commit === previous) commits.at(-1)!.push(frame);
    else commits.push([frame]);
    previous = commit;
  }
  return commits;
}

/** A commit is lost as a whole, so one of its frames speaks for all: the last, which is not full. */
const missingOf = (ledger: Ledger, commits: readonly number[][]): number[] =>
  commits
    .filter((frames) => isMissing(ledger, frames.at(-1)!))
    .flatMap((frames) => frames.filter((frame) => isMissing(ledger, frame)));

async function missingBetween(ledger: Ledger, first: number, end: number): Promise<number[]> {
  const missing: number[] = [];
  let next = first;
  const ask = (upTo: number): void => {
    for (; next < upTo; next++) if (isMissing(ledger, next)) missing.push(next);
  };
  try {
    for await (const chunk of ledger.store.scan({ gte: frameKey(first), lt: frameKey(end) }))
      for (const [key] of chunk) {
        ask(numberOf(key));
        next++;
      }
  } catch (error) {
    if (!(error instanceof StoreIo)) throw error;
  }
  // Also those that a scan has not come to, because something before them cannot be read.
  ask(end);
  return missing;
}

/** Whether a frame is gone. One that cannot be read is not: it stands in a table, and so did the rows of its commit. */
function isMissing({ store }: Ledger, frame: number): boolean {
  try {
    return store.get(frameKey(frame)) === undefined;
  } catch (error) {
    if (error instanceof StoreIo) return false;
    throw error;
  }
}

/** The frames that can be read, in order. Where a scan comes to a place that cannot, each is asked for by itself. */
async function* storedFrames(
  ledger: Ledger,
  from: number,
  upTo: number,
): AsyncIterable<readonly [number: number, bytes: Buffer]> {
  let next = from;
  try {
    for await (const chunk of ledger.store.scan({ gte: frameKey(from), lt: frameKey(upTo + 1) })) {
      for (const [key, value] of chunk) {
        next = numberOf(key) + 1;
        yield [next - 1, asBuffer(value)];
      }
    }
  } catch (error) {
    if (!(error instanceof StoreIo)) throw error;
    for (; next <= upTo; next++) {
      const bytes = ledger.frameBytes(next);
      if (bytes !== undefined) yield [next, bytes];
    }
  }
}

/** Follows the chain of frames: numbers without a gap, every hash the one its successor and the anchor know. */
class FrameChain {
  readonly findings: Finding[] = [];
  count = 0;
  readonly #witness: ReadonlyMap<number, AnchorEntry>;
  #expected: number;
  #previous: { readonly header: FrameHeader; readonly frame: ReadFrame; readonly bytes: Buffer } | undefined;
  /** The frames of the commit that is being read. */
  #commit: number[] = [];

  constructor(from: number, witness: ReadonlyMap<number, AnchorEntry>) {
    this.#expected = from;
    this.#witness = witness;
  }

  /** The next stored frame; undefined where nothing in it can be read. */
  next(number: number, bytes: Buffer): ReadFrame | undefined {
    this.#missing(number - 1);
    this.#expected = number + 1;
    this.count++;
    const header = readFrameHeader(bytes);
    if ('damage' in header) return this.#unreadable(number, header.damage);
    if (header.frame !== number) return this.#unreadable(number, 'another frame stands in its place');
    const { commit } = header;
    const frame: ReadFrame = { number, hash: hashOf(bytes), commit };
    const known = this.#witness.get(number)?.hash;
    if (known === undefined) this.#followsPrevious(header);
    else if (known !== frame.hash) {
      // A flipped bit also changes the hash; then the entry's own checksum says more exactly what is damaged.
      if (hasDamagedEntry(bytes)) frame.hash = known;
      else this.#doubt(number, 'the frame is not the one that was committed');
    }
    if (this.#previous?.header.commit !== commit) this.#commit = [];
    this.#commit.push(number);
    this.#previous = { header, frame, bytes };
    return frame;
  }

  end(head: number): void {
    this.#missing(head);
    if (this.#previous?.header.lastOfCommit !== false) return;
    const reason = 'the rest of its commit is missing';
    for (const frame of this.#commit) this.#doubt(frame, reason);
    this.findings.push({ frame: head + 1, reason: 'the rest of a commit is missing', extent: 'entries' });
  }

  #missing(upTo: number): void {
    for (let frame = this.#expected; frame <= upTo; frame++) {
      this.#unreadable(frame, `the frames ${this.#expected} to ${upTo} are missing`);
    }
  }

  #unreadable(frame: number, reason: string): undefined {
    this.#previous = undefined;
    this.findings.push({ frame, reason, extent: 'entries' });
  }

  #doubt(frame: number, reason: string): void {
    this.findings.push({ frame, reason, extent: 'frame' });
  }

  /** Where the anchor does not know a frame, its predecessor's hash must do. Either of the two may be the wrong one. */
  #followsPrevious(header: FrameHeader): void {
    if (this.#previous === undefined) return;
    const { frame, bytes } = this.#previous;
    if (header.previousHash === frame.hash) return;
    const isKnown = this.#witness.has(frame.number);
    if (!isKnown && hasDamagedEntry(bytes)) return void (frame.hash = header.previousHash);
    const reason = 'the chain of hashes is broken';
    this.#doubt(header.frame, reason);
    if (!isKnown) this.#doubt(frame.number, reason);
  }
}

/** Follows the chain of every actor: numbers without a gap, every record pointing at the one before it. */
class Chains {
  readonly heads = new Map<number, Chain>();
  readonly broken = new Map<number, CorruptionEvidence>();
  readonly #from: number;

  constructor(from: number) {
    this.#from = from;
  }

  follow(record: StoredRecord, frame: FrameRef): void {
    const { actor, seq, offset } = record;
    const head = this.heads.get(actor);
    const damage = head === undefined ? this.#first(record) : successor(head, record, frame);
    if (damage !== undefined && !this.broken.has(actor)) {
      this.broken.set(actor, {
        seq: Math.min(seq, (head?.seq ?? seq) + 1),
        frame: frame.number,
        reason: damage,
      });
    }
    if (head === undefined) this.heads.set(actor, { seq, frame, offset });
    else {
      head.seq = seq;
      head.frame = frame;
      head.offset = offset;
    }
  }

  /** The first record of an actor above the mark: what it follows must lie below it. */
  #first({ seq, previousFrame }: StoredRecord): string | undefined {
    if (previousFrame === 0) return seq === 1 ? undefined : 'it claims to be the first record, but is not';
    return previousFrame >= this.#from ? 'the record before it is missing' : undefined;
  }
}

function successor(head: Chain, record: StoredRecord, frame: FrameRef): string | undefined {
  if (record.seq !== head.seq + 1)
    return `it follows record ${head.seq}: ${record.seq - head.seq - 1} records are missing`;
  if (record.previousFrame !== head.frame!.number || record.previousOffset !== head.offset) {
    return 'it points at another record than the one before it';
  }
  const sameFrame = head.frame!.number === frame.number;
  if (!sameFrame && record.link !== head.frame!.hash!.slice(0, LINK_BYTES))
    return 'its link does not match the record before it';
  return undefined;
}

/** Names the actors behind the findings, where something says who they are. */
function attribute(
  ledger: Ledger,
  witness: ReadonlyMap<number, AnchorEntry>,
  findings: readonly Finding[],
  chains: Chains,
): Pick<Reading, 'damaged' | 'unattributed' | 'lostBirths'> {
  const damaged = new Map<number, CorruptionEvidence>();
  const unattributed: CorruptionEvidence[] = [];
  const lostBirths = new Map<number, readonly [actor: number, address: string]>();
  for (const { frame, reason, extent } of findings) {
    const known = witness.get(frame);
    const actors =
      known === undefined ? claimedActors(ledger, frame, extent) : lostActors(ledger, known, extent);
    if (actors === undefined) unattributed.push({ frame, reason });
    for (const actor of actors ?? []) if (!damaged.has(actor)) damaged.set(actor, { frame, reason });
    for (const birth of known?.born ?? []) if (damaged.has(birth[0])) lostBirths.set(birth[0], birth);
  }
  // A broken chain names the very record; but it is noticed only where the next one stands.
  for (const [actor, evidence] of chains.broken) {
    const found = damaged.get(actor);
    const isEarlier = found?.frame !== undefined && found.frame < evidence.frame!;
    damaged.set(actor, isEarlier ? { ...found, seq: evidence.seq! } : evidence);
  }
  return { damaged, unattributed, lostBirths: [...lostBirths.values()] };
}

/**
 * The actors that had more entries in the frame than can be read now, and of a frame that is gone also those whose rows are. If
 * that is nobody, rows may be gone, and nothing says whose.
 */
function lostActors(
  ledger: Ledger,
  known: AnchorEntry,
  extent: Finding['extent'],
): Iterable<number> | undefined {
  if (extent === 'frame') return known.actors;
  const left = new Map<number, number>();
  for (const actor of known.actors) left.set(actor, (left.get(actor) ?? 0) + 1);
  if (isMissing(ledger, known.frame)) {
    for (const actor of known.others ?? []) left.set(actor, 1);
    return left.size > 0 ? left.keys() : undefined;
  }
  for (const entry of readableEntries(ledger, known.frame) ?? []) {
    if (!('damage' in entry)) left.set(entry.actor, (left.get(entry.actor) ?? 0) - 1);
  }
  return [...left].filter(([, count]) => count > 0).map(([actor]) => actor);
}

/** Without the anchor only the bytes themselves can say whose they are; a damaged id is then not noticed as such. */
function claimedActors(
  ledger: Ledger,
  frame: number,
  extent: Finding['extent'],
): Iterable<number> | undefined {
  const entries = readableEntries(ledger, frame);
  if (entries === undefined) return undefined;
  const actors = new Set<number>();
  for (const entry of entries) {
    if (extent === 'entries' && !('damage' in entry)) continue;
    if (entry.actor === undefined) return undefined;
    actors.add(entry.actor);
  }
  return actors;
}

function readableEntries(ledger: Ledger, frame: number): ReturnType<typeof entriesOf> | undefined {
  const bytes = ledger.frameBytes(frame);
  return bytes === undefined || 'damage' in readFrameHeader(bytes) ? undefined : entriesOf(bytes);
}
