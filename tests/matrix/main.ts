/**
 * `npm run matrix [-- <variant> …]`: installs a copy of this tree, as `npm ci` would, and runs its tests on every Node that
 * is supported, and with the oldest peers that package.json allows.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Manifest {
  readonly engines: { readonly node: string };
  readonly peerDependencies: Readonly<Record<string, string>>;
}
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
const oldest = (range: string): string => range.replace(/^\D+/, '').replace(/^(\d+\.\d+)$/, '$1.0');

/** What is tested: a Node, and packages that replace those of the lock file. */
interface Variant {
  readonly name: string;
  /** A version of Node as npm writes it; undefined for the one that runs this. */
  readonly node?: string;
  readonly packages?: readonly string[];
}

const VARIANTS: readonly Variant[] = [
  { name: 'node-oldest', node: oldest(manifest.engines.node) },
  { name: 'node-20', node: '20' },
  { name: 'node-22', node: '22' },
  { name: 'node-24', node: '24' },
  ...Object.entries(manifest.peerDependencies).map(([peer, range]) => ({
    name: `${peer}-oldest`,
    packages: [`${peer}@${oldest(range)}`],
  })),
];

function run(command: string, args: readonly string[], cwd: string, path?: string): string | undefined {
  const env = path === undefined ? process.env : { ...process.env, PATH: `${path}:${process.env['PATH']}` };
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  return status === 0 ? undefined : `${stdout}\n${stderr}`;
}

/** A copy of the files that git knows or would take. */
function copyTree(to: string): void {
  const listed = spawnSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of listed.stdout.split('\0').filter(Boolean)) cpSync(join(root, file), join(to, file));
}

/** A folder that holds a certain Node, as `node`. Node's releases are also npm packages, by platform. */
function installNode(version: string, into: string): string {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const failure = run('npm', ['install', '--prefix', into, '--no-save', `${name}@${version}`], into);
  if (failure !== undefined) throw new Error(failure);
  return dirname(join(into, 'node_modules', name, 'bin', 'node'));
}

/** Runs the tests of one variant. Returns what they printed when they failed. */
function attempt({ node, packages = [] }: Variant): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-matrix-'));
  try {
    const path = node === undefined ? undefined : installNode(node, mkdtempSync(join(folder, 'node-')));
    copyTree(folder);
    return (
      run('npm', ['ci'], folder, path) ??
      (packages.length > 0
        ? run('npm', ['install', '--no-save', '--legacy-peer-deps', ...packages], folder, path)
        : undefined) ??
      run('npm', ['test'], folder, path)
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const chosen = process.argv.slice(2);
const known = VARIANTS.map(({ name }) => name);
const stranger = chosen.find((name) => !known.includes(name));
if (stranger !== undefined) {
  console.error(`there is no variant ${stranger}: there is ${known.join(', ')}`);
  process.exit(2);
}
for (const variant of VARIANTS.filter(({ name }) => chosen.length === 0 || chosen.includes(name))) {
  const startedAt = performance.now();
  const failure = attempt(variant);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  console.log(`${failure === undefined ? '✔' : '✘'} ${variant.name} (${seconds} s)`);
  if (failure === undefined) continue;
  console.log(failure);
  process.exitCode = 1;
}
