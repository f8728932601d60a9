// The lie: "whoever is there can be looked up, and what is sent to it arrives". Children that were spawned and have not begun when the
// system dies: those beside them look them up by their address, and what they say must not be lost.
import { describe, expect, it } from 'vitest';
import { assign, createMachine, enqueueActions, sendTo, setup } from 'xstate';
import type { AnyActorRef } from 'xstate';
import { memory } from 'heddle/storage';
import { DyingSystem } from '../dying-system.ts';

const listener = setup({
  types: { context: {} as { heard: number } },
}).createMachine({
  context: { heard: 0 },
  on: { hello: { actions: assign({ heard: ({ context }) => context.heard + 1 }) } },
});

const speaker = createMachine({
  entry: sendTo(({ system }) => system.get('family/1/listener') as AnyActorRef, { type: 'hello' }),
});

const family = setup({ actors: { listener, speaker } }).createMachine({
  entry: enqueueActions(({ enqueue }) => {
    for (const id of ['one', 'two']) enqueue.spawnChild('speaker', { id });
    enqueue.spawnChild('listener', { id: 'listener' });
  }),
});

async function play(dies: (all: number) => boolean) {
  let commits = 0;
  const world: DyingSystem<{ family: typeof family }> = new DyingSystem({
    store: memory(),
    actors: { family },
    maxTurnsPerCommit: 1,
    dies: () => dies(++commits),
  });
  await world.open();
  await world.settle();
  await world.start('family', '1');
  const made = commits;
  const ref = world.system.get('family/1/listener')!;
  const { heard } = (ref.getSnapshot() as unknown as { context: { heard: number } }).context;
  const { same } = await world.system.replay('family/1/listener');
  await world.system.close();
  return { heard, same, made };
}

describe('a child that has not begun when the system dies', () => {
  it('hears whoever looks it up then', async () => {
    const calm = await play(() => false);
    expect(calm).toMatchObject({ heard: 2, same: true });
    for (let at = 2; at <= calm.made; at++)
      expect([at, await play((all) => all === at)]).toMatchObject([at, { heard: 2, same: true }]);
  });
});
