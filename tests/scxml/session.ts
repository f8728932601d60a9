// The context of a machine that was an SCXML document: the author's variables, and beside them the few facts of
// the session that SCXML lets expressions see and XState keeps no place for.

export type Data = Record<string, unknown>;

export interface Session {
  /** `_sessionid`: the path of invoke ids from the root session, the same in every run of the same document. */
  readonly id: string;
  /** Under which id the parent invoked this session. */
  readonly invokeid?: string;
  /** Counts the messages that need a number: generated send ids, and messages an invoker must tell apart. */
  readonly sends: number;
  /** The active states, for `In()`; only kept in documents that need it. */
  readonly active?: readonly string[];
  /** The states whose late-bound data has been assigned. */
  readonly bound?: readonly string[];
  /** The variables whose first values came from the invoker; gone once the datamodel is set up. */
  readonly given?: readonly string[];
  /** The last message of a child that its <finalize> has seen. */
  readonly finalized?: string;
}

export interface ScxmlContext extends Data {
  readonly data: Data;
  readonly session: Session;
}

/** What an invoking session hands to the machine it invokes. */
export interface InvokeInput {
  readonly session: Pick<Session, 'id' | 'invokeid'>;
  readonly data: Data;
}

export const ROOT_SESSION_ID = 'main';
export const EVENT_PROCESSOR = 'http://www.w3.org/TR/scxml/#SCXMLEventProcessor';
/** Only its loop-back: a message without a body, from a session to a location in `_ioprocessors`. */
export const HTTP_PROCESSOR = 'http://www.w3.org/TR/scxml/#BasicHTTPEventProcessor';

const SESSION_TARGET = '#_scxml_';

export function locationOf(session: Session): string {
  return SESSION_TARGET + session.id;
}

export function childSessionId(session: Session, invokeid: string): string {
  return `${session.id}/${invokeid}`;
}

/** Where a <send> goes. `unreachable` is an address that leads nowhere, `illegal` is no address at all. */
export type Address =
  | { readonly to: 'self' | 'internal' | 'parent' | 'unreachable' | 'illegal' }
  | { readonly to: 'child'; readonly invokeid: string }
  | { readonly to: 'relative'; readonly session: string };

export function resolveTarget(target: unknown, session: Session): Address {
  if (target === undefined) return { to: 'self' };
  if (typeof target !== 'string') return { to: 'illegal' };
  if (target === '#_internal') return { to: 'internal' };
  if (target === '#_parent') return { to: session.invokeid === undefined ? 'unreachable' : 'parent' };
  if (target.startsWith(SESSION_TARGET)) return resolveSession(target.slice(SESSION_TARGET.length), session);
  if (target.startsWith('#_')) return { to: 'child', invokeid: target.slice('#_'.length) };
  return { to: 'illegal' };
}

function resolveSession(id: string, session: Session): Address {
  if (id === session.id) return { to: 'self' };
  if (session.invokeid !== undefined && session.id === `${id}/${session.invokeid}`) return { to: 'parent' };
  if (id.startsWith(`${session.id}/`)) return { to: 'child', invokeid: id.slice(session.id.length + 1) };
  const inThisTree = id === ROOT_SESSION_ID || id.startsWith(`${ROOT_SESSION_ID}/`);
  return inThisTree ? { to: 'relative', session: id } : { to: 'unreachable' };
}
