// The lie: "explain says why an actor is where it is". Every standing, in golden sentences.
import { describe, expect, it } from 'vitest';
import * as Schedule from 'effect/Schedule';
import { assign, fromPromise, setup } from 'xstate';
import { durable, supervisor } from 'heddle';
import { open, rejection, ticks } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

const worker = durable(
  setup({
    types: { context: {} as { n: number }, events: {} as { type: 'inc' | 'crash' | 'end' } },
    actors: { task: fromPromise(() => new Promise<void>(() => {})) },
  }).createMachine({
    context: { n: 0 },
    initial: 'up',
    states: {
      up: {
        after: { 60_000: 'over' },
        invoke: { src: 'task', id: 'task' },
        on: {
          inc: { actions: assign({ n: ({ context }) => context.n + 1 }) },
          crash: {
            actions: assign(() => {
              throw new Error('crashed');
            }),
          },
          end: 'over',
        },
      },
      over: { type: 'final' },
    },
  }),
  { poison: 'fail' },
);
const child = (id: string, rest: object = {}) =>
  ({ id, start: 'worker', shutdown: 'brutal', ...rest }) as const;

async function openTree(settings: object = {}) {
  const tree = supervisor({ id: 's', children: [child('a')], ...settings });
  const opened = await open({ worker }, { supervise: tree });
  await opened.settle();
  return opened;
}

const crash = (opened: Awaited<ReturnType<typeof openTree>>) =>
  rejection(opened.system.get('worker/a')!.send({ type: 'crash' }));

describe('an actor', () => {
  it('that runs', async () => {
    const opened = await openTree();
    expect((await opened.system.explain('worker/a')).split('\n')).toEqual([
      'worker/a runs in state "up" (record 1).',
      'It is a permanent child of supervisor/s, which says it is running.',
      "It waits for 'xstate.after.60000.(machine).up' at 2030-01-01T00:01:00.000Z; its child 'task'.",
    ]);
    expect(await opened.system.explain('worker/a/task')).toBe(
      'worker/a/task runs (record 1).\nIt waits for its work (attempt 1).',
    );
  });

  it('that was restarted', async () => {
    const opened = await openTree();
    await crash(opened);
    await opened.settle();
    expect((await opened.system.explain('worker/a')).split('\n')).toEqual([
      'worker/a runs in state "up" (record 3).',
      'It is a permanent child of supervisor/s, which says it is running.',
      'It was restarted once, last at 2030-01-01T00:00:00.000Z because it failed.',
      'Its last end was a crash at 2030-01-01T00:00:00.000Z: crashed.',
      expect.stringMatching(/^It waits for/),
      expect.stringMatching(
        /^Dead letter \d+: the event 'crash' failed at 2030-01-01T00:00:00.000Z: crashed\.$/,
      ),
    ]);
  });

  it('that waits for its restart', async () => {
    const opened = await openTree({ backoff: Schedule.spaced('10 seconds') });
    await crash(opened);
    await opened.settle();
    expect(await opened.system.explain('worker/a')).toMatch(
      /^worker\/a is down in state "up" since record 2 at 2030-01-01T00:00:00.000Z: crashed\.\nIt is a permanent child of supervisor\/s, which says it is restarting\.\n/,
    );
  });

  it('whose supervisor gave up', async () => {
    const opened = await openTree({ intensity: 0 });
    await crash(opened);
    await opened.settle();
    expect(await opened.system.explain('worker/a')).toMatch(
      /It will not come up by itself: its supervisor supervisor\/s gave up: there were too many restarts\.\n/,
    );
    expect(await opened.system.explain('supervisor/s')).toBe(
      [
        'supervisor/s is down: one-for-one, at most 0 restarts in 5000 ms. It has made 0.',
        "It ended at 2030-01-01T00:00:00.000Z (intensity) because of its child 'a': crashed.",
      ].join('\n'),
    );
  });

  it('that was terminated', async () => {
    const opened = await openTree();
    await opened.system.supervisor('s').terminateChild('a');
    expect(await opened.system.explain('worker/a')).toMatch(
      /^worker\/a is down in state "up": it was halted in record 2 at 2030-01-01T00:00:00.000Z\.\nIt is a permanent child of supervisor\/s, which says it is down\.\nIt will not come up by itself: it was terminated at supervisor\/s\.\n/,
    );
  });

  it('that is done, has failed, was stopped, or was never there', async () => {
    const opened = await open({ worker });
    const ends = {
      '1': 'is done since record 2.',
      '2': 'failed in record 2: crashed.',
      '3': 'was stopped in record 2.',
    };
    await (await opened.system.actor('worker', '1')).send({ type: 'end' });
    await rejection((await opened.system.actor('worker', '2')).send({ type: 'crash' }));
    await opened.system.actor('worker', '3');
    await opened.system.stop('worker/3');
    for (const [id, words] of Object.entries(ends))
      expect((await opened.system.explain(`worker/${id}`)).split('\n')[0]).toBe(`worker/${id} ${words}`);
    expect(await rejection(opened.system.explain('worker/9'))).toMatchObject({ _tag: 'UnknownActor' });
  });

  it('that is a fork, and may not do anything to the world yet', async () => {
    const opened = await openTree();
    await opened.system.fork('worker/a', { as: 'worker/b' });
    const held =
      "What it does to the world is held, as that of a fork or an import: system.perform('worker/b') lets it happen.";
    expect((await opened.system.explain('worker/b')).split('\n')).toContain(held);
    expect(await opened.system.explain('worker/b/task')).toBe(`worker/b/task runs (record 1).\n${held}`);
    await opened.system.perform('worker/b');
    await opened.settle();
    expect(await opened.system.explain('worker/b/task')).toBe(
      'worker/b/task runs (record 2).\nIt waits for its work (attempt 1).',
    );
  });

  it('is told of only when that is on the disk', async () => {
    const store = new WatchedStore();
    const opened = await open({ worker }, { store });
    const ref = await opened.system.actor('worker', '1');
    await opened.settle();
    store.hold();
    void ref.send({ type: 'inc' });
    let told: string | undefined;
    void opened.system.explain('worker/1').then((text) => (told = text));
    await ticks();
    expect(told).toBeUndefined();
    store.release();
    await opened.settle();
    expect(told).toMatch(/^worker\/1 runs in state "up" \(record 2\)/);
  });
});
