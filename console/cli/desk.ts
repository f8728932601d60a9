/**
 * The desk: where the command line asks its questions. A store that a daemon has open is asked for over the daemon's socket,
 * without being told; any other is opened here, paused and behind glass, so that looking at it moves and changes nothing.
 */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { askDaemon, isAnswered } from '../control/client.ts';
import { readDoor } from '../control/door.ts';
import type { Door } from '../control/door.ts';
import type { ArgsOf, OperationName, RowOf } from '../control/operations/table.ts';
import { orchestrationIn } from '../control/orchestration.ts';
import type { Subject } from '../control/subject.ts';
import { refusal, Refused, troubleOf } from '../control/trouble.ts';
import { behindGlass } from './glass.ts';
import { libraryFor, loadCode, needsCode } from './project.ts';
import type { Project } from './project.ts';

export interface Desk extends AsyncDisposable {
  /** Asks, and gives the rows as they come. @throws Refused */
  ask<TName extends OperationName>(name: TName, args: ArgsOf<TName>): AsyncIterable<RowOf<TName>>;
}

/**
 * What a command needs when the store is opened here: its journals alone, the code of the actors if there is some or in any case, or
 * a system that runs.
 */
export type Needs = 'journals' | 'code-if-given' | 'code' | 'running';

export interface DeskOptions {
  readonly needs: Needs;
  /** Whether it is more than a look, if the store is opened here. */
  readonly writes: boolean;
  /** Whether the system is let run while it is open here. */
  readonly run: boolean;
  readonly signal: AbortSignal;
  /** Hears what the system reports. */
  readonly report: (text: string) => void;
}

/** @throws Refused */
export async function openDesk(project: Project, options: DeskOptions): Promise<Desk> {
  assertStore(project.store);
  const store = realpathSync(project.store);
  const door = readDoor(store);
  if (door !== undefined && (await isAnswered(door)))
    return new DaemonDesk({ ...door, store }, options.signal);
  return openHere({ ...project, store }, options);
}

/** Opening makes a store where there is none, which nobody who looks has wished for. */
function assertStore(folder: string): void {
  if (!existsSync(folder)) throw refusal('NotFound', `${folder} does not exist`);
  if (!existsSync(join(folder, 'CURRENT')) && !existsSync(join(folder, 'heddle.anchor')))
    throw refusal('NotFound', `there is no store in ${folder}`);
}

// ---- a daemon -----------------------------------------------------------------------------------------------------

class DaemonDesk implements Desk {
  readonly #door: Door;
  readonly #signal: AbortSignal;

  constructor(door: Door, signal: AbortSignal) {
    this.#door = door;
    this.#signal = signal;
  }

  ask<TName extends OperationName>(name: TName, args: ArgsOf<TName>): AsyncIterable<RowOf<TName>> {
    return askDaemon(this.#door, name, args, this.#signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Each question hangs up by itself.
  }
}

// ---- here ---------------------------------------------------------------------------------------------------------

async function openHere({ store, codeFile }: Project, options: DeskOptions): Promise<Desk> {
  const { needs, run, report } = options;
  if (needs === 'running' && !run) {
    throw refusal(
      'NeedsRunning',
      `nobody runs the system of ${store}: start its daemon, or let it run here for as long as this takes, with --run`,
    );
  }
  const file = needs === 'journals' && !run ? undefined : codeFile;
  // A system without the code of its actors must not run: its supervisors would see all of them fail.
  if ((needs === 'code' || run) && file === undefined) {
    throw needsCode();
  }
  const { createSystem, leveldb } = await libraryFor(file);
  const { store: _, ...code } = file === undefined ? { actors: {} } : await loadCode(file);
  const logger = {
    log: (...args: unknown[]) => report(args.map(String).join(' ')),
    error: (...args: unknown[]) => report(args.map(messageOf).join(' ')),
  };
  try {
    const stored = run || options.writes ? leveldb(store) : behindGlass(leveldb(store));
    const system = await createSystem({ ...code, store: stored, logger, paused: !run });
    const orchestration = orchestrationIn(system);
    const subject: Subject = {
      ...{ location: store, system, isRunning: run, hasCode: file !== undefined, orchestration },
      // Halts are the house's own, whatever code there is. They are loaded for those who ask for them.
      halts: async () => orchestration?.halts ?? new (await import('../../actors/index.ts')).Halts(system),
    };
    return new OpenDesk(subject, options.signal, () => system.close());
  } catch (error) {
    throw asLocked(error, store);
  }
}

const messageOf = (value: unknown): string => (value instanceof Error ? value.message : String(value));

/** Whoever has it open serves no socket, or is just about to. */
function asLocked(error: unknown, store: string): unknown {
  const trouble = troubleOf(error);
  if (trouble.code !== 'HEDDLE_STORE_LOCKED') return error;
  const holder = (error as { readonly holder?: { readonly pid: number } }).holder;
  const who = holder === undefined ? 'another process' : `process ${holder.pid}`;
  const message =
    `${store} is open in ${who}, which serves no control socket: ` +
    "call serveControl(system, { store }) of 'heddle/console' there, or stop it";
  return new Refused({ ...trouble, message }, { cause: error });
}

class OpenDesk implements Desk {
  readonly #subject: Subject;
  readonly #signal: AbortSignal;
  readonly #close: () => Promise<void>;

  constructor(subject: Subject, signal: AbortSignal, close: () => Promise<void>) {
    this.#subject = subject;
    this.#signal = signal;
    this.#close = close;
  }

  async *ask<TName extends OperationName>(name: TName, args: ArgsOf<TName>): AsyncGenerator<RowOf<TName>> {
    // Only here: whoever asks a daemon need not load them.
    const { carryOut } = await import('../control/operations/table.ts');
    const signal = this.#signal;
    try {
      const rows = carryOut(this.#subject, name, args, signal)[Symbol.asyncIterator]();
      const waiting = interruptible(signal);
      for (;;) {
        signal.throwIfAborted();
        // What cannot be interrupted is left alone, and finds the store closed.
        const { done, value } = await waiting(rows.next());
        if (done === true) return;
        yield value;
      }
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof Refused ? error : new Refused(troubleOf(error), { cause: error });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}

/**
 * Waits for one thing after the other, each only until a signal is aborted. Not a race with one promise for the signal: that would
 * keep everything it ever raced with.
 */
function interruptible(signal: AbortSignal): <T>(promise: Promise<T>) => Promise<T> {
  let interrupt = (_reason: unknown): void => {};
  signal.addEventListener('abort', () => interrupt(signal.reason), { once: true });
  return (promise) =>
    new Promise((resolve, reject) => {
      interrupt = reject;
      promise.then(resolve, reject);
    });
}
