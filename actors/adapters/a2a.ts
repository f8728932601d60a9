/**
 * An agent of somebody else as an agent of this house, over A2A 1.x, through the client that its user has made (`@a2a-js/sdk`).
 *
 * The input goes as one data part, under a message id that is the idempotency key; the output is the one data part among the
 * artifacts. The stream is used where there is one, since it tells the id of the task at once: whoever is told to stop can then tell
 * the other side. What asks for a person there asks for one here.
 *
 * It goes on with no task of before: an attempt is a task of its own at the other side.
 */
import type { Assignment, TaskResult } from '../../machines/contract.ts';
import { InvalidArgument } from '../../runtime/index.ts';
import { FaultError } from '../agents/fault-error.ts';
import { callOnce, carried } from './call.ts';
import type { Execute } from './call.ts';
import { isJsonObject, readBy, refuseAnswer } from './reading.ts';
import type { JsonObject } from './reading.ts';
import { charged, checkTerms, costBy, resultBy } from './terms.ts';
import type { Terms } from './terms.ts';

/** What is needed of `Client` of `@a2a-js/sdk/client`. */
export interface A2aClient {
  sendMessageStream(params: A2aRequest, options?: A2aCallOptions): AsyncIterable<unknown>;
  cancelTask(
    params: { tenant: string; id: string; metadata: undefined },
    options?: A2aCallOptions,
  ): Promise<unknown>;
}

export interface A2aCallOptions {
  signal?: AbortSignal;
  serviceParameters?: Record<string, string>;
}

export interface A2aRequest {
  tenant: string;
  message: {
    messageId: string;
    contextId: string;
    taskId: string;
    role: number;
    parts: A2aPart[];
    metadata: Record<string, unknown> | undefined;
    extensions: string[];
    referenceTaskIds: string[];
  };
  configuration: undefined;
  metadata: Record<string, unknown> | undefined;
}

export interface A2aPart {
  content: { $case: 'data'; value: unknown } | { $case: 'text'; value: string } | undefined;
  metadata: Record<string, unknown> | undefined;
  filename: string;
  mediaType: string;
}

/** What an agent has answered: the end of its task, or a message without one. */
export interface A2aAnswer {
  /** Absent when it has answered by a message alone. */
  readonly taskId?: string;
  readonly contextId?: string;
  readonly state: number | undefined;
  /** What it says of its state. */
  readonly statusText: string;
  /** Those of all its artifacts, in order; or those of its message. */
  readonly parts: readonly JsonObject[];
}

export interface A2aOptions extends Terms<A2aAnswer> {
  /** Which agent it is, for the record. */
  readonly name: string;
  /** What it is sent. Default: one data part with the input of the task. */
  readonly parts?: (assignment: Assignment) => readonly JsonObject[];
  /** Reads an answer that is not just one data part. One that throws makes it a fault, `not-parseable`. */
  readonly read?: (answer: A2aAnswer) => JsonObject;
  /** How long the other side may take to confirm that it was told to stop, in ms. Default 2,000. */
  readonly cancelWithinMs?: number;
}

/** `TaskState` of A2A 1.0. */
const STATES: Readonly<Record<number, string>> = {
  1: 'SUBMITTED',
  2: 'WORKING',
  3: 'COMPLETED',
  4: 'FAILED',
  5: 'CANCELED',
  6: 'INPUT_REQUIRED',
  7: 'REJECTED',
  8: 'AUTH_REQUIRED',
};
const ROLE_USER = 1;
const CANCEL_WITHIN_MS = 2000;

/** @throws InvalidArgument */
export function a2a<TOutput = JsonObject>(client: A2aClient, options: A2aOptions): Execute<TOutput> {
  checkOptions(client, options);
  return async (assignment) => {
    const startedAt = performance.now();
    const { signal } = assignment;
    const conversation = new Conversation();
    let told: Promise<unknown> | undefined;
    const onAbort = (): void => void (told = cancel(client, conversation, options));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await callOnce(signal, () => listen(client, options, assignment, conversation));
    } finally {
      signal.removeEventListener('abort', onAbort);
      await told;
    }
    return carried(resultOf(options, assignment, conversation.answer, startedAt));
  };
}

function checkOptions(client: object, options: A2aOptions): void {
  if (typeof client !== 'object' || client === null || !('sendMessageStream' in client))
    throw new InvalidArgument(
      'a2a.client',
      'must be a client of an A2A agent: an object with sendMessageStream',
    );
  if (typeof options.name !== 'string' || options.name === '')
    throw new InvalidArgument('a2a.name', 'must say which agent it is');
  const { cancelWithinMs = CANCEL_WITHIN_MS } = options;
  if (!(Number.isSafeInteger(cancelWithinMs) && cancelWithinMs >= 0))
    throw new InvalidArgument('a2a.cancelWithinMs', 'must be a whole number of ms');
  checkTerms(options, 'a2a');
}

async function listen(
  client: A2aClient,
  options: A2aOptions,
  assignment: Assignment,
  conversation: Conversation,
): Promise<void> {
  const { signal, idempotencyKey, traceparent } = assignment;
  const serviceParameters = {
    'Idempotency-Key': idempotencyKey,
    ...(traceparent === undefined ? {} : { traceparent }),
  };
  for await (const event of client.sendMessageStream(requestOf(options, assignment), {
    signal,
    serviceParameters,
  })) {
    conversation.take(event);
  }
}

function requestOf({ parts }: A2aOptions, assignment: Assignment): A2aRequest {
  const sent = parts?.(assignment) ?? [{ content: { $case: 'data', value: assignment.input } }];
  return {
    tenant: '',
    message: {
      messageId: assignment.idempotencyKey,
      contextId: '',
      taskId: '',
      role: ROLE_USER,
      parts: sent.map((part) => ({
        content: undefined,
        metadata: undefined,
        filename: '',
        mediaType: '',
        ...part,
      })),
      metadata: undefined,
      extensions: [],
      referenceTaskIds: [],
    },
    configuration: undefined,
    metadata: undefined,
  };
}

/** Tells the other side to stop. That it does not hear, or has ended meanwhile, changes nothing here. */
async function cancel(
  client: A2aClient,
  { answer: { taskId } }: Conversation,
  { cancelWithinMs = CANCEL_WITHIN_MS }: A2aOptions,
): Promise<void> {
  if (taskId === undefined) return;
  const signal = AbortSignal.timeout(cancelWithinMs);
  const told = client.cancelTask({ tenant: '', id: taskId, metadata: undefined }, { signal });
  await told.catch(() => {});
}

/** Puts together what arrives in pieces. */
class Conversation {
  #taskId: string | undefined;
  #contextId: string | undefined;
  #state: number | undefined;
  #statusText = '';
  #message: readonly JsonObject[] = [];
  readonly #artifacts = new Map<string, readonly JsonObject[]>();

  get answer(): A2aAnswer {
    return {
      ...(this.#taskId === undefined ? {} : { taskId: this.#taskId }),
      ...(this.#contextId === undefined ? {} : { contextId: this.#contextId }),
      state: this.#state,
      statusText: this.#statusText,
      parts: this.#taskId === undefined ? this.#message : [...this.#artifacts.values()].flat(),
    };
  }

  take(event: unknown): void {
    const payload = isJsonObject(event) ? event['payload'] : undefined;
    const value = isJsonObject(payload) ? payload['value'] : undefined;
    if (!isJsonObject(payload) || !isJsonObject(value))
      refuseAnswer({ class: 'not-parseable', message: 'the agent sent what is no event of A2A' });
    if (payload['$case'] === 'message') this.#message = partsOf(value);
    if (payload['$case'] === 'task') this.#takeTask(value);
    if (payload['$case'] === 'statusUpdate')
      this.#takeStatus(value['taskId'], value['contextId'], value['status']);
    if (payload['$case'] === 'artifactUpdate')
      this.#takeArtifact(value['artifact'], value['append'] === true);
  }

  #takeTask({ id, contextId, status, artifacts }: JsonObject): void {
    this.#takeStatus(id, contextId, status);
    this.#artifacts.clear();
    if (Array.isArray(artifacts)) for (const artifact of artifacts) this.#takeArtifact(artifact, false);
  }

  #takeStatus(taskId: unknown, contextId: unknown, status: unknown): void {
    this.#taskId = String(taskId);
    this.#contextId = String(contextId);
    if (!isJsonObject(status)) return;
    this.#state = typeof status['state'] === 'number' ? status['state'] : undefined;
    this.#statusText = textOf(partsOf(status['message']));
  }

  #takeArtifact(artifact: unknown, isMore: boolean): void {
    if (!isJsonObject(artifact)) return;
    const id = String(artifact['artifactId']);
    const before = isMore ? (this.#artifacts.get(id) ?? []) : [];
    this.#artifacts.set(id, [...before, ...partsOf(artifact)]);
  }
}

const partsOf = (holder: unknown): readonly JsonObject[] =>
  isJsonObject(holder) && Array.isArray(holder['parts']) ? holder['parts'].filter(isJsonObject) : [];

function valuesOf(parts: readonly JsonObject[], kind: string): readonly unknown[] {
  return parts
    .map(({ content }) => content)
    .filter((content) => isJsonObject(content) && content['$case'] === kind)
    .map((content) => (content as JsonObject)['value']);
}

const textOf = (parts: readonly JsonObject[]): string => valuesOf(parts, 'text').join('');

function resultOf(
  options: A2aOptions,
  assignment: Assignment,
  answer: A2aAnswer,
  startedAt: number,
): TaskResult {
  const { status, output } = judged(options, answer);
  return resultBy(options, assignment, answer, { status, output, model: `a2a/${options.name}`, startedAt });
}

function judged(options: A2aOptions, answer: A2aAnswer): Pick<TaskResult, 'status' | 'output'> {
  const { taskId, contextId, state, statusText } = answer;
  if (taskId === undefined) return { status: 'success', output: outputOf(options, answer) };
  const code = state === undefined ? 'UNSPECIFIED' : (STATES[state] ?? String(state));
  const message = statusText || `the agent left its task as ${code}, and does not say why`;
  const cost = costBy(options, answer);
  const fault = { message, code, ...(cost === undefined ? {} : { cost }) };
  switch (code) {
    case 'COMPLETED':
      return { status: 'success', output: outputOf(options, answer) };
    case 'INPUT_REQUIRED':
    case 'AUTH_REQUIRED':
      return { status: 'needs_review', output: { state: code, question: statusText, taskId, contextId } };
    case 'FAILED':
    // Nobody here has told it to: then it would not have come this far.
    case 'CANCELED':
      throw new FaultError({ class: 'agent-failure', ...fault });
    case 'REJECTED':
      throw new FaultError({ class: 'bad-request', ...fault });
    case 'SUBMITTED':
    case 'WORKING':
      throw new FaultError({
        class: 'server-error',
        ...fault,
        message: `the agent went silent while ${code}`,
      });
    default:
      throw new FaultError({
        class: 'contract-violation',
        ...fault,
        message: `no state of A2A 1.0: ${code}`,
      });
  }
}

const outputOf = (options: A2aOptions, answer: A2aAnswer): JsonObject =>
  charged(options, answer, () => readOutput(options, answer));

function readOutput({ read }: A2aOptions, answer: A2aAnswer): JsonObject {
  const { parts } = answer;
  if (read !== undefined) return readBy(() => read(answer), textOf(parts));
  if (parts.length === 0) refuseAnswer({ class: 'empty', message: 'the agent answered with nothing' });
  const [data, another] = valuesOf(parts, 'data');
  if (isJsonObject(data) && another === undefined) return data;
  const message = 'the agent answered with something else than one data part, and there is no read()';
  refuseAnswer({ class: 'not-parseable', message }, textOf(parts));
}
