/**
 * Disk full: a real disk that runs full under a running system, again and again, and is given room each time. What was
 * acknowledged stays; what was refused is not half there; and the system goes on by itself.
 *
 * It needs a small file system of its own, and so the right to mount one. Where that is not given, nothing is proven, and
 * the report says so.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assign, setup } from 'xstate';
import { createSystem, StoreFenced } from 'heddle';
import type { Receipt } from 'heddle';
import { leveldb } from 'heddle/storage';
import { Prng } from '../../runtime/testing/prng.ts';
import { Tally } from './ring.ts';
import type { Ring } from './ring.ts';
import { mountDisk, roomLeft, unmountDisk } from './small-disk.ts';

const DISK_BYTES = 24 << 20;
const ACTORS = 8;
const PAYLOAD_BYTES = 3000;
const MAX_SENDS_PER_ROUND = 4000;

const register = setup({
  types: {
    context: {} as { ids: readonly string[] },
    events: {} as { type: 'enter'; id: string; payload: string },
  },
}).createMachine({
  context: { ids: [] },
  on: { enter: { actions: assign({ ids: ({ context, event }) => [...context.ids, event.id].slice(-5) }) } },
});

export const diskFull: Ring = async ({ rounds = 5, seed = 1 }, progress) => {
  const tally = new Tally('disk-full', progress);
  const folder = mkdtempSync(join(tmpdir(), 'heddle-full-'));
  if (!mountDisk(folder, DISK_BYTES)) {
    rmSync(folder, { recursive: true, force: true });
    tally.note('skipped', 'no right to mount a file system here');
    return tally.report();
  }
  try {
    await fillAgainAndAgain(folder, rounds, new Prng(seed), tally);
  } finally {
    unmountDisk(folder);
    rmSync(folder, { recursive: true, force: true });
  }
  tally.mustHaveHappened('fences', rounds);
  tally.mustHaveHappened('acked', 100);
  return tally.report();
};

async function fillAgainAndAgain(folder: string, rounds: number, random: Prng, tally: Tally): Promise<void> {
  const open = () =>
    createSystem({
      store: leveldb(join(folder, 'store')),
      actors: { register },
      logger: { log: () => {}, error: () => tally.add('reports') },
    });
  let system = await open();
  const acked = new Map<string, Receipt>();
  const ballast = join(folder, 'ballast');
  let number = 0;
  for (let round = 1; round <= rounds; round++) {
    writeFileSync(
      ballast,
      Buffer.alloc(Math.max(0, roomLeft(folder) - (300 << 10) - random.below(200 << 10))),
    );
    let fenced = false;
    for (let i = 0; i < MAX_SENDS_PER_ROUND && !fenced; i++) {
      const ids = Array.from({ length: ACTORS }, () => `e${number++}`);
      const results = await Promise.allSettled(
        ids.map(async (id, index) => {
          const ref = await system.actor('register', `${index}`);
          const payload = Buffer.from(random.bytes(PAYLOAD_BYTES)).toString('latin1');
          acked.set(id, await ref.send({ type: 'enter', id, payload }, { id }));
        }),
      );
      for (const result of results) {
        if (result.status === 'fulfilled') continue;
        fenced = true;
        if (!(result.reason instanceof StoreFenced)) tally.violation(`refused with ${String(result.reason)}`);
        else tally.add(result.reason.applied === 'unknown' ? 'unknown' : 'notApplied');
      }
    }
    if (fenced) tally.add('fences');
    // Room again: it must go on without anybody's help.
    rmSync(ballast);
    await goesOnAgain(() => system.actor('register', '0'), `again ${round}`, tally);
    // Every other round the process ends here, in the middle of everything.
    if (round % 2 === 0) {
      await system.close();
      system = await open();
      tally.add('reopened');
    }
    tally.show(round, rounds);
  }
  await judge(system, acked, tally);
  await system.close();
}

type RegisterRef = {
  send(event: { type: 'enter'; id: string; payload: string }, options: { id: string }): Promise<Receipt>;
};

async function goesOnAgain(find: () => Promise<RegisterRef>, id: string, tally: Tally): Promise<void> {
  const until = performance.now() + 20_000;
  for (;;) {
    try {
      await (await find()).send({ type: 'enter', id, payload: '' }, { id });
      return;
    } catch (error) {
      if (performance.now() > until) return tally.violation(`it did not go on: ${String(error)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function judge(
  system: Awaited<ReturnType<typeof createSystem<{ register: typeof register }>>>,
  acked: ReadonlyMap<string, Receipt>,
  tally: Tally,
): Promise<void> {
  const applied = new Map<string, number>();
  const receipts = new Map<string, { readonly address: string; readonly seq: number }>();
  for (let i = 0; i < ACTORS; i++) {
    for await (const { id, address, seq } of system.history(`register/${i}`)) {
      if (id === undefined) continue;
      applied.set(id, (applied.get(id) ?? 0) + 1);
      receipts.set(id, { address, seq });
    }
  }
  for (const [id, { address, seq }] of acked) {
    const stored = receipts.get(id);
    if (stored === undefined) tally.add('lost');
    else if (stored.address !== address || stored.seq !== seq)
      tally.violation(`${id} stands elsewhere than its receipt says`);
  }
  for (const times of applied.values()) if (times > 1) tally.add('duplicated');
  tally.add('acked', acked.size);
  tally.add('applied', applied.size);
  if (tally.count('lost') > 0) tally.violation(`${tally.count('lost')} acknowledged events are gone`);
  if (tally.count('duplicated') > 0)
    tally.violation(`${tally.count('duplicated')} events were applied twice`);
  const { broken } = await system.verify();
  for (const { address, reason } of broken) tally.violation(`${address} is damaged: ${reason}`);
}
