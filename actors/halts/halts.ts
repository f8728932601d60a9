/**
 * The kill switch: agents, models, capabilities, tools, tenants, workflows, or everything, told to stand still at once. It owns what a
 * halt is about, and which calls it covers. That it stands, over a crash too, is an order of the runtime; that no call is begun that
 * is covered, and none goes on, the staff sees to.
 *
 * It stops what would have an effect outside: calls of agents, and of tools within them. What is recorded already goes on being
 * recorded, people may decide their reviews, and runs wait where they need somebody who is halted.
 */
import { InvalidArgument } from '../../runtime/index.ts';
import type { Order, Orders, OrderQuestion, Principal } from '../../runtime/index.ts';
import { problemOfCapability, satisfies } from '../agents/capability.ts';

/** What is halted. A capability with all its parts; a workflow with all that runs within it. */
export type HaltTarget = 'all' | { readonly [TKind in HaltKind]: OneOf<TKind> }[HaltKind];
type OneOf<TKind extends HaltKind> = { readonly [TName in TKind]: string };

const KINDS = ['agent', 'model', 'capability', 'tool', 'tenant', 'workflow'] as const;
type HaltKind = (typeof KINDS)[number];

export interface HaltWords {
  /** Who asks for it: whoever is asked for (`{ type: 'user', id: 'ada' }`); or, the program asks, and this is what it says. */
  readonly by?: Principal | string;
  readonly reason: string;
}

export interface Halt {
  readonly target: HaltTarget;
  /** In milliseconds since the epoch. */
  readonly since: number;
  readonly by?: string;
  readonly reason?: string;
}

/** A call, as far as it can be halted. */
export interface HaltableCall {
  readonly agent: string;
  readonly model: string;
  /** What it is asked for, and all by which it could do that; where nothing is, everything it can do. */
  readonly capabilities: readonly string[];
  /** That of the task, and all that its run is within. */
  readonly workflows: readonly string[];
  /** Whose work it is. Null: somebody's, and whose cannot be told. */
  readonly tenants: readonly (string | null)[];
  readonly tool?: string;
}

/** What halts need of a system. */
export interface HaltHost {
  readonly orders: Orders;
  as(principal: Principal): { readonly orders: Orders };
}

export const HALT = 'halt';
const EVERYTHING = 'all';

export class Halts {
  readonly #host: HaltHost;

  /** Use `system.halts`. */
  constructor(host: HaltHost) {
    this.#host = host;
  }

  /**
   * From now on nothing of it is begun, and what runs is aborted; what that answers is not heard any more. Resolves when it is on
   * the disk. Tasks that need it wait, and go on when it is lifted.
   * @throws NotPermitted, InvalidArgument
   */
  async halt(target: HaltTarget, given: HaltWords): Promise<void> {
    const key = keyOf(target);
    const words = wordsOf(given);
    await this.#orders(given).give({ kind: HALT, key, content: target }, words, questionOf('halt', target));
  }

  /** Ends a halt of the same target; others that cover it stay. @throws NotPermitted, InvalidArgument when nothing of that is halted */
  async lift(target: HaltTarget, given: HaltWords): Promise<void> {
    const key = keyOf(target);
    const words = wordsOf(given);
    if (!this.#host.orders.of(HALT).has(key)) {
      const known = [...this.#host.orders.of(HALT).keys()].join(', ') || 'nothing';
      throw new InvalidArgument('target', `is not halted by itself: ${known} is`);
    }
    await this.#orders(given).withdraw({ kind: HALT, key }, words, questionOf('lift', target));
  }

  /** All of them, longest first. */
  list(): readonly Halt[] {
    return [...this.#host.orders.of(HALT).values()].map(haltOf).sort((a, b) => a.since - b.since);
  }

  #orders({ by }: HaltWords): Orders {
    return typeof by === 'object' ? this.#host.as(by).orders : this.#host.orders;
  }
}

/** The key of the halt that covers a call, and what is to be said of it; undefined when it may be made. */
export function haltOn(
  halts: ReadonlyMap<string, Order>,
  call: HaltableCall,
): { readonly key: string; readonly why: string } | undefined {
  for (const [key, order] of halts) {
    const { target, by, reason } = haltOf(order);
    if (!covers(target, call)) continue;
    const what = target === EVERYTHING ? 'everything' : key.replace(':', ' ');
    return { key, why: `${what} is halted${by === undefined ? '' : ` by ${by}`}: ${reason ?? ''}` };
  }
  return undefined;
}

function covers(target: HaltTarget, call: HaltableCall): boolean {
  if (target === EVERYTHING) return true;
  if ('agent' in target) return target.agent === call.agent;
  if ('model' in target) return target.model === call.model;
  if ('tool' in target) return target.tool === call.tool;
  if ('workflow' in target) return call.workflows.includes(target.workflow);
  // In doubt nothing is done.
  if ('tenant' in target) return call.tenants.includes(null) || call.tenants.includes(target.tenant);
  return call.capabilities.some((capability) => satisfies(capability, target.capability));
}

const haltOf = ({ content, since, by, reason }: Order): Halt => ({
  ...{ target: content as HaltTarget, since },
  ...(by !== undefined && { by }),
  ...(reason !== undefined && { reason }),
});

/** @throws InvalidArgument */
function keyOf(target: unknown): string {
  if (target === EVERYTHING) return EVERYTHING;
  const entries = typeof target === 'object' && target !== null ? Object.entries(target) : [];
  const [kind, name] = entries[0] ?? [];
  const isOne =
    entries.length === 1 &&
    (KINDS as readonly unknown[]).includes(kind) &&
    typeof name === 'string' &&
    name.trim() !== '' &&
    name.isWellFormed();
  if (!isOne)
    throw new InvalidArgument(
      'target',
      `must be 'all', or one of ${KINDS.map((one) => `{ ${one} }`).join(', ')}`,
    );
  const problem = kind === 'capability' ? problemOfCapability(name) : undefined;
  if (problem !== undefined) throw new InvalidArgument('target.capability', problem);
  return `${kind}:${name}`;
}

/** @throws InvalidArgument */
function wordsOf(given: HaltWords | undefined): { readonly by?: string; readonly reason: string } {
  const { by, reason } = given ?? ({} as Partial<HaltWords>);
  if (typeof reason !== 'string' || reason.trim() === '')
    throw new InvalidArgument('reason', 'must say why: it is recorded, and told to whoever waits');
  if (by === undefined) return { reason };
  const name: unknown = typeof by === 'object' ? (by as Principal | null)?.id : by;
  if (typeof name !== 'string' || name.trim() === '')
    throw new InvalidArgument('by', "must be a text, or whoever asks for it: { type: 'user', id: 'ada' }");
  return { by: name, reason };
}

/** What the decider is asked: about `agent/clerk`, `tenant/acme`, `system/*`. */
function questionOf(action: string, target: HaltTarget): OrderQuestion {
  if (target === EVERYTHING) return { action, resource: { type: 'system', id: '*' } };
  const [type, id] = Object.entries(target)[0]!;
  return { action, resource: { type, id } };
}
