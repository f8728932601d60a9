// The lie: "nothing that has led to an output is missing". Outputs that came to be in every way there is: in parts, by a person, repaired,
// edited, by default, confirmed by others, undone; in runs whose code is gone.
import {
  agent,
  chunk,
  extend,
  gate,
  human,
  loop,
  map,
  result,
  roles,
  strategies,
  task,
  vote,
  workflow,
} from 'heddle/actors';
import type { AgentOptions, Artifact, Assignment, ConsultedSource, Lineage } from 'heddle/actors';
import { describe, expect, it } from 'vitest';
import { contentHashOf } from '../../machines/values/content.ts';
import { doing, World } from './staffed-world.ts';

const ANY = { type: 'object' } as const;
const TEXT = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } as const;
const AT = 1_700_000_000_000;
const TIDES = 'https://archive.example/tides';
const LOW = { text: 'the tide is low' };

const everybodyMay = roles(`
grants:
  - { id: everything, to: everyone, actions: ['*'], resources: any }
`);

type Data = Readonly<Record<string, unknown>>;
type Found = { readonly output: Data; readonly sources?: readonly ConsultedSource[]; readonly sure?: number };

/** An agent that tells of its sources. */
function reader(name: string, read: (input: Data) => Found, more: Partial<AgentOptions<never, never>> = {}) {
  return agent({
    ...{ name, capabilities: [name], model: name, estimate: () => 0 },
    ...{ inputSchema: ANY, outputSchema: ANY },
    ...(more as object),
    execute: async (assignment: Assignment) => {
      const { output, sources = [], sure = 1 } = await read(assignment.input);
      const known = { cost: 0, duration: 1, model: name, confidence: sure };
      return result(assignment, { output, ...known, sources }) as never;
    },
  });
}

const sourceAt = (uri: string, content: string): ConsultedSource => ({ uri, content, at: AT });

const said = (artifacts: readonly Artifact[]): string[] =>
  artifacts
    .map(({ kind, run = '', task: name = '', part, source }) =>
      [kind, source?.uri ?? `${run} ${name}`.trim(), part].filter((one) => one !== undefined).join(' '),
    )
    .toSorted();

const ended = (world: World, run: string) => world.until(() => world.snapshot(run).status !== 'active');

/** What a run has come to, and the hash of that of its node `a`. */
async function outputOf(world: World, run = 'flow/1') {
  const { tasks } = await world.system.runs.status(run);
  const { output } = tasks.find(({ task: name }) => name === 'a')!;
  return { tasks, value: output!.value, hash: output!.hash! };
}

describe('work in parts', () => {
  const inParts = chunk({
    ...{ pointer: '#/text', maxTokens: 4, overlap: 0, finest: 'word' },
    merge: { seen: 'append' },
  });
  const flow = workflow({ id: 'flow', tasks: { a: task({ agent: 'small', chunk: inParts }) } });
  const words = (text: unknown): number => String(text).split(/\s+/u).filter(Boolean).length;
  const first = 'one two three four. ';
  const second = 'five six seven';
  const placeOf = (text: string): string => `https://archive.example/${text.split(' ', 1)[0]!}`;

  /** @param hear is told of each part that is asked for, and may break */
  async function open(hear: (text: string) => void = () => {}): Promise<World> {
    const read = ({ text }: Data): Found => {
      hear(String(text));
      return { output: { seen: [text] }, sources: [sourceAt(placeOf(String(text)), String(text))] };
    };
    const countTokens = (input: unknown): number => words((input as Data)['text']);
    const small = reader('small', read, { window: 4, countTokens });
    return World.open({ actors: { flow, small } });
  }

  it('leads through each part to what was looked at for it, and from there to no other', async () => {
    const world = await open();
    await world.start('flow', '1', { text: first + second });
    await ended(world, 'flow/1');
    const { hash, value } = await outputOf(world);
    expect(value).toEqual({ seen: [first, second] });
    expect(world.system.content.get(hash)).toEqual(value);
    const { from } = await world.system.lineage(hash);
    expect(said(from)).toEqual([
      'input flow/1',
      'input flow/1 a',
      'input flow/1 a 1',
      'input flow/1 a 2',
      'part flow/1 a 1',
      'part flow/1 a 2',
      `source ${placeOf(second)}`,
      `source ${placeOf(first)}`,
    ]);
    const { to } = await world.system.lineage(contentHashOf(first));
    expect(said(to)).toEqual(['output flow/1', 'output flow/1 a', 'part flow/1 a 1']);
    const part = await world.system.lineage(contentHashOf({ seen: [second] }));
    expect(said(part.is)).toEqual(['part flow/1 a 2']);
    expect(said(part.from)).toEqual([
      ...['input flow/1', 'input flow/1 a', 'input flow/1 a 2', `source ${placeOf(second)}`],
    ]);
  });

  it('says of the whole what it was made of, and of each part what that was given', async () => {
    const world = await open();
    await world.start('flow', '1', { text: first + second });
    await ended(world, 'flow/1');
    const { sources, tasks } = await world.system.runs.status('flow/1');
    expect(sources.map(({ uri }) => uri)).toEqual([placeOf(first), placeOf(second)]);
    const [{ attempts, input, output }] = tasks as [(typeof tasks)[0]];
    expect(attempts.at(-1)).toMatchObject({
      manifest: { input: input!.hash, output: output!.hash },
      parts: [
        { number: 1, manifest: { input: contentHashOf({ text: first }) } },
        { number: 2, manifest: { output: contentHashOf({ seen: [second] }) } },
      ],
    });
  });

  it('knows what was looked at in an attempt that came to nothing, also when the system has died since', async () => {
    const asked: string[] = [];
    let failures = 1;
    const world = await open((text) => {
      asked.push(text);
      if (text === second && failures-- > 0) throw new Error('it broke');
    });
    await world.start('flow', '1', { text: first + second });
    await world.until(() => asked.length === 2);
    await world.settle();
    const before = await world.system.runs.status('flow/1');
    expect(before.sources.map(({ uri }) => uri)).toEqual([placeOf(first)]);
    const halfway = await world.system.lineage(contentHashOf({ seen: [first] }));
    expect(said(halfway.is)).toEqual(['part flow/1 a 1']);
    await world.crash();
    await world.advance(60_000);
    await ended(world, 'flow/1');
    expect(asked).toEqual([first, second, second]);
    const { hash } = await outputOf(world);
    const { from } = await world.system.lineage(hash);
    expect(said(from).filter((one) => one.startsWith('part'))).toEqual([
      'part flow/1 a 1',
      'part flow/1 a 2',
    ]);
  });
});

describe('an output', () => {
  /** Who has looked something up, for whoever comes after them. */
  const archive = reader('archive', () => ({
    output: { text: 'high' },
    sources: [sourceAt(TIDES, 'the tide is high')],
  }));
  const strategy = extend(strategies.standard, {
    name: 'quick',
    rows: {
      crash: [{ do: 'default', value: LOW }],
      'low-confidence': [{ do: 'review', role: 'editor' }],
      'schema-mismatch': [{ do: 'repair', names: 'declared' }, { do: 'fail' }],
    },
  });
  const asWriter = {
    name: 'writer',
    capabilities: ['write'],
    inputSchema: TEXT,
    outputSchema: TEXT,
  } as const;
  const closed = { ...TEXT, additionalProperties: false };
  /** Everybody who can write; the one of this name is asked. */
  const writer = (write: (input: Data) => Found, more: object = {}) =>
    reader('writer', write, { capabilities: ['write'], ...more });
  const twin = reader('twin', () => ({ output: LOW }), { capabilities: ['write'] });

  it.each([
    ['of an agent', writer(() => ({ output: LOW })), { agent: 'writer' }, { agent: 'writer' }],
    [
      'of a person',
      human({ ...asWriter, role: 'editor' }),
      { agent: 'writer' },
      { agent: 'writer', edits: [{ by: 'ada' }] },
    ],
    [
      'that was repaired',
      writer(() => ({ output: { ...LOW, x: 1 } }), {
        outputSchema: closed,
        repairs: ['drop-unknown-fields'],
      }),
      { agent: 'writer' },
      { agent: 'writer', ground: 'repaired' },
    ],
    [
      'that a person has let pass',
      writer(() => ({ output: LOW, sure: 0.5 })),
      { agent: 'writer', quality: 0.9 },
      { agent: 'writer', ground: 'person' },
    ],
    [
      'that is a default',
      writer(() => {
        throw new Error('it broke');
      }),
      { agent: 'writer' },
      { ground: 'default' },
    ],
    [
      'that others have confirmed',
      writer(() => ({ output: LOW })),
      { capability: 'write', verify: [vote({ of: 2, agree: 2, on: ['#/text'] })] },
      { run: 'flow/1' },
    ],
  ])('%s is kept under its hash, and leads back to its sources', async (_, whoever, options, is) => {
    const flow = workflow({
      ...{ id: 'flow', strategy },
      tasks: {
        look: task({ agent: 'archive' }),
        a: task({ needs: ['look'], ...options }),
      },
    });
    const world = await World.open({
      actors: { flow, archive, twin, writer: whoever },
      decider: everybodyMay,
    });
    await world.start('flow', '1', {});
    await world.settle();
    const review = world.system.reviews.get('flow/1/a/review');
    if (review !== undefined)
      await world.system.reviews.decide(review.id, {
        ...{ by: 'ada', verdict: 'approve', reason: 'so it is' },
        ...(review.editable.length > 0 && { edits: [{ pointer: '', value: LOW }] }),
      });
    await ended(world, 'flow/1');
    await world.crash();
    const { hash, value } = await outputOf(world);
    expect([value, world.system.content.get(hash)]).toEqual([LOW, LOW]);
    expect(world.system.content.facts(hash)?.madeBy).toContain('flow/1/a');
    const { is: found, from } = await world.system.lineage(hash);
    expect(found.find(({ kind, task: name }) => kind === 'output' && name === 'a')).toMatchObject(is);
    expect(said(from)).toContain(`source ${TIDES}`);
    const { to } = await world.system.lineage(contentHashOf('the tide is high'));
    expect(said(to)).toContain('output flow/1 a');
  });

  const inner = workflow({ id: 'inner', tasks: { look: task({ agent: 'archive' }) } });

  it.each([
    ['a list', map({ over: () => [{}], each: inner }), '0'],
    ['a loop', loop({ body: inner, until: () => true, times: 2 }), '1'],
  ])('of %s of runs leads back to what was looked at within each', async (_, a, part) => {
    const flow = workflow({ id: 'flow', tasks: { a } });
    const world = await World.open({ actors: { flow, archive } });
    await world.start('flow', '1', {});
    await ended(world, 'flow/1');
    const { tasks, hash } = await outputOf(world);
    expect(tasks[0]!.parts).toMatchObject([{ task: `a/${part}`, output: { value: { text: 'high' } } }]);
    const { is, from } = await world.system.lineage(hash, { run: 'flow/1' });
    expect(said([...is, ...from])).toEqual(
      expect.arrayContaining([`output flow/1 a/${part}`, `output flow/1 a/${part}/look`, `source ${TIDES}`]),
    );
    const { to } = await world.system.lineage(contentHashOf('the tide is high'));
    expect(said(to)).toContain('output flow/1');
  });

  it('of a person says in its manifest what they were given, and what they have made of it', async () => {
    const flow = workflow({ id: 'flow', inputSchema: TEXT, tasks: { a: task({ agent: 'writer' }) } });
    const person = human({ ...asWriter, role: 'editor' });
    const world = await World.open({ actors: { flow, writer: person }, decider: everybodyMay });
    await world.start('flow', '1', { text: 'high' });
    const edits = [{ pointer: '', value: LOW }];
    await world.system.reviews.decide('flow/1/a/review', { by: 'ada', verdict: 'approve', edits });
    await ended(world, 'flow/1');
    const { tasks } = await outputOf(world);
    expect(tasks[0]!.attempts[0]!.manifest).toEqual({
      input: contentHashOf({ text: 'high' }),
      output: contentHashOf(LOW),
    });
  });

  it('that was repaired and not taken is a draft', async () => {
    const rows = { 'schema-mismatch': [{ do: 'default', value: { text: 'nobody knows' } }] } as const;
    const flow = workflow({
      ...{ id: 'flow', strategy: extend(strategies.standard, { name: 'no repairs', rows }) },
      tasks: { a: task({ agent: 'writer' }) },
    });
    const more = { outputSchema: closed, repairs: ['drop-unknown-fields'] };
    const sloppy = writer(() => ({ output: { ...LOW, x: 1 } }), more);
    const world = await World.open({ actors: { flow, writer: sloppy } });
    await world.start('flow', '1', {});
    await ended(world, 'flow/1');
    expect(said((await world.system.lineage(contentHashOf(LOW))).is)).toEqual(['draft flow/1 a']);
    expect(world.system.content.get(contentHashOf(LOW))).toEqual(LOW);
  });

  it('that is declared to stand for one of a node that has failed is known to those who were given it', async () => {
    const value = { text: 'nobody knows' };
    const flow = workflow({
      ...{
        id: 'flow',
        strategy: extend(strategies.standard, { name: 'x', rows: { crash: [{ do: 'fail' }] } }),
      },
      tasks: {
        look: task({ agent: 'broken', onError: { value } }),
        a: task({ needs: ['look'], agent: 'press' }),
        b: task({ needs: [{ node: 'look', onError: { value: LOW } }], agent: 'press' }),
        c: task({ needs: ['a'], agent: 'press' }),
      },
    });
    const broken = doing('broken', () => {
      throw new Error('it broke');
    });
    const press = doing('press', ({ input }) => ({ printed: input }));
    const world = await World.open({ actors: { flow, broken, press } });
    await world.start('flow', '1', {});
    await ended(world, 'flow/1');
    const from = async (output: Data) => {
      const { from: all } = await world.system.lineage(contentHashOf(output));
      return all.filter(({ ground }) => ground === 'default').map(({ task: name, hash }) => [name, hash]);
    };
    expect(await from({ printed: value })).toEqual([['look', contentHashOf(value)]]);
    expect(await from({ printed: LOW })).toEqual([['look', contentHashOf(LOW)]]);
    const { tasks } = await world.system.runs.status('flow/1');
    expect(tasks.map(({ instead }) => instead && Object.keys(instead))).toEqual([
      ...[undefined, ['look'], ['look'], undefined],
    ]);
    const of = await world.system.lineage(contentHashOf(value), { run: 'flow/1' });
    expect(said(of.to)).toContain('output flow/1 c');
  });
});

describe('what a gate is asked about', () => {
  const archive = reader('archive', () => ({
    output: { text: 'hihg' },
    sources: [sourceAt(TIDES, 'the tide is high')],
  }));
  const press = doing('press', ({ input }) => ({ printed: input['text'] }));
  const flow = workflow({
    id: 'flow',
    tasks: {
      look: task({ agent: 'archive' }),
      review: gate({
        ...{ needs: ['look'], role: 'editor', editable: true, quorum: 2 },
        input: ({ look }) => ({ text: `${String(look.text)}!` }),
      }),
      a: task({ needs: ['review'], agent: 'press', input: ({ review }) => review.output }),
    },
  });
  const [proposed, better, best] = [{ text: 'hihg!' }, { text: 'high!' }, { text: 'high.' }];
  const edit = (world: World, by: string, value: Data, verdict: 'edit' | 'approve') =>
    world.system.reviews.decide('flow/1/review', { by, verdict, edits: [{ pointer: '', value }] } as never);

  async function open(decider: object = everybodyMay): Promise<World> {
    const world = await World.open({ actors: { flow, archive, press }, decider });
    await world.start('flow', '1', {});
    return world;
  }

  it('is kept as it was, and as people have edited it', async () => {
    const world = await open();
    await edit(world, 'ada', better, 'edit');
    await world.crash();
    for (const version of [proposed, better])
      expect(world.system.content.get(contentHashOf(version))).toEqual(version);
    const { is, from } = await world.system.lineage(contentHashOf(better));
    expect(is).toMatchObject([
      { kind: 'draft', task: 'review', edits: [{ by: 'ada', made: contentHashOf(better) }] },
    ]);
    expect(said(from)).toContain(`source ${TIDES}`);
    await edit(world, 'bob', best, 'approve');
    await world.system.reviews.decide('flow/1/review', { by: 'cyd', verdict: 'approve' });
    await ended(world, 'flow/1');
    const last = await world.system.lineage(contentHashOf(best));
    expect(last.is.find(({ kind }) => kind === 'output')).toMatchObject({
      ...{ task: 'review', edits: [{ by: 'ada' }, { by: 'bob' }] },
    });
    expect(said(last.from)).toContain('draft flow/1 review');
    expect(said(last.to)).toContain('output flow/1 a');
    const { to } = await world.system.lineage(contentHashOf(proposed));
    expect(said(to)).toEqual(expect.arrayContaining(['draft flow/1 review', 'output flow/1 a']));
  });

  it('is not kept as somebody would have edited it who may not', async () => {
    const world = await open(
      roles(`
grants:
  - { id: work, to: everyone, actions: [start, send, agent.call], resources: any }
  - { id: bob, to: { principals: [{ type: user, id: bob }] }, actions: ['*'], resources: any }
`),
    );
    await expect(edit(world, 'ada', better, 'edit')).rejects.toMatchObject({ reason: 'not-permitted' });
    expect(world.system.content.get(contentHashOf(better))).toBe(undefined);
    await edit(world, 'bob', better, 'edit');
    expect(world.system.content.get(contentHashOf(better))).toEqual(better);
  });
});

describe('what was undone', () => {
  it('has led to what undoes it, and not the other way round', async () => {
    const pub = doing('pub', () => ({ published: 1 }));
    const withdraw = doing('withdraw', ({ input }) => ({ withdrawn: input }));
    const bad = doing('bad', () => {
      throw new Error('no');
    });
    const flow = workflow({
      ...{
        id: 'flow',
        strategy: extend(strategies.standard, { name: 'x', rows: { crash: [{ do: 'fail' }] } }),
      },
      tasks: {
        a: task({ agent: 'pub', compensate: { agent: 'withdraw' } }),
        b: task({ needs: ['a'], agent: 'bad', onError: 'compensate' }),
      },
    });
    const world = await World.open({ actors: { flow, pub, withdraw, bad } });
    await world.start('flow', '1', { t: 1 });
    await ended(world, 'flow/1');
    const { hash, tasks } = await outputOf(world);
    const { from, to } = await world.system.lineage(hash);
    expect(said(from)).toEqual(['input flow/1', 'input flow/1 a']);
    expect(said(to)).toEqual(['input flow/1 undo a', 'output flow/1 undo a']);
    const undone = await world.system.lineage(tasks[0]!.parts![0]!.output!.hash!);
    expect(said(undone.from)).toEqual([
      ...['input flow/1', 'input flow/1 a', 'input flow/1 undo a', 'output flow/1 a'],
    ]);
  });
});

describe('the lineage of what several runs have made', () => {
  const pub = doing('pub', () => ({ same: 1 }));
  const of = (id: string) => workflow({ id, tasks: { a: task({ agent: 'pub' }) } });
  const hash = contentHashOf({ same: 1 });
  const runsIn = ({ is }: Lineage) => [...new Set(is.flatMap(({ run }) => run ?? []))].toSorted();

  async function open(): Promise<World> {
    const world = await World.open({ actors: { flow: of('flow'), other: of('other'), pub } });
    await world.start('flow', '1', {});
    await world.start('other', '1', {});
    return world;
  }

  it('leaves out those whose code is gone, and says so', async () => {
    const world = await open();
    const whole = await world.system.lineage(hash);
    expect([runsIn(whole), whole.isPartial]).toEqual([['flow/1', 'other/1'], false]);
    await world.crash({ actors: { other: of('other'), pub } });
    const rest = await world.system.lineage(hash);
    expect([runsIn(rest), rest.isPartial]).toEqual([['other/1'], true]);
    await expect(world.system.lineage(hash, { run: 'flow/1' })).rejects.toThrow(/'flow' is not among/);
    await world.crash({ actors: { pub, third: of('third') } });
    expect(await world.system.lineage(hash)).toEqual({ hash, is: [], from: [], to: [], isPartial: true });
  });

  it('is nothing where a program alone has kept it', async () => {
    const world = await open();
    const kept = await world.system.content.put({ mine: 1 });
    expect(await world.system.lineage(kept)).toEqual({
      hash: kept,
      is: [],
      from: [],
      to: [],
      isPartial: false,
    });
    const strange = contentHashOf({ strange: 1 });
    await expect(world.system.lineage(strange)).rejects.toMatchObject({ code: 'HEDDLE_UNKNOWN_CONTENT' });
  });

  it('is not asked for as of a record of nobody in particular', async () => {
    const world = await open();
    await expect(world.system.lineage(hash, { at: 1 })).rejects.toThrow(
      /is a record of a run, and there is none/,
    );
  });
});
