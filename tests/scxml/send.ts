// <send> and <cancel>: what goes out, to whom, and when.

import type { AnyEventObject } from 'xstate';
import { attributeOrExpression, compilePayload } from './content.ts';
import { compileAssignment } from './datamodel.ts';
import type { ScxmlDocument } from './document.ts';
import type { ScxmlEvent } from './events.ts';
import { ExecutionFailure, raiseError, type Run, type Step } from './run.ts';
import { EVENT_PROCESSOR, HTTP_PROCESSOR, locationOf, resolveTarget } from './session.ts';
import type { Address, Session } from './session.ts';
import { UnsupportedScxml } from './unsupported.ts';
import type { XmlElement } from './xml.ts';

const PROCESSORS = new Map<unknown, string>([
  [undefined, EVENT_PROCESSOR],
  ['scxml', EVENT_PROCESSOR],
  [EVENT_PROCESSOR, EVENT_PROCESSOR],
  [HTTP_PROCESSOR, HTTP_PROCESSOR],
]);

export function compileSend(doc: ScxmlDocument, element: XmlElement): Step {
  const { type, target, delay, id, idlocation } = element.attributes;
  requireNoHttpBody(element, type);
  if (target === '#_internal' && delay !== undefined) {
    throw new UnsupportedScxml(element, 'delays an internal event');
  }
  const eventOf = attributeOrExpression(element, 'event');
  if (!eventOf) throw new UnsupportedScxml(element, 'has no event');
  const typeOf = attributeOrExpression(element, 'type');
  const targetOf = attributeOrExpression(element, 'target');
  const delayOf = attributeOrExpression(element, 'delay');
  const payloadOf = compilePayload(doc, element);
  const assignId = idlocation === undefined ? undefined : compileAssignment(idlocation);

  return (run) => {
    const { scope } = run;
    const sendid = id ?? (assignId && `send.${nextNumber(run)}`);
    assignId?.(scope, sendid);
    const type = typeOf?.(scope);
    const processor = PROCESSORS.get(type);
    if (!processor) throw new ExecutionFailure(element, `${String(type)} is not an event processor`, sendid);
    requireNoHttpBody(element, processor);
    const address = addressOf(processor, targetOf?.(scope), run.session);
    const delayMs = delayOf ? parseDelay(delayOf(scope)) : 0;
    const data = payloadOf(scope);
    const event: ScxmlEvent = {
      type: String(eventOf(scope)),
      ...(data === undefined ? {} : { data }),
      ...(sendid === undefined ? {} : { sendid }),
      ...signature(run, address, processor),
    };
    dispatch(run, element, address, event, delayMs);
  };
}

export function compileCancel(element: XmlElement): Step {
  const sendidOf = attributeOrExpression(element, 'sendid');
  if (!sendidOf) throw new UnsupportedScxml(element, 'has no sendid');
  return ({ scope, effects }) => {
    const sendid = String(sendidOf(scope));
    effects.push((enqueue) => enqueue.cancel(sendid));
  };
}

/** HTTP has no queue of its own to fall back to: without a target there is nowhere to go. */
function addressOf(processor: string, target: unknown, session: Session): Address {
  const nowhere = processor === HTTP_PROCESSOR && target === undefined;
  return nowhere ? { to: 'unreachable' } : resolveTarget(target, session);
}

function requireNoHttpBody(element: XmlElement, processor: string | undefined): void {
  if (processor !== HTTP_PROCESSOR) return;
  if ('namelist' in element.attributes || element.children.length > 0) {
    throw new UnsupportedScxml(element, 'sends a body by HTTP');
  }
}

/** Who says it: internal events are unsigned, and a child numbers what it tells its parent. */
function signature(run: Run, { to }: Address, origintype: string): Partial<ScxmlEvent> {
  if (to === 'internal') return { kind: 'internal' };
  const origin = { origin: locationOf(run.session), origintype };
  const { invokeid } = run.session;
  return to === 'parent' && invokeid !== undefined
    ? { ...origin, invokeid, serial: nextNumber(run) }
    : origin;
}

function dispatch(
  run: Run,
  element: XmlElement,
  address: Address,
  event: ScxmlEvent & AnyEventObject,
  delayMs: number,
): void {
  const { effects } = run;
  const { sendid } = event;
  // A delay of zero is no delay: the event joins the queue now, not when the clock next moves.
  const options = {
    ...(delayMs > 0 ? { delay: delayMs } : {}),
    ...(sendid === undefined ? {} : { id: sendid }),
  };
  const failure = (reason: string): ExecutionFailure => new ExecutionFailure(element, reason, sendid);
  switch (address.to) {
    case 'self':
      return void effects.push((enqueue) => enqueue.sendTo(({ self }) => self, event, options));
    case 'parent':
      return void effects.push((enqueue) => enqueue.sendParent(event, options));
    case 'child':
      if (!isInvocation(run.doc, address.invokeid)) {
        return raiseError(run, 'error.communication', failure(`there is no session ${address.invokeid}`));
      }
      return void effects.push((enqueue) => enqueue.sendTo(address.invokeid, event, options));
    case 'internal':
      if (delayMs > 0) throw failure('an internal event cannot be delayed');
      return void effects.push((enqueue) => enqueue.raise(event));
    case 'unreachable':
      return raiseError(run, 'error.communication', failure('there is no session at the target'));
    case 'relative':
      throw new UnsupportedScxml(element, `sends to ${address.session}, which is neither parent nor child`);
    case 'illegal':
      throw failure('the target is not an address');
  }
}

function isInvocation(doc: ScxmlDocument, invokeid: string): boolean {
  return [...doc.invocations.values()].some(({ id }) => id === invokeid);
}

function nextNumber(run: Run): number {
  run.session = { ...run.session, sends: run.session.sends + 1 };
  return run.session.sends;
}

/** CSS2 times: `1s`, `.5s`, `250ms`. */
function parseDelay(delay: unknown): number {
  const match = /^\s*(\d*\.?\d+)\s*(ms|s)\s*$/.exec(String(delay));
  if (!match) throw new SyntaxError(`${String(delay)} is not a delay`);
  return Math.round(Number(match[1]) * (match[2] === 's' ? 1000 : 1));
}
