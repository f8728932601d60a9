// Executable content: each element becomes a step of a run.

import { log } from 'xstate';
import { compileContent } from './content.ts';
import { compileAssignment, compileExpression, compileScript, isVariableName } from './datamodel.ts';
import type { Expression } from './datamodel.ts';
import { fileText, type ScxmlDocument } from './document.ts';
import { blaming, block, ExecutionFailure, raiseError } from './run.ts';
import type { BlockAction, Run, Step } from './run.ts';
import { compileCancel, compileSend } from './send.ts';
import { UnsupportedScxml } from './unsupported.ts';
import { ownCopy, toPlain } from './values.ts';
import { requireAttribute, type XmlElement } from './xml.ts';

/** One action for each <onentry> or <onexit>: their errors do not touch each other. */
export function blocks(doc: ScxmlDocument, elements: readonly XmlElement[]): BlockAction[] {
  return elements.map((element) => block(doc, compileSteps(doc, element.children)));
}

export function compileSteps(doc: ScxmlDocument, elements: readonly XmlElement[]): Step[] {
  return elements.map((element) => blaming(element, compileStep(doc, element)));
}

function compileStep(doc: ScxmlDocument, element: XmlElement): Step {
  switch (element.name) {
    case 'raise':
      return compileRaise(element);
    case 'send':
      return compileSend(doc, element);
    case 'cancel':
      return compileCancel(element);
    case 'assign':
      return compileAssign(doc, element);
    case 'script':
      return compileScriptStep(doc, element);
    case 'log':
      return compileLog(element);
    case 'if':
      return compileIf(doc, element);
    case 'foreach':
      return compileForeach(doc, element);
    default:
      throw new UnsupportedScxml(element, 'is not executable content');
  }
}

function compileScriptStep(doc: ScxmlDocument, element: XmlElement): Step {
  const { src } = element.attributes;
  const script = compileScript(src === undefined ? element.text : fileText(doc, element, src));
  return ({ scope }) => script(scope);
}

function compileRaise(element: XmlElement): Step {
  const type = requireAttribute(element, 'event');
  return ({ effects }) => void effects.push((enqueue) => enqueue.raise({ type, kind: 'internal' }));
}

function compileAssign(doc: ScxmlDocument, element: XmlElement): Step {
  const assign = compileAssignment(requireAttribute(element, 'location'));
  const { expr } = element.attributes;
  const value = expr === undefined ? compileContent(doc, element) : compileExpression(expr);
  return ({ scope }) => assign(scope, value(scope));
}

function compileLog(element: XmlElement): Step {
  const { expr, label } = element.attributes;
  const value: Expression = expr === undefined ? () => undefined : compileExpression(expr);
  return ({ scope, effects }) => {
    const text = toPlain(value(scope));
    effects.push((enqueue) => enqueue(log(() => text, label)));
  };
}

interface Branch {
  readonly element: XmlElement;
  readonly cond: Expression | undefined;
  readonly content: XmlElement[];
}

function compileIf(doc: ScxmlDocument, element: XmlElement): Step {
  const branches = branchesOf(element).map(({ content, ...branch }) => ({
    ...branch,
    steps: compileSteps(doc, content),
  }));
  return (run) => {
    const chosen = branches.find((branch) => holds(run, branch));
    chosen?.steps.forEach((step) => step(run));
  };
}

/** A cond that fails is false and an error event; the block goes on. */
function holds(run: Run, { element, cond }: Omit<Branch, 'content'>): boolean {
  if (!cond) return true;
  try {
    return Boolean(cond(run.scope));
  } catch (error) {
    if (error instanceof UnsupportedScxml) throw error;
    raiseError(run, 'error.execution', new ExecutionFailure(element, error));
    return false;
  }
}

function branchesOf(element: XmlElement): Branch[] {
  const condOf = (branch: XmlElement): Expression => compileExpression(requireAttribute(branch, 'cond'));
  const branches: Branch[] = [{ element, cond: condOf(element), content: [] }];
  for (const child of element.children) {
    if (child.name === 'elseif') branches.push({ element: child, cond: condOf(child), content: [] });
    else if (child.name === 'else') branches.push({ element: child, cond: undefined, content: [] });
    else branches.at(-1)?.content.push(child);
  }
  return branches;
}

function compileForeach(doc: ScxmlDocument, element: XmlElement): Step {
  const items = compileExpression(requireAttribute(element, 'array'));
  const item = requireAttribute(element, 'item');
  const { index } = element.attributes;
  const illegal = [item, index].find((name) => name !== undefined && !isVariableName(name));
  const steps = compileSteps(doc, element.children);
  return (run) => {
    const array = items(run.scope);
    if (!Array.isArray(array)) throw new TypeError('array is not an array');
    if (illegal !== undefined) throw new SyntaxError(`${illegal} is not a variable name`);
    // A copy: the body may change the array without changing the iteration.
    for (const [position, value] of [...array].entries()) {
      run.scope.data[item] = ownCopy(value);
      if (index !== undefined) run.scope.data[index] = position;
      for (const step of steps) step(run);
    }
  };
}
