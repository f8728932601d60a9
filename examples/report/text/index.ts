/**
 * Text work of the report demo: pure, deterministic functions over plain data. Only `corpus.ts` touches a disk.
 */

// Reading
export { listDocuments, readCorpusFile } from './corpus.ts';
export type { CorpusListing } from './corpus.ts';
export { sha256 } from './identity.ts';

// Research
export { researchCorpus } from './research.ts';
export type { Research } from './research.ts';

// Summaries
export { summarise } from './summary.ts';
export type { Summary } from './summary.ts';

// Fact check
export { checkSummary } from './factcheck.ts';
export type { Verdict } from './factcheck.ts';

// Report
export { renderReport } from './report.ts';
export type { ReportInput } from './report.ts';
