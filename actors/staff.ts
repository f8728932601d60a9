/**
 * The staff of a system: its agents, and what its workflows' offices do with them. Every answer that it gives is an event of the task
 * that has asked, so it is recorded before anything follows from it.
 *
 * It keeps nothing. Agents are asked once and never again by it; who may be asked is the decider's to say.
 */
import { fromPromise } from 'xstate';
import type { AnyActorLogic } from 'xstate';
import { account } from '../machines/budget/account.ts';
import type { ToolUse } from '../machines/contract.ts';
import type { Fault, FaultClass } from '../machines/faults/fault.ts';
import { guarded } from '../machines/permits/guarded.ts';
import { shadow } from '../machines/routing/shadow.ts';
import { partsMachine } from '../machines/task/parts.ts';
import type { TaskActors } from '../machines/task/task.ts';
import { HALTED } from '../machines/task/words.ts';
import type {
  Advice,
  Advised,
  Answer,
  Asking,
  Consultation,
  Joining,
  Split,
  ShadowCall,
  TaskPermission,
  Verification,
  Verified,
} from '../machines/task/words.ts';
import { NOTHING } from '../machines/values/money.ts';
import { currentEffect, durable } from '../runtime/index.ts';
import type { Authority } from '../runtime/index.ts';
import type { Agent } from './agents/agent.ts';
import { attempt } from './agents/attempt.ts';
import { answerOfPerson, personTermsOf } from './agents/human.ts';
import { Places } from './agents/places.ts';
import { Bills } from './budgets/bills.ts';
import type { Payee } from './budgets/late-bills.ts';
import { CALL_OBLIGATIONS, termsFor } from './halts/obligations.ts';
import { RunningCalls } from './halts/running.ts';
import type { OrderBook } from './halts/running.ts';
import { permitTool } from './halts/tools.ts';
import { reservedReview } from './reviews/reserved.ts';
import { advising } from './routing/advising.ts';
import type { Candidate, RouteRequest } from './routing/candidate.ts';
import { aboutOf, callOf, haltableBy, passedOverBy, whyDenied } from './routing/permission.ts';
import type { Permitted, Refusal } from './routing/permission.ts';
import { Records } from './routing/records.ts';
import type { Registry } from './routing/records.ts';
import { concerned, route } from './routing/route.ts';
import type { Sights } from './routing/route.ts';
import { router } from './routing/rules.ts';
import type { Router } from './routing/rules.ts';
import { shadowsOf } from './routing/shadowing.ts';
import { sightOf } from './routing/sight.ts';
import type { Checked } from './schema/checked.ts';
import type { Content } from './state/content.ts';
import { keptOf } from './state/manifest.ts';
import { dividedFor, verify } from './verifiers/verifier.ts';
import type { Chunking } from './windows/chunking.ts';
import { inputOfPart, joinedBy, splitFor } from './windows/parts.ts';
import type { Office, TaskDuty } from './workflow/office.ts';

/** What it needs of the system that it works in. */
export interface Workplace extends Registry {
  readonly authority: Authority;
  readonly orders: OrderBook;
  /** Whoever lives at an address: the task that something is said to, the account that is told of a bill. */
  get(address: string): Found | undefined;
  /** Whose a run is; null where that cannot be told. */
  tenantOf(run: string): string | null | undefined;
  /** Where it keeps what agents have found and made. Without it only the hashes are recorded. */
  readonly content?: Content;
}

interface Found extends Payee {
  getSnapshot(): unknown;
  send(event: TaskPermission | Parameters<Payee['send']>[0]): Promise<unknown>;
}

/** A workplace that is open, and what happens in it. */
interface Shift extends Workplace {
  readonly calls: RunningCalls;
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
  readonly review: AnyActorLogic = reservedReview;
  readonly account: AnyActorLogic = account();
  /** Asks agents in the shadow of others. */
  readonly shadow: AnyActorLogic;
  readonly #agents: ReadonlyMap<string, Agent>;
  readonly #sources: NonNullable<StaffOptions['sources']>;
  readonly #router: Router | undefined;
  readonly #now: () => number;
  readonly #places = new Places();
  readonly #records = new Records();
  readonly #bills = new Bills();
  /** Work that is owed goes on while the system is still being opened: it waits here. */
  readonly #shift: Promise<Shift>;
  #open!: (shift: Shift) => void;

  constructor(
    agents: ReadonlyMap<string, Agent>,
    { router: rules, now = Date.now, sources = () => undefined }: StaffOptions = {},
  ) {
    this.#agents = agents;
    this.#router = rules;
    this.#now = now;
    this.#sources = sources;
    this.#shift = new Promise((resolve) => (this.#open = resolve));
    this.shadow = shadow(this.#asking({ outputSchema: undefined }));
  }

  /** The system is open. */
  beginIn(workplace: Workplace): void {
    const { authority, orders, content } = workplace;
    this.#open({
      ...{ authority, orders, calls: new RunningCalls(orders) },
      ...(content !== undefined && { content }),
      get: (address) => workplace.get(address),
      actor: (name, id) => workplace.actor(name, id),
      tenantOf: (run) => workplace.tenantOf(run),
    });
  }

  taskActors(duty: TaskDuty): TaskActors {
    const { review: decides } = this;
    return {
      consult: durable(
        fromPromise<Advice, Consultation>(({ input, signal }) => this.#consult(duty, input, signal)),
        { asksOnly: true },
      ),
      ask: duty.chunk === undefined ? this.#asking(duty) : this.#askingInParts(duty, duty.chunk),
      verify: fromPromise(async ({ input }: { input: Verification }) =>
        verified(duty, input, this.#textsIn((await this.#shift).content)),
      ),
      review: decides,
    };
  }

  // ---- who -----------------------------------------------------------------------------------------------------------

  async #consult(duty: TaskDuty, consultation: Consultation, signal: AbortSignal): Promise<Advice> {
    const shift = await this.#shift;
    const { start, halts = [], ...asked } = consultation;
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
      const besides = seat === undefined ? {} : { vote: true };
      const given = await this.#permission(shift, duty, consultation, candidate, CALL_OBLIGATIONS, besides);
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
    workplace: Shift,
    candidate: Candidate,
    advice: Advised,
    request: RouteRequest,
    start: Consultation['start'],
    rules: Router,
  ): Promise<Advised> {
    const record = await this.#records.one(workplace, 'quality', advice.agent);
    const { shadows, passedOver } = shadowsOf(this.#agents, candidate, request, rules);
    const left = [...passedOver];
    const calls: ShadowCall[] = [];
    for (const { agent, rule, maxCost } of shadows) {
      const { name, permits } = agent;
      // Nobody meets obligations for it.
      const permission = await this.#permission(
        workplace,
        request.duty,
        { ...request, start },
        { agent, maxCost },
        [],
        {
          shadow: true,
        },
      );
      const address = 'why' in permission ? undefined : await this.#records.one(workplace, 'shadow', name);
      const { account: payer, compare } = rule;
      if (address !== undefined)
        calls.push({ agent: name, address, permits, account: payer, maxCost, compare });
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

  /** Texts by their hashes: those that the program knows, then those that were kept. */
  #textsIn(content: Content | undefined): (hash: string) => string | undefined {
    return (hash) => this.#sources(hash) ?? textOf(content?.get(hash));
  }

  /** Whether somebody may be asked, and on which terms. */
  async #permission(
    { authority, calls, tenantOf }: Shift,
    duty: TaskDuty,
    { start, input }: Consultation,
    candidate: Pick<Candidate, 'agent' | 'maxCost'> & Partial<Pick<Candidate, 'estimate'>>,
    meets: readonly string[] = CALL_OBLIGATIONS,
    besides: Readonly<Record<string, unknown>> = {},
  ): Promise<Permitted | Refusal> {
    const { agent, maxCost, estimate } = candidate;
    const { name } = agent;
    const tenant = tenantOf(start.run);
    const halt = calls.haltOn(haltableBy(agent, duty, start.run, tenant));
    if (halt !== undefined) return { agent: name, why: halt.why, halt: halt.key };
    const about = aboutOf(duty, input);
    if (typeof about === 'string') return { agent: name, why: about };
    const { hash } = authority;
    const request = callOf(candidate, duty, start, tenant, { ...about, ...besides });
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

  // ---- the work ------------------------------------------------------------------------------------------------------

  async #ask(duty: Kept, { input, signal }: Scope): Promise<Answer> {
    const shift = await this.#shift;
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
    const { run, workflow } = envelope.context;
    const call = haltableBy(agent, { capability: duty.capability, workflow }, run, shift.tenantOf(run));
    const halt = shift.calls.haltOn(call);
    const tab = this.#bills.begin(shift, bill, part?.number);
    // It was halted after it was permitted, and nobody was asked.
    if (halt !== undefined) {
      const unasked: Answer = { fault: { ...haltedBy(halt), cost: NOTHING }, durationMs: 0 };
      tab.end(unasked, false);
      return unasked;
    }
    const assignment = {
      ...envelope,
      ...(part !== undefined && { input: inputOfPart(envelope.input, part) }),
      ...{ idempotencyKey, attempt: number },
      ...(problems.length > 0 && { problems }),
      traceparent: currentEffect()?.traceparent,
      permit: (use: ToolUse) => permitTool(shift, duty.labels, input, call, use),
    };
    // What the task asks of the whole, a part alone need not keep.
    const asked = part === undefined ? keepingTo(duty, agent) : agent;
    const { answer, halted } = await shift.calls.run(call, signal, (stopping) =>
      this.#places.with(agent, stopping, async () => {
        const onLate = (late: Answer): void => tab.late(late);
        const outcome = await attempt(asked, { ...assignment, signal: stopping }, { onLate });
        tab.end(outcome, stopping.aborted);
        return keptOf(outcome, envelope, shift.content);
      }),
    );
    // What it has cost nobody knows; what it has answered in the same moment, it has.
    if (halted === undefined || answer.fault === undefined) return answer;
    const { cost } = answer.fault;
    const fault = { ...haltedBy({ why: halted }), ...(cost !== undefined && { cost }) };
    return { fault, durationMs: answer.durationMs };
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
      concurrency: chunking.concurrency ?? 1,
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

/** What of a task whoever asks an agent must know. In the shadow of another there is none. */
type Kept = Pick<TaskDuty, 'outputSchema'> & Partial<Pick<TaskDuty, 'capability' | 'labels'>>;

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

const haltedBy = ({ why }: { readonly why: string }) =>
  ({ class: 'not-permitted', code: HALTED, message: why }) as const;

/** Where nobody has said any. */
const ANY_RULES = router();
const NO_RECORDS: ReadonlyMap<string, string> = new Map();

function verified(
  { verify: verifiers }: TaskDuty,
  { start, input, output, others }: Verification,
  sources: NonNullable<StaffOptions['sources']>,
): Verified {
  const task = `${start.run}/${start.task}`;
  const values = {
    task,
    input: input as Readonly<Record<string, unknown>>,
    output,
    sources,
    ...(others !== undefined && { others }),
  };
  const [alone, compared] = dividedFor(task, verifiers);
  const verification = verify(others === undefined ? alone : compared, values);
  const found = Object.fromEntries(
    verification.findings.map(({ verifier, assessment }) => [verifier, assessment]),
  );
  if (!verification.ok) return { found, fault: verification.fault };
  // Nobody is paid to confirm what can be shown to be wrong for nothing.
  return others === undefined && compared.length > 0 ? { found, needsOthers: true } : { found };
}

/** Texts can be searched for what was quoted. */
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
