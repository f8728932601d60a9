/**
 * A claim: a ticket that a gate knows. It is held until its lease is over, or waits until its patience is.
 *
 * Lists of claims are in the order in which they came, and are never changed in place: a step that fails must leave the
 * state before it as it was. Times are on the gate's stopwatch.
 */
import type { AnyActorRef } from 'xstate';
import { weightOf } from './permit.ts';
import type { PermitRequest } from './permit.ts';

export interface Claim {
  readonly ticket: string;
  readonly from: AnyActorRef | undefined;
  readonly weight: number;
  readonly since: number;
  /** How long its lease is, or its patience. Options that change later do not change what it was promised. */
  readonly forMs: number;
  /** When that is over. */
  readonly until: number;
}

export type Claims = readonly Claim[];

export function claimOf(request: PermitRequest, since: number, forMs: number): Claim {
  const { ticket, from } = request;
  return { ticket, from, weight: weightOf(request), since, forMs, until: since + forMs };
}

export function has(claims: Claims, ticket: string): boolean {
  return claims.some((claim) => claim.ticket === ticket);
}

export function without(claims: Claims, ticket: string): Claims {
  return claims.filter((claim) => claim.ticket !== ticket);
}

/** The claims with one of them changed. */
export function changed(claims: Claims, ticket: string, change: Partial<Claim>): Claims {
  return claims.map((claim) => (claim.ticket === ticket ? { ...claim, ...change } : claim));
}

/** Those among which one has shown that it is alive: its lease starts anew, as long as it was. */
export function renewed(claims: Claims, ticket: string, now: number): Claims {
  return claims.map((claim) => (claim.ticket === ticket ? { ...claim, until: now + claim.forMs } : claim));
}

/** Those among which one has asked again, and is told this lease. It does not end sooner than it would have. */
export function grantedAgain(
  claims: Claims,
  { ticket, from }: PermitRequest,
  now: number,
  forMs: number,
): Claims {
  return claims.map((claim) =>
    claim.ticket === ticket ? { ...claim, from, forMs, until: Math.max(claim.until, now + forMs) } : claim,
  );
}

/** One that has waited, as it is held. */
export function admitted(claim: Claim, now: number, forMs: number): Claim {
  return { ...claim, since: now, forMs, until: now + forMs };
}

export function weightIn(claims: Claims): number {
  return claims.reduce((sum, { weight }) => sum + weight, 0);
}

/** When the first of them is over; Infinity without any. */
export function firstEnd(claims: Claims): number {
  return claims.reduce((first, { until }) => Math.min(first, until), Infinity);
}

/** Those that are not over. */
export function current(claims: Claims, now: number): Claims {
  return claims.filter(({ until }) => until > now);
}

/** How late, in leases, a timer may be before it is taken for a sign that nobody was there. */
const LATE_LEASES = 0.5;

/**
 * The holds whose lease is not over, asked for when the first of them should be.
 *
 * When that comes late, the system was down: nobody could report or renew, and holders that go on after a crash still
 * make their calls. So all leases start anew. Otherwise a long outage would give every slot away twice.
 */
export function leased(held: Claims, now: number): Claims {
  const isLate = held.some(({ until, forMs }) => now - until > forMs * LATE_LEASES);
  return isLate ? held.map((claim) => ({ ...claim, until: now + claim.forMs })) : current(held, now);
}
