/**
 * Whether figures are right: each is calculated again from the data that it should come from, with declared operations and exact
 * numbers, and must be the same. How it is rounded is declared too: a third is not 0.33, unless somebody says `round`.
 */
import type { ValueProblem } from '../../machines/faults/fault.ts';
import { InvalidArgument } from '../../runtime/index.ts';
import { checkPattern, checkPointer, select } from '../values/selection.ts';
import type { Found } from '../values/selection.ts';
import {
  compared,
  dividedBy,
  fractionOf,
  minus,
  numberOf,
  plus,
  rounded,
  times,
} from '../values/fraction.ts';
import type { Fraction, Half } from '../values/fraction.ts';
import { fieldsOf, verifierBy } from './declaration.ts';
import { assessment } from './verifier.ts';
import type { Claim, Verifier } from './verifier.ts';

export interface Figure {
  /** Each of these in the output has such a figure: `#/lines/*`. Default: the output itself. */
  readonly each?: string;
  /** The figure, in that: `#/total`. */
  readonly at: string;
  readonly is: Expression;
  /** How far it may be off, and still be right. Default 0. */
  readonly within?: number;
}

/** Where numbers come from: the input, the output, the thing that has the figure, or a stored source in JSON. */
export interface Reference {
  /** A sum and its like take many: `#/rows/*`. */
  readonly at: string;
  readonly in: 'input' | 'output' | 'each' | { readonly source: string };
}

/** One of these, and nothing beside it. Sources are named by the input: a pointer to the hash in it. */
export type Expression =
  | number
  | Reference
  | { readonly sum: Numbers }
  | { readonly product: Numbers }
  | { readonly mean: Numbers }
  | { readonly min: Numbers }
  | { readonly max: Numbers }
  /** How many there are, whatever they are. */
  | { readonly count: Reference }
  | { readonly difference: readonly [Expression, Expression] }
  | { readonly ratio: readonly [Expression, Expression] }
  | { readonly round: Expression; readonly digits: number; readonly half: Half };

export type Numbers = Reference | readonly Expression[];

/** @throws InvalidArgument */
export function recompute(figures: readonly Figure[]): Verifier {
  if (!Array.isArray(figures) || figures.length === 0) {
    throw new InvalidArgument('recompute', 'must be given a list of figures');
  }
  for (const [index, figure] of figures.entries()) checkFigure(`recompute[${index}]`, figure);
  return verifierBy('recompute', figures, checkFigures);
}

function checkFigures(figures: readonly Figure[], claim: Claim) {
  const problems: ValueProblem[] = [];
  const evidence: { pointer: string; recomputed: number }[] = [];
  for (const [index, { each = '#', at, is, within = 0 }] of figures.entries()) {
    for (const item of select(claim.output, each)) {
      const [figure] = select(item.value, at) as [Found];
      const pointer = item.pointer + figure.pointer.slice(1);
      const wrong = (detail: string): void => {
        problems.push({ pointer, keyword: 'recompute', schemaPath: `#/${index}`, detail });
      };
      const right = valueOr(() => valueOf(is, { ...claim, each: item.value }), wrong);
      if (right === undefined) continue;
      evidence.push({ pointer, recomputed: numberOf(right) });
      if (!isNumber(figure.value)) wrong('is no number');
      else if (isFurther(fractionOf(figure.value), right, within)) wrong('is not what the data come to');
    }
  }
  return assessment(problems, { figures: evidence });
}

function isFurther(some: Fraction, other: Fraction, within: number): boolean {
  const off = minus(some, other);
  const size = off.over < 0n ? { over: -off.over, under: off.under } : off;
  return compared(size, fractionOf(within)) > 0n;
}

/** Why a figure could not be calculated. */
class Incalculable extends Error {}

function valueOr(calculate: () => Fraction, wrong: (detail: string) => void): Fraction | undefined {
  try {
    return calculate();
  } catch (error) {
    if (!(error instanceof Incalculable)) throw error;
    wrong(`cannot be recomputed: ${error.message}`);
  }
  return undefined;
}

interface Scope extends Claim {
  readonly each: unknown;
}

const NOTHING = fractionOf(0);
const ONE = fractionOf(1);

function valueOf(expression: Expression, scope: Scope): Fraction {
  if (typeof expression === 'number') return fractionOf(expression);
  if ('at' in expression) return only(numbersAt(expression, scope), expression.at);
  if ('sum' in expression) return valuesOf(expression.sum, scope).reduce(plus, NOTHING);
  if ('product' in expression) return valuesOf(expression.product, scope).reduce(times, ONE);
  if ('mean' in expression) {
    const values = valuesOf(expression.mean, scope);
    return quotient(values.reduce(plus, NOTHING), fractionOf(values.length));
  }
  if ('min' in expression) return extreme(valuesOf(expression.min, scope), 1n);
  if ('max' in expression) return extreme(valuesOf(expression.max, scope), -1n);
  if ('count' in expression) return fractionOf(thereAt(expression.count, scope).length);
  if ('round' in expression) {
    return rounded(valueOf(expression.round, scope), expression.digits, expression.half);
  }
  const [first, second] = 'difference' in expression ? expression.difference : expression.ratio;
  const values = [valueOf(first, scope), valueOf(second, scope)] as const;
  return 'difference' in expression ? minus(...values) : quotient(...values);
}

function valuesOf(numbers: Numbers, scope: Scope): readonly Fraction[] {
  return isList(numbers)
    ? numbers.map((expression) => valueOf(expression, scope))
    : numbersAt(numbers, scope);
}

const isList = (numbers: Numbers): numbers is readonly Expression[] => Array.isArray(numbers);

function numbersAt(reference: Reference, scope: Scope): readonly Fraction[] {
  return thereAt(reference, scope).map(({ pointer, value }) => {
    if (!isNumber(value)) throw new Incalculable(`${placeOf(reference)} ${pointer} is no number`);
    return fractionOf(value);
  });
}

/** What is found; one place that is missing makes all of it worthless. */
function thereAt(reference: Reference, scope: Scope): readonly Found[] {
  const found = select(dataOf(reference, scope), reference.at);
  const missing = found.find(({ value }) => value === undefined);
  if (missing !== undefined) throw new Incalculable(`${placeOf(reference)} ${missing.pointer} is not there`);
  return found;
}

const placeOf = ({ in: place }: Reference): string =>
  typeof place === 'string' ? place : `the source ${place.source}`;

function dataOf({ in: place }: Reference, scope: Scope): unknown {
  if (typeof place === 'string') return scope[place];
  const [named] = select(scope.input, place.source) as [Found];
  const text = typeof named.value === 'string' ? scope.sources(named.value) : undefined;
  if (text === undefined) throw new Incalculable(`the source named by input ${place.source} is not stored`);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new Incalculable(`the source named by input ${place.source} is no JSON`, { cause });
  }
}

function only(values: readonly Fraction[], at: string): Fraction {
  if (values.length !== 1) throw new Incalculable(`${at} is ${values.length} numbers, where one is needed`);
  return values[0]!;
}

function quotient(some: Fraction, other: Fraction): Fraction {
  const value = dividedBy(some, other);
  if (value === undefined) throw new Incalculable('it would be divided by zero');
  return value;
}

function extreme(values: readonly Fraction[], sign: bigint): Fraction {
  if (values.length === 0) throw new Incalculable('nothing is there to choose from');
  return values.reduce((best, value) => (compared(best, value) * sign > 0n ? value : best));
}

const isNumber = (value: unknown): value is number => Number.isFinite(value);

// What is declared

function checkFigure(path: string, figure: unknown): void {
  const { each, at, is, within } = fieldsOf(path, figure, ['each', 'at', 'is', 'within']);
  if (each !== undefined) checkPattern(`${path}.each`, each);
  checkPointer(`${path}.at`, at);
  checkExpression(`${path}.is`, is);
  if (within !== undefined && !(isNumber(within) && within >= 0)) {
    throw new InvalidArgument(`${path}.within`, 'must be a number from 0 on');
  }
}

/** For each operation, how what it works on is checked. */
const OPERANDS: Readonly<Record<string, (path: string, given: unknown) => void>> = {
  sum: checkNumbers,
  product: checkNumbers,
  mean: checkNumbers,
  min: checkNumbers,
  max: checkNumbers,
  count: checkReference,
  difference: checkPair,
  ratio: checkPair,
  round: checkExpression,
};

function checkExpression(path: string, given: unknown): void {
  if (isNumber(given)) return;
  if (typeof given === 'object' && given !== null && 'at' in given) return checkReference(path, given);
  const operation =
    typeof given === 'object' && given !== null
      ? Object.keys(OPERANDS).find((name) => name in given)
      : undefined;
  if (operation === undefined) {
    const known = Object.keys(OPERANDS).join(', ');
    throw new InvalidArgument(path, `must be a number, a reference { at, in }, or one of ${known}`);
  }
  const isRound = operation === 'round';
  const fields = fieldsOf(path, given, isRound ? ['round', 'digits', 'half'] : [operation]);
  OPERANDS[operation]!(`${path}.${operation}`, fields[operation]);
  if (!isRound) return;
  const { digits, half } = fields;
  if (!isNumber(digits) || !Number.isSafeInteger(digits) || digits < 0 || digits > 30) {
    throw new InvalidArgument(`${path}.digits`, 'must be a whole number from 0 to 30');
  }
  if (half !== 'away' && half !== 'even')
    throw new InvalidArgument(`${path}.half`, `must be 'away' or 'even'`);
}

function checkNumbers(path: string, given: unknown): void {
  if (!Array.isArray(given)) return checkReference(path, given);
  if (given.length === 0) throw new InvalidArgument(path, 'must not be empty');
  for (const [index, item] of given.entries()) checkExpression(`${path}[${index}]`, item);
}

function checkPair(path: string, given: unknown): void {
  if (!Array.isArray(given) || given.length !== 2) throw new InvalidArgument(path, 'must be a list of two');
  checkNumbers(path, given);
}

function checkReference(path: string, given: unknown): void {
  const { at, in: place } = fieldsOf(path, given, ['at', 'in']);
  checkPattern(`${path}.at`, at);
  if (place === 'input' || place === 'output' || place === 'each') return;
  const { source } = fieldsOf(`${path}.in`, place, ['source'], `'input', 'output', 'each' or { source }`);
  checkPointer(`${path}.in.source`, source);
}
