// The lie: "the gate would let it pass". Gates in every state they can be in: what they are expected to say is held against what they
// do say when somebody asks.
import { SimulatedClock, createActor } from 'xstate';
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { breaker } from './breaker.ts';
import { bulkhead } from './bulkhead.ts';
import { outlookOf } from './outlook.ts';
import type { PermitAnswer } from './permit.ts';
import { rateLimiter } from './rate-limiter.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

class Gate {
  readonly clock = new SimulatedClock();
  readonly ref: AnyActorRef;
  readonly answers: PermitAnswer[] = [];

  constructor(logic: AnyActorLogic) {
    this.ref = createActor(logic, { clock: this.clock });
    this.ref.on('*', (event) => void this.answers.push(event as PermitAnswer));
    this.ref.start();
  }

  ask(ticket: string, waitMs = 0): PermitAnswer {
    this.ref.send({ type: 'permit.request', ticket, waitMs });
    return this.answers.findLast((answer) => 'ticket' in answer && answer.ticket === ticket)!;
  }

  done(ticket: string, outcome: 'success' | 'failure', retryAfterMs = 0): void {
    this.ref.send({ type: 'permit.done', ticket, outcome, retryAfterMs });
  }

  pass(ms: number): void {
    vi.setSystemTime(Date.now() + ms);
    this.clock.increment(ms);
  }

  get outlook() {
    return outlookOf(this.ref.getSnapshot(), Date.now());
  }

  /** What it would say, and what it says when it is asked. */
  saidAndDone(): readonly [said: object, done: object] {
    const { refuses, retryAfterMs } = this.outlook!;
    const answer = this.ask('probe');
    const done = answer.type === 'permit.refused' ? [answer.reason, answer.retryAfterMs] : [undefined, 0];
    return [[refuses, retryAfterMs], done];
  }
}

describe('a breaker', () => {
  const made = () => new Gate(breaker({ failures: 1, withinMs: 5000, coolDownMs: 2000 }));

  it.each<[string, (gate: Gate) => void, object]>([
    ['closed', () => {}, { refuses: undefined, free: 1 }],
    ['open', (gate) => (gate.ask('a'), gate.done('a', 'failure')), { refuses: 'open', retryAfterMs: 2000 }],
    [
      'open for a while',
      (gate) => (gate.ask('a'), gate.done('a', 'failure'), gate.pass(500)),
      { refuses: 'open', retryAfterMs: 1500 },
    ],
    [
      'half-open',
      (gate) => (gate.ask('a'), gate.done('a', 'failure'), gate.pass(2000)),
      { refuses: undefined },
    ],
    [
      'probing',
      (gate) => (gate.ask('a'), gate.done('a', 'failure'), gate.pass(2000), gate.ask('b')),
      { refuses: 'probing', retryAfterMs: 1000 },
    ],
    ['tripped', (gate) => gate.ref.send({ type: 'breaker.trip', reason: 'test' }), { refuses: 'open' }],
  ])('that is %s', (_, bring, expected) => {
    const gate = made();
    bring(gate);
    expect(gate.outlook).toMatchObject(expected);
    const [said, done] = gate.saidAndDone();
    expect(done).toEqual(said);
  });
});

describe('a rate limiter', () => {
  const made = (more = {}) => new Gate(rateLimiter({ limit: 2, perMs: 1000, ...more }));

  it.each<[string, (gate: Gate) => void, object]>([
    ['unused', () => {}, { refuses: undefined, free: 1 }],
    ['half used', (gate) => gate.ask('a'), { refuses: undefined, free: 0.5 }],
    [
      'used up',
      (gate) => (gate.ask('a'), gate.pass(300), gate.ask('b')),
      { refuses: 'limit', retryAfterMs: 700 },
    ],
    [
      'paused',
      (gate) => (gate.ask('a'), gate.done('a', 'failure', 9000)),
      { refuses: 'paused', retryAfterMs: 9000 },
    ],
    [
      'free again',
      (gate) => (gate.ask('a'), gate.ask('b'), gate.pass(1000)),
      { refuses: undefined, free: 1 },
    ],
  ])('that is %s', (_, bring, expected) => {
    const gate = made();
    bring(gate);
    expect(gate.outlook).toMatchObject(expected);
    const [said, done] = gate.saidAndDone();
    expect(done).toEqual(said);
  });

  it('with room in its queue lets wait, unless that takes longer than anybody waits', () => {
    const gate = made({ queue: 5, waitMs: 2000 });
    gate.ask('a');
    gate.ask('b');
    expect(gate.outlook).toMatchObject({ refuses: undefined, retryAfterMs: 1000, free: 0 });
    gate.done('a', 'failure', 60_000);
    expect(gate.outlook).toMatchObject({ refuses: 'paused', retryAfterMs: 60_000 });
  });
});

describe('a bulkhead', () => {
  it('is free, full, or has a queue', () => {
    const gate = new Gate(bulkhead({ slots: 2, queue: 1 }));
    expect(gate.outlook).toMatchObject({ refuses: undefined, free: 1 });
    gate.ask('a');
    expect(gate.outlook).toMatchObject({ refuses: undefined, free: 0.5 });
    gate.ask('b');
    expect(gate.outlook).toMatchObject({ refuses: undefined, free: 0 });
    gate.ask('c', 5000);
    expect(gate.outlook).toMatchObject({ refuses: 'full', retryAfterMs: 1000 });
    const [said, done] = gate.saidAndDone();
    expect(done).toEqual(said);
  });
});

describe('of anything else', () => {
  it.each([
    [undefined],
    [null],
    [{}],
    [{ context: { options: {} } }],
    [{ value: 'open', context: { watch: {} } }],
  ])('nothing is said: %j', (snapshot) => {
    expect(outlookOf(snapshot, 0)).toBeUndefined();
  });

  it('a gate whose options do not go together lets nobody pass, ever', () => {
    const gate = new Gate(rateLimiter({ limit: 2, perMs: 1000 }));
    const odd = createActor(rateLimiter({ limit: 2, perMs: 1000 }), { input: { burst: 5 } }).start();
    expect(outlookOf(odd.getSnapshot(), 0)).toEqual({
      refuses: 'misconfigured',
      retryAfterMs: Infinity,
      free: 0,
    });
    expect(gate.outlook?.refuses).toBeUndefined();
  });
});
