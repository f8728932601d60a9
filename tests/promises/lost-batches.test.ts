// The lie: "nothing acknowledged is lost, and what is lost is refused" - for what lies below the low-water mark, where recovery
// does not read. LevelDB drops damaged batches of its log without a word; checkpoint, name and frame go together, and what is left
// looks like an older state that nothing contradicts.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { durable, JournalCorrupt, StoreCorrupt } from 'heddle';
import { leveldb, salvage } from 'heddle/storage';
import { childrenFromSource } from '../from-source.ts';
import { openSystem } from '../../runtime/system.ts';
import { VirtualClock } from '../../runtime/testing/virtual-clock.ts';
import { ANCHOR_FILE } from '../../storage/leveldb.ts';
import { batchesIn, logOf, loseBatches } from '../rings/damage/batches.ts';
import type { LoggedBatch } from '../rings/damage/batches.ts';
import { copyStore } from '../rings/damage/injury.ts';
import { open, Opened, rejection, temporaryFolder } from './systems.ts';

beforeAll(childrenFromSource);

const counter = setup({
  types: {
    context: {} as { count: number },
    events: {} as { type: 'add'; note?: string } | { type: 'stumble' },
  },
}).createMachine({
  context: { count: 0 },
  on: {
    add: { actions: assign({ count: ({ context }) => context.count + 1 }) },
    stumble: {
      actions: assign(() => {
        throw new Error('it stumbles');
      }),
    },
  },
});
const ACTORS = { counter: durable(counter, { poison: 'resume' }) };
const IDS = ['0', '1', '2', '3', '4', '5'];
/** More than a block of the log, so that damage does not go on from one batch to all others. */
const FILLING = 'f'.repeat(40_000);

interface Worked {
  readonly folder: string;
  /** What was acknowledged, and who is who. */
  readonly counts: ReadonlyMap<string, number>;
  readonly addresses: ReadonlyMap<number, string>;
  readonly lowWater: number;
  /** The batches of each actor's second waking, by its id; '01' are those that 0 and 1 share. */
  readonly second: ReadonlyMap<string, readonly LoggedBatch[]>;
}

/** Everybody works and falls asleep, twice; then it is killed. All checkpoints are below the mark, and all in the log. */
async function worked(): Promise<Worked> {
  const original = temporaryFolder('original');
  const folder = temporaryFolder('killed');
  const clock = new VirtualClock();
  const settings = { store: leveldb(original), logger: { log: () => {}, error: () => {} } };
  const system = await openSystem(
    { ...settings, actors: ACTORS, clock },
    { logBudget: { bytes: 48 << 20, frames: 100 } },
  );
  const opened = new Opened(system, ACTORS, settings, clock, []);
  const { ledger } = opened.runtime;
  const add = (id: string, note?: string) =>
    system.get(`counter/${id}`)!.send(note === undefined ? { type: 'add' } : { type: 'add', note });
  const sleep = () => opened.advance(60_000);
  const fill = () => add('filler', FILLING);

  for (const id of [...IDS, 'filler']) await system.actor('counter', id);
  for (const id of IDS) for (let i = 0; i < 5; i++) await add(id);
  await sleep();
  const stretches = new Map<string, readonly [from: number, to: number]>();
  const stretch = async (name: string, work: () => Promise<unknown>) => {
    await fill();
    const from = ledger.head.frame + 1;
    for (let i = 0; i < 3; i++) await work();
    await sleep();
    stretches.set(name, [from, ledger.head.frame]);
  };
  for (const id of IDS.slice(2)) await stretch(id, () => add(id));
  await stretch('01', () => Promise.all([add('0'), add('1')]));
  await stretch('stumbling', () => rejection(system.get('counter/5')!.send({ type: 'stumble' })));
  await fill();
  await sleep();
  // Something above the mark, too.
  await add('filler');

  const addresses = new Map<number, string>();
  const counts = new Map<string, number>();
  for (let actor = 1; actor < ledger.nextActor; actor++)
    addresses.set(actor, opened.runtime.addressOf(actor));
  for (const id of [...IDS, 'filler'])
    counts.set(`counter/${id}`, system.get(`counter/${id}`)!.getSnapshot().context.count);
  const { lowWater } = ledger;
  copyStore(original, folder);
  await system.close();
  const second = new Map<string, readonly LoggedBatch[]>();
  for (const [name, [from, to]] of stretches)
    second.set(
      name,
      batchesIn(folder).filter(({ frame }) => frame >= from && frame <= to),
    );
  expect([...stretches.values()].every(([, to]) => to < lowWater)).toBe(true);
  return { folder, counts, addresses, lowWater, second };
}

/** Opens what is left, and looks at everybody: as it was acknowledged, or refused. Returns who is refused. */
async function examined({ folder, counts }: Worked, lost?: readonly LoggedBatch[]): Promise<string[]> {
  const frames = lost?.map(({ frame }) => frame);
  const { system, kill } = await opening(folder);
  const refused: string[] = [];
  for (const [address, count] of counts) {
    try {
      expect(system.get(address as 'counter/0')?.getSnapshot().context).toEqual({ count });
    } catch (error) {
      if (!(error instanceof JournalCorrupt)) throw error;
      if (frames !== undefined) expect(frames).toContain(error.evidence.frame);
      refused.push(address);
    }
  }
  await kill();
  return refused;
}

async function opening(folder: string) {
  const opened = await open(ACTORS, { store: leveldb(folder) });
  return { system: opened.system, kill: () => opened.kill() };
}

/** Those whose the lost frames were. */
function concerned({ addresses }: Worked, lost: readonly LoggedBatch[]): string[] {
  return [...new Set(lost.flatMap(({ actors }) => [...actors]))].map((actor) => addresses.get(actor)!).sort();
}

const CASES: readonly (readonly [what: string, pick: (second: Worked['second']) => LoggedBatch[]])[] = [
  ['the last checkpoint of one actor', (second) => second.get('2')!.slice(-1)],
  ['all that one actor did since its last sleep', (second) => [...second.get('3')!]],
  ['one batch in the middle of what it did', (second) => [second.get('3')![1]!]],
  ['a batch of several actors', (second) => second.get('01')!.slice(0, 1)],
  ['the checkpoints of several actors', (second) => second.get('01')!.slice(-1)],
  ['batches in several places', (second) => ['2', '4', '01'].map((name) => second.get(name)!.at(-1)!)],
];

describe('batches that the log has lost below the low-water mark', () => {
  it.each(CASES)('%s: those concerned are refused, the others run', async (_, pick) => {
    const world = await worked();
    const lost = loseBatches(world.folder, pick(world.second));
    expect(lost.length).toBeGreaterThan(0);
    expect(Math.max(...lost.map(({ frame }) => frame))).toBeLessThan(world.lowWater);
    const refused = await examined(world, lost);
    expect(refused.sort()).toEqual(concerned(world, lost));
    expect(refused.length).toBeLessThan(world.counts.size);
    // Not only the first time: LevelDB's log is whole again by now.
    expect(await examined(world, lost)).toEqual(refused);
  });

  it('a stretch in the middle that is zeroed', async () => {
    const world = await worked();
    const before = batchesIn(world.folder);
    const bytes = readFileSync(logOf(world.folder));
    const { at } = world.second.get('3')![0]!;
    bytes.fill(0, at, at + 4096);
    writeFileSync(logOf(world.folder), bytes);
    const left = new Set(batchesIn(world.folder).map(({ frame }) => frame));
    const lost = before.filter(({ frame }) => !left.has(frame));
    expect(lost.length).toBeGreaterThan(2);
    expect((await examined(world, lost)).sort()).toEqual(concerned(world, lost));
  });

  it('a dead letter of an actor that has no entry in the frame: it is its loss all the same', async () => {
    const world = await worked();
    const victim = world.second.get('stumbling')!.find(({ actors }) => actors.size === 0)!;
    const lost = loseBatches(world.folder, [victim]);
    expect(await examined(world, lost)).toContain('counter/5');
  });

  it('a loss of which the anchor cannot say whose it is refuses the store', async () => {
    const world = await worked();
    const [victim] = world.second.get('2')!.slice(-1);
    loseBatches(world.folder, [victim!]);
    const path = join(world.folder, ANCHOR_FILE);
    const anchor = readFileSync(path);
    const frame = Buffer.alloc(6);
    frame.writeUIntBE(victim!.frame, 0, 6);
    const at = anchor.indexOf(frame, 36);
    anchor[at + 20]! ^= 1;
    writeFileSync(path, anchor);
    const refused = await rejection(opening(world.folder));
    expect(refused).toBeInstanceOf(StoreCorrupt);
    expect(refused.message).toContain(`frame ${victim!.frame}`);
    // What is saved of it opens, and nobody in it is older than what was acknowledged.
    const saved = temporaryFolder('saved');
    await salvage({ from: world.folder, to: saved });
    const refusedThere = await examined({ ...world, folder: saved });
    expect(refusedThere).toContain('counter/2');
  });

  it('what is saved of it refuses the same', async () => {
    const world = await worked();
    loseBatches(world.folder, world.second.get('2')!.slice(-1));
    const saved = temporaryFolder('saved');
    await salvage({ from: world.folder, to: saved });
    expect(await examined({ ...world, folder: saved })).toContain('counter/2');
  });

  it('nothing is refused where nothing is lost, damaged anchor or not', async () => {
    const world = await worked();
    expect(await examined(world, [])).toEqual([]);
    const path = join(world.folder, ANCHOR_FILE);
    const anchor = readFileSync(path);
    anchor.fill(0, 40, 500);
    writeFileSync(path, anchor);
    expect(await examined(world, [])).toEqual([]);
  });
});
