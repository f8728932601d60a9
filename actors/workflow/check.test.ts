// The lie: "a workflow that makes no sense is refused before it runs, and the refusal says where and how to mend it". Malformed
// graphs, each with the exact place and words; and graphs that look odd and are right, which must not be refused.
import { describe, expect, it } from 'vitest';
import { fromPromise } from 'xstate';
import { strategies } from '../../machines/faults/strategies.ts';
import { InvalidWorkflow } from '../errors.ts';
import { vote } from '../verifiers/vote.ts';
import { branch, call, gate, join, loop, map, task } from './declaration.ts';
import { from } from './reference.ts';
import { workflow } from './workflow.ts';

/** What is wrong with it, as `place: words`. */
function refusal(options: object): readonly string[] {
  try {
    workflow(options as never);
  } catch (error) {
    if (!(error instanceof InvalidWorkflow)) throw error;
    return error.problems.map(({ pointer, detail }) => `${pointer}: ${detail}`);
  }
  return [];
}

const flow = (tasks: object, rest: object = {}): readonly string[] => refusal({ id: 'flow', tasks, ...rest });
const does = (options: object = {}) => task({ capability: 'x', ...options });
const yes = () => true;
const OFFICE = {
  zone: 'Europe/Zurich',
  hours: {
    mon: ['09:00-17:00'],
    tue: ['09:00-17:00'],
    wed: ['09:00-17:00'],
    thu: ['09:00-17:00'],
    fri: ['09:00-17:00'],
  },
};

const object = (properties: object, rest: object = {}) => ({ type: 'object', properties, ...rest });
const closed = (properties: object, rest: object = {}) =>
  object(properties, { additionalProperties: false, ...rest });
const text = { type: 'string' };
const number = { type: 'number' };

const PARTS = { pointer: '#/t', maxTokens: 3, overlap: 0, finest: 'word', merge: { n: 'sum' } };

const looking = { name: 'looking', version: 1, check: () => ({ ok: true }) };
const other = fromPromise(() => Promise.resolve({})) as never;
const inner = workflow({
  id: 'inner',
  inputSchema: { type: 'object', properties: { topic: { type: 'string' } }, required: ['topic'] },
  tasks: { a: task({ agent: 'x' }) },
});

const around: Record<string, unknown> = {};
around['tree'] = around;

const SIZED = {
  id: 'sized',
  outputSchema: { type: 'object', properties: { n: { type: 'number' } } },
  tasks: { a: task({ agent: 'x' }) },
} as const;
const sized = workflow(SIZED);

const size = (rest: object = {}) =>
  branch({ needs: ['a'], arms: { small: yes, large: yes }, otherwise: 'fail', ...rest } as never);

describe('refused, with the place and how to mend it', () => {
  const MALFORMED: readonly (readonly [situation: string, told: readonly string[], problem: string])[] = [
    [
      'a circle',
      flow({ a: does({ needs: ['c'] }), b: does({ needs: ['a'] }), c: does({ needs: ['b'] }) }),
      '#/tasks/a/needs: is a circle: a → b → c → a. For what is done again there is loop(…)',
    ],
    [
      'a circle behind others',
      flow({ a: does({ needs: ['b'] }), b: does({ needs: ['c'] }), c: does({ needs: ['b'] }) }),
      '#/tasks/b/needs: is a circle: b → c → b. For what is done again there is loop(…)',
    ],
    [
      'a wait for the others where there are none',
      flow({ a: does({ joinWithin: '1 hour' }) }),
      '#/tasks/a/joinWithin: joins nothing: it needs nobody',
    ],
    [
      'losers where there are none',
      flow({ a: does({ losers: 'keep' }) }),
      '#/tasks/a/losers: joins nothing: it needs nobody',
    ],
    [
      'a list of nobody',
      flow({ a: task({ agent: [] }) }),
      '#/tasks/a/agent: must be the name of an agent, or a list of at least one',
    ],
    [
      'a strategy without rows',
      flow({ a: does({ strategy: { name: 'x', rows: {} } }) }),
      "#/tasks/a/strategy/rows/rate-limit: strategy: rows['rate-limit'] is missing: say what is done about it, but is undefined",
    ],
    [
      'a strategy of a workflow with a rung that is none',
      flow(
        { a: does() },
        { strategy: { name: 'x', rows: { ...strategies.standard.rows, timeout: [{ do: 'hope' }] } } },
      ),
      `#/strategy/rows/timeout/0/do: strategy: rows['timeout'][0].do must be one of retry, wait, repair, ask-again, other-agent, larger-window, chunk, review, accept, stale, default, fail, park, but is "hope"`,
    ],
    ...[{}, null, undefined, { name: 'x', version: 1 }, { ...looking, others: {} }].map(
      (verifier): [string, readonly string[], string] => [
        `what is no verifier: ${JSON.stringify(verifier)}`,
        flow({ a: does({ verify: [looking, verifier] }) }),
        '#/tasks/a/verify/1: must be a verifier: an object with name, version and check',
      ],
    ),
    [
      'tries without an end',
      flow({ a: does({ retry: { times: Infinity } }) }),
      '#/tasks/a/retry/times: must have an end',
    ],
    [
      'delays of which the longest is shorter than the first',
      flow({ a: does({ retry: { times: 3, first: '10 minutes', atMost: '1 second' } }) }),
      '#/tasks/a/retry/atMost: is shorter than the first delay',
    ],
    [
      'a quorum that nobody reaches',
      flow({ a: gate({ role: 'x', quorum: Infinity }) }),
      '#/tasks/a/quorum: must have an end',
    ],
    [
      'a beginning that the reducer cannot add to',
      flow({ a: does() }, { shared: { s: { reduce: 'sum', initial: 'x' } } }),
      "#/shared/s/initial: cannot be what it begins with: 'sum' is for numbers",
    ],
    [
      'a beginning that cannot be kept',
      flow({ a: does() }, { shared: { s: { initial: { on: yes } } } }),
      '#/shared/s/initial: cannot be what it begins with: #/on is a function (yes), so it could not come back equal from the store; name it in the code (an action, guard or actor) and store the name',
    ],
    ...['map', 'loop'].map((kind): [string, readonly string[], string] => [
      `other logic in a ${kind}`,
      flow({
        a:
          kind === 'map' ? map({ over: () => [], each: other }) : loop({ body: other, until: yes, times: 2 }),
      }),
      `#/tasks/a/${kind === 'map' ? 'each' : 'body'}: must be a task, or a workflow; what calls other logic can be a workflow with one call(…)`,
    ]),
    [
      'a constant that breaks the schema of a workflow within it',
      flow({ a: call({ workflow: inner, input: { topic: 5 } }) }),
      '#/tasks/a/input/topic: must be string',
    ],
    [
      'a part that such a workflow lacks',
      flow({ a: loop({ body: inner, until: yes, times: 2, input: {} }) }),
      "#/tasks/a/input: lacks 'topic', which its schema requires",
    ],
    [
      'an input of the run that such a workflow does not take',
      flow({ a: call({ workflow: inner }) }, { inputSchema: closed({ topic: number }) }),
      '#/tasks/a/input/topic: is number in the input of the run, and must be string',
    ],
    [
      'an input by names that lacks what the schema requires',
      flow({
        a: does(),
        b: does(),
        c: does({ needs: ['a', 'b'], inputSchema: object({}, { required: ['text'] }) }),
      }),
      "#/tasks/c/input: is what it needs, by name: a, b; its schema requires 'text': say the input part by part",
    ],
    [
      'an input by names that the schema does not have',
      flow({ a: does(), b: does(), c: does({ needs: ['a', 'b'], inputSchema: closed({ a: object({}) }) }) }),
      "#/tasks/c/input: is what it needs, by name: a, b; its schema has no 'b': say the input part by part",
    ],
    [
      'an input by names with an output of another type',
      flow({
        a: does({ outputSchema: object({}) }),
        b: does(),
        c: does({ needs: ['a', 'b'], inputSchema: object({ a: text }) }),
      }),
      "#/tasks/c/input/a: is object in 'a', and must be string",
    ],
    ['a node that needs itself', flow({ a: does({ needs: ['a'] }) }), '#/tasks/a/needs/0: needs itself'],
    [
      'a need that is nobody',
      flow({ a: does(), b: does({ needs: ['aa'] }) }),
      "#/tasks/b/needs/0: needs 'aa', which is none of a, b",
    ],
    [
      'a need that is there twice',
      flow({ a: does(), b: does({ needs: ['a', { node: 'a', onError: 'skip' }] }) }),
      "#/tasks/b/needs/1: needs 'a' twice",
    ],
    [
      'an arm that is not there',
      flow({ a: does(), size: size(), b: does({ needs: ['size.medium'] }) }),
      "#/tasks/b/needs/0: needs the arm 'medium' of 'size', which has small, large",
    ],
    [
      'an arm of what is no branch',
      flow({ a: does(), b: does({ needs: ['a.small'] }) }),
      "#/tasks/b/needs/0: needs an arm of 'a', which is no branch",
    ],
    [
      'a branch that does not say what happens otherwise',
      flow({ a: does(), size: size({ otherwise: undefined }) }),
      "#/tasks/size/otherwise: is missing: say which arm is chosen when none holds, or 'fail'",
    ],
    [
      'a branch whose otherwise is no arm',
      flow({ a: does(), size: size({ otherwise: 'medium' }) }),
      "#/tasks/size/otherwise: must be 'fail', or one of small, large",
    ],
    [
      'a loop without a bound',
      flow({ a: loop({ body: does(), until: yes } as never) }),
      '#/tasks/a/times: must be a whole number from 1 on: a loop must have a bound',
    ],
    [
      'a loop that never ends',
      flow({ a: loop({ body: does(), until: yes, times: Infinity }) }),
      '#/tasks/a/times: must be a whole number from 1 on: a loop must have a bound',
    ],
    [
      'a loop that does not say when it is good',
      flow({ a: loop({ body: does(), times: 3 } as never) }),
      '#/tasks/a/until: must be a function that says whether an output is good enough',
    ],
    [
      'a vote of more than are named',
      flow({
        a: task({ agent: ['x', 'y'], fallback: ['x'], verify: [vote({ of: 3, agree: 2, on: ['#/n'] })] }),
      }),
      '#/tasks/a/verify/0/of: asks for the answers of 3 agents, and 2 can be asked: x, y, x',
    ],
    [
      'a vote on what no answer has',
      flow({
        a: does({
          outputSchema: {
            type: 'object',
            properties: { rows: { type: 'array', items: { type: 'object' } } },
            additionalProperties: false,
          },
          verify: [vote({ agree: 2, on: ['#/rows/*/n', '#/sum'] })],
        }),
      }),
      '#/tasks/a/verify/0/on/1: compares #/sum, where the output schema has nothing',
    ],
    [
      'parts, none at once',
      flow({ a: does({ chunk: { ...PARTS, concurrency: 0 } }) }),
      '#/tasks/a/chunk: must be made with chunk(…): chunk.concurrency must be a whole number from 1 on',
    ],
    [
      'a map without items',
      flow({ a: map({ each: does() } as never) }),
      '#/tasks/a/over: must be a function that gives the items',
    ],
    [
      'a map over everything at once',
      flow({ a: map({ over: () => [], each: does(), concurrency: Infinity }) }),
      '#/tasks/a/concurrency: must have an end',
    ],
    [
      'a body with needs',
      flow({ a: map({ over: () => [], each: does({ needs: ['b'] }) }), b: does() }),
      '#/tasks/a/each/needs: means nothing; there are capability, agent, context, inputSchema, outputSchema, timeout, deadline, quality, maxCost, fallback, strategy, retry, verify, reviewers, compensate, chunk, router, labels, about, review, onError',
    ],
    [
      'a join that asks for more than there is',
      flow({ a: does(), b: does({ needs: ['a'], join: { atLeast: 2 } }) }),
      '#/tasks/b/join/atLeast: asks for 2 of 1: it would never begin',
    ],
    [
      'a join of nobody',
      flow({ a: join({ join: 'any' }) }),
      '#/tasks/a/join: joins nothing: it needs nobody',
    ],
    [
      'a join that asks for arms which exclude each other',
      flow({
        a: does(),
        size: size(),
        b: does({ needs: ['size.small', 'a'] }),
        s: does({ needs: ['size.small'] }),
        l: does({ needs: ['size.large'] }),
        z: join({ needs: ['s', 'l'], join: { atLeast: 2 } }),
      }),
      '#/tasks/z/join: asks for 2 of 2 needs, and they exclude each other: on no way there are that many. It would never begin',
    ],
    [
      'two that write under one name',
      flow(
        { a: does({ writes: { found: '' } }), b: does({ writes: { found: '' } }) },
        { shared: { found: {} } },
      ),
      "#/tasks/b/writes/found: writes 'found', which 'a' writes too: say how the two become one in shared",
    ],
    [
      'one that writes what is not shared',
      flow({ a: does({ writes: { found: '' } }) }),
      "#/tasks/a/writes/found: writes 'found', which is not among shared: nothing is",
    ],
    [
      'a reducer that nobody knows',
      flow({ a: does() }, { shared: { found: { reduce: 'mean' } } }),
      '#/shared/found/reduce: must be one of last, append, union, sum, max, min, merge',
    ],
    [
      'a part of what is not needed',
      flow({ a: does(), b: does(), c: does({ needs: ['a'], input: { text: from('b') } }) }),
      "#/tasks/c/input/text: takes from the node 'b', which it does not need: add it to needs",
    ],
    [
      'a part of what is not there',
      flow({ a: does(), c: does({ needs: ['a'], input: { text: from('b') } }) }),
      "#/tasks/c/input/text: takes from the node 'b', which it does not need: there is a, c",
    ],
    [
      'a part of an arm that may not be chosen',
      flow({
        a: does(),
        size: size(),
        s: does({ needs: ['size.small'] }),
        l: does({ needs: ['size.large'] }),
        z: does({ needs: ['s', 'l'], input: { text: from('s', '/text') } }),
      }),
      "#/tasks/z/input/text: takes from the node 's', which may have no output when this begins (it may be skipped): make the input with a function, which can look",
    ],
    [
      'a part of what depends on a condition',
      flow({
        a: does(),
        b: does({ needs: ['a'], when: yes }),
        c: does({ needs: ['a', 'b'], input: { text: from('b') } }),
      }),
      "#/tasks/c/input/text: takes from the node 'b', which may have no output when this begins (its condition does not hold): make the input with a function, which can look",
    ],
    [
      'a part of what may fail',
      flow({
        a: does(),
        b: does({ onError: 'absent' }),
        c: does({ needs: ['a', 'b'], input: { text: from('b') } }),
      }),
      "#/tasks/c/input/text: takes from the node 'b', which may have no output when this begins (its failure is let pass): make the input with a function, which can look",
    ],
    [
      'a part of what is not waited for',
      flow({ a: does(), b: does(), c: does({ needs: ['a', 'b'], join: 'any', input: { text: from('b') } }) }),
      "#/tasks/c/input/text: takes from the node 'b', and the join may go on without it: make the input with a function, which can look",
    ],
    [
      'an input that lacks what its schema requires',
      flow({ a: does({ input: {}, inputSchema: object({ topic: text }, { required: ['topic'] }) }) }),
      "#/tasks/a/input: lacks 'topic', which its schema requires",
    ],
    [
      'an input with more than its schema has',
      flow({ a: does({ input: { topik: 'x' }, inputSchema: closed({ topic: text }) }) }),
      '#/tasks/a/input/topik: is not in its schema, which has topic',
    ],
    [
      'a part of another type',
      flow({
        a: does({ outputSchema: object({ count: number }) }),
        b: does({
          needs: ['a'],
          input: { topic: from('a', '/count') },
          inputSchema: object({ topic: text }),
        }),
      }),
      "#/tasks/b/input/topic: is number in 'a', and must be string",
    ],
    [
      'a part of the input of the run that its schema does not have',
      flow({ a: does({ input: { topic: from.input('/topik') } }) }, { inputSchema: closed({ topic: text }) }),
      '#/tasks/a/input/topic: is taken at /topik of the input of the run, where its schema has nothing',
    ],
    [
      'a constant of another type',
      flow({ a: does({ input: { topic: 7 }, inputSchema: object({ topic: text }) }) }),
      '#/tasks/a/input/topic: must be string',
    ],
    [
      'a whole output without what is required',
      flow({
        a: does({ outputSchema: closed({ text }) }),
        b: does({ needs: ['a'], inputSchema: object({ topic: text }, { required: ['topic'] }) }),
      }),
      "#/tasks/b/input: is 'a', in whose schema there is no 'topic': say the input part by part",
    ],
    [
      'a whole output of another type',
      flow({ a: does({ inputSchema: object({ n: text }) }) }, { inputSchema: object({ n: number }) }),
      '#/tasks/a/input/n: is number in the input of the run, and must be string',
    ],
    [
      'a part of another type, of a workflow that is called',
      flow({
        a: call({ workflow: sized }),
        b: does({ needs: ['a'], input: { n: from('a', '/n') }, inputSchema: object({ n: text }) }),
      }),
      "#/tasks/b/input/n: is number in 'a', and must be string",
    ],
    [
      'a part that what is done again never has',
      flow({
        a: loop({ body: does({ outputSchema: closed({ n: number }) }), until: yes, times: 2 }),
        b: does({ needs: ['a'], input: { n: from('a', '/m') } }),
      }),
      "#/tasks/b/input/n: is taken at /m of 'a', where its schema has nothing",
    ],
    [
      'a whole output of another type, of a workflow that is done again',
      flow({
        a: loop({ body: sized, until: yes, times: 2 }),
        b: call({ needs: ['a'], workflow: workflow({ ...SIZED, inputSchema: object({ n: text }) }) }),
      }),
      "#/tasks/b/input/n: is number in 'a', and must be string",
    ],
    ...(
      [
        ['of another type', object({ n: text }), '/n: is number in what it gives, and must be string'],
        [
          'without what is required',
          closed({ n: number, m: text }, { required: ['m'] }),
          ": is what it gives, in whose schema there is no 'm': say with next what the next time is given",
        ],
        [
          'with more than is taken',
          closed({}),
          ": is what it gives, which always has 'n', and must not be given it: say with next what the next time is given",
        ],
      ] as const
    ).map(
      ([what, inputSchema, words]) =>
        [
          `what is done again with its own output, ${what}`,
          flow({
            a: loop({
              body: does({ inputSchema, outputSchema: closed({ n: number }, { required: ['n'] }) }),
              ...{ input: () => ({}), until: yes, times: 2 },
            }),
          }),
          `#/tasks/a/next${words}`,
        ] as const,
    ),
    [
      'a workflow that is done again with its own output',
      flow({
        a: loop({
          body: workflow({ ...SIZED, inputSchema: object({ n: text }) }),
          ...{ input: { n: 'x' }, until: yes, times: 2 },
        }),
      }),
      '#/tasks/a/next/n: is number in what it gives, and must be string',
    ],
    [
      'a whole output with more than is taken',
      flow({
        a: does({ outputSchema: object({}, { required: ['n'] }) }),
        b: does({ needs: ['a'], inputSchema: closed({ m: number }) }),
      }),
      "#/tasks/b/input: is 'a', which always has 'n', and must not be given it: say the input part by part",
    ],
    [
      'a whole output with more than may be given',
      flow({
        a: does({ outputSchema: closed({ n: number, m: number }, { required: ['n', 'm'] }) }),
        b: does({ needs: ['a'], inputSchema: closed({ n: number }) }),
      }),
      "#/tasks/b/input: is 'a', which always has 'm', and must not be given it: say the input part by part",
    ],
    [
      'a whole output that is no object, of a workflow that is called',
      flow({
        a: call({ workflow: workflow({ ...SIZED, outputSchema: { type: 'array' } }) }),
        b: does({ needs: ['a'], inputSchema: object({ n: number }) }),
      }),
      "#/tasks/b/input: is array in 'a', and must be object",
    ],
    [
      'a constant that contains itself',
      flow({ a: does({ input: { tree: around } }) }),
      '#/tasks/a/input/tree/tree: contains itself',
    ],
    [
      'a constant that is no data',
      flow({ a: does({ input: { at: { from: new Date(0) } } }) }),
      '#/tasks/a/input/at/from: is an instance of a class: give the plain data that it stands for',
    ],
    [
      'a constant with a part that would have to be taken from somewhere',
      flow({ a: does({ input: { about: { topic: from.input('/topic') } } }) }),
      '#/tasks/a/input/about: must be from(…), a function, or a constant in JSON',
    ],
    [
      'an arm of which nobody knows whether it is one',
      flow({ a: does(), size: size({ arms: { small: yes, fail: yes } }) }),
      "#/tasks/size/otherwise: is 'fail', and so is an arm: give that another name",
    ],
    [
      'nodes that do not stand in the order in which they were written',
      flow({ '01': does(), b2: does(), 1: does() }),
      '#/tasks/1: must have another name: whole numbers stand before all others, the least first',
    ],
    [
      'an arm that is not asked in the order in which it stands',
      flow({ a: does(), size: size({ arms: { small: yes, '01': yes, 9: yes } }) }),
      '#/tasks/size/arms/9: must have another name: whole numbers are asked before all others, the least first',
    ],
    [
      'a budget that is a mere number',
      flow({ a: does() }, { budget: { limit: 5 } }),
      '#/budget: must be made with budget(…)',
    ],
    [
      'a strategy by its name',
      flow({ a: does() }, { strategy: 'finance' }),
      '#/strategy: must be a strategy: one of strategies, or made with strategy(…) or extend(…)',
    ],
    [
      'a task that nobody could do',
      flow({ a: task({}) }),
      '#/tasks/a: says neither a capability nor an agent: nobody could do it',
    ],
    [
      'a calendar that makes no sense',
      flow({ a: gate({ role: 'editor', within: '8 hours' }) }, { calendar: { ...OFFICE, zone: 'Mars' } }),
      "#/calendar/zone: must be a time zone, as 'Europe/Zurich' or 'UTC'",
    ],
    [
      'a calendar in which nobody works',
      flow({ a: gate({ role: 'editor', within: '8 hours', calendar: { zone: 'UTC', hours: { mon: [] } } }) }),
      '#/tasks/a/calendar/hours: has no working time at all: nothing would ever be due',
    ],
    [
      'hours over midnight',
      flow({
        a: gate({ role: 'x', remind: [1], calendar: { zone: 'UTC', hours: { sat: ['22:00-06:00'] } } }),
      }),
      "#/tasks/a/calendar/hours/sat/0: must end after they begin: hours over midnight are two, '22:00-24:00' on sat and '00:00-06:00' on sun",
    ],
    [
      'a calendar by which nothing is counted',
      flow({ a: gate({ role: 'editor', calendar: OFFICE }) }),
      '#/tasks/a/calendar: counts nothing: say within, or remind',
    ],
    ...['2 days', '1 week', { days: 1 }].map(
      (within) =>
        [
          'working days, which are no days',
          flow({ a: gate({ role: 'editor', within: within as never }) }, { calendar: OFFICE }),
          '#/tasks/a/within: must be in hours: a day of 24 hours is not what a working day is, and which of the two is meant cannot be told',
        ] as const,
    ),
    [
      'a reminder in days',
      flow({ a: gate({ role: 'editor', remind: ['1 hour', '1 day'], calendar: OFFICE }) }),
      '#/tasks/a/remind/1: must be in hours: a day of 24 hours is not what a working day is, and which of the two is meant cannot be told',
    ],
    [
      'a review of a task whose others are never asked',
      flow({ a: does({ review: { escalateTo: 'boss' } }) }),
      '#/tasks/a/review/escalateTo: is never reached: say within which time others have to decide',
    ],
    [
      'a review of a task with a field that is misspelt',
      flow({ a: does({ review: { witin: '1 hour' } as never }) }),
      '#/tasks/a/review/witin: means nothing; there are within, escalateTo, escalatedWithin, remind, onExpire, calendar',
    ],
    [
      'a review of a task that is none',
      flow({ a: does({ review: 'editor' as never }) }),
      '#/tasks/a/review: must be an object with within, escalateTo, escalatedWithin, remind, onExpire, calendar',
    ],
    [
      'a review of what is done for each in working days',
      flow(
        { a: map({ over: () => [], each: does({ review: { within: '2 days' } }) }) },
        { calendar: OFFICE },
      ),
      '#/tasks/a/each/review/within: must be in hours: a day of 24 hours is not what a working day is, and which of the two is meant cannot be told',
    ],
    [
      'more working time than anybody lives to see',
      flow({ a: gate({ role: 'editor', within: '9000 hours', escalateTo: 'boss', calendar: OFFICE }) }),
      '#/tasks/a/within: takes more than 400 weeks of working time',
    ],
    [
      'a gate at which everybody would have to approve',
      flow({ a: gate({ role: 'editor', quorum: Infinity }) }),
      '#/tasks/a/quorum: must have an end',
    ],
    [
      'a gate that waits for ever, in its own words',
      flow({ a: gate({ role: 'editor', within: Infinity }) }),
      '#/tasks/a/within: must have an end',
    ],
    [
      'a gate that nobody lives to see the end of',
      flow({ a: gate({ role: 'editor', within: '5300 weeks' }) }),
      '#/tasks/a/within: must be at most 100 years',
    ],
    [
      'a gate with half a millisecond',
      flow({ a: gate({ role: 'editor', within: 1.5 }) }),
      '#/tasks/a/within: must be whole milliseconds',
    ],
    [
      'a reminder when its time is over',
      flow({ a: gate({ role: 'editor', within: '1 hour', remind: ['30 minutes', '2 hours'] }) }),
      '#/tasks/a/remind/1: is never reached: by then its time is over',
    ],
    [
      'a reminder when the time of those is over to whom it is escalated',
      flow({
        a: gate({
          ...{ role: 'editor', within: '1 hour', escalateTo: 'boss', escalatedWithin: '10 minutes' },
          remind: ['70 minutes', '71 minutes'],
        }),
      }),
      '#/tasks/a/remind/1: is never reached: by then its time is over',
    ],
    [
      'a reminder in working time when its time is over',
      flow({ a: gate({ role: 'editor', within: '8 hours', remind: ['9 hours'] }) }, { calendar: OFFICE }),
      '#/tasks/a/remind/0: is never reached: by then its time is over',
    ],
    [
      'a gate that must be shown for as long as there is to decide',
      flow({ a: gate({ role: 'editor', within: '1 hour', escalateTo: 'boss', dwell: '2 hours' }) }),
      '#/tasks/a/dwell: is as long as there is to decide: nobody could ever approve it',
    ],
    [
      'time for those to whom nothing is escalated',
      flow({ a: gate({ role: 'editor', within: '1 hour', escalatedWithin: '1 hour' }) }),
      '#/tasks/a/escalatedWithin: is for nobody: say to whom it is escalated',
    ],
    [
      'what happens when a time is over that never is',
      flow({ a: gate({ role: 'editor', onExpire: 'stay' }) }),
      '#/tasks/a/onExpire: is never reached: say within which time it must be decided',
    ],
    [
      'a task that may take for ever',
      flow({ a: does({ timeout: Infinity }) }),
      '#/tasks/a/timeout: must have an end',
    ],
    [
      'a gate that must be read for a time that is none',
      flow({ a: gate({ role: 'editor', dwell: 'a while' as never }) }),
      '#/tasks/a/dwell: is not a duration: "a while"; write \'10 seconds\'',
    ],
    [
      'a gate with own edits that are not known',
      flow({ a: gate({ role: 'editor', ownEdits: 'never' as never }) }),
      '#/tasks/a/ownEdits: must be one of count, need-another',
    ],
    [
      'a gate that is wrong on purpose at times',
      flow({ a: gate({ role: 'editor', probe: 0.5 as never }) }),
      '#/tasks/a/probe: must be one of true, false',
    ],
    [
      'a gate that bars nobody in particular',
      flow({ a: gate({ role: 'editor', fourEyes: 'ada' as never }) }),
      '#/tasks/a/fourEyes: must be a list of the ids of people, or a function that gives one',
    ],
    [
      'a gate at which nobody may decide',
      flow({ a: gate({} as never) }),
      '#/tasks/a/role: must be a role, or a list of roles: who may decide',
    ],
    [
      'an escalation that is never reached',
      flow({ a: gate({ role: 'editor', escalateTo: 'boss' }) }),
      '#/tasks/a/escalateTo: is never reached: say within which time others have to decide',
    ],
    [
      'an escalation of what is no task',
      flow({ a: gate({ role: 'editor', onError: { escalateTo: 'boss' } }) }),
      '#/tasks/a/onError: escalates, which only tasks can',
    ],
    [
      'a value in the place of an output that could not be kept',
      flow({ a: does({ onError: { value: () => ({}) } }) }),
      '#/tasks/a/onError/value: is a function (value), so it could not come back equal from the store; name it in the code (an action, guard or actor) and store the name',
    ],
    [
      'a value in the place of an output with a part that could not be kept',
      flow({ a: does(), b: does({ needs: [{ node: 'a', onError: { value: { n: yes } } }] }) }),
      '#/tasks/b/needs/0/onError/value/n: is a function (yes), so it could not come back equal from the store; name it in the code (an action, guard or actor) and store the name',
    ],
    [
      'a field that is misspelt',
      flow({ a: does({ neds: [] }) }),
      '#/tasks/a/neds: means nothing; there are needs, join, joinWithin, losers, when, writes, onError, input, capability, agent, context, inputSchema, outputSchema, timeout, deadline, quality, maxCost, fallback, strategy, retry, verify, reviewers, compensate, chunk, router, labels, about, review',
    ],
    [
      'a deadline without an end',
      flow({ a: does({ deadline: Infinity }) }),
      '#/tasks/a/deadline: must have an end',
    ],
    [
      'a wait that nobody lives to see the end of',
      flow({ a: does(), b: does({ needs: ['a'], joinWithin: 1e300 }) }),
      '#/tasks/b/joinWithin: must be at most 100 years',
    ],
    [
      'a duration that is none',
      flow({ a: does({ timeout: 'soon' }) }),
      '#/tasks/a/timeout: is not a duration: "soon"; write \'10 seconds\'',
    ],
    [
      'a name that means something else',
      flow({ input: does() }),
      '#/tasks/input: must have another name: no dots, slashes, percent signs or blanks, and not input, account, failure, __proto__',
    ],
    [
      'a name that is another one in an address',
      flow({ 'top-10%': does() }),
      '#/tasks/top-10%: must have another name: no dots, slashes, percent signs or blanks, and not input, account, failure, __proto__',
    ],
    [
      'a node that was not made with task',
      flow({ a: { capability: 'x' } }),
      '#/tasks/a: must be made with task, gate, map, loop, call, branch, join',
    ],
    [
      'a call of nothing',
      flow({ a: call({} as never) }),
      '#/tasks/a/workflow: must be a workflow, or other logic',
    ],
    [
      'no nodes',
      flow({}),
      '#/tasks: must be an object of nodes by name, with at least one: task(…), gate(…), map(…)',
    ],
  ];

  it.each(MALFORMED)('%s', (_, told, problem) => {
    expect(told).toEqual([problem]);
  });

  it('all of them at once', () => {
    const told = refusal({ id: 'a/b', parallel: 0, tasks: { a: does({ quality: 2, maxCost: -1 }) } });
    expect(told.map((line) => line.split(':')[0])).toEqual([
      '#/id',
      '#/parallel',
      '#/tasks/a/quality',
      '#/tasks/a/maxCost',
    ]);
  });
});

describe('not refused', () => {
  it.each([
    [
      'an arm that nobody needs: nothing is to be done there',
      { a: does(), size: size(), s: does({ needs: ['size.small'] }) },
    ],
    [
      'a join behind both arms',
      {
        a: does(),
        size: size(),
        s: does({ needs: ['size.small'] }),
        l: does({ needs: ['size.large'] }),
        z: join({ needs: ['s', 'l'], join: { atLeast: 1 } }),
      },
    ],
    [
      'a part of what is skipped only together with whoever takes it',
      {
        a: does(),
        b: does({ needs: ['a'], when: yes }),
        c: does({ needs: ['b'], input: { text: from('b', '/text') } }),
      },
    ],
    [
      'a part of what has a value when it fails',
      {
        b: does({ onError: { value: { text: '' } } }),
        c: does({ needs: ['b'], input: { text: from('b', '/text') } }),
      },
    ],
    [
      'a part of what fails the run with it',
      { a: does(), b: does(), c: does({ needs: ['a', 'b'], input: { text: from('b', '/text') } }) },
    ],
    [
      'a part of one of those that all must be complete, by their number',
      {
        b: does(),
        c: does(),
        d: does({ needs: ['b', 'c'], join: { atLeast: 2 }, input: { text: from('b', '/text') } }),
      },
    ],
    [
      'a part of a branch of which any arm will do',
      {
        a: does(),
        size: size(),
        c: does({
          needs: ['size.small', 'size.large'],
          join: 'any',
          input: { text: from('size', '/a/text') },
        }),
      },
    ],
    [
      'a part that a function makes',
      { a: does(), c: does({ needs: ['a'], input: { text: () => 'x', length: 3 } }) },
    ],
    [
      'a whole number where a number is asked for',
      {
        a: does({ outputSchema: object({ n: { type: 'integer' } }) }),
        b: does({ needs: ['a'], input: { n: from('a', '/n') }, inputSchema: object({ n: number }) }),
      },
    ],
    [
      'a place in an open schema that says nothing of it',
      {
        a: does({ outputSchema: object({ n: number }) }),
        b: does({ needs: ['a'], input: { n: from('a', '/m') }, inputSchema: object({ n: number }) }),
      },
    ],
    [
      'an input by names that the schema may take',
      {
        a: does({ outputSchema: object({}) }),
        b: does(),
        c: does({
          needs: ['a', 'b'],
          inputSchema: closed({ a: true }, { patternProperties: { '^b': true } }),
        }),
        d: does({ needs: ['a', 'b'], inputSchema: object({ a: object({}) }, { required: ['b'] }) }),
      },
    ],
    [
      'a part by a name that fits the patterns of a schema',
      {
        a: does({ outputSchema: closed({}, { patternProperties: { '^x': text } }) }),
        b: does({
          needs: ['a'],
          input: { y1: from('a', '/x1'), y2: 'z' },
          inputSchema: closed({}, { patternProperties: { '^y': text } }),
        }),
      },
    ],
    [
      'a constant of a schema that refers to the whole',
      {
        a: does({
          input: { nodes: [{ nodes: [] }] },
          inputSchema: object({ nodes: { type: 'array', items: { $ref: '#' } } }),
        }),
      },
    ],
    [
      'an item of a list whose first ones have schemas of their own',
      {
        a: does({ outputSchema: object({ l: { type: 'array', prefixItems: [text], items: number } }) }),
        b: does({
          needs: ['a'],
          input: { t: from('a', '/l/0'), n: from('a', '/l/1') },
          inputSchema: object({ t: text, n: number }),
        }),
      },
    ],
    [
      'what is done again with something else than its output, or once',
      Object.fromEntries(
        [{ times: 2, next: () => ({ n: 'x' }) }, { times: 1 }].map((more, index) => [
          `a${index}`,
          loop({
            body: does({ inputSchema: object({ n: text }), outputSchema: object({ n: number }) }),
            ...{ input: () => ({ n: 'x' }), until: yes, ...more },
          }),
        ]),
      ),
    ],
    [
      'what is done again with its own output, that fits or may',
      {
        a: loop({
          body: does({
            inputSchema: object({ n: number }),
            outputSchema: object({ n: { type: 'integer' } }),
          }),
          ...{ input: () => ({}), until: yes, times: 2 },
        }),
        b: loop({
          body: does({ inputSchema: object({ n: text }, { required: ['n'] }), outputSchema: object({}) }),
          ...{ input: () => ({}), until: yes, times: 2 },
        }),
      },
    ],
    [
      'names that objects have',
      Object.fromEntries(
        ['toString', 'constructor', 'valueOf', 'prototype'].map((name) => [name, does()] as const),
      ),
    ],
    [
      'a workflow in a list and in a loop',
      {
        a: map({ over: () => [], each: inner }),
        b: loop({ body: inner, until: yes, times: 2, input: () => 1 }),
      },
    ],
  ])('%s', (_, tasks) => {
    expect(flow(tasks)).toEqual([]);
  });

  it('a long way, from whichever end it is written, in a time that grows with it', () => {
    const chain = (length: number): (readonly [string, unknown])[] =>
      Array.from({ length }, (_, at) => [
        `t${at}`,
        does(at === 0 ? {} : { needs: [`t${at - 1}`], input: { x: from(`t${at - 1}`, '/x') } }),
      ]);
    const timeOf = (nodes: readonly (readonly [string, unknown])[]): number => {
      const before = process.cpuUsage().user;
      expect(flow(Object.fromEntries(nodes))).toEqual([]);
      return process.cpuUsage().user - before;
    };
    const short = timeOf(chain(1000));
    // In the square of its length it would take 36 times as long.
    expect(timeOf(chain(6000).toReversed())).toBeLessThan(20 * short);
  });

  it('more ways than anybody can look at, and it takes no time', () => {
    const many: Record<string, unknown> = { a0: does() };
    for (let i = 1; i <= 60; i++) many[`a${i}`] = does({ needs: [`a${i - 1}`], when: yes });
    const needs = Object.keys(many);
    expect(flow({ ...many, z: does({ needs, input: { text: from('a0') } }) })).toEqual([]);
  });
});
