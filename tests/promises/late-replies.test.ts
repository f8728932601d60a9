// The lie: "what comes too late is recorded, and changes nothing". Agents that answer after their attempt was given up, for every reason
// for which that happens: the reply is found with its attempt, its content and its lineage, over a kill, and the run goes on as without it.
import { chunk, extend, FaultError, gate, map, roles, strategies, task, workflow } from 'heddle/actors';
import type { Assignment } from 'heddle/actors';
import { describe, expect, it } from 'vitest';
import { doing, World } from './staffed-world.ts';
import { rejection } from './systems.ts';

/** Answers its first question when it is let go, whatever it is told meanwhile, and the others at once. */
class Sleeper {
  answer: (output: Record<string, unknown> | Error) => void = () => {};
  asked = 0;

  readonly work = (_given: Assignment): Record<string, unknown> | Promise<Record<string, unknown>> => {
    if (this.asked++ > 0) return { text: 'in time' };
    return new Promise((resolve, reject) => {
      this.answer = (output) => (output instanceof Error ? reject(output) : resolve(output));
    });
  };
}

const flow = workflow({ id: 'flow', tasks: { write: task({ capability: 'write', timeout: '1 second' }) } });

async function opened(more: object = {}, actors: object = { flow }) {
  const sleeper = new Sleeper();
  const write = doing('write', sleeper.work, { cost: 0.25 });
  const world = await World.open({ actors: { ...actors, write } as never, ...more });
  return { world, sleeper };
}

const attemptsOf = async (world: World, run = 'flow/1', at?: number) =>
  (await world.system.runs.status(run, at === undefined ? {} : { at })).tasks[0]!.attempts;

describe('a reply that comes too late', () => {
  it('is kept with its attempt when the run is over, and nothing follows from it', async () => {
    const { world, sleeper } = await opened();
    await world.start('flow', '1', { topic: 'tides' });
    await world.advance(10_000);
    expect(world.snapshot('flow/1').output).toEqual({ text: 'in time' });
    expect((await attemptsOf(world))[0]).toMatchObject({ fault: 'timeout' });
    expect((await attemptsOf(world))[0]).not.toHaveProperty('late');
    const records = (await world.history('flow/1')).length;
    const recordsOfTask = (await world.history('flow/1/write')).length;
    sleeper.answer({ text: 'too late' });
    await world.settle();
    await world.crash();
    const [first, second] = await attemptsOf(world);
    const [late, ...others] = first!.late!;
    expect(others).toEqual([]);
    expect(late).toMatchObject({ cost: 250_000, confidence: 0.9, at: world.clock.now() });
    expect(world.system.content.get(late!.output!)).toEqual({ text: 'too late' });
    expect(second).not.toHaveProperty('late');
    expect(world.snapshot('flow/1').output).toEqual({ text: 'in time' });
    expect((await world.history('flow/1')).length).toBe(records);
    expect((await world.history('flow/1/write')).length).toBe(recordsOfTask);
    // As of then, nothing had come.
    expect((await attemptsOf(world, 'flow/1', 1))[0]?.late ?? []).toEqual([]);
    const { is, from, to } = await world.system.lineage(late!.output!);
    expect(is).toEqual([
      { kind: 'draft', run: 'flow/1', task: 'write', agent: 'write', attempt: 1, hash: late!.output },
    ]);
    expect(from.map(({ kind }) => kind)).toContain('input');
    expect(to).toEqual([]);
    expect((await world.system.verify()).broken).toEqual([]);
    for await (const { address } of world.system.stuck()) expect.fail(`${address} is stuck`);
  });

  it('has a record that has made it, which is beside the run', async () => {
    const { world, sleeper } = await opened();
    await world.start('flow', '1');
    await world.advance(10_000);
    const { seq: before } = (await world.history('flow/1')).at(-1)!;
    await world.advance(1000);
    sleeper.answer({ text: 'too late' });
    await world.settle();
    const { blame } = world.system.runs.of('flow/1');
    const address = 'late/flow%2F1%2Fwrite:1';
    const attempts = 'tasks.write.attempts';
    for (const field of ['[0].late', '[0].late[0]', '[0].late[0].cost', '[0]', ''])
      expect([field, await blame(`${attempts}${field}`)]).toMatchObject([field, { address, seq: 1 }]);
    for (const field of ['[0].fault', '[1]'])
      expect([field, await blame(`${attempts}${field}`)]).toMatchObject([field, { address: 'flow/1/write' }]);
    expect(await blame(`${attempts}[0].late[1]`)).toBeUndefined();
    expect(await blame(`${attempts}[1].late`)).toBeUndefined();
    // Nobody else says that something has come.
    const forged = world.system.get(address)!.send({ type: 'late.noted', reply: { durationMs: 1 } } as never);
    expect(await rejection(forged)).toMatchObject({ _tag: 'InvalidArgument', path: 'event.type' });
    // As of then, nothing had come.
    expect(await blame(`${attempts}[0].late`, { at: before })).toBeUndefined();
    expect(await blame(attempts, { at: before })).toMatchObject({ address: 'flow/1/write' });
  });

  it('is kept while the run still works, and is not taken', async () => {
    const park = extend(strategies.standard, { name: 'park', rows: { timeout: [{ do: 'park' }] } });
    const parked = workflow({
      id: 'flow',
      tasks: { write: task({ capability: 'write', timeout: '1 second', strategy: park }) },
    });
    const { world, sleeper } = await opened({}, { flow: parked });
    await world.start('flow', '1');
    await world.advance(1001);
    sleeper.answer({ text: 'too late' });
    await world.settle();
    expect(world.snapshot('flow/1').context.nodes.write.status).toBe('parked');
    expect((await attemptsOf(world))[0]!.late).toHaveLength(1);
    await world.tell('flow/1', { type: 'task.resume', task: 'write', by: 'ada' });
    await world.settle();
    expect(world.snapshot('flow/1').output).toEqual({ text: 'in time' });
  });

  it('is told as of the past only where it had come by then', async () => {
    const { world, sleeper } = await opened(
      {},
      {
        flow: workflow({
          id: 'flow',
          tasks: {
            write: task({ capability: 'write', timeout: '1 second' }),
            read: task({ needs: ['write'], agent: 'reader' }),
          },
        }),
        reader: doing('reader', () => new Promise(() => {})),
      },
    );
    await world.start('flow', '1');
    await world.advance(10_000);
    const before = (await world.history('flow/1')).length;
    sleeper.answer({ text: 'too late' });
    await world.settle();
    await world.advance(1000);
    await world.tell('flow/1', { type: 'run.abort', by: 'ada', reason: 'enough' });
    const after = (await world.history('flow/1')).length;
    expect((await attemptsOf(world, 'flow/1', before))[0]).not.toHaveProperty('late');
    expect((await attemptsOf(world, 'flow/1', after))[0]!.late).toHaveLength(1);
  });

  it('may be a failure, or no answer at all', async () => {
    const { world, sleeper } = await opened();
    await world.start('flow', '1');
    await world.advance(10_000);
    sleeper.answer(new FaultError({ class: 'server-error', message: 'down' }));
    await world.settle();
    expect((await attemptsOf(world))[0]!.late).toMatchObject([{ fault: 'server-error', message: 'down' }]);
  });

  it('of a task that was called off is kept too', async () => {
    const { world, sleeper } = await opened();
    await world.start('flow', '1');
    await world.tell('flow/1', { type: 'run.abort', by: 'ada', reason: 'enough' });
    sleeper.answer({ text: 'too late' });
    await world.settle();
    const [attempt] = await attemptsOf(world);
    expect(attempt!.late).toMatchObject([{ cost: 250_000 }]);
    expect(world.system.content.get(attempt!.late![0]!.output!)).toEqual({ text: 'too late' });
  });

  it('of an item is kept with that item', async () => {
    const { world, sleeper } = await opened(
      {},
      {
        flow: workflow({
          id: 'flow',
          tasks: {
            all: map({
              over: () => [{ n: 0 }, { n: 1 }],
              each: task({ capability: 'write', timeout: '1 second' }),
              concurrency: 1,
            }),
          },
        }),
      },
    );
    await world.start('flow', '1');
    await world.advance(20_000);
    sleeper.answer({ text: 'too late' });
    await world.settle();
    const { parts } = (await world.system.runs.status('flow/1')).tasks[0]!;
    expect(
      parts!.map(({ task: name, attempts }) => [name, attempts.map(({ late }) => late?.length)]),
    ).toEqual([
      ['all/0', [1, undefined]],
      ['all/1', [undefined]],
    ]);
  });

  it('of each part of a long input is kept', async () => {
    const answers: (() => void)[] = [];
    const slow = doing(
      'slow',
      ({ input }) =>
        new Promise((resolve) => {
          answers.push(() => resolve({ text: (input as { text: string }).text }));
        }),
      { window: 10, countTokens: ({ text }: { text: string }) => text.length },
    );
    const cut = chunk({
      ...{ pointer: '#/text', maxTokens: 8, overlap: 0, finest: 'word', concurrency: 2 },
      merge: { text: { join: ' ' } },
    });
    const long = workflow({
      id: 'flow',
      strategy: extend(strategies.standard, { name: 'once', rows: { timeout: [{ do: 'fail' }] } }),
      tasks: { write: task({ agent: 'slow', timeout: '1 second', chunk: cut }) },
    });
    const world = await World.open({ actors: { flow: long, slow } as never });
    await world.start('flow', '1', { text: 'one two three four' });
    await world.advance(1001);
    expect(answers.length).toBeGreaterThan(1);
    for (const answer of answers) answer();
    await world.settle();
    const late = (await attemptsOf(world)).flatMap((attempt) => attempt.late ?? []);
    expect(late.map(({ part }) => part).toSorted((a, b) => a! - b!)).toEqual(
      answers.map((_, index) => index + 1),
    );
  });

  it('undoes nothing where it may not be kept', async () => {
    const table = roles(`
grants:
  - { id: main, to: { principals: [{ type: program, id: main }] }, actions: ['*'], resources: [{ type: flow }, { type: agent }] }
  - { id: runs, to: { principals: [{ type: actor, id: 'flow/*' }] }, actions: [agent.call], resources: any }
`);
    const { world, sleeper } = await opened({ decider: table });
    await world.start('flow', '1');
    await world.advance(10_000);
    sleeper.answer({ text: 'too late' });
    await world.settle();
    expect(world.snapshot('flow/1').status).toBe('done');
    expect((await attemptsOf(world))[0]).not.toHaveProperty('late');
  });
});

it('the name of what is too late is taken', async () => {
  const alone = workflow({ id: 'alone', tasks: { ask: gate({ role: 'editor' }) } });
  await expect(World.open({ actors: { late: alone } as never })).rejects.toThrow(
    'actors.late is a name that a system with workflows has for what is answered too late',
  );
});
