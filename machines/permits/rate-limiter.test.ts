// The lie: "never more than `limit` in any stretch of `perMs`, no token is lost, and nobody calls before a Retry-After is
// over". Tables, and random callers against a model that counts every token at every millisecond.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Caller, everyGate, standingTime } from './permit.testsuite.ts';
import { rateLimiter } from './rate-limiter.ts';
import type { RateLimiterOptions } from './rate-limiter.ts';

const RUNS = 200;

standingTime();
everyGate('a rate limiter', () => rateLimiter({ limit: 1, perMs: 10_000 }));

describe('a rate limiter', () => {
  it('grants its limit in any stretch of time, and says when the next token comes', () => {
    const caller = new Caller(rateLimiter({ limit: 2, perMs: 1000 }));
    expect(caller.request('a')).toEqual(['0 granted a']);
    caller.wait(900);
    expect(caller.request('b')).toEqual(['900 granted b']);
    expect(caller.request('c')).toEqual(['900 refused c: limit, 100']);
    caller.wait(100);
    expect(caller.request('c')).toEqual(['1000 granted c']);
    expect(caller.request('d')).toEqual(['1000 refused d: limit, 900']);
  });

  it('gives a token back by time alone, whatever came of the call', () => {
    const caller = new Caller(rateLimiter({ limit: 1, perMs: 1000 }));
    caller.request('a');
    caller.done('a', 'ignored');
    expect(caller.request('a')).toEqual(['0 refused a: limit, 1000']);
  });

  it('gives a bucket of a few at once back one by one', () => {
    const caller = new Caller(rateLimiter({ limit: 10, perMs: 1000, burst: 2 }));
    expect(caller.request('a', { weight: 2 })).toEqual(['0 granted a']);
    expect(caller.request('b')).toEqual(['0 refused b: limit, 100']);
    caller.wait(99);
    expect(caller.request('b')).toEqual(['99 refused b: limit, 1']);
    caller.wait(1);
    expect(caller.request('b')).toEqual(['100 granted b']);
    expect(caller.request('c', { weight: 3 })).toEqual(['100 refused c: unfit, Infinity']);
  });

  it('serves its queue in order, each as soon as there are tokens', () => {
    const caller = new Caller(rateLimiter({ limit: 2, perMs: 100, queue: 3 }));
    caller.request('a', { weight: 2 });
    expect(caller.state).toBe('flowing');
    caller.request('b', { weight: 2 });
    caller.request('c');
    expect(caller.state).toBe('queueing');
    caller.request('d');
    expect(caller.request('e')).toEqual(['0 refused e: limit, 100']);
    expect(caller.wait(99)).toEqual([]);
    expect(caller.wait(1)).toEqual(['100 granted b']);
    expect(caller.wait(100)).toEqual(['200 granted c', '200 granted d']);
    expect(caller.state).toBe('flowing');
  });

  it('refuses who has waited as long as it may, and lets the next one go on', () => {
    const caller = new Caller(rateLimiter({ limit: 3, perMs: 100, queue: 3, waitMs: 1000 }));
    caller.request('a', { weight: 2 });
    caller.wait(10);
    caller.request('b', { weight: 3, waitMs: 50 });
    expect(caller.request('c')).toEqual([]);
    expect(caller.wait(49)).toEqual([]);
    expect(caller.wait(1)).toEqual(['60 refused b: timeout, 40', '60 granted c']);
  });

  it('lets the queue go on when tokens are given back', () => {
    const caller = new Caller(rateLimiter({ limit: 2, perMs: 100, burst: 1, queue: 3 }));
    caller.request('a');
    caller.request('b');
    caller.request('c');
    expect(caller.cancel('b')).toEqual([]);
    expect(caller.cancel('a')).toEqual(['0 granted c']);
    expect(caller.state).toBe('flowing');
  });

  it('grants nothing before a Retry-After is over, whoever reports it', () => {
    const caller = new Caller(rateLimiter({ limit: 5, perMs: 100, queue: 1 }));
    caller.request('a');
    caller.done('a', 'failure', 1000);
    expect(caller.state).toBe('paused');
    expect(caller.request('b', { waitMs: 0 })).toEqual(['0 refused b: paused, 1000']);
    expect(caller.request('c')).toEqual([]);
    expect(caller.request('d', { waitMs: 0 })).toEqual(['0 refused d: paused, 1000']);
    caller.wait(500);
    // A shorter one does not shorten it; a longer one does lengthen it, also from a stranger.
    caller.done('a', 'failure', 100);
    caller.done('who', 'success', 700);
    expect(caller.wait(699)).toEqual([]);
    expect(caller.wait(1)).toEqual(['1200 granted c']);
    expect(caller.state).toBe('flowing');
  });

  it('refuses during a pause whose patience is over', () => {
    const caller = new Caller(rateLimiter({ limit: 5, perMs: 100, queue: 2 }));
    caller.done('x', 'failure', 1000);
    caller.request('a', { waitMs: 300 });
    caller.request('b');
    expect(caller.wait(300)).toEqual(['300 refused a: timeout, 700']);
    expect(caller.wait(700)).toEqual(['1000 granted b']);
  });

  it.each([0, -5, Number.NaN, Infinity, '10' as never, undefined])(
    'takes no notice of a Retry-After of %s',
    (ms) => {
      const caller = new Caller(rateLimiter({ limit: 5, perMs: 100 }));
      caller.done('x', 'failure', ms);
      expect(caller.request('a')).toEqual(['0 granted a']);
    },
  );

  it('is resumed by hand', () => {
    const caller = new Caller(rateLimiter({ limit: 5, perMs: 100, queue: 2 }));
    caller.done('x', 'failure', 1e15);
    caller.request('a');
    expect(caller.tell({ type: 'limiter.resume' })).toEqual(['0 granted a']);
    expect(caller.state).toBe('flowing');
  });

  it('mints nothing when the clock jumps back, and freezes nothing', () => {
    const caller = new Caller(rateLimiter({ limit: 2, perMs: 1000, queue: 1 }));
    caller.request('a');
    caller.wait(600);
    caller.request('b');
    vi.setSystemTime(Date.now() - 3_600_000);
    expect(caller.request('c', { waitMs: 0 }).join()).toMatch('refused c: limit, 400');
    caller.wait(399);
    expect(caller.request('c', { waitMs: 0 }).join()).toMatch('refused c: limit, 1');
    caller.wait(1);
    expect(caller.request('c').join()).toMatch('granted c');
    expect(caller.request('d', { waitMs: 0 }).join()).toMatch('refused d: limit, 600');
  });

  it('forgets a ticket after its lease, and the oldest of very many', () => {
    const caller = new Caller(rateLimiter({ limit: 5000, perMs: 100_000, leaseMs: 100 }));
    caller.request('a');
    caller.wait(60);
    caller.renew('a');
    caller.wait(60);
    caller.request('b');
    const tickets = () => caller.gate.getSnapshot().context.held.map((one: { ticket: string }) => one.ticket);
    expect(tickets()).toEqual(['a', 'b']);
    caller.wait(60);
    caller.request('c');
    expect(tickets()).toEqual(['b', 'c']);
    for (let n = 0; n < 1200; n++) caller.request(`${n}`);
    expect(tickets()).toHaveLength(1000);
  });

  it('with a larger limit lets those in who wait, at once, as many as there is room for', () => {
    const caller = new Caller(rateLimiter({ limit: 1, perMs: 1000, queue: 9 }));
    for (const ticket of ['a', 'b', 'c', 'd']) caller.request(ticket);
    caller.wait(100);
    expect(caller.configure({ limit: 3 })).toEqual(['100 configured', '100 granted b', '100 granted c']);
    expect(caller.wait(899)).toEqual([]);
    expect(caller.wait(1)).toEqual(['1000 granted d']);
    expect(caller.state).toBe('flowing');
  });

  it('with a smaller limit counts what was taken, and lets nobody in before there is room', () => {
    const caller = new Caller(rateLimiter({ limit: 4, perMs: 1000, queue: 9 }));
    for (const ticket of ['a', 'b', 'c']) {
      caller.request(ticket);
      caller.wait(100);
    }
    caller.request('heavy', { weight: 3 });
    expect(caller.request('d')).toEqual([]);
    expect(caller.configure({ limit: 2 })).toEqual(['300 configured', '300 refused heavy: unfit, Infinity']);
    expect(caller.request('e', { weight: 3 })).toEqual(['300 refused e: unfit, Infinity']);
    expect(caller.wait(799)).toEqual([]);
    expect(caller.wait(1)).toEqual(['1100 granted d']);
  });

  it('with a longer window keeps to its limit from then on', () => {
    const caller = new Caller(rateLimiter({ limit: 2, perMs: 100 }));
    caller.request('a');
    caller.request('b');
    caller.wait(50);
    caller.configure({ perMs: 1000 });
    expect(caller.request('c')).toEqual(['50 refused c: limit, 950']);
    caller.configure({ perMs: 50 });
    expect(caller.request('c')).toEqual(['50 granted c']);
  });

  it('with another bucket lacks as many tokens as before', () => {
    const caller = new Caller(rateLimiter({ limit: 10, perMs: 1000, burst: 2 }));
    caller.request('a', { weight: 2 });
    caller.wait(50);
    // One and a half are missing.
    caller.configure({ burst: 4 });
    expect(caller.request('b', { weight: 3 })).toEqual(['50 refused b: limit, 50']);
    caller.configure({ burst: 2, perMs: 10_000 });
    expect(caller.request('b')).toEqual(['50 refused b: limit, 500']);
    caller.configure({ burst: 1 });
    expect(caller.request('b')).toEqual(['50 refused b: limit, 1000']);
    // Without a burst the window alone is the limit.
    caller.configure({ burst: undefined });
    expect(caller.request('b', { weight: 8 })).toEqual(['50 granted b']);
    expect(caller.request('c').join()).toMatch('refused c');
  });

  it('changes nothing about a pause', () => {
    const caller = new Caller(rateLimiter({ limit: 1, perMs: 100, queue: 9 }));
    caller.done('x', 'failure', 1000);
    caller.request('a');
    caller.request('b', { waitMs: 300 });
    expect(caller.configure({ limit: 5, waitMs: 1 })).toEqual(['0 configured']);
    expect(caller.state).toBe('paused');
    expect(caller.wait(300)).toEqual(['300 refused b: timeout, 700']);
    expect(caller.wait(700)).toEqual(['1000 granted a']);
  });

  it('has a burst that follows its limit, unless it is given; then they must go together', () => {
    const caller = new Caller(rateLimiter({ limit: 1, perMs: 1000 }));
    caller.configure({ limit: 3 });
    expect(caller.request('a', { weight: 3 })).toEqual(['0 granted a']);
    caller.configure({ burst: 3 });
    const { options } = caller;
    expect(caller.configure({ limit: 2, perMs: 7 }).join()).toMatch('0 misconfigured: burst, ');
    expect(caller.configure({ limit: undefined }).join()).toMatch('0 misconfigured: limit, ');
    expect(caller.options).toBe(options);
    expect(caller.configure({ limit: 2, burst: 1 })).toEqual(['0 configured']);
  });

  it('whose input does not go together with its factory grants nothing, until it is configured', () => {
    const caller = new Caller(rateLimiter({ limit: 5, perMs: 100, burst: 3 }), { limit: 2 });
    expect(caller.state).toBe('misconfigured');
    expect(caller.news().join()).toMatch('0 misconfigured: burst, ');
    expect(caller.request('a')).toEqual(['0 refused a: misconfigured, Infinity']);
    for (const type of ['permit.done', 'permit.cancel', 'permit.renew', 'limiter.resume', 'permit.begin'])
      expect(caller.tell({ type, ticket: 'a', retryAfterMs: 5, options: {} })).toEqual([]);
    expect(caller.configure({ burst: 4 }).join()).toMatch('0 misconfigured: burst, ');
    expect(caller.configure({ burst: 2 })).toEqual(['0 configured']);
    expect(caller.options).toMatchObject({ limit: 2, perMs: 100, burst: 2 });
    expect(caller.request('a', { weight: 2 })).toEqual(['0 granted a']);
  });

  it.each<[string, object]>([
    ['limit', { perMs: 1 }],
    ['limit', { limit: 0, perMs: 1 }],
    ['perMs', { limit: 1 }],
    ['perMs', { limit: 1, perMs: 0.5 }],
    ['perMs', { limit: 2 ** 50, perMs: 1000 }],
    ['burst', { limit: 1, perMs: 1, burst: 2 }],
    ['queue', { limit: 1, perMs: 1, queue: Infinity }],
    ['waitMs', { limit: 1, perMs: 1, waitMs: -1 }],
    ['leaseMs', { limit: 1, perMs: 1, leaseMs: null }],
    ['per', { limit: 1, perMs: 1, per: 1 }],
  ])('is refused with a %s that makes no sense: %j', (name, options) => {
    expect(() => rateLimiter(options as RateLimiterOptions)).toThrow(TypeError);
    expect(() => rateLimiter(options as RateLimiterOptions)).toThrow(name);
  });
});

// ---- a model ------------------------------------------------------------------------------------------------------

interface Waiting {
  readonly ticket: string;
  readonly weight: number;
  readonly until: number;
}

/** A limiter that remembers every token it gave, and looks at the clock every millisecond. */
class Model {
  now = 0;
  readonly granted: { at: number; ticket: string; weight: number }[] = [];
  readonly said: string[] = [];
  readonly #options: Required<Pick<RateLimiterOptions, 'limit' | 'perMs' | 'burst' | 'queue'>>;
  #waiting: Waiting[] = [];
  /** Tokens times `perMs`. */
  #bucket: bigint;
  #pausedUntil = 0;

  constructor(options: Model['options']) {
    this.#options = options;
    this.#bucket = BigInt(options.burst * options.perMs);
  }

  get options() {
    return this.#options;
  }

  request(ticket: string, weight: number, waitMs: number): void {
    const { burst, queue } = this.#options;
    if (weight > burst) return;
    if (this.#waiting.length === 0 && this.#has(weight)) this.#grant(ticket, weight);
    else if (this.#waiting.length < queue && waitMs > 0)
      this.#waiting.push({ ticket, weight, until: this.now + waitMs });
    else this.said.push(`${this.now} refused ${ticket}`);
  }

  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.now + ms);
  }

  tick(): void {
    const { limit, perMs, burst } = this.#options;
    this.now++;
    const full = BigInt(burst * perMs);
    this.#bucket = this.#bucket + BigInt(limit) > full ? full : this.#bucket + BigInt(limit);
    for (const { ticket, until } of this.#waiting)
      if (until <= this.now) this.said.push(`${this.now} refused ${ticket}`);
    this.#waiting = this.#waiting.filter(({ until }) => until > this.now);
    while (this.#waiting.length > 0 && this.#has(this.#waiting[0]!.weight)) {
      const { ticket, weight } = this.#waiting.shift()!;
      this.#grant(ticket, weight);
    }
  }

  #has(weight: number): boolean {
    const { limit, perMs } = this.#options;
    const recent = this.granted.filter(({ at }) => this.now - at < perMs);
    const used = recent.reduce((sum, one) => sum + one.weight, 0);
    return (
      this.now >= this.#pausedUntil &&
      used + weight <= limit &&
      this.#bucket >= BigInt(weight) * BigInt(perMs)
    );
  }

  #grant(ticket: string, weight: number): void {
    this.#bucket -= BigInt(weight * this.#options.perMs);
    this.granted.push({ at: this.now, ticket, weight });
    this.said.push(`${this.now} granted ${ticket}`);
  }
}

const random = fc
  .record({
    limit: fc.integer({ min: 1, max: 7 }),
    perMs: fc.integer({ min: 1, max: 50 }),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
    queue: fc.integer({ min: 0, max: 4 }),
  })
  .map(({ limit, perMs, part, queue }) => ({
    limit,
    perMs,
    queue,
    burst: 1 + Math.floor(part * (limit - 1)),
  }));

const commands = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ weight: fc.integer({ min: 1, max: 3 }), waitMs: fc.nat({ max: 60 }) }),
    },
    { weight: 4, arbitrary: fc.record({ wait: fc.integer({ min: 1, max: 20 }) }) },
    { weight: 1, arbitrary: fc.record({ pause: fc.integer({ min: 1, max: 40 }) }) },
  ),
  { minLength: 20, maxLength: 60 },
);

describe('random callers', () => {
  it('hear from a rate limiter what a model says, and never more than the limit in any window', () => {
    let granted = 0;
    let fullest = 0;
    fc.assert(
      fc.property(random, commands, (given, all) => {
        const caller = new Caller(rateLimiter(given));
        const model = new Model(given);
        let count = 0;
        for (const command of all) {
          if ('wait' in command) {
            for (let ms = 0; ms < command.wait; ms++) {
              caller.wait(1);
              model.tick();
            }
          } else if ('pause' in command) {
            caller.done('x', 'failure', command.pause);
            model.pause(command.pause);
          } else {
            const ticket = `t${count++}`;
            caller.request(ticket, command);
            model.request(ticket, command.weight, command.waitMs);
          }
        }
        const said = caller.said.filter((line) => !line.includes('unfit')).map((line) => line.split(':')[0]);
        expect(said).toEqual(model.said);
        for (const { at } of model.granted) {
          const inWindow = model.granted.filter((one) => one.at >= at && one.at < at + given.perMs);
          const sum = inWindow.reduce((total, { weight }) => total + weight, 0);
          expect(sum).toBeLessThanOrEqual(given.limit);
          fullest = Math.max(fullest, sum);
        }
        granted += model.granted.length;
      }),
      { numRuns: RUNS },
    );
    expect(granted).toBeGreaterThan(RUNS);
    expect(fullest).toBeGreaterThan(3);
  });

  it('hear what a window alone says, while its limit and its length change', () => {
    const changes = fc.record(
      { limit: fc.integer({ min: 1, max: 7 }), perMs: fc.integer({ min: 1, max: 50 }) },
      { requiredKeys: [] },
    );
    const either = fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 1, max: 3 }) },
      { weight: 4, arbitrary: fc.record({ wait: fc.integer({ min: 1, max: 20 }) }) },
      { weight: 2, arbitrary: changes },
    );
    let granted = 0;
    fc.assert(
      fc.property(fc.array(either, { minLength: 20, maxLength: 60 }), (all) => {
        let options = { limit: 3, perMs: 20 };
        const caller = new Caller(rateLimiter({ ...options, queue: 4, waitMs: 1e6 }));
        const said: string[] = [];
        let waiting: { ticket: string; weight: number }[] = [];
        let taken: { at: number; weight: number }[] = [];
        let now = 0;
        const admit = (): void => {
          for (let [next] = waiting; next !== undefined; [next] = waiting) {
            const { ticket, weight } = next;
            // What a shorter window forgets when it lets somebody in, a longer one does not know.
            const recent = taken.filter(({ at }) => now - at < options.perMs);
            if (recent.reduce((sum, one) => sum + one.weight, weight) > options.limit) return;
            taken = [...recent, { at: now, weight }];
            waiting.shift();
            said.push(`${now} granted ${ticket}`);
          }
        };
        all.forEach((one, n) => {
          const ticket = `t${n}`;
          if (typeof one === 'number') {
            caller.request(ticket, { weight: one });
            if (one > options.limit) said.push(`${now} refused ${ticket}`);
            else if (waiting.length < 4) waiting.push({ ticket, weight: one });
            else said.push(`${now} refused ${ticket}`);
            admit();
          } else if ('wait' in one) {
            for (let ms = 0; ms < one.wait; ms++) {
              caller.wait(1);
              now++;
              admit();
            }
          } else {
            caller.configure(one);
            options = { ...options, ...one };
            for (const { ticket: which, weight } of waiting)
              if (weight > options.limit) said.push(`${now} refused ${which}`);
            waiting = waiting.filter(({ weight }) => weight <= options.limit);
            admit();
          }
        });
        const heard = caller.said.filter((line) => !/configured|as before/.test(line));
        expect(heard.map((line) => line.split(':')[0])).toEqual(said);
        granted += said.filter((line) => line.includes('granted')).length;
      }),
      { numRuns: RUNS },
    );
    expect(granted).toBeGreaterThan(RUNS);
  });
});
