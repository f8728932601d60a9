// The lie: "a pattern takes no longer than its text is long".
import { describe, expect, it } from 'vitest';
import { expressionOf } from './expression.ts';
import type { Expression } from './expression.ts';

const names = { text: { type: 'string' }, pattern: { type: 'string' } } as const;

function read(text: string): Expression {
  const reading = expressionOf(text, names, 'bool');
  if (!reading.ok) throw new Error(reading.detail);
  return reading.expression;
}

describe('a pattern', () => {
  it.each([
    ['abc', 'b', true],
    ['abc', '^b', false],
    ['ABC', '(?i)b', true],
    ['zoë', '^\\pL+$', true],
    ['2026-11-22', '^\\d{4}-\\d\\d-\\d\\d$', true],
    ['', '^$', true],
  ])('is found in %j: %j is %s', (text, pattern, found) => {
    expect(read('text.matches(pattern)').evaluate({ text, pattern })).toBe(found);
    expect(read(`text.matches(r'${pattern}')`).evaluate({ text })).toBe(found);
  });

  it.each(['(a+)+$', '^(a|a)*$', '(a|aa)+$', '^(([a-z])+.)+[A-Z]([a-z])+$'])(
    '%s that would take JavaScript for ever is done',
    (pattern) => {
      const text = `${'a'.repeat(20_000)}!`;
      expect(read('text.matches(pattern)').evaluate({ text, pattern })).toBe(false);
    },
  );

  it.each(['(', '(?=a)', '(a)\\1', 'a{2000}', '[b-a]'])(
    'that is none is refused when it is read: %s',
    (pattern) => {
      expect(() => read(`text.matches(r'${pattern}')`)).toThrow(/^has no pattern of RE2 in matches: /);
      expect(() => read('text.matches(pattern)').evaluate({ text: 'a', pattern })).toThrow(
        /^\$\{ text\.matches\(pattern\) \}: has no pattern of RE2 in matches: /,
      );
    },
  );

  it('is refused wherever it stands', () => {
    expect(() => read(`[text].exists(one, one == '' || !one.matches('('))`)).toThrow(/no pattern/);
  });

  it('cannot be asked for in another way', () => {
    expect(() => read(`text.matchesInLinearTime('a')`)).toThrow(/cannot be read/);
  });

  it('may be another each time', () => {
    const expression = read('text.matches(pattern)');
    for (let i = 0; i < 600; i++)
      expect(expression.evaluate({ text: `x${i}`, pattern: `^x${i}$` })).toBe(true);
  });
});
