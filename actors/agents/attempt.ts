/**
 * One attempt: everything that is done around one call of an agent. It always resolves, with what came of it as a value: a result
 * that keeps the contract, or a fault that says what is wrong.
 *
 * The agent gets a frozen copy of its assignment, with what it has declared of the context and no more. What it answers is looked at
 * as a whole: its id, its status, its metadata, its output. An output that breaks the contract is never an output: it is kept apart as
 * evidence. Nothing is tried again here and nothing is swallowed; what comes of a fault, somebody else decides. Whether a result is
 * sure enough, too.
 */
import type { Json } from '../../machines/values/canonical.ts';
import type {
  Assignment,
  TaskEnvelope,
  TaskMetadata,
  TaskResult,
  TaskStatus,
} from '../../machines/contract.ts';
import type { Fault, FaultClass, ValueProblem } from '../../machines/faults/fault.ts';
import { microsOf, NOTHING, problemOfAmount } from '../../machines/values/money.ts';
import type { Micros } from '../../machines/values/money.ts';
import type { Billing } from '../../machines/task/words.ts';
import type { Agent } from './agent.ts';
import { faultOfAbort, wordsOf } from './fault-error.ts';
import { evidenceOf } from './quarantine.ts';
import type { Quarantined } from './quarantine.ts';
import { NO_OBJECT, repairedText, repairedValue } from './repair.ts';
import type { AppliedRepair, Repaired } from './repair.ts';
import { TOKEN_KINDS } from './price.ts';
import { faultSaidIn } from './said-fault.ts';
import { isRecord, plainCopyOf } from '../schema/plain.ts';
import { sourcesIn } from '../state/sources.ts';

/** Plain data. */
export type AttemptOutcome = Succeeded | Failed;

export interface Succeeded {
  /** Frozen, and checked. Its status is `success`. */
  readonly result: TaskResult;
  readonly cost: Micros;
  /** As measured here, beside what the agent says. */
  readonly durationMs: number;
  /** What the agent has found in its sources, as far as it has handed that over: to be kept under the hashes in the metadata. */
  readonly contents?: readonly Json[];
  /** By whose word it has cost that, where the agent says more than the sum. */
  readonly billing?: Billing;
  readonly fault?: undefined;
}

export interface Failed {
  readonly fault: Fault;
  readonly durationMs: number;
  readonly billing?: Billing;
  /** What the agent has answered, where a person is asked for: it keeps the contract. */
  readonly output?: TaskResult['output'];
  /** What it says of its answer, where that can be believed. */
  readonly metadata?: TaskMetadata;
  /** What it has answered, where that is no output. */
  readonly quarantined?: Quarantined;
  /** What the repairs that the contract names make of it. Whether that is taken, somebody else decides. */
  readonly repaired?: RepairedOutput;
  readonly contents?: readonly Json[];
  readonly result?: undefined;
}

export interface RepairedOutput {
  readonly output: TaskResult['output'];
  readonly applied: readonly AppliedRepair[];
}

export interface AttemptOptions {
  /** What comes of an answer that arrives after nobody waits for it any more. It may have cost something. */
  readonly onLate?: (outcome: AttemptOutcome) => void;
}

/** Calls an agent once. Never rejects. */
export async function attempt(
  agent: Agent,
  assignment: Assignment,
  { onLate }: AttemptOptions = {},
): Promise<AttemptOutcome> {
  const startedMs = performance.now();
  const measured = (outcome: Unmeasured): AttemptOutcome => ({
    ...outcome,
    durationMs: Math.max(0, Math.round(performance.now() - startedMs)),
  });
  const given = assignmentFor(agent, assignment);
  if ('fault' in given) return measured(given);
  const { signal } = given.assignment;
  // Nobody was asked.
  if (signal.aborted) return measured({ fault: { ...faultOfAbort(signal), cost: NOTHING } });
  const answered = outcomeOf(agent, given.assignment);
  const outcome = await untilAborted(answered, signal);
  if (outcome !== ABORTED) return measured(outcome);
  // Whoever listens throws; what that says of the abort is less than what we know.
  if (onLate !== undefined) void answered.then((late) => onLate(measured(late)));
  return measured({ fault: faultOfAbort(signal) });
}

type Unmeasured = Omit<Succeeded, 'durationMs'> | Omit<Failed, 'durationMs'>;
type Refused = Omit<Failed, 'durationMs'>;

/** What the agent is given: a copy that is its own, of what is its business. */
function assignmentFor(agent: Agent, assignment: Assignment): { readonly assignment: Assignment } | Refused {
  const { signal, permit, ...rest } = assignment;
  const declared = rest.context.values;
  const values = Object.fromEntries(
    agent.contextKeys.filter((key) => Object.hasOwn(declared, key)).map((key) => [key, declared[key]]),
  );
  const { traceparent, ...known } = { ...rest, context: { ...rest.context, values } };
  const plain = plainCopyOf(known);
  const problems = plain.ok ? problemsOfInput(agent, assignment) : plain.problems;
  if (!plain.ok || problems.length > 0) {
    const message = 'the assignment breaks the contract, and the agent was not asked';
    return { fault: { class: 'invalid-input', message, problems } };
  }
  const tooLong = faultOfLength(agent, plain.value as Pick<Assignment, 'input'>);
  if (tooLong !== undefined) return { fault: tooLong };
  const copy = plain.value as Omit<Assignment, 'signal' | 'traceparent' | 'permit'>;
  const whole = { ...copy, signal, traceparent, ...(permit !== undefined && { permit }) };
  return { assignment: Object.freeze(whole) };
}

function problemsOfInput(agent: Agent, { input, constraints }: TaskEnvelope): ValueProblem[] {
  const checking = agent.contract.input.check(input);
  const problems = checking.ok ? [] : checking.problems.map((problem) => below('/input', problem));
  if (!isRecord(input) && checking.ok) problems.push(below('/input', NO_OBJECT));
  const wrongCost = problemOfAmount(constraints.maxCost);
  if (wrongCost !== undefined) problems.push(problemAt('/constraints/maxCost', 'amount', wrongCost));
  return problems;
}

/** Counted before it is asked: nothing is cut off to make it fit. */
function faultOfLength(
  { name, window, countTokens }: Agent,
  { input }: Pick<Assignment, 'input'>,
): Fault | undefined {
  if (window === undefined || countTokens === undefined) return undefined;
  let tokens: unknown;
  try {
    tokens = countTokens(input);
  } catch (error) {
    const message = `${name} cannot count its tokens: ${wordsOf(error)}`;
    return { class: 'crash', message, cost: NOTHING };
  }
  if (!Number.isSafeInteger(tokens) || (tokens as number) < 0) {
    const message = `${name} counts ${String(tokens)} tokens, which is no number of them`;
    return { class: 'contract-violation', message, cost: NOTHING };
  }
  if ((tokens as number) <= window) return undefined;
  const message = `${String(tokens)} tokens do not fit into the ${window} of ${name}, and it was not asked`;
  return { class: 'context-window', message, cost: NOTHING };
}

const below = (place: string, problem: ValueProblem): ValueProblem => ({
  ...problem,
  pointer: `#${place}${problem.pointer.slice(1)}`,
});

const problemAt = (place: string, keyword: string, detail: string, expected?: unknown): ValueProblem => ({
  pointer: `#${place}`,
  keyword,
  schemaPath: '#',
  ...(expected === undefined ? {} : { expected }),
  detail,
});

const ABORTED = Symbol('aborted');

/** What comes first. @param answered never rejects */
function untilAborted<T>(answered: Promise<T>, signal: AbortSignal): Promise<T | typeof ABORTED> {
  return new Promise((resolve) => {
    const abort = (): void => resolve(ABORTED);
    signal.addEventListener('abort', abort, { once: true });
    void answered.then((answer) => {
      signal.removeEventListener('abort', abort);
      resolve(answer);
    });
  });
}

async function outcomeOf(agent: Agent, assignment: Assignment): Promise<Unmeasured> {
  let answer: unknown;
  try {
    answer = await agent.execute(assignment);
  } catch (error) {
    return legible('crash', 'what it has thrown', () => outcomeOfThrown(agent, assignment.signal, error));
  }
  return legible('contract-violation', 'the answer', () => outcomeOfAnswer(agent, assignment, answer));
}

/** What comes from an agent runs code when it is looked at: a getter, a proxy. */
function legible(otherwise: FaultClass, what: string, read: () => Unmeasured): Unmeasured {
  try {
    return read();
  } catch (error) {
    return { fault: { class: otherwise, message: `${what} cannot be read: ${wordsOf(error)}` } };
  }
}

function outcomeOfThrown(agent: Agent, signal: AbortSignal, error: unknown): Refused {
  const fault = faultSaidIn(error);
  // It was told to stop, and stopped.
  if (fault === undefined && signal.aborted) return { fault: faultOfAbort(signal) };
  if (fault === undefined) return { fault: { class: 'crash', message: wordsOf(error) } };
  const { answer, isWhole, ...rest } = fault;
  if (answer === undefined) return { fault: rest };
  // Mended, a result would be taken for an output, whatever it says of itself.
  if (isWhole) return { fault: rest, quarantined: evidenceOf(answer) };
  const repaired = repairedOf(agent, () => repairedText(answer, agent.repairs, agent.contract.output));
  return { fault: rest, quarantined: evidenceOf(answer), ...repaired };
}

const STATUSES: readonly TaskStatus[] = ['success', 'failure', 'needs_review'];

function outcomeOfAnswer(agent: Agent, { id, constraints }: TaskEnvelope, answer: unknown): Unmeasured {
  if (!isRecord(answer)) return violation([NO_OBJECT], answer);
  const { output, status } = answer;
  const { metadata, problems, contents } = metadataOf(answer['metadata'], constraints.maxCost);
  const paid = metadata === undefined ? costIn(answer['metadata']) : microsOf(metadata.cost);
  if (answer['id'] !== id) problems.unshift(problemAt('/id', 'const', 'must be that of the envelope'));
  if (!STATUSES.includes(status as TaskStatus))
    problems.push(problemAt('/status', 'enum', `must be one of ${STATUSES.join(', ')}`, STATUSES));
  if (problems.length > 0 || metadata === undefined || paid === undefined)
    return violation(problems, output, paid);
  const known = { metadata, paid, output };
  const billing = billingIn(answer['metadata']);
  return {
    ...outcomeOfStatus(agent, id, status as TaskStatus, known),
    ...(contents.length > 0 && { contents }),
    ...(billing !== undefined && { billing }),
  };
}

function outcomeOfStatus(agent: Agent, id: string, status: TaskStatus, known: Known): Unmeasured {
  const { metadata, paid, output } = known;
  if (status === 'failure') {
    const message = `${agent.name} reports that it could not do it`;
    return {
      fault: { class: 'agent-failure', message, cost: paid },
      metadata,
      quarantined: evidenceOf(output),
    };
  }
  const isReview = status === 'needs_review';
  const checked = checkedOutput(agent, output);
  if (!checked.ok)
    return isReview
      ? reviewWithout(agent, known, checked.problems)
      : mismatch(agent, known, checked.problems);
  if (isReview) return { fault: reviewFault(agent, paid), metadata, output: checked.output };
  const result: TaskResult = Object.freeze({ id, status: 'success', output: checked.output, metadata });
  return { result, cost: paid };
}

/** An answer with metadata that can be believed. */
interface Known {
  readonly metadata: TaskMetadata;
  readonly paid: Micros;
  readonly output: unknown;
}

function violation(problems: readonly ValueProblem[], output: unknown, cost?: Micros): Refused {
  const message = `the answer breaks the contract: ${problems.map(({ pointer, detail }) => `${pointer} ${detail}`).join(', ')}`;
  const fault: Fault = {
    class: 'contract-violation',
    message,
    problems,
    ...(cost === undefined ? {} : { cost }),
  };
  return { fault, quarantined: evidenceOf(output) };
}

function mismatch(
  agent: Agent,
  { metadata, paid, output }: Known,
  problems: readonly ValueProblem[],
): Refused {
  const message = `the output breaks the schema in ${problems.length} ${problems.length === 1 ? 'place' : 'places'}`;
  return {
    fault: { class: 'schema-mismatch', message, problems, cost: paid },
    metadata,
    quarantined: evidenceOf(output),
    ...repairedOf(agent, () => repairedValue(output, agent.repairs, agent.contract.output)),
  };
}

/** A person is asked for, and the output is not yet what it must be: that person is told what is missing. */
function reviewWithout(
  agent: Agent,
  { metadata, paid, output }: Known,
  problems: readonly ValueProblem[],
): Refused {
  return { fault: { ...reviewFault(agent, paid), problems }, metadata, quarantined: evidenceOf(output) };
}

const reviewFault = ({ name }: Agent, cost: Micros): Fault => ({
  class: 'needs-review',
  message: `${name} asks for a person`,
  cost,
});

function repairedOf(agent: Agent, repair: () => Repaired): { repaired?: RepairedOutput } {
  if (agent.repairs.length === 0) return {};
  const repaired = repair();
  return repaired.ok ? { repaired: { output: repaired.output, applied: repaired.applied } } : {};
}

type CheckedOutput =
  | { readonly ok: true; readonly output: TaskResult['output'] }
  | { readonly ok: false; readonly problems: readonly ValueProblem[] };

function checkedOutput(agent: Agent, output: unknown): CheckedOutput {
  const checking = agent.contract.output.check(output);
  if (!checking.ok) return checking;
  return isRecord(checking.value)
    ? { ok: true, output: checking.value }
    : { ok: false, problems: [NO_OBJECT] };
}

/** Whoever has forgotten to say what it may cost is told where. */
const tooDear = (maxCost: number): string =>
  maxCost > 0
    ? 'is more than it may cost'
    : 'is more than it may cost, which is nothing: give the agent an estimate, or the task a maxCost';

/** Looks at every part of the metadata. All of them must be there; what there is besides is not taken over. */
function metadataOf(
  given: unknown,
  maxCost: number,
): { metadata?: TaskMetadata; problems: ValueProblem[]; contents: readonly Json[] } {
  if (!isRecord(given)) return { problems: [below('/metadata', NO_OBJECT)], contents: [] };
  const { cost, duration, model, confidence } = given;
  const problems: ValueProblem[] = [];
  const report = (name: keyof TaskMetadata, keyword: string, detail: string, expected?: unknown): void => {
    problems.push(problemAt(`/metadata/${name}`, keyword, detail, expected));
  };
  const wrongCost = problemOfAmount(cost);
  if (wrongCost !== undefined) report('cost', 'amount', wrongCost);
  // It was spent all the same: the fault says how much.
  else if ((cost as number) > maxCost) report('cost', 'maximum', tooDear(maxCost), maxCost);
  if (!isWithin(duration, 0, Number.MAX_VALUE))
    report('duration', 'minimum', 'must be milliseconds, 0 or more', 0);
  if (typeof model !== 'string' || model.trim() === '' || !model.isWellFormed())
    report('model', 'type', 'must say which model, tool or person has done it', 'string');
  if (!isWithin(confidence, 0, 1)) report('confidence', 'maximum', 'must be a number from 0 to 1', 1);
  const { sources, contents, problems: wrongSources } = sourcesIn(given['sources']);
  problems.push(...wrongSources.map((problem) => below('/metadata/sources', problem)));
  if (problems.length > 0) return { problems, contents };
  const metadata = { cost, duration, model, confidence, ...(sources && { sources }) } as TaskMetadata;
  return { metadata: Object.freeze(metadata), problems, contents };
}

const isWithin = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && value >= least && value <= most;

/** What metadata that cannot be believed as a whole says of the cost, where that makes sense. */
function costIn(metadata: unknown): Micros | undefined {
  const cost = isRecord(metadata) ? metadata['cost'] : undefined;
  return problemOfAmount(cost) === undefined ? microsOf(cost as number) : undefined;
}

const PRICED = /^price:(sha256:[0-9a-f]{64})$/;

/** What metadata says of where the cost comes from, as the adapters do. Of anything else the agent's word is all there is. */
function billingIn(metadata: unknown): Billing | undefined {
  const { costSource, tokens } = metadata as { readonly costSource?: unknown; readonly tokens?: unknown };
  const counted = countsIn(tokens);
  const known = counted === undefined ? {} : { tokens: counted };
  if (costSource === 'provider') return { source: 'provider', ...known };
  const price = typeof costSource === 'string' ? PRICED.exec(costSource)?.[1] : undefined;
  if (price !== undefined) return { source: 'local', price, ...known };
  return counted === undefined ? undefined : { source: 'agent', ...known };
}

function countsIn(tokens: unknown): Billing['tokens'] {
  if (!isRecord(tokens)) return undefined;
  const counts = TOKEN_KINDS.map((kind) => [kind, tokens[kind]] as const);
  const areCounts = counts.every(([, count]) => Number.isSafeInteger(count) && (count as number) >= 0);
  return areCounts ? (Object.fromEntries(counts) as Billing['tokens']) : undefined;
}
