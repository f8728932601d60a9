// One evaluation: the state of the world while a block, a guard or an output of a document is computed.
//
// A run reads the context, works on copies, collects what is to be sent and raised, and hands back a new context.
// It touches nothing outside itself, so the same context and event give the same result however often it is run:
// that is what lets a guard and, after it, an action both look at the data as <finalize> leaves it.

import { enqueueActions, type AnyEventObject } from 'xstate';
import { closeScope, openScope, type Scope } from './datamodel.ts';
import type { ScxmlDocument } from './document.ts';
import { isExternal, systemEvent, type ScxmlEvent } from './events.ts';
import { EVENT_PROCESSOR, HTTP_PROCESSOR, locationOf } from './session.ts';
import type { ScxmlContext, Session } from './session.ts';
import { UnsupportedScxml } from './unsupported.ts';
import { systemObject } from './values.ts';
import type { XmlElement } from './xml.ts';

export interface Run {
  readonly doc: ScxmlDocument;
  readonly scope: Scope;
  readonly effects: Effect[];
  session: Session;
}

export type Step = (run: Run) => void;
export type Effect = (enqueue: Enqueue) => void;

type Collect = Parameters<typeof enqueueActions<ScxmlContext, ScxmlEvent, undefined, AnyEventObject>>[0];
export type Enqueue = Parameters<Collect>[0]['enqueue'];
export type BlockAction = ReturnType<typeof collecting>;

/** `enqueueActions` with its type parameters settled. */
function collecting(collect: Collect) {
  return enqueueActions(collect);
}

export interface Moment {
  readonly context: ScxmlContext;
  readonly event: AnyEventObject;
}

/** The action of one block of executable content: an error ends the block, keeps what was done, and is raised. */
export function block(doc: ScxmlDocument, steps: readonly Step[], { forwards = false } = {}): BlockAction {
  return collecting(({ context, event, enqueue }) => {
    const run = openRun(doc, { context, event });
    if (forwards) forwardToChildren(run, event);
    attempt(run, steps);
    for (const effect of run.effects) effect(enqueue);
    enqueue.assign({ data: closeScope(run.scope), session: run.session });
  });
}

/** A run on the data as the event finds it: a message from a child passes its <finalize> before anything else. */
export function openRun(doc: ScxmlDocument, { context, event }: Moment): Run {
  const effects: Effect[] = [];
  const run: Run = {
    doc,
    session: context.session,
    effects,
    scope: openScope(context.data, {
      _event: systemEvent(event),
      _sessionid: context.session.id,
      _name: doc.name,
      _ioprocessors: ioProcessors(context.session),
      In: (id: unknown) => run.session.active?.some((active) => active === id) ?? false,
    }),
  };
  finalize(run, event);
  return run;
}

/** Runs the steps to the end or to the first error, which becomes an event. */
export function attempt(run: Run, steps: readonly Step[]): boolean {
  try {
    for (const step of steps) step(run);
    return true;
  } catch (error) {
    if (!(error instanceof ExecutionFailure)) throw error;
    raiseError(run, 'error.execution', error);
    return false;
  }
}

/** An error that SCXML makes an event of. Anything else that is thrown here is a bug or a refusal, and stays loud. */
export class ExecutionFailure extends Error {
  readonly element: XmlElement;
  readonly sendid: string | undefined;

  constructor(element: XmlElement, reason: unknown, sendid?: string) {
    super(reason instanceof Error ? reason.message : String(reason), { cause: reason });
    this.element = element;
    this.sendid = sendid;
  }
}

/** Blames every error of the step on its element. */
export function blaming(element: XmlElement, step: Step): Step {
  return (run) => {
    try {
      step(run);
    } catch (error) {
      if (error instanceof ExecutionFailure || error instanceof UnsupportedScxml) throw error;
      throw new ExecutionFailure(element, error);
    }
  };
}

export function raiseError(
  run: Run,
  type: 'error.execution' | 'error.communication',
  failure: ExecutionFailure,
): void {
  const event = errorEvent(type, failure);
  run.effects.push((enqueue) => enqueue.raise(event));
}

export function errorEvent(type: string, { element, message, sendid }: ExecutionFailure): ScxmlEvent {
  return {
    type,
    kind: 'platform',
    ...(sendid === undefined ? {} : { sendid }),
    data: { tagname: element.name, line: element.line, column: element.column, reason: message },
  };
}

function finalize(run: Run, event: AnyEventObject): void {
  const invokeid: string = event['invokeid'] ?? event['actorId'];
  const finalizer = run.doc.finalizers.get(invokeid);
  const message = `${invokeid}:${event['serial'] ?? 'done'}`;
  if (!finalizer || run.session.finalized === message) return;
  if (!run.session.active?.includes(finalizer.state)) return;
  run.session = { ...run.session, finalized: message };
  attempt(run, finalizer.steps);
}

/** Sends a copy of an external event to the children that asked for all of them. */
function forwardToChildren(run: Run, event: AnyEventObject): void {
  if (!isExternal(event)) return;
  for (const { id, state, autoforward } of run.doc.invocations.values()) {
    if (!autoforward || !run.session.active?.includes(state) || event['actorId'] === id) continue;
    run.effects.push((enqueue) => enqueue.sendTo(id, event));
  }
}

const ioProcessorsOf = new Map<string, object>();

/** One object for each session: documents compare it by identity. */
function ioProcessors(session: Session): object {
  let known = ioProcessorsOf.get(session.id);
  if (!known) {
    const scxml = { location: locationOf(session) };
    known = systemObject({ [EVENT_PROCESSOR]: scxml, scxml, [HTTP_PROCESSOR]: scxml, basichttp: scxml });
    ioProcessorsOf.set(session.id, known);
  }
  return known;
}
