/**
 * The project that the command line works for: which store, and which code. The code is loaded only by commands that need it, and
 * together with the copy of Heddle that the code itself imports: what `durable` has noted of an actor is known to that copy alone.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Orchestration from '../../actors/index.ts';
import type { ActorDefinitions, check, createSystem, reproduce } from '../../runtime/index.ts';
import type { leveldb } from '../../storage/index.ts';
import { refusal } from '../control/trouble.ts';
import type { Refused } from '../control/trouble.ts';
import type { HeddleConfig } from './config.ts';
import { UsageError } from './exit.ts';

/** The parts of Heddle that open a store, and tell exported histories. */
export interface Library {
  readonly createSystem: typeof createSystem;
  readonly check: typeof check;
  readonly reproduce: typeof reproduce;
  readonly leveldb: typeof leveldb;
}

export interface Project {
  /** The folder of the store. */
  readonly store: string;
  /** The file with the code of the actors; undefined when there is none. */
  readonly codeFile: string | undefined;
}

const CONFIG_FILES = ['ts', 'mts', 'js', 'mjs'].map((extension) => `heddle.config.${extension}`);

/** What was said on the command line. */
export interface ProjectFlags {
  readonly store?: string | undefined;
  readonly actors?: string | undefined;
}

/**
 * Finds both. A configuration file in the working folder is loaded only when nothing else says where the store is.
 * @throws UsageError when nothing says which store
 */
export async function findProject(flags: ProjectFlags, folder: string = process.cwd()): Promise<Project> {
  const codeFile = findCode(flags, folder);
  if (flags.store !== undefined) return { store: resolve(folder, flags.store), codeFile };
  const store = codeFile === undefined ? undefined : (await loadCode(codeFile)).store;
  if (store === undefined)
    throw new UsageError(
      'say which store: --store <folder>, or `store` in a heddle.config.ts of this folder',
    );
  return { store: resolve(dirname(codeFile!), store), codeFile };
}

/** The file with the code of the actors; undefined when there is none. */
export function findCode({ actors }: ProjectFlags, folder: string = process.cwd()): string | undefined {
  if (actors !== undefined) return resolve(folder, actors);
  return CONFIG_FILES.map((name) => join(folder, name)).find((path) => existsSync(path));
}

export const needsCode = (): Refused =>
  refusal(
    'NeedsCode',
    'this needs the code of the actors: give it with --actors <file>, or in a heddle.config.ts of this folder',
  );

/** What a file with code has. Agents among the actors are for the `createSystem` that the code imports, which takes them as actors. */
interface Code extends Omit<HeddleConfig, 'actors'> {
  readonly actors: ActorDefinitions;
}

/** What a file can say besides its actors; the rest of it is its own business. */
const OF_CONFIG = ['store', 'supervise', 'decider', 'principal', 'router', 'sources'] as const;

/** The code of the actors. @throws Refused when it cannot be loaded, or is none */
export async function loadCode(file: string): Promise<Code> {
  if (!existsSync(file)) throw refusal('NotFound', `${file} does not exist`);
  const loaded = await load(file);
  const config = (loaded['default'] ?? loaded) as Partial<HeddleConfig>;
  // Either a configuration, or actors by name.
  const { actors, ...others } = { supervise: loaded['supervise'], ...config } as Partial<HeddleConfig>;
  const named = actors ?? loaded['actors'] ?? loaded['default'];
  if (typeof named !== 'object' || named === null) {
    throw refusal(
      'NeedsCode',
      `${file} must export its actors: \`export default defineConfig({ actors: { … } })\`, or \`export const actors = { … }\``,
    );
  }
  const given = OF_CONFIG.flatMap((name) => (others[name] === undefined ? [] : [[name, others[name]]]));
  return {
    actors: named as ActorDefinitions,
    ...(Object.fromEntries(given) as Omit<HeddleConfig, 'actors'>),
  };
}

async function load(file: string): Promise<Readonly<Record<string, unknown>>> {
  if (/^\.[cm]?ts$/.test(extname(file))) await understandTypeScript(file);
  try {
    return (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw refusal('NeedsCode', `${file} cannot be loaded: ${(error as Error).message}${hintFor(error)}`, {
      cause: error,
    });
  }
}

/** A module of ES that is taken for one of CommonJS, because its package does not say what it is. */
const hintFor = (error: unknown): string =>
  /require\(\) ES Module|import statement outside|Unexpected token 'export'/.test((error as Error).message)
    ? ' (name it .mts or .mjs, or say `"type": "module"` in package.json)'
    : '';

/** Newer releases of Node strip types themselves; for others the project must have tsx, which most that need it have. */
async function understandTypeScript(file: string): Promise<void> {
  const { typescript } = process.features as { readonly typescript?: unknown };
  if (Boolean(typescript) || process.execArgv.some((flag) => flag.includes('tsx'))) return;
  let tsx: string;
  try {
    tsx = createRequire(file).resolve('tsx/esm');
  } catch (error) {
    throw refusal(
      'NeedsCode',
      `${file} is TypeScript, which Node ${process.version} does not read: install tsx, or give the built JavaScript`,
      { cause: error },
    );
  }
  await import(pathToFileURL(tsx).href);
}

/** The copy of Heddle that the code imports; our own where there is no code, or it imports none. */
export async function libraryFor(codeFile: string | undefined): Promise<Library> {
  const [{ createSystem, check, reproduce }, { leveldb }] = await Promise.all([
    importFor(codeFile, 'heddle', () => import('../../runtime/index.ts')),
    importFor(codeFile, 'heddle/storage', () => import('../../storage/index.ts')),
  ]);
  return { createSystem, check, reproduce, leveldb };
}

/** Those whose stories can be told again. Agents have none: what they did stands in the histories of the runs that have asked them. */
export async function withoutAgents(codeFile: string, actors: ActorDefinitions): Promise<ActorDefinitions> {
  const { isAgent } = await orchestrationFor(codeFile);
  return Object.fromEntries(Object.entries(actors).filter(([, one]) => !isAgent(one)));
}

/** What knows agents and workflows, likewise. */
export const orchestrationFor = (codeFile: string | undefined): Promise<typeof Orchestration> =>
  importFor(codeFile, 'heddle/actors', () => import('../../actors/index.ts'));

async function importFor<T>(codeFile: string | undefined, name: string, own: () => Promise<T>): Promise<T> {
  if (codeFile === undefined) return own();
  let path: string;
  try {
    path = createRequire(codeFile).resolve(name);
  } catch {
    return own();
  }
  return (await import(pathToFileURL(path).href)) as T;
}
