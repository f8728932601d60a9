/**
 * The daemon: a process that hosts the report. It may be killed at any moment; started again, it goes on.
 *
 * It is started by `main.ts`, tells it what is durable, and hears the decision of the person at the gate.
 */
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import type { SnapshotFrom } from 'xstate';
import type { Assignment } from './agents.ts';
import { report } from './report.ts';
import type { Decision } from './report.ts';

/** What `main.ts` gives it to begin with. */
export type Task = { readonly store: string; readonly id: string; readonly assignment: Assignment };

/** Where the report stands. */
export type Standing = {
  readonly state: keyof (typeof report)['states'];
  readonly documents: number;
  readonly chapters: number;
  readonly quotations: number;
  readonly verified: number;
  readonly problem: string | undefined;
};

export type FromDaemon = { readonly standing: Standing } | { readonly trouble: string };
export type ToDaemon = { readonly begin: Task } | { readonly decide: Omit<Decision, 'type'> };

const say = (message: FromDaemon): void => void process.send?.(message);

function standingOf({ value, context }: SnapshotFrom<typeof report>): Standing {
  const { corpus, chapters, problem } = context;
  const verdicts = chapters.flatMap((chapter) => chapter.verdicts);
  return {
    state: value,
    documents: corpus?.documents.length ?? 0,
    chapters: chapters.length,
    quotations: verdicts.length,
    verified: verdicts.filter(({ ok }) => ok).length,
    problem,
  };
}

async function run({ store, id, assignment }: Task): Promise<void> {
  const system = await createSystem({ store: leveldb(store), actors: { report } });
  // Found if it is under way, begun if it is not: the daemon need not know which.
  const ref = await system.actor('report', id, { input: assignment });
  say({ standing: standingOf(ref.getSnapshot()) });
  ref.subscribe((snapshot) => say({ standing: standingOf(snapshot) }));
  process.on('message', (message: ToDaemon) => {
    if ('decide' in message) void ref.send({ type: 'decide', ...message.decide }, { id: 'decision' });
  });
  // Whoever started it is gone, or has seen enough.
  process.once('disconnect', () => void system.close());
}

process.once('message', (message: ToDaemon) => {
  if (!('begin' in message)) return;
  run(message.begin).catch((error: unknown) => {
    say({ trouble: String(error) });
    process.disconnect();
  });
});
