/**
 * Whether an agent may be asked: what the decider and the halts are asked, and what their answers come to. It decides nothing.
 */
import type { PassedOver } from '../../machines/task/words.ts';
import type { AccessRequest, Decision } from '../../runtime/index.ts';
import type { Agent } from '../agents/agent.ts';
import { satisfying } from '../agents/capability.ts';
import type { HaltableCall } from '../halts/halts.ts';
import type { MetTerms } from '../halts/obligations.ts';
import type { Belonging } from '../state/belonging.ts';
import type { TaskDuty } from '../workflow/office.ts';
import type { Candidate } from './candidate.ts';

/** Somebody who may be asked. */
export interface Permitted {
  readonly decision: Decision;
  /** The hash of the decider. */
  readonly decider: string;
  readonly terms: MetTerms;
}

/** Somebody who may not; with the key of the halt, where that is why. */
export interface Refusal extends PassedOver {
  readonly halt?: string;
}

export const passedOverBy = ({ agent, why }: Refusal): PassedOver => ({ agent, why });

/** A call, as far as halts can be about it. */
export function haltableBy(
  agent: Agent,
  { capability, workflow }: Pick<TaskDuty, 'workflow'> & { readonly capability?: string | undefined },
  { workflows, tenants }: Belonging,
): HaltableCall {
  const { name, model } = agent;
  return {
    ...{ agent: name, model, tenants, capabilities: askedOf(agent, capability) },
    workflows: [workflow, ...workflows],
  };
}

/** What it is asked for, and all by which it could do that; of an agent that is asked by its name, everything that it can do. */
const askedOf = ({ capabilities }: Agent, capability: string | undefined): readonly string[] =>
  capability === undefined ? capabilities : [capability, ...satisfying(capabilities, capability)];

/** What a task says of its work; or why it cannot be told. */
export function aboutOf({ about }: TaskDuty, input: unknown): Readonly<Record<string, unknown>> | string {
  try {
    return about?.(input) ?? {};
  } catch (error) {
    return `what the decider is to be told of it throws a ${error instanceof Error ? error.name : typeof error}`;
  }
}

/** What the decider is asked before an agent is. */
export function callOf(
  { agent, maxCost }: Pick<Candidate, 'agent' | 'maxCost'>,
  { task, workflow, capability, labels }: TaskDuty,
  { run }: { readonly run: string },
  tenant: string | undefined,
  about: Readonly<Record<string, unknown>>,
): AccessRequest {
  const { name, model, version, capabilities, contract, properties } = agent;
  return {
    principal: { type: 'actor', id: run, properties: { workflow, ...(tenant !== undefined && { tenant }) } },
    action: {
      name: 'agent.call',
      // First: they must not take the place of what is known.
      properties: { ...about, task, maxCost, labels, ...(capability !== undefined && { capability }) },
    },
    resource: {
      type: 'agent',
      id: name,
      properties: {
        ...properties,
        ...{ model, capabilities, contract: contract.hash, ...(version !== undefined && { version }) },
      },
    },
  };
}

export const whyDenied = ({ reasons, determining }: Decision): string =>
  [...reasons, ...(determining.length > 0 ? [`denied by ${determining.join(', ')}`] : [])].join('; ') ||
  'nothing permits it';
