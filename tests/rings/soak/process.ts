/**
 * The process of the soak: opens a system with its actors, lets load and faults go on, says every second how it stands; then
 * comes to rest, closes, opens again, and compares every account with the books. Run with `--expose-gc`.
 *
 * Argument: the settings, as JSON.
 */
import { createSystem } from 'heddle';
import type { ActorDefinitions, SystemOptions } from 'heddle';
import { leveldb } from 'heddle/storage';
import { Prng } from '../../../runtime/testing/prng.ts';
import { populate, world } from './actors.ts';
import type { AccountContext, Group } from './actors.ts';
import { Books } from './books.ts';
import { Faults } from './faults.ts';
import { beginLoad, send } from './load.ts';
import type { AnySystem } from './load.ts';
import type { Line, Sample, Settings } from './protocol.ts';

const settings = JSON.parse(process.argv[2]!) as Settings;
const { folder, actors, seconds, seed } = settings;

const BORN_AT_ONCE = 2000;
const ASKED_AT_ONCE = 2000;
const RESTS_WITHIN_MS = 60_000;
const CLOSES_WITHIN_MS = 60_000;
const MB = 1 << 20;

const say = (line: Line): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const random = new Prng(seed);
world.random = random.fork('world');
const population = populate(actors);
const books = new Books(population.groups.flatMap(({ addresses }) => addresses));

const options = {
  store: leveldb(folder),
  actors: population.logic,
  supervise: population.tree,
  // What fails is counted by whoever has made it fail.
  logger: { log: () => {}, error: () => {} },
  // Short, so that in each third of the time as many fall asleep as are woken.
  passivateAfter: Math.min(10_000, Math.max(500, seconds * 150)),
} satisfies SystemOptions<ActorDefinitions>;

let system: AnySystem = await createSystem<ActorDefinitions>(options);
let cpuBefore = process.cpuUsage();
await bearPools();
say({ born: books.addresses.length });
await soak();
const down = await comeToRest();
await close();
system = await createSystem<ActorDefinitions>(options);
await judge(down);
await close();
say({ outcome: { counts: books.counts, violations: books.violations } });
// Whatever keeps the process from ending was counted.
process.exit(0);

// ---- a life -----------------------------------------------------------------------------------------------------------

async function bearPools(): Promise<void> {
  for (const { isPool, supervisor, addresses } of population.groups) {
    if (!isPool) continue;
    for (let first = 0; first < addresses.length; first += BORN_AT_ONCE) {
      const some = addresses.slice(first, first + BORN_AT_ONCE);
      await Promise.all(
        some.map((address) => system.actor(supervisor, address.slice(supervisor.length + 1))),
      );
    }
  }
}

async function soak(): Promise<void> {
  const endLoad = beginLoad(system, books, random.fork('load'));
  const faults = new Faults(system, books, population.groups, random.fork('faults'));
  faults.begin();
  system.metrics();
  let acked = 0;
  for (let second = 1; second <= seconds; second++) {
    await sleep(1000);
    const sample = look(second, (books.counts['acked'] ?? 0) - acked);
    acked = books.counts['acked'] ?? 0;
    say({ sample });
  }
  endLoad();
  await faults.end();
  world.isCalm = true;
}

function look(second: number, acked: number): Sample {
  const latencies = books.takeLatencies();
  const at = (part: number): number => latencies[Math.floor((latencies.length - 1) * part)] ?? NaN;
  (globalThis as { gc?: () => void }).gc!();
  const { user, system: ofKernel } = process.cpuUsage(cpuBefore);
  cpuBefore = process.cpuUsage();
  const { heapUsed, rss } = process.memoryUsage();
  const { mailboxes, actors: living } = system.metrics();
  return {
    second,
    heapMB: heapUsed / MB,
    rssMB: rss / MB,
    handles: process.getActiveResourcesInfo().length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    acked,
    cpuMs: (user + ofKernel) / 1000,
    waiting: mailboxes.waiting,
    deepest: mailboxes.deepest?.depth ?? 0,
    inMemory: living.inMemory,
  };
}

// ---- the end ----------------------------------------------------------------------------------------------------------

interface Left {
  readonly terminated: string;
  readonly givenUp: Group;
}

async function comeToRest(): Promise<Left> {
  const faults = new Faults(system, books, population.groups, random.fork('rest'));
  await restOf('the load');
  const left = await faults.leaveSomeDown();
  await restOf('the last faults');
  const { crashes, restarts, processes, deadLetters, failedSteps } = system.metrics();
  const handle = system.supervisor('soak');
  books.add('crashes', crashes);
  books.add('restarts', restarts);
  books.add('failedSteps', failedSteps);
  books.add('deadLetters', deadLetters.steps);
  books.add('processes', processes.started);
  books.add('processesFailed', processes.failed);
  books.add(
    'giveUps',
    handle.whichChildren().reduce((sum, { restarts: times }) => sum + times, 0),
  );
  books.add('jobsRejected', world.jobsRejected);
  books.add('tasksRejected', world.tasksRejected);
  if (deadLetters.steps !== (books.counts['refused:StepFailed'] ?? 0))
    books.violation(
      `${deadLetters.steps} dead letters, but ${books.counts['refused:StepFailed']} senders were told`,
    );
  return left;
}

/** Waits until every event has its answer, every mailbox is empty, and nobody has anything to do. */
async function restOf(what: string): Promise<void> {
  const until = performance.now() + RESTS_WITHIN_MS;
  for (let quiet = 0; quiet < 10;) {
    await sleep(50);
    const { queued, undurable, owed, processes } = system.metrics();
    const isQuiet = books.inFlight === 0 && queued === 0 && undurable === 0 && owed === 0;
    const isWorking = processes.running > 2 * population.groups.length;
    quiet = isQuiet && !isWorking ? quiet + 1 : 0;
    if (performance.now() < until) continue;
    const state = { queued, undurable, owed, inFlight: books.inFlight, running: processes.running };
    return books.violation(`${what} did not come to rest: ${JSON.stringify(state)}`);
  }
}

async function close(): Promise<void> {
  const startedAt = performance.now();
  const hasClosed = await Promise.race([system.close().then(() => true), sleep(CLOSES_WITHIN_MS)]);
  if (hasClosed !== true) books.violation('it did not close');
  books.counts['closeMs'] = Math.round(performance.now() - startedAt);
  for (const [name, running] of world.pulses)
    if (running !== 0) books.violation(`${running} of the pulse ${name} run in a closed system`);
}

// ---- the judgement ----------------------------------------------------------------------------------------------------

async function judge({ terminated, givenUp }: Left): Promise<void> {
  const { broken } = await system.verify();
  for (const { address, reason } of broken) books.violation(`${address} is damaged: ${reason}`);
  if (world.doubled > 0) books.violation(`${world.doubled} pulses were started while they ran`);
  const mayBeDown = new Set([terminated, ...givenUp.addresses]);
  for (const [place, address] of books.addresses.entries()) compare(place, address);
  for (let first = 0; first < books.addresses.length; first += ASKED_AT_ONCE) {
    const some = books.addresses.slice(first, first + ASKED_AT_ONCE);
    await Promise.all(some.map((address) => isUpOrParked(address, mayBeDown.has(address))));
  }
  books.add('beats', world.beats);
}

/** What was acknowledged, against what is there. */
function compare(place: number, address: string): void {
  const snapshot = system.get(address)!.getSnapshot() as unknown as { context: AccountContext };
  const { sum, ticks, done } = snapshot.context;
  books.add('timersFired', ticks);
  books.add('tasksDone', done);
  const missing = books.sumOf(place) - sum;
  if (missing === 0) return;
  books.add(missing > 0 ? 'lost' : 'duplicated');
  books.violation(`${address} holds ${sum}, but by its receipts it must be ${books.sumOf(place)}`);
}

async function isUpOrParked(address: string, mayBeDown: boolean): Promise<void> {
  try {
    await send(system, address, { type: 'add', by: 0 });
    books.add('up');
    if (mayBeDown) books.violation(`${address} is up, though it was left down`);
  } catch (error) {
    const { _tag, reason } = error as { _tag?: string; reason?: string };
    books.add('parked');
    if (!mayBeDown || _tag !== 'ActorDown' || !reason)
      books.violation(`${address} is not up: ${String(error)}`);
  }
}
