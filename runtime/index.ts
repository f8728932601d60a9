/**
 * `heddle`: XState actors that survive kill -9, replay exactly, and can prove every decision.
 */
// First, so that what it replaces is in place before anything else takes a reference.
import './kernel/moment.ts';

// Systems and actors
export { createSystem } from './system.ts';
export type { LiveTree, RefAt, StartOptions, System, SystemView } from './system.ts';
export { DEFAULT_PRINCIPAL } from './system-options.ts';
export type { ActorDefinitions, SystemOptions } from './system-options.ts';
export type { ActorNode, SupervisorNode, SystemTree } from './tree.ts';
export type { ActorDefinition, EmittedOf, EventOf, HeddleRef, InputOf, SnapshotOf } from './actor-ref.ts';
export type { SendOptions } from './delivery.ts';
export type { EmitListener, GiveUpListener, Logger } from './runtime-options.ts';
export type { Receipt } from './receipt.ts';
export type { Clock, TimerHandle } from './clock.ts';

// Logic
export { durable, specOf } from './definition.ts';
export type { ChildSpec } from './definition.ts';
export type { Restart, RestartFrom } from './supervision/restart-policy.ts';
export { fromEffect } from './effect.ts';
export type { Job, JobOptions } from './effect.ts';
export { currentEffect } from './effects.ts';
export type { EffectContext } from './effects.ts';

/** For those who build on Heddle, and ask code of their users for values in the middle of a step. */
export { askedValue } from './asked-value.ts';

/** For those who build on Heddle, and make many machines that differ in nothing but their actors. */
export { withActors } from './kernel/machine.ts';

/** Durations and instants as users give them, in milliseconds. For those who build on Heddle and take them too. */
export { millisOf } from './duration.ts';
export { instantOf } from './instant.ts';
export type { Instant } from './instant.ts';

// Supervision
export { supervisor } from './supervision/declaration.ts';
export type {
  AutoShutdown,
  DynamicSupervisorOptions,
  Shutdown,
  StaticSupervisorOptions,
  SupervisedChild,
  Supervisor,
  SupervisorOptions,
} from './supervision/declaration.ts';
export type { ChildCount, ChildInfo, SupervisorHandle } from './supervision/handle.ts';
export type { ChildRefusal } from './errors.ts';
export type { DeadLetter, DeadLetterDecision, DeadLetterList } from './dead-letters.ts';
export type { RestartType, Strategy } from './supervision/strategy.ts';

export type { StuckActor } from './stuck.ts';
export type { Refusal } from './refusals.ts';
export type { Order, Orders, OrderQuestion, OrderTarget, OrderWords } from './orders.ts';
export type { Pause, PauseTarget, PauseWords } from './pauses.ts';

// Schedules
export type { Missed, Overlap, ScheduleDeclaration, ScheduleOptions } from './schedules/declaration.ts';
export type { ScheduleInfo, Schedules, ScheduleWords } from './schedules/schedules.ts';
export type { Decision as ScheduleDecision, Occurrence, TriggerOutcome } from './schedules/words.ts';

export type { QueriedRef, QueryName, QueryOptions, QueryState } from './query/query.ts';

// Who may do what
export type {
  AccessRequest,
  Action,
  Attributes,
  Authority,
  Decider,
  Decision,
  Entitled,
  Obligation,
  PermitOptions,
  Principal,
  Resource,
} from './authority.ts';

// Versions
export type { CodeVersion } from './versions/codes.ts';
export type { MigrationStep, Migrations, MigrationSubject, StoredState } from './versions/migration.ts';
export type { Migration, MigrationOptions } from './versions/survey.ts';

// The past
export type { HistoryCause, HistoryIntent, HistoryOptions, HistoryRecord } from './past/history.ts';
export type { HistoryRefusal } from './past/refused.ts';
export type { TracePlace } from './trace.ts';
export type { Blame, BlameOptions, Change, DiffOptions, Reading, ValueChange } from './past/diff.ts';
/** Compares values as `system.diff` compares states. For those who build on Heddle. */
export { changesBetween } from './past/diff.ts';
export type { Moment } from './past/cut.ts';
export type { ForkOptions } from './past/fork.ts';
export type { ForkEffects } from './mailbox.ts';
export type { PastActor } from './past/past-actor.ts';
export { check, reproduce } from './past/check.ts';
export type { CheckOptions, RecordedFailure, Reproduction } from './past/check.ts';
export type { ExportOptions } from './past/export.ts';
export type { ImportOptions } from './past/import.ts';
export type { Fixture, FixtureFile, FixtureOptions } from './past/fixture.ts';
export type { ReplayResult } from './past/replay.ts';
export type { Damage, Verification } from './verify.ts';

// Health
export { daemon } from './health/daemon.ts';
export type { Daemon, DaemonOptions, EndSignal, Hosted } from './health/daemon.ts';
export { OPEN_METRICS_TYPE, openMetrics } from './health/open-metrics.ts';
export type { OpenMetricsOptions } from './health/open-metrics.ts';
export type { DelayReading, HistogramReading, MetricsReading } from './health/reading.ts';

// Inspection
export type {
  Inspect,
  InspectedActor,
  InspectedSnapshot,
  InspectedTurn,
  InspectionFeed,
  InspectionWatcher,
  Inspector,
} from './inspection.ts';

// Errors
export {
  ActorDown,
  ActorEnded,
  ActorExists,
  AttemptTimeout,
  ChildRefused,
  DeadlineExceeded,
  HeddleError,
  HistoryDamaged,
  InvalidArgument,
  JournalCorrupt,
  MailboxFull,
  Nondeterminism,
  NotPermitted,
  NotSerialisable,
  StartFailed,
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
