// The lie: "a poll asks so many others, each somebody else, replaces who cannot answer, and ends with everybody whom it has begun".
import { createActor, fromTransition } from 'xstate';
import type { AnyActorLogic, AnyActorRef, AnyEventObject, AnyMachineSnapshot } from 'xstate';
import { describe, expect, it } from 'vitest';
import { strategies } from '../faults/strategies.ts';
import { FAULT_CLASSES } from '../faults/fault.ts';
import type { Micros } from '../values/money.ts';
import type { WorkOutcome } from '../workflow/graph.ts';
import { specOfVoters, usable } from './votes.ts';
import type { Poll, Polled, Seat, Vote, VoterOutcome } from './votes.ts';
import { pollMachine } from './voting.ts';
import type { PollContext } from './voting.ts';

/** A voter that does what it is told, and notes what it hears. */
const puppet: AnyActorLogic = {
  ...fromTransition((state: object) => state, {}),
  getInitialSnapshot: (_: unknown, input: unknown) => ({ status: 'active', heard: [], input }) as never,
  transition: (
    snapshot: { heard: AnyEventObject[] },
    event: AnyEventObject,
    { self }: { self: AnyActorRef },
  ) => {
    if (event.type === 'say') self._parent!.send(event['event'] as AnyEventObject);
    if (event.type === 'end') return { ...snapshot, status: 'done', output: event['output'] as unknown };
    return { ...snapshot, heard: [...snapshot.heard, event] };
  },
} as never;

const failed = (name: string, more: object = {}, attempts = 1): WorkOutcome => ({
  status: 'failed',
  problem: { class: name, message: `it is ${name}`, ...more },
  facts: { attempts, cost: attempts * 10 },
});

const POLL: Poll = {
  start: { workflow: 'w', run: 'w/1', task: 't', input: {}, values: {}, account: undefined },
  ...{ input: { q: 1 }, agent: 'ann', model: 'm-ann', attempt: 1, deadlineAt: undefined, votes: [] },
  people: [],
};

class Polling {
  readonly actor: AnyActorRef & { getSnapshot(): AnyMachineSnapshot };

  constructor(of: number, poll: Partial<Poll> = {}, models: 'different' | 'any' = 'different') {
    const machine = pollMachine({ of, models }, puppet);
    this.actor = createActor(machine, { input: { ...POLL, ...poll } }).start() as never;
  }

  get context(): PollContext {
    return this.actor.getSnapshot().context as PollContext;
  }

  get polled(): Polled {
    return this.actor.getSnapshot().output as Polled;
  }

  /** The numbers of those that have not come to their end. */
  get open(): string[] {
    return Object.keys(this.context.voters);
  }

  #voter(id: number): AnyActorRef {
    return this.actor.getSnapshot().children[String(id)] as AnyActorRef;
  }

  seat(id: number): Seat {
    const { input } = this.#voter(id).getSnapshot() as unknown as { input: { seat: Seat } };
    return input.seat;
  }

  heard(id: number): string[] {
    const { heard } = this.#voter(id).getSnapshot() as unknown as { heard: AnyEventObject[] };
    return heard.map(({ type }) => type);
  }

  choose(id: number, agent: string, model = `m-${agent}`): this {
    const event = { type: 'voter.chosen', voter: String(id), agent, model };
    this.#voter(id).send({ type: 'say', event });
    return this;
  }

  stand(id: number, standing: string): this {
    this.#voter(id).send({ type: 'say', event: { type: 'task.stands', task: String(id), standing } });
    return this;
  }

  end(id: number, output: WorkOutcome): this {
    this.#voter(id).send({ type: 'end', output });
    return this;
  }

  answer(id: number, answer: unknown): this {
    return this.end(id, {
      status: 'complete',
      output: { answer },
      facts: { attempts: 1, cost: 10 },
    });
  }
}

describe('a poll', () => {
  it('lets one look for its agent after the other, and all of them work side by side', () => {
    const poll = new Polling(3);
    expect(poll.open).toEqual(['1']);
    expect(poll.seat(1)).toEqual({
      ...{ confirms: 'ann', tried: ['ann'], models: ['m-ann'], deadlineAt: undefined },
    });
    poll.choose(1, 'bob');
    expect(poll.open).toEqual(['1', '2']);
    expect(poll.seat(2)).toMatchObject({ tried: ['ann', 'bob'], models: ['m-ann', 'm-bob'] });
    poll.choose(2, 'carl').answer(2, 'no').answer(1, 'yes');
    expect(poll.polled.fault).toBe(undefined);
    expect(poll.polled.votes).toMatchObject([
      { voter: 2, agent: 'carl', output: { answer: 'no' }, cost: 10 },
      { voter: 1, agent: 'bob', output: { answer: 'yes' }, cost: 10 },
    ]);
  });

  it('excludes nobody for the model where that does not matter', () => {
    expect(new Polling(2, {}, 'any').seat(1).models).toEqual([]);
  });

  it('asks nobody when there are votes enough, and as many as are missing when there are not', () => {
    const before = ['bob', 'carl'].map((agent, index): Vote => ({
      ...{ voter: index + 1, attempt: 1, agent, model: `m-${agent}`, attempts: 1, cost: 10 as Micros },
      output: { answer: 1 },
    }));
    expect(new Polling(3, { votes: before }).polled).toEqual({ votes: [] });
    // Now one of them answers himself.
    const poll = new Polling(3, { votes: before, agent: 'bob', model: 'm-bob', attempt: 2 });
    expect([poll.open, poll.seat(3).tried]).toEqual([['3'], ['bob', 'carl']]);
  });

  it('replaces who fails, and never by one who was asked', () => {
    const poll = new Polling(2).choose(1, 'bob').end(1, failed('crash'));
    expect([poll.open, poll.seat(2).tried]).toEqual([['2'], ['ann', 'bob']]);
    poll.choose(2, 'carl').answer(2, 'yes');
    expect(poll.polled).toMatchObject({ votes: [{ fault: 'crash' }, { output: { answer: 'yes' } }] });
  });

  it('ends without a fault when so many were asked, though not all have answered', () => {
    const poll = new Polling(2).choose(1, 'bob').end(1, failed('crash'));
    poll.end(2, failed('no-agent', {}, 0));
    expect(poll.polled.fault).toBe(undefined);
  });

  it.each([
    ['no-agent', 'no-agent'],
    ['not-permitted', 'not-permitted'],
    ['rejected', 'not-permitted'],
    ['unavailable', 'unavailable'],
    ['something of its own', 'crash'],
  ])('says that too few could be asked: %s is %s', (name, fault) => {
    const poll = new Polling(3).choose(1, 'bob').answer(1, 'yes');
    poll.end(2, failed(name, { retryAfterMs: 5 }, 0));
    expect(poll.polled.fault).toEqual({
      ...{ class: fault, cost: 0, retryAfterMs: 5 },
      message: `3 different agents of different models are to answer it, and 2 could be asked: it is ${name}`,
    });
  });

  it('says what kept those from it who were chosen and not asked, rather than that nobody is left', () => {
    const poll = new Polling(2)
      .choose(1, 'bob')
      .end(1, failed('budget-exhausted', {}, 0))
      .end(2, failed('no-agent', {}, 0));
    expect(poll.polled.fault?.class).toBe('budget-exhausted');
  });

  it('asks nobody again who only says that they are halted', () => {
    const poll = new Polling(2).choose(1, 'bob').end(1, failed('agent-failure', { code: 'halted' }));
    expect(poll.seat(2).tried).toEqual(['ann', 'bob']);
  });

  it('asks somebody again who was halted, when that is lifted', () => {
    const halted: VoterOutcome = { ...failed('not-permitted'), isHalted: true };
    const poll = new Polling(2).choose(1, 'bob').end(1, halted);
    expect([poll.open, poll.seat(2).tried]).toEqual([['2'], ['ann']]);
    poll.choose(2, 'bob').answer(2, 'yes');
    expect(poll.polled.votes).toMatchObject([{ fault: 'not-permitted' }, { output: { answer: 'yes' } }]);
  });

  it('counts nobody twice, whoever the voters have come to ask', () => {
    const poll = new Polling(3).choose(1, 'bob').choose(2, 'carl').choose(2, 'bob');
    poll.answer(1, 'yes').answer(2, 'yes');
    expect(poll.context.votes).toMatchObject([
      { agent: 'bob', output: { answer: 'yes' } },
      { agent: 'bob', message: 'bob has a vote already' },
    ]);
    expect(poll.open).toEqual(['3']);
  });

  it('begins nobody after the deadline', () => {
    const { polled } = new Polling(2, { deadlineAt: Date.now() - 1 });
    expect(polled.fault).toMatchObject({ class: 'timeout' });
  });

  it('ends when it is cancelled, but not before all of them have', () => {
    const poll = new Polling(3).choose(1, 'bob').choose(2, 'carl');
    poll.actor.send({ type: 'task.cancel', because: 'enough' });
    expect([poll.heard(1), poll.heard(2)]).toEqual([
      ['say', 'task.cancel'],
      ['say', 'task.cancel'],
    ]);
    poll.end(1, { status: 'cancelled', facts: { attempts: 1, cost: 3 } }).answer(2, 'yes');
    expect(poll.polled).toMatchObject({
      outcome: { status: 'cancelled' },
      votes: [{ fault: 'cancelled', cost: 3 }, { output: { answer: 'yes' } }],
    });
  });

  it('ends the run when somebody does that who is asked about a voter', () => {
    const poll = new Polling(3).choose(1, 'bob').choose(2, 'carl');
    poll.end(1, { status: 'aborted', by: 'ada', reason: 'enough', facts: { attempts: 0, cost: 0 } });
    expect(poll.heard(2)).toContain('task.cancel');
    poll.end(2, { status: 'cancelled' });
    expect(poll.polled.outcome).toEqual({ status: 'aborted', by: 'ada', reason: 'enough' });
  });

  it('waits when all of them wait, and hands on what an operator says', () => {
    const poll = new Polling(3).choose(1, 'bob').stand(1, 'parked');
    expect(poll.context.stands).toBe('running');
    poll.stand(2, 'waiting');
    expect(poll.context.stands).toBe('parked');
    poll.actor.send({ type: 'task.resume', task: 't', by: 'ada' });
    expect([poll.heard(1).at(-1), poll.heard(2).at(-1)]).toEqual(['task.resume', 'task.resume']);
  });

  it('hands on what an operator says to one voter to nobody else', () => {
    const poll = new Polling(3).choose(1, 'bob').choose(2, 'carl').stand(1, 'parked').stand(2, 'parked');
    poll.actor.send({ type: 'task.resume', task: 't/poll/2', by: 'ada' });
    expect([poll.heard(1).includes('task.resume'), poll.heard(2).at(-1)]).toEqual([false, 'task.resume']);
    poll.actor.send({ type: 'task.resume', task: 't/poll/7', by: 'ada' });
    expect(poll.heard(2).filter((type) => type === 'task.resume')).toHaveLength(1);
  });
});

describe('the votes that count', () => {
  const vote = (agent: string, model: string, output?: unknown): Vote => ({
    ...{ attempt: 1, agent, model, attempts: 1, cost: 10 as Micros },
    ...(output !== undefined && { output: { answer: output } }),
  });
  const ann = { agent: 'ann', model: 'large' };

  it('are the last of each, of others, of other models, and no more than are to be asked', () => {
    const votes = [
      ...[
        vote('bob', 'small', 1),
        vote('ann', 'large', 2),
        vote('bob', 'small', 3),
        vote('carl', 'large', 4),
      ],
      ...[vote('dora', 'tiny'), vote('emil', 'small', 5), vote('fay', 'medium', 6)],
    ];
    const counted = (of: number, models: 'different' | 'any') =>
      usable(votes, ann, { of, models }).map(({ agent, output }) => [agent, output!['answer']]);
    expect(counted(5, 'different')).toEqual([
      ['emil', 5],
      ['fay', 6],
    ]);
    expect(counted(5, 'any')).toEqual([
      ['bob', 3],
      ['carl', 4],
      ['emil', 5],
      ['fay', 6],
    ]);
    expect(counted(2, 'any')).toEqual([['fay', 6]]);
  });
});

describe('what a voter does about faults', () => {
  it.each(Object.keys(strategies))('needs nobody else, and ends by itself: %s', (name) => {
    const strategy = strategies[name as keyof typeof strategies];
    const spec = specOfVoters({
      ...{ timeoutMs: 1, deadlineMs: undefined, threshold: 0, strategy, maxAttempts: 1 },
      ...{ reviewers: 'editor', escalateTo: 'lead', verifies: true, chunks: false },
      vote: { of: 2, models: 'any' },
    });
    expect([spec.vote, spec.verifies, spec.reviewers, spec.escalateTo]).toEqual([
      ...[undefined, false, undefined, undefined],
    ]);
    for (const fault of FAULT_CLASSES) {
      const deeds = spec.strategy.rows[fault].map((rung) => rung.do);
      expect(deeds.at(-1)).toBe('fail');
      for (const deed of deeds.slice(0, -1))
        expect(['retry', 'repair', 'ask-again', 'chunk']).toContain(deed);
    }
  });
});
