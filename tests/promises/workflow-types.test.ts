// The lie: "a workflow that makes no sense does not compile": a need that is not there, an arm that is not there, an input of another
// type. The compiler is the judge here (`tsc -p .`): each mistake stands under a mark that is an error itself if there is none.
import { agent, branch, call, from, gate, join, loop, map, task, workflow } from 'heddle/actors';
import { createSystem } from 'heddle';
import type { HeddleRef } from 'heddle';
import { memory } from 'heddle/storage';
import { fromPromise } from 'xstate';
import { describe, expect, expectTypeOf, it } from 'vitest';

const TOPIC = {
  type: 'object',
  properties: { topic: { type: 'string' }, words: { type: 'number' } },
  required: ['topic'],
} as const;

const report = workflow({
  id: 'report',
  inputSchema: TOPIC,
  tasks: {
    research: task({ capability: 'research' }),
    size: branch({
      needs: ['research'],
      arms: { long: ({ research }) => research.words > 900, short: () => true },
      otherwise: 'fail',
    }),
    shorten: task({
      needs: ['size.long'],
      capability: 'edit',
      input: { text: from('size', '/research/text') },
    }),
    review: gate({ needs: ['size.short', { node: 'shorten', onError: 'absent' }], role: 'editor' }),
  },
});

const writer = agent({
  name: 'writer',
  capabilities: ['write'],
  model: 'local',
  inputSchema: TOPIC,
  outputSchema: { type: 'object' },
  execute: () => Promise.reject(new Error('is not called')),
});

const open = () => createSystem({ store: memory(), actors: { report, writer } });

const research = task({ agent: 'a' });
const until = () => true;

describe('a need', () => {
  it('is a node of the workflow', () => {
    const b = {
      task: task({ needs: ['reserch'], agent: 'a' }),
      join: join({ needs: [{ node: 'reserch', onError: 'skip' }] }),
      gate: gate({ needs: ['reserch'], role: 'editor' }),
      map: map({ needs: ['reserch'], over: () => [], each: research }),
      loop: loop({ needs: ['reserch'], body: research, times: 1, until }),
      call: call({ needs: ['reserch'], workflow: report }),
      branch: branch({ needs: ['reserch'], arms: { x: until }, otherwise: 'x' }),
    };
    const mistakes = [
      // @ts-expect-error -- there is no reserch
      () => workflow({ id: 'x', tasks: { research, b: b.task } }),
      // @ts-expect-error -- nor with a policy of its edge
      () => workflow({ id: 'x', tasks: { research, b: b.join } }),
      // @ts-expect-error -- nor for a gate
      () => workflow({ id: 'x', tasks: { research, b: b.gate } }),
      // @ts-expect-error -- nor for a map
      () => workflow({ id: 'x', tasks: { research, b: b.map } }),
      // @ts-expect-error -- nor for a loop
      () => workflow({ id: 'x', tasks: { research, b: b.loop } }),
      // @ts-expect-error -- nor for a call
      () => workflow({ id: 'x', tasks: { research, b: b.call } }),
      // @ts-expect-error -- nor for a branch
      () => workflow({ id: 'x', tasks: { research, b: b.branch } }),
    ];
    for (const mistake of mistakes) expect(mistake).toThrow("needs 'reserch', which is none of research, b");
  });

  it('may be an arm, and only one that there is', () => {
    const size = branch({ arms: { small: () => true, large: () => true }, otherwise: 'small' });
    const [right, wrong] = [
      task({ needs: ['size.small'], agent: 'a' }),
      task({ needs: ['size.medium'], agent: 'a' }),
    ];
    expect(() => workflow({ id: 'x', tasks: { size, a: right } })).not.toThrow();
    // @ts-expect-error -- there is no such arm
    const mistake = () => workflow({ id: 'x', tasks: { size, a: wrong } });
    expect(mistake).toThrow("needs the arm 'medium' of 'size'");
    // @ts-expect-error -- a task has no arms
    const ofTask = () => workflow({ id: 'x', tasks: { size: research, a: right } });
    expect(ofTask).toThrow('which is no branch');
  });

  it('is all that a function is given', () => {
    const mistakes = () => [
      // @ts-expect-error -- it does not need b
      task({ needs: ['a'], agent: 'x', input: ({ b }) => b as unknown }),
      // @ts-expect-error -- nor for its condition
      task({ needs: ['a'], agent: 'x', when: ({ b }) => b === 1 }),
      // @ts-expect-error -- nor what an agent may know besides
      task({ needs: ['a'], agent: 'x', context: ['b'] }),
      // @ts-expect-error -- a branch falls back on one of its arms
      branch({ needs: ['a'], arms: { small: () => true }, otherwise: 'large' }),
    ];
    expect(mistakes).toBeTypeOf('function');
  });
});

describe('an option', () => {
  it('is one that the kind of node has, with a value that makes sense', () => {
    const mistakes = () => [
      // @ts-expect-error -- it is misspelt
      task({ agent: 'x', qualty: 0.8 }),
      // @ts-expect-error -- of another type
      task({ agent: 'x', maxCost: '5' }),
      // @ts-expect-error -- a loop has a bound
      loop({ body: task({ agent: 'x' }), until: () => true }),
      // @ts-expect-error -- somebody decides at a gate
      gate({ title: 'Publish?' }),
      // @ts-expect-error -- a branch says what happens otherwise
      branch({ arms: { small: () => true } }),
      // @ts-expect-error -- what needs something cannot be the body of a map
      map({ over: () => [], each: gate({ role: 'editor' }) }),
      // @ts-expect-error -- nor can other logic be, which does not say what came of it
      map({ over: () => [], each: fromPromise(() => Promise.resolve({})) }),
      // @ts-expect-error -- nor the body of a loop
      loop({ body: fromPromise(() => Promise.resolve({})), times: 2, until: () => true }),
      // @ts-expect-error -- there is no such reducer
      workflow({ id: 'x', tasks: {}, shared: { found: { reduce: 'mean' } } }),
    ];
    expect(mistakes).toBeTypeOf('function');
  });
});

describe('the input of a run', () => {
  it('is what its schema says, also for an agent that is started by itself', () => {
    const mistakes = async () => {
      const system = await open();
      const run = await system.start('report', { id: '1', input: { topic: 'tides' } });
      expectTypeOf(run).toEqualTypeOf<HeddleRef<typeof report>>();
      await system.start('writer', { id: '1', input: { topic: 'tides', words: 300 } });
      // @ts-expect-error -- it is missing
      await system.start('report', { id: '2' });
      // @ts-expect-error -- something in it is missing
      await system.start('report', { id: '2', input: {} });
      // @ts-expect-error -- of another type
      await system.start('report', { id: '2', input: { topic: 7 } });
      // @ts-expect-error -- of another type, for an agent
      await system.start('writer', { id: '2', input: { topic: 'tides', words: 'many' } });
      // @ts-expect-error -- a run takes no such event
      await run.send({ type: 'run.stop' });
    };
    expect(mistakes).toBeTypeOf('function');
  });
});
