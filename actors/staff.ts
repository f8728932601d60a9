/**
 * The staff of a system: its agents, and what its workflows' offices do with them. Every answer that it gives is an event of the task
 * that has asked, so it is recorded before anything follows from it.
 *
 * It keeps nothing. Agents are asked once and never again by it; who may be asked is the decider's to say.
 */
import { fromPromise } from 'xstate';
import type { AnyActorLogic } from 'xstate';
import { account } from '../machines/budget.ts';
import type { FaultClass } from '../machines/fault.ts';
import { guarded } from '../machines/guarded.ts';
import { NOTHING } from '../machines/money.ts';
import type { Micros } from '../machines/money.ts';
import { review } from '../machines/review.ts';
import { partsMachine } from '../machines/task/parts.ts';
import type { TaskActors } from '../machines/task/task.ts';
import type {
  Advice,
  Answer,
  Asking,
  Consultation,
  Joining,
  PassedOver,
  Split,
  Verification,
  Verified,
} from '../machines/task/words.ts';
import { currentEffect } from '../runtime/index.ts';
import type { AccessRequest, Authority, Decision } from '../runtime/index.ts';
import type { Agent } from './agent.ts';
import { attempt } from './attempt.ts';
import type { Chunking } from './chunking.ts';
import { answerOfPerson, personTermsOf } from './human.ts';
import { tellLate } from './late-bills.ts';
import type { Bank } from './late-bills.ts';
import { inputOfPart, joinedBy, splitFor } from './parts.ts';
import { route } from './router.ts';
import type { Candidate } from './router.ts';
import { verify } from './verifiers/verifier.ts';
import type { Office, TaskDuty } from './workflow/office.ts';

/** What it needs of the system that it works in. */
export interface Workplace {
  readonly authority: Authority;
  /** Who lives at an address. Without it late bills are told to nobody. */
  readonly get?: Bank['get'];
}

export interface StaffOptions {
  /** The stored text of a source, by its hash: what verifiers look quotes up in. Default: nothing is stored. */
  readonly sources?: ((hash: string) => string | undefined) | undefined;
}

export class Staff implements Office {
  readonly review: AnyActorLogic = review;
  readonly account: AnyActorLogic = account();
  readonly #agents: ReadonlyMap<string, Agent>;
  readonly #sources: NonNullable<StaffOptions['sources']>;
  /** Work that is owed goes on while the system is still being opened: it waits here. */
  readonly #workplace: Promise<Workplace>;
  #open!: (workplace: Workplace) => void;

  constructor(agents: ReadonlyMap<string, Agent>, { sources = () => undefined }: StaffOptions = {}) {
    this.#agents = agents;
    this.#sources = sources;
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
      ask: duty.chunk === undefined ? this.#asking : this.#askingInParts(duty.chunk),
      verify: fromPromise(({ input }: { input: Verification }) =>
        Promise.resolve(verified(duty, input, this.#sources)),
      ),
      review: decides,
    };
  }

  // ---- who -----------------------------------------------------------------------------------------------------------

  async #consult(duty: TaskDuty, { start, input, tried, largerThan }: Consultation): Promise<Advice> {
    const { authority } = await this.#workplace;
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

  readonly #ask = async ({ input, signal }: { input: Asking; signal: AbortSignal }): Promise<Answer> => {
    const workplace = await this.#workplace;
    const { agent: name, envelope, idempotencyKey, attempt: number, problems, supplied, part, bill } = input;
    const agent = this.#agents.get(name);
    if (agent === undefined)
      return {
        fault: { class: 'no-agent', message: `${name} is no agent any more`, cost: NOTHING },
        durationMs: 0,
      };
    if (supplied !== undefined) return answerOfPerson(agent, envelope.id, supplied);
    const onLate = (late: Answer): void => {
      const cost = late.fault === undefined ? late.cost : late.fault.cost;
      if (bill === undefined || cost === undefined || workplace.get === undefined) return;
      void tellLate(workplace as Bank, bill, cost, late.billing);
    };
    const assignment = {
      ...envelope,
      ...(part !== undefined && { input: inputOfPart(envelope.input, part) }),
      ...{ idempotencyKey, signal, attempt: number },
      ...(problems.length > 0 && { problems }),
      traceparent: currentEffect()?.traceparent,
    };
    return attempt(agent, assignment, { onLate });
  };

  /** Asks an agent, through its gates if any has some. */
  get #asking(): AnyActorLogic {
    return this.#hasGates ? this.#askThroughGates() : fromPromise(this.#ask);
  }

  #askingInParts(chunking: Chunking): AnyActorLogic {
    const known = (name: string): Agent => {
      const agent = this.#agents.get(name);
      if (agent === undefined) throw new Error(`${name} is no agent any more`);
      return agent;
    };
    return partsMachine({
      pointer: chunking.pointer,
      ask: this.#asking,
      split: fromPromise<Split, Asking>(({ input: { agent, envelope } }) =>
        Promise.resolve(splitFor(known(agent), chunking, envelope.input)),
      ),
      join: fromPromise<Answer, Joining>(({ input }) =>
        Promise.resolve(joinedBy(known(input.agent), chunking, input)),
      ),
    });
  }

  get #hasGates(): boolean {
    return [...this.#agents.values()].some(({ permits }) => permits.length > 0);
  }

  /** Gates hear of a failure by an error; it has the answer with it. */
  #askThroughGates(): AnyActorLogic {
    const asking = fromPromise<Answer, Asking>(async (scope) => {
      const answer = await this.#ask(scope);
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
  const { name, contract, permits, budget, window, calibration } = agent;
  const person = personTermsOf(agent);
  const larger = others.filter((other) => (other.agent.window ?? 0) > (window ?? Infinity)).length;
  return {
    ...{ agent: name, contract: contract.hash, passedOver, permits, maxCost, window, larger },
    because: capability === undefined ? 'it is named' : `it can ${capability}`,
    permission: { effect, determining, reasons },
    accounts: budget === undefined ? [] : [budget],
    calibration,
    others: others.length,
    ...(others.length > 0 && { cheapest: Math.min(...others.map((other) => other.maxCost)) as Micros }),
    ...(person !== undefined && { person }),
  };
}

function verified(
  { verify: verifiers, task }: TaskDuty,
  { input, output }: Verification,
  sources: NonNullable<StaffOptions['sources']>,
): Verified {
  const values = {
    task,
    input: input as Readonly<Record<string, unknown>>,
    output,
    sources,
  };
  const verification = verify(verifiers, values);
  const found = Object.fromEntries(
    verification.findings.map(({ verifier, assessment }) => [verifier, assessment]),
  );
  return verification.ok ? { found } : { found, fault: verification.fault };
}
