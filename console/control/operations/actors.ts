/**
 * Asking how things are: who is there, how they stand, and why.
 */
import type { ActorNode, QueryOptions, StuckActor, SupervisorNode } from '../../../runtime/index.ts';
import { running, withCode } from '../subject.ts';
import type { AnySystem, Subject } from '../subject.ts';
import type { Json } from '../tagged.ts';
import { troubleOf } from '../trouble.ts';
import { known, once, operation, row, taggedOr, unknownActor } from './operation.ts';

/** An actor in a list. */
export type ActorRow = {
  readonly address: string;
  /** XState's word; `asleep` when it is not in memory. */
  readonly status?: string;
  readonly value?: Json;
  readonly standing?: string;
  readonly mailbox?: number;
  /** Why it cannot be loaded. */
  readonly why?: string;
};

/** An actor, in full. */
export type StateRow = {
  readonly address: string;
  readonly status?: string;
  readonly value?: Json;
  readonly context?: Json;
  readonly output?: Json;
  readonly error?: Json;
  readonly children?: readonly string[];
  readonly standing?: string;
  readonly phase?: string;
  readonly restarts?: number;
  readonly mailbox?: number;
  /** Why it is where it is, in words. */
  readonly why?: string;
};

export type TreeRow = {
  readonly supervisors: readonly TreeNode[];
  readonly actors: readonly TreeNode[];
};
export type TreeNode =
  | (Omit<SupervisorNode, 'end' | 'children'> & {
      readonly end?: string;
      readonly children: readonly TreeNode[];
    })
  | (Omit<ActorNode, 'value' | 'standing' | 'children'> & {
      readonly value?: Json;
      /** `closed`: nobody moves, because the store was opened to be looked at. */
      readonly standing: ActorNode['standing'] | 'closed';
      readonly children: readonly TreeNode[];
    });

const STATUSES = ['active', 'done', 'error', 'stopped'] as const;

export const actorOperations = {
  /** Everybody who ever lived. Those that sleep are loaded for their state only when that is asked for, or moves nobody. */
  actors: operation({
    read: (given) => ({ under: given.optionalText('under'), states: given.flag('states') }),
    async *run(subject, { under, states }) {
      const { system } = subject;
      const awake = new Map([...flattened(treeOf(subject))].map((node) => [node.address, node]));
      for await (const address of system.addresses(known({ under }))) {
        const node = awake.get(address);
        if (node !== undefined && !(node.kind === 'actor' && node.status === 'absent'))
          yield nodeAsActor(node);
        else if (subject.hasCode && (states || !subject.isRunning)) yield sleeperRow(system, address);
        else yield row<ActorRow>({ address, status: 'asleep' });
      }
    },
  }),

  /** The actors of a name, by their state. Those that are loaded for it go to sleep again. */
  query: operation({
    read: (given) => ({
      name: given.text('name'),
      state: given.json('state'),
      status: given.oneOf('status', STATUSES),
      under: given.optionalText('under'),
      limit: given.optionalWhole('limit'),
    }),
    async *run(subject, { state, ...options }) {
      // What makes no sense, the system refuses.
      const wanted = { ...known(options), ...(state !== undefined && { state }) } as QueryOptions<string>;
      for await (const { address } of withCode(subject, 'query').query(wanted))
        yield sleeperRow(subject.system, address);
    },
  }),

  /** Who supervises whom, and how they are. */
  tree: operation({
    read: () => ({}),
    run: (subject) =>
      once(() => {
        // Of a closed store everybody is asleep, and nothing moves when they are woken.
        return subject.isRunning || !subject.hasCode ? treeOf(subject) : treeOfAll(subject);
      }),
  }),

  /** One actor, in full. */
  state: operation({
    read: (given) => ({ address: given.text('address') }),
    run: (subject, { address }) => once(() => stateRow(subject, address)),
  }),

  explain: operation({
    read: (given) => ({ address: given.text('address') }),
    run: (subject, { address }) => once(async () => ({ address, why: await whyOf(subject, address) })),
  }),

  /** Actors that nothing will ever move. */
  stuck: operation({
    read: () => ({}),
    async *run(subject) {
      for await (const { value, ...actor } of running(subject, 'stuck').stuck())
        yield row<Omit<StuckActor, 'value'> & { readonly value?: Json }>({
          ...actor,
          value: taggedOr(value),
        });
    },
  }),
};

// ---- lists and trees ----------------------------------------------------------------------------------------------

function nodeAsActor(node: TreeNode): ActorRow {
  if (node.kind === 'supervisor') return row<ActorRow>({ address: node.address, standing: node.phase });
  const { address, status, value, standing, mailbox } = node;
  return row<ActorRow>({ address, status, value, standing, mailbox });
}

/** An actor that is loaded to be looked at. */
function sleeperRow(system: AnySystem, address: string): ActorRow {
  try {
    const { status, value } = system.get(address)!.getSnapshot() as unknown as SnapshotFields;
    return row<ActorRow>({ address, status: String(status), value: taggedOr(value) });
  } catch (error) {
    const { code, message } = troubleOf(error);
    if (!REFUSALS.has(code)) throw error;
    return { address, standing: 'refused', why: message };
  }
}

function* flattened({ supervisors, actors }: TreeRow): Generator<TreeNode> {
  for (const node of [...supervisors, ...actors]) {
    yield node;
    yield* flattened({ supervisors: node.children, actors: [] });
  }
}

function nodeRow(node: SupervisorNode | ActorNode, isRunning: boolean): TreeNode {
  const children = node.children.map((child) => nodeRow(child, isRunning));
  if (node.kind === 'supervisor') return row<TreeNode>({ ...node, children });
  // That all are paused because we have opened it is no news.
  const standing = isRunning || node.standing !== 'paused' ? node.standing : 'closed';
  return row<TreeNode>({ ...node, standing, value: taggedOr(node.value), children });
}

function treeOf({ system, isRunning }: Subject): TreeRow {
  const { supervisors, actors } = system.tree().get().context;
  return {
    supervisors: supervisors.map((node) => nodeRow(node, isRunning)),
    actors: actors.map((node) => nodeRow(node, isRunning)),
  };
}

async function treeOfAll(subject: Subject): Promise<TreeRow> {
  for await (const address of subject.system.addresses()) sleeperRow(subject.system, address);
  return treeOf(subject);
}

function nodeAt(subject: Subject, address: string): TreeNode | undefined {
  for (const node of flattened(treeOf(subject))) if (node.address === address) return node;
  return undefined;
}

/** What there is to say of an actor that the system can load; of one that it cannot, why. */
async function stateRow(subject: Subject, address: string): Promise<StateRow> {
  const { system } = subject;
  const why = await whyOf(subject, address);
  const node = nodeAt(subject, address);
  const about = { address, why, ...standingOf(node) };
  let snapshot: SnapshotFields;
  try {
    const ref = system.get(address);
    if (ref === undefined) throw unknownActor(address);
    snapshot = ref.getSnapshot();
  } catch (error) {
    const { code } = troubleOf(error);
    if (!REFUSALS.has(code)) throw error;
    return subject.hasCode ? { ...about, standing: 'refused' } : about;
  }
  return row<StateRow>({ ...about, ...snapshotFields(snapshot) });
}

/** Why an actor is where it is; without its code there is only a journal. */
async function whyOf({ system, hasCode, isRunning, location }: Subject, address: string): Promise<string> {
  if (hasCode || HOUSE.test(address)) {
    const why = await system.explain(address);
    return isRunning ? why : withoutOpening(why);
  }
  // Whoever never lived has no journal either.
  for await (const _ of system.history(address, { reverse: true })) break;
  return `its state is told by its code: give it with --actors <file>, or in heddle.config.ts (${location})`;
}

/** Nor is it here. */
function withoutOpening(why: string): string {
  const lines = why.split('\n').filter((line) => !line.startsWith('Everything is paused since '));
  return lines.join('\n').replace(' is paused in state ', ' stands in state ');
}

/** Addresses of actors whose code is in the house. */
const HOUSE = /^(supervisor|schedule|heddle)\//;

export type SnapshotFields = Readonly<
  Record<'status' | 'value' | 'context' | 'output' | 'error' | 'children', unknown>
>;

/** An actor with one of these is there, but cannot be loaded. */
const REFUSALS = new Set(['HEDDLE_JOURNAL_CORRUPT', 'HEDDLE_STORY_CHANGED', 'HEDDLE_UNKNOWN_ACTOR']);

function standingOf(node: TreeNode | undefined): Partial<StateRow> {
  if (node?.kind !== 'actor') return node === undefined ? {} : { phase: node.phase, restarts: node.restarts };
  const { standing, phase, restarts, mailbox } = node;
  return { standing, restarts, mailbox, ...(phase !== undefined && { phase }) };
}

export function snapshotFields({
  status,
  value,
  context,
  output,
  error,
  children,
}: Readonly<Record<string, unknown>>) {
  return {
    status: String(status),
    value: taggedOr(value),
    context: taggedOr(context),
    output: taggedOr(output),
    error: taggedOr(error),
    children: children === undefined ? undefined : Object.keys(children as object),
  };
}
