/**
 * Frames: what goes over the wire, as `@statelyai/inspect` 0.7 reads it. A frame is the text of one JSON object.
 *
 *     @xstate.actor      an actor, with the definition of its machine and its state
 *     @xstate.event      an event that it took, and who sent it
 *     @xstate.snapshot   its state after that
 *
 * It owns the format, and how long a frame may become.
 */
import type { InspectedActor, InspectedSnapshot } from '../../runtime/index.ts';
import { readable, sessionOfRef } from './readable.ts';

/** The version of the wire, not of this package. */
const VERSION = '0.7.2';

/** How much of a frame an event may take, so that there is room for the state. */
const EVENT_PART = 1 / 4;

/** How much longer than other frames a definition may be: it is sent once for each actor. */
const DEFINITION_FACTOR = 4;

export class Frames {
  readonly #room: number;
  /** By logic: all actors of a machine have the same. */
  readonly #definitions = new WeakMap<object, string>();

  /** @param room about how long a frame may become, in characters */
  constructor(room: number) {
    this.#room = room;
  }

  /** @param isTop whether nobody above it is shown */
  actor(actor: InspectedActor, snapshot: InspectedSnapshot, isTop: boolean): Buffer {
    const { parentId, address, id } = actor;
    const name = parentId === undefined ? address : id;
    const parent = isTop || parentId === undefined ? '' : `,"parentId":${JSON.stringify(parentId)}`;
    return Buffer.from(
      `${headOf('@xstate.actor', actor)}${parent},"name":${JSON.stringify(name)}` +
        `,"definition":${this.#definitionOf(actor.logic, name)},"snapshot":${snapshotOf(snapshot, this.#room)}}`,
    );
  }

  event(actor: InspectedActor, event: object, sourceId: string | undefined): Buffer {
    const source = sourceId === undefined ? '' : `,"sourceId":${JSON.stringify(sourceId)}`;
    return Buffer.from(`${headOf('@xstate.event', actor)}${source},"event":${readable(event, this.#room)}}`);
  }

  /** @param event the one that has led to the state, if it is known */
  snapshot(actor: InspectedActor, snapshot: InspectedSnapshot, event: object = NO_EVENT): Buffer {
    const told = readable(event, this.#room * EVENT_PART);
    const state = snapshotOf(snapshot, this.#room - told.length);
    return Buffer.from(`${headOf('@xstate.snapshot', actor)},"event":${told},"snapshot":${state}}`);
  }

  /** JSON text within JSON text: so it is on the wire. */
  #definitionOf(logic: unknown, name: string): string {
    const { config } = (logic ?? {}) as { config?: unknown };
    if (typeof config !== 'object' || config === null) return JSON.stringify(JSON.stringify({ id: name }));
    let definition = this.#definitions.get(config);
    if (definition === undefined) {
      definition = this.#define(config);
      this.#definitions.set(config, definition);
    }
    return definition;
  }

  #define(config: object): string {
    const room = this.#room * DEFINITION_FACTOR;
    const definition = readable(config, room, true);
    if (definition.length < room) return JSON.stringify(definition);
    // Half a machine cannot be drawn.
    const { id } = config as { id?: unknown };
    const description = `the definition of this machine is too long to be shown (over ${room} characters)`;
    return JSON.stringify(JSON.stringify({ id: typeof id === 'string' ? id : 'machine', description }));
  }
}

/** As XState's own tools write it when they do not know. */
const NO_EVENT = { type: '' };

function headOf(type: string, { rootId, sessionId }: InspectedActor): string {
  const ids = `"rootId":${JSON.stringify(rootId)},"sessionId":${JSON.stringify(sessionId)}`;
  return `{"type":"${type}","_version":"${VERSION}","createdAt":"${Date.now()}","id":null,${ids}`;
}

// ---- snapshots ----------------------------------------------------------------------------------------------------

function snapshotOf(snapshot: InspectedSnapshot, room: number): string {
  return readable('machine' in snapshot ? ofMachine(snapshot) : ofOther(snapshot), room);
}

/** What is short comes first: the context may be cut. */
function ofMachine({
  status,
  value,
  tags,
  children,
  historyValue,
  output,
  error,
  context,
}: InspectedSnapshot): object {
  return {
    status,
    value,
    tags: [...(tags as Iterable<string>)],
    children: mapped(children as object, (child) => ({ xstate$$type: 1, id: sessionOfRef(child as object) })),
    historyValue: mapped(historyValue as object, (nodes) =>
      (nodes as { id: string }[]).map(({ id }) => ({ id })),
    ),
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
    context,
  };
}

function ofOther(snapshot: InspectedSnapshot): object {
  return Object.fromEntries(
    Object.entries(snapshot).filter(([, value]) => value !== undefined && typeof value !== 'function'),
  );
}

function mapped(fields: object, map: (value: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, map(value)]));
}
