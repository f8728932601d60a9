// The lie: "whoever is turned away leaves a record, and nothing else". Every way in is tried with something bad; floods must fill
// neither memory nor disk, secrets must not be kept, and a crash may forget the last second only.
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { supervisor } from 'heddle';
import type { Refusal } from 'heddle';
import { counter } from './counter.ts';
import { collect, onDisk, open, rejection } from './systems.ts';
import type { Opened } from './systems.ts';

const SECRET = '4242-4242-4242-4242';
const fragile = setup({ types: { input: {} as { card: string } } }).createMachine({
  context: ({ input }) => {
    throw new RangeError(`bad card ${input.card}`);
  },
});
const actors = { counter, fragile };
type World = Opened<typeof actors>;

const shortly = ({ address, what, event, code, count }: Refusal) => [address, what, event, code, count];
const all = async ({ system }: World, address?: string) =>
  (await collect(system.refusals(address === undefined ? {} : { address }))).map(shortly);

/** Each way in, and how it is refused. */
const WAYS: readonly (readonly [string, (run: World) => Promise<unknown>, readonly unknown[]])[] = [
  [
    'an unknown name',
    ({ system }) => system.start('nobody' as 'counter'),
    ['nobody', 'start', undefined, 'HEDDLE_UNKNOWN_ACTOR'],
  ],
  [
    'an unknown name with an id',
    ({ system }) => system.actor('nobody' as 'counter', '7'),
    ['nobody/7', 'start', undefined, 'HEDDLE_UNKNOWN_ACTOR'],
  ],
  [
    'a name that is none',
    ({ system }) => system.start(7 as unknown as 'counter'),
    ['number', 'start', undefined, 'HEDDLE_UNKNOWN_ACTOR'],
  ],
  [
    'an id that is none',
    ({ system }) => system.start('counter', { id: '' }),
    ['counter', 'start', undefined, 'HEDDLE_INVALID_ARGUMENT'],
  ],
  [
    'an input that cannot be stored',
    ({ system }) => system.start('fragile', { id: '1', input: { card: (() => SECRET) as never } }),
    ['fragile/1', 'start', undefined, 'HEDDLE_NOT_SERIALISABLE'],
  ],
  [
    'a birth that throws',
    ({ system }) => system.start('fragile', { id: '1', input: { card: SECRET } }),
    ['fragile/1', 'start', undefined, 'HEDDLE_STEP_FAILED'],
  ],
  [
    'an id that is taken',
    ({ system }) => system.start('counter', { id: 'a' }),
    ['counter/a', 'start', undefined, 'HEDDLE_ACTOR_EXISTS'],
  ],
  [
    'an event that cannot be stored',
    ({ system }) => system.get('counter/a')!.send({ type: 'add', by: 1, note: () => SECRET }),
    ['counter/a', 'send', 'add', 'HEDDLE_NOT_SERIALISABLE'],
  ],
  [
    'an event that is none',
    ({ system }) => system.get('counter/a')!.send(SECRET as never),
    ['counter/a', 'send', undefined, 'HEDDLE_INVALID_ARGUMENT'],
  ],
  [
    'a getter that throws',
    ({ system }) =>
      system.get('counter/a')!.send({
        type: 'add',
        get by(): number {
          throw new Error(SECRET);
        },
      }),
    ['counter/a', 'send', 'add', 'Error'],
  ],
  [
    'a reserved type',
    ({ system }) => system.get('counter/a')!.send({ type: 'xstate.stop' } as never),
    ['counter/a', 'send', 'xstate.stop', 'HEDDLE_INVALID_ARGUMENT'],
  ],
  [
    'an actor that has ended',
    ({ system }) => system.get('counter/z')!.send({ type: 'finish' }),
    ['counter/z', 'send', 'finish', 'HEDDLE_ACTOR_ENDED'],
  ],
  [
    'a trace that is none',
    ({ system }) => system.get('counter/a')!.send({ type: 'add', by: 1 }, { trace: SECRET }),
    ['counter/a', 'send', 'add', 'HEDDLE_INVALID_ARGUMENT'],
  ],
];

describe('a call that is refused', () => {
  const prepared = async (settings: object = {}): Promise<World> => {
    const run = await open(actors, settings);
    await run.system.start('counter', { id: 'a' });
    await (await run.system.start('counter', { id: 'z' })).send({ type: 'finish' });
    return run;
  };

  it.each(WAYS)('leaves a record, also after a crash, and no actor: %s', async (_, call, expected) => {
    const before = await prepared({ store: onDisk() });
    const error = await rejection(call(before));
    expect(await all(before)).toEqual([[...expected, 1]]);
    await before.advance(1000);
    expect(await all(before)).toEqual([[...expected, 1]]);
    const after = await before.crash();
    expect(await all(after)).toEqual([[...expected, 1]]);
    const [refusal] = await collect(after.system.refusals());
    expect(refusal!.message.length).toBeGreaterThan(10);
    expect(JSON.stringify(refusal)).not.toContain(SECRET);
    expect(error).toBeInstanceOf(Error);
    const journal = await collect(after.system.history('heddle/system'));
    expect(journal.map(({ event }) => event.type)).toEqual(['xstate.init', 'heddle.refused']);
    expect(JSON.stringify(journal)).not.toContain(SECRET);
    const added = (await collect(after.runtime.population.addresses())).sort();
    expect(added).toEqual(['counter/a', 'counter/z', 'heddle/system']);
    expect((await after.system.verify()).broken).toEqual([]);
  });

  it('because a mailbox is full leaves one record, however often', async () => {
    const run = await prepared({ mailbox: { capacity: 2 } });
    const ref = run.system.get('counter/a')!;
    await run.system.pause({ address: 'counter/a' });
    for (let i = 0; i < 2; i++) ref.send({ type: 'add', by: 1 }).catch(() => {});
    for (let i = 0; i < 50; i++) await rejection(ref.send({ type: 'add', by: 1 }));
    expect(await all(run, 'counter/a')).toEqual([['counter/a', 'send', 'add', 'HEDDLE_MAILBOX_FULL', 50]]);
    expect(await all(run, 'counter/b')).toEqual([]);
  });

  it('because its actor stays down leaves one too', async () => {
    const run = await open(actors, {
      supervise: supervisor({ id: 's', children: [{ id: 'a', start: 'counter' }] }),
    });
    const ref = run.system.get('counter/a')!;
    await run.system.supervisor('s').terminateChild('a');
    await rejection(ref.send({ type: 'add', by: 1 }));
    expect(await all(run)).toEqual([['counter/a', 'send', 'add', 'HEDDLE_ACTOR_DOWN', 1]]);
  });

  it('because its actor ended before its turn leaves one', async () => {
    const run = await prepared();
    const ref = run.system.get('counter/a')!;
    const [, late] = [ref.send({ type: 'finish' }), ref.send({ type: 'add', by: 1 })];
    await rejection(late);
    expect(await all(run)).toEqual([['counter/a', 'send', 'add', 'HEDDLE_ACTOR_ENDED', 1]]);
  });

  it('is counted by the second, with its first and last time', async () => {
    const run = await prepared();
    const start = run.clock.now();
    const fail = () => rejection(run.system.start('counter', { id: 'a' }));
    await fail();
    await run.advance(400);
    await fail();
    await run.advance(2000);
    await fail();
    const [one, two, ...rest] = await collect(run.system.refusals());
    expect(rest).toEqual([]);
    expect([one!.count, one!.first - start, one!.last - start]).toEqual([2, 0, 400]);
    expect([two!.count, two!.first - start]).toEqual([1, 2400]);
  });

  it('is recorded when the system is closed', async () => {
    const before = await prepared();
    await rejection(before.system.start('counter', { id: 'a' }));
    const after = await before.reopen();
    expect(await all(after)).toHaveLength(1);
  });

  it('because the system closes is only counted', async () => {
    const run = await prepared();
    await run.system.close();
    await rejection(run.system.start('counter', { id: 'q' }));
    expect(run.system.metrics().refused).toEqual({ total: 1, byTag: { SystemClosed: 1 }, unrecorded: 1 });
  });

  it('does not wake anybody who is paused, and is recorded all the same', async () => {
    const run = await prepared({ store: onDisk() });
    const paused = await run.reopen({ paused: true });
    await rejection(paused.system.start('counter', { id: 'a' }));
    await paused.advance(1000);
    const after = await paused.crash({ paused: false });
    expect(await all(after)).toHaveLength(1);
  });
});

describe('a flood', () => {
  it('of different calls fills neither memory nor disk, and none is forgotten', async () => {
    const run = await open(actors);
    const calls = 10_000;
    const id = 'x'.repeat(10_000);
    for (let i = 0; i < calls; i++) {
      await rejection(run.system.actor(`nobody${i}` as 'counter', id));
      if (i % 1000 === 0) await run.advance(1000);
    }
    const bytes = run.system.metrics().commitBytes;
    await run.advance(3_600_000);
    const refusals = await collect(run.system.refusals());
    expect(refusals.reduce((sum, { count }) => sum + count, 0)).toBe(calls);
    expect(refusals.some(({ address, count }) => address === undefined && count > 500)).toBe(true);
    expect(refusals.length).toBeLessThan(2500);
    expect(bytes).toBeLessThan(1_500_000);
  });

  it('of the same call for an hour makes a small journal', async () => {
    const run = await open(actors);
    const seconds = 4000;
    for (let i = 0; i < seconds; i++) {
      await rejection(run.system.actor('nobody' as 'counter', '1'));
      await run.clock.advance(1000, () => Promise.resolve());
      if (i % 100 === 0) await run.settle();
    }
    await run.settle();
    const refusals = await collect(run.system.refusals());
    expect(refusals.reduce((sum, { count }) => sum + count, 0)).toBe(seconds);
    // A thousand at once, and then one every ten seconds.
    expect(refusals.length).toBeLessThan(1024 + seconds / 10 + 10);
    expect(refusals.length).toBeGreaterThan(1024);
  });
});
