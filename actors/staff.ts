/**
 * The staff of a system: its agents, and what its workflows' offices do with them. Every answer that it gives is an event of the task
 * that has asked, so it is recorded before anything follows from it.
 *
 * It keeps nothing. Agents are asked once and never again by it; who may be asked is the decider's to say.
 */
import { fromPromise } from 'xstate';
import type { AnyActorLogic } from 'xstate';
import { account } from '../machines/budget.ts';
import type { ToolPermission, ToolUse } from '../machines/contract.ts';
import type { FaultClass } from '../machines/fault.ts';
import { guarded } from '../machines/guarded.ts';
import { NOTHING } from '../machines/money.ts';
import { review } from '../machines/review.ts';
import type { TaskActors } from '../machines/task/task.ts';
import { HALTED } from '../machines/task/words.ts';
import type {
  Advice,
  Answer,
  Asking,
  Consultation,
  PassedOver,
  Permission,
  TaskPermission,
  Verification,
  Verified,
} from '../machines/task/words.ts';
import { currentEffect } from '../runtime/index.ts';
import type { AccessRequest, Authority, Decision } from '../runtime/index.ts';
import type { Agent } from './agent.ts';
import { attempt } from './attempt.ts';
import type { HaltableCall } from './halts.ts';
import { CALL_OBLIGATIONS, termsFor } from './obligations.ts';
import type { MetTerms } from './obligations.ts';
import { workflowOf } from './review-permission.ts';
import { route } from './router.ts';
import type { Candidate } from './router.ts';
import { RunningCalls } from './running.ts';
import type { OrderBook } from './running.ts';
import { verify } from './verifiers/verifier.ts';
import type { Office, TaskDuty } from './workflow/office.ts';

/** What it needs of the system that it works in. */
export interface Workplace {
  readonly authority: Authority;
  readonly orders: OrderBook;
  /** Finds the task that something is said to. */
  get(address: string): { send(event: TaskPermission): Promise<unknown> } | undefined;
  /** Whose a run is; null where that cannot be told. */
  tenantOf(run: string): string | null | undefined;
}

/** A workplace that is open, and what happens in it. */
interface Shift extends Workplace {
  readonly calls: RunningCalls;
}

export class Staff implements Office {
  readonly review: AnyActorLogic = review;
  readonly account: AnyActorLogic = account();
  readonly #agents: ReadonlyMap<string, Agent>;
  /** Work that is owed goes on while the system is still being opened: it waits here. */
  readonly #shift: Promise<Shift>;
  #open!: (shift: Shift) => void;

  constructor(agents: ReadonlyMap<string, Agent>) {
    this.#agents = agents;
    this.#shift = new Promise((resolve) => (this.#open = resolve));
  }

  /** The system is open. */
  beginIn(workplace: Workplace): void {
    const { authority, orders } = workplace;
    this.#open({
      ...{ authority, orders, calls: new RunningCalls(orders) },
      get: (address) => workplace.get(address),
      tenantOf: (run) => workplace.tenantOf(run),
    });
  }

  taskActors(duty: TaskDuty): TaskActors {
    const { review: decides } = this;
    return {
      consult: fromPromise<Advice, Consultation>(({ input, signal }) => this.#consult(duty, input, signal)),
      ask: this.#hasGates
        ? this.#askThroughGates(duty)
        : fromPromise<Answer, Asking>((scope) => this.#ask(duty, scope)),
      verify: fromPromise(({ input }: { input: Verification }) => Promise.resolve(verified(duty, input))),
      review: decides,
    };
  }

  // ---- who -----------------------------------------------------------------------------------------------------------

  async #consult(duty: TaskDuty, consultation: Consultation, signal: AbortSignal): Promise<Advice> {
    const { input, tried, largerThan, halts = [] } = consultation;
    const shift = await this.#shift;
    if (halts.length > 0) await shift.calls.untilLifted(halts, signal);
    signal.throwIfAborted();
    const { candidates, passedOver, fault } = route(this.#agents, { duty, input, tried, largerThan });
    const refused: Refusal[] = [];
    for (const [index, candidate] of candidates.entries()) {
      const found = await this.#permission(shift, duty, consultation, candidate);
      const past = [...passedOver, ...refused.map(({ agent, why }) => ({ agent, why }))];
      if (!('why' in found)) return advising(candidate, found, candidates.slice(index + 1), past);
      refused.push(found);
    }
    const all = [...passedOver, ...refused.map(({ agent, why }) => ({ agent, why }))];
    if (refused.length === 0) return { fault, passedOver: all };
    const message = refused.map(({ agent, why }) => `${agent}: ${why}`).join(', ');
    const standing = refused.flatMap(({ halt }) => halt ?? []);
    const isHalted = standing.length > 0;
    return {
      fault: { class: 'not-permitted', message, cost: NOTHING, ...(isHalted && { code: HALTED }) },
      passedOver: all,
      ...(isHalted && { halts: [...new Set(standing)] }),
    };
  }

  /** Whether somebody may be asked, and on which terms. */
  async #permission(
    { authority, calls, tenantOf }: Shift,
    duty: TaskDuty,
    { start, input }: Consultation,
    candidate: Candidate,
  ): Promise<Permitted | Refusal> {
    const { agent, maxCost } = candidate;
    const { name } = agent;
    const tenant = tenantOf(start.run);
    const halt = calls.haltOn(haltableBy(agent, duty, start.run, tenant));
    if (halt !== undefined) return { agent: name, why: halt.why, halt: halt.key };
    const about = aboutOf(duty, input);
    if (typeof about === 'string') return { agent: name, why: about };
    const { hash } = authority;
    const request = callOf(candidate, duty, start, tenant, about);
    const decision = await authority.permit(request, { meets: CALL_OBLIGATIONS });
    if (decision.effect !== 'permit') return { agent: name, why: whyDenied(decision) };
    const terms = termsFor(decision.obligations, { agent, maxCost, given: { input, values: start.values } });
    return typeof terms === 'string' ? { agent: name, why: terms } : { decision, decider: hash, terms };
  }

  // ---- the work ------------------------------------------------------------------------------------------------------

  async #ask(duty: TaskDuty, { input, signal }: { input: Asking; signal: AbortSignal }): Promise<Answer> {
    const shift = await this.#shift;
    const { agent: name, envelope, idempotencyKey, attempt: number, problems } = input;
    const agent = this.#agents.get(name);
    if (agent === undefined)
      return {
        fault: { class: 'no-agent', message: `${name} is no agent any more`, cost: NOTHING },
        durationMs: 0,
      };
    const { run } = envelope.context;
    const call = haltableBy(agent, duty, run, shift.tenantOf(run));
    const halt = shift.calls.haltOn(call);
    // It was halted after it was permitted, and nobody was asked.
    if (halt !== undefined) return { fault: { ...haltedBy(halt), cost: NOTHING }, durationMs: 0 };
    const { answer, halted } = await shift.calls.run(call, signal, (stopping) =>
      attempt(agent, {
        ...envelope,
        ...{ idempotencyKey, signal: stopping, attempt: number },
        ...(problems.length > 0 && { problems }),
        traceparent: currentEffect()?.traceparent,
        permit: (use) => permitTool(shift, duty, input, call, use),
      }),
    );
    // What it has cost nobody knows; what it has answered in the same moment, it has.
    if (halted === undefined || answer.fault === undefined) return answer;
    return { fault: haltedBy({ why: halted }), durationMs: answer.durationMs };
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

/** Faults that say something about the other side. */
const BLAME: ReadonlySet<FaultClass | undefined> = new Set<FaultClass | undefined>([
  ...(['rate-limit', 'server-error', 'unavailable', 'timeout', 'quota', 'not-parseable', 'crash'] as const),
]);

const faultClassIn = (error: unknown): FaultClass | undefined =>
  (error as { readonly answer?: Answer } | undefined)?.answer?.fault?.class;

/** Somebody who may be asked. */
interface Permitted {
  readonly decision: Decision;
  /** The hash of the decider. */
  readonly decider: string;
  readonly terms: MetTerms;
}

/** Somebody who may not; with the key of the halt, where that is why. */
interface Refusal extends PassedOver {
  readonly halt?: string;
}

const haltedBy = ({ why }: { readonly why: string }) =>
  ({ class: 'not-permitted', code: HALTED, message: why }) as const;

/** A call, as far as halts can be about it. Of an agent that is asked by its name: for everything that it can do. */
function haltableBy(
  { name, model, capabilities }: Agent,
  { capability, workflow }: TaskDuty,
  run: string,
  tenant: string | null | undefined,
): HaltableCall {
  return {
    ...{ agent: name, model, tenant, capabilities: capability === undefined ? capabilities : [capability] },
    workflows: [workflow, workflowOf(run)],
  };
}

/** What a task says of its work; or why it cannot be told. */
function aboutOf({ about }: TaskDuty, input: unknown): Readonly<Record<string, unknown>> | string {
  try {
    return about?.(input) ?? {};
  } catch (error) {
    return `what the decider is to be told of it throws a ${error instanceof Error ? error.name : typeof error}`;
  }
}

/** What the decider is asked before an agent is. */
function callOf(
  { agent, maxCost }: Candidate,
  { task, workflow, capability, labels }: TaskDuty,
  { run }: Consultation['start'],
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

/** Decides about a tool that an agent is about to use. Recorded by the task before anybody is told. */
async function permitTool(
  { authority, calls, get, tenantOf }: Shift,
  { task, workflow, labels }: TaskDuty,
  { agent, envelope, attempt: number }: Asking,
  call: HaltableCall,
  { tool, properties }: ToolUse,
): Promise<ToolPermission> {
  const { run } = envelope.context;
  const tenant = tenantOf(run);
  const resource = { type: 'tool', id: tool };
  const { hash } = authority;
  const halt = calls.haltOn({ ...call, tool });
  const { effect, determining, reasons } =
    halt === undefined
      ? await authority.permit({
          principal: {
            ...{ type: 'agent', id: agent },
            properties: { run, workflow, task, ...(isText(tenant) && { tenant }) },
          },
          action: { name: 'tool.call', properties: { ...properties, labels } },
          resource,
        })
      : ({ effect: 'deny', determining: [], reasons: [halt.why] } as const);
  const permission = { effect, determining, reasons, decider: hash };
  await taskOf(envelope.id, get).send({
    ...{ type: 'task.permission', action: 'tool.call', resource, permission, attempt: number },
  });
  // It may have been halted while that was written.
  const since = calls.haltOn({ ...call, tool });
  return since === undefined
    ? { effect, determining, reasons }
    : { effect: 'deny', determining, reasons: [since.why] };
}

/** The task that a process belongs to. The id of its envelope is its address, with the number of its life behind it. */
function taskOf(id: string, get: Workplace['get']): { send(event: TaskPermission): Promise<unknown> } {
  const process = currentEffect()?.address ?? '';
  const address = [id, id.replace(/~\d+$/, '')].find((one) => process.startsWith(`${one}/`));
  const found = address === undefined ? undefined : get(address);
  if (found === undefined) throw new Error(`there is no task ${id} to record what was permitted`);
  return found;
}

const isText = (value: unknown): value is string => typeof value === 'string';

const whyDenied = ({ reasons, determining }: Decision): string =>
  [...reasons, ...(determining.length > 0 ? [`denied by ${determining.join(', ')}`] : [])].join('; ') ||
  'nothing permits it';

function advising(
  { agent, capability }: Candidate,
  { decision, decider, terms: { maxCost, terms, met } }: Permitted,
  others: readonly Candidate[],
  passedOver: readonly PassedOver[],
): Advice {
  const { name, contract, permits, budget, window } = agent;
  const { effect, determining, reasons } = decision;
  const permission: Permission = {
    ...{ effect, determining, reasons, decider },
    ...(met.length > 0 && { met }),
  };
  const larger = others.filter((other) => (other.agent.window ?? 0) > (window ?? Infinity)).length;
  return {
    ...{ agent: name, contract: contract.hash, passedOver, permits, maxCost, window, larger, permission },
    ...(met.length > 0 && { terms }),
    because: capability === undefined ? 'it is named' : `it can ${capability}`,
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
