/**
 * News: what has happened to a store while no system had it open. Whoever has restored or salvaged it has left word; it is recorded
 * as a decision in the journal of `heddle/system`, and forgotten with that. A crash in between records it twice.
 */
import { NEWS_KEY } from '../storage/keys.ts';
import { decide } from './decisions.ts';
import type { Runtime } from './runtime.ts';

export function recordNews(runtime: Runtime): void {
  record(runtime).catch((error: unknown) =>
    runtime.report(error, 'that the store was restored or salvaged was not recorded'),
  );
}

async function record(runtime: Runtime): Promise<void> {
  const { news } = runtime.ledger;
  if (news === undefined) return;
  await decide(runtime, news);
  runtime.ledger.delete(NEWS_KEY);
  runtime.committer.request();
}
