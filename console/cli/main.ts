#!/usr/bin/env node
/**
 * `heddle` on the command line. Owns the signals and the end of the process.
 */
import { Exit } from './exit.ts';
import { BrokenOff, run } from './program.ts';

const stop = new AbortController();

for (const [name, exitCode] of [
  ['SIGINT', Exit.Interrupted],
  ['SIGTERM', Exit.Terminated],
] as const) {
  process.on(name, () => {
    // Twice is an order: whatever closes still is not waited for.
    if (stop.signal.aborted) process.exit(exitCode);
    stop.abort(new BrokenOff(exitCode));
  });
}

const exitCode = await run(process.argv.slice(2), stop);
// The code of actors may have left something that would keep the process; what was written is to arrive first.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
