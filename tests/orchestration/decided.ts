/**
 * The journal scan: nothing is done that was not decided before. Whatever came from outside, every question to an agent, and every
 * verdict of a person must have its decision in the journal, no later than itself, and that must say what has determined it.
 */
import type { ActorDefinitions, HistoryRecord, System } from 'heddle';
import type { Advice, TaskPermission } from '../../machines/task/words.ts';
import type { ReviewEvent } from '../../machines/review/events.ts';

export interface Scanned {
  readonly violations: readonly string[];
  /** How many effects of each kind had their decisions. */
  readonly counts: Readonly<Record<string, number>>;
}

/** @param system one with a decider, from its beginning */
export async function scanned(system: System<ActorDefinitions>): Promise<Scanned> {
  const violations: string[] = [];
  const counts: Record<string, number> = {};
  for await (const address of system.addresses()) {
    const journal = new JournalScan(address);
    for await (const record of system.history(address)) journal.read(record);
    violations.push(...journal.violations);
    for (const [kind, count] of Object.entries(journal.counts)) counts[kind] = (counts[kind] ?? 0) + count;
  }
  return { violations, counts };
}

type Permission = { readonly effect: string; readonly determining: readonly string[] };

export class JournalScan {
  readonly violations: string[] = [];
  readonly counts: Record<string, number> = {};
  readonly #address: string;
  /** What was advised last, and whom it permits to be asked. */
  #advice: Advice | undefined;

  constructor(address: string) {
    this.#address = address;
  }

  read(record: HistoryRecord): void {
    const { seq, event, cause, decision, intents } = record;
    const isHouse = this.#address.startsWith('heddle/');
    if (cause.kind === 'outside' && !isHouse)
      this.#effect('from outside', seq, decision !== undefined && decision.determining.length > 0);
    if (event.type === 'xstate.done.actor.consult') this.#advice = event['output'] as Advice;
    if (event.type.startsWith('review.')) this.#verdict(seq, event as never);
    if (event.type === 'task.permission')
      this.#effect('tool', seq, isDecided((event as unknown as TaskPermission).permission));
    for (const intent of intents)
      if (intent.kind === 'spawn' && intent.src === 'ask') this.#effect('call', seq, this.#mayAsk());
  }

  #mayAsk(): boolean {
    const { permission } = (this.#advice ?? {}) as { readonly permission?: Permission };
    return permission?.effect === 'permit' && isDecided(permission);
  }

  #verdict(seq: number, { permissions }: ReviewEvent): void {
    this.#effect('review', seq, permissions.length > 0 && permissions.every(isSaid));
  }

  #effect(kind: string, seq: number, isFine: boolean): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    if (!isFine) this.violations.push(`${this.#address}@${seq}: ${kind} without a decision before it`);
  }
}

const isDecided = ({ effect, determining }: Permission): boolean =>
  effect === 'deny' || determining.length > 0;

const isSaid = (permission: Permission & { readonly reasons: readonly string[] }): boolean =>
  permission.effect === 'deny' ? permission.reasons.length > 0 : permission.determining.length > 0;
