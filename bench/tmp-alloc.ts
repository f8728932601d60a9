import { assign, createActor, setup } from 'xstate';
import { createSystem } from 'heddle';
import { memory } from 'heddle/storage';
const counter = setup({
  types: { context: {} as { count: number }, events: {} as { type: 'increment'; by: number } },
}).createMachine({ id: 'counter', context: { count: 0 },
  on: { increment: { actions: assign({ count: ({ context, event }) => context.count + event.by }) } } });
const a = createActor(counter).start();
const ev = { type: 'increment', by: 1 } as const;
const meas = async (name: string, n: number, f: () => unknown) => { for (let i = 0; i < 3000; i++) await f(); gc!(); const h = process.memoryUsage().heapUsed; for (let i = 0; i < n; i++) await f(); console.log(name, ((process.memoryUsage().heapUsed - h) / n).toFixed(0), 'B/op'); };
await meas('await nothing', 5000, () => undefined);
await meas('xstate send', 5000, () => a.send(ev));
const system = await createSystem({ store: memory(), actors: { counter } });
const refs = await Promise.all(Array.from({ length: 200 }, (_, i) => system.actor('counter', `c${i}`)));
await meas('durable x200 send', 100, () => Promise.all(refs.map((r) => r.send(ev))));
const { Host } = await import('../dist/runtime/kernel/host.js');
const { enter, leave, wall } = await import('../dist/runtime/kernel/moment.js');
const h = new Host(counter); const ref: any = refs[0]; const env: any = {};
let s = h.initial(ref, undefined, 0, env).snapshot;
await meas('host transition', 5000, () => { s = h.transition(ref, s, ev, 0, env).snapshot; });
await meas('enter/leave', 5000, () => { enter(1, 1, wall.randomSeed); leave(); });
const { Events } = await import('../dist/runtime/events.js'); const { Codec } = await import('../dist/storage/codec.js');
const e = new Events(new Codec(), undefined as any, undefined as any);
await meas('prepare', 5000, () => e.prepare(ev));
