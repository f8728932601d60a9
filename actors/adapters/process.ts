/**
 * A program as an agent: any language that reads and writes lines. It gets a request of JSON-RPC 2.0 on its standard input, one line, and
 * gives the answer on its standard output, one line.
 *
 *     → {"jsonrpc":"2.0","id":1,"method":"execute","params":{"id":…,"input":…,"context":…,"constraints":…,
 *        "idempotencyKey":…,"attempt":1,"traceparent":…}}
 *     ← {"jsonrpc":"2.0","id":1,"result":{"id":…,"status":"success","output":…,"metadata":…}}
 *     ← {"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"…","data":{"fault":"rate-limit","cost":0.01}}}
 *
 * It inherits nothing of the environment but what is named. It runs in a process group of its own, which is asked to end when the work is
 * not wanted any more, and made to after a grace: a call that was aborted rejects when the command is gone. A program that
 * exits without an answer, or with another code than 0 after it, has crashed. What it writes to its standard error is kept for that,
 * as far as its tail.
 *
 * Nothing is restarted here: a kept process that is gone is started by the next call.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Assignment, TaskResult } from '../../machines/contract.ts';
import type { Fault } from '../../machines/faults/fault.ts';
import { InvalidArgument } from '../../runtime/index.ts';
import { FaultError, faultOfAbort } from '../agents/fault-error.ts';
import { carried, throwIfAborted } from './call.ts';
import type { Execute } from './call.ts';
import { faultOf } from './classify.ts';
import { readLines } from './lines.ts';
import { ProcessGroup } from './process-group.ts';
import type { Command, Exit } from './process-group.ts';
import { isJsonObject, jsonOf, unanswered, utf8Of } from './reading.ts';
import type { JsonObject } from './reading.ts';
import { claimedResult, reported } from './reported.ts';

export interface SubprocessOptions {
  readonly command: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** Names of variables that are passed on. Default: `PATH` alone. */
  readonly inherit?: readonly string[];
  /** Variables besides those. */
  readonly env?: Readonly<Record<string, string>>;
  /** One process for all calls, which it gets in turn. Default: each call has its own, and its input ends with the request. */
  readonly keep?: boolean;
  /** How long it has to end by itself, once it was asked to or has answered, in ms. Default 2,000. */
  readonly graceMs?: number;
  /** An answer may be as long as this. Default 1,048,576. */
  readonly maxLineBytes?: number;
}

export interface SubprocessExecute<TOutput = JsonObject> {
  (...given: Parameters<Execute<TOutput>>): ReturnType<Execute<TOutput>>;
  /** Stops a kept process. The next call would start another. */
  close(): Promise<void>;
}

type Settled = Required<Pick<SubprocessOptions, 'keep' | 'graceMs' | 'maxLineBytes'>> & Command;

const GRACE_MS = 2000;
const MAX_LINE_BYTES = 1024 * 1024;
const STDERR_BYTES = 4096;

/** @throws InvalidArgument */
export function subprocess<TOutput = JsonObject>(options: SubprocessOptions): SubprocessExecute<TOutput> {
  const settled = settle(options);
  const { run, close } = settled.keep ? kept(settled) : once(settled);
  const execute = async (assignment: Assignment): ReturnType<Execute<TOutput>> =>
    carried(await run(assignment));
  return Object.assign(execute, { close });
}

interface Runner {
  readonly run: (assignment: Assignment) => Promise<TaskResult>;
  readonly close: () => Promise<void>;
}

function settle(options: SubprocessOptions): Settled {
  const { command, args = [], cwd, inherit = ['PATH'], env = {}, keep = false } = options;
  const { graceMs = GRACE_MS, maxLineBytes = MAX_LINE_BYTES } = options;
  if (process.platform === 'win32')
    throw new InvalidArgument('subprocess', 'needs process groups, and Windows has none');
  if (typeof command !== 'string' || command === '')
    throw new InvalidArgument('subprocess.command', 'must be the name or the path of a program');
  for (const [path, count] of [
    ['subprocess.graceMs', graceMs],
    ['subprocess.maxLineBytes', maxLineBytes],
  ] as const)
    if (!(Number.isSafeInteger(count) && count >= 0))
      throw new InvalidArgument(path, 'must be a whole number');
  const passed = inherit.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { command, args, cwd, env: { ...Object.fromEntries(passed), ...env }, keep, graceMs, maxLineBytes };
}

/** A process for each call. */
function once(options: Settled): Runner {
  const run = async (assignment: Assignment): Promise<TaskResult> => {
    throwIfAborted(assignment.signal);
    const talk = new Talk(options);
    try {
      const result = await talk.ask(assignment, true);
      await talk.endsWell(result);
      return result;
    } finally {
      await talk.stop();
    }
  };
  return { run, close: () => Promise.resolve() };
}

/** One process, for calls in turn. */
function kept(options: Settled): Runner {
  let talk: Talk | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const execute = async (assignment: Assignment): Promise<TaskResult> => {
    throwIfAborted(assignment.signal);
    if (talk?.isIdle !== true) talk = new Talk(options);
    const current = talk;
    try {
      return await current.ask(assignment, false);
    } catch (error) {
      // After a fault that it has reported it is as good as before. After any other nobody knows what it does.
      if (!current.isIdle) await current.stop();
      throw error;
    }
  };
  const inTurn = (assignment: Assignment): Promise<TaskResult> => {
    const before = last;
    const mine = before.then(() => execute(assignment));
    last = mine.catch(() => {});
    return Promise.race([mine, abortedInQueue(before, assignment.signal)]);
  };
  const close = async (): Promise<void> => {
    await talk?.stop();
  };
  return { run: inTurn, close };
}

/** Who waits for a turn need not wait for it to be told that it is not wanted any more. */
function abortedInQueue(turn: Promise<unknown>, signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = (): void => reject(new FaultError(faultOfAbort(signal)));
    signal.addEventListener('abort', onAbort, { once: true });
    void turn.then(() => signal.removeEventListener('abort', onAbort));
  });
}

interface Question {
  readonly id: number;
  readonly answer: (result: TaskResult) => void;
  readonly refuse: (fault: FaultError) => void;
}

/** What is said between this process and one other. */
class Talk {
  readonly #options: Settled;
  readonly #group: ProcessGroup;
  readonly #over: Promise<Exit>;
  #asked = 0;
  #open: Question | undefined;
  #stderr = Buffer.alloc(0);
  /** What was wrong with what it has said when it was asked nothing. */
  #disturbed: Fault | undefined;
  /** It has ended; what it has said may still be on its way. */
  isOver = false;

  constructor(options: Settled) {
    this.#options = options;
    this.#group = new ProcessGroup(options);
    this.#over = this.#end();
    const tooLong = `a line is longer than ${options.maxLineBytes} bytes`;
    readLines(
      this.#group.stdout,
      options.maxLineBytes,
      (line) => this.#hear(line),
      () => this.#fail({ class: 'not-parseable', message: tooLong }),
    );
    this.#group.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = Buffer.concat([this.#stderr, chunk]).subarray(-STDERR_BYTES);
    });
  }

  /** It may be asked the next question. */
  get isIdle(): boolean {
    return !this.isOver && this.#open === undefined && this.#disturbed === undefined;
  }

  /** @param isLast its input ends with the question */
  async ask(assignment: Assignment, isLast: boolean): Promise<TaskResult> {
    const { signal } = assignment;
    const id = ++this.#asked;
    const line = requestLine(id, assignment);
    this.#group.hold(true);
    const answered = new Promise<TaskResult>((answer, refuse) => {
      this.#open = { id, answer, refuse };
    });
    const onAbort = (): void => this.#open?.refuse(new FaultError(faultOfAbort(signal)));
    signal.addEventListener('abort', onAbort, { once: true });
    if (isLast) this.#group.stdin.end(line);
    else this.#group.stdin.write(line);
    try {
      return await answered;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#group.hold(false);
    }
  }

  /** After its last answer it ends, by itself. One that does not is stopped; one that then fails has failed. */
  async endsWell({ metadata }: TaskResult): Promise<void> {
    this.#group.hold(true);
    const patience = new AbortController();
    const tooLate = delay(this.#options.graceMs, undefined, { signal: patience.signal }).catch(
      () => undefined,
    );
    const exit = await Promise.race([this.#group.exited, tooLate]);
    patience.abort();
    if (exit === undefined || exit.code === 0) return;
    const fault = this.#disturbed ?? this.#crash(exit, 'after its answer');
    // What it has answered it has done, and nobody has looked into that yet.
    const told: unknown = metadata;
    throw new FaultError(isJsonObject(told) ? reported(fault, { cost: told['cost'] }) : fault);
  }

  async stop(): Promise<void> {
    this.#group.hold(true);
    await this.#group.stop(this.#options.graceMs);
    await this.#over;
  }

  /** Resolves when it is gone, and all that it has said was heard. */
  async #end(): Promise<Exit> {
    const exit = await this.#group.exited;
    this.isOver = true;
    // Whoever it has left behind would keep its streams open. Who has left the group can do so still.
    this.#group.kill();
    await Promise.race([this.#group.closed, delay(this.#options.graceMs, undefined, { ref: false })]);
    this.#fail(this.#crash(exit, 'without an answer'));
    return exit;
  }

  #hear(line: Buffer): void {
    const open = this.#open;
    const text = utf8Of(line);
    const message = text === undefined ? undefined : jsonOf(text);
    if (!isJsonObject(message) || message['jsonrpc'] !== '2.0')
      return this.#fail(
        { class: 'not-parseable', message: 'it wrote what is no line of JSON-RPC 2.0', isWhole: true },
        text,
      );
    const { id, method } = message;
    // What it tells by itself is not asked for; what it has told already does not change any more.
    if (id === undefined && typeof method === 'string') return;
    if (typeof id === 'number' && id >= 1 && id < (open?.id ?? this.#asked + 1)) return;
    if (open === undefined || id !== open.id)
      return this.#fail({
        class: 'not-parseable',
        message: `it answered to ${JSON.stringify(id)}, which was not asked`,
      });
    this.#open = undefined;
    settleBy(message, open);
  }

  /** Nothing that it says from now on can be trusted: the question stays open, so it is not asked another. */
  #fail(fault: Fault, answer?: string): void {
    this.#open?.refuse(unanswered(fault, answer));
    if (this.#open !== undefined) return;
    // Its end says nothing of that any more: it is killed here.
    if (!this.isOver) this.#disturbed ??= { ...fault, message: `${fault.message}, after its answer` };
    this.#group.kill();
  }

  #crash({ code, signal, error }: Exit, when: string): Fault {
    const said = this.#stderr.toString('utf8').trim();
    const how = error?.message ?? (signal === null ? `exited with ${code}` : `was ended by ${signal}`);
    const systemCode = error !== undefined && 'code' in error ? String(error.code) : undefined;
    const told = systemCode ?? code ?? signal;
    return {
      class: 'crash',
      message: `${this.#options.command}: ${how} ${when}${said === '' ? '' : `; it said: ${said}`}`,
      ...(told === null ? {} : { code: told }),
    };
  }
}

function requestLine(id: number, assignment: Assignment): string {
  const { input, context, constraints, idempotencyKey, attempt, traceparent } = assignment;
  const params = { id: assignment.id, input, context, constraints, idempotencyKey, attempt, traceparent };
  return `${JSON.stringify({ jsonrpc: '2.0', id, method: 'execute', params })}\n`;
}

function settleBy({ result, error }: JsonObject, { answer, refuse }: Question): void {
  try {
    if (isJsonObject(error)) {
      const { code, message, data } = error;
      throw new FaultError(reported(faultOf({ code, message }, Date.now(), 'agent-failure'), data));
    }
    answer(claimedResult(result));
  } catch (fault) {
    refuse(fault as FaultError);
  }
}
