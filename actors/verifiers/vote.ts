/**
 * Whether enough of several answers to the same input agree, in the places that are declared. The answer counts as one of them. In a
 * task the others are asked for that: other agents, of other models unless it is said otherwise.
 *
 * Agreement is no proof: models that were trained alike err alike.
 */
import { InvalidArgument } from '../../runtime/index.ts';
import { checkPattern, select } from '../values/selection.ts';
import { isSame } from '../values/sameness.ts';
import { fieldsOf } from './declaration.ts';
import { assessment } from './verifier.ts';
import type { Verifier } from './verifier.ts';

export interface VoteOptions {
  /** So many answers must say the same, this one included. */
  readonly agree: number;
  /** Where they must: `#/answer`. */
  readonly on: readonly string[];
  /** So many are asked by a task, this one included. Default: as many as must agree. */
  readonly of?: number;
  /** Whether a task asks only agents of different models (default), or any other agents. */
  readonly models?: 'different' | 'any';
}

/** @throws InvalidArgument */
export function vote(options: VoteOptions): Verifier {
  fieldsOf('vote', options, ['agree', 'on', 'of', 'models']);
  const { agree, on, of = agree, models = 'different' } = options;
  checkCount('vote.agree', agree);
  checkCount('vote.of', of);
  if (agree > of) throw new InvalidArgument('vote.agree', `must not be more than are asked, which is ${of}`);
  if (!Array.isArray(on) || on.length === 0) throw new InvalidArgument('vote.on', 'must be a list of places');
  for (const [index, pattern] of on.entries()) checkPattern(`vote.on[${index}]`, pattern);
  if (models !== 'different' && models !== 'any') {
    throw new InvalidArgument('vote.models', "must be 'different' or 'any'");
  }
  return {
    name: 'vote',
    version: 1,
    others: { of, models, on },
    declared: { agree, of, models, on },
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

function checkCount(path: string, count: unknown): void {
  if (!Number.isSafeInteger(count) || (count as number) < 2) {
    throw new InvalidArgument(path, 'must be a whole number from 2 on');
  }
}
