/**
 * Random lives of a review, and an oracle who knows only the rules: it keeps a list of what was taken, and reads from that what
 * must become of the next message. Whoever runs the review, and whatever happens to it in between, must agree.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { actionsOf } from './events.ts';
import type { ReviewEvent, ReviewRefusal, ReviewRelease } from './events.ts';
import type { ReviewInput } from './input.ts';
import type { ReviewContext, ReviewOutput } from './review.ts';
import { WEEKDAYS } from '../working-time/calendar.ts';

const MINUTE_MS = 60_000;
const ESCALATES_MS = 30 * MINUTE_MS;
const EXPIRES_MS = 60 * MINUTE_MS;
const IMPARTIAL = ['ada', 'bob', 'cyd', 'dan'];
const PARTIAL = ['ivy', 'eve'];

/** What somebody does, or that time goes by. */
export type Happening =
  | { readonly what: 'wait'; readonly ms: number }
  | {
      readonly what: Exclude<ReviewEvent['type'], 'review.delegate' | 'review.edit' | 'review.supply-info'>;
      readonly by: string;
      readonly isPermitted: boolean;
      readonly isStale: boolean;
      readonly standsInFor: readonly string[];
    }
  | { readonly what: 'release'; readonly from: string }
  | {
      readonly what: 'review.delegate';
      readonly by: string;
      readonly isPermitted: boolean;
      readonly to: string;
    }
  | {
      readonly what: 'review.supply-info';
      readonly by: string;
      readonly isPermitted: boolean;
      readonly question: number;
    }
  | {
      readonly what: 'review.edit';
      readonly by: string;
      readonly isPermitted: boolean;
      readonly isStale: boolean;
      readonly text: number;
      readonly approves: boolean;
      readonly standsInFor: readonly string[];
    };

export interface Life {
  readonly quorum: number;
  readonly ownEdits: 'count' | 'need-another';
  readonly expires: boolean;
  /** Whether its ladder is counted in the working time of a calendar: of one by which everybody works day and night. */
  readonly isWorkingTime: boolean;
  readonly happenings: readonly Happening[];
}

const by = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...IMPARTIAL) },
  { weight: 1, arbitrary: fc.constantFrom(...PARTIAL) },
);
const isPermitted = fc.nat(9).map((n) => n > 0);
const isStale = fc.nat(9).map((n) => n === 0);
/** Those who are away, whoever they may be. */
const standsInFor = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.uniqueArray(by, { maxLength: 2 }) },
);

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('wait' as const),
      ms: fc.integer({ min: 1, max: 25 * MINUTE_MS }),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      what: fc.constantFrom(
        ...(['review.claim', 'review.unclaim', 'review.request-info', 'review.comment'] as const),
        ...(['review.approve', 'review.approve', 'review.approve'] as const),
      ),
      ...{ by, isPermitted, isStale, standsInFor },
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constantFrom('review.reject' as const, 'review.abort' as const),
      ...{ by, isPermitted, isStale, standsInFor },
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('release' as const), from: by }) },
  {
    weight: 3,
    arbitrary: fc.record({ what: fc.constant('review.delegate' as const), by, isPermitted, to: by }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('review.supply-info' as const),
      by,
      isPermitted,
      question: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('review.edit' as const),
      ...{ by, isPermitted, isStale, text: fc.nat(3), approves: fc.boolean(), standsInFor },
    }),
  },
);

export const lives = (longest: number): fc.Arbitrary<Life> =>
  fc.record({
    quorum: fc.integer({ min: 1, max: 3 }),
    ownEdits: fc.constantFrom('count' as const, 'need-another' as const),
    expires: fc.boolean(),
    isWorkingTime: fc.boolean(),
    happenings: fc.array(happening, { minLength: 5, maxLength: longest }),
  });

const DAY_AND_NIGHT = {
  zone: 'Europe/Berlin',
  hours: Object.fromEntries(WEEKDAYS.map((day) => [day, ['00:00-24:00']])),
};

export function inputOf({ quorum, ownEdits, expires, isWorkingTime }: Life): ReviewInput {
  return {
    ...{ title: 'May we?', proposal: { text: 0 }, editable: ['/text'], roles: ['editor'], quorum, ownEdits },
    ...{ initiator: 'ivy', fourEyes: ['eve'] },
    ladder: [
      { afterMs: 10 * MINUTE_MS, remind: true },
      { afterMs: ESCALATES_MS, escalateTo: 'boss' },
    ],
    expiresAfterMs: EXPIRES_MS,
    onExpire: expires ? 'refuse' : 'stay',
    ...(isWorkingTime && { calendar: DAY_AND_NIGHT }),
  };
}

/** Runs a review somewhere. */
export interface Room {
  context(): ReviewContext;
  output(): ReviewOutput | undefined;
  tell(event: ReviewEvent | ReviewRelease): Promise<void>;
  wait(ms: number): Promise<void>;
}

type Expected = 'taken' | ReviewRefusal;
type Said = Exclude<Happening, { readonly what: 'wait' | 'release' }>;
/** What was taken, with those for whom whoever said it acted then: in an edit that approves, for each of the two. */
type Taken = Said & { readonly acting: readonly string[]; readonly approvingFor: readonly string[] };
type Entry = Taken | { readonly what: 'escalation' | 'release' };

/** Knows the rules, and what was taken. */
class Oracle {
  readonly #life: Life;
  readonly #log: Entry[] = [];
  #text = 0;
  #now = 0;
  verdict: ReviewOutput['verdict'] | undefined;

  constructor(life: Life) {
    this.#life = life;
  }

  wait(ms: number): void {
    const before = this.#now;
    this.#now += ms;
    if (this.verdict !== undefined) return;
    if (before < ESCALATES_MS && this.#now >= ESCALATES_MS) this.#log.push({ what: 'escalation' });
    if (this.#life.expires && this.#now >= EXPIRES_MS) this.verdict = 'expired';
  }

  release(from: string): void {
    if (this.verdict === undefined && this.#holding()[0] === from) this.#log.push({ what: 'release' });
  }

  expects(said: Said): Expected {
    const expected = this.#expected(said);
    if (expected === 'taken') this.#take(said);
    return expected;
  }

  #expected(said: Said): Expected {
    const [holder, acting] = this.#holding();
    const isImpartial = (person: string): boolean => IMPARTIAL.includes(person);
    const hasVoted = (person: string): boolean => this.#voters().flat().includes(person);
    const mayHold = (person: string): Expected =>
      !isImpartial(person) ? 'four-eyes' : hasVoted(person) ? 'already-voted' : 'taken';
    const isOthers = holder !== undefined && holder !== said.by;
    if (!said.isPermitted) return 'not-permitted';
    switch (said.what) {
      case 'review.comment':
        return 'taken';
      case 'review.request-info':
        return isImpartial(said.by) ? 'taken' : 'four-eyes';
      case 'review.supply-info':
        return this.#openQuestions().has(said.question) ? 'taken' : 'no-question';
      case 'review.unclaim':
        return first(holder === undefined && 'not-claimed', isOthers && !isImpartial(said.by) && 'four-eyes');
      case 'review.claim':
        return first(mayHold(said.by), isOthers && 'claimed');
      case 'review.delegate':
        if (said.by === said.to) return 'malformed';
        return first(
          mayHold(said.by),
          mayHold(said.to),
          isOthers && 'claimed',
          acting.includes(said.to) && 'malformed',
        );
      case 'review.abort':
        return said.isStale ? 'stale' : 'taken';
      default:
    }
    const impartial = first(
      !isImpartial(said.by) && 'four-eyes',
      isOthers && 'claimed',
      said.isStale && 'stale',
    );
    if (impartial !== 'taken' || said.what === 'review.reject') return impartial;
    const isEdit = said.what === 'review.edit';
    if (isEdit && said.text === this.#text) return 'invalid-edit';
    if (isEdit && !said.approves) return 'taken';
    const people = [said.by, ...(holder === said.by ? acting : [])];
    const editors = isEdit ? [...this.#editors(), said.by] : this.#editors();
    return first(
      !isEdit && people.some(hasVoted) && 'already-voted',
      this.#life.ownEdits === 'need-another' &&
        people.some((person) => editors.includes(person)) &&
        'own-edit',
      [...this.#openQuestions().values()].some((asker) => asker !== said.by) && 'open-question',
    );
  }

  #take(said: Said): void {
    const acting = this.#acting(said, this.#voters(), this.#editors());
    // An edit makes all votes void, and who has made it has edited.
    const editors = [...this.#editors(), said.by, ...acting];
    const approvingFor = said.what === 'review.edit' ? this.#acting(said, [], editors) : acting;
    this.#log.push({ ...said, acting, approvingFor });
    if (said.what === 'review.edit') this.#text = said.text;
    if (said.what === 'review.reject') this.verdict = 'rejected';
    if (said.what === 'review.abort') this.verdict = 'aborted';
    if (this.#voters().length >= this.#life.quorum) this.verdict = 'approved';
  }

  /** Who has it, and for whom. */
  #holding(): readonly [holder: string | undefined, acting: readonly string[]] {
    let holder: string | undefined;
    let acting: string[] = [];
    for (const entry of this.#log) {
      if (entry.what === 'review.claim') holder = entry.by;
      else if (entry.what === 'review.delegate') [holder, acting] = [entry.to, [...acting, entry.by]];
      else if (['review.unclaim', 'escalation', 'release'].includes(entry.what) || isApproval(entry))
        [holder, acting] = [undefined, []];
    }
    return [holder, acting];
  }

  /** For whom somebody acts: those who have handed it to them, and those who are away and could approve it. */
  #acting(said: Said, voters: readonly (readonly string[])[], editors: readonly string[]): readonly string[] {
    const [holder, handed] = this.#holding();
    const acting = holder === said.by ? handed : [];
    const absent = 'standsInFor' in said ? said.standsInFor : [];
    const couldApprove = (person: string): boolean =>
      IMPARTIAL.includes(person) &&
      !voters.flat().includes(person) &&
      !(this.#life.ownEdits === 'need-another' && editors.includes(person));
    const others = absent.filter(
      (person) => person !== said.by && !acting.includes(person) && couldApprove(person),
    );
    return [...acting, ...others];
  }

  #editors(): readonly string[] {
    return this.#log.flatMap((entry) => (entry.what === 'review.edit' ? [entry.by, ...entry.acting] : []));
  }

  /** Those whose approval counts, each with whom they act for. */
  #voters(): readonly (readonly string[])[] {
    const lastEdit = this.#log.findLastIndex(({ what }) => what === 'review.edit');
    return this.#log.flatMap((entry, index) =>
      index >= lastEdit && isApproval(entry) ? [[entry.by, ...entry.approvingFor]] : [],
    );
  }

  /** By their numbers, with who has asked. */
  #openQuestions(): ReadonlyMap<number, string> {
    const open = new Map<number, string>();
    let asked = 0;
    for (const entry of this.#log) {
      if (entry.what === 'review.request-info') open.set(++asked, entry.by);
      if (entry.what === 'review.supply-info') open.delete(entry.question);
      // Nobody else's is open then.
      if (isApproval(entry)) open.clear();
    }
    return open;
  }
}

function isApproval(entry: Entry): entry is Taken {
  return entry.what === 'review.approve' || (entry.what === 'review.edit' && entry.approves);
}

/** The first thing that stands against it. */
const first = (...refusals: readonly (Expected | false)[]): Expected =>
  refusals.find((refusal): refusal is Expected => refusal !== false && refusal !== 'taken') ?? 'taken';

function eventOf(said: Said, { hash, claim }: ReviewContext, ask: string): ReviewEvent {
  const decision = {
    hash: 'isStale' in said && said.isStale ? 'of yesterday' : hash,
    bound: 'shown',
    reason: 'because',
  };
  const event = {
    ...{ type: said.what, by: said.by, ask, permissions: [], ...decision },
    ...('to' in said && { to: said.to }),
    ...('standsInFor' in said && { standsInFor: said.standsInFor }),
    ...('approves' in said && { approves: said.approves, edits: [{ pointer: '/text', value: said.text }] }),
    ...(said.what === 'review.request-info' && { question: 'why?' }),
    ...('question' in said && { question: said.question }),
    text: 'so',
    // Each has some fields that others do not look at.
  } as unknown as ReviewEvent;
  const effect = said.isPermitted ? 'permit' : 'deny';
  const permissions = actionsOf(event, claim?.by).map(
    (action) => ({ action, effect, determining: ['p'], reasons: [] }) as const,
  );
  return { ...event, permissions };
}

/** Lives a life, and holds it against the oracle. Gives what became of each message. */
export async function live(life: Life, room: Room): Promise<readonly Expected[]> {
  const oracle = new Oracle(life);
  const told: Expected[] = [];
  for (const [index, happening] of life.happenings.entries()) {
    if (happening.what === 'wait') {
      await room.wait(happening.ms);
      oracle.wait(happening.ms);
    } else if (happening.what === 'release') {
      const { from } = happening;
      if (oracle.verdict === undefined) await room.tell({ type: 'review.release', from, absence: '1' });
      oracle.release(from);
    } else if (oracle.verdict === undefined) {
      const ask = `${index}`;
      await room.tell(eventOf(happening, room.context(), ask));
      const answer = room.context().answer!;
      assert.equal(answer.ask, ask, 'the answer is to this message');
      told.push(answer.isTaken ? 'taken' : answer.reason);
      assert.equal(told.at(-1), oracle.expects(happening), `${index}: ${JSON.stringify(happening)}`);
    }
    assert.equal(room.output()?.verdict, oracle.verdict);
  }
  const output = room.output();
  if (output !== undefined) assertSound(life, output);
  return told;
}

/** What must hold of every end, whatever led to it. */
function assertSound({ quorum }: Life, { verdict, approvals, hash, output, original }: ReviewOutput): void {
  assert.deepEqual(original, { text: 0 });
  if (verdict !== 'approved') return assert.equal(output, undefined);
  const people = approvals.flatMap((approval) => [approval.by, ...approval.for]);
  assert.equal(approvals.length, quorum);
  assert.equal(new Set(people).size, people.length, 'nobody counts twice');
  assert.ok(people.every((person) => IMPARTIAL.includes(person)));
  assert.ok(approvals.every((approval) => approval.hash === hash));
}
