/** What the tests of this folder share: three small documents, and any text at all. */
import fc from 'fast-check';
import type { Source } from './document.ts';

export const TIDES: Source = {
  path: 'docs/tides.md',
  text: `---
title: Tides
---

# About tides

A tide is the slow rise and fall of the sea, caused by the pull of the moon. The moon pulls the water that is
nearest to it, and the sea rises towards the moon. Twice a day the tide reaches its highest mark[^1].

## Spring tides

When sun and moon pull in one line, the tide rises **higher** than usual. Sailors call it a *spring tide*; see the
[tables](https://example.org/tables?a=1) for the 2.5 m mark at St. Malo. Dr. Lind measured 13.4 m there in 1998.

- A neap tide is the low tide between two spring tides.
- The tide tables in \`tides.json\` list every spring tide of the year.

| port | height |
| --- | --- |
| Brest | 7 m of sea that no summary may quote. |

\`\`\`js
const tide = 'the moon in code is no sentence. Nor is this.';
\`\`\`

<!-- The moon in a comment is no sentence either. -->

### Neap tides

> When sun and moon pull across each other, the sea
> rises less. The tide is then called a neap tide.

[^1]: Some ports see only one tide a day.
`,
};

export const HARBOUR: Source = {
  path: 'docs/harbour.txt',
  text: [
    'The old harbour',
    '===============',
    '',
    'The harbour was built in 1604 to shelter forty ships from the western storms. Its wall is',
    'made of granite, and the granite came from the quarry above the town.',
    '',
    'A storm broke the wall in 1824. The town rebuilt the wall with granite from the same quarry,',
    'and the harbour has sheltered ships from every storm since.',
    '',
    '  1. Ships enter the harbour at high tide only.',
    '  2. The keeper of the harbour lights a lamp on the wall at dusk.',
    '',
  ].join('\r\n'),
};

export const NOTES: Source = {
  path: 'notes.md',
  text: `Release notes, e.g. for version 1.2.3, stand in CHANGES.md. Do they help? They do... mostly. "Yes!" she said.

1. Run \`npm test. Then stop.\` before each release.
2. Tag it (the tag is signed. Always.) and push.
`,
};

export const SOURCES: readonly Source[] = [TIDES, HARBOUR, NOTES];

/** Any code units, halves of letters too. (fast-check's own Unicode strings take half a second to set up.) */
export function anyText(maxLength = 30): fc.Arbitrary<string> {
  return fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength })
    .map((units) => String.fromCharCode(...units));
}
