/**
 * What the staff is asked, as it is called where the asking process lives. A process that a fork goes on with was given what its original
 * was: whoever it asks, pays and tells is the fork's, and so is its key.
 */
import type { Asking, BillTo, Consultation, Question, Verification } from '../../machines/task/words.ts';
import type { BudgetLabels } from '../../machines/budget/words.ts';
import { movedFrom, startHere } from '../../machines/here.ts';
import { currentEffect } from '../../runtime/index.ts';

/** Who should do it, whether it is right, and what was answered before. */
export function questionHere<TQuestion extends Pick<Consultation | Verification | Question, 'start'>>(
  question: TQuestion,
): TQuestion {
  return { ...question, start: startHere(question.start, currentEffect() ?? {}) };
}

/** Work for an agent. */
export function askingHere(asking: Asking, now: number): Asking {
  const effect = currentEffect() ?? {};
  const { agent, envelope, idempotencyKey, bill } = asking;
  const moved = movedFrom(envelope.id, effect);
  return {
    ...asking,
    envelope: { ...envelope, id: moved(envelope.id), context: startHere(envelope.context, effect) },
    idempotencyKey: moved(idempotencyKey),
    ...(bill !== undefined && { bill: billHere(bill, moved, { agent, task: envelope.context.task }, now) }),
  };
}

/** Accounts of the run have moved with it, and with what is on their books. */
function billHere(bill: BillTo, moved: (place: string) => string, labels: BudgetLabels, at: number): BillTo {
  const accounts = bill.accounts.map(moved);
  const ticket = moved(bill.ticket);
  if (ticket === bill.ticket || accounts[0] !== bill.accounts[0]) return { ...bill, accounts };
  return { ...bill, accounts, unbooked: { ticket, at, labels } };
}
