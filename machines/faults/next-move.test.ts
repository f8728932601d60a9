// The lie: "what comes of a fault is decided by the table, and always ends". Every ladder of every pack is walked down with each
// resource missing; random strategies, faults and limits look for an attempt too many, a delay too short, a call that nobody
// can pay, and for a task that goes on for ever.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FAULT_CLASSES } from './fault.ts';
import type { Fault, FaultClass } from './fault.ts';
import type { Micros } from '../values/money.ts';
import { nextMove, taken } from './next-move.ts';
import type { Limits, Move, Situation, Taken } from './next-move.ts';
import { strategies } from './strategies.ts';
import { extend, HELPS, strategy } from './strategy.ts';
import type { DeedName, Rows, Rung, Strategy } from './strategy.ts';

const PROPERTY_RUNS = 300;
const SOAK_SEQUENCES = 2000;

const micros = (count: number): Micros => count as Micros;
const plenty: Limits = {
  now: 0,
  otherAgents: 1,
  largerWindows: 1,
  canChunk: true,
  repairs: ['code-fence'],
};
const faultOf = (name: FaultClass, rest: Partial<Fault> = {}): Fault => ({
  class: name,
  message: name,
  ...rest,
});

/** What a strategy says to a fault, when nothing has been done yet. */
function first(pack: Strategy, fault: Fault, rest: Partial<Situation> = {}): Move {
  const situation = { strategy: pack, fault, agent: 'a', history: [], limits: plenty, ...rest };
  return nextMove(situation, () => 0);
}

const ENDS: ReadonlySet<DeedName> = new Set(['review', 'accept', 'default', 'fail', 'park']);

/** A task whose agents answer with faults. It goes by every move as an orchestrator would. */
class World {
  readonly moves: Move[] = [];
  readonly history: Taken[] = [];
  readonly #strategy: Strategy;
  readonly #draw: () => number;
  limits: Limits;
  agent = 'a';

  constructor(pack: Strategy, limits: Limits, draw: () => number = () => 0) {
    this.#strategy = pack;
    this.#draw = draw;
    this.limits = limits;
  }

  get isOver(): boolean {
    return this.moves.length > 0 && ENDS.has(this.moves.at(-1)!.do);
  }

  meets(fault: Fault): Move {
    const { agent, history, limits } = this;
    const move = nextMove({ strategy: this.#strategy, fault, agent, history, limits }, this.#draw);
    this.moves.push(move);
    this.history.push(taken(move, agent));
    this.#goOn(move);
    return move;
  }

  #goOn(move: Move): void {
    if (ENDS.has(move.do) || move.do === 'repair' || move.do === 'stale') return;
    const { attemptsLeft, moneyLeft, costs, now, otherAgents, largerWindows } = this.limits;
    const cost = costs?.[move.do] ?? 1;
    const isElsewhere = move.do === 'other-agent' || move.do === 'larger-window';
    if (isElsewhere) this.agent = `${this.agent}+`;
    this.limits = {
      ...this.limits,
      now: move.do === 'retry' || move.do === 'wait' ? move.atMs : now,
      otherAgents: isElsewhere ? Math.max(0, otherAgents - 1) : otherAgents,
      largerWindows: isElsewhere ? Math.max(0, largerWindows - 1) : largerWindows,
      attemptsLeft: attemptsLeft === undefined ? undefined : attemptsLeft - 1,
      // What waited is asked for its money when it wakes: here it gets what there is.
      moneyLeft: moneyLeft === undefined ? undefined : micros(Math.max(0, moneyLeft - cost)),
    };
  }

  /** The deeds in order; repeated ones with their number. */
  get story(): string {
    const runs: [deed: DeedName, times: number][] = [];
    for (const { do: deed } of this.moves) {
      if (runs.at(-1)?.[0] === deed) runs.at(-1)![1] += 1;
      else runs.push([deed, 1]);
    }
    return runs.map(([deed, times]) => (times === 1 ? deed : `${deed} ×${times}`)).join(', ');
  }
}

/** What is done about the same fault again and again, with one other agent. */
function walk(pack: Strategy, fault: Fault, limits: Limits = plenty): string {
  const world = new World(pack, limits);
  for (let turn = 0; turn < 1000 && !world.isOver; turn++) world.meets(fault);
  return world.story;
}

type Stories = Readonly<Record<FaultClass, string>>;

const standardStories: Stories = {
  'rate-limit': 'retry ×5, other-agent, retry ×5, wait ×6, fail',
  'server-error': 'retry ×3, other-agent, retry ×3, fail',
  unavailable: 'retry ×2, other-agent, retry ×2, wait ×24, park',
  timeout: 'retry, other-agent, retry, fail',
  auth: 'other-agent, park',
  quota: 'other-agent, park',
  'bad-request': 'other-agent, fail',
  'context-window': 'larger-window, chunk, fail',
  'content-filter': 'review',
  truncated: 'ask-again, larger-window, ask-again, chunk, review',
  empty: 'retry, other-agent, retry, fail',
  'not-parseable': 'repair, ask-again, repair, other-agent, repair, ask-again, repair, review',
  'schema-mismatch':
    'repair, ask-again, repair, ask-again, repair, other-agent, repair, ask-again, repair, ask-again, repair, review',
  'factually-wrong': 'ask-again, other-agent, ask-again, review',
  'low-confidence': 'other-agent, review',
  'needs-review': 'review',
  'agent-failure': 'other-agent, fail',
  'contract-violation': 'other-agent, fail',
  crash: 'retry ×2, other-agent, retry ×2, fail',
  'invalid-input': 'fail',
  'no-agent': 'wait ×6, park',
  'not-permitted': 'fail',
  'budget-exhausted': 'review',
  cancelled: 'fail',
};

const stories: readonly [pack: Strategy, stories: Stories][] = [
  [strategies.standard, standardStories],
  [
    strategies.finance,
    {
      ...standardStories,
      'rate-limit': 'retry ×5, wait ×6, review',
      'server-error': 'retry ×2, review',
      unavailable: 'retry ×2, wait ×24, review',
      timeout: 'retry, review',
      auth: 'review',
      quota: 'review',
      'bad-request': 'review',
      'context-window': 'larger-window, review',
      truncated: 'review',
      empty: 'retry, review',
      'not-parseable': 'ask-again, review',
      'schema-mismatch': 'ask-again, review',
      'factually-wrong': 'review',
      'low-confidence': 'review',
      'agent-failure': 'review',
      'contract-violation': 'review',
      crash: 'retry, review',
      'invalid-input': 'review',
      'no-agent': 'review',
    },
  ],
  [
    strategies.content,
    {
      ...standardStories,
      'content-filter': 'ask-again, other-agent, ask-again, review',
      truncated:
        'repair, ask-again, repair, ask-again, repair, larger-window, repair, ask-again, repair, ask-again, repair, chunk, repair, review',
      empty: 'retry, ask-again, other-agent, retry, ask-again, fail',
      'not-parseable':
        'repair, ask-again, repair, ask-again, repair, other-agent, repair, ask-again, repair, ask-again, repair, review',
      'schema-mismatch':
        'repair, ask-again, repair, ask-again, repair, ask-again, repair, other-agent, repair, ask-again, repair, ask-again, repair, ask-again, repair, review',
      'factually-wrong': 'ask-again ×2, other-agent, ask-again ×2, review',
      'low-confidence': 'ask-again, other-agent, ask-again, review',
      'agent-failure': 'ask-again, other-agent, ask-again, review',
      'budget-exhausted': 'other-agent, review',
    },
  ],
];

describe.each(stories)('$name', (pack, expected) => {
  it.each(FAULT_CLASSES)('goes down its ladder for %s', (name) => {
    expect(walk(pack, faultOf(name))).toBe(expected[name]);
  });

  it.each(FAULT_CLASSES)('comes to an end at once for %s when nothing is left', (name) => {
    const nothing: Limits = {
      now: 0,
      deadline: 0,
      attemptsLeft: 0,
      moneyLeft: micros(0),
      otherAgents: 0,
      largerWindows: 0,
      canChunk: false,
      repairs: [],
    };
    const move = first(pack, faultOf(name, { confidence: 0.1 }), { limits: nothing });
    expect(move.do).toBe(pack.rows[name].at(-1)!.do);
    expect(move.because).toMatchObject({
      strategy: pack.name,
      class: name,
      rung: pack.rows[name].length - 1,
    });
    expect(move.because.skipped.map(({ rung }) => rung)).toEqual([...pack.rows[name].keys()].slice(0, -1));
  });
});

describe('a move', () => {
  const { standard, content } = strategies;

  it('says why it is this one, and why none before', () => {
    const limits = { ...plenty, otherAgents: 0, repairs: [], moneyLeft: micros(0) };
    expect(first(standard, faultOf('schema-mismatch'), { limits })).toEqual({
      do: 'review',
      because: {
        strategy: 'standard',
        class: 'schema-mismatch',
        rung: 3,
        skipped: [
          { rung: 0, do: 'repair', why: 'no-repair' },
          { rung: 1, do: 'ask-again', why: 'no-money' },
          { rung: 2, do: 'other-agent', why: 'no-other-agent' },
        ],
      },
    });
  });

  it('tells the agent that is asked again where its answer is wrong', () => {
    const problems = [
      { pointer: '#/title', keyword: 'type', schemaPath: '#/properties/title/type', detail: 'is no text' },
    ];
    const limits = { ...plenty, repairs: [] };
    expect(first(standard, faultOf('schema-mismatch', { problems }), { limits })).toMatchObject({
      do: 'ask-again',
      problems,
    });
  });

  it('repairs only with what both the strategy and the contract name', () => {
    const mine = extend(standard, {
      name: 'mine',
      rows: { 'not-parseable': [{ do: 'repair', names: ['bom', 'code-fence'] }, { do: 'fail' }] },
    });
    const limits = { ...plenty, repairs: ['trailing-comma', 'code-fence'] };
    expect(first(mine, faultOf('not-parseable'), { limits })).toMatchObject({
      do: 'repair',
      names: ['code-fence'],
    });
    expect(first(content, faultOf('not-parseable'), { limits })).toMatchObject({ names: limits.repairs });
  });

  it('takes a class that nobody knows for a crash', () => {
    for (const name of ['surprise', 'toString', '__proto__']) {
      const fault = { class: name as FaultClass, message: 'made up' };
      expect(first(standard, fault)).toMatchObject({ do: 'retry', because: { class: 'crash' } });
    }
  });

  it('fails where a strategy has no end', () => {
    const endless: Strategy = { name: 'endless', rows: { ...standard.rows, timeout: [] } };
    expect(first(endless, faultOf('timeout')).do).toBe('fail');
  });

  it('looks once after each attempt for what was answered before, where it may', () => {
    const rows: Partial<Rows> = {
      unavailable: [
        { do: 'stale', maxAgeMs: 60_000 },
        { do: 'wait', times: 2, backoff: { firstMs: 1, factor: 1, maxMs: 1, jitter: 0 } },
        { do: 'stale', maxAgeMs: 90_000 },
        { do: 'fail' },
      ],
    };
    const mine = extend(standard, { name: 'mine', rows });
    expect(first(mine, faultOf('unavailable'))).toMatchObject({ do: 'stale', maxAgeMs: 60_000 });
    expect(walk(mine, faultOf('unavailable'))).toBe('stale, wait, stale, wait, stale ×2, fail');
    const limits = { ...plenty, canRecall: false };
    expect(first(mine, faultOf('unavailable'), { limits }).because.skipped).toEqual([
      { rung: 0, do: 'stale', why: 'no-kept-answer' },
    ]);
    expect(walk(mine, faultOf('unavailable'), limits)).toBe('wait ×2, fail');
  });

  it('carries the role and the default that are declared', () => {
    const rows: Partial<Rows> = {
      'factually-wrong': [{ do: 'review', role: 'editor' }],
      unavailable: [{ do: 'default', value: { text: 'closed' } }],
    };
    const mine = extend(standard, { name: 'mine', rows });
    expect(first(mine, faultOf('factually-wrong'))).toMatchObject({ do: 'review', role: 'editor' });
    expect(first(mine, faultOf('unavailable'))).toMatchObject({ do: 'default', value: { text: 'closed' } });
  });

  it('is recorded as it is: history and move come back equal from JSON', () => {
    const world = new World(content, plenty);
    for (const name of ['timeout', 'schema-mismatch', 'low-confidence'] as const) world.meets(faultOf(name));
    expect(JSON.parse(JSON.stringify(world.moves))).toEqual(world.moves);
    expect(JSON.parse(JSON.stringify(world.history))).toEqual(world.history);
  });
});

describe('a delay', () => {
  const backoff = { firstMs: 100, factor: 2, maxMs: 500, jitter: 0.5 };
  const mine = extend(strategies.standard, {
    name: 'mine',
    rows: { 'rate-limit': [{ do: 'retry', times: 4, backoff }, { do: 'fail' }] },
  });
  const delays = (draw: number, rest: Partial<Fault> = {}): number[] => {
    const world = new World(mine, plenty, () => draw);
    while (!world.isOver) world.meets(faultOf('rate-limit', rest));
    return world.moves.flatMap((move) => (move.do === 'retry' ? [move.delayMs] : []));
  };

  it('grows up to its limit, and chance makes it shorter', () => {
    expect(delays(0)).toEqual([100, 200, 400, 500]);
    expect(delays(0.5)).toEqual([75, 150, 300, 375]);
  });

  it('is never shorter than what the other side asks for, though that is more than its limit', () => {
    expect(delays(0, { retryAfterMs: 900 })).toEqual([900, 900, 900, 900]);
    expect(delays(0.5, { retryAfterMs: 900 })).toEqual([925, 925, 925, 925]);
    expect(delays(0, { retryAfterMs: 150.5 })).toEqual([151, 200, 400, 500]);
  });

  it.each([Number.NaN, -5, 0])('ignores a wish of %s ms', (retryAfterMs) => {
    expect(delays(0, { retryAfterMs })).toEqual([100, 200, 400, 500]);
  });

  it.each([Infinity, 1e16])('that would end after all days (%s ms) is no delay', (retryAfterMs) => {
    expect(first(mine, faultOf('rate-limit', { retryAfterMs })).because.skipped).toEqual([
      { rung: 0, do: 'retry', why: 'no-time' },
    ]);
  });

  it.each([
    [1099, 'fail'],
    [1100, 'fail'],
    [1101, 'retry'],
  ])('to the instant 1100, with a deadline at %s: %s', (deadline, expected) => {
    expect(first(mine, faultOf('rate-limit'), { limits: { ...plenty, now: 1000, deadline } }).do).toBe(
      expected,
    );
  });
});

describe('a ladder', () => {
  it('is long enough for an outage of an hour', () => {
    const world = new World(strategies.standard, { ...plenty, otherAgents: 0 }, () => 0.999_999);
    while (!world.isOver && world.limits.now < 3_600_000) world.meets(faultOf('unavailable'));
    expect(world.isOver).toBe(false);
    expect(world.moves.length).toBeLessThan(12);
  });

  it('counts retries by agent, and a wait over all of them', () => {
    const history: Taken[] = [
      ...Array.from(
        { length: 5 },
        () => ({ class: 'rate-limit', rung: 0, do: 'retry', agent: 'a' }) as const,
      ),
      { class: 'rate-limit', rung: 1, do: 'other-agent', agent: 'a' },
    ];
    const told = (agent: string): DeedName =>
      first(strategies.standard, faultOf('rate-limit'), {
        agent,
        history,
        limits: { ...plenty, otherAgents: 0 },
      }).do;
    expect([told('a'), told('b')]).toEqual(['wait', 'retry']);
  });

  it('counts a wait over all agents, and no move of another class', () => {
    const waited = { class: 'no-agent', rung: 0, do: 'wait' } as const;
    const told = (history: readonly Taken[]): DeedName =>
      first(strategies.standard, faultOf('no-agent'), { agent: 'b', history }).do;
    const waits = ['a', 'b', 'c', 'a', 'b', 'c'].map((agent): Taken => ({ ...waited, agent }));
    expect(told(waits)).toBe('park');
    expect(told(waits.slice(1))).toBe('wait');
    expect(told(waits.map((move): Taken => ({ ...move, class: 'rate-limit' })))).toBe('wait');
  });

  it('repairs an answer once for each class, also when another repair came between', () => {
    const repaired = ['not-parseable', 'schema-mismatch'].map(
      (name) => ({ class: name, rung: 0, do: 'repair', agent: 'a' }) as Taken,
    );
    const told = (history: readonly Taken[]): DeedName =>
      first(strategies.standard, faultOf('not-parseable'), { history }).do;
    expect(told(repaired)).toBe('ask-again');
    expect(told(repaired.slice(1))).toBe('repair');
    expect(told([...repaired, { class: 'not-parseable', rung: 1, do: 'ask-again', agent: 'a' }])).toBe(
      'repair',
    );
  });

  it.each<[fault: FaultClass, missing: Partial<Limits>, why: readonly string[], deed: DeedName]>([
    ['context-window', { largerWindows: 0 }, ['no-larger-window'], 'chunk'],
    ['context-window', { largerWindows: 0, canChunk: false }, ['no-larger-window', 'no-chunking'], 'fail'],
    ['rate-limit', { moneyLeft: micros(0) }, ['no-money', 'no-money'], 'wait'],
    ['rate-limit', { attemptsLeft: 0 }, ['no-attempts', 'no-attempts', 'no-attempts'], 'fail'],
    ['rate-limit', { deadline: 1 }, ['no-time'], 'other-agent'],
    ['low-confidence', { deadline: 0 }, ['no-time'], 'review'],
    ['low-confidence', { otherAgents: 0 }, ['no-other-agent'], 'review'],
    ['not-parseable', { repairs: [] }, ['no-repair'], 'ask-again'],
  ])('%s with %j skips for %j, and comes to %s', (name, missing, why, deed) => {
    const move = first(strategies.standard, faultOf(name), { limits: { ...plenty, ...missing } });
    expect([move.because.skipped.map((skipped) => skipped.why), move.do]).toEqual([why, deed]);
  });

  it('asks what a deed costs, and any money that is left will do where nobody knows', () => {
    const told = (moneyLeft: number, cost?: number): DeedName =>
      first(strategies.standard, faultOf('low-confidence'), {
        limits: {
          ...plenty,
          moneyLeft: micros(moneyLeft),
          costs: { 'other-agent': cost === undefined ? undefined : micros(cost) },
        },
      }).do;
    expect([told(9, 10), told(10, 10), told(0), told(1), told(0, 0)]).toEqual([
      ...['review', 'other-agent', 'review', 'other-agent', 'other-agent'],
    ]);
  });
});

describe('confidence × attempts × money, as the content pack decides', () => {
  const row: Rung[] = [
    { do: 'review', sure: { below: 0.3 } },
    { do: 'ask-again', times: 1, sure: { from: 0.6 } },
    { do: 'other-agent' },
    { do: 'accept', sure: { from: 0.7 } },
    { do: 'review' },
  ];
  const mine = extend(strategies.content, { name: 'mine', rows: { 'low-confidence': row } });
  it.each<[confidence: number | undefined, attempts: number, money: number, deed: DeedName]>([
    [0.29, 3, 9, 'review'],
    [0.3, 3, 9, 'other-agent'],
    [0.59, 3, 9, 'other-agent'],
    [0.6, 3, 9, 'ask-again'],
    [0.79, 3, 9, 'ask-again'],
    [0.6, 0, 9, 'review'],
    [0.69, 3, 0, 'review'],
    [0.7, 3, 0, 'accept'],
    [0.7, 0, 9, 'accept'],
    [0.29, 0, 0, 'review'],
    [undefined, 3, 9, 'other-agent'],
    [undefined, 0, 0, 'review'],
  ])('%s sure, %s attempts and %s micro-units left: %s', (confidence, attemptsLeft, moneyLeft, deed) => {
    const limits = { ...plenty, attemptsLeft, moneyLeft: micros(moneyLeft) };
    const fault = faultOf('low-confidence', confidence === undefined ? {} : { confidence });
    expect(first(mine, fault, { limits }).do).toBe(deed);
  });
});

const share = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100);
const backoffs = fc
  .record({
    firstMs: fc.integer({ min: 1, max: 5000 }),
    factor: fc.constantFrom(1, 1.5, 2, 10),
    more: fc.nat(60_000),
    jitter: share,
  })
  .map(({ more, ...rest }) => ({ ...rest, maxMs: rest.firstMs + more }));
const few = fc.integer({ min: 1, max: 4 });
const deeds: { readonly [TName in DeedName]: fc.Arbitrary<Rung> } = {
  retry: fc.record({ do: fc.constant('retry'), times: few, backoff: backoffs }),
  wait: fc.record({ do: fc.constant('wait'), times: few, backoff: backoffs }),
  repair: fc.record({
    do: fc.constant('repair'),
    names: fc.constantFrom('declared' as const, ['code-fence'], ['bom']),
  }),
  'ask-again': fc.record({ do: fc.constant('ask-again'), times: few }),
  'other-agent': fc.record({ do: fc.constant('other-agent'), times: few }, { requiredKeys: ['do'] }),
  'larger-window': fc.constant({ do: 'larger-window' }),
  chunk: fc.constant({ do: 'chunk' }),
  review: fc.constant({ do: 'review' }),
  accept: fc.constant({ do: 'accept' }),
  stale: fc.constant({ do: 'stale', maxAgeMs: 1000 }),
  default: fc.constant({ do: 'default', value: { text: '' } }),
  fail: fc.constant({ do: 'fail' }),
  park: fc.constant({ do: 'park' }),
};

function ladders(name: FaultClass): fc.Arbitrary<readonly Rung[]> {
  const possible = (Object.keys(deeds) as DeedName[]).filter((deed) => HELPS[deed].includes(name));
  const ends = possible.filter((deed) => ENDS.has(deed)).map((deed) => deeds[deed]);
  const others = possible.filter((deed) => !ENDS.has(deed)).map((deed) => deeds[deed]);
  const before = others.length === 0 ? fc.constant([]) : fc.array(fc.oneof(...others), { maxLength: 5 });
  return fc.tuple(before, fc.oneof(...ends)).map(([rungs, end]) => [...rungs, end]);
}

const randomStrategies: fc.Arbitrary<Strategy> = fc
  .record(
    Object.fromEntries(FAULT_CLASSES.map((name) => [name, ladders(name)])) as {
      [T in FaultClass]: fc.Arbitrary<readonly Rung[]>;
    },
  )
  .map((rows) => strategy({ name: 'random', rows }));

const optional = <TValue>(arbitrary: fc.Arbitrary<TValue>): fc.Arbitrary<TValue | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const amounts = fc.nat(30).map(micros);
const randomLimits: fc.Arbitrary<Limits> = fc
  .record({
    now: fc.nat(10_000),
    span: optional(fc.nat(200_000)),
    attemptsLeft: optional(fc.nat(20)),
    moneyLeft: optional(amounts),
    costs: optional(
      fc.record({
        retry: optional(amounts),
        'ask-again': optional(amounts),
        'other-agent': optional(amounts),
      }),
    ),
    otherAgents: fc.nat(3),
    largerWindows: fc.nat(2),
    canChunk: fc.boolean(),
    canRecall: fc.boolean(),
    repairs: fc.subarray(['code-fence', 'bom']),
  })
  .map(({ span, ...rest }) => ({ ...rest, deadline: span === undefined ? undefined : rest.now + span }));

const faults: fc.Arbitrary<Fault> = fc.record(
  {
    class: fc.constantFrom(...FAULT_CLASSES),
    message: fc.constant('a fault'),
    ...{ retryAfterMs: fc.nat(90_000), confidence: share },
  },
  { requiredKeys: ['class', 'message'] },
);

/** More moves than these cannot be: every rung its times, with every agent, and a repair for each answer. */
function mostMoves(pack: Strategy, agents: number): number {
  const attempts = Object.values(pack.rows)
    .flat()
    .map((rung) => {
      if (rung.do === 'retry' || rung.do === 'ask-again') return rung.times * agents;
      if (rung.do === 'wait') return rung.times;
      return rung.do === 'other-agent' || rung.do === 'larger-window' || rung.do === 'chunk' ? agents : 0;
    })
    .reduce((sum, count) => sum + count, 1);
  const repairs = Object.values(pack.rows)
    .flat()
    .filter(({ do: deed }) => deed === 'repair' || deed === 'stale').length;
  return attempts * (1 + repairs) + 1;
}

/** Whether a move leads to an attempt that costs at once. */
const SPENDS: ReadonlySet<DeedName> = new Set([
  'retry',
  'ask-again',
  'other-agent',
  'larger-window',
  'chunk',
]);
const TRIES: ReadonlySet<DeedName> = new Set([...SPENDS, 'wait']);

function expectSound(
  pack: Strategy,
  limits: Limits,
  sequence: readonly Fault[],
  draws: readonly number[],
): World {
  let drawn = 0;
  const draw = (): number => draws[drawn++ % draws.length]!;
  const world = new World(pack, limits, draw);
  const most = mostMoves(pack, 1 + limits.otherAgents + limits.largerWindows);
  const counts = new Map<string, number>();
  while (!world.isOver) {
    const before = world.limits;
    const { agent } = world;
    const fault = sequence[world.moves.length % sequence.length]!;
    const move = world.meets(fault);
    const rung = pack.rows[fault.class][move.because.rung]!;
    expect(rung.do).toBe(move.do);
    expect(move.because.skipped.map((skipped) => skipped.rung)).toEqual([...Array(move.because.rung).keys()]);
    if (TRIES.has(move.do)) {
      expect(before.attemptsLeft ?? Infinity).toBeGreaterThanOrEqual(1);
      expect(before.now).toBeLessThan(before.deadline ?? Infinity);
    }
    if (SPENDS.has(move.do)) {
      expect(before.moneyLeft ?? Infinity).toBeGreaterThanOrEqual(before.costs?.[move.do] ?? 1);
    }
    if (move.do === 'retry' || move.do === 'wait') {
      expect(Number.isSafeInteger(move.delayMs)).toBe(true);
      expect(move.delayMs).toBeGreaterThanOrEqual(fault.retryAfterMs ?? 0);
      expect(move.atMs).toBe(before.now + move.delayMs);
      expect(move.atMs).toBeLessThan(before.deadline ?? Infinity);
    }
    if ('times' in rung && rung.times !== undefined) {
      const isByAgent = rung.do === 'retry' || rung.do === 'ask-again';
      const key = JSON.stringify([fault.class, move.because.rung, isByAgent ? agent : '']);
      counts.set(key, (counts.get(key) ?? 0) + 1);
      expect(counts.get(key)).toBeLessThanOrEqual(rung.times);
    }
    expect(world.moves.length).toBeLessThanOrEqual(most);
  }
  const tries = world.moves.filter(({ do: deed }) => TRIES.has(deed)).length;
  expect(tries).toBeLessThanOrEqual(limits.attemptsLeft ?? Infinity);
  return world;
}

const draws = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
  minLength: 1,
  maxLength: 9,
});
const sequences = fc.array(faults, { minLength: 1, maxLength: 40 });

describe('to accept', () => {
  const accepting = extend(strategies.standard, {
    name: 'accepting',
    rows: { 'low-confidence': [{ do: 'accept' }], 'needs-review': [{ do: 'accept' }] },
  });

  it.each(['low-confidence', 'needs-review'] as const)(
    'takes an answer, and where there is none the task has failed: %s',
    (name) => {
      const fault = faultOf(name, { confidence: 0.9 });
      expect(first(accepting, fault).do).toBe('accept');
      expect(first(accepting, fault, { limits: { ...plenty, hasAnswer: false } })).toMatchObject({
        do: 'fail',
        because: { skipped: [{ do: 'accept', why: 'no-answer' }] },
      });
    },
  );
});

describe('whatever happens', () => {
  it('no random strategy asks too often, too early, too late, without money, or for ever', () => {
    fc.assert(
      fc.property(randomStrategies, randomLimits, sequences, draws, (pack, limits, sequence, chances) => {
        expect(expectSound(pack, limits, sequence, chances).isOver).toBe(true);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it('the same situation and the same chance give the same move', () => {
    fc.assert(
      fc.property(randomStrategies, randomLimits, faults, draws, (pack, limits, fault, [chance]) => {
        const situation = { strategy: pack, fault, agent: 'a', history: [], limits };
        const once = nextMove(situation, () => chance!);
        expect(nextMove(structuredClone(situation), () => chance!)).toEqual(once);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it('the packs take every kind of move they have', () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    const report = Object.values(strategies).map((pack) => {
      const counts = new Map<string, number>();
      const samples = fc.sample(fc.tuple(randomLimits, sequences, draws), { numRuns: SOAK_SEQUENCES, seed });
      for (const [limits, sequence, chances] of samples) {
        for (const { do: deed } of expectSound(pack, limits, sequence, chances).moves) {
          counts.set(deed, (counts.get(deed) ?? 0) + 1);
        }
      }
      const declared = new Set(Object.values(pack.rows).flatMap((row) => row.map(({ do: deed }) => deed)));
      expect(new Set(counts.keys()), `${pack.name}, seed ${seed}`).toEqual(declared);
      const sorted = [...counts].sort(([, some], [, others]) => others - some);
      return `${pack.name}: ${sorted.map(([deed, count]) => `${deed} ${count}`).join(', ')}`;
    });
    console.log(`${SOAK_SEQUENCES} fault sequences each, seed ${seed}\n${report.join('\n')}`);
  });
});
