/**
 * The manifest of an attempt: what went in, what came out, and what was looked at, by their hashes. What was found and made is kept as
 * content before the answer is recorded: no record ever names what is not there. Not being able to keep it undoes no work that was
 * paid for; then the manifest says why.
 */
import type { Json } from '../../machines/values/canonical.ts';
import type { Source, TaskEnvelope } from '../../machines/contract.ts';
import type { Answer, Manifest } from '../../machines/task/words.ts';
import { HeddleError } from '../../runtime/index.ts';
import type { AttemptOutcome } from '../agents/attempt.ts';
import type { Content } from './content.ts';
import { hashOf } from '../schema/digest.ts';

/** The answer to a task, with its manifest. */
export async function keptOf(
  { contents = [], ...outcome }: AttemptOutcome,
  { input, context: { run, task } }: TaskEnvelope,
  content: Content | undefined,
): Promise<Answer> {
  const { metadata, output } = outcome.fault === undefined ? outcome.result : outcome;
  const made = output === undefined ? undefined : hashOf(output);
  const manifest: Manifest = { input: hashOf(input), ...(made !== undefined && { output: made }) };
  if (content === undefined) return { ...outcome, manifest };
  const by = `${run}/${task}`;
  try {
    await content.keepAhead([
      ...contents.flatMap((value) => foundIn(metadata?.sources ?? [], value, by)),
      ...(made === undefined ? [] : [{ hash: made, value: output as Json, note: { madeBy: by } }]),
    ]);
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    return { ...outcome, manifest: { ...manifest, unkept: error.message } };
  }
  return { ...outcome, manifest };
}

/** What was found, in each place where it was. */
function foundIn(sources: readonly Source[], value: Json, usedBy: string) {
  const hash = hashOf(value);
  return sources
    .filter((one) => one.hash === hash)
    .map((source) => ({ hash, value, note: { source, usedBy } }));
}
