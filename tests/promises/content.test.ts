// The lie: "we can prove what data was used". Contents that are not what they say, sources that lie, a byte that has changed, two runs in
// a row, and a system that dies after its commits.
import type { AnyEventObject } from 'xstate';
import { createSystem } from 'heddle';
import type { ActorDefinitions } from 'heddle';
import { agent, gate, loop, map, result, roles, task, workflow } from 'heddle/actors';
import type { Artifact, Assignment, ConsultedSource, Lineage } from 'heddle/actors';
import { memory } from 'heddle/storage';
import type { Store } from 'heddle/storage';
import { describe, expect, it } from 'vitest';
import { Content } from '../../actors/state/content.ts';
import { lineageIn } from '../../actors/state/lineage.ts';
import { Runs } from '../../actors/state/runs.ts';
import { Staff } from '../../actors/staff.ts';
import { hosted } from '../../actors/system.ts';
import { contentHashOf } from '../../machines/values/content.ts';
import { PERMITTING, workplaceUnder } from '../orchestration/workplace.ts';
import { DyingSystem } from '../dying-system.ts';
import { afterwards } from './systems.ts';

type Data = Readonly<Record<string, unknown>>;
const ANY = { type: 'object' } as const;
const AT = 1_700_000_000_000;

type Told = readonly ConsultedSource[] | undefined;

function worker(
  name: string,
  work: (input: Data, assignment: Assignment) => Data,
  sourcesOf: (input: Data) => Told = () => undefined,
) {
  return agent({
    name,
    capabilities: [name],
    model: 'local',
    estimate: () => 0,
    inputSchema: ANY,
    outputSchema: ANY,
    execute: async (assignment: Assignment) => {
      await Promise.resolve();
      const output = work(assignment.input, assignment);
      const sources = sourcesOf(assignment.input);
      const more = sources === undefined ? {} : { sources };
      return result(assignment, { output, cost: 0, duration: 1, model: 'local', confidence: 1, ...more });
    },
  });
}

const until = async (holds: () => boolean): Promise<void> => {
  for (let i = 0; i < 1000 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(holds()).toBe(true);
};

const ALMANAC = 'https://archive.example/almanac';

const report = workflow({
  id: 'report',
  tasks: {
    fetch: task({ capability: 'fetch' }),
    other: task({ capability: 'other' }),
    chapters: map({
      needs: ['fetch'],
      over: ({ fetch }) => [fetch.text],
      item: (text: string) => ({ text }),
      each: task({ capability: 'write' }),
    }),
    polish: loop({
      needs: ['chapters'],
      input: ({ chapters }) => chapters[0],
      body: task({ capability: 'polish' }),
      until: (_, { number }) => number === 2,
      times: 2,
    }),
    aside: task({ needs: ['other'], capability: 'write' }),
  },
  output: ({ polish }) => polish,
});

let almanac = 'the tide is high';

const agents = {
  fetch: worker(
    'fetch',
    () => ({ text: almanac }),
    () => [
      { uri: ALMANAC, content: almanac, at: AT, version: '1', class: 'public', licence: 'CC0', region: 'eu' },
    ],
  ),
  other: worker(
    'other',
    () => ({ other: true }),
    () => [{ uri: 'https://archive.example/other', content: { other: 1 }, at: AT }],
  ),
  write: worker('write', ({ text, other }) => ({ text: `chapter: ${String(text ?? other)}` })),
  polish: worker('polish', ({ text }) => ({ text: `${String(text)}!` })),
};

async function open(store: Store = memory(), more: Record<string, unknown> = {}) {
  const system = await createSystem({ store, actors: { report, ...agents, ...more } });
  afterwards(() => system.close());
  return system;
}
type Opened = Awaited<ReturnType<typeof open>>;

async function run(system: Opened, id: string): Promise<void> {
  const ref = await system.start('report', { id, input: {} });
  await until(() => ref.getSnapshot().status === 'done');
}

const said = (artifacts: readonly Artifact[]): string[] =>
  artifacts
    .map(
      ({ kind, run: of = '', task: name = '', source }) => `${kind} ${source?.uri ?? `${of} ${name}`.trim()}`,
    )
    .toSorted();

describe('content', () => {
  it('is kept once, under the hash of what it says, with every place where it was found', async () => {
    const system = await open();
    const source = { uri: 'https://a.example', at: 1, region: 'eu' };
    const hash = await system.content.put({ a: 1, b: [true, null] }, { source });
    expect(hash).toBe(contentHashOf({ b: [true, null], a: 1 }));
    const again = system.content.put({ b: [true, null], a: 1 }, { source: { ...source, at: 2 } });
    const elsewhere = system.content.put(
      { b: [true, null], a: 1 },
      { source: { ...source, uri: 'https://b.example' } },
    );
    expect(await Promise.all([again, elsewhere])).toEqual([hash, hash]);
    expect(system.content.get(hash)).toEqual({ a: 1, b: [true, null] });
    expect(system.content.facts(hash)?.sources).toEqual([
      { ...source, hash },
      { ...source, uri: 'https://b.example', hash },
    ]);
    expect(system.content.get(contentHashOf('nothing'))).toBe(undefined);
  });

  it('is refused where it is no JSON, or nobody can say where it is from', async () => {
    const { content } = await open();
    const refused = { code: 'HEDDLE_INVALID_ARGUMENT' };
    await expect(content.put({ a: undefined })).rejects.toMatchObject(refused);
    await expect(content.put(1, { source: { uri: ' ', at: 1 } })).rejects.toThrow(
      /source\/uri must be a text/,
    );
    await expect(content.put(1, { source: { uri: 'x', at: 1.5 } })).rejects.toThrow(/source\/at/);
    await expect(content.put(1, { source: { uri: 'x', at: 1, from: 'y' } as never })).rejects.toThrow(
      /nothing else/,
    );
    expect(() => content.get('sha256:1')).toThrow(/must be sha256:… in hex/);
  });

  it('is not born under the hash of something else', async () => {
    const system = await open();
    const id = contentHashOf('the truth').slice('sha256:'.length);
    const forging = system.startReserved('content', { id, input: { value: 'a lie', note: {} } });
    await expect(forging).rejects.toMatchObject({ code: 'HEDDLE_STEP_FAILED' });
    expect(system.content.get(contentHashOf('the truth'))).toBe(undefined);
  });

  it('is handed out so that nobody can change it', async () => {
    const { content } = await open();
    const given = { a: [{ b: 1 }] };
    const hash = await content.put(given);
    const got = content.get(hash) as typeof given;
    expect(() => got.a.push({ b: 2 })).toThrow(TypeError);
    expect(() => (got.a[0]!.b = 2)).toThrow(TypeError);
    expect(content.get(hash)).toEqual({ a: [{ b: 1 }] });
    // What was given belongs to whoever has given it.
    given.a.push({ b: 3 });
    expect(content.get(hash)).toEqual({ a: [{ b: 1 }] });
  });

  it('is told from another version of it, place by place', async () => {
    const { content } = await open();
    const before = await content.put({
      title: 'tides',
      parts: [{ text: 'high' }, { text: 'low' }],
      by: 'ada',
    });
    const after = await content.put({ title: 'tides', parts: [{ text: 'high' }, { text: 'lower' }], at: 1 });
    expect(content.diff(before, after)).toEqual([
      { path: 'value.parts[1].text', before: 'low', after: 'lower' },
      { path: 'value.by', before: 'ada', after: undefined },
      { path: 'value.at', before: undefined, after: 1 },
    ]);
    expect(content.diff(before, before)).toEqual([]);
    const text = await content.put('high');
    expect(content.diff(text, await content.put(['high']))).toEqual([
      { path: 'value', before: 'high', after: ['high'] },
    ]);
    const unknown = contentHashOf('nothing');
    expect(() => content.diff(text, unknown)).toThrow(`${unknown} is nothing that is known as content`);
  });

  it('shows a byte that has changed on the disk', async () => {
    const store = memory();
    const system = await open(store);
    const hash = await system.content.put('the tide is high');
    await system.close();
    await store.open();
    let changed = 0;
    for await (const entries of store.scan({ gte: new Uint8Array(), lt: new Uint8Array([255]) }))
      for (const [key, value] of entries as readonly (readonly [Uint8Array, Uint8Array])[]) {
        const at = Buffer.from(value).indexOf('tide is high');
        if (at === -1) continue;
        const bytes = Uint8Array.from(value);
        bytes[at]!++;
        const batch = store.batch();
        batch.put(key, bytes);
        await batch.write();
        changed++;
      }
    await store.close();
    expect(changed).toBeGreaterThan(0);
    const reading = open(store).then(({ content }) => content.get(hash));
    await expect(reading).rejects.toMatchObject({ code: expect.stringMatching(/CORRUPT|DAMAGED/) as string });
  });

  it('has a name that nobody else may take', async () => {
    await expect(open(memory(), { content: report })).rejects.toMatchObject({
      code: 'HEDDLE_INVALID_ARGUMENT',
      path: 'actors.content',
    });
  });
});

describe('the sources of an agent', () => {
  it.each([
    [
      'another hash than that of its content',
      { uri: 'x', at: 1, content: 'a', hash: contentHashOf('b') },
      '/hash',
    ],
    ['neither hash nor content', { uri: 'x', at: 1 }, '/hash'],
    ['no time', { uri: 'x', content: 'a' }, '/at'],
    ['something that is no data', { uri: 'x', at: 1, content: { f: () => {} } }, '/content/f'],
  ])('break its contract with %s', async (_, source, place) => {
    const liar = worker(
      'liar',
      () => ({}),
      () => [source as never],
    );
    const system = await open(memory(), { liar });
    await system.start('liar' as never, { id: '1', input: {} } as never);
    let attempt: unknown;
    for await (const { tasks } of system.runs.watch('liar/1'))
      if ((attempt = tasks[0]!.attempts.find(({ fault }) => fault !== undefined)) !== undefined) break;
    expect(attempt).toMatchObject({
      fault: 'contract-violation',
      message: expect.stringContaining(`#/metadata/sources/0${place}`) as string,
    });
    expect(attempt).not.toHaveProperty('manifest.output');
  });

  it('are kept though nobody has granted that to the runs', async () => {
    const system = await createSystem({
      store: memory(),
      actors: { report, ...agents },
      decider: roles(`
grants:
  - { id: program, to: { principals: [{ type: program, id: main }] }, actions: ['*'], resources: any }
  - { id: runs, to: { principals: [{ type: actor, id: 'report/*' }] }, actions: [agent.call], resources: any }
`),
    });
    afterwards(() => system.close());
    await run(system, '1');
    expect(system.content.get(contentHashOf(almanac))).toBe(almanac);
    expect(system.content.facts(contentHashOf(almanac))?.usedBy).toEqual(['report/1/fetch']);
  });

  it('that could not be kept undo no work, and the manifest says so', async () => {
    const system = await createSystem({
      store: memory(),
      actors: { report, ...agents },
      decider: roles(`
grants:
  - { id: program, to: { principals: [{ type: program, id: main }] }, actions: [start], resources: [{ type: report }] }
  - { id: runs, to: { principals: [{ type: actor, id: 'report/*' }] }, actions: [agent.call], resources: any }
`),
    });
    afterwards(() => system.close());
    await run(system, '1');
    const { tasks } = await system.runs.status('report/1');
    expect(tasks[0]!.attempts[0]!.manifest).toMatchObject({
      output: contentHashOf({ text: almanac }),
      unkept: expect.stringContaining('may not start content/') as string,
    });
  });
});

describe('lineage', () => {
  it('leads from an output to its sources, and from a source to everything that was made of it', async () => {
    const system = await open();
    await run(system, '1');
    const back: Lineage = await system.lineage(contentHashOf({ text: 'chapter: the tide is high!!' }));
    expect(said(back.is)).toEqual(['output report/1', 'output report/1 polish', 'output report/1 polish/2']);
    expect(said(back.from).filter((one) => one.startsWith('source'))).toContain(`source ${ALMANAC}`);
    expect(said(back.from)).toContain('output report/1 polish/1');
    expect(back.isPartial).toBe(false);
    const polished = await system.lineage(contentHashOf({ text: 'chapter: the tide is high!' }));
    expect(said(polished.from)).toEqual([
      'input report/1',
      'input report/1 chapters',
      'input report/1 chapters/0',
      'input report/1 fetch',
      'input report/1 polish',
      'input report/1 polish/1',
      'output report/1 chapters',
      'output report/1 chapters/0',
      'output report/1 fetch',
      `source ${ALMANAC}`,
    ]);
    const on = await system.lineage(contentHashOf(almanac));
    expect(on.is).toMatchObject([{ kind: 'source', source: { uri: ALMANAC, licence: 'CC0', region: 'eu' } }]);
    expect(said(on.to)).toEqual(
      expect.arrayContaining(['output report/1', 'output report/1 polish/2']) as never,
    );
    expect(said(on.to).filter((one) => /aside|other/.test(one))).toEqual([]);
  });

  it('goes on where what one run has made is a source of another', async () => {
    const copier = worker(
      'copier',
      ({ text }) => ({ copied: text }),
      ({ text }) => [{ uri: 'report:1', content: { text }, at: AT }],
    );
    const system = await open(memory(), { copier });
    await run(system, '1');
    const hash = contentHashOf({ text: 'chapter: the tide is high!!' });
    const copied = { text: 'chapter: the tide is high!!' };
    const ref = await system.start('copier' as never, { id: '1', input: copied } as never);
    await until(() => (ref as { getSnapshot(): { status: string } }).getSnapshot().status === 'done');
    const back = await system.lineage(contentHashOf({ copied: copied.text }));
    expect(said(back.from)).toContain(`source ${ALMANAC}`);
    const on = await system.lineage(contentHashOf(almanac));
    expect(said(on.to)).toContain('output copier/1 work');
    expect(said((await system.lineage(hash)).to)).toContain('output copier/1 work');
  });

  it('tells one version of a source from another by a single byte', async () => {
    const system = await open();
    await run(system, '1');
    const before = contentHashOf(almanac);
    almanac = 'the tide is nigh';
    afterwards(() => void (almanac = 'the tide is high'));
    await run(system, '2');
    expect(contentHashOf(almanac)).not.toBe(before);
    const runsOf = async (hash: string) => [
      ...new Set((await system.lineage(hash)).to.flatMap(({ run: of }) => of ?? [])),
    ];
    expect(await runsOf(before)).toEqual(['report/1']);
    expect(await runsOf(contentHashOf(almanac))).toEqual(['report/2']);
  });

  it('says that it knows nothing of a hash, and looks into a run that is named', async () => {
    const system = await open();
    await run(system, '1');
    const input = contentHashOf({});
    await expect(system.lineage(input)).rejects.toMatchObject({ code: 'HEDDLE_UNKNOWN_CONTENT' });
    const of = await system.lineage(input, { run: 'report/1' });
    expect(said(of.to)).toContain('output report/1');
  });

  it('leads through what a person has edited', async () => {
    const edited = workflow({
      id: 'edited',
      tasks: {
        fetch: task({ capability: 'fetch' }),
        review: gate({ needs: ['fetch'], role: 'editor', editable: true, input: ({ fetch }) => fetch }),
        publish: task({ needs: ['review'], capability: 'write', input: ({ review }) => review.output }),
      },
    });
    const system = await createSystem({
      store: memory(),
      actors: { edited, fetch: agents.fetch, write: agents.write },
      decider: roles(`
roles: { editor: {} }
members: [{ who: { type: user, id: ada }, roles: [editor] }]
grants:
  - { id: all, to: everyone, actions: ['*'], resources: any }
`),
    });
    afterwards(() => system.close());
    const ref = await system.start('edited', { id: '1', input: {} });
    await until(() => system.reviews.get('edited/1/review') !== undefined);
    await system.reviews.decide('edited/1/review', {
      by: 'ada',
      verdict: 'approve',
      edits: [{ op: 'replace', pointer: '/text', value: 'the tide is low' }],
    });
    await until(() => ref.getSnapshot().status === 'done');
    const { from } = await system.lineage(contentHashOf({ text: 'chapter: the tide is low' }));
    expect(said(from)).toContain(`source ${ALMANAC}`);
    expect(from.find(({ task: name, kind }) => name === 'review' && kind === 'output')?.edits).toMatchObject([
      { what: 'edit', by: 'ada' },
    ]);
  });
});

describe('what was found and made', () => {
  /** Plays the run with deaths, and asks the world once for each key. */
  async function play(dies: (all: number) => boolean) {
    const answers = new Map<string, Data>();
    const late: string[] = [];
    let commits = 0;
    let isCalm = false;
    const known = Object.values(agents).map((one) =>
      worker(
        one.name,
        (input, assignment) => {
          const { task: name } = assignment.context;
          const nodes = (
            dying.system.get('report/1')!.getSnapshot() as never as {
              context: { nodes: Record<string, { status: string }> };
            }
          ).context.nodes;
          if (nodes[name.split('/')[0]!]!.status === 'complete') late.push(name);
          const before = answers.get(assignment.idempotencyKey);
          const output = before ?? WORK[one.name]!(input);
          answers.set(assignment.idempotencyKey, output);
          return output;
        },
        one.name === 'fetch' ? () => [{ uri: ALMANAC, content: almanac, at: AT }] : undefined,
      ),
    );
    const staff = new Staff(new Map(known.map((one) => [one.name, one as never])));
    const host = {
      startReserved: (name: string, options: object) => dying.system.startReserved(name, options),
      get: (address: string) => dying.system.get(address),
      sendReserved: (to: object, event: AnyEventObject) => dying.system.sendReserved(to, event),
      query: (options: never) => dying.system.query(options),
      get ahead() {
        return dying.system.ahead;
      },
      past: (address: string, seq: number) => dying.system.past(address, seq),
      blame: (address: string, path: string) => dying.system.blame(address, path),
      history: (address: string) => dying.system.history(address),
    };
    const content = new Content(host);
    staff.beginIn({ ...workplaceUnder(PERMITTING), content });
    const actors = hosted({ report }, staff);
    const dying: DyingSystem<ActorDefinitions> = new DyingSystem({
      store: memory(),
      actors,
      maxTurnsPerCommit: 1,
      dies: () => !isCalm && dies(++commits),
    });
    await dying.open();
    await dying.start('report', '1', {});
    for (let i = 0; i < 3; i++) await dying.advance(1000);
    const made = commits;
    isCalm = true;
    await dying.settle();
    const runs = new Runs(host, actors);
    const damaged = [];
    for await (const one of content.verify()) damaged.push(one);
    const { state, output, tasks, sources } = await runs.status('report/1');
    const { to } = await lineageIn({ runs, content }, contentHashOf(almanac));
    const kept: string[] = [];
    for await (const address of dying.system.addresses())
      if (address.startsWith('content/')) kept.push(address);
    const told = tasks.map(({ task: name, output: of, status }) => [name, status, of?.hash]);
    const { deaths } = dying;
    await dying.close();
    const outcome = { state, output, told, sources, to: said(to), kept: kept.toSorted(), keys: answers.size };
    return { outcome, damaged, late, commits: made, deaths };
  }

  const WORK: Record<string, (input: Data) => Data> = {
    fetch: () => ({ text: almanac }),
    other: () => ({ other: true }),
    write: ({ text, other }) => ({ text: `chapter: ${String(text ?? other)}` }),
    polish: ({ text }) => ({ text: `${String(text)}!` }),
  };

  it('is the same whenever the system dies, and nothing that was done is done again', async () => {
    const calm = await play(() => false);
    expect(calm.outcome).toMatchObject({ state: 'complete', keys: 6 });
    expect(calm.outcome.kept.length).toBe(7);
    let deaths = 0;
    for (let at = 1; at <= calm.commits; at += 4) {
      const died = await play((all) => all === at);
      expect([at, died.outcome, died.late, died.damaged]).toEqual([at, calm.outcome, [], []]);
      deaths += died.deaths;
    }
    expect(deaths).toBeGreaterThan(calm.commits / 4 - 1);
  });
});
