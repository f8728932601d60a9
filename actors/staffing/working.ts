/**
 * Working: agents are asked for what they were chosen for. Each is asked once for each attempt, in a place of its own, unless it is
 * halted; through its gates if it has any, and in parts where the task is cut. What comes of it is an answer, also when it is a
 * fault; it is kept, and billed, whenever it comes.
 */
import { fromPromise } from 'xstate';
import type { AnyActorLogic } from 'xstate';
import type { Assignment, TaskEnvelope, ToolUse } from '../../machines/contract.ts';
import type { Fault, FaultClass } from '../../machines/faults/fault.ts';
import { guarded } from '../../machines/permits/guarded.ts';
import { partsMachine } from '../../machines/task/parts.ts';
import { costOf } from '../../machines/task/paying.ts';
import { HALTED } from '../../machines/task/words.ts';
import type { Answer, Asking, Failed, Joining, Split, Unheard } from '../../machines/task/words.ts';
import { NOTHING } from '../../machines/values/money.ts';
import type { Micros } from '../../machines/values/money.ts';
import { currentEffect, HeddleError } from '../../runtime/index.ts';
import type { Agent } from '../agents/agent.ts';
import { attempt } from '../agents/attempt.ts';
import type { AttemptOptions, AttemptOutcome } from '../agents/attempt.ts';
import { answerOfPerson, personTermsOf } from '../agents/human.ts';
import type { Places } from '../agents/places.ts';
import { Bills } from '../budgets/bills.ts';
import type { Hearing } from '../budgets/bills.ts';
import { tellLate } from '../budgets/late-bills.ts';
import { permitTool } from '../halts/tools.ts';
import { reservedCall } from '../reserved-answers.ts';
import { haltableBy } from '../routing/permission.ts';
import type { Checked } from '../schema/checked.ts';
import { keepLate } from '../state/late-replies.ts';
import { keptOf } from '../state/manifest.ts';
import type { Outcome } from '../state/manifest.ts';
import type { Chunking } from '../windows/chunking.ts';
import { inputOfPart, joinedBy, splitFor } from '../windows/parts.ts';
import type { TaskDuty } from '../workflow/office.ts';
import { comparisonAbove, hasHeard, taskOf } from './asker.ts';
import { askingHere } from './here.ts';
import type { Shift, Workplace } from './workplace.ts';

/** What of a task whoever asks an agent must know. In the shadow of another there is none. */
type Kept = Pick<TaskDuty, 'outputSchema'> & Partial<Pick<TaskDuty, 'capability' | 'labels' | 'task'>>;

interface Scope {
  readonly input: Asking;
  readonly signal: AbortSignal;
}

export class Working {
  readonly #agents: ReadonlyMap<string, Agent>;
  readonly #places: Places;
  readonly #shift: Promise<Shift>;
  readonly #now: () => number;
  readonly #bills = new Bills();

  /** @param shift settled once the system is open */
  constructor(agents: ReadonlyMap<string, Agent>, places: Places, shift: Promise<Shift>, now: () => number) {
    this.#agents = agents;
    this.#places = places;
    this.#shift = shift;
    this.#now = now;
  }

  /** Takes an {@link Asking}, gives an {@link Answer}. */
  logicFor(duty: Kept, chunking?: Chunking): AnyActorLogic {
    const asking = this.#hasGates
      ? this.#askThroughGates(duty)
      : fromPromise((scope: Scope) => this.#ask(duty, scope));
    return chunking === undefined ? asking : this.#askInParts(duty, chunking, asking);
  }

  async #ask(duty: Kept, { input: asked, signal }: Scope): Promise<Answer> {
    const isShadow = duty.task === undefined;
    // What is asked in the shadow of a task keeps the name of that task.
    const input = isShadow ? asked : askingHere(asked, this.#now());
    const asker = isShadow ? comparisonAbove(currentEffect()?.address ?? '') : taskOf(input);
    const hearing = async (): Promise<boolean | undefined> =>
      isHeard((await this.#shift).workplace, asker, input);
    const answer = await this.#answer(duty, { input, signal }, hearing);
    void this.#billOvertaken(input, answer, hearing);
    return answer;
  }

  /** Tells what an answer has cost that nobody heard of, because it was not wanted any more when that was on its way. */
  async #billOvertaken(input: Asking, answer: Answer, hearing: Hearing): Promise<void> {
    const cost = costOf(answer);
    const { bill, part } = input;
    // Of parts there is one bill.
    if (bill === undefined || part !== undefined || cost === undefined) return;
    const { workplace } = await this.#shift;
    if ((await hearing()) === false) await tellLate(workplace, bill, cost, answer.billing);
  }

  async #answer(duty: Kept, { input, signal }: Scope, hearing: Hearing): Promise<Answer> {
    const { agent: name, envelope, supplied } = input;
    const agent = this.#agents.get(name);
    if (supplied !== undefined) {
      const answer = answerOfPerson(input, agent && keepingTo(duty, agent).contract, supplied);
      return this.#kept(answer, envelope);
    }
    if (agent === undefined) return unasked(gone(name));
    if (personTermsOf(agent) !== undefined) {
      const message = `${name} is a person by now, who is asked by a review`;
      return unasked({ class: 'cancelled', message }, 'replaced');
    }
    // A call that the end of a process has broken off is made again, and another model is another call: who permits that?
    const { model = agent.model } = input.known ?? {};
    if (agent.model !== model) {
      const message = `${name} is asked with ${agent.model} by now, and was chosen with ${model}`;
      return unasked({ class: 'cancelled', message }, 'replaced');
    }
    return this.#call(duty, agent, { input, signal }, hearing);
  }

  async #call(duty: Kept, agent: Agent, { input, signal }: Scope, hasHeard: Hearing): Promise<Answer> {
    const shift = await this.#shift;
    const { workplace, calls } = shift;
    const { envelope, idempotencyKey, attempt: number, problems, part, bill } = input;
    const { run, workflow } = envelope.context;
    const belonging = workplace.belongingOf(run);
    const call = haltableBy(agent, { capability: duty.capability, workflow }, belonging);
    const halt = calls.haltOn(call);
    const tab = this.#bills.begin(workplace, bill, { part: part?.number, hasHeard });
    // It was halted after it was permitted.
    if (halt !== undefined) {
      const halted = unasked(haltedBy(halt.why), 'halted');
      tab.end(halted);
      return halted;
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
    const { answer, halted } = await calls.run(call, signal, (stopping) =>
      this.#places.with(agent, stopping, async () => {
        const onLate = (late: AttemptOutcome): void => {
          tab.late(late);
          // What a shadow answers is no answer to the task.
          if (duty.task !== undefined) void keepLate(workplace, input, late);
        };
        const given = { ...assignment, signal: stopping };
        const outcome = await attemptOnce(asked, given, { onLate }, input.known);
        const isStopped = stopping.aborted;
        try {
          return await this.#kept(outcome, assignment);
        } finally {
          tab.end(outcome, { isStopped });
        }
      }),
    );
    // What it has cost nobody knows; what it has answered in the same moment, it has.
    if (halted === undefined || answer.fault === undefined) return answer;
    const { cost } = answer.fault;
    const fault = { ...haltedBy(halted), ...(cost !== undefined && { cost }) };
    return { fault, unheard: 'halted', durationMs: answer.durationMs };
  }

  /** With everything that was found and made for it kept. */
  async #kept(outcome: Outcome, work: Pick<TaskEnvelope, 'input' | 'context'>): Promise<Answer> {
    const { workplace } = await this.#shift;
    return keptOf(outcome, work, workplace.content);
  }

  #askInParts(duty: Kept, chunking: Chunking, ask: AnyActorLogic): AnyActorLogic {
    return partsMachine({
      pointer: chunking.pointer,
      concurrency: chunking.concurrency ?? 1,
      ask,
      split: fromPromise<Split, Asking>(({ input: { agent: name, envelope } }) => {
        const agent = this.#agents.get(name);
        return Promise.resolve(
          agent === undefined ? { fault: gone(name, NOTHING) } : splitFor(agent, chunking, envelope.input),
        );
      }),
      join: fromPromise<Answer, Joining>(({ input }) => {
        const agent = this.#agents.get(input.agent);
        if (agent === undefined)
          return Promise.resolve({ fault: gone(input.agent, input.spent), durationMs: 0 });
        return this.#kept(joinedBy(keepingTo(duty, agent), chunking, input), input.envelope);
      }),
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
    return reservedCall(
      guarded(asking, {
        permits: (input) => input.permits,
        judge: (error) => (BLAME.has(faultClassIn(error)) ? 'failure' : 'ignored'),
      }),
    );
  }
}

/** Whether whoever has asked has heard what that has cost, as far as anybody can tell. */
async function isHeard(workplace: Workplace, asker: string, input: Asking): Promise<boolean | undefined> {
  try {
    return await hasHeard(workplace, asker, input);
  } catch (error) {
    // The system closes: it stays held, as it would if that had ended a moment before.
    if (error instanceof HeddleError) return true;
    throw error;
  }
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

const haltedBy = (why: string) => ({ class: 'not-permitted', code: HALTED, message: why }) as const;

/**
 * An attempt; where its agent was not asked after all, it has cost what that costs.
 * @param known what was known of the agent when it was chosen
 */
async function attemptOnce(
  agent: Agent,
  assignment: Assignment,
  options: AttemptOptions,
  known: Asking['known'],
): Promise<AttemptOutcome> {
  let isAsked = false;
  const execute: Agent['execute'] = (given) => {
    isAsked = true;
    return agent.execute(given);
  };
  const outcome = await attempt({ ...agent, execute }, assignment, options);
  if (isAsked || outcome.fault === undefined) return outcome;
  // What the same agent does not take now it did not take before.
  const isSame = agent.contract.hash === known?.contract && agent.window === known.window;
  const isNever = isSame && !assignment.signal.aborted;
  return { ...outcome, fault: isNever ? { ...outcome.fault, cost: NOTHING } : unpaid(outcome.fault) };
}

/** Nobody has that name any more. @param cost what is known of it */
const gone = (name: string, cost?: Micros): Fault => ({
  ...{ class: 'no-agent', message: `${name} is no agent any more` },
  ...(cost !== undefined && { cost }),
});

function unasked(fault: Fault, unheard?: Unheard): Failed {
  return { fault: unpaid(fault), durationMs: 0, ...(unheard !== undefined && { unheard }) };
}

/** Nobody is asked, and so it costs nothing. But somebody may have been before the process died: then nobody knows what it has cost. */
function unpaid(fault: Fault): Fault {
  const { cost: _, ...rest } = fault;
  return currentEffect()?.mayRepeat === true ? rest : { ...rest, cost: NOTHING };
}
