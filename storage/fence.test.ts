// The lie: "after a failed write nothing is acknowledged until the store is proven again". Writes fail before and after the
// disk; the handle goes on lying; what was acknowledged is taken away behind the fence, and the way back is blocked.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StoreCorrupt, StoreIo, StoreLocked } from './errors.ts';
import { Disk, faulty } from './faulty.ts';
import type { WriteFault } from './faulty.ts';
import { prove } from './fence.ts';
import { frameKey } from './keys.ts';
import { Ledger } from './ledger.ts';
import type { Chain } from './ledger.ts';

const NOW = 0;
const diskKey = (frame: number): string => Buffer.from(frameKey(frame)).toString('latin1');

/** A ledger on a disk of its own, and the chain of the one actor in it. */
async function opened(): Promise<{ disk: Disk; ledger: Ledger; chain: Chain }> {
  const disk = new Disk();
  return {
    disk,
    ledger: await Ledger.open(faulty(disk), NOW),
    chain: { seq: 0, frame: undefined, offset: 0 },
  };
}

async function commit(ledger: Ledger, chain: Chain): Promise<void> {
  ledger.record(1, chain, NOW, 1, Buffer.from(`event ${chain.seq + 1}`), undefined);
  ledger.closeFrames();
  await ledger.write(ledger.seal());
}

/** A ledger that has acknowledged so many commits, and whose next write has failed. */
async function fenced(acknowledged: number, fault: WriteFault) {
  const place = await opened();
  const { disk, ledger, chain } = place;
  for (let i = 0; i < acknowledged; i++) await commit(ledger, chain);
  const { head } = ledger;
  disk.fault = () => fault;
  await expect(commit(ledger, chain)).rejects.toThrow(/No space/);
  disk.fault = undefined;
  expect(disk.counts.failed).toBe(1);
  return { ...place, head };
}

describe('a store that is proven after a failed write', () => {
  it.each([0, 1, 3])('that never reached the disk is as it was after %i commits', async (acknowledged) => {
    const { disk, ledger, head } = await fenced(acknowledged, 'before');
    const proven = await prove(ledger, NOW);
    expect(proven).not.toBe(ledger);
    expect(proven.head).toEqual(head);
    expect(proven.id).toBe(ledger.id);
    expect(disk.keys().filter((key) => key.startsWith('F'))).toHaveLength(acknowledged);
  });

  it.each([0, 1, 3])(
    'that reached the disk nevertheless has one more than %i commits',
    async (acknowledged) => {
      const { ledger } = await fenced(acknowledged, 'after');
      const proven = await prove(ledger, NOW);
      expect(proven.head).toMatchObject({ commit: acknowledged + 1, frame: acknowledged + 1 });
    },
  );

  it('does not keep what the lying handle has acknowledged', async () => {
    const { disk, ledger, head } = await fenced(2, 'before');
    // As somebody would who does not know of the fence.
    const batch = ledger.store.batch();
    batch.put(frameKey(99), Buffer.from('acknowledged, and lost'));
    await batch.write();
    expect(ledger.store.get(frameKey(99))).toBeDefined();
    expect(disk.counts.poisoned).toBe(1);
    const proven = await prove(ledger, NOW);
    expect(proven.store.get(frameKey(99))).toBeUndefined();
    expect(proven.head).toEqual(head);
  });

  it('goes on, with numbers and chains as if nothing had been', async () => {
    const { ledger, chain } = await fenced(2, 'before');
    const proven = await prove(ledger, NOW);
    expect([proven.commit, proven.frame]).toEqual([3, 3]);
    await commit(proven, { ...chain, seq: 2 });
    expect(proven.head).toMatchObject({ commit: 3, frame: 3 });
    expect(proven.store.anchor.entries().map(({ frame }) => frame)).toEqual([1, 2, 3]);
  });

  it('holds every acknowledged commit, however often writes fail', async () => {
    const faults = fc.array(
      fc.constantFrom<WriteFault | undefined>(undefined, undefined, 'before', 'after'),
      {
        maxLength: 25,
      },
    );
    let failures = 0;
    await fc.assert(
      fc.asyncProperty(faults, async (plan) => {
        const { disk, ledger: first } = await opened();
        let ledger = first;
        const acknowledged: string[] = [];
        for (const fault of plan) {
          disk.fault = () => fault;
          try {
            await commit(ledger, { seq: 0, frame: undefined, offset: 0 });
            acknowledged.push(ledger.head.hash);
          } catch {
            disk.fault = undefined;
            failures++;
            ledger = await prove(ledger, NOW);
          }
        }
        disk.crash('power');
        const later = await Ledger.open(faulty(disk), NOW);
        const kept = later.store.anchor.entries().map(({ hash }) => hash);
        expect(kept.filter((hash) => acknowledged.includes(hash))).toEqual(acknowledged);
        for (const { frame } of later.store.anchor.entries()) expect(later.frameBytes(frame)).toBeDefined();
      }),
      { numRuns: 60 },
    );
    expect(failures).toBeGreaterThan(20);
  });
});

describe('the fence stays up', () => {
  it('because the acknowledged head is gone: that is the end, and the store is let go', async () => {
    const { disk, ledger } = await fenced(3, 'before');
    const close = ledger.store.close.bind(ledger.store);
    ledger.store.close = async () => {
      await close();
      disk.remove(diskKey(3));
    };
    const error = await prove(ledger, NOW).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StoreCorrupt);
    expect((error as StoreCorrupt).reason).toMatch(/acknowledged commit 3 \(frame 3\) is not in it any more/);
    expect(disk.taken).toBe(false);
  });

  it('because the acknowledged head is another one', async () => {
    const { disk, ledger } = await fenced(3, 'before');
    disk.flip(diskKey(3), 8 * 100);
    await expect(prove(ledger, NOW)).rejects.toBeInstanceOf(StoreCorrupt);
    expect(disk.taken).toBe(false);
  });

  it('also when the lost head was not the newest frame on the disk', async () => {
    const { disk, ledger } = await fenced(3, 'after');
    expect(disk.keys()).toContain(diskKey(4));
    disk.remove(diskKey(3));
    await expect(prove(ledger, NOW)).rejects.toThrow(/acknowledged commit 3/);
  });

  it('because the disk is still full: later it may be tried again', async () => {
    const { disk, ledger, head } = await fenced(2, 'before');
    disk.hook = () => {
      throw new Error('still full');
    };
    await expect(prove(ledger, NOW)).rejects.toBeInstanceOf(StoreIo);
    expect(disk.taken).toBe(false);
    disk.hook = () => {};
    expect((await prove(ledger, NOW)).head).toEqual(head);
  });

  it('because somebody else has taken the store meanwhile: their work is left alone', async () => {
    const { disk, ledger, chain } = await fenced(2, 'before');
    await ledger.store.close();
    const other = await Ledger.open(faulty(disk), NOW);
    await expect(prove(ledger, NOW)).rejects.toBeInstanceOf(StoreLocked);
    await commit(other, chain);
    expect(other.head.frame).toBe(3);
    await other.store.close();
    // What others have added does not matter: the acknowledged head is still there.
    expect((await prove(ledger, NOW)).head.frame).toBe(3);
  });
});
