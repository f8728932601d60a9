/**
 * For tests: an example as a user starts it.
 */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

export interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Runs a module in a folder, and gives what it has said. */
export async function started(moduleUrl: URL, cwd: string, ...args: string[]): Promise<Ended> {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const flags = ['--import', tsx, '--conditions=heddle-source', fileURLToPath(moduleUrl)];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, ...args], { cwd });
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}
