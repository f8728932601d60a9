/**
 * The manifest of an attempt: what went in, what came out, and what was looked at, by their hashes. What was found and made is kept as
 * content before the answer is recorded: no record ever names what is not there. Not being able to keep it undoes no work that was
 * paid for; then the manifest says why.
 *
 * What has no attempt is kept in the same way: defaults, and what people make of what a gate proposes.
 */
import type { Json } from '../../machines/values/canonical.ts';
import type { Source, TaskEnvelope } from '../../machines/contract.ts';
import type { Answer, Manifest, Unanswered } from '../../machines/task/words.ts';
import { HeddleError } from '../../runtime/index.ts';
import type { Content } from './content.ts';
import { hashOf } from '../schema/digest.ts';

/** What has come of an attempt, with what was found for it as far as that was handed over. */
export type Outcome = Answer & { readonly contents?: readonly Json[] };

/** The answer to a task, with its manifest. */
export async function keptOf(
  { contents = [], ...answer }: Outcome,
  { input, context: { run, task } }: Pick<TaskEnvelope, 'input' | 'context'>,
  content: Content | undefined,
): Promise<Answer> {
  const { metadata, output } = answer.fault === undefined ? answer.result : answer;
  const made = output === undefined ? undefined : hashed(output);
  const repaired = answer.fault === undefined ? undefined : answer.repaired && hashed(answer.repaired.output);
  const manifest: Manifest = {
    input: hashOf(input),
    ...(made !== undefined && { output: made.hash }),
    ...(repaired !== undefined && { repaired: repaired.hash }),
  };
  const by = `${run}/${task}`;
  const unkept = await whyUnkept(content, [
    ...contents.flatMap((value) => foundIn(metadata?.sources ?? [], value, by)),
    ...[made, repaired].flatMap((one) => (one === undefined ? [] : [{ ...one, note: { madeBy: by } }])),
  ]);
  return { ...answer, manifest: { ...manifest, ...(unkept !== undefined && { unkept }) } };
}

/** Under which hash the output of a task is kept, whoever has given it. */
export async function outputKept(
  { run, task, output }: Unanswered,
  content: Content | undefined,
): Promise<Pick<Manifest, 'output' | 'unkept'>> {
  const made = hashed(output);
  const unkept = await whyUnkept(content, [{ ...made, note: { madeBy: `${run}/${task}` } }]);
  return { output: made.hash, ...(unkept !== undefined && { unkept }) };
}

/** Keeps what a gate has proposed, and what people have made of that. The review has it all the same where it may not be kept. */
export async function versionsKept(gate: string, versions: readonly Json[], content: Content): Promise<void> {
  await whyUnkept(
    content,
    versions.map((version) => ({ ...hashed(version), note: { madeBy: gate } })),
  );
}

const hashed = (value: unknown) => ({ hash: hashOf(value), value: value as Json });

/** What was found, in each place where it was. */
function foundIn(sources: readonly Source[], value: Json, usedBy: string) {
  const hash = hashOf(value);
  return sources
    .filter((one) => one.hash === hash)
    .map((source) => ({ hash, value, note: { source, usedBy } }));
}

/** Keeps it, where there is a place for it. @returns why that could not be done */
async function whyUnkept(
  content: Content | undefined,
  all: Parameters<Content['keepAhead']>[0],
): Promise<string | undefined> {
  try {
    await content?.keepAhead(all);
    return undefined;
  } catch (error) {
    if (error instanceof HeddleError) return error.message;
    throw error;
  }
}
