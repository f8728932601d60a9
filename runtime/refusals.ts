/**
 * Refusals: calls from outside that were turned away before anything of them became part of a journal. A birth that was refused
 * leaves no actor, and a message that was refused no record; that somebody has asked is evidence all the same, so it is
 * recorded in the journal of `heddle/system`: who was meant, what was refused, with which error, how often and when.
 *
 * What was sent is never kept, only types and paths. The same refusals are counted together for a second. What comes faster
 * than it may be recorded waits, in bounded memory, and is counted together for longer: a flood of bad requests fills neither
 * memory nor disk. Events that were accepted and could not be applied are dead letters, and not here.
 */
import type { TimerHandle } from './clock.ts';
import { decide, SYSTEM_ADDRESS } from './decisions.ts';
import {
  HeddleError,
  InvalidArgument,
  messageOf,
  NotPermitted,
  NotSerialisable,
  StepFailed,
  StoryChanged,
} from './errors.ts';
import { historyOf } from './past/history.ts';
import type { Runtime } from './runtime.ts';

/** Some calls that were refused for the same reason. */
export interface Refusal {
  /** Who was meant; undefined of calls to many, which were too many to be told apart. */
  readonly address: string | undefined;
  /** The action, by the name that a decider knows it under. */
  readonly what: string;
  /** On whose behalf it was to be done, where that was not permitted: `user alice`. */
  readonly principal?: string | undefined;
  /** The type of the event that was sent, if it had one. */
  readonly event: string | undefined;
  /** The code of the error. */
  readonly code: string;
  /** What the error said of the first, without anything that was sent. */
  readonly message: string;
  readonly count: number;
  /** When the first and the last of them came, in milliseconds since the epoch. */
  readonly first: number;
  readonly last: number;
}

type Pending = { -readonly [TField in keyof Refusal]: Refusal[TField] };

const FLUSH_AFTER_MS = 1000;
/** How many refusals of different kinds are kept apart until they are recorded. */
const MAX_PENDING = 1024;
/** How many are recorded at once after a quiet time, and how long it takes until one more may be: 9,000 a day, or 2 MB. */
const BURST = 1024;
const REFILL_MS = 10_000;
/** Whoever asks for something chooses how long its names are. */
const MAX_NAME = 200;
const MAX_MESSAGE = 300;

/** What stands in the journal. */
const REFUSED = 'heddle.refused';

export class Refusals {
  readonly #runtime: Runtime;
  /** Oldest first. */
  readonly #pending = new Map<string, Pending>();
  #timer: TimerHandle | undefined;
  /** How many may be recorded now, as of a time on the monotonic clock. */
  #budget = BURST;
  #budgetAt: number;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#budgetAt = runtime.clock.monotonicMs();
  }

  /** A call was refused. Never throws, and costs next to nothing. @param event whatever was sent */
  note(what: Refusal['what'], address: string, error: unknown, event?: unknown): void {
    const runtime = this.#runtime;
    runtime.metrics.refused(error);
    if (runtime.closing || runtime.stopped || runtime.isFenced)
      return void runtime.metrics.unrecordedRefusals++;
    const type = typeOf(event);
    const code = error instanceof HeddleError ? error.code : 'Error';
    const principal = error instanceof NotPermitted ? spokenOf(error.principal) : undefined;
    const key = `${what} ${code} ${type ?? ''} ${address} ${principal ?? ''}`;
    const known = this.#pending.get(key);
    if (known !== undefined) return this.#again(known);
    if (this.#pending.size >= MAX_PENDING) return this.#noteAmongMany(what, code);
    const at = runtime.clock.now();
    const message = cut(saidBy(error), MAX_MESSAGE);
    const about = {
      address: cut(address, MAX_NAME),
      what,
      event: type && cut(type, MAX_NAME),
      code,
      message,
      ...(principal !== undefined && { principal }),
    };
    this.#add(key, { ...about, count: 1, first: at, last: at });
  }

  #again(known: Pending): void {
    known.count++;
    known.last = this.#runtime.clock.now();
  }

  /** Codes are ours, so there is an end to them. */
  #noteAmongMany(what: Refusal['what'], code: string): void {
    const key = `${what} ${code}`;
    const known = this.#pending.get(key);
    if (known !== undefined) return this.#again(known);
    const at = this.#runtime.clock.now();
    const about = { address: undefined, what, event: undefined, code, message: 'many were refused at once' };
    this.#add(key, { ...about, count: 1, first: at, last: at });
  }

  #add(key: string, refusal: Pending): void {
    this.#pending.set(key, refusal);
    this.#timer ??= this.#runtime.clock.after(FLUSH_AFTER_MS, () => this.#flush());
  }

  // ---- recording --------------------------------------------------------------------------------------------------

  #flush(): void {
    this.#timer = undefined;
    const { closing, stopped, isFenced, clock } = this.#runtime;
    if (closing || stopped) return;
    if (!isFenced) void this.#record(this.#affordable());
    if (this.#pending.size > 0) this.#timer = clock.after(FLUSH_AFTER_MS, () => this.#flush());
  }

  /** How many may be recorded now. */
  #affordable(): number {
    const now = this.#runtime.clock.monotonicMs();
    const earned = Math.floor((now - this.#budgetAt) / REFILL_MS);
    this.#budget = Math.min(BURST, this.#budget + earned);
    this.#budgetAt = this.#budget === BURST ? now : this.#budgetAt + earned * REFILL_MS;
    return this.#budget;
  }

  async #record(count: number): Promise<void> {
    const refusals: Refusal[] = [];
    for (const [key, refusal] of this.#pending) {
      if (refusals.length >= count) break;
      this.#pending.delete(key);
      refusals.push(refusal);
    }
    if (refusals.length === 0) return;
    this.#budget -= refusals.length;
    try {
      await decide(this.#runtime, { type: REFUSED, refusals });
    } catch (error) {
      for (const refusal of refusals) this.#runtime.metrics.unrecordedRefusals += refusal.count;
      if (!this.#runtime.isFenced) this.#runtime.report(error, 'refusals were not recorded');
    }
  }

  /** The system is about to close: whatever waits is recorded, this once without regard to how much it is. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (!this.#runtime.isFenced) await this.#record(Infinity);
  }

  // ---- looking ----------------------------------------------------------------------------------------------------

  /** Those on the disk, oldest first, and behind them those that are not recorded yet. */
  async *list(of: { readonly address?: string; readonly children?: boolean } = {}): AsyncGenerator<Refusal> {
    const runtime = this.#runtime;
    runtime.assertOpen();
    const isMeant = meant(of);
    const waiting = [...this.#pending.values()].map((refusal) => ({ ...refusal }));
    await runtime.committer.durable();
    const recorded = new Set<string>();
    if (runtime.population.nameOf(SYSTEM_ADDRESS) !== undefined) {
      for await (const { event } of historyOf(runtime, SYSTEM_ADDRESS)) {
        if (event.type !== REFUSED) continue;
        for (const refusal of event['refusals'] as readonly Refusal[]) {
          // As it was when it was recorded: some of the same kind may have come since somebody began to look.
          recorded.add(identityOf(refusal));
          if (isMeant(refusal)) yield refusal;
        }
      }
    }
    for (const refusal of waiting) if (isMeant(refusal) && !recorded.has(identityOf(refusal))) yield refusal;
  }
}

/** A long address is kept cut, so what was cut is looked for. */
function meant({ address, children = false }: { readonly address?: string; readonly children?: boolean }) {
  if (address === undefined) return () => true;
  const kept = cut(address, MAX_NAME);
  const below = `${address}/`;
  const isBelow = (other: string): boolean =>
    below.length < MAX_NAME ? other.startsWith(below) : other === cut(`${below}x`, MAX_NAME);
  return ({ address: other }: Refusal): boolean =>
    other !== undefined && (other === kept || (children && isBelow(other)));
}

const identityOf = ({ address, what, event, code, principal, first }: Refusal): string =>
  JSON.stringify([address, what, event, code, principal, first]);

/** As it is kept. */
export const spokenOf = ({ type, id }: NotPermitted['principal']): string => cut(`${type} ${id}`, MAX_NAME);

function typeOf(event: unknown): string | undefined {
  try {
    const { type } = event as { readonly type?: unknown };
    return typeof type === 'string' ? type : undefined;
  } catch {
    // It is no object, or its getter throws.
    return undefined;
  }
}

/** What an error says, without what users have written or sent. */
function saidBy(error: unknown): string {
  if (error instanceof StepFailed) return `its step threw a ${nameOf(error.cause)}`;
  if (error instanceof StoryChanged)
    return `its code has changed: record ${error.seq} comes out differently at ${error.path}`;
  if (error instanceof NotSerialisable) return `${error.path} ${error.reason.replace(/ \(.*$/s, '')}`;
  if (error instanceof InvalidArgument) return error.message.replace(/, but is .*$/s, '');
  return error instanceof HeddleError ? messageOf(error) : `it threw a ${nameOf(error)}`;
}

/** What was thrown, without what it says. */
export function nameOf(thrown: unknown): string {
  try {
    if (thrown instanceof Error && typeof thrown.name === 'string') return cut(thrown.name, MAX_NAME);
  } catch {
    // Its getter throws.
  }
  return typeof thrown;
}

/** Not in the middle of a character: such a text could not be stored. */
function cut(text: string, length: number): string {
  return (text.length > length ? `${text.slice(0, length - 1)}…` : text).toWellFormed();
}
