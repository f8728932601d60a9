/**
 * What becomes of a bill that comes after its attempt has ended. Of an attempt that is made in parts there is one bill for all of them:
 * it is told when each part has said what it has cost, because what is told ends the holding of the money. Parts that were begun by a
 * process that died say nothing any more: then it stays held.
 */
import { costOf } from '../../machines/task/paying.ts';
import type { Bill as Paid } from '../../machines/task/paying.ts';
import type { Answer, Billing, BillTo } from '../../machines/task/words.ts';
import type { Micros } from '../../machines/values/money.ts';
import { tellLate } from './late-bills.ts';
import type { Bank } from './late-bills.ts';

/** The bill of one call, as it comes. */
export interface Tab {
  /** Nobody waits for it any more. */
  late(answer: Bill): void;
  end(answer: Bill, how?: Ended): void;
}

interface Ended {
  /** The call was stopped: where its cost is not known, the bill may still come. */
  readonly isStopped?: boolean;
}

/**
 * Resolves when the attempt is over, and is not made again: whether whoever has asked for it has heard what it has cost. Undefined: there is
 * nobody who could say so.
 */
export type Hearing = () => Promise<boolean | undefined>;

/** What is billed. */
export interface Call {
  /** Its number, of an attempt that is made in parts. */
  readonly part: number | undefined;
  readonly hasHeard: Hearing;
}

type Bill = Paid & Pick<Answer, 'billing'>;

const NOBODY_PAYS: Tab = { late: () => {}, end: () => {} };

/** The parts of one attempt, as far as this process knows of them. */
interface Together {
  /** By their numbers; null: not known yet. */
  readonly costs: Map<number, Micros | null>;
  /** How many have not said anything. */
  open: number;
  isLate: boolean;
  /** Whether the end of the attempt is waited for. */
  isWatched: boolean;
  /** By whose word the last of them was. */
  billing?: Partial<Billing> | undefined;
}

export class Bills {
  readonly #inParts = new Map<string, Together>();

  begin(bank: Bank, bill: BillTo | undefined, { part, hasHeard }: Call): Tab {
    if (bill === undefined) return NOBODY_PAYS;
    return part === undefined ? ofWhole(bank, bill, hasHeard) : this.#ofPart(bank, bill, part, hasHeard);
  }

  #ofPart(bank: Bank, bill: BillTo, part: number, hasHeard: Hearing): Tab {
    const { accounts, ticket, unbooked, parts = {} } = bill;
    // A fork goes on with the ticket of its original, in an account of its own, or under a name of its own.
    const name = `${accounts[0]}#${unbooked?.ticket ?? ticket}`;
    const together: Together = this.#inParts.get(name) ?? {
      costs: new Map(),
      open: 0,
      isLate: false,
      isWatched: false,
    };
    this.#inParts.set(name, together);
    together.open += 1;
    for (const [number, cost] of Object.entries(parts))
      together.costs.set(Number(number), cost ?? together.costs.get(Number(number)) ?? null);
    const tell = (): void => {
      if (!together.isLate || together.open > 0 || this.#inParts.get(name) !== together) return;
      this.#inParts.delete(name);
      const cost = sumOf(together);
      if (cost !== undefined) void tellLate(bank, bill, cost, together.billing);
    };
    const note = (said: Bill, isLate: boolean): void => {
      together.costs.set(part, costOf(said) ?? null);
      together.billing = sourceIn(said);
      together.isLate ||= isLate;
      together.open -= 1;
      tell();
    };
    // What they have answered may be on its way when the attempt is over.
    const beOver = (isHeard = true): void => {
      together.isWatched = false;
      if (isHeard && together.open === 0) this.#inParts.delete(name);
      together.isLate ||= !isHeard;
      tell();
    };
    const beLate = (answer: Bill, isHeard: boolean | undefined): void => {
      note(answer, isHeard !== true);
      if (isHeard === true && together.open === 0 && !together.isWatched) this.#inParts.delete(name);
    };
    if (!together.isWatched) {
      together.isWatched = true;
      void hasHeard().then(beOver);
    }
    return {
      late: (answer) => void hasHeard().then((isHeard) => beLate(answer, isHeard)),
      end: (answer, { isStopped = false } = {}) => {
        if (!isStopped || costOf(answer) !== undefined) note(answer, false);
      },
    };
  }
}

const ofWhole = (bank: Bank, bill: BillTo, hasHeard: Hearing): Tab => ({
  end: () => {},
  late: (answer) => {
    const cost = costOf(answer);
    if (cost !== undefined)
      void hasHeard().then((isHeard) =>
        isHeard === true ? undefined : tellLate(bank, bill, cost, answer.billing),
      );
  },
});

/** Undefined as long as one of them is not known. */
function sumOf({ costs }: Together): Micros | undefined {
  let sum = 0;
  for (const cost of costs.values()) {
    if (cost === null) return undefined;
    sum += cost;
  }
  return sum as Micros;
}

/** By whose word; the prices of one part are not those of the sum. */
const sourceIn = ({ billing }: Bill): Partial<Billing> | undefined =>
  billing === undefined ? undefined : { source: billing.source };
