/**
 * For tests: an example as a user starts it.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { FROM_SOURCE } from '../../tests/from-source.ts';

export interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Runs a module in a folder, and gives what it has said. */
export async function started(moduleUrl: URL, cwd: string, ...args: string[]): Promise<Ended> {
  const flags = [...FROM_SOURCE, fileURLToPath(moduleUrl)];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, ...args], { cwd });
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}
