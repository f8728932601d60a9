/**
 * Candidates: who could do a task. Of everybody else it is said why not: somebody who was asked already, whose window is too small,
 * whose schemas do not fit, whose contract the input breaks, who costs too much, who is not there now.
 */
import type { Fault } from '../../machines/faults/fault.ts';
import { amountOf, NOTHING } from '../../machines/values/money.ts';
import type { Micros } from '../../machines/values/money.ts';
import { tallied } from '../../machines/routing/track-record.ts';
import type { Tally } from '../../machines/routing/track-record.ts';
import type { Agent } from '../agents/agent.ts';
import { capabilityOf, satisfying } from '../agents/capability.ts';
import { contains } from '../schema/containment.ts';
import type { TaskDuty } from '../workflow/office.ts';
import { estimateOf, expectedCost } from './cost.ts';
import type { Estimate } from './cost.ts';
import { opensInMs } from './hours.ts';
import { closedAt, freeOf } from './sight.ts';
import type { Sight } from './sight.ts';

/** Somebody who could do it. */
export interface Candidate extends Estimate {
  readonly agent: Agent;
  /** The capability by which it was found; `*` when it was named. */
  readonly capability: string;
  /** What the attempt may cost at most. */
  readonly maxCost: Micros;
  /** What it is expected to cost; undefined: nobody knows. */
  readonly expected: Micros | undefined;
  readonly tally: Tally;
  /** Which part of its gates and places is free, from 0 to 1. */
  readonly free: number;
}

export interface RouteRequest {
  readonly duty: TaskDuty;
  readonly input: unknown;
  readonly tried: readonly string[];
  readonly largerThan: number | undefined;
  readonly cheaperThan: Micros | undefined;
  /** What the attempts to come may cost together. Default: that was not said. */
  readonly allowance?: Micros;
  /** Models whose agents are not asked. Default: none. */
  readonly notOf?: readonly string[];
  /** Where the task stands: it decides about experiments. */
  readonly run: string;
  readonly task: string;
  /** ms since the epoch. */
  readonly now: number;
}

/** Somebody who is looked at. */
export interface Known {
  readonly name: string;
  readonly agent: Agent | undefined;
  readonly capability: string;
}

/** The capability of those who are named. */
export const NAMED = '*';

export interface Refused {
  readonly why: string;
  /** When it can be asked, in ms; Infinity: that is not known. Only of somebody who could do it. */
  readonly retryAfterMs?: number;
  /** What it means if there is nobody else. */
  readonly fault?: Fault;
}

/** Those who are named; or, if nobody is, those who have the capability. */
export function chosenFrom(
  agents: ReadonlyMap<string, Agent>,
  { agents: named, capability }: TaskDuty,
): Known[] {
  if (named.length > 0) return named.map((name) => byName(agents, name));
  if (capability === undefined) return [];
  return [...agents.values()].flatMap((agent) => {
    const [own] = satisfying(agent.capabilities, capability);
    return own === undefined ? [] : [{ name: agent.name, agent, capability: own }];
  });
}

/** Those that are fallen back on. */
export function fallbacks(
  agents: ReadonlyMap<string, Agent>,
  { fallback }: TaskDuty,
  before: readonly Known[],
): Known[] {
  const names = new Set(before.map(({ name }) => name));
  return fallback.filter((name) => !names.has(name)).map((name) => byName(agents, name));
}

const byName = (agents: ReadonlyMap<string, Agent>, name: string): Known => ({
  ...{ name, agent: agents.get(name), capability: NAMED },
});

const UNSEEN: Sight = { gates: [], running: 0, record: undefined };

export function look(
  { agent, capability }: Known,
  request: RouteRequest,
  sight: Sight = UNSEEN,
): Candidate | Refused {
  if (agent === undefined) return { why: 'is no agent of this system' };
  const { duty, input, tried, largerThan, notOf = [], now } = request;
  if (tried.includes(agent.name)) return { why: 'has been chosen already' };
  if (notOf.includes(agent.model)) return { why: `${agent.model} has a vote already` };
  if (largerThan !== undefined && (agent.window ?? 0) <= largerThan)
    return { why: 'its window is no larger' };
  const misfit = misfitOf(agent, duty, input);
  if (misfit !== undefined) return misfit;
  const tally = sight.record === undefined ? tallied({ spans: [] }) : tallied(sight.record, capability);
  const cost = costWithin(agent, request, tally);
  if ('why' in cost) return cost;
  const opensMs = agent.hours === undefined ? 0 : opensInMs(agent.hours, now);
  if (opensMs > 0) return { why: 'is not at work', retryAfterMs: opensMs };
  const closed = closedAt(sight);
  return closed ?? { agent, capability, tally, ...cost, free: freeOf(sight, agent.concurrency) };
}

/** Why the contract of an agent does not do for a task, or for its input. */
export function misfitOf(
  agent: Agent,
  { outputSchema, inputSchema }: TaskDuty,
  input: unknown,
): Refused | undefined {
  const { contract } = agent;
  if (outputSchema !== undefined) {
    const output = contains(outputSchema, contract.output);
    if (!output.ok)
      return {
        why: `its output is not shown to keep the task's schema at ${output.pointer}: ${output.detail}`,
      };
  }
  if (inputSchema !== undefined) {
    const taken = contains(contract.input, inputSchema);
    if (!taken.ok)
      return {
        why: `is not shown to take all that the task gives, at ${taken.pointer} of its input: ${taken.detail}`,
      };
  }
  const checking = contract.input.check(input);
  if (checking.ok) return undefined;
  const message = `the input breaks the contract of ${agent.name}`;
  return {
    why: 'the input breaks its contract',
    fault: { class: 'invalid-input', message, problems: checking.problems, cost: NOTHING },
  };
}

const MOST = Number.MAX_SAFE_INTEGER as Micros;

/** What it may cost: what the task allows, or else what the agent estimates. An agent that says nothing may cost nothing. */
function costWithin(
  agent: Agent,
  { duty, input, now, cheaperThan, allowance = MOST }: RouteRequest,
  tally: Tally,
): Pick<Candidate, 'estimate' | 'prices' | 'expected' | 'maxCost'> | Refused {
  const { maxCost, perTask = MOST } = duty;
  const made = estimateOf(agent, input, now);
  if (typeof made === 'string') return { why: made };
  const { estimate } = made;
  const limit = maxCost ?? estimate ?? NOTHING;
  if (estimate !== undefined && estimate > limit)
    return { why: `it is estimated to cost ${amountOf(estimate)}, more than the task may` };
  if (cheaperThan !== undefined && limit >= cheaperThan)
    return unpaid('it may cost as much as there was no money for', agent);
  if (limit > perTask) return unpaid('it may cost more than the budget gives a task', agent);
  if (limit > allowance)
    return unpaid('it may cost more than is left of what the budget gives a task', agent);
  const expected = expectedCost(estimate, tally);
  if (maxCost !== undefined && expected !== undefined && expected > maxCost)
    return { why: `by experience it costs ${amountOf(expected)}, more than the task may` };
  return { ...made, expected, maxCost: limit };
}

const unpaid = (why: string, { name }: Agent): Refused => ({
  ...{ why, fault: { class: 'budget-exhausted', message: `${name}: ${why}`, cost: NOTHING } },
});

/** How near its capability is to what was asked for: the name itself before its parts. */
export const farnessOf = ({ capability }: Candidate): number =>
  capability === NAMED ? 0 : capabilityOf(capability).path.length;
