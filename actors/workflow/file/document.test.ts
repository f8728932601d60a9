// The lie: "a file is read, or it is said where it cannot be". Files that lie deeper than anybody looks.
import { describe, expect, it } from 'vitest';
import { documentOf } from './document.ts';

describe('a document that lies too deep', () => {
  it.each([50, 1200, 100_000])('is refused with the place: %d', (depth) => {
    for (const [open, close] of [
      ['{a: ', '}'],
      ['[[', ']]'],
    ] as const) {
      const { content, problems } = documentOf(`x: ${open.repeat(depth)}${close.repeat(depth)}`);
      expect(content).toBeUndefined();
      expect(problems[0]).toMatchObject({ pointer: '#', detail: 'lies too deep', line: 1 });
      expect(problems[0]!.column).toBeGreaterThan(80);
    }
  });

  it('is read as long as it does not', () => {
    const { content, problems } = documentOf(`${'{a: '.repeat(30)}1${'}'.repeat(30)}`);
    expect(problems).toEqual([]);
    expect(JSON.stringify(content)).toContain('{"a":1}');
  });
});
