/**
 * The firewall: the functions of Node by which a step would reach out of its process and leave something behind. Sockets,
 * child processes, threads, and changes to files. A table: `moment.ts` replaces each of them by one that refuses while a step
 * runs, live or told again.
 *
 * Each way out is closed where all that take it come by (a socket of whatever protocol is connected by `net.Socket`), and
 * the functions in front of it besides, where users get a better name from them. Reading files is left alone: modules are
 * loaded with it. So is writing to the standard output and the standard error: a step may be debugged.
 */
import childProcess, { ChildProcess } from 'node:child_process';
import dgram from 'node:dgram';
import dns from 'node:dns';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import workerThreads from 'node:worker_threads';

/** A function that a step may not call. */
export interface WayOut {
  readonly owner: object;
  readonly name: string;
  /** As the user wrote it. */
  readonly api: string;
  /** Whether a call is harmless after all. */
  readonly isHarmless?: (...args: readonly unknown[]) => boolean;
}

/** What to do instead. */
export const AFTER_THE_STEP = 'do it in an action, which runs after the commit, or in an invoked actor';

const named = (
  owner: object,
  prefix: string,
  names: readonly string[],
  isHarmless?: WayOut['isHarmless'],
): WayOut[] =>
  names
    // Not every function is there in every version of Node.
    .filter((name) => typeof (owner as Record<string, unknown>)[name] === 'function')
    .map((name) => ({ owner, name, api: `${prefix}.${name}`, ...(isHarmless && { isHarmless }) }));

const SOCKETS: readonly WayOut[] = [
  ...named(net, 'net', ['connect', 'createConnection']),
  ...named(net.Socket.prototype, 'net.Socket', ['connect']),
  ...named(net.Server.prototype, 'net.Server', ['listen']),
  ...named(http, 'http', ['request', 'get']),
  // A request of whatever protocol; it may find a connection that stands already.
  { owner: http.Agent.prototype, name: 'addRequest', api: 'http.request' },
  ...named(dgram, 'dgram', ['createSocket']),
  ...named(dgram.Socket.prototype, 'dgram.Socket', ['bind', 'connect', 'send']),
  ...[dns, dns.promises].flatMap((owner) =>
    named(
      owner,
      owner === dns ? 'dns' : 'dns.promises',
      Object.keys(owner).filter((name) => /^(lookup|resolve|reverse)/.test(name)),
    ),
  ),
];

const PROCESSES: readonly WayOut[] = [
  ...named(childProcess, 'child_process', ['spawn', 'exec', 'execFile', 'fork']),
  ...named(childProcess, 'child_process', ['spawnSync', 'execSync', 'execFileSync']),
  ...named(ChildProcess.prototype, 'child_process', ['spawn']),
  ...named(workerThreads, 'worker_threads', ['Worker']),
];

/** Each has a twin that is synchronous, and one that returns a promise. */
const CHANGES = [
  ...['appendFile', 'chmod', 'chown', 'copyFile', 'cp', 'fchmod', 'fchown', 'ftruncate', 'futimes', 'lchmod'],
  ...['lchown', 'link', 'lutimes', 'mkdir', 'mkdtemp', 'rename', 'rm', 'rmdir', 'symlink', 'truncate'],
  ...['unlink', 'utimes', 'writeFile'],
];

const { O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND } = fs.constants;
const FOR_WRITING = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;

function opensForReading(_path: unknown, flags: unknown = 'r'): boolean {
  if (typeof flags === 'number') return (flags & FOR_WRITING) === 0;
  // Without flags its callback, or nothing, stands in their place.
  return typeof flags !== 'string' || /^(r|rs|sr)$/.test(flags);
}

const STANDARD_ERROR = 2;
const isToTheTerminal = (descriptor: unknown): boolean =>
  typeof descriptor === 'number' && descriptor <= STANDARD_ERROR;

const withTwins = (names: readonly string[]): string[] => names.flatMap((name) => [name, `${name}Sync`]);

const FILES: readonly WayOut[] = [
  ...named(fs, 'fs', withTwins(CHANGES)),
  ...named(fs, 'fs', withTwins(['open']), opensForReading),
  ...named(fs, 'fs', withTwins(['write', 'writev']), isToTheTerminal),
  ...named(fs, 'fs', ['createWriteStream']),
  ...named(fs.promises, 'fs.promises', CHANGES),
  ...named(fs.promises, 'fs.promises', ['open'], opensForReading),
];

export const WAYS_OUT: readonly WayOut[] = [...SOCKETS, ...PROCESSES, ...FILES];
