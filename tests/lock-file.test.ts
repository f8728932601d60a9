// The lie: "`npm ci` works everywhere". A lock file that was written where some platforms' packages could not be found does
// not name them, and `npm ci` refuses it; one that names a host works only where that host is reached.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const text = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8');
const { packages } = JSON.parse(text) as { readonly packages: Readonly<Record<string, Locked>> };

describe('the lock file', () => {
  it('names every package of every platform', () => {
    const missing: string[] = [];
    for (const [place, { optionalDependencies = {} }] of Object.entries(packages)) {
      for (const name of Object.keys(optionalDependencies)) {
        const isLocked = `${place}/node_modules/${name}` in packages || `node_modules/${name}` in packages;
        if (!isLocked) missing.push(`${name} of ${place}`);
      }
    }
    expect(missing).toEqual([]);
  });

  it('names no host', () => {
    expect(text).not.toMatch(/"resolved"|https?:\/\/registry|:\/\/[^"]*\.tgz/);
  });
});
