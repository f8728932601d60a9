/**
 * The outline of an actor: what this room reads in rows and records that the runtime writes. Who somebody is, and how far its
 * checkpoint goes; so that a store can be judged without the code that wrote it. What actors do, and what events mean, is not
 * looked at.
 */
import { Codec } from './codec.ts';
import type { CorruptionEvidence } from './errors.ts';

/** What the name row says: which actor lives there, and what its checkpoint covers. A second witness of the checkpoint. */
export interface StoredName {
  readonly actor: number;
  readonly lives: number;
  readonly checkpoint: number;
}

/** Where a checkpoint ends: the newest record that it contains. */
export type StoredPosition = readonly [seq: number, frame: number, offset: number, link: string];

/** Why an actor is refused. */
export interface StoredQuarantine {
  readonly evidence: CorruptionEvidence;
  /** The address of a root actor whose birth is lost, so that nothing else says that it lived. */
  readonly address?: string;
}

/** Where the receipt of an idempotent send is found again. */
export interface StoredReceipt {
  readonly seq: number;
  readonly commit: number;
  readonly frame: number;
  /** Whether the event made its actor fail: it is refused again, and not applied. */
  readonly failed?: true;
}

interface BirthOutline {
  readonly address: string;
  readonly code?: number;
}

/** What is read of a record's trailer. */
interface TrailerOutline {
  readonly b?: BirthOutline;
  readonly g?: { readonly birth?: BirthOutline };
  readonly k?: string;
  readonly d?: unknown;
  readonly f?: unknown;
}

/** References to actors come out as whatever stands for them. */
const codec = new Codec({ test: () => false, encode: (value) => value, decode: (value) => value });

export const nameIn = (body: Uint8Array): StoredName => codec.unpack(body) as StoredName;

/** The newest record that a checkpoint contains; undefined for an actor whose first message still waits. */
export const positionIn = (body: Uint8Array): StoredPosition | undefined =>
  (codec.unpack(body) as { readonly newest?: StoredPosition }).newest;

/** Whose name a witness speaks for. */
export const witnessIn = (body: Uint8Array): number => codec.unpack(body) as number;

export const packWitness = (actor: number): Uint8Array => codec.pack(actor, 'witness');

export const quarantineIn = (body: Uint8Array): StoredQuarantine => codec.unpack(body) as StoredQuarantine;

export const packQuarantine = (quarantine: StoredQuarantine): Uint8Array =>
  codec.pack(quarantine, 'quarantine');

/** What a record says besides its event: who was born with it, and the id of an idempotent send. */
export function toldIn(trailer: Uint8Array): {
  readonly born: string | undefined;
  /** The number of the code that its actor runs from here on. */
  readonly code: number | undefined;
  readonly id: string | undefined;
  /** Whether its actor failed with it. */
  readonly failed: boolean;
} {
  const { b, g, k, d, f } = codec.unpack(trailer) as TrailerOutline;
  const code = (g?.birth ?? b)?.code;
  return { born: b?.address, code, id: k, failed: d !== undefined || f !== undefined };
}

export const packReceipt = (receipt: StoredReceipt): Uint8Array => codec.pack(receipt, 'receipt');

/** The mark of an actor that has work to do. */
export const packMark = (): Uint8Array => codec.pack(true, 'mark');
