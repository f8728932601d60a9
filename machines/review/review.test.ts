// The lie: "nobody decides about their own, twice, or about what they have not seen, and time never approves". Every message of a
// review in the situations that matter, under plain XState in time that is moved by hand.
import { describe, expect, it, vi } from 'vitest';
import { createActor, createMachine, fromPromise, setup } from 'xstate';
import type { Actor } from 'xstate';
import { OptionError } from '../options.ts';
import { standingTime } from '../permits/permit.testsuite.ts';
import { WEEKDAYS } from '../working-time/calendar.ts';
import { actionsOf } from './events.ts';
import type { ReviewEvent } from './events.ts';
import type { ReviewInput } from './input.ts';
import { hasReviews } from './has-reviews.ts';
import { LONGEST_TEXT, MOST_ENTRIES } from './rules.ts';
import { isReview, review } from './review.ts';
import type { ReviewMachine } from './review.ts';

standingTime();

const HOUR = 3_600_000;

const plain: ReviewInput = {
  title: 'Publish the report on tides?',
  proposal: { text: 'The moon does it.', sources: ['almanac'] },
  editable: ['/text'],
  roles: ['editor'],
  initiator: 'ivy',
  fourEyes: ['writer-agent'],
};

type Fields = Record<string, unknown> & { readonly type: ReviewEvent['type'] };

/** A review, and people who speak to it. Whatever they want is permitted, unless they say otherwise. */
class Desk {
  readonly actor: Actor<ReviewMachine>;
  readonly news: string[] = [];

  constructor(input: Partial<ReviewInput> = {}) {
    this.actor = createActor(review, { input: { ...plain, ...input } });
    this.actor.on('*', ({ type }) => this.news.push(type));
    this.actor.start();
  }

  get context() {
    return this.actor.getSnapshot().context;
  }

  get output() {
    return this.actor.getSnapshot().output;
  }

  get state(): string {
    const { value } = this.actor.getSnapshot();
    return typeof value === 'string' ? value : Object.values(value.open).join(' ');
  }

  /** Sends it something, and gives `taken`, or why not. */
  tell(by: unknown, { type, ...fields }: Fields): string {
    const event = { type, by, hash: this.context.hash, bound: 'shown', ...fields } as ReviewEvent;
    const permissions = actionsOf(event, this.context.claim?.by).map((action) => permit(action));
    const before = this.context.answer;
    this.actor.send({
      ...event,
      permissions: 'permissions' in fields ? fields['permissions'] : permissions,
    } as ReviewEvent);
    const { answer } = this.context;
    if (answer === before) return 'not heard';
    return answer!.isTaken ? 'taken' : answer!.reason;
  }

  approve(by: string, fields: object = {}): string {
    return this.tell(by, { type: 'review.approve', ...fields });
  }

  edit(by: string, text: unknown, fields: object = {}): string {
    const edits = [{ pointer: '/text', value: text }];
    return this.tell(by, { type: 'review.edit', approves: false, edits, ...fields });
  }
}

const permit = (action: string) => ({ action, effect: 'permit', determining: ['p1'], reasons: [] });

describe('a decision', () => {
  it('is an approval by one, as nothing else is asked for', () => {
    const desk = new Desk();
    expect(desk.approve('ada', { reason: 'checked the sources' })).toBe('taken');
    expect(desk.state).toBe('approved');
    expect(desk.output).toMatchObject({
      verdict: 'approved',
      output: plain.proposal,
      original: plain.proposal,
      approvals: [{ by: 'ada', reason: 'checked the sources', bound: 'shown', determining: ['p1'], for: [] }],
    });
    expect(desk.output!.approvals[0]!.hash).toBe(desk.output!.hash);
    expect(desk.news).toEqual(['review.opened', 'review.taken', 'review.decided']);
  });

  it.each([
    ['review.reject', 'rejected'],
    ['review.abort', 'aborted'],
  ] as const)('by %s ends it as %s, with the reason and without an output', (type, verdict) => {
    const desk = new Desk({ quorum: 3 });
    expect(desk.tell('ada', { type, reason: '' })).toBe('no-reason');
    expect(desk.tell('ada', { type, reason: '  ' })).toBe('no-reason');
    expect(desk.tell('ada', { type })).toBe('no-reason');
    expect(desk.tell('ada', { type, reason: 'wrong moon' })).toBe('taken');
    expect(desk.state).toBe(verdict);
    expect(desk.output).toMatchObject({ verdict, by: 'ada', reason: 'wrong moon' });
    expect(desk.output).not.toHaveProperty('output');
  });

  it('needs as many different people as the quorum says', () => {
    const desk = new Desk({ quorum: 3 });
    expect(desk.approve('ada')).toBe('taken');
    expect(desk.approve('ada')).toBe('already-voted');
    expect(desk.approve('bob')).toBe('taken');
    expect(desk.state).toContain('unclaimed');
    expect(desk.approve('cyd')).toBe('taken');
    expect(desk.state).toBe('approved');
  });

  it.each([
    ['refuse', { expiresAfterMs: 5000 }],
    ['stay', { expiresAfterMs: 500, onExpire: 'stay' }],
    [
      'a ladder',
      {
        ladder: [
          { afterMs: 500, remind: true },
          { afterMs: 1000, escalateTo: 'boss' },
        ],
      },
    ],
    ['nothing else', {}],
  ] as const)('ends at most so long after it was opened, whatever else is said: %s', (_, input) => {
    const { steps } = new Desk({ ...input, atMostMs: 1000 }).context;
    expect(steps.at(-1)).toEqual({ afterMs: 1000, act: 'refuse' });
    expect(steps.every(({ afterMs, act }) => afterMs < 1000 || act === 'refuse')).toBe(true);
    expect(new Desk({ expiresAfterMs: 500, atMostMs: 1000 }).context.steps).toEqual([
      { afterMs: 500, act: 'refuse' },
    ]);
  });

  it.each(['ivy', 'writer-agent'])('is not for %s, who has asked for it or worked on it', (person) => {
    const desk = new Desk();
    expect(desk.approve(person)).toBe('four-eyes');
    expect(desk.tell(person, { type: 'review.reject', reason: 'x' })).toBe('four-eyes');
    expect(desk.edit(person, 'x')).toBe('four-eyes');
    expect(desk.tell(person, { type: 'review.claim' })).toBe('four-eyes');
    expect(desk.tell(person, { type: 'review.delegate', to: 'ada' })).toBe('four-eyes');
    expect(desk.tell('ada', { type: 'review.delegate', to: person })).toBe('four-eyes');
    expect(desk.tell(person, { type: 'review.comment', text: 'please' })).toBe('taken');
    // But they may take back what they have asked for.
    expect(desk.tell(person, { type: 'review.abort', reason: 'not needed any more' })).toBe('taken');
  });

  it.each(['review.approve', 'review.reject', 'review.abort', 'review.edit'] as const)(
    'by %s about something else than what is there is stale',
    (type) => {
      const desk = new Desk();
      const edits = [{ pointer: '/text', value: 'x' }];
      expect(desk.tell('ada', { type, reason: 'r', edits, approves: true, hash: 'of yesterday' })).toBe(
        'stale',
      );
      expect(desk.context.answer).toMatchObject({
        hash: desk.context.hash,
        detail: expect.stringContaining(desk.context.hash),
      });
    },
  );

  it('is not heard any more when it is decided', () => {
    // XState says so.
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const desk = new Desk();
    desk.approve('ada');
    expect(desk.approve('bob')).toBe('not heard');
    expect(desk.tell('bob', { type: 'review.reject', reason: 'x' })).toBe('not heard');
    expect(desk.output!.verdict).toBe('approved');
    warn.mockRestore();
  });

  it('is bound to the title as well as to the content', () => {
    expect(new Desk().context.hash).not.toBe(new Desk({ title: 'Delete the report?' }).context.hash);
    expect(new Desk().context.hash).toBe(new Desk({ roles: ['other'] }).context.hash);
  });
});

describe('a permission', () => {
  it.each([
    ['nobody has asked', []],
    ['it was denied', [{ ...permit('review.approve'), effect: 'deny', reasons: ['no'] }]],
    ['it is for something else', [permit('review.comment')]],
    ['one of two was denied', [permit('review.approve'), { ...permit('review.approve'), effect: 'deny' }]],
  ])('is missing when %s', (_, permissions) => {
    const desk = new Desk();
    expect(desk.approve('ada', { permissions })).toBe('not-permitted');
    expect(desk.context.approvals).toEqual([]);
  });

  it('for an edit does not approve what it becomes', () => {
    const desk = new Desk();
    const permissions = [permit('review.edit')];
    expect(desk.edit('ada', 'x', { approves: true, permissions })).toBe('not-permitted');
    expect(desk.edit('ada', 'x', { permissions })).toBe('taken');
  });

  it('to give back is not one to take from others', () => {
    const desk = new Desk();
    desk.tell('ada', { type: 'review.claim' });
    const permissions = [permit('review.unclaim')];
    expect(desk.tell('bob', { type: 'review.unclaim', permissions })).toBe('not-permitted');
    expect(desk.tell('bob', { type: 'review.unclaim', permissions: [permit('review.unclaim-other')] })).toBe(
      'taken',
    );
  });
});

describe('a claim', () => {
  it('keeps it from others until it is given back', () => {
    const desk = new Desk({ quorum: 2 });
    expect(desk.tell('ada', { type: 'review.unclaim' })).toBe('not-claimed');
    expect(desk.tell('ada', { type: 'review.claim' })).toBe('taken');
    expect(desk.state).toMatch(/^claimed/);
    expect(desk.tell('ada', { type: 'review.claim' })).toBe('taken');
    expect(desk.tell('bob', { type: 'review.claim' })).toBe('claimed');
    expect(desk.approve('bob')).toBe('claimed');
    expect(desk.edit('bob', 'x')).toBe('claimed');
    expect(desk.tell('bob', { type: 'review.reject', reason: 'x' })).toBe('claimed');
    expect(desk.tell('bob', { type: 'review.delegate', to: 'cyd' })).toBe('claimed');
    expect(desk.tell('ada', { type: 'review.unclaim' })).toBe('taken');
    expect(desk.state).toMatch(/^unclaimed/);
    expect(desk.approve('bob')).toBe('taken');
  });

  it('ends with an approval, so that the next one may have it', () => {
    const desk = new Desk({ quorum: 2 });
    desk.tell('ada', { type: 'review.claim' });
    desk.approve('ada');
    expect(desk.context.claim).toBeUndefined();
    expect(desk.tell('ada', { type: 'review.claim' })).toBe('already-voted');
    expect(desk.approve('bob')).toBe('taken');
  });
});

describe('a delegation', () => {
  it('says for whom somebody acts', () => {
    const desk = new Desk({ quorum: 2 });
    expect(desk.tell('ada', { type: 'review.delegate', to: 'bob', reason: 'on leave' })).toBe('taken');
    expect(desk.approve('ada')).toBe('claimed');
    expect(desk.tell('bob', { type: 'review.delegate', to: 'cyd' })).toBe('taken');
    expect(desk.approve('cyd')).toBe('taken');
    expect(desk.context.approvals[0]).toMatchObject({ by: 'cyd', for: ['ada', 'bob'] });
    expect(desk.context.delegations).toMatchObject([
      { from: 'ada', to: 'bob', reason: 'on leave' },
      { from: 'bob', to: 'cyd' },
    ]);
  });

  it('does not make two of one', () => {
    const desk = new Desk({ quorum: 2 });
    desk.tell('ada', { type: 'review.delegate', to: 'bob' });
    desk.approve('bob');
    expect(desk.approve('ada')).toBe('already-voted');
    expect(desk.approve('bob')).toBe('already-voted');
    expect(desk.tell('cyd', { type: 'review.delegate', to: 'ada' })).toBe('already-voted');
    expect(desk.tell('ada', { type: 'review.delegate', to: 'cyd' })).toBe('already-voted');
    expect(desk.approve('cyd')).toBe('taken');
  });

  it('goes neither to oneself nor back', () => {
    const desk = new Desk();
    expect(desk.tell('ada', { type: 'review.delegate', to: 'ada' })).toBe('malformed');
    desk.tell('ada', { type: 'review.delegate', to: 'bob' });
    expect(desk.tell('bob', { type: 'review.delegate', to: 'ada' })).toBe('malformed');
  });
});

describe('a question', () => {
  it('keeps others from approving until it is answered', () => {
    const desk = new Desk({ quorum: 2 });
    // As long as it is open nobody else approves: that is not for whoever may not either.
    expect(desk.tell('ivy', { type: 'review.request-info', question: 'Really?' })).toBe('four-eyes');
    expect(desk.tell('ada', { type: 'review.request-info', question: 'Which almanac?' })).toBe('taken');
    expect(desk.state).toContain('requested');
    expect(desk.approve('bob')).toBe('open-question');
    expect(desk.tell('ivy', { type: 'review.supply-info', question: 2, text: 'that one' })).toBe(
      'no-question',
    );
    expect(desk.tell('ivy', { type: 'review.supply-info', question: 1, text: 'of 1912' })).toBe('taken');
    expect(desk.state).toContain('complete');
    expect(desk.tell('ivy', { type: 'review.supply-info', question: 1, text: 'no' })).toBe('no-question');
    expect(desk.approve('bob')).toBe('taken');
    expect(desk.context.questions).toMatchObject([
      { number: 1, by: 'ada', answer: { by: 'ivy', text: 'of 1912' } },
    ]);
  });

  it('is withdrawn by whoever has asked and goes on', () => {
    const desk = new Desk({ quorum: 2 });
    desk.tell('ada', { type: 'review.request-info', question: 'Which almanac?' });
    expect(desk.approve('ada')).toBe('taken');
    expect(desk.context.questions).toMatchObject([{ isWithdrawn: true }]);
    expect(desk.approve('bob')).toBe('taken');
  });

  it('does not keep anybody from rejecting', () => {
    const desk = new Desk();
    desk.tell('ada', { type: 'review.request-info', question: 'Which almanac?' });
    expect(desk.tell('bob', { type: 'review.reject', reason: 'none will do' })).toBe('taken');
  });
});

describe('an edit', () => {
  it('makes earlier approvals void, keeps both versions, and needs a new quorum', () => {
    const desk = new Desk({ quorum: 2 });
    const { hash } = desk.context;
    desk.approve('ada');
    expect(desk.edit('bob', 'The moon and the sun do it.', { reason: 'too short' })).toBe('taken');
    expect(desk.context.approvals).toEqual([]);
    expect(desk.context.voided).toMatchObject([{ by: 'ada', hash, voidedBy: desk.context.hash }]);
    expect(desk.approve('cyd', { hash })).toBe('stale');
    expect(desk.approve('cyd')).toBe('taken');
    expect(desk.state).not.toBe('approved');
    expect(desk.approve('ada')).toBe('taken');
    expect(desk.output).toMatchObject({
      verdict: 'approved',
      original: plain.proposal,
      output: { text: 'The moon and the sun do it.', sources: ['almanac'] },
      edits: [{ by: 'bob', hash, to: desk.output!.hash, reason: 'too short' }],
    });
  });

  it('can approve what it becomes', () => {
    const desk = new Desk();
    expect(desk.edit('ada', 'Both.', { approves: true })).toBe('taken');
    expect(desk.output).toMatchObject({ verdict: 'approved', output: { text: 'Both.' } });
    expect(desk.output!.approvals[0]!.hash).toBe(desk.output!.hash);
    expect(desk.output!.edits[0]!.hash).not.toBe(desk.output!.hash);
  });

  it('and approval by the same person can be forbidden', () => {
    const desk = new Desk({ ownEdits: 'need-another' });
    expect(desk.edit('ada', 'x', { approves: true })).toBe('own-edit');
    expect(desk.context.content).toEqual(plain.proposal);
    expect(desk.edit('ada', 'x')).toBe('taken');
    expect(desk.approve('ada')).toBe('own-edit');
    expect(desk.approve('bob')).toBe('taken');
  });

  it('is also that of whoever has delegated it', () => {
    const desk = new Desk({ ownEdits: 'need-another' });
    desk.tell('ada', { type: 'review.delegate', to: 'bob' });
    desk.edit('bob', 'x');
    desk.tell('bob', { type: 'review.unclaim' });
    expect(desk.approve('ada')).toBe('own-edit');
    expect(desk.approve('bob')).toBe('own-edit');
    expect(desk.approve('cyd')).toBe('taken');
  });

  it.each([
    ['another part', { edits: [{ pointer: '/sources/0', value: 'x' }] }, 'not-editable'],
    ['the whole', { edits: [{ pointer: '', value: {} }] }, 'not-editable'],
    ['something that is not there', { edits: [{ pointer: '/text/0', value: 'x' }] }, 'invalid-edit'],
    ['nothing', { edits: [] }, 'invalid-edit'],
    ['what is there already', { edits: [{ pointer: '/text', value: 'The moon does it.' }] }, 'invalid-edit'],
    ['what is no list', { edits: 'text' }, 'malformed'],
    ['the prototype', { edits: [{ op: 'add', pointer: '/text/__proto__', value: 1 }] }, 'invalid-edit'],
    [
      'more than there is room for',
      { edits: [{ pointer: '/text', value: 'x'.repeat(1_100_000) }] },
      'too-large',
    ],
  ])('of %s is refused', (_, fields, reason) => {
    const desk = new Desk();
    const before = desk.context;
    expect(desk.edit('ada', '', fields)).toBe(reason);
    expect(desk.context).toEqual({ ...before, answer: desk.context.answer, watch: desk.context.watch });
  });

  it('is refused when all of them together are too long to keep', () => {
    const desk = new Desk();
    const told = ['a', 'b', 'c', 'd', 'e'].map((text) => desk.edit('ada', text.repeat(1_000_000)));
    expect(told).toEqual(['taken', 'taken', 'taken', 'taken', 'too-large']);
    expect(desk.edit('ada', 'short')).toBe('taken');
  });

  it('is refused where nothing may be edited', () => {
    expect(new Desk({ editable: false }).edit('ada', 'x')).toBe('not-editable');
    const { editable: _, ...others } = plain;
    const actor = createActor(review, { input: others });
    expect(actor.getSnapshot().context.editable).toEqual([]);
  });

  it('is refused when what it becomes breaks the schema, or nobody has checked that', () => {
    const desk = new Desk({ schema: 'report' });
    expect(desk.edit('ada', 7)).toBe('invalid');
    const problems = [{ pointer: '#/text', keyword: 'type', schemaPath: '#/t', detail: 'must be string' }];
    expect(desk.edit('ada', 7, { problems })).toBe('invalid');
    expect(desk.context.answer).toMatchObject({ problems, detail: expect.stringContaining('#/text') });
    expect(desk.edit('ada', 'seven', { problems: [] })).toBe('taken');
  });
});

describe('a showing', () => {
  it('says how long somebody had before them what they decide about', () => {
    const desk = new Desk({ quorum: 3 });
    expect(desk.tell('ada', { type: 'review.show' })).toBe('taken');
    expect(desk.tell('ada', { type: 'review.show', hash: 'of yesterday' })).toBe('stale');
    vi.advanceTimersByTime(30_000);
    expect(desk.tell('ada', { type: 'review.show' })).toBe('taken');
    vi.advanceTimersByTime(30_000);
    desk.approve('ada');
    desk.approve('bob');
    expect(desk.context.approvals[0]).toMatchObject({ by: 'ada', dwellMs: 60_000 });
    expect(desk.context.approvals[1]).not.toHaveProperty('dwellMs');
  });

  it('can be asked for, for as long as it takes to read it', () => {
    const desk = new Desk({ dwellMs: 20_000 });
    expect(desk.approve('ada')).toBe('too-soon');
    desk.tell('ada', { type: 'review.show' });
    vi.advanceTimersByTime(19_999);
    expect(desk.approve('ada')).toBe('too-soon');
    // What they have not seen for long enough they may still refuse.
    desk.edit('bob', 'x');
    vi.advanceTimersByTime(1);
    expect(desk.approve('ada')).toBe('too-soon');
    desk.tell('ada', { type: 'review.show' });
    vi.advanceTimersByTime(20_000);
    expect(desk.edit('ada', 'y', { approves: true })).toBe('taken');
    expect(desk.state).toBe('approved');
  });

  it('is no decision: whoever must not decide may look', () => {
    expect(new Desk().tell('ivy', { type: 'review.show' })).toBe('taken');
  });
});

describe('the ladder', () => {
  const ladder: ReviewInput['ladder'] = [
    { afterMs: HOUR, remind: true },
    { afterMs: 2 * HOUR, escalateTo: 'managing-editor' },
    { afterMs: 2 * HOUR, remind: true },
  ];

  it('reminds, escalates, and ends it when its time is over: never as approved', () => {
    const desk = new Desk({ ladder, expiresAfterMs: 3 * HOUR, quorum: 2 });
    desk.approve('ada');
    desk.tell('bob', { type: 'review.claim' });
    vi.advanceTimersByTime(HOUR - 1);
    expect(desk.news).not.toContain('review.reminded');
    vi.advanceTimersByTime(1);
    expect(desk.news.at(-1)).toBe('review.reminded');
    expect(desk.state).toContain('inTime');
    // Two at the same time take two timers.
    vi.advanceTimersByTime(HOUR + 1);
    expect(desk.news.slice(-2)).toEqual(['review.escalated', 'review.reminded']);
    expect(desk.context.roles).toEqual(['editor', 'managing-editor']);
    expect(desk.context.claim).toBeUndefined();
    expect(desk.state).toContain('overdue');
    vi.advanceTimersByTime(HOUR);
    expect(desk.state).toBe('expired');
    expect(desk.output).toMatchObject({ verdict: 'expired', approvals: [{ by: 'ada' }] });
    expect(desk.output).not.toHaveProperty('output');
  });

  it('lets it stay, overdue, and be decided later', () => {
    const desk = new Desk({ expiresAfterMs: HOUR, onExpire: 'stay' });
    vi.advanceTimersByTime(50 * HOUR);
    expect(desk.state).toContain('overdue');
    expect(desk.news).toEqual(['review.opened', 'review.overdue']);
    expect(desk.approve('ada')).toBe('taken');
  });

  it('is not set back by what people do meanwhile', () => {
    const desk = new Desk({ expiresAfterMs: HOUR, quorum: 2 });
    for (let minutes = 0; minutes < 59; minutes++) {
      vi.advanceTimersByTime(60_000);
      desk.tell('ada', { type: minutes % 2 === 0 ? 'review.claim' : 'review.unclaim' });
    }
    expect(desk.state).not.toBe('expired');
    vi.advanceTimersByTime(60_000);
    expect(desk.state).toBe('expired');
  });

  it('waits longer than setTimeout can', () => {
    const desk = new Desk({ expiresAfterMs: 60 * 24 * HOUR });
    vi.advanceTimersByTime(60 * 24 * HOUR - 1);
    expect(desk.state).not.toBe('expired');
    vi.advanceTimersByTime(1);
    expect(desk.state).toBe('expired');
  });

  it('does nothing without rungs', () => {
    const desk = new Desk();
    vi.advanceTimersByTime(1000 * HOUR);
    expect(desk.news).toEqual(['review.opened']);
    expect(desk.state).toContain('top');
  });
});

describe('a ladder in working time', () => {
  // It begins whenever it does: by this one everybody works in the last quarter of each hour.
  const quarters = Array.from({ length: 24 }, (_, hour) => {
    const [from, to] = [hour, hour + 1].map((one) => String(one).padStart(2, '0'));
    return `${from}:45-${to}:00`;
  });
  const calendar = { zone: 'UTC', hours: Object.fromEntries(WEEKDAYS.map((day) => [day, quarters])) };
  const ladder = [{ afterMs: HOUR / 2, remind: true }] as const;

  it('is climbed when so much of it has gone by', async () => {
    const desk = new Desk({ ladder, calendar, expiresAfterMs: HOUR });
    expect(desk.state).toContain('timing');
    await vi.advanceTimersByTimeAsync(0);
    expect(desk.state).toContain('waiting');
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(desk.news).toEqual(['review.opened']);
    await vi.advanceTimersByTimeAsync(2 * HOUR);
    expect(desk.news).toEqual(['review.opened', 'review.reminded']);
    await vi.advanceTimersByTimeAsync(2 * HOUR);
    expect(desk.output).toMatchObject({ verdict: 'expired' });
  });

  it('does not keep anybody from deciding before it is known', () => {
    const desk = new Desk({ ladder, calendar });
    expect(desk.approve('ada')).toBe('taken');
    expect(desk.output).toMatchObject({ verdict: 'approved' });
  });

  it.each([
    [{ calendar }, /counts nothing/],
    [{ calendar: { ...calendar, zone: 'Mars' }, ladder }, /calendar.*\/zone: must be a time zone/],
    [{ calendar: 'office', ladder }, /calendar.*must be \{/],
    [{ calendar: { zone: 'UTC', hours: {} }, ladder }, /no working time at all/],
    [{ calendar, ladder, expiresAfterMs: 400 * 7 * 24 * HOUR }, /more than 400 weeks/],
  ])('is refused where nothing could come of it: %#', (input, problem) => {
    const actor = createActor(review, { input: { ...plain, ...(input as object) } });
    actor.subscribe({ error: () => {} });
    actor.start();
    expect(actor.getSnapshot()).toMatchObject({
      status: 'error',
      error: { message: expect.stringMatching(problem) },
    });
  });
});

describe('what makes no sense', () => {
  it.each<[Fields['type'], object]>([
    ['review.claim', { by: undefined }],
    ['review.claim', { by: '' }],
    ['review.claim', { by: { id: 'ada' } }],
    ['review.claim', { permissions: null }],
    ['review.claim', { permissions: {} }],
    ['review.claim', { permissions: [null] }],
    ['review.claim', { permissions: [{ action: 'review.claim', effect: 'permit' }] }],
    ['review.claim', { ask: 7 }],
    ['review.delegate', { to: '' }],
    ['review.request-info', { question: ' ' }],
    ['review.supply-info', { question: '1', text: 'x' }],
    ['review.comment', {}],
    ['review.approve', { hash: undefined }],
    ['review.approve', { bound: 'somehow' }],
    ['review.approve', { reason: {} }],
    ['review.edit', { edits: [], approves: 'yes' }],
    ['review.edit', { edits: [], approves: true, problems: [1] }],
  ])('is refused in a %s with %j', (type, fields) => {
    const desk = new Desk();
    expect(desk.tell('ada', { type, ...fields })).toBe('malformed');
    expect(desk.news.at(-1)).toBe('review.refused');
  });

  it('is refused when it is too long, or too much', () => {
    const desk = new Desk();
    const text = 'x'.repeat(LONGEST_TEXT);
    expect(desk.tell('ada', { type: 'review.comment', text: `${text}x` })).toBe('too-large');
    expect(desk.approve('ada', { reason: `${text}x` })).toBe('too-large');
    expect(desk.tell(`${text}x`, { type: 'review.claim' })).toBe('too-large');
    for (let i = 0; i < MOST_ENTRIES; i++)
      expect(desk.tell('ada', { type: 'review.comment', text: 'x' })).toBe('taken');
    expect(desk.tell('ada', { type: 'review.comment', text: 'x' })).toBe('too-large');
    expect(desk.approve('ada', { reason: text })).toBe('taken');
  });

  it.each<[string, object, string]>([
    ['no title', { title: '' }, 'title'],
    ['a proposal that is no JSON', { proposal: { at: new Date() } }, 'proposal'],
    ['a huge proposal', { proposal: 'x'.repeat(1_100_000) }, 'proposal'],
    ['no roles', { roles: [] }, 'roles'],
    ['a role without a name', { roles: [' '] }, 'roles'],
    ['a quorum of none', { quorum: 0 }, 'quorum'],
    ['half a person', { quorum: 1.5 }, 'quorum'],
    ['pointers that are none', { editable: ['text'] }, 'editable'],
    ['everything to edit', { editable: true }, 'editable'],
    ['a time that is none', { dwellMs: -1 }, 'dwellMs'],
    ['a probe that is neither', { probe: 'yes' }, 'probe'],
    [
      'a ladder that goes down',
      {
        ladder: [
          { afterMs: 2, remind: true },
          { afterMs: 1, remind: true },
        ],
      },
      'ladder',
    ],
    ['a rung that approves', { ladder: [{ afterMs: 2, approve: true }] }, 'ladder'],
    ['a rung that does two things', { ladder: [{ afterMs: 2, remind: true, escalateTo: 'x' }] }, 'ladder'],
    ['a rung at no time', { ladder: [{ afterMs: Number.NaN, remind: true }] }, 'ladder'],
    [
      'an end before the last rung',
      { ladder: [{ afterMs: 2, remind: true }], expiresAfterMs: 1 },
      'expiresAfterMs',
    ],
    ['an end that approves', { expiresAfterMs: 1, onExpire: 'approve' }, 'onExpire'],
    ['an end at most that is none', { atMostMs: 0 }, 'atMostMs'],
    ['somebody who may decide at times', { ownRuns: 'maybe' }, 'ownRuns'],
    ['an end without a time', { onExpire: 'stay' }, 'onExpire'],
    ['a word that it does not know', { quorom: 2 }, 'quorom'],
  ])('as input is refused at birth: %s', (_, input, option) => {
    const error = startFailure({ ...plain, ...input });
    expect(error).toBeInstanceOf(OptionError);
    expect(error).toMatchObject({ option });
  });
});

function startFailure(input: object): unknown {
  const actor = createActor(review, { input: input as ReviewInput });
  return actor.getSnapshot().error;
}

describe('the machine', () => {
  it('is found in others, by name, in their configuration, and however deep', () => {
    const named = setup({ actors: { review: review.provide({}) } }).createMachine({});
    const inline = createMachine({ initial: 'a', states: { a: { invoke: { src: review } } } });
    const deep = createMachine({ invoke: [{ src: fromPromise(async () => {}) }, { src: named }] });
    for (const logic of [review, named, inline, deep]) expect(hasReviews(logic)).toBe(true);
    const none = createMachine({ invoke: { src: fromPromise(async () => {}) } });
    for (const logic of [none, undefined, 'review', {}]) expect(hasReviews(logic)).toBe(false);
  });

  it('is known whatever is provided for it', () => {
    expect(isReview(review)).toBe(true);
    expect(isReview(review.provide({}))).toBe(true);
    for (const other of [undefined, null, {}, { config: {} }, createActor(review, { input: plain })])
      expect(isReview(other)).toBe(false);
  });
});
