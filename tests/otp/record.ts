/**
 * Records what OTP does in random scripts, where Erlang is installed: `tsx --conditions=heddle-source tests/otp/record.ts`.
 *
 * Of many scripts it keeps those that show the most, and the rarest, in few words; and refuses to write a recording
 * in which something has hardly happened.
 */
import { writeFileSync } from 'node:fs';
import { featuresOf, FEATURES } from './features.ts';
import type { Feature } from './features.ts';
import { askOtp, otpRelease } from './oracle.ts';
import { RECORDED } from './recorded.ts';
import type { Recording } from './recorded.ts';
import { formatLog, formatScript, randomScript } from './scripts.ts';
import type { Log, Operation, Script } from './scripts.ts';

const CANDIDATES = 16_000;
const KEPT = 640;
/** What happens less often than this has not been tested. */
const AT_LEAST = 30;
/** Things that happen in a log, below which it is trivial. */
const HAPPENED_AT_LEAST = 10;
const ENOUGH_BYTES = 390_000;
/** 0: length is no matter; 1: a script must be worth twice as much to be twice as long. */
const LENGTH_COUNTS = 0.7;

interface Candidate {
  readonly script: string;
  readonly log: string;
  readonly features: ReadonlySet<Feature>;
}

function candidates(): Candidate[] {
  const scripts = Array.from({ length: CANDIDATES }, (_, index) => randomScript(index + 1));
  const first = askOtp(scripts);
  const worthwhile = scripts.map((script, index) => shortened(script, first[index]!));
  const logs = askOtp(worthwhile);
  return worthwhile.flatMap((script, index) => {
    const log = logs[index]!;
    if (log.flat().length < HAPPENED_AT_LEAST) return [];
    return [{ script: formatScript(script), log: formatLog(log), features: featuresOf(script, log) }];
  });
}

/** Without what comes after the end of the tree, and what did nothing, such as the exit of a worker that does not run. */
function shortened({ tree, operations }: Script, log: Log): Script {
  const isPlan = ({ do: what }: Operation) => what === 'fail' || what === 'during';
  const lively = operations.filter(
    (operation, index) => index < log.length && (isPlan(operation) || log[index]!.length > 0),
  );
  return { tree, operations: lively };
}

/** Chooses again and again the script that shows most of what has been shown least, for its length. */
function choose(all: readonly Candidate[]): Candidate[] {
  const shown = new Map<Feature, number>(FEATURES.map((feature) => [feature, 0]));
  const worth = ({ script, log, features }: Candidate) => {
    let sum = 0;
    for (const feature of features) sum += 1 / (1 + shown.get(feature)!);
    return sum / (script.length + log.length) ** LENGTH_COUNTS;
  };
  const left = new Set(all);
  const chosen: Candidate[] = [];
  while (chosen.length < KEPT) {
    let best: Candidate | undefined;
    let most = 0;
    for (const candidate of left) {
      const itsWorth = worth(candidate);
      if (itsWorth > most) [best, most] = [candidate, itsWorth];
    }
    if (best === undefined) break;
    left.delete(best);
    chosen.push(best);
    for (const feature of best.features) shown.set(feature, shown.get(feature)! + 1);
  }
  return chosen;
}

function count(all: readonly Candidate[]): ReadonlyMap<Feature, number> {
  return new Map(
    FEATURES.map((feature) => [feature, all.filter(({ features }) => features.has(feature)).length]),
  );
}

const kept = choose(candidates());
const counts = count(kept);
for (const [feature, times] of counts) console.log(`${String(times).padStart(5)} ${feature}`);
const rare = FEATURES.filter((feature) => counts.get(feature)! < AT_LEAST);
if (rare.length > 0) throw new Error(`not recorded: too few scripts show ${rare.join(', ')}`);
const recording: Recording = {
  otp: otpRelease(),
  scripts: kept.map(({ script, log }) => ({ script, log })),
};
const text = `${JSON.stringify(recording, undefined, 2)}\n`;
if (text.length > ENOUGH_BYTES) throw new Error(`not recorded: ${text.length} bytes are too many`);
writeFileSync(RECORDED, text);
console.log(`${kept.length} scripts, ${text.length} bytes`);
