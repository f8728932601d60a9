// The lie: "heddle simulate tells how a run would go, and keeps nothing". Files and workflows of code, rehearsed by the command line: what
// it says to people and programs, how it exits, and what is in the folder afterwards.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { RunStatus } from 'heddle/actors';
import { BAKERY, heddleHere, heddleInTurn, NEWSROOM, rowsOf, temporaryFolder } from './command-line.ts';

const home = temporaryFolder();
afterAll(() => home.remove());

const REPORT = `
id: report
inputSchema: { type: object, properties: { topic: { enum: [tides, storms] } }, required: [topic] }
budget: { limit: 5 }
tasks:
  research:
    kind: task
    capability: research
    maxCost: 0.5
    outputSchema: { type: object, properties: { text: { type: string } }, required: [text] }
  review: { kind: gate, needs: [research], role: editor, quorum: 2 }
  publish: { kind: task, needs: [review], capability: publish }
`;

const file = (name: string, text: string): string => {
  const path = join(home.path, name);
  writeFileSync(path, text);
  return path;
};
const report = file('report.yaml', REPORT);
const bad = file('bad.yaml', REPORT.replace('[research]', '[reserch]'));

const simulated = (...args: string[]) => heddleHere('simulate', report, '--seed', 'a', '--utc', ...args);

describe('heddle simulate', () => {
  it('tells how the run stands, what happened when, and by which seed', async () => {
    const { code, stdout, stderr } = await simulated();
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatchInlineSnapshot(`
      "report/1  complete
        workflow  report
        started   2030-01-01 00:00:00.000Z
        money     0.5 spent, 0 reserved, 4.5 of 5 left
        input     { topic: 'tides' }
        output    {}

      task      kind  status    agent          attempts  cost  confidence   took
      research  task  complete  stub-research         1   0.5           1  3.8 s
      review    gate  complete                                              0 ms
      publish   task  complete  stub-publish          1                 1  4.2 s

      decisions
      time                      by        what     review           reason
      2030-01-01 00:00:03.761Z  editor-1  approve  report/1/review  simulated
      2030-01-01 00:00:03.761Z  editor-2  approve  report/1/review  simulated

      story
      after  task      what
       0 ms  research  begins
      3.8 s  research  complete, by stub-research
      3.8 s  review    approve, by editor-1
      3.8 s  review    approve, by editor-2
      3.8 s  review    complete
      3.8 s  publish   begins
      7.9 s  publish   complete, by stub-publish

      seed a
      "
    `);
  });

  it('tells attempts and values too', async () => {
    const { code, stdout } = await simulated('--full', '--fault', 'research=server-error');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^attempts$[^]*research +1 +stub-research.*server-error +retry/m);
    expect(stdout).toMatch(/^values$[^]*research +output +\{ text: '/m);
    expect(stdout).toMatch(/research +attempt 1 by stub-research: server-error; then retry/);
  });

  it('gives the same row for the same seed, which is that of a status', async () => {
    const [one, other] = [await simulated('--json'), await simulated('--json')];
    expect(other.stdout).toBe(one.stdout);
    const [row] = rowsOf(one) as unknown as (RunStatus & { seed: string })[];
    expect(row).toMatchObject({ run: 'report/1', state: 'complete', seed: 'a' });
    expect(row!.decisions.map(({ by }) => by)).toEqual(['editor-1', 'editor-2']);
    expect(String(row!.startedAt)).toBe('2030-01-01T00:00:00.000Z');
  });

  it('exits with 1 where it comes to another end, or to none, and says what it waits for', async () => {
    const rejected = await simulated('--decide', 'reject');
    expect([rejected.code, /^report\/1 {2}failed$/m.test(rejected.stdout)]).toEqual([1, true]);
    const parked = await simulated('--fault', 'research=auth');
    expect(parked.code).toBe(1);
    expect(parked.stdout).toMatch(/waits +research waits for an operator/);
    expect(parked.stdout).toMatch(/^the run has not ended: nothing moves any more$/m);
    const unsure = await simulated('--confidence', '0', '--input', '{"topic":"storms"}', '--json');
    expect(rowsOf(unsure)[0]).toMatchObject({ input: { value: { topic: 'storms' } } });
  });

  it('says what makes no sense', async () => {
    const lines = [
      [['--fault', 'research'], '--fault must be <task>=<class>, but is research'],
      [
        ['--fault', 'review=crash'],
        '--fault review is no task that an agent does; there are research, publish',
      ],
      [['--fault', 'research=boredom'], '--fault research must be one of rate-limit,'],
      [['--confidence', 'quite'], '--confidence must be a number from 0 to 1'],
      [['--decide', 'maybe'], 'Allowed choices are approve, reject, abort'],
      [['--input', '{'], '--input must be JSON'],
    ] as const;
    for (const [args, message] of lines) {
      const { code, stderr } = await simulated(...args);
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    }
  });

  it('is refused what is wrong: an input, a file, a name', async () => {
    const input = await simulated('--input', '{"topic":"money"}');
    expect([input.code, input.stderr]).toEqual([4, expect.stringContaining('#/topic')]);
    const wrong = await heddleHere('simulate', bad);
    expect(wrong).toEqual({ ...(await heddleHere('plan', bad)), code: 4 });
    expect(wrong.stdout).toContain("#/tasks/review/needs/0 needs 'reserch'");
    const none = await heddleHere('simulate', join(home.path, 'none.yaml'));
    expect([none.code, none.stderr]).toEqual([3, expect.stringContaining('does not exist')]);
  });

  it('takes workflows and contracts from code, and calls none of it', async () => {
    const calling = file('calling.yaml', 'id: calling\ntasks: { note: { kind: call, workflow: note } }');
    const [note, clock, called, none] = await heddleInTurn(
      ['simulate', 'note', '--actors', NEWSROOM, '--seed', 'a', '--json'],
      ['simulate', 'clock', '--actors', NEWSROOM],
      ['simulate', calling, '--actors', NEWSROOM, '--json'],
      ['simulate', 'note', '--actors', BAKERY],
    );
    expect(note!.code).toBe(0);
    expect(rowsOf(note!)[0]).toMatchObject({ state: 'complete', tasks: [{ agent: 'write', cost: 0 }] });
    expect(clock).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('clock is no workflow') as string,
    });
    expect(rowsOf(called!)[0]).toMatchObject({ tasks: [{ parts: [{ task: 'note/it', agent: 'write' }] }] });
    expect(none!.code).toBe(3);
  });

  it('leaves nothing behind', () => {
    expect(readdirSync(home.path).toSorted()).toEqual(['bad.yaml', 'calling.yaml', 'report.yaml']);
  });
});
