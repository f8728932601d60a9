// The lie: "it survives". Every ring, as small as it still proves something; `npm run ring -- <name>` runs it large.
import { beforeAll, describe, expect, it } from 'vitest';
import { childrenFromSource } from '../from-source.ts';
import type { RingOptions } from './ring.ts';
import { RINGS } from './rings.ts';

beforeAll(childrenFromSource);

const SMALL: Readonly<Record<string, RingOptions>> = {
  boundaries: { seeds: 1 },
  planted: { seeds: 12 },
  kill: { rounds: 6 },
  'disk-full': { rounds: 3 },
  bits: { rounds: 45 },
  backup: { rounds: 1 },
  elsewhere: { seeds: 30 },
  orchestration: { rounds: 3, seeds: 20 },
  otp: { seeds: 90 },
  soak: { rounds: 3, seeds: 1200 },
  supervision: { seeds: 70 },
};

describe.each(Object.entries(SMALL))('the ring %s', (name, options) => {
  it('keeps every promise', async () => {
    const report = await RINGS[name]!(options, () => {});
    console.log(JSON.stringify(report));
    expect(report.violations).toEqual([]);
    expect(report.ok).toBe(true);
  }, 120_000);
});
