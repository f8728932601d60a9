// The lie: "a run survives". Workflows with agents, money and people, hosted: done in order, killed after every commit, never done twice.
import {
  agent,
  budget,
  FaultError,
  from,
  gate,
  map,
  microsOf,
  result,
  roles,
  strategies,
  task,
  workflow,
} from 'heddle/actors';
import type { Assignment } from 'heddle/actors';
import { createSystem } from 'heddle';
import { setup } from 'xstate';
import type { TaskContext } from '../../machines/task/progress.ts';
import { memory } from 'heddle/storage';
import { fingerprintOf } from '../../runtime/kernel/fingerprint.ts';
import { describe, expect, it } from 'vitest';

const TABLE = `
roles:
  editor: {}
members:
  - { who: { type: user, id: ada }, roles: [editor] }
grants:
  - { id: program, to: { principals: [{ type: program, id: main }] }, actions: ['*'], resources: any }
  - { id: runs, to: { principals: [{ type: actor, id: 'report/*' }] }, actions: [agent.call], resources: any }
  - { id: editors, to: { roles: [editor] }, actions: ['review.*'], resources: [{ type: review }] }
`;

const ANY = { type: 'object' } as const;

/** An agent that does what it is told, and writes down under which key it was asked. */
function worker(
  name: string,
  work: (input: Readonly<Record<string, unknown>>) => Record<string, unknown>,
  asked: string[] = [],
) {
  return agent({
    name,
    capabilities: [name],
    model: 'local',
    estimate: () => 0.01,
    inputSchema: ANY,
    outputSchema: ANY,
    execute: (assignment: Assignment) => {
      asked.push(assignment.idempotencyKey);
      const output = work(assignment.input);
      return Promise.resolve(
        result(assignment, { output, cost: 0.01, duration: 1, model: 'local', confidence: 0.9 }),
      );
    },
  });
}

const until = async (holds: () => boolean): Promise<void> => {
  for (let i = 0; i < 500 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(holds()).toBe(true);
};

describe('a hosted workflow', () => {
  it('refuses an input that breaks its schema, with every place, and nothing is there', async () => {
    const strict = workflow({
      id: 'strict',
      inputSchema: {
        type: 'object',
        properties: { topic: { type: 'string' }, pages: { type: 'number' } },
        required: ['topic'],
      },
      tasks: { work: task({ agent: 'clerk' }) },
    });
    const system = await createSystem({
      store: memory(),
      actors: { strict, clerk: worker('clerk', () => ({})) },
    });
    const starting = system.start('strict', { id: '1', input: { pages: 'many' } as never });
    await expect(starting).rejects.toMatchObject({
      code: 'HEDDLE_INPUT_REFUSED',
      problems: [{ pointer: '#/topic' }, { pointer: '#/pages' }].map(
        (place) => expect.objectContaining(place) as unknown,
      ),
    });
    expect(system.get('strict/1')).toBe(undefined);
    const refused = [];
    for await (const { code, message } of system.refusals()) refused.push([code, message]);
    expect(refused).toEqual([['HEDDLE_INPUT_REFUSED', expect.not.stringContaining('many')]]);
    await system.close();
  });

  it.each([
    ['an agent that is not there', task({ agent: 'nobody' }), /asks the agent 'nobody' at #\/tasks\/a,/],
    ['what nobody can do', task({ capability: 'fly' }), /asks for 'fly' at #\/tasks\/a, which no agent/],
    [
      'it for undoing',
      task({ agent: 'clerk', compensate: { agent: 'x' } }),
      /'x' at #\/tasks\/a\/compensate/,
    ],
    ['it in a list', map({ over: () => [], each: task({ capability: 'fly' }) }), /#\/tasks\/a\/each/],
  ])('is not opened where it asks for %s', async (_, node, message) => {
    const wanting = workflow({ id: 'wanting', tasks: { a: node as never } });
    const actors = { wanting, clerk: worker('clerk', () => ({})) };
    await expect(createSystem({ store: memory(), actors })).rejects.toThrow(message);
  });

  it('that a machine of somebody invokes has no agents, and its task says what to do', async () => {
    const one = workflow({ id: 'one', tasks: { work: task({ agent: 'clerk' }) } });
    const mine = setup({ actors: { one } }).createMachine({ invoke: { src: 'one', id: 'run', input: {} } });
    await using system = await createSystem({
      store: memory(),
      actors: { mine, one, clerk: worker('clerk', () => ({})) },
    });
    await system.start('mine', { id: '1' });
    const work = () =>
      system.get('mine/1/run/work' as never) as unknown as { getSnapshot(): { context: TaskContext } };
    await until(() => work()?.getSnapshot().context.fault !== undefined);
    expect(work().getSnapshot().context.fault).toMatchObject({
      class: 'crash',
      message: expect.stringContaining(
        'A machine that needs its result starts it by that name (system.start)',
      ) as unknown,
    });
  });

  it('runs an agent by itself', async () => {
    const clerk = worker('clerk', ({ n }) => ({ doubled: Number(n) * 2 }));
    const system = await createSystem({ store: memory(), actors: { clerk } });
    const run = await system.start('clerk', { id: '1', input: { n: 4 } });
    await until(() => run.getSnapshot().status !== 'active');
    expect(run.getSnapshot()).toMatchObject({ status: 'done', output: { doubled: 8 } });
    await system.close();
  });

  it('runs, waits for a person, and goes on with what they have approved', async () => {
    const asked: string[] = [];
    const report = workflow({
      id: 'report',
      inputSchema: { type: 'object', properties: { topic: { type: 'string' } }, required: ['topic'] },
      budget: budget({ limit: 5 }),
      tasks: {
        research: task({ capability: 'research' }),
        summarise: task({
          needs: ['research'],
          capability: 'summarise',
          input: ({ research }) => ({ text: research.text }),
        }),
        factcheck: task({
          needs: ['research'],
          capability: 'verify',
          when: ({ research }) => research.confidence < 0.9,
        }),
        review: gate({
          needs: ['summarise', 'factcheck'],
          role: 'editor',
          within: '24 hours',
          escalateTo: 'managing-editor',
          editable: true,
        }),
        publish: task({
          needs: ['review'],
          capability: 'publish',
          input: ({ review }) => ({ text: review.output.summarise.text }),
        }),
      },
    });
    const system = await createSystem({
      store: memory(),
      actors: {
        report,
        research: worker(
          'research',
          ({ topic }) => ({ text: `about ${String(topic)}`, confidence: 0.95 }),
          asked,
        ),
        summarise: worker('summarise', ({ text }) => ({ text: `short: ${String(text)}` }), asked),
        verify: worker('verify', () => ({ ok: true }), asked),
        publish: worker('publish', ({ text }) => ({ published: text }), asked),
      },
      decider: roles(TABLE),
    });
    const run = await system.start('report', { id: '7', input: { topic: 'tides' } });
    await until(() => run.getSnapshot().matches({ working: { review: 'running' } }));
    const pending = [];
    for await (const review of system.reviews.pending({ role: 'editor' })) pending.push(review);
    expect(pending.map(({ id, workflow: name }) => [id, name])).toEqual([['report/7/review', 'report']]);
    await system.reviews.decide(pending[0]!.id, {
      by: 'ada',
      verdict: 'approve',
      reason: 'checked the sources',
    });
    await until(() => run.getSnapshot().status !== 'active');
    expect(run.getSnapshot()).toMatchObject({ status: 'done', output: { published: 'short: about tides' } });
    expect(asked.length).toBe(3);
    await system.close();
  });

  it('shows a reviewer what was done, by whom and for how much; and takes no approval of one by whom it was started', async () => {
    const note = workflow({
      id: 'note',
      budget: budget({ limit: 1 }),
      tasks: {
        draft: task({ capability: 'draft', compensate: { agent: 'undraft' } }),
        review: gate({
          needs: ['draft'],
          role: 'editor',
          editable: ['/text'],
          schema: {
            type: 'object',
            properties: { text: { type: 'string', minLength: 3 } },
            required: ['text'],
          },
        }),
        send: task({ needs: ['review'], agent: 'sender', input: ({ review }) => review.output }),
      },
    });
    let isFirst = true;
    const draft = worker('draft', () => {
      if (isFirst) {
        isFirst = false;
        throw new FaultError({ class: 'empty', message: 'nothing came', cost: microsOf(0.002) });
      }
      return { text: 'hello' };
    });
    const system = await createSystem({
      store: memory(),
      actors: {
        note,
        draft,
        undraft: worker('undraft', () => ({})),
        sender: worker('sender', (input) => ({ ...input })),
      },
      decider: roles(`
roles: { editor: {} }
members:
  - { who: { type: user, id: ada }, roles: [editor] }
  - { who: { type: user, id: grace }, roles: [editor] }
grants:
  - { id: everybody, to: everyone, actions: [start, send], resources: any }
  - { id: runs, to: { principals: [{ type: actor, id: 'note/*' }] }, actions: [agent.call], resources: any }
  - { id: editors, to: { roles: [editor] }, actions: ['review.*'], resources: [{ type: review }] }
`),
    });
    const run = await system.as({ type: 'user', id: 'ada' }).start('note', { id: '1', input: {} });
    await until(() => system.reviews.get('note/1/review') !== undefined);
    const context = await system.reviews.context('note/1/review');
    expect(context.did.tasks).toMatchObject([
      {
        task: 'draft',
        attempts: [
          { agent: 'draft', fault: { class: 'empty' }, cost: 2000 },
          { agent: 'draft', cost: 10_000 },
        ],
      },
      { task: 'review', status: 'waiting' },
      { task: 'send', status: 'pending' },
    ]);
    expect(context.why.permissions).toContainEqual(expect.objectContaining({ determining: ['runs'] }));
    expect(context.consequences).toMatchObject({
      missing: 1,
      next: [{ node: 'send' }],
      money: { limit: 1_000_000, spent: 12_000, remaining: 988_000 },
    });
    const decide = (by: string, more: object) =>
      system.reviews.decide('note/1/review', { by, verdict: 'approve', ...more });
    await expect(decide('ada', {})).rejects.toMatchObject({
      code: 'HEDDLE_REVIEW_REFUSED',
      reason: 'not-permitted',
    });
    const edits = (value: unknown) => ({ edits: [{ op: 'replace', pointer: '/text', value }] });
    await expect(decide('grace', edits('x'))).rejects.toMatchObject({ reason: 'invalid' });
    await decide('grace', edits('hello, all'));
    await until(() => run.getSnapshot().status !== 'active');
    expect(run.getSnapshot().output).toEqual({ text: 'hello, all' });
    await system.close();
  });
});

describe('code that changes under a run', () => {
  const of = (tasks: Record<string, object>) =>
    fingerprintOf(workflow({ id: 'w', tasks: tasks as never })).hash;

  it.each([
    ['what a task is given', { input: () => ({ a: 1 }) }, { input: () => ({ a: 2 }) }],
    ['a constant in it', { input: { a: 1 } }, { input: { a: 2 } }],
    ['where a part of it comes from', { input: { a: from.input('/x') } }, { input: { a: from.input('/y') } }],
    ['who does it', { agent: 'x' }, { agent: 'y' }],
    ['its time limit', { timeout: '1 second' }, { timeout: '2 seconds' }],
    ['its threshold', { quality: 0.5 }, { quality: 0.6 }],
    ['its condition', { when: () => true }, { when: () => !false }],
    ['what its failure means', { onError: 'skip' }, { onError: 'absent' }],
    ['the schema that it must keep', { outputSchema: { type: 'object' } }, { outputSchema: true }],
    ['its strategy', { strategy: strategies.content }, { strategy: strategies.finance }],
  ])('is noticed: %s', (_, before, after) => {
    const task1 = task({ agent: 'x', ...before } as never);
    expect(of({ a: task1 })).toBe(of({ a: task({ agent: 'x', ...before } as never) }));
    expect(of({ a: task({ agent: 'x', ...after } as never) })).not.toBe(of({ a: task1 }));
    const inMap = (each: unknown) => ({ m: map({ over: () => [], each: each as never }) });
    // Of what is done for each item these are for the list to say.
    if (!['when', 'onError', 'input'].some((field) => field in before))
      expect(of(inMap(task({ agent: 'x', ...after } as never)))).not.toBe(of(inMap(task1)));
  });
});
