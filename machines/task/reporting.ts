/**
 * What a task tells others of its attempts: track records, what came of them; shadows, what was asked and what was answered. Each is
 * told once, with the step in which it became known, and nobody answers.
 */
import type { ShadowAnswer, ShadowAsk } from '../routing/comparison.ts';
import { sideOf } from '../routing/comparison.ts';
import { amountOf } from '../values/money.ts';
import type { RecordReport } from '../routing/track-record.ts';
import { askingOf } from './attempts.ts';
import type { AttemptNote, TaskContext } from './progress.ts';
import type { TaskSpec } from './words.ts';

/** A message to an address. */
export interface Told<TMessage> {
  readonly to: string;
  readonly message: TMessage;
}

/** Of the attempts that are over and were not told of: one message to each record. One that asked nobody says nothing about anybody. */
export function reports({ log, reported }: TaskContext): Told<RecordReport>[] {
  const told = new Map<string, Told<RecordReport>>();
  for (const note of log.slice(reported)) {
    if (note.record === undefined || note.to === undefined || note.unasked) continue;
    const { record: to, capability = '' } = note;
    const key = `${to} ${capability}`;
    const before = told.get(key)?.message.attempts ?? [];
    const attempts = [...before, reportOf(note, note.to)];
    told.set(key, { to, message: { type: 'record.report', capability, attempts } });
  }
  return [...told.values()];
}

function reportOf({ fault, confidence, cost, estimate, from }: AttemptNote, to: number) {
  return {
    durationMs: Math.max(0, to - from),
    ...(fault !== undefined && { fault }),
    ...(confidence !== undefined && { confidence }),
    ...(cost !== undefined && { cost }),
    ...(estimate !== undefined && { estimate }),
  };
}

/** Shadows are asked the first question, and no other: what the chosen agent is asked after that depends on what it has said. */
const isFirst = ({ attempts }: TaskContext): boolean => attempts === 1;

export function shadowAsks(context: TaskContext, spec: TaskSpec): Told<ShadowAsk>[] {
  const { advice, id, start } = context;
  if (!isFirst(context)) return [];
  return (advice?.shadows ?? []).map(({ address, agent, permits, account, maxCost, compare, known }) => {
    // Whoever is asked besides pays for itself, and does all of it by itself.
    const {
      known: _,
      bill: __,
      supplied: ___,
      inParts: ____,
      parts: _____,
      ...asking
    } = askingOf(context, spec);
    const constraints = { ...asking.envelope.constraints, maxCost: amountOf(maxCost) };
    const { idempotencyKey } = asking;
    return {
      to: address,
      message: {
        ...{ type: 'shadow.ask', ticket: id, run: start.run, task: start.task, account, maxCost, compare },
        timeoutMs: constraints.timeout,
        asking: {
          ...{ ...asking, agent, permits },
          ...(known !== undefined && { known }),
          envelope: { ...asking.envelope, constraints },
          idempotencyKey: `${idempotencyKey}~${agent}`,
        },
      },
    };
  });
}

export function shadowAnswers(context: TaskContext): Told<ShadowAnswer>[] {
  const { advice, answer, id } = context;
  if (!isFirst(context) || advice?.shadows === undefined || answer === undefined) return [];
  const message: ShadowAnswer = { type: 'shadow.answer', ticket: id, side: sideOf(advice.agent, answer) };
  return advice.shadows.map(({ address }) => ({ to: address, message }));
}
