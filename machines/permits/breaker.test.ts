// The lie: "it opens when it should, never grants while open, and no late result flips it". Tables, and random callers
// against a model that remembers every call.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { breaker } from './breaker.ts';
import type { BreakerOptions } from './breaker.ts';
import { Caller, everyGate, standingTime } from './permit.testsuite.ts';

const RUNS = 300;
const PLAIN = { failures: 3, withinMs: 1000, coolDownMs: 500 };

standingTime();
everyGate('a breaker', () => breaker({ ...PLAIN, capacity: 1 }));

/** Has calls made, with these outcomes: s and f and i. */
function calls(caller: Caller, outcomes: string): string[] {
  return [...outcomes].flatMap((letter, n) => {
    const outcome = { s: 'success', f: 'failure', i: 'ignored' }[letter]!;
    return [...caller.request(`${letter}${n}`), ...caller.done(`${letter}${n}`, outcome)];
  });
}

/** A breaker that is open, and why. */
function opened(options: Partial<BreakerOptions> = {}): Caller {
  const caller = new Caller(breaker({ ...PLAIN, ...options }));
  calls(caller, 'fff');
  expect(caller.state).toBe('open');
  return caller;
}

describe('a breaker that is closed', () => {
  it.each<[string, Partial<BreakerOptions>, string]>([
    ['ff', {}, 'closed'],
    ['fsfisf', {}, 'open'],
    ['sssssss', {}, 'closed'],
    ['iiiiiii', {}, 'closed'],
    ['f', { failures: 1 }, 'open'],
    ['ssff', { failureRatio: 0.5, minimumCalls: 4, failures: 9 }, 'open'],
    ['ff', { failureRatio: 0.5, minimumCalls: 4, failures: 9 }, 'closed'],
    ['sssff', { failureRatio: 0.5, minimumCalls: 4, failures: 9 }, 'closed'],
    ['sssf', { failureRatio: 0.1, minimumCalls: 4, failures: undefined as never }, 'open'],
    ['sssiif', { failureRatio: 0.25, minimumCalls: 5, failures: 9 }, 'closed'],
    ['fff', { failureRatio: 1, failures: 3 }, 'open'],
  ])('after %s with %j is %s', (outcomes, options, state) => {
    const caller = new Caller(breaker({ ...PLAIN, ...options }));
    calls(caller, outcomes);
    expect(caller.state).toBe(state);
  });

  it('forgets failures that are older than its window', () => {
    const caller = new Caller(breaker(PLAIN));
    calls(caller, 'ff');
    caller.wait(1000);
    calls(caller, 'ff');
    expect(caller.state).toBe('closed');
    caller.wait(999);
    expect(calls(caller, 'f')).toEqual([
      '1999 granted f0',
      '1999 breaker.opened: 3 failures within 1000 ms, 500',
    ]);
  });

  it('opens at once when it is asked to wait, for that long', () => {
    const caller = new Caller(breaker(PLAIN));
    caller.request('a');
    expect(caller.done('a', 'failure', 7000)).toEqual([
      '0 breaker.opened: it asked to be left alone for 7000 ms, 7000',
    ]);
    expect(caller.request('b')).toEqual(['0 refused b: open, 7000']);
    caller.wait(6999);
    expect(caller.state).toBe('open');
    caller.wait(1);
    expect(caller.state).toBe('{halfOpen:ready}');
  });

  it('counts a call once, and a call that nobody reports not at all', () => {
    const caller = new Caller(breaker({ ...PLAIN, failures: 2, leaseMs: 100 }));
    caller.request('a');
    caller.done('a', 'failure');
    caller.done('a', 'failure');
    caller.request('b');
    caller.request('c');
    caller.wait(99);
    caller.renew('c');
    caller.wait(1);
    caller.done('b', 'failure');
    expect(caller.state).toBe('closed');
    caller.done('c', 'failure');
    expect(caller.state).toBe('open');
  });

  it('knows no more calls than it has room for', () => {
    const caller = new Caller(breaker({ ...PLAIN, capacity: 2, leaseMs: 100, retryAfterMs: 9 }));
    caller.request('a');
    caller.request('b');
    expect(caller.request('c')).toEqual(['0 refused c: full, 9']);
    caller.wait(60);
    caller.renew('b');
    caller.wait(40);
    expect(caller.request('c')).toEqual(['100 granted c']);
    expect(caller.request('d')).toEqual(['100 refused d: full, 9']);
  });
});

describe('a breaker that is open', () => {
  it('refuses everybody, and says for how long', () => {
    const caller = opened();
    expect(caller.request('a')).toEqual(['0 refused a: open, 500']);
    caller.wait(499);
    expect(caller.request('a')).toEqual(['499 refused a: open, 1']);
    expect(caller.wait(1)).toEqual([]);
    expect(caller.state).toBe('{halfOpen:ready}');
  });

  it('refuses also a ticket that it granted before', () => {
    const caller = new Caller(breaker(PLAIN));
    caller.request('old');
    calls(caller, 'fff');
    expect(caller.request('old')).toEqual(['0 refused old: open, 500']);
  });

  it('stays open for longer when a late failure asks for it, and not shorter', () => {
    const caller = new Caller(breaker(PLAIN));
    for (const ticket of ['a', 'b', 'c']) caller.request(ticket);
    calls(caller, 'fff');
    caller.done('a', 'failure', 2000);
    caller.done('b', 'failure', 700);
    caller.done('c', 'success', 9999);
    caller.wait(1999);
    expect(caller.state).toBe('open');
    caller.wait(1);
    expect(caller.state).toBe('{halfOpen:ready}');
  });

  it('lets a probe pass when it has cooled down, though its timer is late', () => {
    const caller = opened();
    vi.setSystemTime(Date.now() + 500);
    expect(caller.request('a')).toEqual(['500 granted a']);
    expect(caller.state).toBe('{halfOpen:probing}');
    expect(caller.request('b')).toEqual(['500 refused b: probing, 1000']);
  });

  it('cools down though the clock jumps back, and not sooner', () => {
    const caller = opened();
    caller.wait(200);
    caller.request('x');
    vi.setSystemTime(Date.now() - 3_600_000);
    expect(caller.request('a').join()).toMatch('refused a: open, 300');
    caller.wait(299);
    expect(caller.request('a').join()).toMatch('refused a: open, 1');
    caller.wait(1);
    expect(caller.request('a').join()).toMatch('granted a');
  });

  it('may be so for longer than a timer can run', () => {
    const caller = new Caller(breaker(PLAIN));
    const fortyDays = 40 * 86_400_000;
    caller.request('a');
    caller.done('a', 'failure', fortyDays);
    caller.wait(fortyDays - 1);
    expect(caller.state).toBe('open');
    caller.wait(1);
    expect(caller.state).toBe('{halfOpen:ready}');
  });
});

describe('a breaker that is half-open', () => {
  function halfOpen(options: Partial<BreakerOptions> = {}): Caller {
    const caller = opened(options);
    caller.wait(500);
    caller.news();
    return caller;
  }

  it('closes when its probe succeeds, with nothing counted', () => {
    const caller = halfOpen();
    caller.request('a');
    expect(caller.done('a')).toEqual(['500 breaker.closed: its probes have succeeded']);
    calls(caller, 'ff');
    expect(caller.state).toBe('closed');
  });

  it('opens when its probe fails, longer each time up to a maximum, and from the beginning once it has closed', () => {
    const caller = halfOpen({ maxCoolDownMs: 1800 });
    const coolDowns = ['a', 'b', 'c'].map((ticket) => {
      caller.request(ticket);
      const [said] = caller.done(ticket, 'failure');
      const ms = Number(said!.split(', ')[1]);
      caller.wait(ms);
      return ms;
    });
    expect(coolDowns).toEqual([1000, 1800, 1800]);
    calls(caller, 's');
    expect(calls(caller, 'fff').at(-1)).toMatch(/500$/);
    caller.wait(500);
    expect(calls(caller, 'f').at(-1)).toMatch(/1000$/);
  });

  it('opens for as long as its probe is asked to wait', () => {
    const caller = halfOpen();
    caller.request('a');
    expect(caller.done('a', 'failure', 9000)).toEqual(['500 breaker.opened: a probe has failed, 9000']);
  });

  it('lets so many probes pass and no more, and wants all of them to succeed', () => {
    const caller = halfOpen({ probes: 3 });
    expect([...caller.request('a'), ...caller.request('b')]).toHaveLength(2);
    caller.done('a');
    caller.request('c');
    expect(caller.request('d').join()).toMatch('refused d: probing');
    // One that says nothing makes room for another.
    caller.done('b', 'ignored');
    expect(caller.request('d').join()).toMatch('granted d');
    caller.cancel('c');
    caller.done('d');
    expect(caller.state).toBe('{halfOpen:ready}');
    caller.request('e');
    caller.done('e');
    expect(caller.state).toBe('closed');
  });

  it('is not flipped by results of calls that were granted before', () => {
    for (const outcome of ['success', 'failure']) {
      const caller = new Caller(breaker(PLAIN));
      caller.request('old');
      calls(caller, 'fff');
      caller.done('old', outcome);
      expect(caller.state).toBe('open');
      caller.wait(500);
      caller.done('old', outcome, 5000);
      expect(caller.state).toBe('{halfOpen:ready}');
      caller.request('probe');
      caller.done('old', outcome, 5000);
      expect(caller.state).toBe('{halfOpen:probing}');
      caller.done('probe');
      for (const ticket of ['old', 'probe', 'old']) caller.done(ticket, 'failure', 5000);
      expect(caller.state).toBe('closed');
    }
  });

  it('takes a lost probe for a failure, unless it renews its lease', () => {
    const caller = halfOpen({ leaseMs: 100 });
    caller.request('a');
    caller.wait(60);
    caller.renew('a');
    caller.wait(99);
    expect(caller.state).toBe('{halfOpen:probing}');
    expect(caller.wait(1)).toEqual(['660 breaker.opened: a probe was lost, 500']);
    caller.done('a');
    expect(caller.state).toBe('open');
  });

  it('does not call a probe lost when nobody was there to hear of it', () => {
    const caller = halfOpen({ leaseMs: 100 });
    caller.request('a');
    vi.setSystemTime(Date.now() + 5000);
    caller.wait(100);
    expect(caller.state).toBe('{halfOpen:probing}');
    caller.wait(100);
    expect(caller.state).toBe('open');
  });
});

describe('by hand', () => {
  it('it is tripped until it is reset', () => {
    const caller = new Caller(breaker(PLAIN));
    expect(caller.tell({ type: 'breaker.trip', reason: 'upgrade' })).toEqual([
      '0 breaker.opened: upgrade, Infinity',
    ]);
    caller.wait(1e9);
    expect(caller.request('a')).toEqual(['1000000000 refused a: open, 500']);
    caller.tell({ type: 'breaker.trip', reason: 'somebody else', forMs: 1 });
    expect(caller.state).toBe('tripped');
    expect(caller.tell({ type: 'breaker.reset', reason: 'done' })).toEqual([
      '1000000000 breaker.closed: done',
    ]);
    expect(caller.request('a').join()).toMatch('granted');
  });

  it('it is tripped for a while, and never shorter than it would be open', () => {
    const caller = opened();
    caller.tell({ type: 'breaker.trip', reason: 'upgrade', forMs: 100 });
    caller.wait(499);
    expect(caller.state).toBe('open');
    caller.tell({ type: 'breaker.trip', reason: 'upgrade', forMs: 100 });
    caller.wait(99);
    expect(caller.state).toBe('open');
    caller.wait(1);
    expect(caller.state).toBe('{halfOpen:ready}');
    expect(caller.tell({ type: 'breaker.reset', reason: 'all is well' })).toHaveLength(1);
    expect(caller.state).toBe('closed');
  });
});

describe('a breaker that is configured', () => {
  it('judges what it has counted by the new numbers, when the next call has failed', () => {
    const caller = new Caller(breaker({ ...PLAIN, failures: 9 }));
    calls(caller, 'fff');
    caller.configure({ failures: 2 });
    expect(caller.state).toBe('closed');
    calls(caller, 's');
    expect(caller.state).toBe('closed');
    expect(calls(caller, 'f').at(-1)).toMatch('4 failures within 1000 ms');
  });

  it('has its new window at once, with what the old one knew', () => {
    const caller = new Caller(breaker(PLAIN));
    calls(caller, 'ff');
    caller.wait(500);
    caller.configure({ withinMs: 500 });
    calls(caller, 'f');
    expect(caller.state).toBe('closed');
    caller.configure({ withinMs: 60_000 });
    caller.wait(50_000);
    calls(caller, 'ff');
    expect(caller.state).toBe('open');
  });

  it('counts anew for its first ratio, because it knows only of failures', () => {
    const caller = new Caller(breaker({ ...PLAIN, failures: 99 }));
    calls(caller, 'sssssssfffff');
    caller.configure({ failureRatio: 0.5, failures: undefined });
    calls(caller, 'ssssssssfff');
    expect(caller.state).toBe('closed');
    caller.configure({ failureRatio: 0.25 });
    calls(caller, 'f');
    expect(caller.state).toBe('open');
    expect(caller.configure({ failureRatio: undefined }).join()).toMatch('misconfigured: failures');
  });

  it('stays open for as long as it has said, and for as long as it says now the next time', () => {
    const caller = opened({ maxCoolDownMs: 9000 });
    expect(caller.configure({ coolDownMs: 2000 })).toEqual(['0 configured']);
    expect(caller.configure({ coolDownMs: 9001 }).join()).toMatch('misconfigured: maxCoolDownMs');
    caller.wait(499);
    expect(caller.state).toBe('open');
    caller.wait(1);
    expect(caller.state).toBe('{halfOpen:ready}');
    expect(calls(caller, 'f').at(-1)).toMatch(/, 4000$/);
  });

  it('lets as many probes pass as are wanted now, and closes when enough have succeeded', () => {
    const caller = opened({ probes: 1 });
    caller.wait(500);
    caller.request('a');
    expect(caller.request('b').join()).toMatch('refused b: probing');
    caller.configure({ probes: 4, retryAfterMs: 9 });
    for (const ticket of ['b', 'c', 'd']) expect(caller.request(ticket).join()).toMatch('granted');
    expect(caller.request('e')).toEqual(['500 refused e: probing, 9']);
    caller.done('a');
    caller.done('b');
    caller.cancel('c');
    expect(caller.configure({ probes: 3 })).toEqual(['500 configured']);
    expect(caller.state).toBe('{halfOpen:probing}');
    expect(caller.configure({ probes: 2 })).toEqual([
      ...['500 configured', '500 breaker.closed: its probes have succeeded'],
    ]);
    // The probe that was out is forgotten.
    caller.done('d', 'failure', 5000);
    expect(caller.state).toBe('closed');
  });

  it('takes a probe for lost by the lease that was promised', () => {
    const caller = opened({ probes: 2, leaseMs: 100 });
    caller.wait(500);
    caller.request('a');
    caller.configure({ leaseMs: 40 });
    caller.wait(50);
    expect(caller.state).toBe('{halfOpen:probing}');
    caller.request('b');
    caller.wait(39);
    expect(caller.state).toBe('{halfOpen:probing}');
    expect(caller.wait(1).join()).toMatch('a probe was lost');
  });

  it('knows more calls at once, or lets those end that are too many', () => {
    const caller = new Caller(breaker({ ...PLAIN, capacity: 2 }));
    for (const ticket of ['a', 'b', 'c']) caller.request(ticket);
    caller.configure({ capacity: 3 });
    expect(caller.request('c').join()).toMatch('granted c');
    caller.configure({ capacity: 1 });
    caller.done('a');
    caller.done('b');
    expect(caller.request('d').join()).toMatch('refused d: full');
    caller.done('c', 'failure');
    expect(caller.request('d').join()).toMatch('granted d');
  });

  it('stays tripped', () => {
    const caller = new Caller(breaker(PLAIN));
    caller.tell({ type: 'breaker.trip', reason: 'upgrade' });
    caller.news();
    expect(caller.configure({ coolDownMs: 7 })).toEqual(['0 configured']);
    expect(caller.request('a')).toEqual(['0 refused a: open, 7']);
  });

  it('was born with a cool-down that is longer than the longest, and grants nothing until that is put right', () => {
    const caller = new Caller(breaker({ ...PLAIN, maxCoolDownMs: 600 }), { coolDownMs: 700 });
    caller.tell({ type: 'breaker.reset', reason: 'try it' });
    expect(caller.state).toBe('misconfigured');
    expect(caller.request('a').join()).toMatch('refused a: misconfigured, Infinity');
    expect(caller.configure({ maxCoolDownMs: undefined })).toEqual(['0 configured']);
    expect(caller.request('a').join()).toMatch('granted a');
  });
});

it.each<[string, object]>([
  ['failures', { withinMs: 1, coolDownMs: 1 }],
  ['failures', { ...PLAIN, failures: 0 }],
  ['failureRatio', { ...PLAIN, failureRatio: 0 }],
  ['failureRatio', { ...PLAIN, failureRatio: 50 }],
  ['minimumCalls', { ...PLAIN, minimumCalls: 0 }],
  ['withinMs', { ...PLAIN, withinMs: undefined }],
  ['coolDownMs', { ...PLAIN, coolDownMs: '30 seconds' }],
  ['maxCoolDownMs', { ...PLAIN, maxCoolDownMs: 499 }],
  ['probes', { ...PLAIN, probes: 0 }],
  ['leaseMs', { ...PLAIN, leaseMs: 1.5 }],
  ['capacity', { ...PLAIN, capacity: -1 }],
  ['retryAfterMs', { ...PLAIN, retryAfterMs: -1 }],
  ['coolDown', { ...PLAIN, coolDown: 5 }],
])('a breaker is refused with a %s that makes no sense: %j', (name, options) => {
  expect(() => breaker(options as BreakerOptions)).toThrow(TypeError);
  expect(() => breaker(options as BreakerOptions)).toThrow(name);
});

// ---- a model ------------------------------------------------------------------------------------------------------

const MODELLED = { failures: 3, withinMs: 40, coolDownMs: 15, probes: 2, leaseMs: 12, retryAfterMs: 1 };

/** A breaker that remembers every call it ever granted, and in which state. */
class Model {
  now = 0;
  state: 'closed' | 'open' | 'halfOpen' = 'closed';
  readonly said: string[] = [];
  /** Counts changes of the state. */
  #era = 0;
  #openUntil = 0;
  #proven = 0;
  #failedAt: number[] = [];
  #granted = new Map<string, { era: number; until: number }>();

  request(ticket: string): void {
    const known = this.#granted.get(ticket);
    const isKnown = known?.era === this.#era && known.until > this.now;
    const out = [...this.#granted.values()].filter(({ era }) => era === this.#era).length;
    const may = this.state === 'closed' || (this.state === 'halfOpen' && (isKnown || out + this.#proven < 2));
    if (may) this.#granted.set(ticket, { era: this.#era, until: this.now + MODELLED.leaseMs });
    this.said.push(`${this.now} ${may ? 'granted' : 'refused'} ${ticket}`);
  }

  done(ticket: string, outcome: string, retryAfterMs: number): void {
    const known = this.#granted.get(ticket);
    const isKnown = known?.era === this.#era && known.until > this.now;
    if (this.state === 'open' && outcome === 'failure')
      this.#openUntil = Math.max(this.#openUntil, retryAfterMs === 0 ? 0 : this.now + retryAfterMs);
    if (!isKnown) return;
    this.#granted.delete(ticket);
    if (this.state === 'halfOpen') {
      if (outcome === 'failure') this.#open(Math.max(retryAfterMs, MODELLED.coolDownMs));
      else if (outcome === 'success' && ++this.#proven === MODELLED.probes) this.#change('closed');
    } else if (outcome === 'failure') {
      this.#failedAt.push(this.now);
      const recent = this.#failedAt.filter((at) => this.now - at < MODELLED.withinMs).length;
      if (recent >= MODELLED.failures) this.#open(Math.max(retryAfterMs, MODELLED.coolDownMs));
      else if (retryAfterMs > 0) this.#open(retryAfterMs);
    }
  }

  tick(): void {
    this.now++;
    if (this.state === 'open' && this.now >= this.#openUntil) this.#change('halfOpen');
    else if (this.state === 'halfOpen') {
      const lost = [...this.#granted.values()].some((one) => one.era === this.#era && one.until <= this.now);
      if (lost) this.#open(MODELLED.coolDownMs);
    }
  }

  #open(ms: number): void {
    this.#openUntil = this.now + ms;
    this.#change('open');
  }

  #change(state: Model['state']): void {
    this.state = state;
    this.#era++;
    this.#proven = 0;
    this.#failedAt = [];
  }
}

const ticket = fc.constantFrom(...'abcd');
const commands = fc.array(
  fc.oneof(
    fc.record({ ask: ticket }),
    fc.record({
      done: ticket,
      outcome: fc.constantFrom('success', 'failure', 'failure', 'ignored'),
      retryAfterMs: fc.constantFrom(0, 0, 0, 0, 5, 25),
    }),
    fc.record({ wait: fc.integer({ min: 1, max: 15 }) }),
  ),
  { minLength: 20, maxLength: 100 },
);

describe('random callers', () => {
  it('hear from a breaker what a model says, and no grant while it is open', () => {
    const seen = { closed: 0, open: 0, halfOpen: 0 };
    fc.assert(
      fc.property(commands, (all) => {
        const caller = new Caller(breaker(MODELLED));
        const model = new Model();
        for (const command of all) {
          const wasOpen = caller.state === 'open';
          if ('ask' in command) {
            const said = caller.request(command.ask);
            if (wasOpen) expect(said.join()).toMatch('refused');
            model.request(command.ask);
          } else if ('done' in command) {
            caller.done(command.done, command.outcome, command.retryAfterMs);
            model.done(command.done, command.outcome, command.retryAfterMs);
          } else {
            for (let ms = 0; ms < command.wait; ms++) {
              caller.wait(1);
              model.tick();
            }
          }
          expect(caller.state.startsWith(model.state) || caller.state.startsWith(`{${model.state}`)).toBe(
            true,
          );
          seen[model.state]++;
        }
        const answers = caller.said.filter((line) => !line.includes('breaker.'));
        expect(answers.map((line) => line.split(':')[0])).toEqual(model.said);
      }),
      { numRuns: RUNS },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(RUNS);
  });
});
