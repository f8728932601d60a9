import { rmSync } from 'node:fs';
import { assign, setup } from 'xstate';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
const counter = setup({
  types: { context: {} as { count: number }, events: {} as { type: 'increment'; by: number } },
}).createMachine({ id: 'counter', context: { count: 0 },
  on: { increment: { actions: assign({ count: ({ context, event }) => context.count + event.by }) } } });
const N = Number(process.argv[2] ?? 1000), MS = Number(process.argv[3] ?? 5000);
  const dir = '/tmp/lab/bench-c'; rmSync(dir, { recursive: true, force: true });
  const system = await createSystem({ store: leveldb(dir), actors: { counter } });
  const refs = await Promise.all(Array.from({ length: N }, (_, i) => system.actor('counter', `c${i}`)));
  const end = performance.now() + MS; let n = 0; const t0 = performance.now();
  await Promise.all(refs.map(async (ref) => { while (performance.now() < end) { await ref.send({ type: 'increment', by: 1 }); n++; } }));
  const el = performance.now() - t0;
  console.log(Math.round(n / el * 1000), performance.eventLoopUtilization().utilization);
  await system.close();
