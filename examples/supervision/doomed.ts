/**
 * A process that hosts the shop and will not live long: its parent kills it in the middle of a restart.
 *
 * The checkout fails; so those behind it are stopped, the last first. Its mail server takes very long to say goodbye, so the
 * restart comes no further than that. Then it says so, and waits for its end.
 */
import type { SystemTree } from 'heddle';
import { MailServer } from './mail-server.ts';
import { openShop } from './shop.ts';
import { nodeAt } from './tree.ts';

/** Much longer than its parent lets it live. */
const GOODBYE_MS = 60_000;

/** What it tells its parent. */
export type LastWords = { readonly tree: SystemTree } | { readonly trouble: string };

const say = (words: LastWords): void => void process.send?.(words);

async function run(store: string): Promise<void> {
  const logger = { log: () => {}, error: () => {} };
  const shop = await openShop({ store, server: new MailServer(GOODBYE_MS), logger });
  shop.tree().subscribe(({ context }) => {
    const stands = (address: string, word: string): boolean => {
      const node = nodeAt(context, address);
      return (node?.kind === 'actor' ? node.standing : node?.phase) === word;
    };
    if (stands('supervisor/shop/notify', 'stopping') && stands('mailer/post', 'halted'))
      say({ tree: context });
  });
  const till = shop.get('checkout/till')!;
  // It fails, and nobody lives to hear of it.
  await till.send({ type: 'refund' }).catch(() => {});
}

// Whoever started it is gone.
process.once('disconnect', () => process.exit(1));
run(process.argv[2]!).catch((error: unknown) => say({ trouble: String(error) }));
