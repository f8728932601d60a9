// The lie: "any machine runs on the kernel as it runs under createActor, and its bytes are the whole of it". Machines
// made up from a seed, driven by random events and delays: one under plain XState, one on the kernel, and one on the
// kernel that is taken to bytes and back after random steps. State by state they must be the same.
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  and,
  assign,
  cancel,
  createActor,
  createMachine,
  emit,
  enqueueActions,
  not,
  raise,
  SimulatedClock,
  stateIn,
} from 'xstate';
import type { AnyActorRef, AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { BareActor } from '../runtime/testing/bare-actor.ts';
import { Prng } from '../runtime/testing/prng.ts';

/** To try others: `SEED=1000 npx vitest run tests/random-machines.test.ts`. */
const FIRST_SEED = Number(process.env['SEED'] ?? 1);
const MACHINES = 500;
const BATCH = 100;
const STEPS = 16;
const MAX_DEPTH = 3;
/** Made-up machines often go round in circles: both sides must notice after as many microsteps. */
const MAX_MICROSTEPS = 60;
/** All delays are multiples of it, so that what is due is due exactly at a tick. */
const TICK_MS = 10;

const ROOT = 'r';
const OUTSIDE = ['E0', 'E1', 'E2', 'E3'];
const RAISED = ['R0', 'R1', 'R2'];

interface Context {
  /** Small numbers that guards look at. */
  readonly a: number;
  readonly b: number;
  /** What was done to them, newest last. */
  readonly trace: readonly string[];
}

// ---- making machines up -------------------------------------------------------------------------------------------

interface Node {
  readonly id: string;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly children: readonly Node[];
}

/** Makes a machine up. What its custom actions do is noted. */
class Inventor {
  readonly #random: Prng;
  readonly #nodes: Node[] = [];
  readonly #note: (what: string) => void;

  constructor(seed: number, note: (what: string) => void) {
    this.#random = new Prng(seed).fork('machine');
    this.#note = note;
  }

  machine(): AnyStateMachine {
    const root = this.#node(ROOT, 0, this.#random.chance(0.3) ? 'parallel' : 'compound');
    return createMachine({
      id: ROOT,
      context: { a: 0, b: 0, trace: [] } satisfies Context,
      options: { maxIterations: MAX_MICROSTEPS },
      output: ({ context }: { context: Context }) => context.a,
      ...this.#configOf(root),
    } as never) as AnyStateMachine;
  }

  #node(id: string, depth: number, type: Node['type']): Node {
    const children: Node[] = [];
    if (type === 'compound' || type === 'parallel') {
      const count = 2 + this.#random.below(2);
      for (let i = 0; i < count; i++) {
        children.push(this.#node(`${id}${i}`, depth + 1, this.#childType(type, depth + 1, i)));
      }
      if (this.#random.chance(0.4)) children.push(this.#node(`${id}h`, depth + 1, 'history'));
    }
    const node: Node = { id, type, children };
    // The root and the regions of a parallel state are no targets that say much.
    if (depth > 0) this.#nodes.push(node);
    return node;
  }

  #childType(parent: Node['type'], depth: number, index: number): Node['type'] {
    if (depth < MAX_DEPTH && this.#random.chance(0.45)) {
      return this.#random.chance(0.3) ? 'parallel' : 'compound';
    }
    return parent === 'compound' && index > 0 && this.#random.chance(0.35) ? 'final' : 'atomic';
  }

  #configOf({ id, type, children }: Node): object {
    const random = this.#random;
    if (type === 'history') {
      const siblings = this.#nodes.filter((node) => node.id.slice(0, -1) === id.slice(0, -1));
      const target = random.pick(siblings.filter((node) => node.type !== 'history')).id;
      return {
        type,
        id,
        history: random.pick(['shallow', 'deep']),
        ...(random.chance(0.5) && { target: `#${target}` }),
      };
    }
    const states = Object.fromEntries(children.map((child) => [child.id, this.#configOf(child)]));
    const common = { id, entry: this.#actions(`enter ${id}`), exit: this.#actions(`leave ${id}`) };
    if (type === 'final') return { ...common, type, output: { at: id } };
    return {
      ...common,
      tags: [`tag of ${id}`],
      ...(type === 'parallel' && { type }),
      ...(type === 'compound' && { initial: this.#initial(children) }),
      ...(children.length > 0 && { states }),
      on: this.#on(id),
      ...(random.chance(0.12) && { always: this.#transition(id, 'always', 1) }),
      ...(random.chance(0.35) && { after: this.#after(id) }),
      ...(type !== 'atomic' && random.chance(0.5) && { onDone: this.#transition(id, 'done', 0.3) }),
    };
  }

  #initial(children: readonly Node[]): unknown {
    const target = children[0]!.id;
    return this.#random.chance(0.3) ? { target, actions: this.#actions(`begin ${target}`) } : target;
  }

  #on(id: string): object {
    const random = this.#random;
    const on: Record<string, unknown> = {};
    for (const event of [...OUTSIDE, ...RAISED, '*']) {
      if (!random.chance(event === '*' ? 0.03 : RAISED.includes(event) ? 0.2 : 0.4)) continue;
      const choices = Array.from({ length: 1 + random.below(2) }, () => this.#transition(id, 'event', 0.5));
      // An event that is taken with nothing hides the transitions of the states above.
      on[event] = random.chance(0.08) ? {} : choices;
    }
    return on;
  }

  #after(id: string): object {
    const delays = [1, 2, 3].filter(() => this.#random.chance(0.5)).map((ticks) => ticks * TICK_MS);
    return Object.fromEntries(delays.map((ms) => [ms, this.#transition(id, 'after', 0.3)]));
  }

  #transition(id: string, kind: string, guarded: number): object {
    const random = this.#random;
    const target = random.chance(0.85) ? this.#target(id) : undefined;
    const what = target?.type === 'history' ? `${kind} history` : kind;
    return {
      ...(target !== undefined && { target: `#${target.id}` }),
      ...(random.chance(guarded) && { guard: this.#guard() }),
      ...(random.chance(0.3) && { reenter: true }),
      actions: [this.#assign(`${what} ${id}`), this.#action(what), ...this.#actions(`${what} of ${id}`)],
    };
  }

  /** A state to go to. From within a state its own history is none: XState gets lost there, see host.test.ts. */
  #target(id: string): Node | undefined {
    const target = this.#random.pick(this.#nodes);
    return target.type === 'history' && id.startsWith(target.id.slice(0, -1)) ? undefined : target;
  }

  #guard(): unknown {
    const random = this.#random;
    const key = random.pick(['a', 'b'] as const);
    const modulus = 2 + random.below(3);
    const rest = random.below(modulus);
    const plain = ({ context }: { context: Context }): boolean => context[key] % modulus === rest;
    switch (random.below(6)) {
      case 0:
        return not(plain as never);
      case 1:
        return and([plain as never, ({ event }: { event: AnyEventObject }) => Number(event['n'] ?? 0) < 3]);
      case 2:
        return stateIn(`#${random.pick(this.#nodes).id}`);
      default:
        return plain;
    }
  }

  #actions(where: string): unknown[] {
    const count = this.#random.pick([0, 0, 1, 1, 2]);
    return Array.from({ length: count }, () => this.#anyAction(where));
  }

  #anyAction(where: string): unknown {
    const random = this.#random;
    switch (random.below(9)) {
      case 0:
      case 1:
      case 6:
        return this.#assign(where);
      case 2:
        return emit(({ context }: { context: Context }) => ({ type: 'SAID', where, a: context.a }));
      case 3: {
        const [type, rest] = [random.pick(RAISED), random.below(3)];
        // Not always, or most machines would go round in circles.
        const due = ({ context }: { context: Context }): boolean => context.a % 3 === rest;
        return enqueueActions(({ enqueue, check }) => {
          if (check(due as never)) enqueue.raise({ type });
        });
      }
      case 4: {
        const again = { id: random.pick(['one', 'two']), delay: (1 + random.below(4)) * TICK_MS };
        const type = random.pick(RAISED);
        const raised = random.chance(0.7);
        // A timer that is set twice would ring twice, and only once be cancelled: XState's own affair.
        return enqueueActions(({ enqueue }) => {
          enqueue(cancel(again.id));
          if (raised) enqueue(raise({ type }, again));
        });
      }
      case 5: {
        const even = this.#assign(`${where} even`);
        return enqueueActions(({ enqueue, check }) => {
          if (check((({ context }: { context: Context }) => context.a % 2 === 0) as never))
            enqueue(even as never);
          enqueue.emit({ type: 'SAID', where } as never);
        });
      }
      default:
        return this.#action(where);
    }
  }

  #action(what: string): unknown {
    return ({ context, event }: { context: Context; event: AnyEventObject }) =>
      this.#note(`${what} at ${context.a} by ${event.type}`);
  }

  #assign(where: string): unknown {
    const [by, key] = [1 + this.#random.below(5), this.#random.pick(['a', 'b'] as const)];
    return assign(({ context, event }: { context: Context; event: AnyEventObject }) => ({
      [key]: (context[key] * 3 + by + Number(event['n'] ?? 0)) % 30,
      trace: [...context.trace.slice(-15), where],
    }));
  }
}

// ---- driving them -------------------------------------------------------------------------------------------------

/** What can be seen of a machine after a step. */
interface View {
  readonly threw: boolean;
  readonly status?: string;
  readonly value?: unknown;
  readonly context?: unknown;
  readonly output?: unknown;
  readonly tags?: readonly string[];
  readonly takes?: readonly string[];
  readonly emitted: readonly unknown[];
  readonly acted: readonly string[];
}

/** A machine that is run one way or another. */
interface Player {
  begin(): View;
  take(event: AnyEventObject): View;
  /** Lets one tick pass. */
  tick(): View;
}

function visible(snapshot: AnyMachineSnapshot) {
  const { status, value, context, output, tags } = snapshot;
  const takes = status === 'active' ? OUTSIDE.slice(0, 2).filter((type) => snapshot.can({ type })) : [];
  return { status, value, context, output, tags: [...tags].sort(), takes };
}

class PlainPlayer implements Player {
  readonly #clock = new SimulatedClock();
  readonly #emitted: unknown[] = [];
  readonly #acted: string[] = [];
  readonly #actor: AnyActorRef & { start(): unknown };
  #threw = false;

  constructor(seed: number) {
    const machine = new Inventor(seed, (what) => this.#acted.push(what)).machine();
    this.#actor = createActor(machine, { clock: this.#clock });
    this.#actor.on('*', (event) => this.#emitted.push(event));
    this.#actor.subscribe({ error: () => (this.#threw = true) });
  }

  begin(): View {
    this.#actor.start();
    return this.#view();
  }

  take(event: AnyEventObject): View {
    this.#actor.send(event);
    return this.#view();
  }

  tick(): View {
    this.#clock.increment(TICK_MS);
    return this.#view();
  }

  #view(): View {
    const [emitted, acted] = [this.#emitted.splice(0), this.#acted.splice(0)];
    if (this.#threw) return { threw: true, emitted: [], acted: [] };
    return { threw: false, ...visible(this.#actor.getSnapshot() as AnyMachineSnapshot), emitted, acted };
  }
}

/** The kernel, with timers kept by hand. */
class KernelPlayer implements Player {
  readonly #actor: BareActor;
  readonly #acted: string[] = [];
  readonly #emitted: unknown[] = [];
  /** Whether it is to be taken to bytes and back now. */
  readonly #isTorn: () => boolean;
  readonly #timers = new Map<string, { readonly dueMs: number; readonly event: AnyEventObject }>();
  #nowMs = 0;
  #threw = false;

  constructor(seed: number, isTorn: () => boolean) {
    this.#actor = new BareActor(new Inventor(seed, (what) => this.#acted.push(what)).machine());
    this.#isTorn = isTorn;
  }

  begin(): View {
    this.#run(() => this.#actor.begin());
    return this.#view();
  }

  take(event: AnyEventObject): View {
    this.#run(() => this.#actor.take(event));
    return this.#view();
  }

  tick(): View {
    this.#nowMs += TICK_MS;
    for (let due = this.#due(); due !== undefined && this.#goesOn; due = this.#due()) {
      const [id, { event }] = due;
      this.#timers.delete(id);
      this.#run(() => this.#actor.take(event));
    }
    return this.#view();
  }

  get #goesOn(): boolean {
    return !this.#threw && this.#actor.snapshot.status === 'active';
  }

  #due() {
    return [...this.#timers].find(([, { dueMs }]) => dueMs <= this.#nowMs);
  }

  #run(step: () => unknown): void {
    try {
      step();
    } catch {
      this.#threw = true;
      return;
    }
    for (const intent of this.#actor.intents) {
      switch (intent.kind) {
        case 'timer': {
          const { delayMs, event } = intent;
          if (!(delayMs > 0)) throw new Error(`the timer ${intent.id} is set to ${delayMs} ms`);
          this.#timers.delete(intent.id!);
          this.#timers.set(intent.id!, { dueMs: this.#nowMs + delayMs, event });
          break;
        }
        case 'cancel':
          this.#timers.delete(intent.id);
          break;
        case 'emit':
          this.#emitted.push(intent.event);
      }
    }
    this.#actor.act();
    if (this.#isTorn()) this.#actor.reborn();
  }

  #view(): View {
    const [emitted, acted] = [this.#emitted.splice(0), this.#acted.splice(0)];
    if (this.#threw || this.#actor.snapshot.status === 'error')
      return { threw: true, emitted: [], acted: [] };
    return { threw: false, ...visible(this.#actor.state), emitted, acted };
  }
}

/** How often things have happened, in the machine under plain XState. */
class Tally {
  readonly counts = new Map<string, number>();

  add(what: string, count = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + count);
  }

  look({ threw, status, emitted, acted }: View): void {
    this.add('steps');
    this.add('emits', emitted.length);
    this.add('actions', acted.length);
    if (threw) this.add('endless');
    if (status === 'done') this.add('done');
    for (const kind of ['always', 'after', 'history', 'done at', 'by R']) {
      this.add(kind, acted.filter((what) => what.includes(kind)).length);
    }
  }
}

/** Plays one machine all three ways, and holds them against each other after every step. */
function play(seed: number, tally: Tally): void {
  const random = new Prng(seed).fork('events');
  const torn = new Prng(seed).fork('torn');
  const plain = new PlainPlayer(seed);
  const kernel = [
    new KernelPlayer(seed, () => false),
    new KernelPlayer(seed, () => {
      const isTorn = torn.chance(0.5);
      if (isTorn) tally.add('rebuilt');
      return isTorn;
    }),
  ];
  const step = (what: string, act: (player: Player) => View): View => {
    const expected = act(plain);
    for (const player of kernel) {
      const actual = act(player);
      // Only what differs is worth the time of a matcher.
      if (isDeepStrictEqual(actual, expected)) continue;
      expect({ seed, what, ...actual }).toStrictEqual({ seed, what, ...expected });
    }
    tally.look(expected);
    return expected;
  };
  let view = step('begins', (player) => player.begin());
  for (let n = 1; n <= STEPS && !view.threw && view.status === 'active'; n++) {
    if (random.chance(0.25)) view = step(`${n}: a tick`, (player) => player.tick());
    else {
      const event = { type: random.pick(OUTSIDE), n: random.below(6) };
      view = step(`${n}: ${JSON.stringify(event)}`, (player) => player.take(event));
    }
  }
  tally.add('machines');
}

describe('machines made up from a seed run the same under createActor, on the kernel, and from bytes', () => {
  const tally = new Tally();
  const firsts = Array.from({ length: MACHINES / BATCH }, (_, batch) => FIRST_SEED + batch * BATCH);

  it.each(firsts)(`seeds %d and the next ${BATCH - 1}`, (first) => {
    for (let seed = first; seed < first + BATCH; seed++) play(seed, tally);
    expect(tally.counts.get('machines')).toBeGreaterThanOrEqual(BATCH);
  });

  it('and everything that a machine can do has happened in them', () => {
    const counts = Object.fromEntries(tally.counts);
    expect(counts['machines']).toBe(MACHINES);
    for (const what of [
      'always',
      'after',
      'history',
      'done at',
      'by R',
      'emits',
      'rebuilt',
      'done',
      'endless',
    ]) {
      expect([what, counts[what]]).toEqual([what, expect.any(Number)]);
      expect(counts[what]).toBeGreaterThan(MACHINES / 20);
    }
    // Most machines must live long enough to be worth anything.
    expect(counts['steps']).toBeGreaterThan(MACHINES * 8);
  });
});
