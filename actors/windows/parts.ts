/**
 * What a task that declares it does in parts: where its text is cut, what each part is given, and what the answers come to. The whole
 * is held against the contract like any other answer; that each part fits into the window is seen when it is asked.
 */
import type { Fault } from '../../machines/faults/fault.ts';
import { frozen } from '../../machines/values/frozen.ts';
import { NOTHING } from '../../machines/values/money.ts';
import type { Answer, Cut, Joining, PartOf, Split } from '../../machines/task/words.ts';
import type { Agent } from '../agents/agent.ts';
import { chunked, merged, mergedMetadata } from './chunking.ts';
import type { Chunked, Chunking } from './chunking.ts';
import { wordsOf } from '../agents/fault-error.ts';
import { estimateOf } from '../routing/cost.ts';
import { replaced, select } from '../values/selection.ts';

type Values = Readonly<Record<string, unknown>>;

/** Where the text is cut for an agent, by its own count of everything that it is given with a part. */
export function splitFor(agent: Agent, chunking: Chunking, input: unknown): Split {
  const { name } = agent;
  if (agent.countTokens === undefined)
    return { fault: refusal(`${name} does not count its tokens, so nobody can tell how long a part may be`) };
  const counter = {
    name,
    count: (text: string) => agent.countTokens!(replaced(input, chunking.pointer, text)),
  };
  try {
    const parts = chunked(input as Values, chunking, counter);
    return parts.ok ? { cuts: cutsOf(agent, parts) } : { fault: { ...parts.fault, cost: NOTHING } };
  } catch (error) {
    return { fault: { class: 'crash', message: wordsOf(error), cost: NOTHING } };
  }
}

function cutsOf(agent: Agent, { parts, inputs }: Extract<Chunked, { readonly ok: true }>): readonly Cut[] {
  return parts.map((part, index) => (isFree(agent, inputs[index]!) ? { ...part, isFree: true } : part));
}

function isFree(agent: Agent, input: Values): boolean {
  const estimated = estimateOf(agent, frozen(input), Date.now());
  return typeof estimated === 'object' && estimated.estimate === NOTHING;
}

const refusal = (message: string): Fault => ({ class: 'context-window', message, cost: NOTHING });

/** The input of a part: that of the whole, with this of the text alone. */
export function inputOfPart(input: Values, { pointer, from, to }: PartOf): Values {
  const [place] = select(input, pointer);
  return replaced(input, pointer, (place!.value as string).slice(from, to)) as Values;
}

/** The answer to the whole. What was done in attempts before this one was paid then. */
export function joinedBy(agent: Agent, chunking: Chunking, { envelope, answers, spent }: Joining): Answer {
  const durationMs = answers.reduce((sum, answer) => sum + answer.durationMs, 0);
  const known = { durationMs, ...billingOf(answers) };
  const metadata = mergedMetadata(answers.map(({ result }) => result.metadata));
  const whole = merged(
    answers.map(({ result }) => result.output),
    chunking,
  );
  const checking = whole.ok ? agent.contract.output.check(whole.output) : whole;
  if (!whole.ok || !checking.ok) {
    const message = 'what the answers to all parts come to is no answer to the whole';
    const problems = checking.ok ? [] : checking.problems;
    return { fault: { class: 'schema-mismatch', message, problems, cost: spent }, metadata, ...known };
  }
  const { id } = envelope;
  return { result: { id, status: 'success', output: whole.output, metadata }, cost: spent, ...known };
}

/** By whose word the sum is: by theirs, if all say the same. */
function billingOf(answers: Joining['answers']): Pick<Answer, 'billing'> {
  const [first, ...others] = answers.map(({ billing }) => billing);
  if (first === undefined) return {};
  const { source, price } = first;
  const isSame = others.every((other) => other?.source === source && other.price === price);
  return isSame ? { billing: { source, ...(price !== undefined && { price }) } } : {};
}
