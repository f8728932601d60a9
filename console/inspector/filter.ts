/**
 * The filter: which actors an inspector shows. It refuses a name that nobody has, rather than showing nothing.
 */
import { InvalidArgument } from '../../runtime/index.ts';
import type { InspectedActor } from '../../runtime/index.ts';

export interface InspectorFilter {
  /** Only actors of these names, and their children. Names are those in `createSystem({ actors })`. */
  readonly names?: readonly string[];
  /** Only the actor at this address, and its children: `order/42`. */
  readonly under?: string;
  /** Also the actors of the house: supervisors, schedules, `heddle/system`. Default: not. */
  readonly house?: boolean;
}

/** @throws InvalidArgument */
export function checkFilter({ names, under, house }: InspectorFilter): void {
  if (names !== undefined && !(Array.isArray(names) && names.every((name) => typeof name === 'string')))
    throw new InvalidArgument('filter.names', "must be a list of names: ['order']");
  if (under !== undefined && (typeof under !== 'string' || !/^[^/]+(\/[^/]+)+$/.test(under)))
    throw new InvalidArgument(
      'filter.under',
      `must be an address such as order/42, but is ${JSON.stringify(under)}`,
    );
  if (house !== undefined && typeof house !== 'boolean')
    throw new InvalidArgument('filter.house', `must be true or false, but is ${String(house)}`);
}

/** A filter that suits a system. */
export class Admission {
  readonly #names: ReadonlySet<string> | undefined;
  readonly #under: string | undefined;
  readonly #showsHouse: boolean;

  /** @param known the names that the system has  @throws InvalidArgument */
  constructor({ names, under, house = false }: InspectorFilter, known: readonly string[]) {
    const stranger = names?.find((name) => !known.includes(name));
    if (stranger !== undefined)
      throw new InvalidArgument(
        'filter.names',
        `has '${stranger}', which is not among createSystem({ actors }); there are ${known.join(', ') || 'none'}`,
      );
    this.#names = names && new Set(names);
    this.#under = under;
    this.#showsHouse = house;
  }

  /** Whether an actor is to be shown. */
  admits({ isHouse, name, address }: InspectedActor): boolean {
    if (isHouse ? !this.#showsHouse : this.#names?.has(name) === false) return false;
    const under = this.#under;
    return under === undefined || address === under || address.startsWith(`${under}/`);
  }

  /** Whether whoever is above it is not shown, now or ever. */
  isTop({ address }: InspectedActor): boolean {
    return address === this.#under;
  }
}
