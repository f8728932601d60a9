/**
 * `heddle`: XState actors that survive kill -9, replay exactly, and can prove every decision.
 */
// First, so that what it replaces is in place before anything else takes a reference.
import './kernel/moment.ts';

// Systems and actors
export { createSystem } from './system.ts';
export type { ActorDefinitions, RefAt, StartOptions, System, SystemOptions } from './system.ts';
export type { ActorDefinition, EmittedOf, EventOf, HeddleRef, InputOf, SnapshotOf } from './actor-ref.ts';
export type { SendOptions } from './delivery.ts';
export type { EmitListener, Logger } from './runtime.ts';
export type { Receipt } from './receipt.ts';
export type { Clock, TimerHandle } from './clock.ts';

// Logic
export { durable } from './definition.ts';
export type { ChildSpec } from './definition.ts';
export { fromEffect } from './effect.ts';
export type { Job, JobOptions } from './effect.ts';
export { currentEffect } from './effects.ts';
export type { EffectContext } from './effects.ts';

// The past
export type { HistoryCause, HistoryOptions, HistoryRecord } from './history.ts';
export type { ToldIntent } from './trailer.ts';
export type { ReplayResult } from './replay.ts';
export type { Damage, Verification } from './verify.ts';

// Errors
export {
  ActorEnded,
  ActorExists,
  AttemptTimeout,
  HeddleError,
  InvalidArgument,
  JournalCorrupt,
  MailboxFull,
  Nondeterminism,
  NotSerialisable,
  StepFailed,
  StoreClosed,
  StoreCorrupt,
  StoreFenced,
  StoreFormat,
  StoreIo,
  StoreLocked,
  StoryChanged,
  SystemClosed,
  UnknownActor,
} from './errors.ts';
export type { CorruptionEvidence, Difference } from './errors.ts';
