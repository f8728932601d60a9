// The lie: "the plan is what happens". Waves against a run that ends everything as soon as it begins; diagrams with names that mean
// something to Mermaid.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { budget } from '../budgets/budget.ts';
import { branch, call, gate, join, loop, map, task } from './declaration.ts';
import { mermaid } from './mermaid.ts';
import { plan } from './plan.ts';
import { from } from './reference.ts';
import { workflow } from './workflow.ts';

const undo = { capability: 'withdraw' };
const report = workflow({
  id: 'report',
  budget: budget({ limit: 5 }),
  parallel: 3,
  tasks: {
    research: task({ capability: 'research@1', maxCost: 0.5 }),
    size: branch({
      needs: ['research'],
      arms: { long: ({ research }) => research.words > 900, short: () => true },
      otherwise: 'fail',
    }),
    chapters: map({
      needs: ['size.long'],
      over: ({ size }) => size,
      each: task({ agent: ['ada', 'bob'], maxCost: 0.1 }),
    }),
    polish: loop({
      needs: ['size.short'],
      body: task({ capability: 'polish' }),
      until: () => true,
      times: 3,
    }),
    text: join({ needs: ['chapters', 'polish'] }),
    check: task({ needs: ['text'], capability: 'check', when: () => true }),
    review: gate({ needs: ['text', { node: 'check', onError: 'absent' }], role: ['editor', 'boss'] }),
    publish: task({
      needs: ['review'],
      capability: 'publish',
      input: { url: from.input('/url') },
      compensate: undo,
    }),
    tell: call({
      needs: ['publish'],
      workflow: workflow({ id: 'tell', tasks: { a: task({ agent: 'x' }) } }),
    }),
  },
});

describe('a plan', () => {
  it('has waves, and says of every node what was declared', () => {
    const { waves, nodes, maxCost, parallel } = plan(report);
    expect(waves).toEqual([
      ['research'],
      ['size'],
      ['chapters', 'polish'],
      ['text'],
      ['check'],
      ['review'],
      ['publish'],
      ['tell'],
    ]);
    expect([maxCost, parallel]).toEqual([5, 3]);
    expect(nodes.find(({ name }) => name === 'publish')).toEqual({
      name: 'publish',
      kind: 'task',
      needs: ['review'],
      capability: 'publish',
      agents: [],
      maxCost: undefined,
      reversible: true,
      compensation: 'withdraw',
      conditional: false,
      roles: [],
      times: undefined,
      arms: [],
      otherwise: undefined,
    });
  });

  it('reads as a text', () => {
    expect(String(plan(report))).toBe(
      `report: 9 nodes, at most 5, 3 at once
1
  research (task); research@1; at most 0.5 an attempt
2
  size (branch); one of long, short, otherwise fail; after research
3
  chapters (map); ada, bob; after size.long; may be left out; at most 0.1 an attempt
  polish (loop); polish; at most 3 times; after size.short; may be left out
4
  text (join); after chapters, polish
5
  check (task); check; after text; may be left out
6
  review (gate); decided by editor, boss; after text, check
7
  publish (task); publish; after review; taken back by withdraw
8
  tell (call); after publish`,
    );
  });

  it('puts nobody before whom it needs, and nobody later than it must be, whatever the graph', () => {
    const graphs = fc.array(fc.array(fc.nat()), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(graphs, (rows) => {
        // Each may need only those before it; it is written down in reverse order, so order helps nobody.
        const tasks = Object.fromEntries(
          rows
            .map((row, index) => {
              const needs = index === 0 ? [] : [...new Set(row.map((n) => `t${n % index}`))];
              return [`t${index}`, task({ agent: 'x', needs } as never)] as const;
            })
            .toReversed(),
        );
        const { waves } = plan(workflow({ id: 'x', tasks }));
        const waveOf = new Map(waves.flatMap((names, index) => names.map((name) => [name, index] as const)));
        expect(waveOf.size).toBe(rows.length);
        for (const [name, { options }] of Object.entries(tasks)) {
          const before = (options.needs as readonly string[]).map((needed) => waveOf.get(needed)!);
          expect(waveOf.get(name)).toBe(Math.max(-1, ...before) + 1);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('is refused to what is no workflow', () => {
    expect(() => plan({})).toThrow('workflow must be made with workflow(…) or workflowFrom(…)');
  });
});

describe('a diagram', () => {
  it('shows kinds, arms, conditions, gates, and what is taken back', () => {
    expect(mermaid(report)).toBe(`flowchart TD
  n0["research<br/>research@1"]:::task
  n1{"size<br/>branch"}:::branch
  n0 --> n1
  n2[["chapters<br/>map: ada, bob"]]:::map
  n1 -->|"long"| n2
  n3(["polish<br/>loop: polish<br/>at most 3 times"]):::loop
  n1 -->|"short"| n3
  n4(("text<br/>join")):::join
  n2 --> n4
  n3 --> n4
  n5["check"]:::task
  n4 -->|"if"| n5
  n6{{"review<br/>gate<br/>waits for editor, boss"}}:::gate
  n4 --> n6
  n5 -->|"or absent"| n6
  n7["publish"]:::task
  n6 --> n7
  n7 -. "taken back by" .-> n7u["withdraw"]:::undo
  n8[/"tell<br/>call"/]:::call
  n7 --> n8
  classDef gate stroke-width:3px
  classDef undo stroke-dasharray:4 3
`);
  });

  it('is safe from whatever names are like', () => {
    const name = 'end"];click--><script>';
    const drawn = mermaid(workflow({ id: 'x', tasks: { [name]: task({ agent: 'a|b\n"c%%' }) } }));
    expect(drawn.split('\n')[1]).toBe(
      '  n0["end#34;#93;#59;click--#62;#60;script#62;<br/>a#124;b#10;#34;c#37;#37;"]:::task',
    );
  });
});
