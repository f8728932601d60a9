/**
 * The terminal, or the pipe or file that stands in its place: how wide it is, whether it has colours, and writing to it without
 * piling up what nobody has read yet. Results go to the standard output, everything else to the standard error.
 */
import { once } from 'node:events';
import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];

export interface TerminalOptions {
  /** Called when nothing can be written any more. */
  readonly onGone: (error: NodeJS.ErrnoException) => void;
  /** Ends the waiting for whoever reads. */
  readonly signal: AbortSignal;
}

/** How often progress is drawn. */
const FRAME_MS = 100;

export class Terminal {
  readonly #out: NodeJS.WriteStream;
  readonly #err: NodeJS.WriteStream;
  readonly #hasColours: boolean;
  readonly #signal: AbortSignal;
  #progress: NodeJS.Timeout | undefined;

  constructor(
    { onGone, signal }: TerminalOptions,
    out: NodeJS.WriteStream = process.stdout,
    err: NodeJS.WriteStream = process.stderr,
  ) {
    this.#out = out;
    this.#err = err;
    this.#signal = signal;
    this.#hasColours = wantsColours(out);
    out.on('error', onGone);
    err.on('error', onGone);
  }

  /** How many columns fit; without a terminal as many as there are. */
  get width(): number {
    return this.#out.isTTY ? (this.#out.columns ?? 80) : Infinity;
  }

  /** Colours a text. Measure and cut it before. */
  paint(style: Style | undefined, text: string): string {
    return style === undefined || !this.#hasColours || text === ''
      ? text
      : styleText(style, text, { validateStream: false });
  }

  /** Whether a person reads the result as it comes. */
  get isTerminal(): boolean {
    return this.#out.isTTY;
  }

  /** Writes a line of the result, and waits when whoever reads is behind. */
  line(text = ''): Promise<void> {
    return this.write(`${text}\n`);
  }

  /** Writes a part of the result as it stands. */
  async write(text: string): Promise<void> {
    this.#erase();
    if (this.#out.write(text)) return;
    await once(this.#out, 'drain', { signal: this.#signal });
  }

  /** Says something that is not the result. */
  say(text: string): void {
    this.#erase();
    this.#err.write(`${text}\n`);
  }

  /** Shows that something takes its time, where a person waits. @param words what is shown, each time anew */
  working(words: () => string): Disposable {
    if (!this.#err.isTTY) return { [Symbol.dispose]: () => {} };
    const startedAt = performance.now();
    this.#progress = setInterval(() => {
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      const text = `${words()} ${seconds > 0 ? `(${seconds} s)` : ''}`;
      this.#err.write(`\r\x1b[K${text.slice(0, Math.max(1, (this.#err.columns ?? 80) - 1))}`);
    }, FRAME_MS).unref();
    return {
      [Symbol.dispose]: () => {
        clearInterval(this.#progress);
        this.#erase();
        this.#progress = undefined;
      },
    };
  }

  #erase(): void {
    if (this.#progress !== undefined) this.#err.write('\r\x1b[K');
  }
}

/** As most tools do: a terminal that is not dumb has colours, unless NO_COLOR says otherwise; FORCE_COLOR says so anyway. */
function wantsColours(out: NodeJS.WriteStream): boolean {
  const { FORCE_COLOR: force, NO_COLOR: none, TERM: term } = process.env;
  if (force !== undefined) return force !== '0' && force !== 'false';
  return out.isTTY && !none && term !== 'dumb';
}
