// The lie: "whatever comes, in whatever order, and wherever the clock goes: each instant is decided once, by the policies".
// Random lives of schedules, watched by somebody who knows only the rules.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { declareSchedule } from './declaration.ts';
import type { Missed, Overlap, ScheduleDeclaration, ScheduleOptions } from './declaration.ts';
import { instantsBetween } from './instants.ts';
import { initialState, schedule, upEvent } from './schedule.ts';
import type { ScheduleDue, ScheduleEvent, ScheduleOrder, ScheduleState } from './words.ts';
import { readZone } from './zone.ts';

const LIVES = 400;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const BORN = Date.UTC(2020, 2, 28, 20);

// ---- rhythms ---------------------------------------------------------------------------------------------------------

interface Rhythm {
  readonly options: Pick<ScheduleOptions, 'cron' | 'every' | 'startAt' | 'endAt'>;
  readonly isInstant: (at: number) => boolean;
}

const rhythms: readonly Rhythm[] = [
  {
    options: { every: '7 minutes' },
    isInstant: (at) => at > BORN && (at - BORN) % (7 * MINUTE_MS) === 0,
  },
  {
    options: { every: '1 hour', startAt: BORN + 90_000, endAt: BORN + 30 * DAY_MS },
    isInstant: (at) =>
      at >= BORN + 90_000 && at < BORN + 30 * DAY_MS && (at - BORN - 90_000) % (60 * MINUTE_MS) === 0,
  },
  { options: { cron: '*/15 * * * *' }, isInstant: (at) => at >= BORN && at % (15 * MINUTE_MS) === 0 },
  {
    options: { cron: '*/20 3-4 * * *', endAt: BORN + 60 * DAY_MS },
    isInstant: (at) => {
      const [hour, minute] = [new Date(at).getUTCHours(), new Date(at).getUTCMinutes()];
      const isNamed = (hour === 3 || hour === 4) && minute % 20 === 0 && at % MINUTE_MS === 0;
      return at >= BORN && at < BORN + 60 * DAY_MS && isNamed;
    },
  },
];

// ---- what may happen -------------------------------------------------------------------------------------------------

type Policies = Required<
  Pick<
    ScheduleOptions,
    'overlap' | 'missed' | 'grace' | 'jitter' | 'maxCatchUp' | 'maxWaiting' | 'maxRunning'
  >
>;

type Happening =
  | { readonly what: 'wait'; readonly ms: number }
  /** Until the timer is due, and a little more. */
  | { readonly what: 'timer'; readonly lateMs: number }
  | { readonly what: 'due again'; readonly back: number }
  | { readonly what: 'up'; readonly policies: Policies | undefined }
  | { readonly what: 'exit'; readonly which: number; readonly reason: string }
  | { readonly what: 'stranger' }
  | { readonly what: 'pause' | 'resume' | 'trigger' | 'delete'; readonly ask: number };

const policies: fc.Arbitrary<Policies> = fc
  .record({
    overlap: fc.constantFrom<Overlap>('skip', 'queue', 'allow', 'cancel-previous'),
    missed: fc.constantFrom<Missed>('skip', 'one', 'all'),
    grace: fc.constantFrom(0, 1000, 60_000, 40 * MINUTE_MS),
    jitter: fc.constantFrom(0, 0, 5000, 6 * MINUTE_MS),
    maxCatchUp: fc.integer({ min: 1, max: 6 }),
    maxWaiting: fc.integer({ min: 1, max: 4 }),
    maxRunning: fc.integer({ min: 1, max: 4 }),
  })
  .filter(({ overlap, missed }) => missed !== 'all' || overlap === 'queue' || overlap === 'allow');

const happenings: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 15, arbitrary: fc.record({ what: fc.constant('wait' as const), ms: fc.nat(90 * MINUTE_MS) }) },
  // The clock is set, back or years ahead.
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constant('wait' as const),
      ms: fc.oneof(fc.integer({ min: -DAY_MS, max: -1 }), fc.integer({ min: DAY_MS, max: 4000 * DAY_MS })),
    }),
  },
  {
    weight: 40,
    arbitrary: fc.record({
      what: fc.constant('timer' as const),
      lateMs: fc.oneof(fc.nat(50), fc.nat(3 * 60 * MINUTE_MS)),
    }),
  },
  { weight: 5, arbitrary: fc.record({ what: fc.constant('due again' as const), back: fc.nat(3) }) },
  {
    weight: 10,
    arbitrary: fc.record({
      what: fc.constant('up' as const),
      policies: fc.option(policies, { nil: undefined }),
    }),
  },
  {
    weight: 25,
    arbitrary: fc.record({
      what: fc.constant('exit' as const),
      which: fc.nat(),
      reason: fc.constantFrom('done', 'stopped', 'boom'),
    }),
  },
  { weight: 5, arbitrary: fc.constant({ what: 'stranger' as const }) },
  {
    weight: 15,
    arbitrary: fc.record({
      what: fc.constantFrom('pause' as const, 'resume' as const, 'resume' as const, 'trigger' as const),
      ask: fc.nat(40),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('delete' as const), ask: fc.nat(40) }) },
);

// ---- who watches -----------------------------------------------------------------------------------------------------

/** What must be so, kept from the orders alone as far as they say it. */
class Watcher {
  readonly started = new Set<string>();
  running = new Set<string>();
  stopping = new Set<string>();
  timer: { readonly dueAt: number; readonly event: ScheduleDue } | undefined;
  readonly dues: ScheduleDue[] = [];
  readonly #rhythm: Rhythm;
  missedStarts = 0;
  state: ScheduleState;
  now: number;

  constructor(rhythm: Rhythm, state: ScheduleState, now: number) {
    [this.#rhythm, this.state, this.now] = [rhythm, state, now];
  }

  tell(event: ScheduleEvent): void {
    const before = this.state;
    const kept = structuredClone(before);
    const step = schedule(before, event, { nowMs: this.now });
    assert.deepEqual(before, kept);
    assert.deepEqual(schedule(kept, structuredClone(event), { nowMs: this.now }), step);
    this.state = step.state;
    this.#watch(event, before, step.orders);
  }

  #watch(event: ScheduleEvent, before: ScheduleState, orders: readonly ScheduleOrder[]): void {
    const { state } = this;
    if (event.type === 'heddle.exit') {
      this.running.delete(event.id);
      this.stopping.delete(event.id);
    }
    let missed = 0;
    for (const order of orders) {
      if (order.to === 'timer') this.timer = 'cancel' in order ? undefined : order;
      else if (order.to === 'occurrence' && 'stop' in order) this.#stopped(order.id);
      else if (order.to === 'occurrence') missed += this.#startedNow(order.id, order.instant, event, before);
    }
    // One who had waited may have been a missed one too.
    if (state.declaration.missed === 'one' && state.declaration.overlap !== 'queue') assert.ok(missed <= 1);
    const asked = 'ask' in event ? [event.ask] : [];
    assert.deepEqual(
      orders.flatMap((order) => (order.to === 'caller' ? [order.ask] : [])),
      asked,
    );
    this.#remembers(before);
    this.#owesNothing();
  }

  #startedNow(id: string, instant: number, event: ScheduleEvent, before: ScheduleState): number {
    const { declaration } = this.state;
    assert.notEqual(before.status, 'deleted');
    assert.equal(this.started.has(id), false);
    if (declaration.overlap === 'allow') assert.ok(this.running.size < declaration.maxRunning);
    else assert.equal(this.running.size, 0);
    this.started.add(id);
    this.running.add(id);
    if (id.includes('+manual-')) return 0;
    assert.equal(id, `s@${new Date(instant).toISOString()}`);
    assert.equal(this.#rhythm.isInstant(instant), true);
    if (before.status === 'paused') assert.equal(event.type, 'heddle.schedule.resume');
    if (before.waiting.some((occurrence) => occurrence.id === id)) return 0;
    assert.ok(instant > before.cursor);
    assert.ok(instant <= this.now);
    const isMissed = this.now - instant - declaration.jitterMs > declaration.graceMs;
    if (isMissed) assert.notEqual(declaration.missed, 'skip');
    this.missedStarts += isMissed ? 1 : 0;
    return isMissed ? 1 : 0;
  }

  #stopped(id: string): void {
    assert.equal(this.state.declaration.overlap, 'cancel-previous');
    assert.equal(this.running.has(id), true);
    assert.equal(this.stopping.has(id), false);
    this.stopping.add(id);
  }

  /** The state says what happened, and stays small. */
  #remembers(before: ScheduleState): void {
    const { state } = this;
    assert.ok(state.cursor >= before.cursor);
    assert.deepEqual(new Set(state.running.map(({ id }) => id)), this.running);
    assert.equal(state.counts.started, this.started.size);
    assert.ok(state.decisions.length <= 20);
    assert.ok(state.answered.length <= 20);
    assert.ok(state.waiting.length <= 4);
    assert.equal(
      state.waiting.every(({ id }) => !this.started.has(id)),
      true,
    );
    if (before.status === 'deleted') assert.equal(state.status, 'deleted');
  }

  /** Everything that was due is decided, all that was decided is told, and the timer stands for what comes next. */
  #owesNothing(): void {
    const { state } = this;
    const skipped = Object.values(state.counts.skipped).reduce((sum, count) => sum + count, 0);
    // A step that decides over years: somebody who counts on his fingers must stop somewhere.
    if (state.cursor - BORN < 40 * DAY_MS) {
      let decided = state.counts.triggered;
      for (let at = BORN; at <= state.cursor; at += 30_000) if (this.#rhythm.isInstant(at)) decided++;
      assert.equal(state.counts.started + state.waiting.length + skipped, decided);
    }
    if (state.status !== 'active') {
      assert.equal(this.timer, undefined);
      return;
    }
    for (
      let at = Math.ceil((state.cursor + 1) / 30_000) * 30_000, left = 3000;
      left > 0;
      left--, at += 30_000
    ) {
      if (!this.#rhythm.isInstant(at)) continue;
      assert.deepEqual(this.timer?.event, { type: 'heddle.due', instant: at });
      const { dueAt } = this.timer;
      assert.ok(dueAt > this.now);
      assert.ok(dueAt - at <= state.declaration.jitterMs);
      return;
    }
  }

  /** The timer goes off. */
  due(lateMs: number): void {
    const { timer } = this;
    if (timer === undefined) return;
    this.timer = undefined;
    this.now = Math.max(this.now, timer.dueAt) + lateMs;
    this.dues.push(timer.event);
    this.tell(timer.event);
  }
}

async function declared(rhythm: Rhythm, policies: Policies): Promise<ScheduleDeclaration> {
  return declareSchedule({ id: 's', start: 'job', ...rhythm.options, ...policies });
}

describe('any life of a schedule', () => {
  it('starts each instant at most once, and by its policies', async () => {
    const seen = { started: 0, missed: 0, skipped: {} as Record<string, number> };
    const life = fc.array(happenings, { minLength: 5, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...rhythms), policies, life, async (rhythm, policies, life) => {
        const declaration = await declared(rhythm, policies);
        const watcher = new Watcher(rhythm, initialState(declaration, BORN), BORN);
        watcher.tell(upEvent(declaration, BORN));
        for (const happening of life) {
          switch (happening.what) {
            case 'wait':
              watcher.now += happening.ms;
              break;
            case 'timer':
              watcher.due(happening.lateMs);
              break;
            case 'due again': {
              const again = watcher.dues.at(-1 - happening.back);
              if (again !== undefined) watcher.tell(again);
              break;
            }
            case 'up': {
              const today = happening.policies && (await declared(rhythm, happening.policies));
              watcher.tell(upEvent(today ?? watcher.state.declaration, watcher.now));
              break;
            }
            case 'exit': {
              const id = [...watcher.running][happening.which % Math.max(1, watcher.running.size)];
              if (id !== undefined) watcher.tell({ type: 'heddle.exit', id, reason: happening.reason });
              break;
            }
            case 'stranger':
              watcher.tell({ type: 'heddle.exit', id: 'somebody', reason: 'done' });
              break;
            default:
              watcher.tell({ type: `heddle.schedule.${happening.what}`, ask: String(happening.ask) });
          }
        }
        seen.started += watcher.started.size;
        seen.missed += watcher.missedStarts;
        for (const [cause, count] of Object.entries(watcher.state.counts.skipped))
          seen.skipped[cause] = (seen.skipped[cause] ?? 0) + count;
      }),
      { numRuns: LIVES },
    );
    // The lives had in them what they are meant to have.
    expect(seen.started).toBeGreaterThan(LIVES);
    expect(seen.missed).toBeGreaterThan(LIVES / 20);
    const causes = [
      'missed',
      'catch-up-limit',
      'overlap',
      'queue-full',
      'too-many-running',
      'replaced',
      'paused',
      'deleted',
    ];
    expect(Object.keys(seen.skipped).sort()).toEqual(causes.sort());
  });
});

describe('in zones whose clocks jump', () => {
  const crons = fc.constantFrom(
    '*/10 * * * *',
    '*/10 0-3 * * *',
    '30 2 * * *',
    '0,30 2,3 * * *',
    '0 0 * * *',
    '15 1 * * *',
  );
  const zones = fc.constantFrom(
    'Europe/Berlin',
    'Australia/Lord_Howe',
    'Asia/Beirut',
    'America/Havana',
    'Africa/Casablanca',
  );

  it('openings at any time neither lose nor repeat an instant', async () => {
    let jumps = 0;
    const openings = fc.array(fc.integer({ min: 1, max: 30 * 60 * MINUTE_MS }), {
      minLength: 1,
      maxLength: 15,
    });
    const property = fc.asyncProperty(
      ...([crons, zones, fc.nat(20), fc.integer({ min: -DAY_MS, max: DAY_MS }), openings] as const),
      async (cron, timeZone, pick, away, openings) => {
        const options = { id: 's', start: 'job', cron, timeZone, overlap: 'allow', missed: 'all' } as const;
        const declaration = await declareSchedule({ ...options, maxRunning: 10_000 });
        const { changes } = readZone(timeZone, BORN);
        const change = changes[pick % changes.length]![0];
        const born = change + away;
        let now = born;
        let state = initialState(declaration, now);
        const started: number[] = [];
        for (const gap of [0, ...openings]) {
          now += gap;
          const step = schedule(state, upEvent(declaration, now), { nowMs: now });
          state = step.state;
          for (const order of step.orders)
            if (order.to === 'occurrence' && 'start' in order) started.push(order.instant);
        }
        const { timing } = declaration;
        if (!('calendar' in timing)) throw new Error('it is a cron');
        // Read once, from before all of it.
        const zone = readZone(timeZone, born - 3 * DAY_MS);
        expect(started).toEqual([...instantsBetween({ calendar: timing.calendar, zone }, born - 1, now)]);
        if (born < change && now > change) jumps++;
      },
    );
    await fc.assert(property, { numRuns: LIVES });
    expect(jumps).toBeGreaterThan(LIVES / 10);
  });
});
