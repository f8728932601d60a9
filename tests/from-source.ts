/**
 * Tests run the source and not the build, and the processes that they start do as well. The package starts some of its own, for what may
 * end one: those must be able to.
 */
const loader = new URL('./kept-tsx/register.mjs', import.meta.url).href;

/** The flags of Node with which a process does. */
export const FROM_SOURCE: readonly string[] = ['--import', loader, '--conditions=heddle-source'];

/** What a process needs of the environment that it runs the source, and whatever it starts in its turn. */
export const optionsFromSource = (): string =>
  `${process.env['NODE_OPTIONS'] ?? ''} --import=${loader}`.trim();

/** From now on processes can run the source. @returns puts back what was there before: `beforeAll(childrenFromSource)` */
export function childrenFromSource(): () => void {
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = optionsFromSource();
  return () => {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
  };
}
