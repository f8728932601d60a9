// The lie: "whoever can never move again is named, and nobody else". Actors in every kind of waiting, and in none.
import { describe, expect, it } from 'vitest';
import { assign, fromCallback, fromPromise, fromTransition, setup } from 'xstate';
import { durable, supervisor } from 'heddle';
import { collect, open, rejection } from './systems.ts';

const forever = fromPromise(() => new Promise<never>(() => {}));
const quick = setup({}).createMachine({ initial: 'over', states: { over: { type: 'final' } } });
const machine = setup({ actors: { forever, quick, listener: fromCallback(() => {}) } });

const ACTORS = {
  // Waiting.
  counter: machine.createMachine({ on: { inc: { actions: () => {} } } }),
  timer: machine.createMachine({
    initial: 'a',
    states: { a: { after: { 1000: 'b' } }, b: { type: 'final' } },
  }),
  worker: machine.createMachine({ invoke: { src: 'forever' } }),
  listening: machine.createMachine({ invoke: { src: 'listener' } }),
  final: quick,
  transition: fromTransition((n: number) => n + 1, 0),
  process: forever,
  // Not waiting for anything.
  deadEnd: machine.createMachine({ initial: 'a', states: { a: { always: 'b' }, b: {} } }),
  deaf: machine.createMachine({ initial: 'a', states: { a: { invoke: { src: 'quick' } } } }),
};

describe('the never-stuck detector', () => {
  it('names those that nothing will move, and says why', async () => {
    const opened = await open(ACTORS, { passivateAfter: '1 second' });
    for (const name of Object.keys(ACTORS)) await opened.system.actor(name as 'counter', '1');
    await opened.settle();
    const named = async () =>
      (await collect(opened.system.stuck())).map(({ address, reason }) => `${address} ${reason}`).sort();
    expect(await named()).toEqual(['deadEnd/1 nothing-to-wait-for', 'deaf/1 nothing-to-wait-for']);
    const [first] = await collect(opened.system.stuck());
    expect(first!.why).toMatch(
      /^it takes no event from outside in state "\w", and nothing of its own is under way$/,
    );
    // Also when they sleep.
    await opened.advance(60_000);
    expect(await named()).toEqual(['deadEnd/1 nothing-to-wait-for', 'deaf/1 nothing-to-wait-for']);
  });

  it('names those to whom the end of a child is lost, until it is retried', async () => {
    const world = { isBroken: true };
    const child = setup({}).createMachine({
      initial: 'a',
      states: { a: { on: { go: 'over' } }, over: { type: 'final' } },
    });
    const parent = setup({
      actors: { child },
      actions: {
        end: assign(() => {
          if (world.isBroken) throw new Error('no');
          return {};
        }),
      },
    }).createMachine({
      initial: 'a',
      on: { other: { actions: 'end' } },
      states: { a: { invoke: { src: 'child', id: 'work', onDone: { target: 'b', actions: 'end' } } }, b: {} },
    });
    const opened = await open({ parent });
    const { system } = opened;
    const ref = await system.actor('parent', '1');
    // Whoever says something from outside is told what became of it.
    await rejection(ref.send({ type: 'other' }));
    expect(await collect(system.stuck())).toEqual([]);
    await system.get('parent/1/work')!.send({ type: 'go' });
    await opened.settle();
    const { id } = (await collect(system.deadLetters())).at(-1)!;
    const named = [
      {
        address: 'parent/1',
        value: 'a',
        reason: 'dead-letter',
        why: `'xstate.done.actor.work' was said to it, and is dead letter ${id}: retry it when what it fails with is mended`,
      },
    ];
    expect(await collect(system.stuck())).toEqual(named);
    const later = await opened.reopenWith({ parent });
    expect(await collect(later.system.stuck())).toEqual(named);
    world.isBroken = false;
    await later.system.deadLetters().retry(id);
    expect(await collect(later.system.stuck())).toEqual([]);
  });

  it('names those that are down for good, and those that cannot be loaded', async () => {
    const fragile = durable(
      setup({}).createMachine({
        on: {
          die: {
            actions: assign(() => {
              throw new Error('dead');
            }),
          },
        },
      }),
      { poison: 'fail' },
    );
    const other = setup({}).createMachine({
      initial: 'a',
      states: { a: { on: { go: { actions: () => {} } } } },
    });
    const opened = await open(
      { fragile, other },
      { supervise: supervisor({ id: 's', intensity: 0, children: [{ id: 'x', start: 'fragile' }] }) },
    );
    await opened.system.actor('other', '1');
    await rejection(opened.system.get('fragile/x')!.send({ type: 'die' }));
    await opened.settle();
    expect(await collect(opened.system.stuck())).toMatchObject([
      {
        address: 'fragile/x',
        reason: 'down',
        why: 'its supervisor supervisor/s gave up: there were too many restarts',
      },
    ]);
    const changed = setup({}).createMachine({
      initial: 'b',
      states: { b: { entry: ({ self }) => void self } },
    });
    const later = await opened.reopenWith(
      { fragile, other: changed } as never,
      { supervise: undefined } as never,
    );
    await rejection(Promise.resolve().then(() => later.system.get('other/1')));
    expect(await collect(later.system.stuck())).toMatchObject([{ address: 'other/1', reason: 'refused' }]);
  });
});
