/**
 * What every gate promises, whatever it decides by; and a caller for tests, that speaks to one under plain `createActor` in
 * time that stands still until it is moved.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createActor, fromTransition } from 'xstate';
import type { AnyActorRef, AnyEventObject, AnyStateMachine } from 'xstate';
import type { PermitRequest } from './permit.ts';

const START = Date.UTC(2030, 0, 1);

/** Time that is moved by hand, for all tests of a file. */
export function standingTime(): void {
  beforeEach(() => {
    vi.useFakeTimers({ now: START, toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}

/** A gate, and what it says. */
export class Caller {
  readonly gate: AnyActorRef;
  /** Everything it has answered and emitted, as one would note it down. */
  readonly said: string[] = [];
  readonly #start = Date.now();
  #heard = 0;

  constructor(machine: AnyStateMachine) {
    this.gate = createActor(machine);
    this.gate.on('*', (event) => this.said.push(this.#noted(event)));
    (this.gate as unknown as { start(): void }).start();
  }

  get state(): string {
    return JSON.stringify(this.gate.getSnapshot().value).replaceAll('"', '');
  }

  /** Sends it something, and gives what it says at once. */
  tell(event: AnyEventObject): string[] {
    this.gate.send(event);
    return this.news();
  }

  request(ticket: string, more: Partial<PermitRequest> = {}): string[] {
    return this.tell({ type: 'permit.request', ticket, ...more });
  }

  done(ticket: string, outcome = 'success', retryAfterMs?: number): string[] {
    return this.tell({ type: 'permit.done', ticket, outcome, retryAfterMs });
  }

  cancel(ticket: string): string[] {
    return this.tell({ type: 'permit.cancel', ticket });
  }

  renew(ticket: string): string[] {
    return this.tell({ type: 'permit.renew', ticket });
  }

  /** Lets time pass, and gives what it says meanwhile. */
  wait(ms: number): string[] {
    vi.advanceTimersByTime(ms);
    return this.news();
  }

  /** What it has said since it was last asked. */
  news(): string[] {
    const news = this.said.slice(this.#heard);
    this.#heard = this.said.length;
    return news;
  }

  #noted({ type, ticket, reason, retryAfterMs, forMs }: AnyEventObject): string {
    const at = Date.now() - this.#start;
    if (type === 'permit.granted') return `${at} granted ${ticket}`;
    if (type === 'permit.refused') return `${at} refused ${ticket}: ${reason}, ${retryAfterMs}`;
    return `${at} ${type}: ${reason}${forMs === undefined ? '' : `, ${forMs}`}`;
  }
}

/** What holds for each gate. `make` gives one that grants a single request and has nothing for a second. */
export function everyGate(name: string, make: () => AnyStateMachine): void {
  describe(`${name}, like every gate`, () => {
    it('gives the same ticket the same answer, and nothing more', () => {
      const caller = new Caller(make());
      expect(caller.request('a')).toEqual(['0 granted a']);
      expect(caller.request('a')).toEqual(['0 granted a']);
      expect(caller.request('b').join()).toMatch('refused b');
      expect(caller.request('a')).toEqual(['0 granted a']);
      expect(caller.gate.getSnapshot().context.held).toHaveLength(1);
    });

    it('answers to whoever asked last with a ticket', () => {
      const heard: string[] = [];
      const from = (name: string): AnyActorRef => {
        const ear = fromTransition((_, { type }) => void heard.push(`${name} ${type}`), undefined);
        return createActor(ear).start();
      };
      const caller = new Caller(make());
      caller.request('a', { from: from('first') });
      caller.request('a', { from: from('second') });
      expect(heard).toEqual(['first permit.granted', 'second permit.granted']);
      expect(caller.said).toEqual([]);
    });

    it('takes a request back as if it had never been granted', () => {
      const caller = new Caller(make());
      caller.request('a');
      caller.cancel('a');
      expect(caller.request('b').join()).toMatch('granted b');
    });

    it('is not disturbed by reports, renewals and cancellations of tickets that it does not know', () => {
      const caller = new Caller(make());
      caller.done('a', 'failure');
      caller.done('a');
      caller.cancel('a');
      caller.renew('a');
      expect(caller.request('b')).toEqual(['0 granted b']);
      caller.cancel('a');
      caller.done('a', 'failure');
      expect(caller.request('c').join()).toMatch('refused c');
    });

    it.each([
      ['a weight of half', { weight: 0.5 }],
      ['no weight', { weight: 0 }],
      ['a wait that is no number', { waitMs: Number.NaN }],
      ['a negative wait', { waitMs: -1 }],
      ['no ticket', { ticket: undefined as never }],
    ])('refuses a request with %s for good, and lives on', (_, more) => {
      const caller = new Caller(make());
      const [answer] = caller.request('a', more);
      // A breaker counts calls, and does not look at weights.
      if (name !== 'a breaker' || !('weight' in more)) expect(answer).toMatch(/unfit, Infinity$/);
      expect(caller.gate.getSnapshot().status).toBe('active');
    });

    it('keeps nothing of what is over', () => {
      const caller = new Caller(make());
      for (let n = 0; n < 200; n++) {
        caller.request(`${n}`);
        caller.done(`${n}`);
        caller.wait(10_000);
      }
      expect(caller.said.filter((line) => line.includes('granted'))).toHaveLength(200);
      expect(JSON.stringify(caller.gate.getSnapshot().context).length).toBeLessThan(400);
    });
  });
}
