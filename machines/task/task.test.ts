// The lie: "a task does about a fault what its strategy says, pays for every attempt once, and always comes to an end or says what it
// waits for". Those whom it asks are told what to answer, one question after the other.
import { createActor, fromTransition } from 'xstate';
import type { AnyActorLogic, AnyActorRef, AnyMachineSnapshot } from 'xstate';
import { describe, expect, it, vi } from 'vitest';
import { SimulatedClock } from 'xstate';
import type { Fault, FaultClass } from '../faults/fault.ts';
import type { Micros } from '../values/money.ts';
import { strategies } from '../faults/strategies.ts';
import { extend } from '../faults/strategy.ts';
import type { WorkOutcome } from '../workflow/graph.ts';
import type { KeptAnswer } from './kept-answer.ts';
import type { TaskContext } from './progress.ts';
import { taskMachine } from './task.ts';
import type { Advised, Answer, TaskSpec } from './words.ts';

/** Logic that ends with what it is told. */
const told: AnyActorLogic = fromTransition(
  (state: { input: unknown }) => state,
  ({ input }: { input: unknown }) => ({ input }),
);
const answering: AnyActorLogic = {
  ...told,
  transition: (snapshot: object, event: { type: string; output?: unknown; error?: unknown }) => {
    if (event.type === 'answer') return { ...snapshot, status: 'done', output: event.output };
    return event.type === 'break' ? { ...snapshot, status: 'error', error: event.error } : snapshot;
  },
} as never;

const SPEC: TaskSpec = {
  timeoutMs: 1000,
  deadlineMs: undefined,
  threshold: 0.8,
  strategy: strategies.standard,
  maxAttempts: 20,
  reviewers: 'editor',
  escalateTo: undefined,
  verifies: false,
  chunks: false,
};

/** What a review says of itself besides how it has ended. */
const SIGNED = { at: 0, hash: 'h', approvals: [], voided: [], edits: [] };

const ADVICE: Advised = {
  ...{ agent: 'ann', contract: 'c1', because: 'cheapest', passedOver: [], accounts: [], permits: [] },
  permission: { effect: 'permit', determining: ['all'], reasons: [] },
  ...{ maxCost: 100 as Micros, calibration: undefined, window: undefined, others: 1, larger: 0 },
};

const DAY_MS = 24 * 60 * 60_000;
const PACE = { firstMs: 1, factor: 1, maxMs: 1, jitter: 0 };

const good = (confidence = 0.9, cost = 40): Answer => ({
  result: {
    id: 'x',
    status: 'success',
    output: { text: 'yes' },
    metadata: { cost: 0.00004, duration: 5, model: 'm', confidence },
  },
  cost: cost as Micros,
  durationMs: 5,
});

const bad = (name: FaultClass, more: Partial<Fault> = {}): Answer => ({
  fault: { class: name, message: `it is ${name}`, cost: 10 as Micros, ...more },
  durationMs: 5,
});

/** An account that grants everything unless it is told otherwise, and writes down what it hears. */
class Purse {
  readonly heard: string[] = [];
  isEmpty = false;
  /** It answers when it is told to. */
  isSlow = false;
  answer = (): void => {};
  readonly ref: AnyActorRef;

  constructor() {
    const logic = fromTransition(
      (
        _: unknown,
        event: { type: string; from?: AnyActorRef; ticket: string; amount?: number; cost?: number },
      ) => {
        const { type, ticket, amount, cost } = event;
        this.heard.push(
          `${type.slice(7)} ${ticket.split('#')[1]}${amount === undefined ? '' : ` ${amount}`}${cost === undefined ? '' : ` ${cost}`}`,
        );
        if (type !== 'budget.reserve') return undefined;
        const answer = (): void =>
          event.from!.send(
            this.isEmpty
              ? { type: 'budget.refused', ticket, reason: 'exhausted', account: 'purse', remaining: 0 }
              : { type: 'budget.reserved', ticket, amount, accounts: ['purse'] },
          );
        if (this.isSlow) this.answer = answer;
        else answer();
        return undefined;
      },
      undefined,
    );
    this.ref = createActor(logic).start();
  }
}

class Task {
  readonly purse = new Purse();
  readonly clock = new SimulatedClock();
  readonly actor: AnyActorRef & { getSnapshot(): AnyMachineSnapshot };

  constructor(spec: Partial<TaskSpec> = {}, account?: AnyActorRef) {
    const actors = {
      consult: answering,
      ask: answering,
      verify: answering,
      review: answering,
      keep: answering,
      remember: answering,
      recall: answering,
    };
    const start = {
      workflow: 'w',
      run: 'w/1',
      task: 't',
      input: { q: 1 },
      values: {},
      account: account ?? this.purse.ref,
    };
    const machine = taskMachine({ ...SPEC, ...spec }, actors);
    this.actor = createActor(machine, { input: start, clock: this.clock }).start() as never;
  }

  get context(): TaskContext {
    return this.actor.getSnapshot().context as TaskContext;
  }

  get state(): string {
    const { value } = this.actor.getSnapshot() as { value: unknown };
    return typeof value === 'string' ? value : JSON.stringify(value);
  }

  get outcome(): WorkOutcome {
    return this.actor.getSnapshot().output as WorkOutcome;
  }

  #child(name: string): AnyActorRef {
    const child = this.actor.getSnapshot().children[name] as AnyActorRef | undefined;
    if (child === undefined) throw new Error(`nobody is asked to ${name}: ${this.state}`);
    return child;
  }

  question(name: string): Record<string, unknown> {
    return (this.#child(name).getSnapshot() as unknown as { context: { input: never } }).context.input;
  }

  answer(name: string, output: unknown): this {
    this.#child(name).send({ type: 'answer', output });
    return this;
  }

  break(name: string): this {
    this.#child(name).send({ type: 'break', error: new Error('broken') });
    return this;
  }

  advise(more: Partial<Advised> = {}): this {
    return this.answer('consult', { ...ADVICE, ...more });
  }

  send(event: { type: string; [more: string]: unknown }): this {
    this.actor.send(event);
    return this;
  }

  pass(ms: number): this {
    this.clock.increment(ms);
    return this;
  }
}

describe('a task', () => {
  it('asks who, reserves, asks, settles, and is done', () => {
    const task = new Task().advise();
    expect(task.question('ask')).toMatchObject({
      agent: 'ann',
      attempt: 1,
      problems: [],
      envelope: {
        input: { q: 1 },
        context: { workflow: 'w', run: 'w/1', task: 't', values: {} },
        constraints: { maxCost: 0.0001, timeout: 1000, qualityThreshold: 0.8 },
      },
    });
    task.answer('ask', good());
    expect(task.outcome).toEqual({
      status: 'complete',
      output: { text: 'yes' },
      facts: { attempts: 1, cost: 40, agent: 'ann', confidence: 0.9 },
    });
    expect(task.purse.heard).toEqual(['reserve 1 100', 'settle 1 40']);
  });

  it('asks no account for what costs nothing', () => {
    const task = new Task().advise({ maxCost: 0 as Micros }).answer('ask', good(0.9, 0));
    expect([task.state, task.purse.heard]).toEqual(['done', []]);
  });

  it('retries with the same key, later each time, and pays for every attempt', () => {
    const task = new Task().advise();
    const key = task.question('ask')['idempotencyKey'];
    task.answer('ask', bad('server-error'));
    expect(task.state).toBe('delaying');
    task.pass(1000);
    expect(task.question('ask')).toMatchObject({ attempt: 2, idempotencyKey: key });
    task
      .answer('ask', bad('server-error', { cost: undefined as never }))
      .pass(2000)
      .answer('ask', good());
    expect(task.context.log.map(({ fault, move, cost }) => [fault, move, cost])).toEqual([
      ['server-error', 'retry', 10],
      ['server-error', 'retry', undefined],
      [undefined, undefined, 40],
    ]);
    expect(task.purse.heard).toEqual([
      ...['reserve 1 100', 'settle 1 10', 'reserve 2 100', 'hold 2', 'reserve 3 100', 'settle 3 40'],
    ]);
    expect(task.outcome.facts).toMatchObject({ attempts: 3, cost: 50 });
  });

  it('makes no attempt that may cost more than is left of what all of them may', () => {
    const perTask = 120 as Micros;
    const task = new Task({ perTask });
    expect(task.question('consult')).toMatchObject({ allowance: 120 });
    task.advise();
    for (const ms of [1000, 2000]) task.answer('ask', bad('server-error')).pass(ms);
    task.answer('ask', bad('server-error')).pass(4000);
    expect([task.state, task.context.fault]).toEqual([
      'reviewing',
      {
        class: 'budget-exhausted',
        message: 'ann may cost 0.0001, and 0.00009 is left of what the budget gives a task',
        cost: 0,
      },
    ]);
    expect(task.purse.heard).toEqual([
      ...['reserve 1 100', 'settle 1 10', 'reserve 2 100', 'settle 2 10', 'reserve 3 100', 'settle 3 10'],
    ]);
    // That a person lets it go on gives it no more; somebody else may do it for less, or for nothing.
    task.answer('review', { ...SIGNED, verdict: 'approved' });
    expect(task.question('consult')).toMatchObject({ allowance: 90 });
    task.advise({ agent: 'bob', maxCost: 90 as Micros }).answer('ask', good(0.9, 90));
    expect([task.state, task.purse.heard.at(-1)]).toEqual(['done', 'settle 4 90']);
  });

  it.each([
    [199, 'reviewing'],
    [200, 'asking'],
  ])('counts what is held for an attempt whose cost nobody knows (%i: %s)', (perTask, state) => {
    const task = new Task({ perTask: perTask as Micros }).advise().pass(1000);
    expect(task.state).toBe('delaying');
    expect(task.pass(2000).state).toBe(state);
  });

  it('may ask who costs nothing when nothing is left', () => {
    const task = new Task({ perTask: 100 as Micros }).advise({ maxCost: 100 as Micros });
    task.answer('ask', bad('auth', { cost: 150 as Micros }));
    expect(task.question('consult')).toMatchObject({ allowance: 0 });
    task.advise({ agent: 'bob', maxCost: 0 as Micros }).answer('ask', good(0.9, 0));
    expect(task.state).toBe('done');
  });

  it('goes to somebody who costs less, where the strategy says so', () => {
    const rows = { 'budget-exhausted': [{ do: 'other-agent' }, { do: 'fail' }] } as const;
    const strategy = extend(strategies.standard, { name: 'cheaper', rows });
    const begun = (cheapest: number) =>
      new Task({ perTask: 105 as Micros, strategy })
        .advise({ cheapest: cheapest as Micros })
        .answer('ask', bad('server-error'))
        .pass(1000);
    expect(begun(96).state).toBe('failed');
    expect(begun(95).question('consult')).toMatchObject({ allowance: 95, cheaperThan: 100, tried: ['ann'] });
  });

  it('says that what undoes something is owed', () => {
    const said: unknown[] = [];
    const listener = createActor(fromTransition((_, event) => void said.push(event), undefined)).start();
    const task = new Task({ undoes: true }, listener).advise();
    expect([task.state, said]).toMatchObject(['paying', [{ type: 'budget.reserve', owed: true }]]);
  });

  it('never comes back before it was told to', () => {
    const task = new Task().advise().answer('ask', bad('rate-limit', { retryAfterMs: 30_000 }));
    task.pass(29_999);
    expect(task.state).toBe('delaying');
    task.pass(1000);
    expect(task.state).toBe('asking');
  });

  it('asks again with what was wrong, under another key, then somebody else', () => {
    const problems = [{ pointer: '#/text', keyword: 'type', schemaPath: '#', detail: 'must be text' }];
    const task = new Task().advise();
    const first = task.question('ask')['idempotencyKey'];
    task.answer('ask', bad('schema-mismatch', { problems }));
    expect(task.question('ask')).toMatchObject({ problems, attempt: 2 });
    expect(task.question('ask')['idempotencyKey']).not.toBe(first);
    task
      .answer('ask', bad('schema-mismatch', { problems }))
      .answer('ask', bad('schema-mismatch', { problems }));
    expect(task.question('consult')).toMatchObject({ tried: ['ann'] });
    task.advise({ agent: 'bob', others: 0 });
    expect(task.question('ask')).toMatchObject({ agent: 'bob', problems: [] });
  });

  it('takes a repair that the contract names, and says so', () => {
    const repaired = { output: { text: 'mended' }, applied: [{ repair: 'strip-code-fence' }] };
    const task = new Task().advise().answer('ask', { ...bad('not-parseable'), repaired });
    expect(task.outcome).toMatchObject({
      status: 'complete',
      output: { text: 'mended' },
      facts: { ground: 'repaired' },
    });
  });

  it.each([
    [0.8, 'complete', 'repaired'],
    [0.79, 'reviewing', undefined],
  ])('holds a repaired answer against the sureness that is asked for: %d', (confidence, state, ground) => {
    const strategy = extend(strategies.standard, {
      name: 'asks',
      rows: { 'low-confidence': [{ do: 'review' }] },
    });
    const repaired = { output: { text: 'mended' }, applied: [{ repair: 'drop-null-fields' }] };
    const metadata = { cost: 0.00001, duration: 5, model: 'm', confidence };
    const answer = { ...bad('schema-mismatch'), metadata, repaired } as Answer;
    const task = new Task({ strategy }).advise().answer('ask', answer);
    expect([task.context.ground, task.context.fault?.class]).toEqual([
      ground,
      ground ? undefined : 'low-confidence',
    ]);
    expect(task.state).toBe(state === 'complete' ? 'done' : state);
  });

  it('takes no other repair than those that the strategy names', () => {
    const strategy = extend(strategies.standard, {
      name: 'strict',
      rows: { 'not-parseable': [{ do: 'repair', names: ['trim'] }, { do: 'fail' }] },
    });
    const repaired = { output: {}, applied: [{ repair: 'trim' }, { repair: 'guess' }] };
    const task = new Task({ strategy }).advise().answer('ask', { ...bad('not-parseable'), repaired });
    expect([task.state, task.outcome.status]).toEqual(['failed', 'failed']);
  });

  it('stops at the time limit, holds the money of what nobody knows the cost of, and tries again', () => {
    const task = new Task().advise().pass(1000);
    expect([task.state, task.context.fault!.class]).toEqual(['delaying', 'timeout']);
    expect(task.purse.heard).toEqual(['reserve 1 100', 'hold 1']);
  });

  it.each([
    ['the other side has asked for it', 'rate-limit', 'delaying'],
    ['it waits for better times', 'quota', 'sleeping'],
  ] as const)('waits for as many days as it was told, where %s', (_, name, state) => {
    const strategy = extend(strategies.standard, {
      name: 'patient',
      rows: {
        'rate-limit': [{ do: 'retry', times: 1, backoff: PACE }, { do: 'fail' }],
        quota: [{ do: 'wait', times: 1, backoff: PACE }, { do: 'fail' }],
      },
    });
    const task = new Task({ strategy }).advise();
    task.answer('ask', bad(name, { retryAfterMs: 40 * DAY_MS })).pass(40 * DAY_MS - 1);
    expect(task.state).toBe(state);
    expect(task.pass(1).state).not.toBe(state);
  });

  it('gives an attempt as many days as it may take', () => {
    const task = new Task({ timeoutMs: 40 * DAY_MS }).advise().pass(40 * DAY_MS - 1);
    expect(task.state).toBe('asking');
    expect(task.pass(1).context.fault!.class).toBe('timeout');
  });

  it('counts the time limit of all attempts from its birth', () => {
    const task = new Task({ deadlineMs: 500 }).advise();
    expect(task.question('ask')).toMatchObject({
      envelope: { constraints: { timeout: expect.any(Number) as number } },
    });
    task.pass(500);
    expect(task.context.fault!.class).toBe('timeout');
  });

  it('asks nobody when its time is over before it has the money, and gives that back', () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const task = new Task({ deadlineMs: 500 });
      task.purse.isSlow = true;
      task.advise();
      vi.setSystemTime(Date.now() + 500);
      task.purse.answer();
      expect(task.outcome).toMatchObject({
        status: 'failed',
        problem: { class: 'timeout', message: 'there is no time left for it' },
        facts: { attempts: 0, cost: 0 },
      });
      expect(task.purse.heard).toEqual(['reserve 1 100', 'release 1']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('takes 0.8 for 0.8 and not 0.79', () => {
    expect(new Task().advise().answer('ask', good(0.8)).state).toBe('done');
    const task = new Task().advise({ others: 0 }).answer('ask', good(0.79));
    expect([task.state, task.context.fault!.class]).toEqual(['reviewing', 'low-confidence']);
  });

  it('goes to a person with an answer that is not good enough, and takes what they approve', () => {
    const task = new Task().advise({ others: 0 }).answer('ask', good(0.5));
    expect(task.question('review')).toMatchObject({
      title: 't is not good enough by itself: take it?',
      proposal: { text: 'yes' },
      roles: ['editor'],
    });
    task.answer('review', { ...SIGNED, verdict: 'approved', output: { text: 'edited' } });
    expect(task.outcome).toMatchObject({
      status: 'complete',
      output: { text: 'edited' },
      facts: { ground: 'person' },
    });
  });

  describe('that may take what was answered before', () => {
    const rows = { unavailable: [{ do: 'stale', maxAgeMs: 5000 }, { do: 'fail' }] } as const;
    const strategy = extend(strategies.standard, { name: 'recalling', rows });
    const before: KeptAnswer = { task: 'w/0/t', agent: 'bob', confidence: 0.8, output: 'sha256:x', at: 1 };

    it('keeps a good answer before it is done, also where that fails or it is cancelled meanwhile', () => {
      const task = new Task({ strategy }).advise({ model: 'm' }).answer('ask', good());
      expect([task.state, task.outcome]).toEqual(['remembering', undefined]);
      expect(task.question('remember')).toMatchObject({
        ...{ start: { run: 'w/1', task: 't' }, input: { q: 1 }, output: { text: 'yes' } },
        answer: { agent: 'ann', model: 'm', confidence: 0.9, at: task.context.log[0]!.to },
      });
      task.send({ type: 'task.cancel', because: 'enough' });
      expect(task.break('remember').outcome).toMatchObject({ status: 'complete', output: { text: 'yes' } });
    });

    it('keeps nothing that is not good by itself', () => {
      const unsure = extend(strategy, { name: 'unsure', rows: { 'low-confidence': [{ do: 'accept' }] } });
      const task = new Task({ strategy: unsure }).advise().answer('ask', good(0.5));
      expect(task.outcome).toMatchObject({ status: 'complete', facts: { ground: 'unsure' } });
    });

    it('takes it when nobody can answer, and says whose it is', () => {
      const task = new Task({ strategy }).advise().answer('ask', bad('unavailable'));
      expect(task.question('recall')).toMatchObject({
        ...{ start: { run: 'w/1', task: 't' }, input: { q: 1 }, maxAgeMs: 5000, quality: 0.8 },
      });
      task.answer('recall', { answer: before, output: { text: 'then' } });
      expect(task.outcome).toEqual({
        status: 'complete',
        output: { text: 'then' },
        facts: { attempts: 1, cost: 10, agent: 'bob', confidence: 0.8, ground: 'stale' },
      });
      expect(task.context).toMatchObject({
        recalled: before,
        log: [{ fault: 'unavailable', move: 'stale' }],
      });
    });

    it.each([
      ['there is none', (task: Task) => task.answer('recall', { why: 'none' })],
      ['it cannot be looked up', (task: Task) => task.break('recall')],
    ])('goes on with the next rung where %s', (_, come) => {
      const task = new Task({ strategy }).advise().answer('ask', bad('unavailable'));
      expect(come(task).outcome).toMatchObject({ status: 'failed', problem: { class: 'unavailable' } });
      expect(task.context.move!.because.skipped).toEqual([{ rung: 0, do: 'stale', why: 'no-kept-answer' }]);
    });

    it('can be cancelled while it looks', () => {
      const task = new Task({ strategy }).advise().answer('ask', bad('unavailable'));
      expect(task.send({ type: 'task.cancel', because: 'x' }).outcome).toMatchObject({ status: 'cancelled' });
    });

    it.each([
      ['undoes something', { undoes: true }],
      ['can be undone', { undoable: true }],
    ] as const)('neither takes nor keeps one where it %s', (_, spec) => {
      const failed = new Task({ strategy, ...spec }).advise().answer('ask', bad('unavailable'));
      expect(failed.outcome).toMatchObject({ status: 'failed' });
      const done = new Task({ strategy, ...spec }).advise().answer('ask', good());
      expect(done.outcome).toMatchObject({ status: 'complete' });
    });
  });

  it('is done with a default, also where that cannot be kept and whoever cancels it comes too late', () => {
    const rows = { crash: [{ do: 'default', value: { text: 'nothing' } }] } as const;
    const strategy = extend(strategies.standard, { name: 'defaults', rows });
    const task = new Task({ strategy }).advise().answer('ask', bad('crash'));
    expect(task.question('keep')).toEqual({ run: 'w/1', task: 't', output: { text: 'nothing' } });
    task.send({ type: 'task.cancel', because: 'enough' });
    expect(task.break('keep').outcome).toMatchObject({
      status: 'complete',
      output: { text: 'nothing' },
      facts: { ground: 'default' },
    });
  });

  it.each([
    [
      'rejected',
      { by: 'ada', reason: 'wrong' },
      { status: 'failed', problem: { class: 'rejected', message: 'ada has refused it: wrong' } },
    ],
    [
      'expired',
      {},
      { status: 'failed', problem: { class: 'rejected', message: 'nobody has decided in time' } },
    ],
    ['aborted', { by: 'ada', reason: 'enough' }, { status: 'aborted', by: 'ada', reason: 'enough' }],
  ])('ends as a person says: %s', (verdict, more, outcome) => {
    const task = new Task()
      .advise({ others: 0 })
      .answer('ask', good(0.5))
      .answer('review', { ...SIGNED, verdict, ...more });
    expect(task.outcome).toMatchObject(outcome);
  });

  it('is tried again when a person approves of that', () => {
    const task = new Task().advise();
    task.purse.isEmpty = true;
    task.answer('ask', bad('server-error')).pass(60_000);
    expect([task.state, task.context.fault!.class]).toEqual(['reviewing', 'budget-exhausted']);
    task.purse.isEmpty = false;
    task.answer('review', { ...SIGNED, verdict: 'approved' });
    expect([task.state, task.context.history]).toEqual(['consulting', []]);
    expect(task.advise().answer('ask', good()).state).toBe('done');
  });

  it('is parked where nobody can decide, says so, and goes on when it is told to, with another input', () => {
    const task = new Task({ reviewers: undefined }).advise({ others: 0 }).answer('ask', good(0.5));
    expect(task.state).toBe('parked');
    task.send({ type: 'task.resume', task: 'other', by: 'ada' });
    expect(task.state).toBe('parked');
    task.send({ type: 'task.resume', task: 't', by: 'ada', input: { q: 2 } });
    expect(task.question('consult')).toMatchObject({ input: { q: 2 }, tried: [] });
  });

  it('fails when somebody gives it up that is parked', () => {
    const task = new Task({ reviewers: undefined }).advise({ others: 0 }).answer('ask', good(0.5));
    task.send({ type: 'task.abandon', task: 't', by: 'ada', reason: 'too late' });
    expect(task.outcome).toMatchObject({
      status: 'failed',
      problem: { class: 'abandoned', message: 'ada has given it up: too late', fault: 'low-confidence' },
    });
  });

  it('sleeps while the other side is down, without holding money, and asks who again', () => {
    const task = new Task().advise({ others: 0 });
    task.answer('ask', bad('unavailable')).pass(1000).answer('ask', bad('unavailable')).pass(2000);
    task.answer('ask', bad('unavailable'));
    expect(task.state).toBe('sleeping');
    expect(task.purse.heard.at(-1)).toBe('settle 3 10');
    expect(task.pass(60_000).state).toBe('consulting');
  });

  it('escalates instead of failing where it was told to', () => {
    const task = new Task({ escalateTo: 'lead' }).advise({ others: 0 }).answer('ask', bad('agent-failure'));
    expect(task.question('review')).toMatchObject({
      roles: ['lead'],
      proposal: { problem: { class: 'agent-failure' } },
    });
  });

  it.each([
    [{ escalateTo: 'lead' }, ['editor']],
    [{ escalateTo: 'lead', reviewers: undefined }, ['lead']],
  ])(
    'asks those it escalates to where the strategy asks for a person, and there is no other: %j',
    (spec, roles) => {
      const task = new Task(spec).advise({ others: 0 }).answer('ask', good(0.5));
      expect([task.state, task.question('review')['roles']]).toEqual(['reviewing', roles]);
    },
  );

  describe('that declares how it is undone', () => {
    const doubtOf = ({ outcome }: Task): unknown => outcome.doubt?.message;
    const cancel = (task: Task): Task => {
      task.actor.send({ type: 'task.cancel', because: 'enough' });
      return task;
    };

    it('says that nobody knows what it has done when it is cancelled in the middle of an attempt', () => {
      const task = cancel(new Task({ undoable: true }).advise({ others: 0 }));
      expect(task.outcome).toMatchObject({ status: 'cancelled', doubt: { class: 'unknown-effect' } });
      expect(doubtOf(task)).toContain('nobody knows what ann has done in attempt 1');
      expect(doubtOf(cancel(new Task().advise({ others: 0 })))).toBe(undefined);
    });

    it('and when an attempt has taken too long, or its answer was not taken', () => {
      const late = new Task({ undoable: true }).advise({ others: 0 }).answer('ask', bad('timeout'));
      expect(doubtOf(cancel(late))).toContain('nobody knows what ann has done in attempt 1');
      const unsure = new Task({ undoable: true }).advise({ others: 0 }).answer('ask', good(0.5));
      unsure.answer('review', { ...SIGNED, verdict: 'rejected', by: 'ada', reason: 'no' });
      expect(unsure.outcome.status).toBe('failed');
      expect(doubtOf(unsure)).toContain('what it has answered was not taken');
    });

    it('and when it was halted in the middle of an attempt, but not when nobody was asked', () => {
      const halting = (cost?: Micros): Task => {
        const fault = { class: 'not-permitted', message: 'halted', ...(cost !== undefined && { cost }) };
        const halted = { fault, unheard: 'halted', durationMs: 1 } as Answer;
        const task = new Task({ undoable: true }).advise({ others: 0 }).answer('ask', halted);
        const nobody = { fault: { class: 'not-permitted', message: 'halted' }, passedOver: [], halts: ['h'] };
        return cancel(task.answer('consult', nobody));
      };
      expect(doubtOf(halting())).toContain('nobody knows what ann has done in attempt 1');
      // It has answered, and said what that has cost; the answer itself was not kept.
      expect(doubtOf(halting(5 as Micros))).toContain('nobody knows what ann has done in attempt 1');
      expect(doubtOf(halting(0 as Micros))).toBe(undefined);
    });

    it('and when an answer before the last was not taken', () => {
      const manifest = { input: 'in', output: 'out' };
      const task = new Task({ undoable: true }).advise().answer('ask', { ...good(0.5), manifest });
      expect(task.state).toBe('consulting');
      task.advise({ agent: 'bob', others: 0 }).answer('ask', bad('bad-request'));
      expect(task.outcome.status).toBe('failed');
      expect(doubtOf(task)).toBe(
        'ann has done something in attempt 1, and what it has answered was not taken',
      );
    });

    it('and not before anybody was asked, nor after they have said that they failed', () => {
      expect(doubtOf(cancel(new Task({ undoable: true })))).toBe(undefined);
      const failed = new Task({ undoable: true }).advise({ others: 0 }).answer('ask', bad('bad-request'));
      expect([failed.outcome.status, doubtOf(failed)]).toEqual(['failed', undefined]);
    });
  });

  it('fails with the fault where the strategy ends', () => {
    const task = new Task().advise({ others: 0 }).answer('ask', bad('bad-request', { code: 400 }));
    expect(task.outcome).toEqual({
      status: 'failed',
      problem: { class: 'bad-request', message: 'it is bad-request', cost: 10, code: 400 },
      facts: { attempts: 1, cost: 10, agent: 'ann' },
    });
  });

  it('accepts no answer that there is not', () => {
    const strategy = extend(strategies.standard, {
      name: 'lenient',
      rows: { 'needs-review': [{ do: 'accept' }] },
    });
    const task = new Task({ strategy }).advise().answer('ask', bad('needs-review'));
    expect(task.outcome).toMatchObject({ status: 'failed', problem: { class: 'needs-review' } });
  });

  it('takes no word of an agent for a halt', () => {
    const task = new Task().advise({ others: 0 }).answer('ask', bad('bad-request', { code: 'halted' }));
    expect(task.outcome).toMatchObject({ status: 'failed', facts: { attempts: 1 } });
    const halted = new Task().advise({ others: 0 });
    halted.answer('ask', { ...bad('not-permitted', { code: 'halted' }), unheard: 'halted' });
    expect(halted.state).toBe('consulting');
  });

  it('waits for the next halt when one is lifted and another stands in its way', () => {
    const halted = (key: string) => ({
      fault: { class: 'not-permitted', message: `${key} is halted` },
      ...{ passedOver: [], halts: [key] },
    });
    const task = new Task().answer('consult', halted('first'));
    expect(task.question('consult')['halts']).toEqual(['first']);
    task.answer('consult', halted('second'));
    expect([task.state, task.question('consult')['halts']]).toEqual(['halted', ['second']]);
    expect(task.advise().state).toBe('asking');
  });

  it('fails where nobody may do it, and never asks', () => {
    const fault = { class: 'not-permitted', message: 'no' } as const;
    const task = new Task().answer('consult', { fault, passedOver: [{ agent: 'ann', why: 'denied' }] });
    expect(task.outcome).toMatchObject({
      status: 'failed',
      problem: { class: 'not-permitted' },
      facts: { attempts: 0 },
    });
    expect(task.context.passedOver).toEqual([{ agent: 'ann', why: 'denied' }]);
  });

  it('lets a verifier have the last word', () => {
    const task = new Task({ verifies: true }).advise().answer('ask', good());
    expect(task.question('verify')).toMatchObject({ agent: 'ann', output: { text: 'yes' } });
    const fault = { class: 'factually-wrong', message: 'the sum is 4', problems: [] } as const;
    task.answer('verify', { fault, found: { sum: 4 } });
    expect([task.state, task.context.log[0]!.move]).toEqual(['asking', 'ask-again']);
    task.answer('ask', good()).answer('verify', { found: { sum: 5 } });
    expect([task.state, task.context.verified]).toEqual(['done', { sum: 5 }]);
  });

  it.each([
    ['consulting', (task: Task) => task, []],
    ['asking', (task: Task) => task.advise(), ['reserve 1 100', 'hold 1']],
    ['delaying', (task: Task) => task.advise().answer('ask', bad('crash')), ['reserve 1 100', 'settle 1 10']],
    [
      'reviewing',
      (task: Task) => task.advise({ others: 0 }).answer('ask', good(0.1)),
      ['reserve 1 100', 'settle 1 40'],
    ],
  ])('gives back what it holds when it is cancelled while %s', (state, reach, heard) => {
    const task = reach(new Task());
    expect(task.state).toBe(state);
    task.send({ type: 'task.cancel', because: 'enough' });
    expect([task.outcome.status, task.purse.heard]).toEqual(['cancelled', heard]);
  });

  it('takes what breaks down for a fault', () => {
    expect(new Task().break('consult').context.log).toEqual([]);
    const task = new Task().advise().break('ask');
    expect([task.state, task.context.fault]).toMatchObject([
      'delaying',
      { class: 'crash', message: 'Error: broken' },
    ]);
  });

  it('makes no more attempts than it may, whatever the strategy says', () => {
    const task = new Task({ maxAttempts: 2 }).advise().answer('ask', bad('crash')).pass(60_000);
    task.answer('ask', bad('crash'));
    expect([task.outcome.status, task.outcome.facts!.attempts]).toEqual(['failed', 2]);
  });
});
