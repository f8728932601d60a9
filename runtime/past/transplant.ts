/**
 * A transplant: actors as they stood at a cut live on as others, under new numbers and addresses, at another time.
 *
 * References among them are renamed. Time that has passed since is not counted: what was due in an hour then is due in an hour
 * now. Whoever was being restarted is up, unless a timer or its parent brings it up. Messages that were under way are sent again;
 * those to actors outside have reached them already, and are not.
 */
import type { AnyEventObject } from 'xstate';
import type { Packed } from '../../storage/codec.ts';
import { nameWitnessKey } from '../../storage/keys.ts';
import { makeSelf, pinned } from '../birth.ts';
import { Cell } from '../cell.ts';
import { writeName } from '../checkpoint.ts';
import { InvalidArgument, messageOf } from '../errors.ts';
import type { PreparedEvent } from '../events.ts';
import { fillFromImage, imageOf, own } from '../image.ts';
import type { StoredImage } from '../image.ts';
import type { PersistedSnapshot } from '../kernel/host.ts';
import { NO_INTENTS } from '../kernel/intent.ts';
import { UNBORN } from '../kernel/ref.ts';
import type { Ref } from '../kernel/ref.ts';
import { Message } from '../mailbox.ts';
import type { Birth, ForkEffects } from '../mailbox.ts';
import type { NewNames } from '../references.ts';
import { beginLife, beginRecord, intentsOf, owedBy } from '../retell.ts';
import type { TellableRecord } from '../retell.ts';
import type { Runtime } from '../runtime.ts';
import { packTrailer, unpackTrailer } from '../trailer.ts';
import type { StoredStep } from '../trailer.ts';
import { bearChild, turnOf } from '../turn.ts';
import type { StoredState } from '../versions/migration.ts';
import type { Warrant } from '../warrant.ts';
import type { Cut, Member, UnderWay } from './cut.ts';

/** Where actors come from, and what they become. */
export interface Move {
  /** The root that they were. */
  readonly address: string;
  /** The root that they become. */
  readonly as: string;
  readonly effects: ForkEffects;
  /** The event of everybody's first record, besides whom it stands for. */
  readonly event: AnyEventObject;
  /** Whether they come from another store, whose numbers mean nobody here. */
  readonly isForeign: boolean;
  /** What has permitted it. */
  readonly warrant: Warrant | undefined;
}

/** One of them, ready to be born. */
interface Plan {
  readonly cell: Cell;
  readonly life: number;
  readonly birth: Birth;
  readonly image: StoredImage;
  readonly event: PreparedEvent;
  readonly owes: StoredStep | undefined;
  readonly ended: boolean;
}

/** Makes a cut live on. First everything is planned; then it is carried out in one commit. */
export class Transplant {
  readonly #runtime: Runtime;
  readonly #cut: Cut;
  readonly #move: Move;
  readonly #names: NewNames;
  readonly #now: number;

  constructor(runtime: Runtime, cut: Cut, move: Move) {
    this.#runtime = runtime;
    this.#cut = cut;
    this.#move = move;
    this.#names = this.#newNames();
    this.#now = runtime.clock.now();
  }

  #newNames(): NewNames {
    const names = new Map<number, { readonly address: string; readonly actor: number }>();
    const add = ({ actor, address }: { readonly actor: number; readonly address: string }): void => {
      if (!names.has(actor))
        names.set(actor, { actor: this.#runtime.ledger.nextActor++, address: this.#moved(address) });
    };
    for (const { journal } of this.#cut.members.values()) add(journal);
    for (const { to } of this.#cut.underWay) add(to);
    return names;
  }

  #moved(address: string): string {
    return this.#move.as + address.slice(this.#move.address.length);
  }

  // ---- planning: nothing has changed yet --------------------------------------------------------------------------

  /** @throws InvalidArgument when the changed state cannot be that of the actor */
  plan(change: ((state: StoredState) => Partial<StoredState>) | undefined): Plan[] {
    const plans: Plan[] = [];
    for (const member of this.#cut.members.values()) {
      const { address } = member.journal;
      const owes =
        address === this.#cut.of && this.#move.effects !== 'reuse'
          ? this.#step(member.cell, this.#cut.record)
          : undefined;
      plans.push(this.#planOf(member, address === this.#move.address ? change : undefined, owes));
    }
    return plans;
  }

  #planOf(
    { journal, cell }: Member,
    change: ((state: StoredState) => Partial<StoredState>) | undefined,
    owes: StoredStep | undefined,
  ): Plan {
    const { actor, address } = this.#names.get(journal.actor)!;
    const birth = this.#birthOf(cell.birth!, cell.seq);
    const { event: first, effects } = this.#move;
    const of = { address: journal.address, seq: cell.seq };
    const event = { ...first, of, effects, ...(change !== undefined && { changed: true }) };
    const image = this.#imageOf(cell, birth, change);
    const { definition, life, ended } = cell;
    const self = makeSelf(this.#runtime, actor, birth, life);
    const plan: Plan = {
      cell: new Cell(actor, address, definition, self),
      life,
      birth,
      image,
      event: this.#runtime.events.prepareHolder(event),
      owes,
      ended,
    };
    if (change !== undefined) this.#assertPossible(plan);
    return plan;
  }

  #birthOf(original: Birth, seq: number): Birth {
    const { path, parent, address, systemId, syncSnapshot, process } = original;
    const above = parent && this.#names.get(parent[0]);
    return pinned(this.#runtime, {
      path,
      address: this.#moved(address),
      ...(systemId !== undefined && { systemId }),
      ...(syncSnapshot !== undefined && { syncSnapshot }),
      ...(process !== undefined && { process }),
      ...(parent !== undefined && { parent: [above!.actor, parent[1]] }),
      fork: { address, seq, effects: this.#move.effects },
    });
  }

  /** Everything the actor was, as somebody else at another time. */
  #imageOf(
    cell: Cell,
    birth: Birth,
    change: ((state: StoredState) => Partial<StoredState>) | undefined,
  ): StoredImage {
    const shift = this.#now - this.#cut.at;
    if (!this.#staysDown(cell)) cell.down = undefined;
    const { snapshot, timers, standing, bornAt, life, lives, booked, attempt } = imageOf(this.#runtime, cell);
    const { down } = cell;
    const { codec } = this.#runtime;
    return {
      ...{ life, lives, booked, attempt, birth },
      bornAt: bornAt + shift,
      bornSeq: 1,
      snapshot: snapshot && this.#renamedState(snapshot, change),
      timers: timers.map((timer) => ({
        ...timer,
        dueAt: timer.dueAt + shift,
        to: this.#renamedTarget(timer.to),
        event: this.#renamed(timer.event),
      })),
      ...(standing !== undefined && {
        standing: { ...standing, down: down && codec.packHolder(shifted(down, shift), 'down') },
      }),
    };
  }

  /** Whether it is down and will be brought up: by its timer, or by its parent that is. */
  #staysDown({ down, birth }: Cell): boolean {
    if (down === undefined) return false;
    if (down.why === 'crash' && down.upAt !== undefined) return true;
    const parent = birth?.parent && this.#cut.members.get(birth.parent[0])?.cell;
    return parent?.down !== undefined;
  }

  #renamedTarget([address, actor, life]: readonly [string, number, number]): [string, number, number] {
    const named = this.#names.get(actor);
    if (named !== undefined) return [named.address, named.actor, life];
    return [address, this.#move.isForeign ? UNBORN : actor, life];
  }

  #renamedState(packed: Packed, change: ((state: StoredState) => Partial<StoredState>) | undefined): Packed {
    const { codec, references } = this.#runtime;
    const read = references.renaming(this.#names, this.#move.isForeign, () =>
      codec.unpack(packed),
    ) as PersistedSnapshot;
    const state = this.#withRenamedChildren(read);
    const changes = change?.(state) ?? {};
    const changed: PersistedSnapshot = { ...state, ...changes };
    if ('value' in changes) delete (changed as { states?: unknown }).states;
    return own(codec.packHolder(changed, 'state'));
  }

  #withRenamedChildren(state: PersistedSnapshot): PersistedSnapshot {
    const { children } = state;
    if (children === undefined) return state;
    const renamed = children.map((child) => ({
      ...child,
      actor: this.#names.get(child.actor)?.actor ?? child.actor,
    }));
    return { ...state, children: renamed };
  }

  /** An event in which references to actors of the original are ones to those of the fork. */
  #renamed(packed: Uint8Array): Packed {
    const { codec, references } = this.#runtime;
    const event = references.renaming(this.#names, this.#move.isForeign, () =>
      codec.unpack(packed),
    ) as AnyEventObject;
    if (event.type.startsWith('xstate.snapshot.')) {
      const travelling = event['snapshot'] as { readonly snapshot: PersistedSnapshot };
      event['snapshot'] = { ...travelling, snapshot: this.#withRenamedChildren(travelling.snapshot) };
    }
    return own(codec.packHolder(event, 'event'));
  }

  /** The step of the record itself, whose actions the fork owes as the original did. */
  #step(cell: Cell, record: TellableRecord): StoredStep | undefined {
    const owed = cell.owed?.get(record.seq);
    if (owed === undefined) return undefined;
    const { codec, events, references } = this.#runtime;
    const { seed, reads } = unpackTrailer(codec, record.trailer);
    const renamed = references.renaming(this.#names, this.#move.isForeign, () =>
      reads === undefined ? undefined : codec.unpack(codec.packHolder(reads, 'reads')),
    );
    const { before, bookedBefore } = owed;
    return {
      at: record.at,
      bornAt: cell.bornAt,
      seed,
      booked: bookedBefore,
      event: this.#renamed(record.bytes.subarray(record.eventStart, record.eventEnd)),
      before: before && this.#renamedState(events.packSnapshot(cell.definition, before), undefined),
      reads: renamed === undefined ? undefined : own(codec.packHolder(renamed, 'reads')),
    };
  }

  /** @throws InvalidArgument */
  #assertPossible({ cell, life, birth, image }: Plan): void {
    const trial = new Cell(
      cell.actor,
      cell.address,
      cell.definition,
      makeSelf(this.#runtime, cell.actor, birth, life),
    );
    try {
      fillFromImage(this.#runtime, trial, image);
    } catch (error) {
      throw new InvalidArgument('with.state', `gives a state that cannot be: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  // ---- carrying out: one commit -----------------------------------------------------------------------------------

  carryOut(
    plans: readonly Plan[],
    event: PreparedEvent | undefined,
  ): { readonly root: Ref; readonly sent: Promise<unknown> | undefined } {
    // Those below first: whoever forks the fork at its first record finds everybody there.
    for (const plan of plans.toReversed()) this.#bear(plan);
    const places = new Map<number, number>();
    for (const message of this.#cut.underWay) this.#send(message, places);
    const root = plans[0]!.cell.ref;
    return { root, sent: event && this.#runtime.delivery.sendPermitted(root, event, this.#move.warrant) };
  }

  #bear({ cell, life, birth, image, event, owes, ended }: Plan): void {
    const runtime = this.#runtime;
    const { ledger, codec, population, committer, systemIds, timers } = runtime;
    const cause = { kind: 'system' } as const;
    population.add(cell);
    population.markDirty(cell);
    beginLife(runtime, cell, { life, at: this.#now }, { birth });
    beginRecord(cell, cause, undefined);
    if (birth.parent === undefined) {
      ledger.bear(cell.actor, cell.address);
      ledger.put(nameWitnessKey(cell.address), codec.packAs(0, cell.actor));
    }
    const trailer = packTrailer(codec, {
      cause,
      warrant: this.#move.warrant,
      birth,
      image,
      owes,
      ends: ended,
    });
    ledger.record(cell.actor, cell, this.#now, life, event.packed, trailer);
    cell.tailBytes += event.packed.length + trailer.length;
    fillFromImage(runtime, cell, image);
    writeName(runtime, cell, true);
    for (const timer of cell.timers?.values() ?? []) timers.add(cell.actor, timer.dueAt, timer);
    const intents = owes === undefined ? NO_INTENTS : intentsOf(runtime, cell, owes);
    const owed = owedBy(cell, intents, event.event, undefined, 0);
    if (owed !== undefined) (cell.owed ??= new Map()).set(cell.seq, owed);
    if (birth.systemId !== undefined && !ended) systemIds.claim(cell.ref.tree, birth.systemId, cell.ref);
    const message = new Message(event.event, event.packed, life, cause, birth);
    committer.add(turnOf(cell, message, owed));
  }

  #send({ to, life, packed, cause, birth }: UnderWay, places: Map<number, number>): void {
    const { delivery, events, references } = this.#runtime;
    const target = this.#names.get(to.actor)!;
    const sender = this.#names.get(cause.actor)?.actor ?? this.#names.get(this.#rootActor)!.actor;
    const index = places.get(sender) ?? 0;
    places.set(sender, index + 1);
    const bytes = this.#renamed(packed);
    const by = { kind: 'actor', actor: sender, seq: 1, index, life: cause.life } as const;
    const born = birth && this.#birthOf(birth, 1);
    const message = new Message(events.unpack(bytes), bytes, life, by, born);
    if (born === undefined)
      return delivery.deliver(references.make(target.address, target.actor, life), message);
    const ref = makeSelf(this.#runtime, target.actor, born, life);
    const definition = this.#runtime.definitions.at(born.path)!;
    bearChild(this.#runtime, ref, { definition, earlier: this.#runtime.population.present(target.actor) });
    delivery.deliver(ref, message);
  }

  get #rootActor(): number {
    return this.#cut.members.keys().next().value!;
  }
}

function shifted<T extends { readonly at: number; readonly upAt?: number }>(down: T, shift: number): T {
  const { at, upAt } = down;
  return { ...down, at: at + shift, ...(upAt !== undefined && { upAt: upAt + shift }) };
}
