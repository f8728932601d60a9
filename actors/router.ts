/**
 * The router: which agent does a task. It looks at everybody who could, says of each that is passed over why, and puts the others in
 * an order. It asks nobody and decides nothing about permissions; what it has chosen is recorded by whoever has asked, and never
 * chosen again when history is told.
 */
import { microsOf, NOTHING, problemOfAmount } from '../machines/money.ts';
import type { Micros } from '../machines/money.ts';
import type { Fault } from '../machines/fault.ts';
import type { PassedOver } from '../machines/task/words.ts';
import type { Agent } from './agent.ts';
import { satisfying } from './capability.ts';
import type { TaskDuty } from './workflow/office.ts';

/** Somebody who could do it. */
export interface Candidate {
  readonly agent: Agent;
  /** What the attempt may cost at most. */
  readonly maxCost: Micros;
  /** The capability by which it was found. */
  readonly capability: string | undefined;
}

export interface Route {
  /** In the order in which they are asked. */
  readonly candidates: readonly Candidate[];
  readonly passedOver: readonly PassedOver[];
  /** What it means that there is nobody. */
  readonly fault: Fault;
}

export interface RouteRequest {
  readonly duty: TaskDuty;
  readonly input: unknown;
  readonly tried: readonly string[];
  readonly largerThan: number | undefined;
}

export function route(agents: ReadonlyMap<string, Agent>, request: RouteRequest): Route {
  const passedOver: PassedOver[] = [];
  const candidates: Candidate[] = [];
  let invalid: Fault | undefined;
  for (const { agent, name, capability } of known(agents, request.duty)) {
    const found =
      agent === undefined ? { why: 'is no agent of this system' } : look(agent, capability, request);
    if ('agent' in found) candidates.push(found);
    else {
      passedOver.push({ agent: name, why: found.why });
      invalid ??= found.fault;
    }
  }
  const fault = invalid ?? { class: 'no-agent', message: sayWhyNobody(request, passedOver), cost: NOTHING };
  return { candidates, passedOver, fault };
}

interface Known {
  readonly name: string;
  readonly agent: Agent | undefined;
  readonly capability: string | undefined;
}

/** Everybody who is named, or has the capability; behind them those that are fallen back on. */
function known(
  agents: ReadonlyMap<string, Agent>,
  { agents: named, capability, fallback }: TaskDuty,
): Known[] {
  const byName = (name: string): Known => ({ name, agent: agents.get(name), capability: undefined });
  const first =
    named.length > 0 ? named.map(byName) : capability === undefined ? [] : able(agents, capability);
  const names = new Set(first.map(({ name }) => name));
  return [...first, ...fallback.filter((name) => !names.has(name)).map(byName)];
}

/** Those who have the capability: the nearest first, then the cheapest. */
function able(agents: ReadonlyMap<string, Agent>, request: string): Known[] {
  return [...agents.values()].flatMap((agent) => {
    const [capability] = satisfying(agent.capabilities, request);
    return capability === undefined ? [] : [{ name: agent.name, agent, capability }];
  });
}

type Refused = { readonly why: string; readonly fault?: Fault };

function look(
  agent: Agent,
  capability: string | undefined,
  { duty, input, tried, largerThan }: RouteRequest,
): Candidate | Refused {
  if (tried.includes(agent.name)) return { why: 'has been asked already' };
  if (largerThan !== undefined && (agent.window ?? 0) <= largerThan)
    return { why: 'its window is no larger' };
  const checking = agent.contract.input.check(input);
  if (!checking.ok) {
    const message = `the input breaks the contract of ${agent.name}`;
    return {
      why: 'the input breaks its contract',
      fault: { class: 'invalid-input', message, problems: checking.problems, cost: NOTHING },
    };
  }
  const maxCost = maxCostOf(agent, duty, input);
  return typeof maxCost === 'string' ? { why: maxCost } : { agent, maxCost, capability };
}

/** What it may cost: what the task allows, or else what the agent estimates. An agent that says nothing may cost nothing. */
function maxCostOf(agent: Agent, { maxCost, perTask = MOST }: TaskDuty, input: unknown): Micros | string {
  const estimate = estimateOf(agent, input);
  if (typeof estimate === 'string') return estimate;
  const limit = maxCost ?? estimate ?? NOTHING;
  if (estimate !== undefined && estimate > limit) return 'it is estimated to cost more than the task may';
  return limit > perTask ? 'it may cost more than the budget gives a task' : limit;
}

const MOST = Number.MAX_SAFE_INTEGER as Micros;

function estimateOf(agent: Agent, input: unknown): Micros | string | undefined {
  if (agent.estimate === undefined) return undefined;
  let estimate: unknown;
  try {
    estimate = agent.estimate(input);
  } catch (error) {
    return `its estimate throws a ${error instanceof Error ? error.name : typeof error}`;
  }
  const problem = problemOfAmount(estimate);
  return problem === undefined ? microsOf(estimate as number) : `its estimate ${problem}`;
}

function sayWhyNobody({ duty }: RouteRequest, passedOver: readonly PassedOver[]): string {
  const { capability, agents } = duty;
  const wanted = capability === undefined ? agents.join(', ') : `anybody who can '${capability}'`;
  if (passedOver.length === 0) return `there is no agent: ${wanted}`;
  return `nobody is left of ${wanted}: ${passedOver.map(({ agent, why }) => `${agent} (${why})`).join(', ')}`;
}
