// The lie: "docs/patterns.md says what is tested". The table of patterns is held against the titles of the tests.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const textOf = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const rows = [...textOf('docs/patterns.md').matchAll(/^\| +(\d+) \| ([^|]+)\| (\w+)( ✓)? +\|/gm)].map(
  ([, number, name, how, mark]) => ({
    number: Number(number),
    name: name!.trim(),
    how,
    isTested: mark !== undefined,
  }),
);
const titles = [
  ...textOf('machines/workflow/patterns.test.ts').matchAll(/^\s+(?:it\(|\]\)\(|\[)'(.+?)'[,\]]/gm),
].map(([, title]) => title!);
const tested = new Set(titles.flatMap((title) => title.match(/\b\d+(?= [a-z])/g) ?? []).map(Number));

describe('the table of patterns', () => {
  it('has all 43, each once', () => {
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 43 }, (_, index) => index + 1));
  });

  it('calls direct, or marks as tested, what is tested, and nothing else', () => {
    const claimed = rows.filter(({ how, isTested }) => how === 'direct' || isTested);
    expect([...tested].toSorted((a, b) => a - b)).toEqual(claimed.map(({ number }) => number));
    expect(new Set(rows.map(({ how }) => how))).toEqual(new Set(['direct', 'composed', 'refused']));
  });
});
