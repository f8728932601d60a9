// The lie: "plan says what a file would do, or where it is wrong". Files, good and bad, and what comes out for people and programs.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from './program.ts';

const GOOD = `
id: report
tasks:
  research: { kind: task, capability: research, maxCost: 0.5 }
  review: { kind: gate, needs: [research], role: editor }
`;

let folder: string;
const file = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-plan-'));
  writeFileSync(file('good.yaml'), GOOD);
  writeFileSync(file('old.yaml'), GOOD.replace('0.5', '0.4'));
  writeFileSync(
    file('bad.yaml'),
    GOOD.replace('[research]', '[reserch]').replace('role: editor', 'rolle: "\\e[2J"'),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

async function said(...line: string[]): Promise<{ code: number; out: string; err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const code = await run(line, new AbortController(), { stdout, stderr } as never);
  const text = (stream: PassThrough): string => String(stream.read() ?? '');
  return { code, out: text(stdout), err: text(stderr) };
}

describe('heddle plan', () => {
  it('shows the waves, and the hash', async () => {
    const { code, out } = await said('plan', file('good.yaml'));
    expect(code).toBe(0);
    expect(out.split('\n').slice(0, -2)).toEqual([
      'report: 2 nodes, no budget',
      '1',
      '  research (task); research; at most 0.5 an attempt',
      '2',
      '  review (gate); decided by editor; after research',
    ]);
    expect(out).toMatch(/\nsha256:[0-9a-f]{64}\n$/);
  });

  it('shows each problem with its place, can do nothing to a terminal, and ends with 1', async () => {
    const { code, out } = await said('plan', file('bad.yaml'));
    const path = file('bad.yaml');
    expect(code).toBe(1);
    expect(out.split('\n').map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      `${path}:5:3 #/tasks/review/role`,
      `${path}:5:33 #/tasks/review/needs/0`,
      `${path}:5:43 #/tasks/review/rolle`,
      '',
    ]);
    expect(out).not.toContain('\u001b');
  });

  it('gives the same as JSON lines', async () => {
    const good = await said('plan', '--json', file('good.yaml'));
    expect(JSON.parse(good.out)).toMatchObject({ workflow: 'report', waves: [['research'], ['review']] });
    const bad = await said('plan', '--json', file('bad.yaml'));
    const problems = bad.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect([bad.code, problems.length]).toEqual([1, 3]);
    expect(problems[1]).toMatchObject({ pointer: '#/tasks/review/needs/0', line: 5, column: 33 });
  });

  it('shows what has changed, and draws', async () => {
    const since = await said('plan', file('good.yaml'), '--since', file('old.yaml'));
    expect([since.code, since.out]).toEqual([0, 'research: maxCost 0.4 → 0.5\n']);
    const drawn = await said('plan', file('good.yaml'), '--mermaid');
    expect(drawn.out).toMatch(/^flowchart TD\n/);
  });

  it('says that there is no such file, or that it is a folder', async () => {
    const { code, err } = await said('plan', file('none.yaml'));
    expect([code, err.includes('does not exist')]).toEqual([3, true]);
    const folder = await said('plan', file('.'));
    expect([folder.code, folder.err.includes('is a folder, and not a file')]).toEqual([4, true]);
  });
});
