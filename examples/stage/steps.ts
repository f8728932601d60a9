/**
 * The steps of a run: what each of its tasks did, read from their journals. A task keeps every attempt, with its fault, what was done
 * about it, and what it has cost; and whom the decider has let it ask.
 */

/** What is needed of a system. */
export interface Journals {
  history(
    address: string,
    options: { readonly children: true },
  ): AsyncIterable<{ readonly address: string; readonly seq: number }>;
  snapshotAt(address: never, seq: number): Promise<unknown>;
}

/** One attempt, as its task has kept it. */
export interface Attempt {
  readonly agent: string;
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  /** In micro-units. */
  readonly cost?: number;
  readonly fault?: string;
  readonly message?: string;
  /** What was done about the fault. */
  readonly move?: string;
}

export interface Step {
  readonly address: string;
  /** Its name in its workflow. */
  readonly task: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Undefined: none was taken. */
  readonly output: unknown;
  readonly attempts: readonly Attempt[];
  /** The rows of the table by which its last agent was asked. */
  readonly permittedBy: readonly string[];
}

/** The steps below an actor, in the order in which they were begun. */
export async function stepsOf(journals: Journals, run: string): Promise<Step[]> {
  const newest = new Map<string, number>();
  for await (const { address, seq } of journals.history(run, { children: true })) newest.set(address, seq);
  const steps: Step[] = [];
  for (const [address, seq] of newest)
    if (newest.has(`${address}/ask`)) steps.push(stepOf(address, await contextAt(journals, address, seq)));
  return steps.toSorted((a, b) => a.attempts[0]!.from - b.attempts[0]!.from);
}

/** The state of an actor as of one of its records. */
export async function contextAt<T = TaskState>(journals: Journals, address: string, seq: number): Promise<T> {
  return ((await journals.snapshotAt(address as never, seq)) as { readonly context: T }).context;
}

/** What of the state of a task matters here. */
interface TaskState {
  readonly start: { readonly task: string };
  readonly input: Readonly<Record<string, unknown>>;
  readonly advice?: { readonly permission: { readonly determining: readonly string[] } };
  readonly log: readonly Attempt[];
  /** The last that kept its contract, and why it was taken, if it was. */
  readonly output: unknown;
  readonly ground: string | undefined;
}

function stepOf(address: string, { start, input, advice, log, output, ground }: TaskState): Step {
  const permittedBy = advice?.permission.determining ?? [];
  const taken = ground === undefined ? undefined : output;
  return { address, task: start.task, input, output: taken, attempts: log, permittedBy };
}

/** What the world was asked for after its answer was in a journal. There must be nothing. */
export function doneAgain<TDeed extends { readonly at: number; readonly key: string }>(
  steps: readonly Step[],
  deeds: readonly TDeed[],
): readonly TDeed[] {
  const finished = new Map(
    steps.flatMap(({ attempts }) => attempts.map(({ key, to }) => [key, to] as const)),
  );
  return deeds.filter(({ key, at }) => at > (finished.get(key) ?? -Infinity));
}
