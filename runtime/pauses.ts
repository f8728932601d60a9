/**
 * Pauses: what an operator has told to stand still, and since when, by whom, and why. The one place that says of an address
 * whether it is paused; what a paused actor does not do follows from `cell.paused` wherever it would be done.
 *
 * A pause is a decision: recorded in the journal of `heddle/system`, with a row that stands until it is resumed, also over a
 * kill. Only that of `createSystem({ paused: true })` ends with its opening. Each pause stands by itself: an actor goes on when
 * none is left that covers it. Supervisors and schedules stand still with everything, and not one by one.
 */
import { pauseKey, Prefix } from '../storage/keys.ts';
import type { Cell } from './cell.ts';
import { decide, HOUSE } from './decisions.ts';
import { InvalidArgument } from './errors.ts';
import type { Runtime } from './runtime.ts';
import type { Warrant } from './warrant.ts';
import { rootAddress, segmentsOf } from './kernel/address.ts';
import { SCHEDULE } from './schedules/logic.ts';
import { Succession } from './succession.ts';
import { SUPERVISOR } from './supervision/logic.ts';

/** What is paused: an actor with all below it, or all root actors of a name with all below them. */
export type PauseTarget = { readonly address: string } | { readonly name: string };

/** Who asks for something, and why; both are recorded. */
export interface PauseWords {
  readonly by?: string;
  readonly reason?: string;
}

export interface Pause extends PauseWords {
  /** Undefined: everything. */
  readonly target: PauseTarget | undefined;
  /** In milliseconds since the epoch. */
  readonly since: number;
  /** That of `createSystem({ paused: true })` lasts as long as this opening; all others until they are resumed. */
  readonly lasts: 'until-resumed' | 'this-opening';
}

/** How long what runs is waited for. */
const SHUTDOWN_MS = 5000;

/** The key of the pause of everything; that of a name is the name, that of an actor its address. */
const EVERYTHING = '';

export class Pauses {
  readonly #runtime: Runtime;
  readonly #ofOpening: Pause | undefined;
  #pauses = new Map<string, Pause>();
  /** What is to be done when not everything is paused any more. */
  #waiting: (() => void)[] = [];
  /** The alarms of paused actors that sleep: set when they are let go. The address is unknown of those never loaded. */
  readonly #alarms = new Map<number, { readonly address: string | undefined; readonly dueAt: number }>();
  /** One after the other: what a pause waits for must not be started by a resume meanwhile. */
  readonly #succession: Succession;

  constructor(runtime: Runtime, startsPaused: boolean) {
    this.#runtime = runtime;
    this.#succession = new Succession(runtime);
    const since = runtime.clock.now();
    this.#ofOpening = startsPaused ? { target: undefined, since, lasts: 'this-opening' } : undefined;
    if (this.#ofOpening !== undefined) this.#pauses.set(EVERYTHING, this.#ofOpening);
  }

  /** The store was read: what it says is paused. @throws StoreCorrupt when not all of that can be read */
  async load(): Promise<void> {
    const { ledger, codec } = this.#runtime;
    const standing = this.#pauses.get(EVERYTHING);
    const pauses = new Map<string, Pause>();
    if (standing !== undefined && standing === this.#ofOpening) pauses.set(EVERYTHING, standing);
    for (const key of await this.#runtime.keysOf(Prefix.Pause)) {
      const pause = codec.unpack(ledger.get(key)!) as Pause;
      pauses.set(keyOf(pause.target), pause);
    }
    this.#pauses = pauses;
    this.#waiting = [];
    this.#alarms.clear();
  }

  /** All of them, longest first. */
  list(): readonly Pause[] {
    return [...this.#pauses.values()].sort((a, b) => a.since - b.since);
  }

  get isEverything(): boolean {
    return this.#pauses.has(EVERYTHING);
  }

  /** The widest pause of an address; undefined when nobody has paused it. */
  of(address: string): Pause | undefined {
    if (this.#pauses.size === 0 || address.startsWith(`${HOUSE}/`)) return undefined;
    const everything = this.#pauses.get(EVERYTHING);
    if (everything !== undefined) return everything;
    for (let end = address.indexOf('/'); end !== -1; end = address.indexOf('/', end + 1)) {
      const pause = this.#pauses.get(address.slice(0, end));
      if (pause !== undefined) return pause;
    }
    return this.#pauses.get(address);
  }

  // ---- pausing ----------------------------------------------------------------------------------------------------

  /** Resolves when it is on the disk, and what ran has been wound down. */
  pause(target: PauseTarget | undefined, words: PauseWords, warrant?: Warrant): Promise<void> {
    const key = checked(target, words);
    this.#assertKnown(key);
    return this.#succession.next(() => this.#pause(key, target, words, warrant));
  }

  /** A pause of nobody would go unnoticed. Ids need not be known: an actor can be paused before it is born. */
  #assertKnown(key: string): void {
    const { names } = this.#runtime.definitions;
    if (key === EVERYTHING || names.includes(segmentsOf(key)[0]!)) return;
    const known = names.join(', ') || 'none';
    throw new InvalidArgument(
      'target',
      `must be a name in createSystem({ actors }), or an address; there are ${known}`,
    );
  }

  async #pause(
    key: string,
    target: PauseTarget | undefined,
    words: PauseWords,
    warrant: Warrant | undefined,
  ): Promise<void> {
    const runtime = this.#runtime;
    const before = this.#pauses.get(key);
    if (before?.lasts === 'until-resumed') return;
    const pause: Pause = { target, since: runtime.clock.now(), lasts: 'until-resumed', ...spoken(words) };
    this.#pauses.set(key, pause);
    const woundDown = runtime.supervision.windingDown.begin(this.#stop(), SHUTDOWN_MS);
    try {
      await decide(
        runtime,
        { type: 'heddle.paused', ...about(target, words) },
        {
          alongside: () => runtime.ledger.put(pauseKey(key), runtime.codec.packHolder(pause, 'pause')),
          warrant,
        },
      );
    } catch (error) {
      // After a write that failed the store says what is paused.
      if (!runtime.isFenced) this.#replace(key, before);
      throw error;
    }
    await woundDown;
  }

  /** Lets those in memory stand still that are paused now. Returns those with something under way that ends before its time. */
  #stop(): Cell[] {
    const { population, processes } = this.#runtime;
    const stopped: Cell[] = [];
    for (const cell of population.cells()) {
      if (cell.paused !== undefined || this.of(cell.address) === undefined) continue;
      cell.paused = [];
      // The result of one that has said how it ended waits with the messages.
      if (!processes.hasReported(cell)) stopped.push(cell);
    }
    return stopped;
  }

  // ---- going on ---------------------------------------------------------------------------------------------------

  /** Resolves when it is on the disk; of everything, when what an opening waits for has happened. @throws StartFailed */
  resume(target: PauseTarget | undefined, words: PauseWords, warrant?: Warrant): Promise<void> {
    const key = checked(target, words);
    const resumed = this.#succession.next(() => this.#resume(key, target, words, warrant));
    return key === EVERYTHING ? resumed.then(() => this.#runtime.begin()) : resumed;
  }

  async #resume(
    key: string,
    target: PauseTarget | undefined,
    words: PauseWords,
    warrant: Warrant | undefined,
  ): Promise<void> {
    const runtime = this.#runtime;
    if (!this.#pauses.has(key)) return this.#assertMoves(key);
    await decide(
      runtime,
      { type: 'heddle.resumed', ...about(target, words) },
      {
        alongside: () => runtime.ledger.delete(pauseKey(key)),
        warrant,
      },
    );
    this.#replace(key, undefined);
  }

  /** Whoever lets go what is held by something else would wait in vain. */
  #assertMoves(key: string): void {
    const pause = key === EVERYTHING ? undefined : this.of(key.includes('/') ? key : `${key}/`);
    if (pause === undefined) return;
    const what = pause.target === undefined ? 'everything' : keyOf(pause.target);
    throw new InvalidArgument('target', `is not paused by itself: ${what} is; resume that`);
  }

  #replace(key: string, pause: Pause | undefined): void {
    if (pause === undefined) this.#pauses.delete(key);
    else this.#pauses.set(key, pause);
    for (const cell of this.#runtime.population.cells())
      if (cell.paused !== undefined && this.of(cell.address) === undefined) this.#letGo(cell, cell.paused);
    for (const [actor, { address, dueAt }] of this.#alarms) {
      if (address === undefined ? this.isEverything : this.of(address) !== undefined) continue;
      this.#alarms.delete(actor);
      this.#runtime.timers.add(actor, dueAt, undefined);
    }
    if (!this.isEverything) for (const run of this.#waiting.splice(0)) run();
    this.#runtime.tree?.changed();
  }

  #letGo(cell: Cell, waiting: readonly (() => void)[]): void {
    cell.paused = undefined;
    this.#runtime.goOn(cell);
    for (const run of waiting) run();
  }

  // ---- what waits -------------------------------------------------------------------------------------------------

  /** Whether everything is paused; then `run` is called when it is not any more. */
  postpones(run: () => void): boolean {
    if (this.isEverything) this.#waiting.push(run);
    return this.isEverything;
  }

  /** Keeps the alarm of an actor that sleeps. Returns whether that is paused. @param cell if it was loaded */
  keepsAlarm(actor: number, dueAt: number, cell?: Cell): boolean {
    if (cell === undefined ? !this.isEverything : cell.paused === undefined) return false;
    this.#alarms.set(actor, { address: cell?.address, dueAt });
    return true;
  }
}

/** @throws InvalidArgument */
function checked(target: PauseTarget | undefined, words: PauseWords): string {
  for (const path of ['by', 'reason'] as const) {
    const said = words[path];
    if (said !== undefined && typeof said !== 'string') throw new InvalidArgument(path, 'must be a text');
  }
  if (target === undefined) return EVERYTHING;
  const { address, name, ...others } = (target ?? {}) as Record<string, unknown>;
  const isAddress = typeof address === 'string' && /^[^/]+(\/[^/]+)+$/.test(address) && name === undefined;
  const isName = typeof name === 'string' && name !== '' && address === undefined;
  if (!(isAddress || isName) || Object.keys(others).length > 0)
    throw new InvalidArgument('target', "must be { address: 'order/42' }, { name: 'order' }, or left out");
  const key = keyOf(target);
  const [first] = key.split('/');
  if (first === SUPERVISOR || first === HOUSE)
    throw new InvalidArgument('target', `is ${key}, which stands still with everything, and not by itself`);
  if (first === SCHEDULE)
    throw new InvalidArgument('target', `is ${key}: use system.schedules.pause and resume`);
  return key;
}

function keyOf(target: PauseTarget | undefined): string {
  if (target === undefined) return EVERYTHING;
  // As its addresses begin.
  return 'address' in target ? target.address : rootAddress(target.name, '').slice(0, -1);
}

function about(target: PauseTarget | undefined, words: PauseWords): PauseWords & { target?: PauseTarget } {
  return { ...(target !== undefined && { target }), ...spoken(words) };
}

/** Without what was not said: it would be stored as such. */
function spoken({ by, reason }: PauseWords): PauseWords {
  return { ...(by !== undefined && { by }), ...(reason !== undefined && { reason }) };
}
