// <state>, <parallel>, <final> and <history>: the tree of states.

import type { AnyStateNodeConfig } from 'xstate';
import { compilePayload } from './content.ts';
import { compileDataSteps } from './data.ts';
import { childStateNodes, childStates, idOf, isInRegion, requireStates, targetOf } from './document.ts';
import type { ScxmlDocument } from './document.ts';
import { xstateId } from './events.ts';
import { blocks } from './executable.ts';
import { compileInvoke } from './invoke.ts';
import { attempt, blaming, block, openRun, type BlockAction, type Moment, type Step } from './run.ts';
import { compileDefaultTransition, compileTransitions } from './transitions.ts';
import { UnsupportedScxml } from './unsupported.ts';
import { childrenNamed, tokens, type XmlElement } from './xml.ts';

type States = Record<string, AnyStateNodeConfig>;

/** The child states of an element and how it enters them. */
export interface Children {
  readonly states?: States;
  readonly initial?: AnyStateNodeConfig['initial'];
}

export function compileChildren(doc: ScxmlDocument, element: XmlElement): Children {
  const nodes = childStateNodes(element);
  if (nodes.length === 0) return {};
  const initial = element.name === 'parallel' ? {} : compileInitial(doc, element);
  const states: States = { ...initial.states };
  for (const node of nodes) Object.assign(states, compileNode(doc, node));
  return { ...initial, states };
}

/** Usually one state; a history with a default that does something brings a helper along. */
function compileNode(doc: ScxmlDocument, element: XmlElement): States {
  if (element.name === 'history') return compileHistory(doc, element);
  const id = idOf(doc, element);
  return { [id]: element.name === 'final' ? compileFinal(doc, element, id) : compileState(doc, element, id) };
}

function compileState(doc: ScxmlDocument, element: XmlElement, id: string): AnyStateNodeConfig {
  const invokes = childrenNamed(element, 'invoke').map((invoke) => compileInvoke(doc, invoke));
  const lifecycle = compileLifecycle(doc, element, id);
  return {
    id: xstateId(id),
    ...(element.name === 'parallel' ? { type: 'parallel' } : {}),
    ...compileChildren(doc, element),
    ...compileTransitions(doc, id, childrenNamed(element, 'transition')),
    entry: [...lifecycle.entry, ...invokes.flatMap(({ entry }) => entry ?? [])],
    exit: [...lifecycle.exit, ...invokes.flatMap(({ exit }) => exit ?? [])],
    invoke: invokes.flatMap(({ invoke }) => invoke ?? []),
  };
}

function compileFinal(doc: ScxmlDocument, element: XmlElement, id: string): AnyStateNodeConfig {
  const { entry, exit } = compileLifecycle(doc, element, id);
  const [donedata] = childrenNamed(element, 'donedata');
  if (!donedata) return { id: xstateId(id), type: 'final', entry, exit };
  // An XState output cannot raise an error. So the entry computes it once to raise what fails, and the output
  // computes it again from the same data.
  const valueOf = compilePayload(doc, donedata);
  const probe = blaming(donedata, ({ scope }) => void valueOf(scope));
  const output = (moment: Moment): unknown => {
    const run = openRun(doc, moment);
    return attempt(run, [probe]) ? valueOf(run.scope) : undefined;
  };
  return { id: xstateId(id), type: 'final', entry: [...entry, block(doc, [probe])], exit, output };
}

function compileLifecycle(
  doc: ScxmlDocument,
  element: XmlElement,
  id: string,
): { entry: BlockAction[]; exit: BlockAction[] } {
  const arrival = [...(doc.tracksStates ? [enter(id)] : []), ...lateData(doc, element, id)];
  return {
    entry: [
      ...(arrival.length > 0 ? [block(doc, arrival)] : []),
      ...blocks(doc, childrenNamed(element, 'onentry')),
    ],
    exit: [
      ...blocks(doc, childrenNamed(element, 'onexit')),
      ...(doc.tracksStates ? [block(doc, [leave(id)])] : []),
    ],
  };
}

function enter(id: string): Step {
  return (run) => {
    // A new child counts its messages from the start.
    const { finalized: _, ...session } = run.session;
    run.session = { ...session, active: [...(session.active ?? []), id] };
  };
}

function leave(id: string): Step {
  return (run) => {
    run.session = { ...run.session, active: run.session.active?.filter((active) => active !== id) ?? [] };
  };
}

/** Late-bound data get their values when their state is entered for the first time. */
function lateData(doc: ScxmlDocument, element: XmlElement, id: string): Step[] {
  const data = childrenNamed(element, 'datamodel').flatMap((datamodel) => childrenNamed(datamodel, 'data'));
  if (!doc.bindsLate || data.length === 0) return [];
  const steps = compileDataSteps(doc, data);
  return [
    (run) => {
      const { bound = [] } = run.session;
      if (bound.includes(id)) return;
      run.session = { ...run.session, bound: [...bound, id] };
      for (const step of steps) attempt(run, [step]);
    },
  ];
}

function compileInitial(doc: ScxmlDocument, element: XmlElement): Children {
  const { targets, actions } = initialOf(doc, element);
  const [target] = targets;
  const direct = childStateNodes(element).map((child) => idOf(doc, child));
  if (target !== undefined && targets.length === 1 && direct.includes(target)) {
    return { initial: actions.length > 0 ? { target, actions } : target };
  }
  const parent = doc.ids.get(element);
  const helper = `(initial of ${parent ?? 'scxml'})`;
  return { initial: helper, states: compileHelper(doc, element, { id: helper, parent, targets, actions }) };
}

function initialOf(doc: ScxmlDocument, element: XmlElement): { targets: string[]; actions: BlockAction[] } {
  const [initial] = childrenNamed(element, 'initial');
  if (initial) {
    const [transition] = childrenNamed(initial, 'transition');
    if (!transition) throw new UnsupportedScxml(initial, 'has no transition');
    return compileDefaultTransition(doc, transition);
  }
  const named = tokens(element.attributes['initial']);
  requireStates(doc, element, named);
  const [first] = childStates(element);
  if (!first) throw new UnsupportedScxml(element, 'has no state to enter');
  return { targets: named.length > 0 ? named : [idOf(doc, first)], actions: [] };
}

interface Helper {
  readonly id: string;
  readonly parent: string | undefined;
  readonly targets: readonly string[];
  readonly actions: BlockAction[];
}

/**
 * XState enters one child by default and does nothing else; SCXML may enter any set of descendants and may act on the
 * way to a history's default. Where the two differ a helper state is entered, and left at once for the real targets.
 * Alone it is left before anything else can happen; beside a parallel region it would not be, so there it is refused.
 */
function compileHelper(doc: ScxmlDocument, element: XmlElement, helper: Helper): States {
  const { id, parent, targets, actions } = helper;
  if (isInRegion(doc, parent)) {
    throw new UnsupportedScxml(element, 'has a default entry that takes two steps, inside a parallel state');
  }
  return { [id]: { id: xstateId(id), always: [{ target: targets.map(targetOf), actions }] } };
}

function compileHistory(doc: ScxmlDocument, element: XmlElement): States {
  const id = idOf(doc, element);
  const history = element.attributes['type'] === 'deep' ? 'deep' : 'shallow';
  const [transition] = childrenNamed(element, 'transition');
  if (!transition) return { [id]: { id: xstateId(id), type: 'history', history } };
  const { targets, actions } = compileDefaultTransition(doc, transition);
  if (actions.length === 0) return { [id]: historyNode(id, history, targets.map(targetOf)) };
  const parent = doc.states.get(id)?.parent;
  const helper = `(default of ${id})`;
  return {
    [id]: historyNode(id, history, [targetOf(helper)]),
    ...compileHelper(doc, element, { id: helper, parent, targets, actions }),
  };
}

/** XState resolves several default targets and types one. */
function historyNode(id: string, history: 'deep' | 'shallow', target: string[]): AnyStateNodeConfig {
  return { id: xstateId(id), type: 'history', history, target } as unknown as AnyStateNodeConfig;
}
