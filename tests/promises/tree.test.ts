// The lie: "the tree shows what is on the disk, live, and costs nothing". Watched over restarts, give-ups and sleep, and while
// a write is held back; and with ten thousand actors.
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { durable, supervisor } from 'heddle';
import type { ActorNode, SupervisorNode, SystemTree } from '../../runtime/tree.ts';
import { open, rejection, ticks } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

const MANY = 10_000;

const worker = durable(
  setup({
    types: { context: {} as { n: number }, events: {} as { type: 'inc' | 'crash' } },
  }).createMachine({
    context: { n: 0 },
    initial: 'up',
    states: { up: {} },
    on: {
      inc: { actions: assign({ n: ({ context }) => context.n + 1 }) },
      crash: {
        actions: assign(() => {
          throw new Error('crashed');
        }),
      },
    },
  }),
  { poison: 'fail' },
);
const child = (id: string) => ({ id, start: 'worker' });

function lines({ supervisors, actors }: SystemTree): string[] {
  const of = (node: SupervisorNode | ActorNode): string[] =>
    node.kind === 'supervisor'
      ? [`${node.address} ${node.phase} ${node.restarts}`, ...node.children.flatMap(of)]
      : [`${node.address} ${node.status} ${node.standing} ${node.phase} ${node.restarts}`];
  return [...supervisors, ...actors].flatMap(of);
}

describe('the tree', () => {
  it('follows restarts, and the end of its supervisor', async () => {
    const opened = await open({ worker }, { supervise: supervisor({ id: 's', children: [child('a')] }) });
    await opened.settle();
    const tree = opened.system.tree();
    const now = () => lines(tree.get().context);
    expect(now()).toEqual(['supervisor/s running 0', 'worker/a active up running 0']);
    for (const expected of [
      ['supervisor/s running 1', 'worker/a active up running 1'],
      ['supervisor/s down 1', 'worker/a active crashed down 1'],
    ]) {
      await rejection(opened.system.get('worker/a')!.send({ type: 'crash' }));
      await opened.settle();
      await ticks();
      expect(now()).toEqual(expected);
    }
    const later = await opened.crash();
    expect(lines(later.system.tree().get().context)).toEqual([
      'supervisor/s running 1',
      'worker/a active up running 1',
    ]);
  });

  it('shows nothing that is not on the disk', async () => {
    const store = new WatchedStore();
    const opened = await open(
      { worker },
      { store, supervise: supervisor({ id: 's', children: [child('a')] }) },
    );
    await opened.settle();
    store.hold();
    void rejection(opened.system.get('worker/a')!.send({ type: 'crash' }));
    void opened.system.actor('worker', 'z');
    await ticks();
    expect(lines(opened.system.tree().get().context)).toEqual([
      'supervisor/s running 0',
      'worker/a active up running 0',
    ]);
    store.release();
    await opened.settle();
    await ticks();
    expect(lines(opened.system.tree().get().context)).toEqual([
      'supervisor/s running 1',
      'worker/a active up running 1',
      'worker/z active up undefined 0',
    ]);
  });

  it('shows of one who sleeps only what his supervisor says', async () => {
    const opened = await open(
      { worker },
      { supervise: supervisor({ id: 's', children: [child('a')] }), passivateAfter: '1 second' },
    );
    await opened.system.actor('worker', 'z');
    await opened.settle();
    const tree = opened.system.tree();
    await opened.advance(5000);
    await ticks();
    expect(lines(tree.get().context)).toEqual(['supervisor/s running 0', 'worker/a absent up running 0']);
    await opened.system.get('worker/a')!.send({ type: 'inc' });
    await ticks();
    expect(lines(tree.get().context)).toEqual(['supervisor/s running 0', 'worker/a active up running 0']);
  });

  it('is built a few times, however many change', async () => {
    const opened = await open({ worker });
    const refs = await Promise.all(
      Array.from({ length: MANY }, (_, id) => opened.system.actor('worker', String(id))),
    );
    const tree = opened.system.tree();
    let builds = 0;
    tree.subscribe(() => builds++);
    for (let round = 0; round < 3; round++) {
      await Promise.all(refs.map((ref) => ref.send({ type: 'inc' })));
      await ticks();
    }
    expect(tree.get().context.actors).toHaveLength(MANY);
    expect(builds).toBeGreaterThan(0);
    // At most one for each slice of turns, and not for each of thirty thousand events.
    expect(builds).toBeLessThan(200);
  });
});
