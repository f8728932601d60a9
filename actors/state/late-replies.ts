/**
 * Replies that came too late: what an agent has answered after its attempt was given up. Each attempt that has some has an actor for
 * them (`late/<task>:<attempt>`), because the task and its run may have come to their end; what was answered is kept as content,
 * made by the task, and nothing follows from it. One that comes after the process that has asked is gone, nobody hears.
 */
import { lateReplies } from '../../machines/task/late-replies.ts';
import type {
  GivenUp,
  LateContext,
  LateInput,
  LateNoted,
  LateReply,
} from '../../machines/task/late-replies.ts';
import type { AttemptNote } from '../../machines/task/progress.ts';
import type { Answer, Asking } from '../../machines/task/words.ts';
import { durable, HeddleError } from '../../runtime/index.ts';
import type { AttemptOutcome } from '../agents/attempt.ts';
import type { Content } from './content.ts';
import { keptOf } from './manifest.ts';
import type { Moment, Stood } from './stood.ts';

/** The name of their actors. */
export const LATE = 'late';
const INSTEAD = 'runs, whose tasks say it';
export const lateLogic = durable(lateReplies, { reserves: { 'late.': INSTEAD }, reservesBirth: INSTEAD });

/** An attempt of a task, with what came of it later. */
export interface AttemptStatus extends AttemptNote {
  /** What it has answered after it was given up. Nothing was done with it. */
  readonly late?: LateContext['replies'];
}

/** What is needed of a system to keep them. */
export interface LateHost {
  readonly content?: Content;
  /** Starts the actor of an attempt, or gives the one that is there. */
  lateReplies?(id: string, input: LateInput): Promise<LateRef>;
}

interface LateRef {
  getSnapshot(): { readonly context: LateContext };
  send(event: LateNoted): Promise<unknown>;
}

const idOf = ({ task, attempt }: Pick<GivenUp, 'task' | 'attempt'>): string => `${task}:${attempt}`;

/** An id with slashes, as it is in addresses. */
export const addressOfLate = (attempt: Pick<GivenUp, 'task' | 'attempt'>): string =>
  `${LATE}/${idOf(attempt).replaceAll('%', '%25').replaceAll('/', '%2F')}`;

/** Never rejects: what cannot be kept, because the system closes or nobody permits it, is lost, as it would be a moment later. */
export async function keepLate(host: LateHost, asking: Asking, outcome: AttemptOutcome): Promise<void> {
  const { agent, envelope, attempt, part } = asking;
  const { run, task } = envelope.context;
  try {
    const reply = replyOf(await keptOf(outcome, envelope, host.content), part?.number);
    const input = { task: `${run}/${task}`, attempt, agent, reply };
    const ref = await host.lateReplies?.(idOf(input), input);
    // Another part of it was first.
    if (ref !== undefined && !ref.getSnapshot().context.replies.some((one) => one.part === reply.part))
      await ref.send({ type: 'late.noted', reply });
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
  }
}

function replyOf(answer: Answer, part: number | undefined): LateReply {
  const { fault, durationMs, manifest } = answer;
  const { metadata } = answer.result ?? answer;
  const cost = fault === undefined ? answer.cost : fault.cost;
  const { output, unkept } = manifest ?? {};
  return {
    ...(part !== undefined && { part }),
    durationMs,
    ...(cost !== undefined && { cost }),
    ...(fault !== undefined && { fault: fault.class, message: fault.message }),
    ...(output !== undefined && { output }),
    ...(metadata !== undefined && { confidence: metadata.confidence }),
    ...(metadata?.sources !== undefined && { sources: metadata.sources }),
    ...(fault !== undefined && answer.quarantined !== undefined && { quarantined: answer.quarantined }),
    ...(unkept !== undefined && { unkept }),
  };
}

// ---- looking ------------------------------------------------------------------------------------------------------

/** The attempts of a task, with what came of each later. */
export function withLate(
  log: readonly AttemptNote[],
  task: string,
  moment: Moment,
): readonly AttemptStatus[] {
  return log.map((note) => {
    const { replies } = (moment(addressOfLate({ task, attempt: note.number }))?.context ??
      {}) as Partial<LateContext>;
    return replies === undefined || replies.length === 0 ? note : { ...note, late: replies };
  });
}

/** A moment of a run, with what had come too late by then: that is beside the run, and not below it. */
export function momentWithLate(moment: Moment, until: number, now: Moment): Moment {
  return (address) => {
    const found = moment(address);
    if (found !== undefined || !address.startsWith(`${LATE}/`)) return found;
    const late = now(address);
    return late && { ...late, context: asOf(late, until) };
  };
}

function asOf({ context }: Stood, until: number): LateContext {
  const { replies, ...attempt } = context as LateContext;
  return { ...attempt, replies: replies.filter(({ at }) => at <= until) };
}
