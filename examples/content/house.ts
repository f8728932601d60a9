/**
 * An article, from the notes to the page, and the office in which it is made.
 *
 *     draft → refine until it is good enough ─┬→ facts ─┬→ two editors → publish
 *                                             ╰→ style ─╯
 */
import { createSystem } from 'heddle';
import { budget, gate, loop, roles, strategies, task, workflow } from 'heddle/actors';
import type { RolesTable } from 'heddle/actors';
import { leveldb } from 'heddle/storage';
import { fields, listOf, NUMBER, TEXT } from '../stage/schemas.ts';
import { agents, BRIEF } from './agents.ts';

/** What editors are shown, and what it must still be when they have changed it. */
const PAGE = fields({
  headline: { type: 'string', minLength: 1, maxLength: 60 },
  text: { type: 'string', minLength: 1, maxLength: 2000 },
  unsupported: listOf(TEXT),
  wordsPerSentence: NUMBER,
});

export const article = workflow({
  id: 'article',
  inputSchema: BRIEF,
  strategy: strategies.content,
  budget: budget({ limit: 0.5, perTask: 0.05 }),
  tasks: {
    draft: task({ capability: 'draft', input: (_, { input }) => ({ brief: input }) }),
    refine: loop({
      needs: ['draft'],
      input: ({ draft }, { input }) => ({ brief: input, draft }),
      body: task({ capability: 'refine' }),
      until: ({ score }) => score >= 0.9,
      times: 6,
      next: ({ headline, text }, { first }) => ({ brief: first.brief, draft: { headline, text } }),
    }),
    facts: task({
      needs: ['refine'],
      capability: 'verify',
      input: ({ refine: { headline, text } }, { input }) => ({ brief: input, draft: { headline, text } }),
      retry: { times: 3, first: '50 millis' },
    }),
    style: task({
      needs: ['refine'],
      capability: 'style',
      input: ({ refine: { headline, text } }, { input }) => ({ brief: input, draft: { headline, text } }),
      quality: 0.9,
    }),
    editors: gate({
      needs: ['refine', 'facts', 'style'],
      title: 'Is this to be published?',
      role: 'editor',
      quorum: 2,
      input: ({ refine: { headline, text }, facts, style }) => ({ headline, text, ...facts, ...style }),
      schema: PAGE,
      editable: ['/headline', '/text'],
      within: '1 second',
      escalateTo: 'chief',
      escalatedWithin: '1 hour',
    }),
    publish: task({
      needs: ['editors'],
      capability: 'publish',
      input: ({ editors }, { input }) => {
        const { headline, text } = editors.output;
        const approvedBy = (editors.approvals as readonly { by: string }[]).map(({ by }) => by);
        return { brief: input, draft: { headline, text }, approvedBy };
      },
    }),
  },
});

const TABLE: RolesTable = {
  roles: { author: {}, editor: {}, chief: {} },
  members: [
    { who: { type: 'user', id: 'dave' }, roles: ['author', 'editor'] },
    { who: { type: 'user', id: 'ada' }, roles: ['editor'] },
    { who: { type: 'user', id: 'eve' }, roles: ['editor'] },
    { who: { type: 'user', id: 'carol' }, roles: ['chief'] },
  ],
  grants: [
    { id: 'host', to: { principals: [{ type: 'program', id: 'main' }] }, actions: ['*'], resources: 'any' },
    {
      id: 'articles-ask-agents',
      to: { principals: [{ type: 'actor', id: 'article/*' }] },
      actions: ['agent.call'],
      resources: [{ type: 'agent' }],
    },
    { id: 'authors-begin', to: { roles: ['author'] }, actions: ['start'], resources: [{ type: 'article' }] },
    {
      id: 'editors-decide',
      to: { roles: ['editor'] },
      actions: ['review.*'],
      resources: [{ type: 'review' }],
    },
    {
      id: 'chiefs-decide-what-waits',
      to: { roles: ['chief'] },
      actions: ['review.*'],
      resources: [{ type: 'review' }],
      when: [{ of: 'resource.properties.roles', contains: 'chief' }],
    },
  ],
};

export const open = (store: string) =>
  createSystem({ store: leveldb(store), actors: { article, ...agents }, decider: roles(TABLE) });

export type House = Awaited<ReturnType<typeof open>>;
