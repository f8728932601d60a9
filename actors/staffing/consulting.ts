/**
 * Consulting: who does a task. Whoever can do it is found by the rules of routing, in their order; the first whom nothing halts and the
 * decider permits is the one. Everything that is said of them and of the others is recorded by the task that has asked.
 */
import type { Fault } from '../../machines/faults/fault.ts';
import { HALTED } from '../../machines/task/words.ts';
import type { Advice, Advised, Consultation, ShadowCall } from '../../machines/task/words.ts';
import { frozen } from '../../machines/values/frozen.ts';
import { NOTHING } from '../../machines/values/money.ts';
import type { Agent } from '../agents/agent.ts';
import type { Places } from '../agents/places.ts';
import { CALL_OBLIGATIONS, termsFor } from '../halts/obligations.ts';
import { advising } from '../routing/advising.ts';
import type { Candidate, RouteRequest } from '../routing/candidate.ts';
import { aboutOf, callOf, haltableBy, passedOverBy, whyDenied } from '../routing/permission.ts';
import type { Permitted, Refusal } from '../routing/permission.ts';
import { Records } from '../routing/records.ts';
import { concerned, route } from '../routing/route.ts';
import type { Sights } from '../routing/route.ts';
import { router } from '../routing/rules.ts';
import type { Router } from '../routing/rules.ts';
import { shadowsOf } from '../routing/shadowing.ts';
import { sightOf } from '../routing/sight.ts';
import { tenantOf } from '../state/belonging.ts';
import type { TaskDuty } from '../workflow/office.ts';
import type { Shift } from './workplace.ts';

/** Where nobody has said any. */
const ANY_RULES = router();
const NO_RECORDS: ReadonlyMap<string, string> = new Map();

export interface ConsultingOptions {
  readonly agents: ReadonlyMap<string, Agent>;
  /** Who is at work. */
  readonly places: Places;
  /** The rules of the system. */
  readonly router: Router | undefined;
  /** ms since the epoch. */
  readonly now: () => number;
}

export class Consulting {
  readonly #agents: ReadonlyMap<string, Agent>;
  readonly #places: Places;
  readonly #router: Router | undefined;
  readonly #now: () => number;
  readonly #records = new Records();

  constructor({ agents, places, router: rules, now }: ConsultingOptions) {
    this.#agents = agents;
    this.#places = places;
    this.#router = rules;
    this.#now = now;
  }

  /** @param signal ends the wait for a halt to be lifted */
  async consult(
    shift: Shift,
    duty: TaskDuty,
    consultation: Consultation,
    signal: AbortSignal,
  ): Promise<Advice> {
    // Agents estimate by it, and the decider is told of it: nobody changes what the next one sees.
    const { start, halts = [], ...asked } = frozen(consultation);
    if (halts.length > 0) await shift.calls.untilLifted(halts, signal);
    signal.throwIfAborted();
    const invalid = faultOfInput(duty, asked.input);
    if (invalid !== undefined) return { fault: invalid, passedOver: [] };
    const { run, task, seat } = start;
    const notOf = seat?.models ?? [];
    const request: RouteRequest = {
      cheaperThan: undefined,
      ...asked,
      notOf,
      duty,
      run,
      task,
      now: this.#now(),
    };
    const rules = duty.router ?? this.#router;
    const found = route(this.#agents, request, rules ?? ANY_RULES, await this.#look(shift, request, rules));
    const refused: Refusal[] = [];
    for (const [index, candidate] of found.candidates.entries()) {
      const known = seat === undefined ? {} : { vote: true as const };
      const given = await this.#permission(shift, duty, consultation, candidate, CALL_OBLIGATIONS, known);
      if (!('why' in given)) {
        const others = found.candidates.slice(index + 1);
        const advice = advising(candidate, given, others, { ...found, denied: refused.map(passedOverBy) });
        return rules === undefined ? advice : this.#observed(shift, candidate, advice, request, start, rules);
      }
      refused.push(given);
    }
    const { passedOver, fault, note } = found;
    const all = [...passedOver, ...refused.map(passedOverBy)];
    if (refused.length === 0) return { fault, passedOver: all, route: note };
    const message = refused.map(({ agent, why }) => `${agent}: ${why}`).join(', ');
    const standing = refused.flatMap(({ halt }) => halt ?? []);
    const isHalted = standing.length > 0;
    return {
      fault: { class: 'not-permitted', message, cost: NOTHING, ...(isHalted && { code: HALTED }) },
      ...{ passedOver: all, route: note },
      ...(isHalted && { halts: [...new Set(standing)] }),
    };
  }

  async #look({ workplace }: Shift, request: RouteRequest, rules: Router | undefined): Promise<Sights> {
    const agents = concerned(this.#agents, request.duty);
    const names = agents.map(({ name }) => name);
    const records = rules === undefined ? NO_RECORDS : await this.#records.all(workplace, 'quality', names);
    const view = {
      now: request.now,
      snapshotAt: (address: string) => workplace.get(address)?.getSnapshot(),
      running: (agent: string) => this.#places.running(agent),
      recordOf: (agent: string) => records.get(agent),
    };
    return new Map(agents.map((agent) => [agent.name, sightOf(agent, view)]));
  }

  /** Who is told of it, and who is asked besides. */
  async #observed(
    shift: Shift,
    candidate: Candidate,
    advice: Advised,
    request: RouteRequest,
    start: Consultation['start'],
    rules: Router,
  ): Promise<Advised> {
    const record = await this.#records.one(shift.workplace, 'quality', advice.agent);
    const { shadows, passedOver } = shadowsOf(this.#agents, candidate, request, rules);
    const left = [...passedOver];
    const calls: ShadowCall[] = [];
    for (const { agent, rule, maxCost } of shadows) {
      const { name, permits, contract, window, model } = agent;
      // Nobody meets obligations for it.
      const about = { ...request, start };
      const known = { shadow: true } as const;
      const permission = await this.#permission(shift, request.duty, about, { agent, maxCost }, [], known);
      const address =
        'why' in permission ? undefined : await this.#records.one(shift.workplace, 'shadow', name);
      const { account: payer, compare } = rule;
      if (address !== undefined)
        calls.push({
          ...{ agent: name, address, permits, account: payer, maxCost, compare },
          known: { contract: contract.hash, window, model },
        });
      else {
        const why = 'why' in permission ? permission.why : 'nobody can be started for it';
        left.push({ agent: name, why: `as a shadow: ${why}` });
      }
    }
    return {
      ...advice,
      passedOver: [...advice.passedOver, ...left],
      ...(record !== undefined && { record }),
      ...(calls.length > 0 && { shadows: calls }),
    };
  }

  /** Whether somebody may be asked, and on which terms. */
  async #permission(
    { calls, workplace }: Shift,
    duty: TaskDuty,
    { start, input }: Consultation,
    candidate: Pick<Candidate, 'agent' | 'maxCost'> & Partial<Pick<Candidate, 'estimate'>>,
    meets: readonly string[] = CALL_OBLIGATIONS,
    known: Parameters<typeof callOf>[5] = {},
  ): Promise<Permitted | Refusal> {
    const { agent, maxCost, estimate } = candidate;
    const { name } = agent;
    const { authority } = workplace;
    const belonging = workplace.belongingOf(start.run);
    const halt = calls.haltOn(haltableBy(agent, duty, belonging));
    if (halt !== undefined) return { agent: name, why: halt.why, halt: halt.key };
    const about = aboutOf(duty, input);
    if (typeof about === 'string') return { agent: name, why: about };
    const { hash } = authority;
    const request = callOf(candidate, duty, start, tenantOf(belonging), about, known);
    const decision = await authority.permit(request, { meets });
    if (decision.effect !== 'permit') return { agent: name, why: whyDenied(decision) };
    const terms = termsFor(decision.obligations, {
      agent,
      maxCost,
      estimate,
      given: { input, values: start.values },
    });
    return typeof terms === 'string' ? { agent: name, why: terms } : { decision, decider: hash, terms };
  }
}

/** What the task itself says of its input, whoever does it. */
function faultOfInput({ inputSchema }: TaskDuty, input: unknown): Fault | undefined {
  const checking = inputSchema?.check(input);
  if (checking === undefined || checking.ok) return undefined;
  const message = 'the input breaks the schema of the task';
  return { class: 'invalid-input', message, problems: checking.problems, cost: NOTHING };
}
