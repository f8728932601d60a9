// The lie: "a query finds exactly those that stand in a state, wherever they are". Asked in memory and asleep, after kills, on
// damaged and on older stores, while actors change; and random machines, events, sleeps and kills against a naive scan.
import { describe, expect, expectTypeOf, it } from 'vitest';
import { assign, createMachine, fromPromise, setup } from 'xstate';
import type { StateValue } from 'xstate';
import type { HeddleRef } from 'heddle';
import { STATES_INDEXED_KEY, stateKey } from '../../storage/keys.ts';
import { Prng } from '../../runtime/testing/prng.ts';
import type { Store } from '../../storage/store.ts';
import { counter } from './counter.ts';
import { collect, onDisk, open, STORES } from './systems.ts';
import type { Opened } from './systems.ts';

const payment = setup({ types: { events: {} as { type: 'pay' } } }).createMachine({
  initial: 'open',
  states: { open: { on: { pay: 'paid' } }, paid: {} },
});
const report = setup({
  types: {
    context: {} as { edits: number },
    events: {} as
      { type: 'edit' } | { type: 'submit' } | { type: 'ask' } | { type: 'accept' } | { type: 'fail' },
  },
  actors: { payment, work: fromPromise(() => new Promise<void>(() => {})) },
}).createMachine({
  context: { edits: 0 },
  initial: 'draft',
  invoke: { src: 'payment', id: 'payment' },
  states: {
    draft: {
      on: { edit: { actions: assign({ edits: ({ context }) => context.edits + 1 }) }, submit: 'review' },
    },
    review: {
      initial: 'waiting',
      states: { waiting: { on: { ask: 'asked' } }, asked: {} },
      on: { accept: 'accepted' },
    },
    accepted: { type: 'final' },
  },
});
const twofold = setup({ types: { events: {} as { type: 'l' } | { type: 'r' } } }).createMachine({
  type: 'parallel',
  states: {
    left: { initial: 'off', states: { off: { on: { l: 'on' } }, on: { on: { l: 'off' } } } },
    right: { initial: 'off', states: { off: { on: { r: 'on' } }, on: { on: { r: 'off' } } } },
  },
});
const actors = { report, twofold, counter };
type World = Opened<typeof actors>;

const found = async (refs: AsyncIterable<{ readonly address: string }>): Promise<string[]> =>
  (await collect(refs)).map(({ address }) => address).sort();

async function submitted(run: World, ...ids: string[]): Promise<void> {
  for (const id of ids) await (await run.system.actor('report', id)).send({ type: 'submit' });
}

const asleep = async (run: World): Promise<World> => {
  await run.advance(5000);
  expect([...run.runtime.population.cells()].filter(({ address }) => !/heddle/.test(address))).toEqual([]);
  return run;
};
/** Where those are that are asked for. */
const WHERE: readonly (readonly [string, (run: World) => Promise<World>])[] = [
  ['in memory', (run) => Promise.resolve(run)],
  ['asleep', asleep],
  ['asleep, in a system that was opened again', async (run) => (await asleep(run)).reopen()],
  ['nowhere but in the journal', (run) => run.crash()],
];

describe.each(WHERE)('actors that are %s', (_, bring) => {
  it('are found by name, state and status', async () => {
    let run = await open(actors, { passivateAfter: '1 second', store: onDisk() });
    await submitted(run, 'b', 'c', 'd');
    await run.system.start('report', { id: 'a' });
    await run.system.get('report/c')!.send({ type: 'ask' });
    await run.system.get('report/d')!.send({ type: 'accept' });
    await (await run.system.start('twofold', { id: '1' })).send({ type: 'r' });
    await run.system.start('counter', { id: 'report' });
    await run.system.get('report/b/payment')!.send({ type: 'pay' });
    run = await bring(run);
    const { system } = run;
    expect(await found(system.query({ name: 'report' }))).toEqual(['report/a', 'report/b', 'report/c']);
    expect(await found(system.query({ name: 'report', state: 'draft' }))).toEqual(['report/a']);
    expect(await found(system.query({ name: 'report', state: 'review' }))).toEqual(['report/b', 'report/c']);
    expect(await found(system.query({ name: 'report', state: 'review.asked' }))).toEqual(['report/c']);
    expect(await found(system.query({ name: 'report', state: { review: 'waiting' } }))).toEqual(['report/b']);
    expect(await found(system.query({ name: 'report', status: 'done' }))).toEqual(['report/d']);
    expect(await found(system.query({ name: 'report', status: 'stopped' }))).toEqual([]);
    expect(await found(system.query({ name: 'twofold', state: { right: 'on' } }))).toEqual(['twofold/1']);
    expect(await found(system.query({ name: 'twofold', state: { right: 'on', left: 'off' } }))).toEqual([
      'twofold/1',
    ]);
    expect(await found(system.query({ name: 'twofold', state: { left: 'on' } }))).toEqual([]);
    expect(await found(system.query({ name: 'twofold', state: 'left' }))).toEqual(['twofold/1']);
    // Of the one that is done, the child was stopped.
    expect(await found(system.query({ name: 'report/payment' }))).toHaveLength(3);
    expect(await found(system.query({ name: 'report/payment', state: 'paid' }))).toEqual([
      'report/b/payment',
    ]);
    expect(await found(system.query({ name: 'report/payment', under: 'report/a' }))).toEqual([
      'report/a/payment',
    ]);
    expect(await found(system.query({ name: 'report', under: 'report/b' }))).toEqual(['report/b']);
    expect(await found(system.query({ name: 'report', limit: 2 }))).toHaveLength(2);
    expect((await system.verify()).broken).toEqual([]);
  });

  it('can be used', async () => {
    let run = await open(actors, { passivateAfter: '1 second', store: onDisk() });
    await submitted(run, 'a');
    run = await bring(run);
    for await (const ref of run.system.query({ name: 'report', state: 'review' })) {
      expect(ref.getSnapshot().matches({ review: 'waiting' })).toBe(true);
      await ref.send({ type: 'accept' });
    }
    expect(await found(run.system.query({ name: 'report', state: 'review' }))).toEqual([]);
    expect(await found(run.system.query({ name: 'report', status: 'done' }))).toEqual(['report/a']);
  });
});

describe('while one iterates', () => {
  it('an actor that goes from one state to another, both asked for, is given once', async () => {
    const run = await open(actors);
    await submitted(run, '1', '2', '3');
    const seen: string[] = [];
    for await (const ref of run.system.query({ name: 'report' })) {
      seen.push(ref.address);
      for (const id of ['1', '2', '3']) await run.system.get(`report/${id}`)!.send({ type: 'ask' });
    }
    expect(seen.sort()).toEqual(['report/1', 'report/2', 'report/3']);
  });

  it.each(['review', undefined] as const)(
    'nobody slips through by waking or falling asleep (state %s)',
    async (state) => {
      const run = await open(actors, { passivateAfter: '1 second', store: onDisk() });
      const ids = Array.from({ length: 40 }, (_, i) => `${i}`);
      await submitted(run, ...ids);
      await asleep(run);
      // Half of them wake.
      for (const id of ids.slice(20)) run.system.get(`report/${id}`);
      const seen: string[] = [];
      for await (const ref of run.system.query({ name: 'report', ...(state !== undefined && { state }) })) {
        seen.push(ref.address);
        if (seen.length % 10 !== 5) continue;
        // Those that sleep change their state, and everybody falls asleep.
        for (const id of ids.slice(0, 20)) await run.system.get(`report/${id}`)!.send({ type: 'ask' });
        await run.advance(5000);
      }
      expect(seen.sort()).toEqual(ids.map((id) => `report/${id}`).sort());
    },
  );

  it('one that goes where was looked already is given all the same', async () => {
    const run = await open(actors, { passivateAfter: '1 second', store: onDisk() });
    await submitted(run, '1', '2', '3');
    await run.system.get('report/1')!.send({ type: 'ask' });
    await asleep(run);
    const seen: string[] = [];
    for await (const ref of run.system.query({ name: 'report', state: 'review' })) {
      seen.push(ref.address);
      if (seen.length > 1) continue;
      // The rows of those that were asked come before those that wait.
      expect(ref.address).toBe('report/1');
      for (const id of ['2', '3']) await run.system.get(`report/${id}`)!.send({ type: 'ask' });
      await asleep(run);
    }
    expect(seen.sort()).toEqual(['report/1', 'report/2', 'report/3']);
  });

  it('it can be broken off', async () => {
    const run = await open(actors);
    await submitted(run, '1', '2');
    for await (const ref of run.system.query({ name: 'report' })) {
      expect(ref.address).toMatch(/^report/);
      break;
    }
    await run.system.close();
    expect(() => run.system.query({ name: 'report' })).toThrow('the system is closed');
  });

  it('a state that is not on the disk yet is not seen', async () => {
    const { system } = await open(actors);
    const ref = await system.start('report', { id: '1' });
    expect(await found(system.query({ name: 'report', state: 'draft' }))).toEqual(['report/1']);
    const query = system.query({ name: 'report', state: 'review' })[Symbol.asyncIterator]();
    const sent = ref.send({ type: 'submit' });
    expect(ref.getSnapshot().value).toBe('draft');
    await sent;
    await query.return?.();
    expect(await found(system.query({ name: 'report', state: 'review' }))).toEqual(['report/1']);
  });
});

/** Changes what is stored, behind the system's back. */
async function tamper(store: Store, change: (batch: ReturnType<Store['batch']>) => void): Promise<void> {
  await store.open();
  const batch = store.batch();
  change(batch);
  await batch.write();
  await store.close();
}
const rowOf = (id: string) => stateKey('report\0a{"review":"waiting"}', `report/${id}`);

describe('the rows', () => {
  const prepared = async () => {
    const run = await open(actors, { passivateAfter: '1 second', store: onDisk() });
    await submitted(run, '1', '2');
    await asleep(run);
    await run.system.close();
    return run;
  };

  it.each([
    [
      'is damaged',
      (id: string) => (batch: ReturnType<Store['batch']>) => batch.put(rowOf(id), Buffer.from('nonsense')),
      'checksum',
    ],
    [
      'is missing',
      (id: string) => (batch: ReturnType<Store['batch']>) => batch.delete(rowOf(id)),
      'it is missing',
    ],
  ])('are verified: one that %s is named', async (_, change, reason) => {
    const before = await prepared();
    await tamper(before.store, change('1'));
    const { system } = await open(actors, { store: before.store });
    const { broken } = await system.verify();
    expect(broken).toContainEqual({
      address: 'report/1',
      row: 'I',
      reason: expect.stringContaining(reason) as string,
    });
    // A damaged row still says who is to be asked.
    const refs = await found(system.query({ name: 'report', state: 'review' }));
    expect(refs).toEqual(reason === 'checksum' ? ['report/1', 'report/2'] : ['report/2']);
  });

  it('that an older store does not have are made once', async () => {
    const before = await prepared();
    await tamper(before.store, (batch) => {
      batch.delete(STATES_INDEXED_KEY);
      batch.delete(rowOf('1'));
      batch.delete(rowOf('2'));
    });
    const first = await open(actors, { store: before.store });
    expect((await first.system.verify()).broken).toEqual([]);
    expect(await found(first.system.query({ name: 'report', state: 'review' }))).toEqual([
      'report/1',
      'report/2',
    ]);
    const commits = first.system.metrics().commits;
    expect(await found(first.system.query({ name: 'report' }))).toEqual(['report/1', 'report/2']);
    expect(first.system.metrics().commits).toBe(commits);
    const second = await first.reopen();
    expect(await found(second.system.query({ name: 'report' }))).toEqual(['report/1', 'report/2']);
    expect(second.system.metrics().commits).toBe(0);
    expect((await second.system.verify()).broken).toEqual([]);
  });

  it('are written again only when they say something else', async () => {
    const run = await open(actors, { passivateAfter: '1 second', store: onDisk() });
    await submitted(run, '1');
    await asleep(run);
    const rows = () => run.store.get(rowOf('1'));
    expect(rows()).toBeDefined();
    await run.system.get('report/1')!.send({ type: 'ask' });
    await asleep(run);
    expect(rows()).toBeUndefined();
    expect(await found(run.system.query({ name: 'report', state: 'review.asked' }))).toEqual(['report/1']);
  });
});

describe('actors that are refused', () => {
  it('do not make a query fail', async () => {
    const before = await open(actors, { passivateAfter: '1 second', store: onDisk() });
    await submitted(before, '1', '2');
    await before.kill();
    const changed = setup({}).createMachine({ initial: 'elsewhere', states: { elsewhere: {}, review: {} } });
    const after = await open({ report: changed }, { store: before.store });
    expect(await found(after.system.query({ name: 'report' }))).toEqual([]);
    expect(after.system.metrics().actors.refused).toBeGreaterThan(0);
  });
});

describe('what makes no sense', () => {
  it.each([
    [{ name: 'nobody' }, "'nobody' is not among"],
    [{ name: 'report/nobody' }, "'report/nobody' is not among"],
    [{ name: 'supervisor' }, "'supervisor' is not among"],
    [{ name: 7 }, 'must be a text'],
    [undefined, 'needs what it is to look for'],
    [{ name: 'report', status: 'open' }, 'status must be active'],
    [{ name: 'report', limit: 0 }, 'limit must be a positive integer'],
    [{ name: 'report', under: 'x' }, 'under must be an address'],
    [{ name: 'report', state: 'reviw' }, "is none of 'report': reviw"],
    [{ name: 'report', state: 'review.x' }, "is none of 'report': review.x"],
    [{ name: 'report', state: { review: 'x' } }, "is none of 'report': review.x"],
    [{ name: 'report', state: { review: 7 } }, "is none of 'report': review.7"],
  ])('is refused at once: %j', async (options, why) => {
    const { system } = await open(actors);
    expect(() => system.query(options as never)).toThrow(why);
  });

  it('is refused: a state of logic that has none', async () => {
    const { system } = await open({ work: fromPromise(() => Promise.resolve(1)) });
    expect(() => system.query({ name: 'work', state: 'x' as never })).toThrow("'work' is no machine");
  });
});

it('has types', async () => {
  const { system } = await open(actors);
  for await (const ref of system.query({ name: 'report', state: 'review' }))
    expectTypeOf(ref).toEqualTypeOf<HeddleRef<typeof report>>();
  void system.query({ name: 'report', state: { review: 'asked' } });
  void system.query({ name: 'report', state: 'review.asked' });
  // @ts-expect-error there is no such state
  expect(() => system.query({ name: 'report', state: 'reviewed' })).toThrow('reviewed');
  // @ts-expect-error there is no such name
  expect(() => system.query({ name: 'reports' })).toThrow('reports');
});

describe.each(STORES)('random worlds %s', (_, makeStore) => {
  const seeds = Array.from({ length: 6 }, () => Math.floor(Math.random() * 2 ** 31));
  it.each(seeds)('are found as a naive scan finds them (seed %i)', async (seed) => {
    const prng = new Prng(seed);
    const below = (n: number): number => prng.below(n);
    // A machine of up to six states, some with states below, between which events jump.
    const size = 2 + below(5);
    const names = Array.from({ length: size }, (_unused, i) => `s${i}`);
    const jumps = Object.fromEntries(names.map((name) => [`go-${name}`, `#m.${name}`]));
    const machine = createMachine({
      id: 'm',
      initial: 's0',
      on: { ...jumps, touch: {} },
      states: Object.fromEntries(
        names.map((name, i) => [
          name,
          i === size - 1 && below(2) === 0
            ? { type: 'final' as const }
            : below(2) === 0
              ? {}
              : { initial: 'x', on: { in: '.y' }, states: { x: {}, y: {} } },
        ]),
      ),
    });
    let run = await open({ machine }, { store: makeStore(), passivateAfter: '1 second' });
    const everybody = new Set<string>();
    for (let round = 0; round < 40; round++) {
      const id = `${below(12)}`;
      const ref = await run.system.actor('machine', id);
      everybody.add(ref.address);
      const type = ['in', 'touch', `go-${names[below(size)]!}`][below(3)]!;
      await ref.send({ type }).catch(() => {});
      const fate = below(12);
      if (fate < 3) await run.advance(5000);
      else if (fate === 3) run = await run.crash();
      else if (fate === 4) run = await run.reopen();
      if (round % 4 > 0) continue;
      const status = below(4) === 0 ? 'done' : 'active';
      const state: StateValue | undefined = below(3) === 0 ? undefined : names[below(size)]!;
      const refs = await found(
        run.system.query({ name: 'machine', status, ...(state !== undefined && { state }) }),
      );
      const expected = [...everybody].filter((address) => {
        const snapshot = run.system.get(address as 'machine/1')!.getSnapshot();
        return snapshot.status === status && (state === undefined || snapshot.matches(state));
      });
      expect(refs).toEqual(expected.sort());
      expect((await run.system.verify()).broken).toEqual([]);
    }
  });
});
