/**
 * Orders: what a supervisor's step asks of other actors, made into messages of its commit.
 *
 * A supervisor decides without knowing whether an actor exists, lives, or can be loaded. That is looked up here, and where
 * there is nobody to reply, the reply is sent at once.
 */
import { makeSelf } from '../birth.ts';
import type { Cell } from '../cell.ts';
import { HeddleError } from '../errors.ts';
import type { Intent } from '../kernel/intent.ts';
import { segmentsOf } from '../kernel/address.ts';
import type { Ref } from '../kernel/ref.ts';
import { Message } from '../mailbox.ts';
import type { Birth } from '../mailbox.ts';
import { inputOf } from '../birth.ts';
import { portable } from '../portable.ts';
import type { Runtime } from '../runtime.ts';
import { HALT, isUrgent, UP } from '../standing.ts';
import type { Cause } from '../trailer.ts';
import type { Newborn } from '../turn.ts';
import type { Definition } from '../definition.ts';
import { START } from '../schedules/logic.ts';
import type { ChildDeclaration } from './declaration.ts';
import { isEveryone, SUPERVISOR } from './logic.ts';

type OrderIntent = Extract<Intent, { kind: 'order' }>;

/** What stands in the first record of whoever is born. */
interface Given {
  readonly input?: unknown;
  /** Of an occurrence: whose schedule it is. */
  readonly declaredBy?: string;
}

interface StartEvent extends Given {
  readonly type: typeof START;
  readonly start: string;
}

/** A message that commits with the supervisor's step, and whom it brings to life. */
export interface Sent {
  readonly to: Ref;
  readonly message: Message;
  readonly child?: Newborn;
}

/**
 * The messages of the order at a place in a step's list of intents.
 * @param spare a place behind all intents, for a second message
 */
export function messagesOf(
  runtime: Runtime,
  from: Cell,
  intent: OrderIntent,
  index: number,
  spare: number,
): Sent[] {
  // Those are in memory or asleep, and hear of it after the commit: see supervision.ts.
  if (isEveryone(intent.to)) return [];
  return new Addressed(runtime, from, intent, index, spare).messages();
}

class Addressed {
  readonly #runtime: Runtime;
  readonly #from: Cell;
  readonly #address: string;
  readonly #event: OrderIntent['event'];
  readonly #index: number;
  readonly #spare: number;

  constructor(runtime: Runtime, from: Cell, { to, event }: OrderIntent, index: number, spare: number) {
    this.#runtime = runtime;
    this.#from = from;
    this.#address = to;
    this.#event = event;
    this.#index = index;
    this.#spare = spare;
  }

  messages(): Sent[] {
    try {
      return this.#to(this.#runtime.population.find(this.#address));
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error;
      return this.#toRefused(error);
    }
  }

  #to(cell: Cell | undefined): Sent[] {
    switch (this.#event.type) {
      case UP:
        return this.#isUnderWay(cell) ? [] : this.#up(cell);
      case HALT:
        if (this.#isUnderWay(cell)) return [];
        return cell === undefined || cell.ended
          ? [this.#reply({ type: 'heddle.halted', isGone: true })]
          : this.#pass(cell);
      case START:
        return this.#start(cell);
      case 'heddle.release':
        if (cell?.definition.isSupervisor === true) return this.#pass(cell);
        return cell?.down === undefined ? [] : [this.#send(cell.ref, { type: UP })];
      default:
        return cell === undefined || cell.ended ? [] : this.#pass(cell);
    }
  }

  /** Whether an order was given before, and waits: taken twice, a supervisor that gave up in between would start again. */
  #isUnderWay(cell: Cell | undefined): boolean {
    const { actor } = this.#from;
    const waiting = cell?.mailbox?.waiting() ?? [];
    return waiting.some(
      ({ cause, birth, event }) =>
        cause?.kind === 'actor' && cause.actor === actor && (birth !== undefined || isUrgent(event)),
    );
  }

  #toRefused(error: HeddleError): Sent[] {
    if (this.#event.type === HALT) return [this.#reply({ type: 'heddle.halted' })];
    if (this.#event.type === START) return [this.#reply({ type: 'heddle.exit', reason: 'failed' })];
    if (this.#event.type !== UP) return [];
    return [this.#reply({ type: 'heddle.refused', error: portable(this.#runtime.codec, error) })];
  }

  #up(cell: Cell | undefined): Sent[] {
    const { declaration, id } = this.#event as unknown as { declaration: ChildDeclaration; id: string };
    if (cell === undefined) return [this.#bear(undefined, declaration, this.#index)];
    if (cell.definition.isSupervisor) return this.#pass(cell);
    const isOver = cell.ended || isToldToStop(cell);
    if (!isOver && declaration.from === 'journal') return [this.#send(cell.ref, { type: UP, id })];
    const birth = this.#bear(cell, declaration, this.#spare + this.#index);
    return isOver ? [birth] : [this.#send(cell.ref, { type: 'xstate.stop' }), birth];
  }

  /** Brings an occurrence to life that nobody supervises, unless it was started before. */
  #start(cell: Cell | undefined): Sent[] {
    const { type: _, start, ...given } = this.#event as unknown as StartEvent;
    if (cell?.birth?.starter === this.#from.actor)
      return cell.ended ? [this.#reply({ type: 'heddle.exit', reason: 'done' })] : [];
    if (cell !== undefined || !this.#canStart(start))
      return [this.#reply({ type: 'heddle.exit', reason: 'failed' })];
    const { definition, birth } = this.#born(start);
    return [
      this.#birthOf(undefined, definition, { ...birth, starter: this.#from.actor }, given, this.#index),
    ];
  }

  /** A schedule of before may be of actors whose birth is reserved by now. */
  #canStart(name: string): boolean {
    const { definitions } = this.#runtime;
    return definitions.names.includes(name) && definitions.at([name])!.spec.reservesBirth === undefined;
  }

  /** A first life, or a fresh one with the input of the first. */
  #bear(earlier: Cell | undefined, { start, input, supervisor }: ChildDeclaration, index: number): Sent {
    const { definition, birth } = this.#born(start);
    const again = { ...birth, ...(earlier !== undefined && { since: earlier.since, ...starterOf(earlier) }) };
    const own = earlier === undefined ? input : (input ?? inputOf(this.#runtime, earlier));
    const given = { input: start === SUPERVISOR ? supervisor : own };
    return this.#birthOf(earlier, definition, again, given, index);
  }

  #born(start: string): { definition: Definition; birth: Birth } {
    const definition = this.#runtime.definitions.at([start])!;
    const birth = { address: this.#address, path: [start], ...(definition.isProcess && { process: true }) };
    return { definition, birth };
  }

  #birthOf(
    earlier: Cell | undefined,
    definition: Definition,
    birth: Birth,
    given: Given,
    index: number,
  ): Sent {
    const { events, ledger } = this.#runtime;
    const life = (earlier?.lives ?? 0) + 1;
    const ref = makeSelf(this.#runtime, earlier?.actor ?? ledger.nextActor++, birth, life);
    const { event, packed } = events.prepareHolder({ type: 'xstate.init', ...given });
    return {
      to: ref,
      message: new Message(event, packed, life, this.#cause(index), birth),
      child: { definition, earlier },
    };
  }

  #pass(cell: Cell): Sent[] {
    return [this.#send(cell.ref, this.#event)];
  }

  #send(to: Ref, given: OrderIntent['event']): Sent {
    const { event, packed } = this.#runtime.events.prepareHolder(given);
    return { to, message: new Message(event, packed, to.life, this.#cause(this.#index)) };
  }

  /** What the child would say, if there were one. */
  #reply(event: { type: string; error?: unknown; isGone?: true; reason?: string }): Sent {
    const id = segmentsOf(this.#address).at(-1)!;
    return this.#send(this.#from.ref, { ...event, id });
  }

  #cause(index: number): Cause {
    const { actor, seq, life, origin } = this.#from;
    return { kind: 'actor', actor, seq: seq + 1, index, life, origin };
  }
}

/** Whether the end of its life waits for it. */
function isToldToStop({ mailbox }: Cell): boolean {
  return mailbox?.waiting().some(({ event }) => event.type === 'xstate.stop') ?? false;
}

function starterOf({ birth }: Cell): Pick<Birth, 'starter'> {
  return birth?.starter === undefined ? {} : { starter: birth.starter };
}
