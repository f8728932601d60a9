// The lie: "send resolves when the event is on the disk, and nothing is observable before". Writes are held back while
// everybody looks; receipts are held against the stored bytes; rejections are left lying.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { assign, emit, fromPromise, log, setup } from 'xstate';
import type { InspectionEvent } from 'xstate';
import type { Receipt } from 'heddle';
import { FROM_SOURCE } from '../from-source.ts';
import { frameKey } from '../../storage/keys.ts';
import { counter } from './counter.ts';
import type { onDisk } from './systems.ts';
import { collect, isSettled, open, rejection, STORES, ticks } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

async function openHeld(capacity?: number) {
  const store = new WatchedStore();
  const opened = await open({ counter }, { store, ...(capacity !== undefined && { mailbox: { capacity } }) });
  const ref = await opened.system.actor('counter', '1');
  await opened.settle();
  return { ...opened, opened, store, ref, system: opened.system };
}

describe('a receipt', () => {
  it('comes when the batch is on the disk, and not before', async () => {
    const { store, ref } = await openHeld();
    store.hold();
    const sent = ref.send({ type: 'add', by: 1 });
    expect(await isSettled(sent)).toBe(false);
    expect(store.waiting).toBe(1);
    store.release();
    expect((await sent).seq).toBe(2);
  });

  it('of an event that missed the batch waits for the next one', async () => {
    const { store, ref } = await openHeld();
    store.hold();
    const first = ref.send({ type: 'add', by: 1 });
    await ticks();
    const second = ref.send({ type: 'add', by: 1 });
    store.releaseOne();
    expect((await first).seq).toBe(2);
    expect(ref.getSnapshot().context.count).toBe(1);
    expect(await isSettled(second)).toBe(false);
    store.release();
    expect((await second).commit).toBe((await first).commit + 1);
  });

  it('is not given for a batch that failed: nobody can know whether it was applied', async () => {
    const { opened, store, ref } = await openHeld();
    store.hold();
    store.failure = new Error('the disk is full');
    const inBatch = ref.send({ type: 'add', by: 1 });
    await ticks();
    const behind = ref.send({ type: 'add', by: 10 });
    store.release();
    expect(await rejection(inBatch)).toMatchObject({ _tag: 'StoreFenced', applied: 'unknown' });
    expect(await rejection(behind)).toMatchObject({ _tag: 'StoreFenced', applied: 'no' });
    await opened.settle();
    expect(ref.getSnapshot().context.count).toBe(0);
    expect((await ref.send({ type: 'add', by: 100 })).seq).toBe(2);
    expect(ref.getSnapshot().context.count).toBe(100);
  });

  it('finds everything done that it stands for: state, subscribers, actions', async () => {
    const done: string[] = [];
    const machine = setup({ types: { context: {} as { n: number } } }).createMachine({
      context: { n: 0 },
      on: {
        GO: { actions: [assign({ n: ({ context }) => context.n + 1 }), () => void done.push('action')] },
      },
    });
    const { system } = await open({ machine });
    const ref = await system.actor('machine', '1');
    ref.subscribe(({ context }) => done.push(`state ${context.n}`));
    await ref.send({ type: 'GO' });
    expect([ref.getSnapshot().context.n, ...done.toSorted()]).toEqual([1, 'action', 'state 1']);
  });

  it.each(STORES)('names the record, the commit and the hash of the stored bytes, %s', async (_, make) => {
    const { system, store, reopen } = await openSome(make);
    const ref = await system.actor('counter', 'a/b');
    const receipts: Receipt[] = [];
    for (let by = 1; by <= 5; by++) receipts.push(await ref.send({ type: 'add', by }));
    const together = await Promise.all([1, 2, 3].map((by) => ref.send({ type: 'add', by })));
    expect(new Set(together.map(({ hash }) => hash)).size).toBe(1);
    const all = [...receipts, ...together];
    expect(all.map(({ seq }) => seq)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect(new Set(all.map(({ address }) => address))).toEqual(new Set(['counter/a%2Fb']));

    const told = await collect(system.history('counter/a%2Fb', { from: 2 }));
    const hashes = told.map(({ frame }) => sha256(store.get(frameKey(frame))!));
    expect(all.map(({ seq, hash }) => [seq, hash])).toEqual(told.map(({ seq }, i) => [seq, hashes[i]]));
    const last = all.at(-1)!;
    const { head } = await system.verify();
    expect(head).toEqual({ commit: last.commit, frame: told.at(-1)!.frame, hash: last.hash });

    const later = await reopen();
    // Closing writes down where everybody stands, in a commit of its own.
    expect((await later.system.verify()).head.commit).toBe(head.commit + 1);
    const next = await later.system.get('counter/a%2Fb')!.send({ type: 'add', by: 1 });
    expect(next).toMatchObject({ seq: 10, commit: last.commit + 2 });
  });

  it('comes in the order of the sends, within an actor and across', async () => {
    const { store, ref, system } = await openHeld();
    const other = await system.actor('counter', '2');
    store.hold();
    const order: string[] = [];
    const sends = Array.from({ length: 20 }, (_, i) =>
      (i % 3 === 0 ? other : ref)
        .send({ type: 'add', by: 1 })
        .then(({ address, seq }) => order.push(`${i} ${address} ${seq}`)),
    );
    await ticks();
    store.release();
    await Promise.all(sends);
    let seqs = [1, 1];
    const expected = order.map((_, i) => {
      const isOther = i % 3 === 0;
      seqs = isOther ? [seqs[0]!, seqs[1]! + 1] : [seqs[0]! + 1, seqs[1]!];
      return isOther ? `${i} counter/2 ${seqs[1]}` : `${i} counter/1 ${seqs[0]}`;
    });
    expect(order).toEqual(expected);
  });

  it('is for the event as it was sent, whatever the sender does to it afterwards', async () => {
    const { store, ref, system } = await openHeld();
    store.hold();
    const note = { text: 'as sent', list: [1] };
    const event = { type: 'add' as const, by: 1, note };
    const sent = ref.send(event);
    event.by = 1000;
    note.text = 'changed';
    note.list.push(2);
    store.release();
    await sent;
    expect(ref.getSnapshot().context.count).toBe(1);
    const [record] = await collect(system.history('counter/1', { from: 2 }));
    expect(record!.event).toEqual({ type: 'add', by: 1, note: { text: 'as sent', list: [1] } });
  });
});

async function openSome(make: () => ReturnType<typeof onDisk>) {
  const opened = await open({ counter }, { store: make() });
  return { system: opened.system, store: opened.store, reopen: () => opened.reopen() };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('before the commit', () => {
  const work = fromPromise(async () => void seen.push('process'));
  const child = setup({}).createMachine({ entry: () => void seen.push('child action') });
  const machine = setup({ actors: { work, child } }).createMachine({
    initial: 'before',
    states: {
      before: { on: { GO: { target: 'after', actions: log('logged') } } },
      after: {
        entry: [() => void seen.push('action'), emit({ type: 'emitted' })],
        invoke: [{ src: 'work' }, { src: 'child', id: 'kid' }],
        after: { 10: 'late' },
      },
      late: { entry: () => void seen.push('timer') },
    },
  });
  const seen: string[] = [];

  async function openWatched() {
    const store = new WatchedStore();
    const opened = await open(
      { machine },
      {
        store,
        onEmit: (event) => void seen.push(`onEmit ${event.type}`),
        inspect: (event: InspectionEvent) => void seen.push(`inspect ${event.type}`),
        logger: { log: (...args) => void seen.push(`log ${args.join(' ')}`), error: () => {} },
      },
    );
    const ref = await opened.system.actor('machine', '1');
    await opened.settle();
    ref.subscribe((snapshot) => seen.push(`subscriber ${JSON.stringify(snapshot.value)}`));
    ref
      .select((snapshot) => snapshot.value)
      .subscribe((value) => void seen.push(`selected ${JSON.stringify(value)}`));
    ref.on('*', (event) => seen.push(`on ${event.type}`));
    seen.length = 0;
    return { opened, store, ref, system: opened.system };
  }

  it('nothing is seen by anybody, and afterwards everything by everybody', async () => {
    const { opened, store, ref, system } = await openWatched();
    store.hold();
    const sent = ref.send({ type: 'GO' });
    await ticks(30);
    expect(seen).toEqual([]);
    expect(ref.getSnapshot().value).toBe('before');
    expect(ref.select((snapshot) => snapshot.value).get()).toBe('before');
    expect(system.get('machine/1')!.getSnapshot().children).toEqual({});
    store.release();
    await sent;
    await opened.settle();
    expect(ref.getSnapshot().value).toBe('after');
    const expected = ['action', 'child action', 'process', 'onEmit emitted', 'on emitted', 'log logged'];
    expect(seen).toEqual(
      expect.arrayContaining([
        ...expected,
        'subscriber "after"',
        'selected "after"',
        'inspect @xstate.snapshot',
      ]),
    );
    // Each was told once.
    for (const what of expected) expect(seen.filter((one) => one === what)).toEqual([what]);
  });

  it('no timer runs: it counts from the event, but fires only when that is on the disk', async () => {
    const { opened, store, ref } = await openWatched();
    store.hold();
    void ref.send({ type: 'GO' });
    await ticks();
    await opened.clock.advance(1000, () => ticks());
    expect(seen).toEqual([]);
    store.release();
    await opened.settle();
    expect(ref.getSnapshot().value).toBe('late');
    expect(seen).toContain('timer');
  });

  it('nothing that died with the process was seen, and nothing is there', async () => {
    const { opened, store, ref } = await openWatched();
    store.hold();
    const sent = ref.send({ type: 'GO' });
    await ticks(30);
    // The write never reaches the disk.
    store.failure = new Error('lost');
    opened.runtime.die();
    store.release();
    expect(await isSettled(sent)).toBe(false);
    const later = await opened.crash();
    await later.settle();
    expect(seen.filter((what) => !what.startsWith('inspect'))).toEqual([]);
    expect(later.system.get('machine/1')!.getSnapshot().value).toBe('before');
  });

  it('history does not show it', async () => {
    const { store, ref, system } = await openHeld();
    store.hold();
    const told = collect(system.history('counter/1'));
    void ref.send({ type: 'add', by: 1 });
    expect((await told).map(({ seq }) => seq)).toEqual([1]);
  });

  it('system.get does not show an actor that is being born', async () => {
    const { store, system } = await openHeld();
    store.hold();
    const born = system.actor('counter', '2');
    await ticks();
    const early = system.get('counter/2');
    store.release();
    await born;
    expect(early).toBeUndefined();
  });

  it('replay and verify wait for what was taken before them', async () => {
    const { store, ref, system } = await openHeld();
    store.hold();
    void ref.send({ type: 'add', by: 1 });
    const replayed = system.replay('counter/1');
    const verified = system.verify();
    expect(await isSettled(replayed)).toBe(false);
    expect(await isSettled(verified)).toBe(false);
    store.release();
    expect(await replayed).toMatchObject({ records: 2, same: true });
    expect(await verified).toMatchObject({ records: 2, broken: [] });
  });
});

const CARELESS = `
  import { setup } from 'xstate';
  import { createSystem } from 'heddle';
  import { memory } from 'heddle/storage';
  const machine = setup({}).createMachine({
    initial: 'on',
    states: {
      on: { on: { THROW: { guard: () => { throw new Error('no') } }, BIG: {}, END: 'off' } },
      off: { type: 'final' },
    },
  });
  const store = memory();
  const { batch } = store;
  const system = await createSystem({
    store, actors: { machine }, mailbox: { capacity: 1 }, logger: { log() {}, error() {} },
  });
  const ref = await system.actor('machine', '1');
  const failed = [];
  const careless = (promise) => { promise.catch((error) => failed.push(error._tag)); };
  const events = [{ type: 'BIG', f() {} }, { type: 'xstate.stop' }, null, { type: 'THROW' }];
  for (const event of events) { careless(ref.send(event)); ref.send(event); }
  await new Promise((resolve) => setTimeout(resolve, 20));
  const bytes = new Uint8Array(5 << 20);
  for (let i = 0; i < 4; i++) { careless(ref.send({ type: 'BIG', bytes })); ref.send({ type: 'BIG', bytes }); }
  await new Promise((resolve) => setTimeout(resolve, 50));
  await ref.send({ type: 'END' });
  careless(ref.send({ type: 'BIG' }));
  ref.send({ type: 'BIG' });
  const other = await system.actor('machine', '2');
  store.batch = () => ({ ...batch.call(store), write: () => Promise.reject(new Error('full')) });
  careless(other.send({ type: 'BIG' }));
  other.send({ type: 'BIG' });
  await new Promise((resolve) => setTimeout(resolve, 20));
  store.batch = batch;
  await system.close();
  careless(ref.send({ type: 'BIG' }));
  ref.send({ type: 'BIG' });
  await new Promise((resolve) => setTimeout(resolve, 20));
  console.log(JSON.stringify([...new Set(failed)]));
`;

describe('a rejection that nobody awaits', () => {
  it('does not end the process', async () => {
    const { code, out, err } = await runScript(CARELESS);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toEqual([
      'NotSerialisable',
      'InvalidArgument',
      'StepFailed',
      'MailboxFull',
      'ActorEnded',
      'StoreFenced',
      'SystemClosed',
    ]);
  });
});

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a script in a process of its own, in which any unhandled rejection is deadly. */
async function runScript(code: string): Promise<{ code: number | null; out: string; err: string }> {
  const flags = ['--unhandled-rejections=strict', '--input-type=module'];
  const child = spawn(process.execPath, [...FROM_SOURCE, ...flags, '-e', code], { cwd: root });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => (err += String(chunk)));
  return new Promise((resolve) => child.once('close', (exit) => resolve({ code: exit, out, err })));
}
