/**
 * What the staff is asked, as it is called where the asking process lives. A process that a fork goes on with was given what its original
 * was: whoever it asks, pays and tells is the fork's, and so is its key.
 */
import type { Asking, Consultation, Question, Verification } from '../../machines/task/words.ts';
import { movedFrom, startHere } from '../../machines/here.ts';
import { currentEffect } from '../../runtime/index.ts';

/** Who should do it, whether it is right, and what was answered before. */
export function questionHere<TQuestion extends Pick<Consultation | Verification | Question, 'start'>>(
  question: TQuestion,
): TQuestion {
  return { ...question, start: startHere(question.start, currentEffect() ?? {}) };
}

/** Work for an agent. */
export function askingHere(asking: Asking): Asking {
  const effect = currentEffect() ?? {};
  const { envelope, idempotencyKey, bill } = asking;
  const moved = movedFrom(envelope.id, effect);
  return {
    ...asking,
    envelope: { ...envelope, id: moved(envelope.id), context: startHere(envelope.context, effect) },
    idempotencyKey: moved(idempotencyKey),
    ...(bill !== undefined && { bill: { ...bill, accounts: bill.accounts.map(moved) } }),
  };
}
