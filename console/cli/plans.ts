/**
 * Commands about workflow files: what a file would do, and what two versions of it do differently. They need no store, and run
 * nothing: a file is data.
 */
import { Option } from 'commander';
import type * as Actors from '../../actors/index.ts';
import type { ContractProblem } from '../../actors/index.ts';
import type { Command, Flags } from './command.ts';
import { Exit } from './exit.ts';
import { readText } from './files.ts';
import { inert, inertLines } from './inert.ts';
import type { Session } from './session.ts';

const plan: Command = {
  usage: 'plan <file>',
  summary: 'what a workflow file would do, in waves; exits with 1 if anything is wrong with it',
  needs: 'journals',
  options: [
    new Option('--mermaid', 'as a flowchart for Mermaid'),
    new Option('--since <file>', 'what has changed from that version to this one').conflicts('mermaid'),
  ],
  examples: ['heddle plan report.yaml', 'heddle plan report.yaml --since report.old.yaml'],
  async run(session, [file], flags) {
    // It brings all that reads schemas, which no other command needs.
    const actors = await import('../../actors/index.ts');
    const text = await readText(file!, session.signal);
    try {
      const workflow = actors.workflowFrom(text);
      await tell(session, flags, actors, workflow);
    } catch (error) {
      if (!(error instanceof actors.InvalidWorkflow)) throw error;
      session.exitCode = Exit.No;
      await tellProblems(session, file!, error.problems);
    }
  },
};

async function tell(session: Session, flags: Flags, actors: typeof Actors, workflow: object): Promise<void> {
  const { json } = session.flags;
  const since = flags.text('since');
  if (since !== undefined) {
    const difference = actors.diffOf(await readText(since, session.signal), workflow);
    return json === true ? session.json(difference.changes) : lines(session, String(difference));
  }
  if (flags.has('mermaid')) {
    const drawn = actors.mermaid(workflow);
    return json === true ? session.json({ mermaid: drawn }) : lines(session, drawn.trimEnd());
  }
  const planned = actors.plan(workflow);
  return json === true ? session.json(planned) : lines(session, `${String(planned)}\n${planned.hash}`);
}

async function lines(session: Session, text: string): Promise<void> {
  for (const line of inertLines(text)) await session.terminal.line(line);
}

/** What is wrong with a file, a line for each. */
export async function tellProblems(
  session: Session,
  file: string,
  problems: readonly ContractProblem[],
): Promise<void> {
  for (const problem of problems) {
    if (session.flags.json === true) await session.json(problem);
    else {
      const { line = 1, column = 1, pointer, detail } = problem;
      // As compilers say it, so that an editor finds the place.
      await session.terminal.line(inert(`${file}:${line}:${column} ${pointer} ${detail}`));
    }
  }
}

export const plans: readonly Command[] = [plan];
