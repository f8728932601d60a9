// The lie: "docs/faults.md says what is done about which fault". Its tables are made from the code, its examples run, and what it
// says of them is true. Where a table has changed, the test says which text belongs there.
import { readFileSync } from 'node:fs';
import { compileFunction } from 'node:vm';
import { describe, expect, it } from 'vitest';
import * as heddle from 'heddle/actors';
import type { Chunking, Strategy, Verifier } from 'heddle/actors';
import { FAULT_CLASSES } from '../machines/faults/fault.ts';
import { strategies } from '../machines/faults/strategies.ts';
import { table, tableOf } from '../machines/faults/strategy-table.ts';
import { HELPS } from '../machines/faults/strategy.ts';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const page = read('docs/faults.md');

/** The classes with what the source says of each. */
function taxonomy(): string {
  const source = read('machines/faults/fault.ts');
  const list = source.slice(source.indexOf('FAULT_CLASSES = ['), source.indexOf('] as const'));
  const said = [...list.matchAll(/\/\*\*\s*(?<words>.*?)\s*\*\/\s*'(?<name>[^']+)'/gs)].map(({ groups }) => [
    `\`${groups!['name']}\``,
    groups!['words']!.replaceAll(/\s*\n\s*\*\s*/g, ' '),
  ]);
  expect(said.map(([name]) => name)).toEqual(FAULT_CLASSES.map((name) => `\`${name}\``));
  return table(['Fault', 'When'], said);
}

/** The deeds with where they help. */
function deeds(): string {
  const helps = Object.entries(HELPS).map(([deed, classes]) => {
    const isLong = classes.length > FAULT_CLASSES.length / 2;
    const names = (isLong ? FAULT_CLASSES.filter((name) => !classes.includes(name)) : classes).map(
      (name) => `\`${name}\``,
    );
    if (!isLong) return [`\`${deed}\``, names.join(', ')];
    return [`\`${deed}\``, names.length === 0 ? 'everywhere' : `everywhere but ${names.join(', ')}`];
  });
  return table(['Deed', 'Where it can help'], helps);
}

const tables: Readonly<Record<string, string>> = {
  taxonomy: taxonomy(),
  deeds: deeds(),
  ...Object.fromEntries(Object.values(strategies).map((pack) => [pack.name, tableOf(pack)])),
};

describe('docs/faults.md', () => {
  it.each(Object.entries(tables))('has the table of %s as it is', (_, text) => {
    expect(page).toContain(`\n${text}\n`);
  });

  it('shows a strategy, and what it decides', () => {
    const { press } = ran('press') as { press: Strategy };
    const metadata = { cost: 0.01, duration: 900, model: 'local', confidence: 0.79 };
    const judged = heddle.judge({ status: 'success', metadata }, { threshold: 0.8 });
    if (judged.ok) throw new Error('0.79 is less than 0.8');
    const limits = {
      now: 0,
      attemptsLeft: 0,
      otherAgents: 2,
      largerWindows: 0,
      canChunk: false,
      repairs: [],
    };
    const situation = { strategy: press, fault: judged.fault, agent: 'local', history: [], limits };
    expect(page).toContain(
      `\`\`\`json\n${JSON.stringify(heddle.nextMove(situation, Math.random), undefined, 2)}\n\`\`\``,
    );
  });

  it('shows verifiers that catch a planted figure', () => {
    const { total, quotes } = ran('total', 'quotes') as { total: Verifier; quotes: Verifier };
    const answered = (sum: number) =>
      heddle.verify([total, quotes], {
        task: 'report/7/sum',
        input: { rows: [{ amount: 0.1 }, { amount: 0.2 }] },
        output: { total: sum, citations: [{ quote: 'High water is at noon today.', source: 'sha256:1' }] },
        sources: () => 'High water  is at noon\ntoday. Low water is at six.',
      });
    expect(answered(0.3).ok).toBe(true);
    const told = answered(0.31);
    if (told.ok) throw new Error('0.31 is not the sum');
    expect(page).toContain(`"${told.fault.message}"`);
  });

  it('shows how a text is counted and cut', () => {
    const counter = heddle.estimatedTokens({ bytesPerToken: 4, margin: 0.2 });
    const text = 'The tide comes in, and the tide goes out again. '.repeat(470);
    const fit = heddle.fits(text, { tokens: 2048, answer: 512 }, counter);
    expect(fit.ok).toBe(false);
    expect(page).toContain(`${fit.tokens} tokens then`);
    const { parts } = ran('parts') as { parts: Chunking };
    expect(heddle.chunked({ text }, parts, counter)).toMatchObject({ ok: true, inputs: { length: 5 } });
    expect(page).toContain('five parts');
  });

  it('says what a calibration is worth', () => {
    const points = heddle.calibration([
      [0, 0],
      [0.8, 0.5],
      [0.9, 0.8],
    ]);
    expect(page).toContain(
      `\`calibration(${JSON.stringify(points).replaceAll(',', ', ')})\` whoever says 0.85 counts as 0.5`,
    );
    const metadata = { cost: 0, duration: 1, model: 'local', confidence: 0.85 };
    const judged = heddle.judge({ status: 'success', metadata }, { threshold: 0, calibration: points });
    expect(judged).toEqual({ ok: true, confidence: 0.5 });
  });
});

/** What the example on the page gives these names, by running it as it stands there. */
function ran(...names: readonly string[]): Readonly<Record<string, unknown>> {
  const blocks = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code!);
  const block = blocks.find((code) => names.every((name) => code.includes(`const ${name} = `)))!;
  const code = block.replace(/import (\{.*?\}) from 'heddle\/actors';/, 'const $1 = heddle;');
  const run = compileFunction(`${code}\nreturn { ${names.join(', ')} };`, ['heddle']);
  return run(heddle) as Readonly<Record<string, unknown>>;
}
