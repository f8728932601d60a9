// The lie: "the command line tells what the system knows". A newsroom with runs that are done, that wait for an editor and for an
// operator, asked over its socket and when nobody has it open: in tables and JSON, with texts in it that no terminal should see.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { HeddleSystem } from 'heddle';
import { createSystem } from 'heddle';
import type { RunStatus } from 'heddle/actors';
import { serveControl } from 'heddle/console';
import type { Control } from 'heddle/console';
import { leveldb } from 'heddle/storage';
import { askDaemon } from '../../console/control/client.ts';
import { readDoor } from '../../console/control/door.ts';
import { orchestrationIn } from '../../console/control/orchestration.ts';
import type { Orchestration } from '../../console/control/orchestration.ts';
import { heddleHere, heddleInTurn, NEWSROOM, rowsOf, temporaryFolder } from './command-line.ts';
import { openNewsroom, SOURCE, until } from './newsroom.ts';
import { NASTY } from './bakery.ts';

const home = temporaryFolder();
const store = join(home.path, 'store');
const ask = (...args: string[]) => heddleHere('--store', store, ...args);

let system: Awaited<ReturnType<typeof openNewsroom>>;
let control: Control;
let tides: RunStatus;
/** Of what `note/short` has come to, of what it was given, and of what was looked at for it. */
let hashes: { readonly made: string; readonly given: string; readonly found: string };

beforeAll(async () => {
  system = await openNewsroom(store);
  control = await serveControl(system, { store });
  tides = await system.runs.status('report/tides');
  const short = await system.runs.status('note/short');
  hashes = { made: short.output!.hash!, given: short.input.hash!, found: short.sources[0]!.hash };
});
afterAll(async () => {
  await control.close();
  await system.close();
  home.remove();
});

const NOBODY = `sha256:${'0'.repeat(64)}`;
const ACTIVE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
/** The cells of a table, line by line. */
const cellsOf = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/));

describe('a daemon', () => {
  it('has the shape in which it is asked', () => {
    const shape: Orchestration = system satisfies Pick<HeddleSystem<never>, keyof Orchestration>;
    expect(orchestrationIn(system)).toBe(shape);
  });

  it('lists runs that have not ended, or those in a state', async () => {
    const runs = await ask('runs', '--utc');
    expect(runs).toMatchObject({ code: 0, stderr: '' });
    const [head, ...rows] = cellsOf(runs.stdout);
    expect(head).toEqual(['run', 'workflow', 'state', 'started', 'waiting', 'parked']);
    const started = new Date(tides.startedAt).toISOString().replace('T', ' ');
    expect(rows).toContainEqual(['report/tides', 'report', 'waiting', started, 'review']);
    expect(rows.find(([run]) => run === 'report/lost')).toMatchObject({ 2: 'parked', 4: 'check' });
    expect(rows.map(([run]) => run)).not.toContain('note/short');
    expect(rowsOf(await ask('runs', '--state', 'complete', '--json'))).toMatchObject([
      { run: 'note/short', workflow: 'note', state: 'complete', waiting: [], parked: [] },
    ]);
    expect(rowsOf(await ask('runs', 'report', '--limit', '1', '--json')).length).toBe(1);
    expect(rowsOf(await ask('runs', '--under', 'report/lost', '--json'))).toMatchObject([
      { run: 'report/lost', startedAt: expect.stringMatching(/^2.*Z$/) as string },
    ]);
    expect(await ask('runs', '--state', 'failed')).toEqual({ code: 0, stdout: '', stderr: 'no runs\n' });
    const clock = await ask('runs', 'clock');
    expect(clock).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('there are report, note') as string,
    });
  });

  it('says how a run stands, in a table and whole', async () => {
    const { code, stdout } = await ask('status', 'report/tides');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^report\/tides {2}waiting\n {2}workflow {2}report\n/);
    expect(stdout).toMatch(/\n {2}waits {5}review waits for a person \(editor\), since .*: review\n/);
    expect(stdout).toMatch(/\n {2}next {6}publish\n/);
    expect(stdout).toMatch(/\n {2}money {5}0\.04 spent, 0 reserved, 0\.96 of 1 left\n/);
    const rows = cellsOf(stdout);
    expect(rows).toContainEqual(['chapters/1', 'task', 'complete', 'write', '1', '0.01', '0.9']);
    expect(rows).toContainEqual(['small', 'task', 'skipped', 'nothing that it needs was to be done: size']);
    expect(rows).toContainEqual(['review', 'gate', 'waiting', 'a person: review']);

    const [whole] = rowsOf(await ask('status', 'report/tides', '--json'));
    expect(Object.keys(whole!).toSorted()).toEqual(Object.keys(tides).toSorted());
    expect(whole).toMatchObject({
      startedAt: new Date(tides.startedAt).toISOString(),
      input: tides.input,
      money: { limit: 1_000_000, spent: 40_000, reserved: 0, remaining: 960_000 },
      waits: [{ task: 'review', for: 'person', roles: ['editor'] }],
      tasks: expect.arrayContaining([
        expect.objectContaining({ task: 'small', status: 'skipped', because: expect.any(String) as string }),
      ]) as object[],
    });
    const short = (await ask('status', 'note/short')).stdout;
    expect(short).toMatch(/^note\/short {2}complete\n[^]*\n {2}output {4}\{ text: /);
    // What there is nothing to say of is not there.
    expect(short).not.toMatch(/^ {2}(waits|next|problem|shared)/m);
  });

  it('says what was tried, and what is held for it, in full', async () => {
    const { stdout } = await ask('status', 'report/lost', '--full');
    expect(stdout).toMatch(/\n {2}waits {5}check waits for an operator, since .*: crash: it is broken: rye /);
    expect(stdout).toMatch(/\ncheck +task +parked +check +1 +0\.02 +an operator: crash: it is broken/);
    expect(stdout).toMatch(/\nattempts\n[^]*check +1 +check .* unknown +crash +park +it is broken/);
    expect(stdout).toMatch(/\nsources\n[^]*research +https:\/\/archive\.example\/tides +sha256:/);
    expect(stdout).toMatch(
      /\nvalues\n[^]*research +output +\{ titles: \['ebb', 'flow'\] \} +sha256:\w{64}\n/,
    );
  });

  it('says how it stood', async () => {
    const [then] = rowsOf(await ask('status', 'report/tides', '--at', '1', '--json'));
    expect(then).toMatchObject({ state: 'running', money: { spent: 0 } });
    expect((await ask('status', 'report/tides', '--at', '1')).stdout).toMatch(/^report\/tides {2}running\n/);
    expect(await ask('status', 'report/tides', '--at', '999')).toMatchObject({ code: 4, stdout: '' });
  });

  it.each([
    ['status', 'report/none'],
    ['status', 'report/none', '--watch'],
    ['blame', 'report/none', 'tasks.it.output'],
    ['lineage', NOBODY, '--in', 'report/none'],
  ])('knows no run where nobody lives: %s %s %s', async (...args) => {
    const ended = await ask(...args);
    expect(ended).toMatchObject({ code: 3, stdout: '' });
    expect(ended.stderr).toContain('report/none: nobody ever lived there; `heddle runs` lists');
  });

  it.each([
    ['status', 'clock/wall'],
    ['status', 'clock/wall', '--watch'],
    ['status', 'report/tides/research'],
    ['blame', 'clock/wall', 'tasks.it.output'],
    ['lineage', NOBODY, '--in', 'clock/wall'],
  ])('takes nobody for a run who is none: %s %s', async (...args) => {
    const ended = await ask(...args);
    expect(ended).toMatchObject({ code: 4, stdout: '' });
    expect(ended.stderr).toMatch(/is no run of a workflow; `heddle show \S+` shows any actor/);
  });

  it('says which record has made a part of a run', async () => {
    const research = await ask('blame', 'report/tides', 'tasks.research.output.titles');
    expect(research.stdout).toMatch(
      /^tasks\.research\.output\.titles was set in record 2 at .*\n {2}by +xstate\.done/,
    );
    const money = await ask('blame', 'report/tides', 'money.spent');
    expect(money.stdout).toMatch(/^money\.spent was set in record \d+ of report\/tides\/account at /);
    expect(rowsOf(await ask('blame', 'report/tides', 'shared.texts', '--json'))).toMatchObject([
      { address: 'report/tides', event: { type: 'xstate.done.actor.chapters' } },
    ]);
    expect(await ask('blame', 'report/tides', 'problem')).toMatchObject({ code: 1, stdout: '' });
    expect(await ask('blame', 'report/tides', 'tasks.nobody.status')).toMatchObject({ code: 4, stdout: '' });
    const chosen = await ask('blame', 'report/tides', 'tasks.research.agent');
    expect(chosen.stdout).toMatch(
      /^tasks\.research\.agent was set in record \d+ of report\/tides\/research at /,
    );
    // What all actors have is asked of runs too.
    expect(await ask('blame', 'report/tides', 'value.working')).toMatchObject({ code: 0 });
  });

  it('says why a task was given to whom it was', async () => {
    const research = await ask('route', 'report/tides/research');
    expect(research).toMatchObject({ code: 0, stderr: '' });
    expect(research.stdout).toMatch(
      /^research does it: it can research\. It may cost 0\.02\.\n.*\nDecided: permit by runs/s,
    );
    expect(research.stdout).toContain('1: research');
    const before = await ask('route', 'report/tides/research', '--at', '1');
    expect(before).toMatchObject({ code: 0, stdout: 'Nobody was chosen yet.\n' });
    expect(rowsOf(await ask('route', 'report/tides/research', '--json'))).toEqual([
      { task: 'report/tides/research', why: research.stdout.trimEnd() },
    ]);
    expect(await ask('route', 'report/tides')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('is no task') as string,
    });
    expect(await ask('route', 'report/tides/nobody')).toMatchObject({ code: 3, stdout: '' });
  });

  it('gives what was found and made, by its hash', async () => {
    const made = await ask('content', hashes.made);
    expect(JSON.parse(made.stdout)).toEqual({ text: `about ebb ${NASTY}` });
    expect((await ask('content', hashes.found)).stdout).toMatch(/^all about tides rye \\x1b\[31m/);
    const [whole] = rowsOf(await ask('content', hashes.found, '--json'));
    const at = new Date(SOURCE.at).toISOString();
    expect(whole).toMatchObject({
      hash: hashes.found,
      value: SOURCE.content,
      sources: [{ uri: SOURCE.uri, at }],
    });
    const facts = await ask('content', hashes.made, '--facts');
    expect(cellsOf(facts.stdout)).toContainEqual(['made by', 'note/short/it']);
    const missing = await ask('content', hashes.given);
    expect(missing).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('heddle status <run>') as string,
    });
    expect(await ask('content', 'sha256:0')).toMatchObject({ code: 4 });
  });

  it('says what is different in another content', async () => {
    const longer = { text: `about ebb ${NASTY}`, words: 2 };
    const other = await system.content.put(longer);
    const { code, stdout } = await ask('content', hashes.made, '--diff', other);
    expect([code, cellsOf(stdout)]).toEqual([
      0,
      [
        ['path', 'before', 'after'],
        ['value.words', 'undefined', '2'],
      ],
    ]);
    expect(rowsOf(await ask('content', hashes.made, '--diff', hashes.found, '--json'))).toMatchObject([
      { path: 'value', after: SOURCE.content },
    ]);
    expect((await ask('content', other, '--diff', other)).stdout).toBe('');
    expect(await ask('content', other, '--diff', NOBODY)).toMatchObject({ code: 3 });
    expect(await ask('content', other, '--diff', other, '--facts')).toMatchObject({ code: 2 });
  });

  it('says what led to what', async () => {
    const { code, stdout } = await ask('lineage', hashes.made);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^what +run +task +agent +attempt +hash\noutput +note\/short +it +write +1 +sha256:/,
    );
    const [is, from, to] = stdout.split(/\nmade of\n|\nmade of it\n/);
    expect(is).not.toContain(SOURCE.uri);
    expect(from).toMatch(new RegExp(`\nsource +${SOURCE.uri} +${hashes.found}\n`));
    expect(to).toContain('report/tides');
    expect((await ask('lineage', hashes.made, '--up')).stdout).not.toContain('made of it');
    expect((await ask('lineage', hashes.found, '--down')).stdout).not.toMatch(/\nmade of\n/);
    expect(rowsOf(await ask('lineage', hashes.given, '--in', 'note/short', '--json'))).toMatchObject([
      { hash: hashes.given, from: [], to: expect.any(Array) as unknown[], isPartial: false },
    ]);
    const alone = await ask('lineage', NOBODY);
    expect(alone).toMatchObject({ code: 3, stderr: expect.stringContaining('--in <run>') as string });
    expect(await ask('lineage', NOBODY, '--in', 'note/short')).toMatchObject({ code: 3 });
    expect(await ask('lineage', hashes.made, '--at', '1')).toMatchObject({ code: 2 });
  });

  it('does not say that nothing waits where only other reviews do', async () => {
    for (const which of [
      ['--role', 'nobody'],
      ['--workflow', 'note'],
      ['--under', 'report/lost'],
    ])
      expect(await ask('reviews', ...which)).toMatchObject({ code: 0, stderr: 'none of these waits\n' });
    expect(await ask('reviews', '--workflow', 'reprot')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("'reprot' is not among") as string,
    });
  });

  it('says in JSON what makes no sense, when it is asked to', async () => {
    for (const [line, message] of [
      [
        ['runs', '--limit', 'x'],
        "option '--limit <count>' argument 'x' is invalid. It must be a whole number.",
      ],
      [['runs', '--limit', '0'], "option '--limit <count>' argument '0' is invalid. It must be 1 at least."],
      [['status'], "missing required argument 'run'"],
      [['histroy', 'a/1'], "unknown command 'histroy' (Did you mean history?)"],
      [['lineage', hashes.made, '--at', '1'], '--at is a record of a run: say which, with --in <run>'],
      [[], 'say what is to be done: --help has the commands'],
    ] as const) {
      const { code, stdout, stderr } = await ask(...line, '--json');
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(JSON.parse(stderr)).toEqual({
        trouble: { ...{ name: 'BadRequest', code: 'HEDDLE_CONTROL_BAD_REQUEST' }, message, retryable: false },
      });
    }
    expect(await ask('status', '--help', '--json')).toMatchObject({ code: 0, stderr: '' });
  });

  it('lists reviews, and shows what decides one', async () => {
    const reviews = await ask('reviews');
    expect(cellsOf(reviews.stdout)[1]).toMatchObject({
      0: 'report/tides/review',
      1: 'review',
      2: 'editor',
      4: '0 of 1',
    });
    expect(rowsOf(await ask('reviews', '--role', 'editor', '--for', 'ada', '--json'))).toMatchObject([
      { id: 'report/tides/review', quorum: 1, openedAt: expect.stringMatching(/Z$/) as string },
    ]);
    expect(await ask('reviews', '--role', 'chief')).toMatchObject({
      stdout: '',
      stderr: 'none of these waits\n',
    });
    expect(await ask('reviews', '--overdue')).toMatchObject({ stdout: '' });

    const { stdout } = await ask('review', 'report/tides/review');
    expect(stdout).toMatch(
      /^report\/tides\/review {2}pending\n {2}title +review\n {2}run +report\/tides \(report\)\n/,
    );
    expect(stdout).toMatch(/\nwhat an approval will cause\nnode +kind +capability\npublish +task +publish\n/);
    expect(stdout).toMatch(/\nwho was chosen\n[^]*research +research +it can research\n/);
    expect(stdout).toMatch(/\nwhat was permitted\n[^]*research +agent\.call +permit +runs\n/);
    expect(stdout).not.toContain('xstate.init');
    const full = await ask('review', 'report/tides/review', '--full');
    expect(full.stdout).toMatch(/\nwhat has happened\n[^]* report\/tides +1 +began +xstate\.init\n/);
    expect(rowsOf(await ask('review', 'report/tides/review', '--json'))).toMatchObject([
      {
        review: { status: 'pending' },
        consequences: { missing: 1 },
        did: { timeline: expect.any(Array) as unknown[] },
      },
    ]);
    for (const address of ['report/tides', 'report/none'])
      expect(await ask('review', address)).toMatchObject({
        ...{ code: 3, stdout: '' },
        stderr: expect.stringContaining('`heddle reviews` lists') as string,
      });
  });

  it('halts and lifts for whom the decider lets, and records who it was', async () => {
    expect(await ask('halts')).toEqual({ code: 0, stdout: '', stderr: 'nothing is halted\n' });
    const halt = (what: string[], by: string) =>
      ask('halt', ...what, '--reason', `drill ${NASTY}`, '--by', by);
    const denied = await halt(['agent', 'write'], 'eve');
    expect(denied).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('operator eve may not halt') as string,
    });
    expect(system.halts.list()).toEqual([]);

    const halted = await halt(['agent', 'write'], 'ada');
    expect(halted).toEqual({ code: 0, stdout: 'agent:write was halted by ada\n', stderr: '' });
    expect(system.halts.list()).toMatchObject([
      { target: { agent: 'write' }, by: 'ada', reason: `drill ${NASTY}` },
    ]);
    expect((await halt(['tenant:a:b'], 'ada')).stdout).toBe('tenant:a:b was halted by ada\n');
    expect(rowsOf(await ask('halts', '--json'))).toMatchObject([
      { key: 'agent:write', target: { agent: 'write' }, by: 'ada' },
      { key: 'tenant:a:b', target: { tenant: 'a:b' } },
    ]);
    const table = await ask('halts');
    expect(table.stdout).toMatch(/^halted +since +by +reason\nagent:write +2.* ada +drill rye \\x1b\[31m/);
    expect(table.stdout.replaceAll('\n', '')).not.toMatch(ACTIVE);
    expect(rowsOf(await ask('tail', 'heddle/system', '-n', '1', '--json'))).toMatchObject([
      { event: { type: 'heddle.ordered' }, principal: { type: 'operator', id: 'ada' } },
    ]);

    const lift = (key: string, by: string) => ask('lift', key, '--reason', 'over', '--by', by);
    expect(await lift('agent:write', 'eve')).toMatchObject({ code: 4 });
    expect((await lift('agent:write', 'ada')).stdout).toBe('agent:write was lifted by ada\n');
    expect(
      rowsOf(await ask('lift', 'tenant', 'a:b', '--reason', 'over', '--by', 'ada', '--json')),
    ).toMatchObject([{ did: 'lifted', key: 'tenant:a:b', by: 'ada', reason: 'over' }]);
    expect(await lift('agent:write', 'ada')).toMatchObject({ code: 4, stdout: '' });
    expect(system.halts.list()).toEqual([]);
  });

  it.each([
    [['halt', 'everything'], 'one of agent, model'],
    [['halt', 'agent'], 'say which agent'],
    [['halt', 'agent:'], 'say which agent'],
    [['halt', 'all', 'of'], 'has no name'],
    [['lift', 'all:of'], 'has no name'],
    [['halt', 'agent:a', 'b'], 'one of agent, model'],
  ])('halts nothing at %j', async (args, words) => {
    const ended = await ask(...args, '--reason', 'drill');
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain(words);
    expect(system.halts.list()).toEqual([]);
  });

  it('forks a run at a record of its own, and at one of somebody below it', async () => {
    const fork = (...args: string[]) => ask('fork', 'note/short', ...args, '--by', 'ada');
    const own = await fork('note/own', '--at', '2');
    expect(own).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^note\/short as of record 2 lives on as note\/own/) as string,
    });
    const [task] = (await system.runs.status('note/short')).tasks;
    const [last] = rowsOf(await ask('tail', task!.address, '--last', '1', '--json'));
    const below = await fork('note/below', '--at', `${task!.address}@${last!['seq'] as number}`, '--json');
    expect(rowsOf(below)).toMatchObject([
      { address: 'note/below', of: 'note/short', at: last!['seq'], recordOf: task!.address, effects: 'hold' },
    ]);
    expect(await fork('note/wrong', '--at', 'report/tides@1')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('must be a record of note/short or below it') as string,
    });
    expect(await fork('note/wrong', '--at', 'note/short@x')).toMatchObject({ code: 2 });
    expect(system.get('note/wrong')).toBeUndefined();
  });

  it('shows what is nasty so that it does nothing', async () => {
    const asked = [
      ['status', 'report/tides', '--full'],
      ['status', 'report/tides', '--json'],
      ['status', 'report/lost'],
      ['review', 'report/tides/review', '--full'],
      ['reviews', '--json'],
      ['content', hashes.made],
      ['content', hashes.found],
      ['content', hashes.found, '--json'],
      ['status', `nobody/${NASTY}`],
      ['lineage', NASTY],
      ['halt', NASTY, '--reason', 'drill'],
    ];
    for (const args of asked) {
      const { stdout, stderr } = await ask(...args);
      expect([args, stdout + stderr]).toEqual([args, expect.stringContaining('31m')]);
      expect((stdout + stderr).replaceAll('\n', '')).not.toMatch(ACTIVE);
    }
  });
});

describe('a run that is watched', () => {
  /** Begins to watch, as often as is said, and waits until all of them have seen how it stands. */
  async function watch(...lines: readonly string[][]) {
    const watched = vi.spyOn(system.runs, 'watch');
    const runs = lines.map((line) => ask('status', '--watch', ...line));
    await until(() => watched.mock.calls.length === lines.length);
    watched.mockRestore();
    return runs;
  }

  it('is shown, and then what changes in it, until its end', async () => {
    const [watching, whole] = await watch(['report/tides'], ['report/tides', '--json']);
    await system.reviews.decide('report/tides/review', { by: 'ada', verdict: 'approve', reason: NASTY });
    const { code, stdout } = await watching!;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^report\/tides {2}waiting\n/);
    expect(stdout).toMatch(/\n {2}publish: complete, by publish, cost 0\.01\n[^]*report\/tides: complete\n$/);
    expect(rowsOf(await whole!).map(({ state }) => state)).toEqual(
      expect.arrayContaining(['waiting', 'complete']),
    );
    const after = await ask('status', 'report/tides');
    expect(after.stdout).toMatch(
      /\ndecisions\ntime +by +what +review +reason\n.* ada +approve +report\/tides\/review +rye /,
    );
    const { stdout: review } = await ask('review', 'report/tides/review');
    expect(review).toMatch(/^report\/tides\/review {2}approved\n[^]*\nwhat an approval causes\n/);
  });

  it('is followed no longer than somebody listens', async () => {
    const watch = system.runs.watch.bind(system.runs);
    let isOver = false;
    const watched = vi.spyOn(system.runs, 'watch').mockImplementation(async function* (...args) {
      try {
        yield* watch(...args);
      } finally {
        isOver = true;
      }
    });
    const listening = new AbortController();
    const rows = askDaemon(readDoor(store)!, 'watchRun', { run: 'report/lost' }, listening.signal);
    expect(await rows.next()).toMatchObject({ value: { state: 'parked' } });
    listening.abort();
    await expect(rows.next()).rejects.toThrow('aborted');
    await until(() => isOver);
    watched.mockRestore();
  });

  it('ends with 1 where it comes to no good end', async () => {
    const [watching] = await watch(['report/lost']);
    const lost = system.get('report/lost')!;
    await lost.send({ type: 'task.abandon', task: 'check', by: 'olga', reason: 'no use' } as never);
    await until(async () => (await system.runs.status('report/lost')).state === 'failed');
    expect(await watching).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/\nreport\/lost: failed\n$/) as string,
    });
    const [failed] = rowsOf(await ask('runs', '--state', 'failed', '--json'));
    expect(failed).toMatchObject({ run: 'report/lost' });
    expect((await ask('status', 'report/lost')).stdout).toMatch(
      /\n {2}problem {3}abandoned: check: olga has given it up: no use\n/,
    );
  });
});

describe('a store that nobody has open', () => {
  const of = (...args: string[]) => ['--store', store, '--actors', NEWSROOM, ...args];
  const headOf = async (): Promise<unknown> => rowsOf(await ask('verify', '--json'))[0]!['head'];

  it('tells the same, and is as it was', async () => {
    const lines = [
      ['status', 'report/tides', '--json'],
      ['runs', '--state', 'complete', '--json'],
      ['lineage', hashes.made, '--json'],
      ['content', hashes.found],
      ['review', 'report/tides/review'],
      ['blame', 'report/tides', 'tasks.research.output.titles'],
      ['reviews'],
    ];
    const live: Awaited<ReturnType<typeof ask>>[] = [];
    for (const line of lines) live.push(await ask(...line));
    await control.close();
    await system.close();
    const before = await headOf();
    const closed = await heddleInTurn(
      ...lines.map((line) => of(...line)),
      of('status', 'report/tides', '--at', '1'),
      of('status', 'report/tides', '--watch'),
      of('status', 'report/none'),
      of('export', 'report/tides', '-o', join(home.path, 'tides.jsonl')),
      ['check', join(home.path, 'tides.jsonl'), '--actors', NEWSROOM, '--json'],
    );
    const [then, watched, none, exported, checked] = closed.splice(lines.length);
    // Runs are listed in no particular order.
    const sorted = ({ stdout, ...rest }: (typeof live)[number]) => ({
      ...rest,
      lines: stdout.split('\n').toSorted(),
    });
    expect(closed.map(sorted)).toEqual(live.map(sorted));
    expect(then).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^report\/tides {2}running/) as string,
    });
    expect(watched).toMatchObject({ code: 4, stderr: expect.stringContaining('--run') as string });
    expect(none).toMatchObject({ code: 3 });
    // Its agents are not asked again.
    expect(exported).toMatchObject({ code: 0 });
    expect(checked).toMatchObject({ code: 0, stderr: '' });
    expect(rowsOf(checked!)).toContainEqual(
      expect.objectContaining({ address: 'report/tides/research', same: true }),
    );
    expect(await headOf()).toEqual(before);
    // What runs here asks the decider of the configuration; it is refused, and that is recorded.
    const [sent] = await heddleInTurn(of('send', 'clock/wall', 'tick', '--run'));
    expect(sent).toMatchObject({ code: 4, stderr: expect.stringContaining('visitor') as string });
  });

  it('is asked for its code, and needs none to be halted', async () => {
    for (const args of [
      ['runs'],
      ['status', 'report/tides'],
      ['reviews'],
      ['content', NOBODY],
      ['lineage', NOBODY],
    ])
      expect(await ask(...args)).toMatchObject({
        code: 4,
        stderr: expect.stringContaining('--actors') as string,
      });
    expect(await ask('halts')).toMatchObject({ code: 0, stderr: 'nothing is halted\n' });
    expect((await ask('halt', 'all', '--reason', 'fire', '--by', 'ada')).stdout).toBe(
      'all was halted by ada\n',
    );
    const halts = rowsOf(await ask('halts', '--json'));
    expect(halts).toMatchObject([{ key: 'all', target: 'all', by: 'ada', reason: 'fire' }]);
    await using opened = await createSystem({ store: leveldb(store), actors: {} });
    expect(opened.halts.list()).toMatchObject([{ target: 'all', by: 'ada', reason: 'fire' }]);
    await opened.close();
    expect(await ask('lift', 'all', '--reason', 'it is out')).toMatchObject({ code: 0 });
    expect(await ask('lift', 'all', '--reason', 'it is out')).toMatchObject({ code: 4 });
  });
});
