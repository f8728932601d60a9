/**
 * Memory: the last good answer to each question of a task whose strategy may take that when nobody can answer (`stale`). Each question
 * has an actor (`answers/<hash>`), so they are durable, backed up and told again like all others; what was answered is content.
 *
 * The same question is: the same task of the same workflow for the same tenant, with the same input and values, asked of the same
 * agents for an output of the same schema, verified in the same way. So nobody is given what somebody else was answered.
 */
import { keptAnswer } from '../../machines/task/kept-answer.ts';
import type { AnswerKept, KeptAnswer, KeptContext } from '../../machines/task/kept-answer.ts';
import { answerIn } from '../../machines/task/recalling.ts';
import type { Question, Recall, Recalled, Remembrance } from '../../machines/task/words.ts';
import { isTold } from '../../machines/workflow/events.ts';
import { durable, HeddleError } from '../../runtime/index.ts';
import type { Agent } from '../agents/agent.ts';
import { haltableBy } from '../routing/permission.ts';
import { hashOf } from '../schema/digest.ts';
import type { Belonging } from '../state/belonging.ts';
import { outputKept } from '../state/manifest.ts';
import { isTask } from '../state/stood.ts';
import type { Stood } from '../state/stood.ts';
import type { TaskDuty } from '../workflow/office.ts';
import type { Shift, Workplace } from './workplace.ts';

/** The name of their actors. */
export const ANSWERS = 'answers';
const INSTEAD = 'runs, whose tasks say it';
export const answersLogic = durable(keptAnswer, { reserves: { 'answer.': INSTEAD }, reservesBirth: INSTEAD });

/** What it needs of a system. */
export interface AnswersHost {
  /** Starts the actor of a question, or gives the one that is there. */
  keptAnswer?(id: string, answer: KeptAnswer): Promise<AnswerRef>;
}

interface AnswerRef {
  getSnapshot(): { readonly context: KeptContext };
  send(event: AnswerKept): Promise<unknown>;
}

export interface MemoryOptions {
  readonly agents: ReadonlyMap<string, Agent>;
  /** ms since the epoch. */
  readonly now: () => number;
}

export class Memory {
  readonly #agents: ReadonlyMap<string, Agent>;
  readonly #now: () => number;

  constructor({ agents, now }: MemoryOptions) {
    this.#agents = agents;
    this.#now = now;
  }

  /** Keeps an answer, unless a newer one is kept. @returns why it is not kept, where nobody may be given it */
  async remember(
    { workplace }: Shift,
    duty: TaskDuty,
    { output, answer, ...question }: Remembrance,
  ): Promise<{ readonly why?: string }> {
    const { run, task } = question.start;
    const id = idOf(duty, question, workplace.belongingOf(run));
    if (id === undefined) return { why: UNKNOWN_TENANT };
    const content = await outputKept({ run, task, output }, workplace.content);
    if (content.unkept !== undefined) return { why: content.unkept };
    const kept: KeptAnswer = { task: `${run}/${task}`, output: content.output!, ...answer };
    const ref = await workplace.keptAnswer?.(id, kept);
    if (ref !== undefined && ref.getSnapshot().context.answer.at < kept.at)
      await ref.send({ type: 'answer.kept', answer: kept });
    return {};
  }

  /** The answer that is kept, if it may be taken now. */
  async recall(shift: Shift, duty: TaskDuty, { maxAgeMs, quality, ...question }: Recall): Promise<Recalled> {
    const { workplace } = shift;
    const { run, task } = question.start;
    const belonging = workplace.belongingOf(run);
    const id = idOf(duty, question, belonging);
    if (id === undefined) return { why: UNKNOWN_TENANT };
    const answer = keptIn(workplace, id);
    if (answer === undefined) return { why: 'no answer to that is kept' };
    const ageMs = this.#now() - answer.at;
    if (ageMs > maxAgeMs) return { why: `the last answer is ${ageMs} ms old, and may be ${maxAgeMs}` };
    const { confidence = 0 } = answer;
    if (confidence < quality) return { why: `the last answer is ${confidence} sure, and must be ${quality}` };
    const haltNow = () => shift.calls.haltOn(haltableBy(this.#giverOf(answer), duty, belonging));
    const halt = haltNow();
    if (halt !== undefined) return { why: halt.why };
    const recalled = await found({ id, answer, duty, workplace, usedBy: `${run}/${task}` });
    // It may have been halted while that was noted.
    const since = haltNow();
    return since === undefined ? recalled : { why: since.why };
  }

  /** Who has given it, also where nobody has that name any more. */
  #giverOf({ agent: name, model }: KeptAnswer): Pick<Agent, 'name' | 'model' | 'capabilities'> {
    const known = this.#agents.get(name);
    return { name, model: model ?? known?.model ?? '', capabilities: known?.capabilities ?? [] };
  }
}

const UNKNOWN_TENANT = 'whose run it is cannot be told, and what one was answered is not for another';

/** Under which the answers to a question are kept; undefined where it cannot be told who may be given them. */
function idOf(
  { workflow, task, capability, agents, fallback, outputSchema, verify }: TaskDuty,
  { start: { values }, input }: Question,
  { tenants }: Belonging,
): string | undefined {
  if (tenants.includes(null)) return undefined;
  const asked = {
    capability: capability ?? null,
    agents: [...agents, ...fallback],
    schema: outputSchema?.hash ?? null,
    verify: verify.map(({ name, version, declared = null }) => [name, version, declared]),
  };
  const whose = [...new Set(tenants as readonly string[])].toSorted((a, b) => (a < b ? -1 : 1));
  return hashOf({ workflow, task, tenants: whose, ...asked, input, values }).slice('sha256:'.length);
}

/**
 * Whether the task that is said to have been given an answer says so itself. Whoever may send to `answers` may say anything there; what
 * stands in a task, it was given.
 */
function isGiven(
  id: string,
  { task: address, output, ...kept }: KeptAnswer,
  duty: TaskDuty,
  workplace: Workplace,
): boolean {
  const stood: Stood | undefined = workplace.get(address)?.getSnapshot();
  if (!isTask(stood)) return false;
  const { context, status, value } = stood;
  const { start, ground } = context;
  const isGood =
    (status === 'done' || value === 'remembering') && (ground === 'good' || ground === 'repaired');
  const isOfIt = start.workflow === duty.workflow && isTold(start.task, duty.task);
  if (!isGood || !isOfIt) return false;
  const belonging = workplace.belongingOf(address.slice(0, -start.task.length - 1));
  return (
    idOf(duty, context, belonging) === id &&
    hashOf(context.output) === output &&
    hashOf(answerIn(context)) === hashOf(kept)
  );
}

const keptIn = (workplace: Workplace, id: string): KeptAnswer | undefined =>
  (workplace.get(`${ANSWERS}/${id}`) as AnswerRef | undefined)?.getSnapshot().context.answer;

interface Finding {
  readonly id: string;
  readonly answer: KeptAnswer;
  readonly duty: TaskDuty;
  readonly workplace: Workplace;
  readonly usedBy: string;
}

/** With its value; noted is who has used it. */
async function found({ id, answer, duty, workplace, usedBy }: Finding): Promise<Recalled> {
  const { content } = workplace;
  const { outputSchema } = duty;
  try {
    if (!isGiven(id, answer, duty, workplace))
      return { why: `${answer.task} does not say that it was given this answer to that` };
    const output = content?.get(answer.output);
    if (output === undefined) return { why: 'what was answered is not kept any more' };
    // Schemas of a library may look at more than their JSON Schema says.
    if (outputSchema?.check(output).ok === false)
      return { why: 'what was answered is not what the task asks for any more' };
    await content!.keepAhead([{ hash: answer.output, value: output, note: { usedBy } }]);
    return { answer, output };
  } catch (error) {
    if (error instanceof HeddleError) return { why: error.message };
    throw error;
  }
}
