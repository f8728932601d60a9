/**
 * The transcript: what happened, told from the journals, with the kills between.
 */
import { basename } from 'node:path';
import { amountOf } from 'heddle/actors';
import type { Micros } from 'heddle/actors';
import type { Published } from './agents.ts';
import type { Attempt } from '../stage/steps.ts';
import type { Audit, AuditedStep } from './audit.ts';
import type { CorpusListing, Research, Summary, Verdict } from './text/index.ts';
import type { Screen } from '../stage/screen.ts';

/** Something that happened to the daemon. */
export type Incident = { readonly at: number; readonly what: string; readonly detail: string };

type Line = Incident & { readonly style?: 'red' | 'yellow' };

export function printTranscript(screen: Screen, found: Audit, incidents: readonly Incident[]): void {
  const { begunAt, steps, decision } = found;
  const lines: Line[] = [
    { at: begunAt, what: 'begun', detail: 'report/1' },
    ...steps.flatMap((step) => step.attempts.map((attempt) => tell(step, attempt))),
    ...incidents.map((incident) => ({ ...incident, style: 'red' as const })),
  ];
  if (decision !== undefined) {
    const { at, verdict, by, permittedBy } = decision;
    lines.push({ at, what: verdict, detail: `by ${by}: ${permittedBy.join(', ')}` });
  }
  for (const { at, what, detail, style } of lines.toSorted((a, b) => a.at - b.at)) {
    const time = new Date(at).toISOString().slice(11, 23);
    const line = `${what.padEnd(20)}${detail}`;
    screen.print(`  ${screen.paint('dim', time)}  ${style === undefined ? line : screen.paint(style, line)}`);
  }
}

/** An attempt in words. */
function tell({ task, path, output }: AuditedStep, attempt: Attempt): Line {
  const { to: at, agent, cost = 0, fault, message, move } = attempt;
  if (fault !== undefined) {
    const what = `✘ ${fault}`;
    return { at, what, detail: `${path ?? task}, ${agent}: ${message} → ${move}`, style: 'yellow' };
  }
  const [what, detail] = wordsFor(task, path, output);
  return { at, what, detail: `${detail} (${agent}, ${amountOf(cost as Micros)})` };
}

function wordsFor(task: string, path: string | undefined, output: unknown): readonly [string, string] {
  switch (task) {
    case 'corpus':
      return ['listed', `${(output as CorpusListing).documents.length} documents`];
    case 'research': {
      const { terms } = output as Research;
      const words = terms.slice(0, 5).map(({ term }) => term);
      return ['researched', words.join(', ')];
    }
    case 'summarise':
      return ['summarised', `${path}: ${(output as Summary).sentences.length} sentences`];
    case 'check': {
      const { verdicts } = output as { readonly verdicts: readonly Verdict[] };
      const verified = verdicts.filter(({ ok }) => ok).length;
      return ['checked', `${path}: ${verified} of ${verdicts.length} quotations stand in it`];
    }
    default:
      return ['published', basename((output as Published).path)];
  }
}

/** Who has worked, by whose leave, and what it has cost. */
export function printCosts(screen: Screen, { steps, money, decision }: Audit): void {
  screen.print(screen.paint('bold', 'Who did it, by which row of the table, and for how much'));
  for (const agent of new Set(steps.map((step) => step.agent))) {
    const own = steps.filter((step) => step.agent === agent);
    const attempts = own.flatMap((step) => step.attempts);
    const rows = new Set(own.flatMap(({ permittedBy }) => permittedBy));
    const cost = attempts.reduce((sum, attempt) => sum + (attempt.cost ?? 0), 0);
    const faults = attempts.filter(({ fault }) => fault !== undefined).length;
    const asked = `${attempts.length} × ${faults === 0 ? '' : `(${faults} failed) `}`;
    screen.print(
      `  ${agent.padEnd(14)}${[...rows].join(', ').padEnd(22)}${asked.padEnd(18)}${inMoney(cost)}`,
    );
  }
  if (decision !== undefined) {
    const { by, permittedBy, verdict } = decision;
    screen.print(`  ${by.padEnd(14)}${permittedBy.join(', ').padEnd(22)}${verdict}`);
  }
  screen.print(`  ${''.padEnd(54)}${inMoney(money.spent)} of ${inMoney(money.limit)}`);
}

const inMoney = (micros: number): string => amountOf(micros as Micros).toFixed(3);
