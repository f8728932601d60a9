/**
 * The decision port: who may do what. The one place where a decider is asked, and where its answer becomes a permission or not.
 *
 * A request is permitted only by an answer that says so, names what has determined it, and asks for nothing that whoever acts
 * cannot do. Everything else is a refusal: no answer in time, an answer that makes no sense, an error, an obligation that nobody
 * here knows. Nothing is guessed, and nothing is remembered: each request is asked for once, and never when history is told again.
 *
 * The words are those of OpenID AuthZEN 1.0, so a decider may as well stand elsewhere.
 */
import type { Clock } from './clock.ts';
import { InvalidArgument } from './errors.ts';
import { ownCopyOf } from './own-copy.ts';

/** On whose behalf something is done. */
export interface Principal {
  /**
   * `program`: the program that has opened the system. `operator`: whoever has come through its control socket. `actor`, `agent`: one
   * of its own. Anything else comes from outside, such as `user`.
   */
  readonly type: string;
  readonly id: string;
  readonly properties?: Attributes;
}

export type Attributes = Readonly<Record<string, unknown>>;

/** What is done: `send`, with `{ event: 'approve' }`. docs/decisions.md has all of them. */
export interface Action {
  readonly name: string;
  readonly properties?: Attributes;
}

/** What it is done to: of an actor the name it is registered under, and what follows in its address. */
export interface Resource {
  readonly type: string;
  readonly id: string;
  readonly properties?: Attributes;
}

export interface AccessRequest {
  readonly principal: Principal;
  readonly action: Action;
  readonly resource: Resource;
  /** The authority adds `at`, its clock in milliseconds since the epoch. */
  readonly context?: Attributes;
}

/** What whoever is permitted must do besides, or he is not. */
export interface Obligation {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface Decision {
  readonly effect: 'permit' | 'deny';
  /** The ids of the rules that have made the difference, sorted. None: nothing has permitted it. */
  readonly determining: readonly string[];
  readonly reasons: readonly string[];
  readonly obligations: readonly Obligation[];
  /** Nothing was decided: the decider gave no answer, or none that makes sense. Asking again may help. */
  readonly undecided?: true;
}

/** Somebody who may do something, as far as the decider can tell beforehand. */
export interface Entitled {
  readonly principal: Principal;
  readonly determining: readonly string[];
  /** What the decider would have to know besides, such as `principal.properties.mfaAt`. None: they may. */
  readonly depends: readonly string[];
}

/** Decides what is permitted. Must not change what it is given, nor do anything else. */
export interface Decider {
  /** Names its content: what it decides by is different exactly if this is. */
  readonly hash: string;
  decide(request: AccessRequest): Decision | PromiseLike<Decision>;
  /** Who may do something. */
  list?(request: Omit<AccessRequest, 'principal'>): readonly Entitled[] | PromiseLike<readonly Entitled[]>;
}

export interface PermitOptions {
  /** The types of the obligations that whoever asks will meet. A decision with any other is a refusal. */
  readonly meets?: readonly string[];
}

/** What the authority needs of the house. */
export interface AuthoritySettings {
  readonly clock: Clock;
  /** How long a decider may take. */
  readonly withinMs: number;
  readonly report: (error: unknown, what: string) => void;
}

/** What determines a decision where there is no decider. */
const UNGOVERNED = 'ungoverned';

/** Those who belong to the program that has opened the system. Whoever else asks can only be known by a decider. */
const OWN_TYPES: ReadonlySet<string> = new Set(['program', 'operator', 'actor', 'agent']);

export class Authority {
  readonly #decider: Decider | undefined;
  readonly #settings: AuthoritySettings;

  /** Use `system.authority`. */
  constructor(decider: Decider | undefined, settings: AuthoritySettings) {
    this.#decider = decider;
    this.#settings = settings;
  }

  /** Whether there is a decider. Without one the program may do everything, and nobody else anything. */
  get isGoverned(): boolean {
    return this.#decider !== undefined;
  }

  /** That of the decider; `ungoverned` without one. */
  get hash(): string {
    return this.#decider?.hash ?? UNGOVERNED;
  }

  /**
   * Asks whether something is permitted. Never throws or rejects: what goes wrong is a refusal. A decider that answers at once is
   * answered for at once.
   */
  permit(request: AccessRequest, { meets = [] }: PermitOptions = {}): Decision | Promise<Decision> {
    const decider = this.#decider;
    if (decider === undefined) return ungoverned(request);
    try {
      const context = { ...request.context, at: this.#settings.clock.now() };
      const answer: unknown = decider.decide({ ...request, context });
      if (!isThenable(answer)) return judged(answer, meets);
      return this.#inTime(answer)
        .then((late) => judged(late, meets))
        .catch((error: unknown) => this.#failed(error));
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Who may do something; undefined when the decider cannot say. */
  async list(request: Omit<AccessRequest, 'principal'>): Promise<readonly Entitled[] | undefined> {
    if (this.#decider?.list === undefined) return undefined;
    try {
      const context = { ...request.context, at: this.#settings.clock.now() };
      return await this.#inTime(Promise.resolve(this.#decider.list({ ...request, context })));
    } catch (error) {
      this.#settings.report(error, 'the decider could not say who may');
      return undefined;
    }
  }

  #failed(error: unknown): Decision {
    this.#settings.report(error, 'the decider failed');
    // What it says may hold anything, and this is recorded.
    if (error instanceof NoAnswer) return undecided(`the decider gave no answer within ${error.withinMs} ms`);
    return undecided(`the decider threw a ${nameOf(error)}`);
  }

  /** @throws NoAnswer */
  #inTime<T>(answer: PromiseLike<T>): Promise<T> {
    const { clock, withinMs } = this.#settings;
    return new Promise((resolve, reject) => {
      const patience = clock.after(withinMs, () => reject(new NoAnswer(withinMs)));
      const over = (settle: () => void): void => {
        patience.cancel();
        settle();
      };
      // What comes too late settles nothing.
      Promise.resolve(answer).then(
        (value) => over(() => resolve(value)),
        (error: unknown) => over(() => reject(error)),
      );
    });
  }
}

class NoAnswer extends Error {
  readonly withinMs: number;

  constructor(withinMs: number) {
    super(`no answer within ${withinMs} ms`);
    this.withinMs = withinMs;
  }
}

function ungoverned({ principal: { type } }: AccessRequest): Decision {
  if (OWN_TYPES.has(type))
    return { effect: 'permit', determining: [UNGOVERNED], reasons: [], obligations: [] };
  const reason = `there is no decider, so nobody can show that this ${type} may: give one to createSystem`;
  return { effect: 'deny', determining: [UNGOVERNED], reasons: [reason], obligations: [] };
}

// ---- answers ------------------------------------------------------------------------------------------------------

/** What an answer amounts to for somebody who meets some obligations. @throws whatever its getters throw */
function judged(given: unknown, meets: readonly string[]): Decision {
  const answer = heard(given);
  const problem = problemOf(answer);
  if (problem !== undefined) return undecided(`the decider gave an answer that makes no sense: ${problem}`);
  const { effect, determining, reasons, obligations } = answer as Decision;
  const decision: Decision = { effect, determining: sorted(determining), reasons, obligations };
  if (effect === 'deny') return decision;
  if (determining.length === 0) return denied(decision, 'the decider permits it, and does not say by what');
  const unmet = obligations.filter(({ type }) => !meets.includes(type)).map(({ type }) => `'${type}'`);
  if (unmet.length === 0) return decision;
  return denied(decision, `it is permitted with the obligation ${unmet.join(', ')}, which nobody meets here`);
}

const denied = ({ determining, reasons, obligations }: Decision, reason: string): Decision => ({
  effect: 'deny',
  determining,
  reasons: [...reasons, reason],
  obligations,
});

const undecided = (reason: string): Decision => ({
  effect: 'deny',
  determining: [],
  reasons: [reason],
  obligations: [],
  undecided: true,
});

const sorted = (ids: readonly string[]): readonly string[] =>
  ids.length < 2 ? ids : [...new Set(ids)].sort();

/** An answer as it was given, asked once: whoever has given it may say something else later. Holes in its lists are seen. */
function heard(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null) return answer;
  const { effect, determining, reasons, obligations } = answer as Record<string, unknown>;
  const listOf = (given: unknown): unknown => (Array.isArray(given) ? Array.from(given, ownCopyOf) : given);
  return {
    effect,
    determining: listOf(determining),
    reasons: listOf(reasons),
    obligations: listOf(obligations),
  };
}

/** What is wrong with an answer; undefined when nothing is. */
function problemOf(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || answer === null) return 'it must be an object';
  const { effect, determining, reasons, obligations } = answer as Record<string, unknown>;
  if (effect !== 'permit' && effect !== 'deny') return "effect must be 'permit' or 'deny'";
  if (!isTexts(determining)) return 'determining must be a list of texts';
  if (!isTexts(reasons)) return 'reasons must be a list of texts';
  if (!Array.isArray(obligations) || !obligations.every(isObligation))
    return 'obligations must be a list of objects with a type';
  return undefined;
}

const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

const isObligation = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && isText((value as Partial<Obligation>).type);

/** What an error is called: by its class alone, because its texts may hold anything. It may be made to do harm, too. */
function nameOf(error: unknown): string {
  try {
    const name: unknown = error instanceof Error ? error.name : typeof error;
    return isText(name) ? name : 'thing without a name';
  } catch {
    return 'thing that cannot be looked at';
  }
}

/** That can be stored, too. */
const isText = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.isWellFormed();

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null)?.then === 'function';

// ---- what users give ----------------------------------------------------------------------------------------------

/** @throws InvalidArgument */
export function checkedDecider(decider: unknown): Decider | undefined {
  if (decider === undefined) return undefined;
  const { decide, hash, list } = (decider ?? {}) as Partial<Decider>;
  if (typeof decide !== 'function')
    throw new InvalidArgument('decider', 'must have a function decide(request)');
  if (!isText(hash))
    throw new InvalidArgument('decider.hash', 'must be a text that names what it decides by: it is recorded');
  if (list !== undefined && typeof list !== 'function')
    throw new InvalidArgument('decider.list', 'must be a function, or left out');
  return decider as Decider;
}

/** A copy that stays as it is. @throws InvalidArgument */
export function checkedPrincipal(principal: unknown): Principal {
  const { type, id, properties, ...others } = (principal ?? {}) as Record<string, unknown>;
  if (!isText(type)) throw new InvalidArgument('principal.type', 'must be a text that is not empty');
  if (!isText(id)) throw new InvalidArgument('principal.id', 'must be a text that is not empty');
  const [stranger] = Object.keys(others);
  if (stranger !== undefined)
    throw new InvalidArgument(
      `principal.${stranger}`,
      'is not known: what else is known of it goes into properties',
    );
  if (properties === undefined) return Object.freeze({ type, id });
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties))
    throw new InvalidArgument('principal.properties', 'must be an object');
  return Object.freeze({ type, id, properties: Object.freeze(ownCopyOf({ ...properties })) });
}
