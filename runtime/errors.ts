/**
 * The errors of the runtime room. See `storage/errors.ts` for the base class and the rules.
 */
import { HeddleError, messageOf } from '../storage/errors.ts';
import type { AccessRequest, Decision, Principal, Resource } from './authority.ts';

export {
  HeddleError,
  JournalCorrupt,
  messageOf,
  NotSerialisable,
  StoreClosed,
  StoreCorrupt,
  StoreFenced,
  StoreFormat,
  StoreIo,
  StoreLocked,
} from '../storage/errors.ts';
export type { CorruptionEvidence } from '../storage/errors.ts';

/** Something was asked for with arguments that make no sense. Nothing was done. */
export class InvalidArgument extends HeddleError {
  readonly _tag = 'InvalidArgument';
  readonly code = 'HEDDLE_INVALID_ARGUMENT';
  readonly retryable = false;
  /** The argument, as one would write it: `event.type`, `actors.order`. */
  readonly path: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path} ${reason}`, options);
    this.path = path;
  }
}

/** A name is not among `createSystem({ actors })`. */
export class UnknownActor extends HeddleError {
  readonly _tag = 'UnknownActor';
  readonly code = 'HEDDLE_UNKNOWN_ACTOR';
  readonly retryable = false;
  readonly address: string;

  constructor(address: string, reason: string) {
    super(`${address}: ${reason}`);
    this.address = address;
  }
}

/** `system.start` found a life at this address. It was not touched. */
export class ActorExists extends HeddleError {
  readonly _tag = 'ActorExists';
  readonly code = 'HEDDLE_ACTOR_EXISTS';
  readonly retryable = false;
  readonly address: string;
  readonly status: string;

  constructor(address: string, status: string, hint = hintToStart(status)) {
    super(`${address} exists already (${status}); ${hint}`);
    this.address = address;
    this.status = status;
  }
}

function hintToStart(status: string): string {
  if (status === 'active') return "join it with onConflict: 'join', or use system.actor";
  return 'its life is over; use another id, or read it with system.actor';
}

/** Nobody has permitted it, or somebody has forbidden it. Nothing was done. */
export class NotPermitted extends HeddleError {
  readonly _tag = 'NotPermitted';
  readonly code = 'HEDDLE_NOT_PERMITTED';
  /** Whether asking again may help: the decider did not answer. */
  readonly retryable: boolean;
  readonly principal: Pick<Principal, 'type' | 'id'>;
  readonly action: string;
  readonly resource: Pick<Resource, 'type' | 'id'>;
  /** The ids of the rules that have refused it; none when no rule permits it. */
  readonly determining: readonly string[];
  readonly reasons: readonly string[];

  constructor({ principal, action, resource }: AccessRequest, decision: Decision) {
    const { determining, reasons, undecided = false } = decision;
    const by = determining.length === 0 ? '' : ` (${determining.join(', ')})`;
    const why = reasons.length === 0 ? 'nothing permits it' : reasons.join('; ');
    const { type, id } = resource;
    super(`${principal.type} ${principal.id} may not ${action.name} ${type}/${id}: ${why}${by}`);
    this.retryable = undecided;
    this.principal = { type: principal.type, id: principal.id };
    this.action = action.name;
    this.resource = { type, id };
    this.determining = determining;
    this.reasons = reasons;
  }
}

/** The actor's life is over: it is done, stopped or failed. The event was not applied. */
export class ActorEnded extends HeddleError {
  readonly _tag = 'ActorEnded';
  readonly code = 'HEDDLE_ACTOR_ENDED';
  readonly retryable = false;
  readonly address: string;
  readonly status: string;

  constructor(address: string, status: string) {
    super(`${address} is ${status} and takes no more events; start another actor`);
    this.address = address;
    this.status = status;
  }
}

/** The actor does not run, and will not by itself: it was terminated, or its supervisor gave up. The event was not applied. */
export class ActorDown extends HeddleError {
  readonly _tag = 'ActorDown';
  readonly code = 'HEDDLE_ACTOR_DOWN';
  readonly retryable = false;
  readonly address: string;
  readonly reason: string;

  constructor(address: string, reason: string) {
    super(`${address} is down: ${reason}; its state is kept. system.explain('${address}') tells more`);
    this.address = address;
    this.reason = reason;
  }
}

/** A supervisor did not do what was asked with one of its children. */
export class ChildRefused extends HeddleError {
  readonly _tag = 'ChildRefused';
  readonly code = 'HEDDLE_CHILD_REFUSED';
  readonly retryable = false;
  /** The supervisor. */
  readonly address: string;
  /** The id of the child. */
  readonly child: string;
  readonly reason: ChildRefusal;

  constructor(address: string, child: string, reason: ChildRefusal, cause?: unknown) {
    const why = cause === undefined ? '' : `: ${messageOf(cause)}`;
    super(`${address}: the child '${child}' ${CHILD_REFUSALS[reason]}${why}`, { cause });
    this.address = address;
    this.child = child;
    this.reason = reason;
  }
}

/** OTP's answers. */
export type ChildRefusal = keyof typeof CHILD_REFUSALS;

const CHILD_REFUSALS = {
  running: 'runs; terminate it first',
  restarting: 'is being restarted; terminate it first',
  'not-found': 'is not one of its children',
  'already-present': 'is there, but does not run; restart it, or delete it first',
  'already-started': 'runs already',
  dynamic: 'is one of a dynamic supervisor, which forgets those that do not run; start another',
  failed: 'could not be started',
  shutdown: 'is not touched, because the supervisor does not run',
} as const;

/** A supervision tree could not be started, because one of its children could not. */
export class StartFailed extends HeddleError {
  readonly _tag = 'StartFailed';
  readonly code = 'HEDDLE_START_FAILED';
  readonly retryable = false;
  /** The supervisor. */
  readonly address: string;
  /** The id of its child. */
  readonly child: string;

  constructor(address: string, child: string, cause: unknown) {
    super(`${address} could not be started, because its child '${child}' could not: ${messageOf(cause)}`, {
      cause,
    });
    this.address = address;
    this.child = child;
  }
}

/** The actor has as many events waiting as its mailbox holds. The event was not applied. */
export class MailboxFull extends HeddleError {
  readonly _tag = 'MailboxFull';
  readonly code = 'HEDDLE_MAILBOX_FULL';
  readonly retryable = true;
  readonly address: string;
  readonly capacity: number;

  constructor(address: string, capacity: number) {
    super(
      `the mailbox of ${address} is full (${capacity} events wait); send more slowly, or raise mailbox.capacity`,
    );
    this.address = address;
    this.capacity = capacity;
  }
}

/** A guard, an assign, or anything else that runs while the state changes threw. The state is what it was before. */
export class StepFailed extends HeddleError {
  readonly _tag = 'StepFailed';
  readonly code = 'HEDDLE_STEP_FAILED';
  readonly retryable = false;
  readonly address: string;
  readonly event: string;
  /** The state in which it happened, as XState writes it. */
  readonly state: unknown;

  constructor(address: string, event: string, state: unknown, cause: unknown) {
    super(
      `${address} could not take '${event}' in state ${JSON.stringify(state)}: ${messageOf(cause)}; its state is unchanged`,
      { cause },
    );
    this.address = address;
    this.event = event;
    this.state = state;
  }
}

/** A step used something that would not be the same when it is told again. The state is what it was before. */
export class Nondeterminism extends HeddleError {
  readonly _tag = 'Nondeterminism';
  readonly code = 'HEDDLE_NONDETERMINISM';
  readonly retryable = false;
  readonly address: string;
  readonly event: string;
  readonly state: unknown;
  /** What was used, as the user wrote it: `fetch`, `setTimeout`. */
  readonly api: string;
  readonly fix: string;

  constructor(address: string, event: string, state: unknown, api: string, fix: string) {
    super(
      `${address} used ${api} while taking '${event}' in state ${JSON.stringify(state)}; ${fix}. Its state is unchanged`,
    );
    this.address = address;
    this.event = event;
    this.state = state;
    this.api = api;
    this.fix = fix;
  }
}

/** Today's code does not tell the recorded story of this actor. It is refused; nothing of it was changed. */
export class StoryChanged extends HeddleError {
  readonly _tag = 'StoryChanged';
  readonly code = 'HEDDLE_STORY_CHANGED';
  readonly retryable = false;
  readonly address: string;
  /** The first record that comes out differently. */
  readonly seq: number;
  /** What differs: `intents[0]`, `value`, `context.total`. */
  readonly path: string;
  readonly recorded: unknown;
  readonly today: unknown;
  /** The parts of the code that are different, where they are known: `states.review.on.approve.guard`. */
  readonly changed: readonly string[];

  constructor(
    address: string,
    difference: Difference,
    { changed = [], ...options }: ErrorOptions & { readonly changed?: readonly string[] } = {},
  ) {
    const { seq, path, recorded, today } = difference;
    super(
      `the code of ${address} has changed${listOf(changed)}: record ${seq} comes out differently at ${path} ` +
        `(recorded ${show(recorded)}, today ${show(today)}); run the code that wrote it, or give a migration: ` +
        'durable(logic, { version, migrate })',
      options,
    );
    this.changed = changed;
    this.address = address;
    this.seq = seq;
    this.path = path;
    this.recorded = recorded;
    this.today = today;
  }
}

/** An exported history is not what was exported: it was cut off, or changed. Nothing of it was told. */
export class HistoryDamaged extends HeddleError {
  readonly _tag = 'HistoryDamaged';
  readonly code = 'HEDDLE_HISTORY_DAMAGED';
  readonly retryable = false;
  /** Counted from 1. */
  readonly line: number;
  readonly reason: string;

  constructor(line: number, reason: string, options?: ErrorOptions) {
    super(`the exported history cannot be believed: line ${line}: ${reason}; export it again`, options);
    this.line = line;
    this.reason = reason;
  }
}

/** Where today's code departs from the recorded story. */
export interface Difference {
  readonly seq: number;
  readonly path: string;
  readonly recorded: unknown;
  readonly today: unknown;
}

/** The system is closed, or is closing. The event was not applied. */
export class SystemClosed extends HeddleError {
  readonly _tag = 'SystemClosed';
  readonly code = 'HEDDLE_SYSTEM_CLOSED';
  readonly retryable = false;

  constructor() {
    super('the system is closed; open it again with createSystem');
  }
}

/** An attempt of a process took longer than its `timeout`. */
export class AttemptTimeout extends HeddleError {
  readonly _tag = 'AttemptTimeout';
  readonly code = 'HEDDLE_ATTEMPT_TIMEOUT';
  readonly retryable = true;
  readonly address: string;
  readonly timeoutMs: number;

  constructor(address: string, timeoutMs: number) {
    super(`${address} did not finish within ${timeoutMs} ms and was aborted`);
    this.address = address;
    this.timeoutMs = timeoutMs;
  }
}

/** All attempts of a process together took longer than its `deadline`. */
export class DeadlineExceeded extends HeddleError {
  readonly _tag = 'DeadlineExceeded';
  readonly code = 'HEDDLE_DEADLINE_EXCEEDED';
  readonly retryable = false;
  readonly address: string;
  readonly deadlineMs: number;
  /** The attempt that was under way, or would have been the next. */
  readonly attempt: number;

  constructor(address: string, deadlineMs: number, attempt: number) {
    super(
      `${address} did not finish within ${deadlineMs} ms of its birth, and was given up in attempt ${attempt}`,
    );
    this.address = address;
    this.deadlineMs = deadlineMs;
    this.attempt = attempt;
  }
}

const LISTED = 3;

function listOf(changed: readonly string[]): string {
  if (changed.length === 0) return '';
  const more = changed.length > LISTED ? ` and ${changed.length - LISTED} more` : '';
  return ` (${changed.slice(0, LISTED).join(', ')}${more})`;
}

function show(value: unknown): string {
  const text = JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item));
  return text === undefined ? 'nothing' : text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
