/**
 * A history with what did not become part of it: calls that were refused, and events and actions that were given up, between the
 * records. Where there is one journal a dead letter stands behind the record that its actor stood at. All else has a time and no
 * more, so of the same millisecond it comes behind the records; where the clock was set back, places are as good as the times
 * are, and nothing is left out or told twice for it.
 *
 * Nothing of what was sent is shown, only types, and what was thrown only by its name: the letter itself has the rest. What was
 * refused is held in memory while the records are read one by one.
 */
import type { AnyEventObject } from 'xstate';
import { DISCARDED } from '../dead-letters.ts';
import type { DeadLetter, DeadLetterDecision } from '../dead-letters.ts';
import { SYSTEM_ADDRESS } from '../decisions.ts';
import { nameOf, spokenOf } from '../refusals.ts';
import type { Refusal } from '../refusals.ts';
import type { Runtime } from '../runtime.ts';
import { assertRecordNumbers, historyOf } from './history.ts';
import type { HistoryOptions, HistoryRecord } from './history.ts';

/** What was asked of an actor, and came to nothing. */
export interface HistoryRefusal {
  /** Who was meant. A call to a very long one is kept under its beginning, with `…`, and told of all that begin like it. */
  readonly address: string;
  /** It is no record. */
  readonly seq: undefined;
  /** When the first and the last of them came, in milliseconds since the epoch. */
  readonly at: number;
  readonly last: number;
  /** A call from outside, by its name; `event`, one that could not be applied; or `action`, one that could not be done. */
  readonly refused: string;
  /** On whose behalf it was sent, or was not permitted: `user alice`. */
  readonly principal?: string | undefined;
  /** The type of the event, if it had one. */
  readonly event: string | undefined;
  /** The name of the action. */
  readonly action: string | undefined;
  /** The code of the error, or the name of one that has none. */
  readonly code: string;
  readonly message: string;
  /** How many calls were refused for the same reason. */
  readonly count: number;
  /** The id of the dead letter that holds the rest. */
  readonly letter: number | undefined;
  /** The newest record of the actor when it was given up. */
  readonly after: number | undefined;
  /** Who has given the dead letter up for good, why and when. Undefined of one that is still there. */
  readonly decided: (DeadLetterDecision & { readonly at: number }) | undefined;
}

/** @throws JournalCorrupt, InvalidArgument; UnknownActor where nobody lived and nothing was refused */
export async function* historyWithRefusals(
  runtime: Runtime,
  address: string,
  options: HistoryOptions,
): AsyncGenerator<HistoryRecord | HistoryRefusal> {
  assertRecordNumbers(options);
  const { from = 1, to = Infinity, reverse = false } = options;
  runtime.assertOpen();
  const hasLived = (): boolean => runtime.population.nameOf(address) !== undefined;
  // Nobody is below an actor that never was.
  const children = hasLived() && options.children === true;
  const refused = await refusedAt(runtime, address, children);
  const isKnown = refused.length === 0 || hasLived();
  const records = isKnown ? historyOf(runtime, address, options) : undefined;
  const opensAtStart = from <= 1;
  // All that was refused to somebody who never lived came before the first record.
  const opensAtEnd = to === Infinity || (!isKnown && to >= 1);
  const [opensHere, opensThere] = reverse ? [opensAtEnd, opensAtStart] : [opensAtStart, opensAtEnd];
  const between = new Between(refused, { children, reverse });
  let isWithin = opensHere;
  for await (const record of records ?? []) {
    const passed = between.passed(record);
    if (isWithin) yield* passed;
    yield record;
    isWithin = true;
  }
  if (isWithin && opensThere) yield* between.rest();
}

// ---- the order ----------------------------------------------------------------------------------------------------

/** What has no place yet, while records are passed in one direction. */
class Between {
  readonly #reverse: boolean;
  readonly #children: boolean;
  readonly #ranks: ReadonlyMap<HistoryRefusal, number>;
  /** The next is the last. Those that know their record and those that have a time are in two orders. */
  readonly #waiting: readonly HistoryRefusal[][];

  constructor(
    refused: readonly HistoryRefusal[],
    { children, reverse }: { readonly children: boolean; readonly reverse: boolean },
  ) {
    this.#reverse = reverse;
    this.#children = children;
    const byTime = refused.toSorted((a, b) => a.at - b.at);
    this.#ranks = new Map(byTime.map((one, rank) => [one, rank]));
    const knowing = byTime.filter((one) => this.#knowsRecord(one)).sort((a, b) => a.after! - b.after!);
    const others = byTime.filter((one) => !this.#knowsRecord(one));
    this.#waiting = reverse ? [knowing, others] : [knowing.reverse(), others.reverse()];
  }

  /** Those that stand before a record in the direction in which is read. */
  passed(record: HistoryRecord): HistoryRefusal[] {
    return this.#take((one) => this.#isEarlier(one, record) !== this.#reverse);
  }

  rest(): HistoryRefusal[] {
    return this.#take(() => true);
  }

  #take(isNext: (one: HistoryRefusal) => boolean): HistoryRefusal[] {
    const taken: HistoryRefusal[] = [];
    for (const waiting of this.#waiting)
      while (waiting.length > 0 && isNext(waiting.at(-1)!)) taken.push(waiting.pop()!);
    const rank = (one: HistoryRefusal): number => this.#ranks.get(one)!;
    return taken.sort((a, b) => (this.#reverse ? rank(b) - rank(a) : rank(a) - rank(b)));
  }

  #isEarlier(one: HistoryRefusal, { seq, at }: HistoryRecord): boolean {
    return this.#knowsRecord(one) ? one.after! < seq : one.at < at;
  }

  /** Among the records of several actors its number says nothing. */
  #knowsRecord({ after }: HistoryRefusal): boolean {
    return !this.#children && after !== undefined;
  }
}

// ---- what was refused ---------------------------------------------------------------------------------------------

async function refusedAt(runtime: Runtime, address: string, children: boolean): Promise<HistoryRefusal[]> {
  const isMeant = (letter: DeadLetter): boolean =>
    letter.address === address || (children && letter.address.startsWith(`${address}/`));
  // First those that are there: one that is given up meanwhile is met twice, and not missed.
  const letters = new Map<number, HistoryRefusal>();
  for await (const letter of runtime.deadLetters.list())
    if (isMeant(letter)) letters.set(letter.id, givenUp(letter));
  for await (const { letter, ...decided } of discarded(runtime))
    if (isMeant(letter)) letters.set(letter.id, givenUp(letter, decided));
  const refused: HistoryRefusal[] = [];
  for await (const refusal of runtime.refusals.list({ address, children })) refused.push(turnedAway(refusal));
  return [...letters.values(), ...refused];
}

type Discarded = NonNullable<HistoryRefusal['decided']> & { readonly letter: DeadLetter };

async function* discarded(runtime: Runtime): AsyncGenerator<Discarded> {
  if (runtime.population.nameOf(SYSTEM_ADDRESS) === undefined) return;
  for await (const { event, at } of historyOf(runtime, SYSTEM_ADDRESS)) {
    if (event.type !== DISCARDED) continue;
    const { by, reason, letter } = event as AnyEventObject & Discarded;
    yield { by, reason, at, letter };
  }
}

function turnedAway({ address, what, first, ...rest }: Refusal): HistoryRefusal {
  const none = { action: undefined, letter: undefined, after: undefined, decided: undefined };
  return { address: address!, seq: undefined, at: first, refused: what, ...rest, ...none };
}

function givenUp(letter: DeadLetter, decided?: HistoryRefusal['decided']): HistoryRefusal {
  const { id, address, at, event, action, error, seq, warrant } = letter;
  return {
    ...{ address, seq: undefined, at, last: at },
    refused: letter.reason === 'step' ? 'event' : 'action',
    ...{ event: event?.type, action },
    code: codeOf(error),
    message: `${letter.reason === 'step' ? 'its step' : 'it'} threw a ${nameOf(thrownIn(error))}`,
    ...(warrant !== undefined && { principal: spokenOf(warrant.principal) }),
    ...{ count: 1, letter: id, after: seq, decided },
  };
}

/** Stored errors of ours have lost their class. */
const isOurs = (error: unknown): error is Error & { readonly code: string } =>
  error instanceof Error &&
  'code' in error &&
  typeof error.code === 'string' &&
  error.code.startsWith('HEDDLE_');

function codeOf(error: unknown): string {
  if (isOurs(error)) return error.code;
  return error instanceof Error ? nameOf(error) : 'Error';
}

/** What its code has thrown: our error about that names it as its cause. */
const thrownIn = (error: unknown): unknown =>
  isOurs(error) && error.cause !== undefined ? error.cause : error;
