/**
 * Births: how root actors are found, or started, at the request of somebody outside. It owns what is looked at before: whether there
 * is such logic, whether the id makes a name, whether the input is one, whether it is permitted, and whether somebody is there already.
 */
import { resourceAt } from './acting.ts';
import type { Acting } from './acting.ts';
import { newRoot } from './birth.ts';
import type { Cell } from './cell.ts';
import type { Definition } from './definition.ts';
import { ActorExists, InvalidArgument, UnknownActor } from './errors.ts';
import type { PreparedEvent } from './events.ts';
import { badId, rootAddress } from './kernel/address.ts';
import type { Ref } from './kernel/ref.ts';
import type { Birth } from './mailbox.ts';
import type { Runtime } from './runtime.ts';
import type { Warrant } from './warrant.ts';

/** What becomes of a start where somebody lives, or has lived. `find`: he was only looked for, and nobody is asked. */
type OnConflict = 'refuse' | 'join' | 'find';

/** Nobody is there yet. */
interface Expected {
  readonly cell: Cell;
  readonly birth: Birth;
  readonly init: PreparedEvent;
  readonly warrant: Warrant | undefined;
}

export class Births {
  readonly #runtime: Runtime;
  readonly #acting: Acting;

  constructor(runtime: Runtime, acting: Acting) {
    this.#runtime = runtime;
    this.#acting = acting;
  }

  /** Whoever is there, or a new one. @throws as `System.actor` */
  find(name: string, id: string, input: unknown): Promise<Ref> {
    return this.#recorded(name, id, () => this.#refTo(name, id, input, 'find', false));
  }

  /**
   * A new one, by default under a random id; or with `join` whoever is there.
   * @param looksAfter whether it is for whoever looks after such actors
   * @throws as `System.start`
   */
  start(
    name: string,
    id: string | undefined,
    input: unknown,
    onConflict: 'refuse' | 'join',
    looksAfter = false,
  ): Promise<Ref> {
    return this.#recorded(name, id, () => {
      if (onConflict !== 'refuse' && onConflict !== 'join') {
        const given = JSON.stringify(onConflict);
        throw new InvalidArgument('onConflict', `must be 'refuse' or 'join', but is ${given}`);
      }
      return this.#refTo(name, id === undefined ? crypto.randomUUID() : id, input, onConflict, looksAfter);
    });
  }

  /** The same for whoever looks after such actors, and waits until its birth is taken: see `ahead.ts`. Resolves with whether nobody was there. */
  startAhead(name: string, id: string, input: unknown): Promise<boolean> {
    return this.#recorded(name, id, async () => {
      const expected = await this.#expect(name, id, input, 'join', true);
      if (typeof expected === 'number') return false;
      const { cell, birth, init, warrant } = expected;
      await this.#runtime.delivery.bearAhead(cell, birth, init, warrant);
      return true;
    });
  }

  /** A refusal leaves no actor behind, but a record. */
  async #recorded<T>(name: string, id: unknown, start: () => Promise<T>): Promise<T> {
    try {
      return await start();
    } catch (error) {
      this.#runtime.refusals.note('start', wanted(name, id), error);
      throw error;
    }
  }

  async #refTo(
    name: string,
    id: string,
    input: unknown,
    onConflict: OnConflict,
    looksAfter: boolean,
  ): Promise<Ref> {
    const expected = await this.#expect(name, id, input, onConflict, looksAfter);
    if (typeof expected === 'number') return this.#join(expected, rootAddress(name, id), onConflict);
    const { cell, birth, init, warrant } = expected;
    await this.#runtime.delivery.bear(cell, birth, init, warrant);
    return cell.ref;
  }

  /** Looks whether somebody may be born. Gives the number of whoever is there already. */
  async #expect(
    name: string,
    id: string,
    input: unknown,
    onConflict: OnConflict,
    looksAfter: boolean,
  ): Promise<Expected | number> {
    const runtime = this.#runtime;
    runtime.assertOpen();
    const reason = badId(id);
    if (reason !== undefined) throw new InvalidArgument('id', reason);
    const address = rootAddress(name, id);
    const definition = this.#definitionOf(name, address);
    let there = runtime.population.nameOf(address);
    if (there === undefined && !looksAfter) runtime.definitions.assertForStart(name, 'name');
    if (there === undefined) definition.spec.admits?.(input);
    const init =
      there === undefined ? runtime.events.prepareHolder({ type: 'xstate.init', input }) : undefined;
    // Whoever may not start it is not told whether it is there.
    const isAsked = onConflict !== 'find' || there === undefined;
    let warrant = isAsked ? this.#acting.demand({ name: 'start' }, resourceAt(address)) : undefined;
    if (warrant instanceof Promise) {
      warrant = await warrant;
      runtime.assertOpen();
      // Somebody else may have started it while the decider thought.
      there ??= runtime.population.nameOf(address);
    }
    if (there !== undefined) return there.actor;
    const birth = { address, path: [name], ...(definition.isProcess && { process: true }) };
    return { cell: newRoot(runtime, birth), birth, init: init!, warrant };
  }

  #definitionOf(name: string, address: string): Definition {
    const { definitions } = this.#runtime;
    const definition = definitions.names.includes(name) ? definitions.at([name]) : undefined;
    if (definition !== undefined) return definition;
    const reason = `'${name}' is not among createSystem({ actors }); there are ${definitions.startable}`;
    throw new UnknownActor(address, reason);
  }

  /** Two may ask for the same new actor at once: the second waits for the first. */
  async #join(actor: number, address: string, onConflict: OnConflict): Promise<Ref> {
    const cell = this.#runtime.population.load(actor, address);
    // While it is paused its birth waits.
    const birth = cell.mailbox?.waiting().find((message) => message.birth !== undefined);
    if (cell.committed === undefined) await birth?.reply?.promise.catch(() => {});
    if (cell.committed === undefined) await this.#runtime.committer.durable();
    if (cell.committed === undefined)
      throw new UnknownActor(address, 'it was being started, and could not be');
    if (onConflict === 'refuse') throw new ActorExists(address, cell.snapshot?.status ?? 'active');
    return cell.ref;
  }
}

/** Who was meant, as far as that makes sense. Under a random id nobody would find it again. */
function wanted(name: unknown, id: unknown): string {
  if (typeof name !== 'string') return typeof name;
  return badId(id) === undefined ? rootAddress(name, id as string) : name;
}
