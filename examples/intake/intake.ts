/**
 * The intake: what is done with each paper, and the house in which it is done.
 *
 *     classify ─┬→ invoice: extract, recomputed ─┬→ small ──────────────┬→ archive
 *               │                                ╰→ large → a clerk ────┤
 *               ╰→ letter ──────────────────────────────────────────────╯
 */
import { createSystem } from 'heddle';
import { branch, budget, gate, map, recompute, roles, task, workflow } from 'heddle/actors';
import type { Inferred, RolesTable } from 'heddle/actors';
import { leveldb } from 'heddle/storage';
import { agents, PAPER, ROUND } from './agents.ts';
import type { Invoice } from './agents.ts';

/** From here on a clerk looks at it. */
const LARGE = 1000;

/** Every figure that can be calculated is calculated again. */
const figures = recompute([
  {
    each: '#/lines/*',
    at: '#/amount',
    is: {
      product: [
        { at: '#/quantity', in: 'each' },
        { at: '#/price', in: 'each' },
      ],
    },
  },
  { at: '#/total', is: { sum: { at: '#/lines/*/amount', in: 'output' } } },
]);

const paper = workflow({
  id: 'paper',
  inputSchema: PAPER,
  tasks: {
    classify: task({ capability: 'classify' }),
    kind: branch({
      needs: ['classify'],
      arms: {
        invoice: ({ classify }) => classify.kind === 'invoice',
        letter: ({ classify }) => classify.kind === 'letter',
      },
      otherwise: 'fail',
    }),
    extract: task({
      needs: ['kind.invoice'],
      agent: ['scanner', 'parser'],
      input: (_, { input }) => input as unknown,
      verify: [figures],
      reviewers: 'clerk',
    }),
    size: branch({
      needs: ['extract'],
      arms: {
        small: ({ extract }) => (extract as Invoice).total < LARGE,
        large: ({ extract }) => (extract as Invoice).total >= LARGE,
      },
      otherwise: 'large',
    }),
    clerk: gate({
      needs: ['size.large', 'extract'],
      title: 'Is this invoice to be paid?',
      role: 'clerk',
      input: ({ extract }) => extract as unknown,
      about: ({ extract }) => ({ amount: (extract as Invoice).total }),
      within: '24 hours',
      escalateTo: 'head-clerk',
    }),
    archive: task({
      needs: ['kind.letter', 'extract', 'size.small', 'clerk'],
      capability: 'archive',
      input: ({ extract, clerk }, { input }) => ({
        ...(input as Inferred<typeof PAPER>),
        content: clerk?.output ?? extract ?? { letter: true },
      }),
    }),
  },
  output: ({ archive, extract }) => ({ ...archive, total: extract?.total }) as unknown,
});

export const inbox = workflow({
  id: 'inbox',
  inputSchema: ROUND,
  budget: budget({ limit: 1, perTask: 0.05 }),
  tasks: {
    list: task({ capability: 'list', input: (_, { input }) => ({ round: input }) }),
    papers: map({
      needs: ['list'],
      over: ({ list }, { input }) =>
        (list.papers as readonly string[]).map((name) => ({ round: input as unknown, paper: name })),
      each: paper,
      onItemError: 'collect',
    }),
  },
});

const TABLE: RolesTable = {
  roles: { clerk: {}, 'head-clerk': { includes: ['clerk'] } },
  members: [
    { who: { type: 'user', id: 'ada' }, roles: ['clerk'], properties: { limit: 10_000 } },
    { who: { type: 'user', id: 'bob' }, roles: ['head-clerk'], properties: { limit: 100_000 } },
  ],
  grants: [
    { id: 'host', to: { principals: [{ type: 'program', id: 'main' }] }, actions: ['*'], resources: 'any' },
    {
      id: 'papers-ask-agents',
      to: { principals: [{ type: 'actor', id: 'inbox/*' }] },
      actions: ['agent.call'],
      resources: [{ type: 'agent' }],
    },
    { id: 'clerks-decide', to: { roles: ['clerk'] }, actions: ['review.*'], resources: [{ type: 'review' }] },
  ],
  forbid: [
    {
      id: 'up-to-your-limit',
      actions: ['review.approve'],
      when: [{ of: 'resource.properties.amount', moreThan: { of: 'principal.properties.limit' } }],
      reason: 'it is more than you may approve',
    },
  ],
};

export const open = (store: string) =>
  createSystem({ store: leveldb(store), actors: { inbox, ...agents }, decider: roles(TABLE) });
