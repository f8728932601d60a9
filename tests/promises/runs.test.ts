// The lie: "you see how a run stands". Held against what happened: now, at every record since, in lists, live, and with a person, an
// operator, money and sources in it.
import { createSystem, InvalidArgument } from 'heddle';
import type { HeddleRef } from 'heddle';
import {
  agent,
  branch,
  budget,
  call,
  extend,
  FaultError,
  gate,
  map,
  result,
  roles,
  strategies,
  task,
  workflow,
} from 'heddle/actors';
import type { Assignment, RunStatus } from 'heddle/actors';
import { memory } from 'heddle/storage';
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { afterwards } from './systems.ts';

type Data = Readonly<Record<string, unknown>>;
const TABLE = `
roles: { editor: {}, chief: {} }
members:
  - { who: { type: user, id: ada }, roles: [editor, chief] }
  - { who: { type: user, id: bob }, roles: [editor, chief] }
grants:
  - { id: program, to: { principals: [{ type: program, id: main }] }, actions: ['*'], resources: any }
  - { id: runs, to: { principals: [{ type: actor, id: 'report/*' }] }, actions: [agent.call], resources: any }
  - { id: people, to: { roles: [editor] }, actions: ['review.*'], resources: [{ type: review }] }
`;

const ANY = { type: 'object' } as const;

function worker(name: string, work: (input: Data, assignment: Assignment) => Data) {
  return agent({
    name,
    capabilities: [name],
    model: 'local',
    estimate: () => 0.02,
    inputSchema: ANY,
    outputSchema: ANY,
    execute: async (assignment: Assignment) => {
      await Promise.resolve();
      const output = work(assignment.input, assignment);
      const sources = [
        {
          uri: `https://archive.example/${name}`,
          content: `all about ${name}`,
          at: 1_700_000_000_000,
          class: 'public',
          licence: 'CC-BY-4.0',
          region: 'eu',
          version: '3',
        },
      ];
      return result(assignment, {
        output,
        cost: 0.01,
        duration: 1,
        model: 'local',
        confidence: 0.9,
        sources,
      });
    },
  });
}

const until = async (holds: () => boolean): Promise<void> => {
  for (let i = 0; i < 1000 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(holds()).toBe(true);
};

/** Fails for as long as it is told to. */
let isBroken = true;

const report = workflow({
  id: 'report',
  budget: budget({ limit: 1 }),
  shared: { texts: { reduce: 'append', initial: [] } },
  strategy: extend(strategies.standard, { name: 'parking', rows: { crash: [{ do: 'park' }] } }),
  tasks: {
    plan: task({ capability: 'plan' }),
    size: branch({
      needs: ['plan'],
      arms: { small: () => false, large: () => true },
      otherwise: 'fail',
    }),
    small: task({ needs: ['size.small'], capability: 'plan' }),
    chapters: map({
      needs: ['plan', 'size.large'],
      over: ({ plan }) => plan.titles,
      item: (title: string) => ({ title }),
      each: task({ capability: 'write' }),
      writes: { texts: (outputs: { text: string }[]) => outputs.map(({ text }) => text) },
    }),
    first: gate({ needs: ['chapters'], role: 'editor', editable: true, input: (_, { shared }) => shared }),
    check: task({ needs: ['first'], capability: 'check' }),
    second: gate({ needs: ['check'], role: 'chief' }),
    publish: task({ needs: ['second', 'first'], capability: 'publish', input: ({ first }) => first.output }),
  },
});

/** Calls something that nobody will ever move again. */
const deadEnd = setup({}).createMachine({ initial: 'a', states: { a: { always: 'b' }, b: {} } });
const lost = workflow({ id: 'lost', tasks: { it: call({ workflow: deadEnd }) } });

const agents = {
  plan: worker('plan', () => ({ titles: ['a', 'b'] })),
  write: worker('write', ({ title }) => ({ text: `about ${String(title)}` })),
  check: worker('check', () => {
    if (isBroken) throw new FaultError({ class: 'crash', message: 'it is broken' });
    return { ok: true };
  }),
  publish: worker('publish', (input) => ({ published: input })),
};

async function open() {
  isBroken = true;
  const system = await createSystem({
    store: memory(),
    actors: { report, lost, ...agents },
    decider: roles(TABLE),
  });
  afterwards(() => system.close());
  return system;
}
type Opened = Awaited<ReturnType<typeof open>>;

const ADA = { by: 'ada', verdict: 'approve' } as const;
/** Nobody decides about what they have edited. */
const BOB = { by: 'bob', verdict: 'approve' } as const;

/** The newest record of a run, after one that changes nothing: so it is newer than everything below it. */
async function touched(system: Opened): Promise<number> {
  const run = system.get('report/1') as unknown as HeddleRef<never>;
  const { seq } = await run.send({ type: 'nothing' } as never);
  return seq;
}

/** Goes through a whole run, and looks at it where nothing moves. */
async function told(system: Opened, look: (when: string) => Promise<void>): Promise<void> {
  const input = { topic: 'tides' };
  const run = await system.start('report', { id: '1', input });
  const isAt = (name: string, stand: string): boolean =>
    run.getSnapshot().matches({ working: { [name]: { running: stand } } });
  const review = (name: string): boolean => system.reviews.get(`report/1/${name}`)?.status === 'pending';
  await until(() => isAt('first', 'waiting') && review('first'));
  await look('first');
  await system.reviews.decide('report/1/first', {
    ...ADA,
    reason: 'better so',
    edits: [{ op: 'replace', pointer: '/texts/0', value: 'all about a' }],
  });
  await until(() => isAt('check', 'parked'));
  await look('parked');
  isBroken = false;
  await run.send({ type: 'task.resume', task: 'check', by: 'olga' });
  await until(() => isAt('second', 'waiting') && review('second'));
  await look('second');
  await system.reviews.decide('report/1/second', BOB);
  await until(() => run.getSnapshot().status !== 'active');
  await look('end');
}

const partOf = (status: RunStatus, name: string) => status.tasks.find(({ task: one }) => one === name)!;

describe('the status of a run', () => {
  it('says what it was given, where it stands, why it waits and for whom, what it has cost and what comes next', async () => {
    const system = await open();
    const seen: Record<string, RunStatus> = {};
    await told(system, async (when) => void (seen[when] = await system.runs.status('report/1')));
    const { first, parked, second, end } = seen as Record<'first' | 'parked' | 'second' | 'end', RunStatus>;
    expect(first).toMatchObject({
      run: 'report/1',
      workflow: 'report',
      state: 'waiting',
      input: { value: { topic: 'tides' }, hash: expect.stringMatching(/^sha256:/) as string },
      money: { limit: 1_000_000, spent: 30_000, reserved: 0, remaining: 970_000 },
      waits: [{ task: 'first', for: 'person', roles: ['editor'] }],
      next: ['check'],
      decisions: [],
      shared: { texts: ['about a', 'about b'] },
    });
    expect(first.tasks.map(({ task: name, status }) => [name, status])).toEqual([
      ['plan', 'complete'],
      ['size', 'complete'],
      ['small', 'skipped'],
      ['chapters', 'complete'],
      ['first', 'waiting'],
      ['check', 'pending'],
      ['second', 'pending'],
      ['publish', 'pending'],
    ]);
    expect(partOf(first, 'chapters').parts).toMatchObject([
      {
        task: 'chapters/0',
        status: 'complete',
        agent: 'write',
        cost: 10_000,
        output: { value: { text: 'about a' } },
      },
      {
        task: 'chapters/1',
        status: 'complete',
        agent: 'write',
        cost: 10_000,
        output: { value: { text: 'about b' } },
      },
    ]);
    const place = {
      class: 'public',
      licence: 'CC-BY-4.0',
      region: 'eu',
      version: '3',
      at: 1_700_000_000_000,
    };
    expect(first.sources).toMatchObject([
      { task: 'plan', uri: 'https://archive.example/plan', ...place },
      { task: 'chapters/0', uri: 'https://archive.example/write', ...place },
      { task: 'chapters/1', uri: 'https://archive.example/write', ...place },
    ]);
    expect(parked).toMatchObject({
      state: 'parked',
      waits: [{ task: 'check', for: 'operator', why: 'crash: it is broken' }],
      decisions: [
        { review: 'report/1/first', what: 'approve', by: 'ada' },
        { what: 'edit', by: 'ada' },
      ],
    });
    expect(partOf(parked, 'check').attempts).toMatchObject([
      { agent: 'check', fault: 'crash', move: 'park' },
    ]);
    expect(second).toMatchObject({ state: 'waiting', waits: [{ task: 'second', roles: ['chief'] }] });
    expect(partOf(second, 'check').attempts.map(({ fault }) => fault)).toEqual(['crash', undefined]);
    expect(end).toMatchObject({ state: 'complete', waits: [], next: [] });
    expect(end.output?.value).toEqual({ publish: { published: { texts: ['all about a', 'about b'] } } });
    // The attempts say by hashes what they were made of and what came of them.
    const [attempt] = partOf(end, 'publish').attempts;
    expect(attempt!.manifest).toEqual({
      input: partOf(end, 'publish').input!.hash,
      output: partOf(end, 'publish').output!.hash,
    });
  });

  it('was at every record what it is said to have been', async () => {
    const system = await open();
    const seen: { readonly at: number; readonly status: RunStatus }[] = [];
    await told(system, async (when) => {
      if (when === 'end') return;
      const at = await touched(system);
      seen.push({ at, status: await system.runs.status('report/1') });
    });
    expect(seen.map(({ status: { state } }) => state)).toEqual(['waiting', 'parked', 'waiting']);
    for (const { at, status } of seen) expect(await system.runs.status('report/1', { at })).toEqual(status);
    const now = await system.runs.status('report/1');
    let last = 0;
    for await (const { seq } of system.history('report/1')) last = seq;
    expect(await system.runs.status('report/1', { at: last })).toMatchObject({
      state: 'complete',
      tasks: now.tasks,
    });
    let spent = 0;
    for (let at = 1; at <= last; at++) {
      const { input, money } = await system.runs.status('report/1', { at });
      expect(input).toEqual(now.input);
      // Its account is born with it, and takes its first step after it.
      expect(money.limit).toBe(at === 1 ? undefined : 1_000_000);
      if (money.limit === undefined) continue;
      expect(money.remaining).toBe(money.limit - money.spent - (money.reserved ?? 0));
      expect(money.remaining).toBeGreaterThanOrEqual(0);
      expect(money.spent).toBeGreaterThanOrEqual(spent);
      spent = money.spent;
    }
    expect(spent).toBe(now.money.spent);
  });

  it('is refused of what is no run', async () => {
    const system = await open();
    await expect(system.runs.status('report/9')).rejects.toMatchObject({ code: 'HEDDLE_UNKNOWN_ACTOR' });
    const hash = await system.content.put('text');
    await expect(system.runs.status(`content/${hash.slice(7)}`)).rejects.toBeInstanceOf(InvalidArgument);
    await expect(system.runs.of('report/1').blame('nothing.of.it')).rejects.toBeInstanceOf(InvalidArgument);
  });

  it('tells who has changed what', async () => {
    const system = await open();
    await told(system, async () => {});
    const run = system.runs.of('report/1');
    expect(await run.blame('input')).toMatchObject({ seq: 1, event: { type: 'xstate.init' } });
    expect(await run.blame('tasks.plan.output')).toMatchObject({
      event: { type: 'xstate.done.actor.plan' },
      cause: { kind: 'actor', address: 'report/1/plan' },
      after: { titles: ['a', 'b'] },
    });
    expect(await run.blame('money.spent')).toMatchObject({
      address: 'report/1/account',
      cause: { kind: 'actor', address: 'report/1/publish' },
      after: 50_000,
    });
  });
});

describe('a list of runs', () => {
  it('has those that stand so, whatever else goes on in them', async () => {
    const system = await open();
    const found = async (options: Parameters<Opened['runs']['list']>[0]) => {
      const all: string[] = [];
      for await (const { run, state } of system.runs.list(options)) all.push(`${run} ${state}`);
      return all.toSorted();
    };
    await told(system, async (when) => {
      const [state, others] = {
        first: ['waiting', 'parked'],
        parked: ['parked', 'waiting'],
        second: ['waiting', 'running'],
        end: ['complete', 'waiting'],
      }[when] as ['waiting', 'parked'];
      expect(await found({ state })).toEqual([`report/1 ${state}`]);
      expect(await found({ state: others })).toEqual([]);
      expect(await found({ workflow: 'report', under: 'report/1' })).toEqual(
        when === 'end' ? [] : [`report/1 ${state}`],
      );
      expect(await found({ workflow: 'plan' })).toEqual([]);
    });
    await expect(found({ state: 'lost' as never })).rejects.toBeInstanceOf(InvalidArgument);
    await expect(found({ workflow: 'nobody' })).rejects.toThrow(/there are report, lost, plan/);
  });
});

describe('whoever watches a run', () => {
  it('sees it change, and its end last', async () => {
    const system = await open();
    const states: string[] = [];
    let watching: Promise<void> | undefined;
    const watch = async () => {
      for await (const { state } of system.runs.watch('report/1'))
        if (states.at(-1) !== state) states.push(state);
    };
    await told(system, async (when) => {
      if (when === 'first') watching = watch();
      await until(() => when === 'end' || states.length > 0);
    });
    await watching;
    expect(states[0]).toBe('waiting');
    expect(states).toContain('parked');
    expect(states.at(-1)).toBe('complete');
  });

  it('can go while nothing changes', async () => {
    const system = await open();
    await system.start('report', { id: '1', input: { topic: 'tides' } });
    await until(() => system.reviews.get('report/1/first')?.status === 'pending');
    const going = new AbortController();
    let count = 0;
    const watching = (async () => {
      for await (const _ of system.runs.watch('report/1', { signal: going.signal })) count++;
    })();
    await until(() => count > 0);
    going.abort();
    await watching;
    // How it is, it was told once.
    expect(count).toBe(1);
    for await (const _ of system.runs.watch('report/1', { signal: going.signal })) expect.unreachable();
  });
});

describe('the never-stuck detector', () => {
  it('names no run that waits for a person or an operator, and names one that nothing can move', async () => {
    const system = await open();
    const stuck = async () => {
      const all: string[] = [];
      for await (const { address } of system.stuck()) all.push(address);
      return all;
    };
    await told(system, async () => expect(await stuck()).toEqual([]));
    await system.start('lost', { id: '1', input: {} });
    await until(() => system.get('lost/1/it') !== undefined);
    expect(await stuck()).toEqual(['lost/1/it']);
    expect(await system.runs.status('lost/1')).toMatchObject({
      state: 'running',
      tasks: [{ status: 'running' }],
    });
  });
});
