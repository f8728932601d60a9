// The lie: "nobody waits for somebody who is away, and nobody decides by way of them". A gate in virtual time, killed in between, while
// people go, come back, and stand in for one another; and people who try to gain something by it.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AbsenceRefused, gate, ReviewRefused, roles, workflow } from 'heddle/actors';
import type { OwnReviews } from 'heddle/actors';
import { InvalidArgument } from 'heddle';
import type { HeddleView } from 'heddle';
import { memory } from 'heddle/storage';
import type { Store } from 'heddle/storage';
import { review } from 'heddle/machines';
import { rosterIn } from '../../actors/reviews/claims.ts';
import type { ClaimsHost } from '../../actors/reviews/claims.ts';
import type { RosterContext } from '../../machines/absence/roster.ts';
import { DyingSystem } from '../dying-system.ts';
import { endOf, snapshotOf, staffed } from './staffed.ts';
import type { Staffed } from './staffed.ts';
import { collect, onDisk, open, rejection } from './systems.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ID = 'paper/1/review';

/** Editors decide, and say for themselves when they are away; the office says it for everybody. */
const DECIDER = roles(`
roles: { editor: {}, boss: {} }
members:
  - { who: { type: user, id: ada }, roles: [editor] }
  - { who: { type: user, id: bob }, roles: [editor] }
  - { who: { type: user, id: cyd }, roles: [editor] }
  - { who: { type: user, id: ivy }, roles: [editor] }
  - { who: { type: user, id: max }, roles: [boss] }
  - { who: { type: user, id: guest }, roles: [] }
grants:
  - { id: program, to: { principals: [{ type: program, id: main }] }, actions: ['*'], resources: any }
  - { id: own-runs, to: { principals: [{ type: user, id: ivy }] }, actions: [start], resources: any }
  - id: editors
    to: { roles: [editor] }
    actions: ['review.*']
    resources: any
  - id: bosses
    to: { roles: [boss] }
    actions: ['review.*']
    resources: any
    when: [{ of: resource.properties.roles, contains: boss }]
  - id: own-absence
    to: { roles: [editor] }
    actions: ['absence.*']
    resources: [{ type: absence }]
    when: [{ of: resource.id, equals: { of: principal.id } }]
  - id: office
    to: { principals: [{ type: program, id: hr }] }
    actions: [absence.declare, absence.cancel]
    resources: [{ type: absence }]
forbid:
  - id: no-deputies
    actions: [review.reject]
    when: [{ of: context.isDeputy, equals: true }]
attributes:
  resource.properties.roles: texts
  context.isDeputy: boolean
`);

const paper = workflow({
  id: 'paper',
  tasks: { review: gate({ role: 'editor', quorum: 2, within: '72 hours', escalateTo: 'boss' }) },
});

interface Given {
  readonly heard?: string[];
  readonly store?: Store;
}

async function begun({ heard = [], store = memory() }: Given = {}): Promise<Staffed> {
  const opened = await staffed(
    { paper },
    {
      store,
      decider: DECIDER,
      onEmit: (event) => {
        const { type, person, from } = event as { type: string; person?: string; from?: string };
        if (type === 'review.released' || type.startsWith('absence.'))
          heard.push(`${type} ${person ?? from ?? ''}`.trim());
      },
    },
  );
  await opened.system.as({ type: 'user', id: 'ivy' }).start('paper', { id: '1', input: { text: 'x' } });
  await opened.settle();
  return opened;
}

const crashed = async (opened: Staffed): Promise<Staffed> => {
  const next = (await opened.crash()) as unknown as Staffed;
  await next.settle();
  return next;
};

const reasonOf = async (promise: Promise<unknown>): Promise<string> => {
  const error = await rejection(promise);
  if (error instanceof ReviewRefused || error instanceof AbsenceRefused) return error.reason;
  throw error;
};

const approve = ({ system }: Staffed, by: string) =>
  system.reviews.decide(ID, { by, verdict: 'approve', reason: 'read it' });
const peopleFor = async ({ system }: Staffed) => {
  const found = (await system.reviews.whoMayApprove(ID)) as { readonly people: readonly object[] };
  return found.people.map((entry) => {
    const { principal, away, standsInFor } = entry as Record<string, { readonly id: string }>;
    return { id: principal!.id, ...(away && { away }), ...(standsInFor && { standsInFor }) };
  });
};
/** What a process does takes as long as it takes. */
async function comesTo(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await sleep(2);
  expect(holds()).toBe(true);
}

const rosterOf = (opened: Staffed) =>
  snapshotOf<{ readonly context: RosterContext }>(opened, 'absences/roster').context;
const claimOf = ({ system }: Staffed) => system.reviews.get(ID)!.claim?.by;

describe('a reviewer who goes on holiday', () => {
  it('is represented, and has one vote with whoever represents them, wherever the machine dies', async () => {
    const heard: string[] = [];
    let opened = await begun({ heard, store: onDisk() });
    const now = opened.clock.now();
    const { absences } = opened.system.reviews;
    await absences.declare({ by: 'ada', from: now + HOUR, until: now + 2 * DAY, deputy: 'bob' });
    opened = await crashed(opened);
    await opened.system.reviews.claim(ID, { by: 'ada' });
    expect(await collect(opened.system.reviews.pending({ by: 'bob' }))).toEqual([]);
    // It is down when she goes.
    await opened.advance(HOUR - 1);
    expect(claimOf(opened)).toBe('ada');
    opened = await crashed(opened);
    await opened.advance(1);
    opened = await crashed(opened);
    await comesTo(() => claimOf(opened) === undefined);
    expect(new Set(heard)).toEqual(
      new Set(['absence.declared ada', 'absence.began ada', 'review.released ada']),
    );
    const until = now + 2 * DAY;
    expect(await peopleFor(opened)).toEqual([
      { id: 'ada', away: { until, standIn: 'bob' } },
      { id: 'bob', standsInFor: ['ada'] },
      { id: 'cyd' },
    ]);
    expect(await reasonOf(opened.system.reviews.claim(ID, { by: 'ada' }))).toBe('not-permitted');
    expect(await reasonOf(approve(opened, 'ada'))).toBe('not-permitted');
    const offered = (by: string) => collect(opened.system.reviews.pending({ by, asDeputy: true }));
    expect((await offered('bob')).map(({ id }) => id)).toEqual([ID]);
    expect(await offered('cyd')).toEqual([]);
    expect(await collect(opened.system.reviews.pending({ by: 'ada' }))).toEqual([]);

    const { review: after } = await approve(opened, 'bob');
    expect(after.approvals).toMatchObject([{ by: 'bob', for: ['ada'], determining: ['editors'] }]);
    opened = await crashed(opened);
    await opened.advance(2 * DAY);
    expect(heard).toContain('absence.ended ada');
    expect(opened.system.reviews.absences.list()).toEqual([]);
    // She is back, and has voted.
    expect(await reasonOf(approve(opened, 'ada'))).toBe('already-voted');
    expect(await reasonOf(approve(opened, 'bob'))).toBe('already-voted');
    await approve(opened, 'cyd');
    await opened.settle();
    expect(endOf(opened, 'paper/1')).toMatchObject({ status: 'done' });
    for (const address of [ID, 'absences/roster', 'paper/1'])
      expect((await opened.system.replay(address)).difference).toBeUndefined();
    expect((await opened.system.verify()).broken).toEqual([]);
  });

  it('is not waited for: without a deputy the others decide, or the ladder goes on; time approves nothing', async () => {
    let opened = await begun();
    await opened.system.reviews.claim(ID, { by: 'ada' });
    await opened.system.reviews.absences.declare({ by: 'ada', until: opened.clock.now() + 300 * DAY });
    await comesTo(() => claimOf(opened) === undefined);
    await opened.advance(72 * HOUR);
    opened = await crashed(opened);
    expect(opened.system.reviews.get(ID)).toMatchObject({ isOverdue: true, roles: ['editor', 'boss'] });
    await opened.advance(72 * HOUR);
    expect(snapshotOf(opened, ID)).toMatchObject({ output: { verdict: 'expired', approvals: [] } });
    expect(endOf(opened, 'paper/1').status).toBe('error');
  });

  it('may come back before, and decides then', async () => {
    const opened = await begun();
    const { reviews } = opened.system;
    const { id, isAway } = await reviews.absences.declare({
      ...{ by: 'ada', until: opened.clock.now() + DAY, deputy: 'bob' },
    });
    expect(isAway).toBe(true);
    // Whoever is away may look and speak.
    await reviews.show(ID, { by: 'ada' });
    await reviews.comment(ID, { by: 'ada', text: 'look at page 2' });
    await reviews.absences.cancel(id, { by: 'ada' });
    const { review: after } = await approve(opened, 'ada');
    expect(after.approvals).toMatchObject([{ by: 'ada', for: [] }]);
    // And whoever stood in for her has a vote of their own.
    expect((await approve(opened, 'bob')).review.approvals).toMatchObject([
      { by: 'ada' },
      { by: 'bob', for: [] },
    ]);
  });

  it('neither ends it, nor keeps others from deciding it', async () => {
    const opened = await begun();
    const { reviews } = opened.system;
    await reviews.absences.declare({ by: 'ada', until: opened.clock.now() + DAY });
    await reviews.claim(ID, { by: 'bob' });
    const abort = (by: string) => reviews.decide(ID, { by, verdict: 'abort', reason: 'not any more' });
    expect(await reasonOf(reviews.unclaim(ID, { by: 'ada' }))).toBe('not-permitted');
    expect(await reasonOf(reviews.requestInfo(ID, { by: 'ada', question: 'why?' }))).toBe('not-permitted');
    expect(await reasonOf(abort('ada'))).toBe('not-permitted');
    expect(reviews.get(ID)).toMatchObject({ status: 'pending', claim: { by: 'bob' }, questions: [] });
    // Whoever has asked for it takes it back from wherever they are.
    await reviews.absences.declare({ by: 'ivy', until: opened.clock.now() + DAY });
    expect((await abort('ivy')).review.status).toBe('aborted');
  });

  it('who has claimed it at that very moment holds nobody up', async () => {
    const opened = await begun();
    const { reviews } = opened.system;
    await reviews.absences.declare({ by: 'ada', until: opened.clock.now() + DAY });
    await comesTo(() => rosterOf(opened).holding.length === 0);
    // As if it had been permitted right before.
    const late = { type: 'review.claim', by: 'ada', permissions: [permitted('review.claim')] } as const;
    await opened.system.sendReserved(opened.system.get(ID)!, late);
    expect(claimOf(opened)).toBe('ada');
    expect(await collect(reviews.pending({ by: 'bob' }))).toHaveLength(1);
    await reviews.claim(ID, { by: 'bob' });
    expect(claimOf(opened)).toBe('bob');
    // What others have is not let go of.
    const release = { type: 'review.release', from: 'ada', absence: '1' };
    await opened.system.sendReserved(opened.system.get(ID)!, release);
    expect(claimOf(opened)).toBe('bob');
  });
});

const permitted = (action: string) =>
  ({ action, effect: 'permit', determining: ['p'], reasons: [] }) as const;

describe('a deputy', () => {
  it('gains no right', async () => {
    const opened = await begun();
    const { reviews } = opened.system;
    await reviews.absences.declare({ by: 'ada', until: opened.clock.now() + DAY, deputy: 'guest' });
    expect(reviews.absences.standInOf('ada')).toBe('guest');
    expect(await reasonOf(approve(opened, 'guest'))).toBe('not-permitted');
    expect(await reasonOf(reviews.claim(ID, { by: 'guest' }))).toBe('not-permitted');
    expect(await collect(reviews.pending({ by: 'guest', asDeputy: true }))).toEqual([]);
    expect((await peopleFor(opened))[0]).toEqual({ id: 'ada', away: { until: opened.clock.now() + DAY } });
  });

  it('is known to the decider as one, who may forbid it', async () => {
    const opened = await begun();
    const { reviews } = opened.system;
    const { id } = await reviews.absences.declare({
      ...{ by: 'ada', until: opened.clock.now() + DAY, deputy: 'bob' },
    });
    const reject = (by: string) => reviews.decide(ID, { by, verdict: 'reject', reason: 'no' });
    expect(await reasonOf(reject('bob'))).toBe('not-permitted');
    await reviews.absences.cancel(id, { by: 'ada' });
    expect((await reject('bob')).review.ending).toMatchObject({ by: 'bob', for: [] });
  });

  it('does not decide about their own, whoever is away', async () => {
    const opened = await begun();
    await opened.system.reviews.absences.declare({
      by: 'ada',
      until: opened.clock.now() + DAY,
      deputy: 'ivy',
    });
    expect(await reasonOf(approve(opened, 'ivy'))).toBe('not-permitted');
    expect(await collect(opened.system.reviews.pending({ by: 'ivy', asDeputy: true }))).toEqual([]);
  });

  it('decides for themselves where whoever is away could not: it was their own run, or they have voted', async () => {
    const opened = await begun();
    const until = opened.clock.now() + DAY;
    await approve(opened, 'ada');
    for (const by of ['ada', 'ivy'])
      await opened.system.reviews.absences.declare({ by, until, deputy: 'bob' });
    expect(opened.system.reviews.absences.standsInFor('bob')).toEqual(['ada', 'ivy']);
    const { review: after } = await approve(opened, 'bob');
    expect(after.approvals).toMatchObject([
      { by: 'ada', for: [] },
      { by: 'bob', for: [] },
    ]);
  });

  it('who is away too is represented in turn, and whoever is at the end acts for all', async () => {
    const opened = await begun();
    const { absences } = opened.system.reviews;
    const until = opened.clock.now() + DAY;
    await absences.declare({ by: 'ada', until, deputy: 'bob' });
    await absences.declare({ by: 'bob', until, deputy: 'cyd' });
    expect(await reasonOf(absences.declare({ by: 'cyd', until, deputy: 'ada' }))).toBe('circle');
    expect(await peopleFor(opened)).toMatchObject([
      { id: 'ada', away: { standIn: 'cyd' } },
      { id: 'bob', away: { standIn: 'cyd' } },
      { id: 'cyd', standsInFor: ['ada', 'bob'] },
    ]);
    const { review: after } = await approve(opened, 'cyd');
    expect(after.approvals).toMatchObject([{ by: 'cyd', for: ['ada', 'bob'] }]);
    // One seat, however many were away.
    expect(after.status).toBe('pending');
    expect(await reasonOf(opened.system.reviews.delegate(ID, { by: 'ivy', to: 'ada' }))).toBe(
      'not-permitted',
    );
  });
});

describe('an absence', () => {
  it('is said by whom the decider lets say it, by nobody else, and who has said it is on record', async () => {
    const opened = await begun();
    const { reviews } = opened.system;
    const until = opened.clock.now() + DAY;
    expect(await reasonOf(reviews.absences.declare({ by: 'guest', until }))).toBe('not-permitted');
    expect(await reasonOf(reviews.absences.declare({ by: 'bob', person: 'ada', until, deputy: 'bob' }))).toBe(
      'not-permitted',
    );
    const by = { type: 'program', id: 'hr' };
    const { id } = await reviews.absences.declare({ by, person: 'ada', until, reason: 'she is ill' });
    expect(await reasonOf(reviews.absences.cancel(id, { by: 'bob' }))).toBe('not-permitted');
    expect(reviews.absences.list({ person: 'ada' })).toMatchObject([
      { person: 'ada', by, reason: 'she is ill' },
    ]);
    await reviews.absences.cancel(id, { by: 'ada', reason: 'well again' });
    const told = (await collect(opened.system.history('absences/roster'))).map(({ event }) => event);
    expect(told.filter(({ type }) => type.startsWith('absence.'))).toMatchObject([
      { by: { type: 'user', id: 'guest' }, permissions: [{ effect: 'deny' }] },
      { by: { type: 'user', id: 'bob' }, permissions: [{ effect: 'deny' }] },
      { by, permissions: [{ effect: 'permit', determining: ['office'] }] },
      { by: { type: 'user', id: 'bob' }, permissions: [{ effect: 'deny' }] },
      { by: { type: 'user', id: 'ada' }, permissions: [{ determining: ['own-absence'] }] },
    ]);
  });

  it('is nobody’s to say where there is no decider, but the program’s', async () => {
    const { system, clock } = await staffed({ paper });
    const until = clock.now() + DAY;
    expect(await reasonOf(system.reviews.absences.declare({ by: 'ada', until }))).toBe('not-permitted');
    const by = { type: 'program', id: 'main' };
    await system.reviews.absences.declare({ by, person: 'ada', until });
    expect(system.reviews.absences.of('ada')).toMatchObject({ by, isAway: true });
  });

  it('is declared once under one id, and nothing else is done under it', async () => {
    let opened = await begun();
    const given = { by: 'ada', until: opened.clock.now() + DAY } as const;
    const first = await opened.system.reviews.absences.declare(given, { id: 'x' });
    await opened.system.reviews.absences.declare({ ...given, by: 'bob' }, { id: 'y' });
    opened = await crashed(opened);
    const { absences } = opened.system.reviews;
    expect(await absences.declare(given, { id: 'x' })).toEqual(first);
    expect(absences.list()).toHaveLength(2);
    await expect(absences.cancel(first.id, { by: 'ada' }, { id: 'x' })).rejects.toThrow(InvalidArgument);
    const longer = { ...given, until: given.until + DAY };
    await expect(absences.declare(longer, { id: 'x' })).rejects.toThrow(InvalidArgument);
    await expect(absences.declare({ ...given, deputy: 'cyd' }, { id: 'x' })).rejects.toThrow(InvalidArgument);
  });

  it.each([
    [{ until: '2030-02-01' }, 'until'],
    [{ until: '2030-02-01T00:00:00' }, 'until'],
    [{ until: NaN }, 'until'],
    [{ until: '2030-02-01T00:00:00Z', from: 'now' }, 'from'],
    [{ until: '2030-02-01T00:00:00Z', by: ' ' }, 'by'],
    [{ until: '2030-02-01T00:00:00Z', reason: 5 }, 'reason'],
    [{ until: '2030-02-01T00:00:00Z', by: { type: 'program', id: 'hr' } }, 'person'],
  ])('is not guessed at: %j', async (given, path) => {
    const { system } = await begun();
    const error = await rejection(
      system.reviews.absences.declare({ by: 'ada', ...(given as object) } as never),
    );
    expect(error).toBeInstanceOf(InvalidArgument);
    expect(error).toMatchObject({ path });
  });

  it('is a name of its own, where there are reviews, and costs nothing where there are none', async () => {
    await expect(open({ review, absences: review })).rejects.toThrow(/actors\.absences/);
    const opened = await open({ absences: review.provide({}) }).catch((error: unknown) => error);
    expect(opened).toBeInstanceOf(InvalidArgument);
    const { system } = await begun();
    expect(system.get('absences/roster')).toBeUndefined();
    expect(system.reviews.absences.list()).toEqual([]);
  });
});

describe('a system that dies after every commit', () => {
  it('lets go of what was claimed by whoever is away, once they go', async () => {
    let host!: ClaimsHost;
    const absences = rosterIn(async () => host);
    const dying = new DyingSystem({
      store: memory(),
      actors: { review, absences },
      onOpen: (system) => (host = system as never),
    });
    await dying.open();
    await dying.start('absences', 'roster', undefined);
    const input = { title: 'May we?', proposal: 1, roles: ['editor'] };
    for (const id of ['1', '2', '3']) await dying.start('review', id, input);
    const claim = (by: string) => ({ type: 'review.claim', by, permissions: [permitted('review.claim')] });
    await dying.post('review/1', claim('ada'));
    await dying.post('review/2', claim('bob'));
    await dying.post('review/3', claim('ada'));
    const [from, until] = [dying.clock.now() + HOUR, dying.clock.now() + DAY];
    await dying.post('absences/roster', {
      ...{ type: 'absence.declare', person: 'ada', deputy: 'bob', from, until },
      ...{ by: { type: 'user', id: 'ada' }, permissions: [permitted('absence.declare')] },
    });
    await dying.advance(HOUR);
    await dying.advance(HOUR);
    const claims = ['1', '2', '3'].map((id) => {
      const { context } = dying.system.get(`review/${id}`)!.getSnapshot() as never as {
        context: { claim?: { by: string } };
      };
      return context.claim?.by;
    });
    expect(claims).toEqual([undefined, 'bob', undefined]);
    await dying.advance(DAY);
    for (const address of ['review/1', 'review/3', 'absences/roster'])
      expect((await dying.system.replay(address)).difference).toBeUndefined();
    expect(dying.system.get('absences/roster')!.getSnapshot()).toMatchObject({
      context: { absences: [], holding: [] },
    });
    expect(dying.deaths).toBeGreaterThan(10);
    await dying.close();
  });
});

describe('the reviews of somebody', () => {
  const handOf = (opened: Staffed, id: string): OwnReviews => opened.system.as({ type: 'user', id }).reviews;

  it('are decided by them, whatever is said', async () => {
    const opened = await begun();
    const adas = handOf(opened, 'ada');
    expect((await collect(adas.pending())).map(({ id }) => id)).toEqual([ID]);
    const forged = { by: 'bob', verdict: 'approve', reason: 'read it' } as const;
    await adas.show(ID);
    await adas.claim(ID);
    await adas.comment(ID, { by: 'bob', text: 'mine' } as never);
    const { review: after } = await adas.decide(ID, forged);
    expect(after).toMatchObject({
      approvals: [{ by: 'ada' }],
      comments: [{ by: 'ada' }],
      shown: [{ by: 'ada' }],
    });
    expect(await collect(adas.pending({ by: 'bob' } as never))).toEqual([]);
    await handOf(opened, 'bob').absences.declare({ by: 'ada', until: opened.clock.now() + DAY } as never);
    expect(adas.absences.list()).toMatchObject([{ person: 'bob', by: { type: 'user', id: 'bob' } }]);
    expect(await reasonOf(adas.absences.cancel('1'))).toBe('not-permitted');
    expect(await reasonOf(adas.absences.declare({ person: 'cyd', until: opened.clock.now() + DAY }))).toBe(
      'not-permitted',
    );
    await opened.settle();
    await handOf(opened, 'cyd').decide(ID, { verdict: 'approve' });
    await opened.settle();
    expect(endOf(opened, 'paper/1').status).toBe('done');
  });

  it('are theirs also after who they are was changed behind it', async () => {
    const opened = await begun();
    const principal = { type: 'user', id: 'ada', properties: { mfaAt: 1 } };
    const view = opened.system.as(principal);
    principal.id = 'bob';
    principal.properties.mfaAt = 2;
    const { review: after } = await view.reviews.claim(ID);
    expect(after.claim).toMatchObject({ by: 'ada' });
    expect(() => opened.system.as({ type: 'user', id: '' })).toThrow(InvalidArgument);
    expect(() => opened.system.as(undefined as never)).toThrow(InvalidArgument);
  });

  it('are looked at by programs and agents, and not decided: they might have the name of a person', async () => {
    const opened = await begun();
    const view: HeddleView<never> = opened.system.as({ type: 'agent', id: 'ada' }) as never;
    expect(view.reviews.get(ID)).toMatchObject({ status: 'pending' });
    await expect(view.reviews.decide(ID, { verdict: 'approve' })).rejects.toThrow(InvalidArgument);
    await expect(view.reviews.claim(ID)).rejects.toThrow(InvalidArgument);
    expect(opened.system.reviews.get(ID)!.approvals).toEqual([]);
    // A view of a view is somebody else's.
    const other = view.as({ type: 'user', id: 'bob' }).reviews;
    expect((await other.claim(ID)).review.claim).toMatchObject({ by: 'bob' });
  });
});
