/**
 * The rules by which agents are chosen, as data: what counts, which experiments run, who stands in the shadow of whom. They are
 * checked when they are made, frozen, and have a hash that stands in every decision; to change them is to make others.
 */
import { problemOfPointer } from '../../machines/values/json-pointer.ts';
import { microsOf, problemOfAmount } from '../../machines/values/money.ts';
import type { Micros } from '../../machines/values/money.ts';
import { InvalidArgument } from '../../runtime/index.ts';
import { problemOfCapability } from '../agents/capability.ts';
import { hashOf } from '../schema/digest.ts';
import { isRecord } from '../schema/plain.ts';
import { problemOfAddress } from '../values/address.ts';

/** `cost`: the cheapest first; `quality`: whose answers are accepted most often; `order`: as the system names them. */
export type Preference = 'cost' | 'quality' | 'order';

export interface RouterOptions {
  /** Default `cost`. */
  readonly prefer?: Preference;
  /** Instead of `prefer`: how much each counts, as numbers from 0 on. */
  readonly weights?: Partial<Weights>;
  readonly experiments?: readonly ExperimentOptions[];
  readonly shadows?: readonly ShadowOptions[];
}

export interface Weights {
  /** How cheap it is beside the cheapest. */
  readonly cost: number;
  /** How often it was accepted. */
  readonly quality: number;
  /** How much of its gates and places is free. */
  readonly availability: number;
}

export interface ExperimentOptions {
  readonly id: string;
  /** The capability that tasks ask for: in the same words. */
  readonly capability: string;
  readonly arms: Readonly<Record<string, ArmOptions>>;
  /** What always comes into the same arm: all tasks of a run (default), or each task by itself. */
  readonly sticky?: 'run' | 'task';
  /** When an arm is no longer used. */
  readonly guardrail?: GuardrailOptions;
}

export interface ArmOptions {
  readonly agent: string;
  /** In per cent, with two decimals at most. Those of all arms make 100. */
  readonly share: number;
}

export interface GuardrailOptions {
  /** Which part of the attempts may end with a fault, from 0 to 1. */
  readonly faults: number;
  /** How many attempts must be known before that counts. Default 20. */
  readonly after?: number;
}

export interface ShadowOptions {
  readonly agent: string;
  /** The agent, or the capability, behind which it stands. */
  readonly of: string;
  /** Of how many tasks, in per cent, with two decimals at most. */
  readonly share: number;
  /** The address of the account that pays for it: `budget/shadows`. Without one it may cost nothing. */
  readonly account?: string;
  /** What one call may cost at most, as an amount. Default: what the agent estimates. */
  readonly maxCost?: number;
  /** What of the outputs is compared, as JSON pointers. Default: all of it. */
  readonly compare?: readonly string[];
}

export interface Arm {
  readonly name: string;
  readonly agent: string;
  /** The buckets that belong to it end before this one: of 10,000. */
  readonly below: number;
}

export interface Experiment {
  readonly id: string;
  readonly capability: string;
  readonly arms: readonly Arm[];
  readonly sticky: 'run' | 'task';
  readonly guardrail: Required<GuardrailOptions> | undefined;
}

export interface ShadowRule {
  readonly agent: string;
  readonly of: string;
  /** Of 10,000. */
  readonly buckets: number;
  readonly account: string | undefined;
  readonly maxCost: Micros | undefined;
  readonly compare: readonly string[];
}

/** Rules that make sense. */
export interface Router {
  readonly hash: string;
  readonly order: Preference | Weights;
  readonly experiments: readonly Experiment[];
  readonly shadows: readonly ShadowRule[];
}

/** Runs and tasks are dealt into so many buckets. */
export const BUCKETS = 10_000;
const PER_CENT = BUCKETS / 100;
const GUARD_AFTER = 20;

const made = new WeakSet();

/** Whether rules were made here. */
export const isRouter = (value: unknown): value is Router =>
  typeof value === 'object' && value !== null && made.has(value);

/**
 * Rules for choosing agents: `createSystem({ router: router({ prefer: 'quality' }) })`, or for one task alone.
 * @throws InvalidArgument naming the option that makes no sense
 */
export function router(options: RouterOptions = {}): Router {
  checkFields('router', options, ['prefer', 'weights', 'experiments', 'shadows']);
  const order = orderOf(options);
  const experiments = listAt('router.experiments', options.experiments).map(experimentAt);
  const shadows = listAt('router.shadows', options.shadows).map(shadowAt);
  for (const [i, { id, capability }] of experiments.entries()) {
    const before = experiments.slice(0, i);
    if (before.some((other) => other.id === id))
      refuse(`router.experiments[${i}].id`, 'is that of another: its id decides who is in which arm');
    if (before.some((other) => other.capability === capability))
      refuse(`router.experiments[${i}].capability`, 'has an experiment already: a task is in one at most');
  }
  for (const [i, { agent, of }] of shadows.entries())
    if (shadows.slice(0, i).some((other) => other.agent === agent && other.of === of))
      refuse(`router.shadows[${i}]`, `has been named already: ${agent} of ${of}`);
  const rules = frozen({ order, experiments, shadows });
  // What is not said is no part of what they say.
  const whole: Router = Object.freeze({ hash: hashOf(JSON.parse(JSON.stringify(rules))), ...rules });
  made.add(whole);
  return whole;
}

const PREFERENCES: readonly unknown[] = ['cost', 'quality', 'order'];
/** Of all together. */
const LEAST_WEIGHT = 1e-9;
const WEIGHTS = ['cost', 'quality', 'availability'] as const;

function orderOf({ prefer, weights }: RouterOptions): Preference | Weights {
  if (weights === undefined) {
    if (prefer !== undefined && !PREFERENCES.includes(prefer))
      refuse('router.prefer', `must be one of ${PREFERENCES.join(', ')}`);
    return prefer ?? 'cost';
  }
  if (prefer !== undefined) refuse('router.weights', 'says by itself what counts: leave out prefer');
  checkFields('router.weights', weights, WEIGHTS);
  for (const name of WEIGHTS) {
    const { [name]: weight = 0 } = weights;
    if (typeof weight !== 'number' || !Number.isFinite(weight) || weight < 0)
      refuse(`router.weights.${name}`, 'must be a number from 0 on');
  }
  const { cost = 0, quality = 0, availability = 0 } = weights;
  // Shares are made of them: too much, or too little, for a number is no share.
  const sum = cost + quality + availability;
  if (!(sum >= LEAST_WEIGHT && sum <= 1 / LEAST_WEIGHT))
    refuse('router.weights', `must count something: together from ${LEAST_WEIGHT} to ${1 / LEAST_WEIGHT}`);
  return { cost, quality, availability };
}

function experimentAt(options: ExperimentOptions, index: number): Experiment {
  const path = `router.experiments[${index}]`;
  checkFields(path, options, ['id', 'capability', 'arms', 'sticky', 'guardrail']);
  const { id, capability, arms, sticky = 'run', guardrail } = options;
  checkText(`${path}.id`, id);
  checkCapability(`${path}.capability`, capability);
  if (sticky !== 'run' && sticky !== 'task') refuse(`${path}.sticky`, "must be 'run' or 'task'");
  return {
    ...{ id, capability, sticky },
    arms: armsAt(`${path}.arms`, arms),
    // What is there and empty would guard nothing.
    guardrail: guardrail === undefined ? undefined : guardrailAt(`${path}.guardrail`, guardrail),
  };
}

function armsAt(path: string, arms: ExperimentOptions['arms']): readonly Arm[] {
  if (!isRecord(arms) || Object.keys(arms).length < 2) refuse(path, 'must have at least two arms, by name');
  let below = 0;
  // By name, so that a bucket is in the same arm in whatever order they are written.
  const made = Object.entries(arms).toSorted(([some], [other]) => (some < other ? -1 : 1));
  const dealt = made.map(([name, arm]): Arm => {
    checkFields(`${path}.${name}`, arm, ['agent', 'share']);
    checkText(`${path}.${name}.agent`, arm.agent);
    below += bucketsAt(`${path}.${name}.share`, arm.share);
    return { name, agent: arm.agent, below };
  });
  if (below !== BUCKETS) refuse(path, `must make 100 per cent together, but make ${below / PER_CENT}`);
  if (new Set(dealt.map(({ agent }) => agent)).size < dealt.length)
    refuse(path, 'must be of different agents');
  return dealt;
}

function guardrailAt(path: string, options: GuardrailOptions): Required<GuardrailOptions> {
  checkFields(path, options, ['faults', 'after']);
  const { faults, after = GUARD_AFTER } = options;
  if (typeof faults !== 'number' || !(faults >= 0 && faults < 1))
    refuse(`${path}.faults`, 'must be a part, from 0 to less than 1');
  if (!Number.isSafeInteger(after) || after < 1) refuse(`${path}.after`, 'must be a whole number from 1 on');
  return { faults, after };
}

function shadowAt(options: ShadowOptions, index: number): ShadowRule {
  const path = `router.shadows[${index}]`;
  checkFields(path, options, ['agent', 'of', 'share', 'account', 'maxCost', 'compare']);
  const { agent, of, share, account, maxCost, compare = [''] } = options;
  checkText(`${path}.agent`, agent);
  checkCapability(`${path}.of`, of);
  if (agent === of) refuse(`${path}.of`, 'must be somebody else');
  const unpaid = account === undefined ? undefined : problemOfAddress(account);
  if (unpaid !== undefined) refuse(`${path}.account`, unpaid);
  const problem = maxCost === undefined ? undefined : problemOfAmount(maxCost);
  if (problem !== undefined) refuse(`${path}.maxCost`, problem);
  if (!Array.isArray(compare) || compare.length === 0)
    refuse(`${path}.compare`, 'must be a list of JSON pointers');
  for (const [i, pointer] of compare.entries()) {
    const wrong = problemOfPointer(pointer);
    if (wrong !== undefined) refuse(`${path}.compare[${i}]`, wrong);
  }
  return {
    ...{ agent, of, account, compare: [...compare] },
    buckets: bucketsAt(`${path}.share`, share),
    maxCost: maxCost === undefined ? undefined : microsOf(maxCost),
  };
}

function bucketsAt(path: string, share: unknown): number {
  const buckets = typeof share === 'number' ? Math.round(share * PER_CENT) : Number.NaN;
  if (!(buckets >= 0 && buckets <= BUCKETS) || buckets / PER_CENT !== share)
    refuse(path, 'must be per cent, from 0 to 100, with two decimals at most');
  return buckets;
}

function listAt<T>(path: string, list: readonly T[] | undefined): readonly T[] {
  if (list !== undefined && !Array.isArray(list)) refuse(path, 'must be a list');
  return list ?? [];
}

function checkText(path: string, text: unknown): void {
  if (typeof text !== 'string' || text === '') refuse(path, 'must be a name');
}

function checkCapability(path: string, capability: unknown): void {
  const problem = problemOfCapability(capability);
  if (problem !== undefined) refuse(path, problem);
}

/** What is misspelt would silently do nothing. */
function checkFields(path: string, options: unknown, known: readonly string[]): void {
  if (!isRecord(options)) refuse(path, `must be an object with ${known.join(', ')}`);
  const stranger = Object.keys(options).find((name) => !known.includes(name));
  if (stranger !== undefined) refuse(`${path}.${stranger}`, `means nothing; there are ${known.join(', ')}`);
}

function refuse(path: string, problem: string): never {
  throw new InvalidArgument(path, problem);
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen);
  return value;
}
