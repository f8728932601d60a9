/**
 * The types of refs as users see them, inferred from the logic they gave.
 */
import type {
  ActorRef,
  AnyActorLogic,
  AnyEventObject,
  EmittedFrom,
  EventFromLogic,
  EventObject,
  InputFrom,
  Snapshot,
  SnapshotFrom,
} from 'xstate';
import type { Receipt } from './receipt.ts';
import type { SendOptions } from './delivery.ts';

// Stores are told by their shape, so that nobody needs @xstate/store for its types alone.
// `any`: these are patterns to match against, and a store is invariant in its parameters.
/* oxlint-disable typescript/no-explicit-any */
interface AnyStore {
  getInitialSnapshot(): unknown;
  transition(...args: any[]): unknown;
  send(event: any): void;
  trigger: unknown;
}
interface AnyStoreLogic {
  createStore(input: any): AnyStore;
}

/** What `createSystem({ actors })` takes as the value of a name. */
export type ActorDefinition = AnyActorLogic | AnyStore | AnyStoreLogic;

/** The snapshot of an actor that runs this logic. */
export type SnapshotOf<T> = T extends AnyActorLogic
  ? SnapshotFrom<T>
  : T extends { createStore(input: any): infer TStore }
    ? SnapshotOf<TStore>
    : T extends { getInitialSnapshot(): infer TSnapshot }
      ? TSnapshot
      : never;

/** The events it takes. */
export type EventOf<T> = T extends AnyActorLogic
  ? EventFromLogic<T>
  : T extends { createStore(input: any): infer TStore }
    ? EventOf<TStore>
    : T extends { trigger: infer TTrigger }
      ? TriggeredEvent<TTrigger>
      : never;

// From what it can be triggered with, not from `send`: that forgets the events of extensions.
type TriggeredEvent<TTrigger> = {
  [TType in keyof TTrigger & string]: TTrigger[TType] extends (...args: infer TArgs) => void
    ? { type: TType } & (TArgs extends []
        ? unknown
        : NonNullable<TArgs[0]> extends infer TPayload extends object
          ? TPayload
          : unknown)
    : never;
}[keyof TTrigger & string];

/** The events it emits. */
export type EmittedOf<T> = T extends AnyActorLogic ? EmittedFrom<T> : AnyEventObject;

/** The input it is born with. */
export type InputOf<T> = T extends AnyActorLogic
  ? InputFrom<T>
  : T extends { createStore(input: infer TInput): unknown }
    ? TInput
    : undefined;

/** `[options]` that may be left out when no input is required. */
export type WithInput<T, TOptions> =
  undefined extends InputOf<T>
    ? [options?: TOptions & { readonly input?: InputOf<T> }]
    : [options: TOptions & { readonly input: InputOf<T> }];

/**
 * The handle of an actor. It is an XState `ActorRef`, so `waitFor`, `toPromise` and whatever else takes one accept it;
 * but `send` gives a promise of a receipt, and everything it shows is on the disk.
 */
export interface HeddleRef<T> extends Omit<
  ActorRef<SnapshotOf<T> & Snapshot<unknown>, EventOf<T> & EventObject, EmittedOf<T> & EventObject>,
  'send'
> {
  /** `order/42`: where the actor lives. */
  readonly address: string;
  /**
   * Sends an event. The promise resolves when the event is recorded and what it did is on the disk.
   *
   * It rejects with NotSerialisable, InvalidArgument, MailboxFull, ActorEnded, SystemClosed, StoreFenced, JournalCorrupt,
   * or StepFailed and Nondeterminism when the event cannot be applied. Unless `StoreFenced` says otherwise nothing was
   * applied then. A promise that nobody awaits does no harm.
   */
  send(event: EventOf<T>, options?: SendOptions): Promise<Receipt>;
}
