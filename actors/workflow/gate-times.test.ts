// The lie: "a gate that passes as a part of a workflow is one whose review can be opened, whatever its times".
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkReviewInput } from '../../machines/review/input.ts';
import { problemsOf } from './check.ts';
import { gate } from './declaration.ts';
import type { GateOptions } from './declaration.ts';
import { calendarFor, timesOf } from './gate-times.ts';

const OFFICE = { zone: 'UTC', hours: { mon: ['09:00-17:00'], tue: ['09:00-17:00'] } };

const time = fc.oneof(
  fc.constantFrom(
    '1 hour',
    '90 minutes',
    '2 hours',
    '8 hours',
    5000,
    0,
    0.5,
    1.5,
    -1,
    Infinity,
    NaN,
    1e300,
    'soon',
  ),
  fc.integer({ min: 1, max: 10_000_000 }),
);
const options = fc.record(
  {
    within: time,
    escalateTo: fc.constantFrom('boss', ''),
    escalatedWithin: time,
    remind: fc.array(time, { maxLength: 3 }),
    onExpire: fc.constantFrom('refuse', 'stay'),
    quorum: fc.constantFrom(1, 2, 0, 1.5, Infinity, NaN),
    calendar: fc.constantFrom(OFFICE, false),
  },
  { requiredKeys: [] },
);

it('a gate whose times make sense opens a review, and one whose times make none is refused before', () => {
  let passed = 0;
  fc.assert(
    fc.property(options, (given) => {
      const gateOptions = { ...given, role: 'editor' } as GateOptions;
      if (problemsOf({ id: 'flow', tasks: { a: gate(gateOptions) } }, () => undefined).length > 0) return;
      passed++;
      const { quorum } = gateOptions;
      const input = {
        ...{ title: 'a', proposal: {}, roles: ['editor'] },
        ...(quorum !== undefined && { quorum }),
        ...timesOf(gateOptions, calendarFor(gateOptions, undefined)),
      };
      expect(() => checkReviewInput(input)).not.toThrow();
    }),
    { numRuns: 3000 },
  );
  expect(passed).toBeGreaterThan(100);
});
