/**
 * A cell: one actor in memory. Everything the runtime knows of it stands here; most of it comes from the journal and
 * goes with the cell when the actor is passivated.
 *
 * `snapshot` is the newest state, which may not be durable yet; `committed` is what others may see.
 */
import type { AnyEventObject } from 'xstate';
import type { Chain, FrameRef } from '../storage/ledger.ts';
import type { Definition } from './definition.ts';
import type { Intent } from './kernel/intent.ts';
import type { Ref } from './kernel/ref.ts';
import type { AnySnapshot } from './kernel/step.ts';
import type { Mailbox, Birth } from './mailbox.ts';
import type { Bucket } from './query/state-index.ts';
import type { Down } from './standing.ts';
import type { Timer } from './timers.ts';
import type { Origin } from './trace.ts';

/** Of a parent with more, the store is asked. */
const MOST_BORN_BELOW = 256;
const NOBODY: ReadonlySet<string> = new Set();

const NO_RESTARTS: readonly number[] = [];

export class Cell implements Chain {
  readonly actor: number;
  readonly address: string;
  /** What its current life runs. */
  definition: Definition;
  /** What the actor sees as `self`: names its current life. */
  ref: Ref;
  birth: Birth | undefined = undefined;
  bornAt = 0;
  /** The first record of its current life. */
  bornSeq = 0;
  /** The life that runs, or ran last; 0 before the first. */
  life = 0;
  /** How many lives were given out: the next spawn at this address gets one more. */
  lives = 0;
  /** The life that its parent, and whoever sends to it, know: those since are restarts of it. */
  since = 0;

  /** The ids of all children that it ever had; undefined when only the store knows. */
  #bornBelow: Set<string> | typeof NOBODY | undefined = undefined;

  snapshot: AnySnapshot | undefined = undefined;
  committed: AnySnapshot | undefined = undefined;
  /** How many ids the actor has given to children and timers. */
  booked = 0;
  /** Where the trace of its newest record begins; undefined: with that record. */
  origin: Origin | undefined = undefined;
  /** The same of the first record of its life: what its process does belongs to that. */
  bornOrigin: Origin | undefined = undefined;
  /** For a process: which attempt of its work runs. */
  attempt = 1;
  /** Why it does not run; undefined while it does. */
  down: Down | undefined = undefined;
  /** The same, as others may see it. */
  committedDown: Down | undefined = undefined;
  /** Its supervisor does not run, so neither does it. Nothing of that is recorded with it. */
  held = false;
  /** It stands still because an operator says so: what is to be done when it is let go. Undefined while nobody does. */
  paused: (() => void)[] | undefined = undefined;
  /** The restarts that count, newest first, of an actor that restarts itself. */
  window: readonly number[] = NO_RESTARTS;

  // The end of its journal, as the ledger keeps it.
  seq = 0;
  frame: FrameRef | undefined = undefined;
  offset = 0;

  /** Whether it is in memory still: refs remember their cells. */
  present = true;
  mailbox: Mailbox | undefined = undefined;
  /** How often it stands in the run queue. */
  queued = 0;
  timers: Map<string, Timer> | undefined = undefined;
  /** Turns whose actions or emits are not settled, by record. */
  owed: Map<number, OwedTurn> | undefined = undefined;
  /** Turns that are not durable yet. */
  undurable = 0;
  /** Asynchronous actions under way. */
  acting = 0;

  // Since the last checkpoint.
  checkpointedSeq = 0;
  tailBytes = 0;
  /** The newest waypoint, and the bytes of the records between it and the checkpoint. */
  waypointSeq = 0;
  waypointBytes = 0;
  /** How long the last checkpoint was: longer states are written less often. */
  checkpointBytes = 0;
  /** What the ledger had appended when the tail began: how far the checkpoint lies behind. */
  dirtyFrame = 0;
  dirtyBytes = 0;
  dirtyNext: Cell | undefined = undefined;
  dirtyPrevious: Cell | undefined = undefined;
  /** The rows that the last checkpoint left: a wake-up time, and the mark of one who owes. */
  wakeRowAt = 0;
  hasResumeRow = false;
  /** Where it stands in the index in memory, if that is kept. */
  bucket: Bucket | undefined = undefined;
  /** What its row in the index of states says. */
  stateRow: string | undefined = undefined;

  /** When it last did something, on the monotonic clock. */
  activeAt = 0;

  constructor(actor: number, address: string, definition: Definition, ref: Ref) {
    this.actor = actor;
    this.address = address;
    this.definition = definition;
    this.ref = ref;
  }

  /** Nobody was ever born at its address before, and so nobody below it. */
  isFirst(): void {
    this.#bornBelow = NOBODY;
  }

  /** Whether it may have had a child with this id. */
  mayHaveBorne(id: string): boolean {
    return this.#bornBelow?.has(id) ?? true;
  }

  /** A child was born that nobody has preceded. */
  hasBorne(id: string): void {
    const below = this.#bornBelow;
    if (below === undefined) return;
    if (below.size >= MOST_BORN_BELOW) this.#bornBelow = undefined;
    else if (below === NOBODY) this.#bornBelow = new Set([id]);
    else (below as Set<string>).add(id);
  }

  /** Whether its life is over. */
  get ended(): boolean {
    return this.snapshot !== undefined && this.snapshot.status !== 'active';
  }
}

/** A turn that owes actions or emits to the world. Kept until they are settled, and stored with checkpoints. */
export interface OwedTurn {
  readonly seq: number;
  readonly life: number;
  /** The state before the turn, from which its actions can be derived again; undefined for the first of a life. */
  readonly before: AnySnapshot | undefined;
  readonly bookedBefore: number;
  readonly origin: Origin | undefined;
  /** The code that has told it. */
  readonly code: number | undefined;
  readonly frame: FrameRef;
  readonly offset: number;
  /** The actions and emits among its intents, with their places in the list. */
  readonly effects: readonly OwedEffect[];
}

export interface OwedEffect {
  readonly index: number;
  readonly intent:
    Extract<Intent, { kind: 'action' | 'emit' }> | { readonly kind: 'tell'; readonly event: AnyEventObject };
}

/** Whether nothing of it is under way: no turn, no action, no message. */
export const isQuiet = ({ undurable, owed, mailbox }: Cell): boolean =>
  undurable === 0 && owed === undefined && (mailbox?.size ?? 0) === 0;
