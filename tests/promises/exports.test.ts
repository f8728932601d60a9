// The lie: "a run can be taken out of its store, and told again anywhere; and what has failed in it is a test that is red until it is
// mended". Runs of all kinds, told by their own code, by changed code, and by code that mends them; texts that were tampered with.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { setup, spawnChild } from 'xstate';
import { check, durable, reproduce } from 'heddle';
import { Codec } from '../../storage/codec.ts';
import { order } from './exported-order.ts';
import { afterwards, collect, open, rejection } from './systems.ts';

async function run(options: Parameters<typeof order>[0], poison: 'resume' | 'fail' = 'resume') {
  const opened = await open({ order: durable(order(options), { poison }) });
  const ref = await opened.system.actor('order', '1');
  for (const n of [1, 2, 7, 4]) {
    await ref.send({ type: 'add', n }).catch(() => {});
    await opened.settle();
  }
  await ref.send({ type: 'double' }).catch(() => {});
  await opened.settle();
  await ref.send({ type: 'ask' }).catch(() => {});
  await opened.settle();
  return opened;
}

/** The same with other lines, and the seal of those. */
function resealed(history: string, change: (line: Record<string, unknown>) => unknown): string {
  const lines = history.split('\n').slice(0, -2);
  const text = lines
    .map((line) => change(JSON.parse(line) as Record<string, unknown>))
    .flatMap((line) => (line === undefined ? [] : `${JSON.stringify(line)}\n`))
    .join('');
  return `${text}${JSON.stringify({ sha256: createHash('sha256').update(text).digest('hex') })}\n`;
}

/** The same where a child is born to somebody else, or to nobody. */
function bornTo(parent: readonly number[] | undefined, history: string): string {
  const codec = new Codec();
  return resealed(history, (line) => {
    if (line.address !== 'order/1/kid' || line.seq !== 1) return line;
    const trailer = codec.unpack(Buffer.from(line.trailer as string, 'base64')) as { b: object };
    const { parent: _, ...birth } = trailer.b as { parent: unknown };
    const other = { ...trailer, b: { ...birth, ...(parent && { parent }) } };
    return { ...line, trailer: codec.packAs(0, other).toString('base64') };
  });
}

const byAddress = ([a]: unknown[], [b]: unknown[]): number => (String(a) < String(b) ? -1 : 1);

describe('an exported history', () => {
  it('is told again without its store, by the same code', async () => {
    const opened = await run({});
    const history = await opened.system.export('order/1');
    await opened.system.close();
    const results = await check({ actors: { order: order() }, history });
    expect(results.map(({ address, same }) => [address, same]).toSorted(byAddress)).toEqual([
      ['order/1', true],
      [expect.stringMatching(/^order\/1\/.*doubling/), true],
      ['order/1/kid', true],
    ]);
    expect(results[0]).toMatchObject({ address: 'order/1', records: 9 });
  });

  it('says where other code departs from it: in what it asks for, or in the state it comes to', async () => {
    const opened = await run({});
    const history = await opened.system.export('order/1');
    const [other] = await check({ actors: { order: order({ add: (a, b) => a + 2 * b }) }, history });
    // In the end the state is the same, because a recorded result replaces it; but it was another on the way.
    expect(other).toMatchObject({ same: false, difference: { seq: 2, path: 'state' } });
    const [calling] = await check({ actors: { order: order({ extra: 1 }) }, history });
    // Its states are the same; what it gives to its promise is not.
    expect(calling).toMatchObject({
      same: false,
      difference: { seq: 6, path: 'intents[0].input.n', recorded: 14, today: 15 },
    });
    const [throwing] = await check({ actors: { order: order({ fails: true }) }, history });
    expect(throwing).toMatchObject({
      same: false,
      records: 4,
      difference: { seq: 4, path: 'step', today: 'it throws: TypeError: cannot take a seven' },
    });
  });

  it('can end before the run does', async () => {
    const opened = await run({});
    const history = await opened.system.export('order/1', { to: 3 });
    const results = await check({ actors: { order: order() }, history });
    expect(results.map(({ address, records }) => [address, records])).toEqual([
      ['order/1', 3],
      ['order/1/kid', 1],
    ]);
  });

  it('needs the logic that it is of', async () => {
    const opened = await run({});
    const history = await opened.system.export('order/1');
    expect(await rejection(check({ actors: { other: order() }, history }))).toMatchObject({
      _tag: 'UnknownActor',
      message: expect.stringContaining('order') as string,
    });
  });

  it('is refused when anything of it was changed, left out, or added', async () => {
    const opened = await run({});
    const history = await opened.system.export('order/1');
    const lines = history.split('\n');
    const tampered: string[] = [
      '',
      'no history',
      '{}\n',
      history.slice(0, -1),
      history.slice(0, history.length / 2),
      lines.filter((_, i) => i !== 3).join('\n'),
      lines.toSpliced(3, 0, lines[3]!).join('\n'),
      history.replace('"n":7', '"n":8'),
      history.replace('"format":1', '"format":2'),
      `${history}\n`,
      history.replaceAll('\n', '\r\n'),
    ];
    for (const text of tampered)
      expect([
        text.slice(0, 40),
        await rejection(check({ actors: { order: order() }, history: text })),
      ]).toMatchObject([text.slice(0, 40), { _tag: 'HistoryDamaged', code: 'HEDDLE_HISTORY_DAMAGED' }]);
  });
});

describe('an imported history', () => {
  it('lives on in another store, from where it has ended, and does nothing before it is told to', async () => {
    const opened = await run({});
    const { context } = opened.system.get('order/1')!.getSnapshot();
    const { seq: to } = await opened.system.get('order/1')!.send({ type: 'double' });
    // In the middle of a call.
    const history = await opened.system.export('order/1', { to });
    await opened.system.close();
    // Other actors have the numbers there that these had.
    const other = await open({ order: order() });
    for (const id of ['a', 'b', 'c']) await other.system.actor('order', id);
    const ref = await other.system.import({ history, by: 'ada' });
    expect(ref.address).toBe('order/1');
    expect(ref.getSnapshot()).toMatchObject({ value: 'doubling', context });
    await other.settle();
    expect(ref.getSnapshot()).toMatchObject({ value: 'doubling' });
    const [born] = await collect(other.system.history('order/1'));
    expect(born!.event).toMatchObject({
      type: 'heddle.imported',
      by: 'ada',
      of: { address: 'order/1' },
      effects: 'hold',
    });
    await other.system.perform('order/1');
    await other.settle();
    expect(ref.getSnapshot()).toMatchObject({ value: 'open', context: { total: context.total * 2 } });
    // Its child came along.
    await ref.send({ type: 'ask' });
    await other.settle();
    expect(ref.getSnapshot()).toMatchObject({ context: { told: [3, 3] } });
    expect(await other.system.verify()).toMatchObject({ broken: [] });
    const later = await other.crash();
    expect(later.system.get('order/1')!.getSnapshot()).toMatchObject({ context: { told: [3, 3] } });
    for (const id of ['a', 'b', 'c'])
      expect(later.system.get(`order/${id}`)!.getSnapshot().context.total).toBe(0);
  });

  it('is nobody but who it says, and those below: a text that was made up takes no other place', async () => {
    const opened = await run({});
    const history = await opened.system.export('order/1');
    const other = await open({ order: order() });
    const there = await other.system.actor('order', 'abc');
    await there.send({ type: 'add', n: 5 } as never);
    const before = await other.system.verify();
    const state = there.getSnapshot();
    const said = (from: string, to: string) =>
      resealed(history, (line) => (line.address === from ? { ...line, address: to } : line));
    for (const text of [
      said('order/1', 'order/1bc'),
      said('order/1/kid', 'order/1bc'),
      said('order/1/kid', 'order/1'),
      said('order/1/kid', 'order/1/other'),
      said('order/1', 'order/1/kid'),
      resealed(history, (line) => (line.address === undefined ? line : undefined)),
      resealed(history, (line) => (line.heddle === undefined ? line : { ...line, root: 'order/1/kid' })),
      ...[null, 7, 'x', {}].map((odd) => resealed(history, (line) => (line.seq === 1 ? odd : line))),
      ...[null, 7, '', {}, 'xwA=', '3P//', 'Bw==', 'wA==', 'gA=='].map((bytes) =>
        resealed(history, (line) => ({ ...line, bytes })),
      ),
      ...['3P//', '2f8='].map((trailer) => resealed(history, (line) => ({ ...line, trailer }))),
      ...[null, 7, {}].map((address) => resealed(history, (line) => ({ ...line, address }))),
      ...[[99_999, 1], undefined].map((parent) => bornTo(parent, history)),
    ])
      expect(await rejection(other.system.import({ history: text, as: 'order/a' }))).toMatchObject({
        _tag: 'HistoryDamaged',
      });
    expect(await other.system.verify()).toEqual(before);
    expect(other.system.get('order/abc')!.getSnapshot()).toEqual(state);
  });

  it('is refused where nobody knows what is to be born in it, and nothing of it is there', async () => {
    const clerk = setup({}).createMachine({});
    const desk = (actors: object) => ({
      desk: setup({ actors } as { actors: { clerk: typeof clerk } }).createMachine({
        entry: spawnChild('clerk', { id: 'clerk' }),
      }),
    });
    const opened = await open(desk({ clerk }));
    await opened.system.start('desk', { id: '1' });
    await opened.system.fork('desk/1', { at: 1, as: 'desk/2' });
    const history = await opened.system.export('desk/2', { to: 1 });
    const other = await open(desk({}));
    expect(await rejection(other.system.import({ history }))).toMatchObject({ _tag: 'StoryChanged' });
    expect(other.system.get('desk/2')).toBeUndefined();
    expect((await other.system.verify()).broken).toEqual([]);
    const third = await open(desk({ clerk }));
    await third.system.import({ history });
    await third.settle();
    expect(third.system.get('desk/2/clerk')).toBeDefined();
  });

  it('is refused where its address is taken, its name unknown, its story another, or its text damaged', async () => {
    const opened = await run({});
    const history = await opened.system.export('order/1');
    const other = await open({ order: order({ fails: true }) });
    const before = await other.system.verify();
    expect(await rejection(other.system.import({ history }))).toMatchObject({ _tag: 'StoryChanged' });
    expect(await rejection(other.system.import({ history: history.slice(1) }))).toMatchObject({
      _tag: 'HistoryDamaged',
    });
    expect(await rejection(other.system.import({ history: 7 as never }))).toMatchObject({ path: 'history' });
    expect(await rejection(other.system.import({ history, as: 'other/1' }))).toMatchObject({ path: 'as' });
    expect(await rejection(other.system.import({ history, effects: 'reuse' as never }))).toMatchObject({
      path: 'effects',
    });
    expect(await other.system.verify()).toEqual(before);
    expect(await rejection(opened.system.import({ history }))).toMatchObject({
      _tag: 'ActorExists',
      message: expect.stringMatching(/give another address in `as`$/) as string,
    });
    const third = await open({ nothing: order() });
    expect(await rejection(third.system.import({ history }))).toMatchObject({ _tag: 'UnknownActor' });
    const again = await opened.system.import({ history, as: 'order/2' });
    expect(again.getSnapshot()).toMatchObject({
      context: opened.system.get('order/1')!.getSnapshot().context,
    });
  });
});

describe('a run that has failed', () => {
  it.each(['resume', 'fail'] as const)('fails again until it is mended, with poison: %s', async (poison) => {
    const opened = await run({ fails: true }, poison);
    const letters = await collect(opened.system.deadLetters());
    expect(letters).toHaveLength(1);
    const history = await opened.system.export('order/1');
    const red = await reproduce({ actors: { order: order({ fails: true }) }, history });
    expect(red.differences).toEqual([]);
    expect(red.failures.length).toBeGreaterThan(0);
    for (const failure of red.failures)
      expect(failure).toMatchObject({
        address: 'order/1',
        event: 'add',
        error: 'it throws: TypeError: cannot take a seven',
      });
    expect(await reproduce({ actors: { order: order() }, history })).toEqual({
      failures: [],
      differences: [],
    });
  });

  it('below its root fails again where it has failed', async () => {
    const opened = await run({ kidFails: true });
    const history = await opened.system.export('order/1');
    const { failures } = await reproduce({ actors: { order: order({ kidFails: true }) }, history });
    expect(failures[0]).toMatchObject({
      address: 'order/1/kid',
      event: 'ask',
      error: 'it throws: Error: not three',
    });
    expect(await reproduce({ actors: { order: order() }, history })).toEqual({
      failures: [],
      differences: [],
    });
  });

  it('makes a test that is red, and green when the code is mended', async () => {
    const opened = await run({ fails: true });
    const { history, test } = await opened.system.fixture('order/1', { actors: './actors.ts' });
    // Within the project, so that its packages are found.
    const folder = mkdtempSync(join(fileURLToPath(new URL('.', import.meta.url)), 'fixture-'));
    afterwards(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, history.name), history.text);
    writeFileSync(join(folder, test.name), test.text);
    const outcomes = [true, false].map((fails) => {
      writeFileSync(join(folder, 'actors.ts'), actorsModule(fails));
      return passes(join(folder, test.name));
    });
    expect(outcomes).toEqual([false, true]);
  }, 60_000);
});

/** The same logic, as a module. */
function actorsModule(fails: boolean): string {
  return `import { order } from '../exported-order.ts';
export const actors = { order: order({ fails: ${fails} }) };
`;
}

function passes(file: string): boolean {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  try {
    execFileSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', file], {
      cwd: root,
      stdio: 'pipe',
    });
    return true;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: Buffer; stderr: Buffer };
    expect(`${String(stdout)}${String(stderr)}`).toContain('cannot take a seven');
    return false;
  }
}
