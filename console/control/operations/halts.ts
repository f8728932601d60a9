/**
 * The kill switch: what is halted, halting, and lifting.
 */
import type { Given } from '../given.ts';
import { HALT_KINDS } from '../orchestration.ts';
import type { HaltTarget } from '../orchestration.ts';
import type { Subject } from '../subject.ts';
import { refusal } from '../trouble.ts';
import { once, operation, row, time } from './operation.ts';

export type HaltRow = {
  /** What it is called: `agent:writer`, `all`. */
  readonly key: string;
  readonly target: HaltTarget;
  readonly since: string;
  readonly by?: string;
  readonly reason?: string;
};
export type HaltDecisionRow = Required<Omit<HaltRow, 'since'>> & { readonly did: 'halted' | 'lifted' };

const KINDS = ['all', ...HALT_KINDS] as const;

/** Who decides what about whom. Only `all` has no name. */
const readDecision = (given: Given) => ({
  kind: given.oneOf('kind', KINDS),
  name: given.optionalText('name'),
  by: given.text('by'),
  reason: given.text('reason'),
});

export const haltOperations = {
  halts: operation({
    read: () => ({}),
    async *run(subject) {
      for (const { target, since, by, reason } of (await subject.halts()).list())
        yield row<HaltRow>({ key: keyOf(target), target, since: time(since), by, reason });
    },
  }),

  halt: operation({
    read: readDecision,
    run: (subject, args) => once(() => decide('halted', subject, args)),
  }),
  lift: operation({
    read: readDecision,
    run: (subject, args) => once(() => decide('lifted', subject, args)),
  }),
};

async function decide(
  did: HaltDecisionRow['did'],
  subject: Subject,
  args: ReturnType<typeof readDecision>,
): Promise<HaltDecisionRow> {
  const target = targetOf(args);
  const halts = await subject.halts();
  // The decider is asked for whoever has come through the socket, not for the program that serves it.
  const words = { by: subject.principal ?? args.by, reason: args.reason };
  await (did === 'halted' ? halts.halt(target, words) : halts.lift(target, words));
  return { did, key: keyOf(target), target, by: args.by, reason: args.reason };
}

/** @throws Refused */
function targetOf({ kind, name }: ReturnType<typeof readDecision>): HaltTarget {
  if (kind === undefined || (kind === 'all') !== (name === undefined))
    throw refusal('BadRequest', `kind must be all, or one of ${HALT_KINDS.join(', ')} with a name`);
  // Of the one field that it has.
  return kind === 'all' ? 'all' : ({ [kind]: name } as HaltTarget);
}

function keyOf(target: HaltTarget): string {
  if (target === 'all') return target;
  const [[kind, name] = []] = Object.entries(target);
  return `${kind}:${name}`;
}
