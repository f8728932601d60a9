// The lie: "everything that happened can be read, told again, and proven". Long journals, several lives, code that has
// changed, and single bytes that were flipped in the store underneath.
import { describe, expect, it } from 'vitest';
import { assign, emit, enqueueActions, setup } from 'xstate';
import { durable } from 'heddle';
import type { HistoryRecord } from 'heddle';
import type { Store } from 'heddle/storage';
import { internals, openSystem } from '../../runtime/system.ts';
import { VirtualClock } from '../../runtime/testing/virtual-clock.ts';
import { ENTRY_HEADER_BYTES, FRAME_HEADER_BYTES } from '../../storage/frame.ts';
import { checkpointKey, frameKey, nameKey } from '../../storage/keys.ts';
import { counter } from './counter.ts';
import { afterwards, collect, onDisk, open, rejection, STORES, ticks } from './systems.ts';
import type { Opened } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

type Counters = { readonly counter: typeof counter };

/** Some actors, each of whose records stands in a frame of its own. */
async function openSome(make: () => Store, records = 5, ids = ['1', '2', '3']) {
  const opened = await open({ counter }, { store: make() });
  for (const id of ids) await opened.system.actor('counter', id);
  for (let by = 1; by < records; by++)
    for (const id of ids) await opened.system.get(`counter/${id}`)!.send({ type: 'add', by });
  return opened;
}

const seqs = (told: readonly HistoryRecord[]): number[] => told.map(({ seq }) => seq);

describe('history', () => {
  it('tells all records in order, or a part of them', async () => {
    const { system } = await openSome(() => new WatchedStore(), 10);
    const all = await collect(system.history('counter/2'));
    expect(seqs(all)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(all.map(({ event }) => event['by'])).toEqual([undefined, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const [options, expected] of [
      [{ from: 8 }, [8, 9, 10]],
      [{ to: 3 }, [1, 2, 3]],
      [{ from: 4, to: 6 }, [4, 5, 6]],
      [{ from: 10, to: 10 }, [10]],
      [{ from: 6, to: 4 }, []],
      [{ from: 11 }, []],
      [{ from: 0, to: 1 }, [1]],
    ] as const)
      expect(seqs(await collect(system.history('counter/2', options)))).toEqual(expected);
  });

  it('says of each record when, by whom, with which id, and what it asked for', async () => {
    const kid = setup({}).createMachine({ initial: 'over', states: { over: { type: 'final' } } });
    const machine = setup({
      types: { events: {} as { type: 'go' } | { type: 'end' } },
      actors: { kid },
      actions: { act: () => {} },
    }).createMachine({
      initial: 'on',
      states: {
        on: {
          on: { go: { target: 'on', reenter: true, actions: ['act', emit({ type: 'gone' })] } },
          invoke: { src: 'kid', id: 'kid' },
          after: { 1000: 'off' },
        },
        off: {},
      },
    });
    const opened = await open({ machine });
    const { system, clock } = opened;
    const ref = await system.actor('machine', '1');
    await opened.settle();
    const start = clock.now();
    await opened.advance(500);
    await ref.send({ type: 'go' }, { id: 'once' });
    await opened.advance(5000);
    const told = await collect((await opened.crash()).system.history('machine/1'));
    expect(told).toMatchObject([
      { seq: 1, life: 1, at: start, event: { type: 'xstate.init' }, cause: { kind: 'system' } },
      { seq: 2, at: start, cause: { kind: 'actor', address: 'machine/1/kid', life: 1, seq: 1 } },
      { seq: 3, at: start + 500, event: { type: 'go' }, cause: { kind: 'outside' }, id: 'once' },
      { seq: 4, cause: { kind: 'actor', address: 'machine/1/kid', life: 2 } },
      { seq: 5, at: start + 1500, cause: { kind: 'timer', seq: 3 }, id: undefined, error: undefined },
    ]);
    const kinds = told[2]!.intents.map(({ kind }) => kind);
    for (const kind of ['action', 'cancel', 'emit', 'spawn', 'timer']) expect(kinds).toContain(kind);
  });

  it('goes on through all lives of an address', async () => {
    const boss = setup({ types: { events: {} as { type: 'again' } }, actors: { counter } }).createMachine({
      initial: 'on',
      states: {
        on: { invoke: { src: 'counter', id: 'kid' }, on: { again: { target: 'on', reenter: true } } },
      },
    });
    const opened = await open({ boss });
    const ref = await opened.system.actor('boss', '1');
    await ref.send({ type: 'again' });
    await ref.send({ type: 'again' });
    const later = await opened.crash();
    await later.settle();
    const told = await collect(later.system.history('boss/1/kid'));
    expect(told.map(({ seq, life, event }) => [seq, life, event.type])).toEqual([
      [1, 1, 'xstate.init'],
      [2, 1, 'xstate.stop'],
      [3, 2, 'xstate.init'],
      [4, 2, 'xstate.stop'],
      [5, 3, 'xstate.init'],
    ]);
    expect(await later.system.replay('boss/1/kid')).toMatchObject({ same: true, records: 5 });
  });

  it('that is read while the actor goes on is of the moment of the call', async () => {
    const { system } = await openSome(() => new WatchedStore(), 50, ['1']);
    const told: number[] = [];
    for await (const { seq } of system.history('counter/1')) {
      told.push(seq);
      if (seq % 10 === 0) await system.get('counter/1')!.send({ type: 'add', by: 1 });
    }
    expect(told).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
  });
});

describe('replay', () => {
  /** A counter of other code. */
  const counting = (on: (n: number, by: number) => number, emits = false) =>
    setup({
      types: {
        context: {} as { count: number },
        events: {} as { type: 'add'; by: number } | { type: 'finish' },
      },
    }).createMachine({
      id: 'counter',
      context: { count: 0 },
      initial: 'counting',
      states: {
        counting: {
          on: {
            add: {
              actions: enqueueActions(({ enqueue, context, event }) => {
                enqueue.assign({ count: on(context.count, event.by) });
                if (emits) enqueue.emit({ type: 'added' });
              }),
            },
            finish: 'finished',
          },
        },
        finished: { type: 'final' },
      },
    });

  it('of the same code is the same, and touches nothing', async () => {
    const opened = await openSome(onDisk, 20, ['1']);
    const { head } = await opened.system.verify();
    expect(await opened.system.replay('counter/1')).toEqual({
      address: 'counter/1',
      records: 20,
      same: true,
      difference: undefined,
    });
    expect((await opened.system.verify()).head).toEqual(head);
    expect(opened.system.get('counter/1')!.getSnapshot().context.count).toBe(190);
  });

  it('names the first record that asks for something else, and the actor is refused', async () => {
    const opened = await openSome(() => new WatchedStore(), 5);
    const later = await opened.reopenWith({ counter: counting((n, by) => n + by, true) });
    expect(() => later.system.get('counter/1')).toThrow(
      expect.objectContaining({
        _tag: 'StoryChanged',
        code: 'HEDDLE_STORY_CHANGED',
        address: 'counter/1',
        seq: 2,
        path: 'intents[0]',
        recorded: undefined,
      }) as Error,
    );
    expect(await later.system.replay('counter/1')).toMatchObject({
      same: false,
      records: 2,
      difference: { seq: 2, path: 'intents[0]' },
    });
    // Nothing of it was changed: the code that wrote it goes on.
    const back = await later.reopenWith({ counter });
    expect(back.system.get('counter/1')!.getSnapshot().context.count).toBe(10);
  });

  it('of other results with the same wishes ends with the difference of the states, and the actor is refused', async () => {
    const opened = await open({ counter: durable(counter, { checkpointEvery: 1 }) });
    const ref = await opened.system.actor('counter', '1');
    for (const by of [1, 2, 3]) await ref.send({ type: 'add', by });
    const later = await opened.reopenWith({ counter: counting((n, by) => n + by * 10) });
    // The state is that of the checkpoint; the story is another.
    expect(() => later.system.get('counter/1')).toThrow(
      expect.objectContaining({ _tag: 'StoryChanged', seq: 4, path: 'snapshot.context.count' }) as Error,
    );
    expect(await later.system.replay('counter/1')).toEqual({
      address: 'counter/1',
      records: 4,
      same: false,
      difference: { seq: 4, path: 'snapshot.context.count', recorded: 6, today: 60 },
    });
  });

  it('names the record at which code that throws today would have thrown', async () => {
    const opened = await open({ counter: durable(counter, { checkpointEvery: 1 }) });
    const ref = await opened.system.actor('counter', '1');
    for (const by of [1, 2, 3]) await ref.send({ type: 'add', by });
    const later = await opened.reopenWith({
      counter: counting((n, by) => {
        if (by === 2) throw new Error('never two');
        return n + by;
      }),
    });
    expect(await later.system.replay('counter/1')).toMatchObject({
      records: 3,
      same: false,
      difference: { seq: 3, path: 'step', recorded: 'it went through' },
    });
  });
});

/** Flips one bit of a stored row, while the store is closed. */
async function flip(store: Store, key: Uint8Array, at: number): Promise<void> {
  await store.open();
  const row = Uint8Array.from(store.get(key)!);
  row[at < 0 ? row.length + at : at]! ^= 1;
  const batch = store.batch();
  batch.put(key, row);
  await batch.write();
  await store.close();
}

async function frameOf(opened: Opened<Counters>, address: string, seq: number): Promise<number> {
  const [record] = await collect(opened.system.history(address, { from: seq, to: seq }));
  return record!.frame;
}

describe('verify', () => {
  it.each(STORES)('proves a store that is sound: what is counted, and the head, %s', async (_, make) => {
    const opened = await openSome(make, 5);
    const last = await opened.system.get('counter/3')!.send({ type: 'add', by: 1 });
    const proof = await opened.system.verify();
    expect(proof).toMatchObject({ records: 16, actors: 3, broken: [] });
    expect(proof.head).toMatchObject({ commit: last.commit, hash: last.hash });
    // Closing writes down where everybody stands.
    const { frames, head } = proof;
    const closing = { commit: head.commit + 1, frame: head.frame + 1, hash: expect.any(String) as string };
    const again = await (await opened.reopen()).system.verify();
    expect(again).toEqual({ ...proof, frames: frames + 1, head: closing });
  });

  it.each(STORES)(
    'names the actor whose byte was flipped; it is refused, the others run, %s',
    async (_, make) => {
      const opened = await openSome(make, 5);
      const frame = await frameOf(opened, 'counter/2', 3);
      await opened.system.close();
      // Within the event of the record.
      await flip(opened.store, frameKey(frame), -1);
      for (let round = 0; round < 2; round++) {
        const later = await open({ counter }, { store: opened.store });
        const proof = await later.system.verify();
        expect(proof.broken[0]!.address).toBe('counter/2');
        expect(proof.broken.every(({ address }) => address === 'counter/2' || address === undefined)).toBe(
          true,
        );
        let refusal: unknown;
        try {
          later.system.get('counter/2');
        } catch (error) {
          refusal = error;
        }
        expect(refusal).toMatchObject({
          _tag: 'JournalCorrupt',
          code: 'HEDDLE_JOURNAL_CORRUPT',
          retryable: false,
          address: 'counter/2',
          evidence: { frame: proof.broken[0]!.frame, reason: proof.broken[0]!.reason },
        });
        expect((refusal as Error).message).toMatch(/the actor is refused.*restore it from a backup/);
        expect(await rejection(collect(later.system.history('counter/2')))).toMatchObject({
          _tag: 'JournalCorrupt',
        });
        expect(await rejection(later.system.actor('counter', '2'))).toMatchObject({ _tag: 'JournalCorrupt' });
        for (const id of ['1', '3']) {
          const ref = later.system.get(`counter/${id}`)!;
          expect(ref.getSnapshot().context.count).toBe(10 + round);
          await ref.send({ type: 'add', by: 1 });
        }
        await later.system.close();
      }
    },
  );

  it('names the very record whose byte was flipped', async () => {
    const opened = await openSome(() => new WatchedStore(), 5);
    const frame = await frameOf(opened, 'counter/2', 3);
    await opened.system.close();
    await flip(opened.store, frameKey(frame), -1);
    const later = await open({ counter }, { store: opened.store });
    expect((await later.system.verify()).broken[0]).toMatchObject({ address: 'counter/2', seq: 3, frame });
  });

  it('names the newest record of an actor, which nothing follows', async () => {
    const opened = await openSome(() => new WatchedStore(), 5);
    const frame = await frameOf(opened, 'counter/2', 5);
    await opened.system.close();
    await flip(opened.store, frameKey(frame), -1);
    const later = await open({ counter }, { store: opened.store });
    const { broken } = await later.system.verify();
    // Closing has written a checkpoint of it.
    expect(broken).toMatchObject([
      { address: 'counter/2', frame },
      { address: 'counter/2', row: 'A' },
    ]);
    expect(() => later.system.get('counter/2')).toThrow(/the actor is refused/);
  });

  it('notices any byte of a frame', async () => {
    const opened = await openSome(() => new WatchedStore(), 3, ['1', '2']);
    const frame = await frameOf(opened, 'counter/1', 2);
    const { length } = opened.store.get(frameKey(frame))!;
    await opened.system.close();
    let refused = 0;
    for (let at = 0; at < length; at++) {
      // The last four bytes of the header are reserved, and covered by its checksum like the others.
      await flip(opened.store, frameKey(frame), at);
      try {
        const later = await open({ counter }, { store: opened.store });
        const { broken } = await later.system.verify();
        expect([at, broken.length > 0]).toEqual([at, true]);
        await later.kill();
      } catch (error) {
        refused++;
        expect(error).toMatchObject({ _tag: 'StoreCorrupt' });
        await opened.store.close();
      }
      await flip(opened.store, frameKey(frame), at);
    }
    expect(length).toBeGreaterThan(FRAME_HEADER_BYTES + ENTRY_HEADER_BYTES);
    expect(refused).toBeLessThan(length);
  });

  it('finds what is damaged while the system runs', async () => {
    const opened = await openSome(() => new WatchedStore(), 5);
    const frame = await frameOf(opened, 'counter/1', 2);
    const key = frameKey(frame);
    const row = Uint8Array.from(opened.store.get(key)!);
    row[row.length - 1]! ^= 1;
    const batch = opened.store.batch();
    batch.put(key, row);
    await batch.write();
    expect((await opened.system.verify()).broken[0]!.address).toBe('counter/1');
  });

  it.each([
    ['checkpoint', 'A', () => checkpointKey(1)],
    ['name', 'N', () => nameKey('counter/1')],
  ])('finds a damaged %s, and refuses its actor', async (_, row, keyOf) => {
    const opened = await open({ counter: durable(counter, { checkpointEvery: 2 }) });
    for (const id of ['1', '2']) {
      const ref = await opened.system.actor('counter', id);
      for (let by = 0; by < 4; by++) await ref.send({ type: 'add', by });
    }
    await opened.system.close();
    await flip(opened.store, keyOf(), -2);
    const later = await open({ counter }, { store: opened.store });
    const { broken } = await later.system.verify();
    expect(broken).toContainEqual(expect.objectContaining({ address: 'counter/1', row }));
    expect(() => later.system.get('counter/1')).toThrow(
      expect.objectContaining({
        _tag: 'JournalCorrupt',
        evidence: expect.objectContaining({ row }) as object,
      }) as Error,
    );
    expect(later.system.get('counter/2')!.getSnapshot().context.count).toBe(6);
  });
});

describe('a long log', () => {
  const LOG_BUDGET = { bytes: 30_000, frames: 200 };
  const RECORDS = 1500;

  /** Opens it with a small budget for what recovery may read. */
  async function openBounded(store: WatchedStore) {
    const system = await openSystem(
      { store, actors: { counter }, clock: new VirtualClock(), passivateAfter: Infinity },
      { logBudget: LOG_BUDGET },
    );
    const runtime = internals.get(system)!;
    afterwards(() => (runtime.stopped ? undefined : system.close()));
    return { system, runtime };
  }

  async function write(store: WatchedStore) {
    const { system, runtime } = await openBounded(store);
    const quiet = await system.actor('counter', 'quiet');
    await quiet.send({ type: 'add', by: 7 });
    const busy = await system.actor('counter', 'busy');
    for (let n = 1; n < RECORDS; n++) await busy.send({ type: 'add', by: 1 });
    return { system, runtime };
  }

  it('is not read from its beginning at an opening, and still all there', async () => {
    const store = new WatchedStore();
    const { system, runtime } = await write(store);
    // Also the actor that has long been quiet does not hold the mark down.
    expect(runtime.ledger.lowWater).toBeGreaterThan(RECORDS - 3 * LOG_BUDGET.frames);
    runtime.die();
    await store.close();
    store.scanned = store.gets = 0;
    const later = await openBounded(store);
    await ticks();
    expect(store.scanned + store.gets).toBeLessThan(3 * LOG_BUDGET.frames);
    expect(later.system.get('counter/busy')!.getSnapshot().context.count).toBe(RECORDS - 1);
    expect(later.system.get('counter/quiet')!.getSnapshot().context.count).toBe(7);
    expect(await collect(later.system.history('counter/busy'))).toHaveLength(RECORDS);
    expect(await later.system.replay('counter/busy')).toMatchObject({ same: true, records: RECORDS });
    expect(await later.system.verify()).toMatchObject({ records: RECORDS + 2, actors: 2, broken: [] });
    expect(system).not.toBe(later.system);
  });

  it('of more frames than are kept in memory goes on where it ends, after a crash too', async () => {
    const FRAMES = 300;
    // A large state is written seldom, so its tail may be long.
    const heavy = setup({
      types: { context: {} as { count: number; ballast: string }, events: {} as { type: 'add' } },
    }).createMachine({
      context: { count: 0, ballast: 'x'.repeat(50_000) },
      on: { add: { actions: assign({ count: ({ context }) => context.count + 1 }) } },
    });
    let opened = await open({ heavy: durable(heavy, { checkpointEvery: 10_000 }) });
    let ref = await opened.system.actor('heavy', '1');
    for (let n = 0; n < FRAMES * 3; n++) await ref.send({ type: 'add' });
    for (let again = 0; again < 3; again++) {
      opened = await opened.crash();
      ref = await opened.system.actor('heavy', '1');
      const { seq, checkpointedSeq } = opened.runtime.population.presentAt('heavy/1')!;
      expect(seq - checkpointedSeq).toBeGreaterThan(FRAMES);
      expect(ref.getSnapshot().context.count).toBe(FRAMES * 3 + again);
      await ref.send({ type: 'add' });
      expect((await opened.system.verify()).broken).toEqual([]);
    }
  });

  it('that is damaged far below the mark is noticed by those who read it', async () => {
    const store = new WatchedStore();
    const { system } = await write(store);
    const [record] = await collect(system.history('counter/busy', { from: 100, to: 100 }));
    await system.close();
    await flip(store, frameKey(record!.frame), -1);
    const later = await openBounded(store);
    // The actor's state does not depend on it.
    const busy = later.system.get('counter/busy')!;
    expect(busy.getSnapshot().context.count).toBe(RECORDS - 1);
    await busy.send({ type: 'add', by: 1 });
    expect((await later.system.verify()).broken[0]!.address).toBe('counter/busy');
    const told = await rejection(collect(later.system.history('counter/busy')));
    expect(told).toMatchObject({ _tag: 'JournalCorrupt', evidence: { frame: record!.frame } });
    expect(await collect(later.system.history('counter/busy', { from: 101 }))).toHaveLength(RECORDS - 99);
  });
});
