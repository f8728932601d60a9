/**
 * Back in time: a loan is declined, and somebody wants to know why. Its history is read, its states compared, a field traced to the
 * record that set it, and the question "what if?" answered by a fork. Then its code changes under other loans that still run.
 */
import { rmSync } from 'node:fs';
import { check, createSystem } from 'heddle';
import type { HistoryRecord, System } from 'heddle';
import { leveldb } from 'heddle/storage';
import { loan1, loan2 } from './loan.ts';

const FOLDER = './.data/past';
const ACTORS = { loan: loan1 };
const say = (text = ''): void => console.log(text);

/** Lets the assessor answer. */
async function assessed(system: System<typeof ACTORS>, address: `loan/${string}`): Promise<void> {
  while (system.get(address)!.getSnapshot().value === 'assessing')
    await new Promise((resolve) => setTimeout(resolve, 5));
}

rmSync(FOLDER, { recursive: true, force: true });
const system = await createSystem({ store: leveldb(FOLDER), actors: ACTORS });
const loan = await system.actor('loan', '7', { input: { amount: 20_000 } });
await loan.send({ type: 'note', text: 'for a boat' });
await loan.send({ type: 'change', amount: 60_000 });
await loan.send({ type: 'submit' });
await assessed(system, 'loan/7');
await loan.send({ type: 'decide' });
say(`loan/7 is ${loan.getSnapshot().value}. Why?`);

say('\nWhat has happened');
for await (const record of system.history('loan/7', { children: true })) say(line(record));

say('\nBack in time');
const before = await system.snapshotAt('loan/7', 2);
say(`  as of record 2 it was in state ${before.value}, for ${before.context.amount}`);
for (const { path, before: was, after } of await system.diff('loan/7', 2, 6))
  say(`  ${path}: ${show(was)} → ${show(after)}`);
const blamed = await system.blame('loan/7', 'context.risk');
say(`  context.risk was set by record ${blamed!.seq}, ${blamed!.event.type}`);

say('\nWhat if nobody had raised the amount?');
const whatIf = await system.fork('loan/7', { at: 2, as: 'loan/7-what-if', effects: 'rerun' });
await whatIf.send({ type: 'submit' });
await assessed(system, 'loan/7-what-if');
await whatIf.send({ type: 'decide' });
say(`  loan/7-what-if is ${whatIf.getSnapshot().value}; loan/7 is still ${loan.getSnapshot().value}`);

say('\nDoes the code still tell the same story?');
const history = await system.export('loan/7');
for (const { address, records, same } of await check({ actors: ACTORS, history }))
  say(`  ${address}: ${records} records, ${same ? 'the same' : 'another story'}`);

// Two more, in the middle of things when the new release comes.
const young = await system.actor('loan', '8', { input: { amount: 10_000 } });
await young.send({ type: 'submit' });
await assessed(system, 'loan/8');
await system.actor('loan', '9', { input: { amount: 5_000 } });
await system.close();

say('\nA new release: a dry run first');
const later = await createSystem({
  store: leveldb(FOLDER),
  actors: { loan: loan2 },
  paused: true,
  logger: { log: () => {}, error: () => {} },
});
for await (const { address, outcome, from, to, reason } of later.migrations())
  say(
    `  ${address}: version ${from.version} → ${to!.version}, ${outcome}${reason === undefined ? '' : `: ${reason.split(': ')[1]!}`}`,
  );
await later.resume();
await later.migrate({ address: 'loan/8' });
const migrated = later.get('loan/8')!;
say(`  loan/8 is in state ${migrated.getSnapshot().value} now`);
await migrated.send({ type: 'sign', by: 'ada' });
await migrated.send({ type: 'decide' });
say(`  and ${migrated.getSnapshot().value}`);
const { records, broken } = await later.verify();
say(`  ${records} records are sound, ${broken.length} are not`);
await later.close();

function line({ address, seq, event, cause }: HistoryRecord): string {
  const by = cause.kind === 'actor' ? `record ${cause.seq} of ${cause.address}` : cause.kind;
  return `  ${`${address}@${seq}`.padEnd(16)} ${event.type.padEnd(26)} by ${by}`;
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
