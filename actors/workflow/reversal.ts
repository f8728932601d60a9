/**
 * Reversals: whether it is declared how a node is taken back, and by whom. Of a list, a loop and another workflow that is said by what
 * is in them.
 */
import type { AnyActorLogic } from 'xstate';
import { isTask } from './declaration.ts';
import type { AnyDeclaration, TaskDeclaration } from './declaration.ts';
import { declarationOf } from './workflow.ts';

export interface Reversal {
  /** Who takes it back, or something of it: what they can do, or their names. Empty: nobody does. */
  readonly by: readonly string[];
  /** Whether that is all of it. */
  readonly isWhole: boolean;
}

export function reversalOf(node: AnyDeclaration): Reversal {
  switch (node.kind) {
    case 'task':
      return reversalOfTask(node);
    case 'map':
      return reversalOfBody(node.options.each);
    case 'loop':
      return reversalOfBody(node.options.body);
    case 'call':
      return reversalOfLogic(node.options.workflow);
    default:
      return NOTHING_DONE;
  }
}

/** Nothing is done that could be taken back. */
const NOTHING_DONE: Reversal = { by: [], isWhole: true };
const IRREVERSIBLE: Reversal = { by: [], isWhole: false };

function reversalOfTask({ options: { compensate } }: TaskDeclaration): Reversal {
  if (compensate === undefined) return IRREVERSIBLE;
  const { capability, agent = [] } = compensate;
  const agents = typeof agent === 'string' ? agent : agent.join(', ');
  return { by: [capability ?? agents], isWhole: true };
}

const reversalOfBody = (body: TaskDeclaration | AnyActorLogic): Reversal =>
  isTask(body) ? reversalOfTask(body) : reversalOfLogic(body);

function reversalOfLogic(logic: AnyActorLogic): Reversal {
  const options = declarationOf(logic);
  if (options === undefined) return IRREVERSIBLE;
  const all = Object.values(options.tasks).map(reversalOf);
  return {
    by: [...new Set(all.flatMap(({ by }) => by))],
    isWhole: all.every(({ isWhole }) => isWhole),
  };
}

/** Whether there is anything in it that can be taken back. */
export const isReversible = (node: AnyDeclaration): boolean => reversalOf(node).by.length > 0;
