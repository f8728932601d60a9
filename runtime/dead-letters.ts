/**
 * Dead letters: events that could not be applied, and actions that could not be done, parked with their evidence until
 * somebody tries them again or gives them up. What happens to the actor meanwhile is another matter: see failure.ts.
 */
import type { AnyEventObject } from 'xstate';
import { allOf, deadLetterKey, Prefix } from '../storage/keys.ts';
import { openRow } from '../storage/row.ts';
import { Acting, resourceAt } from './acting.ts';
import type { Cell, OwedTurn } from './cell.ts';
import { decide } from './decisions.ts';
import { runAgain } from './effects.ts';
import { ActorEnded, InvalidArgument, StoreCorrupt, UnknownActor } from './errors.ts';
import { Message } from './mailbox.ts';
import { ownCopyOf } from './own-copy.ts';
import { portable } from './portable.ts';
import type { Receipt } from './receipt.ts';
import { Reply } from './reply.ts';
import { owedAt } from './restore.ts';
import type { Runtime } from './runtime.ts';
import { mayRun } from './standing.ts';
import type { Cause } from './trailer.ts';
import type { Warrant } from './warrant.ts';

/** A dead letter as it is stored. */
export interface DeadLetter {
  readonly id: number;
  readonly address: string;
  readonly life: number;
  /** The newest record of the actor when it was given up: what failed did so in the state as of that. */
  readonly seq?: number;
  /** When it was given up, in milliseconds since the epoch. */
  readonly at: number;
  readonly reason: 'step' | 'action';
  /** The event that could not be applied, or the name of the action that could not be done. */
  readonly event?: AnyEventObject;
  readonly action?: string;
  readonly idempotencyKey?: string;
  readonly cause?: Cause;
  /** On whose behalf the event was sent, and what has permitted that. */
  readonly warrant?: Warrant;
  readonly error: unknown;
  /** The state in which it happened. */
  readonly state?: unknown;
  /** How often it was tried again in vain. */
  readonly retries?: number;
}

/** Who decides about a dead letter, and why. */
export interface DeadLetterDecision {
  readonly by: string;
  readonly reason: string;
}

/** The dead letters of a system, oldest first. */
export interface DeadLetterList extends AsyncIterable<DeadLetter> {
  /**
   * Tries again: the event is sent to its actor once more, or the action done once more under its key. Resolves when that
   * is on the disk, and the letter gone with it.
   * @throws StepFailed and whatever else it fails with; then the letter stays. InvalidArgument, ActorEnded
   */
  retry(id: number, who?: { readonly by: string }): Promise<void>;
  /** Gives it up for good. The letter moves into the journal of `heddle/system`, with who did it and why. */
  discard(id: number, decision: DeadLetterDecision): Promise<void>;
}

/** What stands in the journal of `heddle/system` about one that was given up for good. */
export const DISCARDED = 'heddle.dead-letter.discarded';

export class DeadLetters {
  readonly #runtime: Runtime;
  /** Those that somebody is deciding about. */
  readonly #inHand = new Set<number>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  // ---- giving up --------------------------------------------------------------------------------------------------

  /** An action failed for good. */
  action(cell: Cell, owed: OwedTurn, action: string, idempotencyKey: string, error: unknown): void {
    const letter = {
      ...this.#about(cell, error),
      life: owed.life,
      reason: 'action',
      action,
      idempotencyKey,
    } as const;
    this.#write(cell, letter);
    this.#runtime.metrics.deadActions++;
    this.#runtime.report(error, `the action '${action}' of ${idempotencyKey} failed and was given up`);
  }

  /** A step failed for good. */
  step(cell: Cell, { event, cause, letter: id, reply }: Message, error: unknown): void {
    const about = {
      ...this.#about(cell, error, id),
      reason: 'step' as const,
      event,
      state: cell.snapshot?.value,
    };
    const warrant = reply?.warrant;
    const letter = {
      ...about,
      ...(cause !== undefined && { cause }),
      ...(warrant !== undefined && { warrant }),
    };
    const before = id === undefined ? undefined : this.#find(id);
    if (before === undefined) this.#runtime.metrics.deadSteps++;
    this.#write(
      cell,
      before === undefined ? letter : { ...before, error: letter.error, retries: (before.retries ?? 0) + 1 },
    );
  }

  #about(cell: Cell, error: unknown, known?: number) {
    const { ledger, clock, codec } = this.#runtime;
    const id = known ?? ledger.nextActor++;
    const { address, life, seq } = cell;
    return { id, address, life, seq, at: clock.now(), error: portable(codec, error) };
  }

  #write({ actor }: Cell, letter: DeadLetter): void {
    const { ledger, codec, committer } = this.#runtime;
    ledger.put(
      deadLetterKey(letter.id),
      codec.packHolder(letter, 'deadLetter'),
      letter.retries === undefined,
    );
    // One that keeps its last good state may have no entry in this commit.
    ledger.concern(actor);
    committer.request();
  }

  // ---- looking ----------------------------------------------------------------------------------------------------

  /** @param acting whoever decides about them */
  list(
    { address }: { readonly address?: string } = {},
    acting: Acting = new Acting(this.#runtime),
  ): DeadLetterList {
    const about = (id: number) => resourceAt(this.#letter(id).address, { letter: id });
    return {
      [Symbol.asyncIterator]: () => this.#all(address),
      retry: async (id, who) => {
        const own = ownCopyOf(who);
        return acting.act('retry', about(id), (warrant) => this.#retry(id, own, warrant));
      },
      discard: async (id, decision) => {
        const own = ownCopyOf(decision);
        return acting.act('discard', about(id), (warrant) => this.#discard(id, own, warrant));
      },
    };
  }

  async *#all(address: string | undefined): AsyncGenerator<DeadLetter> {
    const runtime = this.#runtime;
    runtime.assertOpen();
    await runtime.committer.durable();
    const { store } = runtime.ledger;
    for await (const chunk of store.scan(allOf(Prefix.DeadLetter))) {
      for (const [key, row] of chunk) {
        const body = openRow(key, row);
        if (body === undefined)
          throw new StoreCorrupt(store.location, 'the checksum of a dead letter is wrong');
        const letter = runtime.codec.unpack(body) as DeadLetter;
        if (address === undefined || letter.address === address) yield letter;
        runtime.assertOpen();
      }
    }
  }

  #find(id: number): DeadLetter | undefined {
    const row = this.#runtime.ledger.get(deadLetterKey(id));
    return row && (this.#runtime.codec.unpack(row) as DeadLetter);
  }

  // ---- deciding ---------------------------------------------------------------------------------------------------

  async #retry(
    id: number,
    who: { readonly by: string } | undefined,
    warrant: Warrant | undefined,
  ): Promise<void> {
    await this.#inOneHand(id, async (letter) => {
      const cell = this.#actorOf(letter);
      if (letter.reason === 'step') this.#assertTakes(cell);
      else if (cell.paused !== undefined)
        throw new InvalidArgument('id', `is of letter ${id}, whose actor is paused: resume it first`);
      if (who !== undefined) assertText(who.by, 'by');
      if (who !== undefined || warrant !== undefined) {
        const about = { letter: id, ...(who !== undefined && { by: who.by }) };
        await decide(this.#runtime, { type: 'heddle.dead-letter.retried', ...about }, { warrant });
      }
      await (letter.reason === 'step' ? this.#sendAgain(cell, letter, warrant) : this.#doAgain(cell, letter));
    });
  }

  /** Two who decide about a letter at once could both carry it out. */
  async #inOneHand(id: number, decideAbout: (letter: DeadLetter) => Promise<unknown>): Promise<void> {
    const letter = this.#letter(id);
    if (this.#inHand.has(id))
      throw new InvalidArgument('id', `is of letter ${id}, about which somebody is deciding already`);
    this.#inHand.add(id);
    try {
      await decideAbout(letter);
    } finally {
      this.#inHand.delete(id);
    }
  }

  #assertTakes(cell: Cell): void {
    if (cell.ended) throw new ActorEnded(cell.address, cell.snapshot!.status);
    if (!mayRun(cell)) this.#runtime.supervision.stayingDown.assertComingBack(cell);
  }

  #sendAgain(cell: Cell, { id, event }: DeadLetter, warrant: Warrant | undefined): Promise<Receipt> {
    const { events, delivery } = this.#runtime;
    const { event: again, packed } = events.prepareHolder(event!);
    const reply = new Reply(undefined, undefined, warrant);
    const message = new Message(again, packed, cell.life, { kind: 'letter', id }, undefined, reply);
    message.letter = id;
    delivery.post(cell, message);
    return reply.promise;
  }

  async #doAgain(cell: Cell, { id, idempotencyKey }: DeadLetter): Promise<void> {
    const [seq, index] = idempotencyKey!
      .slice(cell.address.length + 1)
      .split(':')
      .map(Number);
    const owed = owedAt(this.#runtime, cell, seq!);
    const effect = owed?.effects.find((one) => one.index === index);
    if (effect === undefined)
      throw new InvalidArgument('id', `is letter ${id}, whose action is not in today's code`);
    await runAgain(this.#runtime, cell, owed!, effect);
    await decide(
      this.#runtime,
      { type: 'heddle.dead-letter.done', letter: id, idempotencyKey },
      { letter: id },
    );
  }

  async #discard(id: number, decision: DeadLetterDecision, warrant: Warrant | undefined): Promise<void> {
    // Whoever writes JavaScript may have forgotten it.
    const { by, reason }: Partial<DeadLetterDecision> = decision ?? {};
    assertText(by, 'by');
    assertText(reason, 'reason');
    await this.#inOneHand(id, (letter) =>
      decide(this.#runtime, { type: DISCARDED, by, reason, letter }, { letter: id, warrant }),
    );
  }

  #letter(id: number): DeadLetter {
    this.#runtime.assertOpen();
    const letter = Number.isSafeInteger(id) && id > 0 ? this.#find(id) : undefined;
    if (letter === undefined) throw new InvalidArgument('id', `is of no dead letter: ${String(id)}`);
    return letter;
  }

  #actorOf({ address }: DeadLetter): Cell {
    const cell = this.#runtime.population.find(address);
    if (cell === undefined) throw new UnknownActor(address, 'nobody lives there any more');
    return cell;
  }
}

function assertText(value: unknown, path: string): void {
  if (typeof value === 'string' && value.trim() !== '') return;
  throw new InvalidArgument(path, 'must be a text that is not empty: it is kept as evidence');
}
