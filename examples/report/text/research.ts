/**
 * What a corpus is about: its size, its telling terms (`terms.ts`) and its key phrases (`phrases.ts`).
 *
 * Counts are of sentences and of the words in them; what is not prose (`blocks.ts`) is not counted.
 */
import { readDocument, type Source } from './document.ts';
import { keyPhrases, type Phrase } from './phrases.ts';
import { corpusTerms, countTerms, documentTerms, type Term } from './terms.ts';

export type ResearchedDocument = {
  path: string;
  sha256: string;
  title: string;
  sentences: number;
  words: number;
  terms: readonly Term[];
};

export type Research = {
  sentences: number;
  words: number;
  terms: readonly Term[];
  phrases: readonly Phrase[];
  documents: readonly ResearchedDocument[];
};

export type ResearchOptions = { terms?: number; phrases?: number; termsPerDocument?: number };

export function researchCorpus(
  sources: readonly Source[],
  { terms = 12, phrases = 8, termsPerDocument = 5 }: ResearchOptions = {},
): Research {
  const documents = sources.map(readDocument);
  const table = countTerms(documents);
  return {
    sentences: documents.reduce((sum, document) => sum + document.sentences.length, 0),
    words: documents.reduce((sum, document) => sum + document.words, 0),
    terms: corpusTerms(table, terms),
    phrases: keyPhrases(documents, phrases),
    documents: documents.map(({ path, sha256, title, sentences, words }, i) => ({
      path,
      sha256,
      title,
      sentences: sentences.length,
      words,
      terms: documentTerms(table, i, termsPerDocument),
    })),
  };
}
