/**
 * The schedules of a system: declaring them, asking them for things, and waking them when the system is opened.
 */
import { Acting, resourceAt } from '../acting.ts';
import type { Receipt } from '../receipt.ts';
import type { Cause } from '../trailer.ts';
import { newRoot } from '../birth.ts';
import type { Cell } from '../cell.ts';
import { HeddleError, UnknownActor } from '../errors.ts';
import { rootAddress } from '../kernel/address.ts';
import type { Birth } from '../mailbox.ts';
import { ownCopyOf } from '../own-copy.ts';
import type { Runtime } from '../runtime.ts';
import type { Warrant } from '../warrant.ts';
import { declareSchedule } from './declaration.ts';
import type { ScheduleDeclaration, ScheduleOptions } from './declaration.ts';
import { SCHEDULE } from './logic.ts';
import { nextDueAt, upEvent, zoneNews } from './schedule.ts';
import type {
  Decision,
  Occurrence,
  ScheduleAnswer,
  ScheduleCounts,
  ScheduleState,
  TriggerOutcome,
} from './words.ts';

/** A schedule as it is now. */
export interface ScheduleInfo {
  readonly id: string;
  /** Whose history holds all of its decisions: `schedule/<id>`. */
  readonly address: string;
  readonly status: ScheduleState['status'];
  readonly declaration: ScheduleDeclaration;
  /** When the next occurrence is due, in milliseconds since the epoch; undefined when none is. */
  readonly nextDueAt: number | undefined;
  readonly running: readonly Occurrence[];
  readonly waiting: readonly Occurrence[];
  readonly counts: ScheduleCounts;
  /** The newest decisions, oldest first. */
  readonly decisions: readonly Decision[];
}

/** Who asks for something, and why; both are recorded. */
export interface ScheduleWords {
  readonly by?: string;
  readonly reason?: string;
}

export class Schedules {
  readonly #runtime: Runtime;
  readonly #acting: Acting;

  /** Use `system.schedules`. */
  constructor(runtime: Runtime, acting = new Acting(runtime)) {
    this.#runtime = runtime;
    this.#acting = acting;
  }

  /**
   * Declares a schedule, or declares it anew: a program does so each time it starts. Each occurrence is an actor of the name
   * `start` with the id `<id>@<instant>`, started once however often the system crashes.
   * @throws InvalidArgument naming what makes no sense; what is wrong with an input that nobody can be started with
   */
  async declare(options: ScheduleOptions): Promise<void> {
    const runtime = this.#runtime;
    runtime.assertOpen();
    const declaration = await declareSchedule(ownCopyOf(options));
    const { definitions } = runtime;
    definitions.assertStartable(declaration.start, 'schedule.start');
    definitions.at([declaration.start])!.spec.admits?.(declaration.input);
    const address = addressOf(declaration.id);
    const about = resourceAt(address, { start: declaration.start });
    await this.#acting.act('schedule.declare', about, async (warrant) => {
      const cell = this.#find(address);
      if (cell !== undefined && stateOf(cell).status !== 'deleted')
        await this.#up(cell, declaration, warrant);
      else await this.#bear(address, cell, declaration, warrant);
    });
  }

  async #bear(
    address: string,
    earlier: Cell | undefined,
    declaration: ScheduleDeclaration,
    warrant: Warrant | undefined,
  ): Promise<void> {
    const runtime = this.#runtime;
    const birth: Birth = { address, path: [SCHEDULE] };
    const up = upEvent(declaration, runtime.clock.now(), warrant?.principal.id);
    const init = runtime.events.prepareHolder({ type: 'xstate.init', input: up });
    const cell = earlier ?? newRoot(runtime, birth);
    await runtime.delivery.bear(cell, birth, init, warrant);
  }

  #up(cell: Cell, declaration: ScheduleDeclaration, warrant: Warrant | undefined): Promise<Receipt> {
    const up = upEvent(declaration, this.#runtime.clock.now(), warrant?.principal.id);
    return this.#runtime.delivery.command(cell, { ...up }, warrant);
  }

  /** All of them that are not deleted, by id. */
  async list(): Promise<readonly ScheduleInfo[]> {
    const infos: ScheduleInfo[] = [];
    for await (const address of this.#runtime.population.addressesOf(SCHEDULE)) {
      const cell = this.#find(address);
      if (cell !== undefined && stateOf(cell).status !== 'deleted') infos.push(infoOf(cell));
    }
    return infos;
  }

  /** One of them; undefined when there is none, or it is deleted. */
  get(id: string): ScheduleInfo | undefined {
    this.#runtime.assertOpen();
    const cell = this.#find(addressOf(id));
    return cell === undefined || stateOf(cell).status === 'deleted' ? undefined : infoOf(cell);
  }

  /** Starts nothing more until it is resumed. What is due meanwhile is skipped, and counted. */
  async pause(id: string, words: ScheduleWords = {}): Promise<void> {
    await this.#ask(id, 'schedule.pause', words);
  }

  async resume(id: string, words: ScheduleWords = {}): Promise<void> {
    await this.#ask(id, 'schedule.resume', words);
  }

  /** Starts an occurrence now, if the overlap policy allows it; also while it is paused. */
  async trigger(id: string, words: ScheduleWords = {}): Promise<TriggerOutcome> {
    const answer = await this.#ask(id, 'schedule.trigger', words);
    return answer.occurrence!;
  }

  /** Ends it for good. Occurrences that run go on. */
  async delete(id: string, words: ScheduleWords = {}): Promise<void> {
    await this.#ask(id, 'schedule.delete', words);
  }

  async #ask(
    id: string,
    action: string,
    { by, reason }: ScheduleWords,
  ): Promise<ScheduleAnswer & { done: true }> {
    this.#runtime.assertOpen();
    const cell = this.#find(addressOf(id));
    if (cell === undefined || stateOf(cell).status === 'deleted')
      throw new UnknownActor(addressOf(id), 'there is no such schedule');
    const event = {
      type: `heddle.${action}`,
      ...(by !== undefined && { by }),
      ...(reason !== undefined && { reason }),
    };
    const answer = await this.#acting.act(action, resourceAt(cell.address), (warrant) =>
      this.#runtime.answers.ask<ScheduleAnswer>(cell, event, warrant),
    );
    if (!answer.done) throw new UnknownActor(addressOf(id), 'there is no such schedule');
    return answer;
  }

  #find(address: string): Cell | undefined {
    const cell = this.#runtime.population.find(address);
    return cell?.snapshot === undefined ? undefined : cell;
  }

  /**
   * The system was opened. What schedules have missed their timers tell them, which are overdue; here they hear of new rules
   * of their time zones, and of occurrences that are gone.
   */
  async open(): Promise<void> {
    const { population, clock, delivery } = this.#runtime;
    for await (const address of population.addressesOf(SCHEDULE)) {
      try {
        const cell = this.#find(address);
        if (cell === undefined || stateOf(cell).status === 'deleted') continue;
        this.#reportLost(cell);
        const up = zoneNews(stateOf(cell), clock.now());
        if (up !== undefined) delivery.sendFrom(SYSTEM, cell.ref, { ...up });
      } catch (error) {
        if (!(error instanceof HeddleError)) throw error;
        this.#runtime.report(error, `${address} is not kept`);
      }
    }
  }

  /** An occurrence that could not be born has told only those in memory. */
  #reportLost(cell: Cell): void {
    const { running, declaration } = stateOf(cell);
    for (const { id } of running) {
      const isThere = this.#runtime.population.nameOf(rootAddress(declaration.start, id)) !== undefined;
      if (isThere) continue;
      const exit = { type: 'heddle.exit', id, reason: 'failed' };
      this.#runtime.delivery.sendFrom(SYSTEM, cell.ref, exit);
    }
  }
}

const SYSTEM: Cause = { kind: 'system' };

const addressOf = (id: string): string => rootAddress(SCHEDULE, id);

const stateOf = ({ snapshot }: Cell): ScheduleState => snapshot!.context as ScheduleState;

function infoOf(cell: Cell): ScheduleInfo {
  const state = (cell.committed ?? cell.snapshot)!.context as ScheduleState;
  const { status, declaration, running, waiting, counts, decisions } = state;
  const { id } = declaration;
  const info = { status, declaration, nextDueAt: nextDueAt(state), running, waiting, counts, decisions };
  return { id, address: cell.address, ...info };
}
