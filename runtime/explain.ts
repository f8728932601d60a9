/**
 * Explaining: why an actor is where it is, in words. For people; programs look at `tree` and `history`.
 */
import type { Cell } from './cell.ts';
import { HeddleError, messageOf, UnknownActor } from './errors.ts';
import { isHeldBack } from './forked-effects.ts';
import { rootOf } from './kernel/address.ts';
import type { Runtime } from './runtime.ts';
import type { ChildState, SupervisorState } from './supervision/words.ts';

/**
 * Some sentences, one a line: whether it runs and since when, what it waits for, how it failed, who decides about it and
 * what that one has decided, and what of it lies among the dead letters.
 * @throws UnknownActor when nobody ever lived there
 */
export async function explain(runtime: Runtime, address: string): Promise<string> {
  runtime.assertOpen();
  const name = runtime.population.nameOf(address);
  if (name === undefined) throw new UnknownActor(address, 'nobody ever lived there');
  let cell: Cell;
  try {
    cell = runtime.population.load(name.actor, address);
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    return `${address} is refused: ${error.message}`;
  }
  // What is told here may be passed on: only what is on the disk.
  if (cell.undurable > 0) await runtime.committer.durable();
  const lines = cell.definition.isSupervisor ? aboutSupervisor(cell) : aboutActor(runtime, cell);
  lines.push(...aboutHold(cell), ...aboutPause(runtime, cell));
  let letters = 0;
  for await (const letter of runtime.deadLetters.list({ address })) {
    letters++;
    if (letters > MAX_LETTERS) continue;
    const what =
      letter.reason === 'step' ? `the event '${letter.event!.type}'` : `the action '${letter.action}'`;
    lines.push(
      `Dead letter ${letter.id}: ${what} failed at ${time(letter.at)}: ${messageOf(causeOf(letter.error))}.`,
    );
  }
  if (letters > MAX_LETTERS) lines.push(`There are ${letters - MAX_LETTERS} more dead letters of it.`);
  return lines.join('\n');
}

const MAX_LETTERS = 5;

function aboutActor(runtime: Runtime, cell: Cell): string[] {
  const lines = [whereItStands(cell)];
  const { supervision } = runtime;
  const owner = supervision.roster.ownerOf(cell);
  if (owner !== undefined) {
    const state = owner.supervisor.snapshot!.context as SupervisorState;
    const child = state.children.find(({ declaration }) => declaration.id === owner.child.id);
    lines.push(...aboutChild(owner.supervisor.address, owner.child.restart, child, cell));
  }
  const reason = supervision.stayingDown.whyStaysDown(cell);
  if (reason !== undefined) lines.push(`It will not come up by itself: ${reason}.`);
  // A process that is held back waits for nothing else: see aboutHold.
  if (!cell.ended && !(cell.definition.isProcess && isHeldBack(cell)))
    lines.push(...whatItWaitsFor(runtime, cell));
  return lines;
}

function whereItStands(cell: Cell): string {
  const { address, snapshot, down, held, paused, seq, life } = cell;
  const state = snapshot?.value === undefined ? '' : ` in state ${JSON.stringify(snapshot.value)}`;
  const record = `record ${seq}${life > 1 ? `, life ${life}` : ''}`;
  if (snapshot === undefined) return `${address} is being born.`;
  switch (snapshot.status) {
    case 'done':
      return `${address} is done since ${record}.`;
    case 'stopped':
      return `${address} was stopped in ${record}.`;
    case 'error':
      return `${address} failed in ${record}: ${messageOf(causeOf(snapshot.error))}.`;
  }
  if (down?.why === 'crash') {
    const child = down.child === undefined ? '' : ` its child '${down.child}' failed:`;
    const up = down.upAt === undefined ? '' : ` It is restarted at ${time(down.upAt)}.`;
    return `${address} is down${state} since record ${down.seq} at ${time(down.at)}:${child} ${messageOf(causeOf(down.error))}.${up}`;
  }
  if (down !== undefined)
    return `${address} is down${state}: it was halted in record ${down.seq} at ${time(down.at)}.`;
  if (held) return `${address} is down${state}: its supervisor does not run.`;
  return `${address} ${paused === undefined ? 'runs' : 'is paused'}${state} (${record}).`;
}

function aboutHold(cell: Cell): string[] {
  if (cell.ended || !isHeldBack(cell)) return [];
  const root = rootOf(cell.address);
  return [
    `What it does to the world is held, as that of a fork or an import: system.perform('${root}') lets it happen.`,
  ];
}

function aboutPause({ pauses }: Runtime, { address }: Cell): string[] {
  const pause = pauses.of(address);
  if (pause === undefined) return [];
  const { target, since, by, reason } = pause;
  const what =
    target === undefined ? 'Everything' : 'name' in target ? `Every '${target.name}'` : target.address;
  const who = by === undefined ? '' : ` by ${by}`;
  const why = reason === undefined ? '' : `, because: ${reason}`;
  return [`${what} is paused since ${time(since)}${who}${why}. It goes on when that is resumed.`];
}

function aboutChild(
  supervisor: string,
  restart: string,
  child: ChildState | undefined,
  { ref }: Cell,
): string[] {
  const lines = [
    `It is a ${restart} child of ${supervisor}${child === undefined ? '' : `, which says it is ${child.phase}`}.`,
  ];
  if (child?.phase === 'restarting' && child.restartAt !== undefined)
    lines.push(`It is restarted at ${time(child.restartAt)}.`);
  if (child === undefined || child.restarts === 0) return lines;
  const times = child.restarts === 1 ? 'once' : `${child.restarts} times`;
  const because =
    child.because === undefined || child.because === ref.id ? 'it failed' : `'${child.because}' failed`;
  lines.push(`It was restarted ${times}, last at ${time(child.startedAt)} because ${because}.`);
  if (child.exit !== undefined) {
    const error = child.exit.error === undefined ? '' : `: ${messageOf(causeOf(child.exit.error))}`;
    lines.push(`Its last end was a ${child.exit.reason} at ${time(child.exit.at)}${error}.`);
  }
  return lines;
}

function whatItWaitsFor(runtime: Runtime, cell: Cell): string[] {
  const waits: string[] = [];
  const messages = cell.mailbox?.size ?? 0;
  if (messages > 0) waits.push(`${messages} message${messages === 1 ? '' : 's'} in its mailbox`);
  const timers = [...(cell.timers?.values() ?? [])].sort((a, b) => a.dueAt - b.dueAt);
  if (timers[0] !== undefined) waits.push(`'${timers[0].event.type}' at ${time(timers[0].dueAt)}`);
  if (runtime.processes.isAround(cell.actor)) waits.push(`its work (attempt ${cell.attempt})`);
  const children = Object.values(cell.snapshot?.children ?? {}).map(({ id }) => `'${id}'`);
  if (children.length > 0)
    waits.push(`its child${children.length === 1 ? '' : 'ren'} ${children.join(', ')}`);
  if (cell.owed !== undefined) waits.push('actions that are not done');
  return waits.length === 0 ? ['It waits for an event from outside.'] : [`It waits for ${waits.join('; ')}.`];
}

function aboutSupervisor(cell: Cell): string[] {
  const { phase, restarts, end, declaration, work } = cell.snapshot!.context as SupervisorState;
  const { strategy, intensity, periodMs } = declaration;
  const lines = [
    `${cell.address} is ${phase}: ${strategy}, at most ${intensity} restart${intensity === 1 ? '' : 's'} in ${periodMs} ms. ` +
      `It has made ${restarts}.`,
  ];
  if (end !== undefined) {
    const child = end.child === undefined ? '' : ` because of its child '${end.child}'`;
    const error = end.error === undefined ? '' : `: ${messageOf(causeOf(end.error))}`;
    lines.push(`It ended at ${time(end.at)} (${end.reason})${child}${error}.`);
  }
  const [task] = work;
  if (task !== undefined && 'id' in task) lines.push(`It waits for its child '${task.id}' to ${task.do}.`);
  return lines;
}

/** What the user's code threw, where we have put something around it. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? error.cause : error;
}

const time = (ms: number): string => new Date(ms).toISOString();
