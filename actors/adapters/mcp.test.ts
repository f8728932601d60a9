// The lie: "what the tool did is what was reported". The official server over its standard streams, through both official clients; and a client that says
// what no server here would.
import { createRequire } from 'node:module';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../machines/faults/fault.ts';
import { assignment, faultIn, timeOut, TRACEPARENT } from './assignments.testsuite.ts';
import { mcp } from './mcp.ts';
import type { McpAnswer, McpCall, McpCallOptions, McpOptions } from './mcp.ts';

const SERVER = {
  command: process.execPath,
  args: [
    createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js'),
    'stdio',
  ],
  stderr: 'ignore' as const,
};
const INFO = { name: 'heddle-tests', version: '1.0.0' };
const TERMS = { cost: 0.002, confidence: 1 };
const textOf = ({ content }: McpAnswer) => ({ text: content.map(({ text }) => text).join('') });

describe('a tool of the official server', () => {
  const client = new Client(INFO);
  const legacy = new LegacyClient(INFO);
  const wire = heard(new StdioClientTransport(SERVER));
  const legacyWire = heard(new LegacyTransport(SERVER));
  beforeAll(() => Promise.all([client.connect(wire), legacy.connect(legacyWire)]));
  afterAll(() => Promise.all([client.close(), legacy.close()]));

  describe.each([
    ['its client', wire, (options: McpOptions) => mcp(client, { ...options, legacy: false })],
    ['its older client', legacyWire, (options: McpOptions) => mcp(legacy, { ...options, legacy: true })],
  ])('through %s', (_, { heard }, tool) => {
    const count = (method: string) => heard.filter((sent) => sent === method).length;

    it('answers with structured content', async () => {
      const task = assignment({ input: { location: 'Chicago' } });
      expect(await tool({ ...TERMS, tool: 'get-structured-content' })(task)).toEqual({
        id: task.id,
        status: 'success',
        output: { temperature: 36, conditions: 'Light rain / drizzle', humidity: 82 },
        metadata: {
          cost: 0.002,
          duration: expect.any(Number),
          model: 'mcp/get-structured-content',
          confidence: 1,
        },
      });
    });

    it('answers with a text, which is read by a function', async () => {
      const execute = tool({
        ...TERMS,
        tool: 'echo',
        arguments: ({ input }) => ({ message: input['say'] }),
        read: textOf,
      });
      expect((await execute(assignment({ input: { say: 'hello' } }))).output).toEqual({
        text: 'Echo: hello',
      });
    });

    it.each<[string, Partial<McpOptions>, object, Partial<Fault>]>([
      [
        'a text that nobody reads',
        { tool: 'echo' },
        { message: 'hi' },
        { class: 'not-parseable', answer: 'Echo: hi' },
      ],
      [
        'a text that cannot be read',
        { tool: 'echo', read: ({ content }) => JSON.parse(String(content[0]?.['text'])) as never },
        { message: 'hi' },
        { class: 'not-parseable', answer: 'Echo: hi' },
      ],
      ['wrong arguments', { tool: 'get-sum' }, { a: 'one' }, { class: 'bad-request', code: -32602 }],
      ['a tool that is not there', { tool: 'no-such-tool' }, {}, { class: 'bad-request', code: -32602 }],
    ])('%s: is a fault', async (_, options, input, expected) => {
      const execute = tool({ ...TERMS, tool: '', ...options });
      const calls = count('tools/call');
      expect(await faultIn(execute(assignment({ input: { ...input } })))).toMatchObject(expected);
      expect(count('tools/call')).toBe(calls + 1);
    });

    const LONG = { ...TERMS, tool: 'trigger-long-running-operation', read: textOf };

    it.each([
      ['its time is over', timeOut(), 'timeout'],
      ['it is not wanted', new Error('not wanted'), 'cancelled'],
    ])('is left when %s, and the client goes on', async (_, reason, expected) => {
      const stop = new AbortController();
      const [calls, cancels] = [count('tools/call'), count('notifications/cancelled')];
      const fault = faultIn(
        tool(LONG)(assignment({ input: { duration: 30, steps: 1 }, signal: stop.signal })),
      );
      await expect.poll(() => count('tools/call')).toBe(calls + 1);
      stop.abort(reason);
      expect(await fault).toEqual({ class: expected, message: `${reason.name}: ${reason.message}` });
      expect(count('notifications/cancelled')).toBe(cancels + 1);
      const echo = tool({ ...TERMS, tool: 'echo', read: textOf });
      expect((await echo(assignment({ input: { message: 'still here' } }))).output).toEqual({
        text: 'Echo: still here',
      });
    });

    it('has as much time as the task, by the clock of the client too', async () => {
      const constraints = { maxCost: 1, timeout: 50, qualityThreshold: 0 };
      const task = assignment({ input: { duration: 30, steps: 1 }, constraints });
      expect(await faultIn(tool(LONG)(task))).toMatchObject({ class: 'timeout' });
    });
  });

  it('is refused when the client is taken for the other', () => {
    expect(() => mcp(client as never, { ...TERMS, tool: 'echo', legacy: true })).toThrow(
      /mcp.legacy is for clients of/,
    );
    expect(() => mcp(legacy as never, { ...TERMS, tool: 'echo' })).toThrow(/mcp.legacy must be true/);
  });

  it.each([
    ['its client', () => new Client(INFO), StdioClientTransport, false],
    ['its older client', () => new LegacyClient(INFO), LegacyTransport, true],
  ])(
    'through %s, that loses its connection, has failed; and without one is unavailable',
    async (_, make, Transport, legacy) => {
      const transport = heard(new Transport(SERVER));
      const own = make();
      await own.connect(transport);
      const execute = mcp(own as never, {
        ...TERMS,
        tool: 'trigger-long-running-operation',
        legacy: legacy as never,
      });
      const fault = faultIn(execute(assignment({ input: { duration: 30, steps: 1 } })));
      await expect.poll(() => transport.heard).toContain('tools/call');
      await own.close();
      expect((await fault).class).toBe('server-error');
      expect((await faultIn(execute(assignment()))).class).toBe('unavailable');
    },
  );
});

/** A transport that remembers which messages were sent. */
function heard<TTransport extends { send(message: never, ...rest: never[]): Promise<void> }>(
  transport: TTransport,
): TTransport & { readonly heard: readonly string[] } {
  const methods: string[] = [];
  const send = transport.send.bind(transport);
  const listening = (message: never, ...rest: never[]): Promise<void> => {
    methods.push((message as { method: string }).method);
    return send(message, ...rest);
  };
  return Object.assign(transport, { heard: methods, send: listening });
}

describe('a tool of any server', () => {
  const calls: [McpCall, McpCallOptions | undefined][] = [];
  const answering = (answer: unknown) => ({
    callTool: async (params: McpCall, options?: McpCallOptions) => {
      calls.push([params, options]);
      return answer;
    },
  });

  it('gets the key, the trace, the signal and the time', async () => {
    const task = assignment();
    await mcp(answering({ content: [], structuredContent: {} }), { ...TERMS, tool: 't' })(task);
    expect(calls).toEqual([
      [
        {
          name: 't',
          arguments: task.input,
          _meta: { 'heddle/idempotencyKey': task.idempotencyKey, traceparent: TRACEPARENT },
        },
        { signal: task.signal, timeout: 10_000 },
      ],
    ]);
  });

  it('is given no more time than a client can wait for', async () => {
    calls.length = 0;
    const constraints = { maxCost: 1, timeout: 40 * 24 * 60 * 60_000, qualityThreshold: 0 };
    await mcp(answering({ content: [], structuredContent: {} }), { ...TERMS, tool: 't' })(
      assignment({ constraints }),
    );
    expect(calls).toMatchObject([[{}, { timeout: 2 ** 31 - 1 }]]);
  });

  it('that failed is called once, and its cost is kept', async () => {
    calls.length = 0;
    const failing = answering({ content: [{ type: 'text', text: 'disk full' }], isError: true });
    const fault = await faultIn(mcp(failing, { ...TERMS, tool: 't' })(assignment()));
    expect(fault).toEqual({ class: 'agent-failure', message: 'disk full', cost: 2000 });
    expect(calls).toHaveLength(1);
  });

  it.each([
    ['nothing', undefined],
    ['a text', 'hello'],
    ['what is no content', { content: 'hello' }],
  ])('that answers with %s is not parseable', async (_, answer) => {
    expect((await faultIn(mcp(answering(answer), { ...TERMS, tool: 't' })(assignment()))).class).toBe(
      'not-parseable',
    );
  });

  it('has cost what it costs, also where its answer is none', async () => {
    const talking = answering({ content: [{ type: 'text', text: 'sunny' }] });
    for (const read of [undefined, () => JSON.parse('sunny') as never]) {
      const fault = await faultIn(mcp(talking, { ...TERMS, tool: 't', ...(read && { read }) })(assignment()));
      expect(fault).toMatchObject({ class: 'not-parseable', answer: 'sunny', cost: 2000 });
    }
  });

  it('says by its answer what it cost, and how sure it was', async () => {
    const client = answering({ content: [], structuredContent: { sure: 0.6 }, _meta: { price: 0.03 } });
    const { metadata } = await mcp(client, {
      tool: 't',
      cost: ({ _meta }) => (_meta as { price: number }).price,
      confidence: (_, output) => Number(output['sure']),
    })(assignment());
    expect([metadata.cost, metadata.confidence]).toEqual([0.03, 0.6]);
  });

  it.each([
    ['mcp.tool', { tool: '' }],
    ['mcp.cost', { cost: -1 }],
    ['mcp.cost', { cost: undefined }],
    ['mcp.confidence', { confidence: 1.1 }],
  ])('%s that makes no sense is refused when it is given', (path, changes) => {
    const options = { tool: 't', ...TERMS, ...changes } as McpOptions & { legacy?: false };
    expect(() => mcp(answering({}), options)).toThrow(expect.objectContaining({ path }));
  });
});
