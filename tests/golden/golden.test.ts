// The lie: "a store that an earlier release has written still opens". Each golden store is opened with the machines it was written
// with; everything it holds must be as it was, prove itself, and go on.
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import { internals } from '../../runtime/system.ts';
import { VirtualClock } from '../../runtime/testing/virtual-clock.ts';
import { actors, SCHEDULE, shop, tree, world } from './format-1/machines.ts';
import { pass, portraitOf, settled } from './portrait.ts';
import type { Portrait } from './portrait.ts';

const HOUR_MS = 3_600_000;
const golden = fileURLToPath(new URL('format-1', import.meta.url));
const { now, ...expected } = JSON.parse(readFileSync(join(golden, 'expected.json'), 'utf8')) as Portrait & {
  now: number;
};

const folder = mkdtempSync(join(tmpdir(), 'heddle-golden-'));
cpSync(join(golden, 'store'), folder, { recursive: true });
const clock = new VirtualClock(now);
const open = () =>
  createSystem({
    store: leveldb(folder),
    actors,
    supervise: tree,
    clock,
    logger: { log: () => {}, error: () => {} },
  });
let system: Awaited<ReturnType<typeof open>>;

/** Ends it as SIGKILL would. */
async function kill(): Promise<void> {
  const runtime = internals.get(system)!;
  runtime.die();
  await runtime.options.store.close();
}

afterEach(async () => {
  if (!internals.get(system)!.stopped) await kill();
});

describe('the golden store of format 1', () => {
  it('opens, proves itself, and holds what it held', async () => {
    system = await open();
    const { actors: found, deadLetters, schedules, records, head } = await portraitOf(system);
    expect(Object.keys(found).length).toBeGreaterThan(15);
    expect(found).toEqual(expected.actors);
    expect(deadLetters).toEqual(expected.deadLetters);
    expect(schedules).toEqual(expected.schedules);
    // What is owed has begun to move already: the old head must stand where it stood.
    expect(records).toBeGreaterThanOrEqual(expected.records);
    expect(head.frame).toBeGreaterThanOrEqual(expected.head.frame);
    const bytes = internals.get(system)!.ledger.frameBytes(expected.head.frame)!;
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(expected.head.hash);
  });

  it('tells the same story today, for each actor', async () => {
    system = await open();
    for (const address of Object.keys(expected.actors))
      expect(await system.replay(address)).toMatchObject({ address, same: true });
  });

  it('goes on: what it owes is done, what waits comes, what is down comes up', async () => {
    const delivered: string[] = [];
    world.deliver = (letter) => void delivered.push(letter);
    shop.pay = async ({ cents }) => `paid ${cents}`;
    system = await open();
    await settled(system);
    expect(delivered).toEqual(['dear ada']);
    expect(system.get('order/7')!.getSnapshot()).toMatchObject({
      value: 'paid',
      context: { ref: 'paid 1250' },
    });

    await system.supervisor('shop/slow').restartChild('halted');
    await settled(system);
    expect(await eventsOf('worker/halted')).toContain('add');

    await pass(system, clock, HOUR_MS);
    expect(system.get('waiter/w')!.getSnapshot().context.rounds).toBe(2);
    await system.get('worker/crashed')!.send({ type: 'inc' });
    expect(system.get('worker/crashed')!.getSnapshot().context.n).toBe(2);

    await system.schedules.declare(SCHEDULE);
    await pass(system, clock, 24 * HOUR_MS);
    expect(system.get('report/nightly@2030-01-02T01:30:00.000Z')!.getSnapshot().status).toBe('done');

    const [letter] = expected.deadLetters as { id: number }[];
    await system.deadLetters().discard(letter!.id, { by: 'ada', reason: 'it was a test' });
    const again = await system.get('counter/1')!.send({ type: 'add', by: 5 }, { id: 'add-5' });
    expect(again.seq).toBe(6);
    await system.close();

    system = await open();
    expect((await system.verify()).broken).toEqual([]);
    for (const address of Object.keys(expected.actors))
      expect(await system.replay(address)).toMatchObject({ address, same: true });
    await system.close();
    rmSync(folder, { recursive: true });
  });
});

async function eventsOf(address: string): Promise<string[]> {
  const types: string[] = [];
  for await (const { event } of system.history(address)) types.push(event.type);
  return types;
}
