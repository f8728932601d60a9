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

  /** @param first what the gate gets before it is started */
  constructor(machine: AnyStateMachine, input?: object, ...first: readonly AnyEventObject[]) {
    this.gate = createActor(machine, { input });
    this.gate.on('*', (event) => this.said.push(this.#noted(event)));
    for (const event of first) this.gate.send(event);
    (this.gate as unknown as { start(): void }).start();
  }

  get options(): Record<string, unknown> {
    return this.gate.getSnapshot().context.options;
  }

  /** Changes its options; anything is tried. */
  configure(options: unknown): string[] {
    return this.tell({ type: 'permit.configure', options });
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

  #noted({ type, ticket, reason, retryAfterMs, forMs, option, changed }: AnyEventObject): string {
    const at = Date.now() - this.#start;
    if (type === 'permit.configured') return `${at} ${changed === true ? 'configured' : 'as before'}`;
    if (type === 'permit.misconfigured') return `${at} misconfigured: ${option}, ${reason}`;
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

    it.each<[string, unknown]>([
      ['options', undefined],
      ['options', null],
      ['options', 7],
      ['options', 'leaseMs'],
      ['options', [5]],
      ['leaseMs', { leaseMs: 0 }],
      ['leaseMs', { leaseMs: '5' }],
      ['leaseMs', { leaseMs: Object.create(null) }],
      ['leaseMs', { leaseMs: Symbol('5') }],
      ['lease', { leaseMs: 5, lease: 5 }],
      ['__proto__', JSON.parse('{ "__proto__": { "leaseMs": 5 } }')],
    ])('refuses nonsense for its %s, says so, and takes nothing of it: %o', (option, options) => {
      const caller = new Caller(make());
      const before = caller.gate.getSnapshot().context;
      expect(caller.configure(options).join()).toMatch(`0 misconfigured: ${option}, `);
      expect(caller.gate.getSnapshot().context).toBe(before);
      expect(caller.request('a')).toEqual(['0 granted a']);
    });

    it('takes other options, and none of them twice', () => {
      const caller = new Caller(make());
      const { leaseMs, ...others } = caller.options;
      expect(leaseMs).toBe(60_000);
      expect(caller.configure({})).toEqual(['0 as before']);
      expect(caller.configure({ leaseMs: 5000 })).toEqual(['0 configured']);
      const { context } = caller.gate.getSnapshot();
      expect(context.options).toEqual({ ...others, leaseMs: 5000 });
      expect(caller.configure(context.options)).toEqual(['0 as before']);
      expect(caller.gate.getSnapshot().context).toBe(context);
      // One that is undefined has its default again.
      caller.configure({ leaseMs: undefined });
      expect(caller.options).toEqual({ ...others, leaseMs: 60_000 });
    });

    it('answers to whoever configures it', () => {
      const heard: AnyEventObject[] = [];
      const from = createActor(fromTransition((_, event) => void heard.push(event), undefined)).start();
      const caller = new Caller(make());
      for (const options of [{ leaseMs: 5 }, { leaseMs: 5 }, { leaseMs: -5 }])
        caller.tell({ type: 'permit.configure', options, from });
      expect(heard).toEqual([
        { type: 'permit.configured', options: { ...caller.options, leaseMs: 5 }, changed: true },
        { type: 'permit.configured', options: { ...caller.options, leaseMs: 5 }, changed: false },
        { type: 'permit.misconfigured', option: 'leaseMs', reason: expect.stringMatching('leaseMs') },
      ]);
      expect(caller.said).toEqual([]);
    });

    it('promises a lease once: it is as long as it was, and can be made longer', () => {
      const caller = new Caller(make());
      const until = () => caller.gate.getSnapshot().context.held[0].until;
      caller.request('a');
      caller.configure({ leaseMs: 100 });
      expect(until()).toBe(60_000);
      caller.wait(10);
      caller.renew('a');
      expect(until()).toBe(60_010);
      // Whoever asks again is told the new one, and renews by it.
      caller.request('a');
      expect(until()).toBe(60_010);
      caller.wait(60_000 - 20);
      caller.renew('a');
      expect(until()).toBe(60_090);
      caller.configure({ leaseMs: 90_000 });
      caller.renew('a');
      expect(until()).toBe(60_090);
      caller.request('a');
      expect(until()).toBe(60_000 - 10 + 90_000);
    });

    it('is born with the options of its input, before those of its factory', () => {
      const factory = new Caller(make()).options;
      expect(new Caller(make(), {}).options).toEqual(factory);
      expect(new Caller(make(), { leaseMs: undefined }).options).toEqual(factory);
      expect(new Caller(make(), { leaseMs: 5 }).options).toEqual({ ...factory, leaseMs: 5 });
      for (const input of [{ leaseMs: 0 }, { lease: 5 }, 'leaseMs', null]) {
        const { status, error } = createActor(make(), { input }).getSnapshot() as never as AnyEventObject;
        expect([status, error instanceof TypeError]).toEqual(['error', true]);
      }
    });

    it('takes what comes before it has begun when it has, in order', () => {
      const early = [
        { type: 'permit.configure', options: { leaseMs: 5 } },
        { type: 'permit.request', ticket: 'a' },
        { type: 'permit.what' },
        { type: 'permit.request', ticket: 'b' },
      ];
      const caller = new Caller(make(), { leaseMs: 7 }, ...early);
      expect(caller.said.map((line) => line.split(':')[0])).toEqual([
        ...['0 configured', '0 granted a', '0 refused b'],
      ]);
      expect(caller.options['leaseMs']).toBe(5);
      // Nobody else can have it begin once more.
      caller.tell({ type: 'permit.begin', options: { leaseMs: 9 } });
      expect(caller.options['leaseMs']).toBe(5);
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
