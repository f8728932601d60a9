// The lies: "what does not fit into a window is not sent", "a long text is done in parts, and no part is done twice", "nothing is cut off".
import { chunk, FaultError, microsOf, task, workflow, budget } from 'heddle/actors';
import type { Agent, TaskOptions } from 'heddle/actors';
import { memory } from 'heddle/storage';
import { describe, expect, it } from 'vitest';
import type { Ledger } from '../../machines/budget/ledger.ts';
import type { TaskContext } from '../../machines/task/progress.ts';
import { endOf, snapshotOf, staffed, started, taskOf, worker } from './staffed.ts';
import type { Asked, Doing } from './staffed.ts';
import { PERMITTING, workplaceUnder } from '../orchestration/workplace.ts';
import { DyingSystem } from '../dying-system.ts';
import { Staff } from '../../actors/staff.ts';
import { hosted } from '../../actors/system.ts';

const words = (text: unknown): number => String(text).split(/\s+/u).filter(Boolean).length;

/** Counts the words that it is given. One word is one token. */
const COUNTING = { countTokens: (input: unknown) => words((input as { text: string }).text) };

const read: Doing = ({ input }) => ({ seen: [input['text']], words: words(input['text']) });

const inParts = chunk({
  pointer: '#/text',
  maxTokens: 4,
  overlap: 0,
  finest: 'word',
  merge: { seen: 'append', words: 'sum' },
});

const TEXT = 'one two three four. five six seven eight. nine ten eleven twelve. the rest of it. and the end.';

/** Which of its commits it is killed after. */
const EVERY = 4;

const flowOf = (options: TaskOptions<never>) =>
  workflow({
    id: 'flow',
    budget: budget({ limit: 1 }),
    tasks: { one: task(options.agent === undefined ? { capability: 'work', ...options } : options) },
  });

describe('an input that is longer than a window', () => {
  it('is sent to nobody, costs nothing, and goes to an agent with a larger window', async () => {
    const asked: Asked[] = [];
    const small = worker('small', read, { asked, ...COUNTING, window: 4, cost: 0.01 });
    const large = worker('large', read, { asked, ...COUNTING, window: 100, cost: 0.02 });
    const opened = await staffed({ flow: flowOf({ agent: ['small', 'large'] }), small, large });
    await started(opened, { text: TEXT });
    expect(endOf(opened, 'flow/1')).toMatchObject({ status: 'done', output: { words: 19 } });
    expect(asked.map(({ agent }) => agent)).toEqual(['large']);
    expect(taskOf(opened, 'flow/1/one').log).toMatchObject([
      { agent: 'small', fault: 'context-window', cost: 0, move: 'larger-window' },
      { agent: 'large', cost: 20_000 },
    ]);
  });

  it('of an agent that counts nonsense, or cannot count, goes to nobody either', async () => {
    const asked: Asked[] = [];
    const nan = worker('nan', read, { asked, countTokens: () => NaN, window: 4 });
    const opened = await staffed({ flow: flowOf({}), nan });
    await started(opened, { text: TEXT });
    expect(endOf(opened, 'flow/1').error.class).toBe('contract-violation');
    expect(asked).toEqual([]);
  });

  it('is refused where neither a larger window is there nor parts are declared', async () => {
    const asked: Asked[] = [];
    const small = worker('small', read, { asked, ...COUNTING, window: 4 });
    const opened = await staffed({ flow: flowOf({}), small });
    await started(opened, { text: TEXT });
    expect(endOf(opened, 'flow/1').error).toMatchObject({
      class: 'context-window',
      message: expect.stringContaining('19 tokens do not fit into the 4 of small'),
    });
    expect(taskOf(opened, 'flow/1/one').move?.because.skipped).toMatchObject([
      { do: 'larger-window', why: 'no-larger-window' },
      { do: 'chunk', why: 'no-chunking' },
    ]);
    expect(asked).toEqual([]);
  });
});

describe('a task in parts', () => {
  it('asks for one after the other, each under its own key and with what is left of the money', async () => {
    const asked: Asked[] = [];
    const small = worker('small', read, { asked, ...COUNTING, window: 4, estimate: () => 0.05 });
    const opened = await staffed({ flow: flowOf({ chunk: inParts }), small });
    await started(opened, { text: TEXT });
    expect(endOf(opened, 'flow/1')).toMatchObject({ status: 'done', output: { words: 19 } });
    const { seen } = endOf(opened, 'flow/1').output as { seen: string[] };
    expect(seen.join('')).toBe(TEXT);
    expect(asked.map(({ key, maxCost }) => [key, maxCost])).toEqual([
      ['flow/1/one#2/part/1', 0.05],
      ['flow/1/one#2/part/2', 0.04],
      ['flow/1/one#2/part/3', 0.03],
      ['flow/1/one#2/part/4', 0.02],
      ['flow/1/one#2/part/5', 0.01],
    ]);
    const { log, answer } = taskOf(opened, 'flow/1/one');
    expect(log).toMatchObject([{ fault: 'context-window', move: 'chunk', cost: 0 }, { cost: 50_000 }]);
    expect(answer?.result?.metadata).toMatchObject({ cost: 0.05, confidence: 0.9 });
    const { spent, reserved } = snapshotOf<{ context: Ledger }>(opened, 'flow/1/account').context.window;
    expect([spent, reserved]).toEqual([50_000, 0]);
  });

  it('is begun anew by whoever comes after one that was halted in the middle of it', async () => {
    const asked: Asked[] = [];
    const as =
      (name: string): Doing =>
      (assignment) =>
        name === 'first' && /^five/u.test(String(assignment.input['text']))
          ? new Promise(() => {})
          : { ...(read(assignment) as object), seen: [name] };
    const [first, second] = ['first', 'second'].map((name) =>
      worker(name, as(name), { asked, ...COUNTING, window: 4, estimate: () => 0.05 }),
    );
    const opened = await staffed({
      flow: flowOf({ agent: ['first', 'second'], chunk: inParts }),
      ...{ first: first!, second: second! },
    });
    await started(opened, { text: TEXT });
    await opened.settle();
    expect(asked.map(({ agent }) => agent)).toEqual(['first', 'first']);
    await opened.system.halts.halt({ agent: 'first' }, { by: 'ada', reason: 'it writes nonsense' });
    await opened.settle();
    expect(endOf(opened, 'flow/1')).toMatchObject({
      status: 'done',
      output: { words: 19, seen: Array.from({ length: 5 }, () => 'second') },
    });
    expect(new Set(asked.map(({ key }) => key)).size).toBe(7);
  });

  it('is as sure as its least sure part', async () => {
    const unsure: Doing = (assignment) => ({
      output: read(assignment) as Readonly<Record<string, unknown>>,
      metadata: { confidence: String(assignment.input['text']).includes('nine') ? 0.4 : 0.95 },
    });
    const small = worker('small', unsure, { ...COUNTING, window: 4, estimate: () => 0.05 });
    const opened = await staffed({ flow: flowOf({ chunk: inParts, quality: 0.8 }), small });
    await started(opened, { text: TEXT });
    expect(taskOf(opened, 'flow/1/one').log.at(-1)).toMatchObject({
      fault: 'low-confidence',
      confidence: 0.4,
    });
  });

  it('goes on behind the parts that are done when one of them fails', async () => {
    const asked: Asked[] = [];
    let failures = 1;
    const flaky: Doing = (assignment) => {
      if (String(assignment.input['text']).includes('nine') && failures-- > 0)
        throw new FaultError({ class: 'server-error', message: 'it broke', cost: microsOf(0.002) });
      return read(assignment);
    };
    const small = worker('small', flaky, { asked, ...COUNTING, window: 4, estimate: () => 0.05 });
    const opened = await staffed({ flow: flowOf({ chunk: inParts }), small });
    await started(opened, { text: TEXT });
    await opened.advance(5000);
    expect(endOf(opened, 'flow/1')).toMatchObject({ status: 'done', output: { words: 19 } });
    expect(asked.map(({ key }) => Number(key.split('/').at(-1)))).toEqual([1, 2, 3, 3, 4, 5]);
    const { log } = taskOf(opened, 'flow/1/one');
    expect(log).toMatchObject([
      { fault: 'context-window', cost: 0 },
      { fault: 'server-error', message: 'part 3: it broke', cost: 22_000 },
      { cost: 30_000 },
    ]);
    const { spent, reserved } = snapshotOf<{ context: Ledger }>(opened, 'flow/1/account').context.window;
    expect([spent, reserved]).toEqual([52_000, 0]);
  });

  it('asks nobody for a part for which nothing is left of what was reserved', async () => {
    const asked: Asked[] = [];
    const dear: Doing = (assignment) => ({
      output: read(assignment) as Readonly<Record<string, unknown>>,
      metadata: { cost: 0.025 },
    });
    const small = worker('small', dear, { asked, ...COUNTING, window: 4, estimate: () => 0.05 });
    const opened = await staffed({ flow: flowOf({ chunk: inParts }), small });
    await started(opened, { text: TEXT });
    expect(asked).toHaveLength(2);
    expect(taskOf(opened, 'flow/1/one').log.at(-1)).toMatchObject({
      fault: 'budget-exhausted',
      message: 'nothing is left of the 0.05 that was reserved, and 3 of 5 parts are not done',
      cost: 50_000,
    });
    const { spent, reserved } = snapshotOf<{ context: Ledger }>(opened, 'flow/1/account').context.window;
    expect([spent, reserved]).toEqual([50_000, 0]);
  });

  it('asks for a part that is estimated to cost nothing when nothing is left', async () => {
    const asked: Asked[] = [];
    /** What ends with a word that is known already is looked up. */
    const isKnown = (text: unknown): boolean => /(twelve|it|end)\. ?$/u.test(String(text));
    const lookingUp: Doing = (assignment) => ({
      output: read(assignment) as Readonly<Record<string, unknown>>,
      metadata: { cost: isKnown(assignment.input['text']) ? 0 : 0.025 },
    });
    const estimate = (input: unknown): number => {
      const { text } = input as { readonly text: string };
      return words(text) <= 4 && isKnown(text) ? 0 : 0.05;
    };
    const small = worker('small', lookingUp, { asked, ...COUNTING, window: 4, estimate });
    const opened = await staffed({ flow: flowOf({ chunk: inParts }), small });
    await started(opened, { text: TEXT });
    expect(asked.map(({ maxCost }) => maxCost)).toEqual([0.05, 0.025, 0, 0, 0]);
    expect(endOf(opened, 'flow/1')).toMatchObject({ status: 'done', output: { words: 19 } });
    const { spent, reserved } = snapshotOf<{ context: Ledger }>(opened, 'flow/1/account').context.window;
    expect([spent, reserved]).toEqual([50_000, 0]);
  });

  it('gives no answer where nobody said how a field is put together', async () => {
    const more: Doing = (assignment) => ({ ...(read(assignment) as object), mood: 'good' });
    const small = worker('small', more, { ...COUNTING, window: 4, estimate: () => 0.05 });
    const opened = await staffed({ flow: flowOf({ chunk: inParts }), small });
    await started(opened, { text: TEXT });
    expect(taskOf(opened, 'flow/1/one').log.find(({ fault }) => fault === 'schema-mismatch')).toMatchObject({
      cost: 50_000,
    });
  });

  it('asks for no part twice, and knows what each was made of, whenever the system dies', async () => {
    const calm = await dying(() => false);
    expect(calm.keys).toEqual([1, 2, 3, 4, 5]);
    expect(calm.made.parts?.map(({ number, sources }) => [number, sources?.length])).toEqual(
      calm.keys.map((number) => [number, 1]),
    );
    expect(calm.made.sources?.length).toBe(5);
    let deaths = 0;
    for (let at = 1; at <= calm.commits; at += EVERY) {
      const told = await dying((commits) => commits === at);
      // It may die between a call and the record of its answer: then that one part is asked again, under its key.
      const again = told.keys.length - new Set(told.keys).size;
      expect([at, told.output, [...new Set(told.keys)], again <= 1]).toEqual([
        at,
        calm.output,
        calm.keys,
        true,
      ]);
      expect([at, told.made]).toEqual([at, calm.made]);
      deaths += told.deaths;
    }
    expect(deaths).toBe(Math.ceil(calm.commits / EVERY));
  });
});

/** A run in parts that dies after one of its commits. */
async function dying(dies: (commits: number) => boolean) {
  const asked: Asked[] = [];
  const citing: Doing = (assignment) => ({
    output: read(assignment) as Readonly<Record<string, unknown>>,
    metadata: { sources: [{ uri: 'the text', content: assignment.input['text'], at: 1 }] },
  });
  const small: Agent = worker('small', citing, { asked, ...COUNTING, window: 4, estimate: () => 0.05 });
  const staff = new Staff(new Map([['small', small]]));
  staff.beginIn(workplaceUnder(PERMITTING));
  let commits = 0;
  const world = new DyingSystem({
    store: memory(),
    actors: hosted({ flow: flowOf({ chunk: inParts }) }, staff),
    maxTurnsPerCommit: 1,
    dies: () => dies(++commits),
  });
  await world.open();
  await world.start('flow', '1', { text: TEXT });
  await world.advance(1000);
  const { output } = world.system.get('flow/1')!.getSnapshot() as { output: unknown };
  const { context } = world.system.get('flow/1/one')!.getSnapshot() as { context: TaskContext };
  const { manifest, parts, sources } = context.log.at(-1)!;
  const { same } = await world.system.replay('flow/1/one');
  expect(same).toBe(true);
  await world.system.close();
  return {
    keys: asked.map(({ key }) => Number(key.split('/').at(-1))),
    output,
    made: { manifest, parts, sources },
    commits,
    deaths: world.deaths,
  };
}
