/**
 * Whether enough of several answers to the same input agree, in the places that are declared. The answer counts as one of them.
 * Agreement is no proof: models that were trained alike err alike.
 */
import { InvalidArgument } from '../../runtime/index.ts';
import { checkPattern, select } from '../values/selection.ts';
import { isSame } from '../values/sameness.ts';
import { assessment } from './verifier.ts';
import type { Verifier } from './verifier.ts';

export interface VoteOptions {
  /** So many answers must say the same, this one included. */
  readonly agree: number;
  /** Where they must: `#/answer`. */
  readonly on: readonly string[];
}

/** @throws InvalidArgument */
export function vote({ agree, on }: VoteOptions): Verifier {
  if (!Number.isSafeInteger(agree) || agree < 2) {
    throw new InvalidArgument('vote.agree', 'must be a whole number from 2 on');
  }
  if (!Array.isArray(on) || on.length === 0) throw new InvalidArgument('vote.on', 'must be a list of places');
  for (const [index, pattern] of on.entries()) checkPattern(`vote.on[${index}]`, pattern);
  return {
    name: 'vote',
    version: 1,
    check: ({ output, others = [] }) => {
      const said = (answer: unknown) => on.map((pattern) => select(answer, pattern));
      const own = said(output);
      const isMissing = own.flat().some(({ value }) => value === undefined);
      const agreeing = isMissing ? 0 : 1 + others.filter((other) => isSame(said(other), own)).length;
      const evidence = { agreeing, of: 1 + others.length };
      if (agreeing >= agree) return assessment([], evidence);
      const detail = `${agreeing} of ${evidence.of} answers agree, and ${agree} are needed`;
      return assessment([{ pointer: on[0]!, keyword: 'vote', schemaPath: '#', detail }], evidence);
    },
  };
}
