/**
 * Decisions about the system as a whole: who gave a dead letter up, and why; which actors were quarantined; what was paused;
 * why it was shut down; and which calls were refused. They stand in the journal of an actor of the house, `heddle/system`,
 * which is born with the first of them.
 */
import type { AnyActorLogic, AnyEventObject } from 'xstate';
import { newRoot } from './birth.ts';
import type { Cell } from './cell.ts';
import { Message } from './mailbox.ts';
import type { Receipt } from './receipt.ts';
import { Reply } from './reply.ts';
import type { Runtime } from './runtime.ts';
import type { Warrant } from './warrant.ts';

/** The name of the house's own actors. */
export const HOUSE = 'heddle';
/** Whose journal holds the decisions. */
export const SYSTEM_ADDRESS = `${HOUSE}/system`;

/** Its state is how many decisions there were; what they were is its history. */
export const houseLogic = {
  getInitialSnapshot: () => ({
    status: 'active',
    output: undefined,
    error: undefined,
    context: { decisions: 0 },
  }),
  transition: (snapshot: { context: { decisions: number } }) => ({
    ...snapshot,
    context: { decisions: snapshot.context.decisions + 1 },
  }),
  getPersistedSnapshot: (snapshot: unknown) => snapshot,
  restoreSnapshot: (snapshot: unknown) => snapshot,
} as unknown as AnyActorLogic;

/** What belongs to a decision. */
interface DecisionTies {
  /** The dead letter that is settled with it. */
  readonly letter?: number;
  /** Changes other rows in the same commit. */
  readonly alongside?: () => void;
  /** What has permitted it. */
  readonly warrant?: Warrant | undefined;
}

/**
 * Records a decision. Resolves when it is on the disk.
 * @throws NotSerialisable
 */
export async function decide(
  runtime: Runtime,
  decision: AnyEventObject,
  { letter, alongside, warrant }: DecisionTies = {},
): Promise<Receipt> {
  const cell = await journalOf(runtime);
  const { event, packed } = runtime.events.prepareHolder(decision);
  const reply = new Reply(undefined, undefined, warrant);
  const message = new Message(event, packed, cell.life, { kind: 'system' }, undefined, reply);
  message.letter = letter;
  message.alongside = alongside;
  runtime.delivery.post(cell, message);
  return reply.promise;
}

async function journalOf(runtime: Runtime): Promise<Cell> {
  const found = runtime.population.find(SYSTEM_ADDRESS);
  if (found !== undefined) {
    // Two may make the first decision at once.
    if (found.committed === undefined) await runtime.committer.durable();
    return found;
  }
  const birth = { address: SYSTEM_ADDRESS, path: [HOUSE] };
  const cell = newRoot(runtime, birth);
  await runtime.delivery.bear(cell, birth, runtime.events.prepareHolder({ type: 'xstate.init' }));
  return cell;
}
