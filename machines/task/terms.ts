/**
 * The terms on which an agent may be asked: what the decider wants done besides, before it is. They come with the permission, and so
 * they are recorded before anything follows from them. Pure: what of them changes what the agent is given is applied here.
 */
import { canonicalOf } from '../values/canonical.ts';
import { keysOf } from '../values/json-pointer.ts';
import { amountOf } from '../values/money.ts';
import type { ReviewInput } from '../review/input.ts';
import type { ReviewOutput } from '../review/review.ts';
import { sha256 } from '../values/sha256.ts';
import { peopleBefore } from './people.ts';
import type { TaskContext } from './progress.ts';
import type { Advised, TaskSpec } from './words.ts';

export interface CallTerms {
  /** A person must approve it first. */
  readonly gate?: ClearanceTerms;
  /** What the agent is not shown. */
  readonly redact?: Redaction;
  /** Who is told that it is asked. */
  readonly notify?: readonly Notice[];
}

export interface ClearanceTerms {
  /** Names what is approved: this agent with this model, with this input, for this much. */
  readonly key: string;
  readonly roles: readonly string[];
  readonly quorum: number;
  /** How long they have, in ms; undefined: for ever. */
  readonly withinMs: number | undefined;
  readonly reason: string | undefined;
}

export interface Redaction {
  /** JSON pointers into `{ input, values }`, in which `*` stands for every item or field: `/input/rows/*`. */
  readonly places: readonly string[];
  /** What stands there instead; undefined: nothing does. */
  readonly mask: string | undefined;
  /** The hashes of what was there, and of what is given to the agent. */
  readonly from: string;
  readonly to: string;
}

/** Whatever the obligation says. */
export type Notice = Readonly<Record<string, unknown>>;

/** Emitted before an agent is asked, where an obligation says so. */
export interface CallNotice {
  readonly type: 'obligation.notify';
  readonly run: string;
  readonly task: string;
  readonly agent: string;
  readonly obligation: Notice;
}

/** What of a run an agent is given. */
export interface Given {
  readonly input: unknown;
  readonly values: Readonly<Record<string, unknown>>;
}

// ---- redaction ----------------------------------------------------------------------------------------------------

/** What the agent is given. */
export function givenTo({ start, input, advice }: TaskContext): Given {
  const given = { input, values: start.values };
  const { redact } = advice?.terms ?? {};
  return redact === undefined ? given : redacted(given, redact);
}

/** The same without what stands in some places. Where nothing stands, nothing changes. */
export const redacted = (given: Given, { places, mask }: Pick<Redaction, 'places' | 'mask'>): Given =>
  without(given, places.map(keysOf), mask) as Given;

/** @throws NotJson */
export const digestOfGiven = (given: Given): string => sha256(canonicalOf(given));

const EVERY = '*';

type Path = readonly string[];

/** All places at once: what is left out of a list moves what is behind it to other places. */
function without(value: unknown, paths: readonly Path[], mask: string | undefined): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const change = (name: string, item: unknown): unknown[] => {
    const inside = paths.filter(([key]) => key === EVERY || key === name).map(([, ...rest]) => rest);
    if (inside.some((rest) => rest.length === 0)) return mask === undefined ? [] : [mask];
    return [inside.length === 0 ? item : without(item, inside, mask)];
  };
  if (Array.isArray(value)) return value.flatMap((item, index) => change(String(index), item));
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, item]) => change(name, item).map((left) => [name, left])),
  );
}

// ---- clearance ----------------------------------------------------------------------------------------------------

/** Whether somebody may be asked without a person approving it first. @param cleared the calls that were approved */
export function isCleared({ terms }: Advised, cleared: readonly string[]): boolean {
  const { gate } = terms ?? {};
  return gate === undefined || cleared.includes(gate.key);
}

/** What people are shown of a call that they must approve first. */
export function clearanceOf(context: TaskContext, { patience }: Pick<TaskSpec, 'patience'>): ReviewInput {
  const { start, advice } = context;
  const { agent, maxCost, terms } = advice!;
  const { roles, quorum, withinMs, reason } = terms!.gate!;
  const cost = amountOf(maxCost);
  return {
    title: `${start.task} is about to ask ${agent}: may it?`,
    proposal: { agent, maxCost: cost, ...givenTo(context) } as ReviewInput['proposal'],
    ...{ roles, quorum, fourEyes: peopleBefore(context) },
    ...patience,
    // Who obliges has the last word.
    ...(withinMs !== undefined && { atMostMs: withinMs }),
    about: {
      ...{ task: start.task, workflow: start.workflow, agent, maxCost: cost },
      ...(reason !== undefined && { obligation: reason }),
    },
  };
}

/** What a task does when people have decided about a call. */
export function afterClearance(
  { cleared, advice }: TaskContext,
  { verdict, by = 'nobody', reason = '' }: ReviewOutput,
): Partial<TaskContext> {
  if (verdict === 'approved') return { cleared: [...cleared, advice!.terms!.gate!.key] };
  if (verdict === 'aborted') return { outcome: { status: 'aborted', by, reason } };
  const message =
    verdict === 'expired' ? 'nobody has approved the call in time' : `${by} has refused the call: ${reason}`;
  return { outcome: { status: 'failed', problem: { class: 'rejected', message } } };
}

// ---- notices ------------------------------------------------------------------------------------------------------

export function noticesOf({ start, advice }: TaskContext): readonly CallNotice[] {
  return (advice?.terms?.notify ?? []).map((obligation) => ({
    ...{ type: 'obligation.notify', run: start.run, task: start.task, agent: advice!.agent, obligation },
  }));
}
