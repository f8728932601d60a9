// The lie: "it is said why a task is where it is".
import { describe, expect, it } from 'vitest';
import { attemptWords, becauseWords } from './run-status.ts';

type Part = Parameters<typeof becauseWords>[0];

const failed: Part['attempts'] = [
  {
    number: 1,
    agent: 'ann',
    key: 'k',
    from: '2030-01-01T00:00:00.000Z',
    fault: 'crash',
    message: 'it broke',
    move: 'stale',
  },
];

describe('a task', () => {
  it.each<[string, Partial<Part>]>([
    ['', {}],
    ['it was skipped', { because: 'it was skipped' }],
    ['crash: it broke', { problem: { class: 'crash', message: 'it broke' } }],
    ['crash: it broke; then stale', { attempts: failed }],
    ['taken though it is the default', { ground: 'default', attempts: failed }],
    ['taken though it had to be repaired', { ground: 'repaired' }],
    [
      'nobody could answer: taken is what flow/1/a was answered at 2030-01-01T00:00:00.000Z',
      {
        ground: 'stale',
        attempts: failed,
        recalled: { task: 'flow/1/a', agent: 'ann', output: 'sha256:x', at: '2030-01-01T00:00:00.000Z' },
      },
    ],
  ])('says %j', (words, part) => {
    expect(becauseWords({ attempts: [], ...part })).toBe(words);
  });

  it('says what others have written in a way that cannot paint', () => {
    expect(becauseWords({ attempts: [], because: 'red \u001b[31m' })).not.toContain('\u001b');
  });
});

describe('an attempt', () => {
  it('says what was wrong with it, or that nobody was asked', () => {
    expect(attemptWords({ message: 'it broke' })).toBe('it broke');
    expect(attemptWords({ unasked: true })).toBe('nobody was asked: it was given up before');
    expect(attemptWords({})).toBe('');
  });
});
