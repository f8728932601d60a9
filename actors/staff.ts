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
import type { Micros } from '../machines/money.ts';
import { review } from '../machines/review.ts';
import { shadow } from '../machines/shadow.ts';
import { partsMachine } from '../machines/task/parts.ts';
import type { TaskActors } from '../machines/task/task.ts';
import type {
  Advice,
  Advised,
  Answer,
  Asking,
  Consultation,
  Joining,
  PassedOver,
  Split,
  ShadowCall,
  Verification,
  Verified,
} from '../machines/task/words.ts';
import { currentEffect } from '../runtime/index.ts';
import type { AccessRequest, Authority, Decision } from '../runtime/index.ts';
import type { Agent } from './agent.ts';
import { attempt } from './attempt.ts';
import type { Content } from './content.ts';
import { keptOf } from './manifest.ts';
import type { Chunking } from './chunking.ts';
import { answerOfPerson, personTermsOf } from './human.ts';
import { tellLate } from './late-bills.ts';
import type { Payee } from './late-bills.ts';
import { inputOfPart, joinedBy, splitFor } from './parts.ts';
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
  /** Whoever lives at an address. */
  get(address: string): (Payee & { getSnapshot(): unknown }) | undefined;
  /** Where it keeps what agents have found and made. Without it only the hashes are recorded. */
  readonly content?: Content;
}

export interface StaffOptions {
  /** The rules by which agents are chosen. With them it is recorded what comes of their attempts. Default: the cheapest. */
  readonly router?: Router | undefined;
  /** ms since the epoch. Default: the clock of the machine. */
  readonly now?: (() => number) | undefined;
  /** The stored text of a source, by its hash: what verifiers look quotes up in. Default: nothing is stored. */
  readonly sources?: ((hash: string) => string | undefined) | undefined;
}

export class Staff implements Office {
  readonly review: AnyActorLogic = review;
  readonly account: AnyActorLogic = account();
  /** Asks agents in the shadow of others. */
  readonly shadow: AnyActorLogic;
  readonly #agents: ReadonlyMap<string, Agent>;
  readonly #sources: NonNullable<StaffOptions['sources']>;
  readonly #router: Router | undefined;
  readonly #now: () => number;
  readonly #places = new Places();
  readonly #records = new Records();
  /** Work that is owed goes on while the system is still being opened: it waits here. */
  readonly #workplace: Promise<Workplace>;
  #open!: (workplace: Workplace) => void;

  constructor(
    agents: ReadonlyMap<string, Agent>,
    { router: rules, now = Date.now, sources = () => undefined }: StaffOptions = {},
  ) {
    this.#agents = agents;
    this.#router = rules;
    this.#now = now;
    this.#sources = sources;
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
      ask: duty.chunk === undefined ? this.#asking(duty) : this.#askingInParts(duty, duty.chunk),
      verify: fromPromise(async ({ input }: { input: Verification }) =>
        verified(duty, input, this.#textsIn((await this.#workplace).content)),
      ),
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

  /** Texts by their hashes: those that the program knows, then those that were kept. */
  #textsIn(content: Content | undefined): (hash: string) => string | undefined {
    return (hash) => this.#sources(hash) ?? textOf(content?.get(hash));
  }

  // ---- the work ------------------------------------------------------------------------------------------------------

  async #ask(duty: Kept, { input, signal }: Scope): Promise<Answer> {
    const workplace = await this.#workplace;
    const { agent: name, envelope, idempotencyKey, attempt: number, problems, supplied, part, bill } = input;
    const agent = this.#agents.get(name);
    if (agent === undefined)
      return {
        fault: { class: 'no-agent', message: `${name} is no agent any more`, cost: NOTHING },
        durationMs: 0,
      };
    if (supplied !== undefined) {
      const terms = personTermsOf(agent);
      return answerOfPerson(keepingTo(duty, agent), terms, envelope.id, supplied);
    }
    const onLate = (late: Answer): void => {
      const cost = late.fault === undefined ? late.cost : late.fault.cost;
      if (bill !== undefined && cost !== undefined) void tellLate(workplace, bill, cost, late.billing);
    };
    const { traceparent } = currentEffect() ?? {};
    const assignment = {
      ...envelope,
      ...(part !== undefined && { input: inputOfPart(envelope.input, part) }),
      ...{ idempotencyKey, signal, attempt: number },
      ...(problems.length > 0 && { problems }),
      traceparent,
    };
    // What the task asks of the whole, a part alone need not keep.
    const asked = part === undefined ? keepingTo(duty, agent) : agent;
    const outcome = await this.#places.with(agent, signal, () => attempt(asked, assignment, { onLate }));
    return keptOf(outcome, envelope, workplace.content);
  }

  /** Asks an agent, through its gates if any has some. */
  #asking(duty: Kept): AnyActorLogic {
    return this.#hasGates
      ? this.#askThroughGates(duty)
      : fromPromise((scope: Scope) => this.#ask(duty, scope));
  }

  #askingInParts(duty: Kept, chunking: Chunking): AnyActorLogic {
    const known = (name: string): Agent => {
      const agent = this.#agents.get(name);
      if (agent === undefined) throw new Error(`${name} is no agent any more`);
      return agent;
    };
    return partsMachine({
      pointer: chunking.pointer,
      ask: this.#asking(duty),
      split: fromPromise<Split, Asking>(({ input: { agent, envelope } }) =>
        Promise.resolve(splitFor(known(agent), chunking, envelope.input)),
      ),
      join: fromPromise<Answer, Joining>(({ input }) =>
        Promise.resolve(joinedBy(keepingTo(duty, known(input.agent)), chunking, input)),
      ),
    });
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
  const { name, contract, permits, budget, window, calibration } = agent;
  const person = personTermsOf(agent);
  const larger = others.filter((other) => (other.agent.window ?? 0) > (window ?? Infinity)).length;
  return {
    ...{ agent: name, contract: contract.hash, permits, maxCost, window, larger, capability },
    because: capability === NAMED ? 'it is named' : `it can ${capability}`,
    passedOver: [...passedOver, ...denied],
    permission: { effect, determining, reasons },
    accounts: budget === undefined ? [] : [budget],
    calibration,
    others: others.length,
    route: note,
    ...(estimate !== undefined && { estimate }),
    ...(others.length > 0 && { cheapest: Math.min(...others.map((other) => other.maxCost)) as Micros }),
    ...(person !== undefined && { person }),
  };
}

/** Where nobody has said any. */
const ANY_RULES = router();
const NO_RECORDS: ReadonlyMap<string, string> = new Map();

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

/** Texts can be searched for what was quoted. */
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
