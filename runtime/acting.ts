/**
 * Acting: somebody who does something from outside, and is asked for it. It owns on whose behalf that is: of whoever was named
 * with `system.as`; of the actor to whom the effect belongs that is running; or else of the program that has opened the system.
 *
 * Whatever is given with it is copied first (`own-copy.ts`): what was permitted is what is done, however late the decider answers.
 *
 * What an actor sends is not asked for: it follows from a record that was permitted, or from nobody outside. What else its
 * effects do with the system is.
 */
import type { Action, Principal, Resource } from './authority.ts';
import { decide } from './decisions.ts';
import { currentSource } from './effects.ts';
import { InvalidArgument, NotPermitted } from './errors.ts';
import type { Runtime } from './runtime.ts';
import type { Warrant } from './warrant.ts';

export class Acting {
  readonly #runtime: Runtime;
  /** Whoever was named; undefined: the program, and its actors. */
  readonly principal: Principal | undefined;

  constructor(runtime: Runtime, principal?: Principal) {
    this.#runtime = runtime;
    this.principal = principal;
  }

  /** Whether nobody is asked: the program acts, and there is nobody to ask. */
  get isFree(): boolean {
    return this.principal === undefined && !this.#runtime.authority.isGoverned;
  }

  /** Whether an actor sends: an effect of it is running, and nobody else was named. */
  get isActor(): boolean {
    return this.principal === undefined && currentSource()?.causeIn(this.#runtime) !== undefined;
  }

  /**
   * The warrant for something; undefined where nobody is governed. At once, if the decider answers at once.
   * @throws NotPermitted
   */
  demand(action: Action, resource: Resource): Warrant | undefined | Promise<Warrant | undefined> {
    if (this.isFree) return undefined;
    const { authority } = this.#runtime;
    const request = { principal: this.#principal(), action, resource };
    // Before it is asked: it may be replaced meanwhile.
    const { hash, isGoverned } = authority;
    const decision = authority.permit(request);
    const warrantBy = (by: Awaited<typeof decision>): Warrant | undefined => {
      if (by.effect !== 'permit') throw new NotPermitted(request, by);
      const { type, id } = request.principal;
      return isGoverned ? { principal: { type, id }, determining: by.determining, decider: hash } : undefined;
    };
    return decision instanceof Promise ? decision.then(warrantBy) : warrantBy(decision);
  }

  /** Does something if it is permitted, at once if that is known at once. A refusal is recorded. @throws NotPermitted */
  async act<T>(
    name: string,
    resource: Resource,
    run: (warrant: Warrant | undefined) => Promise<T> | T,
    properties?: Action['properties'],
  ): Promise<T> {
    if (this.isFree) return run(undefined);
    this.#runtime.assertOpen();
    const asked = this.#demandRecorded({ name, ...(properties && { properties }) }, resource);
    if (!(asked instanceof Promise)) return run(asked);
    const warrant = await asked;
    this.#runtime.assertOpen();
    return run(warrant);
  }

  /** The same for what leaves no record of its own: that it was permitted is recorded before it is done. */
  actOnRecord<T>(name: string, resource: Resource, run: () => Promise<T> | T): Promise<T> {
    return this.act(name, resource, async (warrant) => {
      if (warrant !== undefined) {
        const { type, id } = resource;
        await decide(this.#runtime, { type: PERMITTED, action: name, resource: { type, id } }, { warrant });
      }
      return run();
    });
  }

  #demandRecorded(action: Action, resource: Resource): Warrant | undefined | Promise<Warrant | undefined> {
    const refused = (error: unknown): never => {
      this.#runtime.refusals.note(action.name, addressIn(resource), error);
      throw error;
    };
    try {
      const asked = this.demand(action, resource);
      return asked instanceof Promise ? asked.catch(refused) : asked;
    } catch (error) {
      return refused(error);
    }
  }

  #principal(): Principal {
    const source = this.principal === undefined ? currentSource() : undefined;
    if (source?.causeIn(this.#runtime) !== undefined) return { type: 'actor', id: source.address };
    return this.principal ?? this.#runtime.options.principal;
  }
}

/** Something was permitted that leaves no other record. */
const PERMITTED = 'heddle.permitted';

/** The system as a whole. */
export const EVERYTHING: Resource = { type: 'system', id: '*' };

/** All actors of a name. */
export const everyOne = (name: string): Resource => ({ type: name, id: '*' });

/** An actor. What makes no sense as an address is refused later, by those who know why. */
export function resourceAt(address: unknown, properties?: Resource['properties']): Resource {
  const text = String(address);
  const slash = text.indexOf('/');
  const type = slash === -1 ? text : text.slice(0, slash);
  return { type, id: text.slice(slash + 1), properties: { address: text, ...properties } };
}

function addressIn({ type, id, properties }: Resource): string {
  return typeof properties?.['address'] === 'string' ? properties['address'] : `${type}/${id}`;
}

/** @throws InvalidArgument */
export function assertOwner(acting: Acting, what: string): void {
  if (acting.principal === undefined) return;
  throw new InvalidArgument(what, 'is for whoever has opened the system, and not for a view of it');
}
