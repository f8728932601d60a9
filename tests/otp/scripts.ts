/**
 * Scripts: what happens to a supervision tree, played alike by OTP (oracle.erl) and by our supervisors (world.ts). Here are
 * their words, their text form, and the generator of random ones. The words are OTP's.
 *
 * A script in its text form, `!` for a significant child, `*` for the template of a simple_one_for_one supervisor:
 *
 *     one_for_all 2 any_significant ( a permanent b transient! p permanent simple_one_for_one 1 ( * temporary ) ) ;
 *       up ; fail a 2 ; exit b crash ; start p 1 ; halt
 *
 * Its log has an entry for each thing that happened, in the words that stand at the head of oracle.erl.
 */
import { Prng } from '../../runtime/testing/prng.ts';

// ---- what a script is ---------------------------------------------------------------------------------------------

export type OtpStrategy = 'one_for_one' | 'one_for_all' | 'rest_for_one' | 'simple_one_for_one';
export type OtpAutoShutdown = 'never' | 'any_significant' | 'all_significant';
export type OtpRestart = 'permanent' | 'transient' | 'temporary';
export type OtpReason = 'normal' | 'shutdown' | 'crash';

export interface Tree {
  readonly strategy: OtpStrategy;
  readonly intensity: number;
  readonly autoShutdown: OtpAutoShutdown;
  /** Of a simple_one_for_one supervisor: its template alone. */
  readonly children: readonly Child[];
}

export interface Child {
  readonly id: string;
  readonly restart: OtpRestart;
  readonly significant: boolean;
  /** A nested supervisor instead of a worker. */
  readonly supervisor?: Tree;
}

/** The supervisor at the root; the paths of all others leave it out: `a`, `s/b`, `s/p/1`. */
export const TOP = 'top';
/** The id of the template of a simple_one_for_one supervisor. */
export const TEMPLATE = '*';

/** A worker ends by itself. Nothing happens if it does not run. */
export interface Exit {
  readonly do: 'exit';
  readonly path: string;
  readonly reason: OtpReason;
}

/** To start a child of a simple_one_for_one supervisor, its key is enough. */
interface Start {
  readonly do: 'start';
  readonly at: string;
  readonly child: Child | string;
}

/** Asks the supervisor `at`. */
export type Request =
  Start | { readonly do: 'terminate' | 'restart' | 'delete'; readonly at: string; readonly id: string };

/** The supervisor of the worker is terminated by the one above, while it is starting that worker. */
export interface Stop {
  readonly do: 'stop';
}

export type Operation =
  | { readonly do: 'up' | 'halt' }
  | Exit
  | Request
  | { readonly do: 'which'; readonly at: string }
  /** The next starts of a worker fail. */
  | { readonly do: 'fail'; readonly path: string; readonly times: number }
  /**
   * Happens at the next start of that worker, before it has started or failed to: its supervisor is busy and hears of it
   * later. Unless the supervisor itself is just being started.
   */
  | { readonly do: 'during'; readonly path: string; readonly also: Exit | Request | Stop };

export interface Script {
  readonly tree: Tree;
  readonly operations: readonly Operation[];
}

/** What happened: one list for each operation, until the tree was gone. */
export type Log = readonly (readonly string[])[];

export function childPath(at: string, id: string): string {
  return at === TOP ? id : `${at}/${id}`;
}

export function supervisorOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash === -1 ? TOP : path.slice(0, slash);
}

export function idOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

// ---- as text ------------------------------------------------------------------------------------------------------

const STRATEGIES: readonly string[] = ['one_for_one', 'one_for_all', 'rest_for_one', 'simple_one_for_one'];

export function formatScript({ tree, operations }: Script): string {
  return [formatTree(tree), ...operations.map(formatOperation)].join(' ; ');
}

function formatOperation(operation: Operation | Stop): string {
  switch (operation.do) {
    case 'up':
    case 'halt':
    case 'stop':
      return operation.do;
    case 'exit':
      return `exit ${operation.path} ${operation.reason}`;
    case 'fail':
      return `fail ${operation.path} ${operation.times}`;
    case 'during':
      return `during ${operation.path} ${formatOperation(operation.also)}`;
    case 'which':
      return `which ${operation.at}`;
    case 'start': {
      const { at, child } = operation;
      return `start ${at} ${typeof child === 'string' ? child : formatChild(child)}`;
    }
    default:
      return `${operation.do} ${operation.at} ${operation.id}`;
  }
}

function formatTree({ strategy, intensity, autoShutdown, children }: Tree): string {
  const auto = autoShutdown === 'never' ? [] : [autoShutdown];
  return [strategy, intensity, ...auto, '(', ...children.map(formatChild), ')'].join(' ');
}

function formatChild({ id, restart, significant, supervisor }: Child): string {
  const nested = supervisor === undefined ? '' : ` ${formatTree(supervisor)}`;
  return `${id} ${restart}${significant ? '!' : ''}${nested}`;
}

export function parseScript(text: string): Script {
  const [tree, ...operations] = text.split(';').map((part) => part.trim().split(/\s+/));
  return { tree: readTree(tree!), operations: operations.map((words) => readOperation(words) as Operation) };
}

/** Takes the words of a supervisor from the front of the list. */
function readTree(words: string[]): Tree {
  const strategy = words.shift() as OtpStrategy;
  const intensity = Number(words.shift());
  const autoShutdown = words[0] === '(' ? 'never' : (words.shift() as OtpAutoShutdown);
  words.shift();
  const children: Child[] = [];
  while (words[0] !== ')') children.push(readChild(words));
  words.shift();
  return { strategy, intensity, autoShutdown, children };
}

function readChild(words: string[]): Child {
  const id = words.shift()!;
  const [restart, ...significant] = words.shift()!.split('!');
  const isSupervisor = STRATEGIES.includes(words[0]!);
  return {
    id,
    restart: restart as OtpRestart,
    significant: significant.length > 0,
    ...(isSupervisor && { supervisor: readTree(words) }),
  };
}

function readOperation(words: readonly string[]): Operation | Stop {
  const [what, where, which, ...others] = words as [Operation['do'] | 'stop', string, string];
  switch (what) {
    case 'up':
    case 'halt':
    case 'stop':
      return { do: what };
    case 'exit':
      return { do: what, path: where, reason: which as OtpReason };
    case 'fail':
      return { do: what, path: where, times: Number(which) };
    case 'during':
      return { do: what, path: where, also: readOperation(words.slice(2)) as Exit | Request | Stop };
    case 'which':
      return { do: what, at: where };
    case 'start':
      return { do: what, at: where, child: others.length === 0 ? which : readChild([which, ...others]) };
    default:
      return { do: what, at: where, id: which };
  }
}

export function formatLog(log: Log): string {
  return log.map((entries) => entries.join(', ')).join('; ');
}

export function parseLog(text: string): Log {
  return text.split('; ').map((entries) => (entries === '' ? [] : entries.split(', ')));
}

// ---- what OTP leaves open -----------------------------------------------------------------------------------------

/**
 * A simple_one_for_one supervisor stops its children all at once, in no order. Sorts those stops, so that logs can be
 * compared.
 */
export function sortParallelStops(log: Log, { tree }: Script): Log {
  const pools = poolsOf(tree, TOP);
  return log.map((entries) => pools.reduce(sortStops, entries));
}

function poolsOf(tree: Tree, path: string): string[] {
  const inside = tree.children.flatMap(({ id, supervisor }) =>
    supervisor === undefined ? [] : poolsOf(supervisor, childPath(path, id)),
  );
  return tree.strategy === 'simple_one_for_one' ? [path, ...inside] : inside;
}

function sortStops(entries: readonly string[], pool: string): readonly string[] {
  const sorted: string[] = [];
  let together: string[] = [];
  const flush = () => {
    sorted.push(...together.sort());
    together = [];
  };
  for (const entry of entries) {
    const [what, path] = entry.split(' ') as [string, string];
    if (what === 'stop' && path !== TOP && supervisorOf(path) === pool) {
      together.push(entry);
      continue;
    }
    flush();
    sorted.push(entry);
  }
  flush();
  return sorted;
}

/** The first operation in which the logs differ, readable; undefined if there is none. */
export function describeDifference(script: Script, otp: Log, ours: Log): string | undefined {
  const longer = otp.length > ours.length ? otp : ours;
  const at = longer.findIndex((_, index) => otp[index]?.join() !== ours[index]?.join());
  if (at === -1) return undefined;
  const told = script.operations.slice(0, at).map((operation, index) => toldOf(operation, otp[index]!));
  const say = (log: Log) => log[at]?.join(', ') ?? '(it was over)';
  return [
    formatTree(script.tree),
    ...told,
    formatOperation(script.operations[at]!),
    `    OTP:  ${say(otp)}`,
    `    ours: ${say(ours)}`,
  ].join('\n');
}

function toldOf(operation: Operation, happened: readonly string[]): string {
  return [formatOperation(operation), ...(happened.length > 0 ? [`    ${happened.join(', ')}`] : [])].join(
    '\n',
  );
}

// ---- random scripts -----------------------------------------------------------------------------------------------

const DEEPEST = 3;
const WORKER_IDS = ['a', 'b', 'c', 'd', 'e'];
const SUPERVISOR_IDS = ['s', 't', 'u'];
const INTENSITIES = [0, 1, 1, 2, 2, 3, 4, 5];
const STATIC_STRATEGIES: readonly OtpStrategy[] = ['one_for_one', 'one_for_all', 'rest_for_one'];
/** What is named more often is chosen more often. */
const AUTO_SHUTDOWNS: readonly OtpAutoShutdown[] = [
  ...(['never', 'never', 'never', 'never'] as const),
  ...([
    'any_significant',
    'any_significant',
    'all_significant',
    'all_significant',
    'all_significant',
  ] as const),
];
const RESTARTS: readonly OtpRestart[] = [
  'permanent',
  'permanent',
  'permanent',
  'transient',
  'transient',
  'temporary',
];
const SIGNIFICANT_RESTARTS: readonly OtpRestart[] = ['permanent', 'transient', 'transient', 'temporary'];
const REASONS: readonly OtpReason[] = ['crash', 'crash', 'crash', 'crash', 'normal', 'shutdown'];

/** The script of a seed. */
export function randomScript(seed: number): Script {
  return new Author(seed).script();
}

/** What the author knows of a supervisor: which children it may have. Whether it has them now is for the player to know. */
interface Known {
  readonly path: string;
  readonly tree: Tree;
  readonly workers: string[];
  readonly supervisors: Child[];
}

class Author {
  readonly #random: Prng;
  readonly #known: Known[] = [];
  readonly #operations: Operation[] = [];
  #started = 0;

  constructor(seed: number) {
    this.#random = new Prng(seed);
  }

  script(): Script {
    const tree = this.#tree(1);
    this.#learn(tree, TOP);
    if (this.#random.chance(0.08)) this.#failSomething();
    this.#do({ do: 'up' });
    const pools = this.#known.filter(({ tree: { strategy } }) => strategy === 'simple_one_for_one');
    for (const pool of pools)
      for (let some = this.#random.below(4); some > 0; some--) this.#do(this.#start(pool));
    for (let many = 3 + this.#random.below(6); many > 0; many--) this.#incident();
    this.#do({ do: 'halt' });
    return { tree, operations: this.#operations };
  }

  #do(operation: Operation): void {
    this.#operations.push(operation);
  }

  // ---- the tree ---------------------------------------------------------------------------------------------------

  #tree(depth: number): Tree {
    const random = this.#random;
    const intensity = random.pick(INTENSITIES);
    if (random.chance(depth === 1 ? 0.06 : 0.25)) return this.#pool(intensity);
    const autoShutdown = random.pick(AUTO_SHUTDOWNS);
    const many = random.below(depth === 1 ? 3 : 4) + (depth === 1 ? 2 : 1);
    const workerIds = [...WORKER_IDS];
    const supervisorIds = [...SUPERVISOR_IDS];
    const children = Array.from({ length: many }, (): Child => {
      const isNested = depth < DEEPEST && supervisorIds.length > 0 && random.chance(0.35);
      const id = (isNested ? supervisorIds : workerIds).shift()!;
      return { id, ...this.#rules(autoShutdown), ...(isNested && { supervisor: this.#tree(depth + 1) }) };
    });
    return { strategy: random.pick(STATIC_STRATEGIES), intensity, autoShutdown, children };
  }

  /** Heddle's dynamic supervisors have workers alone, and do not shut down automatically. */
  #pool(intensity: number): Tree {
    const template = { id: TEMPLATE, restart: this.#random.pick(RESTARTS), significant: false };
    return { strategy: 'simple_one_for_one', intensity, autoShutdown: 'never', children: [template] };
  }

  #rules(autoShutdown: OtpAutoShutdown): Pick<Child, 'restart' | 'significant'> {
    if (autoShutdown === 'never') return { restart: this.#random.pick(RESTARTS), significant: false };
    const restart = this.#random.pick(SIGNIFICANT_RESTARTS);
    // A permanent one is refused as a bad combination.
    return { restart, significant: restart !== 'permanent' && this.#random.chance(0.8) };
  }

  #learn(tree: Tree, path: string): void {
    const isPool = tree.strategy === 'simple_one_for_one';
    const nested = tree.children.filter(({ supervisor }) => supervisor !== undefined);
    const workers = tree.children.filter(({ supervisor }) => supervisor === undefined).map(({ id }) => id);
    this.#known.push({ path, tree, workers: isPool ? [] : workers, supervisors: nested });
    for (const { id, supervisor } of nested) this.#learn(supervisor!, childPath(path, id));
  }

  // ---- what happens -------------------------------------------------------------------------------------------------

  #incident(): void {
    const at = this.#random.pick(this.#known);
    const roll = this.#random.below(100);
    const hasWorkers = at.workers.length > 0;
    if (hasWorkers && roll < 30) this.#do(this.#exit(at));
    else if (hasWorkers && roll < 65) this.#badRestart(at);
    else if (hasWorkers && roll < 72) this.#badStart(at);
    else if (roll < 94) this.#do(this.#request(at));
    else this.#do({ do: 'which', at: at.path });
  }

  /** A restart during which something else happens: starts fail, siblings fail, somebody asks for something. */
  #badRestart(at: Known): void {
    const random = this.#random;
    // While the last one is being started, all the others run.
    const worker = random.chance(0.4) ? at.workers.at(-1)! : random.pick(at.workers);
    const path = childPath(at.path, worker);
    const fails = random.chance(0.7);
    if (fails) this.#do({ do: 'fail', path, times: 1 + random.below(3) });
    if (!fails || random.chance(0.5)) {
      for (let some = 1 + random.below(3); some > 0; some--)
        this.#do({ do: 'during', path, also: this.#meanwhile(at, worker) });
    }
    // Its own restart, somebody else's which takes it along, or one that was asked for.
    const roll = random.below(10);
    if (roll < 5) return this.#do({ do: 'exit', path, reason: 'crash' });
    if (roll < 8) return this.#do({ ...this.#exit(at), reason: 'crash' });
    this.#do({ do: 'terminate', at: at.path, id: worker });
    this.#do({ do: 'restart', at: at.path, id: worker });
  }

  #meanwhile(at: Known, worker: string): Exit | Request | Stop {
    const random = this.#random;
    const roll = random.below(20);
    if (roll < 10) return this.#exit(at, worker);
    if (roll < 12 && at.path !== TOP) return { do: 'stop' };
    if (at.tree.strategy === 'simple_one_for_one' || random.chance(0.7)) {
      const what = random.pick(['terminate', 'restart', 'delete'] as const);
      return { do: what, at: at.path, id: worker };
    }
    return random.chance(0.5) ? this.#startWorker(at, worker) : this.#request(at);
  }

  /** A start that was asked for fails; and what the supervisor knows of that child afterwards. */
  #badStart(at: Known): void {
    const random = this.#random;
    const id = random.pick(at.workers);
    const path = childPath(at.path, id);
    this.#do({ do: 'terminate', at: at.path, id });
    if (random.chance(0.5)) this.#do({ do: 'delete', at: at.path, id });
    const start = at.tree.strategy === 'simple_one_for_one' ? this.#start(at) : this.#startWorker(at, id);
    const isDynamic = typeof start.child === 'string';
    this.#do({ do: 'fail', path: isDynamic ? childPath(at.path, start.child) : path, times: 1 });
    this.#do(start);
    if (isDynamic || random.chance(0.5)) return this.#do({ do: 'which', at: at.path });
    this.#do({ do: random.pick(['terminate', 'restart', 'delete'] as const), at: at.path, id });
  }

  #exit(at: Known, rather?: string): Exit {
    const others = at.workers.filter((id) => id !== rather);
    const id = this.#random.pick(others.length > 0 ? others : at.workers);
    return { do: 'exit', path: childPath(at.path, id), reason: this.#random.pick(REASONS) };
  }

  #failSomething(): void {
    const at = this.#random.pick(this.#known);
    if (at.workers.length === 0) return;
    const path = childPath(at.path, this.#random.pick(at.workers));
    this.#do({ do: 'fail', path, times: 1 + this.#random.below(3) });
  }

  #request(at: Known): Request {
    const random = this.#random;
    const what = random.pick(['start', 'terminate', 'terminate', 'restart', 'delete'] as const);
    if (what === 'start') return this.#start(at);
    const ids = [...at.workers, ...at.supervisors.map(({ id }) => id), 'nobody'];
    return {
      do: what,
      at: at.path,
      id: at.tree.strategy === 'simple_one_for_one' ? this.#key(at) : random.pick(ids),
    };
  }

  #key({ workers }: Known): string {
    return workers.length === 0 || this.#random.chance(0.15) ? '99' : this.#random.pick(workers);
  }

  #start(at: Known): Start {
    if (at.tree.strategy === 'simple_one_for_one') {
      // A key of its own for each child: OTP would start another one under a key that is taken.
      const key = String(++this.#started);
      at.workers.push(key);
      return { do: 'start', at: at.path, child: key };
    }
    // What a child is never changes, only its rules.
    const nested =
      at.supervisors.length > 0 && this.#random.chance(0.2) ? this.#random.pick(at.supervisors) : undefined;
    if (nested !== undefined) {
      const child = { ...nested, ...this.#rules(at.tree.autoShutdown) };
      return { do: 'start', at: at.path, child };
    }
    const fresh = WORKER_IDS.find((id) => !at.workers.includes(id));
    const id =
      fresh !== undefined && this.#random.chance(0.5) ? fresh : this.#random.pick([...at.workers, 'a']);
    if (!at.workers.includes(id)) at.workers.push(id);
    return this.#startWorker(at, id);
  }

  #startWorker(at: Known, id: string): Start {
    return { do: 'start', at: at.path, child: { id, ...this.#rules(at.tree.autoShutdown) } };
  }
}
