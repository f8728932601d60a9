/**
 * How a gate gets its options, and how they change while it runs.
 *
 * A hosted gate is restored by telling its records again through today's code. What a deployment has changed in the options
 * of the factory must not change what was decided back then. So nothing that a gate decides comes from the factory:
 *
 *     birth            the factory's options, with those of the input in their place: sent by the gate to itself
 *     permit.begin     … and recorded there, as every message is. From here on it decides
 *     permit.configure changes them: recorded too
 *
 * When the birth is told again the message may say something else; but it is not sent again, and what was recorded
 * is taken. Of what a step sends only the receiver and the type are held against the record. A gate takes what
 * comes before its `permit.begin` when it has begun.
 *
 * This file owns the options of gates and what is said about them. What they mean is up to each gate.
 */
import type { AnyActorRef, AnyEventObject } from 'xstate';
import type { Changes, OptionRules } from '../options.ts';
import { OptionError } from '../options.ts';
import { answer } from './permit.ts';
import type { Enqueue, PermitBegin, PermitConfigured, PermitMisconfigured, PermitRefused } from './permit.ts';

interface WithOptions<TSettled> {
  readonly options: TSettled;
}

/** An event of a gate; of those that have options it is asked what they would be. */
interface MaybeConfigure {
  readonly type: string;
  readonly options?: unknown;
  readonly from?: AnyActorRef | undefined;
}

interface Step<TSettled> {
  readonly context: WithOptions<TSettled>;
  readonly event: MaybeConfigure;
}

type Says<TSettled> = Enqueue<PermitConfigured<TSettled> | PermitMisconfigured>;

/**
 * The options of the gates that a factory makes. XState's types bind an action to the machine that it is an action of; so
 * each gate makes its own of these.
 */
export class Configuring<TOptions extends object, TSettled extends TOptions> {
  readonly #rules: OptionRules<TOptions, TSettled>;
  /** Those of the factory. Only a birth may look at them, and only for what it sends. */
  readonly #defaults: TSettled;

  /** @throws OptionError */
  constructor(rules: OptionRules<TOptions, TSettled>, defaults: TOptions) {
    this.#rules = rules;
    this.#defaults = rules.settle(defaults);
  }

  /**
   * What a gate has until it begins. Looks at each option of the input by itself only: whether they go together depends
   * on the factory, and so it must not decide about a birth that is told again.
   * @throws OptionError
   */
  atBirth(input: Changes<TOptions> | undefined): TSettled {
    if (input !== undefined) this.#rules.checkGiven(input);
    return this.#rules.nothing;
  }

  /** What a gate sends to itself when it is born. */
  beginWith(birth: AnyEventObject): PermitBegin {
    const input = Object.entries((birth['input'] ?? {}) as object);
    const given = Object.fromEntries(input.filter(([, value]) => value !== undefined));
    return { type: 'permit.begin', options: { ...this.#defaults, ...given } };
  }

  /** Guards. `makesNoSense` comes first: the others are for options that do. */
  readonly guards = {
    makesNoSense: (step: Step<TSettled>): boolean => this.#after(step) instanceof OptionError,
    changesNothing: (step: Step<TSettled>): boolean =>
      this.#rules.areSame(step.context.options, this.after(step)),
  };

  /** The options after a `permit.begin` or a `permit.configure` that makes sense. */
  after(step: Step<TSettled>): TSettled {
    const after = this.#after(step);
    if (after instanceof OptionError) throw after;
    return after;
  }

  #after({ context, event: { type, options } }: Step<TSettled>): TSettled | OptionError {
    return this.#rules.changed(type === 'permit.begin' ? ({} as TSettled) : context.options, options);
  }

  /** Says which option makes no sense. */
  refuse(step: Step<TSettled>, enqueue: Says<TSettled>): void {
    const problem = this.#after(step);
    if (!(problem instanceof OptionError)) return;
    const { option, message } = problem;
    answer(enqueue, step.event, { type: 'permit.misconfigured', option, reason: message });
  }

  /** Says which options it has now. */
  confirm(step: Step<TSettled>, enqueue: Says<TSettled>): void {
    const options = this.after(step);
    const changed = !this.#rules.areSame(step.context.options, options);
    answer(enqueue, step.event, { type: 'permit.configured', options, changed });
  }
}

/** The answer of a gate whose options do not go together. */
export function refusedAsMisconfigured(ticket: string): PermitRefused {
  return { type: 'permit.refused', ticket, reason: 'misconfigured', retryAfterMs: Infinity };
}

/**
 * The states of a gate that has no options yet, before the first of its others. They need the guard `makesNoSense` and the
 * actions `begin`, `takeLater`, `takeOptions`, `keepNonsense`, `refuseOptions`, `confirmOptions` and `refuseMisconfigured`.
 */
export function statesBefore<TFirst extends string>(first: TFirst) {
  return {
    /** Its own message is on the way. Over before anybody sees it, unless a crash comes in between. */
    beginning: {
      entry: 'begin',
      on: {
        'permit.begin': [
          { guard: 'makesNoSense', target: 'misconfigured', actions: ['refuseOptions', 'keepNonsense'] },
          { target: first, actions: 'takeOptions' },
        ],
        // Behind its own message, because that was sent before.
        '*': { actions: 'takeLater' },
      },
    },
    /** The options of its input do not go together with those of the factory. It grants nothing until it is configured. */
    misconfigured: {
      on: {
        'permit.request': { actions: 'refuseMisconfigured' },
        'permit.configure': [
          { guard: 'makesNoSense', actions: 'refuseOptions' },
          { target: first, actions: ['confirmOptions', 'takeOptions'] },
        ],
        '*': {},
      },
    },
  } as const;
}

/** What any gate that has begun does with a `permit.configure`: beyond that it says how it changes. */
export const CONFIGURE_FIRST = [
  { guard: 'makesNoSense', actions: 'refuseOptions' },
  { guard: 'changesNothing', actions: 'confirmOptions' },
] as const;
