/**
 * Text work of the report demo: pure, deterministic functions over plain data. Only `corpus.ts` touches a disk.
 */

// Reading
export { listDocuments, readCorpusFile, NotText, PathRefused } from './corpus.ts';
export type { CorpusFile, CorpusListing, CorpusOptions, CorpusText, SkippedFile } from './corpus.ts';
export { readDocument } from './document.ts';
export type { Section, Sentence, Source, SourceDocument } from './document.ts';
export { sha256 } from './identity.ts';

// Research
export { researchCorpus } from './research.ts';
export type { Research, ResearchOptions, ResearchedDocument } from './research.ts';
export type { Phrase } from './phrases.ts';
export type { Term } from './terms.ts';

// Summaries
export { summarise } from './summary.ts';
export type { Citation, Summary, SummaryOptions } from './summary.ts';

// Fact check
export { checkSummaries, checkSummary } from './factcheck.ts';
export type { Reason, Verdict } from './factcheck.ts';

// Report
export { renderReport } from './report.ts';
export type { Approval, ReportInput } from './report.ts';
