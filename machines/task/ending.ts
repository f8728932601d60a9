/**
 * How a task ends: what its run is told, and what nobody knows of what it has done.
 */
import type { FaultClass } from '../faults/fault.ts';
import { NOTHING } from '../values/money.ts';
import type { WorkFacts } from '../workflow/graph.ts';
import { candidateIn, isHalted, OF_ANSWERS } from './attempts.ts';
import { peopleOn } from './people.ts';
import type { AttemptNote, TaskContext } from './progress.ts';
import { costOfVotes } from './votes.ts';
import type { VoterOutcome } from './votes.ts';
import type { TaskSpec } from './words.ts';

export function outcomeOf(context: TaskContext, { undoable }: TaskSpec): VoterOutcome {
  const { outcome, output, ground, fault, start } = context;
  const facts = factsOf(context);
  const isComplete = outcome === undefined && ground !== undefined;
  const because = undoable === true ? (isComplete ? doubtBeside(context) : doubtOf(context)) : undefined;
  const left = { facts, ...(because && { doubt: { class: 'unknown-effect', message: because } }) };
  if (isComplete) return { status: 'complete', output, ...left };
  if (outcome !== undefined) return { ...outcome, ...left };
  const { class: name, message, ...more } = fault!;
  const ended = { status: 'failed', problem: { class: name, message, ...more }, ...left } as const;
  return start.seat !== undefined && isHalted(context) ? { ...ended, isHalted: true } : ended;
}

/** Why nobody knows what it has done, where it is not complete. */
function doubtOf({ log, answer }: TaskContext): string | undefined {
  // Others may have been asked since, and have answered nothing.
  return doubtIn(log, candidateIn(answer) === undefined ? log.findLast(hasAnswered) : log.at(-1));
}

/**
 * The same of whoever was asked besides those whose answer was taken. The same request again, under the same key, is done once; and where
 * people have said what came of it, they know.
 */
function doubtBeside({ log, ground }: TaskContext): string | undefined {
  if (ground === 'person') return undefined;
  const taken = ground === 'default' ? undefined : log.at(-1);
  const others = log.filter(({ key }) => key !== taken?.key);
  return doubtIn(others, others.findLast(hasAnswered));
}

function doubtIn(log: readonly AttemptNote[], answered: AttemptNote | undefined): string | undefined {
  const open = log.find(isOpen);
  if (open !== undefined)
    return `nobody knows what ${open.agent} has done in attempt ${open.number}, which nobody has waited for to the end`;
  if (answered !== undefined)
    return `${answered.agent} has done something in attempt ${answered.number}, and what it has answered was not taken`;
  const failed = log.findLast(mayHaveDone);
  return (
    failed &&
    `nobody knows what ${failed.agent} has done in attempt ${failed.number}: it failed (${failed.fault})`
  );
}

/**
 * Faults after which the work may be done all the same: whoever was asked has not refused it, and has said nothing else, or what they have
 * said is not there.
 */
const SAYING_NOTHING: ReadonlySet<FaultClass | undefined> = new Set<FaultClass | undefined>([
  ...(['crash', 'server-error', 'empty'] as const),
  ...OF_ANSWERS,
]);

/** Whether somebody was asked, and has failed. Where that has cost nothing nobody was. */
const mayHaveDone = ({ fault, cost, unasked }: AttemptNote): boolean =>
  !unasked && cost !== NOTHING && SAYING_NOTHING.has(fault);

/** Whether it has answered something, if only for a part of the work, or nothing that could be taken for an output. */
const hasAnswered = ({ manifest, parts = [], quarantined }: AttemptNote): boolean =>
  quarantined === true ||
  [manifest, ...parts.map((part) => part.manifest)].some((one) => one?.output !== undefined);

/**
 * Whether nobody has waited for its end. Of one that was halted, or whose agent was another by then, before anybody was asked it is known
 * that it has cost nothing.
 */
const isOpen = ({ to, fault, unasked, unheard, cost, parts = [] }: AttemptNote): boolean =>
  !unasked &&
  (to === undefined ||
    fault === 'timeout' ||
    parts.some(({ stopped }) => stopped) ||
    ((unheard !== undefined || fault === 'no-agent') && cost !== NOTHING));

function factsOf(context: TaskContext): WorkFacts {
  const { attempts, spent, votes, log, ground, recalled: before } = context;
  const { agent } = before ?? context.advice ?? {};
  const { confidence } = before ?? log.at(-1) ?? {};
  const people = peopleOn(context);
  return {
    attempts,
    cost: spent + costOfVotes(votes),
    ...(agent !== undefined && { agent }),
    ...(confidence !== undefined && { confidence }),
    ...(ground !== undefined && ground !== 'good' && { ground }),
    // What stands in for an answer is nobody's.
    ...(ground !== undefined && ground !== 'default' && people.length > 0 && { people }),
  };
}
