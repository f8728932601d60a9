/**
 * Rules that an answer must obey, as data: what a schema cannot say, because it is about several fields at once, or about the
 * input. A rule about a pattern holds for every place; where no place is, it does not hold, unless it may be empty.
 */
import type { ValueProblem } from '../../machines/faults/fault.ts';
import { InvalidArgument } from '../../runtime/index.ts';
import { checkPattern, checkPointer, select } from '../values/selection.ts';
import type { Found } from '../values/selection.ts';
import { isSame } from '../values/sameness.ts';
import { fieldsOf, verifierBy } from './declaration.ts';
import { assessment } from './verifier.ts';
import type { Claim, Verifier } from './verifier.ts';

export interface Rule {
  /** For people: it is what they are told when it is broken. */
  readonly name: string;
  /** It counts only if this holds. */
  readonly when?: Predicate;
  readonly must: Predicate;
}

export type Predicate =
  | Comparison
  | { readonly all: readonly Predicate[] }
  | { readonly any: readonly Predicate[] }
  | { readonly not: Predicate };

/**
 * Of a pattern all places must obey, so `not` says that one of them does not. Numbers are compared with numbers, texts with texts
 * (by their code units, as dates like `2024-05-31` want it).
 */
export interface Comparison {
  /** A place, or many, of the output: `#/lines/*`. */
  readonly at: string;
  /** Default: the output. */
  readonly in?: 'input' | 'output';
  readonly is: keyof typeof RELATIONS;
  /** A value, or the one at a place: `{ at: '#/limit', in: 'input' }`. Not for `there` and `missing`. */
  readonly than?: unknown;
  readonly mayBeEmpty?: boolean;
}

/** A value that stands somewhere. */
interface Place {
  readonly at: string;
  readonly in: 'input' | 'output';
}

type Relation = (value: unknown, than: unknown) => boolean;

const RELATIONS = {
  there: (value) => value !== undefined,
  missing: (value) => value === undefined,
  equal: (value, than) => value !== undefined && isSame(value, than),
  different: (value, than) => value !== undefined && !isSame(value, than),
  'at-least': (value, than) => order(value, than) >= 0,
  'at-most': (value, than) => order(value, than) <= 0,
  more: (value, than) => order(value, than) > 0,
  less: (value, than) => order(value, than) < 0,
  'one-of': (value, than) => Array.isArray(than) && than.some((one) => isSame(value, one)),
  'longer-than': (value, than) => order(lengthOf(value), than) > 0,
  'shorter-than': (value, than) => order(lengthOf(value), than) < 0,
} as const satisfies Readonly<Record<string, Relation>>;

/** @throws InvalidArgument */
export function rules(declared: readonly Rule[]): Verifier {
  if (!Array.isArray(declared) || declared.length === 0) {
    throw new InvalidArgument('rules', 'must be given a list of rules');
  }
  for (const [index, rule] of declared.entries()) checkRule(`rules[${index}]`, rule);
  return verifierBy('rules', declared, checkRules);
}

function checkRules(declared: readonly Rule[], claim: Claim) {
  const problems: ValueProblem[] = [];
  for (const [index, { name, when, must }] of declared.entries()) {
    if (when !== undefined && !holds(when, claim)) continue;
    if (holds(must, claim)) continue;
    const pointer = brokenAt(must, claim) ?? '#';
    problems.push({ pointer, keyword: 'rule', schemaPath: `#/${index}/must`, detail: name });
  }
  return assessment(problems);
}

function holds(predicate: Predicate, claim: Claim): boolean {
  if ('all' in predicate) return predicate.all.every((one) => holds(one, claim));
  if ('any' in predicate) return predicate.any.some((one) => holds(one, claim));
  if ('not' in predicate) return !holds(predicate.not, claim);
  const places = placesOf(predicate, claim);
  if (places.length === 0) return predicate.mayBeEmpty === true;
  return places.every((place) => obeys(predicate, place, claim));
}

function obeys({ is, than }: Comparison, { value }: Found, claim: Claim): boolean {
  const other = isPlace(than) ? select(claim[than.in], than.at)[0]!.value : than;
  return RELATIONS[is](value, other);
}

const placesOf = ({ at, in: place = 'output' }: Comparison, claim: Claim): readonly Found[] =>
  select(claim[place], at);

/** The first place of the output that breaks it; undefined where it is not one place. */
function brokenAt(predicate: Predicate, claim: Claim): string | undefined {
  if ('all' in predicate) {
    const broken = predicate.all.find((one) => !holds(one, claim));
    return broken === undefined ? undefined : brokenAt(broken, claim);
  }
  if (!('at' in predicate) || predicate.in === 'input') return undefined;
  return placesOf(predicate, claim).find((place) => !obeys(predicate, place, claim))?.pointer;
}

/** Less than 0, 0, or more; NaN, of which nothing is true, where they cannot be compared. */
function order(some: unknown, other: unknown): number {
  if (typeof some === 'number' && typeof other === 'number') return some - other;
  if (typeof some !== 'string' || typeof other !== 'string') return Number.NaN;
  if (some === other) return 0;
  return some < other ? -1 : 1;
}

/** The characters of a text, or the items of a list. */
function lengthOf(value: unknown): number | undefined {
  if (typeof value === 'string') return [...value].length;
  return Array.isArray(value) ? value.length : undefined;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isSide = (value: unknown): value is 'input' | 'output' => value === 'input' || value === 'output';
const isPlace = (value: unknown): value is Place =>
  isRecord(value) &&
  Object.keys(value).length === 2 &&
  typeof value['at'] === 'string' &&
  isSide(value['in']);

// What is declared

function checkRule(path: string, given: unknown): void {
  const { name, when, must } = fieldsOf(path, given, ['name', 'when', 'must']);
  if (typeof name !== 'string' || name === '') throw new InvalidArgument(`${path}.name`, 'must be a text');
  if (when !== undefined) checkPredicate(`${path}.when`, when);
  checkPredicate(`${path}.must`, must);
}

function checkPredicate(path: string, given: unknown): void {
  if (isRecord(given)) {
    for (const name of ['all', 'any']) {
      if (!(name in given)) continue;
      const list = fieldsOf(path, given, [name])[name];
      if (!Array.isArray(list) || list.length === 0) {
        throw new InvalidArgument(`${path}.${name}`, 'must be a list of predicates');
      }
      for (const [index, one] of list.entries()) checkPredicate(`${path}.${name}[${index}]`, one);
      return;
    }
    if ('not' in given) return checkPredicate(`${path}.not`, fieldsOf(path, given, ['not'])['not']);
  }
  checkComparison(path, given);
}

function checkComparison(path: string, given: unknown): void {
  const {
    at,
    in: side,
    is,
    than,
    mayBeEmpty,
  } = fieldsOf(path, given, ['at', 'in', 'is', 'than', 'mayBeEmpty']);
  checkPattern(`${path}.at`, at);
  if (side !== undefined && !isSide(side))
    throw new InvalidArgument(`${path}.in`, `must be 'input' or 'output'`);
  if (typeof is !== 'string' || !Object.hasOwn(RELATIONS, is)) {
    throw new InvalidArgument(`${path}.is`, `must be one of ${Object.keys(RELATIONS).join(', ')}`);
  }
  const isAlone = is === 'there' || is === 'missing';
  if (isAlone !== (than === undefined)) {
    throw new InvalidArgument(
      `${path}.than`,
      isAlone ? `is not for '${is}'` : `is missing: '${is}' needs it`,
    );
  }
  if (is === 'one-of' && !isPlace(than) && !Array.isArray(than)) {
    throw new InvalidArgument(`${path}.than`, 'must be a list of values');
  }
  if (isPlace(than)) checkPointer(`${path}.than.at`, than.at);
  if (mayBeEmpty !== undefined && typeof mayBeEmpty !== 'boolean') {
    throw new InvalidArgument(`${path}.mayBeEmpty`, 'must be true or false');
  }
}
