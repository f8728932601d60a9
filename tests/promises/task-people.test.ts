// The lies: "a person can take the place of a model, and nobody notices", "what people do costs their time", "what they supply is checked too".
import { agent, budget, human, result, task, workflow } from 'heddle/actors';
import type { Agent, Assignment } from 'heddle/actors';
import { describe, expect, it } from 'vitest';
import type { Ledger } from '../../machines/budget/ledger.ts';
import { endOf, everybodyMay, snapshotOf, staffed, started, taskOf } from './staffed.ts';
import type { Staffed } from './staffed.ts';
import { World } from './staffed-world.ts';

const TEXT = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } as const;
const CONTRACT = { capabilities: ['translate'], inputSchema: TEXT, outputSchema: TEXT } as const;

const MINUTE = 60_000;

/** One and the same, whoever does it. */
const flow = workflow({
  id: 'flow',
  budget: budget({ limit: 100 }),
  inputSchema: TEXT,
  tasks: {
    translate: task({ capability: 'translate', quality: 0.8, timeout: '1 minute' }),
    publish: task({ needs: ['translate'], agent: 'press' }),
  },
});

function done(name: string, model: string, say: (text: string) => string, capabilities: readonly string[]) {
  return agent({
    ...CONTRACT,
    ...{ name, model, capabilities, estimate: () => 0.1 },
    execute: (assignment: Assignment<{ text: string }>) => {
      const output = { text: say(assignment.input.text) };
      return Promise.resolve(result(assignment, { output, cost: 0.1, duration: 1, model, confidence: 0.9 }));
    },
  }) as Agent;
}

const press = done('press', 'press', (text) => `printed: ${text}`, ['publish']);
const ada = human({ ...CONTRACT, name: 'translator', role: 'translator', rate: 60, estimate: () => 30 });

const REVIEW = 'flow/1/translate/review';

const supply = (opened: Staffed, value: unknown) =>
  opened.system.reviews.decide(REVIEW, {
    by: 'ada',
    verdict: 'approve',
    edits: [{ op: 'replace', pointer: '', value }],
    reason: 'done',
  } as never);

describe('the same work', () => {
  it.each([
    ['a model', done('translator', 'gpt', (text) => `${text}, by a model`, ['translate']), 'by a model'],
    [
      'a program',
      done('translator', 'sed', (text) => `${text}, by a program`, ['translate']),
      'by a program',
    ],
    ['a person', ada as Agent, 'by a person'],
  ] as const)('is done by %s, and nothing but the registration is another', async (kind, translator, by) => {
    const opened = await staffed({ flow, press, translator }, { decider: everybodyMay });
    await started(opened, { text: 'hello' });
    if (kind === 'a person') {
      await supply(opened, { text: `hello, ${by}` });
      await opened.settle();
    }
    expect(endOf(opened, 'flow/1')).toMatchObject({
      status: 'done',
      output: { text: `printed: hello, ${by}` },
    });
    // Whoever has the same contract can take the place.
    expect(translator.contract.hash).toBe(press.contract.hash);
  });
});

describe('a person who is an agent', () => {
  const opened = async () => {
    const system = await staffed({ flow, press, translator: ada as Agent }, { decider: everybodyMay });
    await started(system, { text: 'hello' });
    return system;
  };

  it('finds among the reviews what there is to do, for as long as it takes, over restarts', async () => {
    const before = await opened();
    await before.advance(10 * MINUTE);
    const after = (await before.crash()) as unknown as Staffed;
    const waiting = [];
    for await (const review of after.system.reviews.pending({ role: 'translator' })) waiting.push(review);
    expect(waiting.map(({ id }) => id)).toEqual([REVIEW]);
    const { context } = snapshotOf<{ context: { about: unknown; roles: unknown } }>(after, REVIEW);
    expect(context).toMatchObject({ roles: ['translator'], about: { work: { text: 'hello' }, maxCost: 30 } });
    const run = snapshotOf<{ context: { nodes: { translate: { status: string } } } }>(after, 'flow/1');
    expect(run.context.nodes.translate.status).toBe('waiting');
    const { window } = snapshotOf<{ context: Ledger }>(after, 'flow/1/account').context;
    expect([window.reserved, window.spent]).toEqual([30_000_000, 0]);
  });

  it('is paid for the time since they have claimed it', async () => {
    const system = await opened();
    await system.advance(60 * MINUTE);
    await system.system.reviews.claim(REVIEW, { by: 'ada' });
    await system.advance(12 * MINUTE);
    await supply(system, { text: 'salut' });
    await system.settle();
    const { log, answer } = taskOf(system, 'flow/1/translate');
    expect(log).toMatchObject([{ agent: 'translator', cost: 12_000_000, confidence: 1 }]);
    expect(answer?.result?.metadata).toEqual({
      ...{ cost: 12, duration: 12 * MINUTE, model: 'person: ada', confidence: 1 },
    });
    expect(endOf(system, 'flow/1').output).toEqual({ text: 'printed: salut' });
    const { window } = snapshotOf<{ context: Ledger }>(system, 'flow/1/account').context;
    expect([window.reserved, window.spent]).toEqual([0, 12_100_000]);
  });

  it('who comes too late is told so, also when they were asked anew meanwhile', async () => {
    const system = await opened();
    const { reviews } = system.system;
    const as = { verdict: 'approve', reason: 'as it is' } as const;
    // Nothing was put in the place of nothing: that is no answer, and they are asked again at the same address.
    const decided = await Promise.allSettled(
      ['ada', 'ada', 'ada'].map((by) => reviews.decide(REVIEW, { by, ...as })),
    );
    expect(decided.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    for (const one of decided.slice(1))
      expect(one).toMatchObject({ reason: { _tag: 'ReviewRefused', reason: 'decided' } });
    expect(decided[0]).toMatchObject({ value: { review: { id: REVIEW, status: 'approved' } } });
    await system.settle();
    expect(reviews.get(REVIEW)).toMatchObject({ status: 'pending' });
  });

  it('cannot supply what breaks the contract', async () => {
    const system = await opened();
    await expect(supply(system, { text: 7 })).rejects.toMatchObject({ reason: 'invalid' });
    // Nothing was put in the place of nothing: that is no answer, and they are asked again.
    await system.system.reviews.decide(REVIEW, {
      by: 'ada',
      verdict: 'approve',
      reason: 'as it is',
    } as never);
    await system.settle();
    const { log } = taskOf(system, 'flow/1/translate');
    expect(log).toMatchObject([{ fault: 'schema-mismatch', move: 'ask-again' }, { agent: 'translator' }]);
    const { about } = snapshotOf<{ context: { about: { problems: unknown } } }>(system, REVIEW).context;
    expect(about.problems).toMatchObject([{ pointer: '#/text' }]);
    await supply(system, { text: 'salut' });
    await system.settle();
    expect(endOf(system, 'flow/1').output).toEqual({ text: 'printed: salut' });
  });

  it('may refuse it; and what has not come in time is a timeout', async () => {
    const system = await opened();
    await system.system.reviews.decide(REVIEW, {
      by: 'ada',
      verdict: 'reject',
      reason: 'it is Greek to me',
    } as never);
    await system.settle();
    expect(endOf(system, 'flow/1').error).toMatchObject({
      class: 'agent-failure',
      message: expect.stringContaining('it is Greek to me'),
    });
    const hasty = human({ ...CONTRACT, name: 'translator', role: 'translator', within: '2 hours' });
    const late = await staffed({ flow, press, translator: hasty as Agent }, { decider: everybodyMay });
    await started(late, { text: 'hello' });
    for (let i = 0; i < 3; i++) await late.advance(121 * MINUTE);
    expect(taskOf(late, 'flow/1/translate').log).toMatchObject([{ fault: 'timeout' }, { fault: 'timeout' }]);
    expect(endOf(late, 'flow/1').error.class).toBe('timeout');
  });

  it('is refused at once where they make no sense', () => {
    const make = () => human({ ...CONTRACT, name: 'x', role: '', rate: 0.1 + 0.2, within: 'soon' as never });
    expect(make).toThrow(
      expect.objectContaining({
        _tag: 'ContractRefused',
        problems: ['#/role', '#/rate', '#/estimate', '#/within'].map(
          (pointer) => expect.objectContaining({ pointer }) as unknown,
        ),
      }),
    );
  });
});

describe('whoever has the name of a person by now', () => {
  const work = workflow({
    id: 'work',
    budget: budget({ limit: 1000 }),
    inputSchema: TEXT,
    tasks: { a: task({ capability: 'translate' }) },
  });
  const atRate = (rate: number) =>
    human({ ...CONTRACT, name: 'translator', role: 'translator', rate, estimate: () => 60 });
  const model = done('translator', 'gpt', (text) => `${text}, by a model`, ['translate']);
  const review = 'work/1/a/review';
  const supplied = {
    ...({ by: 'ada', verdict: 'approve', reason: 'done' } as const),
    edits: [{ op: 'replace', pointer: '', value: { text: 'salut' } }],
  } as const;
  const moneyOf = (world: World) => world.snapshot('work/1/account').context.window;

  it.each([
    ['the same at another rate', { translator: atRate(600) }],
    ['a model', { translator: model }],
  ])('changes nothing about what was agreed: %s', async (_, then) => {
    const world = await World.open({ actors: { work, translator: atRate(60) }, decider: everybodyMay });
    await world.start('work', '1', { text: 'hello' });
    await world.advance(30 * MINUTE);
    await world.crash({ actors: { work, ...then } });
    await world.system.reviews.decide(review, supplied);
    await world.until(() => world.snapshot('work/1').status === 'done');
    expect(world.snapshot('work/1').output).toEqual({ text: 'salut' });
    expect(moneyOf(world)).toMatchObject({ spent: 30_000_000, reserved: 0 });
  });

  it('is there when what they have supplied is not wanted any more before anybody has looked at it: they are paid', async () => {
    const world = await World.open({ actors: { work, translator: atRate(60) }, decider: everybodyMay });
    await world.start('work', '1', { text: 'hello' });
    await world.advance(30 * MINUTE);
    await world.system.pause({ address: 'work/1/a/ask' });
    await world.system.reviews.decide(review, supplied);
    await world.settle();
    expect(world.snapshot('work/1/a').value).toBe('asking');
    await world.tell('work/1', { type: 'run.abort', by: 'bob', reason: 'enough' });
    expect(moneyOf(world)).toMatchObject({ spent: 30_000_000, reserved: 0 });
    await world.crash();
    await world.system.resume({ address: 'work/1/a/ask' });
    await world.settle();
    expect(moneyOf(world)).toMatchObject({ spent: 30_000_000, reserved: 0 });
    expect((await world.system.verify()).broken).toEqual([]);
  });

  it('is nobody: they are paid all the same', async () => {
    const scribe = { ...CONTRACT, name: 'scribe', role: 'scribe' };
    const named = workflow({
      id: 'work',
      budget: budget({ limit: 1000 }),
      inputSchema: TEXT,
      tasks: { a: task({ capability: 'translate' }) },
    });
    const world = await World.open({
      actors: { work: named, translator: atRate(60) },
      decider: everybodyMay,
    });
    await world.start('work', '1', { text: 'hello' });
    await world.advance(30 * MINUTE);
    // Somebody else can do it by now.
    await world.crash({ actors: { work: named, scribe: human(scribe), press } });
    await world.system.reviews.decide(review, supplied);
    await world.settle();
    expect(moneyOf(world)).toMatchObject({ spent: 30_000_000, reserved: 0 });
    expect(world.snapshot('work/1/a').context.log).toMatchObject([{ fault: 'no-agent', cost: 30_000_000 }]);
  });

  it('is asked in their way, when a call of a model was out', async () => {
    const silent = agent({
      ...{ ...CONTRACT, name: 'translator', model: 'gpt', estimate: () => 0.1 },
      execute: () => new Promise<never>(() => {}),
    }) as Agent;
    const world = await World.open({ actors: { work, translator: silent }, decider: everybodyMay });
    await world.start('work', '1', { text: 'hello' });
    await world.crash({ actors: { work, translator: atRate(60) } });
    const { waits } = await world.system.runs.status('work/1');
    expect(waits).toMatchObject([{ task: 'a', for: 'person', roles: ['translator'] }]);
    await world.system.reviews.decide(review, supplied);
    await world.until(() => world.snapshot('work/1').status === 'done');
    const { log } = world.snapshot('work/1/a').context;
    expect(log).toMatchObject([{ fault: 'cancelled' }, { agent: 'translator' }]);
    // What the call has cost nobody knows.
    expect(moneyOf(world)).toMatchObject({ held: 100_000 });
  });
});
