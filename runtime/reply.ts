/**
 * A reply: the promise of a receipt, and the two ways to settle it. A rejection that nobody awaits does no harm.
 */
import type { Receipt } from './receipt.ts';
import type { GivenTrace } from './trace.ts';
import type { Warrant } from './warrant.ts';

type Resolve = (receipt: Receipt) => void;
type Reject = (error: Error) => void;

// One executor for all of them: a reply is made for every send, and a closure for each would be garbage.
let lastResolve: Resolve;
let lastReject: Reject;
function keep(resolve: Resolve, reject: Reject): void {
  lastResolve = resolve;
  lastReject = reject;
}

const ignore = (): void => {};

export class Reply {
  /** The idempotency id of the send. */
  readonly id: string | undefined;
  /** The trace it belongs to, as the sender says. */
  readonly trace: GivenTrace | undefined;
  /** What has permitted it. */
  readonly warrant: Warrant | undefined;
  readonly promise: Promise<Receipt>;
  readonly #resolve: Resolve;
  readonly #reject: Reject;

  constructor(id?: string, trace?: GivenTrace, warrant?: Warrant) {
    this.id = id;
    this.trace = trace;
    this.warrant = warrant;
    this.promise = new Promise(keep);
    this.#resolve = lastResolve;
    this.#reject = lastReject;
  }

  resolve(receipt: Receipt): void {
    this.#resolve(receipt);
  }

  reject(error: Error): void {
    // Without a handler Node would end the process.
    this.promise.catch(ignore);
    this.#reject(error);
  }

  /** Lets it be rejected with `error` also when the event it waits for is recorded. */
  failingWith(error: Error): Reply {
    const failing = new Reply(this.id, this.trace, this.warrant);
    failing.promise.then(
      () => this.reject(error),
      (lost: Error) => this.reject(lost),
    );
    return failing;
  }
}

/** A promise that is rejected already. */
export function rejectedReply(error: unknown): Promise<never> {
  const promise = Promise.reject<never>(error);
  promise.catch(ignore);
  return promise;
}
