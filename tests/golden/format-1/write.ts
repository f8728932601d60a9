/**
 * Writes the golden store of format 1: `npx tsx --conditions=heddle-source tests/golden/format-1/write.ts <new folder>`.
 *
 * It was run once, with the release that introduced the format, and what it wrote is kept. A golden store is never written again:
 * it is there so that later releases are held to stores that they have not written. A release with another format gets a folder of
 * its own beside this one, with its own machines and its own writer, which may begin as a copy of this one.
 *
 * The store ends as after kill -9: nothing was closed, and much is owed. A timer waits; a message waits for an actor that its
 * supervisor has halted; another actor is down until its backoff is over; an action and a process are not done; a dead letter lies
 * there; a schedule waits for the night. Before that it was closed once, so there are checkpoints and tables too.
 */
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import { internals } from '../../../runtime/system.ts';
import { VirtualClock } from '../../../runtime/testing/virtual-clock.ts';
import { pass, portraitOf, settled } from '../portrait.ts';
import { actors, BEGUN_AT, SCHEDULE, tree } from './machines.ts';

const MINUTE_MS = 60_000;
const logger = { log: () => {}, error: () => {} };
const clock = new VirtualClock(BEGUN_AT);

const folder = process.argv[2];
if (folder === undefined || existsSync(folder)) throw new Error('it needs the name of a new folder');
mkdirSync(folder, { recursive: true });
const store = join(folder, 'working');

const open = () => createSystem({ store: leveldb(store), actors, supervise: tree, clock, logger });

async function firstDay(): Promise<void> {
  const system = await open();
  await system.schedules.declare(SCHEDULE);
  const counter = await system.actor('counter', '1');
  for (let i = 1; i <= 300; i++) await counter.send({ type: 'add', by: i % 7 }, { id: `add-${i}` });
  await counter.send({ type: 'draw' });
  const ended = await system.actor('counter', 'ended');
  await ended.send({ type: 'add', by: 5 });
  await ended.send({ type: 'end' });
  const shelf = await system.actor('shelf', 'a');
  for (const item of ['kettle', 'spoon', 'Löffel 🥄']) await shelf.send({ type: 'put', item });
  const tally = await system.actor('tally', 't');
  for (let by = 1; by <= 10; by++) await tally.send({ type: 'add', by });
  const order = await system.actor('order', '7');
  await order.send({ type: 'add', by: 3 });
  await (await system.actor('waiter', 'w', { input: { to: 'counter/1' } })).send({ type: 'tell', by: 100 });
  await settled(system);
  await pass(system, clock, 90 * MINUTE_MS);
  await system.get('worker/steady')!.send({ type: 'inc' });
  await system.close({ reason: 'the day is over' });
}

async function secondDay() {
  const system = await open();
  await system.schedules.declare(SCHEDULE);
  await system.schedules.trigger('nightly', { by: 'ada', reason: 'to see it' });
  await pass(system, clock, MINUTE_MS);
  const counter = system.get('counter/1')!;
  await counter.send({ type: 'draw' });
  await counter.send({ type: 'break' }).catch(() => {});
  const order = system.get('order/7')!;
  await order.send({ type: 'confirm' });
  await (await system.actor('mailer', 'm')).send({ type: 'send', letter: 'dear ada' });
  await system.get('worker/crashed')!.send({ type: 'inc' });
  await system
    .get('worker/crashed')!
    .send({ type: 'crash' })
    .catch(() => {});
  await settled(system);
  await system.supervisor('shop/slow').terminateChild('halted');
  const waiter = await system.actor('waiter', 'to-halted', { input: { to: 'worker/halted' } });
  await waiter.send({ type: 'tell', by: 1 });
  await settled(system);
  return system;
}

await firstDay();
const system = await secondDay();
const portrait = await portraitOf(system);
internals.get(system)!.die();
await internals.get(system)!.options.store.close();
cpSync(store, join(folder, 'store'), {
  recursive: true,
  filter: (path) => !/(\/LOCK|\/LOG|\/LOG\.old|heddle\.lock)$/.test(path),
});
writeFileSync(
  join(folder, 'expected.json'),
  `${JSON.stringify({ now: clock.now(), ...portrait }, null, 2)}\n`,
);
process.exit(0);
