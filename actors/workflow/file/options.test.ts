// The lie: "a file says everything that code can". Every option of every kind of node, and of workflows: what a file says for it, and what
// the workflow then has. The compiler misses an option that is not here, and the checks of workflows must know the same ones.
import { describe, expect, it } from 'vitest';
import { strategies } from '../../../machines/faults/strategies.ts';
import { extend } from '../../../machines/faults/strategy.ts';
import { budget, payersOf } from '../../budgets/budget.ts';
import { InvalidWorkflow } from '../../errors.ts';
import { router } from '../../routing/rules.ts';
import { vote } from '../../verifiers/vote.ts';
import { chunk } from '../../windows/chunking.ts';
import { task } from '../declaration.ts';
import type {
  AnyDeclaration,
  BranchOptions,
  CallOptions,
  GateOptions,
  JoinOptions,
  LoopOptions,
  MapOptions,
  TaskOptions,
  WorkflowOptions,
} from '../declaration.ts';
import { declarationOf, workflow } from '../workflow.ts';
import { workflowFrom } from './file.ts';

/** What a file says for an option, and what is then there. */
interface Said {
  readonly file: unknown;
  readonly is: unknown;
  /** Where it is a function in code: asked, it gives what `is` says. */
  readonly ask?: (option: never) => unknown;
  /** Other options without which it makes no sense. */
  readonly beside?: object;
}
type Every<TOptions> = { readonly [TName in keyof TOptions]-?: Said };

/** What stands for itself. */
const same = (file: unknown, beside: object = {}): Said => ({ file, is: file, beside });
/** What stands for something that code has to make. */
const made = (file: unknown, is: unknown): Said => ({ file, is });
/** What is computed. */
const computed = (file: unknown, ask: (option: never) => unknown, is: unknown): Said => ({ file, ask, is });

const VALUES = { a: { n: 2 } };
const RUN = { input: { x: 1 }, shared: { found: [] }, absent: {} };
type Mapper = (values: typeof VALUES, run: typeof RUN) => unknown;
const asNode = (option: Mapper) => option(VALUES, RUN);
const OBJECT = { type: 'object', properties: { amount: { type: 'number' } } };
const OFFICE = { zone: 'UTC', hours: { mon: ['09:00-17:00'] } };
const ballot = { agree: 2, of: 3, on: ['#/answer'] };
const quotes = vote({ agree: 2, on: ['#/quote'] });
const inner = workflow({ id: 'inner', tasks: { a: task({ capability: 'x' }) } });
const CONTEXT = { verifiers: { quotes }, workflows: { inner } };

const OF_ALL: Every<JoinOptions> = {
  needs: same(['a', { node: 'b', onError: 'absent' }]),
  join: same({ atLeast: 1 }),
  joinWithin: same('1 hour'),
  losers: same('keep'),
  when: computed('${ a.n > 1.0 && input.x == 1.0 }', asNode, true),
  writes: computed(
    { found: '${ output.n + 1 }' },
    ({ found }: { found: (output: object) => unknown }) => found({ n: 2 }),
    3,
  ),
  onError: same({ value: { n: 0 } }),
};

const INPUT = computed(
  { n: '${ a.n * 2 }', all: { x: '${ [input.x] }' }, fixed: 7 },
  ({ n, all, fixed }: { n: Mapper; all: Mapper; fixed: unknown }) => [asNode(n), asNode(all), fixed],
  [4, { x: [1] }, 7],
);

const TASK: Every<TaskOptions> = {
  ...OF_ALL,
  input: INPUT,
  capability: same('write'),
  agent: same(['ann', 'bob']),
  context: same(['a', 'input']),
  inputSchema: same(OBJECT),
  outputSchema: same(OBJECT),
  timeout: same('2 minutes'),
  deadline: same({ hours: 1 }),
  quality: same(0.8),
  maxCost: same(0.5),
  fallback: same(['cyd']),
  router: made({ prefer: 'quality' }, router({ prefer: 'quality' })),
  strategy: made(
    { base: 'finance', rows: { timeout: [{ do: 'fail' }] } },
    extend(strategies.finance, { name: 'finance of f', rows: { timeout: [{ do: 'fail' }] } }),
  ),
  retry: same({ times: 3, first: '1 second', atMost: '1 minute' }),
  chunk: made(
    { pointer: '#/text', maxTokens: 100, overlap: 5, finest: 'sentence', merge: { text: { join: ' ' } } },
    chunk({
      pointer: '#/text',
      maxTokens: 100,
      overlap: 5,
      finest: 'sentence',
      merge: { text: { join: ' ' } },
    }),
  ),
  verify: computed(
    ['quotes', { vote: ballot }],
    ([first, second]: [unknown, { declared: unknown }]) => [first === quotes, second.declared],
    [true, vote(ballot).declared],
  ),
  reviewers: same('editor'),
  review: same({ within: '1 hour', remind: ['10 minutes'], escalateTo: 'boss', calendar: OFFICE }),
  labels: same(['phi']),
  about: computed(
    { amount: '${ input.amount }', kind: 'payment' },
    (about: (input: object) => unknown) => about({ amount: 5000 }),
    { amount: 5000, kind: 'payment' },
  ),
  compensate: computed(
    { capability: 'undo', agent: 'ann', input: { id: '${ output.id }', was: '${ input.n }' } },
    ({ input, ...rest }: { input: (output: object, input: object) => unknown }) => [
      input({ id: 1 }, { n: 2 }),
      rest,
    ],
    [
      { id: 1, was: 2 },
      { capability: 'undo', agent: 'ann' },
    ],
  ),
};

const GATE: Every<GateOptions> = {
  ...OF_ALL,
  input: INPUT,
  title: same('May it?'),
  role: same(['editor', 'chief']),
  quorum: same(2),
  within: same('1 hour'),
  escalateTo: same('boss', { within: '1 hour' }),
  escalatedWithin: same('2 hours', { within: '1 hour', escalateTo: 'boss' }),
  remind: same(['10 minutes', 60_000]),
  calendar: same(OFFICE, { within: '1 hour' }),
  onExpire: same('stay', { within: '1 hour' }),
  editable: same(['/text']),
  schema: same(OBJECT),
  ownRuns: same('allow'),
  fourEyes: computed("${ input.x == 1.0 ? ['ann'] : [] }", asNode, ['ann']),
  ownEdits: same('need-another'),
  dwell: same('10 seconds'),
  probe: same(true),
  about: computed({ amount: '${ a.n }', of: '${ input.x }' }, asNode, { amount: 2, of: 1 }),
};

const MAP: Every<MapOptions> = {
  ...OF_ALL,
  over: computed('${ [a.n, input.x] }', asNode, [2, 1]),
  each: made('inner', inner),
  item: computed(
    { one: '${ item.v }', at: '${ index }' },
    (item: (one: object, index: number) => unknown) => item({ v: 'x' }, 3),
    { one: 'x', at: 3 },
  ),
  concurrency: same(3),
  onItemError: same('collect'),
  reduce: computed(
    { sum: '${ outputs[0].n + outputs[1].n }', of: '${ size(outputs) }' },
    (reduce: (outputs: object[]) => unknown) => reduce([{ n: 1 }, { n: 2 }]),
    { sum: 3, of: 2 },
  ),
};

const TIME = { number: 2, input: { n: 1 }, first: { n: 0 }, before: { n: 5 } };
const asTime = (option: (output: object, time: typeof TIME) => unknown) => option({ n: 9 }, TIME);
const LOOP: Every<LoopOptions> = {
  ...OF_ALL,
  input: INPUT,
  body: made('inner', inner),
  until: computed('${ output.n > before.n && number == 2 }', asTime, true),
  times: same(5),
  next: computed({ n: '${ output.n + first.n }', was: '${ input.n }' }, asTime, { n: 9, was: 1 }),
  whenSpent: same('accept'),
};

const CALL: Every<CallOptions> = { ...OF_ALL, input: INPUT, workflow: made('inner', inner) };

const BRANCH: Every<BranchOptions> = {
  ...OF_ALL,
  arms: computed(
    { some: '${ a.n > 5.0 }', many: '${ a.n > 1.0 }' },
    ({ some, many }: { some: Mapper; many: Mapper }) => [asNode(some), asNode(many)],
    [false, true],
  ),
  otherwise: same('fail'),
};

/** What each kind needs to make sense at all. */
const KINDS: readonly (readonly [
  kind: AnyDeclaration['kind'],
  options: object,
  every: Readonly<Record<string, Said>>,
])[] = [
  ['task', { capability: 'x' }, TASK],
  ['gate', { role: 'editor' }, GATE],
  ['map', { over: '${ a.items }', each: { kind: 'task', capability: 'x' } }, MAP],
  ['loop', { body: { kind: 'task', capability: 'x' }, until: '${ output.ok }', times: 2 }, LOOP],
  ['call', { workflow: 'inner' }, CALL],
  ['branch', { arms: { some: '${ true }' }, otherwise: 'some' }, BRANCH],
  ['join', {}, OF_ALL],
];

const WORKFLOW: Every<WorkflowOptions<never>> = {
  id: same('other'),
  tasks: computed(
    { a: { kind: 'join' }, b: { kind: 'gate', role: 'editor' } },
    (tasks: Record<string, AnyDeclaration>) => Object.entries(tasks).map(([name, { kind }]) => [name, kind]),
    [
      ['a', 'join'],
      ['b', 'gate'],
    ],
  ),
  inputSchema: same(OBJECT),
  outputSchema: same(OBJECT),
  output: computed({ n: '${ a.n }', x: '${ input.x }' }, asNode, { n: 2, x: 1 }),
  budget: made({ limit: 5, onExhausted: 'review' }, budget({ limit: 5, onExhausted: 'review' })),
  parallel: same(2),
  shared: same({ found: { reduce: 'append', initial: [0] } }),
  strategy: made('content', strategies.content),
  calendar: same(OFFICE),
  labels: same(['phi']),
  tenant: computed(
    '${ input.customer }',
    (tenant: (input: object) => unknown) => tenant({ customer: 'acme' }),
    'acme',
  ),
};

const A = { kind: 'task', capability: 'x' };
const file = (b: object) => ({
  id: 'f',
  shared: { found: { reduce: 'append' } },
  tasks: { a: A, b: { kind: 'join' }, c: { needs: ['a'], ...b } },
});

const meant = ({ ask }: Said, option: unknown): unknown =>
  ask === undefined ? option : ask(option as never);

describe.each(KINDS)('%s', (kind, options, every) => {
  it.each(Object.entries(every))('has %s', (name, said) => {
    const machine = workflowFrom(file({ kind, ...options, ...said.beside, [name]: said.file }), CONTEXT);
    const found = declarationOf(machine)!.tasks['c']!;
    expect(found.kind).toBe(kind);
    expect(meant(said, (found.options as Readonly<Record<string, unknown>>)[name])).toEqual(said.is);
  });

  it('has no others', () => {
    expect(knownIn(file({ kind, ...options, unknown: 1 }))).toEqual(Object.keys(every).toSorted());
  });
});

/** What a body is not told: that is for its node to say. */
const NOT_OF_BODIES = [...Object.keys(OF_ALL), 'input'];
const ofBodies = Object.entries(TASK).filter(([name]) => !NOT_OF_BODIES.includes(name));

describe.each([
  ['each', 'map', { over: '${ a.items }' }],
  ['body', 'loop', { until: '${ output.ok }', times: 2 }],
] as const)('%s', (field, kind, options) => {
  const withBody = (body: object) =>
    file({ kind, ...options, [field]: { kind: 'task', capability: 'x', ...body } });

  it.each([...ofBodies, ['onError', same({ escalateTo: 'boss' })] as const])('has %s', (name, said) => {
    // It needs nobody.
    const given = name === 'context' ? same(['input']) : said;
    const found = declarationOf(workflowFrom(withBody({ [name]: given.file }), CONTEXT))!.tasks['c']!;
    const body = (found.options as unknown as Record<string, AnyDeclaration>)[field]!;
    expect(meant(given, (body.options as Readonly<Record<string, unknown>>)[name])).toEqual(given.is);
  });

  it('has no others', () => {
    const known = [...ofBodies.map(([name]) => name), 'onError'].toSorted();
    expect(knownIn(withBody({ unknown: 1 }))).toEqual(known);
  });
});

describe('a workflow', () => {
  it.each(Object.entries(WORKFLOW))('has %s', (name, said) => {
    const given = { id: 'f', tasks: { a: A }, [name]: said.file };
    const found = declarationOf(workflowFrom(given, CONTEXT)) as unknown as Record<string, unknown>;
    expect(meant(said, found[name])).toEqual(said.is);
  });

  it('has no others', () => {
    expect(knownIn({ id: 'f', tasks: { a: A }, unknown: 1 })).toEqual(Object.keys(WORKFLOW).toSorted());
  });
});

/** The fields of which a refusal says that there are no others. */
function knownIn(given: object): readonly string[] {
  try {
    workflowFrom(given, CONTEXT);
  } catch (error) {
    if (!(error instanceof InvalidWorkflow)) throw error;
    const [, names] = /means nothing; there are (.*)/.exec(error.problems[0]!.detail) ?? [];
    return (names ?? '').split(', ').toSorted();
  }
  throw new Error('nothing is wrong with it');
}

describe('what is computed', () => {
  const problems = (given: object): readonly string[] => {
    try {
      workflowFrom(given, CONTEXT);
    } catch (error) {
      if (!(error instanceof InvalidWorkflow)) throw error;
      return error.problems.map(({ pointer, detail }) => `${pointer}: ${detail}`);
    }
    return [];
  };

  it.each([
    ['a tenant that is no text', { tenant: 5 }, '#/tenant: must be a text, or an expression that gives one'],
    [
      'a tenant that is a number',
      { tenant: '${ input.n }', inputSchema: { type: 'object', properties: { n: { type: 'number' } } } },
      '#/tenant: gives a value of type double, and must give a text',
    ],
    [
      'a tenant that looks at a node',
      { tenant: '${ a.customer }' },
      '#/tenant: cannot be read: Unknown variable: a; there are input',
    ],
    [
      'an account that looks at a node',
      { budget: { limit: 5, within: ["${ 'budget/' + a.customer }"] } },
      '#/budget/within/0: cannot be read: Unknown variable: a; there are input',
    ],
  ])('%s is refused', (_, more, problem) => {
    expect(problems({ id: 'f', tasks: { a: A }, ...more })).toEqual([problem]);
  });

  it.each([
    ['in a list', ["${ 'budget/' + input.customer }", 'budget/company']],
    ['as a list', "${ ['budget/' + input.customer, 'budget/company'] }"],
  ])('accounts that the input of the run tells, %s', (_, within) => {
    const machine = workflowFrom({ id: 'f', budget: { limit: 5, within }, tasks: { a: A } });
    const { budget: made } = declarationOf(machine)!;
    expect(payersOf(made!, { customer: 'acme' })).toEqual(['budget/acme', 'budget/company']);
  });

  it.each([
    [
      'what a task is about that looks at a node',
      { kind: 'task', capability: 'x', about: { amount: '${ a.amount }' } },
      '#/tasks/c/about/amount: cannot be read: Unknown variable: a; there are input',
    ],
    [
      'a name that only the library knows',
      { kind: 'task', capability: 'x', about: { amount: '${ optional.of(input.amount) }' } },
      '#/tasks/c/about/amount: cannot be read: Unknown variable: optional; there are input',
    ],
    [
      'what its input does not have',
      {
        kind: 'task',
        capability: 'x',
        inputSchema: { ...OBJECT, additionalProperties: false },
        about: { amount: '${ input.amont }' },
      },
      '#/tasks/c/about/amount: cannot be read: No such key: amont',
    ],
    [
      'a reducer that is none',
      { kind: 'map', over: '${ a.items }', each: A, reduce: 'sume' },
      '#/tasks/c/reduce: must be one of last, append, union, sum, max, min, merge',
    ],
    [
      'rules that make no sense',
      { kind: 'task', capability: 'x', router: { prefer: 'luck' } },
      '#/tasks/c/router/prefer: must be one of cost, quality, order',
    ],
    [
      'rules that are computed',
      { kind: 'task', capability: 'x', router: { prefer: '${ "cost" }' } },
      '#/tasks/c/router: is no place for an expression',
    ],
    [
      'parts that are misspelt',
      { kind: 'task', capability: 'x', chunk: { pointr: '#/text' } },
      '#/tasks/c/chunk/pointr: means nothing; there are pointer, maxTokens, overlap, finest, concurrency, merge',
    ],
  ])('%s is refused', (_, node, problem) => {
    expect(problems(file(node))[0]).toBe(problem);
  });
});
