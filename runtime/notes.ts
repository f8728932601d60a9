/**
 * Notes: what the ledger must know about an actor besides its history, until the actor's next checkpoint contains it.
 */
import type { Codec, Packed } from '../storage/codec.ts';
import type { StoredNote } from '../storage/frame.ts';
import type { Ledger } from '../storage/ledger.ts';
import type { Birth, Message } from './mailbox.ts';
import { packCause, unpackCause } from './trailer.ts';
import type { Cause } from './trailer.ts';

/** On disk: never change one. */
const NoteKind = { Message: 1, Taken: 2, Settled: 3, Fired: 4, Checkpointed: 5 } as const;

export type Note =
  /** A message is under way to the actor. */
  | {
      readonly kind: 'message';
      readonly life: number;
      readonly cause: Cause;
      readonly packed: Packed;
      readonly birth?: Birth;
    }
  /** A message that was under way is gone, without a record: it came too late. */
  | { readonly kind: 'taken'; readonly cause: Cause }
  /** The actions and emits of a record are done. */
  | { readonly kind: 'settled'; readonly seq: number }
  /** A timer has sent its event to another actor. */
  | { readonly kind: 'fired'; readonly seq: number; readonly index: number }
  /** All before this is contained in the actor's checkpoint. */
  | { readonly kind: 'checkpointed' };

const EMPTY = new Uint8Array(0);

export function noteMessage(ledger: Ledger, codec: Codec, actor: number, message: Message): void {
  const { life, cause, packed, birth } = message;
  const body =
    birth === undefined ? [life, packCause(cause!), packed] : [life, packCause(cause!), packed, birth];
  ledger.note(actor, NoteKind.Message, codec.packAs(0, body));
}

export function noteTaken(ledger: Ledger, codec: Codec, actor: number, cause: Cause): void {
  ledger.note(actor, NoteKind.Taken, codec.packAs(0, packCause(cause)));
}

export function noteSettled(ledger: Ledger, codec: Codec, actor: number, seq: number): void {
  ledger.note(actor, NoteKind.Settled, codec.packAs(0, seq));
}

export function noteFired(ledger: Ledger, codec: Codec, actor: number, seq: number, index: number): void {
  ledger.note(actor, NoteKind.Fired, codec.packAs(0, [seq, index]));
}

export function noteCheckpointed(ledger: Ledger, actor: number): void {
  ledger.note(actor, NoteKind.Checkpointed, EMPTY);
}

export function readNote(codec: Codec, { flags, payload }: StoredNote): Note {
  if (flags === NoteKind.Checkpointed) return { kind: 'checkpointed' };
  const body = codec.unpack(payload);
  switch (flags) {
    case NoteKind.Message: {
      const [life, cause, packed, birth] = body as [
        number,
        Parameters<typeof unpackCause>[0],
        Packed,
        Birth?,
      ];
      return {
        kind: 'message',
        life,
        cause: unpackCause(cause),
        packed,
        ...(birth !== undefined && { birth }),
      };
    }
    case NoteKind.Taken:
      return { kind: 'taken', cause: unpackCause(body as Parameters<typeof unpackCause>[0]) };
    case NoteKind.Settled:
      return { kind: 'settled', seq: body as number };
    case NoteKind.Fired: {
      const [seq, index] = body as [number, number];
      return { kind: 'fired', seq, index };
    }
    default:
      throw new RangeError(`unknown kind ${flags} of a note`);
  }
}
