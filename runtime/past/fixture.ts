/**
 * A fixture: a run that has failed, made into a test. Its history in a file, and a test that takes the failing steps again: red
 * until the code is mended, and a guard from then on.
 */
import { InvalidArgument } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import { exported } from './export.ts';

export interface FixtureOptions {
  /** Where the test finds the logic: a module that exports `actors`, as the test would import it. */
  readonly actors: string;
}

/** Two files that belong together, in one folder. */
export interface Fixture {
  readonly history: FixtureFile;
  readonly test: FixtureFile;
}

export interface FixtureFile {
  readonly name: string;
  readonly text: string;
}

/** @throws UnknownActor, JournalCorrupt, InvalidArgument */
export async function fixture(
  runtime: Runtime,
  address: string,
  { actors }: FixtureOptions,
): Promise<Fixture> {
  if (typeof actors !== 'string' || actors === '')
    throw new InvalidArgument('actors', "must say where the test finds the logic, such as './actors.ts'");
  const text = await exported(runtime, address);
  const name = address.replace(/[^\w.-]+/g, '-');
  const history = { name: `${name}.history.jsonl`, text };
  return { history, test: { name: `${name}.test.ts`, text: testOf(address, history.name, actors) } };
}

function testOf(address: string, history: string, actors: string): string {
  return `// ${address} has failed. This takes the steps again that did: red until the code is mended.
${imports('readFileSync', 'node:fs')}
${imports('expect, it', 'vitest')}
${imports('reproduce', 'heddle/testing')}
${imports('actors', actors)}

const history = readFileSync(new URL(${JSON.stringify(`./${history}`)}, import.meta.url), 'utf8');

it(${JSON.stringify(`${address} does not fail any more`)}, async () => {
  expect(await reproduce({ actors, history })).toEqual({ failures: [], differences: [] });
});
`;
}

const imports = (names: string, from: string): string => `import { ${names} } from ${JSON.stringify(from)};`;
