/**
 * A person as an agent. They have a contract as everybody has, and are found, permitted and paid like others; but they are not called:
 * what they are asked for waits for them among the reviews, and they put their answer in the place of what is proposed there. What
 * they have done costs their recorded time.
 */
import { costOfSupplied } from '../../machines/task/serving.ts';
import { amountOf, microsOf, NOTHING, problemOfAmount } from '../../machines/values/money.ts';
import type { WorkingCalendar } from '../../machines/working-time/calendar.ts';
import type { Answer, Asking, PersonTerms, Supplied } from '../../machines/task/words.ts';
import type { Duration } from 'effect';
import { millisOf } from '../../runtime/index.ts';
import { agent } from './agent.ts';
import type { Agent, AgentDetails, Contract } from './agent.ts';
import { ContractRefused } from '../errors.ts';
import type { ContractProblem } from '../errors.ts';
import { checkWorkingTimes } from '../workflow/gate-times.ts';
import { FaultError } from './fault-error.ts';
import type { Inferred, SchemaLike } from '../schema/inferred.ts';

export interface HumanOptions<TInput extends SchemaLike, TOutput extends SchemaLike> extends Pick<
  AgentDetails<Inferred<TInput>>,
  'name' | 'version' | 'estimate' | 'budget' | 'hours'
> {
  readonly capabilities: readonly string[];
  readonly inputSchema: TInput;
  readonly outputSchema: TOutput;
  /** Who may do it. Whether somebody has the role is for the decider to say. */
  readonly role: string;
  /** For an hour of their time, as a decimal amount. Needs `estimate`: that much is reserved. Default: it costs nothing. */
  readonly rate?: number;
  /** How long they have. Default: for ever. */
  readonly within?: Duration.Input;
  /** In whose working time that is counted. Default: as the clock goes. */
  readonly calendar?: WorkingCalendar;
  /** Whether the one who has started the run may do it. Default `refuse`. */
  readonly ownRuns?: 'refuse' | 'allow';
}

/** Of every agent that is a person. */
const people = new WeakMap<object, PersonTerms>();

/** How a person is asked; undefined of any other agent. */
export const personTermsOf = (of: Agent): PersonTerms | undefined => people.get(of);

/** @throws ContractRefused with everything that is wrong */
export function human<const TInput extends SchemaLike, const TOutput extends SchemaLike>(
  options: HumanOptions<TInput, TOutput>,
): Agent<Inferred<TInput>, Inferred<TOutput>> {
  const { role, rate, within, calendar, ownRuns = 'refuse', ...contract } = options;
  const problems = [...problemsOf(options)];
  checkWorkingTimes(
    (pointer, detail) => problems.push({ pointer, detail }),
    '#',
    { within, calendar },
    undefined,
  );
  if (problems.length > 0) throw new ContractRefused(`agent '${options.name}'`, problems);
  const made = agent({
    ...contract,
    model: `person: ${role}`,
    execute: () => {
      const message = `${contract.name} is a person, who is asked by a review: start the task in a system`;
      return Promise.reject(new FaultError({ class: 'unavailable', message, cost: NOTHING }));
    },
  });
  people.set(made, {
    role,
    schema: made.contract.output.hash,
    ...(rate !== undefined && { rate: microsOf(rate) }),
    ...(within !== undefined && { withinMs: millisOf(within, 'within') }),
    // A copy: whoever has given it may change it later.
    ...(calendar !== undefined && { calendar: structuredClone(calendar) }),
    ...(ownRuns === 'allow' && { ownRuns }),
  });
  return made;
}

function* problemsOf({
  role,
  rate,
  within,
  ownRuns,
  estimate,
}: HumanOptions<SchemaLike, SchemaLike>): Generator<ContractProblem> {
  if (typeof role !== 'string' || role.trim() === '')
    yield { pointer: '#/role', detail: 'must say which role may do it' };
  const wrongRate = rate === undefined ? undefined : problemOfAmount(rate);
  if (wrongRate !== undefined) yield { pointer: '#/rate', detail: wrongRate };
  if (rate !== undefined && estimate === undefined)
    yield { pointer: '#/estimate', detail: 'is missing: with a rate, so much must be reserved' };
  if (ownRuns !== undefined && !['refuse', 'allow'].includes(ownRuns))
    yield { pointer: '#/ownRuns', detail: "must be 'refuse' or 'allow'" };
  try {
    if (within !== undefined && millisOf(within, 'within') < 1)
      yield { pointer: '#/within', detail: 'must be a duration of 1 ms or more' };
  } catch {
    yield { pointer: '#/within', detail: "must be a duration: '2 days'" };
  }
}

/**
 * What came of asking a person, as what any agent answers.
 * @param contract that of whoever has the name now; undefined: nobody has
 */
export function answerOfPerson(
  { agent: name, envelope: { id } }: Pick<Asking, 'agent' | 'envelope'>,
  contract: Pick<Contract, 'output'> | undefined,
  supplied: Supplied,
): Answer {
  const { terms, verdict, output, by = 'nobody', reason = '', durationMs } = supplied;
  const { role } = terms;
  const cost = costOfSupplied(supplied);
  const known = { durationMs, billing: { source: 'local' } as const };
  if (verdict === 'expired') {
    const message = `nobody of ${role} has done it in time`;
    return { fault: { class: 'timeout', message, cost }, ...known };
  }
  if (verdict !== 'approved') {
    const message = `${by} has not done it: ${reason}`;
    return { fault: { class: 'agent-failure', message, cost }, ...known };
  }
  if (contract === undefined) {
    const message = `${name} is no agent any more, and nobody can say whether what ${by} has supplied is right`;
    return { fault: { class: 'no-agent', message, cost }, ...known };
  }
  const metadata = { cost: amountOf(cost), duration: durationMs, model: `person: ${by}`, confidence: 1 };
  const checking = contract.output.check(output);
  if (!checking.ok) {
    const message = `what ${by} has supplied breaks the schema`;
    return {
      ...{ fault: { class: 'schema-mismatch', message, problems: checking.problems, cost } },
      ...{ metadata, ...known },
    };
  }
  const whole = checking.value as Readonly<Record<string, unknown>>;
  return { result: { id, status: 'success', output: whole, metadata }, cost, ...known };
}
