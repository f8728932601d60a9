/**
 * A shadow: an agent that is tried beside others, without any effect on what they do. Tasks hand their questions on to it and, later,
 * the answers of those that they have chosen; it never answers them. Each question is a child of its own (`comparison.ts`); this
 * machine counts, and keeps the last comparisons.
 */
import { assign, enqueueActions, setup } from 'xstate';
import type { AnyActorLogic } from 'xstate';
import { comparison } from './comparison.ts';
import type { Compared, ShadowAnswer, ShadowAsk, Side } from './comparison.ts';

/** The sums of all comparisons. */
export interface ShadowTotals {
  /** Questions that were handed on. */
  readonly asked: number;
  /** Of those, how many were not put to it: too many were under way. */
  readonly missed: number;
  /** How many had two outputs, and in how many these were equal where that counts. */
  readonly compared: number;
  readonly equal: number;
  /** By whom there was no output. */
  readonly shadowFaults: number;
  readonly chosenFaults: number;
  /** In micro-units, and ms: of those that were compared. */
  readonly shadowCost: number;
  readonly chosenCost: number;
  readonly shadowMs: number;
  readonly chosenMs: number;
}

/** One of the last, without its outputs: those are in the journal of its own actor. */
export interface Kept extends Omit<Compared, 'chosen' | 'shadow'> {
  /** The address of its own actor, below that of the shadow. */
  readonly id: string;
  readonly chosen: Omit<Side, 'output'> | undefined;
  readonly shadow: Omit<Side, 'output'>;
}

export interface ShadowContext {
  readonly totals: ShadowTotals;
  readonly recent: readonly Kept[];
  /** The children that are under way, by ticket. */
  readonly open: Readonly<Record<string, string>>;
}

const MOST_OPEN = 200;
const MOST_RECENT = 50;

const NONE: ShadowTotals = {
  ...{ asked: 0, missed: 0, compared: 0, equal: 0, shadowFaults: 0, chosenFaults: 0 },
  ...{ shadowCost: 0, chosenCost: 0, shadowMs: 0, chosenMs: 0 },
};

/**
 * @param ask takes an `Asking`, gives an `Answer`
 * @param asActor what its comparisons are hosted as
 */
export function shadow(
  ask: AnyActorLogic,
  asActor: (logic: AnyActorLogic) => AnyActorLogic = (logic) => logic,
) {
  return setup({
    types: { context: {} as ShadowContext, events: {} as ShadowAsk | ShadowAnswer },
    actors: { comparison: asActor(comparison(ask)) },
    guards: {
      'has come before': ({ context: { open }, event }) =>
        'ticket' in event && Object.hasOwn(open, event.ticket),
      'is busy': ({ context: { open } }) => Object.keys(open).length >= MOST_OPEN,
    },
    actions: {
      begin: enqueueActions(({ context: { totals, open }, event, enqueue }) => {
        if (event.type !== 'shadow.ask') return;
        const id = String(totals.asked + 1);
        enqueue.assign({
          totals: { ...totals, asked: totals.asked + 1 },
          open: { ...open, [event.ticket]: id },
        });
        enqueue.spawnChild('comparison', { id, input: event });
      }),
      miss: assign({
        totals: ({ context: { totals } }) => ({
          ...totals,
          asked: totals.asked + 1,
          missed: totals.missed + 1,
        }),
      }),
      handOn: enqueueActions(({ context: { open }, event, enqueue }) => {
        if (event.type === 'shadow.answer') enqueue.sendTo(open[event.ticket]!, event);
      }),
      keep: enqueueActions(({ context, event, enqueue }) => {
        if (!('actorId' in event)) return;
        const id = event.actorId as string;
        enqueue.stopChild(id);
        const open = Object.fromEntries(Object.entries(context.open).filter(([, child]) => child !== id));
        if (!('output' in event)) return enqueue.assign({ open });
        const compared = event.output as Compared;
        const kept = {
          ...compared,
          id,
          chosen: withoutOutput(compared.chosen),
          shadow: withoutOutput(compared.shadow),
        };
        enqueue.assign({
          open,
          totals: counted(context.totals, compared),
          recent: [...context.recent, kept].slice(-MOST_RECENT),
        });
      }),
    },
  }).createMachine({
    id: 'shadow',
    context: { totals: NONE, recent: [], open: {} },
    on: {
      'shadow.ask': [
        { guard: 'has come before' },
        { guard: 'is busy', actions: 'miss' },
        { actions: 'begin' },
      ],
      'shadow.answer': { guard: 'has come before', actions: 'handOn' },
      'xstate.done.actor.*': { actions: 'keep' },
      'xstate.error.actor.*': { actions: 'keep' },
    },
  });
}

function withoutOutput<TSide extends Side | undefined>(side: TSide): TSide {
  if (side === undefined) return side;
  const { output: _, ...rest } = side;
  return rest as TSide;
}

function counted(totals: ShadowTotals, { chosen, shadow: own, differs }: Compared): ShadowTotals {
  const faults = {
    ...totals,
    shadowFaults: totals.shadowFaults + (own.fault === undefined ? 0 : 1),
    chosenFaults: totals.chosenFaults + (chosen?.fault === undefined ? 0 : 1),
  };
  if (differs === undefined || chosen === undefined) return faults;
  return {
    ...faults,
    compared: totals.compared + 1,
    equal: totals.equal + (differs.length === 0 ? 1 : 0),
    shadowCost: totals.shadowCost + (own.cost ?? 0),
    chosenCost: totals.chosenCost + (chosen.cost ?? 0),
    shadowMs: totals.shadowMs + own.durationMs,
    chosenMs: totals.chosenMs + chosen.durationMs,
  };
}
