/**
 * Conditions of a row: simple statements about a request, as data. There is no expression language, and nothing that could run
 * long: what does not fit into rows belongs into another decider.
 *
 * A condition about what is missing, or is not what it must be, cannot be told: nothing is converted to make it fit.
 */
import * as Duration from 'effect/Duration';
import { Attribute, attributeAt } from './facts.ts';
import type { AttributeType, Declared, Question } from './facts.ts';
import { patternOf } from './pattern.ts';
import type { Pattern } from './pattern.ts';
import { pathTo, shown } from './problems.ts';
import type { Fields, Problems } from './problems.ts';
import { some, unknown } from './truth.ts';
import type { Truth } from './truth.ts';

export type Primitive = string | number | boolean;

/** Another attribute of the same request: `{ of: 'principal.properties.approvalLimit' }`. */
export interface AttributeOf {
  readonly of: string;
}

/** What an attribute can be compared with, by operator. */
interface Operands {
  readonly equals: Primitive | AttributeOf;
  readonly differs: Primitive | AttributeOf;
  readonly in: readonly Primitive[] | AttributeOf;
  readonly notIn: readonly Primitive[] | AttributeOf;
  readonly lessThan: number | AttributeOf;
  readonly atMost: number | AttributeOf;
  readonly moreThan: number | AttributeOf;
  readonly atLeast: number | AttributeOf;
  /** The attribute is a list, with this in it. */
  readonly contains: Primitive | AttributeOf;
  readonly lacks: Primitive | AttributeOf;
  /** Both are lists, with something in common. */
  readonly overlaps: readonly Primitive[] | AttributeOf;
  /** Both are lists, and all of the attribute's is in this. */
  readonly within: readonly Primitive[] | AttributeOf;
  /** A text, with `*` for any part. */
  readonly matches: string;
  /** The attribute is a time that is not so long ago: `'15 minutes'`, or milliseconds. */
  readonly newerThan: string | number;
  readonly olderThan: string | number;
}

type Comparison = {
  [TOperator in keyof Operands]: AttributeOf & Pick<Operands, TOperator>;
}[keyof Operands];

export type Condition =
  | Comparison
  /** Whether the principal is who `resource.properties.initiator` names: an id, `{ type, id }`, or a list of those. */
  | { readonly isInitiator: boolean }
  /** Whether `principal.properties.tenant` is `resource.properties.tenant`. */
  | { readonly sameTenant: boolean };

/** One statement about a request. */
export interface Test {
  /** As it is explained. */
  readonly text: string;
  holds(question: Question): Truth;
}

// ---- operators ----------------------------------------------------------------------------------------------------

/** What an operator takes on one of its sides. */
type Side = 'one' | 'list' | 'number' | 'text' | 'time' | 'pattern' | 'duration';

interface Operator {
  readonly left: Side;
  readonly right: Side;
  /** Undefined: it cannot be told. What is given is of the sides. */
  readonly holds: (left: never, right: never, at: unknown) => boolean | undefined;
}

const equal = (left: Primitive, right: Primitive): boolean | undefined =>
  typeof left === typeof right ? left === right : undefined;

const isIn = (left: Primitive, right: readonly Primitive[]): boolean | undefined =>
  right.every((item) => typeof item === typeof left) ? right.includes(left) : undefined;

function commonTo(left: readonly Primitive[], right: readonly Primitive[]): number | undefined {
  const isSame = [...left, ...right].every((item, _, [first]) => typeof item === typeof first);
  return isSame ? left.filter((item) => right.includes(item)).length : undefined;
}

/** How long ago something was; undefined when it is still to come, which nobody can know. */
function ageOf(time: number, at: unknown): number | undefined {
  const age = typeof at === 'number' ? at - time : -1;
  return age >= 0 ? age : undefined;
}

const not = (truth: boolean | undefined): boolean | undefined => (truth === undefined ? undefined : !truth);

const OPERATORS: { readonly [TOperator in keyof Operands]: Operator } = {
  equals: { left: 'one', right: 'one', holds: equal },
  differs: { left: 'one', right: 'one', holds: (left, right) => not(equal(left, right)) },
  in: { left: 'one', right: 'list', holds: isIn },
  notIn: { left: 'one', right: 'list', holds: (left, right) => not(isIn(left, right)) },
  lessThan: { left: 'number', right: 'number', holds: (left: number, right: number) => left < right },
  atMost: { left: 'number', right: 'number', holds: (left: number, right: number) => left <= right },
  moreThan: { left: 'number', right: 'number', holds: (left: number, right: number) => left > right },
  atLeast: { left: 'number', right: 'number', holds: (left: number, right: number) => left >= right },
  contains: { left: 'list', right: 'one', holds: (left, right) => isIn(right, left) },
  lacks: { left: 'list', right: 'one', holds: (left, right) => not(isIn(right, left)) },
  overlaps: {
    left: 'list',
    right: 'list',
    holds: (left, right) => {
      const common = commonTo(left, right);
      return common === undefined ? undefined : common > 0;
    },
  },
  within: {
    left: 'list',
    right: 'list',
    holds: (left: readonly Primitive[], right: readonly Primitive[]) => {
      const common = commonTo(left, right);
      return common === undefined ? undefined : common === left.length;
    },
  },
  matches: { left: 'text', right: 'pattern', holds: (left: string, right: Pattern) => right(left) },
  newerThan: {
    left: 'time',
    right: 'duration',
    holds: (left: number, right: number, at) => {
      const age = ageOf(left, at);
      return age === undefined ? undefined : age <= right;
    },
  },
  olderThan: {
    left: 'time',
    right: 'duration',
    holds: (left: number, right: number, at) => {
      const age = ageOf(left, at);
      return age === undefined ? undefined : age > right;
    },
  },
};

const OPERATOR_NAMES = Object.keys(OPERATORS) as readonly (keyof Operands)[];

const isPrimitive = (value: unknown): value is Primitive =>
  typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);

const FITS: { readonly [TSide in Exclude<Side, 'pattern' | 'duration'>]: (value: unknown) => boolean } = {
  one: isPrimitive,
  list: (value) => Array.isArray(value) && value.every(isPrimitive),
  number: (value) => Number.isFinite(value),
  text: (value) => typeof value === 'string',
  time: (value) => Number.isFinite(value),
};

const fits = (value: unknown, side: Side): boolean =>
  side !== 'pattern' && side !== 'duration' && FITS[side](value);

/** Which declared types a side takes. */
const TYPES: { readonly [TSide in Side]: readonly AttributeType[] } = {
  one: ['text', 'number', 'integer', 'boolean', 'time'],
  list: ['texts'],
  number: ['number', 'integer', 'time'],
  text: ['text'],
  time: ['time'],
  pattern: [],
  duration: [],
};

// ---- reading ------------------------------------------------------------------------------------------------------

export function testOf(value: unknown, path: string, problems: Problems, declared: Declared): Test {
  const fields = problems.map(value, path);
  if ('isInitiator' in fields) return readFlag(fields, 'isInitiator', path, problems, declared);
  if ('sameTenant' in fields) return readFlag(fields, 'sameTenant', path, problems, declared);
  return readComparison(fields, path, problems, declared);
}

function readComparison(fields: Fields, path: string, problems: Problems, declared: Declared): Test {
  const known = ['of', ...OPERATOR_NAMES];
  problems.object(fields, path, known);
  const left = attributeAt(fields['of'], pathTo(path, 'of'), problems, declared);
  const names = OPERATOR_NAMES.filter((name) => name in fields);
  const [name] = names;
  if (name === undefined || names.length > 1) {
    problems.add(path, `must compare with exactly one of ${OPERATOR_NAMES.join(', ')}`);
    return { text: '', holds: () => false };
  }
  const operator = OPERATORS[name];
  const right = readOperand(fields[name], operator.right, pathTo(path, name), problems, declared);
  assertType(left, operator.left, `cannot be asked '${name}'`, pathTo(path, 'of'), problems);
  return comparison(left, name, right, fields[name]);
}

/** A value, or an attribute that will have one. */
function readOperand(
  value: unknown,
  side: Side,
  path: string,
  problems: Problems,
  declared: Declared,
): unknown {
  if (side === 'pattern') return patternOf(problems.text(value, path));
  if (side === 'duration') return readDuration(value, path, problems);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const { of } = problems.object(value, path, ['of']);
    const attribute = attributeAt(of, pathTo(path, 'of'), problems, declared);
    assertType(attribute, side, 'cannot be compared with', pathTo(path, 'of'), problems);
    return attribute;
  }
  if (!fits(value, side)) problems.add(path, `must be ${A[side]}, or { of: … }, but is ${shown(value)}`);
  return value;
}

const A: { readonly [TSide in Side]: string } = {
  one: 'a text, a number or a boolean',
  list: 'a list of texts, numbers or booleans',
  number: 'a number',
  text: 'a text',
  time: 'a time',
  pattern: 'a text',
  duration: "a duration, such as '15 minutes'",
};

function assertType(
  { type, path: name }: Attribute,
  side: Side,
  what: string,
  path: string,
  problems: Problems,
): void {
  if (type === undefined || TYPES[side].includes(type)) return;
  problems.add(path, `${what}: '${name}' is declared as ${type}`);
}

function readDuration(value: unknown, path: string, problems: Problems): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  try {
    if (typeof value !== 'string') throw new TypeError('it is no text');
    const millis = Duration.toMillis(Duration.fromInputUnsafe(value as Duration.Input));
    if (millis >= 0) return millis;
  } catch {
    // Said below.
  }
  problems.add(path, `must be ${A.duration}, but is ${shown(value)}`);
  return 0;
}

// ---- telling ------------------------------------------------------------------------------------------------------

/** A property of what is asked about, that must be some value. */
export function propertyTest(
  of: string,
  value: unknown,
  path: string,
  problems: Problems,
  declared: Declared,
): Test {
  const attribute = attributeAt(of, path, problems, declared);
  if (!isPrimitive(value)) problems.add(path, `must be ${A.one}, but is ${shown(value)}`);
  return comparison(attribute, 'equals', value, value);
}

function comparison(left: Attribute, name: keyof Operands, right: unknown, said: unknown): Test {
  const { left: leftSide, right: rightSide, holds } = OPERATORS[name];
  return {
    text: `${left.path} ${name} ${right instanceof Attribute ? right.path : JSON.stringify(said)}`,
    holds: (question) => {
      const one = left.in(question);
      if (!fits(one, leftSide)) return unknown(left.path);
      const other = right instanceof Attribute ? right.in(question) : right;
      if (right instanceof Attribute && !fits(other, rightSide)) return unknown(right.path);
      // The sides are what the operator takes: that was just looked at.
      const truth = holds(one as never, other as never, question.context?.['at']);
      if (truth !== undefined) return truth;
      return right instanceof Attribute ? unknown(left.path, right.path) : unknown(left.path);
    },
  };
}

function readFlag(
  fields: Fields,
  name: 'isInitiator' | 'sameTenant',
  path: string,
  problems: Problems,
  declared: Declared,
): Test {
  problems.object(fields, path, [name]);
  const wanted = fields[name];
  if (typeof wanted !== 'boolean')
    problems.add(pathTo(path, name), `must be true or false, but is ${shown(wanted)}`);
  const tells = name === 'isInitiator' ? isInitiator : tenantTest(path, problems, declared);
  return {
    text: wanted === true ? name : `not ${name}`,
    holds: (question) => {
      const truth = tells(question);
      return typeof truth === 'boolean' ? truth === wanted : truth;
    },
  };
}

const INITIATOR = 'resource.properties.initiator';
const initiator = new Attribute(INITIATOR, undefined);

function isInitiator(question: Question): Truth {
  const value = initiator.in(question);
  const { principal } = question;
  const named = Array.isArray(value) ? (value as readonly unknown[]) : [value];
  return some(
    named.map((one): Truth => {
      if (principal.id === undefined) return unknown('principal.id');
      if (typeof one === 'string') return one === principal.id;
      const { type, id } = (one ?? {}) as Fields;
      if (typeof type !== 'string' || typeof id !== 'string') return unknown(INITIATOR);
      return type === principal.type && id === principal.id;
    }),
  );
}

function tenantTest(path: string, problems: Problems, declared: Declared): Test['holds'] {
  const at = (name: string): Attribute => attributeAt(name, pathTo(path, 'sameTenant'), problems, declared);
  const ours = at('principal.properties.tenant');
  const theirs = at('resource.properties.tenant');
  return (question) => {
    const [one, other] = [ours.in(question), theirs.in(question)];
    if (typeof one !== 'string') return unknown(ours.path);
    return typeof other === 'string' ? one === other : unknown(theirs.path);
  };
}
