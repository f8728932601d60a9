// The lie: "every block of code in docs/workflows.md runs". All of them are run, one after the other as they stand there, and what
// they print must be what the page says.
import { readFileSync } from 'node:fs';
import * as heddle from 'heddle';
import * as actors from 'heddle/actors';
import * as storage from 'heddle/storage';
import { expect, it } from 'vitest';

const page = readFileSync(new URL('../docs/workflows.md', import.meta.url), 'utf8');
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => code!);

const worker = (name: string, can: string, work: (input: Record<string, unknown>) => object) =>
  actors.agent({
    name,
    capabilities: can.split(' '),
    model: 'local',
    inputSchema: { type: 'object' },
    outputSchema: { type: 'object' },
    estimate: () => 0,
    execute: (assignment) => {
      const output = work(assignment.input) as Record<string, unknown>;
      return Promise.resolve(
        actors.result(assignment, { output, cost: 0, duration: 1, model: 'local', confidence: 1 }),
      );
    },
  });

const until = async (holds: () => boolean): Promise<void> => {
  for (let i = 0; i < 500 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(holds()).toBe(true);
};

interface Run {
  getSnapshot(): { readonly status: string; readonly output?: unknown; matches(value: object): boolean };
}

/** What the page takes as given. */
const surroundings = {
  researcher: worker('researcher', 'research verify', ({ topic }) => ({
    text: `about ${String(topic)}`,
    confidence: 0.95,
  })),
  editor: worker('editor', 'summarise', ({ text }) => ({ text: `short: ${String(text)}` })),
  press: worker('press', 'publish withdraw', ({ text }) => ({ published: text })),
  decider: actors.roles("grants: [{ id: all, to: everyone, actions: ['*'], resources: any }]"),
  waiting: (run: Run, node: string) =>
    until(() => run.getSnapshot().matches({ working: { [node]: 'running' } })),
  ended: async (run: Run): Promise<unknown> => {
    await until(() => run.getSnapshot().status !== 'active');
    return run.getSnapshot().output;
  },
};

it('every block of code runs, and prints what the page says', async () => {
  const printed: string[] = [];
  const console = {
    log: (value: unknown) => printed.push(`${typeof value === 'string' ? value : JSON.stringify(value)}\n`),
  };
  const modules: Record<string, object> = {
    heddle,
    'heddle/actors': actors,
    'heddle/storage': storage,
    'node:fs/promises': { readFile: () => Promise.resolve(blocks('yaml')[0]) },
  };
  const code = blocks('ts')
    .join('\n')
    .replaceAll(/^import (\{.*?\}) from '(.+?)';$/gm, "const $1 = modules['$2'];");
  expect(code).not.toMatch(/^import/m);
  const AsyncFunction = (async () => {}).constructor as new (
    ...texts: string[]
  ) => (...values: unknown[]) => Promise<heddle.System<never>>;
  const names = Object.keys(surroundings);
  const run = new AsyncFunction('modules', 'console', ...names, `'use strict';\n${code}\nreturn system;`);
  const system = await run(modules, console, ...Object.values(surroundings));
  await system.close();
  expect(blocks('text').length).toBeGreaterThan(3);
  expect(printed).toEqual(blocks('text'));
});
