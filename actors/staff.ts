/**
 * The staff of a system: its agents, and what its workflows' offices do with them. Every answer that it gives is an event of the task
 * that has asked, so it is recorded before anything follows from it.
 *
 * It keeps nothing. Agents are asked once and never again by it; who may be asked is the decider's to say.
 */
import { fromPromise } from 'xstate';
import type { AnyActorLogic } from 'xstate';
import { account } from '../machines/budget.ts';
import type { Fault, FaultClass } from '../machines/fault.ts';
import { guarded } from '../machines/guarded.ts';
import { NOTHING } from '../machines/money.ts';
import { review } from '../machines/review.ts';
import { shadow } from '../machines/shadow.ts';
import type { TaskActors } from '../machines/task/task.ts';
import type {
  Advice,
  Advised,
  Answer,
  Asking,
  Consultation,
  PassedOver,
  ShadowCall,
  Verification,
  Verified,
} from '../machines/task/words.ts';
import { currentEffect } from '../runtime/index.ts';
import type { AccessRequest, Authority, Decision } from '../runtime/index.ts';
import type { Agent } from './agent.ts';
import { attempt } from './attempt.ts';
import { Places } from './places.ts';
import { NAMED } from './routing/candidate.ts';
import type { Candidate, RouteRequest } from './routing/candidate.ts';
import { Records } from './routing/records.ts';
import type { Registry } from './routing/records.ts';
import { concerned, route } from './routing/route.ts';
import type { Route, Sights } from './routing/route.ts';
import { router } from './routing/rules.ts';
import type { Router } from './routing/rules.ts';
import { shadowsOf } from './routing/shadowing.ts';
import { sightOf } from './routing/sight.ts';
import type { Checked } from './schema/checked.ts';
import { verify } from './verifiers/verifier.ts';
import type { Office, TaskDuty } from './workflow/office.ts';

/** What it needs of the system that it works in. */
export interface Workplace extends Registry {
  readonly authority: Authority;
}

export interface StaffOptions {
  /** The rules by which agents are chosen. With them it is recorded what comes of their attempts. Default: the cheapest. */
  readonly router?: Router | undefined;
  /** ms since the epoch. Default: the clock of the machine. */
  readonly now?: (() => number) | undefined;
}

export class Staff implements Office {
  readonly review: AnyActorLogic = review;
  readonly account: AnyActorLogic = account();
  /** Asks agents in the shadow of others. */
  readonly shadow: AnyActorLogic;
  readonly #agents: ReadonlyMap<string, Agent>;
  readonly #router: Router | undefined;
  readonly #now: () => number;
  readonly #places = new Places();
  readonly #records = new Records();
  /** Work that is owed goes on while the system is still being opened: it waits here. */
  readonly #workplace: Promise<Workplace>;
  #open!: (workplace: Workplace) => void;

  constructor(agents: ReadonlyMap<string, Agent>, { router: rules, now = Date.now }: StaffOptions = {}) {
    this.#agents = agents;
    this.#router = rules;
    this.#now = now;
    this.#workplace = new Promise((resolve) => (this.#open = resolve));
    this.shadow = shadow(this.#asking({ outputSchema: undefined }));
  }

  /** The system is open. */
  beginIn(workplace: Workplace): void {
    this.#open(workplace);
  }

  taskActors(duty: TaskDuty): TaskActors {
    const { review: decides } = this;
    return {
      consult: fromPromise(({ input }: { input: Consultation }) => this.#consult(duty, input)),
      ask: this.#asking(duty),
      verify: fromPromise(({ input }: { input: Verification }) => Promise.resolve(verified(duty, input))),
      review: decides,
    };
  }

  // ---- who -----------------------------------------------------------------------------------------------------------

  async #consult(duty: TaskDuty, consultation: Consultation): Promise<Advice> {
    const workplace = await this.#workplace;
    const { start, ...asked } = consultation;
    const invalid = faultOfInput(duty, asked.input);
    if (invalid !== undefined) return { fault: invalid, passedOver: [] };
    const { run, task } = start;
    const request: RouteRequest = { cheaperThan: undefined, ...asked, duty, run, task, now: this.#now() };
    const rules = duty.router ?? this.#router;
    const found = route(
      this.#agents,
      request,
      rules ?? ANY_RULES,
      await this.#look(workplace, request, rules),
    );
    const denied: PassedOver[] = [];
    for (const [index, candidate] of found.candidates.entries()) {
      const permission = await workplace.authority.permit(callOf(candidate, duty, start));
      if (permission.effect === 'permit') {
        const others = found.candidates.slice(index + 1);
        const advice = advising(candidate, permission, others, { ...found, denied });
        return rules === undefined ? advice : this.#observed(workplace, candidate, advice, request, rules);
      }
      denied.push({ agent: candidate.agent.name, why: whyDenied(permission) });
    }
    const { passedOver, fault, note } = found;
    const all = [...passedOver, ...denied];
    if (denied.length === 0) return { fault, passedOver: all, route: note };
    const message = denied.map(({ agent, why }) => `${agent}: ${why}`).join(', ');
    return { fault: { class: 'not-permitted', message, cost: NOTHING }, passedOver: all, route: note };
  }

  async #look(workplace: Workplace, request: RouteRequest, rules: Router | undefined): Promise<Sights> {
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
    workplace: Workplace,
    candidate: Candidate,
    advice: Advised,
    request: RouteRequest,
    rules: Router,
  ): Promise<Advised> {
    const record = await this.#records.one(workplace, 'quality', advice.agent);
    const { shadows, passedOver } = shadowsOf(this.#agents, candidate, request, rules);
    const left = [...passedOver];
    const calls: ShadowCall[] = [];
    for (const { agent, rule, maxCost } of shadows) {
      const { name, permits } = agent;
      const call = callOf({ agent, maxCost }, request.duty, request, { shadow: true });
      const permission = await workplace.authority.permit(call);
      const address =
        permission.effect === 'permit' ? await this.#records.one(workplace, 'shadow', name) : undefined;
      const { account: payer, compare } = rule;
      if (address !== undefined)
        calls.push({ agent: name, address, permits, account: payer, maxCost, compare });
      else {
        const why = permission.effect === 'permit' ? 'nobody can be started for it' : whyDenied(permission);
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

  // ---- the work ------------------------------------------------------------------------------------------------------

  async #ask(duty: Kept, { input, signal }: Scope): Promise<Answer> {
    await this.#workplace;
    const { agent: name, envelope, idempotencyKey, attempt: number, problems } = input;
    const agent = this.#agents.get(name);
    if (agent === undefined)
      return {
        fault: { class: 'no-agent', message: `${name} is no agent any more`, cost: NOTHING },
        durationMs: 0,
      };
    const { traceparent } = currentEffect() ?? {};
    return this.#places.with(agent, signal, () =>
      attempt(keepingTo(duty, agent), {
        ...envelope,
        ...{ idempotencyKey, signal, attempt: number },
        ...(problems.length > 0 && { problems }),
        traceparent,
      }),
    );
  }

  /** Asks an agent, through its gates if any has some. */
  #asking(duty: Kept): AnyActorLogic {
    return this.#hasGates
      ? this.#askThroughGates(duty)
      : fromPromise((scope: Scope) => this.#ask(duty, scope));
  }

  get #hasGates(): boolean {
    return [...this.#agents.values()].some(({ permits }) => permits.length > 0);
  }

  /** Gates hear of a failure by an error; it has the answer with it. */
  #askThroughGates(duty: Kept): AnyActorLogic {
    const asking = fromPromise<Answer, Asking>(async (scope) => {
      const answer = await this.#ask(duty, scope);
      if (answer.fault === undefined) return answer;
      const { message, retryAfterMs } = answer.fault;
      const more = { answer, ...(retryAfterMs !== undefined && { retryAfterMs }) };
      throw Object.assign(new Error(message), more);
    });
    return guarded(asking, {
      permits: (input) => input.permits,
      judge: (error) => (BLAME.has(faultClassIn(error)) ? 'failure' : 'ignored'),
    });
  }
}

/** What an answer must keep besides the agent's own contract. */
type Kept = Pick<TaskDuty, 'outputSchema'>;

interface Scope {
  readonly input: Asking;
  readonly signal: AbortSignal;
}

/** What the task itself says of its input, whoever does it. */
function faultOfInput({ inputSchema }: TaskDuty, input: unknown): Fault | undefined {
  const checking = inputSchema?.check(input);
  if (checking === undefined || checking.ok) return undefined;
  const message = 'the input breaks the schema of the task';
  return { class: 'invalid-input', message, problems: checking.problems, cost: NOTHING };
}

/** An agent whose answers are held against the task's schema as well as against its own. */
function keepingTo({ outputSchema }: Kept, agent: Agent): Agent {
  if (outputSchema === undefined) return agent;
  const { output } = agent.contract;
  const check: Checked['check'] = (value) => {
    const checking = output.check(value);
    return checking.ok ? outputSchema.check(checking.value) : checking;
  };
  return { ...agent, contract: { ...agent.contract, output: { ...output, check } } };
}

/** Faults that say something about the other side. */
const BLAME: ReadonlySet<FaultClass | undefined> = new Set<FaultClass | undefined>([
  ...(['rate-limit', 'server-error', 'unavailable', 'timeout', 'quota', 'not-parseable', 'crash'] as const),
]);

const faultClassIn = (error: unknown): FaultClass | undefined =>
  (error as { readonly answer?: Answer } | undefined)?.answer?.fault?.class;

/** What the decider is asked before an agent is. */
function callOf(
  { agent, maxCost }: Pick<Candidate, 'agent' | 'maxCost'>,
  { task, workflow, capability }: TaskDuty,
  { run }: { readonly run: string },
  besides: Readonly<Record<string, unknown>> = {},
): AccessRequest {
  const { name, model, version, capabilities, contract } = agent;
  return {
    principal: { type: 'actor', id: run, properties: { workflow } },
    action: {
      name: 'agent.call',
      properties: { task, maxCost, ...(capability !== undefined && { capability }), ...besides },
    },
    resource: {
      type: 'agent',
      id: name,
      properties: { model, capabilities, contract: contract.hash, ...(version !== undefined && { version }) },
    },
  };
}

const whyDenied = ({ reasons, determining }: Decision): string =>
  reasons.join('; ') ||
  (determining.length > 0 ? `denied by ${determining.join(', ')}` : 'nothing permits it');

function advising(
  { agent, maxCost, capability, estimate }: Candidate,
  { effect, determining, reasons }: Decision,
  others: readonly Candidate[],
  { passedOver, denied, note }: Route & { readonly denied: readonly PassedOver[] },
): Advised {
  const { name, contract, permits, budget, window } = agent;
  const larger = others.filter((other) => (other.agent.window ?? 0) > (window ?? Infinity)).length;
  return {
    ...{ agent: name, contract: contract.hash, permits, maxCost, window, larger, capability },
    because: capability === NAMED ? 'it is named' : `it can ${capability}`,
    passedOver: [...passedOver, ...denied],
    permission: { effect, determining, reasons },
    accounts: budget === undefined ? [] : [budget],
    calibration: undefined,
    others: others.length,
    route: note,
    ...(estimate !== undefined && { estimate }),
  };
}

/** Where nobody has said any. */
const ANY_RULES = router();
const NO_RECORDS: ReadonlyMap<string, string> = new Map();

function verified({ verify: verifiers, task }: TaskDuty, { input, output }: Verification): Verified {
  const values = {
    task,
    input: input as Readonly<Record<string, unknown>>,
    output,
    sources: () => undefined,
  };
  const verification = verify(verifiers, values);
  const found = Object.fromEntries(
    verification.findings.map(({ verifier, assessment }) => [verifier, assessment]),
  );
  return verification.ok ? { found } : { found, fault: verification.fault };
}
