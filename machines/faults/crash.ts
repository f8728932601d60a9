/**
 * Crashes: that something was thrown which nobody had foreseen, said so that it can be kept.
 */

/** What a thrown value says, in one line that can be kept. Throws nothing. */
export function saidBy(error: unknown): string {
  try {
    return (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).toWellFormed();
  } catch {
    return 'something that cannot be described';
  }
}

/** It as a problem of a run, and as a fault of a task. */
export const crashBy = (error: unknown): { readonly class: 'crash'; readonly message: string } => ({
  class: 'crash',
  message: saidBy(error),
});
