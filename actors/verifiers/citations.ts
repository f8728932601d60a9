/**
 * Whether quotes stand where they are said to stand. The answer has a list of citations, each with the quoted words and the hash
 * of its source; the words must be found in the stored text, letter by letter. Only white space may differ, and how letters with
 * accents are composed (NFC).
 *
 * It shows that something was written there. It does not show that it means what the answer makes of it.
 */
import type { ValueProblem } from '../../machines/faults/fault.ts';
import { InvalidArgument } from '../../runtime/index.ts';
import { checkPattern, checkPointer, select } from '../values/selection.ts';
import { verifierBy } from './declaration.ts';
import { assessment } from './verifier.ts';
import type { Claim, Verifier } from './verifier.ts';

export interface CitationsOptions {
  /** Every citation: `#/citations/*`. */
  readonly at: string;
  /** The quoted words, in a citation: `#/quote`. */
  readonly quote: string;
  /** The hash of the source, in a citation: `#/source`. */
  readonly source: string;
  /** How many there must be. */
  readonly least: number;
  /** A quote with fewer characters proves nothing: `the` stands everywhere. Default 1. */
  readonly leastCharacters?: number;
}

/** @throws InvalidArgument */
export function citations(options: CitationsOptions): Verifier {
  checkPattern('citations.at', options.at);
  checkPointer('citations.quote', options.quote);
  checkPointer('citations.source', options.source);
  for (const [name, value, least] of [
    ['least', options.least, 0],
    ['leastCharacters', options.leastCharacters ?? 1, 1],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgument(`citations.${name}`, `must be a whole number from ${least} on`);
    }
  }
  return verifierBy('citations', options, checkCitations);
}

function checkCitations({ at, quote, source, least, leastCharacters = 1 }: CitationsOptions, claim: Claim) {
  const texts = new Map<string, string | undefined>();
  const textOf = (hash: string): string | undefined => {
    if (!texts.has(hash)) texts.set(hash, normalised(claim.sources(hash)));
    return texts.get(hash);
  };
  const problems: ValueProblem[] = [];
  const evidence: { pointer: string; source: string; offset: number }[] = [];
  const places = select(claim.output, at);
  if (places.length < least) problems.push(problem(at, `has ${places.length} citations, and needs ${least}`));
  for (const place of places) {
    const [words, hash] = [quote, source].map((pointer) => select(place.value, pointer)[0]!);
    const within = ({ pointer }: { pointer: string }): string => place.pointer + pointer.slice(1);
    const text = typeof hash!.value === 'string' ? textOf(hash!.value) : undefined;
    const sought = typeof words!.value === 'string' ? normalised(words!.value) : undefined;
    if (sought === undefined || [...sought].length < leastCharacters) {
      problems.push(problem(within(words!), `must be a quote of at least ${leastCharacters} characters`));
    } else if (text === undefined) {
      problems.push(problem(within(hash!), 'is no source that is stored'));
    } else {
      const offset = text.indexOf(sought);
      if (offset === -1) problems.push(problem(within(words!), 'does not stand in its source'));
      else evidence.push({ pointer: place.pointer, source: hash!.value as string, offset });
    }
  }
  return assessment(problems, { found: evidence });
}

const problem = (pointer: string, detail: string): ValueProblem => ({
  pointer,
  keyword: 'citation',
  schemaPath: '#',
  detail,
});

/** Offsets in the evidence count in this text. */
function normalised<TText extends string | undefined>(text: TText): TText {
  return text?.normalize('NFC').replaceAll(/\s+/gu, ' ').trim() as TText;
}
