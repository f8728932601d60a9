/**
 * What a schedule is, as a user writes it, and as it is stored: plain data in which every default is written out, so that two
 * declarations can be compared, and a stored one means the same under a later version of anything.
 *
 * Refuses, with the path: what is no cron expression or one that never comes, unknown zones, units, policies and fields, and
 * policies that contradict each other. Whether `start` is the name of an actor, and whether `input` can be stored, is for the
 * system to say.
 */
import { inspect } from 'node:util';
import type { Duration } from 'effect';
import type * as EffectCron from 'effect/Cron';
import { millisOf } from '../duration.ts';
import { InvalidArgument, messageOf } from '../errors.ts';
import { instantOf } from '../instant.ts';
import type { Instant } from '../instant.ts';
import { badId } from '../kernel/address.ts';
import { comesEver } from './calendar.ts';
import type { Calendar } from './calendar.ts';
import { assertZone } from './zone.ts';

/**
 * What happens to an occurrence that is due while an earlier one still runs.
 *
 * - `skip`: it is not started.
 * - `queue`: it waits until the earlier one has ended.
 * - `allow`: it is started beside it.
 * - `cancel-previous`: the earlier one is stopped, and when it has ended, this one is started. Of several that wait for that,
 *   only the newest is.
 */
export type Overlap = 'skip' | 'queue' | 'allow' | 'cancel-previous';

/**
 * What happens to occurrences that were missed, because the system was down or the machine slept.
 *
 * - `skip`: they are not started.
 * - `one`: the newest of all that was missed is started; when one is due on time at the same moment, that one stands for them.
 * - `all`: each is started, oldest first; of more than `maxCatchUp`, the newest.
 */
export type Missed = 'skip' | 'one' | 'all';

/** A schedule, as a user writes it. Exactly one of `cron` and `every` is given. */
export interface ScheduleOptions {
  /** Its occurrences are `<id>@<instant>`. */
  readonly id: string;
  /** The name of the actor that each occurrence is, among those of `createSystem({ actors })`. */
  readonly start: string;
  /** What each occurrence gets as its input. */
  readonly input?: unknown;
  /** Five fields (minute, hour, day of month, month, weekday), or six with seconds first. `instants.ts` says when it is due. */
  readonly cron?: string;
  /** The clock on which `cron` is read. Default UTC: where a machine stands should not change what is due. */
  readonly timeZone?: string;
  /** At least one second. Counted from `startAt`; without it from when the schedule was declared, which is not due itself. */
  readonly every?: Duration.Input;
  /** Nothing is due before it. */
  readonly startAt?: Instant;
  /** Nothing is due at it or later. */
  readonly endAt?: Instant;
  /** Default `skip`. */
  readonly overlap?: Overlap;
  /** Default `one`. */
  readonly missed?: Missed;
  /** By how much an occurrence may be late without being missed. Default one minute; one second for crons with seconds; never more than `every`. */
  readonly grace?: Duration.Input;
  /** Each occurrence is started later by a part of this, always the same for the same instant. Default none. */
  readonly jitter?: Duration.Input;
  /** How many occurrences are made up for at once, at most. Default 1000. */
  readonly maxCatchUp?: number;
  /** How many occurrences wait in the queue, at most; beyond it, new ones are skipped. Default 1000. */
  readonly maxWaiting?: number;
  /** How many occurrences run at once, at most, where overlap is allowed; beyond it, new ones are skipped. Default 1000. */
  readonly maxRunning?: number;
}

/** A schedule as it is stored. Comparable with `isDeepStrictEqual`. */
export interface ScheduleDeclaration {
  readonly id: string;
  readonly start: string;
  readonly input?: unknown;
  readonly timing: Timing;
  readonly overlap: Overlap;
  readonly missed: Missed;
  readonly graceMs: number;
  readonly jitterMs: number;
  readonly maxCatchUp: number;
  readonly maxWaiting: number;
  readonly maxRunning: number;
}

/** When it is due. */
export type Timing = IntervalTiming | CronTiming;

export interface IntervalTiming extends Bounds {
  readonly everyMs: number;
}

export interface CronTiming extends Bounds {
  /** As it was written; what counts is the calendar. */
  readonly cron: string;
  readonly timeZone: string;
  readonly calendar: Calendar;
}

interface Bounds {
  readonly startAt?: number;
  readonly endAt?: number;
}

const OVERLAPS: readonly Overlap[] = ['skip', 'queue', 'allow', 'cancel-previous'];
const MISSED: readonly Missed[] = ['skip', 'one', 'all'];

/** Every occurrence is an actor with a journal: what should happen more often than this is a timer within one. */
const MIN_EVERY_MS = 1000;
const MAX_JITTER_MS = 86_400_000;
const DEFAULT_GRACE_MS = 60_000;
const DEFAULT_LIMIT = 1000;
/** A limit bounds the size of the schedule's state, and of the step that starts what it allows. */
const MAX_LIMIT = 10_000;
/** Beyond this there are no dates. */
const MAX_MS = 8.64e15;

const FIELDS: Readonly<Record<keyof ScheduleOptions, true>> = {
  ...{ id: true, start: true, input: true, cron: true, timeZone: true, every: true, startAt: true },
  ...{ endAt: true, overlap: true, missed: true, grace: true, jitter: true, maxCatchUp: true },
  ...{ maxWaiting: true, maxRunning: true },
};

/**
 * A schedule in the form in which it is stored.
 *
 * @param path where the user wrote it: errors begin with it.
 * @throws InvalidArgument
 */
export async function declareSchedule(
  options: ScheduleOptions,
  path = 'schedule',
): Promise<ScheduleDeclaration> {
  // Only those who write crons pay for it.
  const cron = isObject(options) && options.cron !== undefined ? await loadCron() : undefined;
  return declarationOf(options, path, cron);
}

/** Effect's Cron takes about 17 ms to load. */
function loadCron(): Promise<typeof EffectCron> {
  return import('effect/Cron');
}

function declarationOf(
  options: ScheduleOptions,
  path: string,
  cron: typeof EffectCron | undefined,
): ScheduleDeclaration {
  if (!isObject(options)) throw new InvalidArgument(path, `must be an object, but is ${told(options)}`);
  for (const field of Object.keys(options)) {
    if (!(field in FIELDS))
      throw new InvalidArgument(
        `${path}.${field}`,
        `is no field of a schedule; there are ${Object.keys(FIELDS).join(', ')}`,
      );
  }
  const { id, start, input, overlap = 'skip', missed = 'one' } = options;
  assertId(id, `${path}.id`);
  assertId(start, `${path}.start`);
  assertOneOf(OVERLAPS, overlap, `${path}.overlap`);
  assertOneOf(MISSED, missed, `${path}.missed`);
  if (missed === 'all' && (overlap === 'skip' || overlap === 'cancel-previous')) {
    throw new InvalidArgument(
      `${path}.missed`,
      `cannot be 'all' while overlap is '${overlap}': what was missed is due at once, and most of it would not be ` +
        `done; write overlap: 'queue' or 'allow'`,
    );
  }
  const timing = timingOf(options, path, cron);
  return {
    ...{ id, start },
    ...(input !== undefined && { input }),
    ...{ timing, overlap, missed },
    graceMs: graceOf(options, timing, path),
    jitterMs: jitterMsOf(options, timing, path),
    maxCatchUp: limitOf(options, 'maxCatchUp', path),
    maxWaiting: limitOf(options, 'maxWaiting', path),
    maxRunning: limitOf(options, 'maxRunning', path),
  };
}

// ---- timing ----------------------------------------------------------------------------------------------------------

function timingOf(options: ScheduleOptions, path: string, cron: typeof EffectCron | undefined): Timing {
  if ((options.cron === undefined) === (options.every === undefined)) {
    const fault = options.cron === undefined ? 'has neither cron nor every' : 'has both cron and every';
    throw new InvalidArgument(path, `${fault}; give exactly one of them`);
  }
  const bounds = boundsOf(options, path);
  if (options.every === undefined) return { ...cronOf(options, path, cron!), ...bounds };
  if (options.timeZone !== undefined) {
    throw new InvalidArgument(`${path}.timeZone`, 'says nothing to an interval; leave it out, or use cron');
  }
  const everyMs = wholeMillisOf(options.every, `${path}.every`);
  if (everyMs < MIN_EVERY_MS) {
    throw new InvalidArgument(
      `${path}.every`,
      `must be at least ${MIN_EVERY_MS} ms, but is ${everyMs} ms; use a timer within an actor for less`,
    );
  }
  return { everyMs, ...bounds };
}

function cronOf(
  { cron: expression, timeZone = 'UTC' }: ScheduleOptions,
  path: string,
  cron: typeof EffectCron,
): CronTiming {
  if (typeof expression !== 'string')
    throw new InvalidArgument(`${path}.cron`, `must be a string, but is ${told(expression)}`);
  if (typeof timeZone !== 'string')
    throw new InvalidArgument(`${path}.timeZone`, `must be a string, but is ${told(timeZone)}`);
  assertZone(timeZone, `${path}.timeZone`);
  const calendar = calendarOf(expression, path, cron);
  if (!comesEver(calendar)) {
    throw new InvalidArgument(`${path}.cron`, `never comes: no month of it has that day: '${expression}'`);
  }
  return { cron: expression, timeZone, calendar };
}

function calendarOf(expression: string, path: string, cron: typeof EffectCron): Calendar {
  let parsed: EffectCron.Cron;
  try {
    parsed = cron.parseUnsafe(expression);
  } catch (cause) {
    throw new InvalidArgument(
      `${path}.cron`,
      `is not a cron expression: ${JSON.stringify(expression)} (${messageOf(cause)}); write five fields like '0 9 * * 1-5', or six with seconds first`,
      { cause },
    );
  }
  const fields = expression.trim().split(/\s+/);
  // As in every cron since Vixie's: a field that begins with a star leaves the day to the other one.
  const isOpen = (field: string): boolean => field.startsWith('*');
  return {
    seconds: [...parsed.seconds],
    minutes: [...parsed.minutes],
    hours: [...parsed.hours],
    days: [...parsed.days],
    months: [...parsed.months],
    weekdays: [...parsed.weekdays],
    eitherDay: !isOpen(fields.at(-3)!) && !isOpen(fields.at(-1)!),
  };
}

function boundsOf({ startAt, endAt }: ScheduleOptions, path: string): Bounds {
  const bounds: Bounds = {
    ...(startAt !== undefined && { startAt: instantOf(startAt, `${path}.startAt`) }),
    ...(endAt !== undefined && { endAt: instantOf(endAt, `${path}.endAt`) }),
  };
  if (bounds.startAt !== undefined && bounds.endAt !== undefined && bounds.startAt >= bounds.endAt) {
    throw new InvalidArgument(`${path}.endAt`, 'must be later than startAt');
  }
  return bounds;
}

// ---- the rest --------------------------------------------------------------------------------------------------------

function graceOf({ grace }: ScheduleOptions, timing: Timing, path: string): number {
  if (grace !== undefined) return wholeMillisOf(grace, `${path}.grace`);
  if ('everyMs' in timing) return Math.min(DEFAULT_GRACE_MS, timing.everyMs);
  return timing.calendar.seconds.length === 1 ? DEFAULT_GRACE_MS : 1000;
}

function jitterMsOf({ jitter }: ScheduleOptions, timing: Timing, path: string): number {
  if (jitter === undefined) return 0;
  const millis = wholeMillisOf(jitter, `${path}.jitter`);
  if (millis > MAX_JITTER_MS)
    throw new InvalidArgument(`${path}.jitter`, `must be at most a day, but is ${millis} ms`);
  if ('everyMs' in timing && millis > timing.everyMs)
    throw new InvalidArgument(`${path}.jitter`, `must not be longer than every, but is ${millis} ms`);
  return millis;
}

function wholeMillisOf(input: Duration.Input, path: string): number {
  const millis = millisOf(input, path);
  if (!Number.isInteger(millis) || millis > MAX_MS)
    throw new InvalidArgument(path, `must be a whole number of milliseconds, but is ${millis}`);
  return millis;
}

function limitOf(
  options: ScheduleOptions,
  field: 'maxCatchUp' | 'maxWaiting' | 'maxRunning',
  path: string,
): number {
  const { [field]: limit = DEFAULT_LIMIT } = options;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new InvalidArgument(
      `${path}.${field}`,
      `must be a whole number from 1 to ${MAX_LIMIT}, but is ${told(limit)}`,
    );
  return limit;
}

function assertId(id: unknown, path: string): void {
  const fault = badId(id);
  if (fault !== undefined) throw new InvalidArgument(path, fault);
}

function assertOneOf<T extends string>(choices: readonly T[], choice: T, path: string): void {
  if (!choices.includes(choice)) {
    const words = choices.map((word) => `'${word}'`).join(', ');
    throw new InvalidArgument(path, `must be one of ${words}, but is ${told(choice)}`);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function told(value: unknown): string {
  return inspect(value, { depth: 1, breakLength: Infinity, maxStringLength: 100 });
}
