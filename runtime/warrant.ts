/**
 * A warrant: on whose behalf something was done from outside, and which rules have permitted it. It is a part of the record
 * that it permits, so the two are on the disk together or not at all. Systems without a decider have none.
 */
import type { Principal } from './authority.ts';

export interface Warrant {
  readonly principal: Pick<Principal, 'type' | 'id'>;
  readonly determining: readonly string[];
  /** The hash of the decider. */
  readonly decider: string;
}

/** As it is on the disk. */
export type StoredWarrant = readonly [
  type: string,
  id: string,
  decider: string,
  determining: readonly string[],
];

export const packWarrant = ({ principal, determining, decider }: Warrant): StoredWarrant => [
  principal.type,
  principal.id,
  decider,
  determining,
];

export const unpackWarrant = ([type, id, decider, determining]: StoredWarrant): Warrant => ({
  principal: { type, id },
  determining,
  decider,
});
