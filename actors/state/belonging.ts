/**
 * What a run belongs to: the workflows that it is a run of, or within, and those whose work it does. All that runs within something
 * belongs to what that belongs to; so every run on the path is asked, from the root on.
 */
import { frozen } from '../../machines/values/frozen.ts';
import type { RunContext } from '../../machines/workflow/progress.ts';
import type { ActorDefinitions } from '../../runtime/index.ts';
import type { AnyWorkflowOptions } from '../workflow/graph.ts';
import { declarationOf } from '../workflow/workflow.ts';
import { runPathOf } from './run-path.ts';
import type { PathRun } from './run-path.ts';

export interface Belonging {
  /** By their ids, and by the names that they have among the actors. */
  readonly workflows: readonly string[];
  /** Those who are said to be its tenants. Null: somebody is, and who cannot be told. */
  readonly tenants: readonly (string | null)[];
}

/** Whose it is, where all say the same; undefined where nobody says it, or not all the same. */
export function tenantOf({ tenants }: Pick<Belonging, 'tenants'>): string | undefined {
  const [one, ...others] = new Set(tenants);
  return others.length === 0 ? (one ?? undefined) : undefined;
}

/** Finds whoever lives at an address. */
type Find = (address: string) => { getSnapshot(): unknown } | undefined;

export class Belongings {
  readonly #workflows = new Map<string, AnyWorkflowOptions>();
  readonly #find: Find;

  constructor(actors: ActorDefinitions, find: Find) {
    this.#find = find;
    for (const [name, logic] of Object.entries(actors)) {
      const options = declarationOf(logic);
      if (options !== undefined) this.#workflows.set(name, options);
    }
  }

  of(run: string): Belonging {
    const path = runPathOf(run, (name) => this.#workflows.get(name));
    const saying = path.filter(({ options }) => options.tenant !== undefined);
    return {
      workflows: [...new Set(path.flatMap(({ options }) => this.#namesOf(options)))],
      tenants: saying.map((one) => this.#tenantOf(one)),
    };
  }

  #namesOf(options: AnyWorkflowOptions): readonly string[] {
    const names = [...this.#workflows].flatMap(([name, known]) => (known === options ? [name] : []));
    return [options.id, ...names];
  }

  /** Its workflow says it, of its input. */
  #tenantOf({ address, options }: PathRun): string | null {
    try {
      const { context } = this.#find(address)!.getSnapshot() as { readonly context: RunContext };
      const tenant: unknown = options.tenant!(frozen(context.input));
      return typeof tenant === 'string' ? tenant : null;
    } catch {
      return null;
    }
  }
}
