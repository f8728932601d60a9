/**
 * The agents: each does one kind of work, locally and for real, under a contract. They retry nothing and know nothing of each other:
 * who is asked, when, how often and for how much is for the workflow to say.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { agent, FaultError, microsOf, result } from 'heddle/actors';
import type { Assignment, Inferred } from 'heddle/actors';
import { fields } from '../stage/schemas.ts';
import { COMMISSION, CONTENT, CORPUS, PUBLISHED, RESEARCH, SUMMARY, VERDICTS } from './schemas.ts';
import {
  checkSummary,
  listDocuments,
  readCorpusFile,
  renderReport,
  researchCorpus,
  sha256,
  summarise,
} from './text/index.ts';
import { note } from '../stage/world.ts';

/** What is to be reported on, and where everything goes. */
export type Commission = Inferred<typeof COMMISSION>;
export type Published = Inferred<typeof PUBLISHED>;

/** What one piece of work costs, by whoever does it. They are local and charge nothing; so that there is something to count, they do. */
const PRICES = { librarian: 0.001, researcher: 0.02, summariser: 0.01, checker: 0.005, publisher: 0.001 };

/** Thinks, works, and the world hears of it. */
async function done<TOutput extends Readonly<Record<string, unknown>>>(
  name: keyof typeof PRICES,
  what: string,
  assignment: Assignment<{ readonly commission: Commission }>,
  work: () => TOutput,
) {
  const { input, idempotencyKey, signal } = assignment;
  const { thinkMs, world } = input.commission;
  const from = performance.now();
  await sleep(thinkMs, undefined, { signal });
  const output = work();
  note(world, what, idempotencyKey);
  const duration = performance.now() - from;
  return result(assignment, { output, cost: PRICES[name], duration, model: 'local', confidence: 1 });
}

/** Finds the documents. */
const librarian = agent({
  name: 'librarian',
  capabilities: ['list'],
  model: 'local',
  estimate: () => PRICES.librarian,
  inputSchema: fields({ commission: COMMISSION }),
  outputSchema: CORPUS,
  execute: (assignment) => {
    const { folder } = assignment.input.commission;
    return done('librarian', `list ${folder}`, assignment, () => {
      const corpus = listDocuments(folder);
      if (corpus.documents.length > 0) return corpus;
      const message = 'there is no document in the folder';
      throw new FaultError({ class: 'bad-request', message, cost: microsOf(0) });
    });
  },
});

/** Finds out what the corpus is about: term statistics and key phrases. */
const researcher = agent({
  name: 'researcher',
  capabilities: ['research'],
  model: 'local',
  estimate: () => PRICES.researcher,
  inputSchema: fields({ commission: COMMISSION, corpus: CORPUS }),
  outputSchema: RESEARCH,
  execute: (assignment) => {
    const { commission, corpus } = assignment.input;
    return done('researcher', `research ${corpus.documents.length} documents`, assignment, () =>
      researchCorpus(corpus.documents.map(({ path }) => readCorpusFile(commission.folder, path))),
    );
  },
});

/** What a chapter is about. */
export const CHAPTER = fields({
  commission: COMMISSION,
  path: { type: 'string', minLength: 1 },
  number: { type: 'integer', minimum: 1 },
});

/** Chooses the sentences that say most of a document: TextRank. */
const summariser = agent({
  name: 'summariser',
  capabilities: ['summarise'],
  model: 'local',
  estimate: () => PRICES.summariser,
  inputSchema: CHAPTER,
  outputSchema: SUMMARY,
  execute: (assignment) => {
    const { input, attempt } = assignment;
    const { commission, path, number } = input;
    return done('summariser', `summarise ${path}`, assignment, () => {
      if (number <= commission.faults && attempt === 1)
        throw new FaultError({ class: 'unavailable', message: '503, come back later', cost: microsOf(0) });
      return summarise(readCorpusFile(commission.folder, path));
    });
  },
});

/** Reads the source again, and looks up every sentence that is quoted from it. */
const checker = agent({
  name: 'checker',
  capabilities: ['check'],
  model: 'local',
  estimate: () => PRICES.checker,
  inputSchema: fields({ commission: COMMISSION, path: { type: 'string' }, summary: SUMMARY }),
  outputSchema: VERDICTS,
  execute: (assignment) => {
    const { commission, path, summary } = assignment.input;
    return done('checker', `check ${path}`, assignment, () => ({
      verdicts: checkSummary(summary, readCorpusFile(commission.folder, path)),
    }));
  },
});

/** Writes the report. Done twice it gives the same file, and a reader never sees half of it. */
const publisher = agent({
  name: 'publisher',
  capabilities: ['publish'],
  model: 'local',
  estimate: () => PRICES.publisher,
  inputSchema: fields({ commission: COMMISSION, content: CONTENT }),
  outputSchema: PUBLISHED,
  execute: (assignment) => {
    const { commission, content } = assignment.input;
    const { out } = commission;
    return done('publisher', `publish ${out}`, assignment, () => {
      const text = renderReport(content);
      const draft = `${out}.draft`;
      mkdirSync(dirname(out), { recursive: true });
      writeFileSync(draft, text);
      renameSync(draft, out);
      return { path: out, sha256: sha256(text) };
    });
  },
});

export const agents = { librarian, researcher, summariser, checker, publisher };
