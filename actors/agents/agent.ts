/**
 * An agent: something that does work under a contract, and can be changed for anything else that has the same. Everything about the
 * contract is looked at when the agent is made; if anything is wrong, all of it is told and there is no agent.
 *
 * An agent does its work once and says what came of it. It does not check, retry, time or repair: see attempt.ts for what is done
 * around a call.
 */
import type {
  AgentContract,
  Assignment,
  ConsultedSource,
  JSONSchema,
  Source,
  TaskMetadata,
  TaskResult,
} from '../../machines/contract.ts';
import { calibration } from '../../machines/faults/quality.ts';
import type { Calibration } from '../../machines/faults/quality.ts';
import { problemOfCapability } from './capability.ts';
import { ContractRefused } from '../errors.ts';
import type { ContractProblem } from '../errors.ts';
import { isPriceTable } from './price.ts';
import type { PriceTable, TokenCounts } from './price.ts';
import { REPAIRS } from './repair.ts';
import type { RepairName } from './repair.ts';
import { problemOfHours } from '../routing/hours.ts';
import type { WorkingHours } from '../routing/hours.ts';
import { hashOf } from '../schema/digest.ts';
import { checkedSchemaOf } from '../schema/checked.ts';
import type { Checked } from '../schema/checked.ts';
import type { Inferred, SchemaLike } from '../schema/inferred.ts';
import { isRecord } from '../schema/plain.ts';
import { problemOfAddress } from '../values/address.ts';

/** What an agent may be asked with, and what it answers. Two agents of the same hash can stand in for each other. */
export interface Contract<TInput = unknown, TOutput = unknown> {
  /** SHA-256 over the hashes of the two schemas. */
  readonly hash: string;
  readonly input: Checked<TInput>;
  readonly output: Checked<TOutput>;
}

/** What came of it, with the output that the contract promises. A failure has no such output. */
export type ResultOf<TOutput> = Omit<TaskResult, 'status' | 'output'> &
  (
    | { readonly status: 'success' | 'needs_review'; readonly output: Frozen<TOutput> }
    | { readonly status: 'failure'; readonly output: TaskResult['output'] }
  );

/** As it may be written: lists and fields need not be changeable. */
type Frozen<TValue> = TValue extends object
  ? { readonly [TName in keyof TValue]: Frozen<TValue[TName]> }
  : TValue;

/** Results that are not what the contract promises. Of an adapter's the compiler knows nothing; they are checked when they come. */
type Misfits<TResult extends TaskResult, TOutput> = TResult extends unknown
  ? string extends keyof TResult['output']
    ? never
    : TResult extends ResultOf<TOutput>
      ? never
      : TResult
  : never;

/** Where results do not fit, they are asked to, so that the compiler says what is missing. */
type Fitting<TResult extends TaskResult, TOutput> = [Misfits<TResult, TOutput>] extends [never]
  ? unknown
  : { readonly execute: (...assignment: never) => Promise<ResultOf<TOutput>> };

export type AgentProperties = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** What is said of an agent beside its contract. */
export interface AgentDetails<TInput = unknown> {
  /** Under which it is registered, and stands in records. */
  readonly name: string;
  /** Of its code, prompt or model: stands in records. */
  readonly version?: string;
  /** Which model, tool or person does the work. */
  readonly model: string;
  /** What an input will cost: a decimal amount, or tokens that are counted with `prices`. Pure. */
  readonly estimate?: (input: TInput) => number | Partial<TokenCounts>;
  /** The prices of the tokens that it estimates. */
  readonly prices?: PriceTable;
  /** What it may know of the run beside its input, by name. Nothing, if nothing is said. */
  readonly contextKeys?: readonly string[];
  /** How many tokens an input is. Pure. */
  readonly countTokens?: (input: TInput) => number;
  /** How many tokens an input may be. */
  readonly window?: number;
  /** How many tasks it does at once. Those that come besides wait, and the time counts as that of their attempt. */
  readonly concurrency?: number;
  /** When it can be asked: for people. Default: always. */
  readonly hours?: WorkingHours;
  /** The addresses of the gates that its calls pass: `bankBreaker/main`. */
  readonly permits?: readonly string[];
  /** The address of the account that its cost is charged to as well. */
  readonly budget?: string;
  /** What else the decider is told of it: in which region it works, for how many days it keeps what it is given. */
  readonly properties?: AgentProperties;
  /** What may be mended in its answers, in this order. Nothing, if nothing is said. */
  readonly repairs?: readonly RepairName[];
  /** How much its own word about how sure it is is worth, as measured. Default: it is taken as it is. */
  readonly calibration?: Calibration;
}

export interface AgentOptions<
  TInput extends SchemaLike,
  TOutput extends SchemaLike,
  TResult extends TaskResult = TaskResult,
> extends AgentDetails<Inferred<TInput>> {
  readonly capabilities: readonly string[];
  /** JSON Schema, any Standard Schema, Effect Schema, or `{ schema, jsonSchema }`. */
  readonly inputSchema: TInput;
  readonly outputSchema: TOutput;
  readonly execute: (assignment: Assignment<NoInfer<Fields<Inferred<TInput>>>>) => Promise<TResult>;
}

/** Of an input of which the schema says nothing, nobody knows the fields. */
type Fields<TInput> = unknown extends TInput ? Assignment['input'] : TInput;

/** Frozen, and conforming. */
export interface Agent<TInput = unknown, TOutput = unknown> extends AgentContract {
  readonly name: string;
  readonly version: string | undefined;
  readonly model: string;
  readonly contract: Contract<TInput, TOutput>;
  readonly contextKeys: readonly string[];
  readonly repairs: readonly RepairName[];
  readonly permits: readonly string[];
  readonly prices: PriceTable | undefined;
  readonly window: number | undefined;
  readonly concurrency: number | undefined;
  readonly hours: WorkingHours | undefined;
  readonly budget: string | undefined;
  readonly calibration: Calibration | undefined;
  readonly properties: AgentProperties;
  // As methods, so that an agent of some input is an agent.
  estimate?(input: TInput): number | Partial<TokenCounts>;
  countTokens?(input: TInput): number;
  execute(assignment: Assignment): Promise<TaskResult>;
}

/** An agent of which nobody has said what it takes. */
export type AnyAgent = Agent;

/** @throws ContractRefused with everything that is wrong */
export function agent<
  const TInput extends SchemaLike,
  const TOutput extends SchemaLike,
  const TResult extends TaskResult,
>(
  options: AgentOptions<TInput, TOutput, TResult> & Fitting<TResult, Inferred<TOutput>>,
): Agent<Inferred<TInput>, Inferred<TOutput>> {
  return conforming(options) as Agent<Inferred<TInput>, Inferred<TOutput>>;
}

/**
 * An agent of whatever has the contract, instances of classes too.
 * @throws ContractRefused with everything that is wrong
 */
agent.from = function from(contract: AgentContract, details: AgentDetails): Agent {
  const given: unknown = contract;
  if (!isRecord(given))
    throw new ContractRefused(nameOf(details), [{ pointer: '#', detail: 'must be an object' }]);
  const { capabilities, inputSchema, outputSchema } = contract;
  const hasExecute = typeof contract.execute === 'function';
  // Through the object, which may need itself.
  const execute = hasExecute ? (assignment: Assignment) => contract.execute(assignment) : undefined;
  return conforming({ ...details, capabilities, inputSchema, outputSchema, execute });
};

const agents = new WeakSet();

/** Whether a value is an agent that was made here, and conforms. */
export const isAgent = (value: unknown): value is Agent =>
  typeof value === 'object' && value !== null && agents.has(value);

/** Somebody else under the same contract. Of what was said of the one before, no function is ever called. */
export function doneBy(agent: Agent, { model, execute }: Pick<Agent, 'model' | 'execute'>): Agent {
  const { name, version, capabilities, inputSchema, outputSchema, contract } = agent;
  const { contextKeys, repairs, concurrency, properties } = agent;
  const made: Agent = Object.freeze({
    ...{ name, version, model, capabilities, inputSchema, outputSchema, contract },
    ...{ contextKeys, repairs, concurrency, properties, execute },
    permits: [],
    ...{ prices: undefined, window: undefined, hours: undefined, budget: undefined, calibration: undefined },
  });
  agents.add(made);
  return made;
}

/** What came of an assignment, in the words of the contract. Nothing is filled in. */
export function result<const TOutput extends TaskResult['output']>(
  { id }: { readonly id: string },
  { output, status = 'success', ...metadata }: ResultParts<TOutput>,
): Done<TOutput> {
  return { id, status, output, metadata: told(metadata) };
}

/** Its metadata, and nothing that it was given besides. */
function told({ cost, duration, model, confidence, sources }: ToldMetadata): TaskMetadata {
  // Contents are taken out of it when the result is looked at.
  return { cost, duration, model, confidence, ...(sources && { sources: sources as readonly Source[] }) };
}

/** Metadata as an agent tells it: with what it has found in its sources, instead of the hashes. */
export interface ToldMetadata extends Omit<TaskMetadata, 'sources'> {
  readonly sources?: readonly ConsultedSource[];
}

type Done<TOutput> = Omit<TaskResult, 'status' | 'output'> & {
  readonly status: 'success' | 'needs_review';
  readonly output: TOutput;
};

export interface ResultParts<TOutput> extends ToldMetadata {
  readonly output: TOutput;
  /** Success, if nothing is said. A failure has its own: {@link failure}. */
  readonly status?: 'success' | 'needs_review';
}

/** That an assignment could not be done. What is said of it goes into the output. */
export function failure(
  { id }: { readonly id: string },
  { output = {}, ...metadata }: ToldMetadata & { readonly output?: TaskResult['output'] },
): TaskResult & { readonly status: 'failure' } {
  return { id, status: 'failure', output, metadata: told(metadata) };
}

const OPTIONS = [
  ...['name', 'version', 'capabilities', 'model', 'inputSchema', 'outputSchema', 'execute', 'estimate'],
  ...['contextKeys', 'countTokens', 'window', 'concurrency', 'permits', 'budget', 'repairs', 'calibration'],
  ...['prices', 'hours', 'properties'],
];

function conforming(options: unknown): Agent {
  const findings = new Findings(options);
  const input = findings.schema('inputSchema');
  const output = findings.schema('outputSchema');
  const made = {
    name: findings.text('name', NAME, 'must be a name: letters, digits, dots, dashes'),
    version: findings.optionalText('version'),
    model: findings.text('model', /\S/, 'must say which model, tool or person does the work'),
    capabilities: findings.capabilities(),
    estimate: findings.optionalFunction('estimate'),
    countTokens: findings.optionalFunction('countTokens'),
    contextKeys: findings.names('contextKeys'),
    permits: findings.addresses('permits'),
    repairs: findings.names('repairs', REPAIRS),
    window: findings.count('window'),
    concurrency: findings.count('concurrency'),
    prices: findings.valid('prices', (value) => (isPriceTable(value) ? undefined : 'must be a priceTable')),
    hours: findings.valid('hours', problemOfHours),
    budget: findings.valid('budget', problemOfAddress),
    calibration: findings.valid('calibration', problemOfCalibration),
    properties: findings.properties(),
    execute: findings.function('execute'),
  };
  findings.strangers(OPTIONS);
  findings.tokens();
  if (findings.problems.length > 0 || input === undefined || output === undefined)
    throw new ContractRefused(nameOf(options), findings.problems);
  const hash = hashOf({ input: input.hash, output: output.hash });
  const whole = Object.freeze({
    ...made,
    inputSchema: input.jsonSchema,
    outputSchema: output.jsonSchema,
    contract: Object.freeze({ hash, input, output }),
  });
  agents.add(whole);
  // What its functions take and give was checked by the compiler where they were written; here they are functions.
  return whole as unknown as Agent;
}

function problemOfCalibration(points: unknown): string | undefined {
  try {
    calibration(points as Calibration);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

function nameOf(options: unknown): string {
  const name = isRecord(options) ? options['name'] : undefined;
  return typeof name === 'string' && name !== '' ? `agent '${name}'` : 'an agent without a name';
}

/** Reads options one by one, and collects everything that is wrong with them. */
class Findings {
  readonly problems: ContractProblem[] = [];
  readonly #options: Readonly<Record<string, unknown>>;

  constructor(options: unknown) {
    this.#options = isRecord(options) ? options : {};
    if (!isRecord(options)) this.#report('', 'must be an object');
  }

  schema(name: 'inputSchema' | 'outputSchema'): Checked | undefined {
    const reading = checkedSchemaOf(this.#options[name] as SchemaLike);
    if (!reading.ok) {
      for (const { pointer, detail } of reading.problems) this.#report(`/${name}${pointer.slice(1)}`, detail);
      return undefined;
    }
    const type = typeIn(reading.schema.jsonSchema);
    if (type === undefined || type === 'object') return reading.schema;
    this.#report(`/${name}/type`, "must be 'object': inputs and outputs have fields with names");
    return undefined;
  }

  text(name: string, form: RegExp, problem: string): string {
    const value = this.#options[name];
    if (typeof value === 'string' && form.test(value)) return value;
    this.#report(`/${name}`, problem);
    return '';
  }

  optionalText(name: string): string | undefined {
    return this.#options[name] === undefined ? undefined : this.text(name, /\S/, 'must be a text');
  }

  function(name: string): unknown {
    const value = this.#options[name];
    if (typeof value !== 'function') this.#report(`/${name}`, 'must be a function');
    return value;
  }

  optionalFunction(name: string): unknown {
    return this.#options[name] === undefined ? undefined : this.function(name);
  }

  count(name: string): number | undefined {
    const value = this.#options[name];
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
    this.#report(`/${name}`, 'must be a whole number from 1 on');
    return undefined;
  }

  /** Something of which somebody else knows what it must be. */
  valid(name: string, problemOf: (value: unknown) => string | undefined): unknown {
    const value = this.#options[name];
    const problem = value === undefined ? undefined : problemOf(value);
    if (problem !== undefined) this.#report(`/${name}`, problem);
    return value;
  }

  /** A list of names, once each. */
  names(name: string, known?: readonly string[]): readonly string[] {
    const value = this.#options[name];
    if (value === undefined) return Object.freeze([]);
    return this.#list(name, value, (item) => {
      if (typeof item !== 'string' || item === '') return 'must be a name';
      return known?.includes(item) === false ? `must be one of ${known.join(', ')}` : undefined;
    });
  }

  /** A list of addresses, once each. */
  addresses(name: string): readonly string[] {
    const value = this.#options[name];
    return value === undefined ? Object.freeze([]) : this.#list(name, value, problemOfAddress);
  }

  /** A copy: a decision must not come out otherwise because somebody has changed it. */
  properties(): AgentProperties {
    const value = this.#options['properties'] ?? {};
    if (!isRecord(value)) {
      this.#report('/properties', 'must be an object');
      return {};
    }
    const copy = Object.entries(value).map(([name, item]): readonly [string, unknown] => {
      const isList = Array.isArray(item) && item.every((one) => typeof one === 'string');
      const isOne = typeof item === 'string' || typeof item === 'boolean' || Number.isFinite(item);
      if (!isOne && !isList)
        this.#report(`/properties/${name}`, 'must be a text, a number, true, false, or a list of texts');
      return [name, isList ? Object.freeze([...item]) : item];
    });
    return Object.freeze(Object.fromEntries(copy)) as AgentProperties;
  }

  capabilities(): readonly string[] {
    const value = this.#options['capabilities'];
    const list = this.#list('capabilities', value, problemOfCapability);
    if (Array.isArray(value) && value.length === 0) this.#report('/capabilities', 'must name at least one');
    return list;
  }

  /** What is misspelt would silently do nothing. */
  strangers(known: readonly string[]): void {
    for (const name of Object.keys(this.#options)) {
      if (!known.includes(name)) this.#report(`/${name}`, `is no option; there are ${known.join(', ')}`);
    }
  }

  tokens(): void {
    const { window, countTokens } = this.#options;
    if (window !== undefined && countTokens === undefined)
      this.#report('/window', 'needs countTokens, or nobody can tell what fits into it');
  }

  #list(name: string, value: unknown, problem: (item: unknown) => string | undefined): readonly string[] {
    if (!Array.isArray(value)) {
      this.#report(`/${name}`, 'must be a list');
      return [];
    }
    const items: readonly unknown[] = value;
    for (const [index, item] of items.entries()) {
      const isAgain = items.indexOf(item) !== index;
      const wrong = problem(item) ?? (isAgain ? 'is named twice' : undefined);
      if (wrong !== undefined) this.#report(`/${name}/${index}`, wrong);
    }
    return Object.freeze([...items]) as readonly string[];
  }

  #report(place: string, detail: string): void {
    this.problems.push({ pointer: `#${place}`, detail });
  }
}

const typeIn = (schema: JSONSchema): unknown => (isRecord(schema) ? schema['type'] : undefined);
