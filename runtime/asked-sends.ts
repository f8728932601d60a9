/**
 * Sends that wait for a decision. What is sent to an actor is taken in the order in which it was sent, whatever a decider takes
 * longer to think about; and no more waits here than in a mailbox.
 */
import { MailboxFull } from './errors.ts';
import type { Receipt } from './receipt.ts';
import type { Warrant } from './warrant.ts';

interface Line {
  waiting: number;
  /** Settled when the last of them was taken, or refused. Never rejected. */
  last: Promise<unknown>;
}

type Asked = Warrant | undefined | Promise<Warrant | undefined>;

export class AskedSends {
  readonly #lines = new Map<number, Line>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /**
   * Asks, and takes the event if that is permitted, behind those sent before it.
   * @throws MailboxFull; whatever `ask` and `take` throw, if that is known at once
   */
  inOrder(
    actor: number,
    address: string,
    ask: () => Asked,
    take: (warrant: Warrant | undefined) => Promise<Receipt>,
  ): Promise<Receipt> {
    const before = this.#lines.get(actor);
    if (before !== undefined && before.waiting >= this.#capacity)
      throw new MailboxFull(address, this.#capacity);
    const asked = ask();
    if (before === undefined && !(asked instanceof Promise)) return take(asked);
    const line = before ?? { waiting: 0, last: Promise.resolve() };
    this.#lines.set(actor, line);
    return this.#behind(actor, line, Promise.resolve(asked), take);
  }

  #behind(
    actor: number,
    line: Line,
    asked: Promise<Warrant | undefined>,
    take: (warrant: Warrant | undefined) => Promise<Receipt>,
  ): Promise<Receipt> {
    line.waiting++;
    // In an object: the next one waits until it is taken, and not until it is on the disk.
    const taken = Promise.all([asked, line.last]).then(([warrant]) => ({ receipt: take(warrant) }));
    const gone = (): void => {
      if (--line.waiting === 0) this.#lines.delete(actor);
    };
    // Whoever is refused hears of it at once.
    line.last = Promise.allSettled([taken, line.last]).then(gone);
    return taken.then(({ receipt }) => receipt);
  }
}
