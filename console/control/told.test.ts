// The lie: "what belongs to users goes through as it is". Fields of theirs that look like ours, and the other way round.
import { expect, it } from 'vitest';
import { told } from './told.ts';

const AT = Date.UTC(2026, 10, 22);
const TEXT = '2026-11-22T00:00:00.000Z';

it('tells times as texts, wherever they are', () => {
  const run = {
    startedAt: AT,
    tasks: [{ endedAt: AT, attempts: [{ from: AT, to: AT }] }],
    waits: { until: AT },
  };
  expect(told(run)).toEqual({
    startedAt: TEXT,
    tasks: [{ endedAt: TEXT, attempts: [{ from: TEXT, to: TEXT }] }],
    waits: { until: TEXT },
  });
});

it('leaves alone what has the name of a time and is none', () => {
  const edit = { from: 'ada', to: 'sha256:00', at: 'noon', nothing: null };
  expect(told(edit)).toEqual(edit);
});

it('leaves alone what users have said', () => {
  const theirs = { at: AT, from: AT, $date: 'no date', nested: [{ since: AT }] };
  const kept = { at: AT, from: AT, $$date: 'no date', nested: [{ since: AT }] };
  expect(told({ input: { value: theirs, hash: 'x' }, shared: theirs, problem: theirs })).toEqual({
    ...{ input: { value: kept, hash: 'x' }, shared: kept, problem: kept },
  });
  expect(told({ original: theirs, content: [theirs], about: theirs, before: AT, after: theirs })).toEqual({
    ...{ original: kept, content: [kept], about: kept, before: AT, after: kept },
  });
});

it('says what JSON cannot, and leaves out what is not there', () => {
  const value = { big: 12n, none: undefined };
  expect(
    told({ input: { value }, agent: undefined, cost: Number.NaN, problem: new Error('lost') }),
  ).toMatchObject({
    input: { value: { big: { $bigint: '12' }, none: { $undefined: true } } },
    cost: { $number: 'NaN' },
    problem: { $error: { message: 'lost' } },
  });
  expect(told({ agent: undefined })).toEqual({});
  expect(told({ value: undefined })).toEqual({ value: { $undefined: true } });
});
