/**
 * The faults: accounts that are poisoned, tasks that fail, people who stop and start children, supervisors that are made to
 * give up with everybody below them.
 */
import { ChildRefused } from 'heddle';
import type { Prng } from '../../../runtime/testing/prng.ts';
import { BEARS, world } from './actors.ts';
import type { AccountEvent, Group } from './actors.ts';
import type { Books } from './books.ts';
import { send } from './load.ts';
import type { AnySystem } from './load.ts';

const EVERY_MS = 50;
/** In so many steps everything happens at least once. */
const CYCLE = 20;
const STOPPED_FOR_MS = 100;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class Faults {
  readonly #system: AnySystem;
  readonly #books: Books;
  readonly #random: Prng;
  readonly #small: readonly Group[];
  readonly #pools: readonly Group[];
  /** Requests that are not answered yet. */
  readonly #asked = new Set<Promise<void>>();
  #handle: NodeJS.Timeout | undefined;
  #step = 0;
  #fresh = 0;

  constructor(system: AnySystem, books: Books, groups: readonly Group[], random: Prng) {
    this.#system = system;
    this.#books = books;
    this.#random = random;
    this.#small = groups.filter(({ isPool }) => !isPool);
    this.#pools = groups.filter(({ isPool }) => isPool);
  }

  begin(): void {
    this.#handle = setInterval(() => this.#next(), EVERY_MS);
  }

  /** No more of it; what was stopped is started again. */
  async end(): Promise<void> {
    clearInterval(this.#handle);
    await Promise.all(this.#asked);
  }

  /** The last two faults, after which some stay down: a child that a person stops, and a supervisor that gives up for good. */
  async leaveSomeDown(): Promise<{ readonly terminated: string; readonly givenUp: Group }> {
    const [first] = this.#small;
    const terminated = first!.addresses[0]!;
    await this.#ask(first!, (handle) => handle.terminateChild(idOf(terminated)), 'terminations');
    const givenUp = this.#small.find(({ isTransient }) => isTransient)!;
    await this.#bringUp(givenUp);
    this.#makeGiveUp(givenUp);
    return { terminated, givenUp };
  }

  #next(): void {
    const step = this.#step++ % CYCLE;
    this.#poison(this.#random.pick(this.#random.pick([...this.#small, ...this.#pools]).addresses), 1);
    if (step % 4 === 1) this.#send(this.#anyone(), { type: 'work', fails: true });
    if (step % 5 === 2) this.#track(this.#stopAndStart(this.#random.pick(this.#small)));
    if (step % 10 === 3) this.#track(this.#startAndStop(this.#random.pick(this.#pools)));
    if (step === 6 || step === 16) this.#makeGiveUp(this.#random.pick(this.#small));
    if (step === 8) this.#makeGiveUp(this.#random.pick(this.#pools));
    if (step === 10) world.jobsToFail++;
    if (step === 12) this.#track(this.#bringUp(this.#small.at(-1)!));
    if (step === 14) this.#makeGiveUp(this.#small.at(-1)!);
  }

  #anyone(): string {
    return this.#random.pick(this.#random.pick(this.#pools).addresses);
  }

  #send(address: string, event: AccountEvent): void {
    void this.#books.follow(send(this.#system, address, event), []);
  }

  #poison(address: string, times: number): void {
    this.#books.add('poison', times);
    for (let i = 0; i < times; i++) this.#send(address, { type: 'poison' });
  }

  /** One of its children fails more often than it bears. */
  #makeGiveUp({ addresses, isPool }: Group): void {
    this.#books.add('bursts');
    this.#poison(this.#random.pick(addresses), (isPool ? BEARS.pool : BEARS.small) + 1);
  }

  async #stopAndStart(group: Group): Promise<void> {
    const id = idOf(this.#random.pick(group.addresses));
    await this.#ask(group, (handle) => handle.terminateChild(id), 'terminations');
    await sleep(STOPPED_FOR_MS);
    await this.#ask(group, (handle) => handle.restartChild(id), 'startsOnRequest');
  }

  /** A child of a pool whose life ends when it is stopped. */
  async #startAndStop(group: Group): Promise<void> {
    const id = `fresh${this.#fresh++}`;
    await this.#ask(group, (handle) => handle.startChild({ id, start: group.supervisor }), 'startsOnRequest');
    await sleep(STOPPED_FOR_MS);
    await this.#ask(group, (handle) => handle.terminateChild(id), 'terminations');
  }

  /** A supervisor that has given up for good is started by a person. */
  async #bringUp({ supervisor }: Group): Promise<void> {
    if (this.#system.supervisor(`soak/${supervisor}`).phase !== 'down') return;
    await this.#asking(this.#system.supervisor('soak').restartChild(supervisor), 'supervisorsStarted');
  }

  #ask(
    { supervisor }: Group,
    request: (handle: ReturnType<AnySystem['supervisor']>) => Promise<void>,
    counted: string,
  ): Promise<void> {
    return this.#asking(request(this.#system.supervisor(`soak/${supervisor}`)), counted);
  }

  async #asking(answer: Promise<void>, counted: string): Promise<void> {
    try {
      await answer;
      this.#books.add(counted);
    } catch (error) {
      // Meanwhile somebody else has failed, or was restarted.
      if (!(error instanceof ChildRefused))
        this.#books.violation(`a request has failed with ${String(error)}`);
      this.#books.add('requestsRefused');
    }
  }

  #track(asked: Promise<void>): void {
    this.#asked.add(asked);
    void asked.then(() => this.#asked.delete(asked));
  }
}

const idOf = (address: string): string => address.slice(address.indexOf('/') + 1);
