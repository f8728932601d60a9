// Events. XState and SCXML agree on what events are and disagree on what the platform's own are called; this file is
// the only place that knows both vocabularies.

import type { AnyEventObject, EventObject } from 'xstate';
import { systemObject } from './values.ts';

/** An SCXML event as an XState event. An external event from outside needs only its type. */
export interface ScxmlEvent extends EventObject {
  readonly data?: unknown;
  /** Absent for external events. */
  readonly kind?: 'internal' | 'platform';
  readonly sendid?: string;
  readonly origin?: string;
  readonly origintype?: string;
  readonly invokeid?: string;
  /** The number of this message among the messages of its sender; only from child to parent. */
  readonly serial?: number;
}

const DONE_STATE = 'done.state';
const DONE_INVOKE = 'done.invoke';

/** What XState calls the events that SCXML names `done.state.*` and `done.invoke.*`. */
const XSTATE_PREFIX: Readonly<Record<string, string>> = {
  [DONE_STATE]: 'xstate.done.state',
  [DONE_INVOKE]: 'xstate.done.actor',
};

/** `_event`, with every field the specification requires, empty or not. */
export interface SystemEvent {
  readonly name: string;
  readonly type: 'internal' | 'external' | 'platform';
  readonly sendid: string | undefined;
  readonly origin: string | undefined;
  readonly origintype: string | undefined;
  readonly invokeid: string | undefined;
  readonly data: unknown;
}

/** One `_event` for one event, however often it is asked for: documents compare `_event` by identity. */
const systemEvents = new WeakMap<AnyEventObject, SystemEvent>();

/** Unbound until the first event: XState's init event is not an event of the document. */
export function systemEvent(event: AnyEventObject): SystemEvent | undefined {
  if (isInit(event)) return undefined;
  const known = systemEvents.get(event);
  if (known) return known;
  const made = systemObject(makeSystemEvent(event));
  systemEvents.set(event, made);
  return made;
}

function makeSystemEvent(event: AnyEventObject): SystemEvent {
  const { kind, sendid, origin, origintype, invokeid, data } = event as ScxmlEvent;
  const name = nameOf(event.type);
  if (name !== event.type) {
    // XState's own completion events say `output` and `actorId` where SCXML says `data` and `invokeid`.
    const { output, actorId } = event as { output?: unknown; actorId?: string };
    const fields = { sendid: undefined, origin: undefined, origintype: undefined };
    return { name, type: 'platform', ...fields, invokeid: actorId, data: structuredClone(output) };
  }
  return {
    name,
    type: kind ?? 'external',
    sendid,
    origin,
    origintype,
    invokeid,
    data: structuredClone(data),
  };
}

function nameOf(type: string): string {
  for (const [scxml, xstate] of Object.entries(XSTATE_PREFIX)) {
    if (!type.startsWith(`${xstate}.`)) continue;
    const id = type.slice(xstate.length);
    return scxml + (scxml === DONE_STATE ? scxmlId(id) : id);
  }
  return type;
}

/** `foo`, `foo.` and `foo.*` say the same; the empty descriptor stands for `*`. */
export function normalizeDescriptor(descriptor: string): string {
  return descriptor.replace(/(\.?\*|\.)$/, '');
}

/** True if every event that matches `descriptor` also matches `prefix`. */
export function covers(prefix: string, descriptor: string): boolean {
  return prefix === '' || prefix === descriptor || descriptor.startsWith(`${prefix}.`);
}

/** The XState descriptors that together match what a normalized SCXML descriptor matches. */
export function xstateDescriptors(descriptor: string, stateIds: readonly string[]): string[] {
  if (descriptor === '') return ['*'];
  const completions = Object.entries(XSTATE_PREFIX).flatMap(([scxml, xstate]) => {
    if (covers(descriptor, scxml)) return [xstate];
    if (!covers(scxml, descriptor)) return [];
    const id = descriptor.slice(scxml.length + 1);
    if (scxml === DONE_INVOKE) return [`${xstate}.${id}`];
    return stateIds
      .filter((stateId) => covers(id, stateId))
      .map((stateId) => `${xstate}.${xstateId(stateId)}`);
  });
  return [descriptor, ...completions].map((name) => `${name}.*`);
}

/** A dot is part of a name in SCXML and a path separator in XState. A colon is neither: XML ids have none. */
export function xstateId(id: string): string {
  return id.replaceAll('.', ':');
}

function scxmlId(id: string): string {
  return id.replaceAll(':', '.');
}

/** A child that broke down is not an SCXML event. `*` must not swallow it: an unheard failure is loud. */
export function isChildFailure(event: AnyEventObject): boolean {
  return event.type.startsWith('xstate.error.');
}

/** True for an event that reached the machine from outside its own macrostep. */
export function isExternal(event: AnyEventObject): boolean {
  const isOwn = event.type.startsWith('xstate.done.state.') || isInit(event) || isChildFailure(event);
  return event['kind'] === undefined && !isOwn;
}

function isInit(event: AnyEventObject): boolean {
  return event.type === 'xstate.init';
}
