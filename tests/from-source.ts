/**
 * Tests run the source and not the build, and the processes that they start do as well. The package starts some of its own, for what may
 * end one: those must be able to.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** The flags of Node with which a process does. */
export const FROM_SOURCE: readonly string[] = ['--import', tsx, '--conditions=heddle-source'];

/** What a process needs of the environment that it runs the source, and whatever it starts in its turn. */
export const optionsFromSource = (): string => `${process.env['NODE_OPTIONS'] ?? ''} --import=${tsx}`.trim();

/** From now on processes can run the source. @returns puts back what was there before: `beforeAll(childrenFromSource)` */
export function childrenFromSource(): () => void {
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = optionsFromSource();
  return () => {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
  };
}
