/**
 * The bank as a real process on a real disk. Reads events from standard input, one JSON object a line, and writes a line
 * when it is up and for every receipt. What its actions do to the world goes into a file, synchronously, one line each.
 *
 * Arguments: the folder of the store, the file of the auditor.
 */
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import { bankActors } from '../../simulation/bank.ts';
import type { ToDaemon, FromDaemon } from './client.ts';

const [folder, auditFile] = process.argv.slice(2) as [string, string];

const say = (line: FromDaemon): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const system = await createSystem({
  store: leveldb(folder),
  actors: bankActors({
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Math.random() * ms)),
    chance: (probability) => Math.random() < probability,
    hear: (what, key) => appendFileSync(auditFile, `${JSON.stringify([key, what])}\n`),
  }),
  logger: { log: () => {}, error: (...args) => say({ trouble: args.map(String).join(' ') }) },
  passivateAfter: 50,
});
say({ up: true });

for await (const line of createInterface({ input: process.stdin })) {
  const { id, account, event } = JSON.parse(line) as ToDaemon;
  void (async () => {
    try {
      const ref = await system.actor('account', account);
      if (event === undefined) return say({ open: account });
      const { seq, hash } = await ref.send(event, { id });
      say({ id, seq, hash });
    } catch (error) {
      say({ id, refused: String(error) });
    }
  })();
}
