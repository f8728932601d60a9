/**
 * Verifying: whether an answer is true, as far as its task has declared how that can be shown.
 */
import type { Verification, Verified } from '../../machines/task/words.ts';
import { frozen } from '../../machines/values/frozen.ts';
import { dividedFor, verify } from '../verifiers/verifier.ts';
import type { TaskDuty } from '../workflow/office.ts';

/** @param sources texts by their hashes */
export function verified(
  { verify: verifiers }: TaskDuty,
  { start, ...given }: Verification,
  sources: (hash: string) => string | undefined,
): Verified {
  const task = `${start.run}/${start.task}`;
  // No verifier changes what the next one looks at.
  const { input, output, others } = frozen(given);
  const values = {
    task,
    input: input as Readonly<Record<string, unknown>>,
    output,
    sources,
    ...(others !== undefined && { others }),
  };
  const [alone, compared] = dividedFor(task, verifiers);
  const verification = verify(others === undefined ? alone : compared, values);
  const found = Object.fromEntries(
    verification.findings.map(({ verifier, assessment }) => [verifier, assessment]),
  );
  if (!verification.ok) return { found, fault: verification.fault };
  // Nobody is paid to confirm what can be shown to be wrong for nothing.
  return others === undefined && compared.length > 0 ? { found, needsOthers: true } : { found };
}
