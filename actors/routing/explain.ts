/**
 * A decision about who does a task, in words for people. Everything in it was recorded with the decision: nothing is looked up, and
 * nothing decided again.
 */
import { amountOf } from '../../machines/values/money.ts';
import type { Advice, RouteNote, RouteScore } from '../../machines/task/words.ts';
import type { AttemptNote } from '../../machines/task/progress.ts';
import { isRecord } from '../schema/plain.ts';

/**
 * @param of the snapshot of a task (its context will do), or a record of its history in which it was advised
 * @returns lines; a text that says so where there was no decision yet
 */
export function explainRoute(of: unknown): string {
  const advice = adviceIn(of);
  const log = logIn(of);
  const lines = [
    ...(advice === undefined ? ['Nobody was chosen yet.'] : wordsOf(advice)),
    ...log.map(attemptIn),
  ];
  return lines.join('\n');
}

function wordsOf(advice: Advice): string[] {
  const { passedOver, route } = advice;
  return [
    advice.fault === undefined
      ? `${advice.agent} does it: ${advice.because}. It may cost ${amountOf(advice.maxCost)}.`
      : `Nobody does it: ${advice.fault.message}${inMs(advice.fault.retryAfterMs)}.`,
    ...(route === undefined ? [] : routeIn(route)),
    ...(advice.fault === undefined ? [permissionIn(advice.permission)] : []),
    ...passedOver.map(
      ({ agent, why, retryAfterMs }) => `- ${agent} is passed over: ${why}${inMs(retryAfterMs)}.`,
    ),
    ...(advice.fault === undefined ? (advice.shadows ?? []) : []).map(
      ({ agent, address }) => `- ${agent} is asked in its shadow: see ${address}.`,
    ),
  ];
}

const inMs = (ms: number | undefined): string => (ms === undefined ? '' : `, worth another look in ${ms} ms`);

function permissionIn({
  effect,
  determining,
  reasons,
}: {
  readonly effect: string;
  readonly determining: readonly string[];
  readonly reasons: readonly string[];
}): string {
  const by = determining.length > 0 ? ` by ${determining.join(', ')}` : '';
  return `Decided: ${effect}${by}${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}.`;
}

const ORDERS: Readonly<Record<string, string>> = {
  cost: 'the cheapest first',
  quality: 'who was accepted most often first',
  order: 'as the system names them',
  named: 'as the task names them',
  weights: 'by weighed figures',
};

function routeIn({ rules, order, scores, experiment }: RouteNote): string[] {
  const dealt =
    experiment === undefined
      ? []
      : [
          `Experiment ${experiment.id}: arm ${experiment.arm} (bucket ${experiment.bucket} of 10000)` +
            `${experiment.left === undefined ? '' : `, left because ${experiment.left}`}.`,
        ];
  const heading = `Asked in this order, ${ORDERS[order] ?? order}, by the rules ${rules}:`;
  return [...dealt, ...(scores.length === 0 ? [] : [heading, ...scores.map(scoreIn)])];
}

function scoreIn(score: RouteScore, index: number): string {
  const { agent, estimate, expected, prices, attempts, accepted, free, score: sum } = score;
  const known = [
    ...(estimate === undefined ? ['it does not say what it costs'] : [`estimated ${amountOf(estimate)}`]),
    ...(expected === undefined || expected === estimate ? [] : [`by experience ${amountOf(expected)}`]),
    ...(prices === undefined ? [] : [`prices ${prices}`]),
    ...(attempts === undefined ? [] : [`${accepted} of ${attempts} attempts accepted`]),
    ...(free === undefined ? [] : [`${free} % free`]),
    ...(sum === undefined ? [] : [`figure ${sum}`]),
  ];
  return `${index + 1}. ${agent}: ${known.join(', ')}`;
}

function attemptIn({ number, agent, confirms, unasked, fault, message, move }: AttemptNote): string {
  const who = confirms === undefined ? agent : `${agent}, to confirm what ${confirms} has answered`;
  if (fault === undefined)
    return `Attempt ${number}: ${who}${unasked ? ', not asked: it was given up before' : ''}.`;
  return `Attempt ${number}: ${who}: ${fault}: ${message}${move === undefined ? '' : `; then ${move}`}.`;
}

// ---- where it stands ------------------------------------------------------------------------------------------------

/** In a snapshot, a context, an event or a record of the history. */
function adviceIn(of: unknown): Advice | undefined {
  if (isAdvice(of)) return of;
  if (!isRecord(of)) return undefined;
  const { context, event, output, advice, passedOver, fault } = of;
  for (const inner of [context, event, output]) {
    const found = adviceIn(inner);
    if (found !== undefined) return found;
  }
  if (isAdvice(advice)) return advice;
  // In the context of a task for which there was nobody.
  return 'advice' in of && isRecord(fault) && Array.isArray(passedOver) && passedOver.length > 0
    ? ({ fault, passedOver } as unknown as Advice)
    : undefined;
}

const isAdvice = (value: unknown): value is Advice =>
  isRecord(value) &&
  Array.isArray(value['passedOver']) &&
  ('permission' in value || ('fault' in value && !('log' in value)));

function logIn(of: unknown): readonly AttemptNote[] {
  if (!isRecord(of)) return [];
  const { log, context } = of;
  return Array.isArray(log) ? (log as readonly AttemptNote[]) : logIn(context);
}
