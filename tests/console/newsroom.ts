/**
 * A newsroom, for the tests of the command line: reports that wait for an editor, that stand because an agent is broken, and that
 * are done; with money, sources, and texts in them that no terminal should see.
 */
import { setup } from 'xstate';
import { createSystem } from 'heddle';
import {
  agent,
  branch,
  budget,
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
import type { Assignment } from 'heddle/actors';
import { defineConfig } from 'heddle/console';
import { leveldb } from 'heddle/storage';
import { NASTY } from './bakery.ts';

type Data = Readonly<Record<string, unknown>>;
const ANY = { type: 'object' } as const;

/** What was looked at for every report. */
export const SOURCE = {
  uri: 'https://archive.example/tides',
  content: `all about tides ${NASTY}`,
  at: 1_700_000_000_000,
};

function worker(name: string, work: (input: Data) => Data) {
  return agent({
    ...{
      name,
      capabilities: [name],
      model: 'local',
      estimate: () => 0.02,
      inputSchema: ANY,
      outputSchema: ANY,
    },
    execute: async (assignment: Assignment) => {
      await Promise.resolve();
      return result(assignment, {
        output: work(assignment.input),
        ...{ cost: 0.01, duration: 1, model: 'local', confidence: 0.9, sources: [SOURCE] },
      });
    },
  });
}

const report = workflow({
  id: 'report',
  budget: budget({ limit: 1 }),
  shared: { texts: { reduce: 'append', initial: [] } },
  strategy: extend(strategies.standard, { name: 'parking', rows: { crash: [{ do: 'park' }] } }),
  tasks: {
    research: task({ capability: 'research' }),
    size: branch({
      needs: ['research'],
      arms: { small: () => false, large: () => true },
      otherwise: 'fail',
    }),
    small: task({ needs: ['size.small'], capability: 'write' }),
    chapters: map({
      needs: ['research', 'size.large'],
      over: ({ research }) => research.titles,
      item: (title: string) => ({ title }),
      each: task({ capability: 'write' }),
      writes: { texts: (outputs: { text: string }[]) => outputs.map(({ text }) => text) },
    }),
    check: task({ needs: ['chapters'], capability: 'check', input: (_, { input }) => input }),
    review: gate({
      needs: ['check', 'chapters'],
      role: 'editor',
      editable: true,
      input: (_, { shared }) => shared,
    }),
    publish: task({ needs: ['review'], capability: 'publish', input: ({ review }) => review.output }),
  },
});

const note = workflow({ id: 'note', tasks: { it: task({ capability: 'write' }) } });

/** Somebody who is no run. */
const clock = setup({}).createMachine({ initial: 'ticking', states: { ticking: {} } });

/** Who may do what: Ada decides as an editor and as an operator, and Eve is an operator who may nothing. */
const ROLES = `
roles: { editor: {} }
members: [{ who: { type: user, id: ada }, roles: [editor] }]
grants:
  - { id: program, to: { principals: [{ type: program, id: main }] }, actions: ['*'], resources: any }
  - { id: visitor, to: { principals: [{ type: program, id: visitor }] }, actions: [export], resources: any }
  - { id: runs, to: { principals: [{ type: actor, id: '*' }] }, actions: [agent.call], resources: any }
  - { id: editors, to: { roles: [editor] }, actions: ['review.*'], resources: [{ type: review }] }
  - { id: switch, to: { principals: [{ type: operator, id: ada }] }, actions: [halt, lift, fork], resources: any }
`;

const newsroom = defineConfig({
  actors: {
    ...{ report, note, clock },
    research: worker('research', () => ({ titles: ['ebb', 'flow'] })),
    write: worker('write', ({ title }) => ({ text: `about ${String(title)} ${NASTY}` })),
    check: worker('check', ({ topic }) => {
      if (topic === 'broken') throw new FaultError({ class: 'crash', message: `it is broken: ${NASTY}` });
      return { ok: true };
    }),
    publish: worker('publish', (input) => ({ published: input })),
  },
  decider: roles(ROLES),
  principal: { type: 'program', id: 'visitor' },
});
export default newsroom;

/** Opens it, and lets it come to where nothing moves: one run is done, one waits for an editor, and one for an operator. */
export async function openNewsroom(store: string) {
  const system = await createSystem({
    ...newsroom,
    store: leveldb(store),
    principal: { type: 'program', id: 'main' },
    logger: { log: () => {}, error: () => {} },
  });
  await system.start('clock', { id: 'wall' });
  await system.start('note', { id: 'short', input: { title: 'ebb' } });
  await system.start('report', { id: 'tides', input: { topic: `tides ${NASTY}` } });
  await system.start('report', { id: 'lost', input: { topic: 'broken' } });
  await until(async () => {
    const states = ['note/short', 'report/tides', 'report/lost'].map((run) => system.runs.status(run));
    const [short, tides, lost] = await Promise.all(states);
    return short!.state === 'complete' && tides!.state === 'waiting' && lost!.state === 'parked';
  });
  return system;
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let left = 1000; left > 0 && !(await holds()); left--)
    await new Promise((resolve) => setTimeout(resolve, 5));
  if (!(await holds())) throw new Error('it never came to that');
}
