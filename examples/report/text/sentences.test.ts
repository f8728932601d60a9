// Hunts the lie that a sentence ends at every dot, and that it goes on when it has ended.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitSentences } from './sentences.ts';
import { anyText } from './fixtures.ts';

function split(text: string): string[] {
  return splitSentences(text).map(({ start, end }) => text.slice(start, end));
}

describe('where sentences end', () => {
  test.each<[text: string]>([
    ['One.| Two!| Three?| Four'],
    ['It works, e.g. Here, i.e. There, cf. Smith et al. in the book.| Next.'],
    ['Dr. Lind met Mrs. Gray vs. Prof. Hill in St. Malo.| They spoke.'],
    ['J. R. R. Tolkien wrote it.| So did I.| We know.'],
    ['The U.S. Navy left the U.S.| The ships came back.'],
    ['Version 1.2.3 needs Node 20.19.| It reads README.md, a.b.c and v2.0.| Then it stops.'],
    ['It costs 5.| Then 6.'],
    ['See https://example.org/a.b?c=d.| Or not.'],
    ['Wait... what?| Yes…| No… maybe.| Well...| Good.'],
    ['Really?!| Yes.'],
    ['"Stop!" he said.| "Go."| They went.'],
    ['It is (mostly. Not always.) true.| Yes.'],
    ['(It is true. Always.)| Yes.'],
    ['See No. 5 of vol. 2, p. 7 and Fig. 3.| Next.'],
    ['Bring water, food, etc.| Then go.'],
    ['Bring water, etc. and go.'],
    ['1. Install it.| Then run.'],
    ['B. Results follow.| C. So does this.'],
    ['It is durable.| npm installs it.| heddle runs.'],
    ['An unknown abbr. stays.'],
    ['Ends with a quote.”| Next.'],
    ['今日は雨。|明日は晴れ！|はい。'],
    ['A dot . alone, and a .dotfile.| Next.'],
    ['Ends; not here, nor: here.| Here.'],
    ['Yahoo! is a name.| Next.'],
    ['An open (bracket.| Goes on.'],
    ['"Go." he said.| "Stop."| Then he left.'],
  ])('%s', (marked) => {
    const parts = marked.split('|').map((part) => part.trim());
    expect(split(marked.replaceAll('|', ''))).toEqual(parts);
  });

  test('a dot inside code ends nothing', () => {
    const text = 'Run `a. B. C` now. Then stop.';
    const opaque = [...text].map((_, i) => i >= text.indexOf('`') && i <= text.lastIndexOf('`'));
    expect(splitSentences(text, opaque).map(({ start, end }) => text.slice(start, end))).toEqual([
      'Run `a. B. C` now.',
      'Then stop.',
    ]);
  });

  test('code may begin a sentence', () => {
    const text = 'It is one. `b` is two.';
    const opaque = [...text].map((_, i) => i >= text.indexOf('`') && i <= text.lastIndexOf('`'));
    expect(splitSentences(text, opaque)).toHaveLength(2);
  });
});

test('whatever the text, every character but space stands in exactly one sentence', () => {
  const texts = fc.array(fc.constantFrom(...'aB1 .!?…()"。\u{1F600}'.split(''), 'e.g. ', 'Dr. '), {
    maxLength: 80,
  });
  fc.assert(
    fc.property(
      fc.oneof(
        texts.map((parts) => parts.join('')),
        anyText(),
      ),
      (text) => {
        const spans = splitSentences(text);
        const kept = spans.map(({ start, end }) => text.slice(start, end)).join('');
        expect(kept.replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
        spans.forEach(({ start, end }, i) => {
          expect(start).toBeLessThan(end);
          expect(start).toBeGreaterThanOrEqual(spans[i - 1]?.end ?? 0);
        });
      },
    ),
    { numRuns: 500 },
  );
});
