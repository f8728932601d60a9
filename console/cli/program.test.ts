// The lie: "what cannot be understood is not carried out". Command lines with mistakes in them; nothing of them may run.
import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { Exit, exitOf } from './exit.ts';
import { declare } from './program.ts';

type Acted = {
  readonly usage: string;
  readonly args: readonly string[];
  readonly flags: Record<string, unknown>;
};

/** What a command line would do, or says instead. */
async function parse(line: readonly string[]): Promise<{ acted: Acted[]; error: unknown; said: string }> {
  const acted: Acted[] = [];
  let said = '';
  const program = declare(async ({ usage }, args, flags) => void acted.push({ usage, args, flags }));
  const quiet = { writeErr: (text: string) => (said += text), writeOut: (text: string) => (said += text) };
  for (const command of [program, ...program.commands]) command.configureOutput(quiet);
  const error = await program.parseAsync([...line], { from: 'user' }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { acted, error, said };
}

it.each([
  [['histroy', 'a/1'], 'Did you mean history?'],
  [['history'], "missing required argument 'address'"],
  [['history', 'a/1', 'b/2'], 'too many arguments'],
  [['history', 'a/1', '--form', '3'], 'Did you mean --from?'],
  [['history', 'a/1', '--from', 'three'], 'It must be a whole number'],
  [['history', 'a/1', '--from', '-3'], 'argument missing|whole number'],
  [['tail', 'a/1', '-n', '1e3'], 'It must be a whole number'],
  [['discard', '3'], "required option '--reason <text>'"],
  [['query', 'a', '--status', 'dead'], 'Allowed choices are'],
  [['ls', '--store'], 'argument missing'],
  [['check'], "missing required argument 'history'"],
  [['export', 'a/1', '--to', '0'], 'The first record is 1'],
  [['export', 'a/1', '--fixture', 'x', '-o', 'y'], 'cannot be used with option'],
  [['import', 'x', '--effects', 'reuse'], 'Allowed choices are hold, rerun'],
  [['runs', '--state', 'lost'], 'Allowed choices are running, waiting'],
  [['status', 'a/1', '--watch', '--at', '3'], 'cannot be used with option'],
  [['lineage', 'sha256:0', '--up', '--down'], 'cannot be used with option'],
  [['halt', 'agent', 'writer'], "required option '--reason <text>'"],
  [['lift', 'all'], "required option '--reason <text>'"],
  [[], 'Usage: heddle'],
])('%j is refused', async (line, words) => {
  const { acted, error, said } = await parse(line);
  expect(acted).toEqual([]);
  expect(error).toBeInstanceOf(CommanderError);
  expect((error as CommanderError).exitCode).not.toBe(0);
  expect(said).toMatch(new RegExp(words.replaceAll(/[?()<>]/g, String.raw`\$&`)));
});

it('takes the common flags before and behind the command', async () => {
  for (const line of [
    ['--store', 'x', '--json', 'history', 'a/1', '--from', '2'],
    ['history', 'a/1', '--from', '2', '--json', '--store', 'x'],
  ]) {
    const { acted } = await parse(line);
    expect(acted).toEqual([
      { usage: 'history <address>', args: ['a/1'], flags: { store: 'x', json: true, from: 2 } },
    ]);
  }
});

describe('help', () => {
  const names = declare(async () => {}).commands.map((command) => command.name());

  it('is there for each command, with an example', async () => {
    expect(names.length).toBeGreaterThan(15);
    for (const name of names) {
      const { error, said } = await parse([name, '--help']);
      expect((error as CommanderError).exitCode).toBe(0);
      expect(said).toMatch(new RegExp(`Examples:\\n {2}\\$ .*heddle ${name}`));
      expect(said).toContain('--store <folder>');
    }
  });

  it('is told in full by docs/cli.md, which has each command and each exit code', () => {
    const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
    for (const name of names) expect(page).toMatch(new RegExp(`heddle (\\S+ )*${name}\\b`));
    for (const code of Object.values(Exit)) expect(page).toMatch(new RegExp(`^\\| ${code} `, 'm'));
  });
});

it.each([
  ['HEDDLE_UNKNOWN_ACTOR', Exit.NotFound],
  ['HEDDLE_STORE_LOCKED', Exit.Unavailable],
  ['HEDDLE_JOURNAL_CORRUPT', Exit.Damaged],
  ['HEDDLE_HISTORY_DAMAGED', Exit.Damaged],
  ['HEDDLE_UNKNOWN_CONTENT', Exit.NotFound],
  ['HEDDLE_CONTENT_DAMAGED', Exit.Damaged],
  ['HEDDLE_FILE_REFUSED', Exit.Refused],
  ['HEDDLE_FILE_FAILED', Exit.Unavailable],
  ['HEDDLE_MAILBOX_FULL', Exit.Refused],
  ['HEDDLE_CONTROL_BAD_REQUEST', Exit.Usage],
])('%s ends with its code', (code, exit) => {
  expect(exitOf({ name: '', code, message: '', retryable: false })).toBe(exit);
});
