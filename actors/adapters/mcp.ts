/**
 * A tool of an MCP server as an agent, through the client that its user has connected.
 *
 * A tool that fails answers with a value (`isError`): here that is a fault. Structured content is the output; a text is read only
 * by a function that says how. The hints of a tool (`readOnlyHint`, …) are claims of its server, and decide nothing.
 *
 * It keeps no session, and neither connects nor reconnects: the client belongs to its user.
 */
import type { Assignment } from '../../machines/contract.ts';
import type { Fault } from '../../machines/faults/fault.ts';
import { LONGEST_DELAY_MS } from '../../machines/permits/stopwatch.ts';
import { InvalidArgument } from '../../runtime/index.ts';
import { callOnce, carried, permitted } from './call.ts';
import type { Execute } from './call.ts';
import { faultOf } from './classify.ts';
import { isJsonObject, readBy, refuseAnswer } from './reading.ts';
import type { JsonObject } from './reading.ts';
import { charged, checkTerms, costBy, resultBy } from './terms.ts';
import type { Terms } from './terms.ts';

/** What is needed of `Client` of `@modelcontextprotocol/client`. */
export interface McpClient {
  callTool(params: McpCall, options?: McpCallOptions): Promise<unknown>;
}

/** What is needed of `Client` of `@modelcontextprotocol/sdk`, the older one. */
export interface LegacyMcpClient {
  callTool(params: McpCall, resultSchema?: undefined, options?: McpCallOptions): Promise<unknown>;
}

/** One of them: which, says `legacy`. */
type AnyMcpClient = McpClient & LegacyMcpClient;

export interface McpCall {
  name: string;
  arguments?: { [name: string]: unknown };
  _meta?: { [name: string]: unknown };
}

export interface McpCallOptions {
  signal?: AbortSignal;
  timeout?: number;
}

/** What a tool has answered. */
export interface McpAnswer {
  readonly content: readonly JsonObject[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
  readonly _meta?: unknown;
}

export interface McpOptions extends Terms<McpAnswer> {
  readonly tool: string;
  /** What the tool is called with. Default: the input of the task. */
  readonly arguments?: (assignment: Assignment) => JsonObject;
  /** Reads an answer without structured content. One that throws makes it a fault, `not-parseable`. */
  readonly read?: (answer: McpAnswer) => JsonObject;
  /** The client is that of `@modelcontextprotocol/sdk`, which takes its options elsewhere. */
  readonly legacy?: boolean;
}

/** @throws InvalidArgument */
export function mcp<TOutput = JsonObject>(
  client: McpClient,
  options: McpOptions & { readonly legacy?: false },
): Execute<TOutput>;
export function mcp<TOutput = JsonObject>(
  client: LegacyMcpClient,
  options: McpOptions & { readonly legacy: true },
): Execute<TOutput>;
export function mcp<TOutput>(client: AnyMcpClient, options: McpOptions): Execute<TOutput> {
  checkOptions(client, options);
  const { tool, read, legacy = false } = options;
  return async (assignment) => {
    const startedAt = performance.now();
    await permitted(assignment, { tool });
    const answer = await callOnce(assignment.signal, () =>
      call(client, legacy, callOf(options, assignment), {
        signal: assignment.signal,
        // Its own would be a minute, and more than a timer takes no time at all. Otherwise the signal ends it.
        timeout: Math.min(assignment.constraints.timeout, LONGEST_DELAY_MS),
      }),
    );
    checkAnswer(answer);
    if (answer.isError === true) refuseAnswer(failureOf(options, answer));
    const output = charged(options, answer, () => outputOf(answer, read));
    const done = { output, status: 'success', model: `mcp/${tool}`, startedAt } as const;
    return carried(resultBy(options, assignment, answer, done));
  };
}

function checkOptions(client: object, { tool, legacy = false, ...terms }: McpOptions): void {
  if (typeof client !== 'object' || client === null || !('callTool' in client))
    throw new InvalidArgument('mcp.client', 'must be a connected MCP client: an object with callTool');
  if (typeof tool !== 'string' || tool === '')
    throw new InvalidArgument('mcp.tool', 'must be the name of a tool');
  checkTerms(terms, 'mcp');
  // Taken for the other, a client would lose the signal, and nobody would notice before it is needed.
  const isLegacy = 'getServerCapabilities' in client && !('getProtocolEra' in client);
  if (isLegacy && !legacy)
    throw new InvalidArgument('mcp.legacy', 'must be true for a client of @modelcontextprotocol/sdk');
  if (!isLegacy && legacy)
    throw new InvalidArgument(
      'mcp.legacy',
      'is for clients of @modelcontextprotocol/sdk alone; this is another',
    );
}

function callOf({ tool, arguments: argue }: McpOptions, assignment: Assignment): McpCall {
  const { input, idempotencyKey, traceparent } = assignment;
  return {
    name: tool,
    arguments: { ...(argue?.(assignment) ?? input) },
    // The protocol reserves the names of W3C traces; other keys have a prefix.
    _meta: {
      'heddle/idempotencyKey': idempotencyKey,
      ...(traceparent === undefined ? {} : { traceparent }),
    },
  };
}

function call(
  client: AnyMcpClient,
  isLegacy: boolean,
  params: McpCall,
  options: McpCallOptions,
): Promise<unknown> {
  return isLegacy ? client.callTool(params, undefined, options) : client.callTool(params, options);
}

function checkAnswer(answer: unknown): asserts answer is McpAnswer {
  if (!isJsonObject(answer) || !Array.isArray(answer['content']) || !answer['content'].every(isJsonObject))
    refuseAnswer({ class: 'not-parseable', message: 'the tool answered what is no result of a tool' });
}

/** Servers put protocol errors into the text, as in `MCP error -32602: …`. */
const PROTOCOL_ERROR = /^MCP error (-\d+): /;

function failureOf(options: McpOptions, answer: McpAnswer): Fault {
  const message = textOf(answer) || 'the tool failed, and does not say why';
  const code = PROTOCOL_ERROR.exec(message)?.[1];
  const cost = costBy(options, answer);
  const fault = faultOf(
    { message, ...(code === undefined ? {} : { code: Number(code) }) },
    Date.now(),
    'agent-failure',
  );
  return cost === undefined ? fault : { ...fault, cost };
}

function outputOf(answer: McpAnswer, read: McpOptions['read']): JsonObject {
  const { structuredContent } = answer;
  if (isJsonObject(structuredContent)) return structuredContent;
  if (read === undefined)
    refuseAnswer(
      {
        class: 'not-parseable',
        message: 'the tool answered without structured content, and there is no read()',
      },
      textOf(answer),
    );
  return readBy(() => read(answer), textOf(answer));
}

const textOf = ({ content }: McpAnswer): string =>
  content.map((part) => (part['type'] === 'text' ? String(part['text']) : '')).join('');
