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
import { besides, saidAbout } from '../workflow/about.ts';
import type { About } from '../workflow/about.ts';
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
  agent: Pick<Agent, 'name' | 'model' | 'capabilities'>,
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
const askedOf = (
  { capabilities }: Pick<Agent, 'capabilities'>,
  capability: string | undefined,
): readonly string[] =>
  capability === undefined ? capabilities : [capability, ...satisfying(capabilities, capability)];

/** What a task says of its work; or why it cannot be told. */
export function aboutOf({ about }: TaskDuty, input: unknown): About | string {
  if (about === undefined) return {};
  let said: unknown;
  try {
    said = about(input);
  } catch (error) {
    return `what the decider is to be told of it throws a ${error instanceof Error ? error.name : typeof error}`;
  }
  try {
    return saidAbout(said);
  } catch (error) {
    return `what the decider is to be told of it makes no sense: ${(error as Error).message}`;
  }
}

/** What is known of a call, which nothing that a task says of it can say. */
const OF_THE_HOUSE: ReadonlySet<string> = new Set([
  ...['task', 'maxCost', 'labels', 'capability', 'vote', 'shadow'],
]);

/** What the decider is asked before an agent is. */
export function callOf(
  { agent, maxCost }: Pick<Candidate, 'agent' | 'maxCost'>,
  { task, workflow, capability, labels }: TaskDuty,
  { run }: { readonly run: string },
  tenant: string | undefined,
  about: About,
  known: { readonly vote?: true; readonly shadow?: true } = {},
): AccessRequest {
  const { name, model, version, capabilities, contract, properties } = agent;
  return {
    principal: { type: 'actor', id: run, properties: { workflow, ...(tenant !== undefined && { tenant }) } },
    action: {
      name: 'agent.call',
      properties: {
        ...besides(about, OF_THE_HOUSE),
        ...{ task, maxCost, labels, ...known },
        ...(capability !== undefined && { capability }),
      },
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
