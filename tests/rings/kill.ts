/**
 * Kill: a real process on a real disk, killed with SIGKILL at random moments, also while it opens its store and recovers.
 */
import { mkdtempSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import { Prng } from '../../runtime/testing/prng.ts';
import { Auditor, bankActors } from '../simulation/bank.ts';
import type { AccountEvent } from '../simulation/bank.ts';
import { judge } from '../simulation/judge.ts';
import type { Sent } from '../simulation/simulate.ts';
import { Daemon } from './bank-daemon/client.ts';
import type { FromDaemon } from './bank-daemon/client.ts';
import { Tally } from './ring.ts';
import type { Ring } from './ring.ts';

const ACCOUNTS = 6;
/** How long a process lives after it is up. */
const LIVES_MS = 120;
/** One in so many is killed while it comes up. */
const KILLED_EARLY = 4;
const STARTS_WITHIN_MS = 500;
/** How long it lives at most until it has answered something: on a machine that has much to do it may take its time. */
const ANSWERS_WITHIN_MS = 20_000;

export const kill: Ring = async ({ rounds = 50, seed = Date.now() % 100_000 }, progress) => {
  const tally = new Tally('kill', progress);
  tally.note('seed', seed);
  const random = new Prng(seed);
  const folder = mkdtempSync(join(tmpdir(), 'heddle-kill-'));
  const auditFile = join(folder, 'audit');
  const sent: Sent[] = [];
  try {
    for (let round = 1; round <= rounds; round++) {
      await oneLife(join(folder, 'store'), auditFile, sent, random, tally, round);
      tally.show(round, rounds);
    }
    await finish(join(folder, 'store'), auditFile, sent, tally);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  tally.mustHaveHappened('killed', rounds);
  // Whoever is killed while it comes up answers nobody.
  tally.mustHaveHappened('acked', rounds - tally.count('killedEarly'));
  return tally.report();
};

async function oneLife(
  folder: string,
  auditFile: string,
  sent: Sent[],
  random: Prng,
  tally: Tally,
  round: number,
): Promise<void> {
  const daemon = new Daemon(folder, auditFile, (line) => hear(line, sent, tally));
  if (round > 2 && random.below(KILLED_EARLY) === 0) {
    await sleep(random.below(STARTS_WITHIN_MS));
    tally.add('killedEarly');
  } else {
    await daemon.up;
    for (let i = 0; i < ACCOUNTS; i++) daemon.send({ id: '', account: `${i}` });
    const answers = (): number => sent.filter(({ receipt }) => receipt !== undefined).length;
    const [before, upAt] = [answers(), performance.now()];
    const until = upAt + 20 + random.below(LIVES_MS);
    const isSilent = (): boolean => answers() === before && performance.now() < upAt + ANSWERS_WITHIN_MS;
    while (performance.now() < until) {
      for (const { id, address, event, boots } of nextEvents(sent, random)) {
        boots.add(round);
        daemon.send({ id, account: address.split('/')[1]!, event });
      }
      await sleep(random.below(12));
    }
    while (isSilent()) await sleep(5);
  }
  if (await daemon.kill()) tally.add('killed');
}

/** A few new events, and some of those that nobody has answered yet. */
function nextEvents(sent: Sent[], random: Prng): Sent[] {
  const open = sent.filter(({ receipt }) => receipt === undefined).slice(0, 3);
  const fresh = Array.from({ length: 1 + random.below(3) }, () => {
    const number = sent.length;
    const event: AccountEvent =
      random.below(6) === 0
        ? { type: 'save', delayMs: random.below(300) }
        : {
            type: 'transfer',
            to: `${random.below(ACCOUNTS)}`,
            amount: 1 + random.below(9),
            transfer: `t${number}`,
          };
    const one: Sent = {
      id: `c${number}`,
      address: `account/${random.below(ACCOUNTS)}`,
      event,
      receipt: undefined,
      boots: new Set(),
    };
    sent.push(one);
    return one;
  });
  return [...fresh, ...open];
}

function hear(line: FromDaemon, sent: Sent[], tally: Tally): void {
  if (line.trouble !== undefined) tally.violation(`the daemon reports: ${line.trouble}`);
  if (line.refused !== undefined) tally.violation(`${line.id} was refused: ${line.refused}`);
  if (line.seq === undefined) return;
  const one = sent[Number(line.id!.slice(1))]!;
  const { id, address } = one;
  if (one.receipt !== undefined && (one.receipt.seq !== line.seq || one.receipt.hash !== line.hash)) {
    tally.violation(`${id} has two receipts: records ${one.receipt.seq} and ${line.seq}`);
  }
  one.receipt = { address, seq: line.seq, hash: line.hash!, commit: 0 };
}

/** Opens the store in this process, lets everything come to its end, and judges. */
async function finish(folder: string, auditFile: string, sent: readonly Sent[], tally: Tally): Promise<void> {
  const auditor = readAudit(auditFile);
  const actors = bankActors({
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms / 10)),
    chance: () => false,
    hear: (what, key) => auditor.hear(what, key),
  });
  const system = await createSystem({
    store: leveldb(folder),
    actors,
    logger: { log: () => {}, error: () => {} },
  });
  await sleep(1500);
  const judgement = await judge(system, auditor, sent, ACCOUNTS);
  for (const violation of judgement.violations) tally.violation(violation);
  tally.add('sent', sent.length);
  tally.add('acked', judgement.acked);
  tally.add('lost', judgement.lost);
  tally.add('duplicated', judgement.duplicated);
  tally.add('recovered', judgement.recovered);
  tally.add('effectsOwed', judgement.effects.owed);
  tally.add('repeatedEffects', judgement.effects.runs - judgement.effects.owed);
  tally.add('effectsBeyondContract', judgement.effects.beyondContract);
  tally.add('historiesVerified', judgement.histories.verified);
  tally.add('historiesDiverged', judgement.histories.diverged);
  await system.close();
}

function readAudit(file: string): Auditor {
  const auditor = new Auditor();
  if (!existsSync(file)) return auditor;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue;
    const [key, what] = JSON.parse(line) as [string, string];
    auditor.hear(what, key);
  }
  return auditor;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
