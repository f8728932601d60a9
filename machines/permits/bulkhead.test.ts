// The lie: "never more than `slots` are held, first come is first served, and no slot is lost for good". Tables, and random
// callers against a model that looks at every millisecond.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { bulkhead } from './bulkhead.ts';
import type { BulkheadOptions } from './bulkhead.ts';
import { Caller, everyGate, standingTime } from './permit.testsuite.ts';

const RUNS = 200;

standingTime();
everyGate('a bulkhead', () => bulkhead({ slots: 1 }));

describe('a bulkhead', () => {
  it('grants while there are slots, and refuses then', () => {
    const caller = new Caller(bulkhead({ slots: 2, retryAfterMs: 50 }));
    expect(caller.state).toBe('idle');
    expect(caller.request('a')).toEqual(['0 granted a']);
    expect(caller.request('b')).toEqual(['0 granted b']);
    expect(caller.state).toBe('busy');
    expect(caller.request('c')).toEqual(['0 refused c: full, 50']);
    caller.done('a', 'failure');
    expect(caller.request('c')).toEqual(['0 granted c']);
    caller.done('b');
    caller.done('c', 'ignored');
    expect(caller.state).toBe('idle');
  });

  it('serves its queue in order, and refuses when that is full', () => {
    const caller = new Caller(bulkhead({ slots: 1, queue: 2 }));
    caller.request('a');
    expect([...caller.request('b'), ...caller.request('c')]).toEqual([]);
    expect(caller.state).toBe('full');
    expect(caller.request('d')).toEqual(['0 refused d: full, 1000']);
    expect(caller.done('a')).toEqual(['0 granted b']);
    expect(caller.done('b')).toEqual(['0 granted c']);
    expect(caller.state).toBe('busy');
  });

  it('lets nobody overtake a heavier request', () => {
    const caller = new Caller(bulkhead({ slots: 3, queue: 9 }));
    caller.request('a', { weight: 2 });
    expect(caller.request('heavy', { weight: 3 })).toEqual([]);
    expect(caller.request('light')).toEqual([]);
    expect(caller.done('a')).toEqual(['0 granted heavy']);
    expect(caller.done('heavy')).toEqual(['0 granted light']);
    expect(caller.request('too heavy', { weight: 4 })).toEqual(['0 refused too heavy: unfit, Infinity']);
  });

  it('refuses who has waited as long as it may, and only then', () => {
    const caller = new Caller(bulkhead({ slots: 1, queue: 9, waitMs: 500 }));
    caller.request('a');
    caller.request('b');
    caller.request('c', { waitMs: 100 });
    expect(caller.request('d', { waitMs: 0 })).toEqual(['0 refused d: full, 1000']);
    expect(caller.wait(99)).toEqual([]);
    expect(caller.wait(1)).toEqual(['100 refused c: timeout, 1000']);
    expect(caller.wait(400)).toEqual(['500 refused b: timeout, 1000']);
    expect(caller.state).toBe('busy');
  });

  it('lets a waiting request be asked again without a second place, and be cancelled', () => {
    const caller = new Caller(bulkhead({ slots: 1, queue: 2 }));
    caller.request('a');
    caller.request('b');
    caller.request('b');
    caller.request('c');
    caller.cancel('b');
    expect(caller.said).toEqual(['0 granted a']);
    expect(caller.done('a')).toEqual(['0 granted c']);
  });

  it('frees the slot of who is silent for a lease, and not of who renews it', () => {
    const caller = new Caller(bulkhead({ slots: 2, queue: 9, leaseMs: 100, waitMs: 100_000 }));
    for (const ticket of ['a', 'b', 'c', 'd']) caller.request(ticket);
    caller.wait(60);
    caller.renew('b');
    expect(caller.wait(39)).toEqual([]);
    expect(caller.wait(1)).toEqual(['100 granted c']);
    expect(caller.wait(60)).toEqual(['160 granted d']);
    // Who comes too late has nothing to give back.
    expect(caller.done('a')).toEqual([]);
    expect(caller.gate.getSnapshot().context.held).toHaveLength(2);
    caller.wait(100);
    expect(caller.state).toBe('idle');
  });

  it('takes a timer that comes much too late for a time when nobody was there: leases start anew', () => {
    const caller = new Caller(bulkhead({ slots: 1, queue: 9, leaseMs: 100, waitMs: 100_000 }));
    caller.request('a');
    caller.request('b');
    caller.wait(99);
    // The process stands still, and goes on a second later.
    vi.setSystemTime(Date.now() + 1000);
    expect(caller.wait(1)).toEqual([]);
    expect(caller.wait(99)).toEqual([]);
    expect(caller.wait(1)).toHaveLength(1);
  });

  it('frees a slot after a lease, though the clock has jumped back meanwhile', () => {
    const caller = new Caller(bulkhead({ slots: 1, queue: 9, leaseMs: 100 }));
    caller.request('a');
    caller.wait(50);
    vi.setSystemTime(Date.now() - 3_600_000);
    caller.request('b');
    expect(caller.wait(101)).toHaveLength(1);
    expect(caller.gate.getSnapshot().context.held).toMatchObject([{ ticket: 'b' }]);
  });

  it('with more slots lets those in who wait, at once and in order', () => {
    const caller = new Caller(bulkhead({ slots: 1, queue: 9 }));
    for (const ticket of ['a', 'b', 'c', 'd']) caller.request(ticket);
    expect(caller.configure({ slots: 3 })).toEqual(['0 configured', '0 granted b', '0 granted c']);
    expect(caller.state).toBe('full');
    expect(caller.configure({ slots: 9 })).toEqual(['0 configured', '0 granted d']);
    expect(caller.state).toBe('busy');
    for (const ticket of ['a', 'b', 'c', 'd']) caller.done(ticket);
    expect(caller.configure({ slots: 2 })).toEqual(['0 configured']);
    expect(caller.state).toBe('idle');
  });

  it('with fewer slots lets holders finish, and nobody in before there is room', () => {
    const caller = new Caller(bulkhead({ slots: 3, queue: 9 }));
    caller.request('a', { weight: 2 });
    caller.request('b');
    caller.request('heavy', { weight: 2 });
    caller.request('c');
    expect(caller.configure({ slots: 1 })).toEqual(['0 configured', '0 refused heavy: unfit, Infinity']);
    expect(caller.gate.getSnapshot().context.held).toHaveLength(2);
    // It holds more than there is now, and asks again after a crash.
    expect(caller.request('a', { weight: 2 })).toEqual(['0 granted a']);
    expect(caller.done('a')).toEqual([]);
    expect(caller.done('b')).toEqual(['0 granted c']);
  });

  it('with a smaller queue sends nobody away', () => {
    const caller = new Caller(bulkhead({ slots: 1, queue: 2, waitMs: 100 }));
    for (const ticket of ['a', 'b', 'c']) caller.request(ticket);
    expect(caller.configure({ queue: 1, waitMs: 5, retryAfterMs: 7 })).toEqual(['0 configured']);
    expect(caller.done('a')).toEqual(['0 granted b']);
    expect(caller.request('d')).toEqual(['0 refused d: full, 7']);
    expect(caller.wait(99)).toEqual([]);
    expect(caller.wait(1)).toEqual(['100 refused c: timeout, 7']);
    caller.request('d');
    expect(caller.wait(5)).toEqual(['105 refused d: timeout, 7']);
  });

  it('frees a slot after its lease, though that is shorter than those before it', () => {
    const caller = new Caller(bulkhead({ slots: 2, queue: 2, leaseMs: 1000, waitMs: 10_000 }));
    caller.request('a');
    caller.configure({ leaseMs: 100 });
    const held = () => caller.gate.getSnapshot().context.held.map((one: { ticket: string }) => one.ticket);
    // Granted while only the longer one is waited for.
    caller.request('b');
    caller.wait(99);
    expect(held()).toEqual(['a', 'b']);
    caller.wait(1);
    expect(held()).toEqual(['a']);
    caller.request('c');
    caller.request('d');
    expect(caller.done('c')).toEqual(['100 granted d']);
    caller.wait(100);
    expect(held()).toEqual(['a']);
    caller.wait(800);
    expect(caller.state).toBe('idle');
  });

  it.each<[string, object]>([
    ['slots', {}],
    ['slots', { slots: 0 }],
    ['slots', { slots: 1.5 }],
    ['queue', { slots: 1, queue: -1 }],
    ['waitMs', { slots: 1, waitMs: '30 seconds' }],
    ['leaseMs', { slots: 1, leaseMs: 0 }],
    ['retryAfterMs', { slots: 1, retryAfterMs: Number.NaN }],
    ['slot', { slots: 1, slot: 2 }],
    ['its options', undefined as never],
  ])('is refused with a %s that makes no sense: %j', (name, options) => {
    expect(() => bulkhead(options as BulkheadOptions)).toThrow(TypeError);
    expect(() => bulkhead(options as BulkheadOptions)).toThrow(name);
  });
});

// ---- a model ------------------------------------------------------------------------------------------------------

const OPTIONS = { slots: 3, queue: 3, waitMs: 20, leaseMs: 25, retryAfterMs: 7 };

interface Known {
  readonly ticket: string;
  readonly weight: number;
  until: number;
  leaseMs: number;
}

/** A bulkhead that looks at the clock every millisecond. */
class Model {
  now = 0;
  options: Required<BulkheadOptions> = OPTIONS;
  readonly said: string[] = [];
  held: Known[] = [];
  waiting: Known[] = [];

  get used(): number {
    return this.held.reduce((sum, { weight }) => sum + weight, 0);
  }

  request(ticket: string, weight: number, waitMs: number): void {
    const held = this.held.find((one) => one.ticket === ticket);
    if (held !== undefined) {
      held.leaseMs = this.options.leaseMs;
      held.until = Math.max(held.until, this.now + held.leaseMs);
      this.said.push(`${this.now} granted ${ticket}`);
    } else if (this.waiting.some((one) => one.ticket === ticket)) return;
    else if (weight > this.options.slots) this.#unfit(ticket);
    else if (this.waiting.length === 0 && this.used + weight <= this.options.slots)
      this.#grant({ ticket, weight, until: 0, leaseMs: 0 });
    else if (this.waiting.length < this.options.queue && waitMs > 0)
      this.waiting.push({ ticket, weight, until: this.now + waitMs, leaseMs: 0 });
    else this.said.push(`${this.now} refused ${ticket}: full, ${this.options.retryAfterMs}`);
  }

  leave(ticket: string, isCancel: boolean): void {
    this.held = this.held.filter((one) => one.ticket !== ticket);
    if (isCancel) this.waiting = this.waiting.filter((one) => one.ticket !== ticket);
    this.#admit();
  }

  renew(ticket: string): void {
    for (const one of this.held) if (one.ticket === ticket) one.until = this.now + one.leaseMs;
  }

  tick(): void {
    this.now++;
    this.held = this.held.filter(({ until }) => until > this.now);
    for (const { ticket, until } of this.waiting)
      if (until <= this.now)
        this.said.push(`${this.now} refused ${ticket}: timeout, ${this.options.retryAfterMs}`);
    this.waiting = this.waiting.filter(({ until }) => until > this.now);
    this.#admit();
  }

  configure(changes: Partial<BulkheadOptions>): void {
    this.options = { ...this.options, ...changes };
    for (const { ticket, weight } of this.waiting) if (weight > this.options.slots) this.#unfit(ticket);
    this.waiting = this.waiting.filter(({ weight }) => weight <= this.options.slots);
    this.#admit();
  }

  #unfit(ticket: string): void {
    this.said.push(`${this.now} refused ${ticket}: unfit, Infinity`);
  }

  #admit(): void {
    while (this.waiting.length > 0 && this.used + this.waiting[0]!.weight <= this.options.slots)
      this.#grant(this.waiting.shift()!);
  }

  #grant({ ticket, weight }: Known): void {
    const { leaseMs } = this.options;
    this.held.push({ ticket, weight, until: this.now + leaseMs, leaseMs });
    this.said.push(`${this.now} granted ${ticket}`);
  }
}

const ticket = fc.constantFrom(...'abcdefgh');
type Command =
  | { do: 'request'; ticket: string; weight: number; waitMs: number }
  | { do: 'done' | 'cancel' | 'renew'; ticket: string }
  | { do: 'wait'; ms: number };

const command = fc.oneof(
  fc.record({
    do: fc.constant('request' as const),
    ticket,
    weight: fc.integer({ min: 1, max: 3 }),
    waitMs: fc.integer({ min: 0, max: 12 }),
  }),
  fc.record({ do: fc.constantFrom('done' as const, 'cancel' as const, 'renew' as const), ticket }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 15 }) }),
);
const commands = fc.array(command, { minLength: 20, maxLength: 60 });

/** Has a bulkhead and the model of it do the same. */
function perform(caller: Caller, model: Model, command: Command): void {
  if (command.do === 'request') {
    caller.request(command.ticket, command);
    model.request(command.ticket, command.weight, command.waitMs);
  } else if (command.do === 'wait') {
    for (let ms = 0; ms < command.ms; ms++) {
      caller.wait(1);
      model.tick();
    }
  } else if (command.do === 'renew') {
    caller.renew(command.ticket);
    model.renew(command.ticket);
  } else {
    caller[command.do](command.ticket);
    const { ticket: which } = command;
    if (command.do === 'cancel' || model.held.some((one) => one.ticket === which))
      model.leave(which, command.do === 'cancel');
  }
}

const changes = fc.record(
  {
    slots: fc.integer({ min: 1, max: 5 }),
    queue: fc.integer({ min: 0, max: 4 }),
    leaseMs: fc.integer({ min: 5, max: 40 }),
    retryAfterMs: fc.integer({ min: 1, max: 9 }),
  },
  { requiredKeys: [] },
);

describe('random callers', () => {
  it('hear from a bulkhead what a model says, and never hold more than there is', () => {
    let granted = 0;
    let refused = 0;
    fc.assert(
      fc.property(commands, (all) => {
        const caller = new Caller(bulkhead(OPTIONS));
        const model = new Model();
        for (const command of all) {
          perform(caller, model, command);
          expect(model.used).toBeLessThanOrEqual(OPTIONS.slots);
        }
        expect(caller.said).toEqual(model.said);
        granted += caller.said.filter((line) => line.includes('granted')).length;
        refused += caller.said.filter((line) => line.includes('timeout')).length;
      }),
      { numRuns: RUNS },
    );
    expect(granted).toBeGreaterThan(RUNS);
    expect(refused).toBeGreaterThan(RUNS / 10);
  });

  it('hear the same while its options change', () => {
    let granted = 0;
    const either = fc.oneof({ weight: 9, arbitrary: command }, { weight: 1, arbitrary: changes });
    fc.assert(
      fc.property(fc.array(either, { minLength: 20, maxLength: 60 }), (all) => {
        const caller = new Caller(bulkhead(OPTIONS));
        const model = new Model();
        for (const one of all) {
          if ('do' in one) perform(caller, model, one);
          else {
            const used = model.used;
            caller.configure(one);
            model.configure(one);
            expect(model.used).toBeLessThanOrEqual(Math.max(used, model.options.slots));
          }
        }
        const said = caller.said.filter((line) => !/configured|as before/.test(line));
        expect(said).toEqual(model.said);
        granted += said.filter((line) => line.includes('granted')).length;
      }),
      { numRuns: RUNS },
    );
    expect(granted).toBeGreaterThan(RUNS);
  });
});
