// The lie: "the same machine runs under createActor and under Heddle". Every scenario under both, and under Heddle with
// the system closed and opened again after every message, and killed after every commit: same states, contexts, emits
// and side effects.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leveldb, memory } from 'heddle/storage';
import { playDurable, playPlain } from './drivers.ts';
import { everythingScenario } from './everything.ts';
import { takeAttempts, takeEffects } from './scenario.ts';
import type { View } from './scenario.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'heddle-differential-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each([everythingScenario(true), everythingScenario(false)])('$name', (scenario) => {
  let plain: Awaited<ReturnType<typeof playPlain>>;
  beforeAll(async () => void (plain = await playPlain(scenario)));

  function compare(views: readonly View[]): void {
    expect(views.length).toBe(plain.views.length);
    views.forEach((view, step) =>
      expect(view, `step ${step}: ${JSON.stringify(scenario.script[step - 1])}`).toEqual(plain.views[step]),
    );
  }

  it.each([
    ['in memory', () => memory()],
    ['on LevelDB', () => leveldb(join(folder, `${scenario.name} undisturbed`))],
  ])('undisturbed, %s', async (_, store) => {
    const { views, attempts, dying } = await playDurable(scenario, store(), 'undisturbed');
    compare(views);
    expect([...attempts].sort()).toEqual([...plain.attempts].sort());
    await dying.system.close();
  });

  it('closed and opened again after every message, on LevelDB', async () => {
    const { views, attempts, dying, reopened } = await playDurable(
      scenario,
      leveldb(join(folder, `${scenario.name} reopened`)),
      'reopened',
    );
    compare(views);
    expect(new Set(attempts)).toEqual(new Set(plain.attempts).add('ticker stops'));
    expect(reopened).toBeGreaterThanOrEqual(scenario.script.length);
    await dying.system.close();
  });

  it('told again from the journal alone, without a side effect', async () => {
    const { dying } = await playDurable(scenario, memory(), 'undisturbed');
    takeEffects();
    for (const address of [
      'subject/s',
      'subject/s/w0',
      'subject/s/slot',
      'subject/s/cnt',
      'subject/s/tick',
      'subject/s/price',
    ]) {
      const result = await dying.system.replay(address);
      expect(result).toMatchObject({ address, same: true, difference: undefined });
      expect(result.records).toBeGreaterThan(1);
    }
    expect([takeEffects(), takeAttempts()]).toEqual([[], []]);
    await dying.system.close();
  });
});

describe('everything but observables', () => {
  const scenario = everythingScenario(false);

  it('killed after every commit, on LevelDB', async () => {
    const plain = await playPlain(scenario);
    const { views, attempts, dying, deaths } = await playDurable(
      scenario,
      leveldb(join(folder, 'killed')),
      'killed',
    );
    views.forEach((view, step) =>
      expect(view, `step ${step}: ${JSON.stringify(scenario.script[step - 1])}`).toEqual(plain.views[step]),
    );
    // A process that dies with the system starts again; one that is over never does.
    expect(new Set(attempts)).toEqual(new Set(plain.attempts));
    expect(deaths).toBeGreaterThan(scenario.script.length);
    await dying.close();
  });
});
