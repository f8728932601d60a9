/**
 * The route of a task: in which order agents are asked to do it, and why not the others. A pure function of the agents, the request,
 * the rules, and what was seen. It asks nobody and decides nothing about permissions; what it has chosen is recorded by whoever has
 * asked, and never chosen again when history is told.
 */
import type { Fault } from '../../machines/faults/fault.ts';
import { NOTHING } from '../../machines/values/money.ts';
import type { PassedOver, RouteNote } from '../../machines/task/words.ts';
import type { Agent } from '../agents/agent.ts';
import { chosenFrom, fallbacks, look } from './candidate.ts';
import type { Candidate, Known, RouteRequest } from './candidate.ts';
import { dealt } from './experiment.ts';
import { ordered, scoresOf } from './order.ts';
import type { Router } from './rules.ts';
import type { Sight } from './sight.ts';

export interface Route {
  /** In the order in which they are asked. */
  readonly candidates: readonly Candidate[];
  readonly passedOver: readonly PassedOver[];
  /** What it means that there is nobody. */
  readonly fault: Fault;
  readonly note: RouteNote;
}

export type Sights = ReadonlyMap<string, Sight>;

export function route(
  agents: ReadonlyMap<string, Agent>,
  request: RouteRequest,
  rules: Router,
  sights: Sights,
): Route {
  const { duty } = request;
  const known = chosenFrom(agents, duty);
  const first = lookAtAll(known, request, sights);
  const last = lookAtAll(fallbacks(agents, duty, known), request, sights);
  const isNamed = duty.agents.length > 0;
  // Who is named is asked in the order in which he is named.
  const { candidates, passedOver, experiment } = dealt(
    isNamed ? first.candidates : ordered(first.candidates, rules),
    request,
    rules,
  );
  const all = [...candidates, ...last.candidates];
  const others = [...first.passedOver, ...passedOver, ...last.passedOver];
  return {
    candidates: all,
    passedOver: others,
    fault: faultOf(request, others, [...first.waits, ...last.waits], first.wrong ?? last.wrong),
    note: {
      rules: rules.hash,
      order: isNamed ? 'named' : typeof rules.order === 'string' ? rules.order : 'weights',
      scores: scoresOf(all, rules),
      ...(experiment !== undefined && { experiment }),
    },
  };
}

/** Everybody that a task could mean, for whoever has to look at them. */
export function concerned(agents: ReadonlyMap<string, Agent>, duty: RouteRequest['duty']): readonly Agent[] {
  const known = chosenFrom(agents, duty);
  return [...known, ...fallbacks(agents, duty, known)].flatMap(({ agent }) => agent ?? []);
}

interface Looked {
  readonly candidates: readonly Candidate[];
  readonly passedOver: readonly PassedOver[];
  /** Of those who could do it and are not there: when they are, in ms. */
  readonly waits: readonly number[];
  /** What is wrong by the first of whom something is: with the input, or with the money. */
  readonly wrong: Fault | undefined;
}

function lookAtAll(known: readonly Known[], request: RouteRequest, sights: Sights): Looked {
  const passedOver: PassedOver[] = [];
  const candidates: Candidate[] = [];
  const waits: number[] = [];
  let wrong: Fault | undefined;
  for (const one of known) {
    const found = look(one, request, sights.get(one.name));
    if ('agent' in found) {
      candidates.push(found);
      continue;
    }
    const { why, fault, retryAfterMs } = found;
    const isTimed = retryAfterMs !== undefined && Number.isFinite(retryAfterMs);
    passedOver.push({ agent: one.name, why, ...(isTimed && { retryAfterMs: Math.ceil(retryAfterMs) }) });
    if (retryAfterMs !== undefined) waits.push(retryAfterMs);
    wrong ??= fault;
  }
  return { candidates, passedOver, waits, wrong };
}

/** What it means that there is nobody. Whoever could do it and is not there now comes back: that is waited for. */
function faultOf(
  { duty }: RouteRequest,
  passedOver: readonly PassedOver[],
  waits: readonly number[],
  wrong: Fault | undefined,
): Fault {
  if (waits.length === 0 && wrong !== undefined) return wrong;
  const { capability, agents } = duty;
  const wanted =
    agents.length > 0 || capability === undefined ? agents.join(', ') : `anybody who can '${capability}'`;
  const reasons = passedOver.map(({ agent, why }) => `${agent} (${why})`).join(', ');
  const message =
    passedOver.length === 0 ? `there is no agent: ${wanted}` : `nobody is left of ${wanted}: ${reasons}`;
  if (waits.length === 0) return { class: 'no-agent', message, cost: NOTHING };
  const retryAfterMs = Math.ceil(Math.min(...waits));
  const known = Number.isFinite(retryAfterMs) && { retryAfterMs };
  return { class: 'unavailable', message, cost: NOTHING, ...known };
}
