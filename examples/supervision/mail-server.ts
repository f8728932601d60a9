/**
 * The mail server: the outside world of this example. It can hang up, and it can take its time to say goodbye.
 */
export class MailServer {
  readonly #goodbyeMs: number;
  readonly #connections = new Set<(error: Error) => void>();

  /** @param goodbyeMs how long it takes to end a connection in peace */
  constructor(goodbyeMs = 0) {
    this.#goodbyeMs = goodbyeMs;
  }

  /** Connects. The promise lasts as long as the connection. */
  connect(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = (settle: () => void): void => {
        this.#connections.delete(breakOff);
        settle();
      };
      const breakOff = (error: Error): void => over(() => reject(error));
      this.#connections.add(breakOff);
      signal.addEventListener('abort', () => setTimeout(() => over(resolve), this.#goodbyeMs));
    });
  }

  /** Breaks all connections off. */
  hangUp(): void {
    for (const breakOff of this.#connections) breakOff(new Error('the mail server has hung up'));
  }
}
