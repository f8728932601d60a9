// The lie: "a schedule starts each occurrence once, whatever crashes, and decides about those it has missed as it was told".
// Real schedules in virtual time, killed and reopened at the worst moments.
import { beforeEach, describe, expect, it } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { collect, open, rejection } from './systems.ts';
import { DyingSystem } from '../dying-system.ts';
import { durable } from 'heddle';
import { memory } from 'heddle/storage';

const HOUR = 3_600_000;

let started: string[] = [];
beforeEach(() => void (started = []));

/** Runs until it is told to end. */
const job = setup({
  types: {
    context: {} as { input: unknown },
    events: {} as { type: 'end' } | { type: 'fail' },
    input: {} as { readonly n: number } | undefined,
  },
  actors: { note: fromPromise(async ({ self }) => void started.push(self.sessionId.split('/')[1]!)) },
}).createMachine({
  context: ({ input }) => ({ input }),
  initial: 'busy',
  states: {
    busy: {
      invoke: { src: 'note' },
      on: {
        end: 'over',
        fail: {
          actions: assign(() => {
            throw new Error('no');
          }),
        },
      },
    },
    over: { type: 'final' },
  },
});

/** Is done at once. */
const quick = setup({}).createMachine({
  initial: 'over',
  states: { over: { type: 'final' } },
});

/** When virtual time begins, and the hours after it, as ids have them. */
async function openHourly(options: object = {}) {
  const opened = await open({ job, quick });
  await opened.advance(60_000);
  const first = Math.ceil((opened.clock.now() + 1) / HOUR) * HOUR;
  await opened.system.schedules.declare({ id: 'hourly', start: 'quick', cron: '0 * * * *', ...options });
  const id = (n: number) => `hourly@${new Date(first + n * HOUR).toISOString()}`;
  return { opened, first, id };
}

type Hourly = Awaited<ReturnType<typeof openHourly>>['opened'];

const exists = ({ system }: Pick<Hourly, 'system'>, id: string, name = 'quick') =>
  system.get(`${name}/${id}`) !== undefined;

describe('a schedule', () => {
  it('starts an occurrence at each instant, as an actor with its input', async () => {
    const { opened, first, id } = await openHourly({ input: { n: 7 }, start: 'job', overlap: 'allow' });
    await opened.advance(first - opened.clock.now() - 1);
    expect(exists(opened, id(0), 'job')).toBe(false);
    await opened.advance(1);
    expect(opened.system.get(`job/${id(0)}` as 'job/x')!.getSnapshot().context).toEqual({ input: { n: 7 } });
    await opened.advance(2 * HOUR);
    expect(started).toEqual([id(0), id(1), id(2)]);
    expect(opened.system.schedules.get('hourly')).toMatchObject({
      address: 'schedule/hourly',
      status: 'active',
      nextDueAt: first + 3 * HOUR,
      counts: { started: 3 },
      running: [{ id: id(0) }, { id: id(1) }, { id: id(2) }],
    });
    expect(await opened.system.replay('schedule/hourly')).toMatchObject({ same: true });
    expect(await collect(opened.system.history(`job/${id(0)}`))).toMatchObject([
      { cause: { kind: 'actor', address: 'schedule/hourly' } },
      {},
    ]);
  });

  it('by an interval does not drift, and is listed with the others', async () => {
    const { opened } = await openHourly();
    const start = opened.clock.now();
    await opened.system.schedules.declare({ id: 'often', start: 'quick', every: '90 seconds' });
    await opened.advance(10 * 60_000);
    expect((await opened.system.schedules.list()).map((info) => info.id)).toEqual(['hourly', 'often']);
    expect(opened.system.schedules.get('often')!.counts).toMatchObject({ started: 6, ended: { done: 6 } });
    expect(exists(opened, `often@${new Date(start + 6 * 90_000).toISOString()}`)).toBe(true);
  });

  it.each([
    ['skip', 0],
    ['one', 1],
    ['all', 5],
  ] as const)('that was down for five occurrences makes up for: %s', async (missed, count) => {
    const { opened, first, id } = await openHourly({ missed, overlap: 'allow' });
    await opened.kill();
    await opened.clock.advance(first - opened.clock.now() + 4 * HOUR + 30 * 60_000, async () => {});
    const later = await opened.crash();
    await later.advance(1);
    const there = [0, 1, 2, 3, 4].filter((n) => exists(later, id(n)));
    expect(there).toEqual([0, 1, 2, 3, 4].slice(5 - count));
    await later.advance(HOUR);
    expect(exists(later, id(5))).toBe(true);
    const skipped = later.system.schedules.get('hourly')!.counts.skipped.missed ?? 0;
    expect(skipped).toBe(5 - count);
  });

  it('skips, queues, or replaces while an earlier one runs', async () => {
    for (const overlap of ['skip', 'queue', 'cancel-previous'] as const) {
      started = [];
      const { opened, first, id } = await openHourly({ start: 'job', overlap });
      await opened.advance(first - opened.clock.now() + HOUR);
      const second = { skip: [id(0)], queue: [id(0)], 'cancel-previous': [id(0), id(1)] }[overlap];
      expect(started).toEqual(second);
      const status = opened.system.get(`job/${id(0)}`)!.getSnapshot() as { status: string };
      expect(status.status).toBe(overlap === 'cancel-previous' ? 'stopped' : 'active');
      if (overlap !== 'cancel-previous')
        await opened.system.get(`job/${id(0)}` as 'job/x')!.send({ type: 'end' });
      await opened.settle();
      expect(started).toEqual(overlap === 'skip' ? [id(0)] : [id(0), id(1)]);
      await opened.system.close();
    }
  });

  it('hears of an occurrence that fails, and goes on', async () => {
    const broken = setup({}).createMachine({
      context: () => {
        throw new Error('unborn');
      },
    });
    const opened = await open({ broken });
    await opened.system.schedules.declare({ id: 's', start: 'broken', every: '1 minute' });
    await opened.advance(5 * 60_000);
    expect(opened.system.schedules.get('s')).toMatchObject({
      running: [],
      counts: { started: 5, ended: { failed: 5 } },
    });
    const later = await opened.crash();
    await later.advance(60_000);
    expect(later.system.schedules.get('s')).toMatchObject({ running: [], counts: { ended: { failed: 6 } } });
  });

  it('is paused, triggered, resumed and deleted by somebody, and says so', async () => {
    const { opened, first } = await openHourly();
    const { schedules } = opened.system;
    await schedules.pause('hourly', { by: 'ada', reason: 'maintenance' });
    await opened.advance(first - opened.clock.now() + HOUR);
    expect(schedules.get('hourly')).toMatchObject({
      status: 'paused',
      counts: { started: 0 },
      nextDueAt: undefined,
    });
    const triggered = await schedules.trigger('hourly', { by: 'ada' });
    expect(triggered).toMatchObject({ outcome: 'started' });
    await opened.settle();
    expect(exists(opened, triggered.id)).toBe(true);
    const later = await opened.crash();
    expect(later.system.schedules.get('hourly')).toMatchObject({ status: 'paused' });
    await later.system.schedules.resume('hourly');
    await later.advance(HOUR);
    expect(later.system.schedules.get('hourly')).toMatchObject({
      counts: { started: 2, skipped: { paused: 2 } },
    });
    await later.system.schedules.delete('hourly', { by: 'ada' });
    await later.advance(HOUR);
    expect(later.system.schedules.get('hourly')).toBeUndefined();
    expect(await rejection(later.system.schedules.trigger('hourly'))).toMatchObject({ _tag: 'UnknownActor' });
    const requests = (await collect(later.system.history('schedule/hourly'))).filter(({ event }) =>
      event.type.startsWith('heddle.schedule.'),
    );
    expect(requests.map(({ event }) => `${event.type} ${String(event['by'])}`)).toEqual([
      'heddle.schedule.pause ada',
      'heddle.schedule.trigger ada',
      'heddle.schedule.resume undefined',
      'heddle.schedule.delete ada',
    ]);
    // Declared again it is another, which begins now.
    await later.advance(60_000);
    await later.system.schedules.declare({ id: 'hourly', start: 'quick', cron: '0 * * * *' });
    await later.advance(HOUR);
    expect(later.system.schedules.get('hourly')).toMatchObject({ counts: { started: 1 } });
  });

  it('may be declared at every start, and changed', async () => {
    const { opened, first, id } = await openHourly();
    await opened.advance(first - opened.clock.now());
    const later = await opened.reopen();
    await later.system.schedules.declare({ id: 'hourly', start: 'quick', cron: '0 * * * *' });
    await later.advance(HOUR);
    expect(exists(later, id(1))).toBe(true);
    await later.system.schedules.declare({ id: 'hourly', start: 'quick', cron: '30 * * * *' });
    await later.advance(HOUR);
    expect(exists(later, id(2))).toBe(false);
    expect(exists(later, `hourly@${new Date(first + 1.5 * HOUR).toISOString()}`)).toBe(true);
  });

  it('is refused when it makes no sense', async () => {
    const opened = await open({ quick });
    const { schedules } = opened.system;
    for (const [options, path] of [
      [{ id: 'x', start: 'nobody', every: '1 minute' }, 'schedule.start'],
      [{ id: 'x', start: 'quick' }, 'schedule'],
      [{ id: 'x', start: 'quick', cron: '0 0 30 2 *' }, 'schedule.cron'],
      [{ id: 'x', start: 'quick', cron: '0 0 * * *', timeZone: 'Mars/Base' }, 'schedule.timeZone'],
    ] as const)
      expect(await rejection(schedules.declare(options))).toMatchObject({ _tag: 'InvalidArgument', path });
    expect(await schedules.list()).toEqual([]);
  });

  it('is refused with an input with which nobody could be started', async () => {
    const picky = durable(quick, {
      admits: (input) => {
        if (input === undefined) throw new TypeError('it needs an input');
      },
    });
    const { schedules } = (await open({ picky })).system;
    const hourly = { id: 'x', start: 'picky', every: '1 hour' } as const;
    expect(await rejection(schedules.declare(hourly))).toEqual(new TypeError('it needs an input'));
    expect(await schedules.list()).toEqual([]);
    await schedules.declare({ ...hourly, input: 1 });
    expect(await schedules.list()).toHaveLength(1);
  });
});

describe('a schedule whose system dies after every commit', () => {
  it('starts every occurrence, and none twice', async () => {
    const store = memory();
    const births: string[] = [];
    const counted = setup({
      actors: { note: fromPromise(async ({ self }) => void births.push(self.sessionId.split('/')[1]!)) },
    }).createMachine({
      initial: 'a',
      states: { a: { invoke: { src: 'note', onDone: 'b' } }, b: { type: 'final' } },
    });
    const dying = new DyingSystem({ store, actors: { counted }, maxTurnsPerCommit: 1 });
    await dying.open();
    const start = dying.clock.now();
    void dying.system.schedules
      .declare({ id: 's', start: 'counted', every: '1 minute', overlap: 'queue', missed: 'all' })
      .catch(() => {});
    await dying.settle();
    for (let minute = 0; minute < 6; minute++) await dying.advance(60_000);
    const ids = [1, 2, 3, 4, 5, 6].map((n) => `s@${new Date(start + n * 60_000).toISOString()}`);
    expect(new Set(births)).toEqual(new Set(ids));
    for (const id of ids) {
      expect(dying.system.get(`counted/${id}`)!.getSnapshot()).toMatchObject({ status: 'done' });
      const inits = (await collect(dying.system.history(`counted/${id}`))).filter(
        ({ event }) => event.type === 'xstate.init',
      );
      expect(inits).toHaveLength(1);
    }
    expect(dying.system.schedules.get('s')).toMatchObject({
      running: [],
      counts: { started: 6, ended: { done: 6 } },
    });
    expect(dying.deaths).toBeGreaterThan(20);
    await dying.close();
  });
});
