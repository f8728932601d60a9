// The lie: "however many accounts lie within each other, and in whatever order their messages arrive, money is counted once in each,
// and never more is granted than there is". Random accounts and callers against a model that adds everything up anew; then
// the same with messages under way, which overtake each other as far as mailboxes allow.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyActorRef, AnyEventObject } from 'xstate';
import { served } from './service.ts';
import { newLedger } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import type { BudgetAnswer, BudgetMessage } from './words.ts';
import type { Micros } from '../values/money.ts';

const RUNS = 400;
const DAY = 86_400_000;
const NAMES = ['a', 'b', 'c', 'd', 'e'];
const CALLER = 'caller';

const micros = (count: number) => count as Micros;

interface Kind {
  readonly limit: number;
  readonly isDaily: boolean;
  /** Whether it grants what undoes something, whatever is left. */
  readonly isLenient: boolean;
  readonly within: readonly string[];
}

/** Accounts, and the messages under way between them: in order from one to another, and in any order otherwise. */
class Network {
  readonly ledgers = new Map<string, Ledger>();
  readonly #refs = new Map<string, AnyActorRef>();
  readonly #ways = new Map<string, { to: string; event: AnyEventObject }[]>();
  /** What the caller has heard. */
  readonly heard: AnyEventObject[] = [];
  now = 0;

  constructor(kinds: readonly Kind[]) {
    for (const [index, { limit, isDaily, isLenient, within }] of kinds.entries()) {
      const name = NAMES[index]!;
      const per = isDaily ? 'day' : undefined;
      const overdraft = isLenient ? 'undoing' : undefined;
      this.ledgers.set(name, newLedger({ limit: micros(limit), per, within, remember: 1000, overdraft }, 0));
    }
    for (const name of [...this.ledgers.keys(), CALLER])
      this.#refs.set(name, { sessionId: name, send: () => {} } as unknown as AnyActorRef);
  }

  ask(to: string, event: object): void {
    this.#post(CALLER, to, { from: this.#refs.get(CALLER), ...event } as unknown as AnyEventObject);
  }

  #post(from: string, to: string, event: AnyEventObject): void {
    const key = `${from} ${to}`;
    const way = this.#ways.get(key) ?? [];
    this.#ways.set(key, [...way, { to, event }]);
  }

  /** Has one message arrive. Returns whether there was one. */
  arrive(choice = 0): boolean {
    const ways = [...this.#ways].filter(([, way]) => way.length > 0);
    if (ways.length === 0) return false;
    const [key, [message, ...rest]] = ways[choice % ways.length]!;
    this.#ways.set(key, rest);
    const { to, event } = message!;
    if (to === CALLER) this.heard.push(event);
    else this.#serve(to, event);
    return true;
  }

  drain(): void {
    while (this.arrive());
  }

  #serve(name: string, event: AnyEventObject): void {
    const desk = {
      self: this.#refs.get(name)!,
      now: this.now,
      find: (address: string) => this.#refs.get(address),
      say: (to: AnyActorRef | undefined, news: AnyEventObject) =>
        this.#post(name, to?.sessionId ?? CALLER, news),
    };
    const ledger = served(this.ledgers.get(name)!, event as BudgetMessage | BudgetAnswer, desk);
    this.ledgers.set(name, ledger);
    expectSound(ledger);
  }
}

function expectSound({ window, others, open }: Ledger): void {
  for (const { key, limit, spent, reserved, held, overdraft } of [window, ...others]) {
    const sound = spent >= 0 && reserved >= 0 && overdraft >= 0 && held >= 0 && spent + reserved <= limit;
    if (!sound) throw new Error(`${key}: ${spent} + ${reserved} of ${limit}, ${overdraft} over`);
  }
  const all = [window, ...others].reduce((sum, { reserved }) => sum + reserved, 0);
  const named = [...open.values()].reduce((sum, { taken }) => sum + taken, 0);
  if (all !== named) throw new Error(`${all} is reserved, and ${named} is known`);
}

interface Known {
  readonly at: string;
  readonly amount: number;
  readonly day: number;
  readonly chain: ReadonlySet<string>;
  /** What is held in each account; absent: the amount. */
  readonly taken?: ReadonlyMap<string, number>;
  state: 'open' | 'held' | 'over';
  cost: number;
}

/** Adds everything up anew whenever it is asked. */
class Model {
  readonly #kinds: readonly Kind[];
  readonly known = new Map<string, Known>();

  constructor(kinds: readonly Kind[]) {
    this.#kinds = kinds;
  }

  /** All accounts that hold what is asked for. */
  chainOf(name: string, path: readonly string[], into = new Set<string>()): Set<string> {
    if (into.has(name)) return into;
    into.add(name);
    for (const next of [...this.#kindOf(name).within, ...path]) this.chainOf(next, [], into);
    return into;
  }

  #kindOf(name: string): Kind {
    return this.#kinds[NAMES.indexOf(name)]!;
  }

  sums(name: string, day: number): { billed: number; reserved: number; held: number } {
    const { isDaily } = this.#kindOf(name);
    const mine = [...this.known.values()].filter(
      (one) => one.chain.has(name) && (!isDaily || one.day === day),
    );
    const takenIn = ({ taken, amount }: Known) => taken?.get(name) ?? amount;
    const sum = (of: (one: Known) => number) => mine.reduce((so, one) => so + of(one), 0);
    return {
      billed: sum(({ cost }) => cost),
      reserved: sum((one) => (one.state === 'over' ? 0 : takenIn(one))),
      held: sum((one) => (one.state === 'held' ? takenIn(one) : 0)),
    };
  }

  /** Whether all of them have so much, or grant it all the same. */
  fits(chain: ReadonlySet<string>, amount: number, day: number, isOwed: boolean): boolean {
    return [...chain].every((name) => {
      if (isOwed && this.#kindOf(name).isLenient) return true;
      const { billed, reserved } = this.sums(name, day);
      const { limit } = this.#kindOf(name);
      return billed + reserved <= limit && billed + reserved + amount <= limit;
    });
  }

  /** What each of them can hold of it. */
  takenOf(chain: ReadonlySet<string>, amount: number, day: number): ReadonlyMap<string, number> {
    return new Map(
      [...chain].map((name) => {
        const { billed, reserved } = this.sums(name, day);
        return [name, Math.min(amount, Math.max(0, this.#kindOf(name).limit - billed - reserved))];
      }),
    );
  }
}

const kinds = fc
  .array(
    fc.record({
      limit: fc.integer({ min: 0, max: 60 }),
      isDaily: fc.boolean(),
      isLenient: fc.boolean(),
      within: fc.uniqueArray(fc.nat(4), { maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((all) =>
    all.map((kind) => ({ ...kind, within: kind.within.filter((n) => n < all.length).map((n) => NAMES[n]!) })),
  );

const command = fc.record({
  do: fc.constantFrom(
    'reserve',
    'reserve',
    'reserve',
    'settle',
    'settle',
    'release',
    'hold',
    'correct',
    'day',
  ),
  at: fc.nat(4),
  path: fc.uniqueArray(fc.nat(4), { maxLength: 2 }),
  ticket: fc.nat(7),
  amount: fc.integer({ min: 0, max: 25 }),
  isOwed: fc.boolean(),
  /** How many messages arrive, and which, before the next command. */
  arrivals: fc.array(fc.nat(20), { maxLength: 6 }),
});
type Command = typeof command extends fc.Arbitrary<infer TCommand> ? TCommand : never;

/** The message that a command stands for. */
function messageOf({ do: what, amount, path, isOwed }: Command, ticket: string, count: number): object {
  const bill = { ticket, cost: micros(amount), source: 'local' };
  if (what === 'reserve') {
    const named = path.filter((n) => n < count).map((n) => NAMES[n]!);
    return {
      ...{ type: 'budget.reserve', ticket, amount: micros(amount), path: named },
      ...(isOwed && { owed: true }),
    };
  }
  if (what === 'settle' || what === 'correct') return { type: `budget.${what}`, ...bill };
  return { type: `budget.${what}`, ticket };
}

/** Compares everything that all accounts know with the model. */
function expectSame(network: Network, model: Model): void {
  for (const [name, { window, others }] of network.ledgers) {
    for (const { key, spent, reserved, held, overdraft } of [window, ...others]) {
      const day = key === 'all' ? 0 : Date.parse(key) / DAY;
      const sums = model.sums(name, day);
      expect([name, key, spent + overdraft, reserved, held]).toEqual([
        name,
        key,
        sums.billed,
        sums.reserved,
        sums.held,
      ]);
    }
  }
}

describe('random accounts within each other', () => {
  it('grant, refuse and count as the model says', () => {
    let granted = 0;
    let refused = 0;
    let overdrawn = 0;
    /** What was granted though there was less. */
    let undone = 0;
    fc.assert(
      fc.property(kinds, fc.array(command, { minLength: 10, maxLength: 50 }), (all, commands) => {
        const network = new Network(all);
        const model = new Model(all);
        for (const one of commands) {
          if (one.do === 'day') {
            network.now += DAY / 2;
            continue;
          }
          const name = NAMES[one.at % all.length]!;
          const ticket = `${name}${one.ticket}`;
          const message = messageOf(one, ticket, all.length);
          const day = Math.floor(network.now / DAY);
          const known = model.known.get(ticket);
          network.ask(name, message);
          network.drain();
          const [answer] = network.heard.splice(0);
          if (one.do === 'reserve') {
            if (known !== undefined) {
              // Asked again: with the same answer while it is open, and otherwise not at all.
              const isSame = known.state !== 'over' && known.amount === one.amount;
              expect(answer?.type).toBe(isSame ? 'budget.reserved' : 'budget.refused');
              continue;
            }
            const path = (message as { path: string[] }).path;
            const chain = model.chainOf(name, path);
            const fits = model.fits(chain, one.amount, day, one.isOwed);
            expect(answer?.type).toBe(fits ? 'budget.reserved' : 'budget.refused');
            if (!fits) {
              refused++;
            } else {
              granted++;
              expect(new Set((answer!['accounts'] as string[]).slice())).toEqual(chain);
              const { amount } = one;
              const taken = model.takenOf(chain, amount, day);
              if ([...taken.values()].some((held) => held < amount)) undone++;
              model.known.set(ticket, { at: name, amount, taken, day, chain, state: 'open', cost: 0 });
            }
          } else if (known === undefined) {
            expect(answer?.['reason']).toBe(one.do === 'release' ? undefined : 'unknown');
          } else if (one.do === 'correct') {
            Object.assign(known, { state: 'over', cost: one.amount });
          } else if (known.state !== 'over') {
            if (one.do === 'hold') known.state = 'held';
            else Object.assign(known, { state: 'over', cost: one.do === 'settle' ? one.amount : 0 });
          }
          expectSame(network, model);
          if ([...network.ledgers.values()].some(({ window }) => window.overdraft > 0)) overdrawn++;
        }
      }),
      { numRuns: RUNS },
    );
    expect(Math.min(granted, refused, overdrawn, undone)).toBeGreaterThan(RUNS / 4);
  });

  it('come to the same sums, whatever overtakes what', () => {
    let crossed = 0;
    fc.assert(
      fc.property(kinds, fc.array(command, { minLength: 10, maxLength: 50 }), (all, commands) => {
        const network = new Network(all);
        const model = new Model(all);
        for (const one of commands) {
          if (one.do === 'day') {
            network.now += DAY / 2;
            continue;
          }
          const name = NAMES[one.at % all.length]!;
          // Bills come for what was granted, as tasks do it; requests and releases come at any time.
          const ticket = `${name}${one.ticket}`;
          const isGranted = network.heard.some(
            (answer) => answer.type === 'budget.reserved' && answer['ticket'] === ticket,
          );
          if (!isGranted && one.do !== 'reserve' && one.do !== 'release') continue;
          // What is held of the same in several accounts is compared: it must be as much in each.
          network.ask(name, messageOf({ ...one, isOwed: false }, ticket, all.length));
          for (const choice of one.arrivals) network.arrive(choice);
          if (network.arrive(one.ticket)) crossed++;
        }
        network.drain();
        // What the accounts that were asked know of their tickets is all that there is.
        for (const [at, { open, settled }] of network.ledgers) {
          for (const [name, { amount, state, relay }] of open) {
            expect(state).not.toBe('asking');
            if (relay.via.length > 0) continue;
            const chain = new Set([at, ...relay.path]);
            const day = Math.floor(relay.at / DAY);
            model.known.set(name, {
              at,
              amount,
              day,
              chain,
              state: state === 'held' ? 'held' : 'open',
              cost: 0,
            });
          }
          for (const [name, { cost, relay }] of settled) {
            const chain = new Set([at, ...relay.path]);
            const day = Math.floor(relay.at / DAY);
            model.known.set(name, { at, amount: 0, day, chain, state: 'over', cost });
          }
        }
        expectSame(network, model);
      }),
      { numRuns: RUNS },
    );
    expect(crossed).toBeGreaterThan(RUNS);
  });
});
