// The lies: "what is not sure enough is not taken", "how sure it says it is, is how sure it is", "a quote stands where it is said to".
import { citations, task, workflow } from 'heddle/actors';
import type { Agent } from 'heddle/actors';
import { describe, expect, it } from 'vitest';
import { endOf, everybodyMay, staffed, started, taskOf, worker } from './staffed.ts';

const sure = (confidence: number, calibration?: readonly (readonly [number, number])[]): Agent =>
  worker('clerk', () => ({ output: { done: true }, metadata: { confidence } }), {
    ...(calibration !== undefined && { calibration }),
  });

const asksFor = (quality: number) =>
  workflow({ id: 'flow', tasks: { one: task({ capability: 'work', quality, reviewers: 'editor' }) } });

describe('a task that asks for 0.8', () => {
  it.each([
    [0.8, undefined, 0.8, 'done'],
    [0.79, undefined, 0.79, 'reviewing'],
    // Whoever says 0.9 is right in 8 of 10 cases, or in fewer.
    [
      0.9,
      [
        [0, 0],
        [0.9, 0.8],
      ] as const,
      0.8,
      'done',
    ],
    [
      0.89,
      [
        [0, 0],
        [0.9, 0.8],
      ] as const,
      0,
      'reviewing',
    ],
    [1, [[0, 0.79]] as const, 0.79, 'reviewing'],
  ])('and gets %d, calibrated by %j, which is worth %d, is %s', async (says, calibration, worth, state) => {
    const opened = await staffed({ flow: asksFor(0.8), clerk: sure(says, calibration) });
    await started(opened);
    const { value } = opened.system.get('flow/1/one')!.getSnapshot() as { value: unknown };
    expect([value, taskOf(opened, 'flow/1/one').log[0]!.confidence]).toEqual([state, worth]);
    expect(endOf(opened, 'flow/1').status).toBe(state === 'done' ? 'done' : 'active');
  });

  it('asks those it escalates to for people, where nobody else is named', async () => {
    const one = task({ capability: 'work', quality: 0.8, onError: { escalateTo: 'boss' } });
    const flow = workflow({ id: 'flow', tasks: { one } });
    const opened = await staffed({ flow, clerk: sure(0.5) }, { decider: everybodyMay });
    await started(opened);
    const found = [];
    for await (const { id } of opened.system.reviews.pending({ role: 'boss' })) found.push(id);
    expect(found).toEqual(['flow/1/one/review']);
  });

  it('finds no agent whose calibration makes no sense', () => {
    expect(() => sure(1, [[0.5, 1]])).toThrow(
      expect.objectContaining({
        _tag: 'ContractRefused',
        problems: [expect.objectContaining({ pointer: '#/calibration' })],
      }),
    );
  });
});

describe('a quote', () => {
  const quotes = citations({ at: '#/citations/*', quote: '#/quote', source: '#/source', least: 1 });
  const flow = workflow({
    id: 'flow',
    tasks: { one: task({ capability: 'work', verify: [quotes], reviewers: 'editor' }) },
  });
  const stored = new Map([['sha256:a', 'The tide comes twice a day.']]);

  it.each([
    ['that stands in the stored source is taken', 'comes twice a day', 'sha256:a', 'done'],
    ['that does not stand there is not', 'comes three times a day', 'sha256:a', 'reviewing'],
    ['of a source that nobody has stored is not', 'comes twice a day', 'sha256:b', 'reviewing'],
  ])('%s', async (_, quote, source, state) => {
    const clerk = worker('clerk', () => ({ citations: [{ quote, source }] }));
    const opened = await staffed({ flow, clerk }, { sources: (hash) => stored.get(hash) });
    await started(opened);
    await opened.advance(10_000);
    const { value } = opened.system.get('flow/1/one')!.getSnapshot() as { value: unknown };
    expect(value).toBe(state);
    const faults = taskOf(opened, 'flow/1/one').log.map(({ fault }) => fault);
    expect(faults[0]).toBe(state === 'done' ? undefined : 'factually-wrong');
  });
});
