/**
 * The agents: each does one kind of work, locally and for real. They are plain XState promise logic; what makes them
 * survive is the system that runs them. `durable` only says how patient the system is with each.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Schedule } from 'effect';
import { durable } from 'heddle';
import { fromPromise } from 'xstate';
import {
  checkSummary,
  listDocuments,
  readCorpusFile,
  renderReport,
  researchCorpus,
  sha256,
  summarise,
} from './text/index.ts';
import type { CorpusListing, ReportInput, Research, Summary, Verdict } from './text/index.ts';
import { note } from './world.ts';

/** What is to be reported on, and where everything goes. */
export type Assignment = {
  /** The folder of documents. */
  readonly folder: string;
  /** The file of the report. */
  readonly out: string;
  /** The file in which the outside world notes what was done to it. */
  readonly world: string;
  /** How long each agent thinks before it works, as one that asks a model would. */
  readonly thinkMs: number;
};

const PATIENCE = {
  timeout: '1 minute',
  retry: Schedule.exponential('200 millis').pipe(Schedule.upTo({ times: 3 })),
} as const;

/** An agent: thinks, works, and the world hears of it. */
function agent<TInput extends { readonly assignment: Assignment }, TOutput>(
  name: string,
  work: (input: TInput) => TOutput,
  subject: (input: TInput) => string,
) {
  const logic = fromPromise<TOutput, TInput>(async ({ input, signal }) => {
    const { thinkMs, world } = input.assignment;
    await sleep(thinkMs, undefined, { signal });
    const result = work(input);
    note(world, `${name} ${subject(input)}`);
    return result;
  });
  return durable(logic, PATIENCE);
}

type OfAll = { readonly assignment: Assignment; readonly corpus: CorpusListing };
type OfOne = { readonly assignment: Assignment; readonly path: string };

/** Finds the documents. */
export const librarian = agent(
  'list',
  ({ assignment }: { assignment: Assignment }): CorpusListing => listDocuments(assignment.folder),
  ({ assignment }) => assignment.folder,
);

/** Finds out what the corpus is about: term statistics and key phrases. */
export const researcher = agent(
  'research',
  ({ assignment, corpus }: OfAll): Research =>
    researchCorpus(corpus.documents.map(({ path }) => readCorpusFile(assignment.folder, path))),
  ({ corpus }) => `${corpus.documents.length} documents`,
);

/** Chooses the sentences that say most of a document: TextRank. */
export const summariser = agent(
  'summarise',
  ({ assignment, path }: OfOne): Summary => summarise(readCorpusFile(assignment.folder, path)),
  ({ path }) => path,
);

/** Reads the source again, and looks up every sentence that is quoted from it. */
export const factChecker = agent(
  'check',
  ({ assignment, path, summary }: OfOne & { readonly summary: Summary }): Verdict[] =>
    checkSummary(summary, readCorpusFile(assignment.folder, path)),
  ({ path }) => path,
);

export type Published = { readonly path: string; readonly sha256: string };

/** Writes the report. Done twice it gives the same file, and a reader never sees half of it. */
export const publisher = agent(
  'publish',
  ({ assignment, report }: { assignment: Assignment; report: ReportInput }): Published => {
    const text = renderReport(report);
    const draft = `${assignment.out}.draft`;
    mkdirSync(dirname(assignment.out), { recursive: true });
    writeFileSync(draft, text);
    renameSync(draft, assignment.out);
    return { path: assignment.out, sha256: sha256(text) };
  },
  ({ assignment }) => assignment.out,
);
