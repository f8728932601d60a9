/**
 * A language model as an agent: any model of an AI SDK provider (specification v2, v3 or v4), taken by its shape.
 *
 * It calls `doGenerate` once for an attempt, and gives it the signal, the idempotency key and the trace. `generateText` would
 * retry by itself. What comes back is read strictly: an answer that was cut off, filtered, empty or no JSON is a fault, with what it has
 * cost. What an answer costs is reported by the provider, or counted by a price table, or an error: it is never taken for
 * nothing.
 *
 * It does not hold the answer against the schema: that is done by whoever has given the work.
 */
import type { Assignment, JSONSchema, TaskMetadata } from '../../machines/contract.ts';
import type { Fault } from '../../machines/faults/fault.ts';
import { amountOf, microsOf, NOTHING } from '../../machines/values/money.ts';
import type { Micros } from '../../machines/values/money.ts';
import { InvalidArgument } from '../../runtime/index.ts';
import { FaultError } from '../agents/fault-error.ts';
import { costOf, pricesAt, roundedUp } from '../agents/price.ts';
import type { PriceTable, TokenCounts } from '../agents/price.ts';
import { callOnce, carried } from './call.ts';
import type { Execute } from './call.ts';
import { faultOf } from './classify.ts';
import { jsonObjectOf, readBy, refuseAnswer } from './reading.ts';
import type { JsonObject } from './reading.ts';
import { tokensOf } from './tokens.ts';

/** What is needed of a model. Those of all AI SDK providers have it. */
export interface LanguageModel {
  readonly specificationVersion: string;
  readonly provider: string;
  readonly modelId: string;
  doGenerate(options: GenerateOptions): PromiseLike<Generated>;
}

export interface GenerateOptions {
  prompt: readonly object[];
  maxOutputTokens?: number | undefined;
  responseFormat?: object | undefined;
  abortSignal?: AbortSignal | undefined;
  headers?: Readonly<Record<string, string | undefined>> | undefined;
}

export interface Generated {
  readonly content: readonly { readonly type: string }[];
  /** A word in v2; with the word of the provider beside it later. */
  readonly finishReason: string | { readonly unified: string };
  readonly usage: unknown;
  readonly response?: { readonly modelId?: string | undefined } | undefined;
}

/** What a model is asked. A text is a message of the user. */
export type Prompt = string | readonly Message[];

export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  /** A text, or parts as the specification of the model has them. */
  readonly content: string | readonly { readonly type: string }[];
}

export interface ModelOptions<TGenerated extends Generated = Generated> {
  readonly prompt: (assignment: Assignment) => Prompt;
  /** Said to the model before anything else. */
  readonly system?: string;
  /**
   * `'json'`: the model is asked for JSON, and its answer must be one object, and nothing else. A function reads the text itself; one
   * that throws makes it a fault, `not-parseable`.
   */
  readonly output: 'json' | ((text: string, assignment: Assignment) => JsonObject);
  /** Told to the model, with `'json'`. What it makes of it is another matter. */
  readonly outputSchema?: JSONSchema;
  /** From 0 to 1. There is no default: a model does not know it by itself. */
  readonly confidence: (answer: ModelAnswer<TGenerated>) => number;
  readonly price: PriceTable;
  /** What the provider itself says it has cost, as a decimal amount; goes before the price table. Rounded up to whole micro-units. */
  readonly reportedCost?: (generated: TGenerated) => number | undefined;
  /** What is done with an answer whose cost nobody can tell. Default: it is a fault, `contract-violation`. */
  readonly whenUsageIsMissing?: 'fault' | 'charge-the-reservation';
  /** How many tokens the answer may have. */
  readonly maxOutputTokens?: number;
  /** A request that does not fit is not made. Needs `maxOutputTokens`. */
  readonly window?: {
    /** For the request and the answer together. */
    readonly tokens: number;
    /** How many the messages are, at most: an estimate must have its margin. */
    readonly count: (messages: readonly Message[]) => number;
  };
  /** Given to the model as they are: `temperature`, `seed`, `providerOptions`. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface ModelAnswer<TGenerated extends Generated = Generated> {
  readonly output: JsonObject;
  readonly text: string;
  readonly generated: TGenerated;
}

/** What is recorded of an answer besides what the contract asks for. */
export interface ModelMetadata extends TaskMetadata {
  /** Who says so: `provider`, `price:sha256:…`, or `reservation`. */
  readonly costSource: string;
  readonly tokens: TokenCounts | undefined;
}

const VERSIONS = ['v2', 'v3', 'v4'];

type GeneratedBy<TModel extends LanguageModel> = Awaited<ReturnType<TModel['doGenerate']>>;

/** @throws InvalidArgument */
export function model<TModel extends LanguageModel, TOutput = JsonObject>(
  languageModel: TModel,
  options: ModelOptions<GeneratedBy<TModel>>,
): Execute<TOutput> {
  checkModel(languageModel);
  checkOptions(options);
  return async (assignment) => {
    const startedAt = performance.now();
    const messages = messagesFor(options, assignment);
    checkFits(options, messages);
    const generated = await generate(languageModel, options, messages, assignment);
    const bill = billOf(options, generated, assignment);
    const { output, confidence } = charged(bill, () => {
      const answer = readAnswer(options, generated, assignment);
      return { output: answer.output, confidence: options.confidence(answer) };
    });
    if (bill.cost === undefined)
      throw new FaultError({
        class: 'contract-violation',
        message: 'the model answered, and nobody knows what it has cost',
      });
    const metadata: ModelMetadata = {
      cost: amountOf(bill.cost),
      duration: Math.round(performance.now() - startedAt),
      model: `${languageModel.provider}/${generated.response?.modelId ?? languageModel.modelId}`,
      confidence,
      costSource: bill.source,
      tokens: bill.tokens,
    };
    return carried({ id: assignment.id, status: 'success', output, metadata });
  };
}

function checkModel(model: LanguageModel): void {
  // A name would be resolved by a gateway that nobody has asked for.
  if (typeof model !== 'object' || model === null || typeof model.doGenerate !== 'function')
    throw new InvalidArgument(
      'model.model',
      'must be a language model of an AI SDK provider: an object with doGenerate',
    );
  if (!VERSIONS.includes(model.specificationVersion))
    throw new InvalidArgument(
      'model.model.specificationVersion',
      `must be one of ${VERSIONS.join(', ')}, but is ${model.specificationVersion}`,
    );
}

function checkOptions(options: ModelOptions<never>): void {
  for (const name of ['prompt', 'confidence'] as const)
    if (typeof options[name] !== 'function') throw new InvalidArgument(`model.${name}`, 'must be a function');
  if (options.output !== 'json' && typeof options.output !== 'function')
    throw new InvalidArgument('model.output', "must be 'json', or a function that reads the text");
  if (!Array.isArray(options.price?.prices))
    throw new InvalidArgument('model.price', 'must be a priceTable(…)');
  if (pricesAt(options.price, Date.now()) === undefined)
    throw new InvalidArgument('model.price', 'must have prices that are in effect today');
  const { maxOutputTokens, window, settings = {} } = options;
  for (const [path, count] of [
    ['model.maxOutputTokens', maxOutputTokens],
    ['model.window.tokens', window?.tokens],
  ] as const)
    if (count !== undefined && !(Number.isSafeInteger(count) && count > 0))
      throw new InvalidArgument(path, 'must be a whole number above 0');
  if (window !== undefined && maxOutputTokens === undefined)
    throw new InvalidArgument(
      'model.maxOutputTokens',
      'must be given with a window: the answer must fit into it too',
    );
  const taken = Object.keys(settings).find((name) => OWN_SETTINGS.includes(name));
  if (taken !== undefined)
    throw new InvalidArgument(`model.settings.${taken}`, 'is set by the adapter: use its own option');
}

const OWN_SETTINGS = ['prompt', 'maxOutputTokens', 'responseFormat', 'abortSignal', 'headers'];

function messagesFor({ prompt, system }: ModelOptions<never>, assignment: Assignment): readonly Message[] {
  const asked = prompt(assignment);
  const messages: readonly Message[] = typeof asked === 'string' ? [{ role: 'user', content: asked }] : asked;
  return system === undefined ? messages : [{ role: 'system', content: system }, ...messages];
}

function checkFits({ window, maxOutputTokens = 0 }: ModelOptions<never>, messages: readonly Message[]): void {
  if (window === undefined) return;
  const counted = window.count(messages);
  // Nobody knows of NaN whether it fits.
  if (counted + maxOutputTokens <= window.tokens) return;
  throw new FaultError({
    class: 'context-window',
    message: `${counted} tokens and ${maxOutputTokens} for the answer do not fit into ${window.tokens}; it was not asked`,
    cost: NOTHING,
  });
}

async function generate<TModel extends LanguageModel>(
  languageModel: TModel,
  { output, outputSchema, maxOutputTokens, settings }: ModelOptions<never>,
  messages: readonly Message[],
  { signal, idempotencyKey, traceparent }: Assignment,
): Promise<GeneratedBy<TModel>> {
  const options: GenerateOptions = {
    ...settings,
    prompt: messages.map(specified),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(output === 'json' ? { responseFormat: jsonFormat(outputSchema) } : {}),
    abortSignal: signal,
    headers: { 'Idempotency-Key': idempotencyKey, ...(traceparent === undefined ? {} : { traceparent }) },
  };
  // TypeScript does not see that a call of TModel's method gives what TModel's method gives.
  return callOnce(signal, () => languageModel.doGenerate(options) as PromiseLike<GeneratedBy<TModel>>);
}

const jsonFormat = (schema: JSONSchema | undefined): object =>
  schema === undefined ? { type: 'json' } : { type: 'json', schema };

/** As the specification has it: only what the system says is a bare text. */
function specified({ role, content }: Message): object {
  if (role === 'system' || typeof content !== 'string') return { role, content };
  return { role, content: [{ type: 'text', text: content }] };
}

interface Bill {
  readonly cost: Micros | undefined;
  readonly source: string;
  readonly tokens: TokenCounts | undefined;
}

function billOf<TGenerated extends Generated>(
  { reportedCost, price, whenUsageIsMissing }: ModelOptions<TGenerated>,
  generated: TGenerated,
  { constraints }: Assignment,
): Bill {
  const tokens = tokensOf(generated.usage);
  const reported = reportedCost?.(generated);
  if (reported !== undefined) return { cost: roundedUp(reported), source: 'provider', tokens };
  const prices = pricesAt(price, Date.now());
  const cost = tokens === undefined || prices === undefined ? undefined : costOf(tokens, prices);
  if (cost === undefined && whenUsageIsMissing === 'charge-the-reservation')
    return { cost: microsOf(constraints.maxCost), source: 'reservation', tokens };
  return { cost, source: `price:${price.hash}`, tokens };
}

/** A fault in an answer, or in who reads it, does not make it free. */
function charged<T>({ cost }: Bill, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const fault = faultOf(error, Date.now());
    throw new FaultError(cost === undefined ? fault : { ...fault, cost }, { cause: error });
  }
}

/** What ends an answer before its end. */
const UNFINISHED: Readonly<Record<string, Fault>> = {
  length: { class: 'truncated', message: 'the answer was cut off at its length limit', code: 'length' },
  'content-filter': {
    class: 'content-filter',
    message: 'the provider has filtered the answer',
    code: 'content-filter',
  },
  error: { class: 'server-error', message: 'the provider has ended the answer with an error', code: 'error' },
};

function readAnswer<TGenerated extends Generated>(
  { output }: ModelOptions<TGenerated>,
  generated: TGenerated,
  assignment: Assignment,
): ModelAnswer<TGenerated> {
  const text = textOf(generated);
  const { finishReason } = generated;
  const unfinished = UNFINISHED[typeof finishReason === 'string' ? finishReason : finishReason.unified];
  if (unfinished !== undefined) refuseAnswer(unfinished, text);
  if (text.trim() === '') refuseAnswer({ class: 'empty', message: 'the answer is empty' });
  const value =
    output === 'json' ? jsonObjectOf(text, 'the answer') : readBy(() => output(text, assignment), text);
  return { output: value, text, generated };
}

function textOf({ content }: Generated): string {
  return content.map((part) => (part.type === 'text' && 'text' in part ? String(part.text) : '')).join('');
}
