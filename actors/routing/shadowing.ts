/**
 * Who is asked in the shadow of whom: the rules, the lot of the task, and whether the shadow could do it at all. What a shadow answers
 * has no effect on anything; so one that cannot be asked is left out, and it is said why.
 */
import { NOTHING } from '../../machines/values/money.ts';
import type { Micros } from '../../machines/values/money.ts';
import type { PassedOver } from '../../machines/task/words.ts';
import type { Agent } from '../agents/agent.ts';
import { satisfies } from '../agents/capability.ts';
import { bucketOf } from './bucket.ts';
import { misfitOf, NAMED } from './candidate.ts';
import type { Candidate, RouteRequest } from './candidate.ts';
import { estimateOf } from './cost.ts';
import type { Router, ShadowRule } from './rules.ts';

/** Somebody who is to be asked besides. */
export interface Shadowing {
  readonly agent: Agent;
  readonly rule: ShadowRule;
  readonly maxCost: Micros;
}

export interface Shadows {
  readonly shadows: readonly Shadowing[];
  readonly passedOver: readonly PassedOver[];
}

export function shadowsOf(
  agents: ReadonlyMap<string, Agent>,
  chosen: Candidate,
  request: RouteRequest,
  rules: Router,
): Shadows {
  const shadows: Shadowing[] = [];
  const passedOver: PassedOver[] = [];
  // Of a task that was asked already the question may be another.
  if (request.tried.length > 0) return { shadows, passedOver };
  for (const rule of rules.shadows) {
    if (!isBehind(rule, chosen) || !isDealt(rule, request)) continue;
    if (shadows.some(({ agent }) => agent.name === rule.agent)) continue;
    const found = shadowingOf(agents, rule, request);
    if ('why' in found) passedOver.push({ agent: rule.agent, why: `as a shadow: ${found.why}` });
    else shadows.push(found);
  }
  return { shadows, passedOver };
}

function isBehind({ agent, of }: ShadowRule, { agent: chosen, capability }: Candidate): boolean {
  if (agent === chosen.name) return false;
  return of === chosen.name || (capability !== NAMED && satisfies(capability, of));
}

const isDealt = ({ agent, of, buckets }: ShadowRule, { run, task }: RouteRequest): boolean =>
  bucketOf('shadow', agent, of, run, task) < buckets;

function shadowingOf(
  agents: ReadonlyMap<string, Agent>,
  rule: ShadowRule,
  { duty, input, now }: RouteRequest,
): Shadowing | { readonly why: string } {
  const agent = agents.get(rule.agent);
  if (agent === undefined) return { why: 'is no agent of this system' };
  const misfit = misfitOf(agent, duty, input);
  if (misfit !== undefined) return misfit;
  if (rule.account === undefined) return { agent, rule, maxCost: NOTHING };
  const cost = estimateOf(agent, input, now);
  if (typeof cost === 'string') return { why: cost };
  return { agent, rule, maxCost: rule.maxCost ?? cost.estimate ?? NOTHING };
}
