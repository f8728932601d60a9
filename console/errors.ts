/**
 * The errors of the console room. See `storage/errors.ts` for the rules.
 */
import { HeddleError } from '../runtime/index.ts';

/** A port cannot be opened: somebody has it, or this process may not. The system runs without. */
export class PortUnavailable extends HeddleError {
  readonly _tag = 'PortUnavailable';
  readonly code = 'HEDDLE_PORT_UNAVAILABLE';
  readonly retryable = true;
  readonly host: string;
  readonly port: number;

  constructor(host: string, port: number, cause: Error) {
    super(
      `${host}:${port} cannot be opened (${cause.message}); take another port, or 0 for any that is free`,
      {
        cause,
      },
    );
    this.host = host;
    this.port = port;
  }
}
