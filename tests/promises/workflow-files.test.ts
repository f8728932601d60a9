// The lie: "a run knows which version of its file it ran with". Files hosted, changed while a run waits for a person, and opened again:
// what is still to come follows the new version, and a version that tells another story than the one that happened is refused.
import { agent, definitionOf, result, roles, workflowFrom } from 'heddle/actors';
import { createSystem, StoryChanged } from 'heddle';
import { memory } from 'heddle/storage';
import type { Store } from 'heddle/storage';
import { describe, expect, it } from 'vitest';
import { doing, World } from './staffed-world.ts';

const FILE = `
id: report
inputSchema: { type: object, properties: { topic: { type: string } }, required: [topic] }
tasks:
  research: { kind: task, capability: work, when: '\${ input.topic != "" }', input: { about: '\${ input.topic }' } }
  review: { kind: gate, needs: [research], role: editor, ownRuns: allow }
  publish:
    kind: task
    needs: [review]
    capability: work
    when: \${ review.output.did == "tides" }
    input: { about: '\${ review.output.did + "!" }' }
output: '\${ has(absent.publish) ? {"published": ""} : {"published": publish.did} }'
`;

const worker = () =>
  agent({
    name: 'worker',
    capabilities: ['work'],
    model: 'local',
    inputSchema: { type: 'object' },
    outputSchema: { type: 'object' },
    estimate: () => 0,
    execute: (assignment) => {
      const output = { did: (assignment.input as { about: string }).about };
      return Promise.resolve(
        result(assignment, { output, cost: 0, duration: 1, model: 'local', confidence: 1 }),
      );
    },
  });

const open = (store: Store, file: string) =>
  createSystem({
    store,
    actors: { report: workflowFrom(file), worker: worker() },
    decider: roles("grants: [{ id: all, to: everyone, actions: ['*'], resources: any }]"),
  });
type Opened = Awaited<ReturnType<typeof open>>;

const until = async (holds: () => boolean): Promise<void> => {
  for (let i = 0; i < 500 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(holds()).toBe(true);
};

/** A run of the first version that waits at its gate, and is closed. */
async function waiting(): Promise<Store> {
  const store = memory();
  await using system = await open(store, FILE);
  const run = await system.start('report', { id: '7', input: { topic: 'tides' } });
  await until(() => run.getSnapshot().matches({ working: { review: 'running' } }));
  return store;
}

async function approved(system: Opened): Promise<unknown> {
  const run = await system.actor('report', '7', { input: { topic: 'tides' } });
  await system.reviews.decide('report/7/review', { by: 'ada', verdict: 'approve', reason: 'fine' });
  await until(() => run.getSnapshot().status !== 'active');
  return run.getSnapshot().output ?? run.getSnapshot().error;
}

const recoded = async (system: Opened): Promise<readonly string[]> => {
  const types: string[] = [];
  for await (const { event } of system.history('report/7'))
    if (event.type.startsWith('heddle.recoded')) types.push(JSON.stringify(event));
  return types;
};

describe('a hosted file', () => {
  it('goes on as it was when nothing has changed', async () => {
    await using system = await open(await waiting(), `# Another layout.\n${FILE}`);
    expect(await approved(system)).toEqual({ published: 'tides!' });
    expect(await recoded(system)).toEqual([]);
  });

  it('goes on with a new version where what has happened is the same, and records what has changed', async () => {
    const file = FILE.replace('review.output.did == "tides"', 'review.output.did == "moon"');
    expect(definitionOf(workflowFrom(file))!.hash).not.toBe(definitionOf(workflowFrom(FILE))!.hash);
    await using system = await open(await waiting(), file);
    expect(await approved(system)).toEqual({ published: '' });
    const [record, ...more] = await recoded(system);
    expect(more).toEqual([]);
    expect(record).toMatch(/publish[^"]*written\.when/);
    expect(record).toMatch(/written\.definition/);
  });

  it('is refused where the new version tells another story than the one that happened', async () => {
    const file = FILE.replace('input.topic != ""', 'input.topic == ""');
    await using system = await open(await waiting(), file);
    await expect(approved(system)).rejects.toBeInstanceOf(StoryChanged);
  });
});

describe('a loop in a file', () => {
  it('knows what came of the time before, and that nothing came before the first', async () => {
    const file = `
id: report
tasks:
  title:
    kind: loop
    body: { kind: task, agent: worker }
    input: { about: a }
    until: '\${ before != null && before.did == "b" }'
    next: { about: '\${ (before == null ? "" : before.did) + "b" }' }
    times: 5
`;
    await using system = await open(memory(), file);
    const run = await system.start('report', { id: '1', input: {} });
    await until(() => run.getSnapshot().status !== 'active');
    expect(run.getSnapshot()).toMatchObject({ status: 'done', output: { did: 'ab' } });
  });
});

describe('a file that says what its work is about, and whose it is', () => {
  const PAY = `
id: pay
inputSchema: { type: object, properties: { customer: { type: string } }, required: [customer] }
tenant: \${ input.customer }
tasks:
  each:
    kind: map
    over: \${ input.bills }
    each: { kind: task, capability: pay, about: { amount: '\${ input.amount }' } }
    reduce: { paid: '\${ outputs.map(bill, bill.paid) }' }
  note: { kind: task, needs: [each], capability: pay, input: { amount: 0 }, about: { amount: '\${ input.amount }' } }
`;
  const TABLE = `
roles: { treasurer: {} }
members: [{ who: { type: user, id: tess }, roles: [treasurer] }]
grants:
  - { id: program, to: { principals: [{ type: program, id: main }] }, actions: ['*'], resources: any }
  - { id: runs, to: { principals: [{ type: actor, id: 'pay/*' }] }, actions: [agent.call], resources: any }
  - id: large
    to: { principals: [{ type: actor, id: 'pay/*' }] }
    actions: [agent.call]
    resources: any
    when: [{ of: action.properties.amount, moreThan: 1000 }]
    obligations: [{ type: gate, role: treasurer, reason: more than 1000 }]
  - { id: treasurers, to: { roles: [treasurer] }, actions: ['review.*'], resources: [{ type: review }] }
`;
  const opened = (paid: number[]) =>
    World.open({
      actors: {
        pay: workflowFrom(PAY),
        payer: doing(
          'payer',
          ({ input }) => {
            const { amount } = input as { readonly amount: number };
            paid.push(amount);
            return { paid: amount };
          },
          { capabilities: ['pay'] },
        ),
      },
      decider: roles(TABLE),
    });

  it('stands at a gate before a large amount, and at none before a small one', async () => {
    const paid: number[] = [];
    const world = await opened(paid);
    await world.start('pay', '1', { customer: 'acme', bills: [{ amount: 5 }, { amount: 5000 }] });
    expect(paid).toEqual([5]);
    await world.crash();
    await world.system.reviews.decide('pay/1/each/1/clearance', { by: 'tess', verdict: 'approve' });
    await world.settle();
    expect(paid).toEqual([5, 5000, 0]);
    expect(world.snapshot('pay/1').context.nodes.each.output).toEqual({ paid: [5, 5000] });
  });

  it('stands still when its tenant is halted, and no other does', async () => {
    const paid: number[] = [];
    const world = await opened(paid);
    await world.system.halts.halt({ tenant: 'acme' }, { reason: 'unpaid' });
    for (const [id, customer] of [
      ['1', 'acme'],
      ['2', 'zeta'],
    ] as const)
      await world.start('pay', id, { customer, bills: [{ amount: id === '1' ? 1 : 2 }] });
    expect(paid).toEqual([2, 0]);
  });
});
