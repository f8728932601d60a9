/**
 * A diagram, and nothing else:
 *
 *     A ─┬→ B → D ───────────────┬→ join
 *        ╰→ (a person) → C ──────╯
 */
import { createSystem } from 'heddle';
import { agent, gate, join, result, roles, task, workflow } from 'heddle/actors';
import { memory } from 'heddle/storage';
import { toPromise, waitFor } from 'xstate';

const TEXT = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } as const;

/** Puts its name behind what it is given. */
const scribe = (name: string) =>
  agent({
    name,
    capabilities: [name],
    model: 'local',
    inputSchema: TEXT,
    outputSchema: TEXT,
    execute: (assignment) => {
      const text = `${assignment.input.text}${name}`;
      console.log(`${name} writes ${text}`);
      return Promise.resolve(
        result(assignment, { output: { text }, cost: 0, duration: 0, model: 'local', confidence: 1 }),
      );
    },
  });

const diagram = workflow({
  id: 'diagram',
  inputSchema: TEXT,
  tasks: {
    a: task({ agent: 'A' }),
    b: task({ needs: ['a'], agent: 'B' }),
    review: gate({ needs: ['a'], role: 'reviewer' }),
    c: task({ needs: ['a', 'review'], agent: 'C', input: ({ a }) => a }),
    d: task({ needs: ['b'], agent: 'D' }),
    joined: join({ needs: ['c', 'd'] }),
  },
});

const table = {
  roles: { reviewer: {} },
  members: [{ who: { type: 'user', id: 'ada' }, roles: ['reviewer'] }],
  grants: [
    { id: 'host', to: { principals: [{ type: 'program', id: '*' }] }, actions: ['*'], resources: 'any' },
    {
      id: 'runs',
      to: { principals: [{ type: 'actor', id: '*' }] },
      actions: ['agent.call'],
      resources: 'any',
    },
    { id: 'review', to: { roles: ['reviewer'] }, actions: ['review.*'], resources: 'any' },
  ],
} as const;

await using system = await createSystem({
  store: memory(),
  actors: { diagram, A: scribe('A'), B: scribe('B'), C: scribe('C'), D: scribe('D') },
  decider: roles(table),
});
const run = await system.start('diagram', { id: '1', input: { text: '→' } });

await waitFor(run, ({ context }) => context.nodes['d']!.status === 'complete');
for await (const { id, content } of system.reviews.pending({ role: 'reviewer' })) {
  console.log(`${id} waits, with ${JSON.stringify(content)}`);
  await system.reviews.decide(id, { by: 'ada', verdict: 'approve' });
}
console.log(JSON.stringify(await toPromise(run)));
