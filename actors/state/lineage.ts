/**
 * Lineage: what something was made of, and what was made of it, all the way. Read from the runs: each output leads to the input of
 * its task, to the sources that its agent has told of, and to everything that the mapper of the input could look at. So nothing that
 * has led to an output is missing; what a mapper could have looked at and did not is there too.
 *
 * Runs are joined where what one has made is a source of another. The notes at the contents only say where to look. A run that cannot
 * be read any more, because its code is gone, keeps nobody from what the others know: it is left out, and that is said.
 */
import { HeddleError, InvalidArgument } from '../../runtime/index.ts';
import { UnknownContent } from '../errors.ts';
import { runOf } from '../reviews/review-permission.ts';
import type { Content, ContentFacts } from './content.ts';
import { Family } from './family.ts';
import type { Artifact } from './family.ts';
import type { RunStatus } from './run-status.ts';
import type { Runs } from './runs.ts';

export interface LineageOptions {
  /** Only within this run. Needed for what is no content: inputs, and what gates have let pass. */
  readonly run?: string;
  /** As of this record of `run`. */
  readonly at?: number;
}

export interface Lineage {
  readonly hash: string;
  /** Everything that has this hash. None: it is kept, and no run that can be read has told of it. */
  readonly is: readonly Artifact[];
  /** What it was made of, all the way back. */
  readonly from: readonly Artifact[];
  /** What was made of it, all the way on. */
  readonly to: readonly Artifact[];
  /**
   * Whether there may be more: more tasks had to do with one of these than are kept at the contents, or something that had to do with
   * it cannot be read.
   */
  readonly isPartial: boolean;
}

/** What lineage is read from. */
interface Known {
  readonly runs: Runs;
  readonly content: Content;
}

/** @throws UnknownContent, InvalidArgument; of a run that is named, as `runs.status` */
export async function lineageIn(
  known: Known,
  hash: string,
  { run, at }: LineageOptions = {},
): Promise<Lineage> {
  if (at !== undefined && run === undefined)
    throw new InvalidArgument('at', 'is a record of a run, and there is none: name it with run');
  const facts = known.content.facts(hash);
  const family = new Family();
  facts?.sources.forEach((source) => family.addSource(source));
  let isPartial = false;
  if (run === undefined) isPartial = await gather(known, family, hash, facts);
  else family.add(await known.runs.status(run, at === undefined ? {} : { at }));
  const around = family.around(hash);
  // Kept by a program, or in runs that cannot be read any more.
  const isElsewhere = run === undefined && facts !== undefined;
  if (around.is.length === 0 && !isElsewhere)
    throw new UnknownContent(hash, run === undefined ? 'without a run' : `in ${run}`);
  const all = [...around.is, ...around.from, ...around.to];
  return {
    hash,
    ...around,
    isPartial: isPartial || all.some((one) => notesAt(known.content, one).isPartial),
  };
}

/** Adds the runs that had to do with a hash, and those that had to do with what they tell of. @returns whether some cannot be read */
async function gather(
  { runs, content }: Known,
  family: Family,
  hash: string,
  facts: ContentFacts | undefined,
): Promise<boolean> {
  let isPartial = false;
  const met = new Set<string>();
  const added = new Set<string>();
  let tasks: readonly string[] = [...(facts?.madeBy ?? []), ...(facts?.usedBy ?? [])];
  while (tasks.length > 0) {
    for (const task of tasks) {
      met.add(task);
      const run = runOf(task);
      if (added.has(run)) continue;
      added.add(run);
      const status = await statusOf(runs, run);
      if (status === undefined) isPartial = true;
      else family.add(status);
    }
    const { from, to } = family.around(hash);
    const noted = [
      // An answer from before is told of where it was taken. What it was made of, the run knows in which it was given.
      ...from.flatMap(({ kind, run, task }) => (kind === 'output' && run && task ? `${run}/${task}` : [])),
      ...from.flatMap((one) => (one.kind === 'source' && notesAt(content, one).madeBy) || []),
      ...to.flatMap((one) => (one.kind !== 'source' && notesAt(content, one).usedBy) || []),
    ];
    tasks = [...new Set(noted)].filter((task) => !met.has(task));
  }
  return isPartial;
}

/** Undefined where it cannot be read. */
async function statusOf(runs: Runs, run: string): Promise<RunStatus | undefined> {
  try {
    return await runs.status(run);
  } catch (error) {
    if (error instanceof HeddleError) return undefined;
    throw error;
  }
}

type Notes = Pick<ContentFacts, 'madeBy' | 'usedBy' | 'isPartial'>;

const NOTHING_NOTED: Notes = { madeBy: [], usedBy: [], isPartial: false };

/** What is noted at a content. Where that cannot be read there may be anything. */
function notesAt(content: Content, { hash }: Artifact): Notes {
  try {
    return (hash === undefined ? undefined : content.facts(hash)) ?? NOTHING_NOTED;
  } catch (error) {
    if (error instanceof HeddleError) return { ...NOTHING_NOTED, isPartial: true };
    throw error;
  }
}
