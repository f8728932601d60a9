// The lies: "an agent that is down is left alone", "who is told to come back later does, all of them", "a run outlives an outage".
import { FaultError, task, workflow } from 'heddle/actors';
import { breaker, rateLimiter } from 'heddle/machines';
import { describe, expect, it } from 'vitest';
import { endOf, snapshotOf, staffed, started, taskOf, worker } from './staffed.ts';
import type { Asked, Staffed } from './staffed.ts';

const HOUR = 3_600_000;

/** An upstream that is down until somebody says otherwise; it counts who comes. */
class Upstream {
  isDown = true;
  retryAfterMs: number | undefined;
  readonly hits: number[] = [];
  readonly asked: Asked[] = [];
  now = () => 0;

  agent(permits: readonly string[]) {
    return worker(
      'clerk',
      ({ input }) => {
        this.hits.push(this.now());
        if (!this.isDown) return { n: input['n'] ?? 0 };
        const { retryAfterMs } = this;
        throw new FaultError(
          retryAfterMs === undefined
            ? { class: 'unavailable', message: '503', cost: 0 as never }
            : { class: 'rate-limit', message: '429', cost: 0 as never, retryAfterMs },
        );
      },
      { permits, asked: this.asked },
    );
  }
}

const one = workflow({ id: 'flow', tasks: { one: task({ capability: 'work' }) } });

const attemptsOf = (opened: Staffed) => taskOf(opened, 'flow/1/one').log;

describe('an agent behind a breaker', () => {
  const gate = breaker({ failures: 3, withinMs: 600_000, coolDownMs: 5 * 60_000 });

  it('is not asked while that is open, which it still is after a crash; that costs nothing and is no crash', async () => {
    const upstream = new Upstream();
    const clerk = upstream.agent(['breaker/clerk']);
    const opened = await staffed({ flow: one, clerk, breaker: gate });
    await opened.system.start('breaker', { id: 'clerk' });
    await started(opened);
    await opened.advance(10_000);
    const before = upstream.hits.length;
    expect(before).toBe(3);
    const after = (await opened.crash()) as unknown as Staffed;
    expect(snapshotOf<{ value: unknown }>(after, 'breaker/clerk').value).toBe('open');
    await after.advance(60_000 * 2);
    expect(upstream.hits.length).toBe(before);
    const { log, fault, passedOver } = taskOf(after, 'flow/1/one');
    expect([log.length, fault?.class, fault?.cost]).toEqual([before, 'unavailable', 0]);
    expect(passedOver).toMatchObject([{ agent: 'clerk', why: expect.stringContaining('breaker/clerk') }]);
  });

  it('and an outage of an hour: the task parks, wakes up, and is done; the upstream is hit once for each attempt', async () => {
    const upstream = new Upstream();
    const opened = await staffed({ flow: one, clerk: upstream.agent(['breaker/clerk']), breaker: gate });
    upstream.now = () => opened.clock.now();
    await opened.system.start('breaker', { id: 'clerk' });
    await started(opened);
    await opened.advance(HOUR / 2);
    const run = snapshotOf<{ context: { nodes: { one: { status: string } } } }>(opened, 'flow/1');
    expect(run.context.nodes.one.status).toBe('parked');
    await opened.advance(HOUR / 2);
    upstream.isDown = false;
    for (let i = 0; i < 6; i++) await opened.advance(HOUR / 4);
    expect(endOf(opened, 'flow/1').status).toBe('done');
    expect(attemptsOf(opened).length).toBe(upstream.hits.length);
    expect(upstream.hits.length).toBeGreaterThan(3);
    // It was left alone, but for the calls by which the breaker looks whether it is there.
    expect(upstream.hits.length).toBeLessThan(16);
  });
});

describe('an agent behind a limiter', () => {
  it('a Retry-After that one task is told holds for all, over a crash in the wait', async () => {
    const upstream = new Upstream();
    upstream.retryAfterMs = 600_000;
    const limiter = rateLimiter({ limit: 100, perMs: 1000 });
    const all = workflow({
      id: 'flow',
      tasks: {
        first: task({ capability: 'work' }),
        second: task({ capability: 'work', when: () => true, needs: ['later'] }),
        later: task({ agent: 'idler' }),
      },
    });
    let go = (): void => {};
    const waiting = new Promise<void>((resolve) => (go = resolve));
    const idler = worker('idler', () => waiting.then(() => ({})), { capabilities: ['idle'] });
    const clerk = upstream.agent(['limiter/clerk']);
    const opened = await staffed({ flow: all, clerk, idler, limiter });
    upstream.now = () => opened.clock.now();
    await opened.system.start('limiter', { id: 'clerk' });
    await started(opened);
    const toldAt = opened.clock.now();
    expect(upstream.hits.length).toBe(1);
    upstream.isDown = false;
    go();
    const after = (await opened.crash()) as unknown as Staffed;
    await after.advance(599_000);
    expect(upstream.hits.length).toBe(1);
    for (let i = 0; i < 6; i++) await after.advance(HOUR / 4);
    expect(endOf(after, 'flow/1').status).toBe('done');
    expect(upstream.hits.length).toBe(3);
    expect(upstream.hits.slice(1).every((at) => at >= toldAt + 600_000)).toBe(true);
    // It was not asked before, and has waited.
    const { log, history } = taskOf(after, 'flow/1/second');
    expect([log.length, history[0]?.class]).toEqual([1, 'unavailable']);
  });

  it('that takes one of two who come at once, sends the other away at no cost, and not for good', async () => {
    const upstream = new Upstream();
    upstream.isDown = false;
    const clerk = upstream.agent(['limiter/clerk']);
    const two = workflow({
      id: 'flow',
      tasks: { one: task({ capability: 'work' }), two: task({ capability: 'work' }) },
    });
    const opened = await staffed({ flow: two, clerk, limiter: rateLimiter({ limit: 1, perMs: 60_000 }) });
    await opened.system.start('limiter', { id: 'clerk' });
    await started(opened);
    const faults = ['one', 'two'].flatMap((name) =>
      taskOf(opened, `flow/1/${name}`).log.filter(({ fault }) => fault !== undefined),
    );
    expect(faults).toMatchObject([{ fault: 'rate-limit', cost: 0, move: 'retry' }]);
    await opened.advance(120_000);
    expect([endOf(opened, 'flow/1').status, upstream.hits.length]).toEqual(['done', 2]);
  });
});
