/**
 * Who lives in the soak: accounts, which count what they are sent, set timers and start small processes; pulses and jobs,
 * which are processes under a supervisor themselves; and the tree above them.
 *
 *     soak ── s0 … sN    one-for-one, one-for-all and rest-for-one in turns: a pulse, accounts, a job
 *         └── pool0 …    dynamic, each with thousands of accounts
 */
import { assign, fromCallback, fromPromise, sendTo, setup } from 'xstate';
import type { AnyActorRef } from 'xstate';
import { durable, supervisor } from 'heddle';
import type { Supervisor } from 'heddle';
import { Prng } from '../../../runtime/testing/prng.ts';

export type AccountEvent =
  | { type: 'add'; by: number }
  /** Takes away from this account what it sends to another. */
  | { type: 'pass'; by: number; to: string }
  /** Throws, so the account fails. */
  | { type: 'poison' }
  | { type: 'wait' }
  /** Starts a process, and if it fails, the account fails with it. */
  | { type: 'work'; fails: boolean };

export interface AccountContext {
  readonly sum: number;
  /** Timers that have fired, and tasks that were done. */
  readonly ticks: number;
  readonly done: number;
  /** Whether the task that is to be started fails. */
  readonly fails: boolean;
}

/** What the world outside sees of the processes. */
export const world = {
  /** While it is not calm, jobs fail. */
  isCalm: false,
  /** So many jobs fail the next time they look. */
  jobsToFail: 0,
  random: new Prng(1),
  beats: 0,
  jobsRejected: 0,
  tasksRejected: 0,
  /** Pulses that run, by their name. */
  pulses: new Map<string, number>(),
  /** Pulses that were started while they ran. */
  doubled: 0,
};

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const task = fromPromise(async ({ input }: { input: boolean }) => {
  await sleep(1 + world.random.below(20));
  // One that fails is begun anew with its account, so it must not fail for ever.
  if (!input || world.isCalm || world.random.below(3) === 0) return 1;
  world.tasksRejected++;
  throw new Error('the task has failed');
});

const account = durable(
  setup({
    types: {
      context: {} as AccountContext,
      events: {} as AccountEvent,
    },
    actors: { task },
  }).createMachine({
    id: 'account',
    context: { sum: 0, ticks: 0, done: 0, fails: false },
    initial: 'idle',
    on: {
      add: { actions: assign({ sum: ({ context, event }) => context.sum + event.by }) },
      pass: {
        actions: [
          assign({ sum: ({ context, event }) => context.sum - event.by }),
          sendTo(
            ({ system, event }) => system.get(event.to) as AnyActorRef,
            ({ event }) => ({ type: 'add', by: event.by }),
          ),
        ],
      },
      poison: {
        actions: assign(() => {
          throw new Error('poison');
        }),
      },
    },
    states: {
      idle: {
        on: {
          wait: 'waiting',
          work: { target: 'working', actions: assign({ fails: ({ event }) => event.fails }) },
        },
      },
      waiting: {
        after: { 100: { target: 'idle', actions: assign({ ticks: ({ context }) => context.ticks + 1 }) } },
      },
      working: {
        invoke: {
          src: 'task',
          id: 'task',
          input: ({ context }) => context.fails,
          onDone: { target: 'idle', actions: assign({ done: ({ context }) => context.done + 1 }) },
        },
        after: { 500: 'idle' },
      },
    },
  }),
  { poison: 'fail' },
);

/** Runs as long as it stands. */
const pulse = fromCallback<AccountEvent, string>(({ input }) => {
  const running = (world.pulses.get(input) ?? 0) + 1;
  world.pulses.set(input, running);
  if (running > 1) world.doubled++;
  const handle = setInterval(() => world.beats++, 250);
  return () => {
    clearInterval(handle);
    world.pulses.set(input, world.pulses.get(input)! - 1);
  };
});

/** Works for a while and fails, again and again. */
const job = fromPromise(async ({ signal }: { signal: AbortSignal }) => {
  await new Promise<void>((resolve) => {
    const handle = setInterval(() => {
      if (world.isCalm || (world.jobsToFail === 0 && world.random.below(50) > 0)) return;
      world.jobsToFail = Math.max(0, world.jobsToFail - 1);
      world.jobsRejected++;
      end();
    }, 100);
    const end = (): void => {
      clearInterval(handle);
      resolve();
    };
    signal.addEventListener('abort', end);
  });
  throw new Error('the job has failed');
});

// ---- the tree ------------------------------------------------------------------------------------------------------

const POOLS = 9;
const STRATEGIES = ['one-for-one', 'one-for-all', 'rest-for-one'] as const;
/** How many restarts within a second supervisors of each kind bear. */
export const BEARS = { small: 3, pool: 20 };

/** A supervisor, and the accounts below it. */
export interface Group {
  readonly supervisor: string;
  readonly isPool: boolean;
  /** One that stays down when it gives up, until somebody restarts it. */
  readonly isTransient: boolean;
  readonly addresses: readonly string[];
}

export interface Population {
  readonly groups: readonly Group[];
  readonly tree: Supervisor;
  readonly logic: Readonly<Record<string, typeof account | typeof pulse | typeof job>>;
}

/** A tenth of the accounts is under small supervisors, the rest in pools. */
export function populate(actors: number): Population {
  const small = Math.max(4, Math.floor(actors / 1000));
  const perSmall = Math.floor(actors / 10 / small);
  const perPool = Math.floor((actors - small * perSmall) / POOLS);
  const smallGroups = Array.from({ length: small }, (_, i): Group => ({
    supervisor: `s${i}`,
    isPool: false,
    isTransient: i === small - 1,
    addresses: Array.from({ length: perSmall }, (_, j) => `account/${i}-${j}`),
  }));
  const pools = Array.from({ length: POOLS }, (_, i): Group => ({
    supervisor: `pool${i}`,
    isPool: true,
    isTransient: false,
    addresses: Array.from({ length: perPool }, (_, j) => `pool${i}/${j}`),
  }));
  const tree = supervisor({
    id: 'soak',
    intensity: 1_000_000,
    children: [...smallGroups.map(smallSupervisor), ...pools.map(poolSupervisor)],
  });
  const ofPools = Object.fromEntries(pools.map(({ supervisor: name }) => [name, account]));
  return { groups: [...smallGroups, ...pools], tree, logic: { account, pulse, job, ...ofPools } };
}

function smallSupervisor({ supervisor: id, isTransient, addresses }: Group, index: number): Supervisor {
  return supervisor({
    id,
    strategy: STRATEGIES[index % STRATEGIES.length]!,
    intensity: BEARS.small,
    period: '1 second',
    restart: isTransient ? 'transient' : 'permanent',
    children: [
      { id, start: 'pulse', input: id },
      ...addresses.map((address) => ({ id: address.slice('account/'.length), start: 'account' })),
      { id: `${id}-job`, start: 'job' },
    ],
  });
}

function poolSupervisor({ supervisor: id }: Group): Supervisor {
  return supervisor({ id, strategy: 'dynamic', start: id, intensity: BEARS.pool, period: '1 second' });
}
