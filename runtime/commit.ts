/**
 * Commits: which turns become durable together, and when.
 *
 * One commit is being filled while at most one is being written. Turns go on in memory meanwhile and fill the next, so
 * one sync pays for all turns that happen during another. When to seal:
 *
 * - a commit that nobody else delays is sealed when the current work is done, so a single turn waits for nothing;
 * - in the middle of a long run of turns it is sealed when the turns in it have taken as long as a write usually does;
 *   then the disk and this thread work at the same time. If a write is under way then, the run is interrupted, so that
 *   its end is noticed and the next can start (`breakIsDue`);
 * - when a write returns, whatever has gathered is written next: first the receipts are given out if that is quick (the
 *   turns they cause then join), otherwise first the write is started.
 *
 * A write that fails puts up the fence: see `recover` in `runtime.ts`.
 */
import type { SealedCommit } from '../storage/ledger.ts';
import { isQuiet } from './cell.ts';
import type { Cell } from './cell.ts';
import { prepareCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { PreparedCheckpoint } from './checkpoint.ts';
import type { Message } from './mailbox.ts';
import { noteCheckpointed, noteMessage } from './notes.ts';
import { release } from './release.ts';
import type { Runtime } from './runtime.ts';
import type { Turn } from './turn.ts';

/** A commit in memory, from its first turn to its release. */
export interface Commit {
  readonly turns: Turn[];
  readonly checkpoints: Set<Cell>;
  /** Messages sent by its turns; those that still wait when it is sealed are noted in it. */
  readonly sent: Message[];
  readonly receivers: number[];
  /** Called when it is durable; with an error when it is unknown whether it is. */
  readonly waiters: ((error?: Error) => void)[];
}

const emptyCommit = (): Commit => ({
  turns: [],
  checkpoints: new Set(),
  sent: [],
  receivers: [],
  waiters: [],
});

/** How much may gather in memory before turns must wait for the disk. */
const MAX_PENDING_BYTES = 4 << 20;
const MAX_PENDING_TURNS = 1 << 16;

/** How far back recovery may have to read. Beyond, the actors that lag most are checkpointed, a few per commit. */
export interface LogBudget {
  readonly bytes: number;
  readonly frames: number;
}
const LOG_BUDGET: LogBudget = { bytes: 48 << 20, frames: 100_000 };
const LAGGARDS_PER_COMMIT = 32;

/** Shorter slices of turns would spend too much on the commits between them, however fast the disk. */
const MIN_SLICE_MS = 0.4;

/** To wait for less is not worth it. */
const QUICK_WRITE_MS = 0.25;

/** How often, in turns, a long run looks at the clock. */
const LOOK_EVERY = 16;

export class Committer {
  readonly #runtime: Runtime;
  readonly #logBudget: LogBudget;
  readonly #maxTurns: number;
  #filling: Commit = emptyCommit();
  #writing: Commit | undefined;
  /** Whether a flush is under way already. */
  #armed = false;
  /** Whether something must be committed though no turn asks for it. */
  #requested = false;
  /** Nothing may be sealed while an action runs: what it sends commits together with the note that it is done. */
  #held = 0;
  #stopped = false;
  /** Whether the commit that is being filled waits for what is said at once: see `linger`. */
  #lingers = false;
  /** When the first turn of the filling commit was taken, or the last break was. */
  #filledSince = 0;
  /** Actors whose checkpoints nobody waits for, and those that are packed, with the record that they are of. */
  readonly #unhurried = new Set<Cell>();
  readonly #packed = new Map<Cell, { readonly seq: number; readonly checkpoint: PreparedCheckpoint }>();
  /** What is to be done before the next write begins. */
  #between: ((error?: Error) => void)[] = [];
  /** Whether turns should pause, so that finished writes are noticed. */
  breakIsDue = false;
  /** The newest frame that anybody may see: its commit is on the disk, and what follows from it was done. */
  releasedFrame: number;
  /**
   * How long a write takes: a minimum that is slowly forgotten. An average would include how late its end was noticed,
   * and so grow by itself.
   */
  #writeMs = MIN_SLICE_MS;
  /** A moving average. */
  #releaseMsPerTurn = 0.005;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.releasedFrame = runtime.ledger.head.frame;
    const { logBudget = LOG_BUDGET, maxTurnsPerCommit = MAX_PENDING_TURNS } =
      runtime.options.interference ?? {};
    this.#logBudget = logBudget;
    this.#maxTurns = maxTurnsPerCommit;
  }

  /** Whether turns must wait until the disk has caught up. */
  get isFull(): boolean {
    return (
      this.#filling.turns.length >= this.#maxTurns || this.#runtime.ledger.pendingBytes >= MAX_PENDING_BYTES
    );
  }

  get isIdle(): boolean {
    return this.#writing === undefined && !this.#armed && !this.#hasWork;
  }

  get #hasWork(): boolean {
    return this.#filling.turns.length > 0 || this.#requested || this.#filling.waiters.length > 0;
  }

  // ---- filling --------------------------------------------------------------------------------------------------

  /** A turn was taken; its records are in the ledger. */
  add(turn: Turn): void {
    const { turns } = this.#filling;
    turns.push(turn);
    turn.cell.undurable++;
    if (turns.length === 1) this.#filledSince = this.#runtime.clock.monotonicMs();
    else if (turns.length % LOOK_EVERY === 0 && this.#tookAsLongAsAWrite()) {
      if (this.#writing !== undefined) this.breakIsDue = true;
      else if (this.#held === 0) return this.#flush();
    }
    if (this.#writing !== undefined) return;
    if (turn.message.isAhead) this.#armSoon();
    else this.#arm();
  }

  /** Turns have paused. */
  breakTaken(): void {
    this.breakIsDue = false;
    this.#filledSince = this.#runtime.clock.monotonicMs();
  }

  /** A message was sent by a turn of this commit. */
  sent(receiver: number, message: Message): void {
    this.#filling.sent.push(message);
    this.#filling.receivers.push(receiver);
  }

  /** The actor's checkpoint is to be written with this commit, as it is when the commit is sealed. */
  checkpoint(cell: Cell): void {
    this.#filling.checkpoints.add(cell);
  }

  /** Nobody waits for this one: it is packed while the disk is busy, and written with the commit after. */
  checkpointLater(cell: Cell): void {
    this.#unhurried.add(cell);
  }

  /** Something other than a turn is in the ledger, and must become durable too. */
  request(): void {
    this.#requested = true;
    if (this.#writing === undefined) this.#arm();
  }

  /** Resolves when everything up to now is durable. */
  durable(): Promise<void> {
    if (!this.#hasWork && this.#writing === undefined) return Promise.resolve();
    const commit = this.#hasWork ? this.#filling : this.#writing!;
    return new Promise((resolve, reject) => {
      commit.waiters.push((error) => (error === undefined ? resolve() : reject(error)));
      if (this.#writing === undefined) this.#arm();
    });
  }

  /** Calls back when the commit that is being filled is durable, or lost. */
  onDurable(callback: (error?: Error) => void): void {
    this.#filling.waiters.push(callback);
    this.request();
  }

  /** Runs something while nothing is being written: at once, or before the next write begins. What it throws rejects. */
  between<T>(run: () => T): Promise<T> {
    if (this.#writing === undefined) return new Promise((resolve) => resolve(run()));
    return new Promise((resolve, reject) => {
      this.#between.push((error) => {
        if (error !== undefined) return reject(error);
        resolve(new Promise((done) => done(run())));
      });
    });
  }

  /**
   * Somebody was asked who often answers at once. What follows from that goes with what has led to it: the commit waits until the event
   * loop turns, and no longer. Where a write is over sooner than that, both are faster one after the other.
   */
  linger(): void {
    this.#lingers = this.#writeMs > QUICK_WRITE_MS;
  }

  /** Runs something whose effects on the ledger must not be torn apart by a seal. */
  hold<T>(run: () => T): T {
    this.#held++;
    try {
      return run();
    } finally {
      this.#held--;
    }
  }

  /** Gives up everything in memory: the fence is up, or the system ends. Returns what is lost, or may be. */
  stop(): {
    readonly writing: Commit | undefined;
    readonly filling: Commit;
    readonly between: readonly ((error: Error) => void)[];
  } {
    const lost = { writing: this.#writing, filling: this.#filling, between: this.#between };
    this.#between = [];
    this.#stopped = true;
    this.#writing = undefined;
    this.#filling = emptyCommit();
    return lost;
  }

  // ---- sealing --------------------------------------------------------------------------------------------------

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    // A microtask: all that was awaiting the same write goes on first, and its turns are in the next.
    queueMicrotask(() => {
      if (this.#lingers) this.#runtime.clock.soon(() => this.#fire());
      else this.#fire();
    });
  }

  #fire(): void {
    this.#armed = false;
    this.#flushIfFree();
  }

  /** When the event loop turns: what is recorded ahead of something else waits for that, unless it does not come. */
  #armSoon(): void {
    this.#runtime.clock.soon(() => this.#flushIfFree());
  }

  #flushIfFree(): void {
    if (this.#writing === undefined && this.#hasWork && this.#held === 0) this.#flush();
  }

  #tookAsLongAsAWrite(): boolean {
    const sinceMs = this.#runtime.clock.monotonicMs() - this.#filledSince;
    return sinceMs >= Math.max(this.#writeMs, MIN_SLICE_MS);
  }

  #flush(): void {
    if (this.#stopped) return;
    const { clock, ledger } = this.#runtime;
    const commit = this.#filling;
    const sealed = this.#seal(commit);
    this.#filling = emptyCommit();
    this.#requested = false;
    this.#lingers = false;
    this.breakIsDue = false;
    this.#writing = commit;
    const startedAt = clock.monotonicMs();
    ledger.write(sealed).then(
      () => {
        if (this.#stopped) return;
        if (this.#runtime.options.interference?.dieAfterCommit?.(sealed.head.commit))
          return this.#runtime.die();
        this.#writing = undefined;
        this.#written(commit, sealed, clock.monotonicMs() - startedAt);
      },
      (error: unknown) => {
        if (!this.#stopped) this.#runtime.fence(error);
      },
    );
    this.#packUnhurried();
  }

  /** An actor without anything to do stays as it is until it takes a turn. */
  #packUnhurried(): void {
    for (const cell of this.#unhurried) {
      if (!cell.present) continue;
      this.#filling.checkpoints.add(cell);
      const checkpoint = isQuiet(cell) ? prepareCheckpoint(this.#runtime, cell) : undefined;
      if (checkpoint !== undefined) this.#packed.set(cell, { seq: cell.seq, checkpoint });
    }
    this.#unhurried.clear();
  }

  #checkpointOf(cell: Cell): PreparedCheckpoint | undefined {
    const packed = this.#packed.get(cell);
    if (packed?.seq === cell.seq && isQuiet(cell)) return packed.checkpoint;
    return prepareCheckpoint(this.#runtime, cell);
  }

  #seal(commit: Commit): SealedCommit {
    const { ledger, codec, population, tails } = this.#runtime;
    this.#catchUp(commit);
    const prepared = [...commit.checkpoints].map((cell) => this.#checkpointOf(cell));
    this.#packed.clear();
    commit.sent.forEach((message, i) => {
      if (message.taken || message.noted) return;
      const receiver = commit.receivers[i]!;
      const cell = population.present(receiver);
      // Its checkpoint does not hold the message: recovery must read on from here.
      if (cell !== undefined) population.markDirty(cell);
      else tails.hold(receiver, { ...message, cause: message.cause! });
      noteMessage(ledger, codec, receiver, message);
      message.noted = true;
    });
    // A checkpoint covers everything before this note, also the messages that wait; the commit ends right behind it.
    for (const checkpoint of prepared)
      if (checkpoint !== undefined) noteCheckpointed(ledger, checkpoint.cell.actor);
    ledger.closeFrames();
    for (const checkpoint of prepared)
      if (checkpoint !== undefined) writeCheckpoint(this.#runtime, checkpoint);
    this.#raiseLowWater();
    return ledger.seal();
  }

  /** Checkpoints the actors that hold the low-water mark down. */
  #catchUp(commit: Commit): void {
    const { population, ledger } = this.#runtime;
    if (!this.#overBudget()) return;
    this.#runtime.loadLaggards(LAGGARDS_PER_COMMIT);
    let laggard = population.oldestDirty;
    for (let left = LAGGARDS_PER_COMMIT; left > 0 && laggard !== undefined; left--) {
      if (ledger.frame - laggard.dirtyFrame < this.#logBudget.frames / 2 && !this.#overBudget()) break;
      commit.checkpoints.add(laggard);
      laggard = laggard.dirtyNext;
    }
  }

  #overBudget(): boolean {
    const { population, ledger } = this.#runtime;
    const oldest = population.oldestDirty;
    const bytes = oldest === undefined ? 0 : ledger.appendedBytes - oldest.dirtyBytes;
    return bytes > this.#logBudget.bytes || ledger.frame - ledger.lowWater > this.#logBudget.frames;
  }

  #raiseLowWater(): void {
    const { population, ledger, tails } = this.#runtime;
    if (tails.size > 0) return;
    const low = population.oldestDirty?.dirtyFrame ?? ledger.frame;
    // Every step of the mark costs a row; recovery does not mind a few frames more.
    if (low - ledger.lowWater >= this.#logBudget.frames / 100) ledger.raiseLowWater(low);
  }

  // ---- written --------------------------------------------------------------------------------------------------

  #written(commit: Commit, sealed: SealedCommit, writeMs: number): void {
    const { clock, metrics } = this.#runtime;
    metrics.committed(commit.turns.length, sealed, writeMs);
    this.#writeMs = Math.min(this.#writeMs * 1.02, writeMs);
    for (const run of this.#between.splice(0)) run();
    const releaseFirst = commit.turns.length * this.#releaseMsPerTurn < this.#writeMs / 2;
    if (!releaseFirst && this.#hasWork && this.#held === 0) this.#flush();
    const startedAt = clock.monotonicMs();
    this.#filledSince = startedAt;
    this.releasedFrame = sealed.head.frame;
    release(this.#runtime, commit, sealed.head.commit);
    if (commit.turns.length > 0) {
      const perTurn = (clock.monotonicMs() - startedAt) / commit.turns.length;
      this.#releaseMsPerTurn += (perTurn - this.#releaseMsPerTurn) * 0.1;
    }
    if (this.#hasWork && this.#writing === undefined) this.#arm();
    this.#runtime.scheduler.roomAgain();
  }
}
