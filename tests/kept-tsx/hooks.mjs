// What Node asks before it loads a module: TypeScript is given as JavaScript, without its types. Tests start some three hundred
// processes. tsx takes a quarter of a second to be there, as long as most of them run; this keeps what it comes to, by the source.
import { hash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const KEPT = new URL('../../node_modules/.cache/heddle-tests/', import.meta.url);

/** @type {import('node:module').LoadHook} */
export async function load(url, context, nextLoad) {
  if (!url.startsWith('file:') || !/\.[cm]?ts$/.test(new URL(url).pathname)) return nextLoad(url, context);
  const path = fileURLToPath(url);
  const source = readFileSync(path, 'utf8');
  return { format: 'module', source: kept(source) ?? (await made(source, path)), shortCircuit: true };
}

const placeOf = (source) => new URL(`${hash('sha256', source, 'hex')}.js`, KEPT);

function kept(source) {
  try {
    return readFileSync(placeOf(source), 'utf8');
  } catch {
    return undefined;
  }
}

async function made(source, path) {
  const { transform } = await import('esbuild');
  const { code } = await transform(source, { loader: 'ts', target: 'es2023', sourcefile: path });
  mkdirSync(KEPT, { recursive: true });
  const place = placeOf(source);
  // Others may be about to do the same.
  const beside = new URL(`${place.href}.${process.pid}`);
  writeFileSync(beside, code);
  renameSync(beside, place);
  return code;
}
