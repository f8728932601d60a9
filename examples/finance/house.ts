/**
 * A financial check of a payment, and the house in which it is made.
 *
 *     statement → ratios ─┬→ earmark → book → (a controller) → pay
 *     screen ─────────────╯     ╰ unearmark ╰ unbook: when it is aborted or refused, the last first
 *
 * Nothing is repaired, and nothing that is unsure is taken: `strategies.finance`. All runs of a day share one account.
 */
import { createSystem } from 'heddle';
import { budget, gate, recompute, roles, strategies, task, workflow } from 'heddle/actors';
import type { RolesTable } from 'heddle/actors';
import { account } from 'heddle/machines';
import { leveldb } from 'heddle/storage';
import { agents, PAYMENT } from './agents.ts';

const figures = recompute([
  { at: '#/assets', is: { sum: { at: '#/statement/assets/*/amount', in: 'input' } } },
  { at: '#/debts', is: { sum: { at: '#/statement/debts/*/amount', in: 'input' } } },
  {
    at: '#/liquidity',
    is: {
      round: {
        ratio: [
          { at: '#/assets', in: 'output' },
          { at: '#/debts', in: 'output' },
        ],
      },
      digits: 2,
      half: 'away',
    },
  },
]);

/** What undoes a piece of work is told what that has come to. */
const undoing = (agent: string) => ({
  agent,
  input: ({ reference }: { reference: string }, { payment }: { payment: object }) => ({ payment, reference }),
});

export const check = workflow({
  id: 'check',
  inputSchema: PAYMENT,
  strategy: strategies.finance,
  budget: budget({ limit: 0.3, onExhausted: 'review', within: ['account/acme'] }),
  tasks: {
    statement: task({
      capability: 'statement',
      input: (_, { input }) => ({ payment: input }),
      retry: { times: 3, first: '100 millis' },
      reviewers: 'controller',
    }),
    ratios: task({
      needs: ['statement'],
      capability: 'ratios',
      input: ({ statement }, { input }) => ({ payment: input, statement }),
      verify: [figures],
      reviewers: 'controller',
    }),
    screen: task({
      capability: 'screen',
      input: (_, { input }) => ({ payment: input }),
      quality: 0.9,
      reviewers: 'compliance',
    }),
    earmark: task({
      needs: ['ratios', 'screen'],
      agent: 'earmark',
      input: (_, { input }) => ({ payment: input }),
      compensate: undoing('unearmark'),
      reviewers: 'controller',
    }),
    book: task({
      needs: ['earmark'],
      agent: 'book',
      input: (_, { input }) => ({ payment: input }),
      compensate: undoing('unbook'),
      reviewers: 'controller',
    }),
    release: gate({
      needs: ['book', 'ratios', 'screen'],
      title: 'Is this payment to be made?',
      role: 'controller',
      input: ({ ratios, screen }, { input }) => ({ payment: input, ratios, screen }),
      about: (_, { input }) => ({ amount: input.amount }),
      onError: 'compensate',
    }),
    pay: task({
      needs: ['release'],
      agent: 'pay',
      input: (_, { input }) => ({ payment: input }),
      reviewers: 'controller',
      onError: 'compensate',
    }),
  },
});

const TABLE: RolesTable = {
  roles: { clerk: {}, controller: {}, compliance: {} },
  members: [
    { who: { type: 'user', id: 'paul' }, roles: ['clerk', 'controller'] },
    { who: { type: 'user', id: 'carol' }, roles: ['controller'] },
    { who: { type: 'user', id: 'cosmo' }, roles: ['compliance'] },
  ],
  grants: [
    { id: 'host', to: { principals: [{ type: 'program', id: 'main' }] }, actions: ['*'], resources: 'any' },
    {
      id: 'checks-ask-agents',
      to: { principals: [{ type: 'actor', id: 'check/*' }] },
      actions: ['agent.call'],
      resources: [{ type: 'agent' }],
    },
    { id: 'clerks-begin', to: { roles: ['clerk'] }, actions: ['start'], resources: [{ type: 'check' }] },
    {
      id: 'controllers-decide',
      to: { roles: ['controller'] },
      actions: ['review.*'],
      resources: [{ type: 'review' }],
      when: [{ of: 'resource.properties.roles', contains: 'controller' }],
    },
    {
      id: 'compliance-decides',
      to: { roles: ['compliance'] },
      actions: ['review.*'],
      resources: [{ type: 'review' }],
      when: [{ of: 'resource.properties.roles', contains: 'compliance' }],
    },
    {
      id: 'controllers-top-up',
      to: { roles: ['controller'] },
      actions: ['send'],
      resources: [{ type: 'account' }],
    },
  ],
};

export const open = (store: string) =>
  createSystem({
    store: leveldb(store),
    actors: { check, account: account(), ...agents },
    decider: roles(TABLE),
  });

export type House = Awaited<ReturnType<typeof open>>;
