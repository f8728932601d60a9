/**
 * The moment: what clock, chance and ids say while a step runs.
 *
 * A step must tell the same story whenever it is told. So while one runs, `Date`, `performance.now`, `process.hrtime`,
 * `process.uptime`, `Math.random`, `crypto.randomUUID` and `crypto.getRandomValues` answer from the record (its time, and a
 * random seed drawn once and recorded with it), and whatever would reach out of the step (timers, `fetch`, microtasks,
 * promises and with them async functions; sockets, processes, threads and changes to files, see `firewall.ts`) is refused.
 * Outside of a step they are the originals.
 *
 * The replacements are installed once, when this module is loaded, and test one variable per call; entering a moment
 * sets it. What this cannot see: references taken before this module was loaded (`const now = Date.now` in an earlier
 * module), `Intl.DateTimeFormat().format()` without an argument, files that are read, what is written to a file or a socket
 * that was open before, `process.env`, variables of modules, and other realms. `docs/concepts.md` lists them for users.
 */
import nodeCrypto, { createHash, webcrypto } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import nodeTimers from 'node:timers';
import v8 from 'node:v8';
import { AFTER_THE_STEP, WAYS_OUT } from './firewall.ts';

/** Why a step was refused: what it used, and what to do instead. */
export interface Violation {
  /** The function that was called, as the user wrote it. */
  readonly api: string;
  readonly fix: string;
  /** The step is told again, and its code is not what it was. */
  readonly isChange?: boolean;
}

/** Thrown out of the forbidden call, so that the step stops there. The step's host turns it into a refusal. */
export class MomentViolation extends Error implements Violation {
  readonly api: string;
  readonly fix: string;
  constructor({ api, fix }: Violation) {
    super(`${api} is not allowed while a state changes; ${fix}`);
    this.api = api;
    this.fix = fix;
  }
}

/** What one step may know of the world. */
interface Moment {
  /** Whether a step runs. The only thing a replaced function tests. */
  active: boolean;
  /** Milliseconds since the epoch. */
  at: number;
  /** When the actor was born, for clocks that count from a start. */
  bornAt: number;
  /** The recorded seed, or the one drawn by this step. */
  seed: Uint8Array | undefined;
  /** Whether a seed may be drawn: only when the step happens for the first time. */
  mayDraw: boolean;
  drawn: boolean;
  violation: Violation | undefined;
  // The two streams made from the seed, started on first use.
  random: Sfc32 | undefined;
  bytes: ByteStream | undefined;
}

const SEED_BYTES = 16;

/** The originals, for the runtime itself. */
export const wall = {
  now: Date.now,
  monotonicMs: performance.now.bind(performance),
  randomSeed: (): Uint8Array => originalRandomBytes(SEED_BYTES),
};
const originalRandomBytes = nodeCrypto.randomBytes;

// Two copies of the package in one process must share the moment, or one would refuse what the other allows.
const shared = globalThis as { [MOMENT]?: Moment };
const MOMENT = Symbol.for('heddle.moment');
const installedBefore = shared[MOMENT] !== undefined;
const moment: Moment = (shared[MOMENT] ??= {
  active: false,
  at: 0,
  bornAt: 0,
  seed: undefined,
  mayDraw: false,
  drawn: false,
  violation: undefined,
  random: undefined,
  bytes: undefined,
});

/** How a step gets its seed: recorded, or drawn from here if it needs one. */
export type SeedSource = Uint8Array | (() => Uint8Array) | undefined;

let drawSeed: (() => Uint8Array) | undefined;
// An async function cannot be refused when it is called, only noticed by the promise it makes.
let stopWatching: (() => void) | undefined;
let watchedThroughout = false;
const created: Promise<unknown>[] = [];
const watch = (): (() => void) => v8.promiseHooks.onInit(onPromise) as () => void;
function onPromise(promise: Promise<unknown>): void {
  if (moment.active) created.push(promise);
}

/** Runs many steps one after the other. Saves setting up the watch for promises for each of them. */
export function throughout<T>(steps: () => T): T {
  if (watchedThroughout) return steps();
  const stop = watch();
  watchedThroughout = true;
  try {
    return steps();
  } finally {
    watchedThroughout = false;
    stop();
  }
}

/**
 * Begins a moment. Every call must be followed by {@link leave}, in a `finally`.
 *
 * @param seed the recorded seed of a step that is told again, a source of seeds for one that happens now, or undefined
 *   for a recorded step that used no randomness: it must not use any now.
 */
export function enter(at: number, bornAt: number, seed: SeedSource): void {
  moment.at = at;
  moment.bornAt = bornAt;
  moment.mayDraw = typeof seed === 'function';
  moment.seed = typeof seed === 'function' ? undefined : seed;
  drawSeed = typeof seed === 'function' ? seed : undefined;
  moment.drawn = false;
  moment.violation = undefined;
  moment.random = undefined;
  moment.bytes = undefined;
  if (!watchedThroughout) stopWatching = watch();
  moment.active = true;
}

/** Runs something within a step that is none of the step's business. */
export function outsideOfMoment<T>(run: () => T): T {
  const { active } = moment;
  moment.active = false;
  try {
    return run();
  } finally {
    moment.active = active;
  }
}

/**
 * Runs a part of a step for which somebody else in the step answers: what it uses and must not use is thrown at them, and does not refuse
 * the step. Nothing has come of it: what is forbidden is not called, and whatever a promise brings comes to nobody.
 * @throws MomentViolation, and whatever `run` throws
 */
export function confined<T>(run: () => T): T {
  if (!moment.active || moment.violation !== undefined) return run();
  const before = created.length;
  try {
    return run();
  } finally {
    if (created.length > before) refusePromises(before);
    throwConfined();
  }
}

function throwConfined(): void {
  const { violation } = moment;
  if (violation === undefined || violation.isChange === true) return;
  moment.violation = undefined;
  throw new MomentViolation(violation);
}

/** Ends the moment. */
export function leave(): void {
  moment.active = false;
  if (!watchedThroughout) stopWatching!();
  if (created.length > 0) refusePromises();
}

/** What the step that has just ended used and must not use. */
export const violationOfLast = (): Violation | undefined => moment.violation;

/** The seed that the step that has just ended has drawn, to be recorded. */
export const seedOfLast = (): Uint8Array | undefined => (moment.drawn ? moment.seed : undefined);

/** Whether a step is running. */
export const insideMoment = (): boolean => moment.active;

/** @param from the first of those that are refused */
function refusePromises(from = 0): void {
  const refused = created.splice(from);
  // An async guard that fails would otherwise end the process as an unhandled rejection.
  outsideOfMoment(() => {
    for (const promise of refused) promise.catch(() => {});
  });
  moment.violation ??= {
    api: 'a promise (an async function, or await)',
    fix: 'make the function synchronous, and do asynchronous work in an invoked actor',
  };
}

function refuse(api: string, fix: string, isChange = false): never {
  moment.violation ??= isChange ? { api, fix, isChange } : { api, fix };
  throw new MomentViolation(moment.violation);
}

function seedOf(api: string): Uint8Array {
  if (moment.seed !== undefined) return moment.seed;
  if (!moment.mayDraw)
    return refuse(api, 'the record of this step used no randomness: the code has changed', true);
  moment.drawn = true;
  return (moment.seed = drawSeed!());
}

// ---- chance -------------------------------------------------------------------------------------------------------

/** sfc32, Chris Doty-Humphrey's small fast counter generator (PractRand), as used by many JavaScript libraries. */
class Sfc32 {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  constructor(seed: Uint8Array) {
    const view = new DataView(seed.buffer, seed.byteOffset, SEED_BYTES);
    this.#a = view.getInt32(0);
    this.#b = view.getInt32(4);
    this.#c = view.getInt32(8);
    this.#counter = view.getInt32(12);
    for (let i = 0; i < 12; i++) this.next();
  }

  /** 32 random bits. */
  next(): number {
    const result = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** A number in [0, 1) with all 53 bits of a double. */
  fraction(): number {
    return ((this.next() >>> 5) * 0x400_0000 + (this.next() >>> 6)) / 0x20_0000_0000_0000;
  }
}

/** Bytes for ids and keys: SHA-256 of the seed and a counter, so that one id does not give away the next. */
class ByteStream {
  readonly #seed: Uint8Array;
  #block = Buffer.alloc(0);
  #counter = 0;

  constructor(seed: Uint8Array) {
    this.#seed = seed;
  }

  fill(target: Uint8Array): void {
    for (let done = 0; done < target.length;) {
      if (this.#block.length === 0) {
        this.#block = createHash('sha256').update(this.#seed).update(`bytes ${this.#counter++}`).digest();
      }
      const part = this.#block.subarray(0, target.length - done);
      target.set(part, done);
      done += part.length;
      this.#block = this.#block.subarray(part.length);
    }
  }
}

/** A seed of its own: the numbers that Math.random gives do not give away the ids that are made from the same seed. */
function chanceOf(seed: Uint8Array): Uint8Array {
  return createHash('sha256').update(seed).update('Math.random').digest();
}

function randomFraction(): number {
  return (moment.random ??= new Sfc32(chanceOf(seedOf('Math.random')))).fraction();
}

function fillBytes<T extends ArrayBufferView>(view: T): T {
  const stream = (moment.bytes ??= new ByteStream(seedOf('crypto')));
  stream.fill(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return view;
}

/** A version 4 UUID (RFC 9562) from the moment's bytes. */
function uuid(): `${string}-${string}-${string}-${string}-${string}` {
  const bytes = fillBytes(Buffer.alloc(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

// ---- installation -------------------------------------------------------------------------------------------------

if (!installedBefore) install();

function install(): void {
  installClocks();
  installChance();
  installRefusals();
  // Makes `import { randomUUID } from 'node:crypto'` see the replacements too.
  syncBuiltinESMExports();
}

function installClocks(): void {
  const OriginalDate = Date;
  const originalNow = Date.now;
  const MomentDate: DateConstructor = new Proxy(OriginalDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(
        target,
        moment.active && args.length === 0 ? [moment.at] : args,
        newTarget === MomentDate ? target : newTarget,
      ) as object,
    apply: (target) => (moment.active ? new target(moment.at).toString() : target()),
  });
  // Set on the original, so that a `Date` captured before answers through it too.
  OriginalDate.now = () => (moment.active ? moment.at : originalNow());
  Object.defineProperty(OriginalDate.prototype, 'constructor', {
    value: MomentDate,
    writable: true,
    configurable: true,
  });
  globalThis.Date = MomentDate;

  const originalPerformanceNow = performance.now.bind(performance);
  performance.now = () => (moment.active ? moment.at - moment.bornAt : originalPerformanceNow());

  const originalHrtime = process.hrtime;
  const originalBigint = process.hrtime.bigint;
  const elapsedNs = (): bigint => BigInt(moment.at - moment.bornAt) * 1_000_000n;
  const hrtime = (since?: [number, number]): [number, number] => {
    if (!moment.active) return originalHrtime(since);
    const ns = elapsedNs() - (since ? BigInt(since[0]) * 1_000_000_000n + BigInt(since[1]) : 0n);
    return [Number(ns / 1_000_000_000n), Number(ns % 1_000_000_000n)];
  };
  process.hrtime = Object.assign(hrtime, { bigint: () => (moment.active ? elapsedNs() : originalBigint()) });

  const originalUptime = process.uptime.bind(process);
  process.uptime = () => (moment.active ? (moment.at - moment.bornAt) / 1000 : originalUptime());
}

function installChance(): void {
  const originalRandom = Math.random;
  Math.random = () => (moment.active ? randomFraction() : originalRandom());

  const originalUuid = nodeCrypto.randomUUID;
  const randomUUID: typeof originalUuid = (options) => (moment.active ? uuid() : originalUuid(options));
  nodeCrypto.randomUUID = randomUUID;
  webcrypto.randomUUID = randomUUID;

  const originalValues = webcrypto.getRandomValues.bind(webcrypto);
  const getRandomValues = ((view: ArrayBufferView & Uint8Array<ArrayBuffer>) =>
    moment.active ? fillBytes(view) : originalValues(view)) as typeof webcrypto.getRandomValues;
  // `getRandomValues` of node:crypto reads this property each time.
  webcrypto.getRandomValues = getRandomValues;

  for (const name of ['randomBytes', 'randomFillSync', 'randomFill', 'randomInt'] as const) {
    guard(
      nodeCrypto,
      name,
      `crypto.${name}`,
      'use crypto.getRandomValues or crypto.randomUUID, which are recorded',
    );
  }
}

function installRefusals(): void {
  const after = 'use `after`, a delayed `raise` or `sendTo`, or an invoked actor';
  for (const name of ['setTimeout', 'setInterval', 'setImmediate'] as const) {
    guard(globalThis, name, name, after);
    (nodeTimers as Record<string, unknown>)[name] = globalThis[name];
  }
  guard(globalThis, 'queueMicrotask', 'queueMicrotask', 'use `raise`, or an invoked actor');
  guard(process, 'nextTick', 'process.nextTick', 'use `raise`, or an invoked actor');
  guard(AbortSignal, 'timeout', 'AbortSignal.timeout', after);
  guard(globalThis, 'fetch', 'fetch', 'invoke an actor made with fromPromise or fromEffect');
  for (const { owner, name, api, isHarmless } of WAYS_OUT)
    guard(owner as Record<string, unknown>, name, api, AFTER_THE_STEP, isHarmless);
}

/** Replaces a function, or a class, by one that refuses while a step runs, and is the original otherwise. */
function guard<T extends object>(
  owner: T,
  name: keyof T & string,
  api: string,
  fix: string,
  isHarmless?: (...args: readonly unknown[]) => boolean,
): void {
  const original = owner[name] as (...args: unknown[]) => unknown;
  const guarded = function (this: unknown, ...args: unknown[]): unknown {
    if (moment.active && isHarmless?.(...args) !== true) return refuse(api, fix);
    if (new.target === undefined) return Reflect.apply(original, this, args);
    return Reflect.construct(original, args, new.target === guarded ? original : new.target) as unknown;
  };
  // Timers carry extras such as `util.promisify.custom`; a name that is read stays the same.
  Object.defineProperties(guarded, Object.getOwnPropertyDescriptors(original));
  // Some of them (`fetch`) are getters, which cannot be assigned to.
  Object.defineProperty(owner, name, {
    value: guarded,
    writable: true,
    configurable: true,
    enumerable: true,
  });
}
