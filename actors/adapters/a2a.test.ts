// The lie: "the other agent's task came to its end, and this is it". The official client against the official server, in all states a task can be in.
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, RequestListener, Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { Role, TaskState } from '@a2a-js/sdk';
import type { AgentCard, Message, Part, Task } from '@a2a-js/sdk';
import { ClientFactory } from '@a2a-js/sdk/client';
import type { Client } from '@a2a-js/sdk/client';
import { AgentEvent, DefaultRequestHandler, InMemoryTaskStore } from '@a2a-js/sdk/server';
import type { AgentExecutor, ExecutionEventBus, RequestContext } from '@a2a-js/sdk/server';
import { jsonRpcHandler, UserBuilder } from '@a2a-js/sdk/server/express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { microsOf } from '../../machines/values/money.ts';
import type { Fault } from '../../machines/faults/fault.ts';
import { a2a } from './a2a.ts';
import type { A2aOptions } from './a2a.ts';
import { assignment, faultIn, timeOut, TRACEPARENT } from './assignments.testsuite.ts';

const part = (content: Part['content']): Part => ({
  content,
  metadata: undefined,
  filename: '',
  mediaType: '',
});
const data = (value: unknown): Part => part({ $case: 'data', value });
const text = (value: string): Part => part({ $case: 'text', value });
const message = (...parts: Part[]): Message => ({
  ...{ messageId: 'm', contextId: '', taskId: '', role: Role.ROLE_AGENT, parts },
  ...{ metadata: undefined, extensions: [], referenceTaskIds: [] },
});

/** What it does is the `do` of the input. */
class Executor implements AgentExecutor {
  readonly requests: RequestContext[] = [];
  readonly cancelled: string[] = [];
  readonly #hanging = new Map<string, () => void>();

  execute = async (request: RequestContext, bus: ExecutionEventBus): Promise<void> => {
    this.requests.push(request);
    const { taskId, contextId, userMessage } = request;
    const { content } = userMessage.parts[0]!;
    const input = (content?.$case === 'data' ? content.value : {}) as { do: string; state?: TaskState };
    const ids = { taskId, contextId, metadata: undefined };
    const status = (state: TaskState, ...parts: Part[]) => ({
      ...{ state, timestamp: undefined },
      message: parts.length === 0 ? undefined : message(...parts),
    });
    const task = (state: TaskState): Task => ({
      ...{ id: taskId, contextId, status: status(state), artifacts: [], history: [], metadata: undefined },
    });
    const artifact = (id: string, append: boolean, ...parts: Part[]): void =>
      bus.publish(
        AgentEvent.artifactUpdate({
          ...ids,
          ...{ append, lastChunk: true },
          artifact: { artifactId: id, name: '', description: '', parts, metadata: undefined, extensions: [] },
        }),
      );
    const end = (state: TaskState, ...parts: Part[]): void => {
      bus.publish(AgentEvent.statusUpdate({ ...ids, status: status(state, ...parts) }));
      bus.finished();
    };
    if (input.do === 'say') {
      bus.publish(AgentEvent.message(message(data({ said: 'hello' }))));
      return bus.finished();
    }
    bus.publish(AgentEvent.task(task(TaskState.TASK_STATE_SUBMITTED)));
    switch (input.do) {
      case 'answer':
        bus.publish(AgentEvent.statusUpdate({ ...ids, status: status(TaskState.TASK_STATE_WORKING) }));
        artifact('a', false, data({ decision: 'yes' }));
        return end(TaskState.TASK_STATE_COMPLETED);
      case 'tell':
        artifact('a', false, text('once '));
        artifact('a', true, text('upon a '));
        artifact('b', false, text('TIME'));
        artifact('b', false, text('time'));
        return end(TaskState.TASK_STATE_COMPLETED);
      case 'end':
        return end(input.state!, text('because'));
      case 'hang':
        // Who returns has ended.
        return new Promise((resolve) => this.#hanging.set(taskId, resolve));
      default:
        return end(TaskState.TASK_STATE_COMPLETED);
    }
  };

  cancelTask = async (taskId: string, bus: ExecutionEventBus): Promise<void> => {
    this.cancelled.push(taskId);
    const ids = { taskId, contextId: '', metadata: undefined };
    const status = { state: TaskState.TASK_STATE_CANCELED, message: undefined, timestamp: undefined };
    bus.publish(AgentEvent.statusUpdate({ ...ids, status }));
    bus.finished();
    this.#hanging.get(taskId)?.();
  };
}

const cardFor = (url: string, streaming: boolean): AgentCard => ({
  ...{ name: 'oracle', description: '', version: '1', provider: undefined, signatures: [], skills: [] },
  ...{ securitySchemes: {}, securityRequirements: [], defaultInputModes: [], defaultOutputModes: [] },
  capabilities: { streaming, pushNotifications: false, extensions: [] },
  supportedInterfaces: [{ url, protocolBinding: 'JSONRPC', tenant: '', protocolVersion: '1.0' }],
});

const executor = new Executor();
const headers: IncomingHttpHeaders[] = [];
/** What the next request meets instead of the agent. */
const planned: RequestListener[] = [];
let server: Server;
let streaming: Client;
let blocking: Client;

beforeAll(async () => {
  const express = createRequire(import.meta.url)('express') as () => RequestListener & {
    use(handler: unknown): void;
  };
  const app = express();
  server = createServer((request, response) => {
    headers.push(request.headers);
    (planned.shift() ?? app)(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const requestHandler = new DefaultRequestHandler(cardFor(url, true), new InMemoryTaskStore(), executor);
  app.use(jsonRpcHandler({ requestHandler, userBuilder: UserBuilder.noAuthentication }));
  [streaming, blocking] = (await Promise.all(
    [true, false].map((streams) => new ClientFactory().createFromAgentCard(cardFor(url, streams))),
  )) as [Client, Client];
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const OPTIONS: A2aOptions = { name: 'oracle', cost: 0.01, confidence: 0.8 };

describe.each([
  ['a stream', () => streaming],
  ['one answer', () => blocking],
])('an agent that answers by %s', (_, clientOf) => {
  const doing = (input: Record<string, unknown>, options: Partial<A2aOptions> = {}) =>
    a2a(clientOf(), { ...OPTIONS, ...options })(assignment({ input }));

  it('has completed its task: its one data part is the output', async () => {
    const task = assignment({ input: { do: 'answer' } });
    expect(await a2a(clientOf(), OPTIONS)(task)).toEqual({
      id: task.id,
      status: 'success',
      output: { decision: 'yes' },
      metadata: { cost: 0.01, duration: expect.any(Number), model: 'a2a/oracle', confidence: 0.8 },
    });
    expect(executor.requests.at(-1)!.userMessage.messageId).toBe(task.idempotencyKey);
    expect(headers.at(-1)).toMatchObject({
      'idempotency-key': task.idempotencyKey,
      traceparent: TRACEPARENT,
    });
  });

  it('answers by a message alone, without a task', async () => {
    expect((await doing({ do: 'say' })).output).toEqual({ said: 'hello' });
  });

  it('tells in pieces, which are put together and read by a function', async () => {
    const read: A2aOptions['read'] = ({ parts }) => ({
      story: parts.map(({ content }) => (content as { value: string }).value).join(''),
    });
    expect((await doing({ do: 'tell' }, { read })).output).toEqual({ story: 'once upon a time' });
  });

  it.each([
    [TaskState.TASK_STATE_INPUT_REQUIRED, 'INPUT_REQUIRED'],
    [TaskState.TASK_STATE_AUTH_REQUIRED, 'AUTH_REQUIRED'],
  ])('asks for a person: state %d', async (state, name) => {
    const { status, output } = await doing({ do: 'end', state });
    const { taskId, contextId } = executor.requests.at(-1)!;
    expect([status, output]).toEqual([
      'needs_review',
      { state: name, question: 'because', taskId, contextId },
    ]);
  });

  it.each<[TaskState, Partial<Fault>]>([
    [TaskState.TASK_STATE_FAILED, { class: 'agent-failure', code: 'FAILED' }],
    [TaskState.TASK_STATE_CANCELED, { class: 'agent-failure', code: 'CANCELED' }],
    [TaskState.TASK_STATE_REJECTED, { class: 'bad-request', code: 'REJECTED' }],
  ])('has not done it: state %d is a fault, after one request', async (state, expected) => {
    const before = headers.length;
    const fault = await faultIn(doing({ do: 'end', state }));
    expect(fault).toEqual({ ...expected, message: 'because', cost: 10_000 });
    expect(headers.length).toBe(before + 1);
  });

  it.each<[string, Partial<Fault>]>([
    ['tell', { class: 'not-parseable', answer: 'once upon a time', cost: microsOf(0.01) }],
    ['nothing', { class: 'empty', cost: microsOf(0.01) }],
  ])('completes its task with what is no output (%s): a fault, with its cost', async (what, expected) => {
    expect(await faultIn(doing({ do: what }))).toMatchObject(expected);
  });

  const answering =
    (status: number, type: string, body: string): RequestListener =>
    (_, response) => {
      response.writeHead(status, { 'Content-Type': type }).end(body);
    };
  const rpcError = (code: number) =>
    answering(
      200,
      'application/json',
      JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code, message: 'no' } }),
    );

  it.each<[string, RequestListener, Partial<Fault>]>([
    ['429', answering(429, 'text/plain', 'slow down'), { class: 'rate-limit', code: 429 }],
    ['503', answering(503, 'text/plain', 'down'), { class: 'unavailable', code: 503 }],
    ['401', answering(401, 'text/plain', 'who?'), { class: 'auth', code: 401 }],
    ['a reset', (request) => request.socket.resetAndDestroy(), { class: 'server-error' }],
    ['an error of JSON-RPC', rpcError(-32602), { class: 'bad-request' }],
    ['an internal error', rpcError(-32603), { class: 'server-error' }],
  ])('meets us with %s: a fault of its class, after one request', async (_, listener, expected) => {
    const before = headers.length;
    planned.push(listener);
    expect(await faultIn(doing({ do: 'answer' }))).toMatchObject(expected);
    expect(headers.length).toBe(before + 1);
  });
});

describe('an agent whose answer is not wanted any more', () => {
  it('is told to stop, when its task is known', async () => {
    const stop = new AbortController();
    let events = 0;
    const client = {
      async *sendMessageStream(...sent: Parameters<Client['sendMessageStream']>) {
        for await (const event of streaming.sendMessageStream(...sent)) {
          yield event;
          events++;
        }
      },
      cancelTask: streaming.cancelTask.bind(streaming),
    };
    const fault = faultIn(a2a(client, OPTIONS)(assignment({ input: { do: 'hang' }, signal: stop.signal })));
    await expect.poll(() => events).toBe(1);
    const { taskId } = executor.requests.at(-1)!;
    stop.abort(timeOut());
    expect(await fault).toEqual({ class: 'timeout', message: 'TimeoutError: its time is over' });
    expect(executor.cancelled).toContain(taskId);
  });

  it('is left alone, when its task is not known yet', async () => {
    const stop = new AbortController();
    const before = headers.length;
    planned.push(() => {});
    const fault = faultIn(
      a2a(streaming, OPTIONS)(assignment({ input: { do: 'hang' }, signal: stop.signal })),
    );
    await expect.poll(() => headers.length).toBe(before + 1);
    stop.abort(new Error('cancelled'));
    expect(await fault).toMatchObject({ class: 'cancelled' });
    expect(headers.length).toBe(before + 1);
  });

  it('is not waited for when it does not confirm', async () => {
    const stop = new AbortController();
    const client = {
      async *sendMessageStream() {
        yield { payload: { $case: 'task', value: { id: 't', contextId: 'c', status: { state: 2 } } } };
        stop.abort(timeOut());
        throw new Error('the stream was aborted');
      },
      cancelTask: (_: unknown, { signal }: { signal?: AbortSignal } = {}) =>
        new Promise((_, reject) => signal!.addEventListener('abort', () => reject(new Error('no answer')))),
    };
    const execute = a2a(client, { ...OPTIONS, cancelWithinMs: 10 });
    expect(await faultIn(execute(assignment({ signal: stop.signal })))).toMatchObject({ class: 'timeout' });
  });
});

describe('an agent that breaks the protocol', () => {
  const sending = (...events: unknown[]) => ({
    async *sendMessageStream() {
      yield* events;
    },
    cancelTask: async () => {},
  });
  const task = (state: number) => ({
    payload: { $case: 'task', value: { id: 't', contextId: 'c', status: { state } } },
  });

  it.each<[string, unknown[], Fault['class']]>([
    ['goes silent in its work', [task(2)], 'server-error'],
    ['is in a state that is none', [task(42)], 'contract-violation'],
    ['sends what is no event', ['hello'], 'not-parseable'],
    ['sends nothing', [], 'empty'],
  ])('%s: is a fault', async (_, events, expected) => {
    expect((await faultIn(a2a(sending(...events), OPTIONS)(assignment()))).class).toBe(expected);
  });

  it.each([
    ['a2a.name', { name: '' }],
    ['a2a.confidence', { confidence: Number.NaN }],
    ['a2a.cancelWithinMs', { cancelWithinMs: -1 }],
  ])('%s that makes no sense is refused when it is given', (path, changes) => {
    expect(() => a2a(sending(), { ...OPTIONS, ...changes })).toThrow(expect.objectContaining({ path }));
  });
});
