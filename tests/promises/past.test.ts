// The lie: "any moment of the past can be told exactly as it was". Every record of random runs is held against what the actor
// was when it was made; differences, blame, order and traces against naive ones; and what is damaged, refused, asleep or at work.
import { describe, expect, it } from 'vitest';
import { assign, emit, fromPromise, sendTo, setup } from 'xstate';
import type { AnyEventObject } from 'xstate';
import { currentEffect, durable } from 'heddle';
import type { HistoryRecord } from 'heddle';
import { memory } from 'heddle/storage';
import type { Store } from 'heddle/storage';
import { firstDifference } from '../../runtime/difference.ts';
import { internals, openSystem } from '../../runtime/system.ts';
import type { System } from '../../runtime/system.ts';
import { Prng } from '../../runtime/testing/prng.ts';
import { VirtualClock } from '../../runtime/testing/virtual-clock.ts';
import { frameKey, waypointKey } from '../../storage/keys.ts';
import { sealRow } from '../../storage/row.ts';
import { afterwards, collect, open, rejection, STORES } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

const FIRST_SEED = Number(process.env['SEED'] ?? 1);
/** All lives of a long test have the time of one. */
const SLOW = 60_000;

const kid = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'poke' } | { type: 'end' } },
}).createMachine({
  id: 'kid',
  context: { n: 0 },
  initial: 'on',
  states: {
    on: { on: { poke: { actions: assign({ n: ({ context }) => context.n + 1 }) }, end: 'over' } },
    over: { type: 'final' },
  },
  output: ({ context }) => context.n,
});

interface Context {
  readonly list: readonly number[];
  readonly by: Readonly<Record<string, number>>;
  readonly luck: number;
}

/** Of everything something: regions, history, timers, a child that ends and begins again, luck, failures, emitted events. */
const busy = durable(
  setup({
    types: { context: {} as Context, events: {} as AnyEventObject },
    actors: { kid },
  }).createMachine({
    id: 'busy',
    context: { list: [], by: {}, luck: 0 },
    type: 'parallel',
    on: {
      push: {
        actions: [
          assign({ list: ({ context, event }) => [...context.list, Number(event['n'])] }),
          emit({ type: 'pushed' }),
        ],
      },
      pop: { actions: assign({ list: ({ context }) => context.list.slice(0, -2) }) },
      put: {
        actions: assign({
          by: ({ context, event }) => ({ ...context.by, [String(event['key'])]: Number(event['n']) }),
          luck: () => Math.random(),
        }),
      },
      drop: {
        actions: assign({
          by: ({ context, event }) =>
            Object.fromEntries(Object.entries(context.by).filter(([key]) => key !== event['key'])),
        }),
      },
      poke: { actions: sendTo('kid', { type: 'poke' }) },
      end: { actions: sendTo('kid', { type: 'end' }) },
      crash: {
        actions: assign(() => {
          throw new Error('crash');
        }),
      },
    },
    states: {
      work: {
        initial: 'a',
        on: { next: '.b', away: '.c', back: '.last' },
        states: {
          a: { on: { next: 'b' }, after: { 1000: 'c' } },
          b: { initial: 'x', states: { x: { on: { next: 'y' } }, y: {} } },
          c: { after: { 500: 'a' } },
          last: { type: 'history', history: 'deep' },
        },
      },
      family: {
        initial: 'with',
        states: {
          with: { invoke: { src: 'kid', id: 'kid', onDone: 'without' } },
          without: { on: { next: 'with' } },
        },
      },
    },
  }),
  { poison: 'fail', restart: 'permanent', intensity: 1000 },
);

const KEYS = ['a', 'b.c', 'd e', "it's", '"', '0'];

function eventOf(random: Prng): AnyEventObject {
  const type = random.pick([
    'push',
    'push',
    'pop',
    'put',
    'put',
    'drop',
    'poke',
    'end',
    'next',
    'next',
    'away',
    'back',
    'crash',
  ]);
  return { type, n: random.below(4), key: random.pick(KEYS) };
}

interface Recorded {
  readonly system: System<{ readonly busy: typeof busy }>;
  /** What an actor was, by address and record. */
  readonly was: Map<string, Map<number, unknown>>;
}

/** Lets an actor live a random life, and writes down what it and its child are after each commit. */
async function live(seed: number, store: Store, waypoints: boolean, steps = 40): Promise<Recorded> {
  const random = new Prng(seed);
  const clock = new VirtualClock();
  const was: Recorded['was'] = new Map();
  const actors = { busy: durable(busy, { checkpointEvery: waypoints ? 5 : 1000 }) };
  let system!: System<typeof actors>;
  const reopen = async (): Promise<void> => {
    system = await openSystem(
      { store, actors, clock, logger: { log: () => {}, error: () => {} }, passivateAfter: Infinity },
      {
        maxTurnsPerCommit: 1,
        ...(waypoints && { waypointEvery: 7 }),
        dieAfterCommit: () => {
          for (const cell of internals.get(system)?.population.cells() ?? []) {
            const { address, seq, snapshot, definition } = cell;
            if (snapshot === undefined) continue;
            const seen = was.get(address) ?? new Map<number, unknown>();
            was.set(address, seen.set(seq, definition.host.persist(snapshot)));
          }
          return false;
        },
      },
    );
    const runtime = internals.get(system)!;
    afterwards(() => (runtime.stopped ? undefined : system.close()));
  };
  const settle = async (): Promise<void> => {
    const runtime = internals.get(system)!;
    for (let quiet = 0; quiet < 4; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!runtime.draining.isQuiet) quiet = -1;
    }
  };
  await reopen();
  await system.actor('busy', '1');
  for (let step = 0; step < steps; step++) {
    await system
      .get('busy/1')!
      .send(eventOf(random) as never)
      .catch(() => {});
    if (random.chance(0.15)) await clock.advance(250 * random.below(5), settle);
    if (random.chance(0.04)) {
      internals.get(system)!.die();
      await store.close();
      await reopen();
    }
  }
  await settle();
  return { system, was };
}

describe('the state at any record', () => {
  it.each(STORES)(
    'is what it was when it happened, with waypoints and without, %s',
    async (name, make) => {
      const seeds = name === 'in memory' ? 6 : 2;
      let compared = 0;
      for (let seed = FIRST_SEED; seed < FIRST_SEED + seeds; seed++) {
        for (const waypoints of [true, false]) {
          const { system, was } = await live(seed, make(), waypoints);
          const { definitions } = internals.get(system)!;
          let records = 0;
          for (const [address, states] of was) {
            const { host } = definitions.at(address === 'busy/1' ? ['busy'] : ['busy', 'kid'])!;
            for (const { seq } of await collect(system.history(address))) {
              records++;
              if (!states.has(seq)) continue;
              compared++;
              const told = host.persist((await system.snapshotAt(address, seq)) as never);
              const difference = firstDifference(states.get(seq), told, '');
              expect({ seed, waypoints, address, seq, difference }).toEqual({
                ...{ seed, waypoints, address, seq },
                difference: undefined,
              });
            }
          }
          expect(compared).toBeGreaterThan(records * 0.5);
          expect((await system.verify()).broken).toEqual([]);
          await system.close();
        }
      }
      expect(compared).toBeGreaterThan(100);
    },
    SLOW,
  );

  it('differs by its diff, and nothing else', async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + 4; seed++) {
      const { system, was } = await live(seed, memory(), true);
      const random = new Prng(seed);
      const last = Math.max(...was.get('busy/1')!.keys());
      for (let round = 0; round < 25; round++) {
        const [a, b] = [1 + random.below(last), 1 + random.below(last)];
        const [before, after] = [await system.snapshotAt('busy/1', a), await system.snapshotAt('busy/1', b)];
        const changes = await system.diff('busy/1', a, b);
        const patched = plain(before);
        for (const { path, before: from, after: to } of changes) {
          const [place, key] = placeIn(patched, path);
          expect([seed, path, plainOf(place[key])]).toEqual([seed, path, plainOf(from)]);
          if (to === undefined) delete place[key];
          else place[key] = plainOf(to);
        }
        expect([seed, a, b, trimmed(patched)]).toEqual([seed, a, b, plain(after)]);
        if (a === b) expect(changes).toEqual([]);
      }
      await system.close();
    }
  });

  it('is what the record has made of it that is to blame', async () => {
    const paths = [
      'value',
      'value.work',
      'context.luck',
      'context.list[1]',
      'context.by["b.c"]',
      "context.by['d e']",
      'status',
      'context.by.a',
      'context.nothing',
    ];
    for (let seed = FIRST_SEED; seed < FIRST_SEED + 4; seed++) {
      const { system, was } = await live(seed, memory(), false, 30);
      const random = new Prng(seed);
      const last = Math.max(...was.get('busy/1')!.keys());
      const states = [undefined as unknown];
      for (let seq = 1; seq <= last; seq++) states.push(await system.snapshotAt('busy/1', seq));
      for (const path of paths) {
        const at = 1 + random.below(last);
        const value = (seq: number): unknown => {
          if (seq === 0) return undefined;
          const [place, key] = placeIn(states[seq] as Record<string, unknown>, path);
          return place === undefined ? undefined : place[key];
        };
        let seq = at;
        while (seq > 0 && firstDifference(value(seq - 1), value(seq), path) === undefined) seq--;
        const blamed = await system.blame('busy/1', path, { at });
        expect([seed, path, at, blamed?.seq ?? 0]).toEqual([seed, path, at, seq]);
        if (seq > 0)
          expect(blamed).toMatchObject({
            address: 'busy/1',
            path,
            event: { type: expect.any(String) as string },
          });
      }
      await system.close();
    }
  });
});

/** A state as plain data. */
function plain(snapshot: unknown): Record<string, unknown> {
  const { status, value, context, output, error, children = {} } = snapshot as Record<string, object>;
  return plainOf({ status, value, context, output, error, children }) as Record<string, unknown>;
}

function plainOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('sessionId' in value) return value.sessionId;
  if (Array.isArray(value)) return value.map(plainOf);
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (inner === undefined ? [] : [[key, plainOf(inner)]])),
  );
}

/** Lists without the holes at their ends that were left when items were taken out. */
function trimmed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (!Array.isArray(value))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, trimmed(inner)]));
  const end = value.findLastIndex((item) => item !== undefined);
  return value.slice(0, end + 1).map(trimmed);
}

/** Where a path leads, read naively. */
function placeIn(root: Record<string, unknown>, path: string): [place: Record<string, unknown>, key: string] {
  const keys = [...`.${path}`.matchAll(/\.([^.[]+)|\[(\d+)\]|\['(.*?)'\]|\[(".*?[^\\]")\]/g)].map(
    ([, name, index, text, quoted]) => name ?? index ?? text ?? (JSON.parse(quoted!) as string),
  );
  let place: Record<string, unknown> = root;
  for (const key of keys.slice(0, -1)) place = (place?.[key] ?? {}) as Record<string, unknown>;
  return [place, keys.at(-1)!];
}

describe('history', () => {
  const key = ({ address, seq }: HistoryRecord): string => `${address}@${seq}`;

  it('backwards is history forwards, turned round; and no record comes before its cause', async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + 4; seed++) {
      const { system } = await live(seed, memory(), false);
      const random = new Prng(seed);
      const own = await collect(system.history('busy/1'));
      const all = await collect(system.history('busy/1', { children: true }));
      expect(all.length).toBeGreaterThan(own.length);
      expect(all.filter(({ address }) => address === 'busy/1')).toEqual(own);
      const at = new Map(all.map((record, index) => [key(record), index]));
      expect(all.map(({ frame }) => frame)).toEqual(all.map(({ frame }) => frame).toSorted((a, b) => a - b));
      all.forEach(({ cause, address }, index) => {
        if (cause.kind !== 'actor' && cause.kind !== 'timer') return;
        const by = cause.kind === 'actor' ? cause.address : address;
        expect(at.get(`${by}@${cause.seq}`)).toBeLessThan(index);
      });
      for (let round = 0; round < 20; round++) {
        const options = {
          ...(random.chance(0.7) && { from: random.below(own.length + 4) - 1 }),
          ...(random.chance(0.7) && { to: random.below(own.length + 4) - 1 }),
          children: random.chance(0.5),
        };
        const forwards = await collect(system.history('busy/1', options));
        const backwards = await collect(system.history('busy/1', { ...options, reverse: true }));
        expect([seed, options, backwards.map(key)]).toEqual([seed, options, forwards.map(key).toReversed()]);
        const { from = 1, to = Infinity } = options;
        const wanted = own.filter(({ seq }) => seq >= from && seq <= to).map(key);
        expect(forwards.filter(({ address }) => address === 'busy/1').map(key)).toEqual(wanted);
        // What happened below lies between the first record that is wanted and the last.
        const [first, last] = [at.get(wanted[0] ?? ''), at.get(`busy/1@${to}`) ?? all.length];
        const stretch = first === undefined ? [] : all.slice(first, last + 1).map(key);
        if (options.children) expect([seed, options, forwards.map(key)]).toEqual([seed, options, stretch]);
      }
      await system.close();
    }
  });

  it('refuses what is no address, no record and no reading, with the path', async () => {
    const { system } = await open({ busy });
    await system.actor('busy', '1');
    for (const address of [7, null, undefined, {}, true] as never[])
      for (const asked of [
        system.blame(address, 'value'),
        system.explain(address),
        system.replay(address),
        system.snapshotAt(address, 1),
        system.past(address, 1),
        system.diff(address, 1, 1),
        system.history(address)[Symbol.asyncIterator]().next(),
      ])
        expect(await rejection(asked)).toMatchObject({ _tag: 'InvalidArgument', path: 'address' });
    for (const seq of ['1', null, {}, [], true, { address: 3, seq: 1 }, { address: 'busy/1' }] as never[]) {
      expect(await rejection(system.past('busy/1', seq))).toMatchObject({ path: 'seq' });
      expect(await rejection(system.fork('busy/1', { at: seq, as: 'busy/2' }))).toMatchObject({ path: 'at' });
    }
    expect((await rejection(system.past('busy/1', '1' as never))).message).toMatch(/number .* the text "1"/);
    for (const reading of [{}, [], { path: 'value' }, { of: () => 1 }] as never[])
      expect(await rejection(system.blame('busy/1', reading))).toMatchObject({ path: 'path' });
  });

  it('refuses what is no record, with the path and what there is', async () => {
    const { system } = await open({ busy });
    const ref = await system.actor('busy', '1');
    await ref.send({ type: 'push', n: 1 });
    for (const seq of [0, 99, -1, 1.5, NaN, Infinity, '1' as never]) {
      expect(await rejection(system.snapshotAt('busy/1', seq))).toMatchObject({
        _tag: 'InvalidArgument',
        path: 'seq',
        message: expect.stringMatching(/has the records 1 to \d+/) as string,
      });
      expect(await rejection(system.diff('busy/1', 1, seq))).toMatchObject({ path: 'to' });
      expect(await rejection(system.diff('busy/1', seq, 1))).toMatchObject({ path: 'from' });
      expect(await rejection(system.blame('busy/1', 'value', { at: seq }))).toMatchObject({ path: 'at' });
    }
    for (const path of [
      '',
      '.',
      'contexts',
      'context.',
      'context..a',
      'context[',
      "context['a",
      'context[a]',
      '[0]',
      undefined as never,
      7 as never,
    ])
      expect(await rejection(system.blame('busy/1', path))).toMatchObject({
        _tag: 'InvalidArgument',
        path: 'path',
        message: expect.stringContaining('context.items[0].price') as string,
      });
    for (const [from, path] of [
      ['1', 'from'],
      [1.5, 'from'],
      [-Infinity, 'from'],
    ] as const)
      expect(await rejection(collect(system.history('busy/1', { from: from as never })))).toMatchObject({
        path,
      });
    for (const ask of [
      () => system.snapshotAt('busy/2', 1),
      () => system.diff('x/1', 1, 1),
      () => collect(system.history('busy/2')),
    ])
      expect(await rejection(ask())).toMatchObject({ _tag: 'UnknownActor' });
    // What only a prototype has never stood there.
    expect(await system.blame('busy/1', 'context.constructor')).toBeUndefined();
    expect(await system.blame('busy/1', 'context.list.length')).toMatchObject({
      seq: 2,
      before: 0,
      after: 1,
    });
  });

  it('of those that are refused, asleep, ended, or whose code is gone can be read, and wakes nobody', async () => {
    const opened = await open({ busy, kid });
    const ref = await opened.system.actor('busy', '1');
    await ref.send({ type: 'push', n: 1 });
    await (await opened.system.actor('kid', '1')).send({ type: 'end' });
    const before = await collect(opened.system.history('busy/1', { children: true }));
    const changed = setup({ types: { events: {} as { type: 'end' } } }).createMachine({ id: 'kid' });
    const later = await opened.reopenWith({ kid: changed });
    expect(await collect(later.system.history('busy/1', { children: true }))).toEqual(before);
    expect(await collect(later.system.history('kid/1'))).toHaveLength(2);
    expect(later.runtime.population.size).toBe(0);
    expect(await rejection(later.system.snapshotAt('busy/1', 1))).toMatchObject({ _tag: 'UnknownActor' });
    expect(await later.system.replay('kid/1')).toMatchObject({ same: false });
    expect(later.runtime.population.size).toBe(0);
    const back = await later.reopenWith({ busy, kid });
    expect(await back.system.snapshotAt('kid/1', 1)).toMatchObject({ status: 'active' });
    expect(await back.system.snapshotAt('kid/1', 2)).toMatchObject({ status: 'done', output: 0 });
    expect(await back.system.replay('kid/1')).toMatchObject({ same: true, records: 2 });
    expect(back.runtime.population.presentAt('kid/1')).toBeUndefined();
  });

  it('of a damaged actor is told up to the damage from either side; its states since the checkpoint can be had', async () => {
    const opened = await open({ kid: durable(kid, { checkpointEvery: 5 }) });
    const ref = await opened.system.actor('kid', '1');
    for (let n = 1; n < 9; n++) await ref.send({ type: 'poke' });
    const { frame } = (await collect(opened.system.history('kid/1', { from: 3, to: 3 })))[0]!;
    // A reader keeps frames in memory: another one finds the damage.
    await opened.system.close();
    const { store } = opened;
    await store.open();
    const row = Uint8Array.from(store.get(frameKey(frame))!);
    row[row.length - 1]! ^= 1;
    const batch = store.batch();
    batch.put(frameKey(frame), row);
    await batch.write();
    await store.close();
    const { system } = await open({ kid }, { store });
    const told: number[] = [];
    const backwards = async (): Promise<void> => {
      for await (const { seq } of system.history('kid/1', { reverse: true })) told.push(seq);
    };
    expect(await rejection(backwards())).toMatchObject({ _tag: 'JournalCorrupt' });
    expect(told).toEqual([9, 8, 7, 6, 5, 4]);
    expect(await rejection(collect(system.history('kid/1')))).toMatchObject({ _tag: 'JournalCorrupt' });
    expect(await system.snapshotAt('kid/1', 9)).toMatchObject({ context: { n: 8 } });
    for (const ask of [() => system.snapshotAt('kid/1', 3), () => system.blame('kid/1', 'context.n')])
      expect(await rejection(ask())).toMatchObject({ _tag: 'JournalCorrupt', address: 'kid/1' });
  });

  it('and states are told while the actor goes on', async () => {
    const { system } = await open({ kid });
    const ref = await system.actor('kid', '1');
    for (let n = 1; n < 50; n++) await ref.send({ type: 'poke' });
    let isOver = false;
    const working = (async () => {
      while (!isOver) await ref.send({ type: 'poke' });
    })();
    for (let seq = 1; seq <= 50; seq += 7) {
      expect(await system.snapshotAt('kid/1', seq)).toMatchObject({ context: { n: seq - 1 } });
      expect(await system.blame('kid/1', 'context.n', { at: seq })).toMatchObject({ seq });
    }
    const { seq: now } = await ref.send({ type: 'poke' });
    expect(now).toBeGreaterThan(52);
    expect(await system.snapshotAt('kid/1', now)).toMatchObject({ context: { n: now - 1 } });
    expect((await system.replay('kid/1')).same).toBe(true);
    isOver = true;
    await working;
  });

  it('shows nothing that is not on the disk', async () => {
    const store = new WatchedStore();
    const { system, runtime } = await open({ kid }, { store });
    const ref = await system.actor('kid', '1');
    await ref.send({ type: 'poke' });
    store.hold();
    const sent = ref.send({ type: 'poke' });
    const asked = system.snapshotAt('kid/1', 3);
    const told = system.snapshotAt('kid/1', 4);
    await new Promise((resolve) => setImmediate(resolve));
    const more = ref.send({ type: 'poke' });
    store.releaseOne();
    await sent;
    expect(await asked).toMatchObject({ context: { n: 2 } });
    expect(await rejection(told)).toMatchObject({ _tag: 'InvalidArgument', path: 'seq' });
    store.release();
    await more;
    expect(await system.snapshotAt('kid/1', 4)).toMatchObject({ context: { n: 3 } });
    expect(runtime.stopped).toBe(false);
  });
});

describe('waypoints', () => {
  it('are written once each, however often the actor sleeps', async () => {
    const store = memory();
    const system = await openSystem(
      { store, actors: { kid }, clock: new VirtualClock(), passivateAfter: Infinity },
      { waypointEvery: 10 },
    );
    const runtime = internals.get(system)!;
    afterwards(() => (runtime.stopped ? undefined : system.close()));
    await system.actor('kid', '1');
    for (let n = 1; n < 60; n++) {
      await system.get('kid/1')!.send({ type: 'poke' });
      const cell = runtime.population.presentAt('kid/1')!;
      runtime.committer.checkpoint(cell);
      runtime.committer.request();
      await runtime.committer.durable();
      runtime.population.remove(cell);
    }
    const seqs = (await collect(store.scan({ gte: waypointKey(1, 0), lt: waypointKey(2, 0) }))).flat();
    expect(seqs).toHaveLength(6);
    expect((await system.verify()).broken).toEqual([]);
  });

  it('that are damaged are passed over, and verify names them, and those that are another’s', async () => {
    const store = memory();
    const { system, was } = await live(7, store, true, 60);
    const { codec, ledger, population } = internals.get(system)!;
    const { actor } = population.presentAt('busy/1')!;
    const range = { gte: waypointKey(actor, 0), lt: waypointKey(actor + 1, 0) };
    const rows = (await collect(store.scan(range))).flat();
    expect(rows.length).toBeGreaterThan(4);
    const batch = store.batch();
    const flipped = Uint8Array.from(rows[1]![1]);
    flipped[flipped.length - 1]! ^= 1;
    batch.put(rows[1]![0], flipped);
    await batch.write();
    const { broken } = await system.verify();
    expect(broken).toEqual([{ address: 'busy/1', row: 'W', reason: 'its checksum is wrong' }]);
    const { host } = internals.get(system)!.definitions.at(['busy'])!;
    for (const [seq, state] of was.get('busy/1')!)
      expect(
        firstDifference(state, host.persist((await system.snapshotAt('busy/1', seq)) as never), `${seq}`),
      ).toBeUndefined();

    // One that is of another record, one that links to another frame, and one of a record that is not there.
    const again = store.batch();
    const body = (at: number): Record<string, unknown> & { newest: unknown[] } =>
      codec.unpack(ledger.get(rows[at]![0])!) as never;
    const put = (row: number, newest: (old: unknown[]) => unknown[]): void => {
      const checkpoint = body(Math.max(row, 2));
      again.put(
        rows[row]![0],
        sealRow(rows[row]![0], codec.packAs(0, { ...checkpoint, newest: newest(checkpoint.newest) })),
      );
    };
    put(1, () => body(2).newest);
    put(2, ([seq, frame, offset]) => [
      seq,
      frame,
      offset,
      '0123456789abcdef'.slice(0, String(body(2).newest[3]).length),
    ]);
    const far = waypointKey(actor, 4000);
    again.put(far, sealRow(far, codec.packAs(0, { ...body(3), newest: [4000, ...body(3).newest.slice(1)] })));
    await again.write();
    expect(
      (await system.verify()).broken.map(({ row, reason }) => [row, reason.replace(/\d+/g, 'n')]),
    ).toEqual([
      ['W', 'it should be of record n, but is of n'],
      ['W', 'it does not lead to record n: the frame is not the one that its successor links to'],
      ['W', 'it does not lead to record n: another entry stands in its place'],
    ]);
  });
});

describe('a trace', () => {
  const GIVEN = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  let heard: (string | undefined)[] = [];

  const other = setup({ types: { events: {} as { type: 'late' } } }).createMachine({
    id: 'other',
    on: { late: {} },
  });
  const job = fromPromise(async () => {
    heard.push(currentEffect()?.traceparent);
    return 1;
  });
  const child = setup({ types: { events: {} as { type: 'work' } }, actors: { job } }).createMachine({
    id: 'child',
    initial: 'idle',
    states: {
      idle: { on: { work: 'working' } },
      working: { invoke: { src: 'job', id: 'job', onDone: 'waiting' } },
      waiting: {
        after: {
          1000: { target: 'idle', actions: sendTo(({ system }) => system.get('other/1')!, { type: 'late' }) },
        },
      },
    },
  });
  const outer = setup({
    types: { events: {} as { type: 'go' } | { type: 'tell' } },
    actors: { child },
    actions: {
      tell: ({ system }) =>
        (system.get('other/1') as never as { send(event: object): void }).send({ type: 'late' }),
    },
  }).createMachine({
    id: 'outer',
    invoke: { src: 'child', id: 'child' },
    on: { go: { actions: sendTo('child', { type: 'work' }) }, tell: { actions: 'tell' } },
  });
  const actors = { outer, other };
  const FIVE = ['outer/1', 'outer/1/child', 'outer/1/child/job', 'other/1'];

  async function allOf(system: { history(address: string): AsyncIterable<HistoryRecord> }) {
    const told: HistoryRecord[] = [];
    for (const address of FIVE) told.push(...(await collect(system.history(address))));
    return told;
  }

  it('goes on over actor, child, process, timer and another actor, and over a kill; each knows its parent', async () => {
    heard = [];
    let opened = await open(actors);
    await opened.system.actor('other', '1');
    const ref = await opened.system.actor('outer', '1');
    await ref.send({ type: 'go' }, { trace: GIVEN });
    await opened.settle();
    opened = await opened.crash();
    await opened.settle();
    await opened.advance(1000);
    const told = await allOf(opened.system);
    const traced = told.filter(({ trace }) => trace.traceId === GIVEN.slice(3, 35));
    expect(traced.map(({ address, event }) => `${address} ${event.type.replace(/\.[(\d].*/, '')}`)).toEqual([
      'outer/1 go',
      'outer/1/child work',
      'outer/1/child xstate.done.actor.job',
      'outer/1/child xstate.after',
      'outer/1/child/job xstate.init',
      'outer/1/child/job xstate.promise.resolve',
      'other/1 late',
    ]);
    const spans = new Map(told.map((record) => [`${record.address}@${record.seq}`, record.trace.spanId]));
    expect(new Set(spans.values()).size).toBe(told.length);
    expect(traced[0]!.trace.parentId).toBe('b7ad6b7169203331');
    for (const { cause, trace, address } of told) {
      if (cause.kind !== 'actor' && cause.kind !== 'timer') continue;
      expect(trace.parentId).toBe(
        spans.get(`${cause.kind === 'actor' ? cause.address : address}@${cause.seq}`),
      );
    }
    for (const traceparent of heard) expect(traceparent?.slice(0, 36)).toBe(GIVEN.slice(0, 36));
    expect(heard.length).toBeGreaterThan(0);
    // The same, whenever it is asked for.
    expect(await allOf((await opened.crash()).system)).toEqual(told);
  });

  it('is another for each call from outside, and what an action sends belongs to that of its record', async () => {
    const opened = await open(actors);
    await opened.system.actor('other', '1');
    const ref = await opened.system.actor('outer', '1');
    for (let n = 0; n < 2; n++) await ref.send({ type: 'tell' });
    await opened.settle();
    const sends = (await collect(opened.system.history('outer/1'))).filter(
      ({ event }) => event.type === 'tell',
    );
    const late = (await collect(opened.system.history('other/1'))).filter(
      ({ event }) => event.type === 'late',
    );
    expect(new Set(sends.map(({ trace }) => trace.traceId)).size).toBe(2);
    expect(late.map(({ trace }) => trace.traceId)).toEqual(sends.map(({ trace }) => trace.traceId));
    expect(late.map(({ cause }) => cause)).toEqual(
      [1, 2].map(() => ({ kind: 'effect', address: 'outer/1', life: 1 })),
    );
    expect(await rejection(ref.send({ type: 'tell' }, { trace: 'nonsense' }))).toMatchObject({
      path: 'options.trace',
    });
  });
});
