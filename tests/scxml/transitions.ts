// <transition>: which one XState will choose, and what it then does.
//
// SCXML asks the transitions of a state in document order; XState asks the most specific descriptor first. The two
// agree once every descriptor lists all transitions that its events could take, in document order: then the first
// list XState looks at already holds the whole answer.

import { and, not, stateIn, type AnyTransitionConfig } from 'xstate';
import { cannotFail, compileExpression } from './datamodel.ts';
import { childStates, isDescendant, PLAIN_IN, requireStates, targetOf } from './document.ts';
import type { ScxmlDocument } from './document.ts';
import { covers, isChildFailure, normalizeDescriptor, xstateDescriptors } from './events.ts';
import { compileSteps } from './executable.ts';
import { block, errorEvent, ExecutionFailure, openRun } from './run.ts';
import type { BlockAction, Moment, Step } from './run.ts';
import { UnsupportedScxml } from './unsupported.ts';
import { tokens, type XmlElement } from './xml.ts';

type Guard = NonNullable<AnyTransitionConfig['guard']>;

interface Transition {
  readonly element: XmlElement;
  readonly descriptors: readonly string[];
  readonly steps: readonly Step[];
  readonly placement: Pick<AnyTransitionConfig, 'target' | 'reenter'>;
  readonly guard: Guard | undefined;
  /** Present if the cond may throw: true if it does. */
  readonly fails: ((moment: Moment) => boolean) | undefined;
}

export interface TransitionParts {
  readonly on: Record<string, AnyTransitionConfig[]>;
  readonly always: AnyTransitionConfig[];
}

/** The transitions of the state `source`, or of the root if there is none. */
export function compileTransitions(
  doc: ScxmlDocument,
  source: string | undefined,
  elements: readonly XmlElement[],
): TransitionParts {
  const transitions = elements.map((element) => compileTransition(doc, source, element));
  const eventless = transitions.filter(({ descriptors }) => descriptors.length === 0);
  const on: TransitionParts['on'] = {};
  // Of two descriptors with the same XState form the longer one knows more transitions, so it comes last.
  const distinct = [...new Set(transitions.flatMap(({ descriptors }) => descriptors))];
  for (const descriptor of distinct.sort((a, b) => a.length - b.length)) {
    const matching = transitions.filter(({ descriptors }) => descriptors.some((d) => covers(d, descriptor)));
    for (const key of xstateDescriptors(descriptor, [...doc.states.keys()])) {
      on[key] = candidates(doc, matching, descriptor);
    }
  }
  return { on, always: candidates(doc, eventless) };
}

/** What the root does with an event nobody took: its data still passes <finalize>, and it is still forwarded. */
export function untakenEvents(doc: ScxmlDocument): AnyTransitionConfig[] {
  return [{ guard: isNoChildFailure, actions: [block(doc, [], { forwards: true })] }];
}

/** The actions and targets of an <initial> or of the default of a <history>: a transition without event and cond. */
export function compileDefaultTransition(
  doc: ScxmlDocument,
  element: XmlElement,
): { targets: string[]; actions: BlockAction[] } {
  const targets = tokens(element.attributes['target']);
  requireStates(doc, element, targets);
  if ('cond' in element.attributes || 'event' in element.attributes || targets.length === 0) {
    throw new UnsupportedScxml(element, 'is a default and needs a target, no event and no cond');
  }
  return { targets, actions: actionsOf(doc, compileSteps(doc, element.children), false) };
}

function compileTransition(doc: ScxmlDocument, source: string | undefined, element: XmlElement): Transition {
  const { event, cond } = element.attributes;
  const descriptors = tokens(event).map(normalizeDescriptor);
  return {
    element,
    descriptors,
    steps: compileSteps(doc, element.children),
    placement: placementOf(doc, source, element),
    ...condition(doc, cond),
  };
}

function placementOf(
  doc: ScxmlDocument,
  source: string | undefined,
  element: XmlElement,
): Transition['placement'] {
  const targets = tokens(element.attributes['target']);
  requireStates(doc, element, targets);
  if (targets.length === 0) return {};
  const isInternal = element.attributes['type'] === 'internal';
  return { target: targets.map(targetOf), reenter: !staysInside(doc, source, targets, isInternal) };
}

/**
 * XState's `reenter: false` stays inside any source; SCXML's `internal` only inside a compound state, and only if all
 * targets are there too. The root is never left.
 */
function staysInside(
  doc: ScxmlDocument,
  source: string | undefined,
  targets: readonly string[],
  isInternal: boolean,
): boolean {
  if (source === undefined) return true;
  return (
    isInternal && isCompound(doc, source) && targets.every((target) => isDescendant(doc, target, source))
  );
}

function isCompound(doc: ScxmlDocument, id: string): boolean {
  const element = doc.states.get(id)?.element;
  return element?.name === 'state' && childStates(element).length > 0;
}

function condition(doc: ScxmlDocument, cond: string | undefined): Pick<Transition, 'guard' | 'fails'> {
  if (cond === undefined) return { guard: undefined, fails: undefined };
  const [, negation, , id = ''] = PLAIN_IN.exec(cond) ?? [];
  if (negation !== undefined) {
    const inside: Guard = doc.states.has(id) ? stateIn(targetOf(id)) : () => false;
    return { guard: negation ? not(inside) : inside, fails: undefined };
  }
  const expression = compileExpression(cond);
  const evaluate = (moment: Moment): boolean => Boolean(expression(openRun(doc, moment).scope));
  if (cannotFail(cond, doc.declared)) return { guard: evaluate, fails: undefined };
  return {
    guard: (moment: Moment) => resultOf(evaluate, moment) ?? false,
    fails: (moment) => resultOf(evaluate, moment) === undefined,
  };
}

function resultOf(evaluate: (moment: Moment) => boolean, moment: Moment): boolean | undefined {
  try {
    return evaluate(moment);
  } catch (error) {
    if (error instanceof UnsupportedScxml) throw error;
    return undefined;
  }
}

/**
 * The list XState goes through. A cond that fails is false and an error event, but an XState guard cannot raise
 * anything. So the transition that is taken instead raises it: each one has a variant for every number of failures
 * before it. If none is taken there is nothing to raise the error with, and then the failure is loud.
 */
function candidates(
  doc: ScxmlDocument,
  transitions: readonly Transition[],
  descriptor?: string,
): AnyTransitionConfig[] {
  const list: AnyTransitionConfig[] = [];
  const fallible: Transition[] = [];
  const isEvent = descriptor !== undefined;
  const heard = descriptor === '' && doc.invocations.size > 0 ? [isNoChildFailure] : [];

  for (const transition of transitions) {
    const { placement, guard, steps } = transition;
    const guards = [...heard, ...(guard === undefined ? [] : [guard])];
    for (let count = fallible.length; count > 0; count--) {
      const failed = failuresAre(count, fallible);
      const raising = raiseCondErrors(fallible, count);
      const actions = actionsOf(doc, [raising, ...steps], isEvent);
      list.push({ ...placement, ...guardedBy([failed, ...guards]), actions });
    }
    list.push({ ...placement, ...guardedBy(guards), actions: actionsOf(doc, steps, isEvent) });
    if (guard === undefined) return list;
    if (transition.fails) fallible.push(transition);
  }
  return fallible.length > 0 ? [...list, { guard: refusingFailures(fallible) }] : list;
}

function failuresAre(count: number, fallible: readonly Transition[]): Guard {
  const conds = [...fallible];
  return (moment: Moment) => conds.filter(({ fails }) => fails?.(moment)).length === count;
}

function raiseCondErrors(fallible: readonly Transition[], count: number): Step {
  const events = fallible
    .slice(0, count)
    .map(({ element }) => errorEvent('error.execution', new ExecutionFailure(element, 'the cond failed')));
  return ({ effects }) => {
    for (const event of events) effects.push((enqueue) => enqueue.raise(event));
  };
}

function refusingFailures(fallible: readonly Transition[]): Guard {
  const conds = [...fallible];
  return (moment: Moment) => {
    const failed = conds.find(({ fails }) => fails?.(moment));
    if (!failed || isChildFailure(moment.event)) return false;
    throw new UnsupportedScxml(
      failed.element,
      'has a cond that failed, and no transition to carry its error',
    );
  };
}

function isNoChildFailure({ event }: Moment): boolean {
  return !isChildFailure(event);
}

/** In a document that finalizes or forwards, every answer to an event has a block to do it in. */
function actionsOf(doc: ScxmlDocument, steps: readonly Step[], isEvent: boolean): BlockAction[] {
  if (steps.length === 0 && !(isEvent && doc.intercepts)) return [];
  return [block(doc, steps, { forwards: isEvent && doc.intercepts })];
}

function guardedBy(guards: readonly Guard[]): Pick<AnyTransitionConfig, 'guard'> {
  const [only] = guards;
  if (only === undefined) return {};
  return { guard: guards.length === 1 ? only : and(guards) };
}
