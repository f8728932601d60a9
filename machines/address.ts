/**
 * The address of an actor, as machines name it to others. Under Heddle a ref has one; elsewhere its session is all there is.
 */
import type { AnyActorRef } from 'xstate';

export function addressOf(ref: AnyActorRef): string {
  const { address = ref.sessionId } = ref as { readonly address?: string };
  return address;
}
