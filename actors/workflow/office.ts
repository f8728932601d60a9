/**
 * The office: what a workflow needs of the system that runs it. Until a system is opened with it nobody sits there, and a task that
 * asks for somebody is told so.
 */
import { fromPromise } from 'xstate';
import type { AnyActorLogic } from 'xstate';
import type { Micros } from '../../machines/values/money.ts';
import { account } from '../../machines/budget/account.ts';
import { reservedReview } from '../reviews/reserved.ts';
import type { TaskActors } from '../../machines/task/words.ts';
import type { Chunking } from '../windows/chunking.ts';
import type { Router } from '../routing/rules.ts';
import type { Checked } from '../schema/checked.ts';
import type { Verifier } from '../verifiers/verifier.ts';

/** A task, as far as whoever finds an agent for it must know it. */
export interface TaskDuty {
  readonly workflow: string;
  readonly task: string;
  readonly capability: string | undefined;
  /** Agents by name, in the order in which they are asked. Empty: whoever has the capability. */
  readonly agents: readonly string[];
  readonly fallback: readonly string[];
  readonly inputSchema: Checked | undefined;
  readonly outputSchema: Checked | undefined;
  /** What an attempt may cost, where the task says it; otherwise that is for the agent to say. */
  readonly maxCost: Micros | undefined;
  /** What the budget lets an attempt of it cost, where the task has cost nothing before. */
  readonly perTask: Micros | undefined;
  readonly verify: readonly Verifier[];
  /** How it is done in parts. */
  readonly chunk: Chunking | undefined;
  /** The kinds of data in what it works on: its own, and those of everything that it needs. */
  readonly labels: readonly string[];
  /** What the decider is told of the work besides, from its input. */
  readonly about: ((input: unknown) => Readonly<Record<string, unknown>>) | undefined;
  /** By which rules its agent is chosen. Default: those of the system. */
  readonly router: Router | undefined;
}

export interface Office {
  taskActors(duty: TaskDuty): TaskActors;
  readonly review: AnyActorLogic;
  readonly account: AnyActorLogic;
}

const nobody = (what: string): AnyActorLogic =>
  fromPromise(() =>
    Promise.reject(
      new Error(
        `nobody is there to ${what}: a workflow has agents under its own name in createSystem({ actors }) of heddle, and where another one calls it. ` +
          'A machine that needs its result starts it by that name (system.start), and does not invoke it',
      ),
    ),
  );

export const EMPTY_OFFICE: Office = {
  taskActors: () => ({
    consult: nobody('say who does it'),
    ask: nobody('do it'),
    verify: nobody('verify it'),
    review: reservedReview,
    keep: nobody('keep what came of it'),
    remember: nobody('keep what was answered'),
    recall: nobody('say what was answered before'),
  }),
  review: reservedReview,
  account: account(),
};
