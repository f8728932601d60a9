// The lie: "the block in the README runs as it stands, and run again it goes on". It is the example, word for word; and the
// example is run twice.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { FROM_SOURCE } from './from-source.ts';

const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const readme = readFileSync(at('README.md'), 'utf8');
const example = readFileSync(at('examples/counter/main.ts'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'heddle-readme-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function runExample(): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...FROM_SOURCE, at('examples/counter/main.ts')],
    {
      cwd: folder,
    },
  );
  return stdout;
}

describe('the README', () => {
  it('shows the example as it is', () => {
    expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
  });

  it('tells what it prints', async () => {
    const first = await runExample();
    expect(first).toBe('1 clicks, record 2 of counter/clicks\n');
    expect(readme).toContain(first);
    expect(await runExample()).toBe('2 clicks, record 3 of counter/clicks\n');
  });

  it('says how each example is run, and that is how', () => {
    const { scripts } = JSON.parse(readFileSync(at('package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const examples = readdirSync(at('examples')).filter((name) => existsSync(at(`examples/${name}/main.ts`)));
    expect(examples.length).toBeGreaterThan(5);
    for (const name of examples) {
      const main = `examples/${name}/main.ts`;
      const [script] = Object.entries(scripts).find(([, command]) => command.endsWith(` ${main}`)) ?? [];
      const way =
        script === undefined ? `npx tsx ${main}` : `npm ${script === 'start' ? '' : 'run '}${script}`;
      expect(readme).toMatch(new RegExp(`^\\| \`${way}\` +\\| .*\\(${main}\\)`, 'm'));
    }
  });

  it('links to files that are there', () => {
    const pages = readdirSync(at('docs')).map((page) => `docs/${page}`);
    for (const page of ['README.md', 'ARCHITECTURE.md', ...pages]) {
      const links = readFileSync(at(page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g);
      for (const [, link] of links)
        expect([page, link, existsSync(join(at(page), '..', link!))]).toContain(true);
    }
  });
});
