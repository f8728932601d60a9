// The lie: "a workflow is rehearsed without its agents". The workflows of the examples, with agents that tell when they are called.
import { fileURLToPath } from 'node:url';
import { simulate } from 'heddle/actors';
import type { Agent, PartStatus } from 'heddle/actors';
import { describe, expect, it } from 'vitest';
import { doneBy, isAgent } from '../actors/agents/agent.ts';
import { agents as contentAgents } from '../examples/content/agents.ts';
import { article } from '../examples/content/house.ts';
import { diagram, scribes } from '../examples/diagram/diagram.ts';
import { agents as financeAgents } from '../examples/finance/agents.ts';
import { check } from '../examples/finance/house.ts';
import { agents as intakeAgents } from '../examples/intake/agents.ts';
import { inbox } from '../examples/intake/intake.ts';
import { agents as reportAgents } from '../examples/report/agents.ts';
import { report } from '../examples/report/report.ts';
import { heddleInTurn } from './console/command-line.ts';

const SEED = 'rehearsed';
const called: string[] = [];

/** The same contracts, done by somebody who tells when they are asked. */
const telling = (agents: object): Readonly<Record<string, Agent>> =>
  Object.fromEntries(
    Object.values(agents)
      .filter(isAgent)
      .map((one) => {
        const execute = (): Promise<never> => {
          called.push(one.name);
          return Promise.reject(new Error('it is only rehearsed'));
        };
        return [one.name, doneBy(one, { model: one.model, execute })];
      }),
  );

const EXAMPLES = {
  diagram: [diagram, scribes],
  content: [article, contentAgents],
  finance: [check, financeAgents],
  intake: [inbox, intakeAgents],
  report: [report, reportAgents],
} as const;

describe.each(Object.entries(EXAMPLES))('the workflow of the example %s', (_, [workflow, agents]) => {
  const actors = telling(agents);

  it('comes to its end with its agents rehearsed, none of them is called, and it does so again', async () => {
    const [one, other] = [
      await simulate(workflow, { seed: SEED, actors }),
      await simulate(workflow, { seed: SEED, actors }),
    ];
    expect({ state: one.state, unended: one.unended }).toEqual({ state: 'complete', unended: undefined });
    const asked = one.tasks.flatMap(withParts).flatMap(({ attempts }) => attempts.map(({ agent }) => agent));
    expect(asked.length).toBeGreaterThan(0);
    for (const name of asked) expect(Object.keys(actors)).toContain(name);
    expect(called).toEqual([]);
    expect(JSON.stringify(other)).toBe(JSON.stringify(one));
  });

  it('begins where nobody is there', async () => {
    const { tasks } = await simulate(workflow, { seed: SEED });
    expect(tasks[0]!.attempts.length).toBeGreaterThan(0);
  });
});

it('would notice a call', async () => {
  const [one] = Object.values(telling(scribes));
  await expect(one!.execute({} as never)).rejects.toThrow('only rehearsed');
  expect(called.splice(0)).toEqual(['A']);
});

const withParts = (part: PartStatus): PartStatus[] => [part, ...(part.parts ?? []).flatMap(withParts)];

describe('the configuration of the report', () => {
  it('lets the command line tell of it', async () => {
    const code = fileURLToPath(new URL('../examples/report/heddle.config.ts', import.meta.url));
    const [rehearsed] = await heddleInTurn(['simulate', 'report', '--actors', code, '--seed', SEED]);
    expect(rehearsed).toMatchObject({ code: 0, stderr: '' });
    expect(rehearsed!.stdout).toContain('complete, by publisher');
  });
});
