/**
 * A daemon: how a process that hosts a system ends when it is told to, or when something goes wrong in it.
 *
 *     running ──► a signal ──► onClose ──► system.close() ──► exit 0
 *        │           └ once more, or out of grace ──────────► exit 128 + signal, or 1, and says what is left
 *        └──────► an error that nobody has caught: the same, but exit 1
 *
 * It owns the handlers of the process, and that it is closed once. It does not make an orderly end necessary: whatever was
 * acknowledged is on the disk anyway, and a process that is killed goes on at its next start. An orderly end only saves
 * the repetitions.
 */
import type { Duration } from 'effect';
import { systemClock } from '../clock.ts';
import type { TimerHandle } from '../clock.ts';
import { millisOf } from '../duration.ts';
import { InvalidArgument, messageOf, SystemClosed } from '../errors.ts';
import type { Logger } from '../runtime-options.ts';
import type { MetricsReading } from './reading.ts';

/** Their numbers, which are the same wherever Node runs; a shell tells by 128 and the number what a process died of. */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15, SIGBREAK: 21 } as const;

/** A signal that asks a process to end, and that it may answer. */
export type EndSignal = keyof typeof SIGNALS;

export interface DaemonOptions {
  /** The signals that end it. Default `SIGTERM` and `SIGINT`. */
  readonly signals?: readonly EndSignal[];
  /** How long it may take to end. Default 20 seconds: closing a system takes up to 10. */
  readonly grace?: Duration.Input;
  /**
   * Called before the system closes: stop taking requests here, and wait for those under way. It gets half of the grace; then
   * the system closes nevertheless, and the exit code is 1.
   */
  readonly onClose?: () => void | PromiseLike<void>;
  /** Hears what happens. Default: `console`. */
  readonly logger?: Logger;
  /** Ends the process. Default: `process.exit`. */
  readonly exit?: (code: number) => void;
}

export interface Daemon extends Disposable {
  /** The exit code, once everything is closed and right before the process ends. */
  readonly closed: Promise<number>;
  /** Ends the process in order, as a signal would. @param why for the log and the journal  @param code default 1 */
  end(why: string, code?: number): void;
  /** Removes the handlers: signals and errors have their usual effect again. An end that has begun goes on. */
  dispose(): void;
}

/** What a daemon needs of a system. */
export interface Hosted {
  close(options?: { readonly reason?: string }): Promise<void>;
  metrics?(): MetricsReading;
}

/**
 * Ends the process in order: on `SIGTERM` and `SIGINT` the system takes nothing new, finishes what it has accepted, and
 * closes; the process exits with 0. When something is thrown that nobody catches, the same happens with 1.
 *
 * Give it the promise of `createSystem`, before you await it, and a signal during the opening is honoured too:
 *
 *     const opening = createSystem({ store: leveldb('./data'), actors });
 *     daemon(opening);
 *     const system = await opening;
 *
 * @throws InvalidArgument
 */
export function daemon(system: Hosted | PromiseLike<Hosted>, options: DaemonOptions = {}): Daemon {
  return new RunningDaemon(system, options);
}

const DEFAULT_SIGNALS: readonly EndSignal[] = ['SIGTERM', 'SIGINT'];
const DEFAULT_GRACE = '20 seconds';

/**
 * The same signal so soon after the first is the same wish: Ctrl-C goes to all processes of a terminal, and those that
 * start others (npm) pass theirs on.
 */
const SAME_WISH_MS = 100;

class RunningDaemon implements Daemon {
  readonly closed: Promise<number>;
  readonly #system: Promise<Hosted>;
  readonly #graceMs: number;
  readonly #onClose: DaemonOptions['onClose'];
  readonly #logger: Logger;
  readonly #exit: (code: number) => void;
  readonly #handlers: readonly (readonly [event: string, handler: (error: unknown) => void])[];
  #resolveClosed!: (code: number) => void;

  /** The system, once it is open. */
  #open: Hosted | undefined;
  /** The first signal, and when it came. */
  #signal: { readonly name: EndSignal; readonly atMs: number } | undefined;
  #code = 0;
  #grace: TimerHandle | undefined;
  #isEnding = false;
  /** What ends it, for the journal. */
  #why = '';
  #isOver = false;
  /** What was reported last: the opening, and whoever awaits it, fail with the same error. */
  #reported: unknown;

  constructor(system: Hosted | PromiseLike<Hosted>, options: DaemonOptions) {
    const { signals = DEFAULT_SIGNALS, grace = DEFAULT_GRACE, onClose, logger = console, exit } = options;
    checkSignals(signals);
    this.#graceMs = millisOf(grace, 'grace');
    this.#onClose = onClose;
    this.#logger = logger;
    this.#exit = exit ?? ((code) => process.exit(code));
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    this.#handlers = [
      ...signals.map((name) => [name, () => this.#signalled(name)] as const),
      ['uncaughtException', (error: unknown) => this.#failed('an exception that nobody caught', error)],
      ['unhandledRejection', (error: unknown) => this.#failed('a rejection that nobody handled', error)],
    ];
    for (const [event, handler] of this.#handlers) process.on(event, handler);
    this.#system = Promise.resolve(system);
    this.#system.then(
      (open) => (this.#open = open),
      (error: unknown) => this.#failed('the system could not be opened', error),
    );
  }

  end(why: string, code = 1): void {
    if (this.#isEnding) return;
    this.#code = code;
    this.#say('log', `heddle: ${why}: closing`);
    this.#end(why);
  }

  dispose(): void {
    for (const [event, handler] of this.#handlers) process.off(event, handler);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  // ---- what happens to it ---------------------------------------------------------------------------------------

  #signalled(name: EndSignal): void {
    const atMs = systemClock.monotonicMs();
    if (this.#signal === undefined) {
      this.#signal = { name, atMs };
      this.#say('log', `heddle: ${name}: closing`);
      return this.#end(name);
    }
    if (name === this.#signal.name && atMs - this.#signal.atMs < SAME_WISH_MS) return;
    this.#endNow(128 + SIGNALS[name], `${name} once more`);
  }

  /** Something has failed of which nobody knows what it has left behind. In memory, that is: the store is sound. */
  #failed(what: string, error: unknown): void {
    // Whoever still sends is told that the system is closing. That is no failure of the end.
    if (this.#isEnding && error instanceof SystemClosed) return;
    if (this.#isEnding && error === this.#reported) return;
    this.#reported = error;
    this.#code = 1;
    this.#say('error', `heddle: ${what}:`, error);
    this.#end(`${what}: ${messageOf(error)}`);
  }

  // ---- the end --------------------------------------------------------------------------------------------------

  #end(why: string): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#why = why;
    if (this.#graceMs !== Infinity) {
      // It keeps the process alive: without anything else to do Node would leave with a code of its own.
      this.#grace = systemClock.after(this.#graceMs, () => this.#endNow(1, 'out of grace'));
    }
    void this.#close().then(() => this.#finish());
  }

  async #close(): Promise<void> {
    // Why it could not be opened has been said.
    const system = this.#open ?? (await this.#system.catch(() => undefined));
    if (system === undefined) return;
    if (this.#onClose !== undefined) await this.#takeLeave(this.#onClose);
    try {
      await system.close({ reason: this.#why });
    } catch (error) {
      this.#failed('the system could not be closed', error);
    }
  }

  async #takeLeave(onClose: () => void | PromiseLike<void>): Promise<void> {
    let patience: TimerHandle | undefined;
    const outOfPatience = new Promise<void>((resolve) => {
      if (this.#graceMs === Infinity) return;
      patience = systemClock.after(this.#graceMs / 2, () => {
        this.#code = 1;
        this.#say('error', 'heddle: onClose takes too long; the system closes');
        resolve();
      });
    });
    try {
      await Promise.race([onClose(), outOfPatience]);
    } catch (error) {
      this.#failed('onClose failed', error);
    } finally {
      patience?.cancel();
    }
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#over(this.#code);
    // Whoever awaits `closed` goes on first. The handlers stay as long: what was refused a moment ago may be heard of now.
    systemClock.soon(() => this.#leave());
  }

  #endNow(code: number, why: string): void {
    if (this.#isOver) return;
    this.#say('error', `heddle: ${why}: exit before everything was closed; left: ${this.#left()}`);
    this.#over(code);
    this.#leave();
  }

  #over(code: number): void {
    this.#isOver = true;
    this.#code = code;
    this.#grace?.cancel();
    this.#resolveClosed(code);
  }

  #leave(): void {
    this.dispose();
    this.#exit(this.#code);
  }

  #left(): string {
    if (this.#open === undefined) return 'a system that is being opened';
    try {
      const reading = this.#open.metrics?.();
      return reading === undefined ? 'unknown' : whatIsLeft(reading);
    } catch (error) {
      return `unknown (${String(error)})`;
    }
  }

  /** A logger that throws must not be what keeps the system from being closed. */
  #say(how: 'log' | 'error', ...args: unknown[]): void {
    try {
      this.#logger[how](...args);
    } catch {
      // There is nobody else to be told.
    }
  }
}

function checkSignals(signals: readonly EndSignal[]): void {
  for (const [index, name] of signals.entries()) {
    if (!Object.hasOwn(SIGNALS, name)) {
      const known = Object.keys(SIGNALS).join(', ');
      throw new InvalidArgument(
        `signals[${index}]`,
        `must be one of ${known}, but is ${JSON.stringify(name)}`,
      );
    }
  }
}

/** What a system has not finished, in words. */
function whatIsLeft({ mailboxes, undurable, owed, actionsRunning, fenced }: MetricsReading): string {
  const { waiting, deepest } = mailboxes;
  const left = [
    ...(deepest === undefined
      ? []
      : [`messages that wait: ${waiting} (${deepest.depth} for ${deepest.address})`]),
    ...(undurable === 0 ? [] : [`turns not on the disk: ${undurable}`]),
    ...(owed === 0 ? [] : [`effects owed: ${owed} (${actionsRunning} under way)`]),
    ...(fenced ? ['a store that is not proven'] : []),
  ];
  return left.length === 0 ? 'nothing of the system' : left.join(', ');
}
