/**
 * A world for supervisors: plays a script with our own decisions (`supervise`) instead of OTP's, and writes the same log.
 *
 * Every supervisor has a mailbox, first in, first out; whose turn it is may be left to chance, since it must not matter.
 * Workers do at once what they are told. After each operation everything is delivered until nothing is left.
 */
import type { Prng } from '../../runtime/testing/prng.ts';
import type { ChildDeclaration, SupervisorDeclaration } from '../../runtime/supervision/declaration.ts';
import { initialState, supervise } from '../../runtime/supervision/supervisor.ts';
import { EVERYBODY } from '../../runtime/supervision/words.ts';
import type {
  Answer,
  ChildOrder,
  Order,
  SupervisorEvent,
  SupervisorState,
} from '../../runtime/supervision/words.ts';
import { childPath, idOf, sortParallelStops, supervisorOf, TOP } from './scripts.ts';
import type { Child, Exit, Log, Operation, OtpStrategy, Request, Script, Stop, Tree } from './scripts.ts';

/** No restart is ever forgotten: time stands still here, and hardly passes where OTP plays. */
const PERIOD_MS = 3_600_000;
const NOW_MS = 1_000;
const SHUTDOWN_MS = 5_000;
/** Deliveries after which a script is taken to go round in circles. */
const TOO_MANY = 10_000;

const STRATEGY = {
  one_for_one: 'one-for-one',
  one_for_all: 'one-for-all',
  rest_for_one: 'rest-for-one',
  simple_one_for_one: 'dynamic',
} as const satisfies Record<OtpStrategy, SupervisorDeclaration['strategy']>;

const AUTO_SHUTDOWN = {
  never: 'never',
  any_significant: 'any-significant',
  all_significant: 'all-significant',
} as const satisfies Record<Tree['autoShutdown'], SupervisorDeclaration['autoShutdown']>;

/** What our supervisors do in a script. `random`: who is to have the next turn. */
export function play(script: Script, random?: Prng): Log {
  return sortParallelStops(new World(script.tree, random).play(script.operations), script);
}

function declarationOf(id: string, tree: Tree): SupervisorDeclaration {
  const { intensity, children } = tree;
  const common = {
    id,
    strategy: STRATEGY[tree.strategy],
    intensity,
    periodMs: PERIOD_MS,
    autoShutdown: AUTO_SHUTDOWN[tree.autoShutdown],
  };
  const declared = children.map(childDeclaration);
  if (tree.strategy !== 'simple_one_for_one') return { ...common, children: declared };
  const { id: _, ...dynamic } = declared[0]!;
  return { ...common, children: [], dynamic };
}

function childDeclaration({ id, restart, significant, supervisor }: Child): ChildDeclaration {
  const common = { id, restart, significant, from: 'initial' } as const;
  return supervisor === undefined
    ? { ...common, start: 'worker', shutdownMs: SHUTDOWN_MS }
    : {
        ...common,
        start: 'supervisor',
        shutdownMs: Infinity,
        supervisor: declarationOf(id, supervisor),
      };
}

interface HostedSupervisor {
  readonly path: string;
  readonly mailbox: SupervisorEvent[];
  state: SupervisorState;
  /** `starting` from the order to the report; what it reports when it is down already is no news. */
  phase: 'down' | 'starting' | 'up';
}

class World {
  readonly #tree: Tree;
  readonly #random: Prng | undefined;
  readonly #supervisors = new Map<string, HostedSupervisor>();
  /** The workers that run. */
  readonly #workers = new Set<string>();
  readonly #fails = new Map<string, number>();
  readonly #during = new Map<string, (Exit | Request | Stop)[]>();
  #log: string[] = [];
  #asked = 0;
  #unanswered = 0;
  #isOver = false;

  constructor(tree: Tree, random: Prng | undefined) {
    this.#tree = tree;
    this.#random = random;
  }

  play(operations: readonly Operation[]): string[][] {
    const logs: string[][] = [];
    for (const operation of operations) {
      this.#log = [];
      this.#do(operation);
      this.#deliverUntilQuiet();
      // Whoever was asked and ended before it came to that: OTP's caller hears of it when it happens to look.
      for (; this.#unanswered > 0; this.#unanswered--) this.#write('answer noproc');
      logs.push(this.#log);
      if (this.#isOver) break;
    }
    return logs;
  }

  #write(entry: string): void {
    this.#log.push(entry);
  }

  // ---- operations ---------------------------------------------------------------------------------------------------

  #do(operation: Operation): void {
    switch (operation.do) {
      case 'up':
        return this.#orderSupervisor(TOP, {
          type: 'heddle.up',
          order: 0,
          declaration: childDeclaration({
            id: TOP,
            restart: 'permanent',
            significant: false,
            supervisor: this.#tree,
          }),
        });
      case 'halt':
        return this.#orderSupervisor(TOP, { type: 'heddle.halt', shutdownMs: Infinity });
      case 'fail':
        this.#fails.set(operation.path, operation.times);
        return undefined;
      case 'during': {
        const { path, also } = operation;
        this.#during.set(path, [...(this.#during.get(path) ?? []), also]);
        return undefined;
      }
      case 'exit':
        return this.#exit(operation);
      case 'which':
        return this.#write(this.#which(operation.at));
      default:
        return this.#ask(operation);
    }
  }

  #exit({ path, reason }: Exit): void {
    if (!this.#workers.delete(path)) return;
    this.#write(`exit ${path} ${reason}`);
    this.#post(supervisorOf(path), { type: 'heddle.exit', id: idOf(path), reason });
  }

  #ask(request: Request): void {
    this.#unanswered++;
    const ask = String(++this.#asked);
    if (request.do !== 'start') {
      return this.#post(request.at, { type: `heddle.child.${request.do}`, ask, id: request.id });
    }
    const child = this.#childToStart(request);
    if (child !== undefined) this.#post(request.at, { type: 'heddle.child.start', ask, child });
  }

  #childToStart({ at, child }: Extract<Request, { do: 'start' }>): ChildDeclaration | undefined {
    if (typeof child !== 'string') return childDeclaration(child);
    const template = this.#supervisors.get(at)?.state.declaration.dynamic;
    return template && { ...template, id: child };
  }

  #which(at: string): string {
    const supervisor = this.#supervisors.get(at);
    if (supervisor?.phase !== 'up') return 'answer noproc';
    const { declaration, children } = supervisor.state;
    const isDynamic = declaration.dynamic !== undefined;
    const phases = isDynamic
      ? this.#childrenOf(at).map((path) => `${idOf(path)}=up`)
      : children.map(({ declaration: { id }, phase }) => `${id}=${phase === 'running' ? 'up' : phase}`);
    return ['which', ...phases].join(' ');
  }

  // ---- mailboxes ------------------------------------------------------------------------------------------------------

  #post(path: string, event: SupervisorEvent): void {
    this.#supervisors.get(path)?.mailbox.push(event);
  }

  #deliverUntilQuiet(): void {
    for (let deliveries = 0; deliveries < TOO_MANY; deliveries++) {
      const waiting = [...this.#supervisors.values()].filter(({ mailbox }) => mailbox.length > 0);
      if (waiting.length === 0) return this.#expectQuiet();
      this.#deliver(this.#random?.pick(waiting) ?? waiting[0]!);
    }
    this.#write('never quiet');
    this.#isOver = true;
  }

  #deliver(supervisor: HostedSupervisor): void {
    const { state, orders } = supervise(supervisor.state, supervisor.mailbox.shift()!, {
      nowMs: NOW_MS,
      delayMs: () => 0,
    });
    supervisor.state = state;
    for (const order of orders) this.#carryOut(supervisor, order);
  }

  /** Once nothing is under way, nobody may still wait for something. OTP has no such lines. */
  #expectQuiet(): void {
    for (const { path, state } of this.#supervisors.values()) {
      const isStuck = state.work.length > 0 || state.waiting.length > 0;
      if (isStuck || state.phase === 'starting' || state.phase === 'stopping') this.#write(`stuck ${path}`);
    }
  }

  // ---- orders ---------------------------------------------------------------------------------------------------------

  #carryOut(supervisor: HostedSupervisor, order: Order): void {
    const { path } = supervisor;
    switch (order.to) {
      case 'child':
        return this.#orderChild(supervisor, childPath(path, order.id), order.event);
      case 'all':
        return this.#orderAll(path, order.event.type);
      case 'parent':
        return this.#report(supervisor, order.event);
      case 'self':
        if (order.delayMs !== 0) this.#write(`waits ${order.delayMs} ms in ${path}`);
        supervisor.mailbox.push(order.event);
        return undefined;
      case 'caller':
        return this.#answer(order.answer);
    }
  }

  #orderChild(above: HostedSupervisor, path: string, event: ChildOrder): void {
    const isSupervisor =
      event.type === 'heddle.up' ? event.declaration.supervisor : this.#supervisors.has(path);
    if (isSupervisor) return this.#orderSupervisor(path, event);
    switch (event.type) {
      case 'heddle.up':
        return this.#startWorker(above, path);
      case 'heddle.halt': {
        const isDynamic = above.state.declaration.dynamic !== undefined;
        const isGone = !this.#stopWorker(path) && isDynamic;
        above.mailbox.push({ type: 'heddle.halted', id: idOf(path), isGone });
        return undefined;
      }
      case 'xstate.stop':
        // For those who are stopped already; for others it would be a death without a farewell.
        if (this.#workers.delete(path)) this.#write(`killed ${path}`);
        return undefined;
      case 'heddle.release':
        return this.#write(`released ${path}`);
    }
  }

  #orderSupervisor(path: string, event: ChildOrder): void {
    switch (event.type) {
      case 'heddle.up': {
        const supervisor = this.#supervisors.get(path) ?? hosted(path, event.declaration.supervisor!);
        this.#supervisors.set(path, supervisor);
        supervisor.phase = 'starting';
        supervisor.mailbox.push({ type: 'heddle.up' });
        return undefined;
      }
      case 'heddle.halt':
        return this.#post(path, { type: 'heddle.halt' });
      case 'xstate.stop':
        if (this.#supervisors.get(path)?.phase !== 'down') this.#write(`killed ${path}`);
        this.#supervisors.delete(path);
        return undefined;
      case 'heddle.release':
        return this.#write(`released ${path}`);
    }
  }

  /** OTP's dynamic children are gone with their supervisor: there is nobody to start again. */
  #orderAll(path: string, what: 'heddle.up' | 'heddle.halt'): void {
    if (what === 'heddle.halt') for (const child of this.#childrenOf(path)) this.#stopWorker(child);
    const type = what === 'heddle.halt' ? 'heddle.halted' : 'heddle.started';
    this.#post(path, { type, id: EVERYBODY });
  }

  #childrenOf(path: string): string[] {
    return [...this.#workers].filter((worker) => supervisorOf(worker) === path).sort(byKey);
  }

  #report(supervisor: HostedSupervisor, event: Extract<Order, { to: 'parent' }>['event']): void {
    const { path, phase } = supervisor;
    const isUp = event.type === 'heddle.started';
    supervisor.phase = isUp ? 'up' : 'down';
    // A supervisor that gave up just before it was told to stop answers that it has stopped; OTP finds it dead.
    if (isUp ? phase !== 'up' : phase !== 'down') this.#write(`${REPORTED[event.type]} ${path}`);
    if (path !== TOP) this.#post(supervisorOf(path), { ...event, id: idOf(path) });
    else if (!isUp) this.#isOver = true;
  }

  #answer(answer: Answer): void {
    // It is down. Counted as unanswered: OTP's caller finds out later.
    if (!answer.ok && answer.reason === 'shutdown') return;
    this.#unanswered--;
    this.#write(`answer ${answer.ok ? 'ok' : (ANSWERED[answer.reason] ?? answer.reason)}`);
  }

  // ---- workers --------------------------------------------------------------------------------------------------------

  #startWorker(supervisor: HostedSupervisor, path: string): void {
    if (supervisor.phase === 'up') this.#meanwhile(supervisor, path);
    const id = idOf(path);
    const fails = this.#fails.get(path) ?? 0;
    if (fails > 0) {
      this.#fails.set(path, fails - 1);
      this.#write(`start-failed ${path}`);
      supervisor.mailbox.push({ type: 'heddle.start-failed', id, error: 'planned' });
      return;
    }
    if (this.#workers.has(path)) this.#write(`twice ${path}`);
    this.#workers.add(path);
    this.#write(`start ${path}`);
    supervisor.mailbox.push({ type: 'heddle.started', id });
  }

  /** What was planned to happen while this worker is being started. */
  #meanwhile(supervisor: HostedSupervisor, path: string): void {
    const planned = this.#during.get(path) ?? [];
    this.#during.delete(path);
    for (const operation of planned) {
      if (operation.do === 'exit') this.#exit(operation);
      else if (operation.do !== 'stop') this.#ask(operation);
      else this.#terminate(supervisor);
    }
  }

  /** The one above terminates this supervisor, whose order to stop has arrived before anything else happens. */
  #terminate({ path }: HostedSupervisor): void {
    const above = this.#supervisors.get(supervisorOf(path))!;
    this.#ask({ do: 'terminate', at: above.path, id: idOf(path) });
    while (above.mailbox.length > 0) this.#deliver(above);
  }

  /** Whether it was running. */
  #stopWorker(path: string): boolean {
    const wasRunning = this.#workers.delete(path);
    if (wasRunning) this.#write(`stop ${path}`);
    return wasRunning;
  }
}

const REPORTED = {
  'heddle.started': 'start',
  'heddle.start-failed': 'start-failed',
  'heddle.halted': 'stop',
  'heddle.exit': 'gave-up',
} as const satisfies Record<Extract<Order, { to: 'parent' }>['event']['type'], string>;

const ANSWERED: Readonly<Record<string, string>> = {
  'not-found': 'not_found',
  'already-present': 'already_present',
  'already-started': 'already_started',
  dynamic: 'simple_one_for_one',
};

function hosted(path: string, declaration: SupervisorDeclaration): HostedSupervisor {
  return { path, mailbox: [], state: initialState(declaration), phase: 'down' };
}

function byKey(one: string, other: string): number {
  return Number(idOf(one)) - Number(idOf(other));
}
