// Hunts the lie that was planted: in the words shown, in the quote, in its place, or in the source.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDocument, type Source } from './document.ts';
import { checkSummaries, checkSummary, readFigures, type Reason } from './factcheck.ts';
import { SOURCES, TIDES, anyText } from './fixtures.ts';
import { summarise, type Citation, type Summary } from './summary.ts';

const SUMMARIES: Summary[] = SOURCES.map((source) => summarise(source));
const [TIDES_SUMMARY] = SUMMARIES as [Summary];

/** The summary of the tides with its citation at `at` changed. */
function planted(change: Partial<Citation>, at = 0): Summary {
  const sentences = TIDES_SUMMARY.sentences.map((citation, i) =>
    i === at ? { ...citation, ...change } : citation,
  );
  return { ...TIDES_SUMMARY, sentences };
}

function verdictOn(summary: Summary, source: Source | undefined, at = 0) {
  return checkSummary(summary, source)[at]!;
}

test('an honest summary passes, citation by citation', () => {
  const verdicts = checkSummaries(SUMMARIES, SOURCES);
  expect(verdicts).toHaveLength(SUMMARIES.reduce((sum, { sentences }) => sum + sentences.length, 0));
  for (const verdict of verdicts) expect(verdict).toMatchObject({ ok: true, occurrences: 1 });
});

describe('a planted lie is named', () => {
  const [first, second] = TIDES_SUMMARY.sentences as [Citation, Citation];
  const document = readDocument(TIDES);
  const measured = document.sentences.find(({ text }) => text.startsWith('Dr. Lind'))!;
  const quote = TIDES.text.slice(measured.start, measured.end);
  const figure = { ...measured, quote, path: TIDES.path };

  test.each<[situation: string, change: Partial<Citation>, reason: Reason]>([
    ['a document there never was', { path: 'docs/tide.md' }, 'source-missing'],
    ['one letter of the quote', { quote: first.quote.replace('slow', 'slew') }, 'altered'],
    ['a "not" in the quote', { quote: first.quote.replace('caused', 'not caused') }, 'altered'],
    ['no quote', { quote: '' }, 'altered'],
    ['a place further on', { start: first.start + 1, end: first.end + 1 }, 'moved'],
    ['the place of another sentence', { start: second.start, end: second.end }, 'moved'],
    [
      'a place before the source',
      { start: first.start - TIDES.text.length, end: first.end - TIDES.text.length },
      'moved',
    ],
    ['a place that is no number', { start: Number.NaN }, 'moved'],
    ['the number of another sentence', { index: second.index }, 'moved'],
    ['the number of no sentence', { index: -1 }, 'moved'],
    ['half a sentence', { end: first.end - 10, quote: first.quote.slice(0, -10) }, 'not-a-sentence'],
    [
      'two sentences',
      { end: first.end + 20, quote: TIDES.text.slice(first.start, first.end + 20) },
      'not-a-sentence',
    ],
    ['a figure', { ...figure, text: measured.text.replace('13.4', '14.3') }, 'wrong-figure'],
    [
      'a figure that is part of one',
      { ...figure, text: measured.text.replace('13.4', '13') },
      'wrong-figure',
    ],
    [
      'other words with the same figures',
      { ...figure, text: measured.text.replace('Lind', 'Lund') },
      'reworded',
    ],
    ['words in another order', { text: first.text.replace('rise and fall', 'fall and rise') }, 'reworded'],
    ['no words', { text: '' }, 'reworded'],
  ])('%s', (_situation, change, reason) => {
    const verdict = verdictOn(planted(change), TIDES);
    expect(verdict).toMatchObject({ ok: false, reason });
    expect(verdict.detail).not.toBe('');
    // The others still hold.
    expect(
      checkSummary(planted(change), TIDES)
        .slice(1)
        .every(({ ok }) => ok),
    ).toBe(true);
  });

  test('the source is gone', () => {
    expect(verdictOn(TIDES_SUMMARY, undefined)).toMatchObject({
      ok: false,
      reason: 'source-missing',
      occurrences: 0,
    });
    expect(checkSummaries(SUMMARIES, []).every(({ reason }) => reason === 'source-missing')).toBe(true);
  });

  test('the source has changed elsewhere', () => {
    const source = { ...TIDES, text: `${TIDES.text}\nOne more line.\n` };
    expect(verdictOn(TIDES_SUMMARY, source)).toMatchObject({ ok: false, reason: 'source-changed' });
  });

  test('the source has changed before the quote', () => {
    const source = { ...TIDES, text: TIDES.text.replace('# About', '# All about') };
    const verdict = verdictOn(TIDES_SUMMARY, source);
    expect(verdict).toMatchObject({ ok: false, reason: 'moved', occurrences: 1 });
    expect(verdict.detail).toContain(`at ${first.start + 4}–${first.end + 4}; the source has changed`);
  });

  test('the source has changed in the quote', () => {
    const source = { ...TIDES, text: TIDES.text.replace('slow rise', 'fast rise') };
    const verdict = verdictOn(TIDES_SUMMARY, source);
    expect(verdict).toMatchObject({ ok: false, reason: 'altered', occurrences: 0 });
    expect(verdict.detail).toContain('fast rise');
  });
});

test('the place tells apart what stands twice', () => {
  const text =
    'The tide rises with the moon each day.\n\nA lamp shines on the wall at dusk.\n\nThe tide rises with the moon each day.\n';
  const source = { path: 'a.md', text };
  const document = readDocument(source);
  const { start, end, index, text: words } = document.sentences[2]!;
  const citation = { path: 'a.md', index, start, end, quote: words, text: words, score: 1 };
  const summary = { ...summarise(source), sentences: [citation] };
  expect(verdictOn(summary, source)).toMatchObject({ ok: true, occurrences: 2 });
  const elsewhere = { ...summary, sentences: [{ ...citation, start: start - 1, end: end - 1 }] };
  expect(verdictOn(elsewhere, source)).toMatchObject({ ok: false, reason: 'moved', occurrences: 2 });
});

describe('every single character counts', () => {
  const units = fc.oneof(
    fc.constantFrom(...' x7.é'.split('')),
    anyText(1).filter((unit) => unit !== ''),
  );
  const places = fc.constantFrom(
    ...SUMMARIES.flatMap((summary, s) => summary.sentences.map((_, c) => ({ s, c }))),
  );

  test.each(['quote', 'text'] as const)('of the %s: replaced, removed or added, anywhere', (field) => {
    let caught = 0;
    fc.assert(
      fc.property(places, units, (place, unit) => {
        const summary = SUMMARIES[place.s]!;
        const citation = summary.sentences[place.c]!;
        const original = citation[field];
        for (let at = 0; at <= original.length; at++) {
          const before = original.slice(0, at);
          const altered = [
            before + unit + original.slice(at + 1),
            before + original.slice(at + 1),
            before + unit + original.slice(at),
          ];
          for (const words of altered) {
            if (words === original) continue;
            const sentences = [{ ...citation, [field]: words }];
            const [verdict] = checkCheaply({ ...summary, sentences }, SOURCES[place.s]!);
            if (verdict) expect.fail(`${JSON.stringify(words)} passed`);
            caught++;
          }
        }
      }),
      { numRuns: 3 },
    );
    expect(caught).toBeGreaterThan(100);
  });

  /** The verdicts that hold. */
  function checkCheaply(summary: Summary, source: Source) {
    return checkSummary(summary, source).filter(({ ok }) => ok);
  }

  test('of the source', () => {
    fc.assert(
      fc.property(fc.nat(TIDES.text.length - 1), units, (at, unit) => {
        const text = TIDES.text.slice(0, at) + unit + TIDES.text.slice(at + 1);
        fc.pre(text !== TIDES.text);
        expect(checkSummary(TIDES_SUMMARY, { ...TIDES, text }).some(({ ok }) => ok)).toBe(false);
      }),
    );
  });

  test('of its place', () => {
    fc.assert(
      fc.property(
        places,
        fc.integer({ min: -50, max: 50 }),
        fc.integer({ min: -50, max: 50 }),
        (place, a, b) => {
          fc.pre(a !== 0 || b !== 0);
          const summary = SUMMARIES[place.s]!;
          const citation = summary.sentences[place.c]!;
          const moved = { ...citation, start: citation.start + a, end: citation.end + b };
          expect(verdictOn({ ...summary, sentences: [moved] }, SOURCES[place.s]).ok).toBe(false);
        },
      ),
    );
  });
});

test('verdicts are plain data, and the same each time', () => {
  const verdicts = checkSummaries(SUMMARIES, SOURCES);
  expect(JSON.parse(JSON.stringify(verdicts))).toEqual(verdicts);
  expect(checkSummaries(SUMMARIES, SOURCES)).toEqual(verdicts);
});

test.each<[text: string, figures: string[]]>([
  ['no figures', []],
  ['7 of 12 at 2.5 m', ['7', '12', '2.5']],
  ['1,234.5 and 1_000 and 12,34', ['1234.5', '1000', '12,34']],
  ['version 1.2.3 (2024-05-01)', ['1.2.3', '2024', '05', '01']],
  ['`kill -9` costs 5%.', ['9', '5']],
])('the figures of %j', (text, figures) => {
  expect(readFigures(text)).toEqual(figures);
});
