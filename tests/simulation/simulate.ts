/**
 * One run of the bank in a simulated world: clients who send, give up waiting and send again; a disk that fails; a machine
 * that goes down at random. Then calm, one last power cut, and the judgement of what is on the disk.
 */
import { MachineRoom } from '../../runtime/testing/machine-room.ts';
import { World } from '../../runtime/testing/world.ts';
import type { Owner } from '../../runtime/testing/world.ts';
import type { CrashKind, Disk } from '../../storage/faulty.ts';
import type { Store } from '../../storage/store.ts';
import type { Receipt } from 'heddle';
import { Auditor, bankActors } from './bank.ts';
import type { AccountEvent, BankWorld } from './bank.ts';
import { judge, NOTHING } from './judge.ts';
import type { Judgement } from './judge.ts';

export interface SimulationOptions {
  /** How many crashes the weather brings, at most. */
  readonly crashes?: number;
  readonly faultRate?: number;
  /** What a crash may do. */
  readonly kinds?: readonly CrashKind[];
  /** Kills the machine at one operation on the disk, and at no other. */
  readonly dieAt?: { readonly operation: number; readonly kind: CrashKind };
  readonly throughStore?: (store: Store, disk: Disk) => Store;
  readonly transfers?: number;
}

export interface SimulationResult extends Judgement {
  readonly seed: number;
  readonly operations: number;
  readonly crashes: number;
  readonly boots: number;
  readonly counts: Disk['counts'];
  readonly virtualMs: number;
  readonly fingerprint: number;
  /** Where the last recovery would begin to read. */
  readonly lowWater: number;
}

const ACCOUNTS = 4;
/** Clients send within this time, and it storms as long. */
const STORM_MS = 400;
/** A client that has no answer by then sends again, under the same id. */
const PATIENCE_MS = 60;

/** By then, every client has its answer. */
const LIVE_MS = 10_000;
/** So often in a row nothing is left to do, and the judge still waits. */
const REST_ROUNDS = 1000;
/** Longer than any timer and any journey. */
const CALM_MS = 1_000;

/** An event that a client has sent, and what became of it. */
export interface Sent {
  readonly id: string;
  readonly address: string;
  readonly event: AccountEvent;
  receipt: Receipt | undefined;
  /** The boots of the machine that have been asked. */
  readonly boots: Set<number>;
}

export async function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationResult> {
  const world = new World(seed);
  const auditor = new Auditor();
  const {
    crashes = 5,
    faultRate = 0.01,
    kinds = ['process', 'power'],
    dieAt,
    throughStore,
    transfers = 12,
  } = options;
  // In every second world checkpoints are taken all the time, whatever stands in the mailboxes.
  const checkpointEvery = seed % 2 === 0 ? 1 + (seed % 7) : undefined;
  const room: MachineRoom<ReturnType<typeof bankActors>> = new MachineRoom({
    world,
    actors: (owner) => bankActors(bankWorld(world, auditor, owner), checkpointEvery),
    faultRate,
    interference: {
      // In every third world recovery may read little, so that actors are checkpointed and the mark rises all the time.
      ...(seed % 3 === 0 && { logBudget: { frames: 30, bytes: 8 << 10 } }),
      // In some worlds commits are small, so that messages wait for the next.
      ...(seed % 5 < 2 && { maxTurnsPerCommit: 1 + (seed % 3) }),
      // In some, what a journal was proven with is gone when it is read.
      ...(seed % 4 === 1 && { cachedFrames: 2 }),
    },
    ...(throughStore !== undefined && {
      throughStore: (store: Store): Store => throughStore(store, room.disk),
    }),
    ...(dieAt !== undefined && {
      dieAt: (operation: number) => (operation === dieAt.operation ? dieAt.kind : undefined),
    }),
  });
  room.start();

  const sent: Sent[] = [];
  // Nobody sends before every account is open: a courier that finds no account keeps the money.
  const open = new Set<string>();
  for (let i = 0; i < ACCOUNTS; i++) openAccount(world, room, `${i}`, open);
  for (let i = 0; i < transfers; i++) sent.push(client(world, room, i, open));
  if (dieAt === undefined) storm(world, room, crashes, kinds);
  // The storm is over long before; who has no answer by the end will never have one.
  const everybodyKnows = (): boolean =>
    world.nowMs > STORM_MS && sent.every(({ receipt }) => receipt !== undefined);
  await world.run(() => room.fatal !== undefined || everybodyKnows() || world.nowMs > LIVE_MS);

  // Calm: nothing fails any more. The power goes once more, and whatever is owed is carried out.
  room.calm();
  room.crash('power');
  const calmSince = world.nowMs;
  await world.run(() => room.fatal !== undefined || world.nowMs > calmSince + CALM_MS);
  const { lowWater } = room;
  const judgement = await whileRunning(world, judge(room.system, auditor, sent, ACCOUNTS, room.fatal));
  return {
    seed,
    operations: room.operations,
    crashes: room.disk.counts.crashes,
    boots: room.boots,
    counts: room.disk.counts,
    virtualMs: world.nowMs,
    fingerprint: world.fingerprint,
    lowWater,
    ...judgement,
  };
}

/** The judge waits for what is under way; where a bug keeps it under way for ever, that is the judgement. */
async function whileRunning(world: World, judging: Promise<Judgement>): Promise<Judgement> {
  let judgement: Judgement | undefined;
  void judging.then((known) => (judgement = known));
  const until = world.nowMs + LIVE_MS;
  for (let round = 0; judgement === undefined && round < REST_ROUNDS; round++) {
    await world.run(() => judgement !== undefined || world.nowMs > until);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return judgement ?? { ...NOTHING, violations: ['it never comes to rest'] };
}

/** The simulated world as one process of the bank sees it. */
function bankWorld(world: World, auditor: Auditor, owner: Owner): BankWorld {
  const weather = world.chanceFor(`parcels ${world.nowMs}`);
  return {
    sleep: (ms) => world.sleep(1 + weather.below(ms), owner),
    chance: (probability) => weather.chance(probability),
    hear: (what, key) => auditor.hear(what, key),
  };
}

type Room = MachineRoom<ReturnType<typeof bankActors>>;

function openAccount(world: World, room: Room, id: string, open: Set<string>): void {
  const { system } = room;
  const again = (): void => void world.after(3, world, () => openAccount(world, room, id, open));
  if (room.fatal !== undefined) return;
  if (system === undefined) return again();
  let settled = false;
  system.actor('account', id).then(
    () => {
      settled = true;
      open.add(id);
    },
    () => {
      settled = true;
      again();
    },
  );
  // A process that dies gives no answer.
  world.after(PATIENCE_MS, world, () => void (settled || again()));
}

function client(world: World, room: Room, number: number, open: ReadonlySet<string>): Sent {
  const { random } = world;
  const from = random.below(ACCOUNTS);
  const event: AccountEvent = random.chance(0.15)
    ? { type: 'save', delayMs: random.below(200) }
    : {
        type: 'transfer',
        to: `${random.below(ACCOUNTS)}`,
        amount: 1 + random.below(60),
        transfer: `t${number}`,
      };
  const sent: Sent = {
    id: `c${number}`,
    address: `account/${from}`,
    event,
    receipt: undefined,
    boots: new Set(),
  };
  const begin = (): void => {
    if (open.size < ACCOUNTS) world.after(5, world, begin);
    else send(world, room, sent);
  };
  world.after(random.below(STORM_MS), world, begin);
  // Some clients are impatient, and send everything twice.
  if (random.chance(0.2)) world.after(random.below(STORM_MS), world, begin);
  return sent;
}

function send(world: World, room: Room, sent: Sent): void {
  if (sent.receipt !== undefined || room.fatal !== undefined) return;
  const again = (): void => void world.after(7, world, () => send(world, room, sent));
  const { system } = room;
  if (system === undefined) return again();
  let settled = false;
  sent.boots.add(room.boots);
  try {
    const ref = system.get(sent.address);
    if (ref === undefined) return again();
    ref.send(sent.event as never, { id: sent.id }).then(
      (receipt) => {
        settled = true;
        sent.receipt = receipt;
      },
      () => {
        settled = true;
        again();
      },
    );
  } catch {
    return again();
  }
  world.after(PATIENCE_MS, world, () => void (settled || send(world, room, sent)));
}

function storm(world: World, room: Room, most: number, kinds: readonly CrashKind[]): void {
  const weather = world.chanceFor('weather');
  const count = most === 0 ? 0 : 1 + weather.below(most);
  for (let i = 0; i < count; i++) {
    const kind = weather.pick(kinds);
    world.after(10 + weather.below(STORM_MS), world, () => {
      if (room.fatal === undefined) room.crash(kind);
    });
  }
}
