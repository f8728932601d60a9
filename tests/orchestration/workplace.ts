/**
 * Where the staff of a simulated run works: nothing is halted, and permissions come from whoever the test says.
 */
import type { Decider } from 'heddle';
import { Authority } from '../../runtime/authority.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Workplace } from '../../actors/staffing/workplace.ts';

export function workplaceUnder(decider: Decider): Workplace {
  return {
    authority: new Authority(decider, { clock: systemClock, withinMs: 1000, report: () => {} }),
    orders: { of: () => new Map(), watch: () => () => {} },
    get: () => undefined,
    tellTask: () => Promise.reject(new Error('there are no tasks')),
    actor: () => Promise.reject(new Error('there are no records')),
    belongingOf: () => ({ workflows: [], tenants: [] }),
  };
}

/** Permits everything. */
export const PERMITTING: Decider = {
  hash: 'test',
  decide: () => ({ effect: 'permit', determining: ['test'], reasons: [], obligations: [] }),
};
