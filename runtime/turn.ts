/**
 * The turn: one event taken from a mailbox, stepped, and put into the commit that is being filled.
 *
 *     takeTurn(message)
 *       ├ is it too late?                        → dropped, and if the store knows of it, its end is noted
 *       ├ step(snapshot, event, moment)          pure; nothing is executed
 *       │    throws, or breaks a rule            → dead-letters.ts; nothing of it is kept
 *       ├ prepare: everything the step asks for is checked and packed; nothing has changed yet
 *       └ apply:   record · state · timers · births · messages · what is owed → the open commit
 *
 * Nothing of a turn can be observed before its commit is durable (`release.ts`).
 */
import type { AnyEventObject } from 'xstate';
import type { FrameRef } from '../storage/ledger.ts';
import { deadLetterKey, nameWitnessKey } from '../storage/keys.ts';
import { Cell } from './cell.ts';
import type { OwedTurn } from './cell.ts';
import { pinned } from './birth.ts';
import { writeName } from './checkpoint.ts';
import type { Definition } from './definition.ts';
import { ActorEnded, Nondeterminism, StepFailed } from './errors.ts';
import { childAddress } from './kernel/address.ts';
import { forkOfChild } from './forked-effects.ts';
import { NO_INTENTS } from './kernel/intent.ts';
import type { Intent } from './kernel/intent.ts';
import { enter, leave, seedOfLast, violationOfLast } from './kernel/moment.ts';
import { UNBORN } from './kernel/ref.ts';
import type { Ref } from './kernel/ref.ts';
import type { AnySnapshot, Outcome } from './kernel/step.ts';
import { Message, RECORDED } from './mailbox.ts';
import type { Birth } from './mailbox.ts';
import { noteTaken } from './notes.ts';
import type { PreparedEvent } from './events.ts';
import { applyToSelf, beginLife, beginRecord, owedBy, stepOf } from './retell.ts';
import type { Runtime } from './runtime.ts';
import { packTrailer, tellIntents } from './trailer.ts';
import type { Cause } from './trailer.ts';
import { beginsAnewWithParent, birthThrew, failed, restored, stepThrew, wentDown } from './failure.ts';
import { FAIL, isUrgent, UP } from './standing.ts';
import type { Down } from './standing.ts';
import { messagesOf as ordersToMessages } from './supervision/orders.ts';
import type { SupervisorState } from './supervision/words.ts';

/** A turn that waits for its commit to become durable. */
export interface Turn {
  readonly cell: Cell;
  readonly snapshot: AnySnapshot;
  readonly down: Down | undefined;
  readonly seq: number;
  readonly life: number;
  readonly frame: FrameRef;
  readonly message: Message;
  readonly owed: OwedTurn | undefined;
  /** What is logged after the commit; for an observer all its intents. */
  readonly intents: readonly Intent[];
}

/** What an actor is when its newest record did not come out of a step. */
export function turnOf(cell: Cell, message: Message, owed?: OwedTurn): Turn {
  const { snapshot, down, seq, life, frame } = cell;
  return { cell, snapshot: snapshot!, down, seq, life, frame: frame!, message, owed, intents: NO_INTENTS };
}

/** What a step asks for, checked and packed: carrying it out cannot fail any more. */
interface Prepared {
  readonly messages: readonly { readonly to: Ref; readonly message: Message; readonly child?: Newborn }[];
  readonly trailer: Uint8Array | undefined;
}

/** An actor that a step brings to life. */
export interface Newborn {
  readonly definition: Definition;
  /** Whoever lived at its address before. */
  readonly earlier: Cell | undefined;
}

/** Takes one message for an actor that is in memory. */
export function takeTurn(runtime: Runtime, cell: Cell, message: Message): void {
  if (isLate(cell, message)) return drop(runtime, cell, message);
  if (message.birth !== undefined) return bear(runtime, cell, message, message.birth);
  if (message.event.type === FAIL) return failed(runtime, cell, message);
  if (message.event.type === UP && cell.down?.why === 'crash' && !restored(runtime, cell, message)) return;
  try {
    step(runtime, cell, message, runtime.clock.now());
  } catch {
    stepThrew(runtime, cell, message);
  }
}

/** Takes the message once more; what it throws comes through. */
export function step(runtime: Runtime, cell: Cell, message: Message, at: number): void {
  beginRecord(cell, message.cause, message.reply?.trace);
  const outcome = runStep(runtime, cell, message.event, at);
  // XState's word for it: a child's error that nobody handles, a promise that was rejected.
  if (outcome.snapshot.status === 'error' && !cell.ended && message.birth === undefined) {
    if (wentDown(runtime, cell, message, outcome.snapshot.error, at)) return;
  }
  if (!cell.definition.isHouse) checkState(runtime, cell, outcome.snapshot);
  apply(runtime, cell, message, at, outcome, prepare(runtime, cell, message, at, outcome));
}

/** Takes the first message of a life. If it throws, the life before is the last. */
function bear(runtime: Runtime, cell: Cell, message: Message, birth: Birth): void {
  const at = runtime.clock.now();
  // A child that cannot be born has a life all the same: one that has failed.
  const before = birth.parent === undefined ? stateBefore(cell) : undefined;
  beginLife(runtime, cell, { life: message.life, at }, { birth: pinned(runtime, birth) });
  try {
    step(runtime, cell, message, at);
    if (birth.since !== undefined) runtime.metrics.restarts++;
  } catch (error) {
    Object.assign(cell, before);
    birthThrew(runtime, cell, message, error);
  }
}

/** What a life that could not begin must leave as it was. */
const OF_A_LIFE = [
  ...['birth', 'definition', 'life', 'lives', 'since', 'bornAt', 'bornSeq', 'snapshot', 'booked'],
  ...['attempt', 'timers', 'ref', 'down'],
] as (keyof Cell)[];

function stateBefore(cell: Cell): Partial<Cell> {
  return Object.fromEntries(OF_A_LIFE.map((field) => [field, cell[field]]));
}

// ---- too late -----------------------------------------------------------------------------------------------------

function isLate(cell: Cell, message: Message): boolean {
  const { life, birth, cause, event } = message;
  if (birth !== undefined) return life <= cell.life;
  if (life < cell.since || life > cell.life || cell.snapshot === undefined || cell.ended) return true;
  return cause !== undefined && cause.kind === 'actor' && isStaleReport(cell, event, cause);
}

/**
 * Whether a child reports the end or the state of a life that its parent has followed by another one. A report of a child
 * that the parent has only left since is still taken, as in XState: it was sent while the parent had the child.
 */
function isStaleReport(
  cell: Cell,
  event: AnyEventObject,
  { actor, life }: { actor: number; life: number },
): boolean {
  const id = reportedChild(event);
  const { children = {} } = cell.snapshot!;
  const child = id !== undefined && Object.hasOwn(children, id) ? children[id] : undefined;
  return child !== undefined && (child.actor !== actor || child.life !== life);
}

function reportedChild(event: AnyEventObject): string | undefined {
  const { type } = event;
  if (!type.startsWith('xstate.')) return undefined;
  if (type.startsWith('xstate.done.actor.')) return type.slice('xstate.done.actor.'.length);
  if (type.startsWith('xstate.error.actor.')) return type.slice('xstate.error.actor.'.length);
  if (type.startsWith('xstate.snapshot.')) return type.slice('xstate.snapshot.'.length);
  return undefined;
}

function drop(runtime: Runtime, cell: Cell, message: Message): void {
  if (message.noted) {
    noteTaken(runtime.ledger, runtime.codec, cell.actor, message.cause!);
    runtime.population.markDirty(cell);
    runtime.committer.request();
  }
  if (beginsAnewWithParent(runtime, cell, message)) return;
  runtime.supervision.dropped(cell, message);
  if (message.reply === undefined) return;
  const refusal = new ActorEnded(cell.address, cell.snapshot?.status ?? 'gone');
  // What the house asks for is no call from outside.
  if (message.cause?.kind !== 'system') runtime.refusals.note('send', cell.address, refusal, message.event);
  message.reply.reject(refusal);
}

// ---- the step -----------------------------------------------------------------------------------------------------

/** Runs the step in its moment. @throws Nondeterminism, StepFailed */
function runStep(runtime: Runtime, cell: Cell, event: AnyEventObject, at: number): Outcome {
  const { environment } = runtime;
  environment.begin();
  for (;;) {
    let outcome: Outcome | undefined;
    let thrown: unknown;
    enter(at, cell.bornAt, runtime.clock.randomSeed);
    try {
      outcome = stepOf(cell, event, environment);
    } catch (error) {
      thrown = error;
    } finally {
      leave();
    }
    // It looked at something that is not there, an actor that sleeps. Steps are pure, so it is got, and the step run again.
    if (environment.missing !== undefined) {
      environment.missing();
      environment.beginAgain();
      continue;
    }
    const violation = violationOfLast();
    if (violation !== undefined) {
      throw new Nondeterminism(cell.address, event.type, cell.snapshot?.value, violation.api, violation.fix);
    }
    if (outcome === undefined) throw new StepFailed(cell.address, event.type, cell.snapshot?.value, thrown);
    // A machine whose very first step throws says so in its snapshot.
    if (cell.snapshot === undefined && outcome.snapshot.status === 'error') {
      throw new StepFailed(cell.address, event.type, undefined, outcome.snapshot.error);
    }
    return outcome;
  }
}

/** A state that could not be stored is refused in the step that makes it. Only what has changed is looked at. */
function checkState({ codec }: Runtime, { definition, snapshot: before }: Cell, after: AnySnapshot): void {
  if (definition.host.kind === 'machine') {
    if (after.context !== before?.context) codec.inspectChange(after.context, before?.context, 'context');
    if (after.status === 'done') codec.inspect(after.output, 'output');
    return;
  }
  const old = (before ?? {}) as Record<string, unknown>;
  const fields = after as unknown as Record<string, unknown>;
  for (const key in fields) codec.inspectChange(fields[key], old[key], key);
}

// ---- preparing ----------------------------------------------------------------------------------------------------

/**
 * Checks and packs everything that the step asks for.
 * @throws NotSerialisable, MailboxFull; then nothing has happened
 */
function prepare(runtime: Runtime, cell: Cell, message: Message, at: number, outcome: Outcome): Prepared {
  const { intents } = outcome;
  const { cause, reply, birth } = message;
  const reads = runtime.environment.reads;
  const seed = seedOfLast();
  const ends = outcome.snapshot.status !== 'active';
  if (
    intents.length === 0 &&
    cause === undefined &&
    reply?.id === undefined &&
    reply?.trace === undefined &&
    reply?.warrant === undefined &&
    reads === undefined &&
    seed === undefined &&
    !ends
  ) {
    return NOTHING;
  }
  const newborns = intents.length === 0 ? undefined : bearChildren(runtime, cell, intents);
  const messages = intents.length === 0 ? NO_MESSAGES : prepareMessages(runtime, cell, intents, newborns);
  const told = intents.length === 0 ? undefined : tellIntents(intents, at);
  const trailer = {
    cause,
    id: reply?.id,
    trace: reply?.trace,
    warrant: reply?.warrant,
    intents: told,
    reads,
    seed,
    birth: birth && cell.birth,
    ends,
  };
  return { messages, trailer: packTrailer(runtime.codec, trailer) };
}

const NO_MESSAGES: Prepared['messages'] = [];
const NOTHING: Prepared = { messages: NO_MESSAGES, trailer: undefined };

/** Finds numbers and lives for the children of a step, so that references to them can be packed. */
function bearChildren(
  runtime: Runtime,
  cell: Cell,
  intents: readonly Intent[],
): Map<Ref, Newborn> | undefined {
  let newborns: Map<Ref, Newborn> | undefined;
  for (const intent of intents) {
    if (intent.kind !== 'spawn') continue;
    const { ref } = intent;
    const definition = cell.definition.child(ref.src);
    if (definition === undefined) throw new Error(`the actor source '${ref.src}' is not implemented`);
    for (const other of newborns?.keys() ?? []) {
      if (other.address === ref.address) throw new Error(`two children with the id '${ref.id}' in one step`);
    }
    const name = cell.mayHaveBorne(ref.id) ? runtime.population.nameOf(ref.address) : undefined;
    const earlier = name && runtime.population.load(name.actor, ref.address);
    ref.bear(name?.actor ?? runtime.ledger.nextActor++, (earlier?.lives ?? 0) + 1);
    (newborns ??= new Map()).set(ref, { definition, earlier });
  }
  return newborns;
}

function prepareMessages(
  runtime: Runtime,
  cell: Cell,
  intents: readonly Intent[],
  newborns: ReadonlyMap<Ref, Newborn> | undefined,
): Prepared['messages'] {
  const { events } = runtime;
  const messages: { to: Ref; message: Message; child?: Newborn }[] = [];
  for (let index = 0; index < intents.length; index++) {
    const intent = intents[index]!;
    switch (intent.kind) {
      case 'send': {
        const { to } = intent;
        // To a child that was made and stopped within this step.
        if (to.actor === UNBORN) continue;
        runtime.delivery.assertRoom(to, messages);
        const { event, packed } = events.prepare(intent.event);
        messages.push({ to, message: new Message(event, packed, to.life, causeOf(cell, index)) });
        break;
      }
      case 'spawn': {
        const { ref, input } = intent;
        const child = newborns!.get(ref)!;
        const { event, packed } = events.prepareHolder({ type: 'xstate.init', input });
        const birth = birthOf(cell, ref, child.definition, child.earlier);
        const message = new Message(event, packed, ref.life, causeOf(cell, index), birth);
        messages.push({ to: ref, message, child });
        break;
      }
      case 'stop': {
        const { event, packed } = events.prepare({ type: 'xstate.stop' });
        const { ref } = intent;
        messages.push({ to: ref, message: new Message(event, packed, ref.life, causeOf(cell, index)) });
        break;
      }
      case 'order':
        messages.push(...ordersToMessages(runtime, cell, intent, index, intents.length));
        break;
      case 'timer':
        // Refused now, where its step can be named, and not when it is due.
        events.check(intent.event);
    }
  }
  return messages;
}

/** What the step that is being taken gives as the cause of its intent's message. */
function causeOf({ actor, seq, life, origin }: Cell, index: number): Cause {
  return { kind: 'actor', actor, seq: seq + 1, index, life, origin };
}

export function birthOf(parent: Cell, ref: Ref, definition: Definition, earlier?: Cell): Birth {
  const fork = forkOfChild(parent, ref, earlier);
  return {
    address: childAddress(parent.address, ref.id),
    path: definition.path,
    parent: [parent.actor, parent.life],
    ...(ref.systemId !== undefined && { systemId: ref.systemId }),
    ...(ref._syncSnapshot && { syncSnapshot: true }),
    ...(definition.isProcess && { process: true }),
    ...(fork !== undefined && { fork }),
  };
}

// ---- applying -----------------------------------------------------------------------------------------------------

function apply(
  runtime: Runtime,
  cell: Cell,
  message: Message,
  at: number,
  outcome: Outcome,
  prepared: Prepared,
): void {
  const { ledger, population, committer } = runtime;
  const { snapshot, intents, booked } = outcome;
  const { event, birth, packed } = message;
  const before = cell.snapshot;
  const bookedBefore = cell.booked;

  population.markDirty(cell);
  if (birth !== undefined && birth.parent === undefined) bearRoot(runtime, cell);
  ledger.record(cell.actor, cell, at, cell.life, packed, prepared.trailer);
  cell.tailBytes += packed.length + (prepared.trailer?.length ?? 0);
  message.packed = RECORDED;
  cell.snapshot = snapshot;
  cell.booked = booked;
  cell.activeAt = runtime.loopTime;
  if (message.reply?.id !== undefined) runtime.delivery.remember(cell, message.reply.id);
  if (message.letter !== undefined) ledger.delete(deadLetterKey(message.letter));
  message.alongside?.();
  let owed: OwedTurn | undefined;
  if (intents.length > 0 || cell.definition.isProcess || isUrgent(event)) {
    for (const timer of applyToSelf(cell, intents, event, at))
      runtime.timers.add(cell.actor, timer.dueAt, timer);
    owed = owedBy(cell, intents, event, before, bookedBefore);
    if (owed !== undefined) (cell.owed ??= new Map()).set(cell.seq, owed);
    for (const { to, message: sent, child } of prepared.messages) {
      if (child !== undefined) {
        bearChild(runtime, to, child);
        if (child.earlier === undefined) cell.hasBorne(to.id);
      }
      runtime.delivery.deliver(to, sent);
    }
  }
  if (birth?.systemId !== undefined) runtime.systemIds.claim(cell.ref.tree, birth.systemId, cell.ref);
  if (birth?.syncSnapshot === true || cell.ref._syncSnapshot) reportState(runtime, cell, intents.length);
  runtime.supervision.taken(cell, message, intents.length);
  if (snapshot.status !== 'active') end(runtime, cell, intents.length, message);
  committer.add({
    cell,
    snapshot,
    down: cell.down,
    seq: cell.seq,
    life: cell.life,
    frame: cell.frame!,
    message,
    owed,
    // Actions and messages hold on to the state they were made in.
    intents: runtime.inspection?.needsIntents === true ? intents : logsAmong(intents),
  });
  if (isCheckpointDue(cell)) committer.checkpoint(cell);
  if (birth !== undefined && cell.definition.spec.asksOnly && cell.definition.isProcess)
    runtime.processes.beginEarly(cell);
}

/** What is done after the commit, though it is not owed. */
function logsAmong(intents: readonly Intent[]): readonly Intent[] {
  let logs: Intent[] | undefined;
  for (const intent of intents)
    if (intent.kind === 'log' || intent.kind === 'order') (logs ??= []).push(intent);
  return logs ?? NO_INTENTS;
}

function bearRoot(runtime: Runtime, cell: Cell): void {
  const { ledger, codec } = runtime;
  ledger.bear(cell.actor, cell.address);
  ledger.put(nameWitnessKey(cell.address), codec.packAs(0, cell.actor));
  writeName(runtime, cell, cell.seq === 0);
}

/** Makes room for a child's life: its first message follows. */
export function bearChild(runtime: Runtime, ref: Ref, { definition, earlier }: Newborn): void {
  const cell = earlier ?? new Cell(ref.actor, ref.address, definition, ref);
  // The life before may still have its stop to come; the new one begins with its first message.
  cell.lives = ref.life;
  if (earlier !== undefined) return;
  cell.isFirst();
  runtime.population.add(cell);
  writeName(runtime, cell, true);
}

/** Tells the parent of a child with `syncSnapshot` its new state. */
function reportState(runtime: Runtime, cell: Cell, index: number): void {
  if (cell.snapshot!.status !== 'active') return;
  report(runtime, cell, index, runtime.events.snapshotEvent(cell.ref, cell.definition, cell.snapshot!));
}

/** Sends a child's report to its parent, unless the parent has left the child behind. */
function report(runtime: Runtime, cell: Cell, index: number, { event, packed }: PreparedEvent): void {
  const parent = cell.ref._parent;
  if (parent === undefined) return;
  const above = runtime.population.present(parent.actor)?.snapshot;
  if (above !== undefined && !hasChild(above, cell)) return;
  // The parent knows the child by its first life, whatever restarts there were.
  const { actor, seq, since: life, origin } = cell;
  const cause: Cause = { kind: 'actor', actor, seq, index, life, origin };
  runtime.delivery.deliver(parent, new Message(event, packed, parent.life, cause));
}

/** Whether an actor in this state has this child, in this life. */
function hasChild({ children = {} }: AnySnapshot, { actor, since, ref }: Cell): boolean {
  // `spawnChild` without an id gives the child none among the children.
  const child = children[ref.id] ?? Object.values(children).find((one) => one.actor === actor);
  return child?.life === since;
}

/** An ended actor is checkpointed at once when loading it would otherwise take long. */
const LONG_TAIL_BYTES = 2048;

/** The end of a life: its timers go, its parent is told, and a long story is written down. */
export function end(runtime: Runtime, cell: Cell, index: number, message: Message): void {
  const { status, output, error } = cell.snapshot!;
  const { id, systemId, tree } = cell.ref;
  if (status === 'error') runtime.metrics.crashes++;
  cell.timers = undefined;
  cell.down = undefined;
  if (runtime.supervision.ended(cell, index, message)) return;
  if (systemId !== undefined) runtime.systemIds.release(tree, systemId, cell.ref);
  if (status === 'done') {
    const type = `xstate.done.actor.${id}`;
    report(runtime, cell, index, runtime.events.prepareHolder({ type, output, actorId: id }));
  } else if (status === 'error') {
    const type = `xstate.error.actor.${id}`;
    report(runtime, cell, index, runtime.events.prepareHolder({ type, error, actorId: id }));
  }
  if (cell.tailBytes > LONG_TAIL_BYTES) runtime.committer.checkpoint(cell);
}

const MIN_TAIL_BYTES = 4 << 10;

/** Often enough that loading an actor stays cheap, seldom enough that it costs little: see docs/internals.md. */
function isCheckpointDue(cell: Cell): boolean {
  const isOld = cell.seq - cell.checkpointedSeq >= cell.definition.spec.checkpointEvery;
  return (isOld && !isAtWork(cell)) || cell.tailBytes > Math.max(MIN_TAIL_BYTES, 4 * cell.checkpointBytes);
}

/** A supervisor in the middle of many stops and starts: its state is large, and each of them changes little of it. */
function isAtWork({ definition, snapshot }: Cell): boolean {
  return definition.isSupervisor && (snapshot!.context as SupervisorState).work.length > 0;
}
