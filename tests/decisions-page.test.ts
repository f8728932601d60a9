// The lie: "docs/decisions.md says what is". Its table of roles is read and asked, and each of its actions must be asked for somewhere.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { roles } from 'heddle/actors';

const page = readFileSync(new URL('../docs/decisions.md', import.meta.url), 'utf8');
const sources = [
  'system',
  'births',
  'ahead',
  'delivery',
  'dead-letters',
  'past/import',
  'supervision/handle',
  'schedules/schedules',
]
  .map((name) => readFileSync(new URL(`../runtime/${name}.ts`, import.meta.url), 'utf8'))
  .join('\n');

describe('the page about decisions', () => {
  const [, yaml] = /```yaml\n(.*?)```/s.exec(page)!;
  const decider = roles(yaml!);
  const approve = (id: string, amount: number, initiator: string, mfaAt: number) =>
    decider.decide({
      principal: { type: 'user', id, properties: { mfaAt } },
      action: { name: 'review.approve' },
      resource: { type: 'review', id: 'loan/1', properties: { tenant: 'acme', amount, initiator } },
      context: { at: 10 ** 7 },
    }).determining;

  it('shows a table that decides as it says', () => {
    expect(approve('alice', 1000, 'bob', 10 ** 7)).toEqual(['clerks-approve']);
    expect(approve('bob', 50_000, 'alice', 10 ** 7)).toEqual(['clerks-approve']);
    expect(approve('bob', 1, 'bob', 10 ** 7)).toEqual(['four-eyes']);
    expect(approve('alice', 1001, 'bob', 10 ** 7)).toEqual(['limit']);
    expect(approve('alice', 1, 'bob', 10 ** 7 - 900_001)).toEqual(['step-up']);
  });

  it('has all actions that the runtime asks for, and no other', () => {
    const [table] = page.split('Orchestration asks');
    const rows = table!.split('\n').filter((line) => line.startsWith('| `'));
    const told = rows.flatMap((row) => namesIn(row.split('|')[1]!));
    const asked = sources.matchAll(/(?:actOnRecord|act|#ask|demand)\(\s*(?:id, |\{ name: )?'([a-z.]+)'/g);
    const inCode = [...asked].map(([, name]) => name!);
    expect(inCode.length).toBeGreaterThan(20);
    expect([...new Set(told)].toSorted()).toEqual([...new Set(inCode)].toSorted());
  });
});

/** `schedule.pause`, `.resume`: the second begins as the first. Braces are properties. */
function namesIn(cell: string): string[] {
  let prefix = '';
  return [...cell.matchAll(/`([a-z.]+)`/g)].map(([, name]) => {
    if (name!.startsWith('.')) return prefix + name!;
    prefix = name!.split('.')[0]!;
    return name!;
  });
}
