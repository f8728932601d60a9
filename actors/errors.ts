/** The errors of agents and workflows. See `storage/errors.ts` for the rules. */
import { HeddleError } from '../runtime/index.ts';

/** One thing that is wrong with a contract, and where. */
export interface ContractProblem {
  /** A JSON pointer into the options, as a URI fragment: `#/inputSchema/properties/text/type`. */
  readonly pointer: string;
  readonly detail: string;
}

/** What was to be an agent does not conform to the contract. It was not made. */
export class ContractRefused extends HeddleError {
  readonly _tag = 'ContractRefused';
  readonly code = 'HEDDLE_CONTRACT_REFUSED';
  readonly retryable = false;
  readonly agent: string;
  /** All of them. */
  readonly problems: readonly ContractProblem[];

  constructor(agent: string, problems: readonly ContractProblem[]) {
    const lines = problems.map(({ pointer, detail }) => `\n  ${pointer} ${detail}`);
    super(`the contract of ${agent} is refused:${lines.join('')}`);
    this.agent = agent;
    this.problems = problems;
  }
}
