/**
 * The table of roles and grants, as users write it, and as it is asked: who has which roles, and rows of statements. Everything
 * that is wrong with it is found when it is read; a table with a problem is none.
 */
import type { Obligation, Principal } from '../../runtime/index.ts';
import { problemOfAddressPattern } from '../values/address.ts';
import { propertyTest, testOf } from './condition.ts';
import type { Condition, Primitive, Test } from './condition.ts';
import { declaredIn } from './facts.ts';
import type { AttributeType, Declared, Question } from './facts.ts';
import { isPattern, patternOf } from './pattern.ts';
import { meant, pathTo, shown } from './problems.ts';
import type { Problems } from './problems.ts';
import { every, some, unknown } from './truth.ts';
import type { Truth } from './truth.ts';

// ---- as it is written ---------------------------------------------------------------------------------------------

export interface RolesTable {
  /**
   * What requests say, by path: `{ 'principal.properties.tenant': 'text' }`. A table that declares any must declare all it asks for;
   * what a request says of another type counts as not said.
   */
  readonly attributes?: Readonly<Record<string, AttributeType>>;
  /** Whoever has a role has those it includes too. */
  readonly roles?: Readonly<Record<string, { readonly includes?: readonly string[] }>>;
  readonly members?: readonly Member[];
  readonly grants?: readonly Grant[];
  /** Rows that outrank all grants. */
  readonly forbid?: readonly Forbid[];
}

/** Who has a role, and what is known of him. */
export interface Member {
  readonly who: PrincipalMatch;
  readonly roles?: readonly string[];
  /** Outranks what a request says of him. Only for one with an id without `*`. */
  readonly properties?: Readonly<Record<string, unknown>>;
}

export interface PrincipalMatch {
  readonly type: string;
  /** `*` stands for any text. */
  readonly id: string;
  readonly properties?: Readonly<Record<string, Primitive>>;
}

export interface ResourceMatch {
  /** `*` alone: any. */
  readonly type: string;
  /** `*` stands for any text. Default: any. */
  readonly id?: string;
  readonly properties?: Readonly<Record<string, Primitive>>;
}

/** To whom a row applies: to all of them. */
export type Grantees =
  'everyone' | { readonly roles?: readonly string[]; readonly principals?: readonly PrincipalMatch[] };

export interface Grant {
  /** What is recorded as having determined a decision. */
  readonly id: string;
  readonly to: Grantees;
  /** `send`; `review.*` for all that begin so; `*` for all. */
  readonly actions: readonly string[];
  readonly resources: 'any' | readonly ResourceMatch[];
  /** All of them must hold. */
  readonly when?: readonly Condition[];
  /** What must be done besides by whoever makes use of it. */
  readonly obligations?: readonly Obligation[];
  readonly reason?: string;
}

/** Left out, `to` is everyone, and `resources` is any. */
export interface Forbid extends Omit<Grant, 'to' | 'resources' | 'obligations'> {
  readonly to?: Grantees;
  readonly resources?: 'any' | readonly ResourceMatch[];
}

// ---- as it is asked -----------------------------------------------------------------------------------------------

export interface Row {
  readonly id: string;
  readonly kind: 'grant' | 'forbid';
  /** The first is about the action, which most rows differ by. */
  readonly tests: readonly Test[];
  readonly obligations: readonly Obligation[];
  readonly reason: string | undefined;
}

export interface ReadTable {
  readonly rows: readonly Row[];
  /** Everybody whom the table names, some by a pattern; `*` of `*` is everyone. */
  readonly named: readonly Pick<Principal, 'type' | 'id'>[];
  /** What is known of one of them. */
  readonly propertiesOf: (type: string, id: string) => Principal['properties'];
}

/** Somebody with roles. */
interface Holder {
  readonly fits: Test['holds'];
  readonly roles: ReadonlySet<string>;
}

const KEYS = ['attributes', 'roles', 'members', 'grants', 'forbid'];

/** Reads a table. What comes out means nothing when there are problems. */
export function readTable(value: unknown, problems: Problems): ReadTable {
  return new Reader(value, problems).read();
}

class Reader {
  readonly #problems: Problems;
  readonly #table: Readonly<Record<string, unknown>>;
  readonly #declared: Declared;
  readonly #included: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #holders: Holder[] = [];
  readonly #properties = new Map<string, Readonly<Record<string, unknown>>>();
  readonly #named = new Map<string, Pick<Principal, 'type' | 'id'>>();

  constructor(value: unknown, problems: Problems) {
    this.#problems = problems;
    this.#table = problems.object(value, '', KEYS);
    this.#declared = declaredIn(this.#table['attributes'], 'attributes', problems);
    this.#included = this.#readRoles(this.#table['roles']);
  }

  read(): ReadTable {
    const problems = this.#problems;
    problems
      .list(this.#table['members'], 'members')
      .forEach((member, i) => this.#member(member, `members[${i}]`));
    const rows = (['grants', 'forbid'] as const).flatMap((name) =>
      problems
        .list(this.#table[name], name)
        .map((row, i) => this.#row(row, `${name}[${i}]`, name === 'grants' ? 'grant' : 'forbid')),
    );
    this.#assertDistinct(rows);
    return {
      rows,
      named: [...this.#named.values()],
      propertiesOf: (type, id) => this.#properties.get(keyOf(type, id)),
    };
  }

  // ---- roles ----------------------------------------------------------------------------------------------------

  /** Each role with all that it includes, itself among them. */
  #readRoles(value: unknown): ReadonlyMap<string, ReadonlySet<string>> {
    const problems = this.#problems;
    const direct = new Map<string, readonly string[]>();
    for (const [role, about] of Object.entries(value === undefined ? {} : problems.map(value, 'roles'))) {
      const path = pathTo('roles', role);
      if (role === '') problems.add(path, 'must have a name');
      const { includes } = problems.object(about, path, ['includes']);
      direct.set(role, problems.texts(includes, `${path}.includes`));
    }
    for (const [role, includes] of direct)
      includes.forEach((other, i) =>
        this.#assertRole(other, direct, `${pathTo('roles', role)}.includes[${i}]`),
      );
    return new Map([...direct.keys()].map((role) => [role, this.#allIn(role, direct)]));
  }

  #allIn(role: string, direct: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
    const all = new Set<string>();
    const add = (one: string, way: readonly string[]): void => {
      if (one === role && way.length > 0)
        this.#problems.add(pathTo('roles', role), `includes itself: ${[...way, role].join(' → ')}`);
      if (all.has(one)) return;
      all.add(one);
      for (const other of direct.get(one) ?? []) add(other, [...way, one]);
    };
    add(role, []);
    return all;
  }

  #assertRole(
    role: string,
    known: { keys(): Iterable<string>; has(role: string): boolean },
    path: string,
  ): void {
    if (role === '' || known.has(role)) return;
    this.#problems.add(path, `is no role of this table: '${role}'${meant(role, known.keys())}`);
  }

  #roleNames(value: unknown, path: string): readonly string[] {
    const roles = this.#problems.texts(value, path);
    roles.forEach((role, i) => this.#assertRole(role, this.#included, `${path}[${i}]`));
    return roles;
  }

  // ---- principals -----------------------------------------------------------------------------------------------

  #member(value: unknown, path: string): void {
    const problems = this.#problems;
    const { who, roles, properties } = problems.object(value, path, ['who', 'roles', 'properties']);
    const test = this.#principal(who, `${path}.who`);
    const held = this.#roleNames(roles, `${path}.roles`).flatMap((role) => [
      ...(this.#included.get(role) ?? []),
    ]);
    this.#holders.push({ fits: test.holds, roles: new Set(held) });
    if (properties !== undefined) this.#know(who, properties, path);
  }

  /** Somebody of whom the table says more. */
  #know(who: unknown, value: unknown, path: string): void {
    const problems = this.#problems;
    const at = `${path}.properties`;
    const properties = problems.map(value, at);
    const { type, id, properties: asked } = (who ?? {}) as Partial<PrincipalMatch>;
    if (typeof type !== 'string' || typeof id !== 'string') return;
    if (isPattern(id) || asked !== undefined)
      return problems.add(at, 'must be of somebody with an id without *, and nothing else in who');
    if (this.#properties.has(keyOf(type, id)))
      return problems.add(at, `must be in one place: there are properties of ${type} ${id} above`);
    this.#properties.set(keyOf(type, id), properties);
    if (this.#declared === undefined) return;
    for (const [name, known] of Object.entries(properties)) {
      const declared = this.#declared.get(`principal.properties.${name}`);
      // Objects are declared by what is in them.
      if (declared === undefined && (typeof known !== 'object' || Array.isArray(known)))
        problems.add(
          pathTo(at, name),
          `is not among the declared attributes${meantProperty(name, this.#declared)}`,
        );
    }
  }

  #principal(value: unknown, path: string): Test {
    const problems = this.#problems;
    const match = problems.object(value, path, ['type', 'id', 'properties']);
    const type = problems.text(match['type'], `${path}.type`);
    const id = problems.text(match['id'], `${path}.id`);
    if (isPattern(type)) problems.add(`${path}.type`, `must be a name, but is '${type}'`);
    const nowhere = type === 'actor' && id !== '' ? problemOfAddressPattern(id) : undefined;
    if (nowhere !== undefined) problems.add(`${path}.id`, nowhere);
    const fits = patternOf(id);
    const isExact = !isPattern(id);
    this.#named.set(keyOf(type, id), { type, id });
    const properties = this.#propertyTests('principal', match['properties'], `${path}.properties`);
    const idFits = ({ principal, anybody }: Question): Truth => {
      if (principal.id !== undefined) return fits(principal.id);
      // Whoever is named himself is asked for himself.
      if (anybody === id || isExact) return anybody === id;
      return unknown('principal.id');
    };
    return {
      text: `${type} ${id}`,
      holds: (question) =>
        question.principal.type === type &&
        every([idFits(question), ...properties.map((test) => test.holds(question))]),
    };
  }

  #propertyTests(of: 'principal' | 'resource', value: unknown, path: string): readonly Test[] {
    if (value === undefined) return [];
    return Object.entries(this.#problems.map(value, path)).map(([name, wanted]) =>
      propertyTest(`${of}.properties.${name}`, wanted, pathTo(path, name), this.#problems, this.#declared),
    );
  }

  // ---- rows -----------------------------------------------------------------------------------------------------

  #row(value: unknown, path: string, kind: Row['kind']): Row {
    const problems = this.#problems;
    const keys = ['id', 'to', 'actions', 'resources', 'when', 'reason'];
    const row = problems.object(value, path, kind === 'grant' ? [...keys, 'obligations'] : keys);
    const id = problems.text(row['id'], `${path}.id`);
    const tests = [
      this.#actions(row['actions'], `${path}.actions`),
      this.#resources(row['resources'], `${path}.resources`, kind),
      this.#grantees(row['to'], `${path}.to`, kind),
      ...problems
        .list(row['when'], `${path}.when`)
        .map((condition, i) => testOf(condition, `${path}.when[${i}]`, problems, this.#declared)),
    ];
    const obligations = problems
      .list(row['obligations'], `${path}.obligations`)
      .map((one, i) => this.#obligation(one, `${path}.obligations[${i}]`));
    const reason = row['reason'] === undefined ? undefined : problems.text(row['reason'], `${path}.reason`);
    return { id, kind, tests, obligations, reason };
  }

  #obligation(value: unknown, path: string): Obligation {
    const fields = this.#problems.map(value, path);
    return { ...fields, type: this.#problems.text(fields['type'], `${path}.type`) };
  }

  #actions(value: unknown, path: string): Test {
    const names = this.#problems.someTexts(value, path);
    names.forEach((name, i) => {
      if (isPattern(name) && !/^([^*]+\.)?\*$/.test(name))
        this.#problems.add(`${path}[${i}]`, `must be a name, 'review.*' or '*', but is '${name}'`);
    });
    const fits = names.map(patternOf);
    return {
      text: `action.name is ${names.join(' or ')}`,
      holds: ({ action }) => fits.some((pattern) => pattern(action.name)),
    };
  }

  #resources(value: unknown, path: string, kind: Row['kind']): Test {
    if (value === 'any' || (value === undefined && kind === 'forbid'))
      return { text: 'resource is any', holds: () => true };
    if (!Array.isArray(value) || value.length === 0) {
      this.#problems.add(
        path,
        `must be 'any', or a list of { type, id, properties }, but is ${shown(value)}`,
      );
      return { text: '', holds: () => false };
    }
    const tests = value.map((match, i) => this.#resource(match, `${path}[${i}]`));
    return {
      text: `resource is ${tests.map(({ text }) => text).join(' or ')}`,
      holds: (question) => some(tests.map((test) => test.holds(question))),
    };
  }

  #resource(value: unknown, path: string): Test {
    const problems = this.#problems;
    const match = problems.object(value, path, ['type', 'id', 'properties']);
    const type = problems.text(match['type'], `${path}.type`);
    if (isPattern(type) && type !== '*')
      problems.add(`${path}.type`, `must be a name, or '*' for any, but is '${type}'`);
    const id = match['id'] === undefined ? '*' : problems.text(match['id'], `${path}.id`);
    const fits = patternOf(id);
    const properties = this.#propertyTests('resource', match['properties'], `${path}.properties`);
    return {
      text: [`${type}/${id}`, ...properties.map((test) => `where ${test.text}`)].join(' '),
      holds: (question) =>
        (type === '*' || question.resource.type === type) &&
        fits(question.resource.id) &&
        every(properties.map((test) => test.holds(question))),
    };
  }

  #grantees(value: unknown, path: string, kind: Row['kind']): Test {
    if (value === 'everyone' || (value === undefined && kind === 'forbid')) {
      if (kind === 'grant') this.#named.set(keyOf('*', '*'), { type: '*', id: '*' });
      return { text: 'principal is anybody', holds: () => true };
    }
    if (typeof value !== 'object' || value === null) {
      this.#problems.add(path, `must be 'everyone', or { roles, principals }, but is ${shown(value)}`);
      return { text: '', holds: () => false };
    }
    const { roles, principals } = this.#problems.object(value, path, ['roles', 'principals']);
    const names = this.#roleNames(roles, `${path}.roles`);
    const listed = this.#problems
      .list(principals, `${path}.principals`)
      .map((match, i) => this.#principal(match, `${path}.principals[${i}]`));
    if (names.length + listed.length === 0)
      this.#problems.add(path, "names nobody: it needs roles, principals, or to be 'everyone'");
    return {
      text: `principal is ${[...names, ...listed.map(({ text }) => text)].join(' or ')}`,
      holds: (question) =>
        some([
          ...names.map((role) => this.#holds(question, role)),
          ...listed.map((principal) => principal.holds(question)),
        ]),
    };
  }

  /** Whether somebody has a role. */
  #holds(question: Question, role: string): Truth {
    return some(this.#holders.filter(({ roles }) => roles.has(role)).map(({ fits }) => fits(question)));
  }

  #assertDistinct(rows: readonly Row[]): void {
    const seen = new Set<string>();
    for (const { id, kind } of rows) {
      if (seen.has(id) && id !== '')
        this.#problems.add(kind === 'grant' ? 'grants' : 'forbid', `must not have the id '${id}' twice`);
      seen.add(id);
    }
  }
}

const keyOf = (type: string, id: string): string => JSON.stringify([type, id]);

function meantProperty(name: string, declared: NonNullable<Declared>): string {
  const prefix = 'principal.properties.';
  const names = [...declared.keys()].filter((path) => path.startsWith(prefix));
  return meant(
    name,
    names.map((path) => path.slice(prefix.length)),
  );
}
