/**
 * The refusal of an input: thrown before anything of a run is there.
 */
import { HeddleError } from '../../runtime/index.ts';
import type { ValueProblem } from '../../machines/fault.ts';

/** What a workflow was to work on breaks its schema. Nothing was started. */
export class InputRefused extends HeddleError {
  readonly _tag = 'InputRefused';
  readonly code = 'HEDDLE_INPUT_REFUSED';
  readonly retryable = false;
  readonly workflow: string;
  /** All that is wrong with it, each with its place, none with its value. */
  readonly problems: readonly ValueProblem[];

  constructor(workflow: string, problems: readonly ValueProblem[]) {
    const lines = problems.map(({ pointer, detail }) => `  ${pointer} ${detail}`);
    super(`the input of '${workflow}' breaks its schema:\n${lines.join('\n')}`);
    this.workflow = workflow;
    this.problems = problems;
  }
}
