import { assign, setup } from 'xstate';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';

const counter = setup({
  types: { context: {} as { count: number }, events: {} as { type: 'increment'; by: number } },
}).createMachine({
  id: 'counter',
  context: { count: 0 },
  on: { increment: { actions: assign({ count: ({ context, event }) => context.count + event.by }) } },
});

await using system = await createSystem({ store: leveldb('./.data/counter'), actors: { counter } });
const clicks = await system.actor('counter', 'clicks'); // found, restored, or born
const receipt = await clicks.send({ type: 'increment', by: 1 }); // resolves when it is on the disk
console.log(`${clicks.getSnapshot().context.count} clicks, record ${receipt.seq} of ${receipt.address}`);
