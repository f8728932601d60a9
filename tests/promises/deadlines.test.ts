// The lie: "a deadline is for all attempts together, whatever crashes; and who is asked to come back later does". Processes that
// fail, hang, and sleep over their deadline, with the system killed in between.
import { beforeEach, describe, expect, it } from 'vitest';
import * as Schedule from 'effect/Schedule';
import { assign, fromPromise, setup } from 'xstate';
import type { AnyActorLogic } from 'xstate';
import { durable } from 'heddle';
import type { ChildSpec } from 'heddle';
import { open } from './systems.ts';

interface Run {
  readonly signal: AbortSignal;
  readonly fail: (error: unknown) => void;
}
let runs: Run[] = [];
beforeEach(() => void (runs = []));

const work = fromPromise(
  ({ signal }: { signal: AbortSignal }) => new Promise<never>((_, fail) => void runs.push({ signal, fail })),
);

const boss = (task: AnyActorLogic) =>
  setup({ types: { context: {} as { error: unknown } }, actors: { task } }).createMachine({
    context: { error: null },
    initial: 'busy',
    states: {
      busy: {
        invoke: {
          src: 'task',
          onError: { target: 'failed', actions: assign({ error: ({ event }) => event.error }) },
        },
      },
      failed: {},
    },
  });

async function openBoss(spec: ChildSpec) {
  const opened = await open({ boss: boss(durable(work, spec)) });
  await opened.system.actor('boss', '1');
  await opened.settle();
  return opened;
}

type Opened = Awaited<ReturnType<typeof openBoss>>;
const errorOf = ({ system }: Opened) => system.get('boss/1')!.getSnapshot().context.error;

describe('a deadline', () => {
  const retry = Schedule.spaced('1 second');

  it('ends the attempt that is under way, and there is no other', async () => {
    const opened = await openBoss({ retry, deadline: '5 seconds' });
    runs[0]!.fail(new Error('first'));
    await opened.settle();
    await opened.advance(1000);
    expect(runs).toHaveLength(2);
    await opened.advance(3999);
    expect(runs[1]!.signal.aborted).toBe(false);
    await opened.advance(1);
    expect(runs[1]!.signal.aborted).toBe(true);
    expect(errorOf(opened)).toMatchObject({
      _tag: 'DeadlineExceeded',
      deadlineMs: 5000,
      attempt: 2,
    });
    await opened.advance(60_000);
    expect(runs).toHaveLength(2);
    expect(await opened.system.replay('boss/1')).toMatchObject({ same: true });
  });

  it('leaves each attempt its own timeout', async () => {
    const opened = await openBoss({ retry, timeout: '2 seconds', deadline: '10 seconds' });
    await opened.advance(2000);
    expect(runs[0]!.signal.aborted).toBe(true);
    await opened.advance(8000);
    expect(runs.length).toBeGreaterThan(2);
    expect(errorOf(opened)).toMatchObject({
      _tag: expect.stringMatching(/DeadlineExceeded|AttemptTimeout/) as string,
    });
  });

  it('gives up with its own error when the next attempt would come too late', async () => {
    const opened = await openBoss({ retry: Schedule.spaced('10 seconds'), deadline: '5 seconds' });
    runs[0]!.fail(new Error('the real reason'));
    await opened.settle();
    expect(errorOf(opened)).toMatchObject({ message: 'the real reason' });
  });

  it('goes on while nobody is there', async () => {
    const opened = await openBoss({ deadline: '1 minute' });
    await opened.kill();
    await opened.clock.advance(59_000, async () => {});
    const later = await opened.crash();
    await later.settle();
    expect(runs).toHaveLength(2);
    await later.advance(1000);
    expect(runs[1]!.signal.aborted).toBe(true);
    expect(errorOf(later)).toMatchObject({ _tag: 'DeadlineExceeded' });
  });

  it('that has passed meanwhile ends it before it begins again', async () => {
    const opened = await openBoss({ deadline: '1 minute' });
    await opened.kill();
    await opened.clock.advance(61_000, async () => {});
    const later = await opened.crash();
    await later.settle();
    expect(runs).toHaveLength(1);
    expect(errorOf(later)).toMatchObject({ _tag: 'DeadlineExceeded', attempt: 1 });
  });
});

describe('an error that says when to come back', () => {
  const retry = Schedule.spaced('1 second');
  const soon = (now: number) => new Date(now + 30_000).toUTCString();

  it.each([
    ['retryAfterMs', () => ({ retryAfterMs: 30_000 })],
    ['retryAfter in seconds', () => ({ retryAfter: 30 })],
    ['a header', () => ({ headers: { 'Retry-After': '30' } })],
    ['a date', (now: number) => ({ cause: Object.assign(new Error('429'), { retryAfter: soon(now) }) })],
  ])('is obeyed, also after a crash: %s', async (_, fields) => {
    const opened = await openBoss({ retry });
    const error = Object.assign(new Error('busy'), fields(opened.clock.now()));
    runs[0]!.fail(error);
    await opened.settle();
    await opened.advance(10_000);
    expect(runs).toHaveLength(1);
    const later = await opened.crash();
    await later.advance(18_900);
    expect(runs).toHaveLength(1);
    await later.advance(1100);
    expect(runs).toHaveLength(2);
  });

  it('does not make a schedule go on that is exhausted, nor shorten its delay', async () => {
    const opened = await openBoss({ retry: Schedule.spaced('10 seconds').pipe(Schedule.upTo({ times: 1 })) });
    runs[0]!.fail(Object.assign(new Error('busy'), { retryAfterMs: 5 }));
    await opened.settle();
    await opened.advance(9999);
    expect(runs).toHaveLength(1);
    await opened.advance(1);
    runs[1]!.fail(Object.assign(new Error('busy'), { retryAfterMs: 5 }));
    await opened.settle();
    expect(errorOf(opened)).toMatchObject({ message: 'busy' });
  });
});
