/**
 * Contents by their hashes: what agents have found in their sources, and what they have made. The same value is kept once, whoever
 * has found it, under an address that says what it is; it never changes, and is held against its hash whenever it is read.
 *
 * Contents are actors (`content/<hash>`), so they are durable, backed up and told again like all others. Values are JSON; what is
 * none is kept by those who have it, with its hash as a source.
 */
import { frozen } from '../../machines/values/frozen.ts';
import { canonicalOf, NotJson } from '../../machines/values/canonical.ts';
import type { Json } from '../../machines/values/canonical.ts';
import { content, isFull, isWanted } from '../../machines/values/content.ts';
import type { ContentContext, ContentNote, ContentNoted } from '../../machines/values/content.ts';
import type { Source } from '../../machines/contract.ts';
import { changesBetween, durable, InvalidArgument } from '../../runtime/index.ts';
import type { ValueChange } from '../../runtime/index.ts';
import { ContentDamaged, UnknownContent } from '../errors.ts';
import { hashOf } from '../schema/digest.ts';
import { isHash, sourcesIn } from './sources.ts';

const idOf = (hash: string): string => hash.slice('sha256:'.length);

/** The name of their actors. */
export const CONTENT = 'content';
const INSTEAD = 'system.content.put, or runs, whose tasks say it';
/** Who has made a content, and looked at it, is evidence that tasks give. */
export const contentLogic = durable(content, {
  reserves: { 'content.': INSTEAD },
  reservesBirth: INSTEAD,
});

/** What contents need of a system: any `System` that hosts them is one. */
export interface ContentHost {
  startReserved(name: string, options: object): Promise<unknown>;
  // Typed by address and name there, which says nothing here.
  get(address: string): unknown;
  sendReserved(to: object, event: ContentNoted): Promise<unknown>;
  query(options: never): AsyncIterable<unknown>;
  readonly ahead: {
    all(run: () => Promise<void>): Promise<void>;
    start(name: string, options: { readonly id: string; readonly input: unknown }): Promise<boolean>;
    send(to: object, event: ContentNoted): Promise<void>;
  };
}

/** What is known of a content besides its value. */
export interface ContentFacts {
  readonly hash: string;
  /** Where it was found, each place once, with when that was first. */
  readonly sources: readonly Source[];
  /** The addresses of the tasks that have made it, and that have looked at it. */
  readonly madeBy: readonly string[];
  readonly usedBy: readonly string[];
  /** Whether there may be more of these than are kept. */
  readonly isPartial: boolean;
}

/** Where a content that somebody puts was found. */
export type PutSource = Omit<Source, 'hash'>;

/** What is to be kept. */
interface Keeping {
  readonly hash: string;
  readonly value: Json;
  readonly note: ContentNote;
}

interface ContentRef {
  readonly address: string;
  getSnapshot(): { readonly context: ContentContext };
}

export class Content {
  readonly #host: ContentHost;

  /** Use `system.content`. */
  constructor(host: ContentHost) {
    this.#host = host;
  }

  /**
   * Keeps a value. Resolves with its hash when it is on the disk; when it was there before nothing changes, but that it was found
   * in another place too is noted.
   * @throws InvalidArgument when it is no JSON, or the source makes no sense; NotPermitted
   */
  async put(value: unknown, { source }: { readonly source?: PutSource } = {}): Promise<string> {
    try {
      canonicalOf(value);
    } catch (error) {
      if (error instanceof NotJson) throw new InvalidArgument('value', `must be JSON: ${error.message}`);
      throw error;
    }
    const kept = { value: value as Json, hash: hashOf(value) };
    if (source === undefined) return this.#keep({ ...kept, note: {} });
    const { sources, problems } = sourcesIn([{ ...source, content: value }]);
    if (sources === undefined) {
      const { pointer, detail } = problems[0]!;
      throw new InvalidArgument(`source${pointer.slice('#/0'.length)}`, detail);
    }
    return this.#keep({ ...kept, note: { source: sources[0]! } });
  }

  async #keep({ hash, value, note }: Keeping): Promise<string> {
    const input = { value, note };
    const ref = (this.#refTo(hash) ??
      (await this.#host.startReserved(CONTENT, { id: idOf(hash), input, onConflict: 'join' }))) as ContentRef;
    // It was there, or somebody else was first.
    if (isWanted(ref.getSnapshot().context, note))
      await this.#host.sendReserved(ref, { type: 'content.noted', note });
    return hash;
  }

  /**
   * Keeps several for somebody who records right after this that they are there: they are on the disk before that is, but not yet.
   * @internal
   */
  async keepAhead(contents: readonly Keeping[]): Promise<void> {
    await this.#host.ahead.all(async () => {
      for (const one of contents) await this.#keepAhead(one);
    });
  }

  async #keepAhead(keeping: Keeping): Promise<void> {
    const { ahead } = this.#host;
    const { hash, value, note } = keeping;
    const ref = this.#refTo(hash);
    if (ref === undefined) {
      const isNew = await ahead.start(CONTENT, { id: idOf(hash), input: { value, note } });
      // Somebody else was first, and it is not on the disk yet.
      if (!isNew) await this.#keep(keeping);
    } else if (isWanted(ref.getSnapshot().context, note)) {
      await ahead.send(ref, { type: 'content.noted', note });
    }
  }

  /**
   * The value; undefined where none is kept. It is the one that is kept and no copy, and frozen all the way: whoever tries to change it
   * is told so.
   * @throws ContentDamaged when it is not what its hash says; InvalidArgument
   */
  get(hash: string): Json | undefined {
    const ref = this.#refTo(hash);
    if (ref === undefined) return undefined;
    const { value } = ref.getSnapshot().context;
    const found = hashOf(value);
    if (found !== hash) throw new ContentDamaged(hash, found);
    return frozen(value);
  }

  /**
   * What is different in one content from another: in two versions of a summary, or in what a person has made of what was proposed. The
   * changes are those that `system.diff` would tell, with paths from `value` on.
   * @throws UnknownContent where one of them is not kept; ContentDamaged, InvalidArgument
   */
  diff(from: string, to: string): readonly ValueChange[] {
    const [before, after] = [from, to].map((hash) => {
      const value = this.get(hash);
      if (value === undefined) throw new UnknownContent(hash, 'as content');
      return value;
    });
    return changesBetween(before, after, 'value');
  }

  /** Where it was found, who has made it, and who has looked at it; undefined where none is kept. @throws InvalidArgument */
  facts(hash: string): ContentFacts | undefined {
    const ref = this.#refTo(hash);
    if (ref === undefined) return undefined;
    const { context } = ref.getSnapshot();
    const { sources, madeBy, usedBy } = context;
    return { hash, sources, madeBy, usedBy, isPartial: isFull(context) };
  }

  #refTo(hash: string): ContentRef | undefined {
    if (!isHash(hash))
      throw new InvalidArgument('hash', `must be sha256:… in hex, but is ${JSON.stringify(hash)}`);
    return this.#host.get(`${CONTENT}/${idOf(hash)}`) as ContentRef | undefined;
  }

  /** Reads everything that is kept and holds it against its hash. Gives what is not what it says. */
  async *verify(): AsyncGenerator<{ readonly hash: string; readonly found: string }> {
    for await (const one of this.#host.query({ name: CONTENT } as never)) {
      const ref = one as ContentRef;
      const hash = `sha256:${ref.address.slice(CONTENT.length + 1)}`;
      const found = hashOf(ref.getSnapshot().context.value);
      if (found !== hash) yield { hash, found };
    }
  }
}
