/**
 * Whether an agent may be asked: what the decider and the halts are asked, and what their answers come to. It decides nothing.
 */
import type { PassedOver } from '../../machines/task/words.ts';
import type { AccessRequest, Decision } from '../../runtime/index.ts';
import type { Agent } from '../agents/agent.ts';
import type { HaltableCall } from '../halts/halts.ts';
import type { MetTerms } from '../halts/obligations.ts';
import { workflowOf } from '../reviews/review-permission.ts';
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

/** A call, as far as halts can be about it. Of an agent that is asked by its name: for everything that it can do. */
export function haltableBy(
  { name, model, capabilities }: Agent,
  { capability, workflow }: Pick<TaskDuty, 'workflow'> & { readonly capability?: string | undefined },
  run: string,
  tenant: string | null | undefined,
): HaltableCall {
  return {
    ...{ agent: name, model, tenant, capabilities: capability === undefined ? capabilities : [capability] },
    workflows: [workflow, workflowOf(run)],
  };
}

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
  tenant: string | null | undefined,
  about: Readonly<Record<string, unknown>>,
): AccessRequest {
  const { name, model, version, capabilities, contract, properties } = agent;
  return {
    principal: { type: 'actor', id: run, properties: { workflow, ...(isText(tenant) && { tenant }) } },
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

const isText = (value: unknown): value is string => typeof value === 'string';

export const whyDenied = ({ reasons, determining }: Decision): string =>
  [...reasons, ...(determining.length > 0 ? [`denied by ${determining.join(', ')}`] : [])].join('; ') ||
  'nothing permits it';
