/** The errors of agents and workflows. See `storage/errors.ts` for the rules. */
import type { ValueProblem } from '../machines/faults/fault.ts';
import { HeddleError } from '../runtime/index.ts';

/** One thing that is wrong with a contract, and where. */
export interface ContractProblem {
  /** A JSON pointer into the options, as a URI fragment: `#/inputSchema/properties/text/type`. */
  readonly pointer: string;
  readonly detail: string;
  /** Of a text: where it stands there, from 1. */
  readonly line?: number;
  readonly column?: number;
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
    super(`the contract of ${agent} is refused:${listed(problems)}`);
    this.agent = agent;
    this.problems = problems;
  }
}

/** A workflow makes no sense. Everything that is wrong with it is listed, and it was not made. */
export class InvalidWorkflow extends HeddleError {
  readonly _tag = 'InvalidWorkflow';
  readonly code = 'HEDDLE_INVALID_WORKFLOW';
  readonly retryable = false;
  readonly workflow: string;
  /** All of them; of a file, in the order in which they stand in it. */
  readonly problems: readonly ContractProblem[];

  constructor(workflow: string, problems: readonly ContractProblem[]) {
    super(`the workflow ${workflow} makes no sense:${listed(problems)}`);
    this.workflow = workflow;
    this.problems = problems;
  }
}

/** What a workflow was to work on breaks its schema. Nothing was started. */
export class InputRefused extends HeddleError {
  readonly _tag = 'InputRefused';
  readonly code = 'HEDDLE_INPUT_REFUSED';
  readonly retryable = false;
  readonly workflow: string;
  /** All that is wrong with it, each with its place, none with its value. */
  readonly problems: readonly ValueProblem[];

  constructor(workflow: string, problems: readonly ValueProblem[]) {
    super(`the input of ${workflow} breaks its schema:${listed(problems)}`);
    this.workflow = workflow;
    this.problems = problems;
  }
}

/** What is kept is not what its hash says. */
export class ContentDamaged extends HeddleError {
  readonly _tag = 'ContentDamaged';
  readonly code = 'HEDDLE_CONTENT_DAMAGED';
  readonly retryable = false;
  readonly hash: string;
  /** The hash of what is there. */
  readonly found: string;

  constructor(hash: string, found: string) {
    super(`what is kept as ${hash} is ${found}`);
    this.hash = hash;
    this.found = found;
  }
}

/** Nobody knows what a hash is of. */
export class UnknownContent extends HeddleError {
  readonly _tag = 'UnknownContent';
  readonly code = 'HEDDLE_UNKNOWN_CONTENT';
  readonly retryable = false;
  readonly hash: string;

  constructor(hash: string, where: string) {
    super(`${hash} is nothing that is known ${where}`);
    this.hash = hash;
  }
}

/** What a run has come to breaks the schema of its output. The run has failed. */
export class OutputRefused extends HeddleError {
  readonly _tag = 'OutputRefused';
  readonly code = 'HEDDLE_OUTPUT_REFUSED';
  readonly retryable = false;
  readonly workflow: string;
  /** All that is wrong with it, each with its place, none with its value. */
  readonly problems: readonly ValueProblem[];

  constructor(workflow: string, problems: readonly ValueProblem[]) {
    super(`the output of ${workflow} breaks its schema:${listed(problems)}`);
    this.workflow = workflow;
    this.problems = problems;
  }
}

const listed = (problems: readonly ContractProblem[]): string =>
  problems
    .map(({ pointer, detail, line, column }) => {
      const place = line === undefined ? '' : `${line}:${column} `;
      return `\n  ${place}${pointer} ${detail}`;
    })
    .join('');
