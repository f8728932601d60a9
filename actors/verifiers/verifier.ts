/**
 * Verifiers: whether an answer that fits its schema is true, as far as that can be shown without asking anybody. A verifier is
 * pure and says the same each time: it calculates, compares, and looks things up in sources that are kept by the hash of
 * their content. It has a name and a version, because what it says goes on record.
 *
 * What cannot be checked has not been shown to be right: a source that is missing, a field that is not there, a verifier that
 * throws are all faults, never silence.
 */
import type { Fault, ValueProblem } from '../../machines/faults/fault.ts';

type Values = Readonly<Record<string, unknown>>;

/** What is checked, and against what. */
export interface Claim {
  /** The id of the envelope. */
  readonly task: string;
  readonly input: Values;
  readonly output: Values;
  /** The text that is stored under the hash of its content; undefined where there is none. */
  readonly sources: (hash: string) => string | undefined;
  /** What others have answered to the same input. */
  readonly others?: readonly Values[];
}

export type Assessment =
  | { readonly ok: true; readonly evidence?: unknown }
  | { readonly ok: false; readonly problems: readonly ValueProblem[]; readonly evidence?: unknown };

export interface Verifier {
  readonly name: string;
  /** Raised with every change of what it says. */
  readonly version: number;
  /** Must be pure. */
  check(claim: Claim): Assessment;
  /** It compares what several have answered: a task asks them before it asks it. */
  readonly others?: Others;
  /** What was declared to it, where a change of that is a change of the task. */
  readonly declared?: unknown;
}

/** Who else must have answered. */
export interface Others {
  /** So many answers are wanted, the one that is checked included. */
  readonly of: number;
  /** Whether no two may be of the same model. */
  readonly models: 'different' | 'any';
  /** Where they are compared. */
  readonly on: readonly string[];
  /** Whether it says anything about a task, by the id of its envelope. Default: about all. */
  readonly isAbout?: (task: string) => boolean;
}

/** Whether something has all that a verifier must have. */
export function isVerifier(given: unknown): given is Verifier {
  const { name, version, check, others } = (given ?? {}) as Partial<Verifier>;
  const isOne = typeof name === 'string' && name !== '' && Number.isSafeInteger(version);
  return isOne && typeof check === 'function' && (others === undefined || isOthers(others));
}

function isOthers(given: unknown): boolean {
  const { of, on } = (given ?? {}) as Partial<Others>;
  return Number.isSafeInteger(of) && Array.isArray(on) && on.every((one) => typeof one === 'string');
}

/** What one verifier has said. */
export interface Finding {
  readonly verifier: string;
  readonly version: number;
  readonly assessment: Assessment;
}

export type Verification =
  | { readonly ok: true; readonly findings: readonly Finding[] }
  | { readonly ok: false; readonly findings: readonly Finding[]; readonly fault: Fault };

/** Asks all verifiers: whoever repairs an answer wants to know everything that is wrong with it. */
export function verify(verifiers: readonly Verifier[], claim: Claim): Verification {
  const findings = verifiers.map((verifier) => findingOf(verifier, claim));
  const against = findings.flatMap(({ verifier, version, assessment }) =>
    assessment.ok ? [] : [{ name: `${verifier}@${version}`, problems: assessment.problems }],
  );
  if (against.length === 0) return { ok: true, findings };
  const problems = against.flatMap((finding) => finding.problems);
  const names = against.map(({ name }) => name).join(', ');
  const message = `${names}: ${problems[0]?.detail ?? 'not shown to be right'}`;
  return { ok: false, findings, fault: { class: 'factually-wrong', message, problems } };
}

/** Those that look at an answer alone, and those that compare it with what others say, for one task. */
export function dividedFor(
  task: string,
  verifiers: readonly Verifier[],
): readonly [alone: readonly Verifier[], compared: readonly Verifier[]] {
  const compares = ({ others }: Verifier): boolean =>
    others !== undefined && (others.isAbout?.(task) ?? true);
  return [verifiers.filter((one) => !compares(one)), verifiers.filter(compares)];
}

/** How many answers all of them together want; undefined: none of them compares any. */
export function othersFor(verifiers: readonly Verifier[]): Omit<Others, 'on' | 'isAbout'> | undefined {
  const all = verifiers.flatMap(({ others }) => others ?? []);
  if (all.length === 0) return undefined;
  const models = all.some((one) => one.models === 'different') ? 'different' : 'any';
  return { of: Math.max(...all.map(({ of }) => of)), models };
}

function findingOf(verifier: Verifier, claim: Claim): Finding {
  const { name, version } = verifier;
  return { verifier: name, version, assessment: assessmentOf(verifier, claim) };
}

function assessmentOf(verifier: Verifier, claim: Claim): Assessment {
  try {
    return saidBy(verifier.check(claim));
  } catch (error) {
    const detail = `could not be checked: ${error instanceof Error ? error.message : 'it threw what is no error'}`;
    return assessment([{ pointer: '#', keyword: 'verifier', schemaPath: '#', detail }]);
  }
}

/** What a verifier says, if it does. What it says later nobody hears, nor that it goes wrong. @throws TypeError */
function saidBy(given: unknown): Assessment {
  if (given instanceof Promise) given.catch(() => {});
  const { ok, problems } = (given ?? {}) as { readonly ok?: unknown; readonly problems?: unknown };
  if (ok === true || (ok === false && Array.isArray(problems) && problems.every(isProblem)))
    return given as Assessment;
  throw new TypeError(
    'a verifier says at once { ok: true }, or { ok: false, problems: [{ pointer, detail, … }] }',
  );
}

function isProblem(given: unknown): boolean {
  const { pointer, detail } = (given ?? {}) as Partial<ValueProblem>;
  return typeof pointer === 'string' && typeof detail === 'string';
}

/** Right if nothing is wrong. */
export function assessment(problems: readonly ValueProblem[], evidence?: unknown): Assessment {
  const rest = evidence === undefined ? {} : { evidence };
  return problems.length === 0 ? { ok: true, ...rest } : { ok: false, problems, ...rest };
}
