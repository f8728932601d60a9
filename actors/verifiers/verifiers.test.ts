// The lie: "an answer that was verified is true in what was verified". Planted wrong figures, quotes that nobody wrote, sources that
// are missing, places that are not there: each must be caught, with its place; and what is right must pass, to the last digit.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidArgument } from 'heddle';
import { citations } from './citations.ts';
import {
  compared,
  dividedBy,
  fractionOf,
  minus,
  numberOf,
  plus,
  rounded,
  times,
} from '../values/fraction.ts';
import { recompute } from './recompute.ts';
import type { Expression, Figure } from './recompute.ts';
import { rules } from './rules.ts';
import type { Predicate, Rule } from './rules.ts';
import { sample } from './sample.ts';
import { dividedFor, othersFor, verify } from './verifier.ts';
import type { Claim, Assessment, Verifier } from './verifier.ts';
import { vote } from './vote.ts';

const stored = new Map(
  Object.entries({
    'sha256:tides': 'The tide is highest\n\n  at new moon.\tIt is lowest at half moon. Cafe\u0301.',
    'sha256:rows': '{"rows":[{"amount":10.1},{"amount":20.2}]}',
    'sha256:html': '<html>',
  }),
);

function checked(output: Record<string, unknown>, rest: Partial<Claim> = {}): Claim {
  return { task: 'report/7/research', input: {}, output, sources: (hash) => stored.get(hash), ...rest };
}

const places = (assessment: Assessment): readonly string[] =>
  assessment.ok ? [] : assessment.problems.map(({ pointer }) => pointer);
const details = (assessment: Assessment): readonly string[] =>
  assessment.ok ? [] : assessment.problems.map(({ detail }) => detail);

describe('what is declared to a verifier', () => {
  const rule = { name: 'few', must: { at: '#/n', is: 'less', than: 5 } } as const;
  const quoted = { at: '#/quotes/*', quote: '#/text', source: '#/source', least: 1 };

  it.each([
    ['rules', () => rules([rule]), [rule]],
    ['citations', () => citations(quoted), quoted],
    ['a sample of rules', () => sample(rules([rule]), { share: 0.5, seed: 's' }), { share: 0.5, of: [rule] }],
  ])('stands in the task: %s', (_, made, declared) => {
    expect(made().declared).toEqual(declared);
  });

  it('stays as it was, whatever becomes of what was given', () => {
    const given = structuredClone([rule]) as { must: { than: number } }[];
    const made = rules(given as never);
    given[0]!.must.than = 100;
    expect(made.declared).toEqual([rule]);
    expect(made.check(checked({ n: 7 }))).toMatchObject({ ok: false });
  });
});

describe('citations', () => {
  const verifier = citations({
    at: '#/citations/*',
    quote: '#/quote',
    source: '#/source',
    least: 1,
    leastCharacters: 5,
  });
  const cited = (quote: unknown, source: unknown = 'sha256:tides') =>
    verifier.check(checked({ citations: [{ quote, source }] }));

  it('that stand in their source pass, with the place as evidence', () => {
    expect(cited('tide is highest at  new moon.')).toEqual({
      ok: true,
      evidence: { found: [{ pointer: '#/citations/0', source: 'sha256:tides', offset: 4 }] },
    });
    expect(cited('half moon. Caf\u00e9').ok).toBe(true);
    expect(cited('\n The tide is ').ok).toBe(true);
  });

  it.each([
    ['a word that is not there', 'tide is highest at full moon'],
    ['another case', 'the tide is highest'],
    ['words left out', 'The tide is lowest'],
    ['nothing', ''],
    ['white space', '  \n    '],
    ['too little', 'tide'],
    ['no text', 5],
    ['no quote', undefined],
  ])('with %s are caught', (_, quote) => {
    expect(places(cited(quote))).toEqual(['#/citations/0/quote']);
  });

  it.each(['sha256:unknown', 'toString', undefined, 7])('of the source %s are caught', (source) => {
    expect(
      places(
        verifier.check(
          checked({ citations: [{ quote: 'The tide', ...(source !== undefined && { source }) }] }),
        ),
      ),
    ).toEqual(['#/citations/0/source']);
  });

  it('are counted: none, a text and an object in their place are not enough', () => {
    expect(details(verifier.check(checked({ citations: [] })))).toEqual(['has 0 citations, and needs 1']);
    for (const wrong of ['The tide', {}, null, undefined]) {
      expect(verifier.check(checked({ citations: wrong })).ok).toBe(false);
    }
  });

  it('are all looked at', () => {
    const list = ['The tide is', 'invented', 'at new moon', 'invented'].map((quote) => ({
      quote,
      source: 'sha256:tides',
    }));
    expect(places(verifier.check(checked({ citations: list })))).toEqual([
      '#/citations/1/quote',
      '#/citations/3/quote',
    ]);
  });
});

describe('figures', () => {
  const input = {
    rows: [{ amount: 0.1 }, { amount: 0.2 }, { amount: 0.4 }],
    people: ['a', 'b', 'c'],
    zero: 0,
  };
  const amounts = { at: '#/rows/*/amount', in: 'input' } as const;
  const told = (is: Expression, value: unknown, rest: Partial<Figure> = {}): Assessment =>
    recompute([{ at: '#/figure', is, ...rest }]).check(
      checked(
        { figure: value, data: 'sha256:rows' },
        { input: { ...input, data: 'sha256:rows', html: 'sha256:html' } },
      ),
    );

  it.each<[what: string, is: Expression, right: number]>([
    ['sum', { sum: amounts }, 0.7],
    ['sum of sums', { sum: [{ sum: amounts }, 1] }, 1.7],
    [
      'difference',
      {
        difference: [
          { at: '#/rows/2/amount', in: 'input' },
          { at: '#/rows/0/amount', in: 'input' },
        ],
      },
      0.3,
    ],
    ['product', { product: amounts }, 0.008],
    ['ratio', { ratio: [{ sum: amounts }, { count: { at: '#/rows/*', in: 'input' } }] }, 0],
    ['mean, rounded', { round: { mean: amounts }, digits: 4, half: 'away' }, 0.2333],
    ['count', { count: { at: '#/people/*', in: 'input' } }, 3],
    ['min', { min: amounts }, 0.1],
    ['max', { max: amounts }, 0.4],
    ['a half, away', { round: 2.5, digits: 0, half: 'away' }, 3],
    ['a half, even', { round: 2.5, digits: 0, half: 'even' }, 2],
    ['a negative half', { round: -2.5, digits: 0, half: 'away' }, -3],
    ['of a source', { sum: { at: '#/rows/*/amount', in: { source: '#/data' } } }, 30.3],
    ['a number as it is', { at: '#/rows/0/amount', in: 'input' }, 0.1],
    ['of nothing', { sum: { at: '#/none/*', in: 'input' } }, 0],
  ])('%s: what is right passes, and a planted error is caught', (what, is, right) => {
    if (what === 'ratio') {
      // No decimal is a third of 0.7: without a declared rounding there is no right figure.
      for (const figure of [0.233, 0.2333333333333333, 0.23333333333333334])
        expect(told(is, figure).ok).toBe(false);
    } else if (what === 'of nothing') {
      expect(details(told(is, right))).toEqual(['cannot be recomputed: input #/none/* is not there']);
    } else {
      expect(told(is, right).ok).toBe(true);
      expect(places(told(is, right + 0.001))).toEqual(['#/figure']);
    }
  });

  it('are right as they are written: 0.1 + 0.2 is 0.3, and what a float makes of it is not', () => {
    const is: Expression = { sum: [0.1, 0.2] };
    expect(told(is, 0.3).ok).toBe(true);
    expect(told(is, 0.1 + 0.2).ok).toBe(false);
  });

  it('may be off by as much as is declared, and no more', () => {
    const is: Expression = { mean: amounts };
    expect(told(is, 0.23, { within: 0.01 }).ok).toBe(true);
    expect(told({ sum: amounts }, 0.69, { within: 0.01 }).ok).toBe(true);
    expect(told({ sum: amounts }, 0.689, { within: 0.01 }).ok).toBe(false);
  });

  it.each<[what: string, is: Expression, detail: string]>([
    ['a place that is missing', { at: '#/nowhere', in: 'input' }, 'input #/nowhere is not there'],
    ['a row without its field', { sum: { at: '#/*/0/amount', in: 'input' } }, 'is not there'],
    ['what is no number', { sum: { at: '#/people/*', in: 'input' } }, 'input #/people/0 is no number'],
    ['many where one is needed', { difference: [amounts, 1] }, '3 numbers, where one is needed'],
    ['a division by zero', { ratio: [1, { at: '#/zero', in: 'input' }] }, 'divided by zero'],
    ['a source that is not stored', { at: '#/x', in: { source: '#/people' } }, 'is not stored'],
    ['a source that is no JSON', { at: '#/x', in: { source: '#/html' } }, 'is no JSON'],
  ])('that cannot be recomputed are not right: %s', (_, is, detail) => {
    expect(details(told(is, 0))).toEqual([expect.stringContaining(detail)]);
  });

  it.each(['0.7', null, undefined, [0.7]])('must be numbers: %j is none', (figure) => {
    expect(details(told({ sum: amounts }, figure))).toEqual(['is no number']);
  });

  it('of each line are compared with the data of that line', () => {
    const verifier = recompute([
      {
        each: '#/lines/*',
        at: '#/total',
        is: {
          product: [
            { at: '#/count', in: 'each' },
            { at: '#/price', in: 'each' },
          ],
        },
      },
      { at: '#/total', is: { sum: { at: '#/lines/*/total', in: 'output' } } },
    ]);
    const lines = [
      { count: 3, price: 1.1, total: 3.3 },
      { count: 2, price: 5, total: 10 },
    ];
    expect(verifier.check(checked({ lines, total: 13.3 })).ok).toBe(true);
    const planted = [lines[0], { ...lines[1], total: 11 }];
    expect(verifier.check(checked({ lines: planted, total: 13.3 }))).toMatchObject({
      problems: [{ pointer: '#/lines/1/total' }, { pointer: '#/total' }],
      evidence: { figures: [{ recomputed: 3.3 }, { recomputed: 10 }, { recomputed: 14.3 }] },
    });
  });
});

describe('fractions', () => {
  const decimals = fc
    .tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: -12, max: 12 }))
    .map(([n, e]) => Number(`${n}e${e}`));
  const anyNumber = fc.double({ noNaN: true, noDefaultInfinity: true });

  it('give every number back', () => {
    fc.assert(
      fc.property(anyNumber, (n) => {
        expect(numberOf(fractionOf(n))).toBe(n === 0 ? 0 : n);
      }),
    );
  });

  it('calculate as one does by hand', () => {
    fc.assert(
      fc.property(decimals, decimals, decimals, (x, y, z) => {
        const [a, b, c] = [fractionOf(x), fractionOf(y), fractionOf(z)];
        expect(plus(a, plus(b, c))).toEqual(plus(plus(a, b), c));
        expect(minus(plus(a, b), b)).toEqual(a);
        expect(times(a, plus(b, c))).toEqual(plus(times(a, b), times(a, c)));
        expect(dividedBy(times(a, b), b)).toEqual(y === 0 ? undefined : a);
        expect(Math.sign(Number(compared(a, b)))).toBe(Math.sign(x - y) + 0);
      }),
    );
  });

  it('round to what is nearest, and to the even one in the middle', () => {
    fc.assert(
      fc.property(
        decimals,
        fc.nat(6),
        fc.constantFrom('away' as const, 'even' as const),
        (x, digits, half) => {
          const [value, unit] = [fractionOf(x), fractionOf(Number(`1e-${digits}`))];
          const near = rounded(value, digits, half);
          expect(dividedBy(near, unit)!.under).toBe(1n);
          const off = minus(value, near);
          const twice = times(
            { over: off.over < 0n ? -off.over : off.over, under: off.under },
            fractionOf(2),
          );
          expect(compared(twice, unit)).toBeLessThanOrEqual(0n);
          if (compared(twice, unit) === 0n && half === 'even')
            expect(dividedBy(near, unit)!.over % 2n).toBe(0n);
        },
      ),
    );
  });
});

describe('rules', () => {
  const holds = (must: Predicate, output: Record<string, unknown>, input = {}): boolean =>
    rules([{ name: 'a rule', must }]).check(checked(output, { input })).ok;

  it.each<[must: Predicate, right: Record<string, unknown>, wrong: Record<string, unknown>]>([
    [{ at: '#/a', is: 'there' }, { a: null }, {}],
    [{ at: '#/a', is: 'missing' }, {}, { a: 0 }],
    [{ at: '#/a', is: 'equal', than: { x: [1] } }, { a: { x: [1] } }, { a: { x: ['1'] } }],
    [{ at: '#/a', is: 'different', than: 1 }, { a: 2 }, { a: 1 }],
    [{ at: '#/a', is: 'at-least', than: 2 }, { a: 2 }, { a: 1.9 }],
    [{ at: '#/a', is: 'at-most', than: 2 }, { a: 2 }, { a: 2.1 }],
    [{ at: '#/a', is: 'more', than: 2 }, { a: 3 }, { a: 2 }],
    [{ at: '#/a', is: 'less', than: 2 }, { a: 1 }, { a: 2 }],
    [{ at: '#/a', is: 'one-of', than: ['x', 'y'] }, { a: 'y' }, { a: 'z' }],
    [{ at: '#/a', is: 'longer-than', than: 1 }, { a: 'ab' }, { a: '😀' }],
    [{ at: '#/a', is: 'shorter-than', than: 2 }, { a: [1] }, { a: [1, 2] }],
    [
      { at: '#/end', is: 'at-least', than: { at: '#/start', in: 'output' } },
      { start: '2024-01-01', end: '2024-01-02' },
      { start: '2024-02-01', end: '2024-01-02' },
    ],
    [{ at: '#/a/*', is: 'more', than: 0 }, { a: [1, 2] }, { a: [1, 0] }],
    [{ at: '#/a/*', is: 'more', than: 0, mayBeEmpty: true }, { a: [] }, { a: [-1] }],
    [
      {
        all: [
          { at: '#/a', is: 'there' },
          { at: '#/b', is: 'there' },
        ],
      },
      { a: 1, b: 1 },
      { a: 1 },
    ],
    [
      {
        any: [
          { at: '#/a', is: 'there' },
          { at: '#/b', is: 'there' },
        ],
      },
      { b: 1 },
      { c: 1 },
    ],
    [{ not: { at: '#/a', is: 'equal', than: 1 } }, { a: 2 }, { a: 1 }],
  ])('%j holds of %j, and not of %j', (must, right, wrong) => {
    expect([holds(must, right), holds(must, wrong)]).toEqual([true, false]);
  });

  it('never hold of what is not there, or cannot be compared', () => {
    const comparisons: Predicate[] = (
      ['at-least', 'at-most', 'more', 'less', 'different', 'equal'] as const
    ).map((is) => ({ at: '#/a', is, than: 1 }));
    for (const must of comparisons) expect([must, holds(must, {})]).toEqual([must, false]);
    for (const must of comparisons.slice(0, 4))
      expect([must, holds(must, { a: 'one' })]).toEqual([must, false]);
    expect(holds({ at: '#/a/*', is: 'more', than: 0 }, { a: [] })).toBe(false);
    expect(holds({ at: '#/a', is: 'at-most', than: { at: '#/limit', in: 'input' } }, { a: 1 })).toBe(false);
  });

  it('are not obeyed by two things that are both not there', () => {
    for (const is of ['equal', 'one-of', 'at-most'] as const) {
      const rule = rules([{ name: 'r', must: { at: '#/total', is, than: { at: '#/limit', in: 'input' } } }]);
      expect([is, rule.check(checked({})).ok]).toEqual([is, false]);
    }
  });

  it('compare with the input, count only when they should, and say their name and the place', () => {
    const declared: Rule = {
      name: 'a large amount names who has approved it',
      when: { at: '#/amount', is: 'more', than: { at: '#/limit', in: 'input' } },
      must: {
        all: [
          { at: '#/amount', is: 'there' },
          { at: '#/by', is: 'there' },
        ],
      },
    };
    const told = (output: Record<string, unknown>): Assessment =>
      rules([declared]).check(checked(output, { input: { limit: 100 } }));
    expect(told({ amount: 100 }).ok).toBe(true);
    expect(told({ amount: 101, by: 'ada' }).ok).toBe(true);
    expect(told({ amount: 101 })).toMatchObject({
      problems: [{ pointer: '#/by', keyword: 'rule', schemaPath: '#/0/must', detail: declared.name }],
    });
  });
});

describe('a vote', () => {
  const verifier = vote({ agree: 2, on: ['#/answer', '#/parts/*'] });
  const said = (answer: unknown, parts: readonly unknown[] = [1], note = '') => ({ answer, parts, note });
  const told = (output: Record<string, unknown>, ...others: Record<string, unknown>[]): Assessment =>
    verifier.check(checked(output, { others }));

  it('counts those that say the same in the declared places, whatever they say elsewhere', () => {
    expect(told(said({ a: 1, b: 2 }, [1], 'mine'), said({ b: 2, a: 1 }, [1], 'yours'))).toEqual({
      ok: true,
      evidence: { agreeing: 2, of: 2 },
    });
    expect(told(said(4), said(5), said(4)).ok).toBe(true);
  });

  it('fails where too few do, or nobody else was asked, or the places are empty', () => {
    expect(told(said(4), said(5), said('4'), said(4, [2]))).toMatchObject({
      ok: false,
      evidence: { agreeing: 1, of: 4 },
    });
    expect(told(said(4)).ok).toBe(false);
    expect(told({ parts: [] }, { parts: [] })).toMatchObject({ ok: false, evidence: { agreeing: 0, of: 2 } });
  });
});

describe('those who must be asked before', () => {
  const alone: Verifier = { name: 'alone', version: 1, check: () => ({ ok: true }) };
  const two = vote({ agree: 2, on: ['#/a'], models: 'any' });
  const five = vote({ of: 5, agree: 3, on: ['#/b'] });

  it('are as many as the one wants that wants most, and of other models if one of them says so', () => {
    expect(othersFor([alone])).toBe(undefined);
    expect(othersFor([alone, two])).toEqual({ of: 2, models: 'any' });
    expect(othersFor([two, five])).toEqual({ of: 5, models: 'different' });
  });

  it('are not asked for a task that is in no sample', () => {
    const never = sample(two, { share: 1e-9, seed: 'a' });
    const always = sample(sample(two, { share: 1, seed: 'a' }), { share: 1, seed: 'b' });
    expect(dividedFor('t', [alone, never, always, five])).toEqual([
      [alone, never],
      [always, five],
    ]);
    expect(dividedFor('t', [sample(never, { share: 1, seed: 'b' })])[1]).toEqual([]);
  });
});

describe('a sample', () => {
  const never: Verifier = { name: 'never', version: 3, check: () => ({ ok: false, problems: [] }) };

  it('asks about its share of tasks, and about the same ones again', () => {
    const asked = (share: number, seed: string): number[] => {
      const verifier = sample(never, { share, seed });
      return [...Array(2000).keys()].filter((n) => !verifier.check(checked({}, { task: `run/${n}` })).ok);
    };
    expect(asked(1, 'a')).toHaveLength(2000);
    const some = asked(0.25, 'a');
    expect(some).toEqual(asked(0.25, 'a'));
    expect(some).not.toEqual(asked(0.25, 'b'));
    expect(some.length).toBeGreaterThan(400);
    expect(some.length).toBeLessThan(600);
    expect(sample(never, { share: 1, seed: 'a' })).toMatchObject({ name: 'sample(never)', version: 3 });
  });
});

describe('several verifiers', () => {
  const right: Verifier = { name: 'right', version: 1, check: () => ({ ok: true }) };
  const broken: Verifier = {
    name: 'broken',
    version: 2,
    check: () => {
      throw new TypeError('of nothing');
    },
  };

  it('make a planted wrong figure a fault, with everything that is wrong', () => {
    const total: Verifier = recompute([{ at: '#/total', is: { sum: { at: '#/rows/*', in: 'input' } } }]);
    const quotes = citations({ at: '#/citations/*', quote: '#/quote', source: '#/source', least: 1 });
    const told = verify(
      [right, total, quotes],
      checked({ total: 6.01, citations: [] }, { input: { rows: [1, 2, 3] } }),
    );
    expect(told).toMatchObject({
      ok: false,
      findings: [{ verifier: 'right' }, { verifier: 'recompute', version: 1 }, { verifier: 'citations' }],
      fault: {
        class: 'factually-wrong',
        message: 'recompute@1, citations@1: is not what the data come to',
        problems: [{ pointer: '#/total' }, { pointer: '#/citations/*' }],
      },
    });
  });

  it('show nothing where one throws, or says no without a reason', () => {
    expect(verify([right, broken], checked({}))).toMatchObject({
      ok: false,
      fault: { problems: [{ detail: 'could not be checked: of nothing' }] },
    });
    const silent: Verifier = { name: 'silent', version: 1, check: () => ({ ok: false, problems: [] }) };
    expect(verify([silent], checked({}))).toMatchObject({
      fault: { message: 'silent@1: not shown to be right' },
    });
    expect(verify([], checked({}))).toEqual({ ok: true, findings: [] });
  });

  it.each<[what: string, says: () => unknown]>([
    ['nothing', () => undefined],
    ['true', () => true],
    ['what is neither', () => ({ ok: 'no' })],
    ['no, without problems', () => ({ ok: false })],
    ['no, with problems that are none', () => ({ ok: false, problems: ['it is wrong'] })],
    ['that it will say it later', () => Promise.resolve({ ok: true })],
    // Of which nobody would hear: it would end the process.
    ['that it will throw later', () => Promise.reject(new Error('later'))],
  ])('show nothing where one says %s', (_, says) => {
    const odd: Verifier = { name: 'odd', version: 1, check: says as Verifier['check'] };
    const found = verify([odd], checked({}));
    expect(found).toMatchObject({ ok: false, fault: { class: 'factually-wrong' } });
    expect(found.findings[0]!.assessment).toEqual({
      ok: false,
      problems: [
        {
          ...{ pointer: '#', keyword: 'verifier', schemaPath: '#' },
          detail:
            'could not be checked: a verifier says at once { ok: true }, or { ok: false, problems: [{ pointer, detail, … }] }',
        },
      ],
    });
  });
});

describe('a declaration that would check nothing, by its place', () => {
  const ref = { at: '#/a', in: 'input' } as const;
  it.each<[make: () => unknown, path: string]>([
    [() => citations({ at: 'citations', quote: '#/q', source: '#/s', least: 1 }), 'citations.at'],
    [() => citations({ at: '#/c/*', quote: '#/q/*', source: '#/s', least: 1 }), 'citations.quote'],
    [() => citations({ at: '#/c/*', quote: '#/q', source: '#/s~2', least: 1 }), 'citations.source'],
    [() => citations({ at: '#/c/*', quote: '#/q', source: '#/%', least: 1 }), 'citations.source'],
    [() => citations({ at: '#/c/*', quote: '#/q', source: '#/s', least: -1 }), 'citations.least'],
    [
      () => citations({ at: '#/c/*', quote: '#/q', source: '#/s', least: 1, leastCharacters: 0 }),
      'citations.leastCharacters',
    ],
    [() => recompute([]), 'recompute'],
    [() => recompute([{ at: '#/*', is: 1 }]), 'recompute[0].at'],
    [() => recompute([{ at: '#/a', is: { add: [] } as never }]), 'recompute[0].is'],
    [() => recompute([{ at: '#/a', is: { sum: [], count: ref } }]), 'recompute[0].is.count'],
    [() => recompute([{ at: '#/a', is: { sum: [] } }]), 'recompute[0].is.sum'],
    [
      () => recompute([{ at: '#/a', is: { sum: [{ at: '#/a', in: 'nowhere' as never }] } }]),
      'recompute[0].is.sum[0].in',
    ],
    [() => recompute([{ at: '#/a', is: { ratio: [1] as never } }]), 'recompute[0].is.ratio'],
    [() => recompute([{ at: '#/a', is: { round: 1, digits: -1, half: 'away' } }]), 'recompute[0].is.digits'],
    [
      () => recompute([{ at: '#/a', is: { round: 1, digits: 1, half: 'up' as never } }]),
      'recompute[0].is.half',
    ],
    [() => recompute([{ at: '#/a', is: 1, within: Number.NaN }]), 'recompute[0].within'],
    [() => recompute([{ at: '#/a', is: Number.NaN }]), 'recompute[0].is'],
    [() => rules([]), 'rules'],
    [() => rules([{ name: '', must: { at: '#/a', is: 'there' } }]), 'rules[0].name'],
    [() => rules([{ name: 'r', must: { at: '#/a', is: 'nice' as never } }]), 'rules[0].must.is'],
    [() => rules([{ name: 'r', must: { at: '#/a', is: 'toString' as never } }]), 'rules[0].must.is'],
    [() => rules([{ name: 'r', must: { at: '#/a', is: 'equal' } }]), 'rules[0].must.than'],
    [() => rules([{ name: 'r', must: { at: '#/a', is: 'there', than: 1 } }]), 'rules[0].must.than'],
    [() => rules([{ name: 'r', must: { all: [] } }]), 'rules[0].must.all'],
    [() => rules([{ name: 'r', must: { not: { at: 'a', is: 'there' } } }]), 'rules[0].must.not.at'],
    [
      () => rules([{ name: 'r', must: { at: '#/a', is: 'equal', than: { at: '#/*', in: 'input' } } }]),
      'rules[0].must.than.at',
    ],
    [() => vote({ agree: 1, on: ['#/a'] }), 'vote.agree'],
    [() => vote({ agree: 2, of: 1, on: ['#/a'] }), 'vote.of'],
    [() => vote({ agree: 3, of: 2, on: ['#/a'] }), 'vote.agree'],
    [() => vote({ agree: 2, on: ['#/a'], models: 'all' as never }), 'vote.models'],
    [() => vote({ agree: 2, on: ['#/a'], among: 3 } as never), 'vote.among'],
    [() => vote(undefined as never), 'vote'],
    [() => vote({ agree: 2, on: [] }), 'vote.on'],
    [() => vote({ agree: 2, on: ['a'] }), 'vote.on[0]'],
    [() => sample(vote({ agree: 2, on: ['#'] }), { share: 0, seed: 'a' }), 'sample.share'],
    [() => sample(vote({ agree: 2, on: ['#'] }), { share: 0.5, seed: '' }), 'sample.seed'],
  ])('%# is refused', (make, path) => {
    try {
      make();
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidArgument);
      expect((error as InvalidArgument).path).toBe(path);
    }
  });
});
