/**
 * The roster of absences: who is away, from when until when, and who stands in for them. One durable statechart for all of a system,
 * so that what is declared can be held against all that stands.
 *
 *     times      sees to it that absences begin and end when they should, also when nobody was there at the time
 *     claims     when one begins, lets go of the reviews that whoever is away had claimed: by a process, until it has been done
 *
 * Whoever is away is away when it says so, and not when a clock does: what follows from that follows from its record. It owns no
 * right: that a deputy may decide about anything is for the decider to say.
 */
import { assign, enqueueActions, fromPromise, setup } from 'xstate';
import { LONGEST_DELAY_MS } from '../permits/stopwatch.ts';
import { requestOf } from '../review/request.ts';
import { rulingOn, standInOf } from './rules.ts';
import type { Roster } from './rules.ts';
import type { Absence, AbsenceAnswer, AbsenceEvent, AbsenceNews } from './words.ts';

export interface RosterContext extends Roster {
  /** To the last message. */
  readonly answer: AbsenceAnswer | undefined;
  /** Those that have begun, and whose claims are still to be let go. */
  readonly holding: readonly Absence[];
}

/** Whose claims are to be let go. */
export interface Releasing {
  readonly people: readonly Leaving[];
}

export interface Leaving {
  /** The id of the absence. */
  readonly absence: string;
  readonly person: string;
  readonly standIn?: string;
}

/** When letting go has failed, it is tried again. */
const AGAIN_MS = 60_000;

/** Gives the ids of the absences for which it has done so. Where there are no reviews there is nothing to let go. */
const nobodyReleases = fromPromise<readonly string[], Releasing>(async ({ input: { people } }) =>
  people.map(({ absence }) => absence),
);

const machine = setup({
  types: {
    context: {} as RosterContext,
    events: {} as AbsenceEvent,
    emitted: {} as AbsenceNews,
  },
  // Given by the system, which knows where reviews are.
  actors: { release: nobodyReleases },
  guards: {
    isRefused: ({ context, event }) => !rulingOn(context, event, Date.now()).isTaken,
    isDue: ({ context }) => nextTimeOf(context.absences) <= Date.now(),
    isWaiting: ({ context }) => nextTimeOf(context.absences) < Infinity,
    isHolding: ({ context }) => context.holding.length > 0,
  },
  actions: {
    take: enqueueActions(({ context, event, enqueue }) => {
      const ruling = rulingOn(context, event, Date.now());
      // It was ruled on before: nobody comes here with one that is refused.
      if (!ruling.isTaken) return;
      const { absence, absences } = ruling;
      const { ask, type, by } = event;
      const request = requestOf(event);
      const count = type === 'absence.declare' ? context.count + 1 : context.count;
      const holding = context.holding.filter(({ id }) => absences.some((one) => one.id === id));
      enqueue.assign({
        absences,
        count,
        holding,
        answer: { ask, request, type, by, isTaken: true, absence },
      });
      const { person, from } = absence;
      if (type === 'absence.declare') enqueue.emit({ type: 'absence.declared', from, ...toldOf(absence) });
      else if (absence.isAway) enqueue.emit({ type: 'absence.ended', person, by });
      else enqueue.emit({ type: 'absence.cancelled', person, by });
    }),
    refuse: enqueueActions(({ context, event, enqueue }) => {
      const ruling = rulingOn(context, event, Date.now());
      if (ruling.isTaken) return;
      const { ask, type, by } = event;
      const { reason, detail } = ruling;
      enqueue.assign({
        answer: { ask, request: requestOf(event), type, by, isTaken: false, reason, detail },
      });
      enqueue.emit({ type: 'absence.refused', what: type, reason });
    }),
    turn: enqueueActions(({ context: { absences, holding }, enqueue }) => {
      const at = Date.now();
      const standing = absences.filter(({ until }) => until > at);
      const begun = standing.filter(({ isAway, from }) => !isAway && from <= at);
      enqueue.assign({
        absences: standing.map((one) => (begun.includes(one) ? { ...one, isAway: true } : one)),
        holding: [...holding, ...begun],
      });
      for (const absence of begun) enqueue.emit({ type: 'absence.began', ...toldOf(absence) });
      for (const { person, isAway, until } of absences)
        if (isAway && until <= at) enqueue.emit({ type: 'absence.ended', person });
    }),
  },
  delays: {
    nextTime: ({ context }) =>
      // A long delay is taken in parts; and the clock may have been set.
      Math.min(Math.max(0, nextTimeOf(context.absences) - Date.now()), LONGEST_DELAY_MS),
    again: AGAIN_MS,
  },
}).createMachine({
  id: 'absences',
  context: { absences: [], count: 0, answer: undefined, holding: [] },
  type: 'parallel',
  on: {
    'absence.declare': [
      { guard: 'isRefused', actions: 'refuse' },
      { target: '.times.looking', actions: 'take' },
    ],
    'absence.cancel': [
      { guard: 'isRefused', actions: 'refuse' },
      { target: '.times.looking', actions: 'take' },
    ],
  },
  states: {
    times: {
      initial: 'looking',
      states: {
        looking: {
          always: [
            { guard: 'isDue', target: 'looking', reenter: true, actions: 'turn' },
            { guard: 'isWaiting', target: 'waiting' },
            { target: 'still' },
          ],
        },
        waiting: { after: { nextTime: 'looking' } },
        still: {},
      },
    },
    claims: {
      initial: 'released',
      states: {
        released: { always: { guard: 'isHolding', target: 'releasing' } },
        releasing: {
          invoke: {
            src: 'release',
            id: 'release',
            input: ({ context }) => releasingOf(context),
            onDone: {
              target: 'released',
              // Another may have begun meanwhile.
              actions: assign({
                holding: ({ context, event }) =>
                  context.holding.filter(({ id }) => !event.output.includes(id)),
              }),
            },
            onError: 'waiting',
          },
        },
        waiting: { after: { again: 'releasing' } },
      },
    },
  },
});

export type RosterMachine = typeof machine;

/** The roster: host it as `absences`. Who lets go of claims is given by `provide({ actors: { release } })`. */
export const roster: RosterMachine = machine;

function releasingOf({ absences, holding }: RosterContext): Releasing {
  const people = holding.map(({ id, person }) => {
    const standIn = standInOf(absences, person);
    return { absence: id, person, ...(standIn !== undefined && { standIn }) };
  });
  return { people };
}

/** When the next of them begins or ends. */
function nextTimeOf(absences: readonly Absence[]): number {
  return Math.min(...absences.map(({ from, until, isAway }) => (isAway ? until : Math.min(from, until))));
}

const toldOf = ({ person, until, deputy }: Absence) => ({
  ...{ person, until },
  ...(deputy !== undefined && { deputy }),
});
