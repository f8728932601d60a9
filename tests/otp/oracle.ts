/** Asks OTP: runs oracle.erl over many scripts at once, where Erlang is installed. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { supervisorsIn } from './features.ts';
import { formatScript, parseLog, sortParallelStops } from './scripts.ts';
import type { Log, Script } from './scripts.ts';

const ORACLE = fileURLToPath(new URL('oracle.erl', import.meta.url));
const ENOUGH_BYTES = 1 << 28;

export function isErlangInstalled(): boolean {
  return spawnSync('escript', [], { stdio: 'ignore' }).error === undefined;
}

/** What OTP does in each of the scripts. `bare`: without the lines that only our callback module can write. */
export function askOtp(scripts: readonly Script[], how: 'observed' | 'bare' = 'observed'): readonly Log[] {
  const input = scripts.map((script) => `${formatScript(script)}\n`).join('');
  const args = how === 'bare' ? [ORACLE, 'bare'] : [ORACLE];
  const { status, stdout, stderr } = spawnSync('escript', args, {
    input,
    encoding: 'utf8',
    maxBuffer: ENOUGH_BYTES,
  });
  const lines = stdout.split('\n').slice(0, -1);
  if (status !== 0 || lines.length !== scripts.length)
    throw new Error(`the oracle has answered ${lines.length} of ${scripts.length} scripts: ${stderr}`);
  return scripts.map((script, index) => sortParallelStops(readLog(lines[index]!, script), script));
}

function readLog(line: string, script: Script): Log {
  if (line.startsWith('broken')) throw new Error(`the oracle is ${line} in ${formatScript(script)}`);
  return parseLog(line);
}

/** The release of OTP that is installed. */
export function otpRelease(): string {
  return spawnSync('escript', [ORACLE, 'release'], { encoding: 'utf8' }).stdout;
}

/** What of a log can be heard of a tree without our callback module. */
export function bareLog(log: Log, script: Script): Log {
  const supervisors = supervisorsIn(script);
  const isOurs = (entry: string) => {
    const [what, path] = entry.split(' ') as [string, string];
    return what === 'answer' || what === 'gave-up' || (what === 'stop' && supervisors.has(path));
  };
  return log.map((entries) => entries.filter((entry) => !isOurs(entry)));
}
