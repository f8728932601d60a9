// The lie: "the best one was chosen". Tables of agents, rules and sights, each with the choice that must come of it and what must be
// said of the losers; and random ones, of which the choice must depend on nothing but what is given.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { microsOf } from '../../machines/values/money.ts';
import type { Outlook } from '../../machines/permits/outlook.ts';
import { trackRecord } from '../../machines/routing/track-record.ts';
import type { AttemptReport, TrackRecordContext } from '../../machines/routing/track-record.ts';
import { createActor } from 'xstate';
import { agent } from '../agents/agent.ts';
import type { Agent, AgentDetails } from '../agents/agent.ts';
import { priceTable } from '../agents/price.ts';
import { checkedSchemaOf } from '../schema/checked.ts';
import type { TaskDuty } from '../workflow/office.ts';
import { armOf, bucketOf } from './bucket.ts';
import type { RouteRequest } from './candidate.ts';
import { route } from './route.ts';
import { router } from './rules.ts';
import type { Router } from './rules.ts';
import { shadowsOf } from './shadowing.ts';
import type { Sight } from './sight.ts';

const ANY = { type: 'object' } as const;
const NOON = Date.UTC(2030, 0, 2, 12);

interface Made extends Partial<AgentDetails> {
  readonly capabilities?: readonly string[];
  readonly inputSchema?: object;
  readonly outputSchema?: object;
}

function anAgent(name: string, cost: number | undefined, more: Made = {}): Agent {
  return agent({
    ...{ name, capabilities: ['write'], model: 'm', inputSchema: ANY, outputSchema: ANY },
    ...(cost !== undefined && { estimate: () => cost }),
    execute: () => Promise.reject(new Error('nobody asks it here')),
    ...more,
  });
}

const staffOf = (...agents: readonly Agent[]) => new Map(agents.map((one) => [one.name, one]));

function schemaOf(given: object) {
  const reading = checkedSchemaOf(given);
  if (!reading.ok) throw new Error('a schema of the test makes no sense');
  return reading.schema;
}

const DUTY: TaskDuty = {
  ...{ workflow: 'w', task: 't', capability: 'write', agents: [], fallback: [], verify: [] },
  ...{ inputSchema: undefined, outputSchema: undefined, maxCost: undefined, perTask: undefined },
  router: undefined,
  chunk: undefined,
  labels: [],
  about: undefined,
};

const request = (duty: Partial<TaskDuty> = {}, more: Partial<RouteRequest> = {}): RouteRequest => ({
  ...{ duty: { ...DUTY, ...duty }, input: {}, tried: [], largerThan: undefined, cheaperThan: undefined },
  ...{ run: 'w/1', task: 't', now: NOON, ...more },
});

const shut = (refuses: Outlook['refuses'], retryAfterMs: number): Sight => ({
  gates: [{ address: 'b/1', outlook: { refuses, retryAfterMs, free: 0 } }],
  ...{ running: 0, record: undefined },
});

function recordOf(attempts: readonly AttemptReport[], capability = 'write'): TrackRecordContext {
  const actor = createActor(trackRecord).start();
  for (const attempt of attempts) actor.send({ type: 'record.report', capability, attempts: [attempt] });
  return actor.getSnapshot().context;
}

const seen = (record: TrackRecordContext): Sight => ({ gates: [], running: 0, record });

const times = (count: number, attempt: Omit<AttemptReport, 'durationMs'>): AttemptReport[] =>
  Array.from({ length: count }, () => ({ durationMs: 5, ...attempt }));

function choose(
  agents: readonly Agent[],
  asked: RouteRequest = request(),
  rules: Router = router(),
  sights: Readonly<Record<string, Sight>> = {},
) {
  const found = route(staffOf(...agents), asked, rules, new Map(Object.entries(sights)));
  const lost = Object.fromEntries(found.passedOver.map(({ agent: name, why }) => [name, why]));
  return { ...found, names: found.candidates.map(({ agent: { name } }) => name), lost };
}

describe('schemas', () => {
  const withText = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } as const;

  it('rule out whose output is not shown to keep the schema of the task', () => {
    const { names, lost } = choose(
      [anAgent('loose', 0.01), anAgent('fit', 0.5, { outputSchema: withText })],
      request({ outputSchema: schemaOf(withText) }),
    );
    expect(names).toEqual(['fit']);
    expect(lost['loose']).toContain('#/properties/text/type');
  });

  it('rule out who does not take all that the task gives', () => {
    const { names, lost } = choose(
      [anAgent('picky', 0.01, { inputSchema: withText }), anAgent('any', 0.5)],
      request({ inputSchema: schemaOf({ type: 'object' }) }, { input: { text: 'yes' } }),
    );
    expect(names).toEqual(['any']);
    expect(lost['picky']).toContain('is not shown to take all that the task gives');
  });

  it('of other versions are other capabilities', () => {
    const agents = [
      anAgent('old', 0.01, { capabilities: ['write.report'] }),
      anAgent('new', 0.5, { capabilities: ['write.report@2'] }),
    ];
    expect(choose(agents, request({ capability: 'write.report@2' })).names).toEqual(['new']);
    expect(choose(agents, request({ capability: 'write.report@1' })).names).toEqual(['old']);
    expect(choose(agents, request({ capability: 'write' })).names).toEqual(['old', 'new']);
  });

  it('say what is wrong with an input that nobody takes', () => {
    const { fault } = choose([anAgent('picky', 0.01, { inputSchema: withText })]);
    expect(fault).toMatchObject({ class: 'invalid-input', problems: [{ pointer: '#/text' }] });
  });
});

describe('cost', () => {
  it('puts the cheapest first, and says the figures of all', () => {
    const { names, note } = choose([anAgent('dear', 0.5), anAgent('cheap', 0.01), anAgent('middle', 0.1)]);
    expect(names).toEqual(['cheap', 'middle', 'dear']);
    expect(note.scores).toMatchObject([{ agent: 'cheap', estimate: 10_000 }, { estimate: 100_000 }, {}]);
  });

  it('is by the prices of the day: another table flips the choice', () => {
    const priced = (input: number) =>
      anAgent('tokens', undefined, {
        estimate: () => ({ input: 1000 }),
        prices: priceTable('list', [{ from: '2029-01-01', input, cachedInput: 0, output: 0, reasoning: 0 }]),
      });
    const flat = anAgent('flat', 0.01);
    expect(choose([flat, priced(5)]).names).toEqual(['tokens', 'flat']);
    const after = choose([flat, priced(50)]);
    expect(after.names).toEqual(['flat', 'tokens']);
    expect(after.note.scores[1]).toMatchObject({
      agent: 'tokens',
      expected: 50_000,
      prices: priced(50).prices!.hash,
    });
  });

  it('is by experience, where an agent costs more than it says', () => {
    const optimist = recordOf(times(10, { cost: 60_000, estimate: 10_000 }));
    const agents = [anAgent('optimist', 0.01), anAgent('honest', 0.05)];
    expect(choose(agents).names).toEqual(['optimist', 'honest']);
    const { names, note } = choose(agents, request(), router(), { optimist: seen(optimist) });
    expect(names).toEqual(['honest', 'optimist']);
    expect(note.scores[1]).toMatchObject({ estimate: 10_000, expected: 60_000, attempts: 10 });
  });

  it('is not by experience while there is little', () => {
    const few = seen(recordOf(times(4, { cost: 60_000, estimate: 10_000 })));
    expect(choose([anAgent('a', 0.01), anAgent('b', 0.05)], request(), router(), { a: few }).names[0]).toBe(
      'a',
    );
  });

  it.each([
    [
      'says more than the task may cost',
      anAgent('a', 0.2),
      {},
      'it is estimated to cost 0.2, more than the task may',
    ],
    [
      'throws',
      anAgent('a', 0, { estimate: () => JSON.parse('{') as number }),
      {},
      'its estimate throws a SyntaxError',
    ],
    [
      'is of tokens without prices',
      anAgent('a', 0, { estimate: () => ({ input: 1 }) }),
      {},
      'its estimate is of tokens, and it has no prices',
    ],
    [
      'costs more by experience',
      anAgent('a', 0.05),
      { a: seen(recordOf(times(9, { cost: 3, estimate: 1 }))) },
      'by experience it costs 0.15, more than the task may',
    ],
  ])('rules out who %s', (_, one, sights, why) => {
    const { names, lost, fault } = choose([one], request({ maxCost: microsOf(0.1) }), router(), sights);
    expect([names, lost['a'], fault.class]).toEqual([[], why, 'no-agent']);
  });
});

describe('availability', () => {
  it('passes over who has an open breaker, and says when to look again', () => {
    const { names, passedOver } = choose([anAgent('down', 0.01), anAgent('up', 0.5)], request(), router(), {
      down: shut('open', 30_000),
    });
    expect(names).toEqual(['up']);
    expect(passedOver).toEqual([
      { agent: 'down', why: 'its gate b/1 lets nobody pass: open', retryAfterMs: 30_000 },
    ]);
  });

  it('says when the first is back, if all are down', () => {
    const { fault } = choose(
      [anAgent('a', 0.01), anAgent('b', 0.5)],
      request({ fallback: ['c'] }),
      router(),
      {
        a: shut('open', 30_000),
        b: shut('paused', 9000),
      },
    );
    expect(fault).toMatchObject({ class: 'unavailable', retryAfterMs: 9000, cost: 0 });
  });

  it('says no time where nobody knows one', () => {
    const gone: Sight = { gates: [{ address: 'b/1', outlook: 'absent' }], running: 0, record: undefined };
    const { fault, lost } = choose([anAgent('a', 0.01)], request(), router(), { a: gone });
    expect([fault.class, fault.retryAfterMs, lost['a']]).toEqual([
      'unavailable',
      undefined,
      'its gate b/1 is not there',
    ]);
  });

  it('puts who has no place after who has one', () => {
    const full: Sight = { gates: [], running: 2, record: undefined };
    const agents = [anAgent('cheap', 0.01, { concurrency: 2 }), anAgent('dear', 0.5)];
    expect(choose(agents, request(), router(), { cheap: full }).names).toEqual(['dear', 'cheap']);
  });

  it('waits for people until they are at work', () => {
    const hours = { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '17:00' } as const;
    const person = anAgent('ada', 0, { hours });
    expect(choose([person]).names).toEqual(['ada']);
    const night = choose([person], request({}, { now: Date.UTC(2030, 0, 2, 20) }));
    expect(night.fault).toMatchObject({ class: 'unavailable', retryAfterMs: 13 * 3_600_000 });
  });

  it('is asked of those who are named, and of those who are fallen back on', () => {
    const agents = [anAgent('a', 0.01), anAgent('b', 0.5), anAgent('c', 0.1)];
    const asked = request({ agents: ['b', 'a'], fallback: ['c', 'nobody'] });
    const { names, lost, note } = choose(agents, asked, router(), { b: shut('open', 1) });
    expect([names, lost['nobody'], note.order]).toEqual([['a', 'c'], 'is no agent of this system', 'named']);
  });
});

describe('rules', () => {
  const agents = [anAgent('cheap', 0.01), anAgent('good', 0.02), anAgent('dear', 0.5)];
  const sights = {
    cheap: seen(recordOf([...times(5, {}), ...times(5, { fault: 'schema-mismatch' as const })])),
    good: seen(recordOf(times(10, {}))),
  };

  it.each([
    [{ prefer: 'cost' }, ['cheap', 'good', 'dear']],
    [{ prefer: 'quality' }, ['good', 'cheap', 'dear']],
    [{ prefer: 'order' }, ['cheap', 'good', 'dear']],
    [{ weights: { quality: 1 } }, ['good', 'cheap', 'dear']],
    [{ weights: { cost: 9, quality: 1 } }, ['cheap', 'good', 'dear']],
  ] as const)('%j', (options, names) => {
    expect(choose(agents, request(), router(options), sights).names).toEqual(names);
  });

  it('are told in the note, with the figures', () => {
    const rules = router({ weights: { cost: 1, quality: 1 } });
    const { note } = choose(agents, request(), rules, sights);
    expect(note).toMatchObject({ rules: rules.hash, order: 'weights' });
    expect(note.scores[0]).toEqual({
      ...{ agent: 'cheap', estimate: 10_000, expected: 10_000, attempts: 10, accepted: 5, score: 0.75 },
    });
  });

  it('are the same rules only if they say the same', () => {
    expect(router().hash).toBe(router({ prefer: 'cost' }).hash);
    expect(router().hash).not.toBe(router({ prefer: 'quality' }).hash);
  });

  it.each([
    [{ prefer: 'luck' }, 'router.prefer'],
    [{ preffer: 'cost' }, 'router.preffer'],
    [{ prefer: 'cost', weights: { cost: 1 } }, 'router.weights'],
    [{ weights: { cost: -1 } }, 'router.weights.cost'],
    [{ weights: {} }, 'router.weights'],
    [{ weights: { cost: 1e308, quality: 1e308 } }, 'router.weights'],
    [{ weights: { cost: 5e-324, quality: 0 } }, 'router.weights'],
    [
      {
        experiments: [
          {
            ...{ id: 'x', capability: 'c', guardrail: null },
            arms: { a: { agent: 'a', share: 50 }, b: { agent: 'b', share: 50 } },
          },
        ],
      },
      'router.experiments[0].guardrail',
    ],
    [
      { experiments: [{ id: 'x', capability: 'w', arms: { a: { agent: 'a', share: 100 } } }] },
      'router.experiments[0].arms',
    ],
    [
      {
        experiments: [
          { id: 'x', capability: 'w', arms: { a: { agent: 'a', share: 50 }, b: { agent: 'b', share: 49 } } },
        ],
      },
      'router.experiments[0].arms',
    ],
    [
      {
        experiments: [
          { id: 'x', capability: 'w', arms: { a: { agent: 'a', share: 50 }, b: { agent: 'a', share: 50 } } },
        ],
      },
      'router.experiments[0].arms',
    ],
    [
      {
        experiments: [
          {
            id: 'x',
            capability: 'w',
            arms: { a: { agent: 'a', share: 0.001 }, b: { agent: 'b', share: 99.999 } },
          },
        ],
      },
      'router.experiments[0].arms.a.share',
    ],
    [
      {
        experiments: [
          {
            id: 'x',
            capability: 'w',
            guardrail: { faults: 2 },
            arms: { a: { agent: 'a', share: 50 }, b: { agent: 'b', share: 50 } },
          },
        ],
      },
      'router.experiments[0].guardrail.faults',
    ],
    [{ shadows: [{ agent: 'a', of: 'a', share: 1 }] }, 'router.shadows[0].of'],
    [{ shadows: [{ agent: 'a', of: 'b', share: 101 }] }, 'router.shadows[0].share'],
    [{ shadows: [{ agent: 'a', of: 'b', share: 1, compare: ['text'] }] }, 'router.shadows[0].compare[0]'],
  ])('that make no sense are refused: %j', (options, path) => {
    expect(() => router(options as never)).toThrow(expect.objectContaining({ path }) as Error);
  });
});

describe('experiments', () => {
  const agents = [anAgent('old', 0.5), anAgent('new', 0.9), anAgent('third', 0.01)];
  const experiment = {
    ...{ id: 'trial', capability: 'write', guardrail: { faults: 0.2, after: 10 } },
    arms: { a: { agent: 'old', share: 70 }, b: { agent: 'new', share: 30 } },
  };
  const rules = router({ experiments: [experiment] });
  const armIn = (run: string, given = rules): string =>
    choose(agents, request({}, { run }), given).note.experiment!.arm;

  it('deal 10,000 runs as the shares say, to one in a hundred', () => {
    let dealt = 0;
    for (let run = 0; run < 10_000; run++)
      if (armOf(rules.experiments[0]!, { run: `w/${run}`, task: 't' }).arm.name === 'b') dealt++;
    expect(Math.abs(dealt - 3000)).toBeLessThan(100);
  });

  it('deal a run the same, every time and for every task of it', () => {
    const runs = Array.from({ length: 50 }, (_, i) => `w/${i}`);
    const arms = runs.map((run) => armIn(run));
    expect(new Set(arms)).toEqual(new Set(['a', 'b']));
    expect(runs.map((run) => armIn(run, router({ experiments: [experiment] })))).toEqual(arms);
    const tasks = new Set(
      runs.map((task) => choose(agents, request({}, { task }), rules).note.experiment!.arm),
    );
    expect(tasks.size).toBe(1);
  });

  it('deal a run within a run as that, however deep it is', () => {
    const runs = Array.from({ length: 50 }, (_, i) => `w/${i}`);
    const arms = runs.map((run) => armIn(run));
    for (const path of ['c', 'm/3', 'l/1/c/x'])
      expect(runs.map((run) => armIn(`${run}/${path}`))).toEqual(arms);
    const each = router({ experiments: [{ ...experiment, sticky: 'task' }] });
    const within = new Set(runs.map((run, i) => armIn(`${run.replace(/\d+/, '0')}/m/${i}`, each)));
    expect(within.size).toBe(2);
  });

  it('are dealt independently of each other', () => {
    const other = router({ experiments: [{ ...experiment, id: 'other' }] });
    const runs = Array.from({ length: 200 }, (_, i) => `w/${i}`);
    expect(runs.some((run) => armIn(run) !== armIn(run, other))).toBe(true);
  });

  it('put the agent of the arm first, and the others behind it', () => {
    const run = Array.from({ length: 50 }, (_, i) => `w/${i}`).find((each) => armIn(each) === 'b')!;
    const { names, note } = choose(agents, request({}, { run }), rules);
    expect(names).toEqual(['new', 'third', 'old']);
    expect(note.experiment).toEqual({ id: 'trial', arm: 'b', bucket: bucketOf('trial', run) });
  });

  it('stop an arm whose faults are too many, and say so', () => {
    const run = Array.from({ length: 50 }, (_, i) => `w/${i}`).find((each) => armIn(each) === 'b')!;
    const faulty = seen(recordOf([...times(7, {}), ...times(3, { fault: 'crash' as const })]));
    const { names, lost, note } = choose(agents, request({}, { run }), rules, { new: faulty });
    expect(names).toEqual(['third', 'old']);
    expect(lost['new']).toBe('arm b of trial is stopped: 3 of 10 attempts had faults');
    expect(note.experiment).toMatchObject({ arm: 'b', left: lost['new'] });
    const fine = seen(recordOf([...times(8, {}), ...times(2, { fault: 'crash' as const })]));
    expect(choose(agents, request({}, { run }), rules, { new: fine }).names[0]).toBe('new');
  });

  it('do not stop the last who is there', () => {
    const faulty = seen(recordOf(times(10, { fault: 'crash' })));
    expect(choose([agents[1]!], request(), rules, { new: faulty }).names).toEqual(['new']);
  });

  it('say why the agent of the arm was left', () => {
    const run = Array.from({ length: 50 }, (_, i) => `w/${i}`).find((each) => armIn(each) === 'b')!;
    const { note } = choose(agents, request({}, { run }), rules, { new: shut('open', 5) });
    expect(note.experiment).toMatchObject({ arm: 'b', left: 'new is passed over' });
  });
});

describe('shadows', () => {
  const agents = staffOf(
    anAgent('main', 0.5),
    anAgent('try', 0.9),
    anAgent('unfit', 0, { inputSchema: { type: 'object', required: ['x'] } }),
  );
  const shadowed = (shadows: object[], asked = request()) => {
    const rules = router({ shadows: shadows as never });
    const { candidates } = route(agents, asked, rules, new Map());
    const chosen = candidates.find(({ agent: { name } }) => name === 'main');
    return shadowsOf(agents, chosen!, asked, rules);
  };

  it.each([
    ['an agent', { agent: 'try', of: 'main', share: 100 }, 1],
    ['a capability', { agent: 'try', of: 'write', share: 100 }, 1],
    ['another', { agent: 'try', of: 'read', share: 100 }, 0],
    ['nobody, in most tasks', { agent: 'try', of: 'main', share: 0 }, 0],
  ])('stand behind %s', (_, rule, count) => {
    expect(shadowed([rule]).shadows.length).toBe(count);
  });

  it('may cost nothing unless an account pays', () => {
    const [free] = shadowed([{ agent: 'try', of: 'main', share: 100 }]).shadows;
    const [paid] = shadowed([{ agent: 'try', of: 'main', share: 100, account: 'budget/s' }]).shadows;
    expect([free!.maxCost, paid!.maxCost]).toEqual([0, 900_000]);
  });

  it('are left out, and it is said why, when they could not do it', () => {
    expect(
      shadowed([
        { agent: 'unfit', of: 'main', share: 100 },
        { agent: 'gone', of: 'main', share: 100 },
      ]),
    ).toEqual({
      shadows: [],
      passedOver: [
        { agent: 'unfit', why: 'as a shadow: the input breaks its contract' },
        { agent: 'gone', why: 'as a shadow: is no agent of this system' },
      ],
    });
  });

  it('are not asked when the task has asked before', () => {
    const rule = { agent: 'try', of: 'main', share: 100 };
    expect(shadowed([rule], request({}, { tried: ['try'] })).shadows).toEqual([]);
  });
});

describe('the choice', () => {
  const agentOf = fc.record({ cost: fc.nat(5), concurrency: fc.constantFrom(1, 3), window: fc.nat(3) });
  const sightOf = fc.record({
    refuses: fc.constantFrom('open', 'limit', undefined),
    wait: fc.nat(1000),
    running: fc.nat(3),
    good: fc.nat(12),
    bad: fc.nat(12),
  });

  it('follows from what is given alone, and changes nothing of it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(agentOf, sightOf), { minLength: 1, maxLength: 5 }),
        fc.constantFrom<Router>(
          router(),
          router({ prefer: 'quality' }),
          router({ weights: { cost: 1, quality: 2, availability: 1 } }),
          router({
            experiments: [
              {
                id: 'x',
                capability: 'write',
                guardrail: { faults: 0.3, after: 5 },
                arms: { a: { agent: 'a0', share: 50 }, b: { agent: 'a1', share: 50 } },
              },
            ],
          }),
        ),
        fc.string({ minLength: 1 }),
        (given, rules, run) => {
          const agents = given.map(([{ cost, concurrency }], i) =>
            anAgent(`a${i}`, cost / 100, { concurrency }),
          );
          const sights = new Map(
            given.map(([, { refuses, wait, running, good, bad }], i): [string, Sight] => [
              `a${i}`,
              {
                gates: [
                  {
                    address: 'g',
                    outlook: { refuses, retryAfterMs: wait, free: refuses === undefined ? 1 : 0 },
                  },
                ],
                running,
                record: recordOf([
                  ...times(good, { cost: 5, estimate: 3 }),
                  ...times(bad, { fault: 'timeout' as const }),
                ]),
              },
            ]),
          );
          const asked = request({}, { run });
          const before = JSON.stringify([asked, [...sights], rules]);
          const first = route(staffOf(...agents), asked, rules, sights);
          const again = route(
            staffOf(...agents.toReversed()),
            asked,
            rules,
            new Map([...sights].toReversed()),
          );
          expect(again.note).toEqual(first.note);
          expect(again.candidates).toEqual(first.candidates);
          expect(JSON.stringify([asked, [...sights], rules])).toBe(before);
          // Everybody is accounted for, once.
          const all = [
            ...first.candidates.map(({ agent: { name } }) => name),
            ...first.passedOver.map(({ agent: name }) => name),
          ];
          expect(all.toSorted()).toEqual(agents.map(({ name }) => name).toSorted());
        },
      ),
      { numRuns: 200 },
    );
  });
});
