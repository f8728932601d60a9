/** A daemon that has given work to a program that ignores everything; for tests that kill it. */
import { fileURLToPath } from 'node:url';
import { subprocess } from '../../actors/adapters/process.ts';

const [file, keep] = process.argv.slice(2);
const execute = subprocess({
  command: process.execPath,
  args: [fileURLToPath(new URL('worker.mjs', import.meta.url))],
  keep: keep === 'keep',
});
await execute({
  id: 'task-1',
  input: { do: 'stay', file },
  context: { workflow: 'w', run: 'w/1', task: 't', values: {} },
  constraints: { maxCost: 0, timeout: 60_000, qualityThreshold: 0 },
  idempotencyKey: 'key-1',
  attempt: 1,
  signal: new AbortController().signal,
  traceparent: undefined,
});
