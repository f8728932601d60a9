// The lie: "a restart that a crash interrupts goes on where it was". The system dies after each single commit of a story, one
// turn a commit, and again and again; the tree and its actors must end up as if it had never died.
import { describe, expect, it } from 'vitest';
import { supervisor } from 'heddle';
import { backoff, child, differences, play } from '../supervised.ts';
import type { Scenario } from '../supervised.ts';

const crash = (id: string) => ({ do: 'send', to: `worker/${id}`, type: 'crash' }) as const;
const inc = (id: string) => ({ do: 'send', to: `worker/${id}`, type: 'inc' }) as const;
const end = (id: string) => ({ do: 'send', to: `worker/${id}`, type: 'end' }) as const;

const ROOMY = { intensity: 10, period: '1 minute' } as const;
const three = [child('a'), child('b'), child('c')];

const STORIES: Readonly<Record<string, Scenario>> = {
  'the first start of a nested tree': {
    tree: supervisor({
      id: 's',
      children: [
        child('a'),
        supervisor({ id: 'n', children: [child('b'), supervisor({ id: 'm', children: [child('c')] })] }),
        supervisor({ id: 'jobs', strategy: 'dynamic', start: 'job' }),
        child('d'),
      ],
    }),
    operations: [],
  },
  'a restart of all': {
    tree: supervisor({ id: 's', strategy: 'one-for-all', ...ROOMY, children: three }),
    operations: [inc('a'), inc('b'), crash('b'), inc('c'), crash('a')],
  },
  'two that fail at once': {
    tree: supervisor({ id: 's', strategy: 'one-for-all', ...ROOMY, children: three }),
    operations: [{ do: 'crash-both', to: ['worker/a', 'worker/c'] }, inc('a')],
  },
  'a restart of the rest, among them a pool': {
    tree: supervisor({
      id: 's',
      strategy: 'rest-for-one',
      ...ROOMY,
      children: [
        child('a'),
        child('b'),
        supervisor({ id: 'jobs', strategy: 'dynamic', start: 'job', ...ROOMY }),
        supervisor({ id: 'n', ...ROOMY, children: [child('c')] }),
      ],
    }),
    operations: [
      { do: 'job', id: '1' },
      { do: 'job', id: '2' },
      { do: 'send', to: 'job/1', type: 'inc' },
      { do: 'send', to: 'job/2', type: 'crash' },
      crash('b'),
      { do: 'send', to: 'job/1', type: 'inc' },
    ],
  },
  'a child that cannot be started during the restart of another': {
    tree: supervisor({
      id: 's',
      strategy: 'one-for-all',
      intensity: 4,
      period: '1 minute',
      backoff,
      children: [child('a'), child('b', { restart: { from: 'initial' } }), child('c')],
    }),
    hasBackoff: true,
    operations: [
      inc('c'),
      { do: 'break', id: 'b' },
      crash('a'),
      { do: 'advance', ms: 2000 },
      { do: 'mend', id: 'b' },
      { do: 'advance', ms: 2000 },
      inc('a'),
    ],
  },
  'a child that can never be started again': {
    tree: supervisor({
      id: 's',
      intensity: 1,
      children: [
        child('a'),
        supervisor({
          id: 'n',
          intensity: 2,
          restart: 'transient',
          children: [child('b', { restart: { from: 'initial' } }), child('c')],
        }),
      ],
    }),
    operations: [{ do: 'break', id: 'b' }, crash('b'), inc('a')],
  },
  'giving up, and its escalation': {
    tree: supervisor({
      id: 's',
      children: [
        child('z'),
        supervisor({
          id: 'm',
          strategy: 'rest-for-one',
          restart: 'transient',
          intensity: 1,
          children: [
            child('a'),
            supervisor({ id: 'n', intensity: 0, children: [child('b'), child('c')] }),
            child('d'),
          ],
        }),
      ],
    }),
    operations: [inc('b'), crash('c'), inc('d'), crash('b'), inc('z')],
  },
  'a failure that escalates': {
    tree: supervisor({
      id: 's',
      ...ROOMY,
      children: [
        child('a'),
        supervisor({ id: 'n', ...ROOMY, children: [{ id: 't', start: 'touchy', input: 't' }, child('b')] }),
      ],
    }),
    operations: [{ do: 'send', to: 'touchy/t', type: 'crash' }, inc('b')],
  },
  requests: {
    tree: supervisor({ id: 's', ...ROOMY, children: [child('a'), child('b', { restart: 'transient' })] }),
    operations: [
      { do: 'start', at: 's', id: 'x' },
      inc('x'),
      { do: 'terminate', at: 's', id: 'x' },
      { do: 'terminate', at: 's', id: 'b' },
      { do: 'restart', at: 's', id: 'x' },
      inc('x'),
      { do: 'terminate', at: 's', id: 'x' },
      { do: 'delete', at: 's', id: 'x' },
      { do: 'restart', at: 's', id: 'b' },
      inc('b'),
    ],
  },
  'beginning anew': {
    tree: supervisor({
      id: 's',
      strategy: 'one-for-all',
      ...ROOMY,
      children: [child('a', { restart: { from: 'initial' } }), child('b', { restart: { from: 'initial' } })],
    }),
    operations: [inc('a'), inc('b'), crash('a'), inc('a'), end('b'), inc('b')],
  },
  'waiting before a restart': {
    tree: supervisor({ id: 's', ...ROOMY, backoff, children: [child('a'), child('b')] }),
    hasBackoff: true,
    operations: [
      crash('a'),
      { do: 'advance', ms: 300 },
      crash('b'),
      { do: 'advance', ms: 500 },
      inc('a'),
      { do: 'advance', ms: 500 },
      inc('b'),
    ],
  },
  'the end of a significant child': {
    tree: supervisor({
      id: 's',
      ...ROOMY,
      children: [
        child('a'),
        supervisor({
          id: 'n',
          restart: 'transient',
          autoShutdown: 'any-significant',
          children: [child('b', { restart: 'transient', significant: true }), child('c')],
        }),
      ],
    }),
    operations: [inc('b'), end('b'), inc('a')],
  },
};

describe.each(Object.entries(STORIES))('%s', (_, story) => {
  it('is the same, whenever the system dies', async () => {
    const calm = await play(story);
    expect(calm.violations).toEqual([]);
    const found: string[] = [];
    for (let at = 1; at <= calm.commits; at++) {
      const told = await play(story, (_life, all) => all === at);
      expect(told.deaths).toBe(1);
      for (const difference of [...differences(calm, told), ...told.violations])
        found.push(`killed after commit ${at} of ${calm.commits}: ${difference}`);
    }
    expect(found.slice(0, 3).join('\n')).toBe('');
  });

  // Every supervisor with work to do makes a commit when it is opened: dying earlier, it gets nowhere.
  it.each([5, 8])('is the same, if it dies in every commit no. %i of its life', async (every) => {
    const calm = await play(story);
    const told = await play(story, (life) => life === every);
    expect([...differences(calm, told), ...told.violations].join('\n')).toBe('');
  });

  it('is the same in large commits, of which it survives every second', async () => {
    const calm = await play(story, undefined, 1000);
    const told = await play(story, (life) => life === 2, 1000);
    expect([...differences(calm, told), ...told.violations].join('\n')).toBe('');
  });
});
