/** Another process: tells the histories again that it is given, a line each, and says what came of it. */
import { createInterface } from 'node:readline';
import { check } from 'heddle/testing';
import { workflow } from './workflow.ts';

for await (const line of createInterface({ input: process.stdin })) {
  const { seed, history } = JSON.parse(line) as { seed: number; history: string };
  const results = await check({ actors: { run: workflow(seed) }, history });
  const records = results.reduce((sum, result) => sum + result.records, 0);
  const different = results.filter(({ same }) => !same);
  process.stdout.write(`${JSON.stringify({ seed, records, different })}\n`);
}
