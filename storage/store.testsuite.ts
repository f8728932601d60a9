/**
 * What every store must do. Each implementation runs this in its own test file.
 */
import { describe, expect, it } from 'vitest';
import type { AnchorEntry } from './anchor.ts';
import { StoreLocked } from './errors.ts';
import type { KeyRange } from './keys.ts';
import type { Entry, Store } from './store.ts';

export interface StoreSuite {
  /** A place with nothing in it, and what opens it: each call may give another store object for the same place. */
  makePlace(): { store(): Store; dispose?(): void };
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array | undefined): string | undefined => value && Buffer.from(value).toString();
const EVERYTHING: KeyRange = { gte: Uint8Array.of(0), lt: Uint8Array.of(255) };

async function write(
  store: Store,
  puts: Record<string, string>,
  deletes: readonly string[] = [],
): Promise<void> {
  const batch = store.batch();
  for (const [key, value] of Object.entries(puts)) batch.put(bytes(key), bytes(value));
  for (const key of deletes) batch.delete(bytes(key));
  await batch.write();
}

async function read(store: Store, range = EVERYTHING, options = {}): Promise<string[]> {
  const found: Entry[] = [];
  for await (const chunk of store.scan(range, options)) found.push(...chunk);
  return found.map(([key, value]) => `${text(key)}=${text(value)}`);
}

export function storeSuite(name: string, { makePlace }: StoreSuite): void {
  describe(name, () => {
    async function opened(run: (store: Store, again: () => Store) => Promise<void>): Promise<void> {
      const place = makePlace();
      const store = place.store();
      await store.open();
      try {
        await run(store, () => place.store());
      } finally {
        await store.close();
        place.dispose?.();
      }
    }

    it('gives what was put, and nothing for what was not', () =>
      opened(async (store) => {
        await write(store, { a: '1', b: '2' });
        expect(text(store.get(bytes('a')))).toBe('1');
        expect(store.get(bytes('c'))).toBeUndefined();
      }));

    it('applies the operations of a batch in order, all of them', () =>
      opened(async (store) => {
        await write(store, { a: '1', b: '1' });
        const batch = store.batch();
        batch.put(bytes('a'), bytes('2'));
        batch.delete(bytes('a'));
        batch.put(bytes('c'), bytes('3'));
        batch.delete(bytes('b'));
        batch.put(bytes('b'), bytes('4'));
        await batch.write();
        expect(await read(store)).toEqual(['b=4', 'c=3']);
      }));

    it('shows nothing of a batch before it is written', () =>
      opened(async (store) => {
        const batch = store.batch();
        batch.put(bytes('a'), bytes('1'));
        expect(store.get(bytes('a'))).toBeUndefined();
        await batch.write();
        expect(text(store.get(bytes('a')))).toBe('1');
      }));

    it('copies the bytes of a batch at once', () =>
      opened(async (store) => {
        const value = Buffer.from('before');
        const key = Buffer.from('key');
        const batch = store.batch();
        batch.put(key, value);
        value.fill('x');
        await batch.write();
        expect(text(store.get(bytes('key')))).toBe('before');
      }));

    it('gives bytes that belong to the caller', () =>
      opened(async (store) => {
        await write(store, { a: 'value' });
        store.get(bytes('a'))!.fill(0);
        expect(text(store.get(bytes('a')))).toBe('value');
      }));

    it('scans a range in the order of its bytes, forwards and backwards, up to a limit', () =>
      opened(async (store) => {
        await write(store, { b: '2', a: '1', ab: '12', c: '3' });
        const range = { gte: bytes('a'), lt: bytes('c') };
        expect(await read(store, range)).toEqual(['a=1', 'ab=12', 'b=2']);
        expect(await read(store, range, { reverse: true, limit: 2 })).toEqual(['b=2', 'ab=12']);
        const high = store.batch();
        high.put(Uint8Array.of(0x41, 0xff), bytes('high'));
        high.put(Uint8Array.of(0x41, 0x00), bytes('low'));
        await high.write();
        expect(
          (await read(store, { gte: Uint8Array.of(0x41), lt: Uint8Array.of(0x42) })).map(
            (e) => e.split('=')[1],
          ),
        ).toEqual(['low', 'high']);
      }));

    it('scans thousands of entries, and ends early when asked to', () =>
      opened(async (store) => {
        const batch = store.batch();
        for (let i = 0; i < 5000; i++)
          batch.put(bytes(`k${String(i).padStart(5, '0')}`), Buffer.alloc(300, i));
        await batch.write();
        expect((await read(store)).length).toBe(5000);
        for await (const chunk of store.scan(EVERYTHING)) {
          expect(chunk.length).toBeGreaterThan(0);
          break;
        }
        await write(store, { z: 'still works' });
      }));

    it('a scan sees the state at its start', () =>
      opened(async (store) => {
        await write(store, { a: '1', b: '2' });
        const scan = store.scan(EVERYTHING)[Symbol.asyncIterator]();
        const first = await scan.next();
        await write(store, { c: '3' }, ['a']);
        expect((first.value as readonly Entry[]).map(([key]) => text(key))).toEqual(['a', 'b']);
        expect((await scan.next()).done).toBe(true);
      }));

    it('keeps empty values and large ones', () =>
      opened(async (store) => {
        const batch = store.batch();
        const large = Buffer.alloc(3 << 20, 7);
        batch.put(bytes('empty'), new Uint8Array(0));
        batch.put(bytes('large'), large);
        await batch.write();
        expect(store.get(bytes('empty'))).toHaveLength(0);
        expect(Buffer.from(store.get(bytes('large'))!).equals(large)).toBe(true);
      }));

    it('keeps everything when it is closed and opened again, its anchor too', async () => {
      const place = makePlace();
      const store = place.store();
      await store.open();
      store.anchor.create('00112233445566778899aabbccddeeff');
      await write(store, { a: '1' });
      const entry: AnchorEntry = {
        frame: 5,
        commit: 3,
        hash: '\xff\x00'.repeat(16),
        actors: [7, 1, 2 ** 40, 7],
        born: [[7, 'order/ä/1']],
      };
      store.anchor.note([{ ...entry, frame: 4 }, entry]);
      await store.close();
      await store.close();
      const again = place.store();
      await again.open();
      expect(text(again.get(bytes('a')))).toBe('1');
      expect(again.anchor.storeId).toBe('00112233445566778899aabbccddeeff');
      expect(again.anchor.entries()).toEqual([{ ...entry, frame: 4 }, entry]);
      await again.close();
      place.dispose?.();
    });

    it('is refused to a second opener, and free again after the first has closed', () =>
      opened(async (store, again) => {
        const second = again();
        if (second === store) return;
        await expect(second.open()).rejects.toBeInstanceOf(StoreLocked);
        await store.close();
        await second.open();
        await second.close();
      }));

    it('refuses to be read or written when it is closed', async () => {
      const place = makePlace();
      const store = place.store();
      await store.open();
      await store.close();
      expect(() => store.get(bytes('a'))).toThrow(/closed/);
      expect(() => store.batch()).toThrow(/closed/);
      place.dispose?.();
    });
  });
}
