// The lie: "a review waits for people over restarts and releases, whoever decides is permitted to, and what they were told is on the
// disk". Workflows with reviews in them, hosted, closed, killed and opened again, and people who try more than they may.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ReviewRefused, Reviews, roles } from 'heddle/actors';
import type { ReviewsOptions } from 'heddle/actors';
import { review } from 'heddle/machines';
import { durable, HeddleError, InvalidArgument, UnknownActor } from 'heddle';
import type { Decision } from 'heddle';
import { Decider, GATE, magazine, Press, publishing } from '../publishing.ts';
import type { PublishingInput } from '../publishing.ts';
import { collect, open, rejection, STORES } from './systems.ts';
import type { Opened } from './systems.ts';

const HOUR = 3_600_000;
const DRAFT = { text: 'The moon does it.', sources: ['almanac'] };

function house(press = new Press()) {
  return { report: publishing(press), magazine: magazine(press), review };
}

type House = ReturnType<typeof house>;

const decider = (): Decider => new Decider();

function reviewsOf({ system }: Opened<House>, options: Partial<ReviewsOptions> = {}): Reviews {
  return new Reviews(system, { decide: decider().decide, ...options });
}

async function report(
  opened: Opened<House>,
  id = '7',
  input: Partial<PublishingInput> = {},
): Promise<string> {
  await opened.system.start('report', { id, input: { draft: DRAFT, ...input } });
  await opened.settle();
  return `report/${id}/review`;
}

const stateOf = ({ system }: Opened<House>, id = '7') => system.get(`report/${id}`)!.getSnapshot().value;

function boom(): never {
  throw new Error('boom');
}

const reasonOf = async (promise: Promise<unknown>): Promise<string> => {
  const error = await rejection(promise);
  if (!(error instanceof ReviewRefused)) throw error;
  return error.reason;
};

describe.each(STORES)('a review %s', (_, makeStore) => {
  it('is found, decided, and lets the workflow go on with what was edited', async () => {
    const press = new Press();
    const opened = await open(house(press), { store: makeStore() });
    const reviews = reviewsOf(opened);
    await report(opened);
    const [found] = await collect(reviews.pending({ role: 'editor' }));
    expect(found).toMatchObject({
      id: 'report/7/review',
      workflow: 'report',
      run: 'report/7',
      status: 'pending',
      content: DRAFT,
    });
    const { review: decided } = await reviews.decide(found!.id, {
      by: 'ada',
      verdict: 'approve',
      edits: [{ pointer: '/text', value: 'The moon and the sun do it.' }],
      reason: 'checked the sources',
      hash: found!.hash,
    });
    expect(decided).toMatchObject({
      status: 'approved',
      approvals: [{ by: 'ada', determining: ['role-editor'] }],
    });
    await opened.settle();
    expect(stateOf(opened)).toBe('published');
    expect([...press.printed.values()]).toEqual([{ ...DRAFT, text: 'The moon and the sun do it.' }]);
    expect(await collect(reviews.pending())).toEqual([]);
    expect(reviews.get('report/7/review')).toMatchObject({ status: 'approved', original: DRAFT });
  });

  it('waits over a restart, a crash and a new release, and holds nothing meanwhile', async () => {
    let opened = await open(house(), { store: makeStore() });
    const id = await report(opened, '7', { gate: { quorum: 2, expiresAfterMs: 100 * HOUR } });
    const { hash } = (await reviewsOf(opened).decide(id, { by: 'ada', verdict: 'approve' })).review;
    opened = await opened.reopen();
    opened = await opened.crash();
    // Another release: the workflow has a state more.
    const { report: before, ...others } = house();
    const next = await opened.reopenWith({
      ...others,
      report: durable(before, { version: 2, migrate: { 1: (state) => state } }),
    });
    await next.advance(10 * HOUR);
    expect(next.runtime.population.presentAt(id)).toBeUndefined();
    const reviews = new Reviews(next.system, { decide: decider().decide });
    expect(reviews.get(id)).toMatchObject({ hash, approvals: [{ by: 'ada' }], status: 'pending' });
    expect(await reasonOf(reviews.decide(id, { by: 'ada', verdict: 'approve' }))).toBe('already-voted');
    await reviews.decide(id, { by: 'bob', verdict: 'approve', hash });
    await next.settle();
    expect(next.system.get('report/7')!.getSnapshot().value).toBe('published');
  });

  it.each([
    ['the system was down', true],
    ['it was paused', false],
  ])('is approved by nobody after its time, though %s when that was over', async (__, isDown) => {
    let opened = await open(house(), { store: makeStore() });
    const ladder = [{ afterMs: HOUR / 2, remind: true }] as const;
    const id = await report(opened, '7', { gate: { ladder, expiresAfterMs: HOUR } });
    const pause = { address: 'report/7' };
    if (isDown) await opened.kill();
    else await opened.system.pause(pause);
    const { clock } = opened;
    await clock.advance(2 * HOUR, () => sleep(0));
    if (isDown) opened = await open(house(), { store: opened.store }, clock);
    const late = reasonOf(reviewsOf(opened).decide(id, { by: 'ada', verdict: 'approve' }));
    if (!isDown) await opened.settle();
    if (!isDown) await opened.system.resume(pause);
    expect(await late).toBe('decided');
    await opened.advance(0);
    expect(reviewsOf(opened).get(id)).toMatchObject({ status: 'expired', approvals: [] });
  });

  it('reminds, escalates and expires in time, with the machine killed in between', async () => {
    const heard: string[] = [];
    const onEmit = ({ type }: { readonly type: string }): void => {
      if (type !== 'review.opened') heard.push(type);
    };
    let opened = await open(house(), { store: makeStore(), onEmit });
    const ladder = [
      { afterMs: HOUR, remind: true },
      { afterMs: 2 * HOUR, escalateTo: 'managing-editor' },
    ] as const;
    const id = await report(opened, '7', { gate: { ladder, expiresAfterMs: 4 * HOUR } });
    await opened.advance(HOUR / 2);
    opened = await opened.crash();
    await opened.advance(HOUR / 2);
    expect(heard).toEqual(['review.reminded']);
    // It is down when it should escalate.
    await opened.kill();
    const { clock } = opened;
    await clock.advance(1.5 * HOUR, () => sleep(0));
    opened = await open(house(), { store: opened.store, onEmit }, clock);
    await opened.advance(0);
    expect(heard).toEqual(['review.reminded', 'review.escalated']);
    const reviews = reviewsOf(opened);
    expect(reviews.get(id)).toMatchObject({
      roles: ['editor', 'managing-editor'],
      isOverdue: true,
      next: { act: 'expire' },
    });
    expect(reviews.get(id)!.next!.at).toBe(reviews.get(id)!.openedAt + 4 * HOUR);
    expect(await collect(reviews.pending({ overdue: true }))).toHaveLength(1);
    expect(await collect(reviews.pending({ overdue: false }))).toHaveLength(0);
    expect(await collect(reviews.pending({ role: 'managing-editor' }))).toHaveLength(1);
    await opened.advance(2 * HOUR);
    expect(stateOf(opened)).toBe('dropped');
    expect(opened.system.get('report/7')!.getSnapshot().context.decided).toMatchObject({
      verdict: 'expired',
      approvals: [],
    });
    expect(heard).toEqual(['review.reminded', 'review.escalated', 'review.decided']);
    expect((await opened.system.replay(id)).difference).toBeUndefined();
  });
});

describe('reviews are found', () => {
  it('at the root, in workflows, and in workflows of workflows', async () => {
    const opened = await open(house());
    await report(opened, '1');
    await report(opened, '2', { gate: { roles: ['lawyer'] } });
    await opened.system.start('magazine', { id: 'may' });
    await opened.system.start('review', { id: 'alone', input: { ...GATE, proposal: 1 } });
    await opened.settle();
    const reviews = reviewsOf(opened);
    const ids = async (options: Parameters<Reviews['pending']>[0]) =>
      (await collect(reviews.pending(options))).map(({ id }) => id).toSorted();
    const all = ['magazine/may/lead/review', 'report/1/review', 'report/2/review', 'review/alone'];
    expect(await ids({})).toEqual(all);
    expect(await ids({ role: 'lawyer' })).toEqual(['report/2/review']);
    expect(await ids({ workflow: 'report' })).toEqual(['report/1/review', 'report/2/review']);
    expect(await ids({ under: 'report/1' })).toEqual(['report/1/review']);
    expect(await ids({ under: 'magazine/may' })).toEqual(['magazine/may/lead/review']);
    expect(await ids({ limit: 2 })).toHaveLength(2);
    // Ivy has asked for all of them.
    expect(await ids({ by: 'ivy' })).toEqual([]);
    await reviews.claim('report/1/review', { by: 'ada' });
    expect(await ids({ by: 'bob' })).toEqual(all.filter((id) => id !== 'report/1/review'));
    expect(await ids({ by: 'ada' })).toEqual(all);
    await expect(collect(reviews.pending({ limit: 0 }))).rejects.toThrow(InvalidArgument);
    // Asleep, and after a crash.
    const later = await opened.crash();
    const asleep = (await collect(reviewsOf(later).pending())).map(({ id }) => id);
    expect(asleep.toSorted()).toEqual(all);
  });

  it('by the names of a system, in memory, asleep, and when code of others is gone', async () => {
    const opened = await open(house());
    expect(await opened.system.names()).toEqual([]);
    await opened.system.start('magazine', { id: 'may' });
    await opened.settle();
    const names = ['magazine', 'magazine/article', 'magazine/article/review', 'magazine/article/write'];
    expect((await opened.system.names()).toSorted()).toEqual(names);
    expect(await opened.system.names((logic) => logic === review)).toEqual(['magazine/article/review']);
    const later = await opened.crash();
    expect((await later.system.names()).toSorted()).toEqual(names);
    const asleep = await later.reopen();
    expect((await asleep.system.names()).toSorted()).toEqual(names);
    const without = await asleep.reopenWith({ review });
    expect(await without.system.names()).toEqual([]);
  });

  it('also when one of them cannot be loaded', async () => {
    const opened = await open(house());
    await report(opened, '1');
    await opened.system.start('review', { id: 'alone', input: { ...GATE, proposal: 1 } });
    // Its release changed everything about it, and tells no story of before.
    const strange = durable(review, { version: 2, migrate: { 1: () => boom() } });
    const next = await opened.reopenWith({ ...house(), review: strange });
    expect(() => next.system.get('review/alone')).toThrow(HeddleError);
    const reviews = new Reviews(next.system, { decide: decider().decide });
    const found = await collect(reviews.pending());
    expect(found.map(({ id }) => id)).toEqual(['report/1/review']);
  });

  it('not where there are none', async () => {
    const opened = await open(house());
    const reviews = reviewsOf(opened);
    await report(opened);
    expect(reviews.get('report/7')).toBeUndefined();
    expect(reviews.get('nobody/1')).toBeUndefined();
    expect(await rejection(reviews.claim('report/7', { by: 'ada' }))).toBeInstanceOf(UnknownActor);
    expect(await rejection(reviews.context('report/8/review'))).toBeInstanceOf(UnknownActor);
  });

  it('with those who may approve, as far as the decider can say', async () => {
    const opened = await open(house());
    const id = await report(opened, '7', { gate: { quorum: 2 } });
    await reviewsOf(opened).decide(id, { by: 'bob', verdict: 'approve' });
    expect(await reviewsOf(opened).whoMayApprove(id)).toEqual({ roles: ['editor'] });
    const list = () =>
      ['ada', 'bob', 'ivy'].map((name) => ({
        principal: { type: 'user', id: name },
        determining: ['r'],
        depends: [],
      }));
    // Bob has approved it, and Ivy has asked for it.
    expect(await reviewsOf(opened, { list }).whoMayApprove(id)).toMatchObject({
      people: [{ principal: { id: 'ada' } }],
    });
    expect(await reviewsOf(opened, { list: () => undefined }).whoMayApprove(id)).toEqual({
      roles: ['editor'],
    });
  });
});

describe('permission', () => {
  it('is asked for with what decides, and recorded before anything follows', async () => {
    const opened = await open(house());
    const asking = decider();
    const reviews = reviewsOf(opened, { decide: asking.decide });
    const id = await report(opened, '7', { gate: { about: { amount: 900, roles: ['forged'] }, quorum: 2 } });
    await reviews.delegate(id, { by: 'ada', to: 'bob' });
    await reviews.decide(id, { by: { id: 'bob', properties: { mfaAt: 1 } }, verdict: 'approve' });
    expect(asking.asked.at(-1)).toEqual({
      principal: { type: 'user', id: 'bob', properties: { mfaAt: 1 } },
      action: { name: 'review.approve' },
      resource: {
        type: 'review',
        id,
        properties: {
          ...{
            amount: 900,
            roles: ['editor'],
            fourEyes: ['ivy'],
            ownRuns: 'refuse',
            quorum: 2,
            isOverdue: false,
            approvedBy: [],
          },
          ...{
            initiator: 'ivy',
            workflow: 'report',
            run: 'report/7',
            claimedBy: 'bob',
            delegatedBy: ['ada'],
          },
        },
      },
      context: { hash: reviews.get(id)!.hash, hasReason: false, isDeputy: false, standsInFor: [] },
    });
    const records = await collect(opened.system.history(id));
    expect(records.at(-1)!.event).toMatchObject({
      type: 'review.approve',
      permissions: [{ action: 'review.approve', effect: 'permit', determining: ['role-editor'] }],
    });
  });

  it.each<[string, () => Decision | PromiseLike<Decision>]>([
    ['denies', () => ({ effect: 'deny', determining: ['never'], reasons: ['no'], obligations: [] })],
    [
      'throws',
      () => {
        throw new Error('overflow');
      },
    ],
    ['rejects', () => Promise.reject(new Error('unreachable'))],
    ['says nothing', () => undefined as never],
    ['says something else', () => ({ effect: 'allow', determining: ['x'], reasons: [] }) as never],
    ['names no rule', () => ({ effect: 'permit', determining: [], reasons: [], obligations: [] })],
    ['names what is no rule', () => ({ effect: 'permit', determining: 'all', reasons: [] }) as never],
    [
      'asks for what nobody can do',
      () => ({ effect: 'permit', determining: ['x'], reasons: [], obligations: [{ type: 'sing' }] }),
    ],
    [
      'asks for a method',
      () => ({ effect: 'permit', determining: ['x'], reasons: [], obligations: [{ type: 'toString' }] }),
    ],
    [
      'asks for what is not done',
      () => ({ effect: 'permit', determining: ['x'], reasons: [], obligations: [{ type: 'step-up' }] }),
    ],
    [
      'asks for nonsense',
      () => ({ effect: 'permit', determining: ['x'], reasons: [], obligations: 'x' }) as never,
    ],
  ])('is refused, and that recorded, when the decider %s', async (_, answer) => {
    const opened = await open(house());
    const asking = decider();
    asking.answer = answer;
    const obligations = { 'step-up': () => 'no second factor' };
    const reviews = reviewsOf(opened, { decide: asking.decide, obligations });
    const id = await report(opened);
    expect(await reasonOf(reviews.decide(id, { by: 'ada', verdict: 'approve' }))).toBe('not-permitted');
    expect(reviews.get(id)).toMatchObject({ status: 'pending', approvals: [] });
    const [last] = await collect(opened.system.history(id, { reverse: true }));
    expect(last!.event).toMatchObject({
      type: 'review.approve',
      by: 'ada',
      permissions: [{ effect: 'deny' }],
    });
  });

  it('with an obligation is given once that is met', async () => {
    const opened = await open(house());
    const asking = decider();
    asking.answer = () => ({
      effect: 'permit',
      determining: ['x'],
      reasons: [],
      obligations: [{ type: 'step-up', to: 'mfa' }],
    });
    const met: unknown[] = [];
    const reviews = reviewsOf(opened, {
      decide: asking.decide,
      obligations: { 'step-up': async (obligation) => void met.push(obligation) },
    });
    const id = await report(opened);
    await reviews.decide(id, { by: 'ada', verdict: 'approve' });
    expect(met).toEqual([{ type: 'step-up', to: 'mfa' }]);
    const [last] = await collect(opened.system.history(id, { reverse: true }));
    expect(last!.event).toMatchObject({ type: 'review.approve', permissions: [{ met: ['step-up'] }] });
  });

  // The nine cases: who may approve what, with the rules of the decider and those of the review together.
  it.each([
    ['an editor', 'ada', {}, 'approved'],
    ['somebody without the role', 'guest', {}, 'not-permitted'],
    ['somebody nobody knows', 'mallory', {}, 'not-permitted'],
    ['whoever has asked for it', 'ivy', {}, 'four-eyes'],
    ['whoever has worked on it', 'bob', { fourEyes: ['bob'] }, 'four-eyes'],
    ['an editor, where a manager is asked for', 'ada', { roles: ['managing-editor'] }, 'not-permitted'],
    ['a manager', 'cyd', { roles: ['managing-editor'] }, 'approved'],
    ['one of two', 'ada', { quorum: 2 }, 'pending'],
    ['an editor of something that has no such role', 'ada', { roles: ['lawyer'] }, 'not-permitted'],
  ])('of %s', async (_, by, gate, outcome) => {
    const opened = await open(house());
    const reviews = reviewsOf(opened);
    const id = await report(opened, '7', { gate });
    const decision = reviews.decide(id, { by, verdict: 'approve' });
    if (outcome === 'approved' || outcome === 'pending') expect((await decision).review.status).toBe(outcome);
    else expect(await reasonOf(decision)).toBe(outcome);
    await opened.settle();
    expect(stateOf(opened)).toBe(outcome === 'approved' ? 'published' : 'reviewing');
  });

  it('can be that of the system, by a table of roles', async () => {
    const user = (id: string) => ({ type: 'user', id });
    const table = roles({
      roles: { editor: {} },
      members: [
        { who: user('ada'), roles: ['editor'] },
        { who: user('ivy'), roles: ['editor'] },
      ],
      grants: [
        { id: 'own', to: { principals: [{ type: 'program', id: '*' }] }, actions: ['*'], resources: 'any' },
        {
          id: 'editors',
          to: { roles: ['editor'] },
          actions: ['review.*'],
          resources: [{ type: 'review' }],
          when: [{ of: 'resource.properties.amount', lessThan: 1000 }],
        },
      ],
    });
    const opened = await open(house(), { decider: table });
    const { authority } = opened.system;
    const reviews = reviewsOf(opened, {
      decide: (request, options) => authority.permit(request, options),
      list: (request) => authority.list(request),
    });
    const id = await report(opened, '7', { gate: { about: { amount: 900 } } });
    const dear = await report(opened, '8', { gate: { about: { amount: 1900 } } });
    expect(await reasonOf(reviews.decide(id, { by: 'guest', verdict: 'approve' }))).toBe('not-permitted');
    expect(await reasonOf(reviews.decide(dear, { by: 'ada', verdict: 'approve' }))).toBe('not-permitted');
    expect(await reviews.whoMayApprove(id)).toEqual({
      people: [{ principal: user('ada'), determining: ['editors'], depends: [] }],
    });
    const { review: decided } = await reviews.decide(id, { by: 'ada', verdict: 'approve' });
    expect(decided.approvals).toMatchObject([{ by: 'ada', determining: ['editors'] }]);
  });

  it('has no default', async () => {
    const opened = await open(house());
    expect(() => new Reviews(opened.system, {} as never)).toThrow(InvalidArgument);
  });
});

describe('what people say', () => {
  it('gets an answer each, however many speak at once', async () => {
    const opened = await open(house());
    const reviews = reviewsOf(opened);
    const id = await report(opened, '7', { gate: { quorum: 2 } });
    const { hash } = reviews.get(id)!;
    const outcomes = await Promise.allSettled([
      reviews.decide(id, { by: 'ada', verdict: 'approve', hash }),
      reviews.decide(id, { by: 'ada', verdict: 'approve', hash }),
      reviews.decide(id, { by: 'guest', verdict: 'approve', hash }),
      reviews.comment(id, { by: 'guest', text: 'hm' }),
      reviews.decide(id, { by: 'cyd', verdict: 'edit', edits: [{ pointer: '/text', value: 'x' }], hash }),
      reviews.decide(id, { by: 'bob', verdict: 'approve', hash }),
    ]);
    const told = outcomes.map((outcome) =>
      outcome.status === 'fulfilled' ? 'taken' : (outcome.reason as ReviewRefused).reason,
    );
    expect(told).toEqual(['taken', 'already-voted', 'not-permitted', 'taken', 'taken', 'stale']);
  });

  it('is done once with an id, also after a crash, and gets the same answer', async () => {
    let opened = await open(house());
    const id = await report(opened, '7', { gate: { quorum: 2 } });
    const approve = { by: 'ada', verdict: 'approve' } as const;
    const first = await reviewsOf(opened).decide(id, approve, { id: 'a' });
    expect(await reasonOf(reviewsOf(opened).decide(id, { ...approve, by: 'guest' }, { id: 'g' }))).toBe(
      'not-permitted',
    );
    await reviewsOf(opened).comment(id, { by: 'guest', text: 'behind it' });
    opened = await opened.crash();
    const again = await reviewsOf(opened).decide(id, approve, { id: 'a' });
    expect(again.receipt).toEqual(first.receipt);
    expect(again.hash).toBe(first.hash);
    // A refusal too, whatever the decider says by now.
    const generous = () =>
      ({ effect: 'permit', determining: ['all'], reasons: [], obligations: [] }) as const;
    const refused = reviewsOf(opened, { decide: generous }).decide(
      id,
      { ...approve, by: 'guest' },
      { id: 'g' },
    );
    expect(await reasonOf(refused)).toBe('not-permitted');
    // After the end of the review as well.
    const last = await reviewsOf(opened).decide(id, { by: 'bob', verdict: 'approve' }, { id: 'b' });
    const lastAgain = await reviewsOf(opened).decide(id, { by: 'bob', verdict: 'approve' }, { id: 'b' });
    expect(lastAgain.receipt).toEqual(last.receipt);
    const other = await rejection(reviewsOf(opened).comment(id, { by: 'ada', text: 'x' }, { id: 'a' }));
    expect(other).toBeInstanceOf(InvalidArgument);
  });

  it('is not taken for something else that was asked for under the same id, over a kill', async () => {
    let opened = await open(house());
    const id = await report(opened, '7', { gate: { quorum: 2, editable: [''] } });
    const edit = (value: string, more: object = {}) =>
      ({ by: 'ada', verdict: 'edit', edits: [{ pointer: '/text', value }], ...more }) as const;
    const once = { id: 'a' };
    const { hash } = reviewsOf(opened).get(id)!;
    const first = await reviewsOf(opened).decide(id, edit('x', { hash, reason: 'so' }), once);
    opened = await opened.crash();
    const reviews = reviewsOf(opened);
    const others: readonly object[] = [
      { ...edit('x', { hash, reason: 'so' }), verdict: 'approve' },
      edit('y', { hash, reason: 'so' }),
      edit('x', { hash, reason: 'or so' }),
      edit('x', { hash: first.hash, reason: 'so' }),
      edit('x', { hash, reason: 'so', by: 'bob' }),
    ];
    for (const other of others)
      expect(await rejection(reviews.decide(id, other as never, once))).toMatchObject({
        ...{ _tag: 'InvalidArgument', path: 'options.id' },
      });
    const again = await reviews.decide(id, edit('x', { hash, reason: 'so' }), once);
    expect([again.receipt, again.hash]).toEqual([first.receipt, first.hash]);
    // Who has not said what they were shown asks for the same, whatever is there by now.
    const second = await reviews.decide(id, edit('z'), { id: 'b' });
    await reviews.decide(id, edit('w'), { id: 'c' });
    expect((await reviews.decide(id, edit('z'), { id: 'b' })).receipt).toEqual(second.receipt);
    expect(await rejection(reviews.delegate(id, { by: 'ada', to: 'bob' }, { id: 'b' }))).toBeInstanceOf(
      InvalidArgument,
    );
  });

  it('is refused and recorded when it is decided already', async () => {
    const opened = await open(house());
    const reviews = reviewsOf(opened);
    const id = await report(opened);
    await reviews.decide(id, { by: 'ada', verdict: 'reject', reason: 'no' });
    const error = await rejection(reviews.decide(id, { by: 'bob', verdict: 'approve' }));
    expect(error).toMatchObject({ reason: 'decided', review: id, hash: reviews.get(id)!.hash });
    expect(error.message).toContain('rejected');
    const refusals = await collect(opened.system.refusals({ address: id }));
    expect(refusals).toMatchObject([{ event: 'review.approve', what: 'send' }]);
    await opened.settle();
    expect(stateOf(opened)).toBe('dropped');
  });

  it('says whether they were shown what they have decided about', async () => {
    const opened = await open(house());
    const reviews = reviewsOf(opened);
    const id = await report(opened, '7', { gate: { quorum: 2 } });
    const { hash } = reviews.get(id)!;
    await reviews.decide(id, { by: 'ada', verdict: 'approve', hash });
    await reviews.decide(id, { by: 'bob', verdict: 'approve' });
    expect(reviews.get(id)!.approvals).toMatchObject([
      { bound: 'shown', hash },
      { bound: 'server', hash },
    ]);
    expect(await reasonOf(reviews.decide(id, { by: 'ada', verdict: 'approve', hash: 'x' }))).toBe('decided');
  });

  it('is held against the schema before it is taken', async () => {
    const opened = await open(house());
    const check = (content: unknown, schema: string) =>
      typeof (content as { text: unknown }).text === 'string'
        ? []
        : [{ pointer: '#/text', keyword: 'type', schemaPath: `${schema}#/text`, detail: 'must be string' }];
    const reviews = reviewsOf(opened, { check });
    const id = await report(opened, '7', { gate: { schema: 'article' } });
    const edit = (value: number | string) =>
      ({ by: 'ada', verdict: 'edit', edits: [{ pointer: '/text', value }] }) as const;
    const error = await rejection(reviews.decide(id, edit(7)));
    expect(error).toMatchObject({
      reason: 'invalid',
      problems: [{ pointer: '#/text', schemaPath: 'article#/text' }],
    });
    // Nobody who could check it: nobody may change it.
    expect(await reasonOf(reviewsOf(opened).decide(id, edit('x')))).toBe('invalid');
    expect((await reviews.decide(id, edit('x'))).review.content).toEqual({ ...DRAFT, text: 'x' });
  });

  it('is refused at once when it makes no sense', async () => {
    const opened = await open(house());
    const reviews = reviewsOf(opened);
    const id = await report(opened);
    const wrong: readonly object[] = [
      { by: '', verdict: 'approve' },
      { by: undefined, verdict: 'approve' },
      { by: 'ada', verdict: 'accept' },
      { by: 'ada', verdict: 'reject', reason: 'x', edits: [{ pointer: '/text', value: 'x' }] },
    ];
    for (const what of wrong)
      expect(await rejection(reviews.decide(id, what as never))).toBeInstanceOf(InvalidArgument);
    const inAny = { by: 'ada', verdict: 'reject', reason: 5 } as never;
    expect(await rejection(reviews.decide(id, inAny))).toMatchObject({ path: 'reason' });
    expect(await rejection(reviews.delegate(id, { by: 'ada', to: 'bob', reason: 5 as never }))).toMatchObject(
      {
        path: 'reason',
      },
    );
    expect(await rejection(reviews.decide(id, undefined as never))).toMatchObject({ path: 'what' });
    for (const nobody of [undefined, null, 5, ''] as never[])
      expect(await rejection(reviews.decide(nobody, { by: 'ada', verdict: 'approve' }))).toMatchObject({
        ...{ _tag: 'InvalidArgument', path: 'id' },
      });
    expect(await collect(opened.system.history(id))).toHaveLength(1);
    // What reaches the review is refused there.
    expect(await reasonOf(reviews.decide(id, { by: 'ada', verdict: 'edit' }))).toBe('invalid-edit');
    expect(await reasonOf(reviews.decide(id, { by: 'ada', verdict: 'abort' }))).toBe('no-reason');
    expect(await collect(opened.system.history(id))).toHaveLength(3);
  });

  it.each([
    [{ workflow: 'reprot' }, 'name', /'reprot' is not among/],
    [{ role: ['editor'] }, 'role', /must be a text, but is \["editor"\]/],
    [{ by: 7 }, 'by', /must be a text, but is 7/],
  ])(
    'is not said to be nothing where what was looked for makes no sense: %j',
    async (options, path, said) => {
      const opened = await open(house());
      await report(opened);
      const asked = collect(reviewsOf(opened).pending(options as never));
      expect(await rejection(asked)).toMatchObject({
        ...{ _tag: 'InvalidArgument', path },
        message: expect.stringMatching(said) as string,
      });
    },
  );

  it('tells whether they notice what is wrong on purpose', async () => {
    const opened = await open(house());
    const reviews = reviewsOf(opened);
    const ids: string[] = [];
    for (const id of ['1', '2', '3', '4', '5'])
      ids.push(await report(opened, id, { gate: { probe: id !== '5', expiresAfterMs: HOUR } }));
    const { review: shown } = await reviews.show(ids[0]!, { by: 'ada' });
    expect(shown).not.toHaveProperty('probe');
    expect((await collect(reviews.pending())).some((pending) => 'probe' in pending)).toBe(false);
    await reviews.decide(ids[0]!, { by: 'ada', verdict: 'reject', reason: 'nonsense', hash: shown.hash });
    await reviews.decide(ids[1]!, { by: 'ada', verdict: 'abort', reason: 'nonsense' });
    await reviews.decide(ids[2]!, { by: 'ada', verdict: 'approve' });
    await reviews.decide(ids[4]!, { by: 'ada', verdict: 'approve' });
    await opened.advance(HOUR);
    expect(await reviews.probes()).toEqual({ caught: 2, missed: 1, undecided: 1 });
    expect(await reviews.probes({ workflow: 'magazine' })).toEqual({ caught: 0, missed: 0, undecided: 0 });
    const { decided } = opened.system.get('report/3')!.getSnapshot().context;
    expect(decided).toMatchObject({ verdict: 'approved', probe: true });
  });

  it('can be all of it: information, delegation, a comment, a claim', async () => {
    const opened = await open(house());
    const reviews = reviewsOf(opened);
    const id = await report(opened, '7', { gate: { quorum: 2 } });
    await reviews.claim(id, { by: 'ada' });
    expect(await reasonOf(reviews.unclaim(id, { by: 'guest' }))).toBe('not-permitted');
    await reviews.requestInfo(id, { by: 'ada', question: 'Which almanac?' });
    await reviews.supplyInfo(id, { by: 'ivy', question: 1, text: '1912' });
    await reviews.unclaim(id, { by: 'ada' });
    await reviews.delegate(id, { by: 'ada', to: 'bob', reason: 'on leave' });
    await reviews.comment(id, { by: 'guest', text: 'nice' });
    await reviews.decide(id, { by: 'bob', verdict: 'approve', reason: 'fine' });
    expect(reviews.get(id)).toMatchObject({
      questions: [{ by: 'ada', answer: { by: 'ivy', text: '1912' } }],
      comments: [{ by: 'guest', text: 'nice' }],
      approvals: [{ by: 'bob', for: ['ada'], reason: 'fine' }],
    });
  });
});
