// The lie: "when nobody can answer, the last good answer to the same question is taken, and nothing else". Whatever is another
// question, too old, somebody else's, damaged or halted is offered, over kills and at every commit.
import {
  agent,
  call,
  extend,
  gate,
  map,
  result,
  roles,
  rules,
  strategies,
  task,
  vote,
  workflow,
} from 'heddle/actors';
import type { Assignment } from 'heddle/actors';
import type { AccessRequest, Decider } from 'heddle';
import type { Store } from 'heddle/storage';
import { describe, expect, it } from 'vitest';
import { ANSWERS } from '../../actors/staffing/memory.ts';
import type { KeptAnswer } from '../../machines/task/kept-answer.ts';
import { contentHashOf } from '../../machines/values/content.ts';
import { doing, World } from './staffed-world.ts';
import { WatchedStore } from './watched-store.ts';
import { rejection } from './systems.ts';

const HOUR_MS = 3_600_000;

interface Kept {
  getSnapshot(): { readonly context: { readonly answer: KeptAnswer } };
  send(event: object): Promise<unknown>;
}

const recalling = extend(strategies.standard, {
  name: 'recalling',
  rows: {
    crash: [{ do: 'stale', maxAgeMs: HOUR_MS }, { do: 'fail' }],
    'low-confidence': [{ do: 'accept' }],
  },
});

const PERMITTING = roles(`
grants:
  - { id: everything, to: everyone, actions: ['*'], resources: any }
`);

/** A source that can be down. */
class Source {
  isDown = false;
  asked = 0;
  price = 1;

  agent(name = 'source', more: object = {}) {
    return doing(
      name,
      ({ input }) => {
        this.asked++;
        if (this.isDown) throw new Error('it is down');
        return { of: (input as { readonly symbol?: string }).symbol ?? null, price: this.price };
      },
      more,
    );
  }
}

const quotes = workflow({
  id: 'quotes',
  strategy: recalling,
  tenant: ({ tenant }) => tenant as string | undefined,
  tasks: {
    quote: task({ agent: 'source', input: (_, { input }) => ({ symbol: input['symbol'] }) }),
  },
});

async function opened(source: Source, actors: object = {}, store?: Store): Promise<World> {
  return World.open({
    ...(store !== undefined && { store }),
    actors: { quotes, source: source.agent(), ...actors } as never,
    decider: PERMITTING,
  });
}

async function quoted(
  world: World,
  id: string,
  input: object = { symbol: 'X', tenant: 'acme' },
  name = 'quotes',
) {
  await world.start(name, id, input);
  await world.until(() => world.snapshot(`${name}/${id}`).status !== 'active');
  return world.system.runs.status(`${name}/${id}`);
}

const STALE = { status: 'complete', ground: 'stale', output: { value: { of: 'X', price: 1 } } };

describe('an answer from before', () => {
  it('is taken when nobody can answer, and everybody is told whose it is', async () => {
    const source = new Source();
    const world = await opened(source);
    const first = await quoted(world, '1');
    expect(first.tasks[0]).not.toHaveProperty('ground');
    source.isDown = true;
    await world.advance(HOUR_MS / 2);
    const status = await quoted(world, '2');
    const hash = contentHashOf({ of: 'X', price: 1 });
    expect(status.state).toBe('complete');
    expect(status.tasks[0]).toMatchObject({
      ...STALE,
      attempts: [{ agent: 'source', fault: 'crash', move: 'stale' }],
      ...{ agent: 'source', confidence: 0.9 },
      recalled: { task: 'quotes/1/quote', agent: 'source', output: hash, confidence: 0.9 },
    });
    const { is } = await world.system.lineage(hash, { run: 'quotes/2' });
    expect(is).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'output', run: 'quotes/1', task: 'quote', agent: 'source' }),
        expect.objectContaining({ kind: 'output', run: 'quotes/2', task: 'quote', ground: 'stale' }),
      ]),
    );
    expect(world.system.content.facts(hash)).toMatchObject({
      ...{ madeBy: ['quotes/1/quote'], usedBy: ['quotes/2/quote'] },
    });
    for (const field of ['recalled', 'recalled.task', 'agent', 'confidence', 'ground'])
      expect([field, await world.system.runs.of('quotes/2').blame(`tasks.quote.${field}`)]).toMatchObject([
        field,
        { address: 'quotes/2/quote', event: { type: 'xstate.done.actor.recall' } },
      ]);
  });

  it('that was taken in another store is not taken for what was made at the same address in this one', async () => {
    const source = new Source();
    const noted = workflow({
      ...{ id: 'noted', strategy: recalling },
      tasks: {
        quote: task({ agent: 'source' }),
        ok: gate({ needs: ['quote'], role: 'editor' }),
        note: task({ needs: ['ok'], agent: 'noter', input: ({ ok }) => ok.output as never }),
      },
    });
    const noter = doing('noter', ({ input }) => ({ noted: input['price'] }));
    const waitsIn = (world: World, id: string) =>
      world.until(() => world.system.get(`noted/${id}/ok`) !== undefined);
    const there = await opened(source, { noted, noter });
    for (const id of ['1', '2']) {
      await there.start('noted', id, { symbol: 'X' });
      await waitsIn(there, id);
      source.isDown = true;
    }
    const history = await there.system.export('noted/2');
    source.isDown = false;
    const here = await opened(source, { noted, noter });
    await here.start('noted', '1', { symbol: 'Z' });
    await waitsIn(here, '1');
    await here.system.import({ history });
    await here.system.perform('noted/2');
    await here.system.reviews.decide('noted/2/ok', { by: 'ada', verdict: 'approve' });
    await here.until(() => here.snapshot('noted/2').status === 'done');
    const { from } = await here.system.lineage(contentHashOf({ noted: 1 }));
    const quoted = from.filter((one) => one.task === 'quote' && one.kind === 'output');
    expect(quoted.map(({ run, hash }) => [run, hash])).toEqual(
      ['noted/2', 'noted/1'].map((run) => [run, contentHashOf({ of: 'X', price: 1 })]),
    );
    const inputs = from.filter((one) => one.kind === 'input' && one.run === 'noted/1');
    expect(inputs).toEqual([]);
  });

  it('is there after a kill, and is the newest that was good', async () => {
    const source = new Source();
    const world = await opened(source);
    await quoted(world, '1');
    source.price = 2;
    await world.advance(1000);
    await quoted(world, '2');
    await world.crash();
    source.isDown = true;
    expect((await quoted(world, '3')).tasks[0]).toMatchObject({
      output: { value: { price: 2 } },
      recalled: { task: 'quotes/2/quote' },
    });
  });

  it('never becomes younger by being taken', async () => {
    const source = new Source();
    const world = await opened(source);
    await quoted(world, '1');
    source.isDown = true;
    await world.advance(HOUR_MS - 1000);
    expect((await quoted(world, '2')).tasks[0]).toMatchObject(STALE);
    await world.advance(2000);
    const late = await quoted(world, '3');
    expect(late).toMatchObject({
      state: 'failed',
      tasks: [{ status: 'failed', problem: { class: 'crash' } }],
    });
    const [record] = (await world.history('quotes/3/quote')).flatMap(({ event }) =>
      event.type === 'xstate.done.actor.recall' ? [event as unknown as { output: { why: string } }] : [],
    );
    expect(record!.output.why).toMatch(/^the last answer is \d+ ms old, and may be 3600000$/);
  });

  it.each([
    ['another tenant', { symbol: 'X', tenant: 'other' }],
    ['another input', { symbol: 'Y', tenant: 'acme' }],
    ['nobody knows whom', { symbol: 'X', tenant: 5 }],
  ])('is not for %s', async (_, input) => {
    const source = new Source();
    const world = await opened(source);
    await quoted(world, '1');
    source.isDown = true;
    expect(await quoted(world, '2', input)).toMatchObject({ state: 'failed' });
  });

  it('of somebody unknown is not kept for anybody, himself included', async () => {
    const source = new Source();
    const world = await opened(source);
    await quoted(world, '1', { symbol: 'X', tenant: 5 });
    source.isDown = true;
    expect(await quoted(world, '2', { symbol: 'X', tenant: 5 })).toMatchObject({ state: 'failed' });
  });

  it('is not for another task, nor for another workflow with one of that name', async () => {
    const source = new Source();
    const others = workflow({
      ...{ id: 'others', strategy: recalling },
      tasks: { quote: task({ agent: 'source', input: () => ({ symbol: 'X' }) }) },
    });
    const two = workflow({
      ...{ id: 'two', strategy: recalling },
      tasks: {
        a: task({ agent: 'source', input: () => ({ symbol: 'X' }) }),
        b: task({ needs: ['a'], agent: 'source', input: () => ({ symbol: 'X' }) }),
      },
    });
    const world = await opened(source, { others, two });
    await quoted(world, '1', {}, 'others');
    await world.start('two', '1');
    await world.until(() => source.asked >= 2);
    await world.until(() => world.snapshot('two/1').status !== 'active');
    source.isDown = true;
    expect(await quoted(world, '1', { symbol: 'X' })).toMatchObject({ state: 'failed' });
    const status = await quoted(world, '2', {}, 'two');
    expect(status.tasks.map(({ recalled }) => recalled?.task)).toEqual(['two/1/a', 'two/1/b']);
  });

  it('is not one that was held against other rules', async () => {
    const source = new Source();
    const asking = (n: number) =>
      workflow({
        ...{ id: 'held', strategy: recalling },
        tasks: {
          quote: task({
            agent: 'source',
            verify: [rules([{ name: 'few', must: { at: '#/price', is: 'less', than: n } }])],
          }),
        },
      });
    const world = await opened(source, { held: asking(5) });
    expect(await quoted(world, '1', {}, 'held')).toMatchObject({ state: 'complete' });
    source.isDown = true;
    expect(await quoted(world, '2', {}, 'held')).toMatchObject({ state: 'complete' });
    await world.close();
    await world.reopen({ actors: { quotes, source: source.agent(), held: asking(6) } });
    expect(await quoted(world, '3', {}, 'held')).toMatchObject({ state: 'failed' });
  });

  it('is not that of another schema of outputs', async () => {
    const source = new Source();
    const outputSchema = (maximum: number) =>
      ({
        type: 'object',
        properties: { of: {}, price: { type: 'number', maximum } },
        required: ['of', 'price'],
      }) as const;
    const few = source.agent('few', { outputSchema: outputSchema(5) });
    const asking = (maximum: number) =>
      workflow({
        ...{ id: 'strict', strategy: recalling },
        tasks: { quote: task({ agent: 'few', outputSchema: outputSchema(maximum) }) },
      });
    const world = await opened(source, { few, strict: asking(10) });
    await quoted(world, '1', {}, 'strict');
    await world.close();
    await world.reopen({
      actors: { quotes, source: source.agent(), few, strict: asking(5) },
    });
    source.isDown = true;
    expect(await quoted(world, '2', {}, 'strict')).toMatchObject({ state: 'failed' });
    await world.close();
    await world.reopen({ actors: { quotes, source: source.agent(), few, strict: asking(10) } });
    expect(await quoted(world, '3', {}, 'strict')).toMatchObject({ state: 'complete' });
  });

  it('that is not good enough for the task as it is today is not taken', async () => {
    const source = new Source();
    const asking = (more: object) =>
      workflow({ id: 'strict', strategy: recalling, tasks: { quote: task({ agent: 'source', ...more }) } });
    const world = await opened(source, { strict: asking({ quality: 0.5 }) });
    await quoted(world, '1', {}, 'strict');
    source.isDown = true;
    const under = async (id: string, more: object) => {
      await world.close();
      await world.reopen({ actors: { source: source.agent(), strict: asking(more) } });
      return quoted(world, id, {}, 'strict');
    };
    expect(await under('2', { quality: 0.95 })).toMatchObject({ state: 'failed' });
    const never = { name: 'never', version: 1, check: () => ({ ok: false, problems: [] }) };
    expect(await under('3', { quality: 0.5, verify: [never] })).toMatchObject({ state: 'failed' });
    expect(await under('4', { quality: 0.9 })).toMatchObject({ state: 'complete' });
  });

  it('leads to what it was made of, also from what was made of it elsewhere', async () => {
    let isDown = false;
    const wire = agent({
      ...{ name: 'wire', capabilities: ['wire'], model: 'wire', estimate: () => 0 },
      ...{ inputSchema: { type: 'object' }, outputSchema: { type: 'object' } },
      execute: (assignment: Assignment) => {
        if (isDown) throw new Error('it is down');
        const sources = [{ uri: 'https://wire.example/x', content: 'low', at: 1 }];
        const known = { cost: 0, duration: 1, model: 'wire', confidence: 0.9, sources };
        return result(assignment, { output: { tide: 'low' }, ...known }) as never;
      },
    });
    const press = doing('press', ({ id }) => ({ id }));
    const told = workflow({
      ...{ id: 'told', strategy: recalling },
      tasks: { ask: task({ agent: 'wire' }), print: task({ needs: ['ask'], agent: 'press' }) },
    });
    const world = await World.open({ actors: { told, wire, press }, decider: PERMITTING });
    await quoted(world, '1', {}, 'told');
    isDown = true;
    const { tasks } = await quoted(world, '2', {}, 'told');
    const { from } = await world.system.lineage(tasks[1]!.output!.hash!);
    expect(from).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'output', run: 'told/1', task: 'ask', attempt: 1 }),
        expect.objectContaining({
          kind: 'source',
          source: expect.objectContaining({ uri: 'https://wire.example/x' }),
        }),
      ]),
    );
  });

  it('of an agent that is halted is taken by nobody before that is lifted', async () => {
    const source = new Source();
    const other = new Source();
    const either = workflow({
      ...{ id: 'either', strategy: recalling },
      tasks: { quote: task({ agent: ['source', 'other'], input: () => ({ symbol: 'X' }) }) },
    });
    const world = await opened(source, { either, other: other.agent('other') });
    await quoted(world, '1', {}, 'either');
    other.isDown = true;
    await world.system.halts.halt({ agent: 'source' }, { by: 'ada', reason: 'it lies' });
    expect(await quoted(world, '2', {}, 'either')).toMatchObject({ state: 'failed' });
    await world.system.halts.lift({ agent: 'source' }, { by: 'ada', reason: 'it is well' });
    source.isDown = true;
    expect(await quoted(world, '3', {}, 'either')).toMatchObject({ state: 'complete', tasks: [STALE] });
  });

  it('of an agent that is halted while it is being noted is taken by nobody either', async () => {
    const source = new Source();
    let permit = (): void => {};
    const slowly: Decider = {
      hash: 'slowly',
      decide: (request) =>
        source.isDown && request.action.properties?.['event'] === 'content.noted'
          ? new Promise((resolve) => (permit = () => resolve(PERMITTING.decide(request))))
          : PERMITTING.decide(request),
    };
    const actors = { quotes, source: source.agent() };
    const world = await World.open({ actors: actors as never, decider: slowly });
    await quoted(world, '1');
    source.isDown = true;
    await world.start('quotes', '2', { symbol: 'X', tenant: 'acme' });
    await world.until(() => world.snapshot('quotes/2/quote').value === 'recalling');
    await world.system.halts.halt({ agent: 'source' }, { reason: 'it makes up prices' });
    permit();
    await world.until(() => world.snapshot('quotes/2').status !== 'active');
    expect(world.snapshot('quotes/2').context.nodes.quote).toMatchObject({ status: 'failed' });
  });

  it.each<[string, (kept: KeptAnswer) => Partial<KeptAnswer>]>([
    ['is another', () => ({ output: contentHashOf({ of: 'X', price: 0 }) })],
    ['is of another agent', () => ({ agent: 'ann' })],
    ['is newer than it is', ({ at }) => ({ at: at + 1000 })],
    ['was given to a run of another tenant', () => ({ task: 'quotes/other/quote' })],
    ['was given to nobody', () => ({ task: 'quotes/none/quote' })],
    ['was given to a run', () => ({ task: 'quotes/1' })],
  ])('that somebody has put there, and %s, is not taken', async (_, lie) => {
    const source = new Source();
    const world = await opened(source);
    await world.system.content.put({ of: 'X', price: 0 });
    await quoted(world, '1');
    await world.advance(5);
    await quoted(world, 'other', { symbol: 'X', tenant: 'other' });
    source.isDown = true;
    const kept = [];
    for await (const one of world.system.query({ name: ANSWERS })) kept.push(one as Kept);
    const mine = kept.find((one) => one.getSnapshot().context.answer.task === 'quotes/1/quote')!;
    const { answer } = mine.getSnapshot().context;
    const theirs = kept.find((one) => one !== mine)!.getSnapshot().context.answer;
    const forged = {
      ...(lie(answer).task === theirs.task ? theirs : { ...answer, at: answer.at + 1 }),
      ...lie(answer),
    };
    const event = { type: 'answer.kept', answer: forged } as const;
    expect(await rejection(mine.send(event))).toMatchObject({ path: 'event.type' });
    await world.system.sendReserved(mine, event);
    expect(mine.getSnapshot().context.answer).toEqual(forged);
    expect(await quoted(world, '2')).toMatchObject({ state: 'failed' });
  });

  it('confirms nobody’s answer', async () => {
    const source = new Source();
    const second = new Source();
    const polled = workflow({
      ...{ id: 'polled', strategy: recalling },
      tasks: {
        quote: task({
          ...{ agent: ['source', 'second'], input: () => ({ symbol: 'X' }) },
          verify: [vote({ of: 2, agree: 2, on: ['#/price'] })],
        }),
      },
    });
    const world = await opened(source, { polled, second: second.agent('second', { model: 'm2' }) });
    expect(await quoted(world, '1', {}, 'polled')).toMatchObject({ state: 'complete' });
    second.isDown = true;
    const status = await quoted(world, '2', {}, 'polled');
    expect(status.tasks[0]!.parts!.some(({ ground }) => ground === 'stale')).toBe(false);
  });

  it('that was unsure is not kept', async () => {
    let confidence = 0.1;
    let isDown = false;
    const shy = agent({
      ...{ name: 'shy', capabilities: ['shy'], model: 'local', estimate: () => 0 },
      ...{ inputSchema: { type: 'object' }, outputSchema: { type: 'object' } },
      execute: ({ id }: Assignment) => {
        if (isDown) throw new Error('it is down');
        const metadata = { cost: 0, duration: 1, model: 'local', confidence };
        return { id, status: 'success', output: { price: 1 }, metadata } as never;
      },
    });
    const flow = workflow({
      ...{ id: 'flow', strategy: recalling },
      tasks: { a: task({ agent: 'shy', quality: 0.5 }) },
    });
    const world = await opened(new Source(), { flow, shy });
    expect((await quoted(world, '1', {}, 'flow')).tasks[0]).toMatchObject({ ground: 'unsure' });
    isDown = true;
    expect(await quoted(world, '2', {}, 'flow')).toMatchObject({ state: 'failed' });
    [confidence, isDown] = [0.9, false];
    await quoted(world, '3', {}, 'flow');
    isDown = true;
    expect(await quoted(world, '4', {}, 'flow')).toMatchObject({ tasks: [{ ground: 'stale' }] });
  });

  it('that is a default is not kept', async () => {
    const source = new Source();
    const flow = workflow({
      id: 'flow',
      strategy: extend(recalling, {
        name: 'defaults',
        rows: {
          crash: [
            { do: 'stale', maxAgeMs: HOUR_MS },
            { do: 'default', value: { price: 0 } },
          ],
        },
      }),
      tasks: { a: task({ agent: 'source' }) },
    });
    const world = await opened(source, { flow });
    source.isDown = true;
    for (const id of ['1', '2'])
      expect((await quoted(world, id, {}, 'flow')).tasks[0]).toMatchObject({ ground: 'default' });
  });

  it('that a person has let pass is not kept', async () => {
    const source = new Source();
    const flow = workflow({
      id: 'flow',
      strategy: extend(recalling, {
        name: 'asking',
        rows: { 'low-confidence': [{ do: 'review', role: 'boss' }] },
      }),
      tasks: { a: task({ agent: 'source', quality: 0.95 }) },
    });
    const world = await opened(source, { flow });
    await world.start('flow', '1');
    await world.system.reviews.decide('flow/1/a/review', { by: 'ada', verdict: 'approve' });
    await world.until(() => world.snapshot('flow/1').status !== 'active');
    expect((await world.system.runs.status('flow/1')).tasks[0]).toMatchObject({ ground: 'person' });
    source.isDown = true;
    expect(await quoted(world, '2', {}, 'flow')).toMatchObject({ state: 'failed' });
  });

  it('that the program may not keep is good all the same, and is not there later', async () => {
    let refused = 0;
    const source = new Source();
    const world = await World.open({
      actors: { quotes, source: source.agent() },
      decider: {
        hash: 'most',
        decide: ({ resource }: AccessRequest) => {
          if (resource.type !== ANSWERS)
            return { effect: 'permit', determining: ['most'], reasons: [], obligations: [] };
          refused++;
          return { effect: 'deny', determining: ['most'], reasons: [], obligations: [] };
        },
      },
    });
    expect(await quoted(world, '1')).toMatchObject({ state: 'complete' });
    expect(refused).toBe(1);
    source.isDown = true;
    expect(await quoted(world, '2')).toMatchObject({ state: 'failed' });
  });

  it('is shown to whoever decides about what was made of it, and holds in lists and runs within runs', async () => {
    const source = new Source();
    const inner = workflow({
      ...{ id: 'inner', strategy: recalling },
      tasks: {
        each: map({
          over: () => [{ symbol: 'A' }, { symbol: 'B' }],
          each: task({ agent: 'source' }),
          concurrency: 2,
        }),
      },
    });
    const outer = workflow({
      id: 'outer',
      tasks: { inner: call({ workflow: inner }), ok: gate({ role: 'boss', needs: ['inner'] }) },
    });
    const world = await opened(source, { inner, outer });
    const reach = async (id: string) => {
      await world.start('outer', id);
      await world.until(() => world.system.get(`outer/${id}/ok`) !== undefined);
      return world.system.reviews.context(`outer/${id}/ok`);
    };
    await reach('1');
    source.isDown = true;
    const { data } = await reach('2');
    expect(data.items!.filter(({ task: name }) => name.startsWith('inner/each/'))).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ task: 'inner/each/0', what: 'output', ground: 'stale' }),
        expect.objectContaining({ task: 'inner/each/1', what: 'output', ground: 'stale' }),
      ]),
    );
    const { tasks } = await world.system.runs.status('outer/2');
    const items = tasks[0]!.parts![0]!.parts!;
    expect(items.map(({ recalled }) => recalled?.task)).toEqual([
      'outer/1/inner/each/0',
      'outer/1/inner/each/1',
    ]);
  });

  it('is kept, and taken, whichever commit the system dies in', async () => {
    const deaths = [0, 0];
    for (let commit = 1; commit <= 14; commit++) {
      const source = new Source();
      const store = new WatchedStore();
      const world = await opened(source, {}, store);
      /** Nobody is told of a commit any more, from that one on. */
      const dying = async (id: '1' | '2') => {
        const last = store.written + commit;
        let isCalm = false;
        Object.defineProperty(store, 'isMute', {
          get: () => !isCalm && store.written >= last,
          configurable: true,
        });
        void world.system.start('quotes', { id, input: { symbol: 'X', tenant: 'acme' } }).catch(() => {});
        await world.settle();
        if (store.written >= last) deaths[Number(id) - 1]! += 1;
        isCalm = true;
        await world.crash();
        await world.until(() => world.snapshot(`quotes/${id}`).status !== 'active');
      };
      await dying('1');
      source.isDown = true;
      await dying('2');
      expect([commit, (await world.system.runs.status('quotes/2')).tasks[0]]).toMatchObject([commit, STALE]);
      await world.close();
    }
    console.log(
      `killed in commits of runs of which one keeps an answer: ${deaths[0]}, one takes it: ${deaths[1]}`,
    );
    expect(Math.min(...deaths)).toBeGreaterThan(3);
  });
});
