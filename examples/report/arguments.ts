/**
 * What can be said on the command line.
 */
import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const HELP = `
Writes a report about a folder of documents, in a process that is killed again and again.

  npm start                              about this project's own documents
  npm start -- ~/notes                   about any folder of Markdown and text files
  npm start -- --approve                 approve without asking (also the default without a terminal)

  --reject          decide the other way
  --by <name>       who decides                                       (you)
  --kills <n>       how often it is killed on its way to the gate     (3)
  --faults <n>      for how many documents the first attempt fails    (1)
  --think <ms>      how long each agent thinks, as a model would      (400)
  --data <folder>   where the store and the report go                 (.data/report)
  --resume          go on with what an earlier start left unfinished, instead of beginning anew
`;

export type Arguments = {
  readonly folder: string;
  readonly data: string;
  /** Undefined: ask. */
  readonly verdict: 'approve' | 'reject' | undefined;
  readonly by: string;
  readonly kills: number;
  readonly faults: number;
  readonly thinkMs: number;
  readonly resume: boolean;
};

/** A command line that cannot be followed. */
export class BadArguments extends Error {}

/** @throws BadArguments; undefined when only help is wanted */
export function readArguments(argv: readonly string[], isTerminal: boolean): Arguments | undefined {
  const { values, positionals } = parse(argv);
  if (values.help) return undefined;
  if (positionals.length > 1) throw new BadArguments(`one folder at a time, not ${positionals.length}`);
  if (values.approve && values.reject) throw new BadArguments('--approve and --reject exclude each other');
  const asked = values.approve ? 'approve' : values.reject ? 'reject' : undefined;
  return {
    folder: folderOf(positionals[0]),
    data: resolve(values.data ?? '.data/report'),
    verdict: asked ?? (isTerminal ? undefined : 'approve'),
    by: values.by ?? userInfo().username,
    kills: wholeNumber('--kills', values.kills ?? '3'),
    faults: wholeNumber('--faults', values.faults ?? '1'),
    thinkMs: wholeNumber('--think', values.think ?? '400'),
    resume: values.resume ?? false,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        approve: { type: 'boolean' },
        reject: { type: 'boolean' },
        by: { type: 'string' },
        kills: { type: 'string' },
        faults: { type: 'string' },
        think: { type: 'string' },
        data: { type: 'string' },
        resume: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new BadArguments((error as Error).message, { cause: error });
  }
}

function folderOf(given: string | undefined): string {
  const folder = given === undefined ? fileURLToPath(new URL('../../docs', import.meta.url)) : resolve(given);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new BadArguments(`${folder} is not a folder`);
  return folder;
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0)
    throw new BadArguments(`${name} must be a whole number, not ${JSON.stringify(text)}`);
  return number;
}
