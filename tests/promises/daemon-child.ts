/**
 * A process that is ended by `daemon.test.ts`, in one of many ways. It says on its standard output what happens, one JSON
 * object a line: Node waits there until it is written, so what was said before the end was said.
 *
 * Argument: its job, as JSON.
 */
import { assign, setup } from 'xstate';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import type { Store } from 'heddle/storage';
import { daemon } from '../../runtime/health/daemon.ts';
import type { DaemonOptions, Hosted } from '../../runtime/health/daemon.ts';
import { EventLoop } from '../../runtime/health/event-loop.ts';
import { Metrics } from '../../runtime/health/metrics.ts';
import { internals } from '../../runtime/system.ts';

export interface Job {
  readonly folder: string;
  /** What it does when it is up. `measure`: nothing but to measure the event loop. */
  readonly work: 'load' | 'slow-action' | 'endless-action' | 'nothing' | 'measure';
  readonly opening?: 'slow' | 'failing';
  readonly onClose?: 'slow' | 'endless' | 'failing' | 'throwing';
  readonly logger?: 'throwing';
  readonly close?: 'failing';
  readonly dispose?: boolean;
  readonly options?: Pick<DaemonOptions, 'grace' | 'signals'>;
}

/** What the test may tell it. */
export type Command = 'throw' | 'reject' | 'throw-all-the-time';

export interface Said {
  readonly up?: true;
  readonly starting?: true;
  /** An event whose receipt has come. */
  readonly acked?: number;
  /** Something that is done. */
  readonly did?: string;
  readonly logged?: string;
  readonly reported?: string;
  /** What `closed` has resolved with. */
  readonly closed?: number;
}

/** How many sends are under way at once. */
const LANES = 8;
const SLOW_MS = 400;

const job = JSON.parse(process.argv[2]!) as Job;

function say(said: Said): void {
  process.stdout.write(`${JSON.stringify(said)}\n`);
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const forever = (): Promise<void> => new Promise(() => {});

const actions = {
  slow: (): unknown => sleep(SLOW_MS).then(() => say({ did: 'the action' })),
  endless: (): unknown => forever(),
};

/** What the test looks at afterwards. */
export const counter = setup({
  types: {
    context: {} as { count: number },
    events: {} as { type: 'add'; n: number } | { type: 'slow' } | { type: 'endless' },
  },
  actions,
}).createMachine({
  context: { count: 0 },
  on: {
    add: { actions: assign({ count: ({ context }) => context.count + 1 }) },
    slow: { actions: 'slow' },
    endless: { actions: 'endless' },
  },
});

const logger = {
  log: (...args: unknown[]) => say({ logged: args.map(String).join(' ') }),
  error: (...args: unknown[]) => {
    say({ reported: args.map(String).join(' ') });
    if (job.logger === 'throwing') throw new Error('the logger failed');
  },
};

function storeFor({ folder, opening }: Job): Store {
  const store = leveldb(folder);
  const open = store.open.bind(store);
  if (opening === 'slow') store.open = () => sleep(SLOW_MS).then(open);
  if (opening === 'failing') store.open = () => Promise.reject(new Error('the store is on fire'));
  return store;
}

const closings: Readonly<Record<NonNullable<Job['onClose']>, () => Promise<void>>> = {
  slow: async () => {
    say({ did: 'onClose began' });
    await sleep(SLOW_MS);
    say({ did: 'onClose' });
  },
  endless: forever,
  failing: () => Promise.reject(new Error('onClose failed')),
  throwing: () => {
    throw new Error('onClose threw');
  },
};

const opening = () => createSystem({ store: storeFor(job), actors: { counter }, logger });
type Opened = Awaited<ReturnType<typeof opening>>;

/** The system as the daemon sees it. */
function hosted(system: Opened): Hosted {
  const own = (system as Partial<Hosted>).metrics?.bind(system);
  return {
    close: async () => {
      await system.close();
      say({ did: 'close' });
      if (job.close === 'failing') throw new Error('closing failed');
    },
    metrics: own ?? (() => new Metrics(internals.get(system)!).read()),
  };
}

async function load(system: Opened): Promise<void> {
  let next = 0;
  const lane = async (id: number): Promise<void> => {
    const ref = await system.actor('counter', `${id}`);
    // Nobody catches that the system closes: for a program that is about to end that is nothing.
    for (;;) {
      const n = next++;
      await ref.send({ type: 'add', n });
      say({ acked: n });
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, id) => lane(id)));
}

function obey(command: Command): void {
  if (command === 'reject') {
    void Promise.reject(new Error('nobody handles this'));
    return;
  }
  setTimeout(() => {
    throw new Error('nobody catches this');
  }, 0);
  if (command === 'throw-all-the-time') setTimeout(() => obey(command), 5);
}

async function run(): Promise<void> {
  const system = opening();
  const handle = daemon(system.then(hosted), {
    logger,
    ...(job.onClose !== undefined && { onClose: closings[job.onClose] }),
    ...job.options,
  });
  void handle.closed.then((closed) => say({ closed }));
  if (job.dispose === true) handle.dispose();
  process.on('message', obey);
  say({ starting: true });
  const open = await system;
  const ref = await open.actor('counter', 'one');
  say({ up: true });
  switch (job.work) {
    case 'load':
      return load(open);
    case 'slow-action':
      await ref.send({ type: 'slow' });
      return say({ did: 'send' });
    case 'endless-action':
      await ref.send({ type: 'endless' });
      return say({ did: 'send' });
  }
}

if (job.work === 'measure') {
  const loop = new EventLoop();
  loop.read(0);
  setTimeout(() => say({ did: `count ${loop.read(1).count > 0}` }), 200);
} else await run();
