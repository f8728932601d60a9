// The lies: "a shadow has no effect": it must not be told what would make it one; "whoever was not asked has done it well", "or badly".
import { expect, it } from 'vitest';
import type { Micros } from '../values/money.ts';
import { strategies } from '../faults/strategies.ts';
import { beginning } from './progress.ts';
import type { TaskContext } from './progress.ts';
import { reports, shadowAsks } from './reporting.ts';
import type { Advised, TaskSpec } from './words.ts';

const SPEC: TaskSpec = {
  ...{ timeoutMs: 1000, deadlineMs: undefined, threshold: 0, strategy: strategies.standard, maxAttempts: 9 },
  ...{ reviewers: undefined, escalateTo: undefined, verifies: false, chunks: true },
};

const shadow = { agent: 'shade', address: 'shadow/shade', permits: [], account: undefined, compare: [] };

it('tells of every attempt that is over, but not of one that asked nobody', () => {
  const note = { agent: 'clerk', key: 'k', from: 1, record: 'record/clerk', capability: 'c' } as const;
  const log: TaskContext['log'] = [
    { ...note, number: 1, to: 3, fault: 'timeout' },
    { ...note, number: 2, to: 5, cost: 0 as Micros, unasked: true, fault: 'timeout' },
    { ...note, number: 3, to: 8 },
    { ...note, number: 4, to: 9, cost: 0 as Micros, unasked: true },
  ];
  const [told, ...others] = reports({ log, reported: 0 } as unknown as TaskContext);
  expect(others).toEqual([]);
  expect(told!.message.attempts).toEqual([{ durationMs: 2, fault: 'timeout' }, { durationMs: 7 }]);
});

it('is told neither where the bill of the task goes, nor what a person has supplied, nor what parts are done', () => {
  const start = { workflow: 'w', run: 'w/1', task: 't', account: 'w/1/account', input: {}, values: {} };
  const advice = {
    ...{ agent: 'clerk', permits: [], maxCost: 100 as Micros, accounts: [] },
    shadows: [{ ...shadow, maxCost: 10 as Micros }],
  } as unknown as Advised;
  const context: TaskContext = {
    ...beginning(start, 'w/1/t', SPEC, 0),
    ...{ advice, attempts: 1, ticket: 'w/1/t#1', accounts: ['w/1/account'], inParts: true },
    ...{
      parts: { cuts: [], answers: [] },
      supplied: {
        terms: { role: 'clerk', schema: 'sha256:…' },
        verdict: 'approved',
        people: [],
        durationMs: 1,
      },
    },
  };
  const [told] = shadowAsks(context, SPEC);
  expect(Object.keys(told!.message.asking).toSorted()).toEqual([
    'agent',
    'attempt',
    'envelope',
    'idempotencyKey',
    'permits',
    'problems',
  ]);
});
