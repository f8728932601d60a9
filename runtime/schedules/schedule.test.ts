// The lie: "an occurrence is started for each instant, once, and when it is not, one can read why". Situations, each told as
// the orders it gave.
import { describe, expect, it } from 'vitest';
import { declareSchedule } from './declaration.ts';
import type { ScheduleOptions } from './declaration.ts';
import { initialState, nextDueAt, occurrenceId, schedule, upEvent } from './schedule.ts';
import type { Decision, ScheduleEvent, ScheduleOrder, ScheduleRequest, ScheduleState } from './words.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** 1 January 2020, midnight UTC. All times are told as hours from here. In the past, whose clocks no law changes any more. */
const MIDNIGHT = Date.UTC(2020, 0, 1);

const hour = (hours: number): number => MIDNIGHT + Math.round(hours * HOUR_MS);
const hourly = (n: number): string => occurrenceId('s', hour(n));

/** A schedule of every full hour, declared half an hour before the first, and somebody who tells it things. */
class Told {
  state: ScheduleState;
  now: number;
  readonly options: ScheduleOptions;

  private constructor(state: ScheduleState, now: number, options: ScheduleOptions) {
    [this.state, this.now, this.options] = [state, now, options];
  }

  static async of(options: Partial<ScheduleOptions> = {}, at = -0.5): Promise<Told> {
    const isEvery = options.every !== undefined;
    const whole = { id: 's', start: 'job', ...(!isEvery && { cron: '0 * * * *' }), ...options };
    const declaration = await declareSchedule(whole);
    const told = new Told(initialState(declaration, hour(at)), hour(at), whole);
    told.tell(upEvent(declaration, hour(at)));
    return told;
  }

  /** Takes an event, and says what it ordered. */
  tell(event: ScheduleEvent, at = (this.now - MIDNIGHT) / HOUR_MS): string {
    this.now = hour(at);
    const { state, orders } = schedule(this.state, event, { nowMs: this.now });
    this.state = state;
    return orders.map(inWords).join('; ');
  }

  /** Its timer goes off. */
  due(at: number): string {
    return this.tell({ type: 'heddle.due', instant: this.state.armed?.instant ?? 0 }, at);
  }

  /** Its system opens, with what is declared by then. */
  async up(at: number, options: Partial<ScheduleOptions> = {}): Promise<string> {
    const declaration = await declareSchedule({ ...this.options, ...options });
    return this.tell(upEvent(declaration, hour(at)), at);
  }

  exit(n: number, at: number, reason = 'done'): string {
    return this.tell({ type: 'heddle.exit', id: hourly(n), reason }, at);
  }

  ask(
    what: 'pause' | 'resume' | 'trigger' | 'delete',
    at: number,
    more: Partial<ScheduleRequest> = {},
  ): string {
    return this.tell({ type: `heddle.schedule.${what}`, ask: `ask-${at}`, ...more }, at);
  }

  /** Its newest decisions. */
  decided(count: number): string[] {
    return this.state.decisions.slice(-count).map(decidedInWords);
  }

  get waiting(): string {
    return this.state.waiting.map(({ id }) => idInWords(id)).join(' ');
  }
}

const hoursOf = (at: number): string => String(Math.round(((at - MIDNIGHT) / HOUR_MS) * 100) / 100);

function idInWords(id: string): string {
  const [, instant, manual = ''] = /^s@([^+]+)(\+manual-\d+)?$/.exec(id)!;
  return `${hoursOf(Date.parse(instant!))}${manual}`;
}

function inWords(order: ScheduleOrder): string {
  if (order.to === 'timer') return 'cancel' in order ? 'no timer' : `timer ${hoursOf(order.dueAt)}`;
  if (order.to === 'occurrence') return `${'stop' in order ? 'stop' : 'start'} ${idInWords(order.id)}`;
  const { answer } = order;
  if (!answer.done) return `refused, ${answer.status}`;
  if (answer.occurrence === undefined) return `answer ${answer.status}`;
  const { outcome, id } = answer.occurrence;
  return `answer ${answer.status}, ${outcome} ${idInWords(id)}`;
}

function decidedInWords(decision: Decision): string {
  switch (decision.outcome) {
    case 'skipped': {
      const { cause, count, first, last } = decision;
      return `skipped ${count}: ${hoursOf(first)}-${hoursOf(last)}, ${cause}`;
    }
    case 'started':
    case 'waiting':
      return `${decision.outcome} ${idInWords(decision.id)}, ${decision.cause}`;
    case 'stopping':
      return `stopping ${idInWords(decision.id)}`;
    default:
      return [decision.outcome, decision.by, decision.reason].filter(Boolean).join(', ');
  }
}

describe('day by day', () => {
  it('sets its timer, and starts what is due under the name of its instant', async () => {
    const told = await Told.of({ input: { for: 'ada' } });
    expect(told.state.armed).toEqual({ instant: hour(0), dueAt: hour(0) });
    const event: ScheduleEvent = { type: 'heddle.due', instant: hour(0) };
    const { orders } = schedule(told.state, event, { nowMs: hour(0) + 3 });
    expect(orders).toEqual([
      {
        to: 'occurrence',
        id: 's@2020-01-01T00:00:00.000Z',
        start: 'job',
        input: { for: 'ada' },
        instant: hour(0),
      },
      { to: 'timer', id: 'due', dueAt: hour(1), event: { type: 'heddle.due', instant: hour(1) } },
    ]);
  });

  it('goes on when they end, and counts how', async () => {
    const told = await Told.of();
    for (const [n, reason] of ['done', 'stopped', 'error', 'refused'].entries()) {
      expect(told.due(n)).toBe(`start ${n}; timer ${n + 1}`);
      expect(told.exit(n, n + 0.5, reason)).toBe('');
    }
    expect(told.state.counts).toEqual({
      ...{ started: 4, triggered: 0, skipped: {} },
      ended: { done: 1, stopped: 1, failed: 2 },
    });
    expect(told.state.running).toEqual([]);
  });

  it('is due at the moment at which it is declared, if the calendar says so', async () => {
    const told = await Told.of({}, 0);
    expect(told.decided(1)).toEqual(['started 0, due']);
  });

  it('counts an interval from when it was declared, or from its beginning', async () => {
    expect((await Told.of({ every: '1 hour' }, 0.25)).state.armed?.instant).toBe(hour(1.25));
    const startAt = hour(0.75);
    expect((await Told.of({ every: '1 hour', startAt }, 0.25)).state.armed?.instant).toBe(startAt);
    expect((await Told.of({ every: '1 hour', startAt }, 5)).state.armed?.instant).toBe(hour(5.75));
    expect((await Told.of({ every: '1 hour', startAt }, 0.75)).decided(1)).toEqual(['started 0.75, due']);
  });

  it('does not drift when it is late each time', async () => {
    const told = await Told.of({ every: '1 hour', overlap: 'allow' }, 0);
    for (let n = 1; n < 50; n++) expect(told.due(n + 0.01)).toBe(`start ${n}; timer ${n + 1}`);
  });

  it('ends', async () => {
    const told = await Told.of({ endAt: hour(1) });
    expect(told.due(0)).toBe('start 0; no timer');
    expect(nextDueAt(told.state)).toBeUndefined();
    expect(told.exit(0, 5)).toBe('');
    expect(await told.up(9)).toBe('');
  });

  it('starts a little later with jitter, under the same name, and always as much later', async () => {
    const told = await Told.of({ jitter: '10 minutes' });
    const dueAt = nextDueAt(told.state)!;
    expect(dueAt).toBeGreaterThan(hour(0));
    expect(dueAt).toBeLessThan(hour(0) + 10 * MINUTE_MS);
    expect(told.due(0)).toMatch(/^timer /);
    expect(told.due((dueAt - MIDNIGHT) / HOUR_MS)).toMatch(/^start 0; timer 1/);
  });
});

describe('nothing happens twice', () => {
  it('when a timer goes off twice, early, or one that was replaced', async () => {
    const told = await Told.of({ overlap: 'allow' });
    expect(told.due(-0.1)).toBe('timer 0');
    expect(told.due(0)).toBe('start 0; timer 1');
    expect(told.tell({ type: 'heddle.due', instant: hour(0) }, 0.1)).toBe('');
    expect(told.tell({ type: 'heddle.due', instant: hour(7) }, 0.2)).toBe('');
  });

  it('when the system opens again and again', async () => {
    const told = await Told.of({ overlap: 'allow' });
    told.due(0);
    for (const at of [0, 0.1, 0.9]) expect(await told.up(at)).toBe('timer 1');
  });

  it('when the clock goes back', async () => {
    const told = await Told.of({ overlap: 'allow' });
    for (const n of [0, 1, 2]) told.due(n);
    expect(told.due(-5)).toBe('timer 3');
    expect(await told.up(0)).toBe('timer 3');
    expect(told.due(2)).toBe('timer 3');
    expect(told.due(3)).toBe('start 3; timer 4');
  });

  it('when the clock was a century ahead: then nothing is due until it is past that again, but by hand', async () => {
    const told = await Told.of({ missed: 'one' });
    const century = 876_600.5;
    expect(told.due(century)).toBe('start 876600; timer 876601');
    expect(told.exit(876_600, 1)).toBe('');
    expect(await told.up(2)).toBe('timer 876601');
    expect(told.ask('trigger', 2)).toBe('start 2+manual-1; answer active, started 2+manual-1');
  });

  it('when an end is told twice, or of a stranger', async () => {
    const told = await Told.of();
    told.due(0);
    told.exit(0, 0.1);
    const before = told.state;
    expect(told.exit(0, 0.2)).toBe('');
    expect(told.tell({ type: 'heddle.exit', id: 'somebody', reason: 'done' })).toBe('');
    expect(told.state).toEqual(before);
  });

  it('when somebody asks twice', async () => {
    const told = await Told.of({ overlap: 'allow' });
    const trigger: ScheduleEvent = { type: 'heddle.schedule.trigger', ask: 'a' };
    expect(told.tell(trigger)).toBe('start -0.5+manual-1; answer active, started -0.5+manual-1');
    expect(told.tell(trigger, -0.2)).toBe('answer active, started -0.5+manual-1');
    expect(told.state.counts.triggered).toBe(1);
  });
});

describe('after the system was down', () => {
  it.each<[string, Partial<ScheduleOptions>, string, string[]]>([
    ['skip', { missed: 'skip' }, 'timer 10', ['skipped 9: 1-9, missed']],
    ['one', { missed: 'one' }, 'start 9; timer 10', ['skipped 8: 1-8, missed', 'started 9, missed']],
    [
      'all, at once',
      { missed: 'all', overlap: 'allow', maxCatchUp: 3 },
      'start 7; start 8; start 9; timer 10',
      ['skipped 6: 1-6, catch-up-limit', 'started 7, missed', 'started 8, missed', 'started 9, missed'],
    ],
    [
      'all, one after the other',
      { missed: 'all', overlap: 'queue', maxCatchUp: 3 },
      'start 7; timer 10',
      ['skipped 6: 1-6, catch-up-limit', 'started 7, missed', 'waiting 8, missed', 'waiting 9, missed'],
    ],
  ])('%s', async (_, options, orders, decisions) => {
    const told = await Told.of(options);
    told.due(0);
    told.exit(0, 0.1);
    expect(await told.up(9.5)).toBe(orders);
    expect(told.decided(decisions.length)).toEqual(decisions);
  });

  it('for less than the grace, what was due is on time', async () => {
    const told = await Told.of({ missed: 'skip' });
    expect(await told.up(0.016)).toBe('start 0; timer 1');
    expect((await Told.of({ missed: 'skip', grace: '3 hours' })).due(2.5)).toBe('start 0; timer 3');
  });

  it('it is the same when only the machine slept, and the timer comes late', async () => {
    const told = await Told.of({ missed: 'one' });
    expect(told.due(9.5)).toBe('start 9; timer 10');
  });

  it('what still runs from before counts as an overlap', async () => {
    const told = await Told.of({ missed: 'one' });
    told.due(0);
    expect(await told.up(9.5)).toBe('timer 10');
    expect(told.decided(2)).toEqual(['skipped 8: 1-8, missed', 'skipped 1: 9-9, overlap']);
  });

  it('what was due before it was declared is not missed', async () => {
    const told = await Told.of({ missed: 'all', overlap: 'allow', startAt: hour(-1000) });
    expect(told.state.counts.started).toBe(0);
  });

  it('by centuries, of every second, takes no time and little room', async () => {
    const told = await Told.of({ cron: '* * * * * *', missed: 'all', overlap: 'queue', maxCatchUp: 10 });
    await told.up(300 * 8766);
    expect(told.state.waiting).toHaveLength(10);
    expect(told.state.counts.skipped['catch-up-limit']).toBe((300 * 8766 + 0.5) * 3600 - 10);
  });
});

describe('while another runs', () => {
  it('skip: it is not started, and the next one is', async () => {
    const told = await Told.of();
    told.due(0);
    expect(told.due(1)).toBe('timer 2');
    expect(told.decided(1)).toEqual(['skipped 1: 1-1, overlap']);
    expect(told.exit(0, 1.5)).toBe('');
    expect(told.due(2)).toBe('start 2; timer 3');
  });

  it('queue: it waits, in order, and what finds no place is skipped', async () => {
    const told = await Told.of({ overlap: 'queue', maxWaiting: 2 });
    for (const n of [0, 1, 2, 3]) told.due(n);
    expect(told.waiting).toBe('1 2');
    expect(told.decided(1)).toEqual(['skipped 1: 3-3, queue-full']);
    expect(told.exit(0, 3.1)).toBe('start 1');
    expect(told.exit(2, 3.2)).toBe('');
    expect(told.exit(1, 3.3)).toBe('start 2');
    expect(told.exit(2, 3.4)).toBe('');
  });

  it('allow: it is started, up to a limit', async () => {
    const told = await Told.of({ overlap: 'allow', maxRunning: 2 });
    expect([told.due(0), told.due(1), told.due(2)]).toEqual([
      'start 0; timer 1',
      'start 1; timer 2',
      'timer 3',
    ]);
    expect(told.decided(1)).toEqual(['skipped 1: 2-2, too-many-running']);
  });

  it('cancel-previous: the other is told to stop, once, and it follows when that has ended', async () => {
    const told = await Told.of({ overlap: 'cancel-previous' });
    told.due(0);
    expect(told.due(1)).toBe('stop 0; timer 2');
    expect(told.due(2)).toBe('timer 3');
    expect(told.decided(4)).toEqual([
      'stopping 0',
      'waiting 1, due',
      'skipped 1: 1-1, replaced',
      'waiting 2, due',
    ]);
    expect(told.exit(0, 2.5, 'stopped')).toBe('start 2');
  });

  it('cancel-previous: of several at once, only the newest', async () => {
    const told = await Told.of({ overlap: 'cancel-previous', grace: '5 hours' });
    expect(told.due(3)).toBe('start 3; timer 4');
    expect(told.decided(2)).toEqual(['skipped 3: 0-2, replaced', 'started 3, due']);
  });
});

describe('by hand', () => {
  it('is one more, beside those of the clock, with who and why', async () => {
    const told = await Told.of({ overlap: 'allow' });
    const words = { by: 'ada', reason: 'r'.repeat(500) };
    expect(told.ask('trigger', 0, words)).toBe(
      'start 0; start 0+manual-1; answer active, started 0+manual-1; timer 1',
    );
    expect(told.state.decisions.at(-1)).toMatchObject({ by: 'ada', reason: 'r'.repeat(200) });
    expect(told.ask('trigger', 0, { ask: 'another' })).toBe(
      'start 0+manual-2; answer active, started 0+manual-2',
    );
  });

  it.each([
    ['skip', 'answer active, skipped 0.1+manual-1'],
    ['queue', 'answer active, waiting 0.1+manual-1'],
    ['cancel-previous', 'stop 0; answer active, waiting 0.1+manual-1'],
    ['allow', 'start 0.1+manual-1; answer active, started 0.1+manual-1'],
  ] as const)('honours overlap: %s', async (overlap, expected) => {
    const told = await Told.of({ overlap });
    told.due(0);
    expect(told.ask('trigger', 0.1)).toBe(expected);
  });

  it('goes while it is paused', async () => {
    const told = await Told.of({ overlap: 'queue' });
    told.due(0);
    told.due(1);
    told.ask('pause', 1.1);
    told.ask('trigger', 1.2);
    expect(told.waiting).toBe('1 1.2+manual-1');
    expect(told.exit(0, 1.3)).toBe('start 1.2+manual-1');
    expect(told.waiting).toBe('1');
  });
});

describe('paused', () => {
  it('has no timer, starts nothing, and skips what passes', async () => {
    const told = await Told.of();
    expect(told.ask('pause', 0.5, { by: 'ada', reason: 'holiday' })).toBe('start 0; answer paused; no timer');
    expect(told.decided(1)).toEqual(['paused, ada, holiday']);
    expect(nextDueAt(told.state)).toBeUndefined();
    told.exit(0, 0.6);
    expect(await told.up(3.5)).toBe('');
    expect(told.tell({ type: 'heddle.due', instant: hour(1) }, 4)).toBe('');
    expect(told.ask('resume', 6.5)).toBe('answer active; timer 7');
    expect(told.state.counts.skipped).toEqual({ paused: 6 });
    expect(told.decided(1)).toEqual(['resumed']);
    expect(told.due(7)).toBe('start 7; timer 8');
  });

  it('what was due before is decided as it stood then', async () => {
    const told = await Told.of();
    expect(told.ask('pause', 0.01)).toBe('start 0; answer paused; no timer');
  });

  it('who waits goes on waiting, and goes on', async () => {
    const told = await Told.of({ overlap: 'queue' });
    told.due(0);
    told.due(1);
    told.ask('pause', 1.1);
    expect(told.exit(0, 1.2)).toBe('');
    expect(told.ask('resume', 1.3)).toBe('start 1; answer active; timer 2');
  });

  it('twice is once, and so is resumed', async () => {
    const told = await Told.of();
    told.ask('pause', -0.4);
    const before = told.state;
    expect(told.ask('pause', -0.3)).toBe('answer paused');
    expect(told.state).toEqual(before);
    told.ask('resume', -0.2);
    expect(told.ask('resume', -0.1)).toBe('answer active');
  });
});

describe('deleted', () => {
  it('starts nothing ever again, and says so', async () => {
    const told = await Told.of({ overlap: 'queue' });
    told.due(0);
    told.due(1);
    expect(told.ask('delete', 1.5, { by: 'ada' })).toBe('answer deleted; no timer');
    expect(told.decided(2)).toEqual(['skipped 1: 1-1, deleted', 'deleted, ada']);
    expect(told.exit(0, 2)).toBe('');
    expect(told.state.running).toEqual([]);
    expect(told.due(3)).toBe('');
    expect(await told.up(4)).toBe('');
    for (const what of ['pause', 'resume', 'trigger', 'delete'] as const)
      expect(told.ask(what, 5)).toBe('refused, deleted');
  });
});

describe('declared anew', () => {
  it('as it was: nothing changes', async () => {
    const told = await Told.of();
    const before = told.state;
    await told.up(-0.2);
    expect(told.state).toEqual(before);
  });

  it('with other policies: what was missed is decided by them', async () => {
    const told = await Told.of({ missed: 'skip' });
    expect(await told.up(3.5, { missed: 'all', overlap: 'queue' })).toBe('start 0; timer 4');
    expect(told.waiting).toBe('1 2 3');
  });

  it('with another input: from the next one on', async () => {
    const told = await Told.of({ input: 1 });
    await told.up(-0.2, { input: 2, start: 'other' });
    const due: ScheduleEvent = { type: 'heddle.due', instant: hour(0) };
    const [order] = schedule(told.state, due, { nowMs: hour(0) }).orders;
    expect(order).toMatchObject({ start: 'other', input: 2 });
  });

  it('with another timing: it is counted from now, and what the old one owed is told', async () => {
    const told = await Told.of({ missed: 'all', overlap: 'allow' });
    expect(await told.up(3.6, { cron: '30 * * * *' })).toBe('timer 4.5');
    expect(told.decided(2)).toEqual(['redeclared', 'skipped 4: 0-3, redeclared']);
  });

  it('with another interval: it is counted from now', async () => {
    const told = await Told.of({ every: '1 hour' }, 0);
    expect(await told.up(0.25, { every: '2 hours' })).toBe('timer 2.25');
  });

  it('with another beginning of its interval: it is counted from there', async () => {
    const told = await Told.of({ every: '1 hour', startAt: hour(0) });
    expect(await told.up(-0.2, { startAt: hour(0.25) })).toBe('timer 0.25');
  });

  it('while the clock is set back: what was decided by the old timing is not by the new one', async () => {
    const told = await Told.of({ overlap: 'allow' });
    for (const n of [0, 1, 2]) told.due(n);
    expect(await told.up(0.5, { cron: '*/30 * * * *' })).toBe('timer 2.5');
  });

  it('with another end: all else stays', async () => {
    const told = await Told.of({ every: '1 hour', endAt: hour(2), missed: 'all', overlap: 'queue' }, 0);
    expect(await told.up(3.5, { endAt: hour(9) })).toBe('start 1; timer 4');
    expect(told.waiting).toBe('2 3');
  });

  it('so that it never comes again: its timer is cancelled', async () => {
    const told = await Told.of();
    expect(await told.up(-0.2, { endAt: hour(-0.1) })).toBe('no timer');
  });

  it('with another overlap: who waits goes on by the new one', async () => {
    const told = await Told.of({ overlap: 'queue' });
    for (const n of [0, 1, 2]) told.due(n);
    expect(await told.up(2.5, { overlap: 'allow' })).toBe('start 1; start 2; timer 3');
  });

  it('under another id: it is not listened to', async () => {
    const told = await Told.of();
    const before = told.state;
    await told.up(-0.2, { id: 'other', cron: '30 * * * *' });
    expect(told.state).toEqual(before);
  });
});

describe('in a time zone', () => {
  it('is due by the clock there', async () => {
    const told = await Told.of({ cron: '0 9 * * *', timeZone: 'Europe/Berlin' });
    expect(told.state.armed?.instant).toBe(hour(8));
    expect(
      (await Told.of({ cron: '0 9 * * *', timeZone: 'Europe/Berlin' }, 24 * 182)).state.armed?.instant,
    ).toBe(hour(24 * 182 + 7));
  });

  it('knows nothing before it has its rules, and nothing by the rules of another', async () => {
    const declaration = await declareSchedule({
      id: 's',
      start: 'job',
      cron: '0 9 * * *',
      timeZone: 'Europe/Berlin',
    });
    const other = await declareSchedule({ id: 's', start: 'job', cron: '0 9 * * *', timeZone: 'Asia/Tokyo' });
    const { zone: tokyo } = upEvent(other, hour(0));
    let state = initialState(declaration, hour(0));
    for (const event of [
      { type: 'heddle.up' },
      { type: 'heddle.up', zone: tokyo! },
      { type: 'heddle.due', instant: hour(8) },
    ] as const) {
      const step = schedule(state, event, { nowMs: hour(9) });
      expect(step.orders).toEqual([]);
      state = step.state;
    }
    expect(schedule(state, upEvent(declaration, hour(9.5)), { nowMs: hour(9.5) }).orders).toHaveLength(2);
  });

  it('has no timer when its zone has changed, and the rules of the new one are not known', async () => {
    const told = await Told.of({ cron: '0 9 * * *', timeZone: 'Europe/Berlin' });
    const options = { id: 's', start: 'job', cron: '0 9 * * *', timeZone: 'Asia/Tokyo' };
    expect(told.tell({ type: 'heddle.up', declaration: await declareSchedule(options) })).toBe('no timer');
  });

  it('after years away goes by the rules it had, for as long as the new ones do not reach back', async () => {
    const told = await Told.of({
      ...{ cron: '0 9 1 * *', timeZone: 'Europe/Berlin' },
      ...{ overlap: 'allow', missed: 'all' },
    });
    const threeYears = 3 * 365 * 24;
    const orders = await told.up(threeYears);
    const hours = told.state.running.map(({ instant }) => new Date(instant).getUTCHours());
    // From the first of January, at nine in winter time, to the first of December three years later.
    expect(hours.join('')).toBe('888777777788'.repeat(3));
    expect(orders.split('; ')).toHaveLength(37);
  });

  it('goes by the rules in its record, whatever this Node knows', async () => {
    const declaration = await declareSchedule({
      id: 's',
      start: 'job',
      cron: '0 9 * * *',
      timeZone: 'Europe/Berlin',
    });
    const zone = { name: 'Europe/Berlin', since: 0, offsetMs: 5 * HOUR_MS, changes: [] };
    const first = schedule(
      initialState(declaration, hour(0)),
      { type: 'heddle.up', zone },
      { nowMs: hour(0) },
    );
    expect(first.state.armed?.instant).toBe(hour(4));
    const second = schedule(first.state, upEvent(declaration, hour(1)), { nowMs: hour(1) });
    expect(second.state.armed?.instant).toBe(hour(8));
  });

  it('is told each instant once, however often the system opens while the clock jumps', async () => {
    const told = await Told.of({
      cron: '*/10 0-3 * * *',
      timeZone: 'Europe/Berlin',
      overlap: 'allow',
      missed: 'all',
    });
    const starts: string[] = [];
    // The nights of 29 March and 25 October 2020, every seven minutes.
    for (const night of [Date.UTC(2020, 2, 28, 22), Date.UTC(2020, 9, 24, 21)]) {
      told.tell({ type: 'heddle.schedule.pause', ask: `${night}` });
      told.tell({ type: 'heddle.schedule.resume', ask: `${night}` }, (night - MIDNIGHT) / HOUR_MS);
      for (let at = night; at < night + 6 * HOUR_MS; at += 7 * MINUTE_MS) {
        const words = await told.up((at - MIDNIGHT) / HOUR_MS);
        starts.push(...words.split('; ').filter((word) => word.startsWith('start')));
      }
    }
    expect(new Set(starts).size).toBe(starts.length);
    // In spring, 24 times of day of which six fall on six others; in autumn, 24 of the 30 readings.
    expect(starts).toHaveLength(18 + 24);
  });
});

describe('its state', () => {
  it('is plain, stays small, and no step changes the one before', async () => {
    const told = await Told.of({ overlap: 'queue', maxWaiting: 5, input: { a: 1 } });
    for (let n = 0; n < 300; n++) {
      const before = structuredClone(told.state);
      deepFreeze(told.state);
      const frozen = told.state;
      told.due(n);
      if (n % 3 === 0) told.ask('trigger', n + 0.1, { by: 'b'.repeat(1000) });
      expect(frozen).toEqual(before);
    }
    expect(structuredClone(told.state)).toEqual(told.state);
    expect(JSON.parse(JSON.stringify(told.state))).toEqual(told.state);
    expect(JSON.stringify(told.state).length).toBeLessThan(15_000);
  });

  it('does not mind what makes no sense', async () => {
    const told = await Told.of();
    const before = told.state;
    expect(told.tell({ type: 'heddle.nonsense' } as unknown as ScheduleEvent, 99)).toBe('');
    expect(told.state).toBe(before);
  });
});

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  Object.values(value).forEach(deepFreeze);
}
