/**
 * The house that the report is written in: its store, its agents, and its table of who may do what.
 */
import { createSystem } from 'heddle';
import { roles } from 'heddle/actors';
import type { RolesTable } from 'heddle/actors';
import { leveldb } from 'heddle/storage';
import { agents } from './agents.ts';
import type { Commission } from './agents.ts';
import { report } from './report.ts';

/** A report that is to be written. */
export type Job = {
  readonly store: string;
  readonly id: string;
  readonly commission: Commission;
  /** Who decides about it. */
  readonly editor: string;
};

/** What no row permits is refused: an agent that is not asked by a report, a decision of somebody who is no editor. */
const tableWith = (editor: string): RolesTable => ({
  roles: { editor: {} },
  members: [{ who: { type: 'user', id: editor }, roles: ['editor'] }],
  grants: [
    {
      id: 'the-program-hosts',
      to: { principals: [{ type: 'program', id: 'main' }] },
      actions: ['*'],
      resources: 'any',
    },
    {
      id: 'reports-ask-agents',
      to: { principals: [{ type: 'actor', id: 'report/*' }] },
      actions: ['agent.call'],
      resources: [{ type: 'agent' }],
    },
    {
      id: 'editors-decide',
      to: { roles: ['editor'] },
      actions: ['review.*'],
      resources: [{ type: 'review', id: 'report/*' }],
    },
  ],
});

export const openHouse = ({ store, editor }: Job) =>
  createSystem({
    store: leveldb(store),
    actors: { report, ...agents },
    decider: roles(tableWith(editor)),
  });

export type House = Awaited<ReturnType<typeof openHouse>>;
