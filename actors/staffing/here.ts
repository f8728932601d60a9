/**
 * What the staff is asked, as it is called where the asking process lives. A process that a fork goes on with was given what its original
 * was: whoever it asks, pays and tells is the fork's, and so is its key.
 */
import type { Asking, BillTo, Consultation, Question, Verification } from '../../machines/task/words.ts';
import { hereOf, movedFrom, startHere } from '../../machines/here.ts';
import { currentEffect } from '../../runtime/index.ts';

type Call = NonNullable<BillTo['unbooked']>;

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
    ...(bill !== undefined && {
      bill: billHere({ ...bill, accounts: bill.accounts.map(moved) }, effect, {
        at: now,
        labels: { agent, task: envelope.context.task },
      }),
    }),
  };
}

/**
 * Accounts of the run have moved with it, and with what is on their books. The fork may have heard itself of what its original has reserved
 * elsewhere: then all but the ticket is its own.
 */
function billHere(bill: BillTo, effect: { readonly address?: string }, call: Omit<Call, 'ticket'>): BillTo {
  const ticket = hereOf(bill.ticket, effect);
  const [asked] = bill.accounts;
  const isOwn = asked === undefined || hereOf(asked, effect) === asked;
  return ticket === bill.ticket || isOwn ? bill : { ...bill, unbooked: { ticket, ...call } };
}
