/**
 * The answer of an actor to a message of whoever waits for it. It stands in its state, until the next message is answered.
 */
import type { Receipt } from '../../runtime/index.ts';

/** A state in which the last answer stands. */
interface Answering {
  readonly context: { readonly answer?: { readonly ask?: string | undefined } | undefined };
}

/**
 * The state in which the answer stands: as it is, or as it was then, when others came behind, or another life has begun at its address.
 * @param ask names the message
 */
export async function stateAfter<TState extends Answering>(
  host: { snapshotAt(address: string, seq: number): Promise<unknown> },
  ref: { readonly address: string; getSnapshot(): TState },
  ask: string,
  { seq }: Receipt,
): Promise<TState> {
  const now = ref.getSnapshot();
  // Of a life that is gone nothing is left to see.
  const { answer } = (now as Partial<TState>).context ?? {};
  return answer?.ask === ask ? now : ((await host.snapshotAt(ref.address, seq)) as TState);
}
