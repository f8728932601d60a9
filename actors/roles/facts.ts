/**
 * Facts: what a request says, as conditions look at it. An attribute is found by its path; of what a table declares about it, the
 * facts know the type, and an attribute of another is as good as missing.
 */
import type { AccessRequest, Principal } from '../../runtime/index.ts';
import { meant } from './problems.ts';
import type { Problems } from './problems.ts';

/**
 * A request, or the question who may make it. Whoever is known by a pattern alone is nobody in particular: he has no id, and the
 * question is asked for anybody whom the pattern fits.
 */
export interface Question extends Omit<AccessRequest, 'principal'> {
  readonly principal: {
    readonly type: string | undefined;
    readonly id: string | undefined;
    readonly properties?: Principal['properties'];
  };
  readonly anybody?: string;
}

/** What an attribute may be declared as. `time` is milliseconds since the epoch. */
export type AttributeType = keyof typeof IS_OF;

const IS_OF = {
  text: (value: unknown) => typeof value === 'string',
  number: (value: unknown) => Number.isFinite(value),
  integer: (value: unknown) => Number.isSafeInteger(value),
  boolean: (value: unknown) => typeof value === 'boolean',
  time: (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0,
  texts: (value: unknown) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
} as const;

const ATTRIBUTE_TYPES = Object.keys(IS_OF) as readonly AttributeType[];

/** The attributes that a table declares, by path; undefined when it declares none, and any may be asked for. */
export type Declared = ReadonlyMap<string, AttributeType> | undefined;

/** Those that every request has. */
const ALWAYS: ReadonlyMap<string, AttributeType> = new Map([
  ['principal.type', 'text'],
  ['principal.id', 'text'],
  ['action.name', 'text'],
  ['resource.type', 'text'],
  ['resource.id', 'text'],
  ['context.at', 'time'],
]);

const OF_USERS = /^(principal\.properties|action\.properties|resource\.properties|context)\.[^.]+(\.[^.]+)*$/;

/** An attribute, ready to be looked up. */
export class Attribute {
  readonly path: string;
  readonly type: AttributeType | undefined;
  readonly #keys: readonly string[];

  constructor(path: string, type: AttributeType | undefined) {
    this.path = path;
    this.type = type;
    this.#keys = path.split('.');
  }

  /** What a request says; undefined when it says nothing, or not what is declared. */
  in(question: Question): unknown {
    let value: unknown = question;
    for (const key of this.#keys) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
      value = (value as Record<string, unknown>)[key];
    }
    if (value === null || value === undefined) return undefined;
    return this.type === undefined || IS_OF[this.type](value) ? value : undefined;
  }
}

/** The attribute at a path. */
export function attributeAt(value: unknown, path: string, problems: Problems, declared: Declared): Attribute {
  const name = problems.text(value, path);
  const type = ALWAYS.get(name) ?? declared?.get(name);
  if (name !== '' && type === undefined) {
    const known = [...ALWAYS.keys(), ...(declared?.keys() ?? [])];
    if (!OF_USERS.test(name))
      problems.add(path, `is no attribute of a request: '${name}'${meant(name, known)} ${SUCH_AS}`);
    else if (declared !== undefined)
      problems.add(path, `is not among the declared attributes: '${name}'${meant(name, known)}`);
  }
  return new Attribute(name, type);
}

const SUCH_AS = '(such as principal.id, resource.properties.amount, context.purpose)';

/** The attributes that a table declares. */
export function declaredIn(value: unknown, path: string, problems: Problems): Declared {
  if (value === undefined) return undefined;
  const declared = new Map<string, AttributeType>();
  for (const [name, type] of Object.entries(problems.map(value, path))) {
    const at = `${path}[${JSON.stringify(name)}]`;
    if (!OF_USERS.test(name)) problems.add(at, `is no attribute that can be declared ${SUCH_AS}`);
    if (ATTRIBUTE_TYPES.includes(type as AttributeType)) declared.set(name, type as AttributeType);
    else problems.add(at, `must be one of ${ATTRIBUTE_TYPES.join(', ')}`);
  }
  return declared;
}

/** A question in which the principal has what the table knows of it, which outranks what the request says. */
export function withProperties(question: Question, known: Principal['properties']): Question {
  if (known === undefined) return question;
  const { principal } = question;
  return { ...question, principal: { ...principal, properties: { ...principal.properties, ...known } } };
}
