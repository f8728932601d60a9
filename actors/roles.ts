/**
 * The built-in decider: a table of roles and grants, as data. What no grant permits is refused, and a row that forbids outranks all
 * that grant. A statement that cannot be told, because an attribute is missing or is not what it must be, is no reason to
 * grant, and one to forbid, and to oblige: in doubt it says no, or asks for more.
 *
 * It knows the request and its table, and nothing else; the same request at the same time gets the same answer from the same hash.
 */
import { HeddleError } from '../runtime/index.ts';
import type { AccessRequest, Decider, Decision, Entitled, Obligation } from '../runtime/index.ts';
import { copied, hashOf, parsed } from './roles/content.ts';
import { withProperties } from './roles/facts.ts';
import type { Question } from './roles/facts.ts';
import { isPattern } from './roles/pattern.ts';
import { Problems } from './roles/problems.ts';
import type { TableProblem } from './roles/problems.ts';
import { readTable } from './roles/table.ts';
import type { ReadTable, RolesTable, Row } from './roles/table.ts';
import { isUnknown } from './roles/truth.ts';
import type { Truth } from './roles/truth.ts';

/** A table of roles and grants makes no sense. */
export class InvalidRoles extends HeddleError {
  readonly _tag = 'InvalidRoles';
  readonly code = 'HEDDLE_INVALID_ROLES';
  readonly retryable = false;
  /** Everything that is wrong with it. */
  readonly problems: readonly TableProblem[];

  constructor(problems: readonly TableProblem[]) {
    const lines = problems.map(({ path, problem }) => `  ${path === '' ? 'table' : path} ${problem}`);
    super(`the table of roles makes no sense:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}

/** Why a request was decided as it was. */
export interface Explanation extends Decision {
  readonly rows: readonly RowExplanation[];
}

export interface RowExplanation {
  readonly id: string;
  readonly kind: 'grant' | 'forbid';
  /** Whether it has its effect on the request. */
  readonly applies: boolean;
  /** It cannot be told whether a grant applies: it permits nothing, and whoever is permitted by others must do what it asks for. */
  readonly obliges?: true;
  /** What of it does not hold, or cannot be told. */
  readonly because: readonly string[];
}

/**
 * A decider by roles and grants: an object, or a text of YAML or JSON that says the same.
 * @throws InvalidRoles, which lists everything that is wrong
 */
export function roles(source: RolesTable | string): Roles {
  const problems = new Problems();
  const content = copied(typeof source === 'string' ? parsed(source, problems) : source, '', problems);
  const table = problems.all.length === 0 ? readTable(content, problems) : undefined;
  if (table === undefined || problems.all.length > 0) throw new InvalidRoles(problems.all);
  return new Roles(table, hashOf(content));
}

export class Roles implements Decider {
  readonly hash: string;
  readonly #table: ReadTable;

  /** Use {@link roles}. */
  constructor(table: ReadTable, hash: string) {
    this.#table = table;
    this.hash = hash;
  }

  decide(request: AccessRequest): Decision {
    const question = this.#questionOf(request);
    const granting: Row[] = [];
    const obliging: Row[] = [];
    const forbidding: Row[] = [];
    const why = { granting: [] as string[], forbidding: [] as string[] };
    for (const row of this.#table.rows) {
      const truth = truthOf(row, question);
      if (row.kind === 'forbid' && applies(row, truth)) {
        forbidding.push(row);
        why.forbidding.push(reasonOf(row, truth));
      } else if (applies(row, truth)) {
        granting.push(row);
        if (row.reason !== undefined) why.granting.push(row.reason);
      } else if (obliges(row, truth)) {
        obliging.push(row);
        why.granting.push(reasonOf(row, truth));
      }
    }
    if (forbidding.length > 0) return decisionOf('deny', forbidding, why.forbidding);
    if (granting.length === 0) return decisionOf('deny', [], ['no grant permits it']);
    return decisionOf('permit', [...granting, ...obliging], why.granting);
  }

  /**
   * Who may do something: everybody whom the table names and whom it permits, or would if it knew what is told in `depends`. Those
   * named by a pattern are listed by it, and everyone as `*` of `*`.
   */
  list(request: Omit<AccessRequest, 'principal'>): readonly Entitled[] {
    return this.#table.named.flatMap(({ type, id }): readonly Entitled[] => {
      const entitled = this.#entitlement(this.#questionAbout(request, type, id));
      return entitled === undefined ? [] : [{ principal: { type, id }, ...entitled }];
    });
  }

  /** Which rows apply to a request, and why the others do not. */
  explain(request: AccessRequest): Explanation {
    const question = this.#questionOf(request);
    const rows = this.#table.rows.map((row): RowExplanation => {
      const { id, kind } = row;
      const truth = truthOf(row, question);
      return {
        ...{ id, kind, applies: applies(row, truth), because: becauseOf(row, question) },
        ...(obliges(row, truth) && { obliges: true }),
      };
    });
    return { ...this.decide(request), rows };
  }

  #questionOf(request: AccessRequest): Question {
    const { type, id } = request.principal;
    return withProperties(request, this.#table.propertiesOf(type, id));
  }

  #questionAbout(request: Omit<AccessRequest, 'principal'>, type: string, id: string): Question {
    if (!isPattern(id))
      return withProperties({ ...request, principal: { type, id } }, this.#table.propertiesOf(type, id));
    return { ...request, principal: { type: type === '*' ? undefined : type, id: undefined }, anybody: id };
  }

  /** What somebody is permitted by, and what that depends on; undefined when he is not. */
  #entitlement(question: Question): Omit<Entitled, 'principal'> | undefined {
    const granting: { readonly id: string; readonly missing: readonly string[] }[] = [];
    const depends = new Set<string>();
    for (const row of this.#table.rows) {
      const truth = truthOf(row, question);
      const missing = isUnknown(truth) ? truth.missing : [];
      if (truth === false) continue;
      if (row.kind === 'grant') granting.push({ id: row.id, missing });
      else if (truth === true) return undefined;
      else for (const path of missing) depends.add(path);
    }
    // One that depends on nothing is enough.
    const least = Math.min(...granting.map(({ missing }) => missing.length));
    const [best, ...others] = granting.filter(({ missing }) => missing.length === least);
    if (best === undefined) return undefined;
    for (const path of best.missing) depends.add(path);
    // Others that depend on something depend on something else.
    const determining = least === 0 ? [best, ...others] : [best];
    return { determining: determining.map(({ id }) => id).sort(), depends: [...depends].sort() };
  }
}

// ---- rows ---------------------------------------------------------------------------------------------------------

/** Whether all of a row holds. */
function truthOf({ tests }: Row, question: Question): Truth {
  let missing: string[] | undefined;
  for (const test of tests) {
    const truth = test.holds(question);
    if (truth === false) return false;
    if (isUnknown(truth)) (missing ??= []).push(...truth.missing);
  }
  return missing === undefined || { missing };
}

const applies = ({ kind }: Row, truth: Truth): boolean =>
  truth === true || (kind === 'forbid' && isUnknown(truth));

/** What must be done besides would be left undone where it cannot be told whether it must: so it must. */
const obliges = ({ kind, obligations }: Row, truth: Truth): boolean =>
  kind === 'grant' && obligations.length > 0 && isUnknown(truth);

function reasonOf(
  { id, kind, reason = `${id} ${kind === 'forbid' ? 'forbids it' : 'obliges'}` }: Row,
  truth: Truth,
): string {
  return isUnknown(truth) ? `${reason}, as far as can be told without ${truth.missing.join(', ')}` : reason;
}

function becauseOf({ tests }: Row, question: Question): readonly string[] {
  return tests.flatMap(({ text, holds }) => {
    const truth = holds(question);
    if (truth === true) return [];
    return truth === false
      ? [`does not hold: ${text}`]
      : [`cannot be told: ${text} (without ${truth.missing.join(', ')})`];
  });
}

function decisionOf(effect: Decision['effect'], rows: readonly Row[], reasons: readonly string[]): Decision {
  const determining = rows.map(({ id }) => id).sort();
  // Whoever is permitted by several must do what any of them asks for.
  const obligations = effect === 'permit' ? distinct(rows.flatMap((row) => row.obligations)) : [];
  return { effect, determining, reasons, obligations };
}

function distinct(obligations: readonly Obligation[]): readonly Obligation[] {
  if (obligations.length < 2) return obligations;
  return [...new Map(obligations.map((one) => [JSON.stringify(one), one])).values()];
}
