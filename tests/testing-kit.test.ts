// The lie: "with heddle/testing users can try their own machines on a disk that crashes, in time that they move". A machine
// of theirs, by the published names alone.
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { createSystem } from 'heddle';
import { Disk, faulty, VirtualClock } from 'heddle/testing';

const egg = setup({ types: { events: {} as { type: 'boil' } } }).createMachine({
  initial: 'raw',
  states: { raw: { on: { boil: 'boiling' } }, boiling: { after: { 360_000: 'done' } }, done: {} },
});
const MINUTE_MS = 60_000;
const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

async function open(disk: Disk, clock: VirtualClock) {
  const logger = { log: () => {}, error: () => {} };
  const system = await createSystem({ store: faulty(disk), clock, actors: { egg }, logger });
  return { system, egg: await system.actor('egg', '1') };
}

describe('a machine of a user', () => {
  it('is tried in virtual time', async () => {
    const clock = new VirtualClock();
    const opened = await open(new Disk(), clock);
    await opened.egg.send({ type: 'boil' });
    await clock.advance(5 * MINUTE_MS, settled);
    expect(opened.egg.getSnapshot().value).toBe('boiling');
    await clock.advance(MINUTE_MS, settled);
    expect(opened.egg.getSnapshot().value).toBe('done');
    await opened.system.close();
  });

  it('comes back from a disk whose power was cut', async () => {
    const [disk, clock] = [new Disk(), new VirtualClock()];
    const before = await open(disk, clock);
    await before.egg.send({ type: 'boil' });
    await clock.advance(2 * MINUTE_MS, settled);
    disk.crash('power');
    const after = await open(disk, clock);
    expect(after.egg.getSnapshot().value).toBe('boiling');
    await clock.advance(4 * MINUTE_MS, settled);
    expect(after.egg.getSnapshot().value).toBe('done');
    expect(disk.counts.crashes).toBe(1);
    await after.system.close();
  });

  it('is told when the disk is full, and goes on when there is room again', async () => {
    const [disk, clock] = [new Disk(), new VirtualClock()];
    const opened = await open(disk, clock);
    disk.fault = () => 'before';
    await expect(opened.egg.send({ type: 'boil' })).rejects.toMatchObject({ _tag: 'StoreFenced' });
    disk.fault = undefined;
    await clock.advance(10_000, settled);
    await settled();
    await opened.egg.send({ type: 'boil' }, { id: 'boil' });
    expect(opened.egg.getSnapshot().value).toBe('boiling');
    expect(disk.counts.failed).toBeGreaterThan(0);
    await opened.system.close();
  });
});
