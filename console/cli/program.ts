/**
 * The program: commands as data made into a command line, and how a run of it ends.
 */
import { Command as Declared, CommanderError } from 'commander';
import { refusal, Refused, troubleOf } from '../control/trouble.ts';
import { Flags } from './command.ts';
import type { Command } from './command.ts';
import { Exit, exitOf, UsageError } from './exit.ts';
import { exported } from './exports.ts';
import { halting } from './halting.ts';
import { inert } from './inert.ts';
import { journals } from './journals.ts';
import { letters } from './letters.ts';
import { looking } from './looking.ts';
import { moving } from './moving.ts';
import { plans } from './plans.ts';
import { ofReviews } from './reviews.ts';
import { ofRuns } from './runs.ts';
import { Session } from './session.ts';
import { simulations } from './simulations.ts';
import { Terminal } from './terminal.ts';
import { tellTrouble } from './troubles.ts';
import { upkeep } from './upkeep.ts';

const GROUPS: readonly (readonly [heading: string, commands: readonly Command[]])[] = [
  ['Looking:', looking],
  ['Runs of workflows:', ofRuns],
  ['Reviews:', ofReviews],
  ['The kill switch:', halting],
  ['Journals:', journals],
  ['Exported histories:', exported],
  ['Moving:', moving],
  ['Dead letters:', letters],
  ['The store:', upkeep],
  ['Workflows, before they run:', [...plans, ...simulations]],
];

/** Why a run was broken off. */
export class BrokenOff extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('broken off');
    this.exitCode = exitCode;
  }
}

/** Where a run writes. */
type Streams = { readonly stdout: NodeJS.WriteStream; readonly stderr: NodeJS.WriteStream };

/** Runs a command line. Resolves with the exit code, when everything is closed. */
export async function run(
  argv: readonly string[],
  stop: AbortController,
  { stdout, stderr }: Streams = process,
): Promise<number> {
  const { signal } = stop;
  const terminal = new Terminal(
    // `heddle history … | head`: who reads has enough. Anything else is no reader's wish.
    {
      signal,
      onGone: ({ code }) => stop.abort(new BrokenOff(code === 'EPIPE' ? Exit.Fine : Exit.Unavailable)),
    },
    stdout,
    stderr,
  );
  const isJson = argv.includes('--json');
  let exitCode: number = Exit.Fine;
  const program = declare(async (command, args, flags) => {
    const own = new Flags(flags);
    const how = { needs: command.needs, writes: command.writes?.(own) ?? false };
    await using session = new Session(terminal, flags, signal, how);
    await command.run(session, args, own);
    exitCode = session.exitCode;
  });
  try {
    // What commander says itself goes where everything goes.
    for (const one of [program, ...program.commands])
      one.configureOutput({
        writeOut: (text) => stdout.write(text),
        // In JSON it is told as all other trouble is.
        writeErr: (text) => isJson || stderr.write(text),
        outputError: (text, write) => write(text.replace(/^error:/, 'heddle:')),
      });
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (signal.aborted) return signal.reason instanceof BrokenOff ? signal.reason.exitCode : Exit.Interrupted;
    return tell(error, terminal, isJson);
  }
}

type Act = (
  command: Command,
  args: readonly string[],
  flags: Readonly<Record<string, unknown>>,
) => Promise<void>;

export function declare(act: Act): Declared {
  const program = new Declared('heddle')
    .description(
      'Looks at a Heddle store, or at the system that has it open, and does what a person decides about it.',
    )
    .option('--store <folder>', 'the store (default: what heddle.config.ts says)')
    .option('--actors <file>', 'the code of the actors (default: heddle.config.ts in this folder)')
    .option('--run', 'let the system run here while the command does, if nobody else runs it')
    .option('--json', 'JSON lines for programs')
    .option('--utc', 'times in UTC')
    .configureHelp({ showGlobalOptions: true, subcommandTerm: termOf })
    .showSuggestionAfterError()
    .showHelpAfterError('(--help says more)')
    .exitOverride();
  for (const [heading, commands] of GROUPS) {
    program.commandsGroup(heading);
    for (const command of commands) declareOne(program, command, act);
  }
  return program;
}

/** Without `[options]`, which all have. */
const termOf = (command: Declared): string =>
  [
    command.name(),
    ...command.registeredArguments.map((one) => {
      const name = `${one.name()}${one.variadic ? '...' : ''}`;
      return one.required ? `<${name}>` : `[${name}]`;
    }),
  ].join(' ');

function declareOne(program: Declared, command: Command, act: Act): void {
  const declared = program
    .command(command.usage)
    .summary(command.summary)
    .description(sentence(command.summary));
  for (const option of command.options ?? []) declared.addOption(option);
  declared.addHelpText('after', `\nExamples:\n${command.examples.map((line) => `  $ ${line}`).join('\n')}`);
  declared.action(async (...given: unknown[]) => {
    // Commander gives the arguments, of which the last may be a list, its options, and itself.
    const args = given.slice(0, -2).flat() as string[];
    await act(command, args, declared.optsWithGlobals());
  });
}

const sentence = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}.`;

/** What makes no sense, in one line. Where nothing was asked for, commander has only its help to tell. */
function senselessIn(error: CommanderError | UsageError): string {
  if (error instanceof CommanderError && error.code === 'commander.help')
    return 'say what is to be done: --help has the commands';
  return error.message.replace(/^error: /, '').replaceAll('\n', ' ');
}

/** Says what went wrong. Returns the exit code. */
function tell(error: unknown, terminal: Terminal, isJson: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return Exit.Fine;
  if (error instanceof CommanderError || error instanceof UsageError) {
    if (isJson) tellTrouble(refusal('BadRequest', senselessIn(error)).trouble, terminal, isJson);
    // Commander has said so itself.
    else if (error instanceof UsageError) terminal.say(`heddle: ${inert(error.message)}\n(--help says more)`);
    return Exit.Usage;
  }
  const trouble = error instanceof Refused ? error.trouble : troubleOf(error);
  tellTrouble(trouble, terminal, isJson);
  return exitOf(trouble);
}
