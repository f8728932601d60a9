// The lie: "the seed decides everything that happens in a world". The same seed lived through twice, killed owners, clocks
// that are off, and things that happen at the same time.
import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

/** Lives through a small world: walkers that sleep, wake each other and draw chance. Gives what has happened. */
async function live(seed: number, walkers = 4): Promise<{ story: string[]; fingerprint: number }> {
  const world = new World(seed);
  const story: string[] = [];
  const walk = async (name: number): Promise<void> => {
    const chance = world.chanceFor(`walker ${name}`);
    for (let step = 0; step < 5; step++) {
      await world.sleep(chance.below(3), world);
      story.push(`${name} at ${world.nowMs}`);
    }
  };
  for (let name = 0; name < walkers; name++) void walk(name);
  await world.run();
  return { story, fingerprint: world.fingerprint };
}

async function pass(world: World, ms: number): Promise<void> {
  void world.sleep(ms, world);
  await world.run();
}

describe('a world', () => {
  it('with the same seed is the same world', async () => {
    for (const seed of [1, 2, 3]) {
      const [one, other] = [await live(seed), await live(seed)];
      expect(one.story).toHaveLength(20);
      expect(other).toEqual(one);
    }
  });

  it('with another seed is another', async () => {
    const worlds = await Promise.all([1, 2, 3, 4, 5].map((seed) => live(seed)));
    expect(new Set(worlds.map(({ fingerprint }) => fingerprint)).size).toBe(5);
    expect(new Set(worlds.map(({ story }) => story.join())).size).toBe(5);
  });

  it('lets the seed decide the order of what happens at the same time', async () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const world = new World(seed);
      let order = '';
      for (const name of ['a', 'b', 'c']) world.after(10, world, () => void (order += name));
      await world.run();
      orders.add(order);
    }
    expect([...orders].sort()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
  });

  it('lets time pass only when nothing is left to do at the present', async () => {
    const world = new World(1);
    const story: string[] = [];
    const note = (what: string): void => void story.push(`${what} at ${world.nowMs}`);
    const walk = async (): Promise<void> => {
      await Promise.resolve().then(() => null);
      note('after a promise');
      await world.sleep(0, world);
      note('at once');
      await world.sleep(5, world);
      note('a little later');
    };
    world.after(100_000, world, () => note('late'));
    world.after(10, world, () => void walk());
    world.after(-5, world, () => note('before now'));
    const before = performance.now();
    await world.run();
    expect(story).toEqual([
      'before now at 0',
      'after a promise at 10',
      'at once at 10',
      'a little later at 15',
      'late at 100000',
    ]);
    expect(performance.now() - before).toBeLessThan(50_000);
  });

  it('ends when it is told', async () => {
    const world = new World(1);
    const beats: number[] = [];
    const beat = (): void => {
      beats.push(world.nowMs);
      world.after(10, world, beat);
    };
    world.after(10, world, beat);
    await world.run(() => world.nowMs >= 50);
    expect(beats).toEqual([10, 20, 30, 40, 50]);
    await world.run(() => world.nowMs >= 70);
    expect(beats.at(-1)).toBe(70);
  });

  it('forgets what was cancelled', async () => {
    const world = new World(1);
    const story: string[] = [];
    const cancel = world.after(10, world, () => void story.push('never'));
    const late = world.after(5, world, () => cancel());
    await world.run();
    late();
    expect([story, world.nowMs]).toEqual([[], 5]);
  });

  it('kills an owner with all that it waits for, and nobody else', async () => {
    const world = new World(1);
    const [victim, survivor] = [{ boot: 1 }, { boot: 1 }];
    const story: string[] = [];
    void world.sleep(10, victim).then(() => story.push('the dead walk'));
    world.clockFor(victim).soon(() => story.push('the dead walk'));
    world.clockFor(victim).after(3, () => story.push('the dead walk'));
    world.clockFor(survivor).after(10, () => story.push('alive'));
    world.kill(victim);
    await world.run();
    expect(story).toEqual(['alive']);
  });

  it('has streams of chance that do not disturb each other', () => {
    const [one, other] = [new World(9), new World(9)];
    for (let i = 0; i < 10; i++) one.random.next();
    one.chanceFor('losses').next();
    expect(one.chanceFor('faults').next()).toBe(other.chanceFor('faults').next());
    expect(one.chanceFor('faults').next()).not.toBe(one.chanceFor('losses').next());
    expect(new World(10).chanceFor('faults').next()).not.toBe(other.chanceFor('faults').next());
  });

  it('notes whatever it is told in its fingerprint', () => {
    const fingerprints = ['', 'a', 'b', 'ab', 'ba'].map((what) => {
      const world = new World(1);
      world.note(what);
      return world.fingerprint;
    });
    expect(new Set(fingerprints).size).toBe(5);
  });
});

describe('a clock in a world', () => {
  it('says what time it is in the world, off by as much as it is said', async () => {
    const world = new World(1);
    let skewMs = 0;
    const right = world.clockFor(world);
    const off = world.clockFor(world, () => skewMs);
    await pass(world, 1500.5);
    skewMs = -400;
    const EPOCH = Date.UTC(2030, 0, 1);
    expect([right.now(), off.now()]).toEqual([EPOCH + 1500, EPOCH + 1100]);
    // Only the wall clock is off.
    expect([right.monotonicMs(), off.monotonicMs()]).toEqual([1500.5, 1500.5]);
  });

  it('calls back in the time of the world, unless it is cancelled', async () => {
    const world = new World(1);
    const clock = world.clockFor(world);
    const story: string[] = [];
    clock.after(20, () => void story.push(`after at ${world.nowMs}`));
    clock.after(10, () => void story.push('never')).cancel();
    clock.soon(() => void story.push(`soon at ${world.nowMs}`));
    expect(story).toEqual([]);
    await world.run();
    expect(story).toEqual(['soon at 0', 'after at 20']);
  });

  it('gives seeds that the seed of the world decides, others for every process', async () => {
    const seedsOf = async (seed: number): Promise<string[]> => {
      const world = new World(seed);
      const first = world.clockFor({});
      await pass(world, 7);
      const second = world.clockFor({});
      return [first, first, second].map((clock) => Buffer.from(clock.randomSeed()).toString('hex'));
    };
    const seeds = await seedsOf(5);
    expect(seeds).toEqual(await seedsOf(5));
    expect(new Set([...seeds, ...(await seedsOf(6))]).size).toBe(6);
    for (const seed of seeds) expect(seed).toHaveLength(32);
  });
});
