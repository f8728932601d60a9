/**
 * The daemon: a process that hosts the report. It may be killed at any moment; started again, it goes on.
 *
 * It is started by `main.ts`, tells it what is durable, and hears the decision of the person at the gate.
 */
import type { Verdict } from 'heddle/actors';
import { openHouse } from './house.ts';
import type { House, Job } from './house.ts';
import type { Figures } from './report.ts';

/** The nodes of the report. */
export type NodeName = 'corpus' | 'research' | 'chapters' | 'review' | 'publish';

/** Where the report stands. */
export type Standing = {
  /** `running`, `complete`, …: how each node stands. At the gate `review` is waiting. */
  readonly nodes: Readonly<Record<NodeName, string>>;
  readonly documents: number;
  readonly chapters: number;
  /** What the person is shown. */
  readonly figures: Figures | undefined;
  readonly outcome: 'published' | 'rejected' | 'failed' | undefined;
  readonly problem: string | undefined;
};

export type PersonsDecision = { readonly verdict: Verdict; readonly by: string; readonly reason: string };
export type FromDaemon = { readonly standing: Standing } | { readonly trouble: string };
export type ToDaemon = { readonly begin: Job } | { readonly decide: PersonsDecision };

/** Whoever listens may be gone: that is no trouble of the report. */
const say = (message: FromDaemon): void => void process.send?.(message, () => {});

const NODES: readonly NodeName[] = ['corpus', 'research', 'chapters', 'review', 'publish'];

type Run = Awaited<ReturnType<typeof runOf>>;

/** Found if it is under way, begun if it is not: the daemon need not know which. */
const runOf = (house: House, { id, commission }: Job) => house.actor('report', id, { input: commission });

function standingOf(house: House, run: Run): Standing {
  const { context, status, error } = run.getSnapshot();
  const { corpus, chapters, publish } = context.nodes;
  const { documents = [] } = (corpus!.output ?? {}) as { readonly documents?: readonly unknown[] };
  return {
    nodes: Object.fromEntries(NODES.map((name) => [name, context.nodes[name]!.status])) as Standing['nodes'],
    documents: documents.length,
    chapters: chapters!.status === 'complete' ? documents.length : chaptersDone(house, run),
    figures: house.reviews.get(gateOf(run))?.content as Figures | undefined,
    outcome: outcomeOf(status, publish!.status === 'complete'),
    problem: status === 'error' ? (error as { readonly message: string }).message : undefined,
  };
}

function outcomeOf(status: string, isPublished: boolean): Standing['outcome'] {
  if (status === 'active') return undefined;
  if (status !== 'done') return 'failed';
  return isPublished ? 'published' : 'rejected';
}

const isAtGate = ({ nodes }: Standing): boolean => nodes.review === 'waiting';

const gateOf = ({ address }: Run): string => `${address}/review`;

/** The map knows how many of its items are done. */
function chaptersDone(house: House, run: Run): number {
  const chapters = house.get(`${run.address}/chapters`)?.getSnapshot() as
    { readonly context: { readonly done: number } } | undefined;
  return chapters?.context.done ?? 0;
}

async function host(job: Job): Promise<void> {
  const house = await openHouse(job);
  const run = await runOf(house, job);
  const tell = () => {
    const standing = standingOf(house, run);
    say({ standing });
    // The run knows that it waits for the gate a moment before the review is on the disk.
    if (isAtGate(standing) && standing.figures === undefined) setTimeout(tell, 5);
  };
  let isWatchingTheMap = false;
  const watch = () => {
    tell();
    const chapters = isWatchingTheMap ? undefined : house.get(`${run.address}/chapters`);
    if (chapters === undefined) return;
    isWatchingTheMap = true;
    chapters.subscribe(tell);
  };
  watch();
  run.subscribe({ next: watch, error: tell });
  process.on('message', (message: ToDaemon) => {
    if ('decide' in message)
      house.reviews.decide(gateOf(run), message.decide, { id: 'decision' }).catch(fail);
  });
  // Whoever started it is gone, or has seen enough.
  process.once('disconnect', () => void house.close());
}

function fail(error: unknown): void {
  say({ trouble: String(error) });
  process.disconnect();
}

process.once('message', (message: ToDaemon) => {
  if ('begin' in message) host(message.begin).catch(fail);
});
