// The lie: "whoever has a strategy has thought of every fault". Ladders that are missing, endless, unreachable, misspelt or
// useless are refused with their place, in code and in files; and the packs differ where their domains do.
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { FAULT_CLASSES } from './fault.ts';
import { OptionError } from '../options.ts';
import { strategies } from './strategies.ts';
import { tableOf, wordsOf } from './strategy-table.ts';
import { extend, HELPS, strategy } from './strategy.ts';
import type { DeedName, Rows, Rung } from './strategy.ts';

const { standard, finance, content } = strategies;
const backoff = { firstMs: 10, factor: 2, maxMs: 100, jitter: 0 };

/** What is refused about the standard strategy with something else in one row. */
function refused(rows: Record<string, unknown>): Pick<OptionError, 'option' | 'message'> {
  try {
    extend(standard, { name: 'mine', rows });
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError);
    return error as OptionError;
  }
  throw new Error('it was not refused');
}

describe('a strategy', () => {
  it('does not compile, and is not taken, when it misses a class', () => {
    const { cancelled, ...rows } = standard.rows;
    expect(cancelled).toEqual([{ do: 'fail' }]);
    // @ts-expect-error A class without a ladder.
    const incomplete: Rows = rows;
    expect(() => strategy({ name: 'mine', rows: incomplete })).toThrow("rows['cancelled'] is missing");
  });

  it('does not take a class that nobody knows', () => {
    expect(refused({ other: [{ do: 'fail' }] }).option).toBe('rows.other');
  });

  it.each<[what: string, rows: Record<string, unknown>, option: string]>([
    ['no rung', { timeout: [] }, "rows['timeout']"],
    ['no list', { timeout: { do: 'fail' } }, "rows['timeout']"],
    ['no end', { timeout: [{ do: 'other-agent' }] }, "rows['timeout']"],
    [
      'an end that may be skipped',
      { 'low-confidence': [{ do: 'accept', sure: { from: 0.5 } }] },
      "rows['low-confidence']",
    ],
    ['a rung behind the end', { timeout: [{ do: 'fail' }, { do: 'park' }] }, "rows['timeout'][1]"],
    ['an unknown deed', { timeout: [{ do: 'pray' }] }, "rows['timeout'][0].do"],
    ['a deed of the prototype', { timeout: [{ do: 'toString' }] }, "rows['timeout'][0].do"],
    ['a deed as a text', { timeout: ['fail'] }, "rows['timeout'][0]"],
    ['a misspelt field', { empty: [{ do: 'ask-again', time: 1 }] }, "rows['empty'][0].time"],
    ['no times', { empty: [{ do: 'ask-again' }] }, "rows['empty'][0].times"],
    ['half a time', { empty: [{ do: 'ask-again', times: 0.5 }] }, "rows['empty'][0].times"],
    ['no pause', { crash: [{ do: 'retry', times: 1 }] }, "rows['crash'][0].backoff"],
    [
      'a pause of nothing',
      { crash: [{ do: 'retry', times: 1, backoff: { ...backoff, firstMs: 0 } }] },
      "rows['crash'][0].backoff.firstMs",
    ],
    [
      'pauses that shrink',
      { crash: [{ do: 'wait', times: 1, backoff: { ...backoff, factor: 0.5 } }] },
      "rows['crash'][0].backoff.factor",
    ],
    [
      'a pause that is too long at once',
      { crash: [{ do: 'retry', times: 1, backoff: { ...backoff, maxMs: 5 } }] },
      "rows['crash'][0].backoff.maxMs",
    ],
    [
      'too much chance',
      { crash: [{ do: 'retry', times: 1, backoff: { ...backoff, jitter: 1.1 } }] },
      "rows['crash'][0].backoff.jitter",
    ],
    [
      'a misspelt pause',
      { crash: [{ do: 'retry', times: 1, backoff: { ...backoff, min: 1 } }] },
      "rows['crash'][0].backoff.min",
    ],
    ['no repairs', { truncated: [{ do: 'repair', names: [] }] }, "rows['truncated'][0].names"],
    ['a repair twice', { truncated: [{ do: 'repair', names: ['a', 'a'] }] }, "rows['truncated'][0].names"],
    ['a role without a name', { timeout: [{ do: 'review', role: ' ' }] }, "rows['timeout'][0].role"],
    ['an age that is none', { timeout: [{ do: 'stale', maxAgeMs: 0 }] }, "rows['timeout'][0].maxAgeMs"],
    ['what may not be there at its end', { timeout: [{ do: 'stale', maxAgeMs: 5 }] }, "rows['timeout']"],
    ['an output that is none', { timeout: [{ do: 'default', value: 5 }] }, "rows['timeout'][0].value"],
    [
      'an output that no file holds',
      { timeout: [{ do: 'default', value: { at: new Date(0) } }] },
      "rows['timeout'][0].value",
    ],
    [
      'sureness where nothing says it',
      { timeout: [{ do: 'fail', sure: { from: 0.5 } }] },
      "rows['timeout'][0].sure",
    ],
    ['sureness of nothing', { 'needs-review': [{ do: 'fail', sure: {} }] }, "rows['needs-review'][0].sure"],
    [
      'sureness beyond 1',
      { 'needs-review': [{ do: 'fail', sure: { below: 2 } }] },
      "rows['needs-review'][0].sure.below",
    ],
    [
      'sureness that is empty',
      { 'needs-review': [{ do: 'fail', sure: { from: 0.5, below: 0.5 } }] },
      "rows['needs-review'][0].sure",
    ],
  ])('with %s is refused with the place', (_, rows, option) => {
    const error = refused(rows);
    expect(error.option).toBe(option);
    expect(error.message).toContain(option);
  });

  const samples: Readonly<Record<DeedName, Rung>> = {
    retry: { do: 'retry', times: 1, backoff },
    wait: { do: 'wait', times: 1, backoff },
    repair: { do: 'repair', names: ['code-fence'] },
    'ask-again': { do: 'ask-again', times: 1 },
    'other-agent': { do: 'other-agent' },
    'larger-window': { do: 'larger-window' },
    chunk: { do: 'chunk' },
    review: { do: 'review' },
    accept: { do: 'accept' },
    stale: { do: 'stale', maxAgeMs: 1 },
    default: { do: 'default', value: {} },
    fail: { do: 'fail' },
    park: { do: 'park' },
  };

  it.each(Object.values(samples))('$do is taken where it helps, and nowhere else', (rung) => {
    for (const name of FAULT_CLASSES) {
      const end: Rung[] = ['review', 'accept', 'default', 'fail', 'park'].includes(rung.do)
        ? []
        : [{ do: 'fail' }];
      const rows = { [name]: [rung, ...end] };
      if (HELPS[rung.do].includes(name))
        expect(extend(standard, { name: 'mine', rows }).rows[name]).toEqual(rows[name]);
      else expect(refused(rows).option).toBe(`rows['${name}'][0].do`);
    }
  });

  it('does not repeat what cannot come out differently, and does not go around a no', () => {
    for (const name of ['bad-request', 'context-window', 'invalid-input', 'not-permitted'] as const) {
      expect(HELPS.retry).not.toContain(name);
    }
    expect(HELPS['other-agent']).not.toContain('not-permitted');
    expect(FAULT_CLASSES.filter((name) => HELPS.accept.includes(name))).toEqual([
      'low-confidence',
      'needs-review',
    ]);
    expect(Object.keys(HELPS).filter((name) => HELPS[name as DeedName].includes('cancelled'))).toEqual([
      'fail',
    ]);
  });

  it('comes back equal from a file, and is checked there too', () => {
    const text = stringify(content);
    expect(strategy(parse(text))).toEqual(content);
    expect(() => strategy(parse(text.replace('times: 5', 'times: five')))).toThrow(
      "rows['rate-limit'][0].times",
    );
  });

  it('is nobody else’s to change', () => {
    const rung = { do: 'ask-again' as const, times: 1 };
    const mine = extend(standard, { name: 'mine', rows: { empty: [rung, { do: 'fail' }] } });
    rung.times = 100;
    expect(mine.rows.empty[0]).toEqual({ do: 'ask-again', times: 1 });
    expect(() => Object.assign(mine.rows.empty[0]!, { times: 100 })).toThrow(TypeError);
  });
});

describe('the packs', () => {
  const deedsOf = (pack: typeof standard): Set<DeedName> =>
    new Set(Object.values(pack.rows).flatMap((row) => row.map((rung) => rung.do)));

  it('differ on the same fault', () => {
    for (const name of ['schema-mismatch', 'low-confidence', 'timeout', 'truncated'] as const) {
      expect([name, finance.rows[name]]).not.toEqual([name, content.rows[name]]);
    }
  });

  it('finance repairs nothing, accepts nothing, invents nothing and goes to nobody else', () => {
    const deeds = deedsOf(finance);
    for (const name of ['repair', 'accept', 'stale', 'default', 'other-agent', 'chunk'] as const) {
      expect(deeds).not.toContain(name);
    }
    expect(finance.rows['low-confidence']).toEqual([{ do: 'review' }]);
  });

  it('finance ends with a person, unless it was refused or stopped', () => {
    const alone = FAULT_CLASSES.filter((name) => finance.rows[name].at(-1)!.do !== 'review');
    expect(alone).toEqual(['not-permitted', 'cancelled']);
  });

  it('content repairs, asks again, goes to others, and accepts in the end', () => {
    for (const name of ['repair', 'ask-again', 'other-agent', 'accept'] as const)
      expect(deedsOf(content)).toContain(name);
  });
});

describe('a table for people', () => {
  it('says every field of every rung', () => {
    const pace = { firstMs: 1500, factor: 3, maxMs: 120_000, jitter: 0.25 };
    const rungs: [Rung, string][] = [
      [
        { do: 'retry', times: 5, backoff: pace },
        'retry 5 times (after 1500 ms, × 3 each time up to 2 min, up to 25 % less by chance)',
      ],
      [
        { do: 'wait', times: 1, backoff: { firstMs: 1000, factor: 1, maxMs: 2000, jitter: 0 } },
        'wait, parked, once (after 1 s)',
      ],
      [{ do: 'repair', names: ['code-fence', 'bom'] }, 'repair as code-fence, bom'],
      [{ do: 'other-agent', times: 2 }, 'another agent 2 times'],
      [{ do: 'review', role: 'editor' }, 'a person decides (editor)'],
      [
        { do: 'stale', maxAgeMs: 3_600_000 },
        'take the last good answer to the same, if it is no older than 60 min',
      ],
      [{ do: 'default', value: { text: 'a|b' } }, 'take `{"text":"a|b"}` in its place'],
      [
        { do: 'accept', sure: { from: 0.5, below: 0.7 } },
        'accept it as it is if it is sure from 0.5 to less than 0.7',
      ],
      [{ do: 'review', sure: { below: 0.7 } }, 'a person decides if it is sure less than 0.7'],
    ];
    for (const [rung, words] of rungs) expect(wordsOf(rung)).toBe(words);
  });

  it('has a line for each class, and does not break on a bar', () => {
    const rows: Partial<Rows> = { timeout: [{ do: 'default', value: { text: 'a|b' } }] };
    const lines = tableOf(extend(standard, { name: 'mine', rows })).split('\n');
    expect(lines).toHaveLength(FAULT_CLASSES.length + 2);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    expect(lines.find((line) => line.startsWith('| `timeout`'))).toContain('a\\|b');
  });
});
