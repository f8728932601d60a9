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
import type { NodeName, Standing } from './daemon.ts';
import { Hosted } from './hosted.ts';
import type { Job } from './house.ts';
import { ProgressScreen } from './screen.ts';
import { sha256 } from './text/index.ts';
import { printCosts, printTranscript } from './transcript.ts';
import type { Incident } from './transcript.ts';

const screen = new ProgressScreen(process.stdout);

/** A life is as long as so many thoughts: often enough for one agent to finish, never for two, so that it is killed often. */
const LIFE_IN_THOUGHTS = { from: 0.6, to: 1.9 };

const isOver = ({ outcome }: Standing): boolean => outcome !== undefined;
/** The run waits, and the person can be shown what for. */
const isAtTheGate = ({ nodes, figures }: Standing): boolean =>
  nodes.review === 'waiting' && figures !== undefined;

/** What the report is doing, by the nodes that run. */
const DOING: Readonly<Record<NodeName, string>> = {
  corpus: 'listing',
  research: 'researching',
  chapters: 'writing',
  review: 'in review',
  publish: 'publishing',
};

function doingIn({ nodes }: Standing): string {
  const names = Object.keys(DOING) as NodeName[];
  const running = names
    .filter((name) => nodes[name] === 'running' || nodes[name] === 'waiting')
    .map((name) => DOING[name]);
  return running.length === 0 ? 'starting' : running.join(' and ');
}

/** A daemon that is started again whenever it was killed. */
class Production {
  readonly incidents: Incident[] = [];
  readonly #job: Job;
  readonly #show: boolean;
  #daemon: Hosted | undefined;
  #kills = 0;

  constructor(job: Job, show: boolean) {
    this.#job = job;
    this.#show = show;
  }

  get kills(): number {
    return this.#kills;
  }

  /** Starts the daemon, and resolves when it is up. */
  async start(): Promise<Hosted> {
    const startedAt = Date.now();
    this.#progress(undefined);
    const daemon = new Hosted(this.#job, fail);
    this.#daemon = daemon;
    daemon.onStanding((standing) => {
      if (this.#daemon !== daemon) return;
      this.#progress(standing);
      if (Object.values(standing.nodes).includes('parked')) fail('it stands still until somebody helps');
    });
    await daemon.reaches(() => true);
    if (this.#kills > 0) this.#incident('▶ started again', `up after ${seconds(Date.now() - startedAt)}`);
    return daemon;
  }

  async kill(daemon: Hosted): Promise<void> {
    const doing = daemon.standing === undefined ? 'starting' : doingIn(daemon.standing);
    this.#daemon = undefined;
    await daemon.kill();
    this.#kills++;
    this.#incident('✂ killed', `SIGKILL, while ${doing}`);
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
    const arrives = daemon.reaches((standing) => isAtTheGate(standing) || isOver(standing));
    const life = (from + Math.random() * (to - from)) * thinkMs;
    const arrived = await (production.kills < kills ? Promise.race([arrives, sleep(life)]) : arrives);
    if (arrived !== undefined) return daemon;
    await production.kill(daemon);
  }
}

type GateVerdict = 'approve' | 'reject';

/** The person at the gate. The daemon may die meanwhile: the question waits in the store. */
async function throughTheGate(
  production: Production,
  daemon: Hosted,
  decide: (standing: Standing) => Promise<GateVerdict>,
  { kills, by }: Arguments,
): Promise<Hosted> {
  if (daemon.standing === undefined || !isAtTheGate(daemon.standing)) return daemon;
  let waiting = daemon;
  if (kills > 0) {
    await production.kill(daemon);
    waiting = await production.start();
  }
  const standing = await waiting.reaches(isAtTheGate);
  const verdict = await decide(standing);
  waiting.decide({ verdict, by, reason: 'the figures were looked at' });
  return waiting;
}

async function produce(job: Job, args: Arguments, kills: number, show: boolean) {
  const production = new Production(job, show);
  const decide = (standing: Standing) => (show ? ask(standing, args) : Promise.resolve('approve' as const));
  const atGate = await toTheGate(production, kills, job.commission.thinkMs);
  const daemon = await throughTheGate(production, atGate, decide, { ...args, kills });
  const standing = await daemon.reaches(isOver);
  await daemon.close();
  if (show) screen.rest();
  return { production, standing };
}

async function ask({ figures }: Standing, { verdict, by }: Arguments): Promise<GateVerdict> {
  const { documents, quotations, verified } = figures!;
  screen.print();
  screen.print(
    `  ${screen.paint('bold', 'The gate.')} ${documents} documents, ${quotations} quotations, ` +
      `${verified} of them found word for word in their sources.`,
  );
  if (verdict !== undefined) {
    screen.print(`  ${verdict === 'approve' ? 'Approved' : 'Rejected'} for ${by} without asking.`);
    screen.print();
    return verdict;
  }
  screen.rest();
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`  Publish it, ${by}? [Y/n] `);
  terminal.close();
  screen.print();
  return /^n/i.test(answer.trim()) ? 'reject' : 'approve';
}

function fate({ kills }: Arguments): string {
  if (kills === 0) return 'nobody kills';
  return `is killed (SIGKILL) ${kills === 1 ? 'once' : `${kills} times`} on the way, and once at the gate`;
}

async function main(args: Arguments): Promise<void> {
  const place = (name: string): string => join(args.data, name);
  if (!args.resume) rmSync(args.data, { recursive: true, force: true });
  mkdirSync(args.data, { recursive: true });
  const { folder, thinkMs, faults, by } = args;
  const job: Job = {
    store: place('store'),
    id: '1',
    commission: { folder, out: place('report.md'), world: place('world.jsonl'), thinkMs, faults },
    editor: by,
  };

  screen.print(`\n${screen.paint('bold', 'A report about')} ${short(folder)}`);
  screen.print(`written by a daemon that ${fate(args)}.\n`);
  const { production, standing } = await produce(job, args, args.kills, true);
  if (standing.outcome === 'failed') return fail(standing.problem ?? 'the report failed');

  screen.print(`\n${screen.paint('bold', 'What the journals say')}`);
  const findings = await audit(job);
  printTranscript(screen, findings, production.incidents);
  screen.print();
  printCosts(screen, findings);
  screen.print();
  printFindings(findings, production.kills);
  if (standing.outcome === 'rejected') return screen.print('  Rejected: nothing was published.\n');

  await compareUndisturbed(job, args);
  screen.print(`\n${screen.paint('bold', 'The report:')} ${short(job.commission.out)}\n`);
}

/** What the auditor found. Anything that breaks a promise fails the run. */
function printFindings(findings: Audit, kills: number): void {
  const { steps, decision, money, unaccounted, diverged, replayed, verification } = findings;
  const deeds = steps.reduce((sum, step) => sum + step.deeds, 0);
  const repeated = steps.filter((step) => step.deeds > 1);
  const doneAgain = steps.filter((step) => step.doneAgain > 0);
  screen.print(screen.paint('bold', 'What the world says'));
  screen.check(
    unaccounted.length === 0 && doneAgain.length === 0,
    `${steps.length} steps touched the world ${deeds} times over ${kills} kills; no finished step was done again`,
  );
  for (const { agent, path, deeds: times, key } of repeated) {
    const what = path === undefined ? agent : `${agent}, ${path}`;
    screen.print(`    ${what}: ${times} times, under one key (${key}): killed before its result was kept`);
  }
  const costs = steps.flatMap(({ attempts }) => attempts).reduce((sum, { cost = 0 }) => sum + cost, 0);
  screen.check(
    costs === money.spent && money.reserved === 0 && money.spent <= money.limit,
    'the account has what the tasks have cost, nothing is left reserved, and the limit was kept',
  );
  screen.check(
    decision !== undefined && steps.every(({ permittedBy }) => permittedBy.length > 0),
    'a person has decided, and every agent was asked by a row of the table that is on record',
  );
  screen.check(
    diverged.length === 0,
    `${replayed} journals, told again through the code, give the same story`,
  );
  screen.check(
    verification.broken.length === 0,
    `${verification.records} records and their chain of hashes are sound, head ${verification.head.hash.slice(0, 16)}`,
  );
}

/** The same report once more, in peace. */
async function compareUndisturbed(job: Job, args: Arguments): Promise<void> {
  const place = (name: string): string => join(args.data, 'undisturbed', name);
  rmSync(place(''), { recursive: true, force: true });
  mkdirSync(place(''), { recursive: true });
  const { folder, out } = job.commission;
  const peaceful = { folder, out: place('report.md'), world: place('world.jsonl'), thinkMs: 0, faults: 0 };
  await produce({ ...job, store: place('store'), commission: peaceful }, args, 0, false);
  const hashes = [out, peaceful.out].map((file) => (existsSync(file) ? sha256(readFileSync(file)) : 'none'));
  screen.check(
    hashes[0] === hashes[1],
    `an undisturbed run gives the same report, byte for byte (${hashes[1]!.slice(0, 16)})`,
  );
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
