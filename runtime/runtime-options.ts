/**
 * What an open system works with: whoever has opened it says it, and hears what nobody else is told.
 */
import type { AnyEventObject } from 'xstate';
import type { Codec } from '../storage/codec.ts';
import type { Store } from '../storage/store.ts';
import type { Decider, Principal } from './authority.ts';
import type { Clock } from './clock.ts';
import type { LogBudget } from './commit.ts';
import type { Definitions } from './definition.ts';
import type { Inspection } from './inspection.ts';
import type { Runtime } from './runtime.ts';
import type { DeclaredTree } from './supervision/declaration.ts';
import type { EndReason } from './supervision/words.ts';

export interface RuntimeOptions {
  readonly store: Store;
  readonly definitions: (codec: Codec) => Definitions;
  readonly clock: Clock;
  readonly mailboxCapacity: number;
  readonly passivateAfterMs: number;
  readonly startsPaused: boolean;
  readonly logger: Logger;
  readonly onEmit: EmitListener | undefined;
  readonly onGiveUp: GiveUpListener | undefined;
  readonly supervise: ((definitions: Definitions) => DeclaredTree) | undefined;
  readonly makeInspection: ((runtime: Runtime) => Inspection) | undefined;
  readonly decider: Decider | undefined;
  readonly decideWithinMs: number;
  /** On whose behalf the program acts. */
  readonly principal: Principal;
  readonly interference?: Interference | undefined;
}

/** What tests do to a system from within. */
export interface Interference {
  /** How many turns a commit may hold; 1 makes every message a commit of its own. */
  readonly maxTurnsPerCommit?: number;
  /** How far back recovery may have to read. */
  readonly logBudget?: LogBudget;
  /** How many records lie between two waypoints, however small they are. */
  readonly waypointEvery?: number;
  /** How many frames are kept in memory for readers of journals. */
  readonly cachedFrames?: number;
  /** Called when a commit is on the disk and nobody knows yet. True kills the system there. */
  readonly dieAfterCommit?: (commit: number) => boolean;
}

/** Where log actions and troubles go. `console` is one. */
export interface Logger {
  log(...args: unknown[]): void;
  error(...args: unknown[]): void;
}

/** Hears every emitted event of every actor, also of those that were owed from before a crash. */
export type EmitListener = (
  event: AnyEventObject,
  meta: { readonly address: string; readonly idempotencyKey: string | undefined },
) => void;

/** Hears that the supervisor at the root of the tree has given up. */
export type GiveUpListener = (end: {
  readonly address: string;
  readonly reason: EndReason;
  /** The child because of which it gave up. */
  readonly child: string | undefined;
  readonly error: unknown;
}) => void;
