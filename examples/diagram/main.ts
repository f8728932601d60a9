/**
 * A diagram, and nothing else:
 *
 *     A ─┬→ B → D ───────────────┬→ join
 *        ╰→ (a person) → C ──────╯
 */
import { createSystem } from 'heddle';
import { roles } from 'heddle/actors';
import { memory } from 'heddle/storage';
import { toPromise, waitFor } from 'xstate';
import { diagram, scribes } from './diagram.ts';

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
  actors: { diagram, ...scribes },
  decider: roles(table),
});
const run = await system.start('diagram', { id: '1', input: { text: '→' } });

await waitFor(run, ({ context }) => context.nodes['d']!.status === 'complete');
for await (const { id, content } of system.reviews.pending({ role: 'reviewer' })) {
  console.log(`${id} waits, with ${JSON.stringify(content)}`);
  await system.reviews.decide(id, { by: 'ada', verdict: 'approve' });
}
console.log(JSON.stringify(await toPromise(run)));
