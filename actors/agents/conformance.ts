/**
 * The contract test kit: cases that every agent must pass, for users to run on their own. It asks the agent for real, so what it
 * calls is called, and what that costs is spent: give it a counterpart for tests.
 *
 * It needs no test framework. A case that needs to know what the agent does to others is skipped, with the reason, until the user
 * gives the hook for it.
 */
import type { Assignment, TaskResult } from '../../machines/contract.ts';
import type { FaultClass } from '../../machines/faults/fault.ts';
import { amountOf, problemOfAmount } from '../../machines/values/money.ts';
import { agent as makeAgent, isAgent } from './agent.ts';
import type { Agent } from './agent.ts';
import { attempt } from './attempt.ts';
import type { AttemptOutcome } from './attempt.ts';
import { problemOfCapability } from './capability.ts';
import { canonicalOf } from '../../machines/values/canonical.ts';
import { estimateOf } from '../routing/cost.ts';
import { hashOf } from '../schema/digest.ts';
import { checkedSchemaOf, samplesFor } from '../schema/checked.ts';
import type { SchemaLike } from '../schema/inferred.ts';
import { isRecord } from '../schema/plain.ts';

export interface ConformanceCase {
  /** What must be true. */
  readonly name: string;
  /** Why it cannot be run. */
  readonly skip: string | undefined;
  /** Rejects with what is not true. */
  run(): Promise<void>;
}

export interface ConformanceOptions {
  /** Inputs that the agent can do. Made from its input schema, if nothing is said. */
  readonly inputs?: readonly unknown[];
  /** What one call may cost, as a decimal amount. 1, if nothing is said. */
  readonly maxCost?: number;
  /** How long one call may take. 10 seconds, if nothing is said. */
  readonly timeoutMs?: number;
  /** Within which it must have stopped after it was told to. 1 second, if nothing is said. */
  readonly abortWithinMs?: number;
  /** What its tasks tell of the run: values for the keys that it declares. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** How often its counterpart was called so far. */
  readonly calls?: () => number;
  /** What has been done at its counterpart so far: what was asked for twice with one key counts once. */
  readonly effects?: () => number;
  /** Ways in which its counterpart can fail, and the faults that may come of it. */
  readonly failures?: readonly {
    readonly name: string;
    /** Makes the next call fail. */
    readonly arrange: () => void | Promise<void>;
    readonly faults: readonly FaultClass[];
  }[];
  /** Makes the next call take for ever, so that stopping it can be tried. */
  readonly hang?: () => void | Promise<void>;
}

/** All cases for an agent. Nothing is asked before one is run. */
export function conformance(agent: Agent, options: ConformanceOptions = {}): ConformanceCase[] {
  const bench = new Bench(agent, options);
  return [
    ...definitionCases(bench),
    ...refusalCases(bench),
    ...answerCases(bench),
    ...stoppingCases(bench),
    ...honestyCases(bench),
  ];
}

/** What a test framework has, as far as it is needed: `describe` and `it` of vitest, jest, node:test. */
export interface TestWords {
  readonly describe: (name: string, tests: () => void) => unknown;
  readonly it: ((name: string, test: () => Promise<void>) => unknown) & {
    readonly skip: (name: string, test: () => Promise<void>) => unknown;
  };
}

/** Declares every case as a test. */
export function describeConformance(
  { describe, it }: TestWords,
  agent: Agent,
  options?: ConformanceOptions,
): void {
  describe(`the contract of ${agent.name}`, () => {
    for (const { name, skip, run } of conformance(agent, options)) {
      if (skip === undefined) it(name, run);
      else it.skip(`${name} (${skip})`, run);
    }
  });
}

/** Where an agent is tried. Owns its inputs, and what its first answer was. */
class Bench {
  readonly agent: Agent;
  readonly options: ConformanceOptions;
  readonly inputs: readonly unknown[];
  #first: Promise<AttemptOutcome> | undefined;
  #made = 0;

  constructor(agent: Agent, options: ConformanceOptions) {
    this.agent = agent;
    this.options = options;
    this.inputs =
      options.inputs ?? (isAgent(agent) ? samplesFor(agent.contract.input, 'conformance', 3) : []);
  }

  get input(): Readonly<Record<string, unknown>> {
    const [input] = this.inputs;
    hold(isRecord(input), 'no input can be made from the input schema: give inputs');
    // A copy: an agent that writes into one must not spoil it for the next case.
    return structuredClone(input);
  }

  get maxCost(): number {
    return this.options.maxCost ?? 1;
  }

  get abortWithinMs(): number {
    return this.options.abortWithinMs ?? 1000;
  }

  assignment(parts: Partial<Assignment> = {}): Assignment {
    const id = `conformance/${++this.#made}`;
    const timeout = this.options.timeoutMs ?? 10_000;
    return {
      id,
      input: this.input,
      context: {
        workflow: 'conformance',
        run: 'conformance/1',
        task: 'task',
        values: this.options.context ?? {},
      },
      constraints: { maxCost: this.maxCost, timeout, qualityThreshold: 0 },
      idempotencyKey: `${id}#1`,
      attempt: 1,
      signal: AbortSignal.timeout(timeout),
      traceparent: undefined,
      ...parts,
    };
  }

  ask(parts: Partial<Assignment> = {}): Promise<AttemptOutcome> {
    return attempt(this.agent, this.assignment(parts));
  }

  /** One answer, for all the cases that only look at it. */
  first(): Promise<AttemptOutcome> {
    return (this.#first ??= this.ask());
  }

  /** The agent with an ear at its door: whether it was asked. */
  watched(): { readonly agent: Agent; readonly asked: () => number } {
    let asked = 0;
    const { name, model, contextKeys } = this.agent;
    const agent = makeAgent.from(
      {
        capabilities: this.agent.capabilities,
        inputSchema: this.agent.inputSchema,
        outputSchema: this.agent.outputSchema,
        execute: () => {
          asked++;
          return Promise.reject(new Error('it was asked'));
        },
      },
      { name, model, contextKeys },
    );
    // The check of the agent itself, which may know more than its JSON Schema.
    return { agent: { ...agent, contract: this.agent.contract }, asked: () => asked };
  }
}

type Case = (name: string, run: () => void | Promise<void>, skip?: string | false) => ConformanceCase;

const that: Case = (name, run, skip = false) => ({
  name,
  skip: skip === false ? undefined : skip,
  run: async () => {
    await run();
  },
});

/** @throws Error with what is not true */
function hold(isTrue: boolean, otherwise: string): asserts isTrue {
  if (!isTrue) throw new Error(otherwise);
}

function definitionCases({ agent, inputs, options }: Bench): ConformanceCase[] {
  const { contract, estimate, countTokens } = agent;
  const noEstimate = estimate === undefined && 'it has no estimate';
  const noCount = countTokens === undefined && 'it has no countTokens';
  const eachInput = (check: (input: unknown) => void): void => inputs.forEach(check);
  /** The amount; or why there is none. */
  const estimated = (input: unknown): number | string => {
    const made = estimateOf(agent, input, Date.now());
    return typeof made === 'string' ? made : amountOf(made.estimate!);
  };
  return [
    that('it was made by agent()', () => hold(isAgent(agent), 'make it with agent() or agent.from()')),
    that('it is frozen', () => hold(Object.isFrozen(agent), 'it can be changed')),
    that('it has a capability', () => hold(agent.capabilities.length > 0, 'it has none')),
    that('its capabilities are names with versions', () => {
      for (const capability of agent.capabilities)
        hold(problemOfCapability(capability) === undefined, `'${capability}' is none`);
    }),
    that('its input schema is the one it is checked with', () =>
      sameSchema(agent.inputSchema, contract.input.hash),
    ),
    that('its output schema is the one it is checked with', () =>
      sameSchema(agent.outputSchema, contract.output.hash),
    ),
    that('its contract has the hash of its schemas', () => {
      const hash = hashOf({ input: contract.input.hash, output: contract.output.hash });
      hold(contract.hash === hash, `it is ${contract.hash}, and should be ${hash}`);
    }),
    that('there is an input to try it with', () => hold(inputs.length > 0, 'none can be made: give inputs')),
    that('the inputs meet its input schema', () => {
      eachInput((input) => hold(contract.input.check(input).ok, 'one of them does not'));
    }),
    that(
      'it estimates an amount for each input',
      () => eachInput((input) => hold(typeof estimated(input) === 'number', String(estimated(input)))),
      noEstimate,
    ),
    that(
      'it estimates the same input the same',
      () => eachInput((input) => hold(estimated(input) === estimated(input), 'it does not')),
      noEstimate,
    ),
    that(
      'it estimates no more than a call may cost',
      () =>
        eachInput((input) =>
          hold(Number(estimated(input)) <= (options.maxCost ?? 1), 'it does: give maxCost'),
        ),
      noEstimate,
    ),
    that(
      'it counts whole tokens',
      () =>
        eachInput((input) => hold(Number.isSafeInteger(countTokens!(input)), `not ${countTokens!(input)}`)),
      noCount,
    ),
  ];
}

function sameSchema(jsonSchema: SchemaLike, hash: string): void {
  const reading = checkedSchemaOf(jsonSchema);
  hold(reading.ok && reading.schema.hash === hash, 'it is another one');
}

/** What must be refused before the agent hears of it. */
function refusalCases(bench: Bench): ConformanceCase[] {
  const refuses = (
    name: string,
    breakInput: (input: Readonly<Record<string, unknown>>) => unknown,
  ): ConformanceCase =>
    that(`it is never asked with ${name}`, async () => {
      const broken = breakInput(bench.input);
      const { agent, asked } = bench.watched();
      const outcome = await attempt(agent, bench.assignment({ input: broken as Assignment['input'] }));
      hold(asked() === 0, 'it was');
      hold(outcome.fault?.class === 'invalid-input', `it is told as ${outcome.fault?.class ?? 'a success'}`);
      hold((outcome.fault.problems?.length ?? 0) > 0, 'nobody is told where');
    });
  const { required = [] } = bench.agent.inputSchema as { readonly required?: readonly string[] };
  const breaking = isRecord(bench.inputs[0]) ? breakingField(bench.agent, bench.inputs[0]) : undefined;
  return [
    ...required.map((name) =>
      refuses(`an input without '${name}'`, (input) =>
        Object.fromEntries(Object.entries(input).filter(([key]) => key !== name)),
      ),
    ),
    ...(breaking === undefined
      ? []
      : [refuses(`a wrong '${breaking[0]}'`, (input) => ({ ...input, [breaking[0]]: breaking[1] }))]),
    refuses('a text', () => 'text'),
    refuses('null', () => null),
    refuses('nothing', () => undefined),
    refuses('a list', (input) => [input]),
    refuses('a number that is none', () => Number.NaN),
    refuses('an instance of a class', (input) => Object.assign(new Date(0), input)),
    refuses('a function in it', (input) => ({ ...input, added: () => 1 })),
    refuses('itself in it', (input) => {
      const cyclic: Record<string, unknown> = { ...input };
      cyclic['added'] = cyclic;
      return cyclic;
    }),
    refuses('what cannot be read', (input) =>
      Object.defineProperty({ ...input }, 'added', {
        enumerable: true,
        get: () => {
          throw new Error('unreadable');
        },
      }),
    ),
    that('it is never asked when it is not wanted any more', async () => {
      const { agent, asked } = bench.watched();
      const outcome = await attempt(agent, bench.assignment({ signal: AbortSignal.abort('no') }));
      hold(asked() === 0, 'it was');
      hold(outcome.fault?.class === 'cancelled', 'it is told as something else');
    }),
    that('it is told nothing of the run that it does not declare', async () => {
      const { contextKeys } = bench.agent;
      const values = { ...Object.fromEntries(contextKeys.map((key) => [key, 1])), undeclaredKey: 1 };
      let seen: Readonly<Record<string, unknown>> | undefined;
      const execute = (assignment: Assignment): Promise<TaskResult> => {
        seen = assignment.context.values;
        return Promise.reject(new Error('seen'));
      };
      const { context } = bench.assignment();
      await attempt({ ...bench.agent, execute }, bench.assignment({ context: { ...context, values } }));
      hold(seen !== undefined, 'it was not asked at all');
      hold(
        canonicalOf(Object.keys(seen).sort()) === canonicalOf([...contextKeys].sort()),
        'it was told more',
      );
    }),
  ];
}

/** A field, and a value for it that breaks the schema; undefined when it takes anything. */
function breakingField(
  { contract }: Agent,
  input: Readonly<Record<string, unknown>>,
): readonly [name: string, value: unknown] | undefined {
  return Object.keys(input)
    .flatMap((name) => [null, -1.5, '', [], {}].map((value) => [name, value] as const))
    .find(([name, value]) => !contract.input.check({ ...input, [name]: value }).ok);
}

/** What its answer to an input that it can do must be. */
function answerCases(bench: Bench): ConformanceCase[] {
  const { agent, options } = bench;
  const answered = (name: string, check: (result: TaskResult) => void): ConformanceCase =>
    that(name, async () => check(answerIn(await bench.first())));
  return [
    that('it answers', async () => void answerIn(await bench.first())),
    that('its answer breaks nothing of the contract', async () => {
      const { fault } = await bench.first();
      hold(fault?.class !== 'contract-violation', fault?.message ?? '');
    }),
    answered('its output meets its output schema', ({ output }) =>
      hold(agent.contract.output.check(output).ok, 'no'),
    ),
    answered('its cost is an exact amount', ({ metadata }) =>
      hold(problemOfAmount(metadata.cost) === undefined, 'no'),
    ),
    answered('its cost is within what it may cost', ({ metadata }) =>
      hold(metadata.cost <= bench.maxCost, `it is ${metadata.cost}`),
    ),
    answered('its confidence is between 0 and 1', ({ metadata: { confidence } }) =>
      hold(confidence >= 0 && confidence <= 1, `it is ${confidence}`),
    ),
    answered('its answer says what has done it', ({ metadata }) =>
      hold(metadata.model !== '', 'it does not'),
    ),
    answered('its answer says how long it took', ({ metadata }) =>
      hold(metadata.duration >= 0, 'it does not'),
    ),
    that('it answers under the id that it was asked under', async () => {
      const raw = await agent.execute(bench.assignment({ id: 'conformance/of-its-own' }));
      hold(raw.id === 'conformance/of-its-own', `it answers as '${raw.id}'`);
    }),
    that('it answers to every input', async () => {
      for (const input of bench.inputs) answerIn(await bench.ask({ input: input as Assignment['input'] }));
    }),
    that('it keeps apart what it is asked at the same time', async () => {
      const outcomes = await Promise.all(['left', 'right'].map((id) => bench.ask({ id })));
      hold(
        outcomes.every(({ fault }) => fault?.class !== 'contract-violation'),
        'it does not',
      );
    }),
    that('it changes nothing of what it is given', async () => {
      const { signal, traceparent, ...rest } = bench.assignment();
      const given = structuredClone(rest);
      await agent.execute({ ...given, signal, traceparent }).catch(() => {});
      hold(canonicalOf(given) === canonicalOf(rest), 'it does');
    }),
    that('it can do its work with what cannot be changed', async () => {
      const { fault } = await bench.first();
      hold(fault?.class !== 'crash', fault?.message ?? '');
    }),
    that('it does a repetition again, or once', async () => {
      const repeated = bench.assignment();
      const outcomes = [
        await attempt(agent, repeated),
        await attempt(agent, { ...repeated, signal: bench.assignment().signal }),
      ];
      outcomes.forEach(answerIn);
    }),
    that(
      'what it does to others, it does once for a key',
      async () => {
        const before = options.effects!();
        const repeated = bench.assignment();
        await attempt(agent, repeated);
        await attempt(agent, { ...repeated, signal: bench.assignment().signal });
        hold(options.effects!() - before <= 1, `it was done ${options.effects!() - before} times`);
      },
      options.effects === undefined && 'give effects',
    ),
    that(
      'it calls once for an attempt',
      async () => {
        const before = options.calls!();
        await bench.ask();
        hold(options.calls!() - before <= 1, `it called ${options.calls!() - before} times`);
      },
      options.calls === undefined && 'give calls',
    ),
  ];
}

/** An answer that keeps the contract. @throws Error when there is none */
function answerIn(outcome: AttemptOutcome): TaskResult {
  if (outcome.result !== undefined) return outcome.result;
  const { fault, output, metadata } = outcome;
  if (fault.class === 'needs-review' && output !== undefined && metadata !== undefined)
    return { id: '', status: 'needs_review', output, metadata };
  const where = (fault.problems ?? []).map(({ pointer, detail }) => `${pointer} ${detail}`).join(', ');
  throw new Error(`it has answered with a fault: ${fault.class}: ${fault.message} ${where}`.trimEnd());
}

function stoppingCases(bench: Bench): ConformanceCase[] {
  const { hang } = bench.options;
  const noHang = hang === undefined && 'give hang';
  const stopped = async (reason: unknown): Promise<{ outcome: AttemptOutcome; hasSettled: boolean }> => {
    await hang!();
    const stop = new AbortController();
    let settle: (() => void) | undefined;
    const settled = new Promise<void>((resolve) => (settle = resolve));
    let hasBegun: (() => void) | undefined;
    const begun = new Promise<void>((resolve) => (hasBegun = resolve));
    const execute = (assignment: Assignment): Promise<TaskResult> => {
      hasBegun?.();
      return bench.agent.execute(assignment).finally(() => settle?.());
    };
    const asked = attempt({ ...bench.agent, execute }, bench.assignment({ signal: stop.signal }));
    await begun;
    stop.abort(reason);
    const outcome = await asked;
    const isInTime = await Promise.race([settled.then(() => true), elapsed(bench.abortWithinMs)]);
    return { outcome, hasSettled: isInTime };
  };
  return [
    that(
      'it stops when it is told to',
      async () => {
        const { hasSettled } = await stopped(new Error('not wanted any more'));
        hold(hasSettled, `it was still at it after ${bench.abortWithinMs} ms`);
      },
      noHang,
    ),
    that(
      'what was stopped is told as cancelled',
      async () => {
        const { outcome } = await stopped(new Error('not wanted any more'));
        hold(outcome.fault?.class === 'cancelled', `it is told as ${outcome.fault?.class ?? 'a success'}`);
      },
      noHang,
    ),
    that(
      'what took too long is told as such',
      async () => {
        const { outcome } = await stopped(new DOMException('too long', 'TimeoutError'));
        hold(outcome.fault?.class === 'timeout', `it is told as ${outcome.fault?.class ?? 'a success'}`);
      },
      noHang,
    ),
  ];
}

const elapsed = (ms: number): Promise<false> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms, false).unref();
  });

/** What it says when those fail whom it asks in turn. */
function honestyCases(bench: Bench): ConformanceCase[] {
  const { failures = [], calls } = bench.options;
  if (failures.length === 0) return [that('it tells its failures', () => {}, 'give failures')];
  return failures.flatMap(({ name, arrange, faults }) => [
    that(`it tells ${name} for what it is`, async () => {
      await arrange();
      const { fault } = await bench.ask();
      hold(fault !== undefined, 'it is told as a success');
      hold(faults.includes(fault.class), `it is told as ${fault.class}: ${fault.message}`);
    }),
    that(
      `it does not try again by itself after ${name}`,
      async () => {
        await arrange();
        const before = calls!();
        await bench.ask();
        hold(calls!() - before <= 1, `it called ${calls!() - before} times`);
      },
      calls === undefined && 'give calls',
    ),
  ]);
}
