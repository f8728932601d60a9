/**
 * The staff of a system: its agents, and what its workflows' offices do with them. Every answer that it gives is an event of the task
 * that has asked, so it is recorded before anything follows from it.
 *
 * It keeps nothing. Agents are asked once and never again by it; who may be asked is the decider's to say.
 */
import { fromPromise } from 'xstate';
import type { AnyActorLogic } from 'xstate';
import { account } from '../machines/budget/account.ts';
import { shadow } from '../machines/routing/shadow.ts';
import type { TaskActors } from '../machines/task/words.ts';
import type {
  Advice,
  Consultation,
  Recall,
  Remembrance,
  Unanswered,
  Verification,
} from '../machines/task/words.ts';
import { durable } from '../runtime/index.ts';
import type { Agent } from './agents/agent.ts';
import { Places } from './agents/places.ts';
import { reservedIfAccount, reservedShadow } from './reserved-answers.ts';
import { reservedReview } from './reviews/reserved.ts';
import type { Router } from './routing/rules.ts';
import { Consulting } from './staffing/consulting.ts';
import { questionHere } from './staffing/here.ts';
import { Memory } from './staffing/memory.ts';
import { verified } from './staffing/verifying.ts';
import { Working } from './staffing/working.ts';
import { shiftIn } from './staffing/workplace.ts';
import type { Shift, Workplace } from './staffing/workplace.ts';
import type { Content } from './state/content.ts';
import { outputKept } from './state/manifest.ts';
import type { Office, TaskDuty } from './workflow/office.ts';

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
  readonly account: AnyActorLogic = reservedIfAccount(account());
  /** Asks agents in the shadow of others. */
  readonly shadow: AnyActorLogic;
  readonly #sources: NonNullable<StaffOptions['sources']>;
  readonly #consulting: Consulting;
  readonly #working: Working;
  readonly #memory: Memory;
  /** Work that is owed goes on while the system is still being opened: it waits here. */
  readonly #shift: Promise<Shift>;
  #open!: (shift: Shift) => void;

  constructor(
    agents: ReadonlyMap<string, Agent>,
    { router, now = Date.now, sources = () => undefined }: StaffOptions = {},
  ) {
    this.#sources = sources;
    this.#shift = new Promise((resolve) => (this.#open = resolve));
    const places = new Places();
    this.#consulting = new Consulting({ agents, places, router, now });
    this.#memory = new Memory({ agents, now });
    this.#working = new Working(agents, places, this.#shift, now);
    const ask = this.#working.logicFor({ outputSchema: undefined });
    this.shadow = reservedShadow(shadow(ask, reservedShadow));
  }

  /** The system is open. */
  beginIn(workplace: Workplace): void {
    this.#open(shiftIn(workplace));
  }

  taskActors(duty: TaskDuty): TaskActors {
    const consult = fromPromise<Advice, Consultation>(async ({ input, signal }) =>
      this.#consulting.consult(await this.#shift, duty, questionHere(input), signal),
    );
    const verify = fromPromise(async ({ input }: { input: Verification }) =>
      verified(duty, questionHere(input), this.#textsIn((await this.#shift).workplace.content)),
    );
    return {
      consult: durable(consult, { asksOnly: true }),
      ask: this.#working.logicFor(duty, duty.chunk),
      // What was found for the answer is kept with it, and can only be looked up when it is on the disk.
      verify,
      review: this.review,
      keep: fromPromise(async ({ input }: { input: Unanswered }) =>
        outputKept(input, (await this.#shift).workplace.content),
      ),
      remember: fromPromise(async ({ input }: { input: Remembrance }) =>
        this.#memory.remember(await this.#shift, duty, questionHere(input)),
      ),
      recall: fromPromise(async ({ input }: { input: Recall }) =>
        this.#memory.recall(await this.#shift, duty, questionHere(input)),
      ),
    };
  }

  /** Texts by their hashes: those that the program knows, then those that were kept. */
  #textsIn(content: Content | undefined): (hash: string) => string | undefined {
    return (hash) => this.#sources(hash) ?? textOf(content?.get(hash));
  }
}

/** Texts can be searched for what was quoted. */
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
