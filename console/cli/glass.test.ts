// The lie: "what is behind glass cannot be touched, and looks as if it could". Random writes through the glass, held against a store
// that takes them.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { memory } from 'heddle/storage';
import type { Store } from 'heddle/storage';
import { behindGlass } from './glass.ts';

const KEYS = 12;
const keyOf = (n: number): Uint8Array => Uint8Array.of(0x41, n);
const range = (from: number, to: number) => ({ gte: keyOf(from), lt: keyOf(to) });

type Write = { readonly key: number; readonly value: number | undefined };

async function write(store: Store, writes: readonly Write[]): Promise<void> {
  const batch = store.batch();
  // Whoever writes uses its buffer again.
  const reused = Buffer.alloc(1);
  for (const { key, value } of writes) {
    if (value === undefined) batch.delete(keyOf(key));
    else batch.put(keyOf(key), reused.fill(value));
  }
  await batch.write();
}

async function all(store: Store, from = 0, to = KEYS, options = {}): Promise<readonly (readonly number[])[]> {
  const found: number[][] = [];
  for await (const chunk of store.scan(range(from, to), options))
    for (const [key, value] of chunk) found.push([key[1]!, value[0]!]);
  return found;
}

const writes = fc.array(
  fc.record({ key: fc.nat(KEYS - 1), value: fc.option(fc.nat(255), { nil: undefined }) }),
  { maxLength: 10 },
);

it('shows what was written, and keeps none of it', async () => {
  const scans = fc.record({
    from: fc.nat(KEYS),
    to: fc.nat(KEYS),
    reverse: fc.boolean(),
    limit: fc.nat(KEYS),
  });
  await fc.assert(
    fc.asyncProperty(writes, fc.array(writes, { maxLength: 3 }), scans, async (before, after, scanned) => {
      const [untouched, taking] = [memory(), memory()];
      for (const store of [untouched, taking]) {
        await store.open();
        await write(store, before);
      }
      await untouched.close();
      const glass = behindGlass(untouched);
      await glass.open();
      for (const one of after) for (const store of [glass, taking]) await write(store, one);
      const { from, to, reverse, limit } = scanned;
      const options = { reverse, ...(limit > 0 && { limit }) };
      expect(await all(glass, from, to, options)).toEqual(await all(taking, from, to, options));
      for (let key = 0; key < KEYS; key++) expect(glass.get(keyOf(key))).toEqual(taking.get(keyOf(key)));
      await glass.close();
      await untouched.open();
      expect(await all(untouched)).toEqual(await storedBy(before));
      await untouched.close();
      await taking.close();
    }),
    { numRuns: 200 },
  );
});

async function storedBy(before: readonly Write[]): Promise<unknown> {
  const store = memory();
  await store.open();
  await write(store, before);
  return all(store);
}
