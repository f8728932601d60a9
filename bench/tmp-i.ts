import { rmSync } from 'node:fs';
import { assign, createActor, setup } from 'xstate';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
const counter = setup({
  types: { context: {} as { count: number }, events: {} as { type: 'increment'; by: number } },
}).createMachine({ id: 'counter', context: { count: 0 },
  on: { increment: { actions: assign({ count: ({ context, event }) => context.count + event.by }) } } });
const N = Number(process.argv[2] ?? 1000), MS = Number(process.argv[3] ?? 2000), R = Number(process.argv[4] ?? 5);
async function mem() {
  const actors = Array.from({ length: N }, () => createActor(counter).start());
  const end = performance.now() + MS / 2; let n = 0; const t0 = performance.now();
  while (performance.now() < end) { for (let k = 0; k < 500; k++) { actors[n % N]!.send({ type: 'increment', by: 1 }); n++; } await new Promise(setImmediate); }
  return n / (performance.now() - t0) * 1000;
}
async function durable() {
  const dir = '/tmp/lab/bench-c'; rmSync(dir, { recursive: true, force: true });
  const system = await createSystem({ store: leveldb(dir), actors: { counter } });
  const refs = await Promise.all(Array.from({ length: N }, (_, i) => system.actor('counter', `c${i}`)));
  let n = 0, stop = false; const t0 = performance.now(); setTimeout(() => { stop = true; }, MS);
  await Promise.all(refs.map(async (ref) => { while (!stop) { await ref.send({ type: 'increment', by: 1 }); n++; } }));
  const el = performance.now() - t0;
  await system.close();
  return n / el * 1000;
}
const rs: number[] = []; if (process.argv[5]) { console.log(await durable()); const c=(globalThis as any).__c; const n=c.map((x:any)=>x[0]).sort((a:any,b:any)=>a-b), w=c.map((x:any)=>x[1]).sort((a:any,b:any)=>a-b); const q=(a:any,p:number)=>a[Math.floor(a.length*p)]; console.log(c.length, "turns", [.1,.25,.5,.75,.9,.99].map(p=>q(n,p)), "ms", [.1,.25,.5,.75,.9,.99].map(p=>q(w,p).toFixed(2)), c.slice(5000,5030).map((x:any)=>x[0]+":"+x[1].toFixed(2)).join(" ")); process.exit(); }
for (let i = 0; i < R; i++) { const m = await mem(), d = await durable(); rs.push(d / m); console.log('mem', Math.round(m), 'durable', Math.round(d), (d / m).toFixed(3)); }
rs.sort(); console.log('median', rs[rs.length >> 1]);
