/**
 * The recorded scripts: random ones with what OTP did, for machines without Erlang. `recorded.json` is made by record.ts.
 */
import { readFileSync } from 'node:fs';
import { parseLog, parseScript } from './scripts.ts';
import type { Log, Script } from './scripts.ts';

export const RECORDED = new URL('recorded.json', import.meta.url);

/** As it is stored. */
export interface Recording {
  /** The release of OTP that was asked. */
  readonly otp: string;
  readonly scripts: readonly { readonly script: string; readonly log: string }[];
}

export interface Recorded {
  readonly script: Script;
  /** What OTP did. */
  readonly log: Log;
}

export function readRecorded(): readonly Recorded[] {
  const { scripts } = JSON.parse(readFileSync(RECORDED, 'utf8')) as Recording;
  return scripts.map(({ script, log }) => ({ script: parseScript(script), log: parseLog(log) }));
}
