/**
 * The advice that a task gets: who is to do it, on which terms, and why not somebody else. What is in it is recorded.
 */
import type { Advised, PassedOver, Permission } from '../../machines/task/words.ts';
import type { Micros } from '../../machines/values/money.ts';
import { personTermsOf } from '../agents/human.ts';
import { NAMED } from './candidate.ts';
import type { Candidate } from './candidate.ts';
import type { Permitted } from './permission.ts';
import type { Route } from './route.ts';

export function advising(
  { agent, capability, estimate }: Candidate,
  { decision, decider, terms: { maxCost, terms, met } }: Permitted,
  others: readonly Candidate[],
  { passedOver, denied, note }: Route & { readonly denied: readonly PassedOver[] },
): Advised {
  const { name, contract, model, permits, budget, window, calibration } = agent;
  const person = personTermsOf(agent);
  const { effect, determining, reasons } = decision;
  const permission: Permission = {
    ...{ effect, determining, reasons, decider },
    ...(met.length > 0 && { met }),
  };
  const larger = others.filter((other) => (other.agent.window ?? 0) > (window ?? Infinity)).length;
  return {
    ...{ agent: name, contract: contract.hash, model, permits, maxCost, window, larger, capability },
    because: capability === NAMED ? 'it is named' : `it can ${capability}`,
    passedOver: [...passedOver, ...denied],
    permission,
    ...(met.length > 0 && { terms }),
    accounts: budget === undefined ? [] : [budget],
    calibration,
    others: others.length,
    route: note,
    ...(estimate !== undefined && { estimate }),
    ...(others.length > 0 && { cheapest: Math.min(...others.map((other) => other.maxCost)) as Micros }),
    ...(person !== undefined && { person }),
  };
}
