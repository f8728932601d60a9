// The lie: "a pause holds, and loses nothing, whenever the system dies". A story with pauses in it is killed after each of its
// commits, and again and again: while something is paused, nothing of it may run or be recorded, and the end must be the same.
import { describe, expect, it } from 'vitest';
import { assign, fromPromise, sendTo, setup } from 'xstate';
import { currentEffect, durable, supervisor } from 'heddle';
import type { PauseTarget } from 'heddle';
import { memory } from 'heddle/storage';
import { DyingSystem } from '../dying-system.ts';
import { collect } from './systems.ts';

/** What runs out there, and what must not. */
let doings: string[] = [];
let violations: string[] = [];
let isForbidden: (address: string) => boolean = () => false;
let isOpen = false;
let waiting: (() => void)[] = [];

function doing(what: string): void {
  const { address, idempotencyKey } = currentEffect()!;
  doings.push(`${what} ${idempotencyKey}`);
  if (isForbidden(address)) violations.push(`${what} ${idempotencyKey} though it is paused`);
}

const job = fromPromise(({ signal }) => {
  doing('run');
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', reject);
    if (isOpen) resolve('done');
    else waiting.push(() => resolve('done'));
  });
});

const worker = setup({
  types: { context: {} as { n: number } },
  actors: { job },
  guards: {
    crash: () => {
      throw new Error('crash');
    },
  },
  actions: { act: () => doing('act'), count: assign({ n: ({ context }) => context.n + 1 }) },
}).createMachine({
  context: { n: 0 },
  initial: 'idle',
  on: {
    act: { actions: ['count', 'act'] },
    wait: '.waiting',
    work: '.working',
    crash: { guard: 'crash', target: '.idle' },
  },
  states: {
    idle: {},
    waiting: { after: { 1000: { target: 'idle', actions: ['count', 'act'] } } },
    working: { invoke: { src: 'job', id: 'job', onDone: { target: 'idle', actions: ['count', 'act'] } } },
  },
});
const forwarder = setup({}).createMachine({
  on: { pass: { actions: sendTo(({ system }) => system.get('worker/2'), { type: 'act' }) } },
});
const actors = { worker, forwarder, failing: durable(worker, { poison: 'fail' }) };
type World = DyingSystem<typeof actors>;

const WATCHED = ['worker/1', 'worker/2', 'worker/1/job', 'failing/a', 'failing/b', 'forwarder/1'];

const isCovered = (target: PauseTarget | undefined) => (address: string) => {
  if (target === undefined) return address !== 'heddle/system';
  const prefix = 'name' in target ? target.name : target.address;
  return address === prefix || address.startsWith(`${prefix}/`);
};

async function records({ system }: World, address: string): Promise<string> {
  if (system.get(address) === undefined) return 'nobody';
  const kinds = (await collect(system.history(address))).map(({ event, life }) => `${life}:${event.type}`);
  return kinds.join(' ');
}

/** Does something while a target is paused, and finds out whether anything of it moves. */
async function during(
  world: World,
  target: PauseTarget | undefined,
  run: () => Promise<void>,
): Promise<void> {
  await world.ask((system) => system.pause(target));
  isForbidden = isCovered(target);
  const before = new Map<string, string>();
  for (const address of WATCHED.filter(isForbidden)) before.set(address, await records(world, address));
  await run();
  await world.settle();
  for (const [address, then] of before) {
    const now = await records(world, address);
    if (now !== then) violations.push(`${address} was paused, but went from ${then} to ${now}`);
  }
  if (world.system.paused().length !== 1) violations.push('it is not paused any more');
  isForbidden = () => false;
  await world.ask((system) => system.resume(target));
  await world.advance(0);
}

async function tell(world: World): Promise<void> {
  await world.open();
  await world.settle();
  await world.start('worker', '1');
  await world.start('worker', '2');
  await world.start('forwarder', '1');
  await world.post('worker/1', { type: 'work' });
  await world.post('worker/2', { type: 'wait' });
  await during(world, { name: 'worker' }, async () => {
    void world.post('worker/1', { type: 'act' });
    await world.post('forwarder/1', { type: 'pass' });
    await world.advance(5000);
  });
  await world.post('worker/2', { type: 'wait' });
  await during(world, { address: 'failing/a' }, async () => {
    await world.post('failing/b', { type: 'crash' });
    await world.post('failing/a', { type: 'act' });
    await world.advance(500);
  });
  await during(world, undefined, async () => {
    await world.post('forwarder/1', { type: 'pass' });
    await world.advance(100_000);
  });
  isOpen = true;
  for (const finish of waiting.splice(0)) finish();
  await world.settle();
  await world.advance(5000);
}

async function play(dies: (ofLife: number, all: number) => boolean, maxTurnsPerCommit = 1) {
  doings = [];
  violations = [];
  waiting = [];
  isOpen = false;
  isForbidden = () => false;
  let commits = 0;
  let isCalm = false;
  const world: World = new DyingSystem({
    store: memory(),
    actors,
    supervise: supervisor({
      id: 's',
      strategy: 'one-for-all',
      intensity: 10,
      period: '1 hour',
      children: [
        { id: 'a', start: 'failing' },
        { id: 'b', start: 'failing' },
      ],
    }),
    maxTurnsPerCommit,
    dies: (ofLife) => {
      commits++;
      return !isCalm && world.deaths < 500 && dies(ofLife, commits);
    },
  });
  await tell(world);
  const made = commits;
  isCalm = true;
  await world.settle();
  const lines: string[] = [];
  for (const address of WATCHED) {
    const { value, context, status } = world.system.get(address)!.getSnapshot() as unknown as Record<
      string,
      unknown
    >;
    lines.push(`${address} ${String(status)} ${JSON.stringify({ value, context })}`);
    const { same } = await world.system.replay(address);
    if (!same) violations.push(`${address} is told otherwise`);
  }
  // Orders that change nothing may be repeated; everything else is recorded once.
  for (const address of ['worker/1', 'worker/2', 'worker/1/job', 'forwarder/1'])
    lines.push(await records(world, address));
  const { broken } = await world.system.verify();
  if (broken.length > 0) violations.push(`broken: ${JSON.stringify(broken)}`);
  lines.push(...new Set(doings.toSorted()));
  lines.push(`owed ${world.system.metrics().owed}`);
  await world.system.close();
  return { lines, violations, commits: made, deaths: world.deaths };
}

describe('a story with pauses', () => {
  it('is the same, whenever the system dies', async () => {
    const calm = await play(() => false);
    expect(calm.violations).toEqual([]);
    expect(calm.lines).toContainEqual(
      expect.stringContaining('worker/1 active {"value":"idle","context":{"n":2}}'),
    );
    for (let at = 1; at <= calm.commits; at++) {
      const told = await play((_life, all) => all === at);
      expect([at, told.deaths, told.violations, told.lines]).toEqual([at, 1, [], calm.lines]);
    }
  });

  it.each([
    [8, 1],
    [11, 1],
    [3, 1000],
  ])(
    'is the same, if it dies in every commit no. %i of its life, %i turns a commit',
    async (every, turns) => {
      const calm = await play(() => false, turns);
      const told = await play((life) => life === every, turns);
      expect(told.deaths).toBeGreaterThan(0);
      expect([told.violations, told.lines]).toEqual([[], calm.lines]);
    },
  );
});
