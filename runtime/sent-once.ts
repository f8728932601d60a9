/**
 * Idempotent sends: an event that is sent with an id is applied once, however often it is sent, across crashes. The row
 * that remembers it is written with the turn that applies it.
 */
import { idempotencyKey } from '../storage/keys.ts';
import { hashOf } from '../storage/frame.ts';
import type { StoredReceipt } from '../storage/outline.ts';
import type { Cell } from './cell.ts';
import { InvalidArgument, StepFailed } from './errors.ts';
import { hexOf } from './receipt.ts';
import type { Receipt } from './receipt.ts';
import type { Runtime } from './runtime.ts';
import { unpackTrailer } from './trailer.ts';

export class SentOnce {
  readonly #runtime: Runtime;
  /** Sends whose turn is not durable yet. */
  readonly #underWay = new Map<string, Promise<Receipt>>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** The receipt of the send with this id, which is made with `send` unless it was before. @throws InvalidArgument */
  receipt(cell: Cell, id: string, send: () => Promise<Receipt>): Promise<Receipt> {
    if (typeof id !== 'string' || id === '' || !id.isWellFormed()) {
      throw new InvalidArgument('options.id', 'must be a text that is not empty');
    }
    const key = `${cell.actor} ${id}`;
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    const known = this.#runtime.ledger.get(idempotencyKey(cell.actor, id));
    if (known !== undefined) return Promise.resolve(this.#again(cell, known));
    const sent = send();
    const done = (): void => void this.#underWay.delete(key);
    this.#underWay.set(key, sent);
    sent.then(done, done);
    return sent;
  }

  #again(cell: Cell, row: Uint8Array): Receipt {
    const { ledger, codec } = this.#runtime;
    const { seq, commit, frame, failed } = codec.unpack(row) as StoredReceipt;
    const { address } = cell;
    if (failed === true) throw this.#failureIn(cell, seq);
    const bytes = ledger.frameBytes(frame);
    return { address, seq, commit, hash: bytes === undefined ? '' : hexOf(hashOf(bytes)) };
  }

  /** What the sender was told when the event made its actor fail in this record. */
  #failureIn({ actor, address, seq, frame, offset, snapshot }: Cell, at: number): StepFailed {
    const { journal, codec, events } = this.#runtime;
    const newest = { seq, frame: frame!.number, offset, link: undefined };
    const [record] = journal.walk(actor, newest, at - 1);
    const { crash, failure } = unpackTrailer(codec, record!.trailer);
    const { type } = events.unpack(record!.bytes, record!.eventStart, record!.eventEnd);
    return new StepFailed(address, type, snapshot?.value, crash === undefined ? failure : crash.error);
  }

  /** Remembers an id with the turn that is being put into the commit. */
  remember({ actor, seq, frame }: Cell, id: string, failed: boolean): void {
    const { ledger, codec } = this.#runtime;
    const about = { seq, commit: ledger.commit, frame: frame!.number };
    const stored: StoredReceipt = failed ? { ...about, failed } : about;
    ledger.put(idempotencyKey(actor, id), codec.packAs(0, stored), true);
  }

  /** Forgets what is under way: it is lost, or may be. */
  clear(): void {
    this.#underWay.clear();
  }
}
