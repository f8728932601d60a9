/**
 * The command that rehearses a workflow: a run of it in memory and in virtual time, with stubs for agents and simulated people. It needs
 * no store, and opens none.
 */
import { existsSync } from 'node:fs';
import { Option } from 'commander';
import type * as Orchestration from '../../actors/index.ts';
import type { SimulateOptions, Simulation, SimulatedVerdict, Unended } from '../../actors/index.ts';
import { told } from '../control/told.ts';
import { refusal, troubleOf } from '../control/trouble.ts';
import { collected } from './command.ts';
import type { Command, Flags } from './command.ts';
import { Exit, UsageError } from './exit.ts';
import { tellHeading } from './fields.ts';
import { readText } from './files.ts';
import { inert } from './inert.ts';
import { tellProblems } from './plans.ts';
import { findCode, loadCode, orchestrationFor, withoutAgents } from './project.ts';
import { each, tellStatus } from './run-status.ts';
import type { StatusRow } from './run-status.ts';
import type { Session } from './session.ts';
import { storyColumns, storyOf } from './story.ts';

const simulate: Command = {
  usage: 'simulate <workflow>',
  summary:
    'what a run of a workflow would be like, before there are any agents; exits with 1 unless it completes',
  needs: 'journals',
  options: [
    new Option('--input <json>', 'what it is given (default: a sample made from its schema)'),
    new Option('--seed <text>', 'from which samples are made: the same tells the same story'),
    new Option('--decide <verdict>', 'what people decide')
      .choices(['approve', 'reject', 'abort'] satisfies SimulatedVerdict[])
      .default('approve'),
    new Option(
      '--fault <task=class>',
      'what the first attempt of a task comes to, or the next if it is repeated for the same task',
    ).argParser(collected),
    new Option('--confidence <number>', 'how sure every answer is, from 0 to 1 (default: 1)'),
    new Option('--full', 'with every attempt and value'),
  ],
  examples: [
    'heddle simulate report.yaml',
    'heddle simulate report.yaml --fault research=timeout --seed 4f21',
    'heddle simulate report --decide reject',
  ],
  async run(session, [workflow], flags) {
    const options = optionsIn(flags);
    const codeFile = findCode(session.flags);
    const code = codeFile === undefined ? undefined : await loadCode(codeFile);
    const orchestration = await orchestrationFor(codeFile);
    try {
      const logic = await found(session, workflow!, orchestration, {
        ...(code !== undefined && { actors: code.actors }),
        workflows: code === undefined ? {} : await withoutAgents(codeFile!, code.actors),
      });
      const { actors, router } = code ?? {};
      const given = {
        ...options,
        signal: session.signal,
        ...(actors && { actors }),
        ...(router && { router }),
      };
      await tell(session, await orchestration.simulate(logic, given), flags);
    } catch (error) {
      if (!(error instanceof orchestration.InvalidWorkflow)) throw asUsage(error, workflow!);
      session.exitCode = Exit.Refused;
      await tellProblems(session, workflow!, error.problems);
    }
  },
};

// ---- what is rehearsed, and how -----------------------------------------------------------------------------------

interface Known {
  readonly actors?: Readonly<Record<string, object>>;
  readonly workflows: Readonly<Record<string, unknown>>;
}

/** That of a file; where there is no such file, the one of that name in the code. @throws Refused, InvalidWorkflow */
async function found(
  { signal }: Session,
  named: string,
  { workflowFrom }: typeof Orchestration,
  { actors = {}, workflows }: Known,
): Promise<object> {
  const logic = Object.hasOwn(actors, named) && !existsSync(named) ? actors[named] : undefined;
  // What of them cannot be called is refused by whoever reads the file.
  const context = { workflows } as Orchestration.FileContext;
  return logic ?? workflowFrom(await readText(named, signal), context);
}

/** @throws UsageError */
function optionsIn(flags: Flags): SimulateOptions {
  const [seed, confidence] = [flags.text('seed'), flags.text('confidence')];
  return {
    ...inputIn(flags.text('input')),
    ...(seed !== undefined && { seed }),
    ...(confidence !== undefined && { confidence: Number(confidence) }),
    // One of those that are declared.
    decide: flags.text('decide') as SimulatedVerdict,
    faults: faultsIn(flags.texts('fault')),
  };
}

function inputIn(text: string | undefined): Pick<SimulateOptions, 'input'> {
  if (text === undefined) return {};
  try {
    return { input: JSON.parse(text) as unknown };
  } catch (error) {
    throw new UsageError(`--input must be JSON: ${(error as Error).message}`, { cause: error });
  }
}

function faultsIn(texts: readonly string[]): NonNullable<SimulateOptions['faults']> {
  const faults: Record<string, Orchestration.FaultClass[]> = {};
  for (const text of texts) {
    const at = text.lastIndexOf('=');
    if (at < 1) throw new UsageError(`--fault must be <task>=<class>, but is ${text}`);
    // Whether there is such a class, and such a task, is known by whoever rehearses.
    (faults[text.slice(0, at)] ??= []).push(text.slice(at + 1) as Orchestration.FaultClass);
  }
  return faults;
}

/** By the argument that makes no sense: what it is to whoever has typed it. */
const FLAGS: readonly (readonly [path: RegExp, flag: string])[] = [
  [/^faults\['(?<what>.*)'\]$/, '--fault '],
  [/^input$/, '--input'],
  [/^confidence$/, '--confidence'],
];

/** By its shape: what has thrown it may be of another copy of the package. */
function asUsage(error: unknown, named: string): unknown {
  const { code, fields, message } = troubleOf(error);
  const path = fields?.['path'];
  if (code !== 'HEDDLE_INVALID_ARGUMENT' || typeof path !== 'string') return error;
  if (path === 'workflow') return refusal('NotFound', `${named} is no workflow`, { cause: error });
  for (const [pattern, flag] of FLAGS) {
    const match = pattern.exec(path);
    if (match !== null)
      return new UsageError(message.replace(path, `${flag}${match.groups?.['what'] ?? ''}`), {
        cause: error,
      });
  }
  return error;
}

// ---- how it went --------------------------------------------------------------------------------------------------

const WHY: Readonly<Record<Unended, string>> = {
  'nothing-moves': 'nothing moves any more',
  'too-long': 'after a year there is still something to come',
  'too-much': 'it does not come to rest',
};

async function tell(session: Session, simulation: Simulation, flags: Flags): Promise<void> {
  if (simulation.state !== 'complete') session.exitCode = Exit.No;
  const row = told(simulation) as StatusRow & Pick<Simulation, 'seed' | 'unended'>;
  if (session.flags.json === true) return session.json(row);
  const { terminal } = session;
  await tellStatus(session, row, { isFull: flags.has('full') });
  await tellHeading(terminal, 'story');
  await session.list(each(storyOf(row)), storyColumns);
  await terminal.line();
  if (row.unended !== undefined)
    await terminal.line(terminal.paint('yellow', `the run has not ended: ${WHY[row.unended]}`));
  await terminal.line(`seed ${inert(row.seed)}`);
}

export const simulations: readonly Command[] = [simulate];
