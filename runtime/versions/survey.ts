/**
 * A survey: which of the actors that live were last run by other code than today's, and what will become of them. Costs nothing
 * as long as no code has changed: the rows of the codes say so.
 */
import { HeddleError, messageOf } from '../errors.ts';
import { readCell } from '../restore.ts';
import type { Restored } from '../restore.ts';
import type { Runtime } from '../runtime.ts';
import { versionOf, versionToday } from './codes.ts';
import type { CodeVersion, KnownCode } from './codes.ts';

export interface MigrationOptions {
  /** Only actors of this name, and those below them. */
  readonly name?: string;
  /** Only this actor, and those below it. */
  readonly address?: string;
}

/** An actor that was last run by other code than today's. */
export interface Migration {
  readonly address: string;
  readonly from: CodeVersion;
  /** Undefined when today's code has nothing under its name. */
  readonly to: CodeVersion | undefined;
  /** The parts of the code that are different. */
  readonly changed: readonly string[];
  /**
   * - `fits`: today's code tells its story, so it goes on.
   * - `migrated`: it is taken to today's version.
   * - `refused`: neither; it does not run, and is not touched.
   */
  readonly outcome: 'fits' | 'migrated' | 'refused';
  /** Why it is refused. */
  readonly reason: string | undefined;
}

/** What would become of each, one after the other. Changes nothing. */
export async function* migrations(
  runtime: Runtime,
  options: MigrationOptions = {},
): AsyncGenerator<Migration> {
  for await (const [address, who] of behind(runtime, options))
    yield* seen(runtime, address, who, () => readCell(runtime, who.actor, address));
}

/** Loads each of them, so that it goes on, or is refused. Resolves when that is on the disk. */
export async function migrate(runtime: Runtime, options: MigrationOptions = {}): Promise<Migration[]> {
  const done: Migration[] = [];
  for await (const [address, who] of behind(runtime, options)) {
    done.push(
      ...seen(runtime, address, who, () => {
        const restored = readCell(runtime, who.actor, address);
        runtime.population.load(who.actor, address);
        return restored;
      }),
    );
  }
  await runtime.committer.durable();
  return done;
}

/** One that is to be looked at. */
interface Candidate {
  readonly actor: number;
  readonly code: KnownCode;
  readonly number: number;
}

/** The addresses of those that were last run by code that is not today's, as far as that can be told without running any. */
async function* behind(
  runtime: Runtime,
  { name, address }: MigrationOptions,
): AsyncGenerator<readonly [address: string, who: Candidate]> {
  runtime.assertOpen();
  await runtime.committer.durable();
  const { population } = runtime;
  const old = oldCodes(runtime);
  const names = new Set([...old.values()].map(({ path }) => path[0]!));
  for (const root of names) {
    if (name !== undefined && name !== root) continue;
    for await (const one of population.addressesOf(root)) {
      if (address !== undefined && one !== address && !one.startsWith(`${address}/`)) continue;
      const actor = population.actorAt(one);
      // Whoever is in memory runs today's code already; whose name is damaged is refused for that.
      if (actor === undefined || population.present(actor) !== undefined) continue;
      const number = population.birthOf(actor)?.code;
      const code = number === undefined ? undefined : old.get(number);
      if (code !== undefined) yield [one, { actor, code, number: number! }];
      runtime.assertOpen();
    }
  }
}

/** Codes that are not today's, and under which somebody may live. */
function oldCodes({ codes, definitions }: Runtime): Map<number, KnownCode> {
  const old = new Map<number, KnownCode>();
  for (const [number, code] of codes.all()) {
    const definition = definitions.at(code.path);
    const isOld = definition === undefined || codes.numberOf(definition) !== number;
    if (isOld && code.retired === undefined) old.set(number, code);
  }
  return old;
}

function* seen(
  { codes, definitions }: Runtime,
  address: string,
  { code, number }: Candidate,
  look: () => Restored,
): Generator<Migration> {
  const definition = definitions.at(code.path);
  const about = {
    address,
    from: versionOf(code),
    to: definition && versionToday(definition),
    changed: definition === undefined ? [] : codes.changedSince(number, definition),
  };
  try {
    const { change } = look();
    // Its records since the checkpoint may say that it runs other code by now; or its life is over.
    if (change !== undefined) yield { ...about, outcome: change.kind, reason: undefined };
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    yield { ...about, outcome: 'refused', reason: messageOf(error) };
  }
}

/** Tells the operator at an opening, once everything else has begun. */
export async function reportSurvey(runtime: Runtime): Promise<void> {
  const counts = { fits: 0, migrated: 0, refused: 0 };
  const unused = new Set(oldCodes(runtime).keys());
  let first: Migration | undefined;
  for await (const [address, who] of behind(runtime, {})) {
    // One after the other, so that the system can work.
    await new Promise<void>((resolve) => runtime.clock.soon(resolve));
    runtime.assertOpen();
    for (const migration of seen(runtime, address, who, () => readCell(runtime, who.actor, address))) {
      unused.delete(who.number);
      counts[migration.outcome]++;
      if (migration.outcome === 'refused') first ??= migration;
    }
  }
  for (const number of unused) runtime.codes.retire(number);
  const all = counts.fits + counts.migrated + counts.refused;
  if (all === 0) return;
  const { logger } = runtime.options;
  logger.log(
    `heddle: the code of ${all} actors has changed: ${counts.fits} go on, ${counts.migrated} are migrated when they are loaded, ` +
      `${counts.refused} are refused`,
  );
  if (first !== undefined)
    logger.error(`heddle: ${first.address} is refused, the first of them: ${first.reason}`);
}
