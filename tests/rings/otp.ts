/**
 * OTP: random supervision trees, failures and requests, played by OTP's own supervisor and by our decisions. Every start, stop,
 * failure and answer must be the same, in the same order. Without Erlang there are only the recorded scripts.
 */
import { Prng } from '../../runtime/testing/prng.ts';
import { featuresOf, FEATURES, namesChildOfBusyPool } from '../otp/features.ts';
import { askOtp, bareLog, isErlangInstalled } from '../otp/oracle.ts';
import { readRecorded } from '../otp/recorded.ts';
import {
  describeDifference,
  formatLog,
  formatScript,
  randomScript,
  sortParallelStops,
} from '../otp/scripts.ts';
import type { Log, Script } from '../otp/scripts.ts';
import { play } from '../otp/world.ts';
import { Tally } from './ring.ts';
import type { Ring } from './ring.ts';

const AT_ONCE = 500;
/** So many scripts show everything. */
const ENOUGH_TO_SHOW_ALL = 500;

const COUNTED: Readonly<Record<string, string>> = {
  start: 'starts',
  'start-failed': 'failedStarts',
  stop: 'stops',
  exit: 'exits',
  'gave-up': 'giveUps',
  answer: 'answers',
};

export const otp: Ring = async ({ seeds = 2000, seed: first = 1 }, progress) => {
  const tally = new Tally('otp', progress);
  const isLive = isErlangInstalled();
  tally.note('live', isLive ? 'yes' : 'no');
  tally.note('seed', first);
  const recorded = readRecorded();
  for (const { script, log } of recorded) compare(tally, script, log);
  if (isLive) {
    confirm(tally, recorded);
    for (let done = 0; done < seeds; done += AT_ONCE) {
      playLive(tally, first + done, Math.min(AT_ONCE, seeds - done));
      tally.show(Math.min(done + AT_ONCE, seeds), seeds);
    }
  }
  tally.mustHaveHappened('scripts', isLive ? seeds + recorded.length : recorded.length);
  if (tally.count('scripts') >= ENOUGH_TO_SHOW_ALL)
    for (const fault of ['giveUps', 'failedStarts', 'escalations', ...FEATURES])
      tally.mustHaveHappened(fault);
  return tally.report();
};

function playLive(tally: Tally, first: number, many: number): void {
  const scripts = Array.from({ length: many }, (_, index) => randomScript(first + index));
  const logs = askOtp(scripts);
  scripts.forEach((script, index) => compare(tally, script, logs[index]!, first + index));
  expectNothingOfOurs(tally, scripts, logs, first);
}

function compare(tally: Tally, script: Script, log: Log, seed?: number): void {
  count(tally, script, log);
  // Whoever has the next turn, the outcome is the same.
  for (const random of [undefined, new Prng(seed ?? tally.count('scripts'))]) {
    const difference = describeDifference(script, log, play(script, random));
    if (difference !== undefined) return tally.violation(`differs from OTP\n${difference}`, seed);
  }
}

function count(tally: Tally, script: Script, log: Log): void {
  tally.add('scripts');
  tally.add('operations', log.length);
  for (const entry of log.flat()) {
    const name = COUNTED[entry.split(' ')[0]!];
    if (name !== undefined) tally.add(name);
    if (entry.startsWith('gave-up') && entry !== 'gave-up top') tally.add('escalations');
  }
  for (const feature of featuresOf(script, log)) tally.add(feature);
}

/** OTP as it is installed here does what was recorded. */
function confirm(tally: Tally, recorded: readonly { readonly script: Script; readonly log: Log }[]): void {
  const today = askOtp(recorded.map(({ script }) => script));
  recorded.forEach(({ script, log }, index) => {
    tally.add('confirmed');
    if (formatLog(today[index]!) !== formatLog(log))
      tally.violation(`this OTP does not do what was recorded in ${formatScript(script)}`);
  });
}

/** A supervisor without our callback module around it does the same, as far as it can be heard. */
function expectNothingOfOurs(
  tally: Tally,
  scripts: readonly Script[],
  logs: readonly Log[],
  first: number,
): void {
  const bare = askOtp(scripts, 'bare');
  scripts.forEach((script, index) => {
    if (namesChildOfBusyPool(script)) return;
    tally.add('bare');
    const heard = sortParallelStops(bareLog(logs[index]!, script), script);
    if (formatLog(bareLog(bare[index]!, script)) !== formatLog(heard))
      tally.violation(`our callback module changes what OTP does in ${formatScript(script)}`, first + index);
  });
}
