/**
 * The log span: which of the frames that were appended since the opening may stand nowhere but in the database's log.
 *
 * LevelDB drops what is damaged in its log without a word, whole batches of it, and what is in its tables it does not drop. It
 * keeps a log until what stands in it is in tables: at most the buffer that is being filled, and the one before it. So it is
 * enough to know how many bytes were given to it since a frame. What one batch weighs is bounded, because a large one also
 * makes the buffer full at once; what an entry weighs is never more than it takes there.
 */

/** What an entry takes in LevelDB's buffer besides its key and value, at least. */
export const ENTRY_BYTES = 24;
/** So coarse is the answer, and so much one batch weighs at most. */
export const STEP_BYTES = 1 << 20;

export class LogSpan {
  readonly #limit: number;
  #bytes = 0;
  /** A frame every now and then, and the bytes before it; oldest first. */
  readonly #marks: { readonly frame: number; readonly bytesBefore: number }[] = [];

  /** @param limit how many bytes the log may hold; 0 for a store that has none */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A batch was written: its first frame, and how much it is. */
  add(frame: number, bytes: number): void {
    if (this.#limit === 0) return;
    const newest = this.#marks.at(-1);
    if (newest === undefined || this.#bytes - newest.bytesBefore >= STEP_BYTES)
      this.#marks.push({ frame, bytesBefore: this.#bytes });
    this.#bytes += Math.min(bytes, STEP_BYTES);
    while (this.#marks.length > 1 && this.#bytes - this.#marks[1]!.bytesBefore >= this.#limit)
      this.#marks.shift();
  }

  /** The first frame that may stand only in the log; infinite when there is none. */
  get firstFrame(): number {
    return this.#marks[0]?.frame ?? Infinity;
  }
}
