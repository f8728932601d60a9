/**
 * The path of a run: the run at the root of it, and each that is within the one before, down to the run itself. It is read from the
 * address and from what the workflows have declared; where nobody knows the workflow of a name, there is none.
 */
import type { AnyDeclaration } from '../workflow/declaration.ts';
import type { AnyWorkflowOptions } from '../workflow/graph.ts';
import { declarationOf } from '../workflow/workflow.ts';
import { innerOf } from '../workflow/declaration.ts';
import { idIn } from '../../machines/here.ts';

export interface PathRun {
  readonly address: string;
  readonly options: AnyWorkflowOptions;
}

/** @param workflowOf the workflow that has a name among the actors */
export function runPathOf(
  run: string,
  workflowOf: (name: string) => AnyWorkflowOptions | undefined,
): readonly PathRun[] {
  const [name, id, ...nodes] = run.split('/');
  let options = workflowOf(idIn(name!));
  let address = `${name}/${id}`;
  const path: PathRun[] = [];
  while (options !== undefined) {
    path.push({ address, options });
    const node = nodes.shift();
    if (node === undefined) break;
    const declared: AnyDeclaration | undefined = options.tasks[idIn(node)];
    // Of an item, or of a time, the number comes after it.
    const isMany = declared?.kind === 'map' || declared?.kind === 'loop';
    address = [address, node, ...(isMany ? nodes.splice(0, 1) : [])].join('/');
    options = declarationOf(innerOf(declared));
  }
  return path;
}

/** How the workflow of a run was declared; undefined where no run of a workflow can live. */
export function declarationAt(
  workflowOf: (name: string) => AnyWorkflowOptions | undefined,
  run: string,
): AnyWorkflowOptions | undefined {
  const last = runPathOf(run, workflowOf).at(-1);
  return last?.address === run ? last.options : undefined;
}
