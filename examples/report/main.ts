/**
 * `npm start`: a report about a folder of documents, written by a daemon that is killed with SIGKILL at random moments.
 *
 * This process plays everybody around the daemon: the service manager that starts it again, the operator who pulls the
 * plug, the person at the gate, and in the end the auditor.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { BadArguments, HELP, readArguments } from './arguments.ts';
import type { Arguments } from './arguments.ts';
import { audit } from './audit.ts';
import type { Audit } from './audit.ts';
import type { Standing, Task } from './daemon.ts';
import { Hosted } from './hosted.ts';
import { Screen } from './screen.ts';
import { sha256 } from './text/index.ts';
import type { Approval } from './text/index.ts';
import { printTranscript } from './transcript.ts';
import type { Incident } from './transcript.ts';

const screen = new Screen(process.stdout);

/** A life is as long as so many thoughts: often enough for one agent to finish, never for two, so that it is killed often. */
const LIFE_IN_THOUGHTS = { from: 0.6, to: 1.9 };

const isOver = ({ state }: Standing): boolean =>
  state === 'published' || state === 'rejected' || state === 'failed';

/** A daemon that is started again whenever it was killed. */
class Production {
  readonly incidents: Incident[] = [];
  readonly #task: Task;
  readonly #show: boolean;
  #daemon: Hosted | undefined;
  #kills = 0;

  constructor(task: Task, show: boolean) {
    this.#task = task;
    this.#show = show;
  }

  get kills(): number {
    return this.#kills;
  }

  /** Starts the daemon, and resolves when it is up. */
  async start(): Promise<Hosted> {
    const startedAt = Date.now();
    this.#progress(undefined);
    const daemon = new Hosted(this.#task, fail);
    this.#daemon = daemon;
    daemon.onStanding((standing) => {
      if (this.#daemon === daemon) this.#progress(standing);
    });
    await daemon.reaches(() => true);
    if (this.#kills > 0) this.#incident('▶ started again', `up after ${seconds(Date.now() - startedAt)}`);
    return daemon;
  }

  async kill(daemon: Hosted): Promise<void> {
    const state = daemon.standing?.state ?? 'starting';
    this.#daemon = undefined;
    await daemon.kill();
    this.#kills++;
    this.#incident('✂ killed', `SIGKILL, while ${state === 'review' ? 'in review' : state}`);
  }

  #incident(what: string, detail: string): void {
    this.incidents.push({ at: Date.now(), what, detail });
  }

  #progress(standing: Standing | undefined): void {
    if (this.#show) screen.progress(standing, this.#kills);
  }
}

/** Lets the daemon work, and kills it at random moments until it has had enough. Resolves at the gate, or at the end. */
async function toTheGate(production: Production, kills: number, thinkMs: number): Promise<Hosted> {
  const { from, to } = LIFE_IN_THOUGHTS;
  for (;;) {
    const daemon = await production.start();
    const arrives = daemon.reaches((standing) => standing.state === 'review' || isOver(standing));
    const life = (from + Math.random() * (to - from)) * thinkMs;
    const arrived = await (production.kills < kills ? Promise.race([arrives, sleep(life)]) : arrives);
    if (arrived !== undefined) return daemon;
    await production.kill(daemon);
  }
}

/** The person at the gate. The daemon may die meanwhile: the question waits in the store. */
async function throughTheGate(
  production: Production,
  daemon: Hosted,
  decide: (standing: Standing) => Promise<Approval['decision']>,
  { kills, by }: Arguments,
): Promise<Hosted> {
  if (daemon.standing?.state !== 'review') return daemon;
  let waiting = daemon;
  if (kills > 0) {
    await production.kill(daemon);
    waiting = await production.start();
  }
  const standing = await waiting.reaches(({ state }) => state === 'review');
  waiting.decide({ decision: await decide(standing), by });
  return waiting;
}

async function produce(task: Task, args: Arguments, kills: number, show: boolean) {
  const production = new Production(task, show);
  const decide = (standing: Standing) => (show ? ask(standing, args) : Promise.resolve('approved' as const));
  const atGate = await toTheGate(production, kills, task.assignment.thinkMs);
  const daemon = await throughTheGate(production, atGate, decide, { ...args, kills });
  const standing = await daemon.reaches(isOver);
  await daemon.close();
  if (show) screen.rest();
  return { production, standing };
}

async function ask(standing: Standing, { decision, by }: Arguments): Promise<Approval['decision']> {
  const { documents, quotations, verified } = standing;
  screen.print();
  screen.print(
    `  ${screen.paint('bold', 'The gate.')} ${documents} documents, ${quotations} quotations, ` +
      `${verified} of them found word for word in their sources.`,
  );
  if (decision !== undefined) {
    screen.print(`  ${decision === 'approved' ? 'Approved' : 'Rejected'} for ${by} without asking.`);
    screen.print();
    return decision;
  }
  screen.rest();
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`  Publish it, ${by}? [Y/n] `);
  terminal.close();
  screen.print();
  return /^n/i.test(answer.trim()) ? 'rejected' : 'approved';
}

function fate({ kills }: Arguments): string {
  if (kills === 0) return 'nobody kills';
  return `is killed (SIGKILL) ${kills === 1 ? 'once' : `${kills} times`} on the way, and once at the gate`;
}

async function main(args: Arguments): Promise<void> {
  const place = (name: string): string => join(args.data, name);
  if (!args.resume) rmSync(args.data, { recursive: true, force: true });
  mkdirSync(args.data, { recursive: true });
  const { folder, thinkMs } = args;
  const task: Task = {
    store: place('store'),
    id: '1',
    assignment: { folder, out: place('report.md'), world: place('world.jsonl'), thinkMs },
  };

  screen.print(`\n${screen.paint('bold', 'A report about')} ${short(folder)}`);
  screen.print(`written by a daemon that ${fate(args)}.\n`);
  const { production, standing } = await produce(task, args, args.kills, true);
  if (standing.state === 'failed') return fail(standing.problem ?? 'the report failed');

  screen.print(`\n${screen.paint('bold', 'What the journals say')}`);
  const findings = await audit(task);
  printTranscript(screen, findings, production.incidents);
  screen.print();
  printFindings(findings, production.kills);
  if (standing.state === 'rejected') return screen.print('  Rejected: nothing was published.\n');

  await compareUndisturbed(task, args);
  screen.print(`\n${screen.paint('bold', 'The report:')} ${short(task.assignment.out)}\n`);
}

/** What the auditor found. Anything that breaks a promise fails the run. */
function printFindings({ steps, unaccounted, diverged, replayed, verification }: Audit, kills: number): void {
  const deeds = steps.reduce((sum, step) => sum + step.deeds, 0);
  const repeated = steps.filter((step) => step.deeds > 1);
  const doneAgain = steps.filter((step) => step.doneAgain > 0);
  screen.print(screen.paint('bold', 'What the world says'));
  check(
    unaccounted.length === 0 && doneAgain.length === 0,
    `${steps.length} steps touched the world ${deeds} times over ${kills} kills; no finished step was done again`,
  );
  for (const { what, deeds: times, address } of repeated) {
    screen.print(
      `    ${what}: ${times} times, under one key (${address}@1:0): killed before its result was kept`,
    );
  }
  check(diverged.length === 0, `${replayed} journals, told again through the code, give the same story`);
  check(
    verification.broken.length === 0,
    `${verification.records} records and their chain of hashes are sound, head ${verification.head.hash.slice(0, 16)}`,
  );
}

/** The same report once more, in peace. */
async function compareUndisturbed({ assignment, id }: Task, args: Arguments): Promise<void> {
  const place = (name: string): string => join(args.data, 'undisturbed', name);
  rmSync(place(''), { recursive: true, force: true });
  mkdirSync(place(''), { recursive: true });
  const { folder, out } = assignment;
  const peaceful = { folder, out: place('report.md'), world: place('world.jsonl'), thinkMs: 0 };
  await produce({ store: place('store'), id, assignment: peaceful }, args, 0, false);
  const hashes = [out, peaceful.out].map((file) => (existsSync(file) ? sha256(readFileSync(file)) : 'none'));
  check(
    hashes[0] === hashes[1],
    `an undisturbed run gives the same report, byte for byte (${hashes[1]!.slice(0, 16)})`,
  );
}

function check(holds: boolean, claim: string): void {
  screen.print(
    holds ? `  ${screen.paint('green', '✔')} ${claim}` : `  ${screen.paint('red', '✘ NOT TRUE:')} ${claim}`,
  );
  if (!holds) process.exitCode = 1;
}

function fail(trouble: string): void {
  screen.rest();
  screen.print(`  ${screen.paint('red', trouble)}`);
  process.exit(1);
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const short = (path: string): string => relative(process.cwd(), path) || '.';

try {
  const args = readArguments(process.argv.slice(2), process.stdin.isTTY && process.stdout.isTTY);
  if (args === undefined) screen.print(HELP);
  else await main(args);
} catch (error) {
  if (!(error instanceof BadArguments)) throw error;
  screen.print(`${error.message}\n${HELP}`);
  process.exitCode = 2;
}
