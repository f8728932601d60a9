// The lie: "a run knows which version of its file it ran with". Files hosted, changed while a run waits for a person, and opened again:
// what is still to come follows the new version, and a version that tells another story than the one that happened is refused.
import { agent, definitionOf, result, roles, workflowFrom } from 'heddle/actors';
import { createSystem, StoryChanged } from 'heddle';
import { memory } from 'heddle/storage';
import type { Store } from 'heddle/storage';
import { describe, expect, it } from 'vitest';

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
