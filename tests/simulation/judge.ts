/**
 * The judge: reads the final disk, the clients' log and the auditor's, and says what is wrong. It believes nobody else.
 */
import type { HistoryRecord, System } from 'heddle';
import type { Auditor, bankActors } from './bank.ts';
import { OPENING_BALANCE } from './bank.ts';
import type { Sent } from './simulate.ts';

export interface Judgement {
  /** Empty when every promise was kept. */
  readonly violations: readonly string[];
  readonly acked: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Acknowledged after a crash: the boot of the machine that was asked first did not live to answer. */
  readonly recovered: number;
  readonly effects: { readonly owed: number; readonly runs: number; readonly beyondContract: number };
  readonly histories: { readonly verified: number; readonly diverged: number };
}

export const NOTHING: Omit<Judgement, 'violations'> = {
  acked: 0,
  lost: 0,
  duplicated: 0,
  recovered: 0,
  effects: { owed: 0, runs: 0, beyondContract: 0 },
  histories: { verified: 0, diverged: 0 },
};

type BankSystem = System<ReturnType<typeof bankActors>>;

/** @param fatal why there is no system, if there is none */
export async function judge(
  system: BankSystem | undefined,
  auditor: Auditor,
  sent: readonly Sent[],
  accounts: number,
  fatal?: unknown,
): Promise<Judgement> {
  if (system === undefined || fatal !== undefined) {
    return { ...NOTHING, violations: [`it does not come up: ${String(fatal)}`] };
  }
  try {
    return await judgeSystem(system, auditor, sent, accounts);
  } catch (error) {
    return { ...NOTHING, violations: [`it is refused: ${String(error)}`] };
  }
}

async function judgeSystem(
  system: BankSystem,
  auditor: Auditor,
  sent: readonly Sent[],
  accounts: number,
): Promise<Judgement> {
  const violations: string[] = [];
  const histories = new Map<string, HistoryRecord[]>();
  let diverged = 0;
  const read = async (address: string): Promise<HistoryRecord[]> => {
    const records: HistoryRecord[] = [];
    try {
      for await (const record of system.history(address)) records.push(record);
      const { same, difference } = await system.replay(address);
      if (!same) {
        diverged++;
        violations.push(`${address} diverges: ${JSON.stringify(difference)}`);
      }
    } catch (error) {
      violations.push(`${address} cannot be read: ${String(error)}`);
    }
    histories.set(address, records);
    return records;
  };

  const owed = new Map<string, string>();
  let money = 0;
  const applied = new Map<string, HistoryRecord[]>();
  for (let i = 0; i < accounts; i++) {
    const address = `account/${i}`;
    const records = await read(address);
    for (const record of records) {
      collectOwed(owed, record);
      if (record.id !== undefined) applied.set(record.id, [...(applied.get(record.id) ?? []), record]);
    }
    checkTimers(violations, records);
    checkContiguous(violations, records);
    const { context, children } = system.get(address)!.getSnapshot() as unknown as AccountSnapshot;
    money += context.balance;
    if (context.underWay !== 0) violations.push(`${address} waits for ${context.underWay} couriers for ever`);
    for (const id of Object.keys(children)) {
      for (const path of [`${address}/${id}`, `${address}/${id}/pack`]) {
        if (system.get(path) === undefined) continue;
        for (const record of await read(path)) collectOwed(owed, record);
      }
    }
  }
  if (money !== accounts * OPENING_BALANCE)
    violations.push(`money: ${money} instead of ${accounts * OPENING_BALANCE}`);

  const counts = checkClients(violations, sent, applied);
  checkDeliveries(violations, histories, accounts);
  const beyondContract = checkEffects(violations, owed, auditor);
  const verification = await system.verify();
  for (const damage of verification.broken) violations.push(`broken: ${JSON.stringify(damage)}`);
  const runs = [...auditor.seen.values()].reduce((sum, { times }) => sum + times, 0);
  return {
    violations,
    ...counts,
    effects: { owed: owed.size, runs, beyondContract },
    histories: { verified: histories.size, diverged },
  };
}

interface AccountSnapshot {
  readonly context: { readonly balance: number; readonly underWay: number };
  readonly children: Readonly<Record<string, unknown>>;
}

/** kept, once, from somewhere. */
function checkClients(
  violations: string[],
  sent: readonly Sent[],
  applied: ReadonlyMap<string, readonly HistoryRecord[]>,
): Pick<Judgement, 'acked' | 'lost' | 'duplicated' | 'recovered'> {
  const acked = sent.filter(({ receipt }) => receipt !== undefined);
  const lost = acked.filter(({ id }) => !applied.has(id));
  const duplicated = [...applied].filter(([, records]) => records.length > 1);
  const known = new Set(sent.map(({ id }) => id));
  const unexpected = [...applied.keys()].filter((id) => !known.has(id));
  if (lost.length > 0) violations.push(`acknowledged and lost: ${lost.map(({ id }) => id).join(' ')}`);
  if (duplicated.length > 0) violations.push(`applied twice: ${duplicated.map(([id]) => id).join(' ')}`);
  if (unexpected.length > 0) violations.push(`from nowhere: ${unexpected.join(' ')}`);
  for (const { id, receipt, address } of acked) {
    const record = applied.get(id)?.[0];
    if (record === undefined) continue;
    if (record.seq !== receipt!.seq || record.address !== address) {
      violations.push(
        `the receipt of ${id} names record ${receipt!.seq} of ${receipt!.address}, it stands at ${record.seq} of ${record.address}`,
      );
    }
  }
  const recovered = acked.filter(({ boots }) => boots.size > 1).length;
  return { acked: acked.length, lost: lost.length, duplicated: duplicated.length, recovered };
}

/** Every debit is followed by exactly one credit of the same transfer. */
function checkDeliveries(
  violations: string[],
  histories: ReadonlyMap<string, readonly HistoryRecord[]>,
  accounts: number,
): void {
  const debits = new Map<string, number>();
  const credits = new Map<string, number>();
  for (let i = 0; i < accounts; i++) {
    for (const { event, intents } of histories.get(`account/${i}`)!) {
      const { transfer } = event as unknown as { transfer: string };
      if (event.type === 'transfer' && intents.length > 0)
        debits.set(transfer, (debits.get(transfer) ?? 0) + 1);
      if (event.type === 'deposit') credits.set(transfer, (credits.get(transfer) ?? 0) + 1);
    }
  }
  for (const [transfer, times] of debits) {
    if (times !== 1) violations.push(`${transfer} was debited ${times} times`);
    if (credits.get(transfer) !== 1)
      violations.push(`${transfer} was credited ${credits.get(transfer) ?? 0} times`);
  }
  for (const transfer of credits.keys())
    if (!debits.has(transfer)) violations.push(`${transfer} was credited from nowhere`);
}

function checkContiguous(violations: string[], records: readonly HistoryRecord[]): void {
  records.forEach(({ seq, address }, index) => {
    if (seq !== index + 1) violations.push(`${address}: record ${index + 1} is numbered ${seq}`);
  });
}

/** Every timer fires exactly once, and not before it is due. */
function checkTimers(violations: string[], records: readonly HistoryRecord[]): void {
  for (const { address, seq, intents } of records) {
    intents.forEach((intent, index) => {
      if (intent.kind !== 'timer') return;
      const fired = records.filter(
        ({ cause }) => cause.kind === 'timer' && cause.seq === seq && cause.index === index,
      );
      if (fired.length !== 1)
        violations.push(`${address}: the timer of record ${seq} fired ${fired.length} times`);
      if (fired[0] !== undefined && fired[0].at < intent.dueAt)
        violations.push(`${address}: the timer of record ${seq} fired early`);
    });
  }
}

/** What the records owe to the world, by key. */
function collectOwed(owed: Map<string, string>, { address, seq, intents, event }: HistoryRecord): void {
  intents.forEach((intent, index) => {
    if (intent.kind === 'action') owed.set(`${address}@${seq}:${index}`, intent.name);
  });
  if (address.endsWith('/pack') && event.type === 'xstate.init') owed.set(`${address}@${seq}:0`, 'pack');
}

/** Everything owed was done at least once, under its key; nothing else was done. */
function checkEffects(violations: string[], owed: ReadonlyMap<string, string>, auditor: Auditor): number {
  for (const [key, what] of owed) if (!auditor.seen.has(key)) violations.push(`never done: ${key} (${what})`);
  const beyond = [...auditor.seen.keys()].filter((key) => !owed.has(key));
  if (beyond.length > 0) violations.push(`done, but owed by nobody: ${beyond.join(' ')}`);
  violations.push(...auditor.conflicts);
  return beyond.length;
}
