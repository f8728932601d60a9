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
import type { TaskActors } from '../machines/task/task.ts';
import type {
  Advice,
  Answer,
  Asking,
  Consultation,
  PassedOver,
  Verification,
  Verified,
} from '../machines/task/words.ts';
import { currentEffect } from '../runtime/index.ts';
import type { AccessRequest, Authority, Decision } from '../runtime/index.ts';
import type { Agent } from './agent.ts';
import { attempt } from './attempt.ts';
import { route } from './router.ts';
import type { Candidate } from './router.ts';
import type { Checked } from './schema/checked.ts';
import { verify } from './verifiers/verifier.ts';
import type { Office, TaskDuty } from './workflow/office.ts';

/** What it needs of the system that it works in. */
export interface Workplace {
  readonly authority: Authority;
}

export class Staff implements Office {
  readonly review: AnyActorLogic = review;
  readonly account: AnyActorLogic = account();
  readonly #agents: ReadonlyMap<string, Agent>;
  /** Work that is owed goes on while the system is still being opened: it waits here. */
  readonly #workplace: Promise<Workplace>;
  #open!: (workplace: Workplace) => void;

  constructor(agents: ReadonlyMap<string, Agent>) {
    this.#agents = agents;
    this.#workplace = new Promise((resolve) => (this.#open = resolve));
  }

  /** The system is open. */
  beginIn(workplace: Workplace): void {
    this.#open(workplace);
  }

  taskActors(duty: TaskDuty): TaskActors {
    const { review: decides } = this;
    return {
      consult: fromPromise(({ input }: { input: Consultation }) => this.#consult(duty, input)),
      ask: this.#hasGates
        ? this.#askThroughGates(duty)
        : fromPromise((scope: Scope) => this.#ask(duty, scope)),
      verify: fromPromise(({ input }: { input: Verification }) => Promise.resolve(verified(duty, input))),
      review: decides,
    };
  }

  // ---- who -----------------------------------------------------------------------------------------------------------

  async #consult(duty: TaskDuty, { start, input, tried, largerThan }: Consultation): Promise<Advice> {
    const { authority } = await this.#workplace;
    const invalid = faultOfInput(duty, input);
    if (invalid !== undefined) return { fault: invalid, passedOver: [] };
    const { candidates, passedOver, fault } = route(this.#agents, { duty, input, tried, largerThan });
    const denied: PassedOver[] = [];
    for (const [index, candidate] of candidates.entries()) {
      const permission = await authority.permit(callOf(candidate, duty, start));
      if (permission.effect === 'permit')
        return advising(candidate, permission, candidates.slice(index + 1), [...passedOver, ...denied]);
      denied.push({ agent: candidate.agent.name, why: whyDenied(permission) });
    }
    const all = [...passedOver, ...denied];
    if (denied.length === 0) return { fault, passedOver: all };
    const message = denied.map(({ agent, why }) => `${agent}: ${why}`).join(', ');
    return { fault: { class: 'not-permitted', message, cost: NOTHING }, passedOver: all };
  }

  // ---- the work ------------------------------------------------------------------------------------------------------

  async #ask(duty: TaskDuty, { input, signal }: Scope): Promise<Answer> {
    await this.#workplace;
    const { agent: name, envelope, idempotencyKey, attempt: number, problems } = input;
    const agent = this.#agents.get(name);
    if (agent === undefined)
      return {
        fault: { class: 'no-agent', message: `${name} is no agent any more`, cost: NOTHING },
        durationMs: 0,
      };
    return attempt(keepingTo(duty, agent), {
      ...envelope,
      ...{ idempotencyKey, signal, attempt: number },
      ...(problems.length > 0 && { problems }),
      traceparent: currentEffect()?.traceparent,
    });
  }

  get #hasGates(): boolean {
    return [...this.#agents.values()].some(({ permits }) => permits.length > 0);
  }

  /** Gates hear of a failure by an error; it has the answer with it. */
  #askThroughGates(duty: TaskDuty): AnyActorLogic {
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
function keepingTo({ outputSchema }: TaskDuty, agent: Agent): Agent {
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
  { agent, maxCost }: Candidate,
  { task, workflow, capability }: TaskDuty,
  { run }: Consultation['start'],
): AccessRequest {
  const { name, model, version, capabilities, contract } = agent;
  return {
    principal: { type: 'actor', id: run, properties: { workflow } },
    action: {
      name: 'agent.call',
      properties: { task, maxCost, ...(capability !== undefined && { capability }) },
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
  { agent, maxCost, capability }: Candidate,
  { effect, determining, reasons }: Decision,
  others: readonly Candidate[],
  passedOver: readonly PassedOver[],
): Advice {
  const { name, contract, permits, budget, window } = agent;
  const larger = others.filter((other) => (other.agent.window ?? 0) > (window ?? Infinity)).length;
  return {
    ...{ agent: name, contract: contract.hash, passedOver, permits, maxCost, window, larger },
    because: capability === undefined ? 'it is named' : `it can ${capability}`,
    permission: { effect, determining, reasons },
    accounts: budget === undefined ? [] : [budget],
    calibration: undefined,
    others: others.length,
  };
}

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
