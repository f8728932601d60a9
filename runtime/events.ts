/**
 * Events to bytes and back, and snapshots likewise. The only place that knows that one kind of event carries a snapshot:
 * `xstate.snapshot.<id>`, which a child with `syncSnapshot` sends to its parent after every step.
 */
import type { AnyEventObject } from 'xstate';
import type { Codec, Packed } from '../storage/codec.ts';
import type { Definition, Definitions } from './definition.ts';
import { InvalidArgument } from './errors.ts';
import type { PersistedChild, PersistedSnapshot } from './kernel/host.ts';
import { childAddress } from './kernel/address.ts';
import { Ref } from './kernel/ref.ts';
import type { AnySnapshot } from './kernel/step.ts';
import type { References } from './references.ts';

/** An event that is ready to be sent: nothing in it is shared with whoever made it. */
export interface PreparedEvent {
  readonly event: AnyEventObject;
  readonly packed: Packed;
}

const SNAPSHOT_EVENT = 'xstate.snapshot.';

/** A snapshot as it travels in an event or a read: data, and the names of the logic that can make it live again. */
export interface TravellingSnapshot {
  readonly path: readonly string[];
  readonly snapshot: PersistedSnapshot;
}

export class Events {
  readonly #codec: Codec;
  readonly #references: References;
  readonly #definitions: Definitions;

  constructor(codec: Codec, references: References, definitions: Definitions) {
    this.#codec = codec;
    this.#references = references;
    this.#definitions = definitions;
  }

  /**
   * Packs an event from outside or from a step.
   * @throws InvalidArgument when it is not an event, NotSerialisable when it would not come back equal.
   */
  prepare(given: AnyEventObject): PreparedEvent {
    const copy = this.#copyOf(given);
    const { form, nested } = this.#codec.inspect(copy, 'event');
    const packed = this.#codec.packAs(form, copy);
    return { event: nested ? (this.#codec.unpack(packed) as AnyEventObject) : copy, packed };
  }

  /** Packs an event that holds something of a user: an input, an output, a result. @throws NotSerialisable */
  prepareHolder(event: AnyEventObject): PreparedEvent {
    const packed = this.#codec.packHolder(event, 'event');
    return { event: this.#codec.unpack(packed) as AnyEventObject, packed };
  }

  /**
   * Checks an event that is to be packed later.
   * @throws InvalidArgument, NotSerialisable
   */
  check(given: AnyEventObject): void {
    this.#codec.inspect(this.#copyOf(given), 'event');
  }

  /** A copy: it freezes what getters say, and the caller may go on changing the original. */
  #copyOf(given: AnyEventObject): AnyEventObject {
    if (typeof given !== 'object' || given === null) {
      throw new InvalidArgument(
        'event',
        `must be an object with a type, but is ${given === null ? 'null' : typeof given}`,
      );
    }
    const copy: AnyEventObject = { ...given };
    if (typeof copy.type !== 'string') {
      throw new InvalidArgument('event.type', `must be a string, but is ${typeof copy.type}`);
    }
    return copy;
  }

  /** The event that tells a parent its child's new state. */
  snapshotEvent(child: Ref, definition: Definition, snapshot: AnySnapshot): PreparedEvent {
    const type = `${SNAPSHOT_EVENT}${child.id}`;
    const packed = this.#codec.packHolder({ type, snapshot: this.travelling(definition, snapshot) }, 'event');
    return { event: this.unpack(packed), packed };
  }

  /** An event again, from all of the bytes or a part. */
  unpack(bytes: Uint8Array, start?: number, end?: number): AnyEventObject {
    const event = this.#codec.unpack(bytes, start, end) as AnyEventObject;
    if (!event.type.startsWith(SNAPSHOT_EVENT)) return event;
    return { ...event, snapshot: this.revive(event['snapshot'] as TravellingSnapshot) };
  }

  travelling(definition: Definition, snapshot: AnySnapshot): TravellingSnapshot {
    return { path: definition.path, snapshot: definition.host.persist(snapshot) };
  }

  /** Another actor's snapshot, as it was. Logic that is gone leaves its data. */
  revive({ path, snapshot }: TravellingSnapshot): unknown {
    const definition = this.#definitions.at(path);
    if (definition === undefined) return snapshot;
    const stranger = this.#references.make('somebody/else', 0, 0);
    return definition.host.restore(snapshot, (child) => this.#childRef(stranger, child));
  }

  /** Snapshot bytes of an actor itself. */
  packSnapshot(definition: Definition, snapshot: AnySnapshot): Packed {
    return this.#codec.packHolder(definition.host.persist(snapshot), 'snapshot');
  }

  /** The snapshot again, with one and the same ref for a child in `children` and in the context. */
  unpackSnapshot(definition: Definition, self: Ref, packed: Uint8Array): AnySnapshot {
    return this.#references.collecting((refs) => {
      const persisted = this.#codec.unpack(packed) as PersistedSnapshot;
      return definition.host.restore(persisted, (child) => {
        const known = refs.get(`${child.actor}~${child.life}`);
        return known === undefined ? this.#childRef(self, child) : asChild(known, self, child);
      });
    });
  }

  #childRef(parent: Ref, child: PersistedChild): Ref {
    return new Ref(parent.tree, childAddress(parent.address, child.id), child.id, optionsOf(parent, child));
  }
}

/** A ref found in the context turns out to be a child: give it what only children have. */
function asChild(ref: Ref, parent: Ref, child: PersistedChild): Ref {
  return Object.assign(ref, {
    _parent: parent,
    src: child.src,
    systemId: child.systemId,
    _syncSnapshot: child.syncSnapshot ?? false,
  });
}

function optionsOf(parent: Ref, { actor, life, src, systemId, syncSnapshot }: PersistedChild) {
  return { actor, life, parent, src, systemId, syncSnapshot: syncSnapshot ?? false };
}
