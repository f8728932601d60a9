// The lie: "one agent can take the place of another, and whoever did the work, what went wrong is told alike". Agents of one contract, whose
// work is done by a model, an endpoint and a program, through the attempt that every task makes.
import { fileURLToPath } from 'node:url';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, attempt, http, model, priceTable, subprocess } from 'heddle/actors';
import type { Agent, Assignment, AttemptOutcome } from 'heddle/actors';
import { faultServer } from '../upstream/fault-server.ts';
import type { Behaviour, Upstream } from '../upstream/fault-server.ts';

const WORKER = fileURLToPath(new URL('../upstream/worker.mjs', import.meta.url));
const PRICE = priceTable('the tests', [
  { from: '2020-01-01', input: 3, cachedInput: 0.3, output: 15, reasoning: 15 },
]);
const COST_MICROS = 492;

/** As a table of agents has it: what its agents take is not known to the compiler. */
const INPUT: object = z.strictObject({ do: z.literal('answer') });

let upstream: Upstream;
beforeAll(async () => {
  upstream = await faultServer();
  upstream.say({ said: 'hello' });
});
afterAll(() => upstream.close());

function agents(): Readonly<Record<'model' | 'http' | 'subprocess', Agent>> {
  const contract = {
    capabilities: ['greet'],
    model: 'whoever does it',
    inputSchema: INPUT,
    outputSchema: z.strictObject({ said: z.string() }),
    repairs: ['strip-code-fence'],
  } as const;
  const stub = createOpenAICompatible({ name: 'stub', baseURL: `${upstream.url}/v1` })('stub-1');
  return {
    model: agent({
      ...contract,
      name: 'by-model',
      execute: model(stub, {
        prompt: ({ input }) => String(input['do']),
        output: 'json',
        confidence: () => 0.9,
        price: PRICE,
      }),
    }),
    http: agent({ ...contract, name: 'by-http', execute: http({ url: `${upstream.url}/task` }) }),
    subprocess: agent({
      ...contract,
      name: 'by-program',
      execute: subprocess({ command: process.execPath, args: [WORKER] }),
    }),
  };
}

let count = 0;
function assignment(signal = new AbortController().signal): Assignment {
  const id = `task-${++count}`;
  return {
    id,
    input: { do: 'answer' },
    context: { workflow: 'w', run: 'w/1', task: 't', values: {} },
    constraints: { maxCost: 1, timeout: 10_000, qualityThreshold: 0.5 },
    idempotencyKey: `${id}/1`,
    attempt: 1,
    signal,
    traceparent: undefined,
  };
}

describe('agents of one contract', () => {
  it('can stand in for each other', async () => {
    const all = Object.values(agents());
    expect(new Set(all.map(({ contract }) => contract.hash)).size).toBe(1);
    for (const one of all) {
      const { result, fault } = await attempt(one, assignment());
      expect(fault).toBeUndefined();
      expect(result).toMatchObject({ status: 'success', output: { said: 'hello' } });
    }
  });

  it.each<Behaviour>([
    'rate-limited',
    'quota-exceeded',
    'server-error',
    'unavailable',
    'unauthorised',
    'context-length',
    'reset',
    'html',
  ])('tell alike what went wrong: %s', async (behaviour) => {
    const { model, http } = agents();
    upstream.plan(behaviour, behaviour);
    const before = upstream.hits();
    const [one, other] = [await attempt(model, assignment()), await attempt(http, assignment())];
    expect(one.fault!.class).toBe(other.fault!.class);
    expect([one.fault!.code, one.fault!.retryAfterMs]).toEqual([
      other.fault!.code,
      other.fault!.retryAfterMs,
    ]);
    expect(upstream.hits()).toBe(before + 2);
  });
});

describe('an answer of a model', () => {
  it('that breaks the schema is no output, and was paid for', async () => {
    upstream.plan('wrong-schema');
    const outcome = await attempt(agents().model, assignment());
    expect(outcome.fault).toMatchObject({ class: 'schema-mismatch', cost: COST_MICROS });
    expect(outcome.fault!.problems!.map(({ pointer }) => pointer)).toContain('#/said');
  });

  it('in a fence is kept, and mended by the repair that was declared', async () => {
    upstream.plan('fenced-json');
    const outcome = await attempt(agents().model, assignment());
    expect(outcome).toMatchObject({
      fault: { class: 'not-parseable', cost: COST_MICROS },
      repaired: { output: { said: 'hello' }, applied: [{ repair: 'strip-code-fence' }] },
    });
  });
});

describe('an attempt whose time is over', () => {
  it.each(['model', 'http'] as const)('is told so at once, and hangs up: %s', async (name) => {
    const stop = new AbortController();
    const task = assignment(stop.signal);
    upstream.plan('hang');
    const late: AttemptOutcome[] = [];
    const outcome = attempt(agents()[name], task, { onLate: (one) => late.push(one) });
    await expect.poll(() => upstream.hits(task.idempotencyKey)).toBe(1);
    stop.abort(new DOMException('its time is over', 'TimeoutError'));
    expect((await outcome).fault!.class).toBe('timeout');
    await expect.poll(() => upstream.requests.at(-1)!.isAborted).toBe(true);
    await expect.poll(() => late.map(({ fault }) => fault?.class)).toEqual(['timeout']);
  });
});
