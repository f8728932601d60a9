// The lie: "a file says the same as code". Files that make the same machine; every expression asked as a run asks it; everything
// that is wrong told with its pointer, line and column; and hashes and differences that see what counts, and nothing else.
import { createActor } from 'xstate';
import type { AnyMachineSnapshot } from 'xstate';
import { describe, expect, it } from 'vitest';
import { fingerprintOf } from '../../../runtime/kernel/fingerprint.ts';
import { InvalidWorkflow } from '../../errors.ts';
import { vote } from '../../verifiers/vote.ts';
import type { TaskOptions } from '../declaration.ts';
import { plan } from '../plan.ts';
import { from } from '../reference.ts';
import { declarationOf, definitionOf } from '../workflow.ts';
import { diffOf } from './difference.ts';
import { workflowFrom } from './file.ts';
import type { FileContext } from './file.ts';

/** A workflow of joins and branches: it runs without anybody who does work. */
const choosing = (arms: string, more = '') => `
id: choosing
tasks:
  size: { kind: branch, arms: ${arms}, otherwise: other }
${more}
output: '\${ {"arm": "none"} }'
`;

const REPORT = `
# What we publish.
id: report
inputSchema:
  type: object
  properties: { topic: { type: string }, words: { type: integer } }
  required: [topic]
  additionalProperties: false
budget: { limit: 5, onExhausted: review }
strategy: finance
shared:
  sources: { reduce: union }
tasks:
  research:
    kind: task
    capability: research
    input: { topic: '\${ input.topic }' }
    timeout: 2 minutes
    maxCost: 0.5
    outputSchema:
      type: object
      properties: { text: { type: string }, confidence: { type: number } }
      required: [text, confidence]
    writes: { sources: /sources }
  factcheck:
    kind: task
    needs: [research]
    capability: verify
    when: \${ research.confidence < 0.9 }
    input: { text: '\${ research.text }' }
  review:
    kind: gate
    needs: [research, factcheck]
    role: editor
    within: 24 hours
  publish:
    kind: task
    needs: [review]
    capability: publish
    quality: 0.8
    compensate: { capability: withdraw, input: { url: '\${ output.url }' } }
`;

/** What is wrong with it, as `line:column pointer: words`. */
function refusal(file: string | object, context?: FileContext): readonly string[] {
  try {
    workflowFrom(file, context);
  } catch (error) {
    if (!(error instanceof InvalidWorkflow)) throw error;
    return error.problems.map(({ pointer, detail, line, column }) =>
      line === undefined ? `${pointer}: ${detail}` : `${line}:${column} ${pointer}: ${detail}`,
    );
  }
  return [];
}

const changed = (from: string, to: string): string => {
  expect(REPORT).toContain(from);
  return REPORT.replace(from, to);
};

/** What comes of an expression in the output of a run that does nothing. */
function computed(expression: string, input: unknown): unknown {
  const file = { id: 'x', tasks: { a: { kind: 'join' } }, output: { is: `\${ ${expression} }` } };
  const actor = createActor(workflowFrom(file), { input });
  let failed: unknown;
  actor.subscribe({ error: (error) => (failed = error) });
  actor.start();
  const { output } = actor.getSnapshot() as AnyMachineSnapshot;
  return failed === undefined ? (output as { is: unknown }).is : (failed as { message: string }).message;
}

describe('a file', () => {
  it('makes a workflow, from YAML, from JSON, and from an object', () => {
    const fromYaml = workflowFrom(REPORT);
    const { content, hash } = definitionOf(fromYaml)!;
    for (const other of [workflowFrom(JSON.stringify(content)), workflowFrom(content as object)]) {
      expect(definitionOf(other)!.hash).toBe(hash);
      expect(fingerprintOf(other)).toEqual(fingerprintOf(fromYaml));
    }
    expect(plan(fromYaml).waves).toEqual([['research'], ['factcheck'], ['review'], ['publish']]);
  });

  it('takes arms by expressions, in the order in which they stand', () => {
    const arms = "{ large: '${ input.n > 10 }', some: '${ input.n > 0 }', other: '${ false }' }";
    const armFor = (n: number) => {
      const actor = createActor(workflowFrom(choosing(arms)), { input: { n } }).start();
      return (actor.getSnapshot() as AnyMachineSnapshot).context.nodes.size.arm;
    };
    expect([11, 3, 0].map(armFor)).toEqual(['large', 'some', 'other']);
  });

  it('takes what it cannot say by name, and says which names there are', () => {
    const inner = workflowFrom(REPORT);
    const file = (name: string) => ({
      id: 'outer',
      tasks: { all: { kind: 'map', over: '${ input.topics }', each: name } },
    });
    expect(refusal(file('report'), { workflows: { report: inner } })).toEqual([]);
    expect(refusal(file('raport'), { workflows: { report: inner } })).toEqual([
      '#/tasks/all/each: must be the name of a workflow: there is report',
    ]);
    expect(refusal(file('report'))).toEqual([
      '#/tasks/all/each: must be the name of a workflow: give it with workflowFrom(file, { workflows })',
    ]);
  });

  it('has verifiers by name; a vote can be said in full, and counts as it does in code', () => {
    const ballot = { agree: 2, of: 3, on: ['#/text'], models: 'any' } as const;
    const of = (verify: unknown) => ({
      id: 'x',
      tasks: { a: { kind: 'task', capability: 'work', verify: [verify] } },
    });
    const verifiers = { ballot: vote(ballot) };
    const [named, said, other] = [
      workflowFrom(of('ballot'), { verifiers }),
      workflowFrom(of({ vote: ballot })),
      workflowFrom(of({ vote: { ...ballot, agree: 3 } })),
    ].map((machine) => fingerprintOf(machine).parts);
    const differing = (some: typeof named, different: typeof named) =>
      Object.keys(some!).filter((path) => some![path] !== different![path] && !path.includes('written'));
    expect(differing(named, said)).toEqual([]);
    expect(differing(said, other).length).toBeGreaterThan(0);
    expect(refusal(of({ vote: { ...ballot, on: ['text'] } }))).toEqual([
      expect.stringMatching(/^#\/tasks\/a\/verify\/0\/vote\/on\/0: must be a JSON pointer/),
    ]);
    expect(refusal(of({ vote: { ...ballot, of: '${ 3 }' } }))).toContain(
      '#/tasks/a/verify/0: is no place for an expression',
    );
    expect(refusal(of({ vote: ballot, also: 1 }))).toEqual([
      '#/tasks/a/verify/0/also: means nothing; there is vote',
    ]);
  });

  it('has strategies by name, with rows of its own', () => {
    const of = (strategy: unknown) => refusal({ id: 'x', strategy, tasks: { a: { kind: 'join' } } });
    expect(of({ base: 'content', rows: { timeout: [{ do: 'fail' }] } })).toEqual([]);
    expect(of('careful')).toEqual([
      '#/strategy: must be the name of a strategy: there is standard, finance, content',
    ]);
    expect(of({ base: 'content', rows: { timeout: [{ do: 'hope' }] } })).toEqual([
      expect.stringMatching(/^#\/strategy\/rows\/timeout\/0\/do: /),
    ]);
  });
});

describe('an expression', () => {
  it.each([
    ['input.n + 1', 4],
    ['input.n / 2', 1.5],
    ['size(input.list) + input.n', 5],
    ['input.list.map(x, x * 2)', [2, 4]],
    ['{"a": input.n, "b": [input.list[0], "x"]}', { a: 3, b: [1, 'x'] }],
    ['input.n > 2 ? "many" : "few"', 'many'],
    ['has(input.nothing) ? 1 : 2', 2],
    ['1 in input.list && 3.0 == input.n', true],
    ['"b" in absent ? "without" : "with"', 'with'],
    // As it is written, whatever is looked at on the way.
    ['10.0 - (4 - 3) - 2', 7],
    ['-input.n - -1', -2],
    ['!(input.n > 5.0) && (false || true) ? 1 : input.n > 1.0 ? 2 : 3', 1],
    ['(input.n > 5.0 ? "a" : "b") + "c"', 'bc'],
    ['input.list.filter(x, x * 2 > 2.0).map(x, [x, x % 2])', [[2, 0]]],
    ['"say \\"hi\\" " + \'+\' + r"\\d"', 'say "hi" +\\d'],
    ['has(input.deep.n) || size(input.list + [3]) == 3', true],
    ['{"a" + "b": 1.5e3 / 2, "c": [0x10, -7 % 3]}', { ab: 750, c: [16, -1] }],
    ['timestamp("2026-01-01T00:00:00Z") + duration("1h") > timestamp("2026-01-01T00:30:00Z")', true],
    ['7 / 2 + 0', 3],
    ['{1: "a", "b": {}, input.n: 2}', { 1: 'a', b: {}, 3: 2 }],
    ['{"constructor": input.n, "a": 1}', { constructor: 3, a: 1 }],
    ['{"a": 1, "b": 2}.map(key, key)', ['a', 'b']],
    ['"a" in {"a": 1} && {"a": {"b": [1]}} == {"a": {"b": [1]}} && size({"a": 1}) == 1', true],
    ['{"a": {"b": 2}}.a.b + {1: 3}[1] + {"c": 4}["c"]', 9],
  ])('%s', (expression, value) => {
    expect(computed(expression, { n: 3, list: [1, 2] })).toEqual(value);
  });

  const SCHEMA = {
    type: 'object',
    properties: {
      n: { type: 'integer' },
      share: { type: 'number' },
      names: { type: 'array', items: { type: 'string' } },
      parts: { type: 'array', items: { type: 'object', properties: { size: { type: 'number' } } } },
      note: { type: ['string', 'null'] },
      sub: { type: 'object', properties: { text: { type: 'string' } } },
      pair: { type: 'array', prefixItems: [{ type: 'number' }], items: { type: 'string' } },
    },
  };
  const TYPED = {
    n: 1,
    share: 0.5,
    names: ['p', 'q'],
    parts: [{ size: 2 }],
    note: null,
    sub: { text: 'x' },
    pair: [3, 'three'],
    more: 1,
  };

  it.each([
    ['input.n == 1 && input.share <= 1', true],
    ['input.names[input.n]', 'q'],
    ['size(input.names) == input.n + 1', true],
    ['input.n in [1, 2]', true],
    ['input.n % 2', 1],
    ['input.share > 1 ? input.share : 1', 1],
    ['input.parts.map(part, part.size * 2)', [4]],
    ['input.note == null', true],
    ['has(input.more) && input.more == 1', true],
    ['input.sub == {"text": "x"}', true],
    ['"sub" in input', true],
    ['input.pair[0] > 2 && input.pair[1] == "three"', true],
    ['{"all": input.sub}', { all: { text: 'x' } }],
  ])('is not refused on account of a schema when it makes sense: %s', (expression, value) => {
    const output = { is: `\${ ${expression} }` };
    const file = { id: 'x', inputSchema: SCHEMA, tasks: { a: { kind: 'join' } }, output };
    const actor = createActor(workflowFrom(file), { input: TYPED }).start();
    expect((actor.getSnapshot() as AnyMachineSnapshot).output).toEqual({ is: value });
  });

  it('may take what a need is worth where it fails, whatever its schema', () => {
    const outputSchema = {
      type: 'object',
      properties: { text: { type: 'string' } },
      additionalProperties: false,
    };
    const needs = [{ node: 'a', onError: { value: { isMissing: true } } }];
    const when = '${ has(a.isMissing) && a.isMissing || needs.a.text == "x" }';
    const tasks = {
      a: { kind: 'task', agent: 'x', outputSchema },
      b: { kind: 'task', agent: 'x', needs, when },
    };
    expect(refusal({ id: 'x', tasks })).toEqual([]);
    expect(refusal({ id: 'x', tasks: { ...tasks, b: { ...tasks.b, needs: ['a'] } } })).toHaveLength(1);
  });

  it('may take what fits the patterns of a schema that has nothing else', () => {
    const inputSchema = {
      ...{ type: 'object', properties: { a: true }, additionalProperties: false },
      patternProperties: { '^x': { type: 'string' } },
    };
    const file = { id: 'x', inputSchema, tasks: { a: { kind: 'join' } }, output: '${ input.x1 }' };
    expect(refusal(file)).toEqual([]);
    expect(refusal({ ...file, inputSchema: { ...inputSchema, patternProperties: undefined } })).toHaveLength(
      1,
    );
  });

  it.each(['input.share + "x"', 'input.names[0] > 1', 'input.sub.text == 1', 'input.names.nothing'])(
    'is refused on account of a schema when it makes none: %s',
    (expression) => {
      const file = {
        id: 'x',
        inputSchema: SCHEMA,
        tasks: { a: { kind: 'join' } },
        output: { is: `\${ ${expression} }` },
      };
      expect(refusal(file)).toEqual([expect.stringMatching(/^#\/output\/is: cannot be read: /)]);
    },
  );

  const TWICE = 'has the key "3" twice: all keys are texts, as in JSON, and so 1 and "1" are the same';

  it.each([
    ['input.nothing', 'No such key: nothing'],
    ['input.nothing == 1', 'No such key: nothing'],
    ['input.constructor', 'No such key: constructor'],
    ['input.__proto__', 'No such key: __proto__'],
    ['input.n + "x"', 'no such overload: dyn<double> + string'],
    ['(input.n - 3) / (input.n - 3) > 1.0', 'calculates NaN, which is no number'],
    ['(input.n - 3) % (input.n - 3) == 1.0', 'calculates NaN, which is no number'],
    ['!(0.0 / 0.0 > 1.0)', 'calculates NaN, which is no number'],
    ['1 / (input.n - 3) > 1.0', 'calculates Infinity, which is no number'],
    ['[0.0 / 0.0].exists(x, x > 1.0)', 'calculates NaN, which is no number'],
    ['double("NaN") > 1.0', 'calculates NaN, which is no number'],
    ['input.n * 1e308 * 10 > 1.0', 'calculates Infinity, which is no number'],
    ['{input.n: "a", "3": "b"}', TWICE],
    ['{"3": "b", "a": 1, string(int(input.n)): "a"}.a', TWICE],
    ['{[1, 2]: "a"}', 'has a key that is neither a text, nor a number, nor true or false'],
    ['{{"a": 1}: "a"}', 'has a key that is neither a text, nor a number, nor true or false'],
    ['{null: "a"}', 'has a key that is neither a text, nor a number, nor true or false'],
    ['int("") < 1', 'int() type error: cannot convert to int'],
    ['9007199254740993', 'gives 9007199254740993, which is too large for a number of JSON'],
    ['timestamp("2026-01-01T00:00:00Z")', 'gives what JSON cannot hold'],
  ])('that goes wrong is an error, and never false: %s', (expression, problem) => {
    const said = `its output cannot be made: ExpressionFailed: \${ ${expression} }: ${problem}`;
    expect(computed(expression, { n: 3 })).toBe(said);
  });

  it.each(['{1: "a", "1": "b"}', '{"x": {"a": 1, "b": 2, "a": 3}}.x', '{true: 1, "true": 2}[true]'])(
    'with a key that is there twice is refused: %s',
    (expression) => {
      const output = { is: `\${ ${expression} }` };
      expect(refusal({ id: 'x', tasks: { a: { kind: 'join' } }, output })).toEqual([
        expect.stringMatching(/^#\/output\/is: has the key "(1|a|true)" twice/),
      ]);
    },
  );

  it('that is no condition when it is asked fails its node', () => {
    const file = { id: 'x', tasks: { a: { kind: 'join', when: '${ input.n }' } } };
    const actor = createActor(workflowFrom(file), { input: { n: 0 } });
    let failed: unknown;
    actor.subscribe({ error: (error) => (failed = error) });
    actor.start();
    expect(failed).toMatchObject({
      class: 'invalid-input',
      message:
        'a: its condition cannot be made: ExpressionFailed: ${ input.n }: gives neither true nor false',
    });
  });
});

describe('a node whose name is something else in expressions', () => {
  const NAMES = ['map', 'list', 'type', 'int', 'package', 'loop', 'in', 'true', 'optional', 'cel', 'step-2'];
  const needing = (name: string, input: unknown, outputSchema: unknown = true) => ({
    id: 'x',
    tasks: {
      [name]: { kind: 'task', capability: 'work', outputSchema },
      after: { kind: 'task', capability: 'work', needs: [name], when: '${ input.n == 1.0 }', input },
    },
    output: `\${ needs["${name}"] }`,
  });

  it.each(NAMES)('is said among the needs: %s', (name) => {
    const given = needing(name, {
      taken: `\${ needs["${name}"].v }`,
      made: `\${ needs["${name}"].v + 1 }`,
    });
    const { input } = declarationOf(workflowFrom(given))!.tasks['after']!.options as TaskOptions;
    const { taken, made } = input as { taken: unknown; made: (values: object, run: object) => unknown };
    expect(taken).toEqual(from(name, '/v'));
    expect(made({ [name]: { v: 1 } }, { input: {}, shared: {}, absent: {} })).toBe(2);
  });

  it.each(NAMES.slice(0, 6))('is told so where it is said by itself: %s', (name) => {
    expect(refusal(needing(name, { v: `\${ ${name}.v }` }))).toEqual([
      expect.stringMatching(
        `^#/tasks/after/input/v: .*'${name}', which is no name or means something else in expressions: write needs\\["${name}"\\]$`,
      ),
    ]);
  });

  it('has its schema there too', () => {
    const schema = { type: 'object', properties: { v: { type: 'string' } }, additionalProperties: false };
    expect(refusal(needing('package', { v: '${ needs["package"].v > 1.0 }' }, schema))).toHaveLength(1);
    expect(refusal(needing('package', { v: '${ needs.package.w }' }, schema))).toHaveLength(1);
    expect(refusal(needing('package', { v: '${ needs.package.v + "!" }' }, schema))).toEqual([]);
  });

  it('is refused where it would be one that means something in all of them', () => {
    for (const name of ['needs', 'shared', 'absent'])
      expect(refusal({ id: 'x', tasks: { [name]: { kind: 'join' } } })).toEqual([
        `#/tasks/${name}: must have another name: in expressions this one means something else`,
      ]);
  });
});

describe('what is wrong is told with its place', () => {
  /** Where a text stands in a file, from 1. */
  const placeOf = (file: string, text: string): string => {
    expect(file.split(text)).toHaveLength(2);
    const before = file.slice(0, file.indexOf(text)).split('\n');
    return `${before.length}:${before.at(-1)!.length + 1}`;
  };

  it.each([
    [
      'a field that is misspelt',
      changed('quality:', 'qualty:'),
      'qualty',
      '#/tasks/publish/qualty: means nothing; there are needs',
    ],
    [
      'a field of the file that is misspelt',
      changed('budget:', 'budgett:'),
      'budgett',
      '#/budgett: means nothing; there are id, tasks',
    ],
    [
      'a field of the budget that is misspelt',
      changed('limit:', 'limt:'),
      'limt',
      '#/budget/limt: means nothing; there are limit',
    ],
    ['an amount that is none', changed('limit: 5', 'limit: -5'), 'limit', '#/budget/limit: must'],
    [
      'a kind that is none',
      changed('kind: gate', 'kind: gait'),
      'kind: gait',
      '#/tasks/review/kind: must be one of task, gate, map, loop, call, branch, join',
    ],
    [
      'a key that is there twice',
      changed('role: editor', 'role: editor\n    role: boss'),
      'role: boss',
      '#: Map keys must be unique',
    ],
    [
      'an expression that should be quoted',
      changed("'${ input.topic }'", '${ input.topic }'),
      '{ input.topic',
      '#: Unexpected flow-map-start at node end; an expression with',
    ],
    [
      'an anchor',
      changed('role: editor', 'role: &who editor'),
      'editor',
      "#: has an anchor, 'who', and nothing may refer to it",
    ],
    [
      'a tag',
      changed('role: editor', 'role: !!str editor'),
      'editor',
      "#: has a tag, 'tag:yaml.org,2002:str': values are what they look like",
    ],
    [
      'a number without an end',
      changed('quality: 0.8', 'quality: .inf'),
      '.inf',
      '#: is a number that JSON cannot hold',
    ],
    [
      'a condition that is none',
      changed('confidence < 0.9 }', 'text }'),
      'when',
      '#/tasks/factcheck/when: gives a value of type string, and must give true or false',
    ],
    [
      'a condition that is always the same',
      changed('${ research.confidence < 0.9 }', 'true'),
      'when',
      '#/tasks/factcheck/when: must be an expression: ${ … }',
    ],
    [
      'types that do not go together',
      changed('< 0.9', '< "0.9"'),
      'when',
      '#/tasks/factcheck/when: cannot be read: no such overload: double < string',
    ],
    [
      'what is not needed',
      changed("'${ research.text }'", "'${ review.text }'"),
      "text: '${ review",
      '#/tasks/factcheck/input/text: cannot be read: Unknown variable: review; there are research, input, shared, absent',
    ],
    [
      'what a schema does not have',
      changed('input.topic', 'input.topik'),
      "topic: '$",
      '#/tasks/research/input/topic: cannot be read: No such key: topik',
    ],
    [
      'half an expression',
      changed("'${ research.text }'", "'see ${ research.text }'"),
      "text: 'see",
      '#/tasks/factcheck/input/text: must be one expression as a whole: ${ … }, in which texts are joined with +',
    ],
    [
      'an expression where nothing is computed',
      changed('role: editor', "role: editor\n    title: 'About ${ input.topic }'"),
      'title',
      '#/tasks/review/title: is no place for an expression',
    ],
    [
      'an expression without an end',
      changed('< 0.9', '<'),
      'when',
      '#/tasks/factcheck/when: cannot be read: Unexpected token',
    ],
    [
      'an input of a task that is no object',
      changed("input: { text: '${ research.text }' }", 'input: research.text'),
      'input: research',
      '#/tasks/factcheck/input: must be an object, or an expression that gives one: ${ … }',
    ],
    [
      'what is said of a task that is no object',
      changed('quality: 0.8', 'about: input.amount'),
      'about',
      '#/tasks/publish/about: must be an object, or an expression',
    ],
    [
      'what is said of a gate that is no object',
      changed('role: editor', 'role: editor\n    about: [1]'),
      'about',
      '#/tasks/review/about: must be an object, or an expression',
    ],
    [
      'what is to be gone over and is no list',
      changed(
        'tasks:\n',
        'tasks:\n  each: { kind: map, over: input.items, each: { kind: task, agent: x } }\n',
      ),
      'over',
      '#/tasks/each/over: must be a list, or an expression that gives one: ${ … }',
    ],
    [
      'a need that is nobody',
      changed('factcheck]', 'factchek]'),
      'factchek]',
      "#/tasks/review/needs/1: needs 'factchek', which is none of research, factcheck, review, publish",
    ],
    [
      'what is done again with an output that it does not take',
      changed(
        'tasks:\n',
        `tasks:
  again:
    kind: loop
    until: \${ output.n > 1.0 }
    times: 3
    input: { topic: tides }
    body:
      kind: task
      agent: x
      inputSchema: { type: object, required: [topic] }
      outputSchema: { type: object, properties: { n: { type: number } }, additionalProperties: false }
`,
      ),
      'again',
      "#/tasks/again/next: is what it gives, in whose schema there is no 'topic': say with next what",
    ],
    [
      'a schema that is none',
      changed('type: integer', 'type: integr'),
      'type: integr',
      '#/inputSchema/properties/words/type: ',
    ],
  ])('%s', (_, file, where, problem) => {
    const told = refusal(file);
    expect(told).toHaveLength(1);
    const expected = `${placeOf(file, where)} ${problem}`;
    expect(told[0]!.slice(0, expected.length)).toBe(expected);
  });

  it('all at once, in the order in which it stands there', () => {
    const file = changed('limit: 5', 'limit: 0.0000001')
      .replace('role: editor', 'rolle: editor')
      .replace('< 0.9', '<');
    expect(refusal(file).map((line) => line.split(': ')[0])).toEqual([
      `${placeOf(file, 'limit')} #/budget/limit`,
      `${placeOf(file, 'when')} #/tasks/factcheck/when`,
      // What is missing is told of what it is missing in.
      `${placeOf(file, '  review:').split(':')[0]}:3 #/tasks/review/role`,
      `${placeOf(file, 'rolle')} #/tasks/review/rolle`,
    ]);
  });

  it.each([
    ['a bomb of aliases', 'a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n'],
    ['more brackets than anybody can close', '['.repeat(20_000)],
    ['a file without an end', `id: ${'x'.repeat(1_000_001)}`],
    ['nothing', ''],
    ['several documents', `${REPORT}---\nid: other\n`],
    ['no object', '- a\n- b\n'],
    ['a key that would be something else', 'id: x\n__proto__: { tasks: {} }\n'],
  ])('%s', (_, text) => {
    expect(refusal(text).length).toBeGreaterThan(0);
  });
});

describe('versions', () => {
  it('are what was read, whatever becomes of the object that was given', () => {
    const { content } = definitionOf(workflowFrom(REPORT))!;
    expect(() => ((content as { id: string }).id = 'other')).toThrow(TypeError);
  });

  it('that differ in layout alone are the same', () => {
    const other = REPORT.replace('# What we publish.', '# Something else.').replace(
      '{ limit: 5, onExhausted: review }',
      '\n  onExhausted: "review"\n  limit: 5.0',
    );
    expect(definitionOf(workflowFrom(other))).toEqual(definitionOf(workflowFrom(REPORT)));
    expect(String(diffOf(REPORT, other))).toBe('the same');
  });

  it('are told apart by what has changed, in words', () => {
    const other = changed('maxCost: 0.5', 'maxCost: 0.7')
      .replace('[research, factcheck]', '[research]')
      .replace('quality: 0.8', 'fallback: [intern]')
      .replace('budget: { limit: 5,', 'budget: { limit: 6,')
      .replace('\n    within: 24 hours', '');
    const difference = diffOf(workflowFrom(REPORT), other);
    expect(String(difference).split('\n')).toEqual([
      'budget.limit 5 → 6',
      'research: maxCost 0.5 → 0.7',
      'review: needs - factcheck',
      'review: within removed: "24 hours"',
      'publish: fallback added: ["intern"]',
      'publish: quality removed: 0.8',
    ]);
    expect(difference.changes[0]).toEqual({
      kind: 'changed',
      pointer: '/budget/limit',
      before: 5,
      after: 6,
      text: 'budget.limit 5 → 6',
    });
  });

  it('differ where only the order of arms does: the first that holds is taken', () => {
    const one = choosing("{ a: '${ true }', other: '${ true }' }");
    const other = choosing("{ other: '${ true }', a: '${ true }' }");
    expect(definitionOf(workflowFrom(one))!.hash).not.toBe(definitionOf(workflowFrom(other))!.hash);
    expect(String(diffOf(one, other))).toBe('size: arms in another order: other, a');
  });

  it('that differ in an expression are told apart by whoever compares code', () => {
    const [one, other] = [
      fingerprintOf(workflowFrom(REPORT)),
      fingerprintOf(workflowFrom(changed('< 0.9', '< 0.8'))),
    ];
    const parts = Object.keys(one.parts).filter((path) => one.parts[path] !== other.parts[path]);
    expect(parts.some((path) => path.includes('factcheck') && path.endsWith('written.when'))).toBe(true);
    expect(parts.some((path) => path.endsWith('written.definition'))).toBe(true);
  });
});
