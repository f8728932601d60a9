// Hunts the lie that the report looks better than the facts: counts, verdicts, what was left out, who approved.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CorpusListing } from './corpus.ts';
import { readDocument, type Source } from './document.ts';
import { checkSummaries } from './factcheck.ts';
import { HARBOUR, NOTES, SOURCES, TIDES, anyText } from './fixtures.ts';
import { renderReport, type ReportInput } from './report.ts';
import { researchCorpus } from './research.ts';
import { summarise } from './summary.ts';

function inputFor(sources: readonly Source[], title = 'By the sea'): ReportInput {
  const documents = sources.map(readDocument);
  const summaries = sources.map((source) => summarise(source, { sentences: 2 }));
  const corpus: CorpusListing = {
    documents: documents.map(({ path, sha256, chars }) => ({ path, sha256, bytes: chars })),
    skipped: [],
  };
  return {
    title,
    corpus,
    research: researchCorpus(sources),
    summaries,
    verdicts: checkSummaries(summaries, sources),
  };
}

const INPUT = inputFor(SOURCES);

test('a report a person reads', () => {
  expect(
    renderReport({ ...INPUT, approval: { decision: 'approved', by: 'Ada', at: '1 May', comment: 'Fine.' } }),
  ).toMatchInlineSnapshot(`
    "# By the sea

    **3 documents, 23 sentences, 248 words, told in 6 quotations: every one verified against its source.**

    Approved by Ada.

    ## What was read

    | Document | Title | Sentences | Words | Bytes | SHA-256 |
    | --- | --- | ---: | ---: | ---: | --- |
    | \`docs/tides.md\` | Tides | 11 | 134 | 996 | \`fc39f36c864a\` |
    | \`docs/harbour.txt\` | The old harbour | 6 | 79 | 473 | \`9e30cb241573\` |
    | \`notes.md\` | notes.md | 6 | 35 | 211 | \`c701bdb81c85\` |
    | **Together** |  | 23 | 248 | 1,680 |  |

    ## What it is about

    Words that stand out, and how often they stand: **tide** (13), **moon** (5), **rises** (4), **pull** (4), **harbour** (4), **wall** (4), **sea** (3), **spring** (3), **ships** (3), **storm** (3), **granite** (3), **day** (2).

    Phrases it comes back to: *moon pull* (3), *spring tide* (3), *sea rises* (2), *neap tide* (2).

    ## What each document says

    ### Tides

    \`docs/tides.md\` — tide, moon, rises, pull, sea

    > A tide is the slow rise and fall of the sea, caused by the pull of the moon. [1]
    >
    > When sun and moon pull in one line, the tide rises higher than usual. [2]

    Characters [1] 37–113 · [2] 267–340

    ### The old harbour

    \`docs/harbour.txt\` — harbour, wall, ships, storm, granite

    > The harbour was built in 1604 to shelter forty ships from the western storms. [3]
    >
    > The town rebuilt the wall with granite from the same quarry, and the harbour has sheltered ships from every storm since. [4]

    Characters [3] 36–113 · [4] 232–353

    ### notes.md

    \`notes.md\` — release, tag, notes, version, stand

    > Release notes, e.g. for version 1.2.3, stand in CHANGES.md. [5]
    >
    > Tag it (the tag is signed. Always.) and push. [6]

    Characters [5] 0–59 · [6] 165–210

    ## Fact check

    Each quotation was looked up in its source: the same text (SHA-256), at the same place, word for word, a whole sentence, with the same figures.

    | Quotation | Source | Characters | Verdict |
    | ---: | --- | ---: | --- |
    | [1] | \`docs/tides.md\` | 37–113 | ✓ verified |
    | [2] | \`docs/tides.md\` | 267–340 | ✓ verified |
    | [3] | \`docs/harbour.txt\` | 36–113 | ✓ verified |
    | [4] | \`docs/harbour.txt\` | 232–353 | ✓ verified |
    | [5] | \`notes.md\` | 0–59 | ✓ verified |
    | [6] | \`notes.md\` | 165–210 | ✓ verified |

    ## Approval

    **Approved** by Ada, 1 May.

    > Fine.
    "
  `);
});

test('it counts what it says', () => {
  const report = renderReport(INPUT);
  const quotes = INPUT.summaries.reduce((sum, { sentences }) => sum + sentences.length, 0);
  expect(report).toContain(
    `**3 documents, 23 sentences, ${INPUT.research.words} words, told in ${quotes} quotations`,
  );
  expect(report.match(/^> .* \[\d+\]$/gm)).toHaveLength(quotes);
  expect(report.match(/✓ verified/g)).toHaveLength(quotes);
});

describe('nothing is hidden', () => {
  test('a quotation that failed', () => {
    const [first, ...rest] = INPUT.verdicts;
    const failed = {
      ...first!,
      ok: false,
      reason: 'altered' as const,
      detail: 'the source says “x | y” there',
    };
    const report = renderReport({ ...INPUT, verdicts: [failed, ...rest] });
    expect(report).toContain(`${rest.length} of ${rest.length + 1} verified`);
    expect(report).toMatch(/^> .* \[1\] \*\*⚠ altered\*\*$/m);
    expect(report).toContain('✗ altered: the source says “x \\| y” there');
  });

  test('a quotation that was not checked', () => {
    const report = renderReport({ ...INPUT, verdicts: INPUT.verdicts.slice(1) });
    expect(report).toMatch(/^> .* \[1\] \*\*⚠ not checked\*\*$/m);
    expect(report).not.toContain('every one verified');
  });

  test('words that were changed after the check', () => {
    const summaries = structuredClone<ReportInput['summaries']>(INPUT.summaries);
    summaries[0]!.sentences[0]!.text += ' Or not.';
    const report = renderReport({ ...INPUT, summaries });
    expect(report).toMatch(/Or not\. \[1\] \*\*⚠ not checked\*\*$/m);
  });

  test('a document that was left out, not read, or changed since', () => {
    const [tides, harbour, notes] = INPUT.corpus.documents;
    const corpus = {
      documents: [
        { ...tides!, sha256: '0'.repeat(64) },
        harbour!,
        notes!,
        { path: 'new.md', sha256: 'f'.repeat(64), bytes: 1 },
      ],
      skipped: [{ path: 'big_*file*.md', reason: '9 bytes, more than 8' }],
    };
    const report = renderReport({ ...INPUT, corpus });
    expect(report).toContain('| `docs/tides.md` | *changed since it was listed* |');
    expect(report).toContain('| `new.md` | *not read* |');
    expect(report).toContain('Left out (1):\n\n- `big_*file*.md`: 9 bytes, more than 8');
  });

  test('a document too long to be ranked as a whole', () => {
    const summaries = INPUT.summaries.map((s) => ({
      ...s,
      method: { ...s.method, candidates: 1_234, considered: 400 },
    }));
    expect(renderReport({ ...INPUT, summaries })).toContain('*Of 1,234 quotable sentences, the 400 that');
  });

  test('that no one approved it, or someone did not', () => {
    expect(renderReport(INPUT).match(/Not yet approved by anyone\./g)).toHaveLength(2);
    const rejected = renderReport({ ...INPUT, approval: { decision: 'rejected', by: 'Ada' } });
    expect(rejected).toContain('**Rejected** by Ada.');
    expect(rejected).not.toContain('pproved');
  });
});

test('a corpus of nothing', () => {
  expect(renderReport(inputFor([], 'Nothing'))).toContain(
    '**0 documents, 0 sentences, 0 words; nothing to quote.**',
  );
  expect(renderReport(inputFor([{ path: 'a.md', text: '' }]))).toContain('*Nothing in it could be quoted.*');
});

test('titles and paths are text, not markup', () => {
  const path = 'a|b `c` <i>.md';
  const source = { path, text: `# *A* \\| \\<b> [x](y) \\# z\n\n${HARBOUR.text.replaceAll('\r', '')}` };
  const report = renderReport(inputFor([source], '# <script> | `t`'));
  const read = readDocument({ path: 'report.md', text: report });
  expect(read.title).toBe('# <script> | t');
  expect(read.sections[4]?.title).toBe('A | <b> x # z');
  const row = report.split('\n').find((line) => line.startsWith('| `` a'))!;
  expect(row.replace(/\\\|/g, '').split('|')).toHaveLength(8);
});

test('the quotations can be read back out of the report', () => {
  const report = renderReport(INPUT);
  const said = readDocument({ path: 'report.md', text: report }).sentences.map(({ text }) => text);
  for (const { sentences } of INPUT.summaries) {
    for (const { text } of sentences) expect(said.some((sentence) => sentence.includes(text))).toBe(true);
  }
});

test('whatever the text, the same input gives the same bytes, also after a journey through JSON', () => {
  fc.assert(
    fc.property(anyText(), fc.string(), (text, title) => {
      const input = inputFor([TIDES, { path: `${title}.md`, text: `${text}\n\n${NOTES.text}` }], title);
      const report = renderReport(input);
      expect(renderReport(input)).toBe(report);
      expect(renderReport(JSON.parse(JSON.stringify(input)) as ReportInput)).toBe(report);
      expect(report).toMatch(/^# .*\n\n\*\*2 documents/);
    }),
    { numRuns: 50 },
  );
});
